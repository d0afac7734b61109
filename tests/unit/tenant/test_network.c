/* Tenants' configurations built from flags and files, and their networks as resources. */
#include "tenant/tenant.h"

#include "json/json.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "home.h"

/* The tenant of the documentation's example. */
static const char example[] =
    "apiVersion: admin.panka.io/v1\n"
    "kind: TenantConfig\n"
    "metadata:\n"
    "  name: notifications-team\n"
    "  createdBy: platform-admin@company.com\n"
    "  createdAt: \"2024-11-28T10:00:00Z\"\n"
    "spec:\n"
    "  aws:\n"
    "    accountId: \"123456789012\"\n"
    "    region: us-east-1\n"
    "    assumeRoleArn: \"arn:aws:iam::123456789012:role/panka-notifications-team\"\n"
    "  networking:\n"
    "    vpc:\n"
    "      cidrBlock: \"10.0.0.0/16\"\n"
    "      enableDNSHostnames: true\n"
    "      enableDNSSupport: true\n"
    "    subnets:\n"
    "      public:\n"
    "        - {cidrBlock: \"10.0.1.0/24\", availabilityZone: us-east-1a}\n"
    "        - {cidrBlock: \"10.0.2.0/24\", availabilityZone: us-east-1b}\n"
    "      private:\n"
    "        - {cidrBlock: \"10.0.10.0/24\", availabilityZone: us-east-1a}\n"
    "        - {cidrBlock: \"10.0.20.0/24\", availabilityZone: us-east-1b}\n"
    "    natGateway: {enabled: true, type: single}\n"
    "    internetGateway: {enabled: true}\n"
    "    defaultSecurityGroup:\n"
    "      name: \"{tenant}-default-sg\"\n"
    "      allowInternalTraffic: true\n"
    "      egress:\n"
    "        - protocol: \"-1\"\n"
    "          cidrBlocks: [\"0.0.0.0/0\"]\n"
    "          description: \"Allow all outbound\"\n"
    "  limits: {maxStacks: 10, maxServicesPerStack: 20, maxResourcesPerService: 50}\n"
    "  defaultTags:\n"
    "    tenant: notifications-team\n"
    "    managed-by: panka\n"
    "    cost-center: platform-engineering\n"
    "  allowedResources: [MicroService, Lambda, RDS, DynamoDB, S3, SQS, SNS]\n";

struct expansion {
    struct pk_arena *arena;
    struct pk_diags *diags;
    struct pk_graph *graph;
};

static void expand(const char *yaml, const struct pk_state *state, struct expansion *ret) {
    ret->arena = pk_arena_new();
    ret->diags = pk_diags_new();
    struct pk_source *source = pk_arena_alloc(ret->arena, sizeof(*source));
    *source = (struct pk_source){"tenant.yaml", pk_arena_strdup(ret->arena, yaml), strlen(yaml)};
    struct pk_tenant_config *t = pk_tenant_config_parse(ret->arena, source, pk_kinds(), ret->diags);
    for (size_t i = 0; i < pk_diags_len(ret->diags); i++)
        print_message("%s: %s\n", pk_diags_at(ret->diags, i)->id,
                      pk_diags_at(ret->diags, i)->message);
    assert_non_null(t);
    ret->graph = pk_network_expand(t, state, "us-east-1", "123456789012", ret->diags);
    assert_false(pk_diags_has_errors(ret->diags));
    assert_true(pk_graph_check_cycles(ret->graph, ret->diags));
}

static void done(struct expansion *x) {
    pk_graph_free(x->graph);
    pk_diags_free(x->diags);
    pk_arena_free(x->arena);
}

static int compare(const void *a, const void *b) {
    return strcmp(*(char *const *)a, *(char *const *)b);
}

