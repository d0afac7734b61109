/* mem.c - see mem.h. */
#include "base/mem.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#ifdef PANKA_ARENA_MALLOC
#define CHUNK_SIZE ((size_t)0) /* no room for a second item: one malloc each */
#else
#define CHUNK_SIZE ((size_t)16 << 10)
#endif
#define SHARED_MAX (CHUNK_SIZE / 4) /* larger items get a chunk of their own */

struct chunk {
    struct chunk *next;
    size_t cap;
    size_t used;
    max_align_t data[];
};

struct finalizer {
    struct finalizer *older;
    void (*fn)(void *data);
    void *data;
};

struct pk_arena {
    struct chunk *chunks; /* the first one is being filled */
    struct finalizer *finalizers;
    size_t used;
};

void pk_assert_failed(const char *what, const char *file, int line) {
    fprintf(stderr, "panka: internal error: %s does not hold (%s:%d)\n", what, file, line);
    abort();
}

PK_NORETURN static void out_of_memory(size_t size) {
    fprintf(stderr, "panka: out of memory (%zu bytes wanted)\n", size);
    abort();
}

static size_t product(size_t count, size_t size) {
    size_t total;
    if (__builtin_mul_overflow(count, size, &total)) {
        out_of_memory(SIZE_MAX);
    }
    return total;
}

void *pk_malloc(size_t size) {
    void *ptr = malloc(size == 0 ? 1 : size);
    if (ptr == NULL) {
        out_of_memory(size);
    }
    return ptr;
}

void *pk_calloc(size_t count, size_t size) {
    size_t total = product(count, size);
    void *ptr = calloc(1, total == 0 ? 1 : total);
    if (ptr == NULL) {
        out_of_memory(total);
    }
    return ptr;
}

void *pk_realloc(void *ptr, size_t count, size_t size) {
    size_t total = product(count, size);
    void *grown = realloc(ptr, total == 0 ? 1 : total);
    if (grown == NULL) {
        out_of_memory(total);
    }
    return grown;
}

char *pk_strdup(const char *text) {
    return pk_strndup(text, strlen(text));
}

char *pk_strndup(const char *text, size_t len) {
    size_t n = strnlen(text, len);
    char *copy = pk_malloc(n + 1);
    memcpy(copy, text, n);
    copy[n] = '\0';
    return copy;
}

char *pk_asprintf(const char *fmt, ...) {
    va_list args;
    va_start(args, fmt);
    char *text = pk_vasprintf(fmt, args);
    va_end(args);
    return text;
}

char *pk_vasprintf(const char *fmt, va_list args) {
    char *text = NULL;
    if (vasprintf(&text, fmt, args) < 0) {
        out_of_memory(0);
    }
    return text;
}

void pk_freep(void *ptr_to_ptr) {
    /* memcpy: the caller's pointer may have any type, and reading it as void * would alias. */
    void *ptr;
    memcpy(&ptr, ptr_to_ptr, sizeof(ptr));
    free(ptr);
    memset(ptr_to_ptr, 0, sizeof(ptr));
}

void pk_secret_free(char *secret) {
    if (secret == NULL) {
        return;
    }
    explicit_bzero(secret, strlen(secret));
    free(secret);
}

void pk_secret_freep(char **secret) {
    pk_secret_free(*secret);
    *secret = NULL;
}

struct pk_arena *pk_arena_new(void) {
    return pk_calloc(1, sizeof(struct pk_arena));
}

void pk_arena_free(struct pk_arena *arena) {
    if (arena == NULL) {
        return;
    }
    /* A finalizer may still use the arena, even add another one. */
    while (arena->finalizers != NULL) {
        struct finalizer *f = arena->finalizers;
        arena->finalizers = f->older;
        f->fn(f->data);
    }
    struct chunk *chunk = arena->chunks;
    while (chunk != NULL) {
        struct chunk *next = chunk->next;
        free(chunk);
        chunk = next;
    }
    free(arena);
}

void pk_arena_freep(struct pk_arena **arena) {
    pk_arena_free(*arena);
    *arena = NULL;
}

static struct chunk *chunk_new(size_t cap) {
    size_t total;
    if (__builtin_add_overflow(sizeof(struct chunk), cap, &total)) {
        out_of_memory(SIZE_MAX);
    }
    struct chunk *chunk = pk_calloc(1, total);
    chunk->cap = cap;
    return chunk;
}

void *pk_arena_alloc(struct pk_arena *arena, size_t size) {
    size_t align = _Alignof(max_align_t);
    struct chunk *head = arena->chunks;
    arena->used += size;
    if (head != NULL) {
        size_t start = (head->used + align - 1) & ~(align - 1);
        if (start < head->cap && size <= head->cap - start) {
            head->used = start + size;
            return (char *)head->data + start;
        }
    }
    if (size > SHARED_MAX) {
        struct chunk *own = chunk_new(size);
        own->used = own->cap;
        if (head == NULL) {
            arena->chunks = own;
        } else { /* behind the head, whose room is still good for small items */
            own->next = head->next;
            head->next = own;
        }
        return own->data;
    }
    struct chunk *fresh = chunk_new(CHUNK_SIZE);
    fresh->next = head;
    fresh->used = size;
    arena->chunks = fresh;
    return fresh->data;
}

void *pk_arena_array(struct pk_arena *arena, size_t count, size_t size) {
    return pk_arena_alloc(arena, product(count, size));
}

char *pk_arena_strdup(struct pk_arena *arena, const char *text) {
    return pk_arena_strndup(arena, text, strlen(text));
}

char *pk_arena_strndup(struct pk_arena *arena, const char *text, size_t len) {
    size_t n = strnlen(text, len);
    char *copy = pk_arena_alloc(arena, n + 1);
    memcpy(copy, text, n);
    return copy;
}

char *pk_arena_printf(struct pk_arena *arena, const char *fmt, ...) {
    va_list args;
    va_start(args, fmt);
    char *text = pk_arena_vprintf(arena, fmt, args);
    va_end(args);
    return text;
}

char *pk_arena_vprintf(struct pk_arena *arena, const char *fmt, va_list args) {
    va_list again;
    va_copy(again, args);
    char first[256]; /* most texts are short: printed once, copied */
    int printed = vsnprintf(first, sizeof(first), fmt, args);
    pk_assert(printed >= 0);
    size_t size = (size_t)printed + 1;
    char *text = pk_arena_alloc(arena, size);
    if (size <= sizeof(first)) {
        memcpy(text, first, size);
    } else {
        vsnprintf(text, size, fmt, again);
    }
    va_end(again);
    return text;
}

void pk_arena_on_free(struct pk_arena *arena, void (*fn)(void *data), void *data) {
    struct finalizer *f = pk_arena_alloc(arena, sizeof(*f));
    f->older = arena->finalizers;
    f->fn = fn;
    f->data = data;
    arena->finalizers = f;
}

size_t pk_arena_used(const struct pk_arena *arena) {
    return arena->used;
}
