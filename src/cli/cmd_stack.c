/* stack init, stack list, stack info, service add, service remove, service list. */
#include "cli/commands.h"

#include "base/fs.h"
#include "cli/common.h"
#include "ops/scaffold.h"
#include "json/json.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

struct stack_args {
    struct pk_stack_args at;
    const char *name;
    struct pk_vec services;
    bool yes;
};

#define AT(field) offsetof(struct stack_args, field)

/* clang-format off */
static const struct pk_option init_options[] = {
    {"services", 0, PK_OPT_LIST, AT(services), "A,B", NULL, 0, 0, "services to begin with", true, false},
    {0},
};
static const struct pk_option look_options[] = {
    PK_STACK_OPTIONS(struct stack_args, at),
    {0},
};
static const struct pk_option remove_options[] = {
    PK_STACK_OPTIONS(struct stack_args, at),
    {"yes", 'y', PK_OPT_FLAG, AT(yes), NULL, NULL, 0, 0, "do not ask", false, false},
    {0},
};
static const struct pk_positional name_positionals[] = {
    {"NAME", AT(name), true, false, "name: lower-case letters, digits, hyphens"}, {0},
};
static const struct pk_positional folder_positionals[] = {PK_STACK_POSITIONAL(struct stack_args, at), {0}};
/* clang-format on */

static void list_files(struct pk_app *app, struct pk_vec *files) {
    for (size_t i = 0; i < files->len; i++) {
        pk_ui_out(app->ui, "  %s\n", (char *)files->items[i]);
        free(files->items[i]);
    }
    pk_vec_release(files);
}

static int run_init(struct pk_app *app, const void *args, struct pk_error **err) {
    const struct stack_args *a = args;
    struct pk_context *context PK_CLEANUP(pk_context_closep) = NULL;
    if (!pk_app_context(app, NULL, NULL, true, &context, err))
        return -1;
    const char *region = context->logged_in ? NULL : pk_setting(context->settings, PK_SET_REGION);
    struct pk_scaffold what = {.dir = ".",
                               .name = a->name,
                               .tenant = context->tenant,
                               .region = region,
                               .services = (const char *const *)a->services.items,
                               .n_services = a->services.len};
    struct pk_vec files = PK_VEC_INIT;
    bool ok = pk_scaffold_stack(&what, &files, err);
    if (ok)
        pk_ui_good(app->ui, "Stack %s created", a->name);
    list_files(app, &files);
    if (!ok)
        return -1;
    pk_ui_note(app->ui, "Next: cd %s && panka validate", a->name);
    return 0;
}

static int run_service_add(struct pk_app *app, const void *args, struct pk_error **err) {
    const struct stack_args *a = args;
    struct pk_stack_inputs inputs PK_CLEANUP(pk_stack_inputs_release) = {0};
    struct pk_context *context PK_CLEANUP(pk_context_closep) = NULL;
    struct pk_diags *diags PK_CLEANUP(pk_diags_freep) = pk_diags_new();
    struct pk_project *project PK_CLEANUP(pk_project_freep) = NULL;
    if (!pk_stack_inputs(app, &a->at, &inputs, err) ||
        !pk_app_context(app, inputs.dir, a->at.tenant_config, true, &context, err) ||
        !pk_app_project(app, context, &inputs, diags, &project, err))
        return -1;
    struct pk_vec files = PK_VEC_INIT;
    bool ok = pk_scaffold_service(inputs.dir, project->name, a->name, &files, err);
    if (ok)
        pk_ui_good(app->ui, "Service %s added to %s", a->name, project->name);
    list_files(app, &files);
    return ok ? 0 : -1;
}

/* Deletes a folder and what is in it; symbolic links are removed, not followed. */
static bool remove_tree(const char *path, int depth, struct pk_error **err) {
    struct pk_vec names = PK_VEC_INIT;
    if (depth > 32)
        return pk_fail(err, PK_E_IO, "%s is nested too deeply", path);
    if (!pk_list_dir(path, 100000, &names, err))
        return false;
    bool ok = true;
    for (size_t i = 0; ok && i < names.len; i++) {
        char *child PK_CLEANUP(pk_freep) = pk_path_join(path, names.items[i]);
        char link[2];
        bool is_link = readlink(child, link, sizeof(link)) >= 0;
        ok = !is_link && pk_is_dir(child) ? remove_tree(child, depth + 1, err)
                                          : pk_remove_file(child, err);
    }
    pk_names_release(&names);
    return ok && (rmdir(path) == 0 || pk_fail(err, PK_E_IO, "cannot remove %s", path));
}

