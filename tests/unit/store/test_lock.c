/* The rules of locks: waiting, take-over, lost replies, heartbeats, the guard, release. */
#include "store/lock.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

#include "fakes.h"

static const struct pk_lock_settings fake_settings = {.clock = &fake_clock, .sleep_ms = fake_sleep};

struct seen {
    int n_waits, n_taken;
    char holder[40];
    _Atomic int n_lost;
    char lost[200];
};

static void on_wait(void *ctx, const struct pk_lock_info *holder, int64_t waited_ms, bool taken) {
    struct seen *s = ctx;
    (void)waited_ms;
    s->n_waits += !taken;
    s->n_taken += taken;
    snprintf(s->holder, sizeof(s->holder), "%s", holder->lock_id);
}

static void on_lost(void *ctx, const char *why) {
    struct seen *s = ctx;
    if (atomic_load(&s->n_lost) == 0)
        snprintf(s->lost, sizeof(s->lost), "%s", why);
    atomic_fetch_add(&s->n_lost, 1); /* the text before the count: the test waits for that */
}

static struct pk_lock_request request_of(struct seen *seen, int64_t wait_ms) {
    return (struct pk_lock_request){.key = "stack:shop:env:production",
                                    .locked_by = "kim",
                                    .operation = "apply",
                                    .wait_ms = wait_ms,
                                    .on_wait = on_wait,
                                    .ctx = seen,
                                    .on_lost = on_lost,
                                    .lost_ctx = seen};
}

static void test_take_and_release(void **state PK_UNUSED) {
    struct seen seen = {0};
    struct mem_locker *m = mem_locker_new(&fake_settings);
    struct pk_lock_request r = request_of(&seen, 0);
    struct pk_lock *lock = NULL;
    assert_true(pk_lock_acquire(&m->base, &r, &lock, NULL));
    assert_string_equal(pk_lock_id(lock), m->lock.id);
    assert_int_equal(m->lock.lease_s, 120);
    assert_true(pk_lock_guard(lock, 60000, NULL));
    assert_true(pk_lock_release(lock, NULL));
    assert_false(m->lock.held);
    pk_locker_free(&m->base);
}

static void test_held_at_once(void **state PK_UNUSED) {
    struct seen seen = {0};
    struct mem_locker *m = mem_locker_new(&fake_settings);
    struct pk_lock_request r = request_of(&seen, 0);
    struct pk_lock *lock = NULL;
    struct pk_error *err = NULL;
    mem_hold(m, "other", 7);
    assert_false(pk_lock_acquire(&m->base, &r, &lock, &err));
    assert_int_equal(err->code, PK_E_LOCK_HELD);
    assert_non_null(strstr(err->message, "dana on build-7"));
    assert_non_null(strstr(err->detail, "run 99"));
    assert_non_null(strstr(err->detail, "lock id other"));
    assert_int_equal(m->n_create, 1);
    pk_error_free(err);
    pk_locker_free(&m->base);
}

/* A living holder moves its rvn while we sleep; the wait ends with LOCK_HELD. */
static struct mem_locker *beating;
static void sleep_and_beat(void *ctx, int64_t ms) {
    fake_sleep(ctx, ms);
    beating->lock.rvn++;
}

static void test_wait_ends(void **state PK_UNUSED) {
    struct seen seen = {0};
    struct pk_lock_settings settings = fake_settings;
    settings.sleep_ms = sleep_and_beat;
    struct mem_locker *m = beating = mem_locker_new(&settings);
    struct pk_lock_request r = request_of(&seen, 600000);
    struct pk_lock *lock = NULL;
    struct pk_error *err = NULL;
    int64_t begun = fake_now_ms;
    mem_hold(m, "other", 7);
    assert_false(pk_lock_acquire(&m->base, &r, &lock, &err));
    assert_int_equal(err->code, PK_E_LOCK_HELD);
    assert_non_null(strstr(err->detail, "waited 10m"));
    assert_true(fake_now_ms - begun >= 600000 && fake_now_ms - begun < 602000);
    /* 5, 10, 30, then every 60 seconds */
    assert_in_range(seen.n_waits, 11, 14);
    assert_int_equal(seen.n_taken, 0);
    pk_error_free(err);
    pk_locker_free(&m->base);
}

/* TAKEOVER by an rvn that does not change for a whole lease on our own clock. */
static void test_take_over_by_rvn(void **state PK_UNUSED) {
    struct seen seen = {0};
    struct mem_locker *m = mem_locker_new(&fake_settings);
    struct pk_lock_request r = request_of(&seen, 600000);
    struct pk_lock *lock = NULL;
    int64_t begun = fake_now_ms;
    mem_hold(m, "dead-one", 7);
    assert_true(pk_lock_acquire(&m->base, &r, &lock, NULL));
    int64_t waited = fake_now_ms - begun;
    assert_true(waited >= 120000 && waited <= 121000);
    assert_int_equal(seen.n_taken, 1);
    assert_string_equal(seen.holder, "dead-one");
    assert_string_equal(m->lock.by, "kim");
    assert_true(pk_lock_release(lock, NULL));
    pk_locker_free(&m->base);
}

