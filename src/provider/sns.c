/* sns.c - AWS::SNS::Topic, TopicPolicy, Subscription. */
#include "provider/policy_on.h"

#include <string.h>

#define NO_TOPIC "NotFound|NotFoundException"

/* SetTopicAttributes and SetSubscriptionAttributes change one attribute a call, by name. */
static bool name_attribute(struct pk_ctx *ctx, json_t *params, struct pk_error **err) {
    (void)err;
    pk_json_put_str(params, "AttributeName", ctx->row->name);
    return true;
}

/* --- topic --- */

/* Only FIFO topics may name the attribute. */
static json_t *fifo_flag(const struct pk_ctx *ctx, const json_t *value, bool to_api) {
    (void)ctx;
    if (!to_api)
        return json_boolean(pk_streq(json_string_value(value), "true"));
    return json_is_true(value) ? json_string("true") : NULL;
}

static void topic_normalize(struct pk_ctx *ctx, const json_t *item, json_t *live) {
    (void)ctx;
    const char *arn = pk_json_str(item, "TopicArn", ""), *colon = strrchr(arn, ':');
    if (colon)
        pk_json_put_str(live, "TopicName", colon + 1);
}

// clang-format off

#define ATTRIBUTE(name) .create = "Attributes." name, .read = name, .change = "AttributeValue", \
                        .update = 1

static const struct pk_prop topic_props[] = {
    {"TopicName", .create = "Name", .read = PK_FROM_HOOK, .traits = PK_CREATE_ONLY},
    {"FifoTopic", .create = "Attributes.FifoTopic", .read = "FifoTopic", .conv = PK_CUSTOM,
     .convert = fifo_flag, .traits = PK_CREATE_ONLY, .fallback = "false"},
    {"ContentBasedDeduplication", ATTRIBUTE("ContentBasedDeduplication"), .conv = PK_BOOL_TEXT,
     .fallback = "false"},
    {"FifoThroughputScope", ATTRIBUTE("FifoThroughputScope"), .fallback = "\"Topic\""},
    {"DisplayName", ATTRIBUTE("DisplayName"), .fallback = "\"\""},
    {"KmsMasterKeyId", ATTRIBUTE("KmsMasterKeyId"), .fallback = "\"\""},
    {"TracingConfig", ATTRIBUTE("TracingConfig"), .fallback = "\"PassThrough\""},
    {"SignatureVersion", ATTRIBUTE("SignatureVersion"), .conv = PK_NUMBER_TEXT, .fallback = "1"},
    {"DeliveryPolicy", ATTRIBUTE("DeliveryPolicy"), .conv = PK_JSON_AS_TEXT,
     .traits = PK_JSON_TEXT, .fallback = "\"\""},
    {"ArchivePolicy", ATTRIBUTE("ArchivePolicy"), .conv = PK_JSON_AS_TEXT, .traits = PK_JSON_TEXT,
     .fallback = "{}"},
    {"DataProtectionPolicy", .conv = PK_JSON_AS_TEXT, .update = 2, .traits = PK_JSON_TEXT,
     .fallback = "\"\""},
};

static const struct pk_update topic_updates[] = {
    {.operation = "SetTopicAttributes", .params = PK_PARAMS({"TopicArn", "{id}"}),
     .prepare = name_attribute, .flags = PK_UPDATE_EACH},
    {.operation = "PutDataProtectionPolicy", .params = PK_PARAMS({"ResourceArn", "{id}"})},
};

static const struct pk_reader topic_readers[] = {
    {.call = {"GetTopicAttributes", NULL, PK_PARAMS({"TopicArn", "{id}"})}, .item = "Attributes"},
    {.call = {"ListTagsForResource", NULL, PK_PARAMS({"ResourceArn", "{id}"})}, .item = "Tags",
     .into = "Tags", .absent = "ResourceNotFound|ResourceNotFoundException"},
    {.call = {"GetDataProtectionPolicy", NULL, PK_PARAMS({"ResourceArn", "{id}"})},
     .when = "DataProtectionPolicy", .absent = NO_TOPIC},
};

