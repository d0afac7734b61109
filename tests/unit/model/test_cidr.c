/* test_cidr.c - arithmetic on networks. */
#include "fixture.h"
#include "model/cidr.h"

static struct pk_cidr cidr(const char *text) {
    struct pk_cidr value;
    assert_true(pk_cidr_parse(text, &value));
    return value;
}

static void expect_cidr(struct pk_cidr value, const char *wanted) {
    char text[20];
    pk_cidr_format(value, text);
    assert_string_equal(text, wanted);
}

static void test_parse(void **state) {
    (void)state;
    static const char *const bad[] = {"",
                                      "10.0.0.0",
                                      "10.0.0.0/",
                                      "10.0.0.0/33",
                                      "256.0.0.0/8",
                                      "10.0.0/8",
                                      "10.0.0.0.0/8",
                                      "10.00.0.0/8",
                                      "10.0.0.0/08",
                                      " 10.0.0.0/8",
                                      "10.0.0.0/8 ",
                                      "::/0"};
    struct pk_cidr value;
    for (size_t i = 0; i < PK_ARRAY_LEN(bad); i++)
        assert_false(pk_cidr_parse(bad[i], &value));
    expect_cidr(cidr("255.255.255.255/32"), "255.255.255.255/32");
    assert_true(pk_cidr_has_host_bits(cidr("10.0.0.1/31")));
    assert_false(pk_cidr_has_host_bits(cidr("0.0.0.0/0")));
}

static void test_relations(void **state) {
    (void)state;
    assert_true(pk_cidr_inside(cidr("10.0.1.0/24"), cidr("10.0.0.0/16")));
    assert_false(pk_cidr_inside(cidr("10.1.0.0/24"), cidr("10.0.0.0/16")));
    assert_false(pk_cidr_inside(cidr("10.0.0.0/8"), cidr("10.0.0.0/16")));
    assert_true(pk_cidr_inside(cidr("10.0.0.0/16"), cidr("10.0.0.0/16")));
    assert_true(pk_cidr_overlap(cidr("10.0.0.0/8"), cidr("10.9.0.0/16")));
    assert_false(pk_cidr_overlap(cidr("10.0.0.0/24"), cidr("10.0.1.0/24")));
    assert_true(pk_cidr_overlap(cidr("0.0.0.0/0"), cidr("10.0.1.0/24")));
}

static void test_blocks(void **state) {
    (void)state;
    struct pk_cidr block;
    assert_true(pk_cidr_block(cidr("10.0.0.0/20"), 2, 3, &block));
    expect_cidr(block, "10.0.12.0/22");
    assert_true(pk_cidr_block(cidr("0.0.0.0/0"), 0, 0, &block));
    expect_cidr(block, "0.0.0.0/0");
    assert_true(pk_cidr_block(cidr("0.0.0.0/0"), 1, 1, &block));
    expect_cidr(block, "128.0.0.0/1");
    assert_false(pk_cidr_block(cidr("10.0.0.0/20"), 2, 4, &block));
    assert_false(pk_cidr_block(cidr("10.0.0.0/31"), 2, 0, &block));
}

static void test_default_subnets(void **state) {
    (void)state;
    struct pk_cidr public[10], private[10];
    assert_true(pk_cidr_default_subnets(cidr("10.7.0.0/16"), 3, public, private));
    expect_cidr(public[0], "10.7.1.0/24");
    expect_cidr(public[2], "10.7.3.0/24");
    expect_cidr(private[0], "10.7.10.0/24");
    expect_cidr(private[2], "10.7.30.0/24");
    assert_true(pk_cidr_default_subnets(cidr("10.0.0.0/20"), 2, public, private));
    expect_cidr(public[0], "10.0.0.0/22");
    expect_cidr(public[1], "10.0.4.0/22");
    expect_cidr(private[0], "10.0.8.0/22");
    expect_cidr(private[1], "10.0.12.0/22");
    assert_true(pk_cidr_default_subnets(cidr("10.0.0.0/24"), 3, public, private));
    expect_cidr(private[2], "10.0.0.160/27");
    assert_false(pk_cidr_default_subnets(cidr("10.0.0.0/27"), 2, public, private));
    assert_true(pk_cidr_default_subnets(cidr("10.0.0.0/26"), 2, public, private));
    assert_false(pk_cidr_default_subnets(cidr("10.0.0.0/16"), 0, public, private));
    assert_false(pk_cidr_default_subnets(cidr("10.0.0.0/16"), 10, public, private));
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_parse),
        cmocka_unit_test(test_relations),
        cmocka_unit_test(test_blocks),
        cmocka_unit_test(test_default_subnets),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
