/* ecs_service.c - AWS::ECS::Service: a roll-out is finished when the new tasks run and the old ones
 * are gone. */
#include "provider/ecs.h"
#include "provider/types.h"

#include <string.h>

#define EVENTS_SHOWN 5
#define TASKS_SHOWN 5

/* --- why a roll-out fails --- */

static void add_events(const json_t *service, struct pk_buf *text) {
    const json_t *events = json_object_get(service, "events");
    for (size_t i = 0; i < json_array_size(events) && i < EVENTS_SHOWN; i++)
        pk_buf_addf(text, "%s%s", text->len ? "\n" : "",
                    pk_json_str(json_array_get(events, i), "message", ""));
}

static void add_task(const json_t *task, struct pk_buf *text) {
    const char *arn = pk_json_str(task, "taskArn", "task"), *slash = strrchr(arn, '/');
    pk_buf_addf(text, "%stask %s stopped: %s", text->len ? "\n" : "", slash ? slash + 1 : arn,
                pk_json_str(task, "stoppedReason", "no reason given"));
    const json_t *containers = json_object_get(task, "containers");
    for (size_t i = 0; i < json_array_size(containers); i++) {
        const json_t *container = json_array_get(containers, i);
        const char *reason = pk_json_str(container, "reason", NULL);
        int64_t status = pk_json_int(container, "exitCode", 0);
        if (!reason && status == 0)
            continue;
        pk_buf_addf(text, "; container %s: %s", pk_json_str(container, "name", "?"),
                    reason ? reason : "");
        if (status != 0)
            pk_buf_addf(text, "%sexit code %lld", reason ? ", " : "", (long long)status);
    }
}

/* The service's events and the reasons of its stopped tasks; what cannot be asked is left out. */
static void explain(struct pk_ctx *ctx, const json_t *service, struct pk_error **err) {
    static const struct pk_param list_params[] = {{"cluster", "{out.clusterArn}"},
                                                  {"serviceName", "{out.serviceName}"},
                                                  {"desiredStatus", "STOPPED"},
                                                  {NULL, NULL}};
    struct pk_buf text;
    pk_buf_init(&text, 1 << 16);
    add_events(service, &text);
    json_auto_t *listed = NULL, *tasks = NULL;
    json_t *before = ctx->out;
    ctx->out = (json_t *)(uintptr_t)service; /* only read */
    json_t *params = pk_ctx_params(ctx, list_params);
    if (pk_ctx_call(ctx, NULL, "ListTasks", params, &listed, NULL)) {
        json_t *arns = json_object_get(listed, "taskArns");
        while (json_array_size(arns) > TASKS_SHOWN)
            json_array_remove(arns, json_array_size(arns) - 1);
        params = json_object();
        pk_json_put_str(params, "cluster", pk_json_str(service, "clusterArn", NULL));
        json_object_set(params, "tasks", arns);
        if (json_array_size(arns) == 0)
            json_decref(params);
        else if (pk_ctx_call(ctx, NULL, "DescribeTasks", params, &tasks, NULL))
            for (size_t i = 0; i < json_array_size(json_object_get(tasks, "tasks")); i++)
                add_task(json_array_get(json_object_get(tasks, "tasks"), i), &text);
    }
    ctx->out = before;
    if (text.len)
        pk_error_detail(err, "%s", pk_buf_cstr(&text));
    pk_buf_release(&text);
}

static enum pk_progress failed(struct pk_ctx *ctx, const json_t *service, const char *reason,
                               struct pk_error **err) {
    pk_fail(err, PK_E_RESOURCE_FAILED, "the roll-out of %s failed: %s",
            pk_json_str(service, "serviceName", ctx->id), reason);
    explain(ctx, service, err);
    return PK_FAILED;
}

/* --- when it is ready --- */

/* The deployment that this operation started, remembered when it is first seen: after a rollback
 * another one is primary. */
static const json_t *our_deployment(struct pk_ctx *ctx, const json_t *service) {
    const json_t *deployments = json_object_get(service, "deployments"), *primary = NULL;
    const char *ours = pk_json_str(pk_ctx_scratch(ctx), "deployment", NULL);
    for (size_t i = 0; i < json_array_size(deployments); i++) {
        const json_t *deployment = json_array_get(deployments, i);
        if (ours && pk_streq(pk_json_str(deployment, "id", NULL), ours))
            return deployment;
        if (pk_streq(pk_json_str(deployment, "status", NULL), "PRIMARY"))
            primary = deployment;
    }
    if (!ours && primary)
        pk_json_put_str(pk_ctx_scratch(ctx), "deployment", pk_json_str(primary, "id", NULL));
    return primary;
}

