/* s3.c - AWS::S3::Bucket, AWS::S3::BucketPolicy. */
#include "provider/s3.h"

#include "provider/hooks.h"

#include <string.h>

/* --- configurations of a bucket: one put, one delete and one get each --- */

struct config {
    const char *property;
    const char *put, *member; /* member of the put request */
    const char *remove;       /* NULL: `reset` is put instead */
    const char *reset;        /* JSON of the API; with remove NULL and reset NULL nothing is done */
};

// clang-format off
enum { ACL = 1, OWNERSHIP, PUBLIC_ACCESS, ENCRYPTION, VERSIONING, OBJECT_LOCK, LIFECYCLE, CORS,
       WEBSITE, LOGGING, ACCELERATE, REPLICATION, N_CONFIGS };

static const struct config configs[N_CONFIGS] = {
    [ACL] = {"AccessControl", "PutBucketAcl", "ACL", NULL, "\"private\""},
    [OWNERSHIP] = {"OwnershipControls", "PutBucketOwnershipControls", "OwnershipControls",
                   "DeleteBucketOwnershipControls", NULL},
    [PUBLIC_ACCESS] = {"PublicAccessBlockConfiguration", "PutPublicAccessBlock",
                       "PublicAccessBlockConfiguration", "DeletePublicAccessBlock", NULL},
    [ENCRYPTION] = {"BucketEncryption", "PutBucketEncryption", "ServerSideEncryptionConfiguration",
                    "DeleteBucketEncryption", NULL},
    [VERSIONING] = {"VersioningConfiguration", "PutBucketVersioning", "VersioningConfiguration",
                    NULL, "{\"Status\":\"Suspended\"}"},
    [OBJECT_LOCK] = {"ObjectLockConfiguration", "PutObjectLockConfiguration",
                     "ObjectLockConfiguration", NULL, "{\"ObjectLockEnabled\":\"Enabled\"}"},
    [LIFECYCLE] = {"LifecycleConfiguration", "PutBucketLifecycleConfiguration",
                   "LifecycleConfiguration", "DeleteBucketLifecycle", NULL},
    [CORS] = {"CorsConfiguration", "PutBucketCors", "CORSConfiguration", "DeleteBucketCors", NULL},
    [WEBSITE] = {"WebsiteConfiguration", "PutBucketWebsite", "WebsiteConfiguration",
                 "DeleteBucketWebsite", NULL},
    [LOGGING] = {"LoggingConfiguration", "PutBucketLogging", "BucketLoggingStatus", NULL, "{}"},
    [ACCELERATE] = {"AccelerateConfiguration", "PutBucketAccelerateConfiguration",
                    "AccelerateConfiguration", NULL, "{\"Status\":\"Suspended\"}"},
    [REPLICATION] = {"ReplicationConfiguration", "PutBucketReplication", "ReplicationConfiguration",
                     "DeleteBucketReplication", NULL},
};
// clang-format on

static enum pk_progress change_config(struct pk_ctx *ctx, const struct pk_update *update,
                                      struct pk_error **err) {
    const struct config *config = &configs[update - ctx->type->updates + 1];
    json_t *params = json_pack("{s:s}", "Bucket", ctx->id);
    json_t *value = pk_ctx_to_api(ctx, config->property);
    const char *operation = config->put;
    if (!value && config->reset)
        value = json_loads(config->reset, JSON_DECODE_ANY, NULL);
    if (value)
        json_object_set_new(params, config->member, value);
    else
        operation = config->remove;
    return pk_ctx_call(ctx, NULL, operation, params, NULL, err) ? PK_DONE : PK_FAILED;
}

/* --- create --- */

static bool name_taken(struct pk_ctx *ctx, struct pk_error **err) {
    pk_error_clear(err);
    pk_fail(err, PK_E_NOT_OWNED, "the bucket name %s is taken by another account", ctx->name);
    pk_error_hint(err, "bucket names are shared by all accounts: choose another one");
    pk_error_set(&(*err)->id, "s3.name-taken");
    return false;
}

