/* template.c - texts with references in braces, expanded against a context. */
#include "provider/driver.h"

#include <stdlib.h>
#include <string.h>

static json_t *text_or_null(const char *text) {
    return text && *text ? pk_json_text(text) : NULL;
}

static json_t *copy_or_null(const json_t *root, const char *path) {
    if (!root)
        return NULL;
    /* Names of attributes hold dots ("Endpoint.Address") and stand flat in their object. */
    json_t *flat = json_object_get(root, path);
    if (flat)
        return json_is_null(flat) ? NULL : json_deep_copy(flat);
    return pk_path_get(root, path);
}

static json_t *id_part(const char *id, const char *index) {
    if (!id)
        return NULL;
    int64_t wanted;
    if (!pk_parse_i64(pk_str_n(index, strcspn(index, "]")), &wanted))
        return NULL;
    struct pk_str rest = pk_str(id), part;
    while (pk_str_cut(&rest, '|', &part))
        if (wanted-- == 0) {
            PK_CLEANUP(pk_freep) char *text = pk_strndup(part.ptr, part.len);
            return pk_json_text(text);
        }
    return NULL;
}

static json_t *token_text(const struct pk_ctx *ctx) {
    if (!ctx->op || !ctx->op->token)
        return NULL;
    size_t max = ctx->type->token_max ? ctx->type->token_max : 64;
    PK_CLEANUP(pk_freep) char *cut = pk_strndup(ctx->op->token, max);
    return pk_json_text(cut);
}

static json_t *word(const struct pk_ctx *ctx, const char *name) {
    if (strcmp(name, "id") == 0)
        return text_or_null(ctx->id);
    if (strcmp(name, "name") == 0)
        return text_or_null(ctx->name);
    if (strcmp(name, "token") == 0)
        return token_text(ctx);
    if (strcmp(name, "key") == 0)
        return text_or_null(ctx->key);
    if (strcmp(name, "op") == 0)
        return text_or_null(ctx->op ? ctx->op->op_id : NULL);
    if (strcmp(name, "lineage") == 0)
        return text_or_null(ctx->op ? ctx->op->lineage : NULL);
    if (strcmp(name, "account") == 0)
        return text_or_null(pk_provider_account(ctx->provider));
    if (strcmp(name, "region") == 0)
        return text_or_null(ctx->region);
    if (strcmp(name, "partition") == 0)
        return text_or_null(pk_aws_partition(ctx->region));
    pk_assert(strcmp(name, "suffix") == 0);
    return text_or_null(pk_aws_dns_suffix(ctx->region));
}

static json_t *reference_one(const struct pk_ctx *ctx, const char *name) {
    if (pk_starts_with(name, "prop."))
        return copy_or_null(ctx->props, name + 5);
    if (pk_starts_with(name, "attr."))
        return copy_or_null(ctx->attributes, name + 5);
    if (pk_starts_with(name, "out."))
        return copy_or_null(ctx->out, name + 4);
    if (pk_starts_with(name, "id["))
        return id_part(ctx->id, name + 3);
    return word(ctx, name);
}

/* "prop.X#1" is the second part of a text with '|' in it. */
static json_t *reference_part(const struct pk_ctx *ctx, char *name) {
    char *hash = strchr(name, '#');
    if (!hash)
        return reference_one(ctx, name);
    *hash = '\0';
    json_auto_t *whole = reference_one(ctx, name);
    return json_is_string(whole) ? id_part(json_string_value(whole), hash + 1) : NULL;
}

/* `names` is what stands between the braces. */
static json_t *reference(const struct pk_ctx *ctx, struct pk_str names) {
    struct pk_str one;
    while (pk_str_cut(&names, '|', &one)) {
        PK_CLEANUP(pk_freep) char *name = pk_strndup(one.ptr, one.len);
        json_t *value = reference_part(ctx, name);
        if (value)
            return value;
    }
    return NULL;
}

static json_t *expand_text(const struct pk_ctx *ctx, const char *text) {
    const char *close = strchr(text, '}');
    if (text[0] == '{' && close && close[1] == '\0')
        return reference(ctx, pk_str_n(text + 1, (size_t)(close - text - 1)));
    struct pk_buf buf;
    pk_buf_init(&buf, 1 << 20);
    bool complete = true;
    while (*text && complete) {
        size_t plain = strcspn(text, "{");
        pk_buf_add(&buf, text, plain);
        text += plain;
        if (!*text)
            break;
        close = strchr(text, '}');
        pk_assert(close);
        json_auto_t *value = reference(ctx, pk_str_n(text + 1, (size_t)(close - text - 1)));
        if (json_is_string(value)) {
            pk_buf_addz(&buf, json_string_value(value));
        } else if (value) {
            PK_CLEANUP(pk_freep) char *canonical = pk_json_canonical(value);
            pk_buf_addz(&buf, canonical);
        } else {
            complete = false;
        }
        text = close + 1;
    }
    json_t *ret = complete ? pk_json_text(pk_buf_cstr(&buf)) : NULL;
    pk_buf_release(&buf);
    return ret;
}

/* Expands every text inside; NULL when one of them has no value. */
static json_t *expand_json(const struct pk_ctx *ctx, const json_t *value) {
    if (json_is_string(value))
        return expand_text(ctx, json_string_value(value));
    if (json_is_array(value)) {
        json_t *list = json_array();
        for (size_t i = 0; i < json_array_size(value); i++) {
            json_t *item = expand_json(ctx, json_array_get(value, i));
            if (!item) {
                json_decref(list);
                return NULL;
            }
            json_array_append_new(list, item);
        }
        return list;
    }
    if (!json_is_object(value))
        return json_deep_copy(value);
    json_t *object = json_object();
    for (void *at = json_object_iter((json_t *)(uintptr_t)value); at;
         at = json_object_iter_next((json_t *)(uintptr_t)value, at)) {
        json_t *item = expand_json(ctx, json_object_iter_value(at));
        if (!item) {
            json_decref(object);
            return NULL;
        }
        json_object_set_new(object, json_object_iter_key(at), item);
    }
    return object;
}

json_t *pk_ctx_value(const struct pk_ctx *ctx, const char *template_text) {
    if (!template_text)
        return NULL;
    if (!pk_starts_with(template_text, "json:"))
        return expand_text(ctx, template_text);
    json_error_t where;
    json_auto_t *value =
        json_loads(template_text + 5, JSON_REJECT_DUPLICATES | JSON_DECODE_ANY, &where);
    pk_assert(value);
    return expand_json(ctx, value);
}

char *pk_ctx_text(const struct pk_ctx *ctx, const char *template_text) {
    json_auto_t *value = pk_ctx_value(ctx, template_text);
    if (!value)
        return NULL;
    return json_is_string(value) ? pk_strdup(json_string_value(value)) : pk_json_canonical(value);
}

void pk_params_fill(const struct pk_ctx *ctx, const struct pk_param *params, json_t *ret) {
    for (; params && params->path; params++) {
        json_t *value = pk_ctx_value(ctx, params->value);
        if (value)
            pk_param_put(ret, params->path, value);
    }
}

json_t *pk_ctx_params(const struct pk_ctx *ctx, const struct pk_param *params) {
    json_t *ret = json_object();
    pk_params_fill(ctx, params, ret);
    return ret;
}
