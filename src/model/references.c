/* references.c - from names of components to addresses and outputs; the callbacks of the schema. */
#include "model/load.h"
#include "json/json.h"

#include <string.h>

static void report_ambiguous(struct pk_loader *l, const char *name, const struct pk_vec *found,
                             struct pk_span span) {
    struct pk_buf buf = PK_BUF_INIT(4096);
    for (size_t i = 0; i < found->len; i++)
        pk_buf_addf(&buf, "%s`%s`",
                    i == 0                ? ""
                    : i + 1 == found->len ? " or "
                                          : ", ",
                    ((const struct pk_component *)found->items[i])->address);
    struct pk_diag *d = pk_diag(l->diags, PK_SEVERITY_ERROR, "ref.ambiguous", span,
                                "several services have a component `%s`", name);
    pk_diag_help(l->diags, d, "write %s", pk_buf_cstr(&buf));
    pk_buf_release(&buf);
}

static void report_unknown(struct pk_loader *l, const char *ref, struct pk_span span) {
    if (l->incomplete)
        return; /* it may be in the file that could not be read */
    const char *slash = strchr(ref, '/');
    struct pk_vec names = PK_VEC_INIT;
    size_t cursor = 0;
    const char *key;
    void *value;
    while (pk_map_next(slash ? l->by_address : l->by_name, &cursor, &key, &value))
        pk_vec_push(&names, (void *)(uintptr_t)key);
    struct pk_diag *d = pk_diag(l->diags, PK_SEVERITY_ERROR, "ref.component-unknown", span,
                                "there is no component `%s`", ref);
    const struct pk_vec *elsewhere = slash ? pk_map_get(l->by_name, slash + 1) : NULL;
    if (elsewhere) {
        struct pk_buf buf = PK_BUF_INIT(4096);
        for (size_t i = 0; i < elsewhere->len; i++)
            pk_buf_addf(&buf, "%s`%s`", i ? ", " : "",
                        ((const struct pk_component *)elsewhere->items[i])->address);
        pk_diag_help(l->diags, d, "there is %s", pk_buf_cstr(&buf));
        pk_buf_release(&buf);
    } else if (!slash && pk_map_has(l->services, ref)) {
        pk_diag_help(l->diags, d, "`%s` is a service; name one of its components", ref);
    } else {
        pk_help_near(l->diags, d, ref, (const char *const *)names.items, names.len);
    }
    pk_vec_release(&names);
}

struct pk_component *pk_resolve_component(struct pk_scope *scope, const char *ref,
                                          struct pk_span span, bool quiet) {
    struct pk_loader *l = scope->loader;
    struct pk_component *found = NULL;
    if (strchr(ref, '/')) {
        found = pk_map_get(l->by_address, ref);
    } else {
        if (scope->service) {
            PK_CLEANUP(pk_freep) char *own = pk_asprintf("%s/%s", scope->service->name, ref);
            found = pk_map_get(l->by_address, own);
        }
        const struct pk_vec *all = found ? NULL : pk_map_get(l->by_name, ref);
        if (all && all->len > 1) {
            if (!quiet)
                report_ambiguous(l, ref, all, span);
            return NULL;
        }
        if (all)
            found = all->items[0];
    }
    if (!found && !quiet)
        report_unknown(l, ref, span);
    return found;
}

static bool asker_is_disabled(const struct pk_scope *scope) {
    return scope->component && !scope->component->enabled;
}

static json_t *out_token(const char *address, const char *output) {
    json_t *token = json_object();
    json_object_set_new(token, "$out", json_string(address));
    json_object_set_new(token, "output", json_string(output));
    return token;
}

static void report_disabled(struct pk_loader *l, const struct pk_component *c,
                            struct pk_span span) {
    struct pk_diag *d = pk_diag(l->diags, PK_SEVERITY_ERROR, "ref.disabled", span,
                                "the component %s is disabled", c->address);
    pk_diag_related(l->diags, d, c->span, "%s is declared here", c->address);
    pk_diag_help(l->diags, d, "give a default with `${…:-default}`, or enable the component");
}

