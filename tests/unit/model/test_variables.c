/* test_variables.c - `${…}`: forms, precedence, nesting, cycles, typing, outputs, findings. */
#include "fixture.h"

/* A stack with variables, one service with variables and a MicroService `web` whose environment has
 * one value to look at. */
static struct fixture look(const char *stack_vars, const char *service_vars, const char *value,
                           struct pk_load_options options) {
    char *stack = pk_asprintf(DEV "spec:\n  variables: {%s}\n", stack_vars);
    char *service = pk_asprintf(SERVICE("api") "spec:\n  variables: {%s}\n", service_vars);
    char *doc = pk_asprintf("%s%sspec:\n  image: {repository: r}\n  environment:\n    X: %s\n",
                            DOC("SQS", "jobs"), DOC("MicroService", "web"), value);
    struct fixture f = load_with((const struct text_file[]){{"stack.yaml", stack},
                                                            {"services/api/s.yaml", service},
                                                            {"services/api/x.yaml", doc},
                                                            {NULL, NULL}},
                                 options);
    free(stack);
    free(service);
    free(doc);
    return f;
}

static void expect_text(const char *stack_vars, const char *service_vars, const char *value,
                        const char *wanted) {
    struct fixture f = look(stack_vars, service_vars, value, (struct pk_load_options){0});
    EXPECT_CLEAN(&f);
    struct pk_component *web = pk_project_at(f.project, "api/web");
    assert_json(pk_spec_get(web, "environment[0].value"), wanted);
    fixture_free(&f);
}

/* One error; a finding in the value lies at line 14, where the value starts at column 8. */
static void expect_error(const char *stack_vars, const char *value, const char *finding,
                         const char *words) {
    struct fixture f = look(stack_vars, "", value, (struct pk_load_options){0});
    has_finding(&f, finding, words);
    EXPECT(&f, finding);
    fixture_free(&f);
}

static void test_forms(void **state) {
    (void)state;
    expect_text("A: x", "", "\"${A}\"", "\"x\"");
    expect_text("A: x", "", "a-${A}-${A}-b", "\"a-x-x-b\"");
    expect_text("", "", "\"${A:-def}\"", "\"def\"");
    expect_text("A: \"\"", "", "\"${A:-def}\"", "\"def\"");
    expect_text("A: \"\"", "", "\"<${A}>\"", "\"<>\"");
    expect_text("B: y", "", "\"${A:-${B}}\"", "\"y\"");
    expect_text("", "", "\"${A:-{\\\"k\\\": {}}}\"", "\"{\\\"k\\\": {}}\"");
    expect_text("", "", "\"${A:-}\"", "\"\"");
    expect_text("", "", "\"$${A}\"", "\"${A}\"");
    expect_text("", "", "\"a$b$ $\"", "\"a$b$ $\"");
    expect_text("A: x", "", "\"$${A}${A}$$\"", "\"${A}x$$\"");
    expect_text("A: \"${B}1\", B: \"${C}2\", C: z", "", "\"${A}\"", "\"z21\"");
    expect_text("", "", "\"${ENVIRONMENT}\"", "\"dev\"");
    expect_text("", "", "${PANKA_STACK}/${PANKA_SERVICE}/${PANKA_COMPONENT}/${PANKA_PARTITION}",
                "\"shop/api/web/aws\"");
    expect_text("A: \"${PANKA_SERVICE}.${PANKA_COMPONENT}\"", "", "\"${A}\"", "\"api.web\"");
    expect_text("", "V: own", "\"${V} ${api.V}\"", "\"own own\"");
}

