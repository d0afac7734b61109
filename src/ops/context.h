/*
 * context.h - everything a command works with: settings, who is logged in, the AWS clients, the
 * backend, the tenant.
 *
 * Layer 8. Opened once per command, used from the coordinator thread. Nothing is contacted before
 * it is needed: pk_context_open reads files only; the functions below connect on first use.
 */
#ifndef PK_OPS_CONTEXT_H
#define PK_OPS_CONTEXT_H

#include "aws/aws.h"
#include "base/cancel.h"
#include "config/settings.h"
#include "engine/provider.h"
#include "model/project.h"
#include "store/lock.h"
#include "store/store.h"
#include "tenant/tenant.h"

struct pk_context_options {
    struct pk_settings_source settings; /* flags, --config */
    const char *tenant_config_path;     /* --tenant-config */
    const char *stack_dir; /* folder whose .panka/ holds a local backend; NULL = current folder */
    bool use_session;      /* false: admin and set-up commands */
    struct pk_cancel *cancel;
    bool (*mfa_prompt)(void *ctx, const char *mfa_serial, char **ret_code);
    void *mfa_ctx;
    /* Wired by cli/: the provider of resources, and what planning must know of their types. */
    bool (*make_provider)(struct pk_aws *aws, const char *account_id, struct pk_provider **ret,
                          struct pk_error **err);
    struct pk_traits_source traits;
};

struct pk_context {
    struct pk_arena *arena;
    struct pk_settings *settings;
    struct pk_session session;
    bool logged_in;     /* a tenant session is valid */
    const char *tenant; /* tenant mode: its name; NULL in single-tenant mode */
    const char *bucket, *backend_region,
        *lock_table; /* of flags, session, settings; bucket NULL = none configured */
    bool local;      /* local backend */
    char *local_dir;
    struct pk_cancel *cancel;
    /* made on first use */
    struct pk_aws *platform_aws; /* the caller's own credentials: bucket, table */
    struct pk_aws *target_aws;   /* where resources live: the tenant's role when there is one */
    struct pk_store *store;
    struct pk_locker *locker;
    struct pk_tenant_config *tenant_config;
    bool tenant_config_read;
    char *account_id;
    char *caller_arn;
    struct pk_project
        *kept_project; /* findings that are still to be shown point into its sources */
    struct pk_context_options options;
};

PK_NODISCARD bool pk_context_open(const struct pk_context_options *options, struct pk_diags *diags,
                                  struct pk_context **ret, struct pk_error **err);
void pk_context_close(struct pk_context *context); /* NULL is fine */
void pk_context_closep(struct pk_context **context);

/* True when a backend is configured (bucket, session, or backend.type: local). */
bool pk_context_has_backend(const struct pk_context *context);
PK_NODISCARD bool pk_context_platform(struct pk_context *context, struct pk_aws **ret,
                                      struct pk_error **err);
/* Borrowed; errors say how to configure a backend. */
PK_NODISCARD bool pk_context_store(struct pk_context *context, struct pk_store **ret,
                                   struct pk_error **err);
PK_NODISCARD bool pk_context_locker(struct pk_context *context, struct pk_locker **ret,
                                    struct pk_error **err);
/* The tenant's configuration: --tenant-config, tenant.yaml beside the stack, with online the one in
 * the bucket, else the copy cached at login; *ret NULL when there is none. Findings in diags. */
PK_NODISCARD bool pk_context_tenant(struct pk_context *context, const char *stack_dir, bool online,
                                    struct pk_diags *diags, struct pk_tenant_config **ret,
                                    struct pk_error **err);
/* The client for the stack's account and region: assumes the tenant's role when it has one, and
 * checks the account against the tenant's and the stack's before anything can be changed. */
PK_NODISCARD bool pk_context_target(struct pk_context *context, const char *region,
                                    const char *expected_account, struct pk_aws **ret,
                                    struct pk_error **err);
/* Who runs this, for locks and history: CI run, else STS identity when known, else user@host;
 * malloc'ed. */
char *pk_context_actor(const struct pk_context *context);

#endif
