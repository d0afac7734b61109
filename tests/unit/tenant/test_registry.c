/* tenants.yaml and tenant.yaml: creation, registration, logins, rotation, races, older shapes. */
#include "tenant/internal.h"

#include "tenant/yaml_doc.h"
#include "json/json.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "../store/fakes.h"
#include "home.h"

static const char config_yaml[] =
    "apiVersion: admin.panka.io/v1\nkind: TenantConfig\nmetadata: {name: shop-team}\n"
    "spec:\n  aws: {accountId: \"012345678901\", region: eu-west-1}\n"
    "  networking:\n    vpc: {cidrBlock: 10.1.0.0/16}\n";

static const struct pk_tenant_init init = {.name = "shop-team",
                                           .display_name = "Shop: the team",
                                           .email = "shop@example.com",
                                           .created_by = "ops"};

static struct mem_store *new_platform(void) {
    struct mem_store *m = mem_store_new();
    bool is_new = false;
    assert_true(pk_registry_create(&m->base, "acme", "eu-west-1", "locks", &is_new, NULL));
    assert_true(is_new);
    return m;
}

static char *must_register(struct mem_store *m) {
    char *secret = NULL;
    struct pk_error *err = NULL;
    if (!pk_tenant_register(&m->base, &init, config_yaml, &secret, &err))
        fail_msg("%s", err->message);
    return secret;
}

static bool login(struct mem_store *m, const char *tenant, const char *secret,
                  struct pk_error **err) {
    return pk_tenant_login(&m->base, tenant, secret, "acme", "eu-west-1", NULL, err);
}

static void test_create(void **state PK_UNUSED) {
    struct mem_store *m = new_platform();
    bool is_new = true;
    struct pk_tenant_entry *entries = NULL;
    size_t n = 7;
    assert_true(pk_tenants_list(&m->base, &entries, &n, NULL));
    assert_int_equal(n, 0);
    pk_tenants_release(entries, n);
    /* an existing one stays, a broken one is an error */
    char *before PK_CLEANUP(pk_freep) = pk_strdup(mem_text(m, "tenants.yaml"));
    assert_true(pk_registry_create(&m->base, "other", "eu-west-1", "locks", &is_new, NULL));
    assert_false(is_new);
    assert_string_equal(mem_text(m, "tenants.yaml"), before);
    mem_set(m, "tenants.yaml", "oops", 4);
    assert_false(pk_registry_create(&m->base, "acme", "eu-west-1", "locks", &is_new, NULL));
    assert_string_equal(mem_text(m, "tenants.yaml"), "oops");
    pk_store_free(&m->base);
}

/* NEVER-EMPTY: neither an absent nor an unreadable registry is an empty one. */
static void test_never_empty(void **state PK_UNUSED) {
    struct mem_store *m = mem_store_new();
    struct pk_tenant_entry *entries = NULL;
    struct pk_error *err = NULL;
    char *secret = NULL;
    size_t n;
    assert_false(pk_tenants_list(&m->base, &entries, &n, &err));
    assert_int_equal(err->code, PK_E_NOT_FOUND);
    assert_non_null(strstr(err->hint, "panka admin init"));
    pk_error_clear(&err);
    assert_false(pk_tenant_register(&m->base, &init, config_yaml, &secret, &err));
    assert_int_equal(pk_map_len(m->objects), 0);
    pk_error_clear(&err);
    m->gets[m->n_get] = FAULT_DENIED;
    assert_false(pk_tenants_list(&m->base, &entries, &n, &err));
    assert_int_equal(err->code, PK_E_ACCESS_DENIED);
    pk_error_clear(&err);
    static const char *const bad[] = {"",
                                      "version: v2\n",
                                      "version: v1\ntenants: 5\n",
                                      "version: v1\ntenants: [{id: ../x}]\n",
                                      "version: v1\ntenants: [{id: a}, {id: a}]\n",
                                      "a: [\n"};
    for (size_t i = 0; i < PK_ARRAY_LEN(bad); i++) {
        mem_set(m, "tenants.yaml", bad[i], strlen(bad[i]));
        assert_false(pk_tenants_list(&m->base, &entries, &n, &err));
        assert_int_equal(err->code, PK_E_STATE_INVALID);
        pk_error_clear(&err);
    }
    pk_store_free(&m->base);
}

