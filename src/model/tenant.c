/* tenant.c - the TenantConfig document. */
#include "model/load.h"
#include "model/network.h"
#include "json/json.h"

#include <stdio.h>
#include <string.h>

static void free_tenant(void *data) {
    struct pk_tenant_config *tenant = data;
    json_decref(tenant->spec);
    json_decref(tenant->networking);
}

static void check_account(const struct pk_tenant_config *t, struct pk_diags *diags) {
    const char *account = pk_json_str(t->spec, "aws.accountId", NULL);
    const char *role = pk_json_str(t->spec, "aws.assumeRoleArn", NULL);
    struct pk_str rest = pk_str(role), part = {NULL, 0};
    if (!account || !role)
        return;
    for (int i = 0; i < 5; i++) /* arn:partition:iam::ACCOUNT:role/… */
        if (!pk_str_cut(&rest, ':', &part))
            return;
    if (!pk_str_eqz(part, account))
        pk_diag(diags, PK_SEVERITY_ERROR, "tenant.account-mismatch",
                pk_spans_find(t->spans, "aws.assumeRoleArn"),
                "the role belongs to another account than %s", account);
}

static void check_kinds(const struct pk_tenant_config *t, struct pk_diags *diags) {
    json_t *kinds = json_object_get(t->spec, "allowedResources");
    for (size_t i = 0; i < json_array_size(kinds); i++) {
        const char *name = json_string_value(json_array_get(kinds, i));
        const char *kind = pk_kind_canonical(name);
        if (kind && pk_kind_is_component(kind)) {
            json_array_set_new(kinds, i, json_string(kind));
            continue;
        }
        char path[48];
        const char *names[64];
        size_t n = 0;
        snprintf(path, sizeof(path), "allowedResources[%zu]", i);
        for (size_t k = 0; k < pk_n_catalogue && n < PK_ARRAY_LEN(names); k++)
            if (pk_kind_is_component(pk_catalogue[k].kind))
                names[n++] = pk_catalogue[k].kind;
        struct pk_diag *d =
            pk_diag(diags, PK_SEVERITY_ERROR, "doc.kind", pk_spans_find(t->spans, path),
                    "`%s` is no kind of component", name);
        pk_help_near(diags, d, name, names, n);
    }
}

static void check_rest(const struct pk_tenant_config *t, struct pk_diags *diags) {
    const json_t *regions = json_object_get(t->spec, "regions");
    const char *region = pk_json_str(t->spec, "aws.region", NULL);
    bool found = json_array_size(regions) == 0 || !region;
    for (size_t i = 0; i < json_array_size(regions) && !found; i++)
        found = pk_streq(json_string_value(json_array_get(regions, i)), region);
    if (!found)
        pk_diag(diags, PK_SEVERITY_ERROR, "field.conflict", pk_spans_find(t->spans, "aws.region"),
                "`aws.region` is not one of `regions`");
    if (json_object_size(json_object_get(t->spec, "defaults")) > 0) {
        struct pk_diag *d = pk_diag(diags, PK_SEVERITY_ERROR, "kind.not-offered",
                                    pk_spans_find(t->spans, "defaults"),
                                    "`defaults` is known, but this version does not offer it");
        pk_diag_help(diags, d, "it has the shape of InfraDefaults; remove it");
    }
}

static void read_status(struct pk_tenant_config *t, const struct pk_node *root) {
    const struct pk_node *networking = pk_node_get(pk_node_get(root, "status"), "networking");
    if (networking && networking->kind == PK_NODE_MAP && networking->n_pairs > 0)
        t->networking = pk_node_json(networking);
}

static struct pk_tenant_config *type_tenant(struct pk_arena *arena, const struct pk_doc *doc,
                                            const struct pk_node *root,
                                            const struct pk_source *source,
                                            struct pk_diags *diags) {
    struct pk_tenant_config *t = pk_arena_alloc(arena, sizeof(*t));
    pk_arena_on_free(arena, free_tenant, t);
    t->name = doc->name;
    t->source = source;
    t->spec = pk_schema_apply(arena, &pk_kind_tenant_config, false, doc->spec, doc->spec_place,
                              NULL, diags, &t->spans);
    read_status(t, root);
    check_account(t, diags);
    check_kinds(t, diags);
    check_rest(t, diags);
    pk_network_check(json_object_get(t->spec, "networking"), t->spans,
                     pk_json_str(t->spec, "aws.region", NULL), diags);
    return t;
}

struct pk_tenant_config *pk_tenant_config_parse(struct pk_arena *arena,
                                                const struct pk_source *source,
                                                const struct pk_kind_registry *kinds,
                                                struct pk_diags *diags) {
    struct pk_load_options options = {.kinds = kinds};
    struct pk_loader l = {.options = &options, .arena = arena, .diags = diags};
    struct pk_file file = {.source = source, .place = PK_PLACE_SINGLE, .dir = ""};
    struct pk_vec docs = PK_VEC_INIT;
    struct pk_tenant_config *tenant = NULL;
    pk_yaml_parse(arena, source, diags, &file.docs, &file.n_docs);
    pk_read_documents(&l, &file, &docs);
    for (size_t i = 0; i < docs.len; i++) {
        const struct pk_doc *doc = docs.items[i];
        if (strcmp(doc->kind, "TenantConfig") != 0) {
            pk_diag(diags, PK_SEVERITY_ERROR, "doc.kind", doc->kind_span,
                    "a tenant's file holds a TenantConfig, no %s", doc->kind);
        } else if (tenant) {
            pk_diag(diags, PK_SEVERITY_ERROR, "doc.duplicate", doc->kind_span,
                    "a tenant has one TenantConfig");
        } else if (doc->table) {
            const struct pk_node *root = NULL;
            for (size_t k = 0; k < file.n_docs; k++)
                if (file.docs[k].root &&
                    pk_node_get(file.docs[k].root, "metadata") == doc->metadata)
                    root = file.docs[k].root;
            tenant = type_tenant(arena, doc, root, source, diags);
        }
    }
    if (!tenant && !pk_diags_has_errors(diags))
        pk_diag(diags, PK_SEVERITY_ERROR, "doc.kind", (struct pk_span){source, 1, 1, 1, 1},
                "%s has no TenantConfig document", source->path);
    pk_vec_release(&docs);
    return tenant;
}
