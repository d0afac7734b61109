/* test_store_values.c - values of buckets and tables between CloudFormation and the API. */
#include "provider/dynamodb.h"
#include "provider/hooks.h"
#include "provider/s3.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

typedef json_t *convert_fn(const struct pk_ctx *ctx, const json_t *value, bool to_api);

static json_t *parse(const char *text) {
    json_t *value = json_loads(text, JSON_DECODE_ANY, NULL);
    assert_non_null(value);
    return value;
}

static void check(convert_fn *convert, const struct pk_ctx *ctx, const char *from, bool to_api,
                  const char *wanted) {
    json_auto_t *value = parse(from);
    json_auto_t *expected = wanted ? parse(wanted) : NULL;
    json_auto_t *result = convert(ctx, value, to_api);
    if (!pk_json_equal(result, expected)) {
        PK_CLEANUP(pk_freep) char *text = result ? pk_json_canonical(result) : pk_strdup("NULL");
        print_error("%s became %s\n", from, text);
    }
    assert_true(pk_json_equal(result, expected));
}

/* There and back again. */
static void both_ways(convert_fn *convert, const char *cfn, const char *api) {
    struct pk_ctx ctx = {0};
    check(convert, &ctx, cfn, true, api);
    check(convert, &ctx, api, false, cfn);
}

static void lifecycle(void **state) {
    (void)state;
    both_ways(pk_s3_lifecycle,
              "{\"Rules\":[{\"Id\":\"a\",\"Status\":\"Enabled\",\"Prefix\":\"\","
              "\"ExpirationInDays\":9,\"Transitions\":[{\"StorageClass\":\"GLACIER\","
              "\"TransitionInDays\":3}],\"NoncurrentVersionTransitions\":[{\"StorageClass\":"
              "\"GLACIER\",\"TransitionInDays\":4}]}]}",
              "{\"Rules\":[{\"ID\":\"a\",\"Status\":\"Enabled\",\"Filter\":{\"Prefix\":\"\"},"
              "\"Expiration\":{\"Days\":9},\"Transitions\":[{\"StorageClass\":\"GLACIER\","
              "\"Days\":3}],\"NoncurrentVersionTransitions\":[{\"StorageClass\":\"GLACIER\","
              "\"NoncurrentDays\":4}]}]}");
}

/* One condition stands alone, several stand in And. */
static void lifecycle_filters(void **state) {
    (void)state;
    both_ways(pk_s3_lifecycle,
              "{\"Rules\":[{\"Status\":\"Enabled\",\"TagFilters\":[{\"Key\":\"k\",\"Value\":"
              "\"v\"}]}]}",
              "{\"Rules\":[{\"Status\":\"Enabled\",\"Filter\":{\"Tag\":{\"Key\":\"k\","
              "\"Value\":\"v\"}}}]}");
    both_ways(pk_s3_lifecycle,
              "{\"Rules\":[{\"Status\":\"Enabled\",\"Prefix\":\"p\","
              "\"ObjectSizeGreaterThan\":\"10\",\"TagFilters\":[{\"Key\":\"k\",\"Value\":"
              "\"v\"}]}]}",
              "{\"Rules\":[{\"Status\":\"Enabled\",\"Filter\":{\"And\":{\"Prefix\":\"p\","
              "\"ObjectSizeGreaterThan\":10,\"Tags\":[{\"Key\":\"k\",\"Value\":\"v\"}]}}}]}");
    struct pk_ctx ctx = {0};
    check(pk_s3_lifecycle, &ctx, "{\"Rules\":[{\"Status\":\"Disabled\"}]}", true,
          "{\"Rules\":[{\"Status\":\"Disabled\",\"Filter\":{\"Prefix\":\"\"}}]}");
    /* Rules written by older tools have no filter. */
    check(pk_s3_lifecycle, &ctx, "{\"Rules\":[{\"Status\":\"Enabled\",\"Prefix\":\"x\"}]}", false,
          "{\"Rules\":[{\"Status\":\"Enabled\",\"Prefix\":\"x\"}]}");
}

