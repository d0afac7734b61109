/*
 * order.c - which action must wait for which.
 *
 * Creates and updates follow the desired graph. Deletions follow, backwards, the edges that were
 * recorded in state when the resources were made: those are what AWS sees. The two may disagree
 * (an edge was turned round between two deployments); then the edges from state give way.
 */
#include "plan/internal.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>

/* Shorter texts ("80", "true") are no identifiers. */
#define MIN_MENTION 4

struct orderer {
    struct pk_maker *m;
    struct pk_graph *graph; /* one node per action; node->index = place in m->all */
    struct pk_map *by_name; /* "type name" -> DELETE action */
    bool delete_first;      /* which removals goes_after is about */
};

static struct pk_resource *node_of(const struct orderer *o, const struct pk_action *a) {
    return o->graph->resources.items[a->index];
}

static void edge(struct orderer *o, const struct pk_action *from, const struct pk_action *to,
                 enum pk_strength strength) {
    if (from && to && from != to)
        pk_graph_edge(o->graph, node_of(o, from), node_of(o, to), strength, NULL,
                      (struct pk_span){0});
}

static void add_nodes(struct orderer *o) {
    for (size_t i = 0; i < o->m->all.len; i++) {
        struct pk_action *a = o->m->all.items[i];
        char *key PK_CLEANUP(pk_freep) = pk_asprintf("%zu %s", i, a->key);
        a->index = i;
        pk_graph_add(o->graph, key, a->type);
    }
}

/* --- creates, updates, the two halves of a replacement --- */

static void edges_of_desired(struct orderer *o, const struct pk_action *a) {
    for (size_t i = 0; a->desired && i < a->desired->edges.len; i++) {
        const struct pk_edge *e = a->desired->edges.items[i];
        if (!e->dropped)
            edge(o, a, pk_map_get(o->m->main, e->to->key), PK_EDGE_HARD);
    }
}

/* The successor of this deposed one exists already. */
static bool succeeded(const struct pk_action *main, const struct pk_action *removal) {
    const char *present = main->prior ? main->prior->physical_id : NULL;
    return present && !pk_streq(present, removal->deposed_id);
}

static void edges_of_removal(struct orderer *o, const struct pk_action *removal) {
    const struct pk_action *main = pk_map_get(o->m->main, removal->key);
    if (!removal->deposed_id)
        edge(o, main, removal, PK_EDGE_HARD); /* delete first */
    else if (main && main->desired && !succeeded(main, removal))
        edge(o, removal, main, PK_EDGE_HARD);
}

/* --- deletions --- */

/* The half of this run's replacement that deletes the present one, or NULL. */
static const struct pk_action *present_removal(const struct orderer *o, const char *key) {
    const struct pk_action *main = pk_map_get(o->m->main, key);
    const struct pk_vec *list = pk_maker_removals(o->m, key);
    if (!main || main->kind != PK_ACTION_REPLACE)
        return NULL;
    for (size_t i = 0; list && i < list->len; i++) {
        const struct pk_action *a = list->items[i];
        if (!a->deposed_id || pk_streq(a->deposed_id, main->prior->physical_id))
            return a;
    }
    return NULL;
}

static const struct pk_action *deposed_removal(const struct orderer *o, const char *key,
                                               const char *id) {
    const struct pk_vec *list = pk_maker_removals(o->m, key);
    for (size_t i = 0; list && i < list->len; i++) {
        const struct pk_action *a = list->items[i];
        if (pk_streq(a->deposed_id, id))
            return a;
    }
    return NULL;
}

static bool is_id_character(char c) {
    return isalnum((unsigned char)c) || c == '-' || c == '_';
}

/* "queue" is in "arn:aws:sqs:::queue" but not in "queue-r1". */
static bool holds(const char *text, const char *id) {
    size_t n = strlen(id);
    for (const char *at = n < MIN_MENTION ? NULL : strstr(text, id); at; at = strstr(at + 1, id))
        if ((at == text || !is_id_character(at[-1])) && !is_id_character(at[n]))
            return true;
    return false;
}