/* One line per resource: key, type, properties, and what it needs. */
static char *draw(const struct pk_graph *graph) {
    struct pk_buf text = PK_BUF_INIT(1 << 20);
    for (size_t i = 0; i < graph->resources.len; i++) {
        const struct pk_resource *r = graph->resources.items[i];
        char *properties PK_CLEANUP(pk_freep) = pk_json_canonical(r->properties);
        const char *needs[32];
        size_t n = 0;
        for (size_t k = 0; k < r->edges.len; k++) {
            const struct pk_edge *e = r->edges.items[k];
            assert_int_equal(e->strength, PK_EDGE_HARD);
            needs[n++] = e->to->key + strlen("_network:");
        }
        qsort(needs, n, sizeof(*needs), compare);
        pk_buf_addf(&text, "%s %s %s <-", r->key + strlen("_network:"),
                    r->type + strlen("AWS::EC2::"), properties);
        for (size_t k = 0; k < n; k++)
            pk_buf_addf(&text, " %s", needs[k]);
        pk_buf_addc(&text, '\n');
    }
    return pk_buf_steal(&text);
}

/* clang-format off */
#define REF(sub, attr) "{\"$ref\":\"_network:" sub "\",\"attr\":\"" attr "\"}"
#define VPC "\"VpcId\":" REF("vpc", "VpcId")
#define SUBNET(kind, cidr, sub, zone, extra) \
    kind "-" sub " Subnet {\"AvailabilityZone\":\"" zone "\",\"CidrBlock\":\"" cidr "\"," extra VPC "} <- vpc\n"
#define ASSOC(sub, table) \
    sub "-assoc SubnetRouteTableAssociation {\"RouteTableId\":" REF(table, "RouteTableId") \
        ",\"SubnetId\":" REF(sub, "SubnetId") "} <- " sub " " table "\n"

static const char golden[] =
    "vpc VPC {\"CidrBlock\":\"10.0.0.0/16\",\"EnableDnsHostnames\":true,\"EnableDnsSupport\":true} <-\n"
    "igw InternetGateway {} <-\n"
    "igw-attachment VPCGatewayAttachment {\"InternetGatewayId\":" REF("igw", "InternetGatewayId") "," VPC "} <- igw vpc\n"
    SUBNET("public", "10.0.1.0/24", "10-0-1-0-24", "us-east-1a", "\"MapPublicIpOnLaunch\":true,")
    SUBNET("public", "10.0.2.0/24", "10-0-2-0-24", "us-east-1b", "\"MapPublicIpOnLaunch\":true,")
    SUBNET("private", "10.0.10.0/24", "10-0-10-0-24", "us-east-1a", "")
    SUBNET("private", "10.0.20.0/24", "10-0-20-0-24", "us-east-1b", "")
    "public-rt RouteTable {" VPC "} <- vpc\n"
    "public-rt-default Route {\"DestinationCidrBlock\":\"0.0.0.0/0\",\"GatewayId\":" REF("igw", "InternetGatewayId")
        ",\"RouteTableId\":" REF("public-rt", "RouteTableId") "} <- igw igw-attachment public-rt\n"
    ASSOC("public-10-0-1-0-24", "public-rt")
    ASSOC("public-10-0-2-0-24", "public-rt")
    "private-rt RouteTable {" VPC "} <- vpc\n"
    "nat-eip-us-east-1a EIP {\"Domain\":\"vpc\"} <- igw-attachment\n"
    "nat-us-east-1a NatGateway {\"AllocationId\":" REF("nat-eip-us-east-1a", "AllocationId")
        ",\"ConnectivityType\":\"public\",\"SubnetId\":" REF("public-10-0-1-0-24", "SubnetId")
        "} <- igw-attachment nat-eip-us-east-1a public-10-0-1-0-24\n"
    "private-rt-default Route {\"DestinationCidrBlock\":\"0.0.0.0/0\",\"NatGatewayId\":" REF("nat-us-east-1a", "NatGatewayId")
        ",\"RouteTableId\":" REF("private-rt", "RouteTableId") "} <- nat-us-east-1a private-rt\n"
    ASSOC("private-10-0-10-0-24", "private-rt")
    ASSOC("private-10-0-20-0-24", "private-rt")
    "default-sg SecurityGroup {\"GroupDescription\":\"Default security group of tenant notifications-team\","
        "\"GroupName\":\"notifications-team-default-sg\",\"SecurityGroupEgress\":[{\"CidrIp\":\"0.0.0.0/0\","
        "\"Description\":\"Allow all outbound\",\"IpProtocol\":\"-1\"}]," VPC "} <- vpc\n"
    "default-sg-self SecurityGroupIngress {\"Description\":\"Members reach each other\",\"GroupId\":"
        REF("default-sg", "GroupId") ",\"IpProtocol\":\"-1\",\"SourceSecurityGroupId\":" REF("default-sg", "GroupId")
        "} <- default-sg\n";