static void test_register(void **state PK_UNUSED) {
    struct mem_store *m = new_platform();
    char *secret PK_CLEANUP(pk_secret_freep) = must_register(m);
    struct pk_tenant_entry *entries = NULL;
    struct pk_error *err = NULL;
    size_t n;
    assert_true(pk_tenants_list(&m->base, &entries, &n, NULL));
    assert_int_equal(n, 1);
    assert_string_equal(entries[0].id, "shop-team");
    assert_string_equal(entries[0].display_name, "Shop: the team");
    assert_string_equal(entries[0].status, "active");
    assert_string_equal(entries[0].account_id, "012345678901");
    assert_string_equal(entries[0].region, "eu-west-1");
    assert_int_equal(entries[0].max_stacks, -1);
    pk_tenants_release(entries, n);
    assert_string_equal(mem_text(m, "tenants/shop-team/tenant.yaml"), config_yaml);
    assert_null(strstr(mem_text(m, "tenants.yaml"), secret));
    char *again = NULL;
    assert_false(pk_tenant_register(&m->base, &init, config_yaml, &again, &err));
    assert_int_equal(err->code, PK_E_REFUSED);
    pk_error_clear(&err);
    struct pk_tenant_init bad = init;
    bad.name = "../x";
    assert_false(pk_tenant_register(&m->base, &bad, config_yaml, &again, &err));
    pk_error_clear(&err);
    pk_store_free(&m->base);
}

/* A run died after tenant.yaml; another one lost the reply of its registry write. */
static void test_register_after_death(void **state PK_UNUSED) {
    struct mem_store *m = new_platform();
    mem_set(m, "tenants/shop-team/tenant.yaml", "half", 4);
    m->puts[m->n_put + 1] = FAULT_CUT_AFTER;
    char *secret PK_CLEANUP(pk_secret_freep) = must_register(m);
    assert_string_equal(mem_text(m, "tenants/shop-team/tenant.yaml"), config_yaml);
    assert_true(login(m, "shop-team", secret, NULL));
    pk_store_free(&m->base);
}

/* Somebody else changes the registry between our reading and our writing, once. */
static void meddle(struct mem_store *m, const char *key) {
    static const char other[] = "version: v1\ntenants:\n  - {id: other, status: active}\n";
    if (strcmp(key, "tenants.yaml") != 0)
        return;
    m->before_put = NULL;
    mem_set(m, "tenants.yaml", other, strlen(other));
}

static void test_register_race(void **state PK_UNUSED) {
    struct mem_store *m = new_platform();
    m->before_put = meddle;
    pk_secret_free(must_register(m));
    struct pk_tenant_entry *entries = NULL;
    size_t n;
    assert_true(pk_tenants_list(&m->base, &entries, &n, NULL));
    assert_int_equal(n, 2);
    pk_tenants_release(entries, n);
    pk_store_free(&m->base);
}

static void test_login(void **state PK_UNUSED) {
    struct mem_store *m = new_platform();
    char *secret PK_CLEANUP(pk_secret_freep) = must_register(m);
    struct pk_error *unknown = NULL, *wrong = NULL, *suspended = NULL;
    assert_false(login(m, "nobody", secret, &unknown));
    assert_false(login(m, "shop-team", "pnka_wrong", &wrong));
    assert_int_equal(wrong->code, PK_E_LOGIN);
    assert_string_equal(unknown->message, wrong->message);
    assert_false(pk_path_exists("home/session"));
    assert_true(login(m, "shop-team", secret, NULL));
    struct pk_session s;
    bool found = false;
    const char *why;
    assert_true(pk_session_load(false, &s, &found, &why, NULL));
    assert_true(found);
    assert_string_equal(s.tenant, "shop-team");
    assert_string_equal(s.lock_table, "locks"); /* of the registry */
    assert_string_equal(s.account_id, "012345678901");
    assert_int_equal(s.expires_at - s.started_at, 7 * 86400);
    assert_int_equal(mode_of("home/tenants/shop-team.yaml"), 0600);
    assert_true(pk_tenant_check_session(&m->base, &s, NULL));
    /* suspension and a new secret end it */
    assert_true(pk_tenant_set_status(&m->base, "shop-team", "suspended", NULL));
    struct pk_error *err = NULL;
    assert_false(pk_tenant_check_session(&m->base, &s, &err));
    assert_int_equal(err->code, PK_E_LOGIN);
    pk_error_clear(&err);
    assert_false(login(m, "shop-team", secret, &suspended));
    assert_string_equal(suspended->message, wrong->message);
    assert_true(pk_tenant_set_status(&m->base, "shop-team", "active", NULL));
    assert_true(pk_tenant_check_session(&m->base, &s, NULL));
    char *fresh PK_CLEANUP(pk_secret_freep) = NULL;
    assert_true(pk_tenant_rotate(&m->base, "shop-team", &fresh, NULL));
    assert_false(pk_tenant_check_session(&m->base, &s, &err));
    assert_non_null(strstr(err->message, "was changed"));
    pk_error_clear(&err);
    assert_false(login(m, "shop-team", secret, NULL));
    assert_true(login(m, "shop-team", fresh, NULL));
    assert_false(pk_tenant_rotate(&m->base, "nobody", &fresh, &err));
    assert_int_equal(err->code, PK_E_NOT_FOUND);
    pk_error_clear(&err);
    pk_session_release(&s);
    pk_error_free(unknown);
    pk_error_free(wrong);
    pk_error_free(suspended);
    pk_store_free(&m->base);
}

