/* elbv2.c - AWS::ElasticLoadBalancingV2::LoadBalancer, TargetGroup. */
#include "provider/elbv2.h"
#include "provider/types.h"

#include <string.h>

/* --- helpers --- */

static bool key_listed(const json_t *list, const char *key) {
    for (size_t i = 0; i < json_array_size(list); i++)
        if (pk_streq(pk_json_str(json_array_get(list, i), "Key", NULL), key))
            return true;
    return false;
}

void pk_elb_attributes(struct pk_ctx *ctx, const json_t *item, json_t *live, const char *name,
                       const char *member) {
    const json_t *all = json_object_get(item, member);
    const json_t *applied = json_object_get(ctx->prior, name);
    if (!all)
        return;
    json_t *list = json_array();
    for (size_t i = 0; i < json_array_size(all); i++) {
        json_t *attribute = json_array_get(all, i);
        if (!applied || key_listed(applied, pk_json_str(attribute, "Key", NULL)))
            json_array_append(list, attribute);
    }
    json_object_set_new(live, name, list);
}

void pk_elb_full_name(const json_t *item, const char *arn_member, const char *after,
                      const char *name, json_t *attributes) {
    const char *arn = pk_json_str(item, arn_member, ""), *found = strstr(arn, after);
    if (found)
        pk_json_put_str(attributes, name, found + strlen(after));
}

// clang-format off

/* CloudFormation has texts where the API has numbers. */
const struct pk_names pk_elb_names[] = {
    {"SessionTimeout", "SessionTimeout", PK_MEMBER_NUMBER},
    {NULL, NULL, 0},
};

// clang-format on

/* --- LoadBalancer --- */

static void balancer_normalize(struct pk_ctx *ctx, const json_t *item, json_t *live) {
    pk_elb_attributes(ctx, item, live, "LoadBalancerAttributes", "Attributes");
}

static void balancer_attributes(struct pk_ctx *ctx, const json_t *item, json_t *attributes) {
    (void)ctx;
    pk_elb_full_name(item, "LoadBalancerArn", ":loadbalancer/", "LoadBalancerFullName", attributes);
}

/* SetSubnets takes the one or the other. */
static bool subnets_once(struct pk_ctx *ctx, json_t *params, struct pk_error **err) {
    (void)ctx;
    (void)err;
    if (json_array_size(json_object_get(params, "SubnetMappings")) > 0)
        json_object_del(params, "Subnets");
    return true;
}

// clang-format off

static const struct pk_prop balancer_props[] = {
    {"Name", .read = "LoadBalancerName", .traits = PK_CREATE_ONLY},
    {"Type", .traits = PK_CREATE_ONLY},
    {"Scheme", .traits = PK_CREATE_ONLY},
    {"Subnets", .read = "AvailabilityZones[].SubnetId", .update = 1, .traits = PK_SET},
    {"SubnetMappings", .read = PK_NOT_SENT, .update = 1},
    {"SecurityGroups", .update = 2, .traits = PK_SET},
    {"IpAddressType", .update = 3, .fallback = "\"ipv4\""},
    {"LoadBalancerAttributes", .create = PK_NOT_SENT, .change = "Attributes",
     .read = PK_FROM_HOOK, .update = 4, .traits = PK_SET},
};

#define BALANCER PK_PARAMS({"LoadBalancerArn", "{id}"})

static const struct pk_update balancer_updates[] = {
    {.operation = "SetSubnets", .params = BALANCER, .prepare = subnets_once},
    {.operation = "SetSecurityGroups", .params = BALANCER},
    {.operation = "SetIpAddressType", .params = BALANCER},
    {.operation = "ModifyLoadBalancerAttributes", .params = BALANCER,
     .flags = PK_UPDATE_AFTER_CREATE},
};

static const struct pk_reader balancer_readers[] = {
    {.call = {.operation = "DescribeLoadBalancers"}, .paged = true, .list = "LoadBalancers",
     .match = "{out.LoadBalancerArn}", .batch = 20, .batch_param = "LoadBalancerArns"},
    ELB_TAG_READER,
    {.call = {"DescribeLoadBalancerAttributes", NULL, BALANCER}, .item = "Attributes",
     .into = "Attributes", .when = "LoadBalancerAttributes"},
};

static const struct pk_attribute balancer_attribute_list[] = {
    {"LoadBalancerArn", "LoadBalancerArn"}, {"DNSName", "DNSName"},
    {"CanonicalHostedZoneID", "CanonicalHostedZoneId"}, {"LoadBalancerName", "LoadBalancerName"},
    {"SecurityGroups", "SecurityGroups"}, {NULL, NULL}};

