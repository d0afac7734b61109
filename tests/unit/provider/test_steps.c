/* create, update, remove: what is sent, in which order, and what answers mean. */
#include "script.h"

#include "base/clock.h"

#define NAT_ANSWER(state, more)                                                                    \
    "<CreateNatGatewayResponse><natGateway><natGatewayId>nat-1</natGatewayId><state>" state        \
    "</state>" more "</natGateway></CreateNatGatewayResponse>"
#define NAT_LIST(state, more)                                                                      \
    "<DescribeNatGatewaysResponse><natGatewaySet><item><natGatewayId>nat-1</"                      \
    "natGatewayId><state>" state "</state>" more                                                   \
    "</item></natGatewaySet></DescribeNatGatewaysResponse>"
#define EC2_ERROR(code, message)                                                                   \
    "<Response><Errors><Error><Code>" code "</Code><Message>" message                              \
    "</Message></Error></Errors><RequestID>r</RequestID></Response>"

static void has(const char *text, const char *part) {
    if (!strstr(text, part))
        fail_msg("%s is not in %s", part, text);
}

static void has_not(const char *text, const char *part) {
    if (strstr(text, part))
        fail_msg("%s is in %s", part, text);
}

/* --- create --- */

static void create_waits_until_ready(void **state) {
    (void)state;
    static const struct answer answers[] = {
        {200, NAT_ANSWER("pending", "")},
        {200, NAT_LIST("pending", "")},
        {200, NAT_LIST("available", "")},
    };
    struct script *script = SCRIPT(answers);
    json_auto_t *desired = parse("{\"SubnetId\": \"subnet-1\", \"AllocationId\": \"eipalloc-1\"}");
    json_auto_t *tags = parse("{\"panka:resource\": \"the-key\"}");
    struct pk_op op = op_for("AWS::EC2::NatGateway", PK_ACTION_CREATE, desired);
    op.desired_tags = tags;
    struct pk_error *error = NULL;
    assert_int_equal(script->provider->vtable->create(script->provider, &op, &error), PK_AGAIN);
    assert_string_equal(op.physical_id, "nat-1"); /* known before it is ready */
    assert_string_equal(op.waiting_for, "State pending -> available");
    assert_true(op.again_ms >= 1800 && op.again_ms <= 2200);
    assert_int_equal(run(script, script->provider->vtable->create, &op, &error), PK_DONE);
    assert_string_equal(pk_json_str(op.attributes, "NatGatewayId", ""), "nat-1");
    has(script->bodies[0], "Action=CreateNatGateway");
    has(script->bodies[0], "ClientToken=token");
    has(script->bodies[0], "SubnetId=subnet-1");
    has(script->bodies[0], "TagSpecification.1.ResourceType=natgateway");
    has(script->bodies[0], "TagSpecification.1.Tag.1.Key=panka%3Aresource");
    op_release(&op);
    script_end(script);
}

/* What no row covers would be left out without a word: nothing is sent at all. */
static void refuses(const char *type, enum pk_action_kind action, const char *json,
                    const char *message) {
    struct script *script = script_new(NULL, 0);
    json_auto_t *desired = parse(json);
    struct pk_op op = op_for(type, action, desired);
    op.physical_id = pk_strdup("id-1");
    struct pk_error *error = NULL;
    assert_int_equal(action == PK_ACTION_CREATE
                         ? script->provider->vtable->create(script->provider, &op, &error)
                         : script->provider->vtable->update(script->provider, &op, &error),
                     PK_FAILED);
    assert_int_equal(error->code, PK_E_INTERNAL);
    assert_string_equal(error->message, message);
    assert_string_equal(error->address, "the-key");
    pk_error_free(error);
    op_release(&op);
    script_end(script);
}

