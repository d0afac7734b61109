#include "ui/plan_view.h"

#include "ui/ui_internal.h"
#include "json/json.h"

#include <stdlib.h>
#include <string.h>

#define MAX_VALUE_COLUMNS 60

/* The actions of one component, or of one stack-scoped resource. */
struct group {
    const char *name, *kind, *service;
    enum pk_action_kind kind_of_change;
    bool data_loss, decided;
    size_t n_resources, n_changes;
    struct pk_vec actions;
};

struct groups {
    struct pk_arena *arena;
    struct pk_map *by_name;
    struct pk_vec list;
};

/* Dangerous first: what destroys, what replaces, what changes, what creates. */
static int danger(enum pk_action_kind kind) {
    switch (kind) {
    case PK_ACTION_DELETE:
        return 0;
    case PK_ACTION_REPLACE:
        return 1;
    case PK_ACTION_FORGET:
        return 2;
    case PK_ACTION_DELETE_DEPOSED:
        return 3;
    case PK_ACTION_RESUME:
        return 4;
    case PK_ACTION_UPDATE:
        return 5;
    case PK_ACTION_CREATE:
        return 6;
    case PK_ACTION_NOOP:
        return 7;
    }
    return 7;
}

static int compare_groups(const void *a, const void *b) {
    const struct group *x = a, *y = b;
    if (x->data_loss != y->data_loss)
        return x->data_loss ? -1 : 1;
    int by_danger = danger(x->kind_of_change) - danger(y->kind_of_change);
    return by_danger ? by_danger : strcmp(x->name, y->name);
}

static const char *text_or(const char *text, const char *fallback) {
    return text && *text ? text : fallback;
}

static void identify(const struct pk_action *a, const char **component, const char **kind,
                     const char **service) {
    const struct pk_resource *r = a->desired;
    const struct pk_state_resource *s = a->prior;
    *component = text_or(r ? r->component : s->component, NULL);
    *kind = text_or(r ? r->kind : s->kind, "");
    *service = text_or(r ? r->service : s->service, "");
}

/* A component that is made anew has many creates; one of its resources deleted does not make it a
 * deletion. */
static enum pk_action_kind mix(enum pk_action_kind a, enum pk_action_kind b) {
    if (a == PK_ACTION_NOOP)
        return b;
    if (b == PK_ACTION_NOOP || a == b)
        return a;
    bool goes = (a == PK_ACTION_DELETE || a == PK_ACTION_FORGET) &&
                (b == PK_ACTION_DELETE || b == PK_ACTION_FORGET);
    return goes ? PK_ACTION_DELETE : PK_ACTION_UPDATE;
}

static struct groups *group_actions(struct pk_arena *arena, const struct pk_plan *plan) {
    struct groups *g = pk_arena_alloc(arena, sizeof(*g));
    g->arena = arena;
    g->by_name = pk_map_new();
    for (size_t i = 0; i < plan->actions.len; i++) {
        const struct pk_action *a = plan->actions.items[i];
        const char *component, *kind, *service;
        identify(a, &component, &kind, &service);
        const char *name = component ? pk_arena_printf(arena, "%s/%s", service, component) : a->key;
        struct group *group = pk_map_get(g->by_name, name);
        if (!group) {
            group = pk_arena_alloc(arena, sizeof(*group));
            group->name = component ? component : a->key;
            group->kind = component ? kind : a->type;
            group->service = service;
            pk_map_set(g->by_name, name, group);
            pk_vec_push(&g->list, group);
        }
        pk_vec_push(&group->actions, (void *)(uintptr_t)a);
        group->n_resources++;
        if (a->kind == PK_ACTION_NOOP)
            continue;
        /* The primary resource decides whether its component comes, goes or is replaced; a new
         * revision of a supporting one is a change of the component. */
        bool decides = !component || !strchr(a->key, ':');
        enum pk_action_kind shown =
            !decides && a->kind == PK_ACTION_REPLACE ? PK_ACTION_UPDATE : a->kind;
        if (decides && (a->kind == PK_ACTION_CREATE || a->kind == PK_ACTION_DELETE ||
                        a->kind == PK_ACTION_REPLACE)) {
            group->kind_of_change = a->kind;
            group->decided = true;
        } else if (!group->decided) {
            group->kind_of_change = mix(group->kind_of_change, shown);
        }
        group->data_loss = group->data_loss || a->data_loss;
        group->n_changes++;
    }
    pk_vec_sort(&g->list, compare_groups);
    return g;
}

