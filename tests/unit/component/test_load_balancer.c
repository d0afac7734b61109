/* test_load_balancer.c - the shared load balancers, rules, priorities, network load balancers. */
#include "fixture.h"

#define IMAGE "  image: {repository: nginx, tag: \"1.27\"}\n"
#define PORT "  ports: [{name: http, port: 8080}]\n"
#define CERT(name) "\"arn:aws:acm:eu-west-1:123456789012:certificate/" name "\""

static void plain_http(void **state) {
    (void)state;
    struct fixture f;
    fx_begin(&f);
    fx_component(&f, "MicroService", "web", IMAGE PORT "  loadBalancer: true\n");
    fx_expand(&f);
    fx_assert_clean(&f, "lb.no-tls");
    assert_property(&f, "_stack:alb", "Type", "\"application\"");
    assert_property(&f, "_stack:alb", "Scheme", "\"internet-facing\"");
    assert_property(&f, "_stack:alb", "Name", "\"shop-test-alb\"");
    assert_property(&f, "_stack:alb", "Subnets", "[\"subnet-a\",\"subnet-b\"]");
    assert_property(&f, "_stack:alb", "SecurityGroups",
                    "[\"sg-tenant\",{\"$ref\":\"_stack:alb-sg\",\"attr\":\"GroupId\"}]");
    assert_property(&f, "_stack:alb", "LoadBalancerAttributes",
                    "[{\"Key\":\"deletion_protection.enabled\",\"Value\":\"false\"},{\"Key\":"
                    "\"idle_timeout.timeout_seconds\",\"Value\":\"60\"},{\"Key\":\"routing.http."
                    "drop_invalid_header_fields.enabled\",\"Value\":\"true\"}]");
    assert_property(&f, "_stack:alb-sg", "SecurityGroupIngress",
                    "[{\"CidrIp\":\"0.0.0.0/0\",\"Description\":\"HTTP\",\"FromPort\":80,"
                    "\"IpProtocol\":\"tcp\",\"ToPort\":80}]");
    assert_property(&f, "_stack:alb-http", "DefaultActions",
                    "[{\"FixedResponseConfig\":{\"ContentType\":\"text/plain\",\"MessageBody\":"
                    "\"Not found\",\"StatusCode\":\"404\"},\"Type\":\"fixed-response\"}]");
    assert_null(pk_graph_find(f.graph, "_stack:alb-https"));
    assert_property(&f, "web:target-group", "TargetType", "\"ip\"");
    assert_property(&f, "web:target-group", "Protocol", "\"HTTP\"");
    assert_property(&f, "web:target-group", "ProtocolVersion", "\"HTTP1\"");
    assert_property(&f, "web:target-group", "Port", "8080");
    assert_property(&f, "web:target-group", "VpcId", "\"vpc-1\"");
    assert_property(&f, "web:target-group", "HealthCheckPath", "\"/\"");
    assert_property(&f, "web:target-group", "HealthCheckPort", "\"traffic-port\"");
    assert_property(&f, "web:target-group", "Matcher", "{\"HttpCode\":\"200-399\"}");
    assert_property(&f, "web:target-group", "TargetGroupAttributes",
                    "[{\"Key\":\"deregistration_delay.timeout_seconds\",\"Value\":\"30\"},{\"Key\":"
                    "\"stickiness.enabled\",\"Value\":\"false\"}]");
    assert_property(&f, "web:listener-rule", "Priority", "50000");
    assert_property(&f, "web:listener-rule", "Conditions",
                    "[{\"Field\":\"path-pattern\",\"PathPatternConfig\":{\"Values\":[\"/*\"]}}]");
    assert_property(&f, "web:listener-rule", "Actions",
                    "[{\"TargetGroupArn\":{\"$ref\":\"web:target-group\",\"attr\":"
                    "\"TargetGroupArn\"},\"Type\":\"forward\"}]");
    assert_property(&f, "web", "LoadBalancers",
                    "[{\"ContainerName\":\"web\",\"ContainerPort\":8080,\"TargetGroupArn\":{"
                    "\"$ref\":\"web:target-group\",\"attr\":\"TargetGroupArn\"}}]");
    assert_property(&f, "web", "HealthCheckGracePeriodSeconds", "60");
    assert_non_null(fx_edge(&f, "web", "web:listener-rule"));
    PK_CLEANUP(pk_freep)
    char *endpoint = pk_json_canonical(json_object_get(f.graph->outputs, "web.endpoint"));
    assert_string_equal(endpoint,
                        "{\"$join\":[\"http://\",{\"$ref\":\"_stack:alb\",\"attr\":\"DNSName\"}]}");
    fx_end(&f);
}

