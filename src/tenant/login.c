/* login.c - tenants' logins, and whether they still hold. */
#include "tenant/internal.h"

#include "base/clock.h"
#include "base/fs.h"
#include "base/log.h"
#include "tenant/password.h"
#include "tenant/yaml_doc.h"
#include "yaml/yaml.h"
#include "json/json.h"

#include <stdlib.h>
#include <string.h>

#define SESSION_S ((int64_t)7 * 24 * 3600)

static bool is_active(const json_t *entry) {
    return pk_streq(pk_json_str(entry, "status", "active"), "active");
}

/* The copy that offline commands use (`validate`, `graph`). */
static bool cache_config(struct pk_store *store, const char *tenant, struct pk_error **err) {
    struct pk_buf text PK_CLEANUP(pk_buf_release) = PK_BUF_INIT(0);
    char *key PK_CLEANUP(pk_freep) = pk_key_tenant_config(tenant);
    char *etag PK_CLEANUP(pk_freep) = NULL;
    char *path PK_CLEANUP(pk_freep) = NULL;
    if (!pk_tenant_cache_path(tenant, &path, err) ||
        !store->vtable->get(store, key, PK_YAML_MAX_FILE, &text, &etag, err))
        return false;
    if (!etag)
        return pk_remove_file(path, err); /* an old copy must not live on */
    char *dir PK_CLEANUP(pk_freep) = pk_path_dir(path);
    return pk_mkdir_p(dir, 0700, err) && pk_write_file(path, text.ptr, text.len, 0600, err);
}

static bool start_session(const struct pk_registry *r, const json_t *entry, const char *tenant,
                          const char *bucket, const char *region, const char *lock_table,
                          struct pk_error **err) {
    struct pk_arena *arena PK_CLEANUP(pk_arena_freep) = pk_arena_new();
    int64_t now = pk_wall_ms(NULL) / 1000;
    const char *table = lock_table ? lock_table : pk_json_str(r->doc, "config.lockTable", NULL);
    struct pk_session s = {
        .tenant = (char *)(uintptr_t)tenant,
        .bucket = (char *)(uintptr_t)bucket,
        .region = (char *)(uintptr_t)region,
        .lock_table = (char *)(uintptr_t)table,
        .account_id = (char *)(uintptr_t)pk_yaml_doc_str(arena, entry, "aws.accountId"),
        .started_at = now,
        .expires_at = now + SESSION_S,
        .rotations = pk_json_int(entry, "credentials.rotations", 0),
    };
    return pk_session_save(false, &s, err);
}

bool pk_tenant_login(struct pk_store *store, const char *tenant, const char *secret,
                     const char *bucket, const char *region, const char *lock_table,
                     struct pk_error **err) {
    struct pk_registry r PK_CLEANUP(pk_registry_release) = {0};
    if (!pk_registry_load(store, &r, err))
        return false;
    const json_t *entry = pk_registry_find(&r, tenant);
    bool good = pk_password_check(pk_json_str(entry, "credentials.hash", NULL), secret);
    /* one message and one price for unknown, wrong and suspended: nobody learns who exists */
    if (!entry || !good || !is_active(entry))
        return pk_fail(err, PK_E_LOGIN,
                       "the tenant is unknown or suspended, or the secret is "
                       "wrong") ||
               pk_error_hint(err, "a platform admin can tell, and make a new secret");
    return cache_config(store, tenant, err) &&
           start_session(&r, entry, tenant, bucket, region, lock_table, err);
}

bool pk_tenant_check_session(struct pk_store *store, const struct pk_session *session,
                             struct pk_error **err) {
    struct pk_registry r PK_CLEANUP(pk_registry_release) = {0};
    if (!pk_registry_load(store, &r, err))
        return pk_wrap(err, "cannot check the session");
    const json_t *entry = pk_registry_find(&r, session->tenant);
    if (!entry || !is_active(entry))
        return pk_fail(err, PK_E_LOGIN, "tenant %s is not active", session->tenant) ||
               pk_error_hint(err, "ask a platform admin");
    /* a new secret ends the sessions that began with the old one */
    if (pk_json_int(entry, "credentials.rotations", 0) != session->rotations)
        return pk_fail(err, PK_E_LOGIN, "the secret of tenant %s was changed since you logged in",
                       session->tenant) ||
               pk_error_hint(err, "panka login --tenant %s", session->tenant);
    return true;
}
