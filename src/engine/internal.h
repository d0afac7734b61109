/*
 * internal.h - the run of a plan, as the parts of the engine see it. Internal to engine/.
 *
 * Everything here belongs to the coordinator thread (the one that called pk_engine_run). Workers
 * get jobs with deep copies of what they need.
 */
#ifndef PK_ENGINE_INTERNAL_H
#define PK_ENGINE_INTERNAL_H

#include "engine/engine.h"
#include "engine/pool.h"
#include "json/json.h"

/* Longest a call may take; LEASE-GUARD asks for that much of the lease. */
#define PK_CALL_MS 60000
#define PK_DEFAULT_WAIT_MS ((int64_t)60 * 60 * 1000)

enum pk_node_state {
    PK_NODE_WAITING, /* for what it needs */
    PK_NODE_READY,
    PK_NODE_INTENT,  /* until its intent is durable */
    PK_NODE_CALLING, /* with the pool */
    PK_NODE_TIMER,   /* PK_AGAIN: holds no worker */
    PK_NODE_DONE,
    PK_NODE_FAILED,
    PK_NODE_SKIPPED,
};

/* Why a job was sent: what its answer means. */
enum pk_step {
    PK_STEP_CREATE,
    PK_STEP_UPDATE,
    PK_STEP_REMOVE,
    PK_STEP_FIND,
    PK_STEP_READ,
};

struct pk_node {
    const struct pk_action *action;
    struct pk_action_result *result; /* NULL for no-ops */
    struct pk_vec dependents;        /* struct pk_node */
    size_t n_waiting;
    int64_t remaining_ms; /* longest estimated path from here to the end */
    unsigned wave;
    enum pk_node_state state;
    enum pk_step step;
    struct pk_job job;
    struct pk_op op;
    struct pk_read read;
    struct pk_arena *arena; /* changes and texts of the operation */
    json_t *inputs;         /* desired properties with references resolved */
    char inputs_hash[80];
    char *op_id, *token;
    struct pk_state_resource *before; /* the record before the first intent; to withdraw it */
    bool saved, had_record;           /* saved: the two say what was there */
    uint64_t intent_version;          /* version of the state that holds the intent */
    int64_t due_ms;                   /* PK_NODE_TIMER */
    size_t active_index;              /* place in run->active */
    bool begun, sent;                 /* sent: a mutating call may have been made */
    bool first_call;                  /* the call that sent stands for may still be in the queue */
    bool adopting;                    /* finishing a create of unknown outcome */
    bool same_inputs;                 /* adopting what was made from the very same inputs */
    bool fresh_token;                 /* what the present token made does not exist any more */
    bool recreated;
    char *deposed_now; /* physical id that this run has put aside */
    unsigned find_tries;
    struct pk_error *create_error; /* why find was asked */
};

struct pk_run {
    const struct pk_engine_config *config;
    const struct pk_plan *plan;
    struct pk_graph *graph;
    struct pk_state *state;
    struct pk_engine_result *result;
    struct pk_pool *pool;
    struct pk_cancel own; /* what providers see: the caller's level, or higher */
    struct pk_node *nodes;
    size_t n_nodes, n_open; /* not finished */
    size_t n_total, n_done, n_failed, n_skipped, n_busy, n_calls;
    struct pk_vec active;      /* struct pk_node: begun and not finished */
    size_t *open_in_wave;      /* --waves: nodes that are not finished */
    struct pk_vec ready;       /* struct pk_node, kept as a heap: longest remaining path first */
    uint64_t version, written; /* of the state: raised with every change / durable */
    uint64_t writing;          /* version in flight, 0 = none */
    int64_t dirty_ms;          /* when the oldest unwritten change was made */
    int64_t started_ms, tick_ms;
    unsigned wave;
    bool stopping, swept, told, timed_out; /* swept: what had not begun is skipped */
    unsigned max_busy;
};

int64_t pk_run_now(const struct pk_run *run);
/* The state has changed; returns the version that will hold the change. */
uint64_t pk_run_dirty(struct pk_run *run);
void pk_run_event(struct pk_run *run, enum pk_event_kind kind, const struct pk_node *node,
                  const char *text, const struct pk_error *error);
/* STOP: nothing new begins. fatal (taken over) may be NULL. */
void pk_run_stop(struct pk_run *run, const char *why, struct pk_error *fatal);

