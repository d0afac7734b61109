/* test_documents.c - envelopes, names, kinds, services, references between documents. */
#include "fixture.h"

#define IN_API(text)                                                                               \
    {"stack.yaml", DEV}, {"services/api/service.yaml", SERVICE("api")}, {                          \
        "services/api/x.yaml", text                                                                \
    }

static void test_kinds(void **state) {
    (void)state;
    struct fixture f = LOAD(IN_API(DOC("Sqs", "a") DOC("LamdbaX", "b") DOC("Lambda", "c") DOC(
        "MemoryDB", "d") "---\nkind: [x]\n---\njust text\n---\nmetadata: {name: x}\n"));
    has_finding(&f, "doc.kind services/api/x.yaml:3:7", "did you mean `SQS`?");
    has_finding(&f, "doc.kind services/api/x.yaml:8:7", "unknown kind `LamdbaX`");
    has_finding(&f, "kind.not-offered services/api/x.yaml:13:7", "this version does not offer it");
    has_finding(&f, "kind.not-offered services/api/x.yaml:18:7", "AWSMemoryDB");
    has_finding(&f, "doc.kind services/api/x.yaml:22:7", "no `kind`");
    has_finding(&f, "doc.kind services/api/x.yaml:24:1", "must be a map");
    has_finding(&f, "doc.kind services/api/x.yaml:26:1", "no `kind`");
    assert_int_equal(pk_diags_count(f.diags, PK_SEVERITY_ERROR), 7);
    fixture_free(&f);
}

static void test_groups(void **state) {
    (void)state;
    struct fixture f =
        LOAD(IN_API("apiVersion: core.panka.io/v1\nkind: SQS\nmetadata: {name: a}\n---\n"
                    "apiVersion: panka.io/v1\nkind: SQS\nmetadata: {name: b}\n---\n"
                    "apiVersion: v1\nkind: SQS\nmetadata: {name: c}\n---\n"
                    "kind: SQS\nmetadata: {name: d}\n"));
    EXPECT(&f, "doc.group services/api/x.yaml:1:13", "doc.api-version services/api/x.yaml:5:13",
           "doc.api-version services/api/x.yaml:9:13", "doc.api-version services/api/x.yaml:13:7");
    has_finding(&f, "doc.group services/api/x.yaml:1:13", "apiVersion: components.panka.io/v1");
    assert_int_equal(pk_diags_count(f.diags, PK_SEVERITY_WARNING), 1);
    fixture_free(&f);
}

static void test_names(void **state) {
    (void)state;
    static const char head[] = "apiVersion: components.panka.io/v1\nkind: SQS\n";
    static const struct {
        const char *rest, *finding;
    } cases[] = {
        {"metadata: {name: Api}\n", "doc.name services/api/x.yaml:3:18"},
        {"metadata: {name: a--b}\n", "doc.name services/api/x.yaml:3:18"},
        {"metadata: {name: 1a}\n", "doc.name services/api/x.yaml:3:18"},
        {"metadata: {name: a-}\n", "doc.name services/api/x.yaml:3:18"},
        {"metadata: {name: _a}\n", "doc.name services/api/x.yaml:3:18"},
        {"metadata: {name: \"${X}\"}\n", "doc.name services/api/x.yaml:3:18"},
        {"metadata: {name: a23456789-123456789-123456789-123456789-12345678}\n", NULL},
        {"metadata: {name: a23456789-123456789-123456789-123456789-123456789}\n",
         "doc.name services/api/x.yaml:3:18"},
        {"metadata: {labels: {a: b}}\n", "doc.name services/api/x.yaml:3:1"},
        {"metadata: x\n", "doc.name services/api/x.yaml:3:1"},
        {"spec: {}\n", "doc.name services/api/x.yaml:2:7"},
        {"metadata: {name: [x]}\n", "doc.name services/api/x.yaml:3:1"},
    };
    for (size_t i = 0; i < PK_ARRAY_LEN(cases); i++) {
        char *text = pk_asprintf("%s%s", head, cases[i].rest);
        struct fixture f = LOAD(IN_API(text));
        if (cases[i].finding)
            EXPECT(&f, cases[i].finding);
        else
            EXPECT_CLEAN(&f);
        fixture_free(&f);
        free(text);
    }
}

static void test_keys(void **state) {
    (void)state;
    struct fixture f = LOAD(
        IN_API("apiVersion: components.panka.io/v1\nkind: SQS\nmetadata:\n  name: a\n  lables: "
               "{}\n  tenant: t\nspecs: {}\nstatus: {}\n"));
    EXPECT(&f, "field.unknown services/api/x.yaml:5:3", "field.unknown services/api/x.yaml:6:3",
           "field.unknown services/api/x.yaml:7:1", "field.unknown services/api/x.yaml:8:1");
    has_finding(&f, "field.unknown services/api/x.yaml:5:3", "`labels`");
    has_finding(&f, "field.unknown services/api/x.yaml:7:1", "`spec`");
    fixture_free(&f);
}

