/* ec2_endpoint.c - AWS::EC2::VPCEndpoint, FlowLog. */
#include "provider/ec2.h"
#include "provider/types.h"

/* --- VPCEndpoint --- */

static bool change_lists(struct pk_ctx *ctx, json_t *params, struct pk_error **err) {
    json_auto_t *live = NULL;
    if (!pk_ctx_read(ctx, &live, err))
        return false;
    json_auto_t *groups = json_array();
    const json_t *infos = json_object_get(live, "Groups");
    for (size_t i = 0; i < json_array_size(infos); i++)
        json_array_append(groups, json_object_get(json_array_get(infos, i), "GroupId"));
    if (pk_ctx_changed(ctx, "RouteTableIds"))
        pk_ec2_list_delta(params, "AddRouteTableIds", "RemoveRouteTableIds",
                          json_object_get(live, "RouteTableIds"),
                          json_object_get(ctx->props, "RouteTableIds"));
    if (pk_ctx_changed(ctx, "SubnetIds"))
        pk_ec2_list_delta(params, "AddSubnetIds", "RemoveSubnetIds",
                          json_object_get(live, "SubnetIds"),
                          json_object_get(ctx->props, "SubnetIds"));
    if (pk_ctx_changed(ctx, "SecurityGroupIds"))
        pk_ec2_list_delta(params, "AddSecurityGroupIds", "RemoveSecurityGroupIds", groups,
                          json_object_get(ctx->props, "SecurityGroupIds"));
    if (pk_ctx_changed(ctx, "PolicyDocument") && !json_object_get(params, "PolicyDocument"))
        pk_json_put_bool(params, "ResetPolicy", true);
    return true;
}

static enum pk_progress delete_listed(struct pk_ctx *ctx, const char *operation, const char *member,
                                      struct pk_error **err) {
    json_t *params = json_object(), *ids = json_array();
    json_array_append_new(ids, pk_json_text(ctx->id));
    json_object_set_new(params, member, ids);
    json_auto_t *answer = NULL;
    if (!pk_ctx_call(ctx, NULL, operation, params, &answer, err))
        return PK_FAILED;
    return pk_ec2_successful(ctx, answer, ctx->type->errors.gone, err) ? PK_DONE : PK_FAILED;
}

static enum pk_progress delete_endpoint(struct pk_ctx *ctx, struct pk_error **err) {
    return delete_listed(ctx, "DeleteVpcEndpoints", "VpcEndpointIds", err);
}

// clang-format off

static const struct pk_prop endpoint_props[] = {
    {"VpcId", .traits = PK_CREATE_ONLY},
    {"ServiceName", .traits = PK_CREATE_ONLY},
    {"VpcEndpointType", .traits = PK_CREATE_ONLY},
    {"PolicyDocument", .update = 1, .conv = PK_JSON_AS_TEXT, .traits = PK_POLICY_DOC},
    {"PrivateDnsEnabled", .update = 1, .fallback = "false"},
    {"IpAddressType", .update = 1},
    {"DnsOptions", .update = 1},
    {"RouteTableIds", .update = 1, .change = PK_NOT_SENT, .traits = PK_SET},
    {"SubnetIds", .update = 1, .change = PK_NOT_SENT, .traits = PK_SET},
    {"SecurityGroupIds", .update = 1, .change = PK_NOT_SENT, .read = "Groups[].GroupId",
     .traits = PK_SET},
};

static const struct pk_update endpoint_updates[] = {
    {.operation = "ModifyVpcEndpoint", .params = PK_PARAMS({"VpcEndpointId", "{id}"}),
     .prepare = change_lists},
};

static const struct pk_reader endpoint_readers[] = {
    {.call = {.operation = "DescribeVpcEndpoints"}, .paged = true, .list = "VpcEndpoints",
     .match = "{out.VpcEndpointId}", .batch = 100, .batch_param = "VpcEndpointIds"},
};

static const struct pk_attribute endpoint_attributes[] = {
    {"Id", "VpcEndpointId"}, {"DnsEntries", "DnsEntries"},
    {"NetworkInterfaceIds", "NetworkInterfaceIds"}, {NULL, NULL}};

