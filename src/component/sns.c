/* sns.c - the kind SNS: a topic, its subscriptions and its policy. */
#include "component/check.h"
#include "component/iam.h"
#include "component/internal.h"
#include "component/kinds.h"
#include "component/lambda.h"
#include "component/senders.h"

#include "base/str.h"

#include <string.h>

#define TOPIC "AWS::SNS::Topic"
#define MAX_FILTER_KEYS 5

/* clang-format off */
static const struct pk_field fields[] = {
    {.path = "name", .type = PK_T_STR, .flags = PK_F_OR_NULLTEXT, .change = "R+", .diag = "sns.name",
     .pattern = "[A-Za-z0-9_-]{1,251}\\.fifo|[A-Za-z0-9_-]{1,255}[A-Za-z0-9_-]?", .feeds = "TopicName",
     .doc = "Name of the topic instead of the generated one; ends with .fifo for a FIFO topic."},
    {.path = "displayName", .type = PK_T_STR, .max = 100, .change = "U", .diag = "sns.display-name",
     .feeds = "DisplayName", .doc = "Sender of text messages and mails."},
    {.path = "fifoTopic", .type = PK_T_BOOL, .def = "false", .change = "R+", .feeds = "FifoTopic",
     .doc = "Messages in order; subscriptions are then queues only."},
    {.path = "contentBasedDeduplication", .type = PK_T_BOOL, .change = "U", .feeds = "ContentBasedDeduplication",
     .doc = "FIFO topic: equal bodies within 5 minutes are one message."},
    {.path = "deliveryPolicy", .type = PK_T_JSON, .change = "U", .feeds = "DeliveryPolicy",
     .doc = "How deliveries over HTTP are repeated: a map, or JSON text."},
    {.path = "encryption.enabled", .type = PK_T_BOOL, .change = "U", .feeds = "KmsMasterKeyId",
     .doc = "Encrypt messages at rest; true when `kmsKey` is given, else false, because AWS services cannot publish "
            "through the key that AWS manages."},
    {.path = "encryption.kmsKey", .type = PK_T_STR, .def = "alias/aws/sns", .pattern = PK_KMS_KEY_PATTERN,
     .change = "U", .feeds = "KmsMasterKeyId", .doc = "KMS key for the messages."},
    {.path = "tracing", .type = PK_T_BOOL, .def = "false", .change = "U", .feeds = "TracingConfig",
     .doc = "Pass X-Ray traces on."},
    {.path = "subscriptions", .type = PK_T_LIST, .change = "U", .doc = "Who gets the messages."},
    {.path = "subscriptions[].name", .type = PK_T_STR, .doc = "Name of the entry, for overlays."},
    {.path = "subscriptions[].protocol", .type = PK_T_ENUM, .flags = PK_F_REQUIRED, .change = "R-",
     .allowed = "http|https|email|email-json|sms|sqs|lambda|application|firehose", .feeds = "Protocol",
     .doc = "How the messages are delivered."},
    {.path = "subscriptions[].endpoint", .type = PK_T_STR, .flags = PK_F_DEFERRABLE | PK_F_NOEMPTY, .change = "R-",
     .diag = "sns.endpoint-format", .feeds = "Endpoint",
     .doc = "URL, address, phone number or ARN; or `component`."},
    {.path = "subscriptions[].component", .type = PK_T_REF, .change = "R-", .feeds = "Endpoint",
     .doc = "An SQS or Lambda component as endpoint."},
    {.path = "subscriptions[].filterPolicy", .type = PK_T_JSON, .change = "U", .feeds = "FilterPolicy",
     .doc = "Which messages are delivered: a map, or JSON text; at most 5 keys."},
    {.path = "subscriptions[].filterPolicyScope", .type = PK_T_ENUM, .allowed = "MessageAttributes|MessageBody",
     .change = "U", .feeds = "FilterPolicyScope", .doc = "What the filter looks at; MessageAttributes by default."},
    {.path = "subscriptions[].rawMessageDelivery", .type = PK_T_BOOL, .change = "U", .feeds = "RawMessageDelivery",
     .doc = "Deliver the message alone, without the envelope of SNS."},
    {.path = "subscriptions[].deadLetterQueue.component", .type = PK_T_REF, .change = "U",
     .feeds = "RedrivePolicy.deadLetterTargetArn", .doc = "SQS component for messages that could not be delivered."},
    {.path = "subscriptions[].deliveryPolicy", .type = PK_T_JSON, .change = "U", .feeds = "DeliveryPolicy",
     .doc = "How deliveries over HTTP are repeated."},
    {.path = "subscriptions[].roleArn", .type = PK_T_ARN, .flags = PK_F_DEFERRABLE, .change = "U",
     .feeds = "SubscriptionRoleArn", .doc = "firehose: the role that may put records."},
    {.path = "policy.statements", .type = PK_T_LIST, .flags = PK_F_DEFERRABLE, .change = "U", .feeds = "TopicPolicy",
     .doc = "IAM statements for the policy of the topic; `Resource: self` is the topic."},
};

