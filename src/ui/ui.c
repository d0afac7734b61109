#include "ui/ui_internal.h"

#include "base/fs.h"
#include "json/json.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>
#include <utf8proc.h>

#define MAX_RESULT ((size_t)256 << 20)

static bool locale_is_utf8(void) {
    static const char *const names[] = {"LC_ALL", "LC_CTYPE", "LANG"};
    for (size_t i = 0; i < PK_ARRAY_LEN(names); i++) {
        const char *value = getenv(names[i]);
        if (value && *value)
            return strcasestr(value, "utf-8") || strcasestr(value, "utf8");
    }
    return true; /* containers and CI seldom set a locale; their logs are UTF-8 */
}

static bool wants_color(const struct pk_ui_config *config, int fd) {
    const char *no_color = getenv("NO_COLOR");
    const char *term = getenv("TERM");
    if (config->no_color || (no_color && *no_color))
        return false;
    return isatty(fd) && term && *term && strcmp(term, "dumb") != 0;
}

static int terminal_width(const struct pk_ui_config *config) {
    struct winsize size;
    if (config->width > 0)
        return config->width;
    if ((isatty(config->out_fd) && ioctl(config->out_fd, TIOCGWINSZ, &size) == 0 &&
         size.ws_col >= 20) ||
        (isatty(config->err_fd) && ioctl(config->err_fd, TIOCGWINSZ, &size) == 0 &&
         size.ws_col >= 20))
        return size.ws_col;
    return 80;
}

struct pk_ui *pk_ui_new(const struct pk_ui_config *config) {
    struct pk_ui *ui = pk_calloc(1, sizeof(*ui));
    ui->config = *config;
    const char *term = getenv("TERM");
    ui->color_out = !config->output_path && config->format == PK_FORMAT_HUMAN &&
                    wants_color(config, config->out_fd);
    ui->color_err = wants_color(config, config->err_fd);
    ui->live = isatty(config->err_fd) && term && strcmp(term, "dumb") != 0 && !config->quiet &&
               config->format == PK_FORMAT_HUMAN && !getenv("CI");
    ui->unicode = locale_is_utf8();
    ui->width = terminal_width(config);
    pk_buf_init(&ui->out, MAX_RESULT);
    return ui;
}

static bool write_all(int fd, const char *data, size_t len) {
    while (len > 0) {
        ssize_t n = write(fd, data, len);
        if (n < 0 && errno == EINTR)
            continue;
        if (n <= 0)
            return false;
        data += n;
        len -= (size_t)n;
    }
    return true;
}

void pk_ui_flush(struct pk_ui *ui) {
    if (ui->config.output_path || ui->out.len == 0)
        return;
    if (!write_all(ui->config.out_fd, ui->out.ptr, ui->out.len))
        ui->write_errno = errno;
    pk_buf_reset(&ui->out);
}

bool pk_ui_close(struct pk_ui *ui, struct pk_error **err) {
    bool ok = true;
    if (ui->config.output_path)
        ok = ui->out.len == 0 ||
             pk_write_file(ui->config.output_path, ui->out.ptr, ui->out.len, 0644, err);
    else
        pk_ui_flush(ui);
    /* A reader that left early (head) is no failure of ours; a full disk is. */
    if (ok && ui->write_errno != 0 && ui->write_errno != EPIPE)
        ok = pk_fail_errno(err, ui->write_errno, "cannot write to standard output");
    pk_buf_release(&ui->out);
    free(ui);
    return ok;
}

enum pk_format pk_ui_format(const struct pk_ui *ui) {
    return ui->config.format;
}

bool pk_ui_interactive(const struct pk_ui *ui) {
    return isatty(ui->config.in_fd) && isatty(ui->config.err_fd);
}

bool pk_ui_live(const struct pk_ui *ui) {
    return ui->live;
}

bool pk_ui_unicode(const struct pk_ui *ui) {
    return ui->unicode;
}

int pk_ui_width(const struct pk_ui *ui) {
    return ui->width;
}

static const char *const style_codes[] = {
    [PK_STYLE_PLAIN] = "",          [PK_STYLE_BOLD] = "\033[1m",  [PK_STYLE_DIM] = "\033[2m",
    [PK_STYLE_GOOD] = "\033[32m",   [PK_STYLE_WARN] = "\033[33m", [PK_STYLE_BAD] = "\033[31m",
    [PK_STYLE_ACCENT] = "\033[36m",
};

void pk_ui_style(struct pk_buf *to, bool color, enum pk_style style, const char *text) {
    if (color && style != PK_STYLE_PLAIN && *text) {
        pk_buf_addz(to, style_codes[style]);
        pk_buf_addz(to, text);
        pk_buf_addz(to, "\033[0m");
    } else {
        pk_buf_addz(to, text);
    }
}

void pk_ui_err_write(struct pk_ui *ui, const char *text) {
    pk_ui_flush(ui);
    write_all(ui->config.err_fd, text, strlen(text));
}

