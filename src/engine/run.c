/*
 * run.c - the coordinator: starts what is ready, sends jobs, writes the journal, reports.
 *
 * Dataflow: an action begins the moment the last thing it needs is done. Group commit: intents of
 * all actions that begin together are in one write, results ride along with the next one, and only
 * calls wait for writes, never the other way round.
 */
#include "engine/internal.h"

#include <stdlib.h>
#include <string.h>

#define TICK_MS 100
/* Results that no intent takes along are written after this time. */
#define WRITE_LATE_MS 500

int64_t pk_run_now(const struct pk_run *run) {
    return pk_monotonic_ms(run->config->clock);
}

uint64_t pk_run_dirty(struct pk_run *run) {
    if (run->version == run->written || run->version == run->writing)
        run->dirty_ms = pk_run_now(run);
    return ++run->version;
}

void pk_run_event(struct pk_run *run, enum pk_event_kind kind, const struct pk_node *node,
                  const char *text, const struct pk_error *error) {
    if (!run->config->on_event)
        return;
    int64_t now = pk_run_now(run), since = run->started_ms;
    if (node && node->result)
        since = node->result->started_ms ? node->result->started_ms : now;
    struct pk_event event = {.kind = kind,
                             .action = node ? node->action : NULL,
                             .text = text,
                             .error = error,
                             .elapsed_ms = now - since,
                             .done = run->n_done,
                             .failed = run->n_failed,
                             .running = run->n_busy,
                             .total = run->n_total};
    run->config->on_event(run->config->event_ctx, &event);
}

/* --- ready nodes: a heap, longest remaining path first --- */

static bool ahead_of(const struct pk_node *a, const struct pk_node *b) {
    return a->remaining_ms != b->remaining_ms ? a->remaining_ms > b->remaining_ms : a < b;
}

static void push_ready(struct pk_run *run, struct pk_node *node) {
    node->state = PK_NODE_READY;
    pk_vec_push(&run->ready, node);
    void **heap = run->ready.items;
    for (size_t at = run->ready.len - 1; at > 0; at = (at - 1) / 2) {
        size_t parent = (at - 1) / 2;
        if (!ahead_of(heap[at], heap[parent]))
            break;
        void *item = heap[at];
        heap[at] = heap[parent];
        heap[parent] = item;
    }
}

static struct pk_node *pop_ready(struct pk_run *run) {
    void **heap = run->ready.items;
    struct pk_node *node = heap[0];
    heap[0] = heap[--run->ready.len];
    for (size_t at = 0;;) {
        size_t best = at, left = 2 * at + 1;
        for (size_t child = left; child < left + 2 && child < run->ready.len; child++)
            if (ahead_of(heap[child], heap[best]))
                best = child;
        if (best == at)
            return node;
        void *item = heap[at];
        heap[at] = heap[best];
        heap[best] = item;
        at = best;
    }
}

/* --- the end of a node --- */

static void release_work(struct pk_node *node) {
    pk_op_release(node);
    json_decref(node->inputs);
    node->inputs = NULL;
    pk_state_resource_free(pk_steal(&node->before));
    pk_error_clear(&node->create_error);
    pk_error_clear(&node->job.error);
    free(pk_steal(&node->op_id));
    free(pk_steal(&node->token));
    free(pk_steal(&node->deposed_now));
    pk_arena_free(pk_steal(&node->arena));
}

static void close_node(struct pk_run *run, struct pk_node *node, enum pk_node_state state) {
    node->state = state;
    run->n_open--;
    run->open_in_wave[node->wave]--;
    if (!node->result)
        return;
    if (node->begun) {
        struct pk_node *last = pk_vec_pop(&run->active);
        run->active.items[node->active_index] = last; /* which may be the node itself */
        last->active_index = node->active_index;
        node->result->finished_ms = pk_run_now(run);
        run->n_busy--;
    }
    run->n_done += state == PK_NODE_DONE;
    run->n_failed += state == PK_NODE_FAILED;
    run->n_skipped += state == PK_NODE_SKIPPED;
}

