/* test_client.c - attempts, errors, clock, endpoints, pages: the client on a scripted transport. */
#include "fake.h"

#include "base/clock.h"
#include "base/fs.h"

#include <stdio.h>

#define SQS_OK                                                                                     \
    { .status = 200, .body = "{\"QueueUrl\":\"u\"}" }

static bool get_queue(struct pk_aws *aws, const struct pk_aws_io *io, struct pk_error **err) {
    json_t *params = json_pack("{s:s}", "QueueName", "q");
    bool ok = pk_aws_call(aws, "sqs", "GetQueueUrl", params, io, NULL, err);
    json_decref(params);
    return ok;
}

static void test_retries_server_errors(void **state) {
    (void)state;
    struct fake fake;
    int attempts = 0;
    fake_init(&fake, fake_keys);
    struct pk_aws *aws = fake_client(&fake);
    fake_reply(&fake, (struct fake_reply){.status = 503});
    fake_reply(&fake, (struct fake_reply){.status = 500, .body = "<html>"});
    fake_reply(&fake, (struct fake_reply)SQS_OK);
    struct pk_aws_io io = {.ret_attempts = &attempts};
    assert_true(get_queue(aws, &io, NULL));
    assert_int_equal(attempts, 3);
    assert_int_equal(fake.n_requests, 3);
    struct pk_aws_stats stats;
    pk_aws_get_stats(aws, &stats);
    assert_int_equal(stats.calls, 1);
    assert_int_equal(stats.attempts, 3);
    assert_int_equal(stats.retries, 2);
    /* Full jitter: at most 1 s, then at most 2 s. */
    assert_true(fake.waited_ms <= 3000);
    pk_aws_free(aws);
    fake_release(&fake);
}

static void test_gives_up_with_the_last_error(void **state) {
    (void)state;
    struct fake fake;
    struct pk_error *err = NULL;
    fake_init(&fake, fake_keys);
    struct pk_aws *aws = fake_client(&fake);
    for (int i = 0; i < 3; i++)
        fake_reply(&fake, (struct fake_reply){
                              .status = 400,
                              .headers = "x-amzn-RequestId: r-1",
                              .body = "{\"__type\":\"com.amazonaws.sqs#ThrottlingException\","
                                      "\"message\":\"slow\"}"});
    assert_false(get_queue(aws, NULL, &err));
    assert_int_equal(fake.n_requests, 3);
    assert_int_equal(err->code, PK_E_AWS);
    assert_string_equal(err->aws.code, "ThrottlingException");
    assert_string_equal(err->aws.request_id, "r-1");
    assert_string_equal(err->aws.service, "sqs");
    assert_string_equal(err->aws.operation, "GetQueueUrl");
    assert_int_equal(err->aws.http_status, 400);
    assert_true(err->aws.throttled);
    assert_true(err->aws.retryable);
    assert_true(err->aws.sent);
    assert_string_equal(err->message, "sqs GetQueueUrl: ThrottlingException: slow");
    pk_error_free(err);
    pk_aws_free(aws);
    fake_release(&fake);
}

static void test_refusals_are_final(void **state) {
    (void)state;
    static const struct {
        const char *type;
        enum pk_code code;
    } cases[] = {{"AccessDeniedException", PK_E_ACCESS_DENIED},
                 {"UnrecognizedClientException", PK_E_CREDENTIALS},
                 {"QueueDoesNotExist", PK_E_AWS}};
    for (size_t i = 0; i < PK_ARRAY_LEN(cases); i++) {
        struct fake fake;
        struct pk_error *err = NULL;
        char body[100];
        fake_init(&fake, fake_keys);
        struct pk_aws *aws = fake_client(&fake);
        snprintf(body, sizeof(body), "{\"__type\":\"%s\"}", cases[i].type);
        fake_reply(&fake, (struct fake_reply){.status = 400, .body = body});
        assert_false(get_queue(aws, NULL, &err));
        assert_int_equal(fake.n_requests, 1);
        assert_int_equal(err->code, cases[i].code);
        assert_false(err->aws.retryable);
        pk_error_free(err);
        pk_aws_free(aws);
        fake_release(&fake);
    }
}