static const struct pk_output outputs[] = {
    {"topicArn", NULL, "ARN of the topic"},
    {"topicName", NULL, "Name of the topic"},
};

static const char example[] =
    "displayName: Alerts\n"
    "subscriptions:\n"
    "  - protocol: email\n"
    "    endpoint: oncall@example.com\n";
/* clang-format on */

static bool is_fifo(const struct pk_component *c) {
    return pk_spec_bool(c, "fifoTopic");
}

static bool is_encrypted(const struct pk_component *c) {
    const json_t *enabled = pk_spec_get(c, "encryption.enabled");
    return enabled ? json_is_true(enabled) : pk_spec_written(c, "encryption.kmsKey");
}

static const char *path_of(struct pk_expansion *x, size_t i, const char *field) {
    return pk_x_item(x, "subscriptions", i, field);
}

/* --- checks ----------------------------------------------------------------------------------- */

static bool is_phone(const char *text) {
    size_t n = strspn(text + (*text == '+'), "0123456789");
    return *text == '+' && n >= 4 && n <= 15 && text[1 + n] == 0;
}

static bool is_address(const char *text) {
    const char *at = strchr(text, '@');
    return at && at > text && at[1] && !strchr(at + 1, '@') && !strpbrk(text, " \t");
}

/* What an endpoint of that protocol looks like, or NULL when this one does. */
static const char *wrong_endpoint(const char *protocol, const char *endpoint) {
    static const struct {
        const char *protocol, *prefix, *part, *looks;
    } known[] = {
        {"http", "http://", "", "a URL that starts with http://"},
        {"https", "https://", "", "a URL that starts with https://"},
        {"sqs", "arn:", ":sqs:", "the ARN of a queue"},
        {"lambda", "arn:", ":lambda:", "the ARN of a function"},
        {"application", "arn:", ":sns:", "the ARN of a platform endpoint"},
        {"firehose", "arn:", ":firehose:", "the ARN of a delivery stream"},
    };
    if (pk_starts_with(protocol, "email"))
        return is_address(endpoint) ? NULL : "a mail address";
    if (strcmp(protocol, "sms") == 0)
        return is_phone(endpoint) ? NULL : "a phone number with `+` and the country code";
    for (size_t i = 0; i < PK_ARRAY_LEN(known); i++)
        if (strcmp(protocol, known[i].protocol) == 0)
            return pk_starts_with(endpoint, known[i].prefix) && strstr(endpoint, known[i].part)
                       ? NULL
                       : known[i].looks;
    return NULL;
}