static void count_done(struct pk_run *run, const struct pk_node *node) {
    struct pk_engine_result *r = run->result;
    switch (node->action->kind) {
    case PK_ACTION_CREATE:
        r->created++;
        break;
    case PK_ACTION_RESUME:
        if (node->action->prior && node->action->prior->physical_id)
            r->updated++;
        else
            r->created++;
        break;
    case PK_ACTION_UPDATE:
        r->updated++;
        break;
    case PK_ACTION_REPLACE:
        r->replaced++;
        break;
    case PK_ACTION_DELETE:
        r->deleted++;
        break;
    case PK_ACTION_NOOP:
    case PK_ACTION_FORGET:
    case PK_ACTION_DELETE_DEPOSED:
        break;
    }
}

void pk_node_done(struct pk_run *run, struct pk_node *node, const char *note) {
    if (node->result) {
        node->result->done = true;
        pk_error_set(&node->result->note, note);
        count_done(run, node);
    }
    close_node(run, node, PK_NODE_DONE);
    if (node->result)
        pk_run_event(run, PK_EVENT_DONE, node, node->result->note, NULL);
    release_work(node);
    for (size_t i = 0; i < node->dependents.len; i++) {
        struct pk_node *dependent = node->dependents.items[i];
        if (--dependent->n_waiting == 0 && dependent->state == PK_NODE_WAITING)
            push_ready(run, dependent);
    }
}

static void skip(struct pk_run *run, struct pk_node *node, const char *why) {
    if (node->result) {
        node->result->skipped = true;
        pk_error_set(&node->result->note, why);
    }
    close_node(run, node, PK_NODE_SKIPPED);
    if (node->result)
        pk_run_event(run, PK_EVENT_SKIPPED, node, why, NULL);
    release_work(node);
}

/* Only what needs this one is skipped; everything else goes on. */
static void skip_dependents(struct pk_run *run, struct pk_node *failed) {
    struct pk_vec queue = PK_VEC_INIT;
    pk_vec_push(&queue, failed);
    while (queue.len > 0) {
        const struct pk_node *node = pk_vec_pop(&queue);
        for (size_t i = 0; i < node->dependents.len; i++) {
            struct pk_node *dependent = node->dependents.items[i];
            if (dependent->state != PK_NODE_WAITING)
                continue;
            char *why PK_CLEANUP(pk_freep) =
                pk_asprintf("it needs %s, which %s", failed->action->key,
                            failed->state == PK_NODE_FAILED ? "failed" : "was not started");
            skip(run, dependent, why);
            pk_vec_push(&queue, dependent);
        }
    }
    pk_vec_release(&queue);
}

void pk_node_failed(struct pk_run *run, struct pk_node *node, struct pk_error *error) {
    bool fenced = error->code == PK_E_LOCK_LOST || error->code == PK_E_STATE_CONFLICT;
    node->result->failed = true;
    node->result->error = error;
    close_node(run, node, PK_NODE_FAILED);
    pk_run_event(run, PK_EVENT_FAILED, node, NULL, error);
    release_work(node);
    if (fenced)
        pk_run_stop(run, error->message, pk_error_copy(error));
    skip_dependents(run, node);
    if (!run->config->keep_going && !run->stopping)
        pk_run_stop(run, NULL, NULL);
}

/* --- STOP --- */

/* Begins nothing new; what is in flight goes on. After a lost lock or a failed write nothing can be
 * saved any more: then waits end as well, and every further call is refused by the guard. */
void pk_run_stop(struct pk_run *run, const char *why, struct pk_error *fatal) {
    run->stopping = true;
    pk_cancel_raise(&run->own, PK_CANCEL_STOP);
    if (fatal && run->result->fatal) {
        pk_error_free(fatal);
        fatal = NULL;
    } else if (fatal) {
        run->result->fatal = fatal;
        run->result->stopped = true;
        if (run->config->cancel)
            pk_cancel_raise(run->config->cancel, PK_CANCEL_STOP);
    }
    if (why && !run->told) {
        run->told = true;
        pk_run_event(run, PK_EVENT_STOPPING, NULL, why, fatal);
    }
}

