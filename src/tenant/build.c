/* build.c - a new TenantConfig from flags, or from a file and flags. */
#include "tenant/internal.h"

#include "base/fs.h"
#include "model/cidr.h"
#include "tenant/yaml_doc.h"
#include "yaml/yaml.h"
#include "json/json.h"

#include <stdlib.h>
#include <string.h>

#define DEFAULT_CIDR "10.0.0.0/16"
#define MAX_ZONES 16

/* Findings carry their place as text: the file is gone when they are shown. */
static void copy_findings(const struct pk_diags *from, const char *path, struct pk_diags *to) {
    for (size_t i = 0; i < pk_diags_len(from); i++) {
        const struct pk_diag *d = pk_diags_at(from, i);
        struct pk_diag *copy;
        if (path && d->span.src)
            copy = pk_diag(to, d->severity, d->id, (struct pk_span){0}, "%s:%u: %s", path,
                           d->span.line, d->message);
        else
            copy = pk_diag(to, d->severity, d->id, (struct pk_span){0}, "%s", d->message);
        if (d->label)
            pk_diag_label(to, copy, "%s", d->label);
        if (d->detail)
            pk_diag_detail(to, copy, "%s", d->detail);
        if (d->help)
            pk_diag_help(to, copy, "%s", d->help);
    }
}

/* Findings of one text; `path` NULL: it was made here, lines mean nothing to anybody. */
static void check_text(const char *text, const char *path, struct pk_diags *diags) {
    struct pk_arena *arena PK_CLEANUP(pk_arena_freep) = pk_arena_new();
    struct pk_diags *found PK_CLEANUP(pk_diags_freep) = pk_diags_new();
    struct pk_source source = {path ? path : "tenant.yaml", text, strlen(text)};
    struct pk_tenant_config *t = pk_tenant_config_parse(arena, &source, pk_kinds(), found);
    if (t && path == NULL && !pk_key_tenant_ok(t->name) && !pk_diags_has_errors(found))
        pk_diag(found, PK_SEVERITY_ERROR, "doc.name", (struct pk_span){0},
                "`%s` is no name of a tenant", t->name);
    copy_findings(found, path, diags);
}

static void set_default(json_t *doc, const char *path, json_t *value) {
    if (pk_json_at(doc, path))
        json_decref(value);
    else
        pk_json_put(doc, path, value);
}

/* Zones of the configuration's own region: the caller looked them up for the one it knew. */
static size_t choose_zones(const struct pk_tenant_init *init, const char *region,
                           struct pk_arena *arena, const char **ret) {
    size_t n = 0;
    for (size_t i = 0; i < init->n_azs && n < MAX_ZONES; i++)
        if (pk_starts_with(init->azs[i], region))
            ret[n++] = init->azs[i];
    if (n == 0 && *region) {
        ret[n++] = pk_arena_printf(arena, "%sa", region);
        ret[n++] = pk_arena_printf(arena, "%sb", region);
    }
    return n;
}

static json_t *subnets_json(const struct pk_cidr *cidrs, const char *const *zones, size_t n) {
    json_t *list = json_array();
    for (size_t i = 0; i < n; i++) {
        char text[20];
        pk_cidr_format(cidrs[i], text);
        json_array_append_new(
            list, json_pack("{s:s, s:s}", "cidrBlock", text, "availabilityZone", zones[i]));
    }
    return list;
}

static bool add_subnets(json_t *doc, const struct pk_tenant_init *init, struct pk_arena *arena,
                        struct pk_diags *diags) {
    const char *zones[MAX_ZONES];
    struct pk_cidr vpc, public[MAX_ZONES], private[MAX_ZONES];
    const char *text = pk_json_str(doc, "spec.networking.vpc.cidrBlock", "");
    size_t n = choose_zones(init, pk_json_str(doc, "spec.aws.region", ""), arena, zones);
    if (pk_json_at(doc, "spec.networking.subnets") || !pk_cidr_parse(text, &vpc) || n == 0)
        return true; /* what is wrong with the network itself is found by the schema */
    if (!pk_cidr_default_subnets(vpc, n, public, private)) {
        struct pk_diag *d =
            pk_diag(diags, PK_SEVERITY_ERROR, "net.too-small", (struct pk_span){0},
                    "%s has no room for %zu public and %zu private subnets", text, n, n);
        pk_diag_help(diags, d, "AWS takes subnets down to /28: choose a larger network");
        return false;
    }
    pk_json_put(doc, "spec.networking.subnets.public", subnets_json(public, zones, n));
    pk_json_put(doc, "spec.networking.subnets.private", subnets_json(private, zones, n));
    return true;
}

