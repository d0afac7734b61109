/* lb_shared.c - nodes of the load balancers that components of a stack share. */
#include "component/internal.h"
#include "component/lb.h"

#include "base/hash.h"
#include "base/str.h"

#include <string.h>

#define ELB "AWS::ElasticLoadBalancingV2::"

const char *pk_lb_sub(struct pk_expansion *x, const struct pk_lb *lb, const char *part) {
    return pk_arena_printf(x->arena, "alb%s%s%s", *part ? "-" : "", part,
                           lb->internal ? "-internal" : "");
}

/* Where findings about a shared node point to: the first component that asked for it. */
static struct pk_span span_of(const struct pk_lb *lb) {
    const struct pk_lb_member *first = lb->members.items[0];
    return pk_spec_span(first->c, "loadBalancer");
}

static json_t *attribute(const char *key, const char *value) {
    json_t *pair = json_object();
    json_object_set_new(pair, "Key", pk_json_text(key));
    json_object_set_new(pair, "Value", pk_json_text(value));
    return pair;
}

static void open_port(struct pk_expansion *x, const struct pk_lb *lb, json_t *rules, int64_t port,
                      const char *what) {
    if (!lb->cidrs_written && pk_x_stack_opens_port(x, port))
        return; /* the stack's own group is on the load balancer too */
    for (size_t i = 0; i < json_array_size(lb->cidrs); i++) {
        json_t *rule = json_object();
        json_object_set_new(rule, "IpProtocol", json_string("tcp"));
        json_object_set_new(rule, "FromPort", json_integer(port));
        json_object_set_new(rule, "ToPort", json_integer(port));
        json_object_set(rule, "CidrIp", json_array_get(lb->cidrs, i));
        json_object_set_new(rule, "Description", pk_json_text(what));
        json_array_append_new(rules, rule);
    }
}

static struct pk_resource *security_group(struct pk_expansion *x, const struct pk_lb *lb) {
    bool is_new;
    struct pk_resource *r =
        pk_x_stack_node(x, pk_lb_sub(x, lb, "sg"), "AWS::EC2::SecurityGroup", &is_new);
    if (!is_new)
        return r;
    struct pk_span span = span_of(lb);
    json_t *rules = json_array();
    open_port(x, lb, rules, 80, "HTTP");
    if (json_array_size(lb->certificates) > 0)
        open_port(x, lb, rules, 443, "HTTPS");
    const char *text = pk_arena_printf(x->arena, "Load balancer of stack %s, %s", x->project->name,
                                       x->project->environment);
    r->span = span;
    pk_resource_set(x->graph, r, "GroupDescription", pk_json_text(text), span);
    pk_resource_set(x->graph, r, "VpcId", pk_x_vpc_id(x, NULL), span);
    if (json_array_size(rules) > 0)
        pk_resource_set(x->graph, r, "SecurityGroupIngress", rules, span);
    else
        json_decref(rules);
    return r;
}

static struct pk_resource *load_balancer(struct pk_expansion *x, const struct pk_lb *lb) {
    bool is_new;
    struct pk_resource *r = pk_x_stack_node(x, pk_lb_sub(x, lb, ""), ELB "LoadBalancer", &is_new);
    if (!is_new)
        return r;
    struct pk_span span = r->span = span_of(lb);
    struct pk_resource *sg = security_group(x, lb);
    json_t *groups = pk_x_base_groups(x, NULL), *attributes = json_array();
    json_array_append_new(groups, pk_token_ref(sg->key, "GroupId"));
    char idle[24];
    snprintf(idle, sizeof(idle), "%lld", (long long)lb->idle_timeout);
    json_array_append_new(attributes,
                          attribute("deletion_protection.enabled", lb->protect ? "true" : "false"));
    json_array_append_new(attributes, attribute("idle_timeout.timeout_seconds", idle));
    json_array_append_new(attributes,
                          attribute("routing.http.drop_invalid_header_fields.enabled", "true"));
    pk_resource_set(x->graph, r, "Type", json_string("application"), span);
    pk_resource_set(x->graph, r, "Scheme",
                    json_string(lb->internal ? "internal" : "internet-facing"), span);
    pk_resource_set(x->graph, r, "Subnets",
                    pk_x_subnets(x, NULL, lb->internal ? PK_PLACE_LB_INTERNAL : PK_PLACE_LB_PUBLIC),
                    span);
    pk_resource_set(x->graph, r, "SecurityGroups", groups, span);
    pk_resource_set(x->graph, r, "LoadBalancerAttributes", attributes, span);
    return r;
}

