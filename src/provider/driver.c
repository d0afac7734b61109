/* driver.c - the provider's interface, creating, waiting until ready. */
#include "provider/driver.h"

#include <stdlib.h>
#include <string.h>

/* --- create --- */

json_t *pk_ctx_create_params(struct pk_ctx *ctx) {
    const struct pk_type *type = ctx->type;
    json_t *params = pk_ctx_params(ctx, type->create.params);
    for (size_t i = 0; i < type->n_props; i++) {
        const struct pk_prop *prop = &type->props[i];
        PK_CLEANUP(pk_freep) char *path = pk_prop_path(type, prop, PK_PLACE_CREATE);
        const json_t *value = ctx->props && path ? pk_json_at(ctx->props, prop->name) : NULL;
        json_t *converted =
            value && !json_is_null(value) ? pk_ctx_convert(ctx, prop, value, true) : NULL;
        if (converted)
            pk_param_put(params, path, converted);
    }
    json_t *token = type->token ? pk_ctx_value(ctx, "{token}") : NULL;
    if (token)
        pk_json_put(params, type->token, token);
    const struct pk_tagging *tags = &type->tags;
    if (tags->create && json_object_size(ctx->op->desired_tags) > 0) {
        enum pk_tag_shape shape = tags->create_shape ? tags->create_shape : tags->shape;
        pk_json_put(params, tags->create,
                    pk_tags_make(ctx->op->desired_tags, shape, tags->ec2_type));
    }
    return params;
}

/* An answer "exists" is no failure yet: the engine asks find() whose it is. */
static enum pk_progress create_failed(struct pk_ctx *ctx, struct pk_error **err) {
    if (pk_error_in(*err, ctx->type->errors.exists)) {
        pk_error_set(&(*err)->id, PK_ERROR_EXISTS);
        return PK_FAILED;
    }
    return pk_ctx_retry(ctx, err);
}

static enum pk_progress look_first(struct pk_ctx *ctx, struct pk_error **err) {
    enum pk_found found;
    if (!pk_ctx_find(ctx, &found, err))
        return PK_FAILED;
    if (found == PK_ABSENT)
        return PK_DONE;
    pk_fail(err, PK_E_NOT_OWNED, "%s %s exists already", ctx->type->type,
            ctx->name ? ctx->name : "");
    pk_error_set(&(*err)->id, PK_ERROR_EXISTS);
    pk_ctx_error(ctx, err);
    return PK_FAILED;
}

static enum pk_progress create_call(struct pk_ctx *ctx, struct pk_error **err) {
    const struct pk_type *type = ctx->type;
    json_t *params = pk_ctx_create_params(ctx);
    if (type->before_create && !type->before_create(ctx, params, err)) {
        json_decref(params);
        pk_ctx_error(ctx, err);
        return PK_FAILED;
    }
    json_auto_t *answer = NULL;
    if (!pk_ctx_call(ctx, type->create.service, type->create.operation, params, &answer, err))
        return create_failed(ctx, err);
    ctx->out = answer;
    PK_CLEANUP(pk_freep) char *id = pk_ctx_text(ctx, type->id);
    ctx->out = NULL;
    if (!id) {
        pk_fail(err, PK_E_BAD_RESPONSE, "%s answered without an identifier",
                type->create.operation);
        pk_ctx_error(ctx, err);
        return PK_FAILED;
    }
    pk_ctx_set_id(ctx, id);
    json_t *item = type->create_item ? pk_path_get(answer, type->create_item) : NULL;
    if (item)
        json_object_set_new(pk_ctx_scratch(ctx), "item", item);
    return PK_DONE;
}

enum { CREATE_LOOK, CREATE_CALL, CREATE_AFTER, CREATE_TAGS, CREATE_GROUPS, CREATE_SETTLE };

static enum pk_progress create_step(struct pk_ctx *ctx, struct pk_error **err) {
    const struct pk_type *type = ctx->type;
    switch (ctx->op->phase) {
    case CREATE_LOOK:
        return type->check_first ? look_first(ctx, err) : PK_DONE;
    case CREATE_CALL:
        if (!type->do_create)
            return create_call(ctx, err);
        enum pk_progress progress = type->do_create(ctx, err);
        return progress == PK_FAILED && *err ? create_failed(ctx, err) : progress;
    case CREATE_AFTER:
        return pk_ctx_hook(ctx, type->after_create, err);
    case CREATE_TAGS:
        if (type->tags.create)
            return PK_DONE;
        return pk_ctx_tags_apply(ctx, true, err) ? PK_DONE : pk_ctx_retry(ctx, err);
    case CREATE_GROUPS:
        return pk_ctx_groups(ctx, true, err);
    default:
        return pk_ctx_settle(ctx, err);
    }
}

