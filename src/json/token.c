/* token.c - values that are not known before something else exists. */
#include "json/json.h"

#include <stdio.h>
#include <string.h>

json_t *pk_token_ref(const char *key, const char *attr) {
    json_t *token = json_object();
    json_object_set_new(token, "$ref", pk_json_text(key));
    json_object_set_new(token, "attr", pk_json_text(attr));
    return token;
}

static bool is_text_or_token(const json_t *value) {
    return json_is_string(value) || json_is_object(value);
}

/* The shape is checked, not only the key: a document of a user may hold "$ref" of its own (JSON
 * Schema does) and is no token then. */
bool pk_token_is(const json_t *value, const char *kind) {
    const json_t *main = json_object_get(value, kind);
    if (!main)
        return false;
    if (strcmp(kind, "$ref") == 0)
        return json_is_string(main) && json_is_string(json_object_get(value, "attr")) &&
               json_object_size(value) == 2;
    if (strcmp(kind, "$join") == 0)
        return json_is_array(main) && json_object_size(value) == 1;
    if (strcmp(kind, "$out") == 0)
        return json_is_string(main) && json_is_string(json_object_get(value, "output"));
    if (strcmp(kind, "$secret") == 0)
        return is_text_or_token(main);
    return json_is_string(main);
}

void pk_token_each(json_t *value, const char *kind, void (*fn)(void *ctx, json_t *token),
                   void *ctx) {
    if (json_is_array(value)) {
        for (size_t i = 0; i < json_array_size(value); i++)
            pk_token_each(json_array_get(value, i), kind, fn, ctx);
        return;
    }
    if (!json_is_object(value))
        return;
    const char *key;
    json_t *inner;
    json_object_foreach(value, key, inner) pk_token_each(inner, kind, fn, ctx);
    if (pk_token_is(value, kind))
        fn(ctx, value);
}

bool pk_token_inside(const json_t *value) {
    if (json_is_array(value)) {
        for (size_t i = 0; i < json_array_size(value); i++)
            if (pk_token_inside(json_array_get(value, i)))
                return true;
        return false;
    }
    if (!json_is_object(value))
        return false;
    if (pk_token_is(value, "$ref") || pk_token_is(value, "$join") ||
        pk_token_is(value, "$secretArn"))
        return true;
    const char *key;
    json_t *inner, *walk = (json_t *)(uintptr_t)value; /* only read */
    json_object_foreach(walk, key, inner) {
        if (pk_token_inside(inner))
            return true;
    }
    return false;
}

/* Appends a resolved part: nested joins are flattened, neighbouring texts become one, so that equal
 * values have one form. Takes over `part`. */
static void join_append(json_t *parts, json_t *part) {
    if (pk_token_is(part, "$join")) {
        const json_t *inner = json_object_get(part, "$join");
        for (size_t i = 0; i < json_array_size(inner); i++)
            join_append(parts, json_incref(json_array_get(inner, i)));
        json_decref(part);
        return;
    }
    if (!json_is_object(part) && !json_is_string(part)) {
        PK_CLEANUP(pk_freep) char *text = pk_json_canonical(part);
        json_decref(part);
        part = pk_json_text(text);
    }
    size_t n = json_array_size(parts);
    json_t *last = n ? json_array_get(parts, n - 1) : NULL;
    if (json_is_string(part) && json_is_string(last)) {
        json_array_set_new(parts, n - 1,
                           pk_json_textf("%s%s", json_string_value(last), json_string_value(part)));
        json_decref(part);
        return;
    }
    json_array_append_new(parts, part);
}

static json_t *resolve_join(const json_t *join, json_t *(*resolve)(void *, const json_t *),
                            void *ctx) {
    const json_t *parts = json_object_get(join, "$join");
    json_t *done = json_array();
    for (size_t i = 0; i < json_array_size(parts); i++)
        join_append(done, pk_token_resolve(json_array_get(parts, i), resolve, ctx));
    if (json_array_size(done) == 0) {
        json_decref(done);
        return json_string("");
    }
    if (json_array_size(done) == 1 && json_is_string(json_array_get(done, 0))) {
        json_t *text = json_incref(json_array_get(done, 0));
        json_decref(done);
        return text;
    }
    json_t *token = json_object();
    json_object_set_new(token, "$join", done);
    return token;
}

json_t *pk_token_resolve(const json_t *value, json_t *(*resolve)(void *ctx, const json_t *token),
                         void *ctx) {
    if (json_is_array(value)) {
        json_t *copy = json_array();
        for (size_t i = 0; i < json_array_size(value); i++)
            json_array_append_new(copy, pk_token_resolve(json_array_get(value, i), resolve, ctx));
        return copy;
    }
    if (!json_is_object(value))
        return json_deep_copy(value);
    if (pk_token_is(value, "$join"))
        return resolve_join(value, resolve, ctx);
    if (pk_token_is(value, "$ref") || pk_token_is(value, "$secretArn") ||
        pk_token_is(value, "$out")) {
        json_t *result = resolve(ctx, value);
        return result ? result : json_deep_copy(value);
    }
    json_t *copy = json_object();
    const char *key;
    json_t *inner, *walk = (json_t *)(uintptr_t)value; /* only read */
    json_object_foreach(walk, key, inner)
        json_object_set_new(copy, key, pk_token_resolve(inner, resolve, ctx));
    return copy;
}
