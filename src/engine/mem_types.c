/* mem_types.c - plausible identifiers and attributes, always the same for the same resource. */
#include "engine/mem_types.h"

#include "base/hash.h"
#include "base/mem.h"
#include "json/json.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>

/*
 * Templates: {name} {word} (last part of the type, lower case) {8} {17} (hex digits) {region}
 * {account} {id} {port}. The first row that matches the type wins.
 */
struct row {
    const char *type; /* glob */
    const char *text;
};

/* clang-format off */
static const struct row ids[] = {
    {"AWS::SQS::Queue", "https://sqs.{region}.amazonaws.com/{account}/{name}"},
    {"AWS::SNS::Topic", "arn:aws:sns:{region}:{account}:{name}"},
    {"AWS::SNS::Subscription", "arn:aws:sns:{region}:{account}:topic:{8}-{8}"},
    {"AWS::ECS::Service", "arn:aws:ecs:{region}:{account}:service/cluster/{name}"},
    {"AWS::ECS::TaskDefinition", "arn:aws:ecs:{region}:{account}:task-definition/{name}:{rev}"},
    {"AWS::ElasticLoadBalancingV2::LoadBalancer", "arn:aws:elasticloadbalancing:{region}:{account}:loadbalancer/app/{name}/{17}"},
    {"AWS::ElasticLoadBalancingV2::TargetGroup", "arn:aws:elasticloadbalancing:{region}:{account}:targetgroup/{name}/{17}"},
    {"AWS::ElasticLoadBalancingV2::*", "arn:aws:elasticloadbalancing:{region}:{account}:{word}/app/{17}"},
    {"AWS::SecretsManager::Secret", "arn:aws:secretsmanager:{region}:{account}:secret:{name}-{6}"},
    {"AWS::MSK::*", "arn:aws:kafka:{region}:{account}:{word}/{name}/{8}"},
    {"AWS::CertificateManager::Certificate", "arn:aws:acm:{region}:{account}:certificate/{8}-{8}"},
    {"AWS::EC2::VPC", "vpc-{17}"},
    {"AWS::EC2::Subnet", "subnet-{17}"},
    {"AWS::EC2::SecurityGroup", "sg-{17}"},
    {"AWS::EC2::SecurityGroup?*", "sgr-{17}"},
    {"AWS::EC2::InternetGateway", "igw-{17}"},
    {"AWS::EC2::NatGateway", "nat-{17}"},
    {"AWS::EC2::RouteTable", "rtb-{17}"},
    {"AWS::EC2::EIP", "eipalloc-{17}"},
    {"AWS::EC2::Instance", "i-{17}"},
    {"AWS::EC2::Volume", "vol-{17}"},
    {"AWS::EC2::VPCEndpoint", "vpce-{17}"},
    {"AWS::EC2::FlowLog", "fl-{17}"},
    {"AWS::EFS::FileSystem", "fs-{17}"},
    {"AWS::EFS::AccessPoint", "fsap-{17}"},
    {"AWS::EFS::MountTarget", "fsmt-{17}"},
    {"AWS::ServiceDiscovery::Service", "srv-{17}"},
    {"AWS::ServiceDiscovery::*", "ns-{17}"},
    {"AWS::CloudFront::Distribution", "E{13}"},
    {"AWS::ApiGatewayV2::*", "{10}"},
    {"*", "{name}"},
};