static void https_with_further_certificates(void **state) {
    (void)state;
    struct fixture f;
    fx_begin(&f);
    fx_component(
        &f, "MicroService", "a",
        IMAGE PORT "  loadBalancer: {enabled: true, certificateArn: " CERT(
            "one") ", stickiness: 1h, idleTimeout: 90, deregistrationDelay: 5}\n"
                   "  ingress: {hostname: a.example, path: /app}\n"
                   "  healthCheck: {path: /up, port: 9000, protocol: HTTPS, periodSeconds: 10,\n"
                   "    initialDelaySeconds: 20, successThreshold: 1, failureThreshold: 4,\n"
                   "    matcher: \"200,204\"}\n");
    fx_component(&f, "MicroService", "b",
                 IMAGE PORT "  loadBalancer: {enabled: true, certificateArn: " CERT(
                     "two") ", idleTimeout: 30}\n  ingress: {hostname: b.example}\n");
    fx_component(&f, "MicroService", "c", IMAGE PORT "  ingress: {enabled: true, path: /c*}\n");
    fx_expand(&f);
    fx_assert_clean(&f, "");
    assert_property(&f, "_stack:alb-http", "DefaultActions",
                    "[{\"RedirectConfig\":{\"Port\":\"443\",\"Protocol\":\"HTTPS\",\"StatusCode\":"
                    "\"HTTP_301\"},\"Type\":\"redirect\"}]");
    assert_property(&f, "_stack:alb-https", "Certificates",
                    "[{\"CertificateArn\":" CERT("one") "}]");
    assert_property(&f, "_stack:alb-https", "SslPolicy", "\"ELBSecurityPolicy-TLS13-1-2-2021-06\"");
    assert_property(&f, "_stack:alb", "LoadBalancerAttributes[1].Value", "\"90\"");
    size_t further = 0;
    for (size_t i = 0; i < f.graph->resources.len; i++) {
        const struct pk_resource *r = f.graph->resources.items[i];
        if (strcmp(r->type, "AWS::ElasticLoadBalancingV2::ListenerCertificate") != 0)
            continue;
        further++;
        assert_int_equal(strlen(r->key), strlen("_stack:alb-https-cert-01234567"));
        assert_property(&f, r->key, "Certificates", "[{\"CertificateArn\":" CERT("two") "}]");
    }
    assert_int_equal(further, 1);
    assert_property(&f, "a:listener-rule", "Conditions",
                    "[{\"Field\":\"host-header\",\"HostHeaderConfig\":{\"Values\":[\"a.example\"]}}"
                    ",{\"Field\":\"path-pattern\",\"PathPatternConfig\":{\"Values\":[\"/app\","
                    "\"/app/*\"]}}]");
    assert_property(&f, "c:listener-rule", "Conditions[0].PathPatternConfig.Values", "[\"/c*\"]");
    assert_property(&f, "c:listener-rule", "ListenerArn",
                    "{\"$ref\":\"_stack:alb-https\",\"attr\":\"ListenerArn\"}");
    const char *group = "a:target-group";
    assert_property(&f, group, "HealthCheckPath", "\"/up\"");
    assert_property(&f, group, "HealthCheckPort", "\"9000\"");
    assert_property(&f, group, "HealthCheckProtocol", "\"HTTPS\"");
    assert_property(&f, group, "HealthCheckIntervalSeconds", "10");
    assert_property(&f, group, "HealthCheckTimeoutSeconds", "5");
    assert_property(&f, group, "HealthyThresholdCount", "2");
    assert_property(&f, group, "UnhealthyThresholdCount", "4");
    assert_property(&f, group, "Matcher.HttpCode", "\"200,204\"");
    assert_property(&f, group, "TargetGroupAttributes",
                    "[{\"Key\":\"deregistration_delay.timeout_seconds\",\"Value\":\"5\"},{\"Key\":"
                    "\"stickiness.enabled\",\"Value\":\"true\"},{\"Key\":\"stickiness.lb_cookie."
                    "duration_seconds\",\"Value\":\"3600\"},{\"Key\":\"stickiness.type\",\"Value\":"
                    "\"lb_cookie\"}]");
    assert_property(&f, "a", "HealthCheckGracePeriodSeconds", "20");
    assert_string_equal(json_string_value(json_object_get(f.graph->outputs, "a.endpoint")),
                        "https://a.example");
    fx_end(&f);
}