/* SNS refuses a fifo queue behind a standard topic; the other way round the order is lost. */
static void check_order(struct pk_expansion *x, const struct pk_component *c, const char *path,
                        const struct pk_component *queue) {
    bool fifo_queue = pk_streq(pk_spec_str(queue, "type"), "fifo");
    if (fifo_queue && !is_fifo(c))
        pk_x_refuse(x, c, "sns.fifo-protocol", path,
                    "set `fifoTopic: true`, or use a standard queue",
                    "a standard topic cannot deliver to the fifo queue %s", queue->name);
    else if (!fifo_queue && is_fifo(c))
        pk_x_warn(x, c, "sns.fifo-order", path, "set `type: fifo` in the queue to keep the order",
                  "%s is a standard queue: the order of the topic is lost", queue->name);
}

/* `target` is what `component` names, or whose output `endpoint` is. */
static void check_target(struct pk_expansion *x, const struct pk_component *c, const char *path,
                         const char *protocol, const struct pk_component *target) {
    const char *wanted = strcmp(protocol, "sqs") == 0      ? "SQS"
                         : strcmp(protocol, "lambda") == 0 ? "Lambda"
                                                           : NULL;
    bool by_component = pk_ends_with(path, ".component");
    if (!target || (!wanted && !by_component))
        return;
    if (!wanted)
        pk_x_refuse(x, c, "sns.endpoint-format", path, "give `endpoint`",
                    "only the protocols sqs and lambda deliver to a component");
    else if (strcmp(target->kind, wanted) != 0)
        pk_x_refuse(x, c, "sns.endpoint-format", path,
                    "the protocol follows the component: sqs for SQS, lambda for Lambda",
                    "protocol %s delivers to a component of kind %s; %s is of kind %s", protocol,
                    wanted, target->name, target->kind);
    else if (strcmp(wanted, "SQS") == 0)
        check_order(x, c, path, target);
}

static void check_endpoint(struct pk_expansion *x, const struct pk_component *c, size_t i,
                           const char *protocol) {
    const char *path = path_of(x, i, "endpoint");
    bool by_component = pk_spec_written(c, path_of(x, i, "component"));
    if (pk_spec_written(c, path) == by_component) {
        pk_x_refuse(x, c, "sns.endpoint-format", by_component ? path : path_of(x, i, "protocol"),
                    "give `endpoint`, or `component` for sqs and lambda",
                    by_component ? "a subscription has one endpoint, not two"
                                 : "the subscription has no endpoint");
        return;
    }
    if (by_component) {
        path = path_of(x, i, "component");
        check_target(x, c, path, protocol, pk_x_ref(x, c, path));
        return;
    }
    const char *text = pk_spec_str(c, path);
    const char *looks = text ? wrong_endpoint(protocol, text) : NULL;
    if (looks)
        pk_x_refuse(x, c, "sns.endpoint-format", path, pk_arena_printf(x->arena, "give %s", looks),
                    "this is no endpoint of the protocol %s", protocol);
    check_target(x, c, path, protocol, pk_x_token_target(x, pk_spec_get(c, path)));
}

static void check_json(struct pk_expansion *x, const struct pk_component *c, const char *path,
                       size_t max_keys) {
    const json_t *object = pk_spec_get(c, path);
    if (!object)
        return;
    if (!json_is_object(object))
        pk_x_refuse(x, c, "sns.filter-json", path, "write a map, or JSON text of an object",
                    "this is not a JSON object");
    else if (json_object_size(object) > max_keys)
        pk_x_refuse(x, c, "sns.filter-json", path, "combine conditions on the same attribute",
                    "the filter has %zu keys, SNS takes %zu", json_object_size(object), max_keys);
}

