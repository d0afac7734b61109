/*
 * lock.h - one writer at a time: DynamoDB item or local file.
 *
 * Layer 6. Mechanisms LOCK, TAKEOVER, HEARTBEAT, LEASE-GUARD, SELF of docs/state.md.
 */
#ifndef PK_STORE_LOCK_H
#define PK_STORE_LOCK_H

#include "base/cancel.h"
#include "base/clock.h"
#include "base/error.h"
#include "base/vec.h"

#include <jansson.h>

struct pk_aws;

struct pk_lock_info { /* what a held lock says of its holder; strings malloc'ed */
    char *key, *lock_id, *locked_by, *hostname, *operation, *ci_run, *version;
    int64_t locked_at, last_heartbeat, expires_at; /* Unix seconds */
    int64_t rvn, lease_s, pid;
    bool dead; /* by the rules of TAKEOVER */
};
void pk_lock_info_release(struct pk_lock_info *info);

struct pk_lock_settings {
    int64_t heartbeat_s, lease_s, ttl_s;     /* 0 = 30, 120, 3600 */
    const struct pk_clock *clock;            /* NULL = the system's */
    void (*sleep_ms)(void *ctx, int64_t ms); /* waits between looks; NULL = really waits */
    void *sleep_ctx;
};

struct pk_locker; /* a backend of locks */
PK_NODISCARD bool pk_locker_dynamodb_new(struct pk_aws *aws, const char *table, const char *region,
                                         const struct pk_lock_settings *settings,
                                         struct pk_locker **ret, struct pk_error **err);
PK_NODISCARD bool pk_locker_local_new(const char *dir, const struct pk_lock_settings *settings,
                                      struct pk_locker **ret, struct pk_error **err);
void pk_locker_free(struct pk_locker *locker);

struct pk_lock; /* one held lock, with its heartbeat thread */
struct pk_lock_request {
    const char *key, *locked_by, *operation, *deployment_id;
    int64_t wait_ms;                /* --lock-timeout; 0 = at once or LOCK_HELD */
    const struct pk_cancel *cancel; /* ends the wait; must outlive the lock */
    /* Told while waiting (holder, waited so far) and when a dead lock is taken over (taken = true).
     * May be NULL. */
    void (*on_wait)(void *ctx, const struct pk_lock_info *holder, int64_t waited_ms, bool taken);
    void *ctx;
    /* Called from the heartbeat thread when the lock is lost, or its lease could not be renewed in
     * time: at most once for each. */
    void (*on_lost)(void *ctx, const char *why);
    void *lost_ctx;
};
/* The locker must outlive the lock. LOCK_HELD names holder, host, CI run, age in message/detail. */
PK_NODISCARD bool pk_lock_acquire(struct pk_locker *locker, const struct pk_lock_request *request,
                                  struct pk_lock **ret, struct pk_error **err);
const char *pk_lock_id(const struct pk_lock *lock);
/* LEASE-GUARD: false with LOCK_LOST when less than need_ms + margin of the lease is left. More than
 * half of the lease is never asked for: who configures a lease below 2 minutes accepts that a call
 * of a minute may outlast it. Any thread. */
PK_NODISCARD bool pk_lock_guard(struct pk_lock *lock, int64_t need_ms, struct pk_error **err);
/* Joins the heartbeat, deletes the item if it is still ours, frees. A failure is a warning of the
 * caller's. */
PK_NODISCARD bool pk_lock_release(struct pk_lock *lock, struct pk_error **err);

/* *ret_found false: nobody holds it. */
PK_NODISCARD bool pk_lock_look(struct pk_locker *locker, const char *key, struct pk_lock_info *ret,
                               bool *ret_found, struct pk_error **err);
/* Removes the lock when its id is lock_id (conditional). */
PK_NODISCARD bool pk_lock_break(struct pk_locker *locker, const char *key, const char *lock_id,
                                struct pk_error **err);

#endif
