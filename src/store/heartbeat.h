/*
 * heartbeat.h - a held lock and the thread that keeps it alive.
 *
 * Layer 6. Internal to store/.
 */
#ifndef PK_STORE_HEARTBEAT_H
#define PK_STORE_HEARTBEAT_H

#include "store/locker.h"

/* Starts the thread of a lock that was just written; its lease began at lease_begun (boot time). */
struct pk_lock *pk_lock_start(struct pk_locker *locker, const struct pk_lock_item *item,
                              const struct pk_lock_request *request, int64_t lease_begun);
/* The canceller of the request that the lock was acquired with; or NULL. */
const struct pk_cancel *pk_lock_cancel(const struct pk_lock *lock);

#endif
