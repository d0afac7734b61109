/* network.c - a tenant's network as resources: VPC, subnets, routes, gateways.
 */
#include "tenant/network.h"

#include "base/str.h"
#include "component/names.h"
#include "model/cidr.h"
#include "json/json.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define KIND "TenantConfig"
#define EVERYWHERE "0.0.0.0/0"

/* --- nodes */

struct pk_span pk_net_span(const struct pk_net *n, const char *path) {
    if (!n->tenant->spans)
        return (struct pk_span){0};
    char *full PK_CLEANUP(pk_freep) =
        path ? pk_asprintf("networking.%s", path) : pk_strdup("networking");
    return pk_spans_find(n->tenant->spans, full);
}

const char *pk_net_text(struct pk_net *n, const char *text) {
    const char *at = text ? strstr(text, "{tenant}") : NULL;
    if (!at)
        return text;
    return pk_net_text(n, pk_arena_printf(n->arena, "%.*s%s%s", (int)(at - text), text,
                                          n->tenant->name, at + strlen("{tenant}")));
}

static void put_tag(json_t *tags, const char *key, const char *value) {
    if (value && *value)
        json_object_set_new(tags, key, pk_json_text(value));
}

/* A rule of a group has tags too, by which its group knows it. */
static void set_tags(struct pk_net *n, struct pk_resource *r, const char *name) {
    bool rule = pk_starts_with(r->type, "AWS::EC2::SecurityGroup");
    if (!rule && !pk_type_taggable(r->type))
        return;
    const char *key;
    json_t *value, *defaults = json_object_get(n->tenant->spec, "defaultTags");
    json_object_foreach(defaults, key, value) put_tag(r->tags, key, json_string_value(value));
    put_tag(r->tags, "panka:managed", "true");
    put_tag(r->tags, "panka:tenant", n->tenant->name);
    put_tag(r->tags, "panka:stack", "_network");
    put_tag(r->tags, "panka:kind", KIND);
    put_tag(r->tags, "panka:resource", r->key);
    if (pk_type_named_by_tag(r->type))
        put_tag(r->tags, "Name", name);
}

/* Names are pinned: what exists keeps the name it has. */
static const char *physical_name(struct pk_net *n, struct pk_resource *r, const char *name,
                                 bool explicit) {
    const struct pk_state_resource *old = n->state ? pk_state_find(n->state, r->key) : NULL;
    const unsigned *wanted = n->generations ? pk_map_get(n->generations, r->key) : NULL;
    bool same = old && strcmp(old->type, r->type) == 0;
    r->generation = wanted ? *wanted : same ? old->generation : 0;
    if (!pk_name_rule(r->type))
        return NULL;
    r->name_explicit = explicit;
    if (explicit)
        return name;
    if (same && old->name && *old->name && old->generation == r->generation)
        return pk_arena_strdup(n->arena, old->name);
    return pk_name_make(n->arena, name, pk_name_rule(r->type), r->generation);
}

struct pk_resource *pk_net_node(struct pk_net *n, const char *sub, const char *type,
                                const char *name, bool explicit, const char *path) {
    const char *key = pk_arena_printf(n->arena, "_network:%s", sub);
    struct pk_resource *r = pk_graph_add(n->graph, key, type);
    r->kind = KIND;
    r->sub = pk_arena_strdup(n->arena, sub);
    r->span = pk_net_span(n, path);
    r->name = physical_name(n, r, name, explicit);
    set_tags(n, r, r->name ? r->name : name);
    const char *property = r->name ? pk_name_property(type) : NULL;
    if (property)
        pk_net_set(n, r, property, pk_json_text(r->name));
    return r;
}

void pk_net_set(struct pk_net *n, struct pk_resource *r, const char *property, json_t *value) {
    pk_resource_set(n->graph, r, property, value, r->span);
}

void pk_net_needs(struct pk_net *n, struct pk_resource *from, struct pk_resource *to) {
    if (from && to)
        pk_graph_edge(n->graph, from, to, PK_EDGE_HARD, "needs", from->span);
}

static const char *named(struct pk_net *n, const char *what) {
    return pk_arena_printf(n->arena, "%s-%s", n->tenant->name, what);
}

static json_t *ref(const struct pk_resource *r, const char *attr) {
    return pk_token_ref(r->key, attr);
}

