/* tags.c - the shapes in which services take tags, ownership, and tag changes. */
#include "provider/driver.h"

#include <string.h>

static json_t *pair(const char *key_name, const char *key, const char *value_name,
                    const json_t *value) {
    json_t *item = json_object();
    json_object_set_new(item, key_name, pk_json_text(key));
    if (value_name)
        json_object_set_new(item, value_name, json_deep_copy(value));
    return item;
}

static json_t *list_of(const json_t *tags, const char *key_name, const char *value_name) {
    json_t *list = json_array(), *walk = (json_t *)(uintptr_t)tags; /* only read */
    const char *key;
    json_t *value;
    json_object_foreach(walk, key, value) {
        json_array_append_new(list, key_name ? pair(key_name, key, value_name, value)
                                             : pk_json_text(key));
    }
    return list;
}

json_t *pk_tags_make(const json_t *tags, enum pk_tag_shape shape, const char *ec2_type) {
    switch (shape) {
    case PK_TAGS_LIST:
        return list_of(tags, "Key", "Value");
    case PK_TAGS_LOWER_LIST:
        return list_of(tags, "key", "value");
    case PK_TAGS_MAP:
        return json_deep_copy(tags);
    case PK_TAGS_KEYS:
        return list_of(tags, NULL, NULL);
    case PK_TAGS_KEY_OBJECTS:
        return list_of(tags, "Key", NULL);
    case PK_TAGS_EC2: {
        json_t *spec = json_object(), *list = json_array();
        json_object_set_new(spec, "ResourceType", pk_json_text(ec2_type));
        json_object_set_new(spec, "Tags", list_of(tags, "Key", "Value"));
        json_array_append_new(list, spec);
        return list;
    }
    case PK_TAGS_NONE:
        break;
    }
    return NULL;
}

json_t *pk_tags_read(const json_t *tags, enum pk_tag_shape shape) {
    json_t *ret = json_object();
    if (shape == PK_TAGS_MAP) {
        if (json_is_object(tags))
            json_object_update(ret, (json_t *)(uintptr_t)tags);
        return ret;
    }
    bool lower = shape == PK_TAGS_LOWER_LIST;
    for (size_t i = 0; i < json_array_size(tags); i++) {
        const json_t *item = json_array_get(tags, i);
        const char *key = json_string_value(json_object_get(item, lower ? "key" : "Key"));
        const char *value = json_string_value(json_object_get(item, lower ? "value" : "Value"));
        if (key)
            json_object_set_new(ret, key, pk_json_text(value ? value : ""));
    }
    return ret;
}

static enum pk_tag_shape or_shape(enum pk_tag_shape shape, enum pk_tag_shape otherwise) {
    return shape == PK_TAGS_NONE ? otherwise : shape;
}

static enum pk_tag_shape list_shape(enum pk_tag_shape shape) {
    return shape == PK_TAGS_EC2 ? PK_TAGS_LIST : shape;
}

json_t *pk_item_tags(const struct pk_ctx *ctx, const json_t *item) {
    const struct pk_tagging *tags = &ctx->type->tags;
    if (!tags->read)
        return NULL;
    json_auto_t *raw = pk_path_get(item, tags->read);
    return pk_tags_read(raw, list_shape(or_shape(tags->read_shape, tags->shape)));
}

bool pk_tags_ours(const struct pk_op *op, const json_t *tags) {
    return op->lineage && op->key &&
           pk_streq(json_string_value(json_object_get(tags, "panka:lineage")), op->lineage) &&
           pk_streq(json_string_value(json_object_get(tags, "panka:resource")), op->key);
}

static bool tag_changed(const struct pk_op *op, const char *key) {
    for (size_t i = 0; i < op->n_changes; i++)
        if (pk_starts_with(op->changes[i].path, "Tags.") &&
            strcmp(op->changes[i].path + 5, key) == 0)
            return true;
    return false;
}

/* panka:op names the operation that made the resource: it finds a lost create and is never worth a
 * call of its own. */
static json_t *tags_to_set(const struct pk_op *op, bool all) {
    json_t *ret = json_object();
    const char *key;
    json_t *value;
    json_object_foreach(op->desired_tags, key, value) {
        if (!all && strcmp(key, "panka:op") == 0)
            continue;
        if (all || !json_equal(value, json_object_get(op->prior_tags, key)) || tag_changed(op, key))
            json_object_set(ret, key, value);
    }
    return ret;
}

static json_t *tags_to_drop(const struct pk_op *op) {
    json_t *ret = json_object();
    const char *key;
    json_t *value;
    json_object_foreach(op->prior_tags, key, value) {
        if (!json_object_get(op->desired_tags, key) && !pk_starts_with(key, "panka:"))
            json_object_set(ret, key, value);
    }
    return ret;
}

static bool tag_call(struct pk_ctx *ctx, const struct pk_call *call, const char *member,
                     json_t *value, struct pk_error **err) {
    json_t *params = pk_ctx_params(ctx, call->params);
    pk_json_put(params, member, value);
    return pk_ctx_call(ctx, call->service, call->operation, params, NULL, err);
}

bool pk_ctx_tags_apply(struct pk_ctx *ctx, bool all, struct pk_error **err) {
    const struct pk_tagging *tags = &ctx->type->tags;
    const struct pk_op *op = ctx->op;
    if (tags->shape == PK_TAGS_NONE || !tags->tag.operation || !op->desired_tags)
        return true;
    json_auto_t *set = tags_to_set(op, all);
    json_auto_t *drop = all ? json_object() : tags_to_drop(op);
    if (json_object_size(set)) {
        enum pk_tag_shape shape = list_shape(or_shape(tags->tag_shape, tags->shape));
        if (!tag_call(ctx, &tags->tag, tags->tag_member, pk_tags_make(set, shape, NULL), err))
            return false;
    }
    if (json_object_size(drop) && tags->untag.operation) {
        enum pk_tag_shape shape = or_shape(tags->untag_shape, PK_TAGS_KEYS);
        if (!tag_call(ctx, &tags->untag, tags->untag_member, pk_tags_make(drop, shape, NULL), err))
            return false;
    }
    return true;
}
