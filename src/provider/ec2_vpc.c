/* ec2_vpc.c - AWS::EC2::VPC, Subnet, InternetGateway, VPCGatewayAttachment. */
#include "provider/ec2.h"
#include "provider/types.h"

#include <string.h>

/* --- helpers of all EC2 types --- */

bool pk_ec2_successful(struct pk_ctx *ctx, const json_t *answer, const char *gone,
                       struct pk_error **err) {
    const json_t *failed = json_object_get(answer, "Unsuccessful");
    for (size_t i = 0; i < json_array_size(failed); i++) {
        const json_t *error = json_object_get(json_array_get(failed, i), "Error");
        const char *code = pk_json_str(error, "Code", "Unknown");
        if (pk_word_in(gone, code))
            continue;
        pk_fail(err, PK_E_AWS, "%s", pk_json_str(error, "Message", code));
        if (err && *err) {
            pk_error_set(&(*err)->aws.service, ctx->type->service);
            pk_error_set(&(*err)->aws.operation, ctx->type->create.operation);
            pk_error_set(&(*err)->aws.code, code);
        }
        return false;
    }
    return true;
}

static bool list_has(const json_t *list, const json_t *text) {
    for (size_t i = 0; i < json_array_size(list); i++)
        if (json_equal(json_array_get(list, i), text))
            return true;
    return false;
}

static void put_missing(json_t *params, const char *member, const json_t *from, const json_t *in) {
    json_t *list = json_array();
    for (size_t i = 0; i < json_array_size(from); i++)
        if (!list_has(in, json_array_get(from, i)))
            json_array_append(list, json_array_get(from, i));
    if (json_array_size(list))
        json_object_set(params, member, list);
    json_decref(list);
}

void pk_ec2_list_delta(json_t *params, const char *add, const char *remove, const json_t *live,
                       const json_t *wanted) {
    put_missing(params, add, wanted, live);
    put_missing(params, remove, live, wanted);
}

// clang-format off

/* --- VPC --- */

static const struct pk_prop vpc_props[] = {
    {"CidrBlock", .traits = PK_CREATE_ONLY},
    {"InstanceTenancy", .traits = PK_CREATE_ONLY},
    {"Ipv4IpamPoolId", .traits = PK_CREATE_ONLY, .read = PK_NOT_SENT},
    {"Ipv4NetmaskLength", .traits = PK_CREATE_ONLY, .read = PK_NOT_SENT},
    /* Host names need DNS support: support is switched first. */
    {"EnableDnsSupport", .create = PK_NOT_SENT, .update = 1, .change = "EnableDnsSupport.Value",
     .fallback = "true"},
    {"EnableDnsHostnames", .create = PK_NOT_SENT, .update = 1, .change = "EnableDnsHostnames.Value",
     .fallback = "false"},
};

static const struct pk_update vpc_updates[] = {
    {.operation = "ModifyVpcAttribute", .params = PK_PARAMS({"VpcId", "{id}"}),
     .flags = PK_UPDATE_EACH | PK_UPDATE_AFTER_CREATE},
};

static const struct pk_reader vpc_readers[] = {
    {.call = {.operation = "DescribeVpcs"}, .paged = true, .list = "Vpcs", .match = "{out.VpcId}", .batch = 100,
     .batch_filter = "vpc-id"},
    {.call = {"DescribeVpcAttribute", NULL,
              PK_PARAMS({"VpcId", "{id}"}, {"Attribute", "enableDnsSupport"})},
     .item = "EnableDnsSupport.Value", .into = "EnableDnsSupport", .when = "EnableDnsSupport"},
    {.call = {"DescribeVpcAttribute", NULL,
              PK_PARAMS({"VpcId", "{id}"}, {"Attribute", "enableDnsHostnames"})},
     .item = "EnableDnsHostnames.Value", .into = "EnableDnsHostnames",
     .when = "EnableDnsHostnames"},
};

static const struct pk_attribute vpc_attributes[] = {
    {"VpcId", "VpcId"}, {"CidrBlock", "CidrBlock"}, {NULL, NULL}};

