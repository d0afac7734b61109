/* test_environment.c - choosing the environment, and what its overlay changes. */
#include "fixture.h"

static const char *chosen(const char *stack, struct pk_load_options options) {
    static char name[64];
    struct fixture f =
        load_with((const struct text_file[]){{"stack.yaml", stack}, {NULL, NULL}}, options);
    EXPECT_CLEAN(&f);
    snprintf(name, sizeof(name), "%s", f.project->environment);
    fixture_free(&f);
    return name;
}

static void test_order(void **state) {
    (void)state;
    static const struct pk_var var = {"ENVIRONMENT", "fromvar"};
    static const char labels[] = STACK "  labels: {environment: fromlabel}\n";
    static const char both[] = STACK "  labels: {environment: fromlabel}\nspec: {variables: "
                                     "{ENVIRONMENT: fromvariable}}\n";
    assert_string_equal(chosen(DEV, (struct pk_load_options){0}), "dev");
    assert_string_equal(chosen(labels, (struct pk_load_options){0}), "fromlabel");
    assert_string_equal(chosen(both, (struct pk_load_options){0}), "fromvariable");
    assert_string_equal(chosen(DEV, (struct pk_load_options){.env_from_process = "proc"}), "proc");
    assert_string_equal(
        chosen(DEV, (struct pk_load_options){.environment = "flag", .env_from_process = "proc"}),
        "flag");
    assert_string_equal(chosen(DEV, (struct pk_load_options){.vars = &var, .n_vars = 1}),
                        "fromvar");
}

static void test_problems(void **state) {
    (void)state;
    static const struct pk_var var = {"ENVIRONMENT", "stage"};
    struct fixture f = LOAD({"stack.yaml", STACK}, {"environments/dev.yaml", ""},
                            {"environments/prod/variables.yaml", ""});
    has_finding(&f, "env.unknown stack.yaml:4:9", "known environments: dev, prod");
    EXPECT(&f, "env.unknown stack.yaml:4:9");
    fixture_free(&f);
    f = load_with((const struct text_file[]){{"stack.yaml", STACK},
                                             {"environments/production.yaml", ""},
                                             {NULL, NULL}},
                  (struct pk_load_options){.environment = "prodction"});
    has_finding(&f, "env.unknown -:0:0", "did you mean `production`?");
    fixture_free(&f);
    f = load_with((const struct text_file[]){{"stack.yaml", STACK}, {NULL, NULL}},
                  (struct pk_load_options){.environment = "Prod!"});
    EXPECT(&f, "doc.name -:0:0");
    fixture_free(&f);
    f = load_with((const struct text_file[]){{"stack.yaml", STACK}, {NULL, NULL}},
                  (struct pk_load_options){.environment = "dev", .vars = &var, .n_vars = 1});
    EXPECT(&f, "env.conflict -:0:0");
    fixture_free(&f);
    f = load_with(
        (const struct text_file[]){
            {"stack.yaml",
             STACK "spec: {variables: {ENVIRONMENT: production, X: \"${ENVIRONMENT}\"}}\n"},
            {NULL, NULL}},
        (struct pk_load_options){.environment = "dev"});
    EXPECT(&f, "env.variable-ignored stack.yaml:5:33");
    assert_string_equal(pk_json_str(f.project->variables, "X", "?"), "dev");
    assert_string_equal(pk_json_str(f.project->variables, "ENVIRONMENT", "?"), "dev");
    fixture_free(&f);
}

static void test_documents_of_other_environments(void **state) {
    (void)state;
    struct fixture f =
        LOAD({"stack.yaml", DEV}, {"services/api/s.yaml", SERVICE("api")},
             {"services/api/x.yaml",
              DOC("SQS", "a") "  environment: prod\n" DOC("SQS", "a") "  environment: dev\n"
                                                                      "spec: {type: fifo}\n"});
    EXPECT_CLEAN(&f);
    assert_int_equal(f.project->components.len, 1);
    assert_string_equal(pk_spec_str(pk_project_at(f.project, "api/a"), "type"), "fifo");
    fixture_free(&f);
}

