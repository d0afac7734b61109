/* ecs.c - AWS::ECS::Cluster, TaskDefinition. */
#include "provider/ecs.h"
#include "provider/types.h"

// clang-format off

/* Members whose API name is not CloudFormation's with a small first letter, and maps of users. */
const struct pk_names pk_ecs_names[] = {
    {"EFSVolumeConfiguration", "efsVolumeConfiguration", 0},
    {"FilesystemId", "fileSystemId", 0},
    {"IAM", "iam", 0},
    {"FSxWindowsFileServerVolumeConfiguration", "fsxWindowsFileServerVolumeConfiguration", 0},
    {"ProxyConfigurationProperties", "properties", 0},
    {"Options", NULL, PK_OPAQUE},
    {"DriverOpts", NULL, PK_OPAQUE},
    {"Labels", NULL, PK_OPAQUE},
    {"DockerLabels", NULL, PK_OPAQUE},
    {"ClusterSettings", "settings", 0},
    {"PlacementStrategies", "placementStrategy", 0},
    {NULL, NULL, 0},
};

/* --- Cluster --- */

static const struct pk_prop cluster_props[] = {
    {"ClusterName", .traits = PK_CREATE_ONLY},
    {"ClusterSettings", .update = 1, .traits = PK_SET},
    {"Configuration", .update = 1},
    {"ServiceConnectDefaults", .update = 1},
    {"CapacityProviders", .update = 2, .fallback = "[]", .traits = PK_SET},
    {"DefaultCapacityProviderStrategy", .update = 2, .fallback = "[]", .traits = PK_SET},
};

// clang-format on

/* Both lists are required. */
static bool complete_providers(struct pk_ctx *ctx, json_t *params, struct pk_error **err) {
    (void)ctx;
    (void)err;
    static const char *const lists[] = {"capacityProviders", "defaultCapacityProviderStrategy"};
    for (size_t i = 0; i < PK_ARRAY_LEN(lists); i++)
        if (!json_object_get(params, lists[i]))
            json_object_set_new(params, lists[i], json_array());
    return true;
}

// clang-format off

static const struct pk_update cluster_updates[] = {
    {.operation = "UpdateCluster", .params = PK_PARAMS({"cluster", "{id}"})},
    {.operation = "PutClusterCapacityProviders", .params = PK_PARAMS({"cluster", "{id}"}),
     .flags = PK_UPDATE_FULL, .prepare = complete_providers},
};

#define CLUSTER_PARTS "json:[\"TAGS\",\"SETTINGS\",\"CONFIGURATIONS\"]"

static const struct pk_reader cluster_readers[] = {
    {.call = {"DescribeClusters", NULL, PK_PARAMS({"include", CLUSTER_PARTS})}, .list = "clusters",
     .match = "{out.clusterName}", .batch = 100, .batch_param = "clusters"},
};

static const struct pk_attribute cluster_attributes[] = {
    {"Arn", "clusterArn"}, {"ClusterArn", "clusterArn"}, {"clusterArn", "clusterArn"},
    {NULL, NULL}};

const struct pk_type pk_type_ecs_cluster = {
    .type = "AWS::ECS::Cluster", .service = "ecs", .camel = true, .names = pk_ecs_names,
    .props = cluster_props, .n_props = PK_ARRAY_LEN(cluster_props),
    .name_prop = "ClusterName",
    .typical_create_ms = 3000, .typical_delete_ms = 3000,
    .create = {.operation = "CreateCluster"}, .id = "{out.cluster.clusterName}",
    .create_item = "cluster",
    .updates = cluster_updates, .n_updates = PK_ARRAY_LEN(cluster_updates),
    .remove = {"DeleteCluster", NULL, PK_PARAMS({"cluster", "{id}"})},
    .readers = cluster_readers, .n_readers = PK_ARRAY_LEN(cluster_readers),
    .wait = {.path = "status", .ready = "ACTIVE", .failed = "FAILED", .dead = "INACTIVE"},
    .tags = {.shape = PK_TAGS_LOWER_LIST, .create = "tags", .read = "tags",
             .tag = {"TagResource", NULL, PK_PARAMS({"resourceArn", "{attr.Arn}"})},
             .tag_member = "tags",
             .untag = {"UntagResource", NULL, PK_PARAMS({"resourceArn", "{attr.Arn}"})},
             .untag_member = "tagKeys"},
    .errors = {.gone = "ClusterNotFoundException",
               .busy = "UpdateInProgressException|ResourceInUseException",
               .fresh = "InvalidParameterException:service linked role",
               .delete_busy = "ClusterContainsServicesException|ClusterContainsTasksException|"
                              "ClusterContainsContainerInstancesException|"
                              "ClusterContainsCapacityProviderException"},
    .attributes = cluster_attributes,
    .recovery = PK_RECOVER_NAME, .find_id = "{name}", .check_first = true,
};

