/* lambda.c - the kind Lambda: a function, its role, its log group and its URL. */
#include "component/lambda.h"
#include "component/check.h"
#include "component/internal.h"
#include "component/kinds.h"
#include "component/senders.h"
#include "component/shared_fields.def"

#include "base/str.h"

#include <string.h>

#define MAX_ENVIRONMENT 4096
#define ROLE "role"

/* clang-format off */
static const struct pk_field fields[] = {
    {.path = "name", .type = PK_T_STR, .flags = PK_F_OR_NULLTEXT, .change = "R-", .pattern = "[A-Za-z0-9_-]{1,64}",
     .feeds = "FunctionName", .doc = "Name of the function instead of the generated one."},
    {.path = "runtime", .type = PK_T_STR, .change = "U", .feeds = "Runtime",
     .doc = "What runs the code: nodejs24.x, python3.13, provided.al2023 …; not for images."},
    {.path = "handler", .type = PK_T_STR, .change = "U", .feeds = "Handler",
     .doc = "What is called, for example index.handler; not for images."},
    {.path = "code", .type = PK_T_OBJECT, .doc = "Where the code comes from: one of the four sources below."},
    {.path = "code.path", .type = PK_T_STR, .flags = PK_F_NOEMPTY, .change = "U", .feeds = "Code.ZipFile",
     .doc = "A folder, which is zipped, or a .zip file beside the YAML."},
    {.path = "code.s3Bucket", .type = PK_T_STR, .flags = PK_F_DEFERRABLE | PK_F_NOEMPTY, .change = "U",
     .feeds = "Code.S3Bucket", .doc = "Bucket of the same region that holds the ZIP file."},
    {.path = "code.s3Key", .type = PK_T_STR, .flags = PK_F_DEFERRABLE | PK_F_NOEMPTY, .change = "U",
     .feeds = "Code.S3Key", .doc = "Key of the ZIP file."},
    {.path = "code.s3ObjectVersion", .type = PK_T_STR, .flags = PK_F_DEFERRABLE | PK_F_NOEMPTY, .change = "U",
     .feeds = "Code.S3ObjectVersion", .doc = "Version of the ZIP file."},
    {.path = "code.zipFile", .type = PK_T_STR, .flags = PK_F_NOEMPTY, .change = "U", .feeds = "Code.ZipFile",
     .doc = "Source text of one file (Node.js, Python); 64 KiB at most."},
    {.path = "code.imageUri", .type = PK_T_STR, .flags = PK_F_DEFERRABLE | PK_F_NOEMPTY, .change = "U",
     .feeds = "Code.ImageUri", .doc = "Image in ECR of the same region; a change from or to ZIP code replaces the function."},
    {.path = "memory", .type = PK_T_MEM, .def = "128", .min = 128, .max = 10240, .change = "U", .unit = "MiB",
     .diag = "lambda.memory", .feeds = "MemorySize", .doc = "Memory; CPU follows it."},
    {.path = "timeout", .type = PK_T_DUR, .def = "30", .min = 1, .max = 900, .change = "U", .unit = "s",
     .diag = "lambda.timeout", .feeds = "Timeout", .doc = "Longest run."},
    PK_FIELDS_ENVIRONMENT
    {.path = "vpc.enabled", .type = PK_T_BOOL, .change = "U~", .feeds = "VpcConfig",
     .doc = "Run inside the tenant's network; true when it has one."},
    {.path = "vpc.subnetIds", .type = PK_T_LIST, .min = 1, .max = 16, .change = "U~", .feeds = "VpcConfig.SubnetIds",
     .doc = "Subnets instead of the private ones."},
    {.path = "vpc.subnetIds[]", .type = PK_T_STR, .pattern = "subnet-[0-9a-f]+", .doc = "Id of a subnet."},
    {.path = "vpc.securityGroupIds", .type = PK_T_LIST, .min = 1, .max = 5, .change = "U~",
     .feeds = "VpcConfig.SecurityGroupIds", .doc = "Security groups instead of the tenant's and the stack's."},
    {.path = "vpc.securityGroupIds[]", .type = PK_T_STR, .pattern = "sg-[0-9a-f]+", .doc = "Id of a security group."},
    PK_FIELDS_NETWORKING
    {.path = "reservedConcurrentExecutions", .type = PK_T_INT, .min = 0, .max = 1000000, .change = "U",
     .feeds = "ReservedConcurrentExecutions", .doc = "Runs at the same time that are kept for the function, and its limit."},
    {.path = "iam.roleArn", .type = PK_T_ARN, .flags = PK_F_DEFERRABLE, .alias = "roleArn", .change = "U",
     .feeds = "Role", .doc = "A role to use instead of the generated one; nothing is derived then."},
    {.path = "layers", .type = PK_T_LIST, .max = 5, .change = "U", .diag = "lambda.layer-count", .feeds = "Layers",
     .doc = "Layers, at most 5."},
    {.path = "layers[]", .type = PK_T_ARN,
     .pattern = "arn:[a-z-]+:lambda:[a-z0-9-]+:[0-9]{12}:layer:[A-Za-z0-9_-]+:[0-9]+",
     .doc = "ARN of a layer with its version."},
    {.path = "architecture", .type = PK_T_ENUM, .def = "x86_64", .allowed = "x86_64|arm64", .flags = PK_F_NOCASE,
     .change = "U", .feeds = "Architectures", .doc = "CPU architecture of the code."},
    {.path = "ephemeralStorageMB", .type = PK_T_MEM, .def = "512", .min = 512, .max = 10240, .change = "U",
     .unit = "MiB",
     .feeds = "EphemeralStorage.Size", .doc = "Size of /tmp."},
    {.path = "tracing", .type = PK_T_BOOL, .def = "false", .change = "U", .feeds = "TracingConfig.Mode",
     .doc = "Send traces to X-Ray."},
    {.path = "deadLetterQueue.component", .type = PK_T_REF, .change = "U", .feeds = "DeadLetterConfig.TargetArn",
     .doc = "SQS or SNS component for asynchronous events that failed."},
    {.path = "volumes", .type = PK_T_LIST, .max = 1, .change = "U", .feeds = "FileSystemConfigs",
     .doc = "One EFS access point as a folder."},
    {.path = "volumes[].name", .type = PK_T_STR, .doc = "Name of the entry, for overlays."},
    {.path = "volumes[].type", .type = PK_T_ENUM, .def = "efs", .allowed = "efs", .doc = "Functions mount EFS only."},
    {.path = "volumes[].source", .type = PK_T_STR, .pattern = "fs-[0-9a-f]+",
     .doc = "Id of the file system; the role may then use this one only."},
    {.path = "volumes[].accessPoint", .type = PK_T_STR, .flags = PK_F_REQUIRED, .diag = "efs.access-point",
     .pattern = "fsap-[0-9a-f]+|arn:[a-z-]+:elasticfilesystem:[a-z0-9-]+:[0-9]{12}:access-point/fsap-[0-9a-f]+",
     .feeds = "FileSystemConfigs.Arn", .doc = "Id or ARN of an access point."},
    {.path = "volumes[].mountPath", .type = PK_T_STR, .flags = PK_F_REQUIRED, .pattern = "/mnt/[A-Za-z0-9_.-]+",
     .feeds = "FileSystemConfigs.LocalMountPath", .doc = "Where it is mounted: /mnt/<name>."},
    {.path = "url", .type = PK_T_OBJECT, .flags = PK_F_SCALAR_OR_MAP, .change = "U", .doc = "A URL of its own."},
    {.path = "url.enabled", .type = PK_T_BOOL, .def = "false", .change = "U", .doc = "Give the function a URL."},
    {.path = "url.authType", .type = PK_T_ENUM, .def = "AWS_IAM", .allowed = "AWS_IAM|NONE", .change = "U",
     .feeds = "Url.AuthType", .doc = "AWS_IAM: signed requests only; NONE: anybody."},
    {.path = "url.cors.allowOrigins", .type = PK_T_LIST, .change = "U", .feeds = "Url.Cors.AllowOrigins",
     .doc = "Origins of web pages."},
    {.path = "url.cors.allowOrigins[]", .type = PK_T_STR, .flags = PK_F_NOEMPTY, .doc = "An origin, or *."},
    {.path = "url.cors.allowMethods", .type = PK_T_LIST, .change = "U", .feeds = "Url.Cors.AllowMethods",
     .doc = "HTTP methods."},
    {.path = "url.cors.allowMethods[]", .type = PK_T_ENUM, .allowed = "GET|PUT|POST|DELETE|HEAD|PATCH|*",
     .flags = PK_F_NOCASE, .doc = "A method, or *."},
    {.path = "url.cors.allowHeaders", .type = PK_T_LIST, .change = "U", .feeds = "Url.Cors.AllowHeaders",
     .doc = "Headers that requests may carry."},
    {.path = "url.cors.allowHeaders[]", .type = PK_T_STR, .flags = PK_F_NOEMPTY, .doc = "A header, or *."},
    {.path = "url.cors.exposeHeaders", .type = PK_T_LIST, .change = "U", .feeds = "Url.Cors.ExposeHeaders",
     .doc = "Headers that pages may read."},
    {.path = "url.cors.exposeHeaders[]", .type = PK_T_STR, .flags = PK_F_NOEMPTY, .doc = "A header."},
    {.path = "url.cors.maxAge", .type = PK_T_DUR, .min = 0, .max = 86400, .change = "U", .unit = "s",
     .feeds = "Url.Cors.MaxAge", .doc = "How long a browser remembers the answer."},
    {.path = "url.cors.allowCredentials", .type = PK_T_BOOL, .change = "U", .feeds = "Url.Cors.AllowCredentials",
     .doc = "Let pages send cookies."},
    PK_FIELDS_LOGGING
    {.path = "logging.format", .type = PK_T_ENUM, .def = "Text", .allowed = "Text|JSON", .flags = PK_F_NOCASE,
     .change = "U",
     .feeds = "LoggingConfig.LogFormat", .doc = "Form of the lines in the log."},
    {.path = "triggers", .type = PK_T_LIST, .max = 100, .change = "U", .doc = "What calls the function."},
    {.path = "triggers[].name", .type = PK_T_STR, .max = 40, .pattern = "[A-Za-z0-9]+(-[A-Za-z0-9]+)*",
     .diag = "lambda.trigger-name",
     .doc = "Name of the trigger; by default its source."},
    {.path = "triggers[].type", .type = PK_T_ENUM, .flags = PK_F_REQUIRED,
     .allowed = "sqs|dynamodb|kinesis|msk|kafka|eventbridge|schedule|sns|s3|apigateway", .doc = "Kind of the source."},
    {.path = "triggers[].source.component", .type = PK_T_REF, .feeds = "EventSourceMapping.EventSourceArn",
     .doc = "sqs, dynamodb, sns: the component that is the source."},
    {.path = "triggers[].source.arn", .type = PK_T_ARN, .flags = PK_F_DEFERRABLE, .change = "R-",
     .feeds = "EventSourceMapping.EventSourceArn", .doc = "ARN of a source outside of the stack."},
    {.path = "triggers[].batchSize", .type = PK_T_INT, .min = 1, .max = 10000, .diag = "lambda.batch-size",
     .feeds = "BatchSize",
     .doc = "Messages or records per call: 10 for sqs, 100 for the others."},
    {.path = "triggers[].batchWindow", .type = PK_T_DUR, .min = 0, .max = 300, .unit = "s",
     .feeds = "MaximumBatchingWindowInSeconds",
     .doc = "How long a batch may fill."},
    {.path = "triggers[].maxConcurrency", .type = PK_T_INT, .min = 2, .max = 1000,
     .feeds = "ScalingConfig.MaximumConcurrency",
     .doc = "sqs: calls at the same time."},
    {.path = "triggers[].reportBatchItemFailures", .type = PK_T_BOOL, .feeds = "FunctionResponseTypes",
     .doc = "The answer names the messages that failed; only those come again."},
    {.path = "triggers[].filter", .type = PK_T_LIST, .max = 10, .feeds = "FilterCriteria",
     .doc = "Patterns of the messages that call the function."},
    {.path = "triggers[].startingPosition", .type = PK_T_ENUM, .allowed = "LATEST|TRIM_HORIZON|AT_TIMESTAMP",
     .change = "R-",
     .feeds = "StartingPosition", .doc = "Where reading begins; LATEST by default."},
    {.path = "triggers[].startingTimestamp", .type = PK_T_INT, .min = 0, .max = -1, .change = "R-", .unit = "s",
     .feeds = "StartingPositionTimestamp", .doc = "kinesis with AT_TIMESTAMP: Unix time."},
    {.path = "triggers[].parallelization", .type = PK_T_INT, .min = 1, .max = 10, .feeds = "ParallelizationFactor",
     .doc = "dynamodb, kinesis: batches of one shard at the same time."},
    {.path = "triggers[].bisectOnError", .type = PK_T_BOOL, .feeds = "BisectBatchOnFunctionError",
     .doc = "dynamodb, kinesis: split a batch that failed."},
    {.path = "triggers[].maxRetries", .type = PK_T_INT, .min = -1, .max = 10000, .feeds = "MaximumRetryAttempts",
     .doc = "dynamodb, kinesis: how often a batch is tried again; -1 for ever."},
    {.path = "triggers[].maxRecordAge", .type = PK_T_DUR, .allowed = "-1", .min = 60, .max = 604800, .unit = "s",
     .feeds = "MaximumRecordAgeInSeconds", .doc = "dynamodb, kinesis: older records are dropped; -1 for none."},
    {.path = "triggers[].onFailure", .type = PK_T_REF, .pattern = "arn:.+",
     .feeds = "DestinationConfig.OnFailure.Destination",
     .doc = "SQS or SNS component, or ARN, for batches that were given up."},
    {.path = "triggers[].topics", .type = PK_T_LIST, .max = 1, .feeds = "Topics",
     .doc = "msk, kafka: the topic that is read."},
    {.path = "triggers[].topics[]", .type = PK_T_STR, .pattern = "[A-Za-z0-9._-]{1,249}", .doc = "Name of a topic."},
    {.path = "triggers[].consumerGroup", .type = PK_T_STR, .flags = PK_F_NOEMPTY, .max = 200, .change = "R-",
     .feeds = "AmazonManagedKafkaEventSourceConfig.ConsumerGroupId", .doc = "msk, kafka: consumer group."},
    {.path = "triggers[].schedule", .type = PK_T_CRON, .feeds = "Rule.ScheduleExpression",
     .doc = "rate(…) or cron(…), in UTC."},
    {.path = "triggers[].pattern", .type = PK_T_JSON, .feeds = "Rule.EventPattern",
     .doc = "Events that call the function: a map, or JSON text."},
    {.path = "triggers[].bus", .type = PK_T_STR, .flags = PK_F_NOEMPTY, .feeds = "Rule.EventBusName",
     .doc = "Name or ARN of an event bus; the default one otherwise."},
    {.path = "triggers[].input", .type = PK_T_JSON, .feeds = "Rule.Targets[].Input",
     .doc = "Event that the function gets instead of the original."},
    {.path = "triggers[].description", .type = PK_T_STR, .max = 512, .feeds = "Rule.Description",
     .doc = "What the rule is for."},
    {.path = "triggers[].filterPolicy", .type = PK_T_JSON, .feeds = "Subscription.FilterPolicy",
     .doc = "sns: messages that call the function."},
    {.path = "triggers[].filterPolicyScope", .type = PK_T_ENUM, .allowed = "MessageAttributes|MessageBody",
     .feeds = "Subscription.FilterPolicyScope", .doc = "sns: what the filter looks at."},
    {.path = "triggers[].s3.bucket", .type = PK_T_STR, .flags = PK_F_REQUIRED | PK_F_NOEMPTY,
     .doc = "s3: an S3 component of the stack."},
    {.path = "triggers[].s3.events", .type = PK_T_LIST, .min = 1, .flags = PK_F_REQUIRED,
     .doc = "s3: kinds of events."},
    {.path = "triggers[].s3.events[]", .type = PK_T_STR, .pattern = "s3:[A-Za-z]+(:[A-Za-z*]+)?", .diag = "s3.event",
     .doc = "s3:ObjectCreated:* and the like."},
    {.path = "triggers[].s3.prefix", .type = PK_T_STR, .max = 1024, .doc = "s3: only keys that begin so."},
    {.path = "triggers[].s3.suffix", .type = PK_T_STR, .max = 1024, .doc = "s3: only keys that end so."},
    {.path = "triggers[].http.method", .type = PK_T_ENUM, .def = "ANY",
     .allowed = "ANY|GET|POST|PUT|PATCH|DELETE|HEAD|OPTIONS",
     .flags = PK_F_NOCASE, .feeds = "Route.RouteKey", .doc = "apigateway: HTTP method."},
    {.path = "triggers[].http.path", .type = PK_T_STR, .flags = PK_F_REQUIRED, .pattern = "/[^ ?#]*",
     .feeds = "Route.RouteKey",
     .doc = "apigateway: path, with {name} and {name+} for variable parts."},
    {.path = "triggers[].authorizer", .type = PK_T_ENUM, .allowed = "none|iam", .feeds = "Route.AuthorizationType",
     .doc = "apigateway: iam asks for signed requests; none by default."},
};

