/* graph_json.c - the graph as JSON and back. */
#include "graph/graph.h"

#include "json/json.h"

#include <string.h>

static json_t *span_json(struct pk_span span) {
    if (!span.src)
        return NULL;
    json_t *o = json_object();
    pk_json_put_str(o, "file", span.src->path);
    pk_json_put_int(o, "line", span.line);
    pk_json_put_int(o, "column", span.column);
    pk_json_put_int(o, "endLine", span.end_line);
    pk_json_put_int(o, "endColumn", span.end_column);
    return o;
}

static void put_span(json_t *to, const char *name, struct pk_span span) {
    json_t *o = span_json(span);
    if (o)
        json_object_set_new(to, name, o);
}

static void put_text(json_t *to, const char *name, const char *text) {
    if (text && *text)
        json_object_set_new(to, name, pk_json_text(text));
}

static void put_flag(json_t *to, const char *name, bool flag) {
    if (flag)
        json_object_set_new(to, name, json_true());
}

static json_t *edges_json(const struct pk_resource *r) {
    json_t *list = json_array();
    for (size_t i = 0; i < r->edges.len; i++) {
        const struct pk_edge *edge = r->edges.items[i];
        json_t *o = json_object();
        put_text(o, "to", edge->to->key);
        put_text(o, "strength", edge->strength == PK_EDGE_HARD ? "hard" : "soft");
        put_text(o, "why", edge->why);
        put_flag(o, "dropped", edge->dropped);
        put_span(o, "span", edge->span);
        json_array_append_new(list, o);
    }
    return list;
}

static json_t *spans_json(const struct pk_resource *r) {
    json_t *o = json_object();
    size_t cursor = 0;
    const char *property;
    void *span;
    while (pk_map_next(r->spans, &cursor, &property, &span))
        put_span(o, property, *(struct pk_span *)span);
    return o;
}

static json_t *resource_json(const struct pk_resource *r) {
    json_t *o = json_object();
    put_text(o, "key", r->key);
    put_text(o, "type", r->type);
    put_text(o, "kind", r->kind);
    put_text(o, "service", r->service);
    put_text(o, "component", r->component);
    put_text(o, "sub", r->sub);
    put_text(o, "name", r->name);
    put_flag(o, "nameExplicit", r->name_explicit);
    if (r->generation)
        pk_json_put_int(o, "generation", r->generation);
    put_flag(o, "primary", r->primary);
    json_object_set_new(o, "properties", json_deep_copy(r->properties));
    json_object_set_new(o, "tags", json_deep_copy(r->tags));
    json_object_set_new(o, "external", json_deep_copy(r->external));
    json_object_set_new(o, "edges", edges_json(r));
    put_span(o, "span", r->span);
    json_object_set_new(o, "spans", spans_json(r));
    put_flag(o, "stateful", r->stateful);
    put_flag(o, "protect", r->protect);
    put_flag(o, "forceDestroy", r->force_destroy);
    put_flag(o, "finalSnapshot", r->final_snapshot);
    put_flag(o, "retainOnDelete", r->retain_on_delete);
    put_flag(o, "forceUpdate", r->force_update);
    if (r->wait_limit_ms)
        pk_json_put_int(o, "waitLimitMs", r->wait_limit_ms);
    return o;
}

json_t *pk_graph_to_json(const struct pk_graph *graph) {
    json_t *o = json_object(), *list = json_array();
    for (size_t i = 0; i < graph->resources.len; i++)
        json_array_append_new(list, resource_json(graph->resources.items[i]));
    json_object_set_new(o, "resources", list);
    json_object_set_new(o, "outputs", json_deep_copy(graph->outputs));
    if (graph->networking)
        json_object_set_new(o, "networking", json_deep_copy(graph->networking));
    return o;
}

/* --- back --- */

struct reader {
    struct pk_graph *graph;
    struct pk_map *sources; /* path -> struct pk_source without text */
    struct pk_error **err;
};

static uint32_t place(const json_t *o, const char *name) {
    int64_t value = pk_json_int(o, name, 0);
    return value < 0 || value > UINT32_MAX ? 0 : (uint32_t)value;
}

static struct pk_span read_span(struct reader *r, const json_t *o) {
    const char *path = pk_json_str(o, "file", NULL);
    if (!path)
        return (struct pk_span){0};
    struct pk_source *src = pk_map_get(r->sources, path);
    if (!src) {
        src = pk_arena_alloc(r->graph->arena, sizeof(*src));
        src->path = pk_arena_strdup(r->graph->arena, path);
        src->text = "";
        pk_map_set(r->sources, path, src);
    }
    return (struct pk_span){src, place(o, "line"), place(o, "column"), place(o, "endLine"),
                            place(o, "endColumn")};
}

