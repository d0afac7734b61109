/* str.c - see str.h: views, numbers, near words, globs. */
#include "base/str.h"

#include "base/mem.h"

#include <locale.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

struct pk_str pk_str(const char *text) {
    /* Never a NULL pointer: memcmp and printf want one even for no bytes. */
    const char *ptr = text == NULL ? "" : text;
    return (struct pk_str){ptr, strlen(ptr)};
}

struct pk_str pk_str_n(const char *text, size_t len) {
    return (struct pk_str){text == NULL ? "" : text, text == NULL ? 0 : len};
}

bool pk_str_eq(struct pk_str a, struct pk_str b) {
    return a.len == b.len && (a.len == 0 || memcmp(a.ptr, b.ptr, a.len) == 0);
}

bool pk_str_eqz(struct pk_str a, const char *text) {
    return pk_str_eq(a, pk_str(text));
}

static bool is_space(char c) {
    return c == ' ' || (c >= '\t' && c <= '\r');
}

static bool is_digit(char c) {
    return c >= '0' && c <= '9';
}

struct pk_str pk_str_trim(struct pk_str s) {
    while (s.len > 0 && is_space(s.ptr[0])) {
        s.ptr++;
        s.len--;
    }
    while (s.len > 0 && is_space(s.ptr[s.len - 1])) {
        s.len--;
    }
    return s;
}

bool pk_str_cut(struct pk_str *rest, char sep, struct pk_str *ret_part) {
    if (rest->ptr == NULL) {
        return false;
    }
    const char *at = rest->len == 0 ? NULL : memchr(rest->ptr, sep, rest->len);
    if (at == NULL) {
        *ret_part = *rest;
        *rest = (struct pk_str){NULL, 0};
        return true;
    }
    size_t len = (size_t)(at - rest->ptr);
    *ret_part = (struct pk_str){rest->ptr, len};
    *rest = (struct pk_str){at + 1, rest->len - len - 1};
    return true;
}

bool pk_starts_with(const char *text, const char *prefix) {
    return strncmp(text, prefix, strlen(prefix)) == 0;
}

bool pk_ends_with(const char *text, const char *suffix) {
    size_t text_len = strlen(text);
    size_t len = strlen(suffix);
    return len <= text_len && memcmp(text + text_len - len, suffix, len) == 0;
}

bool pk_streq(const char *a, const char *b) {
    if (a == NULL || b == NULL) {
        return a == b;
    }
    return strcmp(a, b) == 0;
}

static char ascii_lower(char c) {
    return c >= 'A' && c <= 'Z' ? (char)(c - 'A' + 'a') : c;
}

bool pk_strieq(const char *a, const char *b) {
    if (a == NULL || b == NULL) {
        return a == b;
    }
    while (*a != '\0' && ascii_lower(*a) == ascii_lower(*b)) {
        a++;
        b++;
    }
    return ascii_lower(*a) == ascii_lower(*b);
}

bool pk_parse_i64(struct pk_str s, int64_t *ret) {
    size_t i = 0;
    bool negative = s.len > 0 && s.ptr[0] == '-';
    if (negative || (s.len > 0 && s.ptr[0] == '+')) {
        i++;
    }
    if (i == s.len) {
        return false;
    }
    int64_t value = 0;
    for (; i < s.len; i++) {
        if (!is_digit(s.ptr[i])) {
            return false;
        }
        /* Counted on the negative side, which reaches one further (INT64_MIN). */
        if (__builtin_mul_overflow(value, 10, &value) ||
            __builtin_sub_overflow(value, s.ptr[i] - '0', &value)) {
            return false;
        }
    }
    if (!negative && __builtin_sub_overflow((int64_t)0, value, &value)) {
        return false;
    }
    *ret = value;
    return true;
}

static size_t skip_digits(struct pk_str s, size_t i) {
    while (i < s.len && is_digit(s.ptr[i])) {
        i++;
    }
    return i;
}