/* Every matching row is one attribute; dotted names make objects. */
static const struct { const char *type, *name, *text; } attributes[] = {
    {"*", "Arn", "{arn}"},
    {"*", "Id", "{id}"},
    {"AWS::SQS::Queue", "QueueUrl", "{id}"},
    {"AWS::SQS::Queue", "QueueName", "{name}"},
    {"AWS::SNS::Topic", "TopicArn", "{id}"},
    {"AWS::SNS::Topic", "TopicName", "{name}"},
    {"AWS::ECS::Service", "ServiceArn", "{id}"},
    {"AWS::ECS::Service", "Name", "{name}"},
    {"AWS::ECS::TaskDefinition", "TaskDefinitionArn", "{id}"},
    {"AWS::ECS::Cluster", "ClusterArn", "{arn}"},
    {"AWS::ElasticLoadBalancingV2::LoadBalancer", "LoadBalancerArn", "{id}"},
    {"AWS::ElasticLoadBalancingV2::LoadBalancer", "LoadBalancerFullName", "app/{name}/{17}"},
    {"AWS::ElasticLoadBalancingV2::LoadBalancer", "LoadBalancerName", "{name}"},
    {"AWS::ElasticLoadBalancingV2::LoadBalancer", "DNSName", "{name}-{8}.{region}.elb.amazonaws.com"},
    {"AWS::ElasticLoadBalancingV2::LoadBalancer", "CanonicalHostedZoneID", "Z35SXDOTRQ7X7K"},
    {"AWS::ElasticLoadBalancingV2::TargetGroup", "TargetGroupArn", "{id}"},
    {"AWS::ElasticLoadBalancingV2::TargetGroup", "TargetGroupFullName", "targetgroup/{name}/{17}"},
    {"AWS::ElasticLoadBalancingV2::TargetGroup", "TargetGroupName", "{name}"},
    {"AWS::ElasticLoadBalancingV2::Listener", "ListenerArn", "{id}"},
    {"AWS::ElasticLoadBalancingV2::ListenerRule", "RuleArn", "{id}"},
    {"AWS::RDS::DB*", "Endpoint.Address", "{name}.{8}.{region}.rds.amazonaws.com"},
    {"AWS::RDS::DB*", "Endpoint.Port", "{port}"},
    {"AWS::RDS::DB*", "Endpoint.HostedZoneId", "Z2R2ITUGPM61AM"},
    {"AWS::RDS::DBCluster", "ReadEndpoint.Address", "{name}.ro-{8}.{region}.rds.amazonaws.com"},
    {"AWS::RDS::DBInstance", "DBInstanceArn", "{arn}"},
    {"AWS::RDS::DBCluster", "DBClusterArn", "{arn}"},
    {"AWS::RDS::DB*", "MasterUserSecret.SecretArn", "arn:aws:secretsmanager:{region}:{account}:secret:rds!{name}-{6}"},
    {"AWS::DocDB::*", "Endpoint", "{name}.{8}.{region}.docdb.amazonaws.com"},
    {"AWS::DocDB::*", "ReadEndpoint", "{name}.ro-{8}.{region}.docdb.amazonaws.com"},
    {"AWS::DocDB::*", "ClusterResourceId", "cluster-{17}"},
    {"AWS::DocDB::*", "Port", "{port}"},
    {"AWS::ElastiCache::*", "PrimaryEndPoint.Address", "{name}.{6}.cache.amazonaws.com"},
    {"AWS::ElastiCache::*", "PrimaryEndPoint.Port", "{port}"},
    {"AWS::ElastiCache::*", "ReaderEndPoint.Address", "{name}-ro.{6}.cache.amazonaws.com"},
    {"AWS::ElastiCache::*", "ReaderEndPoint.Port", "{port}"},
    {"AWS::ElastiCache::*", "ConfigurationEndPoint.Address", "{name}.cfg.{6}.cache.amazonaws.com"},
    {"AWS::ElastiCache::*", "ConfigurationEndPoint.Port", "{port}"},
    {"AWS::ElastiCache::*", "ConfigurationEndpoint.Address", "{name}.cfg.{6}.cache.amazonaws.com"},
    {"AWS::ElastiCache::*", "ConfigurationEndpoint.Port", "{port}"},
    {"AWS::MemoryDB::Cluster", "ClusterEndpoint.Address", "clustercfg.{name}.{6}.memorydb.{region}.amazonaws.com"},
    {"AWS::MemoryDB::Cluster", "ClusterEndpoint.Port", "{port}"},
    {"AWS::DynamoDB::Table", "StreamArn", "{arn}/stream/2026-01-01T00:00:00.000"},
    {"AWS::DynamoDB::Table", "TableName", "{name}"},
    {"AWS::S3::Bucket", "DomainName", "{name}.s3.amazonaws.com"},
    {"AWS::S3::Bucket", "RegionalDomainName", "{name}.s3.{region}.amazonaws.com"},
    {"AWS::S3::Bucket", "DualStackDomainName", "{name}.s3.dualstack.{region}.amazonaws.com"},
    {"AWS::S3::Bucket", "WebsiteURL", "http://{name}.s3-website-{region}.amazonaws.com"},
    {"AWS::Lambda::Function", "FunctionArn", "{arn}"},
    {"AWS::Lambda::Function", "Version", "$LATEST"},
    {"AWS::Lambda::Url", "FunctionUrl", "https://{17}.lambda-url.{region}.on.aws/"},
    {"AWS::EC2::VPC", "VpcId", "{id}"},
    {"AWS::EC2::VPC", "CidrBlock", "10.0.0.0/16"},
    {"AWS::EC2::VPC", "DefaultSecurityGroup", "sg-{17}"},
    {"AWS::EC2::Subnet", "SubnetId", "{id}"},
    {"AWS::EC2::SecurityGroup*", "GroupId", "sg-{17}"},
    {"AWS::EC2::InternetGateway", "InternetGatewayId", "{id}"},
    {"AWS::EC2::NatGateway", "NatGatewayId", "{id}"},
    {"AWS::EC2::RouteTable", "RouteTableId", "{id}"},
    {"AWS::EC2::EIP", "AllocationId", "{id}"},
    {"AWS::EC2::EIP", "PublicIp", "203.0.113.{byte}"},
    {"AWS::EC2::Instance", "InstanceId", "{id}"},
    {"AWS::EC2::Instance", "PrivateIp", "10.0.0.{byte}"},
    {"AWS::EC2::Instance", "PublicIp", "203.0.113.{byte}"},
    {"AWS::EC2::Instance", "PrivateDnsName", "ip-10-0-0-{byte}.ec2.internal"},
    {"AWS::EC2::Instance", "PublicDnsName", "ec2-203-0-113-{byte}.compute-1.amazonaws.com"},
    {"AWS::EC2::Volume", "VolumeId", "{id}"},
    {"AWS::EFS::FileSystem", "FileSystemId", "{id}"},
    {"AWS::EFS::AccessPoint", "AccessPointId", "{id}"},
    {"AWS::IAM::Role", "RoleId", "AROA{17}"},
    {"AWS::CloudFront::Distribution", "DomainName", "d{13}.cloudfront.net"},
    {"AWS::ApiGatewayV2::Api", "ApiId", "{id}"},
    {"AWS::ApiGatewayV2::Api", "ApiEndpoint", "https://{id}.execute-api.{region}.amazonaws.com"},
    {"AWS::ApiGatewayV2::*", "IntegrationId", "{id}"},
    {"AWS::ApiGatewayV2::*", "AuthorizerId", "{id}"},
    {"AWS::ApiGatewayV2::DomainName", "RegionalDomainName", "d-{10}.execute-api.{region}.amazonaws.com"},
    {"AWS::ApiGatewayV2::DomainName", "RegionalHostedZoneId", "Z1UJRXOUMOOFQ8"},
    {"AWS::ServiceDiscovery::*", "HostedZoneId", "Z{17}"},
    {"AWS::Events::*", "Name", "{name}"},
    {"AWS::MSK::*", "BootstrapBrokers", "b-1.{name}.{6}.kafka.{region}.amazonaws.com:9098"},
};

