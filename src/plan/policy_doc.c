/*
 * policy_doc.c - IAM policy documents in one form.
 *
 * AWS gives documents back with lists of one as single values, account ids as root ARNs, members in
 * another order. https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_grammar.html
 */
#include "plan/internal.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>

static int compare_texts(const void *a, const void *b) {
    return strcmp(*(char *const *)a, *(char *const *)b);
}

/* Any values by their canonical text; repeats are dropped. */
static json_t *sorted(const json_t *list) {
    size_t n = json_array_size(list);
    char **texts = pk_calloc(n + 1, sizeof(*texts));
    for (size_t i = 0; i < n; i++)
        texts[i] = pk_json_canonical(json_array_get(list, i));
    qsort(texts, n, sizeof(*texts), compare_texts);
    json_t *ret = json_array();
    for (size_t i = 0; i < n; i++) {
        if (i == 0 || strcmp(texts[i], texts[i - 1]) != 0)
            json_array_append_new(ret, json_loads(texts[i], JSON_DECODE_ANY, NULL));
    }
    for (size_t i = 0; i < n; i++)
        free(texts[i]);
    free(texts);
    return ret;
}

/* A single value is a list of one; each item goes through `item`. */
static json_t *as_sorted_list(const json_t *value, json_t *(*item)(const json_t *value)) {
    json_t *list = json_array();
    if (json_is_array(value))
        for (size_t i = 0; i < json_array_size(value); i++)
            json_array_append_new(list, item(json_array_get(value, i)));
    else
        json_array_append_new(list, item(value));
    json_t *ret = sorted(list);
    json_decref(list);
    return ret;
}

static json_t *same(const json_t *value) {
    return json_deep_copy(value);
}

/* Actions have no case. */
static json_t *lower(const json_t *value) {
    if (!json_is_string(value))
        return json_deep_copy(value);
    char *text PK_CLEANUP(pk_freep) = pk_strdup(json_string_value(value));
    for (char *c = text; *c; c++)
        *c = (char)tolower((unsigned char)*c);
    return pk_json_text(text);
}

/* "123456789012" and "arn:aws:iam::123456789012:root" name the same principal. */
static json_t *principal(const json_t *value) {
    const char *text = json_string_value(value);
    const char *account = text ? strstr(text, ":iam::") : NULL;
    if (account && strlen(account) == 6 + 12 + 5 && strcmp(account + 18, ":root") == 0)
        return json_stringn(account + 6, 12);
    return json_deep_copy(value);
}

/* "true" and true, "30" and 30. */
static json_t *condition_value(const json_t *value) {
    if (json_is_string(value) || json_is_object(value) || json_is_array(value))
        return json_deep_copy(value);
    char *text PK_CLEANUP(pk_freep) = pk_json_canonical(value);
    return pk_json_text(text);
}

static json_t *canonical_principal(const json_t *value) {
    json_t *ret = json_object();
    if (!json_is_object(value)) {
        json_object_set_new(ret, "AWS", as_sorted_list(value, principal)); /* "*" */
        return ret;
    }
    const char *kind;
    json_t *item;
    json_object_foreach((json_t *)(uintptr_t)value, kind, item)
        json_object_set_new(ret, kind, as_sorted_list(item, principal));
    return ret;
}

static json_t *canonical_condition(const json_t *value) {
    json_t *ret = json_object();
    const char *operator_name, *name;
    json_t *names, *item;
    json_object_foreach((json_t *)(uintptr_t)value, operator_name, names) {
        json_t *inner = json_object();
        json_object_foreach(names, name, item)
            json_object_set_new(inner, name, as_sorted_list(item, condition_value));
        json_object_set_new(ret, operator_name, inner);
    }
    return ret;
}

static json_t *canonical_statement(const json_t *statement) {
    json_t *ret = json_object();
    const char *name;
    json_t *value;
    json_object_foreach((json_t *)(uintptr_t)statement, name, value) {
        json_t *form;
        if (strcmp(name, "Action") == 0 || strcmp(name, "NotAction") == 0)
            form = as_sorted_list(value, lower);
        else if (strcmp(name, "Resource") == 0 || strcmp(name, "NotResource") == 0)
            form = as_sorted_list(value, same);
        else if (strcmp(name, "Principal") == 0 || strcmp(name, "NotPrincipal") == 0)
            form = canonical_principal(value);
        else if (strcmp(name, "Condition") == 0)
            form = canonical_condition(value);
        else if (strcmp(name, "Sid") == 0 && !*pk_json_str(value, "", ""))
            continue;
        else
            form = json_deep_copy(value);
        json_object_set_new(ret, name, form);
    }
    return ret;
}

static json_t *canonical_document(const json_t *document) {
    json_t *ret = json_object();
    const char *name;
    json_t *value;
    json_object_foreach((json_t *)(uintptr_t)document, name, value) {
        if (strcmp(name, "Statement") == 0)
            json_object_set_new(ret, name, as_sorted_list(value, canonical_statement));
        else
            json_object_set_new(ret, name, json_deep_copy(value));
    }
    if (!json_object_get(ret, "Version"))
        json_object_set_new(ret, "Version", json_string("2008-10-17"));
    return ret;
}

json_t *pk_policy_canonical(const json_t *value) {
    json_t *parsed = NULL;
    if (json_is_string(value)) {
        parsed = json_loads(json_string_value(value), 0, NULL);
        value = parsed;
    }
    json_t *ret = json_is_object(value) ? canonical_document(value) : NULL;
    json_decref(parsed);
    return ret;
}