/* us-east-1 answers "created" for a bucket that one has already, so existence is asked first. 403
 * is a bucket of somebody else (or one that this role may not see: creating it fails as well). */
static bool name_is_free(struct pk_ctx *ctx, struct pk_error **err) {
    struct pk_error *error = NULL;
    json_t *params = json_pack("{s:s}", "Bucket", ctx->name);
    if (pk_ctx_call(ctx, NULL, "HeadBucket", params, NULL, &error)) {
        pk_fail(err, PK_E_NOT_OWNED, "bucket %s exists already", ctx->name);
        pk_error_set(&(*err)->id, "resource.exists");
        return false;
    }
    bool missing = pk_error_in(error, ctx->type->errors.gone);
    bool foreign = error->aws.http_status == 403 || error->aws.http_status == 301;
    if (missing || !foreign) {
        if (missing)
            pk_error_free(error);
        else
            *err = error;
        return missing;
    }
    *err = error;
    return name_taken(ctx, err);
}

static enum pk_progress bucket_create(struct pk_ctx *ctx, struct pk_error **err) {
    if (!name_is_free(ctx, err))
        return PK_FAILED;
    json_t *params = pk_ctx_create_params(ctx);
    if (!pk_streq(ctx->region, "us-east-1"))
        pk_json_put_str(params, "CreateBucketConfiguration.LocationConstraint", ctx->region);
    if (!pk_ctx_call(ctx, NULL, "CreateBucket", params, NULL, err)) {
        if (pk_error_in(*err, "BucketAlreadyExists"))
            name_taken(ctx, err);
        return PK_FAILED;
    }
    pk_ctx_set_id(ctx, ctx->name);
    return PK_DONE;
}

/* --- tags: the call replaces all of them --- */

static bool tags_wanted(const struct pk_ctx *ctx, const json_t *live, json_t **ret) {
    const struct pk_op *op = ctx->op;
    json_t *tags = pk_tags_read(live, PK_TAGS_LIST);
    const char *key;
    json_t *value;
    bool differs = false;
    json_object_foreach(op->prior_tags, key, value) {
        if (!json_object_get(op->desired_tags, key) && !pk_starts_with(key, "panka:") &&
            json_object_get(tags, key)) {
            json_object_del(tags, key);
            differs = true;
        }
    }
    json_object_foreach(op->desired_tags, key, value) {
        const json_t *now = json_object_get(tags, key);
        if (json_equal(now, value) ||
            (now && pk_streq(key, "panka:op") && op->action != PK_ACTION_CREATE))
            continue;
        json_object_set(tags, key, value);
        differs = true;
    }
    *ret = tags;
    return differs;
}

static enum pk_progress put_tags(struct pk_ctx *ctx, struct pk_error **err) {
    if (json_object_size(ctx->op->desired_tags) == 0)
        return PK_DONE;
    json_auto_t *answer = NULL;
    json_t *params = json_pack("{s:s}", "Bucket", ctx->id);
    if (!pk_ctx_call(ctx, NULL, "GetBucketTagging", params, &answer, err)) {
        if (!pk_error_in(*err, "NoSuchTagSet"))
            return PK_FAILED;
        pk_error_clear(err);
    }
    json_auto_t *tags = NULL;
    if (!tags_wanted(ctx, json_object_get(answer, "TagSet"), &tags))
        return PK_DONE;
    params = json_pack("{s:s}", "Bucket", ctx->id);
    pk_json_put(params, "Tagging.TagSet", pk_tags_make(tags, PK_TAGS_LIST, NULL));
    return pk_ctx_call(ctx, NULL, "PutBucketTagging", params, NULL, err) ? PK_DONE : PK_FAILED;
}

/* --- delete --- */

static enum pk_progress bucket_before_remove(struct pk_ctx *ctx, struct pk_error **err) {
    bool empty = false;
    if (!pk_s3_is_empty(ctx, &empty, err))
        return PK_FAILED;
    if (empty)
        return PK_DONE;
    if (ctx->op->force_destroy || ctx->op->allow_data_loss)
        return pk_s3_empty(ctx, err);
    pk_fail(err, PK_E_REFUSED, "bucket %s is not empty", ctx->id);
    pk_error_set(&(*err)->id, "s3.not-empty");
    pk_error_hint(err, "empty it, or set forceDestroy: true and apply, or use --allow-data-loss=%s",
                  ctx->key);
    return PK_FAILED;
}

