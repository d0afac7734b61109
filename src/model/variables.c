/* variables.c - scopes of variables, their precedence, their values. */
#include "model/load.h"
#include "json/json.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>

#define MAX_DEPTH 32
#define PREFIX "PANKA_"

static struct pk_var_decl *declare(struct pk_loader *l, struct pk_map *into, const char *name,
                                   const char *text) {
    struct pk_var_decl *decl = pk_arena_alloc(l->arena, sizeof(*decl));
    decl->name = pk_arena_strdup(l->arena, name);
    decl->text = text;
    pk_map_set(into, name, decl);
    pk_vec_push(&l->decls, decl);
    return decl;
}

static bool check_declared_name(struct pk_loader *l, const struct pk_pair *pair) {
    if (pk_starts_with(pair->key, PREFIX)) {
        struct pk_diag *d = pk_diag(l->diags, PK_SEVERITY_ERROR, "doc.reserved", pair->key_span,
                                    "the variable name `%s` is reserved", pair->key);
        pk_diag_help(l->diags, d, "names that start with PANKA_ are set by panka");
        return false;
    }
    if (pk_is_variable_name(pk_str(pair->key)))
        return true;
    struct pk_diag *d = pk_diag(l->diags, PK_SEVERITY_ERROR, "var.syntax", pair->key_span,
                                "\"%s\" cannot be the name of a variable", pair->key);
    pk_diag_help(l->diags, d, "use letters, digits and `_`, not starting with a digit");
    return false;
}

void pk_declare_variables(struct pk_loader *l, const struct pk_node *map,
                          struct pk_service *service, struct pk_map *into, bool report) {
    if (!map || map->kind != PK_NODE_MAP) {
        if (map && report && !map->null)
            pk_diag(l->diags, PK_SEVERITY_ERROR, "field.type", map->span,
                    "`variables` must be a map of texts");
        return;
    }
    for (size_t i = 0; i < map->n_pairs; i++) {
        const struct pk_pair *pair = &map->pairs[i];
        if (pair->value->kind != PK_NODE_SCALAR) {
            if (report)
                pk_diag(l->diags, PK_SEVERITY_ERROR, "field.type", pair->key_span,
                        "the variable `%s` must be text, not a map or a list", pair->key);
            continue;
        }
        if (!check_declared_name(l, pair))
            continue;
        struct pk_var_decl *decl =
            declare(l, into, pair->key, pair->value->null ? "" : pair->value->text);
        decl->node = pair->value;
        decl->service = service;
    }
}

void pk_declare_command_line(struct pk_loader *l) {
    for (size_t i = 0; i < l->options->n_vars; i++) {
        const struct pk_var *var = &l->options->vars[i];
        if (pk_starts_with(var->name, PREFIX)) {
            pk_diag(l->diags, PK_SEVERITY_ERROR, "doc.reserved", (struct pk_span){0},
                    "--var %s: names that start with PANKA_ are set by panka", var->name);
            continue;
        }
        struct pk_var_decl *decl =
            declare(l, l->cli, var->name, pk_arena_strdup(l->arena, var->value));
        decl->source = "--var";
        pk_buf_addf(&l->inputs, "--var %s=%s\n", var->name, var->value);
    }
}

void pk_declare_tenant(struct pk_loader *l) {
    const struct pk_tenant_config *tenant = l->options->tenant_config;
    const char *name;
    json_t *value;
    if (!tenant)
        return;
    json_object_foreach(json_object_get(tenant->spec, "variables"), name, value) {
        if (!json_is_string(value))
            continue;
        struct pk_var_decl *decl =
            declare(l, l->tenant_vars, name, pk_arena_strdup(l->arena, json_string_value(value)));
        PK_CLEANUP(pk_freep) char *path = pk_asprintf("variables.%s", name);
        struct pk_node *node = pk_arena_alloc(l->arena, sizeof(*node));
        node->text = decl->text;
        node->span = pk_spans_find(tenant->spans, path);
        decl->node = node;
        decl->tenant_scope = true;
    }
}