static void test_query_compatible_code(void **state) {
    (void)state;
    struct fake fake;
    struct pk_error *err = NULL;
    fake_init(&fake, fake_keys);
    struct pk_aws *aws = fake_client(&fake);
    fake_reply(
        &fake,
        (struct fake_reply){
            .status = 400,
            .headers = "x-amzn-query-error: AWS.SimpleQueueService.NonExistentQueue;Sender",
            .body = "{\"__type\":\"com.amazonaws.sqs#QueueDoesNotExist\",\"message\":\"no\"}"});
    assert_false(get_queue(aws, NULL, &err));
    assert_true(pk_error_is_aws(err, "AWS.SimpleQueueService.NonExistentQueue"));
    assert_string_equal(pk_headers_get(&fake.requests[0].headers, "x-amzn-query-mode"), "true");
    pk_error_free(err);
    pk_aws_free(aws);
    fake_release(&fake);
}

/* What went out without an answer may have been done, whatever the later attempts say. */
static void test_lost_reply_stays_known(void **state) {
    (void)state;
    struct fake fake;
    struct pk_error *err = NULL;
    fake_init(&fake, fake_keys);
    struct pk_aws *aws = fake_client(&fake);
    fake_reply(&fake, (struct fake_reply){.fail = PK_E_TIMEOUT, .sent = true});
    fake_reply(&fake, (struct fake_reply){.fail = PK_E_NETWORK});
    fake_reply(&fake, (struct fake_reply){.fail = PK_E_NETWORK});
    assert_false(get_queue(aws, NULL, &err));
    assert_int_equal(err->code, PK_E_NETWORK);
    assert_true(err->aws.sent);
    assert_string_equal(err->aws.operation, "GetQueueUrl");
    pk_error_free(err);
    pk_aws_free(aws);
    fake_release(&fake);
}

static void test_retry_after(void **state) {
    (void)state;
    struct fake fake;
    fake_init(&fake, fake_keys);
    struct pk_aws *aws = fake_client(&fake);
    fake_reply(&fake, (struct fake_reply){.status = 503, .headers = "Retry-After: 7"});
    fake_reply(&fake, (struct fake_reply){.status = 503, .headers = "x-amz-retry-after: 1500"});
    fake_reply(&fake, (struct fake_reply)SQS_OK);
    assert_true(get_queue(aws, NULL, NULL));
    assert_int_equal(fake.waited_ms, 8500);
    pk_aws_free(aws);
    fake_release(&fake);
}

static void test_attempts_are_configured(void **state) {
    (void)state;
    static const char *const env[] = {"AWS_ACCESS_KEY_ID",
                                      "k",
                                      "AWS_SECRET_ACCESS_KEY",
                                      "s",
                                      "AWS_REGION",
                                      "us-east-1",
                                      "AWS_MAX_ATTEMPTS",
                                      "1",
                                      "HOME",
                                      "/nonexistent",
                                      NULL};
    struct fake fake;
    fake_init(&fake, env);
    struct pk_aws *aws = fake_client(&fake);
    fake_reply(&fake, (struct fake_reply){.status = 500});
    assert_false(get_queue(aws, NULL, NULL));
    assert_int_equal(fake.n_requests, 1);
    struct pk_aws_io io = {.max_attempts = 2};
    assert_false(get_queue(aws, &io, NULL));
    assert_int_equal(fake.n_requests, 3);
    pk_aws_free(aws);
    fake_release(&fake);
}