static void properties_without_a_row_are_refused(void **state) {
    (void)state;
    refuses("AWS::EC2::NatGateway", PK_ACTION_CREATE, "{\"SubnetId\": \"s\", \"Colour\": 1}",
            "AWS::EC2::NatGateway: the property Colour cannot be sent");
    refuses("AWS::Lambda::Function", PK_ACTION_UPDATE,
            "{\"FunctionName\": \"f\", \"RuntimeManagementConfig\": {\"Colour\": 1}}",
            "AWS::Lambda::Function: the property RuntimeManagementConfig.Colour cannot be sent");
    refuses("AWS::Lambda::Function", PK_ACTION_CREATE, "{\"RuntimeManagementConfig\": \"x\"}",
            "AWS::Lambda::Function: the property RuntimeManagementConfig cannot be sent");
    char *path = pk_provider_uncovered("AWS::Lambda::Function", NULL);
    assert_null(path);
    path = pk_provider_uncovered("AWS::Lambda::Colour", NULL);
    assert_string_equal(path, "");
    free(path);
}

static void create_that_fails_later_says_why(void **state) {
    (void)state;
    static const struct answer answers[] = {
        {200, NAT_ANSWER("pending", "")},
        {200, NAT_LIST("failed", "<failureMessage>no address</failureMessage>")},
    };
    struct script *script = SCRIPT(answers);
    json_auto_t *desired = parse("{\"SubnetId\": \"subnet-1\"}");
    struct pk_op op = op_for("AWS::EC2::NatGateway", PK_ACTION_CREATE, desired);
    struct pk_error *error = NULL;
    assert_int_equal(run(script, script->provider->vtable->create, &op, &error), PK_FAILED);
    assert_int_equal(error->code, PK_E_RESOURCE_FAILED);
    assert_string_equal(error->message, "State is failed: no address");
    assert_string_equal(error->address, "the-key");
    assert_string_equal(op.physical_id, "nat-1"); /* must be deleted later */
    pk_error_free(error);
    op_release(&op);
    script_end(script);
}

static void what_is_not_visible_yet_is_tried_again(void **state) {
    (void)state;
    static const struct answer answers[] = {
        {400, EC2_ERROR("InvalidVpcID.NotFound", "The vpc ID does not exist")},
        {200, "<R><routeTable><routeTableId>rtb-1</routeTableId></routeTable></R>"},
    };
    struct script *script = SCRIPT(answers);
    json_auto_t *desired = parse("{\"VpcId\": \"vpc-1\"}");
    struct pk_op op = op_for("AWS::EC2::RouteTable", PK_ACTION_CREATE, desired);
    struct pk_error *error = NULL;
    assert_int_equal(script->provider->vtable->create(script->provider, &op, &error), PK_AGAIN);
    assert_null(error);
    has(op.waiting_for, "does not exist");
    assert_int_equal(run(script, script->provider->vtable->create, &op, &error), PK_DONE);
    op_release(&op);
    script_end(script);
}

static void the_window_for_what_is_not_visible_ends(void **state) {
    (void)state;
    static const struct answer answers[] = {
        {400, EC2_ERROR("InvalidVpcID.NotFound", "The vpc ID does not exist")},
    };
    struct script *script = SCRIPT(answers);
    json_auto_t *desired = parse("{\"VpcId\": \"vpc-1\"}");
    struct pk_op op = op_for("AWS::EC2::RouteTable", PK_ACTION_CREATE, desired);
    struct pk_error *error = NULL;
    op.scratch = json_pack("{s:I}", "fresh_since", (json_int_t)(pk_monotonic_ms(NULL) - 130000));
    assert_int_equal(script->provider->vtable->create(script->provider, &op, &error), PK_FAILED);
    assert_true(pk_error_is_aws(error, "InvalidVpcID.NotFound"));
    assert_string_equal(error->address, "the-key");
    pk_error_free(error);
    op_release(&op);
    script_end(script);
}

