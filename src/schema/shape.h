/*
 * shape.h - a field table as a tree, one node per path segment. Internal to schema/.
 *
 * Layer 1. A shape is made once per table and kept for the life of the program; it does not change
 * after that, so any thread may read it. Making one is guarded by a mutex.
 */
#ifndef PK_SCHEMA_SHAPE_H
#define PK_SCHEMA_SHAPE_H

#include "base/str.h"
#include "schema/field.h"

#include <regex.h>

struct pk_shape {
    const char *name;             /* last segment; "" for the root, "[]" and "*" for items */
    const struct pk_field *field; /* its row, or NULL for a container that only follows from rows */
    struct pk_shape *parent;
    struct pk_shape **children; /* named ones, in table order */
    size_t n_children;
    struct pk_shape *item;           /* `[]` */
    struct pk_shape *any;            /* `*` */
    const struct pk_shape *alias_of; /* only another spelling of that place, or NULL */
    regex_t *pattern;                /* compiled, or NULL */
    json_t *def;                     /* typed default, or NULL */
    bool has_defaults;               /* here or below */
    bool has_required;               /* below, in any depth */
    bool requires_child;             /* a direct child is required */
};

/* The tree of a table, with the common fields when wanted. A broken table (bad default, pattern or
 * alias) stops the program. */
const struct pk_shape *pk_shape_of(const struct pk_kind_table *kind, bool with_common);
const struct pk_shape *pk_shape_child(const struct pk_shape *shape, const char *name);
/* The only child whose name equals `key` when `_` and case are ignored; for keys with `_` only. */
const struct pk_shape *pk_shape_snake(const struct pk_shape *shape, const char *key);
/* The shape at a concrete path ("ports[0].port"), aliases followed; or NULL. */
const struct pk_shape *pk_shape_at(const struct pk_shape *root, const char *path);

enum pk_container { PK_CONTAINER_NONE, PK_CONTAINER_OBJECT, PK_CONTAINER_LIST };
/* What the table expects here; a scalar type with rows below it (PK_F_SCALAR_OR_MAP) is NONE. */
enum pk_container pk_shape_container(const struct pk_shape *shape);

/* --- conversion (convert.c) */
enum pk_convert_fault {
    PK_FAULT_NONE,
    PK_FAULT_TYPE,
    PK_FAULT_ENUM,
    PK_FAULT_HOST_BITS, /* a network with host bits */
};
/* One text as the field's type: new reference, or NULL with *ret_fault and *ret_why set. */
json_t *pk_convert(const struct pk_field *field, const char *text, enum pk_convert_fault *ret_fault,
                   const char **ret_why);
/* True when `word` is one of the words between "|"; *ret_word is the table's spelling. */
bool pk_words_find(const char *words, const char *word, bool nocase, struct pk_str *ret_word);
/* "text", "a whole number", … as messages name the type. */
const char *pk_type_name(enum pk_type type);
/* A plain YAML scalar by the core schema (null, true, 1, 1.5), anything else as text. */
json_t *pk_scalar_core(const struct pk_node *scalar, const char *text);

/* --- places (spans.c) */
struct pk_spans *pk_spans_new(struct pk_arena *arena, struct pk_span root);
void pk_spans_add(struct pk_arena *arena, struct pk_spans *spans, const char *path,
                  struct pk_span span);
/* The place added for exactly this path so far (also before pk_spans_done), or NULL. */
const struct pk_span *pk_spans_peek(const struct pk_spans *spans, const char *path);
/* Sorts and settles in the arena; to be called once, after the last pk_spans_add (until then the
 * list is not the arena's) and before the first pk_spans_find. */
void pk_spans_done(struct pk_arena *arena, struct pk_spans *spans);

#endif