const struct pk_type pk_type_elb_load_balancer = {
    .type = "AWS::ElasticLoadBalancingV2::LoadBalancer", .service = "elbv2",
    .props = balancer_props, .n_props = PK_ARRAY_LEN(balancer_props),
    .name_prop = "Name",
    .typical_create_ms = 150000, .typical_delete_ms = 15000,
    .create = {.operation = "CreateLoadBalancer"}, .id = "{out.LoadBalancers[0].LoadBalancerArn}",
    .create_item = "LoadBalancers[0]",
    .updates = balancer_updates, .n_updates = PK_ARRAY_LEN(balancer_updates),
    .remove = {"DeleteLoadBalancer", NULL, BALANCER}, .remove_wait = true,
    .readers = balancer_readers, .n_readers = PK_ARRAY_LEN(balancer_readers),
    .normalize = balancer_normalize, .more_attributes = balancer_attributes,
    .wait = {.path = "State.Code", .ready = "active|active_impaired", .failed = "failed",
             .reason = "State.Reason", .interval_ms = 5000},
    .tags = ELB_TAGS,
    .errors = {.gone = "LoadBalancerNotFound", .exists = "DuplicateLoadBalancerName",
               .busy = "OperationNotPermitted:in progress",
               .fresh = "InvalidSubnet:no internet gateway|SubnetNotFound|InvalidSecurityGroup",
               .delete_busy = "ResourceInUse"},
    .attributes = balancer_attribute_list,
    /* The same name and settings answer with the balancer that is there. */
    .recovery = PK_RECOVER_NAME, .check_first = true,
    .finder = &(const struct pk_reader){
        .call = {"DescribeLoadBalancers", NULL, PK_PARAMS({"Names[]", "{name}"})},
        .list = "LoadBalancers", .match = "{out.LoadBalancerName}", .want = "{name}"},
    .find_item_id = "{out.LoadBalancerArn}", .find_tags_apart = true,
};

// clang-format on

/* --- TargetGroup --- */

static void group_normalize(struct pk_ctx *ctx, const json_t *item, json_t *live) {
    pk_elb_attributes(ctx, item, live, "TargetGroupAttributes", "Attributes");
}

static void group_attributes(struct pk_ctx *ctx, const json_t *item, json_t *attributes) {
    (void)ctx;
    const char *arn = pk_json_str(item, "TargetGroupArn", ""),
               *found = strstr(arn, ":targetgroup/");
    if (found)
        pk_json_put_str(attributes, "TargetGroupFullName", found + 1);
}

static bool same_target(const json_t *wanted, const json_t *there) {
    static const char *const members[] = {"Id", "Port", "AvailabilityZone"};
    for (size_t i = 0; i < PK_ARRAY_LEN(members); i++) {
        const json_t *value = json_object_get(wanted, members[i]);
        if (value && !pk_json_equal(value, json_object_get(there, members[i])))
            return false;
    }
    return true;
}

/* Targets that the other list does not have. */
static json_t *targets_missing(const json_t *list, const json_t *in, bool wanted_first) {
    json_t *ret = json_array();
    for (size_t i = 0; i < json_array_size(list); i++) {
        json_t *target = json_array_get(list, i);
        bool found = false;
        for (size_t k = 0; !found && k < json_array_size(in); k++)
            found = wanted_first ? same_target(target, json_array_get(in, k))
                                 : same_target(json_array_get(in, k), target);
        if (!found)
            json_array_append(ret, target);
    }
    return ret;
}

static bool send_targets(struct pk_ctx *ctx, const char *operation, json_t *targets,
                         struct pk_error **err) {
    if (json_array_size(targets) == 0) {
        json_decref(targets);
        return true;
    }
    json_t *params = json_object();
    pk_json_put_str(params, "TargetGroupArn", ctx->id);
    json_object_set_new(params, "Targets", targets);
    return pk_ctx_call(ctx, NULL, operation, params, NULL, err);
}

static enum pk_progress change_targets(struct pk_ctx *ctx, const struct pk_update *update,
                                       struct pk_error **err) {
    json_t *params = pk_ctx_params(ctx, update->params);
    json_auto_t *answer = NULL;
    if (!pk_ctx_call(ctx, NULL, "DescribeTargetHealth", params, &answer, err))
        return PK_FAILED;
    json_auto_t *live = json_array();
    const json_t *states = json_object_get(answer, "TargetHealthDescriptions");
    for (size_t i = 0; i < json_array_size(states); i++) {
        const json_t *state = json_array_get(states, i);
        if (!pk_streq(pk_json_str(state, "TargetHealth.State", NULL), "draining"))
            json_array_append(live, json_object_get(state, "Target"));
    }
    const json_t *wanted = json_object_get(ctx->props, "Targets");
    bool ok = send_targets(ctx, "RegisterTargets", targets_missing(wanted, live, true), err) &&
              send_targets(ctx, "DeregisterTargets", targets_missing(live, wanted, false), err);
    return ok ? PK_DONE : PK_FAILED;
}

