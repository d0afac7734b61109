/* decide.c - what happens to one resource, and whether it may. */
#include "plan/internal.h"

#include <stdlib.h>
#include <string.h>

bool pk_listed(const char *const *keys, size_t n, const char *key) {
    for (size_t i = 0; i < n; i++)
        if (pk_streq(keys[i], key))
            return true;
    return false;
}

const struct pk_type_traits *pk_maker_traits(const struct pk_maker *m, const char *type) {
    const struct pk_traits_source *source = &m->input->traits;
    return source->find ? source->find(source->ctx, type) : NULL;
}

struct pk_action *pk_maker_action(struct pk_maker *m, enum pk_action_kind kind, const char *key,
                                  const char *type) {
    struct pk_action *a = pk_arena_alloc(m->plan->arena, sizeof(*a));
    a->kind = kind;
    a->key = pk_arena_strdup(m->plan->arena, key);
    a->type = pk_arena_strdup(m->plan->arena, type);
    const struct pk_plan_options *o = &m->input->options;
    a->allow_data_loss = pk_listed(o->allow_data_loss, o->n_allow_data_loss, key);
    pk_vec_push(&m->all, a);
    if (kind != PK_ACTION_DELETE_DEPOSED) {
        pk_map_set(m->main, a->key, a);
        return a;
    }
    struct pk_vec *list = pk_map_get(m->removals, key);
    if (!list) {
        list = pk_calloc(1, sizeof(*list));
        pk_map_set(m->removals, key, list);
    }
    pk_vec_push(list, a);
    return a;
}

struct pk_vec *pk_maker_removals(const struct pk_maker *m, const char *key) {
    return pk_map_get(m->removals, key);
}

/* --- what is known of others --- */

static json_t *known_attribute(const struct pk_action *a, const char *attr) {
    const struct pk_state_resource *s = a->prior;
    switch (a->kind) {
    case PK_ACTION_NOOP:
    case PK_ACTION_UPDATE:
    case PK_ACTION_RESUME:
        return s && s->physical_id ? json_deep_copy(pk_state_attribute(s, attr)) : NULL;
    case PK_ACTION_CREATE:
        /* Made again under the same name: whoever holds the name need not change. */
        if (strcmp(attr, "Ref") == 0 && s && a->missing && s->physical_id && a->desired->name &&
            strcmp(a->desired->name, s->physical_id) == 0)
            return pk_json_text(s->physical_id);
        return NULL;
    case PK_ACTION_REPLACE:
    case PK_ACTION_DELETE:
    case PK_ACTION_FORGET:
    case PK_ACTION_DELETE_DEPOSED:
        break;
    }
    return NULL;
}

json_t *pk_maker_resolve(void *ctx, const json_t *token) {
    const struct pk_maker *m = ctx;
    const char *key = json_string_value(json_object_get(token, "$ref"));
    const struct pk_action *a = key ? pk_map_get(m->main, key) : NULL;
    return a ? known_attribute(a, json_string_value(json_object_get(token, "attr"))) : NULL;
}

/* --- texts --- */

static char *value_text(const json_t *value) {
    if (!value)
        return pk_strdup("(none)");
    char *text =
        json_is_string(value) ? pk_strdup(json_string_value(value)) : pk_json_canonical(value);
    if (strlen(text) > 40)
        memcpy(text + 37, "...", sizeof("..."));
    return text;
}

static const char *change_reason(struct pk_maker *m, const struct pk_action *a) {
    if (a->n_changes == 0)
        return NULL;
    const struct pk_change *c = &a->changes[0];
    for (size_t i = 0; i < a->n_changes && a->kind == PK_ACTION_REPLACE; i++)
        if (a->changes[i].replaces) {
            c = &a->changes[i];
            break;
        }
    char *before PK_CLEANUP(pk_freep) = value_text(c->before);
    char *after PK_CLEANUP(pk_freep) =
        c->after_unknown ? pk_strdup("(known after apply)") : value_text(c->after);
    const char *more =
        a->n_changes > 1 ? pk_arena_printf(m->plan->arena, " and %zu more", a->n_changes - 1) : "";
    return pk_arena_printf(m->plan->arena, "%s%s %s -> %s%s", c->drift ? "drift: " : "", c->path,
                           before, after, more);
}

/* --- may it be replaced? --- */

static void refuse(struct pk_maker *m, const struct pk_action *a, const char *id, const char *what,
                   struct pk_span span) {
    struct pk_diag *d = pk_diag(m->diags, PK_SEVERITY_ERROR, id, span, "%s %s", a->key, what);
    pk_diag_address(m->diags, d, "%s", a->key);
    if (a->reason)
        pk_diag_detail(m->diags, d, "%s", a->reason);
    pk_diag_help(m->diags, d, "if that is what you want, add --allow-replace=%s", a->key);
}

