/* test_sns.c - topics, subscriptions, who may publish. */
#include "findings.h"

#define TOPIC_ARN "arn:aws:sns:eu-west-1:123456789012:"

static const char *sub_key(struct fixture *f, const char *topic, const char *protocol) {
    for (size_t i = 0; i < f->graph->resources.len; i++) {
        const struct pk_resource *r = f->graph->resources.items[i];
        if (strcmp(r->component, topic) == 0 && strcmp(r->type, "AWS::SNS::Subscription") == 0 &&
            pk_streq(pk_json_str(r->properties, "Protocol", NULL), protocol))
            return r->key;
    }
    print_error("no subscription of %s by %s\n", topic, protocol);
    fail();
    return NULL;
}

static void smallest_topic(void **state) {
    (void)state;
    struct fixture f;
    fx_begin(&f);
    fx_component(&f, "SNS", "news", "  fifoTopic: false\n");
    fx_expand(&f);
    fx_assert_clean(&f, "");
    assert_string_equal(fx_keys(&f, "news"), "news");
    assert_string_equal(fx_properties(&f, "news", ""), "{\"TopicName\":\"shop-test-news\"}");
    assert_string_equal(fx_output(&f, "news.topicArn"), "\"" TOPIC_ARN "shop-test-news\"");
    assert_string_equal(fx_output(&f, "news.topicName"), "\"shop-test-news\"");
    fx_end(&f);
}

static void full_topic(void **state) {
    (void)state;
    struct fixture f;
    fx_begin(&f);
    fx_component(&f, "SQS", "dead", "  type: standard\n");
    fx_component(
        &f, "SNS", "news",
        "  displayName: News\n  tracing: true\n  encryption: {enabled: true}\n"
        "  deliveryPolicy: '{\"http\":{\"defaultHealthyRetryPolicy\":{\"numRetries\":5}}}'\n"
        "  subscriptions:\n"
        "    - protocol: https\n      endpoint: https://example.com/hook\n"
        "      filterPolicy: {kind: [order]}\n      filterPolicyScope: MessageBody\n"
        "      rawMessageDelivery: true\n      deliveryPolicy: {a: 1}\n"
        "      deadLetterQueue: {component: dead}\n"
        "    - {protocol: firehose, roleArn: \"arn:aws:iam::123456789012:role/put\",\n"
        "       endpoint: \"arn:aws:firehose:eu-west-1:123456789012:deliverystream/s\"}\n"
        "    - {protocol: sms, endpoint: \"+4915112345678\"}\n"
        "  policy: {statements: [{Sid: alarms, Effect: Allow, Resource: self,\n"
        "    Principal: {Service: cloudwatch.amazonaws.com}, Action: [\"sns:Publish\"]}]}\n");
    fx_expand(&f);
    fx_assert_clean(&f, "");
    assert_string_equal(
        fx_properties(&f, "news", ""),
        "{\"DeliveryPolicy\":{\"http\":{\"defaultHealthyRetryPolicy\":{\"numRetries\":5}}},"
        "\"DisplayName\":\"News\",\"KmsMasterKeyId\":\"alias/aws/sns\","
        "\"TopicName\":\"shop-test-news\",\"TracingConfig\":\"Active\"}");
    const char *https = sub_key(&f, "news", "https");
    assert_string_equal(
        fx_properties(&f, https, ""),
        "{\"DeliveryPolicy\":{\"a\":1},\"Endpoint\":\"https://example.com/hook\","
        "\"FilterPolicy\":{\"kind\":[\"order\"]},\"FilterPolicyScope\":\"MessageBody\","
        "\"Protocol\":\"https\",\"RawMessageDelivery\":true,\"RedrivePolicy\":"
        "{\"deadLetterTargetArn\":\"arn:aws:sqs:eu-west-1:123456789012:shop-test-dead\"},"
        "\"TopicArn\":\"" TOPIC_ARN "shop-test-news\"}");
    assert_int_equal(fx_edge(&f, https, "news")->strength, PK_EDGE_HARD);
    assert_int_equal(fx_edge(&f, https, "dead:policy")->strength, PK_EDGE_HARD);
    assert_property(&f, sub_key(&f, "news", "firehose"), "SubscriptionRoleArn",
                    "\"arn:aws:iam::123456789012:role/put\"");
    assert_property(&f, sub_key(&f, "news", "sms"), "Endpoint", "\"+4915112345678\"");
    assert_property(&f, "news:policy", "Topics", "[\"" TOPIC_ARN "shop-test-news\"]");
    assert_property(&f, "news:policy", "PolicyDocument",
                    "{\"Statement\":[{\"Action\":[\"sns:Publish\"],\"Effect\":\"Allow\","
                    "\"Principal\":{\"Service\":\"cloudwatch.amazonaws.com\"},\"Resource\":"
                    "[\"" TOPIC_ARN "shop-test-news\"],\"Sid\":\"alarms\"}],"
                    "\"Version\":\"2012-10-17\"}");
    fx_end(&f);
}

