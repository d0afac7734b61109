/* What the S3 store makes of S3's answers, from a script: only a confirmed absence is one. */
#include "aws/aws.h"
#include "base/mem.h"
#include "store/store.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

#include <stdlib.h>
#include <string.h>

struct answer {
    int status; /* 0: the connection is cut */
    const char *etag, *body;
};

struct script {
    struct pk_http base;
    const struct answer *answers;
    size_t n, at;
    char last_url[300], last_headers[2000];
};

static bool script_send(struct pk_http *http, const struct pk_http_request *request,
                        struct pk_http_response *ret, struct pk_error **err) {
    struct script *s = (struct script *)http;
    static const struct answer end = {500, NULL, "<Error><Code>ScriptIsOver</Code></Error>"};
    const struct answer *a = s->at < s->n ? &s->answers[s->at] : &end;
    s->at++;
    snprintf(s->last_url, sizeof(s->last_url), "%s %s", request->method, request->url);
    s->last_headers[0] = 0;
    for (size_t i = 0; i < request->headers.len; i++) {
        size_t n = strlen(s->last_headers);
        snprintf(s->last_headers + n, sizeof(s->last_headers) - n, "%s: %s\n",
                 request->headers.items[i].name, request->headers.items[i].value);
    }
    if (a->status == 0) {
        pk_fail(err, PK_E_NETWORK, "connection reset");
        if (err)
            (*err)->aws.sent = true;
        return false;
    }
    memset(ret, 0, sizeof(*ret));
    ret->status = a->status;
    pk_buf_init(&ret->body, 1 << 20);
    pk_buf_addz(&ret->body, a->body ? a->body : "");
    if (a->etag)
        pk_headers_set(&ret->headers, "ETag", a->etag);
    return true;
}

static void script_free(struct pk_http *http) {
    (void)http;
}

static void no_sleep(void *ctx, int64_t ms) {
    (void)ctx;
    (void)ms;
}

struct fixture {
    struct script script;
    struct pk_aws *aws;
    struct pk_store *store;
};

static void start(struct fixture *f, const struct answer *answers, size_t n) {
    memset(f, 0, sizeof(*f));
    f->script = (struct script){.base = {script_send, script_free}, .answers = answers, .n = n};
    struct pk_aws_config config = {.region = "us-east-1",
                                   .access_key_id = "AKIDEXAMPLE",
                                   .secret_access_key = "secret",
                                   .http = &f->script.base,
                                   .sleep_ms = no_sleep,
                                   .max_attempts = 3};
    assert_true(pk_aws_new(&config, &f->aws, NULL));
    assert_true(pk_store_s3_new(f->aws, "acme-state", "us-east-1", "", &f->store, NULL));
}

static void stop(struct fixture *f) {
    assert_int_equal(f->script.at, f->script.n);
    pk_store_free(f->store);
    pk_aws_free(f->aws);
}

#define KEY "tenants/a/v1/stacks/s/dev/state.json"
#define FAULT(code) "<Error><Code>" code "</Code><Message>m</Message></Error>"
#define LIST(rest)                                                                                 \
    "<ListBucketResult><Name>acme-state</Name>" rest "<IsTruncated>false</IsTruncated>"            \
    "</ListBucketResult>"

/* 'a' absent, 'p' present, else the code of the error. */
static int get(const struct answer *answers, size_t n, char **ret_hint) {
    struct fixture f;
    struct pk_buf buf PK_CLEANUP(pk_buf_release) = PK_BUF_INIT(0);
    char *etag PK_CLEANUP(pk_freep) = NULL;
    struct pk_error *err = NULL;
    start(&f, answers, n);
    bool ok = f.store->vtable->get(f.store, KEY, 1000, &buf, &etag, &err);
    int result = ok ? (etag ? 'p' : 'a') : 1000 + (int)err->code;
    if (!ok)
        assert_non_null(strstr(err->message, "s3://acme-state/" KEY));
    if (!ok && ret_hint)
        *ret_hint = err->hint ? pk_strdup(err->hint) : NULL;
    pk_error_free(err);
    stop(&f);
    return result;
}