/* The wait is over before the lease is: no take-over. */
static void test_no_take_over_before_the_lease(void **state PK_UNUSED) {
    struct seen seen = {0};
    struct mem_locker *m = mem_locker_new(&fake_settings);
    struct pk_lock_request r = request_of(&seen, 119000);
    struct pk_lock *lock = NULL;
    struct pk_error *err = NULL;
    mem_hold(m, "other", 7);
    assert_false(pk_lock_acquire(&m->base, &r, &lock, &err));
    assert_int_equal(err->code, PK_E_LOCK_HELD);
    assert_string_equal(m->lock.id, "other");
    pk_error_free(err);
    pk_locker_free(&m->base);
}

static void test_take_over_by_date(void **state PK_UNUSED) {
    struct seen seen = {0};
    struct mem_locker *m = mem_locker_new(&fake_settings);
    struct pk_lock_request r = request_of(&seen, 0);
    struct pk_lock *lock = NULL;
    mem_hold(m, "dead-one", 7);
    m->server_says_dead = true;
    assert_true(pk_lock_acquire(&m->base, &r, &lock, NULL));
    assert_int_equal(seen.n_taken, 1);
    assert_int_equal(seen.n_waits, 0);
    assert_true(pk_lock_release(lock, NULL));
    pk_locker_free(&m->base);
}

/* SELF: the first attempt was executed, its reply was lost. */
static void test_lost_reply(void **state PK_UNUSED) {
    struct seen seen = {0};
    struct mem_locker *m = mem_locker_new(&fake_settings);
    struct pk_lock_request r = request_of(&seen, 0);
    struct pk_lock *lock = NULL;
    m->creates[0] = FAULT_CUT_AFTER;
    assert_true(pk_lock_acquire(&m->base, &r, &lock, NULL));
    assert_string_equal(pk_lock_id(lock), m->lock.id);
    m->removes[0] = FAULT_CUT_BEFORE;
    struct pk_error *err = NULL;
    assert_false(pk_lock_release(lock, &err));
    assert_true(m->lock.held);
    pk_error_clear(&err);
    m->lock.held = false;
    m->creates[1] = FAULT_CUT_BEFORE;
    assert_false(pk_lock_acquire(&m->base, &r, &lock, &err));
    assert_int_equal(err->code, PK_E_NETWORK);
    pk_error_clear(&err);
    m->creates[2] = FAULT_DENIED;
    assert_false(pk_lock_acquire(&m->base, &r, &lock, &err));
    assert_int_equal(err->code, PK_E_ACCESS_DENIED);
    pk_error_free(err);
    pk_locker_free(&m->base);
}

static void test_cancel(void **state PK_UNUSED) {
    struct seen seen = {0};
    struct pk_cancel cancel = {0};
    struct mem_locker *m = mem_locker_new(&fake_settings);
    struct pk_lock_request r = request_of(&seen, 600000);
    struct pk_lock *lock = NULL;
    struct pk_error *err = NULL;
    mem_hold(m, "other", 7);
    pk_cancel_raise(&cancel, PK_CANCEL_STOP);
    r.cancel = &cancel;
    assert_false(pk_lock_acquire(&m->base, &r, &lock, &err));
    assert_int_equal(err->code, PK_E_CANCELLED);
    pk_error_free(err);
    pk_locker_free(&m->base);
}

/* LEASE-GUARD: need + margin must fit into what is left; a machine that slept has nothing left. */
static void test_guard(void **state PK_UNUSED) {
    struct seen seen = {0};
    struct mem_locker *m = mem_locker_new(&fake_settings);
    struct pk_lock_request r = request_of(&seen, 0);
    struct pk_lock *lock = NULL;
    struct pk_error *err = NULL;
    assert_true(pk_lock_acquire(&m->base, &r, &lock, NULL));
    fake_sleep(NULL, 49000);
    assert_true(pk_lock_guard(lock, 60000, NULL));
    fake_sleep(NULL, 2000);
    assert_false(pk_lock_guard(lock, 60000, &err));
    assert_int_equal(err->code, PK_E_LOCK_LOST);
    pk_error_clear(&err);
    assert_true(pk_lock_guard(lock, 0, NULL));
    fake_sleep(NULL, 3600000);
    assert_false(pk_lock_guard(lock, 0, &err));
    assert_int_equal(err->code, PK_E_LOCK_LOST);
    pk_error_clear(&err);
    assert_true(pk_lock_release(lock, NULL));
    pk_locker_free(&m->base);
}

static bool wait_for(const _Atomic int *counter, int value) {
    for (int i = 0; i < 500; i++) {
        if (atomic_load(counter) >= value)
            return true;
        pk_sleep_ms(20);
    }
    return false;
}

/* Real seconds from here on. */
static const struct pk_lock_settings quick = {.heartbeat_s = 1, .lease_s = 3};

static int renewals(struct mem_locker *m) {
    pthread_mutex_lock(&m->mutex);
    int n = m->n_renewed;
    pthread_mutex_unlock(&m->mutex);
    return n;
}