static int run_service_remove(struct pk_app *app, const void *args, struct pk_error **err) {
    const struct stack_args *a = args;
    struct pk_stack_inputs inputs PK_CLEANUP(pk_stack_inputs_release) = {0};
    if (!pk_name_check("service", a->name, 40, err) || !pk_stack_inputs(app, &a->at, &inputs, err))
        return -1;
    char *rel PK_CLEANUP(pk_freep) = pk_asprintf("services/%s", a->name);
    char *dir PK_CLEANUP(pk_freep) = pk_path_join(inputs.dir, rel);
    if (!pk_is_dir(dir)) {
        pk_fail(err, PK_E_NOT_FOUND, "there is no service \"%s\" in %s", a->name, inputs.dir);
        pk_error_hint(err, "`panka service list` shows them");
        return -1;
    }
    bool yes = a->yes;
    char *question PK_CLEANUP(pk_freep) =
        pk_asprintf("Delete the folder %s? What it deployed goes with the next apply.", rel);
    if (!yes && !pk_ui_confirm(app->ui, question, "--yes", &yes, err))
        return -1;
    if (!yes) {
        pk_fail(err, PK_E_REFUSED, "not confirmed: nothing was changed");
        return -1;
    }
    if (!remove_tree(dir, 0, err))
        return -1;
    pk_ui_good(app->ui, "Service %s removed; `panka plan` shows what the next apply would delete",
               a->name);
    return 0;
}

static bool open_project(struct pk_app *app, const struct stack_args *a,
                         struct pk_stack_inputs *inputs, struct pk_context **context,
                         struct pk_diags *diags, struct pk_project **project,
                         struct pk_error **err) {
    return pk_stack_inputs(app, &a->at, inputs, err) &&
           pk_app_context(app, inputs->dir, a->at.tenant_config, true, context, err) &&
           pk_app_project(app, *context, inputs, diags, project, err);
}

static int run_service_list(struct pk_app *app, const void *args, struct pk_error **err) {
    const struct stack_args *a = args;
    struct pk_stack_inputs inputs PK_CLEANUP(pk_stack_inputs_release) = {0};
    struct pk_context *context PK_CLEANUP(pk_context_closep) = NULL;
    struct pk_diags *diags PK_CLEANUP(pk_diags_freep) = pk_diags_new();
    struct pk_project *project PK_CLEANUP(pk_project_freep) = NULL;
    if (!open_project(app, a, &inputs, &context, diags, &project, err))
        return -1;
    struct pk_arena *arena PK_CLEANUP(pk_arena_freep) = pk_arena_new();
    static const char *const headers[] = {"SERVICE", "COMPONENTS", "DESCRIPTION"};
    size_t n = project->services.len;
    const char **rows = pk_arena_array(arena, n * PK_ARRAY_LEN(headers) + 1, sizeof(*rows));
    json_t *list PK_CLEANUP(json_decrefp) = json_array();
    for (size_t i = 0; i < n; i++) {
        const struct pk_service *s = project->services.items[i];
        rows[i * 3] = s->name;
        rows[i * 3 + 1] = pk_arena_printf(arena, "%zu", s->components.len);
        rows[i * 3 + 2] = s->meta.description;
        json_array_append_new(list, json_pack("{s:s, s:I, s:s?}", "name", s->name, "components",
                                              (json_int_t)s->components.len, "description",
                                              s->meta.description));
    }
    if (pk_ui_format(app->ui) == PK_FORMAT_JSON)
        pk_ui_json(app->ui, list);
    else if (n == 0)
        pk_ui_out(app->ui, "No services.\n");
    else
        pk_ui_table(app->ui, headers, PK_ARRAY_LEN(headers), rows, n);
    return 0;
}