static void groups_release(struct groups *g) {
    for (size_t i = 0; i < g->list.len; i++)
        pk_vec_release(&((struct group *)g->list.items[i])->actions);
    pk_vec_release(&g->list);
    pk_map_free(g->by_name);
}

static enum pk_style style_of(enum pk_action_kind kind) {
    int d = danger(kind);
    return d <= 1 ? PK_STYLE_BAD : d <= 5 ? PK_STYLE_WARN : d == 6 ? PK_STYLE_GOOD : PK_STYLE_DIM;
}

static char *short_value(const struct pk_ui *ui, const json_t *value, bool unknown) {
    if (unknown)
        return pk_strdup("(known after apply)");
    if (!value)
        return pk_strdup("(none)");
    char *text PK_CLEANUP(pk_freep) = json_is_string(value)
                                          ? pk_asprintf("\"%s\"", json_string_value(value))
                                          : pk_json_canonical(value);
    char *shown PK_CLEANUP(pk_freep) = pk_text_visible(text);
    for (char *p = shown; *p; p++)
        if (*p == '\n')
            *p = ' ';
    return pk_ui_cut(ui, shown, MAX_VALUE_COLUMNS);
}

static char *place_text(struct pk_span span) {
    return span.src ? pk_asprintf("%s:%u", span.src->path, span.line) : NULL;
}

static const char *arrow(const struct pk_ui *ui) {
    return ui->unicode ? "→" : "->";
}

/* The one difference worth saying on the component's line: what replaces the component itself, else
 * a value that can be shown, else the first of the primary resource. */
static const struct pk_change *telling_change(const struct group *g,
                                              const struct pk_action **ret_action) {
    for (int pass = 0; pass < 4; pass++)
        for (size_t i = 0; i < g->actions.len; i++) {
            const struct pk_action *a = g->actions.items[i];
            bool primary = !strchr(a->key, ':');
            if (a->kind != PK_ACTION_UPDATE && a->kind != PK_ACTION_REPLACE)
                continue;
            for (size_t c = 0; c < a->n_changes; c++) {
                const struct pk_change *change = &a->changes[c];
                bool shows = change->after && !change->after_unknown && !change->sensitive;
                bool fits = pass == 0   ? primary && change->replaces
                            : pass == 1 ? primary && shows
                            : pass == 2 ? shows
                                        : true;
                if (fits) {
                    *ret_action = a;
                    return change;
                }
            }
        }
    return NULL;
}

/* Goes down to the first value that differs:
 * "ContainerDefinitions[0].Environment[LOG_LEVEL].Value". The results are borrowed. */
static void first_leaf(struct pk_buf *path, const json_t **before, const json_t **after) {
    for (int depth = 0; depth < 12; depth++) {
        const json_t *b = *before, *a = *after;
        if (json_is_object(b) && json_is_object(a)) {
            const char *key, *found = NULL;
            json_t *value;
            json_object_foreach((json_t *)(uintptr_t)a, key, value) {
                if (!found && !pk_json_equal(value, json_object_get(b, key)))
                    found = key;
            }
            json_object_foreach((json_t *)(uintptr_t)b, key, value) {
                if (!found && !json_object_get(a, key))
                    found = key;
            }
            if (!found)
                return;
            pk_buf_addf(path, ".%s", found);
            *before = json_object_get(b, found);
            *after = json_object_get(a, found);
        } else if (json_is_array(b) && json_is_array(a) &&
                   json_array_size(a) == json_array_size(b)) {
            size_t i = 0;
            while (i < json_array_size(a) &&
                   pk_json_equal(json_array_get(a, i), json_array_get(b, i)))
                i++;
            if (i == json_array_size(a))
                return;
            const char *name = pk_json_str(json_array_get(a, i), "Name", NULL);
            if (name)
                pk_buf_addf(path, "[%s]", name);
            else
                pk_buf_addf(path, "[%zu]", i);
            *before = json_array_get(b, i);
            *after = json_array_get(a, i);
        } else {
            return;
        }
    }
}

