/* status, outputs. */
#include "cli/commands.h"

#include "base/fs.h"
#include "cli/common.h"
#include "json/json.h"

#include <stdlib.h>
#include <string.h>

struct look_args {
    struct pk_stack_args at;
    const char *name;
};

/* clang-format off */
static const struct pk_option look_options[] = {
    PK_STACK_OPTIONS(struct look_args, at),
    {0},
};
static const struct pk_positional status_positionals[] = {
    PK_STACK_POSITIONAL(struct look_args, at), {0},
};
static const struct pk_positional outputs_positionals[] = {
    {"NAME", offsetof(struct look_args, name), false, false, "only this output, as bare text"}, {0},
};
/* clang-format on */

struct component_status {
    const char *service, *name, *kind;
    enum pk_status status;
    size_t resources, unfinished;
    const char *id;
    const char *error;
    const char *updated;
};

static const char *text_or(const char *text, const char *fallback) {
    return text && *text ? text : fallback;
}

static struct pk_vec collect(struct pk_arena *arena, const struct pk_state *state) {
    struct pk_vec list = PK_VEC_INIT;
    struct pk_map *by_name PK_CLEANUP(pk_map_freep) = pk_map_new();
    size_t cursor = 0;
    const char *key;
    void *value;
    while (pk_map_next(state->resources, &cursor, &key, &value)) {
        const struct pk_state_resource *r = value;
        const char *name = pk_arena_printf(arena, "%s/%s", r->service, text_or(r->component, key));
        struct component_status *c = pk_map_get(by_name, name);
        if (!c) {
            c = pk_arena_alloc(arena, sizeof(*c));
            *c = (struct component_status){.service = text_or(r->service, "-"),
                                           .name = text_or(r->component, key),
                                           .kind = text_or(r->kind, r->type),
                                           .status = PK_STATUS_READY};
            pk_map_set(by_name, name, c);
            pk_vec_push(&list, c);
        }
        c->resources++;
        if (r->status != PK_STATUS_READY) {
            c->unfinished++;
            c->status = r->status;
        }
        if (r->last_error && !c->error)
            c->error = r->last_error;
        if (!*r->sub || !*r->component)
            c->id = text_or(r->name, r->physical_id);
        if (r->updated_at && (!c->updated || strcmp(c->updated, r->updated_at) < 0))
            c->updated = r->updated_at;
    }
    return list;
}

static json_t *status_json(const struct pk_state *state, const struct pk_vec *list) {
    json_t *o = json_object(), *components = json_array();
    json_object_set(o, "metadata", state->metadata);
    pk_json_put_int(o, "serial", state->serial);
    pk_json_put_int(o, "resources", (int64_t)pk_map_len(state->resources));
    json_object_set(o, "deployment", state->deployment);
    for (size_t i = 0; i < list->len; i++) {
        const struct component_status *c = list->items[i];
        json_t *item = json_object();
        pk_json_put_str(item, "service", c->service);
        pk_json_put_str(item, "component", c->name);
        pk_json_put_str(item, "kind", c->kind);
        pk_json_put_str(item, "status", pk_status_text(c->status));
        pk_json_put_int(item, "resources", (int64_t)c->resources);
        pk_json_put_str(item, "name", c->id);
        pk_json_put_str(item, "updatedAt", c->updated);
        pk_json_put_str(item, "error", c->error);
        json_array_append_new(components, item);
    }
    json_object_set_new(o, "components", components);
    return o;
}

static void status_human(struct pk_app *app, struct pk_context *context,
                         const struct pk_state *state, const struct pk_vec *list) {
    struct pk_ui *ui = app->ui;
    const json_t *m = state->metadata;
    const char *status = pk_json_str(m, "status", "unknown");
    char *age PK_CLEANUP(pk_freep) = pk_age_text(pk_json_str(m, "deployedAt", NULL));
    pk_ui_out_styled(ui, PK_STYLE_BOLD, "%s", pk_json_str(m, "stack", ""));
    pk_ui_out(ui, " in ");
    pk_ui_out_styled(ui, PK_STYLE_BOLD, "%s", pk_json_str(m, "environment", ""));
    pk_ui_out(ui, ": ");
    pk_ui_out_styled(ui, pk_streq(status, "ready") ? PK_STYLE_GOOD : PK_STYLE_WARN, "%s\n", status);
    const char *dot = pk_ui_unicode(ui) ? " · " : ", ";
    pk_ui_out(ui, "  %s%saccount %s%s%s%sserial %lld\n",
              context->tenant ? context->tenant : "single-tenant", dot,
              pk_json_str(m, "accountId", "?"), dot, pk_json_str(m, "region", "?"), dot,
              (long long)state->serial);
    pk_ui_out(ui, "  %s %s by %s (%s)\n\n",
              pk_streq(status, "destroyed") ? "destroyed" : "deployed", age,
              pk_json_str(m, "deployedBy", "?"), pk_json_str(m, "deploymentId", "?"));
    struct pk_arena *arena PK_CLEANUP(pk_arena_freep) = pk_arena_new();
    static const char *const headers[] = {"SERVICE", "COMPONENT", "KIND",
                                          "STATUS",  "RESOURCES", "NAME"};
    const char **rows = pk_arena_array(arena, list->len * PK_ARRAY_LEN(headers) + 1, sizeof(*rows));
    for (size_t i = 0; i < list->len; i++) {
        const struct component_status *c = list->items[i];
        const char **row = rows + i * PK_ARRAY_LEN(headers);
        row[0] = c->service;
        row[1] = c->name;
        row[2] = c->kind;
        row[3] = pk_status_text(c->status);
        row[4] = pk_arena_printf(arena, "%zu", c->resources);
        row[5] = c->id;
    }
    if (list->len > 0)
        pk_ui_table(ui, headers, PK_ARRAY_LEN(headers), rows, list->len);
    else
        pk_ui_out(ui, "Nothing is deployed.\n");
    for (size_t i = 0; i < list->len; i++) {
        const struct component_status *c = list->items[i];
        if (c->error)
            pk_ui_out_styled(ui, PK_STYLE_BAD, "\n%s: %s\n", c->name, c->error);
    }
}

