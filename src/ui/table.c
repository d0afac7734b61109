#include "ui/ui_internal.h"

#include <stdlib.h>
#include <string.h>

#define GAP 2
#define MAX_COLUMNS 16

void pk_ui_pad(struct pk_buf *to, int columns) {
    for (int i = 0; i < columns; i++)
        pk_buf_addc(to, ' ');
}

char *pk_ui_cut(const struct pk_ui *ui, const char *text, int width) {
    if (pk_text_width(text) <= width)
        return pk_strdup(text);
    const char *dots = ui->unicode ? "…" : "...";
    int room = width - pk_text_width(dots);
    size_t len = 0, step;
    for (int used = 0; text[len]; len += step) {
        step = 1;
        while (((unsigned char)text[len + step] & 0xc0) == 0x80)
            step++;
        char *one PK_CLEANUP(pk_freep) = pk_strndup(text + len, step);
        used += pk_text_width(one);
        if (used > room)
            break;
    }
    return pk_asprintf("%.*s%s", (int)len, text, dots);
}

static void markdown_row(struct pk_buf *to, const char *const *cells, size_t n) {
    for (size_t c = 0; c < n; c++) {
        pk_buf_addz(to, "| ");
        for (const char *p = cells[c] ? cells[c] : ""; *p; p++) {
            if (*p == '|')
                pk_buf_addc(to, '\\');
            pk_buf_addc(to, *p == '\n' ? ' ' : *p);
        }
        pk_buf_addc(to, ' ');
    }
    pk_buf_addz(to, "|\n");
}

/* The last column gives way first: it holds the longest texts by convention. */
static void fit(int *widths, size_t n, int total) {
    int sum = 0;
    for (size_t c = 0; c < n; c++)
        sum += widths[c] + (c + 1 < n ? GAP : 0);
    for (size_t c = n; c-- > 0 && sum > total;) {
        int least = c == 0 ? 12 : 8;
        int give = sum - total;
        if (give > widths[c] - least)
            give = widths[c] > least ? widths[c] - least : 0;
        widths[c] -= give;
        sum -= give;
    }
}

static void human_row(struct pk_ui *ui, const char *const *cells, const int *widths, size_t n,
                      enum pk_style style) {
    struct pk_buf line PK_CLEANUP(pk_buf_release) = PK_BUF_INIT((size_t)1 << 20);
    for (size_t c = 0; c < n; c++) {
        char *shown PK_CLEANUP(pk_freep) = pk_text_visible(cells[c] ? cells[c] : "");
        char *cell PK_CLEANUP(pk_freep) = pk_ui_cut(ui, shown, widths[c]);
        pk_ui_style(&line, ui->color_out, style, cell);
        if (c + 1 < n)
            pk_ui_pad(&line, widths[c] - pk_text_width(cell) + GAP);
    }
    while (line.len > 0 && line.ptr[line.len - 1] == ' ')
        line.len--;
    pk_buf_add(&ui->out, line.ptr, line.len);
    pk_buf_addc(&ui->out, '\n');
}

void pk_ui_table(struct pk_ui *ui, const char *const *headers, size_t n_columns,
                 const char *const *rows, size_t n_rows) {
    pk_assert(n_columns > 0 && n_columns <= MAX_COLUMNS);
    if (ui->config.format == PK_FORMAT_MARKDOWN) {
        const char *rule[MAX_COLUMNS];
        for (size_t c = 0; c < n_columns; c++)
            rule[c] = "---";
        markdown_row(&ui->out, headers, n_columns);
        markdown_row(&ui->out, rule, n_columns);
        for (size_t r = 0; r < n_rows; r++)
            markdown_row(&ui->out, rows + r * n_columns, n_columns);
        pk_ui_flush(ui);
        return;
    }
    int widths[MAX_COLUMNS];
    for (size_t c = 0; c < n_columns; c++) {
        widths[c] = pk_text_width(headers[c]);
        for (size_t r = 0; r < n_rows; r++) {
            const char *cell = rows[r * n_columns + c];
            int w = cell ? pk_text_width(cell) : 0;
            if (w > widths[c])
                widths[c] = w;
        }
    }
    if (ui->color_out || ui->live)
        fit(widths, n_columns, ui->width);
    human_row(ui, headers, widths, n_columns, PK_STYLE_DIM);
    for (size_t r = 0; r < n_rows; r++)
        human_row(ui, rows + r * n_columns, widths, n_columns, PK_STYLE_PLAIN);
    pk_ui_flush(ui);
}
