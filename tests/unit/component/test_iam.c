/* test_iam.c - roles: trust, what references grant, what users add, limits. */
#include "findings.h"

#define IMAGE "  image: {repository: nginx, tag: \"1\"}\n"
#define QUEUE_ARN "arn:aws:sqs:eu-west-1:123456789012:"
#define TABLE_ARN "arn:aws:dynamodb:eu-west-1:123456789012:table/"

static void trust_and_nothing_else(void **state) {
    (void)state;
    struct fixture f;
    fx_begin(&f);
    fx_component(&f, "MicroService", "app", IMAGE);
    fx_expand(&f);
    fx_assert_clean(&f, "");
    assert_string_equal(
        fx_properties(&f, "app:task-role", ""),
        "{\"AssumeRolePolicyDocument\":{\"Statement\":[{\"Action\":\"sts:AssumeRole\","
        "\"Condition\":{\"ArnLike\":{\"aws:SourceArn\":\"arn:aws:ecs:eu-west-1:123456789012:*\"},"
        "\"StringEquals\":{\"aws:SourceAccount\":\"123456789012\"}},\"Effect\":\"Allow\","
        "\"Principal\":{\"Service\":\"ecs-tasks.amazonaws.com\"}}],\"Version\":\"2012-10-17\"},"
        "\"RoleName\":\"shop-test-app-task\"}");
    fx_end(&f);
}

/* Every kind of reference counts once; permissions change what it grants. */
static void references_grant(void **state) {
    (void)state;
    struct fixture f;
    fx_begin(&f);
    fx_component(&f, "SQS", "a-queue", "  type: standard\n");
    fx_component(&f, "SQS", "b-queue", "  type: standard\n");
    fx_component(&f, "SQS", "c-queue", "  type: standard\n");
    fx_component(&f, "SNS", "news", "  fifoTopic: false\n");
    fx_component(&f, "SNS", "quiet", "  fifoTopic: false\n");
    fx_component(&f, "RDS", "db",
                 "  engine: {type: postgres, version: \"16\"}\n"
                 "  instance: {class: db.t4g.micro, storage: {allocatedGB: 20}}\n"
                 "  database: {name: shop, username: shop, managedPassword: true}\n");
    fx_component(&f, "MicroService", "app",
                 IMAGE "  environment:\n    A: \"${a-queue.queueUrl}\"\n    A2: x-${a-queue.name}\n"
                       "    B: {valueFrom: {component: b-queue, output: queueArn}}\n"
                       "    DB: \"${db.endpoint}\"\n    Q: \"${quiet.topicArn}\"\n"
                       "  dependsOn: [news]\n"
                       "  permissions:\n    - {component: quiet, access: none}\n"
                       "    - {component: b-queue, access: read}\n"
                       "    - {component: c-queue, access: write}\n");
    fx_expand(&f);
    fx_assert_clean(&f, "");
    assert_string_equal(
        fx_statements(&f, "app:task-role", ACCESS),
        "sns:Publish -> arn:aws:sns:eu-west-1:123456789012:shop-test-news\n"
        "sqs:ChangeMessageVisibility,sqs:DeleteMessage,sqs:GetQueueAttributes,sqs:GetQueueUrl,"
        "sqs:ReceiveMessage,sqs:SendMessage -> " QUEUE_ARN "shop-test-a-queue\n"
        "sqs:GetQueueAttributes,sqs:GetQueueUrl,sqs:SendMessage -> " QUEUE_ARN "shop-test-c-queue\n"
        "sqs:GetQueueAttributes,sqs:GetQueueUrl -> " QUEUE_ARN "shop-test-b-queue\n");
    fx_end(&f);
}

static void the_same_actions_are_one_statement(void **state) {
    (void)state;
    struct fixture f;
    fx_begin(&f);
    fx_component(&f, "SNS", "zeta", "  fifoTopic: false\n");
    fx_component(&f, "SNS", "alpha", "  fifoTopic: false\n");
    fx_component(&f, "MicroService", "app", IMAGE "  dependsOn: [zeta, alpha]\n");
    fx_expand(&f);
    fx_assert_clean(&f, "");
    assert_string_equal(fx_statements(&f, "app:task-role", ACCESS),
                        "sns:Publish -> arn:aws:sns:eu-west-1:123456789012:shop-test-alpha,"
                        "arn:aws:sns:eu-west-1:123456789012:shop-test-zeta\n");
    fx_end(&f);
}