static char *change_text(const struct pk_ui *ui, const struct pk_change *change) {
    struct pk_buf path PK_CLEANUP(pk_buf_release) = PK_BUF_INIT(65536);
    const json_t *b = change->before, *a = change->after;
    pk_buf_addz(&path, change->path);
    if (change->sensitive)
        return pk_asprintf("%s changes", change->path);
    if (!change->after_unknown)
        first_leaf(&path, &b, &a);
    char *before PK_CLEANUP(pk_freep) = short_value(ui, b, false);
    char *after PK_CLEANUP(pk_freep) = short_value(ui, a, change->after_unknown);
    if (json_is_object(a) || json_is_array(a) || json_is_object(b) || json_is_array(b))
        return pk_asprintf("%s changes", pk_buf_cstr(&path));
    return pk_asprintf("%s %s %s %s", pk_buf_cstr(&path), before, arrow(ui), after);
}

static void group_line(struct pk_ui *ui, const struct group *g, int name_width, int kind_width) {
    const struct pk_action *a = NULL;
    const struct pk_change *change = telling_change(g, &a);
    pk_ui_out(ui, "  ");
    pk_ui_out_styled(ui, style_of(g->kind_of_change), "%s ", pk_action_symbol(g->kind_of_change));
    pk_ui_out(ui, "%s%*s  ", g->name, name_width - pk_text_width(g->name), "");
    pk_ui_out_styled(ui, PK_STYLE_DIM, "%s", g->kind);
    if (g->kind_of_change == PK_ACTION_DELETE && g->data_loss)
        pk_ui_out_styled(ui, PK_STYLE_BAD, "%*s  its data is deleted",
                         kind_width - pk_text_width(g->kind), "");
    if (change) {
        char *place PK_CLEANUP(pk_freep) = place_text(change->span);
        pk_ui_out(ui, "%*s  ", kind_width - pk_text_width(g->kind), "");
        if (change->replaces && g->kind_of_change == PK_ACTION_REPLACE)
            pk_ui_out_styled(ui, PK_STYLE_BAD, "replaced: ");
        if (change->drift)
            pk_ui_out_styled(ui, PK_STYLE_WARN, "drifted: ");
        char *line PK_CLEANUP(pk_freep) = change_text(ui, change);
        pk_ui_out(ui, "%s", line);
        size_t more = a->n_changes - 1;
        if (more > 0)
            pk_ui_out_styled(ui, PK_STYLE_DIM, " and %zu more", more);
        if (place)
            pk_ui_out_styled(ui, PK_STYLE_DIM, "  %s", place);
    }
    pk_ui_out(ui, "\n");
}

/* Objects and lists line by line: only what differs. */
static void diff_lines(struct pk_ui *ui, const char *path, const json_t *before,
                       const json_t *after, int depth) {
    if (pk_json_equal(before, after))
        return;
    if (depth < 12 && json_is_object(before) && json_is_object(after)) {
        const char *key;
        json_t *value;
        json_object_foreach((json_t *)(uintptr_t)before, key, value) {
            char *sub PK_CLEANUP(pk_freep) = pk_asprintf("%s.%s", path, key);
            diff_lines(ui, sub, value, json_object_get(after, key), depth + 1);
        }
        json_object_foreach((json_t *)(uintptr_t)after, key, value) {
            char *sub PK_CLEANUP(pk_freep) = pk_asprintf("%s.%s", path, key);
            if (!json_object_get(before, key))
                diff_lines(ui, sub, NULL, value, depth + 1);
        }
        return;
    }
    if (depth < 12 && json_is_array(before) && json_is_array(after) &&
        json_array_size(before) == json_array_size(after)) {
        for (size_t i = 0; i < json_array_size(before); i++) {
            char *sub PK_CLEANUP(pk_freep) = pk_asprintf("%s[%zu]", path, i);
            diff_lines(ui, sub, json_array_get(before, i), json_array_get(after, i), depth + 1);
        }
        return;
    }
    char *b PK_CLEANUP(pk_freep) = short_value(ui, before, false);
    char *a PK_CLEANUP(pk_freep) = short_value(ui, after, after && pk_token_inside(after));
    pk_ui_out(ui, "        %s: ", path);
    if (before) {
        pk_ui_out_styled(ui, PK_STYLE_BAD, "%s", b);
        pk_ui_out(ui, " %s ", arrow(ui));
    }
    pk_ui_out_styled(ui, after ? PK_STYLE_GOOD : PK_STYLE_DIM, "%s", after ? a : "(removed)");
    pk_ui_out(ui, "\n");
}

