/*
 * engine.h - carries out a plan: dataflow scheduling, bounded calls in flight, intents before
 * calls, results after.
 *
 * Layer 3. pk_engine_run blocks; events arrive on the calling (coordinator) thread. docs/threads.md
 * lists the threads.
 */
#ifndef PK_ENGINE_ENGINE_H
#define PK_ENGINE_ENGINE_H

#include "base/cancel.h"
#include "base/clock.h"
#include "engine/journal.h"
#include "engine/provider.h"
#include "plan/plan.h"

enum pk_event_kind {
    PK_EVENT_STARTED, /* an action began */
    PK_EVENT_WAITING, /* it waits for AWS: `text` says for what */
    PK_EVENT_DONE,
    PK_EVENT_FAILED,   /* error is set */
    PK_EVENT_SKIPPED,  /* something it needs failed, or the run stops */
    PK_EVENT_ADOPTED,  /* a lost create was found again */
    PK_EVENT_STOPPING, /* first Ctrl-C, lost lock, failed write: text says why */
    PK_EVENT_TICK,     /* about every 100 ms while something runs: for live displays */
};

struct pk_event {
    enum pk_event_kind kind;
    const struct pk_action *action; /* NULL for STOPPING, TICK */
    const char *text;
    const struct pk_error *error;
    int64_t elapsed_ms; /* of the action, or of the run */
    size_t done, failed, running, total;
};

typedef void pk_event_fn(void *ctx, const struct pk_event *event);

struct pk_engine_config {
    struct pk_provider *provider;
    struct pk_journal *journal;
    const struct pk_clock *clock; /* NULL = system */
    struct pk_cancel
        *cancel;          /* raised by signals; the engine raises it to STOP itself when fenced */
    unsigned parallelism; /* calls in flight; 0 = 10 */
    int64_t timeout_ms;   /* whole run; 0 = none */
    bool waves;           /* barriers between waves */
    bool keep_going;      /* default true: independent parts continue after a failure */
    pk_event_fn *on_event;
    void *event_ctx;
    const char *deployment_id, *region;
    /* What outputs and networking of the graph resolve to is in the state at the end. */
};

struct pk_action_result {
    const struct pk_action *action;
    bool done, failed, skipped;
    struct pk_error *error;          /* failed */
    int64_t started_ms, finished_ms; /* monotonic; 0 = never started */
    char *note;
};

struct pk_engine_result {
    struct pk_action_result *actions; /* one per action that is not a no-op, in plan order */
    size_t n_actions;
    size_t created, updated, replaced, deleted, failed, skipped;
    bool stopped;           /* by signal, lost lock, time-out */
    struct pk_error *fatal; /* STATE_CONFLICT, LOCK_LOST, or a journal write that failed: state must
                               be spilled */
    int64_t elapsed_ms;
    int64_t critical_path_ms;    /* longest chain of measured action times */
    struct pk_vec critical_path; /* const char* keys */
};

/*
 * Runs every action of the plan on `state` (changed in place; it is what has been and must be
 * written). Before each mutating step the intent is durable; outputs and networking of the graph
 * are resolved into the state at the end, and the last write is made (unless fenced). True when
 * every action succeeded; false with the overall error, details in ret. The caller spills the state
 * when ret->fatal is set.
 */
PK_NODISCARD bool pk_engine_run(const struct pk_engine_config *config, const struct pk_plan *plan,
                                struct pk_graph *graph, struct pk_state *state,
                                struct pk_engine_result *ret, struct pk_error **err);
void pk_engine_result_release(struct pk_engine_result *result);

/* Reads everything in state that exists: key -> live properties / json null, for
 * pk_plan_input.live. Tags are under
 * "$tags", attributes are updated in `state`. Values are owned by the arena. */
PK_NODISCARD bool pk_engine_refresh(struct pk_provider *provider, struct pk_state *state,
                                    struct pk_arena *arena, const struct pk_cancel *cancel,
                                    struct pk_map **ret_live, struct pk_error **err);

/* TOKEN: base32(sha256(lineage|address|generation|op)), cut to `max` characters (≤ 52). */
void pk_engine_token(const char *lineage, const char *address, unsigned generation, const char *op,
                     size_t max, char *ret);

/*
 * The in-memory provider: any AWS::* type without AWS. Physical ids, ARNs and endpoints are made up
 * deterministically from name and key; a script can make calls fail or wait. Used by `--rehearse`
 * and by the engine's tests.
 */
struct pk_mem_script; /* engine/mem_provider.h */
struct pk_provider *pk_mem_provider_new(struct pk_traits_source traits, const char *region,
                                        const char *account_id);

#endif
