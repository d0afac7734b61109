/* report.c - what is wrong with a value, where, and how to put it right. */
#include "schema/apply.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#define MAX_SUGGESTIONS 3
#define MAX_LISTED 12

static const char *path_of(const struct pk_apply *a) {
    return pk_buf_cstr(&a->path);
}

static const char *node_word(const struct pk_node *node) {
    return node->kind == PK_NODE_MAP ? "a map" : node->kind == PK_NODE_LIST ? "a list" : "text";
}

void pk_report_shape(struct pk_apply *a, const char *wanted, const struct pk_node *node,
                     struct pk_span place) {
    struct pk_diag *d = pk_diag(a->diags, PK_SEVERITY_ERROR, "field.type", place, "`%s` must be %s",
                                path_of(a), wanted);
    pk_diag_label(a->diags, d, "this is %s", node_word(node));
}

/* "`a`, `b` or `c`" */
static void list_words(struct pk_buf *buf, const char *const *words, size_t n) {
    for (size_t i = 0; i < n; i++)
        pk_buf_addf(buf, "%s`%s`", i == 0 ? "" : i + 1 == n ? " or " : ", ", words[i]);
}

static size_t loosely_equal(const struct pk_shape *shape, const char *key, const char **ret) {
    for (size_t i = 0; i < shape->n_children; i++) {
        if (pk_strieq(shape->children[i]->name, key)) {
            *ret = shape->children[i]->name;
            return 1;
        }
    }
    return 0;
}

/* Path of the only other place of the table where a field has this name; counts matches. */
static size_t find_elsewhere(const struct pk_shape *shape, const char *key, char *path, size_t len,
                             size_t size, char *ret) {
    size_t found = 0;
    for (size_t i = 0; i < shape->n_children + 2; i++) {
        const struct pk_shape *child = i < shape->n_children    ? shape->children[i]
                                       : i == shape->n_children ? shape->item
                                                                : shape->any;
        if (!child || child->alias_of)
            continue;
        bool item = strcmp(child->name, "[]") == 0;
        int n = snprintf(path + len, size - len, "%s%s", len && !item ? "." : "", child->name);
        if (n < 0 || (size_t)n >= size - len)
            continue;
        if (strcmp(child->name, key) == 0) {
            memcpy(ret, path, len + (size_t)n + 1);
            found++;
        }
        found += find_elsewhere(child, key, path, len + (size_t)n, size, ret);
    }
    path[len] = 0;
    return found;
}

/* The nearest children; their count. */
static size_t nearest(const struct pk_shape *shape, const char *key, const char **ret) {
    const char **names = pk_calloc(shape->n_children + 1, sizeof(*names));
    for (size_t i = 0; i < shape->n_children; i++)
        names[i] = shape->children[i]->name;
    size_t n = pk_suggest(key, names, shape->n_children, ret, MAX_SUGGESTIONS);
    pk_freep(&names);
    return n;
}

static void help_unknown(struct pk_apply *a, const struct pk_shape *shape, const char *key,
                         struct pk_diag *d) {
    const char *best[MAX_SUGGESTIONS];
    char path[256] = "", place[256];
    size_t n = loosely_equal(shape, key, best);
    /* the same name at another place is a better guess than a similar name here */
    if (n == 0 && find_elsewhere(a->root, key, path, 0, sizeof(path), place) == 1) {
        pk_diag_help(a->diags, d, "%s has this field as `%s`", a->kind->kind, place);
        return;
    }
    struct pk_buf buf = PK_BUF_INIT(4096);
    if (n == 0)
        n = nearest(shape, key, best);
    if (n > 0) {
        pk_buf_addz(&buf, "did you mean ");
        list_words(&buf, best, n);
        pk_buf_addc(&buf, '?');
    } else if (shape->n_children > 0 && shape->n_children <= MAX_LISTED) {
        const char *names[MAX_LISTED];
        for (size_t i = 0; i < shape->n_children; i++)
            names[i] = shape->children[i]->name;
        pk_buf_addz(&buf, "known here: ");
        list_words(&buf, names, shape->n_children);
    }
    if (buf.len)
        pk_diag_help(a->diags, d, "%s", pk_buf_cstr(&buf));
    pk_buf_release(&buf);
}

void pk_report_unknown(struct pk_apply *a, const struct pk_shape *shape,
                       const struct pk_pair *pair) {
    struct pk_diag *d = pk_diag(a->diags, PK_SEVERITY_ERROR, "field.unknown", pair->key_span,
                                "unknown field `%s`", pair->key);
    if (a->path.len)
        pk_diag_label(a->diags, d, "%s has no such field in `%s`", a->kind->kind, path_of(a));
    else
        pk_diag_label(a->diags, d, "%s has no such field", a->kind->kind);
    help_unknown(a, shape, pair->key, d);
}

