/* application_autoscaling.c - AWS::ApplicationAutoScaling::ScalableTarget, ScalingPolicy. */
#include "provider/types.h"

/* --- ScalableTarget: its id is "namespace|resource|dimension" --- */

static json_t *target_params(const struct pk_ctx *ctx) {
    static const struct pk_param params[] = {{"ServiceNamespace", "{id[0]}"},
                                             {"ResourceId", "{id[1]}"},
                                             {"ScalableDimension", "{id[2]}"},
                                             {NULL, NULL}};
    return pk_ctx_params(ctx, params);
}

static bool action_named(const json_t *actions, const char *name) {
    for (size_t i = 0; i < json_array_size(actions); i++)
        if (pk_streq(pk_json_str(json_array_get(actions, i), "ScheduledActionName", NULL), name))
            return true;
    return false;
}

static enum pk_progress change_actions(struct pk_ctx *ctx, const struct pk_update *update,
                                       struct pk_error **err) {
    (void)update;
    json_auto_t *live = NULL;
    if (!pk_ctx_call_all(ctx, NULL, "DescribeScheduledActions", target_params(ctx), &live, err))
        return PK_FAILED;
    const json_t *there = json_object_get(live, "ScheduledActions");
    const json_t *wanted = json_object_get(ctx->props, "ScheduledActions");
    for (size_t i = 0; i < json_array_size(wanted); i++) {
        json_t *params = target_params(ctx);
        json_object_update(params, json_array_get(wanted, i));
        if (!pk_ctx_call(ctx, NULL, "PutScheduledAction", params, NULL, err))
            return PK_FAILED;
    }
    for (size_t i = 0; i < json_array_size(there); i++) {
        const char *name = pk_json_str(json_array_get(there, i), "ScheduledActionName", NULL);
        json_t *params = target_params(ctx);
        pk_json_put_str(params, "ScheduledActionName", name);
        if (action_named(wanted, name))
            json_decref(params);
        else if (!pk_ctx_call(ctx, NULL, "DeleteScheduledAction", params, NULL, err))
            return PK_FAILED;
    }
    return PK_DONE;
}

// clang-format off

static const struct pk_prop target_props[] = {
    {"ServiceNamespace", .traits = PK_CREATE_ONLY},
    {"ResourceId", .traits = PK_CREATE_ONLY},
    {"ScalableDimension", .traits = PK_CREATE_ONLY},
    {"MinCapacity", .update = 1},
    {"MaxCapacity", .update = 1},
    /* AWS answers with its service-linked role whatever was written. */
    {"RoleARN", .update = 1, .read = PK_NOT_SENT},
    {"SuspendedState", .update = 1,
     .fallback = "{\"DynamicScalingInSuspended\": false, \"DynamicScalingOutSuspended\": false,"
                 " \"ScheduledScalingSuspended\": false}"},
    {"ScheduledActions", .create = PK_NOT_SENT, .update = 2, .traits = PK_SET},
};

static const struct pk_update target_updates[] = {
    {.operation = "RegisterScalableTarget",
     .params = PK_PARAMS({"ServiceNamespace", "{id[0]}"}, {"ResourceId", "{id[1]}"},
                         {"ScalableDimension", "{id[2]}"}),
     .flags = PK_UPDATE_FULL},
    {.run = change_actions, .flags = PK_UPDATE_AFTER_CREATE},
};

static const struct pk_reader target_readers[] = {
    {.call = {"DescribeScalableTargets", NULL,
              PK_PARAMS({"ServiceNamespace", "{id[0]}"}, {"ScalableDimension", "{id[2]}"})},
     .paged = true, .list = "ScalableTargets", .match = "{out.ResourceId}", .want = "{id[1]}",
     .batch = 50, .batch_param = "ResourceIds", .group = "{id[0]}|{id[2]}"},
    {.call = {"DescribeScheduledActions", NULL,
              PK_PARAMS({"ServiceNamespace", "{id[0]}"}, {"ResourceId", "{id[1]}"},
                        {"ScalableDimension", "{id[2]}"})},
     .paged = true, .item = "ScheduledActions", .into = "ScheduledActions",
     .when = "ScheduledActions"},
};

static const struct pk_attribute target_attributes[] = {
    {"Id", "{out.ServiceNamespace}|{out.ResourceId}|{out.ScalableDimension}"},
    {"ServiceNamespace", "ServiceNamespace"}, {"ResourceId", "ResourceId"},
    {"ScalableDimension", "ScalableDimension"}, {NULL, NULL}};

#define TARGET_ID "{prop.ServiceNamespace}|{prop.ResourceId}|{prop.ScalableDimension}"

