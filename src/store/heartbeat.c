/* heartbeat.c - HEARTBEAT and LEASE-GUARD of one held lock. */
#include "store/heartbeat.h"

#include "base/log.h"
#include "base/mem.h"
#include "base/str.h"

#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define MAX_MARGIN_MS 10000

struct pk_lock {
    struct pk_locker *locker;
    struct pk_lock_item item; /* texts owned; times and rvn belong to the thread */
    const struct pk_cancel *cancel;
    void (*on_lost)(void *ctx, const char *why);
    void *lost_ctx;
    struct pk_cancel ending; /* ends a heartbeat in flight when the lock is released */
    pthread_t thread;
    pthread_mutex_t mutex; /* guards what follows */
    pthread_cond_t wake;
    int64_t renewed_ms; /* boot time when the last successful renewal was begun */
    char *lost_why;     /* NULL: the lock is ours */
    bool stop;
};

static int64_t lease_ms(const struct pk_lock *lock) {
    return lock->item.lease_s * 1000;
}

static int64_t margin_ms(const struct pk_lock *lock) {
    int64_t part = lease_ms(lock) / 12;
    return part < MAX_MARGIN_MS ? part : MAX_MARGIN_MS;
}

static int64_t lease_left(struct pk_lock *lock) {
    pthread_mutex_lock(&lock->mutex);
    int64_t renewed = lock->renewed_ms;
    pthread_mutex_unlock(&lock->mutex);
    return lease_ms(lock) - (pk_boottime_ms(lock->locker->settings.clock) - renewed);
}

static void tell_lost(struct pk_lock *lock, const char *why) {
    pk_log(PK_LOG_INFO, "lock %s: %s", lock->item.key, why);
    if (lock->on_lost)
        lock->on_lost(lock->lost_ctx, why);
}

/* Only another id or a missing item means that the lock is lost: an error does not. */
static void find_out_why(struct pk_lock *lock) {
    struct pk_lock_info now = {0};
    bool found = false;
    char *why;
    bool read = lock->locker->vtable->read(lock->locker, lock->item.key, &now, &found, NULL);
    if (read && found && strcmp(now.lock_id, lock->item.lock_id) != 0)
        why =
            pk_asprintf("the lock was taken over by %s%s%s (%s)", now.locked_by,
                        now.hostname ? " on " : "", now.hostname ? now.hostname : "", now.lock_id);
    else
        why = pk_strdup("the lock was removed by somebody else");
    pk_lock_info_release(&now);
    pthread_mutex_lock(&lock->mutex);
    lock->lost_why = why;
    pthread_mutex_unlock(&lock->mutex);
    tell_lost(lock, why); /* never replaced: it lives as long as the lock */
}

enum beat { BEAT_GOOD, BEAT_FAILED, BEAT_LOST };

static enum beat beat(struct pk_lock *lock, char **ret_why) {
    const struct pk_lock_settings *s = &lock->locker->settings;
    struct pk_error *err PK_CLEANUP(pk_error_freep) = NULL;
    bool ours = false;
    int64_t begun = pk_boottime_ms(s->clock);
    lock->item.rvn++;
    lock->item.last_heartbeat = lock->locker->vtable->now_s(lock->locker);
    lock->item.expires_at = lock->item.last_heartbeat + s->ttl_s;
    if (!lock->locker->vtable->renew(lock->locker, &lock->item, &lock->ending, &ours, &err)) {
        *ret_why = pk_strdup(err ? err->message : "unknown error");
        return BEAT_FAILED;
    }
    if (!ours)
        return BEAT_LOST;
    pthread_mutex_lock(&lock->mutex);
    lock->renewed_ms = begun;
    pthread_mutex_unlock(&lock->mutex);
    return BEAT_GOOD;
}

/* True when it is time to end. */
static bool pause_until_next(struct pk_lock *lock, int64_t ms) {
    struct timespec until;
    clock_gettime(CLOCK_MONOTONIC, &until);
    until.tv_sec += (time_t)(ms / 1000);
    until.tv_nsec += (long)(ms % 1000) * 1000000;
    if (until.tv_nsec >= 1000000000) {
        until.tv_sec++;
        until.tv_nsec -= 1000000000;
    }
    pthread_mutex_lock(&lock->mutex);
    int waited = 0;
    while (!lock->stop && waited != ETIMEDOUT)
        waited = pthread_cond_timedwait(&lock->wake, &lock->mutex, &until);
    bool stop = lock->stop;
    pthread_mutex_unlock(&lock->mutex);
    return stop;
}

/*
 * Renews the lease; after a failure sooner again. When the lease is nearly over without an answer,
 * the run is told to stop, once; the beating goes on, so that results can still be written if the
 * network comes back before somebody else takes the lock.
 */