/* 500 tokens at 5 a retry: after 100 retries in a row nothing is retried any more. */
static void test_retry_bucket_runs_dry(void **state) {
    (void)state;
    struct fake fake;
    fake_init(&fake, fake_keys);
    struct pk_aws *aws = fake_client(&fake);
    size_t sent = 0;
    for (int i = 0; i < 60; i++) {
        fake_reply(&fake, (struct fake_reply){.status = 500});
        fake_reply(&fake, (struct fake_reply){.status = 500});
        fake_reply(&fake, (struct fake_reply){.status = 500});
        assert_false(get_queue(aws, NULL, NULL));
        sent += fake.n_requests;
        struct fake fresh;
        fake_release(&fake);
        fake_init(&fresh, fake_keys);
        fresh.clock.ctx = &fake;
        fake = fresh;
    }
    assert_int_equal(sent, 60 + 100);
    pk_aws_free(aws);
    fake_release(&fake);
}

static bool refuse_second(void *ctx, struct pk_error **err) {
    int *calls = ctx;
    return ++*calls < 2 || pk_fail(err, PK_E_LOCK_LOST, "the lease is over");
}

static void test_guard_stops_before_sending(void **state) {
    (void)state;
    struct fake fake;
    struct pk_error *err = NULL;
    int calls = 0, attempts = 0;
    fake_init(&fake, fake_keys);
    struct pk_aws *aws = fake_client(&fake);
    fake_reply(&fake, (struct fake_reply){.status = 500});
    struct pk_aws_io io = {.guard = refuse_second, .guard_ctx = &calls, .ret_attempts = &attempts};
    assert_false(get_queue(aws, &io, &err));
    assert_int_equal(err->code, PK_E_LOCK_LOST);
    assert_int_equal(fake.n_requests, 1);
    assert_int_equal(attempts, 1);
    assert_int_equal(calls, 2);
    pk_error_free(err);
    pk_aws_free(aws);
    fake_release(&fake);
}

static void test_cancel(void **state) {
    (void)state;
    struct fake fake;
    struct pk_error *err = NULL;
    struct pk_cancel cancel = {0};
    fake_init(&fake, fake_keys);
    struct pk_aws *aws = fake_client(&fake);
    pk_cancel_raise(&cancel, PK_CANCEL_NOW);
    struct pk_aws_io io = {.cancel = &cancel};
    assert_false(get_queue(aws, &io, &err));
    assert_int_equal(err->code, PK_E_CANCELLED);
    assert_int_equal(fake.n_requests, 0);
    pk_error_free(err);
    pk_aws_free(aws);
    fake_release(&fake);
}

static void test_same_token_on_every_attempt(void **state) {
    (void)state;
    struct fake fake;
    fake_init(&fake, fake_keys);
    struct pk_aws *aws = fake_client(&fake);
    fake_reply(&fake, (struct fake_reply){.status = 500});
    fake_reply(&fake, (struct fake_reply){.status = 200, .body = "{}"});
    json_t *params = json_pack("{s:s}", "Name", "n");
    assert_true(pk_aws_call(aws, "secretsmanager", "CreateSecret", params, NULL, NULL, NULL));
    assert_non_null(strstr(fake.requests[0].body, "ClientRequestToken"));
    assert_string_equal(fake.requests[0].body, fake.requests[1].body);
    json_decref(params);
    pk_aws_free(aws);
    fake_release(&fake);
}

static void test_faults_of_callers(void **state) {
    (void)state;
    static const struct {
        const char *operation, *params, *message;
    } cases[] = {
        {"Nothing", "{}", "sqs Nothing is not in the operation tables"},
        {"GetQueueUrl", "{\"Queue\":\"q\"}", "sqs GetQueueUrl: parameters has no member Queue"},
        {"GetQueueUrl", "{}", "sqs GetQueueUrl: parameters needs QueueName"},
        {"GetQueueUrl", "{\"QueueName\":1}", "sqs GetQueueUrl: QueueName must be text"},
        {"TagQueue", "{\"QueueUrl\":\"u\",\"Tags\":{\"a\":true}}",
         "sqs TagQueue: Tags.a must be text"},
    };
    struct fake fake;
    fake_init(&fake, fake_keys);
    struct pk_aws *aws = fake_client(&fake);
    for (size_t i = 0; i < PK_ARRAY_LEN(cases); i++) {
        struct pk_error *err = NULL;
        json_t *params = json_loads(cases[i].params, 0, NULL);
        assert_false(pk_aws_call(aws, "sqs", cases[i].operation, params, NULL, NULL, &err));
        assert_int_equal(err->code, PK_E_INTERNAL);
        assert_string_equal(err->message, cases[i].message);
        pk_error_free(err);
        json_decref(params);
    }
    assert_int_equal(fake.n_requests, 0);
    assert_true(pk_aws_has_operation("sqs", "TagQueue"));
    assert_false(pk_aws_has_operation("sqs", "Nothing"));
    assert_false(pk_aws_has_operation("nothing", "TagQueue"));
    pk_aws_free(aws);
    fake_release(&fake);
}