static struct fixture overlay(const char *path, const char *text) {
    return LOAD(
        {"stack.yaml",
         DEV "spec:\n  variables: {A: stack, B: stack}\n  tags: {t: base, u: base}\n"},
        {"services/api/s.yaml", SERVICE("api") "spec: {variables: {B: service, C: service}}\n"},
        {"services/api/x.yaml",
         DOC("MicroService",
             "web") "  labels: {l: base}\nspec:\n  image: {repository: r, tag: one}\n"
                    "  replicas: 2\n  environment:\n    - {name: V, value: "
                    "\"${A} ${B} ${C}\"}\n    - {name: W, value: w}\n"},
        {"services/web/x.yaml", DOC("SQS", "web")}, {"services/web/s.yaml", SERVICE("web")},
        {path, text});
}

static void test_values(void **state) {
    (void)state;
    struct fixture f =
        overlay("environments/dev.yaml",
                "variables: {A: over, B: over}\nservices:\n  api:\n    variables: {C: "
                "deep}\ntags: {u: \"${A}\"}\n");
    EXPECT_CLEAN(&f);
    struct pk_component *web = pk_project_at(f.project, "api/web");
    assert_string_equal(pk_spec_str(web, "environment[0].value"), "over over deep");
    assert_json(pk_json_at(f.project->spec, "tags"), "{\"t\":\"base\",\"u\":\"over\"}");
    fixture_free(&f);
    f = overlay("environments/dev/variables.yaml", "variables: {A: folder}\n");
    EXPECT_CLEAN(&f);
    assert_string_equal(pk_spec_str(pk_project_at(f.project, "api/web"), "environment[0].value"),
                        "folder service service");
    fixture_free(&f);
}

static void test_bad_values(void **state) {
    (void)state;
    struct fixture f = overlay("environments/dev.yaml",
                               "variabels: {A: x}\nservices:\n  apo: {variables: {A: x}}\n  api: "
                               "{vars: {A: x}}\nvariables: {A: [x]}\ntags: {u: {v: w}}\n");
    EXPECT(&f, "field.unknown environments/dev.yaml:1:1", "svc.unknown environments/dev.yaml:3:3",
           "field.unknown environments/dev.yaml:4:9", "field.type environments/dev.yaml:5:13",
           "field.type environments/dev.yaml:6:8");
    has_finding(&f, "svc.unknown environments/dev.yaml:3:3", "did you mean `api`");
    fixture_free(&f);
    f = overlay("environments/dev.yaml", DOC("SQS", "web"));
    EXPECT(&f, "doc.kind environments/dev.yaml:2:1");
    has_finding(&f, "doc.kind environments/dev.yaml:2:1", "environments/dev/");
    fixture_free(&f);
}

static void test_documents(void **state) {
    (void)state;
    struct fixture f = overlay(
        "environments/dev/web.yaml",
        DOC("MicroService", "web") "  labels: {m: over}\nspec:\n  replicas: ~\n  image: {tag: "
                                   "two}\n  environment: {V: new, W: ~, X: more}\n");
    EXPECT_CLEAN(&f);
    struct pk_component *web = pk_project_at(f.project, "api/web");
    assert_json(pk_spec_get(web, "environment"),
                "[{\"name\":\"V\",\"value\":\"new\"},{\"name\":\"X\",\"value\":\"more\"}]");
    assert_int_equal(pk_spec_int(web, "replicas", 0), 1); /* the default again */
    assert_string_equal(pk_spec_str(web, "image.tag"), "two");
    assert_string_equal(pk_spec_str(web, "image.repository"), "r");
    assert_json(web->meta.labels, "{\"l\":\"base\",\"m\":\"over\"}");
    assert_true(
        pk_ends_with(pk_spec_span(web, "image.tag").src->path, "environments/dev/web.yaml"));
    fixture_free(&f);
    f = overlay("environments/dev/stack.yaml",
                STACK "spec: {variables: {B: over}, tags: {u: over}}\n");
    EXPECT_CLEAN(&f);
    assert_string_equal(pk_spec_str(pk_project_at(f.project, "api/web"), "environment[0].value"),
                        "stack over service");
    assert_json(pk_json_at(f.project->spec, "tags"), "{\"t\":\"base\",\"u\":\"over\"}");
    fixture_free(&f);
    f = overlay("environments/dev/services/api/svc.yaml",
                SERVICE("api") "spec: {variables: {C: over}}\n");
    EXPECT_CLEAN(&f);
    assert_string_equal(pk_spec_str(pk_project_at(f.project, "api/web"), "environment[0].value"),
                        "stack service over");
    fixture_free(&f);
}

