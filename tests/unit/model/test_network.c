/* test_network.c - the network of a tenant and security group rules. */
#include "fixture.h"

#define HEAD                                                                                       \
    "apiVersion: admin.panka.io/v1\nkind: TenantConfig\nmetadata: {name: team}\nspec:\n"           \
    "  aws: {accountId: \"123456789012\", region: eu-west-1}\n  networking:\n"

/* Findings of a tenant's networking; its first line is line 7, indented by 4. */
static struct fixture network(const char *networking) {
    struct fixture f = fixture_new();
    char *text = pk_asprintf(HEAD "%s", networking);
    struct pk_arena *arena = pk_arena_new();
    struct pk_source *source = pk_arena_alloc(arena, sizeof(*source));
    *source = (struct pk_source){"tenant.yaml", text, strlen(text)};
    pk_tenant_config_parse(arena, source, &test_registry, f.diags);
    pk_diags_sort(f.diags);
    /* the findings are only compared with texts of their own from here on */
    for (size_t i = 0; i < pk_diags_len(f.diags); i++) {
        static const struct pk_source kept = {"tenant.yaml", "", 0};
        struct pk_diag *d = (struct pk_diag *)(uintptr_t)pk_diags_at(f.diags, i);
        d->span.src = d->span.src ? &kept : NULL;
    }
    pk_arena_free(arena);
    free(text);
    return f;
}

static void expect_one(const char *networking, const char *finding, const char *words) {
    struct fixture f = network(networking);
    has_finding(&f, finding, words);
    EXPECT(&f, finding);
    fixture_free(&f);
}

#define SUBNET(cidr, zone) "{cidrBlock: " cidr ", availabilityZone: eu-west-1" zone "}"
#define PUBLIC "    subnets:\n      public: [" SUBNET("10.0.1.0/24", "a") "]\n"
#define TWO                                                                                        \
    PUBLIC "      private: [" SUBNET("10.0.10.0/24", "a") ", " SUBNET("10.0.20.0/24", "b") "]\n"

static void test_good(void **state) {
    (void)state;
    struct fixture f = network(TWO);
    EXPECT_CLEAN(&f);
    fixture_free(&f);
    f = network("    vpc: {cidrBlock: 10.3.0.0/16}\n");
    EXPECT_CLEAN(&f);
    fixture_free(&f);
    f = network("    existing: {vpcId: vpc-12ab, subnetIds: {private: [subnet-1, subnet-2]}}\n");
    EXPECT_CLEAN(&f);
    fixture_free(&f);
}

static void test_addresses(void **state) {
    (void)state;
    expect_one("    vpc: {cidrBlock: 10.9.0.0/16}\n    natGateway: {enabled: false}\n    subnets:\n"
               "      private: [" SUBNET("10.9.1.0/24", "a") ", " SUBNET("10.0.1.0/24", "b") "]\n",
               "net.cidr-outside-vpc tenant.yaml:10:85", "10.9.0.0/16");
    expect_one(PUBLIC "      private:\n        - " SUBNET(
                   "10.0.1.128/25", "a") "\n        - " SUBNET("10.0.3.0/24", "b") "\n",
               "net.cidr-overlap tenant.yaml:10:23", "10.0.1.0/24 and 10.0.1.128/25");
    expect_one("    vpc: {cidrBlock: 10.0.0.1/16}\n", "net.cidr-host-bits tenant.yaml:7:22",
               "right of the prefix");
    expect_one("    vpc: {cidrBlock: 10.0.0.0/8}\n", "field.range tenant.yaml:7:22", "/16 to /28");
    expect_one("    vpc: {cidrBlock: ten}\n", "field.type tenant.yaml:7:22", "IPv4 network");
}

static void test_zones(void **state) {
    (void)state;
    expect_one(PUBLIC "      private: [" SUBNET("10.0.10.0/24", "a") "]\n",
               "net.two-azs tenant.yaml:9:7", "two");
    expect_one(TWO "    natGateway: {type: per-az}\n", "net.nat-az tenant.yaml:9:118",
               "eu-west-1b");
    expect_one("    subnets:\n      private: [" SUBNET(
                   "10.0.10.0/24", "a") ", "
                                        "{cidrBlock: 10.0.20.0/24, availabilityZone: us-east-1a}]\n"
                                        "    natGateway: {enabled: false}\n",
               "net.az-region tenant.yaml:8:118", "eu-west-1");
    expect_one("    subnets:\n      private: [" SUBNET("10.0.10.0/24", "a") ", " SUBNET(
                   "10.0.20.0/24", "b") "]\n    natGateway: {enabled: true}\n",
               "net.nat-needs-public tenant.yaml:9:27", "public subnet");
}

static void test_conflicts(void **state) {
    (void)state;
    expect_one("    existing: {vpcId: vpc-12ab}\n    vpc: {cidrBlock: 10.0.0.0/16}\n",
               "field.conflict tenant.yaml:8:5", "no effect");
    expect_one("    vpc: {enableDNSSupport: false}\n", "field.conflict tenant.yaml:7:29", "DNS");
    expect_one("    flowLogs: {retentionDays: 31}\n", "field.enum tenant.yaml:7:31",
               "allowed: 1, 3");
    expect_one(TWO "    internetGateway: {enabled: false}\n    natGateway: {enabled: false}\n",
               "net.no-internet-gateway tenant.yaml:10:32", "not public");
}

static void expect_rule(const char *rule, const char *finding, const char *words) {
    char *text = pk_asprintf("    defaultSecurityGroup:\n      ingress:\n        - {%s}\n", rule);
    expect_one(text, finding, words);
    free(text);
}

static void test_rules(void **state) {
    (void)state;
    struct fixture f =
        network("    defaultSecurityGroup:\n      ingress:\n"
                "        - {protocol: all, self: true}\n"
                "        - {protocol: TCP, port: 443, cidrBlocks: [0.0.0.0/0]}\n"
                "        - {protocol: icmp, cidrBlocks: [10.0.0.0/8]}\n"
                "        - {protocol: udp, fromPort: 0, toPort: 65535, self: true}\n");
    EXPECT_CLEAN(&f);
    fixture_free(&f);
    expect_rule("protocol: tcp, self: true", "net.sg-rule tenant.yaml:9:11", "needs a port");
    expect_rule("protocol: tcp, port: 80", "net.sg-rule tenant.yaml:9:11", "somebody");
    expect_rule("protocol: all, port: 80, self: true", "net.sg-rule tenant.yaml:9:33", "no port");
    expect_rule("protocol: tcp, fromPort: 9, toPort: 8, self: true", "net.sg-rule tenant.yaml:9:48",
                "larger");
    expect_rule("protocol: tcp, port: 1, toPort: 8, self: true", "net.sg-rule tenant.yaml:9:33",
                "exclude");
    expect_rule("protocol: tcp, port: 65536, self: true", "net.sg-rule tenant.yaml:9:33", "65535");
    expect_rule("protocol: sctp, port: 1, self: true", "net.sg-rule tenant.yaml:9:22", "allowed");
    expect_rule("port: 1, self: true", "field.required tenant.yaml:9:11", "protocol");
    expect_rule("protocol: tcp, fromPort: 20, toPort: 30, ipv6CidrBlocks: [\"::/0\"]",
                "net.open-admin-port tenant.yaml:9:11", "port 22");
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_good),  cmocka_unit_test(test_addresses),
        cmocka_unit_test(test_zones), cmocka_unit_test(test_conflicts),
        cmocka_unit_test(test_rules),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
