/* diff.c - what differs for one resource, property by property. */
#include "plan/internal.h"

#include <stdlib.h>
#include <string.h>

#define MASK "(sensitive)"

json_t *pk_arena_json(struct pk_arena *arena, json_t *value) {
    if (value)
        pk_arena_on_free(arena, (void (*)(void *))json_decref, value);
    return value;
}

struct differ {
    struct pk_arena *arena;
    const struct pk_diff_input *in;
    struct pk_path path;
    struct pk_vec found; /* struct pk_change */
    bool certain;        /* prior says what was applied */
    bool certain_live;   /* live says what is there */
};

/* --- values for people --- */

static json_t *mask(const struct differ *d, const json_t *value, struct pk_path *path) {
    if (pk_traits_of(d->in->traits, path->text) & PK_SENSITIVE)
        return json_string(MASK);
    if (json_is_object(value)) {
        json_t *copy = json_object(), *item;
        const char *name;
        json_object_foreach((json_t *)(uintptr_t)value, name, item) {
            size_t before = pk_path_push(path, name);
            json_object_set_new(copy, name, mask(d, item, path));
            pk_path_pop(path, before);
        }
        return copy;
    }
    if (json_is_array(value)) {
        json_t *copy = json_array();
        size_t before = pk_path_push_item(path);
        for (size_t i = 0; i < json_array_size(value); i++)
            json_array_append_new(copy, mask(d, json_array_get(value, i), path));
        pk_path_pop(path, before);
        return copy;
    }
    return json_deep_copy(value);
}

static json_t *shown(const struct differ *d, const json_t *value) {
    if (!value || json_is_null(value))
        return NULL;
    struct pk_path path = d->path;
    return pk_arena_json(d->arena, mask(d, value, &path));
}

static struct pk_span span_of(const struct differ *d) {
    struct pk_span span = pk_resource_span(d->in->desired, d->path.text);
    size_t top = strcspn(d->path.text, ".[");
    if (!pk_map_has(d->in->desired->spans, d->path.text) && top < d->path.len) {
        char *name PK_CLEANUP(pk_freep) = pk_strndup(d->path.text, top);
        span = pk_resource_span(d->in->desired, name);
    }
    return span;
}

static struct pk_change *add(struct differ *d, const json_t *before, const json_t *after) {
    struct pk_change *change = pk_arena_alloc(d->arena, sizeof(*change));
    change->path = pk_arena_strdup(d->arena, d->path.text);
    change->before = shown(d, before);
    change->after = shown(d, after);
    change->span = span_of(d);
    pk_vec_push(&d->found, change);
    return change;
}

/* --- properties --- */

static bool same(const struct differ *d, const json_t *a, const json_t *b, bool live) {
    return pk_plan_equal(a, b, d->in->traits, d->path.text, live);
}

/* One value that is not taken apart. */
static void diff_leaf(struct differ *d, unsigned flags, const json_t *desired, const json_t *prior,
                      const json_t *live) {
    bool readable = d->certain_live && !(flags & (PK_WRITE_ONLY | PK_UNMANAGED));
    bool unknown = desired && pk_token_inside(desired);
    bool edited = d->certain ? unknown || !same(d, desired, prior, false) : false;
    bool live_differs = readable && (unknown || !same(d, desired, live, true));
    if (!d->certain && !readable)
        edited = desired && !(flags & PK_UNMANAGED); /* nobody knows: say it again */
    if (!edited && !live_differs)
        return;
    bool settled = readable && !unknown && !live_differs; /* AWS already has it that way */
    if (pk_value_is_empty(desired))
        settled = readable && pk_value_is_empty(live);
    if (settled && (flags & (PK_CREATE_ONLY | PK_GROW_ONLY)))
        return;
    bool from_live = readable && (live_differs || !d->certain);
    struct pk_change *change = add(d, from_live ? live : prior, desired);
    change->after_unknown = unknown;
    change->replaces = (flags & PK_CREATE_ONLY) != 0;
    change->sensitive = (flags & PK_SENSITIVE) != 0;
    change->drift = d->certain && live_differs && !same(d, prior, live, true);
}

