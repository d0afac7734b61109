/* update.c - the groups of properties that one operation each changes. */
#include "provider/driver.h"

#include <stdlib.h>
#include <string.h>

/* "A.B" and "A", "A[2].C" and "A": one lies in the other. */
static bool overlaps(const char *change, const char *name) {
    size_t i = 0;
    while (change[i] && change[i] == name[i])
        i++;
    bool change_ends = change[i] == '\0' || change[i] == '.' || change[i] == '[';
    bool name_ends = name[i] == '\0' || name[i] == '.';
    return (change[i] == '\0' && name_ends) || (name[i] == '\0' && change_ends);
}

bool pk_ctx_changed(const struct pk_ctx *ctx, const char *name) {
    if (!ctx->op || ctx->op->action != PK_ACTION_UPDATE)
        return true;
    for (size_t i = 0; i < ctx->op->n_changes; i++)
        if (overlaps(ctx->op->changes[i].path, name))
            return true;
    return false;
}

/* What to send for a row: the property, or what AWS would fill in when it was removed. */
static json_t *row_value(const struct pk_ctx *ctx, const struct pk_prop *prop, bool creating) {
    const json_t *value = ctx->props ? pk_json_at(ctx->props, prop->name) : NULL;
    if (value && !json_is_null(value))
        return pk_ctx_convert(ctx, prop, value, true);
    if (creating || !prop->fallback || !pk_ctx_changed(ctx, prop->name))
        return NULL;
    json_auto_t *fallback = json_loads(prop->fallback, JSON_DECODE_ANY, NULL);
    pk_assert(fallback);
    return pk_ctx_convert(ctx, prop, fallback, true);
}

static bool row_due(const struct pk_ctx *ctx, const struct pk_prop *prop, bool creating) {
    if (!creating)
        return pk_ctx_changed(ctx, prop->name);
    const json_t *value = ctx->props ? pk_json_at(ctx->props, prop->name) : NULL;
    return pk_streq(prop->create, PK_NOT_SENT) && value && !json_is_null(value);
}

static bool group_due(const struct pk_ctx *ctx, size_t group, bool creating) {
    const struct pk_type *type = ctx->type;
    const struct pk_update *update = &type->updates[group];
    if (creating && !(update->flags & PK_UPDATE_AFTER_CREATE))
        return false;
    if (!creating && (update->flags & PK_UPDATE_FORCED) && ctx->op->force_update)
        return true;
    for (size_t i = 0; i < type->n_props; i++)
        if (type->props[i].update == group + 1 && row_due(ctx, &type->props[i], creating))
            return true;
    return false;
}

static void put_row(const struct pk_ctx *ctx, const struct pk_prop *prop, bool creating,
                    json_t *params) {
    PK_CLEANUP(pk_freep) char *path = pk_prop_path(ctx->type, prop, PK_PLACE_CHANGE);
    /* A property that create cannot take has its place in the update request all the same. */
    if (!path && !prop->change && pk_streq(prop->create, PK_NOT_SENT)) {
        struct pk_prop named = *prop;
        named.create = NULL;
        path = pk_prop_path(ctx->type, &named, PK_PLACE_CREATE);
    }
    json_t *value = path ? row_value(ctx, prop, creating) : NULL;
    if (value)
        pk_param_put(params, path, value);
}

static bool send(struct pk_ctx *ctx, const struct pk_update *update, json_t *params,
                 struct pk_error **err) {
    if (update->prepare && !update->prepare(ctx, params, err)) {
        json_decref(params);
        return pk_ctx_error(ctx, err);
    }
    return pk_ctx_call(ctx, NULL, update->operation, params, NULL, err);
}

static bool send_group(struct pk_ctx *ctx, size_t group, bool creating, struct pk_error **err) {
    const struct pk_type *type = ctx->type;
    const struct pk_update *update = &type->updates[group];
    json_t *params = pk_ctx_params(ctx, update->params);
    for (size_t i = 0; i < type->n_props; i++) {
        const struct pk_prop *prop = &type->props[i];
        if (prop->update == group + 1 &&
            ((update->flags & PK_UPDATE_FULL) || row_due(ctx, prop, creating)))
            put_row(ctx, prop, creating, params);
    }
    return send(ctx, update, params, err);
}