static void check_replace(struct pk_maker *m, struct pk_action *a) {
    const struct pk_plan_options *o = &m->input->options;
    const struct pk_state_resource *s = a->prior;
    bool allowed = pk_listed(o->allow_replace, o->n_allow_replace, a->key);
    bool stateful = s->stateful || a->desired->stateful;
    bool made = s->status != PK_STATUS_TAINTED && s->status != PK_STATUS_CREATING;
    a->data_loss = stateful;
    if (allowed)
        return;
    if (s->protect && made)
        refuse(m, a, "plan.protected", "is protected and would be replaced", a->desired->span);
    else if (stateful && made)
        refuse(m, a, "plan.replace-stateful", "holds data and would be replaced by an empty one",
               a->desired->span);
    else if (stateful)
        refuse(m, a, "state.tainted-stateful",
               "was not finished and cannot be changed in place; it may hold data",
               a->desired->span);
}

/* X: the message names the resource whose replacement causes the change, where there is one. */
static bool check_no_change(struct pk_maker *m, struct pk_action *a,
                            const struct pk_type_traits *traits) {
    const struct pk_plan_options *o = &m->input->options;
    bool may = true;
    if (pk_listed(o->allow_replace, o->n_allow_replace, a->key))
        return true;
    for (size_t i = 0; i < a->n_changes; i++) {
        const struct pk_change *c = &a->changes[i];
        if (!(pk_traits_of(traits, c->path) & PK_NO_CHANGE))
            continue;
        may = false;
        struct pk_diag *d = pk_diag(m->diags, PK_SEVERITY_ERROR, "plan.no-change", c->span,
                                    "%s of %s cannot be changed", c->path, a->key);
        pk_diag_address(m->diags, d, "%s", a->key);
        const char *cause = json_string_value(json_object_get(c->after, "$ref"));
        if (c->after_unknown && cause)
            pk_diag_detail(m->diags, d, "it changes because %s is replaced", cause);
        pk_diag_help(m->diags, d,
                     "put the old value back, or make the resource anew with --allow-replace=%s",
                     a->key);
    }
    return may;
}

/* --- replacement --- */

static bool must_delete_first(const struct pk_action *a, const struct pk_type_traits *traits) {
    if (strcmp(a->prior->type, a->type) != 0)
        return false; /* names of two types do not meet */
    if (traits && traits->delete_first)
        return true;
    for (size_t i = 0; i < a->n_changes; i++)
        if (a->changes[i].replaces && (pk_traits_of(traits, a->changes[i].path) & PK_DELETE_FIRST))
            return true;
    return false;
}

/* Does the new one want the name that the old one has? */
static bool same_name(const struct pk_action *a, const struct pk_type_traits *traits) {
    return traits && traits->named && a->desired->name && strcmp(a->prior->type, a->type) == 0 &&
           pk_streq(a->desired->name, a->prior->name);
}

static void decide_order(struct pk_maker *m, struct pk_action *a,
                         const struct pk_type_traits *traits) {
    a->create_first = !must_delete_first(a, traits);
    if (a->create_first && same_name(a, traits)) {
        /* Another name is possible only when it is not the user's and has not been tried. */
        if (a->desired->name_explicit || a->desired->generation > a->prior->generation)
            a->create_first = false;
        else
            pk_vec_push(&m->plan->bump, (void *)(uintptr_t)a->key);
    }
    struct pk_action *removal =
        pk_maker_action(m, PK_ACTION_DELETE_DEPOSED, a->key, a->prior->type);
    removal->prior = a->prior;
    removal->data_loss = a->data_loss;
    removal->deposed_id =
        a->create_first ? pk_arena_strdup(m->plan->arena, a->prior->physical_id) : NULL;
    removal->reason = a->create_first ? "replaced by a new one" : "makes room for its successor";
}

static bool wants_replace(const struct pk_maker *m, const struct pk_action *a,
                          const struct pk_type_traits *traits) {
    const struct pk_plan_options *o = &m->input->options;
    bool any = pk_listed(o->replace, o->n_replace, a->key);
    for (size_t i = 0; i < a->n_changes; i++)
        any = any || a->changes[i].replaces ||
              (traits && traits->replace_only && !pk_change_is_policy(&a->changes[i]));
    return any;
}

/* --- the decision --- */

static const char *resume_reason(struct pk_maker *m, const struct pk_state_resource *s) {
    if (s->pending)
        return pk_arena_printf(m->plan->arena, "an earlier run was interrupted during its %s",
                               s->pending->op ? s->pending->op : "operation");
    if (s->last_error)
        return pk_arena_printf(m->plan->arena, "%s since: %s", pk_status_text(s->status),
                               s->last_error);
    return pk_arena_printf(m->plan->arena, "its status is %s", pk_status_text(s->status));
}

static bool open_create(const struct pk_state_resource *s) {
    return s->pending && pk_streq(s->pending->op, "create");
}