static void a_wait_ends_at_its_limit(void **state) {
    (void)state;
    static const struct answer answers[] = {{200, NAT_ANSWER("pending", "")}};
    struct script *script = SCRIPT(answers);
    json_auto_t *desired = parse("{\"SubnetId\": \"subnet-1\"}");
    struct pk_op op = op_for("AWS::EC2::NatGateway", PK_ACTION_CREATE, desired);
    op.started_ms = pk_monotonic_ms(NULL) - 61000;
    op.wait_limit_ms = 60000;
    struct pk_error *error = NULL;
    assert_int_equal(script->provider->vtable->create(script->provider, &op, &error), PK_FAILED);
    assert_int_equal(error->code, PK_E_TIMEOUT);
    assert_string_equal(error->message, "still waiting after 1m00s: State pending -> available");
    pk_error_free(error);
    op_release(&op);
    script_end(script);
}

static void exists_is_told_to_the_engine(void **state) {
    (void)state;
    static const struct answer answers[] = {
        {409, "<ErrorResponse><Error><Code>EntityAlreadyExists</Code><Message>there</Message>"
              "</Error><RequestId>r</RequestId></ErrorResponse>"},
    };
    struct script *script = SCRIPT(answers);
    json_auto_t *desired = parse("{\"AssumeRolePolicyDocument\": {\"Statement\": []}}");
    struct pk_op op = op_for("AWS::IAM::Role", PK_ACTION_CREATE, desired);
    op.name = "app";
    struct pk_error *error = NULL;
    assert_int_equal(script->provider->vtable->create(script->provider, &op, &error), PK_FAILED);
    assert_string_equal(error->id, PK_ERROR_EXISTS);
    assert_string_equal(error->aws.service, "iam");
    assert_string_equal(error->aws.operation, "CreateRole");
    has(script->bodies[0], "RoleName=app");
    has(script->bodies[0], "AssumeRolePolicyDocument=%7B%22Statement%22%3A%5B%5D%7D");
    assert_null(op.physical_id);
    pk_error_free(error);
    op_release(&op);
    script_end(script);
}

static bool deny(void *ctx, struct pk_error **err) {
    (*(int *)ctx)++;
    return pk_fail(err, PK_E_LOCK_LOST, "lost");
}

static void a_closed_guard_sends_nothing(void **state) {
    (void)state;
    int asked = 0;
    struct script *script = script_new(NULL, 0);
    json_auto_t *desired = parse("{\"VpcId\": \"vpc-1\"}");
    struct pk_op op = op_for("AWS::EC2::RouteTable", PK_ACTION_CREATE, desired);
    op.guard = deny;
    op.guard_ctx = &asked;
    struct pk_error *error = NULL;
    assert_int_equal(script->provider->vtable->create(script->provider, &op, &error), PK_FAILED);
    assert_int_equal(error->code, PK_E_LOCK_LOST);
    assert_int_equal(asked, 1);
    pk_error_free(error);
    op_release(&op);
    script_end(script);
}

static void a_cancelled_run_starts_nothing(void **state) {
    (void)state;
    struct pk_cancel cancel = {0};
    pk_cancel_raise(&cancel, PK_CANCEL_NOW);
    struct script *script = script_new(NULL, 0);
    json_auto_t *desired = parse("{\"VpcId\": \"vpc-1\"}");
    struct pk_op op = op_for("AWS::EC2::RouteTable", PK_ACTION_CREATE, desired);
    op.cancel = &cancel;
    struct pk_error *error = NULL;
    assert_int_equal(script->provider->vtable->create(script->provider, &op, &error), PK_FAILED);
    assert_int_equal(error->code, PK_E_CANCELLED);
    pk_error_free(error);
    op_release(&op);
    script_end(script);
}

/* --- update --- */

#define LOG_GROUPS                                                                                 \
    "{\"logGroups\": [{\"logGroupName\": \"g\", \"arn\": "                                         \
    "\"arn:aws:logs:us-east-1:123456789012:log-group:g:*\"}]}"

