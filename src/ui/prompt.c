#include "ui/ui_internal.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <termios.h>
#include <unistd.h>

#define MAX_ANSWER 4096

static bool no_terminal(const char *what, const char *flag_instead, struct pk_error **err) {
    return pk_fail(err, PK_E_USAGE, "%s needs an answer, and there is no terminal to ask", what) ||
           pk_error_hint(err, "pass %s", flag_instead);
}

/* Reads up to a line end from fd, byte by byte so that nothing after it is taken away. False at
 * once on end of input. */
static bool read_line(int fd, char *ret, size_t size) {
    size_t len = 0;
    for (;;) {
        char c;
        ssize_t n = read(fd, &c, 1);
        if (n < 0 && errno == EINTR)
            return false; /* Ctrl-C at a prompt means no */
        if (n <= 0)
            break;
        if (c == '\n')
            break;
        if (len + 1 < size)
            ret[len++] = c;
    }
    if (len > 0 && ret[len - 1] == '\r')
        len--;
    ret[len] = '\0';
    return len > 0;
}

bool pk_ui_ask(struct pk_ui *ui, const char *question, const char *fallback,
               const char *flag_instead, char **ret_answer, struct pk_error **err) {
    if (!pk_ui_interactive(ui))
        return no_terminal(question, flag_instead, err);
    char *text PK_CLEANUP(pk_freep) =
        fallback ? pk_asprintf("%s [%s]: ", question, fallback) : pk_asprintf("%s: ", question);
    pk_ui_err_write(ui, text);
    char answer[MAX_ANSWER];
    bool any = read_line(ui->config.in_fd, answer, sizeof(answer));
    if (!any && !fallback)
        return pk_fail(err, PK_E_USAGE, "no answer to \"%s\"", question) ||
               pk_error_hint(err, "pass %s", flag_instead);
    *ret_answer = pk_strdup(any ? answer : fallback);
    return true;
}

bool pk_ui_confirm(struct pk_ui *ui, const char *question, const char *flag_instead, bool *ret_yes,
                   struct pk_error **err) {
    char *answer PK_CLEANUP(pk_freep) = NULL;
    char *full PK_CLEANUP(pk_freep) = pk_asprintf("%s (yes/no)", question);
    if (!pk_ui_ask(ui, full, "no", flag_instead, &answer, err))
        return false;
    *ret_yes = pk_strieq(answer, "yes") || pk_strieq(answer, "y");
    return true;
}

bool pk_ui_confirm_typed(struct pk_ui *ui, const char *question, const char *must_type,
                         const char *flag_instead, bool *ret_yes, struct pk_error **err) {
    char *answer PK_CLEANUP(pk_freep) = NULL;
    char *full PK_CLEANUP(pk_freep) = pk_asprintf("%s\nType %s to go on", question, must_type);
    if (!pk_ui_ask(ui, full, "", flag_instead, &answer, err))
        return false;
    *ret_yes = pk_streq(answer, must_type);
    return true;
}

bool pk_ui_ask_secret(struct pk_ui *ui, const char *question, const char *flag_instead,
                      char **ret_secret, struct pk_error **err) {
    int fd = open("/dev/tty", O_RDWR | O_CLOEXEC | O_NOCTTY);
    struct termios old, quiet;
    if (fd < 0 || tcgetattr(fd, &old) != 0) {
        if (fd >= 0)
            close(fd);
        return no_terminal(question, flag_instead, err);
    }
    pk_ui_flush(ui);
    /* While the echo is off a signal must not leave the terminal dumb. */
    sigset_t block, before;
    sigemptyset(&block);
    sigaddset(&block, SIGINT);
    sigaddset(&block, SIGTERM);
    sigaddset(&block, SIGTSTP);
    pthread_sigmask(SIG_BLOCK, &block, &before);
    quiet = old;
    quiet.c_lflag &= ~(tcflag_t)(ECHO | ECHONL);
    tcsetattr(fd, TCSAFLUSH, &quiet);
    dprintf(fd, "%s: ", question);
    char answer[MAX_ANSWER];
    bool any = read_line(fd, answer, sizeof(answer));
    tcsetattr(fd, TCSAFLUSH, &old);
    dprintf(fd, "\n");
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    close(fd);
    if (any)
        *ret_secret = pk_strdup(answer);
    explicit_bzero(answer, sizeof(answer));
    return any || pk_fail(err, PK_E_USAGE, "nothing was entered") ||
           pk_error_hint(err, "pass %s", flag_instead);
}

bool pk_ui_read_stdin(struct pk_ui *ui, size_t max, bool whole, char **ret, struct pk_error **err) {
    char *text = pk_malloc(max + 2);
    size_t len = 0;
    while (len <= max) {
        ssize_t n = read(ui->config.in_fd, text + len, max + 1 - len);
        if (n < 0 && errno == EINTR)
            continue;
        if (n <= 0)
            break;
        len += (size_t)n;
        if (!whole && memchr(text, '\n', len))
            break;
    }
    bool fits = len <= max, has_nul = memchr(text, 0, len) != NULL;
    text[len] = '\0';
    char *nl = strchr(text, '\n');
    if (nl && (!whole || nl[1] == '\0'))
        *nl = '\0';
    if (!whole || nl)
        text[strcspn(text, "\r") < strlen(text) && !whole ? strcspn(text, "\r") : strlen(text)] =
            '\0';
    if (!fits || has_nul || !*text) {
        explicit_bzero(text, max + 2);
        free(text);
        return pk_fail(err, PK_E_USAGE, "%s",
                       !fits     ? "standard input holds more than is allowed here"
                       : has_nul ? "standard input holds a NUL byte"
                                 : "standard input is empty");
    }
    *ret = text;
    return true;
}
