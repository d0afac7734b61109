/* apply.c - the walk over a spec along its table. */
#include "schema/apply.h"

#include "json/json.h"

#include <string.h>

/* Steps between a place and the item or root that it belongs to. */
#define MAX_STEPS 16

static void take(struct pk_apply *a, const struct pk_shape *shape, const struct pk_node *node,
                 struct pk_span place, json_t *parent, const char *name);

size_t pk_apply_push(struct pk_apply *a, const char *name, size_t index) {
    size_t len = a->path.len;
    if (name) {
        if (len)
            pk_buf_addc(&a->path, '.');
        pk_buf_addz(&a->path, name);
    } else {
        pk_buf_addf(&a->path, "[%zu]", index);
    }
    return len;
}

void pk_apply_pop(struct pk_apply *a, size_t len) {
    a->path.len = len;
    if (a->path.ptr)
        a->path.ptr[len] = 0;
}

static void record(struct pk_apply *a, struct pk_span span) {
    pk_spans_add(a->arena, a->spans, pk_buf_cstr(&a->path), span);
}

static void report_conflict(struct pk_apply *a, struct pk_span place,
                            const struct pk_span *earlier) {
    struct pk_diag *d = pk_diag(a->diags, PK_SEVERITY_ERROR, "field.conflict", place,
                                "`%s` is given twice with different values", pk_buf_cstr(&a->path));
    if (earlier)
        pk_diag_related(a->diags, d, *earlier, "also given here");
    pk_diag_help(a->diags, d, "keep one of the two");
}

/* Puts a finished value into its list or object. Another spelling may have set it before: equal
 * values are fine. Takes over `value`. */
static void put(struct pk_apply *a, json_t *parent, const char *name, json_t *value,
                struct pk_span place) {
    if (json_is_array(parent)) {
        json_array_append_new(parent, value);
        return;
    }
    const json_t *there = json_object_get(parent, name);
    if (there) {
        if (!pk_json_equal(there, value))
            report_conflict(a, place, pk_spans_peek(a->spans, pk_buf_cstr(&a->path)));
        json_decref(value);
        return;
    }
    record(a, place);
    json_object_set_new(parent, name, value);
}

/* Notes that somebody wrote here although no value came of it, so that it is not reported as
 * missing too. */
static void put_or_note(struct pk_apply *a, json_t *parent, const char *name, json_t *value,
                        struct pk_span place) {
    if (value && json_is_array(parent))
        record(a, place);
    if (value)
        put(a, parent, name, value, place);
    else
        record(a, place);
}

/* The object at parent[name], made when absent; NULL after a finding. */
static json_t *enter(struct pk_apply *a, json_t *parent, const char *name, struct pk_span place) {
    if (json_is_array(parent)) {
        json_t *object = json_object();
        record(a, place);
        json_array_append_new(parent, object);
        return object;
    }
    json_t *there = json_object_get(parent, name);
    if (!there) {
        there = json_object();
        record(a, place);
        json_object_set_new(parent, name, there);
    }
    if (json_is_object(there))
        return there;
    report_conflict(a, place, pk_spans_peek(a->spans, pk_buf_cstr(&a->path)));
    return NULL;
}

/* A value under another spelling goes to its canonical place. */
static void take_elsewhere(struct pk_apply *a, const struct pk_shape *target,
                           const struct pk_node *node, struct pk_span place) {
    const char *names[MAX_STEPS];
    size_t n = 0;
    const struct pk_base *base = a->base;
    for (const struct pk_shape *s = target; s != base->shape; s = s->parent) {
        pk_assert(s && n < MAX_STEPS);
        names[n++] = s->name;
    }
    pk_assert(n > 0);
    PK_CLEANUP(pk_freep) char *saved = pk_strdup(pk_buf_cstr(&a->path));
    json_t *at = base->json;
    pk_apply_pop(a, base->path_len);
    while (n > 1 && at) {
        pk_apply_push(a, names[--n], 0);
        at = enter(a, at, names[n], place);
    }
    pk_apply_push(a, names[0], 0);
    if (at)
        take(a, target, node, place, at, names[0]);
    pk_buf_reset(&a->path);
    pk_buf_addz(&a->path, saved);
}