/* --- the VPC and its way out */

static void add_vpc(struct pk_net *n) {
    const char *name = pk_net_text(n, pk_json_str(n->spec, "vpc.name", NULL));
    n->vpc = pk_net_node(n, "vpc", "AWS::EC2::VPC", name ? name : named(n, "vpc"), false, "vpc");
    pk_net_set(n, n->vpc, "CidrBlock",
               pk_json_text(pk_json_str(n->spec, "vpc.cidrBlock", "10.0.0.0/16")));
    pk_net_set(n, n->vpc, "EnableDnsSupport",
               json_boolean(pk_json_bool(n->spec, "vpc.enableDNSSupport", true)));
    pk_net_set(n, n->vpc, "EnableDnsHostnames",
               json_boolean(pk_json_bool(n->spec, "vpc.enableDNSHostnames", true)));
}

static void add_internet_gateway(struct pk_net *n) {
    if (!pk_json_bool(n->spec, "internetGateway.enabled", true))
        return;
    n->igw = pk_net_node(n, "igw", "AWS::EC2::InternetGateway", named(n, "igw"), false,
                         "internetGateway");
    n->attachment = pk_net_node(n, "igw-attachment", "AWS::EC2::VPCGatewayAttachment", "", false,
                                "internetGateway");
    pk_net_set(n, n->attachment, "VpcId", ref(n->vpc, "VpcId"));
    pk_net_set(n, n->attachment, "InternetGatewayId", ref(n->igw, "InternetGatewayId"));
}

/* --- subnets */

static void read_subnets(struct pk_net *n, const char *tier, struct pk_net_subnet **ret,
                         size_t *ret_n) {
    const char *path = pk_arena_printf(n->arena, "subnets.%s", tier);
    const json_t *list = pk_json_at(n->spec, path);
    *ret_n = json_array_size(list);
    *ret = pk_arena_array(n->arena, *ret_n + 1, sizeof(**ret));
    for (size_t i = 0; i < *ret_n; i++) {
        const json_t *item = json_array_get(list, i);
        struct pk_net_subnet *s = &(*ret)[i];
        s->cidr = pk_json_str(item, "cidrBlock", "");
        s->zone = pk_json_str(item, "availabilityZone", "");
        s->name = pk_net_text(n, pk_json_str(item, "name", NULL));
        s->span = pk_net_span(n, pk_arena_printf(n->arena, "%s[%zu]", path, i));
    }
}

/* When the file names no subnets at all: two zones of the region. */
static void default_subnets(struct pk_net *n) {
    enum { ZONES = 2 };
    struct pk_cidr vpc, cidrs[2][ZONES];
    const char *text = pk_json_str(n->spec, "vpc.cidrBlock", "10.0.0.0/16");
    if (!pk_cidr_parse(text, &vpc) || !pk_cidr_default_subnets(vpc, ZONES, cidrs[0], cidrs[1])) {
        struct pk_diag *d =
            pk_diag(n->diags, PK_SEVERITY_ERROR, "net.too-small", pk_net_span(n, "vpc.cidrBlock"),
                    "%s has no room for two public and two private subnets", text);
        pk_diag_help(n->diags, d, "choose a larger network, or name the subnets");
        return;
    }
    struct pk_net_subnet **lists[] = {&n->public, &n->private};
    n->n_public = n->n_private = ZONES;
    for (size_t tier = 0; tier < 2; tier++) {
        *lists[tier] = pk_arena_array(n->arena, ZONES, sizeof(**lists[tier]));
        for (size_t i = 0; i < ZONES; i++) {
            char cidr[20];
            struct pk_net_subnet *s = &(*lists[tier])[i];
            pk_cidr_format(cidrs[tier][i], cidr);
            s->cidr = pk_arena_strdup(n->arena, cidr);
            s->zone = pk_arena_printf(n->arena, "%s%c", n->region, "ab"[i]);
            s->span = pk_net_span(n, "vpc.cidrBlock");
        }
    }
}

/* Keys use the network, not the place in the list: reordering does nothing. */
static const char *subnet_sub(struct pk_net *n, const char *tier, const char *cidr) {
    char *sub = pk_arena_printf(n->arena, "%s-%s", tier, cidr);
    for (char *p = sub; *p; p++)
        if (*p == '.' || *p == '/')
            *p = '-';
    return sub;
}

