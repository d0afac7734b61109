/* test_ms_findings.c - what a MicroService must not say, one case per finding. */
#include "fixture.h"

#define IMAGE "  image: {repository: nginx, tag: \"1.27\"}\n"
#define PORT "  ports: [{name: http, port: 80}]\n"

struct finding_case {
    const char *id;
    enum pk_severity severity;
    unsigned line; /* in services/web/web.yaml, where `spec:` is line 4 */
    const char *spec;
};

static void check(const struct finding_case *c) {
    struct fixture f;
    fx_begin(&f);
    fx_component(&f, "MicroService", "web", c->spec);
    fx_write(&f, "services/web/config/a.txt", "${NOPE}\n");
    fx_expand(&f);
    const struct pk_diag *d = fx_finding(&f, c->id);
    if (!d) {
        print_error("expected %s for\n%s", c->id, c->spec);
        fx_print_findings(&f);
    }
    assert_non_null(d);
    if (d->span.line != c->line || d->severity != c->severity ||
        !(d->help || d->label || d->detail))
        print_error("%s for\n%s", c->id, c->spec);
    assert_int_equal(d->severity, c->severity);
    assert_non_null(d->span.src);
    assert_true(strstr(d->span.src->path, "services/web/web.yaml") ||
                strstr(d->span.src->path, "services/web/config"));
    assert_int_equal(d->span.line, c->line);
    assert_true(d->help || d->label || d->detail);
    fx_end(&f);
}

#define ERROR_AT(id, line, spec)                                                                   \
    { (id), PK_SEVERITY_ERROR, (line), (spec) }
#define WARNING_AT(id, line, spec)                                                                 \
    { (id), PK_SEVERITY_WARNING, (line), (spec) }
#define INFO_AT(id, line, spec)                                                                    \
    { (id), PK_SEVERITY_INFO, (line), (spec) }

static void run_all(const struct finding_case *cases, size_t n) {
    for (size_t i = 0; i < n; i++)
        check(&cases[i]);
}