static void test_no_region(void **state) {
    (void)state;
    static const char *const env[] = {
        "AWS_ACCESS_KEY_ID", "k", "AWS_SECRET_ACCESS_KEY", "s", "HOME", "/nonexistent", NULL};
    struct fake fake;
    struct pk_error *err = NULL;
    fake_init(&fake, env);
    struct pk_aws *aws = fake_client(&fake);
    assert_string_equal(pk_aws_region(aws), "");
    assert_false(get_queue(aws, NULL, &err));
    assert_int_equal(err->code, PK_E_CONFIG);
    pk_error_free(err);
    /* Global services answer without one. */
    fake_reply(&fake,
               (struct fake_reply){.status = 200,
                                   .body = "<GetAccountSummaryResponse><GetAccountSummaryResult/>"
                                           "</GetAccountSummaryResponse>"});
    assert_true(pk_aws_call(aws, "iam", "GetAccountSummary", NULL, NULL, NULL, NULL));
    assert_string_equal(fake.requests[0].url, "https://iam.amazonaws.com/");
    assert_non_null(strstr(pk_headers_get(&fake.requests[0].headers, "Authorization"),
                           "/us-east-1/iam/aws4_request"));
    pk_aws_free(aws);
    fake_release(&fake);
}

static void test_other_region(void **state) {
    (void)state;
    struct fake fake;
    fake_init(&fake, fake_keys);
    struct pk_aws *aws = fake_client(&fake), *other = NULL;
    assert_true(pk_aws_for_region(aws, "cn-north-1", &other, NULL));
    fake_reply(&fake, (struct fake_reply)SQS_OK);
    fake_reply(&fake, (struct fake_reply)SQS_OK);
    assert_true(get_queue(other, NULL, NULL));
    assert_string_equal(fake.requests[0].url, "https://sqs.cn-north-1.amazonaws.com.cn/");
    struct pk_aws_io io = {.region = "us-gov-west-1"};
    pk_aws_free(aws); /* the other one lives on */
    assert_true(get_queue(other, &io, NULL));
    assert_string_equal(fake.requests[1].url, "https://sqs.us-gov-west-1.amazonaws.com/");
    assert_string_equal(pk_aws_partition("us-gov-west-1"), "aws-us-gov");
    assert_string_equal(pk_aws_partition("us-new-7"), "aws");
    assert_string_equal(pk_aws_dns_suffix("cn-north-1"), "amazonaws.com.cn");
    pk_aws_free(other);
    fake_release(&fake);
}

static void test_pages(void **state) {
    (void)state;
    struct fake fake;
    json_t *result = NULL;
    fake_init(&fake, fake_keys);
    struct pk_aws *aws = fake_client(&fake);
    fake_reply(&fake, (struct fake_reply){.status = 200,
                                          .body = "{\"queueUrls\":[],\"QueueUrls\":[\"a\",\"b\"],"
                                                  "\"NextToken\":\"t1\"}"});
    fake_reply(&fake, (struct fake_reply){.status = 200, .body = "{\"NextToken\":\"t2\"}"});
    fake_reply(&fake, (struct fake_reply){.status = 200, .body = "{\"QueueUrls\":[\"c\"]}"});
    assert_true(pk_aws_call_all(aws, "sqs", "ListQueues", NULL, NULL, 0, &result, NULL));
    json_t *expected = json_loads("{\"QueueUrls\":[\"a\",\"b\",\"c\"]}", 0, NULL);
    assert_true(json_equal(result, expected));
    assert_string_equal(fake.requests[2].body, "{\"NextToken\":\"t2\"}");
    json_decref(expected);
    json_decref(result);
    pk_aws_free(aws);
    fake_release(&fake);
}

