/* test_lambda.c - functions: code, role, environment, triggers. */
#include "findings.h"

#include <sys/stat.h>

#define FN_ARN "arn:aws:lambda:eu-west-1:123456789012:function:shop-test-fn"
#define INLINE "  runtime: nodejs24.x\n  code: {zipFile: \"exports.handler = 1\"}\n"
#define NO_VPC "  vpc: {enabled: false}\n"

static void smallest_function(void **state) {
    (void)state;
    struct fixture f;
    fx_begin(&f);
    fx_component(&f, "Lambda", "fn", INLINE);
    fx_expand(&f);
    fx_assert_clean(&f, "");
    assert_string_equal(fx_keys(&f, "fn"), "fn fn:log-group fn:role");
    assert_string_equal(
        fx_properties(&f, "fn", ""),
        "{\"Architectures\":[\"x86_64\"],\"Code\":{\"ZipFile\":\"exports.handler = 1\"},"
        "\"EphemeralStorage\":{\"Size\":512},\"FunctionName\":\"shop-test-fn\","
        "\"Handler\":\"index.handler\",\"LoggingConfig\":{\"LogFormat\":\"Text\",\"LogGroup\":"
        "\"/aws/lambda/shop-test-fn\"},\"MemorySize\":128,\"PackageType\":\"Zip\","
        "\"Role\":\"arn:aws:iam::123456789012:role/shop-test-fn-role\",\"Runtime\":\"nodejs24.x\","
        "\"Timeout\":30,\"TracingConfig\":{\"Mode\":\"PassThrough\"},\"VpcConfig\":"
        "{\"SecurityGroupIds\":[\"sg-tenant\"],\"SubnetIds\":[\"subnet-c\",\"subnet-d\"]}}");
    assert_string_equal(
        fx_properties(&f, "fn:role", "AssumeRolePolicyDocument"),
        "{\"ManagedPolicyArns\":[\"arn:aws:iam::aws:policy/service-role/"
        "AWSLambdaVPCAccessExecutionRole\"],\"Policies\":[{\"PolicyDocument\":{\"Statement\":"
        "[{\"Action\":[\"logs:CreateLogStream\",\"logs:PutLogEvents\"],\"Effect\":\"Allow\","
        "\"Resource\":[\"arn:aws:logs:eu-west-1:123456789012:log-group:/aws/lambda/"
        "shop-test-fn:*\"]}],\"Version\":\"2012-10-17\"},\"PolicyName\":\"logs\"}],"
        "\"RoleName\":\"shop-test-fn-role\"}");
    assert_property(&f, "fn:log-group", "LogGroupName", "\"/aws/lambda/shop-test-fn\"");
    assert_int_equal(fx_edge(&f, "fn", "fn:role")->strength, PK_EDGE_HARD);
    assert_int_equal(fx_edge(&f, "fn", "fn:log-group")->strength, PK_EDGE_HARD);
    assert_string_equal(fx_output(&f, "fn.functionArn"), "\"" FN_ARN "\"");
    assert_string_equal(fx_output(&f, "fn.invokeArn"),
                        "\"arn:aws:apigateway:eu-west-1:lambda:path/2015-03-31/functions/" FN_ARN
                        "/invocations\"");
    assert_string_equal(fx_output(&f, "fn.version"), "\"$LATEST\"");
    assert_string_equal(fx_output(&f, "fn.url"), "");
    fx_end(&f);
}