const struct pk_type pk_type_ec2_vpc = {
    .type = "AWS::EC2::VPC", .service = "ec2",
    .props = vpc_props, .n_props = PK_ARRAY_LEN(vpc_props),
    .typical_create_ms = 3000, .typical_delete_ms = 2000,
    .create = {.operation = "CreateVpc"}, .id = "{out.Vpc.VpcId}",
    .updates = vpc_updates, .n_updates = PK_ARRAY_LEN(vpc_updates),
    .remove = {"DeleteVpc", NULL, PK_PARAMS({"VpcId", "{id}"})},
    .remove_limit_ms = EC2_LINGER_MS,
    .readers = vpc_readers, .n_readers = PK_ARRAY_LEN(vpc_readers),
    .wait = {.path = "State", .ready = "available"},
    .tags = EC2_TAGS("vpc"),
    .errors = {.gone = "InvalidVpcID.NotFound", .fresh = EC2_FRESH,
               .delete_busy = "DependencyViolation"},
    .attributes = vpc_attributes,
    .recovery = PK_RECOVER_TAG,
    .finder = &(const struct pk_reader){
        .call = {"DescribeVpcs", NULL, PK_PARAMS({"Filters", EC2_OURS})}, .paged = true,
        .list = "Vpcs"},
    .find_item_id = "{out.VpcId}",
};

/* --- Subnet --- */

static const struct pk_prop subnet_props[] = {
    {"VpcId", .traits = PK_CREATE_ONLY},
    {"CidrBlock", .traits = PK_CREATE_ONLY | PK_DELETE_FIRST},
    {"AvailabilityZone", .traits = PK_CREATE_ONLY | PK_DELETE_FIRST},
    {"AvailabilityZoneId", .traits = PK_CREATE_ONLY | PK_DELETE_FIRST},
    {"Ipv6CidrBlock", .traits = PK_CREATE_ONLY | PK_DELETE_FIRST,
     .read = "Ipv6CidrBlockAssociationSet[0].Ipv6CidrBlock"},
    {"Ipv6Native", .traits = PK_CREATE_ONLY},
    {"OutpostArn", .traits = PK_CREATE_ONLY},
    {"MapPublicIpOnLaunch", .create = PK_NOT_SENT, .update = 1,
     .change = "MapPublicIpOnLaunch.Value", .fallback = "false"},
    {"AssignIpv6AddressOnCreation", .create = PK_NOT_SENT, .update = 1,
     .change = "AssignIpv6AddressOnCreation.Value", .fallback = "false"},
    {"EnableDns64", .create = PK_NOT_SENT, .update = 1, .change = "EnableDns64.Value",
     .fallback = "false"},
};

static const struct pk_update subnet_updates[] = {
    {.operation = "ModifySubnetAttribute", .params = PK_PARAMS({"SubnetId", "{id}"}),
     .flags = PK_UPDATE_EACH | PK_UPDATE_AFTER_CREATE},
};

static const struct pk_reader subnet_readers[] = {
    {.call = {.operation = "DescribeSubnets"}, .paged = true, .list = "Subnets", .match = "{out.SubnetId}",
     .batch = 100, .batch_filter = "subnet-id"},
};

static const struct pk_attribute subnet_attributes[] = {
    {"SubnetId", "SubnetId"}, {"AvailabilityZone", "AvailabilityZone"}, {"CidrBlock", "CidrBlock"},
    {"VpcId", "VpcId"}, {NULL, NULL}};

const struct pk_type pk_type_ec2_subnet = {
    .type = "AWS::EC2::Subnet", .service = "ec2",
    .props = subnet_props, .n_props = PK_ARRAY_LEN(subnet_props),
    .typical_create_ms = 3000, .typical_delete_ms = 2000,
    .create = {.operation = "CreateSubnet"}, .id = "{out.Subnet.SubnetId}",
    .updates = subnet_updates, .n_updates = PK_ARRAY_LEN(subnet_updates),
    .remove = {"DeleteSubnet", NULL, PK_PARAMS({"SubnetId", "{id}"})},
    .remove_limit_ms = EC2_LINGER_MS,
    .readers = subnet_readers, .n_readers = PK_ARRAY_LEN(subnet_readers),
    .wait = {.path = "State", .ready = "available", .failed = "failed|failed-insufficient-capacity"},
    .tags = EC2_TAGS("subnet"),
    .errors = {.gone = "InvalidSubnetID.NotFound", .fresh = EC2_FRESH,
               .delete_busy = "DependencyViolation"},
    .attributes = subnet_attributes,
    .recovery = PK_RECOVER_TAG,
    .finder = &(const struct pk_reader){
        .call = {"DescribeSubnets", NULL, PK_PARAMS({"Filters", EC2_OURS})}, .paged = true,
        .list = "Subnets"},
    .find_item_id = "{out.SubnetId}",
};