static void check_subscription(struct pk_expansion *x, const struct pk_component *c, size_t i) {
    const char *protocol = pk_spec_str(c, path_of(x, i, "protocol"));
    if (!protocol)
        return;
    if (is_fifo(c) && strcmp(protocol, "sqs") != 0)
        pk_x_refuse(x, c, "sns.fifo-protocol", path_of(x, i, "protocol"),
                    "let a queue subscribe, and take the messages from there",
                    "a FIFO topic delivers to queues only");
    check_endpoint(x, c, i, protocol);
    check_json(x, c, path_of(x, i, "filterPolicy"), MAX_FILTER_KEYS);
    check_json(x, c, path_of(x, i, "deliveryPolicy"), SIZE_MAX);
    const char *dead = path_of(x, i, "deadLetterQueue.component");
    const struct pk_component *queue = pk_x_ref_of_kind(
        x, c, dead, "SQS", "sns.dlq-kind", "undelivered messages go to an SQS component");
    if (queue && pk_streq(pk_spec_str(queue, "type"), "fifo") != is_fifo(c))
        pk_x_refuse(x, c, "sns.dlq-kind", dead, "name a queue of the same type as the topic",
                    "topic and dead-letter queue are not both fifo or both standard");
    if (strcmp(protocol, "firehose") == 0 && !pk_spec_written(c, path_of(x, i, "roleArn")))
        pk_x_refuse(x, c, "sns.firehose-role", path_of(x, i, "protocol"),
                    "set `roleArn` to a role that may put records into the stream",
                    "protocol firehose needs a role");
}

static void check_duplicates(struct pk_expansion *x, const struct pk_component *c) {
    const json_t *list = pk_spec_get(c, "subscriptions");
    for (size_t i = 0; i < json_array_size(list); i++)
        for (size_t k = 0; k < i; k++) {
            const json_t *a = json_array_get(list, i), *b = json_array_get(list, k);
            if (!pk_json_equal(json_object_get(a, "protocol"), json_object_get(b, "protocol")) ||
                !pk_json_equal(json_object_get(a, "endpoint"), json_object_get(b, "endpoint")) ||
                !pk_json_equal(json_object_get(a, "component"), json_object_get(b, "component")))
                continue;
            pk_x_refuse(x, c, "sns.subscription-dup", path_of(x, i, "protocol"),
                        "SNS keeps one subscription per protocol and endpoint: remove one",
                        "the same endpoint subscribes twice");
            return;
        }
}

static void check_fields(struct pk_expansion *x, const struct pk_component *c) {
    const char *name = pk_spec_str(c, "name");
    if (name && pk_ends_with(name, ".fifo") != is_fifo(c))
        pk_x_refuse(x, c, "sns.name", "name", is_fifo(c) ? "add `.fifo`" : "remove `.fifo`",
                    "the name of a FIFO topic, and only that, ends with .fifo");
    if (!is_fifo(c) && pk_spec_written(c, "contentBasedDeduplication"))
        pk_x_refuse(x, c, "sns.fifo-only-field", "contentBasedDeduplication",
                    "remove it, or set `fifoTopic: true`",
                    "only a FIFO topic has `contentBasedDeduplication`");
    if (is_fifo(c) && pk_spec_written(c, "deliveryPolicy"))
        pk_x_refuse(x, c, "sns.standard-only-field", "deliveryPolicy", "remove it",
                    "a FIFO topic delivers nothing over HTTP");
    if (is_fifo(c) && pk_spec_bool(c, "tracing"))
        pk_x_refuse(x, c, "sns.standard-only-field", "tracing", "remove it",
                    "a FIFO topic passes no traces on");
    check_json(x, c, "deliveryPolicy", SIZE_MAX);
    pk_x_check_key(x, c, "encryption.kmsKey");
}

/* The policy of AWS's own key lets people in, but no services. */
static void check_senders(struct pk_expansion *x, const struct pk_component *c) {
    const char *key = pk_spec_str(c, "encryption.kmsKey");
    struct pk_statements *senders = pk_iam_statements_new(x->arena);
    pk_senders_to_topic(x, c, senders);
    json_auto_t *document = pk_iam_document(senders);
    if (document && is_encrypted(c) && key && pk_ends_with(key, "alias/aws/sns"))
        pk_x_warn(x, c, "sns.key-senders", "encryption",
                  "turn encryption off, or use a key of your own whose policy lets the services in",
                  "buckets cannot publish to a topic that alias/aws/sns encrypts");
}