/* --- tenant.yaml */

static void test_config(void **state PK_UNUSED) {
    struct mem_store *m = new_platform();
    struct pk_arena *arena PK_CLEANUP(pk_arena_freep) = pk_arena_new();
    struct pk_diags *diags PK_CLEANUP(pk_diags_freep) = pk_diags_new();
    struct pk_tenant_config *t = NULL;
    assert_true(pk_tenant_config_load(&m->base, "shop-team", arena, diags, &t, NULL, NULL));
    assert_null(t);
    char *secret PK_CLEANUP(pk_secret_freep) = must_register(m);
    char *etag PK_CLEANUP(pk_freep) = NULL;
    assert_true(pk_tenant_config_load(&m->base, "shop-team", arena, diags, &t, &etag, NULL));
    assert_non_null(t);
    assert_non_null(etag);
    assert_string_equal(pk_json_str(t->spec, "aws.accountId", ""), "012345678901");
    assert_null(t->networking);
    json_t *ids PK_CLEANUP(json_decrefp) = json_pack(
        "{s:s, s:{s:[s, s]}}", "vpcId", "vpc-1", "subnetIds", "private", "subnet-1", "subnet-2");
    assert_true(pk_tenant_save_status(&m->base, "shop-team", ids, NULL));
    assert_true(pk_tenant_save_status(&m->base, "shop-team", ids, NULL));
    assert_true(pk_tenant_config_load(&m->base, "shop-team", arena, diags, &t, NULL, NULL));
    assert_true(pk_json_equal(t->networking, ids));
    assert_string_equal(pk_json_str(t->spec, "aws.accountId", ""), "012345678901");
    assert_string_equal(pk_json_str(t->spec, "networking.vpc.cidrBlock", ""), "10.1.0.0/16");
    assert_int_equal(pk_diags_count(diags, PK_SEVERITY_ERROR), 0);
    /* the copy of the login */
    assert_true(pk_tenant_config_cached("shop-team", arena, diags, &t, NULL));
    assert_null(t);
    assert_true(login(m, "shop-team", secret, NULL));
    assert_true(pk_tenant_config_cached("shop-team", arena, diags, &t, NULL));
    assert_true(pk_json_equal(t->networking, ids));
    assert_int_equal(chmod("home/tenants/shop-team.yaml", 0644), 0);
    assert_false(pk_tenant_config_cached("shop-team", arena, diags, &t, NULL));
    /* another tenant's file at this place */
    mem_set(m, "tenants/other/tenant.yaml", config_yaml, strlen(config_yaml));
    assert_true(pk_tenant_config_load(&m->base, "other", arena, diags, &t, NULL, NULL));
    assert_null(t);
    assert_true(pk_diags_has_errors(diags));
    pk_store_free(&m->base);
}

