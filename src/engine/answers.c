/* answers.c - what follows from the answer to a step. */
#include "engine/internal.h"

#include <stdlib.h>
#include <string.h>

#define MAX_FINDS 4
#define FIND_AGAIN_MS 1000

static bool ends(const char *text, const char *const *ends_with, size_t n) {
    for (size_t i = 0; text && i < n; i++)
        if (pk_ends_with(text, ends_with[i]))
            return true;
    return false;
}

/* "It exists": the provider says so, or AWS's code does. Whose it is, find tells. */
static bool says_exists(const struct pk_error *e) {
    static const char *const codes[] = {"AlreadyExists",
                                        "AlreadyExistsException",
                                        "AlreadyExistsFault",
                                        "EntityAlreadyExists",
                                        "ResourceInUseException",
                                        "ResourceInUse",
                                        "ResourceConflictException",
                                        "AlreadyOwnedByYou"};
    return pk_streq(e->id, PK_ERROR_EXISTS) || ends(e->aws.code, codes, PK_ARRAY_LEN(codes));
}

/* The request may have been carried out although no answer, or no clear one, came. */
static bool is_ambiguous(const struct pk_error *e) {
    return e->aws.sent && (e->aws.http_status == 0 || e->aws.http_status >= 500);
}

static bool is_token_mismatch(const struct pk_error *e) {
    return e->aws.code && strstr(e->aws.code, "dempoten") && strstr(e->aws.code, "ismatch");
}

/* The run ends, not the operation: its intent stays open for the next run. */
static bool is_interruption(const struct pk_error *e) {
    return e->code == PK_E_CANCELLED || e->code == PK_E_LOCK_LOST || e->code == PK_E_STATE_CONFLICT;
}

static struct pk_error *take_error(struct pk_node *node) {
    struct pk_error *error = pk_steal(&node->job.error);
    if (!error)
        pk_fail(&error, PK_E_INTERNAL, "the provider failed without saying why");
    if (!error->address)
        pk_error_set(&error->address, node->action->key);
    return error;
}

/* --- failures --- */

static void fail(struct pk_run *run, struct pk_node *node, enum pk_status status, bool keep_pending,
                 struct pk_error *error) {
    struct pk_state_resource *r = pk_record(run, node);
    if (is_interruption(error) && r)
        pk_record_problem(run, node, r->status, true, error);
    else
        pk_record_problem(run, node, status, keep_pending, error);
    pk_node_failed(run, node, error);
}

static void fail_not_owned(struct pk_run *run, struct pk_node *node) {
    const struct pk_state_resource *r = pk_record(run, node);
    const char *name = r && r->name ? r->name : node->action->key;
    struct pk_error *error = NULL;
    pk_fail(&error, PK_E_NOT_OWNED, "the name %s is taken by a %s that panka does not own", name,
            node->action->type);
    pk_error_hint(&error,
                  "choose another name, or take it over with `panka import %s <physical id>`",
                  node->action->key);
    pk_error_set(&error->address, node->action->key);
    if (node->create_error)
        error->cause = pk_steal(&node->create_error);
    if (node->deposed_now && node->before) {
        pk_record_undepose(run, node);
        pk_node_failed(run, node, error);
        return;
    }
    fail(run, node, PK_STATUS_FAILED, true, error);
}

/* --- create --- */

/* No id: nothing was made, or nobody knows. The intent stays open either way: a refusal may have
 * been the answer to a repeated request whose first copy was carried out. */
static void create_failed(struct pk_run *run, struct pk_node *node, struct pk_error *error) {
    pk_record_id(run, node);
    if (is_interruption(error)) {
        fail(run, node, PK_STATUS_CREATING, true, error);
        return;
    }
    if (node->op.physical_id) {
        fail(run, node, PK_STATUS_TAINTED, false, error);
        return;
    }
    bool look =
        says_exists(error) || is_ambiguous(error) || is_token_mismatch(error) || node->deposed_now;
    if (!look || node->find_tries >= MAX_FINDS) {
        fail(run, node, PK_STATUS_FAILED, true, error);
        return;
    }
    pk_error_free(node->create_error);
    node->create_error = error;
    node->same_inputs = true;
    pk_prepare_find(run, node);
}

static void create_answered(struct pk_run *run, struct pk_node *node) {
    switch (node->job.progress) {
    case PK_DONE:
        pk_record_ready(run, node);
        pk_node_done(run, node, node->op.note);
        break;
    case PK_AGAIN:
        pk_record_id(run, node);
        pk_node_wait(run, node, node->op.again_ms, node->op.waiting_for);
        break;
    case PK_FAILED:
        create_failed(run, node, take_error(node));
        break;
    }
}

/* --- find --- */

