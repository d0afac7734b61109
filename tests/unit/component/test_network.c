/* test_network.c - placement, security group rules, Fargate's sizes. */
#include "component/fargate.h"
#include "component/sg_rules.h"
#include "fixture.h"

static json_t *parsed(const char *text) {
    json_t *value = json_loads(text, 0, NULL);
    assert_non_null(value);
    return value;
}

static void rules_become_one_entry_per_peer(void **state) {
    (void)state;
    json_t *rules = parsed(
        "[{\"protocol\":\"TCP\",\"port\":443,\"cidrBlocks\":[\"10.1.0.0/16\",\"10.0.0.0/16\"],"
        "\"ipv6CidrBlocks\":[\"::/0\"],\"description\":\"x\"},"
        "{\"protocol\":\"all\",\"sourceSecurityGroupId\":\"sg-1\",\"self\":true},"
        "{\"protocol\":\"icmp\",\"cidrBlocks\":[\"10.0.0.0/8\"]},"
        "{\"protocol\":\"tcp\",\"port\":443,\"cidrBlocks\":[\"10.0.0.0/16\"],\"description\":"
        "\"x\"}]");
    json_t *self;
    json_t *entries = pk_sg_expand(rules, false, &self);
    PK_CLEANUP(pk_freep) char *text = pk_json_canonical(entries);
    PK_CLEANUP(pk_freep) char *own = pk_json_canonical(self);
    assert_string_equal(
        text, "[{\"CidrIp\":\"10.0.0.0/16\",\"Description\":\"x\",\"FromPort\":443,\"IpProtocol\":"
              "\"tcp\",\"ToPort\":443},{\"CidrIp\":\"10.0.0.0/8\",\"FromPort\":-1,\"IpProtocol\":"
              "\"icmp\",\"ToPort\":-1},{\"CidrIp\":\"10.1.0.0/16\",\"Description\":\"x\","
              "\"FromPort\":443,\"IpProtocol\":\"tcp\",\"ToPort\":443},{\"CidrIpv6\":\"::/0\","
              "\"Description\":\"x\",\"FromPort\":443,\"IpProtocol\":\"tcp\",\"ToPort\":443},{"
              "\"IpProtocol\":\"-1\",\"SourceSecurityGroupId\":\"sg-1\"}]");
    assert_string_equal(own, "[{\"IpProtocol\":\"-1\"}]");
    json_decref(self);
    json_decref(entries);
    entries = pk_sg_expand(rules, true, &self);
    PK_CLEANUP(pk_freep) char *egress = pk_json_canonical(entries);
    assert_non_null(strstr(egress, "DestinationSecurityGroupId"));
    json_decref(self);
    json_decref(entries);
    json_decref(rules);
}

static void opens(void **state) {
    (void)state;
    json_t *rules = parsed("[{\"protocol\":\"tcp\",\"fromPort\":80,\"toPort\":90,\"cidrBlocks\":["
                           "\"0.0.0.0/0\"]},{\"protocol\":\"tcp\",\"port\":443,\"self\":true}]");
    assert_true(pk_sg_opens(rules, 80));
    assert_true(pk_sg_opens(rules, 90));
    assert_false(pk_sg_opens(rules, 91));
    assert_false(pk_sg_opens(rules, 443));
    json_decref(rules);
}

static void fargate_pairs(void **state) {
    (void)state;
    assert_true(pk_fargate_fits(256, 512));
    assert_true(pk_fargate_fits(256, 2048));
    assert_false(pk_fargate_fits(256, 1536));
    assert_true(pk_fargate_fits(512, 3072));
    assert_false(pk_fargate_fits(512, 512));
    assert_true(pk_fargate_fits(4096, 30720));
    assert_false(pk_fargate_fits(4096, 31744));
    assert_true(pk_fargate_fits(8192, 20480));
    assert_false(pk_fargate_fits(8192, 17408));
    assert_true(pk_fargate_fits(16384, 122880));
    assert_false(pk_fargate_fits(1000, 2048));
    int64_t cpu, memory;
    assert_true(pk_fargate_smallest(300, 512, &cpu, &memory));
    assert_int_equal(cpu, 512);
    assert_int_equal(memory, 1024);
    assert_true(pk_fargate_smallest(256, 33000, &cpu, &memory));
    assert_int_equal(cpu, 8192);
    assert_int_equal(memory, 36864);
    assert_false(pk_fargate_smallest(256, 200000, &cpu, &memory));
}

#define IMAGE "  image: {repository: nginx, tag: \"1.27\"}\n"
#define TENANT                                                                                     \
    "apiVersion: admin.panka.io/v1\nkind: TenantConfig\nmetadata: {name: team}\nspec:\n"           \
    "  aws: {accountId: \"123456789012\", region: eu-west-1}\n"

