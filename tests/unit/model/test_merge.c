/* test_merge.c - the table of merge rules, one case each. */
#include "fixture.h"
#include "model/load.h"

static const struct pk_node *parse(struct pk_arena *arena, struct pk_diags *diags,
                                   const char *text) {
    struct pk_source *source = pk_arena_alloc(arena, sizeof(*source));
    *source = (struct pk_source){"t.yaml", text, strlen(text)};
    struct pk_document *docs;
    size_t n;
    pk_yaml_parse(arena, source, diags, &docs, &n);
    assert_int_equal(n, 1);
    return docs[0].root;
}

/* `id` of the one finding, or NULL when there must be none. */
static void expect_merged(const char *base, const char *patch, const char *wanted, const char *id) {
    struct pk_arena *arena = pk_arena_new();
    struct pk_diags *diags = pk_diags_new();
    struct pk_node *left = (struct pk_node *)(uintptr_t)parse(arena, diags, base);
    struct pk_node *right = (struct pk_node *)(uintptr_t)parse(arena, diags, patch);
    json_t *value = pk_node_json(pk_merge(arena, left, right, diags));
    assert_json(value, wanted);
    assert_int_equal(pk_diags_len(diags), id != NULL);
    if (id)
        assert_string_equal(pk_diags_at(diags, 0)->id, id);
    json_decref(value);
    pk_diags_free(diags);
    pk_arena_free(arena);
}

static void test_maps(void **state) {
    (void)state;
    expect_merged("{a: 1, b: {c: 2, d: 3}}", "{b: {c: 9, e: 4}, f: 5}",
                  "{\"a\":1,\"b\":{\"c\":9,\"d\":3,\"e\":4},\"f\":5}", NULL);
    expect_merged("{a: 1, b: 2}", "{a: ~}", "{\"b\":2}", NULL);
    expect_merged("{a: 1}", "{b: ~}", "{\"a\":1}", NULL);
    expect_merged("{a: {b: 1, c: 2}}", "{a: {$replace: true, d: 3}}", "{\"a\":{\"d\":3}}", NULL);
    expect_merged("{a: 1}", "{b: {c: ~, d: [{$delete: true}, {e: 1}]}}",
                  "{\"a\":1,\"b\":{\"d\":[{\"e\":1}]}}", NULL);
    expect_merged("{a: {b: 1}}", "{a: 2}", "{\"a\":{\"b\":1}}", "merge.type");
    expect_merged("{a: [1]}", "{a: {b: 1}}", "{\"a\":[1]}", "merge.type");
    expect_merged("{a: ~}", "{a: {b: 1}}", "{\"a\":{\"b\":1}}", NULL);
}

static void test_lists(void **state) {
    (void)state;
    expect_merged("{a: [1, 2]}", "{a: [3]}", "{\"a\":[3]}", NULL);
    expect_merged("{ports: [{name: a, port: 1}, {name: b, port: 2}]}",
                  "{ports: [{name: c, port: 3}, {name: a, port: 9}]}",
                  "{\"ports\":[{\"name\":\"a\",\"port\":9},{\"name\":\"b\",\"port\":2},{\"name\":"
                  "\"c\",\"port\":3}]}",
                  NULL);
    expect_merged("{ports: [{name: a}, {name: b}]}", "{ports: [{name: a, $delete: true}]}",
                  "{\"ports\":[{\"name\":\"b\"}]}", NULL);
    expect_merged("{ports: [{name: a}]}", "{ports: [{port: 1}]}", "{\"ports\":[{\"port\":1}]}",
                  NULL);
    expect_merged("{things: [{name: a}]}", "{things: [{name: b}]}",
                  "{\"things\":[{\"name\":\"b\"}]}", NULL);
    expect_merged("{lifecycle: [{id: x, d: 1}]}", "{lifecycle: [{id: x, d: 2}]}",
                  "{\"lifecycle\":[{\"d\":2,\"id\":\"x\"}]}", NULL);
    expect_merged("{autoscaling: {policies: [{metric: m, t: 1}]}}",
                  "{autoscaling: {policies: [{metric: m, t: 2}]}}",
                  "{\"autoscaling\":{\"policies\":[{\"metric\":\"m\",\"t\":2}]}}", NULL);
}

static void test_environment(void **state) {
    (void)state;
    expect_merged("{environment: {A: 1, B: 2}}", "{environment: [{name: B, value: 3}]}",
                  "{\"environment\":[{\"name\":\"A\",\"value\":1},{\"name\":\"B\",\"value\":3}]}",
                  NULL);
    expect_merged("{environment: [{name: A, value: 1}, {name: B, value: 2}]}",
                  "{environment: {A: ~}}", "{\"environment\":[{\"name\":\"B\",\"value\":2}]}",
                  NULL);
    expect_merged("{environment: {A: 1}}",
                  "{environment: {A: {valueFrom: {component: c, output: o}}}}",
                  "{\"environment\":[{\"name\":\"A\",\"valueFrom\":{\"component\":\"c\","
                  "\"output\":\"o\"}}]}",
                  NULL);
    expect_merged("{environment: [{name: A}]}", "{environment: {$replace: true, B: 1}}",
                  "{\"environment\":{\"B\":1}}", NULL);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_maps),
        cmocka_unit_test(test_lists),
        cmocka_unit_test(test_environment),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
