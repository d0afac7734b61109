/* load.c - from a folder to a project: the order of the steps. */
#include "model/load.h"
#include "base/fs.h"
#include "model/index.h"
#include "json/json.h"

#include <stdlib.h>
#include <string.h>

static void mismatch(struct pk_loader *l, const struct pk_node *node, const char *key,
                     const char *wanted, const char *why) {
    if (!node || node->kind != PK_NODE_SCALAR || node->null || strcmp(node->text, wanted) == 0)
        return;
    struct pk_diag *d =
        pk_diag(l->diags, PK_SEVERITY_ERROR, "doc.mismatch", node->span,
                "`metadata.%s` is \"%s\", but %s `%s`", key, node->text, why, wanted);
    pk_diag_help(l->diags, d, "correct it, or leave it out");
}

/* --- the Stack */

static bool find_stack(struct pk_loader *l) {
    for (size_t i = 0; i < l->docs.len; i++) {
        struct pk_doc *doc = l->docs.items[i];
        bool its_place = doc->file->place == PK_PLACE_ROOT || doc->file->place == PK_PLACE_SINGLE;
        if (strcmp(doc->kind, "Stack") != 0)
            continue;
        if (its_place && !l->stack) {
            l->stack = doc;
            continue;
        }
        struct pk_diag *d = pk_diag(l->diags, PK_SEVERITY_ERROR,
                                    its_place ? "doc.duplicate" : "doc.mismatch", doc->kind_span,
                                    its_place ? "a stack has one Stack document"
                                              : "the Stack is read from stack.yaml only");
        if (l->stack)
            pk_diag_related(l->diags, d, l->stack->kind_span, "the Stack is here");
    }
    if (l->stack)
        return true;
    struct pk_diag *d =
        pk_diag(l->diags, PK_SEVERITY_ERROR, "stack.missing", (struct pk_span){0},
                "%s has no Stack document", *l->shown_root ? l->shown_root : "the current folder");
    pk_diag_help(l->diags, d,
                 l->incomplete ? "stack.yaml could not be read completely"
                               : "`panka stack init NAME` makes a folder with a stack.yaml");
    return false;
}

/* Documents for other environments are as if they were not there. */
static void filter_environment(struct pk_loader *l) {
    size_t kept = 0;
    for (size_t i = 0; i < l->docs.len; i++) {
        struct pk_doc *doc = l->docs.items[i];
        if (doc == l->stack || !doc->environment ||
            strcmp(doc->environment, l->project->environment) == 0)
            l->docs.items[kept++] = doc;
    }
    l->docs.len = kept;
}

/* --- Services and components get their objects */

struct pk_service *pk_service_get(struct pk_loader *l, const char *name) {
    struct pk_service *service = pk_map_get(l->services, name);
    if (service)
        return service;
    service = pk_arena_alloc(l->arena, sizeof(*service));
    service->name = name;
    service->implicit = true;
    pk_map_set(l->services, name, service);
    pk_vec_push(&l->project->services, service);
    return service;
}

static void register_services(struct pk_loader *l, size_t from) {
    for (size_t i = from; i < l->docs.len; i++) {
        struct pk_doc *doc = l->docs.items[i];
        if (strcmp(doc->kind, "Service") != 0)
            continue;
        const char *folder = doc->file->service;
        if (folder && strcmp(folder, doc->name) != 0) {
            struct pk_diag *d = pk_diag(l->diags, PK_SEVERITY_ERROR, "doc.mismatch", doc->name_span,
                                        "the Service `%s` lies in services/%s/", doc->name, folder);
            pk_diag_help(l->diags, d, "the folder and the name must be equal");
        }
        struct pk_service *service = pk_service_get(l, folder ? folder : doc->name);
        if (!service->implicit) {
            struct pk_diag *d =
                pk_diag(l->diags, PK_SEVERITY_ERROR, "doc.duplicate", doc->name_span,
                        "the Service `%s` is declared twice", doc->name);
            pk_diag_related(l->diags, d, service->meta.name_span, "first declared here");
            continue;
        }
        service->implicit = false;
        service->meta.name_span = doc->name_span;
        doc->owner = service;
    }
}

