/* ms_scaling.c - autoscaling of ECS services. */
#include "component/internal.h"
#include "component/lb.h"
#include "component/ms.h"

#include "base/hash.h"
#include "base/str.h"

#include <string.h>

#define DEFAULT_CPU_TARGET 70.0
#define DEFAULT_IN_COOLDOWN 300
#define DEFAULT_OUT_COOLDOWN 60
#define POLICY "AWS::ApplicationAutoScaling::ScalingPolicy"

bool pk_ms_is_autoscaled(const struct pk_component *c) {
    const json_t *enabled = pk_spec_get(c, "autoscaling.enabled");
    if (json_is_boolean(enabled))
        return json_is_true(enabled);
    return pk_spec_get(c, "autoscaling.minReplicas") || pk_spec_get(c, "autoscaling.maxReplicas");
}

static int64_t lowest(const struct pk_component *c) {
    return pk_spec_int(c, "autoscaling.minReplicas", pk_spec_int(c, "replicas", 1));
}

static int64_t highest(const struct pk_component *c) {
    return pk_spec_int(c, "autoscaling.maxReplicas", lowest(c));
}

int64_t pk_ms_desired_count(const struct pk_component *c) {
    int64_t replicas = pk_spec_int(c, "replicas", 1);
    if (!pk_ms_is_autoscaled(c))
        return replicas;
    int64_t low = lowest(c), high = highest(c);
    return replicas < low ? low : replicas > high ? high : replicas;
}

/* --- checks ----------------------------------------------------------------------------------- */

struct policy {
    struct pk_expansion *x;
    const struct pk_component *c;
    const json_t *spec;
    size_t i;
};

static const char *policy_path(const struct policy *p, const char *field) {
    return pk_arena_printf(p->x->arena, "autoscaling.policies[%zu].%s", p->i, field);
}

static void refuse(const struct policy *p, const char *field, const char *message,
                   const char *help) {
    struct pk_diag *d = pk_x_finding(p->x, p->c, PK_SEVERITY_ERROR, "ms.scaling-policy",
                                     policy_path(p, field), "%s", message);
    pk_diag_help(p->x->diags, d, "%s", help);
}

static bool is_number(const json_t *value) {
    return json_is_number(value);
}

static void check_steps(const struct policy *p) {
    const json_t *steps = json_object_get(p->spec, "steps");
    if (!is_number(json_object_get(p->spec, "threshold")))
        refuse(p, "threshold", "a step policy needs a threshold",
               "give the value of the metric that the steps are relative to");
    if (json_array_size(steps) == 0)
        refuse(p, "steps", "a step policy needs steps", "give at least one {lower, upper, change}");
    if (pk_json_int(p->spec, "period", 60) % 60 != 0)
        refuse(p, "period", "the period is no whole number of minutes", "give 60, 120, 300 …");
    for (size_t i = 0; i < json_array_size(steps); i++) {
        const json_t *step = json_array_get(steps, i);
        const json_t *lower = json_object_get(step, "lower"),
                     *upper = json_object_get(step, "upper");
        if (lower && upper && json_number_value(lower) >= json_number_value(upper))
            refuse(p, "steps", "the lower bound of a step is not below the upper one",
                   "bounds are relative to the threshold");
        else if (!lower && !upper)
            refuse(p, "steps", "a step has no bound", "give `lower`, `upper` or both");
    }
}

/* Steps below the threshold only are an alarm for falling values. */
static bool watches_low(const json_t *steps) {
    for (size_t i = 0; i < json_array_size(steps); i++) {
        const json_t *upper = json_object_get(json_array_get(steps, i), "upper");
        if (!upper || json_number_value(upper) > 0)
            return false;
    }
    return json_array_size(steps) > 0;
}

