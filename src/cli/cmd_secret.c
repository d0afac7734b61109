/* secret set, secret list. */
#include "cli/commands.h"

#include "cli/common.h"
#include "ops/secrets.h"
#include "json/json.h"

#include <stdlib.h>
#include <string.h>

struct secret_args {
    struct pk_stack_args at;
    const char *name, *kms_key;
    bool value_stdin;
};

#define AT(field) offsetof(struct secret_args, field)

/* clang-format off */
static const struct pk_option set_options[] = {
    PK_STACK_OPTIONS(struct secret_args, at),
    {"stdin", 0, PK_OPT_FLAG, AT(value_stdin), NULL, NULL, 0, 0, "take the value from standard input (also without this when it is no terminal)", false, false},
    {"kms-key", 0, PK_OPT_STR, AT(kms_key), "KEY", NULL, 0, 0, "KMS key for a new secret", false, false},
    {0},
};
static const struct pk_option list_options[] = {
    PK_STACK_OPTIONS(struct secret_args, at),
    {0},
};
static const struct pk_positional set_positionals[] = {
    {"NAME", AT(name), true, false, "name of the secret, as `secretRef` names it; ssm:/name for the Parameter Store"}, {0},
};
static const struct pk_positional list_positionals[] = {PK_STACK_POSITIONAL(struct secret_args, at), {0}};
/* clang-format on */

static bool read_value(struct pk_app *app, const struct secret_args *a, char **ret,
                       struct pk_error **err) {
    if (a->value_stdin || !pk_ui_interactive(app->ui))
        return pk_ui_read_stdin(app->ui, PK_SECRET_MAX, true, ret, err);
    char *question PK_CLEANUP(pk_freep) = pk_asprintf("Value of %s (not shown)", a->name);
    return pk_ui_ask_secret(app->ui, question, "the value on standard input", ret, err);
}

/* Where secrets go: the account and region of the stack at hand, or of the session when there is no
 * stack folder. */
static bool open_place(struct pk_app *app, const struct pk_stack_args *at,
                       struct pk_stack_inputs *inputs, struct pk_context **context,
                       struct pk_project **project, struct pk_aws **aws, struct pk_error **err) {
    struct pk_diags *diags PK_CLEANUP(pk_diags_freep) = pk_diags_new();
    struct pk_error *no_stack PK_CLEANUP(pk_error_freep) = NULL;
    bool has_stack = pk_stack_inputs(app, at, inputs, &no_stack);
    if (!has_stack && (at->folder || at->stack || no_stack->code != PK_E_NOT_FOUND)) {
        *err = pk_steal(&no_stack);
        return false;
    }
    if (!pk_app_context(app, has_stack ? inputs->dir : NULL, at->tenant_config, true, context, err))
        return false;
    if (has_stack && !pk_app_project(app, *context, inputs, diags, project, err))
        return false;
    struct pk_tenant_config *tenant = NULL;
    if (!pk_context_tenant(*context, has_stack ? inputs->dir : NULL, true, diags, &tenant, err))
        return false;
    const char *region = *project && (*project)->region && *(*project)->region
                             ? (*project)->region
                             : pk_setting((*context)->settings, PK_SET_REGION);
    if (!region && (*context)->logged_in)
        region = (*context)->session.region;
    if (!region)
        return pk_fail(err, PK_E_CONFIG, "no region is known") ||
               pk_error_hint(err, "pass --region REGION");
    return pk_context_target(*context, region, *project ? (*project)->account_id : NULL, aws, err);
}