/* Components as endpoints, by name and by output. */
static void components_subscribe(void **state) {
    (void)state;
    struct fixture f;
    fx_begin(&f);
    fx_component(&f, "SQS", "jobs", "  type: standard\n");
    fx_component(&f, "Lambda", "fn",
                 "  runtime: nodejs24.x\n  code: {zipFile: \"//\"}\n  vpc: {enabled: false}\n");
    fx_component(&f, "SNS", "news",
                 "  subscriptions:\n    - {protocol: sqs, endpoint: \"${jobs.queueArn}\"}\n"
                 "    - {protocol: lambda, component: fn}\n");
    fx_expand(&f);
    fx_assert_clean(&f, "");
    const char *queue = sub_key(&f, "news", "sqs"), *function = sub_key(&f, "news", "lambda");
    assert_property(&f, queue, "Endpoint", "\"arn:aws:sqs:eu-west-1:123456789012:shop-test-jobs\"");
    assert_non_null(fx_edge(&f, queue, "jobs:policy"));
    assert_property(&f, function, "Endpoint",
                    "\"arn:aws:lambda:eu-west-1:123456789012:function:shop-test-fn\"");
    const char *permission =
        pk_arena_printf(f.arena, "news:permission-%s", function + strlen("news:sub-"));
    assert_string_equal(fx_properties(&f, permission, ""),
                        "{\"Action\":\"lambda:InvokeFunction\",\"FunctionName\":\"shop-test-fn\","
                        "\"Principal\":\"sns.amazonaws.com\",\"SourceArn\":\"" TOPIC_ARN
                        "shop-test-news\"}");
    assert_non_null(fx_edge(&f, function, permission));
    assert_int_equal(fx_edge(&f, permission, "fn")->strength, PK_EDGE_HARD);
    fx_end(&f);
}

static void the_key_of_a_subscription_is_its_endpoint(void **state) {
    (void)state;
    const char *keys[2];
    struct fixture f[2];
    static const char *const specs[] = {
        "  subscriptions:\n    - {protocol: email, endpoint: a@example.com}\n"
        "    - {protocol: sms, endpoint: \"+4915112345678\"}\n",
        "  subscriptions:\n    - {protocol: sms, endpoint: \"+4915112345678\"}\n"
        "    - {protocol: email, endpoint: a@example.com, rawMessageDelivery: false}\n",
    };
    for (size_t i = 0; i < 2; i++) {
        fx_begin(&f[i]);
        fx_component(&f[i], "SNS", "news", specs[i]);
        fx_expand(&f[i]);
        keys[i] = sub_key(&f[i], "news", "email");
    }
    assert_string_equal(keys[0], keys[1]);
    fx_end(&f[0]);
    fx_end(&f[1]);
}

static void fifo_topic(void **state) {
    (void)state;
    struct fixture f;
    fx_begin(&f);
    fx_component(&f, "SQS", "jobs", "  type: fifo\n");
    fx_component(&f, "SNS", "news",
                 "  fifoTopic: true\n  contentBasedDeduplication: true\n"
                 "  subscriptions: [{protocol: sqs, component: jobs}]\n");
    fx_expand(&f);
    fx_assert_clean(&f, "");
    assert_string_equal(fx_properties(&f, "news", ""),
                        "{\"ContentBasedDeduplication\":true,\"FifoTopic\":true,"
                        "\"TopicName\":\"shop-test-news.fifo\"}");
    fx_end(&f);
}

static void buckets_publish(void **state) {
    (void)state;
    struct fixture f;
    fx_begin(&f);
    fx_component(&f, "SNS", "news", "  fifoTopic: false\n");
    fx_component(&f, "S3", "files",
                 "  notifications: {topic: news, events: [\"s3:ObjectRemoved:*\"]}\n");
    fx_expand(&f);
    fx_assert_clean(&f, "");
    assert_string_equal(fx_statements(&f, "news:policy", "PolicyDocument.Statement"),
                        "sns:Publish -> " TOPIC_ARN "shop-test-news\n");
    assert_int_equal(fx_edge(&f, "files:notifications", "news:policy")->strength, PK_EDGE_HARD);
    fx_end(&f);
}

static void access_levels(void **state) {
    (void)state;
    static const struct {
        const char *level, *statements;
    } cases[] = {
        {"read", "sns:GetTopicAttributes -> " TOPIC_ARN "shop-test-news\n"},
        {"write", "sns:Publish -> " TOPIC_ARN "shop-test-news\n"},
        {"readwrite", "sns:GetTopicAttributes -> " TOPIC_ARN "shop-test-news\nsns:Publish "
                      "-> " TOPIC_ARN "shop-test-news\n"},
        {"admin", "sns:* -> " TOPIC_ARN "shop-test-news\n"},
    };
    for (size_t i = 0; i < PK_ARRAY_LEN(cases); i++) {
        struct fixture f;
        fx_begin(&f);
        PK_CLEANUP(pk_freep)
        char *spec = pk_asprintf("  image: {repository: nginx, tag: \"1\"}\n"
                                 "  permissions: [{component: news, access: %s}]\n",
                                 cases[i].level);
        fx_component(&f, "SNS", "news", "  encryption: {enabled: true}\n");
        fx_component(&f, "MicroService", "app", spec);
        fx_expand(&f);
        fx_assert_clean(&f, "");
        assert_string_equal(fx_statements(&f, "app:task-role", ACCESS), cases[i].statements);
        fx_end(&f);
    }
}

