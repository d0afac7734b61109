#include "ui/ui_internal.h"

#include "json/json.h"

#include <stdlib.h>
#include <string.h>

#define MAX_REPORT ((size_t)16 << 20)
#define MAX_EXCERPT_COLUMNS 160

static const char *severity_word(enum pk_severity severity) {
    switch (severity) {
    case PK_SEVERITY_ERROR:
        return "error";
    case PK_SEVERITY_WARNING:
        return "warning";
    case PK_SEVERITY_INFO:
        return "info";
    }
    return "error";
}

static enum pk_style severity_style(enum pk_severity severity) {
    return severity == PK_SEVERITY_ERROR     ? PK_STYLE_BAD
           : severity == PK_SEVERITY_WARNING ? PK_STYLE_WARN
                                             : PK_STYLE_ACCENT;
}

/* The source line `line` (from 1) as a view; empty when there is none. */
static struct pk_str source_line(const struct pk_source *source, uint32_t line) {
    const char *p = source->text, *end = source->text + source->len;
    for (uint32_t i = 1; i < line && p < end; i++) {
        const char *nl = memchr(p, '\n', (size_t)(end - p));
        p = nl ? nl + 1 : end;
    }
    const char *nl = p < end ? memchr(p, '\n', (size_t)(end - p)) : NULL;
    size_t len = (size_t)((nl ? nl : end) - p);
    if (len > 0 && p[len - 1] == '\r')
        len--;
    return pk_str_n(p, len);
}

/* Byte offset of code point column `column` (from 1). */
static size_t column_offset(struct pk_str line, uint32_t column) {
    size_t i = 0;
    for (uint32_t c = 1; c < column && i < line.len; c++) {
        i++;
        while (i < line.len && ((unsigned char)line.ptr[i] & 0xc0) == 0x80)
            i++;
    }
    return i;
}

static int view_width(struct pk_str s) {
    char *text PK_CLEANUP(pk_freep) = pk_strndup(s.ptr, s.len);
    char *shown PK_CLEANUP(pk_freep) = pk_text_visible(text);
    return pk_text_width(shown);
}

static void add_visible(struct pk_buf *to, struct pk_str s) {
    char *text PK_CLEANUP(pk_freep) = pk_strndup(s.ptr, s.len);
    for (char *p = text; *p; p++)
        if (*p == '\t')
            *p = ' ';
    char *shown PK_CLEANUP(pk_freep) = pk_text_visible(text);
    pk_buf_addz(to, shown);
}

static int digits(uint32_t n) {
    int d = 1;
    while (n >= 10) {
        n /= 10;
        d++;
    }
    return d;
}

/* The place, the line and the carets. */
static void excerpt(struct pk_ui *ui, struct pk_buf *to, struct pk_span span, const char *label,
                    enum pk_style style) {
    if (!span.src)
        return;
    char line_no[16];
    snprintf(line_no, sizeof(line_no), "%u", span.line);
    int margin = digits(span.line);
    pk_ui_pad(to, margin);
    char *place PK_CLEANUP(pk_freep) = pk_asprintf("%s %s:%u:%u", ui->unicode ? " ┌─" : " -->",
                                                   span.src->path, span.line, span.column);
    char *place_shown PK_CLEANUP(pk_freep) = pk_text_visible(place);
    pk_ui_style(to, ui->color_err, PK_STYLE_DIM, place_shown);
    pk_buf_addc(to, '\n');
    struct pk_str line = source_line(span.src, span.line);
    if (line.len == 0)
        return;
    const char *bar = ui->unicode ? "│ " : "| ";
    size_t from = column_offset(line, span.column);
    size_t upto = span.end_line == span.line && span.end_column > span.column
                      ? column_offset(line, span.end_column)
                      : line.len;
    size_t cut = 0;
    if (view_width(pk_str_n(line.ptr, upto)) > MAX_EXCERPT_COLUMNS) {
        cut = from;
        if (upto > from + 60)
            upto = from + 60;
    }
    size_t show = line.len - cut > MAX_EXCERPT_COLUMNS ? MAX_EXCERPT_COLUMNS : line.len - cut;
    pk_ui_style(to, ui->color_err, PK_STYLE_DIM, line_no);
    pk_buf_addc(to, ' ');
    pk_ui_style(to, ui->color_err, PK_STYLE_DIM, bar);
    add_visible(to, pk_str_n(line.ptr + cut, show));
    pk_buf_addc(to, '\n');
    pk_ui_pad(to, margin + 1);
    pk_ui_style(to, ui->color_err, PK_STYLE_DIM, bar);
    pk_ui_pad(to, view_width(pk_str_n(line.ptr + cut, from - cut)));
    struct pk_buf carets PK_CLEANUP(pk_buf_release) = PK_BUF_INIT(4096);
    int n = upto > from ? view_width(pk_str_n(line.ptr + from, upto - from)) : 1;
    for (int i = 0; i < (n > 0 ? n : 1); i++)
        pk_buf_addc(&carets, '^');
    if (label) {
        char *shown PK_CLEANUP(pk_freep) = pk_text_visible(label);
        pk_buf_addc(&carets, ' ');
        pk_buf_addz(&carets, shown);
    }
    pk_ui_style(to, ui->color_err, style, pk_buf_cstr(&carets));
    pk_buf_addc(to, '\n');
}

