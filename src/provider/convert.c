/* convert.c - values between CloudFormation's shape and the API's. */
#include "provider/driver.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>

void pk_lower_first(const char *text, char *ret, size_t size) {
    size_t len = strlen(text);
    pk_assert(len < size);
    memcpy(ret, text, len + 1);
    ret[0] = (char)tolower((unsigned char)ret[0]);
}

/* --- names inside values --- */

#define NAME_MAX_LEN 128

static void rule_name(const char *key, bool camel, bool to_api, char ret[static NAME_MAX_LEN]) {
    size_t len = strlen(key);
    pk_assert(len < NAME_MAX_LEN);
    memcpy(ret, key, len + 1);
    if (camel)
        ret[0] = (char)(to_api ? tolower((unsigned char)ret[0]) : toupper((unsigned char)ret[0]));
}

/* The exception for this member, and its name on the other side. */
static const struct pk_names *other_name(const struct pk_names *names, const char *key, bool camel,
                                         bool to_api, char ret[static NAME_MAX_LEN]) {
    for (; names && names->cfn; names++) {
        char api[NAME_MAX_LEN];
        if (names->api)
            rule_name(names->api, false, true, api);
        else
            rule_name(names->cfn, camel, true, api);
        if (strcmp(key, to_api ? names->cfn : api) == 0) {
            rule_name(to_api ? api : names->cfn, false, to_api, ret);
            return names;
        }
    }
    rule_name(key, camel, to_api, ret);
    return NULL;
}

static json_t *number_of(const json_t *value) {
    int64_t number;
    double real;
    if (!json_is_string(value))
        return json_deep_copy(value);
    if (pk_parse_i64(pk_str(json_string_value(value)), &number))
        return json_integer(number);
    if (pk_parse_double(pk_str(json_string_value(value)), &real))
        return json_real(real);
    return json_deep_copy(value);
}

static json_t *text_of(const json_t *value) {
    if (!json_is_number(value))
        return json_deep_copy(value);
    PK_CLEANUP(pk_freep) char *text = pk_json_canonical(value);
    return pk_json_text(text);
}

static json_t *each(const json_t *value, json_t *(*fn)(const json_t *)) {
    if (!json_is_array(value))
        return fn(value);
    json_t *list = json_array();
    for (size_t i = 0; i < json_array_size(value); i++)
        json_array_append_new(list, fn(json_array_get(value, i)));
    return list;
}

static bool is_call_token(const json_t *value) {
    return pk_token_is(value, "$secret") || pk_token_is(value, "$file") ||
           pk_token_is(value, "$join");
}

json_t *pk_names_convert(const json_t *value, const struct pk_names *names, bool camel,
                         bool to_api) {
    if (json_is_array(value)) {
        json_t *list = json_array();
        for (size_t i = 0; i < json_array_size(value); i++)
            json_array_append_new(list,
                                  pk_names_convert(json_array_get(value, i), names, camel, to_api));
        return list;
    }
    if (!json_is_object(value) || is_call_token(value))
        return json_deep_copy(value);
    json_t *object = json_object(), *walk = (json_t *)(uintptr_t)value; /* only read */
    const char *key;
    json_t *inner;
    json_object_foreach(walk, key, inner) {
        char name[NAME_MAX_LEN];
        if (json_is_null(inner))
            continue;
        if (strlen(key) >= NAME_MAX_LEN) { /* no member of any API: a user's key */
            json_object_set_new(object, key, json_deep_copy(inner));
            continue;
        }
        const struct pk_names *exception = other_name(names, key, camel, to_api, name);
        unsigned flags = exception ? exception->flags : 0;
        json_t *copy;
        if (flags & PK_OPAQUE)
            copy = json_deep_copy(inner);
        else if (flags & PK_MEMBER_NUMBER)
            copy = each(inner, to_api ? number_of : text_of);
        else if (flags & PK_MEMBER_TEXT)
            copy = each(inner, to_api ? text_of : number_of);
        else
            copy = pk_names_convert(inner, names, camel, to_api);
        json_object_set_new(object, name, copy);
    }
    return object;
}

