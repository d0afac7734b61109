/* sqs.c - the kind SQS: a queue, its dead-letter queue and its policy. */
#include "component/check.h"
#include "component/iam.h"
#include "component/internal.h"
#include "component/kinds.h"
#include "component/senders.h"

#include "base/str.h"

#include <string.h>

#define QUEUE "AWS::SQS::Queue"

/* clang-format off */
static const struct pk_field fields[] = {
    {.path = "name", .type = PK_T_STR, .flags = PK_F_OR_NULLTEXT, .change = "R+", .diag = "sqs.name",
     .pattern = "[A-Za-z0-9_-]{1,80}|[A-Za-z0-9_-]{1,75}\\.fifo", .feeds = "QueueName",
     .doc = "Name of the queue instead of the generated one; ends with .fifo for type fifo."},
    {.path = "type", .type = PK_T_ENUM, .def = "standard", .allowed = "standard|fifo", .change = "R+",
     .feeds = "FifoQueue", .doc = "standard: any number of messages, nearly in order; fifo: in order, once."},
    {.path = "messageRetentionPeriod", .type = PK_T_DUR, .def = "345600", .min = 60, .max = 1209600, .change = "U",
     .unit = "s", .diag = "sqs.retention", .feeds = "MessageRetentionPeriod",
     .doc = "How long messages are kept that nobody takes."},
    {.path = "visibilityTimeout", .type = PK_T_DUR, .def = "30", .min = 0, .max = 43200, .change = "U", .unit = "s",
     .diag = "sqs.visibility", .feeds = "VisibilityTimeout",
     .doc = "How long a message that was taken is hidden from others."},
    {.path = "receiveWaitTime", .type = PK_T_DUR, .def = "0", .min = 0, .max = 20, .change = "U", .unit = "s",
     .diag = "sqs.wait", .feeds = "ReceiveMessageWaitTimeSeconds",
     .doc = "How long a request for messages waits for the first one (long polling)."},
    {.path = "delaySeconds", .type = PK_T_DUR, .def = "0", .min = 0, .max = 900, .change = "U", .unit = "s",
     .diag = "sqs.delay", .feeds = "DelaySeconds", .doc = "How long new messages are held back."},
    {.path = "maxMessageSize", .type = PK_T_INT, .def = "262144", .min = 1024, .max = 1048576, .change = "U",
     .unit = "bytes", .diag = "sqs.size", .feeds = "MaximumMessageSize", .doc = "Largest message."},
    {.path = "deadLetterQueue", .type = PK_T_OBJECT, .flags = PK_F_SCALAR_OR_MAP, .change = "U",
     .doc = "Where messages go that could not be worked off."},
    {.path = "deadLetterQueue.enabled", .type = PK_T_BOOL, .change = "U", .feeds = "RedrivePolicy",
     .doc = "Make a dead-letter queue; true when `component` is given, else false."},
    {.path = "deadLetterQueue.maxReceiveCount", .type = PK_T_INT, .def = "3", .min = 1, .max = 1000, .change = "U",
     .diag = "sqs.receive-count", .feeds = "RedrivePolicy.maxReceiveCount",
     .doc = "How often a message is taken before it goes there."},
    {.path = "deadLetterQueue.retentionPeriod", .type = PK_T_DUR, .def = "1209600", .min = 60, .max = 1209600,
     .change = "U", .unit = "s", .diag = "sqs.retention", .feeds = "MessageRetentionPeriod",
     .doc = "How long the dead-letter queue keeps messages."},
    {.path = "deadLetterQueue.component", .type = PK_T_REF, .change = "U", .feeds = "RedrivePolicy.deadLetterTargetArn",
     .doc = "Another SQS component of the same type as dead-letter queue."},
    {.path = "contentBasedDeduplication", .type = PK_T_BOOL, .change = "U", .feeds = "ContentBasedDeduplication",
     .doc = "fifo: equal bodies within 5 minutes are one message."},
    {.path = "deduplicationScope", .type = PK_T_ENUM, .allowed = "queue|messageGroup", .change = "U",
     .feeds = "DeduplicationScope", .doc = "fifo: where duplicates are looked for; queue by default."},
    {.path = "fifoThroughputLimit", .type = PK_T_ENUM, .allowed = "perQueue|perMessageGroupId", .change = "U",
     .feeds = "FifoThroughputLimit", .doc = "fifo: what the limit of requests is counted for; perQueue by default."},
    {.path = "encryption.enabled", .type = PK_T_BOOL, .def = "true", .change = "U", .feeds = "SqsManagedSseEnabled",
     .doc = "Encrypt messages at rest."},
    {.path = "encryption.kmsKey", .type = PK_T_STR, .pattern = PK_KMS_KEY_PATTERN, .change = "U",
     .feeds = "KmsMasterKeyId", .doc = "KMS key instead of the keys of SQS."},
    {.path = "encryption.reusePeriod", .type = PK_T_DUR, .def = "300", .min = 60, .max = 86400, .change = "U",
     .unit = "s", .feeds = "KmsDataKeyReusePeriodSeconds", .doc = "How long a data key is used again."},
    {.path = "policy.statements", .type = PK_T_LIST, .flags = PK_F_DEFERRABLE, .change = "U", .feeds = "QueuePolicy",
     .doc = "IAM statements for the policy of the queue; `Resource: self` is the queue."},
};

