/* lambda_triggers.c - what calls a function: mappings, rules, subscriptions, routes. */
#include "component/check.h"
#include "component/internal.h"
#include "component/lambda.h"
#include "component/senders.h"

#include "base/str.h"

#include <string.h>

#define HTTP_API "http-api"

struct trigger {
    struct pk_expansion *x;
    const struct pk_component *c;
    struct pk_resource *function;
    size_t i;
    const char *type, *name;
    struct pk_span span;
};

const char *pk_trigger_path(struct pk_expansion *x, size_t i, const char *field) {
    return pk_x_item(x, "triggers", i, field);
}

size_t pk_lambda_n_triggers(const struct pk_component *c) {
    return json_array_size(pk_spec_get(c, "triggers"));
}

const char *pk_trigger_type(struct pk_expansion *x, const struct pk_component *c, size_t i) {
    const char *type = pk_spec_str(c, pk_trigger_path(x, i, "type"));
    return type ? type : "";
}

const struct pk_component *pk_trigger_source(struct pk_expansion *x, const struct pk_component *c,
                                             size_t i) {
    return pk_x_ref(x, c, pk_trigger_path(x, i, "source.component"));
}

const struct pk_component *pk_trigger_bucket(struct pk_expansion *x, const struct pk_component *c,
                                             size_t i) {
    const char *text = pk_spec_str(c, pk_trigger_path(x, i, "s3.bucket"));
    bool ambiguous;
    const struct pk_component *named =
        text ? pk_project_component(x->project, c, text, &ambiguous) : NULL;
    if (named && strcmp(named->kind, "S3") == 0 && pk_x_active(named))
        return named;
    for (size_t k = 0; text && k < x->project->components.len; k++) {
        const struct pk_component *other = x->project->components.items[k];
        if (strcmp(other->kind, "S3") == 0 && pk_x_active(other) &&
            pk_streq(pk_x_name_of(x, other, NULL, "AWS::S3::Bucket"), text))
            return other;
    }
    return NULL;
}

const char *pk_trigger_route(struct pk_expansion *x, const struct pk_component *c, size_t i) {
    const char *method = pk_spec_str(c, pk_trigger_path(x, i, "http.method"));
    const char *path = pk_spec_str(c, pk_trigger_path(x, i, "http.path"));
    return pk_arena_printf(x->arena, "%s %s", method ? method : "ANY", path ? path : "/");
}

/* Without a name of its own: what the source is called, so that the order in the file is free. */
const char *pk_trigger_name(struct pk_expansion *x, const struct pk_component *c, size_t i) {
    const char *name = pk_spec_str(c, pk_trigger_path(x, i, "name"));
    const char *type = pk_trigger_type(x, c, i);
    const struct pk_component *source = pk_trigger_source(x, c, i);
    const json_t *arn = pk_spec_get(c, pk_trigger_path(x, i, "source.arn"));
    if (name)
        return name;
    if (source)
        return source->name;
    if (arn) {
        PK_CLEANUP(pk_freep) char *text = pk_json_canonical(arn);
        return pk_x_hash8(x, text);
    }
    if (strcmp(type, "s3") == 0) {
        const struct pk_component *bucket = pk_trigger_bucket(x, c, i);
        return bucket ? bucket->name : "s3";
    }
    if (strcmp(type, "apigateway") == 0)
        return pk_x_hash8(x, pk_trigger_route(x, c, i));
    return pk_spec_get(c, pk_trigger_path(x, i, "schedule")) ? "schedule" : "events";
}

/* --- helpers ---------------------------------------------------------------------------------- */

static const char *path_of(const struct trigger *t, const char *field) {
    return pk_trigger_path(t->x, t->i, field);
}

static bool is(const struct trigger *t, const char *type) {
    return strcmp(t->type, type) == 0;
}

static void copy(const struct trigger *t, struct pk_resource *r, const char *property,
                 const char *field) {
    pk_x_copy(t->x, r, property, t->c, path_of(t, field));
}

