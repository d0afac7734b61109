/* select.c - what targets, excludes and services select. */
#include "plan/internal.h"

#include <stdlib.h>
#include <string.h>

static void *const yes = (void *)(uintptr_t) "yes";

/* One resource as the options see it. */
struct subject {
    const char *key, *service, *component;
};

static struct subject of_resource(const struct pk_resource *r) {
    return (struct subject){r->key, r->service, r->component};
}

static struct subject of_state(const struct pk_state_resource *s) {
    return (struct subject){s->key, s->service ? s->service : "", s->component ? s->component : ""};
}

static bool matches(const char *wanted, const struct subject *s) {
    if (pk_streq(wanted, s->key) || (strpbrk(wanted, "*?") && pk_glob(wanted, s->key)))
        return true;
    size_t n = strlen(wanted);
    if (strncmp(wanted, s->key, n) == 0 && s->key[n] == ':')
        return true;
    if (!*s->component)
        return false;
    if (strcmp(wanted, s->component) == 0)
        return true;
    char *address PK_CLEANUP(pk_freep) = pk_asprintf("%s/%s", s->service, s->component);
    return strcmp(wanted, address) == 0 || (strpbrk(wanted, "*?") && pk_glob(wanted, address));
}

static bool matches_any(const char *const *wanted, size_t n, const struct subject *s) {
    for (size_t i = 0; i < n; i++)
        if (matches(wanted[i], s))
            return true;
    return false;
}

static bool wanted(const struct pk_plan_options *o, const struct subject *s) {
    if (o->n_targets == 0 && o->n_services == 0)
        return true;
    return matches_any(o->targets, o->n_targets, s) ||
           (*s->service && pk_listed(o->services, o->n_services, s->service));
}

/* --- names that are nobody's --- */

static void check_names(struct pk_maker *m, const char *const *names, size_t n,
                        const char *option) {
    for (size_t i = 0; i < n; i++) {
        bool found = false;
        struct pk_map *words PK_CLEANUP(pk_map_freep) = pk_map_new();
        for (size_t k = 0; k < m->graph->resources.len; k++) {
            struct subject s = of_resource(m->graph->resources.items[k]);
            found = found || matches(names[i], &s);
            pk_map_set(words, *s.component ? s.component : s.key, yes);
        }
        size_t cursor = 0;
        void *item;
        while (pk_map_next(m->input->state->resources, &cursor, NULL, &item)) {
            struct subject s = of_state(item);
            found = found || matches(names[i], &s);
            pk_map_set(words, *s.component ? s.component : s.key, yes);
        }
        if (found)
            continue;
        const char **list = pk_calloc(pk_map_len(words) + 1, sizeof(*list)), *near[3];
        size_t n_words = 0;
        cursor = 0;
        while (pk_map_next(words, &cursor, &list[n_words], NULL))
            n_words++;
        struct pk_diag *d =
            pk_diag(m->diags, PK_SEVERITY_ERROR, "plan.target-unknown", (struct pk_span){0},
                    "%s %s is neither a component nor a resource of this stack", option, names[i]);
        if (pk_suggest(names[i], list, n_words, near, 3) > 0)
            pk_diag_help(m->diags, d, "did you mean %s?", near[0]);
        free(list);
    }
}

/* --- closures --- */

/* Everything that selected nodes need. The order has dependencies first, so one pass backwards is
 * enough. */
static void add_needed(struct pk_maker *m, struct pk_resource *const *order, size_t n) {
    for (size_t i = n; i > 0; i--) {
        const struct pk_resource *r = order[i - 1];
        if (!pk_map_has(m->selected, r->key))
            continue;
        for (size_t e = 0; e < r->edges.len; e++) {
            const struct pk_edge *edge = r->edges.items[e];
            if (!edge->dropped && edge->strength == PK_EDGE_HARD)
                pk_map_set(m->selected, edge->to->key, yes);
        }
    }
}

static bool exists(const struct pk_maker *m, const char *key) {
    const struct pk_state_resource *s = pk_map_get(m->priors, key);
    return s && s->physical_id;
}

/* Excluded nodes, and those that cannot be made without them. */
static void drop_excluded(struct pk_maker *m, struct pk_resource *const *order, size_t n) {
    const struct pk_plan_options *o = &m->input->options;
    for (size_t i = 0; i < n; i++) {
        const struct pk_resource *r = order[i];
        struct subject s = of_resource(r);
        bool out = matches_any(o->excludes, o->n_excludes, &s);
        for (size_t e = 0; e < r->edges.len && !out; e++) {
            const struct pk_edge *edge = r->edges.items[e];
            out = !edge->dropped && edge->strength == PK_EDGE_HARD &&
                  !pk_map_has(m->selected, edge->to->key) && !exists(m, edge->to->key);
        }
        if (out)
            pk_map_remove(m->selected, r->key);
    }
}

