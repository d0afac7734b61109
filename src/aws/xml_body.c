/* xml_body.c - bodies of the query, EC2 and REST-XML protocols. */
#include "aws/protocol.h"
#include "aws/xml.h"

#include "base/clock.h"
#include "base/hash.h"
#include "base/mem.h"

#include <stdlib.h>
#include <string.h>

static void add_escaped(struct pk_buf *ret, const char *text, size_t len) {
    for (size_t i = 0; i < len; i++) {
        switch (text[i]) {
        case '&':
            pk_buf_addz(ret, "&amp;");
            break;
        case '<':
            pk_buf_addz(ret, "&lt;");
            break;
        case '>':
            pk_buf_addz(ret, "&gt;");
            break;
        case '"':
            pk_buf_addz(ret, "&quot;");
            break;
        case '\r': /* line ends would be normalised by the reader */
            pk_buf_addz(ret, "&#xD;");
            break;
        case '\n':
            pk_buf_addz(ret, "&#xA;");
            break;
        default:
            pk_buf_addc(ret, text[i]);
        }
    }
}

static void open_tag(struct pk_buf *ret, const struct pk_aws_service *service,
                     const struct pk_aws_member *member, const char *name) {
    const char *xmlns = pk_aws_xmlns(service, member);
    pk_buf_addf(ret, "<%s%s%s", name, xmlns ? " " : "", xmlns ? xmlns : "");
}

static void close_tag(struct pk_buf *ret, const char *name) {
    pk_buf_addf(ret, "</%s>", name);
}

static void write_structure(struct pk_buf *ret, const struct pk_aws_service *service,
                            const struct pk_aws_member *own, const char *name,
                            const json_t *value) {
    const struct pk_aws_shape *shape = pk_aws_shape_of(service, own);
    const struct pk_aws_member *member;
    const char *key;
    json_t *item;
    open_tag(ret, service, own, name);
    json_object_foreach((json_t *)value, key, item) {
        member = pk_aws_member_find(service, shape, key);
        if (member == NULL || !(member->flags & PK_AWS_XML_ATTRIBUTE) || !json_is_string(item))
            continue;
        pk_buf_addf(ret, " %s=\"", pk_aws_text(service, member->wire));
        add_escaped(ret, json_string_value(item), json_string_length(item));
        pk_buf_addc(ret, '"');
    }
    pk_buf_addc(ret, '>');
    json_object_foreach((json_t *)value, key, item) {
        member = pk_aws_member_find(service, shape, key);
        if (member != NULL && !(member->flags & PK_AWS_XML_ATTRIBUTE) && !json_is_null(item))
            pk_aws_xml_write(ret, service, member, pk_aws_text(service, member->wire), item);
    }
    close_tag(ret, name);
}

static void write_list(struct pk_buf *ret, const struct pk_aws_service *service,
                       const struct pk_aws_member *own, const char *name, const json_t *value) {
    const struct pk_aws_member *item = pk_aws_member_at(service, pk_aws_shape_of(service, own), 0);
    bool flattened = own->flags & PK_AWS_FLATTENED;
    const char *item_name = name;
    if (!flattened) {
        item_name = item->flags & PK_AWS_HAS_NAME ? pk_aws_text(service, item->wire) : "member";
        open_tag(ret, service, own, name);
        pk_buf_addc(ret, '>');
    }
    for (size_t i = 0; i < json_array_size(value); i++)
        pk_aws_xml_write(ret, service, item, item_name, json_array_get(value, i));
    if (!flattened)
        close_tag(ret, name);
}

static void write_map(struct pk_buf *ret, const struct pk_aws_service *service,
                      const struct pk_aws_member *own, const char *name, const json_t *value) {
    const struct pk_aws_shape *shape = pk_aws_shape_of(service, own);
    const struct pk_aws_member *key_member = pk_aws_member_at(service, shape, 0);
    const struct pk_aws_member *value_member = pk_aws_member_at(service, shape, 1);
    const char *key_name =
        key_member->flags & PK_AWS_HAS_NAME ? pk_aws_text(service, key_member->wire) : "key";
    const char *value_name =
        value_member->flags & PK_AWS_HAS_NAME ? pk_aws_text(service, value_member->wire) : "value";
    bool flattened = own->flags & PK_AWS_FLATTENED;
    const char *entry = flattened ? name : "entry", *key;
    json_t *item;
    if (!flattened) {
        open_tag(ret, service, own, name);
        pk_buf_addc(ret, '>');
    }
    json_object_foreach((json_t *)value, key, item) {
        json_t *key_text = json_string(key);
        pk_buf_addf(ret, "<%s>", entry);
        pk_aws_xml_write(ret, service, key_member, key_name, key_text);
        pk_aws_xml_write(ret, service, value_member, value_name, item);
        close_tag(ret, entry);
        json_decref(key_text);
    }
    if (!flattened)
        close_tag(ret, name);
}

