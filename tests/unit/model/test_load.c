/* test_load.c - whole folders: the complete example, layouts, single files, finding folders. */
#include "fixture.h"

static void test_complete_example(void **state) {
    (void)state;
    const char *root = getenv("PANKA_SOURCE_ROOT");
    char *path = pk_asprintf("%s/tests/vectors/lang/notification-platform", root ? root : ".");
    char *tenant_path = pk_asprintf("%s/tests/vectors/lang/tenant.yaml", root ? root : ".");
    struct fixture f = fixture_new();
    struct pk_arena *arena = pk_arena_new();
    const struct pk_source *source =
        pk_source_read(arena, tenant_path, "tenant.yaml", (struct pk_span){0}, f.diags);
    f.options.path = path;
    f.options.tenant_config = pk_tenant_config_parse(arena, source, &test_registry, f.diags);
    f.options.tenant = "notifications-team";
    f.project = pk_project_load(&f.options, f.diags);
    EXPECT_CLEAN(&f);
    struct pk_project *p = f.project;
    assert_string_equal(p->name, "notification-platform");
    assert_string_equal(p->environment, "production");
    assert_string_equal(p->region, "us-east-1");
    assert_string_equal(p->account_id, "123456789012");
    assert_string_equal(p->tenant, "notifications-team");
    assert_int_equal(p->services.len, 2);
    assert_int_equal(p->components.len, 4);
    struct pk_component *api = pk_project_at(p, "api/api-server");
    assert_string_equal(api->key, "api-server");
    assert_string_equal(api->meta.description, "Main API server");
    assert_int_equal(pk_spec_int(api, "replicas", 0), 3);
    assert_int_equal(pk_spec_int(api, "runtime.cpu", 0), 256);
    assert_int_equal(pk_spec_int(api, "runtime.memory", 0), 512);
    assert_string_equal(pk_spec_str(api, "image.tag"), "latest");
    assert_int_equal(pk_spec_int(api, "healthCheck.readiness.initialDelaySeconds", 0), 30);
    assert_json(pk_spec_get(api, "environment[3]"),
                "{\"name\":\"DB_HOST\",\"value\":{\"$out\":\"api/api-db\",\"output\":"
                "\"endpoint\"}}");
    assert_json(pk_spec_get(api, "environment[4].value"),
                "{\"$out\":\"api/notification-queue\",\"output\":\"queueUrl\"}");
    assert_string_equal(pk_spec_str(api, "secrets[0].secretRef"), "production/api/db-password");
    assert_json(pk_spec_get(api, "dependsOn"), "[\"api/api-db\",\"api/notification-queue\"]");
    assert_json(p->variables, "{\"DOMAIN\":\"notifications.example.com\",\"ENVIRONMENT\":"
                              "\"production\",\"LOG_LEVEL\":\"info\"}");
    assert_string_equal(pk_json_str(p->meta.labels, "team", "?"), "notifications");
    fixture_free(&f);
    pk_arena_free(arena);
    free(path);
    free(tenant_path);
}

static void test_single_file(void **state) {
    (void)state;
    struct fixture f = fixture_new();
    fixture_write(&f, "all.yaml", DEV "---\n" SERVICE("api") DOC("SQS", "jobs") DOC("SQS", "mail"));
    char *path = pk_path_join(f.dir, "all.yaml");
    f.options.path = path;
    f.project = pk_project_load(&f.options, f.diags);
    EXPECT(&f, "doc.single-file all.yaml:1:1");
    assert_non_null(pk_project_at(f.project, "api/jobs"));
    assert_string_equal(pk_project_at(f.project, "api/mail")->dir, f.project->dir);
    free(path);
    fixture_free(&f);
}

static void test_older_layout(void **state) {
    (void)state;
    struct fixture f = LOAD({"stack.yml", DEV}, {"services/api/service.yaml", SERVICE("api")},
                            {"services/api/components/jobs/queue.yaml", DOC("SQS", "jobs")},
                            {"services/api/components/jobs/configs/app.env", "A=1\n"},
                            {"services/api/components/jobs/configs/extra.yaml", "no: document\n"});
    EXPECT_CLEAN(&f);
    struct pk_component *jobs = pk_project_at(f.project, "api/jobs");
    assert_true(pk_ends_with(jobs->dir, "services/api/components/jobs"));
    assert_true(pk_ends_with(jobs->config_dir, "services/api/components/jobs/configs"));
    fixture_free(&f);
}