enum pk_progress pk_provider_create(struct pk_provider *provider, struct pk_op *op,
                                    struct pk_error **err) {
    struct pk_ctx ctx;
    struct pk_error *error = NULL;
    enum pk_progress progress = PK_FAILED;
    if (pk_ctx_for_op(&ctx, provider, op, &error) && pk_ctx_covered(&ctx, &error)) {
        for (;;) {
            if (pk_ctx_cancelled(&ctx, &error))
                break;
            progress = create_step(&ctx, &error);
            if (progress != PK_DONE || op->phase == CREATE_SETTLE)
                break;
            op->phase++;
        }
    }
    pk_ctx_release(&ctx);
    if (error && err)
        *err = error;
    else
        pk_error_free(error);
    return error ? PK_FAILED : progress;
}

/* --- waiting until ready --- */

static enum pk_progress by_rule(struct pk_ctx *ctx, const json_t *item, struct pk_error **err) {
    const struct pk_wait *wait = &ctx->type->wait;
    if (!wait->path || !wait->ready)
        return PK_DONE;
    const char *state = pk_json_str(item, wait->path, NULL);
    if (!state || pk_word_in(wait->ready, state))
        return PK_DONE;
    if (!pk_word_in(wait->failed, state)) {
        int shown = (int)strcspn(wait->ready, "|");
        return pk_ctx_wait(ctx, 0, err, "%s %s -> %.*s", wait->path, state, shown, wait->ready);
    }
    const char *reason = wait->reason ? pk_json_str(item, wait->reason, NULL) : NULL;
    pk_fail(err, PK_E_RESOURCE_FAILED, "%s is %s%s%s", wait->path, state, reason ? ": " : "",
            reason ? reason : "");
    pk_ctx_error(ctx, err);
    return PK_FAILED;
}

/* The item of the create answer is used once, then AWS is asked. */
static bool current_item(struct pk_ctx *ctx, json_t **ret, struct pk_error **err) {
    json_t *kept = json_object_get(ctx->op->scratch, "item");
    if (kept) {
        *ret = json_incref(kept);
        json_object_del(ctx->op->scratch, "item");
        return true;
    }
    if (ctx->type->n_readers == 0 && !ctx->type->do_read) {
        *ret = json_object();
        return true;
    }
    return pk_ctx_read(ctx, ret, err);
}

enum pk_progress pk_ctx_settle(struct pk_ctx *ctx, struct pk_error **err) {
    json_auto_t *item = NULL;
    if (!current_item(ctx, &item, err))
        return PK_FAILED;
    if (!item)
        return pk_ctx_wait(ctx, 0, err, "%s is not visible yet", ctx->id);
    ctx->out = item;
    enum pk_progress progress =
        ctx->type->ready ? ctx->type->ready(ctx, item, err) : by_rule(ctx, item, err);
    ctx->out = NULL;
    if (progress != PK_DONE)
        return progress;
    json_t *attributes = pk_item_attributes(ctx, item);
    json_decref(ctx->op->attributes);
    ctx->op->attributes = attributes;
    ctx->attributes = attributes;
    return PK_DONE;
}

/* --- the interface --- */

static const struct pk_type_traits *provider_traits(struct pk_provider *provider,
                                                    const char *type) {
    (void)provider;
    struct pk_traits_source source = pk_provider_type_traits();
    return source.find(source.ctx, type);
}

static void provider_free(struct pk_provider *base) {
    struct pk_aws_provider *provider = (struct pk_aws_provider *)base;
    if (!provider)
        return;
    pthread_mutex_destroy(&provider->lock);
    free(provider->account);
    free(provider);
}

static const struct pk_provider_vtable vtable = {.traits = provider_traits,
                                                 .create = pk_provider_create,
                                                 .update = pk_provider_update,
                                                 .remove = pk_provider_remove,
                                                 .find = pk_provider_find,
                                                 .read = pk_provider_read,
                                                 .free = provider_free};

bool pk_aws_provider_new(struct pk_aws *aws, const char *account_id, struct pk_provider **ret,
                         struct pk_error **err) {
    struct pk_aws_provider *provider = pk_calloc(1, sizeof *provider);
    provider->base.vtable = &vtable;
    provider->aws = aws;
    provider->account = account_id ? pk_strdup(account_id) : NULL;
    if (pthread_mutex_init(&provider->lock, NULL) != 0) {
        free(provider->account);
        free(provider);
        return pk_fail(err, PK_E_INTERNAL, "no lock could be made");
    }
    *ret = &provider->base;
    return true;
}

const char *pk_provider_account(const struct pk_aws_provider *const_provider) {
    struct pk_aws_provider *provider = (struct pk_aws_provider *)(uintptr_t)const_provider;
    pthread_mutex_lock(&provider->lock);
    if (!provider->account && !pk_aws_caller(provider->aws, &provider->account, NULL, NULL))
        provider->account = NULL;
    const char *ret = provider->account;
    pthread_mutex_unlock(&provider->lock);
    return ret;
}

const char *pk_provider_region(const struct pk_aws_provider *provider) {
    return pk_aws_region(provider->aws);
}