static void stack_group_with_rules_about_itself(void **state) {
    (void)state;
    struct fixture f;
    fx_begin(&f);
    fx_write(&f, "stack.yaml",
             "apiVersion: core.panka.io/v1\nkind: Stack\nmetadata: {name: shop}\nspec:\n"
             "  region: eu-west-1\n  variables: {ENVIRONMENT: test}\n"
             "  networking:\n    securityGroup:\n      description: Mine\n      ingress:\n"
             "        - {protocol: tcp, fromPort: 7000, toPort: 7010, self: true}\n"
             "      egress:\n        - {protocol: all, cidrBlocks: [10.0.0.0/8]}\n");
    fx_component(&f, "MicroService", "web", IMAGE);
    fx_expand(&f);
    fx_assert_clean(&f, "");
    assert_property(&f, "_stack:security-group", "GroupName", "\"shop-test-sg\"");
    assert_property(&f, "_stack:security-group", "GroupDescription", "\"Mine\"");
    assert_property(&f, "_stack:security-group", "SecurityGroupEgress",
                    "[{\"CidrIp\":\"10.0.0.0/8\",\"IpProtocol\":\"-1\"}]");
    const char *self = "_stack:security-group-ingress-self-tcp-7000-7010";
    assert_property(&f, self, "GroupId",
                    "{\"$ref\":\"_stack:security-group\",\"attr\":\"GroupId\"}");
    assert_property(&f, self, "SourceSecurityGroupId",
                    "{\"$ref\":\"_stack:security-group\",\"attr\":\"GroupId\"}");
    assert_string_equal(pk_json_str(f.graph->networking, "securityGroupIds[0]", ""), "sg-tenant");
    assert_string_equal(pk_json_str(f.graph->networking, "securityGroupIds[1].$ref", ""),
                        "_stack:security-group");
    assert_string_equal(pk_json_str(f.graph->networking, "securityGroupId.$ref", ""),
                        "_stack:security-group");
    fx_end(&f);
}

static void ids_of_the_network_are_unknown_offline(void **state) {
    (void)state;
    struct fixture f;
    fx_begin(&f);
    f.offline = true;
    fx_tenant(&f, TENANT "  networking:\n    vpc: {cidrBlock: 10.0.0.0/16}\n    subnets:\n"
                         "      public:\n"
                         "        - {cidrBlock: 10.0.1.0/24, availabilityZone: eu-west-1a}\n"
                         "        - {cidrBlock: 10.0.2.0/24, availabilityZone: eu-west-1b}\n"
                         "      private:\n"
                         "        - {cidrBlock: 10.0.10.0/24, availabilityZone: eu-west-1a}\n"
                         "        - {cidrBlock: 10.0.20.0/24, availabilityZone: eu-west-1b}\n");
    fx_component(&f, "MicroService", "web",
                 IMAGE "  ports: [{name: http, port: 80}]\n"
                       "  loadBalancer: {enabled: true, internal: true}\n");
    fx_expand(&f);
    fx_assert_clean(&f, "lb.no-tls");
    assert_property(&f, "web", "NetworkConfiguration.AwsvpcConfiguration.Subnets[0]",
                    "{\"$ref\":\"_network:private-10-0-10-0-24\",\"attr\":\"SubnetId\"}");
    assert_property(&f, "web", "NetworkConfiguration.AwsvpcConfiguration.SecurityGroups[0]",
                    "{\"$ref\":\"_network:default-sg\",\"attr\":\"GroupId\"}");
    assert_property(&f, "web:target-group", "VpcId",
                    "{\"$ref\":\"_network:vpc\",\"attr\":\"VpcId\"}");
    /* inside the network everything may connect */
    assert_property(&f, "_stack:alb-sg-internal", "SecurityGroupIngress[0].CidrIp",
                    "\"10.0.0.0/16\"");
    fx_end(&f);
}

static void nothing_runs_without_a_network(void **state) {
    (void)state;
    struct fixture f;
    fx_begin(&f);
    json_object_del(f.networking, "vpcId");
    json_object_del(f.networking, "subnetIds");
    json_object_del(f.networking, "securityGroupId");
    fx_component(&f, "MicroService", "web", IMAGE);
    fx_expand(&f);
    const struct pk_diag *d = fx_finding(&f, "net.not-provisioned");
    assert_non_null(d);
    assert_string_equal(d->address, "web/web");
    assert_int_equal(d->severity, PK_SEVERITY_ERROR);
    fx_end(&f);
}

static void one_zone_is_not_enough_for_an_alb(void **state) {
    (void)state;
    struct fixture f;
    fx_begin(&f);
    fx_tenant(&f, TENANT "  networking:\n    subnets:\n"
                         "      public:\n"
                         "        - {cidrBlock: 10.0.1.0/24, availabilityZone: eu-west-1a}\n"
                         "        - {cidrBlock: 10.0.2.0/24, availabilityZone: eu-west-1a}\n"
                         "      private:\n"
                         "        - {cidrBlock: 10.0.10.0/24, availabilityZone: eu-west-1a}\n"
                         "        - {cidrBlock: 10.0.20.0/24, availabilityZone: eu-west-1b}\n");
    fx_component(&f, "MicroService", "web",
                 IMAGE "  ports: [{name: http, port: 80}]\n  loadBalancer: true\n");
    fx_component(&f, "MicroService", "in",
                 IMAGE "  ports: [{name: http, port: 80}]\n"
                       "  loadBalancer: {enabled: true, internal: true}\n");
    fx_expand(&f);
    const struct pk_diag *d = fx_finding(&f, "net.two-azs");
    assert_non_null(d);
    assert_string_equal(d->address, "web/web");
    fx_end(&f);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(rules_become_one_entry_per_peer),
        cmocka_unit_test(opens),
        cmocka_unit_test(fargate_pairs),
        cmocka_unit_test(stack_group_with_rules_about_itself),
        cmocka_unit_test(ids_of_the_network_are_unknown_offline),
        cmocka_unit_test(nothing_runs_without_a_network),
        cmocka_unit_test(one_zone_is_not_enough_for_an_alb),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
