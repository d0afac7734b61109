/* sns.c - the kind SNS: a topic with its subscriptions and the policy of its publishers. */
#include "component/internal.h"
#include "component/kinds.h"
#include "component/policy.h"

#include "base/hash.h"
#include "base/str.h"

#include <string.h>

#define TOPIC "AWS::SNS::Topic"
#define MAX_FILTER_KEYS 5

/* clang-format off */
static const struct pk_field fields[] = {
    {.path = "displayName", .type = PK_T_STR, .min = 0, .max = 100, .change = "U", .diag = "sns.display-name",
     .feeds = "DisplayName", .doc = "Name shown to people who get messages."},
    {.path = "fifoTopic", .type = PK_T_BOOL, .def = "false", .change = "R+", .feeds = "FifoTopic", .doc = "In order, exactly once; delivers to fifo queues only."},
    {.path = "contentBasedDeduplication", .type = PK_T_BOOL, .change = "U", .feeds = "ContentBasedDeduplication",
     .doc = "fifo: the content of a message is its deduplication id."},
    {.path = "deliveryPolicy", .type = PK_T_JSON, .change = "U", .feeds = "DeliveryPolicy", .doc = "Retries of deliveries over HTTP."},
    {.path = "encryption.enabled", .type = PK_T_BOOL, .def = "false", .change = "U", .feeds = "KmsMasterKeyId",
     .doc = "Encryption at rest. Off by default: AWS services cannot publish through the AWS-managed key."},
    {.path = "encryption.kmsKey", .type = PK_T_STR, .def = "alias/aws/sns", .flags = PK_F_NOEMPTY | PK_F_DEFERRABLE, .change = "U", .feeds = "KmsMasterKeyId",
     .doc = "KMS key: ARN, id or alias/…"},
    {.path = "tracing", .type = PK_T_BOOL, .def = "false", .change = "U", .feeds = "TracingConfig", .doc = "X-Ray tracing of messages (not for fifo)."},
    {.path = "subscriptions", .type = PK_T_LIST, .max = 1000, .change = "U", .feeds = "Subscription", .doc = "Who gets the messages."},
    {.path = "subscriptions[].name", .type = PK_T_STR, .flags = PK_F_NOEMPTY, .doc = "Name of the entry, for overlays."},
    {.path = "subscriptions[].protocol", .type = PK_T_ENUM, .flags = PK_F_REQUIRED, .change = "R-",
     .allowed = "http|https|email|email-json|sms|sqs|lambda|application|firehose", .feeds = "Protocol", .doc = "How messages are delivered."},
    {.path = "subscriptions[].endpoint", .type = PK_T_STR, .flags = PK_F_DEFERRABLE | PK_F_NOEMPTY, .change = "R-", .feeds = "Endpoint",
     .doc = "URL, address, phone number or ARN."},
    {.path = "subscriptions[].component", .type = PK_T_REF, .change = "R-", .feeds = "Endpoint", .doc = "An SQS or Lambda component instead of an endpoint."},
    {.path = "subscriptions[].filterPolicy", .type = PK_T_JSON, .change = "U", .feeds = "FilterPolicy", .doc = "Which messages are delivered; at most five keys."},
    {.path = "subscriptions[].filterPolicyScope", .type = PK_T_ENUM, .allowed = "MessageAttributes|MessageBody", .change = "U",
     .feeds = "FilterPolicyScope", .doc = "What the filter looks at."},
    {.path = "subscriptions[].rawMessageDelivery", .type = PK_T_BOOL, .change = "U", .feeds = "RawMessageDelivery", .doc = "The message alone, without the envelope."},
    {.path = "subscriptions[].deadLetterQueue.component", .type = PK_T_REF, .change = "U", .feeds = "RedrivePolicy",
     .doc = "SQS component for messages that could not be delivered."},
    {.path = "subscriptions[].deliveryPolicy", .type = PK_T_JSON, .change = "U", .feeds = "DeliveryPolicy", .doc = "Retries of this subscription (http, https)."},
    {.path = "policy.statements", .type = PK_T_LIST, .change = "U", .feeds = "TopicPolicy", .doc = "IAM statements; `Resource: self` means this topic."},
    {.path = "policy.statements[]", .type = PK_T_OBJECT, .flags = PK_F_OPEN | PK_F_DEFERRABLE, .doc = "One statement."},
};

