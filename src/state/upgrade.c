/* upgrade.c - older shapes of the state document, brought into today's in memory. */
#include "state/upgrade.h"

#include "base/mem.h"
#include "json/json.h"

#include <string.h>

struct rename {
    const char *from, *to;
};

static const struct rename document_names[] = {
    {"format_version", "formatVersion"},
    {"lock_id", "lockId"},
    {"write_id", "writeId"},
    {NULL, NULL},
};
static const struct rename metadata_names[] = {
    {"stack_name", "stack"},      {"tenant_id", "tenant"},           {"created_at", "createdAt"},
    {"updated_at", "updatedAt"},  {"last_update", "updatedAt"},      {"last_updated", "updatedAt"},
    {"created_by", "deployedBy"}, {"deployed_by", "deployedBy"},     {"deployed_at", "deployedAt"},
    {"account_id", "accountId"},  {"deployment_id", "deploymentId"}, {"git_commit", "gitCommit"},
    {"git_branch", "gitBranch"},  {"panka_version", "pankaVersion"}, {NULL, NULL},
};
static const struct rename configuration_names[] = {
    {"source_file", "source"},
    {NULL, NULL},
};
static const struct rename deployment_names[] = {
    {"deployment_id", "id"},
    {"plan_hash", "planHash"},
    {"started_at", "startedAt"},
    {"completed_at", "completedAt"},
    {"duration_seconds", "durationSeconds"},
    {NULL, NULL},
};
static const struct rename resource_names[] = {
    {"physical_id", "physicalId"},
    {"created_at", "createdAt"},
    {"updated_at", "updatedAt"},
    {"last_update", "updatedAt"},
    {"last_updated", "updatedAt"},
    {"depends_on", "dependencies"},
    {"inputs_hash", "inputsHash"},
    {"last_error", "lastError"},
    {"last_deployment_id", "lastDeploymentId"},
    {"pending_operation", "pendingOperation"},
    {"retain_on_delete", "retainOnDelete"},
    {"force_destroy", "forceDestroy"},
    {"final_snapshot", "finalSnapshot"},
    {NULL, NULL},
};

/* What format 1 kept among the properties although AWS had answered it. */
static const struct {
    const char *type, *member, *attribute;
    bool is_id;
} answers[] = {
    {"AWS::SQS::Queue", "QueueUrl", "QueueUrl", true},
    {"AWS::SQS::Queue", "QueueArn", "Arn", false},
    {"AWS::SNS::Topic", "TopicArn", "TopicArn", true},
    {"AWS::DynamoDB::Table", "TableArn", "Arn", false},
    {"AWS::S3::Bucket", "BucketArn", "Arn", false},
    {"AWS::RDS::DBInstance", "DBInstanceArn", "DBInstanceArn", false},
    {"AWS::RDS::DBInstance", "Endpoint", "Endpoint", false},
    {"AWS::Lambda::Function", "FunctionArn", "Arn", false},
    {"AWS::ECS::Cluster", "ClusterArn", "Arn", false},
    {"AWS::ECS::Service", "ServiceArn", "ServiceArn", true},
    {"AWS::ECS::TaskDefinition", "TaskDefinitionArn", "TaskDefinitionArn", true},
    {"AWS::ElasticLoadBalancingV2::LoadBalancer", "LoadBalancerArn", "LoadBalancerArn", true},
    {"AWS::ElasticLoadBalancingV2::LoadBalancer", "DNSName", "DNSName", false},
    {"AWS::ElasticLoadBalancingV2::TargetGroup", "TargetGroupArn", "TargetGroupArn", true},
    {"AWS::IAM::Role", "RoleArn", "Arn", false},
};

static void rename_members(json_t *object, const struct rename *names) {
    for (; names->from; names++) {
        json_t *value = json_object_get(object, names->from);
        if (!value)
            continue;
        if (!json_object_get(object, names->to))
            json_object_set(object, names->to, value);
        json_object_del(object, names->from);
    }
}