static void set(const struct trigger *t, struct pk_resource *r, const char *property, json_t *value,
                const char *field) {
    pk_resource_set(t->x->graph, r, property, value,
                    field ? pk_spec_span(t->c, path_of(t, field)) : t->span);
}

static struct pk_resource *add(const struct trigger *t, const char *prefix, const char *type) {
    struct pk_resource *r =
        pk_x_node(t->x, t->c, pk_arena_printf(t->x->arena, "%s-%s", prefix, t->name), type);
    r->span = t->span;
    pk_x_needs(t->x, r, t->function, "function");
    return r;
}

static struct pk_resource *permit(const struct trigger *t, const char *principal,
                                  json_t *source_arn) {
    return pk_lambda_permission(t->x, t->c, pk_arena_printf(t->x->arena, "permission-%s", t->name),
                                t->c, principal, source_arn);
}

/* Text stays what it is, anything else becomes JSON text. New reference. */
static json_t *as_json_text(const json_t *value) {
    if (json_is_string(value))
        return json_string(json_string_value(value));
    PK_CLEANUP(pk_freep) char *text = pk_json_canonical(value);
    return pk_json_text(text);
}

/* --- mappings --------------------------------------------------------------------------------- */

static void set_source(const struct trigger *t, struct pk_resource *r) {
    const struct pk_component *source = pk_trigger_source(t->x, t->c, t->i);
    const char *field = "source.component";
    if (!source) {
        copy(t, r, "EventSourceArn", "source.arn");
        return;
    }
    json_t *arn = is(t, "dynamodb") ? pk_token_ref(source->key, "StreamArn")
                                    : pk_queue_arn(t->x, source, NULL);
    set(t, r, "EventSourceArn", arn, field);
    pk_x_wait_for(t->x, r, source, PK_EDGE_HARD, path_of(t, field),
                  pk_spec_span(t->c, path_of(t, field)));
}

static void set_failure(const struct trigger *t, struct pk_resource *r) {
    const char *path = path_of(t, "onFailure");
    const char *text = pk_spec_str(t->c, path);
    const struct pk_component *target = pk_x_ref(t->x, t->c, path);
    json_t *arn = NULL;
    if (text && pk_starts_with(text, "arn:")) {
        arn = pk_json_text(text);
    } else if (target) {
        arn = pk_x_output(t->x, t->c, target, "arn", pk_spec_span(t->c, path));
        pk_x_wait_for(t->x, r, target, PK_EDGE_HARD, path, pk_spec_span(t->c, path));
    }
    if (arn)
        set(t, r, "DestinationConfig", json_pack("{s:{s:o}}", "OnFailure", "Destination", arn),
            "onFailure");
}

static void set_filter(const struct trigger *t, struct pk_resource *r) {
    const json_t *list = pk_spec_get(t->c, path_of(t, "filter"));
    json_t *filters = json_array();
    for (size_t i = 0; i < json_array_size(list); i++) {
        const json_t *item = json_array_get(list, i), *pattern = json_object_get(item, "pattern");
        json_array_append_new(
            filters, json_pack("{s:o}", "Pattern", as_json_text(pattern ? pattern : item)));
    }
    if (json_array_size(filters) > 0)
        set(t, r, "FilterCriteria", json_pack("{s:o}", "Filters", filters), "filter");
    else
        json_decref(filters);
}

static void set_stream(const struct trigger *t, struct pk_resource *r) {
    static const char *const copied[][2] = {
        {"StartingPositionTimestamp", "startingTimestamp"},
        {"ParallelizationFactor", "parallelization"},
        {"BisectBatchOnFunctionError", "bisectOnError"},
        {"MaximumRetryAttempts", "maxRetries"},
        {"MaximumRecordAgeInSeconds", "maxRecordAge"},
        {"Topics", "topics"},
    };
    const char *position = pk_spec_str(t->c, path_of(t, "startingPosition"));
    set(t, r, "StartingPosition", pk_json_text(position ? position : "LATEST"), "startingPosition");
    for (size_t i = 0; i < PK_ARRAY_LEN(copied); i++)
        copy(t, r, copied[i][0], copied[i][1]);
    if (pk_spec_str(t->c, path_of(t, "maxRecordAge"))) /* the word -1 */
        set(t, r, "MaximumRecordAgeInSeconds", json_integer(-1), "maxRecordAge");
    copy(t, r, "AmazonManagedKafkaEventSourceConfig.ConsumerGroupId", "consumerGroup");
    set_failure(t, r);
}

