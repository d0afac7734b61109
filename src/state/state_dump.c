/* state_dump.c - the state as a document. */
#include "state/state.h"

#include "base/mem.h"
#include "json/json.h"

#include <string.h>

static void put_or_null(json_t *o, const char *name, const char *text) {
    json_object_set_new(o, name, text ? pk_json_text(text) : json_null());
}

static void put_copy(json_t *o, const char *name, const json_t *value) {
    json_object_set_new(o, name, json_deep_copy(value));
}

static json_t *pending_json(const struct pk_pending *p) {
    json_t *o = json_object();
    put_or_null(o, "op", p->op);
    put_or_null(o, "opId", p->op_id);
    put_or_null(o, "token", p->token);
    put_or_null(o, "startedAt", p->started_at);
    put_or_null(o, "inputsHash", p->inputs_hash);
    put_or_null(o, "previousPhysicalId", p->previous_physical_id);
    return o;
}

static json_t *dependencies_json(const struct pk_state_resource *r) {
    json_t *list = json_array();
    for (size_t i = 0; i < r->dependencies.len; i++)
        json_array_append_new(list, pk_json_text(r->dependencies.items[i]));
    return list;
}

static void put_policy(json_t *o, const struct pk_state_resource *r) {
    pk_json_put_bool(o, "protect", r->protect);
    pk_json_put_bool(o, "retainOnDelete", r->retain_on_delete);
    pk_json_put_bool(o, "forceDestroy", r->force_destroy);
    pk_json_put_bool(o, "finalSnapshot", r->final_snapshot);
    pk_json_put_bool(o, "stateful", r->stateful);
}

json_t *pk_state_resource_to_json(const struct pk_state_resource *r) {
    json_t *o = json_object();
    pk_json_put_str(o, "type", r->type);
    pk_json_put_str(o, "status", pk_status_text(r->status));
    put_or_null(o, "physicalId", r->physical_id);
    put_copy(o, "attributes", r->attributes);
    pk_json_put_str(o, "kind", r->kind);
    pk_json_put_str(o, "service", r->service);
    pk_json_put_str(o, "component", r->component);
    pk_json_put_str(o, "sub", r->sub);
    pk_json_put_str(o, "provider", "aws");
    pk_json_put_str(o, "region", r->region);
    put_or_null(o, "name", r->name);
    pk_json_put_int(o, "generation", r->generation);
    put_copy(o, "properties", r->properties);
    pk_json_put_str(o, "inputsHash", r->inputs_hash);
    json_object_set_new(o, "dependencies", dependencies_json(r));
    put_copy(o, "tags", r->tags);
    if (json_object_size(r->external) > 0)
        put_copy(o, "external", r->external);
    put_policy(o, r);
    pk_json_put_str(o, "createdAt", r->created_at);
    pk_json_put_str(o, "updatedAt", r->updated_at);
    pk_json_put_str(o, "lastDeploymentId", r->last_deployment_id);
    json_object_set_new(o, "pendingOperation", r->pending ? pending_json(r->pending) : json_null());
    put_or_null(o, "lastError", r->last_error);
    if (json_array_size(r->deposed) > 0)
        put_copy(o, "deposed", r->deposed);
    json_object_update_missing(o, r->extra);
    return o;
}

json_t *pk_state_to_json(const struct pk_state *state) {
    json_t *o = json_object(), *resources = json_object();
    pk_json_put_str(o, "version", "1.0.0");
    pk_json_put_int(o, "formatVersion", PK_STATE_FORMAT);
    pk_json_put_int(o, "serial", state->serial);
    pk_json_put_str(o, "lineage", state->lineage);
    pk_json_put_str(o, "lockId", state->lock_id);
    pk_json_put_str(o, "writeId", state->write_id);
    put_copy(o, "metadata", state->metadata);
    put_copy(o, "configuration", state->configuration);
    put_copy(o, "networking", state->networking);
    size_t cursor = 0;
    const char *key;
    void *resource;
    while (pk_map_next(state->resources, &cursor, &key, &resource))
        json_object_set_new(resources, key, pk_state_resource_to_json(resource));
    json_object_set_new(o, "resources", resources);
    put_copy(o, "outputs", state->outputs);
    put_copy(o, "deployment", state->deployment);
    json_object_update_missing(o, state->extra);
    return o;
}

char *pk_state_dump(const struct pk_state *state, size_t *ret_len) {
    json_t *json = pk_state_to_json(state);
    char *text = pk_json_pretty(json);
    json_decref(json);
    if (ret_len)
        *ret_len = strlen(text);
    return text;
}
