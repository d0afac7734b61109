/* lock_dynamodb.c - locks as items of a DynamoDB table. */
#include "store/lock.h"

#include "aws/aws.h"
#include "base/mem.h"
#include "base/str.h"
#include "store/locker.h"
#include "json/json.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* TAKEOVER by the server's date: the holder's and our view of it may differ by a little. */
#define DATE_MARGIN_S 60
#define DEFAULT_LEASE_S 120 /* of items written by others, without leaseSeconds */
#define CALL_TIMEOUT_MS 10000

struct table {
    struct pk_locker base;
    struct pk_aws *aws; /* borrowed */
    char *name, *region;
};

static struct table *of(struct pk_locker *locker) {
    return (struct table *)locker;
}

static int64_t now_s(struct pk_locker *locker) {
    return pk_aws_server_time_ms(of(locker)->aws) / 1000;
}

/* --- attribute values */

static void put_text(json_t *item, const char *name, const char *text) {
    if (text && *text)
        json_object_set_new(item, name, json_pack("{s:o}", "S", pk_json_text(text)));
}

static void put_number(json_t *item, const char *name, int64_t number) {
    json_object_set_new(item, name,
                        json_pack("{s:o}", "N", pk_json_textf("%lld", (long long)number)));
}

static const char *get_text(const json_t *item, const char *name) {
    return json_string_value(json_object_get(json_object_get(item, name), "S"));
}

static int64_t get_number(const json_t *item, const char *name, int64_t fallback) {
    const char *text = json_string_value(json_object_get(json_object_get(item, name), "N"));
    double whole;
    int64_t n;
    if (text && pk_parse_i64(pk_str(text), &n))
        return n;
    return text && pk_parse_double(pk_str(text), &whole) ? (int64_t)whole : fallback;
}

static void put_env(json_t *map, const char *name, const char *const *variables) {
    for (; *variables; variables++) {
        const char *value = getenv(*variables);
        if (value && *value) {
            put_text(map, name, value);
            return;
        }
    }
}

static json_t *metadata_of(const struct pk_lock_item *item) {
    static const char *const commit[] = {"GITHUB_SHA", "CI_COMMIT_SHA", NULL};
    static const char *const branch[] = {"GITHUB_REF_NAME", "CI_COMMIT_REF_NAME", NULL};
    char *host PK_CLEANUP(pk_freep) = pk_lock_hostname();
    char *ci PK_CLEANUP(pk_freep) = pk_lock_ci_run();
    json_t *map = json_object();
    put_text(map, "hostname", host);
    put_number(map, "pid", getpid());
    put_text(map, "version", PANKA_VERSION);
    put_text(map, "operation", item->operation);
    put_text(map, "deployment_id", item->deployment_id);
    put_text(map, "user", item->locked_by);
    put_text(map, "ci_run_id", ci);
    put_text(map, "ci_system",
             getenv("GITHUB_ACTIONS") ? "github"
             : getenv("GITLAB_CI")    ? "gitlab"
                                      : NULL);
    put_text(map, "taken_over_from", item->taken_from);
    put_env(map, "git_commit", commit);
    put_env(map, "git_branch", branch);
    return map;
}

static json_t *item_json(const struct pk_lock_item *item) {
    json_t *o = json_object();
    put_text(o, "lockKey", item->key);
    put_text(o, "lockId", item->lock_id);
    put_text(o, "lockedBy", item->locked_by);
    put_number(o, "lockedAt", item->locked_at);
    put_number(o, "lastHeartbeat", item->last_heartbeat);
    put_number(o, "expiresAt", item->expires_at);
    put_number(o, "rvn", item->rvn);
    put_number(o, "leaseSeconds", item->lease_s);
    json_object_set_new(o, "metadata", json_pack("{s:o}", "M", metadata_of(item)));
    return o;
}

static char *copy(const char *text) {
    return text ? pk_strdup(text) : NULL;
}

static void info_of(struct pk_locker *locker, const char *key, const json_t *item,
                    struct pk_lock_info *ret) {
    const json_t *m = json_object_get(json_object_get(item, "metadata"), "M");
    const char *id = get_text(item, "lockId"), *by = get_text(item, "lockedBy");
    memset(ret, 0, sizeof(*ret));
    ret->key = pk_strdup(key);
    ret->lock_id = pk_strdup(id ? id : "");
    ret->locked_by = pk_strdup(by ? by : "unknown");
    ret->hostname = copy(get_text(m, "hostname"));
    ret->operation = copy(get_text(m, "operation"));
    ret->ci_run = copy(get_text(m, "ci_run_id"));
    ret->version = copy(get_text(m, "version"));
    ret->pid = get_number(m, "pid", 0);
    ret->locked_at = get_number(item, "lockedAt", 0);
    ret->last_heartbeat = get_number(item, "lastHeartbeat", ret->locked_at);
    ret->expires_at = get_number(item, "expiresAt", 0);
    ret->rvn = get_number(item, "rvn", 0);
    ret->lease_s = get_number(item, "leaseSeconds", DEFAULT_LEASE_S);
    /* TAKEOVER: both stamps are in the server's time, so no local wall clock is compared */
    ret->dead = ret->last_heartbeat + ret->lease_s + DATE_MARGIN_S < now_s(locker);
}

/* --- calls */

static json_t *params_of(struct pk_locker *locker, const char *key) {
    json_t *params = json_object(), *k = json_object();
    pk_json_put_str(params, "TableName", of(locker)->name);
    put_text(k, "lockKey", key);
    json_object_set_new(params, "Key", k);
    return params;
}

