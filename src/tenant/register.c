/* register.c - new tenants, new secrets, suspension. */
#include "tenant/internal.h"

#include "tenant/password.h"
#include "tenant/yaml_doc.h"
#include "yaml/yaml.h"
#include "json/json.h"

#include <stdlib.h>
#include <string.h>

#define SECRET_PREFIX "pnka"
#define RACES 5

/* --- the entry in the registry */

struct adding {
    const struct pk_tenant_init *init;
    const char *hash;
    const json_t *config; /* tenant.yaml */
};

static json_t *new_entry(const struct adding *a) {
    const struct pk_tenant_init *i = a->init;
    char now[21];
    pk_tenant_now(now);
    json_t *e = json_object();
    pk_json_put_str(e, "id", i->name);
    pk_json_put_str(e, "displayName", i->display_name ? i->display_name : i->name);
    pk_json_put_str(e, "email", i->email);
    pk_json_put_str(e, "status", "active");
    pk_json_put_str(e, "created", now);
    pk_json_put_str(e, "updated", now);
    pk_json_put_str(e, "credentials.hash", a->hash);
    pk_json_put_str(e, "credentials.algorithm", "bcrypt");
    pk_json_put_int(e, "credentials.rotations", 0);
    pk_json_put(e, "credentials.lastRotated", json_null());
    pk_json_put(e, "storage.prefix", pk_json_textf("tenants/%s", i->name));
    pk_json_put_str(e, "storage.version", "v1");
    pk_json_put(e, "storage.path", pk_json_textf("tenants/%s/v1", i->name));
    pk_json_put(e, "locks.prefix", pk_json_textf("tenant:%s", i->name));
    pk_json_put_str(e, "aws.accountId", pk_json_str(a->config, "spec.aws.accountId", NULL));
    pk_json_put_str(e, "aws.region", pk_json_str(a->config, "spec.aws.region", NULL));
    return e;
}

static bool exists(const char *tenant, struct pk_error **err) {
    return pk_fail(err, PK_E_REFUSED, "tenant %s exists already", tenant) ||
           pk_error_hint(err, "panka admin tenant show %s", tenant);
}

static bool add_entry(void *ctx, struct pk_registry *r, struct pk_error **err) {
    const struct adding *a = ctx;
    const json_t *old = pk_registry_find(r, a->init->name);
    /* SELF: the entry of an earlier attempt of this very call */
    if (old && pk_streq(pk_json_str(old, "credentials.hash", NULL), a->hash))
        return true;
    if (old)
        return exists(a->init->name, err);
    json_t *tenants = json_object_get(r->doc, "tenants");
    if (!json_is_array(tenants)) {
        tenants = json_array();
        json_object_set_new(r->doc, "tenants", tenants);
    }
    json_array_append_new(tenants, new_entry(a));
    return true;
}

/* --- tenant.yaml */

/* Puts the file over whatever a dead run has left, unless somebody else is writing it now. */
static bool put_config(struct pk_store *store, const char *key, const char *yaml, char **ret_etag,
                       struct pk_error **err) {
    struct pk_buf old PK_CLEANUP(pk_buf_release) = PK_BUF_INIT(0);
    char *etag PK_CLEANUP(pk_freep) = NULL;
    return store->vtable->get(store, key, PK_YAML_MAX_FILE, &old, &etag, err) &&
           pk_store_put_own(store, key, yaml, strlen(yaml), etag, etag == NULL, ret_etag, err);
}

/*
 * The registry entry is what makes a tenant, so it comes last: a run that dies before leaves only a
 * file that the next one overwrites. Two runs for one name may both have written the file before
 * one of them won the registry: the winner makes sure that the file is its own.
 */
static bool settle_config(struct pk_store *store, const char *key, const char *yaml,
                          const char *etag, struct pk_error **err) {
    for (int i = 0;; i++) {
        struct pk_buf now PK_CLEANUP(pk_buf_release) = PK_BUF_INIT(0);
        char *tag PK_CLEANUP(pk_freep) = NULL;
        struct pk_error *why PK_CLEANUP(pk_error_freep) = NULL;
        if (!store->vtable->get(store, key, PK_YAML_MAX_FILE, &now, &tag, err))
            return false;
        if (pk_streq(tag, etag) || (tag && pk_str_eqz(pk_str_n(pk_buf_cstr(&now), now.len), yaml)))
            return true;
        if (pk_store_put_own(store, key, yaml, strlen(yaml), tag, tag == NULL, NULL, &why))
            return true;
        if (why->code != PK_E_STATE_CONFLICT || i == RACES) {
            if (err)
                *err = pk_steal(&why);
            return false;
        }
    }
}

