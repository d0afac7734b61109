/* Values that AWS takes for the same. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "plan/plan.h"
#include "json/json.h"

static const struct pk_prop_trait props[] = {
    {"Policy", PK_POLICY_DOC},
    {"Json", PK_JSON_TEXT},
    {"Set", PK_SET},
    {"Rules", PK_SET},
    {"Rules[].Groups", PK_SET},
    {"Case", PK_NOCASE_VALUE},
    {"Version", PK_VERSION_PREFIX},
    {"Storage", PK_GROW_ONLY},
    {"Secret", PK_WRITE_ONLY | PK_SENSITIVE},
    {"Count", PK_UNMANAGED},
    {"Map", PK_MAP_SUBSET},
    {"Deep.Fixed", PK_CREATE_ONLY},
    {"Key", PK_CREATE_ONLY},
    {"List[].Inner", PK_NOCASE_VALUE},
};
static const struct pk_type_traits traits = {
    .type = "T", .props = props, .n_props = PK_ARRAY_LEN(props)};

static bool same(const char *path, const char *a, const char *b, bool live) {
    json_t *x = a ? json_loads(a, JSON_DECODE_ANY, NULL) : NULL;
    json_t *y = b ? json_loads(b, JSON_DECODE_ANY, NULL) : NULL;
    assert_true(!a || x);
    assert_true(!b || y);
    bool equal = pk_plan_equal(x, y, &traits, path, live);
    json_decref(x);
    json_decref(y);
    return equal;
}

static void test_traits_of(void **state) {
    (void)state;
    assert_int_equal(pk_traits_of(&traits, "Key"), PK_CREATE_ONLY);
    assert_int_equal(pk_traits_of(&traits, "Key.Sub[3].X"), PK_CREATE_ONLY); /* inherited */
    assert_int_equal(pk_traits_of(&traits, "Keys"), 0);
    assert_int_equal(pk_traits_of(&traits, "Set"), PK_SET);
    assert_int_equal(pk_traits_of(&traits, "Set[]"), 0); /* how it is compared is not */
    assert_int_equal(pk_traits_of(&traits, "Rules[7].Groups"), PK_SET);
    assert_int_equal(pk_traits_of(&traits, "Rules[].Groups"), PK_SET);
    assert_int_equal(pk_traits_of(&traits, "Deep"), 0);
    assert_int_equal(pk_traits_of(&traits, "Deep.Fixed"), PK_CREATE_ONLY);
    assert_int_equal(pk_traits_of(NULL, "Key"), 0);
}

static void test_scalars(void **state) {
    (void)state;
    assert_true(same("X", "30", "\"30\"", false));
    assert_true(same("X", "\"30\"", "30.0", false));
    assert_false(same("X", "30", "31", false));
    assert_false(same("X", "\"030\"", "\"30\"", false)); /* two texts are texts */
    assert_true(same("X", "true", "\"true\"", false));
    assert_false(same("X", "true", "\"yes\"", false));
    assert_false(same("X", "\"a\"", "\"A\"", false));
    assert_true(same("Case", "\"a\"", "\"A\"", false));
    assert_true(same("List", "[{\"Inner\": \"a\"}]", "[{\"Inner\": \"A\"}]", false));
    assert_true(same("Version", "\"15\"", "\"15.4\"", true));
    assert_true(same("Version", "15", "\"15.4\"", true));
    assert_false(same("Version", "\"15\"", "\"150\"", true));
    assert_false(same("Version", "\"15.4\"", "\"15\"", true));
    assert_true(same("Storage", "100", "150", true));
    assert_false(same("Storage", "100", "90", true));
    assert_false(same("Storage", "100", "150", false));
}

static void test_absence(void **state) {
    (void)state;
    assert_true(same("X", NULL, "null", false));
    assert_true(same("X", "[]", NULL, false));
    assert_true(same("X", NULL, "{}", false));
    assert_false(same("X", "false", NULL, false));
    assert_true(same("X", "false", NULL, true)); /* AWS leaves it out */
    assert_true(same("X", "0", NULL, true));
    assert_true(same("X", "\"\"", NULL, true));
    assert_false(same("X", "5", NULL, true));
    assert_true(same("X", NULL, "5", true)); /* what AWS adds */
    assert_false(same("X", NULL, "5", false));
    assert_false(same("X", "[]", "[1]", true)); /* an empty list is wanted */
    assert_true(same("Secret", "\"a\"", NULL, true));
    assert_false(same("Secret", "\"a\"", "\"b\"", false));
    assert_true(same("Count", "3", "7", true));
    assert_false(same("Count", "3", "7", false));
}

