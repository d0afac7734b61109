/* rds_cluster.c - AWS::RDS::DBCluster. */
#include "provider/rds.h"

#include "provider/hooks.h"

#define ID "DBClusterIdentifier"

/* --- create, or restore from a snapshot --- */

static const char *const restore_members[] = {ID,
                                              "AvailabilityZones",
                                              "Engine",
                                              "EngineVersion",
                                              "Port",
                                              "DBSubnetGroupName",
                                              "DatabaseName",
                                              "OptionGroupName",
                                              "VpcSecurityGroupIds",
                                              "Tags",
                                              "KmsKeyId",
                                              "EnableIAMDatabaseAuthentication",
                                              "BacktrackWindow",
                                              "EnableCloudwatchLogsExports",
                                              "EngineMode",
                                              "DBClusterParameterGroupName",
                                              "DeletionProtection",
                                              "CopyTagsToSnapshot",
                                              "DBClusterInstanceClass",
                                              "StorageType",
                                              "Iops",
                                              "PubliclyAccessible",
                                              "NetworkType",
                                              "ServerlessV2ScalingConfiguration",
                                              NULL};

static enum pk_progress cluster_create(struct pk_ctx *ctx, struct pk_error **err) {
    json_t *params = pk_ctx_create_params(ctx);
    json_t *snapshot = json_object_get(ctx->props, "SnapshotIdentifier");
    const char *operation = "CreateDBCluster";
    if (json_is_string(snapshot)) {
        operation = "RestoreDBClusterFromSnapshot";
        json_object_del(params, "MasterUsername");
        json_object_del(params, "StorageEncrypted");
        json_object_set_new(pk_ctx_scratch(ctx), "rest", pk_rds_leftover(params, restore_members));
        json_object_set(params, "SnapshotIdentifier", snapshot);
    }
    if (!pk_ctx_call(ctx, NULL, operation, params, NULL, err))
        return PK_FAILED;
    pk_ctx_set_id(ctx, pk_json_str(ctx->props, ID, ctx->name));
    return PK_DONE;
}

static enum pk_progress cluster_after_create(struct pk_ctx *ctx, struct pk_error **err) {
    return pk_rds_after_restore(ctx, "ModifyDBCluster", ID, "Status", err);
}

/* --- modify --- */

static bool prepare_modify(struct pk_ctx *ctx, json_t *params, struct pk_error **err) {
    json_auto_t *item = NULL;
    if (!pk_rds_prepare_modify(ctx, params, &item, err))
        return false;
    /* A major upgrade of the cluster takes its instances' parameter group along. */
    json_t *group = json_object_get(ctx->props, "DBInstanceParameterGroupName");
    if (json_object_get(params, "EngineVersion") && group &&
        pk_json_bool(params, "AllowMajorVersionUpgrade", false))
        json_object_set(params, "DBInstanceParameterGroupName", group);
    return true;
}

/* The data API of a provisioned or serverless v2 cluster has operations of its own. */
static enum pk_progress change_http_endpoint(struct pk_ctx *ctx, const struct pk_update *update,
                                             struct pk_error **err) {
    (void)update;
    json_auto_t *item = NULL;
    if (!pk_ctx_read(ctx, &item, err))
        return PK_FAILED;
    const char *status = item ? pk_json_str(item, "Status", "creating") : "creating";
    if (!pk_word_in(ctx->type->wait.ready, status))
        return pk_ctx_wait(ctx, 0, err, "Status %s -> available", status);
    bool on = pk_json_bool(ctx->props, "EnableHttpEndpoint", false);
    json_t *params = json_object();
    pk_json_put_str(params, "ResourceArn", pk_json_str(item, "DBClusterArn", NULL));
    return pk_ctx_call(ctx, NULL, on ? "EnableHttpEndpoint" : "DisableHttpEndpoint", params, NULL,
                       err)
               ? PK_DONE
               : PK_FAILED;
}

/* --- reading --- */

static enum pk_progress cluster_ready(struct pk_ctx *ctx, const json_t *item,
                                      struct pk_error **err) {
    return pk_rds_ready(ctx, item, "DBClusterMembers", "DBClusterParameterGroupStatus", err);
}