static json_t *info_json(const struct pk_project *p) {
    json_t *o = json_object(), *services = json_array();
    pk_json_put_str(o, "stack", p->name);
    pk_json_put_str(o, "tenant", p->tenant ? p->tenant : p->meta.tenant);
    pk_json_put_str(o, "environment", p->environment);
    pk_json_put_str(o, "region", p->region);
    pk_json_put_str(o, "description", p->meta.description);
    for (size_t i = 0; i < p->services.len; i++) {
        const struct pk_service *s = p->services.items[i];
        json_t *item = json_object(), *components = json_array();
        pk_json_put_str(item, "name", s->name);
        for (size_t c = 0; c < s->components.len; c++) {
            const struct pk_component *component = s->components.items[c];
            json_array_append_new(components,
                                  json_pack("{s:s, s:s, s:b}", "name", component->name, "kind",
                                            component->kind, "enabled", component->enabled));
        }
        json_object_set_new(item, "components", components);
        json_array_append_new(services, item);
    }
    json_object_set_new(o, "services", services);
    return o;
}

static void info_human(struct pk_app *app, const struct pk_project *p) {
    struct pk_ui *ui = app->ui;
    pk_ui_out_styled(ui, PK_STYLE_BOLD, "%s", p->name);
    pk_ui_out(ui, "%s%s\n", p->meta.description ? ": " : "",
              p->meta.description ? p->meta.description : "");
    const char *tenant = p->tenant ? p->tenant : p->meta.tenant;
    pk_ui_out(ui, "  tenant       %s\n", tenant ? tenant : "none (single-tenant)");
    pk_ui_out(ui, "  environment  %s\n", p->environment ? p->environment : "none selected");
    pk_ui_out(ui, "  region       %s\n\n",
              p->region && *p->region ? p->region : "from the session or settings");
    for (size_t i = 0; i < p->services.len; i++) {
        const struct pk_service *s = p->services.items[i];
        pk_ui_out(ui, "%s\n", s->name);
        for (size_t c = 0; c < s->components.len; c++) {
            const struct pk_component *component = s->components.items[c];
            pk_ui_out(ui, "  %-28s %s%s\n", component->name, component->kind,
                      component->enabled ? "" : " (disabled)");
        }
    }
}

static int run_info(struct pk_app *app, const void *args, struct pk_error **err) {
    const struct stack_args *a = args;
    struct pk_stack_inputs inputs PK_CLEANUP(pk_stack_inputs_release) = {0};
    struct pk_context *context PK_CLEANUP(pk_context_closep) = NULL;
    struct pk_diags *diags PK_CLEANUP(pk_diags_freep) = pk_diags_new();
    struct pk_project *project PK_CLEANUP(pk_project_freep) = NULL;
    if (!open_project(app, a, &inputs, &context, diags, &project, err))
        return -1;
    if (pk_ui_format(app->ui) == PK_FORMAT_JSON) {
        json_t *json = info_json(project);
        pk_ui_json(app->ui, json);
        json_decref(json);
    } else {
        info_human(app, project);
    }
    if (pk_diags_has_errors(diags))
        pk_ui_note(app->ui, "\nThe stack has errors: panka validate shows them.");
    return 0;
}

/* "<stack>/<environment>/state.json" below the prefix; anything else is history or a record. */
static bool split_key(const char *rest, char **ret_stack, char **ret_env) {
    const char *slash = strchr(rest, '/'), *second = slash ? strchr(slash + 1, '/') : NULL;
    if (!second || !pk_streq(second, "/state.json"))
        return false;
    *ret_stack = pk_strndup(rest, (size_t)(slash - rest));
    *ret_env = pk_strndup(slash + 1, (size_t)(second - slash - 1));
    return true;
}

