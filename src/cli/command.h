/*
 * command.h - commands as data: one record per command; parsing, --help, completion and docs come
 * from it.
 *
 * Layer 10. A cmd_<name>.c defines its option table, its arguments struct, and its run function;
 * commands.c lists the records.
 */
#ifndef PK_CLI_COMMAND_H
#define PK_CLI_COMMAND_H

#include "base/error.h"
#include "base/vec.h"

struct pk_app; /* cli/app.h: global flags, settings, ui */

enum pk_opt_type {
    PK_OPT_FLAG,     /* bool */
    PK_OPT_STR,      /* const char * */
    PK_OPT_INT,      /* int64_t, min..max */
    PK_OPT_DURATION, /* int64_t seconds */
    PK_OPT_LIST,     /* struct pk_vec of const char *, repeatable; `split` also cuts at commas */
    PK_OPT_ENUM,     /* const char *, one of `allowed` */
};

struct pk_option {
    const char *name; /* "auto-approve": --auto-approve; NULL ends the table */
    char letter;      /* 'e' or 0 */
    enum pk_opt_type type;
    size_t offset;       /* offsetof in the arguments struct */
    const char *value;   /* placeholder in help: "ENV", "KEY" */
    const char *allowed; /* ENUM: "human|json"; completion uses it */
    int64_t min, max;    /* INT */
    const char *help;    /* one line */
    bool split;
    bool required;
};

struct pk_positional {
    const char *name; /* "FOLDER"; NULL ends the table */
    size_t offset;    /* const char *, or struct pk_vec when `many` */
    bool required, many;
    const char *help;
};

enum pk_command_flag {
    PK_CMD_HIDDEN = 1 << 0,
    PK_CMD_NEEDS_STATE = 1 << 1,
    PK_CMD_NEEDS_LOCK = 1 << 2,
    PK_CMD_MUTATES = 1 << 3,
    PK_CMD_ADMIN = 1 << 4,
    PK_CMD_OFFLINE = 1 << 5,
    PK_CMD_OWN_OUTPUT = 1 << 6, /* --output means something of its own */
};

struct pk_command {
    const char *path;        /* "admin tenant init" */
    const char *group;       /* heading in help: "set-up", "deploy" … */
    const char *summary;     /* one line, no full stop */
    const char *description; /* paragraphs, or NULL */
    const struct pk_option *options;
    const struct pk_positional *positionals;
    size_t args_size;
    unsigned flags;
    const char *const *examples; /* complete command lines, NULL-terminated; a test parses each */
    const char
        *formats; /* "human|json|markdown": which --format words it takes; NULL = human only */
    /* Returns the exit status. *err set: the status is that of the error. */
    int (*run)(struct pk_app *app, const void *args, struct pk_error **err);
};

extern const struct pk_command *const pk_commands[]; /* NULL-terminated, in the order of help */

#endif
