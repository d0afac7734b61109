/* test_json.c - strict loading, canonical text, typed access. */
#include "json/json.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static json_t *parse(const char *text) {
    json_t *value = NULL;
    struct pk_error *err = NULL;
    if (!pk_json_parse(text, strlen(text), "the text", &value, &err)) {
        print_error("%s\n", err->message);
        pk_error_free(err);
        fail();
    }
    return value;
}

static void expect_canonical(const char *text, const char *wanted) {
    json_t *value = parse(text);
    char *got = pk_json_canonical(value);
    assert_string_equal(got, wanted);
    free(got);
    json_decref(value);
}

static void test_canonical(void **state) {
    (void)state;
    expect_canonical("{\"b\":1,\"a\":[true,null,\"x\"]}", "{\"a\":[true,null,\"x\"],\"b\":1}");
    expect_canonical("1.0", "1");
    expect_canonical("-0.0", "0");
    expect_canonical("0.1", "0.1");
    expect_canonical("1e300", "1e+300");
    expect_canonical("0.30000000000000004", "0.30000000000000004");
    expect_canonical("9223372036854775807", "9223372036854775807");
    expect_canonical("\"a\\u0001\\n\\\"\\\\/\\u00e4\"", "\"a\\u0001\\n\\\"\\\\/\xC3\xA4\"");
    expect_canonical("{}", "{}");
    expect_canonical("[]", "[]");
}

static void test_sha256_ignores_key_order(void **state) {
    (void)state;
    json_t *a = parse("{\"x\":1,\"y\":2.0}"), *b = parse("{\"y\":2,\"x\":1}");
    char hex_a[PK_SHA256_HEX_SIZE], hex_b[PK_SHA256_HEX_SIZE];
    pk_json_sha256(a, hex_a);
    pk_json_sha256(b, hex_b);
    assert_string_equal(hex_a, hex_b);
    json_decref(a);
    json_decref(b);
}

static void test_pretty(void **state) {
    (void)state;
    json_t *value = parse("{\"b\":[1,{}],\"a\":{\"c\":\"d\"}}");
    char *text = pk_json_pretty(value);
    assert_string_equal(text,
                        "{\n  \"b\": [\n    1,\n    {}\n  ],\n  \"a\": {\n    \"c\": \"d\"\n  "
                        "}\n}\n");
    free(text);
    json_decref(value);
}

static void expect_refused(const char *text, size_t len) {
    json_t *value = NULL;
    struct pk_error *err = NULL;
    assert_false(pk_json_parse(text, len, "state.json", &value, &err));
    assert_null(value);
    assert_int_equal(err->code, PK_E_BAD_RESPONSE);
    assert_non_null(strstr(err->message, "state.json"));
    pk_error_free(err);
}

static void test_refuses(void **state) {
    (void)state;
    expect_refused("", 0);
    expect_refused("{\"a\":1,\"a\":2}", 13);
    expect_refused("{\"a\":1} x", 9);
    expect_refused("[1,]", 4);
    expect_refused("123\0", 4);
    expect_refused("\"\\u0000\"", 8);
    expect_refused("\"\xFF\"", 3);
    expect_refused("92233720368547758080", 20);
}

static void test_equal(void **state) {
    (void)state;
    static const struct {
        const char *a, *b;
        bool equal;
    } cases[] = {
        {"1", "1.0", true},
        {"9007199254740993", "9007199254740992.0", false},
        {"{\"a\":1,\"b\":[1,2]}", "{\"b\":[1,2],\"a\":1}", true},
        {"[1,2]", "[2,1]", false},
        {"[1]", "[1,2]", false},
        {"{\"a\":1}", "{\"b\":1}", false},
        {"\"1\"", "1", false},
        {"true", "false", false},
        {"null", "null", true},
    };
    for (size_t i = 0; i < PK_ARRAY_LEN(cases); i++) {
        json_t *a = parse(cases[i].a), *b = parse(cases[i].b);
        assert_int_equal(pk_json_equal(a, b), cases[i].equal);
        assert_int_equal(pk_json_equal(b, a), cases[i].equal);
        json_decref(a);
        json_decref(b);
    }
    json_t *null = json_null();
    assert_true(pk_json_equal(NULL, null));
    assert_true(pk_json_equal(NULL, NULL));
}

static void test_at(void **state) {
    (void)state;
    json_t *value = parse("{\"a\":{\"b\":[10,{\"c\":\"x\"}],\"t\":true},\"n\":7}");
    assert_int_equal(pk_json_int(value, "a.b[0]", -1), 10);
    assert_string_equal(pk_json_str(value, "a.b[1].c", "?"), "x");
    assert_string_equal(pk_json_str(value, "a.b[2].c", "?"), "?");
    assert_int_equal(pk_json_int(value, "a.t", -1), -1);
    assert_true(pk_json_bool(value, "a.t", false));
    assert_true(pk_json_bool(value, "n", true));
    assert_null(pk_json_at(value, "a..b"));
    assert_null(pk_json_at(value, "a.b[x]"));
    assert_null(pk_json_at(NULL, "a"));
    assert_ptr_equal(pk_json_at(value, ""), value);
    json_decref(value);
}

static void test_put(void **state) {
    (void)state;
    json_t *value = json_object();
    pk_json_put_int(value, "a.b.c", 1);
    pk_json_put_str(value, "a.b.d", "x");
    pk_json_put_str(value, "a.e", NULL);
    pk_json_put_bool(value, "f", true);
    pk_json_put_int(value, "f.g", 2); /* takes the place of the scalar */
    char *text = pk_json_canonical(value);
    assert_string_equal(text, "{\"a\":{\"b\":{\"c\":1,\"d\":\"x\"}},\"f\":{\"g\":2}}");
    free(text);
    json_decref(value);
}

static void test_text_is_always_utf8(void **state) {
    (void)state;
    json_t *value = pk_json_text("a\xFF"
                                 "b\xED\xA0\x80z\xC3\xA4");
    assert_string_equal(json_string_value(value), "a\xEF\xBF\xBD"
                                                  "b\xEF\xBF\xBD\xEF\xBF\xBD\xEF\xBF\xBDz\xC3\xA4");
    json_decref(value);
    value = pk_json_textf("%s-%d", "n", 3);
    assert_string_equal(json_string_value(value), "n-3");
    json_decref(value);
}

static void test_sort_strings(void **state) {
    (void)state;
    json_t *list = parse("[\"b\",\"a\",\"b\",\"c\",\"a\"]");
    pk_json_sort_strings(list);
    char *text = pk_json_canonical(list);
    assert_string_equal(text, "[\"a\",\"b\",\"c\"]");
    free(text);
    json_decref(list);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_canonical),    cmocka_unit_test(test_sha256_ignores_key_order),
        cmocka_unit_test(test_pretty),       cmocka_unit_test(test_refuses),
        cmocka_unit_test(test_equal),        cmocka_unit_test(test_at),
        cmocka_unit_test(test_put),          cmocka_unit_test(test_text_is_always_utf8),
        cmocka_unit_test(test_sort_strings),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
