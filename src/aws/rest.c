/* rest.c - headers, URI and raw payloads of the two REST protocols. */
#include "aws/protocol.h"

#include "base/hash.h"
#include "base/mem.h"

#include <stdlib.h>
#include <string.h>

const char *pk_aws_method_name(const struct pk_aws_operation *operation) {
    static const char *const names[] = {
        [PK_AWS_GET] = "GET",       [PK_AWS_POST] = "POST", [PK_AWS_PUT] = "PUT",
        [PK_AWS_DELETE] = "DELETE", [PK_AWS_HEAD] = "HEAD", [PK_AWS_PATCH] = "PATCH",
    };
    return names[operation->method];
}

static char *scalar_text(const struct pk_aws_service *service, const struct pk_aws_member *member,
                         const json_t *value, enum pk_aws_time_format format) {
    struct pk_buf text;
    pk_buf_init(&text, PK_BUF_MAX_DEFAULT);
    pk_aws_scalar(&text, service, member, value, format);
    return pk_buf_steal(&text);
}

/* Items with a comma or a quote are quoted. */
static void add_list_item(struct pk_buf *ret, const char *item, bool quote) {
    if (!quote || strpbrk(item, "\",") == NULL) {
        pk_buf_addz(ret, item);
        return;
    }
    pk_buf_addc(ret, '"');
    for (; *item != '\0'; item++) {
        if (*item == '"')
            pk_buf_addc(ret, '\\');
        pk_buf_addc(ret, *item);
    }
    pk_buf_addc(ret, '"');
}

static char *header_text(const struct pk_aws_service *service, const struct pk_aws_member *member,
                         const json_t *value) {
    const struct pk_aws_shape *shape = pk_aws_shape_of(service, member);
    if (member->flags & PK_AWS_JSON_VALUE) {
        struct pk_buf text;
        pk_buf_init(&text, PK_BUF_MAX_DEFAULT);
        char *dump = json_is_string(value) ? pk_strdup(json_string_value(value))
                                           : json_dumps(value, JSON_COMPACT | JSON_ENCODE_ANY);
        pk_base64(dump, strlen(dump), &text);
        free(dump);
        return pk_buf_steal(&text);
    }
    if (shape->type != PK_AWS_LIST)
        return scalar_text(service, member, value, PK_AWS_TIME_RFC822);
    const struct pk_aws_member *item = pk_aws_member_at(service, shape, 0);
    bool quote = pk_aws_shape_of(service, item)->type == PK_AWS_STRING;
    struct pk_buf text;
    pk_buf_init(&text, PK_BUF_MAX_DEFAULT);
    for (size_t i = 0; i < json_array_size(value); i++) {
        PK_CLEANUP(pk_freep)
        char *one = scalar_text(service, item, json_array_get(value, i), PK_AWS_TIME_RFC822);
        if (i > 0)
            pk_buf_addc(&text, ',');
        add_list_item(&text, one, quote);
    }
    return pk_buf_steal(&text);
}

static bool add_header(struct pk_aws_wire *wire, const char *name, const char *value,
                       struct pk_error **err) {
    if (pk_headers_add(&wire->headers, name, value))
        return true;
    return pk_fail(err, PK_E_CONFIG, "the value for header %s has a line break in it", name);
}

static bool bind_headers(struct pk_aws_wire *wire, const char *prefix, json_t *value,
                         struct pk_error **err) {
    const char *key;
    json_t *item;
    json_object_foreach(value, key, item) {
        PK_CLEANUP(pk_freep) char *name = pk_asprintf("%s%s", prefix, key);
        const char *text = json_string_value(item);
        if (text != NULL && !add_header(wire, name, text, err))
            return false;
    }
    return true;
}

static void bind_query(const struct pk_aws_service *service, const struct pk_aws_member *member,
                       const char *name, json_t *value, struct pk_aws_wire *wire) {
    const struct pk_aws_shape *shape = pk_aws_shape_of(service, member);
    json_t *item;
    size_t i;
    if (shape->type == PK_AWS_LIST) {
        json_array_foreach(value, i, item)
            bind_query(service, pk_aws_member_at(service, shape, 0), name, item, wire);
    } else {
        PK_CLEANUP(pk_freep) char *text = scalar_text(service, member, value, PK_AWS_TIME_ISO);
        pk_aws_pairs_add(&wire->query, name, text);
    }
}

