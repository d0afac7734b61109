/* Shapes and ranges of random values. What could fail by chance fails less than once in 10^9 runs.
 */
#include "base/hash.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <string.h>

static void bytes_fill_exactly(void **state PK_UNUSED) {
    uint8_t bytes[66] = {0};
    bool seen[64] = {false};
    /* Each byte stays zero in all 10 rounds with a chance of 2^-80. */
    for (int round = 0; round < 10; round++) {
        pk_random_bytes(bytes + 1, 64);
        for (size_t i = 0; i < 64; i++) {
            seen[i] = seen[i] || bytes[i + 1] != 0;
        }
    }
    for (size_t i = 0; i < 64; i++) {
        assert_true(seen[i]);
    }
    assert_int_equal(bytes[0], 0);
    assert_int_equal(bytes[65], 0);
    pk_random_bytes(NULL, 0);
}

static void below_stays_below_and_reaches_all(void **state PK_UNUSED) {
    bool seen[7] = {false};
    for (int i = 0; i < 1000; i++) {
        uint32_t value = pk_random_below(7);
        assert_true(value < 7);
        seen[value] = true;
    }
    for (size_t i = 0; i < PK_ARRAY_LEN(seen); i++) {
        assert_true(seen[i]);
    }
    assert_int_equal(pk_random_below(1), 0);
    assert_true(pk_random_below(UINT32_MAX) < UINT32_MAX);
    assert_true(pk_random_below(0x80000001U) < 0x80000001U);
}

static void text_uses_the_alphabet_only(void **state PK_UNUSED) {
    char text[201];
    memset(text, '#', sizeof(text));
    pk_random_text(text, 200, "ab");
    assert_int_equal(strlen(text), 200);
    assert_int_equal(strspn(text, "ab"), 200);
    assert_non_null(strchr(text, 'a'));
    assert_non_null(strchr(text, 'b'));
    pk_random_text(text, 0, "ab");
    assert_string_equal(text, "");
    pk_random_text(text, 3, "z");
    assert_string_equal(text, "zzz");
}

static void base62_has_every_character_once(void **state PK_UNUSED) {
    assert_int_equal(strlen(pk_base62), 62);
    for (const char *c = pk_base62; *c != '\0'; c++) {
        assert_ptr_equal(strchr(pk_base62, *c), c);
    }
}

static void uuid4_has_its_form(void **state PK_UNUSED) {
    char first[37];
    char second[37];
    pk_uuid4(first);
    pk_uuid4(second);
    assert_string_not_equal(first, second);
    for (int round = 0; round < 100; round++) {
        pk_uuid4(first);
        assert_int_equal(strlen(first), 36);
        for (size_t i = 0; i < 36; i++) {
            bool dash = i == 8 || i == 13 || i == 18 || i == 23;
            assert_true(dash ? first[i] == '-' : strchr("0123456789abcdef", first[i]) != NULL);
        }
        assert_int_equal(first[14], '4');
        assert_non_null(strchr("89ab", first[19]));
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(bytes_fill_exactly),
        cmocka_unit_test(below_stays_below_and_reaches_all),
        cmocka_unit_test(text_uses_the_alphabet_only),
        cmocka_unit_test(base62_has_every_character_once),
        cmocka_unit_test(uuid4_has_its_form),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
