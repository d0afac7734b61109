/*
 * ui.h - the only place that prints: human text, JSON, markdown; colour, width, terminals.
 *
 * Layer 9. One thread (the coordinator). Results go to standard output (or --output FILE),
 * findings, errors, progress and questions to standard error. Control characters in anything that
 * came from a file or from AWS are made visible.
 */
#ifndef PK_UI_UI_H
#define PK_UI_UI_H

#include "base/diag.h"
#include "base/error.h"
#include "base/str.h"

#include <jansson.h>

enum pk_format { PK_FORMAT_HUMAN, PK_FORMAT_JSON, PK_FORMAT_MARKDOWN };

struct pk_ui_config {
    enum pk_format format;
    bool no_color; /* flag; NO_COLOR and TERM=dumb are looked at by the ui itself */
    bool quiet;
    const char *output_path; /* --output FILE: results are written there (0644, whole or absent) at
                                pk_ui_close */
    int out_fd, err_fd, in_fd; /* 1, 2, 0 */
    int width;                 /* 0 = the terminal's, 80 when there is none */
    int64_t fixed_now_ms;      /* tests: 0 = the real clock */
};

struct pk_ui;
struct pk_ui *pk_ui_new(const struct pk_ui_config *config);
PK_NODISCARD bool pk_ui_close(struct pk_ui *ui,
                              struct pk_error **err); /* flushes, writes --output, frees */
enum pk_format pk_ui_format(const struct pk_ui *ui);
bool pk_ui_interactive(
    const struct pk_ui *ui); /* standard input and error are terminals: prompts are possible */
bool pk_ui_live(const struct pk_ui *ui); /* standard error is a terminal that can redraw lines */
bool pk_ui_unicode(const struct pk_ui *ui);
int pk_ui_width(const struct pk_ui *ui);

enum pk_style {
    PK_STYLE_PLAIN,
    PK_STYLE_BOLD,
    PK_STYLE_DIM,
    PK_STYLE_GOOD,   /* green */
    PK_STYLE_WARN,   /* yellow */
    PK_STYLE_BAD,    /* red */
    PK_STYLE_ACCENT, /* cyan */
};

/* Result text (standard output). Human format only, except pk_ui_json. `text` may hold {b}bold{/}
 * style marks: see ui.c. */
void pk_ui_out(struct pk_ui *ui, const char *fmt, ...) PK_PRINTF(2, 3);
void pk_ui_out_styled(struct pk_ui *ui, enum pk_style style, const char *fmt, ...) PK_PRINTF(3, 4);
/* One JSON document on standard output (pretty on a terminal, else one line). Borrowed. */
void pk_ui_json(struct pk_ui *ui, const json_t *value);
/* Notes for people (standard error): dropped when quiet or not in human format. */
void pk_ui_note(struct pk_ui *ui, const char *fmt, ...) PK_PRINTF(2, 3);
void pk_ui_warn(struct pk_ui *ui, const char *fmt, ...)
    PK_PRINTF(2, 3); /* "warning: …", also when quiet */
void pk_ui_good(struct pk_ui *ui, const char *fmt, ...) PK_PRINTF(2, 3); /* "✓ …" */

/* Findings with excerpts; in JSON format a document (diagnostics +
 * summary). */
void pk_ui_diags(struct pk_ui *ui, const struct pk_diags *diags);
/* Only those at least as severe as `least` (human format). */
void pk_ui_diags_from(struct pk_ui *ui, const struct pk_diags *diags, enum pk_severity least);
json_t *pk_ui_diags_json(const struct pk_diags *diags); /* new reference */
/* The whole error: message, place, AWS block, detail, hint, cause. In JSON format an object
 * {"error": …} on standard output. */
void pk_ui_error(struct pk_ui *ui, const struct pk_error *error);
json_t *pk_ui_error_json(const struct pk_error *error);

/* Columns aligned by display width, cells cut to the terminal when it is one. rows: n_rows *
 * n_columns texts, NULL = "". In markdown a table. Styles per column may be NULL. */
void pk_ui_table(struct pk_ui *ui, const char *const *headers, size_t n_columns,
                 const char *const *rows, size_t n_rows);

/* Questions; all need a terminal: false with USAGE error naming the flag to use instead when there
 * is none. */
PK_NODISCARD bool pk_ui_confirm(struct pk_ui *ui, const char *question, const char *flag_instead,
                                bool *ret_yes, struct pk_error **err);
PK_NODISCARD bool pk_ui_confirm_typed(struct pk_ui *ui, const char *question, const char *must_type,
                                      const char *flag_instead, bool *ret_yes,
                                      struct pk_error **err);
PK_NODISCARD bool pk_ui_ask(struct pk_ui *ui, const char *question, const char *fallback,
                            const char *flag_instead, char **ret_answer, struct pk_error **err);
/* No echo, from /dev/tty; malloc'ed, wipe with pk_secret_free. */
PK_NODISCARD bool pk_ui_ask_secret(struct pk_ui *ui, const char *question, const char *flag_instead,
                                   char **ret_secret, struct pk_error **err);
/* One line (or all, at most max bytes) of standard input without its line end; for --…-stdin flags.
 * Wiped by the caller. */
PK_NODISCARD bool pk_ui_read_stdin(struct pk_ui *ui, size_t max, bool whole, char **ret,
                                   struct pk_error **err);

/* Display width in columns of UTF-8 text; and the text with control characters made visible
 * (malloc'ed). */
int pk_text_width(const char *text);
char *pk_text_visible(const char *text);

#endif
