/* logs.c - AWS::Logs::LogGroup. */
#include "provider/types.h"

#define GROUP_ARN "arn:{partition}:logs:{region}:{account}:log-group:{id}"

static enum pk_progress change_retention(struct pk_ctx *ctx, const struct pk_update *update,
                                         struct pk_error **err) {
    (void)update;
    json_t *params = json_object(), *days = pk_ctx_to_api(ctx, "RetentionInDays");
    pk_json_put_str(params, "logGroupName", ctx->id);
    if (days)
        json_object_set_new(params, "retentionInDays", days);
    const char *operation = days ? "PutRetentionPolicy" : "DeleteRetentionPolicy";
    return pk_ctx_call(ctx, NULL, operation, params, NULL, err) ? PK_DONE : PK_FAILED;
}

static enum pk_progress change_key(struct pk_ctx *ctx, const struct pk_update *update,
                                   struct pk_error **err) {
    (void)update;
    json_t *params = json_object(), *key = pk_ctx_to_api(ctx, "KmsKeyId");
    pk_json_put_str(params, "logGroupName", ctx->id);
    if (key)
        json_object_set_new(params, "kmsKeyId", key);
    const char *operation = key ? "AssociateKmsKey" : "DisassociateKmsKey";
    return pk_ctx_call(ctx, NULL, operation, params, NULL, err) ? PK_DONE : PK_FAILED;
}

/* Services make log groups by themselves, without tags: such a one may become ours. */
static enum pk_found judge_group(struct pk_ctx *ctx, const json_t *item) {
    const json_t *tags = json_object_get(item, "tags");
    const char *lineage = json_string_value(json_object_get(tags, "panka:lineage"));
    const char *resource = json_string_value(json_object_get(tags, "panka:resource"));
    if (json_object_size(tags) == 0)
        return PK_OURS;
    return pk_streq(lineage, ctx->op->lineage) && pk_streq(resource, ctx->key) ? PK_OURS
                                                                               : PK_FOREIGN;
}

// clang-format off

static const struct pk_prop group_props[] = {
    {"LogGroupName", .traits = PK_CREATE_ONLY},
    {"LogGroupClass", .traits = PK_CREATE_ONLY},
    {"RetentionInDays", .create = PK_NOT_SENT, .update = 1},
    {"KmsKeyId", .update = 2},
    {"DeletionProtectionEnabled", .update = 3, .fallback = "false"},
};

static const struct pk_update group_updates[] = {
    {.run = change_retention, .flags = PK_UPDATE_AFTER_CREATE},
    {.run = change_key},
    {.operation = "PutLogGroupDeletionProtection",
     .params = PK_PARAMS({"logGroupIdentifier", "{id}"})},
};

static const struct pk_reader group_readers[] = {
    {.call = {.operation = "DescribeLogGroups"}, .paged = true, .list = "logGroups",
     .match = "{out.logGroupName}", .batch = 50, .batch_param = "logGroupIdentifiers"},
    {.call = {"ListTagsForResource", NULL, PK_PARAMS({"resourceArn", GROUP_ARN})}, .item = "tags",
     .into = "tags", .absent = "ResourceNotFoundException"},
};

static const struct pk_attribute group_attributes[] = {{"Arn", "arn"}, {NULL, NULL}};

const struct pk_type pk_type_logs_log_group = {
    .type = "AWS::Logs::LogGroup", .service = "logs", .camel = true,
    .props = group_props, .n_props = PK_ARRAY_LEN(group_props),
    .name_prop = "LogGroupName",
    .typical_create_ms = 2000, .typical_delete_ms = 2000,
    .create = {.operation = "CreateLogGroup"}, .id = "{name}",
    .updates = group_updates, .n_updates = PK_ARRAY_LEN(group_updates),
    .remove = {"DeleteLogGroup", NULL, PK_PARAMS({"logGroupName", "{id}"})},
    .readers = group_readers, .n_readers = PK_ARRAY_LEN(group_readers),
    .tags = {.shape = PK_TAGS_MAP, .create = "tags", .read = "tags",
             .tag = {"TagResource", NULL, PK_PARAMS({"resourceArn", GROUP_ARN})},
             .tag_member = "tags",
             .untag = {"UntagResource", NULL, PK_PARAMS({"resourceArn", GROUP_ARN})},
             .untag_member = "tagKeys"},
    .errors = {.gone = "ResourceNotFoundException", .exists = "ResourceAlreadyExistsException",
               .busy = "OperationAbortedException"},
    .attributes = group_attributes,
    .recovery = PK_RECOVER_NAME, .find_id = "{name}", .judge = judge_group,
};
// clang-format on
