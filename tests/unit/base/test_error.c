/* Making, wrapping, copying and freeing errors, and the table of codes. */
#include "base/error.h"
#include "base/mem.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <errno.h>
#include <string.h>

static void every_code_has_an_id_and_a_status(void **state PK_UNUSED) {
    for (int code = 0; code < PK_E_COUNT; code++) {
        const char *id = pk_code_id((enum pk_code)code);
        assert_non_null(id);
        assert_true(strlen(id) > 0);
        for (int other = 0; other < code; other++) {
            assert_string_not_equal(id, pk_code_id((enum pk_code)other));
        }
        int status = pk_code_exit_status((enum pk_code)code);
        assert_true(status >= 1 && status <= 255);
    }
    assert_string_equal(pk_code_id(PK_E_LOCK_HELD), "lock.held");
    assert_int_equal(pk_code_exit_status(PK_E_CONFIG), 65);
    assert_null(pk_code_hint(PK_E_CONFIG));
    assert_non_null(pk_code_hint(PK_E_INTERNAL));
}

static void fail_sets_the_error_and_returns_false(void **state PK_UNUSED) {
    PK_CLEANUP(pk_error_freep) struct pk_error *err = NULL;
    assert_false(pk_fail(&err, PK_E_USAGE, "no such option: %s", "--x"));
    assert_int_equal(err->code, PK_E_USAGE);
    assert_string_equal(err->message, "no such option: --x");
    assert_null(err->cause);
    assert_null(err->hint);
    assert_null(err->span.src);
    assert_null(err->aws.service);
}

static void an_older_error_becomes_the_cause(void **state PK_UNUSED) {
    PK_CLEANUP(pk_error_freep) struct pk_error *err = NULL;
    pk_fail(&err, PK_E_NETWORK, "connection reset");
    pk_fail(&err, PK_E_RESOURCE_FAILED, "cannot create bucket: %s", err->message);
    assert_string_equal(err->message, "cannot create bucket: connection reset");
    assert_non_null(err->cause);
    assert_int_equal(err->cause->code, PK_E_NETWORK);
    assert_string_equal(err->cause->message, "connection reset");
}

static void callers_may_not_care(void **state PK_UNUSED) {
    struct pk_error *none = NULL;
    const struct pk_span span = {NULL, 1, 2, 3, 4};
    assert_false(pk_fail(NULL, PK_E_IO, "x"));
    assert_false(pk_fail_errno(NULL, ENOENT, "x"));
    assert_false(pk_wrap(NULL, "x"));
    assert_false(pk_wrap(&none, "x"));
    assert_false(pk_error_hint(NULL, "x"));
    assert_false(pk_error_hint(&none, "x"));
    assert_false(pk_error_detail(NULL, "x"));
    assert_false(pk_error_detail(&none, "x"));
    assert_false(pk_error_span(NULL, span));
    assert_false(pk_error_span(&none, span));
    pk_error_clear(NULL);
    pk_error_clear(&none);
    pk_error_free(NULL);
    assert_null(none);
}

static void errno_gives_text_and_code(void **state PK_UNUSED) {
    PK_CLEANUP(pk_error_freep) struct pk_error *err = NULL;
    assert_false(pk_fail_errno(&err, ENOENT, "cannot open %s", "/x"));
    assert_int_equal(err->code, PK_E_NOT_FOUND);
    assert_string_equal(err->message, "cannot open /x: No such file or directory");
    pk_error_clear(&err);
    assert_null(err);
    pk_fail_errno(&err, EACCES, "cannot open %s", "100%s");
    assert_int_equal(err->code, PK_E_IO);
    assert_string_equal(err->message, "cannot open 100%s: Permission denied");
}