static void add_subnets(struct pk_net *n, const char *tier, struct pk_net_subnet *subnets,
                        size_t count) {
    const char *path = pk_arena_printf(n->arena, "subnets.%s", tier);
    for (size_t i = 0; i < count; i++) {
        struct pk_net_subnet *s = &subnets[i];
        const char *sub = subnet_sub(n, tier, s->cidr);
        if (pk_graph_find(n->graph, pk_arena_printf(n->arena, "_network:%s", sub)))
            continue; /* twice the same network: found by the checks of the file */
        const char *name =
            s->name ? s->name
                    : pk_arena_printf(n->arena, "%s-%s-%s", n->tenant->name, tier, s->zone);
        s->node = pk_net_node(n, sub, "AWS::EC2::Subnet", name, false, path);
        s->node->span = s->span.src ? s->span : s->node->span;
        pk_net_set(n, s->node, "VpcId", ref(n->vpc, "VpcId"));
        pk_net_set(n, s->node, "CidrBlock", pk_json_text(s->cidr));
        pk_net_set(n, s->node, "AvailabilityZone", pk_json_text(s->zone));
        if (strcmp(tier, "public") == 0)
            pk_net_set(n, s->node, "MapPublicIpOnLaunch", json_true());
    }
}

/* --- route tables */

static struct pk_resource *add_table(struct pk_net *n, const char *sub, const char *path) {
    struct pk_resource *r = pk_net_node(n, sub, "AWS::EC2::RouteTable", named(n, sub), false, path);
    pk_net_set(n, r, "VpcId", ref(n->vpc, "VpcId"));
    return r;
}

static struct pk_resource *add_default_route(struct pk_net *n, struct pk_resource *table,
                                             const char *target, json_t *id, const char *path) {
    const char *sub = pk_arena_printf(n->arena, "%s-default", table->sub);
    struct pk_resource *r = pk_net_node(n, sub, "AWS::EC2::Route", "", false, path);
    pk_net_set(n, r, "RouteTableId", ref(table, "RouteTableId"));
    pk_net_set(n, r, "DestinationCidrBlock", json_string(EVERYWHERE));
    pk_net_set(n, r, target, id);
    return r;
}

static void associate(struct pk_net *n, const struct pk_net_subnet *s, struct pk_resource *table) {
    if (!s->node || !table)
        return;
    const char *sub = pk_arena_printf(n->arena, "%s-assoc", s->node->sub);
    struct pk_resource *r =
        pk_net_node(n, sub, "AWS::EC2::SubnetRouteTableAssociation", "", false, "subnets");
    r->span = s->node->span;
    pk_net_set(n, r, "SubnetId", ref(s->node, "SubnetId"));
    pk_net_set(n, r, "RouteTableId", ref(table, "RouteTableId"));
}

static void add_public_routes(struct pk_net *n) {
    if (n->n_public == 0)
        return;
    n->public_table = add_table(n, "public-rt", "subnets.public");
    if (n->igw) {
        struct pk_resource *route = add_default_route(
            n, n->public_table, "GatewayId", ref(n->igw, "InternetGatewayId"), "internetGateway");
        pk_net_needs(n, route, n->attachment);
    }
    for (size_t i = 0; i < n->n_public; i++)
        associate(n, &n->public[i], n -> public_table);
}

static bool has_nat(const struct pk_net *n) {
    return n->igw && n->n_public > 0 &&
           pk_json_bool(n->spec, "natGateway.enabled", n->n_private > 0);
}

static bool per_zone(const struct pk_net *n) {
    return pk_streq(pk_json_str(n->spec, "natGateway.type", "single"), "per-az");
}

static struct pk_resource *add_nat(struct pk_net *n, const struct pk_net_subnet *subnet) {
    const char *path = "natGateway", *az = subnet->zone;
    const char *name = pk_arena_printf(n->arena, "%s-nat-%s", n->tenant->name, az);
    struct pk_resource *eip = pk_net_node(n, pk_arena_printf(n->arena, "nat-eip-%s", az),
                                          "AWS::EC2::EIP", name, false, path);
    pk_net_set(n, eip, "Domain", json_string("vpc"));
    pk_net_needs(n, eip, n->attachment);
    struct pk_resource *nat = pk_net_node(n, pk_arena_printf(n->arena, "nat-%s", az),
                                          "AWS::EC2::NatGateway", name, false, path);
    pk_net_set(n, nat, "SubnetId", ref(subnet->node, "SubnetId"));
    pk_net_set(n, nat, "AllocationId", ref(eip, "AllocationId"));
    pk_net_set(n, nat, "ConnectivityType", json_string("public"));
    pk_net_needs(n, nat, n->attachment);
    json_array_append_new(n->nat_ids, ref(nat, "NatGatewayId"));
    return nat;
}

