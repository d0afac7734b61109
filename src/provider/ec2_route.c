/* ec2_route.c - AWS::EC2::RouteTable, Route, SubnetRouteTableAssociation, EIP, NatGateway. */
#include "provider/ec2.h"
#include "provider/types.h"

#include <string.h>

// clang-format off

/* --- EIP --- */

static const struct pk_prop eip_props[] = {
    {"Domain", .traits = PK_CREATE_ONLY},
    {"NetworkBorderGroup", .traits = PK_CREATE_ONLY},
    {"PublicIpv4Pool", .traits = PK_CREATE_ONLY},
    {"Address", .traits = PK_CREATE_ONLY, .read = "PublicIp"},
};

static const struct pk_reader eip_readers[] = {
    {.call = {.operation = "DescribeAddresses"}, .list = "Addresses", .match = "{out.AllocationId}",
     .batch = 100, .batch_filter = "allocation-id"},
};

static const struct pk_attribute eip_attributes[] = {
    {"AllocationId", "AllocationId"}, {"PublicIp", "PublicIp"}, {NULL, NULL}};

const struct pk_type pk_type_ec2_eip = {
    .type = "AWS::EC2::EIP", .service = "ec2",
    .props = eip_props, .n_props = PK_ARRAY_LEN(eip_props),
    .typical_create_ms = 2000, .typical_delete_ms = 2000,
    .create = {.operation = "AllocateAddress"}, .id = "{out.AllocationId}",
    .remove = {"ReleaseAddress", NULL, PK_PARAMS({"AllocationId", "{id}"})},
    .readers = eip_readers, .n_readers = PK_ARRAY_LEN(eip_readers),
    .tags = EC2_TAGS("elastic-ip"),
    .errors = {.gone = "InvalidAllocationID.NotFound|InvalidAddress.NotFound", .fresh = EC2_FRESH,
               .delete_busy = "InvalidIPAddress.InUse|InvalidAddress.Locked"},
    .attributes = eip_attributes,
    .recovery = PK_RECOVER_TAG,
    .finder = &(const struct pk_reader){
        .call = {"DescribeAddresses", NULL, PK_PARAMS({"Filters", EC2_OURS})}, .list = "Addresses"},
    .find_item_id = "{out.AllocationId}",
};

/* --- NatGateway --- */

static const struct pk_prop nat_props[] = {
    {"SubnetId", .traits = PK_CREATE_ONLY},
    {"AllocationId", .traits = PK_CREATE_ONLY | PK_DELETE_FIRST,
     .read = "NatGatewayAddresses[0].AllocationId"},
    {"ConnectivityType", .traits = PK_CREATE_ONLY},
    {"PrivateIpAddress", .traits = PK_CREATE_ONLY | PK_DELETE_FIRST,
     .read = "NatGatewayAddresses[0].PrivateIp"},
};

static const struct pk_reader nat_readers[] = {
    {.call = {.operation = "DescribeNatGateways"}, .paged = true, .list = "NatGateways",
     .match = "{out.NatGatewayId}", .batch = 100, .batch_param = "Filter",
     .batch_filter = "nat-gateway-id"},
};

static const struct pk_attribute nat_attributes[] = {
    {"NatGatewayId", "NatGatewayId"}, {NULL, NULL}};

const struct pk_type pk_type_ec2_nat_gateway = {
    .type = "AWS::EC2::NatGateway", .service = "ec2",
    .props = nat_props, .n_props = PK_ARRAY_LEN(nat_props),
    .token = "ClientToken",
    .typical_create_ms = 120000, .typical_delete_ms = 60000,
    .create = {.operation = "CreateNatGateway"}, .id = "{out.NatGateway.NatGatewayId}",
    .create_item = "NatGateway",
    .remove = {"DeleteNatGateway", NULL, PK_PARAMS({"NatGatewayId", "{id}"})},
    .remove_wait = true, .remove_limit_ms = 15 * 60 * 1000,
    .readers = nat_readers, .n_readers = PK_ARRAY_LEN(nat_readers),
    .wait = {.path = "State", .ready = "available", .failed = "failed|deleting",
             .reason = "FailureMessage", .dead = "deleted"},
    .tags = EC2_TAGS("natgateway"),
    .errors = {.gone = "NatGatewayNotFound|InvalidNatGatewayID.NotFound", .fresh = EC2_FRESH},
    .attributes = nat_attributes,
    .recovery = PK_RECOVER_TOKEN,
    .finder = &(const struct pk_reader){
        .call = {"DescribeNatGateways", NULL, PK_PARAMS({"Filter", EC2_OURS})}, .paged = true,
        .list = "NatGateways"},
    .find_item_id = "{out.NatGatewayId}",
};

/* --- RouteTable --- */

static const struct pk_prop table_props[] = {
    {"VpcId", .traits = PK_CREATE_ONLY},
};