static void all_settings(void **state) {
    (void)state;
    struct fixture f;
    fx_begin(&f);
    fx_component(&f, "SQS", "dead", "  type: standard\n");
    fx_component(
        &f, "Lambda", "fn",
        "  description: Does things\n  runtime: python3.13\n  handler: app.main\n"
        "  code: {s3Bucket: artefacts, s3Key: fn.zip, s3ObjectVersion: v1}\n"
        "  memory: 1Gi\n  timeout: 5m\n  architecture: arm64\n  ephemeralStorageMB: 1024\n"
        "  reservedConcurrentExecutions: 0\n  tracing: true\n"
        "  layers: [\"arn:aws:lambda:eu-west-1:123456789012:layer:tools:3\"]\n"
        "  deadLetterQueue: {component: dead}\n"
        "  volumes: [{source: fs-1, accessPoint: fsap-2, mountPath: /mnt/data}]\n"
        "  vpc: {subnetIds: [subnet-1], securityGroupIds: [sg-1]}\n"
        "  logging: {retentionDays: never, format: JSON}\n"
        "  url: {enabled: true, authType: NONE, cors: {allowOrigins: [\"*\"], maxAge: 1h,\n"
        "    allowMethods: [GET], allowCredentials: true}}\n");
    fx_expand(&f);
    fx_assert_clean(&f, "lambda.url-public");
    assert_string_equal(fx_keys(&f, "fn"), "fn fn:log-group fn:role fn:url fn:permission-url "
                                           "fn:permission-url-invoke");
    assert_string_equal(
        fx_properties(&f, "fn", "FunctionName|Role|EphemeralStorage"),
        "{\"Architectures\":[\"arm64\"],\"Code\":{\"S3Bucket\":\"artefacts\",\"S3Key\":\"fn.zip\","
        "\"S3ObjectVersion\":\"v1\"},\"DeadLetterConfig\":{\"TargetArn\":"
        "\"arn:aws:sqs:eu-west-1:123456789012:shop-test-dead\"},\"Description\":\"Does things\","
        "\"FileSystemConfigs\":[{\"Arn\":\"arn:aws:elasticfilesystem:eu-west-1:123456789012:"
        "access-point/fsap-2\",\"LocalMountPath\":\"/mnt/data\"}],\"Handler\":\"app.main\","
        "\"Layers\":[\"arn:aws:lambda:eu-west-1:123456789012:layer:tools:3\"],"
        "\"LoggingConfig\":{\"LogFormat\":\"JSON\",\"LogGroup\":\"/aws/lambda/shop-test-fn\"},"
        "\"MemorySize\":1024,\"PackageType\":\"Zip\",\"ReservedConcurrentExecutions\":0,"
        "\"Runtime\":\"python3.13\",\"Timeout\":300,\"TracingConfig\":{\"Mode\":\"Active\"},"
        "\"VpcConfig\":{\"SecurityGroupIds\":[\"sg-1\"],\"SubnetIds\":[\"subnet-1\"]}}");
    assert_property(&f, "fn", "EphemeralStorage.Size", "1024");
    assert_no_property(&f, "fn:log-group", "RetentionInDays");
    assert_string_equal(fx_statements(&f, "fn:role", ACCESS),
                        "elasticfilesystem:ClientMount,elasticfilesystem:ClientWrite -> "
                        "arn:aws:elasticfilesystem:eu-west-1:123456789012:file-system/fs-1\n"
                        "sqs:GetQueueAttributes,sqs:GetQueueUrl,sqs:SendMessage -> "
                        "arn:aws:sqs:eu-west-1:123456789012:shop-test-dead\n"
                        "xray:PutTelemetryRecords,xray:PutTraceSegments -> *\n");
    assert_int_equal(fx_edge(&f, "fn", "dead")->strength, PK_EDGE_HARD);
    assert_string_equal(fx_properties(&f, "fn:url", ""),
                        "{\"AuthType\":\"NONE\",\"Cors\":{\"AllowCredentials\":true,"
                        "\"AllowMethods\":[\"GET\"],\"AllowOrigins\":[\"*\"],\"MaxAge\":3600},"
                        "\"TargetFunctionArn\":\"" FN_ARN "\"}");
    assert_string_equal(fx_properties(&f, "fn:permission-url", ""),
                        "{\"Action\":\"lambda:InvokeFunctionUrl\",\"FunctionName\":"
                        "\"shop-test-fn\",\"FunctionUrlAuthType\":\"NONE\",\"Principal\":\"*\"}");
    assert_string_equal(fx_properties(&f, "fn:permission-url-invoke", ""),
                        "{\"Action\":\"lambda:InvokeFunction\",\"FunctionName\":\"shop-test-fn\","
                        "\"InvokedViaFunctionUrl\":true,\"Principal\":\"*\"}");
    assert_string_equal(fx_output(&f, "fn.url"), "{\"$ref\":\"fn:url\",\"attr\":\"FunctionUrl\"}");
    fx_end(&f);
}

static void from_an_image_with_a_role_of_its_own(void **state) {
    (void)state;
    struct fixture f;
    fx_begin(&f);
    fx_component(&f, "Lambda", "fn",
                 NO_VPC
                 "  code: {imageUri: \"123456789012.dkr.ecr.eu-west-1.amazonaws.com/fn:1\"}\n"
                 "  roleArn: arn:aws:iam::123456789012:role/mine\n");
    fx_expand(&f);
    fx_assert_clean(&f, "");
    assert_string_equal(fx_keys(&f, "fn"), "fn fn:log-group");
    assert_property(&f, "fn", "PackageType", "\"Image\"");
    assert_property(&f, "fn", "Code",
                    "{\"ImageUri\":\"123456789012.dkr.ecr.eu-west-1.amazonaws.com/fn:1\"}");
    assert_property(&f, "fn", "Role", "\"arn:aws:iam::123456789012:role/mine\"");
    assert_no_property(&f, "fn", "Runtime");
    assert_no_property(&f, "fn", "Handler");
    assert_no_property(&f, "fn", "VpcConfig");
    fx_end(&f);
}

static void write_code(struct fixture *f, bool other) {
    fx_write(f, "services/web/src/index.js", "exports.handler = 1;\n");
    fx_write(f, "services/web/src/lib/a.js", other ? "// two\n" : "// one\n");
}

static const char *code_of(bool other, bool executable) {
    static char text[512];
    struct fixture f;
    fx_begin(&f);
    write_code(&f, other);
    PK_CLEANUP(pk_freep) char *path = pk_path_join(f.dir, "services/web/src/index.js");
    assert_int_equal(chmod(path, executable ? 0755 : 0644), 0);
    fx_component(&f, "Lambda", "fn",
                 NO_VPC "  runtime: nodejs24.x\n  handler: index.handler\n  code: {path: ./src}\n");
    fx_expand(&f);
    fx_assert_clean(&f, "");
    const json_t *code = json_object_get(fx_node(&f, "fn")->properties, "Code");
    PK_CLEANUP(pk_freep) char *folder = pk_path_join(f.dir, "services/web/src");
    PK_CLEANUP(pk_freep) char *real = pk_real_path(folder, NULL);
    assert_string_equal(pk_json_str(code, "ZipFile.$file", ""), real);
    snprintf(text, sizeof(text), "%s", pk_json_str(code, "ZipFile.sha256", ""));
    fx_end(&f);
    return text;
}