static bool rolled_back(const struct pk_ctx *ctx, const json_t *service) {
    const char *wanted = pk_json_str(ctx->props, "TaskDefinition", "");
    const char *there = pk_json_str(service, "taskDefinition", "");
    return pk_starts_with(wanted, "arn:") && pk_starts_with(there, "arn:") &&
           strcmp(wanted, there) != 0;
}

static enum pk_progress service_ready(struct pk_ctx *ctx, const json_t *service,
                                      struct pk_error **err) {
    const json_t *deployment = our_deployment(ctx, service);
    const char *rollout = pk_json_str(deployment, "rolloutState", NULL);
    if (pk_streq(rollout, "FAILED"))
        return failed(ctx, service,
                      pk_json_str(deployment, "rolloutStateReason", "no reason given"), err);
    if (rolled_back(ctx, service))
        return failed(ctx, service, "ECS went back to the task definition before", err);
    int64_t desired = pk_json_int(service, "desiredCount", 0);
    int64_t running = pk_json_int(service, "runningCount", 0);
    size_t deployments = json_array_size(json_object_get(service, "deployments"));
    /* Tasks that drain still count as running. Services with an external or CodeDeploy controller
     * have no rolloutState. */
    bool complete = rollout ? pk_streq(rollout, "COMPLETED") : deployments <= 1;
    if (complete && running == desired && pk_json_int(service, "pendingCount", 0) == 0)
        return PK_DONE;
    enum pk_progress progress = pk_ctx_wait(
        ctx, 0, err, "roll-out %s, %lld of %lld tasks running%s", rollout ? rollout : "IN_PROGRESS",
        (long long)running, (long long)desired, deployments > 1 ? ", old tasks draining" : "");
    if (progress == PK_FAILED && err && *err && (*err)->code == PK_E_TIMEOUT)
        explain(ctx, service, err);
    return progress;
}

/* --- changes --- */

/* These take effect only with a new deployment. */
static bool force_deployment(struct pk_ctx *ctx, json_t *params, struct pk_error **err) {
    (void)err;
    if (ctx->op->force_update || pk_ctx_changed(ctx, "CapacityProviderStrategy") ||
        pk_ctx_changed(ctx, "PlatformVersion"))
        pk_json_put_bool(params, "forceNewDeployment", true);
    return true;
}

// clang-format off

static const struct pk_prop service_props[] = {
    {"Cluster", .traits = PK_CREATE_ONLY | PK_DELETE_FIRST, .read = PK_FROM_HOOK},
    {"ServiceName", .traits = PK_CREATE_ONLY},
    {"LaunchType", .traits = PK_CREATE_ONLY | PK_DELETE_FIRST},
    {"SchedulingStrategy", .traits = PK_CREATE_ONLY | PK_DELETE_FIRST},
    {"Role", .traits = PK_CREATE_ONLY, .read = "roleArn"},
    {"DeploymentController", .traits = PK_CREATE_ONLY | PK_DELETE_FIRST},
    {"TaskDefinition", .update = 1},
    /* Autoscaling owns the number once the service runs. */
    {"DesiredCount", .update = 1, .traits = PK_UNMANAGED},
    {"CapacityProviderStrategy", .update = 1, .fallback = "[]", .traits = PK_SET},
    {"PlatformVersion", .update = 1, .fallback = "\"LATEST\""},
    {"LoadBalancers", .update = 1, .fallback = "[]", .traits = PK_SET},
    {"ServiceRegistries", .update = 1, .fallback = "[]", .traits = PK_SET},
    {"NetworkConfiguration", .update = 1},
    {"HealthCheckGracePeriodSeconds", .update = 1, .fallback = "0"},
    {"DeploymentConfiguration", .update = 1},
    {"PlacementConstraints", .update = 1, .fallback = "[]", .traits = PK_SET},
    {"PlacementStrategies", .update = 1, .fallback = "[]"},
    {"EnableECSManagedTags", .update = 1, .fallback = "false"},
    {"EnableExecuteCommand", .update = 1, .fallback = "false"},
    {"PropagateTags", .update = 1, .fallback = "\"NONE\""},
    {"AvailabilityZoneRebalancing", .update = 1, .fallback = "\"DISABLED\""},
    {"ServiceConnectConfiguration", .update = 1, .read = "deployments[0].serviceConnectConfiguration",
     .fallback = "{\"Enabled\": false}"},
    {"VolumeConfigurations", .update = 1, .read = "deployments[0].volumeConfigurations",
     .fallback = "[]"},
};

