/* ms_outputs.c - what other components can take from a MicroService. */
#include "component/internal.h"
#include "component/lb.h"
#include "component/ms.h"

#include "base/str.h"

#include <string.h>

static json_t *unavailable(struct pk_expansion *x, const struct pk_component *c, const char *output,
                           struct pk_span asked, const char *setting) {
    struct pk_diag *d = pk_diag(x->diags, PK_SEVERITY_ERROR, "ref.output-unavailable", asked,
                                "%s has no output `%s`", c->address, output);
    pk_diag_help(x->diags, d, "set %s in %s", setting, c->address);
    return NULL;
}

/* "http://name.namespace:port" */
static json_t *discovery_url(struct pk_expansion *x, const struct pk_component *c) {
    const char *host = pk_ms_discovery_host(x, c);
    int64_t port = pk_json_int(pk_ports_primary(c), "port", 0);
    if (!host)
        return NULL;
    return port ? pk_json_textf("http://%s:%lld", host, (long long)port)
                : pk_json_textf("http://%s", host);
}

static json_t *host(struct pk_expansion *x, const struct pk_component *c) {
    json_t *value = pk_lb_host(x, c, false);
    const char *name = value ? NULL : pk_ms_discovery_host(x, c);
    return name ? pk_json_text(name) : value;
}

static json_t *endpoint(struct pk_expansion *x, const struct pk_component *c) {
    json_t *value = pk_lb_endpoint(x, c, false);
    return value ? value : discovery_url(x, c);
}

static json_t *url(struct pk_expansion *x, const struct pk_component *c) {
    json_t *value = discovery_url(x, c);
    return value ? value : endpoint(x, c);
}

static json_t *port(const struct pk_component *c) {
    int64_t number = pk_json_int(pk_ports_primary(c), "port", 0);
    return number ? json_integer(number) : NULL;
}

static json_t *attribute_of(const char *key, const char *attr) {
    return key ? pk_token_ref(key, attr) : NULL;
}

static json_t *target_group(struct pk_expansion *x, const struct pk_component *c) {
    return pk_lb_key(x, c) ? pk_token_ref(pk_x_key(x, c, "target-group"), "TargetGroupArn") : NULL;
}

static json_t *cluster_arn(struct pk_expansion *x, const struct pk_component *c) {
    const char *written = pk_spec_str(c, "runtime.cluster");
    if (written && pk_starts_with(written, "arn:"))
        return pk_json_text(written);
    return pk_x_arn(x, "ecs", "cluster/%s", pk_ms_cluster_name(x, c));
}

static json_t *log_group(struct pk_expansion *x, const struct pk_component *c) {
    if (pk_streq(pk_spec_str(c, "logging.driver"), "none"))
        return NULL;
    return pk_json_text(pk_x_name_of(x, c, "log-group", "AWS::Logs::LogGroup"));
}

static json_t *load_balancer_output(struct pk_expansion *x, const struct pk_component *c,
                                    const char *output) {
    const char *key = pk_lb_key(x, c);
    if (strcmp(output, "loadBalancerUrl") == 0)
        return pk_lb_endpoint(x, c, true);
    if (strcmp(output, "targetGroupArn") == 0)
        return target_group(x, c);
    if (strcmp(output, "loadBalancerArn") == 0)
        return attribute_of(key, "LoadBalancerArn");
    return attribute_of(key, "DNSName");
}

static json_t *address_output(struct pk_expansion *x, const struct pk_component *c,
                              const char *output, const char **ret_setting) {
    *ret_setting = "`loadBalancer: true` or `serviceDiscovery: true`";
    if (strcmp(output, "endpoint") == 0)
        return endpoint(x, c);
    if (strcmp(output, "url") == 0)
        return url(x, c);
    if (strcmp(output, "host") == 0)
        return host(x, c);
    *ret_setting = "`ports`";
    if (strcmp(output, "port") == 0)
        return port(c);
    *ret_setting = "`serviceDiscovery: true`";
    if (strcmp(output, "dnsName") == 0) {
        const char *name = pk_ms_discovery_host(x, c);
        return name ? pk_json_text(name) : NULL;
    }
    return NULL;
}

static bool is_address(const char *output) {
    static const char *const names[] = {"endpoint", "url", "host", "port", "dnsName"};
    for (size_t i = 0; i < PK_ARRAY_LEN(names); i++)
        if (strcmp(names[i], output) == 0)
            return true;
    return false;
}

json_t *pk_ms_output(struct pk_expansion *x, const struct pk_component *c, const char *output,
                     struct pk_span asked) {
    const char *setting = "`logging.driver: awslogs`";
    json_t *value = NULL;
    if (is_address(output)) {
        value = address_output(x, c, output, &setting);
    } else if (pk_starts_with(output, "loadBalancer") || strcmp(output, "targetGroupArn") == 0) {
        value = load_balancer_output(x, c, output);
        setting = "`loadBalancer: true`";
    } else if (strcmp(output, "serviceName") == 0) {
        value = pk_json_text(pk_x_name_of(x, c, NULL, "AWS::ECS::Service"));
    } else if (strcmp(output, "serviceArn") == 0) {
        value = pk_ms_identity(x, c, "arn");
    } else if (strcmp(output, "clusterName") == 0) {
        value = pk_json_text(pk_ms_cluster_name(x, c));
    } else if (strcmp(output, "clusterArn") == 0) {
        value = cluster_arn(x, c);
    } else if (strcmp(output, "taskDefinitionArn") == 0) {
        value = pk_token_ref(pk_x_key(x, c, "task-definition"), "TaskDefinitionArn");
    } else if (strcmp(output, "taskRoleArn") == 0) {
        value = pk_iam_role_arn(x, c, "task-role");
    } else if (strcmp(output, "image") == 0) {
        value = pk_ms_image(x, c, NULL);
    } else if (strcmp(output, "logGroup") == 0) {
        value = log_group(x, c);
    }
    return value ? value : unavailable(x, c, output, asked, setting);
}

/* Cluster and service name make the ARN: nothing has to exist for it. */
json_t *pk_ms_identity(struct pk_expansion *x, const struct pk_component *c, const char *output) {
    if (strcmp(output, "arn") != 0)
        return NULL;
    return pk_x_arn(x, "ecs", "service/%s/%s", pk_ms_cluster_name(x, c),
                    pk_x_name_of(x, c, NULL, "AWS::ECS::Service"));
}