static void image_and_platform(void **state) {
    (void)state;
    static const struct finding_case cases[] = {
        ERROR_AT("ms.image-tag", 5, "  image: {repository: nginx}\n"),
        ERROR_AT("ms.image-tag", 5, "  image: {repository: \"nginx:1\", tag: \"1\"}\n"),
        ERROR_AT("ms.image-tag", 5, "  image: {repository: \"localhost:5000/nginx:1\", tag: a}\n"),
        ERROR_AT("ms.image-tag", 5, "  image: {repository: nginx, tag: \"-a\"}\n"),
        ERROR_AT("ms.image-tag", 5, "  image: {repository: nginx, digest: \"sha256:1\"}\n"),
        WARNING_AT("ms.tag-latest", 5, "  image: {repository: nginx, tag: latest}\n"),
        ERROR_AT("ms.pull-policy", 5, "  image: {repository: nginx, tag: a, pullPolicy: Never}\n"),
        ERROR_AT("ms.platform", 6, IMAGE "  runtime: {platform: lambda}\n"),
        ERROR_AT("ms.platform", 6, IMAGE "  runtime: {platform: eks}\n"),
        ERROR_AT("ms.launch-type", 6, IMAGE "  runtime: {launchType: EC2}\n"),
        ERROR_AT("ms.network-mode", 6, IMAGE "  runtime: {networkMode: bridge}\n"),
        ERROR_AT("ms.gpu-fargate", 6, IMAGE "  runtime: {requiresGPU: true}\n"),
        ERROR_AT("ms.cluster-required", 6, IMAGE "  runtime: {platform: ec2}\n"),
        ERROR_AT("ms.spot", 6, IMAGE "  runtime: {platform: ec2, cluster: c, spot: true}\n"),
        ERROR_AT("ms.ephemeral-storage", 6,
                 IMAGE "  runtime: {platform: ec2, cluster: c, ephemeralStorageGB: 30}\n"),
        ERROR_AT("ms.ec2-size", 6, IMAGE "  runtime: {platform: ec2, cluster: c, cpu: 200000}\n"),
        ERROR_AT("ms.fargate-size", 6, IMAGE "  runtime: {cpu: 256, memory: 4096}\n"),
        ERROR_AT("ms.fargate-size", 6, IMAGE "  runtime: {cpu: 300, memory: 512}\n"),
        ERROR_AT("ms.fargate-size", 6, IMAGE "  runtime: {cpu: 8192, memory: 17Gi}\n"),
        ERROR_AT("ms.port-dup", 6, IMAGE "  ports: [{name: a, port: 80}, {name: a, port: 81}]\n"),
        ERROR_AT("ms.port-dup", 6, IMAGE "  ports: [{name: a, port: 80}, {name: b, port: 80}]\n"),
        ERROR_AT("ms.deployment-percent", 6,
                 IMAGE "  deployment: {minimumHealthyPercent: 100, maximumPercent: 100}\n"),
        ERROR_AT("ms.deployment-percent", 6,
                 IMAGE "  deployment: {minimumHealthyPercent: 100, maximumPercent: 150}\n"),
        ERROR_AT("net.public-ip", 7,
                 IMAGE "  runtime: {platform: ec2, cluster: c}\n"
                       "  networking: {assignPublicIp: true}\n"),
        WARNING_AT("field.inert", 7,
                   IMAGE "  runtime: {platform: ec2, cluster: c, networkMode: bridge}\n"
                         "  networking: {securityGroups: [sg-0123456789abcdef0]}\n"),
        WARNING_AT("field.inert", 6, IMAGE "  serviceDiscovery: {namespace: inside}\n"),
        WARNING_AT("field.inert", 6, IMAGE "  serviceConnect: {namespace: inside}\n"),
        WARNING_AT("field.inert", 7, IMAGE PORT "  loadBalancer: {type: network}\n"),
        ERROR_AT("infra.mesh", 6, IMAGE "  serviceMesh: {enabled: true, type: istio}\n"),
        ERROR_AT("field.enum", 6, IMAGE "  logging: {retentionDays: 31}\n"),
    };
    run_all(cases, PK_ARRAY_LEN(cases));
}

static void environment_and_files(void **state) {
    (void)state;
    static const struct finding_case cases[] = {
        ERROR_AT("ms.env-dup", 7,
                 IMAGE "  environment: {A: x}\n  secrets: [{name: A, secretRef: s/a}]\n"),
        ERROR_AT("ms.env-name", 6, IMAGE "  environment: [{name: \"A=B\", value: x}]\n"),
        ERROR_AT("field.required", 6, IMAGE "  environment: [{name: A}]\n"),
        ERROR_AT("field.conflict", 6,
                 IMAGE "  environment: [{name: A, value: x, secretRef: s/a}]\n"),
        ERROR_AT("file.missing", 6, IMAGE "  envFiles: [nope.env]\n"),
        ERROR_AT("ms.env-file", 1, IMAGE "  envFiles: [a.txt]\n"),
        ERROR_AT("file.missing", 6, IMAGE "  configs: {mountPath: /x, files: [nope]}\n"),
        ERROR_AT("file.outside", 6,
                 IMAGE "  configs: {mountPath: /x, files: [\"../service.yaml\"]}\n"),
        ERROR_AT("file.outside", 6, IMAGE "  configs: {mountPath: /x, files: [/etc/passwd]}\n"),
        WARNING_AT("ms.config-variable", 6, IMAGE "  configs: {mountPath: /x, files: [a.txt]}\n"),
        ERROR_AT("volume.type", 6,
                 IMAGE "  volumes: [{name: a, type: configMap, mountPath: /a}]\n"),
        ERROR_AT("volume.type", 6,
                 IMAGE "  volumes: [{name: a, type: hostPath, source: /a, mountPath: /a}]\n"),
        ERROR_AT("volume.source", 6, IMAGE "  volumes: [{name: a, type: efs, mountPath: /a}]\n"),
        ERROR_AT("volume.source", 6,
                 IMAGE "  volumes: [{name: a, type: emptyDir, source: /b, mountPath: /a}]\n"),
        ERROR_AT("efs.access-point", 6,
                 IMAGE
                 "  volumes: [{name: a, type: emptyDir, accessPoint: fsap-1, mountPath: /a}]\n"),
        ERROR_AT("volume.dup", 8,
                 IMAGE "  volumes:\n    - {name: a, type: emptyDir, mountPath: /a}\n"
                       "    - {name: a, type: emptyDir, mountPath: /b}\n"),
        ERROR_AT("volume.dup", 8,
                 IMAGE "  volumes:\n    - {name: a, type: emptyDir, mountPath: /a}\n"
                       "    - {name: b, type: emptyDir, mountPath: /a}\n"),
    };
    run_all(cases, PK_ARRAY_LEN(cases));
}