static bool has_pair(const struct pk_aws_pairs *pairs, size_t len, const char *key) {
    for (size_t i = 0; i < len; i++) {
        if (pk_streq(pairs->items[i].key, key))
            return true;
    }
    return false;
}

/* Maps give what no other member names, so they come last. */
static void bind_query_maps(const struct pk_aws_service *service, const struct pk_aws_shape *shape,
                            const json_t *params, struct pk_aws_wire *wire) {
    size_t named = wire->query.len;
    for (size_t i = 0; shape != NULL && i < shape->count; i++) {
        const struct pk_aws_member *member = pk_aws_member_at(service, shape, i);
        const struct pk_aws_shape *map = pk_aws_shape_of(service, member);
        json_t *value = json_object_get(params, pk_aws_text(service, member->name)), *item;
        const char *key;
        if (pk_aws_location_of(member) != PK_AWS_QUERY || map->type != PK_AWS_MAP)
            continue;
        json_object_foreach(value, key, item) {
            if (!has_pair(&wire->query, named, key))
                bind_query(service, pk_aws_member_at(service, map, 1), key, item, wire);
        }
    }
}

/* The member that a label of the URI template names. */
static const struct pk_aws_member *label_member(const struct pk_aws_service *service,
                                                const struct pk_aws_shape *shape,
                                                struct pk_str label) {
    for (size_t i = 0; shape != NULL && i < shape->count; i++) {
        const struct pk_aws_member *member = pk_aws_member_at(service, shape, i);
        if (pk_aws_location_of(member) == PK_AWS_URI &&
            pk_str_eqz(label, pk_aws_text(service, member->wire)))
            return member;
    }
    return NULL;
}

/* "/{Bucket}/{Key+}?location": fills the labels, and the query list from the part after "?". */
static void bind_uri(const struct pk_aws_service *service, const struct pk_aws_operation *operation,
                     const json_t *params, struct pk_aws_wire *wire) {
    const struct pk_aws_shape *shape = pk_aws_input(service, operation);
    struct pk_str rest = pk_str(pk_aws_text(service, operation->uri)), path, part, label;
    bool has_path = pk_str_cut(&rest, '?', &path);
    pk_assert(has_path);
    pk_aws_pairs_parse(&wire->query, rest);
    while (path.len > 0 && pk_str_cut(&path, '{', &part)) {
        pk_buf_add(&wire->path, part.ptr, part.len);
        if (path.len == 0 || !pk_str_cut(&path, '}', &label))
            break;
        bool greedy = label.len > 0 && label.ptr[label.len - 1] == '+';
        if (greedy)
            label.len--;
        const struct pk_aws_member *member = label_member(service, shape, label);
        const json_t *value =
            member ? json_object_get(params, pk_aws_text(service, member->name)) : NULL;
        if (value == NULL)
            continue;
        PK_CLEANUP(pk_freep) char *text = scalar_text(service, member, value, PK_AWS_TIME_ISO);
        pk_aws_escape(&wire->path, text, strlen(text), greedy ? "/" : "");
    }
}