void pk_run_loop(struct pk_run *run);   /* until everything is finished, failed or skipped */
void pk_run_finish(struct pk_run *run); /* outputs, last write, figures */
void pk_run_release(struct pk_run *run);

/* --- nodes (run.c) --- */
void pk_node_done(struct pk_run *run, struct pk_node *node, const char *note);
/* error is taken over. */
void pk_node_failed(struct pk_run *run, struct pk_node *node, struct pk_error *error);
/* The intent is in the state: `step` is called when it is durable. */
void pk_node_after_intent(struct pk_run *run, struct pk_node *node, enum pk_step step);
/* Calls now: nothing is changed by it, or its intent is durable already. */
void pk_node_call(struct pk_run *run, struct pk_node *node, enum pk_step step);
void pk_node_wait(struct pk_run *run, struct pk_node *node, int64_t ms, const char *text);

/* --- steps (begin.c, answers.c) --- */
void pk_node_begin(struct pk_run *run, struct pk_node *node);
void pk_node_answer(struct pk_run *run, struct pk_node *node);
/* The prepare functions put the intent into the state, or fail the node. */
void pk_prepare_create(struct pk_run *run, struct pk_node *node);
void pk_prepare_update(struct pk_run *run, struct pk_node *node, struct pk_change *changes,
                       size_t n_changes);
void pk_prepare_remove(struct pk_run *run, struct pk_node *node);
void pk_prepare_find(struct pk_run *run, struct pk_node *node);
void pk_prepare_read(struct pk_run *run, struct pk_node *node);
/* Fills node->inputs; false with *err when a reference has no value. */
bool pk_node_resolve(struct pk_run *run, struct pk_node *node, struct pk_error **err);
struct pk_change *pk_node_diff(struct pk_run *run, struct pk_node *node,
                               const struct pk_state_resource *prior, const json_t *live,
                               size_t *ret_n);
bool pk_change_list_replaces(const struct pk_change *changes, size_t n, const char **ret_path);

/* --- records in state (record.c) --- */
struct pk_state_resource *pk_record(struct pk_run *run, const struct pk_node *node); /* or NULL */
json_t *pk_record_deposed(const struct pk_state_resource *record, const char *id);   /* or NULL */
bool pk_record_is_deposed(const struct pk_state_resource *record, const char *id);
void pk_record_save_before(struct pk_run *run, struct pk_node *node);
/* Withdraws an intent whose call was never made. */
void pk_record_restore(struct pk_run *run, struct pk_node *node);
void pk_record_intent_create(struct pk_run *run, struct pk_node *node);
void pk_record_intent_update(struct pk_run *run, struct pk_node *node);
void pk_record_intent_remove(struct pk_run *run, struct pk_node *node);
void pk_record_depose(struct pk_run *run, struct pk_node *node);
void pk_record_undepose(struct pk_run *run, struct pk_node *node);
void pk_record_drop_deposed(struct pk_run *run, struct pk_node *node, const char *id);
/* The id that a create has answered. */
void pk_record_id(struct pk_run *run, struct pk_node *node);
void pk_record_ready(struct pk_run *run, struct pk_node *node);
void pk_record_problem(struct pk_run *run, struct pk_node *node, enum pk_status status,
                       bool keep_pending, const struct pk_error *error);
/* Nothing of the present resource exists any more. */
void pk_record_gone(struct pk_run *run, struct pk_node *node);
void pk_record_remove(struct pk_run *run, struct pk_node *node);
/* Before anything begins: keys that have changed, edges of what stays as it is. */
void pk_records_prepare(struct pk_run *run);
/* At the end: outputs and networking. */
void pk_records_outputs(struct pk_run *run, bool ok);
/* Token resolver over the state; ctx is the run. */
json_t *pk_record_resolve(void *ctx, const json_t *token);

/* --- operations (op.c) --- */
void pk_op_for_create(struct pk_run *run, struct pk_node *node);
void pk_op_for_update(struct pk_run *run, struct pk_node *node, struct pk_change *changes,
                      size_t n_changes);
void pk_op_for_remove(struct pk_run *run, struct pk_node *node);
void pk_op_for_find(struct pk_run *run, struct pk_node *node);
void pk_op_release(struct pk_node *node);
int64_t pk_op_limit(const struct pk_run *run, const struct pk_node *node);

/* --- the measured critical path (critical.c) --- */
void pk_run_critical_path(struct pk_run *run);
void pk_run_priorities(struct pk_run *run);

#endif