static void others(struct fixture *f) {
    fx_component(f, "SQS", "jobs", "  type: standard\n");
    fx_component(f, "SQS", "ordered", "  type: fifo\n");
    fx_component(f, "S3", "files", "  versioning: {enabled: true}\n");
}

#define SUB(text) "  subscriptions:\n    - {" text "}\n"
#define FIFO "  fifoTopic: true\n"

static void findings(void **state) {
    (void)state;
    static const struct finding_case cases[] = {
        ERROR_AT("sns.fifo-protocol", 7, FIFO SUB("protocol: email, endpoint: a@example.com")),
        ERROR_AT("sns.fifo-protocol", 6, SUB("protocol: sqs, component: ordered")),
        WARNING_AT("sns.fifo-order", 7, FIFO SUB("protocol: sqs, component: jobs")),
        ERROR_AT("sns.endpoint-format", 6, SUB("protocol: email, endpoint: nobody")),
        ERROR_AT("sns.endpoint-format", 6, SUB("protocol: https, endpoint: \"http://a.b\"")),
        ERROR_AT("sns.endpoint-format", 6, SUB("protocol: sms, endpoint: \"0151\"")),
        ERROR_AT("sns.endpoint-format", 6, SUB("protocol: lambda, endpoint: \"arn:aws:sqs:x\"")),
        ERROR_AT("sns.endpoint-format", 6, SUB("protocol: email")),
        ERROR_AT("sns.endpoint-format", 6,
                 SUB("protocol: sqs, component: jobs, endpoint: \"arn:aws:sqs:r:1:q\"")),
        ERROR_AT("sns.endpoint-format", 6, SUB("protocol: lambda, component: jobs")),
        ERROR_AT("sns.endpoint-format", 6, SUB("protocol: email, component: jobs")),
        ERROR_AT("sns.endpoint-format", 6, SUB("protocol: lambda, endpoint: \"${jobs.queueArn}\"")),
        ERROR_AT("sns.fifo-protocol", 6, SUB("protocol: sqs, endpoint: \"${ordered.queueArn}\"")),
        ERROR_AT("sns.dlq-kind", 6,
                 SUB("protocol: sqs, component: jobs, deadLetterQueue: {component: ordered}")),
        ERROR_AT("sns.filter-json", 7,
                 SUB("protocol: sqs, component: jobs,\n       filterPolicy: [1]")),
        ERROR_AT("sns.filter-json", 7,
                 SUB("protocol: sqs, component: jobs,\n"
                     "       filterPolicy: {a: [1], b: [1], c: [1], d: [1], e: [1], f: [1]}")),
        ERROR_AT("sns.filter-json", 5, "  deliveryPolicy: \"[1]\"\n"),
        ERROR_AT("sns.display-name", 5,
                 "  displayName: \"0123456789012345678901234567890123456789012345678901234567890"
                 "1234567890123456789012345678901234567890\"\n"),
        ERROR_AT("sns.name", 5, "  name: news.fifo\n"),
        ERROR_AT("sns.name", 6, FIFO "  name: news\n"),
        ERROR_AT("sns.fifo-only-field", 5, "  contentBasedDeduplication: true\n"),
        ERROR_AT("sns.standard-only-field", 6, FIFO "  tracing: true\n"),
        ERROR_AT("sns.standard-only-field", 6, FIFO "  deliveryPolicy: {}\n"),
        ERROR_AT("sns.dlq-kind", 7,
                 SUB("protocol: sqs, component: jobs,\n"
                     "       deadLetterQueue: {component: files}")),
        ERROR_AT("sns.firehose-role", 6, SUB("protocol: firehose, endpoint: \"arn:a:firehose:\"")),
        ERROR_AT("sns.subscription-dup", 7,
                 SUB("protocol: sqs, component: jobs") "    - {protocol: sqs, component: jobs}\n"),
        WARNING_AT("iam.no-role", 5, "  iam: {managedPolicyArns: []}\n"),
    };
    check_findings("SNS", cases, PK_ARRAY_LEN(cases), others);
}

static void example(void **state) {
    (void)state;
    check_example("SNS");
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(smallest_topic),
        cmocka_unit_test(full_topic),
        cmocka_unit_test(components_subscribe),
        cmocka_unit_test(the_key_of_a_subscription_is_its_endpoint),
        cmocka_unit_test(fifo_topic),
        cmocka_unit_test(buckets_publish),
        cmocka_unit_test(access_levels),
        cmocka_unit_test(findings),
        cmocka_unit_test(example),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
