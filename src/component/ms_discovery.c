/* ms_discovery.c - Cloud Map and Service Connect. */
#include "component/check.h"
#include "component/internal.h"
#include "component/ms.h"

#include "base/str.h"

#include <string.h>

static bool is_discovered(const struct pk_component *c) {
    return pk_spec_bool(c, "serviceDiscovery.enabled");
}

/* All stacks of a tenant share one VPC, in which a zone name is unique: the environment is part of
 * the name. */
static const char *full_name(struct pk_expansion *x, const char *written) {
    const char *name = written ? written : x->project->name;
    if (strchr(name, '.'))
        return name;
    return pk_arena_printf(x->arena, "%s.%s.local", name, x->project->environment);
}

static struct pk_resource *namespace_node(struct pk_expansion *x, const struct pk_component *c,
                                          const char *written) {
    const char *name = full_name(x, written);
    bool usual = strcmp(name, full_name(x, NULL)) == 0, is_new;
    const char *sub = usual ? "namespace" : pk_arena_printf(x->arena, "namespace-%s", name);
    struct pk_resource *r =
        pk_x_stack_node(x, sub, "AWS::ServiceDiscovery::PrivateDnsNamespace", &is_new);
    if (!is_new)
        return r;
    r->span = pk_spec_span(c, "serviceDiscovery");
    pk_x_explicit_name(x, r, name);
    pk_resource_set(x->graph, r, "Vpc", pk_x_vpc_id(x, c), r->span);
    pk_resource_set(x->graph, r, "Description",
                    pk_json_textf("Stack %s, %s", x->project->name, x->project->environment),
                    r->span);
    return r;
}

static const char *label(const struct pk_component *c) {
    const char *written = pk_spec_str(c, "serviceDiscovery.name");
    return written ? written : c->name;
}

const char *pk_ms_discovery_host(struct pk_expansion *x, const struct pk_component *c) {
    if (!is_discovered(c))
        return NULL;
    return pk_arena_printf(x->arena, "%s.%s", label(c),
                           full_name(x, pk_spec_str(c, "serviceDiscovery.namespace")));
}

static void register_tasks(struct pk_expansion *x, const struct pk_component *c,
                           struct pk_resource *service) {
    struct pk_span span = pk_spec_span(c, "serviceDiscovery");
    const struct pk_resource *space =
        namespace_node(x, c, pk_spec_str(c, "serviceDiscovery.namespace"));
    struct pk_resource *r = pk_x_node(x, c, "discovery", "AWS::ServiceDiscovery::Service");
    pk_x_explicit_name(x, r, label(c));
    json_int_t ttl = pk_spec_int(c, "serviceDiscovery.ttl", 10);
    pk_resource_set(x->graph, r, "NamespaceId", pk_token_ref(space->key, "Id"), span);
    pk_resource_set(x->graph, r, "DnsConfig",
                    json_pack("{s:[{s:s, s:I}], s:s}", "DnsRecords", "Type", "A", "TTL", ttl,
                              "RoutingPolicy", "MULTIVALUE"),
                    span);
    pk_resource_set(x->graph, r, "HealthCheckCustomConfig",
                    json_pack("{s:i}", "FailureThreshold", 1), span);
    pk_resource_set(x->graph, service, "ServiceRegistries",
                    json_pack("[{s:o}]", "RegistryArn", pk_token_ref(r->key, "Arn")), span);
}

/* --- Service Connect -------------------------------------------------------------------------- */

static json_t *offered_ports(const struct pk_component *c) {
    const json_t *ports = pk_spec_get(c, "ports");
    json_t *list = json_array();
    for (size_t i = 0; i < json_array_size(ports); i++) {
        const json_t *port = json_array_get(ports, i);
        const char *name = pk_json_str(port, "name", "");
        if (strcmp(pk_json_str(port, "protocol", "tcp"), "tcp") != 0)
            continue;
        /* its name in Cloud Map must differ from that of service discovery */
        json_array_append_new(
            list, json_pack("{s:s, s:o, s:[{s:I, s:s}]}", "PortName", name, "DiscoveryName",
                            pk_json_textf("%s-%s", c->name, name), "ClientAliases", "Port",
                            (json_int_t)pk_json_int(port, "port", 0), "DnsName", c->name));
    }
    return list;
}

static void connect(struct pk_expansion *x, const struct pk_component *c,
                    struct pk_resource *service) {
    const char *written = pk_spec_str(c, "serviceConnect.namespace");
    json_t *space;
    if (written && pk_starts_with(written, "arn:"))
        space = pk_json_text(written);
    else
        space = pk_token_ref(namespace_node(x, c, written)->key, "Arn");
    pk_resource_set(x->graph, service, "ServiceConnectConfiguration",
                    json_pack("{s:b, s:o, s:o}", "Enabled", 1, "Namespace", space, "Services",
                              offered_ports(c)),
                    pk_spec_span(c, "serviceConnect"));
}

void pk_ms_discovery(struct pk_expansion *x, const struct pk_component *c,
                     struct pk_resource *service) {
    if (is_discovered(c))
        register_tasks(x, c, service);
    if (pk_spec_bool(c, "serviceConnect.enabled"))
        connect(x, c, service);
}

void pk_ms_discovery_check(struct pk_expansion *x, const struct pk_component *c) {
    static const char *const names[] = {"serviceDiscovery.namespace", "serviceDiscovery.name",
                                        "serviceDiscovery.ttl", NULL};
    static const char *const spaces[] = {"serviceConnect.namespace", NULL};
    struct pk_diag *d;
    pk_x_warn_inert(x, c, "serviceDiscovery.enabled", names);
    pk_x_warn_inert(x, c, "serviceConnect.enabled", spaces);
    if (is_discovered(c) && !pk_ms_is_awsvpc(c)) {
        d = pk_x_finding(x, c, PK_SEVERITY_ERROR, "ms.discovery", "serviceDiscovery",
                         "addresses are registered in the network mode awsvpc only");
        pk_diag_help(x->diags, d, "remove `runtime.networkMode`");
    }
    if (!pk_spec_bool(c, "serviceConnect.enabled"))
        return;
    json_t *ports = offered_ports(c);
    bool none = json_array_size(ports) == 0;
    json_decref(ports);
    const char *mode = pk_spec_str(c, "runtime.networkMode");
    if (none) {
        d = pk_x_finding(x, c, PK_SEVERITY_ERROR, "ms.service-connect", "serviceConnect",
                         "Service Connect needs a tcp port");
        pk_diag_help(x->diags, d, "declare one under `ports`");
    } else if (pk_streq(mode, "host") || pk_streq(mode, "none")) {
        d = pk_x_finding(x, c, PK_SEVERITY_ERROR, "ms.service-connect", "serviceConnect",
                         "Service Connect does not work in the network mode %s", mode);
        pk_diag_help(x->diags, d, "use awsvpc");
    }
}