static int run_set(struct pk_app *app, const void *args, struct pk_error **err) {
    const struct secret_args *a = args;
    struct pk_stack_inputs inputs PK_CLEANUP(pk_stack_inputs_release) = {0};
    struct pk_context *context PK_CLEANUP(pk_context_closep) = NULL;
    struct pk_project *project PK_CLEANUP(pk_project_freep) = NULL;
    struct pk_aws *aws = NULL;
    char *value PK_CLEANUP(pk_secret_freep) = NULL;
    if (!pk_secret_name_check(a->name, err) ||
        !open_place(app, &a->at, &inputs, &context, &project, &aws, err) ||
        !read_value(app, a, &value, err))
        return -1;
    struct pk_secret_owner owner = {.tenant = context->tenant,
                                    .stack = project ? project->name : NULL,
                                    .environment = project ? project->environment : NULL};
    bool created = false;
    if (!pk_secret_set(aws, a->name, value, a->kms_key, &owner, &created, err))
        return -1;
    pk_ui_good(app->ui, created ? "Secret created: %s" : "Secret has a new value: %s", a->name);
    if (!created)
        pk_ui_note(app->ui, "Running tasks keep the old value until they are deployed again (panka "
                            "apply --redeploy COMPONENT).");
    return 0;
}

static int run_list(struct pk_app *app, const void *args, struct pk_error **err) {
    const struct secret_args *a = args;
    struct pk_stack_inputs inputs PK_CLEANUP(pk_stack_inputs_release) = {0};
    struct pk_context *context PK_CLEANUP(pk_context_closep) = NULL;
    struct pk_project *project PK_CLEANUP(pk_project_freep) = NULL;
    struct pk_aws *aws = NULL;
    json_t *list PK_CLEANUP(json_decrefp) = NULL;
    if (!open_place(app, &a->at, &inputs, &context, &project, &aws, err) ||
        !pk_secret_list(aws, context->tenant, project, &list, err))
        return -1;
    if (pk_ui_format(app->ui) == PK_FORMAT_JSON) {
        pk_ui_json(app->ui, list);
        return 0;
    }
    struct pk_arena *arena PK_CLEANUP(pk_arena_freep) = pk_arena_new();
    static const char *const headers[] = {"NAME", "CHANGED", "USED BY"};
    size_t n = json_array_size(list), i;
    const char **rows = pk_arena_array(arena, n * PK_ARRAY_LEN(headers) + 1, sizeof(*rows));
    json_t *item;
    json_array_foreach(list, i, item) {
        char *age = pk_age_text(pk_json_str(item, "changedAt", NULL));
        struct pk_buf users = PK_BUF_INIT(65536);
        size_t u;
        json_t *user;
        json_array_foreach(json_object_get(item, "usedBy"), u, user) {
            pk_buf_addf(&users, "%s%s", u ? ", " : "", json_string_value(user));
        }
        rows[i * 3] = pk_json_str(item, "name", "");
        rows[i * 3 + 1] =
            pk_arena_strdup(arena, pk_json_bool(item, "missing", false) ? "missing" : age);
        rows[i * 3 + 2] = pk_arena_strdup(arena, pk_buf_cstr(&users));
        free(age);
        pk_buf_release(&users);
    }
    if (n == 0)
        pk_ui_out(app->ui, "No secrets.\n");
    else
        pk_ui_table(app->ui, headers, PK_ARRAY_LEN(headers), rows, n);
    return 0;
}

static const char *const set_examples[] = {"panka secret set production/api/db-password",
                                           "panka secret set production/api/db-password --stdin",
                                           NULL};
static const char *const list_examples[] = {"panka secret list", "panka secret list --json", NULL};

const struct pk_command pk_cmd_secret_set = {
    .path = "secret set",
    .group = "Stack",
    .summary = "Store a secret in AWS, from a hidden prompt or standard input",
    .description = "The value never appears in arguments, files, state or output.",
    .options = set_options,
    .positionals = set_positionals,
    .args_size = sizeof(struct secret_args),
    .examples = set_examples,
    .run = run_set,
};
const struct pk_command pk_cmd_secret_list = {
    .path = "secret list",
    .group = "Stack",
    .summary = "List the stack's secrets, their ages and who uses them",
    .options = list_options,
    .positionals = list_positionals,
    .args_size = sizeof(struct secret_args),
    .examples = list_examples,
    .formats = "human|json",
    .run = run_list,
};