static json_t *not_found_action(void) {
    return json_pack("[{s:s, s:{s:s, s:s, s:s}}]", "Type", "fixed-response", "FixedResponseConfig",
                     "StatusCode", "404", "ContentType", "text/plain", "MessageBody", "Not found");
}

static json_t *redirect_action(void) {
    return json_pack("[{s:s, s:{s:s, s:s, s:s}}]", "Type", "redirect", "RedirectConfig", "Protocol",
                     "HTTPS", "Port", "443", "StatusCode", "HTTP_301");
}

static struct pk_resource *listener(struct pk_expansion *x, const struct pk_lb *lb,
                                    const char *name, bool *ret_new) {
    bool https = strcmp(name, "https") == 0, has_https = json_array_size(lb->certificates) > 0;
    struct pk_resource *alb = load_balancer(x, lb);
    struct pk_resource *r = pk_x_stack_node(x, pk_lb_sub(x, lb, name), ELB "Listener", ret_new);
    if (!*ret_new)
        return r;
    struct pk_span span = r->span = span_of(lb);
    pk_resource_set(x->graph, r, "LoadBalancerArn", pk_token_ref(alb->key, "LoadBalancerArn"),
                    span);
    pk_resource_set(x->graph, r, "Port", json_integer(https ? 443 : 80), span);
    pk_resource_set(x->graph, r, "Protocol", json_string(https ? "HTTPS" : "HTTP"), span);
    pk_resource_set(x->graph, r, "DefaultActions",
                    !https && has_https ? redirect_action() : not_found_action(), span);
    if (!https)
        return r;
    json_t *first = json_deep_copy(json_array_get(lb->certificates, 0));
    pk_resource_set(x->graph, r, "Certificates", json_pack("[{s:o}]", "CertificateArn", first),
                    span);
    pk_resource_set(x->graph, r, "SslPolicy", pk_json_text(lb->ssl_policy), span);
    return r;
}

/* All certificates but the first, which is the listener's own. */
static void further_certificates(struct pk_expansion *x, const struct pk_lb *lb,
                                 const struct pk_resource *https) {
    for (size_t i = 1; i < json_array_size(lb->certificates); i++) {
        json_t *arn = json_array_get(lb->certificates, i);
        char hex[PK_SHA256_HEX_SIZE];
        pk_json_sha256(arn, hex);
        bool is_new;
        const char *sub = pk_arena_printf(x->arena, "%s-cert-%.8s", pk_lb_sub(x, lb, "https"), hex);
        struct pk_resource *r = pk_x_stack_node(x, sub, ELB "ListenerCertificate", &is_new);
        pk_resource_set(x->graph, r, "ListenerArn", pk_token_ref(https->key, "ListenerArn"),
                        r->span);
        pk_resource_set(x->graph, r, "Certificates",
                        json_pack("[{s:o}]", "CertificateArn", json_deep_copy(arn)), r->span);
    }
}

struct pk_resource *pk_lb_listener(struct pk_expansion *x, struct pk_lb *lb, const char *name) {
    bool is_new;
    struct pk_resource *http = listener(x, lb, "http", &is_new), *https = NULL;
    if (json_array_size(lb->certificates) > 0) {
        https = listener(x, lb, "https", &is_new);
        if (is_new)
            further_certificates(x, lb, https);
    }
    return https && strcmp(name, "https") == 0 ? https : http;
}
