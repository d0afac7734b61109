/* names.c - physical names: the rules of each type and how a base is made to fit them. */
#include "component/names.h"

#include "base/hash.h"
#include "base/str.h"

#include <string.h>

#define HASH_DIGITS 8

struct type_name {
    const char *type;
    const char *property; /* CloudFormation property that holds the name, or NULL */
    struct pk_name_rule rule;
};

/* clang-format off */
#define ECS     {255, "_-", false, false, NULL}
#define IAM(n)  {(n), "_+=,.@-", false, false, NULL}
#define LB      {32, "-", false, false, NULL}
#define DB      {63, "-", true, true, NULL}
#define DBGROUP {255, "-", true, true, NULL}
#define CACHE   {40, "-", true, true, NULL}

static const struct type_name types[] = {
    {"AWS::ApiGatewayV2::Api", "Name", {128, "_.-", false, false, NULL}},
    {"AWS::ApiGatewayV2::VpcLink", "Name", {128, "_.-", false, false, NULL}},
    {"AWS::ApplicationAutoScaling::ScalingPolicy", "PolicyName", {256, "_.-", false, false, NULL}},
    {"AWS::CloudFront::OriginAccessControl", NULL, {64, "_.-", false, false, NULL}},
    {"AWS::CloudWatch::Alarm", "AlarmName", {255, "_.-", false, false, NULL}},
    {"AWS::DocDB::DBCluster", "DBClusterIdentifier", DB},
    {"AWS::DocDB::DBClusterParameterGroup", "Name", DBGROUP},
    {"AWS::DocDB::DBInstance", "DBInstanceIdentifier", DB},
    {"AWS::DocDB::DBSubnetGroup", "DBSubnetGroupName", DBGROUP},
    {"AWS::DynamoDB::Table", "TableName", {255, "_.-", false, false, NULL}},
    {"AWS::EC2::SecurityGroup", "GroupName", {255, " ._:/()#,@[]+=&;{}!$*-", false, false, NULL}},
    {"AWS::ECS::Cluster", "ClusterName", ECS},
    {"AWS::ECS::Service", "ServiceName", ECS},
    {"AWS::ECS::TaskDefinition", "Family", ECS},
    {"AWS::ElastiCache::CacheCluster", "ClusterName", {50, "-", true, true, NULL}},
    {"AWS::ElastiCache::ParameterGroup", "CacheParameterGroupName", DBGROUP},
    {"AWS::ElastiCache::ReplicationGroup", "ReplicationGroupId", CACHE},
    {"AWS::ElastiCache::SubnetGroup", "CacheSubnetGroupName", DBGROUP},
    {"AWS::ElasticLoadBalancingV2::LoadBalancer", "Name", LB},
    {"AWS::ElasticLoadBalancingV2::TargetGroup", "Name", LB},
    {"AWS::Events::Archive", "ArchiveName", {48, "_.-", false, false, NULL}},
    {"AWS::Events::EventBus", "Name", {256, "_./-", false, false, NULL}},
    {"AWS::Events::Rule", "Name", {64, "_.-", false, false, NULL}},
    {"AWS::IAM::InstanceProfile", "InstanceProfileName", IAM(128)},
    {"AWS::IAM::Role", "RoleName", IAM(64)},
    {"AWS::Lambda::Function", "FunctionName", {64, "_-", false, false, NULL}},
    {"AWS::Logs::LogGroup", "LogGroupName", {512, "_./#-", false, false, NULL}},
    {"AWS::MSK::Cluster", "ClusterName", {64, "-", false, false, NULL}},
    {"AWS::MSK::Configuration", "Name", {64, "-", false, false, NULL}},
    {"AWS::MSK::ServerlessCluster", "ClusterName", {64, "-", false, false, NULL}},
    {"AWS::MemoryDB::ACL", "ACLName", CACHE},
    {"AWS::MemoryDB::Cluster", "ClusterName", CACHE},
    {"AWS::MemoryDB::ParameterGroup", "ParameterGroupName", DBGROUP},
    {"AWS::MemoryDB::SubnetGroup", "SubnetGroupName", CACHE},
    {"AWS::MemoryDB::User", "UserName", CACHE},
    {"AWS::RDS::DBCluster", "DBClusterIdentifier", DB},
    {"AWS::RDS::DBClusterParameterGroup", "DBClusterParameterGroupName", DBGROUP},
    {"AWS::RDS::DBInstance", "DBInstanceIdentifier", DB},
    {"AWS::RDS::DBParameterGroup", "DBParameterGroupName", DBGROUP},
    {"AWS::RDS::DBSubnetGroup", "DBSubnetGroupName", DBGROUP},
    {"AWS::RDS::OptionGroup", "OptionGroupName", DBGROUP},
    {"AWS::S3::Bucket", "BucketName", {63, "-", true, false, NULL}},
    {"AWS::SNS::Topic", "TopicName", {256, "_-", false, false, NULL}},
    {"AWS::SQS::Queue", "QueueName", {80, "_-", false, false, NULL}},
    {"AWS::Scheduler::Schedule", "Name", {64, "_.-", false, false, NULL}},
    {"AWS::SecretsManager::Secret", "Name", {512, "/_+=.@-", false, false, NULL}},
    {"AWS::ServiceDiscovery::PrivateDnsNamespace", "Name", {253, ".-", true, false, NULL}},
    {"AWS::ServiceDiscovery::Service", "Name", {63, "-", true, false, NULL}},
};
/* clang-format on */

