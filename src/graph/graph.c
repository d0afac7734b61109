/* graph.c - nodes and edges. */
#include "graph/graph.h"

#include "json/json.h"

#include <stdlib.h>

struct pk_graph *pk_graph_new(void) {
    struct pk_graph *graph = pk_calloc(1, sizeof(*graph));
    graph->arena = pk_arena_new();
    graph->by_key = pk_map_new();
    graph->outputs = json_object();
    return graph;
}

void pk_graph_free(struct pk_graph *graph) {
    if (!graph)
        return;
    for (size_t i = 0; i < graph->resources.len; i++) {
        struct pk_resource *r = graph->resources.items[i];
        json_decref(r->properties);
        json_decref(r->tags);
        json_decref(r->external);
        pk_vec_release(&r->edges);
        pk_map_free(r->spans);
    }
    pk_vec_release(&graph->resources);
    pk_map_free(graph->by_key);
    json_decref(graph->outputs);
    json_decref(graph->networking);
    pk_arena_free(graph->arena);
    free(graph);
}

void pk_graph_freep(struct pk_graph **graph) {
    pk_graph_free(*graph);
    *graph = NULL;
}

struct pk_resource *pk_graph_add(struct pk_graph *graph, const char *key, const char *type) {
    pk_assert(!pk_map_has(graph->by_key, key));
    struct pk_resource *r = pk_arena_alloc(graph->arena, sizeof(*r));
    r->key = pk_arena_strdup(graph->arena, key);
    r->type = pk_arena_strdup(graph->arena, type);
    r->kind = r->service = r->component = r->sub = "";
    r->properties = json_object();
    r->tags = json_object();
    r->external = json_object();
    r->spans = pk_map_new();
    r->index = (unsigned)graph->resources.len;
    pk_vec_push(&graph->resources, r);
    pk_map_set(graph->by_key, r->key, r);
    return r;
}

struct pk_resource *pk_graph_find(const struct pk_graph *graph, const char *key) {
    return key ? pk_map_get(graph->by_key, key) : NULL;
}

void pk_resource_set(struct pk_graph *graph, struct pk_resource *resource, const char *property,
                     json_t *value, struct pk_span span) {
    if (!value)
        return;
    json_object_set_new(resource->properties, property, value);
    if (!span.src)
        return;
    struct pk_span *kept = pk_arena_alloc(graph->arena, sizeof(*kept));
    *kept = span;
    pk_map_set(resource->spans, property, kept);
}

struct pk_span pk_resource_span(const struct pk_resource *resource, const char *property) {
    const struct pk_span *span = property ? pk_map_get(resource->spans, property) : NULL;
    return span ? *span : resource->span;
}

static struct pk_edge *find_edge(const struct pk_resource *from, const struct pk_resource *to) {
    for (size_t i = 0; i < from->edges.len; i++) {
        struct pk_edge *edge = from->edges.items[i];
        if (edge->to == to)
            return edge;
    }
    return NULL;
}

void pk_graph_edge(struct pk_graph *graph, struct pk_resource *from, struct pk_resource *to,
                   enum pk_strength strength, const char *why, struct pk_span span) {
    if (from == to)
        return;
    struct pk_edge *edge = find_edge(from, to);
    if (edge && (edge->strength == PK_EDGE_HARD || strength == PK_EDGE_SOFT))
        return;
    if (!edge) {
        edge = pk_arena_alloc(graph->arena, sizeof(*edge));
        edge->to = to;
        pk_vec_push(&from->edges, edge);
    }
    edge->strength = strength;
    edge->why = pk_arena_strdup(graph->arena, why ? why : "needs");
    edge->span = span;
    edge->dropped = false;
}

struct token_edges {
    struct pk_graph *graph;
    struct pk_resource *from;
    const char *property;
};

static void token_edge(void *ctx, json_t *token) {
    struct token_edges *t = ctx;
    const char *key = json_string_value(json_object_get(token, "$ref"));
    struct pk_resource *to = pk_graph_find(t->graph, key);
    pk_assert(to); /* expansion only refers to nodes that it has added */
    pk_graph_edge(t->graph, t->from, to, PK_EDGE_HARD, t->property,
                  pk_resource_span(t->from, t->property));
}

void pk_graph_edges_from_tokens(struct pk_graph *graph) {
    for (size_t i = 0; i < graph->resources.len; i++) {
        struct pk_resource *r = graph->resources.items[i];
        const char *property;
        json_t *value;
        json_object_foreach(r->properties, property, value) {
            struct token_edges t = {graph, r, property};
            pk_token_each(value, "$ref", token_edge, &t);
        }
    }
}
