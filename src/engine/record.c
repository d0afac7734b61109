/*
 * record.c - what the state says of a resource while it is being changed.
 *
 * INTENT: every change that precedes a mutating call is in the state, and durable, before the call.
 * A reader of the state alone must always be able to tell what may exist: an id, an open create
 * (`pending`), or deposed ones.
 */
#include "engine/internal.h"

#include "base/hash.h"

#include <stdlib.h>
#include <string.h>

static void now_text(const struct pk_run *run, char ret[static 21]) {
    pk_time_iso8601(pk_wall_ms(run->config->clock) / 1000, ret);
}

struct pk_state_resource *pk_record(struct pk_run *run, const struct pk_node *node) {
    return pk_state_find(run->state, node->action->key);
}

static void replace_json(json_t **member, json_t *value) {
    json_decref(*member);
    *member = value;
}

/* --- deposed ones --- */

json_t *pk_record_deposed(const struct pk_state_resource *record, const char *id) {
    size_t i;
    json_t *entry;
    json_array_foreach(record->deposed, i, entry) {
        if (pk_streq(pk_json_str(entry, "physicalId", NULL), id))
            return entry;
    }
    return NULL;
}

bool pk_record_is_deposed(const struct pk_state_resource *record, const char *id) {
    return id && pk_record_deposed(record, id) != NULL;
}

static json_t *keys_json(const struct pk_vec *keys) {
    json_t *list = json_array();
    for (size_t i = 0; i < keys->len; i++)
        json_array_append_new(list, pk_json_text(keys->items[i]));
    return list;
}

/* Puts the present physical resource aside, to be deleted when nothing uses it any more. */
void pk_record_depose(struct pk_run *run, struct pk_node *node) {
    struct pk_state_resource *r = pk_record(run, node);
    json_t *entry = json_object();
    pk_json_put_str(entry, "physicalId", r->physical_id);
    pk_json_put_str(entry, "type", r->type);
    pk_json_put_str(entry, "name", r->name);
    pk_json_put_str(entry, "region", r->region);
    pk_json_put_int(entry, "generation", r->generation);
    json_object_set_new(entry, "properties", json_deep_copy(r->properties));
    json_object_set_new(entry, "attributes", json_deep_copy(r->attributes));
    json_object_set_new(entry, "tags", json_deep_copy(r->tags));
    json_object_set_new(entry, "dependencies", keys_json(&r->dependencies));
    pk_json_put_bool(entry, "finalSnapshot", r->final_snapshot);
    pk_json_put_bool(entry, "forceDestroy", r->force_destroy);
    pk_json_put_bool(entry, "stateful", r->stateful);
    json_array_append_new(r->deposed, entry);
    pk_state_set_text(&node->deposed_now, r->physical_id);
    pk_state_set_text(&r->physical_id, NULL);
    replace_json(&r->attributes, json_object());
}

void pk_record_drop_deposed(struct pk_run *run, struct pk_node *node, const char *id) {
    struct pk_state_resource *r = pk_record(run, node);
    size_t i;
    json_t *entry;
    if (!r)
        return;
    json_array_foreach(r->deposed, i, entry) {
        if (!pk_streq(pk_json_str(entry, "physicalId", NULL), id))
            continue;
        json_array_remove(r->deposed, i);
        /* the record of something that is not wanted any more goes with its last remains */
        if (!pk_state_is_live(r) && !(run->graph && pk_graph_find(run->graph, r->key)))
            pk_state_remove(run->state, node->action->key);
        pk_run_dirty(run);
        return;
    }
}

/* --- withdrawing --- */

void pk_record_save_before(struct pk_run *run, struct pk_node *node) {
    const struct pk_state_resource *r = pk_record(run, node);
    if (node->saved || node->sent)
        return;
    node->saved = true;
    node->had_record = r != NULL;
    node->before = r ? pk_state_resource_copy(r) : NULL;
}

void pk_record_restore(struct pk_run *run, struct pk_node *node) {
    if (!node->saved)
        return;
    if (node->before)
        pk_state_put(run->state, pk_steal(&node->before));
    else if (!node->had_record)
        pk_state_remove(run->state, node->action->key);
    pk_run_dirty(run);
}

/* The new one could not be made and does not exist: the old one is the present one again. */
void pk_record_undepose(struct pk_run *run, struct pk_node *node) {
    struct pk_state_resource *before = pk_steal(&node->before);
    pk_assert(before);
    pk_state_put(run->state, before);
    pk_run_dirty(run);
}

/* --- intents --- */

static void fill_identity(struct pk_run *run, struct pk_state_resource *r,
                          const struct pk_resource *desired) {
    pk_state_set_text(&r->kind, desired->kind);
    pk_state_set_text(&r->service, desired->service);
    pk_state_set_text(&r->component, desired->component);
    pk_state_set_text(&r->sub, desired->sub);
    pk_state_set_text(&r->region, run->config->region);
    r->protect = desired->protect;
    r->retain_on_delete = desired->retain_on_delete;
    r->force_destroy = desired->force_destroy;
    r->final_snapshot = desired->final_snapshot;
    r->stateful = desired->stateful;
}

