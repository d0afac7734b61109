/*
 * fixture.h - a stack folder written by a test, loaded and expanded; shared by the tests of
 * component/.
 */
#ifndef PK_TEST_COMPONENT_FIXTURE_H
#define PK_TEST_COMPONENT_FIXTURE_H

#include "base/fs.h"
#include "component/kind.h"
#include "provider/provider.h"
#include "state/state.h"
#include "json/json.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

struct fixture {
    char dir[64];
    struct pk_arena *arena;
    struct pk_diags *diags;
    struct pk_tenant_config *tenant;
    struct pk_project *project;
    struct pk_graph *graph;
    json_t *networking;
    /* set before fx_expand */
    struct pk_state state;
    struct pk_map *generations;
    const char *redeploy;
    bool offline;
};

PK_UNUSED static void fx_write(struct fixture *f, const char *name, const char *text) {
    PK_CLEANUP(pk_freep) char *path = pk_path_join(f->dir, name);
    PK_CLEANUP(pk_freep) char *dir = pk_path_dir(path);
    assert_true(pk_mkdir_p(dir, 0755, NULL));
    assert_true(pk_write_file(path, text, strlen(text), 0644, NULL));
}

/* An empty folder with a stack `shop` in environment `test` of eu-west-1. */
PK_UNUSED static void fx_begin(struct fixture *f) {
    *f = (struct fixture){0};
    strcpy(f->dir, "/tmp/panka-test-XXXXXX");
    assert_non_null(mkdtemp(f->dir));
    f->arena = pk_arena_new();
    f->diags = pk_diags_new();
    f->networking = json_pack("{s:s, s:{s:[s, s], s:[s, s]}, s:s}", "vpcId", "vpc-1", "subnetIds",
                              "public", "subnet-a", "subnet-b", "private", "subnet-c", "subnet-d",
                              "securityGroupId", "sg-tenant");
    fx_write(f, "stack.yaml",
             "apiVersion: core.panka.io/v1\n"
             "kind: Stack\n"
             "metadata: {name: shop}\n"
             "spec: {region: eu-west-1, variables: {ENVIRONMENT: test}}\n");
    fx_write(f, "services/web/service.yaml",
             "apiVersion: core.panka.io/v1\nkind: Service\nmetadata: {name: web}\n");
}

/* Adds a component `name` to service `web`; spec is indented by two spaces. */
PK_UNUSED static void fx_component(struct fixture *f, const char *kind, const char *name,
                                   const char *spec) {
    PK_CLEANUP(pk_freep) char *path = pk_asprintf("services/web/%s.yaml", name);
    PK_CLEANUP(pk_freep)
    char *text =
        pk_asprintf("apiVersion: components.panka.io/v1\nkind: %s\nmetadata: {name: %s}\nspec:\n%s",
                    kind, name, spec);
    fx_write(f, path, text);
}

PK_UNUSED static void fx_tenant(struct fixture *f, const char *text) {
    fx_write(f, ".tenant.yaml", text); /* hidden files are no part of the stack */
    PK_CLEANUP(pk_freep) char *path = pk_path_join(f->dir, ".tenant.yaml");
    const struct pk_source *source =
        pk_source_read(f->arena, path, "tenant.yaml", (struct pk_span){0}, f->diags);
    f->tenant = pk_tenant_config_parse(f->arena, source, pk_kinds(), f->diags);
    assert_non_null(f->tenant);
}

/* What a kind emits and no row of the resource type covers would never be sent. */
PK_UNUSED static void fx_assert_covered(const struct fixture *f) {
    size_t problems = 0;
    for (size_t i = 0; i < f->graph->resources.len; i++) {
        const struct pk_resource *r = f->graph->resources.items[i];
        PK_CLEANUP(pk_freep) char *path = pk_provider_uncovered(r->type, r->properties);
        if (!path)
            continue;
        print_error("%s: no row of %s covers %s\n", r->key, r->type, path);
        problems++;
    }
    assert_int_equal(problems, 0);
}

PK_UNUSED static void fx_expand_at(struct fixture *f, const char *dir) {
    struct pk_load_options options = {.path = dir, .kinds = pk_kinds(), .tenant_config = f->tenant};
    f->project = pk_project_load(&options, f->diags);
    assert_non_null(f->project);
    struct pk_expand_env env = {
        .project = f->project,
        .state = f->state.resources ? &f->state : NULL,
        .generations = f->generations,
        .region = *f->project->region ? f->project->region : "us-east-1",
        .account_id = *f->project->account_id ? f->project->account_id : "123456789012",
        .partition = "aws",
        .dns_suffix = "amazonaws.com",
        .networking = f->offline ? NULL : f->networking,
        .online = !f->offline,
        .redeploy = &f->redeploy,
        .n_redeploy = f->redeploy ? 1 : 0,
    };
    f->graph = pk_expand(&env, f->diags);
    assert_non_null(f->graph);
    fx_assert_covered(f);
    pk_diags_sort(f->diags);
}

