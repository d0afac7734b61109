/* rds.c - AWS::RDS::DBInstance. */
#include "provider/rds.h"

#include "provider/hooks.h"

#include <string.h>

#define ID "DBInstanceIdentifier"

static bool is_set(const struct pk_ctx *ctx, const char *name) {
    const json_t *value = ctx->props ? json_object_get(ctx->props, name) : NULL;
    return value && !json_is_null(value) && !pk_streq(json_string_value(value), "");
}

/* --- create, or restore from a snapshot --- */

static const char *const restore_members[] = {ID,
                                              "DBInstanceClass",
                                              "Engine",
                                              "Port",
                                              "AvailabilityZone",
                                              "DBSubnetGroupName",
                                              "MultiAZ",
                                              "PubliclyAccessible",
                                              "AutoMinorVersionUpgrade",
                                              "LicenseModel",
                                              "DBName",
                                              "Iops",
                                              "StorageThroughput",
                                              "OptionGroupName",
                                              "Tags",
                                              "StorageType",
                                              "VpcSecurityGroupIds",
                                              "CopyTagsToSnapshot",
                                              "EnableIAMDatabaseAuthentication",
                                              "EnableCloudwatchLogsExports",
                                              "DBParameterGroupName",
                                              "DeletionProtection",
                                              "NetworkType",
                                              "AllocatedStorage",
                                              "CACertificateIdentifier",
                                              "ManageMasterUserPassword",
                                              "MasterUserSecretKmsKeyId",
                                              NULL};
/* What a snapshot brings along and a modification does not take. */
static const char *const from_snapshot[] = {"MasterUsername", "StorageEncrypted", "KmsKeyId",
                                            "EngineVersion",  "CharacterSetName", "Timezone"};

static enum pk_progress restore(struct pk_ctx *ctx, json_t *params, struct pk_error **err) {
    for (size_t i = 0; i < PK_ARRAY_LEN(from_snapshot); i++)
        json_object_del(params, from_snapshot[i]);
    /* Only some engines take a name here, and it is in the snapshot. */
    json_object_del(params, "DBName");
    json_t *rest = pk_rds_leftover(params, restore_members);
    json_object_set_new(pk_ctx_scratch(ctx), "rest", rest);
    json_object_set(params, "DBSnapshotIdentifier",
                    json_object_get(ctx->props, "DBSnapshotIdentifier"));
    return pk_ctx_call(ctx, NULL, "RestoreDBInstanceFromDBSnapshot", params, NULL, err) ? PK_DONE
                                                                                        : PK_FAILED;
}

static enum pk_progress replicate(struct pk_ctx *ctx, json_t *params, struct pk_error **err) {
    static const char *const not_taken[] = {"Engine",
                                            "EngineVersion",
                                            "MasterUsername",
                                            "MasterUserPassword",
                                            "DBName",
                                            "StorageEncrypted",
                                            "BackupRetentionPeriod",
                                            "PreferredBackupWindow",
                                            "PreferredMaintenanceWindow",
                                            "LicenseModel"};
    for (size_t i = 0; i < PK_ARRAY_LEN(not_taken); i++)
        json_object_del(params, not_taken[i]);
    json_object_set(params, "SourceDBInstanceIdentifier",
                    json_object_get(ctx->props, "SourceDBInstanceIdentifier"));
    return pk_ctx_call(ctx, NULL, "CreateDBInstanceReadReplica", params, NULL, err) ? PK_DONE
                                                                                    : PK_FAILED;
}

static enum pk_progress instance_create(struct pk_ctx *ctx, struct pk_error **err) {
    json_t *params = pk_ctx_create_params(ctx);
    enum pk_progress progress;
    if (is_set(ctx, "DBSnapshotIdentifier"))
        progress = restore(ctx, params, err);
    else if (is_set(ctx, "SourceDBInstanceIdentifier"))
        progress = replicate(ctx, params, err);
    else
        progress =
            pk_ctx_call(ctx, NULL, "CreateDBInstance", params, NULL, err) ? PK_DONE : PK_FAILED;
    if (progress == PK_DONE)
        pk_ctx_set_id(ctx, pk_json_str(ctx->props, ID, ctx->name));
    return progress;
}