static void other_bucket_values(void **state) {
    (void)state;
    struct pk_ctx ctx = {0};
    both_ways(pk_s3_website,
              "{\"IndexDocument\":\"i\",\"ErrorDocument\":\"e\",\"RoutingRules\":[{"
              "\"RedirectRule\":{\"HostName\":\"h\"},\"RoutingRuleCondition\":{"
              "\"KeyPrefixEquals\":\"k\"}}]}",
              "{\"IndexDocument\":{\"Suffix\":\"i\"},\"ErrorDocument\":{\"Key\":\"e\"},"
              "\"RoutingRules\":[{\"Redirect\":{\"HostName\":\"h\"},\"Condition\":{"
              "\"KeyPrefixEquals\":\"k\"}}]}");
    check(pk_s3_logging, &ctx, "{\"DestinationBucketName\":\"b\"}", true,
          "{\"LoggingEnabled\":{\"TargetBucket\":\"b\",\"TargetPrefix\":\"\"}}");
    check(pk_s3_canned_acl, &ctx, "\"PublicReadWrite\"", true, "\"public-read-write\"");
    check(pk_s3_versioning, &ctx, "{}", false, "{\"Status\":\"Suspended\"}");
}

static void table_values(void **state) {
    (void)state;
    struct pk_ctx ctx = {0};
    check(pk_dynamodb_throughput, &ctx, "{\"ReadCapacityUnits\":0,\"WriteCapacityUnits\":0}", false,
          NULL);
    check(pk_dynamodb_indexes, &ctx,
          "[{\"IndexName\":\"i\",\"IndexStatus\":\"ACTIVE\",\"KeySchema\":[],\"Projection\":{"
          "\"ProjectionType\":\"INCLUDE\",\"NonKeyAttributes\":[\"b\",\"a\"]},"
          "\"ProvisionedThroughput\":{\"ReadCapacityUnits\":0,\"NumberOfDecreasesToday\":0}}]",
          false,
          "[{\"IndexName\":\"i\",\"KeySchema\":[],\"Projection\":{\"ProjectionType\":\"INCLUDE\","
          "\"NonKeyAttributes\":[\"a\",\"b\"]}}]");
    check(pk_dynamodb_stream, &ctx, "{\"StreamViewType\":\"NEW_IMAGE\"}", true,
          "{\"StreamEnabled\":true,\"StreamViewType\":\"NEW_IMAGE\"}");
    check(pk_dynamodb_stream, &ctx, "{\"StreamEnabled\":false}", false, NULL);
    check(pk_dynamodb_sse, &ctx, "{\"SSEEnabled\":false,\"SSEType\":\"KMS\"}", true,
          "{\"Enabled\":false}");
    check(pk_dynamodb_recovery, &ctx,
          "{\"PointInTimeRecoveryStatus\":\"ENABLED\",\"RecoveryPeriodInDays\":7}", false,
          "{\"PointInTimeRecoveryEnabled\":true,\"RecoveryPeriodInDays\":7}");
}

static void keys_as_written(void **state) {
    (void)state;
    static const char arn[] = "arn:aws:kms:eu-west-1:123456789012:key/abc";
    assert_string_equal(pk_key_as_written(arn, "alias/mine"), "alias/mine");
    assert_string_equal(pk_key_as_written(arn, "arn:aws:kms:eu-west-1:123456789012:alias/mine"),
                        "arn:aws:kms:eu-west-1:123456789012:alias/mine");
    assert_string_equal(pk_key_as_written(arn, "abc"), "abc");
    assert_string_equal(pk_key_as_written(arn, "bc"), arn);
    assert_string_equal(pk_key_as_written(arn, arn), arn);
    assert_string_equal(pk_key_as_written(arn, NULL), arn);
    assert_null(pk_key_as_written(NULL, "abc"));
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(lifecycle),           cmocka_unit_test(lifecycle_filters),
        cmocka_unit_test(other_bucket_values), cmocka_unit_test(table_values),
        cmocka_unit_test(keys_as_written),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