static const struct pk_output outputs[] = {
    {"queueUrl", "url|endpoint", "URL of the queue"},
    {"queueArn", NULL, "ARN of the queue"},
    {"queueName", NULL, "Name of the queue"},
    {"dlqUrl", "deadLetterQueueUrl", "URL of the dead-letter queue"},
    {"dlqArn", "deadLetterQueueArn", "ARN of the dead-letter queue"},
};

static const char example[] =
    "visibilityTimeout: 5m\n"
    "receiveWaitTime: 20\n"
    "deadLetterQueue:\n"
    "  enabled: true\n"
    "  maxReceiveCount: 3\n";
/* clang-format on */

static bool is_fifo(const struct pk_component *c) {
    return pk_streq(pk_spec_str(c, "type"), "fifo");
}

static bool has_dead_letters(const struct pk_component *c) {
    const json_t *enabled = pk_spec_get(c, "deadLetterQueue.enabled");
    if (enabled)
        return json_is_true(enabled);
    return pk_spec_get(c, "deadLetterQueue.component") != NULL;
}

static const struct pk_component *other_dead_letters(struct pk_expansion *x,
                                                     const struct pk_component *c) {
    return pk_x_ref(x, c, "deadLetterQueue.component");
}

/* --- checks ----------------------------------------------------------------------------------- */

static void check_fifo(struct pk_expansion *x, const struct pk_component *c) {
    static const char *const only[] = {"contentBasedDeduplication", "deduplicationScope",
                                       "fifoThroughputLimit"};
    for (size_t i = 0; !is_fifo(c) && i < PK_ARRAY_LEN(only); i++)
        if (pk_spec_written(c, only[i]))
            pk_x_refuse(x, c, "sqs.fifo-only-field", only[i], "remove it, or set `type: fifo`",
                        "only a fifo queue has `%s`", only[i]);
    if (is_fifo(c) && pk_streq(pk_spec_str(c, "fifoThroughputLimit"), "perMessageGroupId") &&
        !pk_streq(pk_spec_str(c, "deduplicationScope"), "messageGroup"))
        pk_x_refuse(x, c, "sqs.throughput-scope", "fifoThroughputLimit",
                    "set `deduplicationScope: messageGroup`",
                    "a limit per message group needs deduplication per message group");
}

static void check_name(struct pk_expansion *x, const struct pk_component *c) {
    const char *name = pk_spec_str(c, "name");
    if (name && pk_ends_with(name, ".fifo") != is_fifo(c))
        pk_x_refuse(x, c, "sqs.name", "name", is_fifo(c) ? "add `.fifo`" : "remove `.fifo`",
                    is_fifo(c) ? "the name of a fifo queue ends with .fifo"
                               : "only the name of a fifo queue ends with .fifo");
}

static void check_dead_letters(struct pk_expansion *x, const struct pk_component *c) {
    static const char path[] = "deadLetterQueue.component";
    static const char *const own[] = {"deadLetterQueue.maxReceiveCount",
                                      "deadLetterQueue.retentionPeriod", NULL};
    if (!has_dead_letters(c))
        pk_x_warn_inert(x, c, "deadLetterQueue.enabled", own);
    else if (pk_spec_written(c, path) && pk_spec_written(c, own[1]))
        pk_x_refuse(x, c, "sqs.dlq-retention", own[1],
                    "set `messageRetentionPeriod` in the component that is the dead-letter queue",
                    "the dead-letter queue has a retention of its own");
    const struct pk_component *other = pk_x_ref_of_kind(
        x, c, path, "SQS", "sqs.dlq-type", "name an SQS component, or set `enabled: true` instead");
    if (!other)
        return;
    if (other == c)
        pk_x_refuse(x, c, "sqs.dlq-type", path, "name another queue",
                    "a queue cannot be its own dead-letter queue");
    else if (is_fifo(other) != is_fifo(c))
        pk_x_refuse(x, c, "sqs.dlq-type", path, "both must be of the same type",
                    "%s is a %s queue, its dead-letter queue a %s queue", c->name,
                    pk_spec_str(c, "type"), pk_spec_str(other, "type"));
}