/* --- InternetGateway --- */

static const struct pk_reader igw_readers[] = {
    {.call = {.operation = "DescribeInternetGateways"}, .paged = true, .list = "InternetGateways",
     .match = "{out.InternetGatewayId}", .batch = 100, .batch_filter = "internet-gateway-id"},
};

static const struct pk_attribute igw_attributes[] = {
    {"InternetGatewayId", "InternetGatewayId"}, {NULL, NULL}};

const struct pk_type pk_type_ec2_internet_gateway = {
    .type = "AWS::EC2::InternetGateway", .service = "ec2",
    .typical_create_ms = 2000, .typical_delete_ms = 2000,
    .create = {.operation = "CreateInternetGateway"}, .id = "{out.InternetGateway.InternetGatewayId}",
    .create_item = "InternetGateway",
    .remove = {"DeleteInternetGateway", NULL, PK_PARAMS({"InternetGatewayId", "{id}"})},
    .remove_limit_ms = EC2_LINGER_MS,
    .readers = igw_readers, .n_readers = PK_ARRAY_LEN(igw_readers),
    .tags = EC2_TAGS("internet-gateway"),
    .errors = {.gone = "InvalidInternetGatewayID.NotFound", .fresh = EC2_FRESH,
               .delete_busy = "DependencyViolation"},
    .attributes = igw_attributes,
    .recovery = PK_RECOVER_TAG,
    .finder = &(const struct pk_reader){
        .call = {"DescribeInternetGateways", NULL, PK_PARAMS({"Filters", EC2_OURS})}, .paged = true,
        .list = "InternetGateways"},
    .find_item_id = "{out.InternetGatewayId}",
};

// clang-format on

/* --- VPCGatewayAttachment: its id is "gateway|vpc" --- */

/* The attachment to the VPC of the id, out of its gateway. */
static json_t *pick_attachment(struct pk_ctx *ctx, const json_t *gateway) {
    PK_CLEANUP(pk_freep) char *vpc = pk_ctx_text(ctx, "{id[1]}");
    const json_t *attachments = json_object_get(gateway, "Attachments");
    for (size_t i = 0; i < json_array_size(attachments); i++) {
        const json_t *attachment = json_array_get(attachments, i);
        if (!pk_streq(pk_json_str(attachment, "VpcId", NULL), vpc))
            continue;
        json_t *ret = json_deep_copy(attachment);
        pk_json_put_str(ret, "InternetGatewayId", pk_json_str(gateway, "InternetGatewayId", NULL));
        return ret;
    }
    return NULL;
}

// clang-format off

static const struct pk_prop attachment_props[] = {
    {"InternetGatewayId", .traits = PK_CREATE_ONLY},
    {"VpcId", .traits = PK_CREATE_ONLY},
};

static const struct pk_reader attachment_readers[] = {
    {.call = {.operation = "DescribeInternetGateways"}, .paged = true, .list = "InternetGateways",
     .match = "{out.InternetGatewayId}", .want = "{id[0]}", .batch = 100,
     .batch_filter = "internet-gateway-id", .pick = pick_attachment},
};

const struct pk_type pk_type_ec2_vpc_gateway_attachment = {
    .type = "AWS::EC2::VPCGatewayAttachment", .service = "ec2",
    .props = attachment_props, .n_props = PK_ARRAY_LEN(attachment_props),
    .delete_first = true, /* a VPC has one gateway, a gateway one VPC */
    .typical_create_ms = 2000, .typical_delete_ms = 5000,
    .create = {.operation = "AttachInternetGateway"}, .id = "{prop.InternetGatewayId}|{prop.VpcId}",
    .remove = {"DetachInternetGateway", NULL,
               PK_PARAMS({"InternetGatewayId", "{id[0]}"}, {"VpcId", "{id[1]}"})},
    .remove_limit_ms = EC2_LINGER_MS,
    .readers = attachment_readers, .n_readers = PK_ARRAY_LEN(attachment_readers),
    .wait = {.path = "State", .ready = "available|attached", .dead = "detached"},
    .errors = {.gone = "Gateway.NotAttached|InvalidInternetGatewayID.NotFound|InvalidVpcID.NotFound",
               .exists = "Resource.AlreadyAssociated", .fresh = EC2_FRESH,
               .delete_busy = "DependencyViolation"},
    .recovery = PK_RECOVER_NATURAL,
    .find_id = "{prop.InternetGatewayId}|{prop.VpcId}",
};
// clang-format on
