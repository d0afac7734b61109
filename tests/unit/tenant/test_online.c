/*
 * Set-up of the platform against a server: PANKA_TEST_ENDPOINT names an emulator, such as moto's.
 * Without it nothing is tested, and the test says so.
 */
#include "tenant/internal.h"

#include "aws/aws.h"
#include "base/hash.h"
#include "json/json.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "home.h"

#define REGION "eu-west-1"

static struct pk_aws *aws, *tls; /* the second one believes that the server has TLS */
static char bucket[40], table[40];

/* Takes the TLS out of the addresses; and moto answers PutBucketPolicy with the text "True". */
struct relay {
    struct pk_http base;
    struct pk_http *to;
};

static bool relay_send(struct pk_http *http, const struct pk_http_request *request,
                       struct pk_http_response *ret, struct pk_error **err) {
    struct pk_http_request plain = *request;
    char *url PK_CLEANUP(pk_freep) = pk_asprintf("http://%s", request->url + strlen("https://"));
    plain.url = url;
    bool ok = ((struct relay *)http)->to->send(((struct relay *)http)->to, &plain, ret, err);
    if (ok && pk_str_eqz(pk_str_n(pk_buf_cstr(&ret->body), ret->body.len), "True"))
        pk_buf_reset(&ret->body);
    return ok;
}

static void relay_free(struct pk_http *http) {
    (void)http;
}

static struct relay relay = {.base = {relay_send, relay_free}};

static int setup(void **state PK_UNUSED) {
    struct pk_aws_config config = {.region = REGION,
                                   .endpoint_url = getenv("PANKA_TEST_ENDPOINT"),
                                   .access_key_id = "AKIDEXAMPLE",
                                   .secret_access_key = "secret"};
    char tail[9];
    pk_random_text(tail, 8, "abcdefghijklmnopqrstuvwxyz");
    snprintf(bucket, sizeof(bucket), "panka-%s", tail);
    snprintf(table, sizeof(table), "locks-%s", tail);
    static const struct pk_http_config transport;
    if (!pk_aws_new(&config, &aws, NULL) || !pk_http_curl_new(&transport, &relay.to, NULL))
        return -1;
    char *url PK_CLEANUP(pk_freep) =
        pk_asprintf("https://%s", config.endpoint_url + strlen("http://"));
    config.endpoint_url = url;
    config.http = &relay.base;
    return pk_aws_new(&config, &tls, NULL) ? 0 : -1;
}

static int teardown(void **state PK_UNUSED) {
    pk_aws_free(aws);
    pk_aws_free(tls);
    pk_http_free(relay.to);
    return 0;
}

struct steps {
    int n, created, updated;
};

static void on_step(void *ctx, const char *what, enum pk_backend_step step) {
    struct steps *s = ctx;
    (void)what;
    s->n++;
    s->created += step == PK_BACKEND_CREATED;
    s->updated += step == PK_BACKEND_UPDATED;
}

static struct steps create_backend(struct pk_aws *client) {
    struct steps steps = {0};
    struct pk_error *err = NULL;
    struct pk_backend_request r = {bucket, table, REGION, on_step, &steps};
    if (!pk_backend_create(client, &r, &err))
        fail_msg("%s", err->message);
    return steps;
}

static json_t *read_back_by(struct pk_aws *client, const char *service, const char *operation,
                            json_t *params) {
    json_t *result = NULL;
    struct pk_error *err = NULL;
    if (!pk_aws_call(client, service, operation, params, NULL, &result, &err))
        fail_msg("%s: %s", operation, err->message);
    json_decref(params);
    return result;
}

static json_t *read_back(const char *service, const char *operation, json_t *params) {
    return read_back_by(aws, service, operation, params);
}