const struct pk_type pk_type_ec2_vpc_endpoint = {
    .type = "AWS::EC2::VPCEndpoint", .service = "ec2",
    .props = endpoint_props, .n_props = PK_ARRAY_LEN(endpoint_props),
    .token = "ClientToken",
    .typical_create_ms = 60000, .typical_delete_ms = 60000,
    .create = {.operation = "CreateVpcEndpoint"}, .id = "{out.VpcEndpoint.VpcEndpointId}",
    .create_item = "VpcEndpoint",
    .updates = endpoint_updates, .n_updates = PK_ARRAY_LEN(endpoint_updates),
    .do_remove = delete_endpoint, .remove_wait = true, .remove_limit_ms = 15 * 60 * 1000,
    .readers = endpoint_readers, .n_readers = PK_ARRAY_LEN(endpoint_readers),
    .wait = {.path = "State", .ready = "available|Available|pendingAcceptance|PendingAcceptance",
             .failed = "failed|Failed|rejected|Rejected|expired|Expired",
             .reason = "LastError.Message", .dead = "deleted|Deleted"},
    .tags = EC2_TAGS("vpc-endpoint"),
    .errors = {.gone = "InvalidVpcEndpointId.NotFound|InvalidVpcEndpoint.NotFound",
               .busy = "IncorrectState", .fresh = EC2_FRESH},
    .attributes = endpoint_attributes,
    .recovery = PK_RECOVER_TOKEN,
    .finder = &(const struct pk_reader){
        .call = {"DescribeVpcEndpoints", NULL, PK_PARAMS({"Filters", EC2_OURS})}, .paged = true,
        .list = "VpcEndpoints"},
    .find_item_id = "{out.VpcEndpointId}",
};

// clang-format on

/* --- FlowLog --- */

static enum pk_progress create_flow_log(struct pk_ctx *ctx, struct pk_error **err) {
    json_auto_t *answer = NULL;
    if (!pk_ctx_call(ctx, NULL, "CreateFlowLogs", pk_ctx_create_params(ctx), &answer, err) ||
        !pk_ec2_successful(ctx, answer, NULL, err))
        return PK_FAILED;
    const char *id = pk_json_str(answer, "FlowLogIds[0]", NULL);
    if (!id) {
        pk_fail(err, PK_E_BAD_RESPONSE, "CreateFlowLogs answered without an identifier");
        return PK_FAILED;
    }
    pk_ctx_set_id(ctx, id);
    return PK_DONE;
}

static enum pk_progress delete_flow_log(struct pk_ctx *ctx, struct pk_error **err) {
    return delete_listed(ctx, "DeleteFlowLogs", "FlowLogIds", err);
}

/* The answer names the resource, not what it is. */
static void flow_log_resource_type(struct pk_ctx *ctx, const json_t *item, json_t *live) {
    (void)ctx;
    const char *id = pk_json_str(item, "ResourceId", "");
    const char *type = pk_starts_with(id, "vpc-")      ? "VPC"
                       : pk_starts_with(id, "subnet-") ? "Subnet"
                       : pk_starts_with(id, "eni-")    ? "NetworkInterface"
                                                       : NULL;
    pk_json_put_str(live, "ResourceType", type);
}

// clang-format off

static const struct pk_prop flow_log_props[] = {
    {"ResourceId", .create = "ResourceIds[]", .read = "ResourceId", .traits = PK_CREATE_ONLY},
    {"ResourceType", .read = PK_FROM_HOOK, .traits = PK_CREATE_ONLY},
    {"TrafficType", .traits = PK_CREATE_ONLY},
    {"LogDestinationType", .traits = PK_CREATE_ONLY},
    {"LogGroupName", .traits = PK_CREATE_ONLY},
    {"LogDestination", .traits = PK_CREATE_ONLY},
    {"DeliverLogsPermissionArn", .traits = PK_CREATE_ONLY},
    {"LogFormat", .traits = PK_CREATE_ONLY},
    {"MaxAggregationInterval", .traits = PK_CREATE_ONLY},
};

static const struct pk_reader flow_log_readers[] = {
    {.call = {.operation = "DescribeFlowLogs"}, .paged = true, .list = "FlowLogs",
     .match = "{out.FlowLogId}", .batch = 100, .batch_param = "FlowLogIds"},
};

static const struct pk_attribute flow_log_attributes[] = {{"Id", "FlowLogId"}, {NULL, NULL}};

const struct pk_type pk_type_ec2_flow_log = {
    .type = "AWS::EC2::FlowLog", .service = "ec2",
    .props = flow_log_props, .n_props = PK_ARRAY_LEN(flow_log_props),
    .token = "ClientToken", .delete_first = true, /* the same log twice is refused */
    .typical_create_ms = 3000, .typical_delete_ms = 2000,
    .create = {.operation = "CreateFlowLogs"}, .do_create = create_flow_log,
    .do_remove = delete_flow_log,
    .readers = flow_log_readers, .n_readers = PK_ARRAY_LEN(flow_log_readers),
    .normalize = flow_log_resource_type,
    .wait = {.path = "FlowLogStatus", .ready = "ACTIVE"},
    .tags = EC2_TAGS("vpc-flow-log"),
    .errors = {.gone = "InvalidFlowLogId.NotFound", .exists = "FlowLogAlreadyExists",
               .fresh = EC2_FRESH "|*:assume|Access Denied*|*:LogDestination permission"},
    .attributes = flow_log_attributes,
    .recovery = PK_RECOVER_TOKEN,
    .finder = &(const struct pk_reader){
        .call = {"DescribeFlowLogs", NULL, PK_PARAMS({"Filter", EC2_OURS})}, .paged = true,
        .list = "FlowLogs"},
    .find_item_id = "{out.FlowLogId}",
};
// clang-format on
