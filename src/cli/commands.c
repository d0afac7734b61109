#include "cli/commands.h"

const struct pk_command *const pk_commands[] = {
    &pk_cmd_init,         &pk_cmd_backend_create,
    &pk_cmd_login,        &pk_cmd_logout,
    &pk_cmd_whoami,       &pk_cmd_admin_init,
    &pk_cmd_admin_login,  &pk_cmd_admin_logout,
    &pk_cmd_tenant_init,  &pk_cmd_tenant_list,
    &pk_cmd_tenant_show,  &pk_cmd_stack_init,
    &pk_cmd_stack_list,   &pk_cmd_stack_info,
    &pk_cmd_service_add,  &pk_cmd_service_remove,
    &pk_cmd_service_list, &pk_cmd_secret_set,
    &pk_cmd_secret_list,  &pk_cmd_validate,
    &pk_cmd_graph,        &pk_cmd_plan,
    &pk_cmd_apply,        &pk_cmd_destroy,
    &pk_cmd_status,       &pk_cmd_outputs,
    &pk_cmd_state_list,   &pk_cmd_state_show,
    &pk_cmd_state_rm,     &pk_cmd_unlock,
    &pk_cmd_version,      &pk_cmd_help,
    &pk_cmd_completion,   0,
};