static void test_heartbeat(void **state PK_UNUSED) {
    struct seen seen = {0};
    struct mem_locker *m = mem_locker_new(&quick);
    struct pk_lock_request r = request_of(&seen, 0);
    struct pk_lock *lock = NULL;
    /* one renewal never arrives, the reply of another one is lost */
    m->renews[0] = FAULT_CUT_BEFORE;
    m->renews[1] = FAULT_CUT_AFTER;
    assert_true(pk_lock_acquire(&m->base, &r, &lock, NULL));
    pk_sleep_ms(3600);
    assert_true(renewals(m) >= 2);
    assert_true(pk_lock_guard(lock, 0, NULL));
    assert_true(pk_lock_release(lock, NULL));
    assert_int_equal(seen.n_lost, 0);
    pk_locker_free(&m->base);
}

static void test_stolen(void **state PK_UNUSED) {
    struct seen seen = {0};
    struct mem_locker *m = mem_locker_new(&quick);
    struct pk_lock_request r = request_of(&seen, 0);
    struct pk_lock *lock = NULL;
    struct pk_error *err = NULL;
    assert_true(pk_lock_acquire(&m->base, &r, &lock, NULL));
    mem_hold(m, "thief", 1);
    assert_true(wait_for(&seen.n_lost, 1));
    assert_non_null(strstr(seen.lost, "taken over by dana"));
    assert_false(pk_lock_guard(lock, 0, &err));
    assert_int_equal(err->code, PK_E_LOCK_LOST);
    pk_error_free(err);
    assert_true(pk_lock_release(lock, NULL));
    assert_true(m->lock.held); /* not ours: left alone */
    assert_int_equal(m->n_remove, 0);
    assert_int_equal(seen.n_lost, 1);
    pk_locker_free(&m->base);
}

static void test_removed(void **state PK_UNUSED) {
    struct seen seen = {0};
    struct mem_locker *m = mem_locker_new(&quick);
    struct pk_lock_request r = request_of(&seen, 0);
    struct pk_lock *lock = NULL;
    assert_true(pk_lock_acquire(&m->base, &r, &lock, NULL));
    assert_true(pk_lock_break(&m->base, r.key, pk_lock_id(lock), NULL));
    assert_true(wait_for(&seen.n_lost, 1));
    assert_non_null(strstr(seen.lost, "removed"));
    assert_true(pk_lock_release(lock, NULL));
    pk_locker_free(&m->base);
}

/* Nobody answers for a whole lease: the run is told to stop, once, and the guard closes; when the
 * network comes back and the lock is still there, it goes on being ours. */
static void test_no_answer(void **state PK_UNUSED) {
    struct seen seen = {0};
    struct mem_locker *m = mem_locker_new(&quick);
    struct pk_lock_request r = request_of(&seen, 0);
    struct pk_lock *lock = NULL;
    for (size_t i = 0; i < 32; i++)
        m->renews[i] = FAULT_CUT_BEFORE;
    assert_true(pk_lock_acquire(&m->base, &r, &lock, NULL));
    assert_true(wait_for(&seen.n_lost, 1));
    assert_non_null(strstr(seen.lost, "could not be renewed"));
    assert_false(pk_lock_guard(lock, 0, NULL));
    for (int i = 0; i < 500 && renewals(m) == 0; i++)
        pk_sleep_ms(20);
    pk_sleep_ms(50);
    assert_true(pk_lock_guard(lock, 0, NULL));
    assert_int_equal(seen.n_lost, 1);
    assert_true(pk_lock_release(lock, NULL));
    assert_false(m->lock.held);
    pk_locker_free(&m->base);
}

static void test_break(void **state PK_UNUSED) {
    struct mem_locker *m = mem_locker_new(&fake_settings);
    struct pk_lock_info info;
    struct pk_error *err = NULL;
    bool found = true;
    assert_true(pk_lock_look(&m->base, "k", &info, &found, NULL));
    assert_false(found);
    assert_true(pk_lock_break(&m->base, "k", "gone", NULL));
    mem_hold(m, "other", 1);
    assert_true(pk_lock_look(&m->base, "k", &info, &found, NULL));
    assert_true(found);
    assert_string_equal(info.lock_id, "other");
    pk_lock_info_release(&info);
    assert_false(pk_lock_break(&m->base, "k", "another", &err));
    assert_int_equal(err->code, PK_E_LOCK_HELD);
    pk_error_free(err);
    assert_true(pk_lock_break(&m->base, "k", "other", NULL));
    assert_false(m->lock.held);
    pk_locker_free(&m->base);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_take_and_release),
        cmocka_unit_test(test_held_at_once),
        cmocka_unit_test(test_wait_ends),
        cmocka_unit_test(test_take_over_by_rvn),
        cmocka_unit_test(test_no_take_over_before_the_lease),
        cmocka_unit_test(test_take_over_by_date),
        cmocka_unit_test(test_lost_reply),
        cmocka_unit_test(test_cancel),
        cmocka_unit_test(test_guard),
        cmocka_unit_test(test_heartbeat),
        cmocka_unit_test(test_stolen),
        cmocka_unit_test(test_removed),
        cmocka_unit_test(test_no_answer),
        cmocka_unit_test(test_break),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
