/* spans.c - where each typed value came from: a list of paths, sorted once it is complete. */
#include "schema/shape.h"

#include <stdlib.h>
#include <string.h>

struct entry {
    const char *path;
    struct pk_span span;
};

struct pk_spans {
    struct pk_span root;
    struct entry *items;
    size_t len, cap;
};

struct pk_spans *pk_spans_new(struct pk_arena *arena, struct pk_span root) {
    struct pk_spans *spans = pk_arena_alloc(arena, sizeof(*spans));
    spans->root = root;
    return spans;
}

void pk_spans_add(struct pk_arena *arena, struct pk_spans *spans, const char *path,
                  struct pk_span span) {
    if (spans->len == spans->cap) {
        spans->cap = spans->cap ? spans->cap * 2 : 32;
        spans->items = pk_realloc(spans->items, spans->cap, sizeof(*spans->items));
    }
    spans->items[spans->len++] = (struct entry){pk_arena_strdup(arena, path), span};
}

const struct pk_span *pk_spans_peek(const struct pk_spans *spans, const char *path) {
    for (size_t i = spans->len; i > 0; i--)
        if (strcmp(spans->items[i - 1].path, path) == 0)
            return &spans->items[i - 1].span;
    return NULL;
}

static int compare(const void *a, const void *b) {
    const struct entry *left = a, *right = b;
    return strcmp(left->path, right->path);
}

/* The list grows outside the arena, which would keep every smaller copy of it. */
void pk_spans_done(struct pk_arena *arena, struct pk_spans *spans) {
    struct entry *grown = spans->items;
    if (spans->len == 0)
        return;
    qsort(grown, spans->len, sizeof(*grown), compare);
    spans->items = pk_arena_array(arena, spans->len, sizeof(*grown));
    memcpy(spans->items, grown, spans->len * sizeof(*grown));
    free(grown);
}

static const struct entry *find(const struct pk_spans *spans, const char *path) {
    if (!spans || spans->len == 0)
        return NULL;
    struct entry key = {path, {0}};
    return bsearch(&key, spans->items, spans->len, sizeof(*spans->items), compare);
}

struct pk_span pk_spans_find(const struct pk_spans *spans, const char *path) {
    if (!spans)
        return (struct pk_span){0};
    const struct entry *entry = find(spans, path);
    if (entry)
        return entry->span;
    PK_CLEANUP(pk_freep) char *parent = pk_strdup(path);
    while (*parent) {
        char *dot = strrchr(parent, '.'), *bracket = strrchr(parent, '[');
        char *cut = dot > bracket ? dot : bracket;
        if (!cut)
            break;
        *cut = 0;
        entry = find(spans, parent);
        if (entry)
            return entry->span;
    }
    return spans->root;
}

bool pk_spans_has(const struct pk_spans *spans, const char *path) {
    return find(spans, path) != NULL;
}