struct pk_service_vars *pk_service_vars_of(struct pk_loader *l, const char *service) {
    struct pk_service_vars *vars = pk_map_get(l->service_vars, service);
    if (vars)
        return vars;
    vars = pk_arena_alloc(l->arena, sizeof(*vars));
    vars->overlay = pk_map_new();
    vars->base = pk_map_new();
    pk_map_set(l->service_vars, service, vars);
    return vars;
}

/* PANKA_VAR_<NAME>; remembered, so that a name is asked for once. */
static const struct pk_var_decl *find_in_process(struct pk_loader *l, const char *name) {
    struct pk_var_decl *known = pk_map_get(l->process_vars, name);
    if (known)
        return known->text ? known : NULL;
    PK_CLEANUP(pk_freep) char *key = pk_asprintf("PANKA_VAR_%s", name);
    const char *text =
        l->options->getenv ? l->options->getenv(l->options->getenv_ctx, key) : getenv(key);
    struct pk_var_decl *decl =
        declare(l, l->process_vars, name, text ? pk_arena_strdup(l->arena, text) : NULL);
    decl->literal = true; /* the environment is other people's data, not a template */
    decl->source = pk_arena_strdup(l->arena, key);
    if (!text)
        return NULL;
    pk_buf_addf(&l->inputs, "%s=%s\n", key, text);
    return decl;
}

const struct pk_var_decl *pk_find_variable(const struct pk_scope *scope, const char *name,
                                           bool tenant_scope) {
    struct pk_loader *l = scope->loader;
    const struct pk_var_decl *decl = pk_map_get(l->cli, name);
    const struct pk_service_vars *own =
        scope->service && !tenant_scope ? pk_map_get(l->service_vars, scope->service->name) : NULL;
    if (!decl && own)
        decl = pk_map_get(own->overlay, name);
    if (!decl && !tenant_scope)
        decl = pk_map_get(l->overlay_vars, name);
    if (!decl && own)
        decl = pk_map_get(own->base, name);
    if (!decl && !tenant_scope)
        decl = pk_map_get(l->stack_vars, name);
    if (!decl)
        decl = pk_map_get(l->tenant_vars, name);
    return decl ? decl : find_in_process(l, name);
}

static const char *partition_of(const char *region) {
    return pk_starts_with(region, "cn-")       ? "aws-cn"
           : pk_starts_with(region, "us-gov-") ? "aws-us-gov"
                                               : "aws";
}

/* Text of a built-in, or NULL. */
static const char *built_in(struct pk_resolution *r, const char *name) {
    const struct pk_project *p = r->scope->loader->project;
    const char *service = r->scope->user ? r->scope->user->name : "";
    const char *component = r->scope->component ? r->scope->component->name : "";
    if (!pk_starts_with(name, PREFIX))
        return NULL;
    name += strlen(PREFIX);
    if (strcmp(name, "TENANT") == 0)
        return p->tenant ? p->tenant : "";
    if (strcmp(name, "STACK") == 0)
        return p->name;
    if (strcmp(name, "REGION") == 0)
        return p->region;
    if (strcmp(name, "ACCOUNT_ID") == 0)
        return p->account_id;
    if (strcmp(name, "PARTITION") == 0)
        return partition_of(p->region);
    if (strcmp(name, "SERVICE") != 0 && strcmp(name, "COMPONENT") != 0)
        return NULL;
    r->used_from = true;
    return name[0] == 'S' ? service : component;
}

static struct pk_span decl_span(const struct pk_var_decl *decl) {
    return decl->node ? decl->node->span : (struct pk_span){0};
}

