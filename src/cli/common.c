#include "cli/common.h"

#include "base/clock.h"
#include "base/fs.h"
#include "component/kind.h"
#include "ops/var_file.h"
#include "provider/provider.h"

#include <stdlib.h>
#include <string.h>

#define MAX_VARS 10000

bool pk_stack_inputs(struct pk_app *app, const struct pk_stack_args *args,
                     struct pk_stack_inputs *ret, struct pk_error **err) {
    (void)app;
    memset(ret, 0, sizeof(*ret));
    ret->arena = pk_arena_new();
    if (args->folder && args->stack) {
        pk_stack_inputs_release(ret);
        return pk_fail(err, PK_E_USAGE, "both a folder and --stack are given") ||
               pk_error_hint(err, "leave one out");
    }
    if (!pk_project_find(args->folder, args->stack, &ret->path, err)) {
        pk_stack_inputs_release(ret);
        return false;
    }
    ret->dir = pk_is_dir(ret->path) ? pk_strdup(ret->path) : pk_path_dir(ret->path);
    struct pk_vec vars PK_CLEANUP(pk_vec_release) = PK_VEC_INIT;
    if (!pk_vars_collect(ret->arena, &args->vars, &args->var_files, MAX_VARS, &vars, err)) {
        pk_stack_inputs_release(ret);
        return false;
    }
    struct pk_var *list = pk_arena_array(ret->arena, vars.len + 1, sizeof(*list));
    for (size_t i = 0; i < vars.len; i++)
        list[i] = *(struct pk_var *)vars.items[i];
    ret->load.path = ret->path;
    ret->load.environment = args->environment;
    ret->load.vars = list;
    ret->load.n_vars = vars.len;
    ret->load.kinds = pk_kinds();
    return true;
}

void pk_stack_inputs_release(struct pk_stack_inputs *inputs) {
    free(inputs->path);
    free(inputs->dir);
    pk_arena_free(inputs->arena);
    memset(inputs, 0, sizeof(*inputs));
}

static bool mfa_prompt(void *ctx, const char *mfa_serial, char **ret_code) {
    struct pk_app *app = ctx;
    struct pk_error *err PK_CLEANUP(pk_error_freep) = NULL;
    char *question PK_CLEANUP(pk_freep) = pk_asprintf("MFA code for %s", mfa_serial);
    return pk_ui_ask_secret(app->ui, question, "credentials without MFA", ret_code, &err);
}

bool pk_app_context(struct pk_app *app, const char *stack_dir, const char *tenant_config,
                    bool use_session, struct pk_context **ret, struct pk_error **err) {
    const struct pk_global_args *g = &app->global;
    struct pk_context_options options = {
        .tenant_config_path = tenant_config,
        .stack_dir = stack_dir,
        .use_session = use_session,
        .cancel = app->cancel,
        .mfa_prompt = mfa_prompt,
        .mfa_ctx = app,
        .make_provider = pk_aws_provider_new,
        .traits = pk_provider_type_traits(),
    };
    options.settings.config_path = g->config;
    options.settings.start_dir = stack_dir;
    options.settings.flags[PK_SET_REGION] = g->region;
    options.settings.flags[PK_SET_PROFILE] = g->profile;
    options.settings.flags[PK_SET_ENDPOINT_URL] = g->endpoint_url;
    options.settings.flags[PK_SET_BACKEND_BUCKET] = g->backend_bucket;
    options.settings.flags[PK_SET_BACKEND_REGION] = g->backend_region;
    options.settings.flags[PK_SET_LOCK_TABLE] = g->lock_table;
    options.settings.flags[PK_SET_TENANT] = g->tenant;
    struct pk_diags *diags PK_CLEANUP(pk_diags_freep) = pk_diags_new();
    bool ok = pk_context_open(&options, diags, ret, err);
    if (pk_diags_len(diags) > 0 && pk_ui_format(app->ui) == PK_FORMAT_HUMAN) {
        pk_diags_sort(diags);
        pk_ui_diags(app->ui, diags);
    }
    return ok;
}

bool pk_app_project(struct pk_app *app, struct pk_context *context,
                    const struct pk_stack_inputs *inputs, struct pk_diags *diags,
                    struct pk_project **ret, struct pk_error **err) {
    struct pk_load_options load = inputs->load;
    struct pk_tenant_config *tenant = NULL;
    if (!pk_context_tenant(context, inputs->dir, false, diags, &tenant, err))
        return false;
    load.tenant = context->tenant;
    load.tenant_config = tenant;
    load.env_from_process = pk_setting(context->settings, PK_SET_ENVIRONMENT);
    load.region_override = app->global.region;
    load.region =
        context->logged_in ? context->session.region : pk_setting(context->settings, PK_SET_REGION);
    struct pk_project *project = pk_project_load(&load, diags);
    if (project && *project->name) {
        *ret = project;
        return true;
    }
    /* No stack here: the findings point into the project's sources, so they are shown before it
     * goes. */
    pk_diags_sort(diags);
    pk_ui_diags(app->ui, diags);
    pk_project_free(project);
    (void)pk_diags_fail(diags, err);
    return false;
}

bool pk_app_state(struct pk_app *app, struct pk_context *context,
                  const struct pk_stack_inputs *inputs, struct pk_project **ret_project,
                  struct pk_state **ret, char **ret_key, struct pk_error **err) {
    struct pk_diags *diags PK_CLEANUP(pk_diags_freep) = pk_diags_new();
    struct pk_project *project PK_CLEANUP(pk_project_freep) = NULL;
    struct pk_store *store = NULL;
    struct pk_state *state = NULL;
    if (!pk_app_project(app, context, inputs, diags, &project, err))
        return false;
    /* Only the identity matters here: findings about components are validate's business. */
    if (!project->name || !project->environment) {
        pk_diags_sort(diags);
        pk_ui_diags(app->ui, diags);
        return pk_diags_fail(diags, err);
    }
    struct pk_state_id id = {context->tenant, project->name, project->environment};
    char *key PK_CLEANUP(pk_freep) = pk_key_state(&id);
    if (!pk_context_store(context, &store, err) || !pk_state_load(store, key, &state, NULL, err))
        return false;
    if (!state)
        return pk_fail(err, PK_E_NOT_FOUND, "%s has not been deployed to %s", project->name,
                       project->environment) ||
               pk_error_hint(err, "panka apply -e %s", project->environment);
    if (ret_key)
        *ret_key = pk_steal(&key);
    *ret = state;
    if (ret_project)
        *ret_project = pk_steal(&project);
    return true;
}

char *pk_age_text(const char *iso) {
    int64_t then = 0;
    if (!iso || !pk_time_parse(iso, &then))
        return pk_strdup("-");
    char text[32];
    pk_duration_human(pk_wall_ms(NULL) - then, text);
    return pk_asprintf("%s ago", text);
}