static void an_update_sends_what_differs(void **state) {
    (void)state;
    static const struct answer answers[] = {
        {200, "{}"}, {200, "{}"}, {200, "{}"}, {200, LOG_GROUPS}, {200, "{\"tags\": {}}"}};
    struct script *script = SCRIPT(answers);
    json_auto_t *desired = parse("{\"LogGroupName\": \"g\", \"RetentionInDays\": 7}");
    json_auto_t *tags = parse("{\"a\": \"2\", \"panka:op\": \"new\", \"panka:managed\": \"true\"}");
    json_auto_t *prior_tags =
        parse("{\"a\": \"1\", \"b\": \"1\", \"panka:op\": \"old\", \"panka:managed\": \"true\"}");
    json_auto_t *prior = parse("{\"LogGroupName\": \"g\", \"RetentionInDays\": 30}");
    struct pk_change changes[] = {{.path = "RetentionInDays"}, {.path = "Tags.a"}};
    struct pk_op op = op_for("AWS::Logs::LogGroup", PK_ACTION_UPDATE, desired);
    op.physical_id = pk_strdup("g");
    op.desired_tags = tags;
    op.prior = prior;
    op.prior_tags = prior_tags;
    op.changes = changes;
    op.n_changes = 2;
    struct pk_error *error = NULL;
    assert_int_equal(run(script, script->provider->vtable->update, &op, &error), PK_DONE);
    has(script->bodies[0], "\"retentionInDays\":7");
    has(script->bodies[1], "\"tags\":{\"a\":\"2\"}"); /* panka:op alone is no reason */
    has(script->bodies[1], "arn:aws:logs:us-east-1:123456789012:log-group:g\"");
    has(script->bodies[2], "\"tagKeys\":[\"b\"]");
    op_release(&op);
    script_end(script);
}

static void what_was_adopted_gets_all_tags(void **state) {
    (void)state;
    static const struct answer answers[] = {
        {200, "{}"}, {200, LOG_GROUPS}, {200, "{\"tags\": {}}"}};
    struct script *script = SCRIPT(answers);
    json_auto_t *desired = parse("{\"LogGroupName\": \"g\"}");
    json_auto_t *tags = parse("{\"panka:lineage\": \"lineage\", \"a\": \"1\"}");
    struct pk_op op = op_for("AWS::Logs::LogGroup", PK_ACTION_UPDATE, desired);
    op.physical_id = pk_strdup("g");
    op.desired_tags = tags;
    op.prior_tags = tags; /* what was meant to be; what is there is not known */
    struct pk_error *error = NULL;
    assert_int_equal(run(script, script->provider->vtable->update, &op, &error), PK_DONE);
    has(script->bodies[0], "\"panka:lineage\":\"lineage\"");
    op_release(&op);
    script_end(script);
}

static void a_forced_update_of_a_service_deploys(void **state) {
    (void)state;
    static const struct answer answers[] = {
        {200, "{}"},
        {200, "{\"services\": [{\"serviceArn\": \"arn:s\", \"serviceName\": \"s\", "
              "\"clusterArn\": \"arn:c\", \"status\": \"ACTIVE\", \"desiredCount\": 1, "
              "\"runningCount\": 1, \"pendingCount\": 0, \"deployments\": [{\"id\": \"d\", "
              "\"status\": \"PRIMARY\", \"rolloutState\": \"COMPLETED\"}]}]}"}};
    struct script *script = SCRIPT(answers);
    json_auto_t *desired = parse("{\"Cluster\": \"c\", \"DesiredCount\": 1}");
    struct pk_op op = op_for("AWS::ECS::Service", PK_ACTION_UPDATE, desired);
    op.physical_id = pk_strdup("arn:s");
    op.force_update = true;
    struct pk_error *error = NULL;
    assert_int_equal(run(script, script->provider->vtable->update, &op, &error), PK_DONE);
    has(script->bodies[0], "\"forceNewDeployment\":true");
    has_not(script->bodies[0], "desiredCount");
    op_release(&op);
    script_end(script);
}

