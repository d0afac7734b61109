/* test_apply.c - a table over specs: typed values, places, findings. */
#include "schema/field.h"
#include "json/json.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

/* clang-format off */
static const struct pk_field fields[] = {
    {.path = "engine", .type = PK_T_OBJECT, .flags = PK_F_REQUIRED, .doc = "The database engine."},
    {.path = "engine.type", .type = PK_T_ENUM, .allowed = "postgres|mysql", .flags = PK_F_REQUIRED | PK_F_NOCASE},
    {.path = "engine.version", .type = PK_T_STR, .pattern = "[0-9.]+", .def = "15", .diag = "rds.version"},
    {.path = "storage.sizeGB", .type = PK_T_GIB, .min = 20, .max = 65536, .alias = "instance.size|sizeGB"},
    {.path = "storage.iops", .type = PK_T_INT, .min = 1},
    {.path = "storage.type", .type = PK_T_ENUM, .allowed = "gp3|io1", .def = "gp3"},
    {.path = "rangeKey.name", .type = PK_T_STR, .flags = PK_F_REQUIRED | PK_F_NOEMPTY},
    {.path = "rangeKey.type", .type = PK_T_STR, .def = "S"},
    {.path = "ports", .type = PK_T_LIST, .max = 2},
    {.path = "ports[].name", .type = PK_T_STR, .flags = PK_F_REQUIRED, .max = 5},
    {.path = "ports[].port", .type = PK_T_INT, .min = 1, .max = 65535, .alias = "ports[].number"},
    {.path = "ports[].protocol", .type = PK_T_ENUM, .allowed = "tcp|udp", .def = "tcp"},
    {.path = "command[]", .type = PK_T_STR, .alias = "container.command[]"},
    {.path = "container.user", .type = PK_T_STR},
    {.path = "billingMode", .type = PK_T_STR},
    {.path = "environment[].name", .type = PK_T_STR, .flags = PK_F_REQUIRED},
    {.path = "environment[].value", .type = PK_T_STR, .flags = PK_F_DEFERRABLE},
    {.path = "environment[].secretRef", .type = PK_T_SECRET},
    {.path = "encryption", .type = PK_T_OBJECT, .flags = PK_F_SCALAR_OR_MAP},
    {.path = "encryption.enabled", .type = PK_T_BOOL, .def = "true"},
    {.path = "encryption.key", .type = PK_T_STR},
    {.path = "metric", .type = PK_T_STR, .flags = PK_F_SCALAR_OR_MAP},
    {.path = "metric.namespace", .type = PK_T_STR},
    {.path = "cors", .type = PK_T_LIST, .flags = PK_F_SCALAR_OR_MAP},
    {.path = "cors[].origin", .type = PK_T_STR},
    {.path = "policy", .type = PK_T_JSON, .flags = PK_F_DEFERRABLE},
    {.path = "rules.*.days", .type = PK_T_INT, .flags = PK_F_REQUIRED},
    {.path = "retention", .type = PK_T_INT, .min = 1, .max = 30, .allowed = "never"},
    {.path = "url", .type = PK_T_STR, .flags = PK_F_DEFERRABLE},
    {.path = "source", .type = PK_T_REF, .pattern = "fs-[0-9a-f]+"},
    {.path = "replicas", .type = PK_T_INT},
    {.path = "open", .type = PK_T_OBJECT, .flags = PK_F_OPEN},
    {.path = "open.known", .type = PK_T_INT},
    {.path = "tableName", .type = PK_T_STR, .alias = "name", .flags = PK_F_OR_NULLTEXT},
    {.path = "variables", .type = PK_T_STRMAP, .flags = PK_F_RAW},
};
static const struct pk_kind_table kind = {.kind = "RDS", .fields = fields, .n_fields = PK_ARRAY_LEN(fields)};
/* clang-format on */

struct run {
    struct pk_arena *arena;
    struct pk_diags *diags;
    struct pk_spans *spans;
    json_t *value;
};

/* ${N} is "3", ${T} the text "three", ${out} a token; everything else is unknown. */
static json_t *expand(void *ctx, const struct pk_node *scalar, struct pk_diags *diags) {
    (void)ctx;
    if (strcmp(scalar->text, "${N}") == 0)
        return json_string("3");
    if (strcmp(scalar->text, "${T}") == 0)
        return json_string("three");
    if (strcmp(scalar->text, "${out}") == 0)
        return json_pack("{s:s,s:s}", "$out", "api/db", "output", "host");
    pk_diag(diags, PK_SEVERITY_ERROR, "var.unknown", scalar->span, "unknown");
    return NULL;
}

