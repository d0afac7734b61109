/* lambda_trigger_check.c - rules of triggers that AWS would refuse later. */
#include "component/check.h"
#include "component/internal.h"
#include "component/lambda.h"

#include "base/str.h"

#include <string.h>

struct trigger {
    struct pk_expansion *x;
    const struct pk_component *c;
    size_t i;
    const char *type;
};

static const char *path_of(const struct trigger *t, const char *field) {
    return pk_trigger_path(t->x, t->i, field);
}

static bool has(const struct trigger *t, const char *field) {
    return pk_spec_written(t->c, path_of(t, field));
}

/* `word` is one of the words in "a|b|c". */
static bool among(const char *list, const char *word) {
    struct pk_str rest = pk_str(list), part;
    while (pk_str_cut(&rest, '|', &part))
        if (pk_str_eqz(part, word))
            return true;
    return false;
}

static bool is(const struct trigger *t, const char *types) {
    return among(types, t->type);
}

static void refuse(const struct trigger *t, const char *id, const char *field, const char *help,
                   const char *message) {
    pk_x_refuse(t->x, t->c, id, path_of(t, field), help, "%s", message);
}

/* --- fields and their types ------------------------------------------------------------------- */

static void check_fields(const struct trigger *t) {
    static const struct {
        const char *field, *types;
    } rows[] = {
        {"source.component", "sqs|dynamodb|sns"},
        {"source.arn", "sqs|dynamodb|kinesis|msk|kafka|sns"},
        {"batchSize", "sqs|dynamodb|kinesis|msk|kafka"},
        {"batchWindow", "sqs|dynamodb|kinesis|msk|kafka"},
        {"filter", "sqs|dynamodb|kinesis|msk|kafka"},
        {"maxConcurrency", "sqs"},
        {"reportBatchItemFailures", "sqs|dynamodb|kinesis"},
        {"startingPosition", "dynamodb|kinesis|msk|kafka"},
        {"startingTimestamp", "kinesis"},
        {"parallelization", "dynamodb|kinesis"},
        {"bisectOnError", "dynamodb|kinesis"},
        {"maxRetries", "dynamodb|kinesis"},
        {"maxRecordAge", "dynamodb|kinesis"},
        {"onFailure", "dynamodb|kinesis|msk|kafka"},
        {"topics", "msk|kafka"},
        {"consumerGroup", "msk|kafka"},
        {"schedule", "eventbridge|schedule"},
        {"pattern", "eventbridge"},
        {"bus", "eventbridge"},
        {"input", "eventbridge|schedule"},
        {"description", "eventbridge|schedule"},
        {"filterPolicy", "sns"},
        {"filterPolicyScope", "sns"},
        {"s3", "s3"},
        {"http", "apigateway"},
        {"authorizer", "apigateway"},
    };
    for (size_t i = 0; i < PK_ARRAY_LEN(rows); i++) {
        if (is(t, rows[i].types) || !has(t, rows[i].field))
            continue;
        bool api = is(t, "apigateway") && pk_starts_with(rows[i].field, "source.");
        bool brokers = is(t, "msk|kafka") && strcmp(rows[i].field, "source.component") == 0;
        if (api || brokers)
            pk_x_refuse(t->x, t->c, "lambda.trigger-source", path_of(t, rows[i].field),
                        api ? "leave `source` out: the route is added to the stack's HTTP API"
                            : "give `source.arn`, the ARN of the cluster",
                        "this version has no components of kind %s",
                        api ? "APIGateway" : "MSK and Kafka");
        else
            pk_x_refuse(t->x, t->c, "lambda.trigger-field", path_of(t, rows[i].field),
                        pk_arena_printf(t->x->arena, "it belongs to: %s", rows[i].types),
                        "a trigger of type %s has no `%s`", t->type, rows[i].field);
    }
}

/* --- sources ---------------------------------------------------------------------------------- */

