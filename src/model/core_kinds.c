/* core_kinds.c - the tables of core_kinds.h. */
#include "model/core_kinds.h"

#include <string.h>

#define NAME_PATTERN "[a-z](-?[a-z0-9])*"
#define ACCOUNT_PATTERN "[0-9]{12}"
#define REGION_PATTERN "[a-z]{2}(-[a-z]+)+-[0-9]"
/* Loose on purpose: AWS checks the rest; digits, colons, an optional IPv4 tail, a prefix. */
#define IPV6_PATTERN "[0-9A-Fa-f:.]+/([0-9]|[1-9][0-9]|1[01][0-9]|12[0-8])"
#define SG_TEXT "[][A-Za-z0-9 ._:/()#,@+=&;{}!$*-]*"

/* clang-format off */

/* One list of security group rules. */
#define RULES(prefix, what) \
    {.path = prefix "[].protocol", .type = PK_T_ENUM, .allowed = "tcp|udp|icmp|icmpv6|-1|all", \
     .flags = PK_F_REQUIRED | PK_F_NOCASE, .diag = "net.sg-rule", .change = "U", .feeds = "IpProtocol", \
     .doc = "tcp, udp, icmp, icmpv6, or -1 (all) for everything."}, \
    {.path = prefix "[].port", .type = PK_T_INT, .min = -1, .max = 65535, .diag = "net.sg-rule", .change = "U", \
     .doc = "One port; or fromPort and toPort."}, \
    {.path = prefix "[].fromPort", .type = PK_T_INT, .min = -1, .max = 65535, .diag = "net.sg-rule", .change = "U", \
     .feeds = "FromPort", .doc = "First port, or the ICMP type."}, \
    {.path = prefix "[].toPort", .type = PK_T_INT, .min = -1, .max = 65535, .diag = "net.sg-rule", .change = "U", \
     .feeds = "ToPort", .doc = "Last port, or the ICMP code."}, \
    {.path = prefix "[].cidrBlocks[]", .type = PK_T_CIDR, .change = "U", .feeds = "CidrIp", .doc = "IPv4 networks."}, \
    {.path = prefix "[].ipv6CidrBlocks[]", .type = PK_T_STR, .pattern = IPV6_PATTERN, .diag = "net.sg-rule", .change = "U", \
     .feeds = "CidrIpv6", .doc = "IPv6 networks."}, \
    {.path = prefix "[].self", .type = PK_T_BOOL, .change = "U", .doc = "Members of this group."}, \
    {.path = prefix "[].sourceSecurityGroupId", .type = PK_T_STR, .pattern = "sg-[0-9a-f]+", .flags = PK_F_DEFERRABLE, \
     .diag = "net.sg-rule", .change = "U", .feeds = "SourceSecurityGroupId", .doc = "Members of another group."}, \
    {.path = prefix "[].description", .type = PK_T_STR, .max = 255, .pattern = SG_TEXT, .change = "U", \
     .feeds = "Description", .doc = "What the " what " rule is for."}

#define INFRASTRUCTURE \
    {.path = "infrastructure.defaults", .type = PK_T_STR, .change = "-", .doc = "File with the InfraDefaults document."}, \
    {.path = "infrastructure.networking", .type = PK_T_STR, .change = "-", .doc = "File with the Networking document."}, \
    {.path = "infrastructure.security", .type = PK_T_STR, .change = "-", .doc = "File with the Security document."}, \
    {.path = "infrastructure.observability", .type = PK_T_STR, .change = "-", .doc = "File with the Observability document."}, \
    {.path = "infrastructure.compliance", .type = PK_T_STR, .change = "-", .doc = "File with the Compliance document."}

