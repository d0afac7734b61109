/*
 * s3_notification.c - Panka::S3::BucketNotification: what a bucket tells queues, topics and
 * functions.
 *
 * A bucket has one configuration for everybody, so it is read, changed and written back; entries of
 * ours have ids that start with "panka-". NotificationConfiguration has the shape of
 * AWS::S3::Bucket's property of that name; Event may also be a list called Events, and an entry may
 * have an Id.
 */
#include "provider/types.h"

#include "base/hash.h"

#include <ctype.h>
#include <string.h>

#define OURS "panka-"

/* One list of entries: CloudFormation's and S3's names of list and target. */
struct target {
    const char *cfn_list, *api_list, *cfn, *api;
};
static const struct target targets[] = {
    {"LambdaConfigurations", "LambdaFunctionConfigurations", "Function", "LambdaFunctionArn"},
    {"QueueConfigurations", "QueueConfigurations", "Queue", "QueueArn"},
    {"TopicConfigurations", "TopicConfigurations", "Topic", "TopicArn"},
};

/* --- one entry --- */

static json_t *lower_name(const json_t *rule) {
    char name[16] = "";
    const char *text = pk_json_str(rule, "Name", "");
    for (size_t i = 0; text[i] && i < sizeof name - 1; i++)
        name[i] = (char)tolower((unsigned char)text[i]);
    return json_pack("{s:s, s:s}", "Name", name, "Value", pk_json_str(rule, "Value", ""));
}

/* S3 gives "Prefix" back for "prefix", and events in any order. */
static json_t *normal_rules(const json_t *rules) {
    json_t *list = json_array();
    for (size_t i = 0; i < json_array_size(rules); i++)
        json_array_append_new(list, lower_name(json_array_get(rules, i)));
    return list;
}

static json_t *normal_events(const json_t *entry) {
    json_t *events = json_object_get(entry, "Events");
    json_t *one = json_object_get(entry, "Event");
    json_t *list = json_is_array(events) ? json_deep_copy(events) : json_array();
    if (one)
        json_array_append(list, one);
    pk_json_sort_strings(list);
    return list;
}

static json_t *normal_entry(json_t *events, const json_t *rules, const char *target,
                            const struct target *kind) {
    json_t *ret = json_pack("{s:o}", "Events", events);
    pk_json_put_str(ret, kind->api, target);
    if (json_array_size(rules))
        pk_json_put(ret, "Filter.Key.FilterRules", normal_rules(rules));
    return ret;
}

/* The request's form of a written entry, without Id. */
static json_t *written_entry(const json_t *entry, const struct target *kind) {
    return normal_entry(normal_events(entry), pk_json_at(entry, "Filter.S3Key.Rules"),
                        pk_json_str(entry, kind->cfn, NULL), kind);
}

/* The same of an entry that S3 shows. */
static json_t *live_entry(const json_t *entry, const struct target *kind) {
    return normal_entry(normal_events(entry), pk_json_at(entry, "Filter.Key.FilterRules"),
                        pk_json_str(entry, kind->api, NULL), kind);
}

static json_t *entry_id(const json_t *written, const json_t *api) {
    const char *id = pk_json_str(written, "Id", NULL);
    char digest[PK_SHA256_HEX_SIZE];
    if (id)
        return pk_starts_with(id, OURS) ? pk_json_text(id) : pk_json_textf(OURS "%s", id);
    pk_json_sha256(api, digest);
    return pk_json_textf(OURS "%.8s", digest);
}

static bool is_ours(const json_t *entry) {
    return pk_starts_with(pk_json_str(entry, "Id", ""), OURS);
}

/* --- writing --- */

