/* dynamodb.c - AWS::DynamoDB::Table: the table and the order in which it may be changed. */
#include "provider/dynamodb.h"

#include "base/clock.h"

#include <string.h>

#define INDEX_LIMIT_MS ((int64_t)12 * 60 * 60 * 1000) /* filling a new index may take hours */

/* --- readiness --- */

static bool table_busy(const json_t *table, const char **ret_what, const char **ret_state) {
    *ret_what = "TableStatus";
    *ret_state = pk_json_str(table, "TableStatus", "ACTIVE");
    if (!pk_word_in("ACTIVE|ARCHIVED|INACCESSIBLE_ENCRYPTION_CREDENTIALS", *ret_state))
        return true;
    const json_t *indexes = json_object_get(table, "GlobalSecondaryIndexes");
    for (size_t i = 0; i < json_array_size(indexes); i++) {
        const json_t *index = json_array_get(indexes, i);
        *ret_what = pk_json_str(index, "IndexName", "index");
        *ret_state = pk_json_str(index, "IndexStatus", "ACTIVE");
        if (!pk_streq(*ret_state, "ACTIVE"))
            return true;
    }
    *ret_what = "SSEDescription.Status";
    *ret_state = pk_json_str(table, *ret_what, "ENABLED");
    return pk_word_in("ENABLING|DISABLING|UPDATING", *ret_state);
}

static enum pk_progress table_ready(struct pk_ctx *ctx, const json_t *item, struct pk_error **err) {
    const char *what, *state;
    if (!table_busy(item, &what, &state))
        return PK_DONE;
    return pk_ctx_wait(ctx, 0, err, "%s %s -> ACTIVE", what, state);
}

/* The table as it is; PK_AGAIN while something else is being done to it. */
static enum pk_progress stable_table(struct pk_ctx *ctx, json_t **ret, struct pk_error **err) {
    json_t *table = NULL;
    if (!pk_ctx_read(ctx, &table, err))
        return PK_FAILED;
    if (!table) {
        pk_fail(err, PK_E_NOT_FOUND, "table %s does not exist", ctx->id);
        return PK_FAILED;
    }
    enum pk_progress progress = table_ready(ctx, table, err);
    if (progress == PK_DONE)
        *ret = table;
    else
        json_decref(table);
    return progress;
}

static bool update_table(struct pk_ctx *ctx, json_t *params, struct pk_error **err) {
    pk_json_put_str(params, "TableName", ctx->id);
    return pk_ctx_call(ctx, NULL, "UpdateTable", params, NULL, err);
}

/* --- capacity --- */

static const json_t *index_named(const json_t *indexes, const char *name) {
    for (size_t i = 0; i < json_array_size(indexes); i++)
        if (pk_streq(pk_json_str(json_array_get(indexes, i), "IndexName", NULL), name))
            return json_array_get(indexes, i);
    return NULL;
}

/* Every wanted number stands in `live` with the same value. */
static bool same_numbers(const json_t *wanted, const json_t *live) {
    const char *name;
    json_t *value;
    json_object_foreach((json_t *)(uintptr_t)wanted, name, value) {
        if (!pk_json_equal(value, json_object_get(live, name)))
            return false;
    }
    return true;
}

/* Adds `member` to the update when it is wanted, was not applied before, and differs. What was
 * applied before may have been changed by autoscaling since, whose numbers must stay. */
static void add_throughput(json_t *update, const char *member, const json_t *wanted,
                           const json_t *applied, const json_t *live) {
    json_t *value = json_object_get(wanted, member);
    if (value && !pk_json_equal(value, json_object_get(applied, member)) &&
        !same_numbers(value, json_object_get(live, member)))
        json_object_set(update, member, value);
}

static bool is_provisioned(const json_t *properties) {
    return pk_streq(pk_json_str(properties, "BillingMode", "PROVISIONED"), "PROVISIONED");
}