static void test_backend(void **state PK_UNUSED) {
    struct steps first = create_backend(tls);
    assert_int_equal(first.n, 9);
    assert_int_equal(first.created, 2);
    assert_int_equal(first.updated, 7);
    struct steps again = create_backend(tls);
    assert_int_equal(again.n, 9);
    assert_int_equal(again.created + again.updated, 0);
    json_t *policy PK_CLEANUP(json_decrefp) =
        read_back("s3", "GetBucketPolicy", json_pack("{s:s}", "Bucket", bucket));
    assert_non_null(strstr(pk_json_str(policy, "Policy", ""), "aws:SecureTransport"));
    json_t *life PK_CLEANUP(json_decrefp) =
        read_back("s3", "GetBucketLifecycleConfiguration", json_pack("{s:s}", "Bucket", bucket));
    assert_int_equal(pk_json_int(life, "Rules[0].NoncurrentVersionExpiration.NoncurrentDays", 0),
                     90);
    json_t *desc PK_CLEANUP(json_decrefp) =
        read_back("dynamodb", "DescribeTable", json_pack("{s:s}", "TableName", table));
    assert_string_equal(pk_json_str(desc, "Table.BillingModeSummary.BillingMode", ""),
                        "PAY_PER_REQUEST");
    assert_string_equal(pk_json_str(desc, "Table.KeySchema[0].AttributeName", ""), "lockKey");
}

/* What others have written into policy and lifecycle stays. */
static void test_backend_keeps_others(void **state PK_UNUSED) {
    create_backend(tls);
    char *own PK_CLEANUP(pk_freep) = pk_asprintf(
        "{\"Version\":\"2012-10-17\",\"Statement\":[{\"Sid\":\"Theirs\",\"Effect\":\"Allow\","
        "\"Principal\":{\"AWS\":\"*\"},\"Action\":\"s3:GetObject\",\"Resource\":"
        "\"arn:aws:s3:::%s/*\"}]}",
        bucket);
    json_decref(read_back_by(tls, "s3", "PutBucketPolicy",
                             json_pack("{s:s, s:s}", "Bucket", bucket, "Policy", own)));
    struct steps steps = create_backend(tls);
    assert_int_equal(steps.updated, 1);
    json_t *policy PK_CLEANUP(json_decrefp) =
        read_back("s3", "GetBucketPolicy", json_pack("{s:s}", "Bucket", bucket));
    assert_non_null(strstr(pk_json_str(policy, "Policy", ""), "Theirs"));
    assert_non_null(strstr(pk_json_str(policy, "Policy", ""), "PankaTlsOnly"));
}

static void test_wrong_region(void **state PK_UNUSED) {
    struct pk_error *err = NULL;
    struct pk_backend_request r = {bucket, table, "us-west-2", NULL, NULL};
    create_backend(tls);
    assert_false(pk_backend_create(aws, &r, &err));
    assert_non_null(strstr(err->message, "is in eu-west-1"));
    pk_error_free(err);
}

static void test_wrong_table(void **state PK_UNUSED) {
    struct pk_error *err = NULL;
    char *name PK_CLEANUP(pk_freep) = pk_asprintf("%s-x", table);
    json_decref(read_back("dynamodb", "CreateTable",
                          json_pack("{s:s, s:s, s:[{s:s, s:s}], s:[{s:s, s:s}]}", "TableName", name,
                                    "BillingMode", "PAY_PER_REQUEST", "AttributeDefinitions",
                                    "AttributeName", "LockID", "AttributeType", "S", "KeySchema",
                                    "AttributeName", "LockID", "KeyType", "HASH")));
    struct pk_backend_request r = {bucket, name, REGION, NULL, NULL};
    assert_false(pk_backend_create(aws, &r, &err));
    assert_int_equal(err->code, PK_E_REFUSED);
    pk_error_free(err);
}

