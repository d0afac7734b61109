/*
 * The S3 store and the DynamoDB locks against a server: PANKA_TEST_ENDPOINT names an emulator, such
 * as moto's. Without it nothing is tested, and the test says so.
 */
#include "aws/aws.h"
#include "base/hash.h"
#include "base/mem.h"
#include "base/vec.h"
#include "store/lock.h"
#include "store/locker.h"
#include "store/store.h"
#include "json/json.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#include "base/fs.h"

#define REGION "eu-west-1"
#define KEY "tenants/a/v1/stacks/s/dev/state.json"

static struct pk_aws *aws;
static char bucket[40], table[40];

static void call(const char *service, const char *operation, json_t *params) {
    struct pk_error *err = NULL;
    if (!pk_aws_call(aws, service, operation, params, NULL, NULL, &err))
        fail_msg("%s: %s", operation, err->message);
    json_decref(params);
}

static int setup(void **state PK_UNUSED) {
    struct pk_aws_config config = {.region = REGION,
                                   .endpoint_url = getenv("PANKA_TEST_ENDPOINT"),
                                   .access_key_id = "AKIDEXAMPLE",
                                   .secret_access_key = "secret"};
    char tail[9];
    pk_random_text(tail, 8, "abcdefghijklmnopqrstuvwxyz");
    snprintf(bucket, sizeof(bucket), "panka-%s", tail);
    snprintf(table, sizeof(table), "locks-%s", tail);
    if (!pk_aws_new(&config, &aws, NULL))
        return -1;
    call("s3", "CreateBucket",
         json_pack("{s:s, s:{s:s}}", "Bucket", bucket, "CreateBucketConfiguration",
                   "LocationConstraint", REGION));
    call("dynamodb", "CreateTable",
         json_pack("{s:s, s:s, s:[{s:s, s:s}], s:[{s:s, s:s}]}", "TableName", table, "BillingMode",
                   "PAY_PER_REQUEST", "AttributeDefinitions", "AttributeName", "lockKey",
                   "AttributeType", "S", "KeySchema", "AttributeName", "lockKey", "KeyType",
                   "HASH"));
    return 0;
}

static int teardown(void **state PK_UNUSED) {
    pk_aws_free(aws);
    return 0;
}

static bool put(struct pk_store *s, const char *key, const char *text, const char *if_match,
                bool create_only, char **ret_etag, struct pk_error **err) {
    return s->vtable->put(s, key, text, strlen(text), if_match, create_only, ret_etag, err);
}

static void test_store(void **state PK_UNUSED) {
    struct pk_store *s PK_CLEANUP(pk_store_freep) = NULL;
    struct pk_buf buf PK_CLEANUP(pk_buf_release) = PK_BUF_INIT(0);
    char *etag PK_CLEANUP(pk_freep) = NULL, *first PK_CLEANUP(pk_freep) = NULL;
    struct pk_error *err = NULL;
    assert_true(pk_store_s3_new(aws, bucket, REGION, "teams/shop", &s, NULL));
    if (!s->vtable->get(s, KEY, 1000, &buf, &etag, &err))
        fail_msg("%s", err->message);
    assert_null(etag);
    assert_true(put(s, KEY, "one", NULL, true, &first, NULL));
    assert_non_null(first);
    assert_false(put(s, KEY, "two", NULL, true, NULL, &err));
    assert_int_equal(err->code, PK_E_STATE_CONFLICT);
    pk_error_clear(&err);
    if (!put(s, KEY, "two", first, false, &etag, &err))
        fail_msg("%s", err->message);
    assert_string_not_equal(first, etag);
    assert_false(put(s, KEY, "three", first, false, NULL, &err));
    assert_int_equal(err->code, PK_E_STATE_CONFLICT);
    pk_error_clear(&err);
    pk_freep(&etag);
    etag = NULL;
    assert_true(s->vtable->get(s, KEY, 1000, &buf, &etag, NULL));
    assert_string_equal(pk_buf_cstr(&buf), "two");
    pk_buf_release(&buf);
    assert_false(s->vtable->get(s, KEY, 2, &buf, &etag, &err));
    pk_error_clear(&err);
    struct pk_vec keys;
    assert_true(s->vtable->list(s, "tenants/", 10, &keys, NULL));
    assert_int_equal(keys.len, 1);
    assert_string_equal(keys.items[0], KEY);
    pk_names_release(&keys);
    char *what PK_CLEANUP(pk_freep) = s->vtable->describe(s, KEY);
    assert_non_null(strstr(what, "/teams/shop/tenants/a/"));
    assert_true(s->vtable->remove(s, KEY, NULL));
    assert_false(put(s, KEY, "x", first, false, NULL, &err));
    assert_int_equal(err->code, PK_E_STATE_CONFLICT);
    pk_error_clear(&err);
    /* what is stored is encrypted, as asked for */
    assert_true(put(s, "plain.yaml", "a: 1\n", NULL, false, NULL, NULL));
    json_t *params PK_CLEANUP(json_decrefp) =
        json_pack("{s:s, s:s}", "Bucket", bucket, "Key", "teams/shop/plain.yaml");
    json_t *head PK_CLEANUP(json_decrefp) = NULL;
    assert_true(pk_aws_call(aws, "s3", "HeadObject", params, NULL, &head, NULL));
    assert_string_equal(pk_json_str(head, "ServerSideEncryption", ""), "AES256");
}