/* Capacity of indexes that stay; new ones bring theirs along. */
static json_t *index_capacity(const struct pk_ctx *ctx, const json_t *prior, const json_t *table) {
    const json_t *applied = json_object_get(prior, "GlobalSecondaryIndexes");
    const json_t *wanted = json_object_get(ctx->props, "GlobalSecondaryIndexes");
    const json_t *live = json_object_get(table, "GlobalSecondaryIndexes");
    json_t *updates = json_array();
    for (size_t i = 0; i < json_array_size(wanted); i++) {
        const json_t *index = json_array_get(wanted, i);
        const char *name = pk_json_str(index, "IndexName", NULL);
        const json_t *now = index_named(live, name);
        if (!now)
            continue;
        json_t *update = json_object();
        const json_t *before = index_named(applied, name);
        add_throughput(update, "ProvisionedThroughput", index, before, now);
        add_throughput(update, "OnDemandThroughput", index, before, now);
        if (json_object_size(update) == 0) {
            json_decref(update);
            continue;
        }
        pk_json_put_str(update, "IndexName", name);
        json_array_append_new(updates, json_pack("{s:o}", "Update", update));
    }
    return updates;
}

/* Billing mode and capacity, of the table and its indexes, go in one call: a provisioned table
 * needs all of them at once. DynamoDB refuses a call that changes nothing. */
static enum pk_progress change_capacity(struct pk_ctx *ctx, const struct pk_update *update,
                                        struct pk_error **err) {
    (void)update;
    json_auto_t *table = NULL;
    enum pk_progress progress = stable_table(ctx, &table, err);
    if (progress != PK_DONE)
        return progress;
    json_t *params = json_object();
    const char *wanted = pk_json_str(ctx->props, "BillingMode", "PROVISIONED");
    if (!pk_streq(wanted, pk_json_str(table, "BillingModeSummary.BillingMode", "PROVISIONED")))
        pk_json_put_str(params, "BillingMode", wanted);
    /* A table that becomes provisioned needs all numbers, whatever they were once. */
    const json_t *prior =
        is_provisioned(ctx->props) && !is_provisioned(ctx->prior) ? NULL : ctx->prior;
    add_throughput(params, "ProvisionedThroughput", ctx->props, prior, table);
    add_throughput(params, "OnDemandThroughput", ctx->props, prior, table);
    if (json_object_get(table, "OnDemandThroughput") && pk_streq(wanted, "PAY_PER_REQUEST") &&
        !json_object_get(ctx->props, "OnDemandThroughput")) /* -1 takes the limit away */
        json_object_set_new(
            params, "OnDemandThroughput",
            json_pack("{s:i, s:i}", "MaxReadRequestUnits", -1, "MaxWriteRequestUnits", -1));
    json_t *indexes = index_capacity(ctx, prior, table);
    if (json_array_size(indexes))
        json_object_set(params, "GlobalSecondaryIndexUpdates", indexes);
    json_decref(indexes);
    if (json_object_size(params) == 0) {
        json_decref(params);
        return PK_DONE;
    }
    return update_table(ctx, params, err) ? PK_DONE : PK_FAILED;
}

/* --- indexes --- */

static bool same_index(const struct pk_ctx *ctx, const json_t *wanted, const json_t *live) {
    json_auto_t *a = pk_dynamodb_index(ctx, wanted), *b = pk_dynamodb_index(ctx, live);
    json_object_del(a, "ProvisionedThroughput");
    json_object_del(b, "ProvisionedThroughput");
    json_object_del(a, "OnDemandThroughput");
    json_object_del(b, "OnDemandThroughput");
    return pk_json_equal(a, b);
}

/* The next single change, or NULL: those that go make room for those that come. */
static json_t *next_index_change(const struct pk_ctx *ctx, const json_t *table) {
    const json_t *wanted = json_object_get(ctx->props, "GlobalSecondaryIndexes");
    const json_t *live = json_object_get(table, "GlobalSecondaryIndexes");
    for (size_t i = 0; i < json_array_size(live); i++) {
        const json_t *now = json_array_get(live, i);
        const char *name = pk_json_str(now, "IndexName", "");
        const json_t *then = index_named(wanted, name);
        if (!then || !same_index(ctx, then, now))
            return json_pack("{s:{s:s}}", "Delete", "IndexName", name);
    }
    for (size_t i = 0; i < json_array_size(wanted); i++) {
        const json_t *then = json_array_get(wanted, i);
        if (!index_named(live, pk_json_str(then, "IndexName", "")))
            return json_pack("{s:o}", "Create", json_deep_copy(then));
    }
    return NULL;
}

