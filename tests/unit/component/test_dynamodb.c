/* test_dynamodb.c - tables: keys, indexes, capacity, streams, encryption. */
#include "findings.h"

#define TABLE_ARN "arn:aws:dynamodb:eu-west-1:123456789012:table/shop-test-orders"
#define KEY "  hashKey: {name: id, type: S}\n"

static void smallest_table(void **state) {
    (void)state;
    struct fixture f;
    fx_begin(&f);
    fx_component(&f, "DynamoDB", "orders", "  hashKey: {name: id}\n");
    fx_expand(&f);
    fx_assert_clean(&f, "");
    assert_string_equal(fx_keys(&f, "orders"), "orders");
    assert_string_equal(
        fx_properties(&f, "orders", ""),
        "{\"AttributeDefinitions\":[{\"AttributeName\":\"id\",\"AttributeType\":\"S\"}],"
        "\"BillingMode\":\"PAY_PER_REQUEST\",\"DeletionProtectionEnabled\":false,"
        "\"KeySchema\":[{\"AttributeName\":\"id\",\"KeyType\":\"HASH\"}],"
        "\"TableClass\":\"STANDARD\",\"TableName\":\"shop-test-orders\"}");
    assert_true(fx_node(&f, "orders")->stateful);
    assert_string_equal(fx_output(&f, "orders.tableName"), "\"shop-test-orders\"");
    assert_string_equal(fx_output(&f, "orders.tableArn"), "\"" TABLE_ARN "\"");
    assert_string_equal(fx_output(&f, "orders.streamArn"), "");
    fx_end(&f);
}

static void all_settings(void **state) {
    (void)state;
    struct fixture f;
    fx_begin(&f);
    fx_component(&f, "DynamoDB", "orders",
                 KEY
                 "  rangeKey: {name: at, type: N}\n  tableClass: STANDARD_INFREQUENT_ACCESS\n"
                 "  onDemand: {maxReadUnits: 100, maxWriteUnits: 50}\n"
                 "  globalSecondaryIndexes:\n"
                 "    - {name: by-user, hashKey: {name: user}, rangeKey: {name: at, type: N},\n"
                 "       projection: INCLUDE, nonKeyAttributes: [total]}\n"
                 "  localSecondaryIndexes:\n"
                 "    - {name: by-size, rangeKey: {name: size, type: N}, projection: KEYS_ONLY}\n"
                 "  ttl: {enabled: true, attributeName: expires}\n"
                 "  stream: {enabled: true, viewType: NEW_IMAGE}\n"
                 "  encryption: {kmsKey: alias/mine}\n"
                 "  pointInTimeRecovery: {enabled: true, days: 7}\n  deletionProtection: true\n");
    fx_expand(&f);
    fx_assert_clean(&f, "");
    assert_string_equal(
        fx_properties(&f, "orders", "TableName"),
        "{\"AttributeDefinitions\":[{\"AttributeName\":\"at\",\"AttributeType\":\"N\"},"
        "{\"AttributeName\":\"id\",\"AttributeType\":\"S\"},{\"AttributeName\":\"size\","
        "\"AttributeType\":\"N\"},{\"AttributeName\":\"user\",\"AttributeType\":\"S\"}],"
        "\"BillingMode\":\"PAY_PER_REQUEST\",\"DeletionProtectionEnabled\":true,"
        "\"GlobalSecondaryIndexes\":[{\"IndexName\":\"by-user\",\"KeySchema\":"
        "[{\"AttributeName\":\"user\",\"KeyType\":\"HASH\"},{\"AttributeName\":\"at\","
        "\"KeyType\":\"RANGE\"}],\"Projection\":{\"NonKeyAttributes\":[\"total\"],"
        "\"ProjectionType\":\"INCLUDE\"}}],\"KeySchema\":[{\"AttributeName\":\"id\","
        "\"KeyType\":\"HASH\"},{\"AttributeName\":\"at\",\"KeyType\":\"RANGE\"}],"
        "\"LocalSecondaryIndexes\":[{\"IndexName\":\"by-size\",\"KeySchema\":"
        "[{\"AttributeName\":\"id\",\"KeyType\":\"HASH\"},{\"AttributeName\":\"size\","
        "\"KeyType\":\"RANGE\"}],\"Projection\":{\"ProjectionType\":\"KEYS_ONLY\"}}],"
        "\"OnDemandThroughput\":{\"MaxReadRequestUnits\":100,\"MaxWriteRequestUnits\":50},"
        "\"PointInTimeRecoverySpecification\":{\"PointInTimeRecoveryEnabled\":true,"
        "\"RecoveryPeriodInDays\":7},\"SSESpecification\":{\"KMSMasterKeyId\":\"alias/mine\","
        "\"SSEEnabled\":true,\"SSEType\":\"KMS\"},\"StreamSpecification\":{\"StreamViewType\":"
        "\"NEW_IMAGE\"},\"TableClass\":\"STANDARD_INFREQUENT_ACCESS\","
        "\"TimeToLiveSpecification\":{\"AttributeName\":\"expires\",\"Enabled\":true}}");
    assert_true(fx_node(&f, "orders")->protect);
    assert_string_equal(fx_output(&f, "orders.streamArn"),
                        "{\"$ref\":\"orders\",\"attr\":\"StreamArn\"}");
    assert_string_equal(fx_output(&f, "orders.streamLabel"),
                        "{\"$ref\":\"orders\",\"attr\":\"StreamLabel\"}");
    fx_end(&f);
}

