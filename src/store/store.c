/* store.c - what all stores share. */
#include "store/store.h"

#include "base/mem.h"
#include "store/internal.h"

#include <stdlib.h>
#include <string.h>

void pk_store_free(struct pk_store *store) {
    if (store)
        store->vtable->free(store);
}

void pk_store_freep(struct pk_store **store) {
    pk_store_free(*store);
}

bool pk_store_retryable(const struct pk_error *error) {
    return error->code == PK_E_NETWORK || error->code == PK_E_TIMEOUT || error->aws.retryable ||
           error->aws.throttled || error->aws.http_status >= 500;
}

bool pk_store_unsure(const struct pk_error *error) {
    return pk_store_retryable(error) || error->code == PK_E_BAD_RESPONSE ||
           (error->aws.sent && error->aws.http_status == 0);
}

bool pk_store_put_own(struct pk_store *store, const char *key, const void *data, size_t len,
                      const char *if_match, bool create_only, char **ret_etag,
                      struct pk_error **err) {
    struct pk_error *why PK_CLEANUP(pk_error_freep) = NULL;
    if (store->vtable->put(store, key, data, len, if_match, create_only, ret_etag, &why))
        return true;
    /* SELF: a failed condition, or no answer at all, after the first attempt had succeeded */
    if (why->code == PK_E_STATE_CONFLICT || pk_store_unsure(why)) {
        struct pk_buf now PK_CLEANUP(pk_buf_release) = PK_BUF_INIT(0);
        char *etag PK_CLEANUP(pk_freep) = NULL;
        if (store->vtable->get(store, key, len + 1, &now, &etag, NULL) && etag && now.len == len &&
            memcmp(now.ptr ? now.ptr : "", data, len) == 0) {
            if (ret_etag)
                *ret_etag = pk_steal(&etag);
            return true;
        }
    }
    if (err)
        *err = pk_steal(&why);
    return false;
}

bool pk_state_load(struct pk_store *store, const char *key, struct pk_state **ret, char **ret_etag,
                   struct pk_error **err) {
    struct pk_buf text PK_CLEANUP(pk_buf_release) = PK_BUF_INIT(0);
    char *etag PK_CLEANUP(pk_freep) = NULL;
    char *what PK_CLEANUP(pk_freep) = store->vtable->describe(store, key);
    struct pk_state *state = NULL;
    if (!store->vtable->get(store, key, PK_STATE_MAX_SIZE, &text, &etag, err))
        return false;
    /* NEVER-EMPTY: only a confirmed absence is a new stack; an empty or broken object is not */
    if (etag && !pk_state_parse(pk_buf_cstr(&text), text.len, what, &state, err))
        return false;
    *ret = state;
    if (ret_etag)
        *ret_etag = pk_steal(&etag);
    return true;
}
