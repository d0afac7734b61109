/* Growth, the maximum, formatting and hand-over of struct pk_buf. */
#include "base/mem.h"
#include "base/str.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdlib.h>
#include <string.h>

static void starts_empty_and_prints(void **state PK_UNUSED) {
    PK_CLEANUP(pk_buf_release) struct pk_buf buf = PK_BUF_INIT(100);
    assert_string_equal(pk_buf_cstr(&buf), "");
    pk_buf_addz(&buf, "");
    pk_buf_add(&buf, NULL, 0);
    pk_buf_addf(&buf, "%s", "");
    assert_int_equal(buf.len, 0);
    assert_string_equal(pk_buf_cstr(&buf), "");
}

static void adds_in_order(void **state PK_UNUSED) {
    PK_CLEANUP(pk_buf_release) struct pk_buf buf = PK_BUF_INIT(PK_BUF_MAX_DEFAULT);
    pk_buf_addz(&buf, "ab");
    pk_buf_addc(&buf, 'c');
    pk_buf_add(&buf, "d\0e", 3);
    pk_buf_addf(&buf, "-%d-%s", 42, "x");
    assert_int_equal(buf.len, 11);
    assert_memory_equal(buf.ptr, "abcd\0e-42-x", 12);
}

static void grows_over_many_additions(void **state PK_UNUSED) {
    PK_CLEANUP(pk_buf_release) struct pk_buf buf = PK_BUF_INIT(PK_BUF_MAX_DEFAULT);
    for (int i = 0; i < 10000; i++) {
        pk_buf_addf(&buf, "%04d", i);
        assert_int_equal(buf.ptr[buf.len], '\0');
    }
    assert_int_equal(buf.len, 40000);
    assert_memory_equal(buf.ptr + 4 * 1234, "1234", 4);
    assert_false(buf.overflow);
}

static void formats_longer_than_the_room(void **state PK_UNUSED) {
    PK_CLEANUP(pk_buf_release) struct pk_buf buf = PK_BUF_INIT(10000);
    pk_buf_addz(&buf, "start:");
    pk_buf_addf(&buf, "%*d", 5000, 7);
    assert_int_equal(buf.len, 5006);
    assert_int_equal(buf.ptr[5005], '7');
    assert_int_equal(buf.ptr[5006], '\0');
}

static void fills_to_the_maximum_exactly(void **state PK_UNUSED) {
    PK_CLEANUP(pk_buf_release) struct pk_buf buf = PK_BUF_INIT(5);
    pk_buf_addz(&buf, "abc");
    pk_buf_addz(&buf, "de");
    assert_false(buf.overflow);
    assert_string_equal(pk_buf_cstr(&buf), "abcde");
    pk_buf_addc(&buf, 'f');
    assert_true(buf.overflow);
    assert_string_equal(pk_buf_cstr(&buf), "abcde");
}

static void leaves_no_hole_after_overflow(void **state PK_UNUSED) {
    PK_CLEANUP(pk_buf_release) struct pk_buf buf = PK_BUF_INIT(5);
    pk_buf_addz(&buf, "abc");
    pk_buf_addf(&buf, "%s", "too long");
    assert_string_equal(pk_buf_cstr(&buf), "abc");
    pk_buf_addc(&buf, 'd');
    assert_string_equal(pk_buf_cstr(&buf), "abc");
    assert_true(buf.overflow);
    pk_buf_reset(&buf);
    assert_false(buf.overflow);
    assert_string_equal(pk_buf_cstr(&buf), "");
    pk_buf_addz(&buf, "again");
    assert_string_equal(pk_buf_cstr(&buf), "again");
}

static void reserve_keeps_the_bytes_in_place(void **state PK_UNUSED) {
    PK_CLEANUP(pk_buf_secret_release) struct pk_buf buf = PK_BUF_INIT(1000);
    assert_true(pk_buf_reserve(&buf, 1000));
    const char *before = buf.ptr;
    for (int i = 0; i < 1000; i++) {
        pk_buf_addc(&buf, 's');
    }
    assert_ptr_equal(buf.ptr, before);
    assert_false(pk_buf_reserve(&buf, 1));
    assert_true(buf.overflow);
}

static void reserve_refuses_sizes_that_wrap(void **state PK_UNUSED) {
    PK_CLEANUP(pk_buf_release) struct pk_buf buf = PK_BUF_INIT(SIZE_MAX);
    pk_buf_addc(&buf, 'x');
    assert_false(pk_buf_reserve(&buf, SIZE_MAX));
    pk_buf_reset(&buf);
    assert_false(pk_buf_reserve(&buf, SIZE_MAX));
}

static void steal_hands_over_and_leaves_an_empty_buffer(void **state PK_UNUSED) {
    struct pk_buf buf = PK_BUF_INIT(4);
    PK_CLEANUP(pk_freep) char *nothing = pk_buf_steal(&buf);
    assert_string_equal(nothing, "");
    pk_buf_addz(&buf, "abcd");
    pk_buf_addc(&buf, 'e');
    PK_CLEANUP(pk_freep) char *text = pk_buf_steal(&buf);
    assert_string_equal(text, "abcd");
    assert_null(buf.ptr);
    assert_int_equal(buf.len, 0);
    assert_int_equal(buf.max, 4);
    assert_true(buf.overflow);
}

static void release_can_be_repeated(void **state PK_UNUSED) {
    struct pk_buf buf;
    pk_buf_init(&buf, 10);
    pk_buf_addz(&buf, "x");
    pk_buf_release(&buf);
    pk_buf_release(&buf);
    pk_buf_secret_release(&buf);
    assert_null(buf.ptr);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(starts_empty_and_prints),
        cmocka_unit_test(adds_in_order),
        cmocka_unit_test(grows_over_many_additions),
        cmocka_unit_test(formats_longer_than_the_room),
        cmocka_unit_test(fills_to_the_maximum_exactly),
        cmocka_unit_test(leaves_no_hole_after_overflow),
        cmocka_unit_test(reserve_keeps_the_bytes_in_place),
        cmocka_unit_test(reserve_refuses_sizes_that_wrap),
        cmocka_unit_test(steal_hands_over_and_leaves_an_empty_buffer),
        cmocka_unit_test(release_can_be_repeated),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