static const struct pk_reader table_readers[] = {
    {.call = {.operation = "DescribeRouteTables"}, .paged = true, .list = "RouteTables",
     .match = "{out.RouteTableId}", .batch = 100, .batch_filter = "route-table-id"},
};

static const struct pk_attribute table_attributes[] = {
    {"RouteTableId", "RouteTableId"}, {NULL, NULL}};

const struct pk_type pk_type_ec2_route_table = {
    .type = "AWS::EC2::RouteTable", .service = "ec2",
    .props = table_props, .n_props = PK_ARRAY_LEN(table_props),
    .token = "ClientToken",
    .typical_create_ms = 2000, .typical_delete_ms = 2000,
    .create = {.operation = "CreateRouteTable"}, .id = "{out.RouteTable.RouteTableId}",
    .create_item = "RouteTable",
    .remove = {"DeleteRouteTable", NULL, PK_PARAMS({"RouteTableId", "{id}"})},
    .readers = table_readers, .n_readers = PK_ARRAY_LEN(table_readers),
    .tags = EC2_TAGS("route-table"),
    .errors = {.gone = "InvalidRouteTableID.NotFound", .fresh = EC2_FRESH,
               .delete_busy = "DependencyViolation"},
    .attributes = table_attributes,
    .recovery = PK_RECOVER_TOKEN,
    .finder = &(const struct pk_reader){
        .call = {"DescribeRouteTables", NULL, PK_PARAMS({"Filters", EC2_OURS})}, .paged = true,
        .list = "RouteTables"},
    .find_item_id = "{out.RouteTableId}",
};

// clang-format on

/* --- Route: its id is "table|destination" --- */

static const char *const destinations[] = {"DestinationCidrBlock", "DestinationIpv6CidrBlock",
                                           "DestinationPrefixListId"};

static json_t *pick_route(struct pk_ctx *ctx, const json_t *table) {
    PK_CLEANUP(pk_freep) char *wanted = pk_ctx_text(ctx, "{id[1]}");
    const json_t *routes = json_object_get(table, "Routes");
    for (size_t i = 0; i < json_array_size(routes); i++) {
        const json_t *route = json_array_get(routes, i);
        for (size_t d = 0; d < PK_ARRAY_LEN(destinations); d++)
            if (wanted && pk_streq(pk_json_str(route, destinations[d], NULL), wanted)) {
                json_t *ret = json_deep_copy(route);
                pk_json_put_str(ret, "RouteTableId", pk_json_str(table, "RouteTableId", NULL));
                return ret;
            }
    }
    return NULL;
}

/* The member for a destination is known by the form of its text. */
static bool put_destination(struct pk_ctx *ctx, json_t *params, struct pk_error **err) {
    (void)err;
    PK_CLEANUP(pk_freep) char *text = pk_ctx_text(ctx, "{id[1]}");
    const char *member = destinations[0];
    if (text && strchr(text, ':'))
        member = destinations[1];
    else if (text && pk_starts_with(text, "pl-"))
        member = destinations[2];
    pk_json_put_str(params, member, text);
    return true;
}

/* AWS lists gateway endpoints' routes and local ones; a target that does not fit is another's. */
static enum pk_found judge_route(struct pk_ctx *ctx, const json_t *item) {
    static const char *const targets[] = {"GatewayId",
                                          "NatGatewayId",
                                          "TransitGatewayId",
                                          "VpcPeeringConnectionId",
                                          "NetworkInterfaceId",
                                          "InstanceId",
                                          "EgressOnlyInternetGatewayId"};
    for (size_t i = 0; i < PK_ARRAY_LEN(targets); i++) {
        const char *wanted = pk_json_str(ctx->props, targets[i], NULL);
        if (wanted && !pk_streq(wanted, pk_json_str(item, targets[i], NULL)))
            return PK_FOREIGN;
    }
    return PK_OURS;
}

// clang-format off

static const struct pk_prop route_props[] = {
    {"RouteTableId", .traits = PK_CREATE_ONLY},
    {"DestinationCidrBlock", .traits = PK_CREATE_ONLY},
    {"DestinationIpv6CidrBlock", .traits = PK_CREATE_ONLY | PK_NOCASE_VALUE},
    {"DestinationPrefixListId", .traits = PK_CREATE_ONLY},
    {"GatewayId", .update = 1},
    {"NatGatewayId", .update = 1},
    {"TransitGatewayId", .update = 1},
    {"VpcPeeringConnectionId", .update = 1},
    {"VpcEndpointId", .update = 1, .read = "GatewayId"},
    {"NetworkInterfaceId", .update = 1},
    {"InstanceId", .update = 1},
    {"EgressOnlyInternetGatewayId", .update = 1},
};

static const struct pk_update route_updates[] = {
    {.operation = "ReplaceRoute", .params = PK_PARAMS({"RouteTableId", "{id[0]}"}),
     .flags = PK_UPDATE_FULL, .prepare = put_destination},
};