/* The service a component belongs to; NULL after a finding. */
static const char *service_name(struct pk_loader *l, const struct pk_doc *doc) {
    const struct pk_node *node = pk_node_get(doc->metadata, "service");
    if (doc->file->service) {
        if (doc->file->place != PK_PLACE_OVERLAY)
            mismatch(l, node, "service", doc->file->service, "the file lies in the folder of");
        return doc->file->service;
    }
    if (doc->service)
        return pk_check_name(l->diags, "Service", doc->service, node->span) ? doc->service : NULL;
    if (doc->file->place == PK_PLACE_SINGLE && l->project->services.len == 1)
        return ((struct pk_service *)l->project->services.items[0])->name;
    struct pk_diag *d = pk_diag(l->diags, PK_SEVERITY_ERROR, "field.required", doc->name_span,
                                "`metadata.service` is required here");
    pk_diag_help(l->diags, d,
                 "say which service the %s belongs to, or move the document to "
                 "services/<service>/",
                 doc->kind);
    return NULL;
}

static void add_component(struct pk_loader *l, struct pk_doc *doc, const char *service) {
    const char *address = pk_arena_printf(l->arena, "%s/%s", service, doc->name);
    const struct pk_component *first = pk_map_get(l->by_address, address);
    if (first) {
        struct pk_diag *d =
            pk_diag(l->diags, PK_SEVERITY_ERROR, "doc.duplicate", doc->name_span,
                    "the component `%s` is declared twice in service %s", doc->name, service);
        pk_diag_related(l->diags, d, first->meta.name_span, "first declared here");
        return;
    }
    struct pk_component *c = pk_arena_alloc(l->arena, sizeof(*c));
    c->kind = doc->kind;
    c->table = doc->table;
    c->name = doc->name;
    c->address = address;
    c->span = doc->span;
    c->dir = doc->file->dir;
    c->config_dir = doc->file->config_dir;
    c->enabled = true;
    c->meta.name_span = doc->name_span;
    c->service = pk_service_get(l, service);
    doc->owner = c->service;
    doc->component = c;
    pk_map_set(l->by_address, address, c);
    struct pk_vec *same = pk_map_get(l->by_name, c->name);
    if (!same) {
        same = pk_calloc(1, sizeof(*same));
        pk_map_set(l->by_name, c->name, same);
    }
    pk_vec_push(same, c);
    pk_vec_push(&l->component_docs, doc);
    if (!c->table)
        return; /* known by name, so that references to it are no further findings */
    pk_vec_push(&c->service->components, c);
    pk_vec_push(&l->project->components, c);
}

static void register_component(struct pk_loader *l, struct pk_doc *doc) {
    if (doc->file->place == PK_PLACE_INFRA) {
        struct pk_diag *d = pk_diag(l->diags, PK_SEVERITY_ERROR, "doc.mismatch", doc->kind_span,
                                    "%s does not belong into infra/", doc->kind);
        pk_diag_help(l->diags, d, "move it to services/<service>/");
        return;
    }
    if (doc->file->place == PK_PLACE_ROOT) {
        struct pk_diag *d = pk_diag(l->diags, PK_SEVERITY_WARNING, "doc.single-file",
                                    doc->kind_span, "a component in the Stack's file");
        pk_diag_help(l->diags, d, "the usual place is services/<service>/");
    }
    const char *service = service_name(l, doc);
    if (service)
        add_component(l, doc, service);
    else
        l->incomplete = true;
}

