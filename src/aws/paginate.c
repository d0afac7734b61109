/* paginate.c - every page of a listing as one result. */
#include "aws/client.h"

#include "base/mem.h"
#include "base/str.h"

#include <stdlib.h>
#include <string.h>

#define DEFAULT_MAX_ITEMS 100000
#define MAX_PAGES 100000

/* The fields of the table's text: "in\tout\tresult\tmore\tlimit", lists separated by commas. */
struct pages {
    struct pk_str inputs, outputs, results, more;
};

static struct pages parse_pages(const char *text) {
    struct pk_str rest = pk_str(text);
    struct pages pages = {0};
    struct pk_str *fields[] = {&pages.inputs, &pages.outputs, &pages.results, &pages.more};
    for (size_t i = 0; i < PK_ARRAY_LEN(fields); i++) {
        if (!pk_str_cut(&rest, '\t', fields[i]))
            break;
    }
    return pages;
}

/* One step of a path: "Contents[-1]" or "Marker". */
static json_t *step(json_t *value, struct pk_str name) {
    bool last = name.len > 4 && memcmp(name.ptr + name.len - 4, "[-1]", 4) == 0;
    PK_CLEANUP(pk_freep) char *key = pk_strndup(name.ptr, last ? name.len - 4 : name.len);
    json_t *found = json_object_get(value, key);
    return last && json_is_array(found) ? json_array_get(found, json_array_size(found) - 1) : found;
}

/* "A.B", "A || B[-1].C": borrowed, or NULL. */
static json_t *evaluate(json_t *result, struct pk_str expression) {
    struct pk_str part, name;
    while (expression.len > 0 && pk_str_cut(&expression, '|', &part)) {
        part = pk_str_trim(part);
        json_t *value = part.len > 0 ? result : NULL;
        while (value != NULL && part.len > 0 && pk_str_cut(&part, '.', &name))
            value = step(value, name);
        if (value != NULL && !json_is_null(value))
            return value;
    }
    return NULL;
}

static json_t *ensure_object(json_t *object, const char *key) {
    json_t *found = json_object_get(object, key);
    if (json_is_object(found))
        return found;
    json_object_set_new(object, key, json_object());
    return json_object_get(object, key);
}

/* Appends the lists of one page to those of the whole; returns how many items there are now. */
static size_t collect(json_t *whole, json_t *page, struct pk_str results) {
    struct pk_str path, name;
    size_t total = 0;
    while (results.len > 0 && pk_str_cut(&results, ',', &path)) {
        json_t *items = evaluate(page, path), *parent = whole, *list;
        if (items == NULL)
            continue;
        while (pk_str_cut(&path, '.', &name)) {
            PK_CLEANUP(pk_freep) char *key = pk_strndup(name.ptr, name.len);
            if (path.len > 0) {
                parent = ensure_object(parent, key);
                continue;
            }
            list = json_object_get(parent, key);
            if (json_is_array(list) && json_is_array(items)) {
                json_array_extend(list, items);
            } else if (json_is_object(list) && json_is_object(items)) {
                json_object_update(list, items);
            } else if (list == NULL) {
                json_t *copy = json_copy(items);
                json_object_set_new(parent, key, copy);
            }
            list = json_object_get(parent, key);
            total += json_is_array(list) ? json_array_size(list) : json_object_size(list);
            break;
        }
    }
    return total;
}

/* Puts the tokens of `page` into params; false when there are none, so this page was the last. */
static bool next_page(const struct pages *pages, json_t *page, json_t *params) {
    struct pk_str inputs = pages->inputs, outputs = pages->outputs, input, output;
    bool any = false;
    if (pages->more.len > 0 && !json_is_true(evaluate(page, pages->more)))
        return false;
    while (inputs.len > 0 && outputs.len > 0 && pk_str_cut(&inputs, ',', &input) &&
           pk_str_cut(&outputs, ',', &output)) {
        json_t *token = evaluate(page, output);
        PK_CLEANUP(pk_freep) char *key = pk_strndup(input.ptr, input.len);
        bool empty = token == NULL || (json_is_string(token) && json_string_length(token) == 0);
        if (empty) {
            json_object_del(params, key);
        } else {
            json_object_set(params, key, token);
            any = true;
        }
    }
    return any;
}

static void drop_tokens(const struct pages *pages, json_t *whole) {
    struct pk_str outputs = pages->outputs, output;
    while (outputs.len > 0 && pk_str_cut(&outputs, ',', &output)) {
        PK_CLEANUP(pk_freep) char *key = pk_strndup(output.ptr, output.len);
        json_object_del(whole, key);
    }
}

static bool read_pages(struct pk_aws *aws, const char *service, const char *operation,
                       json_t *params, const struct pages *pages, const struct pk_aws_io *io,
                       size_t max_items, json_t *whole, struct pk_error **err) {
    json_t *before = NULL;
    bool ok = true, more = true;
    for (size_t n = 0; ok && more; n++) {
        json_t *page = NULL;
        ok = pk_aws_call(aws, service, operation, params, io, &page, err);
        if (!ok)
            break;
        if (n == 0) {
            /* Members beside the lists are those of the first page. */
            json_object_update(whole, page);
            struct pk_str results = pages->results, path;
            while (results.len > 0 && pk_str_cut(&results, ',', &path)) {
                PK_CLEANUP(pk_freep)
                char *key = pk_strndup(path.ptr, strcspn(path.ptr, ".,\t") < path.len
                                                     ? strcspn(path.ptr, ".,\t")
                                                     : path.len);
                json_object_del(whole, key);
            }
        }
        size_t total = collect(whole, page, pages->results);
        json_decref(before);
        before = json_deep_copy(params);
        more = next_page(pages, page, params);
        json_decref(page);
        if (total > max_items)
            ok = pk_fail(err, PK_E_BAD_RESPONSE, "%s %s gives more than %zu items", service,
                         operation, max_items);
        else if (more && (n >= MAX_PAGES || json_equal(before, params)))
            ok = pk_fail(err, PK_E_BAD_RESPONSE, "%s %s gives the same page again and again",
                         service, operation);
    }
    json_decref(before);
    return ok;
}

bool pk_aws_call_all(struct pk_aws *aws, const char *service, const char *operation, json_t *params,
                     const struct pk_aws_io *io, size_t max_items, json_t **ret,
                     struct pk_error **err) {
    const struct pk_aws_service *model = pk_aws_service_find(service);
    const struct pk_aws_operation *found = model ? pk_aws_operation_find(model, operation) : NULL;
    if (found == NULL)
        return pk_fail(err, PK_E_INTERNAL, "%s %s is not in the operation tables", service,
                       operation);
    if (found->paginator == 0)
        return pk_aws_call(aws, service, operation, params, io, ret, err);
    struct pages pages = parse_pages(pk_aws_text(model, found->paginator));
    json_t *copy = params ? json_copy(params) : json_object(), *whole = json_object();
    bool ok = read_pages(aws, service, operation, copy, &pages, io,
                         max_items ? max_items : DEFAULT_MAX_ITEMS, whole, err);
    json_decref(copy);
    if (ok && ret != NULL) {
        drop_tokens(&pages, whole);
        *ret = whole;
    } else {
        json_decref(whole);
    }
    return ok;
}
