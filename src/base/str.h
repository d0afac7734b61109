/*
 * str.h - string views and the growable buffer.
 *
 * Layer 0. struct pk_str is a view: it owns nothing, need not end with NUL and is passed by value.
 * struct pk_buf owns its bytes, always ends with NUL (not counted in len) and has a mandatory
 * maximum: growing past it sets `overflow`, drops the bytes and all later ones (until
 * pk_buf_reset), and the caller checks once at the end.
 */
#ifndef PK_BASE_STR_H
#define PK_BASE_STR_H

#include "base/base.h"

#include <stdarg.h>

struct pk_str {
    const char *ptr;
    size_t len;
};

#define PK_STR_FMT "%.*s"
#define PK_STR_ARG(s) (int)(s).len, (s).ptr

struct pk_str pk_str(const char *text); /* NULL gives the empty view */
struct pk_str pk_str_n(const char *text, size_t len);
bool pk_str_eq(struct pk_str a, struct pk_str b);
bool pk_str_eqz(struct pk_str a, const char *text);
struct pk_str pk_str_trim(struct pk_str s); /* ASCII white space on both ends */
/* Cuts the part before the first `sep` off *rest into *ret_part; false when *rest was already used
 * up (its ptr is NULL). So "a,,b" has three parts, "a," has two (the last one empty) and "" has
 * one. */
bool pk_str_cut(struct pk_str *rest, char sep, struct pk_str *ret_part);
bool pk_starts_with(const char *text, const char *prefix);
bool pk_ends_with(const char *text, const char *suffix);
bool pk_streq(const char *a, const char *b);  /* NULL equals only NULL */
bool pk_strieq(const char *a, const char *b); /* ASCII case is ignored */
/* Exact decimal integer of the whole text (optional sign, no spaces); false when it is not one or
 * overflows. */
PK_NODISCARD bool pk_parse_i64(struct pk_str s, int64_t *ret);
PK_NODISCARD bool pk_parse_double(struct pk_str s,
                                  double *ret); /* locale-free, finite, whole text */
/* Damerau-Levenshtein distance of two ASCII words, at most `limit` + 1. */
size_t pk_edit_distance(const char *a, const char *b, size_t limit);
/* The up to `max` nearest of `words` within distance 2 (1 for words of up to 3 letters), best
 * first; returns their count. */
size_t pk_suggest(const char *word, const char *const *words, size_t n_words, const char **ret,
                  size_t max);
/* True when `text` matches the glob (`*`, `?`) as a whole. */
bool pk_glob(const char *glob, const char *text);

#define PK_BUF_MAX_DEFAULT ((size_t)256 << 20)

struct pk_buf {
    char *ptr; /* NULL only before the first byte; use pk_buf_cstr() to print */
    size_t len;
    size_t cap;
    size_t max;
    bool overflow;
};

#define PK_BUF_INIT(maximum)                                                                       \
    { NULL, 0, 0, (maximum), false }

void pk_buf_init(struct pk_buf *buf, size_t max);
void pk_buf_release(struct pk_buf *buf);
/* The same after overwriting the bytes: for buffers with secrets, which reserve their room first
 * because growing leaves copies behind. */
void pk_buf_secret_release(struct pk_buf *buf);
void pk_buf_reset(struct pk_buf *buf); /* len = 0, overflow cleared, memory kept */
/* Makes room for `extra` more bytes, so that ptr does not move while they are added; false when
 * that is past the maximum (sets overflow). */
bool pk_buf_reserve(struct pk_buf *buf, size_t extra);
void pk_buf_add(struct pk_buf *buf, const void *data, size_t len);
void pk_buf_addz(struct pk_buf *buf, const char *text);
void pk_buf_addc(struct pk_buf *buf, char c);
void pk_buf_addf(struct pk_buf *buf, const char *fmt, ...) PK_PRINTF(2, 3);
void pk_buf_vaddf(struct pk_buf *buf, const char *fmt, va_list args) PK_PRINTF(2, 0);
const char *pk_buf_cstr(const struct pk_buf *buf);
/* The bytes as a malloc'ed NUL-terminated text; the buffer is left empty, `overflow` as it was. */
char *pk_buf_steal(struct pk_buf *buf);

#endif