static void interrupted(struct pk_run *run, struct pk_node *node, const char *what) {
    struct pk_error *error = NULL;
    struct pk_state_resource *r = pk_record(run, node);
    pk_fail(&error, run->timed_out ? PK_E_TIMEOUT : PK_E_CANCELLED, "interrupted while %s", what);
    pk_error_set(&error->address, node->action->key);
    if (r && !node->action->deposed_id)
        pk_record_problem(run, node, r->status, true, error);
    pk_node_failed(run, node, error);
}

/* An intent whose call was never made is taken back; one with calls behind it stays open. */
static void withdraw(struct pk_run *run, struct pk_node *node) {
    if (node->sent) {
        interrupted(run, node, "it was being changed");
        return;
    }
    if (!node->action->deposed_id)
        pk_record_restore(run, node);
    skip(run, node, "the run was stopped before it");
    skip_dependents(run, node);
}

static bool ends_waits(const struct pk_run *run) {
    return run->result->fatal || pk_cancel_level(&run->own) >= PK_CANCEL_NOW;
}

/* Calls that no worker has begun are taken back, but polls of what is in flight are not. */
static bool take_back(struct pk_run *run, struct pk_node *node) {
    if ((node->sent && !node->first_call) || !pk_pool_withdraw(run->pool, &node->job))
        return false;
    run->n_calls--;
    if (node->first_call)
        node->sent = false;
    return true;
}

static void stop_active(struct pk_run *run, struct pk_node *node) {
    if (node->state == PK_NODE_INTENT || (node->state == PK_NODE_CALLING && take_back(run, node)))
        withdraw(run, node);
    else if (node->state == PK_NODE_TIMER && ends_waits(run))
        interrupted(run, node, node->op.waiting_for ? node->op.waiting_for : "waiting");
}

static void stop_nodes(struct pk_run *run) {
    for (size_t i = 0; i < run->n_nodes && !run->swept; i++) {
        struct pk_node *node = &run->nodes[i];
        if (node->state == PK_NODE_READY || node->state == PK_NODE_WAITING)
            skip(run, node, "the run was stopped before it");
    }
    run->swept = true;
    run->ready.len = 0;
    /* backwards: a node that ends gives its place to the last one */
    for (size_t i = run->active.len; i > 0; i--)
        if (i <= run->active.len)
            stop_active(run, run->active.items[i - 1]);
}

/* Signals: the caller's flag is raised by the first and the second one. */
static void watch(struct pk_run *run) {
    int level = pk_cancel_level(run->config->cancel);
    int64_t limit = run->config->timeout_ms;
    if (level > pk_cancel_level(&run->own)) {
        run->result->stopped = true;
        run->told = run->told && level == PK_CANCEL_STOP;
        pk_cancel_raise(&run->own, level);
        pk_run_stop(run,
                    level == PK_CANCEL_NOW
                        ? "stopping now: calls and waits are ended, the state is saved"
                        : "stopping: what is in flight is finished, nothing new begins",
                    NULL);
    }
    if (limit > 0 && !run->timed_out && pk_run_now(run) - run->started_ms >= limit) {
        run->timed_out = run->result->stopped = true;
        pk_cancel_raise(&run->own, PK_CANCEL_NOW);
        pk_run_stop(run, "the time for this run is over: calls and waits are ended", NULL);
    }
    if (run->stopping)
        stop_nodes(run);
}

/* --- calls --- */

static bool changes_something(enum pk_step step) {
    return step == PK_STEP_CREATE || step == PK_STEP_UPDATE || step == PK_STEP_REMOVE;
}