static json_t *merged_list(const struct target *kind, const json_t *live, const json_t *wanted) {
    json_t *ret = json_array();
    const json_t *list = json_object_get(live, kind->api_list);
    for (size_t i = 0; i < json_array_size(list); i++)
        if (!is_ours(json_array_get(list, i)))
            json_array_append(ret, json_array_get(list, i));
    list = json_object_get(wanted, kind->cfn_list);
    for (size_t i = 0; i < json_array_size(list); i++) {
        const json_t *written = json_array_get(list, i);
        json_t *entry = written_entry(written, kind);
        json_object_set_new(entry, "Id", entry_id(written, entry));
        json_array_append_new(ret, entry);
    }
    return ret;
}

/* EventBridgeEnabled is implied by the block's presence. */
static bool event_bridge(const json_t *config) {
    const json_t *block = json_object_get(config, "EventBridgeConfiguration");
    return block && pk_json_bool(block, "EventBridgeEnabled", true);
}

static json_t *merged(const json_t *live, const json_t *wanted, const json_t *before) {
    json_t *config = json_object();
    for (size_t i = 0; i < PK_ARRAY_LEN(targets); i++) {
        json_t *list = merged_list(&targets[i], live, wanted);
        if (json_array_size(list))
            json_object_set(config, targets[i].api_list, list);
        json_decref(list);
    }
    bool others = json_object_get(live, "EventBridgeConfiguration") && !event_bridge(before);
    if (event_bridge(wanted) || others)
        json_object_set_new(config, "EventBridgeConfiguration", json_object());
    return config;
}

static bool get_config(struct pk_ctx *ctx, const char *bucket, json_t **ret,
                       struct pk_error **err) {
    json_t *params = json_pack("{s:s}", "Bucket", bucket);
    return pk_ctx_call(ctx, NULL, "GetBucketNotificationConfiguration", params, ret, err);
}

static bool write_config(struct pk_ctx *ctx, const char *bucket, const json_t *wanted,
                         struct pk_error **err) {
    json_auto_t *live = NULL;
    if (!get_config(ctx, bucket, &live, err))
        return false;
    const json_t *before =
        ctx->prior ? json_object_get(ctx->prior, "NotificationConfiguration") : NULL;
    json_t *params = json_pack("{s:s}", "Bucket", bucket);
    json_object_set_new(params, "NotificationConfiguration", merged(live, wanted, before));
    return pk_ctx_call(ctx, NULL, "PutBucketNotificationConfiguration", params, NULL, err);
}

static enum pk_progress notification_create(struct pk_ctx *ctx, struct pk_error **err) {
    const char *bucket = pk_json_str(ctx->props, "Bucket", "");
    if (!write_config(ctx, bucket, json_object_get(ctx->props, "NotificationConfiguration"), err))
        return PK_FAILED;
    pk_ctx_set_id(ctx, bucket);
    return PK_DONE;
}

static enum pk_progress notification_change(struct pk_ctx *ctx, const struct pk_update *update,
                                            struct pk_error **err) {
    (void)update;
    const json_t *wanted = json_object_get(ctx->props, "NotificationConfiguration");
    return write_config(ctx, ctx->id, wanted, err) ? PK_DONE : PK_FAILED;
}

static enum pk_progress notification_remove(struct pk_ctx *ctx, struct pk_error **err) {
    return write_config(ctx, ctx->id, NULL, err) ? PK_DONE : PK_FAILED;
}

/* --- reading --- */

/* An entry in CloudFormation's shape: as it was written when it is one of those. */
static json_t *shown_entry(const json_t *api, const struct target *kind, const json_t *written) {
    for (size_t i = 0; i < json_array_size(written); i++) {
        json_auto_t *other = written_entry(json_array_get(written, i), kind);
        if (pk_json_equal(other, api))
            return json_deep_copy(json_array_get(written, i));
    }
    json_t *ret = json_pack("{s:O}", "Events", json_object_get(api, "Events"));
    pk_json_put_str(ret, kind->cfn, pk_json_str(api, kind->api, NULL));
    json_t *rules = pk_json_at(api, "Filter.Key.FilterRules");
    if (rules)
        pk_json_put(ret, "Filter.S3Key.Rules", json_incref(rules));
    return ret;
}

