/* test_tenant.c - the TenantConfig document, and what a tenant allows a stack to be. */
#include "fixture.h"

#define HEAD "apiVersion: admin.panka.io/v1\nkind: TenantConfig\nmetadata: {name: team}\nspec:\n"
#define AWS "  aws: {accountId: \"123456789012\", region: eu-west-1}\n"

struct tenant {
    struct pk_arena *arena;
    struct pk_source source;
    struct pk_tenant_config *config;
};

static struct tenant *parse(const char *text, struct pk_diags *diags) {
    struct tenant *t = pk_calloc(1, sizeof(*t));
    t->arena = pk_arena_new();
    t->source = (struct pk_source){"tenant.yaml", text, strlen(text)};
    t->config = pk_tenant_config_parse(t->arena, &t->source, &test_registry, diags);
    return t;
}

static void tenant_free(struct tenant *t) {
    pk_arena_free(t->arena);
    free(t);
}

static void expect_document(const char *text, const char *const *wanted) {
    struct fixture f = fixture_new();
    struct tenant *t = parse(text, f.diags);
    pk_diags_sort(f.diags);
    expect_findings(&f, wanted);
    tenant_free(t);
    fixture_free(&f);
}
#define DOCUMENT(text, ...) expect_document(text, (const char *const[]){__VA_ARGS__, NULL})

static void test_document(void **state) {
    (void)state;
    struct fixture f = fixture_new();
    struct tenant *t = parse(
        HEAD AWS "  policies: {enableCostTracking: true}\n  allowedResources: [MemoryDB, RDS]\n"
                 "status:\n  networking: {vpcId: vpc-1, subnetIds: {private: [a, b]}}\n",
        f.diags);
    EXPECT_CLEAN(&f);
    assert_string_equal(t->config->name, "team");
    assert_int_equal(pk_json_int(t->config->spec, "limits.maxStacks", 0), 10);
    assert_true(pk_json_bool(t->config->spec, "limits.costTracking", false));
    assert_false(pk_json_bool(t->config->spec, "policies.requireApprovalForProduction", true));
    assert_json(pk_json_at(t->config->spec, "allowedResources"), "[\"AWSMemoryDB\",\"RDS\"]");
    assert_json(t->config->networking,
                "{\"subnetIds\":{\"private\":[\"a\",\"b\"]},\"vpcId\":\"vpc-1\"}");
    tenant_free(t);
    fixture_free(&f);
}

static void test_bad_documents(void **state) {
    (void)state;
    DOCUMENT(HEAD "  limits: {maxStacks: 0}\n", "field.required tenant.yaml:4:1",
             "field.range tenant.yaml:5:23");
    DOCUMENT(HEAD "  aws: {accountId: 12345678901, region: Frankfurt}\n",
             "field.pattern tenant.yaml:5:20", "field.pattern tenant.yaml:5:41");
    DOCUMENT(HEAD "  aws:\n    accountId: \"123456789012\"\n    region: eu-west-1\n"
                  "    assumeRoleArn: arn:aws:iam::999999999999:role/x\n    sessionDuration: 10m\n",
             "tenant.account-mismatch tenant.yaml:8:20", "field.range tenant.yaml:9:22");
    DOCUMENT(HEAD AWS "  allowedResources: [RDS, SQSS, Stack]\n", "doc.kind tenant.yaml:6:27",
             "doc.kind tenant.yaml:6:33");
    DOCUMENT(HEAD AWS "  regions: [us-east-1]\n  defaults: {resources: {cpu: 1}}\n",
             "field.conflict tenant.yaml:5:44", "kind.not-offered tenant.yaml:7:3");
    DOCUMENT("", "doc.kind tenant.yaml:1:1");
    DOCUMENT(DEV, "doc.kind tenant.yaml:2:7");
    DOCUMENT(HEAD AWS "---\n" HEAD AWS, "doc.duplicate tenant.yaml:8:7");
    DOCUMENT("apiVersion: panka.io/v1\nkind: TenantConfig\nmetadata: {name: team}\nspec:\n" AWS,
             "doc.api-version tenant.yaml:1:13");
}