static bool fits(const struct trigger *t, const char *arn) {
    const char *service = is(t, "msk|kafka") ? "kafka" : t->type;
    return strstr(arn, pk_arena_printf(t->x->arena, ":%s:", service)) != NULL;
}

static void check_source(const struct trigger *t) {
    const char *kind = is(t, "sqs") ? "SQS" : is(t, "dynamodb") ? "DynamoDB" : "SNS";
    const char *arn = pk_spec_str(t->c, path_of(t, "source.arn"));
    bool by_arn = has(t, "source.arn"), by_component = has(t, "source.component");
    if (!is(t, "sqs|dynamodb|kinesis|msk|kafka|sns"))
        return;
    if (by_arn == by_component) {
        refuse(t, "lambda.trigger-source", by_arn ? "source.arn" : "type",
               is(t, "sqs|dynamodb|sns")
                   ? "set `source.component`, or `source.arn` for one outside of the stack"
                   : "set `source.arn`",
               by_arn ? "the trigger has two sources" : "the trigger has no source");
        return;
    }
    if (arn && !fits(t, arn))
        pk_x_refuse(t->x, t->c, "lambda.trigger-source", path_of(t, "source.arn"),
                    is(t, "dynamodb") ? "give the ARN of the stream"
                                      : "the type of the trigger follows its source",
                    "this is no ARN for a trigger of type %s", t->type);
    if (by_component && is(t, "sqs|dynamodb|sns"))
        pk_x_ref_of_kind(t->x, t->c, path_of(t, "source.component"), kind, "lambda.trigger-source",
                         "the type of the trigger follows its source");
}

/* AWS refuses a mapping whose messages come back while the function still runs. */
static void check_queue(const struct trigger *t) {
    const struct pk_component *queue = pk_trigger_source(t->x, t->c, t->i);
    if (!is(t, "sqs") || !queue || strcmp(queue->kind, "SQS") != 0)
        return;
    long long visible = (long long)pk_spec_int(queue, "visibilityTimeout", 30);
    long long timeout = (long long)pk_spec_int(t->c, "timeout", 30);
    const char *path = path_of(t, "source.component");
    struct pk_diag *d = NULL;
    if (visible < timeout)
        d = pk_x_finding(t->x, t->c, PK_SEVERITY_ERROR, "lambda.visibility", path,
                         "queue %s shows a message again after %lld s, the function may run %lld s",
                         queue->name, visible, timeout);
    else if (visible < 6 * timeout)
        d = pk_x_finding(t->x, t->c, PK_SEVERITY_WARNING, "lambda.visibility", path,
                         "queue %s shows a message again after %lld s, which leaves little room "
                         "for retries of a function that may run %lld s",
                         queue->name, visible, timeout);
    if (d) {
        pk_diag_related(t->x->diags, d, pk_spec_span(queue, "visibilityTimeout"),
                        "the visibility timeout of the queue");
        pk_diag_help(t->x->diags, d, "set `visibilityTimeout: %lld` in %s", 6 * timeout,
                     queue->name);
    }
}

static bool reads_fifo(const struct trigger *t) {
    const struct pk_component *queue = pk_trigger_source(t->x, t->c, t->i);
    const char *arn = pk_spec_str(t->c, path_of(t, "source.arn"));
    return is(t, "sqs") && ((queue && pk_streq(pk_spec_str(queue, "type"), "fifo")) ||
                            (arn && pk_ends_with(arn, ".fifo")));
}

static void check_batch(const struct trigger *t) {
    int64_t size = pk_spec_int(t->c, path_of(t, "batchSize"), 0);
    int64_t window = pk_spec_int(t->c, path_of(t, "batchWindow"), 0);
    if (reads_fifo(t)) {
        if (size > 10)
            refuse(t, "lambda.batch-size", "batchSize", "set at most 10",
                   "a fifo queue gives batches of at most 10");
        if (window > 0)
            refuse(t, "lambda.batch-size", "batchWindow", "remove it",
                   "batches of a fifo queue have no window");
    } else if (is(t, "sqs") && size > 10 && window < 1) {
        refuse(t, "lambda.batch-size", "batchSize", "set `batchWindow: 1` or more",
               "batches of more than 10 messages need a window in which they fill");
    }
}