static const struct type_name *find_type(const char *type) {
    for (size_t i = 0; i < PK_ARRAY_LEN(types); i++)
        if (strcmp(types[i].type, type) == 0)
            return &types[i];
    return NULL;
}

const struct pk_name_rule *pk_name_rule(const char *type) {
    const struct type_name *found = find_type(type);
    return found ? &found->rule : NULL;
}

const char *pk_name_property(const char *type) {
    const struct type_name *found = find_type(type);
    return found ? found->property : NULL;
}

char *pk_name_base(struct pk_arena *arena, const char *const *parts, size_t n_parts) {
    char *base = pk_arena_strdup(arena, "");
    for (size_t i = 0; i < n_parts; i++) {
        if (!parts[i] || !*parts[i])
            continue;
        base = *base ? pk_arena_printf(arena, "%s-%s", base, parts[i])
                     : pk_arena_strdup(arena, parts[i]);
    }
    return base;
}

static bool is_alnum(char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
}

static bool is_letter(char c) {
    return is_alnum(c) && !(c >= '0' && c <= '9');
}

/* Only characters of the rule, runs of '-' as one, none at the ends; room for a letter in front. */
static char *clean(struct pk_arena *arena, const char *base, const struct pk_name_rule *rule) {
    const char *extra = rule->extra ? rule->extra : "";
    char *out = pk_arena_alloc(arena, strlen(base) + 3);
    size_t n = 0;
    for (const char *p = base; *p; p++) {
        char c = is_alnum(*p) || strchr(extra, *p) ? *p : '-';
        if (rule->lower && c >= 'A' && c <= 'Z')
            c = (char)(c - 'A' + 'a');
        if (n == 0 && rule->letter_first && !is_letter(c) && c != '-') {
            out[n++] = 'x';
            out[n++] = '-';
        }
        if (c == '-' && (n == 0 || out[n - 1] == '-'))
            continue;
        out[n++] = c;
    }
    while (n > 0 && out[n - 1] == '-')
        n--;
    out[n] = 0;
    return out;
}

char *pk_name_make(struct pk_arena *arena, const char *base, const struct pk_name_rule *rule,
                   unsigned generation) {
    const char *suffix = rule->suffix ? rule->suffix : "";
    char *tail = generation > 0 ? pk_arena_printf(arena, "-r%u%s", generation, suffix)
                                : pk_arena_strdup(arena, suffix);
    char *name = clean(arena, base, rule);
    if (strlen(name) + strlen(tail) <= rule->max)
        return pk_arena_printf(arena, "%s%s", name, tail);
    pk_assert(rule->max > strlen(tail) + HASH_DIGITS + 1);
    size_t keep = rule->max - strlen(tail) - HASH_DIGITS - 1;
    char hex[PK_SHA256_HEX_SIZE];
    pk_sha256_hex(base, strlen(base), hex);
    while (keep > 0 && name[keep - 1] == '-')
        keep--;
    return pk_arena_printf(arena, "%.*s-%.*s%s", (int)keep, name, HASH_DIGITS, hex, tail);
}
