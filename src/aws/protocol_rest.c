/* protocol_rest.c - REST-JSON and REST-XML: the binder plus one of the two body formats. */
#include "aws/protocol.h"
#include "aws/xml.h"

#include "base/mem.h"

#include <stdlib.h>

static void set_body(struct pk_aws_wire *wire) {
    wire->body = wire->body_buf.ptr;
    wire->body_len = wire->body_buf.len;
}

static const struct pk_aws_member *structured_payload(const struct pk_aws_service *service,
                                                      const struct pk_aws_shape *shape) {
    return shape->payload ? pk_aws_member_at(service, shape, shape->payload - 1U) : NULL;
}

static bool has_body_members(const struct pk_aws_service *service, const struct pk_aws_shape *shape,
                             bool answer) {
    for (size_t i = 0; i < shape->count; i++) {
        const struct pk_aws_member *member = pk_aws_member_at(service, shape, i);
        if (answer ? pk_aws_in_answer_body(member) : pk_aws_location_of(member) == PK_AWS_BODY)
            return true;
    }
    return false;
}

static void write_json_body(const struct pk_aws_service *service,
                            const struct pk_aws_member *member, json_t *value,
                            struct pk_aws_wire *wire) {
    json_t *body = value ? pk_aws_json_write(service, member, value) : json_object();
    char *text = json_dumps(body, JSON_COMPACT | JSON_ENCODE_ANY);
    pk_buf_addz(&wire->body_buf, text);
    free(text);
    json_decref(body);
    if (pk_headers_get(&wire->headers, "Content-Type") == NULL)
        pk_headers_set(&wire->headers, "Content-Type", "application/json");
}

static bool write_rest_json(const struct pk_aws_service *service,
                            const struct pk_aws_operation *operation, json_t *params,
                            const struct pk_aws_payload *payload, struct pk_aws_wire *ret,
                            struct pk_error **err) {
    const struct pk_aws_shape *shape = pk_aws_input(service, operation);
    json_t *body = NULL;
    if (!pk_aws_rest_bind(service, operation, params, ret, &body, err))
        return false;
    if (shape != NULL && !pk_aws_rest_raw_body(service, shape, body, payload, ret)) {
        const struct pk_aws_member *member = structured_payload(service, shape);
        if (member != NULL)
            write_json_body(service, member,
                            json_object_get(body, pk_aws_text(service, member->name)), ret);
        else if (has_body_members(service, shape, false))
            write_json_body(service, &service->members[operation->input], body, ret);
        set_body(ret);
    }
    json_decref(body);
    return true;
}

static bool read_rest_json(const struct pk_aws_service *service,
                           const struct pk_aws_operation *operation,
                           const struct pk_http_response *response,
                           const struct pk_aws_payload *payload, json_t **ret,
                           struct pk_error **err) {
    const struct pk_aws_shape *shape = pk_aws_output(service, operation);
    json_t *result = json_object(), *body = NULL;
    *ret = result;
    if (shape == NULL)
        return true;
    pk_aws_rest_unbind(service, shape, response, result);
    if (pk_aws_rest_raw_result(service, shape, response, payload, result))
        return true;
    const struct pk_aws_member *member = structured_payload(service, shape);
    if (member == NULL && !has_body_members(service, shape, true))
        return true;
    if (!pk_aws_json_body(&response->body, &body, err)) {
        json_decref(result);
        *ret = NULL;
        return false;
    }
    json_t *read =
        pk_aws_json_read(service, member ? member : &service->members[operation->output], body);
    if (member != NULL && read != NULL && response->body.len > 0)
        json_object_set(result, pk_aws_text(service, member->name), read);
    else if (member == NULL && read != NULL)
        json_object_update(result, read);
    json_decref(read);
    json_decref(body);
    return true;
}

static bool write_rest_xml(const struct pk_aws_service *service,
                           const struct pk_aws_operation *operation, json_t *params,
                           const struct pk_aws_payload *payload, struct pk_aws_wire *ret,
                           struct pk_error **err) {
    const struct pk_aws_shape *shape = pk_aws_input(service, operation);
    json_t *body = NULL;
    if (!pk_aws_rest_bind(service, operation, params, ret, &body, err))
        return false;
    if (shape != NULL && !pk_aws_rest_raw_body(service, shape, body, payload, ret)) {
        const struct pk_aws_member *payload_member = structured_payload(service, shape);
        const struct pk_aws_member *root =
            payload_member ? payload_member : &service->members[operation->input];
        pk_assert(root != NULL);
        const json_t *value = json_object_size(body) > 0 ? body : NULL;
        if (payload_member != NULL)
            value = json_object_get(body, pk_aws_text(service, payload_member->name));
        if (value != NULL) {
            pk_aws_xml_write(&ret->body_buf, service, root, pk_aws_text(service, root->wire),
                             value);
            if (pk_headers_get(&ret->headers, "Content-Type") == NULL)
                pk_headers_set(&ret->headers, "Content-Type", "application/xml");
        }
        set_body(ret);
    }
    json_decref(body);
    return true;
}

static bool read_rest_xml(const struct pk_aws_service *service,
                          const struct pk_aws_operation *operation,
                          const struct pk_http_response *response,
                          const struct pk_aws_payload *payload, json_t **ret,
                          struct pk_error **err) {
    const struct pk_aws_shape *shape = pk_aws_output(service, operation);
    json_t *result = json_object();
    *ret = result;
    if (shape == NULL)
        return true;
    pk_aws_rest_unbind(service, shape, response, result);
    if (pk_aws_rest_raw_result(service, shape, response, payload, result) ||
        response->body.len == 0)
        return true;
    const struct pk_aws_member *member = structured_payload(service, shape);
    if (member == NULL && !has_body_members(service, shape, true))
        return true;
    struct pk_arena *arena = pk_arena_new();
    const struct pk_xml *root = NULL;
    bool ok = pk_xml_parse(arena, response->body.ptr, response->body.len, &root, err);
    if (ok && member != NULL) {
        json_t *read = pk_aws_xml_read(service, member, root);
        if (read != NULL)
            json_object_set_new(result, pk_aws_text(service, member->name), read);
    } else if (ok) {
        pk_aws_xml_read_members(service, shape, root, result);
    } else {
        json_decref(result);
        *ret = NULL;
    }
    pk_arena_free(arena);
    return ok;
}

const struct pk_aws_protocol pk_aws_protocol_rest_json = {write_rest_json, read_rest_json,
                                                          pk_aws_json_fault};
const struct pk_aws_protocol pk_aws_protocol_rest_xml = {write_rest_xml, read_rest_xml,
                                                         pk_aws_xml_fault};

const struct pk_aws_protocol *pk_aws_protocol_of(const struct pk_aws_service *service) {
    switch ((enum pk_aws_protocol_id)service->protocol) {
    case PK_AWS_PROTOCOL_JSON:
        return &pk_aws_protocol_json;
    case PK_AWS_PROTOCOL_QUERY:
        return &pk_aws_protocol_query;
    case PK_AWS_PROTOCOL_EC2:
        return &pk_aws_protocol_ec2;
    case PK_AWS_PROTOCOL_REST_JSON:
        return &pk_aws_protocol_rest_json;
    case PK_AWS_PROTOCOL_REST_XML:
        break;
    }
    return &pk_aws_protocol_rest_xml;
}