static void check_stream(const struct trigger *t) {
    const struct pk_component *table = pk_trigger_source(t->x, t->c, t->i);
    bool at_time = pk_streq(pk_spec_str(t->c, path_of(t, "startingPosition")), "AT_TIMESTAMP");
    if (is(t, "dynamodb") && table && strcmp(table->kind, "DynamoDB") == 0 &&
        !pk_spec_bool(table, "stream.enabled"))
        pk_x_refuse(t->x, t->c, "lambda.stream-off", path_of(t, "source.component"),
                    pk_arena_printf(t->x->arena, "set `stream.enabled: true` in %s", table->name),
                    "table %s has no stream", table->name);
    if (at_time && !is(t, "kinesis"))
        refuse(t, "lambda.starting-position", "startingPosition", "use LATEST or TRIM_HORIZON",
               "only kinesis starts at a time");
    if (is(t, "kinesis") && at_time != has(t, "startingTimestamp"))
        refuse(t, "lambda.starting-position", at_time ? "startingPosition" : "startingTimestamp",
               "`startingPosition: AT_TIMESTAMP` and `startingTimestamp` go together",
               "the start is not complete");
}

static void check_filter(const struct trigger *t) {
    const json_t *list = pk_spec_get(t->c, path_of(t, "filter"));
    for (size_t i = 0; i < json_array_size(list); i++) {
        const json_t *item = json_array_get(list, i);
        json_auto_t *parsed = json_is_string(item) ? json_loads(json_string_value(item), 0, NULL)
                                                   : json_deep_copy(item);
        if (!json_is_object(parsed))
            pk_x_refuse(t->x, t->c, "lambda.filter-json",
                        pk_x_item(t->x, path_of(t, "filter"), i, NULL),
                        "write a map such as {body: {kind: [order]}}, or JSON text",
                        "this is not a pattern");
    }
}

/* --- rules, topics, buckets, routes ----------------------------------------------------------- */

static void check_rule(const struct trigger *t) {
    const char *schedule = pk_spec_str(t->c, path_of(t, "schedule"));
    bool has_pattern = has(t, "pattern"), has_schedule = has(t, "schedule");
    if (has_pattern == has_schedule)
        refuse(t, "lambda.trigger-schedule", has_schedule ? "pattern" : "type",
               is(t, "schedule") ? "set `schedule`, for example rate(5 minutes)"
                                 : "set `schedule`, for example rate(5 minutes), or `pattern`",
               has_schedule ? "a rule has a schedule or a pattern, not both"
                            : "the rule says not when the function is called");
    if (schedule && pk_starts_with(schedule, "at("))
        refuse(t, "lambda.trigger-schedule", "schedule", "use rate(…) or cron(…)",
               "rules know no single point in time");
    if (has_schedule && has(t, "bus"))
        refuse(t, "lambda.trigger-schedule", "bus", "remove `bus`",
               "schedules run on the default bus only");
    const json_t *pattern = pk_spec_get(t->c, path_of(t, "pattern"));
    if (pattern && !json_is_object(pattern))
        refuse(t, "lambda.filter-json", "pattern", "write a map, or JSON text of an object",
               "this is not an event pattern");
}

static void check_topic(const struct trigger *t) {
    const struct pk_component *topic = pk_trigger_source(t->x, t->c, t->i);
    const char *arn = pk_spec_str(t->c, path_of(t, "source.arn"));
    if ((topic && pk_spec_bool(topic, "fifoTopic")) || (arn && pk_ends_with(arn, ".fifo")))
        refuse(t, "sns.fifo-protocol", topic ? "source.component" : "source.arn",
               "let a queue subscribe, and use a trigger of type sqs",
               "a FIFO topic delivers to queues only");
}