static enum pk_progress instance_after_create(struct pk_ctx *ctx, struct pk_error **err) {
    return pk_rds_after_restore(ctx, "ModifyDBInstance", ID, "DBInstanceStatus", err);
}

/* --- modify --- */

static const char *const storage[] = {"AllocatedStorage", "StorageType", "Iops",
                                      "StorageThroughput"};

/* Storage is described as a whole, and it may have grown by itself in the meantime. */
static void whole_storage(const struct pk_ctx *ctx, const json_t *item, json_t *params) {
    bool any = false;
    for (size_t i = 0; i < PK_ARRAY_LEN(storage); i++)
        any = any || json_object_get(params, storage[i]);
    if (!any)
        return;
    for (size_t i = 0; i < PK_ARRAY_LEN(storage); i++) {
        json_t *value = pk_ctx_to_api(ctx, storage[i]);
        if (value)
            json_object_set_new(params, storage[i], value);
    }
    int64_t live = pk_json_int(item, "AllocatedStorage", 0);
    if (live > pk_json_int(params, "AllocatedStorage", live))
        pk_json_put_int(params, "AllocatedStorage", live);
}

static bool prepare_modify(struct pk_ctx *ctx, json_t *params, struct pk_error **err) {
    json_auto_t *item = NULL;
    if (!pk_rds_prepare_modify(ctx, params, &item, err))
        return false;
    /* 0 switches enhanced monitoring off; a role is refused then. */
    if (pk_json_int(params, "MonitoringInterval", -1) == 0)
        json_object_del(params, "MonitoringRoleArn");
    else if (json_object_get(params, "MonitoringInterval") && is_set(ctx, "MonitoringRoleArn"))
        json_object_set(params, "MonitoringRoleArn",
                        json_object_get(ctx->props, "MonitoringRoleArn"));
    whole_storage(ctx, item, params);
    return true;
}

/* --- readiness --- */

static enum pk_progress instance_ready(struct pk_ctx *ctx, const json_t *item,
                                       struct pk_error **err) {
    return pk_rds_ready(ctx, item, "DBParameterGroups", "ParameterApplyStatus", err);
}

static void instance_normalize(struct pk_ctx *ctx, const json_t *item, json_t *live) {
    static const char *const pending[] = {"DBInstanceClass",
                                          "AllocatedStorage",
                                          "Port",
                                          "BackupRetentionPeriod",
                                          "MultiAZ",
                                          "EngineVersion",
                                          "LicenseModel",
                                          "Iops",
                                          "StorageThroughput",
                                          "StorageType",
                                          "CACertificateIdentifier",
                                          "DBSubnetGroupName",
                                          NULL};
    pk_rds_overlay_pending(ctx, item, live, pending);
    pk_live_key(ctx, live, "KmsKeyId");
    pk_live_key(ctx, live, "PerformanceInsightsKMSKeyId");
    pk_live_key(ctx, live, "MasterUserSecret.KmsKeyId");
}

/* --- delete --- */

static bool instance_prepare_remove(struct pk_ctx *ctx, json_t *params, struct pk_error **err) {
    (void)err;
    pk_rds_final_snapshot(ctx, params);
    if (!pk_json_bool(pk_ctx_scratch(ctx), "member", false))
        pk_json_put_bool(params, "DeleteAutomatedBackups",
                         pk_json_bool(ctx->props, "DeleteAutomatedBackups", true));
    return true;
}

// clang-format off

#define FIXED (PK_CREATE_ONLY | PK_DELETE_FIRST | PK_NO_CHANGE)