#define GET(...)                                                                                   \
    get((const struct answer[]){__VA_ARGS__},                                                      \
        sizeof((const struct answer[]){__VA_ARGS__}) / sizeof(struct answer), NULL)

static void test_get(void **state PK_UNUSED) {
    assert_int_equal(GET({200, "\"e1\"", "{}"}), 'p');
    assert_int_equal(GET({404, NULL, FAULT("NoSuchKey")}), 'a');
    /* cut once: tried again */
    assert_int_equal(GET({0, NULL, NULL}, {200, "\"e1\"", "{}"}), 'p');
    assert_int_equal(GET({500, NULL, FAULT("InternalError")}, {200, "\"e1\"", "{}"}), 'p');
}

/* NEVER-EMPTY */
static void test_not_absent(void **state PK_UNUSED) {
    assert_int_equal(GET({0, NULL, NULL}, {0, NULL, NULL}, {0, NULL, NULL}), 1000 + PK_E_NETWORK);
    assert_true(GET({404, NULL, NULL}) >= 1000);
    assert_true(GET({404, NULL, "<html>not found</html>"}) >= 1000);
    assert_true(GET({404, NULL, FAULT("NoSuchBucket")}) == 1000 + PK_E_NOT_FOUND);
    assert_true(GET({200, NULL, "{}"}) == 1000 + PK_E_BAD_RESPONSE); /* no ETag */
    assert_true(GET({503, NULL, FAULT("SlowDown")}, {503, NULL, FAULT("SlowDown")},
                    {503, NULL, FAULT("SlowDown")}) >= 1000);
}

/* Whoever may list only a prefix gets 403 for what is not there: a listing decides. */
static void test_denied(void **state PK_UNUSED) {
    static const struct answer denied = {403, NULL, FAULT("AccessDenied")};
    assert_int_equal(GET(denied, denied), 1000 + PK_E_ACCESS_DENIED);
    assert_int_equal(GET(denied, {200, NULL, LIST("<KeyCount>0</KeyCount>")}), 'a');
    assert_int_equal(
        GET(denied,
            {200, NULL, LIST("<KeyCount>1</KeyCount><Contents><Key>" KEY "</Key></Contents>")}),
        1000 + PK_E_ACCESS_DENIED);
    assert_int_equal(
        GET(denied,
            {200, NULL, LIST("<KeyCount>1</KeyCount><Contents><Key>" KEY ".bak</Key></Contents>")}),
        'a');
    /* an answer that says nothing */
    assert_int_equal(GET(denied, {200, NULL, LIST("")}), 1000 + PK_E_ACCESS_DENIED);
}

static enum pk_code put(const struct answer *answers, size_t n, const char *if_match,
                        bool create_only, struct script *ret_script) {
    struct fixture f;
    char *etag PK_CLEANUP(pk_freep) = NULL;
    struct pk_error *err = NULL;
    start(&f, answers, n);
    bool ok = f.store->vtable->put(f.store, KEY, "{}", 2, if_match, create_only, &etag, &err);
    enum pk_code code = ok ? PK_E_COUNT : err->code;
    assert_true(ok == (etag != NULL));
    pk_error_free(err);
    if (ret_script)
        *ret_script = f.script;
    stop(&f);
    return code;
}

#define PUT(if_match, create_only, ...)                                                            \
    put((const struct answer[]){__VA_ARGS__},                                                      \
        sizeof((const struct answer[]){__VA_ARGS__}) / sizeof(struct answer), if_match,            \
        create_only, &script)