static const char golden_block[] =
    "{\"availabilityZones\":[\"us-east-1a\",\"us-east-1b\"],"
    "\"internetGatewayId\":" REF("igw", "InternetGatewayId") ","
    "\"natGatewayIds\":[" REF("nat-us-east-1a", "NatGatewayId") "],"
    "\"routeTableIds\":{\"private\":[" REF("private-rt", "RouteTableId") "],\"public\":[" REF("public-rt", "RouteTableId") "]},"
    "\"securityGroupId\":" REF("default-sg", "GroupId") ",\"securityGroupIds\":[" REF("default-sg", "GroupId") "],"
    "\"subnetIds\":{\"private\":[" REF("private-10-0-10-0-24", "SubnetId") "," REF("private-10-0-20-0-24", "SubnetId") "],"
    "\"public\":[" REF("public-10-0-1-0-24", "SubnetId") "," REF("public-10-0-2-0-24", "SubnetId") "]},"
    "\"vpcCidr\":\"10.0.0.0/16\",\"vpcId\":" REF("vpc", "VpcId") "}";
/* clang-format on */

static void test_example(void **state PK_UNUSED) {
    struct expansion x;
    expand(example, NULL, &x);
    char *text PK_CLEANUP(pk_freep) = draw(x.graph);
    assert_string_equal(text, golden);
    char *block PK_CLEANUP(pk_freep) = pk_json_canonical(x.graph->networking);
    assert_string_equal(block, golden_block);
    const struct pk_resource *vpc = pk_graph_find(x.graph, "_network:vpc");
    char *tags PK_CLEANUP(pk_freep) = pk_json_canonical(vpc->tags);
    assert_string_equal(
        tags, "{\"Name\":\"notifications-team-vpc\",\"cost-center\":\"platform-engineering\","
              "\"managed-by\":\"panka\",\"panka:kind\":\"TenantConfig\",\"panka:managed\":\"true\","
              "\"panka:resource\":\"_network:vpc\",\"panka:stack\":\"_network\","
              "\"panka:tenant\":\"notifications-team\",\"tenant\":\"notifications-team\"}");
    const struct pk_resource *group = pk_graph_find(x.graph, "_network:default-sg");
    assert_true(group->name_explicit);
    assert_non_null(group->span.src);
    done(&x);
}

static void expect_nodes(const struct pk_graph *graph, const char *const *subs, bool there) {
    for (; *subs; subs++) {
        char *key PK_CLEANUP(pk_freep) = pk_asprintf("_network:%s", *subs);
        if ((pk_graph_find(graph, key) != NULL) != there)
            fail_msg("%s is %s", key, there ? "missing" : "there");
    }
}

#define HEAD                                                                                       \
    "apiVersion: admin.panka.io/v1\nkind: TenantConfig\nmetadata: {name: shop}\nspec:\n"           \
    "  aws: {accountId: \"123456789012\", region: us-east-1}\n  networking:\n"