/* AWS services cannot use the key that AWS manages for SQS. */
static void check_key(struct pk_expansion *x, const struct pk_component *c) {
    const char *key = pk_spec_str(c, "encryption.kmsKey");
    struct pk_statements *senders = pk_iam_statements_new(x->arena);
    pk_x_check_key(x, c, "encryption.kmsKey");
    if (!key && pk_spec_written(c, "encryption.reusePeriod"))
        pk_x_warn(x, c, "field.inert", "encryption.reusePeriod",
                  "set `encryption.kmsKey`, or remove it",
                  "`encryption.reusePeriod` has no effect: SQS encrypts with its own keys");
    if (!key || !pk_ends_with(key, "alias/aws/sqs"))
        return;
    pk_senders_to_queue(x, c, senders);
    json_auto_t *document = pk_iam_document(senders);
    if (document)
        pk_x_warn(x, c, "sqs.key-senders", "encryption.kmsKey",
                  "remove `kmsKey` (SQS then encrypts with its own keys), or use a key of your own "
                  "whose policy lets the services in",
                  "topics and buckets cannot send through alias/aws/sqs");
}

static void check(struct pk_expansion *x, const struct pk_component *c) {
    check_fifo(x, c);
    check_name(x, c);
    check_dead_letters(x, c);
    check_key(x, c);
    pk_iam_check_unused(x, c);
}

/* --- nodes ------------------------------------------------------------------------------------ */

static void set_encryption(struct pk_expansion *x, const struct pk_component *c,
                           struct pk_resource *r) {
    bool enabled = pk_spec_bool(c, "encryption.enabled");
    if (!enabled || !pk_spec_str(c, "encryption.kmsKey")) {
        pk_resource_set(x->graph, r, "SqsManagedSseEnabled", json_boolean(enabled),
                        pk_spec_span(c, "encryption.enabled"));
        return;
    }
    pk_x_copy(x, r, "KmsMasterKeyId", c, "encryption.kmsKey");
    pk_x_copy(x, r, "KmsDataKeyReusePeriodSeconds", c, "encryption.reusePeriod");
}

static void set_fifo(struct pk_expansion *x, const struct pk_component *c, struct pk_resource *r) {
    if (is_fifo(c))
        pk_resource_set(x->graph, r, "FifoQueue", json_true(), pk_spec_span(c, "type"));
}

static struct pk_resource *add_dead_letters(struct pk_expansion *x, const struct pk_component *c) {
    struct pk_resource *r = pk_x_node(x, c, "dlq", QUEUE);
    set_fifo(x, c, r);
    set_encryption(x, c, r);
    pk_x_copy(x, r, "MessageRetentionPeriod", c, "deadLetterQueue.retentionPeriod");
    pk_resource_set(x->graph, r, "RedriveAllowPolicy",
                    json_pack("{s:s, s:[o]}", "redrivePermission", "byQueue", "sourceQueueArns",
                              pk_queue_arn(x, c, NULL)),
                    pk_spec_span(c, "deadLetterQueue"));
    return r;
}

static void set_dead_letters(struct pk_expansion *x, const struct pk_component *c,
                             struct pk_resource *r) {
    if (!has_dead_letters(c))
        return;
    const struct pk_component *other = other_dead_letters(x, c);
    if (other)
        pk_x_wait_for(x, r, other, PK_EDGE_HARD, "deadLetterQueue.component",
                      pk_spec_span(c, "deadLetterQueue.component"));
    else
        pk_x_needs(x, r, add_dead_letters(x, c), "dead-letter queue");
    json_t *arn = other ? pk_queue_arn(x, other, NULL) : pk_queue_arn(x, c, "dlq");
    pk_resource_set(x->graph, r, "RedrivePolicy",
                    json_pack("{s:o, s:I}", "deadLetterTargetArn", arn, "maxReceiveCount",
                              (json_int_t)pk_spec_int(c, "deadLetterQueue.maxReceiveCount", 3)),
                    pk_spec_span(c, "deadLetterQueue"));
}

static void add_policy(struct pk_expansion *x, const struct pk_component *c) {
    struct pk_statements *statements = pk_iam_statements_new(x->arena);
    pk_senders_to_queue(x, c, statements);
    struct pk_resource *r = pk_iam_resource_policy(
        x, c, "AWS::SQS::QueuePolicy", pk_iam_list(pk_queue_arn(x, c, NULL), NULL), statements);
    if (!r)
        return;
    pk_resource_set(x->graph, r, "Queues", pk_iam_list(pk_token_ref(c->key, "QueueUrl"), NULL),
                    c->span);
    /* senders are asked whether they may send when they are set up */
    pk_x_ready_gate(x, c, r);
}

