/* context.c - one operation or read: its values, its calls, its waits. */
#include "provider/driver.h"

#include "base/clock.h"
#include "base/hash.h"

#include <stdlib.h>
#include <string.h>

#define DEFAULT_LIMIT_MS (10 * 60 * 1000)
#define FRESH_LIMIT_MS (2 * 60 * 1000)

/* --- making and ending --- */

static const struct pk_type *offered(const char *type, struct pk_error **err) {
    const struct pk_type *ret = pk_type_find(type);
    if (!ret)
        pk_fail(err, PK_E_UNSUPPORTED, "resources of type %s are not supported", type);
    return ret;
}

/* The name of the operation is a property like any other, so that tables need no second way. */
static void adopt_name(struct pk_ctx *ctx, const char *name) {
    const char *prop = ctx->type->name_prop;
    const char *written = prop && ctx->props ? pk_json_str(ctx->props, prop, NULL) : NULL;
    ctx->name = name ? name : written;
    if (!prop || !name || !ctx->props || pk_streq(name, written))
        return;
    json_t *copy = json_copy(ctx->props);
    json_object_set_new(copy, prop, pk_json_text(name));
    json_decref(ctx->props);
    ctx->props = copy;
}

bool pk_ctx_for_op(struct pk_ctx *ctx, struct pk_provider *provider, struct pk_op *op,
                   struct pk_error **err) {
    *ctx = (struct pk_ctx){.provider = (struct pk_aws_provider *)provider,
                           .op = op,
                           .key = op->key,
                           .id = op->physical_id,
                           .cancel = op->cancel};
    ctx->type = offered(op->type, err);
    if (!ctx->type)
        return pk_ctx_error(ctx, err);
    ctx->region = pk_aws_region(ctx->provider->aws);
    ctx->props = json_incref(op->desired ? op->desired : op->prior);
    ctx->prior = op->prior;
    ctx->attributes = op->attributes;
    adopt_name(ctx, op->name);
    if (op->started_ms == 0)
        op->started_ms = pk_monotonic_ms(NULL);
    return true;
}

bool pk_ctx_for_read(struct pk_ctx *ctx, struct pk_provider *provider, struct pk_read *read,
                     const struct pk_cancel *cancel, struct pk_error **err) {
    *ctx = (struct pk_ctx){.provider = (struct pk_aws_provider *)provider,
                           .key = read->key,
                           .id = read->physical_id,
                           .cancel = cancel};
    ctx->type = offered(read->type, err);
    if (!ctx->type)
        return pk_ctx_error(ctx, err);
    ctx->region = read->region && *read->region ? read->region : pk_aws_region(ctx->provider->aws);
    ctx->props = json_incref(read->prior);
    ctx->prior = read->prior;
    ctx->attributes = read->prior_attributes;
    adopt_name(ctx, read->name);
    return true;
}

void pk_ctx_release(struct pk_ctx *ctx) {
    json_decref(ctx->props);
    ctx->props = NULL;
}

void pk_ctx_set_id(struct pk_ctx *ctx, const char *id) {
    if (ctx->op->physical_id != id)
        pk_error_set(&ctx->op->physical_id, id);
    ctx->id = ctx->op->physical_id;
}

json_t *pk_ctx_scratch(struct pk_ctx *ctx) {
    if (!ctx->op->scratch)
        ctx->op->scratch = json_object();
    return ctx->op->scratch;
}

/* --- errors --- */

bool pk_ctx_error(const struct pk_ctx *ctx, struct pk_error **err) {
    if (err && *err && !(*err)->address && ctx->key)
        pk_error_set(&(*err)->address, ctx->key);
    return false;
}

bool pk_word_in(const char *list, const char *word) {
    if (!list || !word)
        return false;
    struct pk_str rest = pk_str(list), part;
    while (pk_str_cut(&rest, '|', &part))
        if (pk_str_eqz(part, word))
            return true;
    return false;
}

static bool code_matches(struct pk_str pattern, const struct pk_error *error) {
    struct pk_str code = pattern;
    const char *colon = memchr(pattern.ptr, ':', pattern.len);
    if (colon)
        code.len = (size_t)(colon - pattern.ptr);
    PK_CLEANUP(pk_freep) char *glob = pk_strndup(code.ptr, code.len);
    if (!pk_glob(glob, error->aws.code))
        return false;
    if (!colon)
        return true;
    PK_CLEANUP(pk_freep)
    char *part = pk_strndup(colon + 1, pattern.len - (size_t)(colon + 1 - pattern.ptr));
    return error->message && strstr(error->message, part) != NULL;
}

bool pk_error_in(const struct pk_error *error, const char *codes) {
    if (!error || !error->aws.code || !codes)
        return false;
    struct pk_str rest = pk_str(codes), part;
    while (pk_str_cut(&rest, '|', &part))
        if (code_matches(part, error))
            return true;
    return false;
}

bool pk_ctx_cancelled(const struct pk_ctx *ctx, struct pk_error **err) {
    if (pk_cancel_level(ctx->cancel) < PK_CANCEL_NOW)
        return false;
    pk_fail(err, PK_E_CANCELLED, "interrupted");
    pk_ctx_error(ctx, err);
    return true;
}

/* --- calls --- */

typedef bool call_fn(struct pk_aws *aws, const char *service, const char *operation, json_t *params,
                     const struct pk_aws_io *io, json_t **ret, struct pk_error **err);

static bool call_all(struct pk_aws *aws, const char *service, const char *operation, json_t *params,
                     const struct pk_aws_io *io, json_t **ret, struct pk_error **err) {
    return pk_aws_call_all(aws, service, operation, params, io, 0, ret, err);
}