static void test_many_objects(void **state PK_UNUSED) {
    struct pk_store *s PK_CLEANUP(pk_store_freep) = NULL;
    struct pk_vec keys;
    assert_true(pk_store_s3_new(aws, bucket, REGION, "", &s, NULL));
    for (int i = 0; i < 12; i++) {
        char key[40];
        snprintf(key, sizeof(key), "many/%02d.json", i);
        assert_true(put(s, key, "{}", NULL, true, NULL, NULL));
    }
    assert_true(s->vtable->list(s, "many/", 12, &keys, NULL));
    assert_int_equal(keys.len, 12);
    pk_names_release(&keys);
    assert_false(s->vtable->list(s, "many/", 11, &keys, NULL));
}

static void test_no_bucket(void **state PK_UNUSED) {
    struct pk_store *s PK_CLEANUP(pk_store_freep) = NULL;
    struct pk_buf buf PK_CLEANUP(pk_buf_release) = PK_BUF_INIT(0);
    char *etag = NULL;
    struct pk_error *err = NULL;
    assert_true(pk_store_s3_new(aws, "panka-no-such-bucket", REGION, "", &s, NULL));
    assert_false(s->vtable->get(s, KEY, 1000, &buf, &etag, &err));
    assert_int_equal(err->code, PK_E_NOT_FOUND);
    assert_string_equal(err->hint, "panka backend create --bucket panka-no-such-bucket");
    pk_error_clear(&err);
    assert_false(put(s, KEY, "x", NULL, true, NULL, &err));
    assert_int_equal(err->code, PK_E_NOT_FOUND);
    pk_error_clear(&err);
}

/* --- locks */

static const struct pk_lock_settings quick = {.heartbeat_s = 1, .lease_s = 3};
static const struct pk_lock_request request = {.key = "tenant:a:stack:s:env:dev",
                                               .locked_by = "kim",
                                               .operation = "apply",
                                               .deployment_id = "dep-1"};

static struct pk_locker *open_locker(void) {
    struct pk_locker *l = NULL;
    assert_true(pk_locker_dynamodb_new(aws, table, REGION, &quick, &l, NULL));
    return l;
}

static void test_lock(void **state PK_UNUSED) {
    struct pk_locker *l = open_locker();
    struct pk_lock *lock = NULL, *second = NULL;
    struct pk_lock_info info;
    struct pk_error *err = NULL;
    bool found = true;
    if (!pk_lock_look(l, request.key, &info, &found, &err))
        fail_msg("%s", err->message);
    assert_false(found);
    if (!pk_lock_acquire(l, &request, &lock, &err))
        fail_msg("%s", err->message);
    assert_false(pk_lock_acquire(l, &request, &second, &err));
    assert_int_equal(err->code, PK_E_LOCK_HELD);
    pk_error_clear(&err);
    assert_true(pk_lock_look(l, request.key, &info, &found, NULL));
    assert_true(found && !info.dead);
    assert_string_equal(info.lock_id, pk_lock_id(lock));
    assert_string_equal(info.locked_by, "kim");
    assert_string_equal(info.operation, "apply");
    assert_string_equal(info.version, PANKA_VERSION);
    assert_int_equal(info.lease_s, 3);
    assert_int_equal(info.expires_at, info.locked_at + 3600);
    int64_t rvn = info.rvn;
    pk_lock_info_release(&info);
    pk_sleep_ms(3500); /* longer than the lease */
    assert_true(pk_lock_look(l, request.key, &info, &found, NULL));
    assert_true(info.rvn >= rvn + 2);
    pk_lock_info_release(&info);
    assert_true(pk_lock_guard(lock, 0, NULL));
    assert_true(pk_lock_release(lock, NULL));
    assert_true(pk_lock_look(l, request.key, &info, &found, NULL));
    assert_false(found);
    pk_locker_free(l);
}

static void count(void *ctx, const struct pk_lock_info *holder PK_UNUSED,
                  int64_t waited_ms PK_UNUSED, bool taken) {
    *(int *)ctx += taken;
}

static void on_lost(void *ctx, const char *why) {
    (void)why;
    atomic_fetch_add((_Atomic int *)ctx, 1);
}