void pk_aws_xml_write(struct pk_buf *ret, const struct pk_aws_service *service,
                      const struct pk_aws_member *member, const char *name, const json_t *value) {
    enum pk_aws_type type = (enum pk_aws_type)pk_aws_shape_of(service, member)->type;
    if (type == PK_AWS_STRUCTURE) {
        write_structure(ret, service, member, name, value);
    } else if (type == PK_AWS_LIST) {
        write_list(ret, service, member, name, value);
    } else if (type == PK_AWS_MAP) {
        write_map(ret, service, member, name, value);
    } else {
        struct pk_buf text;
        pk_buf_init(&text, PK_BUF_MAX_DEFAULT);
        pk_aws_scalar(&text, service, member, value, PK_AWS_TIME_ISO);
        open_tag(ret, service, member, name);
        pk_buf_addc(ret, '>');
        add_escaped(ret, pk_buf_cstr(&text), text.len);
        close_tag(ret, name);
        pk_buf_release(&text);
    }
}

/* The element under which a member is found: the items of a flattened list keep their own name. */
static const char *read_name(const struct pk_aws_service *service,
                             const struct pk_aws_member *member) {
    const struct pk_aws_shape *shape = pk_aws_shape_of(service, member);
    if (shape->type == PK_AWS_LIST && member->flags & PK_AWS_FLATTENED) {
        const struct pk_aws_member *item = pk_aws_member_at(service, shape, 0);
        if (item->flags & PK_AWS_HAS_NAME)
            return pk_aws_text(service, item->wire);
    }
    return pk_aws_text(service, member->wire);
}

void pk_aws_xml_read_members(const struct pk_aws_service *service, const struct pk_aws_shape *shape,
                             const struct pk_xml *node, json_t *ret) {
    for (size_t i = 0; i < shape->count; i++) {
        const struct pk_aws_member *member = pk_aws_member_at(service, shape, i);
        const char *name = pk_aws_text(service, member->name);
        if (!pk_aws_in_answer_body(member))
            continue;
        json_t *value = NULL;
        if (member->flags & PK_AWS_XML_ATTRIBUTE) {
            const struct pk_xml_attribute *attribute = node->attributes;
            while (attribute && !pk_streq(attribute->name, pk_aws_text(service, member->wire)))
                attribute = attribute->next;
            if (attribute != NULL)
                value = json_string(attribute->value);
        } else {
            const struct pk_xml *child = pk_xml_child(node, read_name(service, member));
            if (child != NULL)
                value = pk_aws_xml_read(service, member, child);
        }
        if (value != NULL)
            json_object_set_new(ret, name, value);
    }
}

static json_t *read_list(const struct pk_aws_service *service, const struct pk_aws_member *own,
                         const struct pk_xml *node) {
    const struct pk_aws_member *item = pk_aws_member_at(service, pk_aws_shape_of(service, own), 0);
    json_t *list = json_array();
    bool flattened = own->flags & PK_AWS_FLATTENED;
    const struct pk_xml *child = flattened ? node : node->first;
    while (child != NULL) {
        json_t *value = pk_aws_xml_read(service, item, child);
        if (value != NULL)
            json_array_append_new(list, value);
        child = flattened ? pk_xml_again(child) : child->next;
    }
    return list;
}

