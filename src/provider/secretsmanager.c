/* secretsmanager.c - AWS::SecretsManager::Secret. */
#include "provider/hooks.h"

/* A deleted secret keeps its name until its recovery window is over. One of ours is taken back: the
 * create that follows then says "exists" and the secret is found. */
static bool restore_deleted(struct pk_ctx *ctx, struct pk_error **err) {
    json_auto_t *secret = NULL;
    json_t *params = json_pack("{s:s}", "SecretId", ctx->name);
    if (!pk_ctx_call(ctx, NULL, "DescribeSecret", params, &secret, err)) {
        if (!pk_error_in(*err, ctx->type->errors.gone))
            return false;
        pk_error_clear(err);
        return true;
    }
    if (!json_object_get(secret, "DeletedDate"))
        return true;
    json_auto_t *tags = pk_tags_read(json_object_get(secret, "Tags"), PK_TAGS_LIST);
    const char *lineage = json_string_value(json_object_get(tags, "panka:lineage"));
    const char *resource = json_string_value(json_object_get(tags, "panka:resource"));
    if (pk_streq(lineage, ctx->op->lineage) && pk_streq(resource, ctx->key)) {
        params = json_pack("{s:s}", "SecretId", ctx->name);
        return pk_ctx_call(ctx, NULL, "RestoreSecret", params, NULL, err);
    }
    pk_fail(err, PK_E_NOT_OWNED, "secret %s is scheduled for deletion and is not this stack's",
            ctx->name);
    return pk_error_hint(err, "restore it and import it, wait until its recovery window is over, "
                              "or choose another name");
}

static bool secret_before_create(struct pk_ctx *ctx, json_t *params, struct pk_error **err) {
    json_t *rule = json_object_get(ctx->props, "GenerateSecretString");
    if (!restore_deleted(ctx, err))
        return false;
    /* Made during the call, so that it is never in a value that outlives it. */
    if (rule && !json_object_get(params, "SecretString"))
        json_object_set_new(params, "SecretString", json_pack("{s:O}", "$generate", rule));
    return true;
}

/* A secret in its recovery window is gone. */
static json_t *pick_secret(struct pk_ctx *ctx, const json_t *item) {
    (void)ctx;
    return json_object_get(item, "DeletedDate") ? NULL : json_copy((json_t *)(uintptr_t)item);
}

static void secret_normalize(struct pk_ctx *ctx, const json_t *item, json_t *live) {
    (void)item;
    pk_live_key(ctx, live, "KmsKeyId");
}

/* The version that is in use: what depends on the value changes with it. */
static void secret_attributes(struct pk_ctx *ctx, const json_t *item, json_t *attributes) {
    (void)ctx;
    const char *version;
    json_t *stages;
    json_object_foreach(json_object_get(item, "VersionIdsToStages"), version, stages) {
        for (size_t i = 0; i < json_array_size(stages); i++)
            if (pk_streq(json_string_value(json_array_get(stages, i)), "AWSCURRENT"))
                pk_json_put_str(attributes, "VersionId", version);
    }
}

/* Without a window the value is lost at once: only when that was allowed. */
static bool secret_prepare_remove(struct pk_ctx *ctx, json_t *params, struct pk_error **err) {
    (void)err;
    if (ctx->op->force_destroy)
        pk_json_put_bool(params, "ForceDeleteWithoutRecovery", true);
    else
        pk_json_put_int(params, "RecoveryWindowInDays", 30);
    return true;
}

// clang-format off

static const struct pk_prop secret_props[] = {
    {"Name", .traits = PK_CREATE_ONLY},
    {"Description", .update = 1, .fallback = "\"\""},
    {"KmsKeyId", .update = 1, .fallback = "\"alias/aws/secretsmanager\""},
    {"SecretString", .read = PK_NOT_SENT, .update = 1, .traits = PK_SENSITIVE},
    /* Only a new secret gets a generated value. */
    {"GenerateSecretString", .create = PK_NOT_SENT, .read = PK_NOT_SENT, .traits = PK_UNMANAGED},
};

static const struct pk_update secret_updates[] = {
    {.operation = "UpdateSecret", .params = PK_PARAMS({"SecretId", "{id}"})},
};

static const struct pk_reader secret_readers[] = {
    {.call = {"DescribeSecret", NULL, PK_PARAMS({"SecretId", "{id}"})}, .pick = pick_secret},
};

static const struct pk_reader secret_finder = {
    .call = {"DescribeSecret", NULL, PK_PARAMS({"SecretId", "{name}"})},
    .absent = "ResourceNotFoundException"};

static const struct pk_attribute secret_attribute_list[] = {
    {"Id", "{id}"}, {"Arn", "{id}"}, {"Name", "Name"}, {NULL, NULL}};

const struct pk_type pk_type_secretsmanager_secret = {
    .type = "AWS::SecretsManager::Secret", .service = "secretsmanager",
    .props = secret_props, .n_props = PK_ARRAY_LEN(secret_props),
    .name_prop = "Name", .token = "ClientRequestToken",
    .typical_create_ms = 1000, .typical_delete_ms = 1000,
    .create = {.operation = "CreateSecret"}, .id = "{out.ARN}",
    .updates = secret_updates, .n_updates = PK_ARRAY_LEN(secret_updates),
    .remove = {"DeleteSecret", NULL, PK_PARAMS({"SecretId", "{id}"})},
    .readers = secret_readers, .n_readers = PK_ARRAY_LEN(secret_readers),
    .tags = {.shape = PK_TAGS_LIST, .create = "Tags", .read = "Tags",
             .tag = {"TagResource", NULL, PK_PARAMS({"SecretId", "{id}"})}, .tag_member = "Tags",
             .untag = {"UntagResource", NULL, PK_PARAMS({"SecretId", "{id}"})},
             .untag_member = "TagKeys"},
    .errors = {.gone = "ResourceNotFoundException", .exists = "ResourceExistsException",
               .busy = "InvalidRequestException:currently being|"
                       "InvalidRequestException:already scheduled for deletion"},
    .attributes = secret_attribute_list,
    .recovery = PK_RECOVER_NAME, .finder = &secret_finder, .find_item_id = "{out.ARN}",
    .find_tags_apart = true,
    .before_create = secret_before_create, .normalize = secret_normalize,
    .prepare_remove = secret_prepare_remove, .more_attributes = secret_attributes,
};
// clang-format on