static void provisioned_with_scaling(void **state) {
    (void)state;
    struct fixture f;
    fx_begin(&f);
    fx_component(&f, "DynamoDB", "orders",
                 KEY "  billingMode: PROVISIONED\n  readCapacity: 2\n  writeCapacity: 3\n"
                     "  autoscaling: {read: {min: 5, max: 50, target: 60}}\n"
                     "  globalSecondaryIndexes:\n"
                     "    - {name: one, hashKey: {name: a}, projection: ALL, readCapacity: 9}\n"
                     "  encryption: {enabled: false}\n  pointInTimeRecovery: true\n");
    fx_expand(&f);
    fx_assert_clean(&f, "");
    assert_string_equal(fx_keys(&f, "orders"), "orders orders:scaling-read-target "
                                               "orders:scaling-read");
    /* the start lies within the bounds of scaling */
    assert_property(&f, "orders", "ProvisionedThroughput",
                    "{\"ReadCapacityUnits\":5,\"WriteCapacityUnits\":3}");
    assert_property(&f, "orders", "GlobalSecondaryIndexes[0].ProvisionedThroughput",
                    "{\"ReadCapacityUnits\":9,\"WriteCapacityUnits\":3}");
    assert_property(&f, "orders", "SSESpecification", "{\"SSEEnabled\":false}");
    assert_property(&f, "orders", "PointInTimeRecoverySpecification",
                    "{\"PointInTimeRecoveryEnabled\":true}");
    assert_string_equal(fx_properties(&f, "orders:scaling-read-target", ""),
                        "{\"MaxCapacity\":50,\"MinCapacity\":5,\"ResourceId\":"
                        "\"table/shop-test-orders\",\"ScalableDimension\":"
                        "\"dynamodb:table:ReadCapacityUnits\",\"ServiceNamespace\":\"dynamodb\"}");
    assert_string_equal(
        fx_properties(&f, "orders:scaling-read", ""),
        "{\"PolicyName\":\"shop-test-orders-scaling-read\",\"PolicyType\":"
        "\"TargetTrackingScaling\",\"ResourceId\":\"table/shop-test-orders\","
        "\"ScalableDimension\":\"dynamodb:table:ReadCapacityUnits\",\"ServiceNamespace\":"
        "\"dynamodb\",\"TargetTrackingScalingPolicyConfiguration\":"
        "{\"PredefinedMetricSpecification\":{\"PredefinedMetricType\":"
        "\"DynamoDBReadCapacityUtilization\"},\"TargetValue\":60}}");
    assert_int_equal(fx_edge(&f, "orders:scaling-read-target", "orders")->strength, PK_EDGE_HARD);
    assert_non_null(fx_edge(&f, "orders:scaling-read", "orders:scaling-read-target"));
    fx_end(&f);
}