static void test_per_zone(void **state PK_UNUSED) {
    static const char *const there[] = {"nat-us-east-1a",
                                        "nat-us-east-1b",
                                        "nat-eip-us-east-1a",
                                        "nat-eip-us-east-1b",
                                        "private-rt-us-east-1a",
                                        "private-rt-us-east-1a-default",
                                        "public-rt-default",
                                        "private-rt-us-east-1b",
                                        "private-rt-us-east-1b-default",
                                        "endpoint-s3",
                                        "endpoint-ecr.api",
                                        "flow-logs",
                                        "flow-logs-role",
                                        "flow-logs-group",
                                        "default-sg-ingress-self-tcp-443-443",
                                        NULL};
    static const char *const absent[] = {"private-rt", "private-rt-default", NULL};
    struct expansion x;
    expand(HEAD "    natGateway: {type: per-az}\n    vpcEndpoints: [s3, ecr.api]\n"
                "    flowLogs: {enabled: true, retentionDays: 7}\n"
                "    subnets:\n      public:\n"
                "        - {cidrBlock: 10.0.1.0/24, availabilityZone: us-east-1a}\n"
                "        - {cidrBlock: 10.0.2.0/24, availabilityZone: us-east-1b}\n"
                "      private:\n"
                "        - {cidrBlock: 10.0.10.0/24, availabilityZone: us-east-1a}\n"
                "        - {cidrBlock: 10.0.11.0/24, availabilityZone: us-east-1a}\n"
                "        - {cidrBlock: 10.0.20.0/24, availabilityZone: us-east-1b}\n"
                "    defaultSecurityGroup:\n      ingress:\n"
                "        - {protocol: tcp, port: 443, self: true}\n"
                "        - {protocol: TCP, port: 80, cidrBlocks: [10.0.0.0/8]}\n",
           NULL, &x);
    expect_nodes(x.graph, there, true);
    expect_nodes(x.graph, absent, false);
    assert_int_equal(json_array_size(pk_json_at(x.graph->networking, "natGatewayIds")), 2);
    assert_int_equal(json_array_size(pk_json_at(x.graph->networking, "routeTableIds.private")), 2);
    const struct pk_resource *s3 = pk_graph_find(x.graph, "_network:endpoint-s3");
    assert_int_equal(json_array_size(json_object_get(s3->properties, "RouteTableIds")), 3);
    assert_string_equal(pk_json_str(s3->properties, "ServiceName", ""),
                        "com.amazonaws.us-east-1.s3");
    const struct pk_resource *ecr = pk_graph_find(x.graph, "_network:endpoint-ecr.api");
    assert_int_equal(json_array_size(json_object_get(ecr->properties, "SubnetIds")), 2);
    const struct pk_resource *group = pk_graph_find(x.graph, "_network:default-sg");
    assert_false(group->name_explicit);
    assert_string_equal(group->name, "shop-default-sg");
    assert_string_equal(pk_json_str(group->properties, "SecurityGroupIngress[0].CidrIp", ""),
                        "10.0.0.0/8");
    done(&x);
}

static void test_small(void **state PK_UNUSED) {
    static const char *const absent[] = {
        "igw", "igw-attachment", "public-rt", "default-sg-self", "private-rt-default", NULL};
    struct expansion x;
    expand(HEAD "    internetGateway: {enabled: false}\n    natGateway: {enabled: false}\n"
                "    subnets:\n      private:\n"
                "        - {cidrBlock: 10.0.10.0/24, availabilityZone: us-east-1a}\n"
                "        - {cidrBlock: 10.0.20.0/24, availabilityZone: us-east-1b}\n"
                "    defaultSecurityGroup: {allowInternalTraffic: false}\n",
           NULL, &x);
    expect_nodes(x.graph, absent, false);
    assert_null(json_object_get(x.graph->networking, "internetGatewayId"));
    assert_int_equal(json_array_size(pk_json_at(x.graph->networking, "subnetIds.private")), 2);
    done(&x);
    /* without any subnet in the file both tiers come from the VPC's network */
    static const char *const there[] = {"public-10-4-0-0-18", "public-10-4-64-0-18",
                                        "private-10-4-128-0-18", "private-10-4-192-0-18", NULL};
    expand(HEAD "    vpc: {cidrBlock: 10.4.0.0/16}\n", NULL, &x);
    expect_nodes(x.graph, there, false); /* a /16 has its own rule */
    done(&x);
    static const char *const quarter[] = {"public-10-4-0-0-19", "public-10-4-32-0-19",
                                          "private-10-4-64-0-19", "private-10-4-96-0-19", NULL};
    expand(HEAD "    vpc: {cidrBlock: 10.4.0.0/17}\n", NULL, &x);
    expect_nodes(x.graph, quarter, true);
    done(&x);
}

