/* CLAIM, fencing, SELF, unique bodies, history: the writer over a store in memory. */
#include "engine/journal.h"
#include "store/lock.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

#include "fakes.h"
#include "json/json.h"

#define KEY "stacks/shop/production/state.json"

struct fixture {
    struct mem_store *store;
    struct mem_locker *locker;
    struct pk_lock *lock;
    struct pk_state *state;
    struct pk_state_writer *writer;
};

static const struct pk_lock_settings settings = {.clock = &fake_clock, .sleep_ms = fake_sleep};

static int setup(void **state) {
    struct fixture *f = pk_calloc(1, sizeof(*f));
    struct pk_lock_request r = {.key = "k", .locked_by = "kim"};
    f->store = mem_store_new();
    f->locker = mem_locker_new(&settings);
    f->state = pk_state_new();
    pk_json_put_str(f->state->metadata, "updatedAt", "2026-11-20T12:00:00Z");
    *state = f;
    return pk_lock_acquire(&f->locker->base, &r, &f->lock, NULL) ? 0 : -1;
}

static int teardown(void **state) {
    struct fixture *f = *state;
    pk_state_writer_free(f->writer);
    bool ok = pk_lock_release(f->lock, NULL);
    pk_locker_free(&f->locker->base);
    pk_state_free(f->state);
    pk_store_free(&f->store->base);
    free(f);
    return ok ? 0 : -1;
}

static bool open_writer(struct fixture *f, const char *etag, struct pk_error **err) {
    return pk_state_writer_open(&f->store->base, KEY, etag, f->state, f->lock, &f->writer, err);
}

static bool write_once(struct fixture *f, int64_t *ret_serial, struct pk_error **err) {
    struct pk_journal *j = pk_state_writer_journal(f->writer);
    struct pk_state *copy = pk_state_copy(f->state);
    bool ok = j->write(j, copy, ret_serial, err);
    pk_state_free(copy);
    return ok;
}

static char *stored(struct fixture *f, const char *path) {
    const char *text = mem_text(f->store, KEY);
    json_t *doc PK_CLEANUP(json_decrefp) = NULL;
    assert_non_null(text);
    assert_true(pk_json_parse(text, strlen(text), "state", &doc, NULL));
    const json_t *value = pk_json_at(doc, path);
    if (json_is_integer(value))
        return pk_asprintf("%lld", (long long)json_integer_value(value));
    return json_is_string(value) ? pk_strdup(json_string_value(value)) : NULL;
}

static void expect_stored(struct fixture *f, const char *path, const char *value) {
    char *text PK_CLEANUP(pk_freep) = stored(f, path);
    assert_string_equal(text, value);
}

/* Somebody else writes a state of his own. */
static void intrude(struct mem_store *store, int64_t serial) {
    struct pk_state *other = pk_state_new();
    size_t len;
    other->serial = serial;
    pk_error_set(&other->write_id, "11111111-aaaa-bbbb-cccc-dddddddddddd");
    pk_error_set(&other->lock_id, "lock-of-dana");
    pk_json_put_str(other->metadata, "deployedBy", "dana");
    char *text = pk_state_dump(other, &len);
    mem_set(store, KEY, text, len);
    free(text);
    pk_state_free(other);
}

static void test_claim_new(void **state) {
    struct fixture *f = *state;
    int64_t serial = 0;
    assert_true(open_writer(f, NULL, NULL));
    assert_int_equal(f->state->serial, 1);
    expect_stored(f, "serial", "1");
    expect_stored(f, "lockId", pk_lock_id(f->lock));
    expect_stored(f, "writeId", f->state->write_id);
    char *first PK_CLEANUP(pk_freep) = stored(f, "writeId");
    assert_true(write_once(f, &serial, NULL));
    assert_int_equal(serial, 2);
    char *second PK_CLEANUP(pk_freep) = stored(f, "writeId");
    assert_string_not_equal(first, second);
}