static void health_checks(void **state) {
    (void)state;
    static const struct finding_case cases[] = {
        INFO_AT("health.inert", 6, IMAGE "  healthCheck: {path: /up}\n"),
        INFO_AT("health.inert", 6, IMAGE "  healthCheck: {port: 80}\n"),
        WARNING_AT("health.period", 6, IMAGE "  healthCheck: {command: [x], periodSeconds: 2}\n"),
        ERROR_AT("health.period", 6, IMAGE "  healthCheck: {command: [x], periodSeconds: 301}\n"),
        ERROR_AT("health.timeout", 6, IMAGE "  healthCheck: {command: [x], timeoutSeconds: 1}\n"),
        ERROR_AT("health.timeout", 6,
                 IMAGE "  healthCheck: {command: [x], timeoutSeconds: 30, periodSeconds: 30}\n"),
        ERROR_AT("health.timeout", 6,
                 IMAGE "  healthCheck: {command: [x], timeoutSeconds: 61, periodSeconds: 90}\n"),
        ERROR_AT("health.start-period", 6,
                 IMAGE "  healthCheck: {command: [x], initialDelaySeconds: 301}\n"),
        ERROR_AT("health.matcher", 6, IMAGE "  healthCheck: {path: /, matcher: \"200-500\"}\n"),
        ERROR_AT("health.matcher", 6, IMAGE "  healthCheck: {path: /, matcher: \"300-200\"}\n"),
        ERROR_AT("health.matcher", 6, IMAGE "  healthCheck: {path: /, matcher: \"ok\"}\n"),
        ERROR_AT("health.two-commands", 8,
                 IMAGE "  healthCheck:\n    command: [x]\n    liveness: {exec: {command: [y]}}\n"),
        ERROR_AT("health.no-port", 6, IMAGE "  healthCheck: {container: true}\n"),
        ERROR_AT("health.no-port", 6, IMAGE "  healthCheck: {container: true, path: /up}\n"),
        ERROR_AT("health.tcp-on-alb", 7,
                 IMAGE PORT "  healthCheck: {port: 80}\n  loadBalancer: true\n"),
        ERROR_AT("health.threshold", 7,
                 IMAGE PORT
                 "  healthCheck: {path: /, failureThreshold: 1}\n  loadBalancer: true\n"),
    };
    run_all(cases, PK_ARRAY_LEN(cases));
}

