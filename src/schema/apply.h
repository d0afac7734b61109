/*
 * apply.h - one run of a table over a spec. Internal to schema/.
 *
 * Layer 1. Lives on the stack of pk_schema_apply.
 */
#ifndef PK_SCHEMA_APPLY_H
#define PK_SCHEMA_APPLY_H

#include "schema/shape.h"

/* The innermost list item, map value or root that is being filled: where other spellings of a field
 * start from. */
struct pk_base {
    const struct pk_shape *shape;
    json_t *json;
    size_t path_len;
    const struct pk_base *outer;
};

struct pk_apply {
    struct pk_arena *arena;
    const struct pk_kind_table *kind;
    const struct pk_interpolator *interpolator; /* or NULL */
    struct pk_diags *diags;
    struct pk_spans *spans;
    const struct pk_shape *root;
    const struct pk_base *base;
    struct pk_buf path; /* of the value in hand */
};

/* Steps down; the result goes to pk_apply_pop. name NULL: list item `index`. */
size_t pk_apply_push(struct pk_apply *a, const char *name, size_t index);
void pk_apply_pop(struct pk_apply *a, size_t len);

/* A scalar after interpolation. */
struct pk_expanded {
    const char *text; /* NULL when it is a token */
    json_t *value;    /* owns text or is the token; NULL: text is the node's own */
};
/* False after a finding. Release with json_decref(ret->value). */
bool pk_apply_expand(struct pk_apply *a, const struct pk_node *scalar, bool raw,
                     struct pk_expanded *ret);
/* Types one scalar at the current path; NULL when left out (a finding was added, or it counts as
 * absent). */
json_t *pk_apply_scalar(struct pk_apply *a, const struct pk_shape *shape,
                        const struct pk_node *node);
/* A tree kept as it is, `${…}` resolved. NULL after a finding. */
json_t *pk_apply_json(struct pk_apply *a, const struct pk_node *node, bool deferrable);
/* `valueFrom: …` -> token, or NULL after a finding. */
json_t *pk_apply_value_from(struct pk_apply *a, const struct pk_node *node, struct pk_span place);

/* --- findings (report.c) */
void pk_report_shape(struct pk_apply *a, const char *wanted, const struct pk_node *node,
                     struct pk_span place);
void pk_report_unknown(struct pk_apply *a, const struct pk_shape *shape,
                       const struct pk_pair *pair);
void pk_report_convert(struct pk_apply *a, const struct pk_field *field, const struct pk_node *node,
                       const char *text, enum pk_convert_fault fault, const char *why);
void pk_report_not_deferrable(struct pk_apply *a, const struct pk_node *node);
/* Range, length and pattern of a typed value; true when it is fine. */
bool pk_check_limits(struct pk_apply *a, const struct pk_shape *shape, const json_t *value,
                     const struct pk_node *node, const char *text);
/* Item count of a list or map. */
void pk_check_count(struct pk_apply *a, const struct pk_field *field, size_t n,
                    struct pk_span place);

/* --- after the walk (finish.c) */
void pk_check_required(struct pk_apply *a, const struct pk_shape *shape, const json_t *value);
void pk_fill_defaults(const struct pk_shape *shape, json_t *object);

#endif
