/* microservice.c - the kind MicroService: a container service on ECS. */
#include "component/internal.h"
#include "component/kinds.h"
#include "component/lb.h"
#include "component/ms.h"
#include "component/shared_fields.def"

#include "base/str.h"

#include <string.h>

/* clang-format off */
static const struct pk_field fields[] = {
    PK_FIELDS_IMAGE
    PK_FIELDS_RUNTIME
    PK_FIELDS_ENVIRONMENT
    PK_FIELDS_COMMAND
    PK_FIELDS_PORTS
    PK_FIELDS_HEALTH
    PK_FIELDS_SCALING
    PK_FIELDS_LOAD_BALANCER
    PK_FIELDS_DISCOVERY
    PK_FIELDS_VOLUMES
    PK_FIELDS_NETWORKING
    PK_FIELDS_PUBLIC_IP
    PK_FIELDS_LOGGING
    {.path = "logging.driver", .type = PK_T_ENUM, .def = "awslogs", .allowed = "awslogs|none", .change = "U",
     .feeds = "LogConfiguration", .doc = "Where the output of containers goes."},
};

static const struct pk_output outputs[] = {
    {"endpoint", NULL, "Public URL, else the URL of service discovery"},
    {"url", NULL, "URL inside the network, else the public one"},
    {"loadBalancerUrl", NULL, "URL of the load balancer itself"},
    {"host", "hostname", "Host name of the endpoint"},
    {"port", NULL, "Primary port"},
    {"dnsName", "discoveryName", "Name in service discovery"},
    {"serviceName", NULL, "Name of the ECS service"},
    {"serviceArn", NULL, "ARN of the ECS service"},
    {"clusterName", "cluster", "Name of the ECS cluster"},
    {"clusterArn", NULL, "ARN of the ECS cluster"},
    {"taskDefinitionArn", NULL, "ARN of the current revision"},
    {"targetGroupArn", NULL, "ARN of the target group"},
    {"loadBalancerArn", NULL, "ARN of the load balancer"},
    {"loadBalancerDns", NULL, "DNS name of the load balancer"},
    {"taskRoleArn", "roleArn", "ARN of the role of the tasks"},
    {"logGroup", NULL, "Name of the log group"},
    {"image", NULL, "Image that runs"},
};

static const char example[] =
    "image:\n"
    "  repository: public.ecr.aws/nginx/nginx\n"
    "  tag: \"1.27\"\n"
    "runtime:\n"
    "  cpu: 256\n"
    "  memory: 512\n"
    "replicas: 2\n"
    "ports:\n"
    "  - name: http\n"
    "    port: 80\n"
    "healthCheck:\n"
    "  path: /\n"
    "loadBalancer: true\n";
/* clang-format on */

/* --- cluster ---------------------------------------------------------------------------------- */

#define CLUSTER "AWS::ECS::Cluster"

bool pk_ms_uses_stack_cluster(const struct pk_component *c) {
    return pk_spec_str(c, "runtime.cluster") == NULL;
}

const char *pk_ms_cluster_name(struct pk_expansion *x, const struct pk_component *c) {
    const char *written = pk_spec_str(c, "runtime.cluster");
    const char *slash = written ? strrchr(written, '/') : NULL;
    if (slash)
        return slash + 1;
    return written ? written : pk_x_name_of(x, NULL, "cluster", CLUSTER);
}

json_t *pk_ms_cluster(struct pk_expansion *x, const struct pk_component *c,
                      struct pk_resource *from) {
    const char *written = pk_spec_str(c, "runtime.cluster");
    if (written)
        return pk_json_text(written);
    bool is_new;
    struct pk_resource *r = pk_x_stack_node(x, "cluster", CLUSTER, &is_new);
    if (is_new) {
        pk_resource_set(x->graph, r, "ClusterSettings",
                        json_pack("[{s:s, s:s}]", "Name", "containerInsights", "Value", "disabled"),
                        r->span);
        pk_resource_set(x->graph, r, "CapacityProviders",
                        json_pack("[s, s]", "FARGATE", "FARGATE_SPOT"), r->span);
    }
    pk_x_needs(x, from, r, "cluster");
    return pk_json_text(r->name);
}

/* --- service ---------------------------------------------------------------------------------- */

