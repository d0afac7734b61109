/*
 * help.h - help texts and shell completions from the command table.
 *
 * Layer 10.
 */
#ifndef PK_CLI_HELP_H
#define PK_CLI_HELP_H

#include "cli/command.h"
#include "ui/ui.h"

void pk_help_overview(struct pk_ui *ui); /* every command by group */
void pk_help_group(struct pk_ui *ui,
                   const char *words); /* the commands that begin with these words */
void pk_help_command(struct pk_ui *ui, const struct pk_command *command);
/* shell: "bash", "zsh" or "fish"; the script goes to ret. */
void pk_completion_script(const char *shell, struct pk_buf *ret);

#endif