/* --- the single conversions --- */

static json_t *bool_text(const json_t *value, bool to_api) {
    if (to_api)
        return json_is_boolean(value) ? json_string(json_is_true(value) ? "true" : "false")
                                      : json_deep_copy(value);
    if (!json_is_string(value))
        return json_deep_copy(value);
    return json_boolean(pk_strieq(json_string_value(value), "true"));
}

static void percent_decode(const char *text, struct pk_buf *ret) {
    for (; *text; text++) {
        unsigned value;
        if (*text == '%' && isxdigit((unsigned char)text[1]) && isxdigit((unsigned char)text[2])) {
            char digits[3] = {text[1], text[2], '\0'};
            value = (unsigned)strtoul(digits, NULL, 16);
            pk_buf_addc(ret, (char)value);
            text += 2;
        } else {
            pk_buf_addc(ret, *text);
        }
    }
}

static json_t *json_text(const json_t *value, bool to_api) {
    if (to_api) {
        if (json_is_string(value) || is_call_token(value))
            return json_deep_copy(value);
        PK_CLEANUP(pk_freep) char *text = pk_json_canonical(value);
        return pk_json_text(text);
    }
    if (!json_is_string(value))
        return json_deep_copy(value);
    struct pk_buf decoded;
    pk_buf_init(&decoded, 1 << 20);
    const char *text = json_string_value(value);
    if (text[0] == '%') { /* IAM answers with URL-encoded documents */
        percent_decode(text, &decoded);
        text = pk_buf_cstr(&decoded);
    }
    json_t *parsed = json_loads(text, JSON_REJECT_DUPLICATES, NULL);
    json_t *ret = parsed ? parsed : pk_json_text(text);
    pk_buf_release(&decoded);
    return ret;
}

struct kv_names {
    char key[64], value[64];
};

static struct kv_names kv_names(const char *arg) {
    struct kv_names ret = {"Key", "Value"};
    if (!arg)
        return ret;
    size_t comma = strcspn(arg, ",");
    pk_assert(arg[comma] == ',' && comma < sizeof ret.key &&
              strlen(arg + comma + 1) < sizeof ret.value);
    memcpy(ret.key, arg, comma);
    ret.key[comma] = '\0';
    memcpy(ret.value, arg + comma + 1, strlen(arg + comma + 1) + 1);
    return ret;
}

static json_t *map_of_kv(const json_t *list, const char *arg) {
    if (!json_is_array(list))
        return json_deep_copy(list);
    struct kv_names names = kv_names(arg);
    json_t *map = json_object();
    for (size_t i = 0; i < json_array_size(list); i++) {
        const json_t *item = json_array_get(list, i);
        const char *key = json_string_value(json_object_get(item, names.key));
        json_t *value = json_object_get(item, names.value);
        if (key)
            json_object_set_new(map, key, value ? json_deep_copy(value) : json_string(""));
    }
    return map;
}

static json_t *kv_of_map(const json_t *map, const char *arg) {
    if (!json_is_object(map))
        return json_deep_copy(map);
    struct kv_names names = kv_names(arg);
    json_t *list = json_array(), *walk = (json_t *)(uintptr_t)map; /* only read */
    const char *key;
    json_t *value;
    json_object_foreach(walk, key, value) {
        json_t *item = json_object();
        json_object_set_new(item, names.key, pk_json_text(key));
        json_object_set_new(item, names.value, json_deep_copy(value));
        json_array_append_new(list, item);
    }
    return list;
}

static json_t *one_list(const json_t *value, bool to_api) {
    if (to_api) {
        json_t *list = json_array();
        json_array_append_new(list, json_deep_copy(value));
        return list;
    }
    if (!json_is_array(value))
        return json_deep_copy(value);
    return json_array_size(value) ? json_deep_copy(json_array_get(value, 0)) : NULL;
}