/* DynamoDB takes one index at a time. */
static enum pk_progress change_indexes(struct pk_ctx *ctx, const struct pk_update *update,
                                       struct pk_error **err) {
    if (ctx->op->wait_limit_ms == 0)
        ctx->op->wait_limit_ms = INDEX_LIMIT_MS;
    json_auto_t *table = NULL;
    enum pk_progress progress = stable_table(ctx, &table, err);
    if (progress != PK_DONE)
        return progress;
    json_t *change = next_index_change(ctx, table);
    if (!change)
        return change_capacity(ctx, update, err);
    json_t *params = json_object();
    if (json_object_get(change, "Create"))
        json_object_set(params, "AttributeDefinitions",
                        json_object_get(ctx->props, "AttributeDefinitions"));
    json_object_set_new(params, "GlobalSecondaryIndexUpdates", json_pack("[o]", change));
    if (!update_table(ctx, params, err))
        return PK_FAILED;
    return pk_ctx_wait(ctx, 0, err, "GlobalSecondaryIndexes one by one");
}

/* --- stream --- */

static json_t *stream_off(void) {
    return json_pack("{s:{s:b}}", "StreamSpecification", "StreamEnabled", 0);
}

/* Another view needs the stream to be off in between: a new stream. */
static enum pk_progress change_stream(struct pk_ctx *ctx, const struct pk_update *update,
                                      struct pk_error **err) {
    (void)update;
    json_auto_t *table = NULL;
    enum pk_progress progress = stable_table(ctx, &table, err);
    if (progress != PK_DONE)
        return progress;
    bool on = pk_json_bool(table, "StreamSpecification.StreamEnabled", false);
    const char *live = on ? pk_json_str(table, "StreamSpecification.StreamViewType", "") : NULL;
    const char *wanted = pk_json_str(ctx->props, "StreamSpecification.StreamViewType", NULL);
    if (pk_streq(live, wanted))
        return PK_DONE;
    if (live) {
        if (!update_table(ctx, stream_off(), err))
            return PK_FAILED;
        return wanted ? pk_ctx_wait(ctx, 0, err, "stream %s -> off", live) : PK_DONE;
    }
    json_t *params = json_object();
    json_object_set_new(params, "StreamSpecification",
                        json_pack("{s:b, s:s}", "StreamEnabled", 1, "StreamViewType", wanted));
    return update_table(ctx, params, err) ? PK_DONE : PK_FAILED;
}

/* --- time to live --- */

static bool set_ttl(struct pk_ctx *ctx, const char *attribute, bool on, struct pk_error **err) {
    json_t *params =
        json_pack("{s:s, s:{s:s, s:b}}", "TableName", ctx->id, "TimeToLiveSpecification",
                  "AttributeName", attribute, "Enabled", on ? 1 : 0);
    if (pk_ctx_call(ctx, NULL, "UpdateTimeToLive", params, NULL, err))
        return true;
    if (pk_error_in(*err, "ValidationException:multiple times")) {
        pk_error_set(&(*err)->id, "ddb.ttl-cooldown");
        pk_error_hint(err, "DynamoDB takes one change of the time to live an hour: apply again "
                           "later");
    }
    return false;
}

static enum pk_progress change_ttl(struct pk_ctx *ctx, const struct pk_update *update,
                                   struct pk_error **err) {
    (void)update;
    json_auto_t *answer = NULL;
    json_t *params = json_pack("{s:s}", "TableName", ctx->id);
    if (!pk_ctx_call(ctx, NULL, "DescribeTimeToLive", params, &answer, err))
        return PK_FAILED;
    const char *status = pk_json_str(answer, "TimeToLiveDescription.TimeToLiveStatus", "DISABLED");
    /* It may take an hour until a change has arrived; what is on its way counts. */
    const char *live = pk_word_in("ENABLED|ENABLING", status)
                           ? pk_json_str(answer, "TimeToLiveDescription.AttributeName", "")
                           : NULL;
    const json_t *spec = json_object_get(ctx->props, "TimeToLiveSpecification");
    const char *wanted =
        pk_json_bool(spec, "Enabled", false) ? pk_json_str(spec, "AttributeName", NULL) : NULL;
    if (pk_streq(live, wanted))
        return PK_DONE;
    if (live && !set_ttl(ctx, live, false, err))
        return PK_FAILED;
    return !wanted || set_ttl(ctx, wanted, true, err) ? PK_DONE : PK_FAILED;
}

