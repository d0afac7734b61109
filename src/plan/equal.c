/* equal.c - are two values the same to AWS? */
#include "plan/internal.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

size_t pk_path_push(struct pk_path *path, const char *member) {
    size_t before = path->len;
    int n = snprintf(path->text + before, sizeof(path->text) - before, "%s%s", before ? "." : "",
                     member);
    if (n < 0 || (size_t)n >= sizeof(path->text) - before)
        path->text[before] = 0; /* cut: no traits below here */
    else
        path->len += (size_t)n;
    return before;
}

size_t pk_path_push_item(struct pk_path *path) {
    size_t before = path->len;
    if (before + 3 <= sizeof(path->text)) {
        memcpy(path->text + before, "[]", 3);
        path->len += 2;
    }
    return before;
}

void pk_path_pop(struct pk_path *path, size_t len) {
    path->len = len;
    path->text[len] = 0;
}

bool pk_value_is_empty(const json_t *value) {
    return !value || json_is_null(value) || (json_is_array(value) && json_array_size(value) == 0) ||
           (json_is_object(value) && json_object_size(value) == 0);
}

/* What AWS leaves out of its answers. */
static bool is_zero(const json_t *value) {
    return pk_value_is_empty(value) || json_is_false(value) ||
           (json_is_string(value) && json_string_length(value) == 0) ||
           (json_is_number(value) && json_number_value(value) == 0);
}

/* The value is read from its place by the provider only: it cannot be compared with what AWS
 * shows. */
static bool is_opaque(const json_t *value) {
    return pk_token_is(value, "$secret") || pk_token_is(value, "$file") ||
           pk_token_is(value, "$join");
}

struct equal {
    const struct pk_type_traits *traits;
    struct pk_path path;
    bool live;
};

static bool values_equal(struct equal *e, const json_t *desired, const json_t *other);

/* --- scalars --- */

static bool as_number(const json_t *value, double *ret) {
    if (json_is_number(value)) {
        *ret = json_number_value(value);
        return true;
    }
    return json_is_string(value) && json_string_length(value) > 0 &&
           pk_parse_double(pk_str(json_string_value(value)), ret);
}

/* "15" is kept by "15.4" and not by "150". */
static bool version_is(const char *wanted, const char *version) {
    size_t n = strlen(wanted);
    return n > 0 && strncmp(wanted, version, n) == 0 &&
           (version[n] == 0 || version[n] == '.' || wanted[n - 1] == '.');
}

static const char *scalar_text(const json_t *value, char **to_free) {
    if (json_is_string(value))
        return json_string_value(value);
    return *to_free = pk_json_canonical(value);
}

static bool scalars_equal(const struct equal *e, const json_t *desired, const json_t *other,
                          unsigned flags) {
    double a, b;
    if (as_number(desired, &a) && as_number(other, &b)) {
        if ((flags & PK_GROW_ONLY) && e->live && b >= a)
            return true;
        /* a text of digits may be an account id: two texts are compared as texts, below */
        bool texts = json_is_string(desired) && json_is_string(other);
        if (!texts && !(a < b) && !(a > b))
            return true;
        if (!texts && !(flags & PK_VERSION_PREFIX))
            return false;
    }
    char *free_a PK_CLEANUP(pk_freep) = NULL, *free_b PK_CLEANUP(pk_freep) = NULL;
    const char *x = scalar_text(desired, &free_a), *y = scalar_text(other, &free_b);
    if (strcmp(x, y) == 0)
        return true;
    if ((flags & PK_NOCASE_VALUE) && pk_strieq(x, y))
        return true;
    return (flags & PK_VERSION_PREFIX) && version_is(x, y);
}

/* --- documents --- */

static bool policies_equal(const json_t *desired, const json_t *other) {
    json_t *a = pk_policy_canonical(desired), *b = pk_policy_canonical(other);
    bool equal = a && b ? pk_json_equal(a, b) : pk_json_equal(desired, other);
    json_decref(a);
    json_decref(b);
    return equal;
}

