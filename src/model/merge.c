/* merge.c - one tree laid over another. */
#include "model/load.h"

#include <string.h>

struct merge {
    struct pk_arena *arena;
    struct pk_diags *diags;
};

/* Lists of maps that are merged by a key of their items. */
static const struct {
    const char *list, *key;
} keyed[] = {
    {"environment", "name"},
    {"secrets", "name"},
    {"ports", "name"},
    {"volumes", "name"},
    {"globalSecondaryIndexes", "name"},
    {"localSecondaryIndexes", "name"},
    {"listeners", "name"},
    {"routes", "name"},
    {"rules", "name"},
    {"triggers", "name"},
    {"origins", "name"},
    {"lifecycle", "id"},
    {"policies", "metric"}, /* of autoscaling */
};

static struct pk_node *merge_nodes(struct merge *m, struct pk_node *base, struct pk_node *patch,
                                   const char *field);

static bool is_null(const struct pk_node *node) {
    return !node || (node->kind == PK_NODE_SCALAR && node->null);
}

static bool is_true(const struct pk_node *map, const char *key) {
    const char *text = pk_node_text(map, key);
    return text && strcmp(text, "true") == 0;
}

static bool is_marker(const char *key) {
    return strcmp(key, "$replace") == 0 || strcmp(key, "$delete") == 0;
}

static struct pk_node *new_map(struct merge *m, struct pk_span span, size_t cap) {
    struct pk_node *map = pk_arena_alloc(m->arena, sizeof(*map));
    map->kind = PK_NODE_MAP;
    map->span = span;
    map->pairs = pk_arena_array(m->arena, cap ? cap : 1, sizeof(*map->pairs));
    return map;
}

static struct pk_node *new_list(struct merge *m, struct pk_span span, size_t cap) {
    struct pk_node *list = pk_arena_alloc(m->arena, sizeof(*list));
    list->kind = PK_NODE_LIST;
    list->span = span;
    list->items = pk_arena_array(m->arena, cap ? cap : 1, sizeof(struct pk_node *));
    return list;
}

/* A patch that meets no base: without its markers, nulls and deleted items. */
static struct pk_node *strip(struct merge *m, struct pk_node *node) {
    if (node->kind == PK_NODE_MAP) {
        struct pk_node *map = new_map(m, node->span, node->n_pairs);
        for (size_t i = 0; i < node->n_pairs; i++) {
            struct pk_pair pair = node->pairs[i];
            if (is_marker(pair.key) || is_null(pair.value))
                continue;
            pair.value = strip(m, pair.value);
            map->pairs[map->n_pairs++] = pair;
        }
        return map;
    }
    if (node->kind == PK_NODE_LIST) {
        struct pk_node *list = new_list(m, node->span, node->n_items);
        for (size_t i = 0; i < node->n_items; i++)
            if (!is_true(node->items[i], "$delete"))
                list->items[list->n_items++] = strip(m, node->items[i]);
        return list;
    }
    return node;
}

static const char *key_of(const char *field) {
    for (size_t i = 0; i < PK_ARRAY_LEN(keyed); i++)
        if (strcmp(keyed[i].list, field) == 0)
            return keyed[i].key;
    return NULL;
}

static bool all_keyed(const struct pk_node *list, const char *key) {
    for (size_t i = 0; i < list->n_items; i++)
        if (!pk_node_text(list->items[i], key))
            return false;
    return true;
}

static struct pk_node *find_item(const struct pk_node *list, const char *key, const char *value) {
    for (size_t i = 0; i < list->n_items; i++)
        if (strcmp(pk_node_text(list->items[i], key), value) == 0)
            return list->items[i];
    return NULL;
}

/* An entry of the environment has one source: a new one takes the place of the old. */
static struct pk_node *drop_sources(struct merge *m, struct pk_node *base,
                                    const struct pk_node *patch) {
    static const char *const sources[] = {"value", "valueFrom", "secretRef"};
    bool any = false;
    for (size_t i = 0; i < PK_ARRAY_LEN(sources); i++)
        any = any || pk_node_pair(patch, sources[i]);
    if (!any)
        return base;
    struct pk_node *map = new_map(m, base->span, base->n_pairs);
    for (size_t i = 0; i < base->n_pairs; i++) {
        bool source = false;
        for (size_t k = 0; k < PK_ARRAY_LEN(sources); k++)
            source = source || strcmp(base->pairs[i].key, sources[k]) == 0;
        if (!source)
            map->pairs[map->n_pairs++] = base->pairs[i];
    }
    return map;
}

