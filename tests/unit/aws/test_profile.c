/* test_profile.c - the AWS config and credentials files. */
#include "aws/profile.h"
#include "base/fs.h"
#include "base/mem.h"
#include "base/str.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <jansson.h>

#include <stdlib.h>
#include <string.h>

static json_t *values_of(const struct pk_map *sections, json_t *into) {
    size_t cursor = 0, inner;
    const char *name, *key;
    void *value, *text;
    while (pk_map_next(sections, &cursor, &name, &value)) {
        const struct pk_aws_section *section = value;
        json_t *object = json_object_get(into, name);
        if (object == NULL) {
            object = json_object();
            json_object_set_new(into, name, object);
        }
        inner = 0;
        while (pk_map_next(section->values, &inner, &key, &text))
            json_object_set_new(object, key, json_string(text));
    }
    return into;
}

static void run_case(const json_t *test) {
    struct pk_aws_profiles *profiles = pk_aws_profiles_new("config", "credentials");
    const json_t *input = json_object_get(test, "input"), *output = json_object_get(test, "output");
    const char *config = json_string_value(json_object_get(input, "configFile"));
    const char *credentials = json_string_value(json_object_get(input, "credentialsFile"));
    const char *name = json_string_value(json_object_get(test, "name"));
    struct pk_error *err = NULL;
    bool ok = (config == NULL ||
               pk_aws_ini_parse(profiles, PK_AWS_INI_CONFIG, config, strlen(config), &err)) &&
              (credentials == NULL || pk_aws_ini_parse(profiles, PK_AWS_INI_CREDENTIALS,
                                                       credentials, strlen(credentials), &err));
    const json_t *expected = json_object_get(output, "config");
    if (ok != (expected != NULL))
        fail_msg("%s: %s", name, ok ? "no error" : err->message);
    if (!ok)
        assert_true(pk_starts_with(err->message, "config:"));
    if (ok) {
        json_t *actual = values_of(profiles->config, json_object());
        values_of(profiles->credentials, actual);
        json_t *sessions = values_of(profiles->sso_sessions, json_object());
        const json_t *wanted = json_object_get(expected, "sso_sessions");
        if (!json_equal(actual, json_object_get(expected, "profiles")) ||
            (wanted != NULL && !json_equal(sessions, wanted))) {
            char *text = json_dumps(actual, 0);
            fail_msg("%s: %s", name, text);
        }
        json_decref(actual);
        json_decref(sessions);
    }
    pk_error_free(err);
    pk_aws_profiles_free(profiles);
}

static void test_vectors(void **state) {
    (void)state;
    const char *vectors = getenv("PANKA_VECTORS");
    struct pk_buf text;
    json_t *test;
    size_t i;
    if (vectors == NULL) {
        print_message("skipped: PANKA_VECTORS is not set\n");
        skip();
    }
    PK_CLEANUP(pk_freep)
    char *path = pk_path_join(vectors, "credentials/profile-parser-tests.json");
    assert_true(pk_read_file(path, 1 << 20, &text, NULL));
    json_t *root = json_loads(pk_buf_cstr(&text), 0, NULL);
    json_array_foreach(json_object_get(root, "tests"), i, test) run_case(test);
    print_message("%zu cases\n", i);
    json_decref(root);
    pk_buf_release(&text);
}

/* Session tokens are long; a reader with a line buffer would cut them. */
static void test_long_value(void **state) {
    (void)state;
    struct pk_aws_profiles *profiles = pk_aws_profiles_new("config", "credentials");
    struct pk_buf text, token;
    pk_buf_init(&text, 1 << 20);
    pk_buf_init(&token, 1 << 20);
    for (int i = 0; i < 4000; i++)
        pk_buf_addc(&token, (char)('A' + i % 26));
    pk_buf_addf(&text, "[dev]\naws_session_token=%s\n", token.ptr);
    assert_true(pk_aws_ini_parse(profiles, PK_AWS_INI_CREDENTIALS, text.ptr, text.len, NULL));
    assert_string_equal(pk_aws_profile_get(profiles, "dev", "aws_session_token"), token.ptr);
    pk_aws_profiles_free(profiles);
    pk_buf_release(&text);
    pk_buf_release(&token);
}

static void test_lookup(void **state) {
    (void)state;
    static const char config[] = "[profile \"two words\"]\nregion=eu-west-1\n"
                                 "[profile dev]\nregion = a\naws_access_key_id = config\n"
                                 "services = mine\n"
                                 "[services mine]\ns3 =\n  endpoint_url = http://localhost:1\n";
    static const char credentials[] = "[dev]\naws_access_key_id = credentials\n";
    struct pk_aws_profiles *profiles = pk_aws_profiles_new("config", "credentials");
    assert_true(pk_aws_ini_parse(profiles, PK_AWS_INI_CONFIG, config, strlen(config), NULL));
    assert_true(
        pk_aws_ini_parse(profiles, PK_AWS_INI_CREDENTIALS, credentials, strlen(credentials), NULL));
    assert_string_equal(pk_aws_profile_get(profiles, "dev", "aws_access_key_id"), "credentials");
    assert_string_equal(pk_aws_profile_get(profiles, "dev", "region"), "a");
    assert_string_equal(pk_aws_profile_get(profiles, "two words", "region"), "eu-west-1");
    assert_null(pk_aws_profile_get(profiles, "other", "region"));
    assert_true(pk_aws_profile_exists(profiles, "dev"));
    assert_false(pk_aws_profile_exists(profiles, "other"));
    char *url =
        pk_aws_nested_get(pk_aws_section_get(profiles->services, "mine", "s3"), "endpoint_url");
    assert_string_equal(url, "http://localhost:1");
    free(url);
    pk_aws_profiles_free(profiles);
}

static void test_errors_name_the_line(void **state) {
    (void)state;
    struct pk_aws_profiles *profiles = pk_aws_profiles_new("/x/config", "/x/credentials");
    struct pk_error *err = NULL;
    static const char text[] = "[default]\n\nregion: x\n";
    assert_false(pk_aws_ini_parse(profiles, PK_AWS_INI_CONFIG, text, strlen(text), &err));
    assert_int_equal(err->code, PK_E_CONFIG);
    assert_string_equal(err->message, "/x/config:3: expected an = sign defining a property");
    pk_error_free(err);
    pk_aws_profiles_free(profiles);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_vectors),
        cmocka_unit_test(test_long_value),
        cmocka_unit_test(test_lookup),
        cmocka_unit_test(test_errors_name_the_line),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
