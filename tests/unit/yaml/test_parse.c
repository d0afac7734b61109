/* test_parse.c - trees with places, limits, and findings at the right character. */
#include "base/str.h"
#include "yaml/yaml.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

struct fixture {
    struct pk_arena *arena;
    struct pk_diags *diags;
    struct pk_document *docs;
    size_t n;
};

static struct fixture parse_n(const char *text, size_t len) {
    struct fixture f = {.arena = pk_arena_new(), .diags = pk_diags_new()};
    struct pk_source *source = pk_arena_alloc(f.arena, sizeof(*source));
    char *copy = pk_arena_alloc(f.arena, len + 1);
    memcpy(copy, text, len);
    *source = (struct pk_source){"t.yaml", copy, len};
    pk_yaml_parse(f.arena, source, f.diags, &f.docs, &f.n);
    return f;
}

static struct fixture parse(const char *text) {
    return parse_n(text, strlen(text));
}

static void end(struct fixture *f) {
    pk_diags_free(f->diags);
    pk_arena_free(f->arena);
}

static void expect_clean(const struct fixture *f) {
    for (size_t i = 0; i < pk_diags_len(f->diags); i++) {
        const struct pk_diag *d = pk_diags_at(f->diags, i);
        print_error("%s %u:%u %s\n", d->id, d->span.line, d->span.column, d->message);
    }
    assert_int_equal(pk_diags_len(f->diags), 0);
}

/* Exactly one finding, at that place. */
static void expect_finding(const char *text, const char *id, unsigned line, unsigned column) {
    struct fixture f = parse(text);
    const struct pk_diag *d = pk_diags_len(f.diags) ? pk_diags_at(f.diags, 0) : NULL;
    if (!d || strcmp(d->id, id) != 0 || d->span.line != line || d->span.column != column ||
        pk_diags_len(f.diags) != 1)
        print_error("for %s: %s %u:%u %s (%zu)\n", text, d ? d->id : "nothing",
                    d ? d->span.line : 0, d ? d->span.column : 0, d ? d->message : "",
                    pk_diags_len(f.diags));
    assert_int_equal(pk_diags_len(f.diags), 1);
    assert_string_equal(d->id, id);
    assert_int_equal(d->span.line, line);
    assert_int_equal(d->span.column, column);
    end(&f);
}

static void test_tree_and_places(void **state) {
    (void)state;
    struct fixture f = parse("a: 1\nb:\n  - x\n  - 'y: z'\nc: {d: [], e: ~}\n");
    expect_clean(&f);
    assert_int_equal(f.n, 1);
    const struct pk_node *root = f.docs[0].root;
    assert_int_equal(root->n_pairs, 3);
    const struct pk_pair *b = pk_node_pair(root, "b");
    assert_int_equal(b->key_span.line, 2);
    assert_int_equal(b->key_span.end_column, 2);
    assert_int_equal(b->value->n_items, 2);
    const struct pk_node *y = b->value->items[1];
    assert_string_equal(y->text, "y: z");
    assert_false(y->plain);
    assert_int_equal(y->span.line, 4);
    assert_int_equal(y->span.column, 5);
    assert_int_equal(y->span.end_column, 11);
    assert_int_equal(b->value->span.end_line, 4);
    const struct pk_node *c = pk_node_get(root, "c");
    assert_true(pk_node_get(c, "e")->null);
    assert_int_equal(pk_node_get(c, "d")->kind, PK_NODE_LIST);
    assert_null(pk_node_get(c, "x"));
    assert_string_equal(pk_node_text(root, "a"), "1");
    assert_null(pk_node_text(root, "b"));
    end(&f);
}