static struct fixture load_for(const char *tenant_rest, const char *stack, const char *components,
                               struct tenant **ret) {
    struct pk_diags *diags = pk_diags_new();
    char *text = pk_asprintf(HEAD AWS "%s", tenant_rest);
    *ret = parse(text, diags);
    pk_diags_free(diags);
    pk_arena_on_free((*ret)->arena, free, text);
    return load_with((const struct text_file[]){{"stack.yaml", stack},
                                                {"services/api/s.yaml", SERVICE("api")},
                                                {"services/api/x.yaml", components},
                                                {"services/web/s.yaml", SERVICE("web")},
                                                {"services/web/x.yaml", DOC("SQS", "jobs")},
                                                {NULL, NULL}},
                     (struct pk_load_options){.tenant_config = (*ret)->config});
}

static void test_limits(void **state) {
    (void)state;
    struct tenant *t;
    struct fixture f =
        load_for("  limits: {maxServicesPerStack: 1, maxResourcesPerService: 1}\n", DEV,
                 DOC("SQS", "a") DOC("SQS", "b") DOC("SQS", "c") "spec: {enabled: false}\n", &t);
    EXPECT(&f, "tenant.limit stack.yaml:4:9", "tenant.limit services/api/s.yaml:4:9");
    has_finding(&f, "tenant.limit services/api/s.yaml:4:9",
                "has 2 components, the tenant allows 1");
    fixture_free(&f);
    tenant_free(t);
}

static void test_allowed(void **state) {
    (void)state;
    struct tenant *t;
    struct fixture f = load_for(
        "  allowedResources: [SQS]\n  environments: [prod]\n  regions: [eu-west-1]\n",
        DEV "spec:\n  provider: {region: us-east-1, accountId: \"000000000000\"}\n",
        DOC("RDS", "db") "spec: {engine: {type: mysql, version: \"8\"}, instance: {class: x}}\n",
        &t);
    EXPECT(&f, "tenant.kind-forbidden services/api/x.yaml:3:7", "env.unknown stack.yaml:5:16",
           "tenant.account-mismatch stack.yaml:7:44", "tenant.region-forbidden stack.yaml:7:22");
    assert_string_equal(f.project->region, "us-east-1");
    fixture_free(&f);
    tenant_free(t);
}

static void test_network(void **state) {
    (void)state;
    struct tenant *t;
    struct fixture f = load_for(
        "  networking:\n    natGateway: {enabled: false}\n    subnets:\n      private: "
        "[{cidrBlock: "
        "10.0.1.0/24, availabilityZone: eu-west-1a}]\n",
        DEV,
        DOC("RDS", "db") "spec: {engine: {type: mysql, version: \"8\"}, instance: {class: "
                         "x}}\n" DOC("MicroService", "web") "spec: {image: {repository: r}}\n",
        &t);
    EXPECT(&f, "net.two-azs services/api/x.yaml:5:9", "net.no-egress services/api/x.yaml:11:9");
    fixture_free(&f);
    tenant_free(t);
}

static void test_region_override(void **state) {
    (void)state;
    struct fixture f = load_with(
        (const struct text_file[]){
            {"stack.yaml", DEV "spec: {region: eu-west-1, outputs: {r: \"${PANKA_REGION}\"}}\n"},
            {NULL, NULL}},
        (struct pk_load_options){.region = "us-east-1", .region_override = "eu-north-1"});
    EXPECT_CLEAN(&f);
    assert_string_equal(f.project->region, "eu-north-1");
    assert_string_equal(pk_json_str(f.project->spec, "outputs.r", "?"), "eu-north-1");
    fixture_free(&f);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_document), cmocka_unit_test(test_bad_documents),
        cmocka_unit_test(test_limits),   cmocka_unit_test(test_allowed),
        cmocka_unit_test(test_network),  cmocka_unit_test(test_region_override),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