static void register_components(struct pk_loader *l) {
    for (size_t i = 0; i < l->docs.len; i++) {
        struct pk_doc *doc = l->docs.items[i];
        mismatch(l, pk_node_get(doc->metadata, "stack"), "stack", l->stack->name,
                 "the stack is called");
        if (pk_kind_is_component(doc->kind))
            register_component(l, doc);
        else if (strcmp(doc->kind, "TenantConfig") == 0)
            pk_diag(l->diags, PK_SEVERITY_ERROR, "doc.kind", doc->kind_span,
                    "a TenantConfig does not belong to a stack folder");
        else if (strcmp(doc->kind, "Service") == 0 && doc->file->place == PK_PLACE_INFRA)
            pk_diag(l->diags, PK_SEVERITY_ERROR, "doc.mismatch", doc->kind_span,
                    "a Service does not belong into infra/");
    }
    for (size_t i = 0; i < l->component_docs.len; i++) {
        struct pk_component *c = ((struct pk_doc *)l->component_docs.items[i])->component;
        const struct pk_vec *same = pk_map_get(l->by_name, c->name);
        c->key = same->len == 1 ? c->name : c->address;
    }
}

/* --- typing */

/* Puts the address on findings about a component that lie in its own file. */
static void add_address(struct pk_loader *l, size_t before, const struct pk_doc *doc) {
    for (size_t i = before; i < pk_diags_len(l->diags); i++) {
        /* the collection is ours to write to; only its reading interface is const */
        struct pk_diag *d = (struct pk_diag *)(uintptr_t)pk_diags_at(l->diags, i);
        if (!d->address && d->span.src == doc->file->source)
            pk_diag_address(l->diags, d, "%s", doc->component->address);
    }
}

static void type_component(struct pk_loader *l, struct pk_doc *doc) {
    struct pk_component *c = doc->component;
    struct pk_scope scope = {l, c->service, c->service, c};
    struct pk_interpolator interpolator = pk_scope_interpolator(&scope);
    size_t before = pk_diags_len(l->diags);
    pk_type_metadata(l, doc, &scope, &c->meta);
    c->spec = pk_schema_apply(l->arena, c->table, true, doc->spec, doc->spec_place, &interpolator,
                              l->diags, &c->spans);
    add_address(l, before, doc);
}

static void type_service(struct pk_loader *l, struct pk_service *service,
                         const struct pk_doc *doc) {
    struct pk_scope scope = {l, service, service, NULL};
    struct pk_interpolator interpolator = pk_scope_interpolator(&scope);
    if (doc) {
        pk_type_metadata(l, doc, &scope, &service->meta);
    } else {
        service->meta.name = service->name;
        service->meta.stack = l->project->name;
        service->meta.tenant = l->project->tenant;
        service->meta.environment = l->project->environment;
        service->meta.labels = json_object();
    }
    service->meta.service = service->name;
    service->spec = pk_schema_apply(l->arena, &pk_kind_service, false, doc ? doc->spec : NULL,
                                    doc ? doc->spec_place : service->meta.name_span, &interpolator,
                                    l->diags, &service->spans);
}

/* `enabled` is needed before any reference can be judged. */
static void decide_enabled(struct pk_loader *l) {
    for (size_t i = 0; i < l->component_docs.len; i++) {
        const struct pk_doc *doc = l->component_docs.items[i];
        struct pk_component *c = doc->component;
        const struct pk_node *node = pk_node_get(doc->spec, "enabled");
        if (!node || node->kind != PK_NODE_SCALAR || node->null)
            continue;
        struct pk_scope scope = {l, c->service, c->service, c};
        const char *text = pk_scope_text(&scope, node, "enabled");
        c->enabled = !text || strcmp(text, "false") != 0;
    }
}

static const char *stack_text(struct pk_loader *l, const struct pk_node *node, const char *what) {
    struct pk_scope scope = {l, NULL, NULL, NULL};
    if (!node || node->kind != PK_NODE_SCALAR || node->null)
        return NULL;
    const char *text = pk_scope_text(&scope, node, what);
    return text && *text ? text : NULL;
}

static const char *first_of(const char *a, const char *b, const char *c) {
    return a ? a : b ? b : c ? c : "";
}

