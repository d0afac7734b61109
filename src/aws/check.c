/* check.c - parameters against the model, before anything is written. */
#include "aws/protocol.h"

#include "base/mem.h"

#include <string.h>

struct check {
    const struct pk_aws_service *service;
    const char *operation;
    struct pk_buf path; /* where in the parameters we are */
    struct pk_error **err;
};

static const char *const type_names[] = {
    [PK_AWS_STRUCTURE] = "an object", [PK_AWS_LIST] = "a list",
    [PK_AWS_MAP] = "an object",       [PK_AWS_STRING] = "text",
    [PK_AWS_BOOLEAN] = "a boolean",   [PK_AWS_INTEGER] = "an integer",
    [PK_AWS_FLOAT] = "a number",      [PK_AWS_BLOB] = "base64 text",
    [PK_AWS_TIMESTAMP] = "a time",    [PK_AWS_DOCUMENT] = "anything",
};

static bool fault(struct check *check, const char *what, const char *detail) {
    return pk_fail(check->err, PK_E_INTERNAL, "%s %s: %s%s %s", check->service->name,
                   check->operation, check->path.len ? pk_buf_cstr(&check->path) : "parameters",
                   what, detail);
}

static bool check_value(struct check *check, const struct pk_aws_member *member,
                        const json_t *value);

static bool check_inside(struct check *check, const char *name, const struct pk_aws_member *member,
                         const json_t *value) {
    size_t len = check->path.len;
    if (len > 0)
        pk_buf_addc(&check->path, '.');
    pk_buf_addz(&check->path, name);
    bool ok = check_value(check, member, value);
    check->path.len = len;
    check->path.ptr[len] = '\0';
    return ok;
}

static bool check_structure(struct check *check, const struct pk_aws_shape *shape,
                            const json_t *value) {
    const char *key;
    json_t *item;
    json_object_foreach((json_t *)value, key, item) {
        const struct pk_aws_member *member = pk_aws_member_find(check->service, shape, key);
        if (member == NULL)
            return fault(check, " has no member", key);
        if (!json_is_null(item) && !check_inside(check, key, member, item))
            return false;
    }
    for (size_t i = 0; i < shape->count; i++) {
        const struct pk_aws_member *member = pk_aws_member_at(check->service, shape, i);
        /* A raw payload comes beside the parameters; a token is filled in later. */
        if (!(member->flags & PK_AWS_REQUIRED) || member->flags & PK_AWS_TOKEN ||
            shape->payload == i + 1)
            continue;
        const char *name = pk_aws_text(check->service, member->name);
        const json_t *found = json_object_get(value, name);
        if (found == NULL || json_is_null(found))
            return fault(check, " needs", name);
        if (pk_aws_location_of(member) == PK_AWS_URI && json_is_string(found) &&
            json_string_length(found) == 0)
            return fault(check, " needs a text that is not empty in", name);
    }
    return true;
}

static bool check_items(struct check *check, const struct pk_aws_shape *shape,
                        const json_t *value) {
    const struct pk_aws_member *item = pk_aws_member_at(check->service, shape, 0);
    for (size_t i = 0; i < json_array_size(value); i++) {
        char name[24];
        snprintf(name, sizeof(name), "%zu", i);
        if (!check_inside(check, name, item, json_array_get(value, i)))
            return false;
    }
    return true;
}

static bool check_entries(struct check *check, const struct pk_aws_shape *shape,
                          const json_t *value) {
    const struct pk_aws_member *item = pk_aws_member_at(check->service, shape, 1);
    const char *key;
    json_t *entry;
    json_object_foreach((json_t *)value, key, entry) {
        if (!check_inside(check, key, item, entry))
            return false;
    }
    return true;
}

static bool right_scalar(enum pk_aws_type type, const json_t *value) {
    int64_t ms;
    switch (type) {
    case PK_AWS_STRING:
    case PK_AWS_BLOB:
        return json_is_string(value);
    case PK_AWS_BOOLEAN:
        return json_is_boolean(value);
    case PK_AWS_INTEGER:
        return json_is_integer(value);
    case PK_AWS_FLOAT: /* "NaN", "Infinity" and "-Infinity" are text */
        return json_is_number(value) ||
               (json_is_string(value) && (pk_ends_with(json_string_value(value), "Infinity") ||
                                          pk_streq(json_string_value(value), "NaN")));
    case PK_AWS_TIMESTAMP:
        return pk_aws_time_value(value, &ms);
    case PK_AWS_DOCUMENT:
        return true;
    case PK_AWS_STRUCTURE:
    case PK_AWS_MAP:
    case PK_AWS_LIST:
        break;
    }
    return false;
}