/* The hash follows content and modes, not the place or the time of the files. */
static void code_in_a_folder(void **state) {
    (void)state;
    char first[128];
    snprintf(first, sizeof(first), "%s", code_of(false, false));
    assert_int_equal(strlen(first), 64);
    assert_string_equal(code_of(false, false), first);
    assert_string_not_equal(code_of(true, false), first);
    assert_string_not_equal(code_of(false, true), first);
}

static void code_in_a_zip_file(void **state) {
    (void)state;
    struct fixture f;
    fx_begin(&f);
    fx_write(&f, "services/web/fn.zip", "not really a zip");
    fx_component(&f, "Lambda", "fn",
                 NO_VPC
                 "  runtime: nodejs24.x\n  handler: index.handler\n  code: {path: fn.zip}\n");
    fx_expand(&f);
    fx_assert_clean(&f, "");
    assert_string_equal(fx_json(&f, "fn", "Code.ZipFile.sha256"),
                        "\"d5bd64a5c43b6f8cc7f6c7897e954e58b89abfed62e851a47f842de714cca7d0\"");
    fx_end(&f);
}

static void environment_and_secrets(void **state) {
    (void)state;
    struct fixture f;
    fx_begin(&f);
    fx_component(&f, "DynamoDB", "table", "  hashKey: {name: id}\n");
    fx_component(&f, "Lambda", "fn",
                 INLINE NO_VPC
                 "  environment:\n    LEVEL: info\n    TABLE: \"${table.tableName}\"\n"
                 "  secrets:\n    - {name: db-password, secretRef: \"shop/db#password\"}\n"
                 "    - {name: TOKEN, secretRef: \"ssm:/shop/token\"}\n");
    fx_expand(&f);
    fx_assert_clean(&f, "");
    assert_property(&f, "fn", "Environment.Variables",
                    "{\"DB_PASSWORD_SECRET_ARN\":{\"$secretArn\":\"shop/db\"},"
                    "\"DB_PASSWORD_SECRET_KEY\":\"password\",\"LEVEL\":\"info\","
                    "\"TABLE\":\"shop-test-table\",\"TOKEN_SECRET_ARN\":"
                    "\"arn:aws:ssm:eu-west-1:123456789012:parameter/shop/token\"}");
    const char *statements = fx_statements(&f, "fn:role", ACCESS);
    assert_non_null(strstr(statements, "secretsmanager:GetSecretValue -> "
                                       "{\"$secretArn\":\"shop/db\"}\n"));
    assert_non_null(strstr(statements,
                           "ssm:GetParameter,ssm:GetParameters -> arn:aws:ssm:eu-west-1:"
                           "123456789012:parameter/shop/token\n"));
    assert_non_null(strstr(statements, "dynamodb:BatchWriteItem,"));
    assert_int_equal(fx_edge(&f, "fn", "table")->strength, PK_EDGE_SOFT);
    fx_end(&f);
}

/* --- triggers --------------------------------------------------------------------------------- */