/* "  = help: …" with continuation lines aligned below the text. */
static void note_lines(struct pk_ui *ui, struct pk_buf *to, const char *word, const char *text) {
    if (!text || !*text)
        return;
    char *shown PK_CLEANUP(pk_freep) = pk_text_visible(text);
    char *head PK_CLEANUP(pk_freep) = pk_asprintf("  = %s: ", word);
    int indent = pk_text_width(head);
    struct pk_str rest = pk_str(shown), line;
    for (bool first = true; pk_str_cut(&rest, '\n', &line); first = false) {
        if (first)
            pk_ui_style(to, ui->color_err, PK_STYLE_ACCENT, head);
        else
            pk_ui_pad(to, indent);
        pk_buf_add(to, line.ptr, line.len);
        pk_buf_addc(to, '\n');
    }
}

static void headline(struct pk_ui *ui, struct pk_buf *to, enum pk_severity severity, const char *id,
                     const char *message) {
    char *head PK_CLEANUP(pk_freep) = id ? pk_asprintf("%s[%s]: ", severity_word(severity), id)
                                         : pk_asprintf("%s: ", severity_word(severity));
    pk_ui_style(to, ui->color_err, severity_style(severity), head);
    char *shown PK_CLEANUP(pk_freep) = pk_text_visible(message);
    pk_ui_style(to, ui->color_err, PK_STYLE_BOLD, shown);
    pk_buf_addc(to, '\n');
}

static void one_diag(struct pk_ui *ui, struct pk_buf *to, const struct pk_diag *d) {
    headline(ui, to, d->severity, d->id, d->message);
    excerpt(ui, to, d->span, d->label, severity_style(d->severity));
    if (d->address && !d->span.src)
        note_lines(ui, to, "at", d->address);
    note_lines(ui, to, "why", d->detail);
    for (size_t i = 0; i < d->n_related; i++) {
        note_lines(ui, to, "see", d->related[i].message);
        excerpt(ui, to, d->related[i].span, NULL, PK_STYLE_ACCENT);
    }
    note_lines(ui, to, "help", d->help);
    pk_buf_addc(to, '\n');
}

/* Workflow commands that make GitHub show findings at their lines. */
static void annotation(struct pk_buf *to, const struct pk_diag *d) {
    static const char *const kinds[] = {"error", "warning", "notice"};
    pk_buf_addf(to, "::%s ", kinds[d->severity]);
    if (d->span.src)
        pk_buf_addf(to, "file=%s,line=%u,col=%u,", d->span.src->path, d->span.line, d->span.column);
    pk_buf_addf(to, "title=%s::", d->id);
    for (const char *p = d->message; *p; p++) {
        if (*p == '%' || *p == '\n' || *p == '\r')
            pk_buf_addf(to, "%%%02X", (unsigned char)*p);
        else
            pk_buf_addc(to, *p);
    }
    pk_buf_addc(to, '\n');
}

void pk_ui_diags(struct pk_ui *ui, const struct pk_diags *diags) {
    pk_ui_diags_from(ui, diags, PK_SEVERITY_INFO);
}

void pk_ui_diags_from(struct pk_ui *ui, const struct pk_diags *diags, enum pk_severity least) {
    if (ui->config.format == PK_FORMAT_JSON) {
        json_t *json = pk_ui_diags_json(diags);
        pk_ui_json(ui, json);
        json_decref(json);
        return;
    }
    struct pk_buf text PK_CLEANUP(pk_buf_release) = PK_BUF_INIT(MAX_REPORT);
    bool github = getenv("GITHUB_ACTIONS") != NULL;
    for (size_t i = 0; i < pk_diags_len(diags); i++) {
        const struct pk_diag *d = pk_diags_at(diags, i);
        if (d->severity > least || (ui->config.quiet && d->severity != PK_SEVERITY_ERROR))
            continue;
        one_diag(ui, &text, d);
        if (github)
            annotation(&text, d);
    }
    size_t shown = pk_diags_len(diags);
    size_t all = pk_diags_count(diags, PK_SEVERITY_ERROR) +
                 pk_diags_count(diags, PK_SEVERITY_WARNING) +
                 pk_diags_count(diags, PK_SEVERITY_INFO);
    if (all > shown)
        pk_buf_addf(&text, "… and %zu more\n", all - shown);
    pk_ui_err_write(ui, pk_buf_cstr(&text));
}