/* Each type of policy has fields of its own; the others would have no effect. */
static void check_fields(const struct policy *p, const char *type) {
    static const char tracking[] = "targetTracking", stepping[] = "step", timed[] = "schedule";
    static const struct {
        const char *field, *types[2];
    } rows[] = {
        {"metric", {tracking, stepping}},
        {"targetValue", {tracking}},
        {"disableScaleIn", {tracking}},
        {"scaleInCooldown", {tracking, stepping}},
        {"scaleOutCooldown", {tracking, stepping}},
        {"steps", {stepping}},
        {"threshold", {stepping}},
        {"period", {stepping}},
        {"schedule", {timed}},
        {"timezone", {timed}},
        {"min", {timed}},
        {"max", {timed}},
    };
    for (size_t i = 0; i < PK_ARRAY_LEN(rows); i++)
        if (!pk_streq(rows[i].types[0], type) && !pk_streq(rows[i].types[1], type) &&
            pk_spec_written(p->c, policy_path(p, rows[i].field)))
            refuse(p, rows[i].field,
                   pk_arena_printf(p->x->arena, "a policy of the type %s has no `%s`", type,
                                   rows[i].field),
                   "remove it");
}

static void check_schedule(const struct policy *p) {
    if (!json_object_get(p->spec, "schedule"))
        refuse(p, "schedule", "a schedule policy needs a schedule",
               "give cron(…), rate(…) or at(…)");
    const json_t *min = json_object_get(p->spec, "min"), *max = json_object_get(p->spec, "max");
    if (!min && !max)
        refuse(p, "min", "a schedule policy needs bounds", "give `min`, `max` or both");
    else if (min && max && json_integer_value(min) > json_integer_value(max))
        refuse(p, "min", "`min` is above `max`", "swap them");
}

static bool behind_alb(const struct pk_component *c) {
    return pk_lb_wanted(c) && !pk_lb_is_network(c);
}

static void check_metric(const struct policy *p) {
    const json_t *metric = json_object_get(p->spec, "metric");
    const char *word = json_string_value(metric);
    if (!metric) {
        refuse(p, "metric", "the policy needs a metric",
               "CPUUtilization, MemoryUtilization, RequestCountPerTarget, or {namespace, name, "
               "dimensions, statistic}");
    } else if (pk_streq(word, "QueueBacklogPerTask")) {
        struct pk_diag *d =
            pk_x_finding(p->x, p->c, PK_SEVERITY_ERROR, "ms.backlog-needs-insights",
                         policy_path(p, "metric"), "the number of running tasks is not measured");
        pk_diag_help(p->x->diags, d,
                     "QueueBacklogPerTask needs Container Insights, which this version leaves "
                     "off: use a metric of your own");
    } else if (pk_streq(word, "RequestCountPerTarget") && !behind_alb(p->c)) {
        refuse(p, "metric", "requests are counted by an application load balancer only",
               "set `loadBalancer: true`, or choose another metric");
    } else if (!word && (!json_is_string(json_object_get(metric, "namespace")) ||
                         !json_is_string(json_object_get(metric, "name")))) {
        refuse(p, "metric", "the metric is not complete",
               "give {namespace, name, dimensions, statistic}");
    }
}

static void check_policy(const struct policy *p) {
    const char *type = pk_json_str(p->spec, "type", "targetTracking");
    check_fields(p, type);
    if (strcmp(type, "schedule") == 0) {
        check_schedule(p);
        return;
    }
    check_metric(p);
    const json_t *target = json_object_get(p->spec, "targetValue");
    if (strcmp(type, "step") == 0)
        check_steps(p);
    else if (!is_number(target) || json_number_value(target) <= 0)
        refuse(p, "targetValue", "the policy needs a target above 0",
               "give the value of the metric to hold");
}

static bool has_any_setting(const struct pk_component *c) {
    return pk_spec_get(c, "autoscaling.targetCPUUtilization") ||
           pk_spec_get(c, "autoscaling.targetMemoryUtilization") ||
           pk_spec_get(c, "autoscaling.targetRequestsPerTarget") ||
           json_array_size(pk_spec_get(c, "autoscaling.policies")) > 0;
}

static void check_range(struct pk_expansion *x, const struct pk_component *c) {
    struct pk_diag *d;
    if (!pk_spec_get(c, "autoscaling.maxReplicas")) {
        d = pk_x_finding(x, c, PK_SEVERITY_ERROR, "ms.scaling-range", "autoscaling",
                         "autoscaling needs an upper bound");
        pk_diag_help(x->diags, d, "set `autoscaling.maxReplicas`");
    } else if (lowest(c) > highest(c)) {
        d = pk_x_finding(x, c, PK_SEVERITY_ERROR, "ms.scaling-range", "autoscaling.maxReplicas",
                         "the upper bound is below the lower one");
        pk_diag_help(x->diags, d, "the lower bound is %lld (`minReplicas`, else `replicas`)",
                     (long long)lowest(c));
    }
}