static void queue_and_stream_triggers(void **state) {
    (void)state;
    struct fixture f;
    fx_begin(&f);
    fx_component(&f, "SQS", "jobs", "  visibilityTimeout: 3m\n");
    fx_component(&f, "SQS", "lost", "  type: standard\n");
    fx_component(&f, "DynamoDB", "table", "  hashKey: {name: id}\n  stream: {enabled: true}\n");
    fx_component(
        &f, "Lambda", "fn",
        INLINE NO_VPC
        "  triggers:\n"
        "    - {type: sqs, source: {component: jobs}, batchSize: 100, batchWindow: 5,\n"
        "       maxConcurrency: 5, reportBatchItemFailures: true,\n"
        "       filter: [{body: {kind: [order]}}, '{\"body\":{\"a\":[1]}}']}\n"
        "    - {name: changes, type: dynamodb, source: {component: table}, parallelization: 2,\n"
        "       startingPosition: TRIM_HORIZON, bisectOnError: true, maxRetries: 3,\n"
        "       maxRecordAge: 1h, onFailure: lost}\n"
        "    - {name: clicks, type: kinesis, maxRecordAge: -1, maxRetries: -1,\n"
        "       source: {arn: \"arn:aws:kinesis:eu-west-1:123456789012:stream/clicks\"},\n"
        "       startingPosition: AT_TIMESTAMP, startingTimestamp: 1700000000,\n"
        "       onFailure: \"arn:aws:sns:eu-west-1:123456789012:failed\"}\n");
    fx_expand(&f);
    fx_assert_clean(&f, "");
    assert_string_equal(
        fx_properties(&f, "fn:source-jobs", ""),
        "{\"BatchSize\":100,\"Enabled\":true,\"EventSourceArn\":"
        "\"arn:aws:sqs:eu-west-1:123456789012:shop-test-jobs\",\"FilterCriteria\":{\"Filters\":"
        "[{\"Pattern\":\"{\\\"body\\\":{\\\"kind\\\":[\\\"order\\\"]}}\"},"
        "{\"Pattern\":\"{\\\"body\\\":{\\\"a\\\":[1]}}\"}]},\"FunctionName\":\"shop-test-fn\","
        "\"FunctionResponseTypes\":[\"ReportBatchItemFailures\"],"
        "\"MaximumBatchingWindowInSeconds\":5,\"ScalingConfig\":{\"MaximumConcurrency\":5}}");
    assert_string_equal(
        fx_properties(&f, "fn:source-changes", ""),
        "{\"BatchSize\":100,\"BisectBatchOnFunctionError\":true,\"DestinationConfig\":"
        "{\"OnFailure\":{\"Destination\":\"arn:aws:sqs:eu-west-1:123456789012:shop-test-lost\"}},"
        "\"Enabled\":true,\"EventSourceArn\":{\"$ref\":\"table\",\"attr\":\"StreamArn\"},"
        "\"FunctionName\":\"shop-test-fn\",\"MaximumRecordAgeInSeconds\":3600,"
        "\"MaximumRetryAttempts\":3,\"ParallelizationFactor\":2,\"StartingPosition\":"
        "\"TRIM_HORIZON\"}");
    assert_string_equal(
        fx_properties(&f, "fn:source-clicks", "FunctionName|Enabled|BatchSize"),
        "{\"DestinationConfig\":{\"OnFailure\":{\"Destination\":"
        "\"arn:aws:sns:eu-west-1:123456789012:failed\"}},\"EventSourceArn\":"
        "\"arn:aws:kinesis:eu-west-1:123456789012:stream/clicks\",\"MaximumRecordAgeInSeconds\":-1,"
        "\"MaximumRetryAttempts\":-1,\"StartingPosition\":\"AT_TIMESTAMP\","
        "\"StartingPositionTimestamp\":1700000000}");
    assert_int_equal(fx_edge(&f, "fn:source-jobs", "fn")->strength, PK_EDGE_HARD);
    assert_int_equal(fx_edge(&f, "fn:source-jobs", "jobs")->strength, PK_EDGE_HARD);
    assert_int_equal(fx_edge(&f, "fn:source-changes", "table")->strength, PK_EDGE_HARD);
    assert_int_equal(fx_edge(&f, "fn:source-changes", "lost")->strength, PK_EDGE_HARD);
    assert_null(fx_edge(&f, "fn", "jobs"));
    assert_string_equal(
        fx_statements(&f, "fn:role", ACCESS),
        "dynamodb:DescribeStream,dynamodb:GetRecords,dynamodb:GetShardIterator,"
        "dynamodb:ListStreams -> arn:aws:dynamodb:eu-west-1:123456789012:table/shop-test-table/"
        "stream/*\n"
        "kinesis:DescribeStream,kinesis:DescribeStreamSummary,kinesis:GetRecords,"
        "kinesis:GetShardIterator,kinesis:ListShards,kinesis:SubscribeToShard -> "
        "arn:aws:kinesis:eu-west-1:123456789012:stream/clicks\n"
        "sns:Publish -> arn:aws:sns:eu-west-1:123456789012:failed\n"
        "sqs:ChangeMessageVisibility,sqs:DeleteMessage,sqs:GetQueueAttributes,sqs:ReceiveMessage "
        "-> arn:aws:sqs:eu-west-1:123456789012:shop-test-jobs\n"
        "sqs:GetQueueAttributes,sqs:GetQueueUrl,sqs:SendMessage -> "
        "arn:aws:sqs:eu-west-1:123456789012:shop-test-lost\n");
    fx_end(&f);
}

static void kafka_trigger(void **state) {
    (void)state;
    struct fixture f;
    fx_begin(&f);
    fx_component(&f, "Lambda", "fn",
                 INLINE NO_VPC
                 "  triggers:\n    - {name: log, type: msk, topics: [orders], consumerGroup: g,\n"
                 "       source: {arn: \"arn:aws:kafka:eu-west-1:123456789012:cluster/c/1\"}}\n");
    fx_expand(&f);
    fx_assert_clean(&f, "");
    assert_string_equal(fx_properties(&f, "fn:source-log", "FunctionName|Enabled|BatchSize"),
                        "{\"AmazonManagedKafkaEventSourceConfig\":{\"ConsumerGroupId\":\"g\"},"
                        "\"EventSourceArn\":\"arn:aws:kafka:eu-west-1:123456789012:cluster/c/1\","
                        "\"StartingPosition\":\"LATEST\",\"Topics\":[\"orders\"]}");
    const char *statements = fx_statements(&f, "fn:role", ACCESS);
    assert_non_null(strstr(statements, "kafka-cluster:DescribeTopic,kafka-cluster:ReadData -> "
                                       "arn:aws:kafka:eu-west-1:123456789012:topic/c/1/*\n"));
    assert_non_null(strstr(statements, "ec2:CreateNetworkInterface,"));
    fx_end(&f);
}

