/* test_scaling.c - autoscaling of services. */
#include "fixture.h"

#define IMAGE "  image: {repository: nginx, tag: \"1.27\"}\n"
#define CONFIG "TargetTrackingScalingPolicyConfiguration"

static void run(struct fixture *f, const char *spec) {
    fx_begin(f);
    fx_component(f, "MicroService", "web", spec);
    fx_expand(f);
    fx_assert_clean(f, "lb.no-tls");
}

static void bounds_alone_hold_the_cpu(void **state) {
    (void)state;
    struct fixture f;
    run(&f, IMAGE "  replicas: 9\n  autoscaling: {minReplicas: 2, maxReplicas: 6}\n");
    assert_property(&f, "web", "DesiredCount", "6"); /* replicas within the bounds */
    assert_property(&f, "web:scaling-target", "MinCapacity", "2");
    assert_property(&f, "web:scaling-target", "MaxCapacity", "6");
    assert_property(&f, "web:scaling-target", "ResourceId",
                    "\"service/shop-test-cluster/shop-test-web\"");
    assert_property(&f, "web:scaling-target", "ScalableDimension", "\"ecs:service:DesiredCount\"");
    assert_property(&f, "web:scaling-target", "ServiceNamespace", "\"ecs\"");
    assert_no_property(&f, "web:scaling-target", "ScheduledActions");
    assert_property(&f, "web:scaling-cpu", "PolicyType", "\"TargetTrackingScaling\"");
    assert_property(&f, "web:scaling-cpu", "PolicyName", "\"shop-test-web-scaling-cpu\"");
    assert_property(&f, "web:scaling-cpu", CONFIG,
                    "{\"DisableScaleIn\":false,\"PredefinedMetricSpecification\":{"
                    "\"PredefinedMetricType\":\"ECSServiceAverageCPUUtilization\"},"
                    "\"ScaleInCooldown\":300,\"ScaleOutCooldown\":60,\"TargetValue\":70}");
    assert_non_null(fx_edge(&f, "web:scaling-target", "web"));
    assert_non_null(fx_edge(&f, "web:scaling-cpu", "web:scaling-target"));
    assert_int_equal(json_object_size(fx_node(&f, "web:scaling-cpu")->tags), 0);
    fx_end(&f);
}

static void replicas_are_the_lower_bound(void **state) {
    (void)state;
    struct fixture f;
    run(&f, IMAGE "  replicas: 3\n  autoscaling: {maxReplicas: 6}\n");
    assert_property(&f, "web:scaling-target", "MinCapacity", "3");
    assert_property(&f, "web", "DesiredCount", "3");
    fx_end(&f);
}

static void targets(void **state) {
    (void)state;
    struct fixture f;
    run(&f, IMAGE "  ports: [{name: http, port: 80}]\n  loadBalancer: true\n"
                  "  autoscaling: {maxReplicas: 6, targetCPUPercent: 55.5,\n"
                  "    targetMemoryUtilization: 60, targetRequestsPerTarget: 100}\n");
    assert_property(&f, "web:scaling-cpu", CONFIG ".TargetValue", "55.5");
    assert_property(&f, "web:scaling-memory", CONFIG ".TargetValue", "60");
    assert_property(
        &f, "web:scaling-requests", CONFIG ".PredefinedMetricSpecification",
        "{\"PredefinedMetricType\":\"ALBRequestCountPerTarget\",\"ResourceLabel\":{\"$join\":[{"
        "\"$ref\":\"_stack:alb\",\"attr\":\"LoadBalancerFullName\"},\"/\",{\"$ref\":\"web:target-"
        "group\",\"attr\":\"TargetGroupFullName\"}]}}");
    fx_end(&f);
}