static int64_t priority(struct fixture *f, const char *key) {
    return pk_json_int(fx_node(f, key)->properties, "Priority", 0);
}

/* Hosts before paths alone, longer paths first. */
static void priorities_follow_the_conditions(void **state) {
    (void)state;
    struct fixture f;
    fx_begin(&f);
    fx_component(&f, "MicroService", "host-path",
                 IMAGE PORT "  ingress: {enabled: true, hostname: a.example, path: /x}\n");
    fx_component(&f, "MicroService", "host",
                 IMAGE PORT "  ingress: {enabled: true, hostname: b.example}\n");
    fx_component(&f, "MicroService", "long",
                 IMAGE PORT "  ingress: {enabled: true, path: /x/y/z}\n");
    fx_component(&f, "MicroService", "short", IMAGE PORT "  ingress: {enabled: true, path: /x}\n");
    fx_component(&f, "MicroService", "rest", IMAGE PORT "  ingress: true\n");
    fx_component(&f, "MicroService", "fixed",
                 IMAGE PORT
                 "  ingress: {enabled: true, path: /f}\n  loadBalancer: {priority: 7}\n");
    fx_expand(&f);
    fx_assert_clean(&f, "lb.no-tls");
    assert_true(priority(&f, "host-path:listener-rule") < priority(&f, "host:listener-rule"));
    assert_true(priority(&f, "host:listener-rule") < priority(&f, "long:listener-rule"));
    assert_true(priority(&f, "long:listener-rule") < priority(&f, "short:listener-rule"));
    assert_true(priority(&f, "short:listener-rule") < priority(&f, "rest:listener-rule"));
    assert_int_equal(priority(&f, "rest:listener-rule"), 50000);
    assert_int_equal(priority(&f, "fixed:listener-rule"), 7);
    /* (128 - 2) * 150 without a host in the band of 20000, then the hash of the address */
    int64_t in_band = priority(&f, "short:listener-rule") - 20000 - 126 * 150;
    assert_in_range(in_band, 1, 150);
    fx_end(&f);
}

static void priority_is_pinned(void **state) {
    (void)state;
    struct fixture f;
    fx_begin(&f);
    fx_component(&f, "MicroService", "a", IMAGE PORT "  ingress: {enabled: true, path: /a}\n");
    fx_component(&f, "MicroService", "b",
                 IMAGE PORT
                 "  ingress: {enabled: true, path: /b}\n  loadBalancer: {priority: 9}\n");
    struct pk_state_resource *r =
        fx_record(&f, "a:listener-rule", "AWS::ElasticLoadBalancingV2::ListenerRule", "a",
                  "listener-rule", NULL);
    json_object_set_new(r->properties, "Priority", json_integer(123));
    fx_expand(&f);
    assert_int_equal(priority(&f, "a:listener-rule"), 123);
    assert_int_equal(priority(&f, "b:listener-rule"), 9);
    fx_end(&f);
}

static void internal_and_public_are_two(void **state) {
    (void)state;
    struct fixture f;
    fx_begin(&f);
    fx_component(&f, "MicroService", "a", IMAGE PORT "  loadBalancer: true\n");
    fx_component(&f, "MicroService", "b",
                 IMAGE PORT "  loadBalancer: {enabled: true, internal: true}\n");
    fx_expand(&f);
    fx_assert_clean(&f, "lb.no-tls");
    assert_property(&f, "_stack:alb-internal", "Scheme", "\"internal\"");
    assert_property(&f, "_stack:alb-internal", "Subnets", "[\"subnet-c\",\"subnet-d\"]");
    assert_property(&f, "b:listener-rule", "ListenerArn",
                    "{\"$ref\":\"_stack:alb-http-internal\",\"attr\":\"ListenerArn\"}");
    assert_property(&f, "_stack:alb-sg-internal", "SecurityGroupIngress[0].CidrIp",
                    "\"10.0.0.0/8\"");
    assert_property(&f, "_stack:alb-sg-internal", "SecurityGroupIngress[2].CidrIp",
                    "\"192.168.0.0/16\"");
    fx_end(&f);
}

