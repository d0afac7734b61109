/* json.c - strict loading, comparison, typed access by path. */
#include "json/json.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Longest key of a path; longer ones cannot be reached by path. */
#define MAX_KEY 512

bool pk_json_parse(const char *text, size_t len, const char *what, json_t **ret,
                   struct pk_error **err) {
    json_error_t problem;
    if (len > PK_BUF_MAX_DEFAULT)
        return pk_fail(err, PK_E_BAD_RESPONSE, "%s is too large to be read as JSON", what);
    if (len && memchr(text, 0, len)) /* jansson takes one for the end of the text */
        return pk_fail(err, PK_E_BAD_RESPONSE, "%s is not valid JSON: it has a NUL byte", what);
    json_t *value =
        json_loadb(len ? text : "", len, JSON_REJECT_DUPLICATES | JSON_DECODE_ANY, &problem);
    if (!value)
        return pk_fail(err, PK_E_BAD_RESPONSE, "%s is not valid JSON (line %d, column %d): %s",
                       what, problem.line, problem.column, problem.text);
    *ret = value;
    return true;
}

static bool numbers_equal(const json_t *a, const json_t *b) {
    if (json_is_integer(a) && json_is_integer(b))
        return json_integer_value(a) == json_integer_value(b);
    if (json_is_real(a) && json_is_real(b))
        return json_real_value(a) == json_real_value(b);
    const json_t *whole = json_is_integer(a) ? a : b, *real = json_is_integer(a) ? b : a;
    double d = json_real_value(real);
    /* compared as integers: a double cannot hold every int64 */
    return d >= -9223372036854775808.0 && d < 9223372036854775808.0 && d == (double)(int64_t)d &&
           (int64_t)d == json_integer_value(whole);
}

static bool objects_equal(const json_t *a, const json_t *b) {
    if (json_object_size(a) != json_object_size(b))
        return false;
    const char *key;
    json_t *value, *walk = (json_t *)(uintptr_t)a; /* only read */
    json_object_foreach(walk, key, value) {
        json_t *other = json_object_get(b, key);
        if (!other || !pk_json_equal(value, other))
            return false;
    }
    return true;
}

bool pk_json_equal(const json_t *a, const json_t *b) {
    bool a_null = !a || json_is_null(a), b_null = !b || json_is_null(b);
    if (a_null || b_null)
        return a_null && b_null;
    if (json_is_number(a) && json_is_number(b))
        return numbers_equal(a, b);
    if (json_typeof(a) != json_typeof(b))
        return false;
    if (json_is_object(a))
        return objects_equal(a, b);
    if (json_is_array(a)) {
        if (json_array_size(a) != json_array_size(b))
            return false;
        for (size_t i = 0; i < json_array_size(a); i++)
            if (!pk_json_equal(json_array_get(a, i), json_array_get(b, i)))
                return false;
        return true;
    }
    if (json_is_string(a))
        return json_string_length(a) == json_string_length(b) &&
               memcmp(json_string_value(a), json_string_value(b), json_string_length(a)) == 0;
    return true; /* true and true, false and false */
}

/* Takes the next step off *path: a key (into key, *ret_index = SIZE_MAX) or an index. False at the
 * end or when the path is malformed. */
static bool next_step(const char **path, char key[static MAX_KEY], size_t *ret_index) {
    const char *p = *path;
    if (*p == '.')
        p++;
    if (*p == '[') {
        char *end;
        unsigned long index = strtoul(p + 1, &end, 10);
        if (end == p + 1 || *end != ']')
            return false;
        *ret_index = index;
        *path = end + 1;
        return true;
    }
    size_t len = strcspn(p, ".[");
    if (len == 0 || len >= MAX_KEY)
        return false;
    memcpy(key, p, len);
    key[len] = 0;
    *ret_index = SIZE_MAX;
    *path = p + len;
    return true;
}

json_t *pk_json_at(const json_t *root, const char *path) {
    char key[MAX_KEY];
    size_t index;
    json_t *at = (json_t *)(uintptr_t)root; /* borrowed: constness is the caller's business */
    while (at && *path) {
        if (!next_step(&path, key, &index))
            return NULL;
        at = index == SIZE_MAX ? json_object_get(at, key) : json_array_get(at, index);
    }
    return at;
}