// clang-format on

/* --- TaskDefinition: every revision is for ever --- */

static json_t *pick_definition(struct pk_ctx *ctx, const json_t *answer) {
    (void)ctx;
    const json_t *definition = json_object_get(answer, "taskDefinition");
    if (!definition)
        return NULL;
    json_t *ret = json_copy((json_t *)(uintptr_t)definition);
    json_t *tags = json_object_get(answer, "tags");
    if (tags)
        json_object_set(ret, "tags", tags);
    return ret;
}

/* A revision cannot be changed: what was registered is what is there. */
static void definition_normalize(struct pk_ctx *ctx, const json_t *item, json_t *live) {
    (void)item;
    if (!ctx->prior)
        return;
    json_object_clear(live);
    json_object_update(live, ctx->prior);
}

// clang-format off

static const struct pk_prop definition_props[] = {
    {.name = "Family"}, {.name = "ContainerDefinitions"}, {.name = "Cpu"}, {.name = "Memory"},
    {.name = "NetworkMode"}, {.name = "TaskRoleArn"}, {.name = "ExecutionRoleArn"},
    {.name = "Volumes"}, {.name = "PlacementConstraints"}, {.name = "RequiresCompatibilities"},
    {.name = "PidMode"}, {.name = "IpcMode"}, {.name = "ProxyConfiguration"},
    {.name = "InferenceAccelerators"}, {.name = "EphemeralStorage"}, {.name = "RuntimePlatform"},
    {.name = "EnableFaultInjection"},
};

static const struct pk_prop_trait definition_traits[] = {
    {"RequiresCompatibilities", PK_SET},
    {"ContainerDefinitions[].Environment", PK_SET},
    {"ContainerDefinitions[].Secrets", PK_SET},
    {NULL, 0}};

static const struct pk_reader definition_readers[] = {
    {.call = {"DescribeTaskDefinition", NULL,
              PK_PARAMS({"taskDefinition", "{id}"}, {"include", "json:[\"TAGS\"]"})},
     .pick = pick_definition},
};

static const struct pk_attribute definition_attributes[] = {
    {"TaskDefinitionArn", "taskDefinitionArn"}, {"Arn", "taskDefinitionArn"}, {NULL, NULL}};

const struct pk_type pk_type_ecs_task_definition = {
    .type = "AWS::ECS::TaskDefinition", .service = "ecs", .camel = true, .names = pk_ecs_names,
    .props = definition_props, .n_props = PK_ARRAY_LEN(definition_props),
    .more_traits = definition_traits, .replace_only = true,
    .typical_create_ms = 2000, .typical_delete_ms = 2000,
    .create = {.operation = "RegisterTaskDefinition"},
    .id = "{out.taskDefinition.taskDefinitionArn}", .create_item = "taskDefinition",
    .do_remove = pk_ecs_remove_revisions,
    .readers = definition_readers, .n_readers = PK_ARRAY_LEN(definition_readers),
    .normalize = definition_normalize,
    .wait = {.path = "status", .ready = "ACTIVE", .dead = "INACTIVE|DELETE_IN_PROGRESS"},
    .tags = {.shape = PK_TAGS_LOWER_LIST, .create = "tags", .read = "tags",
             .tag = {"TagResource", NULL, PK_PARAMS({"resourceArn", "{id}"})}, .tag_member = "tags",
             .untag = {"UntagResource", NULL, PK_PARAMS({"resourceArn", "{id}"})},
             .untag_member = "tagKeys"},
    .errors = {.gone = "ClientException:Unable to describe task definition|"
                       "ClientException:does not exist|"
                       "InvalidParameterException:task definition is already inactive",
               .fresh = "ClientException:unable to assume|ClientException:Role is not valid"},
    .attributes = definition_attributes,
    .recovery = PK_RECOVER_TAG,
    /* The newest revision of the family is the one that a lost call has made. */
    .finder = &(const struct pk_reader){
        .call = {"DescribeTaskDefinition", NULL, PK_PARAMS({"taskDefinition", "{prop.Family}"})},
        .item = "taskDefinition"},
    .find_item_id = "{out.taskDefinitionArn}", .find_tags_apart = true,
};
// clang-format on
