/* network.c - where components are placed: VPC, subnets, security groups. */
#include "component/internal.h"
#include "component/lb.h"
#include "component/sg_rules.h"

#include "base/str.h"

#include <string.h>

/* AWS: security groups per network interface. */
#define MAX_GROUPS 5
#define STACK_GROUP "security-group"
#define STACK_GROUP_PATH "networking.securityGroup"

static const json_t *tenant_network(struct pk_expansion *x) {
    const struct pk_tenant_config *tenant = x->project->tenant_config;
    return tenant ? json_object_get(tenant->spec, "networking") : NULL;
}

bool pk_x_has_network(struct pk_expansion *x) {
    if (x->env->networking)
        return pk_json_str(x->env->networking, "vpcId", NULL) != NULL;
    return !x->env->online && x->project->tenant_config != NULL;
}

static void not_provisioned(struct pk_expansion *x, const struct pk_component *c,
                            const char *what) {
    struct pk_diag *d = pk_diag(x->diags, PK_SEVERITY_ERROR, "net.not-provisioned",
                                c ? c->span : x->project->meta.span, "the tenant has no %s", what);
    if (c)
        pk_diag_address(x->diags, d, "%s", c->address);
    pk_diag_help(x->diags, d, "a platform admin makes the network: panka admin tenant update %s",
                 x->project->tenant ? x->project->tenant : "<tenant>");
}

/* Offline the ids are not known: tokens to the nodes of the tenant's network stand for them. */
static json_t *missing(struct pk_expansion *x, const struct pk_component *c, const char *what,
                       const char *key, const char *attr) {
    if (!x->env->online)
        return pk_token_ref(key, attr);
    not_provisioned(x, c, what);
    return NULL;
}

json_t *pk_x_vpc_id(struct pk_expansion *x, const struct pk_component *c) {
    const char *id = pk_json_str(x->env->networking, "vpcId", NULL);
    return id ? pk_json_text(id) : missing(x, c, "VPC", "_network:vpc", "VpcId");
}

const char *pk_x_vpc_cidr(struct pk_expansion *x) {
    const json_t *network = tenant_network(x);
    return pk_json_at(network, "existing.vpcId") ? NULL
                                                 : pk_json_str(network, "vpc.cidrBlock", NULL);
}

/* --- subnets ---------------------------------------------------------------------------------- */

/* Keys of the tenant's subnets (by CIDR) as they will be in its network state. */
static json_t *planned_subnets(struct pk_expansion *x, const char *tier) {
    const json_t *list =
        pk_json_at(tenant_network(x), pk_arena_printf(x->arena, "subnets.%s", tier));
    json_t *tokens = json_array();
    for (size_t i = 0; i < json_array_size(list); i++) {
        char *cidr =
            pk_arena_strdup(x->arena, pk_json_str(json_array_get(list, i), "cidrBlock", "unknown"));
        for (char *p = cidr; *p; p++)
            if (*p == '.' || *p == '/')
                *p = '-';
        json_array_append_new(
            tokens,
            pk_token_ref(pk_arena_printf(x->arena, "_network:%s-%s", tier, cidr), "SubnetId"));
    }
    if (json_array_size(tokens) == 0)
        json_array_append_new(
            tokens, pk_token_ref(pk_arena_printf(x->arena, "_network:%s", tier), "SubnetId"));
    return tokens;
}

static json_t *tier_subnets(struct pk_expansion *x, const struct pk_component *c,
                            const char *tier) {
    const json_t *ids =
        pk_json_at(x->env->networking, pk_arena_printf(x->arena, "subnetIds.%s", tier));
    if (json_array_size(ids) > 0) {
        json_t *copy = json_deep_copy(ids);
        pk_json_sort_strings(copy);
        return copy;
    }
    if (!x->env->online && !x->env->networking)
        return planned_subnets(x, tier);
    not_provisioned(x, c, pk_arena_printf(x->arena, "%s subnets", tier));
    return NULL;
}

/* "private" or "public"; NULL when ids are listed. */
static const char *placement_word(const struct pk_component *c) {
    const json_t *written = c ? pk_spec_get(c, "networking.subnets") : NULL;
    const char *first = json_is_string(written) ? json_string_value(written)
                                                : json_string_value(json_array_get(written, 0));
    if (!first)
        return "private";
    bool single = json_is_string(written) || json_array_size(written) == 1;
    return single && !pk_starts_with(first, "subnet-") ? first : NULL;
}

json_t *pk_x_subnets(struct pk_expansion *x, const struct pk_component *c,
                     enum pk_placement placement) {
    const char *tier = placement == PK_PLACE_LB_PUBLIC ? "public" : "private";
    bool overridable = placement == PK_PLACE_WORKLOAD || placement == PK_PLACE_DATA;
    const char *word = overridable ? placement_word(c) : tier;
    if (word && strcmp(word, "private") != 0 && strcmp(word, "public") != 0)
        return NULL; /* refused by the checks */
    if (word)
        return tier_subnets(x, c, word);
    json_t *ids = json_deep_copy(pk_spec_get(c, "networking.subnets"));
    pk_json_sort_strings(ids);
    return ids;
}