static const struct pk_attribute topic_attributes[] = {
    {"TopicArn", "{id}"}, {"TopicName", "{name}"}, {NULL, NULL}};

const struct pk_type pk_type_sns_topic = {
    .type = "AWS::SNS::Topic", .service = "sns",
    .props = topic_props, .n_props = PK_ARRAY_LEN(topic_props),
    .name_prop = "TopicName",
    .typical_create_ms = 1000, .typical_delete_ms = 1000,
    .create = {.operation = "CreateTopic"}, .id = "{out.TopicArn}",
    .updates = topic_updates, .n_updates = PK_ARRAY_LEN(topic_updates),
    .remove = {"DeleteTopic", NULL, PK_PARAMS({"TopicArn", "{id}"})},
    .readers = topic_readers, .n_readers = PK_ARRAY_LEN(topic_readers),
    .wait = {.limit_ms = 120000},
    .tags = {.shape = PK_TAGS_LIST, .create = "Tags", .read = "Tags",
             .tag = {"TagResource", NULL, PK_PARAMS({"ResourceArn", "{id}"})}, .tag_member = "Tags",
             .untag = {"UntagResource", NULL, PK_PARAMS({"ResourceArn", "{id}"})},
             .untag_member = "TagKeys"},
    .errors = {.gone = NO_TOPIC, .exists = "InvalidParameter:already exists",
               .busy = "ConcurrentAccess|ConcurrentAccessException|StaleTag"},
    .attributes = topic_attributes,
    .recovery = PK_RECOVER_NAME, .find_id = "arn:{partition}:sns:{region}:{account}:{name}",
    /* CreateTopic answers with an existing topic. */
    .check_first = true,
    .normalize = topic_normalize,
};

// clang-format on

/* --- topic policy --- */

/* A topic always has a policy; this is the one SNS makes, by whose Id it is known. */
static const char default_id[] = "__default_policy_ID";
static const char *const default_actions[] = {
    "SNS:GetTopicAttributes",
    "SNS:SetTopicAttributes",
    "SNS:AddPermission",
    "SNS:RemovePermission",
    "SNS:DeleteTopic",
    "SNS:Subscribe",
    "SNS:ListSubscriptionsByTopic",
    "SNS:Publish",
};

static char *default_policy(const struct pk_ctx *ctx, const char *topic) {
    json_auto_t *account = pk_ctx_value(ctx, "{account}");
    json_t *actions = json_array();
    for (size_t i = 0; i < PK_ARRAY_LEN(default_actions); i++)
        json_array_append_new(actions, json_string(default_actions[i]));
    json_auto_t *policy = json_pack(
        "{s:s, s:s, s:[{s:s, s:s, s:{s:s}, s:o, s:s, s:{s:{s:s}}}]}", "Version", "2008-10-17", "Id",
        default_id, "Statement", "Sid", "__default_statement_ID", "Effect", "Allow", "Principal",
        "AWS", "*", "Action", actions, "Resource", topic, "Condition", "StringEquals",
        "AWS:SourceOwner", account ? json_string_value(account) : "");
    return pk_json_canonical(policy);
}

static bool set_topic_policy(struct pk_ctx *ctx, const char *target, const char *text,
                             struct pk_error **err) {
    PK_CLEANUP(pk_freep) char *standard = text ? NULL : default_policy(ctx, target);
    json_t *params = json_object();
    pk_json_put_str(params, "TopicArn", target);
    pk_json_put_str(params, "AttributeName", "Policy");
    pk_json_put_str(params, "AttributeValue", text ? text : standard);
    return pk_ctx_call(ctx, NULL, "SetTopicAttributes", params, NULL, err);
}