static void test_existing(void **state PK_UNUSED) {
    struct expansion x;
    expand(HEAD "    existing:\n      vpcId: vpc-0abc\n      securityGroupId: sg-0abc\n"
                "      subnetIds: {private: [subnet-01, subnet-02]}\n",
           NULL, &x);
    assert_int_equal(x.graph->resources.len, 0);
    char *block PK_CLEANUP(pk_freep) = pk_json_canonical(x.graph->networking);
    assert_string_equal(block, "{\"securityGroupId\":\"sg-0abc\",\"securityGroupIds\":[\"sg-0abc\"]"
                               ",\"subnetIds\":{\"private\":[\"subnet-01\",\"subnet-02\"],"
                               "\"public\":[]},\"vpcId\":\"vpc-0abc\"}");
    done(&x);
    static const char recorded[] =
        HEAD "    resourceIds: {vpcId: vpc-1, privateSubnetIds: [subnet-1], natGatewayIds: [nat-1],"
             " securityGroupId: sg-1, publicRouteTableId: rtb-1, privateRouteTableIds: [rtb-2]}\n";
    expand(recorded, NULL, &x);
    assert_int_equal(x.graph->resources.len, 0);
    assert_string_equal(pk_json_str(x.graph->networking, "routeTableIds.public[0]", ""), "rtb-1");
    assert_string_equal(pk_json_str(x.graph->networking, "natGatewayIds[0]", ""), "nat-1");
    done(&x);
    /* a network that panka itself has in its state wins over that record */
    struct pk_state *s = pk_state_new();
    struct pk_state_resource *r = pk_state_add(s, "_network:vpc", "AWS::EC2::VPC");
    pk_error_set(&r->physical_id, "vpc-2");
    r->status = PK_STATUS_READY;
    r = pk_state_add(s, "_network:default-sg", "AWS::EC2::SecurityGroup");
    pk_error_set(&r->name, "named-before");
    r->status = PK_STATUS_READY;
    expand(recorded, s, &x);
    assert_non_null(pk_graph_find(x.graph, "_network:vpc"));
    assert_string_equal(pk_graph_find(x.graph, "_network:default-sg")->name, "named-before");
    done(&x);
    pk_state_free(s);
}

/* --- building */

static const char *const zones[] = {"eu-west-1a", "eu-west-1c"};
static const struct pk_tenant_init flags = {.name = "shop",
                                            .account_id = "012345678901",
                                            .region = "eu-west-1",
                                            .vpc_cidr = "10.7.0.0/16",
                                            .created_by = "ops",
                                            .azs = zones,
                                            .n_azs = 2};

static bool build(const struct pk_tenant_init *init, struct pk_diags *diags, json_t **ret,
                  struct pk_error **err) {
    char *yaml PK_CLEANUP(pk_freep) = NULL;
    if (!pk_tenant_build_config(init, diags, &yaml, err))
        return false;
    struct pk_arena *arena PK_CLEANUP(pk_arena_freep) = pk_arena_new();
    struct pk_source source = {"tenant.yaml", yaml, strlen(yaml)};
    struct pk_tenant_config *t = pk_tenant_config_parse(arena, &source, pk_kinds(), diags);
    assert_non_null(t);
    *ret = json_deep_copy(t->spec);
    return true;
}

static void test_build(void **state PK_UNUSED) {
    struct pk_diags *diags PK_CLEANUP(pk_diags_freep) = pk_diags_new();
    json_t *spec PK_CLEANUP(json_decrefp) = NULL;
    struct pk_error *err = NULL;
    if (!build(&flags, diags, &spec, &err))
        fail_msg("%s: %s", err->message, pk_diags_len(diags) ? pk_diags_at(diags, 0)->message : "");
    assert_int_equal(pk_diags_len(diags), 0);
    assert_string_equal(pk_json_str(spec, "aws.accountId", ""), "012345678901");
    assert_string_equal(pk_json_str(spec, "networking.subnets.public[1].cidrBlock", ""),
                        "10.7.2.0/24");
    assert_string_equal(pk_json_str(spec, "networking.subnets.private[1].cidrBlock", ""),
                        "10.7.20.0/24");
    assert_string_equal(pk_json_str(spec, "networking.subnets.private[1].availabilityZone", ""),
                        "eu-west-1c");
    assert_true(pk_json_bool(spec, "networking.natGateway.enabled", false));
    assert_int_equal(pk_json_int(spec, "limits.maxStacks", 0), 10);
    assert_string_equal(pk_json_str(spec, "defaultTags.tenant", ""), "shop");
}

