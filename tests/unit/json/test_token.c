/* test_token.c - tokens are told from data, found and resolved. */
#include "json/json.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static void test_is(void **state) {
    (void)state;
    json_t *ref = pk_token_ref("api:role", "Arn");
    json_t *schema = json_pack("{s:s}", "$ref", "#/definitions/x");
    json_t *join = json_pack("{s:[s]}", "$join", "a");
    assert_true(pk_token_is(ref, "$ref"));
    assert_false(pk_token_is(ref, "$join"));
    assert_false(pk_token_is(schema, "$ref"));
    assert_true(pk_token_is(join, "$join"));
    assert_false(pk_token_is(NULL, "$ref"));
    assert_true(pk_token_inside(join));
    assert_false(pk_token_inside(schema));
    json_decref(ref);
    json_decref(schema);
    json_decref(join);
}

static void count(void *ctx, json_t *token) {
    (void)token;
    (*(int *)ctx)++;
}

static void test_each(void **state) {
    (void)state;
    json_t *value = json_object();
    json_object_set_new(value, "a", pk_token_ref("x", "Arn"));
    json_object_set_new(value, "b",
                        json_pack("{s:[s,o]}", "$join", "p-", pk_token_ref("y", "Ref")));
    int n = 0;
    pk_token_each(value, "$ref", count, &n);
    assert_int_equal(n, 2);
    json_decref(value);
}

static json_t *resolve(void *ctx, const json_t *token) {
    const char *key = json_string_value(json_object_get(token, "$ref"));
    (void)ctx;
    if (!key || strcmp(key, "unknown") == 0)
        return NULL;
    return strcmp(key, "port") == 0 ? json_integer(80) : pk_json_textf("<%s>", key);
}

static void expect_resolved(json_t *value, const char *wanted) {
    json_t *result = pk_token_resolve(value, resolve, NULL);
    char *text = pk_json_canonical(result);
    assert_string_equal(text, wanted);
    free(text);
    json_decref(result);
    json_decref(value);
}

static void test_resolve(void **state) {
    (void)state;
    expect_resolved(pk_token_ref("a", "Arn"), "\"<a>\"");
    expect_resolved(pk_token_ref("unknown", "Arn"), "{\"$ref\":\"unknown\",\"attr\":\"Arn\"}");
    expect_resolved(json_pack("{s:[s,o,s,o]}", "$join", "http://", pk_token_ref("a", "DNSName"),
                              ":", pk_token_ref("port", "Port")),
                    "\"http://<a>:80\"");
    expect_resolved(json_pack("{s:[s,o,s,o]}", "$join", "x", pk_token_ref("a", "A"), "y",
                              pk_token_ref("unknown", "B")),
                    "{\"$join\":[\"x<a>y\",{\"$ref\":\"unknown\",\"attr\":\"B\"}]}");
    expect_resolved(
        json_pack("{s:[s,{s:[s,o]}]}", "$join", "a", "$join", "b", pk_token_ref("a", "A")),
        "\"ab<a>\"");
    expect_resolved(json_pack("{s:[]}", "$join"), "\"\"");
    expect_resolved(json_pack("{s:[o],s:i}", "list", pk_token_ref("a", "A"), "n", 1),
                    "{\"list\":[\"<a>\"],\"n\":1}");
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_is),
        cmocka_unit_test(test_each),
        cmocka_unit_test(test_resolve),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