static void full_action(struct pk_ui *ui, const struct pk_action *a) {
    pk_ui_out(ui, "    ");
    pk_ui_out_styled(ui, style_of(a->kind), "%s %s", pk_action_symbol(a->kind), a->key);
    pk_ui_out_styled(ui, PK_STYLE_DIM, "  %s", a->type);
    if (a->reason)
        pk_ui_out_styled(ui, PK_STYLE_DIM, "  (%s)", a->reason);
    pk_ui_out(ui, "\n");
    for (size_t c = 0; c < a->n_changes; c++) {
        const struct pk_change *change = &a->changes[c];
        if (change->after_unknown || change->sensitive) {
            pk_ui_out(ui, "        %s: %s\n", change->path,
                      change->sensitive ? "(sensitive)" : "(known after apply)");
            continue;
        }
        diff_lines(ui, change->path, change->before, change->after, 0);
    }
    if (a->kind == PK_ACTION_CREATE && a->desired) {
        const char *key;
        json_t *value;
        json_object_foreach(a->desired->properties, key, value) {
            diff_lines(ui, key, NULL, value, 0);
        }
    }
}

struct counts {
    size_t create, change, remove, resources_create, resources_change, resources_remove;
};

static struct counts count(const struct groups *g, const struct pk_plan *plan) {
    struct counts c = {0};
    for (size_t i = 0; i < g->list.len; i++) {
        const struct group *group = g->list.items[i];
        if (group->n_changes == 0 || group->name[0] == '_')
            continue;
        if (group->kind_of_change == PK_ACTION_CREATE)
            c.create++;
        else if (group->kind_of_change == PK_ACTION_DELETE ||
                 group->kind_of_change == PK_ACTION_FORGET)
            c.remove++;
        else
            c.change++;
    }
    c.resources_create = plan->n_create + plan->n_replace;
    c.resources_change = plan->n_update;
    c.resources_remove = plan->n_delete + plan->n_forget;
    return c;
}

static char *summary_of(const struct groups *g, const struct pk_plan *plan) {
    struct counts c = count(g, plan);
    return pk_asprintf("%zu %s to create, %zu to change, %zu to remove  (resources: %zu, %zu, %zu)",
                       c.create, c.create == 1 ? "component" : "components", c.change, c.remove,
                       c.resources_create, c.resources_change, c.resources_remove);
}

char *pk_ui_plan_summary(const struct pk_deployment *d) {
    struct pk_arena *arena PK_CLEANUP(pk_arena_freep) = pk_arena_new();
    struct groups *g = group_actions(arena, d->plan);
    char *text = summary_of(g, d->plan);
    groups_release(g);
    return text;
}

static void title(struct pk_ui *ui, const struct pk_deployment *d) {
    const char *verb = d->options.destroy ? "Destroying"
                       : d->options.lock  ? "Deploying"
                                          : "Plan for";
    if (d->network_of) {
        pk_ui_out_styled(ui, PK_STYLE_BOLD, "Network of tenant %s\n", d->tenant);
    } else {
        pk_ui_out_styled(ui, PK_STYLE_BOLD, "%s %s", verb, d->stack);
        pk_ui_out(ui, " %s ", d->options.destroy ? "in" : d->options.lock ? "to" : "in");
        pk_ui_out_styled(ui, PK_STYLE_BOLD, "%s\n", d->environment);
    }
    const char *dot = ui->unicode ? " · " : ", ";
    pk_ui_out(ui, "  ");
    if (d->tenant && !d->network_of)
        pk_ui_out_styled(ui, PK_STYLE_DIM, "tenant %s%s", d->tenant, dot);
    pk_ui_out_styled(ui, PK_STYLE_DIM, "account %s%s%s\n\n", d->account_id, dot,
                     *d->region ? d->region : "no region yet");
}

