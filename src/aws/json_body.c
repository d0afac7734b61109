/* json_body.c - bodies of the JSON protocols and of REST-JSON. */
#include "aws/protocol.h"

#include "base/clock.h"
#include "base/mem.h"

#include <stdlib.h>
#include <string.h>

static json_t *write_structure(const struct pk_aws_service *service,
                               const struct pk_aws_shape *shape, json_t *value) {
    json_t *object = json_object();
    const char *key;
    json_t *item;
    json_object_foreach(value, key, item) {
        const struct pk_aws_member *member = pk_aws_member_find(service, shape, key);
        if (member != NULL && !json_is_null(item))
            json_object_set_new(object, pk_aws_text(service, member->wire),
                                pk_aws_json_write(service, member, item));
    }
    return object;
}

static json_t *write_time(const struct pk_aws_service *service, const struct pk_aws_member *member,
                          const json_t *value) {
    int64_t ms = 0;
    enum pk_aws_time_format format = pk_aws_time_format_of(member);
    if (!pk_aws_time_value(value, &ms))
        return json_null();
    if (format == PK_AWS_TIME_DEFAULT || format == PK_AWS_TIME_UNIX)
        return pk_aws_time_json(ms);
    struct pk_buf text;
    pk_buf_init(&text, 64);
    pk_aws_scalar(&text, service, member, value, format);
    json_t *result = json_string(pk_buf_cstr(&text));
    pk_buf_release(&text);
    return result;
}

json_t *pk_aws_json_write(const struct pk_aws_service *service, const struct pk_aws_member *member,
                          json_t *value) {
    const struct pk_aws_shape *shape = pk_aws_shape_of(service, member);
    const char *key;
    json_t *item, *result;
    size_t i;
    /* Text is JSON already. */
    if (member->flags & PK_AWS_JSON_VALUE && !json_is_string(value)) {
        char *text = json_dumps(value, JSON_COMPACT | JSON_ENCODE_ANY);
        result = json_string(text);
        free(text);
        return result;
    }
    switch ((enum pk_aws_type)shape->type) {
    case PK_AWS_STRUCTURE:
        return write_structure(service, shape, value);
    case PK_AWS_LIST:
        result = json_array();
        json_array_foreach(value, i, item) json_array_append_new(
            result, pk_aws_json_write(service, pk_aws_member_at(service, shape, 0), item));
        return result;
    case PK_AWS_MAP:
        result = json_object();
        json_object_foreach(value, key, item) json_object_set_new(
            result, key, pk_aws_json_write(service, pk_aws_member_at(service, shape, 1), item));
        return result;
    case PK_AWS_TIMESTAMP:
        return write_time(service, member, value);
    case PK_AWS_STRING:
    case PK_AWS_BOOLEAN:
    case PK_AWS_INTEGER:
    case PK_AWS_FLOAT:
    case PK_AWS_BLOB:
    case PK_AWS_DOCUMENT:
        break;
    }
    return json_incref(value);
}

static json_t *read_structure(const struct pk_aws_service *service,
                              const struct pk_aws_shape *shape, json_t *value) {
    json_t *object = json_object();
    for (size_t i = 0; i < shape->count; i++) {
        const struct pk_aws_member *member = pk_aws_member_at(service, shape, i);
        json_t *item = json_object_get(value, pk_aws_text(service, member->wire));
        if (item == NULL || !pk_aws_in_answer_body(member))
            continue;
        json_t *read = pk_aws_json_read(service, member, item);
        if (read != NULL)
            json_object_set_new(object, pk_aws_text(service, member->name), read);
    }
    return object;
}

static json_t *read_list(const struct pk_aws_service *service, const struct pk_aws_shape *shape,
                         json_t *value) {
    json_t *list = json_array(), *item;
    size_t i;
    json_array_foreach(value, i, item) {
        json_t *read = json_is_null(item)
                           ? json_null()
                           : pk_aws_json_read(service, pk_aws_member_at(service, shape, 0), item);
        if (read != NULL)
            json_array_append_new(list, read);
    }
    return list;
}

static json_t *read_map(const struct pk_aws_service *service, const struct pk_aws_shape *shape,
                        json_t *value) {
    json_t *object = json_object(), *item;
    const char *key;
    json_object_foreach(value, key, item) {
        json_t *read = pk_aws_json_read(service, pk_aws_member_at(service, shape, 1), item);
        if (read != NULL)
            json_object_set_new(object, key, read);
    }
    return object;
}

static json_t *read_integer(json_t *value) {
    int64_t number;
    if (json_is_string(value) && pk_parse_i64(pk_str(json_string_value(value)), &number))
        return json_integer(number);
    /* Some services write whole numbers as 3.0. */
    if (json_is_real(value) && json_real_value(value) > -9e15 && json_real_value(value) < 9e15)
        return json_integer((json_int_t)json_real_value(value));
    return json_is_number(value) ? json_incref(value) : NULL;
}

