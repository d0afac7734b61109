#include "ui/progress.h"

#include "ui/ui_internal.h"
#include "json/json.h"

#include <stdlib.h>
#include <string.h>

#define MAX_LIVE_LINES 12
#define BAR_WIDTH 20
#define PLAIN_WAIT_EVERY_MS 30000

struct running {
    const struct pk_action *action;
    char *waiting_for;
    int64_t started_ms, said_ms;
};

struct pk_progress_view {
    struct pk_ui *ui;
    const char *verb;
    struct pk_map *running; /* key -> struct running */
    int64_t started_ms, drawn_ms;
    size_t done, failed, total;
};

struct pk_progress_view *pk_progress_new(struct pk_ui *ui, const char *verb) {
    struct pk_progress_view *v = pk_calloc(1, sizeof(*v));
    v->ui = ui;
    v->verb = verb;
    v->running = pk_map_new();
    v->started_ms = pk_monotonic_ms(NULL);
    return v;
}

static void wipe(struct pk_progress_view *v) {
    if (v->ui->live_lines == 0)
        return;
    char *text PK_CLEANUP(pk_freep) = pk_asprintf("\033[%dA\033[J", v->ui->live_lines);
    pk_ui_err_write(v->ui, text);
    v->ui->live_lines = 0;
}

static void add_line(struct pk_progress_view *v, struct pk_buf *to, enum pk_style style,
                     const char *text) {
    char *visible PK_CLEANUP(pk_freep) = pk_text_visible(text);
    char *cut PK_CLEANUP(pk_freep) = pk_ui_cut(v->ui, visible, v->ui->width - 1);
    pk_ui_style(to, v->ui->color_err, style, cut);
    pk_buf_addc(to, '\n');
    v->ui->live_lines++;
}

static void draw(struct pk_progress_view *v) {
    wipe(v);
    struct pk_buf text PK_CLEANUP(pk_buf_release) = PK_BUF_INIT((size_t)1 << 20);
    struct pk_buf bar PK_CLEANUP(pk_buf_release) = PK_BUF_INIT(4096);
    size_t filled = v->total ? v->done * BAR_WIDTH / v->total : 0;
    for (size_t i = 0; i < BAR_WIDTH; i++)
        pk_buf_addz(&bar, i < filled ? (v->ui->unicode ? "█" : "#") : (v->ui->unicode ? "░" : "."));
    char elapsed[32];
    int64_t now = pk_monotonic_ms(NULL);
    pk_duration_human(now - v->started_ms, elapsed);
    char *head PK_CLEANUP(pk_freep) =
        pk_asprintf("%s  %s  %zu/%zu%s  elapsed %s", v->verb, pk_buf_cstr(&bar), v->done, v->total,
                    v->failed ? "  (failures)" : "", elapsed);
    add_line(v, &text, PK_STYLE_BOLD, head);
    size_t cursor = 0, shown = 0;
    const char *key;
    void *value;
    while (pk_map_next(v->running, &cursor, &key, &value)) {
        const struct running *r = value;
        if (++shown > MAX_LIVE_LINES)
            continue;
        char took[32];
        pk_duration_human(now - r->started_ms, took);
        char *line PK_CLEANUP(pk_freep) =
            pk_asprintf("  %s %s %s  %s%s%s", pk_action_symbol(r->action->kind), key,
                        pk_action_text(r->action->kind), took, r->waiting_for ? "  waiting: " : "",
                        r->waiting_for ? r->waiting_for : "");
        add_line(v, &text, PK_STYLE_PLAIN, line);
    }
    if (shown > MAX_LIVE_LINES) {
        char *more PK_CLEANUP(pk_freep) = pk_asprintf("  and %zu more", shown - MAX_LIVE_LINES);
        add_line(v, &text, PK_STYLE_DIM, more);
    }
    pk_ui_err_write(v->ui, pk_buf_cstr(&text));
    v->drawn_ms = now;
}

static void say(struct pk_progress_view *v, enum pk_style style, const char *mark, const char *fmt,
                ...) PK_PRINTF(4, 5);
static void say(struct pk_progress_view *v, enum pk_style style, const char *mark, const char *fmt,
                ...) {
    if (v->ui->config.quiet || v->ui->config.format != PK_FORMAT_HUMAN)
        return;
    va_list args;
    va_start(args, fmt);
    char *text PK_CLEANUP(pk_freep) = pk_vasprintf(fmt, args);
    va_end(args);
    char *visible PK_CLEANUP(pk_freep) = pk_text_visible(text);
    struct pk_buf line PK_CLEANUP(pk_buf_release) = PK_BUF_INIT((size_t)1 << 20);
    pk_buf_addz(&line, "  ");
    pk_ui_style(&line, v->ui->color_err, style, mark);
    pk_buf_addc(&line, ' ');
    pk_buf_addz(&line, visible);
    pk_buf_addc(&line, '\n');
    wipe(v);
    pk_ui_err_write(v->ui, pk_buf_cstr(&line));
}