/* Names the variable that brought a bad value. */
static void add_origin(struct pk_apply *a, struct pk_diag *d, const struct pk_node *node,
                       const char *text) {
    struct pk_span span = {0};
    if (!a->interpolator || !a->interpolator->origin || !strchr(node->text, '$'))
        return;
    const char *name = a->interpolator->origin(a->interpolator->ctx, node, &span);
    if (!name)
        return;
    if (span.src)
        pk_diag_detail(a->diags, d, "the variable %s, set at %s:%u:%u, is \"%s\"", name,
                       span.src->path, span.line, span.column, text);
    else
        pk_diag_detail(a->diags, d, "the variable %s is \"%s\"", name, text);
    if (span.src)
        pk_diag_related(a->diags, d, span, "%s is set here", name);
}

static void report_enum(struct pk_apply *a, const struct pk_field *field,
                        const struct pk_node *node, const char *text) {
    struct pk_diag *d =
        pk_diag(a->diags, PK_SEVERITY_ERROR, field->diag ? field->diag : "field.enum", node->span,
                "`%s` cannot be \"%s\"", path_of(a), text);
    struct pk_buf buf = PK_BUF_INIT(4096);
    struct pk_str rest = pk_str(field->allowed), word;
    const char *words[128], *best[MAX_SUGGESTIONS];
    size_t n = 0;
    while (pk_str_cut(&rest, '|', &word) && n < PK_ARRAY_LEN(words)) {
        pk_buf_addf(&buf, "%s" PK_STR_FMT, n ? ", " : "allowed: ", PK_STR_ARG(word));
        words[n++] = pk_arena_strndup(a->arena, word.ptr, word.len);
    }
    pk_diag_label(a->diags, d, "%s", pk_buf_cstr(&buf));
    pk_buf_release(&buf);
    size_t n_best = 0;
    for (size_t i = 0; i < n && n_best == 0; i++)
        if (pk_strieq(words[i], text))
            best[n_best++] = words[i];
    if (n_best == 0)
        n_best = pk_suggest(text, words, n, best, 1);
    if (n_best)
        pk_diag_help(a->diags, d, "did you mean `%s`?", best[0]);
    add_origin(a, d, node, text);
}

void pk_report_convert(struct pk_apply *a, const struct pk_field *field, const struct pk_node *node,
                       const char *text, enum pk_convert_fault fault, const char *why) {
    if (fault == PK_FAULT_ENUM) {
        report_enum(a, field, node, text);
        return;
    }
    const char *id = fault == PK_FAULT_HOST_BITS ? "net.cidr-host-bits" : "field.type";
    struct pk_diag *d = pk_diag(a->diags, PK_SEVERITY_ERROR, id, node->span, "`%s` must be %s",
                                path_of(a), pk_type_name(field->type));
    if (why)
        pk_diag_label(a->diags, d, "%s", why);
    else
        pk_diag_label(a->diags, d, "\"%s\" is not", text);
    if (field->type == PK_T_BOOL &&
        (pk_strieq(text, "yes") || pk_strieq(text, "on") || pk_strieq(text, "true")))
        pk_diag_help(a->diags, d, "write `true`");
    else if (field->type == PK_T_BOOL &&
             (pk_strieq(text, "no") || pk_strieq(text, "off") || pk_strieq(text, "false")))
        pk_diag_help(a->diags, d, "write `false`");
    else if (field->allowed)
        pk_diag_help(a->diags, d, "also allowed: %s", field->allowed);
    add_origin(a, d, node, text);
}

void pk_report_not_deferrable(struct pk_apply *a, const struct pk_node *node) {
    struct pk_diag *d = pk_diag(a->diags, PK_SEVERITY_ERROR, "ref.not-deferrable", node->span,
                                "`%s` must be known before anything is deployed", path_of(a));
    pk_diag_label(a->diags, d, "this is an output of another component");
    pk_diag_help(a->diags, d, "write the value, or take it from a variable");
}

static const char *unit_of(const struct pk_field *field) {
    if (field->unit)
        return field->unit;
    switch (field->type) {
    case PK_T_DUR:
        return "seconds";
    case PK_T_CPU:
        return "CPU units";
    case PK_T_MEM:
        return "MiB";
    case PK_T_GIB:
        return "GiB";
    case PK_T_STR:
    case PK_T_INT:
    case PK_T_NUM:
    case PK_T_BOOL:
    case PK_T_ENUM:
    case PK_T_CIDR:
    case PK_T_ARN:
    case PK_T_CRON:
    case PK_T_REF:
    case PK_T_SECRET:
    case PK_T_JSON:
    case PK_T_STRMAP:
    case PK_T_OBJECT:
    case PK_T_LIST:
        break;
    }
    return "";
}

