/*
 * tenant.h - the platform side: registry of tenants, their credentials, sessions, and their
 * network.
 *
 * Layer 7. docs/security.md says what protects what.
 */
#ifndef PK_TENANT_TENANT_H
#define PK_TENANT_TENANT_H

#include "component/kind.h"
#include "store/lock.h"
#include "store/store.h"

struct pk_aws;

/* --- backend (bucket and table)
 * ---------------------------------------------------------------------------------- */
enum pk_backend_step { PK_BACKEND_CREATED, PK_BACKEND_UPDATED, PK_BACKEND_UNCHANGED };
struct pk_backend_request {
    const char *bucket, *table, *region;
    void (*on_step)(void *ctx, const char *what,
                    enum pk_backend_step step); /* "bucket acme-panka-state: versioning" */
    void *ctx;
};
/* Creates or brings into shape: versioning, encryption, public access block, TLS-only policy,
 * 90-day old-version lifecycle; table with TTL and point-in-time recovery. Idempotent. A bucket of
 * another account is an error. */
PK_NODISCARD bool pk_backend_create(struct pk_aws *aws, const struct pk_backend_request *request,
                                    struct pk_error **err);

/* --- admin
 * --------------------------------------------------------------------------------------------------------
 */
/* Makes /panka/admin-credentials in Secrets Manager and an empty registry; never replaces either.
 * *ret_password malloc'ed secret: shown once by the caller. */
PK_NODISCARD bool pk_admin_init(struct pk_aws *aws, struct pk_store *store, const char *username,
                                const char *bucket, const char *region, const char *lock_table,
                                char **ret_password, struct pk_error **err);
/* Checks the password and starts an admin session (8 h) in ~/.panka/admin-session. */
PK_NODISCARD bool pk_admin_login(struct pk_aws *aws, const char *username, const char *password,
                                 const char *bucket, const char *region, const char *lock_table,
                                 struct pk_error **err);

/* --- sessions
 * -------------------------------------------------------------------------------------------------------
 */
struct pk_session { /* strings malloc'ed; no secrets inside */
    char *tenant;   /* NULL in an admin session */
    char *user, *bucket, *region, *lock_table, *account_id;
    int64_t started_at, expires_at; /* Unix seconds */
    int64_t rotations;              /* of the tenant's secret when the session began */
};
/* Absent or expired: *ret_found false (expired: *ret_why tells). A file with wrong owner or mode is
 * an error. */
PK_NODISCARD bool pk_session_load(bool admin, struct pk_session *ret, bool *ret_found,
                                  const char **ret_why, struct pk_error **err);
PK_NODISCARD bool pk_session_end(bool admin, bool *ret_was, struct pk_error **err);
void pk_session_release(struct pk_session *session);
/* Tenant login: verifies against tenants.yaml, caches tenant.yaml under ~/.panka/tenants/, starts a
 * 7-day session. Unknown tenant, wrong secret and suspended give one message and take the same
 * time. */
PK_NODISCARD bool pk_tenant_login(struct pk_store *store, const char *tenant, const char *secret,
                                  const char *bucket, const char *region, const char *lock_table,
                                  struct pk_error **err);
/* Still active and not rotated since? Called at each lock acquire. */
PK_NODISCARD bool pk_tenant_check_session(struct pk_store *store, const struct pk_session *session,
                                          struct pk_error **err);

/* --- tenants
 * -------------------------------------------------------------------------------------------------------
 */
struct pk_tenant_entry { /* one row of tenants.yaml */
    char *id, *display_name, *email, *status, *created, *updated, *account_id, *region;
    int64_t max_stacks, max_services, monthly_cost_limit; /* -1 = not set */
    int64_t rotations;
};
PK_NODISCARD bool pk_tenants_list(struct pk_store *store, struct pk_tenant_entry **ret,
                                  size_t *ret_n, struct pk_error **err);
void pk_tenants_release(struct pk_tenant_entry *entries, size_t n);

/* Suspended tenants cannot log in, and their sessions end at the next lock. status: "active" or
 * "suspended". */
PK_NODISCARD bool pk_tenant_set_status(struct pk_store *store, const char *tenant,
                                       const char *status, struct pk_error **err);
/* A new secret (malloc'ed, shown once); sessions begun with the old one end. */
PK_NODISCARD bool pk_tenant_rotate(struct pk_store *store, const char *tenant, char **ret_secret,
                                   struct pk_error **err);

struct pk_tenant_init {
    const char *name, *display_name, *email, *account_id, *region, *vpc_cidr, *config_path,
        *created_by, *assume_role_arn;
    const char *const *azs; /* availability zones to use (already looked up) */
    size_t n_azs;
    bool nat_gateway, nat_gateway_set;
    const char *bucket, *lock_table;
};
/* Builds the TenantConfig (from flags, or from --config merged with flags), validates it (findings
 * in diags, with their places as text), and returns its YAML. Flags win, except that the region of
 * the file stays: the flag's may be a default. Zones of other regions are passed over. */
PK_NODISCARD bool pk_tenant_build_config(const struct pk_tenant_init *init, struct pk_diags *diags,
                                         char **ret_yaml, struct pk_error **err);
/* Registers the tenant (conditional write of tenants.yaml), writes tenant.yaml, returns the
 * generated secret (malloc'ed). Fails when the tenant exists; a run that died before the registry
 * entry leaves nothing that blocks the next. */
PK_NODISCARD bool pk_tenant_register(struct pk_store *store, const struct pk_tenant_init *init,
                                     const char *yaml, char **ret_secret, struct pk_error **err);
/* tenant.yaml parsed (arena-owned). *ret NULL when there is none. */
PK_NODISCARD bool pk_tenant_config_load(struct pk_store *store, const char *tenant,
                                        struct pk_arena *arena, struct pk_diags *diags,
                                        struct pk_tenant_config **ret, char **ret_etag,
                                        struct pk_error **err);
/* Copies the ids of the network into tenant.yaml `status.networking`. */
PK_NODISCARD bool pk_tenant_save_status(struct pk_store *store, const char *tenant,
                                        const json_t *networking, struct pk_error **err);
/* The copy cached at login; *ret NULL when there is none. */
PK_NODISCARD bool pk_tenant_config_cached(const char *tenant, struct pk_arena *arena,
                                          struct pk_diags *diags, struct pk_tenant_config **ret,
                                          struct pk_error **err);
/* The graph of the tenant's network; graph->networking is the block of ids as
 * tokens. */
struct pk_graph *pk_network_expand(const struct pk_tenant_config *tenant,
                                   const struct pk_state *state, const char *region,
                                   const char *account_id, struct pk_diags *diags);
/* The same with generations (key -> unsigned*) that override the state's, as pk_expand_env has
 * them: for replacements that need another name. */
struct pk_graph *pk_network_expand_with(const struct pk_tenant_config *tenant,
                                        const struct pk_state *state,
                                        const struct pk_map *generations, const char *region,
                                        const char *account_id, struct pk_diags *diags);
/* IAM policy document that confines the tenant's own role to its part of bucket and table (JSON,
 * malloc'ed). */
char *pk_tenant_iam_policy(const char *tenant, const char *bucket, const char *lock_table,
                           const char *region, const char *account_id);

#endif