static const struct pk_prop_trait service_traits[] = {
    {"NetworkConfiguration.AwsvpcConfiguration.Subnets", PK_SET},
    {"NetworkConfiguration.AwsvpcConfiguration.SecurityGroups", PK_SET},
    {NULL, 0}};

#define CLUSTER "{prop.Cluster|attr.clusterArn}"

static const struct pk_update service_updates[] = {
    {.operation = "UpdateService", .params = PK_PARAMS({"cluster", CLUSTER}, {"service", "{id}"}),
     .flags = PK_UPDATE_FORCED, .prepare = force_deployment},
};

// clang-format on

/* A cluster is written as a name or as an ARN. */
static void service_normalize(struct pk_ctx *ctx, const json_t *item, json_t *live) {
    const char *arn = pk_json_str(item, "clusterArn", NULL);
    const char *written = pk_json_str(ctx->prior, "Cluster", NULL);
    const char *slash = arn ? strrchr(arn, '/') : NULL;
    bool by_name = written && !pk_starts_with(written, "arn:");
    pk_json_put_str(live, "Cluster", slash && by_name ? slash + 1 : arn);
    const char *definition = pk_json_str(ctx->prior, "TaskDefinition", NULL);
    const char *there = pk_json_str(item, "taskDefinition", NULL);
    /* "family:3" is what "arn:…:task-definition/family:3" is called for short. */
    if (definition && there && !pk_starts_with(definition, "arn:") &&
        pk_ends_with(there, definition))
        pk_json_put_str(live, "TaskDefinition", definition);
}

// clang-format off

static const struct pk_reader service_readers[] = {
    {.call = {"DescribeServices", NULL,
              PK_PARAMS({"cluster", CLUSTER}, {"include", "json:[\"TAGS\"]"})},
     .list = "services", .match = "{out.serviceArn}", .batch = 10, .batch_param = "services",
     .group = CLUSTER, .absent = "ClusterNotFoundException"},
};

static const struct pk_attribute service_attributes[] = {
    {"ServiceArn", "serviceArn"}, {"Name", "serviceName"}, {"clusterArn", "clusterArn"},
    {NULL, NULL}};

const struct pk_type pk_type_ecs_service = {
    .type = "AWS::ECS::Service", .service = "ecs", .camel = true, .names = pk_ecs_names,
    .props = service_props, .n_props = PK_ARRAY_LEN(service_props), .more_traits = service_traits,
    .name_prop = "ServiceName", .token = "clientToken", .token_max = 32,
    .typical_create_ms = 180000, .typical_delete_ms = 120000,
    .create = {.operation = "CreateService"}, .id = "{out.service.serviceArn}",
    .updates = service_updates, .n_updates = PK_ARRAY_LEN(service_updates),
    .remove = {"DeleteService", NULL,
               PK_PARAMS({"cluster", CLUSTER}, {"service", "{id}"}, {"force", "json:true"})},
    .remove_wait = true, .remove_limit_ms = 15 * 60 * 1000,
    .readers = service_readers, .n_readers = PK_ARRAY_LEN(service_readers),
    .normalize = service_normalize, .ready = service_ready,
    .wait = {.path = "status", .ready = "ACTIVE", .failed = "DRAINING", .dead = "INACTIVE",
             .interval_ms = 3000, .limit_ms = 15 * 60 * 1000},
    .tags = {.shape = PK_TAGS_LOWER_LIST, .create = "tags", .read = "tags",
             .tag = {"TagResource", NULL, PK_PARAMS({"resourceArn", "{id}"})}, .tag_member = "tags",
             .untag = {"UntagResource", NULL, PK_PARAMS({"resourceArn", "{id}"})},
             .untag_member = "tagKeys"},
    .errors = {.gone = "ServiceNotFoundException|ServiceNotActiveException|ClusterNotFoundException",
               .exists = "InvalidParameterException:not idempotent|"
                         "InvalidParameterException:already exists",
               .busy = "InvalidParameterException:still Draining",
               .fresh = "InvalidParameterException:assume|ClusterNotFoundException|"
                        "InvalidParameterException:associated load balancer|"
                        "ClientException:assume"},
    .attributes = service_attributes,
    .recovery = PK_RECOVER_NAME,
    .finder = &(const struct pk_reader){
        .call = {"DescribeServices", NULL,
                 PK_PARAMS({"cluster", "{prop.Cluster}"}, {"services[]", "{name}"},
                           {"include", "json:[\"TAGS\"]"})},
        .list = "services", .match = "{out.serviceName}", .want = "{name}",
        .absent = "ClusterNotFoundException"},
    .find_item_id = "{out.serviceArn}",
};
// clang-format on
