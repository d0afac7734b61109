/* remove.c - deleting, and making sure first that it is ours. */
#include "provider/driver.h"

#include <string.h>

enum { REMOVE_CHECK, REMOVE_BEFORE, REMOVE_CALL, REMOVE_WAIT };

/* What carries another owner's tags, or lost ours, was deleted and made anew by somebody else. */
static bool owned(const struct pk_ctx *ctx, const json_t *tags) {
    const struct pk_op *op = ctx->op;
    const char *owner = json_string_value(json_object_get(tags, "panka:lineage"));
    bool tagged_by_us = json_object_get(op->prior_tags, "panka:lineage") != NULL;
    if (!op->lineage || (!owner && !tagged_by_us))
        return true;
    return pk_streq(owner, op->lineage);
}

/* PK_DONE with *ret_gone when there is nothing to delete. */
static enum pk_progress check(struct pk_ctx *ctx, bool *ret_gone, struct pk_error **err) {
    if (ctx->type->n_readers == 0 && !ctx->type->do_read)
        return PK_DONE;
    json_auto_t *item = NULL;
    if (!pk_ctx_read(ctx, &item, err))
        return PK_FAILED;
    if (!item) {
        *ret_gone = true;
        return PK_DONE;
    }
    json_auto_t *tags = pk_item_tags(ctx, item);
    if (!tags || owned(ctx, tags))
        return PK_DONE;
    pk_fail(err, PK_E_NOT_OWNED, "%s %s does not carry this stack's ownership tags",
            ctx->type->type, ctx->id);
    pk_error_hint(err, "it was probably replaced by hand; `panka state rm %s` forgets it",
                  ctx->key);
    pk_ctx_error(ctx, err);
    return PK_FAILED;
}

static enum pk_progress remove_call(struct pk_ctx *ctx, bool *ret_gone, struct pk_error **err) {
    const struct pk_type *type = ctx->type;
    bool ok;
    if (type->do_remove) {
        enum pk_progress progress = type->do_remove(ctx, err);
        if (progress != PK_FAILED)
            return progress;
        ok = false;
    } else if (!type->remove.operation) {
        ok = true;
    } else {
        json_t *params = pk_ctx_params(ctx, type->remove.params);
        if (type->prepare_remove && !type->prepare_remove(ctx, params, err)) {
            json_decref(params);
            pk_ctx_error(ctx, err);
            return PK_FAILED;
        }
        ok = pk_ctx_call(ctx, type->remove.service, type->remove.operation, params, NULL, err);
    }
    if (ok)
        return PK_DONE;
    if (pk_error_in(*err, type->errors.gone)) {
        pk_error_clear(err);
        *ret_gone = true;
        return PK_DONE;
    }
    return pk_ctx_retry(ctx, err);
}

static enum pk_progress wait_gone(struct pk_ctx *ctx, struct pk_error **err) {
    json_auto_t *item = NULL;
    if (!ctx->type->remove_wait)
        return PK_DONE;
    if (!pk_ctx_read(ctx, &item, err))
        return PK_FAILED;
    if (!item)
        return PK_DONE;
    const char *path = ctx->type->wait.path;
    const char *state = path ? pk_json_str(item, path, NULL) : NULL;
    return pk_ctx_wait(ctx, 0, err, "%s -> deleted", state ? state : "deleting");
}

static enum pk_progress remove_step(struct pk_ctx *ctx, bool *ret_gone, struct pk_error **err) {
    switch (ctx->op->phase) {
    case REMOVE_CHECK:
        return check(ctx, ret_gone, err);
    case REMOVE_BEFORE:
        return pk_ctx_hook(ctx, ctx->type->before_remove, err);
    case REMOVE_CALL:
        return remove_call(ctx, ret_gone, err);
    default:
        return wait_gone(ctx, err);
    }
}

enum pk_progress pk_provider_remove(struct pk_provider *provider, struct pk_op *op,
                                    struct pk_error **err) {
    struct pk_ctx ctx;
    struct pk_error *error = NULL;
    enum pk_progress progress = PK_FAILED;
    bool gone = !op->physical_id; /* the create never answered and was not found */
    if (pk_ctx_for_op(&ctx, provider, op, &error)) {
        for (progress = PK_DONE; !gone;) {
            if (pk_ctx_cancelled(&ctx, &error))
                break;
            progress = remove_step(&ctx, &gone, &error);
            if (progress != PK_DONE || op->phase == REMOVE_WAIT)
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
