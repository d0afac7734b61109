/* sqs.c - AWS::SQS::Queue, AWS::SQS::QueuePolicy. */
#include "provider/policy_on.h"

#include <string.h>

#define NO_QUEUE "QueueDoesNotExist|AWS.SimpleQueueService.NonExistentQueue"

/* --- queue --- */

/* SQS refuses FifoQueue=false: a standard queue must not have the attribute at all. */
static json_t *fifo_flag(const struct pk_ctx *ctx, const json_t *value, bool to_api) {
    (void)ctx;
    if (!to_api)
        return json_boolean(pk_streq(json_string_value(value), "true"));
    return json_is_true(value) ? json_string("true") : NULL;
}

/* A queue has one kind of encryption; the key wins and switches SQS's own off by itself. */
static void one_encryption(json_t *params) {
    json_t *attributes = json_object_get(params, "Attributes");
    const char *key = json_string_value(json_object_get(attributes, "KmsMasterKeyId"));
    if (key && *key)
        json_object_del(attributes, "SqsManagedSseEnabled");
}

static bool queue_before_create(struct pk_ctx *ctx, json_t *params, struct pk_error **err) {
    (void)ctx;
    (void)err;
    one_encryption(params);
    return true;
}

static bool queue_prepare(struct pk_ctx *ctx, json_t *params, struct pk_error **err) {
    (void)ctx;
    (void)err;
    one_encryption(params);
    return true;
}

static void queue_normalize(struct pk_ctx *ctx, const json_t *item, json_t *live) {
    (void)ctx;
    const char *arn = pk_json_str(item, "QueueArn", ""), *colon = strrchr(arn, ':');
    if (colon)
        pk_json_put_str(live, "QueueName", colon + 1);
}

/* Messages do not stop a deletion (deletion protection does, in the plan), but people are told. */
static enum pk_progress queue_before_remove(struct pk_ctx *ctx, struct pk_error **err) {
    json_auto_t *answer = NULL;
    json_t *params = json_pack(
        "{s:s, s:[s, s, s]}", "QueueUrl", ctx->id, "AttributeNames", "ApproximateNumberOfMessages",
        "ApproximateNumberOfMessagesNotVisible", "ApproximateNumberOfMessagesDelayed");
    if (!pk_ctx_call(ctx, NULL, "GetQueueAttributes", params, &answer, err))
        return PK_FAILED;
    int64_t total = 0;
    const char *name;
    json_t *value;
    json_object_foreach(json_object_get(answer, "Attributes"), name, value) {
        int64_t count = 0;
        if (json_is_string(value) && pk_parse_i64(pk_str(json_string_value(value)), &count))
            total += count;
    }
    if (total > 0) {
        PK_CLEANUP(pk_freep)
        char *note = pk_asprintf("deleted with about %lld messages", (long long)total);
        pk_error_set(&ctx->op->note, note);
    }
    return PK_DONE;
}

// clang-format off

/* In CreateQueue and SetQueueAttributes all of them stand in the map Attributes. */
#define ATTRIBUTE(name) .create = "Attributes." name, .read = name

static const struct pk_prop queue_props[] = {
    {"QueueName", .read = PK_FROM_HOOK, .traits = PK_CREATE_ONLY},
    {"FifoQueue", ATTRIBUTE("FifoQueue"), .conv = PK_CUSTOM, .convert = fifo_flag,
     .traits = PK_CREATE_ONLY, .fallback = "false"},
    {"ContentBasedDeduplication", ATTRIBUTE("ContentBasedDeduplication"), .update = 1,
     .conv = PK_BOOL_TEXT, .fallback = "false"},
    {"DeduplicationScope", ATTRIBUTE("DeduplicationScope"), .update = 1, .fallback = "\"queue\""},
    {"FifoThroughputLimit", ATTRIBUTE("FifoThroughputLimit"), .update = 1,
     .fallback = "\"perQueue\""},
    {"DelaySeconds", ATTRIBUTE("DelaySeconds"), .update = 1, .conv = PK_NUMBER_TEXT,
     .fallback = "0"},
    {"MaximumMessageSize", ATTRIBUTE("MaximumMessageSize"), .update = 1, .conv = PK_NUMBER_TEXT,
     .fallback = "1048576"},
    {"MessageRetentionPeriod", ATTRIBUTE("MessageRetentionPeriod"), .update = 1,
     .conv = PK_NUMBER_TEXT, .fallback = "345600"},
    {"ReceiveMessageWaitTimeSeconds", ATTRIBUTE("ReceiveMessageWaitTimeSeconds"), .update = 1,
     .conv = PK_NUMBER_TEXT, .fallback = "0"},
    {"VisibilityTimeout", ATTRIBUTE("VisibilityTimeout"), .update = 1, .conv = PK_NUMBER_TEXT,
     .fallback = "30"},
    {"RedrivePolicy", ATTRIBUTE("RedrivePolicy"), .update = 1, .conv = PK_JSON_AS_TEXT,
     .traits = PK_JSON_TEXT, .fallback = "\"\""},
    {"RedriveAllowPolicy", ATTRIBUTE("RedriveAllowPolicy"), .update = 1, .conv = PK_JSON_AS_TEXT,
     .traits = PK_JSON_TEXT, .fallback = "\"\""},
    {"KmsMasterKeyId", ATTRIBUTE("KmsMasterKeyId"), .update = 1, .fallback = "\"\""},
    {"KmsDataKeyReusePeriodSeconds", ATTRIBUTE("KmsDataKeyReusePeriodSeconds"), .update = 1,
     .conv = PK_NUMBER_TEXT, .fallback = "300"},
    {"SqsManagedSseEnabled", ATTRIBUTE("SqsManagedSseEnabled"), .update = 1, .conv = PK_BOOL_TEXT,
     .fallback = "true"},
};

