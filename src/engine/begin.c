/* begin.c - the first step of every kind of action, and the intents. */
#include "engine/internal.h"

#include <stdlib.h>
#include <string.h>

static struct pk_error *make_error(const struct pk_node *node, enum pk_code code, const char *fmt,
                                   ...) PK_PRINTF(3, 4);
static struct pk_error *make_error(const struct pk_node *node, enum pk_code code, const char *fmt,
                                   ...) {
    struct pk_error *error = NULL;
    va_list args;
    va_start(args, fmt);
    pk_vfail(&error, code, fmt, args);
    va_end(args);
    pk_error_set(&error->address, node->action->key);
    return error;
}

/* --- inputs --- */

struct missing {
    struct pk_run *run;
    const char *key, *attr;
};

static json_t *note_missing(void *ctx, const json_t *token) {
    struct missing *m = ctx;
    json_t *value = pk_record_resolve(m->run, token);
    if (!value && !m->key) {
        m->key = pk_json_str(token, "$ref", pk_json_str(token, "$secretArn", "?"));
        m->attr = pk_json_str(token, "attr", "ARN");
    }
    return value;
}

bool pk_node_resolve(struct pk_run *run, struct pk_node *node, struct pk_error **err) {
    const struct pk_resource *desired = node->action->desired;
    struct missing m = {.run = run};
    if (node->inputs)
        return true;
    json_t *inputs = pk_token_resolve(desired->properties, note_missing, &m);
    if (m.key) {
        json_decref(inputs);
        return pk_fail(err, PK_E_RESOURCE_FAILED, "it needs %s of %s, which is not known", m.attr,
                       m.key);
    }
    node->inputs = inputs;
    char hex[PK_SHA256_HEX_SIZE];
    pk_plan_inputs_hash(desired, hex);
    snprintf(node->inputs_hash, sizeof(node->inputs_hash), "sha256:%s", hex);
    return true;
}

static bool resolved(struct pk_run *run, struct pk_node *node) {
    struct pk_error *error = NULL;
    if (pk_node_resolve(run, node, &error))
        return true;
    pk_error_set(&error->address, node->action->key);
    pk_node_failed(run, node, error);
    return false;
}

struct pk_change *pk_node_diff(struct pk_run *run, struct pk_node *node,
                               const struct pk_state_resource *prior, const json_t *live,
                               size_t *ret_n) {
    struct pk_provider *p = run->config->provider;
    struct pk_diff_input in = {.desired = node->action->desired,
                               .properties = node->inputs,
                               .prior = prior,
                               .live = live,
                               .traits = p->vtable->traits(p, node->action->type)};
    return pk_plan_diff(node->arena, &in, ret_n);
}

bool pk_change_list_replaces(const struct pk_change *changes, size_t n, const char **ret_path) {
    for (size_t i = 0; i < n; i++)
        if (changes[i].replaces) {
            *ret_path = changes[i].path;
            return true;
        }
    return false;
}

/* --- create --- */

/* An open create is carried on with its own operation id and token, so that AWS and find recognise
 * it. */
static void take_over_intent(struct pk_node *node, const struct pk_state_resource *r) {
    if (!r || !r->pending || !pk_streq(r->pending->op, "create"))
        return;
    pk_state_set_text(&node->op_id, r->pending->op_id);
    pk_state_set_text(&node->token, r->pending->token);
}

void pk_prepare_create(struct pk_run *run, struct pk_node *node) {
    const struct pk_action *a = node->action;
    if (!resolved(run, node))
        return;
    pk_record_save_before(run, node);
    struct pk_state_resource *r = pk_record(run, node);
    if (r && a->kind == PK_ACTION_REPLACE && a->create_first && r->physical_id &&
        !node->deposed_now) {
        pk_record_depose(run, node);
        node->fresh_token = true;
    }
    pk_record_intent_create(run, node);
    pk_op_for_create(run, node);
    pk_node_after_intent(run, node, PK_STEP_CREATE);
}

/* --- update --- */

/* Nothing that AWS would have to know. */
static bool is_for_state_only(const struct pk_node *node, const struct pk_change *changes,
                              size_t n) {
    if (node->action->kind == PK_ACTION_RESUME || node->adopting ||
        node->action->desired->force_update)
        return false;
    for (size_t i = 0; i < n; i++)
        if (!pk_change_is_policy(&changes[i]))
            return false;
    return true;
}

void pk_prepare_update(struct pk_run *run, struct pk_node *node, struct pk_change *changes,
                       size_t n_changes) {
    if (is_for_state_only(node, changes, n_changes)) {
        pk_op_for_update(run, node, changes, n_changes);
        pk_record_ready(run, node);
        pk_node_done(run, node, NULL);
        return;
    }
    pk_record_save_before(run, node);
    pk_record_intent_update(run, node);
    pk_op_for_update(run, node, changes, n_changes);
    pk_node_after_intent(run, node, PK_STEP_UPDATE);
}