/* An item that nobody renews is taken over after a lease; its holder notices and leaves it. */
static void test_take_over(void **state PK_UNUSED) {
    struct pk_locker *l = open_locker();
    struct pk_lock *lock = NULL;
    struct pk_lock_request r = request;
    _Atomic int lost = 0;
    int taken = 0;
    bool done = false;
    int64_t now = pk_aws_server_time_ms(aws) / 1000;
    struct pk_lock_item dead = {.key = r.key,
                                .lock_id = "dead",
                                .locked_by = "dana",
                                .locked_at = now,
                                .last_heartbeat = now,
                                .expires_at = now + 3600,
                                .rvn = 5,
                                .lease_s = 3};
    assert_true(l->vtable->create(l, &dead, NULL, &done, NULL));
    assert_true(done);
    r.wait_ms = 20000;
    r.on_wait = count;
    r.ctx = &taken;
    r.on_lost = on_lost;
    r.lost_ctx = &lost;
    int64_t begun = pk_monotonic_ms(NULL);
    assert_true(pk_lock_acquire(l, &r, &lock, NULL));
    assert_true(pk_monotonic_ms(NULL) - begun >= 3000);
    assert_int_equal(taken, 1);
    /* somebody takes it from us */
    assert_true(pk_lock_break(l, r.key, pk_lock_id(lock), NULL));
    assert_true(l->vtable->create(l, &dead, NULL, &done, NULL));
    for (int i = 0; i < 200 && atomic_load(&lost) == 0; i++)
        pk_sleep_ms(20);
    assert_int_equal(lost, 1);
    assert_true(pk_lock_release(lock, NULL));
    struct pk_lock_info info;
    bool found = false;
    assert_true(pk_lock_look(l, r.key, &info, &found, NULL));
    assert_true(found);
    assert_string_equal(info.lock_id, "dead");
    pk_lock_info_release(&info);
    /* the date alone tells when the last sign of life is old enough */
    assert_true(pk_lock_break(l, r.key, "dead", NULL));
    dead.last_heartbeat = now - 600;
    assert_true(l->vtable->create(l, &dead, NULL, &done, NULL));
    assert_true(pk_lock_look(l, r.key, &info, &found, NULL));
    assert_true(info.dead);
    pk_lock_info_release(&info);
    assert_true(pk_lock_break(l, r.key, "dead", NULL));
    pk_locker_free(l);
}

static void test_no_table(void **state PK_UNUSED) {
    struct pk_locker *l = NULL;
    struct pk_lock *lock = NULL;
    struct pk_error *err = NULL;
    assert_true(pk_locker_dynamodb_new(aws, "no-such-table", REGION, NULL, &l, NULL));
    assert_false(pk_lock_acquire(l, &request, &lock, &err));
    assert_int_equal(err->code, PK_E_NOT_FOUND);
    assert_non_null(strstr(err->hint, "panka backend create"));
    pk_error_free(err);
    pk_locker_free(l);
}

/* One holder at a time, and every one of them gets its turn. */
static _Atomic int inside, turns, clashes;

static void *take_turns(void *ctx) {
    struct pk_lock_request r = request;
    r.key = "stack:race:env:dev";
    for (int done = 0; done < 3;) {
        struct pk_lock *lock = NULL;
        if (!pk_lock_acquire(ctx, &r, &lock, NULL)) {
            pk_sleep_ms(20 + pk_random_below(30));
            continue;
        }
        if (atomic_fetch_add(&inside, 1) != 0)
            atomic_fetch_add(&clashes, 1);
        pk_sleep_ms(5);
        atomic_fetch_sub(&inside, 1);
        atomic_fetch_add(&turns, 1);
        if (!pk_lock_release(lock, NULL))
            atomic_fetch_add(&clashes, 1);
        done++;
    }
    return NULL;
}

static void test_race(void **state PK_UNUSED) {
    struct pk_locker *l = open_locker();
    pthread_t threads[6];
    for (size_t i = 0; i < PK_ARRAY_LEN(threads); i++)
        assert_int_equal(pthread_create(&threads[i], NULL, take_turns, l), 0);
    for (size_t i = 0; i < PK_ARRAY_LEN(threads); i++)
        pthread_join(threads[i], NULL);
    assert_int_equal(clashes, 0);
    assert_int_equal(turns, 18);
    pk_locker_free(l);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_store),     cmocka_unit_test(test_many_objects),
        cmocka_unit_test(test_no_bucket), cmocka_unit_test(test_lock),
        cmocka_unit_test(test_take_over), cmocka_unit_test(test_no_table),
        cmocka_unit_test(test_race),
    };
    if (!getenv("PANKA_TEST_ENDPOINT")) {
        printf("skipped: PANKA_TEST_ENDPOINT is not set (the URL of an AWS emulator)\n");
        return 77;
    }
    return cmocka_run_group_tests(tests, setup, teardown);
}