static const struct pk_update queue_updates[] = {
    {.operation = "SetQueueAttributes", .params = PK_PARAMS({"QueueUrl", "{id}"}),
     .prepare = queue_prepare},
};

static const struct pk_reader queue_readers[] = {
    {.call = {"GetQueueAttributes", NULL,
              PK_PARAMS({"QueueUrl", "{id}"}, {"AttributeNames", "json:[\"All\"]"})},
     .item = "Attributes"},
    {.call = {"ListQueueTags", NULL, PK_PARAMS({"QueueUrl", "{id}"})}, .item = "Tags",
     .into = "Tags", .absent = NO_QUEUE},
};

static const struct pk_reader queue_finder = {
    .call = {"GetQueueUrl", NULL, PK_PARAMS({"QueueName", "{name}"})}, .absent = NO_QUEUE};

static const struct pk_attribute queue_attributes[] = {
    {"Arn", "QueueArn"}, {"QueueName", "{name}"}, {"QueueUrl", "{id}"}, {NULL, NULL}};

const struct pk_type pk_type_sqs_queue = {
    .type = "AWS::SQS::Queue", .service = "sqs",
    .props = queue_props, .n_props = PK_ARRAY_LEN(queue_props),
    .name_prop = "QueueName",
    .typical_create_ms = 2000, .typical_delete_ms = 1000,
    .create = {.operation = "CreateQueue"}, .id = "{out.QueueUrl}",
    .updates = queue_updates, .n_updates = PK_ARRAY_LEN(queue_updates),
    .remove = {"DeleteQueue", NULL, PK_PARAMS({"QueueUrl", "{id}"})},
    .readers = queue_readers, .n_readers = PK_ARRAY_LEN(queue_readers),
    .wait = {.limit_ms = 120000},
    .tags = {.shape = PK_TAGS_MAP, .create = "tags", .read = "Tags",
             .tag = {"TagQueue", NULL, PK_PARAMS({"QueueUrl", "{id}"})}, .tag_member = "Tags",
             .untag = {"UntagQueue", NULL, PK_PARAMS({"QueueUrl", "{id}"})},
             .untag_member = "TagKeys"},
    .errors = {.gone = NO_QUEUE, .exists = "QueueNameExists|QueueAlreadyExists",
               .busy = "QueueDeletedRecently|AWS.SimpleQueueService.QueueDeletedRecently"},
    .attributes = queue_attributes,
    .recovery = PK_RECOVER_NAME, .finder = &queue_finder, .find_item_id = "{out.QueueUrl}",
    .find_tags_apart = true,
    /* CreateQueue answers with an existing queue whose attributes are the same. */
    .check_first = true,
    .before_create = queue_before_create, .normalize = queue_normalize,
    .before_remove = queue_before_remove,
};

// clang-format on

/* --- queue policy --- */

static bool set_queue_policy(struct pk_ctx *ctx, const char *target, const char *text,
                             struct pk_error **err) {
    json_t *params = json_object();
    pk_json_put_str(params, "QueueUrl", target);
    pk_json_put_str(params, "Attributes.Policy", text ? text : "");
    return pk_ctx_call(ctx, NULL, "SetQueueAttributes", params, NULL, err);
}

static bool get_queue_policy(struct pk_ctx *ctx, const char *target, char **ret,
                             struct pk_error **err) {
    json_auto_t *answer = NULL;
    json_t *params = json_pack("{s:s, s:[s]}", "QueueUrl", target, "AttributeNames", "Policy");
    if (!pk_ctx_call(ctx, NULL, "GetQueueAttributes", params, &answer, err))
        return false;
    const char *text = pk_json_str(answer, "Attributes.Policy", "");
    *ret = *text ? pk_strdup(text) : NULL;
    return true;
}

static const struct pk_policy_on on_queues = {"Queues", set_queue_policy, get_queue_policy};

static enum pk_progress policy_create(struct pk_ctx *ctx, struct pk_error **err) {
    return pk_policy_on_create(ctx, &on_queues, err);
}

static enum pk_progress policy_change(struct pk_ctx *ctx, const struct pk_update *update,
                                      struct pk_error **err) {
    (void)update;
    return pk_policy_on_update(ctx, &on_queues, err);
}

static enum pk_progress policy_remove(struct pk_ctx *ctx, struct pk_error **err) {
    return pk_policy_on_remove(ctx, &on_queues, err);
}

static bool policy_read(struct pk_ctx *ctx, json_t **ret, struct pk_error **err) {
    return pk_policy_on_read(ctx, &on_queues, ret, err);
}

// clang-format off

static const struct pk_prop policy_props[] = {
    {"Queues", .update = 1, .traits = PK_SET},
    {"PolicyDocument", .update = 1, .conv = PK_JSON_AS_TEXT, .traits = PK_POLICY_DOC},
};

static const struct pk_update policy_updates[] = {{.run = policy_change}};

const struct pk_type pk_type_sqs_queue_policy = {
    .type = "AWS::SQS::QueuePolicy", .service = "sqs",
    .props = policy_props, .n_props = PK_ARRAY_LEN(policy_props),
    .typical_create_ms = 1000, .typical_delete_ms = 1000,
    .updates = policy_updates, .n_updates = PK_ARRAY_LEN(policy_updates),
    .errors = {.gone = NO_QUEUE, .fresh = "InvalidAttributeValue:Policy"},
    .recovery = PK_RECOVER_NATURAL, .find_id = "{prop.Queues[0]}",
    .do_create = policy_create, .do_read = policy_read, .do_remove = policy_remove,
};
// clang-format on
