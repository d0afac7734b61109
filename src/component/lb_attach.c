/* lb_attach.c - what a component adds to a load balancer: target group, rule, its own NLB. */
#include "component/health.h"
#include "component/internal.h"
#include "component/lb.h"

#include "base/str.h"

#include <stdio.h>
#include <string.h>

#define ELB "AWS::ElasticLoadBalancingV2::"

static json_t *attribute(const char *key, const char *value) {
    return json_pack("{s:s, s:s}", "Key", key, "Value", value);
}

static json_t *number_attribute(const char *key, int64_t value) {
    char text[24];
    snprintf(text, sizeof(text), "%lld", (long long)value);
    return attribute(key, text);
}

static bool has_certificate(const struct pk_component *c) {
    return pk_spec_get(c, "loadBalancer.certificateArn") != NULL;
}

/* --- target group ----------------------------------------------------------------------------- */

static json_t *group_attributes(const struct pk_component *c, bool network) {
    json_t *list = json_array();
    json_array_append_new(list,
                          number_attribute("deregistration_delay.timeout_seconds",
                                           pk_spec_int(c, "loadBalancer.deregistrationDelay", 30)));
    int64_t sticky = pk_spec_int(c, "loadBalancer.stickiness", 0);
    if (sticky > 0) {
        json_array_append_new(list, attribute("stickiness.enabled", "true"));
        if (!network)
            json_array_append_new(
                list, number_attribute("stickiness.lb_cookie.duration_seconds", sticky));
        json_array_append_new(list,
                              attribute("stickiness.type", network ? "source_ip" : "lb_cookie"));
    } else {
        json_array_append_new(list, attribute("stickiness.enabled", "false"));
    }
    return list;
}

static const char *protocol_version(const char *app_protocol) {
    if (strcmp(app_protocol, "grpc") == 0)
        return "GRPC";
    return strcmp(app_protocol, "http2") == 0 ? "HTTP2" : "HTTP1";
}

static struct pk_resource *target_group(struct pk_expansion *x, const struct pk_component *c,
                                        const json_t *port, bool network, bool awsvpc) {
    struct pk_resource *r = pk_x_node(x, c, "target-group", ELB "TargetGroup");
    int64_t number = pk_json_int(port, "port", 0);
    bool udp = strcmp(pk_json_str(port, "protocol", "tcp"), "udp") == 0;
    const char *app = pk_json_str(port, "appProtocol", "");
    const char *protocol = !network ? "HTTP" : udp ? "UDP" : "TCP";
    struct pk_span span = pk_spec_span(c, "loadBalancer.port");
    pk_resource_set(x->graph, r, "TargetType", json_string(awsvpc ? "ip" : "instance"), span);
    pk_resource_set(x->graph, r, "Protocol", json_string(protocol), span);
    pk_resource_set(x->graph, r, "Port", json_integer(number), span);
    pk_resource_set(x->graph, r, "VpcId", pk_x_vpc_id(x, c), c->span);
    if (!network)
        pk_resource_set(x->graph, r, "ProtocolVersion", json_string(protocol_version(app)),
                        pk_spec_span(c, "ports"));
    pk_health_target_group(x, c, r, network, !network && strcmp(app, "grpc") == 0, number);
    pk_resource_set(x->graph, r, "TargetGroupAttributes", group_attributes(c, network),
                    pk_spec_span(c, "loadBalancer"));
    return r;
}

static json_t *forward_to(const struct pk_resource *group) {
    return json_pack("[{s:s, s:o}]", "Type", "forward", "TargetGroupArn",
                     pk_token_ref(group->key, "TargetGroupArn"));
}

/* --- rule on a shared load balancer ----------------------------------------------------------- */

static json_t *condition(const char *field, const char *config, json_t *values) {
    return json_pack("{s:s, s:{s:o}}", "Field", field, config, "Values", values);
}

static json_t *path_values(struct pk_expansion *x, const char *path) {
    if (strchr(path, '*'))
        return pk_x_texts(&path, 1);
    size_t len = strlen(path);
    bool slash = len > 1 && path[len - 1] == '/';
    const char *exact = slash ? pk_arena_strndup(x->arena, path, len - 1) : path;
    const char *const values[] = {exact, pk_arena_printf(x->arena, "%s/*", exact)};
    return pk_x_texts(values, PK_ARRAY_LEN(values));
}