static void keys_follow_access(void **state) {
    (void)state;
    struct fixture f;
    fx_begin(&f);
    fx_component(&f, "SQS", "by-alias", "  encryption: {kmsKey: alias/mine}\n");
    fx_component(&f, "SQS", "by-id",
                 "  encryption: {kmsKey: 12345678-1234-1234-1234-123456789012}\n");
    fx_component(&f, "SQS", "by-arn",
                 "  encryption: {kmsKey: \"arn:aws:kms:eu-west-1:123456789012:key/k\"}\n");
    fx_component(&f, "SQS", "of-aws", "  encryption: {kmsKey: alias/aws/sqs}\n");
    fx_component(&f, "MicroService", "app",
                 IMAGE "  permissions:\n    - {component: by-alias, access: write}\n"
                       "    - {component: by-id, access: consume}\n"
                       "    - {component: by-arn, access: consume}\n"
                       "    - {component: of-aws, access: admin}\n");
    fx_expand(&f);
    fx_assert_clean(&f, "");
    assert_property(
        &f, "app:task-role", ACCESS "[0]",
        "{\"Action\":[\"kms:Decrypt\",\"kms:GenerateDataKey\"],\"Condition\":"
        "{\"ForAnyValue:StringEquals\":{\"kms:ResourceAliases\":\"alias/mine\"},\"StringEquals\":"
        "{\"kms:ViaService\":\"sqs.eu-west-1.amazonaws.com\"}},\"Effect\":\"Allow\",\"Resource\":"
        "[\"arn:aws:kms:eu-west-1:123456789012:key/*\"]}");
    assert_property(
        &f, "app:task-role", ACCESS "[1]",
        "{\"Action\":[\"kms:Decrypt\"],\"Condition\":{\"StringEquals\":{\"kms:ViaService\":"
        "\"sqs.eu-west-1.amazonaws.com\"}},\"Effect\":\"Allow\",\"Resource\":"
        "[\"arn:aws:kms:eu-west-1:123456789012:key/12345678-1234-1234-1234-123456789012\","
        "\"arn:aws:kms:eu-west-1:123456789012:key/k\"]}");
    fx_end(&f);
}

static void users_add_statements_and_policies(void **state) {
    (void)state;
    struct fixture f;
    fx_begin(&f);
    fx_component(&f, "DynamoDB", "table", "  hashKey: {name: id}\n");
    fx_component(
        &f, "MicroService", "app",
        IMAGE "  runtime: {enableExec: true}\n"
              "  iam:\n    statements:\n"
              "      - {sid: own, effect: Allow, action: \"dynamodb:GetItem\",\n"
              "         resource: \"${table.tableArn}\", condition: {Bool: {\"a:b\": \"true\"}}}\n"
              "      - {Effect: Deny, NotAction: [\"s3:*\"], Resource: \"*\"}\n"
              "    managedPolicyArns: [\"arn:aws:iam::aws:policy/ReadOnlyAccess\"]\n");
    fx_expand(&f);
    fx_assert_clean(&f, "");
    assert_property(
        &f, "app:task-role", ACCESS,
        "[{\"Action\":[\"dynamodb:GetItem\"],\"Condition\":{\"Bool\":{\"a:b\":\"true\"}},"
        "\"Effect\":\"Allow\",\"Resource\":[\"" TABLE_ARN "shop-test-table\"],\"Sid\":\"own\"},"
        "{\"Action\":[\"ssmmessages:CreateControlChannel\",\"ssmmessages:CreateDataChannel\","
        "\"ssmmessages:OpenControlChannel\",\"ssmmessages:OpenDataChannel\"],\"Effect\":"
        "\"Allow\",\"Resource\":[\"*\"]},"
        "{\"Effect\":\"Deny\",\"NotAction\":[\"s3:*\"],\"Resource\":[\"*\"]}]");
    assert_property(&f, "app:task-role", "ManagedPolicyArns",
                    "[\"arn:aws:iam::aws:policy/ReadOnlyAccess\"]");
    /* what stands in `iam` says itself what it allows: no default access to the table */
    assert_int_equal(fx_edge(&f, "app:task-role", "table")->strength, PK_EDGE_SOFT);
    fx_end(&f);
}

static void file_systems(void **state) {
    (void)state;
    struct fixture f;
    fx_begin(&f);
    fx_component(&f, "MicroService", "app",
                 IMAGE "  volumes:\n    - {name: a, type: efs, source: fs-1, mountPath: /a,\n"
                       "       accessPoint: fsap-1}\n"
                       "    - {name: b, type: efs, source: fs-2, mountPath: /b, readOnly: true}\n"
                       "    - {name: c, type: emptyDir, mountPath: /c}\n");
    fx_expand(&f);
    fx_assert_clean(&f, "");
    assert_property(
        &f, "app:task-role", ACCESS,
        "[{\"Action\":[\"elasticfilesystem:ClientMount\",\"elasticfilesystem:ClientWrite\"],"
        "\"Condition\":{\"StringEquals\":{\"elasticfilesystem:AccessPointArn\":"
        "\"arn:aws:elasticfilesystem:eu-west-1:123456789012:access-point/fsap-1\"}},\"Effect\":"
        "\"Allow\",\"Resource\":[\"arn:aws:elasticfilesystem:eu-west-1:123456789012:file-system/"
        "fs-1\"]},{\"Action\":[\"elasticfilesystem:ClientMount\"],\"Effect\":\"Allow\","
        "\"Resource\":[\"arn:aws:elasticfilesystem:eu-west-1:123456789012:file-system/fs-2\"]}]");
    fx_end(&f);
}

