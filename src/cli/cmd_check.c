/* validate, graph. */
#include "cli/commands.h"

#include "cli/common.h"
#include "component/kind.h"
#include "json/json.h"

#include <stdlib.h>
#include <string.h>

struct check_args {
    struct pk_stack_args at;
    bool resources;
};

/* clang-format off */
static const struct pk_option validate_options[] = {
    PK_STACK_OPTIONS(struct check_args, at),
    {0},
};
static const struct pk_option graph_options[] = {
    PK_STACK_OPTIONS(struct check_args, at),
    {"resources", 0, PK_OPT_FLAG, offsetof(struct check_args, resources), NULL, NULL, 0, 0, "AWS resources instead of components", false, false},
    {0},
};
static const struct pk_positional positionals[] = {
    PK_STACK_POSITIONAL(struct check_args, at), {0},
};
/* clang-format on */

/* What expansion needs, as far as it is known without AWS. */
static struct pk_graph *expand_offline(struct pk_context *context, struct pk_project *project,
                                       struct pk_diags *diags) {
    const char *region = project->region && *project->region ? project->region : "us-east-1";
    const char *account =
        project->account_id && *project->account_id ? project->account_id : "000000000000";
    struct pk_expand_env env = {
        .project = project,
        .region = region,
        .account_id = account,
        .partition = pk_aws_partition(region),
        .dns_suffix = pk_aws_dns_suffix(region),
        .networking = project->tenant_config ? project->tenant_config->networking : NULL,
    };
    (void)context;
    return pk_expand(&env, diags);
}

static int run_validate(struct pk_app *app, const void *args, struct pk_error **err) {
    const struct check_args *a = args;
    struct pk_stack_inputs inputs PK_CLEANUP(pk_stack_inputs_release) = {0};
    struct pk_context *context PK_CLEANUP(pk_context_closep) = NULL;
    struct pk_diags *diags PK_CLEANUP(pk_diags_freep) = pk_diags_new();
    if (!pk_stack_inputs(app, &a->at, &inputs, err) ||
        !pk_app_context(app, inputs.dir, a->at.tenant_config, true, &context, err))
        return -1;
    struct pk_project *project PK_CLEANUP(pk_project_freep) = NULL;
    struct pk_error *stopped PK_CLEANUP(pk_error_freep) = NULL;
    if (!pk_app_project(app, context, &inputs, diags, &project, &stopped)) {
        if (stopped->code != PK_E_CONFIG) {
            *err = pk_steal(&stopped);
            return -1;
        }
        return 65; /* the findings have been shown */
    }
    size_t components = project->components.len;
    /* Expansion brings the cross-field rules; it runs on what could be read, so that all findings
     * come in one run. */
    pk_graph_free(expand_offline(context, project, diags));
    pk_diags_sort(diags);
    pk_ui_diags(app->ui, diags);
    size_t errors = pk_diags_count(diags, PK_SEVERITY_ERROR),
           warnings = pk_diags_count(diags, PK_SEVERITY_WARNING);
    if (errors > 0) {
        pk_ui_note(app->ui, "%zu %s, %zu %s", errors, errors == 1 ? "error" : "errors", warnings,
                   warnings == 1 ? "warning" : "warnings");
        return 65;
    }
    pk_ui_good(app->ui, "Valid: %zu %s%s", components, components == 1 ? "component" : "components",
               warnings ? ", see the warnings above" : "");
    return 0;
}

static struct pk_draw_node *resource_nodes(struct pk_arena *arena, const struct pk_graph *g,
                                           size_t *ret_n) {
    struct pk_draw_node *nodes = pk_arena_array(arena, g->resources.len + 1, sizeof(*nodes));
    for (size_t i = 0; i < g->resources.len; i++) {
        const struct pk_resource *r = g->resources.items[i];
        nodes[i] = (struct pk_draw_node){.id = r->key, .label = r->key, .sublabel = r->type};
        nodes[i].group = r->service && *r->service ? r->service : NULL;
        nodes[i].needs = pk_arena_array(arena, r->edges.len + 1, sizeof(size_t));
        for (size_t e = 0; e < r->edges.len; e++) {
            const struct pk_edge *edge = r->edges.items[e];
            if (!edge->dropped)
                nodes[i].needs[nodes[i].n_needs++] = edge->to->index;
        }
    }
    *ret_n = g->resources.len;
    return nodes;
}