/* Is this text, or anything inside this value, part of a text in `where`? */
static bool mentions(const json_t *where, const json_t *what) {
    const char *key;
    json_t *inner;
    if (json_is_string(what)) {
        if (json_is_string(where))
            return holds(json_string_value(where), json_string_value(what));
        for (size_t i = 0; i < json_array_size(where); i++)
            if (mentions(json_array_get(where, i), what))
                return true;
        json_object_foreach((json_t *)(uintptr_t)where, key, inner) {
            if (mentions(inner, what))
                return true;
        }
        return false;
    }
    for (size_t i = 0; i < json_array_size(what); i++)
        if (mentions(where, json_array_get(what, i)))
            return true;
    json_object_foreach((json_t *)(uintptr_t)what, key, inner) {
        if (mentions(where, inner))
            return true;
    }
    return false;
}

/* Does a physical resource with these properties use this one of several of the same key? */
static bool uses(const json_t *properties, const struct pk_state_resource *s, const char *id) {
    const json_t *attributes = s->attributes, *entry = NULL;
    size_t i;
    json_t *item;
    json_array_foreach(s->deposed, i, item) {
        if (pk_streq(pk_json_str(item, "physicalId", NULL), id))
            entry = item;
    }
    if (entry)
        attributes = json_object_get(entry, "attributes");
    json_auto_t *text = id ? pk_json_text(id) : NULL;
    return (text && mentions(properties, text)) || mentions(properties, attributes);
}

/* Whatever of `key` is deleted goes only after `user`: the action with which a physical resource
 * with these properties stops using it. Where the properties tell which one of several they use,
 * only that one waits; otherwise all do. */
static void goes_after(struct orderer *o, const char *key, const struct pk_action *user,
                       const json_t *properties) {
    const struct pk_action *main = pk_map_get(o->m->main, key);
    const struct pk_vec *list = pk_maker_removals(o->m, key);
    const struct pk_state_resource *s =
        list ? ((const struct pk_action *)list->items[0])->prior : NULL;
    bool told = false;
    if (s && properties && json_array_size(s->deposed) > 0) {
        told = uses(properties, s, s->physical_id);
        for (size_t i = 0; i < json_array_size(s->deposed) && !told; i++)
            told =
                uses(properties, s, pk_json_str(json_array_get(s->deposed, i), "physicalId", NULL));
    }
    if (!o->delete_first && main && main->kind == PK_ACTION_DELETE &&
        (!told || uses(properties, s, s->physical_id)))
        edge(o, main, user, PK_EDGE_SOFT);
    for (size_t i = 0; list && i < list->len; i++) {
        const struct pk_action *removal = list->items[i];
        const char *id = removal->deposed_id;
        if (o->delete_first == !id && (!told || uses(properties, s, id ? id : s->physical_id)))
            edge(o, removal, user, PK_EDGE_SOFT);
    }
}

/* The key in this plan of a key that was recorded. */
static const char *key_now(const struct orderer *o, const char *recorded) {
    const struct pk_resource *r = pk_map_get(o->m->matched, recorded);
    return r ? r->key : recorded;
}

/* What is there now uses what was recorded when it was made: until it is deleted, else updated. */
static void edges_from_state(struct orderer *o) {
    size_t cursor = 0, k, n;
    void *item;
    json_t *entry, *key;
    while (pk_map_next(o->m->input->state->resources, &cursor, NULL, &item)) {
        const struct pk_state_resource *s = item;
        const char *own_key = key_now(o, s->key);
        const struct pk_action *user = present_removal(o, own_key);
        const struct pk_action *main = pk_map_get(o->m->main, own_key);
        const json_t *properties = main && main->live ? main->live : s->properties;
        if (!user)
            user = main;
        for (size_t i = 0; i < s->dependencies.len; i++)
            goes_after(o, key_now(o, s->dependencies.items[i]), user, properties);
        json_array_foreach(s->deposed, k, entry) {
            user = deposed_removal(o, own_key, pk_json_str(entry, "physicalId", NULL));
            json_array_foreach(json_object_get(entry, "dependencies"), n, key) {
                if (json_is_string(key))
                    goes_after(o, key_now(o, json_string_value(key)), user,
                               json_object_get(entry, "properties"));
            }
        }
    }
}

/* The old one of a create-first replacement goes when its dependents use the new one. */
static void edges_from_graph(struct orderer *o, const struct pk_action *a) {
    for (size_t i = 0; a->desired && i < a->desired->edges.len; i++) {
        const struct pk_edge *e = a->desired->edges.items[i];
        if (!e->dropped)
            goes_after(o, e->to->key, a, NULL);
    }
}