static void add_mapping(const struct trigger *t) {
    struct pk_resource *r = add(t, "source", "AWS::Lambda::EventSourceMapping");
    int64_t size = pk_spec_int(t->c, path_of(t, "batchSize"), is(t, "sqs") ? 10 : 100);
    set(t, r, "FunctionName", pk_json_text(t->function->name), NULL);
    set(t, r, "Enabled", json_true(), NULL);
    set(t, r, "BatchSize", json_integer(size), "batchSize");
    set_source(t, r);
    copy(t, r, "MaximumBatchingWindowInSeconds", "batchWindow");
    copy(t, r, "ScalingConfig.MaximumConcurrency", "maxConcurrency");
    if (pk_spec_bool(t->c, path_of(t, "reportBatchItemFailures")))
        set(t, r, "FunctionResponseTypes", json_pack("[s]", "ReportBatchItemFailures"),
            "reportBatchItemFailures");
    set_filter(t, r);
    if (!is(t, "sqs"))
        set_stream(t, r);
}

/* --- rules ------------------------------------------------------------------------------------ */

/* "name" of a bus given by name or ARN; NULL for the default one. */
static const char *bus_name(const struct trigger *t) {
    const char *bus = pk_spec_str(t->c, path_of(t, "bus"));
    const char *slash = bus ? strchr(bus, '/') : NULL;
    if (bus && pk_starts_with(bus, "arn:") && slash)
        bus = slash + 1;
    return bus && strcmp(bus, "default") != 0 ? bus : NULL;
}

static void add_rule(const struct trigger *t) {
    struct pk_resource *r = add(t, "rule", "AWS::Events::Rule");
    const char *bus = bus_name(t);
    const json_t *input = pk_spec_get(t->c, path_of(t, "input"));
    json_t *target = json_pack("{s:s, s:o}", "Id", "function", "Arn", pk_function_arn(t->x, t->c));
    if (input)
        json_object_set_new(target, "Input", as_json_text(input));
    copy(t, r, "ScheduleExpression", "schedule");
    copy(t, r, "EventPattern", "pattern");
    copy(t, r, "Description", "description");
    if (bus)
        copy(t, r, "EventBusName", "bus");
    set(t, r, "State", json_string("ENABLED"), NULL);
    set(t, r, "Targets", pk_iam_list(target, NULL), NULL);
    json_t *arn = pk_x_arn(t->x, "events", "rule/%s%s%s", bus ? bus : "", bus ? "/" : "", r->name);
    pk_x_needs(t->x, r, permit(t, "events.amazonaws.com", arn), "permission");
}

/* --- topics and buckets ----------------------------------------------------------------------- */

static void add_topic(const struct trigger *t) {
    struct pk_resource *r = add(t, "subscription", "AWS::SNS::Subscription");
    const struct pk_component *topic = pk_trigger_source(t->x, t->c, t->i);
    const char *field = topic ? "source.component" : "source.arn";
    json_t *arn = topic ? pk_topic_arn(t->x, topic) : pk_x_value(t->x, r, t->c, path_of(t, field));
    set(t, r, "TopicArn", json_incref(arn), field);
    set(t, r, "Protocol", json_string("lambda"), NULL);
    set(t, r, "Endpoint", pk_function_arn(t->x, t->c), NULL);
    copy(t, r, "FilterPolicy", "filterPolicy");
    copy(t, r, "FilterPolicyScope", "filterPolicyScope");
    pk_x_wait_for(t->x, r, topic, PK_EDGE_HARD, path_of(t, field),
                  pk_spec_span(t->c, path_of(t, field)));
    pk_x_needs(t->x, r, permit(t, "sns.amazonaws.com", arn), "permission");
}