bool pk_aws_rest_bind(const struct pk_aws_service *service,
                      const struct pk_aws_operation *operation, json_t *params,
                      struct pk_aws_wire *wire, json_t **ret_body, struct pk_error **err) {
    const struct pk_aws_shape *shape = pk_aws_input(service, operation);
    json_t *body = json_object(), *value;
    const char *key;
    bool ok = true;
    wire->method = pk_aws_method_name(operation);
    bind_uri(service, operation, params, wire);
    json_object_foreach(params, key, value) {
        const struct pk_aws_member *member = shape ? pk_aws_member_find(service, shape, key) : NULL;
        if (member == NULL || json_is_null(value))
            continue;
        const char *name = pk_aws_text(service, member->wire);
        switch (pk_aws_location_of(member)) {
        case PK_AWS_BODY:
            json_object_set(body, key, value);
            break;
        case PK_AWS_HEADER:
            if (!json_is_array(value) || json_array_size(value) > 0) {
                PK_CLEANUP(pk_freep) char *text = header_text(service, member, value);
                ok = ok && add_header(wire, name, text, err);
            }
            break;
        case PK_AWS_HEADERS:
            ok = ok && bind_headers(wire, name, value, err);
            break;
        case PK_AWS_QUERY:
            if (!json_is_object(value))
                bind_query(service, member, name, value, wire);
            break;
        case PK_AWS_URI:
        case PK_AWS_STATUS:
            break;
        }
    }
    bind_query_maps(service, shape, params, wire);
    if (ok)
        *ret_body = body;
    else
        json_decref(body);
    return ok;
}

static const struct pk_aws_member *payload_member(const struct pk_aws_service *service,
                                                  const struct pk_aws_shape *shape) {
    if (shape == NULL || shape->payload == 0)
        return NULL;
    const struct pk_aws_member *member = pk_aws_member_at(service, shape, shape->payload - 1U);
    enum pk_aws_type type = (enum pk_aws_type)pk_aws_shape_of(service, member)->type;
    return type == PK_AWS_BLOB || type == PK_AWS_STRING ? member : NULL;
}

bool pk_aws_rest_raw_body(const struct pk_aws_service *service, const struct pk_aws_shape *shape,
                          const json_t *body, const struct pk_aws_payload *payload,
                          struct pk_aws_wire *wire) {
    const struct pk_aws_member *member = payload_member(service, shape);
    if (member == NULL)
        return false;
    const json_t *value = json_object_get(body, pk_aws_text(service, member->name));
    bool text_payload = pk_aws_shape_of(service, member)->type == PK_AWS_STRING;
    /* S3 has a default of its own for objects. */
    bool object = member->flags & PK_AWS_STREAMING && service->protocol == PK_AWS_PROTOCOL_REST_XML;
    if (!object && (value != NULL || payload->data != NULL) &&
        pk_headers_get(&wire->headers, "Content-Type") == NULL)
        pk_headers_set(&wire->headers, "Content-Type",
                       text_payload ? "text/plain" : "application/octet-stream");
    if (payload->data != NULL) {
        wire->body = payload->data;
        wire->body_len = payload->len;
        return true;
    }
    if (json_is_string(value)) {
        struct pk_str text = pk_str_n(json_string_value(value), json_string_length(value));
        if (text_payload || !pk_base64_decode(text, &wire->body_buf))
            pk_buf_add(&wire->body_buf, text.ptr, text.len);
    }
    wire->body = wire->body_buf.ptr;
    wire->body_len = wire->body_buf.len;
    return true;
}

bool pk_aws_rest_raw_result(const struct pk_aws_service *service, const struct pk_aws_shape *shape,
                            const struct pk_http_response *response,
                            const struct pk_aws_payload *payload, json_t *ret) {
    const struct pk_aws_member *member = payload_member(service, shape);
    const struct pk_buf *body = &response->body;
    if (member == NULL)
        return false;
    const char *name = pk_aws_text(service, member->name);
    if (payload->ret != NULL) {
        pk_buf_add(payload->ret, body->ptr, body->len);
    } else if (pk_aws_shape_of(service, member)->type == PK_AWS_STRING) {
        json_t *text = json_stringn(body->ptr ? body->ptr : "", body->len);
        if (text != NULL)
            json_object_set_new(ret, name, text);
    } else if (body->len > 0) {
        struct pk_buf text;
        pk_buf_init(&text, PK_BUF_MAX_DEFAULT);
        pk_base64(body->ptr, body->len, &text);
        json_object_set_new(ret, name, json_string(pk_buf_cstr(&text)));
        pk_buf_release(&text);
    }
    return true;
}