void pk_ms_scaling_check(struct pk_expansion *x, const struct pk_component *c) {
    struct pk_diag *d;
    if (!pk_ms_is_autoscaled(c)) {
        if (has_any_setting(c) && !json_is_false(pk_spec_get(c, "autoscaling.enabled"))) {
            d = pk_x_finding(x, c, PK_SEVERITY_ERROR, "ms.scaling-range", "autoscaling",
                             "autoscaling needs an upper bound");
            pk_diag_help(x->diags, d, "set `autoscaling.maxReplicas`");
        }
        return;
    }
    check_range(x, c);
    if (pk_spec_get(c, "autoscaling.targetRequestsPerTarget") && !behind_alb(c)) {
        d = pk_x_finding(x, c, PK_SEVERITY_ERROR, "ms.scaling-policy",
                         "autoscaling.targetRequestsPerTarget",
                         "requests are counted by an application load balancer only");
        pk_diag_help(x->diags, d, "set `loadBalancer: true`, or remove the target");
    }
    const json_t *policies = pk_spec_get(c, "autoscaling.policies");
    for (size_t i = 0; i < json_array_size(policies); i++) {
        struct policy p = {x, c, json_array_get(policies, i), i};
        check_policy(&p);
    }
}

/* --- nodes ------------------------------------------------------------------------------------ */

static const char *resource_id(struct pk_expansion *x, const struct pk_component *c) {
    return pk_arena_printf(x->arena, "service/%s/%s", pk_ms_cluster_name(x, c),
                           pk_x_name_of(x, c, NULL, "AWS::ECS::Service"));
}

static void set_target(struct pk_expansion *x, const struct pk_component *c,
                       struct pk_resource *r) {
    pk_resource_set(x->graph, r, "ResourceId", pk_json_text(resource_id(x, c)), c->span);
    pk_resource_set(x->graph, r, "ScalableDimension", json_string("ecs:service:DesiredCount"),
                    c->span);
    pk_resource_set(x->graph, r, "ServiceNamespace", json_string("ecs"), c->span);
}

static json_t *scheduled_action(const struct policy *p) {
    json_t *bounds = json_object();
    pk_x_set(bounds, "MinCapacity", json_incref(json_object_get(p->spec, "min")));
    pk_x_set(bounds, "MaxCapacity", json_incref(json_object_get(p->spec, "max")));
    json_t *action = json_pack(
        "{s:o, s:s, s:o}", "ScheduledActionName", pk_json_textf("%s-%zu", p->c->name, p->i + 1),
        "Schedule", pk_json_str(p->spec, "schedule", ""), "ScalableTargetAction", bounds);
    const char *zone = pk_json_str(p->spec, "timezone", NULL);
    if (zone)
        json_object_set_new(action, "Timezone", pk_json_text(zone));
    return action;
}

static struct pk_resource *target(struct pk_expansion *x, const struct pk_component *c,
                                  struct pk_resource *service) {
    struct pk_resource *r =
        pk_x_node(x, c, "scaling-target", "AWS::ApplicationAutoScaling::ScalableTarget");
    const json_t *policies = pk_spec_get(c, "autoscaling.policies");
    json_t *actions = json_array();
    for (size_t i = 0; i < json_array_size(policies); i++) {
        struct policy p = {x, c, json_array_get(policies, i), i};
        if (strcmp(pk_json_str(p.spec, "type", ""), "schedule") == 0)
            json_array_append_new(actions, scheduled_action(&p));
    }
    set_target(x, c, r);
    pk_resource_set(x->graph, r, "MinCapacity", json_integer(lowest(c)),
                    pk_spec_span(c, "autoscaling.minReplicas"));
    pk_resource_set(x->graph, r, "MaxCapacity", json_integer(highest(c)),
                    pk_spec_span(c, "autoscaling.maxReplicas"));
    if (json_array_size(actions) > 0)
        pk_resource_set(x->graph, r, "ScheduledActions", actions,
                        pk_spec_span(c, "autoscaling.policies"));
    else
        json_decref(actions);
    pk_x_needs(x, r, service, "service");
    return r;
}

