/* test_sqs.c - queues: properties, dead letters, policies of senders, access. */
#include "findings.h"

#define QUEUE_ARN "arn:aws:sqs:eu-west-1:123456789012:"

static void smallest_queue(void **state) {
    (void)state;
    struct fixture f;
    fx_begin(&f);
    fx_component(&f, "SQS", "jobs", "  type: standard\n");
    fx_expand(&f);
    fx_assert_clean(&f, "");
    assert_string_equal(fx_keys(&f, "jobs"), "jobs");
    assert_string_equal(fx_properties(&f, "jobs", ""),
                        "{\"DelaySeconds\":0,\"MaximumMessageSize\":262144,"
                        "\"MessageRetentionPeriod\":345600,\"QueueName\":\"shop-test-jobs\","
                        "\"ReceiveMessageWaitTimeSeconds\":0,\"SqsManagedSseEnabled\":true,"
                        "\"VisibilityTimeout\":30}");
    assert_false(fx_node(&f, "jobs")->stateful);
    assert_true(fx_node(&f, "jobs")->primary);
    assert_string_equal(fx_output(&f, "jobs.queueUrl"),
                        "{\"$ref\":\"jobs\",\"attr\":\"QueueUrl\"}");
    assert_string_equal(fx_output(&f, "jobs.queueArn"), "\"" QUEUE_ARN "shop-test-jobs\"");
    assert_string_equal(fx_output(&f, "jobs.queueName"), "\"shop-test-jobs\"");
    assert_string_equal(fx_output(&f, "jobs.dlqUrl"), "");
    fx_end(&f);
}

static void fifo_queue_with_dead_letters(void **state) {
    (void)state;
    struct fixture f;
    fx_begin(&f);
    fx_component(&f, "SQS", "jobs",
                 "  type: fifo\n  messageRetentionPeriod: 1d\n  visibilityTimeout: 5m\n"
                 "  receiveWaitTime: 20\n  delaySeconds: 5\n  maxMessageSize: 1048576\n"
                 "  contentBasedDeduplication: true\n  deduplicationScope: messageGroup\n"
                 "  fifoThroughputLimit: perMessageGroupId\n"
                 "  deadLetterQueue: {enabled: true, maxReceiveCount: 7, retentionPeriod: 4d}\n"
                 "  encryption: {kmsKey: alias/mine, reusePeriod: 10m}\n");
    fx_expand(&f);
    fx_assert_clean(&f, "");
    assert_string_equal(fx_keys(&f, "jobs"), "jobs jobs:dlq");
    assert_string_equal(
        fx_properties(&f, "jobs", ""),
        "{\"ContentBasedDeduplication\":true,\"DeduplicationScope\":\"messageGroup\","
        "\"DelaySeconds\":5,\"FifoQueue\":true,\"FifoThroughputLimit\":\"perMessageGroupId\","
        "\"KmsDataKeyReusePeriodSeconds\":600,\"KmsMasterKeyId\":\"alias/mine\","
        "\"MaximumMessageSize\":1048576,\"MessageRetentionPeriod\":86400,"
        "\"QueueName\":\"shop-test-jobs.fifo\",\"ReceiveMessageWaitTimeSeconds\":20,"
        "\"RedrivePolicy\":{\"deadLetterTargetArn\":\"" QUEUE_ARN "shop-test-jobs-dlq.fifo\","
        "\"maxReceiveCount\":7},\"VisibilityTimeout\":300}");
    assert_string_equal(
        fx_properties(&f, "jobs:dlq", ""),
        "{\"FifoQueue\":true,\"KmsDataKeyReusePeriodSeconds\":600,"
        "\"KmsMasterKeyId\":\"alias/mine\",\"MessageRetentionPeriod\":345600,"
        "\"QueueName\":\"shop-test-jobs-dlq.fifo\",\"RedriveAllowPolicy\":{\"redrivePermission\":"
        "\"byQueue\",\"sourceQueueArns\":[\"" QUEUE_ARN "shop-test-jobs.fifo\"]}}");
    assert_int_equal(fx_edge(&f, "jobs", "jobs:dlq")->strength, PK_EDGE_HARD);
    assert_string_equal(fx_output(&f, "jobs.dlqUrl"),
                        "{\"$ref\":\"jobs:dlq\",\"attr\":\"QueueUrl\"}");
    assert_string_equal(fx_output(&f, "jobs.dlqArn"), "\"" QUEUE_ARN "shop-test-jobs-dlq.fifo\"");
    fx_end(&f);
}