static json_t *conditions(struct pk_expansion *x, const struct pk_lb_member *m) {
    json_t *list = json_array();
    if (m->host)
        json_array_append_new(
            list, condition("host-header", "HostHeaderConfig", pk_x_texts(&m->host, 1)));
    if (m->path || !m->host)
        json_array_append_new(list, condition("path-pattern", "PathPatternConfig",
                                              path_values(x, m->path ? m->path : "/*")));
    if (m->filters)
        json_array_append_new(list,
                              condition("source-ip", "SourceIpConfig", json_deep_copy(m->cidrs)));
    return list;
}

static struct pk_resource *listener_rule(struct pk_expansion *x, const struct pk_lb_member *m,
                                         const struct pk_resource *group) {
    const struct pk_component *c = m->c;
    struct pk_resource *on = pk_lb_listener(x, pk_lb_of(x, c), m->listener);
    struct pk_resource *r = pk_x_node(x, c, "listener-rule", ELB "ListenerRule");
    pk_resource_set(x->graph, r, "ListenerArn", pk_token_ref(on->key, "ListenerArn"),
                    pk_spec_span(c, "loadBalancer.listener"));
    pk_resource_set(x->graph, r, "Priority", json_integer(m->priority),
                    pk_spec_span(c, "loadBalancer.priority"));
    pk_resource_set(x->graph, r, "Conditions", conditions(x, m), pk_spec_span(c, "ingress"));
    pk_resource_set(x->graph, r, "Actions", forward_to(group), pk_spec_span(c, "loadBalancer"));
    return r;
}

/* --- a network load balancer of its own ------------------------------------------------------- */

static struct pk_resource *nlb_group(struct pk_expansion *x, const struct pk_component *c,
                                     int64_t port, const char *protocol) {
    struct pk_resource *r = pk_x_node(x, c, "nlb-sg", "AWS::EC2::SecurityGroup");
    json_t *rules = json_array(), *cidrs = pk_lb_cidrs(x, c);
    for (size_t i = 0; i < json_array_size(cidrs); i++)
        json_array_append_new(rules,
                              json_pack("{s:s, s:I, s:I, s:O}", "IpProtocol", protocol, "FromPort",
                                        (json_int_t)port, "ToPort", (json_int_t)port, "CidrIp",
                                        json_array_get(cidrs, i)));
    json_decref(cidrs);
    pk_resource_set(x->graph, r, "GroupDescription",
                    pk_json_textf("Load balancer of %s", c->address), c->span);
    pk_resource_set(x->graph, r, "VpcId", pk_x_vpc_id(x, c), c->span);
    pk_resource_set(x->graph, r, "SecurityGroupIngress", rules,
                    pk_spec_span(c, "loadBalancer.allowedCIDRs"));
    return r;
}

static struct pk_resource *nlb(struct pk_expansion *x, const struct pk_component *c,
                               const struct pk_resource *group) {
    struct pk_resource *r = pk_x_node(x, c, "nlb", ELB "LoadBalancer");
    bool internal = pk_spec_bool(c, "loadBalancer.internal");
    struct pk_span span = pk_spec_span(c, "loadBalancer");
    json_t *groups = pk_x_base_groups(x, c);
    json_array_append_new(groups, pk_token_ref(group->key, "GroupId"));
    pk_resource_set(x->graph, r, "Type", json_string("network"), span);
    pk_resource_set(x->graph, r, "Scheme", json_string(internal ? "internal" : "internet-facing"),
                    pk_spec_span(c, "loadBalancer.internal"));
    pk_resource_set(x->graph, r, "Subnets",
                    pk_x_subnets(x, c, internal ? PK_PLACE_LB_INTERNAL : PK_PLACE_LB_PUBLIC), span);
    pk_resource_set(x->graph, r, "SecurityGroups", groups, span);
    const char *protect = pk_x_deletion_protection(x, c) ? "true" : "false";
    pk_resource_set(x->graph, r, "LoadBalancerAttributes",
                    json_pack("[o]", attribute("deletion_protection.enabled", protect)), span);
    return r;
}

