/* Values between CloudFormation and the API: names, conversions, templates, files. */
#include "script.h"

#include "base/fs.h"
#include "base/hash.h"
#include "provider/driver.h"
#include "provider/ecs.h"

#include <unistd.h>

static void equal(json_t *value, const char *expected) {
    json_auto_t *wanted = parse(expected);
    if (!pk_json_equal(value, wanted)) {
        PK_CLEANUP(pk_freep) char *text = value ? pk_json_canonical(value) : pk_strdup("nothing");
        fail_msg("%s is not %s", text, expected);
    }
    json_decref(value);
}

/* --- names --- */

static void names_are_converted_deep(void **state) {
    (void)state;
    static const char cfn[] =
        "{\"Name\": \"a\", \"DockerLabels\": {\"Big\": \"x\"}, \"Volumes\": "
        "[{\"EFSVolumeConfiguration\": {\"FilesystemId\": \"fs\", \"AuthorizationConfig\": "
        "{\"IAM\": \"ENABLED\"}}}]}";
    static const char api[] = "{\"name\": \"a\", \"dockerLabels\": {\"Big\": \"x\"}, \"volumes\": "
                              "[{\"efsVolumeConfiguration\": {\"fileSystemId\": \"fs\", "
                              "\"authorizationConfig\": {\"iam\": \"ENABLED\"}}}]}";
    json_auto_t *from_cfn = parse(cfn), *from_api = parse(api);
    equal(pk_names_convert(from_cfn, pk_ecs_names, true, true), api);
    equal(pk_names_convert(from_api, pk_ecs_names, true, false), cfn);
}

static void tokens_and_members_in_other_types(void **state) {
    (void)state;
    static const struct pk_names names[] = {{"Timeout", "timeoutSeconds", PK_MEMBER_NUMBER},
                                            {"Count", NULL, PK_MEMBER_TEXT},
                                            {NULL, NULL, 0}};
    json_auto_t *cfn = parse("{\"Timeout\": \"5\", \"Count\": [1, 2], \"Password\": {\"$secret\": "
                             "\"s\", \"key\": \"Key\"}, \"Gone\": null}");
    equal(pk_names_convert(cfn, names, true, true),
          "{\"timeoutSeconds\": 5, \"count\": [\"1\", \"2\"], \"password\": {\"$secret\": \"s\", "
          "\"key\": \"Key\"}}");
    json_auto_t *api = parse("{\"timeoutSeconds\": 5, \"count\": [\"1\"]}");
    equal(pk_names_convert(api, names, true, false), "{\"Timeout\": \"5\", \"Count\": [1]}");
}

/* --- conversions --- */

static void both_ways(enum pk_conv conv, const char *arg, const char *cfn, const char *api) {
    const struct pk_type type = {.type = "T"};
    const struct pk_ctx ctx = {.type = &type};
    const struct pk_prop prop = {.name = "P", .conv = conv, .arg = arg};
    json_auto_t *from_cfn = parse(cfn), *from_api = parse(api);
    equal(pk_ctx_convert(&ctx, &prop, from_cfn, true), api);
    equal(pk_ctx_convert(&ctx, &prop, from_api, false), cfn);
}

static void every_conversion_has_a_way_back(void **state) {
    (void)state;
    both_ways(PK_SAME, NULL, "{\"A\": [1]}", "{\"A\": [1]}");
    both_ways(PK_NUMBER_TEXT, NULL, "30", "\"30\"");
    both_ways(PK_NUMBER_TEXT, NULL, "[1, 2.5]", "[\"1\", \"2.5\"]");
    both_ways(PK_TEXT_NUMBER, NULL, "\"3306\"", "3306");
    both_ways(PK_BOOL_TEXT, NULL, "true", "\"true\"");
    both_ways(PK_BOOL_TEXT, NULL, "false", "\"false\"");
    both_ways(PK_JSON_AS_TEXT, NULL, "{\"a\": 1}", "\"{\\\"a\\\":1}\"");
    both_ways(PK_KV_AS_MAP, NULL, "[{\"Key\": \"k\", \"Value\": \"v\"}]", "{\"k\": \"v\"}");
    both_ways(PK_KV_AS_MAP, "N,V", "[{\"N\": \"k\", \"V\": \"v\"}]", "{\"k\": \"v\"}");
    both_ways(PK_MAP_AS_KV, "name,value", "{\"k\": \"v\"}",
              "[{\"name\": \"k\", \"value\": \"v\"}]");
    both_ways(PK_ONE_AS_LIST, NULL, "\"a\"", "[\"a\"]");
    both_ways(PK_LIST_MEMBER, "Id", "[\"a\", \"b\"]", "[{\"Id\": \"a\"}, {\"Id\": \"b\"}]");
    both_ways(PK_FLAG_WORD, "ENABLED|DISABLED", "true", "\"ENABLED\"");
    both_ways(PK_FLAG_WORD, "ENABLED|DISABLED", "false", "\"DISABLED\"");
}