static const struct pk_reader route_readers[] = {
    {.call = {.operation = "DescribeRouteTables"}, .paged = true, .list = "RouteTables",
     .match = "{out.RouteTableId}", .want = "{id[0]}", .batch = 100,
     .batch_filter = "route-table-id", .pick = pick_route},
};

const struct pk_type pk_type_ec2_route = {
    .type = "AWS::EC2::Route", .service = "ec2",
    .props = route_props, .n_props = PK_ARRAY_LEN(route_props),
    .typical_create_ms = 2000, .typical_delete_ms = 2000,
    .create = {.operation = "CreateRoute"},
    .id = "{prop.RouteTableId}|{prop.DestinationCidrBlock|prop.DestinationIpv6CidrBlock|"
          "prop.DestinationPrefixListId}",
    .updates = route_updates, .n_updates = PK_ARRAY_LEN(route_updates),
    .remove = {"DeleteRoute", NULL, PK_PARAMS({"RouteTableId", "{id[0]}"})},
    .prepare_remove = put_destination,
    .readers = route_readers, .n_readers = PK_ARRAY_LEN(route_readers),
    .errors = {.gone = "InvalidRoute.NotFound|InvalidRouteTableID.NotFound",
               .exists = "RouteAlreadyExists", .fresh = EC2_FRESH},
    .recovery = PK_RECOVER_NATURAL,
    .find_id = "{prop.RouteTableId}|{prop.DestinationCidrBlock|prop.DestinationIpv6CidrBlock|"
               "prop.DestinationPrefixListId}",
    .judge = judge_route,
};

// clang-format on

/* --- SubnetRouteTableAssociation --- */

/* Switching the table in place keeps the subnet routed all the time; the association gets a new
 * identifier. */
static enum pk_progress replace_association(struct pk_ctx *ctx, const struct pk_update *update,
                                            struct pk_error **err) {
    json_t *params = pk_ctx_params(ctx, update->params);
    json_auto_t *answer = NULL;
    if (!pk_ctx_call(ctx, NULL, "ReplaceRouteTableAssociation", params, &answer, err))
        return PK_FAILED;
    const char *id = pk_json_str(answer, "NewAssociationId", NULL);
    if (id)
        pk_ctx_set_id(ctx, id);
    return PK_DONE;
}

static enum pk_found judge_association(struct pk_ctx *ctx, const json_t *item) {
    return pk_streq(pk_json_str(item, "RouteTableId", NULL),
                    pk_json_str(ctx->props, "RouteTableId", NULL))
               ? PK_OURS
               : PK_FOREIGN;
}

// clang-format off

static const struct pk_prop association_props[] = {
    {"SubnetId", .traits = PK_CREATE_ONLY},
    {"RouteTableId", .update = 1},
};

static const struct pk_update association_updates[] = {
    {.params = PK_PARAMS({"AssociationId", "{id}"}, {"RouteTableId", "{prop.RouteTableId}"}),
     .run = replace_association},
};

static const struct pk_reader association_readers[] = {
    {.call = {.operation = "DescribeRouteTables"}, .paged = true,
     .list = "RouteTables[].Associations", .match = "{out.RouteTableAssociationId}", .batch = 100,
     .batch_filter = "association.route-table-association-id"},
};

const struct pk_type pk_type_ec2_subnet_route_table_association = {
    .type = "AWS::EC2::SubnetRouteTableAssociation", .service = "ec2",
    .props = association_props, .n_props = PK_ARRAY_LEN(association_props),
    .typical_create_ms = 2000, .typical_delete_ms = 2000,
    .create = {.operation = "AssociateRouteTable"}, .id = "{out.AssociationId}",
    .updates = association_updates, .n_updates = PK_ARRAY_LEN(association_updates),
    .remove = {"DisassociateRouteTable", NULL, PK_PARAMS({"AssociationId", "{id}"})},
    .readers = association_readers, .n_readers = PK_ARRAY_LEN(association_readers),
    .wait = {.path = "AssociationState.State", .ready = "associated", .failed = "failed",
             .reason = "AssociationState.StatusMessage", .dead = "disassociated|disassociating"},
    .errors = {.gone = "InvalidAssociationID.NotFound|InvalidRouteTableAssociationID.NotFound",
               .exists = "Resource.AlreadyAssociated", .fresh = EC2_FRESH},
    .recovery = PK_RECOVER_NATURAL,
    .finder = &(const struct pk_reader){
        .call = {"DescribeRouteTables", NULL,
                 PK_PARAMS({"Filters", "json:[{\"Name\":\"association.subnet-id\","
                                       "\"Values\":[\"{prop.SubnetId}\"]}]"})},
        .paged = true, .list = "RouteTables[].Associations", .match = "{out.SubnetId}",
        .want = "{prop.SubnetId}"},
    .find_item_id = "{out.RouteTableAssociationId}",
    .judge = judge_association,
};
// clang-format on
