/*
 * commands.h - the records of all commands; commands.c lists them in the order of help.
 *
 * Layer 10.
 */
#ifndef PK_CLI_COMMANDS_H
#define PK_CLI_COMMANDS_H

#include "cli/app.h"
#include "cli/command.h"

extern const struct pk_command pk_cmd_init, pk_cmd_backend_create, pk_cmd_login, pk_cmd_logout,
    pk_cmd_whoami;
extern const struct pk_command pk_cmd_admin_init, pk_cmd_admin_login, pk_cmd_admin_logout;
extern const struct pk_command pk_cmd_tenant_init, pk_cmd_tenant_list, pk_cmd_tenant_show;
extern const struct pk_command pk_cmd_stack_init, pk_cmd_stack_list, pk_cmd_stack_info;
extern const struct pk_command pk_cmd_service_add, pk_cmd_service_remove, pk_cmd_service_list;
extern const struct pk_command pk_cmd_secret_set, pk_cmd_secret_list;
extern const struct pk_command pk_cmd_validate, pk_cmd_graph;
extern const struct pk_command pk_cmd_plan, pk_cmd_apply, pk_cmd_destroy;
extern const struct pk_command pk_cmd_status, pk_cmd_outputs;
extern const struct pk_command pk_cmd_state_list, pk_cmd_state_show, pk_cmd_state_rm, pk_cmd_unlock;
extern const struct pk_command pk_cmd_version, pk_cmd_help, pk_cmd_completion;

#endif