static void range_text(char ret[static 96], const struct pk_field *field, const char *unit) {
    const char *space = *unit ? " " : "";
    if (field->max < field->min || field->max == INT64_MAX)
        snprintf(ret, 96, "%" PRId64 "%s%s or more", field->min, space, unit);
    else if (field->min == INT64_MIN)
        snprintf(ret, 96, "%" PRId64 "%s%s or less", field->max, space, unit);
    else if (field->min == field->max)
        snprintf(ret, 96, "%" PRId64 "%s%s", field->min, space, unit);
    else
        snprintf(ret, 96, "%" PRId64 " to %" PRId64 "%s%s", field->min, field->max, space, unit);
}

static bool in_range(const struct pk_field *field, double value) {
    if (field->min == 0 && field->max == 0)
        return true;
    return value >= (double)field->min && (field->max < field->min || value <= (double)field->max);
}

static const char *limit_id(const struct pk_field *field, const char *id) {
    return field->diag ? field->diag : id;
}

static size_t count_chars(const char *text) {
    size_t n = 0;
    for (; *text; text++)
        n += ((unsigned char)*text & 0xC0) != 0x80;
    return n;
}

static bool check_text(struct pk_apply *a, const struct pk_shape *shape, const struct pk_node *node,
                       const char *text) {
    const struct pk_field *field = shape->field;
    struct pk_diag *d;
    if (!*text && (field->flags & PK_F_NOEMPTY)) {
        d = pk_diag(a->diags, PK_SEVERITY_ERROR, limit_id(field, "field.length"), node->span,
                    "`%s` must not be empty", path_of(a));
    } else if ((field->min || field->max) && field->type == PK_T_STR &&
               !in_range(field, (double)count_chars(text))) {
        char range[96];
        range_text(range, field, "characters");
        d = pk_diag(a->diags, PK_SEVERITY_ERROR, limit_id(field, "field.length"), node->span,
                    "`%s` must have %s", path_of(a), range);
        pk_diag_label(a->diags, d, "this has %zu", count_chars(text));
    } else if (shape->pattern && regexec(shape->pattern, text, 0, NULL, 0) != 0) {
        d = pk_diag(a->diags, PK_SEVERITY_ERROR, limit_id(field, "field.pattern"), node->span,
                    "`%s` cannot be \"%s\"", path_of(a), text);
        pk_diag_label(a->diags, d, "it must match %s", field->pattern);
        if (field->doc)
            pk_diag_help(a->diags, d, "%s", field->doc);
    } else {
        return true;
    }
    add_origin(a, d, node, text);
    return false;
}

bool pk_check_limits(struct pk_apply *a, const struct pk_shape *shape, const json_t *value,
                     const struct pk_node *node, const char *text) {
    const struct pk_field *field = shape->field;
    struct pk_str word;
    if (field->type == PK_T_ENUM || pk_words_find(field->allowed, text, false, &word))
        return true;
    if (json_is_string(value))
        return check_text(a, shape, node, json_string_value(value));
    if (!json_is_number(value) || in_range(field, json_number_value(value)))
        return true;
    char range[96];
    range_text(range, field, unit_of(field));
    struct pk_diag *d = pk_diag(a->diags, PK_SEVERITY_ERROR, limit_id(field, "field.range"),
                                node->span, "`%s` must be %s", path_of(a), range);
    pk_diag_label(a->diags, d, "%s is out of range", text);
    add_origin(a, d, node, text);
    return false;
}

void pk_check_count(struct pk_apply *a, const struct pk_field *field, size_t n,
                    struct pk_span place) {
    char range[96];
    if (!field)
        return;
    if (n == 0 && (field->flags & PK_F_NOEMPTY)) {
        pk_diag(a->diags, PK_SEVERITY_ERROR, limit_id(field, "field.length"), place,
                "`%s` must not be empty", path_of(a));
        return;
    }
    if ((field->min == 0 && field->max == 0) || in_range(field, (double)n))
        return;
    range_text(range, field, "items");
    struct pk_diag *d = pk_diag(a->diags, PK_SEVERITY_ERROR, limit_id(field, "field.length"), place,
                                "`%s` must have %s", path_of(a), range);
    pk_diag_label(a->diags, d, "this has %zu", n);
}
