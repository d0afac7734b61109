/* test_xml.c - the XML reader: shape of the tree, and what it refuses. */
#include "aws/xml.h"
#include "base/str.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <string.h>

static const struct pk_xml *parse(struct pk_arena *arena, const char *text, struct pk_error **err) {
    const struct pk_xml *root = NULL;
    return pk_xml_parse(arena, text, strlen(text), &root, err) ? root : NULL;
}

static void test_tree(void **state) {
    (void)state;
    struct pk_arena *arena = pk_arena_new();
    const struct pk_xml *root = parse(
        arena,
        "<?xml version='1.0'?><n:A xmlns:n='u' n:x='1'>t1<B>a &amp; &#x4e2d;<![CDATA[<c>]]></B>"
        "<C/>t2<B> b </B></n:A>",
        NULL);
    assert_non_null(root);
    assert_string_equal(root->name, "A");
    assert_string_equal(root->text, "t1t2");
    const struct pk_xml *b = pk_xml_child(root, "B");
    assert_string_equal(b->text, "a & \xe4\xb8\xad<c>");
    assert_string_equal(pk_xml_again(b)->text, " b ");
    assert_null(pk_xml_again(pk_xml_again(b)));
    assert_string_equal(pk_xml_child(root, "C")->text, "");
    assert_null(pk_xml_child(root, "D"));
    assert_null(pk_xml_child(NULL, "D"));
    pk_arena_free(arena);
}

static void refuse(const char *text, const char *why) {
    struct pk_arena *arena = pk_arena_new();
    struct pk_error *err = NULL;
    assert_null(parse(arena, text, &err));
    assert_int_equal(err->code, PK_E_BAD_RESPONSE);
    if (strstr(err->message, why) == NULL)
        fail_msg("%s is not in: %s", why, err->message);
    pk_error_free(err);
    pk_arena_free(arena);
}

static void test_refusals(void **state) {
    (void)state;
    refuse("", "no element found");
    refuse("<a><b></a>", "mismatched tag");
    refuse("<a>", "no element found");
    refuse("{\"a\": 1}", "not well-formed");
    refuse("<!DOCTYPE a [<!ENTITY x 'y'>]><a>&x;</a>", "DOCTYPE");
    refuse("<!DOCTYPE html><html/>", "DOCTYPE");
    refuse("<a>&x;</a>", "undefined entity");
    struct pk_buf deep;
    pk_buf_init(&deep, 1 << 20);
    for (int i = 0; i < PK_XML_MAX_DEPTH + 1; i++)
        pk_buf_addz(&deep, "<a>");
    refuse(deep.ptr, "too deeply nested");
    pk_buf_release(&deep);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_tree),
        cmocka_unit_test(test_refusals),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