static const struct pk_prop instance_props[] = {
    {ID, .traits = PK_CREATE_ONLY},
    {"Engine", .traits = FIXED},
    {"DBName", .traits = FIXED},
    {"MasterUsername", .traits = FIXED},
    {"StorageEncrypted", .traits = FIXED, .fallback = "false"},
    {"KmsKeyId", .traits = FIXED},
    {"AvailabilityZone", .traits = FIXED},
    {"CharacterSetName", .traits = FIXED},
    {"Timezone", .traits = FIXED},
    {"DBClusterIdentifier", .traits = PK_CREATE_ONLY},
    {"DBSnapshotIdentifier", .create = PK_NOT_SENT, .read = PK_NOT_SENT, .traits = PK_UNMANAGED},
    {"SourceDBInstanceIdentifier", .create = PK_NOT_SENT, .read = PK_NOT_SENT,
     .traits = PK_UNMANAGED},
    {"DBInstanceClass", .update = 1},
    {"EngineVersion", .update = 1, .traits = PK_VERSION_PREFIX},
    {"AllocatedStorage", .update = 1, .conv = PK_TEXT_NUMBER, .traits = PK_GROW_ONLY},
    {"MaxAllocatedStorage", .update = 1},
    {"StorageType", .update = 1},
    {"Iops", .update = 1},
    {"StorageThroughput", .update = 1},
    {"MultiAZ", .update = 1, .fallback = "false"},
    {"MasterUserPassword", .read = PK_NOT_SENT, .update = 1, .traits = PK_SENSITIVE},
    {"ManageMasterUserPassword", .read = "MasterUserSecret",
     .update = 1, .conv = PK_CUSTOM, .convert = pk_rds_managed, .fallback = "false"},
    {"MasterUserSecret.KmsKeyId", .create = "MasterUserSecretKmsKeyId",
     .read = "MasterUserSecret.KmsKeyId", .update = 1},
    {"Port", .read = "Endpoint.Port", .change = "DBPortNumber", .update = 1,
     .conv = PK_TEXT_NUMBER},
    {"BackupRetentionPeriod", .update = 1, .fallback = "1"},
    {"PreferredBackupWindow", .update = 1},
    {"PreferredMaintenanceWindow", .update = 1, .traits = PK_NOCASE_VALUE},
    {"AutoMinorVersionUpgrade", .update = 1, .fallback = "true"},
    {"CopyTagsToSnapshot", .update = 1, .fallback = "false"},
    {"MonitoringInterval", .update = 1, .fallback = "0"},
    {"MonitoringRoleArn", .update = 1},
    {"EnablePerformanceInsights", .read = "PerformanceInsightsEnabled", .update = 1, .fallback = "false"},
    {"PerformanceInsightsRetentionPeriod", .update = 1},
    {"PerformanceInsightsKMSKeyId", .update = 1},
    {"DatabaseInsightsMode", .update = 1, .fallback = "\"standard\""},
    {"EnableCloudwatchLogsExports", .read = "EnabledCloudwatchLogsExports", .update = 1, .traits = PK_SET, .fallback = "[]"},
    {"EnableIAMDatabaseAuthentication", .read = "IAMDatabaseAuthenticationEnabled", .update = 1, .fallback = "false"},
    {"PubliclyAccessible", .update = 1},
    {"DBSubnetGroupName", .read = "DBSubnetGroup.DBSubnetGroupName", .traits = PK_CREATE_ONLY},
    {"VPCSecurityGroups", .create = "VpcSecurityGroupIds",
     .read = "VpcSecurityGroups[].VpcSecurityGroupId", .change = "VpcSecurityGroupIds",
     .update = 1, .traits = PK_SET},
    {"DBParameterGroupName", .read = "DBParameterGroups[0].DBParameterGroupName", .update = 1},
    {"OptionGroupName", .read = "OptionGroupMemberships[0].OptionGroupName", .update = 1},
    {"CACertificateIdentifier", .update = 1},
    {"LicenseModel", .update = 1},
    {"NetworkType", .update = 1, .fallback = "\"IPV4\""},
    {"PromotionTier", .update = 1, .fallback = "1"},
    {"DeletionProtection", .update = 1, .fallback = "false"},
};

