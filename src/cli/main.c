/* main.c - the only place that exits: signals, logging, parsing, and the exit status. */
#include "base/log.h"
#include "base/mem.h"
#include "cli/commands.h"
#include "cli/help.h"
#include "cli/parse.h"
#include "json/json.h"

#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <unistd.h>

static struct pk_cancel cancel;
static volatile sig_atomic_t signals_seen;

/* First: start nothing new. Second: end waits, save, leave. Third: leave. */
static void on_signal(int number) {
    (void)number;
    int saved = errno;
    signals_seen = signals_seen + 1;
    if (signals_seen == 1)
        pk_cancel_raise(&cancel, PK_CANCEL_STOP);
    else if (signals_seen == 2)
        pk_cancel_raise(&cancel, PK_CANCEL_NOW);
    else
        _exit(130);
    errno = saved;
}

/* Commands that change nothing simply end; the others finish what they have begun. */
static void set_signals(bool mutates) {
    struct sigaction action = {.sa_handler = SIG_IGN};
    sigaction(SIGPIPE, &action, NULL);
    if (!mutates)
        return;
    action.sa_handler = on_signal;
    sigaction(SIGINT, &action, NULL);
    sigaction(SIGTERM, &action, NULL);
}

/* Secrets pass through memory: no core files, no ptrace by other processes of the user. */
static void harden(void) {
    struct rlimit none = {0, 0};
    setrlimit(RLIMIT_CORE, &none);
#ifndef __SANITIZE_ADDRESS__
    prctl(PR_SET_DUMPABLE, 0);
#endif
    json_object_seed(0);
}

static void log_to_stderr(void *ctx, enum pk_log_level level, const char *line) {
    (void)ctx;
    (void)level;
    dprintf(STDERR_FILENO, "%s\n", line);
}

static bool choose_format(const struct pk_parsed *parsed, enum pk_format *ret,
                          struct pk_error **err) {
    const char *word = parsed->global.json ? "json" : parsed->global.format;
    *ret = PK_FORMAT_HUMAN;
    if (!word || pk_streq(word, "human"))
        return true;
    const char *allowed =
        parsed->command && parsed->command->formats ? parsed->command->formats : "human";
    struct pk_str rest = pk_str(allowed), one;
    while (pk_str_cut(&rest, '|', &one))
        if (pk_str_eqz(one, word)) {
            /* Further words (dot, mermaid) are drawn by their command as text. */
            *ret = pk_streq(word, "json")       ? PK_FORMAT_JSON
                   : pk_streq(word, "markdown") ? PK_FORMAT_MARKDOWN
                                                : PK_FORMAT_HUMAN;
            return true;
        }
    return pk_fail(err, PK_E_USAGE, "--format %s is not offered here", word) ||
           pk_error_hint(err, "forms of this command: %s", allowed);
}

static int run(struct pk_app *app, struct pk_parsed *parsed, struct pk_error **err) {
    const struct pk_command *c = parsed->command;
    if (!c || parsed->global.help) {
        if (c)
            pk_help_command(app->ui, c);
        else if (parsed->topic)
            pk_help_group(app->ui, parsed->topic);
        else
            pk_help_overview(app->ui);
        return c || parsed->global.help ? 0 : parsed->topic ? 64 : 0;
    }
    return c->run(app, parsed->args, err);
}

int main(int argc, char **argv) {
    harden();
    struct pk_parsed parsed;
    struct pk_error *err = NULL;
    enum pk_format format = PK_FORMAT_HUMAN;
    bool ok = pk_parse(argc, argv, &parsed, &err) && choose_format(&parsed, &format, &err);
    if (!ok && parsed.global.json)
        format = PK_FORMAT_JSON;
    if (parsed.global.verbose > 0)
        pk_log_setup((enum pk_log_level)(parsed.global.verbose > 3 ? 3 : parsed.global.verbose),
                     log_to_stderr, NULL);
    bool takes_output = parsed.command && !(parsed.command->flags & PK_CMD_OWN_OUTPUT);
    struct pk_ui_config config = {
        .format = format,
        .no_color = parsed.global.no_color,
        .quiet = parsed.global.quiet,
        .output_path = takes_output ? parsed.global.output : NULL,
        .out_fd = STDOUT_FILENO,
        .err_fd = STDERR_FILENO,
        .in_fd = STDIN_FILENO,
    };
    struct pk_app app = {.global = parsed.global, .cancel = &cancel, .program = "panka"};
    app.ui = pk_ui_new(&config);
    set_signals(parsed.command && (parsed.command->flags & PK_CMD_MUTATES));
    int status = ok ? run(&app, &parsed, &err) : -1;
    if (err) {
        pk_ui_error(app.ui, err);
        if (status <= 0)
            status = pk_code_exit_status(err->code);
    }
    pk_error_clear(&err);
    if (!pk_ui_close(app.ui, &err)) {
        dprintf(STDERR_FILENO, "error: %s\n", err ? err->message : "cannot write the result");
        status = status == 0 ? 1 : status;
    }
    pk_error_clear(&err);
    pk_parsed_release(&parsed);
    return status < 0 ? 1 : status;
}