static struct pk_node *merge_lists(struct merge *m, struct pk_node *base, struct pk_node *patch,
                                   const char *field) {
    const char *key = key_of(field);
    if (!key || !all_keyed(base, key) || !all_keyed(patch, key))
        return strip(m, patch);
    struct pk_node *list = new_list(m, base->span, base->n_items + patch->n_items);
    for (size_t i = 0; i < base->n_items; i++) {
        struct pk_node *item = base->items[i];
        struct pk_node *over = find_item(patch, key, pk_node_text(item, key));
        if (over && is_true(over, "$delete"))
            continue;
        if (over && strcmp(field, "environment") == 0)
            item = drop_sources(m, item, over);
        list->items[list->n_items++] = over ? merge_nodes(m, item, over, "") : item;
    }
    for (size_t i = 0; i < patch->n_items; i++) {
        struct pk_node *item = patch->items[i];
        if (!is_true(item, "$delete") && !find_item(base, key, pk_node_text(item, key)))
            list->items[list->n_items++] = strip(m, item);
    }
    return list;
}

static struct pk_node *scalar(struct merge *m, const char *text, struct pk_span span) {
    struct pk_node *node = pk_arena_alloc(m->arena, sizeof(*node));
    node->kind = PK_NODE_SCALAR;
    node->span = span;
    node->text = text;
    return node;
}

/* `environment` as a map becomes the list of {name, value}; a null entry becomes `$delete`. */
static struct pk_node *environment_list(struct merge *m, struct pk_node *node, bool is_patch) {
    if (node->kind != PK_NODE_MAP)
        return node;
    struct pk_node *list = new_list(m, node->span, node->n_pairs);
    for (size_t i = 0; i < node->n_pairs; i++) {
        const struct pk_pair *pair = &node->pairs[i];
        if (is_marker(pair->key))
            continue;
        size_t inner = pair->value->kind == PK_NODE_MAP ? pair->value->n_pairs : 1;
        struct pk_node *item = new_map(m, pair->key_span, inner + 1);
        item->pairs[item->n_pairs++] =
            (struct pk_pair){"name", pair->key_span, scalar(m, pair->key, pair->key_span)};
        if (pair->value->kind == PK_NODE_MAP) {
            for (size_t k = 0; k < inner; k++)
                item->pairs[item->n_pairs++] = pair->value->pairs[k];
        } else if (is_patch && is_null(pair->value)) {
            item->pairs[item->n_pairs++] =
                (struct pk_pair){"$delete", pair->key_span, scalar(m, "true", pair->key_span)};
        } else {
            item->pairs[item->n_pairs++] = (struct pk_pair){"value", pair->key_span, pair->value};
        }
        list->items[list->n_items++] = item;
    }
    return list;
}

static struct pk_node *merge_maps(struct merge *m, struct pk_node *base, struct pk_node *patch) {
    struct pk_node *map = new_map(m, base->span, base->n_pairs + patch->n_pairs);
    for (size_t i = 0; i < base->n_pairs; i++) {
        struct pk_pair pair = base->pairs[i];
        const struct pk_pair *over = pk_node_pair(patch, pair.key);
        if (over && is_null(over->value))
            continue; /* removed: the default of the schema applies again */
        if (over) {
            pair.value = merge_nodes(m, pair.value, over->value, pair.key);
            pair.key_span = over->key_span;
        }
        map->pairs[map->n_pairs++] = pair;
    }
    for (size_t i = 0; i < patch->n_pairs; i++) {
        struct pk_pair pair = patch->pairs[i];
        if (is_marker(pair.key) || is_null(pair.value) || pk_node_pair(base, pair.key))
            continue;
        pair.value = strip(m, pair.value);
        map->pairs[map->n_pairs++] = pair;
    }
    return map;
}

static const char *kind_word(const struct pk_node *node) {
    return node->kind == PK_NODE_MAP ? "a map" : node->kind == PK_NODE_LIST ? "a list" : "text";
}

static struct pk_node *merge_nodes(struct merge *m, struct pk_node *base, struct pk_node *patch,
                                   const char *field) {
    if (is_null(base) || is_true(patch, "$replace"))
        return strip(m, patch);
    if (strcmp(field, "environment") == 0 && base->kind != PK_NODE_SCALAR &&
        patch->kind != PK_NODE_SCALAR) {
        base = environment_list(m, base, false);
        patch = environment_list(m, patch, true);
    }
    if (base->kind != patch->kind) {
        struct pk_diag *d = pk_diag(m->diags, PK_SEVERITY_ERROR, "merge.type", patch->span,
                                    "`%s` is %s here and %s in the document below it", field,
                                    kind_word(patch), kind_word(base));
        pk_diag_related(m->diags, d, base->span, "%s here", kind_word(base));
        return base;
    }
    if (patch->kind == PK_NODE_MAP)
        return merge_maps(m, base, patch);
    return patch->kind == PK_NODE_LIST ? merge_lists(m, base, patch, field) : patch;
}

struct pk_node *pk_merge(struct pk_arena *arena, struct pk_node *base, struct pk_node *patch,
                         struct pk_diags *diags) {
    struct merge m = {arena, diags};
    if (is_null(patch))
        return base;
    return merge_nodes(&m, base, patch, "");
}