static enum pk_action_kind kind_of_existing(struct pk_maker *m, struct pk_action *a,
                                            const struct pk_type_traits *traits) {
    const struct pk_state_resource *s = a->prior;
    /* An open create is looked at first: what its dependencies became may not be known yet. */
    if (open_create(s))
        return PK_ACTION_RESUME;
    if (s->physical_id && wants_replace(m, a, traits))
        return PK_ACTION_REPLACE;
    if (!s->physical_id || s->pending || s->status != PK_STATUS_READY)
        return PK_ACTION_RESUME;
    return a->n_changes > 0 || a->desired->force_update ? PK_ACTION_UPDATE : PK_ACTION_NOOP;
}

static void diff_action(struct pk_maker *m, struct pk_action *a,
                        const struct pk_type_traits *traits) {
    json_t *properties = pk_token_resolve(a->desired->properties, pk_maker_resolve, m);
    struct pk_diff_input in = {a->desired, properties, a->prior, a->live, traits};
    a->changes = pk_plan_diff(m->plan->arena, &in, &a->n_changes);
    json_decref(properties);
}

static void remove_deposed(struct pk_maker *m, const struct pk_state_resource *s, const char *key) {
    size_t i;
    json_t *entry;
    json_array_foreach(s->deposed, i, entry) {
        const char *id = pk_json_str(entry, "physicalId", NULL);
        struct pk_action *a =
            pk_maker_action(m, PK_ACTION_DELETE_DEPOSED, key, pk_json_str(entry, "type", s->type));
        a->prior = s;
        a->deposed_id = pk_arena_strdup(m->plan->arena, id);
        a->data_loss = pk_json_bool(entry, "stateful", false);
        a->reason = "left over from an interrupted replacement";
    }
}

static void decide_existing(struct pk_maker *m, struct pk_action *a,
                            const struct pk_state_resource *s) {
    const struct pk_type_traits *traits = pk_maker_traits(m, a->type);
    json_t *live = m->input->live ? pk_map_get(m->input->live, s->key) : NULL;
    a->prior = s;
    a->live = json_is_object(live) ? live : NULL;
    if ((!s->physical_id && !open_create(s)) || (json_is_null(live) && !open_create(s))) {
        a->missing = json_is_null(live);
        a->reason = a->missing ? "it is gone from AWS" : "its predecessor was deleted";
        return;
    }
    if (s->physical_id)
        diff_action(m, a, traits);
    a->kind = kind_of_existing(m, a, traits);
    a->allow_replace =
        !(s->stateful || a->desired->stateful) ||
        pk_listed(m->input->options.allow_replace, m->input->options.n_allow_replace, a->key);
    a->reason = a->kind == PK_ACTION_RESUME    ? resume_reason(m, s)
                : a->n_changes > 0             ? change_reason(m, a)
                : a->kind == PK_ACTION_REPLACE ? "asked for with --replace"
                : a->kind == PK_ACTION_UPDATE  ? "asked for with --redeploy"
                                               : NULL;
    bool may = check_no_change(m, a, traits);
    if (a->kind == PK_ACTION_REPLACE) {
        if (may)
            check_replace(m, a);
        decide_order(m, a, traits);
    }
}

void pk_maker_decide(struct pk_maker *m, struct pk_resource *r) {
    const struct pk_state_resource *s = pk_map_get(m->priors, r->key);
    bool selected = pk_map_has(m->selected, r->key);
    if (!selected && !s)
        return; /* neither there nor wanted now */
    struct pk_action *a =
        pk_maker_action(m, selected ? PK_ACTION_CREATE : PK_ACTION_NOOP, r->key, r->type);
    a->desired = r;
    a->allow_replace = !r->stateful;
    if (!selected) {
        a->prior = s;
        a->outside = true;
        a->reason = "not selected";
        return;
    }
    a->reason = "new";
    if (s) {
        decide_existing(m, a, s);
        remove_deposed(m, s, a->key);
    }
}

void pk_maker_decide_gone(struct pk_maker *m, const struct pk_state_resource *s) {
    if (!pk_map_has(m->selected, s->key))
        return;
    bool live = pk_state_is_live(s), kept = s->retain_on_delete && live;
    struct pk_action *a =
        pk_maker_action(m, kept ? PK_ACTION_FORGET : PK_ACTION_DELETE, s->key, s->type);
    a->prior = s;
    a->missing = m->input->live && json_is_null((json_t *)pk_map_get(m->input->live, s->key));
    a->data_loss = s->stateful && !kept && live;
    a->reason = kept                        ? "retainOnDelete: it stays in AWS"
                : !live                     ? "nothing of it exists"
                : m->input->options.destroy ? "the stack is destroyed"
                                            : "not in the configuration any more";
    if (kept)
        return;
    remove_deposed(m, s, s->key);
    if (!s->protect || !live || a->missing)
        return;
    struct pk_diag *d = pk_diag(m->diags, PK_SEVERITY_ERROR, "plan.protected", (struct pk_span){0},
                                "%s is protected and would be deleted", s->key);
    pk_diag_address(m->diags, d, "%s", s->key);
    pk_diag_detail(m->diags, d, "%s", a->reason);
    pk_diag_help(m->diags, d,
                 "set `deletionProtection: false`, run `panka apply`, then delete it; or `panka "
                 "destroy --disable-protection`");
}