static void services(struct pk_ui *ui, const struct pk_deployment *d) {
    if (!d->project || d->options.destroy)
        return;
    size_t n = d->project->services.len;
    pk_ui_out(ui, "Services: %zu\n", n);
    for (size_t i = 0; i < n; i++) {
        const struct pk_service *s = d->project->services.items[i];
        const char *branch = ui->unicode ? (i + 1 < n ? "├──" : "└──") : "-";
        pk_ui_out(ui, "  %s %s (%zu %s)\n", branch, s->name, s->components.len,
                  s->components.len == 1 ? "component" : "components");
    }
    pk_ui_out(ui, "\n");
}

static void outputs_diff(struct pk_ui *ui, const struct pk_plan *plan) {
    bool first = true;
    const char *key;
    json_t *value;
    json_object_foreach(plan->outputs_after, key, value) {
        json_t *before = json_object_get(plan->outputs_before, key);
        if (!before || pk_json_equal(before, value) || pk_token_inside(value))
            continue;
        if (first)
            pk_ui_out(ui, "\nOutputs that change:\n");
        first = false;
        diff_lines(ui, key, before, value, 0);
    }
}

static void human(struct pk_ui *ui, const struct pk_deployment *d, bool full,
                  const char *saved_to) {
    struct pk_arena *arena PK_CLEANUP(pk_arena_freep) = pk_arena_new();
    struct groups *g = group_actions(arena, d->plan);
    title(ui, d);
    if (!pk_plan_has_changes(d->plan)) {
        pk_ui_out_styled(ui, PK_STYLE_GOOD, ui->unicode ? "✓ " : "");
        pk_ui_out(ui, "Nothing to do: %zu resources are as described.\n", d->plan->n_noop);
        groups_release(g);
        return;
    }
    services(ui, d);
    char *summary PK_CLEANUP(pk_freep) = summary_of(g, d->plan);
    pk_ui_out_styled(ui, PK_STYLE_BOLD, "Plan: ");
    pk_ui_out(ui, "%s\n\n", summary);
    int name_width = 0, kind_width = 0;
    for (size_t i = 0; i < g->list.len; i++) {
        const struct group *group = g->list.items[i];
        if (group->n_changes == 0)
            continue;
        int nw = pk_text_width(group->name), kw = pk_text_width(group->kind);
        name_width = nw > name_width ? nw : name_width;
        kind_width = kw > kind_width ? kw : kind_width;
    }
    for (size_t i = 0; i < g->list.len; i++) {
        const struct group *group = g->list.items[i];
        if (group->n_changes == 0)
            continue;
        group_line(ui, group, name_width, kind_width);
        for (size_t a = 0; full && a < group->actions.len; a++)
            if (((struct pk_action *)group->actions.items[a])->kind != PK_ACTION_NOOP)
                full_action(ui, group->actions.items[a]);
    }
    outputs_diff(ui, d->plan);
    if (saved_to)
        pk_ui_out(ui, "\nSaved to %s. Run it with:\n  panka apply %s\n", saved_to, saved_to);
    groups_release(g);
}

static void markdown(struct pk_ui *ui, const struct pk_deployment *d) {
    struct pk_arena *arena PK_CLEANUP(pk_arena_freep) = pk_arena_new();
    struct groups *g = group_actions(arena, d->plan);
    pk_ui_out(ui, "### panka plan: %s (%s)\n\n", d->stack, d->environment);
    if (!pk_plan_has_changes(d->plan)) {
        pk_ui_out(ui, "Nothing to do: %zu resources are as described.\n", d->plan->n_noop);
        groups_release(g);
        return;
    }
    char *summary PK_CLEANUP(pk_freep) = summary_of(g, d->plan);
    pk_ui_out(ui, "%s\n\n| | component | kind | change |\n| --- | --- | --- | --- |\n", summary);
    for (size_t i = 0; i < g->list.len; i++) {
        const struct group *group = g->list.items[i];
        if (group->n_changes == 0)
            continue;
        const struct pk_action *a = NULL;
        const struct pk_change *change = telling_change(group, &a);
        char *place PK_CLEANUP(pk_freep) = change ? place_text(change->span) : NULL;
        pk_ui_out(ui, "| `%s` | %s | %s | %s%s%s%s |\n", pk_action_symbol(group->kind_of_change),
                  group->name, group->kind, change && change->replaces ? "**replaced** by " : "",
                  change ? change->path : "", place ? " in " : "", place ? place : "");
    }
    groups_release(g);
}

