/* rds_common.c - what RDS instances and clusters share. */
#include "base/clock.h"
#include "provider/rds.h"

#include <string.h>

json_t *pk_rds_snapshot_name(const char *id) {
    char stamp[32];
    pk_time_format(pk_wall_ms(NULL) / 1000, "%Y%m%d%H%M%S", stamp, sizeof stamp);
    return pk_json_textf("%.200s-final-%s", id, stamp);
}

static bool is_member(const json_t *item) {
    return *pk_json_str(item, "DBClusterIdentifier", "") != '\0' &&
           json_object_get(item, "DBInstanceIdentifier");
}

static bool is_replica(const json_t *item) {
    const char *source = pk_json_str(item, "ReadReplicaSourceDBInstanceIdentifier", "");
    return *source != '\0';
}

static bool can_snapshot(const json_t *item) {
    const char *status = pk_json_str(item, "DBInstanceStatus", "available");
    return !pk_word_in("failed|incompatible-restore|incompatible-network", status);
}

static enum pk_progress may_remove(struct pk_ctx *ctx, const json_t *item, struct pk_error **err) {
    const struct pk_op *op = ctx->op;
    json_t *scratch = pk_ctx_scratch(ctx);
    /* The data of members and replicas lives elsewhere. */
    bool own_data = !is_member(item) && !is_replica(item);
    pk_json_put_bool(scratch, "own_data", own_data);
    pk_json_put_bool(scratch, "member", is_member(item));
    if (pk_json_bool(item, "DeletionProtection", false)) {
        pk_fail(err, PK_E_PROTECTED, "database %s has deletion protection", ctx->id);
        pk_error_hint(err, "set deletionProtection: false and apply, then delete it");
        return PK_FAILED;
    }
    bool forced = op->force_destroy || op->allow_data_loss;
    if (own_data && op->final_snapshot && !can_snapshot(item)) {
        pk_json_put_bool(scratch, "own_data", false);
        if (forced)
            return PK_DONE;
        pk_fail(err, PK_E_REFUSED, "database %s is %s: RDS takes no final snapshot of it", ctx->id,
                pk_json_str(item, "DBInstanceStatus", "?"));
        pk_error_hint(err, "--allow-data-loss=%s deletes it without one", ctx->key);
        return PK_FAILED;
    }
    if (!own_data || op->final_snapshot || forced)
        return PK_DONE;
    pk_fail(err, PK_E_REFUSED, "database %s would be deleted without a final snapshot", ctx->id);
    pk_error_hint(err,
                  "set finalSnapshot: true or forceDestroy: true and apply, or use "
                  "--allow-data-loss=%s",
                  ctx->key);
    return PK_FAILED;
}

enum pk_progress pk_rds_before_remove(struct pk_ctx *ctx, struct pk_error **err) {
    json_auto_t *item = NULL;
    if (!pk_ctx_read(ctx, &item, err))
        return PK_FAILED;
    return item ? may_remove(ctx, item, err) : PK_DONE;
}

void pk_rds_final_snapshot(struct pk_ctx *ctx, json_t *params) {
    json_t *scratch = pk_ctx_scratch(ctx);
    bool wanted = ctx->op->final_snapshot && pk_json_bool(scratch, "own_data", true);
    pk_json_put_bool(params, "SkipFinalSnapshot", !wanted);
    if (!wanted)
        return;
    /* The same name when the call is repeated. */
    json_t *name = json_object_get(scratch, "snapshot");
    if (!name) {
        name = pk_rds_snapshot_name(ctx->id);
        json_object_set_new(scratch, "snapshot", name);
    }
    json_object_set(params, "FinalDBSnapshotIdentifier", name);
}

static json_t *missing_from(const json_t *list, const json_t *other) {
    json_t *ret = json_array();
    for (size_t i = 0; i < json_array_size(list); i++) {
        bool found = false;
        for (size_t k = 0; k < json_array_size(other); k++)
            found = found || json_equal(json_array_get(list, i), json_array_get(other, k));
        if (!found)
            json_array_append(ret, json_array_get(list, i));
    }
    return ret;
}

/* Moves what differs in EnableCloudwatchLogsExports to CloudwatchLogsExportConfiguration. */
static void log_exports(struct pk_ctx *ctx, json_t *params) {
    json_auto_t *wanted = json_incref(json_object_get(params, "EnableCloudwatchLogsExports"));
    if (!wanted)
        return;
    json_object_del(params, "EnableCloudwatchLogsExports");
    const json_t *before = json_object_get(ctx->prior, "EnableCloudwatchLogsExports");
    json_auto_t *on = missing_from(wanted, before), *off = missing_from(before, wanted);
    if (ctx->op->action == PK_ACTION_UPDATE && json_array_size(on) + json_array_size(off) == 0)
        json_array_extend(on, wanted); /* somebody else switched them off */
    if (json_array_size(on))
        pk_json_put(params, "CloudwatchLogsExportConfiguration.EnableLogTypes", json_incref(on));
    if (json_array_size(off))
        pk_json_put(params, "CloudwatchLogsExportConfiguration.DisableLogTypes", json_incref(off));
}