static bool check_value(struct check *check, const struct pk_aws_member *member,
                        const json_t *value) {
    const struct pk_aws_shape *shape = pk_aws_shape_of(check->service, member);
    enum pk_aws_type type = (enum pk_aws_type)shape->type;
    if (member->flags & PK_AWS_JSON_VALUE)
        return true;
    if (type == PK_AWS_STRUCTURE && json_is_object(value))
        return check_structure(check, shape, value);
    if (type == PK_AWS_MAP && json_is_object(value))
        return check_entries(check, shape, value);
    if (type == PK_AWS_LIST && json_is_array(value))
        return check_items(check, shape, value);
    if (right_scalar(type, value))
        return true;
    return fault(check, " must be", type_names[type]);
}

bool pk_aws_check_params(const struct pk_aws_service *service,
                         const struct pk_aws_operation *operation, const json_t *params,
                         struct pk_error **err) {
    struct check check = {
        .service = service, .operation = pk_aws_text(service, operation->name), .err = err};
    pk_buf_init(&check.path, PK_BUF_MAX_DEFAULT);
    bool ok;
    if (operation->input == PK_AWS_NONE)
        ok = json_object_size(params) == 0 || fault(&check, " must be", "absent");
    else
        ok = check_value(&check, &service->members[operation->input], params);
    pk_buf_release(&check.path);
    return ok;
}

const struct pk_aws_shape *pk_aws_input(const struct pk_aws_service *service,
                                        const struct pk_aws_operation *operation) {
    return operation->input == PK_AWS_NONE
               ? NULL
               : pk_aws_shape_of(service, &service->members[operation->input]);
}

const struct pk_aws_shape *pk_aws_output(const struct pk_aws_service *service,
                                         const struct pk_aws_operation *operation) {
    return operation->output == PK_AWS_NONE
               ? NULL
               : pk_aws_shape_of(service, &service->members[operation->output]);
}

json_t *pk_aws_fill_tokens(const struct pk_aws_service *service,
                           const struct pk_aws_operation *operation, const json_t *params,
                           void (*token)(void *ctx, char ret[static 37]), void *ctx) {
    const struct pk_aws_shape *shape = pk_aws_input(service, operation);
    json_t *copy = json_object();
    const char *key;
    json_t *item;
    json_object_foreach((json_t *)params, key, item) {
        if (!json_is_null(item))
            json_object_set(copy, key, item);
    }
    for (size_t i = 0; shape != NULL && i < shape->count; i++) {
        const struct pk_aws_member *member = pk_aws_member_at(service, shape, i);
        const char *name = pk_aws_text(service, member->name);
        if (!(member->flags & PK_AWS_TOKEN) || json_object_get(copy, name) != NULL)
            continue;
        char text[37];
        token(ctx, text);
        json_object_set_new(copy, name, json_string(text));
    }
    return copy;
}

char *pk_aws_host_prefix(const struct pk_aws_service *service,
                         const struct pk_aws_operation *operation, const json_t *params) {
    if (operation->host_prefix == 0)
        return NULL;
    struct pk_buf buf;
    pk_buf_init(&buf, 256);
    struct pk_str rest = pk_str(pk_aws_text(service, operation->host_prefix)), part, label;
    while (rest.len > 0 && pk_str_cut(&rest, '{', &part)) {
        pk_buf_add(&buf, part.ptr, part.len);
        if (rest.len == 0 || !pk_str_cut(&rest, '}', &label))
            break;
        char *name = pk_strndup(label.ptr, label.len);
        const char *value = json_string_value(json_object_get(params, name));
        pk_buf_addz(&buf, value ? value : "");
        pk_freep(&name);
    }
    return pk_buf_steal(&buf);
}

void pk_aws_fault_release(struct pk_aws_fault *fault_read) {
    pk_freep(&fault_read->code);
    pk_freep(&fault_read->message);
    pk_freep(&fault_read->request_id);
}
