/* critical.c - the longest path: estimated, to decide what begins first; measured, to show. */
#include "engine/internal.h"

#include <stdlib.h>

#define TYPICAL_MS 3000

static int64_t estimate(struct pk_run *run, const struct pk_action *a) {
    struct pk_provider *p = run->config->provider;
    if (a->kind == PK_ACTION_NOOP || a->kind == PK_ACTION_FORGET)
        return 0;
    const struct pk_type_traits *traits = p->vtable->traits(p, a->type);
    bool goes = a->kind == PK_ACTION_DELETE || a->kind == PK_ACTION_DELETE_DEPOSED;
    int64_t typical = !traits                       ? 0
                      : goes                        ? traits->typical_delete_ms
                      : a->kind == PK_ACTION_UPDATE ? traits->typical_create_ms / 2
                                                    : traits->typical_create_ms;
    return typical > 0 ? typical : TYPICAL_MS;
}

/* Actions are in order: what one needs comes before it. */
void pk_run_priorities(struct pk_run *run) {
    for (size_t i = run->n_nodes; i > 0; i--) {
        struct pk_node *node = &run->nodes[i - 1];
        int64_t longest = 0;
        for (size_t k = 0; k < node->dependents.len; k++) {
            const struct pk_node *dependent = node->dependents.items[k];
            if (dependent->remaining_ms > longest)
                longest = dependent->remaining_ms;
        }
        node->remaining_ms = longest + estimate(run, node->action);
    }
}

static int64_t took(const struct pk_node *node) {
    const struct pk_action_result *r = node->result;
    return r && r->started_ms && r->finished_ms > r->started_ms ? r->finished_ms - r->started_ms
                                                                : 0;
}

void pk_run_critical_path(struct pk_run *run) {
    int64_t *until = pk_calloc(run->n_nodes + 1, sizeof(*until));
    size_t *before = pk_calloc(run->n_nodes + 1, sizeof(*before)), last = SIZE_MAX;
    for (size_t i = 0; i < run->n_nodes; i++) {
        const struct pk_action *a = run->nodes[i].action;
        before[i] = SIZE_MAX;
        for (size_t k = 0; k < a->n_needs; k++) {
            size_t need = a->needs[k];
            if (until[need] > until[i]) {
                until[i] = until[need];
                before[i] = need;
            }
        }
        until[i] += took(&run->nodes[i]);
        if (last == SIZE_MAX || until[i] > until[last])
            last = i;
    }
    run->result->critical_path_ms = last == SIZE_MAX ? 0 : until[last];
    struct pk_vec backwards = PK_VEC_INIT;
    for (; last != SIZE_MAX; last = before[last])
        if (run->nodes[last].result && run->nodes[last].result->started_ms)
            pk_vec_push(&backwards, (void *)(uintptr_t)run->nodes[last].action->key);
    while (backwards.len > 0)
        pk_vec_push(&run->result->critical_path, pk_vec_pop(&backwards));
    pk_vec_release(&backwards);
    free(before);
    free(until);
}