static const struct pk_output outputs[] = {
    {"functionName", NULL, "Name of the function"},
    {"functionArn", NULL, "ARN of the function"},
    {"roleArn", NULL, "ARN of the role"},
    {"version", NULL, "Version that runs"},
    {"url", "endpoint", "URL of the function, else of its first route"},
    {"invokeArn", NULL, "ARN that API Gateway calls"},
    {"logGroup", NULL, "Name of the log group"},
};

static const char example[] =
    "runtime: nodejs24.x\n"
    "handler: index.handler\n"
    "code:\n"
    "  zipFile: \"exports.handler = async (event) => ({statusCode: 200});\"\n"
    "memory: 256\n"
    "timeout: 30s\n"
    "triggers:\n"
    "  - type: schedule\n"
    "    schedule: rate(1 hour)\n";
/* clang-format on */

const char *pk_lambda_name(struct pk_expansion *x, const struct pk_component *c) {
    return pk_x_name_of(x, c, NULL, PK_LAMBDA_FUNCTION);
}

bool pk_lambda_in_vpc(struct pk_expansion *x, const struct pk_component *c) {
    const json_t *written = pk_spec_get(c, "vpc.enabled");
    return written ? json_is_true(written) : pk_x_has_network(x);
}

/* --- checks ----------------------------------------------------------------------------------- */