json_t *pk_component_output(struct pk_resolution *r, const char *component, const char *output,
                            struct pk_span component_span, struct pk_span output_span,
                            bool has_default, bool *ret_found) {
    struct pk_loader *l = r->scope->loader;
    *ret_found = false;
    const struct pk_component *c = pk_resolve_component(r->scope, component, component_span, true);
    if (!c) {
        struct pk_service *service = pk_map_get(l->services, component);
        if (has_default)
            return NULL;
        if (service && !strchr(component, '/') && !pk_map_has(l->by_name, component)) {
            struct pk_diag *d = pk_diag(l->diags, PK_SEVERITY_ERROR, "var.unknown", output_span,
                                        "service %s has no variable `%s`", component, output);
            pk_diag_help(l->diags, d, "set it in `spec.variables` of the Service %s", component);
        } else {
            pk_resolve_component(r->scope, component, component_span, false);
        }
        return NULL;
    }
    if (!c->enabled && !asker_is_disabled(r->scope)) {
        if (!has_default)
            report_disabled(l, c, component_span);
        return NULL;
    }
    /* a kind that is not offered has its finding already */
    const char *canonical = c->table ? pk_output_canonical(l->arena, c->table, output) : output;
    if (!canonical) {
        if (has_default)
            return NULL;
        struct pk_diag *d = pk_diag(l->diags, PK_SEVERITY_ERROR, "ref.output-unknown", output_span,
                                    "%s (%s) has no output `%s`", c->address, c->kind, output);
        pk_diag_help(l->diags, d, "outputs of %s: %s", c->kind, pk_output_list(l->arena, c->table));
        return NULL;
    }
    *ret_found = true;
    return out_token(c->address, canonical);
}

/* --- callbacks of the schema */

static json_t *on_expand(void *ctx, const struct pk_node *scalar, struct pk_diags *diags) {
    struct pk_resolution r = {.scope = ctx, .node = scalar};
    (void)diags; /* the loader's own */
    return pk_expand_text(&r, scalar->text);
}

static json_t *on_output(void *ctx, const struct pk_node *component, const struct pk_node *output,
                         struct pk_diags *diags) {
    struct pk_resolution r = {.scope = ctx, .node = component};
    (void)diags;
    const char *name = pk_scope_text(ctx, component, "valueFrom.component");
    const char *what = pk_scope_text(ctx, output, "valueFrom.output");
    bool found;
    if (!name || !what)
        return NULL;
    return pk_component_output(&r, name, what, component->span, output->span, false, &found);
}

static json_t *on_component(void *ctx, const struct pk_field *field, const char *text,
                            struct pk_span span, struct pk_diags *diags) {
    struct pk_scope *scope = ctx;
    const struct pk_component *c = pk_resolve_component(scope, text, span, false);
    if (!c)
        return NULL;
    if (!c->enabled && !asker_is_disabled(scope)) {
        if (strcmp(field->path, "dependsOn[]") != 0) {
            report_disabled(scope->loader, c, span);
            return NULL;
        }
        struct pk_diag *d = pk_diag(diags, PK_SEVERITY_INFO, "ref.disabled", span,
                                    "the component %s is disabled", c->address);
        pk_diag_label(diags, d, "this dependency is left out");
        return NULL;
    }
    return json_string(c->address);
}

static const char *on_origin(void *ctx, const struct pk_node *scalar, struct pk_span *ret_span) {
    struct pk_scope *scope = ctx;
    const char *name = pk_single_variable(scope->loader->arena, scalar->text);
    const struct pk_var_decl *decl = name ? pk_find_variable(scope, name, false) : NULL;
    if (decl && decl->node)
        *ret_span = decl->node->span;
    else if (decl && decl->source)
        name = pk_arena_printf(scope->loader->arena, "%s (from %s)", name, decl->source);
    return name;
}

struct pk_interpolator pk_scope_interpolator(struct pk_scope *scope) {
    return (struct pk_interpolator){.expand = on_expand,
                                    .ctx = scope,
                                    .output = on_output,
                                    .component = on_component,
                                    .origin = on_origin};
}

const char *pk_scope_text(struct pk_scope *scope, const struct pk_node *scalar, const char *what) {
    struct pk_loader *l = scope->loader;
    if (!strchr(scalar->text, '$'))
        return scalar->text;
    json_t *value = on_expand(scope, scalar, l->diags);
    const char *text = NULL;
    if (json_is_string(value))
        text = pk_arena_strdup(l->arena, json_string_value(value));
    else if (value)
        pk_diag(l->diags, PK_SEVERITY_ERROR, "ref.not-deferrable", scalar->span,
                "`%s` must be known before anything is deployed", what);
    json_decref(value);
    return text;
}