static struct pk_resource *policy_node(struct pk_expansion *x, const struct pk_component *c,
                                       struct pk_resource *on, const char *what, const char *type) {
    const char *sub = pk_arena_printf(x->arena, "scaling-%s", what);
    for (int n = 2; pk_graph_find(x->graph, pk_x_key(x, c, sub)); n++)
        sub = pk_arena_printf(x->arena, "scaling-%s-%d", what, n);
    struct pk_resource *r = pk_x_node(x, c, sub, POLICY);
    set_target(x, c, r);
    pk_resource_set(x->graph, r, "PolicyType", json_string(type), r->span);
    pk_x_needs(x, r, on, "scaling target");
    return r;
}

/* RequestCountPerTarget is measured per load balancer and target group. */
static json_t *predefined(struct pk_expansion *x, const struct pk_component *c,
                          const char *metric) {
    json_t *spec = json_pack("{s:s}", "PredefinedMetricType", metric);
    if (strcmp(metric, "ALBRequestCountPerTarget") == 0)
        json_object_set_new(
            spec, "ResourceLabel",
            json_pack("{s:[o, s, o]}", "$join",
                      pk_token_ref(pk_lb_key(x, c), "LoadBalancerFullName"), "/",
                      pk_token_ref(pk_x_key(x, c, "target-group"), "TargetGroupFullName")));
    return spec;
}

/* {name: value} or [{name, value}] -> [{Name, Value}] */
static json_t *dimensions(const json_t *written) {
    json_t *list = json_array();
    const char *key;
    json_t *value, *walk = (json_t *)(uintptr_t)written; /* only read */
    if (json_is_object(walk))
        json_object_foreach(walk, key, value)
            json_array_append_new(list, json_pack("{s:s, s:O}", "Name", key, "Value", value));
    for (size_t i = 0; i < json_array_size(walk); i++)
        json_array_append_new(
            list, json_pack("{s:s, s:s}", "Name", pk_json_str(json_array_get(walk, i), "name", ""),
                            "Value", pk_json_str(json_array_get(walk, i), "value", "")));
    if (json_array_size(list) > 0)
        return list;
    json_decref(list);
    return NULL;
}

static json_t *customized(const json_t *metric) {
    json_t *spec = json_pack("{s:s, s:s, s:s}", "Namespace", pk_json_str(metric, "namespace", ""),
                             "MetricName", pk_json_str(metric, "name", ""), "Statistic",
                             pk_json_str(metric, "statistic", "Average"));
    pk_x_set(spec, "Dimensions", dimensions(json_object_get(metric, "dimensions")));
    return spec;
}

static const char *predefined_type(const char *metric) {
    if (pk_streq(metric, "CPUUtilization"))
        return "ECSServiceAverageCPUUtilization";
    if (pk_streq(metric, "MemoryUtilization"))
        return "ECSServiceAverageMemoryUtilization";
    return pk_streq(metric, "RequestCountPerTarget") ? "ALBRequestCountPerTarget" : NULL;
}

static void track(struct pk_expansion *x, const struct pk_component *c, struct pk_resource *on,
                  const char *what, const json_t *metric, const json_t *goal, const json_t *spec,
                  const char *path) {
    struct pk_resource *r = policy_node(x, c, on, what, "TargetTrackingScaling");
    const char *type = predefined_type(json_string_value(metric));
    json_t *config = json_object();
    if (type)
        json_object_set_new(config, "PredefinedMetricSpecification", predefined(x, c, type));
    else
        json_object_set_new(config, "CustomizedMetricSpecification", customized(metric));
    json_object_set_new(config, "TargetValue", json_deep_copy(goal));
    json_object_set_new(config, "DisableScaleIn",
                        json_boolean(pk_json_bool(spec, "disableScaleIn", false)));
    json_object_set_new(config, "ScaleInCooldown",
                        json_integer(pk_json_int(spec, "scaleInCooldown", DEFAULT_IN_COOLDOWN)));
    json_object_set_new(config, "ScaleOutCooldown",
                        json_integer(pk_json_int(spec, "scaleOutCooldown", DEFAULT_OUT_COOLDOWN)));
    pk_resource_set(x->graph, r, "TargetTrackingScalingPolicyConfiguration", config,
                    pk_spec_span(c, path));
}

