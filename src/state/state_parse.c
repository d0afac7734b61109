/* state_parse.c - reading a state document: strict about what panka knows, faithful to the rest. */
#include "state/state.h"

#include "base/mem.h"
#include "state/upgrade.h"
#include "json/json.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct reader {
    const char *what; /* the object that is read, for messages */
    const char *key;  /* of the resource that is read, or NULL */
    struct pk_error **err;
};

static bool bad(const struct reader *r, const char *member, const char *expected) {
    if (r->key)
        return pk_fail(r->err, PK_E_STATE_INVALID, "%s: resources.%s.%s is not %s", r->what, r->key,
                       member, expected);
    return pk_fail(r->err, PK_E_STATE_INVALID, "%s: %s is not %s", r->what, member, expected);
}

/* Absent and null are the same. */
static json_t *member_of(const json_t *o, const char *name) {
    json_t *value = json_object_get(o, name);
    return json_is_null(value) ? NULL : value;
}

static bool read_text(const struct reader *r, const json_t *o, const char *name, char **ret) {
    const json_t *value = member_of(o, name);
    if (!value)
        return true;
    if (!json_is_string(value))
        return bad(r, name, "a text");
    pk_state_set_text(ret, json_string_value(value));
    return true;
}

static bool read_flag(const struct reader *r, const json_t *o, const char *name, bool *ret) {
    const json_t *value = member_of(o, name);
    if (!value)
        return true;
    if (!json_is_boolean(value))
        return bad(r, name, "true or false");
    *ret = json_is_true(value);
    return true;
}

static bool read_count(const struct reader *r, const json_t *o, const char *name, int64_t max,
                       int64_t *ret) {
    const json_t *value = member_of(o, name);
    if (!value)
        return true;
    if (!json_is_integer(value) || json_integer_value(value) < 0 || json_integer_value(value) > max)
        return bad(r, name, "a count");
    *ret = json_integer_value(value);
    return true;
}

static bool read_object(const struct reader *r, const json_t *o, const char *name, json_t **ret) {
    json_t *value = member_of(o, name);
    if (!value)
        return true;
    if (!json_is_object(value))
        return bad(r, name, "an object");
    json_decref(*ret);
    *ret = json_deep_copy(value);
    return true;
}

static bool read_dependencies(const struct reader *r, const json_t *o,
                              struct pk_state_resource *resource) {
    const json_t *list = member_of(o, "dependencies");
    if (list && !json_is_array(list))
        return bad(r, "dependencies", "a list of keys");
    for (size_t i = 0; i < json_array_size(list); i++) {
        const char *key = json_string_value(json_array_get(list, i));
        if (!key)
            return bad(r, "dependencies", "a list of keys");
        pk_vec_push(&resource->dependencies, pk_strdup(key));
    }
    return true;
}

static bool read_deposed(const struct reader *r, const json_t *o,
                         struct pk_state_resource *resource) {
    const json_t *list = member_of(o, "deposed");
    if (list && !json_is_array(list))
        return bad(r, "deposed", "a list");
    for (size_t i = 0; i < json_array_size(list); i++) {
        const json_t *item = json_array_get(list, i);
        if (!pk_json_str(item, "physicalId", NULL) || !pk_json_str(item, "type", NULL))
            return bad(r, "deposed", "a list of objects with physicalId and type");
        json_array_append_new(resource->deposed, json_deep_copy(item));
    }
    return true;
}

static bool read_pending(const struct reader *r, const json_t *o,
                         struct pk_state_resource *resource) {
    const json_t *value = member_of(o, "pendingOperation");
    if (!value)
        return true;
    if (!json_is_object(value))
        return bad(r, "pendingOperation", "an object");
    struct pk_pending *p = pk_pending_new(NULL, NULL, NULL, NULL, NULL, NULL);
    pk_state_set_pending(resource, p);
    if (!read_text(r, value, "op", &p->op) || !read_text(r, value, "opId", &p->op_id) ||
        !read_text(r, value, "token", &p->token) ||
        !read_text(r, value, "startedAt", &p->started_at) ||
        !read_text(r, value, "inputsHash", &p->inputs_hash) ||
        !read_text(r, value, "previousPhysicalId", &p->previous_physical_id))
        return false;
    /* what else could it have been doing? */
    if (!pk_streq(p->op, "create") && !pk_streq(p->op, "update") && !pk_streq(p->op, "delete"))
        return bad(r, "pendingOperation.op", "\"create\", \"update\" or \"delete\"");
    return true;
}