static void *run(void *ctx) {
    struct pk_lock *lock = ctx;
    int64_t interval = lock->locker->settings.heartbeat_s * 1000, wait = interval;
    bool told = false;
    while (!pause_until_next(lock, wait)) {
        char *why PK_CLEANUP(pk_freep) = NULL;
        enum beat result = beat(lock, &why);
        if (pk_cancel_level(&lock->ending) != PK_CANCEL_NONE)
            break; /* released meanwhile: a cut renewal says nothing */
        if (result == BEAT_LOST) {
            find_out_why(lock);
            break;
        }
        wait = result == BEAT_GOOD ? interval : interval / 6 + 1;
        if (result == BEAT_FAILED)
            pk_log(PK_LOG_INFO, "heartbeat of lock %s failed: %s", lock->item.key, why);
        if (result == BEAT_FAILED && !told && lease_left(lock) <= margin_ms(lock)) {
            char *text PK_CLEANUP(pk_freep) =
                pk_asprintf("the lease of the lock could not be renewed: %s", why);
            told = true;
            tell_lost(lock, text);
        }
    }
    return NULL;
}

static char *copy(const char *text) {
    return text ? pk_strdup(text) : NULL;
}

struct pk_lock *pk_lock_start(struct pk_locker *locker, const struct pk_lock_item *item,
                              const struct pk_lock_request *request, int64_t lease_begun) {
    struct pk_lock *lock = pk_calloc(1, sizeof(*lock));
    lock->locker = locker;
    lock->item = *item;
    lock->item.key = copy(item->key);
    lock->item.lock_id = copy(item->lock_id);
    lock->item.locked_by = copy(item->locked_by);
    lock->item.operation = copy(item->operation);
    lock->item.deployment_id = copy(item->deployment_id);
    lock->item.taken_from = NULL;
    lock->cancel = request->cancel;
    lock->on_lost = request->on_lost;
    lock->lost_ctx = request->lost_ctx;
    lock->renewed_ms = lease_begun;
    pthread_mutex_init(&lock->mutex, NULL);
    pthread_condattr_t attr;
    pthread_condattr_init(&attr);
    pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
    pthread_cond_init(&lock->wake, &attr);
    pthread_condattr_destroy(&attr);
    /* signals are for the main thread */
    sigset_t all, old;
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &old);
    int failed = pthread_create(&lock->thread, NULL, run, lock);
    pthread_sigmask(SIG_SETMASK, &old, NULL);
    pk_assert(failed == 0);
    return lock;
}

const char *pk_lock_id(const struct pk_lock *lock) {
    return lock->item.lock_id;
}

const struct pk_cancel *pk_lock_cancel(const struct pk_lock *lock) {
    return lock->cancel;
}

/* LEASE-GUARD on CLOCK_BOOTTIME: a machine that slept has used up its lease. */
bool pk_lock_guard(struct pk_lock *lock, int64_t need_ms, struct pk_error **err) {
    pthread_mutex_lock(&lock->mutex);
    char *lost PK_CLEANUP(pk_freep) = copy(lock->lost_why);
    pthread_mutex_unlock(&lock->mutex);
    if (lost)
        return pk_fail(err, PK_E_LOCK_LOST, "%s", lost);
    int64_t left = lease_left(lock);
    /* a lease that somebody has made shorter than two calls would never let one pass */
    if (need_ms > lease_ms(lock) / 2)
        need_ms = lease_ms(lock) / 2;
    if (left >= need_ms + margin_ms(lock))
        return true;
    char text[32];
    pk_duration_human(left > 0 ? left : 0, text);
    if (left <= 0)
        return pk_fail(err, PK_E_LOCK_LOST,
                       "the lease of the lock is over: it was not renewed "
                       "in time");
    return pk_fail(err, PK_E_LOCK_LOST,
                   "the lease of the lock is over in %s, which is too soon for the next call",
                   text);
}

static void stop_thread(struct pk_lock *lock) {
    pk_cancel_raise(&lock->ending, PK_CANCEL_NOW);
    pthread_mutex_lock(&lock->mutex);
    lock->stop = true;
    pthread_cond_signal(&lock->wake);
    pthread_mutex_unlock(&lock->mutex);
    pthread_join(lock->thread, NULL);
}

static void lock_free(struct pk_lock *lock) {
    pthread_cond_destroy(&lock->wake);
    pthread_mutex_destroy(&lock->mutex);
    free((char *)(uintptr_t)lock->item.key);
    free((char *)(uintptr_t)lock->item.lock_id);
    free((char *)(uintptr_t)lock->item.locked_by);
    free((char *)(uintptr_t)lock->item.operation);
    free((char *)(uintptr_t)lock->item.deployment_id);
    free(lock->lost_why);
    free(lock);
}

/* A missing item or another id: released before, or not ours any more and left alone. */
bool pk_lock_release(struct pk_lock *lock, struct pk_error **err) {
    bool removed = false;
    if (!lock)
        return true;
    stop_thread(lock);
    bool ok = lock->lost_why || lock->locker->vtable->remove(lock->locker, lock->item.key,
                                                             lock->item.lock_id, &removed, err);
    lock_free(lock);
    return ok;
}