static bool get_topic_policy(struct pk_ctx *ctx, const char *target, char **ret,
                             struct pk_error **err) {
    json_auto_t *answer = NULL;
    json_t *params = json_pack("{s:s}", "TopicArn", target);
    if (!pk_ctx_call(ctx, NULL, "GetTopicAttributes", params, &answer, err))
        return false;
    const char *text = pk_json_str(answer, "Attributes.Policy", "");
    json_auto_t *policy = json_loads(text, JSON_REJECT_DUPLICATES, NULL);
    bool standard = pk_streq(pk_json_str(policy, "Id", NULL), default_id);
    *ret = *text && !standard ? pk_strdup(text) : NULL;
    return true;
}

static const struct pk_policy_on on_topics = {"Topics", set_topic_policy, get_topic_policy};

static enum pk_progress policy_create(struct pk_ctx *ctx, struct pk_error **err) {
    return pk_policy_on_create(ctx, &on_topics, err);
}

static enum pk_progress policy_change(struct pk_ctx *ctx, const struct pk_update *update,
                                      struct pk_error **err) {
    (void)update;
    return pk_policy_on_update(ctx, &on_topics, err);
}

static enum pk_progress policy_remove(struct pk_ctx *ctx, struct pk_error **err) {
    return pk_policy_on_remove(ctx, &on_topics, err);
}

static bool policy_read(struct pk_ctx *ctx, json_t **ret, struct pk_error **err) {
    return pk_policy_on_read(ctx, &on_topics, ret, err);
}

// clang-format off

static const struct pk_prop policy_props[] = {
    {"Topics", .update = 1, .traits = PK_SET},
    {"PolicyDocument", .update = 1, .conv = PK_JSON_AS_TEXT, .traits = PK_POLICY_DOC},
};

static const struct pk_update policy_updates[] = {{.run = policy_change}};

const struct pk_type pk_type_sns_topic_policy = {
    .type = "AWS::SNS::TopicPolicy", .service = "sns",
    .props = policy_props, .n_props = PK_ARRAY_LEN(policy_props),
    .typical_create_ms = 1000, .typical_delete_ms = 1000,
    .updates = policy_updates, .n_updates = PK_ARRAY_LEN(policy_updates),
    .errors = {.gone = NO_TOPIC, .fresh = "InvalidParameter:PrincipalNotFound"},
    .recovery = PK_RECOVER_NATURAL, .find_id = "{prop.Topics[0]}",
    .do_create = policy_create, .do_read = policy_read, .do_remove = policy_remove,
};

// clang-format on

/* --- subscription --- */

/* An attribute is removed with an empty value; these two know another way. */
static bool change_subscription(struct pk_ctx *ctx, json_t *params, struct pk_error **err) {
    const char *value = pk_json_str(params, "AttributeValue", "");
    if (*value == '\0' && pk_streq(ctx->row->name, "FilterPolicy"))
        pk_json_put_str(params, "AttributeValue", "{}");
    else if (*value == '\0' && pk_streq(ctx->row->name, "RedrivePolicy"))
        json_object_del(params, "AttributeValue");
    return name_attribute(ctx, params, err);
}

static bool is_pending(const json_t *item) {
    return pk_streq(pk_json_str(item, "PendingConfirmation", "false"), "true");
}

static enum pk_progress subscription_ready(struct pk_ctx *ctx, const json_t *item,
                                           struct pk_error **err) {
    (void)err;
    if (is_pending(item))
        pk_error_set(&ctx->op->note, "waits for its confirmation at the endpoint");
    return PK_DONE;
}

/* SNS refuses to unsubscribe what was never confirmed; it goes by itself after three days. */
static enum pk_progress subscription_remove(struct pk_ctx *ctx, struct pk_error **err) {
    json_auto_t *item = NULL;
    if (!pk_ctx_read(ctx, &item, err))
        return PK_FAILED;
    if (item && is_pending(item)) {
        pk_error_set(&ctx->op->note, "was never confirmed; SNS drops it after 3 days");
        return PK_DONE;
    }
    json_t *params = json_pack("{s:s}", "SubscriptionArn", ctx->id);
    return pk_ctx_call(ctx, NULL, "Unsubscribe", params, NULL, err) ? PK_DONE : PK_FAILED;
}