const char *pk_json_str(const json_t *root, const char *path, const char *fallback) {
    const char *text = json_string_value(pk_json_at(root, path));
    return text ? text : fallback;
}

int64_t pk_json_int(const json_t *root, const char *path, int64_t fallback) {
    const json_t *value = pk_json_at(root, path);
    return json_is_integer(value) ? json_integer_value(value) : fallback;
}

bool pk_json_bool(const json_t *root, const char *path, bool fallback) {
    const json_t *value = pk_json_at(root, path);
    return json_is_boolean(value) ? json_is_true(value) : fallback;
}

void pk_json_put(json_t *root, const char *path, json_t *value) {
    char key[MAX_KEY];
    size_t index;
    pk_assert(json_is_object(root) && value);
    for (;;) {
        bool good = next_step(&path, key, &index) && index == SIZE_MAX;
        pk_assert(good);
        if (!*path)
            break;
        json_t *inner = json_object_get(root, key);
        if (!json_is_object(inner)) {
            inner = json_object();
            json_object_set_new(root, key, inner);
        }
        root = inner;
    }
    json_object_set_new(root, key, value);
}

void pk_json_put_str(json_t *root, const char *path, const char *text) {
    if (text)
        pk_json_put(root, path, pk_json_text(text));
}

void pk_json_put_int(json_t *root, const char *path, int64_t value) {
    pk_json_put(root, path, json_integer(value));
}

void pk_json_put_bool(json_t *root, const char *path, bool value) {
    pk_json_put(root, path, json_boolean(value));
}

/* Length of the valid UTF-8 sequence at p, 0 when it is none (RFC 3629: no surrogates, no overlong
 * forms). */
static size_t utf8_length(const unsigned char *p) {
    if (p[0] < 0x80)
        return 1;
    if (p[0] < 0xC2 || p[0] > 0xF4)
        return 0;
    size_t len = p[0] < 0xE0 ? 2 : p[0] < 0xF0 ? 3 : 4;
    for (size_t i = 1; i < len; i++)
        if ((p[i] & 0xC0) != 0x80)
            return 0;
    if ((p[0] == 0xE0 && p[1] < 0xA0) || (p[0] == 0xED && p[1] > 0x9F) ||
        (p[0] == 0xF0 && p[1] < 0x90) || (p[0] == 0xF4 && p[1] > 0x8F))
        return 0;
    return len;
}

json_t *pk_json_text(const char *text) {
    json_t *value = json_string(text);
    if (value)
        return value;
    struct pk_buf buf = PK_BUF_INIT(PK_BUF_MAX_DEFAULT);
    for (const unsigned char *p = (const unsigned char *)text; *p;) {
        size_t len = utf8_length(p);
        if (len)
            pk_buf_add(&buf, p, len);
        else
            pk_buf_addz(&buf, "\xEF\xBF\xBD");
        p += len ? len : 1;
    }
    value = json_string(pk_buf_cstr(&buf));
    pk_buf_release(&buf);
    return value;
}

json_t *pk_json_textf(const char *fmt, ...) {
    va_list args;
    va_start(args, fmt);
    PK_CLEANUP(pk_freep) char *text = pk_vasprintf(fmt, args);
    va_end(args);
    return pk_json_text(text);
}

static int compare_strings(const void *a, const void *b) {
    const char *text_a = json_string_value(*(json_t *const *)a);
    const char *text_b = json_string_value(*(json_t *const *)b);
    return strcmp(text_a ? text_a : "", text_b ? text_b : "");
}

void pk_json_sort_strings(json_t *list) {
    size_t n = json_array_size(list);
    if (n < 2)
        return;
    json_t **items = pk_calloc(n, sizeof(*items));
    for (size_t i = 0; i < n; i++)
        items[i] = json_incref(json_array_get(list, i));
    qsort(items, n, sizeof(*items), compare_strings);
    json_array_clear(list);
    for (size_t i = 0; i < n; i++) {
        if (i && compare_strings(&items[i - 1], &items[i]) == 0)
            continue;
        json_array_append(list, items[i]);
    }
    for (size_t i = 0; i < n; i++)
        json_decref(items[i]);
    free(items);
}