static void test_nothing_is_ignored_in_silence(void **state) {
    (void)state;
    struct fixture f = LOAD(
        {"stack.yaml", DEV}, {"other.yaml", "a: 1\n"}, {"tenant.yaml", "a: 1\n"},
        {".hidden.yaml", "a: 1\n"}, {"notes.txt", "x"}, {"templates/x.yaml", "a: 1\n"},
        {"helm/values.yaml", "a: 1\n"}, {"services/loose.yaml", "a: 1\n"},
        {"services/api/service.yaml", SERVICE("api")}, {"services/api/q.yaml", DOC("SQS", "jobs")},
        {"services/api/config/settings.yaml", "a: 1\n"}, {"services/api/more/x.yaml", "a: 1\n"},
        {"infra/networking.yaml", "apiVersion: infra.panka.io/v1\nkind: Networking\nmetadata:\n"
                                  "  name: net\n"},
        {"services/web/README.md", "x"});
    assert_int_equal(pk_diags_count(f.diags, PK_SEVERITY_WARNING), 5);
    has_finding(&f, "doc.ignored-file -:0:0", "other.yaml is not read");
    has_finding(&f, "doc.ignored-file -:0:0", "helm is not read");
    has_finding(&f, "doc.ignored-file -:0:0", "loose.yaml is not read");
    has_finding(&f, "doc.ignored-file -:0:0", "services/api/more is not read");
    has_finding(&f, "svc.empty -:0:0", "services/web");
    has_finding(&f, "kind.not-offered infra/networking.yaml:2:7", "Networking is known");
    fixture_free(&f);
}

static void test_symlinks(void **state) {
    (void)state;
    struct fixture f = fixture_new();
    fixture_write(&f, "stack.yaml", DEV);
    fixture_write(&f, "services/api/service.yaml", SERVICE("api"));
    fixture_write(&f, "services/api/q.yaml", DOC("SQS", "jobs"));
    char *out = pk_path_join(f.dir, "services/api/out.yaml");
    char *in = pk_path_join(f.dir, "services/api/in.yaml");
    assert_int_equal(symlink("/etc/hostname", out), 0);
    assert_int_equal(symlink("q.yaml", in), 0);
    f.project = pk_project_load(&f.options, f.diags);
    pk_diags_sort(f.diags);
    has_finding(&f, "file.symlink-outside -:0:0", "out.yaml");
    has_finding(&f, "doc.duplicate services/api/q.yaml:5:9", "jobs"); /* read, also by its link */
    assert_int_equal(pk_diags_count(f.diags, PK_SEVERITY_ERROR), 2);
    free(out);
    free(in);
    fixture_free(&f);
}

static void test_missing(void **state) {
    (void)state;
    struct fixture f = fixture_new();
    f.project = pk_project_load(&f.options, f.diags);
    EXPECT(&f, "stack.missing -:0:0");
    assert_non_null(f.project);
    assert_string_equal(f.project->name, "");
    fixture_free(&f);
    f = fixture_new();
    f.options.path = "/nonexistent/stack";
    f.project = pk_project_load(&f.options, f.diags);
    EXPECT(&f, "file.missing -:0:0");
    assert_null(f.project);
    fixture_free(&f);
}

static void test_broken_file_makes_no_further_findings(void **state) {
    (void)state;
    struct fixture f = LOAD({"stack.yaml", DEV}, {"services/api/service.yaml", SERVICE("api")},
                            {"services/api/a.yaml", DOC("SQS", "jobs") "spec: [\n"},
                            {"services/api/b.yaml", DOC("SQS", "mail") "spec:\n"
                                                                       "  dependsOn: [jobs]\n"});
    EXPECT(&f, "yaml.syntax services/api/a.yaml:7:1");
    fixture_free(&f);
}