static void adopt(struct pk_run *run, struct pk_node *node) {
    struct pk_state_resource *r = pk_record(run, node);
    pk_error_clear(&node->create_error);
    node->adopting = true;
    pk_record_id(run, node);
    if (json_is_object(node->op.attributes)) {
        json_decref(r->attributes);
        r->attributes = json_deep_copy(node->op.attributes);
    }
    pk_run_dirty(run);
    if (node->action->kind == PK_ACTION_DELETE) {
        pk_prepare_remove(run, node);
        return;
    }
    pk_run_event(run, PK_EVENT_ADOPTED, node, node->op.physical_id, NULL);
    pk_prepare_read(run, node);
}

/* The create certainly made nothing that can be seen. */
static void absent(struct pk_run *run, struct pk_node *node) {
    struct pk_error *error = pk_steal(&node->create_error);
    if (node->action->kind == PK_ACTION_DELETE) {
        pk_record_remove(run, node);
        pk_node_done(run, node, NULL);
    } else if (!error) {
        pk_prepare_create(run, node); /* the same operation again, with the same token */
    } else if (says_exists(error) && node->find_tries < MAX_FINDS) {
        /* being deleted, or not visible everywhere yet */
        pk_error_free(error);
        pk_op_for_create(run, node);
        node->step = PK_STEP_CREATE;
        pk_node_wait(run, node, FIND_AGAIN_MS, "it exists, but cannot be seen yet");
    } else if (node->deposed_now && node->before && !is_ambiguous(error)) {
        pk_record_undepose(run, node);
        pk_node_failed(run, node, error);
    } else {
        if (is_token_mismatch(error)) /* the token is used up; the next run takes another one */
            pk_record(run, node)->generation++;
        fail(run, node, PK_STATUS_FAILED, true, error);
    }
}

/* The predecessor itself is in the way of a create-first replacement: the two have one identity (a
 * route, a permission). Then it goes first after all. */
static bool make_room(struct pk_run *run, struct pk_node *node) {
    if (!node->create_error || !says_exists(node->create_error) || !node->before ||
        !pk_streq(node->deposed_now, node->op.physical_id))
        return false;
    pk_error_clear(&node->create_error);
    pk_record_undepose(run, node);
    free(pk_steal(&node->deposed_now));
    free(pk_steal(&node->op_id));
    node->recreated = true;
    pk_prepare_remove(run, node);
    return true;
}

static void find_answered(struct pk_run *run, struct pk_node *node) {
    const struct pk_state_resource *r = pk_record(run, node);
    if (node->job.progress == PK_FAILED) {
        struct pk_error *error = take_error(node);
        if (node->create_error)
            error->cause = pk_steal(&node->create_error);
        fail(run, node, PK_STATUS_FAILED, true, error);
        return;
    }
    enum pk_found found = node->job.found;
    /* The predecessor carries the same ownership tags. */
    if (found == PK_OURS && pk_record_is_deposed(r, node->op.physical_id)) {
        if (make_room(run, node))
            return;
        found = PK_ABSENT;
    }
    bool other_name = node->action->desired && !pk_streq(r->name, node->action->desired->name);
    switch (found) {
    case PK_OURS:
        adopt(run, node);
        break;
    case PK_FOREIGN:
        if (node->action->kind == PK_ACTION_DELETE || (!node->create_error && other_name))
            absent(run, node); /* theirs: not what we have made */
        else
            fail_not_owned(run, node);
        break;
    case PK_ABSENT:
        absent(run, node);
        break;
    }
}

/* --- read: go on with what is there --- */

static void start_anew(struct pk_run *run, struct pk_node *node, const char *why) {
    if (!node->action->allow_replace || node->recreated) {
        struct pk_error *error = NULL;
        pk_fail(&error, PK_E_RESOURCE_FAILED, "%s was not finished and has to be made anew: %s",
                node->action->key, why);
        pk_error_set(&error->address, node->action->key);
        if (!node->action->allow_replace) {
            pk_error_set(&error->id, "state.tainted-stateful");
            pk_error_hint(&error, "it may hold data; `--allow-replace=%s` deletes it",
                          node->action->key);
        }
        fail(run, node, PK_STATUS_TAINTED, false, error);
        return;
    }
    node->recreated = true;
    pk_prepare_remove(run, node);
}

/* Differences in create-only properties cannot be real when the inputs are the very same. */
static size_t drop_replacing(struct pk_change *changes, size_t n) {
    size_t kept = 0;
    for (size_t i = 0; i < n; i++)
        if (!changes[i].replaces)
            changes[kept++] = changes[i];
    return kept;
}

static void go_on(struct pk_run *run, struct pk_node *node, const json_t *live) {
    const struct pk_state_resource *r = pk_record(run, node);
    size_t n;
    const char *path;
    if (strcmp(r->type, node->action->type) != 0) {
        start_anew(run, node, "its type has changed");
        return;
    }
    struct pk_change *changes = pk_node_diff(run, node, node->adopting ? NULL : r, live, &n);
    if (node->adopting && node->same_inputs)
        n = drop_replacing(changes, n);
    if (pk_change_list_replaces(changes, n, &path)) {
        char *why PK_CLEANUP(pk_freep) = pk_asprintf("%s cannot be changed", path);
        start_anew(run, node, why);
        return;
    }
    pk_prepare_update(run, node, changes, n);
}