static void dead_letters_of_another_component(void **state) {
    (void)state;
    struct fixture f;
    fx_begin(&f);
    fx_component(&f, "SQS", "dead", "  encryption: {enabled: false}\n");
    fx_component(&f, "SQS", "jobs", "  deadLetterQueue: {component: dead}\n");
    fx_expand(&f);
    fx_assert_clean(&f, "");
    assert_string_equal(fx_keys(&f, "jobs"), "jobs");
    assert_property(&f, "dead", "SqsManagedSseEnabled", "false");
    assert_property(&f, "jobs", "RedrivePolicy",
                    "{\"deadLetterTargetArn\":\"" QUEUE_ARN
                    "shop-test-dead\",\"maxReceiveCount\":3}");
    assert_int_equal(fx_edge(&f, "jobs", "dead")->strength, PK_EDGE_HARD);
    assert_string_equal(fx_output(&f, "jobs.dlqUrl"), "{\"$ref\":\"dead\",\"attr\":\"QueueUrl\"}");
    fx_end(&f);
}

/* Topics and buckets that send, undelivered messages, and what the user allows. */
static void senders_may_send(void **state) {
    (void)state;
    struct fixture f;
    fx_begin(&f);
    fx_component(&f, "SQS", "jobs",
                 "  policy:\n    statements:\n"
                 "      - {effect: Allow, principal: {Service: events.amazonaws.com},\n"
                 "         action: \"sqs:SendMessage\", resource: self}\n");
    fx_component(&f, "SNS", "news", "  subscriptions: [{protocol: sqs, component: jobs}]\n");
    fx_component(&f, "SNS", "more",
                 "  subscriptions:\n    - {protocol: email, endpoint: a@example.com,\n"
                 "       deadLetterQueue: {component: jobs}}\n");
    fx_component(&f, "S3", "files",
                 "  notifications:\n    - {events: [\"s3:ObjectCreated:*\"], queue: jobs}\n");
    fx_expand(&f);
    fx_assert_clean(&f, "");
    assert_property(&f, "jobs:policy", "Queues", "[{\"$ref\":\"jobs\",\"attr\":\"QueueUrl\"}]");
    assert_property(
        &f, "jobs:policy", "PolicyDocument.Statement",
        "[{\"Action\":[\"sqs:SendMessage\"],\"Condition\":{\"ArnEquals\":{\"aws:SourceArn\":"
        "\"arn:aws:s3:::shop-test-files-123456789012\"},\"StringEquals\":{\"aws:SourceAccount\":"
        "\"123456789012\"}},\"Effect\":\"Allow\",\"Principal\":{\"Service\":\"s3.amazonaws.com\"},"
        "\"Resource\":[\"" QUEUE_ARN "shop-test-jobs\"]},"
        "{\"Action\":[\"sqs:SendMessage\"],\"Condition\":{\"ArnEquals\":{\"aws:SourceArn\":"
        "\"arn:aws:sns:eu-west-1:123456789012:shop-test-more\"}},\"Effect\":\"Allow\","
        "\"Principal\":{\"Service\":\"sns.amazonaws.com\"},\"Resource\":[\"" QUEUE_ARN
        "shop-test-jobs\"]},"
        "{\"Action\":[\"sqs:SendMessage\"],\"Condition\":{\"ArnEquals\":{\"aws:SourceArn\":"
        "\"arn:aws:sns:eu-west-1:123456789012:shop-test-news\"}},\"Effect\":\"Allow\","
        "\"Principal\":{\"Service\":\"sns.amazonaws.com\"},\"Resource\":[\"" QUEUE_ARN
        "shop-test-jobs\"]},"
        "{\"Action\":[\"sqs:SendMessage\"],\"Effect\":\"Allow\",\"Principal\":{\"Service\":"
        "\"events.amazonaws.com\"},\"Resource\":[\"" QUEUE_ARN "shop-test-jobs\"]}]");
    assert_non_null(fx_edge(&f, "jobs:policy", "jobs"));
    /* S3 tries the queue when it is told of it */
    assert_int_equal(fx_edge(&f, "files:notifications", "jobs:policy")->strength, PK_EDGE_HARD);
    fx_end(&f);
}

static void access_levels(void **state) {
    (void)state;
    static const struct {
        const char *level, *statements;
    } cases[] = {
        {"read", "sqs:GetQueueAttributes,sqs:GetQueueUrl -> " QUEUE_ARN "shop-test-jobs\n"},
        {"write",
         "sqs:GetQueueAttributes,sqs:GetQueueUrl,sqs:SendMessage -> " QUEUE_ARN "shop-test-jobs\n"},
        {"consume", "sqs:ChangeMessageVisibility,sqs:DeleteMessage,sqs:GetQueueAttributes,"
                    "sqs:ReceiveMessage -> " QUEUE_ARN "shop-test-jobs\n"},
        {"readwrite",
         "sqs:ChangeMessageVisibility,sqs:DeleteMessage,sqs:GetQueueAttributes,"
         "sqs:GetQueueUrl,sqs:ReceiveMessage,sqs:SendMessage -> " QUEUE_ARN "shop-test-jobs\n"},
        {"admin", "sqs:* -> " QUEUE_ARN "shop-test-jobs\n"},
    };
    for (size_t i = 0; i < PK_ARRAY_LEN(cases); i++) {
        struct fixture f;
        fx_begin(&f);
        PK_CLEANUP(pk_freep)
        char *spec = pk_asprintf("  image: {repository: nginx, tag: \"1\"}\n"
                                 "  permissions: [{component: jobs, access: %s}]\n",
                                 cases[i].level);
        fx_component(&f, "SQS", "jobs", "  type: standard\n");
        fx_component(&f, "MicroService", "app", spec);
        fx_expand(&f);
        fx_assert_clean(&f, "");
        assert_string_equal(fx_statements(&f, "app:task-role", ACCESS), cases[i].statements);
        fx_end(&f);
    }
}

