/*
 * ui_internal.h - shared by the files of ui/ only.
 *
 * Layer 9.
 */
#ifndef PK_UI_UI_INTERNAL_H
#define PK_UI_UI_INTERNAL_H

#include "base/mem.h"
#include "ui/ui.h"

struct pk_ui {
    struct pk_ui_config config;
    bool color_out, color_err, live, unicode;
    int width;
    struct pk_buf out; /* not yet written result text */
    int write_errno;
    int live_lines; /* lines of the live display that are on the screen */
};

void pk_ui_flush(struct pk_ui *ui);
/* Writes to standard error, after what waits for standard output. */
void pk_ui_err_write(struct pk_ui *ui, const char *text);
void pk_ui_style(struct pk_buf *to, bool color, enum pk_style style, const char *text);
/* Text cut to `width` columns, with "…" (or "...") when cut; malloc'ed. */
char *pk_ui_cut(const struct pk_ui *ui, const char *text, int width);
void pk_ui_pad(struct pk_buf *to, int columns);

#endif