static void expand(struct pk_expansion *x, const struct pk_component *c) {
    static const char *const copied[][2] = {
        {"MessageRetentionPeriod", "messageRetentionPeriod"},
        {"VisibilityTimeout", "visibilityTimeout"},
        {"ReceiveMessageWaitTimeSeconds", "receiveWaitTime"},
        {"DelaySeconds", "delaySeconds"},
        {"MaximumMessageSize", "maxMessageSize"},
    };
    static const char *const fifo_only[][2] = {
        {"ContentBasedDeduplication", "contentBasedDeduplication"},
        {"DeduplicationScope", "deduplicationScope"},
        {"FifoThroughputLimit", "fifoThroughputLimit"},
    };
    struct pk_resource *r = pk_x_node(x, c, NULL, QUEUE);
    set_fifo(x, c, r);
    for (size_t i = 0; i < PK_ARRAY_LEN(copied); i++)
        pk_x_copy(x, r, copied[i][0], c, copied[i][1]);
    for (size_t i = 0; is_fifo(c) && i < PK_ARRAY_LEN(fifo_only); i++)
        pk_x_copy(x, r, fifo_only[i][0], c, fifo_only[i][1]);
    set_encryption(x, c, r);
    set_dead_letters(x, c, r);
    add_policy(x, c);
}

/* --- outputs and access ----------------------------------------------------------------------- */

static json_t *output(struct pk_expansion *x, const struct pk_component *c, const char *name,
                      struct pk_span asked) {
    if (strcmp(name, "queueUrl") == 0)
        return pk_token_ref(c->key, "QueueUrl");
    if (strcmp(name, "queueArn") == 0)
        return pk_queue_arn(x, c, NULL);
    if (strcmp(name, "queueName") == 0)
        return pk_json_text(pk_x_name_of(x, c, NULL, QUEUE));
    if (has_dead_letters(c)) {
        const struct pk_component *other = other_dead_letters(x, c);
        if (strcmp(name, "dlqUrl") == 0)
            return pk_token_ref(other ? other->key : pk_x_key(x, c, "dlq"), "QueueUrl");
        return other ? pk_queue_arn(x, other, NULL) : pk_queue_arn(x, c, "dlq");
    }
    struct pk_diag *d =
        pk_diag(x->diags, PK_SEVERITY_ERROR, "ref.output-unavailable", asked,
                "%s has no dead-letter queue, so there is no `%s`", c->address, name);
    pk_diag_help(x->diags, d, "set `deadLetterQueue: true` in %s", c->name);
    return NULL;
}

static json_t *identity(struct pk_expansion *x, const struct pk_component *c, const char *name) {
    return strcmp(name, "arn") == 0 ? pk_queue_arn(x, c, NULL) : NULL;
}

static void access(struct pk_expansion *x, const struct pk_component *c, const char *level,
                   struct pk_statements *to) {
    static const char *const read[] = {"sqs:GetQueueAttributes", "sqs:GetQueueUrl", NULL};
    static const char *const write[] = {"sqs:GetQueueAttributes", "sqs:GetQueueUrl",
                                        "sqs:SendMessage", NULL};
    static const char *const consume[] = {"sqs:ChangeMessageVisibility", "sqs:DeleteMessage",
                                          "sqs:GetQueueAttributes", "sqs:ReceiveMessage", NULL};
    static const char *const all[] = {"sqs:ChangeMessageVisibility",
                                      "sqs:DeleteMessage",
                                      "sqs:GetQueueAttributes",
                                      "sqs:GetQueueUrl",
                                      "sqs:ReceiveMessage",
                                      "sqs:SendMessage",
                                      NULL};
    static const char *const admin[] = {"sqs:*", NULL};
    const char *const *actions = strcmp(level, "admin") == 0       ? admin
                                 : strcmp(level, "readwrite") == 0 ? all
                                 : strcmp(level, "write") == 0     ? write
                                 : strcmp(level, "consume") == 0   ? consume
                                                                   : read;
    pk_iam_allow(to, actions, pk_queue_arn(x, c, NULL), NULL);
    if (pk_spec_bool(c, "encryption.enabled"))
        pk_iam_allow_key(x, c, "encryption.kmsKey", "sqs", level, to);
}

const struct pk_kind pk_kind_sqs = {
    .table = {.kind = "SQS",
              .group = "components.panka.io/v1",
              .doc = "Queue with a dead-letter queue.",
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
    .default_access = "readwrite",
    .identity = identity,
    .primary_type = QUEUE,
};
