/* finish.c - what can only be done once the whole spec was read: required fields and defaults. */
#include "schema/apply.h"

#include "json/json.h"

#include <string.h>

static void check_child(struct pk_apply *a, const struct pk_shape *child, const json_t *object,
                        struct pk_span where) {
    const json_t *value = json_object_get(object, child->name);
    bool required = child->field && (child->field->flags & PK_F_REQUIRED) != 0;
    if (child->alias_of || (!required && !child->has_required))
        return;
    size_t len = pk_apply_push(a, child->name, 0);
    const char *path = pk_buf_cstr(&a->path);
    if (value) {
        pk_check_required(a, child, value);
    } else if (required && !pk_spans_has(a->spans, path)) {
        struct pk_diag *d =
            pk_diag(a->diags, PK_SEVERITY_ERROR, "field.required", where, "`%s` is required", path);
        if (child->field->doc)
            pk_diag_help(a->diags, d, "%s", child->field->doc);
    }
    pk_apply_pop(a, len);
}

void pk_check_required(struct pk_apply *a, const struct pk_shape *shape, const json_t *value) {
    if (!shape->has_required)
        return;
    if (json_is_array(value)) {
        for (size_t i = 0; shape->item && i < json_array_size(value); i++) {
            size_t len = pk_apply_push(a, NULL, i);
            pk_check_required(a, shape->item, json_array_get(value, i));
            pk_apply_pop(a, len);
        }
        return;
    }
    if (!json_is_object(value) || pk_token_is(value, "$out") || pk_token_is(value, "$join"))
        return;
    struct pk_span where = pk_spans_find(a->spans, pk_buf_cstr(&a->path));
    for (size_t i = 0; i < shape->n_children; i++)
        check_child(a, shape->children[i], value, where);
    const char *key;
    json_t *inner, *walk = (json_t *)(uintptr_t)value; /* only read */
    if (!shape->any || !shape->any->has_required)
        return;
    json_object_foreach(walk, key, inner) {
        size_t len = pk_apply_push(a, key, 0);
        if (!pk_shape_child(shape, key))
            pk_check_required(a, shape->any, inner);
        pk_apply_pop(a, len);
    }
}

static void fill_value(const struct pk_shape *shape, json_t *value) {
    if (!shape->has_defaults)
        return;
    if (json_is_array(value)) {
        for (size_t i = 0; shape->item && i < json_array_size(value); i++)
            fill_value(shape->item, json_array_get(value, i));
    } else if (json_is_object(value) && !pk_token_is(value, "$out") &&
               !pk_token_is(value, "$join")) {
        pk_fill_defaults(shape, value);
    }
}

static json_t *default_value(const struct pk_shape *shape) {
    if (shape->def) /* scalars are never changed in place: they can be shared */
        return json_is_object(shape->def) || json_is_array(shape->def) ? json_deep_copy(shape->def)
                                                                       : json_incref(shape->def);
    /* an absent object with a required field means something by its absence */
    if (shape->requires_child || pk_shape_container(shape) != PK_CONTAINER_OBJECT ||
        shape->n_children == 0)
        return NULL;
    json_t *object = json_object();
    pk_fill_defaults(shape, object);
    if (json_object_size(object) > 0)
        return object;
    json_decref(object);
    return NULL;
}

void pk_fill_defaults(const struct pk_shape *shape, json_t *object) {
    for (size_t i = 0; i < shape->n_children; i++) {
        const struct pk_shape *child = shape->children[i];
        if (child->alias_of || !child->has_defaults)
            continue;
        json_t *value = json_object_get(object, child->name);
        if (value) {
            fill_value(child, value);
            continue;
        }
        value = default_value(child);
        if (value)
            json_object_set_new(object, child->name, value);
    }
    const char *key;
    json_t *inner;
    if (!shape->any || !shape->any->has_defaults)
        return;
    json_object_foreach(object, key, inner) {
        if (!pk_shape_child(shape, key))
            fill_value(shape->any, inner);
    }
}
