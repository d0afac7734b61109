/* test_names.c - physical names. */
#include "component/names.h"

#include "base/str.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static struct pk_arena *arena;

static int begin(void **state) {
    (void)state;
    arena = pk_arena_new();
    return 0;
}

static int end(void **state) {
    (void)state;
    pk_arena_free(arena);
    return 0;
}

static const char *made(const char *type, const char *base, const char *suffix,
                        unsigned generation) {
    struct pk_name_rule rule = *pk_name_rule(type);
    rule.suffix = suffix;
    return pk_name_make(arena, base, &rule, generation);
}

static void base_joins_what_is_there(void **state) {
    (void)state;
    const char *const parts[] = {NULL, "shop", "prod", "", "web", NULL};
    assert_string_equal(pk_name_base(arena, parts, PK_ARRAY_LEN(parts)), "shop-prod-web");
    assert_string_equal(pk_name_base(arena, parts, 1), "");
}

static void short_names_are_kept(void **state) {
    (void)state;
    assert_string_equal(made("AWS::SQS::Queue", "team-shop-prod-orders", NULL, 0),
                        "team-shop-prod-orders");
    assert_string_equal(made("AWS::SQS::Queue", "orders", ".fifo", 0), "orders.fifo");
    assert_string_equal(made("AWS::SQS::Queue", "orders", ".fifo", 2), "orders-r2.fifo");
    assert_string_equal(made("AWS::S3::Bucket", "shop-prod-files", "-123456789012", 0),
                        "shop-prod-files-123456789012");
}

static void characters_follow_the_type(void **state) {
    (void)state;
    assert_string_equal(made("AWS::RDS::DBInstance", "9Team_Shop--x-", NULL, 0), "x-9team-shop-x");
    assert_string_equal(made("AWS::DynamoDB::Table", "a_b.c-d e", NULL, 0), "a_b.c-d-e");
    assert_string_equal(made("AWS::ElasticLoadBalancingV2::TargetGroup", "-a_b.c-", NULL, 0),
                        "a-b-c");
}

/* The digits are those of `printf %s BASE | sha256sum`. */
static void long_names_end_with_a_digest(void **state) {
    (void)state;
    const char *base = "notifications-team-notification-platform-production-api-server-exec";
    const char *name = made("AWS::IAM::Role", base, NULL, 0);
    assert_int_equal(strlen(name), 64);
    assert_string_equal(name, "notifications-team-notification-platform-production-api-f65ee2ea");
}

static void cut_never_leaves_two_dashes(void **state) {
    (void)state;
    /* cut at 23: the 23rd character is a dash */
    const char *base = "abcdefghijklmnopqrstuv-and-much-more-than-thirty-two";
    const char *name = made("AWS::ElasticLoadBalancingV2::LoadBalancer", base, NULL, 0);
    assert_null(strstr(name, "--"));
    assert_true(strlen(name) <= 32);
    assert_true(pk_starts_with(name, "abcdefghijklmnopqrstuv-"));
}

static void generation_and_suffix_survive_the_cut(void **state) {
    (void)state;
    char base[200];
    memset(base, 'a', sizeof(base) - 1);
    base[sizeof(base) - 1] = 0;
    const char *name = made("AWS::SQS::Queue", base, ".fifo", 12);
    assert_int_equal(strlen(name), 80);
    assert_true(pk_ends_with(name, "-r12.fifo"));
    assert_string_not_equal(name, made("AWS::SQS::Queue", base, ".fifo", 13));
}

static void every_type_of_the_table_has_a_rule(void **state) {
    (void)state;
    static const struct {
        const char *type;
        size_t max;
        const char *property;
    } expected[] = {
        {"AWS::ECS::Cluster", 255, "ClusterName"},
        {"AWS::ECS::Service", 255, "ServiceName"},
        {"AWS::ECS::TaskDefinition", 255, "Family"},
        {"AWS::IAM::Role", 64, "RoleName"},
        {"AWS::IAM::InstanceProfile", 128, "InstanceProfileName"},
        {"AWS::Logs::LogGroup", 512, "LogGroupName"},
        {"AWS::ElasticLoadBalancingV2::LoadBalancer", 32, "Name"},
        {"AWS::ElasticLoadBalancingV2::TargetGroup", 32, "Name"},
        {"AWS::Lambda::Function", 64, "FunctionName"},
        {"AWS::SQS::Queue", 80, "QueueName"},
        {"AWS::SNS::Topic", 256, "TopicName"},
        {"AWS::DynamoDB::Table", 255, "TableName"},
        {"AWS::RDS::DBInstance", 63, "DBInstanceIdentifier"},
        {"AWS::RDS::DBCluster", 63, "DBClusterIdentifier"},
        {"AWS::RDS::DBSubnetGroup", 255, "DBSubnetGroupName"},
        {"AWS::RDS::DBParameterGroup", 255, "DBParameterGroupName"},
        {"AWS::DocDB::DBCluster", 63, "DBClusterIdentifier"},
        {"AWS::ElastiCache::ReplicationGroup", 40, "ReplicationGroupId"},
        {"AWS::ElastiCache::CacheCluster", 50, "ClusterName"},
        {"AWS::ElastiCache::SubnetGroup", 255, "CacheSubnetGroupName"},
        {"AWS::MemoryDB::Cluster", 40, "ClusterName"},
        {"AWS::S3::Bucket", 63, "BucketName"},
        {"AWS::MSK::Cluster", 64, "ClusterName"},
        {"AWS::Events::EventBus", 256, "Name"},
        {"AWS::Events::Rule", 64, "Name"},
        {"AWS::Scheduler::Schedule", 64, "Name"},
        {"AWS::Events::Archive", 48, "ArchiveName"},
        {"AWS::EC2::SecurityGroup", 255, "GroupName"},
        {"AWS::CloudFront::OriginAccessControl", 64, NULL},
        {"AWS::CloudWatch::Alarm", 255, "AlarmName"},
        {"AWS::SecretsManager::Secret", 512, "Name"},
        {"AWS::ApiGatewayV2::Api", 128, "Name"},
    };
    for (size_t i = 0; i < PK_ARRAY_LEN(expected); i++) {
        const struct pk_name_rule *rule = pk_name_rule(expected[i].type);
        assert_non_null(rule);
        assert_int_equal(rule->max, expected[i].max);
        if (expected[i].property)
            assert_string_equal(pk_name_property(expected[i].type), expected[i].property);
        else
            assert_null(pk_name_property(expected[i].type));
    }
    assert_null(pk_name_rule("AWS::EC2::VPC"));
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(base_joins_what_is_there),
        cmocka_unit_test(short_names_are_kept),
        cmocka_unit_test(characters_follow_the_type),
        cmocka_unit_test(long_names_end_with_a_digest),
        cmocka_unit_test(cut_never_leaves_two_dashes),
        cmocka_unit_test(generation_and_suffix_survive_the_cut),
        cmocka_unit_test(every_type_of_the_table_has_a_rule),
    };
    return cmocka_run_group_tests(tests, begin, end);
}
