/* diag.c - see diag.h. */
#include "base/diag.h"

#include "base/str.h"
#include "base/vec.h"

#include <stdlib.h>
#include <string.h>

#define KEPT_MAX 1000
#define N_SEVERITIES 3

struct pk_diags {
    struct pk_arena *arena;
    struct pk_vec items;
    size_t counts[N_SEVERITIES];
    struct pk_diag dropped; /* what callers get to write to when nothing more is kept */
};

_Static_assert(PK_SEVERITY_INFO + 1 == N_SEVERITIES, "one count for each severity");

struct pk_diags *pk_diags_new(void) {
    struct pk_diags *diags = pk_calloc(1, sizeof(*diags));
    diags->arena = pk_arena_new();
    return diags;
}

void pk_diags_free(struct pk_diags *diags) {
    if (diags == NULL) {
        return;
    }
    pk_vec_release(&diags->items);
    pk_arena_free(diags->arena);
    free(diags);
}

void pk_diags_freep(struct pk_diags **diags) {
    pk_diags_free(*diags);
    *diags = NULL;
}

struct pk_diag *pk_diag(struct pk_diags *diags, enum pk_severity severity, const char *id,
                        struct pk_span span, const char *fmt, ...) {
    diags->counts[severity]++;
    if (diags->items.len >= KEPT_MAX) {
        diags->dropped = (struct pk_diag){.severity = severity, .id = "", .message = ""};
        return &diags->dropped;
    }
    struct pk_diag *diag = pk_arena_alloc(diags->arena, sizeof(*diag));
    diag->severity = severity;
    diag->id = pk_arena_strdup(diags->arena, id);
    diag->span = span;
    va_list args;
    va_start(args, fmt);
    diag->message = pk_arena_vprintf(diags->arena, fmt, args);
    va_end(args);
    pk_vec_push(&diags->items, diag);
    return diag;
}

PK_PRINTF(4, 0)
static struct pk_diag *set_text(struct pk_diags *diags, struct pk_diag *diag, const char **field,
                                const char *fmt, va_list args) {
    if (diag != &diags->dropped) {
        *field = pk_arena_vprintf(diags->arena, fmt, args);
    }
    return diag;
}

struct pk_diag *pk_diag_help(struct pk_diags *diags, struct pk_diag *diag, const char *fmt, ...) {
    va_list args;
    va_start(args, fmt);
    set_text(diags, diag, &diag->help, fmt, args);
    va_end(args);
    return diag;
}

struct pk_diag *pk_diag_label(struct pk_diags *diags, struct pk_diag *diag, const char *fmt, ...) {
    va_list args;
    va_start(args, fmt);
    set_text(diags, diag, &diag->label, fmt, args);
    va_end(args);
    return diag;
}

struct pk_diag *pk_diag_detail(struct pk_diags *diags, struct pk_diag *diag, const char *fmt, ...) {
    va_list args;
    va_start(args, fmt);
    set_text(diags, diag, &diag->detail, fmt, args);
    va_end(args);
    return diag;
}

struct pk_diag *pk_diag_address(struct pk_diags *diags, struct pk_diag *diag, const char *fmt,
                                ...) {
    va_list args;
    va_start(args, fmt);
    set_text(diags, diag, &diag->address, fmt, args);
    va_end(args);
    return diag;
}

struct pk_diag *pk_diag_related(struct pk_diags *diags, struct pk_diag *diag, struct pk_span span,
                                const char *fmt, ...) {
    if (diag == &diags->dropped) {
        return diag;
    }
    va_list args;
    va_start(args, fmt);
    const char *message = pk_arena_vprintf(diags->arena, fmt, args);
    va_end(args);
    struct pk_related *grown = pk_arena_array(diags->arena, diag->n_related + 1, sizeof(*grown));
    if (diag->n_related > 0) {
        memcpy(grown, diag->related, diag->n_related * sizeof(*grown));
    }
    grown[diag->n_related] = (struct pk_related){span, message};
    diag->related = grown;
    diag->n_related++;
    return diag;
}

static int compare_u32(uint32_t a, uint32_t b) {
    return (a > b) - (a < b);
}

/* NULL before any text. */
static int compare_text(const char *a, const char *b) {
    if (a == NULL || b == NULL) {
        return (a != NULL) - (b != NULL);
    }
    return strcmp(a, b);
}

static int compare_start(const struct pk_span *a, const struct pk_span *b) {
    int order =
        compare_text(a->src == NULL ? NULL : a->src->path, b->src == NULL ? NULL : b->src->path);
    if (order == 0) {
        order = compare_u32(a->line, b->line);
    }
    return order != 0 ? order : compare_u32(a->column, b->column);
}