static json_t *output(void *ctx, const struct pk_node *component, const struct pk_node *name,
                      struct pk_diags *diags) {
    (void)ctx;
    (void)diags;
    return json_pack("{s:s,s:s}", "$out", component->text, "output", name->text);
}

static json_t *component(void *ctx, const struct pk_field *field, const char *text,
                         struct pk_span span, struct pk_diags *diags) {
    (void)ctx;
    (void)field;
    if (strcmp(text, "nobody") != 0)
        return pk_json_textf("api/%s", text);
    pk_diag(diags, PK_SEVERITY_ERROR, "ref.component-unknown", span, "unknown");
    return NULL;
}

static const char *origin(void *ctx, const struct pk_node *scalar, struct pk_span *ret_span) {
    (void)ctx;
    (void)ret_span;
    return strcmp(scalar->text, "${T}") == 0 ? "T" : NULL;
}

static struct run apply(const char *text) {
    static const struct pk_interpolator interpolator = {
        .expand = expand, .output = output, .component = component, .origin = origin};
    struct run r = {.arena = pk_arena_new(), .diags = pk_diags_new()};
    struct pk_source *source = pk_arena_alloc(r.arena, sizeof(*source));
    *source = (struct pk_source){"t.yaml", pk_arena_strdup(r.arena, text), strlen(text)};
    struct pk_document *docs;
    size_t n;
    pk_yaml_parse(r.arena, source, r.diags, &docs, &n);
    struct pk_span owner = {source, 99, 1, 99, 5};
    r.value = pk_schema_apply(r.arena, &kind, true, n ? docs[0].root : NULL, owner, &interpolator,
                              r.diags, &r.spans);
    pk_diags_sort(r.diags);
    return r;
}

static void end(struct run *r) {
    json_decref(r->value);
    pk_diags_free(r->diags);
    pk_arena_free(r->arena);
}

#define ENGINE "engine: {type: postgres}\n"

/* The typed value at `path` (canonical JSON) of a clean spec; the required engine is added. */
static void expect_typed(const char *spec, const char *path, const char *wanted) {
    char *text = pk_asprintf(ENGINE "%s", spec);
    struct run r = apply(text);
    const json_t *at = pk_json_at(r.value, path);
    char *got = at ? pk_json_canonical(at) : pk_strdup("absent");
    if (pk_diags_len(r.diags) || strcmp(got, wanted) != 0)
        print_error("%s-> %s, wanted %s; %s\n", spec, got, wanted,
                    pk_diags_len(r.diags) ? pk_diags_at(r.diags, 0)->message : "");
    assert_int_equal(pk_diags_len(r.diags), 0);
    assert_string_equal(got, wanted);
    free(got);
    free(text);
    end(&r);
}

/* The one finding of a spec; the engine is line 1. */
static void expect_finding(const char *spec, const char *id, unsigned line, unsigned column,
                           const char *words) {
    char *text = pk_asprintf(ENGINE "%s", spec);
    struct run r = apply(text);
    const struct pk_diag *d = pk_diags_len(r.diags) ? pk_diags_at(r.diags, 0) : NULL;
    char *all = d ? pk_asprintf("%s|%s|%s|%s", d->message, d->label ? d->label : "",
                                d->detail ? d->detail : "", d->help ? d->help : "")
                  : pk_strdup("nothing");
    bool good = d && pk_diags_len(r.diags) == 1 && strcmp(d->id, id) == 0 && d->span.line == line &&
                d->span.column == column && strstr(all, words);
    if (!good)
        print_error("%s-> %zu findings, %s %u:%u %s\n", spec, pk_diags_len(r.diags), d ? d->id : "",
                    d ? d->span.line : 0, d ? d->span.column : 0, all);
    assert_true(good);
    free(all);
    free(text);
    end(&r);
}