static void put_place(json_t *to, struct pk_span span) {
    if (!span.src)
        return;
    pk_json_put_str(to, "file", span.src->path);
    pk_json_put_int(to, "line", span.line);
    pk_json_put_int(to, "column", span.column);
    pk_json_put_int(to, "endLine", span.end_line);
    pk_json_put_int(to, "endColumn", span.end_column);
}

json_t *pk_ui_diags_json(const struct pk_diags *diags) {
    json_t *list = json_array();
    for (size_t i = 0; i < pk_diags_len(diags); i++) {
        const struct pk_diag *d = pk_diags_at(diags, i);
        json_t *item = json_object();
        pk_json_put_str(item, "id", d->id);
        pk_json_put_str(item, "severity", severity_word(d->severity));
        pk_json_put_str(item, "message", d->message);
        pk_json_put_str(item, "detail", d->detail);
        pk_json_put_str(item, "help", d->help);
        put_place(item, d->span);
        pk_json_put_str(item, "address", d->address);
        json_t *related = json_array();
        for (size_t r = 0; r < d->n_related; r++) {
            json_t *place = json_object();
            put_place(place, d->related[r].span);
            pk_json_put_str(place, "message", d->related[r].message);
            json_array_append_new(related, place);
        }
        json_object_set_new(item, "related", related);
        json_array_append_new(list, item);
    }
    json_t *root = json_object();
    json_object_set_new(root, "diagnostics", list);
    pk_json_put_int(root, "summary.errors", (int64_t)pk_diags_count(diags, PK_SEVERITY_ERROR));
    pk_json_put_int(root, "summary.warnings", (int64_t)pk_diags_count(diags, PK_SEVERITY_WARNING));
    return root;
}

static void aws_lines(struct pk_ui *ui, struct pk_buf *to, const struct pk_error *e) {
    if (!e->aws.service)
        return;
    struct pk_buf line PK_CLEANUP(pk_buf_release) = PK_BUF_INIT(65536);
    pk_buf_addf(&line, "%s %s", e->aws.service, e->aws.operation ? e->aws.operation : "");
    if (e->aws.code)
        pk_buf_addf(&line, " answered %s", e->aws.code);
    if (e->aws.http_status)
        pk_buf_addf(&line, " (HTTP %d)", e->aws.http_status);
    if (e->aws.request_id)
        pk_buf_addf(&line, ", request id %s", e->aws.request_id);
    note_lines(ui, to, "aws", pk_buf_cstr(&line));
}

void pk_ui_error(struct pk_ui *ui, const struct pk_error *e) {
    if (ui->config.format == PK_FORMAT_JSON) {
        json_t *root = json_pack("{s:o}", "error", pk_ui_error_json(e));
        pk_ui_json(ui, root);
        json_decref(root);
        return;
    }
    struct pk_buf text PK_CLEANUP(pk_buf_release) = PK_BUF_INIT(MAX_REPORT);
    headline(ui, &text, PK_SEVERITY_ERROR, e->id, e->message);
    excerpt(ui, &text, e->span, NULL, PK_STYLE_BAD);
    note_lines(ui, &text, "resource", e->address);
    aws_lines(ui, &text, e);
    note_lines(ui, &text, "why", e->detail);
    int depth = 0;
    for (const struct pk_error *c = e->cause; c && depth < 8; c = c->cause, depth++) {
        note_lines(ui, &text, "because", c->message);
        aws_lines(ui, &text, c);
    }
    note_lines(ui, &text, "help", e->hint ? e->hint : pk_code_hint(e->code));
    pk_ui_err_write(ui, pk_buf_cstr(&text));
}

json_t *pk_ui_error_json(const struct pk_error *e) {
    json_t *o = json_object();
    pk_json_put_str(o, "code", e->id ? e->id : pk_code_id(e->code));
    pk_json_put_str(o, "message", e->message);
    pk_json_put_str(o, "detail", e->detail);
    pk_json_put_str(o, "help", e->hint ? e->hint : pk_code_hint(e->code));
    pk_json_put_str(o, "address", e->address);
    put_place(o, e->span);
    if (e->aws.service) {
        pk_json_put_str(o, "aws.service", e->aws.service);
        pk_json_put_str(o, "aws.operation", e->aws.operation);
        pk_json_put_str(o, "aws.code", e->aws.code);
        pk_json_put_str(o, "aws.requestId", e->aws.request_id);
        pk_json_put_int(o, "aws.httpStatus", e->aws.http_status);
    }
    if (e->cause)
        json_object_set_new(o, "cause", pk_ui_error_json(e->cause));
    return o;
}
