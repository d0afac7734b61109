/* op.c - the operation that a worker gets: deep copies of everything that may change meanwhile. */
#include "engine/internal.h"

#include <stdlib.h>
#include <string.h>

static bool guard(void *ctx, struct pk_error **err) {
    struct pk_journal *journal = ctx;
    return journal->guard(journal, PK_CALL_MS, err);
}

void pk_op_release(struct pk_node *node) {
    struct pk_op *op = &node->op;
    json_decref(op->desired);
    json_decref(op->desired_tags);
    json_decref(op->prior);
    json_decref(op->prior_tags);
    json_decref(op->predecessors);
    json_decref(op->attributes);
    json_decref(op->scratch);
    free(op->physical_id);
    free(op->waiting_for);
    free(op->note);
    memset(op, 0, sizeof(*op));
    json_decref(node->read.prior);
    json_decref(node->read.prior_attributes);
    json_decref(node->read.live);
    json_decref(node->read.live_tags);
    json_decref(node->read.attributes);
    pk_error_free(node->read.error);
    memset(&node->read, 0, sizeof(node->read));
}

static const char *keep(struct pk_node *node, const char *text) {
    return text ? pk_arena_strdup(node->arena, text) : NULL;
}

static bool is_taggable(const struct pk_run *run, const struct pk_node *node) {
    const struct pk_provider *p = run->config->provider;
    const struct pk_type_traits *traits =
        p->vtable->traits((struct pk_provider *)(uintptr_t)p, node->action->type);
    return json_object_size(node->action->desired->tags) > 0 && (!traits || traits->taggable);
}

/* OWNERSHIP TAGS: they are part of the create call. */
static json_t *tags_of(struct pk_run *run, const struct pk_node *node, const char *op_id) {
    json_t *tags = json_deep_copy(node->action->desired->tags);
    if (!is_taggable(run, node))
        return tags;
    json_object_set_new(tags, "panka:lineage", pk_json_text(run->state->lineage));
    if (op_id)
        json_object_set_new(tags, "panka:op", pk_json_text(op_id));
    return tags;
}

/* What all operations have in common; r may be NULL. */
static struct pk_op *start(struct pk_run *run, struct pk_node *node,
                           const struct pk_state_resource *r, enum pk_action_kind kind) {
    const struct pk_action *a = node->action;
    pk_op_release(node);
    struct pk_op *op = &node->op;
    op->key = a->key;
    op->action = kind;
    op->type = keep(node, r ? r->type : a->type);
    op->kind = keep(node, r ? r->kind : a->desired->kind);
    op->service = keep(node, r ? r->service : a->desired->service);
    op->component = keep(node, r ? r->component : a->desired->component);
    op->token = keep(node, node->token);
    op->op_id = keep(node, node->op_id);
    op->lineage = keep(node, run->state->lineage);
    op->cancel = &run->own;
    op->guard = guard;
    op->guard_ctx = run->config->journal;
    op->allow_data_loss = a->allow_data_loss;
    op->replacing =
        a->kind == PK_ACTION_REPLACE || a->kind == PK_ACTION_DELETE_DEPOSED || node->recreated;
    op->attributes = json_object();
    return op;
}

static void put_desired(struct pk_node *node, struct pk_op *op) {
    const struct pk_resource *desired = node->action->desired;
    op->type = keep(node, desired->type);
    op->name = keep(node, desired->name);
    op->desired = json_deep_copy(node->inputs);
    op->wait_limit_ms = desired->wait_limit_ms;
    op->force_destroy = desired->force_destroy;
    op->final_snapshot = desired->final_snapshot;
}

static json_t *predecessors_of(const struct pk_state_resource *r) {
    json_t *ids = json_array(), *entry;
    size_t i;
    json_array_foreach(r->deposed, i, entry)
        json_array_append(ids, json_object_get(entry, "physicalId"));
    return ids;
}

void pk_op_for_create(struct pk_run *run, struct pk_node *node) {
    struct pk_op *op = start(run, node, pk_record(run, node), PK_ACTION_CREATE);
    put_desired(node, op);
    op->desired_tags = tags_of(run, node, node->op_id);
    op->predecessors = predecessors_of(pk_record(run, node));
}

void pk_op_for_update(struct pk_run *run, struct pk_node *node, struct pk_change *changes,
                      size_t n_changes) {
    const struct pk_state_resource *r = pk_record(run, node);
    struct pk_op *op = start(run, node, r, PK_ACTION_UPDATE);
    put_desired(node, op);
    const char *made_by = pk_json_str(json_object_get(r->tags, "panka:op"), "", NULL);
    op->desired_tags = tags_of(run, node, made_by ? made_by : node->op_id);
    op->physical_id = pk_strdup(r->physical_id);
    json_decref(op->attributes);
    op->attributes = json_deep_copy(r->attributes);
    op->prior = node->adopting ? NULL : json_deep_copy(r->properties);
    op->prior_tags = json_deep_copy(r->tags);
    op->changes = changes;
    op->n_changes = n_changes;
    op->force_update = node->action->desired->force_update;
    for (size_t i = 0; i < n_changes; i++)
        op->force_update = op->force_update || pk_change_is_external(&changes[i]);
}

/* The deposed one that the action names, else the present one. */
void pk_op_for_remove(struct pk_run *run, struct pk_node *node) {
    const struct pk_state_resource *r = pk_record(run, node);
    struct pk_op *op = start(run, node, r, PK_ACTION_DELETE);
    const char *id = node->action->deposed_id;
    const json_t *entry = id ? pk_record_deposed(r, id) : NULL;
    json_decref(op->attributes);
    if (entry) {
        op->type = keep(node, pk_json_str(entry, "type", r->type));
        op->name = keep(node, pk_json_str(entry, "name", NULL));
        op->physical_id = pk_strdup(id);
        op->attributes = json_deep_copy(json_object_get(entry, "attributes"));
        op->prior = json_deep_copy(json_object_get(entry, "properties"));
        op->prior_tags = json_deep_copy(json_object_get(entry, "tags"));
        op->final_snapshot = pk_json_bool(entry, "finalSnapshot", false);
        op->force_destroy = pk_json_bool(entry, "forceDestroy", false);
        return;
    }
    op->name = keep(node, r->name);
    op->physical_id = r->physical_id ? pk_strdup(r->physical_id) : NULL;
    op->attributes = json_deep_copy(r->attributes);
    op->prior = json_deep_copy(r->properties);
    op->prior_tags = json_deep_copy(r->tags);
    op->final_snapshot = r->final_snapshot;
    op->force_destroy = r->force_destroy;
}

/* ADOPT: looks for what was sent, which the record holds, not for what is wanted now. */
void pk_op_for_find(struct pk_run *run, struct pk_node *node) {
    const struct pk_state_resource *r = pk_record(run, node);
    struct pk_op *op = start(run, node, r, PK_ACTION_CREATE);
    op->name = keep(node, r->name);
    op->desired = json_deep_copy(r->properties);
    op->predecessors = predecessors_of(r);
    if (r->pending) {
        op->token = keep(node, r->pending->token);
        op->op_id = keep(node, r->pending->op_id);
    }
}

int64_t pk_op_limit(const struct pk_run *run, const struct pk_node *node) {
    struct pk_provider *p = run->config->provider;
    if (node->op.wait_limit_ms > 0)
        return node->op.wait_limit_ms;
    const struct pk_type_traits *traits = p->vtable->traits(p, node->op.type);
    return traits && traits->limit_ms > 0 ? traits->limit_ms : PK_DEFAULT_WAIT_MS;
}
