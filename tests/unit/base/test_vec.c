/* The growable array and its stable sort. */
#include "base/vec.h"

#include "base/hash.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

struct item {
    uint32_t key;
    size_t position;
};

static int compare_keys(const void *item_a, const void *item_b) {
    const struct item *a = item_a;
    const struct item *b = item_b;
    return (a->key > b->key) - (a->key < b->key);
}

static void push_and_pop(void **state PK_UNUSED) {
    struct pk_vec vec = PK_VEC_INIT;
    int numbers[100];
    assert_null(pk_vec_pop(&vec));
    for (size_t i = 0; i < PK_ARRAY_LEN(numbers); i++) {
        pk_vec_push(&vec, &numbers[i]);
    }
    assert_int_equal(vec.len, 100);
    assert_ptr_equal(vec.items[57], &numbers[57]);
    assert_ptr_equal(pk_vec_pop(&vec), &numbers[99]);
    assert_int_equal(vec.len, 99);
    pk_vec_release(&vec);
    assert_null(vec.items);
    assert_int_equal(vec.len, 0);
    pk_vec_release(&vec);
}

static void expect_sorted(struct item *items, size_t n) {
    struct pk_vec vec = PK_VEC_INIT;
    for (size_t i = 0; i < n; i++) {
        items[i].position = i;
        pk_vec_push(&vec, &items[i]);
    }
    pk_vec_sort(&vec, compare_keys);
    assert_int_equal(vec.len, n);
    for (size_t i = 1; i < n; i++) {
        const struct item *a = vec.items[i - 1];
        const struct item *b = vec.items[i];
        assert_true(a->key < b->key || (a->key == b->key && a->position < b->position));
    }
    pk_vec_release(&vec);
}

/* Every length up to 70 meets all the shapes of an incomplete last run. */
static void sort_is_stable_for_every_length(void **state PK_UNUSED) {
    struct item items[70];
    for (size_t n = 0; n <= PK_ARRAY_LEN(items); n++) {
        for (uint32_t kinds = 1; kinds <= 8; kinds++) {
            for (size_t i = 0; i < n; i++) {
                items[i].key = pk_random_below(kinds);
            }
            expect_sorted(items, n);
        }
    }
}

static void sort_takes_ordered_and_reversed(void **state PK_UNUSED) {
    struct item items[1000];
    for (uint32_t i = 0; i < PK_ARRAY_LEN(items); i++) {
        items[i].key = i;
    }
    expect_sorted(items, PK_ARRAY_LEN(items));
    for (uint32_t i = 0; i < PK_ARRAY_LEN(items); i++) {
        items[i].key = 1000 - i;
    }
    expect_sorted(items, PK_ARRAY_LEN(items));
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(push_and_pop),
        cmocka_unit_test(sort_is_stable_for_every_length),
        cmocka_unit_test(sort_takes_ordered_and_reversed),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