/* --- deleting --- */

static bool has_items(struct pk_ctx *ctx, bool *ret, struct pk_error **err) {
    json_auto_t *answer = NULL;
    json_t *params =
        json_pack("{s:s, s:i, s:s}", "TableName", ctx->id, "Limit", 1, "Select", "COUNT");
    if (!pk_ctx_call(ctx, NULL, "Scan", params, &answer, err))
        return false;
    *ret = pk_json_int(answer, "Count", 0) > 0;
    return true;
}

static enum pk_progress final_backup(struct pk_ctx *ctx, struct pk_error **err) {
    json_t *scratch = pk_ctx_scratch(ctx);
    const char *arn = pk_json_str(scratch, "backup", NULL);
    json_auto_t *answer = NULL;
    if (!arn) {
        char stamp[32];
        pk_time_format(pk_wall_ms(NULL) / 1000, "%Y%m%d%H%M%S", stamp, sizeof stamp);
        json_t *params = json_object();
        pk_json_put_str(params, "TableName", ctx->id);
        /* 255 characters at most, with the ending kept. */
        json_object_set_new(params, "BackupName", pk_json_textf("%.230s-final-%s", ctx->id, stamp));
        if (!pk_ctx_call(ctx, NULL, "CreateBackup", params, &answer, err))
            return PK_FAILED;
        pk_json_put_str(scratch, "backup", pk_json_str(answer, "BackupDetails.BackupArn", ""));
        if (pk_streq(pk_json_str(answer, "BackupDetails.BackupStatus", NULL), "AVAILABLE"))
            return PK_DONE;
        return pk_ctx_wait(ctx, 0, err, "final backup CREATING -> AVAILABLE");
    }
    json_t *params = json_pack("{s:s}", "BackupArn", arn);
    if (!pk_ctx_call(ctx, NULL, "DescribeBackup", params, &answer, err))
        return PK_FAILED;
    const char *status =
        pk_json_str(answer, "BackupDescription.BackupDetails.BackupStatus", "CREATING");
    if (pk_streq(status, "CREATING"))
        return pk_ctx_wait(ctx, 0, err, "final backup CREATING -> AVAILABLE");
    return PK_DONE;
}

static enum pk_progress table_before_remove(struct pk_ctx *ctx, struct pk_error **err) {
    json_auto_t *table = NULL;
    if (!pk_ctx_read(ctx, &table, err))
        return PK_FAILED;
    if (!table || pk_streq(pk_json_str(table, "TableStatus", NULL), "DELETING"))
        return PK_DONE;
    if (pk_json_bool(table, "DeletionProtectionEnabled", false)) {
        pk_fail(err, PK_E_PROTECTED, "table %s has deletion protection", ctx->id);
        pk_error_hint(err, "set deletionProtection: false and apply, then delete it");
        return PK_FAILED;
    }
    if (ctx->op->final_snapshot)
        return final_backup(ctx, err);
    if (ctx->op->force_destroy || ctx->op->allow_data_loss)
        return PK_DONE;
    bool items = true;
    if (!has_items(ctx, &items, err))
        return PK_FAILED;
    if (!items)
        return PK_DONE;
    pk_fail(err, PK_E_REFUSED, "table %s holds items and no final backup is wanted", ctx->id);
    pk_error_hint(err,
                  "set finalSnapshot: true or forceDestroy: true and apply, or use "
                  "--allow-data-loss=%s",
                  ctx->key);
    return PK_FAILED;
}

/* --- reading --- */

static bool key_uses(const json_t *schema, const char *attribute) {
    for (size_t i = 0; i < json_array_size(schema); i++)
        if (pk_streq(pk_json_str(json_array_get(schema, i), "AttributeName", NULL), attribute))
            return true;
    return false;
}