static void test_outputs(void **state) {
    (void)state;
    expect_text("", "", "\"${jobs.queue_url}\"", "{\"$out\":\"api/jobs\",\"output\":\"queueUrl\"}");
    expect_text("", "", "\"u=${api/jobs.URL}!\"",
                "{\"$join\":[\"u=\",{\"$out\":\"api/jobs\",\"output\":\"queueUrl\"},\"!\"]}");
    expect_text("Q: \"${jobs.arn}\"", "", "\"${Q}\"", "{\"$out\":\"api/jobs\",\"output\":\"arn\"}");
    expect_text("Q: \"a${jobs.arn}b\"", "", "\"x${Q}y\"",
                "{\"$join\":[\"xa\",{\"$out\":\"api/jobs\",\"output\":\"arn\"},\"by\"]}");
    expect_text("", "", "\"${nobody.url:-none}\"", "\"none\"");
    expect_text("", "", "\"${jobs.nothing:-none}\"", "\"none\"");
    expect_error("", "\"${jbos.url}\"", "ref.component-unknown services/api/x.yaml:14:11",
                 "did you mean `jobs`");
    expect_error("", "\"ab ${jobs.host}\"", "ref.output-unknown services/api/x.yaml:14:19",
                 "queueUrl, queueArn, name, id, arn, region, kind");
    expect_error("", "\"${api.NOPE}\"", "var.unknown services/api/x.yaml:14:15",
                 "service api has no variable `NOPE`");
}

static void test_precedence(void **state) {
    (void)state;
    static const struct pk_var vars[] = {{"A", "first"}, {"A", "flag"}};
    struct fixture f = look("A: stack", "A: service", "\"${A}\"",
                            (struct pk_load_options){.vars = vars, .n_vars = 2});
    assert_string_equal(pk_spec_str(pk_project_at(f.project, "api/web"), "environment[0].value"),
                        "flag");
    fixture_free(&f);
    expect_text("A: stack", "A: service", "\"${A}\"", "\"service\"");
    expect_text("A: stack", "", "\"${A}\"", "\"stack\"");
    /* a value sees the scope it was written in, not the one that uses it */
    expect_text("A: stack, B: \"${A}\"", "A: service", "\"${B}\"", "\"stack\"");
    expect_text("A: stack", "B: \"${A}\"", "\"${B}\"", "\"stack\"");
}

static const char *fake_getenv(void *ctx, const char *name) {
    (void)ctx;
    return strcmp(name, "PANKA_VAR_FROM_ENV") == 0 ? "${literal}" : NULL;
}

static void test_process_and_tenant(void **state) {
    (void)state;
    struct fixture f =
        look("", "", "\"${FROM_ENV}\"", (struct pk_load_options){.getenv = fake_getenv});
    EXPECT_CLEAN(&f);
    assert_string_equal(pk_spec_str(pk_project_at(f.project, "api/web"), "environment[0].value"),
                        "${literal}");
    fixture_free(&f);
    struct pk_arena *arena = pk_arena_new();
    static const char text[] =
        "apiVersion: admin.panka.io/v1\nkind: TenantConfig\nmetadata: {name: t}\nspec:\n"
        "  aws: {accountId: \"123456789012\", region: cn-north-1}\n  variables: {T: "
        "\"${S:-none}-t\", S: s}\n";
    struct pk_source source = {"tenant.yaml", text, sizeof(text) - 1};
    struct pk_diags *diags = pk_diags_new();
    const struct pk_tenant_config *tenant =
        pk_tenant_config_parse(arena, &source, &test_registry, diags);
    f = look("S: stack", "",
             "${T} ${PANKA_REGION} ${PANKA_ACCOUNT_ID} ${PANKA_PARTITION} ${PANKA_TENANT}",
             (struct pk_load_options){.tenant_config = tenant});
    EXPECT_CLEAN(&f);
    assert_string_equal(pk_spec_str(pk_project_at(f.project, "api/web"), "environment[0].value"),
                        "s-t cn-north-1 123456789012 aws-cn t");
    fixture_free(&f);
    pk_diags_free(diags);
    pk_arena_free(arena);
}

static void test_unknown(void **state) {
    (void)state;
    expect_error("LOG_LEVEL: x", "\"a ${LOG_LEVLE}\"", "var.unknown services/api/x.yaml:14:11",
                 "did you mean `LOG_LEVEL`?");
    expect_error("", "\"${ABC}\"", "var.unknown services/api/x.yaml:14:9", "--var ABC=VALUE");
    expect_error("", "\"${ABC}\"", "var.unknown services/api/x.yaml:14:9",
                 "environment dev, service api, stack shop");
    expect_error("A: \"x${NOPE}\"", "y", "var.unknown stack.yaml:7:20", "NOPE");
    expect_error("A: \"x${NOPE}\"", "\"${A}\"", "var.unknown stack.yaml:7:20", "NOPE");
}