static void test_inputs_hash(void **state) {
    (void)state;
    const struct text_file files[] = {
        {"stack.yaml", DEV}, {"services/api/q.yaml", DOC("SQS", "j")}, {NULL, NULL}};
    static const struct pk_var var = {"X", "1"};
    struct fixture a = load_with(files, (struct pk_load_options){0});
    struct fixture b = load_with(files, (struct pk_load_options){0});
    struct fixture c = load_with(files, (struct pk_load_options){.vars = &var, .n_vars = 1});
    struct fixture d =
        LOAD({"stack.yaml", DEV "# more\n"}, {"services/api/q.yaml", DOC("SQS", "j")});
    assert_int_equal(strlen(a.project->inputs_sha256), 64);
    assert_string_equal(a.project->inputs_sha256, b.project->inputs_sha256);
    assert_string_not_equal(a.project->inputs_sha256, c.project->inputs_sha256);
    assert_string_not_equal(a.project->inputs_sha256, d.project->inputs_sha256);
    fixture_free(&a);
    fixture_free(&b);
    fixture_free(&c);
    fixture_free(&d);
}

static void test_components_by_name(void **state) {
    (void)state;
    struct fixture f =
        LOAD({"stack.yaml", DEV}, {"services/a/service.yaml", SERVICE("a")},
             {"services/a/q.yaml", DOC("SQS", "jobs") DOC("SQS", "only-a")},
             {"services/b/service.yaml", SERVICE("b")}, {"services/b/q.yaml", DOC("SQS", "jobs")});
    EXPECT_CLEAN(&f);
    struct pk_project *p = f.project;
    struct pk_component *b = pk_project_at(p, "b/jobs");
    bool ambiguous;
    assert_string_equal(b->key, "b/jobs");
    assert_string_equal(pk_project_at(p, "a/only-a")->key, "only-a");
    assert_ptr_equal(pk_project_component(p, b, "jobs", &ambiguous), b);
    assert_null(pk_project_component(p, NULL, "jobs", &ambiguous));
    assert_true(ambiguous);
    assert_non_null(pk_project_component(p, b, "only-a", &ambiguous));
    assert_false(ambiguous);
    assert_null(pk_project_component(p, b, "zzz", NULL));
    assert_string_equal(((struct pk_component *)p->components.items[0])->address, "a/jobs");
    fixture_free(&f);
}

static void test_find(void **state) {
    (void)state;
    struct fixture f = fixture_new();
    struct pk_error *err = NULL;
    char *before = getcwd(NULL, 0), *path = NULL, *real = pk_real_path(f.dir, NULL);
    fixture_write(&f, "stacks/shop/stack.yaml", DEV);
    fixture_write(&f, "stacks/shop/services/api/service.yaml", SERVICE("api"));
    fixture_write(&f, ".git/HEAD", "x");
    char *inner = pk_path_join(f.dir, "stacks/shop/services/api");
    char *wanted = pk_path_join(real, "stacks/shop");
    assert_int_equal(chdir(inner), 0);
    assert_true(pk_project_find(NULL, NULL, &path, &err));
    assert_string_equal(path, wanted);
    free(path);
    assert_true(pk_project_find(NULL, "shop", &path, &err));
    assert_string_equal(path, wanted);
    free(path);
    assert_false(pk_project_find(NULL, "other", &path, &err));
    assert_int_equal(err->code, PK_E_NOT_FOUND);
    pk_error_clear(&err);
    assert_int_equal(chdir(f.dir), 0);
    assert_false(pk_project_find(NULL, NULL, &path, &err));
    pk_error_clear(&err);
    assert_false(pk_project_find("nowhere", NULL, &path, &err));
    pk_error_clear(&err);
    assert_true(pk_project_find("stacks/shop", NULL, &path, &err));
    free(path);
    assert_int_equal(chdir(before), 0);
    free(before);
    free(real);
    free(inner);
    free(wanted);
    fixture_free(&f);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_complete_example),
        cmocka_unit_test(test_single_file),
        cmocka_unit_test(test_older_layout),
        cmocka_unit_test(test_nothing_is_ignored_in_silence),
        cmocka_unit_test(test_symlinks),
        cmocka_unit_test(test_missing),
        cmocka_unit_test(test_broken_file_makes_no_further_findings),
        cmocka_unit_test(test_inputs_hash),
        cmocka_unit_test(test_components_by_name),
        cmocka_unit_test(test_find),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
