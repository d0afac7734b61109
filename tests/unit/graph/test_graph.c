#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "graph/graph.h"
#include "json/json.h"

static const struct pk_source source = {"stack.yaml", "a: 1\n", 5};

static struct pk_span at(uint32_t line) {
    return (struct pk_span){&source, line, 3, line, 9};
}

static struct pk_resource *node(struct pk_graph *g, const char *key) {
    struct pk_resource *r = pk_graph_find(g, key);
    return r ? r : pk_graph_add(g, key, "AWS::SQS::Queue");
}

static void needs(struct pk_graph *g, const char *from, const char *to, enum pk_strength strength,
                  const char *why) {
    struct pk_resource *a = node(g, from), *b = node(g, to);
    pk_graph_edge(g, a, b, strength, why, at((uint32_t)g->resources.len));
}

static const struct pk_edge *edge_of(struct pk_graph *g, const char *from, const char *to) {
    struct pk_resource *a = pk_graph_find(g, from);
    for (size_t i = 0; i < a->edges.len; i++) {
        const struct pk_edge *e = a->edges.items[i];
        if (strcmp(e->to->key, to) == 0)
            return e;
    }
    return NULL;
}

static void test_nodes(void **state) {
    (void)state;
    struct pk_graph *g = pk_graph_new();
    struct pk_resource *r = pk_graph_add(g, "q", "AWS::SQS::Queue");
    assert_int_equal(r->index, 0);
    assert_string_equal(r->kind, "");
    assert_int_equal(json_object_size(r->tags), 0);
    r->span = at(1);
    pk_resource_set(g, r, "Delay", json_integer(5), at(7));
    pk_resource_set(g, r, "Nothing", NULL, at(8));
    assert_int_equal(pk_json_int(r->properties, "Delay", 0), 5);
    assert_false(json_object_get(r->properties, "Nothing"));
    assert_int_equal(pk_resource_span(r, "Delay").line, 7);
    assert_int_equal(pk_resource_span(r, "Other").line, 1);
    assert_null(pk_graph_find(g, "x"));
    assert_null(pk_graph_find(g, NULL));
    pk_graph_edge(g, r, r, PK_EDGE_HARD, "self", at(1));
    assert_int_equal(r->edges.len, 0);
    pk_graph_free(g);
    pk_graph_free(NULL);
}

static void test_edges_keep_the_stronger(void **state) {
    (void)state;
    struct pk_graph *g = pk_graph_new();
    needs(g, "a", "b", PK_EDGE_SOFT, "order");
    needs(g, "a", "b", PK_EDGE_HARD, "field");
    needs(g, "a", "b", PK_EDGE_SOFT, "again");
    const struct pk_edge *e = edge_of(g, "a", "b");
    assert_int_equal(pk_graph_find(g, "a")->edges.len, 1);
    assert_int_equal(e->strength, PK_EDGE_HARD);
    assert_string_equal(e->why, "field");
    pk_graph_free(g);
}

static void test_edges_from_tokens(void **state) {
    (void)state;
    struct pk_graph *g = pk_graph_new();
    struct pk_resource *a = node(g, "a");
    node(g, "b");
    json_t *list = json_array();
    json_array_append_new(list, json_pack("{s:[s, o]}", "$join", "x-", pk_token_ref("b", "Arn")));
    pk_resource_set(g, a, "Values", list, at(4));
    pk_graph_edges_from_tokens(g);
    const struct pk_edge *e = edge_of(g, "a", "b");
    assert_non_null(e);
    assert_int_equal(e->strength, PK_EDGE_HARD);
    assert_string_equal(e->why, "Values");
    assert_int_equal(e->span.line, 4);
    pk_graph_free(g);
}

static void test_soft_edges_give_way(void **state) {
    (void)state;
    struct pk_graph *g = pk_graph_new();
    struct pk_diags *diags = pk_diags_new();
    needs(g, "worker", "queue", PK_EDGE_HARD, "source");
    needs(g, "queue", "worker", PK_EDGE_SOFT, "dependsOn"); /* closes a cycle */
    needs(g, "api", "worker", PK_EDGE_SOFT, "dependsOn");   /* closes none */
    needs(g, "p", "q", PK_EDGE_SOFT, "one");                /* of two soft ones the first stays */
    needs(g, "q", "p", PK_EDGE_SOFT, "two");
    assert_true(pk_graph_check_cycles(g, diags));
    assert_true(edge_of(g, "queue", "worker")->dropped);
    assert_false(edge_of(g, "api", "worker")->dropped);
    assert_false(edge_of(g, "p", "q")->dropped);
    assert_true(edge_of(g, "q", "p")->dropped);
    assert_int_equal(pk_diags_len(diags), 0);
    /* again: nothing changes */
    assert_true(pk_graph_check_cycles(g, diags));
    assert_true(edge_of(g, "q", "p")->dropped);
    pk_diags_free(diags);
    pk_graph_free(g);
}

static void test_shortest_cycle(void **state) {
    (void)state;
    struct pk_graph *g = pk_graph_new();
    struct pk_diags *diags = pk_diags_new();
    needs(g, "a", "b", PK_EDGE_HARD, "f1");
    needs(g, "b", "c", PK_EDGE_HARD, "f2");
    needs(g, "c", "d", PK_EDGE_HARD, "f3");
    needs(g, "d", "a", PK_EDGE_HARD, "f4");
    needs(g, "d", "c", PK_EDGE_HARD, "environment URL"); /* the shorter one: c, d */
    needs(g, "x", "a", PK_EDGE_HARD, "f5");
    assert_false(pk_graph_check_cycles(g, diags));
    assert_int_equal(pk_diags_len(diags), 1);
    const struct pk_diag *d = pk_diags_at(diags, 0);
    assert_string_equal(d->id, "ref.cycle");
    assert_string_equal(d->message, "resources need each other: c -> d -> c");
    assert_string_equal(d->detail, "c needs d because of its f3\nd needs c because of its "
                                   "environment URL");
    assert_int_equal(d->n_related, 1);
    assert_non_null(d->span.src);
    pk_diags_free(diags);
    pk_graph_free(g);
}

