/*
 * mem.h - allocation that never returns NULL, and arenas.
 *
 * Layer 0. An arena belongs to one thread at a time. Out of memory prints one line and aborts:
 * safe, because the journal is written before and after every remote call. With PANKA_ARENA_MALLOC
 * defined at build time every arena item is its own malloc, so that sanitizers see misuse of single
 * items.
 */
#ifndef PK_BASE_MEM_H
#define PK_BASE_MEM_H

#include "base/base.h"

#include <stdarg.h>

/* Never NULL; release with free(). pk_calloc zeroes; products are checked for overflow. */
void *pk_malloc(size_t size);
void *pk_calloc(size_t count, size_t size);
void *pk_realloc(void *ptr, size_t count, size_t size);
char *pk_strdup(const char *text);
char *pk_strndup(const char *text, size_t len);
char *pk_asprintf(const char *fmt, ...) PK_PRINTF(1, 2);
char *pk_vasprintf(const char *fmt, va_list args) PK_PRINTF(1, 0);

/* Cleanup helper for PK_CLEANUP on any malloc'ed pointer. */
void pk_freep(void *ptr_to_ptr);
/* Overwrites the text in a way the compiler cannot drop, then frees it. NULL is fine. */
void pk_secret_free(char *secret);
void pk_secret_freep(char **secret);

/* A region of memory that is released as a whole. All results are zeroed and aligned for any type.
 */
struct pk_arena;
struct pk_arena *pk_arena_new(void);
void pk_arena_free(struct pk_arena *arena); /* NULL is fine */
void pk_arena_freep(struct pk_arena **arena);
void *pk_arena_alloc(struct pk_arena *arena, size_t size);
void *pk_arena_array(struct pk_arena *arena, size_t count, size_t size);
char *pk_arena_strdup(struct pk_arena *arena, const char *text);
char *pk_arena_strndup(struct pk_arena *arena, const char *text, size_t len);
char *pk_arena_printf(struct pk_arena *arena, const char *fmt, ...) PK_PRINTF(2, 3);
char *pk_arena_vprintf(struct pk_arena *arena, const char *fmt, va_list args) PK_PRINTF(2, 0);
/* Runs fn(data) when the arena is freed, newest first; for objects with their own life inside an
 * arena. */
void pk_arena_on_free(struct pk_arena *arena, void (*fn)(void *data), void *data);
/* Bytes handed out so far. */
size_t pk_arena_used(const struct pk_arena *arena);

#endif