/* One call per property; op->scratch remembers how many are done. */
static bool send_each(struct pk_ctx *ctx, size_t group, bool creating, struct pk_error **err) {
    const struct pk_type *type = ctx->type;
    json_t *scratch = pk_ctx_scratch(ctx);
    for (size_t i = (size_t)pk_json_int(scratch, "row", 0); i < type->n_props; i++) {
        const struct pk_prop *prop = &type->props[i];
        pk_json_put_int(scratch, "row", (int64_t)i);
        if (prop->update != group + 1 || !row_due(ctx, prop, creating))
            continue;
        json_auto_t *value = row_value(ctx, prop, creating);
        if (!value)
            continue;
        json_t *params = pk_ctx_params(ctx, type->updates[group].params);
        put_row(ctx, prop, creating, params);
        ctx->row = prop;
        bool ok = send(ctx, &type->updates[group], params, err);
        ctx->row = NULL;
        if (!ok)
            return false;
    }
    pk_json_put_int(scratch, "row", 0);
    return true;
}

static enum pk_progress run_group(struct pk_ctx *ctx, size_t group, bool creating,
                                  struct pk_error **err) {
    const struct pk_update *update = &ctx->type->updates[group];
    if (update->run) {
        enum pk_progress progress = update->run(ctx, update, err);
        return progress == PK_FAILED ? pk_ctx_retry(ctx, err) : progress;
    }
    bool ok = (update->flags & PK_UPDATE_EACH) ? send_each(ctx, group, creating, err)
                                               : send_group(ctx, group, creating, err);
    return ok ? PK_DONE : pk_ctx_retry(ctx, err);
}

enum pk_progress pk_ctx_groups(struct pk_ctx *ctx, bool creating, struct pk_error **err) {
    json_t *scratch = pk_ctx_scratch(ctx);
    for (;;) {
        size_t group = (size_t)pk_json_int(scratch, "group", 0);
        if (group >= ctx->type->n_updates)
            return PK_DONE;
        enum pk_progress progress = PK_DONE;
        bool sent = pk_json_bool(scratch, "sent", false);
        if (!sent && group_due(ctx, group, creating)) {
            progress = run_group(ctx, group, creating, err);
            if (progress != PK_DONE)
                return progress;
            sent = true;
            pk_json_put_bool(scratch, "sent", true);
        }
        if (sent && (ctx->type->updates[group].flags & PK_UPDATE_WAIT))
            progress = pk_ctx_settle(ctx, err);
        if (progress != PK_DONE)
            return progress;
        pk_json_put_bool(scratch, "sent", false);
        pk_json_put_int(scratch, "group", (int64_t)group + 1);
    }
}

enum { UPDATE_BEFORE, UPDATE_GROUPS, UPDATE_TAGS, UPDATE_AFTER, UPDATE_SETTLE };

static enum pk_progress update_step(struct pk_ctx *ctx, struct pk_error **err) {
    const struct pk_type *type = ctx->type;
    switch (ctx->op->phase) {
    case UPDATE_BEFORE:
        return pk_ctx_hook(ctx, type->before_update, err);
    case UPDATE_GROUPS:
        return pk_ctx_groups(ctx, false, err);
    case UPDATE_TAGS:
        /* Of what was just adopted nothing is known. */
        return pk_ctx_tags_apply(ctx, !ctx->op->prior_tags || !ctx->op->prior, err)
                   ? PK_DONE
                   : pk_ctx_retry(ctx, err);
    case UPDATE_AFTER:
        return pk_ctx_hook(ctx, type->after_update, err);
    default:
        return pk_ctx_settle(ctx, err);
    }
}

enum pk_progress pk_provider_update(struct pk_provider *provider, struct pk_op *op,
                                    struct pk_error **err) {
    struct pk_ctx ctx;
    struct pk_error *error = NULL;
    enum pk_progress progress = PK_FAILED;
    if (pk_ctx_for_op(&ctx, provider, op, &error) && pk_ctx_covered(&ctx, &error)) {
        for (;;) {
            if (pk_ctx_cancelled(&ctx, &error))
                break;
            progress = update_step(&ctx, &error);
            if (progress != PK_DONE || op->phase == UPDATE_SETTLE)
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