static void check(struct pk_expansion *x, const struct pk_component *c) {
    size_t n = json_array_size(pk_spec_get(c, "subscriptions"));
    check_fields(x, c);
    check_senders(x, c);
    for (size_t i = 0; i < n; i++)
        check_subscription(x, c, i);
    check_duplicates(x, c);
    pk_iam_check_unused(x, c);
}

/* --- nodes ------------------------------------------------------------------------------------ */

/* Stays the same as long as protocol and endpoint do, so that the order in the file is free. */
static const char *subscription_id(struct pk_expansion *x, const struct pk_component *c, size_t i,
                                   const struct pk_component *target) {
    const char *protocol = pk_spec_str(c, path_of(x, i, "protocol"));
    const json_t *endpoint = pk_spec_get(c, path_of(x, i, "endpoint"));
    PK_CLEANUP(pk_freep) char *text = target || !endpoint ? NULL : pk_json_canonical(endpoint);
    return pk_x_hash8(x, pk_arena_printf(x->arena, "%s:%s", protocol ? protocol : "",
                                         target ? target->address
                                         : text ? text
                                                : ""));
}

static void set_endpoint(struct pk_expansion *x, const struct pk_component *c, size_t i,
                         struct pk_resource *r, const struct pk_component *target) {
    const char *path = path_of(x, i, "component");
    if (!target) {
        pk_x_copy(x, r, "Endpoint", c, path_of(x, i, "endpoint"));
        return;
    }
    if (!pk_spec_written(c, path))
        path = path_of(x, i, "endpoint");
    struct pk_span span = pk_spec_span(c, path);
    bool queue = strcmp(target->kind, "SQS") == 0;
    pk_resource_set(x->graph, r, "Endpoint",
                    queue ? pk_queue_arn(x, target, NULL) : pk_function_arn(x, target), span);
    pk_x_wait_for(x, r, target, PK_EDGE_HARD, path, span);
    if (queue)
        return;
    const char *sub = pk_arena_printf(x->arena, "permission-%s", subscription_id(x, c, i, target));
    pk_x_needs(x, r,
               pk_lambda_permission(x, c, sub, target, "sns.amazonaws.com", pk_topic_arn(x, c)),
               "permission");
}

static void add_subscription(struct pk_expansion *x, const struct pk_component *c,
                             struct pk_resource *topic, size_t i) {
    const struct pk_component *target = pk_subscription_target(x, c, i);
    const char *sub = pk_arena_printf(x->arena, "sub-%s", subscription_id(x, c, i, target));
    if (pk_graph_find(x->graph, pk_x_key(x, c, sub)))
        return; /* a repeat, which has its finding */
    struct pk_resource *r = pk_x_node(x, c, sub, "AWS::SNS::Subscription");
    r->span = pk_spec_span(c, path_of(x, i, NULL));
    pk_resource_set(x->graph, r, "TopicArn", pk_topic_arn(x, c), c->span);
    pk_x_copy(x, r, "Protocol", c, path_of(x, i, "protocol"));
    set_endpoint(x, c, i, r, target);
    pk_x_copy(x, r, "FilterPolicy", c, path_of(x, i, "filterPolicy"));
    pk_x_copy(x, r, "DeliveryPolicy", c, path_of(x, i, "deliveryPolicy"));
    pk_x_copy(x, r, "FilterPolicyScope", c, path_of(x, i, "filterPolicyScope"));
    pk_x_copy(x, r, "RawMessageDelivery", c, path_of(x, i, "rawMessageDelivery"));
    pk_x_copy(x, r, "SubscriptionRoleArn", c, path_of(x, i, "roleArn"));
    const char *dead = path_of(x, i, "deadLetterQueue.component");
    const struct pk_component *queue = pk_x_ref(x, c, dead);
    if (queue && strcmp(queue->kind, "SQS") == 0) {
        pk_resource_set(x->graph, r, "RedrivePolicy",
                        json_pack("{s:o}", "deadLetterTargetArn", pk_queue_arn(x, queue, NULL)),
                        pk_spec_span(c, dead));
        pk_x_wait_for(x, r, queue, PK_EDGE_HARD, dead, pk_spec_span(c, dead));
    }
    pk_x_needs(x, r, topic, "topic");
}