static int run_list(struct pk_app *app, const void *args, struct pk_error **err) {
    (void)args;
    struct pk_context *context PK_CLEANUP(pk_context_closep) = NULL;
    struct pk_store *store = NULL;
    struct pk_vec keys = PK_VEC_INIT;
    if (!pk_app_context(app, ".", NULL, true, &context, err) ||
        !pk_context_store(context, &store, err))
        return -1;
    char *prefix PK_CLEANUP(pk_freep) = pk_key_stacks(context->tenant);
    if (!store->vtable->list(store, prefix, 100000, &keys, err))
        return -1;
    struct pk_arena *arena PK_CLEANUP(pk_arena_freep) = pk_arena_new();
    static const char *const headers[] = {"STACK", "ENVIRONMENT", "STATUS", "RESOURCES",
                                          "DEPLOYED"};
    const char **rows = pk_arena_array(arena, keys.len * PK_ARRAY_LEN(headers) + 1, sizeof(*rows));
    json_t *list PK_CLEANUP(json_decrefp) = json_array();
    size_t n = 0;
    int status = 0;
    for (size_t i = 0; status == 0 && i < keys.len; i++) {
        char *stack PK_CLEANUP(pk_freep) = NULL;
        char *env PK_CLEANUP(pk_freep) = NULL;
        struct pk_state *state PK_CLEANUP(pk_state_freep) = NULL;
        if (!split_key((char *)keys.items[i] + strlen(prefix), &stack, &env))
            continue;
        if (!pk_state_load(store, keys.items[i], &state, NULL, err)) {
            status = -1;
            continue;
        }
        if (!state)
            continue;
        char *age PK_CLEANUP(pk_freep) =
            pk_age_text(pk_json_str(state->metadata, "deployedAt", NULL));
        const char **row = rows + n++ * PK_ARRAY_LEN(headers);
        row[0] = pk_arena_strdup(arena, stack);
        row[1] = pk_arena_strdup(arena, env);
        row[2] = pk_arena_strdup(arena, pk_json_str(state->metadata, "status", "unknown"));
        row[3] = pk_arena_printf(arena, "%zu", pk_map_len(state->resources));
        row[4] = pk_arena_strdup(arena, age);
        json_array_append_new(
            list, json_pack("{s:s, s:s, s:s, s:I, s:s?}", "stack", stack, "environment", env,
                            "status", row[2], "resources", (json_int_t)pk_map_len(state->resources),
                            "deployedAt", pk_json_str(state->metadata, "deployedAt", NULL)));
    }
    pk_names_release(&keys);
    if (status != 0)
        return status;
    if (pk_ui_format(app->ui) == PK_FORMAT_JSON)
        pk_ui_json(app->ui, list);
    else if (n == 0)
        pk_ui_out(app->ui, "No stack has been deployed.\n");
    else
        pk_ui_table(app->ui, headers, PK_ARRAY_LEN(headers), rows, n);
    return 0;
}

static const char *const init_examples[] = {"panka stack init shop --services api,worker", NULL};
static const char *const list_examples[] = {"panka stack list", "panka stack list --json", NULL};
static const char *const info_examples[] = {"panka stack info",
                                            "panka stack info notification-platform --json", NULL};
static const char *const add_examples[] = {"panka service add analytics",
                                           "panka service add analytics --stack shop", NULL};
static const char *const remove_examples[] = {"panka service remove analytics", NULL};
static const char *const service_list_examples[] = {"panka service list", NULL};

#define STACK_COMMAND(variable, words, text, opts, pos, ex, forms, function, bits)                 \
    const struct pk_command variable = {                                                           \
        .path = words,                                                                             \
        .group = "Stack",                                                                          \
        .summary = text,                                                                           \
        .options = opts,                                                                           \
        .positionals = pos,                                                                        \
        .args_size = sizeof(struct stack_args),                                                    \
        .flags = bits,                                                                             \
        .examples = ex,                                                                            \
        .formats = forms,                                                                          \
        .run = function,                                                                           \
    }

STACK_COMMAND(pk_cmd_stack_init, "stack init", "Make a new stack folder that validates as it is",
              init_options, name_positionals, init_examples, NULL, run_init, PK_CMD_OFFLINE);
STACK_COMMAND(pk_cmd_stack_list, "stack list", "List what is deployed, by stack and environment",
              NULL, NULL, list_examples, "human|json", run_list, PK_CMD_NEEDS_STATE);
STACK_COMMAND(pk_cmd_stack_info, "stack info", "Show services and components of a stack folder",
              look_options, folder_positionals, info_examples, "human|json", run_info,
              PK_CMD_OFFLINE);
STACK_COMMAND(pk_cmd_service_add, "service add", "Add a service folder to a stack", look_options,
              name_positionals, add_examples, NULL, run_service_add, PK_CMD_OFFLINE);
STACK_COMMAND(pk_cmd_service_remove, "service remove", "Delete a service folder from a stack",
              remove_options, name_positionals, remove_examples, NULL, run_service_remove,
              PK_CMD_OFFLINE);
STACK_COMMAND(pk_cmd_service_list, "service list", "List the services of a stack", look_options,
              folder_positionals, service_list_examples, "human|json", run_service_list,
              PK_CMD_OFFLINE);