static json_t *header_json_value(const char *text) {
    struct pk_buf decoded;
    pk_buf_init(&decoded, PK_BUF_MAX_DEFAULT);
    json_t *value = NULL;
    if (pk_base64_decode(pk_str(text), &decoded))
        value = json_stringn(pk_buf_cstr(&decoded), decoded.len);
    pk_buf_release(&decoded);
    return value;
}

static json_t *header_value(const struct pk_aws_service *service,
                            const struct pk_aws_member *member, const char *text);

/* "a, "b,c", d": commas inside quotes do not separate. HTTP dates have a comma of their own. */
static json_t *header_list(const struct pk_aws_service *service, const struct pk_aws_member *item,
                           const char *text) {
    json_t *list = json_array();
    bool dates = pk_aws_shape_of(service, item)->type == PK_AWS_TIMESTAMP &&
                 pk_aws_time_format_of(item) != PK_AWS_TIME_ISO &&
                 pk_aws_time_format_of(item) != PK_AWS_TIME_UNIX;
    struct pk_buf part;
    pk_buf_init(&part, PK_BUF_MAX_DEFAULT);
    bool quoted = false;
    int commas = 0;
    for (const char *c = text;; c++) {
        if (*c == '\0' || (*c == ',' && !quoted && (!dates || ++commas % 2 == 0))) {
            struct pk_str trimmed = pk_str_trim(pk_str_n(pk_buf_cstr(&part), part.len));
            PK_CLEANUP(pk_freep) char *one = pk_strndup(trimmed.ptr, trimmed.len);
            json_t *value = header_value(service, item, one);
            if (value != NULL)
                json_array_append_new(list, value);
            pk_buf_reset(&part);
            if (*c == '\0')
                break;
        } else if (*c == '"') {
            quoted = !quoted;
        } else if (*c == '\\' && quoted && c[1] != '\0') {
            pk_buf_addc(&part, *++c);
        } else {
            pk_buf_addc(&part, *c);
        }
    }
    pk_buf_release(&part);
    return list;
}

static json_t *header_value(const struct pk_aws_service *service,
                            const struct pk_aws_member *member, const char *text) {
    const struct pk_aws_shape *shape = pk_aws_shape_of(service, member);
    if (member->flags & PK_AWS_JSON_VALUE)
        return header_json_value(text);
    if (shape->type == PK_AWS_LIST)
        return header_list(service, pk_aws_member_at(service, shape, 0), text);
    json_t *raw = json_string(text), *value = NULL;
    if (raw != NULL && shape->type == PK_AWS_TIMESTAMP) {
        int64_t ms;
        value = pk_aws_time_value(raw, &ms) ? pk_aws_time_json(ms) : NULL;
    } else if (raw != NULL) {
        value = pk_aws_json_read(service, member, raw);
    }
    json_decref(raw);
    return value;
}

static json_t *header_map(const struct pk_http_response *response, const char *prefix) {
    json_t *map = json_object();
    size_t len = strlen(prefix);
    for (size_t i = 0; i < response->headers.len; i++) {
        const struct pk_header *header = &response->headers.items[i];
        if (strncasecmp(header->name, prefix, len) == 0)
            json_object_set_new(map, header->name + len, json_string(header->value));
    }
    return map;
}

void pk_aws_rest_unbind(const struct pk_aws_service *service, const struct pk_aws_shape *shape,
                        const struct pk_http_response *response, json_t *ret) {
    for (size_t i = 0; i < shape->count; i++) {
        const struct pk_aws_member *member = pk_aws_member_at(service, shape, i);
        const char *wire = pk_aws_text(service, member->wire), *text;
        json_t *value = NULL;
        switch (pk_aws_location_of(member)) {
        case PK_AWS_STATUS:
            value = json_integer(response->status);
            break;
        case PK_AWS_HEADERS:
            value = header_map(response, wire);
            break;
        case PK_AWS_HEADER:
            text = pk_headers_get(&response->headers, wire);
            value = text ? header_value(service, member, text) : NULL;
            break;
        case PK_AWS_BODY:
        case PK_AWS_URI:
        case PK_AWS_QUERY:
            break;
        }
        if (value != NULL)
            json_object_set_new(ret, pk_aws_text(service, member->name), value);
    }
}