static void a_name_of_ones_own(void **state) {
    (void)state;
    struct fixture f;
    fx_begin(&f);
    fx_component(&f, "DynamoDB", "orders", KEY "  tableName: Orders.v2\n");
    fx_component(&f, "MicroService", "app",
                 "  image: {repository: nginx, tag: \"1\"}\n"
                 "  environment: {A: \"${orders.arn}\", N: \"${orders.name}\"}\n");
    fx_expand(&f);
    fx_assert_clean(&f, "");
    assert_property(&f, "orders", "TableName", "\"Orders.v2\"");
    assert_true(fx_node(&f, "orders")->name_explicit);
    assert_property(&f, "app:task-definition", "ContainerDefinitions[0].Environment",
                    "[{\"Name\":\"A\",\"Value\":\"arn:aws:dynamodb:eu-west-1:123456789012:table/"
                    "Orders.v2\"},{\"Name\":\"N\",\"Value\":\"Orders.v2\"}]");
    assert_int_equal(fx_edge(&f, "app:task-definition", "orders")->strength, PK_EDGE_SOFT);
    fx_end(&f);
}

static void access_levels(void **state) {
    (void)state;
    static const char read[] = "dynamodb:BatchGetItem,dynamodb:ConditionCheckItem,"
                               "dynamodb:DescribeTable,dynamodb:GetItem,dynamodb:Query,"
                               "dynamodb:Scan -> " TABLE_ARN "," TABLE_ARN "/index/*\n";
    static const char write[] = "dynamodb:BatchWriteItem,dynamodb:DeleteItem,dynamodb:PutItem,"
                                "dynamodb:UpdateItem -> " TABLE_ARN "," TABLE_ARN "/index/*\n";
    static const struct {
        const char *level, *first, *second;
    } cases[] = {
        {"read", read, ""},
        {"write", write, ""},
        {"readwrite", read, write},
        {"consume",
         "dynamodb:DescribeStream,dynamodb:GetRecords,dynamodb:GetShardIterator,"
         "dynamodb:ListStreams -> " TABLE_ARN "/stream/*\n",
         ""},
        {"admin", "dynamodb:* -> " TABLE_ARN "," TABLE_ARN "/index/*\n", ""},
    };
    for (size_t i = 0; i < PK_ARRAY_LEN(cases); i++) {
        struct fixture f;
        fx_begin(&f);
        PK_CLEANUP(pk_freep)
        char *spec = pk_asprintf("  image: {repository: nginx, tag: \"1\"}\n"
                                 "  permissions: [{component: orders, access: %s}]\n",
                                 cases[i].level);
        PK_CLEANUP(pk_freep) char *expected = pk_asprintf("%s%s", cases[i].first, cases[i].second);
        fx_component(&f, "DynamoDB", "orders", KEY);
        fx_component(&f, "MicroService", "app", spec);
        fx_expand(&f);
        fx_assert_clean(&f, "");
        assert_string_equal(fx_statements(&f, "app:task-role", ACCESS), expected);
        fx_end(&f);
    }
}

static void keys_cannot_change(void **state) {
    (void)state;
    struct fixture f;
    fx_begin(&f);
    struct pk_state_resource *r =
        fx_record(&f, "orders", "AWS::DynamoDB::Table", "orders", "", "shop-test-orders");
    json_object_set_new(r->properties, "KeySchema",
                        json_pack("[{s:s, s:s}]", "AttributeName", "other", "KeyType", "HASH"));
    fx_component(&f, "DynamoDB", "orders",
                 KEY "  rangeKey: {name: at, type: N}\n  localSecondaryIndexes:\n"
                     "    - {name: one, rangeKey: {name: a}}\n");
    fx_expand(&f);
    const struct pk_diag *d = fx_finding(&f, "ddb.key-change");
    assert_non_null(d);
    assert_int_equal(d->span.line, 5);
    assert_int_equal(pk_diags_count(f.diags, PK_SEVERITY_ERROR), 2);
    fx_end(&f);
}

static void others(struct fixture *f) {
    fx_component(f, "SQS", "jobs", "  type: standard\n");
}

#define PROVISIONED "  billingMode: PROVISIONED\n"
#define GSI(text) KEY "  globalSecondaryIndexes:\n    - {name: one, hashKey: {name: a}" text "}\n"