static bool is_plain_object(const json_t *value) {
    return json_is_object(value) && json_object_size(value) > 0 && !pk_token_is(value, "$ref") &&
           !pk_token_is(value, "$join") && !pk_token_is(value, "$secret") &&
           !pk_token_is(value, "$secretArn") && !pk_token_is(value, "$file");
}

static void diff_value(struct differ *d, const json_t *desired, const json_t *prior,
                       const json_t *live);

/* Members of the desired object, then those that were applied and are not wanted any more. */
static void diff_members(struct differ *d, const json_t *desired, const json_t *prior,
                         const json_t *live) {
    const char *name;
    json_t *value;
    json_object_foreach((json_t *)(uintptr_t)desired, name, value) {
        size_t before = pk_path_push(&d->path, name);
        diff_value(d, value, json_object_get(prior, name), json_object_get(live, name));
        pk_path_pop(&d->path, before);
    }
    json_object_foreach((json_t *)(uintptr_t)prior, name, value) {
        if (json_object_get(desired, name))
            continue;
        size_t before = pk_path_push(&d->path, name);
        diff_value(d, NULL, value, json_object_get(live, name));
        pk_path_pop(&d->path, before);
    }
}

static void diff_value(struct differ *d, const json_t *desired, const json_t *prior,
                       const json_t *live) {
    unsigned flags = pk_traits_of(d->in->traits, d->path.text);
    bool whole = flags & (PK_POLICY_DOC | PK_JSON_TEXT | PK_MAP_SUBSET | PK_SENSITIVE);
    if (!whole && is_plain_object(desired) &&
        (is_plain_object(prior) || (pk_value_is_empty(prior) && is_plain_object(live))))
        diff_members(d, desired, prior, live);
    else
        diff_leaf(d, flags, desired, prior, live);
}

/* --- tags --- */

/* panka:op and panka:lineage are the engine's: they tell who made the resource, not how it should
 * be. */
static bool engine_tag(const char *name) {
    return strcmp(name, "panka:op") == 0 || strcmp(name, "panka:lineage") == 0;
}

static void diff_tag(struct differ *d, const char *name, const json_t *desired, const json_t *prior,
                     const json_t *live, bool live_known) {
    bool edited = d->certain && !pk_json_equal(desired, prior);
    bool live_differs = live_known && !pk_json_equal(desired, live);
    if (!d->certain && !live_known)
        edited = desired != NULL;
    if (!edited && !live_differs)
        return;
    if (!desired && live_known && !live)
        return; /* somebody has removed it before us */
    pk_path_push(&d->path, "Tags");
    pk_path_push(&d->path, name);
    struct pk_change *change = add(d, live_differs ? live : prior, desired);
    change->drift = d->certain && live_differs && !pk_json_equal(prior, live);
    pk_path_pop(&d->path, 0);
}

static void diff_tags(struct differ *d) {
    const struct pk_diff_input *in = d->in;
    const json_t *desired = in->desired->tags, *prior = in->prior ? in->prior->tags : NULL;
    const json_t *live = in->live ? json_object_get(in->live, "$tags") : NULL;
    const char *name;
    json_t *value;
    if ((in->traits && !in->traits->taggable) || json_object_size(desired) == 0)
        return;
    json_object_foreach((json_t *)(uintptr_t)desired, name, value) {
        if (!engine_tag(name))
            diff_tag(d, name, value, json_object_get(prior, name), json_object_get(live, name),
                     live != NULL);
    }
    json_object_foreach((json_t *)(uintptr_t)prior, name, value) {
        if (!engine_tag(name) && !json_object_get(desired, name))
            diff_tag(d, name, NULL, value, json_object_get(live, name), live != NULL);
    }
}

/* --- what is not in AWS --- */

static void diff_external(struct differ *d) {
    const json_t *desired = d->in->desired->external, *prior = d->in->prior->external;
    const char *name;
    json_t *value;
    json_object_foreach((json_t *)(uintptr_t)desired, name, value) {
        if (pk_json_equal(value, json_object_get(prior, name)))
            continue;
        pk_path_push(&d->path, "External");
        pk_path_push(&d->path, name);
        add(d, json_object_get(prior, name), value);
        pk_path_pop(&d->path, 0);
    }
}

