/* headers.c - the header list and the response object of http.h. */
#include "http/http.h"

#include "base/mem.h"

#include <stdlib.h>
#include <string.h>

static bool one_line(const char *text) {
    return strpbrk(text, "\r\n") == NULL;
}

bool pk_headers_add(struct pk_headers *headers, const char *name, const char *value) {
    if (name[0] == '\0' || !one_line(name) || !one_line(value) || strchr(name, ':') != NULL)
        return false;
    if (headers->len == headers->cap) {
        headers->cap = headers->cap ? headers->cap * 2 : 16;
        headers->items = pk_realloc(headers->items, headers->cap, sizeof(headers->items[0]));
    }
    headers->items[headers->len++] =
        (struct pk_header){.name = pk_strdup(name), .value = pk_strdup(value)};
    return true;
}

void pk_headers_remove(struct pk_headers *headers, const char *name) {
    size_t kept = 0;
    for (size_t i = 0; i < headers->len; i++) {
        struct pk_header *item = &headers->items[i];
        if (pk_strieq(item->name, name)) {
            free(item->name);
            pk_secret_free(item->value);
        } else {
            headers->items[kept++] = *item;
        }
    }
    headers->len = kept;
}

void pk_headers_set(struct pk_headers *headers, const char *name, const char *value) {
    pk_headers_remove(headers, name);
    bool added = pk_headers_add(headers, name, value);
    pk_assert(added);
}

const char *pk_headers_get(const struct pk_headers *headers, const char *name) {
    for (size_t i = 0; i < headers->len; i++) {
        if (pk_strieq(headers->items[i].name, name))
            return headers->items[i].value;
    }
    return NULL;
}

void pk_headers_release(struct pk_headers *headers) {
    for (size_t i = 0; i < headers->len; i++) {
        free(headers->items[i].name);
        pk_secret_free(headers->items[i].value); /* it may be a token */
    }
    free(headers->items);
    *headers = (struct pk_headers){0};
}

void pk_http_response_release(struct pk_http_response *response) {
    pk_headers_release(&response->headers);
    pk_buf_release(&response->body);
    *response = (struct pk_http_response){0};
}

void pk_http_free(struct pk_http *http) {
    if (http != NULL)
        http->free(http);
}