static void check_network(struct pk_expansion *x, const struct pk_component *c) {
    static const char *const fields_of_vpc[] = {"vpc.subnetIds", "vpc.securityGroupIds",
                                                "networking.subnets", "networking.securityGroups"};
    bool in_vpc = pk_lambda_in_vpc(x, c);
    for (size_t i = 0; !in_vpc && i < PK_ARRAY_LEN(fields_of_vpc); i++)
        if (pk_spec_written(c, fields_of_vpc[i]))
            pk_x_refuse(x, c, "lambda.vpc-off", fields_of_vpc[i], "set `vpc.enabled: true`",
                        "`%s` has no effect outside of a network", fields_of_vpc[i]);
    for (size_t i = 0; in_vpc && i < 2; i++)
        if (pk_spec_written(c, fields_of_vpc[i]) && pk_spec_written(c, fields_of_vpc[i + 2]))
            pk_x_refuse(x, c, "field.conflict", fields_of_vpc[i + 2], "keep one of the two",
                        "`%s` takes the place of `%s`", fields_of_vpc[i], fields_of_vpc[i + 2]);
    if (!in_vpc && json_array_size(pk_spec_get(c, "volumes")) > 0)
        pk_x_refuse(x, c, "lambda.vpc-off", "volumes", "set `vpc.enabled: true`",
                    "EFS is reached inside of a network only");
}