static void json_event(struct pk_progress_view *v, const struct pk_event *e) {
    static const char *const names[] = {"started", "waiting", "done",     "failed",
                                        "skipped", "adopted", "stopping", "tick"};
    if (e->kind == PK_EVENT_TICK)
        return;
    json_t *o = json_object();
    pk_json_put_str(o, "event", names[e->kind]);
    if (e->action) {
        pk_json_put_str(o, "key", e->action->key);
        pk_json_put_str(o, "type", e->action->type);
        pk_json_put_str(o, "action", pk_action_text(e->action->kind));
    }
    pk_json_put_str(o, "text", e->text);
    pk_json_put_int(o, "elapsedMs", e->elapsed_ms);
    pk_json_put_int(o, "done", (int64_t)e->done);
    pk_json_put_int(o, "total", (int64_t)e->total);
    if (e->error)
        json_object_set_new(o, "error", pk_ui_error_json(e->error));
    char *line = json_dumps(o, JSON_COMPACT);
    json_decref(o);
    pk_buf_addz(&v->ui->out, line);
    pk_buf_addc(&v->ui->out, '\n');
    pk_ui_flush(v->ui);
    free(line);
}

static void forget(struct pk_progress_view *v, const char *key) {
    struct running *r = pk_map_remove(v->running, key);
    if (r)
        free(r->waiting_for);
    free(r);
}

static void on_waiting(struct pk_progress_view *v, const struct pk_event *e) {
    struct running *r = pk_map_get(v->running, e->action->key);
    if (!r)
        return;
    free(r->waiting_for);
    r->waiting_for = e->text ? pk_strdup(e->text) : NULL;
    int64_t now = pk_monotonic_ms(NULL);
    if (v->ui->live || now - r->said_ms < PLAIN_WAIT_EVERY_MS)
        return;
    r->said_ms = now;
    char took[32];
    pk_duration_human(e->elapsed_ms, took);
    say(v, PK_STYLE_DIM, "…", "%s: %s (%s)", e->action->key, e->text ? e->text : "waiting", took);
}

static const char *past(enum pk_action_kind kind) {
    switch (kind) {
    case PK_ACTION_CREATE:
        return "created";
    case PK_ACTION_UPDATE:
        return "updated";
    case PK_ACTION_REPLACE:
        return "replaced";
    case PK_ACTION_DELETE:
        return "deleted";
    case PK_ACTION_DELETE_DEPOSED:
        return "old one deleted";
    case PK_ACTION_FORGET:
        return "left in AWS, forgotten";
    case PK_ACTION_RESUME:
        return "finished";
    case PK_ACTION_NOOP:
        return "unchanged";
    }
    return "done";
}

void pk_progress_event(void *view, const struct pk_event *e) {
    struct pk_progress_view *v = view;
    v->done = e->done;
    v->failed = e->failed;
    v->total = e->total;
    if (v->ui->config.format == PK_FORMAT_JSON) {
        json_event(v, e);
        return;
    }
    bool of_run = e->kind == PK_EVENT_STOPPING || e->kind == PK_EVENT_TICK;
    if (!of_run && !e->action)
        return;
    char took[32];
    pk_duration_human(e->elapsed_ms, took);
    const char *key = of_run ? "" : e->action->key;
    bool unicode = v->ui->unicode;
    switch (e->kind) {
    case PK_EVENT_STARTED: {
        struct running *r = pk_calloc(1, sizeof(*r));
        r->action = e->action;
        r->started_ms = r->said_ms = pk_monotonic_ms(NULL);
        forget(v, key);
        pk_map_set(v->running, key, r);
        break;
    }
    case PK_EVENT_WAITING:
        on_waiting(v, e);
        break;
    case PK_EVENT_DONE:
        forget(v, key);
        say(v, PK_STYLE_GOOD, unicode ? "✓" : "ok", "%s %s  %s%s%s", key, past(e->action->kind),
            took, e->text ? "  " : "", e->text ? e->text : "");
        break;
    case PK_EVENT_FAILED:
        forget(v, key);
        say(v, PK_STYLE_BAD, unicode ? "✗" : "FAILED", "%s  %s", key,
            e->error ? e->error->message : "failed");
        break;
    case PK_EVENT_SKIPPED:
        forget(v, key);
        say(v, PK_STYLE_DIM, "-", "%s skipped%s%s", key, e->text ? ": " : "",
            e->text ? e->text : "");
        break;
    case PK_EVENT_ADOPTED:
        say(v, PK_STYLE_ACCENT, unicode ? "↺" : "=",
            "%s was already there from an interrupted run: adopted", key);
        break;
    case PK_EVENT_STOPPING:
        say(v, PK_STYLE_WARN, "!", "%s", e->text ? e->text : "stopping");
        break;
    case PK_EVENT_TICK:
        break;
    }
    int64_t now = pk_monotonic_ms(NULL);
    if (v->ui->live && (now - v->drawn_ms >= 100 || v->ui->live_lines == 0))
        draw(v);
}

void pk_progress_free(struct pk_progress_view *v) {
    if (!v)
        return;
    wipe(v);
    size_t cursor = 0;
    const char *key;
    void *value;
    while (pk_map_next(v->running, &cursor, &key, &value)) {
        free(((struct running *)value)->waiting_for);
        free(value);
    }
    pk_map_free(v->running);
    free(v);
}
