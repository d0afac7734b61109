/* check.c - rules about the stack as a whole, and what the tenant allows. */
#include "base/fs.h"
#include "model/load.h"
#include "model/network.h"
#include "json/json.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* --- Stack */

static bool already_read(const struct pk_loader *l, const char *path) {
    size_t root = strlen(l->root);
    for (size_t i = 0; i < l->files.len; i++) {
        const struct pk_file *file = l->files.items[i];
        const char *shown = file->source->path + strlen(l->shown_root);
        if (strncmp(path, l->root, root) == 0 && strcmp(path + root + 1, shown) == 0)
            return true;
    }
    return false;
}

/* A file named by spec.infrastructure.* is read like one in infra/; the scaffold's default names
 * may be missing. */
static void read_infrastructure(struct pk_loader *l, const json_t *spec,
                                const struct pk_spans *spans, const char *dir) {
    const char *key;
    json_t *value;
    json_object_foreach(json_object_get(spec, "infrastructure"), key, value) {
        const char *name = json_string_value(value);
        PK_CLEANUP(pk_freep) char *field = pk_asprintf("infrastructure.%s", key);
        struct pk_span span = pk_spans_find(spans, field);
        if (!name)
            continue;
        PK_CLEANUP(pk_freep) char *joined = pk_path_join(dir, name);
        char *path = pk_real_path(joined, NULL);
        size_t root = strlen(l->root);
        bool scaffold = pk_starts_with(name, "./infra/") && pk_ends_with(name, ".yaml");
        if (!path) {
            pk_diag(l->diags, scaffold ? PK_SEVERITY_WARNING : PK_SEVERITY_ERROR, "file.missing",
                    span, "there is no file %s", name);
        } else if (strncmp(path, l->root, root) != 0 || path[root] != '/') {
            pk_diag(l->diags, PK_SEVERITY_ERROR, "file.symlink-outside", span,
                    "%s lies outside the stack folder", name);
        } else if (!already_read(l, path)) {
            struct pk_vec docs = PK_VEC_INIT;
            const struct pk_file *file = pk_read_yaml(l, path, PK_PLACE_INFRA, span);
            if (file)
                pk_read_documents(l, file, &docs);
            for (size_t i = 0; i < docs.len; i++) {
                const struct pk_doc *doc = docs.items[i];
                if (doc->table) /* an infra kind has its finding: none is offered */
                    pk_diag(l->diags, PK_SEVERITY_ERROR, "doc.mismatch", doc->kind_span,
                            "%s does not belong into an infrastructure file", doc->kind);
            }
            pk_vec_release(&docs);
        }
        free(path);
    }
}

void pk_check_stack(struct pk_loader *l) {
    const struct pk_project *p = l->project;
    const char *provider = pk_json_str(p->spec, "provider.name", "aws");
    if (strcmp(provider, "aws") != 0)
        pk_diag(l->diags, PK_SEVERITY_ERROR, "stack.provider",
                pk_spans_find(p->spans, "provider.name"), "panka cannot deploy to %s, only to aws",
                provider);
    if (l->options->tenant && pk_spans_has(p->spans, "backend")) {
        struct pk_diag *d = pk_diag(l->diags, PK_SEVERITY_ERROR, "stack.backend",
                                    pk_spans_find(p->spans, "backend"),
                                    "a tenant's stack cannot choose where its state is kept");
        pk_diag_help(l->diags, d, "remove `backend`: the tenant's bucket is used");
    }
    pk_rules_check(pk_json_at(p->spec, "networking.securityGroup.ingress"),
                   "networking.securityGroup.ingress", p->spans, l->diags);
    pk_rules_check(pk_json_at(p->spec, "networking.securityGroup.egress"),
                   "networking.securityGroup.egress", p->spans, l->diags);
    read_infrastructure(l, p->spec, p->spans, l->stack->file->dir);
    for (size_t i = 0; i < l->docs.len; i++) {
        const struct pk_doc *doc = l->docs.items[i];
        if (strcmp(doc->kind, "Service") == 0 && doc->owner && doc->owner->spec)
            read_infrastructure(l, doc->owner->spec, doc->owner->spans, doc->file->dir);
    }
}

/* --- Services */

enum colour { WHITE, GREY, BLACK };

struct walk {
    struct pk_loader *l;
    struct pk_map *colours; /* name -> enum colour */
    struct pk_vec path;     /* struct pk_service */
    bool reported;
};

static struct pk_span dependency_span(const struct pk_service *service, size_t index) {
    char path[48];
    snprintf(path, sizeof(path), "dependsOn[%zu]", index);
    return pk_spans_find(service->spans, path);
}