static void test_pages_are_bounded(void **state) {
    (void)state;
    struct fake fake;
    struct pk_error *err = NULL;
    fake_init(&fake, fake_keys);
    struct pk_aws *aws = fake_client(&fake);
    fake_reply(&fake,
               (struct fake_reply){.status = 200, .body = "{\"QueueUrls\":[\"a\",\"b\",\"c\"]}"});
    assert_false(pk_aws_call_all(aws, "sqs", "ListQueues", NULL, NULL, 2, NULL, &err));
    assert_non_null(strstr(err->message, "more than 2 items"));
    pk_error_clear(&err);
    /* A server that gives the same token again must not hold us for ever. */
    for (int i = 0; i < 3; i++)
        fake_reply(&fake, (struct fake_reply){.status = 200,
                                              .body = "{\"QueueUrls\":[],\"NextToken\":\"x\"}"});
    assert_false(pk_aws_call_all(aws, "sqs", "ListQueues", NULL, NULL, 0, NULL, &err));
    assert_non_null(strstr(err->message, "again and again"));
    pk_error_free(err);
    pk_aws_free(aws);
    fake_release(&fake);
}

static void test_s3_redirect_is_followed_once(void **state) {
    (void)state;
    struct fake fake;
    fake_init(&fake, fake_keys);
    struct pk_aws *aws = fake_client(&fake);
    fake_reply(&fake,
               (struct fake_reply){.status = 301, .headers = "x-amz-bucket-region: ap-south-1"});
    fake_reply(&fake, (struct fake_reply){.status = 200});
    fake_reply(&fake, (struct fake_reply){.status = 200});
    json_t *params = json_pack("{s:s}", "Bucket", "my-bucket");
    assert_true(pk_aws_call(aws, "s3", "HeadBucket", params, NULL, NULL, NULL));
    assert_true(pk_aws_call(aws, "s3", "HeadBucket", params, NULL, NULL, NULL));
    assert_string_equal(fake.requests[0].url, "https://my-bucket.s3.eu-west-1.amazonaws.com/");
    assert_string_equal(fake.requests[1].url, "https://my-bucket.s3.ap-south-1.amazonaws.com/");
    assert_string_equal(fake.requests[2].url, "https://my-bucket.s3.ap-south-1.amazonaws.com/");
    assert_non_null(
        strstr(pk_headers_get(&fake.requests[1].headers, "Authorization"), "/ap-south-1/s3/"));
    json_decref(params);
    pk_aws_free(aws);
    fake_release(&fake);
}

static void test_s3_error_inside_200(void **state) {
    (void)state;
    struct fake fake;
    struct pk_error *err = NULL;
    fake_init(&fake, fake_keys);
    struct pk_aws *aws = fake_client(&fake);
    fake_reply(&fake, (struct fake_reply){.status = 200,
                                          .body = "<Error><Code>InternalError</Code></Error>"});
    fake_reply(&fake, (struct fake_reply){.status = 200, .body = "<CopyObjectResult><ETa"});
    fake_reply(&fake,
               (struct fake_reply){.status = 200,
                                   .body = "<Error><Code>Odd</Code><Message>m</Message></Error>"});
    json_t *params =
        json_pack("{s:s, s:s, s:s}", "Bucket", "b-1", "Key", "k", "CopySource", "b/a b");
    assert_false(pk_aws_call(aws, "s3", "CopyObject", params, NULL, NULL, &err));
    assert_int_equal(fake.n_requests, 3);
    assert_string_equal(err->aws.code, "Odd");
    assert_int_equal(err->aws.http_status, 500);
    assert_string_equal(pk_headers_get(&fake.requests[0].headers, "x-amz-copy-source"), "b/a%20b");
    pk_error_free(err);
    json_decref(params);
    pk_aws_free(aws);
    fake_release(&fake);
}