static const struct pk_shape *known_child(struct pk_apply *a, const struct pk_shape *shape,
                                          const struct pk_pair *pair) {
    const struct pk_shape *child = pk_shape_child(shape, pair->key);
    if (child || shape->any)
        return child ? child : shape->any;
    child = pk_shape_snake(shape, pair->key);
    if (child) {
        struct pk_diag *d = pk_diag(a->diags, PK_SEVERITY_WARNING, "doc.snake-case", pair->key_span,
                                    "write `%s` instead of `%s`", child->name, pair->key);
        pk_diag_label(a->diags, d, "fields are written in camelCase");
    }
    return child;
}

static bool is_open(const struct pk_shape *shape) {
    return shape->field && (shape->field->flags & PK_F_OPEN) != 0;
}

static bool is_deferrable(const struct pk_shape *shape) {
    return shape->field &&
           ((shape->field->flags & PK_F_DEFERRABLE) != 0 || shape->field->type == PK_T_SECRET);
}

/* `valueFrom` beside `name` in an item that has a `value`. */
static bool take_value_from(struct pk_apply *a, const struct pk_shape *shape,
                            const struct pk_pair *pair, json_t *into) {
    if (strcmp(pair->key, "valueFrom") != 0 || !pk_shape_child(shape, "value"))
        return false;
    size_t len = pk_apply_push(a, "value", 0);
    json_t *token = pk_apply_value_from(a, pair->value, pair->key_span);
    put_or_note(a, into, "value", token, pair->key_span);
    pk_apply_pop(a, len);
    return true;
}

static void walk_map(struct pk_apply *a, const struct pk_shape *shape, const struct pk_node *node,
                     json_t *into) {
    for (size_t i = 0; i < node->n_pairs; i++) {
        const struct pk_pair *pair = &node->pairs[i];
        if (take_value_from(a, shape, pair, into))
            continue;
        const struct pk_shape *child = known_child(a, shape, pair);
        if (!child && !is_open(shape)) {
            pk_report_unknown(a, shape, pair);
            continue;
        }
        const char *name = child && child != shape->any ? child->name : pair->key;
        size_t len = pk_apply_push(a, name, 0);
        struct pk_span place =
            pair->value->kind == PK_NODE_SCALAR ? pair->value->span : pair->key_span;
        if (child)
            take(a, child, pair->value, place, into, name);
        else
            put_or_note(a, into, name, pk_apply_json(a, pair->value, is_deferrable(shape)), place);
        pk_apply_pop(a, len);
    }
}

/* Fills an object; list items and map values are where other spellings inside them start from. */
static void fill_object(struct pk_apply *a, const struct pk_shape *shape,
                        const struct pk_node *node, json_t *into) {
    struct pk_base base = {shape, into, a->path.len, a->base};
    bool is_base = shape->name[0] == '[' || shape->name[0] == '*';
    if (is_base)
        a->base = &base;
    walk_map(a, shape, node, into);
    if (is_base)
        a->base = base.outer;
    if (shape->field && shape->any)
        pk_check_count(a, shape->field, json_object_size(into), node->span);
}

/* A container that only holds other spellings stands for nothing of its own. */
static bool only_spellings(const struct pk_shape *shape) {
    if (shape->field || shape->any || shape->n_children == 0)
        return false;
    for (size_t i = 0; i < shape->n_children; i++)
        if (!shape->children[i]->alias_of)
            return false;
    return true;
}

static void take_object(struct pk_apply *a, const struct pk_shape *shape,
                        const struct pk_node *node, struct pk_span place, json_t *parent,
                        const char *name) {
    const struct pk_shape *enabled = pk_shape_child(shape, "enabled");
    bool shorthand = node->kind == PK_NODE_SCALAR && enabled && shape->field &&
                     (shape->field->flags & PK_F_SCALAR_OR_MAP) != 0;
    if (node->kind != PK_NODE_MAP && !shorthand) {
        pk_report_shape(a, "a map", node, place);
        record(a, place);
        return;
    }
    json_t *into = enter(a, parent, name, place);
    if (!into)
        return;
    if (shorthand) {
        size_t len = pk_apply_push(a, "enabled", 0);
        take(a, enabled, node, place, into, "enabled");
        pk_apply_pop(a, len);
    } else {
        fill_object(a, shape, node, into);
        if (only_spellings(shape) && json_is_object(parent))
            json_object_del(parent, name);
    }
}

