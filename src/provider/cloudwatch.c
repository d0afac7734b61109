/* cloudwatch.c - AWS::CloudWatch::Alarm. */
#include "provider/types.h"

// clang-format off

/* PutMetricAlarm replaces the whole alarm: every row is in one full group. */
static const struct pk_prop alarm_props[] = {
    {"AlarmName", .traits = PK_CREATE_ONLY},
    {"AlarmDescription", .update = 1},
    {"ActionsEnabled", .update = 1},
    {"AlarmActions", .update = 1, .traits = PK_SET},
    {"OKActions", .update = 1, .traits = PK_SET},
    {"InsufficientDataActions", .update = 1, .traits = PK_SET},
    {"ComparisonOperator", .update = 1},
    {"DatapointsToAlarm", .update = 1},
    {"Dimensions", .update = 1, .traits = PK_SET},
    {"EvaluateLowSampleCountPercentile", .update = 1},
    {"EvaluationPeriods", .update = 1},
    {"ExtendedStatistic", .update = 1},
    {"MetricName", .update = 1},
    {"Metrics", .update = 1},
    {"Namespace", .update = 1},
    {"Period", .update = 1},
    {"Statistic", .update = 1},
    {"Threshold", .update = 1},
    {"ThresholdMetricId", .update = 1},
    {"TreatMissingData", .update = 1},
    {"Unit", .update = 1},
};

static const struct pk_update alarm_updates[] = {
    {.operation = "PutMetricAlarm", .params = PK_PARAMS({"AlarmName", "{id}"}),
     .flags = PK_UPDATE_FULL},
};

static const struct pk_reader alarm_readers[] = {
    {.call = {"DescribeAlarms", NULL, PK_PARAMS({"AlarmTypes[]", "MetricAlarm"})}, .paged = true,
     .list = "MetricAlarms", .match = "{out.AlarmName}", .batch = 100,
     .batch_param = "AlarmNames"},
    {.call = {"ListTagsForResource", NULL, PK_PARAMS({"ResourceARN", "{out.AlarmArn}"})},
     .item = "Tags", .into = "Tags", .absent = "ResourceNotFound*"},
};

static const struct pk_attribute alarm_attributes[] = {{"Arn", "AlarmArn"}, {NULL, NULL}};

const struct pk_type pk_type_cloudwatch_alarm = {
    .type = "AWS::CloudWatch::Alarm", .service = "cloudwatch",
    .props = alarm_props, .n_props = PK_ARRAY_LEN(alarm_props),
    .name_prop = "AlarmName",
    .typical_create_ms = 2000, .typical_delete_ms = 2000,
    .create = {.operation = "PutMetricAlarm"}, .id = "{name}",
    .updates = alarm_updates, .n_updates = PK_ARRAY_LEN(alarm_updates),
    .remove = {"DeleteAlarms", NULL, PK_PARAMS({"AlarmNames[]", "{id}"})},
    .readers = alarm_readers, .n_readers = PK_ARRAY_LEN(alarm_readers),
    .tags = {.shape = PK_TAGS_LIST, .create = "Tags", .read = "Tags",
             .tag = {"TagResource", NULL, PK_PARAMS({"ResourceARN", "{attr.Arn}"})},
             .tag_member = "Tags",
             .untag = {"UntagResource", NULL, PK_PARAMS({"ResourceARN", "{attr.Arn}"})},
             .untag_member = "TagKeys"},
    .errors = {.gone = "ResourceNotFound"},
    .attributes = alarm_attributes,
    /* An alarm of that name would be overwritten without a word. */
    .recovery = PK_RECOVER_NAME, .find_id = "{name}", .check_first = true,
};
// clang-format on