static bool check_free(struct pk_store *store, const char *tenant, struct pk_error **err) {
    struct pk_registry r PK_CLEANUP(pk_registry_release) = {0};
    if (!pk_registry_load(store, &r, err))
        return false;
    return !pk_registry_find(&r, tenant) || exists(tenant, err);
}

bool pk_tenant_register(struct pk_store *store, const struct pk_tenant_init *init, const char *yaml,
                        char **ret_secret, struct pk_error **err) {
    char *secret PK_CLEANUP(pk_secret_freep) = pk_password_make(SECRET_PREFIX);
    char *hash PK_CLEANUP(pk_secret_freep) = NULL;
    char *etag PK_CLEANUP(pk_freep) = NULL;
    if (!pk_key_tenant_ok(init->name))
        return pk_fail(err, PK_E_CONFIG, "\"%s\" is no name of a tenant", init->name) ||
               pk_error_hint(err, "lower-case letters, digits and single '-', at most 32");
    char *key PK_CLEANUP(pk_freep) = pk_key_tenant_config(init->name);
    json_t *config PK_CLEANUP(json_decrefp) = NULL;
    if (!pk_yaml_doc_parse(yaml, strlen(yaml), "tenant.yaml", &config, err) ||
        !check_free(store, init->name, err) || !pk_password_hash(secret, &hash, err) ||
        !put_config(store, key, yaml, &etag, err))
        return false;
    struct adding a = {init, hash, config};
    if (!pk_registry_change(store, add_entry, &a, err) ||
        !settle_config(store, key, yaml, etag, err))
        return false;
    *ret_secret = pk_steal(&secret);
    return true;
}

/* --- changes of an entry */

struct editing {
    const char *tenant, *status, *hash;
};

static bool edit_entry(void *ctx, struct pk_registry *r, struct pk_error **err) {
    const struct editing *e = ctx;
    json_t *entry = pk_registry_find(r, e->tenant);
    char now[21];
    pk_tenant_now(now);
    if (!entry)
        return pk_fail(err, PK_E_NOT_FOUND, "there is no tenant %s", e->tenant) ||
               pk_error_hint(err, "`panka admin tenant list` shows them");
    if (e->status)
        pk_json_put_str(entry, "status", e->status);
    if (e->hash && !pk_streq(pk_json_str(entry, "credentials.hash", NULL), e->hash)) {
        pk_json_put_str(entry, "credentials.hash", e->hash);
        pk_json_put_str(entry, "credentials.algorithm", "bcrypt");
        pk_json_put_int(entry, "credentials.rotations",
                        pk_json_int(entry, "credentials.rotations", 0) + 1);
        pk_json_put_str(entry, "credentials.lastRotated", now);
    }
    pk_json_put_str(entry, "updated", now);
    return true;
}

bool pk_tenant_set_status(struct pk_store *store, const char *tenant, const char *status,
                          struct pk_error **err) {
    struct editing e = {.tenant = tenant, .status = status};
    if (!pk_streq(status, "active") && !pk_streq(status, "suspended"))
        return pk_fail(err, PK_E_CONFIG, "a tenant is active or suspended, not %s", status);
    return pk_registry_change(store, edit_entry, &e, err);
}

bool pk_tenant_rotate(struct pk_store *store, const char *tenant, char **ret_secret,
                      struct pk_error **err) {
    char *secret PK_CLEANUP(pk_secret_freep) = pk_password_make(SECRET_PREFIX);
    char *hash PK_CLEANUP(pk_secret_freep) = NULL;
    if (!pk_password_hash(secret, &hash, err))
        return false;
    struct editing e = {.tenant = tenant, .hash = hash};
    if (!pk_registry_change(store, edit_entry, &e, err))
        return false;
    *ret_secret = pk_steal(&secret);
    return true;
}