static void take_answers(json_t *resource) {
    const char *type = pk_json_str(resource, "type", "");
    json_t *properties = json_object_get(resource, "properties");
    json_t *attributes = json_object_get(resource, "attributes");
    if (!json_is_object(attributes)) {
        attributes = json_object();
        json_object_set_new(resource, "attributes", attributes);
    }
    for (size_t i = 0; i < PK_ARRAY_LEN(answers); i++) {
        if (strcmp(answers[i].type, type) != 0)
            continue;
        json_t *value = json_object_get(properties, answers[i].member);
        if (!value)
            continue;
        json_object_set(attributes, answers[i].attribute, value);
        if (answers[i].is_id && json_is_string(value) && !json_object_get(resource, "physicalId"))
            json_object_set(resource, "physicalId", value);
        json_object_del(properties, answers[i].member);
    }
}

/* Format 1 had no physical ids: for types without an answered one the name is the identifier. */
static void upgrade_resource(json_t *resource) {
    rename_members(resource, resource_names);
    take_answers(resource);
    json_t *name = json_object_get(resource, "name");
    if (!json_object_get(resource, "physicalId") && json_is_string(name))
        json_object_set(resource, "physicalId", name);
    json_object_del(resource, "id");
}

/* "api-db:subnet-group" -> component "api-db", sub "subnet-group"; "svc/api" -> service "svc". */
static void fill_identity(json_t *resource, const char *key) {
    if (json_object_get(resource, "component") || key[0] == '_')
        return;
    const char *slash = strchr(key, '/'), *rest = slash ? slash + 1 : key;
    const char *colon = strchr(rest, ':');
    char *component PK_CLEANUP(pk_freep) =
        colon ? pk_strndup(rest, (size_t)(colon - rest)) : pk_strdup(rest);
    if (slash && !json_object_get(resource, "service")) {
        char *service PK_CLEANUP(pk_freep) = pk_strndup(key, (size_t)(slash - key));
        pk_json_put_str(resource, "service", service);
    }
    pk_json_put_str(resource, "component", component);
    pk_json_put_str(resource, "sub", colon ? colon + 1 : "");
}

static bool list_to_map(json_t *document, const char *what, struct pk_error **err) {
    json_t *list = json_object_get(document, "resources"), *map = json_object(), *item;
    size_t i;
    json_array_foreach(list, i, item) {
        const char *id = pk_json_str(item, "id", pk_json_str(item, "name", NULL));
        if (!id || !*id || json_object_get(map, id)) {
            json_decref(map);
            return pk_fail(err, PK_E_STATE_INVALID, "%s: resources[%zu] has no \"id\" of its own",
                           what, i);
        }
        json_object_set(map, id, item);
    }
    json_object_set_new(document, "resources", map);
    return true;
}

bool pk_state_upgrade(const json_t *document, const char *what, const char *lineage, json_t **ret,
                      struct pk_error **err) {
    json_t *copy = json_deep_copy(document), *item;
    bool was_old = json_object_get(copy, "format_version") ||
                   json_is_array(json_object_get(copy, "resources")) ||
                   pk_json_int(copy, "formatVersion", PK_STATE_FORMAT) < PK_STATE_FORMAT;
    const char *key;
    rename_members(copy, document_names);
    rename_members(json_object_get(copy, "metadata"), metadata_names);
    rename_members(json_object_get(copy, "configuration"), configuration_names);
    rename_members(json_object_get(copy, "deployment"), deployment_names);
    if (json_is_array(json_object_get(copy, "resources")) && !list_to_map(copy, what, err)) {
        json_decref(copy);
        return false;
    }
    json_object_foreach(json_object_get(copy, "resources"), key, item) {
        if (!json_is_object(item))
            continue; /* the reader names it */
        if (was_old)
            upgrade_resource(item);
        else
            rename_members(item, resource_names);
        fill_identity(item, key);
    }
    if (!json_object_get(copy, "lineage"))
        pk_json_put_str(copy, "lineage", lineage);
    pk_json_put_int(copy, "formatVersion", PK_STATE_FORMAT);
    *ret = copy;
    return true;
}