static void add_policy(struct pk_expansion *x, const struct pk_component *c,
                       struct pk_resource *topic) {
    struct pk_statements *statements = pk_iam_statements_new(x->arena);
    pk_senders_to_topic(x, c, statements);
    struct pk_resource *r = pk_iam_resource_policy(
        x, c, "AWS::SNS::TopicPolicy", pk_iam_list(pk_topic_arn(x, c), NULL), statements);
    if (!r)
        return;
    pk_resource_set(x->graph, r, "Topics", pk_iam_list(pk_topic_arn(x, c), NULL), c->span);
    pk_x_needs(x, r, topic, "topic");
    /* publishers are asked whether they may publish when they are set up */
    pk_x_ready_gate(x, c, r);
}

static void expand(struct pk_expansion *x, const struct pk_component *c) {
    size_t n = json_array_size(pk_spec_get(c, "subscriptions"));
    struct pk_resource *r = pk_x_node(x, c, NULL, TOPIC);
    pk_x_copy(x, r, "DisplayName", c, "displayName");
    if (is_fifo(c)) {
        pk_x_copy(x, r, "FifoTopic", c, "fifoTopic");
        pk_x_copy(x, r, "ContentBasedDeduplication", c, "contentBasedDeduplication");
    }
    pk_x_copy(x, r, "DeliveryPolicy", c, "deliveryPolicy");
    if (is_encrypted(c))
        pk_x_copy(x, r, "KmsMasterKeyId", c, "encryption.kmsKey");
    if (pk_spec_bool(c, "tracing"))
        pk_resource_set(x->graph, r, "TracingConfig", json_string("Active"),
                        pk_spec_span(c, "tracing"));
    add_policy(x, c, r);
    for (size_t i = 0; i < n; i++)
        add_subscription(x, c, r, i);
}

/* --- outputs and access ----------------------------------------------------------------------- */

static json_t *output(struct pk_expansion *x, const struct pk_component *c, const char *name,
                      struct pk_span asked) {
    (void)asked; /* every topic has both */
    return strcmp(name, "topicArn") == 0 ? pk_topic_arn(x, c)
                                         : pk_json_text(pk_x_name_of(x, c, NULL, TOPIC));
}

static json_t *identity(struct pk_expansion *x, const struct pk_component *c, const char *name) {
    return strcmp(name, "arn") == 0 ? pk_topic_arn(x, c) : NULL;
}

static void access(struct pk_expansion *x, const struct pk_component *c, const char *level,
                   struct pk_statements *to) {
    static const char *const read[] = {"sns:GetTopicAttributes", NULL};
    static const char *const write[] = {"sns:Publish", NULL};
    static const char *const admin[] = {"sns:*", NULL};
    if (pk_iam_includes(level, "read"))
        pk_iam_allow(to, read, pk_topic_arn(x, c), NULL);
    if (pk_iam_includes(level, "write"))
        pk_iam_allow(to, write, pk_topic_arn(x, c), NULL);
    if (strcmp(level, "admin") == 0)
        pk_iam_allow(to, admin, pk_topic_arn(x, c), NULL);
    if (is_encrypted(c) && strcmp(level, "consume") != 0)
        pk_iam_allow_key(x, c, "encryption.kmsKey", "sns", level, to);
}

const struct pk_kind pk_kind_sns = {
    .table = {.kind = "SNS",
              .group = "components.panka.io/v1",
              .doc = "Topic and its subscriptions.",
              .fields = fields,
              .n_fields = PK_ARRAY_LEN(fields),
              .outputs = outputs,
              .n_outputs = PK_ARRAY_LEN(outputs),
              .example = example,
              .offered = true},
    .check = check,
    .expand = expand,
    .output = output,
    .access = access,
    .default_access = "write",
    .identity = identity,
    .primary_type = TOPIC,
};