static void take_item(struct pk_apply *a, const struct pk_shape *shape, const struct pk_node *item,
                      json_t *list) {
    size_t len = pk_apply_push(a, NULL, json_array_size(list));
    if (!shape->item)
        put_or_note(a, list, NULL, pk_apply_json(a, item, is_deferrable(shape)), item->span);
    else if (item->kind == PK_NODE_SCALAR && item->null)
        pk_report_shape(a, "a value, not an empty item", item, item->span);
    else
        take(a, shape->item, item, item->span, list, NULL);
    pk_apply_pop(a, len);
}

/* `environment: {NAME: value}`: the same as a list of {name, value}. */
static void take_named_items(struct pk_apply *a, const struct pk_shape *shape,
                             const struct pk_node *map, json_t *list) {
    const struct pk_shape *item = shape->item, *value = pk_shape_child(item, "value");
    for (size_t i = 0; i < map->n_pairs; i++) {
        const struct pk_pair *pair = &map->pairs[i];
        size_t len = pk_apply_push(a, NULL, json_array_size(list));
        struct pk_node name = {.kind = PK_NODE_SCALAR, .span = pair->key_span, .text = pair->key};
        json_t *into = enter(a, list, NULL, pair->key_span);
        size_t inner = pk_apply_push(a, "name", 0);
        take(a, pk_shape_child(item, "name"), &name, pair->key_span, into, "name");
        pk_apply_pop(a, inner);
        if (pair->value->kind == PK_NODE_MAP) {
            fill_object(a, item, pair->value, into);
        } else {
            struct pk_node empty = *pair->value;
            empty.null = false; /* `NAME:` is the empty text */
            if (pair->value->null)
                empty.text = "";
            inner = pk_apply_push(a, "value", 0);
            take(a, value, &empty, pair->value->span, into, "value");
            pk_apply_pop(a, inner);
        }
        pk_apply_pop(a, len);
    }
}

static void take_list(struct pk_apply *a, const struct pk_shape *shape, const struct pk_node *node,
                      struct pk_span place, json_t *parent, const char *name) {
    bool named = node->kind == PK_NODE_MAP && shape->item && pk_shape_child(shape->item, "name") &&
                 pk_shape_child(shape->item, "value");
    bool single = node->kind != PK_NODE_LIST && shape->field &&
                  (shape->field->flags & PK_F_SCALAR_OR_MAP) != 0;
    if (node->kind != PK_NODE_LIST && !named && !single) {
        pk_report_shape(a, "a list", node, place);
        record(a, place);
        return;
    }
    json_t *list = json_array();
    if (named)
        take_named_items(a, shape, node, list);
    else if (single)
        take_item(a, shape, node, list);
    for (size_t i = 0; i < node->n_items; i++)
        take_item(a, shape, node->items[i], list);
    pk_check_count(a, shape->field, named ? node->n_pairs : single ? 1 : node->n_items, place);
    put_or_note(a, parent, name, list, place);
}

static void take_strmap(struct pk_apply *a, const struct pk_shape *shape,
                        const struct pk_node *node, struct pk_span place, json_t *parent,
                        const char *name) {
    if (node->kind != PK_NODE_MAP) {
        pk_report_shape(a, "a map of texts", node, place);
        record(a, place);
        return;
    }
    json_t *map = enter(a, parent, name, place);
    struct pk_field row = *shape->field;
    struct pk_shape entry = {.name = "*",
                             .field = shape->any ? shape->any->field : &row,
                             .pattern = shape->any ? shape->any->pattern : NULL};
    row.type = PK_T_STR; /* a value of the map; the map's own limits count its entries */
    row.min = row.max = 0;
    row.pattern = row.allowed = NULL;
    row.flags &= (unsigned)(PK_F_DEFERRABLE | PK_F_RAW);
    for (size_t i = 0; map && i < node->n_pairs; i++) {
        const struct pk_pair *pair = &node->pairs[i];
        size_t len = pk_apply_push(a, pair->key, 0);
        if (pair->value->kind == PK_NODE_MAP && is_deferrable(&entry) &&
            pk_node_pair(pair->value, "valueFrom")) {
            take(a, &entry, pair->value, pair->key_span, map, pair->key);
        } else if (pair->value->kind != PK_NODE_SCALAR) {
            pk_report_shape(a, "text, not a map or a list", pair->value, pair->key_span);
        } else {
            struct pk_node text = *pair->value;
            if (text.null)
                text.text = "";
            put_or_note(a, map, pair->key, pk_apply_scalar(a, &entry, &text), text.span);
        }
        pk_apply_pop(a, len);
    }
    pk_check_count(a, shape->field, node->n_pairs, place);
}