static void test_syntax(void **state) {
    (void)state;
    expect_error("", "\"abc ${X\"", "var.syntax services/api/x.yaml:14:13", "never closed");
    expect_error("", "\"abc ${X\"", "var.syntax services/api/x.yaml:14:13", "column 13");
    expect_error("", "\"${}\"", "var.syntax services/api/x.yaml:14:9", "without a name");
    expect_error("", "\"${:-x}\"", "var.syntax services/api/x.yaml:14:9", "without a name");
    expect_error("", "\"${ X }\"", "var.syntax services/api/x.yaml:14:9", "forms are");
    expect_error("", "\"${my-var}\"", "var.syntax services/api/x.yaml:14:9", "no reference");
    expect_error("", "\"${X:-${Y}\"", "var.syntax services/api/x.yaml:14:9", "never closed");
    expect_error("", "|\n      line one\n      two ${\n", "var.syntax services/api/x.yaml:16:11",
                 "never closed");
    expect_error("1A: x", "y", "var.syntax stack.yaml:7:15", "name of a variable");
    expect_error("PANKA_X: x", "y", "doc.reserved stack.yaml:7:15", "reserved");
    expect_error("A: [1]", "y", "field.type stack.yaml:7:15", "variables.A");
}

static void test_cycles(void **state) {
    (void)state;
    expect_error("A: \"${B}\", B: \"${C}\", C: \"${A}\"", "\"${B}\"", "var.cycle stack.yaml:7:18",
                 "A -> B -> C -> A");
    expect_error("A: \"${A}\"", "y", "var.cycle stack.yaml:7:18", "A -> A");
    struct pk_buf vars = PK_BUF_INIT(65536);
    for (int i = 0; i < 40; i++)
        pk_buf_addf(&vars, "V%02d: \"${V%02d}\", ", i, i + 1);
    pk_buf_addz(&vars, "V40: end");
    struct fixture f = look(pk_buf_cstr(&vars), "", "y", (struct pk_load_options){0});
    assert_int_equal(pk_diags_count(f.diags, PK_SEVERITY_ERROR), 1);
    assert_string_equal(pk_diags_at(f.diags, 0)->id, "var.cycle");
    assert_non_null(strstr(pk_diags_at(f.diags, 0)->message, "32 levels"));
    pk_buf_release(&vars);
    fixture_free(&f);
}

/* 30 variables that each use the next one twice. */
static void test_no_explosion(void **state) {
    (void)state;
    static const char *const ends[] = {"", "${PANKA_SERVICE}", "x", "${jobs.arn}"};
    for (size_t i = 0; i < PK_ARRAY_LEN(ends); i++) {
        struct pk_buf vars = PK_BUF_INIT(65536);
        for (int k = 0; k < 29; k++)
            pk_buf_addf(&vars, "V%02d: \"${V%02d}${V%02d}\", ", k, k + 1, k + 1);
        pk_buf_addf(&vars, "V29: \"%s\"", ends[i]);
        struct fixture f = look(pk_buf_cstr(&vars), "", "y", (struct pk_load_options){0});
        if (i < 2) /* nothing uses V00, so there is no service either */
            EXPECT_CLEAN(&f);
        else
            assert_string_equal(pk_diags_at(f.diags, 0)->id, "var.syntax");
        pk_buf_release(&vars);
        fixture_free(&f);
    }
}