static json_t *list_member(const json_t *value, const char *member, bool to_api) {
    if (!json_is_array(value))
        return json_deep_copy(value);
    json_t *list = json_array();
    for (size_t i = 0; i < json_array_size(value); i++) {
        const json_t *item = json_array_get(value, i);
        if (to_api) {
            json_t *object = json_object();
            json_object_set_new(object, member, json_deep_copy(item));
            json_array_append_new(list, object);
        } else if (json_is_object(item) && !json_object_get(item, member)) {
            continue;
        } else {
            const json_t *inner = json_is_object(item) ? json_object_get(item, member) : item;
            json_array_append_new(list, json_deep_copy(inner));
        }
    }
    return list;
}

static json_t *flag_word(const json_t *value, const char *arg, bool to_api) {
    size_t bar = strcspn(arg, "|");
    if (to_api && json_is_boolean(value))
        return json_is_true(value) ? json_stringn(arg, bar) : json_string(arg + bar + 1);
    if (!to_api && json_is_string(value))
        return json_boolean(pk_str_eqz(pk_str_n(arg, bar), json_string_value(value)));
    return json_deep_copy(value);
}

json_t *pk_ctx_convert(const struct pk_ctx *ctx, const struct pk_prop *prop, const json_t *value,
                       bool to_api) {
    const struct pk_type *type = ctx->type;
    switch (prop->conv) {
    case PK_SAME:
        return json_deep_copy(value);
    case PK_NUMBER_TEXT:
        return each(value, to_api ? text_of : number_of);
    case PK_TEXT_NUMBER:
        return each(value, to_api ? number_of : text_of);
    case PK_BOOL_TEXT:
        return bool_text(value, to_api);
    case PK_JSON_AS_TEXT:
        return json_text(value, to_api);
    case PK_KV_AS_MAP:
        return to_api ? map_of_kv(value, prop->arg) : kv_of_map(value, prop->arg);
    case PK_MAP_AS_KV:
        return to_api ? kv_of_map(value, prop->arg) : map_of_kv(value, prop->arg);
    case PK_ONE_AS_LIST:
        return one_list(value, to_api);
    case PK_LIST_MEMBER:
        return list_member(value, prop->arg, to_api);
    case PK_FLAG_WORD:
        return flag_word(value, prop->arg, to_api);
    case PK_CUSTOM:
        return prop->convert(ctx, value, to_api);
    case PK_AUTO:
        break;
    }
    if (!type->camel && !type->names)
        return json_deep_copy(value);
    return pk_names_convert(value, type->names, type->camel, to_api);
}

/* --- paths --- */

/* The property's path with every part renamed by the type's rules. */
static char *rule_path(const struct pk_type *type, const char *name) {
    struct pk_buf buf;
    pk_buf_init(&buf, 4096);
    struct pk_str rest = pk_str(name), part;
    while (pk_str_cut(&rest, '.', &part)) {
        char key[NAME_MAX_LEN], other[NAME_MAX_LEN];
        pk_assert(part.len < NAME_MAX_LEN);
        memcpy(key, part.ptr, part.len);
        key[part.len] = '\0';
        other_name(type->names, key, type->camel, true, other);
        if (buf.len)
            pk_buf_addc(&buf, '.');
        pk_buf_addz(&buf, other);
    }
    return pk_buf_steal(&buf);
}

char *pk_prop_path(const struct pk_type *type, const struct pk_prop *prop, enum pk_place place) {
    const char *path = prop->create;
    if (place == PK_PLACE_CHANGE && prop->change)
        path = prop->change;
    else if (place == PK_PLACE_READ && prop->read)
        path = prop->read;
    else if (place != PK_PLACE_CREATE && pk_streq(path, PK_NOT_SENT))
        path = NULL;
    if (pk_streq(path, PK_NOT_SENT))
        return NULL;
    return path ? pk_strdup(path) : rule_path(type, prop->name);
}

static bool nothing(const json_t *value) {
    return !value || json_is_null(value);
}