static const struct pk_field stack_fields[] = {
    {.path = "description", .type = PK_T_STR, .change = "-", .doc = "The same as metadata.description."},
    {.path = "variables", .type = PK_T_STRMAP, .flags = PK_F_RAW, .change = "-",
     .doc = "Variables that every document of the stack can use."},
    {.path = "provider.name", .type = PK_T_ENUM, .def = "aws", .allowed = "aws|azure|gcp", .change = "-",
     .doc = "The cloud; only aws can be deployed to."},
    {.path = "provider.region", .type = PK_T_STR, .pattern = REGION_PATTERN, .alias = "region", .change = "X",
     .doc = "Region such as eu-central-1; the tenant's or the session's when absent."},
    {.path = "provider.accountId", .type = PK_T_STR, .pattern = ACCOUNT_PATTERN, .change = "X",
     .doc = "Account number, 12 digits; must be the tenant's."},
    {.path = "provider.profile", .type = PK_T_STR, .flags = PK_F_NOEMPTY, .change = "-",
     .doc = "Profile of the AWS configuration to take credentials from."},
    {.path = "provider.config.endpointUrl", .type = PK_T_STR, .pattern = "https?://.+", .change = "-",
     .doc = "Endpoint for all services, for tests."},
    {.path = "provider.config.endpoints", .type = PK_T_STRMAP, .change = "-", .doc = "Endpoint per service, for tests."},
    {.path = "provider.config.maxRetries", .type = PK_T_INT, .min = 0, .max = 100, .change = "-",
     .doc = "Attempts after the first one."},
    {.path = "networking.securityGroup.name", .type = PK_T_STR, .min = 1, .max = 255, .pattern = SG_TEXT, .change = "R+",
     .feeds = "GroupName", .doc = "Name of the stack's security group."},
    {.path = "networking.securityGroup.description", .type = PK_T_STR, .max = 255, .pattern = SG_TEXT, .change = "R+",
     .feeds = "GroupDescription", .doc = "Description of the stack's security group."},
    RULES("networking.securityGroup.ingress", "ingress"),
    RULES("networking.securityGroup.egress", "egress"),
    INFRASTRUCTURE,
    {.path = "backend.bucket", .type = PK_T_STR, .change = "-", .doc = "Bucket for the state, outside tenant mode."},
    {.path = "backend.prefix", .type = PK_T_STR, .change = "-", .doc = "Prefix of the state's keys."},
    {.path = "backend.region", .type = PK_T_STR, .pattern = REGION_PATTERN, .change = "-", .doc = "Region of the bucket."},
    {.path = "backend.table", .type = PK_T_STR, .change = "-", .doc = "DynamoDB table for locks."},
    {.path = "outputs", .type = PK_T_STRMAP, .flags = PK_F_DEFERRABLE, .change = "-",
     .doc = "Values to keep in the state and to print at the end."},
    {.path = "tags", .type = PK_T_STRMAP, .change = "U", .doc = "Tags on every resource of the stack."},
};

static const struct pk_field service_fields[] = {
    {.path = "description", .type = PK_T_STR, .change = "-", .doc = "The same as metadata.description."},
    {.path = "variables", .type = PK_T_STRMAP, .flags = PK_F_RAW, .change = "-",
     .doc = "Variables for the documents of the service."},
    {.path = "dependsOn[]", .type = PK_T_STR, .flags = PK_F_NOEMPTY, .change = "-",
     .doc = "Services to be deployed before this one where possible."},
    INFRASTRUCTURE,
    {.path = "tags", .type = PK_T_STRMAP, .change = "U", .doc = "Tags on every resource of the service."},
};

#define SUBNETS(which) \
    {.path = "networking.subnets." which "[].cidrBlock", .type = PK_T_CIDR, .flags = PK_F_REQUIRED, .change = "X", \
     .feeds = "CidrBlock", .doc = "Network of the subnet, /16 to /28, inside the VPC."}, \
    {.path = "networking.subnets." which "[].availabilityZone", .type = PK_T_STR, .pattern = REGION_PATTERN "[a-z0-9-]+", \
     .flags = PK_F_REQUIRED, .diag = "net.az-region", .change = "X", .feeds = "AvailabilityZone", .doc = "Zone of the tenant's region."}, \
    {.path = "networking.subnets." which "[].name", .type = PK_T_STR, .min = 1, .max = 255, .change = "U", \
     .doc = "Name tag; <tenant>-" which "-<zone> when absent."}

