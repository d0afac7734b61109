/* find.c - ADOPT: the resource that a create would make or has made. */
#include "provider/driver.h"

#include <stdlib.h>
#include <string.h>

static void adopt(struct pk_ctx *ctx, const char *id, const json_t *item) {
    pk_ctx_set_id(ctx, id);
    json_decref(ctx->op->attributes);
    ctx->op->attributes = pk_item_attributes(ctx, item);
    ctx->attributes = ctx->op->attributes;
}

/* One that this operation replaces carries the same tags, and is not what it has made. */
static bool is_predecessor(const struct pk_op *op, const char *id) {
    for (size_t i = 0; i < json_array_size(op->predecessors); i++)
        if (pk_streq(json_string_value(json_array_get(op->predecessors, i)), id))
            return true;
    return false;
}

static bool made_by(const struct pk_op *op, const json_t *tags) {
    return op->op_id && pk_streq(json_string_value(json_object_get(tags, "panka:op")), op->op_id);
}

/* Whose is an item whose identity is already certain? */
static enum pk_found whose(struct pk_ctx *ctx, const json_t *item) {
    const struct pk_type *type = ctx->type;
    if (type->judge)
        return type->judge(ctx, item);
    if (type->recovery == PK_RECOVER_NATURAL)
        return PK_OURS;
    json_auto_t *tags = pk_item_tags(ctx, item);
    if (!tags || !pk_tags_ours(ctx->op, tags))
        return PK_FOREIGN;
    /* The one that is being replaced has the same address; only the operation tells them apart. */
    bool by_name = type->recovery == PK_RECOVER_NAME;
    return by_name || !ctx->op->replacing || made_by(ctx->op, tags) ? PK_OURS : PK_FOREIGN;
}

static bool find_by_id(struct pk_ctx *ctx, enum pk_found *ret, struct pk_error **err) {
    PK_CLEANUP(pk_freep) char *id = pk_ctx_text(ctx, ctx->type->find_id);
    *ret = PK_ABSENT;
    if (!id || is_predecessor(ctx->op, id))
        return true;
    const char *before = ctx->id;
    ctx->id = id;
    json_auto_t *item = NULL;
    bool ok = pk_ctx_read(ctx, &item, err);
    if (ok && item) {
        *ret = whose(ctx, item);
        if (*ret == PK_OURS) {
            adopt(ctx, id, item);
            return true;
        }
    }
    ctx->id = before;
    return ok;
}

static char *candidate_id(struct pk_ctx *ctx, json_t *candidate) {
    const struct pk_type *type = ctx->type;
    json_t *before = ctx->out;
    ctx->out = candidate;
    char *id = pk_ctx_text(ctx, type->find_item_id ? type->find_item_id : type->id);
    ctx->out = before;
    return id;
}

static bool is_wanted(struct pk_ctx *ctx, json_t *candidate) {
    const struct pk_reader *finder = ctx->type->finder;
    if (!finder->match || !finder->want)
        return true;
    json_t *before = ctx->out;
    ctx->out = candidate;
    PK_CLEANUP(pk_freep) char *match = pk_ctx_text(ctx, finder->match);
    ctx->out = before;
    PK_CLEANUP(pk_freep) char *want = pk_ctx_text(ctx, finder->want);
    return match && pk_streq(match, want);
}

/* What is going away or never came to life is not worth adopting. */
static bool useless(const struct pk_ctx *ctx, const json_t *item) {
    const struct pk_wait *wait = &ctx->type->wait;
    return pk_item_dead(ctx, item) ||
           (wait->path && pk_word_in(wait->failed, pk_json_str(item, wait->path, NULL)));
}

/* Judges one candidate; *item becomes what its tags were seen in. */
static bool judge_candidate(struct pk_ctx *ctx, const char *id, json_t *candidate, json_t **item,
                            enum pk_found *ret, struct pk_error **err) {
    *ret = PK_ABSENT;
    *item = NULL;
    if (ctx->type->find_tags_apart) {
        const char *before = ctx->id;
        ctx->id = id;
        bool ok = pk_ctx_read(ctx, item, err);
        ctx->id = before;
        if (!ok)
            return false;
    } else {
        *item = json_incref(candidate);
    }
    if (*item && !useless(ctx, *item))
        *ret = whose(ctx, *item);
    return true;
}

/* Among several of ours (a create that was repeated without an answer) the one of this operation
 * is taken. */
static bool better(const struct pk_ctx *ctx, const json_t *item, bool have) {
    if (!have)
        return true;
    json_auto_t *tags = pk_item_tags(ctx, item);
    return made_by(ctx->op, tags);
}

static bool choose(struct pk_ctx *ctx, const json_t *candidates, enum pk_found *ret,
                   struct pk_error **err) {
    PK_CLEANUP(pk_freep) char *best = NULL;
    json_auto_t *best_item = NULL;
    *ret = PK_ABSENT;
    for (size_t i = 0; i < json_array_size(candidates); i++) {
        json_t *candidate = json_array_get(candidates, i);
        if (!is_wanted(ctx, candidate))
            continue;
        PK_CLEANUP(pk_freep) char *id = candidate_id(ctx, candidate);
        if (!id || is_predecessor(ctx->op, id))
            continue;
        json_auto_t *item = NULL;
        enum pk_found found;
        if (!judge_candidate(ctx, id, candidate, &item, &found, err))
            return false;
        if (found == PK_FOREIGN && ctx->type->recovery == PK_RECOVER_NAME && *ret == PK_ABSENT)
            *ret = PK_FOREIGN;
        if (found == PK_OURS && better(ctx, item, best != NULL)) {
            free(best);
            best = pk_steal(&id);
            json_decref(best_item);
            best_item = json_incref(item);
            *ret = PK_OURS;
        }
    }
    if (best)
        adopt(ctx, best, best_item);
    return true;
}

bool pk_ctx_find(struct pk_ctx *ctx, enum pk_found *ret, struct pk_error **err) {
    const struct pk_type *type = ctx->type;
    if (type->find_id)
        return find_by_id(ctx, ret, err);
    *ret = PK_ABSENT;
    if (!type->finder)
        return true;
    json_t *params = pk_ctx_params(ctx, type->finder->call.params);
    json_auto_t *answer = NULL;
    struct pk_error *error = NULL;
    if (!pk_reader_call(ctx, type->finder, params, &answer, &error)) {
        if (pk_error_in(error, type->errors.gone) || pk_error_in(error, type->finder->absent)) {
            pk_error_free(error);
            return true;
        }
        if (err)
            *err = error;
        else
            pk_error_free(error);
        return false;
    }
    json_auto_t *candidates = pk_reader_list(type->finder, answer);
    return choose(ctx, candidates, ret, err);
}

bool pk_provider_find(struct pk_provider *provider, struct pk_op *op, enum pk_found *ret,
                      struct pk_error **err) {
    struct pk_ctx ctx;
    enum pk_found found = PK_ABSENT;
    bool ok = pk_ctx_for_op(&ctx, provider, op, err) && pk_ctx_find(&ctx, &found, err);
    pk_ctx_release(&ctx);
    if (ok)
        *ret = found;
    return ok;
}