static void cluster_normalize(struct pk_ctx *ctx, const json_t *item, json_t *live) {
    static const char *const pending[] = {
        "EngineVersion", "BackupRetentionPeriod", "StorageType", "AllocatedStorage", "Iops", NULL};
    pk_rds_overlay_pending(ctx, item, live, pending);
    pk_live_key(ctx, live, "KmsKeyId");
    pk_live_key(ctx, live, "PerformanceInsightsKmsKeyId");
    pk_live_key(ctx, live, "MasterUserSecret.KmsKeyId");
}

/* --- delete --- */

static bool cluster_prepare_remove(struct pk_ctx *ctx, json_t *params, struct pk_error **err) {
    (void)err;
    pk_rds_final_snapshot(ctx, params);
    pk_json_put_bool(params, "DeleteAutomatedBackups",
                     pk_json_bool(ctx->props, "DeleteAutomatedBackups", true));
    return true;
}

// clang-format off

#define FIXED (PK_CREATE_ONLY | PK_DELETE_FIRST | PK_NO_CHANGE)

static const struct pk_prop cluster_props[] = {
    {ID, .traits = PK_CREATE_ONLY},
    {"Engine", .traits = FIXED},
    {"EngineMode", .traits = FIXED},
    {"DatabaseName", .traits = FIXED},
    {"MasterUsername", .traits = FIXED},
    {"StorageEncrypted", .traits = FIXED, .fallback = "false"},
    {"KmsKeyId", .traits = FIXED},
    {"DBSubnetGroupName", .read = "DBSubnetGroup", .traits = FIXED},
    {"AvailabilityZones", .traits = FIXED | PK_SET},
    {"SnapshotIdentifier", .create = PK_NOT_SENT, .read = PK_NOT_SENT, .traits = PK_UNMANAGED},
    {"EngineVersion", .update = 1, .traits = PK_VERSION_PREFIX},
    {"Port", .update = 1},
    {"MasterUserPassword", .read = PK_NOT_SENT, .update = 1, .traits = PK_SENSITIVE},
    {"ManageMasterUserPassword", .read = "MasterUserSecret",
     .update = 1, .conv = PK_CUSTOM, .convert = pk_rds_managed, .fallback = "false"},
    {"MasterUserSecret.KmsKeyId", .create = "MasterUserSecretKmsKeyId",
     .read = "MasterUserSecret.KmsKeyId", .update = 1},
    {"BackupRetentionPeriod", .update = 1, .fallback = "1"},
    {"PreferredBackupWindow", .update = 1},
    {"PreferredMaintenanceWindow", .update = 1, .traits = PK_NOCASE_VALUE},
    {"CopyTagsToSnapshot", .update = 1, .fallback = "false"},
    {"DBClusterParameterGroupName", .read = "DBClusterParameterGroup", .update = 1},
    {"VpcSecurityGroupIds", .read = "VpcSecurityGroups[].VpcSecurityGroupId", .update = 1, .traits = PK_SET},
    {"EnableCloudwatchLogsExports", .read = "EnabledCloudwatchLogsExports", .update = 1, .traits = PK_SET, .fallback = "[]"},
    {"EnableIAMDatabaseAuthentication", .read = "IAMDatabaseAuthenticationEnabled", .update = 1, .fallback = "false"},
    {"ServerlessV2ScalingConfiguration", .update = 1},
    {"BacktrackWindow", .update = 1, .fallback = "0"},
    {"DBClusterInstanceClass", .update = 1},
    {"AllocatedStorage", .update = 1},
    {"StorageType", .update = 1, .fallback = "\"aurora\""},
    {"Iops", .update = 1},
    {"AutoMinorVersionUpgrade", .update = 1},
    {"MonitoringInterval", .update = 1, .fallback = "0"},
    {"MonitoringRoleArn", .update = 1},
    {"PerformanceInsightsEnabled", .create = "EnablePerformanceInsights",
     .read = "PerformanceInsightsEnabled", .update = 1, .fallback = "false"},
    {"PerformanceInsightsRetentionPeriod", .update = 1},
    {"PerformanceInsightsKmsKeyId", .create = "PerformanceInsightsKMSKeyId", .update = 1},
    {"NetworkType", .update = 1, .fallback = "\"IPV4\""},
    {"DeletionProtection", .update = 1, .fallback = "false"},
    {"EnableHttpEndpoint", .create = PK_NOT_SENT, .read = "HttpEndpointEnabled", .update = 2,
     .fallback = "false"},
};

