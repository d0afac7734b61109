#include "ops/context.h"

#include "base/fs.h"
#include "component/kind.h"
#include "json/json.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* Decides between tenant mode and single-tenant mode, and where the backend is. */
static bool choose_backend(struct pk_context *c, struct pk_error **err) {
    const char *type = pk_setting(c->settings, PK_SET_BACKEND_TYPE);
    const char *asked_tenant = pk_setting(c->settings, PK_SET_TENANT);
    if (c->options.use_session) {
        const char *why = NULL;
        if (!pk_session_load(false, &c->session, &c->logged_in, &why, err))
            return false;
        if (!c->logged_in && asked_tenant && why)
            return pk_fail(err, PK_E_LOGIN, "%s", why);
    }
    if (c->logged_in && asked_tenant && !pk_streq(asked_tenant, c->session.tenant))
        return pk_fail(err, PK_E_LOGIN, "you are logged in to tenant %s, not %s", c->session.tenant,
                       asked_tenant) ||
               pk_error_hint(err, "panka login --tenant %s", asked_tenant);
    if (c->logged_in)
        c->tenant = c->session.tenant;
    c->bucket = pk_setting(c->settings, PK_SET_BACKEND_BUCKET);
    if (!c->bucket && c->logged_in)
        c->bucket = c->session.bucket;
    c->backend_region = pk_setting(c->settings, PK_SET_BACKEND_REGION);
    if (!c->backend_region && c->logged_in)
        c->backend_region = c->session.region;
    if (!c->backend_region)
        c->backend_region = pk_setting(c->settings, PK_SET_REGION);
    c->lock_table = c->logged_in ? c->session.lock_table : NULL;
    if (!c->lock_table || !pk_streq(pk_setting_origin(c->settings, PK_SET_LOCK_TABLE), "default"))
        c->lock_table = pk_setting(c->settings, PK_SET_LOCK_TABLE);
    c->local = pk_streq(type, "local");
    if (c->local && c->tenant)
        return pk_fail(err, PK_E_CONFIG,
                       "backend.type is local (%s), but you are logged in to tenant %s",
                       pk_setting_origin(c->settings, PK_SET_BACKEND_TYPE), c->tenant) ||
               pk_error_hint(err, "run `panka logout`, or remove backend.type");
    return true;
}

bool pk_context_open(const struct pk_context_options *options, struct pk_diags *diags,
                     struct pk_context **ret, struct pk_error **err) {
    struct pk_context *c PK_CLEANUP(pk_context_closep) = pk_calloc(1, sizeof(*c));
    c->arena = pk_arena_new();
    c->options = *options;
    c->cancel = options->cancel;
    if (!pk_settings_load(&options->settings, diags, &c->settings, err))
        return false;
    if (pk_diags_has_errors(diags))
        return pk_diags_fail(diags, err);
    if (!choose_backend(c, err))
        return false;
    c->local_dir =
        options->stack_dir ? pk_path_join(options->stack_dir, ".panka") : pk_strdup(".panka");
    *ret = pk_steal(&c);
    return true;
}

void pk_context_close(struct pk_context *c) {
    if (!c)
        return;
    pk_locker_free(c->locker);
    pk_store_free(c->store);
    if (c->target_aws != c->platform_aws)
        pk_aws_free(c->target_aws);
    pk_aws_free(c->platform_aws);
    pk_project_free(c->kept_project);
    pk_session_release(&c->session);
    pk_settings_free(c->settings);
    free(c->local_dir);
    free(c->account_id);
    free(c->caller_arn);
    pk_arena_free(c->arena);
    free(c);
}

void pk_context_closep(struct pk_context **context) {
    pk_context_close(*context);
}

bool pk_context_has_backend(const struct pk_context *c) {
    return c->local || c->bucket;
}

static bool no_backend(struct pk_error **err) {
    return pk_fail(err, PK_E_CONFIG,
                   "no backend is configured: panka does not know where state is kept") ||
           pk_error_hint(err, "team members: `panka login`\n"
                              "single-tenant: `panka init`, or --backend-bucket BUCKET\n"
                              "one machine only: PANKA_BACKEND=local keeps state in .panka/");
}