static json_t *read_map(const struct pk_aws_service *service, const struct pk_aws_member *own,
                        const struct pk_xml *node) {
    const struct pk_aws_shape *shape = pk_aws_shape_of(service, own);
    const struct pk_aws_member *key = pk_aws_member_at(service, shape, 0);
    const struct pk_aws_member *value = pk_aws_member_at(service, shape, 1);
    const char *key_name = key->flags & PK_AWS_HAS_NAME ? pk_aws_text(service, key->wire) : "key";
    const char *value_name =
        value->flags & PK_AWS_HAS_NAME ? pk_aws_text(service, value->wire) : "value";
    bool flattened = own->flags & PK_AWS_FLATTENED;
    json_t *map = json_object();
    const struct pk_xml *entry = flattened ? node : node->first;
    while (entry != NULL) {
        const struct pk_xml *key_node = pk_xml_child(entry, key_name);
        const struct pk_xml *value_node = pk_xml_child(entry, value_name);
        json_t *read = value_node ? pk_aws_xml_read(service, value, value_node) : NULL;
        if (key_node != NULL && read != NULL)
            json_object_set_new(map, key_node->text, read);
        else
            json_decref(read);
        entry = flattened ? pk_xml_again(entry) : entry->next;
    }
    return map;
}

/* A scalar whose text does not parse is left out, as an absent one. */
static json_t *read_scalar(enum pk_aws_type type, const char *text) {
    int64_t number;
    double real;
    switch (type) {
    case PK_AWS_STRING:
    case PK_AWS_DOCUMENT:
        return json_string(text);
    case PK_AWS_BLOB:
        return json_string(text);
    case PK_AWS_BOOLEAN:
        return text[0] == '\0' ? NULL : json_boolean(pk_strieq(text, "true"));
    case PK_AWS_INTEGER:
        return pk_parse_i64(pk_str_trim(pk_str(text)), &number) ? json_integer(number) : NULL;
    case PK_AWS_FLOAT:
        if (pk_parse_double(pk_str_trim(pk_str(text)), &real))
            return json_real(real);
        return text[0] == '\0' ? NULL : json_string(text); /* NaN, Infinity */
    case PK_AWS_TIMESTAMP:
        return pk_time_parse(text, &number) ? pk_aws_time_json(number) : NULL;
    case PK_AWS_STRUCTURE:
    case PK_AWS_LIST:
    case PK_AWS_MAP:
        break;
    }
    return NULL;
}

json_t *pk_aws_xml_read(const struct pk_aws_service *service, const struct pk_aws_member *member,
                        const struct pk_xml *node) {
    const struct pk_aws_shape *shape = pk_aws_shape_of(service, member);
    switch ((enum pk_aws_type)shape->type) {
    case PK_AWS_STRUCTURE: {
        json_t *object = json_object();
        pk_aws_xml_read_members(service, shape, node, object);
        return object;
    }
    case PK_AWS_LIST:
        return read_list(service, member, node);
    case PK_AWS_MAP:
        return read_map(service, member, node);
    case PK_AWS_STRING:
    case PK_AWS_BOOLEAN:
    case PK_AWS_INTEGER:
    case PK_AWS_FLOAT:
    case PK_AWS_BLOB:
    case PK_AWS_TIMESTAMP:
    case PK_AWS_DOCUMENT:
        return read_scalar((enum pk_aws_type)shape->type, node->text);
    }
    return NULL;
}

static char *child_text(const struct pk_xml *node, const char *name) {
    const struct pk_xml *child = pk_xml_child(node, name);
    return child != NULL && child->text[0] != '\0' ? pk_strdup(child->text) : NULL;
}

/*
 * <ErrorResponse><Error>…</Error><RequestId/></ErrorResponse>          query, CloudFront, Route 53
 * <Response><Errors><Error>…</Error></Errors><RequestID/></Response>   EC2
 * <Error>…<RequestId/></Error>                                         S3
 */
void pk_aws_xml_fault(const struct pk_aws_service *service PK_UNUSED,
                      const struct pk_http_response *response, struct pk_aws_fault *ret) {
    struct pk_arena *arena = pk_arena_new();
    const struct pk_xml *root = NULL, *error = NULL;
    if (response->body.len > 0 &&
        pk_xml_parse(arena, response->body.ptr, response->body.len, &root, NULL)) {
        const struct pk_xml *errors = pk_xml_child(root, "Errors");
        error =
            pk_streq(root->name, "Error") ? root : pk_xml_child(errors ? errors : root, "Error");
    }
    ret->code = child_text(error, "Code");
    ret->message = child_text(error, "Message");
    ret->request_id = child_text(root, "RequestId");
    if (ret->request_id == NULL)
        ret->request_id = child_text(root, "RequestID");
    if (ret->code == NULL)
        ret->code = pk_asprintf("%d", response->status);
    pk_arena_free(arena);
}
