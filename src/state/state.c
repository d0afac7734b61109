/* state.c - the state in memory. Reading: state_parse.c, older shapes: upgrade.c, writing:
 * state_dump.c. */
#include "state/state.h"

#include "base/hash.h"
#include "base/mem.h"
#include "json/json.h"

#include <stdlib.h>
#include <string.h>

static const char *const status_texts[] = {
    [PK_STATUS_PENDING] = "pending",     [PK_STATUS_CREATING] = "creating",
    [PK_STATUS_READY] = "ready",         [PK_STATUS_UPDATING] = "updating",
    [PK_STATUS_REPLACING] = "replacing", [PK_STATUS_DELETING] = "deleting",
    [PK_STATUS_FAILED] = "failed",       [PK_STATUS_TAINTED] = "tainted",
    [PK_STATUS_UNKNOWN] = "unknown",
};
_Static_assert(PK_ARRAY_LEN(status_texts) == PK_STATUS_UNKNOWN + 1, "one text per status");

const char *pk_status_text(enum pk_status status) {
    return status_texts[status];
}

enum pk_status pk_status_parse(const char *text) {
    for (size_t i = 0; text && i < PK_ARRAY_LEN(status_texts); i++)
        if (strcmp(text, status_texts[i]) == 0)
            return (enum pk_status)i;
    return pk_streq(text, "available") ? PK_STATUS_READY : PK_STATUS_UNKNOWN;
}

struct pk_state *pk_state_new(void) {
    struct pk_state *state = pk_calloc(1, sizeof(*state));
    char uuid[37];
    pk_uuid4(uuid);
    state->lineage = pk_strdup(uuid);
    state->metadata = json_object();
    state->configuration = json_object();
    state->networking = json_object();
    state->outputs = json_object();
    state->deployment = json_object();
    state->resources = pk_map_new();
    state->extra = json_object();
    return state;
}

void pk_pending_free(struct pk_pending *pending) {
    if (!pending)
        return;
    free(pending->op);
    free(pending->op_id);
    free(pending->token);
    free(pending->started_at);
    free(pending->inputs_hash);
    free(pending->previous_physical_id);
    free(pending);
}

static void release_dependencies(struct pk_state_resource *r) {
    for (size_t i = 0; i < r->dependencies.len; i++)
        free(r->dependencies.items[i]);
    pk_vec_release(&r->dependencies);
}

void pk_state_resource_free(struct pk_state_resource *r) {
    if (!r)
        return;
    char *texts[] = {r->key,
                     r->type,
                     r->kind,
                     r->service,
                     r->component,
                     r->sub,
                     r->name,
                     r->region,
                     r->physical_id,
                     r->inputs_hash,
                     r->created_at,
                     r->updated_at,
                     r->last_deployment_id,
                     r->last_error};
    for (size_t i = 0; i < PK_ARRAY_LEN(texts); i++)
        free(texts[i]);
    json_decref(r->attributes);
    json_decref(r->properties);
    json_decref(r->tags);
    json_decref(r->external);
    json_decref(r->deposed);
    json_decref(r->extra);
    json_decref(r->ref);
    release_dependencies(r);
    pk_pending_free(r->pending);
    free(r);
}

void pk_state_free(struct pk_state *state) {
    if (!state)
        return;
    size_t cursor = 0;
    void *resource;
    while (pk_map_next(state->resources, &cursor, NULL, &resource))
        pk_state_resource_free(resource);
    pk_map_free(state->resources);
    free(state->lineage);
    free(state->lock_id);
    free(state->write_id);
    json_decref(state->metadata);
    json_decref(state->configuration);
    json_decref(state->networking);
    json_decref(state->outputs);
    json_decref(state->deployment);
    json_decref(state->extra);
    free(state);
}

void pk_state_freep(struct pk_state **state) {
    pk_state_free(*state);
    *state = NULL;
}

/* --- copies --- */

static char *copy_text(const char *text) {
    return text ? pk_strdup(text) : NULL;
}

static struct pk_pending *copy_pending(const struct pk_pending *p) {
    return p ? pk_pending_new(p->op, p->op_id, p->token, p->started_at, p->inputs_hash,
                              p->previous_physical_id)
             : NULL;
}

struct pk_state_resource *pk_state_resource_copy(const struct pk_state_resource *r) {
    struct pk_state_resource *copy = pk_calloc(1, sizeof(*copy));
    *copy = *r;
    copy->ref = NULL;
    copy->key = copy_text(r->key);
    copy->type = copy_text(r->type);
    copy->kind = copy_text(r->kind);
    copy->service = copy_text(r->service);
    copy->component = copy_text(r->component);
    copy->sub = copy_text(r->sub);
    copy->physical_id = copy_text(r->physical_id);
    copy->name = copy_text(r->name);
    copy->region = copy_text(r->region);
    copy->inputs_hash = copy_text(r->inputs_hash);
    copy->created_at = copy_text(r->created_at);
    copy->updated_at = copy_text(r->updated_at);
    copy->last_deployment_id = copy_text(r->last_deployment_id);
    copy->last_error = copy_text(r->last_error);
    copy->attributes = json_deep_copy(r->attributes);
    copy->properties = json_deep_copy(r->properties);
    copy->tags = json_deep_copy(r->tags);
    copy->external = json_deep_copy(r->external);
    copy->deposed = json_deep_copy(r->deposed);
    copy->extra = json_deep_copy(r->extra);
    copy->pending = copy_pending(r->pending);
    copy->dependencies = (struct pk_vec)PK_VEC_INIT;
    pk_state_set_dependencies(copy, (const char *const *)r->dependencies.items,
                              r->dependencies.len);
    return copy;
}

