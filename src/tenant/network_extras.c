/* network_extras.c - the default security group, endpoints and flow logs of a tenant's network. */
#include "tenant/network.h"

#include "aws/aws.h"
#include "base/str.h"
#include "component/sg_rules.h"
#include "json/json.h"

#include <string.h>

#define GROUP "defaultSecurityGroup"

/* --- security group */

static struct pk_resource *add_self_rule(struct pk_net *n, const char *sub, const json_t *rule,
                                         bool egress, const char *path) {
    struct pk_resource *r = pk_net_node(
        n, sub, egress ? "AWS::EC2::SecurityGroupEgress" : "AWS::EC2::SecurityGroupIngress",
        pk_arena_printf(n->arena, "%s-%s", n->tenant->name, sub), false, path);
    const char *key;
    json_t *value, *walk = (json_t *)(uintptr_t)rule; /* only read */
    json_object_foreach(walk, key, value) pk_net_set(n, r, key, json_incref(value));
    pk_net_set(n, r, "GroupId", pk_token_ref(n->group->key, "GroupId"));
    pk_net_set(n, r, egress ? "DestinationSecurityGroupId" : "SourceSecurityGroupId",
               pk_token_ref(n->group->key, "GroupId"));
    return r;
}

/* A group cannot name itself before it exists: such rules are nodes of their own. */
static void add_rules(struct pk_net *n, bool egress) {
    const char *direction = egress ? "egress" : "ingress";
    const char *path = pk_arena_printf(n->arena, GROUP ".%s", direction);
    json_t *self = NULL;
    const json_t *rules = pk_json_at(n->spec, path);
    if (json_array_size(rules) == 0)
        return; /* AWS itself allows all traffic out and none in */
    json_t *entries = pk_sg_expand(rules, egress, &self);
    pk_resource_set(n->graph, n->group, egress ? "SecurityGroupEgress" : "SecurityGroupIngress",
                    entries, pk_net_span(n, path));
    for (size_t i = 0; i < json_array_size(self); i++) {
        const json_t *rule = json_array_get(self, i);
        const char *protocol = pk_json_str(rule, "IpProtocol", "-1");
        const char *sub =
            strcmp(protocol, "-1") == 0
                ? pk_arena_printf(n->arena, "default-sg-%s-self-all", direction)
                : pk_arena_printf(n->arena, "default-sg-%s-self-%s-%lld-%lld", direction, protocol,
                                  (long long)pk_json_int(rule, "FromPort", -1),
                                  (long long)pk_json_int(rule, "ToPort", -1));
        if (!pk_graph_find(n->graph, pk_arena_printf(n->arena, "_network:%s", sub)))
            add_self_rule(n, sub, rule, egress, path);
    }
    json_decref(self);
}

void pk_net_security_group(struct pk_net *n) {
    const char *wanted = pk_json_str(n->spec, GROUP ".name", NULL);
    bool explicit = n->tenant->spans && pk_spans_has(n->tenant->spans, "networking." GROUP ".name");
    const char *name = pk_net_text(n, wanted ? wanted : "{tenant}-default-sg");
    n->group = pk_net_node(n, "default-sg", "AWS::EC2::SecurityGroup", name, explicit, GROUP);
    const char *text = pk_json_str(n->spec, GROUP ".description", NULL);
    if (!text || !*text)
        text = pk_arena_printf(n->arena, "Default security group of tenant %s", n->tenant->name);
    pk_net_set(n, n->group, "GroupDescription", pk_json_text(pk_net_text(n, text)));
    pk_net_set(n, n->group, "VpcId", pk_token_ref(n->vpc->key, "VpcId"));
    add_rules(n, false);
    add_rules(n, true);
    if (pk_json_bool(n->spec, GROUP ".allowInternalTraffic", true)) {
        json_t *all PK_CLEANUP(json_decrefp) =
            json_pack("{s:s, s:s}", "IpProtocol", "-1", "Description", "Members reach each other");
        add_self_rule(n, "default-sg-self", all, false, GROUP ".allowInternalTraffic");
    }
}

/* --- endpoints */

static bool is_gateway(const char *service) {
    return strcmp(service, "s3") == 0 || strcmp(service, "dynamodb") == 0;
}

static json_t *all_tables(const struct pk_net *n) {
    json_t *list = json_array();
    if (n->public_table)
        json_array_append_new(list, pk_token_ref(n->public_table->key, "RouteTableId"));
    for (size_t i = 0; i < n->n_tables; i++)
        json_array_append_new(list, pk_token_ref(n->tables[i].node->key, "RouteTableId"));
    return list;
}