/* Region and account have built-in variables, so they are needed before the Stack is typed. */
static void decide_target(struct pk_loader *l) {
    const struct pk_load_options *o = l->options;
    const struct pk_node *provider = pk_node_get(l->stack->spec, "provider");
    const struct pk_node *region = pk_node_get(provider, "region");
    const struct pk_node *account = pk_node_get(provider, "accountId");
    const json_t *tenant = o->tenant_config ? o->tenant_config->spec : NULL;
    if (!region)
        region = pk_node_get(l->stack->spec, "region");
    l->project->region = l->project->account_id = "";
    const char *of_tenant = pk_json_str(tenant, "aws.region", NULL);
    const char *of_stack = stack_text(l, region, "provider.region");
    const char *chosen = first_of(o->region_override, of_stack, of_tenant);
    l->project->region = pk_arena_strdup(l->arena, *chosen ? chosen : first_of(o->region, 0, 0));
    const char *id = first_of(stack_text(l, account, "provider.accountId"),
                              pk_json_str(tenant, "aws.accountId", NULL), o->account_id);
    l->project->account_id = pk_arena_strdup(l->arena, id);
}

static void declare_stack(struct pk_loader *l) {
    pk_declare_variables(l, pk_node_get(l->stack->spec, "variables"), NULL, l->stack_vars, false);
    for (size_t i = 0; i < l->docs.len; i++) {
        const struct pk_doc *doc = l->docs.items[i];
        if (strcmp(doc->kind, "Service") == 0 && doc->owner)
            pk_declare_variables(l, pk_node_get(doc->spec, "variables"), doc->owner,
                                 pk_service_vars_of(l, doc->owner->name)->base, false);
    }
}

static void type_stack(struct pk_loader *l) {
    struct pk_project *p = l->project;
    struct pk_scope scope = {l, NULL, NULL, NULL};
    struct pk_interpolator interpolator = pk_scope_interpolator(&scope);
    pk_type_metadata(l, l->stack, &scope, &p->meta);
    p->spec = pk_schema_apply(l->arena, &pk_kind_stack, false, l->stack->spec, l->stack->spec_place,
                              &interpolator, l->diags, &p->spans);
    if (l->overlay_tags) {
        if (!json_object_get(p->spec, "tags"))
            json_object_set_new(p->spec, "tags", json_object());
        json_object_update(json_object_get(p->spec, "tags"), l->overlay_tags);
    }
}

static void type_documents(struct pk_loader *l) {
    type_stack(l);
    for (size_t i = 0; i < l->docs.len; i++) {
        struct pk_doc *doc = l->docs.items[i];
        if (strcmp(doc->kind, "Service") == 0 && doc->owner)
            type_service(l, doc->owner, doc);
    }
    for (size_t i = 0; i < l->project->services.len; i++) {
        struct pk_service *service = l->project->services.items[i];
        if (!service->spec)
            type_service(l, service, NULL);
    }
    for (size_t i = 0; i < l->component_docs.len; i++) {
        struct pk_doc *doc = l->component_docs.items[i];
        if (doc->component->table)
            type_component(l, doc);
    }
}

/* --- all together */

static void decide_tenant(struct pk_loader *l) {
    const struct pk_load_options *o = l->options;
    const struct pk_node *node = pk_node_get(l->stack->metadata, "tenant");
    const char *own = pk_node_text(l->stack->metadata, "tenant");
    const char *wanted = o->tenant ? o->tenant : o->tenant_config ? o->tenant_config->name : NULL;
    if (wanted)
        mismatch(l, node, "tenant", wanted, "you work as tenant");
    else if (own && !node->null)
        wanted = pk_check_name(l->diags, "TenantConfig", own, node->span) ? own : NULL;
    l->project->tenant = wanted ? pk_arena_strdup(l->arena, wanted) : NULL;
}