static void begin_update(struct pk_run *run, struct pk_node *node) {
    size_t n;
    const char *path;
    if (!resolved(run, node))
        return;
    struct pk_change *changes =
        pk_node_diff(run, node, pk_record(run, node), node->action->live, &n);
    if (pk_change_list_replaces(changes, n, &path)) {
        struct pk_error *error =
            make_error(node, PK_E_RESOURCE_FAILED,
                       "%s would now have to be replaced, which the plan did not foresee: %s is "
                       "different",
                       node->action->key, path);
        pk_error_hint(&error, "run `panka apply` again: the next plan shows the replacement");
        pk_node_failed(run, node, error);
        return;
    }
    pk_prepare_update(run, node, changes, n);
}

/* --- delete --- */

void pk_prepare_remove(struct pk_run *run, struct pk_node *node) {
    pk_record_save_before(run, node);
    pk_record_intent_remove(run, node);
    pk_op_for_remove(run, node);
    pk_node_after_intent(run, node, PK_STEP_REMOVE);
}

static bool has_open_create(const struct pk_state_resource *r) {
    return r->pending && pk_streq(r->pending->op, "create");
}

static void begin_delete(struct pk_run *run, struct pk_node *node) {
    const struct pk_state_resource *r = pk_record(run, node);
    if (r && r->physical_id) {
        pk_prepare_remove(run, node);
    } else if (r && has_open_create(r)) {
        pk_prepare_find(run, node); /* it may exist: the id was never seen */
    } else {
        pk_record_remove(run, node);
        pk_node_done(run, node, NULL);
    }
}

/* A deposed entry is an intent in itself: it was durable before its successor was made. */
static void begin_delete_deposed(struct pk_run *run, struct pk_node *node) {
    const struct pk_state_resource *r = pk_record(run, node);
    const char *id = node->action->deposed_id;
    if (!id) {
        if (r && r->physical_id)
            pk_prepare_remove(run, node);
        else
            pk_node_done(run, node, NULL);
        return;
    }
    if (!r || !pk_record_is_deposed(r, id)) {
        pk_node_done(run, node, NULL);
        return;
    }
    if (r->retain_on_delete) {
        pk_record_drop_deposed(run, node, id);
        pk_node_done(run, node, "left in AWS (retainOnDelete)");
        return;
    }
    pk_op_for_remove(run, node);
    pk_node_call(run, node, PK_STEP_REMOVE);
}

/* --- looking --- */

void pk_prepare_find(struct pk_run *run, struct pk_node *node) {
    take_over_intent(node, pk_record(run, node));
    pk_op_for_find(run, node);
    node->find_tries++;
    pk_node_call(run, node, PK_STEP_FIND);
}

void pk_prepare_read(struct pk_run *run, struct pk_node *node) {
    const struct pk_state_resource *r = pk_record(run, node);
    pk_op_release(node);
    node->read = (struct pk_read){
        .key = node->action->key,
        .type = pk_arena_strdup(node->arena, r->type),
        .physical_id = pk_arena_strdup(node->arena, r->physical_id),
        .name = r->name ? pk_arena_strdup(node->arena, r->name) : NULL,
        .region = r->region ? pk_arena_strdup(node->arena, r->region) : NULL,
        .prior = json_deep_copy(r->properties),
        .prior_attributes = json_deep_copy(r->attributes),
    };
    node->op.type = node->read.type; /* for the limit of waits */
    pk_node_call(run, node, PK_STEP_READ);
}

/* ADOPT: what an interrupted run has left is looked at before anything is done to it. */
static void begin_resume(struct pk_run *run, struct pk_node *node) {
    const struct pk_state_resource *r = pk_record(run, node);
    if (!resolved(run, node))
        return;
    if (!r) {
        pk_prepare_create(run, node);
        return;
    }
    take_over_intent(node, r);
    node->adopting =
        has_open_create(r) || r->status == PK_STATUS_TAINTED || r->status == PK_STATUS_CREATING;
    node->same_inputs = pk_json_equal(r->properties, node->inputs);
    if (r->physical_id)
        pk_prepare_read(run, node);
    else if (has_open_create(r))
        pk_prepare_find(run, node);
    else
        pk_prepare_create(run, node);
}

void pk_node_begin(struct pk_run *run, struct pk_node *node) {
    const struct pk_action *a = node->action;
    node->begun = true;
    if (a->kind == PK_ACTION_NOOP) {
        pk_node_done(run, node, NULL);
        return;
    }
    node->arena = pk_arena_new();
    node->result->started_ms = pk_run_now(run);
    run->n_busy++;
    node->active_index = run->active.len;
    pk_vec_push(&run->active, node);
    pk_run_event(run, PK_EVENT_STARTED, node, NULL, NULL);
    switch (a->kind) {
    case PK_ACTION_CREATE:
        node->fresh_token = pk_record(run, node) != NULL; /* what it made is gone */
        pk_prepare_create(run, node);
        break;
    case PK_ACTION_REPLACE:
        node->fresh_token = !a->create_first;
        pk_prepare_create(run, node);
        break;
    case PK_ACTION_UPDATE:
        begin_update(run, node);
        break;
    case PK_ACTION_RESUME:
        begin_resume(run, node);
        break;
    case PK_ACTION_DELETE:
        begin_delete(run, node);
        break;
    case PK_ACTION_DELETE_DEPOSED:
        begin_delete_deposed(run, node);
        break;
    case PK_ACTION_FORGET:
        pk_state_remove(run->state, a->key);
        pk_run_dirty(run);
        pk_node_done(run, node, NULL);
        break;
    case PK_ACTION_NOOP:
        break;
    }
}