/* --- what is merely better --- */

/* A name is free when its holder is gone. */
static void wait_for_name(struct orderer *o, const struct pk_action *a) {
    if (a->kind != PK_ACTION_CREATE || !a->desired->name)
        return;
    char *key PK_CLEANUP(pk_freep) = pk_asprintf("%s %s", a->type, a->desired->name);
    edge(o, a, pk_map_get(o->by_name, key), PK_EDGE_SOFT);
}

/* Nothing is deleted to be made anew while what the new one needs may still fail. */
static void delete_late(struct orderer *o, const struct pk_action *removal) {
    const struct pk_action *main = pk_map_get(o->m->main, removal->key);
    if (removal->deposed_id || !main || !main->desired)
        return;
    for (size_t i = 0; i < main->desired->edges.len; i++) {
        const struct pk_edge *e = main->desired->edges.items[i];
        if (!e->dropped)
            edge(o, removal, pk_map_get(o->m->main, e->to->key), PK_EDGE_SOFT);
    }
}

static void note_names(struct orderer *o) {
    for (size_t i = 0; i < o->m->all.len; i++) {
        struct pk_action *a = o->m->all.items[i];
        if (a->kind != PK_ACTION_DELETE || !a->prior->name)
            continue;
        char *key PK_CLEANUP(pk_freep) = pk_asprintf("%s %s", a->type, a->prior->name);
        pk_map_set(o->by_name, key, a);
    }
}

/* --- all together --- */

static void drop_cycles(struct orderer *o) {
    struct pk_diags *diags PK_CLEANUP(pk_diags_freep) = pk_diags_new();
    bool acyclic = pk_graph_check_cycles(o->graph, diags);
    pk_assert(acyclic); /* hard edges are those of an acyclic graph */
}

/* What has survived so far counts more than what comes next. */
static void harden(struct orderer *o) {
    for (size_t i = 0; i < o->graph->resources.len; i++) {
        struct pk_resource *node = o->graph->resources.items[i];
        for (size_t e = 0; e < node->edges.len; e++) {
            struct pk_edge *it = node->edges.items[e];
            if (!it->dropped)
                it->strength = PK_EDGE_HARD;
        }
    }
}

static void publish(struct orderer *o) {
    struct pk_plan *plan = o->m->plan;
    size_t n;
    struct pk_resource **order = pk_graph_order(o->graph, &n);
    size_t *place = pk_calloc(n + 1, sizeof(*place));
    for (size_t i = 0; i < n; i++)
        place[order[i]->index] = i;
    for (size_t i = 0; i < n; i++) {
        struct pk_action *a = o->m->all.items[order[i]->index];
        const struct pk_vec *edges = &order[i]->edges;
        a->needs = pk_arena_array(plan->arena, edges->len + 1, sizeof(*a->needs));
        for (size_t e = 0; e < edges->len; e++) {
            const struct pk_edge *it = edges->items[e];
            if (!it->dropped)
                a->needs[a->n_needs++] = place[it->to->index];
        }
        a->index = i;
        pk_vec_push(&plan->actions, a);
    }
    free(place);
    free(order);
}

void pk_maker_order(struct pk_maker *m) {
    struct orderer o = {.m = m, .graph = pk_graph_new(), .by_name = pk_map_new()};
    add_nodes(&o);
    for (size_t i = 0; i < m->all.len; i++) {
        const struct pk_action *a = m->all.items[i];
        edges_of_desired(&o, a);
        if (a->kind == PK_ACTION_DELETE_DEPOSED)
            edges_of_removal(&o, a);
    }
    edges_from_state(&o);
    for (size_t i = 0; i < m->all.len; i++)
        edges_from_graph(&o, m->all.items[i]);
    drop_cycles(&o);
    harden(&o);
    /* What is made anew under its old name would better not be in use, but its users often wait for
     * the new one. */
    o.delete_first = true;
    edges_from_state(&o);
    drop_cycles(&o);
    harden(&o);
    note_names(&o);
    for (size_t i = 0; i < m->all.len; i++) {
        const struct pk_action *a = m->all.items[i];
        wait_for_name(&o, a);
        if (a->kind == PK_ACTION_DELETE_DEPOSED)
            delete_late(&o, a);
    }
    drop_cycles(&o);
    publish(&o);
    pk_map_free(o.by_name);
    pk_graph_free(o.graph);
}