static void findings(void **state) {
    (void)state;
    static const struct finding_case cases[] = {
        ERROR_AT("ddb.name", 6, KEY "  tableName: ab\n"),
        ERROR_AT("ddb.name", 6, KEY "  tableName: \"a b c\"\n"),
        ERROR_AT("ddb.gsi-projection", 7, GSI(", projection: INCLUDE")),
        ERROR_AT("ddb.gsi-projection", 7, GSI(", projection: ALL, nonKeyAttributes: [a]")),
        ERROR_AT(
            "ddb.index-dup", 8,
            GSI(", projection: ALL") "    - {name: one, hashKey: {name: a}, projection: ALL}\n"),
        ERROR_AT("ddb.capacity-mode", 7, GSI(", projection: ALL, readCapacity: 1")),
        ERROR_AT("ddb.capacity-mode", 6, KEY "  readCapacity: 1\n"),
        ERROR_AT("ddb.capacity-mode", 6, KEY "  autoscaling: {read: {min: 1, max: 2}}\n"),
        ERROR_AT("ddb.capacity-mode", 7,
                 KEY PROVISIONED "  onDemand: {maxReadUnits: 1}\n"
                                 "  readCapacity: 1\n  writeCapacity: 1\n"),
        ERROR_AT("ddb.capacity-missing", 6, KEY PROVISIONED),
        ERROR_AT("ddb.scaling-range", 7,
                 KEY PROVISIONED "  autoscaling: {read: {min: 3, max: 2}}\n  writeCapacity: 1\n"),
        ERROR_AT("ddb.attr-type-conflict", 8,
                 KEY "  globalSecondaryIndexes:\n    - {name: one, projection: ALL,\n"
                     "       hashKey: {name: id, type: N}}\n"),
        ERROR_AT("ddb.lsi-range-key", 6,
                 KEY "  localSecondaryIndexes: [{name: one, rangeKey: {name: a}}]\n"),
        ERROR_AT("ddb.lsi-count", 7,
                 KEY "  rangeKey: {name: r}\n  localSecondaryIndexes: [{}, {}, {}, {}, {}, {}]\n"),
        ERROR_AT("ddb.ttl-attribute", 6, KEY "  ttl: {enabled: true}\n"),
        WARNING_AT("field.inert", 6, KEY "  ttl: {attributeName: a}\n"),
        WARNING_AT("field.inert", 6, KEY "  stream: {viewType: KEYS_ONLY}\n"),
        ERROR_AT("encryption.off", 6, KEY "  encryption: {enabled: false, kmsKey: alias/a}\n"),
        WARNING_AT("iam.no-role", 6, KEY "  permissions: [{component: jobs, access: read}]\n"),
    };
    check_findings("DynamoDB", cases, PK_ARRAY_LEN(cases), others);
}

static void too_many_indexes_and_attributes(void **state) {
    (void)state;
    struct fixture f;
    struct pk_buf spec = PK_BUF_INIT(1 << 20);
    fx_begin(&f);
    pk_buf_addz(&spec, KEY "  globalSecondaryIndexes:\n");
    for (int i = 0; i < 21; i++)
        pk_buf_addf(&spec,
                    "    - {name: index-%d, hashKey: {name: a}, projection: INCLUDE,\n"
                    "       nonKeyAttributes: [b, c, d, e, f]}\n",
                    i);
    fx_component(&f, "DynamoDB", "orders", pk_buf_cstr(&spec));
    fx_expand(&f);
    assert_int_equal(fx_finding(&f, "ddb.gsi-count")->span.line, 6);
    assert_int_equal(fx_finding(&f, "ddb.gsi-projection")->span.line, 6);
    pk_buf_release(&spec);
    fx_end(&f);
}

static void example(void **state) {
    (void)state;
    check_example("DynamoDB");
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(smallest_table),
        cmocka_unit_test(all_settings),
        cmocka_unit_test(provisioned_with_scaling),
        cmocka_unit_test(a_name_of_ones_own),
        cmocka_unit_test(access_levels),
        cmocka_unit_test(keys_cannot_change),
        cmocka_unit_test(findings),
        cmocka_unit_test(too_many_indexes_and_attributes),
        cmocka_unit_test(example),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