static void check_bucket(const struct trigger *t) {
    if (!has(t, "s3"))
        refuse(t, "lambda.trigger-source", "type", "set `s3.bucket` and `s3.events`",
               "the trigger has no bucket");
    const char *name = pk_spec_str(t->c, path_of(t, "s3.bucket"));
    if (name && !pk_trigger_bucket(t->x, t->c, t->i))
        pk_x_refuse(t->x, t->c, "lambda.s3-unmanaged", path_of(t, "s3.bucket"),
                    "name an S3 component; for another bucket turn on EventBridge there and use a "
                    "trigger of type eventbridge",
                    "no S3 component of the stack is called %s", name);
}

/* Keys of routes are unique in the stack's HTTP API: earlier functions keep theirs. */
static void check_route(const struct trigger *t) {
    struct pk_expansion *x = t->x;
    if (!has(t, "http")) {
        refuse(t, "lambda.trigger-source", "type", "set `http.path`", "the trigger has no path");
        return;
    }
    const char *route = pk_trigger_route(x, t->c, t->i);
    for (size_t k = 0; k < x->project->components.len; k++) {
        const struct pk_component *other = x->project->components.items[k];
        if (!pk_x_active(other) || strcmp(other->kind, "Lambda") != 0)
            continue;
        size_t n = other == t->c ? t->i : pk_lambda_n_triggers(other);
        for (size_t i = 0; i < n; i++) {
            if (strcmp(pk_trigger_type(x, other, i), "apigateway") != 0 ||
                strcmp(pk_trigger_route(x, other, i), route) != 0)
                continue;
            struct pk_diag *d =
                pk_x_finding(x, t->c, PK_SEVERITY_ERROR, "apigw.route-dup", path_of(t, "http.path"),
                             "route `%s` is given twice", route);
            pk_diag_related(x->diags, d, pk_spec_span(other, pk_trigger_path(x, i, "http.path")),
                            "the other one");
            pk_diag_help(x->diags, d, "choose another path or method for one of them");
            return;
        }
        if (other == t->c)
            return;
    }
}

static void check_name(const struct trigger *t) {
    const char *name = pk_trigger_name(t->x, t->c, t->i);
    if (strcmp(name, "url") == 0 || strcmp(name, "url-invoke") == 0) {
        refuse(t, "lambda.trigger-name", "name", "choose another name",
               "`url` is the name of the function's URL");
        return;
    }
    for (size_t k = 0; k < t->i; k++)
        if (strcmp(pk_trigger_name(t->x, t->c, k), name) == 0) {
            pk_x_refuse(t->x, t->c, "lambda.trigger-name",
                        has(t, "name") ? path_of(t, "name") : path_of(t, "type"),
                        "give each of them a `name`", "two triggers are called %s", name);
            return;
        }
}

void pk_triggers_check(struct pk_expansion *x, const struct pk_component *c) {
    for (size_t i = 0; i < pk_lambda_n_triggers(c); i++) {
        struct trigger t = {x, c, i, pk_trigger_type(x, c, i)};
        if (!*t.type)
            continue;
        check_fields(&t);
        check_source(&t);
        check_name(&t);
        if (is(&t, "eventbridge|schedule")) {
            check_rule(&t);
        } else if (is(&t, "sns")) {
            check_topic(&t);
        } else if (is(&t, "s3")) {
            check_bucket(&t);
        } else if (is(&t, "apigateway")) {
            check_route(&t);
        } else {
            check_queue(&t);
            check_batch(&t);
            check_stream(&t);
            pk_lambda_check_failures(x, c, path_of(&t, "onFailure"));
            check_filter(&t);
            if (is(&t, "msk|kafka") && !has(&t, "topics"))
                refuse(&t, "lambda.trigger-source", "type", "set `topics: [name]`",
                       "the trigger has no topic");
        }
    }
}
