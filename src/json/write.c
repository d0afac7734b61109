/* write.c - JSON text with shortest numbers: the canonical form and the one for people. */
#include "json/json.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* 2^63 as a double: the first value that int64 cannot hold. */
#define INT64_LIMIT 9223372036854775808.0

struct writer {
    struct pk_buf *buf;
    bool sort;
    bool pretty;
};

static void write_value(const struct writer *w, const json_t *value, size_t depth);

static void write_text(struct pk_buf *buf, const char *text, size_t len) {
    size_t start = 0;
    pk_buf_addc(buf, '"');
    for (size_t i = 0; i < len; i++) {
        unsigned char c = (unsigned char)text[i];
        if (c >= 0x20 && c != '"' && c != '\\')
            continue;
        pk_buf_add(buf, text + start, i - start);
        start = i + 1;
        switch (c) {
        case '"':
            pk_buf_addz(buf, "\\\"");
            break;
        case '\\':
            pk_buf_addz(buf, "\\\\");
            break;
        case '\n':
            pk_buf_addz(buf, "\\n");
            break;
        case '\r':
            pk_buf_addz(buf, "\\r");
            break;
        case '\t':
            pk_buf_addz(buf, "\\t");
            break;
        default:
            pk_buf_addf(buf, "\\u%04x", c);
        }
    }
    pk_buf_add(buf, text + start, len - start);
    pk_buf_addc(buf, '"');
}

/* Whole reals are written as integers, so that 1 and 1.0 have one form. */
static void write_real(struct pk_buf *buf, double value) {
    char text[40];
    if (value >= -INT64_LIMIT && value < INT64_LIMIT && value == floor(value)) {
        pk_buf_addf(buf, "%" PRId64, (int64_t)value);
        return;
    }
    for (int digits = 15; digits <= 17; digits++) {
        snprintf(text, sizeof(text), "%.*g", digits, value);
        if (strtod(text, NULL) == value)
            break;
    }
    for (char *c = text; *c; c++) /* the decimal point of the locale */
        if (*c == ',')
            *c = '.';
    pk_buf_addz(buf, text);
}

static void new_line(const struct writer *w, size_t depth) {
    if (!w->pretty)
        return;
    pk_buf_addc(w->buf, '\n');
    for (size_t i = 0; i < depth; i++)
        pk_buf_addz(w->buf, "  ");
}

static int compare_keys(const void *a, const void *b) {
    return strcmp(*(const char *const *)a, *(const char *const *)b);
}

static void write_object(const struct writer *w, const json_t *object, size_t depth) {
    size_t n = json_object_size(object), i = 0;
    if (n == 0) {
        pk_buf_addz(w->buf, "{}");
        return;
    }
    const char **keys = pk_calloc(n, sizeof(*keys));
    /* jansson's iteration takes a non-const object but changes nothing */
    json_t *walk = (json_t *)(uintptr_t)object;
    for (void *it = json_object_iter(walk); it; it = json_object_iter_next(walk, it))
        keys[i++] = json_object_iter_key(it);
    if (w->sort)
        qsort(keys, n, sizeof(*keys), compare_keys);
    pk_buf_addc(w->buf, '{');
    for (i = 0; i < n; i++) {
        if (i)
            pk_buf_addc(w->buf, ',');
        new_line(w, depth + 1);
        write_text(w->buf, keys[i], strlen(keys[i]));
        pk_buf_addz(w->buf, w->pretty ? ": " : ":");
        write_value(w, json_object_get(object, keys[i]), depth + 1);
    }
    new_line(w, depth);
    pk_buf_addc(w->buf, '}');
    free(keys);
}

static void write_array(const struct writer *w, const json_t *array, size_t depth) {
    size_t n = json_array_size(array);
    if (n == 0) {
        pk_buf_addz(w->buf, "[]");
        return;
    }
    pk_buf_addc(w->buf, '[');
    for (size_t i = 0; i < n; i++) {
        if (i)
            pk_buf_addc(w->buf, ',');
        new_line(w, depth + 1);
        write_value(w, json_array_get(array, i), depth + 1);
    }
    new_line(w, depth);
    pk_buf_addc(w->buf, ']');
}

static void write_value(const struct writer *w, const json_t *value, size_t depth) {
    if (!value) {
        pk_buf_addz(w->buf, "null");
        return;
    }
    switch (json_typeof(value)) {
    case JSON_OBJECT:
        write_object(w, value, depth);
        break;
    case JSON_ARRAY:
        write_array(w, value, depth);
        break;
    case JSON_STRING:
        write_text(w->buf, json_string_value(value), json_string_length(value));
        break;
    case JSON_INTEGER:
        pk_buf_addf(w->buf, "%" JSON_INTEGER_FORMAT, json_integer_value(value));
        break;
    case JSON_REAL:
        write_real(w->buf, json_real_value(value));
        break;
    case JSON_TRUE:
        pk_buf_addz(w->buf, "true");
        break;
    case JSON_FALSE:
        pk_buf_addz(w->buf, "false");
        break;
    case JSON_NULL:
        pk_buf_addz(w->buf, "null");
        break;
    default:
        pk_assert_failed("known JSON type", __FILE__, __LINE__);
    }
}

char *pk_json_canonical(const json_t *value) {
    struct pk_buf buf = PK_BUF_INIT(PK_BUF_MAX_DEFAULT);
    struct writer w = {&buf, true, false};
    write_value(&w, value, 0);
    pk_assert(!buf.overflow);
    return pk_buf_steal(&buf);
}

char *pk_json_pretty(const json_t *value) {
    struct pk_buf buf = PK_BUF_INIT(PK_BUF_MAX_DEFAULT);
    struct writer w = {&buf, false, true};
    write_value(&w, value, 0);
    pk_buf_addc(&buf, '\n');
    pk_assert(!buf.overflow);
    return pk_buf_steal(&buf);
}

void pk_json_sha256(const json_t *value, char ret[static PK_SHA256_HEX_SIZE]) {
    PK_CLEANUP(pk_freep) char *text = pk_json_canonical(value);
    pk_sha256_hex(text, strlen(text), ret);
}