static void other_components(struct fixture *f) {
    fx_component(f, "SQS", "ordered", "  type: fifo\n");
    fx_component(f, "SQS", "slow", "  type: standard\n");
    fx_component(f, "DynamoDB", "table", "  hashKey: {name: id}\n");
    fx_component(f, "SNS", "news", "  subscriptions: [{protocol: sqs, component: it}]\n");
}

static void findings(void **state) {
    (void)state;
    static const struct finding_case cases[] = {
        ERROR_AT("sqs.visibility", 5, "  visibilityTimeout: 13h\n"),
        ERROR_AT("sqs.retention", 5, "  messageRetentionPeriod: 30\n"),
        ERROR_AT("sqs.retention", 5, "  deadLetterQueue: {enabled: true, retentionPeriod: 15d}\n"),
        ERROR_AT("sqs.delay", 5, "  delaySeconds: 901\n"),
        ERROR_AT("sqs.wait", 5, "  receiveWaitTime: 21\n"),
        ERROR_AT("sqs.size", 5, "  maxMessageSize: 100\n"),
        ERROR_AT("sqs.receive-count", 6,
                 "  deadLetterQueue:\n    maxReceiveCount: 0\n    enabled: true\n"),
        ERROR_AT("sqs.fifo-only-field", 5, "  contentBasedDeduplication: true\n"),
        ERROR_AT("sqs.fifo-only-field", 5, "  fifoThroughputLimit: perQueue\n"),
        ERROR_AT("sqs.throughput-scope", 6,
                 "  type: fifo\n  fifoThroughputLimit: perMessageGroupId\n"),
        ERROR_AT("sqs.dlq-type", 5, "  deadLetterQueue: {component: ordered}\n"),
        ERROR_AT("sqs.dlq-type", 5, "  deadLetterQueue: {component: table}\n"),
        ERROR_AT("sqs.dlq-type", 5, "  deadLetterQueue: {component: it}\n"),
        ERROR_AT("sqs.name", 5, "  name: a.b\n"),
        ERROR_AT("sqs.name", 5, "  name: jobs.fifo\n"),
        ERROR_AT("sqs.name", 6, "  type: fifo\n  name: jobs\n"),
        WARNING_AT("sqs.key-senders", 5, "  encryption: {kmsKey: alias/aws/sqs}\n"),
        WARNING_AT("field.inert", 5, "  deadLetterQueue: {maxReceiveCount: 5}\n"),
        WARNING_AT("field.inert", 5, "  encryption: {reusePeriod: 5m}\n"),
        ERROR_AT("encryption.off", 5, "  encryption: {enabled: false, kmsKey: alias/a}\n"),
        ERROR_AT("sqs.dlq-retention", 5,
                 "  deadLetterQueue: {component: slow, retentionPeriod: 1d}\n"),
        WARNING_AT("iam.no-role", 5, "  permissions: [{component: table, access: read}]\n"),
        ERROR_AT("iam.statement", 5,
                 "  policy: {statements: [{Effect: Allow, Action: a, Resource: self}]}\n"),
        ERROR_AT("iam.statement", 5,
                 "  policy: {statements: [{Effect: Allow, Resource: self,\n"
                 "    Principal: \"*\"}]}\n"),
    };
    check_findings("SQS", cases, PK_ARRAY_LEN(cases), other_components);
}

static void a_missing_dead_letter_queue(void **state) {
    (void)state;
    struct fixture f;
    fx_begin(&f);
    fx_component(&f, "SQS", "jobs", "  type: standard\n");
    fx_component(&f, "MicroService", "app",
                 "  image: {repository: nginx, tag: \"1\"}\n"
                 "  environment: {DEAD: \"${jobs.dlqUrl}\"}\n");
    fx_expand(&f);
    const struct pk_diag *d = fx_finding(&f, "ref.output-unavailable");
    assert_non_null(d);
    assert_int_equal(d->span.line, 6);
    assert_non_null(d->help);
    fx_end(&f);
}

static void example(void **state) {
    (void)state;
    check_example("SQS");
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(smallest_queue),
        cmocka_unit_test(fifo_queue_with_dead_letters),
        cmocka_unit_test(dead_letters_of_another_component),
        cmocka_unit_test(senders_may_send),
        cmocka_unit_test(access_levels),
        cmocka_unit_test(findings),
        cmocka_unit_test(a_missing_dead_letter_queue),
        cmocka_unit_test(example),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
