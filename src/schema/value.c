/* value.c - single values: interpolation, typing, tokens, free-form trees. */
#include "schema/apply.h"
#include "json/json.h"

#include <string.h>

bool pk_apply_expand(struct pk_apply *a, const struct pk_node *scalar, bool raw,
                     struct pk_expanded *ret) {
    *ret = (struct pk_expanded){scalar->text, NULL};
    if (raw || !a->interpolator || !strchr(scalar->text, '$'))
        return true;
    json_t *value = a->interpolator->expand(a->interpolator->ctx, scalar, a->diags);
    if (!value)
        return false;
    *ret = (struct pk_expanded){json_string_value(value), value};
    return true;
}

/* A reference: an id that matches the pattern, or a component. */
static json_t *resolve_ref(struct pk_apply *a, const struct pk_shape *shape,
                           const struct pk_node *node, const char *text) {
    enum pk_convert_fault fault = PK_FAULT_NONE;
    const char *why = NULL;
    if (shape->pattern && regexec(shape->pattern, text, 0, NULL, 0) == 0)
        return json_string(text);
    json_t *name = pk_convert(shape->field, text, &fault, &why);
    if (!name) {
        pk_report_convert(a, shape->field, node, text, fault, why);
        return NULL;
    }
    if (!a->interpolator || !a->interpolator->component)
        return name;
    json_t *address =
        a->interpolator->component(a->interpolator->ctx, shape->field, text, node->span, a->diags);
    json_decref(name);
    return address;
}

static json_t *type_text(struct pk_apply *a, const struct pk_shape *shape,
                         const struct pk_node *node, const char *text) {
    const struct pk_field *field = shape->field;
    enum pk_convert_fault fault = PK_FAULT_NONE;
    const char *why = NULL;
    if (!field) /* a place without a row of its own takes text */
        return json_string(text);
    if (!*text && (field->flags & PK_F_OR_NULLTEXT))
        return NULL;
    if (field->type == PK_T_REF)
        return resolve_ref(a, shape, node, text);
    json_t *value = pk_convert(field, text, &fault, &why);
    if (!value) {
        pk_report_convert(a, field, node, text, fault, why);
        return NULL;
    }
    if (!pk_check_limits(a, shape, value, node, text)) {
        json_decref(value);
        return NULL;
    }
    return value;
}

json_t *pk_apply_scalar(struct pk_apply *a, const struct pk_shape *shape,
                        const struct pk_node *node) {
    const struct pk_field *field = shape->field;
    unsigned flags = field ? field->flags : 0;
    struct pk_expanded expanded;
    if (!pk_apply_expand(a, node, (flags & PK_F_RAW) != 0, &expanded))
        return NULL;
    if (expanded.text) {
        json_t *value = type_text(a, shape, node, expanded.text);
        json_decref(expanded.value);
        return value;
    }
    if ((flags & PK_F_DEFERRABLE) || (field && field->type == PK_T_SECRET))
        return expanded.value;
    pk_report_not_deferrable(a, node);
    json_decref(expanded.value);
    return NULL;
}

static json_t *json_scalar(struct pk_apply *a, const struct pk_node *node, bool deferrable) {
    struct pk_expanded expanded;
    if (!pk_apply_expand(a, node, false, &expanded))
        return NULL;
    if (!expanded.text) {
        if (deferrable)
            return expanded.value;
        pk_report_not_deferrable(a, node);
        json_decref(expanded.value);
        return NULL;
    }
    json_t *value = pk_scalar_core(node, expanded.text);
    json_decref(expanded.value);
    return value;
}

static bool is_token(const json_t *value) {
    static const char *const kinds[] = {"$ref", "$join", "$secretArn", "$secret", "$file", "$out"};
    for (size_t i = 0; i < PK_ARRAY_LEN(kinds); i++)
        if (pk_token_is(value, kinds[i]))
            return true;
    return false;
}

