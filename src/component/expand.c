/* expand.c - from a project to its resource graph: checks, nodes, edges between components,
 * outputs. */
#include "component/internal.h"
#include "component/lb.h"

#include "base/str.h"

#include <string.h>

/* --- what is visited -------------------------------------------------------------------------- */

static void check_components(struct pk_expansion *x) {
    for (size_t i = 0; i < x->project->components.len; i++) {
        const struct pk_component *c = x->project->components.items[i];
        const struct pk_kind *kind = pk_kind_by_name(c->kind);
        if (pk_x_active(c) && kind->check)
            kind->check(x, c);
    }
}

static void expand_components(struct pk_expansion *x) {
    for (size_t i = 0; i < x->project->components.len; i++) {
        const struct pk_component *c = x->project->components.items[i];
        if (pk_x_active(c))
            pk_kind_by_name(c->kind)->expand(x, c);
    }
}

/* --- edges between components ----------------------------------------------------------------- */

static void draw_depends_on(struct pk_expansion *x, const struct pk_component *c) {
    struct pk_resource *primary = pk_graph_find(x->graph, c->key);
    size_t n = json_array_size(pk_spec_get(c, "dependsOn"));
    for (size_t i = 0; i < n; i++) {
        const char *path = pk_arena_printf(x->arena, "dependsOn[%zu]", i);
        const char *ref = pk_spec_str(c, path);
        bool ambiguous;
        const struct pk_component *to =
            ref ? pk_project_component(x->project, c, ref, &ambiguous) : NULL;
        if (to == c) {
            struct pk_diag *d = pk_x_finding(x, c, PK_SEVERITY_ERROR, "ref.self", path,
                                             "%s depends on itself", c->address);
            pk_diag_help(x->diags, d, "remove the entry");
        } else if (to) {
            pk_x_wait_for(x, primary, to, PK_EDGE_HARD, "dependsOn", pk_spec_span(c, path));
        }
    }
}

static const struct pk_service *find_service(const struct pk_project *p, const char *name) {
    for (size_t i = 0; i < p->services.len; i++) {
        const struct pk_service *s = p->services.items[i];
        if (strcmp(s->name, name) == 0)
            return s;
    }
    return NULL;
}

static void wait_for_service(struct pk_expansion *x, const struct pk_service *from,
                             const struct pk_service *to, struct pk_span span) {
    for (size_t i = 0; i < from->components.len; i++) {
        const struct pk_component *c = from->components.items[i];
        struct pk_resource *primary = pk_graph_find(x->graph, c->key);
        for (size_t k = 0; k < to->components.len; k++)
            pk_x_wait_for(x, primary, to->components.items[k], PK_EDGE_SOFT, "Service.dependsOn",
                          span);
    }
}

static void draw_service_order(struct pk_expansion *x) {
    const struct pk_project *p = x->project;
    for (size_t i = 0; i < p->services.len; i++) {
        const struct pk_service *s = p->services.items[i];
        const json_t *list = json_object_get(s->spec, "dependsOn");
        for (size_t k = 0; k < json_array_size(list); k++) {
            const char *name = json_string_value(json_array_get(list, k));
            const struct pk_service *to = name ? find_service(p, name) : NULL;
            const char *path = pk_arena_printf(x->arena, "dependsOn[%zu]", k);
            if (to && to != s)
                wait_for_service(x, s, to, s->spans ? pk_spans_find(s->spans, path) : s->meta.span);
        }
    }
}

static void report_dropped(struct pk_expansion *x) {
    for (size_t i = 0; i < x->graph->resources.len; i++) {
        const struct pk_resource *r = x->graph->resources.items[i];
        for (size_t k = 0; k < r->edges.len; k++) {
            const struct pk_edge *edge = r->edges.items[k];
            if (!edge->dropped || strcmp(edge->why, "Service.dependsOn") != 0)
                continue;
            struct pk_diag *d =
                pk_diag(x->diags, PK_SEVERITY_INFO, "svc.order-dropped", edge->span,
                        "the order of services is not kept for %s, which is needed by %s", r->key,
                        edge->to->key);
            pk_diag_help(x->diags, d,
                         "what components need of each other goes before the order of services");
        }
    }
}

/* --- secrets that the stack makes itself ------------------------------------------------------ */

struct own_secrets {
    struct pk_expansion *x;
    struct pk_map *by_name; /* name -> struct pk_resource */
};

static void refer_to_own(void *ctx, json_t *token) {
    struct own_secrets *own = ctx;
    const char *name = pk_json_str(token, "$secretArn", "");
    const struct pk_resource *r = pk_map_get(own->by_name, name);
    if (!r)
        return;
    pk_map_remove(own->x->secrets, name);
    json_object_clear(token);
    json_object_set_new(token, "$ref", pk_json_text(r->key));
    json_object_set_new(token, "attr", pk_json_text("Id"));
}

static void read_own(void *ctx, json_t *token) {
    struct own_secrets *own = ctx;
    const char *name = json_string_value(json_object_get(token, "$secret"));
    const struct pk_resource *r = name ? pk_map_get(own->by_name, name) : NULL;
    if (!r)
        return;
    pk_map_remove(own->x->secrets, name);
    json_object_set_new(token, "$secret", pk_token_ref(r->key, "Id"));
}

