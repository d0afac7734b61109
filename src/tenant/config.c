/* config.c - tenant.yaml in the backend and its copy on this machine. */
#include "tenant/internal.h"

#include "base/clock.h"
#include "base/fs.h"
#include "base/hash.h"
#include "tenant/yaml_doc.h"
#include "yaml/yaml.h"
#include "json/json.h"

#include <stdlib.h>
#include <string.h>

#define CHANGE_ATTEMPTS 10

bool pk_tenant_doc_is_old(const json_t *doc) {
    return json_is_object(json_object_get(doc, "tenant")) && !json_object_get(doc, "kind");
}

static void move(json_t *to, const char *path, const json_t *from, const char *from_path) {
    json_t *value = pk_json_at(from, from_path);
    if (value)
        pk_json_put(to, path, json_deep_copy(value));
}

json_t *pk_tenant_doc_upgrade(const json_t *old, const json_t *entry) {
    json_t *doc = json_object();
    pk_json_put_str(doc, "apiVersion", "admin.panka.io/v1");
    pk_json_put_str(doc, "kind", "TenantConfig");
    move(doc, "metadata.name", old, "tenant.id");
    move(doc, "metadata.createdAt", old, "tenant.created");
    move(doc, "spec.aws.accountId", entry, "aws.accountId");
    move(doc, "spec.aws.region", entry, "aws.region");
    move(doc, "spec.aws.accountId", old, "aws.accountId");
    move(doc, "spec.aws.region", old, "aws.region");
    move(doc, "spec.environments", old, "config.environments");
    move(doc, "spec.regions", old, "config.regions");
    move(doc, "spec.policies", old, "config.policies");
    move(doc, "status", old, "status");
    return doc;
}

/* The document of a file in the older shape, completed from the registry. */
static bool upgrade(struct pk_store *store, const char *tenant, json_t **doc,
                    struct pk_error **err) {
    struct pk_registry r PK_CLEANUP(pk_registry_release) = {0};
    if (!pk_tenant_doc_is_old(*doc))
        return true;
    if (!pk_registry_load(store, &r, err))
        return false;
    json_t *upgraded = pk_tenant_doc_upgrade(*doc, pk_registry_find(&r, tenant));
    json_decref(*doc);
    *doc = upgraded;
    return true;
}

/* Text of a source in the arena. */
static struct pk_source *source_of(struct pk_arena *arena, const char *path, const char *text,
                                   size_t len) {
    struct pk_source *s = pk_arena_alloc(arena, sizeof(*s));
    char *copy = pk_arena_alloc(arena, len + 1);
    if (len > 0)
        memcpy(copy, text, len);
    *s = (struct pk_source){pk_arena_strdup(arena, path), copy, len};
    return s;
}

/* An older file is parsed in its new form; every other one as it is, so that findings have places.
 */
static bool modern_source(struct pk_store *store, const char *tenant, const char *what,
                          const struct pk_buf *text, struct pk_arena *arena, struct pk_source **ret,
                          struct pk_error **err) {
    json_t *doc = NULL;
    *ret = source_of(arena, what, pk_buf_cstr(text), text->len);
    if (!pk_yaml_doc_parse(pk_buf_cstr(text), text->len, what, &doc, NULL))
        return true; /* the parser of documents reports it with its place */
    bool ok = true;
    if (pk_tenant_doc_is_old(doc)) {
        char *upgraded PK_CLEANUP(pk_freep) = NULL;
        ok = upgrade(store, tenant, &doc, err) && pk_yaml_doc_text(doc, what, &upgraded, err);
        if (ok)
            *ret = source_of(arena, what, upgraded, strlen(upgraded));
    }
    json_decref(doc);
    return ok;
}

static struct pk_tenant_config *parse(struct pk_arena *arena, const struct pk_source *source,
                                      const char *tenant, struct pk_diags *diags) {
    struct pk_tenant_config *t = pk_tenant_config_parse(arena, source, pk_kinds(), diags);
    if (!t || pk_streq(t->name, tenant))
        return t;
    pk_diag(diags, PK_SEVERITY_ERROR, "doc.mismatch", (struct pk_span){source, 1, 1, 1, 1},
            "this is the configuration of tenant %s, not of %s", t->name, tenant);
    return NULL;
}