/* --- step policies ---------------------------------------------------------------------------- */

static json_t *adjustments(const json_t *steps) {
    json_t *list = json_array();
    for (size_t i = 0; i < json_array_size(steps); i++) {
        const json_t *step = json_array_get(steps, i);
        json_t *entry =
            json_pack("{s:I}", "ScalingAdjustment", (json_int_t)pk_json_int(step, "change", 0));
        pk_x_set(entry, "MetricIntervalLowerBound", json_incref(json_object_get(step, "lower")));
        pk_x_set(entry, "MetricIntervalUpperBound", json_incref(json_object_get(step, "upper")));
        json_array_append_new(list, entry);
    }
    return list;
}

static json_t *service_dimensions(struct pk_expansion *x, const struct pk_component *c) {
    return json_pack("[{s:s, s:s}, {s:s, s:s}]", "Name", "ClusterName", "Value",
                     pk_ms_cluster_name(x, c), "Name", "ServiceName", "Value",
                     pk_x_name_of(x, c, NULL, "AWS::ECS::Service"));
}

static void set_metric(const struct policy *p, struct pk_resource *alarm) {
    const json_t *metric = json_object_get(p->spec, "metric");
    const char *word = json_string_value(metric), *where = policy_path(p, "metric");
    struct pk_span span = pk_spec_span(p->c, where);
    json_t *list;
    const char *space = "AWS/ECS", *name = word, *statistic = "Average";
    if (pk_streq(word, "RequestCountPerTarget")) {
        space = "AWS/ApplicationELB";
        statistic = "Sum";
        list = json_pack("[{s:s, s:o}, {s:s, s:o}]", "Name", "LoadBalancer", "Value",
                         pk_token_ref(pk_lb_key(p->x, p->c), "LoadBalancerFullName"), "Name",
                         "TargetGroup", "Value",
                         pk_token_ref(pk_x_key(p->x, p->c, "target-group"), "TargetGroupFullName"));
    } else if (word) {
        list = service_dimensions(p->x, p->c);
    } else {
        space = pk_json_str(metric, "namespace", "");
        name = pk_json_str(metric, "name", "");
        statistic = pk_json_str(metric, "statistic", "Average");
        list = dimensions(json_object_get(metric, "dimensions"));
    }
    pk_resource_set(p->x->graph, alarm, "Namespace", pk_json_text(space), span);
    pk_resource_set(p->x->graph, alarm, "MetricName", pk_json_text(name), span);
    pk_resource_set(p->x->graph, alarm, "Statistic", pk_json_text(statistic), span);
    pk_resource_set(p->x->graph, alarm, "Dimensions", list, span);
}

static void step(const struct policy *p, struct pk_resource *on, const char *what) {
    const json_t *steps = json_object_get(p->spec, "steps");
    struct pk_expansion *x = p->x;
    struct pk_resource *r = policy_node(x, p->c, on, what, "StepScaling");
    int64_t rest = watches_low(steps)
                       ? pk_json_int(p->spec, "scaleInCooldown", DEFAULT_IN_COOLDOWN)
                       : pk_json_int(p->spec, "scaleOutCooldown", DEFAULT_OUT_COOLDOWN);
    json_t *config = json_pack("{s:s, s:s, s:I, s:o}", "AdjustmentType", "ChangeInCapacity",
                               "MetricAggregationType", "Average", "Cooldown", (json_int_t)rest,
                               "StepAdjustments", adjustments(steps));
    pk_resource_set(x->graph, r, "StepScalingPolicyConfiguration", config,
                    pk_spec_span(p->c, policy_path(p, "steps")));
    struct pk_resource *alarm =
        pk_x_node(x, p->c, pk_arena_printf(x->arena, "%s-alarm", r->sub), "AWS::CloudWatch::Alarm");
    set_metric(p, alarm);
    struct pk_span span = pk_spec_span(p->c, policy_path(p, "threshold"));
    pk_resource_set(x->graph, alarm, "ComparisonOperator",
                    json_string(watches_low(steps) ? "LessThanOrEqualToThreshold"
                                                   : "GreaterThanOrEqualToThreshold"),
                    span);
    pk_resource_set(x->graph, alarm, "Threshold",
                    json_deep_copy(json_object_get(p->spec, "threshold")), span);
    pk_resource_set(x->graph, alarm, "Period", json_integer(pk_json_int(p->spec, "period", 60)),
                    pk_spec_span(p->c, policy_path(p, "period")));
    pk_resource_set(x->graph, alarm, "EvaluationPeriods", json_integer(1), span);
    pk_resource_set(x->graph, alarm, "AlarmActions", json_pack("[o]", pk_token_ref(r->key, "Arn")),
                    span);
}