static void test_build_small(void **state PK_UNUSED) {
    struct pk_tenant_init init = flags;
    struct pk_diags *diags PK_CLEANUP(pk_diags_freep) = pk_diags_new();
    struct pk_diags *more PK_CLEANUP(pk_diags_freep) = pk_diags_new();
    json_t *spec PK_CLEANUP(json_decrefp) = NULL;
    struct pk_error *err = NULL;
    init.vpc_cidr = "10.7.0.0/28";
    assert_false(build(&init, diags, &spec, &err));
    assert_string_equal(pk_diags_at(diags, 0)->id, "net.too-small");
    pk_error_clear(&err);
    init.vpc_cidr = "10.7.0.1/16";
    assert_false(build(&init, more, &spec, &err));
    assert_true(pk_diags_has_errors(more));
    pk_error_clear(&err);
}

static void test_build_from_file(void **state PK_UNUSED) {
    static const char file[] =
        "spec:\n  aws: {region: us-east-2}\n  networking:\n    natGateway: {type: per-az}\n"
        "  limits: {maxStacks: 3}\n";
    struct pk_tenant_init init = flags;
    struct pk_diags *diags PK_CLEANUP(pk_diags_freep) = pk_diags_new();
    json_t *spec PK_CLEANUP(json_decrefp) = NULL;
    assert_true(pk_write_file("t.yaml", file, strlen(file), 0644, NULL));
    init.config_path = "t.yaml";
    init.nat_gateway_set = true;
    init.nat_gateway = true;
    assert_true(build(&init, diags, &spec, NULL));
    assert_string_equal(pk_json_str(spec, "aws.region", ""), "us-east-2");
    assert_string_equal(pk_json_str(spec, "aws.accountId", ""), "012345678901");
    /* the zones of the flags are another region's */
    assert_string_equal(pk_json_str(spec, "networking.subnets.public[0].availabilityZone", ""),
                        "us-east-2a");
    assert_string_equal(pk_json_str(spec, "networking.natGateway.type", ""), "per-az");
    assert_int_equal(pk_json_int(spec, "limits.maxStacks", 0), 3);
    assert_int_equal(json_object_size(json_object_get(spec, "defaultTags")), 0);
}

static void test_build_refuses(void **state PK_UNUSED) {
    static const char wrong[] =
        "apiVersion: admin.panka.io/v1\nkind: TenantConfig\nmetadata: {name: shop}\nspec:\n"
        "  aws: {accountId: \"123456789012\", region: us-east-1}\n  limts: {maxStacks: 3}\n";
    struct pk_tenant_init init = flags;
    struct pk_diags *diags PK_CLEANUP(pk_diags_freep) = pk_diags_new();
    json_t *spec = NULL;
    struct pk_error *err = NULL;
    init.config_path = "t.yaml";
    assert_false(build(&init, diags, &spec, &err));
    assert_int_equal(err->code, PK_E_NOT_FOUND);
    pk_error_clear(&err);
    assert_true(pk_write_file("t.yaml", wrong, strlen(wrong), 0644, NULL));
    assert_false(build(&init, diags, &spec, &err));
    assert_string_equal(pk_diags_at(diags, 0)->id, "field.unknown");
    assert_non_null(strstr(pk_diags_at(diags, 0)->message, "t.yaml:6"));
    assert_non_null(strstr(pk_diags_at(diags, 0)->help, "limits"));
    pk_error_clear(&err);
    assert_true(pk_write_file("t.yaml", "metadata: {name: other}\n", 24, 0644, NULL));
    struct pk_diags *more PK_CLEANUP(pk_diags_freep) = pk_diags_new();
    assert_false(build(&init, more, &spec, &err));
    assert_non_null(strstr(err->message, "tenant other"));
    pk_error_clear(&err);
}

#define T(name) cmocka_unit_test_setup_teardown(name, home_enter, home_leave)

int main(void) {
    const struct CMUnitTest tests[] = {
        T(test_example), T(test_per_zone),    T(test_small),           T(test_existing),
        T(test_build),   T(test_build_small), T(test_build_from_file), T(test_build_refuses),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