/* Everything that is not named here is kept as it is. */
static json_t *others(const json_t *o, const char *const *known) {
    json_t *rest = json_copy((json_t *)(uintptr_t)o);
    for (; *known; known++)
        json_object_del(rest, *known);
    json_t *deep = json_deep_copy(rest);
    json_decref(rest);
    return deep;
}

static const char *const resource_members[] = {
    "type",
    "status",
    "physicalId",
    "attributes",
    "kind",
    "service",
    "component",
    "sub",
    "provider",
    "region",
    "name",
    "generation",
    "properties",
    "inputsHash",
    "dependencies",
    "tags",
    "external",
    "protect",
    "retainOnDelete",
    "forceDestroy",
    "finalSnapshot",
    "stateful",
    "createdAt",
    "updatedAt",
    "lastDeploymentId",
    "lastError",
    "deposed",
    "pendingOperation",
    NULL,
};
static const char *const document_members[] = {
    "version",       "formatVersion", "serial",    "lineage", "lockId",     "writeId", "metadata",
    "configuration", "networking",    "resources", "outputs", "deployment", NULL,
};

static bool read_texts(const struct reader *r, const json_t *o, struct pk_state_resource *x) {
    return read_text(r, o, "physicalId", &x->physical_id) && read_text(r, o, "kind", &x->kind) &&
           read_text(r, o, "service", &x->service) && read_text(r, o, "component", &x->component) &&
           read_text(r, o, "sub", &x->sub) && read_text(r, o, "region", &x->region) &&
           read_text(r, o, "name", &x->name) && read_text(r, o, "inputsHash", &x->inputs_hash) &&
           read_text(r, o, "createdAt", &x->created_at) &&
           read_text(r, o, "updatedAt", &x->updated_at) &&
           read_text(r, o, "lastDeploymentId", &x->last_deployment_id) &&
           read_text(r, o, "lastError", &x->last_error);
}

static bool read_flags(const struct reader *r, const json_t *o, struct pk_state_resource *x) {
    return read_flag(r, o, "protect", &x->protect) &&
           read_flag(r, o, "retainOnDelete", &x->retain_on_delete) &&
           read_flag(r, o, "forceDestroy", &x->force_destroy) &&
           read_flag(r, o, "finalSnapshot", &x->final_snapshot) &&
           read_flag(r, o, "stateful", &x->stateful);
}

static bool read_resource(const struct reader *r, const json_t *o, struct pk_state *state) {
    const char *type = pk_json_str(o, "type", NULL);
    int64_t generation = 0;
    if (!json_is_object(o))
        return pk_fail(r->err, PK_E_STATE_INVALID, "%s: resources.%s is not an object", r->what,
                       r->key);
    if (!type || !*type)
        return bad(r, "type", "a resource type");
    struct pk_state_resource *x = pk_state_add(state, r->key, type);
    const json_t *status = member_of(o, "status");
    if (status && !json_is_string(status))
        return bad(r, "status", "a text");
    x->status = status ? pk_status_parse(json_string_value(status)) : PK_STATUS_READY;
    if (!read_texts(r, o, x) || !read_flags(r, o, x) ||
        !read_count(r, o, "generation", UINT32_MAX, &generation) ||
        !read_object(r, o, "attributes", &x->attributes) ||
        !read_object(r, o, "properties", &x->properties) || !read_object(r, o, "tags", &x->tags) ||
        !read_object(r, o, "external", &x->external) || !read_dependencies(r, o, x) ||
        !read_deposed(r, o, x) || !read_pending(r, o, x))
        return false;
    x->generation = (unsigned)generation;
    json_decref(x->extra);
    x->extra = others(o, resource_members);
    return true;
}