static const struct row arns[] = {
    {"AWS::SQS::Queue", "arn:aws:sqs:{region}:{account}:{name}"},
    {"AWS::IAM::Role", "arn:aws:iam::{account}:role/{name}"},
    {"AWS::IAM::InstanceProfile", "arn:aws:iam::{account}:instance-profile/{name}"},
    {"AWS::S3::Bucket", "arn:aws:s3:::{name}"},
    {"AWS::Lambda::Function", "arn:aws:lambda:{region}:{account}:function:{name}"},
    {"AWS::DynamoDB::Table", "arn:aws:dynamodb:{region}:{account}:table/{name}"},
    {"AWS::ECS::Cluster", "arn:aws:ecs:{region}:{account}:cluster/{name}"},
    {"AWS::Logs::LogGroup", "arn:aws:logs:{region}:{account}:log-group:{name}:*"},
    {"AWS::RDS::DBInstance", "arn:aws:rds:{region}:{account}:db:{name}"},
    {"AWS::RDS::DBCluster", "arn:aws:rds:{region}:{account}:cluster:{name}"},
    {"AWS::Events::Rule", "arn:aws:events:{region}:{account}:rule/{name}"},
    {"AWS::Events::EventBus", "arn:aws:events:{region}:{account}:event-bus/{name}"},
    {"AWS::EFS::FileSystem", "arn:aws:elasticfilesystem:{region}:{account}:file-system/{id}"},
    {"AWS::CloudFront::Distribution", "arn:aws:cloudfront::{account}:distribution/{id}"},
    {"*", "arn:aws:{service}:{region}:{account}:{word}/{plain}"},
};
/* clang-format on */

static const char *row_of(const struct row *rows, size_t n, const char *type) {
    for (size_t i = 0; i < n; i++)
        if (pk_glob(rows[i].type, type))
            return rows[i].text;
    return "{name}";
}

static void add_lower(struct pk_buf *out, const char *text, size_t len) {
    for (size_t i = 0; i < len; i++)
        pk_buf_addc(out, (char)tolower((unsigned char)text[i]));
}

static const char *last_part(const char *type) {
    const char *colon = strrchr(type, ':');
    return colon ? colon + 1 : type;
}