static void notification_normalize(struct pk_ctx *ctx, const json_t *item, json_t *live) {
    const json_t *prior =
        ctx->prior ? json_object_get(ctx->prior, "NotificationConfiguration") : NULL;
    json_t *config = json_object();
    for (size_t i = 0; i < PK_ARRAY_LEN(targets); i++) {
        const struct target *kind = &targets[i];
        const json_t *list = json_object_get(item, kind->api_list);
        json_t *shown = json_array();
        for (size_t k = 0; k < json_array_size(list); k++) {
            const json_t *entry = json_array_get(list, k);
            json_auto_t *api = is_ours(entry) ? live_entry(entry, kind) : NULL;
            if (api)
                json_array_append_new(
                    shown, shown_entry(api, kind, json_object_get(prior, kind->cfn_list)));
        }
        if (json_array_size(shown) || json_object_get(prior, kind->cfn_list))
            json_object_set(config, kind->cfn_list, shown);
        json_decref(shown);
    }
    if (json_object_get(item, "EventBridgeConfiguration")) {
        json_t *written = json_object_get(prior, "EventBridgeConfiguration");
        json_object_set_new(config, "EventBridgeConfiguration",
                            event_bridge(prior) ? json_deep_copy(written)
                                                : json_pack("{s:b}", "EventBridgeEnabled", 1));
    }
    pk_json_put_str(live, "Bucket", ctx->id);
    json_object_set_new(live, "NotificationConfiguration", config);
}

/* Gone when the bucket is, or nothing of ours is in its configuration. */
static bool notification_read(struct pk_ctx *ctx, json_t **ret, struct pk_error **err) {
    json_t *live = NULL;
    struct pk_error *error = NULL;
    *ret = NULL;
    if (!get_config(ctx, ctx->id, &live, &error)) {
        if (pk_error_in(error, ctx->type->errors.gone)) {
            pk_error_free(error);
            return true;
        }
        *err = error;
        return false;
    }
    bool any = json_object_get(live, "EventBridgeConfiguration") != NULL;
    for (size_t i = 0; i < PK_ARRAY_LEN(targets); i++) {
        const json_t *list = json_object_get(live, targets[i].api_list);
        for (size_t k = 0; k < json_array_size(list); k++)
            any = any || is_ours(json_array_get(list, k));
    }
    if (any)
        *ret = live;
    else
        json_decref(live);
    return true;
}

// clang-format off

static const struct pk_prop notification_props[] = {
    {"Bucket", .read = PK_FROM_HOOK, .traits = PK_CREATE_ONLY},
    {"NotificationConfiguration", .read = PK_FROM_HOOK, .update = 1},
};

static const struct pk_prop_trait notification_more[] = {
    {"NotificationConfiguration.LambdaConfigurations", PK_SET},
    {"NotificationConfiguration.QueueConfigurations", PK_SET},
    {"NotificationConfiguration.TopicConfigurations", PK_SET},
    {NULL, 0},
};

static const struct pk_update notification_updates[] = {{.run = notification_change}};

const struct pk_type pk_type_s3_notification = {
    .type = "Panka::S3::BucketNotification", .service = "s3",
    .props = notification_props, .n_props = PK_ARRAY_LEN(notification_props),
    .more_traits = notification_more,
    .typical_create_ms = 1000, .typical_delete_ms = 1000,
    .updates = notification_updates, .n_updates = PK_ARRAY_LEN(notification_updates),
    .errors = {.gone = "NoSuchBucket", .busy = "OperationAborted",
               /* S3 tries the targets, whose policies may not be known everywhere yet. */
               .fresh = "NoSuchBucket|InvalidArgument:Unable to validate the following destination"},
    .recovery = PK_RECOVER_NATURAL, .find_id = "{prop.Bucket}",
    .do_create = notification_create, .do_read = notification_read,
    .do_remove = notification_remove, .normalize = notification_normalize,
};
// clang-format on