/* The chain of variables from the first use of `decl` to the place that comes back to it. */
static void report_cycle(const struct pk_resolution *r, const struct pk_var_decl *decl) {
    const struct pk_var_decl *chain[MAX_DEPTH + 2];
    struct pk_diags *diags = r->scope->loader->diags;
    struct pk_buf buf = PK_BUF_INIT(8192);
    size_t n = 0;
    for (const struct pk_resolution *at = r; at && n <= MAX_DEPTH; at = at->outer) {
        if (!at->decl)
            continue;
        chain[n++] = at->decl;
        if (at->decl == decl)
            break;
    }
    while (n > 0)
        pk_buf_addf(&buf, "%s -> ", chain[--n]->name);
    pk_buf_addz(&buf, decl->name);
    struct pk_diag *d = pk_diag(diags, PK_SEVERITY_ERROR, "var.cycle", decl_span(decl),
                                "the variable `%s` uses itself", decl->name);
    pk_diag_label(diags, d, "%s", pk_buf_cstr(&buf));
    pk_buf_release(&buf);
}

static void report_depth(const struct pk_resolution *r, const struct pk_var_decl *decl) {
    struct pk_diags *diags = r->scope->loader->diags;
    struct pk_buf buf = PK_BUF_INIT(8192);
    for (const struct pk_resolution *at = r; at; at = at->outer)
        if (at->decl)
            pk_buf_addf(&buf, "%s <- ", at->decl->name);
    struct pk_diag *d = pk_diag(diags, PK_SEVERITY_ERROR, "var.cycle", decl_span(decl),
                                "variables are nested deeper than %d levels", MAX_DEPTH);
    pk_diag_detail(diags, d, "%s <- %s…", decl->name, pk_buf_cstr(&buf));
    pk_buf_release(&buf);
}

/* Whether the value that was noted holds for who asks now. Without notes, variables that use
 * variables twice would take exponential time. */
static bool is_for(const struct pk_var_decl *decl, const struct pk_scope *scope) {
    return !decl->used_from || (decl->user == scope->user && decl->component == scope->component);
}

static json_t *resolve(struct pk_resolution *r, const struct pk_var_decl *found) {
    /* looked up through const scopes; the loader owns it and may note its value */
    struct pk_var_decl *decl = (struct pk_var_decl *)(uintptr_t)found;
    if (decl->literal || !strchr(decl->text, '$'))
        return pk_json_text(decl->text);
    if (decl->state == PK_VAR_DONE && is_for(decl, r->scope)) {
        r->used_from = r->used_from || decl->used_from;
        return json_incref(decl->value);
    }
    if (decl->state == PK_VAR_FAILED)
        return NULL; /* its finding was added before */
    if (decl->state == PK_VAR_OPEN || r->depth >= MAX_DEPTH) {
        if (decl->state == PK_VAR_OPEN)
            report_cycle(r, decl);
        else
            report_depth(r, decl);
        decl->state = PK_VAR_FAILED;
        return NULL;
    }
    struct pk_scope scope = {r->scope->loader, decl->service, r->scope->user, r->scope->component};
    struct pk_resolution inner = {.scope = &scope,
                                  .node = decl->node,
                                  .depth = r->depth + 1,
                                  .tenant_scope = decl->tenant_scope,
                                  .outer = r,
                                  .decl = decl};
    decl->state = PK_VAR_OPEN;
    json_t *value = pk_expand_text(&inner, decl->text);
    r->used_from = r->used_from || inner.used_from;
    decl->used_from = inner.used_from;
    json_decref(decl->value);
    decl->value = json_incref(value);
    decl->state = value ? PK_VAR_DONE : PK_VAR_FAILED;
    decl->user = r->scope->user;
    decl->component = r->scope->component;
    return value;
}

json_t *pk_variable(struct pk_resolution *r, const char *name, bool *ret_found) {
    *ret_found = true;
    if (strcmp(name, "ENVIRONMENT") == 0)
        return pk_json_text(r->scope->loader->project->environment);
    const char *text = built_in(r, name);
    if (text)
        return pk_json_text(text);
    const struct pk_var_decl *decl = pk_find_variable(r->scope, name, r->tenant_scope);
    *ret_found = decl != NULL;
    return decl ? resolve(r, decl) : NULL;
}