static void test_order_and_waves(void **state) {
    (void)state;
    struct pk_graph *g = pk_graph_new();
    needs(g, "svc", "def", PK_EDGE_HARD, "f");
    needs(g, "svc", "lb", PK_EDGE_SOFT, "f");
    needs(g, "def", "role", PK_EDGE_HARD, "f");
    node(g, "alone");
    size_t n;
    struct pk_resource **order = pk_graph_order(g, &n);
    assert_int_equal(n, 5);
    const char *expected[] = {"role", "def", "lb", "svc", "alone"};
    for (size_t i = 0; i < n; i++)
        assert_string_equal(order[i]->key, expected[i]);
    free(order);
    unsigned n_waves, *waves = pk_graph_waves(g, &n_waves);
    assert_int_equal(n_waves, 3);
    assert_int_equal(waves[pk_graph_find(g, "svc")->index], 2);
    assert_int_equal(waves[pk_graph_find(g, "lb")->index], 0);
    free(waves);
    pk_graph_free(g);
}

/* A chain of 20,000 and a cycle of 5,000 soft edges: no recursion, no quadratic time. */
static void test_large(void **state) {
    (void)state;
    struct pk_graph *g = pk_graph_new();
    struct pk_diags *diags = pk_diags_new();
    char a[16], b[16];
    for (int i = 0; i < 20000; i++) {
        snprintf(a, sizeof(a), "n%d", i);
        snprintf(b, sizeof(b), "n%d", i + 1);
        needs(g, a, b, PK_EDGE_HARD, "f");
    }
    needs(g, "n20000", "n0", PK_EDGE_SOFT, "back");
    assert_true(pk_graph_check_cycles(g, diags));
    assert_true(edge_of(g, "n20000", "n0")->dropped);
    unsigned n_waves;
    free(pk_graph_waves(g, &n_waves));
    assert_int_equal(n_waves, 20001);
    pk_diags_free(diags);
    pk_graph_free(g);
}

static void test_json(void **state) {
    (void)state;
    struct pk_graph *g = pk_graph_new(), *back = NULL;
    struct pk_error *err = NULL;
    needs(g, "a", "b", PK_EDGE_HARD, "field");
    needs(g, "b", "a", PK_EDGE_SOFT, "order");
    struct pk_diags *diags = pk_diags_new();
    assert_true(pk_graph_check_cycles(g, diags));
    pk_diags_free(diags);
    struct pk_resource *r = pk_graph_find(g, "a");
    r->kind = "SQS";
    r->service = "s";
    r->component = "a";
    r->name = "the-name";
    r->name_explicit = r->primary = r->stateful = r->protect = r->force_update = true;
    r->generation = 3;
    r->wait_limit_ms = 5000;
    r->span = at(2);
    json_object_set_new(r->external, "zip", json_string("abc"));
    pk_json_put_str(r->tags, "team", "core");
    pk_resource_set(g, r, "Size", json_real(1.5), at(9));
    json_object_set_new(g->outputs, "a.url", pk_token_ref("a", "QueueUrl"));
    g->networking = json_pack("{s:s}", "vpcId", "vpc-1");
    json_t *json = pk_graph_to_json(g);
    assert_true(pk_graph_from_json(json, &back, &err));
    json_t *again = pk_graph_to_json(back);
    assert_true(json_equal(json, again));
    const struct pk_resource *copy = pk_graph_find(back, "a");
    assert_string_equal(copy->span.src->path, "stack.yaml");
    assert_int_equal(pk_resource_span(copy, "Size").line, 9);
    assert_true(edge_of(back, "b", "a")->dropped);
    json_decref(json);
    json_decref(again);
    pk_graph_free(g);
    pk_graph_free(back);
}

static void test_json_refusals(void **state) {
    (void)state;
    static const char *const bad[] = {
        "{}",
        "{\"resources\": [{\"key\": \"a\"}]}",
        "{\"resources\": [{\"key\": \"a\", \"type\": \"T\"}, {\"key\": \"a\", \"type\": \"T\"}]}",
        "{\"resources\": [{\"key\": \"a\", \"type\": \"T\", \"properties\": 5}]}",
        "{\"resources\": [{\"key\": \"a\", \"type\": \"T\", \"edges\": [{\"to\": \"x\"}]}]}",
        "{\"resources\": [], \"outputs\": []}",
    };
    for (size_t i = 0; i < PK_ARRAY_LEN(bad); i++) {
        struct pk_error *err = NULL;
        struct pk_graph *g = NULL;
        json_t *json = json_loads(bad[i], 0, NULL);
        assert_non_null(json);
        assert_false(pk_graph_from_json(json, &g, &err));
        assert_null(g);
        assert_non_null(strstr(err->message, "graph"));
        pk_error_free(err);
        json_decref(json);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_nodes),
        cmocka_unit_test(test_edges_keep_the_stronger),
        cmocka_unit_test(test_edges_from_tokens),
        cmocka_unit_test(test_soft_edges_give_way),
        cmocka_unit_test(test_shortest_cycle),
        cmocka_unit_test(test_order_and_waves),
        cmocka_unit_test(test_large),
        cmocka_unit_test(test_json),
        cmocka_unit_test(test_json_refusals),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