struct pk_resource *pk_trigger_s3_permission(struct pk_expansion *x, const struct pk_component *c,
                                             size_t i, const struct pk_component *bucket) {
    return pk_lambda_permission(
        x, c, pk_arena_printf(x->arena, "permission-%s", pk_trigger_name(x, c, i)), c,
        "s3.amazonaws.com", pk_bucket_arn(x, bucket));
}

/* --- routes ----------------------------------------------------------------------------------- */

static struct pk_resource *http_api(struct pk_expansion *x) {
    static const char format[] =
        "{\"requestId\":\"$context.requestId\",\"ip\":\"$context.identity.sourceIp\","
        "\"time\":\"$context.requestTime\",\"route\":\"$context.routeKey\","
        "\"status\":\"$context.status\",\"length\":\"$context.responseLength\","
        "\"error\":\"$context.integrationErrorMessage\"}";
    bool is_new;
    struct pk_resource *api = pk_x_stack_node(x, HTTP_API, "AWS::ApiGatewayV2::Api", &is_new);
    if (!is_new)
        return api;
    pk_resource_set(x->graph, api, "ProtocolType", json_string("HTTP"), api->span);
    struct pk_resource *logs = pk_x_stack_node(x, HTTP_API "-logs", "AWS::Logs::LogGroup", &is_new);
    pk_resource_set(x->graph, logs, "RetentionInDays", json_integer(30), api->span);
    struct pk_resource *stage =
        pk_x_stack_node(x, HTTP_API "-stage", "AWS::ApiGatewayV2::Stage", &is_new);
    pk_resource_set(x->graph, stage, "ApiId", pk_token_ref(api->key, "ApiId"), api->span);
    pk_resource_set(x->graph, stage, "StageName", json_string("$default"), api->span);
    pk_resource_set(x->graph, stage, "AutoDeploy", json_true(), api->span);
    pk_resource_set(x->graph, stage, "AccessLogSettings",
                    json_pack("{s:o, s:s}", "DestinationArn",
                              pk_x_arn(x, "logs", "log-group:%s", logs->name), "Format", format),
                    api->span);
    pk_x_needs(x, stage, logs, "logs");
    return api;
}

/* One per function, whatever the number of its routes. */
static struct pk_resource *integration(const struct trigger *t, struct pk_resource *api) {
    struct pk_resource *r = pk_graph_find(t->x->graph, pk_x_key(t->x, t->c, "integration"));
    if (r)
        return r;
    r = pk_x_node(t->x, t->c, "integration", "AWS::ApiGatewayV2::Integration");
    set(t, r, "ApiId", pk_token_ref(api->key, "ApiId"), NULL);
    set(t, r, "IntegrationType", json_string("AWS_PROXY"), NULL);
    set(t, r, "IntegrationUri", pk_function_arn(t->x, t->c), NULL);
    set(t, r, "PayloadFormatVersion", json_string("2.0"), NULL);
    pk_x_needs(t->x, r, t->function, "function");
    return r;
}

/* "ANY /users/{id}" -> "STAR/users/STAR" with asterisks: what the ARN of a call looks like. */
static const char *call_pattern(const struct trigger *t) {
    const char *route = pk_trigger_route(t->x, t->c, t->i);
    const char *path = strchr(route, ' ') + 1;
    struct pk_buf buf = PK_BUF_INIT(4096);
    pk_buf_addf(&buf, "%.*s", pk_starts_with(route, "ANY ") ? 1 : (int)(path - route - 1),
                pk_starts_with(route, "ANY ") ? "*" : route);
    for (; *path; path++) {
        pk_buf_addc(&buf, *path == '{' ? '*' : *path);
        if (*path == '{')
            path += strcspn(path, "}");
        if (!*path)
            break;
    }
    const char *text = pk_arena_strdup(t->x->arena, pk_buf_cstr(&buf));
    pk_buf_release(&buf);
    return text;
}