static json_t *json_map(struct pk_apply *a, const struct pk_node *node, bool deferrable) {
    if (deferrable && node->n_pairs == 1 && strcmp(node->pairs[0].key, "valueFrom") == 0)
        return pk_apply_value_from(a, node->pairs[0].value, node->pairs[0].key_span);
    json_t *object = json_object();
    for (size_t i = 0; i < node->n_pairs; i++) {
        const struct pk_pair *pair = &node->pairs[i];
        size_t len = pk_apply_push(a, pair->key, 0);
        json_t *value = pk_apply_json(a, pair->value, deferrable);
        pk_apply_pop(a, len);
        if (value)
            json_object_set_new(object, pair->key, value);
    }
    /* what looks like a token would be read as one later on */
    if (node->n_pairs > 0 && node->pairs[0].key[0] == '$' && is_token(object)) {
        pk_diag(a->diags, PK_SEVERITY_ERROR, "doc.reserved", node->pairs[0].key_span,
                "the key `%s` is reserved", node->pairs[0].key);
        json_decref(object);
        return NULL;
    }
    return object;
}

json_t *pk_apply_json(struct pk_apply *a, const struct pk_node *node, bool deferrable) {
    if (node->kind == PK_NODE_SCALAR)
        return json_scalar(a, node, deferrable);
    if (node->kind == PK_NODE_MAP)
        return json_map(a, node, deferrable);
    json_t *list = json_array();
    for (size_t i = 0; i < node->n_items; i++) {
        size_t len = pk_apply_push(a, NULL, i);
        json_t *value = pk_apply_json(a, node->items[i], deferrable);
        pk_apply_pop(a, len);
        if (value)
            json_array_append_new(list, value);
    }
    return list;
}

json_t *pk_apply_value_from(struct pk_apply *a, const struct pk_node *node, struct pk_span place) {
    static const char *const known[] = {"component", "output"};
    const struct pk_node *parts[2] = {NULL, NULL};
    if (node->kind != PK_NODE_MAP) {
        pk_diag(a->diags, PK_SEVERITY_ERROR, "field.type", place,
                "`valueFrom` must be a map with `component` and `output`");
        return NULL;
    }
    for (size_t i = 0; i < node->n_pairs; i++) {
        const struct pk_pair *pair = &node->pairs[i];
        size_t which = strcmp(pair->key, known[0]) == 0 ? 0 : strcmp(pair->key, known[1]) == 0;
        if (strcmp(pair->key, known[which]) != 0) {
            struct pk_diag *d = pk_diag(a->diags, PK_SEVERITY_ERROR, "field.unknown",
                                        pair->key_span, "unknown field `%s`", pair->key);
            pk_diag_help(a->diags, d, "`valueFrom` takes `component` and `output`");
        } else if (pair->value->kind != PK_NODE_SCALAR) {
            pk_diag(a->diags, PK_SEVERITY_ERROR, "field.type", pair->key_span,
                    "`valueFrom.%s` must be text", pair->key);
            return NULL;
        } else if (!pair->value->null) {
            parts[which] = pair->value;
        }
    }
    for (size_t i = 0; i < 2; i++) {
        if (parts[i])
            continue;
        pk_diag(a->diags, PK_SEVERITY_ERROR, "field.required", place, "`valueFrom.%s` is required",
                known[i]);
        return NULL;
    }
    if (!a->interpolator || !a->interpolator->output) {
        pk_diag(a->diags, PK_SEVERITY_ERROR, "ref.not-deferrable", place,
                "`valueFrom` is not possible in a %s", a->kind->kind);
        return NULL;
    }
    return a->interpolator->output(a->interpolator->ctx, parts[0], parts[1], a->diags);
}

json_t *pk_node_json(const struct pk_node *node) {
    if (!node)
        return json_null();
    if (node->kind == PK_NODE_SCALAR)
        return pk_scalar_core(node, node->text);
    json_t *value = node->kind == PK_NODE_MAP ? json_object() : json_array();
    for (size_t i = 0; i < node->n_pairs; i++)
        json_object_set_new(value, node->pairs[i].key, pk_node_json(node->pairs[i].value));
    for (size_t i = 0; i < node->n_items; i++)
        json_array_append_new(value, pk_node_json(node->items[i]));
    return value;
}