/* --- security groups -------------------------------------------------------------------------- */

static json_t *tenant_group(struct pk_expansion *x, const struct pk_component *c) {
    const json_t *networking = x->env->networking;
    /* in the networking block of a state the first one is the tenant's */
    const char *id = pk_json_str(networking, "securityGroupIds[0]",
                                 pk_json_str(networking, "securityGroupId", NULL));
    return id ? pk_json_text(id)
              : missing(x, c, "security group", "_network:default-sg", "GroupId");
}

static const json_t *stack_rules(struct pk_expansion *x, const char *direction) {
    return pk_json_at(x->project->spec,
                      pk_arena_printf(x->arena, STACK_GROUP_PATH ".%s", direction));
}

bool pk_x_stack_opens_port(struct pk_expansion *x, int64_t port) {
    return pk_sg_opens(stack_rules(x, "ingress"), port);
}

json_t *pk_x_base_groups(struct pk_expansion *x, const struct pk_component *c) {
    json_t *groups = json_array();
    json_t *tenant = tenant_group(x, c);
    if (tenant)
        json_array_append_new(groups, tenant);
    const char *key = pk_x_key(x, NULL, STACK_GROUP);
    if (pk_graph_find(x->graph, key))
        json_array_append_new(groups, pk_token_ref(key, "GroupId"));
    return groups;
}

json_t *pk_x_security_groups(struct pk_expansion *x, const struct pk_component *c,
                             enum pk_placement placement) {
    json_t *groups;
    if (placement == PK_PLACE_DATA) {
        groups = json_array();
        json_t *tenant = tenant_group(x, c);
        if (tenant)
            json_array_append_new(groups, tenant);
    } else {
        groups = pk_x_base_groups(x, c);
    }
    bool own = c && (placement == PK_PLACE_WORKLOAD || placement == PK_PLACE_DATA);
    const json_t *written = own ? pk_spec_get(c, "networking.securityGroups") : NULL;
    for (size_t i = 0; i < json_array_size(written); i++)
        json_array_append(groups, json_array_get(written, i));
    if (json_array_size(groups) > MAX_GROUPS) {
        struct pk_diag *d =
            pk_x_finding(x, c, PK_SEVERITY_ERROR, "net.group-count", "networking.securityGroups",
                         "%zu security groups on one network interface", json_array_size(groups));
        pk_diag_help(x->diags, d, "AWS takes %d, the tenant's and the stack's are among them",
                     MAX_GROUPS);
    }
    if (json_array_size(groups) > 0)
        return groups;
    json_decref(groups);
    return NULL;
}

/* --- the stack's own group -------------------------------------------------------------------- */

/* A group cannot name itself before it exists: such rules are nodes of their own. */
static void add_self_rules(struct pk_expansion *x, struct pk_resource *group, const json_t *rules,
                           bool egress) {
    for (size_t i = 0; i < json_array_size(rules); i++) {
        const json_t *rule = json_array_get(rules, i);
        const char *sub = pk_arena_printf(
            x->arena, STACK_GROUP "-%s-self-%s-%d-%d", egress ? "egress" : "ingress",
            strcmp(pk_json_str(rule, "IpProtocol", ""), "-1") == 0
                ? "all"
                : pk_json_str(rule, "IpProtocol", ""),
            (int)pk_json_int(rule, "FromPort", 0), (int)pk_json_int(rule, "ToPort", 0));
        bool is_new;
        struct pk_resource *r = pk_x_stack_node(
            x, sub, egress ? "AWS::EC2::SecurityGroupEgress" : "AWS::EC2::SecurityGroupIngress",
            &is_new);
        const char *key;
        json_t *value, *walk = (json_t *)(uintptr_t)rule; /* only read */
        json_object_foreach(walk, key, value)
            pk_resource_set(x->graph, r, key, json_incref(value), group->span);
        pk_resource_set(x->graph, r, "GroupId", pk_token_ref(group->key, "GroupId"), group->span);
        pk_resource_set(x->graph, r,
                        egress ? "DestinationSecurityGroupId" : "SourceSecurityGroupId",
                        pk_token_ref(group->key, "GroupId"), group->span);
    }
}

