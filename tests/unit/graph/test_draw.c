#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "graph/graph.h"

static size_t on_db[] = {2}, on_role[] = {3}, on_api[] = {0}, on_two[] = {0, 2};

/* web -> api -> db, role; web -> db skips a layer */
static const struct pk_draw_node five[] = {
    {"api", "api", "MicroService", "core", "update", (size_t[]){2, 3}, 2},
    {"web", "web", "CloudFront", "edge", NULL, on_two, 2},
    {"db", "db", "RDS", "core", NULL, NULL, 0},
    {"role", "role", "IAM", "core", "create", NULL, 0},
    {"job", "job \"<x>\"", NULL, NULL, "delete", on_db, 1},
};

static char *draw(const struct pk_draw_node *nodes, size_t n, enum pk_draw_format format,
                  bool unicode, size_t width) {
    struct pk_buf out = PK_BUF_INIT((size_t)1 << 20);
    pk_graph_draw(nodes, n, "shop (dev)", format, unicode, width, &out);
    assert_false(out.overflow);
    return pk_buf_steal(&out);
}

static size_t widest(const char *text) {
    size_t widest = 0, at = 0;
    for (; *text; text++) {
        if (*text == '\n') {
            widest = at > widest ? at : widest;
            at = 0;
        } else if (((unsigned char)*text & 0xC0) != 0x80) {
            at++;
        }
    }
    return widest;
}

static void test_boxes(void **state) {
    (void)state;
    char *text = draw(five, 5, PK_DRAW_ASCII, true, 80);
    static const char expected[] = "shop (dev)\n"
                                   "\n"
                                   "      ┌────────┐  ┌────────┐\n"
                                   "      │   db   │  │ + role │\n"
                                   "      │  RDS   │  │  IAM   │\n"
                                   "      └─┬───┬─┬┘  └─────┬──┘\n"
                                   "   ┌────┘   └─┼─────────┼───────────┐\n"
                                   "   │          └─────────┼┐          │\n"
                                   "   │       ┌────────────┘│          │\n"
                                   "   ▼       ▼             ▼          │\n"
                                   "┌──────────────┐  ┌──────────────┐  │\n"
                                   "│    ~ api     │  │ - job \"<x>\"  │  │\n"
                                   "│ MicroService │  │              │  │\n"
                                   "└───────┬──────┘  └──────────────┘  │\n"
                                   "        └────┐     ┌────────────────┘\n"
                                   "             ▼     ▼\n"
                                   "          ┌────────────┐\n"
                                   "          │    web     │\n"
                                   "          │ CloudFront │\n"
                                   "          └────────────┘\n";
    assert_string_equal(text, expected);
    assert_true(widest(text) <= 80);
    free(text);
    text = draw(five, 5, PK_DRAW_ASCII, false, 80);
    for (const char *c = text; *c; c++)
        assert_true((unsigned char)*c < 0x80);
    assert_non_null(strstr(text, "+ role"));
    assert_non_null(strstr(text, "v"));
    free(text);
}

/* Every edge has its own arrow head, however the boxes lie. */
static void test_one_arrow_per_edge(void **state) {
    (void)state;
    for (size_t n = 2; n <= 8; n++) {
        struct pk_draw_node nodes[8] = {{0}};
        size_t all[8][8], edges = 0;
        char ids[8][8];
        for (size_t i = 0; i < n; i++) {
            snprintf(ids[i], sizeof(ids[i]), "n%zu", i);
            nodes[i].id = ids[i];
            nodes[i].needs = all[i];
            for (size_t k = 0; k < i; k++)
                if ((i * 7 + k * 3) % 3 != 0)
                    all[i][nodes[i].n_needs++] = k;
            edges += nodes[i].n_needs;
        }
        char *text = draw(nodes, n, PK_DRAW_ASCII, true, 200);
        size_t heads = 0;
        for (const char *c = strstr(text, "▼"); c; c = strstr(c + 1, "▼"))
            heads++;
        assert_int_equal(heads, edges);
        free(text);
    }
}