/* How changes are made and the end comes: nothing that AWS would show. */
static const struct pk_prop_trait instance_more[] = {
    {"ApplyImmediately", PK_WRITE_ONLY}, {"AllowMajorVersionUpgrade", PK_WRITE_ONLY},
    {"DeleteAutomatedBackups", PK_WRITE_ONLY}, {NULL, 0}};

static const struct pk_update instance_updates[] = {
    /* One call: RDS takes the next modification only when the last one is done. */
    {.operation = "ModifyDBInstance",
     .params = PK_PARAMS({ID, "{id}"}, {"ApplyImmediately", "{prop.ApplyImmediately}"},
                         {"AllowMajorVersionUpgrade", "{prop.AllowMajorVersionUpgrade}"}),
     .prepare = prepare_modify, .flags = PK_UPDATE_WAIT},
};

static const struct pk_reader instance_readers[] = {
    {.call = {.operation = "DescribeDBInstances"}, .paged = true, .list = "DBInstances",
     .match = "{out." ID "}", .batch = 50, .batch_filter = "db-instance-id"},
};

static const struct pk_attribute instance_attributes[] = {
    {"Endpoint.Address", "Endpoint.Address"}, {"Endpoint.Port", "Endpoint.Port"},
    {"Endpoint.HostedZoneId", "Endpoint.HostedZoneId"}, {"DBInstanceArn", "DBInstanceArn"},
    {"DbiResourceId", "DbiResourceId"}, {"EngineVersion", "EngineVersion"},
    {"MasterUserSecret.SecretArn", "MasterUserSecret.SecretArn"}, {NULL, NULL}};

#define TAG_PARAMS PK_PARAMS({"ResourceName", "{attr.DBInstanceArn}"})

const struct pk_type pk_type_rds_db_instance = {
    .type = "AWS::RDS::DBInstance", .service = "rds",
    .props = instance_props, .n_props = PK_ARRAY_LEN(instance_props), .more_traits = instance_more,
    .name_prop = ID,
    .typical_create_ms = 540000, .typical_delete_ms = 450000,
    .updates = instance_updates, .n_updates = PK_ARRAY_LEN(instance_updates),
    .remove = {"DeleteDBInstance", NULL, PK_PARAMS({ID, "{id}"})}, .remove_wait = true,
    .readers = instance_readers, .n_readers = PK_ARRAY_LEN(instance_readers),
    .wait = {.path = "DBInstanceStatus", .ready = "available|storage-optimization",
             .failed = "incompatible-parameters|incompatible-network|incompatible-restore|"
                       "incompatible-option-group|incompatible-credentials|storage-full|failed|"
                       "restore-error|insufficient-capacity",
             .interval_ms = 10000, .max_interval_ms = 30000, .limit_ms = 3600000},
    .tags = {.shape = PK_TAGS_LIST, .create = "Tags", .read = "TagList",
             .tag = {"AddTagsToResource", NULL, TAG_PARAMS}, .tag_member = "Tags",
             .untag = {"RemoveTagsFromResource", NULL, TAG_PARAMS}, .untag_member = "TagKeys"},
    .errors = {.gone = "DBInstanceNotFound|DBInstanceNotFoundFault",
               .exists = "DBInstanceAlreadyExists|DBInstanceAlreadyExistsFault",
               .busy = PK_RDS_BUSY, .fresh = PK_RDS_FRESH},
    .attributes = instance_attributes,
    .recovery = PK_RECOVER_NAME, .find_id = "{name}",
    .do_create = instance_create, .after_create = instance_after_create, .ready = instance_ready,
    .normalize = instance_normalize, .before_remove = pk_rds_before_remove,
    .prepare_remove = instance_prepare_remove,
};
// clang-format on