static bool add_network(json_t *doc, const struct pk_tenant_init *init, struct pk_arena *arena,
                        struct pk_diags *diags) {
    if (pk_json_at(doc, "spec.networking.existing"))
        return true;
    pk_json_put_str(doc, "spec.networking.vpc.cidrBlock", init->vpc_cidr);
    set_default(doc, "spec.networking.vpc.cidrBlock", json_string(DEFAULT_CIDR));
    set_default(doc, "spec.networking.vpc.enableDNSHostnames", json_true());
    set_default(doc, "spec.networking.vpc.enableDNSSupport", json_true());
    if (!add_subnets(doc, init, arena, diags))
        return false;
    if (init->nat_gateway_set)
        pk_json_put_bool(doc, "spec.networking.natGateway.enabled", init->nat_gateway);
    if (json_array_size(pk_json_at(doc, "spec.networking.subnets.private")) > 0)
        set_default(doc, "spec.networking.natGateway.enabled", json_true());
    set_default(doc, "spec.networking.natGateway.type", json_string("single"));
    set_default(doc, "spec.networking.internetGateway.enabled", json_true());
    return true;
}

/* What a file leaves open is not decided here: the schema's defaults hold. */
static void add_extras(json_t *doc, const char *tenant) {
    const char *group = "spec.networking.defaultSecurityGroup";
    if (!pk_json_at(doc, "spec.networking.existing")) {
        json_t *g = json_pack("{s:s, s:b, s:[{s:s, s:[s], s:s}]}", "name", "{tenant}-default-sg",
                              "allowInternalTraffic", 1, "egress", "protocol", "-1", "cidrBlocks",
                              "0.0.0.0/0", "description", "Allow all outbound");
        set_default(doc, group, g);
    }
    set_default(doc, "spec.limits",
                json_pack("{s:i, s:i, s:i}", "maxStacks", 10, "maxServicesPerStack", 20,
                          "maxResourcesPerService", 50));
    set_default(doc, "spec.defaultTags",
                json_pack("{s:s, s:s}", "tenant", tenant, "managed-by", "panka"));
}

static bool read_config(const char *path, json_t **ret, char **ret_text, struct pk_error **err) {
    struct pk_buf text PK_CLEANUP(pk_buf_release) = PK_BUF_INIT(0);
    if (!pk_read_file(path, PK_YAML_MAX_FILE, &text, err) ||
        !pk_yaml_doc_parse(pk_buf_cstr(&text), text.len, path, ret, err))
        return false;
    *ret_text = pk_strdup(pk_buf_cstr(&text));
    return true;
}

static void merge_flags(json_t *doc, const struct pk_tenant_init *init) {
    char now[21];
    pk_tenant_now(now);
    set_default(doc, "apiVersion", json_string("admin.panka.io/v1"));
    set_default(doc, "kind", json_string("TenantConfig"));
    set_default(doc, "metadata.name", pk_json_text(init->name));
    if (init->created_by)
        set_default(doc, "metadata.createdBy", pk_json_text(init->created_by));
    set_default(doc, "metadata.createdAt", json_string(now));
    pk_json_put_str(doc, "spec.aws.accountId", init->account_id);
    if (init->region)
        set_default(doc, "spec.aws.region", pk_json_text(init->region));
    pk_json_put_str(doc, "spec.aws.assumeRoleArn", init->assume_role_arn);
}

/* A file that is complete by itself is checked as it is: its findings have lines. */
static bool stands_alone(const json_t *doc) {
    return pk_json_at(doc, "kind") && pk_json_at(doc, "metadata.name") &&
           pk_json_at(doc, "spec.aws.accountId") && pk_json_at(doc, "spec.aws.region");
}

bool pk_tenant_build_config(const struct pk_tenant_init *init, struct pk_diags *diags,
                            char **ret_yaml, struct pk_error **err) {
    struct pk_arena *arena PK_CLEANUP(pk_arena_freep) = pk_arena_new();
    json_t *doc PK_CLEANUP(json_decrefp) = NULL;
    char *text PK_CLEANUP(pk_freep) = NULL;
    char *yaml PK_CLEANUP(pk_freep) = NULL;
    if (!init->config_path)
        doc = json_object();
    else if (!read_config(init->config_path, &doc, &text, err))
        return false;
    if (text && stands_alone(doc))
        check_text(text, init->config_path, diags);
    const char *named = pk_json_str(doc, "metadata.name", NULL);
    if (named && !pk_streq(named, init->name))
        return pk_fail(err, PK_E_CONFIG, "%s is the configuration of tenant %s, not of %s",
                       init->config_path, named, init->name);
    if (pk_diags_has_errors(diags))
        return pk_diags_fail(diags, err);
    merge_flags(doc, init);
    json_object_del(doc, "status"); /* ids are panka's to write */
    bool fits = add_network(doc, init, arena, diags);
    if (!init->config_path)
        add_extras(doc, init->name);
    if (!fits)
        return pk_diags_fail(diags, err);
    if (!pk_yaml_doc_text(doc, "tenant.yaml", &yaml, err))
        return false;
    struct pk_diags *found PK_CLEANUP(pk_diags_freep) = pk_diags_new();
    check_text(yaml, NULL, found);
    if (pk_diags_has_errors(found) || pk_diags_len(diags) == 0)
        pk_diags_merge(diags, found);
    if (pk_diags_has_errors(diags))
        return pk_diags_fail(diags, err);
    *ret_yaml = pk_steal(&yaml);
    return true;
}