/* --- reading --- */

static const char *const dash_regions[] = {
    "us-east-1",      "us-west-1", "us-west-2", "ap-southeast-1", "ap-southeast-2",
    "ap-northeast-1", "eu-west-1", "sa-east-1", "us-gov-west-1",
};

static void bucket_attributes(struct pk_ctx *ctx, const json_t *item, json_t *attributes) {
    (void)item;
    char separator = '.';
    for (size_t i = 0; i < PK_ARRAY_LEN(dash_regions); i++)
        if (pk_streq(ctx->region, dash_regions[i]))
            separator = '-';
    json_auto_t *suffix = pk_ctx_value(ctx, "{suffix}");
    json_object_set_new(attributes, "WebsiteURL",
                        pk_json_textf("http://%s.s3-website%c%s.%s", ctx->id, separator,
                                      ctx->region, json_string_value(suffix)));
}

static void bucket_normalize(struct pk_ctx *ctx, const json_t *item, json_t *live) {
    (void)item;
    static const char path[] = "BucketEncryption.ServerSideEncryptionConfiguration[0]."
                               "ServerSideEncryptionByDefault";
    json_t *rule = pk_json_at(live, path);
    const json_t *applied = ctx->prior ? pk_json_at(ctx->prior, path) : NULL;
    const char *seen = pk_json_str(rule, "KMSMasterKeyID", NULL);
    if (seen)
        pk_json_put(
            rule, "KMSMasterKeyID",
            pk_json_text(pk_key_as_written(seen, pk_json_str(applied, "KMSMasterKeyID", NULL))));
    pk_json_put_str(live, "BucketName", ctx->id);
}

// clang-format off

static const struct pk_names bucket_names[] = {
    {"CorsRules", "CORSRules", 0}, {"ExposedHeaders", "ExposeHeaders", 0},
    {"MaxAge", "MaxAgeSeconds", 0}, {"Id", "ID", 0},
    {"ServerSideEncryptionConfiguration", "Rules", 0},
    {"ServerSideEncryptionByDefault", "ApplyServerSideEncryptionByDefault", 0},
    {"AccelerationStatus", "Status", 0},
    {"TagFilter", "Tag", 0}, {"TagFilters", "Tags", 0},
    {NULL, NULL, 0},
};
/* A word in the answer, a flag in the request. It cannot be switched off. */
static json_t *object_lock(const struct pk_ctx *ctx, const json_t *value, bool to_api) {
    (void)ctx;
    return to_api ? json_deep_copy(value)
                  : json_boolean(pk_streq(json_string_value(value), "Enabled"));
}

/* The replication's and ownership's "Rules" keep their name. */
static json_t *plain_rules(const struct pk_ctx *ctx, const json_t *value, bool to_api) {
    (void)ctx;
    static const struct pk_names names[] = {{"Id", "ID", 0}, {"TagFilter", "Tag", 0},
                                            {"TagFilters", "Tags", 0}, {NULL, NULL, 0}};
    return pk_names_convert(value, names, false, to_api);
}

#define CONFIG(number, at) .create = PK_NOT_SENT, .read = at, .update = number

