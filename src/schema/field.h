/*
 * field.h - field tables: one row per field of a kind. From it come validation with suggestions,
 * defaults, typed values, `explain`, JSON Schema and the reference documentation.
 *
 * Layer 1. Tables are constant data. A path is dotted, `[]` marks list items and `*` any key of a
 * map: "instance.storage.iops", "ports[].port", "environment[].valueFrom.component", "tags.*". A
 * container (object, list, map) needs a row of its own only when it has a rule of its own
 * (required, default, size, doc).
 */
#ifndef PK_SCHEMA_FIELD_H
#define PK_SCHEMA_FIELD_H

#include "base/diag.h"
#include "yaml/yaml.h"

#include <jansson.h>

enum pk_type {
    PK_T_STR,
    PK_T_INT,
    PK_T_NUM,
    PK_T_BOOL,
    PK_T_ENUM, /* `allowed` lists the words, "|" between them; typed as text */
    PK_T_DUR,  /* seconds: 30, 30s, 5m, 2h, 1d -> integer */
    PK_T_CPU,  /* 256, "256m", "0.5 vCPU" -> CPU units, integer */
    PK_T_MEM,  /* 512, "512Mi", "1Gi" -> MiB, integer */
    PK_T_GIB,  /* 20, "20Gi" -> GiB, integer */
    PK_T_CIDR, /* IPv4 network, host bits zero; text */
    PK_T_ARN,
    PK_T_CRON,   /* cron(…), rate(…), at(…); text */
    PK_T_REF,    /* [service/]component; text, becomes the component's address */
    PK_T_SECRET, /* reference to a secret; text */
    PK_T_JSON,   /* any YAML, or JSON text; kept as JSON */
    PK_T_STRMAP, /* free-form map of scalars -> object of texts */
    PK_T_OBJECT,
    PK_T_LIST,
};

enum pk_field_flag {
    PK_F_REQUIRED = 1 << 0,   /* inside its parent object, when the parent is present */
    PK_F_DEFERRABLE = 1 << 1, /* may hold an output of another component (valueFrom or ${c.out}) */
    PK_F_NOCASE = 1 << 2,     /* enum words in any case; typed as the table spells them */
    PK_F_NOEMPTY = 1 << 3,
    PK_F_OR_NULLTEXT = 1 << 4, /* "" means absent */
    PK_F_OPEN = 1 << 5,        /* object: unknown keys are kept as they are (free-form) */
    PK_F_SCALAR_OR_MAP =
        1 << 6, /* a scalar is accepted where rows below it describe an object (then `.enabled`);
                   on a row of a scalar type the scalar is kept as it is; on a list a single item is
                   accepted without its list */
    PK_F_RAW = 1 << 7, /* `${…}` inside is left alone: variables, which are resolved where used */
};

struct pk_field {
    const char *path;
    enum pk_type type;
    const char *
        def; /* default as text, typed like user input; NULL = none. Lists and objects: JSON text */
    const char *allowed; /* enum words; or for other types words accepted besides (e.g. "never") */
    int64_t min,
        max; /* inclusive range of numbers, length of texts, item count of lists; both 0 = free */
    const char *pattern; /* POSIX extended regular expression of the whole text, or NULL */
    unsigned flags;
    const char *alias; /* other accepted paths in the same kind, "|" between them, or NULL */
    const char
        *change;      /* "U", "R+", "R-", "U~", "X", "-": what a change does to the live resource */
    const char *unit; /* "s", "MiB", "GiB", … or NULL */
    const char
        *diag; /* id of the finding for range, enum and pattern errors; NULL = field.range, … */
    const char *feeds; /* AWS property it feeds, for documentation */
    const char *doc;   /* one sentence */
};

/* A named output of a kind; `same_as` lists further spellings, "|" between them. */
struct pk_output {
    const char *name;
    const char *same_as;
    const char *doc;
};

/* What the language layer knows of a kind: everything but how it becomes AWS resources. */
struct pk_kind_table {
    const char *kind;
    const char *group; /* "components.panka.io/v1" */
    const char *doc;
    const struct pk_field *fields;
    size_t n_fields;
    const struct pk_output *outputs; /* without the common ones: name id arn region kind */
    size_t n_outputs;
    const char *example; /* YAML text that validates, or NULL */
    bool offered;        /* false: known to the catalogue, not deployable by this version */
};