static const struct pk_net_subnet *public_in(const struct pk_net *n, const char *zone) {
    for (size_t i = 0; i < n->n_public; i++)
        if (n->public[i].node && pk_streq(n->public[i].zone, zone))
            return &n->public[i];
    return NULL;
}

static struct pk_resource *table_of(const struct pk_net *n, const char *zone) {
    for (size_t i = 0; i < n->n_tables; i++)
        if (!n->tables[i].zone || pk_streq(n->tables[i].zone, zone))
            return n->tables[i].node;
    return NULL;
}

/* One table for all zones, or one per zone beside its NAT gateway. */
static void add_private_table(struct pk_net *n, const char *zone,
                              const struct pk_net_subnet *nat_place) {
    const char *sub = zone ? pk_arena_printf(n->arena, "private-rt-%s", zone) : "private-rt";
    struct pk_resource *table = add_table(n, sub, "subnets.private");
    n->tables[n->n_tables++] = (struct pk_net_table){zone, table};
    if (!nat_place || !nat_place->node)
        return;
    struct pk_resource *nat = add_nat(n, nat_place);
    add_default_route(n, table, "NatGatewayId", ref(nat, "NatGatewayId"), "natGateway");
}

static void add_private_routes(struct pk_net *n) {
    bool nat = has_nat(n);
    n->tables = pk_arena_array(n->arena, n->n_private + 1, sizeof(*n->tables));
    if (n->n_private > 0 && nat && per_zone(n)) {
        for (size_t i = 0; i < n->n_private; i++)
            if (!table_of(n, n->private[i].zone))
                add_private_table(n, n->private[i].zone, public_in(n, n->private[i].zone));
    } else if (n->n_private > 0) {
        add_private_table(n, NULL, nat ? &n->public[0] : NULL);
    } else if (nat) {
        add_nat(n, &n->public[0]); /* asked for, although nobody needs it */
    }
    for (size_t i = 0; i < n->n_private; i++)
        associate(n, &n->private[i], table_of(n, n->private[i].zone));
}

/* --- the block of ids that stacks work with */

static json_t *subnet_ids(const struct pk_net_subnet *subnets, size_t count) {
    json_t *list = json_array();
    for (size_t i = 0; i < count; i++)
        if (subnets[i].node)
            json_array_append_new(list, ref(subnets[i].node, "SubnetId"));
    return list;
}

static json_t *zones_of(const struct pk_net *n) {
    json_t *list = json_array();
    for (size_t i = 0; i < n->n_public; i++)
        json_array_append_new(list, pk_json_text(n->public[i].zone));
    for (size_t i = 0; i < n->n_private; i++)
        json_array_append_new(list, pk_json_text(n->private[i].zone));
    pk_json_sort_strings(list);
    return list;
}

static json_t *networking_block(struct pk_net *n) {
    json_t *b = json_object(), *tables = json_array();
    json_object_set_new(b, "vpcId", ref(n->vpc, "VpcId"));
    pk_json_put_str(b, "vpcCidr", pk_json_str(n->vpc->properties, "CidrBlock", ""));
    pk_json_put(b, "subnetIds.public", subnet_ids(n->public, n->n_public));
    pk_json_put(b, "subnetIds.private", subnet_ids(n->private, n->n_private));
    json_object_set_new(b, "securityGroupId", ref(n->group, "GroupId"));
    json_object_set_new(b, "securityGroupIds", json_pack("[o]", ref(n->group, "GroupId")));
    if (n->igw)
        json_object_set_new(b, "internetGatewayId", ref(n->igw, "InternetGatewayId"));
    json_object_set(b, "natGatewayIds", n->nat_ids);
    pk_json_put(b, "routeTableIds.public",
                n->public_table ? json_pack("[o]", ref(n->public_table, "RouteTableId"))
                                : json_array());
    for (size_t i = 0; i < n->n_tables; i++)
        json_array_append_new(tables, ref(n->tables[i].node, "RouteTableId"));
    pk_json_put(b, "routeTableIds.private", tables);
    json_object_set_new(b, "availabilityZones", zones_of(n));
    return b;
}