bool pk_context_platform(struct pk_context *c, struct pk_aws **ret, struct pk_error **err) {
    if (!c->platform_aws) {
        const char *region = pk_setting(c->settings, PK_SET_REGION);
        struct pk_aws_config config = {
            .region = region ? region : c->backend_region,
            .profile = pk_setting(c->settings, PK_SET_PROFILE),
            .endpoint_url = pk_setting(c->settings, PK_SET_ENDPOINT_URL),
            .mfa_prompt = c->options.mfa_prompt,
            .mfa_ctx = c->options.mfa_ctx,
        };
        if (!pk_aws_new(&config, &c->platform_aws, err))
            return false;
    }
    *ret = c->platform_aws;
    return true;
}

bool pk_context_store(struct pk_context *c, struct pk_store **ret, struct pk_error **err) {
    if (!c->store) {
        if (!pk_context_has_backend(c))
            return no_backend(err);
        if (c->local) {
            if (!pk_store_local_new(c->local_dir, &c->store, err))
                return false;
        } else {
            struct pk_aws *aws = NULL;
            const char *prefix = c->tenant ? "" : pk_setting(c->settings, PK_SET_BACKEND_PREFIX);
            if (!pk_context_platform(c, &aws, err) ||
                !pk_store_s3_new(aws, c->bucket, c->backend_region, prefix ? prefix : "", &c->store,
                                 err))
                return false;
        }
    }
    *ret = c->store;
    return true;
}

bool pk_context_locker(struct pk_context *c, struct pk_locker **ret, struct pk_error **err) {
    if (!c->locker) {
        if (!pk_context_has_backend(c))
            return no_backend(err);
        struct pk_lock_settings settings = {
            .heartbeat_s = pk_setting_int(c->settings, PK_SET_LOCK_HEARTBEAT),
            .lease_s = pk_setting_int(c->settings, PK_SET_LOCK_LEASE),
            .ttl_s = pk_setting_int(c->settings, PK_SET_LOCK_TTL),
        };
        if (c->local) {
            if (!pk_locker_local_new(c->local_dir, &settings, &c->locker, err))
                return false;
        } else {
            struct pk_aws *aws = NULL;
            if (!pk_context_platform(c, &aws, err) ||
                !pk_locker_dynamodb_new(aws, c->lock_table, c->backend_region, &settings,
                                        &c->locker, err))
                return false;
        }
    }
    *ret = c->locker;
    return true;
}

/* tenant.yaml named by a flag or lying beside the stack, or at the root of its repository. */
static const char *local_tenant_file(struct pk_context *c, const char *stack_dir) {
    if (c->options.tenant_config_path)
        return c->options.tenant_config_path;
    char *dir PK_CLEANUP(pk_freep) = stack_dir ? pk_strdup(stack_dir) : NULL;
    while (dir && *dir) {
        char *path PK_CLEANUP(pk_freep) = pk_path_join(dir, "tenant.yaml");
        if (pk_path_exists(path))
            return pk_arena_strdup(c->arena, path);
        char *git PK_CLEANUP(pk_freep) = pk_path_join(dir, ".git");
        if (pk_path_exists(git) || pk_streq(dir, "/"))
            return NULL;
        char *up = pk_path_dir(dir);
        free(dir);
        dir = up;
    }
    return NULL;
}

bool pk_context_tenant(struct pk_context *c, const char *stack_dir, bool online,
                       struct pk_diags *diags, struct pk_tenant_config **ret,
                       struct pk_error **err) {
    if (!c->tenant_config_read) {
        const char *path = local_tenant_file(c, stack_dir);
        if (path && !(online && c->tenant && !c->options.tenant_config_path)) {
            struct pk_source *source =
                pk_source_read(c->arena, path, path, (struct pk_span){0}, diags);
            if (source)
                c->tenant_config = pk_tenant_config_parse(c->arena, source, pk_kinds(), diags);
        } else if (c->tenant && online) {
            struct pk_store *store = NULL;
            if (!pk_context_store(c, &store, err) ||
                !pk_tenant_config_load(store, c->tenant, c->arena, diags, &c->tenant_config, NULL,
                                       err))
                return false;
            if (!c->tenant_config && !pk_diags_has_errors(diags))
                return pk_fail(err, PK_E_NOT_FOUND, "tenant %s has no tenant.yaml in the backend",
                               c->tenant) ||
                       pk_error_hint(err, "a platform admin repairs it: panka admin tenant show %s",
                                     c->tenant);
        } else if (c->tenant) {
            if (!pk_tenant_config_cached(c->tenant, c->arena, diags, &c->tenant_config, err))
                return false;
        }
        c->tenant_config_read = true;
    }
    *ret = c->tenant_config;
    return true;
}