/* The registry of kinds, made by component/ and handed down. */
struct pk_kind_registry {
    const struct pk_kind_table *const *kinds;
    size_t n_kinds;
};
const struct pk_kind_table *pk_kind_find(const struct pk_kind_registry *registry, const char *kind);
/* Canonical output name for any spelling (case, `_` and `-` ignored; common outputs included), or
 * NULL. A table name that ends in ".*" stands for a family ("listenerArn.*"): it is returned as it
 * stands in the table; pk_output_canonical gives the name asked for. */
const char *pk_output_find(const struct pk_kind_table *kind, const char *name);
/* The same with the member of a family filled in ("listenerArn.https"); in the arena where it is
 * not constant. */
const char *pk_output_canonical(struct pk_arena *arena, const struct pk_kind_table *kind,
                                const char *name);
/* All canonical names, the common ones last, as "a, b, c". In the arena. */
const char *pk_output_list(struct pk_arena *arena, const struct pk_kind_table *kind);

/* Fields shared by every component kind (dependsOn, tags, description, enabled, name, permissions,
 * iam, …). */
extern const struct pk_field pk_common_fields[];
extern const size_t pk_n_common_fields;

/* Where each typed value came from: path in the spec -> place. */
struct pk_spans;
struct pk_span pk_spans_find(const struct pk_spans *spans,
                             const char *path); /* nearest known parent's when unknown */
bool pk_spans_has(const struct pk_spans *spans,
                  const char *path); /* true: written by somebody, not a default */

/* What the schema asks the model for while it types a spec. Only `expand` and `ctx` are needed;
 * without the others valueFrom is refused and references stay as they are written. */
struct pk_interpolator {
    /* Resolves `${…}` in one scalar: new reference: json string, or token {"$out":…} /
     * {"$join":[…]}; NULL when a finding was added */
    json_t *(*expand)(void *ctx, const struct pk_node *scalar, struct pk_diags *diags);
    void *ctx;
    /* `valueFrom: {component, output}`: new reference to a token {"$out":…}; NULL after a finding
     */
    json_t *(*output)(void *ctx, const struct pk_node *component, const struct pk_node *output,
                      struct pk_diags *diags);
    /* A PK_T_REF text: the component's address, new reference; NULL leaves the value out (with or
     * without a finding) */
    json_t *(*component)(void *ctx, const struct pk_field *field, const char *text,
                         struct pk_span span, struct pk_diags *diags);
    /* When the scalar is nothing but one variable reference: its name, and where it was set */
    const char *(*origin)(void *ctx, const struct pk_node *scalar, struct pk_span *ret_span);
};

/*
 * Checks `spec` (may be NULL: an empty map) against the table, interpolating scalars on the way,
 * and builds the typed value: canonical paths, aliases folded, defaults filled, tokens where
 * outputs are deferred. with_common adds pk_common_fields. Findings: field.*, doc.snake-case, var.*
 * …; the result is complete enough for further checks even when there are findings (bad values are
 * left out). New reference; spans in arena. Findings about missing fields of the root lie at
 * `owner`.
 *
 * Rules that the table's author should know:
 * - Defaults are filled inside objects that nobody wrote too, but not inside an absent object that
 *   has a required field, nor in list items that do not exist. pk_spans_has tells who wrote a
 * value.
 * - null is the same as an absent key. In a PK_T_STRMAP it is "".
 * - `valueFrom: {component, output}` is accepted for a PK_F_DEFERRABLE scalar, which becomes the
 *   token, and in list items that have a row `value`: then `value` becomes the token.
 * - A list whose items have rows `name` and `value` (environment) may be written as a map; its
 * typed form is the list.
 * - A PK_T_REF text that matches the row's pattern is an id, not a component, and is kept.
 * - PK_T_SECRET is always deferrable. PK_T_LIST without `[]` row keeps its items as JSON.
 * - max below min means no upper limit.
 */
json_t *pk_schema_apply(struct pk_arena *arena, const struct pk_kind_table *kind, bool with_common,
                        const struct pk_node *spec, struct pk_span owner,
                        const struct pk_interpolator *interpolator, struct pk_diags *diags,
                        struct pk_spans **ret_spans);
/* One text as `type` (no interpolation); new reference or NULL with *ret_why set to a static
 * reason. */
json_t *pk_schema_convert(const struct pk_field *field, const char *text, const char **ret_why);
/* The row for a concrete path ("ports[0].port"), aliases followed; of the common fields where the
 * kind has none. NULL when there is no row. */
const struct pk_field *pk_schema_field(const struct pk_kind_table *kind, const char *path);
/* A tree as JSON without a table: plain scalars by the core schema, `${…}` left alone. New
 * reference. */
json_t *pk_node_json(const struct pk_node *node);

#endif