static void test_scalars_stay_text(void **state) {
    (void)state;
    struct fixture f =
        parse("v: 15.10\nn: 012\ny: yes\ns: \"null\"\nz: null\nt: !!str ~\nb: |\n  one\n"
              "  two\nf: >-\n  a\n  b\n");
    expect_clean(&f);
    const struct pk_node *root = f.docs[0].root;
    assert_string_equal(pk_node_text(root, "v"), "15.10");
    assert_string_equal(pk_node_text(root, "n"), "012");
    assert_string_equal(pk_node_text(root, "y"), "yes");
    assert_false(pk_node_get(root, "s")->null);
    assert_true(pk_node_get(root, "z")->null);
    assert_false(pk_node_get(root, "t")->null);
    assert_string_equal(pk_node_text(root, "b"), "one\ntwo\n");
    assert_int_equal(pk_node_get(root, "b")->span.line, 7);
    assert_int_equal(pk_node_get(root, "b")->span.end_column, 5);
    assert_string_equal(pk_node_text(root, "f"), "a b");
    end(&f);
}

static void test_documents(void **state) {
    (void)state;
    struct fixture f = parse("# only words\n---\na: 1\n---\n---\nb: 2\n...\n");
    expect_clean(&f);
    assert_int_equal(f.n, 3);
    assert_non_null(f.docs[0].root);
    assert_null(f.docs[1].root);
    assert_int_equal(f.docs[2].root->span.line, 6);
    end(&f);
    f = parse("");
    expect_clean(&f);
    assert_int_equal(f.n, 0);
    end(&f);
}

static void test_columns_are_code_points(void **state) {
    (void)state;
    struct fixture f = parse("\xEF\xBB\xBF\xC3\xA4\xC3\xB6: {k: \xE2\x82\xAC, m: x}\n");
    expect_clean(&f);
    const struct pk_node *map = f.docs[0].root->pairs[0].value;
    assert_int_equal(map->pairs[1].key_span.column, 12);
    end(&f);
}

static void test_aliases(void **state) {
    (void)state;
    struct fixture f = parse(
        "base: &b {x: 1, y: 2}\nother: &o {y: 3, z: 4}\nuse:\n  <<: [*b, *o]\n  x: 9\nsame: *b\n");
    expect_clean(&f);
    const struct pk_node *use = pk_node_get(f.docs[0].root, "use");
    assert_int_equal(use->n_pairs, 3);
    assert_string_equal(pk_node_text(use, "x"), "9");
    assert_string_equal(pk_node_text(use, "y"), "2");
    assert_string_equal(pk_node_text(use, "z"), "4");
    assert_ptr_equal(pk_node_get(f.docs[0].root, "same"), pk_node_get(f.docs[0].root, "base"));
    end(&f);
}

static void test_findings(void **state) {
    (void)state;
    expect_finding("a: 1\n\"a\": 2\n", "yaml.duplicate-key", 2, 1);
    expect_finding("m:\n  k: 1\n  l: 2\n  k: 3\n", "yaml.duplicate-key", 4, 3);
    expect_finding("a: *nope\n", "yaml.alias", 1, 4);
    expect_finding("a: &a\n  b: *a\n", "yaml.alias", 2, 6);
    expect_finding("a: &x 1\n---\nb: *x\n", "yaml.alias", 3, 4);
    expect_finding("a: !custom 1\n", "yaml.syntax", 1, 4);
    expect_finding("a: !!binary aGk=\n", "yaml.syntax", 1, 4);
    expect_finding("a: \"open\nb: 1\n", "yaml.syntax", 1, 4);
    expect_finding("a:\n\t- 1\n", "yaml.syntax", 2, 1);
    expect_finding("a: b: c\n", "yaml.syntax", 1, 5);
    expect_finding("a: 1\n  b: 2\n", "yaml.syntax", 2, 4);
    expect_finding("a: [1, 2\nb: 3\n", "yaml.syntax", 2, 2);
    expect_finding("? [a]\n: b\n", "yaml.syntax", 1, 3);
    expect_finding("%TAG ! tag:x,1:\n---\na: 1\n", "yaml.syntax", 1, 1);
    expect_finding("a: \"x\\0y\"\n", "yaml.syntax", 1, 4);
    expect_finding("a: 1\nb: \xC3\x28\n", "yaml.encoding", 2,
                   5); /* the byte that breaks the sequence */
    expect_finding("a: \x01\n", "yaml.encoding", 1, 4);
    expect_finding("<<: 1\n", "yaml.alias", 1, 5);
}