void pk_node_call(struct pk_run *run, struct pk_node *node, enum pk_step step) {
    static const enum pk_job_kind kinds[] = {
        [PK_STEP_CREATE] = PK_JOB_CREATE, [PK_STEP_UPDATE] = PK_JOB_UPDATE,
        [PK_STEP_REMOVE] = PK_JOB_REMOVE, [PK_STEP_FIND] = PK_JOB_FIND,
        [PK_STEP_READ] = PK_JOB_READ,
    };
    node->step = step;
    node->state = PK_NODE_CALLING;
    if (!node->op.started_ms)
        node->op.started_ms = pk_run_now(run);
    node->job = (struct pk_job){.kind = kinds[step],
                                .owner = node,
                                .priority = node->remaining_ms,
                                .op = &node->op,
                                .read = &node->read};
    run->n_calls++;
    pk_pool_submit(run->pool, &node->job);
}

void pk_node_after_intent(struct pk_run *run, struct pk_node *node, enum pk_step step) {
    (void)run;
    node->step = step;
    node->state = PK_NODE_INTENT;
}

static void fail_timeout(struct pk_run *run, struct pk_node *node, int64_t waited) {
    char span[32];
    struct pk_error *error = NULL;
    pk_duration_human(waited, span);
    pk_fail(&error, PK_E_TIMEOUT, "waited %s for %s", span,
            node->op.waiting_for ? node->op.waiting_for : "it to become ready");
    pk_error_hint(&error, "run the same command again: it goes on waiting where this one stopped");
    node->job.error = error;
    node->job.progress = PK_FAILED;
    pk_node_answer(run, node);
}

void pk_node_wait(struct pk_run *run, struct pk_node *node, int64_t ms, const char *text) {
    int64_t now = pk_run_now(run), waited = now - node->op.started_ms;
    if (node->op.started_ms && waited > pk_op_limit(run, node)) {
        fail_timeout(run, node, waited);
        return;
    }
    node->state = PK_NODE_TIMER;
    node->due_ms = now + (ms > 0 ? ms : 0);
    pk_run_event(run, PK_EVENT_WAITING, node, text, NULL);
}

static void fire_timers(struct pk_run *run, int64_t *next_ms) {
    int64_t now = pk_run_now(run);
    for (size_t i = 0; i < run->active.len; i++) {
        struct pk_node *node = run->active.items[i];
        if (node->state != PK_NODE_TIMER)
            continue;
        if (node->due_ms <= now)
            pk_node_call(run, node, node->step);
        else if (node->due_ms - now < *next_ms)
            *next_ms = node->due_ms - now;
    }
}

/* --- beginning --- */

static size_t count_active(const struct pk_run *run, enum pk_node_state state) {
    size_t n = 0;
    for (size_t i = 0; i < run->active.len; i++)
        n += ((const struct pk_node *)run->active.items[i])->state == state;
    return n;
}

/* Begins what may begin; false when nothing did. With --waves, nodes of later waves stay in the
 * heap until everything before them is finished. */
static bool begin_some(struct pk_run *run) {
    struct pk_vec later = PK_VEC_INIT;
    bool any = false;
    size_t waiting = run->ready.len > 0 ? count_active(run, PK_NODE_TIMER) : 0;
    while (run->config->waves && run->wave < run->n_nodes && run->open_in_wave[run->wave] == 0)
        run->wave++;
    while (run->ready.len > 0 && !run->stopping) {
        const struct pk_node *next = run->ready.items[0];
        if (next->action->kind != PK_ACTION_NOOP && run->n_busy >= run->max_busy + waiting)
            break;
        struct pk_node *node = pop_ready(run);
        if (run->config->waves && node->wave > run->wave) {
            pk_vec_push(&later, node);
            continue;
        }
        pk_node_begin(run, node);
        any = true;
    }
    for (size_t i = 0; i < later.len; i++)
        push_ready(run, later.items[i]);
    pk_vec_release(&later);
    return any;
}

static void begin_ready(struct pk_run *run) {
    while (begin_some(run))
        ;
}

/* --- the journal --- */

static void start_write(struct pk_run *run) {
    run->writing = run->version;
    pk_pool_write(run->pool, pk_state_copy(run->state));
}