static bool is_used(const json_t *item, const char *attribute) {
    static const char *const lists[] = {"GlobalSecondaryIndexes", "LocalSecondaryIndexes"};
    if (key_uses(json_object_get(item, "KeySchema"), attribute))
        return true;
    for (size_t k = 0; k < PK_ARRAY_LEN(lists); k++) {
        const json_t *indexes = json_object_get(item, lists[k]);
        for (size_t i = 0; i < json_array_size(indexes); i++)
            if (key_uses(json_object_get(json_array_get(indexes, i), "KeySchema"), attribute))
                return true;
    }
    return false;
}

/* What a removed index leaves behind defines nothing. */
static void table_normalize(struct pk_ctx *ctx, const json_t *item, json_t *live) {
    (void)ctx;
    const json_t *all = json_object_get(live, "AttributeDefinitions");
    json_t *used = json_array();
    for (size_t i = 0; i < json_array_size(all); i++)
        if (is_used(item, pk_json_str(json_array_get(all, i), "AttributeName", "")))
            json_array_append(used, json_array_get(all, i));
    if (all)
        json_object_set(live, "AttributeDefinitions", used);
    json_decref(used);
}

/* --- the table of the table --- */

static void table_attributes(struct pk_ctx *ctx, const json_t *item, json_t *attributes) {
    (void)ctx;
    /* The last stream is shown for a day after it was switched off. */
    if (!pk_json_bool(item, "StreamSpecification.StreamEnabled", false))
        return;
    json_t *arn = json_object_get(item, "LatestStreamArn");
    json_t *label = json_object_get(item, "LatestStreamLabel");
    if (arn)
        json_object_set(attributes, "StreamArn", arn);
    if (label)
        json_object_set(attributes, "StreamLabel", label);
}

// clang-format off

enum { CAPACITY = 1, INDEXES, STREAM, SSE, CLASS, TTL, BACKUPS, PROTECTION };

static const struct pk_prop table_props[] = {
    {"TableName", .traits = PK_CREATE_ONLY | PK_NO_CHANGE},
    {"KeySchema", .traits = PK_CREATE_ONLY | PK_NO_CHANGE},
    {"LocalSecondaryIndexes", .conv = PK_CUSTOM, .convert = pk_dynamodb_indexes,
     .traits = PK_CREATE_ONLY | PK_NO_CHANGE | PK_SET, .fallback = "[]"},
    {"AttributeDefinitions", .update = INDEXES, .traits = PK_SET},
    {"BillingMode", .read = "BillingModeSummary.BillingMode", .update = CAPACITY,
     .fallback = "\"PROVISIONED\""},
    {"ProvisionedThroughput", .conv = PK_CUSTOM, .convert = pk_dynamodb_throughput,
     .update = CAPACITY, .traits = PK_UNMANAGED},
    {"OnDemandThroughput", .update = CAPACITY},
    {"GlobalSecondaryIndexes", .conv = PK_CUSTOM, .convert = pk_dynamodb_indexes,
     .update = INDEXES, .traits = PK_SET, .fallback = "[]"},
    {"StreamSpecification", .conv = PK_CUSTOM, .convert = pk_dynamodb_stream, .update = STREAM},
    {"SSESpecification", .read = "SSEDescription", .change = "SSESpecification",
     .conv = PK_CUSTOM, .convert = pk_dynamodb_sse, .update = SSE,
     .fallback = "{\"SSEEnabled\":false}"},
    {"TableClass", .read = "TableClassSummary.TableClass", .update = CLASS,
     .fallback = "\"STANDARD\""},
    {"TimeToLiveSpecification", .create = PK_NOT_SENT, .read = "TimeToLiveDescription",
     .conv = PK_CUSTOM, .convert = pk_dynamodb_ttl, .update = TTL,
     .fallback = "{\"Enabled\":false}"},
    {"PointInTimeRecoverySpecification", .create = PK_NOT_SENT,
     .read = "ContinuousBackupsDescription.PointInTimeRecoveryDescription", .conv = PK_CUSTOM,
     .convert = pk_dynamodb_recovery, .update = BACKUPS,
     .fallback = "{\"PointInTimeRecoveryEnabled\":false}"},
    {"DeletionProtectionEnabled", .update = PROTECTION, .fallback = "false"},
};