static const char *read_text(struct reader *r, const json_t *o, const char *name) {
    const char *text = pk_json_str(o, name, NULL);
    return text ? pk_arena_strdup(r->graph->arena, text) : NULL;
}

static const char *read_word(struct reader *r, const json_t *o, const char *name) {
    const char *text = read_text(r, o, name);
    return text ? text : "";
}

static bool replace_object(struct reader *r, json_t **target, const json_t *o, const char *name,
                           const char *key) {
    const json_t *value = json_object_get(o, name);
    if (!value)
        return true;
    if (!json_is_object(value))
        return pk_fail(r->err, PK_E_BAD_RESPONSE, "graph: \"%s\" of resource %s is not an object",
                       name, key);
    json_decref(*target);
    *target = json_deep_copy(value);
    return true;
}

static bool read_resource(struct reader *r, const json_t *o, size_t i) {
    const char *key = pk_json_str(o, "key", NULL), *type = pk_json_str(o, "type", NULL);
    if (!key || !type || pk_map_has(r->graph->by_key, key))
        return pk_fail(r->err, PK_E_BAD_RESPONSE,
                       "graph: resource %zu has no \"key\" and \"type\" of its own", i);
    struct pk_resource *node = pk_graph_add(r->graph, key, type);
    node->kind = read_word(r, o, "kind");
    node->service = read_word(r, o, "service");
    node->component = read_word(r, o, "component");
    node->sub = read_word(r, o, "sub");
    node->name = read_text(r, o, "name");
    node->name_explicit = pk_json_bool(o, "nameExplicit", false);
    node->generation = place(o, "generation");
    node->primary = pk_json_bool(o, "primary", false);
    node->span = read_span(r, json_object_get(o, "span"));
    node->stateful = pk_json_bool(o, "stateful", false);
    node->protect = pk_json_bool(o, "protect", false);
    node->force_destroy = pk_json_bool(o, "forceDestroy", false);
    node->final_snapshot = pk_json_bool(o, "finalSnapshot", false);
    node->retain_on_delete = pk_json_bool(o, "retainOnDelete", false);
    node->force_update = pk_json_bool(o, "forceUpdate", false);
    node->wait_limit_ms = pk_json_int(o, "waitLimitMs", 0);
    const char *property;
    json_t *value, *spans = json_object_get(o, "spans");
    json_object_foreach(spans, property, value) {
        struct pk_span *span = pk_arena_alloc(r->graph->arena, sizeof(*span));
        *span = read_span(r, value);
        pk_map_set(node->spans, property, span);
    }
    return replace_object(r, &node->properties, o, "properties", key) &&
           replace_object(r, &node->tags, o, "tags", key) &&
           replace_object(r, &node->external, o, "external", key);
}

static bool read_edges(struct reader *r, const json_t *o) {
    struct pk_resource *from = pk_graph_find(r->graph, pk_json_str(o, "key", NULL));
    size_t i;
    json_t *item;
    json_array_foreach(json_object_get(o, "edges"), i, item) {
        struct pk_resource *to = pk_graph_find(r->graph, pk_json_str(item, "to", NULL));
        if (!to)
            return pk_fail(r->err, PK_E_BAD_RESPONSE,
                           "graph: edge %zu of resource %s leads to no resource", i, from->key);
        bool soft = pk_streq(pk_json_str(item, "strength", NULL), "soft");
        pk_graph_edge(r->graph, from, to, soft ? PK_EDGE_SOFT : PK_EDGE_HARD,
                      pk_json_str(item, "why", "needs"),
                      read_span(r, json_object_get(item, "span")));
        if (soft && pk_json_bool(item, "dropped", false))
            ((struct pk_edge *)from->edges.items[from->edges.len - 1])->dropped = true;
    }
    return true;
}

static bool read_graph(struct reader *r, const json_t *json) {
    const json_t *list = json_object_get(json, "resources");
    const json_t *networking = json_object_get(json, "networking");
    if (!json_is_array(list))
        return pk_fail(r->err, PK_E_BAD_RESPONSE, "graph: \"resources\" is not a list");
    for (size_t i = 0; i < json_array_size(list); i++)
        if (!read_resource(r, json_array_get(list, i), i))
            return false;
    for (size_t i = 0; i < json_array_size(list); i++)
        if (!read_edges(r, json_array_get(list, i)))
            return false;
    if (json_is_object(networking))
        r->graph->networking = json_deep_copy(networking);
    return replace_object(r, &r->graph->outputs, json, "outputs", "(graph)");
}

bool pk_graph_from_json(const json_t *json, struct pk_graph **ret, struct pk_error **err) {
    struct reader r = {pk_graph_new(), pk_map_new(), err};
    bool ok = read_graph(&r, json);
    pk_map_free(r.sources);
    if (ok)
        *ret = r.graph;
    else
        pk_graph_free(r.graph);
    return ok;
}