static const struct pk_output outputs[] = {
    {"topicArn", NULL, "ARN of the topic"},
    {"topicName", NULL, "Name of the topic"},
};
/* clang-format on */

static json_t *topic_arn(struct pk_expansion *x, const struct pk_component *c) {
    return pk_x_arn(x, "sns", "%s", pk_x_name_of(x, c, NULL, TOPIC));
}

static bool is_endpoint(const char *protocol, const char *endpoint) {
    if (pk_streq(protocol, "http") || pk_streq(protocol, "https")) {
        const char *scheme = pk_streq(protocol, "http") ? "http://" : "https://";
        return pk_starts_with(endpoint, scheme) && endpoint[strlen(scheme)];
    }
    if (pk_streq(protocol, "email") || pk_streq(protocol, "email-json")) {
        const char *at = strchr(endpoint, '@');
        return at && at != endpoint && strchr(at, '.') && !strchr(at + 1, '@');
    }
    if (pk_streq(protocol, "sms"))
        return endpoint[0] == '+' && strspn(endpoint + 1, "0123456789") == strlen(endpoint + 1) &&
               strlen(endpoint) >= 8 && strlen(endpoint) <= 16;
    return pk_starts_with(endpoint, "arn:");
}

static void check_target(struct pk_expansion *x, const struct pk_component *c, const char *at,
                         const json_t *s) {
    const char *protocol = pk_json_str(s, "protocol", ""),
               *endpoint = pk_json_str(s, "endpoint", NULL);
    const char *component = pk_json_str(s, "component", NULL);
    const char *path = pk_arena_printf(x->arena, "%s.%s", at, component ? "component" : "endpoint");
    if ((component != NULL) == (json_object_get(s, "endpoint") != NULL)) {
        struct pk_diag *d = pk_x_finding(x, c, PK_SEVERITY_ERROR, "sns.endpoint-format", at,
                                         "a subscription has either `endpoint` or `component`");
        pk_diag_help(x->diags, d, "name an SQS or Lambda component, or give the endpoint");
        return;
    }
    if (endpoint && !is_endpoint(protocol, endpoint))
        pk_x_finding(x, c, PK_SEVERITY_ERROR, "sns.endpoint-format", path,
                     "\"%s\" is no endpoint for %s", endpoint, protocol);
    const struct pk_component *target = component ? pk_x_ref(x, c, path) : NULL;
    const char *wanted = pk_streq(protocol, "sqs")      ? "SQS"
                         : pk_streq(protocol, "lambda") ? "Lambda"
                                                        : NULL;
    if (target && !pk_streq(target->kind, wanted))
        pk_x_finding(x, c, PK_SEVERITY_ERROR, "sns.endpoint-format", path,
                     "protocol %s cannot deliver to %s, which is %s", protocol, target->address,
                     target->kind);
    if (!pk_spec_bool(c, "fifoTopic"))
        return;
    bool fifo_queue =
        pk_streq(protocol, "sqs") && (!target || pk_streq(pk_spec_str(target, "type"), "fifo"));
    if (!fifo_queue) {
        struct pk_diag *d = pk_x_finding(x, c, PK_SEVERITY_ERROR, "sns.fifo-protocol", path,
                                         "a fifo topic delivers to fifo queues only");
        pk_diag_help(x->diags, d, "subscribe an SQS component with `type: fifo`");
    }
}