static bool check_account(struct pk_context *c, struct pk_aws *aws, const char *expected,
                          struct pk_error **err) {
    char *account PK_CLEANUP(pk_freep) = NULL;
    char *arn PK_CLEANUP(pk_freep) = NULL;
    if (!pk_aws_caller(aws, &account, &arn, err))
        return pk_wrap(err, "cannot tell which AWS account these credentials belong to");
    if (expected && *expected && !pk_streq(expected, account)) {
        char *source PK_CLEANUP(pk_freep) = pk_aws_credentials_source(aws);
        return pk_fail(err, PK_E_REFUSED,
                       "these credentials belong to account %s, but the stack goes to %s", account,
                       expected) ||
               pk_error_detail(err, "credentials: %s\ncaller: %s", source ? source : "unknown",
                               arn) ||
               pk_error_hint(
                   err,
                   "choose other credentials with --profile, or give the tenant an assumeRoleArn");
    }
    free(c->account_id);
    c->account_id = pk_steal(&account);
    free(c->caller_arn);
    c->caller_arn = pk_steal(&arn);
    return true;
}

/* Session names of roles take [\w+=,.@-]{2,64}. */
static const char *role_session_name(struct pk_context *c) {
    char *actor PK_CLEANUP(pk_freep) = pk_context_actor(c);
    char *name = pk_arena_printf(c->arena, "panka-%.50s", actor);
    for (char *p = name; *p; p++)
        if (!strchr("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_+=,.@-", *p))
            *p = '-';
    return name;
}

bool pk_context_target(struct pk_context *c, const char *region, const char *expected_account,
                       struct pk_aws **ret, struct pk_error **err) {
    if (!c->target_aws) {
        struct pk_aws *platform = NULL;
        if (!pk_context_platform(c, &platform, err))
            return false;
        json_t *spec = c->tenant_config ? c->tenant_config->spec : NULL;
        const char *role = pk_json_str(spec, "aws.assumeRoleArn", NULL);
        struct pk_aws *made = NULL;
        if (role) {
            struct pk_aws *assumed = NULL;
            if (!pk_aws_assume_role(
                    platform, role, role_session_name(c), pk_json_str(spec, "aws.externalId", NULL),
                    (int)pk_json_int(spec, "aws.sessionDuration", 3600), &assumed, err))
                return pk_wrap(err, "cannot assume the tenant's role %s", role);
            bool ok = pk_aws_for_region(assumed, region, &made, err);
            pk_aws_free(assumed);
            if (!ok)
                return false;
        } else if (!pk_aws_for_region(platform, region, &made, err)) {
            return false;
        }
        if (!check_account(c, made, expected_account, err)) {
            pk_aws_free(made);
            return false;
        }
        c->target_aws = made;
    }
    *ret = c->target_aws;
    return true;
}

char *pk_context_actor(const struct pk_context *c) {
    const char *ci =
        getenv("GITHUB_ACTIONS") ? getenv("GITHUB_ACTOR") : getenv("GITLAB_USER_LOGIN");
    if (ci && *ci)
        return pk_asprintf("%s (CI)", ci);
    char host[256] = "localhost";
    (void)gethostname(host, sizeof(host) - 1);
    const char *user = getenv("USER");
    if (!user || !*user)
        user = getenv("LOGNAME");
    if ((!user || !*user) && c->caller_arn)
        return pk_strdup(c->caller_arn);
    return pk_asprintf("%s@%s", user && *user ? user : "unknown", host);
}