static void test_typed(void **state) {
    (void)state;
    expect_typed("", "engine", "{\"type\":\"postgres\",\"version\":\"15\"}");
    expect_typed("storage: {sizeGB: 20Gi}", "storage", "{\"sizeGB\":20,\"type\":\"gp3\"}");
    expect_typed("replicas: ${N}", "replicas", "3");
    expect_typed("replicas: \"3\"", "replicas", "3");
    expect_typed("replicas: ~", "replicas", "absent");
    expect_typed("retention: never", "retention", "\"never\"");
    expect_typed("command: [a, 1, true]", "command", "[\"a\",\"1\",\"true\"]");
    expect_typed("policy: {a: 1, b: [true, x, \"1\", 012]}", "policy",
                 "{\"a\":1,\"b\":[true,\"x\",\"1\",\"012\"]}");
    expect_typed("policy: '{\"a\": 1}'", "policy", "{\"a\":1}");
    expect_typed("open: {known: 1, x: {y: 2}}", "open", "{\"known\":1,\"x\":{\"y\":2}}");
    expect_typed("rules: {a: {days: 1}, b.c: {days: 2}}", "rules",
                 "{\"a\":{\"days\":1},\"b.c\":{\"days\":2}}");
    expect_typed("tags: {a: 1, b: , c: true}", "tags", "{\"a\":\"1\",\"b\":\"\",\"c\":\"true\"}");
    expect_typed("variables: {A: '${B}'}", "variables", "{\"A\":\"${B}\"}");
    expect_typed("dependsOn: [db]", "dependsOn", "[\"api/db\"]");
    expect_typed("source: fs-12", "source", "\"fs-12\"");
    expect_typed("source: files", "source", "\"api/files\"");
    expect_typed("name: ''", "tableName", "absent");
}

static void test_defaults(void **state) {
    (void)state;
    expect_typed("", "storage", "{\"type\":\"gp3\"}");
    expect_typed("", "rangeKey", "absent");
    expect_typed("rangeKey: {name: x}", "rangeKey", "{\"name\":\"x\",\"type\":\"S\"}");
    expect_typed("", "encryption", "{\"enabled\":true}");
    expect_typed("ports: [{name: a}]", "ports", "[{\"name\":\"a\",\"protocol\":\"tcp\"}]");
    expect_typed("", "ports", "absent");
    expect_typed("", "enabled", "true");
    expect_typed("", "finalSnapshot", "true");
}

static void test_spellings(void **state) {
    (void)state;
    expect_typed("sizeGB: 30", "storage.sizeGB", "30");
    expect_typed("instance: {size: 30}", "storage.sizeGB", "30");
    expect_typed("instance: {size: 30}\nstorage: {sizeGB: 30Gi, iops: 5}", "storage",
                 "{\"iops\":5,\"sizeGB\":30,\"type\":\"gp3\"}");
    expect_typed("instance: {size: 30}", "instance", "absent");
    expect_typed("container: {command: [x], user: u}", "command", "[\"x\"]");
    expect_typed("ports: [{name: a, number: 1}, {name: b, port: 2}]", "ports[0].port", "1");
    expect_typed("name: t1", "tableName", "\"t1\"");
    expect_typed("encryption: false", "encryption", "{\"enabled\":false}");
    expect_typed("metric: CPU", "metric", "\"CPU\"");
    expect_typed("metric: {namespace: x}", "metric", "{\"namespace\":\"x\"}");
    expect_typed("cors: {origin: x}", "cors", "[{\"origin\":\"x\"}]");
    expect_finding("instance: {size: 30}\nstorage: {sizeGB: 40}", "field.conflict", 3, 19,
                   "storage.sizeGB");
    expect_finding("command: [a]\ncontainer: {command: [b]}", "field.conflict", 3, 13, "command");
}