static void check(struct pk_expansion *x, const struct pk_component *c) {
    size_t i;
    json_t *s;
    json_array_foreach(pk_spec_get(c, "subscriptions"), i, s) {
        const char *at = pk_arena_printf(x->arena, "subscriptions[%zu]", i);
        check_target(x, c, at, s);
        json_t *filter = json_object_get(s, "filterPolicy");
        if (filter && (!json_is_object(filter) || json_object_size(filter) > MAX_FILTER_KEYS))
            pk_x_finding(x, c, PK_SEVERITY_ERROR, "sns.filter-json",
                         pk_arena_printf(x->arena, "%s.filterPolicy", at),
                         "a filter policy is a map with at most %d keys", MAX_FILTER_KEYS);
    }
    if (!pk_spec_bool(c, "fifoTopic") && pk_spec_written(c, "contentBasedDeduplication"))
        pk_x_finding(x, c, PK_SEVERITY_ERROR, "field.conflict", "contentBasedDeduplication",
                     "`contentBasedDeduplication` is for fifo topics");
    if (pk_spec_bool(c, "fifoTopic") && pk_spec_get(c, "deliveryPolicy"))
        pk_x_finding(x, c, PK_SEVERITY_ERROR, "field.conflict", "deliveryPolicy",
                     "`deliveryPolicy` is for standard topics");
    if (pk_spec_bool(c, "fifoTopic") && pk_spec_bool(c, "tracing"))
        pk_x_finding(x, c, PK_SEVERITY_ERROR, "field.conflict", "tracing",
                     "`tracing` is for standard topics");
}

static json_t *endpoint_of(struct pk_expansion *x, const struct pk_component *c,
                           struct pk_resource *r, const char *at, const char **ret_identity) {
    const char *path = pk_arena_printf(x->arena, "%s.component", at);
    const struct pk_component *target = pk_x_ref(x, c, path);
    if (!target) {
        const char *endpoint = pk_arena_printf(x->arena, "%s.endpoint", at);
        *ret_identity = pk_spec_str(c, endpoint);
        return pk_x_value(x, r, c, endpoint);
    }
    *ret_identity = target->address;
    bool queue = pk_streq(target->kind, "SQS");
    const char *name =
        pk_x_name_of(x, target, NULL, queue ? "AWS::SQS::Queue" : "AWS::Lambda::Function");
    return queue ? pk_x_arn(x, "sqs", "%s", name) : pk_x_arn(x, "lambda", "function:%s", name);
}

/* Functions must allow the topic to call them, before the subscription is of any use. */
static void allow_invoke(struct pk_expansion *x, const struct pk_component *c,
                         struct pk_resource *subscription, const struct pk_component *function,
                         const char *hash) {
    const char *sub = pk_arena_printf(x->arena, "permission-%s", hash);
    struct pk_resource *p = pk_x_node(x, c, sub, "AWS::Lambda::Permission");
    const char *name = pk_x_name_of(x, function, NULL, "AWS::Lambda::Function");
    pk_resource_set(x->graph, p, "Action", json_string("lambda:InvokeFunction"), c->span);
    pk_resource_set(x->graph, p, "FunctionName", pk_json_text(name), c->span);
    pk_resource_set(x->graph, p, "Principal", json_string("sns.amazonaws.com"), c->span);
    pk_resource_set(x->graph, p, "SourceArn", topic_arn(x, c), c->span);
    pk_x_wait_for(x, p, function, PK_EDGE_HARD, "subscription", c->span);
    pk_x_needs(x, subscription, p, "permission");
}