static void write_if_due(struct pk_run *run) {
    if (run->writing || run->result->fatal || run->version == run->written)
        return;
    if (count_active(run, PK_NODE_INTENT) > 0 || pk_run_now(run) - run->dirty_ms >= WRITE_LATE_MS)
        start_write(run);
}

static void take_write(struct pk_run *run, struct pk_written *w) {
    uint64_t version = run->writing;
    run->writing = 0;
    if (w->ok) {
        run->written = version;
        run->state->serial = w->serial;
        pk_state_set_text(&run->state->write_id, w->copy->write_id);
        pk_state_set_text(&run->state->lock_id, w->copy->lock_id);
    } else {
        if (!w->error)
            pk_fail(&w->error, PK_E_INTERNAL, "the state could not be written");
        char *why PK_CLEANUP(pk_freep) =
            pk_asprintf("the state could not be saved: %s", w->error->message);
        pk_run_stop(run, why, w->error);
    }
    pk_state_free(w->copy);
}

/* INTENT: calls go out when what they will do is durable. */
static void send_durable(struct pk_run *run) {
    for (size_t i = 0; i < run->active.len; i++) {
        struct pk_node *node = run->active.items[i];
        if (node->state == PK_NODE_INTENT && node->intent_version <= run->written &&
            !run->stopping) {
            node->first_call = !node->sent && changes_something(node->step);
            node->sent = node->sent || changes_something(node->step);
            pk_node_call(run, node, node->step);
        }
    }
}

/* --- the loop --- */

static void collect(struct pk_run *run, int64_t timeout_ms) {
    struct pk_vec done = PK_VEC_INIT;
    struct pk_written written = {0};
    bool wrote = pk_pool_wait(run->pool, timeout_ms, &done, &written);
    if (wrote)
        take_write(run, &written);
    for (size_t i = 0; i < done.len; i++) {
        struct pk_node *node = ((struct pk_job *)done.items[i])->owner;
        run->n_calls--;
        node->first_call = false;
        pk_node_answer(run, node);
    }
    pk_vec_release(&done);
    if (wrote)
        send_durable(run);
}

static void tick(struct pk_run *run) {
    int64_t now = pk_run_now(run);
    if (now - run->tick_ms < TICK_MS || run->n_busy == 0)
        return;
    run->tick_ms = now;
    pk_run_event(run, PK_EVENT_TICK, NULL, NULL, NULL);
}

void pk_run_loop(struct pk_run *run) {
    for (size_t i = 0; i < run->n_nodes; i++)
        if (run->nodes[i].n_waiting == 0)
            push_ready(run, &run->nodes[i]);
    for (;;) {
        int64_t timeout = TICK_MS;
        watch(run);
        begin_ready(run);
        write_if_due(run);
        fire_timers(run, &timeout);
        if (run->n_open == 0 && !run->writing)
            break;
        collect(run, timeout);
        tick(run);
    }
}

static void write_last(struct pk_run *run) {
    struct pk_vec done = PK_VEC_INIT;
    struct pk_written written = {0};
    if (run->result->fatal)
        return;
    start_write(run);
    while (!pk_pool_wait(run->pool, TICK_MS, &done, &written))
        tick(run);
    take_write(run, &written);
    pk_vec_release(&done);
}

void pk_run_finish(struct pk_run *run) {
    bool ok = run->n_failed + run->n_skipped == 0 && !run->stopping;
    pk_records_outputs(run, ok);
    write_last(run);
    run->result->failed = run->n_failed;
    run->result->skipped = run->n_skipped;
    run->result->elapsed_ms = pk_run_now(run) - run->started_ms;
    pk_run_critical_path(run);
}

void pk_run_release(struct pk_run *run) {
    pk_pool_free(run->pool);
    for (size_t i = 0; i < run->n_nodes; i++) {
        release_work(&run->nodes[i]);
        pk_vec_release(&run->nodes[i].dependents);
    }
    pk_vec_release(&run->ready);
    pk_vec_release(&run->active);
    free(run->open_in_wave);
    free(run->nodes);
}