const struct pk_type pk_type_app_scaling_target = {
    .type = "AWS::ApplicationAutoScaling::ScalableTarget", .service = "application-autoscaling",
    .props = target_props, .n_props = PK_ARRAY_LEN(target_props),
    .typical_create_ms = 2000, .typical_delete_ms = 2000,
    .create = {.operation = "RegisterScalableTarget"}, .id = TARGET_ID,
    .updates = target_updates, .n_updates = PK_ARRAY_LEN(target_updates),
    .remove = {"DeregisterScalableTarget", NULL,
               PK_PARAMS({"ServiceNamespace", "{id[0]}"}, {"ResourceId", "{id[1]}"},
                         {"ScalableDimension", "{id[2]}"})},
    .readers = target_readers, .n_readers = PK_ARRAY_LEN(target_readers),
    .errors = {.gone = "ObjectNotFoundException", .busy = "ConcurrentUpdateException",
               .fresh = "ValidationException:doesn't exist|ValidationException:does not exist|"
                        "ValidationException:assume"},
    .attributes = target_attributes,
    .recovery = PK_RECOVER_NATURAL, .find_id = TARGET_ID,
};

// clang-format on

/* --- ScalingPolicy: it may name its target by the target's id instead of the three parts --- */

// clang-format off

#define NAMESPACE "{prop.ServiceNamespace|prop.ScalingTargetId#0|attr.ServiceNamespace}"
#define RESOURCE "{prop.ResourceId|prop.ScalingTargetId#1|attr.ResourceId}"
#define DIMENSION "{prop.ScalableDimension|prop.ScalingTargetId#2|attr.ScalableDimension}"
#define NAME "{prop.PolicyName|name|attr.PolicyName}"
#define POLICY_PARAMS                                                                              \
    PK_PARAMS({"PolicyName", NAME}, {"ServiceNamespace", NAMESPACE}, {"ResourceId", RESOURCE},     \
              {"ScalableDimension", DIMENSION})

static const struct pk_prop policy_props[] = {
    {"PolicyName", .traits = PK_CREATE_ONLY},
    {"ServiceNamespace", .traits = PK_CREATE_ONLY},
    {"ResourceId", .traits = PK_CREATE_ONLY},
    {"ScalableDimension", .traits = PK_CREATE_ONLY},
    {"ScalingTargetId", .create = PK_NOT_SENT, .read = PK_NOT_SENT, .traits = PK_CREATE_ONLY},
    {"PolicyType", .update = 1, .fallback = "\"StepScaling\""},
    {"StepScalingPolicyConfiguration", .update = 1},
    {"TargetTrackingScalingPolicyConfiguration", .update = 1},
    {"PredictiveScalingPolicyConfiguration", .update = 1},
};

static const struct pk_update policy_updates[] = {
    {.operation = "PutScalingPolicy", .params = POLICY_PARAMS, .flags = PK_UPDATE_FULL},
};

static const struct pk_reader policy_readers[] = {
    {.call = {"DescribeScalingPolicies", NULL, PK_PARAMS({"ServiceNamespace", NAMESPACE})},
     .paged = true, .list = "ScalingPolicies", .match = "{out.ResourceId}|{out.PolicyName}",
     .want = RESOURCE "|" NAME, .value = NAME, .batch = 50, .batch_param = "PolicyNames", .group = NAMESPACE},
};

static const struct pk_attribute policy_attributes[] = {
    {"Arn", "PolicyARN"}, {"PolicyName", "PolicyName"}, {"ServiceNamespace", "ServiceNamespace"},
    {"ResourceId", "ResourceId"}, {"ScalableDimension", "ScalableDimension"}, {NULL, NULL}};

const struct pk_type pk_type_app_scaling_policy = {
    .type = "AWS::ApplicationAutoScaling::ScalingPolicy", .service = "application-autoscaling",
    .props = policy_props, .n_props = PK_ARRAY_LEN(policy_props),
    .name_prop = "PolicyName",
    .typical_create_ms = 2000, .typical_delete_ms = 2000,
    .create = {"PutScalingPolicy", NULL, POLICY_PARAMS}, .id = "{out.PolicyARN}",
    .updates = policy_updates, .n_updates = PK_ARRAY_LEN(policy_updates),
    .remove = {"DeleteScalingPolicy", NULL, POLICY_PARAMS},
    .readers = policy_readers, .n_readers = PK_ARRAY_LEN(policy_readers),
    .errors = {.gone = "ObjectNotFoundException", .busy = "ConcurrentUpdateException",
               .fresh = "ObjectNotFoundException|ValidationException:does not exist"},
    .attributes = policy_attributes,
    .recovery = PK_RECOVER_NATURAL,
    .finder = &(const struct pk_reader){
        .call = {"DescribeScalingPolicies", NULL,
                 PK_PARAMS({"PolicyNames[]", NAME}, {"ServiceNamespace", NAMESPACE},
                           {"ResourceId", RESOURCE}, {"ScalableDimension", DIMENSION})},
        .paged = true, .list = "ScalingPolicies", .match = "{out.PolicyName}", .want = NAME},
    .find_item_id = "{out.PolicyARN}",
};
// clang-format on