/* A name that a node of this graph creates cannot be looked up before it exists. */
static void link_own_secrets(struct pk_expansion *x) {
    PK_CLEANUP(pk_map_freep) struct pk_map *by_name = pk_map_new();
    for (size_t i = 0; i < x->graph->resources.len; i++) {
        struct pk_resource *r = x->graph->resources.items[i];
        if (strcmp(r->type, "AWS::SecretsManager::Secret") == 0 && r->name)
            pk_map_set(by_name, r->name, r);
    }
    struct own_secrets own = {x, by_name};
    for (size_t i = 0; pk_map_len(by_name) > 0 && i < x->graph->resources.len; i++) {
        struct pk_resource *r = x->graph->resources.items[i];
        pk_token_each(r->properties, "$secretArn", refer_to_own, &own);
        pk_token_each(r->properties, "$secret", read_own, &own);
    }
}

/* --- outputs ---------------------------------------------------------------------------------- */

struct missing {
    const struct pk_graph *graph;
    bool found;
};

static void note_missing(void *ctx, json_t *token) {
    struct missing *missing = ctx;
    if (!pk_graph_find(missing->graph, pk_json_str(token, "$ref", "")))
        missing->found = true;
}

/* A component that was left out after a finding has no nodes to take outputs from. */
static bool exists(struct pk_expansion *x, json_t *value) {
    struct missing missing = {x->graph, false};
    if (!value || json_is_null(value))
        return false;
    pk_token_each(value, "$ref", note_missing, &missing);
    return !missing.found;
}

/* Outputs of components, as far as they exist: a missing endpoint is no error here. */
static void put_component_outputs(struct pk_expansion *x, const struct pk_component *c) {
    const struct pk_kind *kind = pk_kind_by_name(c->kind);
    struct pk_expansion quiet = *x;
    quiet.diags = pk_diags_new();
    for (size_t i = 0; i < kind->table.n_outputs; i++) {
        const char *name = kind->table.outputs[i].name;
        if (strchr(name, '*'))
            continue; /* a family: its members are asked for by name */
        json_t *value = pk_x_output(&quiet, NULL, c, name, c->span);
        if (value && !json_is_null(value))
            json_object_set(x->graph->outputs, pk_arena_printf(x->arena, "%s.%s", c->key, name),
                            value);
        json_decref(value);
    }
    pk_diags_free(quiet.diags);
}

static void put_outputs(struct pk_expansion *x) {
    const struct pk_project *p = x->project;
    for (size_t i = 0; i < p->components.len; i++) {
        const struct pk_component *c = p->components.items[i];
        if (pk_x_active(c))
            put_component_outputs(x, c);
    }
    const char *name;
    json_t *value, *written = json_object_get(p->spec, "outputs");
    json_object_foreach(written, name, value) {
        const char *path = pk_arena_printf(x->arena, "outputs.%s", name);
        struct pk_span span = p->spans ? pk_spans_find(p->spans, path) : p->meta.span;
        json_t *resolved = pk_x_resolve(x, NULL, NULL, value, path, span);
        if (exists(x, resolved))
            json_object_set(x->graph->outputs, name, resolved);
        json_decref(resolved);
    }
}

static void put_networking(struct pk_expansion *x) {
    if (!x->env->networking)
        return;
    json_t *networking = json_deep_copy(x->env->networking);
    json_t *groups = pk_x_base_groups(x, NULL);
    size_t n = json_array_size(groups);
    if (n > 0)
        json_object_set(networking, "securityGroupId", json_array_get(groups, n - 1));
    json_object_set_new(networking, "securityGroupIds", groups);
    x->graph->networking = networking;
}

/* --- the whole -------------------------------------------------------------------------------- */

struct token_edges {
    struct pk_expansion *x;
    struct pk_resource *from;
    const char *property;
};

/* What a token names exists, with two exceptions: parts of the tenant's network, which stand for
 * unknown ids while nobody is asked, and nodes that were left out after a finding. */
static void draw_token(void *ctx, json_t *token) {
    struct token_edges *to = ctx;
    const char *key = pk_json_str(token, "$ref", "");
    struct pk_resource *target = pk_graph_find(to->x->graph, key);
    pk_assert(target || pk_starts_with(key, "_network:") || pk_diags_has_errors(to->x->diags));
    if (target)
        pk_graph_edge(to->x->graph, to->from, target, PK_EDGE_HARD, to->property,
                      pk_resource_span(to->from, to->property));
}

static void draw_tokens(struct pk_expansion *x) {
    for (size_t i = 0; i < x->graph->resources.len; i++) {
        struct pk_resource *r = x->graph->resources.items[i];
        const char *property;
        json_t *value;
        json_object_foreach(r->properties, property, value) {
            struct token_edges to = {x, r, property};
            pk_token_each(value, "$ref", draw_token, &to);
        }
    }
}

static void draw_edges(struct pk_expansion *x) {
    for (size_t i = 0; i < x->project->components.len; i++) {
        const struct pk_component *c = x->project->components.items[i];
        if (pk_x_active(c))
            draw_depends_on(x, c);
    }
    draw_service_order(x);
    pk_x_draw_waits(x);
    draw_tokens(x);
}

struct pk_graph *pk_expand(const struct pk_expand_env *env, struct pk_diags *diags) {
    struct pk_graph *graph = pk_graph_new();
    struct pk_expansion x = {
        .env = env,
        .project = env->project,
        .graph = graph,
        .arena = graph->arena,
        .diags = diags,
        .secrets = pk_map_new(),
        .gates = pk_map_new(),
        .waits = PK_VEC_INIT,
    };
    pk_x_check_tags(&x);
    pk_x_check_network(&x);
    check_components(&x);
    pk_lb_plan(&x);
    pk_x_stack_security_group(&x);
    expand_components(&x);
    link_own_secrets(&x);
    put_outputs(&x);
    put_networking(&x);
    draw_edges(&x);
    if (pk_graph_check_cycles(graph, diags))
        report_dropped(&x);
    pk_vec_release(&x.waits);
    pk_map_free(x.gates);
    pk_map_free(x.secrets);
    return graph;
}