PK_UNUSED static void fx_expand(struct fixture *f) {
    fx_expand_at(f, f->dir);
}

PK_UNUSED static void fx_end(struct fixture *f) {
    pk_graph_free(f->graph);
    pk_project_free(f->project);
    pk_diags_free(f->diags);
    size_t cursor = 0;
    void *recorded;
    while (f->state.resources && pk_map_next(f->state.resources, &cursor, NULL, &recorded))
        json_decref(((struct pk_state_resource *)recorded)->properties);
    pk_map_free(f->state.resources);
    pk_map_free(f->generations);
    json_decref(f->networking);
    pk_arena_free(f->arena);
    PK_CLEANUP(pk_freep) char *command = pk_asprintf("rm -rf '%s'", f->dir);
    assert_int_equal(system(command), 0);
}

/* Something of service `web` that is deployed already; before fx_expand. */
PK_UNUSED static struct pk_state_resource *fx_record(struct fixture *f, const char *key,
                                                     const char *type, const char *component,
                                                     const char *sub, const char *name) {
    struct pk_state_resource *r = pk_arena_alloc(f->arena, sizeof(*r));
    r->key = pk_arena_strdup(f->arena, key);
    r->type = pk_arena_strdup(f->arena, type);
    r->service = pk_arena_strdup(f->arena, "web");
    r->component = pk_arena_strdup(f->arena, component);
    r->sub = pk_arena_strdup(f->arena, sub);
    r->name = name ? pk_arena_strdup(f->arena, name) : NULL;
    r->properties = json_object();
    if (!f->state.resources)
        f->state.resources = pk_map_new();
    pk_map_set(f->state.resources, key, r);
    return r;
}

/* --- looking at the result -------------------------------------------------------------------- */

PK_UNUSED static const struct pk_diag *fx_finding(const struct fixture *f, const char *id) {
    for (size_t i = 0; i < pk_diags_len(f->diags); i++)
        if (strcmp(pk_diags_at(f->diags, i)->id, id) == 0)
            return pk_diags_at(f->diags, i);
    return NULL;
}

PK_UNUSED static void fx_print_findings(const struct fixture *f) {
    for (size_t i = 0; i < pk_diags_len(f->diags); i++) {
        const struct pk_diag *d = pk_diags_at(f->diags, i);
        print_error("%s %s:%u:%u %s\n", d->id, d->span.src ? d->span.src->path : "-", d->span.line,
                    d->span.column, d->message);
    }
}

/* No finding but infos and the warnings named in `allowed` (ids, "|" between them). */
PK_UNUSED static void fx_assert_clean(const struct fixture *f, const char *allowed) {
    for (size_t i = 0; i < pk_diags_len(f->diags); i++) {
        const struct pk_diag *d = pk_diags_at(f->diags, i);
        bool fine = d->severity == PK_SEVERITY_INFO ||
                    (d->severity == PK_SEVERITY_WARNING && strstr(allowed, d->id));
        if (!fine)
            fx_print_findings(f);
        assert_true(fine);
    }
}

PK_UNUSED static struct pk_resource *fx_node(const struct fixture *f, const char *key) {
    struct pk_resource *r = pk_graph_find(f->graph, key);
    if (!r)
        print_error("no node %s\n", key);
    assert_non_null(r);
    return r;
}

/* Canonical JSON of a property; "" when it is absent. Lives as long as the fixture. */
PK_UNUSED static const char *fx_json(struct fixture *f, const char *key, const char *path) {
    json_t *value = pk_json_at(fx_node(f, key)->properties, path);
    if (!value)
        return "";
    PK_CLEANUP(pk_freep) char *text = pk_json_canonical(value);
    return pk_arena_strdup(f->arena, text);
}

PK_UNUSED static const struct pk_edge *fx_edge(const struct fixture *f, const char *from,
                                               const char *to) {
    const struct pk_resource *r = fx_node(f, from);
    for (size_t i = 0; i < r->edges.len; i++) {
        const struct pk_edge *edge = r->edges.items[i];
        if (strcmp(edge->to->key, to) == 0)
            return edge;
    }
    return NULL;
}

#define assert_property(f, key, path, json) assert_string_equal(fx_json((f), (key), (path)), (json))
#define assert_no_property(f, key, path) assert_string_equal(fx_json((f), (key), (path)), "")

#endif