static void rule_triggers(void **state) {
    (void)state;
    struct fixture f;
    fx_begin(&f);
    fx_component(
        &f, "Lambda", "fn",
        INLINE NO_VPC
        "  triggers:\n"
        "    - {type: schedule, schedule: rate(5 minutes), input: {a: 1}, description: often}\n"
        "    - {type: eventbridge, pattern: {source: [shop]}, bus: orders}\n");
    fx_expand(&f);
    fx_assert_clean(&f, "");
    assert_string_equal(
        fx_properties(&f, "fn:rule-schedule", ""),
        "{\"Description\":\"often\",\"Name\":\"shop-test-fn-rule-schedule\","
        "\"ScheduleExpression\":\"rate(5 minutes)\",\"State\":\"ENABLED\",\"Targets\":"
        "[{\"Arn\":\"" FN_ARN "\",\"Id\":\"function\",\"Input\":\"{\\\"a\\\":1}\"}]}");
    assert_string_equal(
        fx_properties(&f, "fn:permission-schedule", ""),
        "{\"Action\":\"lambda:InvokeFunction\",\"FunctionName\":\"shop-test-fn\",\"Principal\":"
        "\"events.amazonaws.com\",\"SourceArn\":"
        "\"arn:aws:events:eu-west-1:123456789012:rule/shop-test-fn-rule-schedule\"}");
    assert_string_equal(fx_properties(&f, "fn:rule-events", ""),
                        "{\"EventBusName\":\"orders\",\"EventPattern\":{\"source\":[\"shop\"]},"
                        "\"Name\":\"shop-test-fn-rule-events\",\"State\":\"ENABLED\",\"Targets\":"
                        "[{\"Arn\":\"" FN_ARN "\",\"Id\":\"function\"}]}");
    assert_property(&f, "fn:permission-events", "SourceArn",
                    "\"arn:aws:events:eu-west-1:123456789012:rule/orders/"
                    "shop-test-fn-rule-events\"");
    assert_non_null(fx_edge(&f, "fn:rule-schedule", "fn:permission-schedule"));
    assert_int_equal(fx_edge(&f, "fn:permission-schedule", "fn")->strength, PK_EDGE_HARD);
    fx_end(&f);
}

static void topic_and_bucket_triggers(void **state) {
    (void)state;
    struct fixture f;
    fx_begin(&f);
    fx_component(&f, "SNS", "news", "  fifoTopic: false\n");
    fx_component(&f, "S3", "files", "  versioning: {enabled: true}\n");
    fx_component(&f, "Lambda", "fn",
                 INLINE NO_VPC
                 "  triggers:\n"
                 "    - {type: sns, source: {component: news}, filterPolicy: {kind: [a]},\n"
                 "       filterPolicyScope: MessageBody}\n"
                 "    - {type: s3, s3: {bucket: files, events: [\"s3:ObjectCreated:*\"],\n"
                 "         prefix: in/, suffix: .csv}}\n");
    fx_expand(&f);
    fx_assert_clean(&f, "");
    assert_string_equal(fx_properties(&f, "fn:subscription-news", ""),
                        "{\"Endpoint\":\"" FN_ARN "\",\"FilterPolicy\":{\"kind\":[\"a\"]},"
                        "\"FilterPolicyScope\":\"MessageBody\",\"Protocol\":\"lambda\","
                        "\"TopicArn\":\"arn:aws:sns:eu-west-1:123456789012:shop-test-news\"}");
    assert_property(&f, "fn:permission-news", "SourceArn",
                    "\"arn:aws:sns:eu-west-1:123456789012:shop-test-news\"");
    assert_int_equal(fx_edge(&f, "fn:subscription-news", "news")->strength, PK_EDGE_HARD);
    assert_non_null(fx_edge(&f, "fn:subscription-news", "fn:permission-news"));
    assert_property(&f, "fn:permission-files", "SourceAccount", "\"123456789012\"");
    assert_property(&f, "fn:permission-files", "Principal", "\"s3.amazonaws.com\"");
    assert_property(
        &f, "files:notifications", "NotificationConfiguration",
        "{\"LambdaConfigurations\":[{\"Events\":[\"s3:ObjectCreated:*\"],\"Filter\":{\"S3Key\":"
        "{\"Rules\":[{\"Name\":\"prefix\",\"Value\":\"in/\"},{\"Name\":\"suffix\",\"Value\":"
        "\".csv\"}]}},\"Function\":\"" FN_ARN "\",\"Id\":\"panka-fn-files\"}]}");
    assert_int_equal(fx_edge(&f, "files:notifications", "fn:permission-files")->strength,
                     PK_EDGE_HARD);
    fx_end(&f);
}