static int run_status(struct pk_app *app, const void *args, struct pk_error **err) {
    const struct look_args *a = args;
    struct pk_stack_inputs inputs PK_CLEANUP(pk_stack_inputs_release) = {0};
    struct pk_context *context PK_CLEANUP(pk_context_closep) = NULL;
    struct pk_state *state PK_CLEANUP(pk_state_freep) = NULL;
    if (!pk_stack_inputs(app, &a->at, &inputs, err) ||
        !pk_app_context(app, inputs.dir, a->at.tenant_config, true, &context, err) ||
        !pk_app_state(app, context, &inputs, NULL, &state, NULL, err))
        return -1;
    struct pk_arena *arena PK_CLEANUP(pk_arena_freep) = pk_arena_new();
    struct pk_vec list PK_CLEANUP(pk_vec_release) = collect(arena, state);
    if (pk_ui_format(app->ui) == PK_FORMAT_JSON) {
        json_t *json = status_json(state, &list);
        pk_ui_json(app->ui, json);
        json_decref(json);
    } else {
        status_human(app, context, state, &list);
    }
    return 0;
}

static int one_output(struct pk_app *app, const struct pk_state *state, const char *name,
                      struct pk_error **err) {
    json_t *value = json_object_get(state->outputs, name);
    if (!value) {
        const char *names[1000], *near[3];
        size_t n = 0;
        const char *key;
        json_t *other;
        json_object_foreach(state->outputs, key, other) {
            if (n < PK_ARRAY_LEN(names))
                names[n++] = key;
        }
        pk_fail(err, PK_E_NOT_FOUND, "there is no output \"%s\"", name);
        if (pk_suggest(name, names, n, near, 1))
            pk_error_hint(err, "did you mean %s?", near[0]);
        else
            pk_error_hint(err, "`panka outputs` lists them");
        return -1;
    }
    if (pk_ui_format(app->ui) == PK_FORMAT_JSON) {
        pk_ui_json(app->ui, value);
        return 0;
    }
    char *text PK_CLEANUP(pk_freep) =
        json_is_string(value) ? pk_strdup(json_string_value(value)) : pk_json_canonical(value);
    pk_ui_out(app->ui, "%s\n", text);
    return 0;
}

static int run_outputs(struct pk_app *app, const void *args, struct pk_error **err) {
    const struct look_args *a = args;
    struct pk_stack_inputs inputs PK_CLEANUP(pk_stack_inputs_release) = {0};
    struct pk_context *context PK_CLEANUP(pk_context_closep) = NULL;
    struct pk_state *state PK_CLEANUP(pk_state_freep) = NULL;
    /* `panka outputs FOLDER` is what the other commands have taught people. */
    struct look_args adjusted = *a;
    if (a->name && (strchr(a->name, '/') || pk_is_dir(a->name))) {
        adjusted.at.folder = a->name;
        adjusted.name = NULL;
    }
    if (!pk_stack_inputs(app, &adjusted.at, &inputs, err) ||
        !pk_app_context(app, inputs.dir, a->at.tenant_config, true, &context, err) ||
        !pk_app_state(app, context, &inputs, NULL, &state, NULL, err))
        return -1;
    if (adjusted.name)
        return one_output(app, state, adjusted.name, err);
    if (pk_ui_format(app->ui) == PK_FORMAT_JSON) {
        pk_ui_json(app->ui, state->outputs);
        return 0;
    }
    size_t width = 0;
    const char *key;
    json_t *value;
    json_object_foreach(state->outputs, key, value) {
        width = strlen(key) > width ? strlen(key) : width;
    }
    json_object_foreach(state->outputs, key, value) {
        char *text PK_CLEANUP(pk_freep) =
            json_is_string(value) ? pk_strdup(json_string_value(value)) : pk_json_canonical(value);
        pk_ui_out(app->ui, "%-*s = %s\n", (int)width, key, text);
    }
    return 0;
}

static const char *const status_examples[] = {"panka status", "panka status -e staging --json",
                                              NULL};
static const char *const outputs_examples[] = {"panka outputs", "panka outputs api-db.endpoint",
                                               "panka outputs --json", NULL};

const struct pk_command pk_cmd_status = {
    .path = "status",
    .group = "Look",
    .summary = "Show what is deployed and how it is",
    .options = look_options,
    .positionals = status_positionals,
    .args_size = sizeof(struct look_args),
    .flags = PK_CMD_NEEDS_STATE,
    .examples = status_examples,
    .formats = "human|json",
    .run = run_status,
};
const struct pk_command pk_cmd_outputs = {
    .path = "outputs",
    .group = "Look",
    .summary = "Show endpoints, names and ARNs of what is deployed",
    .options = look_options,
    .positionals = outputs_positionals,
    .args_size = sizeof(struct look_args),
    .flags = PK_CMD_NEEDS_STATE,
    .examples = outputs_examples,
    .formats = "human|json",
    .run = run_outputs,
};
