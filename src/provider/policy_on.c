/* policy_on.c - one policy document on a list of targets. */
#include "provider/policy_on.h"

static bool holds(const json_t *list, const char *text) {
    for (size_t i = 0; i < json_array_size(list); i++)
        if (pk_streq(json_string_value(json_array_get(list, i)), text))
            return true;
    return false;
}

static char *document_text(const struct pk_ctx *ctx) {
    json_auto_t *text = pk_ctx_to_api(ctx, "PolicyDocument");
    return json_is_string(text) ? pk_strdup(json_string_value(text)) : NULL;
}

static bool set_all(struct pk_ctx *ctx, const struct pk_policy_on *on, struct pk_error **err) {
    PK_CLEANUP(pk_freep) char *text = document_text(ctx);
    const json_t *targets = json_object_get(ctx->props, on->targets);
    for (size_t i = 0; i < json_array_size(targets); i++)
        if (!on->set(ctx, json_string_value(json_array_get(targets, i)), text, err))
            return false;
    return true;
}

/* Takes the policy off the targets in `from` that are not in `keep`. */
static bool clear(struct pk_ctx *ctx, const struct pk_policy_on *on, const json_t *from,
                  const json_t *keep, struct pk_error **err) {
    for (size_t i = 0; i < json_array_size(from); i++) {
        const char *target = json_string_value(json_array_get(from, i));
        struct pk_error *error = NULL;
        if (holds(keep, target) || on->set(ctx, target, NULL, &error))
            continue;
        if (!pk_error_in(error, ctx->type->errors.gone)) {
            *err = error;
            return false;
        }
        pk_error_free(error);
    }
    return true;
}

enum pk_progress pk_policy_on_create(struct pk_ctx *ctx, const struct pk_policy_on *on,
                                     struct pk_error **err) {
    const json_t *first = json_array_get(json_object_get(ctx->props, on->targets), 0);
    if (!json_is_string(first)) {
        pk_fail(err, PK_E_CONFIG, "%s names no %s", ctx->type->type, on->targets);
        return PK_FAILED;
    }
    if (!set_all(ctx, on, err))
        return PK_FAILED;
    pk_ctx_set_id(ctx, json_string_value(first));
    return PK_DONE;
}

enum pk_progress pk_policy_on_update(struct pk_ctx *ctx, const struct pk_policy_on *on,
                                     struct pk_error **err) {
    const json_t *now = json_object_get(ctx->props, on->targets);
    if (pk_policy_on_create(ctx, on, err) == PK_FAILED ||
        !clear(ctx, on, json_object_get(ctx->prior, on->targets), now, err))
        return PK_FAILED;
    return PK_DONE;
}

enum pk_progress pk_policy_on_remove(struct pk_ctx *ctx, const struct pk_policy_on *on,
                                     struct pk_error **err) {
    json_auto_t *only = json_pack("[s]", ctx->id);
    const json_t *targets = json_object_get(ctx->props, on->targets);
    return clear(ctx, on, targets ? targets : only, NULL, err) ? PK_DONE : PK_FAILED;
}

/* A target that is gone has no policy. */
static bool get_one(struct pk_ctx *ctx, const struct pk_policy_on *on, const char *target,
                    char **ret, struct pk_error **err) {
    struct pk_error *error = NULL;
    if (on->get(ctx, target, ret, &error))
        return true;
    if (!pk_error_in(error, ctx->type->errors.gone)) {
        *err = error;
        return false;
    }
    pk_error_free(error);
    *ret = NULL;
    return true;
}

bool pk_policy_on_read(struct pk_ctx *ctx, const struct pk_policy_on *on, json_t **ret,
                       struct pk_error **err) {
    json_auto_t *only = json_pack("[s]", ctx->id);
    const json_t *targets = json_object_get(ctx->props, on->targets);
    if (json_array_size(targets) == 0)
        targets = only;
    json_t *item = json_object(), *found = json_array();
    json_object_set_new(item, on->targets, found);
    for (size_t i = 0; i < json_array_size(targets); i++) {
        const char *target = json_string_value(json_array_get(targets, i));
        PK_CLEANUP(pk_freep) char *text = NULL;
        if (!get_one(ctx, on, target, &text, err)) {
            json_decref(item);
            return false;
        }
        if (!text)
            continue;
        json_array_append_new(found, pk_json_text(target));
        pk_json_put_str(item, "PolicyDocument", text);
    }
    if (json_array_size(found) == 0) {
        json_decref(item);
        item = NULL;
    }
    *ret = item;
    return true;
}