/* "15" asks for no change of a database that runs 15.4: drops EngineVersion then. */
static void same_version(const json_t *item, json_t *params) {
    const char *live = pk_json_str(item, "EngineVersion", ""),
               *wanted = pk_json_str(params, "EngineVersion", NULL);
    if (wanted && pk_starts_with(live, wanted) && live[strlen(wanted)] == '.')
        json_object_del(params, "EngineVersion");
}

/* The password belongs to whoever manages it: RDS or we. */
static void drop_password(struct pk_ctx *ctx, json_t *params) {
    const json_t *managed = json_object_get(params, "ManageMasterUserPassword");
    if (json_is_true(managed))
        json_object_del(params, "MasterUserPassword");
    json_t *password = json_object_get(ctx->props, "MasterUserPassword");
    if (json_is_false(managed) && password)
        json_object_set(params, "MasterUserPassword", password);
}

json_t *pk_rds_leftover(json_t *params, const char *const *restore_members) {
    json_t *rest = json_object();
    const char *name;
    json_t *value;
    void *next;
    json_object_foreach_safe(params, next, name, value) {
        bool taken = false;
        for (size_t i = 0; restore_members[i]; i++)
            taken = taken || strcmp(name, restore_members[i]) == 0;
        if (taken)
            continue;
        json_object_set(rest, name, value);
        json_object_del(params, name);
    }
    return rest;
}

enum pk_progress pk_rds_after_restore(struct pk_ctx *ctx, const char *operation,
                                      const char *id_member, const char *state_path,
                                      struct pk_error **err) {
    json_t *rest = json_object_get(ctx->op->scratch, "rest");
    if (json_object_size(rest) == 0)
        return PK_DONE;
    json_auto_t *item = NULL;
    if (!pk_ctx_read(ctx, &item, err))
        return PK_FAILED;
    const char *state = item ? pk_json_str(item, state_path, "creating") : "creating";
    if (!pk_word_in(ctx->type->wait.ready, state))
        return pk_ctx_wait(ctx, 0, err, "%s %s -> available", state_path, state);
    json_t *params = json_deep_copy(rest);
    pk_json_put_str(params, id_member, ctx->id);
    pk_json_put_bool(params, "ApplyImmediately", true);
    if (!pk_ctx_call(ctx, NULL, operation, params, NULL, err))
        return PK_FAILED;
    json_object_del(ctx->op->scratch, "rest");
    return PK_DONE;
}

void pk_rds_overlay_pending(const struct pk_ctx *ctx, const json_t *item, json_t *live,
                            const char *const *members) {
    const json_t *pending = json_object_get(item, "PendingModifiedValues");
    for (; *members; members++) {
        const json_t *value = json_object_get(pending, *members);
        const struct pk_prop *row = pk_ctx_prop(ctx, *members);
        if (!value || json_is_null(value) || !row)
            continue;
        json_t *converted = pk_ctx_convert(ctx, row, value, false);
        if (converted)
            json_object_set_new(live, *members, converted);
    }
}

json_t *pk_rds_managed(const struct pk_ctx *ctx, const json_t *value, bool to_api) {
    (void)ctx;
    return to_api ? json_deep_copy(value) : json_boolean(json_is_object(value));
}

static bool awaits_reboot(const json_t *item, const char *list, const char *status) {
    const json_t *entries = json_object_get(item, list);
    for (size_t i = 0; i < json_array_size(entries); i++)
        if (pk_streq(pk_json_str(json_array_get(entries, i), status, NULL), "pending-reboot"))
            return true;
    return false;
}

enum pk_progress pk_rds_ready(struct pk_ctx *ctx, const json_t *item, const char *groups,
                              const char *group_status, struct pk_error **err) {
    const struct pk_wait *wait = &ctx->type->wait;
    const char *status = pk_json_str(item, wait->path, "creating");
    if (pk_word_in(wait->failed, status)) {
        pk_fail(err, PK_E_RESOURCE_FAILED, "database %s is %s", ctx->id, status);
        return PK_FAILED;
    }
    if (!pk_word_in(wait->ready, status))
        return pk_ctx_wait(ctx, 0, err, "%s %s -> available", wait->path, status);
    /* For a moment after a modification the status is still "available", while the new values are
     * pending already. */
    if (ctx->op->action == PK_ACTION_UPDATE && pk_json_bool(ctx->props, "ApplyImmediately", true) &&
        json_object_size(json_object_get(item, "PendingModifiedValues")) > 0)
        return pk_ctx_wait(ctx, 0, err, "modification pending -> done");
    if (awaits_reboot(item, groups, group_status))
        pk_error_set(&ctx->op->note, "pending-reboot: parameters take effect with the next reboot");
    return PK_DONE;
}

bool pk_rds_prepare_modify(struct pk_ctx *ctx, json_t *params, json_t **item,
                           struct pk_error **err) {
    if (!pk_ctx_read(ctx, item, err))
        return false;
    same_version(*item, params);
    log_exports(ctx, params);
    drop_password(ctx, params);
    if (!json_object_get(params, "ApplyImmediately"))
        pk_json_put_bool(params, "ApplyImmediately", true);
    return true;
}
