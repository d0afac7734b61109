/* test_tags.c - tags: limits, precedence, what panka sets itself. */
#include "component/names.h"
#include "fixture.h"

static bool accepted(const char *key, const char *value, const char *id) {
    struct pk_diags *diags = pk_diags_new();
    bool good = pk_tag_check(key, value, (struct pk_span){0}, diags);
    assert_int_equal(pk_diags_len(diags), good ? 0 : 1);
    if (!good)
        assert_string_equal(pk_diags_at(diags, 0)->id, id);
    pk_diags_free(diags);
    return good;
}

static void limits(void **state) {
    (void)state;
    char text[300];
    memset(text, 'a', sizeof(text));
    text[128] = 0;
    assert_true(accepted(text, "", NULL));
    text[128] = 'a';
    text[129] = 0;
    assert_false(accepted(text, "", "tag.length"));
    text[129] = 'a';
    text[256] = 0;
    assert_true(accepted("key", text, NULL));
    text[256] = 'a';
    text[257] = 0;
    assert_false(accepted("key", text, "tag.length"));
    assert_false(accepted("", "x", "tag.length"));
    assert_true(accepted("a b+c-d=e.f_g:h/i@j", "a b+c-d=e.f_g:h/i@j", NULL));
    assert_true(accepted("größe", "é", NULL));
    assert_false(accepted("key", "a\"b", "tag.characters"));
    assert_false(accepted("key#", "a", "tag.characters"));
    assert_false(accepted("aws:x", "a", "tag.reserved"));
    assert_false(accepted("Panka:x", "a", "tag.reserved"));
    assert_true(accepted("pankax", "a", NULL));
}

static const char *tag(const struct fixture *f, const char *key, const char *name) {
    return pk_json_str(fx_node(f, key)->tags, name, "");
}

static void nearer_tags_win(void **state) {
    (void)state;
    struct fixture f;
    fx_begin(&f);
    fx_tenant(&f, "apiVersion: admin.panka.io/v1\nkind: TenantConfig\nmetadata: {name: team}\n"
                  "spec:\n  aws: {accountId: \"123456789012\", region: eu-west-1}\n"
                  "  defaultTags: {a: tenant, b: tenant, c: tenant, d: tenant, e: tenant, f: "
                  "tenant}\n");
    fx_write(&f, "stack.yaml",
             "apiVersion: core.panka.io/v1\nkind: Stack\n"
             "metadata: {name: shop, tenant: team, labels: {b: label, c: label, d: label}}\n"
             "spec: {region: eu-west-1, variables: {ENVIRONMENT: test}, tags: {c: stack, d: stack, "
             "e: stack}}\n");
    fx_write(&f, "services/web/service.yaml",
             "apiVersion: core.panka.io/v1\nkind: Service\n"
             "metadata: {name: web, labels: {d: service, e: service}}\nspec: {}\n");
    fx_write(&f, "services/web/web.yaml",
             "apiVersion: components.panka.io/v1\nkind: MicroService\n"
             "metadata: {name: web, labels: {e: component, f: component}}\n"
             "spec: {image: {repository: a, tag: b}, tags: {f: spec}}\n");
    fx_expand(&f);
    fx_assert_clean(&f, "");
    static const char *const expected[][2] = {{"a", "tenant"},  {"b", "label"},     {"c", "stack"},
                                              {"d", "service"}, {"e", "component"}, {"f", "spec"}};
    for (size_t i = 0; i < PK_ARRAY_LEN(expected); i++)
        assert_string_equal(tag(&f, "web:task-role", expected[i][0]), expected[i][1]);
    assert_string_equal(tag(&f, "_stack:cluster", "d"), "stack");
    assert_string_equal(tag(&f, "web", "panka:managed"), "true");
    assert_string_equal(tag(&f, "web", "panka:tenant"), "team");
    assert_string_equal(tag(&f, "web", "panka:stack"), "shop");
    assert_string_equal(tag(&f, "web", "panka:environment"), "test");
    assert_string_equal(tag(&f, "web", "panka:service"), "web");
    assert_string_equal(tag(&f, "web", "panka:component"), "web");
    assert_string_equal(tag(&f, "web", "panka:kind"), "MicroService");
    assert_string_equal(tag(&f, "web:task-role", "panka:resource"), "web:task-role");
    assert_string_equal(tag(&f, "_stack:cluster", "panka:component"), "");
    assert_string_equal(tag(&f, "web", "Name"), "");
    assert_property(&f, "web", "ServiceName", "\"team-shop-test-web\"");
    fx_end(&f);
}

static void groups_are_named_by_tag(void **state) {
    (void)state;
    struct fixture f;
    fx_begin(&f);
    fx_component(&f, "MicroService", "web",
                 "  image: {repository: a, tag: b}\n  ports: [{name: http, port: 80}]\n"
                 "  loadBalancer: true\n");
    fx_expand(&f);
    assert_string_equal(tag(&f, "_stack:alb-sg", "Name"), "shop-test-alb-sg");
    fx_end(&f);
}

static void bad_tags_are_found_where_they_stand(void **state) {
    (void)state;
    struct fixture f;
    fx_begin(&f);
    fx_component(&f, "MicroService", "web",
                 "  image: {repository: a, tag: b}\n  tags:\n    good: x\n    panka:x: y\n");
    fx_expand(&f);
    const struct pk_diag *d = fx_finding(&f, "tag.reserved");
    assert_non_null(d);
    assert_int_equal(d->span.line, 8);
    assert_string_equal(tag(&f, "web", "panka:x"), "");
    fx_end(&f);
}

static void too_many(void **state) {
    (void)state;
    struct fixture f;
    fx_begin(&f);
    struct pk_buf spec = PK_BUF_INIT(10000);
    pk_buf_addz(&spec, "  image: {repository: a, tag: b}\n  tags:\n");
    for (int i = 0; i < 42; i++)
        pk_buf_addf(&spec, "    t%d: x\n", i);
    fx_component(&f, "MicroService", "web", pk_buf_cstr(&spec));
    pk_buf_release(&spec);
    fx_expand(&f);
    assert_non_null(fx_finding(&f, "tag.count"));
    fx_end(&f);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(limits),
        cmocka_unit_test(nearer_tags_win),
        cmocka_unit_test(groups_are_named_by_tag),
        cmocka_unit_test(bad_tags_are_found_where_they_stand),
        cmocka_unit_test(too_many),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