static void a_failed_roll_out_shows_events_and_tasks(void **state) {
    (void)state;
    static const struct answer answers[] = {
        {200, "{}"},
        {200, "{\"services\": [{\"serviceArn\": \"arn:s\", \"serviceName\": \"s\", "
              "\"clusterArn\": \"arn:c\", \"status\": \"ACTIVE\", \"desiredCount\": 1, "
              "\"runningCount\": 0, \"deployments\": [{\"id\": \"d\", \"status\": \"PRIMARY\", "
              "\"rolloutState\": \"FAILED\", \"rolloutStateReason\": \"circuit breaker\"}], "
              "\"events\": [{\"message\": \"(service s) was unable to start\"}]}]}"},
        {200, "{\"taskArns\": [\"arn:task/1\"]}"},
        {200, "{\"tasks\": [{\"taskArn\": \"arn:task/1\", \"stoppedReason\": \"Essential container "
              "exited\", \"containers\": [{\"name\": \"app\", \"exitCode\": 3}, {\"name\": \"b\", "
              "\"reason\": \"CannotPullContainerError: no such image\"}]}]}"}};
    struct script *script = SCRIPT(answers);
    json_auto_t *desired = parse("{\"Cluster\": \"c\", \"TaskDefinition\": \"arn:t:2\"}");
    struct pk_change changes[] = {{.path = "TaskDefinition"}};
    struct pk_op op = op_for("AWS::ECS::Service", PK_ACTION_UPDATE, desired);
    op.physical_id = pk_strdup("arn:s");
    op.changes = changes;
    op.n_changes = 1;
    struct pk_error *error = NULL;
    assert_int_equal(run(script, script->provider->vtable->update, &op, &error), PK_FAILED);
    has(script->bodies[0], "\"taskDefinition\":\"arn:t:2\"");
    assert_string_equal(error->message, "the roll-out of s failed: circuit breaker");
    has(error->detail, "(service s) was unable to start\n");
    has(error->detail, "task 1 stopped: Essential container exited; container app: exit code 3; "
                       "container b: CannotPullContainerError: no such image");
    pk_error_free(error);
    op_release(&op);
    script_end(script);
}

/* --- remove --- */

static void a_dependency_is_waited_for(void **state) {
    (void)state;
    static const struct answer answers[] = {
        {200, "<R><routeTableSet><item><routeTableId>rtb-1</routeTableId></item></routeTableSet>"
              "</R>"},
        {400, EC2_ERROR("DependencyViolation", "has dependencies")},
        {200, "<R><return>true</return></R>"},
    };
    struct script *script = SCRIPT(answers);
    struct pk_op op = op_for("AWS::EC2::RouteTable", PK_ACTION_DELETE, NULL);
    op.physical_id = pk_strdup("rtb-1");
    struct pk_error *error = NULL;
    assert_int_equal(script->provider->vtable->remove(script->provider, &op, &error), PK_AGAIN);
    has(op.waiting_for, "has dependencies");
    assert_int_equal(run(script, script->provider->vtable->remove, &op, &error), PK_DONE);
    op_release(&op);
    script_end(script);
}

static void what_is_gone_is_done(void **state) {
    (void)state;
    static const struct answer answers[] = {{200, "<R><routeTableSet/></R>"}};
    struct script *script = SCRIPT(answers);
    struct pk_op op = op_for("AWS::EC2::RouteTable", PK_ACTION_DELETE, NULL);
    op.physical_id = pk_strdup("rtb-1");
    assert_int_equal(run(script, script->provider->vtable->remove, &op, NULL), PK_DONE);
    op_release(&op);
    script_end(script);
}