static void narrower_networks_become_a_condition(void **state) {
    (void)state;
    struct fixture f;
    fx_begin(&f);
    fx_component(&f, "MicroService", "a",
                 IMAGE PORT "  loadBalancer: {enabled: true, allowedCIDRs: [10.1.0.0/16]}\n"
                            "  ingress: {path: /a}\n");
    fx_component(&f, "MicroService", "b",
                 IMAGE PORT "  loadBalancer: {enabled: true, allowedCIDRs: [10.2.0.0/16]}\n"
                            "  ingress: {path: /b}\n");
    fx_expand(&f);
    fx_assert_clean(&f, "lb.no-tls");
    assert_property(&f, "a:listener-rule", "Conditions[1]",
                    "{\"Field\":\"source-ip\",\"SourceIpConfig\":{\"Values\":[\"10.1.0.0/16\"]}}");
    assert_property(&f, "_stack:alb-sg", "SecurityGroupIngress[0].CidrIp", "\"10.1.0.0/16\"");
    assert_property(&f, "_stack:alb-sg", "SecurityGroupIngress[1].CidrIp", "\"10.2.0.0/16\"");
    fx_end(&f);
}

static void stack_group_that_opens_the_port_is_enough(void **state) {
    (void)state;
    struct fixture f;
    fx_begin(&f);
    fx_write(&f, "stack.yaml",
             "apiVersion: core.panka.io/v1\nkind: Stack\nmetadata: {name: shop}\nspec:\n"
             "  region: eu-west-1\n  variables: {ENVIRONMENT: test}\n"
             "  networking:\n    securityGroup:\n      ingress:\n"
             "        - {protocol: tcp, port: 80, cidrBlocks: [0.0.0.0/0]}\n");
    fx_component(&f, "MicroService", "web", IMAGE PORT "  loadBalancer: true\n");
    fx_expand(&f);
    fx_assert_clean(&f, "lb.no-tls");
    assert_no_property(&f, "_stack:alb-sg", "SecurityGroupIngress");
    assert_property(&f, "_stack:alb", "SecurityGroups[1]",
                    "{\"$ref\":\"_stack:security-group\",\"attr\":\"GroupId\"}");
    fx_end(&f);
}

static void network_load_balancer(void **state) {
    (void)state;
    struct fixture f;
    fx_begin(&f);
    fx_component(&f, "MicroService", "tcp",
                 IMAGE "  ports: [{name: db, port: 5432}]\n"
                       "  loadBalancer: {enabled: true, type: network, internal: true,\n"
                       "    allowedCIDRs: [10.9.0.0/16], stickiness: 1h}\n");
    fx_component(&f, "MicroService", "tls",
                 IMAGE
                 "  ports: [{name: x, port: 443}]\n"
                 "  healthCheck: {path: /up}\n"
                 "  loadBalancer: {enabled: true, type: network, certificateArn: " CERT("n") "}\n");
    fx_component(&f, "MicroService", "udp",
                 IMAGE "  ports: [{name: dns, port: 53, protocol: UDP}]\n"
                       "  healthCheck: {port: 8080}\n"
                       "  loadBalancer: {enabled: true, type: network}\n");
    fx_expand(&f);
    fx_assert_clean(&f, "");
    assert_null(pk_graph_find(f.graph, "_stack:alb"));
    assert_property(&f, "tcp:nlb", "Type", "\"network\"");
    assert_property(&f, "tcp:nlb", "Scheme", "\"internal\"");
    assert_property(&f, "tcp:nlb-sg", "SecurityGroupIngress",
                    "[{\"CidrIp\":\"10.9.0.0/16\",\"FromPort\":5432,\"IpProtocol\":\"tcp\","
                    "\"ToPort\":5432}]");
    assert_property(&f, "tcp:target-group", "Protocol", "\"TCP\"");
    assert_no_property(&f, "tcp:target-group", "ProtocolVersion");
    assert_no_property(&f, "tcp:target-group", "HealthCheckPath");
    assert_property(&f, "tcp:target-group", "HealthCheckProtocol", "\"TCP\"");
    assert_property(&f, "tcp:target-group", "TargetGroupAttributes[2]",
                    "{\"Key\":\"stickiness.type\",\"Value\":\"source_ip\"}");
    assert_property(&f, "tcp:nlb-listener-5432", "Protocol", "\"TCP\"");
    assert_non_null(fx_edge(&f, "tcp", "tcp:nlb-listener-5432"));
    assert_property(&f, "tls:nlb-listener-443", "Protocol", "\"TLS\"");
    assert_property(&f, "tls:nlb-listener-443", "Certificates",
                    "[{\"CertificateArn\":" CERT("n") "}]");
    assert_property(&f, "tls:target-group", "HealthCheckPath", "\"/up\"");
    assert_property(&f, "udp:nlb-listener-53", "Protocol", "\"UDP\"");
    assert_property(&f, "udp:target-group", "Protocol", "\"UDP\"");
    assert_property(&f, "udp:target-group", "HealthCheckPort", "\"8080\"");
    PK_CLEANUP(pk_freep)
    char *tcp = pk_json_canonical(json_object_get(f.graph->outputs, "tcp.endpoint"));
    assert_string_equal(
        tcp, "{\"$join\":[\"http://\",{\"$ref\":\"tcp:nlb\",\"attr\":\"DNSName\"},\":5432\"]}");
    PK_CLEANUP(pk_freep)
    char *tls = pk_json_canonical(json_object_get(f.graph->outputs, "tls.endpoint"));
    assert_string_equal(tls,
                        "{\"$join\":[\"https://\",{\"$ref\":\"tls:nlb\",\"attr\":\"DNSName\"}]}");
    fx_end(&f);
}