bool pk_tenant_config_load(struct pk_store *store, const char *tenant, struct pk_arena *arena,
                           struct pk_diags *diags, struct pk_tenant_config **ret, char **ret_etag,
                           struct pk_error **err) {
    struct pk_buf text PK_CLEANUP(pk_buf_release) = PK_BUF_INIT(0);
    char *key PK_CLEANUP(pk_freep) = pk_key_tenant_config(tenant);
    char *what PK_CLEANUP(pk_freep) = store->vtable->describe(store, key);
    char *etag PK_CLEANUP(pk_freep) = NULL;
    struct pk_source *source = NULL;
    if (!store->vtable->get(store, key, PK_YAML_MAX_FILE, &text, &etag, err))
        return false;
    if (etag && !modern_source(store, tenant, what, &text, arena, &source, err))
        return false;
    *ret = source ? parse(arena, source, tenant, diags) : NULL;
    if (ret_etag)
        *ret_etag = pk_steal(&etag);
    return true;
}

/* One attempt: read, set, write under the version that was read. */
static bool put_status(struct pk_store *store, const char *tenant, const json_t *networking,
                       struct pk_error **err) {
    struct pk_buf text PK_CLEANUP(pk_buf_release) = PK_BUF_INIT(0);
    char *key PK_CLEANUP(pk_freep) = pk_key_tenant_config(tenant);
    char *what PK_CLEANUP(pk_freep) = store->vtable->describe(store, key);
    char *etag PK_CLEANUP(pk_freep) = NULL;
    char *changed PK_CLEANUP(pk_freep) = NULL;
    json_t *doc = NULL;
    if (!store->vtable->get(store, key, PK_YAML_MAX_FILE, &text, &etag, err))
        return false;
    if (!etag)
        return pk_fail(err, PK_E_NOT_FOUND, "%s does not exist", what);
    if (!pk_yaml_doc_parse(pk_buf_cstr(&text), text.len, what, &doc, err))
        return false;
    bool ok = upgrade(store, tenant, &doc, err);
    if (ok && pk_json_equal(pk_json_at(doc, "status.networking"), networking)) {
        json_decref(doc);
        return true;
    }
    if (ok)
        pk_json_put(doc, "status.networking", json_deep_copy(networking));
    ok = ok && pk_yaml_doc_text(doc, what, &changed, err) &&
         pk_store_put_own(store, key, changed, strlen(changed), etag, false, NULL, err);
    json_decref(doc);
    return ok;
}

bool pk_tenant_save_status(struct pk_store *store, const char *tenant, const json_t *networking,
                           struct pk_error **err) {
    for (int i = 0;; i++) {
        struct pk_error *why PK_CLEANUP(pk_error_freep) = NULL;
        if (put_status(store, tenant, networking, &why))
            return true;
        if (why->code != PK_E_STATE_CONFLICT || i + 1 == CHANGE_ATTEMPTS) {
            if (err)
                *err = pk_steal(&why);
            return false;
        }
        pk_sleep_ms(20 + pk_random_below(200));
    }
}

bool pk_tenant_cache_path(const char *tenant, char **ret, struct pk_error **err) {
    char *dir PK_CLEANUP(pk_freep) = NULL;
    if (!pk_key_tenant_ok(tenant))
        return pk_fail(err, PK_E_CONFIG, "\"%s\" is no name of a tenant", tenant);
    if (!pk_private_dir(&dir, err))
        return false;
    *ret = pk_asprintf("%s/tenants/%s.yaml", dir, tenant);
    return true;
}

bool pk_tenant_config_cached(const char *tenant, struct pk_arena *arena, struct pk_diags *diags,
                             struct pk_tenant_config **ret, struct pk_error **err) {
    char *path PK_CLEANUP(pk_freep) = NULL;
    struct pk_buf text PK_CLEANUP(pk_buf_release) = PK_BUF_INIT(0);
    struct pk_error *why PK_CLEANUP(pk_error_freep) = NULL;
    *ret = NULL;
    if (!pk_tenant_cache_path(tenant, &path, err))
        return false;
    if (!pk_read_private(path, PK_YAML_MAX_FILE, &text, &why)) {
        if (why->code == PK_E_NOT_FOUND)
            return true;
        if (err)
            *err = pk_steal(&why);
        return pk_error_hint(err, "log in again: panka login --tenant %s", tenant);
    }
    json_t *doc = NULL;
    bool old = pk_yaml_doc_parse(pk_buf_cstr(&text), text.len, path, &doc, NULL) &&
               pk_tenant_doc_is_old(doc);
    json_decref(doc);
    if (!old) /* the older shape has no network and no limits to check against */
        *ret = parse(arena, source_of(arena, path, pk_buf_cstr(&text), text.len), tenant, diags);
    return true;
}