static void fill_dependencies(struct pk_state_resource *r, const struct pk_resource *desired) {
    const char **keys = pk_calloc(desired->edges.len + 1, sizeof(*keys));
    size_t n = 0;
    for (size_t i = 0; i < desired->edges.len; i++) {
        const struct pk_edge *edge = desired->edges.items[i];
        if (!edge->dropped)
            keys[n++] = edge->to->key;
    }
    pk_state_set_dependencies(r, keys, n);
    free(keys);
}

static void set_pending(struct pk_run *run, struct pk_node *node, struct pk_state_resource *r,
                        const char *op, const char *token, const char *previous) {
    char now[21];
    now_text(run, now);
    if (!node->op_id) {
        char random[17];
        pk_random_text(random, 16, "0123456789abcdefghijklmnopqrstuvwxyz");
        node->op_id = pk_asprintf("op-%s", random);
    }
    pk_state_set_pending(r,
                         pk_pending_new(op, node->op_id, token, now,
                                        *node->inputs_hash ? node->inputs_hash : NULL, previous));
    node->intent_version = pk_run_dirty(run);
}

/* The inputs are recorded with the intent, not with the result: a create of unknown outcome is
 * looked for with the name and properties that were sent. */
void pk_record_intent_create(struct pk_run *run, struct pk_node *node) {
    const struct pk_action *a = node->action;
    char now[21];
    now_text(run, now);
    struct pk_state_resource *r = pk_state_add(run->state, a->key, a->type);
    const char *replaced = node->deposed_now ? node->deposed_now
                           : r->pending      ? r->pending->previous_physical_id
                                             : NULL;
    char *previous PK_CLEANUP(pk_freep) = replaced ? pk_strdup(replaced) : NULL;
    bool replacing = a->kind == PK_ACTION_REPLACE || node->recreated;
    if (node->fresh_token)
        r->generation++;
    if (a->desired->generation > r->generation)
        r->generation = a->desired->generation;
    node->fresh_token = false;
    char token[PK_SHA256_HEX_SIZE];
    pk_engine_token(run->state->lineage, a->key, r->generation, "create", 52, token);
    pk_state_set_text(&node->token, token);
    pk_state_set_text(&r->type, a->type);
    pk_state_set_text(&r->physical_id, NULL);
    pk_state_set_text(&r->name, a->desired->name);
    pk_state_set_text(&r->inputs_hash, node->inputs_hash);
    pk_state_set_text(&r->last_deployment_id, run->config->deployment_id);
    pk_state_set_text(&r->created_at, now);
    pk_state_set_text(&r->updated_at, now);
    replace_json(&r->attributes, json_object());
    replace_json(&r->properties, json_deep_copy(node->inputs));
    replace_json(&r->tags, json_object());
    fill_identity(run, r, a->desired);
    fill_dependencies(r, a->desired);
    r->status = replacing ? PK_STATUS_REPLACING : PK_STATUS_CREATING;
    set_pending(run, node, r, "create", token, previous);
}

void pk_record_intent_update(struct pk_run *run, struct pk_node *node) {
    struct pk_state_resource *r = pk_record(run, node);
    r->status = node->adopting ? PK_STATUS_CREATING : PK_STATUS_UPDATING;
    /* While a create is being finished the intent stays one: whatever it has not done yet is not
     * known to be applied. */
    set_pending(run, node, r, node->adopting ? "create" : "update", node->token, NULL);
}

void pk_record_intent_remove(struct pk_run *run, struct pk_node *node) {
    struct pk_state_resource *r = pk_record(run, node);
    bool goes = node->action->kind == PK_ACTION_DELETE;
    /* What never became ready stays tainted until it is gone: if this fails, the next run must not
     * take it for something that worked. */
    r->status = goes             ? PK_STATUS_DELETING
                : node->adopting ? PK_STATUS_TAINTED
                                 : PK_STATUS_REPLACING;
    set_pending(run, node, r, "delete", NULL, NULL);
}

/* --- results --- */

void pk_record_id(struct pk_run *run, struct pk_node *node) {
    struct pk_state_resource *r = pk_record(run, node);
    if (!r || !node->op.physical_id || pk_streq(r->physical_id, node->op.physical_id))
        return;
    pk_state_set_text(&r->physical_id, node->op.physical_id);
    pk_run_dirty(run);
}