static const struct pk_prop bucket_props[] = {
    {"BucketName", .create = "Bucket", .read = PK_FROM_HOOK, .traits = PK_CREATE_ONLY},
    {"ObjectLockEnabled", .create = "ObjectLockEnabledForBucket",
     .read = "ObjectLock.ObjectLockEnabled", .conv = PK_CUSTOM, .convert = object_lock,
     .traits = PK_CREATE_ONLY | PK_NO_CHANGE},
    {"AccessControl", CONFIG(ACL, PK_NOT_SENT), .conv = PK_CUSTOM, .convert = pk_s3_canned_acl},
    {"OwnershipControls", CONFIG(OWNERSHIP, "OwnershipControls"), .conv = PK_CUSTOM,
     .convert = plain_rules},
    {"PublicAccessBlockConfiguration", CONFIG(PUBLIC_ACCESS, "PublicAccessBlockConfiguration")},
    {"BucketEncryption", CONFIG(ENCRYPTION, "ServerSideEncryptionConfiguration")},
    {"VersioningConfiguration", CONFIG(VERSIONING, "Versioning"), .conv = PK_CUSTOM,
     .convert = pk_s3_versioning, .fallback = "{\"Status\":\"Suspended\"}"},
    {"ObjectLockConfiguration", CONFIG(OBJECT_LOCK, "ObjectLock"), .conv = PK_SAME},
    {"LifecycleConfiguration", CONFIG(LIFECYCLE, "Lifecycle"), .conv = PK_CUSTOM,
     .convert = pk_s3_lifecycle},
    {"CorsConfiguration", CONFIG(CORS, "Cors")},
    {"WebsiteConfiguration", CONFIG(WEBSITE, "Website"), .conv = PK_CUSTOM,
     .convert = pk_s3_website},
    {"LoggingConfiguration", CONFIG(LOGGING, "LoggingEnabled"), .conv = PK_CUSTOM,
     .convert = pk_s3_logging},
    {"AccelerateConfiguration", CONFIG(ACCELERATE, "Accelerate"),
     .fallback = "{\"AccelerationStatus\":\"Suspended\"}"},
    {"ReplicationConfiguration", CONFIG(REPLICATION, "ReplicationConfiguration"),
     .conv = PK_CUSTOM, .convert = plain_rules},
};

static const struct pk_prop_trait bucket_more[] = {
    {"CorsConfiguration.CorsRules[].AllowedMethods", PK_SET},
    {NULL, 0},
};

#define RUN {.run = change_config, .flags = PK_UPDATE_AFTER_CREATE}
static const struct pk_update bucket_updates[] = {RUN, RUN, RUN, RUN, RUN, RUN, RUN, RUN, RUN, RUN,
                                                  RUN, RUN};
_Static_assert(PK_ARRAY_LEN(bucket_updates) == N_CONFIGS - 1, "one update per configuration");

#define BUCKET PK_PARAMS({"Bucket", "{id}"})

static const struct pk_reader bucket_readers[] = {
    {.call = {"HeadBucket", NULL, BUCKET}},
    {.call = {"GetBucketTagging", NULL, BUCKET}, .into = "Tagging", .absent = "NoSuchTagSet"},
    {.call = {"GetBucketOwnershipControls", NULL, BUCKET}, .when = "OwnershipControls",
     .absent = "OwnershipControlsNotFoundError"},
    {.call = {"GetPublicAccessBlock", NULL, BUCKET}, .when = "PublicAccessBlockConfiguration",
     .absent = "NoSuchPublicAccessBlockConfiguration"},
    {.call = {"GetBucketEncryption", NULL, BUCKET}, .when = "BucketEncryption",
     .absent = "ServerSideEncryptionConfigurationNotFoundError"},
    {.call = {"GetBucketVersioning", NULL, BUCKET}, .when = "VersioningConfiguration",
     .into = "Versioning"},
    {.call = {"GetObjectLockConfiguration", NULL, BUCKET}, .when = "ObjectLockEnabled",
     .item = "ObjectLockConfiguration", .into = "ObjectLock",
     .absent = "ObjectLockConfigurationNotFoundError"},
    {.call = {"GetBucketLifecycleConfiguration", NULL, BUCKET}, .when = "LifecycleConfiguration",
     .into = "Lifecycle", .absent = "NoSuchLifecycleConfiguration"},
    {.call = {"GetBucketCors", NULL, BUCKET}, .when = "CorsConfiguration", .into = "Cors",
     .absent = "NoSuchCORSConfiguration"},
    {.call = {"GetBucketWebsite", NULL, BUCKET}, .when = "WebsiteConfiguration", .into = "Website",
     .absent = "NoSuchWebsiteConfiguration"},
    {.call = {"GetBucketLogging", NULL, BUCKET}, .when = "LoggingConfiguration"},
    {.call = {"GetBucketAccelerateConfiguration", NULL, BUCKET}, .when = "AccelerateConfiguration",
     .into = "Accelerate"},
    {.call = {"GetBucketReplication", NULL, BUCKET}, .when = "ReplicationConfiguration",
     .absent = "ReplicationConfigurationNotFoundError"},
};