static void test_mismatch(void **state) {
    (void)state;
    struct fixture f =
        load_with((const struct text_file[]){{"stack.yaml", DEV "  tenant: other\n"},
                                             {"services/api/service.yaml", SERVICE("web")},
                                             {"services/api/x.yaml",
                                              DOC("SQS", "a") "  stack: shpo\n  service: web\n"},
                                             {NULL, NULL}},
                  (struct pk_load_options){.tenant = "team"});
    EXPECT(&f, "doc.mismatch stack.yaml:6:11", "doc.mismatch services/api/service.yaml:4:9",
           "doc.mismatch services/api/x.yaml:6:10", "doc.mismatch services/api/x.yaml:7:12");
    assert_string_equal(f.project->tenant, "team");
    fixture_free(&f);
}

static void test_duplicates(void **state) {
    (void)state;
    struct fixture f =
        LOAD({"stack.yaml", DEV "---\n" STACK},
             {"services/api/service.yaml", SERVICE("api") "---\n" SERVICE("api")},
             {"services/api/a.yaml", DOC("SQS", "x")}, {"services/api/b.yaml", DOC("RDS", "x")});
    const struct pk_diag *d = has_finding(&f, "doc.duplicate services/api/b.yaml:5:9", "`x`");
    assert_int_equal(d->n_related, 1);
    assert_int_equal(d->related[0].span.line, 5);
    EXPECT(&f, "doc.duplicate stack.yaml:8:7", "doc.duplicate services/api/service.yaml:9:9",
           "doc.duplicate services/api/b.yaml:5:9");
    fixture_free(&f);
}

static void test_misplaced(void **state) {
    (void)state;
    struct fixture f = LOAD(
        {"stack.yaml", DEV DOC("SQS", "lost")}, {"services/api/service.yaml", SERVICE("api")},
        {"services/api/x.yaml", DOC("SQS", "a") "---\n" STACK "---\napiVersion: "
                                                "admin.panka.io/v1\nkind: TenantConfig\nmetadata: "
                                                "{name: t}\n"},
        {"infra/x.yaml", DOC("SQS", "b")});
    EXPECT(&f, "doc.single-file stack.yaml:8:7", "field.required stack.yaml:10:9",
           "doc.mismatch services/api/x.yaml:8:7", "doc.kind services/api/x.yaml:13:7",
           "doc.mismatch infra/x.yaml:3:7");
    fixture_free(&f);
}

static void test_older_shape(void **state) {
    (void)state;
    struct fixture f = LOAD({"stack.yaml", "stack: {name: x}\ncomponents:\n  - kind: SQS\n"});
    has_finding(&f, "doc.kind stack.yaml:1:1", "no longer read");
    has_finding(&f, "stack.missing -:0:0", NULL);
    fixture_free(&f);
}

static void test_services(void **state) {
    (void)state;
    struct fixture f =
        LOAD({"stack.yaml", DEV}, {"services/api/q.yaml", DOC("SQS", "a")},
             {"services/Web/q.yaml", "# nothing\n"},
             {"services/job/s.yaml", SERVICE("job") "spec:\n  dependsOn: [api, wrker]\n"},
             {"services/worker/s.yaml", SERVICE("worker") "spec:\n  dependsOn:\n    - job\n"});
    has_finding(&f, "svc.implicit services/api/q.yaml:5:9", "`api`");
    has_finding(&f, "doc.name -:0:0", "Web");
    fixture_free(&f);
    f = LOAD({"stack.yaml", DEV}, {"services/a/s.yaml", SERVICE("a") "spec: {dependsOn: [b]}\n"},
             {"services/b/s.yaml", SERVICE("b") "spec: {dependsOn: [c, wrong]}\n"},
             {"services/c/s.yaml", SERVICE("c") "spec:\n  dependsOn:\n    - a\n    - cc\n"});
    has_finding(&f, "svc.cycle services/c/s.yaml:7:7", "a -> b -> c -> a");
    has_finding(&f, "svc.unknown services/b/s.yaml:5:23", "wrong");
    has_finding(&f, "svc.unknown services/c/s.yaml:8:7", "did you mean `c`");
    has_finding(&f, "svc.empty services/a/s.yaml:4:9", NULL);
    assert_int_equal(pk_diags_count(f.diags, PK_SEVERITY_ERROR), 3);
    fixture_free(&f);
}