static void odd_values_pass(void **state) {
    (void)state;
    const struct pk_type type = {.type = "T"};
    const struct pk_ctx ctx = {.type = &type};
    const struct pk_prop text = {.name = "P", .conv = PK_JSON_AS_TEXT};
    const struct pk_prop number = {.name = "P", .conv = PK_NUMBER_TEXT};
    json_auto_t *encoded = parse("\"%7B%22a%22%3A%22%2A%22%7D\"");
    equal(pk_ctx_convert(&ctx, &text, encoded, false), "{\"a\": \"*\"}");
    json_auto_t *plain = parse("\"not JSON\"");
    equal(pk_ctx_convert(&ctx, &text, plain, false), "\"not JSON\"");
    equal(pk_ctx_convert(&ctx, &text, plain, true), "\"not JSON\"");
    equal(pk_ctx_convert(&ctx, &number, plain, false), "\"not JSON\"");
}

static void paths_collect_and_wrap(void **state) {
    (void)state;
    json_auto_t *root = parse("{\"A\": [{\"B\": [{\"C\": 1}, {\"D\": 0}]}, {\"B\": null}, "
                              "{\"B\": [{\"C\": 2}]}], \"N\": null}");
    equal(pk_path_get(root, "A[].B"), "[[{\"C\": 1}, {\"D\": 0}], [{\"C\": 2}]]");
    equal(pk_path_get(root, "A[].B[].C"), "[[1], [2]]");
    equal(pk_path_get(root, "A[2].B[0].C"), "2");
    assert_null(pk_path_get(root, "N"));
    assert_null(pk_path_get(root, "X[].Y"));
    json_t *params = json_object();
    pk_param_put(params, "Ids[]", json_string("a"));
    pk_param_put(params, "Deep.Value", json_integer(1));
    equal(params, "{\"Ids\": [\"a\"], \"Deep\": {\"Value\": 1}}");
}

/* --- templates --- */

static void templates_expand(void **state) {
    (void)state;
    struct script *script = script_new(NULL, 0);
    json_auto_t *desired = parse("{\"Names\": [\"x\"], \"Size\": 3, \"Target\": \"a|b\"}");
    struct pk_op op = op_for("AWS::Logs::LogGroup", PK_ACTION_CREATE, desired);
    op.name = "app";
    op.physical_id = pk_strdup("one|two");
    op.attributes = parse("{\"Endpoint.Address\": \"host\"}");
    struct pk_ctx ctx;
    assert_true(pk_ctx_for_op(&ctx, script->provider, &op, NULL));
    equal(pk_ctx_value(&ctx, "{prop.Names}"), "[\"x\"]");
    equal(pk_ctx_value(&ctx, "{prop.None|prop.Size}"), "3");
    equal(pk_ctx_value(&ctx, "s={prop.Size}, {id[1]}, {prop.Target#0}, {attr.Endpoint.Address}"),
          "\"s=3, two, a, host\"");
    equal(pk_ctx_value(&ctx, "arn:{partition}:{region}:{account}:{name}.{suffix}"),
          "\"arn:aws:us-east-1:123456789012:app.amazonaws.com\"");
    equal(pk_ctx_value(&ctx, "json:[{\"Name\":\"{key}\",\"Values\":[\"{prop.Size}\"]}]"),
          "[{\"Name\": \"the-key\", \"Values\": [3]}]");
    assert_null(pk_ctx_value(&ctx, "json:[\"{prop.None}\"]"));
    assert_null(pk_ctx_value(&ctx, "a{prop.None}b"));
    assert_null(pk_ctx_value(&ctx, "{id[2]}"));
    pk_ctx_release(&ctx);
    op_release(&op);
    script_end(script);
}

static void codes_match(void **state) {
    (void)state;
    struct pk_error *error = NULL;
    pk_fail(&error, PK_E_AWS, "the role cannot be assumed");
    pk_error_set(&error->aws.code, "InvalidParameterValueException");
    assert_true(pk_error_in(error, "Other|InvalidParameter*"));
    assert_true(pk_error_in(error, "InvalidParameterValueException:be assumed"));
    assert_false(pk_error_in(error, "InvalidParameterValueException:role is"));
    assert_false(pk_error_in(error, "InvalidParameterValue"));
    assert_false(pk_error_in(error, NULL));
    assert_false(pk_error_in(NULL, "*"));
    pk_error_free(error);
}