/* --- the whole -------------------------------------------------------------------------------- */

/* "cpu", "memory", "requests", or the metric's own name as part of a key. */
static const char *short_metric(struct pk_expansion *x, const json_t *metric) {
    const char *word = json_string_value(metric);
    if (pk_streq(word, "CPUUtilization"))
        return "cpu";
    if (pk_streq(word, "MemoryUtilization"))
        return "memory";
    if (pk_streq(word, "RequestCountPerTarget"))
        return "requests";
    char *text = pk_arena_strdup(x->arena, pk_json_str(metric, "name", "metric"));
    for (char *p = text; *p; p++) {
        if (*p >= 'A' && *p <= 'Z')
            *p = (char)(*p - 'A' + 'a');
        else if (!(*p >= 'a' && *p <= 'z') && !(*p >= '0' && *p <= '9'))
            *p = '-';
    }
    return text;
}

static size_t plain_targets(struct pk_expansion *x, const struct pk_component *c,
                            struct pk_resource *on) {
    static const char *const targets[][3] = {
        {"autoscaling.targetCPUUtilization", "CPUUtilization", "cpu"},
        {"autoscaling.targetMemoryUtilization", "MemoryUtilization", "memory"},
        {"autoscaling.targetRequestsPerTarget", "RequestCountPerTarget", "requests"},
    };
    size_t n = 0;
    for (size_t i = 0; i < PK_ARRAY_LEN(targets); i++) {
        const json_t *goal = pk_spec_get(c, targets[i][0]);
        if (!goal || (i == 2 && !pk_lb_key(x, c)))
            continue;
        json_t *metric = json_string(targets[i][1]);
        track(x, c, on, targets[i][2], metric, goal, NULL, targets[i][0]);
        json_decref(metric);
        n++;
    }
    return n;
}

static void add_policy(const struct policy *p, struct pk_resource *on) {
    const char *type = pk_json_str(p->spec, "type", "targetTracking");
    const json_t *metric = json_object_get(p->spec, "metric");
    const json_t *goal = json_object_get(p->spec, "targetValue");
    const char *word = json_string_value(metric);
    bool usable = json_is_object(metric) || predefined_type(word);
    if (pk_streq(word, "RequestCountPerTarget") && !pk_lb_key(p->x, p->c))
        usable = false; /* refused by the checks */
    if (!usable)
        return;
    if (strcmp(type, "step") == 0)
        step(p, on, short_metric(p->x, metric));
    else if (strcmp(type, "targetTracking") == 0 && goal)
        track(p->x, p->c, on, short_metric(p->x, metric), metric, goal, p->spec,
              policy_path(p, "targetValue"));
}

void pk_ms_scaling(struct pk_expansion *x, const struct pk_component *c,
                   struct pk_resource *service) {
    if (!pk_ms_is_autoscaled(c))
        return;
    struct pk_resource *on = target(x, c, service);
    const json_t *policies = pk_spec_get(c, "autoscaling.policies");
    size_t n = plain_targets(x, c, on);
    for (size_t i = 0; i < json_array_size(policies); i++) {
        struct policy p = {x, c, json_array_get(policies, i), i};
        add_policy(&p, on);
    }
    if (n > 0 || json_array_size(policies) > 0)
        return;
    json_t *metric = json_string("CPUUtilization"), *goal = json_real(DEFAULT_CPU_TARGET);
    track(x, c, on, "cpu", metric, goal, NULL, "autoscaling");
    json_decref(metric);
    json_decref(goal);
}