static void test_broken_answer(void **state) {
    (void)state;
    struct fake fake;
    struct pk_error *err = NULL;
    fake_init(&fake, fake_keys);
    struct pk_aws *aws = fake_client(&fake);
    /* A reading call is made again; a changing one was done and is not. */
    fake_reply(&fake, (struct fake_reply){.status = 200, .body = "{\"Queue"});
    fake_reply(&fake, (struct fake_reply)SQS_OK);
    assert_true(get_queue(aws, NULL, NULL));
    fake_reply(&fake, (struct fake_reply){.status = 200, .body = "{\"Queue"});
    json_t *params = json_pack("{s:s}", "QueueName", "q");
    assert_false(pk_aws_call(aws, "sqs", "CreateQueue", params, NULL, NULL, &err));
    assert_int_equal(err->code, PK_E_BAD_RESPONSE);
    assert_true(err->aws.sent);
    assert_int_equal(fake.n_requests, 3);
    pk_error_free(err);
    json_decref(params);
    pk_aws_free(aws);
    fake_release(&fake);
}

/* The public cases for learning the server's clock. */
static int64_t ms_of(const json_t *object, const char *key) {
    int64_t ms = 0;
    assert_true(pk_time_parse(json_string_value(json_object_get(object, key)), &ms));
    return ms;
}

static void script_attempts(struct fake *fake, const json_t *attempts, char headers[][128],
                            char bodies[][128]) {
    for (size_t i = 0; i < json_array_size(attempts); i++) {
        const json_t *attempt = json_array_get(attempts, i);
        const json_t *response = json_object_get(attempt, "response");
        const json_t *given = json_object_get(response, "headers");
        const char *date = json_string_value(json_object_get(given, "Date"));
        const char *age = json_string_value(json_object_get(given, "Age"));
        const char *code = json_string_value(json_object_get(response, "errorCode"));
        snprintf(headers[i], 128, "%s%s\n%s%s", date ? "Date: " : "", date ? date : "",
                 age ? "Age: " : "", age ? age : "");
        snprintf(bodies[i], 128, "{\"__type\":\"%s\"}", code ? code : "");
        int64_t takes = ms_of(attempt, "clientTimeAtReceive") - ms_of(attempt, "clientTimeAtSend");
        fake_reply(fake, (struct fake_reply){.status = (int)json_integer_value(
                                                 json_object_get(response, "statusCode")),
                                             .headers = headers[i],
                                             .body = code ? bodies[i] : "{}",
                                             .takes_ms = takes});
    }
}

