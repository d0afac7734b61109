/* plan.c - the plan: who is who, decisions in dependency order, order, outputs, counts. */
#include "plan/plan.h"

#include "plan/internal.h"

#include <stdlib.h>
#include <string.h>

static const struct {
    const char *text, *symbol;
} action_words[] = {
    [PK_ACTION_NOOP] = {"no-op", " "},    [PK_ACTION_CREATE] = {"create", "+"},
    [PK_ACTION_UPDATE] = {"update", "~"}, [PK_ACTION_REPLACE] = {"replace", "±"},
    [PK_ACTION_DELETE] = {"delete", "-"}, [PK_ACTION_FORGET] = {"forget", "."},
    [PK_ACTION_RESUME] = {"resume", "»"}, [PK_ACTION_DELETE_DEPOSED] = {"delete old", "-"},
};
_Static_assert(PK_ARRAY_LEN(action_words) == PK_ACTION_DELETE_DEPOSED + 1, "one per kind");

const char *pk_action_text(enum pk_action_kind kind) {
    return action_words[kind].text;
}

const char *pk_action_symbol(enum pk_action_kind kind) {
    return action_words[kind].symbol;
}

/* --- identity --- */

static char *identity(const char *service, const char *component, const char *sub) {
    if (!component || !*component)
        return NULL;
    return pk_asprintf("%s\n%s\n%s", service ? service : "", component, sub ? sub : "");
}

static struct pk_map *graph_identities(const struct pk_graph *graph) {
    struct pk_map *map = pk_map_new();
    for (size_t i = 0; i < graph->resources.len; i++) {
        struct pk_resource *r = graph->resources.items[i];
        char *id PK_CLEANUP(pk_freep) = identity(r->service, r->component, r->sub);
        if (id)
            pk_map_set(map, id, r);
    }
    return map;
}

static struct pk_map *state_identities(const struct pk_state *state) {
    struct pk_map *map = pk_map_new();
    size_t cursor = 0;
    void *item;
    while (pk_map_next(state->resources, &cursor, NULL, &item)) {
        const struct pk_state_resource *s = item;
        char *id PK_CLEANUP(pk_freep) = identity(s->service, s->component, s->sub);
        if (id)
            pk_map_set(map, id, item);
    }
    return map;
}

static void match(struct pk_maker *m, struct pk_resource *r, struct pk_state_resource *s) {
    pk_map_set(m->priors, r->key, s);
    pk_map_set(m->matched, s->key, r);
}

/* A resource is who service, component and sub say. Keys change when a second service takes a
 * component's name: that must neither delete nor create anything. */
static void match_all(struct pk_maker *m) {
    const struct pk_state *state = m->input->state;
    struct pk_map *wanted = graph_identities(m->graph), *known = state_identities(state);
    for (size_t i = 0; i < m->graph->resources.len; i++) {
        struct pk_resource *r = m->graph->resources.items[i];
        struct pk_state_resource *s = pk_state_find(state, r->key);
        char *id PK_CLEANUP(pk_freep) = s ? identity(s->service, s->component, s->sub) : NULL;
        const struct pk_resource *owner = id ? pk_map_get(wanted, id) : NULL;
        if (s && (!owner || owner == r))
            match(m, r, s);
    }
    for (size_t i = 0; i < m->graph->resources.len; i++) {
        struct pk_resource *r = m->graph->resources.items[i];
        char *id PK_CLEANUP(pk_freep) = identity(r->service, r->component, r->sub);
        struct pk_state_resource *s = id ? pk_map_get(known, id) : NULL;
        if (s && !pk_map_has(m->priors, r->key) && !pk_map_has(m->matched, s->key))
            match(m, r, s);
    }
    pk_map_free(wanted);
    pk_map_free(known);
}

/* --- outputs --- */

static bool known_resource(const struct pk_maker *m, const json_t *value) {
    const char *key;
    json_t *inner;
    if (pk_token_is(value, "$ref"))
        return pk_map_has(m->main, json_string_value(json_object_get(value, "$ref")));
    if (json_is_array(value)) {
        for (size_t i = 0; i < json_array_size(value); i++)
            if (!known_resource(m, json_array_get(value, i)))
                return false;
        return true;
    }
    json_object_foreach((json_t *)(uintptr_t)value, key, inner) {
        if (!known_resource(m, inner))
            return false;
    }
    return true;
}

static json_t *outputs_after(struct pk_maker *m) {
    json_t *ret = json_object(), *value;
    const char *name;
    json_object_foreach(m->graph->outputs, name, value) {
        if (known_resource(m, value))
            json_object_set_new(ret, name, pk_token_resolve(value, pk_maker_resolve, m));
    }
    return ret;
}

static bool is_filtered(const struct pk_plan_options *o) {
    return o->n_targets + o->n_services + o->n_excludes > 0;
}