static void grpc_targets(void **state) {
    (void)state;
    struct fixture f;
    fx_begin(&f);
    fx_component(&f, "MicroService", "web",
                 IMAGE "  ports: [{name: rpc, port: 50051, appProtocol: grpc}]\n"
                       "  loadBalancer: {enabled: true, certificateArn: " CERT("a") "}\n");
    fx_expand(&f);
    fx_assert_clean(&f, "");
    assert_property(&f, "web:target-group", "ProtocolVersion", "\"GRPC\"");
    assert_property(&f, "web:target-group", "Matcher", "{\"GrpcCode\":\"12\"}");
    assert_property(&f, "web:target-group", "HealthCheckPath", "\"/AWS.ALB/healthcheck\"");
    assert_property(&f, "web:task-definition",
                    "ContainerDefinitions[0].PortMappings[0].AppProtocol", "\"grpc\"");
    fx_end(&f);
}

/* --- findings that concern several components ------------------------------------------------- */

static void expect(const char *a, const char *b, const char *id) {
    struct fixture f;
    fx_begin(&f);
    fx_component(&f, "MicroService", "a", a);
    fx_component(&f, "MicroService", "b", b);
    fx_expand(&f);
    const struct pk_diag *d = fx_finding(&f, id);
    if (!d)
        fx_print_findings(&f);
    assert_non_null(d);
    assert_int_equal(d->severity, PK_SEVERITY_ERROR);
    assert_non_null(d->help);
    assert_string_equal(d->address, "web/b");
    fx_end(&f);
}

static void conflicts(void **state) {
    (void)state;
    expect(IMAGE PORT "  loadBalancer: true\n", IMAGE PORT "  loadBalancer: true\n",
           "lb.catch-all");
    expect(IMAGE PORT "  loadBalancer: {enabled: true, priority: 5}\n  ingress: {path: /a}\n",
           IMAGE PORT "  loadBalancer: {enabled: true, priority: 5}\n  ingress: {path: /b}\n",
           "lb.priority-dup");
    expect(IMAGE PORT "  loadBalancer: {enabled: true, certificateArn: " CERT(
               "a") ", sslPolicy: ELBSecurityPolicy-2016-08}\n  ingress: {path: /a}\n",
           IMAGE PORT "  loadBalancer: {enabled: true, sslPolicy: ELBSecurityPolicy-TLS-1-2-2017-01"
                      "}\n  ingress: {path: /b}\n",
           "lb.ssl-policy-conflict");
    expect(IMAGE PORT "  loadBalancer: true\n",
           IMAGE PORT "  loadBalancer: {enabled: true, allowedCIDRs: [10.1.0.0/16, 10.2.0.0/16, "
                      "10.3.0.0/16]}\n  ingress: {hostname: b.example, path: /b}\n",
           "lb.rule-values");
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(plain_http),
        cmocka_unit_test(https_with_further_certificates),
        cmocka_unit_test(priorities_follow_the_conditions),
        cmocka_unit_test(priority_is_pinned),
        cmocka_unit_test(internal_and_public_are_two),
        cmocka_unit_test(narrower_networks_become_a_condition),
        cmocka_unit_test(stack_group_that_opens_the_port_is_enough),
        cmocka_unit_test(network_load_balancer),
        cmocka_unit_test(grpc_targets),
        cmocka_unit_test(conflicts),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