static void test_typing(void **state) {
    (void)state;
    struct fixture f =
        LOAD({"stack.yaml", DEV "spec:\n  variables:\n    N: \"3\"\n    BAD: three\n    M: 1Gi\n"},
             {"services/api/s.yaml", SERVICE("api")},
             {"services/api/x.yaml",
              DOC("MicroService",
                  "web") "spec:\n  image: {repository: r}\n"
                         "  replicas: ${N}\n  runtime: {memory: \"${M}\", cpu: \"${BAD}\"}\n" DOC(
                             "SQS", "q") "spec: {visibilityTimeout: \"${q.arn}\"}\n"});
    EXPECT(&f, "field.type services/api/x.yaml:9:34",
           "ref.not-deferrable services/api/x.yaml:15:27");
    has_finding(&f, "field.type services/api/x.yaml:9:34", "the variable BAD, set at ");
    has_finding(&f, "field.type services/api/x.yaml:9:34", "stack.yaml:9:10, is \"three\"");
    struct pk_component *web = pk_project_at(f.project, "api/web");
    assert_int_equal(pk_spec_int(web, "replicas", 0), 3);
    assert_int_equal(pk_spec_int(web, "runtime.memory", 0), 1024);
    fixture_free(&f);
}

static void test_value_from(void **state) {
    (void)state;
    struct fixture f =
        LOAD({"stack.yaml", DEV "spec: {variables: {Q: jobs}}\n"},
             {"services/api/s.yaml", SERVICE("api")},
             {"services/api/x.yaml",
              DOC("SQS", "jobs")
                  DOC("MicroService",
                      "web") "spec:\n  image: {repository: r}\n"
                             "  environment:\n    - {name: A, valueFrom: {component: \"${Q}\", "
                             "output: queue-url}}\n"
                             "    - {name: B, valueFrom: {component: job, output: url}}\n"
                             "    - {name: C, valueFrom: {component: jobs, output: uri}}\n"});
    EXPECT(&f, "ref.component-unknown services/api/x.yaml:15:40",
           "ref.output-unknown services/api/x.yaml:16:54");
    assert_json(pk_spec_get(pk_project_at(f.project, "api/web"), "environment[0].value"),
                "{\"$out\":\"api/jobs\",\"output\":\"queueUrl\"}");
    fixture_free(&f);
}

static void test_disabled(void **state) {
    (void)state;
    struct fixture f =
        LOAD({"stack.yaml", DEV "spec: {variables: {ON: \"false\"}}\n"},
             {"services/api/s.yaml", SERVICE("api")},
             {"services/api/x.yaml",
              DOC("SQS", "jobs") "spec: {enabled: \"${ON}\"}\n" DOC(
                  "MicroService",
                  "web") "spec:\n  image: {repository: r}\n  environment:\n    A: ${jobs.url}\n"
                         "    B: ${jobs.url:-x}\n"});
    EXPECT(&f, "ref.disabled services/api/x.yaml:15:10");
    assert_string_equal(pk_spec_str(pk_project_at(f.project, "api/web"), "environment[1].value"),
                        "x");
    fixture_free(&f);
}

static void test_ambiguous(void **state) {
    (void)state;
    struct fixture f =
        LOAD({"stack.yaml", DEV},
             {"services/jobs/s.yaml", SERVICE("jobs") "spec: {variables: {url: v}}\n"},
             {"services/jobs/x.yaml",
              DOC("SQS", "jobs")
                  DOC("MicroService",
                      "web") "spec:\n  image: {repository: r}\n  environment:\n    A: ${jobs.url}\n"
                             "    B: ${jobs/jobs.url}\n"});
    EXPECT(&f, "ref.ambiguous services/jobs/x.yaml:14:8");
    struct pk_component *web = pk_project_at(f.project, "jobs/web");
    assert_string_equal(pk_spec_str(web, "environment[0].value"), "v");
    assert_json(pk_spec_get(web, "environment[1].value"),
                "{\"$out\":\"jobs/jobs\",\"output\":\"queueUrl\"}");
    fixture_free(&f);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_forms),        cmocka_unit_test(test_outputs),
        cmocka_unit_test(test_precedence),   cmocka_unit_test(test_process_and_tenant),
        cmocka_unit_test(test_unknown),      cmocka_unit_test(test_syntax),
        cmocka_unit_test(test_cycles),       cmocka_unit_test(test_typing),
        cmocka_unit_test(test_no_explosion), cmocka_unit_test(test_value_from),
        cmocka_unit_test(test_disabled),     cmocka_unit_test(test_ambiguous),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
