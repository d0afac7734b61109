/* protocol_rpc.c - the protocols that post everything to "/": JSON, query and EC2. */
#include "aws/protocol.h"
#include "aws/xml.h"

#include "base/mem.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>

static void set_body(struct pk_aws_wire *wire) {
    wire->body = wire->body_buf.ptr;
    wire->body_len = wire->body_buf.len;
}

static bool write_json(const struct pk_aws_service *service,
                       const struct pk_aws_operation *operation, json_t *params,
                       const struct pk_aws_payload *payload PK_UNUSED, struct pk_aws_wire *ret,
                       struct pk_error **err PK_UNUSED) {
    ret->method = "POST";
    pk_buf_addc(&ret->path, '/');
    PK_CLEANUP(pk_freep)
    char *target = pk_asprintf("%s.%s", pk_aws_text(service, service->target_prefix),
                               pk_aws_text(service, operation->name));
    PK_CLEANUP(pk_freep)
    char *type =
        pk_asprintf("application/x-amz-json-%s", pk_aws_text(service, service->json_version));
    pk_headers_set(&ret->headers, "X-Amz-Target", target);
    pk_headers_set(&ret->headers, "Content-Type", type);
    if (service->query_compatible)
        pk_headers_set(&ret->headers, "x-amzn-query-mode", "true");
    json_t *body = operation->input == PK_AWS_NONE
                       ? json_object()
                       : pk_aws_json_write(service, &service->members[operation->input], params);
    char *text = json_dumps(body, JSON_COMPACT);
    pk_buf_addz(&ret->body_buf, text);
    free(text);
    json_decref(body);
    set_body(ret);
    return true;
}

static bool read_json(const struct pk_aws_service *service,
                      const struct pk_aws_operation *operation,
                      const struct pk_http_response *response,
                      const struct pk_aws_payload *payload PK_UNUSED, json_t **ret,
                      struct pk_error **err) {
    json_t *body = NULL, *result = NULL;
    if (operation->output == PK_AWS_NONE) {
        *ret = json_object();
        return true;
    }
    if (!pk_aws_json_body(&response->body, &body, err))
        return false;
    result = pk_aws_json_read(service, &service->members[operation->output], body);
    json_decref(body);
    *ret = result ? result : json_object();
    return true;
}

/* Query and EC2: nested names flattened into "A.B.1=x&…". */
struct form {
    const struct pk_aws_service *service;
    struct pk_buf *body;
    struct pk_buf prefix;
    bool ec2;
};

static void form_pair(struct form *form, const char *text, size_t len) {
    if (form->body->len > 0)
        pk_buf_addc(form->body, '&');
    pk_aws_escape(form->body, pk_buf_cstr(&form->prefix), form->prefix.len, "");
    pk_buf_addc(form->body, '=');
    pk_aws_escape(form->body, text, len, "");
}

static void cut_prefix(struct form *form, size_t len) {
    form->prefix.len = len;
    if (form->prefix.ptr != NULL)
        form->prefix.ptr[len] = '\0';
}

static void push_name(struct form *form, const char *name) {
    if (form->prefix.len > 0)
        pk_buf_addc(&form->prefix, '.');
    pk_buf_addz(&form->prefix, name);
}

static void push_member(struct form *form, const struct pk_aws_member *member) {
    const char *query = form->ec2 ? pk_aws_query_name(form->service, member) : NULL;
    size_t at = form->prefix.len + (form->prefix.len > 0 ? 1 : 0);
    push_name(form, query ? query : pk_aws_text(form->service, member->wire));
    if (form->ec2 && query == NULL)
        form->prefix.ptr[at] = (char)toupper((unsigned char)form->prefix.ptr[at]);
}

static void form_value(struct form *form, const struct pk_aws_member *member, const json_t *value);

static void form_structure(struct form *form, const struct pk_aws_shape *shape,
                           const json_t *value) {
    const char *key;
    json_t *item;
    json_object_foreach((json_t *)value, key, item) {
        const struct pk_aws_member *member = pk_aws_member_find(form->service, shape, key);
        if (member == NULL || json_is_null(item))
            continue;
        size_t len = form->prefix.len;
        push_member(form, member);
        form_value(form, member, item);
        cut_prefix(form, len);
    }
}

static void form_items(struct form *form, const struct pk_aws_member *item, const json_t *list) {
    size_t len = form->prefix.len;
    for (size_t i = 0; i < json_array_size(list); i++) {
        pk_buf_addf(&form->prefix, ".%zu", i + 1);
        form_value(form, item, json_array_get(list, i));
        cut_prefix(form, len);
    }
}

/* The items of a flattened list are numbered under their own name, if they have one, in place of
 * the list's. */
static void form_flattened(struct form *form, const struct pk_aws_member *item,
                           const json_t *list) {
    if (!(item->flags & PK_AWS_HAS_NAME)) {
        form_items(form, item, list);
        return;
    }
    PK_CLEANUP(pk_freep) char *before = pk_strdup(pk_buf_cstr(&form->prefix));
    const char *dot = strrchr(before, '.');
    cut_prefix(form, dot ? (size_t)(dot - before) : 0);
    push_name(form, pk_aws_text(form->service, item->wire));
    form_items(form, item, list);
    cut_prefix(form, 0);
    pk_buf_addz(&form->prefix, before);
}

