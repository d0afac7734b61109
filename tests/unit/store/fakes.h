/*
 * fakes.h - a store and a backend of locks in memory, with scripted failures, and a clock to turn.
 *
 * Used by the tests of store/ and tenant/; static functions, one copy per program.
 */
#ifndef PK_TEST_STORE_FAKES_H
#define PK_TEST_STORE_FAKES_H

#include "base/mem.h"
#include "base/vec.h"
#include "store/locker.h"
#include "store/store.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* --- a store */

enum fault {
    FAULT_NONE,
    FAULT_CUT_BEFORE, /* the network fails, nothing was executed */
    FAULT_CUT_AFTER,  /* executed, the reply is lost */
    FAULT_DENIED,     /* 403 */
};

struct mem_object {
    struct pk_buf data;
    int version;
};

struct mem_store {
    struct pk_store base;
    struct pk_map *objects;
    int versions;
    enum fault puts[16], gets[16]; /* one per call, in order */
    size_t n_put, n_get;           /* calls so far */
    /* called before a put is executed, to play somebody else */
    void (*before_put)(struct mem_store *store, const char *key);
};

static bool mem_fault(enum fault fault, const char *what, struct pk_error **err) {
    if (fault == FAULT_DENIED) {
        pk_fail(err, PK_E_ACCESS_DENIED, "%s: denied", what);
        if (err)
            (*err)->aws.http_status = 403;
        return false;
    }
    pk_fail(err, PK_E_NETWORK, "%s: connection reset", what);
    if (err)
        (*err)->aws.sent = fault == FAULT_CUT_AFTER;
    return false;
}

static bool mem_get(struct pk_store *store, const char *key, size_t max, struct pk_buf *ret,
                    char **ret_etag, struct pk_error **err) {
    struct mem_store *m = (struct mem_store *)store;
    enum fault fault = m->n_get < PK_ARRAY_LEN(m->gets) ? m->gets[m->n_get] : FAULT_NONE;
    m->n_get++;
    pk_buf_init(ret, max);
    if (fault != FAULT_NONE)
        return mem_fault(fault, key, err);
    const struct mem_object *o = pk_map_get(m->objects, key);
    if (!o) {
        *ret_etag = NULL;
        return true;
    }
    pk_buf_add(ret, o->data.ptr, o->data.len);
    if (ret->overflow) {
        pk_buf_release(ret);
        return pk_fail(err, PK_E_BAD_RESPONSE, "%s is too large", key);
    }
    *ret_etag = pk_asprintf("\"v%d\"", o->version);
    return true;
}

static void mem_set(struct mem_store *m, const char *key, const void *data, size_t len) {
    struct mem_object *o = pk_map_get(m->objects, key);
    if (!o) {
        o = pk_calloc(1, sizeof(*o));
        pk_buf_init(&o->data, PK_BUF_MAX_DEFAULT);
        pk_map_set(m->objects, key, o);
    }
    pk_buf_reset(&o->data);
    pk_buf_add(&o->data, data, len);
    o->version = ++m->versions;
}

static bool mem_put(struct pk_store *store, const char *key, const void *data, size_t len,
                    const char *if_match, bool create_only, char **ret_etag,
                    struct pk_error **err) {
    struct mem_store *m = (struct mem_store *)store;
    enum fault fault = m->n_put < PK_ARRAY_LEN(m->puts) ? m->puts[m->n_put] : FAULT_NONE;
    m->n_put++;
    if (m->before_put)
        m->before_put(m, key);
    if (fault == FAULT_CUT_BEFORE || fault == FAULT_DENIED)
        return mem_fault(fault, key, err);
    const struct mem_object *o = pk_map_get(m->objects, key);
    char *tag PK_CLEANUP(pk_freep) = o ? pk_asprintf("\"v%d\"", o->version) : NULL;
    if ((create_only && o) || (if_match && !pk_streq(tag, if_match)))
        return fault == FAULT_CUT_AFTER
                   ? mem_fault(fault, key, err)
                   : pk_fail(err, PK_E_STATE_CONFLICT, "%s: precondition failed", key);
    mem_set(m, key, data, len);
    if (fault == FAULT_CUT_AFTER)
        return mem_fault(fault, key, err);
    if (ret_etag)
        *ret_etag = pk_asprintf("\"v%d\"", m->versions);
    return true;
}