/* Components need each other when any of their resources do. */
static struct pk_draw_node *component_nodes(struct pk_arena *arena, const struct pk_project *p,
                                            const struct pk_graph *g, size_t *ret_n) {
    size_t n = p->components.len;
    struct pk_draw_node *nodes = pk_arena_array(arena, n + 1, sizeof(*nodes));
    struct pk_map *by_address PK_CLEANUP(pk_map_freep) = pk_map_new();
    for (size_t i = 0; i < n; i++) {
        const struct pk_component *c = p->components.items[i];
        nodes[i] = (struct pk_draw_node){
            .id = c->address, .label = c->name, .sublabel = c->kind, .group = c->service->name};
        nodes[i].needs = pk_arena_array(arena, n + 1, sizeof(size_t));
        pk_map_set(by_address, c->address, &nodes[i]);
    }
    for (size_t i = 0; i < g->resources.len; i++) {
        const struct pk_resource *r = g->resources.items[i];
        char *from PK_CLEANUP(pk_freep) = pk_asprintf("%s/%s", r->service, r->component);
        struct pk_draw_node *node = pk_map_get(by_address, from);
        for (size_t e = 0; node && e < r->edges.len; e++) {
            const struct pk_edge *edge = r->edges.items[e];
            char *to PK_CLEANUP(pk_freep) =
                pk_asprintf("%s/%s", edge->to->service, edge->to->component);
            struct pk_draw_node *target = pk_map_get(by_address, to);
            /* The order that services ask for as a whole would draw a line between any two of their
             * components. */
            bool known = !target || target == node || edge->dropped ||
                         pk_streq(edge->why, "Service.dependsOn");
            for (size_t k = 0; !known && k < node->n_needs; k++)
                known = node->needs[k] == (size_t)(target - nodes);
            if (!known)
                node->needs[node->n_needs++] = (size_t)(target - nodes);
        }
    }
    *ret_n = n;
    return nodes;
}

static json_t *graph_json(const struct pk_draw_node *nodes, size_t n) {
    json_t *list = json_array();
    for (size_t i = 0; i < n; i++) {
        json_t *o = json_object(), *needs = json_array();
        pk_json_put_str(o, "id", nodes[i].id);
        pk_json_put_str(o, "label", nodes[i].label);
        pk_json_put_str(o, "kind", nodes[i].sublabel);
        pk_json_put_str(o, "service", nodes[i].group);
        for (size_t k = 0; k < nodes[i].n_needs; k++)
            json_array_append_new(needs, pk_json_text(nodes[nodes[i].needs[k]].id));
        pk_json_sort_strings(needs);
        json_object_set_new(o, "needs", needs);
        json_array_append_new(list, o);
    }
    return json_pack("{s:o}", "nodes", list);
}

static void draw(struct pk_app *app, const struct pk_project *project, const struct pk_graph *graph,
                 bool resources) {
    struct pk_arena *arena PK_CLEANUP(pk_arena_freep) = pk_arena_new();
    size_t n = 0;
    struct pk_draw_node *nodes =
        resources ? resource_nodes(arena, graph, &n) : component_nodes(arena, project, graph, &n);
    if (pk_ui_format(app->ui) == PK_FORMAT_JSON) {
        json_t *json = graph_json(nodes, n);
        pk_ui_json(app->ui, json);
        json_decref(json);
        return;
    }
    enum pk_draw_format format = pk_streq(app->global.format, "dot")       ? PK_DRAW_DOT
                                 : pk_streq(app->global.format, "mermaid") ? PK_DRAW_MERMAID
                                                                           : PK_DRAW_ASCII;
    struct pk_buf text PK_CLEANUP(pk_buf_release) = PK_BUF_INIT((size_t)64 << 20);
    char *title PK_CLEANUP(pk_freep) = pk_asprintf("%s (%s)", project->name, project->environment);
    pk_graph_draw(nodes, n, title, format, pk_ui_unicode(app->ui), (size_t)pk_ui_width(app->ui),
                  &text);
    pk_ui_out(app->ui, "%s", pk_buf_cstr(&text));
}

static int run_graph(struct pk_app *app, const void *args, struct pk_error **err) {
    const struct check_args *a = args;
    struct pk_stack_inputs inputs PK_CLEANUP(pk_stack_inputs_release) = {0};
    struct pk_context *context PK_CLEANUP(pk_context_closep) = NULL;
    struct pk_diags *diags PK_CLEANUP(pk_diags_freep) = pk_diags_new();
    struct pk_project *project PK_CLEANUP(pk_project_freep) = NULL;
    if (!pk_stack_inputs(app, &a->at, &inputs, err) ||
        !pk_app_context(app, inputs.dir, a->at.tenant_config, true, &context, err) ||
        !pk_app_project(app, context, &inputs, diags, &project, err))
        return -1;
    struct pk_graph *graph PK_CLEANUP(pk_graph_freep) = expand_offline(context, project, diags);
    if (pk_diags_has_errors(diags)) {
        pk_diags_sort(diags);
        pk_ui_diags(app->ui, diags);
        return 65;
    }
    draw(app, project, graph, a->resources);
    return 0;
}

static const char *const validate_examples[] = {
    "panka validate",
    "panka validate notification-platform -e staging",
    "panka validate --format json",
    NULL,
};
static const char *const graph_examples[] = {
    "panka graph",
    "panka graph --resources --format dot --output stack.dot",
    "panka graph --format mermaid",
    NULL,
};

const struct pk_command pk_cmd_validate = {
    .path = "validate",
    .group = "Check",
    .summary = "Check everything that needs no AWS, all findings at once",
    .options = validate_options,
    .positionals = positionals,
    .args_size = sizeof(struct check_args),
    .flags = PK_CMD_OFFLINE,
    .examples = validate_examples,
    .formats = "human|json",
    .run = run_validate,
};
const struct pk_command pk_cmd_graph = {
    .path = "graph",
    .group = "Check",
    .summary = "Draw components or resources and what they need",
    .options = graph_options,
    .positionals = positionals,
    .args_size = sizeof(struct check_args),
    .flags = PK_CMD_OFFLINE,
    .examples = graph_examples,
    .formats = "ascii|dot|mermaid|json",
    .run = run_graph,
};