static json_t *change_json(const struct pk_change *c) {
    json_t *o = json_object();
    pk_json_put_str(o, "path", c->path);
    if (c->sensitive) {
        pk_json_put_bool(o, "sensitive", true);
    } else {
        json_object_set(o, "before", c->before ? c->before : json_null());
        if (c->after_unknown)
            pk_json_put_bool(o, "afterUnknown", true);
        else
            json_object_set(o, "after", c->after ? c->after : json_null());
    }
    if (c->replaces)
        pk_json_put_bool(o, "replaces", true);
    if (c->drift)
        pk_json_put_bool(o, "drift", true);
    if (c->span.src) {
        pk_json_put_str(o, "file", c->span.src->path);
        pk_json_put_int(o, "line", c->span.line);
        pk_json_put_int(o, "column", c->span.column);
    }
    return o;
}

static json_t *action_json(const struct pk_action *a) {
    json_t *o = json_object();
    const char *component, *kind, *service;
    identify(a, &component, &kind, &service);
    pk_json_put_str(o, "key", a->key);
    pk_json_put_str(o, "type", a->type);
    pk_json_put_str(o, "action", pk_action_text(a->kind));
    pk_json_put_str(o, "service", *service ? service : NULL);
    pk_json_put_str(o, "component", component);
    pk_json_put_str(o, "kind", *kind ? kind : NULL);
    pk_json_put_str(o, "reason", a->reason);
    if (a->kind == PK_ACTION_REPLACE)
        pk_json_put_str(o, "order", a->create_first ? "create-first" : "delete-first");
    if (a->data_loss)
        pk_json_put_bool(o, "dataLoss", true);
    json_t *changes = json_array();
    for (size_t i = 0; i < a->n_changes; i++)
        json_array_append_new(changes, change_json(&a->changes[i]));
    json_object_set_new(o, "changes", changes);
    return o;
}

json_t *pk_ui_plan_json(const struct pk_deployment *d, const struct pk_diags *diags) {
    json_t *o = json_object();
    pk_json_put_int(o, "formatVersion", 1);
    pk_json_put_str(o, "stack", d->stack);
    pk_json_put_str(o, "environment", d->environment);
    pk_json_put_str(o, "tenant", d->tenant);
    pk_json_put_str(o, "accountId", d->account_id);
    pk_json_put_str(o, "region", d->region);
    pk_json_put_int(o, "serial", d->state ? d->state->serial : 0);
    if (d->plan) {
        const struct pk_plan *p = d->plan;
        pk_json_put_bool(o, "changes", pk_plan_has_changes(p));
        pk_json_put_int(o, "summary.create", (int64_t)p->n_create);
        pk_json_put_int(o, "summary.update", (int64_t)p->n_update);
        pk_json_put_int(o, "summary.replace", (int64_t)p->n_replace);
        pk_json_put_int(o, "summary.delete", (int64_t)p->n_delete);
        pk_json_put_int(o, "summary.forget", (int64_t)p->n_forget);
        pk_json_put_int(o, "summary.unchanged", (int64_t)p->n_noop);
        json_t *actions = json_array();
        for (size_t i = 0; i < p->actions.len; i++) {
            const struct pk_action *a = p->actions.items[i];
            if (a->kind != PK_ACTION_NOOP)
                json_array_append_new(actions, action_json(a));
        }
        json_object_set_new(o, "actions", actions);
    }
    json_t *found = pk_ui_diags_json(diags);
    json_object_set(o, "diagnostics", json_object_get(found, "diagnostics"));
    json_decref(found);
    return o;
}

void pk_ui_plan(struct pk_ui *ui, const struct pk_deployment *d, bool full, const char *saved_to) {
    switch (ui->config.format) {
    case PK_FORMAT_HUMAN:
        human(ui, d, full, saved_to);
        break;
    case PK_FORMAT_MARKDOWN:
        markdown(ui, d);
        break;
    case PK_FORMAT_JSON:
        break; /* the caller prints the document with its diagnostics */
    }
    pk_ui_flush(ui);
}
