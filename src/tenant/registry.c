/* registry.c - tenants.yaml: who the tenants are. */
#include "tenant/internal.h"

#include "base/clock.h"
#include "base/hash.h"
#include "tenant/password.h"
#include "tenant/yaml_doc.h"
#include "yaml/yaml.h"
#include "json/json.h"

#include <stdlib.h>
#include <string.h>

#define CHANGE_ATTEMPTS 10

void pk_tenant_now(char ret[static 21]) {
    pk_time_iso8601(pk_wall_ms(NULL) / 1000, ret);
}

void pk_registry_release(struct pk_registry *registry) {
    json_decref(registry->doc);
    free(registry->etag);
    free(registry->what);
    memset(registry, 0, sizeof(*registry));
}

static bool broken(const struct pk_registry *r, const char *problem, struct pk_error **err) {
    return pk_fail(err, PK_E_STATE_INVALID, "%s: %s", r->what, problem);
}

static bool check(const struct pk_registry *r, struct pk_error **err) {
    const json_t *tenants = json_object_get(r->doc, "tenants");
    if (!pk_streq(pk_json_str(r->doc, "version", NULL), "v1"))
        return broken(r, "`version: v1` is expected", err);
    if (tenants && !json_is_null(tenants) && !json_is_array(tenants))
        return broken(r, "`tenants` is no list", err);
    for (size_t i = 0; i < json_array_size(tenants); i++) {
        const char *id = pk_json_str(json_array_get(tenants, i), "id", "");
        if (!pk_key_tenant_ok(id))
            return broken(r, "a tenant has no valid `id`", err);
        for (size_t k = 0; k < i; k++)
            if (strcmp(id, pk_json_str(json_array_get(tenants, k), "id", "")) == 0)
                return pk_fail(err, PK_E_STATE_INVALID, "%s: tenant %s is there twice", r->what,
                               id);
    }
    return true;
}

bool pk_registry_load(struct pk_store *store, struct pk_registry *ret, struct pk_error **err) {
    struct pk_buf text PK_CLEANUP(pk_buf_release) = PK_BUF_INIT(0);
    struct pk_registry r = {.what = store->vtable->describe(store, PK_KEY_REGISTRY)};
    bool ok = store->vtable->get(store, PK_KEY_REGISTRY, PK_YAML_MAX_FILE, &text, &r.etag, err);
    if (ok && !r.etag)
        ok = pk_fail(err, PK_E_NOT_FOUND, "%s does not exist: this backend has no tenants",
                     r.what) ||
             pk_error_hint(err, "a platform admin sets it up once: panka admin init");
    ok = ok && pk_yaml_doc_parse(pk_buf_cstr(&text), text.len, r.what, &r.doc, err) &&
         check(&r, err);
    if (!ok) {
        pk_registry_release(&r);
        return false;
    }
    *ret = r;
    return true;
}

bool pk_registry_create(struct pk_store *store, const char *bucket, const char *region,
                        const char *lock_table, bool *ret_new, struct pk_error **err) {
    char now[21];
    pk_tenant_now(now);
    json_t *doc PK_CLEANUP(json_decrefp) = json_object();
    pk_json_put_str(doc, "version", "v1");
    pk_json_put_str(doc, "metadata.created", now);
    pk_json_put_str(doc, "metadata.updated", now);
    pk_json_put_str(doc, "metadata.bucket", bucket);
    pk_json_put_str(doc, "metadata.region", region);
    pk_json_put_str(doc, "config.lockTable", lock_table);
    pk_json_put_str(doc, "config.defaultVersion", "v1");
    json_object_set_new(doc, "tenants", json_array());
    char *text PK_CLEANUP(pk_freep) = NULL;
    struct pk_error *why PK_CLEANUP(pk_error_freep) = NULL;
    if (!pk_yaml_doc_text(doc, PK_KEY_REGISTRY, &text, err))
        return false;
    *ret_new = pk_store_put_own(store, PK_KEY_REGISTRY, text, strlen(text), NULL, true, NULL, &why);
    if (*ret_new)
        return true;
    /* NEVER-EMPTY: an existing registry stays, but it must be one */
    if (why->code == PK_E_STATE_CONFLICT) {
        struct pk_registry old;
        if (!pk_registry_load(store, &old, err))
            return false;
        pk_registry_release(&old);
        return true;
    }
    if (err)
        *err = pk_steal(&why);
    return false;
}