static const char *const policy_paths[] = {"deletionProtection", "retainOnDelete", "forceDestroy",
                                           "finalSnapshot"};

static void diff_policy(struct differ *d) {
    const struct pk_resource *r = d->in->desired;
    const struct pk_state_resource *s = d->in->prior;
    const bool wanted[] = {r->protect, r->retain_on_delete, r->force_destroy, r->final_snapshot};
    const bool known[] = {s->protect, s->retain_on_delete, s->force_destroy, s->final_snapshot};
    for (size_t i = 0; i < PK_ARRAY_LEN(policy_paths); i++) {
        if (wanted[i] == known[i])
            continue;
        pk_path_push(&d->path, policy_paths[i]);
        json_t *before = json_boolean(known[i]), *after = json_boolean(wanted[i]);
        add(d, before, after);
        pk_path_pop(&d->path, 0);
    }
}

bool pk_change_is_policy(const struct pk_change *change) {
    for (size_t i = 0; i < PK_ARRAY_LEN(policy_paths); i++)
        if (strcmp(change->path, policy_paths[i]) == 0)
            return true;
    return false;
}

bool pk_change_is_external(const struct pk_change *change) {
    return pk_starts_with(change->path, "External.");
}

/* --- names and types --- */

static bool same_text(const char *a, const char *b) {
    return strcmp(a ? a : "", b ? b : "") == 0;
}

/* A name that the user has changed; a new name for a further generation follows from another
 * change. */
static void diff_name(struct differ *d) {
    const struct pk_resource *r = d->in->desired;
    const struct pk_state_resource *s = d->in->prior;
    if (!d->in->traits || !d->in->traits->named || !r->name || !s->name || !*s->name ||
        same_text(r->name, s->name) || r->generation > s->generation)
        return;
    for (size_t i = 0; i < d->found.len; i++) {
        const struct pk_change *change = d->found.items[i];
        if (change->replaces && pk_streq(json_string_value(change->after), r->name))
            return; /* the property that holds the name says it */
    }
    pk_path_push(&d->path, "Name");
    json_t *before = pk_json_text(s->name), *after = pk_json_text(r->name);
    add(d, before, after)->replaces = true;
    json_decref(before);
    json_decref(after);
    pk_path_pop(&d->path, 0);
}

static void diff_type(struct differ *d) {
    json_t *before = pk_json_text(d->in->prior->type), *after = pk_json_text(d->in->desired->type);
    pk_path_push(&d->path, "Type");
    add(d, before, after)->replaces = true;
    pk_path_pop(&d->path, 0);
    json_decref(before);
    json_decref(after);
}

struct pk_change *pk_plan_diff(struct pk_arena *arena, const struct pk_diff_input *input,
                               size_t *ret_n) {
    struct differ d = {.arena = arena,
                       .in = input,
                       .certain = input->prior != NULL,
                       .certain_live = json_is_object(input->live)};
    if (input->prior && strcmp(input->prior->type, input->desired->type) != 0) {
        diff_type(&d);
    } else {
        diff_members(&d, input->properties, input->prior ? input->prior->properties : NULL,
                     input->live);
        if (input->prior)
            diff_name(&d);
        diff_tags(&d);
        if (input->prior) {
            diff_external(&d);
            diff_policy(&d);
        }
    }
    struct pk_change *changes = pk_arena_array(arena, d.found.len + 1, sizeof(*changes));
    for (size_t i = 0; i < d.found.len; i++)
        changes[i] = *(struct pk_change *)d.found.items[i];
    *ret_n = d.found.len;
    pk_vec_release(&d.found);
    return changes;
}

void pk_plan_inputs_hash(const struct pk_resource *resource, char ret[static 65]) {
    json_t *inputs = json_object();
    json_object_set(inputs, "properties", resource->properties);
    json_object_set(inputs, "external", resource->external);
    pk_json_sha256(inputs, ret);
    json_decref(inputs);
}
