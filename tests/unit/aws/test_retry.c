/* test_retry.c - what is tried again, how long is waited, and how sending slows down. */
#include "aws/retry.h"
#include "base/str.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

static void test_classes(void **state) {
    (void)state;
    assert_int_equal(pk_aws_classify(400, "Throttling"), PK_AWS_THROTTLED);
    assert_int_equal(pk_aws_classify(503, "SlowDown"), PK_AWS_THROTTLED);
    assert_int_equal(pk_aws_classify(429, "x"), PK_AWS_THROTTLED);
    assert_int_equal(pk_aws_classify(400, "RequestTimeout"), PK_AWS_TRANSIENT);
    assert_int_equal(pk_aws_classify(502, NULL), PK_AWS_TRANSIENT);
    assert_int_equal(pk_aws_classify(501, NULL), PK_AWS_FINAL);
    assert_int_equal(pk_aws_classify(403, "AccessDenied"), PK_AWS_FINAL);
    assert_int_equal(pk_aws_classify(412, "PreconditionFailed"), PK_AWS_FINAL);
    assert_int_equal(pk_aws_classify(403, "RequestTimeTooSkewed"), PK_AWS_SKEWED);
    assert_int_equal(pk_aws_classify(403, "ExpiredToken"), PK_AWS_EXPIRED);
}

static void test_codes(void **state) {
    (void)state;
    assert_int_equal(pk_aws_error_code(403, "AccessDenied"), PK_E_ACCESS_DENIED);
    assert_int_equal(pk_aws_error_code(403, "UnauthorizedOperation"), PK_E_ACCESS_DENIED);
    assert_int_equal(pk_aws_error_code(403, "403"), PK_E_ACCESS_DENIED); /* HEAD has no body */
    assert_int_equal(pk_aws_error_code(403, "ExpiredToken"), PK_E_CREDENTIALS);
    assert_int_equal(pk_aws_error_code(403, "InvalidClientTokenId"), PK_E_CREDENTIALS);
    assert_int_equal(pk_aws_error_code(404, "NoSuchKey"), PK_E_AWS);
    assert_int_equal(pk_aws_error_code(500, NULL), PK_E_AWS);
}

static void test_backoff(void **state) {
    (void)state;
    assert_int_equal(pk_aws_backoff_ms(1, 0.5, NULL), 500);
    assert_int_equal(pk_aws_backoff_ms(2, 0.5, NULL), 1000);
    assert_int_equal(pk_aws_backoff_ms(3, 0.999, NULL), 3996);
    assert_int_equal(pk_aws_backoff_ms(10, 0.5, NULL), 10000);
    assert_int_equal(pk_aws_backoff_ms(1000, 0.0, NULL), 0);
    struct pk_http_response response = {0};
    pk_headers_set(&response.headers, "retry-after", "3");
    assert_int_equal(pk_aws_backoff_ms(1, 0.5, &response), 3000);
    pk_headers_set(&response.headers, "Retry-After", "3600");
    assert_int_equal(pk_aws_backoff_ms(1, 0.5, &response), 20000);
    pk_headers_set(&response.headers, "Retry-After", "Fri, 31 Dec 1999 23:59:59 GMT");
    assert_int_equal(pk_aws_backoff_ms(1, 0.5, &response), 500);
    pk_headers_set(&response.headers, "x-amz-retry-after", "70");
    assert_int_equal(pk_aws_backoff_ms(1, 0.5, &response), 70);
    pk_headers_release(&response.headers);
}

static void test_bucket(void **state) {
    (void)state;
    struct pk_aws_quota *quota = pk_aws_quota_new();
    int taken = 0;
    for (int i = 0; i < 50; i++)
        assert_true(pk_aws_quota_take(quota, PK_AWS_TIMED_OUT, &taken));
    assert_int_equal(taken, 10);
    assert_false(pk_aws_quota_take(quota, PK_AWS_TRANSIENT, &taken));
    pk_aws_quota_give(quota, 10);
    assert_true(pk_aws_quota_take(quota, PK_AWS_TRANSIENT, &taken));
    assert_int_equal(taken, 5);
    pk_aws_quota_free(quota);
}

/* Nothing is slowed down before the first throttling; after it calls are spaced; later it is over.
 */
static void test_rate(void **state) {
    (void)state;
    struct pk_aws_quota *quota = pk_aws_quota_new();
    int64_t now = 1000000;
    for (int i = 0; i < 100; i++, now += 10) {
        assert_int_equal(pk_aws_quota_delay(quota, now), 0);
        pk_aws_quota_feedback(quota, false, now);
    }
    pk_aws_quota_feedback(quota, true, now);
    assert_int_equal(pk_aws_quota_delay(quota, now), 0);
    int64_t delay = pk_aws_quota_delay(quota, now);
    assert_in_range(delay, 5, 40); /* 100 a second, cut to 70 */
    for (int i = 0; i < 20; i++) {
        pk_aws_quota_feedback(quota, true, now);
        now += 100;
    }
    delay = pk_aws_quota_delay(quota, now + 60000);
    delay = pk_aws_quota_delay(quota, now + 60000);
    assert_in_range(delay, 50, 2000);
    pk_aws_quota_feedback(quota, false, now + 120000);
    assert_int_equal(pk_aws_quota_delay(quota, now + 130000), 0);
    assert_int_equal(pk_aws_quota_delay(quota, now + 130000), 0);
    pk_aws_quota_free(quota);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_classes), cmocka_unit_test(test_codes),
        cmocka_unit_test(test_backoff), cmocka_unit_test(test_bucket),
        cmocka_unit_test(test_rate),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