static void take_plain(struct pk_apply *a, const struct pk_shape *shape, const struct pk_node *node,
                       struct pk_span place, json_t *parent, const char *name) {
    enum pk_type type = shape->field ? shape->field->type : PK_T_STR;
    json_t *value = NULL;
    if (node->kind == PK_NODE_SCALAR)
        value = pk_apply_scalar(a, shape, node);
    else if (type == PK_T_JSON)
        value = pk_apply_json(a, node, is_deferrable(shape));
    else
        pk_report_shape(a, pk_type_name(type), node, place);
    put_or_note(a, parent, name, value, place);
}

/* One value, whose path has been pushed, into parent[name] (or to the end of a list). `place` is
 * where to point at: the scalar, the key of a map or list, the item. */
static void take(struct pk_apply *a, const struct pk_shape *shape, const struct pk_node *node,
                 struct pk_span place, json_t *parent, const char *name) {
    if (shape->alias_of) {
        take_elsewhere(a, shape->alias_of, node, place);
        return;
    }
    if (node->kind == PK_NODE_SCALAR && node->null &&
        !(shape->field && shape->field->type == PK_T_STRMAP))
        return; /* null is the same as absent */
    if (node->kind == PK_NODE_MAP && node->n_pairs == 1 && is_deferrable(shape) &&
        strcmp(node->pairs[0].key, "valueFrom") == 0) {
        put_or_note(a, parent, name, pk_apply_value_from(a, node->pairs[0].value, place), place);
        return;
    }
    switch (pk_shape_container(shape)) {
    case PK_CONTAINER_OBJECT:
        take_object(a, shape, node, place, parent, name);
        break;
    case PK_CONTAINER_LIST:
        take_list(a, shape, node, place, parent, name);
        break;
    case PK_CONTAINER_NONE:
        if (shape->field->type == PK_T_STRMAP)
            take_strmap(a, shape, node, place, parent, name);
        else if (node->kind == PK_NODE_MAP && shape->n_children > 0 &&
                 (shape->field->flags & PK_F_SCALAR_OR_MAP) != 0) {
            json_t *into = enter(a, parent, name, place);
            if (into)
                fill_object(a, shape, node, into);
        } else
            take_plain(a, shape, node, place, parent, name);
        break;
    }
}

json_t *pk_schema_apply(struct pk_arena *arena, const struct pk_kind_table *kind, bool with_common,
                        const struct pk_node *spec, struct pk_span owner,
                        const struct pk_interpolator *interpolator, struct pk_diags *diags,
                        struct pk_spans **ret_spans) {
    json_t *value = json_object();
    struct pk_apply a = {.arena = arena,
                         .kind = kind,
                         .interpolator = interpolator,
                         .diags = diags,
                         .spans = pk_spans_new(arena, owner),
                         .root = pk_shape_of(kind, with_common),
                         .path = PK_BUF_INIT(PK_BUF_MAX_DEFAULT)};
    struct pk_base base = {a.root, value, 0, NULL};
    a.base = &base;
    bool absent = !spec || (spec->kind == PK_NODE_SCALAR && spec->null);
    if (!absent && spec->kind != PK_NODE_MAP)
        pk_diag(diags, PK_SEVERITY_ERROR, "field.type", spec->span, "`spec` must be a map");
    else if (!absent)
        walk_map(&a, a.root, spec, value);
    pk_spans_done(arena, a.spans);
    pk_check_required(&a, a.root, value);
    pk_fill_defaults(a.root, value);
    pk_buf_release(&a.path);
    if (ret_spans)
        *ret_spans = a.spans;
    return value;
}