static void own_metrics(void **state) {
    (void)state;
    struct fixture f;
    run(&f, IMAGE "  autoscaling:\n    maxReplicas: 4\n    policies:\n"
                  "      - metric: {namespace: My/App, name: QueueDepth,\n"
                  "          dimensions: {queue: a}, statistic: Maximum}\n"
                  "        targetValue: 10\n        disableScaleIn: true\n"
                  "        scaleInCooldown: 10m\n        scaleOutCooldown: 0\n"
                  "      - metric: {namespace: My/App, name: QueueDepth}\n"
                  "        targetValue: 20\n");
    assert_property(&f, "web:scaling-queuedepth", CONFIG,
                    "{\"CustomizedMetricSpecification\":{\"Dimensions\":[{\"Name\":\"queue\","
                    "\"Value\":\"a\"}],\"MetricName\":\"QueueDepth\",\"Namespace\":\"My/App\","
                    "\"Statistic\":\"Maximum\"},\"DisableScaleIn\":true,\"ScaleInCooldown\":600,"
                    "\"ScaleOutCooldown\":0,\"TargetValue\":10}");
    assert_property(&f, "web:scaling-queuedepth-2",
                    CONFIG ".CustomizedMetricSpecification.Statistic", "\"Average\"");
    assert_null(pk_graph_find(f.graph, "web:scaling-cpu"));
    fx_end(&f);
}

static void steps(void **state) {
    (void)state;
    struct fixture f;
    run(&f,
        IMAGE "  autoscaling:\n    maxReplicas: 4\n    policies:\n"
              "      - {type: step, metric: CPUUtilization, threshold: 80, period: 2m, steps: [\n"
              "          {lower: 0, upper: 10, change: 1}, {lower: 10, change: 2}]}\n"
              "      - {type: step, metric: MemoryUtilization, threshold: 20, steps: [\n"
              "          {upper: 0, change: -1}]}\n");
    assert_property(&f, "web:scaling-cpu", "PolicyType", "\"StepScaling\"");
    assert_property(
        &f, "web:scaling-cpu", "StepScalingPolicyConfiguration",
        "{\"AdjustmentType\":\"ChangeInCapacity\",\"Cooldown\":60,\"MetricAggregationType\":"
        "\"Average\",\"StepAdjustments\":[{\"MetricIntervalLowerBound\":0,"
        "\"MetricIntervalUpperBound\":10,\"ScalingAdjustment\":1},{\"MetricIntervalLowerBound\":10,"
        "\"ScalingAdjustment\":2}]}");
    const char *alarm = "web:scaling-cpu-alarm";
    assert_property(&f, alarm, "ComparisonOperator", "\"GreaterThanOrEqualToThreshold\"");
    assert_property(&f, alarm, "Threshold", "80");
    assert_property(&f, alarm, "Period", "120");
    assert_property(&f, alarm, "Namespace", "\"AWS/ECS\"");
    assert_property(&f, alarm, "Dimensions",
                    "[{\"Name\":\"ClusterName\",\"Value\":\"shop-test-cluster\"},{\"Name\":"
                    "\"ServiceName\",\"Value\":\"shop-test-web\"}]");
    assert_property(&f, alarm, "AlarmActions", "[{\"$ref\":\"web:scaling-cpu\",\"attr\":\"Arn\"}]");
    assert_property(&f, "web:scaling-memory-alarm", "ComparisonOperator",
                    "\"LessThanOrEqualToThreshold\"");
    fx_end(&f);
}

static void schedules(void **state) {
    (void)state;
    struct fixture f;
    run(&f, IMAGE "  autoscaling:\n    maxReplicas: 4\n    targetCPUPercent: 50\n    policies:\n"
                  "      - {type: schedule, schedule: \"cron(0 8 * * ? *)\", timezone: "
                  "Europe/Berlin, min: 3}\n");
    assert_property(&f, "web:scaling-target", "ScheduledActions",
                    "[{\"ScalableTargetAction\":{\"MinCapacity\":3},\"Schedule\":\"cron(0 8 * * ? "
                    "*)\",\"ScheduledActionName\":\"web-1\",\"Timezone\":\"Europe/Berlin\"}]");
    fx_end(&f);
}

static void off_means_off(void **state) {
    (void)state;
    struct fixture f;
    run(&f, IMAGE "  replicas: 5\n  autoscaling: {enabled: false, maxReplicas: 3}\n");
    assert_null(pk_graph_find(f.graph, "web:scaling-target"));
    assert_property(&f, "web", "DesiredCount", "5");
    fx_end(&f);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(bounds_alone_hold_the_cpu),
        cmocka_unit_test(replicas_are_the_lower_bound),
        cmocka_unit_test(targets),
        cmocka_unit_test(own_metrics),
        cmocka_unit_test(steps),
        cmocka_unit_test(schedules),
        cmocka_unit_test(off_means_off),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