/* --- files --- */

static char *folder;

static void write_file(const char *name, const char *text, unsigned mode) {
    PK_CLEANUP(pk_freep) char *path = pk_path_join(folder, name);
    assert_true(pk_write_file(path, text, strlen(text), mode, NULL));
}

static bool resolve(struct script *script, const char *name, const char *sha256, json_t **ret,
                    struct pk_error **err) {
    struct pk_op op = op_for("AWS::Logs::LogGroup", PK_ACTION_CREATE, NULL);
    struct pk_ctx ctx;
    assert_true(pk_ctx_for_op(&ctx, script->provider, &op, NULL));
    PK_CLEANUP(pk_freep) char *path = pk_path_join(folder, name);
    *ret = json_pack("{s:{s:s, s:s}}", "ZipFile", "$file", path, "sha256", sha256);
    json_t *wipe = json_array();
    bool ok = pk_secrets_resolve(&ctx, ret, wipe, err);
    pk_secrets_wipe(wipe);
    pk_ctx_release(&ctx);
    op_release(&op);
    return ok;
}

static void a_file_is_sent_as_it_was_planned(void **state) {
    (void)state;
    struct script *script = script_new(NULL, 0);
    char hex[PK_SHA256_HEX_SIZE];
    pk_sha256_hex("bytes", 5, hex);
    write_file("code.zip", "bytes", 0644);
    json_t *params = NULL;
    struct pk_error *error = NULL;
    assert_true(resolve(script, "code.zip", hex, &params, &error));
    equal(params, "{\"ZipFile\": \"Ynl0ZXM=\"}");
    write_file("code.zip", "other", 0644);
    assert_false(resolve(script, "code.zip", hex, &params, &error));
    assert_int_equal(error->code, PK_E_PLAN_STALE);
    json_decref(params);
    pk_error_clear(&error);
    assert_false(resolve(script, "missing", hex, &params, &error));
    assert_int_equal(error->code, PK_E_NOT_FOUND);
    json_decref(params);
    pk_error_free(error);
    script_end(script);
}

static void a_folder_is_zipped(void **state) {
    (void)state;
    struct script *script = script_new(NULL, 0);
    PK_CLEANUP(pk_freep) char *sub = pk_path_join(folder, "src/a");
    assert_true(pk_mkdir_p(sub, 0755, NULL));
    write_file("src/a.js", "1", 0644); /* sorts before "a/", although "a" sorts before "a.js" */
    write_file("src/a/b.js", "2", 0755);
    json_t *params = NULL;
    struct pk_error *error = NULL;
    assert_true(resolve(script, "src", "", &params, &error));
    const char *text = pk_json_str(params, "ZipFile", "");
    struct pk_buf bytes;
    pk_buf_init(&bytes, 1 << 20);
    assert_true(pk_base64_decode(pk_str(text), &bytes));
    assert_memory_equal(bytes.ptr, "PK\3\4", 4);
    assert_non_null(memmem(bytes.ptr, bytes.len, "a.js", 4));
    assert_non_null(memmem(bytes.ptr, bytes.len, "a/b.js", 6));
    pk_buf_release(&bytes);
    json_decref(params);
    script_end(script);
}

static int make_folder(void **state) {
    (void)state;
    char path[] = "/tmp/panka-provider-XXXXXX";
    folder = pk_strdup(mkdtemp(path));
    return 0;
}

static int remove_folder(void **state) {
    (void)state;
    static const char *const files[] = {"code.zip", "src/a.js", "src/a/b.js"};
    static const char *const folders[] = {"src/a", "src", ""};
    for (size_t i = 0; i < PK_ARRAY_LEN(files); i++) {
        PK_CLEANUP(pk_freep) char *path = pk_path_join(folder, files[i]);
        unlink(path);
    }
    for (size_t i = 0; i < PK_ARRAY_LEN(folders); i++) {
        PK_CLEANUP(pk_freep) char *path = pk_path_join(folder, folders[i]);
        rmdir(path);
    }
    free(folder);
    return 0;
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(names_are_converted_deep),
        cmocka_unit_test(tokens_and_members_in_other_types),
        cmocka_unit_test(every_conversion_has_a_way_back),
        cmocka_unit_test(odd_values_pass),
        cmocka_unit_test(paths_collect_and_wrap),
        cmocka_unit_test(templates_expand),
        cmocka_unit_test(codes_match),
        cmocka_unit_test(a_file_is_sent_as_it_was_planned),
        cmocka_unit_test(a_folder_is_zipped),
    };
    return cmocka_run_group_tests(tests, make_folder, remove_folder);
}