static void check_url(struct pk_expansion *x, const struct pk_component *c) {
    bool enabled = pk_spec_bool(c, "url.enabled");
    if (enabled && pk_streq(pk_spec_str(c, "url.authType"), "NONE"))
        pk_x_warn(x, c, "lambda.url-public", "url.authType",
                  "use AWS_IAM unless the function checks its callers itself",
                  "anybody can call the function");
    static const char *const needs_url[] = {"url.authType", "url.cors"};
    for (size_t i = 0; !enabled && i < PK_ARRAY_LEN(needs_url); i++)
        if (pk_spec_written(c, needs_url[i]))
            pk_x_refuse(x, c, "lambda.url-off", needs_url[i], "set `url.enabled: true`",
                        "the function has no URL");
}

void pk_lambda_check_failures(struct pk_expansion *x, const struct pk_component *c,
                              const char *path) {
    const struct pk_component *target = pk_x_ref(x, c, path);
    if (!target)
        return;
    bool queue = strcmp(target->kind, "SQS") == 0;
    if (!queue && strcmp(target->kind, "SNS") != 0)
        pk_x_refuse(x, c, "lambda.dlq-kind", path, "name an SQS or SNS component",
                    "%s is of kind %s", target->name, target->kind);
    else if (pk_ends_with(
                 pk_x_name_of(x, target, NULL, queue ? "AWS::SQS::Queue" : "AWS::SNS::Topic"),
                 ".fifo"))
        pk_x_refuse(x, c, "lambda.dlq-kind", path, "name a standard one",
                    "Lambda cannot send to the fifo %s", target->name);
}