static bool explain(struct pk_locker *locker, struct pk_error **err) {
    struct table *t = of(locker);
    if (err && pk_error_is_aws(*err, "ResourceNotFoundException")) {
        pk_wrap(err, "the lock table %s does not exist", t->name);
        (*err)->code = PK_E_NOT_FOUND;
        return pk_error_hint(err, "panka backend create --bucket BUCKET --table %s%s%s", t->name,
                             t->region ? " --region " : "", t->region ? t->region : "");
    }
    return pk_wrap(err, "lock table %s", t->name);
}

/* *ret_held false: the condition did not hold. */
static bool conditional(struct pk_locker *locker, const char *operation, json_t *params,
                        const struct pk_cancel *cancel, int max_attempts, bool *ret_held,
                        struct pk_error **err) {
    struct pk_error *why PK_CLEANUP(pk_error_freep) = NULL;
    struct pk_aws_io io = {.region = of(locker)->region,
                           .timeout_ms = CALL_TIMEOUT_MS,
                           .max_attempts = max_attempts,
                           .cancel = cancel};
    if (pk_aws_call(of(locker)->aws, "dynamodb", operation, params, &io, NULL, &why)) {
        *ret_held = true;
        return true;
    }
    if (pk_error_is_aws(why, "ConditionalCheckFailedException")) {
        *ret_held = false;
        return true;
    }
    explain(locker, &why);
    if (err)
        *err = pk_steal(&why);
    return false;
}

static bool table_create(struct pk_locker *locker, const struct pk_lock_item *item,
                         const struct pk_lock_info *dead, bool *ret_done, struct pk_error **err) {
    json_t *params PK_CLEANUP(json_decrefp) = json_object();
    pk_json_put_str(params, "TableName", of(locker)->name);
    json_object_set_new(params, "Item", item_json(item));
    if (!dead) {
        pk_json_put_str(params, "ConditionExpression", "attribute_not_exists(lockKey)");
    } else {
        json_t *values = json_object();
        put_text(values, ":id", dead->lock_id);
        if (dead->rvn)
            put_number(values, ":rvn", dead->rvn);
        /* items of others may have no rvn */
        pk_json_put_str(params, "ConditionExpression",
                        dead->rvn ? "lockId = :id AND rvn = :rvn"
                                  : "lockId = :id AND attribute_not_exists(rvn)");
        json_object_set_new(params, "ExpressionAttributeValues", values);
    }
    return conditional(locker, "PutItem", params, NULL, 0, ret_done, err);
}

static bool table_read(struct pk_locker *locker, const char *key, struct pk_lock_info *ret,
                       bool *ret_found, struct pk_error **err) {
    json_t *params PK_CLEANUP(json_decrefp) = params_of(locker, key);
    json_t *result PK_CLEANUP(json_decrefp) = NULL;
    struct pk_aws_io io = {.region = of(locker)->region, .timeout_ms = CALL_TIMEOUT_MS};
    pk_json_put_bool(params, "ConsistentRead", true);
    if (!pk_aws_call(of(locker)->aws, "dynamodb", "GetItem", params, &io, &result, err))
        return explain(locker, err);
    const json_t *item = json_object_get(result, "Item");
    *ret_found = json_object_size(item) > 0;
    if (*ret_found)
        info_of(locker, key, item, ret);
    return true;
}

/* HEARTBEAT: conditional on lockId alone, so that a repeated or late renewal does no harm and a
 * lost reply does not look like a lost lock. */
static bool table_renew(struct pk_locker *locker, const struct pk_lock_item *item,
                        const struct pk_cancel *cancel, bool *ret_ours, struct pk_error **err) {
    json_t *params PK_CLEANUP(json_decrefp) = params_of(locker, item->key);
    json_t *values = json_object();
    put_text(values, ":id", item->lock_id);
    put_number(values, ":rvn", item->rvn);
    put_number(values, ":beat", item->last_heartbeat);
    put_number(values, ":end", item->expires_at);
    pk_json_put_str(params, "UpdateExpression",
                    "SET rvn = :rvn, lastHeartbeat = :beat, expiresAt = :end");
    pk_json_put_str(params, "ConditionExpression", "lockId = :id");
    json_object_set_new(params, "ExpressionAttributeValues", values);
    return conditional(locker, "UpdateItem", params, cancel, 2, ret_ours, err);
}

static bool table_remove(struct pk_locker *locker, const char *key, const char *lock_id,
                         bool *ret_removed, struct pk_error **err) {
    json_t *params PK_CLEANUP(json_decrefp) = params_of(locker, key);
    json_t *values = json_object();
    put_text(values, ":id", lock_id);
    pk_json_put_str(params, "ConditionExpression", "lockId = :id");
    json_object_set_new(params, "ExpressionAttributeValues", values);
    return conditional(locker, "DeleteItem", params, NULL, 0, ret_removed, err);
}

static void table_free(struct pk_locker *locker) {
    free(of(locker)->name);
    free(of(locker)->region);
    free(locker);
}

bool pk_locker_dynamodb_new(struct pk_aws *aws, const char *table, const char *region,
                            const struct pk_lock_settings *settings, struct pk_locker **ret,
                            struct pk_error **err) {
    static const struct pk_locker_vtable vtable = {
        table_create, table_read, table_renew, table_remove, now_s, table_free,
    };
    if (!table || !*table)
        return pk_fail(err, PK_E_CONFIG, "no lock table is configured");
    struct table *t = pk_calloc(1, sizeof(*t));
    pk_locker_init(&t->base, &vtable, settings);
    t->aws = aws;
    t->name = pk_strdup(table);
    t->region = region && *region ? pk_strdup(region) : NULL;
    *ret = &t->base;
    return true;
}
