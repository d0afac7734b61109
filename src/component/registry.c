/* registry.c - all kinds: those of this version and the rest of the catalogue. */
#include "component/kinds.h"
#include "model/core_kinds.h"

#include <string.h>

#define COMPONENTS "components.panka.io/v1"
#define INFRA "infra.panka.io/v1"

static const struct pk_kind *const offered[] = {
    &pk_kind_microservice, &pk_kind_lambda, &pk_kind_rds, &pk_kind_dynamodb,
    &pk_kind_s3,           &pk_kind_sqs,    &pk_kind_sns,
};

/* clang-format off */
#define KNOWN(name, kind_group, text) {.kind = (name), .group = (kind_group), .doc = (text), .offered = false}
static const struct pk_kind_table known[] = {
    KNOWN("Worker", COMPONENTS, "Queue or background consumer on ECS without inbound traffic."),
    KNOWN("CronJob", COMPONENTS, "Scheduled ECS task."),
    KNOWN("EC2Instance", COMPONENTS, "One virtual machine."),
    KNOWN("DocumentDB", COMPONENTS, "MongoDB-compatible cluster."),
    KNOWN("ElastiCacheRedis", COMPONENTS, "Redis OSS or Valkey replication group."),
    KNOWN("ElastiCacheMemcached", COMPONENTS, "Memcached cluster."),
    KNOWN("AWSMemoryDB", COMPONENTS, "Durable Redis-compatible cluster."),
    KNOWN("EFS", COMPONENTS, "Shared file system."),
    KNOWN("EBS", COMPONENTS, "Block volume."),
    KNOWN("Kafka", COMPONENTS, "Kafka without broker management."),
    KNOWN("MSK", COMPONENTS, "Provisioned Kafka cluster."),
    KNOWN("EventBridge", COMPONENTS, "Event bus, rules and targets."),
    KNOWN("ALB", COMPONENTS, "Explicit application load balancer."),
    KNOWN("NLB", COMPONENTS, "Explicit network load balancer."),
    KNOWN("CloudFront", COMPONENTS, "CDN distribution."),
    KNOWN("APIGateway", COMPONENTS, "HTTP or WebSocket API."),
    KNOWN("InfraDefaults", INFRA, "Defaults for a stack."),
    KNOWN("ServiceInfraDefaults", INFRA, "Defaults for one service."),
    KNOWN("ComponentInfra", INFRA, "Infrastructure side of one component."),
    KNOWN("Networking", INFRA, "Network settings of a stack."),
    KNOWN("Security", INFRA, "Encryption, IAM and protection settings of a stack."),
    KNOWN("Observability", INFRA, "Logs, metrics, tracing and alarms of a stack."),
    KNOWN("Compliance", INFRA, "Checks that a stack has to pass."),
};
/* clang-format on */

static const struct pk_kind_table *const tables[] = {
    &pk_kind_stack,
    &pk_kind_service,
    &pk_kind_tenant_config,
    &pk_kind_microservice.table,
    &pk_kind_lambda.table,
    &pk_kind_rds.table,
    &pk_kind_dynamodb.table,
    &pk_kind_s3.table,
    &pk_kind_sqs.table,
    &pk_kind_sns.table,
    &known[0],
    &known[1],
    &known[2],
    &known[3],
    &known[4],
    &known[5],
    &known[6],
    &known[7],
    &known[8],
    &known[9],
    &known[10],
    &known[11],
    &known[12],
    &known[13],
    &known[14],
    &known[15],
    &known[16],
    &known[17],
    &known[18],
    &known[19],
    &known[20],
    &known[21],
    &known[22],
};
_Static_assert(PK_ARRAY_LEN(tables) == 3 + PK_ARRAY_LEN(offered) + PK_ARRAY_LEN(known),
               "every kind is in the registry");

static const struct pk_kind_registry registry = {tables, PK_ARRAY_LEN(tables)};

const struct pk_kind_registry *pk_kinds(void) {
    return &registry;
}

const struct pk_kind *pk_kind_by_name(const char *kind) {
    for (size_t i = 0; i < PK_ARRAY_LEN(offered); i++)
        if (strcmp(offered[i]->table.kind, kind) == 0)
            return offered[i];
    return NULL;
}