/* The listener of the load balancer; ECS refuses a target group that no listener uses. */
static struct pk_resource *nlb_listener(struct pk_expansion *x, const struct pk_component *c,
                                        const json_t *port, const struct pk_resource *group) {
    int64_t number = pk_json_int(port, "port", 0);
    bool udp = strcmp(pk_json_str(port, "protocol", "tcp"), "udp") == 0;
    const char *transport = udp ? "udp" : "tcp";
    struct pk_resource *lb = nlb(x, c, nlb_group(x, c, number, transport));
    struct pk_resource *r = pk_x_node(
        x, c, pk_arena_printf(x->arena, "nlb-listener-%lld", (long long)number), ELB "Listener");
    struct pk_span span = pk_spec_span(c, "loadBalancer");
    const char *policy = pk_spec_str(c, "loadBalancer.sslPolicy");
    bool tls = has_certificate(c);
    pk_resource_set(x->graph, r, "LoadBalancerArn", pk_token_ref(lb->key, "LoadBalancerArn"), span);
    pk_resource_set(x->graph, r, "Port", json_integer(number), span);
    pk_resource_set(x->graph, r, "Protocol", json_string(tls ? "TLS" : udp ? "UDP" : "TCP"), span);
    pk_resource_set(x->graph, r, "DefaultActions", forward_to(group), span);
    if (!tls)
        return r;
    struct pk_span where = pk_spec_span(c, "loadBalancer.certificateArn");
    json_t *arn = pk_x_value(x, r, c, "loadBalancer.certificateArn");
    pk_resource_set(x->graph, r, "Certificates", json_pack("[{s:o}]", "CertificateArn", arn),
                    where);
    pk_resource_set(x->graph, r, "SslPolicy",
                    pk_json_text(policy ? policy : "ELBSecurityPolicy-TLS13-1-2-2021-06"),
                    pk_spec_span(c, "loadBalancer.sslPolicy"));
    return r;
}

/* --- the whole -------------------------------------------------------------------------------- */

void pk_lb_attach(struct pk_expansion *x, const struct pk_component *c, struct pk_resource *service,
                  bool awsvpc) {
    const json_t *port = pk_lb_port(x, c, false);
    const struct pk_lb_member *m = pk_lb_member(x, c);
    bool network = pk_lb_is_network(c);
    if (!port || (!network && !m))
        return;
    struct pk_resource *group = target_group(x, c, port, network, awsvpc);
    struct pk_resource *gate =
        network ? nlb_listener(x, c, port, group) : listener_rule(x, m, group);
    json_t *entry = json_pack("{s:s, s:I, s:o}", "ContainerName", c->name, "ContainerPort",
                              (json_int_t)pk_json_int(port, "port", 0), "TargetGroupArn",
                              pk_token_ref(group->key, "TargetGroupArn"));
    struct pk_span span = pk_spec_span(c, "loadBalancer");
    pk_resource_set(x->graph, service, "LoadBalancers", json_pack("[o]", entry), span);
    pk_resource_set(x->graph, service, "HealthCheckGracePeriodSeconds",
                    json_integer(pk_health_grace(x, c)), span);
    pk_x_needs(x, service, gate, "loadBalancer");
}

const char *pk_lb_key(struct pk_expansion *x, const struct pk_component *c) {
    if (!pk_lb_wanted(c) || !pk_lb_port(x, c, false))
        return NULL;
    if (pk_lb_is_network(c))
        return pk_x_key(x, c, "nlb");
    return pk_x_key(x, NULL, pk_lb_sub(x, pk_lb_of(x, c), ""));
}

json_t *pk_lb_host(struct pk_expansion *x, const struct pk_component *c, bool own_name) {
    const char *key = pk_lb_key(x, c), *host = pk_spec_str(c, "ingress.hostname");
    if (!key)
        return NULL;
    bool literal = host && !strpbrk(host, "*?") && !own_name && !pk_lb_is_network(c);
    return literal ? pk_json_text(host) : pk_token_ref(key, "DNSName");
}

json_t *pk_lb_endpoint(struct pk_expansion *x, const struct pk_component *c, bool own_name) {
    json_t *host = pk_lb_host(x, c, own_name);
    if (!host)
        return NULL;
    const struct pk_lb_member *m = pk_lb_member(x, c);
    bool https = m ? strcmp(m->listener, "https") == 0 : has_certificate(c);
    int64_t port = pk_json_int(pk_lb_port(x, c, false), "port", 0);
    bool usual = !pk_lb_is_network(c) || port == (https ? 443 : 80);
    const char *scheme = https ? "https://" : "http://";
    const char *tail = usual ? "" : pk_arena_printf(x->arena, ":%lld", (long long)port);
    if (json_is_string(host)) {
        json_t *text = pk_json_textf("%s%s%s", scheme, json_string_value(host), tail);
        json_decref(host);
        return text;
    }
    json_t *parts = json_pack("[s, o]", scheme, host);
    if (*tail)
        json_array_append_new(parts, pk_json_text(tail));
    return json_pack("{s:o}", "$join", parts);
}