static const struct pk_field tenant_fields[] = {
    {.path = "aws", .type = PK_T_OBJECT, .flags = PK_F_REQUIRED, .doc = "Account and region of the tenant."},
    {.path = "aws.accountId", .type = PK_T_STR, .pattern = ACCOUNT_PATTERN, .flags = PK_F_REQUIRED,
     .doc = "Account number, 12 digits."},
    {.path = "aws.region", .type = PK_T_STR, .pattern = REGION_PATTERN, .flags = PK_F_REQUIRED,
     .doc = "Region such as eu-central-1."},
    {.path = "aws.assumeRoleArn", .type = PK_T_ARN, .pattern = "arn:[a-z-]+:iam::[0-9]{12}:role/.+",
     .doc = "Role to work as; arn:aws:iam::<account>:role/<name>."},
    {.path = "aws.externalId", .type = PK_T_STR, .min = 2, .max = 1224, .doc = "External id that the role asks for."},
    {.path = "aws.sessionDuration", .type = PK_T_DUR, .def = "1h", .min = 900, .max = 43200, .unit = "seconds",
     .doc = "Life of the role's credentials."},
    {.path = "networking.vpc.cidrBlock", .type = PK_T_CIDR, .def = "10.0.0.0/16", .change = "X", .feeds = "CidrBlock",
     .doc = "Network of the VPC, /16 to /28."},
    {.path = "networking.vpc.enableDNSHostnames", .type = PK_T_BOOL, .def = "true", .change = "U",
     .feeds = "EnableDnsHostnames", .doc = "DNS names for public addresses; needs DNS support."},
    {.path = "networking.vpc.enableDNSSupport", .type = PK_T_BOOL, .def = "true", .change = "U",
     .feeds = "EnableDnsSupport", .doc = "The resolver of AWS inside the VPC."},
    {.path = "networking.vpc.name", .type = PK_T_STR, .min = 1, .max = 255, .change = "U",
     .doc = "Name tag; <tenant>-vpc when absent. {tenant} stands for the tenant."},
    SUBNETS("public"),
    SUBNETS("private"),
    {.path = "networking.natGateway.enabled", .type = PK_T_BOOL, .change = "U",
     .doc = "Way out for private subnets; true when there are some."},
    {.path = "networking.natGateway.type", .type = PK_T_ENUM, .def = "single", .allowed = "single|per-az", .change = "U",
     .doc = "One gateway, or one per zone with private subnets."},
    {.path = "networking.internetGateway.enabled", .type = PK_T_BOOL, .def = "true", .change = "U",
     .doc = "Way to the internet for public subnets."},
    {.path = "networking.defaultSecurityGroup.name", .type = PK_T_STR, .def = "{tenant}-default-sg", .min = 1, .max = 255,
     .pattern = SG_TEXT, .change = "R+", .feeds = "GroupName", .doc = "Name of the group; {tenant} stands for the tenant."},
    {.path = "networking.defaultSecurityGroup.description", .type = PK_T_STR, .max = 255, .pattern = SG_TEXT, .change = "R+",
     .feeds = "GroupDescription", .doc = "Description of the group."},
    {.path = "networking.defaultSecurityGroup.allowInternalTraffic", .type = PK_T_BOOL, .def = "true", .change = "U",
     .doc = "Members of the group reach each other."},
    RULES("networking.defaultSecurityGroup.ingress", "ingress"),
    RULES("networking.defaultSecurityGroup.egress", "egress"),
    {.path = "networking.vpcEndpoints", .type = PK_T_LIST, .def = "[]", .change = "U", .doc = "Private ways to AWS services."},
    {.path = "networking.vpcEndpoints[]", .type = PK_T_ENUM,
     .allowed = "s3|dynamodb|ecr.api|ecr.dkr|logs|secretsmanager|sqs|sns|ssm|ssmmessages|kms|sts|events|lambda",
     .doc = "s3 and dynamodb are gateway endpoints, the others interfaces."},
    {.path = "networking.flowLogs.enabled", .type = PK_T_BOOL, .def = "false", .change = "U", .doc = "Record the VPC's traffic."},
    {.path = "networking.flowLogs.retentionDays", .type = PK_T_INT, .def = "30", .min = 1, .max = 3653, .unit = "days", .change = "U",
     .doc = "Days to keep the records; one of the values of CloudWatch Logs."},
    {.path = "networking.existing.vpcId", .type = PK_T_STR, .pattern = "vpc-[0-9a-f]+", .flags = PK_F_REQUIRED,
     .doc = "A VPC made elsewhere; nothing is created then."},
    {.path = "networking.existing.subnetIds.public[]", .type = PK_T_STR, .pattern = "subnet-[0-9a-f]+", .doc = "Public subnets."},
    {.path = "networking.existing.subnetIds.private[]", .type = PK_T_STR, .pattern = "subnet-[0-9a-f]+", .doc = "Private subnets."},
    {.path = "networking.existing.securityGroupId", .type = PK_T_STR, .pattern = "sg-[0-9a-f]+", .doc = "Default security group."},
    {.path = "networking.resourceIds.vpcId", .type = PK_T_STR, .doc = "Written by older versions."},
    {.path = "networking.resourceIds.internetGatewayId", .type = PK_T_STR, .doc = "Written by older versions."},
    {.path = "networking.resourceIds.natGatewayIds[]", .type = PK_T_STR, .doc = "Written by older versions."},
    {.path = "networking.resourceIds.publicSubnetIds[]", .type = PK_T_STR, .doc = "Written by older versions."},
    {.path = "networking.resourceIds.privateSubnetIds[]", .type = PK_T_STR, .doc = "Written by older versions."},
    {.path = "networking.resourceIds.securityGroupId", .type = PK_T_STR, .doc = "Written by older versions."},
    {.path = "networking.resourceIds.publicRouteTableId", .type = PK_T_STR, .doc = "Written by older versions."},
    {.path = "networking.resourceIds.privateRouteTableIds[]", .type = PK_T_STR, .doc = "Written by older versions."},
    {.path = "limits.maxStacks", .type = PK_T_INT, .def = "10", .min = 1, .max = INT64_MAX, .doc = "Stacks the tenant may have."},
    {.path = "limits.maxServicesPerStack", .type = PK_T_INT, .def = "20", .min = 1, .max = INT64_MAX, .doc = "Services in one stack."},
    {.path = "limits.maxResourcesPerService", .type = PK_T_INT, .def = "50", .min = 1, .max = INT64_MAX,
     .doc = "Components in one service."},
    {.path = "limits.maxServices", .type = PK_T_INT, .min = 1, .max = INT64_MAX, .doc = "Services of all stacks together."},
    {.path = "limits.costTracking", .type = PK_T_BOOL, .def = "false", .alias = "policies.enableCostTracking",
     .doc = "Report costs; nothing is priced by panka itself."},
    {.path = "limits.monthlyCostLimit", .type = PK_T_NUM, .min = 0, .max = INT64_MAX, .unit = "USD", .doc = "Shown in reports."},
    {.path = "defaultTags", .type = PK_T_STRMAP, .change = "U", .doc = "Tags on every resource of the tenant."},
    {.path = "allowedResources[]", .type = PK_T_STR, .doc = "Kinds of components the tenant may use; all when absent."},
    {.path = "environments[]", .type = PK_T_STR, .max = 24, .pattern = NAME_PATTERN, .doc = "Names of environments; any when absent."},
    {.path = "regions[]", .type = PK_T_STR, .pattern = REGION_PATTERN, .doc = "Regions the tenant may use; any when absent."},
    {.path = "policies.requireApprovalForProduction", .type = PK_T_BOOL, .def = "false",
     .doc = "Changes in production need a yes, or --approved-by in scripts."},
    {.path = "policies.enableDriftDetection", .type = PK_T_BOOL, .def = "true", .doc = "plan reads the live resources first."},
    {.path = "variables", .type = PK_T_STRMAP, .flags = PK_F_RAW, .doc = "Variables for all stacks of the tenant."},
    {.path = "defaults", .type = PK_T_OBJECT, .flags = PK_F_OPEN, .doc = "Shape of InfraDefaults; not offered by this version."},
};