static void set_capacity(struct pk_expansion *x, const struct pk_component *c,
                         struct pk_resource *r) {
    bool fargate = pk_ms_on_fargate(c);
    if (fargate && pk_spec_bool(c, "runtime.spot"))
        pk_resource_set(x->graph, r, "CapacityProviderStrategy",
                        json_pack("[{s:s, s:i}]", "CapacityProvider", "FARGATE_SPOT", "Weight", 1),
                        pk_spec_span(c, "runtime.spot"));
    else
        pk_resource_set(x->graph, r, "LaunchType", json_string(fargate ? "FARGATE" : "EC2"),
                        pk_spec_span(c, "runtime.platform"));
}

static void set_network(struct pk_expansion *x, const struct pk_component *c,
                        struct pk_resource *r) {
    if (!pk_ms_is_awsvpc(c))
        return;
    json_t *subnets = pk_x_subnets(x, c, PK_PLACE_WORKLOAD);
    json_t *groups = pk_x_security_groups(x, c, PK_PLACE_WORKLOAD);
    json_t *vpc = json_object();
    bool address = pk_spec_bool(c, "networking.assignPublicIp");
    json_object_set_new(vpc, "AssignPublicIp", json_string(address ? "ENABLED" : "DISABLED"));
    pk_x_set(vpc, "Subnets", subnets);
    pk_x_set(vpc, "SecurityGroups", groups);
    pk_resource_set(x->graph, r, "NetworkConfiguration",
                    json_pack("{s:o}", "AwsvpcConfiguration", vpc), pk_spec_span(c, "networking"));
}

static void set_deployment(struct pk_expansion *x, const struct pk_component *c,
                           struct pk_resource *r) {
    int breaker = !json_is_false(pk_spec_get(c, "deployment.circuitBreaker"));
    json_int_t high = pk_spec_int(c, "deployment.maximumPercent", 200);
    json_int_t low = pk_spec_int(c, "deployment.minimumHealthyPercent", 100);
    pk_resource_set(x->graph, r, "DeploymentConfiguration",
                    json_pack("{s:I, s:I, s:{s:b, s:b}}", "MaximumPercent", high,
                              "MinimumHealthyPercent", low, "DeploymentCircuitBreaker", "Enable",
                              breaker, "Rollback", breaker),
                    pk_spec_span(c, "deployment"));
    /* ECS refuses rebalancing when no task may be added */
    if (high > 100)
        pk_resource_set(x->graph, r, "AvailabilityZoneRebalancing", json_string("ENABLED"),
                        c->span);
    r->wait_limit_ms = pk_spec_int(c, "deployment.timeout", 900) * 1000;
}

static void expand(struct pk_expansion *x, const struct pk_component *c) {
    struct pk_resource *task = pk_ms_task(x, c);
    struct pk_resource *r = pk_x_node(x, c, NULL, "AWS::ECS::Service");
    pk_resource_set(x->graph, r, "Cluster", pk_ms_cluster(x, c, r),
                    pk_spec_span(c, "runtime.cluster"));
    pk_resource_set(x->graph, r, "TaskDefinition", pk_token_ref(task->key, "TaskDefinitionArn"),
                    c->span);
    pk_resource_set(x->graph, r, "DesiredCount", json_integer(pk_ms_desired_count(c)),
                    pk_spec_span(c, "replicas"));
    pk_resource_set(x->graph, r, "EnableECSManagedTags", json_true(), c->span);
    pk_resource_set(x->graph, r, "PropagateTags", json_string("SERVICE"), c->span);
    if (pk_spec_bool(c, "runtime.enableExec"))
        pk_resource_set(x->graph, r, "EnableExecuteCommand", json_true(),
                        pk_spec_span(c, "runtime.enableExec"));
    set_capacity(x, c, r);
    set_network(x, c, r);
    set_deployment(x, c, r);
    if (pk_lb_wanted(c))
        pk_lb_attach(x, c, r, pk_ms_is_awsvpc(c));
    pk_ms_discovery(x, c, r);
    pk_ms_scaling(x, c, r);
}

const struct pk_kind pk_kind_microservice = {
    .table =
        {
            .kind = "MicroService",
            .group = "components.panka.io/v1",
            .doc = "Long-running container service on ECS.",
            .fields = fields,
            .n_fields = PK_ARRAY_LEN(fields),
            .outputs = outputs,
            .n_outputs = PK_ARRAY_LEN(outputs),
            .example = example,
            .offered = true,
        },
    .stateful = false,
    .check = pk_ms_check,
    .expand = expand,
    .output = pk_ms_output,
    .access = NULL,
    .default_access = "none",
    .identity = pk_ms_identity,
    .primary_type = "AWS::ECS::Service",
};