static void report_cycle(struct walk *w, const struct pk_service *back, struct pk_span span) {
    struct pk_buf buf = PK_BUF_INIT(16384);
    size_t start = 0;
    while (w->path.items[start] != back)
        start++;
    for (size_t i = start; i < w->path.len; i++)
        pk_buf_addf(&buf, "%s -> ", ((const struct pk_service *)w->path.items[i])->name);
    pk_buf_addz(&buf, back->name);
    struct pk_diag *d = pk_diag(w->l->diags, PK_SEVERITY_ERROR, "svc.cycle", span,
                                "services depend on each other in a circle");
    pk_diag_label(w->l->diags, d, "%s", pk_buf_cstr(&buf));
    pk_buf_release(&buf);
}

static void visit(struct walk *w, struct pk_service *service) {
    const json_t *list = json_object_get(service->spec, "dependsOn");
    pk_map_set(w->colours, service->name, (void *)(uintptr_t)GREY);
    pk_vec_push(&w->path, service);
    for (size_t i = 0; i < json_array_size(list); i++) {
        const char *name = json_string_value(json_array_get(list, i));
        struct pk_service *next = name ? pk_map_get(w->l->services, name) : NULL;
        uintptr_t colour = next ? (uintptr_t)pk_map_get(w->colours, next->name) : BLACK;
        if (colour == WHITE)
            visit(w, next);
        else if (colour == GREY)
            report_cycle(w, next, dependency_span(service, i));
    }
    pk_vec_pop(&w->path);
    pk_map_set(w->colours, service->name, (void *)(uintptr_t)BLACK);
}

static void check_dependencies(struct pk_loader *l, const struct pk_service *service) {
    const json_t *list = json_object_get(service->spec, "dependsOn");
    for (size_t i = 0; i < json_array_size(list); i++) {
        const char *name = json_string_value(json_array_get(list, i));
        if (!name || pk_map_has(l->services, name) || l->incomplete)
            continue;
        struct pk_vec names = PK_VEC_INIT;
        for (size_t k = 0; k < l->project->services.len; k++) {
            const struct pk_service *other = l->project->services.items[k];
            pk_vec_push(&names, (void *)(uintptr_t)other->name);
        }
        struct pk_diag *d =
            pk_diag(l->diags, PK_SEVERITY_ERROR, "svc.unknown", dependency_span(service, i),
                    "the stack has no service `%s`", name);
        pk_help_near(l->diags, d, name, (const char *const *)names.items, names.len);
        pk_vec_release(&names);
    }
}

void pk_check_services(struct pk_loader *l) {
    struct walk w = {.l = l, .colours = pk_map_new()};
    for (size_t i = 0; i < l->project->services.len; i++) {
        struct pk_service *service = l->project->services.items[i];
        const struct pk_component *first =
            service->components.len ? service->components.items[0] : NULL;
        check_dependencies(l, service);
        if (!pk_map_get(w.colours, service->name))
            visit(&w, service);
        if (service->implicit && first) {
            struct pk_diag *d =
                pk_diag(l->diags, PK_SEVERITY_WARNING, "svc.implicit", first->meta.name_span,
                        "the service `%s` has no Service document", service->name);
            pk_diag_help(l->diags, d, "`panka service add %s` makes one", service->name);
        } else if (!first && !l->incomplete) {
            pk_diag(l->diags, PK_SEVERITY_WARNING, "svc.empty", service->meta.name_span,
                    "the service `%s` has no components", service->name);
        }
    }
    pk_vec_release(&w.path);
    pk_map_free(w.colours);
}

/* --- tenant */

static bool listed(const json_t *list, const char *word) {
    for (size_t i = 0; i < json_array_size(list); i++)
        if (pk_streq(json_string_value(json_array_get(list, i)), word))
            return true;
    return false;
}

static void check_limits(struct pk_loader *l, const json_t *tenant) {
    const struct pk_project *p = l->project;
    int64_t max_services = pk_json_int(tenant, "limits.maxServicesPerStack", INT64_MAX);
    int64_t max_components = pk_json_int(tenant, "limits.maxResourcesPerService", INT64_MAX);
    if ((int64_t)p->services.len > max_services) {
        struct pk_diag *d = pk_diag(l->diags, PK_SEVERITY_ERROR, "tenant.limit", p->meta.name_span,
                                    "the stack has %zu services, the tenant allows %lld",
                                    p->services.len, (long long)max_services);
        pk_diag_help(l->diags, d, "an administrator can raise limits.maxServicesPerStack");
    }
    for (size_t i = 0; i < p->services.len; i++) {
        const struct pk_service *service = p->services.items[i];
        int64_t n = 0;
        struct pk_span span = service->meta.name_span;
        for (size_t k = 0; k < service->components.len; k++) {
            const struct pk_component *c = service->components.items[k];
            n += c->enabled;
            if (!span.src)
                span = c->meta.name_span;
        }
        if (n <= max_components)
            continue;
        struct pk_diag *d = pk_diag(l->diags, PK_SEVERITY_ERROR, "tenant.limit", span,
                                    "the service %s has %lld components, the tenant allows %lld",
                                    service->name, (long long)n, (long long)max_components);
        pk_diag_help(l->diags, d,
                     "split the service; an administrator can raise limits.maxResourcesPerService");
    }
}

