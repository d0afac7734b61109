/* backend_table.c - the table of locks. */
#include "tenant/backend.h"

#include "base/clock.h"
#include "json/json.h"

#include <string.h>

#define KEY "lockKey"
#define TTL "expiresAt"
#define ACTIVE_LIMIT_MS (5 * 60 * 1000)
#define POLL_MS 1500

static json_t *table_params(const struct pk_backend_work *w) {
    return json_pack("{s:s}", "TableName", w->request->table);
}

static bool call_table(const struct pk_backend_work *w, const char *operation, json_t *params,
                       json_t **ret, struct pk_error **err) {
    bool ok = pk_backend_call(w, "dynamodb", operation, params, ret, err);
    json_decref(params);
    return ok || pk_wrap(err, "table %s", w->request->table);
}

static void report(const struct pk_backend_work *w, const char *what, enum pk_backend_step step) {
    pk_backend_report(w, step, "table %s: %s", w->request->table, what);
}

/* *ret NULL: there is none. */
static bool describe(const struct pk_backend_work *w, json_t **ret, struct pk_error **err) {
    struct pk_error *why PK_CLEANUP(pk_error_freep) = NULL;
    *ret = NULL;
    if (call_table(w, "DescribeTable", table_params(w), ret, &why) ||
        pk_error_is_aws(why, "ResourceNotFoundException"))
        return true;
    if (err)
        *err = pk_steal(&why);
    return false;
}

static bool check_key(const struct pk_backend_work *w, const json_t *table, struct pk_error **err) {
    const json_t *keys = pk_json_at(table, "Table.KeySchema");
    if (json_array_size(keys) == 1 &&
        pk_streq(pk_json_str(table, "Table.KeySchema[0].AttributeName", NULL), KEY))
        return true;
    return pk_fail(err, PK_E_REFUSED, "table %s exists and is no table of locks",
                   w->request->table) ||
           pk_error_detail(err, "a table of locks has the single key `" KEY "` (text)") ||
           pk_error_hint(err, "choose another name with --table");
}

static bool wait_until_active(const struct pk_backend_work *w, struct pk_error **err) {
    int64_t end = pk_monotonic_ms(NULL) + ACTIVE_LIMIT_MS;
    for (;;) {
        json_t *now PK_CLEANUP(json_decrefp) = NULL;
        if (!describe(w, &now, err))
            return false;
        const char *status = pk_json_str(now, "Table.TableStatus", "absent");
        if (pk_streq(status, "ACTIVE") || pk_streq(status, "UPDATING"))
            return true;
        if (pk_monotonic_ms(NULL) >= end)
            return pk_fail(err, PK_E_TIMEOUT, "table %s is %s for too long", w->request->table,
                           status);
        pk_sleep_ms(POLL_MS);
    }
}

static bool ensure_table(const struct pk_backend_work *w, struct pk_error **err) {
    json_t *now PK_CLEANUP(json_decrefp) = NULL;
    struct pk_error *why PK_CLEANUP(pk_error_freep) = NULL;
    if (!describe(w, &now, err))
        return false;
    if (now) {
        if (!check_key(w, now, err) || !wait_until_active(w, err))
            return false;
        pk_backend_report(w, PK_BACKEND_UNCHANGED, "table %s", w->request->table);
        return true;
    }
    json_t *params = table_params(w);
    pk_json_put_str(params, "BillingMode", "PAY_PER_REQUEST");
    json_object_set_new(params, "AttributeDefinitions",
                        json_pack("[{s:s, s:s}]", "AttributeName", KEY, "AttributeType", "S"));
    json_object_set_new(params, "KeySchema",
                        json_pack("[{s:s, s:s}]", "AttributeName", KEY, "KeyType", "HASH"));
    json_object_set_new(params, "Tags",
                        json_pack("[{s:s, s:s}]", "Key", "panka:managed", "Value", "true"));
    /* ResourceInUse: an attempt whose reply was lost, or somebody else at the same time */
    if (!call_table(w, "CreateTable", params, NULL, &why) &&
        !pk_error_is_aws(why, "ResourceInUseException")) {
        if (err)
            *err = pk_steal(&why);
        return false;
    }
    if (!wait_until_active(w, err))
        return false;
    pk_backend_report(w, PK_BACKEND_CREATED, "table %s", w->request->table);
    return true;
}

static bool ensure_ttl(const struct pk_backend_work *w, struct pk_error **err) {
    json_t *now PK_CLEANUP(json_decrefp) = NULL;
    if (!call_table(w, "DescribeTimeToLive", table_params(w), &now, err))
        return false;
    const char *status = pk_json_str(now, "TimeToLiveDescription.TimeToLiveStatus", "DISABLED");
    const char *attribute = pk_json_str(now, "TimeToLiveDescription.AttributeName", TTL);
    bool on = pk_streq(status, "ENABLED") || pk_streq(status, "ENABLING");
    if (on && !pk_streq(attribute, TTL))
        return pk_fail(err, PK_E_REFUSED, "table %s deletes items by `%s`, not by `" TTL "`",
                       w->request->table, attribute);
    if (!on) {
        json_t *params = table_params(w);
        pk_json_put_bool(params, "TimeToLiveSpecification.Enabled", true);
        pk_json_put_str(params, "TimeToLiveSpecification.AttributeName", TTL);
        if (!call_table(w, "UpdateTimeToLive", params, NULL, err))
            return false;
    }
    report(w, "time to live", on ? PK_BACKEND_UNCHANGED : PK_BACKEND_UPDATED);
    return true;
}

/* A table that was just made is not ready for backups at once. */
static bool enable_recovery(const struct pk_backend_work *w, struct pk_error **err) {
    int64_t end = pk_monotonic_ms(NULL) + ACTIVE_LIMIT_MS;
    for (;;) {
        struct pk_error *why PK_CLEANUP(pk_error_freep) = NULL;
        json_t *params = table_params(w);
        pk_json_put_bool(params, "PointInTimeRecoverySpecification.PointInTimeRecoveryEnabled",
                         true);
        if (call_table(w, "UpdateContinuousBackups", params, NULL, &why))
            return true;
        if (!pk_error_is_aws(why, "ContinuousBackupsUnavailableException") ||
            pk_monotonic_ms(NULL) >= end) {
            if (err)
                *err = pk_steal(&why);
            return false;
        }
        pk_sleep_ms(POLL_MS);
    }
}

static bool ensure_recovery(const struct pk_backend_work *w, struct pk_error **err) {
    json_t *now PK_CLEANUP(json_decrefp) = NULL;
    if (!call_table(w, "DescribeContinuousBackups", table_params(w), &now, err))
        return false;
    bool on = pk_streq(pk_json_str(now,
                                   "ContinuousBackupsDescription.PointInTimeRecoveryDescription."
                                   "PointInTimeRecoveryStatus",
                                   NULL),
                       "ENABLED");
    if (!on && !enable_recovery(w, err))
        return false;
    report(w, "point-in-time recovery", on ? PK_BACKEND_UNCHANGED : PK_BACKEND_UPDATED);
    return true;
}

bool pk_backend_table(const struct pk_backend_work *w, struct pk_error **err) {
    return ensure_table(w, err) && ensure_ttl(w, err) && ensure_recovery(w, err);
}