static void routes_of_the_stacks_api(void **state) {
    (void)state;
    struct fixture f;
    fx_begin(&f);
    fx_component(&f, "Lambda", "fn",
                 INLINE NO_VPC
                 "  triggers:\n"
                 "    - {name: user, type: apigateway, authorizer: iam,\n"
                 "       http: {method: GET, path: \"/users/{id}/pets\"}}\n"
                 "    - {name: rest, type: apigateway, http: {path: \"/{proxy+}\"}}\n");
    fx_expand(&f);
    fx_assert_clean(&f, "");
    assert_string_equal(fx_properties(&f, "_stack:http-api", ""),
                        "{\"Name\":\"shop-test-http-api\",\"ProtocolType\":\"HTTP\"}");
    assert_string_equal(fx_properties(&f, "_stack:http-api-stage", "AccessLogSettings"),
                        "{\"ApiId\":{\"$ref\":\"_stack:http-api\",\"attr\":\"ApiId\"},"
                        "\"AutoDeploy\":true,\"StageName\":\"$default\"}");
    assert_property(&f, "_stack:http-api-stage", "AccessLogSettings.DestinationArn",
                    "\"arn:aws:logs:eu-west-1:123456789012:log-group:/panka/shop/test/_stack/"
                    "http-api-logs\"");
    assert_string_equal(
        fx_properties(&f, "fn:integration", ""),
        "{\"ApiId\":{\"$ref\":\"_stack:http-api\",\"attr\":\"ApiId\"},\"IntegrationType\":"
        "\"AWS_PROXY\",\"IntegrationUri\":\"" FN_ARN "\",\"PayloadFormatVersion\":\"2.0\"}");
    assert_string_equal(
        fx_properties(&f, "fn:route-user", ""),
        "{\"ApiId\":{\"$ref\":\"_stack:http-api\",\"attr\":\"ApiId\"},\"AuthorizationType\":"
        "\"AWS_IAM\",\"RouteKey\":\"GET /users/{id}/pets\",\"Target\":{\"$join\":"
        "[\"integrations/\",{\"$ref\":\"fn:integration\",\"attr\":\"IntegrationId\"}]}}");
    assert_property(&f, "fn:permission-user", "SourceArn",
                    "{\"$join\":[\"arn:aws:execute-api:eu-west-1:123456789012:\",{\"$ref\":"
                    "\"_stack:http-api\",\"attr\":\"ApiId\"},\"/*/GET/users/*/pets\"]}");
    assert_property(&f, "fn:permission-rest", "SourceArn",
                    "{\"$join\":[\"arn:aws:execute-api:eu-west-1:123456789012:\",{\"$ref\":"
                    "\"_stack:http-api\",\"attr\":\"ApiId\"},\"/*/*/*\"]}");
    assert_string_equal(fx_output(&f, "fn.url"),
                        "{\"$join\":[{\"$ref\":\"_stack:http-api\",\"attr\":\"ApiEndpoint\"},"
                        "\"/users/{id}/pets\"]}");
    fx_end(&f);
}

/* The source may be ready long before or after the function: only the mapping needs both. */
static void a_function_may_use_its_own_source(void **state) {
    (void)state;
    struct fixture f;
    fx_begin(&f);
    fx_component(&f, "SQS", "jobs", "  visibilityTimeout: 3m\n");
    fx_component(&f, "Lambda", "fn",
                 INLINE NO_VPC "  environment: {QUEUE: \"${jobs.queueUrl}\"}\n"
                               "  triggers: [{type: sqs, source: {component: jobs}}]\n");
    fx_expand(&f);
    fx_assert_clean(&f, "");
    /* readwrite of the reference has all that the trigger needs, and the trigger keeps its own */
    const char *statements = fx_statements(&f, "fn:role", ACCESS);
    assert_non_null(strstr(statements, "sqs:SendMessage"));
    fx_end(&f);
}

/* --- findings --------------------------------------------------------------------------------- */

static void others(struct fixture *f) {
    fx_component(f, "SQS", "jobs", "  visibilityTimeout: 60\n");
    fx_component(f, "SQS", "ordered", "  type: fifo\n  visibilityTimeout: 1h\n");
    fx_component(f, "SQS", "slow", "  visibilityTimeout: 1h\n");
    fx_component(f, "SNS", "news", "  fifoTopic: true\n");
    fx_component(f, "S3", "files", "  versioning: {enabled: true}\n");
    fx_component(f, "DynamoDB", "table", "  hashKey: {name: id}\n");
    fx_component(f, "Lambda", "first",
                 INLINE "  timeout: 5\n  triggers: [{type: apigateway, http: {path: /a}}]\n");
    fx_write(f, "services/web/one.js", "1");
    assert_true(pk_mkdir_p(pk_arena_printf(f->arena, "%s/services/web/empty", f->dir), 0755, NULL));
}

#define ZIP(source) "  runtime: nodejs24.x\n  handler: a.b\n  code: {" source "}\n"
#define TRIGGER(text) INLINE "  triggers:\n    - {" text "}\n"

static void findings_of_code(void **state) {
    (void)state;
    static const struct finding_case cases[] = {
        ERROR_AT("lambda.code-source", 1, "  runtime: nodejs24.x\n  handler: a.b\n"),
        ERROR_AT("lambda.code-source", 7, ZIP("path: one.js, zipFile: b")),
        ERROR_AT("lambda.code-source", 7, ZIP("s3Bucket: b")),
        ERROR_AT("lambda.code-source", 7, ZIP("s3Bucket: b, s3Key: k, imageUri: i")),
        ERROR_AT("lambda.code-source", 7, ZIP("zipFile: b, s3ObjectVersion: v")),
        ERROR_AT("lambda.code-source", 6, "  runtime: java21\n  code: {zipFile: a}\n"),
        ERROR_AT("lambda.runtime-unknown", 5, "  runtime: node24.x\n  code: {zipFile: a}\n"),
        ERROR_AT("lambda.runtime-unknown", 5, "  code: {zipFile: a}\n"),
        ERROR_AT("lambda.image-field", 5, "  runtime: nodejs24.x\n  code: {imageUri: a}\n"),
        ERROR_AT("lambda.handler", 6, "  runtime: nodejs24.x\n  code: {path: src}\n"),
        ERROR_AT("lambda.handler", 6, "  runtime: nodejs24.x\n  handler: a b\n  code: {path: a}\n"),
        ERROR_AT("file.missing", 7, ZIP("path: nowhere")),
        ERROR_AT("lambda.code-path", 7, ZIP("path: one.js")),
        ERROR_AT("lambda.code-path", 7, ZIP("path: empty")),
        WARNING_AT("lambda.runtime-deprecated", 5, "  runtime: nodejs18.x\n  code: {zipFile: a}\n"),
        WARNING_AT("lambda.runtime-deprecated", 5, "  runtime: python2.7\n  code: {zipFile: a}\n"),
        INFO_AT("lambda.runtime-deprecated", 5, "  runtime: nodejs22.x\n  code: {zipFile: a}\n"),
    };
    check_findings("Lambda", cases, PK_ARRAY_LEN(cases), others);
}