static void test_environment_forms(void **state) {
    (void)state;
    expect_typed("environment: [{name: A, value: x}]", "environment",
                 "[{\"name\":\"A\",\"value\":\"x\"}]");
    expect_typed("environment: {A: x, B: 1, C: }", "environment",
                 "[{\"name\":\"A\",\"value\":\"x\"},{\"name\":\"B\",\"value\":\"1\"},"
                 "{\"name\":\"C\",\"value\":\"\"}]");
    expect_typed("environment: {A: {valueFrom: {component: db, output: host}}}", "environment",
                 "[{\"name\":\"A\",\"value\":{\"$out\":\"db\",\"output\":\"host\"}}]");
    expect_typed("environment: [{name: A, valueFrom: {component: db, output: host}}]",
                 "environment[0].value", "{\"$out\":\"db\",\"output\":\"host\"}");
    expect_typed("environment: {S: {secretRef: a/b#c}}", "environment[0].secretRef", "\"a/b#c\"");
    expect_typed("url: {valueFrom: {component: db, output: host}}", "url",
                 "{\"$out\":\"db\",\"output\":\"host\"}");
    expect_finding("environment: {A: {valueFrom: {component: db}}}", "field.required", 2, 19,
                   "valueFrom.output");
    expect_finding("url: {valueFrom: {component: db, output: h, x: 1}}", "field.unknown", 2, 45,
                   "component");
    expect_finding("replicas: {valueFrom: {component: db, output: h}}", "field.type", 2, 1,
                   "whole number");
}

static void test_deferred(void **state) {
    (void)state;
    expect_typed("url: ${out}", "url", "{\"$out\":\"api/db\",\"output\":\"host\"}");
    expect_typed("environment: {S: {secretRef: '${out}'}}", "environment[0].secretRef",
                 "{\"$out\":\"api/db\",\"output\":\"host\"}");
    expect_typed("policy: {a: '${out}'}", "policy.a", "{\"$out\":\"api/db\",\"output\":\"host\"}");
    expect_finding("replicas: ${out}", "ref.not-deferrable", 2, 11, "replicas");
    expect_finding("tags: {a: '${out}'}", "ref.not-deferrable", 2, 11, "tags.a");
    expect_finding("policy: {$out: a, output: b}", "doc.reserved", 2, 10, "$out");
}

static void test_unknown(void **state) {
    (void)state;
    expect_finding("storage:\n  sizGB: 20", "field.unknown", 3, 3, "`sizeGB`");
    expect_finding("replica: 1", "field.unknown", 2, 1, "`replicas`");
    expect_finding("iops: 5", "field.unknown", 2, 1, "`storage.iops`");
    expect_finding("REPLICAS: 5", "field.unknown", 2, 1, "`replicas`");
    expect_finding("ports: [{name: a, portt: 1}]", "field.unknown", 2, 19, "`port`");
    expect_finding("container: {zzz: 1}", "field.unknown", 2, 13, "known here");
    expect_finding("billing_mode: x", "doc.snake-case", 2, 1, "`billingMode`");
    expect_finding("depends_on: [db]", "doc.snake-case", 2, 1, "`dependsOn`");
}

static void test_wrong_values(void **state) {
    (void)state;
    expect_finding("replicas: three", "field.type", 2, 11, "\"three\" is not");
    expect_finding("replicas: ${T}", "field.type", 2, 11, "variable T is \"three\"");
    expect_finding("replicas: [1]", "field.type", 2, 1, "this is a list");
    expect_finding("storage: big", "field.type", 2, 10, "must be a map");
    expect_finding("command: ls", "field.type", 2, 10, "must be a list");
    expect_finding("tags: [a]", "field.type", 2, 1, "map of texts");
    expect_finding("tags: {a: {b: c}}", "field.type", 2, 8, "tags.a");
    expect_finding("deletionProtection: yes", "field.type", 2, 21, "write `true`");
    expect_finding("storage: {sizeGB: 10}", "field.range", 2, 19, "20 to 65536 GiB");
    expect_finding("storage: {iops: 0}", "field.range", 2, 17, "1 or more");
    expect_finding("retention: 31", "field.range", 2, 12, "1 to 30");
    expect_finding("retention: ever", "field.type", 2, 12, "also allowed: never");
    expect_finding("ports: [{name: abcdef}]", "field.length", 2, 16, "5 characters");
    expect_finding("ports: [{name: a}, {name: b}, {name: c}]", "field.length", 2, 1, "2 items");
    expect_finding("ports: [~]", "field.type", 2, 9, "ports[0]");
    expect_finding("rangeKey: {name: ''}", "field.length", 2, 18, "must not be empty");
    expect_finding("storage: {type: gp2}", "field.enum", 2, 17, "did you mean `gp3`");
    expect_finding("policy: '{x'", "field.type", 2, 9, "not valid JSON");
    expect_finding("dependsOn: [nobody]", "ref.component-unknown", 2, 13, "unknown");
    expect_finding("dependsOn: [A B]", "field.type", 2, 13, "name of a component");
    expect_finding("url: ${nothing}", "var.unknown", 2, 6, "unknown");
}