static void load(struct pk_loader *l) {
    struct pk_project *p = l->project;
    p->name = p->environment = p->region = p->account_id = "";
    if (!find_stack(l))
        return;
    p->name = l->stack->name;
    p->environment = pk_select_environment(l);
    decide_tenant(l);
    filter_environment(l);
    register_services(l, 0);
    pk_declare_command_line(l);
    pk_declare_tenant(l);
    if (*p->environment)
        pk_scan_overlay(l, p->environment);
    size_t n_base = l->docs.len;
    pk_apply_overlay_documents(l);
    register_services(l, n_base);
    register_components(l);
    declare_stack(l);
    pk_apply_overlay_variables(l);
    /* from here on all variables are known: values may be looked at */
    decide_target(l);
    pk_apply_overlay_tags(l);
    decide_enabled(l);
    pk_check_variables(l);
    type_documents(l);
    p->variables = pk_effective_variables(l, NULL);
    for (size_t i = 0; i < p->services.len; i++) {
        struct pk_service *service = p->services.items[i];
        service->variables = pk_effective_variables(l, service);
    }
    pk_check_stack(l);
    pk_check_services(l);
    pk_check_tenant(l);
}

static int by_service_name(const void *a, const void *b) {
    return strcmp(((const struct pk_service *)a)->name, ((const struct pk_service *)b)->name);
}

static int by_address(const void *a, const void *b) {
    return strcmp(((const struct pk_component *)a)->address,
                  ((const struct pk_component *)b)->address);
}

static void finish(struct pk_loader *l) {
    struct pk_project *p = l->project;
    const struct pk_tenant_config *tenant = l->options->tenant_config;
    pk_vec_sort(&p->services, by_service_name);
    pk_vec_sort(&p->components, by_address);
    for (size_t i = 0; i < p->services.len; i++)
        pk_vec_sort(&((struct pk_service *)p->services.items[i])->components, by_address);
    p->tenant_config = tenant;
    pk_buf_addf(&l->inputs, "environment %s\nregion %s\n", p->environment, p->region);
    if (tenant && tenant->source)
        pk_buf_add(&l->inputs, tenant->source->text, tenant->source->len);
    pk_sha256_hex(pk_buf_cstr(&l->inputs), l->inputs.len, p->inputs_sha256);
}

static void release(struct pk_loader *l) {
    size_t cursor = 0;
    const char *name;
    void *value;
    while (pk_map_next(l->service_vars, &cursor, &name, &value)) {
        struct pk_service_vars *vars = value;
        pk_map_free(vars->overlay);
        pk_map_free(vars->base);
    }
    for (size_t i = 0; i < l->decls.len; i++)
        json_decref(((struct pk_var_decl *)l->decls.items[i])->value);
    struct pk_map *maps[] = {l->cli,          l->overlay_vars, l->stack_vars, l->tenant_vars,
                             l->process_vars, l->service_vars, l->services};
    for (size_t i = 0; i < PK_ARRAY_LEN(maps); i++)
        pk_map_free(maps[i]);
    struct pk_vec *vecs[] = {&l->files,       &l->docs,           &l->overlays,
                             &l->value_files, &l->component_docs, &l->decls};
    for (size_t i = 0; i < PK_ARRAY_LEN(vecs); i++)
        pk_vec_release(vecs[i]);
    pk_buf_release(&l->inputs);
    json_decref(l->overlay_tags);
}

struct pk_project *pk_project_load(const struct pk_load_options *options, struct pk_diags *diags) {
    struct pk_project *p = pk_project_new();
    struct pk_index *index = pk_index_of(p);
    struct pk_loader l = {.options = options,
                          .project = p,
                          .arena = p->arena,
                          .diags = diags,
                          .inputs = PK_BUF_INIT(PK_BUF_MAX_DEFAULT),
                          .services = pk_map_new(),
                          .by_address = index->by_address,
                          .by_name = index->by_name,
                          .cli = pk_map_new(),
                          .overlay_vars = pk_map_new(),
                          .stack_vars = pk_map_new(),
                          .tenant_vars = pk_map_new(),
                          .process_vars = pk_map_new(),
                          .service_vars = pk_map_new()};
    bool readable = pk_scan(&l);
    /* findings of the folder's files point into the arena, so only an empty one is dropped */
    if (!readable && l.files.len == 0) {
        release(&l);
        pk_project_free(p);
        return NULL;
    }
    load(&l);
    finish(&l);
    release(&l);
    return p;
}