const struct pk_kind_table pk_kind_stack = {
    .kind = "Stack", .group = "core.panka.io/v1", .doc = "A group of services that are deployed together.",
    .fields = stack_fields, .n_fields = PK_ARRAY_LEN(stack_fields), .offered = true,
    .example = "apiVersion: core.panka.io/v1\nkind: Stack\nmetadata:\n  name: shop\n"
               "spec:\n  variables:\n    LOG_LEVEL: info\n",
};
const struct pk_kind_table pk_kind_service = {
    .kind = "Service", .group = "core.panka.io/v1", .doc = "Groups the components of one service.",
    .fields = service_fields, .n_fields = PK_ARRAY_LEN(service_fields), .offered = true,
    .example = "apiVersion: core.panka.io/v1\nkind: Service\nmetadata:\n  name: api\n"
               "spec:\n  variables:\n    PORT: \"8080\"\n",
};
const struct pk_kind_table pk_kind_tenant_config = {
    .kind = "TenantConfig", .group = "admin.panka.io/v1",
    .doc = "A tenant's account, network, limits and defaults.",
    .fields = tenant_fields, .n_fields = PK_ARRAY_LEN(tenant_fields), .offered = true,
    .example = "apiVersion: admin.panka.io/v1\nkind: TenantConfig\nmetadata:\n  name: shop-team\n"
               "spec:\n  aws:\n    accountId: \"123456789012\"\n    region: eu-central-1\n",
};