static void scaling(void **state) {
    (void)state;
    static const struct finding_case cases[] = {
        ERROR_AT("ms.scaling-range", 6, IMAGE "  autoscaling: {minReplicas: 2}\n"),
        ERROR_AT("ms.scaling-range", 6, IMAGE "  autoscaling: {minReplicas: 3, maxReplicas: 2}\n"),
        ERROR_AT("ms.scaling-range", 6, IMAGE "  autoscaling: {targetCPUPercent: 50}\n"),
        ERROR_AT("ms.scaling-policy", 6,
                 IMAGE "  autoscaling: {maxReplicas: 2, targetRequestsPerTarget: 9}\n"),
        ERROR_AT("ms.scaling-policy", 6,
                 IMAGE "  autoscaling: {maxReplicas: 2, policies: [{targetValue: 9}]}\n"),
        ERROR_AT("ms.scaling-policy", 6,
                 IMAGE "  autoscaling: {maxReplicas: 2, policies: [{metric: CPUUtilization}]}\n"),
        ERROR_AT("ms.scaling-policy", 6,
                 IMAGE "  autoscaling: {maxReplicas: 2, policies: [{metric: CPUUtilization, "
                       "targetValue: 9, threshold: 3}]}\n"),
        ERROR_AT("ms.scaling-policy", 6,
                 IMAGE "  autoscaling: {maxReplicas: 2, policies: [{type: step, metric: "
                       "CPUUtilization, threshold: 3}]}\n"),
        ERROR_AT("ms.scaling-policy", 6,
                 IMAGE "  autoscaling: {maxReplicas: 2, policies: [{type: step, metric: "
                       "CPUUtilization, steps: [{lower: 0, change: 1}]}]}\n"),
        ERROR_AT("ms.scaling-policy", 6,
                 IMAGE "  autoscaling: {maxReplicas: 2, policies: [{type: step, metric: "
                       "CPUUtilization, threshold: 1, period: 90, steps: [{lower: 0, change: "
                       "1}]}]}\n"),
        ERROR_AT("ms.scaling-policy", 6,
                 IMAGE "  autoscaling: {maxReplicas: 2, policies: [{type: schedule, min: 1}]}\n"),
        ERROR_AT("ms.scaling-policy", 6,
                 IMAGE "  autoscaling: {maxReplicas: 2, policies: [{type: schedule, schedule: "
                       "rate(1 hour), min: 3, max: 1}]}\n"),
        ERROR_AT("ms.backlog-needs-insights", 6,
                 IMAGE "  autoscaling: {maxReplicas: 2, policies: [{metric: QueueBacklogPerTask, "
                       "targetValue: 5}]}\n"),
    };
    run_all(cases, PK_ARRAY_LEN(cases));
}

static void network_and_discovery(void **state) {
    (void)state;
    static const struct finding_case cases[] = {
        ERROR_AT("net.subnet-id", 6, IMAGE "  networking: {subnets: [vpc-1]}\n"),
        ERROR_AT("net.subnet-id", 6, IMAGE "  networking: {subnets: [subnet-1, private]}\n"),
        ERROR_AT("net.public-ip", 6, IMAGE "  networking: {assignPublicIp: true}\n"),
        ERROR_AT("net.group-id", 6, IMAGE "  networking: {securityGroups: [default]}\n"),
        ERROR_AT("net.group-count", 6,
                 IMAGE "  networking: {securityGroups: [sg-1, sg-2, sg-3, sg-4, sg-5]}\n"),
        ERROR_AT("ms.service-connect", 6, IMAGE "  serviceConnect: true\n"),
        ERROR_AT(
            "ms.service-connect", 8,
            IMAGE PORT
            "  runtime: {platform: ec2, cluster: c, networkMode: host}\n  serviceConnect: true\n"),
        ERROR_AT("ms.discovery", 7,
                 IMAGE "  runtime: {platform: ec2, cluster: c, networkMode: host}\n"
                       "  serviceDiscovery: true\n"),
        ERROR_AT("ref.self", 6,
                 IMAGE "  environment: {ME: \"${web.taskDefinitionArn}\", MY: "
                       "\"${web.id}\"}\n"),
        ERROR_AT("ref.self", 6, IMAGE "  dependsOn: [web]\n"),
    };
    run_all(cases, PK_ARRAY_LEN(cases));
}

