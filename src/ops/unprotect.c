#include "ops/unprotect.h"

#include "json/json.h"

#include <string.h>

/* Properties that guard a resource inside AWS itself, by type. */
static const struct {
    const char *type, *property;
} guards[] = {
    {"AWS::RDS::DBInstance", "DeletionProtection"},
    {"AWS::RDS::DBCluster", "DeletionProtection"},
    {"AWS::DynamoDB::Table", "DeletionProtectionEnabled"},
    {"AWS::Logs::LogGroup", "DeletionProtectionEnabled"},
};

static void open_guards(struct pk_resource *r) {
    for (size_t g = 0; g < PK_ARRAY_LEN(guards); g++)
        if (pk_streq(r->type, guards[g].type) && json_object_get(r->properties, guards[g].property))
            json_object_set_new(r->properties, guards[g].property, json_false());
    size_t i;
    json_t *item;
    json_array_foreach(json_object_get(r->properties, "LoadBalancerAttributes"), i, item) {
        if (pk_streq(pk_json_str(item, "Key", ""), "deletion_protection.enabled"))
            json_object_set_new(item, "Value", json_string("false"));
    }
}

/* Log groups are kept with what is protected; only a component that is kept as a whole keeps them
 * now. */
static bool kept_by_user(const struct pk_state *state, const struct pk_state_resource *r) {
    if (!r->retain_on_delete || !pk_streq(r->type, "AWS::Logs::LogGroup"))
        return r->retain_on_delete;
    size_t cursor = 0;
    const char *key;
    void *value;
    while (pk_map_next(state->resources, &cursor, &key, &value)) {
        const struct pk_state_resource *other = value;
        if (pk_streq(other->service, r->service) && pk_streq(other->component, r->component) &&
            !*other->sub)
            return other->retain_on_delete;
    }
    return true;
}

static void add_node(struct pk_graph *g, const struct pk_state *state,
                     const struct pk_state_resource *s) {
    struct pk_resource *r = pk_graph_add(g, s->key, s->type);
    r->kind = pk_arena_strdup(g->arena, s->kind);
    r->service = pk_arena_strdup(g->arena, s->service);
    r->component = pk_arena_strdup(g->arena, s->component);
    r->sub = pk_arena_strdup(g->arena, s->sub);
    r->name = s->name ? pk_arena_strdup(g->arena, s->name) : NULL;
    r->generation = s->generation;
    r->primary = !*s->sub;
    r->stateful = s->stateful;
    r->final_snapshot = s->final_snapshot;
    r->force_destroy = s->force_destroy;
    r->retain_on_delete = kept_by_user(state, s);
    json_decref(r->properties);
    r->properties = json_deep_copy(s->properties);
    json_decref(r->tags);
    r->tags = json_deep_copy(s->tags);
    open_guards(r);
}

struct pk_graph *pk_unprotected_graph(const struct pk_state *state) {
    struct pk_graph *g = pk_graph_new();
    size_t cursor = 0;
    const char *key;
    void *value;
    while (pk_map_next(state->resources, &cursor, &key, &value))
        add_node(g, state, value);
    cursor = 0;
    while (pk_map_next(state->resources, &cursor, &key, &value)) {
        const struct pk_state_resource *s = value;
        for (size_t i = 0; i < s->dependencies.len; i++) {
            struct pk_resource *to = pk_graph_find(g, s->dependencies.items[i]);
            if (to)
                pk_graph_edge(g, pk_graph_find(g, key), to, PK_EDGE_SOFT, "state",
                              (struct pk_span){0});
        }
    }
    json_decref(g->outputs);
    g->outputs = json_deep_copy(state->outputs);
    return g;
}