static void read_answered(struct pk_run *run, struct pk_node *node) {
    struct pk_read *read = &node->read;
    if (node->job.progress == PK_FAILED || read->error) {
        struct pk_error *error = node->job.error ? take_error(node) : pk_steal(&read->error);
        const struct pk_state_resource *r = pk_record(run, node);
        if (!error->address)
            pk_error_set(&error->address, node->action->key);
        fail(run, node, r->status, true, error); /* an error never means "absent" */
        return;
    }
    if (read->gone) {
        pk_record_gone(run, node);
        node->fresh_token = true;
        node->adopting = false;
        pk_prepare_create(run, node);
        return;
    }
    struct pk_state_resource *r = pk_record(run, node);
    if (json_is_object(read->attributes)) {
        json_decref(r->attributes);
        r->attributes = json_deep_copy(read->attributes);
        pk_run_dirty(run);
    }
    json_t *live = read->live ? json_deep_copy(read->live) : json_object();
    if (read->live_tags)
        json_object_set_new(live, "$tags", json_deep_copy(read->live_tags));
    go_on(run, node, live);
    json_decref(live);
}

/* --- update --- */

static void update_failed(struct pk_run *run, struct pk_node *node, struct pk_error *error) {
    if (is_interruption(error)) {
        fail(run, node, PK_STATUS_UPDATING, true, error);
        return;
    }
    /* It exists but will never work: made anew, unless it may hold data. */
    if (node->adopting && error->code == PK_E_RESOURCE_FAILED && !node->recreated &&
        node->action->allow_replace) {
        start_anew(run, node, error->message);
        pk_error_free(error);
        return;
    }
    if (node->adopting && error->code == PK_E_RESOURCE_FAILED && !node->action->allow_replace) {
        pk_error_set(&error->id, "state.tainted-stateful");
        pk_error_hint(&error, "it may hold data; `--allow-replace=%s` deletes it and makes it anew",
                      node->action->key);
    }
    fail(run, node, node->adopting ? PK_STATUS_TAINTED : PK_STATUS_FAILED, false, error);
}

static void update_answered(struct pk_run *run, struct pk_node *node) {
    switch (node->job.progress) {
    case PK_DONE:
        pk_record_ready(run, node);
        pk_node_done(run, node, node->op.note);
        break;
    case PK_AGAIN:
        pk_node_wait(run, node, node->op.again_ms, node->op.waiting_for);
        break;
    case PK_FAILED:
        update_failed(run, node, take_error(node));
        break;
    }
}

/* --- delete --- */

static void removed(struct pk_run *run, struct pk_node *node) {
    const struct pk_action *a = node->action;
    if (a->kind == PK_ACTION_DELETE) {
        pk_record_remove(run, node);
        pk_node_done(run, node, node->op.note);
    } else if (a->kind == PK_ACTION_DELETE_DEPOSED) {
        if (a->deposed_id)
            pk_record_drop_deposed(run, node, a->deposed_id);
        else
            pk_record_gone(run, node);
        pk_node_done(run, node, node->op.note);
    } else {
        /* Making anew: the next intent is in the same write as this result. */
        pk_record_gone(run, node);
        node->fresh_token = true;
        node->adopting = false;
        free(pk_steal(&node->op_id));
        pk_prepare_create(run, node);
    }
}

static void remove_failed(struct pk_run *run, struct pk_node *node, struct pk_error *error) {
    const struct pk_state_resource *r = pk_record(run, node);
    if (node->action->deposed_id || !r)
        pk_node_failed(run, node, error); /* the entry stays, for the next run */
    else
        fail(run, node, r->status, true, error);
}

static void remove_answered(struct pk_run *run, struct pk_node *node) {
    switch (node->job.progress) {
    case PK_DONE:
        removed(run, node);
        break;
    case PK_AGAIN:
        pk_node_wait(run, node, node->op.again_ms, node->op.waiting_for);
        break;
    case PK_FAILED:
        remove_failed(run, node, take_error(node));
        break;
    }
}

void pk_node_answer(struct pk_run *run, struct pk_node *node) {
    switch (node->step) {
    case PK_STEP_CREATE:
        create_answered(run, node);
        break;
    case PK_STEP_UPDATE:
        update_answered(run, node);
        break;
    case PK_STEP_REMOVE:
        remove_answered(run, node);
        break;
    case PK_STEP_FIND:
        find_answered(run, node);
        break;
    case PK_STEP_READ:
        read_answered(run, node);
        break;
    }
}
