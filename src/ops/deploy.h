/*
 * deploy.h - plan, apply, destroy: the composition of loading, expanding, planning, locking and
 * running.
 *
 * Layer 8. A deployment is prepared once, shown by ui/, then run (or not), then closed.
 */
#ifndef PK_OPS_DEPLOY_H
#define PK_OPS_DEPLOY_H

#include "engine/engine.h"
#include "ops/context.h"

struct pk_deploy_options {
    struct pk_load_options
        load; /* path, environment, vars; the tenant and kinds are filled in here */
    struct pk_plan_options plan;
    const char *const *components; /* -c: component names or addresses */
    size_t n_components;
    const char *const *redeploy;
    size_t n_redeploy;
    const char *plan_file;    /* apply PLANFILE */
    bool refresh, no_refresh; /* neither: the tenant's policy decides (tenant mode: on) */
    bool rehearse;            /* in-memory provider, nothing is touched or saved */
    bool lock;                /* apply, destroy */
    bool offline;             /* plan on a local backend without --refresh */
    bool destroy;
    bool unprotect; /* plans nothing but switching protection off: the first half of destroy
                       --disable-protection */
    int64_t lock_wait_ms;
    const char *approved_by;
    const char *operation; /* "plan", "apply", "destroy" */
    void (*on_lock_wait)(void *ctx, const struct pk_lock_info *holder, int64_t waited_ms,
                         bool taken);
    void (*on_phase)(void *ctx, const char *text); /* "reading 23 resources" …; may be NULL */
    void *ctx;
};

struct pk_deployment {
    struct pk_arena *arena;
    struct pk_context *context; /* borrowed */
    struct pk_deploy_options options;
    struct pk_project *project; /* NULL when a plan file or a tenant's network is run */
    const struct pk_tenant_config *network_of; /* the tenant whose network this is, or NULL */
    const char *stack, *environment, *region, *tenant;
    char account_id[32];
    struct pk_graph *graph;
    struct pk_state *state; /* as loaded (a new one when there was none) */
    bool state_is_new;
    char *state_key, *etag;
    struct pk_plan_file file; /* apply PLANFILE */
    bool from_file;
    struct pk_map *live;
    struct pk_plan *plan; /* NULL when findings prevented planning */
    struct pk_provider *provider;
    struct pk_aws *aws; /* borrowed; NULL offline */
    struct pk_lock *lock;
    char deployment_id[40];
    char inputs_sha256[65];
    int64_t prepared_ms; /* time spent in loading, expanding and planning, without AWS */
};

/*
 * Loads the stack, takes the lock when asked, reads the state, expands, looks up secrets,
 * refreshes, plans. True with *ret set even when diags holds errors: then the deployment may be
 * shown but not run. False: the error ended it before a plan.
 */
PK_NODISCARD bool pk_deploy_prepare(struct pk_context *context,
                                    const struct pk_deploy_options *options, struct pk_diags *diags,
                                    struct pk_deployment **ret, struct pk_error **err);

struct pk_deploy_run {
    unsigned parallelism;
    int64_t timeout_ms;
    bool waves;
    pk_event_fn *on_event;
    void *event_ctx;
};
struct pk_deploy_report {
    struct pk_engine_result engine;
    char *spilled_to; /* path, when the state could not be written */
    bool spilled_stdout;
    struct pk_error *save_warning; /* history or deployment record could not be written */
    int exit_status;
};
/* CLAIM, run, save, history, deployment record. True when everything succeeded. */
PK_NODISCARD bool pk_deploy_execute(struct pk_deployment *deployment,
                                    const struct pk_deploy_run *run, struct pk_deploy_report *ret,
                                    struct pk_error **err);
void pk_deploy_report_release(struct pk_deploy_report *report);
/* Releases the lock (a failure is returned as a warning text, malloc'ed, or NULL) and frees
 * everything. */
char *pk_deploy_close(struct pk_deployment *deployment);

/* plan --out: writes the plan file. */
PK_NODISCARD bool pk_deploy_save_plan(const struct pk_deployment *deployment, const char *path,
                                      struct pk_error **err);

/*
 * The same for a tenant's network under its own lock and state. The caller executes and closes it
 * like any other, and then copies d->state->networking to tenant.yaml with pk_tenant_save_status.
 */
PK_NODISCARD bool pk_deploy_prepare_network(struct pk_context *context,
                                            const struct pk_tenant_config *tenant,
                                            const struct pk_deploy_options *options,
                                            struct pk_diags *diags, struct pk_deployment **ret,
                                            struct pk_error **err);

#endif