static void add_route(const struct trigger *t) {
    struct pk_expansion *x = t->x;
    struct pk_resource *api = http_api(x), *backend = integration(t, api);
    struct pk_resource *r = add(t, "route", "AWS::ApiGatewayV2::Route");
    bool iam = pk_streq(pk_spec_str(t->c, path_of(t, "authorizer")), "iam");
    set(t, r, "ApiId", pk_token_ref(api->key, "ApiId"), NULL);
    set(t, r, "RouteKey", pk_json_text(pk_trigger_route(x, t->c, t->i)), "http");
    set(t, r, "AuthorizationType", json_string(iam ? "AWS_IAM" : "NONE"), "authorizer");
    set(t, r, "Target",
        json_pack("{s:[s, o]}", "$join", "integrations/",
                  pk_token_ref(backend->key, "IntegrationId")),
        NULL);
    json_auto_t *prefix = pk_x_arn(x, "execute-api", "%s", "");
    json_t *source =
        json_pack("{s:[s, o, o]}", "$join", json_string_value(prefix),
                  pk_token_ref(api->key, "ApiId"), pk_json_textf("/*/%s", call_pattern(t)));
    pk_x_needs(x, r, permit(t, "apigateway.amazonaws.com", source), "permission");
}

json_t *pk_triggers_url(struct pk_expansion *x, const struct pk_component *c) {
    for (size_t i = 0; i < pk_lambda_n_triggers(c); i++) {
        if (strcmp(pk_trigger_type(x, c, i), "apigateway") != 0)
            continue;
        const char *path = strchr(pk_trigger_route(x, c, i), ' ') + 1;
        return json_pack("{s:[o, s]}", "$join",
                         pk_token_ref(pk_x_key(x, NULL, HTTP_API), "ApiEndpoint"), path);
    }
    return NULL;
}

/* --- the whole -------------------------------------------------------------------------------- */

void pk_triggers_expand(struct pk_expansion *x, const struct pk_component *c,
                        struct pk_resource *function) {
    PK_CLEANUP(pk_map_freep) struct pk_map *names = pk_map_new();
    for (size_t i = 0; i < pk_lambda_n_triggers(c); i++) {
        struct trigger t = {x,
                            c,
                            function,
                            i,
                            pk_trigger_type(x, c, i),
                            pk_trigger_name(x, c, i),
                            pk_spec_span(c, pk_trigger_path(x, i, NULL))};
        if (pk_map_set(names, t.name, function))
            continue; /* has its finding */
        const struct pk_component *bucket = is(&t, "s3") ? pk_trigger_bucket(x, c, i) : NULL;
        if (is(&t, "eventbridge") || is(&t, "schedule"))
            add_rule(&t);
        else if (is(&t, "sns"))
            add_topic(&t);
        else if (is(&t, "apigateway"))
            add_route(&t);
        else if (bucket)
            pk_trigger_s3_permission(x, c, i, bucket);
        else if (!is(&t, "s3") && *t.type)
            add_mapping(&t);
    }
}

/* --- what the role needs ---------------------------------------------------------------------- */

static void allow_kafka(struct pk_expansion *x, const char *arn, struct pk_statements *to) {
    static const char *const describe[] = {"kafka:DescribeCluster", "kafka:DescribeClusterV2",
                                           "kafka:GetBootstrapBrokers", NULL};
    static const char *const connect[] = {"kafka-cluster:Connect", "kafka-cluster:DescribeCluster",
                                          NULL};
    static const char *const read[] = {"kafka-cluster:DescribeTopic", "kafka-cluster:ReadData",
                                       NULL};
    static const char *const group[] = {"kafka-cluster:AlterGroup", "kafka-cluster:DescribeGroup",
                                        NULL};
    static const char *const network[] = {"ec2:CreateNetworkInterface",
                                          "ec2:DeleteNetworkInterface",
                                          "ec2:DescribeNetworkInterfaces",
                                          "ec2:DescribeSecurityGroups",
                                          "ec2:DescribeSubnets",
                                          "ec2:DescribeVpcs",
                                          NULL};
    const char *cluster = strstr(arn, ":cluster/");
    pk_iam_allow(to, describe, pk_json_text(arn), NULL);
    pk_iam_allow(to, network, json_string("*"), NULL);
    if (!cluster)
        return;
    int head = (int)(cluster - arn);
    const char *rest = cluster + strlen(":cluster/");
    pk_iam_allow(to, connect, pk_json_text(arn), NULL);
    pk_iam_allow(to, read,
                 pk_json_text(pk_arena_printf(x->arena, "%.*s:topic/%s/*", head, arn, rest)), NULL);
    pk_iam_allow(to, group,
                 pk_json_text(pk_arena_printf(x->arena, "%.*s:group/%s/*", head, arn, rest)), NULL);
}