static void test_older_config(void **state PK_UNUSED) {
    static const char registry[] =
        "version: v1\ntenants:\n  - id: old-team\n    created: 2024-11-27T11:00:00Z\n"
        "    aws: {accountId: 012345678901, region: us-east-1}\n"
        "    limits: {maxStacks: 100, monthlyCostLimit: 5000}\n    metadata: {team: old}\n";
    static const char old[] =
        "tenant:\n  id: old-team\n  displayName: \"Old\"\n  created: 2024-11-27T11:00:00Z\n"
        "storage:\n  bucket: b\nlocks:\n  table: t\nconfig:\n  environments: [production]\n"
        "  regions:\n    - us-east-1\n  policies:\n    requireApprovalForProduction: true\n";
    struct mem_store *m = mem_store_new();
    struct pk_arena *arena PK_CLEANUP(pk_arena_freep) = pk_arena_new();
    struct pk_diags *diags PK_CLEANUP(pk_diags_freep) = pk_diags_new();
    struct pk_tenant_config *t = NULL;
    struct pk_tenant_entry *entries = NULL;
    size_t n;
    mem_set(m, "tenants.yaml", registry, strlen(registry));
    mem_set(m, "tenants/old-team/tenant.yaml", old, strlen(old));
    assert_true(pk_tenants_list(&m->base, &entries, &n, NULL));
    assert_string_equal(entries[0].account_id, "012345678901");
    assert_int_equal(entries[0].max_stacks, 100);
    pk_tenants_release(entries, n);
    assert_true(pk_tenant_config_load(&m->base, "old-team", arena, diags, &t, NULL, NULL));
    for (size_t i = 0; i < pk_diags_len(diags); i++)
        print_message("%s\n", pk_diags_at(diags, i)->message);
    assert_non_null(t);
    assert_string_equal(pk_json_str(t->spec, "aws.accountId", ""), "012345678901");
    assert_true(pk_json_bool(t->spec, "policies.requireApprovalForProduction", false));
    /* the next write makes it modern; other rows and unknown members of the registry stay */
    json_t *ids PK_CLEANUP(json_decrefp) = json_pack("{s:s}", "vpcId", "vpc-1");
    assert_true(pk_tenant_save_status(&m->base, "old-team", ids, NULL));
    assert_non_null(strstr(mem_text(m, "tenants/old-team/tenant.yaml"), "kind: TenantConfig"));
    assert_true(pk_tenant_set_status(&m->base, "old-team", "suspended", NULL));
    const char *text = mem_text(m, "tenants.yaml");
    assert_non_null(strstr(text, "accountId: \"012345678901\""));
    assert_non_null(strstr(text, "monthlyCostLimit: 5000"));
    assert_non_null(strstr(text, "team: old"));
    pk_store_free(&m->base);
}

static void test_yaml(void **state PK_UNUSED) {
    static const char text[] =
        "plain: some text\nquoted: \"yes\"\nnumber: 42\nminus: -7\nzero: \"012\"\nflag: true\n"
        "nothing: null\ncolon: \"a: b\"\nescaped: \"a\\\"b\\\\c\\nd\"\nempty: \"\"\n"
        "list: [a, \"1\", 2]\nnone: []\nmap: {}\nnested:\n  deep:\n    x: 1\n"
        "items:\n  - id: a\n    tags: [x]\n  - id: b\n    sub:\n      z: 2\n  - plain\n";
    json_t *doc PK_CLEANUP(json_decrefp) = NULL;
    char *again PK_CLEANUP(pk_freep) = NULL;
    struct pk_error *err = NULL;
    if (!pk_yaml_doc_parse(text, strlen(text), "t", &doc, &err))
        fail_msg("%s", err->message);
    assert_int_equal(pk_json_int(doc, "number", 0), 42);
    assert_string_equal(pk_json_str(doc, "zero", ""), "012");
    assert_true(json_is_null(json_object_get(doc, "nothing")));
    assert_true(pk_yaml_doc_text(doc, "t", &again, NULL));
    assert_string_equal(again, text);
}

static void test_policy(void **state PK_UNUSED) {
    char *text PK_CLEANUP(pk_freep) =
        pk_tenant_iam_policy("shop", "acme", "locks", "us-east-1", "123456789012");
    json_t *p PK_CLEANUP(json_decrefp) = NULL;
    assert_true(pk_json_parse(text, strlen(text), "policy", &p, NULL));
    assert_string_equal(pk_json_str(p, "Statement[0].Resource", ""),
                        "arn:aws:s3:::acme/tenants/shop/*");
    assert_string_equal(pk_json_str(p, "Statement[2].Condition.StringLike.s3:prefix[0]", ""),
                        "tenants/shop/*");
    assert_non_null(strstr(text, "\"tenant:shop:*\""));
    assert_non_null(strstr(text, "arn:aws:dynamodb:us-east-1:123456789012:table/locks"));
    assert_null(strstr(text, "Scan"));
}

#define T(name) cmocka_unit_test_setup_teardown(name, home_enter, home_leave)

int main(void) {
    const struct CMUnitTest tests[] = {
        T(test_create),        T(test_never_empty),  T(test_register),
        T(test_register_race), T(test_login),        T(test_register_after_death),
        T(test_config),        T(test_older_config), T(test_yaml),
        T(test_policy),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