json_t *pk_path_get(const json_t *root, const char *path) {
    if (nothing(root))
        return NULL;
    if (!*path)
        return json_deep_copy(root);
    const char *each_at = strstr(path, "[]");
    if (!each_at) {
        const json_t *value = pk_json_at(root, path);
        return nothing(value) ? NULL : json_deep_copy(value);
    }
    PK_CLEANUP(pk_freep) char *before = pk_strndup(path, (size_t)(each_at - path));
    const json_t *list = *before ? pk_json_at(root, before) : root;
    if (nothing(list))
        return NULL;
    const char *after = each_at + 2;
    if (*after == '.')
        after++;
    json_t *ret = json_array();
    for (size_t i = 0; i < json_array_size(list); i++) {
        json_t *value = pk_path_get(json_array_get(list, i), after);
        if (value)
            json_array_append_new(ret, value);
    }
    return ret;
}

void pk_param_put(json_t *params, const char *path, json_t *value) {
    if (!pk_ends_with(path, "[]")) {
        pk_json_put(params, path, value);
        return;
    }
    json_t *list = json_array();
    json_array_append_new(list, value);
    PK_CLEANUP(pk_freep) char *plain = pk_strndup(path, strlen(path) - 2);
    pk_json_put(params, plain, list);
}

const struct pk_prop *pk_ctx_prop(const struct pk_ctx *ctx, const char *name) {
    for (size_t i = 0; i < ctx->type->n_props; i++)
        if (strcmp(ctx->type->props[i].name, name) == 0)
            return &ctx->type->props[i];
    return NULL;
}

json_t *pk_ctx_to_api(const struct pk_ctx *ctx, const char *name) {
    const struct pk_prop *prop = pk_ctx_prop(ctx, name);
    pk_assert(prop);
    const json_t *value = ctx->props ? pk_json_at(ctx->props, name) : NULL;
    return nothing(value) ? NULL : pk_ctx_convert(ctx, prop, value, true);
}

/* --- items --- */

/* AWS leaves out much of what equals its default. */
static json_t *unseen(const struct pk_ctx *ctx, const struct pk_prop *prop) {
    if (!prop->fallback || !ctx->prior || nothing(pk_json_at(ctx->prior, prop->name)))
        return NULL;
    return json_loads(prop->fallback, JSON_DECODE_ANY, NULL);
}

json_t *pk_item_live(struct pk_ctx *ctx, const json_t *item) {
    const struct pk_type *type = ctx->type;
    json_t *live = json_object();
    for (size_t i = 0; i < type->n_props; i++) {
        PK_CLEANUP(pk_freep) char *path = pk_prop_path(type, &type->props[i], PK_PLACE_READ);
        if (!path || strcmp(path, PK_FROM_HOOK) == 0)
            continue;
        json_auto_t *value = pk_path_get(item, path);
        json_t *converted = value ? pk_ctx_convert(ctx, &type->props[i], value, false) : NULL;
        if (!converted)
            converted = unseen(ctx, &type->props[i]);
        if (converted)
            pk_json_put(live, type->props[i].name, converted);
    }
    if (type->normalize)
        type->normalize(ctx, item, live);
    return live;
}

json_t *pk_item_attributes(struct pk_ctx *ctx, const json_t *item) {
    json_t *ret = json_object();
    json_t *before = ctx->out;
    ctx->out = (json_t *)(uintptr_t)item; /* only read */
    for (const struct pk_attribute *a = ctx->type->attributes; a && a->name; a++) {
        json_t *value =
            strchr(a->value, '{') ? pk_ctx_value(ctx, a->value) : pk_path_get(item, a->value);
        if (value)
            json_object_set_new(ret, a->name, value);
    }
    if (ctx->type->more_attributes)
        ctx->type->more_attributes(ctx, item, ret);
    ctx->out = before;
    return ret;
}

bool pk_item_dead(const struct pk_ctx *ctx, const json_t *item) {
    const struct pk_wait *wait = &ctx->type->wait;
    if (!wait->dead || !wait->path)
        return false;
    return pk_word_in(wait->dead, pk_json_str(item, wait->path, NULL));
}