void pk_ui_out(struct pk_ui *ui, const char *fmt, ...) {
    va_list args;
    va_start(args, fmt);
    char *text PK_CLEANUP(pk_freep) = pk_vasprintf(fmt, args);
    va_end(args);
    char *shown PK_CLEANUP(pk_freep) = pk_text_visible(text);
    pk_buf_addz(&ui->out, shown);
    if (strchr(text, '\n'))
        pk_ui_flush(ui);
}

void pk_ui_out_styled(struct pk_ui *ui, enum pk_style style, const char *fmt, ...) {
    va_list args;
    va_start(args, fmt);
    char *text PK_CLEANUP(pk_freep) = pk_vasprintf(fmt, args);
    va_end(args);
    char *shown PK_CLEANUP(pk_freep) = pk_text_visible(text);
    pk_ui_style(&ui->out, ui->color_out, style, shown);
}

void pk_ui_json(struct pk_ui *ui, const json_t *value) {
    bool pretty = ui->config.output_path || isatty(ui->config.out_fd);
    char *text PK_CLEANUP(pk_freep) =
        pretty ? pk_json_pretty(value) : json_dumps(value, JSON_COMPACT | JSON_ENCODE_ANY);
    pk_buf_addz(&ui->out, text ? text : "null");
    if (!pretty)
        pk_buf_addc(&ui->out, '\n');
    pk_ui_flush(ui);
}

PK_PRINTF(4, 0)
static void note(struct pk_ui *ui, enum pk_style style, const char *mark, const char *fmt,
                 va_list args) {
    char *text PK_CLEANUP(pk_freep) = pk_vasprintf(fmt, args);
    char *shown PK_CLEANUP(pk_freep) = pk_text_visible(text);
    struct pk_buf line PK_CLEANUP(pk_buf_release) = PK_BUF_INIT(MAX_RESULT);
    pk_ui_style(&line, ui->color_err, style, mark);
    pk_buf_addz(&line, shown);
    pk_buf_addc(&line, '\n');
    pk_ui_err_write(ui, pk_buf_cstr(&line));
}

void pk_ui_note(struct pk_ui *ui, const char *fmt, ...) {
    if (ui->config.quiet || ui->config.format != PK_FORMAT_HUMAN)
        return;
    va_list args;
    va_start(args, fmt);
    note(ui, PK_STYLE_PLAIN, "", fmt, args);
    va_end(args);
}

void pk_ui_good(struct pk_ui *ui, const char *fmt, ...) {
    if (ui->config.quiet || ui->config.format != PK_FORMAT_HUMAN)
        return;
    va_list args;
    va_start(args, fmt);
    note(ui, PK_STYLE_GOOD, ui->unicode ? "✓ " : "ok ", fmt, args);
    va_end(args);
}

void pk_ui_warn(struct pk_ui *ui, const char *fmt, ...) {
    va_list args;
    va_start(args, fmt);
    note(ui, PK_STYLE_WARN, "warning: ", fmt, args);
    va_end(args);
}

int pk_text_width(const char *text) {
    int width = 0;
    const utf8proc_uint8_t *p = (const utf8proc_uint8_t *)text;
    utf8proc_ssize_t left = (utf8proc_ssize_t)strlen(text);
    while (left > 0) {
        utf8proc_int32_t point;
        utf8proc_ssize_t n = utf8proc_iterate(p, left, &point);
        if (n <= 0) {
            n = 1;
            width++;
        } else {
            width += utf8proc_charwidth(point);
        }
        p += n;
        left -= n;
    }
    return width;
}

/* C0 and C1 controls, bidirectional overrides and broken UTF-8 become visible escapes: a name must
 * not move the cursor. */
static bool is_dangerous(utf8proc_int32_t c) {
    return (c < 0x20 && c != '\n' && c != '\t') || (c >= 0x7f && c < 0xa0) ||
           (c >= 0x202a && c <= 0x202e) || (c >= 0x2066 && c <= 0x2069) || c == 0x200e ||
           c == 0x200f || c == 0xfeff;
}

char *pk_text_visible(const char *text) {
    struct pk_buf out = PK_BUF_INIT(MAX_RESULT);
    const utf8proc_uint8_t *p = (const utf8proc_uint8_t *)text;
    utf8proc_ssize_t left = (utf8proc_ssize_t)strlen(text);
    while (left > 0) {
        utf8proc_int32_t point;
        utf8proc_ssize_t n = utf8proc_iterate(p, left, &point);
        if (n <= 0) {
            pk_buf_addf(&out, "\\x%02x", *p);
            n = 1;
        } else if (is_dangerous(point)) {
            if (point < 0x100)
                pk_buf_addf(&out, "\\x%02x", (unsigned)point);
            else
                pk_buf_addf(&out, "\\u%04x", (unsigned)point);
        } else {
            pk_buf_add(&out, p, (size_t)n);
        }
        p += n;
        left -= n;
    }
    return pk_buf_steal(&out);
}