static void findings_of_settings(void **state) {
    (void)state;
    static const struct finding_case cases[] = {
        ERROR_AT("lambda.memory", 7, INLINE "  memory: 64\n"),
        ERROR_AT("lambda.timeout", 7, INLINE "  timeout: 16m\n"),
        ERROR_AT("lambda.layer-count", 7, INLINE "  layers: [a, b, c, d, e, f]\n"),
        ERROR_AT("lambda.env-name", 7, INLINE "  environment: {AWS_REGION: a}\n"),
        ERROR_AT("lambda.env-name", 7, INLINE "  environment: {_A: a}\n"),
        ERROR_AT("lambda.env-name", 8,
                 INLINE "  environment: {A_SECRET_ARN: a}\n"
                        "  secrets: [{name: A, secretRef: s}]\n"),
        ERROR_AT("lambda.vpc-off", 8, INLINE NO_VPC "  networking: {subnets: public}\n"),
        ERROR_AT("field.conflict", 8,
                 INLINE "  vpc: {enabled: true, securityGroupIds: [sg-0123456789abcdef0]}\n"
                        "  networking: {securityGroups: [sg-0123456789abcdef1]}\n"),
        ERROR_AT("lambda.vpc-off", 8,
                 INLINE NO_VPC "  volumes: [{accessPoint: fsap-1, mountPath: /mnt/a}]\n"),
        ERROR_AT("efs.access-point", 7,
                 INLINE "  volumes: [{accessPoint: a, mountPath: /mnt/a}]\n"),
        ERROR_AT("lambda.dlq-kind", 7, INLINE "  deadLetterQueue: {component: table}\n"),
        ERROR_AT("lambda.dlq-kind", 7, INLINE "  deadLetterQueue: {component: ordered}\n"),
        WARNING_AT("lambda.url-public", 7, INLINE "  url: {enabled: true, authType: NONE}\n"),
        ERROR_AT("lambda.url-off", 7, INLINE "  url: {authType: AWS_IAM}\n"),
    };
    check_findings("Lambda", cases, PK_ARRAY_LEN(cases), others);
}

static void findings_of_triggers(void **state) {
    (void)state;
    static const struct finding_case cases[] = {
        ERROR_AT("lambda.visibility", 9,
                 INLINE
                 "  timeout: 2m\n  triggers:\n    - {type: sqs, source: {component: jobs}}\n"),
        WARNING_AT("lambda.visibility", 8, TRIGGER("type: sqs, source: {component: jobs}")),
        ERROR_AT("lambda.stream-off", 8, TRIGGER("type: dynamodb, source: {component: table}")),
        ERROR_AT("lambda.s3-unmanaged", 8,
                 TRIGGER("type: s3, s3: {bucket: other, events: [\"s3:ObjectCreated:*\"]}")),
        ERROR_AT("lambda.trigger-source", 8, TRIGGER("type: sqs")),
        ERROR_AT("lambda.trigger-source", 8, TRIGGER("type: sqs, source: {component: table}")),
        ERROR_AT("lambda.trigger-source", 8,
                 TRIGGER("type: sqs, source: {arn: \"arn:aws:sns:a:1:b\"}")),
        ERROR_AT("lambda.trigger-source", 8,
                 TRIGGER("type: apigateway, http: {path: /b}, source: {component: table}")),
        ERROR_AT("lambda.trigger-source", 8,
                 TRIGGER("type: msk, topics: [a], source: {component: table}")),
        ERROR_AT("lambda.trigger-source", 8,
                 TRIGGER("type: msk, source: {arn: \"arn:aws:kafka:a:1:cluster/c/1\"}")),
        ERROR_AT("lambda.trigger-source", 8, TRIGGER("type: s3")),
        ERROR_AT("lambda.trigger-source", 8, TRIGGER("type: apigateway")),
        ERROR_AT("lambda.trigger-field", 8,
                 TRIGGER("type: schedule, schedule: rate(1 hour), batchSize: 5")),
        ERROR_AT("lambda.trigger-schedule", 8, TRIGGER("type: eventbridge")),
        ERROR_AT("lambda.trigger-schedule", 8, TRIGGER("type: schedule")),
        ERROR_AT("lambda.trigger-schedule", 8,
                 TRIGGER("type: schedule, schedule: at(2030-01-01T00:00:00)")),
        ERROR_AT("lambda.trigger-schedule", 8,
                 TRIGGER("type: eventbridge, schedule: rate(1 hour), bus: a")),
        ERROR_AT("lambda.batch-size", 8,
                 TRIGGER("type: sqs, source: {component: slow}, batchSize: 11")),
        ERROR_AT("lambda.batch-size", 8,
                 TRIGGER("type: sqs, source: {component: ordered}, batchSize: 11")),
        ERROR_AT("lambda.batch-size", 8,
                 TRIGGER("type: sqs, source: {component: ordered}, batchWindow: 1")),
        ERROR_AT("lambda.starting-position", 8,
                 TRIGGER("type: kinesis, source: {arn: \"arn:aws:kinesis:a:1:s\"}, "
                         "startingPosition: AT_TIMESTAMP")),
        ERROR_AT("lambda.starting-position", 8,
                 TRIGGER("type: dynamodb, source: {component: table}, "
                         "startingPosition: AT_TIMESTAMP")),
        ERROR_AT("lambda.filter-json", 8,
                 TRIGGER("type: sqs, source: {component: slow}, filter: [\"{\"]")),
        ERROR_AT("lambda.filter-json", 8, TRIGGER("type: eventbridge, pattern: [1]")),
        ERROR_AT("lambda.dlq-kind", 9,
                 TRIGGER("type: dynamodb, source: {component: table},\n       onFailure: files")),
        ERROR_AT("lambda.dlq-kind", 9,
                 TRIGGER("type: dynamodb, source: {component: table},\n       onFailure: ordered")),
        ERROR_AT("lambda.trigger-name", 9,
                 TRIGGER("type: schedule, schedule: rate(1 hour)") "    - {type: schedule, "
                                                                   "schedule: rate(2 hours)}\n"),
        ERROR_AT("lambda.trigger-name", 8,
                 TRIGGER("name: url, type: schedule, schedule: rate(1 hour)")),
        ERROR_AT("sns.fifo-protocol", 8, TRIGGER("type: sns, source: {component: news}")),
        ERROR_AT("apigw.route-dup", 8, TRIGGER("type: apigateway, http: {path: /a}")),
        ERROR_AT(
            "apigw.route-dup", 9,
            TRIGGER(
                "name: a, type: apigateway, http: {path: /b}") "    - {name: b, type: apigateway, "
                                                               "http: {path: /b}}\n"),
        ERROR_AT("s3.event", 8, TRIGGER("type: s3, s3: {bucket: files, events: [created]}")),
    };
    check_findings("Lambda", cases, PK_ARRAY_LEN(cases), others);
}