static void test_claim_keeps_the_old_body(void **state) {
    struct fixture *f = *state;
    intrude(f->store, 41);
    char *etag PK_CLEANUP(pk_freep) = NULL;
    struct pk_state *old = NULL;
    assert_true(pk_state_load(&f->store->base, KEY, &old, &etag, NULL));
    pk_state_free(f->state);
    f->state = old;
    pk_json_put_str(f->state->metadata, "updatedAt", "2026-11-20T12:00:00Z");
    assert_true(open_writer(f, etag, NULL));
    expect_stored(f, "serial", "42");
    struct pk_vec keys;
    assert_true(f->store->base.vtable->list(&f->store->base, "stacks/shop/production/history/", 100,
                                            &keys, NULL));
    assert_int_equal(keys.len, 1);
    assert_non_null(strstr(keys.items[0], "-000041-11111111.json"));
    assert_non_null(strstr(mem_text(f->store, keys.items[0]), "lock-of-dana"));
    free(keys.items[0]);
    pk_vec_release(&keys);
    /* the last word is copied under the document's own time; doing so again changes nothing */
    assert_true(pk_state_writer_history(f->writer, NULL));
    assert_true(pk_state_writer_history(f->writer, NULL));
    assert_true(f->store->base.vtable->list(&f->store->base, "stacks/shop/production/history/", 100,
                                            &keys, NULL));
    assert_int_equal(keys.len, 2);
    bool named = false;
    for (size_t i = 0; i < keys.len; i++) {
        named = named || strstr(keys.items[i], "/2026-11-20-12-00-00-000042-");
        free(keys.items[i]);
    }
    assert_true(named);
    pk_vec_release(&keys);
}

static void test_claim_too_late(void **state) {
    struct fixture *f = *state;
    struct pk_error *err = NULL;
    intrude(f->store, 5);
    /* read as absent, written by dana meanwhile */
    assert_false(open_writer(f, NULL, &err));
    assert_int_equal(err->code, PK_E_STATE_CONFLICT);
    assert_non_null(strstr(err->detail, "dana"));
    pk_error_clear(&err);
    /* read, and changed since */
    assert_false(open_writer(f, "\"v0\"", &err));
    assert_int_equal(err->code, PK_E_STATE_CONFLICT);
    pk_error_clear(&err);
    expect_stored(f, "lockId", "lock-of-dana");
}

static void test_fenced_forever(void **state) {
    struct fixture *f = *state;
    struct pk_error *err = NULL;
    int64_t serial = 0;
    assert_true(open_writer(f, NULL, NULL));
    intrude(f->store, 2);
    assert_false(write_once(f, &serial, &err));
    assert_int_equal(err->code, PK_E_STATE_CONFLICT);
    assert_non_null(strstr(err->detail, "lock-of-dana"));
    pk_error_clear(&err);
    size_t n = f->store->n_put;
    assert_false(write_once(f, &serial, &err));
    assert_int_equal(err->code, PK_E_STATE_CONFLICT);
    pk_error_clear(&err);
    assert_int_equal(f->store->n_put, n); /* it is not even tried */
    expect_stored(f, "lockId", "lock-of-dana");
}

/* SELF: the reply was lost, the retry gets 412, the text that is there is ours. */
static void test_lost_reply(void **state) {
    struct fixture *f = *state;
    int64_t serial = 0;
    f->store->puts[0] = FAULT_CUT_AFTER;
    assert_true(open_writer(f, NULL, NULL));
    expect_stored(f, "serial", "1");
    f->store->puts[f->store->n_put] = FAULT_CUT_AFTER;
    f->store->puts[f->store->n_put + 1] = FAULT_CUT_AFTER;
    assert_true(write_once(f, &serial, NULL));
    assert_int_equal(serial, 2);
    expect_stored(f, "serial", "2");
    assert_true(write_once(f, &serial, NULL));
    assert_int_equal(serial, 3);
}

