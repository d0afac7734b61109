/*
 * graph.h - the resource graph: what should exist, in CloudFormation's vocabulary, and what needs
 * what.
 *
 * Layer 2. The pivot of the program: everything before it knows nothing of AWS calls, everything
 * after it nothing of kinds. A graph owns all it holds (one arena; JSON values are released with
 * it).
 */
#ifndef PK_GRAPH_GRAPH_H
#define PK_GRAPH_GRAPH_H

#include "base/diag.h"
#include "base/mem.h"
#include "base/str.h"
#include "base/vec.h"

#include <jansson.h>

enum pk_strength {
    PK_EDGE_HARD, /* must be ready first */
    PK_EDGE_SOFT, /* preferred order; dropped where it would close a cycle */
};

struct pk_resource;

struct pk_edge {
    struct pk_resource *to; /* the one that must be ready first */
    enum pk_strength strength;
    const char *why; /* "environment DB_HOST", "dependsOn", "needs" … shown in cycle reports */
    struct pk_span span;
    bool dropped; /* a soft edge that would have closed a cycle */
};

struct pk_resource {
    const char *key;                              /* "api-db:subnet-group", "_stack:cluster" */
    const char *type;                             /* "AWS::RDS::DBSubnetGroup" */
    const char *kind, *service, *component, *sub; /* "" where there is none */
    const char *name;    /* physical name to create it with; NULL when AWS makes the identifier */
    bool name_explicit;  /* the user wrote the name: a replacement cannot get another one */
    unsigned generation; /* replacements so far; part of `name` */
    bool primary;        /* the component's own resource */
    json_t *properties;  /* object; tokens inside (json/json.h) */
    json_t
        *tags; /* object of texts: user and system tags; never NULL; empty = not taggable by us */
    json_t *external; /* object of texts: hashes of files and other inputs outside the properties */
    struct pk_vec edges;  /* struct pk_edge, in order of insertion */
    struct pk_span span;  /* the document */
    struct pk_map *spans; /* top-level property -> struct pk_span */
    bool stateful, protect, force_destroy, final_snapshot, retain_on_delete;
    bool force_update;     /* --redeploy: act although nothing differs */
    int64_t wait_limit_ms; /* deployment.timeout and the like; 0 = the type's own */
    unsigned index;        /* position in graph->resources; for arrays beside it */
    void *mark;            /* scratch of graph algorithms */
};

struct pk_graph {
    struct pk_arena *arena;
    struct pk_vec resources; /* struct pk_resource, in order of insertion */
    struct pk_map *by_key;
    json_t *outputs;    /* object "component.output" or stack output -> value or token */
    json_t *networking; /* the state's networking block; may hold tokens; or NULL */
};

struct pk_graph *pk_graph_new(void);
void pk_graph_free(struct pk_graph *graph);
void pk_graph_freep(struct pk_graph **graph);

/* Adds a node with empty properties and tags; the key must be new (asserted). */
struct pk_resource *pk_graph_add(struct pk_graph *graph, const char *key, const char *type);
struct pk_resource *pk_graph_find(const struct pk_graph *graph, const char *key); /* or NULL */
/* Sets a top-level property; steals value; a NULL value sets nothing. span: what in the YAML
 * decided it. */
void pk_resource_set(struct pk_graph *graph, struct pk_resource *resource, const char *property,
                     json_t *value, struct pk_span span);
struct pk_span pk_resource_span(const struct pk_resource *resource,
                                const char *property); /* falls back to ->span */
/* Draws `from` needs `to`; a repeat keeps the stronger edge. Self edges are ignored. */
void pk_graph_edge(struct pk_graph *graph, struct pk_resource *from, struct pk_resource *to,
                   enum pk_strength strength, const char *why, struct pk_span span);
/* Draws hard edges for every $ref token in properties (unknown keys: finding "internal.ref"
 * asserted away in tests). */
void pk_graph_edges_from_tokens(struct pk_graph *graph);
/* Drops soft edges that close cycles (one info finding each is up to the caller via ->dropped),
 * then looks for hard cycles: the shortest one becomes finding ref.cycle with the field of every
 * edge. False when there is one. */
bool pk_graph_check_cycles(struct pk_graph *graph, struct pk_diags *diags);

/* Topological order, dependencies first; needs a graph without hard cycles. malloc'ed array of n
 * resources. */
struct pk_resource **pk_graph_order(const struct pk_graph *graph, size_t *ret_n);
/* Wave of every resource (longest path from a source, 0-based), by ->index; malloc'ed. */
unsigned *pk_graph_waves(const struct pk_graph *graph, unsigned *ret_n_waves);

/* The graph as JSON and back (plan files): same content, spans as {file, line, column} texts. */
json_t *pk_graph_to_json(const struct pk_graph *graph);
PK_NODISCARD bool pk_graph_from_json(const json_t *json, struct pk_graph **ret,
                                     struct pk_error **err);

/* A drawing is of boxes and arrows; the caller fills it from components or from resources. */
struct pk_draw_node {
    const char *id, *label, *sublabel; /* sublabel may be NULL */
    const char *group;                 /* cluster (service) or NULL */
    const char *color;                 /* "create", "update", "replace", "delete" or NULL */
    size_t *needs;                     /* indexes of nodes drawn before it */
    size_t n_needs;
};
enum pk_draw_format { PK_DRAW_ASCII, PK_DRAW_DOT, PK_DRAW_MERMAID };
/* Stable output; ASCII uses box characters when unicode is true and wraps at width columns. */
void pk_graph_draw(const struct pk_draw_node *nodes, size_t n_nodes, const char *title,
                   enum pk_draw_format format, bool unicode, size_t width, struct pk_buf *ret);

#endif