void pk_record_ready(struct pk_run *run, struct pk_node *node) {
    const struct pk_resource *desired = node->action->desired;
    struct pk_state_resource *r = pk_record(run, node);
    char now[21];
    now_text(run, now);
    pk_state_set_text(&r->updated_at, now);
    if (!r->created_at)
        pk_state_set_text(&r->created_at, now);
    pk_state_set_text(&r->last_deployment_id, run->config->deployment_id);
    pk_state_set_text(&r->last_error, NULL);
    pk_state_set_text(&r->inputs_hash, node->inputs_hash);
    pk_state_set_text(&r->name, desired->name);
    if (node->op.physical_id)
        pk_state_set_text(&r->physical_id, node->op.physical_id);
    if (json_is_object(node->op.attributes))
        replace_json(&r->attributes, json_deep_copy(node->op.attributes));
    if (json_is_object(node->op.desired_tags))
        replace_json(&r->tags, json_deep_copy(node->op.desired_tags));
    replace_json(&r->properties, json_deep_copy(node->inputs));
    replace_json(&r->external, json_deep_copy(desired->external));
    fill_identity(run, r, desired);
    fill_dependencies(r, desired);
    r->status = PK_STATUS_READY;
    pk_state_set_pending(r, NULL);
    pk_run_dirty(run);
}

void pk_record_problem(struct pk_run *run, struct pk_node *node, enum pk_status status,
                       bool keep_pending, const struct pk_error *error) {
    struct pk_state_resource *r = pk_record(run, node);
    if (!r)
        return;
    r->status = status;
    pk_state_set_text(&r->last_error, error ? error->message : NULL);
    if (!keep_pending)
        pk_state_set_pending(r, NULL);
    pk_run_dirty(run);
}

void pk_record_gone(struct pk_run *run, struct pk_node *node) {
    struct pk_state_resource *r = pk_record(run, node);
    pk_state_set_text(&r->physical_id, NULL);
    replace_json(&r->attributes, json_object());
    pk_state_set_pending(r, NULL);
    r->status = PK_STATUS_REPLACING;
    pk_run_dirty(run);
}

/* Deposed ones keep the record: they still have to be deleted. */
void pk_record_remove(struct pk_run *run, struct pk_node *node) {
    struct pk_state_resource *r = pk_record(run, node);
    if (!r)
        return;
    if (json_array_size(r->deposed) > 0) {
        pk_record_gone(run, node);
        return;
    }
    pk_state_remove(run->state, node->action->key);
    pk_run_dirty(run);
}

/* --- before and after the run --- */

/* Two steps, because keys may be exchanged. */
static void rename_all(struct pk_run *run) {
    struct pk_vec from = PK_VEC_INIT;
    for (size_t i = 0; i < run->n_nodes; i++) {
        const struct pk_action *a = run->nodes[i].action;
        if (!a->desired || !a->prior || strcmp(a->prior->key, a->key) == 0)
            continue;
        char *away = pk_asprintf("\x01%zu", i);
        pk_state_rename(run->state, a->prior->key, away);
        pk_vec_push(&from, away);
    }
    for (size_t i = 0; i < from.len; i++) {
        char *away = from.items[i];
        size_t index = strtoul(away + 1, NULL, 10);
        pk_state_rename(run->state, away, run->nodes[index].action->key);
        pk_run_dirty(run);
        free(away);
    }
    pk_vec_release(&from);
}

void pk_records_prepare(struct pk_run *run) {
    rename_all(run);
    for (size_t i = 0; i < run->n_nodes; i++) {
        const struct pk_action *a = run->nodes[i].action;
        struct pk_state_resource *r = pk_record(run, &run->nodes[i]);
        if (a->kind != PK_ACTION_NOOP || a->outside || !a->desired || !r)
            continue;
        /* An edge alone is no change, but deletions go by what is recorded. */
        fill_dependencies(r, a->desired);
        r->stateful = a->desired->stateful;
    }
}

json_t *pk_record_resolve(void *ctx, const json_t *token) {
    const struct pk_run *run = ctx;
    const char *key = json_string_value(json_object_get(token, "$ref"));
    const struct pk_state_resource *r = key ? pk_state_find(run->state, key) : NULL;
    if (!r || !r->physical_id)
        return NULL;
    return json_deep_copy(pk_state_attribute(r, json_string_value(json_object_get(token, "attr"))));
}

static json_t *resolved_members(struct pk_run *run, const json_t *object) {
    json_t *ret = json_object(), *value;
    const char *name;
    json_object_foreach((json_t *)(uintptr_t)object, name, value) {
        json_t *resolved = pk_token_resolve(value, pk_record_resolve, run);
        if (pk_token_inside(resolved))
            json_decref(resolved); /* of something that could not be made */
        else
            json_object_set_new(ret, name, resolved);
    }
    return ret;
}

void pk_records_outputs(struct pk_run *run, bool ok) {
    bool destroyed = run->plan->actions.len > 0 || pk_map_len(run->state->resources) == 0;
    if (run->graph) {
        replace_json(&run->state->outputs, resolved_members(run, run->graph->outputs));
        if (run->graph->networking)
            replace_json(&run->state->networking, resolved_members(run, run->graph->networking));
    } else if (ok && destroyed) {
        replace_json(&run->state->outputs, json_deep_copy(run->plan->outputs_after));
        if (pk_map_len(run->state->resources) == 0)
            replace_json(&run->state->networking, json_object());
    }
    pk_run_dirty(run);
}
