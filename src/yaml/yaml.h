/*
 * yaml.h - YAML text to a tree with a place for every key and value.
 *
 * Layer 1. Built on libyaml's events. The tree lives in the caller's arena. Limits: 1 MiB a file,
 * depth 64, 100,000 nodes after alias expansion, 10,000 alias expansions. Scalars stay text: the
 * schema types them.
 */
#ifndef PK_YAML_YAML_H
#define PK_YAML_YAML_H

#include "base/diag.h"
#include "base/mem.h"

enum pk_node_kind { PK_NODE_SCALAR, PK_NODE_MAP, PK_NODE_LIST };

struct pk_node;

struct pk_pair {
    const char *key;
    struct pk_span key_span;
    struct pk_node *value;
};

struct pk_node {
    enum pk_node_kind kind;
    struct pk_span span;
    bool
        plain; /* scalar without quotes: may be null, true, a number … when the schema wants that */
    bool null;             /* plain empty, ~, null, Null, NULL */
    const char *text;      /* scalars: NUL-terminated UTF-8, never with NUL inside */
    struct pk_pair *pairs; /* maps, in file order, keys unique */
    size_t n_pairs;
    struct pk_node **items; /* lists */
    size_t n_items;
};

/* One document of a stream; root is NULL for an empty document. */
struct pk_document {
    struct pk_node *root;
    struct pk_span span;
};

#define PK_YAML_MAX_FILE ((size_t)1 << 20)

/*
 * Parses all documents of `source`. Syntax findings (yaml.syntax, yaml.encoding,
 * yaml.duplicate-key, yaml.alias, yaml.limit) go to diags; what could be read before the first
 * syntax error is still returned.
 */
void pk_yaml_parse(struct pk_arena *arena, const struct pk_source *source, struct pk_diags *diags,
                   struct pk_document **ret_docs, size_t *ret_n_docs);
/* Reads a file into a source in the arena; findings file.missing, file.unreadable, file.too-large;
 * NULL then. */
struct pk_source *pk_source_read(struct pk_arena *arena, const char *path, const char *shown_path,
                                 struct pk_span where_named, struct pk_diags *diags);

struct pk_node *pk_node_get(const struct pk_node *map,
                            const char *key); /* NULL when absent or not a map */
struct pk_pair *pk_node_pair(const struct pk_node *map, const char *key);
/* The text of a scalar at key, or NULL. */
const char *pk_node_text(const struct pk_node *map, const char *key);

#endif