static void check(struct pk_expansion *x, const struct pk_component *c) {
    pk_lambda_code_check(x, c);
    check_network(x, c);
    check_url(x, c);
    pk_lambda_check_failures(x, c, "deadLetterQueue.component");
    pk_triggers_check(x, c);
}

/* --- environment ------------------------------------------------------------------------------ */

static bool is_reserved(const char *name) {
    static const char *const reserved[] = {
        "_HANDLER",          "_X_AMZN_TRACE_ID", "AWS_DEFAULT_REGION",     "AWS_REGION",
        "AWS_EXECUTION_ENV", "AWS_ACCESS_KEY",   "AWS_ACCESS_KEY_ID",      "AWS_SECRET_ACCESS_KEY",
        "AWS_SESSION_TOKEN", "LAMBDA_TASK_ROOT", "AWS_LAMBDA_RUNTIME_API", "LAMBDA_RUNTIME_DIR",
    };
    for (size_t i = 0; i < PK_ARRAY_LEN(reserved); i++)
        if (strcmp(reserved[i], name) == 0)
            return true;
    return pk_starts_with(name, "AWS_LAMBDA_FUNCTION_") ||
           pk_starts_with(name, "AWS_LAMBDA_LOG_") ||
           strcmp(name, "AWS_LAMBDA_INITIALIZATION_TYPE") == 0;
}