static void another_owners_resource_stays(void **state) {
    (void)state;
    static const struct answer answers[] = {
        {200, "<R><routeTableSet><item><routeTableId>rtb-1</routeTableId><tagSet><item>"
              "<key>panka:lineage</key><value>other</value></item></tagSet></item></routeTableSet>"
              "</R>"}};
    struct script *script = SCRIPT(answers);
    json_auto_t *prior_tags = parse("{\"panka:lineage\": \"lineage\"}");
    struct pk_op op = op_for("AWS::EC2::RouteTable", PK_ACTION_DELETE, NULL);
    op.physical_id = pk_strdup("rtb-1");
    op.prior_tags = prior_tags;
    struct pk_error *error = NULL;
    assert_int_equal(run(script, script->provider->vtable->remove, &op, &error), PK_FAILED);
    assert_int_equal(error->code, PK_E_NOT_OWNED);
    pk_error_free(error);
    op_release(&op);
    script_end(script);
}

static void an_endpoint_that_is_not_deleted_is_an_error(void **state) {
    (void)state;
    static const struct answer answers[] = {
        {200, "<R><vpcEndpointSet><item><vpcEndpointId>vpce-1</vpcEndpointId></item>"
              "</vpcEndpointSet></R>"},
        {200, "<R><unsuccessful><item><resourceId>vpce-1</resourceId><error><code>Denied</code>"
              "<message>not allowed</message></error></item></unsuccessful></R>"}};
    struct script *script = SCRIPT(answers);
    struct pk_op op = op_for("AWS::EC2::VPCEndpoint", PK_ACTION_DELETE, NULL);
    op.physical_id = pk_strdup("vpce-1");
    struct pk_error *error = NULL;
    assert_int_equal(run(script, script->provider->vtable->remove, &op, &error), PK_FAILED);
    assert_string_equal(error->message, "not allowed");
    assert_true(pk_error_is_aws(error, "Denied"));
    pk_error_free(error);
    op_release(&op);
    script_end(script);
}

/* --- read --- */

static void one_unknown_name_does_not_hide_the_others(void **state) {
    (void)state;
    static const char missing[] = "<ErrorResponse><Error><Code>TargetGroupNotFound</Code>"
                                  "<Message>one</Message></Error></ErrorResponse>";
    static const char there[] =
        "<R><DescribeTargetGroupsResult><TargetGroups><member><TargetGroupArn>b</TargetGroupArn>"
        "<TargetGroupName>b</TargetGroupName></member></TargetGroups></DescribeTargetGroupsResult>"
        "</R>";
    static const char tags[] =
        "<R><DescribeTagsResult><TagDescriptions><member><ResourceArn>b</ResourceArn><Tags><member>"
        "<Key>k</Key><Value>v</Value></member></Tags></member></TagDescriptions>"
        "</DescribeTagsResult></R>";
    static const struct answer answers[] = {
        {400, missing}, {400, missing}, {200, there}, {200, tags}};
    struct script *script = SCRIPT(answers);
    struct pk_read reads[] = {
        {.key = "a", .type = "AWS::ElasticLoadBalancingV2::TargetGroup", .physical_id = "a"},
        {.key = "b", .type = "AWS::ElasticLoadBalancingV2::TargetGroup", .physical_id = "b"},
    };
    struct pk_error *error = NULL;
    assert_true(script->provider->vtable->read(script->provider, reads, 2, NULL, &error));
    assert_true(reads[0].gone);
    assert_null(reads[0].error);
    assert_string_equal(pk_json_str(reads[1].live, "Name", ""), "b");
    assert_string_equal(pk_json_str(reads[1].live_tags, "k", ""), "v");
    json_decref(reads[1].live);
    json_decref(reads[1].live_tags);
    json_decref(reads[1].attributes);
    script_end(script);
}

static void an_error_is_never_gone(void **state) {
    (void)state;
    static const struct answer answers[] = {{500, EC2_ERROR("InternalError", "sorry")}};
    struct script *script = SCRIPT(answers);
    struct pk_read reads[] = {
        {.key = "a", .type = "AWS::EC2::VPC", .physical_id = "vpc-1"},
        {.key = "b", .type = "AWS::No::Such", .physical_id = "x"},
    };
    struct pk_error *error = NULL;
    assert_true(script->provider->vtable->read(script->provider, reads, 2, NULL, &error));
    for (size_t i = 0; i < 2; i++) {
        assert_false(reads[i].gone);
        assert_null(reads[i].live);
        assert_non_null(reads[i].error);
        assert_string_equal(reads[i].error->address, i ? "b" : "a");
    }
    assert_int_equal(reads[1].error->code, PK_E_UNSUPPORTED);
    pk_error_free(reads[0].error);
    pk_error_free(reads[1].error);
    script_end(script);
}