static const struct pk_prop_trait table_more[] = {
    {"GlobalSecondaryIndexes[].Projection.NonKeyAttributes", PK_SET},
    {"LocalSecondaryIndexes[].Projection.NonKeyAttributes", PK_SET},
    /* Autoscaling changes capacity. */
    {"GlobalSecondaryIndexes[].ProvisionedThroughput", PK_UNMANAGED},
    {NULL, 0},
};

#define TABLE PK_PARAMS({"TableName", "{id}"})

static const struct pk_update table_updates[] = {
    {.run = change_capacity, .flags = PK_UPDATE_WAIT},
    {.run = change_indexes, .flags = PK_UPDATE_WAIT},
    {.run = change_stream, .flags = PK_UPDATE_WAIT},
    {.operation = "UpdateTable", .params = TABLE, .flags = PK_UPDATE_WAIT},
    {.operation = "UpdateTable", .params = TABLE, .flags = PK_UPDATE_WAIT},
    {.run = change_ttl, .flags = PK_UPDATE_AFTER_CREATE},
    {.operation = "UpdateContinuousBackups", .params = TABLE, .flags = PK_UPDATE_AFTER_CREATE},
    {.operation = "UpdateTable", .params = TABLE},
};

static const struct pk_reader table_readers[] = {
    {.call = {"DescribeTable", NULL, TABLE}, .item = "Table"},
    {.call = {"ListTagsOfResource", NULL, PK_PARAMS({"ResourceArn", "{out.TableArn}"})},
     .paged = true, .item = "Tags", .into = "Tags", .absent = "ResourceNotFoundException"},
    {.call = {"DescribeTimeToLive", NULL, TABLE}, .when = "TimeToLiveSpecification",
     .absent = "ResourceNotFoundException"},
    {.call = {"DescribeContinuousBackups", NULL, TABLE},
     .when = "PointInTimeRecoverySpecification",
     .absent = "TableNotFoundException|ResourceNotFoundException"},
};

static const struct pk_attribute table_attribute_list[] = {
    {"Arn", "TableArn"}, {"TableName", "TableName"}, {"TableId", "TableId"}, {NULL, NULL}};

const struct pk_type pk_type_dynamodb_table = {
    .type = "AWS::DynamoDB::Table", .service = "dynamodb",
    .props = table_props, .n_props = PK_ARRAY_LEN(table_props), .more_traits = table_more,
    .name_prop = "TableName",
    .typical_create_ms = 10000, .typical_delete_ms = 10000,
    .create = {.operation = "CreateTable"}, .id = "{out.TableDescription.TableName}",
    .updates = table_updates, .n_updates = PK_ARRAY_LEN(table_updates),
    .remove = {"DeleteTable", NULL, TABLE}, .remove_wait = true,
    .readers = table_readers, .n_readers = PK_ARRAY_LEN(table_readers),
    .wait = {.path = "TableStatus", .limit_ms = 600000},
    .tags = {.shape = PK_TAGS_LIST, .create = "Tags", .read = "Tags",
             .tag = {"TagResource", NULL, PK_PARAMS({"ResourceArn", "{attr.Arn}"})},
             .tag_member = "Tags",
             .untag = {"UntagResource", NULL, PK_PARAMS({"ResourceArn", "{attr.Arn}"})},
             .untag_member = "TagKeys"},
    .errors = {.gone = "ResourceNotFoundException|TableNotFoundException",
               .exists = "ResourceInUseException:already exists|TableAlreadyExistsException",
               .busy = "ResourceInUseException|LimitExceededException|TableInUseException|"
                       "BackupInUseException|ContinuousBackupsUnavailableException"},
    .attributes = table_attribute_list,
    .recovery = PK_RECOVER_NAME, .find_id = "{name}",
    .ready = table_ready, .before_remove = table_before_remove,
    .normalize = table_normalize, .more_attributes = table_attributes,
};
// clang-format on