static const struct pk_prop_trait cluster_more[] = {
    {"ApplyImmediately", PK_WRITE_ONLY}, {"AllowMajorVersionUpgrade", PK_WRITE_ONLY},
    {"DeleteAutomatedBackups", PK_WRITE_ONLY},
    {"DBInstanceParameterGroupName", PK_WRITE_ONLY}, {NULL, 0}};

static const struct pk_update cluster_updates[] = {
    {.operation = "ModifyDBCluster",
     .params = PK_PARAMS({ID, "{id}"}, {"ApplyImmediately", "{prop.ApplyImmediately}"},
                         {"AllowMajorVersionUpgrade", "{prop.AllowMajorVersionUpgrade}"}),
     .prepare = prepare_modify, .flags = PK_UPDATE_WAIT},
    {.run = change_http_endpoint, .flags = PK_UPDATE_AFTER_CREATE},
};

static const struct pk_reader cluster_readers[] = {
    {.call = {.operation = "DescribeDBClusters"}, .paged = true, .list = "DBClusters",
     .match = "{out." ID "}", .batch = 50, .batch_filter = "db-cluster-id"},
};

static const struct pk_attribute cluster_attributes[] = {
    {"Endpoint.Address", "Endpoint"}, {"Endpoint.Port", "Port"},
    {"ReadEndpoint.Address", "ReaderEndpoint"}, {"DBClusterArn", "DBClusterArn"},
    {"DBClusterResourceId", "DbClusterResourceId"}, {"EngineVersion", "EngineVersion"},
    {"MasterUserSecret.SecretArn", "MasterUserSecret.SecretArn"}, {NULL, NULL}};

#define TAG_PARAMS PK_PARAMS({"ResourceName", "{attr.DBClusterArn}"})

const struct pk_type pk_type_rds_db_cluster = {
    .type = "AWS::RDS::DBCluster", .service = "rds",
    .props = cluster_props, .n_props = PK_ARRAY_LEN(cluster_props), .more_traits = cluster_more,
    .name_prop = ID,
    .typical_create_ms = 180000, .typical_delete_ms = 180000,
    .updates = cluster_updates, .n_updates = PK_ARRAY_LEN(cluster_updates),
    .remove = {"DeleteDBCluster", NULL, PK_PARAMS({ID, "{id}"})}, .remove_wait = true,
    .readers = cluster_readers, .n_readers = PK_ARRAY_LEN(cluster_readers),
    .wait = {.path = "Status", .ready = "available",
             .failed = "failed|incompatible-parameters|inaccessible-encryption-credentials|"
                       "migration-failed",
             .interval_ms = 10000, .max_interval_ms = 30000, .limit_ms = 3600000},
    .tags = {.shape = PK_TAGS_LIST, .create = "Tags", .read = "TagList",
             .tag = {"AddTagsToResource", NULL, TAG_PARAMS}, .tag_member = "Tags",
             .untag = {"RemoveTagsFromResource", NULL, TAG_PARAMS}, .untag_member = "TagKeys"},
    .errors = {.gone = "DBClusterNotFoundFault|DBClusterNotFound",
               .exists = "DBClusterAlreadyExistsFault|DBClusterAlreadyExists",
               .busy = PK_RDS_BUSY, .fresh = PK_RDS_FRESH},
    .attributes = cluster_attributes,
    .recovery = PK_RECOVER_NAME, .find_id = "{name}",
    .do_create = cluster_create, .after_create = cluster_after_create, .ready = cluster_ready,
    .normalize = cluster_normalize, .before_remove = pk_rds_before_remove,
    .prepare_remove = cluster_prepare_remove,
};
// clang-format on