static bool json_texts_equal(const json_t *desired, const json_t *other) {
    json_t *a = NULL, *b = NULL;
    if (json_is_string(desired))
        a = json_loads(json_string_value(desired), JSON_DECODE_ANY, NULL);
    if (json_is_string(other))
        b = json_loads(json_string_value(other), JSON_DECODE_ANY, NULL);
    bool equal = pk_json_equal(a ? a : desired, b ? b : other) || pk_json_equal(desired, other);
    json_decref(a);
    json_decref(b);
    return equal;
}

/* --- collections --- */

static bool sets_equal(struct equal *e, const json_t *desired, const json_t *other) {
    size_t n = json_array_size(desired);
    bool equal = true;
    bool *used = pk_calloc(n + 1, sizeof(*used));
    for (size_t i = 0; i < n && equal; i++) {
        equal = false;
        for (size_t k = 0; k < n && !equal; k++)
            if (!used[k] && values_equal(e, json_array_get(desired, i), json_array_get(other, k)))
                used[k] = equal = true;
    }
    free(used);
    return equal;
}

static bool lists_equal(struct equal *e, const json_t *desired, const json_t *other,
                        unsigned flags) {
    if (json_array_size(desired) != json_array_size(other))
        return false;
    size_t before = pk_path_push_item(&e->path);
    bool equal = true;
    if (flags & PK_SET)
        equal = sets_equal(e, desired, other);
    else
        for (size_t i = 0; i < json_array_size(desired) && equal; i++)
            equal = values_equal(e, json_array_get(desired, i), json_array_get(other, i));
    pk_path_pop(&e->path, before);
    return equal;
}

static bool objects_equal(struct equal *e, const json_t *desired, const json_t *other,
                          unsigned flags) {
    const char *name;
    json_t *value;
    json_object_foreach((json_t *)(uintptr_t)desired, name, value) {
        size_t before = pk_path_push(&e->path, name);
        bool equal = values_equal(e, value, json_object_get(other, name));
        pk_path_pop(&e->path, before);
        if (!equal)
            return false;
    }
    if (e->live || (flags & PK_MAP_SUBSET))
        return true; /* what AWS or others have added is not ours */
    json_object_foreach((json_t *)(uintptr_t)other, name, value) {
        if (!json_object_get(desired, name) && !pk_value_is_empty(value))
            return false;
    }
    return true;
}

static bool values_equal(struct equal *e, const json_t *desired, const json_t *other) {
    unsigned flags = pk_traits_of(e->traits, e->path.text);
    if (e->live && (flags & (PK_WRITE_ONLY | PK_UNMANAGED)))
        return true;
    if (pk_value_is_empty(desired) && (e->live || pk_value_is_empty(other)))
        return !json_is_array(desired) || pk_value_is_empty(other);
    if (pk_value_is_empty(desired) || pk_value_is_empty(other))
        return e->live && is_zero(desired) && pk_value_is_empty(other);
    if (is_opaque(desired))
        return e->live || pk_json_equal(desired, other);
    if (flags & PK_POLICY_DOC)
        return policies_equal(desired, other);
    if (flags & PK_JSON_TEXT)
        return json_texts_equal(desired, other);
    if (json_is_array(desired) && json_is_array(other))
        return lists_equal(e, desired, other, flags);
    if (json_is_object(desired) && json_is_object(other))
        return objects_equal(e, desired, other, flags);
    if (json_is_array(desired) || json_is_array(other) || json_is_object(desired) ||
        json_is_object(other))
        return false;
    return scalars_equal(e, desired, other, flags);
}

bool pk_plan_equal(const json_t *desired, const json_t *other, const struct pk_type_traits *traits,
                   const char *path, bool live) {
    struct equal e = {.traits = traits, .live = live};
    pk_path_push(&e.path, path);
    return values_equal(&e, desired, other);
}
