/* state_local.c - the store of one machine: files below .panka/, conditions under a lock file. */
#include "store/store.h"

#include "base/hash.h"
#include "base/mem.h"
#include "store/internal.h"
#include "store/local.h"

#include <stdlib.h>
#include <string.h>

struct local_store {
    struct pk_store base;
    char *dir;
};

static struct local_store *of(struct pk_store *store) {
    return (struct local_store *)store;
}

static char *tag_of(const void *data, size_t len) {
    char hex[PK_SHA256_HEX_SIZE];
    pk_sha256_hex(data, len, hex);
    return pk_strdup(hex);
}

static bool local_get(struct pk_store *store, const char *key, size_t max, struct pk_buf *ret,
                      char **ret_etag, struct pk_error **err) {
    bool found = false;
    pk_assert(pk_key_ok(key));
    if (!pk_local_read(of(store)->dir, key, max, ret, &found, err))
        return false;
    *ret_etag = found ? tag_of(ret->ptr ? ret->ptr : "", ret->len) : NULL;
    return true;
}

static bool conflict(struct pk_store *store, const char *key, const char *what,
                     struct pk_error **err) {
    char *path PK_CLEANUP(pk_freep) = store->vtable->describe(store, key);
    return pk_fail(err, PK_E_STATE_CONFLICT, "%s %s", path, what);
}

/* The lock file is held: nobody changes the object between the look and the write. */
static bool condition_holds(struct pk_store *store, const char *key, const char *if_match,
                            bool create_only, struct pk_error **err) {
    if (!if_match && !create_only)
        return true;
    struct pk_buf old PK_CLEANUP(pk_buf_release) = PK_BUF_INIT(0);
    char *tag PK_CLEANUP(pk_freep) = NULL;
    if (!local_get(store, key, PK_STATE_MAX_SIZE, &old, &tag, err))
        return false;
    if (create_only && tag)
        return conflict(store, key, "exists already", err);
    if (if_match && !pk_streq(tag, if_match))
        return conflict(store, key, "was changed by somebody else", err);
    return true;
}

static bool local_put(struct pk_store *store, const char *key, const void *data, size_t len,
                      const char *if_match, bool create_only, char **ret_etag,
                      struct pk_error **err) {
    int lock PK_CLEANUP(pk_local_unlock) = -1;
    pk_assert(pk_key_ok(key));
    if (!pk_local_lock(of(store)->dir, &lock, err) ||
        !condition_holds(store, key, if_match, create_only, err) ||
        !pk_local_write(of(store)->dir, key, data, len, err))
        return false;
    if (ret_etag)
        *ret_etag = tag_of(data, len);
    return true;
}

static bool local_list(struct pk_store *store, const char *prefix, size_t max,
                       struct pk_vec *ret_keys, struct pk_error **err) {
    return pk_local_list(of(store)->dir, prefix, max, ret_keys, err);
}

static bool local_remove(struct pk_store *store, const char *key, struct pk_error **err) {
    int lock PK_CLEANUP(pk_local_unlock) = -1;
    pk_assert(pk_key_ok(key));
    return pk_local_lock(of(store)->dir, &lock, err) && pk_local_remove(of(store)->dir, key, err);
}

static char *local_describe(struct pk_store *store, const char *key) {
    return pk_asprintf("%s/%s", of(store)->dir, key);
}

static void local_free(struct pk_store *store) {
    free(of(store)->dir);
    free(store);
}

bool pk_store_local_new(const char *dir, struct pk_store **ret, struct pk_error **err) {
    static const struct pk_store_vtable vtable = {
        local_get, local_put, local_list, local_remove, local_describe, local_free,
    };
    if (!dir || !*dir)
        return pk_fail(err, PK_E_CONFIG, "the local backend has no folder");
    struct local_store *s = pk_calloc(1, sizeof(*s));
    s->base.vtable = &vtable;
    s->dir = pk_strdup(dir);
    *ret = &s->base;
    return true;
}