static void expand_subscription(struct pk_expansion *x, const struct pk_component *c,
                                struct pk_resource *topic, size_t i) {
    const char *at = pk_arena_printf(x->arena, "subscriptions[%zu]", i);
    const char *protocol = pk_spec_str(c, pk_arena_printf(x->arena, "%s.protocol", at));
    const char *component = pk_arena_printf(x->arena, "%s.component", at);
    const char *written = pk_spec_str(c, component);
    const char *endpoint = pk_spec_str(c, pk_arena_printf(x->arena, "%s.endpoint", at));
    /* The key follows from what is subscribed, so that the order in the file means nothing. */
    char hash[PK_SHA256_HEX_SIZE];
    const char *identity = pk_arena_printf(x->arena, "%s %s", protocol,
                                           written    ? written
                                           : endpoint ? endpoint
                                                      : at);
    pk_sha256_hex(identity, strlen(identity), hash);
    hash[8] = '\0';
    const char *sub = pk_arena_printf(x->arena, "sub-%s", hash);
    if (pk_graph_find(x->graph, pk_x_key(x, c, sub))) {
        pk_x_finding(x, c, PK_SEVERITY_ERROR, "field.conflict", at,
                     "the same subscription stands here twice");
        return;
    }
    struct pk_resource *r = pk_x_node(x, c, sub, "AWS::SNS::Subscription");
    const char *who = NULL;
    struct pk_span span = pk_spec_span(c, at);
    pk_resource_set(x->graph, r, "TopicArn", pk_token_ref(topic->key, "TopicArn"), c->span);
    pk_resource_set(x->graph, r, "Protocol", pk_json_text(protocol), span);
    pk_resource_set(x->graph, r, "Endpoint", endpoint_of(x, c, r, at, &who), span);
    static const char *const plain[][2] = {{"FilterPolicy", "filterPolicy"},
                                           {"FilterPolicyScope", "filterPolicyScope"},
                                           {"RawMessageDelivery", "rawMessageDelivery"},
                                           {"DeliveryPolicy", "deliveryPolicy"}};
    for (size_t k = 0; k < PK_ARRAY_LEN(plain); k++)
        pk_x_copy(x, r, plain[k][0], c, pk_arena_printf(x->arena, "%s.%s", at, plain[k][1]));
    const char *dead = pk_arena_printf(x->arena, "%s.deadLetterQueue.component", at);
    const struct pk_component *dlq = pk_x_ref(x, c, dead);
    if (dlq) {
        json_t *arn = pk_x_arn(x, "sqs", "%s", pk_x_name_of(x, dlq, NULL, "AWS::SQS::Queue"));
        pk_resource_set(x->graph, r, "RedrivePolicy",
                        json_pack("{s:o}", "deadLetterTargetArn", arn), pk_spec_span(c, dead));
        pk_x_wait_for(x, r, dlq, PK_EDGE_HARD, "deadLetterQueue.component", pk_spec_span(c, dead));
    }
    const struct pk_component *target = pk_x_ref(x, c, component);
    if (target)
        pk_x_wait_for(x, r, target, PK_EDGE_HARD, "subscription", pk_spec_span(c, component));
    if (target && pk_streq(target->kind, "Lambda"))
        allow_invoke(x, c, r, target, hash);
}

static bool has_bucket_publisher(struct pk_expansion *x, const struct pk_component *topic,
                                 const struct pk_component *c) {
    size_t k;
    json_t *notification;
    (void)x;
    json_array_foreach(pk_spec_get(c, "notifications"), k, notification) {
        if (pk_streq(pk_json_str(notification, "topic", NULL), topic->address))
            return true;
    }
    return false;
}