/* [sign] digits [. digits] [e [sign] digits], one of the first two not empty: strtod alone would
 * also take hexadecimal, "inf", "nan" and leading white space. */
static bool looks_decimal(struct pk_str s) {
    size_t i = s.len > 0 && (s.ptr[0] == '-' || s.ptr[0] == '+') ? 1 : 0;
    size_t end = skip_digits(s, i);
    size_t n_digits = end - i;
    if (end < s.len && s.ptr[end] == '.') {
        i = end + 1;
        end = skip_digits(s, i);
        n_digits += end - i;
    }
    if (n_digits == 0) {
        return false;
    }
    if (end < s.len && (s.ptr[end] == 'e' || s.ptr[end] == 'E')) {
        i = end + 1;
        if (i < s.len && (s.ptr[i] == '-' || s.ptr[i] == '+')) {
            i++;
        }
        end = skip_digits(s, i);
        if (end == i) {
            return false;
        }
    }
    return end == s.len;
}

bool pk_parse_double(struct pk_str s, double *ret) {
    if (!looks_decimal(s)) {
        return false;
    }
    locale_t c_locale = newlocale(LC_ALL_MASK, "C", (locale_t)0);
    pk_assert(c_locale != (locale_t)0);
    char *text = pk_strndup(s.ptr, s.len);
    double value = strtod_l(text, NULL, c_locale);
    free(text);
    freelocale(c_locale);
    if (!isfinite(value)) {
        return false;
    }
    *ret = value;
    return true;
}

static size_t min_size(size_t a, size_t b) {
    return a < b ? a : b;
}

/* Optimal string alignment: a pair of swapped neighbours counts once and is not edited again. */
size_t pk_edit_distance(const char *a, const char *b, size_t limit) {
    size_t a_len = strlen(a);
    size_t b_len = strlen(b);
    size_t gap = a_len > b_len ? a_len - b_len : b_len - a_len;
    if (gap > limit) {
        return limit + 1;
    }
    size_t width = b_len + 1;
    size_t *rows = pk_calloc(3, width * sizeof(*rows));
    size_t *before = rows;
    size_t *last = rows + width;
    size_t *now = rows + 2 * width;
    for (size_t j = 0; j <= b_len; j++) {
        last[j] = j;
    }
    for (size_t i = 1; i <= a_len; i++) {
        now[0] = i;
        for (size_t j = 1; j <= b_len; j++) {
            size_t replace = last[j - 1] + (a[i - 1] == b[j - 1] ? 0 : 1);
            now[j] = min_size(replace, min_size(last[j], now[j - 1]) + 1);
            if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1]) {
                now[j] = min_size(now[j], before[j - 2] + 1);
            }
        }
        size_t *oldest = before;
        before = last;
        last = now;
        now = oldest;
    }
    size_t distance = last[b_len];
    free(rows);
    return min_size(distance, limit + 1);
}

size_t pk_suggest(const char *word, const char *const *words, size_t n_words, const char **ret,
                  size_t max) {
    size_t limit = strlen(word) <= 3 ? 1 : 2;
    size_t n = 0;
    for (size_t distance = 0; distance <= limit; distance++) {
        for (size_t i = 0; i < n_words && n < max; i++) {
            if (pk_edit_distance(word, words[i], limit) == distance) {
                ret[n++] = words[i];
            }
        }
    }
    return n;
}

bool pk_glob(const char *glob, const char *text) {
    const char *after_star = NULL;
    const char *retry = NULL;
    while (*text != '\0') {
        if (*glob == '*') {
            after_star = ++glob;
            retry = text;
        } else if (*glob == '?' || *glob == *text) {
            glob++;
            text++;
        } else if (after_star != NULL) {
            /* Only the last star needs another try: it can stand for all earlier ones would. */
            glob = after_star;
            text = ++retry;
        } else {
            return false;
        }
    }
    while (*glob == '*') {
        glob++;
    }
    return *glob == '\0';
}