static void set_rules(struct pk_expansion *x, struct pk_resource *group, bool egress) {
    const char *direction = egress ? "egress" : "ingress";
    const char *path = pk_arena_printf(x->arena, STACK_GROUP_PATH ".%s", direction);
    const json_t *rules = stack_rules(x, direction);
    const struct pk_project *p = x->project;
    if (json_array_size(rules) == 0)
        return; /* AWS itself allows all traffic out */
    json_t *self;
    json_t *entries = pk_sg_expand(rules, egress, &self);
    struct pk_span span = p->spans ? pk_spans_find(p->spans, path) : p->meta.span;
    pk_resource_set(x->graph, group, egress ? "SecurityGroupEgress" : "SecurityGroupIngress",
                    entries, span);
    add_self_rules(x, group, self, egress);
    json_decref(self);
}

void pk_x_stack_security_group(struct pk_expansion *x) {
    const struct pk_project *p = x->project;
    if (json_array_size(stack_rules(x, "ingress")) + json_array_size(stack_rules(x, "egress")) == 0)
        return;
    bool is_new;
    struct pk_resource *group = pk_x_stack_node(x, STACK_GROUP, "AWS::EC2::SecurityGroup", &is_new);
    group->span = p->spans ? pk_spans_find(p->spans, STACK_GROUP_PATH) : p->meta.span;
    pk_x_explicit_name(x, group, pk_json_str(p->spec, STACK_GROUP_PATH ".name", NULL));
    const char *description = pk_json_str(p->spec, STACK_GROUP_PATH ".description", NULL);
    if (!description)
        description = pk_arena_printf(x->arena, "Stack %s, %s", p->name, p->environment);
    pk_resource_set(x->graph, group, "GroupDescription", pk_json_text(description), group->span);
    pk_resource_set(x->graph, group, "VpcId", pk_x_vpc_id(x, NULL), group->span);
    set_rules(x, group, false);
    set_rules(x, group, true);
}

/* --- checks of the tenant's network ----------------------------------------------------------- */

static size_t count_zones(const json_t *subnets) {
    json_t *zones = json_array();
    for (size_t i = 0; i < json_array_size(subnets); i++)
        json_array_append_new(
            zones, pk_json_text(pk_json_str(json_array_get(subnets, i), "availabilityZone", "")));
    pk_json_sort_strings(zones);
    size_t n = json_array_size(zones);
    json_decref(zones);
    return n;
}

/* Zones that the tier of subnets spans; 0 when nobody knows. Ids alone say one zone each at most.
 */
static size_t zones_of(struct pk_expansion *x, const char *tier) {
    const json_t *planned =
        pk_json_at(tenant_network(x), pk_arena_printf(x->arena, "subnets.%s", tier));
    if (json_array_size(planned) > 0)
        return count_zones(planned);
    return json_array_size(
        pk_json_at(x->env->networking, pk_arena_printf(x->arena, "subnetIds.%s", tier)));
}

/* The loader looks at databases; an ALB may be wanted by any component that is behind one. */
static void check_two_zones(struct pk_expansion *x, const struct pk_component *c) {
    const char *tier = pk_spec_bool(c, "loadBalancer.internal") ? "private" : "public";
    if (!pk_lb_wanted(c) || pk_lb_is_network(c) || zones_of(x, tier) != 1)
        return;
    struct pk_diag *d =
        pk_x_finding(x, c, PK_SEVERITY_ERROR, "net.two-azs", "loadBalancer",
                     "an application load balancer needs %s subnets in two zones", tier);
    pk_diag_help(x->diags, d, "an administrator adds them to the tenant's network");
}

static void check_placement(struct pk_expansion *x, const struct pk_component *c) {
    const json_t *subnets = pk_spec_get(c, "networking.subnets");
    for (size_t i = 0; i < json_array_size(subnets); i++) {
        const char *id = json_string_value(json_array_get(subnets, i));
        bool word =
            json_array_size(subnets) == 1 && (pk_streq(id, "private") || pk_streq(id, "public"));
        if (!id || word || pk_starts_with(id, "subnet-"))
            continue;
        struct pk_diag *d = pk_x_finding(x, c, PK_SEVERITY_ERROR, "net.subnet-id",
                                         "networking.subnets", "`%s` is no subnet id", id);
        pk_diag_help(x->diags, d, "write `private`, `public` or ids such as subnet-0abc");
    }
    if (!pk_spec_bool(c, "networking.assignPublicIp") || !pk_streq(placement_word(c), "private"))
        return;
    struct pk_diag *d =
        pk_x_finding(x, c, PK_SEVERITY_ERROR, "net.public-ip", "networking.assignPublicIp",
                     "a public address has no use in private subnets");
    pk_diag_help(x->diags, d, "set `networking.subnets: public`, or remove `assignPublicIp`");
}

void pk_x_check_network(struct pk_expansion *x) {
    for (size_t i = 0; i < x->project->components.len; i++) {
        const struct pk_component *c = x->project->components.items[i];
        if (!pk_x_active(c))
            continue;
        check_two_zones(x, c);
        check_placement(x, c);
    }
}