static void allow_arn(struct pk_expansion *x, const struct pk_component *c, size_t i,
                      struct pk_statements *to) {
    static const char *const queue[] = {"sqs:ChangeMessageVisibility", "sqs:DeleteMessage",
                                        "sqs:GetQueueAttributes", "sqs:ReceiveMessage", NULL};
    static const char *const table[] = {"dynamodb:DescribeStream", "dynamodb:GetRecords",
                                        "dynamodb:GetShardIterator", "dynamodb:ListStreams", NULL};
    static const char *const stream[] = {"kinesis:DescribeStream",
                                         "kinesis:DescribeStreamSummary",
                                         "kinesis:GetRecords",
                                         "kinesis:GetShardIterator",
                                         "kinesis:ListShards",
                                         "kinesis:SubscribeToShard",
                                         NULL};
    const char *type = pk_trigger_type(x, c, i);
    json_t *arn = pk_x_value(x, NULL, c, pk_trigger_path(x, i, "source.arn"));
    const char *text = json_string_value(arn);
    const char *const *actions = strcmp(type, "sqs") == 0        ? queue
                                 : strcmp(type, "dynamodb") == 0 ? table
                                 : strcmp(type, "kinesis") == 0  ? stream
                                                                 : NULL;
    if (arn && actions)
        pk_iam_allow(to, actions, json_incref(arn), NULL);
    else if (text && (strcmp(type, "msk") == 0 || strcmp(type, "kafka") == 0))
        allow_kafka(x, text, to);
    json_decref(arn);
}

static void allow_failure_arn(struct pk_expansion *x, const struct pk_component *c, size_t i,
                              struct pk_statements *to) {
    static const char *const send[] = {"sqs:SendMessage", NULL};
    static const char *const publish[] = {"sns:Publish", NULL};
    const char *arn = pk_spec_str(c, pk_trigger_path(x, i, "onFailure"));
    if (arn && pk_starts_with(arn, "arn:"))
        pk_iam_allow(to, strstr(arn, ":sns:") ? publish : send, pk_json_text(arn), NULL);
}

size_t pk_triggers_needs(struct pk_expansion *x, const struct pk_component *c,
                         struct pk_iam_need **ret, struct pk_statements *to) {
    size_t n = pk_lambda_n_triggers(c), count = 0;
    struct pk_iam_need *needs = pk_arena_array(x->arena, 2 * n + 1, sizeof(*needs));
    for (size_t i = 0; i < n; i++) {
        const char *type = pk_trigger_type(x, c, i);
        const struct pk_component *source =
            strcmp(type, "s3") == 0 ? pk_trigger_bucket(x, c, i) : pk_trigger_source(x, c, i);
        const struct pk_component *failed = pk_x_ref(x, c, pk_trigger_path(x, i, "onFailure"));
        bool pulls = strcmp(type, "sqs") == 0 || strcmp(type, "dynamodb") == 0;
        if (source)
            needs[count++] = (struct pk_iam_need){source, pulls ? "consume" : NULL};
        if (failed)
            needs[count++] = (struct pk_iam_need){failed, "write"};
        allow_arn(x, c, i, to);
        allow_failure_arn(x, c, i, to);
    }
    *ret = needs;
    return count;
}