static void too_large_an_environment(void **state) {
    (void)state;
    struct fixture f;
    struct pk_buf spec = PK_BUF_INIT(65536);
    fx_begin(&f);
    pk_buf_addz(&spec, INLINE NO_VPC "  environment:\n");
    for (int i = 0; i < 50; i++)
        pk_buf_addf(&spec, "    NAME_%d: \"%0100d\"\n", i, i);
    fx_component(&f, "Lambda", "fn", pk_buf_cstr(&spec));
    fx_expand(&f);
    assert_int_equal(fx_finding(&f, "lambda.env-size")->span.line, 8);
    pk_buf_release(&spec);
    fx_end(&f);
}

/* Without a network functions run outside of one. */
static void without_a_network(void **state) {
    (void)state;
    struct fixture f;
    fx_begin(&f);
    f.offline = true;
    fx_component(&f, "Lambda", "fn", INLINE);
    fx_expand(&f);
    fx_assert_clean(&f, "");
    assert_no_property(&f, "fn", "VpcConfig");
    assert_no_property(&f, "fn:role", "ManagedPolicyArns");
    fx_end(&f);
}

static void access_levels(void **state) {
    (void)state;
    struct fixture f;
    fx_begin(&f);
    fx_component(&f, "Lambda", "fn", INLINE NO_VPC);
    fx_component(&f, "MicroService", "app",
                 "  image: {repository: nginx, tag: \"1\"}\n"
                 "  permissions: [{component: fn, access: readwrite}]\n");
    fx_component(&f, "MicroService", "chief",
                 "  image: {repository: nginx, tag: \"1\"}\n"
                 "  permissions: [{component: fn, access: admin}]\n");
    fx_expand(&f);
    fx_assert_clean(&f, "");
    assert_string_equal(fx_statements(&f, "app:task-role", ACCESS),
                        "lambda:GetFunction -> " FN_ARN "," FN_ARN ":*\n"
                        "lambda:InvokeFunction -> " FN_ARN "," FN_ARN ":*\n");
    assert_string_equal(fx_statements(&f, "chief:task-role", ACCESS),
                        "lambda:* -> " FN_ARN "," FN_ARN ":*\n");
    fx_end(&f);
}

static void example(void **state) {
    (void)state;
    check_example("Lambda");
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(smallest_function),
        cmocka_unit_test(all_settings),
        cmocka_unit_test(from_an_image_with_a_role_of_its_own),
        cmocka_unit_test(code_in_a_folder),
        cmocka_unit_test(code_in_a_zip_file),
        cmocka_unit_test(environment_and_secrets),
        cmocka_unit_test(queue_and_stream_triggers),
        cmocka_unit_test(kafka_trigger),
        cmocka_unit_test(rule_triggers),
        cmocka_unit_test(topic_and_bucket_triggers),
        cmocka_unit_test(routes_of_the_stacks_api),
        cmocka_unit_test(a_function_may_use_its_own_source),
        cmocka_unit_test(findings_of_code),
        cmocka_unit_test(findings_of_settings),
        cmocka_unit_test(findings_of_triggers),
        cmocka_unit_test(too_large_an_environment),
        cmocka_unit_test(without_a_network),
        cmocka_unit_test(access_levels),
        cmocka_unit_test(example),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