static bool read_resources(struct reader *r, const json_t *document, struct pk_state *state) {
    json_t *map = member_of(document, "resources"), *item;
    const char *key;
    if (!map)
        return true;
    if (!json_is_object(map))
        return bad(r, "resources", "an object");
    json_object_foreach(map, key, item) {
        r->key = key;
        if (!*key)
            return pk_fail(r->err, PK_E_STATE_INVALID, "%s: a resource has an empty key", r->what);
        if (!read_resource(r, item, state))
            return false;
    }
    r->key = NULL;
    return true;
}

static bool read_document(struct reader *r, const json_t *document, struct pk_state *state) {
    if (!read_count(r, document, "serial", INT64_MAX - 1, &state->serial) ||
        !read_text(r, document, "lineage", &state->lineage) ||
        !read_text(r, document, "lockId", &state->lock_id) ||
        !read_text(r, document, "writeId", &state->write_id) ||
        !read_object(r, document, "metadata", &state->metadata) ||
        !read_object(r, document, "configuration", &state->configuration) ||
        !read_object(r, document, "networking", &state->networking) ||
        !read_object(r, document, "outputs", &state->outputs) ||
        !read_object(r, document, "deployment", &state->deployment))
        return false;
    if (!state->lineage || !*state->lineage)
        return bad(r, "lineage", "a text");
    json_decref(state->extra);
    state->extra = others(document, document_members);
    return read_resources(r, document, state);
}

static bool check_format(const struct reader *r, const json_t *document) {
    const json_t *format = member_of(document, "formatVersion");
    if (!format)
        format = member_of(document, "format_version");
    if (format && !json_is_integer(format))
        return bad(r, "formatVersion", "a number");
    if (format && json_integer_value(format) > PK_STATE_FORMAT)
        return pk_fail(r->err, PK_E_STATE_NEWER,
                       "%s has format %" JSON_INTEGER_FORMAT
                       ", and this version of panka knows formats up to %d",
                       r->what, json_integer_value(format), PK_STATE_FORMAT);
    if (format && json_integer_value(format) < 1)
        return bad(r, "formatVersion", "a known format");
    /* some object that happens to be JSON must not become an empty state */
    if (!member_of(document, "resources") && !member_of(document, "lineage"))
        return pk_fail(r->err, PK_E_STATE_INVALID,
                       "%s is no state: it has neither resources nor a lineage", r->what);
    return true;
}

/* A state that was written before there were lineages gets one that depends on its text only: the
 * same for everyone who reads it before it is written again. */
static void lineage_of(const char *text, size_t len, char ret[static 37]) {
    char hex[PK_SHA256_HEX_SIZE];
    pk_sha256_hex(text, len, hex);
    snprintf(ret, 37, "%.8s-%.4s-5%.3s-8%.3s-%.12s", hex, hex + 8, hex + 12, hex + 15, hex + 18);
}

bool pk_state_parse(const char *text, size_t len, const char *what, struct pk_state **ret,
                    struct pk_error **err) {
    struct reader r = {what, NULL, err};
    struct pk_error *problem = NULL;
    json_t *document = NULL, *upgraded = NULL;
    if (len > PK_STATE_MAX_SIZE)
        return pk_fail(err, PK_E_STATE_INVALID, "%s is larger than a state can be", what);
    if (!pk_json_parse(text, len, what, &document, &problem)) {
        pk_fail(err, PK_E_STATE_INVALID, "%s", problem->message);
        pk_error_free(problem);
        return false;
    }
    char lineage[37];
    lineage_of(text, len, lineage);
    bool ok =
        json_is_object(document) || pk_fail(err, PK_E_STATE_INVALID, "%s is not an object", what);
    ok = ok && check_format(&r, document) &&
         pk_state_upgrade(document, what, lineage, &upgraded, err);
    if (ok) {
        struct pk_state *state = pk_state_new();
        ok = read_document(&r, upgraded, state);
        if (ok)
            *ret = state;
        else
            pk_state_free(state);
    }
    json_decref(upgraded);
    json_decref(document);
    return ok;
}