static void expand(const struct pk_mem_subject *s, const char *text, struct pk_buf *out);

static void add_name(const struct pk_mem_subject *s, const char *hex, struct pk_buf *out) {
    if (s->name && *s->name) {
        pk_buf_addz(out, s->name);
        return;
    }
    const char *word = last_part(s->type);
    add_lower(out, word, strlen(word));
    pk_buf_addf(out, "-%.12s", hex);
}

static void add_port(const struct pk_mem_subject *s, struct pk_buf *out) {
    int64_t fallback = strstr(s->type, "::RDS::")          ? 5432
                       : strstr(s->type, "::DocDB::")      ? 27017
                       : strstr(s->type, "::CacheCluster") ? 11211
                                                           : 6379;
    const json_t *port = json_object_get(s->properties, "Port");
    if (json_is_string(port))
        pk_buf_addz(out, json_string_value(port));
    else
        pk_buf_addf(out, "%lld", (long long)pk_json_int(s->properties, "Port", fallback));
}

/* What follows the last '/' or ':' of the id: something short for ARNs. */
static const char *plain_id(const struct pk_mem_subject *s) {
    const char *id = s->physical_id ? s->physical_id : "";
    const char *slash = strrchr(id, '/');
    return slash ? slash + 1 : id;
}

static void add_field(const struct pk_mem_subject *s, const char *field, const char *hex,
                      struct pk_buf *out) {
    const char *service = strstr(s->type, "::");
    if (isdigit((unsigned char)field[0]))
        pk_buf_add(out, hex, (size_t)strtoul(field, NULL, 10));
    else if (strcmp(field, "name") == 0)
        add_name(s, hex, out);
    else if (strcmp(field, "word") == 0)
        add_lower(out, last_part(s->type), strlen(last_part(s->type)));
    else if (strcmp(field, "service") == 0 && service)
        add_lower(out, service + 2, strcspn(service + 2, ":"));
    else if (strcmp(field, "region") == 0)
        pk_buf_addz(out, s->region);
    else if (strcmp(field, "account") == 0)
        pk_buf_addz(out, s->account_id);
    else if (strcmp(field, "id") == 0)
        pk_buf_addz(out, s->physical_id ? s->physical_id : "");
    else if (strcmp(field, "plain") == 0)
        pk_buf_addz(out, plain_id(s));
    else if (strcmp(field, "port") == 0)
        add_port(s, out);
    else if (strcmp(field, "byte") == 0)
        pk_buf_addf(out, "%lu", strtoul((char[]){hex[0], hex[1], 0}, NULL, 16) % 254 + 1);
    else if (strcmp(field, "rev") == 0)
        pk_buf_addf(out, "%lu", strtoul((char[]){hex[0], hex[1], hex[2], 0}, NULL, 16) + 1);
    else if (strcmp(field, "arn") == 0 && s->physical_id && pk_starts_with(s->physical_id, "arn:"))
        pk_buf_addz(out, s->physical_id);
    else if (strcmp(field, "arn") == 0)
        expand(s, row_of(arns, PK_ARRAY_LEN(arns), s->type), out);
}

static void expand(const struct pk_mem_subject *s, const char *text, struct pk_buf *out) {
    char hex[PK_SHA256_HEX_SIZE], field[16];
    pk_sha256_hex(s->seed, strlen(s->seed), hex);
    while (*text) {
        size_t len = *text == '{' ? strcspn(text, "}") : 0;
        if (len == 0 || len >= sizeof(field)) {
            pk_buf_addc(out, *text++);
            continue;
        }
        memcpy(field, text + 1, len - 1);
        field[len - 1] = 0;
        add_field(s, field, hex, out);
        text += len + 1;
    }
}

static char *text_of(const struct pk_mem_subject *s, const char *text) {
    struct pk_buf out = PK_BUF_INIT(4096);
    expand(s, text, &out);
    return pk_buf_steal(&out);
}

char *pk_mem_physical_id(const struct pk_mem_subject *subject) {
    return text_of(subject, row_of(ids, PK_ARRAY_LEN(ids), subject->type));
}

json_t *pk_mem_attributes(const struct pk_mem_subject *subject) {
    json_t *ret = json_object();
    for (size_t i = 0; i < PK_ARRAY_LEN(attributes); i++) {
        if (!pk_glob(attributes[i].type, subject->type))
            continue;
        char *text PK_CLEANUP(pk_freep) = text_of(subject, attributes[i].text);
        pk_json_put_str(ret, attributes[i].name, text);
    }
    return ret;
}