static void a_role_of_ones_own(void **state) {
    (void)state;
    struct fixture f;
    fx_begin(&f);
    fx_component(&f, "SQS", "jobs", "  type: standard\n");
    fx_component(&f, "MicroService", "app",
                 IMAGE "  iam: {roleArn: \"arn:aws:iam::123456789012:role/mine\"}\n"
                       "  permissions: [{component: jobs, access: read}]\n");
    fx_expand(&f);
    fx_assert_clean(&f, "iam.role-given");
    assert_int_equal(fx_finding(&f, "iam.role-given")->span.line, 7);
    assert_null(pk_graph_find(f.graph, "app:task-role"));
    assert_property(&f, "app:task-definition", "TaskRoleArn",
                    "\"arn:aws:iam::123456789012:role/mine\"");
    assert_string_equal(fx_output(&f, "app.taskRoleArn"),
                        "\"arn:aws:iam::123456789012:role/mine\"");
    fx_end(&f);
}

static void iam_authentication_of_databases(void **state) {
    (void)state;
    struct fixture f;
    fx_begin(&f);
    fx_component(&f, "RDS", "db",
                 "  engine: {type: postgres, version: \"16\"}\n  iamAuth: true\n"
                 "  instance: {class: db.t4g.micro, storage: {allocatedGB: 20}}\n"
                 "  database: {name: shop, username: shop, managedPassword: true}\n");
    fx_component(&f, "MicroService", "app", IMAGE "  dependsOn: [db]\n");
    fx_expand(&f);
    fx_assert_clean(&f, "");
    assert_property(&f, "app:task-role", ACCESS,
                    "[{\"Action\":[\"rds-db:connect\"],\"Effect\":\"Allow\",\"Resource\":"
                    "[{\"$join\":[\"arn:aws:rds-db:eu-west-1:123456789012:dbuser:\","
                    "{\"$ref\":\"db\",\"attr\":\"DbiResourceId\"},\"/shop\"]}]}]");
    assert_int_equal(fx_edge(&f, "app:task-role", "db")->strength, PK_EDGE_HARD);
    fx_end(&f);
}

static void too_long_a_policy(void **state) {
    (void)state;
    struct fixture f;
    struct pk_buf spec = PK_BUF_INIT(1 << 20);
    fx_begin(&f);
    pk_buf_addz(&spec, IMAGE "  iam:\n    statements:\n");
    for (int i = 0; i < 100; i++)
        pk_buf_addf(&spec,
                    "      - {Effect: Allow, Action: \"s3:Get%d\", Resource: "
                    "\"arn:aws:s3:::some-bucket-with-a-long-name-%d/and/a/prefix/*\"}\n",
                    i, i);
    fx_component(&f, "MicroService", "app", pk_buf_cstr(&spec));
    fx_expand(&f);
    const struct pk_diag *d = fx_finding(&f, "iam.policy-size");
    assert_non_null(d);
    assert_int_equal(d->span.line, 7);
    assert_non_null(d->help);
    pk_buf_release(&spec);
    fx_end(&f);
}

static void others(struct fixture *f) {
    fx_component(f, "RDS", "db",
                 "  engine: {type: postgres, version: \"16\"}\n"
                 "  instance: {class: db.t4g.micro, storage: {allocatedGB: 20}}\n"
                 "  database: {name: shop, username: shop, managedPassword: true}\n");
    fx_component(f, "S3", "files", "  versioning: {enabled: true}\n");
}

#define STATEMENT(text) IMAGE "  iam:\n    statements:\n      - " text "\n"

static void findings(void **state) {
    (void)state;
    static const struct finding_case cases[] = {
        ERROR_AT("iam.access", 6, IMAGE "  permissions: [{component: db, access: read}]\n"),
        ERROR_AT("iam.access", 7,
                 IMAGE "  permissions:\n    - {component: files, access: consume}\n"),
        ERROR_AT("iam.statement", 8, STATEMENT("{Action: a, Resource: b}")),
        ERROR_AT("iam.statement", 8, STATEMENT("{Effect: allow, Action: a, Resource: b}")),
        ERROR_AT("iam.statement", 8, STATEMENT("{Effect: Allow, Resource: b}")),
        ERROR_AT("iam.statement", 8,
                 STATEMENT("{Effect: Allow, Action: a, NotAction: b, Resource: c}")),
        ERROR_AT("iam.statement", 8, STATEMENT("{Effect: Allow, Action: a}")),
        ERROR_AT("iam.statement", 8,
                 STATEMENT("{Effect: Allow, Action: a, Resource: b, Principal: \"*\"}")),
        ERROR_AT("iam.statement", 8, STATEMENT("{Effect: Allow, Actions: a, Resource: b}")),
        ERROR_AT("iam.statement", 8, STATEMENT("everything")),
    };
    check_findings("MicroService", cases, PK_ARRAY_LEN(cases), others);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(trust_and_nothing_else),
        cmocka_unit_test(references_grant),
        cmocka_unit_test(the_same_actions_are_one_statement),
        cmocka_unit_test(keys_follow_access),
        cmocka_unit_test(users_add_statements_and_policies),
        cmocka_unit_test(file_systems),
        cmocka_unit_test(a_role_of_ones_own),
        cmocka_unit_test(iam_authentication_of_databases),
        cmocka_unit_test(too_long_a_policy),
        cmocka_unit_test(findings),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