static bool is_name(const char *name) {
    bool letter = (*name >= 'a' && *name <= 'z') || (*name >= 'A' && *name <= 'Z');
    return letter && name[1] &&
           strspn(name, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_") ==
               strlen(name);
}

struct env_writer {
    struct pk_expansion *x;
    const struct pk_component *c;
    json_t *variables;
    size_t size;
};

static void refuse_name(struct env_writer *w, struct pk_span span, const char *name,
                        const char *why, const char *help) {
    struct pk_diag *d = pk_diag(w->x->diags, PK_SEVERITY_ERROR, "lambda.env-name", span,
                                "environment variable `%s` %s", name, why);
    pk_diag_help(w->x->diags, d, "%s", help);
    pk_diag_address(w->x->diags, d, "%s", w->c->address);
}

/* Steals value. */
static void put_variable(struct env_writer *w, const char *name, json_t *value,
                         struct pk_span span) {
    if (is_reserved(name))
        refuse_name(w, span, name, "belongs to Lambda", "choose another name");
    else if (!is_name(name))
        refuse_name(w, span, name, "is no name that Lambda takes",
                    "begin with a letter; letters, digits and `_` follow");
    else if (json_object_get(w->variables, name))
        refuse_name(w, span, name, "is set by a secret as well",
                    "give one of the two another name");
    w->size += strlen(name) + (json_is_string(value) ? json_string_length(value) : 0);
    json_object_set_new(w->variables, name, value);
}

/* Functions read secrets themselves: they get ARNs, and the key of a JSON secret. */
static void put_secret(struct env_writer *w, const struct pk_env_entry *entry,
                       struct pk_statements *to) {
    static const char *const get_secret[] = {"secretsmanager:GetSecretValue", NULL};
    static const char *const get_parameter[] = {"ssm:GetParameter", "ssm:GetParameters", NULL};
    struct pk_expansion *x = w->x;
    json_t *arn = pk_x_env_secret_arn(x, entry, false);
    if (!arn)
        return;
    const char *text = json_string_value(arn);
    const char *hash = entry->secret_ref ? strrchr(entry->secret_ref, '#') : NULL;
    const char *key = entry->secret_key ? entry->secret_key : hash ? hash + 1 : NULL;
    pk_iam_allow(to, text && strstr(text, ":ssm:") ? get_parameter : get_secret,
                 json_deep_copy(arn), NULL);
    put_variable(w, pk_arena_printf(x->arena, "%s_SECRET_ARN", entry->name), arn, entry->span);
    if (key && *key)
        put_variable(w, pk_arena_printf(x->arena, "%s_SECRET_KEY", entry->name), pk_json_text(key),
                     entry->span);
}

static void set_environment(struct pk_expansion *x, const struct pk_component *c,
                            struct pk_resource *r, struct pk_statements *to) {
    struct pk_env_entry *entries;
    size_t n;
    pk_x_environment(x, r, c, &entries, &n);
    struct env_writer w = {x, c, json_object(), 0};
    for (size_t i = 0; i < n; i++)
        if (entries[i].value)
            put_variable(&w, entries[i].name, json_incref(entries[i].value), entries[i].span);
    for (size_t i = 0; i < n; i++)
        if (!entries[i].value)
            put_secret(&w, &entries[i], to);
    if (w.size > MAX_ENVIRONMENT)
        pk_x_refuse(x, c, "lambda.env-size",
                    pk_spec_written(c, "environment") ? "environment" : NULL,
                    "Lambda takes 4096: move large values to a parameter, a secret or the code",
                    "the environment has %zu bytes", w.size);
    if (json_object_size(w.variables) > 0)
        pk_resource_set(x->graph, r, "Environment", json_pack("{s:o}", "Variables", w.variables),
                        pk_spec_span(c, "environment"));
    else
        json_decref(w.variables);
}

/* --- function --------------------------------------------------------------------------------- */

static void set_network(struct pk_expansion *x, const struct pk_component *c,
                        struct pk_resource *r) {
    if (!pk_lambda_in_vpc(x, c))
        return;
    json_t *subnets = pk_x_value(x, r, c, "vpc.subnetIds");
    json_t *groups = pk_x_value(x, r, c, "vpc.securityGroupIds");
    json_t *config = json_object();
    pk_x_set(config, "SubnetIds", subnets ? subnets : pk_x_subnets(x, c, PK_PLACE_WORKLOAD));
    pk_x_set(config, "SecurityGroupIds",
             groups ? groups : pk_x_security_groups(x, c, PK_PLACE_WORKLOAD));
    pk_resource_set(x->graph, r, "VpcConfig", config, pk_spec_span(c, "vpc"));
}

static void set_volume(struct pk_expansion *x, const struct pk_component *c,
                       struct pk_resource *r) {
    const char *point = pk_spec_str(c, "volumes[0].accessPoint");
    const char *path = pk_spec_str(c, "volumes[0].mountPath");
    if (!point)
        return;
    json_t *arn = pk_starts_with(point, "arn:")
                      ? pk_json_text(point)
                      : pk_x_arn(x, "elasticfilesystem", "access-point/%s", point);
    pk_resource_set(x->graph, r, "FileSystemConfigs",
                    json_pack("[{s:o, s:s}]", "Arn", arn, "LocalMountPath", path ? path : ""),
                    pk_spec_span(c, "volumes"));
}

static const struct pk_component *
set_dead_letters(struct pk_expansion *x, const struct pk_component *c, struct pk_resource *r) {
    static const char path[] = "deadLetterQueue.component";
    const struct pk_component *target = pk_x_ref(x, c, path);
    if (!target)
        return NULL;
    json_t *arn = pk_x_output(x, c, target, "arn", pk_spec_span(c, path));
    pk_resource_set(x->graph, r, "DeadLetterConfig", json_pack("{s:o}", "TargetArn", arn),
                    pk_spec_span(c, path));
    pk_x_wait_for(x, r, target, PK_EDGE_HARD, path, pk_spec_span(c, path));
    return target;
}

static void set_plain(struct pk_expansion *x, const struct pk_component *c, struct pk_resource *r) {
    const char *description = pk_spec_str(c, "description");
    if (!description)
        description = c->meta.description;
    if (description)
        pk_resource_set(x->graph, r, "Description",
                        pk_json_text(pk_arena_strndup(x->arena, description, 256)),
                        pk_spec_span(c, "description"));
    pk_x_copy(x, r, "MemorySize", c, "memory");
    pk_x_copy(x, r, "Timeout", c, "timeout");
    pk_x_copy(x, r, "EphemeralStorage.Size", c, "ephemeralStorageMB");
    pk_x_copy(x, r, "ReservedConcurrentExecutions", c, "reservedConcurrentExecutions");
    pk_x_copy(x, r, "Layers", c, "layers");
    pk_resource_set(x->graph, r, "Architectures",
                    pk_iam_list(json_incref(pk_spec_get(c, "architecture")), NULL),
                    pk_spec_span(c, "architecture"));
    pk_resource_set(
        x->graph, r, "TracingConfig",
        json_pack("{s:s}", "Mode", pk_spec_bool(c, "tracing") ? "Active" : "PassThrough"),
        pk_spec_span(c, "tracing"));
}

static const char *log_group_name(struct pk_expansion *x, const struct pk_component *c) {
    return pk_arena_printf(x->arena, "/aws/lambda/%s", pk_lambda_name(x, c));
}

static void set_logs(struct pk_expansion *x, const struct pk_component *c, struct pk_resource *r) {
    struct pk_resource *logs = pk_x_log_group(x, c, NULL, log_group_name(x, c));
    json_t *config = json_pack("{s:s}", "LogGroup", logs->name);
    pk_x_set(config, "LogFormat", pk_x_value(x, r, c, "logging.format"));
    pk_resource_set(x->graph, r, "LoggingConfig", config, pk_spec_span(c, "logging"));
    pk_x_needs(x, r, logs, "logs");
}

/* --- role ------------------------------------------------------------------------------------- */

static json_t *log_policy(struct pk_expansion *x, const struct pk_component *c) {
    static const char *const write[] = {"logs:CreateLogStream", "logs:PutLogEvents", NULL};
    struct pk_statements *statements = pk_iam_statements_new(x->arena);
    pk_iam_allow(statements, write, pk_x_arn(x, "logs", "log-group:%s:*", log_group_name(x, c)),
                 NULL);
    return pk_iam_document(statements);
}

static void set_role(struct pk_expansion *x, const struct pk_component *c, struct pk_resource *r,
                     const struct pk_component *dead_letters, struct pk_statements *more) {
    struct pk_iam_need *triggers;
    size_t n = pk_triggers_needs(x, c, &triggers, more);
    struct pk_iam_need *needs = pk_arena_array(x->arena, n + 1, sizeof(*needs));
    for (size_t i = 0; i < n; i++)
        needs[i] = triggers[i];
    if (dead_letters)
        needs[n++] = (struct pk_iam_need){dead_letters, "write"};
    struct pk_resource *role = pk_iam_role_with(x, c, ROLE, "lambda.amazonaws.com", needs, n, more);
    pk_resource_set(x->graph, r, "Role", pk_iam_role_arn(x, c, ROLE),
                    pk_spec_span(c, "iam.roleArn"));
    if (!role)
        return;
    pk_iam_add_policy(x, role, "logs", log_policy(x, c));
    if (pk_lambda_in_vpc(x, c))
        pk_iam_add_managed(x, role, "service-role/AWSLambdaVPCAccessExecutionRole");
    pk_iam_check_size(x, c, role);
    pk_x_needs(x, r, role, "role");
}

/* --- permissions and URL ---------------------------------------------------------------------- */

struct pk_resource *pk_lambda_permission(struct pk_expansion *x, const struct pk_component *owner,
                                         const char *sub, const struct pk_component *function,
                                         const char *principal, json_t *source_arn) {
    struct pk_resource *r = pk_graph_find(x->graph, pk_x_key(x, owner, sub));
    json_auto_t *source = source_arn;
    if (r)
        return r;
    r = pk_x_node(x, owner, sub, "AWS::Lambda::Permission");
    pk_resource_set(x->graph, r, "Action", json_string("lambda:InvokeFunction"), r->span);
    pk_resource_set(x->graph, r, "FunctionName", pk_json_text(pk_lambda_name(x, function)),
                    r->span);
    pk_resource_set(x->graph, r, "Principal", json_string(principal), r->span);
    pk_resource_set(x->graph, r, "SourceArn", json_incref(source), r->span);
    /* names of buckets say nothing of the account */
    if (strcmp(principal, "s3.amazonaws.com") == 0)
        pk_resource_set(x->graph, r, "SourceAccount", pk_json_text(x->env->account_id), r->span);
    pk_x_wait_for(x, r, function, PK_EDGE_HARD, "permission", owner->span);
    return r;
}

static json_t *url_cors(const struct pk_component *c) {
    static const char *const members[][2] = {
        {"AllowOrigins", "url.cors.allowOrigins"},
        {"AllowMethods", "url.cors.allowMethods"},
        {"AllowHeaders", "url.cors.allowHeaders"},
        {"ExposeHeaders", "url.cors.exposeHeaders"},
        {"MaxAge", "url.cors.maxAge"},
        {"AllowCredentials", "url.cors.allowCredentials"},
    };
    json_t *cors = json_object();
    for (size_t i = 0; i < PK_ARRAY_LEN(members); i++)
        pk_x_set(cors, members[i][0], json_incref(pk_spec_get(c, members[i][1])));
    if (json_object_size(cors) > 0)
        return cors;
    json_decref(cors);
    return NULL;
}

/* Lambda asks for both: the right to use the URL, and to call the function through it. */
static void allow_anybody(struct pk_expansion *x, const struct pk_component *c,
                          struct pk_resource *function) {
    for (size_t i = 0; i < 2; i++) {
        struct pk_resource *r = pk_x_node(x, c, i ? "permission-url-invoke" : "permission-url",
                                          "AWS::Lambda::Permission");
        struct pk_span span = pk_spec_span(c, "url.authType");
        pk_resource_set(x->graph, r, "Action",
                        json_string(i ? "lambda:InvokeFunction" : "lambda:InvokeFunctionUrl"),
                        span);
        pk_resource_set(x->graph, r, "FunctionName", pk_json_text(function->name), span);
        pk_resource_set(x->graph, r, "Principal", json_string("*"), span);
        if (i)
            pk_resource_set(x->graph, r, "InvokedViaFunctionUrl", json_true(), span);
        else
            pk_resource_set(x->graph, r, "FunctionUrlAuthType", json_string("NONE"), span);
        pk_x_needs(x, r, function, "function");
    }
}

static void add_url(struct pk_expansion *x, const struct pk_component *c,
                    struct pk_resource *function) {
    if (!pk_spec_bool(c, "url.enabled"))
        return;
    struct pk_resource *r = pk_x_node(x, c, "url", "AWS::Lambda::Url");
    pk_resource_set(x->graph, r, "TargetFunctionArn", pk_function_arn(x, c),
                    pk_spec_span(c, "url"));
    pk_x_copy(x, r, "AuthType", c, "url.authType");
    pk_resource_set(x->graph, r, "Cors", url_cors(c), pk_spec_span(c, "url.cors"));
    pk_x_needs(x, r, function, "function");
    if (pk_streq(pk_spec_str(c, "url.authType"), "NONE"))
        allow_anybody(x, c, function);
}

static void expand(struct pk_expansion *x, const struct pk_component *c) {
    struct pk_statements *more = pk_iam_statements_new(x->arena);
    struct pk_resource *r = pk_x_node(x, c, NULL, PK_LAMBDA_FUNCTION);
    pk_lambda_set_code(x, c, r);
    set_plain(x, c, r);
    set_environment(x, c, r, more);
    set_network(x, c, r);
    set_volume(x, c, r);
    set_logs(x, c, r);
    const struct pk_component *dead_letters = set_dead_letters(x, c, r);
    set_role(x, c, r, dead_letters, more);
    add_url(x, c, r);
    pk_triggers_expand(x, c, r);
}

/* --- outputs and access ----------------------------------------------------------------------- */

static json_t *url(struct pk_expansion *x, const struct pk_component *c, struct pk_span asked) {
    if (pk_spec_bool(c, "url.enabled"))
        return pk_token_ref(pk_x_key(x, c, "url"), "FunctionUrl");
    json_t *route = pk_triggers_url(x, c);
    if (route)
        return route;
    struct pk_diag *d = pk_diag(x->diags, PK_SEVERITY_ERROR, "ref.output-unavailable", asked,
                                "%s has no URL", c->address);
    pk_diag_help(x->diags, d, "set `url: true` in %s, or give it a trigger of type apigateway",
                 c->name);
    return NULL;
}

static json_t *output(struct pk_expansion *x, const struct pk_component *c, const char *name,
                      struct pk_span asked) {
    if (strcmp(name, "functionName") == 0)
        return pk_json_text(pk_lambda_name(x, c));
    if (strcmp(name, "functionArn") == 0)
        return pk_function_arn(x, c);
    if (strcmp(name, "roleArn") == 0)
        return pk_iam_role_arn(x, c, ROLE);
    if (strcmp(name, "version") == 0)
        return pk_json_text("$LATEST");
    if (strcmp(name, "logGroup") == 0)
        return pk_json_text(log_group_name(x, c));
    if (strcmp(name, "invokeArn") == 0) {
        json_auto_t *arn = pk_function_arn(x, c);
        return pk_json_textf("arn:%s:apigateway:%s:lambda:path/2015-03-31/functions/%s/invocations",
                             x->env->partition, x->env->region, json_string_value(arn));
    }
    return url(x, c, asked);
}

static json_t *identity(struct pk_expansion *x, const struct pk_component *c, const char *name) {
    return strcmp(name, "arn") == 0 ? pk_function_arn(x, c) : NULL;
}

static void access(struct pk_expansion *x, const struct pk_component *c, const char *level,
                   struct pk_statements *to) {
    static const char *const read[] = {"lambda:GetFunction", NULL};
    static const char *const write[] = {"lambda:InvokeFunction", NULL};
    static const char *const admin[] = {"lambda:*", NULL};
    const char *const *const parts[] = {pk_iam_includes(level, "read") ? read : NULL,
                                        pk_iam_includes(level, "write") ? write : NULL,
                                        strcmp(level, "admin") == 0 ? admin : NULL};
    for (size_t i = 0; i < PK_ARRAY_LEN(parts); i++)
        if (parts[i])
            pk_iam_allow(to, parts[i],
                         pk_iam_list(pk_function_arn(x, c),
                                     pk_x_arn(x, "lambda", "function:%s:*", pk_lambda_name(x, c))),
                         NULL);
}

const struct pk_kind pk_kind_lambda = {
    .table = {.kind = "Lambda",
              .group = "components.panka.io/v1",
              .doc = "Function and what triggers it.",
              .fields = fields,
              .n_fields = PK_ARRAY_LEN(fields),
              .outputs = outputs,
              .n_outputs = PK_ARRAY_LEN(outputs),
              .example = example,
              .offered = true},
    .check = check,
    .expand = expand,
    .output = output,
    .access = access,
    .default_access = "write",
    .identity = identity,
    .primary_type = PK_LAMBDA_FUNCTION,
};