/* --- networks made elsewhere */

static void put_copy(json_t *to, const char *path, const json_t *from, const char *from_path) {
    json_t *value = pk_json_at(from, from_path);
    if (value)
        pk_json_put(to, path, json_deep_copy(value));
}

static json_t *existing_block(const json_t *e) {
    json_t *b = json_object();
    put_copy(b, "vpcId", e, "vpcId");
    pk_json_put(b, "subnetIds.public", json_array());
    pk_json_put(b, "subnetIds.private", json_array());
    put_copy(b, "subnetIds.public", e, "subnetIds.public");
    put_copy(b, "subnetIds.private", e, "subnetIds.private");
    put_copy(b, "securityGroupId", e, "securityGroupId");
    const char *group = pk_json_str(e, "securityGroupId", NULL);
    json_object_set_new(b, "securityGroupIds",
                        group ? json_pack("[o]", pk_json_text(group)) : json_array());
    return b;
}

/* What versions before the state of networks wrote into the file. */
static json_t *recorded_block(const json_t *ids) {
    json_t *e = json_object();
    put_copy(e, "vpcId", ids, "vpcId");
    put_copy(e, "subnetIds.public", ids, "publicSubnetIds");
    put_copy(e, "subnetIds.private", ids, "privateSubnetIds");
    put_copy(e, "securityGroupId", ids, "securityGroupId");
    json_t *b = existing_block(e);
    json_decref(e);
    put_copy(b, "internetGatewayId", ids, "internetGatewayId");
    put_copy(b, "natGatewayIds", ids, "natGatewayIds");
    const char *table = pk_json_str(ids, "publicRouteTableId", NULL);
    if (table)
        pk_json_put(b, "routeTableIds.public", json_pack("[o]", pk_json_text(table)));
    put_copy(b, "routeTableIds.private", ids, "privateRouteTableIds");
    return b;
}

static json_t *made_elsewhere(const struct pk_net *n) {
    const json_t *existing = json_object_get(n->spec, "existing");
    const json_t *ids = json_object_get(n->spec, "resourceIds");
    if (pk_json_str(existing, "vpcId", NULL))
        return existing_block(existing);
    bool managed = n->state && pk_state_live_count(n->state) > 0;
    if (!managed && pk_json_str(ids, "vpcId", NULL))
        return recorded_block(ids);
    return NULL;
}

struct pk_graph *pk_network_expand_with(const struct pk_tenant_config *tenant,
                                        const struct pk_state *state,
                                        const struct pk_map *generations, const char *region,
                                        const char *account_id, struct pk_diags *diags) {
    struct pk_graph *graph = pk_graph_new();
    struct pk_net n = {
        .tenant = tenant,
        .spec = json_object_get(tenant->spec, "networking"),
        .state = state,
        .generations = generations,
        .graph = graph,
        .arena = graph->arena,
        .diags = diags,
        .region = region,
        .account_id = account_id,
    };
    graph->networking = made_elsewhere(&n);
    if (graph->networking)
        return graph;
    read_subnets(&n, "public", &n.public, &n.n_public);
    read_subnets(&n, "private", &n.private, &n.n_private);
    if (n.n_public + n.n_private == 0)
        default_subnets(&n);
    n.nat_ids = json_array();
    add_vpc(&n);
    add_internet_gateway(&n);
    add_subnets(&n, "public", n.public, n.n_public);
    add_subnets(&n, "private", n.private, n.n_private);
    add_public_routes(&n);
    add_private_routes(&n);
    pk_net_security_group(&n);
    pk_net_endpoints(&n);
    pk_net_flow_logs(&n);
    pk_graph_edges_from_tokens(graph);
    graph->networking = networking_block(&n);
    json_decref(n.nat_ids);
    return graph;
}

struct pk_graph *pk_network_expand(const struct pk_tenant_config *tenant,
                                   const struct pk_state *state, const char *region,
                                   const char *account_id, struct pk_diags *diags) {
    return pk_network_expand_with(tenant, state, NULL, region, account_id, diags);
}