static void test_hundred_nodes_are_a_list(void **state) {
    (void)state;
    struct pk_draw_node *nodes = calloc(100, sizeof(*nodes));
    size_t need[100][12];
    char ids[100][24];
    for (size_t i = 0; i < 100; i++) {
        snprintf(ids[i], sizeof(ids[i]), "component-%zu", i);
        nodes[i].id = nodes[i].label = ids[i];
        nodes[i].sublabel = "Lambda";
        nodes[i].group = i % 2 ? "odd" : "even";
        nodes[i].needs = need[i];
        for (size_t k = 0; k < 12 && i >= 20; k++)
            need[i][nodes[i].n_needs++] = (i * 3 + k) % 20;
    }
    char *text = draw(nodes, 100, PK_DRAW_ASCII, true, 80);
    assert_non_null(strstr(text, "wave 1 (20)"));
    assert_non_null(strstr(text, "wave 2 (80)"));
    assert_non_null(strstr(text, "▪ component-99  Lambda"));
    assert_non_null(strstr(text, "← component-"));
    assert_true(widest(text) <= 80);
    free(text);
    free(nodes);
}

/* Boxes that do not fit become the list too. */
static void test_narrow(void **state) {
    (void)state;
    struct pk_draw_node nodes[6] = {{0}};
    for (size_t i = 0; i < 6; i++) {
        nodes[i].id = "a-rather-long-name-of-a-node";
        nodes[i].needs = NULL;
    }
    char *text = draw(nodes, 6, PK_DRAW_ASCII, false, 40);
    assert_non_null(strstr(text, "wave 1 (6)"));
    free(text);
    text = draw(nodes, 0, PK_DRAW_ASCII, false, 40);
    assert_non_null(strstr(text, "(nothing)"));
    free(text);
}

static void test_cycle_is_drawn(void **state) {
    (void)state;
    size_t on_b[] = {1};
    struct pk_draw_node nodes[] = {{.id = "a", .needs = on_b, .n_needs = 1},
                                   {.id = "b", .needs = on_api, .n_needs = 1}};
    char *text = draw(nodes, 2, PK_DRAW_ASCII, true, 80);
    assert_non_null(strstr(text, "a"));
    free(text);
    (void)on_role;
}

static void test_dot(void **state) {
    (void)state;
    char *text = draw(five, 5, PK_DRAW_DOT, true, 80);
    assert_true(strncmp(text, "digraph panka {\n", 16) == 0);
    assert_non_null(strstr(text, "subgraph cluster_0 {\n    label=\"core\";"));
    assert_non_null(strstr(text, "\"db\" -> \"api\";"));
    assert_non_null(strstr(text, "label=\"job \\\"<x>\\\"\""));
    assert_non_null(strstr(text, "label=\"api\\nMicroService\""));
    assert_non_null(strstr(text, "fillcolor=\"#d7f5dd\""));
    free(text);
}

static void test_mermaid(void **state) {
    (void)state;
    char *text = draw(five, 5, PK_DRAW_MERMAID, true, 80);
    assert_non_null(strstr(text, "flowchart LR\n"));
    assert_non_null(strstr(text, "n0[\"api<br/>MicroService\"]:::update"));
    assert_non_null(strstr(text, "n4[\"job #quot;#lt;x#gt;#quot;\"]"));
    assert_non_null(strstr(text, "  n2 --> n0\n"));
    assert_non_null(strstr(text, "classDef update fill:"));
    assert_null(strstr(text, "classDef replace"));
    free(text);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_boxes),
        cmocka_unit_test(test_one_arrow_per_edge),
        cmocka_unit_test(test_hundred_nodes_are_a_list),
        cmocka_unit_test(test_narrow),
        cmocka_unit_test(test_cycle_is_drawn),
        cmocka_unit_test(test_dot),
        cmocka_unit_test(test_mermaid),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