/* --- resources that are in state only --- */

/* key -> struct pk_vec of the state resources that depend on it */
static struct pk_map *dependents_of(const struct pk_state *state) {
    struct pk_map *map = pk_map_new();
    size_t cursor = 0;
    void *item;
    while (pk_map_next(state->resources, &cursor, NULL, &item)) {
        const struct pk_state_resource *s = item;
        for (size_t i = 0; i < s->dependencies.len; i++) {
            struct pk_vec *list = pk_map_get(map, s->dependencies.items[i]);
            if (!list) {
                list = pk_calloc(1, sizeof(*list));
                pk_map_set(map, s->dependencies.items[i], list);
            }
            pk_vec_push(list, item);
        }
    }
    return map;
}

static void free_dependents(struct pk_map *map) {
    size_t cursor = 0;
    void *list;
    while (pk_map_next(map, &cursor, NULL, &list)) {
        pk_vec_release(list);
        free(list);
    }
    pk_map_free(map);
}

static bool is_leftover(const struct pk_maker *m, const struct pk_state_resource *s) {
    return !pk_map_has(m->matched, s->key);
}

/* Destroying a part destroys what depends on it. */
static void spread_to_dependents(struct pk_maker *m, struct pk_map *dependents,
                                 struct pk_vec *queue) {
    while (queue->len > 0) {
        const struct pk_state_resource *s = pk_vec_pop(queue);
        const struct pk_vec *list = pk_map_get(dependents, s->key);
        for (size_t i = 0; list && i < list->len; i++) {
            const struct pk_state_resource *dependent = list->items[i];
            if (!is_leftover(m, dependent) || pk_map_has(m->selected, dependent->key))
                continue;
            pk_map_set(m->selected, dependent->key, yes);
            pk_vec_push(queue, list->items[i]);
        }
    }
}

/* What stays needs its dependencies: they are not deleted. */
static void keep_needed(struct pk_maker *m, struct pk_vec *kept) {
    while (kept->len > 0) {
        const struct pk_state_resource *s = pk_vec_pop(kept);
        for (size_t i = 0; i < s->dependencies.len; i++) {
            const char *key = s->dependencies.items[i];
            struct pk_state_resource *to = pk_state_find(m->input->state, key);
            if (to && is_leftover(m, to) && pk_map_remove(m->selected, key))
                pk_vec_push(kept, to);
        }
    }
}

static void select_leftovers(struct pk_maker *m) {
    const struct pk_plan_options *o = &m->input->options;
    struct pk_vec queue = PK_VEC_INIT, kept = PK_VEC_INIT;
    bool filtered = o->n_targets + o->n_services + o->n_excludes > 0;
    size_t cursor = 0;
    void *item;
    while (pk_map_next(m->input->state->resources, &cursor, NULL, &item)) {
        struct subject s = of_state(item);
        if (!is_leftover(m, item) || !wanted(o, &s))
            continue;
        pk_map_set(m->selected, s.key, yes);
        pk_vec_push(&queue, item);
    }
    if (filtered) {
        struct pk_map *dependents = dependents_of(m->input->state);
        if (o->destroy)
            spread_to_dependents(m, dependents, &queue);
        free_dependents(dependents);
        cursor = 0;
        while (pk_map_next(m->input->state->resources, &cursor, NULL, &item)) {
            struct subject s = of_state(item);
            bool leftover = is_leftover(m, item);
            if (leftover && matches_any(o->excludes, o->n_excludes, &s))
                pk_map_remove(m->selected, s.key);
            const struct pk_resource *r = pk_map_get(m->matched, s.key);
            if (!pk_map_has(m->selected, r ? r->key : s.key))
                pk_vec_push(&kept, item);
        }
        keep_needed(m, &kept);
    }
    pk_vec_release(&queue);
    pk_vec_release(&kept);
}

void pk_maker_select(struct pk_maker *m) {
    const struct pk_plan_options *o = &m->input->options;
    size_t n;
    struct pk_resource **order = pk_graph_order(m->graph, &n);
    check_names(m, o->targets, o->n_targets, "--target");
    check_names(m, o->excludes, o->n_excludes, "--exclude");
    for (size_t i = 0; i < n; i++) {
        struct subject s = of_resource(order[i]);
        if (wanted(o, &s))
            pk_map_set(m->selected, s.key, yes);
    }
    add_needed(m, order, n);
    if (o->n_excludes > 0)
        drop_excluded(m, order, n);
    select_leftovers(m);
    free(order);
}