static int mem_compare(const void *a, const void *b) {
    return strcmp(a, b);
}

static bool mem_list(struct pk_store *store, const char *prefix, size_t max,
                     struct pk_vec *ret_keys, struct pk_error **err) {
    struct mem_store *m = (struct mem_store *)store;
    struct pk_vec keys = PK_VEC_INIT;
    size_t cursor = 0;
    const char *key;
    (void)max;
    (void)err;
    while (pk_map_next(m->objects, &cursor, &key, NULL))
        if (pk_starts_with(key, prefix))
            pk_vec_push(&keys, pk_strdup(key));
    pk_vec_sort(&keys, mem_compare);
    *ret_keys = keys;
    return true;
}

static void mem_drop(struct mem_object *o) {
    if (o)
        pk_buf_release(&o->data);
    free(o);
}

static bool mem_remove(struct pk_store *store, const char *key, struct pk_error **err) {
    (void)err;
    mem_drop(pk_map_remove(((struct mem_store *)store)->objects, key));
    return true;
}

static char *mem_describe(struct pk_store *store, const char *key) {
    (void)store;
    return pk_asprintf("mem://%s", key);
}

static void mem_free(struct pk_store *store) {
    struct mem_store *m = (struct mem_store *)store;
    size_t cursor = 0;
    void *value;
    while (pk_map_next(m->objects, &cursor, NULL, &value))
        mem_drop(value);
    pk_map_free(m->objects);
    free(m);
}

PK_UNUSED static struct mem_store *mem_store_new(void) {
    static const struct pk_store_vtable vtable = {mem_get,    mem_put,      mem_list,
                                                  mem_remove, mem_describe, mem_free};
    struct mem_store *m = pk_calloc(1, sizeof(*m));
    m->base.vtable = &vtable;
    m->objects = pk_map_new();
    return m;
}

/* The text of an object; NULL when there is none. */
PK_UNUSED static const char *mem_text(struct mem_store *m, const char *key) {
    const struct mem_object *o = pk_map_get(m->objects, key);
    return o ? pk_buf_cstr(&o->data) : NULL;
}

/* --- a clock */

static _Atomic int64_t fake_now_ms = 1000000000000;

static int64_t fake_time(void *ctx) {
    (void)ctx;
    return atomic_load(&fake_now_ms);
}

PK_UNUSED static void fake_sleep(void *ctx, int64_t ms) {
    (void)ctx;
    atomic_fetch_add(&fake_now_ms, ms);
}

PK_UNUSED static const struct pk_clock fake_clock = {fake_time, fake_time, fake_time, NULL};

/* --- locks */

struct mem_lock {
    bool held;
    char key[100], id[40], by[40];
    int64_t rvn, lease_s, heartbeat, locked_at;
};

struct mem_locker {
    struct pk_locker base;
    pthread_mutex_t mutex;
    struct mem_lock lock; /* one key is enough */
    enum fault creates[32], renews[32], removes[32];
    size_t n_create, n_renew, n_remove;
    int n_renewed;
    bool server_says_dead; /* the rule by the server's date */
};

static enum fault mem_next(const enum fault *script, size_t *at) {
    enum fault fault = *at < 32 ? script[*at] : FAULT_NONE;
    (*at)++;
    return fault;
}

static bool mem_lock_create(struct pk_locker *locker, const struct pk_lock_item *item,
                            const struct pk_lock_info *dead, bool *ret_done,
                            struct pk_error **err) {
    struct mem_locker *m = (struct mem_locker *)locker;
    pthread_mutex_lock(&m->mutex);
    enum fault fault = mem_next(m->creates, &m->n_create);
    bool may =
        dead ? m->lock.held && strcmp(m->lock.id, dead->lock_id) == 0 && m->lock.rvn == dead->rvn
             : !m->lock.held;
    if (fault != FAULT_CUT_BEFORE && fault != FAULT_DENIED && may) {
        m->lock.held = true;
        snprintf(m->lock.key, sizeof(m->lock.key), "%s", item->key);
        snprintf(m->lock.id, sizeof(m->lock.id), "%s", item->lock_id);
        snprintf(m->lock.by, sizeof(m->lock.by), "%s", item->locked_by);
        m->lock.rvn = item->rvn;
        m->lock.lease_s = item->lease_s;
        m->lock.heartbeat = item->last_heartbeat;
        m->lock.locked_at = item->locked_at;
    }
    pthread_mutex_unlock(&m->mutex);
    if (fault != FAULT_NONE)
        return mem_fault(fault, "create", err);
    *ret_done = may;
    return true;
}

