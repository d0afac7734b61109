/*
 * internal.h - what the files of tenant/ share.
 *
 * Layer 7. Internal to tenant/.
 */
#ifndef PK_TENANT_INTERNAL_H
#define PK_TENANT_INTERNAL_H

#include "tenant/tenant.h"

/* --- session.c */
/* ~/.panka; an error when it exists and others can write to it. It need not exist. */
PK_NODISCARD bool pk_private_dir(char **ret, struct pk_error **err);
PK_NODISCARD bool pk_session_save(bool admin, const struct pk_session *session,
                                  struct pk_error **err);

/* --- registry.c */
/* tenants.yaml as it was read. */
struct pk_registry {
    json_t *doc;
    char *etag;
    char *what; /* "s3://…/tenants.yaml" */
};
/* An absent registry is an error: it is only ever made by pk_registry_create (NEVER-EMPTY). */
PK_NODISCARD bool pk_registry_load(struct pk_store *store, struct pk_registry *ret,
                                   struct pk_error **err);
void pk_registry_release(struct pk_registry *registry);
/* An empty registry, unless there is one: *ret_new tells. */
PK_NODISCARD bool pk_registry_create(struct pk_store *store, const char *bucket, const char *region,
                                     const char *lock_table, bool *ret_new, struct pk_error **err);
json_t *pk_registry_find(const struct pk_registry *registry, const char *tenant); /* borrowed */
/*
 * Reads the registry, lets `change` edit it, writes it under the version that was read; when
 * somebody else was faster, all over again. change returns false with *err to stop.
 */
PK_NODISCARD bool pk_registry_change(struct pk_store *store,
                                     bool (*change)(void *ctx, struct pk_registry *registry,
                                                    struct pk_error **err),
                                     void *ctx, struct pk_error **err);

/* --- config.c */
/* "2026-11-20T12:00:00Z" of now. */
void pk_tenant_now(char ret[static 21]);
/* ~/.panka/tenants/<id>.yaml; an error when the name is none. */
PK_NODISCARD bool pk_tenant_cache_path(const char *tenant, char **ret, struct pk_error **err);
/* The document of earlier versions (tenant, storage, locks, config), and its TenantConfig; entry:
 * the tenant's row in the registry, or NULL. New reference. */
bool pk_tenant_doc_is_old(const json_t *doc);
json_t *pk_tenant_doc_upgrade(const json_t *old, const json_t *entry);

#endif
