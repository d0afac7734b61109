/*
 * store.h - objects of the platform (states, histories, registry) behind one interface, and the
 * states on top of it.
 *
 * Layer 6. Implementations: state_s3.c (the organisation's bucket), state_local.c (.panka/). A
 * store may be used from any thread. Keys are built only by the functions of keys.h from validated
 * parts.
 */
#ifndef PK_STORE_STORE_H
#define PK_STORE_STORE_H

#include "base/error.h"
#include "base/str.h"
#include "base/vec.h"
#include "state/state.h"

struct pk_aws;
struct pk_store;

struct pk_store_vtable {
    /* The object's bytes and version tag (malloc'ed). A confirmed "no such key" is success with
     * *ret_etag = NULL; everything else that is no answer is an error (NEVER-EMPTY). `ret` is
     * initialised by the callee. */
    bool (*get)(struct pk_store *store, const char *key, size_t max, struct pk_buf *ret,
                char **ret_etag, struct pk_error **err);
    /* if_match: version tag that must be current; NULL with create_only: must not exist; NULL
     * without: unconditional. A failed condition is STATE_CONFLICT. ret_etag (malloc'ed) may be
     * NULL. */
    bool (*put)(struct pk_store *store, const char *key, const void *data, size_t len,
                const char *if_match, bool create_only, char **ret_etag, struct pk_error **err);
    bool (*list)(struct pk_store *store, const char *prefix, size_t max, struct pk_vec *ret_keys,
                 struct pk_error **err);
    bool (*remove)(struct pk_store *store, const char *key, struct pk_error **err);
    char *(*describe)(struct pk_store *store,
                      const char *key); /* "s3://bucket/key" or a path; malloc'ed */
    void (*free)(struct pk_store *store);
};

struct pk_store {
    const struct pk_store_vtable *vtable;
};

/* The bucket must exist; prefix (may be "") is put before every key. aws is borrowed. */
PK_NODISCARD bool pk_store_s3_new(struct pk_aws *aws, const char *bucket, const char *region,
                                  const char *prefix, struct pk_store **ret, struct pk_error **err);
/* Files under dir (".panka"), created 0700; conditions are held by a lock file. */
PK_NODISCARD bool pk_store_local_new(const char *dir, struct pk_store **ret, struct pk_error **err);
void pk_store_free(struct pk_store *store); /* NULL is fine */
void pk_store_freep(struct pk_store **store);
/* A conditional put with SELF: when the condition failed or no answer came, the object is read
 * back, and holding exactly these bytes counts as success. The bytes must be unlike any earlier
 * ones. */
PK_NODISCARD bool pk_store_put_own(struct pk_store *store, const char *key, const void *data,
                                   size_t len, const char *if_match, bool create_only,
                                   char **ret_etag, struct pk_error **err);

/* --- states
 * -------------------------------------------------------------------------------------------------
 */
/* Which state: tenant NULL = single-tenant mode. */
struct pk_state_id {
    const char *tenant, *stack, *environment;
};
/* Object keys; malloc'ed; every part is validated again and asserted. */
char *pk_key_state(const struct pk_state_id *id);
char *pk_key_state_dir(const struct pk_state_id *id); /* ends with "/" */
char *pk_key_network_state(const char *tenant);
char *pk_key_tenant_config(const char *tenant);
bool pk_key_tenant_ok(const char *tenant); /* false: no name of a tenant, must not reach a key */
#define PK_KEY_REGISTRY "tenants.yaml"
char *pk_key_stacks(const char *tenant); /* prefix of all stacks, ends with "/" */
char *pk_lock_key(const struct pk_state_id *id);
char *pk_lock_key_network(const char *tenant);

/* Reads a state; absent: *ret = NULL, success. ret_etag malloc'ed or NULL. */
PK_NODISCARD bool pk_state_load(struct pk_store *store, const char *key, struct pk_state **ret,
                                char **ret_etag, struct pk_error **err);

/* --- the writer of one run: CLAIM, fenced writes, history, SPILL
 * -------------------------------------------------- */
struct pk_lock;
struct pk_journal;
struct pk_state_writer;
/*
 * CLAIM: writes `state` (as loaded, or new with etag NULL) with lock's id, serial + 1 and a fresh
 * writeId under If-Match. The old body was copied to history/ before. On success *ret owns the
 * conditional chain.
 */
PK_NODISCARD bool pk_state_writer_open(struct pk_store *store, const char *key, const char *etag,
                                       struct pk_state *state, struct pk_lock *lock,
                                       struct pk_state_writer **ret, struct pk_error **err);
struct pk_journal *
pk_state_writer_journal(struct pk_state_writer *writer); /* for the engine; owned by the writer */
/* Copies what was written last to history/<time>-<serial>-<writeId>.json. */
PK_NODISCARD bool pk_state_writer_history(struct pk_state_writer *writer, struct pk_error **err);
void pk_state_writer_free(struct pk_state_writer *writer);
/* SPILL: errored.state.json in the current folder (0600, whole or absent); standard output when
 * even that fails. *ret_path malloc'ed or NULL when it went to standard output. */
PK_NODISCARD bool pk_state_spill(const struct pk_state *state, char **ret_path,
                                 struct pk_error **err);

#endif