static bool call(struct pk_ctx *ctx, call_fn *fn, const char *service, const char *operation,
                 json_t *params, json_t **ret, struct pk_error **err) {
    struct pk_aws_io io = {.region = ctx->region, .cancel = ctx->cancel};
    if (ctx->op && !pk_aws_is_read_only(operation)) {
        io.guard = ctx->op->guard;
        io.guard_ctx = ctx->op->guard_ctx;
    }
    if (!params)
        params = json_object();
    json_t *wipe = json_array(), *answer = NULL;
    bool ok = pk_secrets_resolve(ctx, &params, wipe, err) &&
              fn(ctx->provider->aws, service ? service : ctx->type->service, operation, params, &io,
                 ret ? &answer : NULL, err);
    if (ok && ret)
        *ret = answer;
    json_decref(params);
    pk_secrets_wipe(wipe);
    return ok || pk_ctx_error(ctx, err);
}

bool pk_ctx_call(struct pk_ctx *ctx, const char *service, const char *operation, json_t *params,
                 json_t **ret, struct pk_error **err) {
    return call(ctx, pk_aws_call, service, operation, params, ret, err);
}

bool pk_ctx_call_all(struct pk_ctx *ctx, const char *service, const char *operation, json_t *params,
                     json_t **ret, struct pk_error **err) {
    return call(ctx, call_all, service, operation, params, ret, err);
}

/* --- waiting --- */

static int64_t limit_of(const struct pk_ctx *ctx) {
    const struct pk_type *type = ctx->type;
    int64_t limit = ctx->op->wait_limit_ms;
    if (limit == 0 && ctx->op->action == PK_ACTION_DELETE)
        limit = type->remove_limit_ms;
    if (limit == 0)
        limit = type->wait.limit_ms;
    return limit ? limit : DEFAULT_LIMIT_MS;
}

/* Grows by half per repeat, with a tenth of jitter so that many waits do not march in step. */
static int64_t next_interval(struct pk_ctx *ctx) {
    const struct pk_wait *wait = &ctx->type->wait;
    int64_t first = wait->interval_ms ? wait->interval_ms : 2000;
    int64_t max = wait->max_interval_ms ? wait->max_interval_ms : 15000;
    json_t *scratch = pk_ctx_scratch(ctx);
    int64_t interval = pk_json_int(scratch, "interval", first);
    pk_json_put_int(scratch, "interval", interval * 3 / 2 < max ? interval * 3 / 2 : max);
    return interval - interval / 10 + pk_random_below((uint32_t)(interval / 5 + 1));
}

enum pk_progress pk_ctx_wait(struct pk_ctx *ctx, int64_t ms, struct pk_error **err, const char *fmt,
                             ...) {
    struct pk_op *op = ctx->op;
    va_list args;
    va_start(args, fmt);
    PK_CLEANUP(pk_freep) char *what = pk_vasprintf(fmt, args);
    va_end(args);
    if (pk_ctx_cancelled(ctx, err))
        return PK_FAILED;
    int64_t waited = pk_monotonic_ms(NULL) - op->started_ms, limit = limit_of(ctx);
    if (waited >= limit) {
        char human[32];
        pk_duration_human(limit, human);
        pk_fail(err, PK_E_TIMEOUT, "still waiting after %s: %s", human, what);
        pk_ctx_error(ctx, err);
        return PK_FAILED;
    }
    op->again_ms = ms ? ms : next_interval(ctx);
    pk_error_set(&op->waiting_for, what);
    return PK_AGAIN;
}

/* True while errors that stem from slow propagation are worth another attempt. */
static bool within_fresh_window(struct pk_ctx *ctx) {
    json_t *scratch = pk_ctx_scratch(ctx);
    int64_t now = pk_monotonic_ms(NULL), since = pk_json_int(scratch, "fresh_since", 0);
    if (since == 0) {
        pk_json_put_int(scratch, "fresh_since", now);
        return true;
    }
    return now - since < FRESH_LIMIT_MS;
}

enum pk_progress pk_ctx_retry(struct pk_ctx *ctx, struct pk_error **err) {
    if (!err || !*err)
        return PK_FAILED;
    const struct pk_errors *codes = &ctx->type->errors;
    bool deleting = ctx->op->action == PK_ACTION_DELETE;
    bool busy =
        pk_error_in(*err, codes->busy) || (deleting && pk_error_in(*err, codes->delete_busy));
    bool fresh = !busy && pk_error_in(*err, codes->fresh) && within_fresh_window(ctx);
    if (!busy && !fresh)
        return PK_FAILED;
    PK_CLEANUP(pk_error_freep) struct pk_error *reason = *err;
    *err = NULL;
    enum pk_progress ret = pk_ctx_wait(ctx, 0, err, "%s: %s", reason->aws.operation,
                                       reason->message ? reason->message : reason->aws.code);
    if (ret == PK_FAILED && *err && (*err)->code == PK_E_TIMEOUT) {
        /* What AWS answered is worth more than the time that passed. */
        (*err)->cause = reason;
        reason = NULL;
    }
    return ret;
}

enum pk_progress pk_ctx_hook(struct pk_ctx *ctx,
                             enum pk_progress (*hook)(struct pk_ctx *ctx, struct pk_error **err),
                             struct pk_error **err) {
    enum pk_progress progress = hook ? hook(ctx, err) : PK_DONE;
    if (progress == PK_FAILED)
        pk_ctx_error(ctx, err);
    return progress == PK_FAILED ? pk_ctx_retry(ctx, err) : progress;
}