static void check_kinds(struct pk_loader *l, const json_t *tenant) {
    const json_t *allowed = json_object_get(tenant, "allowedResources");
    if (json_array_size(allowed) == 0)
        return;
    PK_CLEANUP(pk_freep) char *names = pk_json_canonical(allowed);
    for (size_t i = 0; i < l->component_docs.len; i++) {
        const struct pk_doc *doc = l->component_docs.items[i];
        if (!doc->component->enabled || listed(allowed, doc->kind))
            continue;
        struct pk_diag *d = pk_diag(l->diags, PK_SEVERITY_ERROR, "tenant.kind-forbidden",
                                    doc->kind_span, "the tenant may not use %s", doc->kind);
        pk_diag_address(l->diags, d, "%s", doc->component->address);
        pk_diag_detail(l->diags, d, "allowed: %s", names);
    }
}

static void check_target(struct pk_loader *l, const json_t *tenant) {
    const struct pk_project *p = l->project;
    const char *account = pk_json_str(tenant, "aws.accountId", NULL);
    const json_t *regions = json_object_get(tenant, "regions");
    if (account && *p->account_id && strcmp(account, p->account_id) != 0)
        pk_diag(l->diags, PK_SEVERITY_ERROR, "tenant.account-mismatch",
                pk_spans_find(p->spans, "provider.accountId"),
                "the account %s is not the tenant's, which is %s", p->account_id, account);
    if (json_array_size(regions) == 0 || !*p->region || listed(regions, p->region))
        return;
    PK_CLEANUP(pk_freep) char *names = pk_json_canonical(regions);
    struct pk_diag *d = pk_diag(l->diags, PK_SEVERITY_ERROR, "tenant.region-forbidden",
                                pk_spans_find(p->spans, "provider.region"),
                                "the tenant may not use the region %s", p->region);
    pk_diag_detail(l->diags, d, "allowed: %s", names);
}

/* What the tenant's network must offer to the kinds in use. */
static void check_network(struct pk_loader *l, const json_t *tenant) {
    static const char *const two_zones[] = {"RDS", "DocumentDB", "ALB", "MSK", "AWSMemoryDB"};
    static const char *const private[] = {"MicroService", "Worker", "CronJob", "Lambda"};
    const json_t *network = json_object_get(tenant, "networking");
    size_t zones = pk_network_private_zones(network);
    bool egress = pk_network_has_egress(network), said = false;
    if (json_array_size(pk_json_at(network, "subnets.private")) == 0)
        return; /* described elsewhere, or made from the VPC's network over two zones */
    for (size_t i = 0; i < l->project->components.len; i++) {
        const struct pk_component *c = l->project->components.items[i];
        for (size_t k = 0; zones < 2 && c->enabled && k < PK_ARRAY_LEN(two_zones); k++) {
            if (strcmp(c->kind, two_zones[k]) != 0)
                continue;
            struct pk_diag *d =
                pk_diag(l->diags, PK_SEVERITY_ERROR, "net.two-azs", c->meta.name_span,
                        "%s needs private subnets in two zones", c->kind);
            pk_diag_address(l->diags, d, "%s", c->address);
            pk_diag_help(l->diags, d, "an administrator adds them to the tenant's network");
        }
        for (size_t k = 0; !egress && !said && c->enabled && k < PK_ARRAY_LEN(private); k++) {
            if (strcmp(c->kind, private[k]) != 0)
                continue;
            struct pk_diag *d = pk_diag(l->diags, PK_SEVERITY_WARNING, "net.no-egress",
                                        c->meta.name_span, "private subnets have no way out");
            pk_diag_help(l->diags, d,
                         "images and AWS services are out of reach without natGateway or "
                         "vpcEndpoints in the tenant's network");
            said = true;
        }
    }
}

void pk_check_tenant(struct pk_loader *l) {
    if (!l->options->tenant_config)
        return;
    const json_t *tenant = l->options->tenant_config->spec;
    check_limits(l, tenant);
    check_kinds(l, tenant);
    check_target(l, tenant);
    check_network(l, tenant);
}