/* In lists an unconfirmed subscription has no ARN; subscribing again gives it. */
static enum pk_found judge_subscription(struct pk_ctx *ctx, const json_t *item) {
    (void)ctx;
    return pk_starts_with(pk_json_str(item, "SubscriptionArn", ""), "arn:") ? PK_OURS : PK_ABSENT;
}

// clang-format off

static const struct pk_prop subscription_props[] = {
    {"TopicArn", .traits = PK_CREATE_ONLY | PK_DELETE_FIRST},
    {"Protocol", .traits = PK_CREATE_ONLY | PK_DELETE_FIRST},
    {"Endpoint", .traits = PK_CREATE_ONLY | PK_DELETE_FIRST},
    {"SubscriptionRoleArn", ATTRIBUTE("SubscriptionRoleArn")},
    /* The scope decides how the policy is understood, so it comes first. */
    {"FilterPolicyScope", ATTRIBUTE("FilterPolicyScope"), .fallback = "\"MessageAttributes\""},
    {"FilterPolicy", ATTRIBUTE("FilterPolicy"), .conv = PK_JSON_AS_TEXT, .traits = PK_JSON_TEXT,
     .fallback = "\"\""},
    {"RawMessageDelivery", ATTRIBUTE("RawMessageDelivery"), .conv = PK_BOOL_TEXT,
     .fallback = "false"},
    {"RedrivePolicy", ATTRIBUTE("RedrivePolicy"), .conv = PK_JSON_AS_TEXT, .traits = PK_JSON_TEXT,
     .fallback = "\"\""},
    {"DeliveryPolicy", ATTRIBUTE("DeliveryPolicy"), .conv = PK_JSON_AS_TEXT,
     .traits = PK_JSON_TEXT, .fallback = "\"\""},
};

static const struct pk_update subscription_updates[] = {
    {.operation = "SetSubscriptionAttributes", .params = PK_PARAMS({"SubscriptionArn", "{id}"}),
     .prepare = change_subscription, .flags = PK_UPDATE_EACH},
};

static const struct pk_reader subscription_readers[] = {
    {.call = {"GetSubscriptionAttributes", NULL, PK_PARAMS({"SubscriptionArn", "{id}"})},
     .item = "Attributes"},
};

static const struct pk_reader subscription_finder = {
    .call = {"ListSubscriptionsByTopic", NULL, PK_PARAMS({"TopicArn", "{prop.TopicArn}"})},
    .paged = true, .list = "Subscriptions", .match = "{out.Protocol} {out.Endpoint}",
    .want = "{prop.Protocol} {prop.Endpoint}"};

static const struct pk_attribute subscription_attributes[] = {{"Arn", "{id}"}, {NULL, NULL}};

const struct pk_type pk_type_sns_subscription = {
    .type = "AWS::SNS::Subscription", .service = "sns",
    .props = subscription_props, .n_props = PK_ARRAY_LEN(subscription_props),
    .typical_create_ms = 1000, .typical_delete_ms = 1000,
    .create = {"Subscribe", NULL, PK_PARAMS({"ReturnSubscriptionArn", "json:true"})},
    .id = "{out.SubscriptionArn}",
    .updates = subscription_updates, .n_updates = PK_ARRAY_LEN(subscription_updates),
    .readers = subscription_readers, .n_readers = PK_ARRAY_LEN(subscription_readers),
    .errors = {.gone = NO_TOPIC, .exists = "InvalidParameter:already exists",
               /* The queue's policy or the function's permission is on its way. */
               .fresh = "InvalidParameter:not authorized"},
    .attributes = subscription_attributes,
    .recovery = PK_RECOVER_NATURAL, .finder = &subscription_finder,
    .find_item_id = "{out.SubscriptionArn}",
    .ready = subscription_ready, .do_remove = subscription_remove, .judge = judge_subscription,
};
// clang-format on