json_t *pk_registry_find(const struct pk_registry *registry, const char *tenant) {
    const json_t *tenants = json_object_get(registry->doc, "tenants");
    for (size_t i = 0; i < json_array_size(tenants); i++) {
        json_t *entry = json_array_get(tenants, i);
        if (pk_streq(pk_json_str(entry, "id", NULL), tenant))
            return entry;
    }
    return NULL;
}

bool pk_registry_change(struct pk_store *store,
                        bool (*change)(void *ctx, struct pk_registry *registry,
                                       struct pk_error **err),
                        void *ctx, struct pk_error **err) {
    for (int i = 0;; i++) {
        struct pk_registry r PK_CLEANUP(pk_registry_release) = {0};
        struct pk_error *why PK_CLEANUP(pk_error_freep) = NULL;
        char *text PK_CLEANUP(pk_freep) = NULL;
        char now[21];
        if (!pk_registry_load(store, &r, err) || !change(ctx, &r, err))
            return false;
        pk_tenant_now(now);
        pk_json_put_str(r.doc, "metadata.updated", now);
        if (!pk_yaml_doc_text(r.doc, r.what, &text, err))
            return false;
        if (pk_store_put_own(store, PK_KEY_REGISTRY, text, strlen(text), r.etag, false, NULL, &why))
            return true;
        if (why->code != PK_E_STATE_CONFLICT || i + 1 == CHANGE_ATTEMPTS) {
            if (err)
                *err = pk_steal(&why);
            return false;
        }
        pk_sleep_ms(20 + pk_random_below(100u << (i < 4 ? i : 4)));
    }
}

/* --- listing */

static char *text_at(struct pk_arena *arena, const json_t *entry, const char *path) {
    const char *text = pk_yaml_doc_str(arena, entry, path);
    return text ? pk_strdup(text) : NULL;
}

static void read_entry(const json_t *e, struct pk_tenant_entry *ret) {
    struct pk_arena *arena PK_CLEANUP(pk_arena_freep) = pk_arena_new();
    *ret = (struct pk_tenant_entry){
        .id = text_at(arena, e, "id"),
        .display_name = text_at(arena, e, "displayName"),
        .email = text_at(arena, e, "email"),
        .status = pk_strdup(pk_json_str(e, "status", "active")),
        .created = text_at(arena, e, "created"),
        .updated = text_at(arena, e, "updated"),
        .account_id = text_at(arena, e, "aws.accountId"),
        .region = text_at(arena, e, "aws.region"),
        .max_stacks = pk_json_int(e, "limits.maxStacks", -1),
        .max_services = pk_json_int(e, "limits.maxServices", -1),
        .monthly_cost_limit = pk_json_int(e, "limits.monthlyCostLimit", -1),
        .rotations = pk_json_int(e, "credentials.rotations", 0),
    };
}

bool pk_tenants_list(struct pk_store *store, struct pk_tenant_entry **ret, size_t *ret_n,
                     struct pk_error **err) {
    struct pk_registry r = {0};
    if (!pk_registry_load(store, &r, err))
        return false;
    const json_t *tenants = json_object_get(r.doc, "tenants");
    size_t n = json_array_size(tenants);
    struct pk_tenant_entry *entries = pk_calloc(n + 1, sizeof(*entries));
    for (size_t i = 0; i < n; i++)
        read_entry(json_array_get(tenants, i), &entries[i]);
    pk_registry_release(&r);
    *ret = entries;
    *ret_n = n;
    return true;
}

void pk_tenants_release(struct pk_tenant_entry *entries, size_t n) {
    for (size_t i = 0; entries && i < n; i++) {
        char *texts[] = {entries[i].id,         entries[i].display_name, entries[i].email,
                         entries[i].status,     entries[i].created,      entries[i].updated,
                         entries[i].account_id, entries[i].region};
        for (size_t k = 0; k < PK_ARRAY_LEN(texts); k++)
            free(texts[k]);
    }
    free(entries);
}