struct pk_state *pk_state_copy(const struct pk_state *state) {
    struct pk_state *copy = pk_calloc(1, sizeof(*copy));
    copy->lineage = copy_text(state->lineage);
    copy->serial = state->serial;
    copy->lock_id = copy_text(state->lock_id);
    copy->write_id = copy_text(state->write_id);
    copy->metadata = json_deep_copy(state->metadata);
    copy->configuration = json_deep_copy(state->configuration);
    copy->networking = json_deep_copy(state->networking);
    copy->outputs = json_deep_copy(state->outputs);
    copy->deployment = json_deep_copy(state->deployment);
    copy->extra = json_deep_copy(state->extra);
    copy->resources = pk_map_new();
    size_t cursor = 0;
    const char *key;
    void *resource;
    while (pk_map_next(state->resources, &cursor, &key, &resource))
        pk_map_set(copy->resources, key, pk_state_resource_copy(resource));
    return copy;
}

/* --- resources --- */

struct pk_state_resource *pk_state_find(const struct pk_state *state, const char *key) {
    return key ? pk_map_get(state->resources, key) : NULL;
}

struct pk_state_resource *pk_state_add(struct pk_state *state, const char *key, const char *type) {
    struct pk_state_resource *r = pk_state_find(state, key);
    if (r)
        return r;
    r = pk_calloc(1, sizeof(*r));
    r->key = pk_strdup(key);
    r->type = pk_strdup(type);
    r->kind = pk_strdup("");
    r->service = pk_strdup("");
    r->component = pk_strdup("");
    r->sub = pk_strdup("");
    r->attributes = json_object();
    r->properties = json_object();
    r->tags = json_object();
    r->external = json_object();
    r->deposed = json_array();
    r->extra = json_object();
    pk_map_set(state->resources, key, r);
    return r;
}

void pk_state_remove(struct pk_state *state, const char *key) {
    pk_state_resource_free(pk_map_remove(state->resources, key));
}

void pk_state_put(struct pk_state *state, struct pk_state_resource *resource) {
    pk_state_resource_free(pk_map_set(state->resources, resource->key, resource));
}

static void rename_in_list(json_t *list, const char *from, const char *to) {
    for (size_t i = 0; i < json_array_size(list); i++)
        if (pk_streq(json_string_value(json_array_get(list, i)), from))
            json_array_set_new(list, i, pk_json_text(to));
}

void pk_state_rename(struct pk_state *state, const char *from, const char *to) {
    pk_assert(!pk_map_has(state->resources, to));
    struct pk_state_resource *r = pk_map_remove(state->resources, from);
    if (!r)
        return;
    char *old = r->key;
    r->key = pk_strdup(to);
    pk_map_set(state->resources, to, r);
    size_t cursor = 0;
    void *item;
    while (pk_map_next(state->resources, &cursor, NULL, &item)) {
        struct pk_state_resource *other = item;
        for (size_t i = 0; i < other->dependencies.len; i++)
            if (strcmp(other->dependencies.items[i], old) == 0) {
                free(other->dependencies.items[i]);
                other->dependencies.items[i] = pk_strdup(to);
            }
        for (size_t i = 0; i < json_array_size(other->deposed); i++)
            rename_in_list(json_object_get(json_array_get(other->deposed, i), "dependencies"), old,
                           to);
    }
    free(old);
}

void pk_state_set_text(char **member, const char *text) {
    char *copy = copy_text(text);
    free(*member);
    *member = copy;
}

void pk_state_set_dependencies(struct pk_state_resource *r, const char *const *keys, size_t n) {
    struct pk_vec copies = PK_VEC_INIT;
    for (size_t i = 0; i < n; i++)
        pk_vec_push(&copies, pk_strdup(keys[i]));
    release_dependencies(r);
    r->dependencies = copies;
}

void pk_state_set_pending(struct pk_state_resource *resource, struct pk_pending *pending) {
    pk_pending_free(resource->pending);
    resource->pending = pending;
}

struct pk_pending *pk_pending_new(const char *op, const char *op_id, const char *token,
                                  const char *started_at, const char *inputs_hash,
                                  const char *previous_physical_id) {
    struct pk_pending *p = pk_calloc(1, sizeof(*p));
    p->op = copy_text(op);
    p->op_id = copy_text(op_id);
    p->token = copy_text(token);
    p->started_at = copy_text(started_at);
    p->inputs_hash = copy_text(inputs_hash);
    p->previous_physical_id = copy_text(previous_physical_id);
    return p;
}

json_t *pk_state_attribute(const struct pk_state_resource *r, const char *attr) {
    json_t *value = json_object_get(r->attributes, attr);
    if (!value && strchr(attr, '.'))
        value = pk_json_at(r->attributes, attr);
    if (value || strcmp(attr, "Ref") != 0 || !r->physical_id)
        return value;
    /* the result is borrowed, so that the resource has to hold it */
    struct pk_state_resource *holder = (struct pk_state_resource *)(uintptr_t)r;
    if (!holder->ref || !pk_streq(json_string_value(holder->ref), r->physical_id)) {
        json_decref(holder->ref);
        holder->ref = pk_json_text(r->physical_id);
    }
    return holder->ref;
}

bool pk_state_is_live(const struct pk_state_resource *r) {
    return r->physical_id || (r->pending && pk_streq(r->pending->op, "create")) ||
           json_array_size(r->deposed) > 0;
}

size_t pk_state_live_count(const struct pk_state *state) {
    size_t n = 0, cursor = 0;
    void *resource;
    while (pk_map_next(state->resources, &cursor, NULL, &resource))
        n += pk_state_is_live(resource);
    return n;
}
