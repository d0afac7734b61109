/*
 * common.h - what several commands share: stack arguments, contexts, stopping on findings.
 *
 * Layer 10.
 */
#ifndef PK_CLI_COMMON_H
#define PK_CLI_COMMON_H

#include "cli/app.h"
#include "cli/command.h"
#include "ops/deploy.h"

/* Arguments of every command that reads a stack folder; the options macro spells them once. */
struct pk_stack_args {
    const char *folder, *stack, *environment, *tenant_config;
    struct pk_vec vars, var_files; /* char * */
};

/* clang-format off */
#define PK_STACK_POSITIONAL(type, member) \
    {"FOLDER", offsetof(type, member.folder), false, false, "stack folder or file; default: the current folder or a parent with stack.yaml"}
#define PK_STACK_OPTIONS(type, member) \
    {"environment", 'e', PK_OPT_STR, offsetof(type, member.environment), "ENV", NULL, 0, 0, "environment to work on", false, false}, \
    {"stack", 's', PK_OPT_STR, offsetof(type, member.stack), "NAME", NULL, 0, 0, "stack by name: ./NAME, ./stacks/NAME, upward to the repository root", false, false}, \
    {"var", 0, PK_OPT_LIST, offsetof(type, member.vars), "K=V", NULL, 0, 0, "set a variable (repeatable)", false, false}, \
    {"var-file", 0, PK_OPT_LIST, offsetof(type, member.var_files), "FILE", NULL, 0, 0, "variables from a YAML, JSON or KEY=VALUE file (repeatable)", false, false}, \
    {"tenant-config", 0, PK_OPT_STR, offsetof(type, member.tenant_config), "FILE", NULL, 0, 0, "tenant.yaml to check against", false, false}
/* clang-format on */

/* Everything the arguments stand for; release with pk_stack_inputs_release. */
struct pk_stack_inputs {
    struct pk_arena *arena;
    char *path;
    char *dir; /* the folder, also when path is a file */
    struct pk_load_options load;
};
PK_NODISCARD bool pk_stack_inputs(struct pk_app *app, const struct pk_stack_args *args,
                                  struct pk_stack_inputs *ret, struct pk_error **err);
void pk_stack_inputs_release(struct pk_stack_inputs *inputs);

/* A context with the global flags; findings of settings files are shown. */
PK_NODISCARD bool pk_app_context(struct pk_app *app, const char *stack_dir,
                                 const char *tenant_config, bool use_session,
                                 struct pk_context **ret, struct pk_error **err);
/* The project alone, without AWS; findings are shown. *ret is never NULL on success. */
PK_NODISCARD bool pk_app_project(struct pk_app *app, struct pk_context *context,
                                 const struct pk_stack_inputs *inputs, struct pk_diags *diags,
                                 struct pk_project **ret, struct pk_error **err);
/* Reads the state that a command looks at; an absent one is an error that says so. */
PK_NODISCARD bool pk_app_state(struct pk_app *app, struct pk_context *context,
                               const struct pk_stack_inputs *inputs,
                               struct pk_project **ret_project, struct pk_state **ret,
                               char **ret_key, struct pk_error **err);
/* Seconds since `iso` (a time stamp of the state) as "3d ago"; malloc'ed. */
char *pk_age_text(const char *iso);

#endif