static void expand_policy(struct pk_expansion *x, const struct pk_component *c,
                          struct pk_resource *topic) {
    json_t *statements = json_array();
    json_t *arn PK_CLEANUP(json_decrefp) = topic_arn(x, c);
    for (size_t i = 0; i < x->project->components.len; i++) {
        const struct pk_component *other = x->project->components.items[i];
        if (!pk_streq(other->kind, "S3") || !pk_x_active(other) ||
            !has_bucket_publisher(x, c, other))
            continue;
        json_t *source =
            pk_x_arn_global(x, "s3", "%s", pk_x_name_of(x, other, NULL, "AWS::S3::Bucket"));
        json_t *statement = pk_policy_service(pk_arena_printf(x->arena, "bucket%zu", i),
                                              "s3.amazonaws.com", "sns:Publish", arn, source);
        json_object_set_new(json_object_get(statement, "Condition"), "StringEquals",
                            json_pack("{s:s}", "aws:SourceAccount", x->env->account_id));
        json_array_append_new(statements, statement);
    }
    pk_policy_add_own(x, topic, c, arn, statements);
    json_t *document = pk_policy_document(statements);
    if (!document)
        return;
    struct pk_resource *policy = pk_x_node(x, c, "policy", "AWS::SNS::TopicPolicy");
    pk_resource_set(x->graph, policy, "Topics",
                    json_pack("[o]", pk_token_ref(topic->key, "TopicArn")), c->span);
    pk_resource_set(x->graph, policy, "PolicyDocument", document,
                    pk_spec_span(c, "policy.statements"));
    pk_x_needs(x, policy, topic, "topic");
}

static void expand(struct pk_expansion *x, const struct pk_component *c) {
    struct pk_resource *r = pk_x_node(x, c, NULL, TOPIC);
    pk_resource_set(x->graph, r, "TopicName", pk_json_text(r->name), c->span);
    pk_x_copy(x, r, "DisplayName", c, "displayName");
    if (pk_spec_bool(c, "fifoTopic")) {
        pk_resource_set(x->graph, r, "FifoTopic", json_true(), pk_spec_span(c, "fifoTopic"));
        pk_x_copy(x, r, "ContentBasedDeduplication", c, "contentBasedDeduplication");
    }
    if (pk_spec_bool(c, "encryption.enabled"))
        pk_x_copy(x, r, "KmsMasterKeyId", c, "encryption.kmsKey");
    if (pk_spec_bool(c, "tracing"))
        pk_resource_set(x->graph, r, "TracingConfig", json_string("Active"),
                        pk_spec_span(c, "tracing"));
    pk_x_copy(x, r, "DeliveryPolicy", c, "deliveryPolicy");
    for (size_t i = 0; i < json_array_size(pk_spec_get(c, "subscriptions")); i++)
        expand_subscription(x, c, r, i);
    expand_policy(x, c, r);
}

static json_t *output(struct pk_expansion *x, const struct pk_component *c, const char *name,
                      struct pk_span asked) {
    (void)asked;
    return pk_streq(name, "topicName") ? pk_json_text(pk_x_name_of(x, c, NULL, TOPIC))
                                       : topic_arn(x, c);
}

static void access(struct pk_expansion *x, const struct pk_component *c, const char *level,
                   struct pk_statements *to) {
    static const char *const read[] = {"sns:GetTopicAttributes", NULL};
    static const char *const publish[] = {"sns:Publish", NULL};
    static const char *const all[] = {"sns:*", NULL};
    if (pk_streq(level, "admin"))
        pk_iam_allow(to, all, topic_arn(x, c), NULL);
    if (pk_streq(level, "read") || pk_streq(level, "readwrite"))
        pk_iam_allow(to, read, topic_arn(x, c), NULL);
    if (pk_streq(level, "write") || pk_streq(level, "readwrite"))
        pk_iam_allow(to, publish, topic_arn(x, c), NULL);
    if (pk_spec_bool(c, "encryption.enabled"))
        pk_policy_allow_key(x, c, "encryption.kmsKey", "sns", level, to);
}

const struct pk_kind pk_kind_sns = {
    .table = {.kind = "SNS",
              .group = "components.panka.io/v1",
              .doc = "Topic and its subscriptions.",
              .fields = fields,
              .n_fields = PK_ARRAY_LEN(fields),
              .outputs = outputs,
              .n_outputs = PK_ARRAY_LEN(outputs),
              .example = "displayName: Alerts\nsubscriptions:\n  - protocol: email\n    endpoint: "
                         "ops@example.com\n",
              .offered = true},
    .check = check,
    .expand = expand,
    .output = output,
    .access = access,
    .default_access = "write",
};