/* --- what exists only during the call --- */

static void a_secret_is_read_for_the_call(void **state) {
    (void)state;
    static const struct answer answers[] = {
        {200, "{\"ARN\": \"arn\", \"SecretString\": \"{\\\"user\\\": \\\"hunter2\\\"}\"}"},
        {200, "{}"},
        {200, LOG_GROUPS},
        {200, "{\"tags\": {}}"},
    };
    struct script *script = SCRIPT(answers);
    json_auto_t *desired = parse("{\"LogGroupName\": \"g\", \"KmsKeyId\": {\"$join\": "
                                 "[\"x-\", {\"$secret\": \"s\", \"key\": \"user\"}]}}");
    struct pk_op op = op_for("AWS::Logs::LogGroup", PK_ACTION_CREATE, desired);
    op.name = "g";
    struct pk_error *error = NULL;
    assert_int_equal(run(script, script->provider->vtable->create, &op, &error), PK_DONE);
    has(script->bodies[0], "\"SecretId\":\"s\"");
    has(script->bodies[1], "\"kmsKeyId\":\"x-hunter2\"");
    /* The order still holds the token. */
    assert_non_null(pk_json_at(desired, "KmsKeyId.$join[1].$secret"));
    op_release(&op);
    script_end(script);
}

static void a_missing_key_of_a_secret_is_named(void **state) {
    (void)state;
    static const struct answer answers[] = {
        {200, "{\"ARN\": \"arn\", \"SecretString\": \"{\\\"user\\\": \\\"hunter2\\\"}\"}"}};
    struct script *script = SCRIPT(answers);
    json_auto_t *desired = parse("{\"KmsKeyId\": {\"$secret\": \"s\", \"key\": \"password\"}}");
    struct pk_op op = op_for("AWS::Logs::LogGroup", PK_ACTION_CREATE, desired);
    op.name = "g";
    struct pk_error *error = NULL;
    assert_int_equal(run(script, script->provider->vtable->create, &op, &error), PK_FAILED);
    assert_string_equal(error->message, "secret s has no key password");
    pk_error_free(error);
    op_release(&op);
    script_end(script);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(create_waits_until_ready),
        cmocka_unit_test(properties_without_a_row_are_refused),
        cmocka_unit_test(create_that_fails_later_says_why),
        cmocka_unit_test(what_is_not_visible_yet_is_tried_again),
        cmocka_unit_test(the_window_for_what_is_not_visible_ends),
        cmocka_unit_test(a_wait_ends_at_its_limit),
        cmocka_unit_test(exists_is_told_to_the_engine),
        cmocka_unit_test(a_closed_guard_sends_nothing),
        cmocka_unit_test(a_cancelled_run_starts_nothing),
        cmocka_unit_test(an_update_sends_what_differs),
        cmocka_unit_test(what_was_adopted_gets_all_tags),
        cmocka_unit_test(a_forced_update_of_a_service_deploys),
        cmocka_unit_test(a_failed_roll_out_shows_events_and_tasks),
        cmocka_unit_test(a_dependency_is_waited_for),
        cmocka_unit_test(what_is_gone_is_done),
        cmocka_unit_test(another_owners_resource_stays),
        cmocka_unit_test(an_endpoint_that_is_not_deleted_is_an_error),
        cmocka_unit_test(one_unknown_name_does_not_hide_the_others),
        cmocka_unit_test(an_error_is_never_gone),
        cmocka_unit_test(a_secret_is_read_for_the_call),
        cmocka_unit_test(a_missing_key_of_a_secret_is_named),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