#define CORE "core.panka.io/v1"
#define INFRA "infra.panka.io/v1"
#define COMPONENTS "components.panka.io/v1"

const struct pk_catalogue_entry pk_catalogue[] = {
    {"Stack", CORE}, {"Service", CORE},
    {"InfraDefaults", INFRA}, {"ServiceInfraDefaults", INFRA}, {"ComponentInfra", INFRA}, {"Networking", INFRA},
    {"Security", INFRA}, {"Observability", INFRA}, {"Compliance", INFRA},
    {"MicroService", COMPONENTS}, {"Worker", COMPONENTS}, {"CronJob", COMPONENTS}, {"Lambda", COMPONENTS},
    {"EC2Instance", COMPONENTS}, {"RDS", COMPONENTS}, {"DynamoDB", COMPONENTS}, {"DocumentDB", COMPONENTS},
    {"ElastiCacheRedis", COMPONENTS}, {"ElastiCacheMemcached", COMPONENTS}, {"AWSMemoryDB", COMPONENTS},
    {"S3", COMPONENTS}, {"EFS", COMPONENTS}, {"EBS", COMPONENTS}, {"SQS", COMPONENTS}, {"SNS", COMPONENTS},
    {"Kafka", COMPONENTS}, {"MSK", COMPONENTS}, {"EventBridge", COMPONENTS}, {"ALB", COMPONENTS}, {"NLB", COMPONENTS},
    {"CloudFront", COMPONENTS}, {"APIGateway", COMPONENTS},
    {"TenantConfig", "admin.panka.io/v1"},
};
/* clang-format on */
const size_t pk_n_catalogue = PK_ARRAY_LEN(pk_catalogue);

static const struct pk_catalogue_entry *entry_of(const char *kind) {
    for (size_t i = 0; i < pk_n_catalogue; i++)
        if (strcmp(pk_catalogue[i].kind, kind) == 0)
            return &pk_catalogue[i];
    return NULL;
}

const char *pk_kind_canonical(const char *kind) {
    if (strcmp(kind, "MemoryDB") == 0)
        return "AWSMemoryDB";
    const struct pk_catalogue_entry *entry = entry_of(kind);
    return entry ? entry->kind : NULL;
}

const char *pk_kind_group(const char *kind) {
    const struct pk_catalogue_entry *entry = entry_of(kind);
    return entry ? entry->group : NULL;
}

bool pk_kind_is_component(const char *kind) {
    const char *group = pk_kind_group(kind);
    return group && strcmp(group, COMPONENTS) == 0;
}