static void test_references(void **state) {
    (void)state;
    struct fixture f = LOAD(
        {"stack.yaml", DEV}, {"services/api/s.yaml", SERVICE("api")},
        {"services/api/x.yaml",
         DOC("SQS", "jobs") DOC("SQS", "off") "spec: {enabled: false}\n" DOC(
             "SQS", "user") "spec:\n  dependsOn:\n    - jobs\n    - jbos\n    - off\n    - mail\n"
                            "    - worker/mail\n    - web/jobs\n    - worker\n"
                            "  deadLetterQueue: {component: off}\n"},
        {"services/web/s.yaml", SERVICE("web")}, {"services/web/x.yaml", DOC("SQS", "mail")},
        {"services/worker/s.yaml", SERVICE("worker")},
        {"services/worker/x.yaml", DOC("SQS", "mail") DOC("Lambda", "fn")});
    has_finding(&f, "ref.component-unknown services/api/x.yaml:20:7", "did you mean `jobs`");
    has_finding(&f, "ref.disabled services/api/x.yaml:21:7", "left out");
    has_finding(&f, "ref.ambiguous services/api/x.yaml:22:7", "`web/mail` or `worker/mail`");
    has_finding(&f, "ref.component-unknown services/api/x.yaml:24:7", "there is `api/jobs`");
    has_finding(&f, "ref.component-unknown services/api/x.yaml:25:7", "is a service");
    has_finding(&f, "ref.disabled services/api/x.yaml:26:32", "api/off is disabled");
    has_finding(&f, "kind.not-offered services/worker/x.yaml:8:7", NULL);
    struct pk_component *user = pk_project_at(f.project, "api/user");
    assert_json(pk_spec_get(user, "dependsOn"), "[\"api/jobs\",\"worker/mail\"]");
    assert_false(pk_project_at(f.project, "api/off")->enabled);
    assert_null(pk_project_at(f.project, "worker/fn"));
    const struct pk_diag *d = has_finding(&f, "ref.ambiguous services/api/x.yaml:22:7", NULL);
    assert_string_equal(d->address, "api/user");
    fixture_free(&f);
}

static void test_metadata(void **state) {
    (void)state;
    struct fixture f =
        LOAD({"stack.yaml",
              DEV "  labels: {team: \"${TEAM}\", n: 1}\n  description: \"of ${TEAM}\"\n"
                  "  annotations: {panka.io/x: 1, note: y}\nspec:\n  variables: {TEAM: a}\n"},
             {"services/api/s.yaml", SERVICE("api") "spec: {description: all of it}\n"},
             {"services/api/x.yaml", DOC("SQS", "jobs") "  labels: [a]\n  description: [b]\n"});
    EXPECT(&f, "doc.reserved stack.yaml:8:17", "field.type services/api/x.yaml:6:3");
    assert_json(f.project->meta.labels, "{\"n\":\"1\",\"team\":\"a\"}");
    assert_string_equal(f.project->meta.description, "of a");
    struct pk_service *api = f.project->services.items[0];
    assert_string_equal(api->meta.description, "all of it");
    fixture_free(&f);
}

static void test_stack_rules(void **state) {
    (void)state;
    struct fixture f = load_with(
        (const struct text_file[]){
            {"stack.yaml",
             DEV "spec:\n  provider: {name: gcp}\n  region: eu-central-1\n  backend: {bucket: b}\n"
                 "  infrastructure:\n    defaults: ./infra/defaults.yaml\n    security: sec.yaml\n"
                 "    networking: infra/net.yaml\n  outputs: {url: \"${jobs.url}\"}\n"
                 "  networking:\n    securityGroup:\n      ingress:\n        - {protocol: TCP, "
                 "port: 22, "
                 "cidrBlocks: [0.0.0.0/0]}\n"},
            {"infra/net.yaml",
             "apiVersion: infra.panka.io/v1\nkind: Networking\nmetadata: {name: n}\n"},
            {"services/api/s.yaml", SERVICE("api")},
            {"services/api/x.yaml", DOC("SQS", "jobs")},
            {NULL, NULL}},
        (struct pk_load_options){.tenant = "t"});
    EXPECT(&f, "stack.provider stack.yaml:7:20", "stack.backend stack.yaml:9:3",
           "file.missing stack.yaml:11:15", "file.missing stack.yaml:12:15",
           "kind.not-offered infra/net.yaml:2:7", "net.open-admin-port stack.yaml:18:11");
    assert_string_equal(f.project->region, "eu-central-1");
    assert_json(pk_json_at(f.project->spec, "outputs.url"),
                "{\"$out\":\"api/jobs\",\"output\":\"queueUrl\"}");
    fixture_free(&f);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_kinds),     cmocka_unit_test(test_groups),
        cmocka_unit_test(test_names),     cmocka_unit_test(test_keys),
        cmocka_unit_test(test_mismatch),  cmocka_unit_test(test_duplicates),
        cmocka_unit_test(test_misplaced), cmocka_unit_test(test_older_shape),
        cmocka_unit_test(test_services),  cmocka_unit_test(test_references),
        cmocka_unit_test(test_metadata),  cmocka_unit_test(test_stack_rules),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