static json_t *read_float(json_t *value) {
    double number;
    if (json_is_string(value) && pk_parse_double(pk_str(json_string_value(value)), &number))
        return json_real(number);
    return json_is_number(value) || json_is_string(value) ? json_incref(value) : NULL;
}

static json_t *read_boolean(json_t *value) {
    if (json_is_string(value))
        return json_boolean(pk_strieq(json_string_value(value), "true"));
    return json_is_boolean(value) ? json_incref(value) : NULL;
}

json_t *pk_aws_json_read(const struct pk_aws_service *service, const struct pk_aws_member *member,
                         json_t *value) {
    const struct pk_aws_shape *shape = pk_aws_shape_of(service, member);
    int64_t ms;
    if (json_is_null(value))
        return NULL;
    switch ((enum pk_aws_type)shape->type) {
    case PK_AWS_STRUCTURE:
        return json_is_object(value) ? read_structure(service, shape, value) : NULL;
    case PK_AWS_LIST:
        return json_is_array(value) ? read_list(service, shape, value) : NULL;
    case PK_AWS_MAP:
        return json_is_object(value) ? read_map(service, shape, value) : NULL;
    case PK_AWS_TIMESTAMP:
        return pk_aws_time_value(value, &ms) ? pk_aws_time_json(ms) : NULL;
    case PK_AWS_INTEGER:
        return read_integer(value);
    case PK_AWS_FLOAT:
        return read_float(value);
    case PK_AWS_BOOLEAN:
        return read_boolean(value);
    case PK_AWS_STRING:
    case PK_AWS_BLOB:
        return json_is_string(value) ? json_incref(value) : NULL;
    case PK_AWS_DOCUMENT:
        return json_incref(value);
    }
    return NULL;
}

bool pk_aws_json_body(const struct pk_buf *body, json_t **ret, struct pk_error **err) {
    json_error_t why;
    size_t flags = JSON_ALLOW_NUL | JSON_DECODE_ANY;
    if (pk_str_trim(pk_str_n(body->ptr, body->len)).len == 0) {
        *ret = json_object();
        return true;
    }
    json_t *value = json_loadb(body->ptr, body->len, flags, &why);
    if (value == NULL)
        value = json_loadb(body->ptr, body->len, flags | JSON_DECODE_INT_AS_REAL, &why);
    if (value == NULL)
        return pk_fail(err, PK_E_BAD_RESPONSE, "not JSON (line %d): %s", why.line, why.text);
    *ret = value;
    return true;
}

char *pk_aws_error_type(const char *text) {
    const char *end = text + strcspn(text, ":");
    /* "com.amazon#Type:http://…" and "Type:http://x#y" both occur. */
    const char *hash = memrchr(text, '#', (size_t)(end - text));
    const char *start = hash ? hash + 1 : text;
    return pk_strndup(start, (size_t)(end - start));
}

static const char *first_text(const json_t *body, const char *const names[], size_t n) {
    for (size_t i = 0; i < n; i++) {
        const char *text = json_string_value(json_object_get(body, names[i]));
        if (text != NULL && text[0] != '\0')
            return text;
    }
    return NULL;
}

void pk_aws_json_fault(const struct pk_aws_service *service,
                       const struct pk_http_response *response, struct pk_aws_fault *ret) {
    static const char *const rpc_type[] = {"__type"}, *const types[] = {"code", "Code", "__type"};
    static const char *const messages[] = {"message", "Message", "errorMessage"};
    json_t *body = NULL;
    if (!pk_aws_json_body(&response->body, &body, NULL)) {
        /* Something in front of the service may answer in XML. */
        pk_aws_xml_fault(service, response, ret);
        return;
    }
    /* Members called "code" may be the error's own; in the RPC form the type is always there. */
    bool rpc = service->protocol == PK_AWS_PROTOCOL_JSON;
    const char *type = rpc ? first_text(body, rpc_type, 1) : NULL;
    if (type == NULL)
        type = pk_headers_get(&response->headers, "x-amzn-errortype");
    if (type == NULL)
        type = first_text(body, types, PK_ARRAY_LEN(types));
    ret->code = type ? pk_aws_error_type(type) : pk_asprintf("%d", response->status);
    const char *query = pk_headers_get(&response->headers, "x-amzn-query-error");
    if (query != NULL && query[0] != '\0' && query[0] != ';') {
        free(ret->code);
        ret->code = pk_strndup(query, strcspn(query, ";"));
    }
    const char *message = first_text(body, messages, PK_ARRAY_LEN(messages));
    ret->message = message ? pk_strdup(message) : NULL;
    json_decref(body);
}