static const struct pk_attribute bucket_attribute_list[] = {
    {"Arn", "arn:{partition}:s3:::{id}"},
    {"DomainName", "{id}.s3.{suffix}"},
    {"RegionalDomainName", "{id}.s3.{region}.{suffix}"},
    {"DualStackDomainName", "{id}.s3.dualstack.{region}.{suffix}"},
    {NULL, NULL},
};

const struct pk_type pk_type_s3_bucket = {
    .type = "AWS::S3::Bucket", .service = "s3",
    .names = bucket_names,
    .props = bucket_props, .n_props = PK_ARRAY_LEN(bucket_props), .more_traits = bucket_more,
    .name_prop = "BucketName",
    .typical_create_ms = 2000, .typical_delete_ms = 1000,
    .updates = bucket_updates, .n_updates = PK_ARRAY_LEN(bucket_updates),
    .remove = {"DeleteBucket", NULL, BUCKET}, .remove_wait = true,
    .readers = bucket_readers, .n_readers = PK_ARRAY_LEN(bucket_readers),
    .wait = {.limit_ms = 120000},
    .tags = {.shape = PK_TAGS_LIST, .create = "CreateBucketConfiguration.Tags",
             .read = "Tagging.TagSet"},
    .errors = {.gone = "NoSuchBucket|404|NotFound", .exists = "BucketAlreadyOwnedByYou",
               .busy = "OperationAborted|Conflict",
               /* A new bucket is not known everywhere at once; the same holds for roles. */
               .fresh = "NoSuchBucket|MalformedPolicy:Invalid principal",
               .delete_busy = "BucketNotEmpty"},
    .attributes = bucket_attribute_list,
    .recovery = PK_RECOVER_NAME, .find_id = "{name}",
    .do_create = bucket_create, .after_create = put_tags, .after_update = put_tags,
    .before_remove = bucket_before_remove, .normalize = bucket_normalize,
    .more_attributes = bucket_attributes,
};

/* --- bucket policy --- */

static const struct pk_prop policy_props[] = {
    {"Bucket", .read = PK_FROM_HOOK, .traits = PK_CREATE_ONLY},
    {"PolicyDocument", .create = "Policy", .update = 1, .conv = PK_JSON_AS_TEXT,
     .traits = PK_POLICY_DOC},
};

static void policy_normalize(struct pk_ctx *ctx, const json_t *item, json_t *live) {
    (void)item;
    pk_json_put_str(live, "Bucket", ctx->id);
}

static const struct pk_update policy_updates[] = {{.operation = "PutBucketPolicy", .params = BUCKET}};

static const struct pk_reader policy_readers[] = {
    {.call = {"GetBucketPolicy", NULL, BUCKET}},
};

const struct pk_type pk_type_s3_bucket_policy = {
    .type = "AWS::S3::BucketPolicy", .service = "s3",
    .props = policy_props, .n_props = PK_ARRAY_LEN(policy_props),
    .typical_create_ms = 1000, .typical_delete_ms = 1000,
    .create = {.operation = "PutBucketPolicy"}, .id = "{prop.Bucket}",
    .updates = policy_updates, .n_updates = PK_ARRAY_LEN(policy_updates),
    .remove = {"DeleteBucketPolicy", NULL, BUCKET},
    .readers = policy_readers, .n_readers = PK_ARRAY_LEN(policy_readers),
    .errors = {.gone = "NoSuchBucketPolicy|NoSuchBucket", .busy = "OperationAborted",
               .fresh = "NoSuchBucket|MalformedPolicy:Invalid principal"},
    .recovery = PK_RECOVER_NATURAL, .find_id = "{prop.Bucket}",
    .normalize = policy_normalize,
};
// clang-format on