static void test_put(void **state PK_UNUSED) {
    struct script script;
    assert_int_equal(PUT(NULL, true, {200, "\"e1\"", NULL}), PK_E_COUNT);
    assert_non_null(strstr(script.last_url, "PUT "));
    assert_non_null(strcasestr(script.last_headers, "If-None-Match: *\n"));
    assert_non_null(strcasestr(script.last_headers, "Content-MD5: mZFLkyvTelC5g8XnyQrpOw==\n"));
    assert_non_null(strcasestr(script.last_headers, "x-amz-server-side-encryption: AES256\n"));
    assert_int_equal(PUT("\"e1\"", false, {200, "\"e2\"", NULL}), PK_E_COUNT);
    assert_non_null(strcasestr(script.last_headers, "If-Match: \"e1\"\n"));
    assert_int_equal(PUT("\"e1\"", false, {412, NULL, FAULT("PreconditionFailed")}),
                     PK_E_STATE_CONFLICT);
    /* the object was removed meanwhile */
    assert_int_equal(PUT("\"e1\"", false, {404, NULL, FAULT("NoSuchKey")}), PK_E_STATE_CONFLICT);
    /* another conditional write was under way: asked again */
    assert_int_equal(PUT("\"e1\"", false, {409, NULL, FAULT("ConditionalRequestConflict")},
                         {200, "\"e2\"", NULL}),
                     PK_E_COUNT);
    assert_int_equal(PUT("\"e1\"", false, {409, NULL, FAULT("ConditionalRequestConflict")},
                         {412, NULL, FAULT("PreconditionFailed")}),
                     PK_E_STATE_CONFLICT);
    assert_int_equal(PUT(NULL, true, {403, NULL, FAULT("AccessDenied")}), PK_E_ACCESS_DENIED);
    assert_int_equal(PUT(NULL, true, {404, NULL, FAULT("NoSuchBucket")}), PK_E_NOT_FOUND);
    assert_int_equal(PUT(NULL, true, {200, NULL, NULL}), PK_E_BAD_RESPONSE);
}

/* SELF: the first attempt was executed, the retry failed its condition, the text there is ours. */
static void test_put_own(void **state PK_UNUSED) {
    static const struct answer lost[] = {
        {0, NULL, NULL}, {412, NULL, FAULT("PreconditionFailed")}, {200, "\"e5\"", "{}"}};
    static const struct answer beaten[] = {
        {0, NULL, NULL}, {412, NULL, FAULT("PreconditionFailed")}, {200, "\"e5\"", "[]"}};
    struct fixture f;
    char *etag PK_CLEANUP(pk_freep) = NULL;
    struct pk_error *err = NULL;
    start(&f, lost, 3);
    assert_true(pk_store_put_own(f.store, KEY, "{}", 2, "\"e4\"", false, &etag, NULL));
    assert_string_equal(etag, "\"e5\"");
    stop(&f);
    start(&f, beaten, 3);
    assert_false(pk_store_put_own(f.store, KEY, "{}", 2, "\"e4\"", false, NULL, &err));
    assert_int_equal(err->code, PK_E_STATE_CONFLICT);
    pk_error_free(err);
    stop(&f);
}

static void test_prefix(void **state PK_UNUSED) {
    struct pk_store *s = NULL;
    struct pk_error *err = NULL;
    static const char *const bad[] = {"../x", "/a", "a//b", "a b", "a\nb", "a%2e"};
    for (size_t i = 0; i < PK_ARRAY_LEN(bad); i++) {
        assert_false(pk_store_s3_new(NULL, "b", NULL, bad[i], &s, &err));
        pk_error_clear(&err);
    }
    assert_true(pk_store_s3_new(NULL, "b", NULL, "teams/shop/", &s, NULL));
    char *what PK_CLEANUP(pk_freep) = s->vtable->describe(s, "stacks/a/dev/state.json");
    assert_string_equal(what, "s3://b/teams/shop/stacks/a/dev/state.json");
    pk_store_free(s);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_get),     cmocka_unit_test(test_not_absent),
        cmocka_unit_test(test_denied),  cmocka_unit_test(test_put),
        cmocka_unit_test(test_put_own), cmocka_unit_test(test_prefix),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