/* One subnet per zone: AWS takes no two. */
static json_t *one_per_zone(const struct pk_net *n) {
    bool private = n->n_private > 0;
    const struct pk_net_subnet *subnets = private ? n->private : n->public;
    size_t count = private ? n->n_private : n->n_public;
    json_t *list = json_array();
    for (size_t i = 0; i < count; i++) {
        bool seen = subnets[i].node == NULL;
        for (size_t k = 0; k < i && !seen; k++)
            seen = pk_streq(subnets[i].zone, subnets[k].zone);
        if (!seen)
            json_array_append_new(list, pk_token_ref(subnets[i].node->key, "SubnetId"));
    }
    return list;
}

void pk_net_endpoints(struct pk_net *n) {
    const json_t *list = json_object_get(n->spec, "vpcEndpoints");
    for (size_t i = 0; i < json_array_size(list); i++) {
        const char *service = json_string_value(json_array_get(list, i));
        const char *sub = pk_arena_printf(n->arena, "endpoint-%s", service);
        if (pk_graph_find(n->graph, pk_arena_printf(n->arena, "_network:%s", sub)))
            continue; /* named twice */
        struct pk_resource *r = pk_net_node(
            n, sub, "AWS::EC2::VPCEndpoint",
            pk_arena_printf(n->arena, "%s-%s", n->tenant->name, service), false, "vpcEndpoints");
        pk_net_set(n, r, "VpcId", pk_token_ref(n->vpc->key, "VpcId"));
        pk_net_set(n, r, "ServiceName", pk_json_textf("com.amazonaws.%s.%s", n->region, service));
        pk_net_set(n, r, "VpcEndpointType",
                   json_string(is_gateway(service) ? "Gateway" : "Interface"));
        if (is_gateway(service)) {
            pk_net_set(n, r, "RouteTableIds", all_tables(n));
            continue;
        }
        pk_net_set(n, r, "SubnetIds", one_per_zone(n));
        pk_net_set(n, r, "SecurityGroupIds",
                   json_pack("[o]", pk_token_ref(n->group->key, "GroupId")));
        pk_net_set(n, r, "PrivateDnsEnabled", json_true());
    }
}

/* --- flow logs */

static json_t *role_trust(void) {
    return json_pack("{s:s, s:[{s:s, s:{s:s}, s:s}]}", "Version", "2012-10-17", "Statement",
                     "Effect", "Allow", "Principal", "Service", "vpc-flow-logs.amazonaws.com",
                     "Action", "sts:AssumeRole");
}

static json_t *role_policies(struct pk_net *n, const char *group_name) {
    const char *partition = pk_aws_partition(n->region);
    json_t *arn = pk_json_textf("arn:%s:logs:%s:%s:log-group:%s:*", partition, n->region,
                                n->account_id, group_name);
    json_t *document =
        json_pack("{s:s, s:[{s:s, s:[s, s, s, s], s:o}]}", "Version", "2012-10-17", "Statement",
                  "Effect", "Allow", "Action", "logs:CreateLogStream", "logs:DescribeLogGroups",
                  "logs:DescribeLogStreams", "logs:PutLogEvents", "Resource", arn);
    return json_pack("[{s:s, s:o}]", "PolicyName", "access", "PolicyDocument", document);
}

void pk_net_flow_logs(struct pk_net *n) {
    const char *path = "flowLogs";
    if (!pk_json_bool(n->spec, "flowLogs.enabled", false))
        return;
    struct pk_resource *group = pk_net_node(
        n, "flow-logs-group", "AWS::Logs::LogGroup",
        pk_arena_printf(n->arena, "/panka/%s/_network/flow-logs", n->tenant->name), false, path);
    pk_net_set(n, group, "RetentionInDays",
               json_integer(pk_json_int(n->spec, "flowLogs.retentionDays", 30)));
    struct pk_resource *role = pk_net_node(
        n, "flow-logs-role", "AWS::IAM::Role",
        pk_arena_printf(n->arena, "%s-network-flow-logs", n->tenant->name), false, path);
    pk_net_set(n, role, "AssumeRolePolicyDocument", role_trust());
    pk_net_set(n, role, "Policies", role_policies(n, group->name));
    struct pk_resource *log =
        pk_net_node(n, "flow-logs", "AWS::EC2::FlowLog",
                    pk_arena_printf(n->arena, "%s-flow-logs", n->tenant->name), false, path);
    pk_net_set(n, log, "ResourceId", pk_token_ref(n->vpc->key, "VpcId"));
    pk_net_set(n, log, "ResourceType", json_string("VPC"));
    pk_net_set(n, log, "TrafficType", json_string("ALL"));
    pk_net_set(n, log, "LogDestinationType", json_string("cloud-watch-logs"));
    pk_net_set(n, log, "LogGroupName", pk_json_text(group->name));
    pk_net_set(n, log, "DeliverLogsPermissionArn", pk_token_ref(role->key, "Arn"));
    pk_net_needs(n, log, group);
}