static void plan_outputs(struct pk_maker *m) {
    struct pk_arena *arena = m->plan->arena;
    m->plan->outputs_before = pk_arena_json(arena, json_deep_copy(m->input->state->outputs));
    bool part_of_destroy = m->input->options.destroy && is_filtered(&m->input->options);
    m->plan->outputs_after = pk_arena_json(
        arena, part_of_destroy ? json_deep_copy(m->input->state->outputs) : outputs_after(m));
}

/* --- the whole --- */

static void count(struct pk_plan *plan, const struct pk_action *a) {
    switch (a->kind) {
    case PK_ACTION_NOOP:
        plan->n_noop++;
        break;
    case PK_ACTION_CREATE:
        plan->n_create++;
        break;
    case PK_ACTION_UPDATE:
        plan->n_update++;
        break;
    case PK_ACTION_RESUME:
        if (a->prior && a->prior->physical_id)
            plan->n_update++;
        else
            plan->n_create++;
        break;
    case PK_ACTION_REPLACE:
        plan->n_replace++;
        break;
    case PK_ACTION_DELETE:
        plan->n_delete++;
        break;
    case PK_ACTION_FORGET:
        plan->n_forget++;
        break;
    case PK_ACTION_DELETE_DEPOSED:
        break; /* half of a replacement */
    }
}

static void decide_all(struct pk_maker *m) {
    size_t n, cursor = 0;
    struct pk_resource **order = pk_graph_order(m->graph, &n);
    void *item;
    for (size_t i = 0; i < n; i++)
        pk_maker_decide(m, order[i]);
    free(order);
    while (pk_map_next(m->input->state->resources, &cursor, NULL, &item)) {
        const struct pk_state_resource *s = item;
        if (!pk_map_has(m->matched, s->key))
            pk_maker_decide_gone(m, s);
    }
}

/* The plan stays what it is while the engine changes the state. */
static void own_priors(struct pk_plan *plan) {
    for (size_t i = 0; i < plan->actions.len; i++) {
        struct pk_action *a = plan->actions.items[i];
        if (!a->prior || a->kind == PK_ACTION_NOOP)
            continue;
        struct pk_state_resource *copy = pk_state_resource_copy(a->prior);
        pk_arena_on_free(plan->arena, (void (*)(void *))pk_state_resource_free, copy);
        a->prior = copy;
    }
}

static void maker_release(struct pk_maker *m) {
    size_t cursor = 0;
    void *list;
    while (pk_map_next(m->removals, &cursor, NULL, &list)) {
        pk_vec_release(list);
        free(list);
    }
    pk_map_free(m->removals);
    pk_map_free(m->main);
    pk_map_free(m->selected);
    pk_map_free(m->priors);
    pk_map_free(m->matched);
    pk_vec_release(&m->all);
    pk_graph_free(m->no_graph);
}

struct pk_plan *pk_plan_make(const struct pk_plan_input *input, struct pk_diags *diags) {
    struct pk_plan *plan = pk_calloc(1, sizeof(*plan));
    plan->arena = pk_arena_new();
    plan->serial = input->state->serial;
    plan->lineage = pk_arena_strdup(plan->arena, input->state->lineage);
    struct pk_maker m = {.input = input,
                         .plan = plan,
                         .diags = diags,
                         .no_graph = pk_graph_new(),
                         .priors = pk_map_new(),
                         .matched = pk_map_new(),
                         .selected = pk_map_new(),
                         .main = pk_map_new(),
                         .removals = pk_map_new()};
    m.graph = input->graph && !input->options.destroy ? input->graph : m.no_graph;
    match_all(&m);
    pk_maker_select(&m);
    decide_all(&m);
    plan_outputs(&m);
    pk_maker_order(&m);
    own_priors(plan);
    for (size_t i = 0; i < plan->actions.len; i++)
        count(plan, plan->actions.items[i]);
    maker_release(&m);
    return plan;
}

void pk_plan_free(struct pk_plan *plan) {
    if (!plan)
        return;
    pk_vec_release(&plan->actions);
    pk_vec_release(&plan->bump);
    pk_arena_free(plan->arena);
    free(plan);
}

void pk_plan_freep(struct pk_plan **plan) {
    pk_plan_free(*plan);
    *plan = NULL;
}

bool pk_plan_has_changes(const struct pk_plan *plan) {
    for (size_t i = 0; i < plan->actions.len; i++)
        if (((const struct pk_action *)plan->actions.items[i])->kind != PK_ACTION_NOOP)
            return true;
    return !pk_json_equal(plan->outputs_before, plan->outputs_after);
}

struct pk_action *pk_plan_find(const struct pk_plan *plan, const char *key) {
    struct pk_action *found = NULL;
    for (size_t i = 0; i < plan->actions.len; i++) {
        struct pk_action *a = plan->actions.items[i];
        if (strcmp(a->key, key) == 0 && (!found || found->kind == PK_ACTION_DELETE_DEPOSED))
            found = a;
    }
    return found;
}
