/* engine.c - one run from plan to result. The loop: run.c; steps: begin.c, answers.c. */
#include "engine/engine.h"

#include "engine/internal.h"

#include <stdlib.h>
#include <string.h>

#define DEFAULT_PARALLELISM 10
#define MAX_PARALLELISM 256
/* Actions begun ahead of the workers: more would only mean more open intents after a crash. */
#define AHEAD 8

static const struct pk_type_traits *find_traits(void *ctx, const char *type) {
    struct pk_provider *provider = ctx;
    return provider->vtable->traits(provider, type);
}

struct pk_traits_source pk_provider_traits(struct pk_provider *provider) {
    return (struct pk_traits_source){find_traits, provider};
}

static void make_nodes(struct pk_run *run) {
    size_t n = run->plan->actions.len, n_results = 0;
    struct pk_engine_result *result = run->result;
    run->nodes = pk_calloc(n + 1, sizeof(*run->nodes));
    result->actions = pk_calloc(n + 1, sizeof(*result->actions));
    run->n_nodes = run->n_open = n;
    run->open_in_wave = pk_calloc(n + 1, sizeof(*run->open_in_wave));
    for (size_t i = 0; i < n; i++) {
        struct pk_node *node = &run->nodes[i];
        node->action = run->plan->actions.items[i];
        if (node->action->kind != PK_ACTION_NOOP) {
            node->result = &result->actions[n_results++];
            node->result->action = node->action;
        }
        node->n_waiting = node->action->n_needs;
        for (size_t k = 0; k < node->action->n_needs; k++) {
            struct pk_node *need = &run->nodes[node->action->needs[k]];
            bool own = node->result != NULL; /* no-ops take no time: they are in no wave */
            pk_vec_push(&need->dependents, node);
            if (need->wave + (need->result && own) > node->wave)
                node->wave = need->wave + (need->result && own);
        }
        run->open_in_wave[node->wave]++;
    }
    result->n_actions = run->n_total = n_results;
}

static unsigned width(const struct pk_engine_config *config) {
    unsigned wanted = config->parallelism ? config->parallelism : DEFAULT_PARALLELISM;
    return wanted > MAX_PARALLELISM ? MAX_PARALLELISM : wanted;
}

static const struct pk_error *first_error(const struct pk_engine_result *result) {
    for (size_t i = 0; i < result->n_actions; i++)
        if (result->actions[i].error)
            return result->actions[i].error;
    return NULL;
}

/* Everything that failed was only cut short. */
static bool only_interrupted(const struct pk_engine_result *result) {
    for (size_t i = 0; i < result->n_actions; i++)
        if (result->actions[i].error && result->actions[i].error->code != PK_E_CANCELLED &&
            result->actions[i].error->code != PK_E_TIMEOUT)
            return false;
    return result->stopped;
}

static bool verdict(struct pk_run *run, struct pk_error **err) {
    const struct pk_engine_result *r = run->result;
    if (r->fatal) {
        struct pk_error *copy = pk_error_copy(r->fatal);
        if (err)
            *err = copy;
        else
            pk_error_free(copy);
        return false;
    }
    if (r->failed > 0 && !only_interrupted(r)) {
        const struct pk_error *first = first_error(r);
        bool all = run->n_done == 0;
        pk_fail(err, all ? PK_E_RESOURCE_FAILED : PK_E_PARTIAL,
                "%zu of %zu actions failed, %zu were not started: %s: %s", r->failed, run->n_total,
                r->skipped, first && first->address ? first->address : "?",
                first ? first->message : "?");
        return false;
    }
    if (run->timed_out)
        return pk_fail(err, PK_E_TIMEOUT, "the time for this run was over with %zu of %zu done",
                       run->n_done, run->n_total);
    if (r->failed + r->skipped > 0 || run->stopping)
        return pk_fail(err, PK_E_CANCELLED, "stopped with %zu of %zu done", run->n_done,
                       run->n_total);
    return true;
}

bool pk_engine_run(const struct pk_engine_config *config, const struct pk_plan *plan,
                   struct pk_graph *graph, struct pk_state *state, struct pk_engine_result *ret,
                   struct pk_error **err) {
    memset(ret, 0, sizeof(*ret));
    struct pk_run run = {
        .config = config,
        .plan = plan,
        .graph = graph,
        .state = state,
        .result = ret,
        .max_busy = width(config) * AHEAD,
        .version = 1,
        .written = 1,
    };
    unsigned n_workers = width(config);
    make_nodes(&run);
    if (run.n_total < n_workers)
        n_workers = run.n_total > 0 ? (unsigned)run.n_total : 1;
    if (!pk_pool_new(config->provider, config->journal, &run.own, n_workers, &run.pool, err)) {
        pk_run_release(&run);
        return false;
    }
    run.started_ms = run.tick_ms = pk_run_now(&run);
    pk_run_priorities(&run);
    pk_records_prepare(&run);
    pk_run_loop(&run);
    pk_run_finish(&run);
    bool ok = verdict(&run, err);
    pk_run_release(&run);
    return ok;
}

void pk_engine_result_release(struct pk_engine_result *result) {
    for (size_t i = 0; i < result->n_actions; i++) {
        pk_error_free(result->actions[i].error);
        free(result->actions[i].note);
    }
    free(result->actions);
    pk_error_free(result->fatal);
    pk_vec_release(&result->critical_path);
    memset(result, 0, sizeof(*result));
}
