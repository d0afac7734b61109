/*
 * locker.h - what a backend of locks does; the rules of LOCK are in lock.c, once for all of them.
 *
 * Layer 6. Internal to store/.
 */
#ifndef PK_STORE_LOCKER_H
#define PK_STORE_LOCKER_H

#include "store/lock.h"

/* A lock as it is written. Times are Unix seconds of the backend's clock. */
struct pk_lock_item {
    const char *key, *lock_id, *locked_by, *operation, *deployment_id;
    const char *taken_from; /* id of the dead lock it replaces, or NULL */
    int64_t locked_at, last_heartbeat, expires_at;
    int64_t rvn, lease_s;
};

struct pk_locker_vtable {
    /* Writes the item when there is none (dead NULL), or when the one there is still `dead` (same
     * id, rvn and heartbeat). *ret_done false: it is not so. */
    bool (*create)(struct pk_locker *locker, const struct pk_lock_item *item,
                   const struct pk_lock_info *dead, bool *ret_done, struct pk_error **err);
    /* Reads strongly. The result's `dead` is set by what this backend knows from one look. */
    bool (*read)(struct pk_locker *locker, const char *key, struct pk_lock_info *ret,
                 bool *ret_found, struct pk_error **err);
    /* Writes rvn, last_heartbeat and expires_at when the lock still has item's id; *ret_ours tells.
     * `cancel` ends it early. */
    bool (*renew)(struct pk_locker *locker, const struct pk_lock_item *item,
                  const struct pk_cancel *cancel, bool *ret_ours, struct pk_error **err);
    /* Removes the lock when it has this id; *ret_removed false: it had not. */
    bool (*remove)(struct pk_locker *locker, const char *key, const char *lock_id,
                   bool *ret_removed, struct pk_error **err);
    int64_t (*now_s)(struct pk_locker *locker);
    void (*free)(struct pk_locker *locker);
};

struct pk_locker {
    const struct pk_locker_vtable *vtable;
    struct pk_lock_settings settings;
};

/* Where a run happens, for people and for the local rules of TAKEOVER. malloc'ed. */
char *pk_lock_hostname(void);
/* "GITHUB_RUN_ID" and the like of known CI systems; NULL outside of them. malloc'ed. */
char *pk_lock_ci_run(void);
/* Fills defaults; asserts that the lease is longer than the heartbeat. */
void pk_locker_init(struct pk_locker *locker, const struct pk_locker_vtable *vtable,
                    const struct pk_lock_settings *settings);

#endif