static void test_new_documents(void **state) {
    (void)state;
    struct fixture f = overlay("environments/dev/services/api/extra.yaml", DOC("SQS", "extra"));
    EXPECT_CLEAN(&f);
    assert_non_null(pk_project_at(f.project, "api/extra"));
    fixture_free(&f);
    f = overlay("environments/dev/services/fresh/x.yaml",
                "---\n" SERVICE("fresh") DOC("SQS", "extra"));
    EXPECT_CLEAN(&f);
    assert_non_null(pk_project_at(f.project, "fresh/extra"));
    fixture_free(&f);
    f = overlay("environments/dev/extra.yaml", DOC("SQS", "extra"));
    EXPECT(&f, "field.required environments/dev/extra.yaml:5:9");
    fixture_free(&f);
    f = overlay("environments/dev/fn.yaml", DOC("Lambda", "fn"));
    EXPECT(&f, "kind.not-offered environments/dev/fn.yaml:3:7");
    fixture_free(&f);
    f = overlay("environments/dev/x.yaml", DOC("SQS", "web") "  environment: prod\n");
    EXPECT(&f, "doc.mismatch environments/dev/x.yaml:2:1");
    fixture_free(&f);
    f = overlay("environments/dev/x.yaml", "---\napiVersion: core.panka.io/v1\nkind: Stack\n"
                                           "metadata: {name: other}\n");
    EXPECT(&f, "doc.mismatch environments/dev/x.yaml:4:18");
    fixture_free(&f);
}

static void test_type_clash(void **state) {
    (void)state;
    struct fixture f =
        overlay("environments/dev/web.yaml", DOC("MicroService", "web") "spec:\n  image: latest\n");
    EXPECT(&f, "merge.type environments/dev/web.yaml:7:10");
    const struct pk_diag *d = has_finding(&f, "merge.type environments/dev/web.yaml:7:10", NULL);
    assert_true(pk_ends_with(d->related[0].span.src->path, "services/api/x.yaml"));
    fixture_free(&f);
}

static void test_names(void **state) {
    (void)state;
    struct fixture f = fixture_new();
    struct pk_vec names;
    fixture_write(&f, "environments/prod.yaml", "");
    fixture_write(&f, "environments/dev/variables.yaml", "");
    fixture_write(&f, "environments/dev.yaml", "");
    fixture_write(&f, "environments/README.md", "");
    assert_true(pk_project_environments(f.dir, &names, NULL));
    assert_int_equal(names.len, 2);
    assert_string_equal(names.items[0], "dev");
    assert_string_equal(names.items[1], "prod");
    pk_names_release(&names);
    fixture_free(&f);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_order),
        cmocka_unit_test(test_problems),
        cmocka_unit_test(test_documents_of_other_environments),
        cmocka_unit_test(test_values),
        cmocka_unit_test(test_bad_values),
        cmocka_unit_test(test_documents),
        cmocka_unit_test(test_new_documents),
        cmocka_unit_test(test_type_clash),
        cmocka_unit_test(test_names),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