static void form_list(struct form *form, const struct pk_aws_member *own, const json_t *value) {
    const struct pk_aws_member *item =
        pk_aws_member_at(form->service, pk_aws_shape_of(form->service, own), 0);
    size_t start = form->prefix.len;
    if (form->ec2) {
        form_items(form, item, value);
    } else if (json_array_size(value) == 0) {
        form_pair(form, "", 0);
    } else if (own->flags & PK_AWS_FLATTENED) {
        form_flattened(form, item, value);
    } else {
        push_name(form, item->flags & PK_AWS_HAS_NAME ? pk_aws_text(form->service, item->wire)
                                                      : "member");
        form_items(form, item, value);
        cut_prefix(form, start);
    }
}

static void form_map(struct form *form, const struct pk_aws_member *own, const json_t *value) {
    const struct pk_aws_shape *shape = pk_aws_shape_of(form->service, own);
    const struct pk_aws_member *key_member = pk_aws_member_at(form->service, shape, 0);
    const struct pk_aws_member *value_member = pk_aws_member_at(form->service, shape, 1);
    bool key_named = key_member->flags & PK_AWS_HAS_NAME;
    bool value_named = value_member->flags & PK_AWS_HAS_NAME;
    size_t start = form->prefix.len, number = 0;
    const char *key;
    json_t *item;
    if (!(own->flags & PK_AWS_FLATTENED))
        push_name(form, "entry");
    size_t len = form->prefix.len;
    json_object_foreach((json_t *)value, key, item) {
        pk_buf_addf(&form->prefix, ".%zu", ++number);
        size_t entry = form->prefix.len;
        push_name(form, key_named ? pk_aws_text(form->service, key_member->wire) : "key");
        form_pair(form, key, strlen(key));
        cut_prefix(form, entry);
        push_name(form, value_named ? pk_aws_text(form->service, value_member->wire) : "value");
        form_value(form, value_member, item);
        cut_prefix(form, len);
    }
    cut_prefix(form, start);
}

static void form_value(struct form *form, const struct pk_aws_member *member, const json_t *value) {
    const struct pk_aws_shape *shape = pk_aws_shape_of(form->service, member);
    if (shape->type == PK_AWS_STRUCTURE) {
        form_structure(form, shape, value);
    } else if (shape->type == PK_AWS_LIST) {
        form_list(form, member, value);
    } else if (shape->type == PK_AWS_MAP) {
        form_map(form, member, value);
    } else {
        struct pk_buf text;
        pk_buf_init(&text, PK_BUF_MAX_DEFAULT);
        pk_aws_scalar(&text, form->service, member, value, PK_AWS_TIME_ISO);
        form_pair(form, pk_buf_cstr(&text), text.len);
        pk_buf_release(&text);
    }
}

static bool write_form(const struct pk_aws_service *service,
                       const struct pk_aws_operation *operation, json_t *params,
                       const struct pk_aws_payload *payload PK_UNUSED, struct pk_aws_wire *ret,
                       struct pk_error **err PK_UNUSED) {
    struct form form = {.service = service,
                        .body = &ret->body_buf,
                        .ec2 = service->protocol == PK_AWS_PROTOCOL_EC2};
    pk_buf_init(&form.prefix, PK_BUF_MAX_DEFAULT);
    ret->method = pk_aws_method_name(operation);
    pk_buf_addc(&ret->path, '/');
    pk_headers_set(&ret->headers, "Content-Type",
                   "application/x-www-form-urlencoded; charset=utf-8");
    pk_buf_addf(&ret->body_buf, "Action=%s&Version=%s", pk_aws_text(service, operation->name),
                pk_aws_text(service, service->api_version));
    const struct pk_aws_shape *shape = pk_aws_input(service, operation);
    if (shape != NULL)
        form_structure(&form, shape, params);
    pk_buf_release(&form.prefix);
    set_body(ret);
    return true;
}

static bool read_xml(const struct pk_aws_service *service, const struct pk_aws_operation *operation,
                     const struct pk_http_response *response,
                     const struct pk_aws_payload *payload PK_UNUSED, json_t **ret,
                     struct pk_error **err) {
    const struct pk_aws_shape *shape = pk_aws_output(service, operation);
    json_t *result = json_object();
    bool ok = true;
    if (shape != NULL) {
        struct pk_arena *arena = pk_arena_new();
        const struct pk_xml *root = NULL;
        ok = pk_xml_parse(arena, response->body.ptr, response->body.len, &root, err);
        if (ok && operation->result_wrapper != 0)
            root = pk_xml_child(root, pk_aws_text(service, operation->result_wrapper));
        if (ok && root != NULL)
            pk_aws_xml_read_members(service, shape, root, result);
        pk_arena_free(arena);
    }
    if (ok)
        *ret = result;
    else
        json_decref(result);
    return ok;
}

const struct pk_aws_protocol pk_aws_protocol_json = {write_json, read_json, pk_aws_json_fault};
const struct pk_aws_protocol pk_aws_protocol_query = {write_form, read_xml, pk_aws_xml_fault};
const struct pk_aws_protocol pk_aws_protocol_ec2 = {write_form, read_xml, pk_aws_xml_fault};