static void run_skew_case(const json_t *test) {
    struct fake fake;
    json_t *operation;
    size_t n;
    fake_init(&fake, fake_keys);
    struct pk_aws *aws = fake_client(&fake);
    json_array_foreach(json_object_get(test, "operations"), n, operation) {
        const json_t *attempts = json_object_get(operation, "attempts");
        char headers[8][128], bodies[8][128];
        size_t first = fake.n_requests;
        int64_t start = ms_of(json_array_get(attempts, 0), "clientTimeAtSend");
        int64_t skew = json_integer_value(json_object_get(operation, "initialClientSkew"));
        if (n == 0 && skew != 0) {
            /* The client learns it from an earlier answer. */
            char date[64], line[80];
            fake.now_ms = start - 3600000;
            pk_time_format(fake.now_ms / 1000 + skew, "%a, %d %b %Y %H:%M:%S GMT", date,
                           sizeof(date));
            snprintf(line, sizeof(line), "Date: %s", date);
            fake_reply(&fake, (struct fake_reply){.status = 200, .headers = line, .body = "{}"});
            assert_true(get_queue(aws, NULL, NULL));
            first++;
        }
        fake.now_ms = start;
        script_attempts(&fake, attempts, headers, bodies);
        const json_t *limit = json_object_get(operation, "maxAttempts");
        struct pk_aws_io io = {.max_attempts = (int)json_integer_value(limit)};
        bool ok = get_queue(aws, &io, NULL);
        const char *name = json_string_value(json_object_get(test, "description"));
        const char *outcome = json_string_value(json_object_get(operation, "expectedOutcome"));
        if (limit == NULL || json_integer_value(limit) > 1)
            assert_int_equal(fake.n_requests - first, json_array_size(attempts));
        if (ok != pk_streq(outcome, "success") && limit == NULL)
            fail_msg("%s: %s", name, ok ? "success" : "error");
        int64_t expected = json_integer_value(json_object_get(operation, "expectedClientSkew"));
        int64_t learned = (pk_aws_server_time_ms(aws) - fake.now_ms) / 1000;
        if (learned != expected)
            fail_msg("%s: skew %lld, not %lld", name, (long long)learned, (long long)expected);
        for (size_t i = 0; i < json_array_size(attempts); i++) {
            char stamp[24];
            const json_t *attempt = json_array_get(attempts, i);
            pk_time_format(ms_of(attempt, "expectedSigningTime") / 1000, "%Y%m%dT%H%M%SZ", stamp,
                           sizeof(stamp));
            assert_string_equal(pk_headers_get(&fake.requests[first + i].headers, "X-Amz-Date"),
                                stamp);
        }
    }
    pk_aws_free(aws);
    fake_release(&fake);
}

static json_t *load_vectors(const char *name) {
    const char *vectors = getenv("PANKA_VECTORS");
    struct pk_buf text;
    if (vectors == NULL) {
        print_message("skipped: PANKA_VECTORS is not set\n");
        skip();
    }
    PK_CLEANUP(pk_freep) char *path = pk_path_join(vectors, name);
    assert_true(pk_read_file(path, 1 << 20, &text, NULL));
    json_t *root = json_loads(pk_buf_cstr(&text), 0, NULL);
    pk_buf_release(&text);
    assert_non_null(root);
    return root;
}

static void test_clock_vectors(void **state) {
    (void)state;
    json_t *root = load_vectors("retries/clock-skew-test-cases.json"), *test;
    size_t i;
    json_array_foreach(json_object_get(root, "tests"), i, test) run_skew_case(test);
    print_message("%zu cases\n", i);
    json_decref(root);
}

/* The public cases for configured endpoints: profile, environment and client settings combined. */
static void write_profiles(const json_t *suite, const char *path) {
    struct pk_buf text;
    const char *name, *key, *service;
    json_t *section, *value, *inner;
    pk_buf_init(&text, 1 << 20);
    json_object_foreach(json_object_get(suite, "profiles"), name, section) {
        pk_buf_addf(&text, "[profile %s]\n", name);
        json_object_foreach(section, key, value)
            pk_buf_addf(&text, "%s = %s\n", key, json_string_value(value));
    }
    json_object_foreach(json_object_get(suite, "services"), name, section) {
        pk_buf_addf(&text, "[services %s]\n", name);
        json_object_foreach(section, service, inner) {
            pk_buf_addf(&text, "%s =\n", service);
            json_object_foreach(inner, key, value)
                pk_buf_addf(&text, "  %s = %s\n", key, json_string_value(value));
        }
    }
    assert_true(pk_write_file(path, text.ptr, text.len, 0600, NULL));
    pk_buf_release(&text);
}

