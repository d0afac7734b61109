/* version, help, completion. */
#include "cli/commands.h"

#include "base/mem.h"
#include "cli/help.h"
#include "cli/parse.h"
#include "ops/version.h"
#include "json/json.h"

#include <stdlib.h>

struct help_args {
    struct pk_vec words;
};
struct completion_args {
    const char *shell;
};

static int run_version(struct pk_app *app, const void *args, struct pk_error **err) {
    (void)args;
    (void)err;
    if (pk_ui_format(app->ui) == PK_FORMAT_JSON) {
        json_t *o = json_pack("{s:s}", "version", PANKA_VERSION);
        pk_ui_json(app->ui, o);
        json_decref(o);
        return 0;
    }
    pk_ui_out(app->ui, "panka %s\n", PANKA_VERSION);
    return 0;
}

static int run_help(struct pk_app *app, const void *args, struct pk_error **err) {
    const struct help_args *a = args;
    struct pk_buf words PK_CLEANUP(pk_buf_release) = PK_BUF_INIT(4096);
    for (size_t i = 0; i < a->words.len; i++)
        pk_buf_addf(&words, "%s%s", i ? " " : "", (char *)a->words.items[i]);
    if (words.len == 0) {
        pk_help_overview(app->ui);
        return 0;
    }
    if (pk_streq(pk_buf_cstr(&words), "options")) {
        pk_help_command(app->ui, NULL);
        return 0;
    }
    const struct pk_command *c = pk_command_find(pk_buf_cstr(&words));
    if (c) {
        pk_help_command(app->ui, c);
        return 0;
    }
    for (size_t i = 0; pk_commands[i]; i++)
        if (pk_starts_with(pk_commands[i]->path, pk_buf_cstr(&words)) &&
            pk_commands[i]->path[words.len] == ' ') {
            pk_help_group(app->ui, pk_buf_cstr(&words));
            return 0;
        }
    pk_fail(err, PK_E_USAGE, "unknown command \"%s\"", pk_buf_cstr(&words));
    pk_error_hint(err, "`panka help` lists the commands");
    return -1;
}

static int run_completion(struct pk_app *app, const void *args, struct pk_error **err) {
    const struct completion_args *a = args;
    if (!pk_streq(a->shell, "bash") && !pk_streq(a->shell, "zsh") && !pk_streq(a->shell, "fish")) {
        pk_fail(err, PK_E_USAGE, "no completion for \"%s\"", a->shell);
        pk_error_hint(err, "one of bash, zsh, fish");
        return -1;
    }
    struct pk_buf script PK_CLEANUP(pk_buf_release) = PK_BUF_INIT((size_t)1 << 20);
    pk_completion_script(a->shell, &script);
    pk_ui_out(app->ui, "%s", pk_buf_cstr(&script));
    return 0;
}

/* clang-format off */
static const struct pk_positional help_positionals[] = {
    {"COMMAND", offsetof(struct help_args, words), false, true, "the command to explain, or `options`"}, {0},
};
static const struct pk_positional completion_positionals[] = {
    {"SHELL", offsetof(struct completion_args, shell), true, false, "bash, zsh or fish"}, {0},
};
/* clang-format on */
static const char *const help_examples[] = {"panka help", "panka help apply", "panka help options",
                                            NULL};
static const char *const version_examples[] = {"panka version", "panka version --json", NULL};
static const char *const completion_examples[] = {"panka completion bash", "panka completion fish",
                                                  NULL};

const struct pk_command pk_cmd_version = {
    .path = "version",
    .group = "Tool",
    .summary = "Show the version",
    .flags = PK_CMD_OFFLINE,
    .examples = version_examples,
    .formats = "human|json",
    .run = run_version,
};
const struct pk_command pk_cmd_help = {
    .path = "help",
    .group = "Tool",
    .summary = "Explain a command",
    .positionals = help_positionals,
    .args_size = sizeof(struct help_args),
    .flags = PK_CMD_OFFLINE,
    .examples = help_examples,
    .run = run_help,
};
const struct pk_command pk_cmd_completion = {
    .path = "completion",
    .group = "Tool",
    .summary = "Print a shell completion script",
    .positionals = completion_positionals,
    .args_size = sizeof(struct completion_args),
    .flags = PK_CMD_OFFLINE,
    .examples = completion_examples,
    .run = run_completion,
};