static void test_platform(void **state PK_UNUSED) {
    struct pk_store *store PK_CLEANUP(pk_store_freep) = NULL;
    char *password PK_CLEANUP(pk_secret_freep) = NULL, *second PK_CLEANUP(pk_secret_freep) = NULL;
    struct pk_error *err = NULL;
    json_t *old PK_CLEANUP(json_decrefp) = json_pack(
        "{s:s, s:b}", "SecretId", "/panka/admin-credentials", "ForceDeleteWithoutRecovery", 1);
    (void)!pk_aws_call(aws, "secretsmanager", "DeleteSecret", old, NULL, NULL, NULL);
    /* without TLS the policy is left out: it would lock out this very client */
    bucket[6] = bucket[6] == 'z' ? 'a' : 'z';
    struct steps steps = create_backend(aws);
    assert_int_equal(steps.n, 9);
    assert_true(pk_store_s3_new(aws, bucket, REGION, "", &store, NULL));
    assert_false(pk_admin_login(aws, "ops", "x", bucket, REGION, table, &err));
    assert_non_null(strstr(err->hint, "panka admin init"));
    pk_error_clear(&err);
    if (!pk_admin_init(aws, store, "ops", bucket, REGION, table, &password, &err))
        fail_msg("%s", err->message);
    assert_false(pk_admin_init(aws, store, "ops", bucket, REGION, table, &second, &err));
    assert_int_equal(err->code, PK_E_REFUSED);
    pk_error_clear(&err);
    assert_false(pk_admin_login(aws, "ops", "wrong", bucket, REGION, table, &err));
    assert_int_equal(err->code, PK_E_LOGIN);
    pk_error_clear(&err);
    assert_false(pk_admin_login(aws, "nobody", password, bucket, REGION, table, &err));
    pk_error_clear(&err);
    assert_true(pk_admin_login(aws, "ops", password, bucket, REGION, table, NULL));
    struct pk_session s;
    bool found = false;
    const char *why;
    assert_true(pk_session_load(true, &s, &found, &why, NULL));
    assert_true(found);
    assert_string_equal(s.user, "ops");
    assert_string_equal(s.account_id, "123456789012");
    assert_int_equal(s.expires_at - s.started_at, 8 * 3600);
    pk_session_release(&s);

    struct pk_diags *diags PK_CLEANUP(pk_diags_freep) = pk_diags_new();
    struct pk_arena *arena PK_CLEANUP(pk_arena_freep) = pk_arena_new();
    struct pk_tenant_init init = {
        .name = "shop-team", .account_id = "123456789012", .region = REGION};
    char *yaml PK_CLEANUP(pk_freep) = NULL, *secret PK_CLEANUP(pk_secret_freep) = NULL;
    struct pk_tenant_config *t = NULL;
    assert_true(pk_tenant_build_config(&init, diags, &yaml, NULL));
    assert_true(pk_tenant_register(store, &init, yaml, &secret, NULL));
    assert_true(pk_tenant_login(store, "shop-team", secret, bucket, REGION, NULL, NULL));
    assert_true(pk_session_load(false, &s, &found, &why, NULL));
    assert_string_equal(s.lock_table, table);
    assert_true(pk_tenant_check_session(store, &s, NULL));
    pk_session_release(&s);
    assert_true(pk_tenant_config_load(store, "shop-team", arena, diags, &t, NULL, NULL));
    assert_non_null(t);
    assert_true(pk_tenant_config_cached("shop-team", arena, diags, &t, NULL));
    assert_non_null(t);
}

#define T(name) cmocka_unit_test_setup_teardown(name, home_enter, home_leave)

int main(void) {
    const struct CMUnitTest tests[] = {T(test_backend), T(test_backend_keeps_others),
                                       T(test_wrong_region), T(test_wrong_table), T(test_platform)};
    if (!getenv("PANKA_TEST_ENDPOINT")) {
        printf("skipped: PANKA_TEST_ENDPOINT is not set (the URL of an AWS emulator)\n");
        return 77;
    }
    return cmocka_run_group_tests(tests, setup, teardown);
}