static void run_endpoint_case(const json_t *suite, const json_t *test, const char *path) {
    const char *env[32] = {"AWS_CONFIG_FILE", path, "HOME", "/nonexistent"}, *key;
    size_t n = 4;
    json_t *value;
    const json_t *variables =
        json_object_get(json_object_get(suite, "environments"),
                        json_string_value(json_object_get(test, "environment")));
    const json_t *client =
        json_object_get(json_object_get(suite, "client_configs"),
                        json_string_value(json_object_get(test, "client_config")));
    json_object_foreach((json_t *)variables, key, value) {
        env[n++] = key;
        env[n++] = json_string_value(value);
    }
    if (json_is_true(json_object_get(client, "ignore_configured_endpoint_urls"))) {
        env[n++] = "AWS_IGNORE_CONFIGURED_ENDPOINT_URLS";
        env[n++] = "true";
    }
    struct fake fake;
    fake_init(&fake, env);
    struct pk_aws_config config = fake_config(&fake);
    config.profile = json_string_value(json_object_get(test, "profile"));
    config.endpoint_url = json_string_value(json_object_get(client, "endpoint_url"));
    struct pk_aws *aws = NULL;
    assert_true(pk_aws_new(&config, &aws, NULL));
    const char *service = json_string_value(json_object_get(test, "service"));
    const char *operation = pk_streq(service, "s3")         ? "ListBuckets"
                            : pk_streq(service, "dynamodb") ? "ListTables"
                                                            : "GetCallerIdentity";
    struct pk_aws_io io = {.max_attempts = 1};
    assert_false(pk_aws_call(aws, service, operation, NULL, &io, NULL, NULL));
    assert_int_equal(fake.n_requests, 1);
    const char *expected =
        json_string_value(json_object_get(json_object_get(test, "output"), "endpointUrl"));
    if (!pk_starts_with(fake.requests[0].url, expected))
        fail_msg("%s: %s, not %s", json_string_value(json_object_get(test, "name")),
                 fake.requests[0].url, expected);
    pk_aws_free(aws);
    fake_release(&fake);
}

static void test_endpoint_vectors(void **state) {
    (void)state;
    json_t *root = load_vectors("credentials/configured-endpoint-urls.json"), *test;
    const json_t *suite = json_array_get(json_object_get(root, "testSuites"), 0);
    char path[] = "/tmp/panka-test-XXXXXX";
    size_t i;
    int fd = mkstemp(path);
    assert_true(fd >= 0);
    write_profiles(suite, path);
    json_array_foreach(json_object_get(suite, "endpointUrlTests"), i, test)
        run_endpoint_case(suite, test, path);
    print_message("%zu cases\n", i);
    assert_true(pk_remove_file(path, NULL));
    json_decref(root);
}

static void test_host_prefix(void **state) {
    (void)state;
    struct fake fake;
    fake_init(&fake, fake_keys);
    struct pk_aws *aws = fake_client(&fake);
    json_t *params = json_pack("{s:s, s:s}", "NamespaceName", "n", "ServiceName", "s");
    struct pk_aws_io io = {.max_attempts = 1};
    assert_false(
        pk_aws_call(aws, "servicediscovery", "DiscoverInstances", params, &io, NULL, NULL));
    assert_string_equal(fake.requests[0].url,
                        "https://data-servicediscovery.eu-west-1.amazonaws.com/");
    json_decref(params);
    pk_aws_free(aws);
    fake_release(&fake);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_retries_server_errors),
        cmocka_unit_test(test_gives_up_with_the_last_error),
        cmocka_unit_test(test_refusals_are_final),
        cmocka_unit_test(test_query_compatible_code),
        cmocka_unit_test(test_lost_reply_stays_known),
        cmocka_unit_test(test_retry_after),
        cmocka_unit_test(test_attempts_are_configured),
        cmocka_unit_test(test_retry_bucket_runs_dry),
        cmocka_unit_test(test_guard_stops_before_sending),
        cmocka_unit_test(test_cancel),
        cmocka_unit_test(test_same_token_on_every_attempt),
        cmocka_unit_test(test_faults_of_callers),
        cmocka_unit_test(test_no_region),
        cmocka_unit_test(test_other_region),
        cmocka_unit_test(test_pages),
        cmocka_unit_test(test_pages_are_bounded),
        cmocka_unit_test(test_s3_redirect_is_followed_once),
        cmocka_unit_test(test_s3_error_inside_200),
        cmocka_unit_test(test_broken_answer),
        cmocka_unit_test(test_clock_vectors),
        cmocka_unit_test(test_endpoint_vectors),
        cmocka_unit_test(test_host_prefix),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