static void test_nul_byte(void **state) {
    (void)state;
    struct fixture f = parse_n("a: 1\0b: 2\n", 10);
    assert_int_equal(pk_diags_len(f.diags), 1);
    assert_string_equal(pk_diags_at(f.diags, 0)->id, "yaml.encoding");
    end(&f);
}

static void test_readable_before_the_error(void **state) {
    (void)state;
    struct fixture f = parse("a: 1\n---\nb: [\n");
    assert_int_equal(f.n, 1);
    assert_string_equal(pk_node_text(f.docs[0].root, "a"), "1");
    assert_int_equal(pk_diags_count(f.diags, PK_SEVERITY_ERROR), 1);
    end(&f);
}

static void expect_limit(const struct pk_buf *text) {
    struct fixture f = parse_n(text->ptr, text->len);
    assert_int_equal(pk_diags_len(f.diags), 1);
    assert_string_equal(pk_diags_at(f.diags, 0)->id, "yaml.limit");
    end(&f);
}

static void test_limits(void **state) {
    (void)state;
    struct pk_buf text = PK_BUF_INIT(4 << 20);
    for (int i = 0; i < 65; i++)
        pk_buf_addc(&text, '[');
    expect_limit(&text);
    pk_buf_reset(&text);
    for (int i = 0; i < 100001; i++)
        pk_buf_addz(&text, "- 1\n");
    expect_limit(&text);
    pk_buf_reset(&text);
    pk_buf_addz(&text, "a: &a [1,1,1,1,1,1,1,1,1,1]\n"); /* the billion laughs */
    for (char c = 'b'; c < 'h'; c++) {
        pk_buf_addf(&text, "%c: &%c [", c, c);
        for (int i = 0; i < 10; i++)
            pk_buf_addf(&text, "%s*%c", i ? "," : "", c - 1);
        pk_buf_addz(&text, "]\n");
    }
    expect_limit(&text);
    pk_buf_reset(&text);
    pk_buf_addz(&text, "a: &a 1\nl:\n");
    for (int i = 0; i < 10001; i++)
        pk_buf_addz(&text, "- *a\n");
    expect_limit(&text);
    pk_buf_reset(&text);
    while (text.len <= PK_YAML_MAX_FILE)
        pk_buf_addz(&text, "# nothing\n");
    expect_limit(&text);
    pk_buf_release(&text);
}

static void test_many_keys(void **state) {
    (void)state;
    struct pk_buf text = PK_BUF_INIT(4 << 20);
    for (int i = 0; i < 20000; i++)
        pk_buf_addf(&text, "key%d: %d\n", i, i);
    pk_buf_addz(&text, "key7: again\n");
    struct fixture f = parse_n(text.ptr, text.len);
    assert_int_equal(pk_diags_len(f.diags), 1);
    assert_string_equal(pk_diags_at(f.diags, 0)->id, "yaml.duplicate-key");
    assert_int_equal(pk_diags_at(f.diags, 0)->span.line, 20001);
    assert_int_equal(f.docs[0].root->n_pairs, 20000);
    end(&f);
    pk_buf_release(&text);
}

static void test_source_read(void **state) {
    (void)state;
    struct fixture f = parse("");
    struct pk_span named = {.line = 3};
    assert_null(pk_source_read(f.arena, "/nonexistent/x.yaml", "x.yaml", named, f.diags));
    assert_string_equal(pk_diags_at(f.diags, 0)->id, "file.missing");
    assert_int_equal(pk_diags_at(f.diags, 0)->span.line, 3);
    assert_null(pk_source_read(f.arena, "/", "root", named, f.diags));
    assert_string_equal(pk_diags_at(f.diags, 1)->id, "file.unreadable");
    end(&f);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_tree_and_places), cmocka_unit_test(test_scalars_stay_text),
        cmocka_unit_test(test_documents),       cmocka_unit_test(test_columns_are_code_points),
        cmocka_unit_test(test_aliases),         cmocka_unit_test(test_findings),
        cmocka_unit_test(test_nul_byte),        cmocka_unit_test(test_readable_before_the_error),
        cmocka_unit_test(test_limits),          cmocka_unit_test(test_many_keys),
        cmocka_unit_test(test_source_read),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