static void test_diag_of_the_row(void **state) {
    (void)state;
    struct run r = apply("engine: {type: Postgres, version: x1}");
    assert_int_equal(pk_diags_len(r.diags), 1);
    assert_string_equal(pk_diags_at(r.diags, 0)->id, "rds.version");
    assert_string_equal(pk_json_str(r.value, "engine.type", "?"), "postgres");
    end(&r);
}

static void test_required(void **state) {
    (void)state;
    struct run r = apply("replicas: 1");
    assert_int_equal(pk_diags_len(r.diags), 1);
    const struct pk_diag *d = pk_diags_at(r.diags, 0);
    assert_string_equal(d->id, "field.required");
    assert_int_equal(d->span.line, 99); /* the owner's place */
    assert_string_equal(d->help, "The database engine.");
    end(&r);
    r = apply("engine:\n  version: \"1\"\n");
    assert_string_equal(pk_diags_at(r.diags, 0)->message, "`engine.type` is required");
    assert_int_equal(pk_diags_at(r.diags, 0)->span.line, 1);
    end(&r);
    r = apply("engine: {type: oracle}"); /* wrong, but not missing */
    assert_int_equal(pk_diags_len(r.diags), 1);
    assert_string_equal(pk_diags_at(r.diags, 0)->id, "field.enum");
    end(&r);
    expect_finding("ports:\n  - port: 1", "field.required", 3, 5, "ports[0].name");
    expect_finding("rules:\n  a: {}", "field.required", 3, 3, "rules.a.days");
    expect_finding("rangeKey: {type: N}", "field.required", 2, 1, "rangeKey.name");
}

static void test_places(void **state) {
    (void)state;
    struct run r =
        apply(ENGINE "storage:\n  sizeGB: 30\nports:\n  - name: a\ninstance: {size: 30}\n");
    assert_int_equal(pk_spans_find(r.spans, "storage.sizeGB").line, 3);
    assert_int_equal(pk_spans_find(r.spans, "storage.sizeGB").column, 11);
    assert_int_equal(pk_spans_find(r.spans, "storage").line, 2);
    assert_int_equal(pk_spans_find(r.spans, "ports[0].protocol").line, 5); /* the item's */
    assert_int_equal(pk_spans_find(r.spans, "engine.version").line, 1);
    assert_int_equal(pk_spans_find(r.spans, "replicas").line, 99);
    assert_true(pk_spans_has(r.spans, "storage.sizeGB"));
    assert_false(pk_spans_has(r.spans, "storage.type"));
    assert_false(pk_spans_has(r.spans, "encryption"));
    assert_true(pk_spans_has(r.spans, "ports[0].name"));
    end(&r);
}

static void test_all_in_one_run(void **state) {
    (void)state;
    struct run r = apply("engine: {type: x}\nreplicas: y\nzzz: 1\nports: [{port: 0}]\n");
    assert_int_equal(pk_diags_len(r.diags), 5);
    assert_string_equal(pk_diags_at(r.diags, 0)->id, "field.enum");
    assert_string_equal(pk_diags_at(r.diags, 1)->id, "field.type");
    assert_string_equal(pk_diags_at(r.diags, 2)->id, "field.unknown");
    assert_string_equal(pk_diags_at(r.diags, 3)->id, "field.required");
    assert_string_equal(pk_diags_at(r.diags, 4)->id, "field.range");
    end(&r);
    r = apply("[not, a, map]");
    assert_string_equal(pk_diags_at(r.diags, 0)->id, "field.type");
    end(&r);
    r = apply("");
    assert_string_equal(pk_diags_at(r.diags, 0)->id, "field.required");
    end(&r);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_typed),          cmocka_unit_test(test_defaults),
        cmocka_unit_test(test_spellings),      cmocka_unit_test(test_environment_forms),
        cmocka_unit_test(test_deferred),       cmocka_unit_test(test_unknown),
        cmocka_unit_test(test_wrong_values),   cmocka_unit_test(test_diag_of_the_row),
        cmocka_unit_test(test_required),       cmocka_unit_test(test_places),
        cmocka_unit_test(test_all_in_one_run),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