static void test_collections(void **state) {
    (void)state;
    assert_false(same("X", "[1, 2]", "[2, 1]", false));
    assert_true(same("Set", "[1, 2]", "[2, \"1\"]", false));
    assert_false(same("Set", "[1, 1, 2]", "[1, 2, 2]", false));
    assert_false(same("Set", "[1, 2]", "[1, 2, 3]", true));
    assert_true(same("Rules", "[{\"P\": 1, \"Groups\": [\"a\", \"b\"]}, {\"P\": 2}]",
                     "[{\"P\": 2, \"Added\": 1}, {\"P\": 1, \"Groups\": [\"b\", \"a\"]}]", true));
    assert_true(same("X", "{\"a\": 1}", "{\"a\": 1, \"b\": 2}", true));
    assert_false(same("X", "{\"a\": 1}", "{\"a\": 1, \"b\": 2}", false));
    assert_true(same("X", "{\"a\": 1}", "{\"a\": 1, \"b\": []}", false));
    assert_true(same("Map", "{\"a\": 1}", "{\"a\": 1, \"b\": 2}", false));
    assert_false(same("Map", "{\"a\": 1}", "{\"b\": 2}", false));
    assert_false(same("X", "{\"a\": 1}", "[1]", true));
    assert_false(same("X", "\"a\"", "[\"a\"]", true));
}

static void test_tokens(void **state) {
    (void)state;
    assert_true(same("X", "{\"$secret\": \"a\"}", "\"the value\"", true));
    assert_true(same("X", "{\"$file\": \"f\", \"sha256\": \"1\"}", "{\"Etag\": 1}", true));
    assert_false(same("X", "{\"$file\": \"f\", \"sha256\": \"1\"}",
                      "{\"$file\": \"f\", \"sha256\": \"2\"}", false));
    assert_true(same("X", "{\"$secret\": \"a\"}", "{\"$secret\": \"a\"}", false));
}

static void test_json_text(void **state) {
    (void)state;
    assert_true(same("Json", "{\"a\": [1]}", "\"{\\\"a\\\":[1]}\"", false));
    assert_true(
        same("Json", "\"{ \\\"a\\\" : 1, \\\"b\\\":2}\"", "\"{\\\"b\\\":2,\\\"a\\\":1}\"", false));
    assert_false(same("Json", "\"{\\\"a\\\":1}\"", "\"{\\\"a\\\":2}\"", false));
    assert_true(same("Json", "\"no json\"", "\"no json\"", false));
    assert_false(same("X", "\"{ \\\"a\\\":1}\"", "\"{\\\"a\\\":1}\"", false));
}

static void test_policies(void **state) {
    (void)state;
    static const char a[] =
        "{\"Version\": \"2012-10-17\", \"Statement\": {\"Effect\": \"Allow\", \"Action\": "
        "\"sqs:SendMessage\", \"Resource\": \"arn:q\", \"Principal\": {\"AWS\": "
        "\"arn:aws:iam::123456789012:root\"}, \"Condition\": {\"Bool\": {\"aws:SecureTransport\": "
        "true}}}}";
    static const char b[] =
        "{\"Statement\": [{\"Condition\": {\"Bool\": {\"aws:SecureTransport\": [\"true\"]}}, "
        "\"Principal\": {\"AWS\": [\"123456789012\"]}, \"Resource\": [\"arn:q\"], \"Action\": "
        "[\"SQS:SendMessage\"], \"Effect\": \"Allow\"}], \"Version\": \"2012-10-17\"}";
    assert_true(same("Policy", a, b, true));
    json_t *text = json_string(b);
    char *quoted = json_dumps(text, JSON_ENCODE_ANY);
    assert_true(same("Policy", a, quoted, true)); /* as text */
    free(quoted);
    json_decref(text);
    assert_true(same(
        "Policy", "{\"Statement\": [{\"Action\": [\"a:B\", \"a:A\"]}, {\"Action\": \"c:C\"}]}",
        "{\"Statement\": [{\"Action\": [\"c:C\"]}, {\"Action\": [\"a:A\", \"a:B\"]}]}", false));
    assert_true(same("Policy", "{\"Statement\": [{\"Principal\": \"*\"}]}",
                     "{\"Statement\": [{\"Principal\": {\"AWS\": \"*\"}}]}", false));
    assert_false(same("Policy", "{\"Statement\": [{\"Action\": \"a:A\"}]}",
                      "{\"Statement\": [{\"NotAction\": \"a:A\"}]}", false));
    assert_false(same("Policy", "{\"Statement\": [{\"Resource\": \"arn:A\"}]}",
                      "{\"Statement\": [{\"Resource\": \"arn:a\"}]}", false));
    assert_false(same("Policy", "{\"Statement\": [{\"Effect\": \"Allow\"}]}",
                      "{\"Statement\": [{\"Effect\": \"Allow\"}, {\"Effect\": \"Deny\"}]}", true));
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_traits_of), cmocka_unit_test(test_scalars),
        cmocka_unit_test(test_absence),   cmocka_unit_test(test_collections),
        cmocka_unit_test(test_tokens),    cmocka_unit_test(test_json_text),
        cmocka_unit_test(test_policies),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
