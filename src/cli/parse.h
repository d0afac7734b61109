/*
 * parse.h - a command line to a command and its typed arguments.
 *
 * Layer 10.
 */
#ifndef PK_CLI_PARSE_H
#define PK_CLI_PARSE_H

#include "cli/app.h"
#include "cli/command.h"

/* Options every command takes; the table help and completion read. */
extern const struct pk_option pk_global_options[];

struct pk_parsed {
    const struct pk_command *command; /* NULL: only global options (help, version, or nothing) */
    const char *topic; /* words that name a group ("admin tenant") or an unknown command */
    struct pk_global_args global;
    void *args; /* malloc'ed, command->args_size bytes; lists inside are released by
                   pk_parsed_release */
};

/* Errors are USAGE with a suggestion; argv's texts are borrowed. */
PK_NODISCARD bool pk_parse(int argc, char *const *argv, struct pk_parsed *ret,
                           struct pk_error **err);
void pk_parsed_release(struct pk_parsed *parsed);
const struct pk_command *pk_command_find(const char *path);

#endif