static void load_balancer(void **state) {
    (void)state;
    static const struct finding_case cases[] = {
        WARNING_AT("lb.no-tls", 7, IMAGE PORT "  loadBalancer: true\n"),
        ERROR_AT("lb.no-port", 6, IMAGE "  loadBalancer: true\n"),
        ERROR_AT("lb.port", 7, IMAGE PORT "  loadBalancer: {enabled: true, port: admin}\n"),
        ERROR_AT("lb.udp", 7,
                 IMAGE "  ports: [{name: a, port: 80, protocol: udp}]\n  loadBalancer: true\n"),
        ERROR_AT("lb.listener", 7, IMAGE PORT "  loadBalancer: {enabled: true, listener: web}\n"),
        ERROR_AT("lb.no-certificate", 7,
                 IMAGE PORT "  loadBalancer: {enabled: true, listener: https}\n"),
        ERROR_AT("lb.needs-https", 7,
                 IMAGE "  ports: [{name: a, port: 80, appProtocol: grpc}]\n  loadBalancer: true\n"),
        ERROR_AT("lb.certificate-region", 7,
                 IMAGE PORT "  loadBalancer: {enabled: true, certificateArn: "
                            "\"arn:aws:acm:us-east-1:123456789012:certificate/a\"}\n"),
        ERROR_AT("lb.alb-only", 8,
                 IMAGE PORT "  loadBalancer: {enabled: true, type: network}\n"
                            "  ingress: {hostname: a.example}\n"),
        ERROR_AT("field.conflict", 8,
                 IMAGE PORT "  loadBalancer: {enabled: false}\n  ingress: {enabled: true}\n"),
        WARNING_AT("lb.ingress-off", 7, IMAGE PORT "  ingress: {hostname: a.example}\n"),
        WARNING_AT("lb.ssl-policy-unused", 7,
                   IMAGE PORT "  loadBalancer: {enabled: true, sslPolicy: "
                              "ELBSecurityPolicy-TLS13-1-2-2021-06}\n"),
        ERROR_AT("ms.network-mode", 8,
                 IMAGE PORT "  loadBalancer: true\n"
                            "  runtime: {platform: ec2, cluster: c, networkMode: none}\n"),
    };
    run_all(cases, PK_ARRAY_LEN(cases));
}

static void fargate_size_names_the_way_out(void **state) {
    (void)state;
    struct fixture f;
    fx_begin(&f);
    fx_component(&f, "MicroService", "web", IMAGE "  runtime: {cpu: 256, memory: 3000}\n");
    fx_expand(&f);
    const struct pk_diag *d = fx_finding(&f, "ms.fargate-size");
    assert_non_null(d);
    assert_string_equal(d->detail, "memory for 256 CPU units: 512, 1024, 2048 MiB");
    assert_string_equal(d->help, "the smallest task that has both: cpu 512, memory 3072");
    assert_string_equal(d->address, "web/web");
    fx_end(&f);
}

static void task_definition_has_a_limit(void **state) {
    (void)state;
    struct fixture f;
    fx_begin(&f);
    char *spec = pk_calloc(1, 80000);
    strcpy(spec, IMAGE "  environment:\n    BIG: ");
    memset(spec + strlen(spec), 'x', 66000);
    fx_component(&f, "MicroService", "web", spec);
    free(spec);
    fx_expand(&f);
    assert_non_null(fx_finding(&f, "ms.taskdef-size"));
    fx_end(&f);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(image_and_platform),
        cmocka_unit_test(environment_and_files),
        cmocka_unit_test(health_checks),
        cmocka_unit_test(scaling),
        cmocka_unit_test(network_and_discovery),
        cmocka_unit_test(load_balancer),
        cmocka_unit_test(fargate_size_names_the_way_out),
        cmocka_unit_test(task_definition_has_a_limit),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