json_t *pk_service_variable(struct pk_resolution *r, struct pk_service *owner, const char *name,
                            bool *ret_found) {
    const struct pk_service_vars *own = pk_map_get(r->scope->loader->service_vars, owner->name);
    *ret_found = own && (pk_map_has(own->overlay, name) || pk_map_has(own->base, name));
    if (!*ret_found)
        return NULL;
    /* as that service sees it: --var and overlays count */
    struct pk_scope scope = {r->scope->loader, owner, r->scope->user, r->scope->component};
    return resolve(r, pk_find_variable(&scope, name, false));
}

static void add_names(struct pk_vec *to, const struct pk_map *map) {
    size_t cursor = 0;
    const char *key;
    void *value;
    while (map && pk_map_next(map, &cursor, &key, &value))
        pk_vec_push(to, (void *)(uintptr_t)key);
}

static bool is_upper(const char *name) {
    for (; *name; name++)
        if (islower((unsigned char)*name))
            return false;
    return true;
}

void pk_report_unknown_variable(struct pk_resolution *r, const char *name, const char *at) {
    struct pk_loader *l = r->scope->loader;
    const struct pk_service *service = r->tenant_scope ? NULL : r->scope->service;
    const struct pk_service_vars *own = service ? pk_map_get(l->service_vars, service->name) : NULL;
    struct pk_vec names = PK_VEC_INIT;
    add_names(&names, l->cli);
    add_names(&names, own ? own->overlay : NULL);
    add_names(&names, own ? own->base : NULL);
    if (!r->tenant_scope) {
        add_names(&names, l->overlay_vars);
        add_names(&names, l->stack_vars);
    }
    add_names(&names, l->tenant_vars);
    pk_vec_push(&names, (void *)(uintptr_t) "ENVIRONMENT");
    struct pk_diag *d =
        pk_diag(l->diags, PK_SEVERITY_ERROR, "var.unknown", pk_place_in(r, at, strlen(name) + 3),
                "the variable `%s` is not set", name);
    pk_help_near(l->diags, d, name, (const char *const *)names.items, names.len);
    pk_vec_release(&names);
    pk_diag_detail(l->diags, d, "searched: --var, environment %s%s%s%s%s, tenant, PANKA_VAR_%s",
                   l->project->environment, service ? ", service " : "",
                   service ? service->name : "", r->tenant_scope ? "" : ", stack ",
                   r->tenant_scope ? "" : l->project->name, name);
    if (!is_upper(name))
        return;
    if (d->help)
        pk_diag_help(l->diags, d, "%s otherwise set it with --var %s=VALUE", d->help, name);
    else
        pk_diag_help(l->diags, d, "set it with --var %s=VALUE", name);
}

void pk_check_variables(struct pk_loader *l) {
    for (size_t i = 0; i < l->decls.len; i++) {
        struct pk_var_decl *decl = l->decls.items[i];
        struct pk_scope scope = {l, decl->service, decl->service, NULL};
        struct pk_resolution r = {.scope = &scope};
        if (decl->text && decl->node)
            json_decref(resolve(&r, decl));
    }
}

json_t *pk_effective_variables(struct pk_loader *l, struct pk_service *service) {
    const struct pk_service_vars *own = service ? pk_map_get(l->service_vars, service->name) : NULL;
    const struct pk_map *of_stack[] = {l->tenant_vars, l->stack_vars, l->overlay_vars, l->cli};
    const struct pk_map *of_service[] = {own ? own->base : NULL, own ? own->overlay : NULL};
    const struct pk_map **maps = service ? of_service : of_stack;
    size_t n = service ? PK_ARRAY_LEN(of_service) : PK_ARRAY_LEN(of_stack);
    struct pk_scope scope = {l, service, service, NULL};
    json_t *all = json_object();
    for (size_t i = 0; i < n; i++) {
        size_t cursor = 0;
        const char *name;
        void *unused;
        while (maps[i] && pk_map_next(maps[i], &cursor, &name, &unused)) {
            struct pk_resolution r = {.scope = &scope};
            bool found;
            json_t *value = pk_variable(&r, name, &found);
            if (json_is_string(value))
                json_object_set(all, name, value);
            json_decref(value);
        }
    }
    json_object_set_new(all, "ENVIRONMENT", pk_json_text(l->project->environment));
    return all;
}