static bool mem_lock_read(struct pk_locker *locker, const char *key, struct pk_lock_info *ret,
                          bool *ret_found, struct pk_error **err) {
    struct mem_locker *m = (struct mem_locker *)locker;
    (void)err;
    pthread_mutex_lock(&m->mutex);
    *ret_found = m->lock.held;
    if (m->lock.held) {
        memset(ret, 0, sizeof(*ret));
        ret->key = pk_strdup(key);
        ret->lock_id = pk_strdup(m->lock.id);
        ret->locked_by = pk_strdup(m->lock.by);
        ret->hostname = pk_strdup("build-7");
        ret->operation = pk_strdup("apply");
        ret->ci_run = pk_strdup("run 99");
        ret->rvn = m->lock.rvn;
        ret->lease_s = m->lock.lease_s;
        ret->locked_at = m->lock.locked_at;
        ret->last_heartbeat = m->lock.heartbeat;
        ret->dead = m->server_says_dead;
    }
    pthread_mutex_unlock(&m->mutex);
    return true;
}

static bool mem_lock_renew(struct pk_locker *locker, const struct pk_lock_item *item,
                           const struct pk_cancel *cancel, bool *ret_ours, struct pk_error **err) {
    struct mem_locker *m = (struct mem_locker *)locker;
    (void)cancel;
    pthread_mutex_lock(&m->mutex);
    enum fault fault = mem_next(m->renews, &m->n_renew);
    bool ours = m->lock.held && strcmp(m->lock.id, item->lock_id) == 0;
    if (ours && fault != FAULT_CUT_BEFORE) {
        m->lock.rvn = item->rvn;
        m->lock.heartbeat = item->last_heartbeat;
        m->n_renewed++;
    }
    pthread_mutex_unlock(&m->mutex);
    if (fault != FAULT_NONE)
        return mem_fault(fault, "renew", err);
    *ret_ours = ours;
    return true;
}

static bool mem_lock_remove(struct pk_locker *locker, const char *key, const char *lock_id,
                            bool *ret_removed, struct pk_error **err) {
    struct mem_locker *m = (struct mem_locker *)locker;
    (void)key;
    pthread_mutex_lock(&m->mutex);
    enum fault fault = mem_next(m->removes, &m->n_remove);
    bool ours = m->lock.held && strcmp(m->lock.id, lock_id) == 0;
    if (ours && fault != FAULT_CUT_BEFORE)
        m->lock.held = false;
    pthread_mutex_unlock(&m->mutex);
    if (fault != FAULT_NONE)
        return mem_fault(fault, "remove", err);
    *ret_removed = ours;
    return true;
}

static int64_t mem_lock_now(struct pk_locker *locker) {
    return pk_wall_ms(locker->settings.clock) / 1000;
}

static void mem_lock_free(struct pk_locker *locker) {
    struct mem_locker *m = (struct mem_locker *)locker;
    pthread_mutex_destroy(&m->mutex);
    free(m);
}

PK_UNUSED static struct mem_locker *mem_locker_new(const struct pk_lock_settings *settings) {
    static const struct pk_locker_vtable vtable = {mem_lock_create, mem_lock_read, mem_lock_renew,
                                                   mem_lock_remove, mem_lock_now,  mem_lock_free};
    struct mem_locker *m = pk_calloc(1, sizeof(*m));
    pk_locker_init(&m->base, &vtable, settings);
    pthread_mutex_init(&m->mutex, NULL);
    return m;
}

/* Somebody else's lock. */
PK_UNUSED static void mem_hold(struct mem_locker *m, const char *id, int64_t rvn) {
    pthread_mutex_lock(&m->mutex);
    m->lock.held = true;
    snprintf(m->lock.id, sizeof(m->lock.id), "%s", id);
    snprintf(m->lock.by, sizeof(m->lock.by), "dana");
    m->lock.rvn = rvn;
    m->lock.lease_s = 120;
    m->lock.locked_at = m->lock.heartbeat = mem_lock_now(&m->base);
    pthread_mutex_unlock(&m->mutex);
}

#endif