static int compare_span(const struct pk_span *a, const struct pk_span *b) {
    int order = compare_start(a, b);
    if (order == 0) {
        order = compare_u32(a->end_line, b->end_line);
    }
    return order != 0 ? order : compare_u32(a->end_column, b->end_column);
}

static int compare_related(const struct pk_diag *a, const struct pk_diag *b) {
    if (a->n_related != b->n_related) {
        return a->n_related < b->n_related ? -1 : 1;
    }
    int order = 0;
    for (size_t i = 0; i < a->n_related && order == 0; i++) {
        order = compare_span(&a->related[i].span, &b->related[i].span);
        if (order == 0) {
            order = compare_text(a->related[i].message, b->related[i].message);
        }
    }
    return order;
}

/* Goes on through every field: equal items are exact repeats and stand next to each other. */
static int compare_diag(const void *item_a, const void *item_b) {
    const struct pk_diag *a = item_a;
    const struct pk_diag *b = item_b;
    int order = compare_start(&a->span, &b->span);
    if (order == 0) {
        order = compare_text(a->id, b->id);
    }
    if (order == 0) {
        order = compare_span(&a->span, &b->span);
    }
    if (order == 0) {
        order = (a->severity > b->severity) - (a->severity < b->severity);
    }
    const char *texts_a[] = {a->address, a->message, a->label, a->detail, a->help};
    const char *texts_b[] = {b->address, b->message, b->label, b->detail, b->help};
    for (size_t i = 0; i < PK_ARRAY_LEN(texts_a) && order == 0; i++) {
        order = compare_text(texts_a[i], texts_b[i]);
    }
    return order != 0 ? order : compare_related(a, b);
}

void pk_diags_sort(struct pk_diags *diags) {
    pk_vec_sort(&diags->items, compare_diag);
    size_t kept = 0;
    for (size_t i = 0; i < diags->items.len; i++) {
        struct pk_diag *diag = diags->items.items[i];
        if (kept > 0 && compare_diag(diags->items.items[kept - 1], diag) == 0) {
            diags->counts[diag->severity]--;
        } else {
            diags->items.items[kept++] = diag;
        }
    }
    diags->items.len = kept;
}

size_t pk_diags_len(const struct pk_diags *diags) {
    return diags->items.len;
}

const struct pk_diag *pk_diags_at(const struct pk_diags *diags, size_t index) {
    pk_assert(index < diags->items.len);
    return diags->items.items[index];
}

size_t pk_diags_count(const struct pk_diags *diags, enum pk_severity severity) {
    return diags->counts[severity];
}

bool pk_diags_has_errors(const struct pk_diags *diags) {
    return diags->counts[PK_SEVERITY_ERROR] > 0;
}

bool pk_diags_fail(const struct pk_diags *diags, struct pk_error **err) {
    size_t n_errors = diags->counts[PK_SEVERITY_ERROR];
    size_t n_warnings = diags->counts[PK_SEVERITY_WARNING];
    if (n_warnings == 0) {
        return pk_fail(err, PK_E_CONFIG, "%zu error%s in the configuration", n_errors,
                       n_errors == 1 ? "" : "s");
    }
    return pk_fail(err, PK_E_CONFIG, "%zu error%s and %zu warning%s in the configuration", n_errors,
                   n_errors == 1 ? "" : "s", n_warnings, n_warnings == 1 ? "" : "s");
}

static const char *copy_text(struct pk_arena *arena, const char *text) {
    return text ? pk_arena_strdup(arena, text) : NULL;
}

void pk_diags_merge(struct pk_diags *diags, const struct pk_diags *from) {
    for (size_t i = 0; i < from->items.len; i++) {
        const struct pk_diag *d = from->items.items[i];
        struct pk_diag *copy = pk_diag(diags, d->severity, d->id, d->span, "%s", d->message);
        if (copy == &diags->dropped) {
            continue;
        }
        copy->label = copy_text(diags->arena, d->label);
        copy->detail = copy_text(diags->arena, d->detail);
        copy->help = copy_text(diags->arena, d->help);
        copy->address = copy_text(diags->arena, d->address);
        for (size_t r = 0; r < d->n_related; r++) {
            pk_diag_related(diags, copy, d->related[r].span, "%s", d->related[r].message);
        }
    }
    for (size_t s = 0; s < N_SEVERITIES; s++) {
        size_t kept = 0;
        for (size_t i = 0; i < from->items.len; i++) {
            kept += ((const struct pk_diag *)from->items.items[i])->severity == (enum pk_severity)s;
        }
        if (from->counts[s] > kept) {
            diags->counts[s] += from->counts[s] - kept;
        }
    }
}