static void wrap_keeps_everything_but_the_message(void **state PK_UNUSED) {
    PK_CLEANUP(pk_error_freep) struct pk_error *err = NULL;
    const struct pk_source source = {"a.yaml", "x: 1\n", 5};
    pk_fail(&err, PK_E_TIMEOUT, "inner");
    pk_fail(&err, PK_E_AWS, "answer");
    pk_error_hint(&err, "try %d", 1);
    pk_error_hint(&err, "try %d", 2);
    pk_error_detail(&err, "first");
    pk_error_detail(&err, "why %s", "so");
    pk_error_span(&err, (struct pk_span){&source, 1, 4, 1, 5});
    pk_error_set(&err->aws.code, "Throttling");
    assert_false(pk_wrap(&err, "creating %s", "bucket"));
    assert_string_equal(err->message, "creating bucket: answer");
    assert_int_equal(err->code, PK_E_AWS);
    assert_string_equal(err->hint, "try 2");
    assert_string_equal(err->detail, "why so");
    assert_ptr_equal(err->span.src, &source);
    assert_int_equal(err->span.column, 4);
    assert_int_equal(err->cause->code, PK_E_TIMEOUT);
    assert_true(pk_error_is_aws(err, "Throttling"));
}

static void set_takes_null_and_the_field_itself(void **state PK_UNUSED) {
    char *field = NULL;
    pk_error_set(&field, "abc");
    pk_error_set(&field, field + 1);
    assert_string_equal(field, "bc");
    pk_error_set(&field, NULL);
    assert_null(field);
}

static void copies_are_deep(void **state PK_UNUSED) {
    struct pk_error *err = NULL;
    pk_fail(&err, PK_E_NETWORK, "cause");
    pk_fail(&err, PK_E_AWS, "outer");
    pk_error_hint(&err, "hint");
    pk_error_detail(&err, "detail");
    pk_error_set(&err->id, "s3.name-taken");
    pk_error_set(&err->address, "api-db:subnet-group");
    pk_error_set(&err->aws.service, "s3");
    pk_error_set(&err->aws.operation, "CreateBucket");
    pk_error_set(&err->aws.code, "BucketAlreadyExists");
    pk_error_set(&err->aws.request_id, "R1");
    err->aws.http_status = 409;
    err->aws.sent = true;
    PK_CLEANUP(pk_error_freep) struct pk_error *copy = pk_error_copy(err);
    pk_error_freep(&err);
    assert_null(err);
    assert_string_equal(copy->message, "outer");
    assert_string_equal(copy->hint, "hint");
    assert_string_equal(copy->detail, "detail");
    assert_string_equal(copy->id, "s3.name-taken");
    assert_string_equal(copy->address, "api-db:subnet-group");
    assert_string_equal(copy->aws.service, "s3");
    assert_string_equal(copy->aws.operation, "CreateBucket");
    assert_string_equal(copy->aws.code, "BucketAlreadyExists");
    assert_string_equal(copy->aws.request_id, "R1");
    assert_int_equal(copy->aws.http_status, 409);
    assert_true(copy->aws.sent);
    assert_false(copy->aws.retryable);
    assert_string_equal(copy->cause->message, "cause");
    assert_null(copy->cause->cause);
    assert_null(pk_error_copy(NULL));
}

static void aws_codes_match_exactly(void **state PK_UNUSED) {
    PK_CLEANUP(pk_error_freep) struct pk_error *err = NULL;
    assert_false(pk_error_is_aws(NULL, "NoSuchKey"));
    pk_fail(&err, PK_E_AWS, "x");
    assert_false(pk_error_is_aws(err, "NoSuchKey"));
    pk_error_set(&err->aws.code, "NoSuchKey");
    assert_true(pk_error_is_aws(err, "NoSuchKey"));
    assert_false(pk_error_is_aws(err, "NoSuch"));
    assert_false(pk_error_is_aws(err, "nosuchkey"));
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_code_has_an_id_and_a_status),
        cmocka_unit_test(fail_sets_the_error_and_returns_false),
        cmocka_unit_test(an_older_error_becomes_the_cause),
        cmocka_unit_test(callers_may_not_care),
        cmocka_unit_test(errno_gives_text_and_code),
        cmocka_unit_test(wrap_keeps_everything_but_the_message),
        cmocka_unit_test(set_takes_null_and_the_field_itself),
        cmocka_unit_test(copies_are_deep),
        cmocka_unit_test(aws_codes_match_exactly),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