static void test_cut_before(void **state) {
    struct fixture *f = *state;
    int64_t serial = 0;
    assert_true(open_writer(f, NULL, NULL));
    f->store->puts[f->store->n_put] = FAULT_CUT_BEFORE;
    assert_true(write_once(f, &serial, NULL));
    assert_int_equal(serial, 2);
}

/* A write that gave up had been executed after all: the next one builds on it, serials go on. */
static void test_earlier_write_landed(void **state) {
    struct fixture *f = *state;
    struct pk_error *err = NULL;
    int64_t serial = 0;
    assert_true(open_writer(f, NULL, NULL));
    f->store->puts[f->store->n_put] = FAULT_CUT_AFTER;
    f->store->puts[f->store->n_put + 1] = FAULT_DENIED;
    assert_false(write_once(f, &serial, &err));
    assert_int_equal(err->code, PK_E_ACCESS_DENIED);
    pk_error_clear(&err);
    expect_stored(f, "serial", "2");
    assert_true(write_once(f, &serial, NULL));
    assert_int_equal(serial, 3);
    expect_stored(f, "serial", "3");
}

static void test_no_write_without_lease(void **state) {
    struct fixture *f = *state;
    struct pk_error *err = NULL;
    int64_t serial = 0;
    assert_true(open_writer(f, NULL, NULL));
    struct pk_journal *j = pk_state_writer_journal(f->writer);
    assert_true(j->guard(j, 60000, NULL));
    fake_sleep(NULL, 121000);
    size_t n = f->store->n_put;
    assert_false(write_once(f, &serial, &err));
    assert_int_equal(err->code, PK_E_LOCK_LOST);
    assert_int_equal(f->store->n_put, n);
    pk_error_clear(&err);
    assert_false(j->guard(j, 0, NULL));
}

/* The network stays away and the lease runs out meanwhile. */
static void end_of_lease(struct mem_store *store, const char *key) {
    (void)store;
    (void)key;
    fake_sleep(NULL, 60000);
}

static void test_lease_ends_while_retrying(void **state) {
    struct fixture *f = *state;
    struct pk_error *err = NULL;
    int64_t serial = 0;
    assert_true(open_writer(f, NULL, NULL));
    for (size_t i = f->store->n_put; i < PK_ARRAY_LEN(f->store->puts); i++)
        f->store->puts[i] = FAULT_CUT_BEFORE;
    f->store->before_put = end_of_lease;
    assert_false(write_once(f, &serial, &err));
    assert_int_equal(err->code, PK_E_LOCK_LOST);
    assert_non_null(err->cause);
    assert_int_equal(err->cause->code, PK_E_NETWORK);
    pk_error_free(err);
    expect_stored(f, "serial", "1");
}

static void test_denied_is_not_absent(void **state) {
    struct fixture *f = *state;
    struct pk_state *s = NULL;
    struct pk_error *err = NULL;
    f->store->gets[0] = FAULT_DENIED;
    assert_false(pk_state_load(&f->store->base, KEY, &s, NULL, &err));
    assert_int_equal(err->code, PK_E_ACCESS_DENIED);
    pk_error_clear(&err);
    mem_set(f->store, KEY, "", 0);
    assert_false(pk_state_load(&f->store->base, KEY, &s, NULL, &err));
    assert_int_equal(err->code, PK_E_STATE_INVALID);
    assert_non_null(strstr(err->message, "mem://" KEY));
    pk_error_clear(&err);
}

#define T(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void) {
    const struct CMUnitTest tests[] = {
        T(test_claim_new),
        T(test_claim_keeps_the_old_body),
        T(test_claim_too_late),
        T(test_fenced_forever),
        T(test_lost_reply),
        T(test_cut_before),
        T(test_earlier_write_landed),
        T(test_no_write_without_lease),
        T(test_lease_ends_while_retrying),
        T(test_denied_is_not_absent),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
