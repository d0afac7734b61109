/* test_trace.c - the trace log shows calls and hides secrets. */
#include "fake.h"

#include "base/log.h"

static struct pk_buf lines;

static void keep_line(void *ctx, enum pk_log_level level, const char *line) {
    (void)ctx;
    (void)level;
    pk_buf_addf(&lines, "%s\n", line);
}

struct trace_case {
    const char *service, *operation, *params;
    struct fake_reply reply;
    const char *shown;
};

static const struct trace_case cases[] = {
    {"sqs",
     "CreateQueue",
     "{\"QueueName\":\"visible-name\"}",
     {.status = 200, .body = "{\"QueueUrl\":\"visible-url\"}"},
     "visible-url"},
    {"secretsmanager",
     "CreateSecret",
     "{\"Name\":\"visible-name\",\"SecretString\":\"HUSH\"}",
     {.status = 200, .body = "{\"ARN\":\"visible-arn\"}"},
     "visible-arn"},
    {"secretsmanager",
     "GetSecretValue",
     "{\"SecretId\":\"visible-id\"}",
     {.status = 200, .body = "{\"SecretString\":\"HUSH\",\"SecretBinary\":\"HUSH\"}"},
     "visible-id"},
    {"secretsmanager",
     "GetRandomPassword",
     "{}",
     {.status = 200, .body = "{\"RandomPassword\":\"HUSH\"}"},
     "GetRandomPassword"},
    {"rds",
     "CreateDBInstance",
     "{\"DBInstanceIdentifier\":\"visible-db\",\"DBInstanceClass\":\"c\",\"Engine\":\"e\","
     "\"MasterUserPassword\":\"HUSH\"}",
     {.status = 200, .body = "<CreateDBInstanceResponse/>"},
     "visible-db"},
    {"elasticache",
     "CreateReplicationGroup",
     "{\"ReplicationGroupId\":\"visible-rg\",\"ReplicationGroupDescription\":\"d\","
     "\"AuthToken\":\"HUSH\"}",
     {.status = 200, .body = "<CreateReplicationGroupResponse/>"},
     "visible-rg"},
    {"ssm",
     "PutParameter",
     "{\"Name\":\"visible-param\",\"Value\":\"HUSH\",\"Type\":\"SecureString\"}",
     {.status = 200, .body = "{}"},
     "visible-param"},
    {"lambda",
     "UpdateFunctionConfiguration",
     "{\"FunctionName\":\"visible-fn\",\"Environment\":{\"Variables\":{\"K\":\"HUSH\"}}}",
     {.status = 200, .body = "{\"Environment\":{\"Variables\":{\"K\":\"HUSH\"}}}"},
     "visible-fn"},
    {"sts",
     "AssumeRole",
     "{\"RoleArn\":\"visible-role-arn\",\"RoleSessionName\":\"s1\"}",
     {.status = 200,
      .body = "<AssumeRoleResponse><AssumeRoleResult><Credentials><AccessKeyId>AKIA</AccessKeyId>"
              "<SecretAccessKey>HUSH</SecretAccessKey><SessionToken>HUSH</SessionToken>"
              "</Credentials></AssumeRoleResult></AssumeRoleResponse>"},
     "visible-role-arn"},
    {"iam",
     "CreateAccessKey",
     "{}",
     {.status = 200,
      .body = "<CreateAccessKeyResponse><CreateAccessKeyResult><AccessKey><AccessKeyId>visible-id"
              "</AccessKeyId><SecretAccessKey>HUSH</SecretAccessKey></AccessKey>"
              "</CreateAccessKeyResult></CreateAccessKeyResponse>"},
     "visible-id"},
    {"s3",
     "PutObject",
     "{\"Bucket\":\"visible-bucket\",\"Key\":\"k\",\"Body\":\"SFVTSA==\"}",
     {.status = 200},
     "visible-bucket"},
    {"ecr",
     "GetAuthorizationToken",
     "{}",
     {.status = 200, .body = "{\"authorizationData\":[{\"authorizationToken\":\"HUSH\"}]}"},
     "GetAuthorizationToken"},
};

static void test_secrets_stay_out(void **state) {
    (void)state;
    static const char *const env[] = {"AWS_ACCESS_KEY_ID",
                                      "AKID",
                                      "AWS_SECRET_ACCESS_KEY",
                                      "HUSH",
                                      "AWS_SESSION_TOKEN",
                                      "HUSH",
                                      "AWS_REGION",
                                      "eu-west-1",
                                      "HOME",
                                      "/nonexistent",
                                      NULL};
    pk_buf_init(&lines, 1 << 20);
    pk_log_setup(PK_LOG_TRACE, keep_line, NULL);
    for (size_t i = 0; i < PK_ARRAY_LEN(cases); i++) {
        struct fake fake;
        struct pk_error *err = NULL;
        fake_init(&fake, env);
        struct pk_aws *aws = fake_client(&fake);
        json_t *params = json_loads(cases[i].params, 0, NULL);
        fake_reply(&fake, cases[i].reply);
        pk_buf_reset(&lines);
        if (!pk_aws_call(aws, cases[i].service, cases[i].operation, params, NULL, NULL, &err))
            fail_msg("%s", err->message);
        const char *text = pk_buf_cstr(&lines);
        if (strstr(text, "HUSH") != NULL || strstr(text, "SFVTSA") != NULL)
            fail_msg("a secret is in: %s", text);
        if (strstr(text, cases[i].shown) == NULL)
            fail_msg("%s is not in: %s", cases[i].shown, text);
        json_decref(params);
        pk_aws_free(aws);
        fake_release(&fake);
    }
    pk_log_setup(PK_LOG_OFF, NULL, NULL);
    pk_buf_release(&lines);
}

static void test_caller_and_source(void **state) {
    (void)state;
    struct fake fake;
    fake_init(&fake, fake_keys);
    struct pk_aws *aws = fake_client(&fake);
    fake_reply(&fake, (struct fake_reply){
                          .status = 200,
                          .body = "<GetCallerIdentityResponse><GetCallerIdentityResult><Arn>arn:me"
                                  "</Arn><Account>123</Account></GetCallerIdentityResult>"
                                  "</GetCallerIdentityResponse>"});
    char *account = NULL, *arn = NULL;
    assert_true(pk_aws_caller(aws, &account, &arn, NULL));
    assert_string_equal(account, "123");
    assert_string_equal(arn, "arn:me");
    free(account);
    free(arn);
    assert_true(pk_aws_caller(aws, &account, NULL, NULL)); /* remembered */
    assert_int_equal(fake.n_requests, 1);
    free(account);
    char *source = pk_aws_credentials_source(aws);
    assert_string_equal(source, "environment: AWS_ACCESS_KEY_ID");
    free(source);
    pk_aws_free(aws);
    fake_release(&fake);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_secrets_stay_out),
        cmocka_unit_test(test_caller_and_source),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