// clang-format off

static const struct pk_prop group_props[] = {
    {"Name", .read = "TargetGroupName", .traits = PK_CREATE_ONLY},
    {"Port", .traits = PK_CREATE_ONLY},
    {"Protocol", .traits = PK_CREATE_ONLY},
    {"ProtocolVersion", .traits = PK_CREATE_ONLY},
    {"TargetType", .traits = PK_CREATE_ONLY},
    {"VpcId", .traits = PK_CREATE_ONLY},
    {"IpAddressType", .traits = PK_CREATE_ONLY},
    {"HealthCheckEnabled", .update = 1, .fallback = "true"},
    {"HealthCheckIntervalSeconds", .update = 1, .fallback = "30"},
    {"HealthCheckPath", .update = 1},
    {"HealthCheckPort", .update = 1, .fallback = "\"traffic-port\""},
    {"HealthCheckProtocol", .update = 1},
    {"HealthCheckTimeoutSeconds", .update = 1},
    {"HealthyThresholdCount", .update = 1, .fallback = "5"},
    {"UnhealthyThresholdCount", .update = 1, .fallback = "2"},
    {"Matcher", .update = 1},
    {"TargetGroupAttributes", .create = PK_NOT_SENT, .change = "Attributes", .read = PK_FROM_HOOK,
     .update = 2, .traits = PK_SET},
    {"Targets", .create = PK_NOT_SENT, .read = "Targets[].Target", .update = 3, .traits = PK_SET},
};

#define GROUP PK_PARAMS({"TargetGroupArn", "{id}"})

static const struct pk_update group_updates[] = {
    {.operation = "ModifyTargetGroup", .params = GROUP},
    {.operation = "ModifyTargetGroupAttributes", .params = GROUP, .flags = PK_UPDATE_AFTER_CREATE},
    {.params = GROUP, .run = change_targets, .flags = PK_UPDATE_AFTER_CREATE},
};

static const struct pk_reader group_readers[] = {
    {.call = {.operation = "DescribeTargetGroups"}, .paged = true, .list = "TargetGroups",
     .match = "{out.TargetGroupArn}", .batch = 20, .batch_param = "TargetGroupArns"},
    ELB_TAG_READER,
    {.call = {"DescribeTargetGroupAttributes", NULL, GROUP}, .item = "Attributes",
     .into = "Attributes", .when = "TargetGroupAttributes"},
    {.call = {"DescribeTargetHealth", NULL, GROUP}, .item = "TargetHealthDescriptions",
     .into = "Targets", .when = "Targets"},
};

static const struct pk_attribute group_attribute_list[] = {
    {"TargetGroupArn", "TargetGroupArn"}, {"TargetGroupName", "TargetGroupName"},
    {"LoadBalancerArns", "LoadBalancerArns"}, {NULL, NULL}};

const struct pk_type pk_type_elb_target_group = {
    .type = "AWS::ElasticLoadBalancingV2::TargetGroup", .service = "elbv2",
    .props = group_props, .n_props = PK_ARRAY_LEN(group_props),
    .name_prop = "Name",
    .typical_create_ms = 2000, .typical_delete_ms = 2000,
    .create = {.operation = "CreateTargetGroup"}, .id = "{out.TargetGroups[0].TargetGroupArn}",
    .create_item = "TargetGroups[0]",
    .updates = group_updates, .n_updates = PK_ARRAY_LEN(group_updates),
    .remove = {"DeleteTargetGroup", NULL, GROUP},
    .readers = group_readers, .n_readers = PK_ARRAY_LEN(group_readers),
    .normalize = group_normalize, .more_attributes = group_attributes,
    .tags = ELB_TAGS,
    .errors = {.gone = "TargetGroupNotFound", .exists = "DuplicateTargetGroupName",
               .delete_busy = "ResourceInUse"},
    .attributes = group_attribute_list,
    .recovery = PK_RECOVER_NAME, .check_first = true,
    .finder = &(const struct pk_reader){
        .call = {"DescribeTargetGroups", NULL, PK_PARAMS({"Names[]", "{name}"})},
        .list = "TargetGroups", .match = "{out.TargetGroupName}", .want = "{name}"},
    .find_item_id = "{out.TargetGroupArn}", .find_tags_apart = true,
};
// clang-format on
