/* The ordered map, also against a plain array that does the same slowly. */
#include "base/hash.h"
#include "base/mem.h"
#include "base/vec.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static char one[] = "one";
static char two[] = "two";

static void empty_map(void **state PK_UNUSED) {
    PK_CLEANUP(pk_map_freep) struct pk_map *map = pk_map_new();
    size_t cursor = 0;
    assert_int_equal(pk_map_len(map), 0);
    assert_null(pk_map_get(map, ""));
    assert_null(pk_map_remove(map, "x"));
    assert_false(pk_map_has(map, "x"));
    assert_false(pk_map_next(map, &cursor, NULL, NULL));
    pk_map_free(NULL);
}

static void set_get_replace_remove(void **state PK_UNUSED) {
    PK_CLEANUP(pk_map_freep) struct pk_map *map = pk_map_new();
    char key[] = "name";
    assert_null(pk_map_set(map, key, one));
    key[0] = 'g'; /* the map has its own copy */
    assert_ptr_equal(pk_map_get(map, "name"), one);
    assert_null(pk_map_get(map, "game"));
    assert_ptr_equal(pk_map_set(map, "name", two), one);
    assert_ptr_equal(pk_map_get(map, "name"), two);
    assert_int_equal(pk_map_len(map), 1);
    assert_null(pk_map_set(map, "", one));
    assert_ptr_equal(pk_map_get(map, ""), one);
    assert_ptr_equal(pk_map_remove(map, "name"), two);
    assert_null(pk_map_remove(map, "name"));
    assert_false(pk_map_has(map, "name"));
    assert_int_equal(pk_map_len(map), 1);
}

static void tells_keys_apart_by_every_byte(void **state PK_UNUSED) {
    PK_CLEANUP(pk_map_freep) struct pk_map *map = pk_map_new();
    char text[] = "aaaaaaaaaaaaaaaaaaaaaaaa"; /* three words of the hash */
    size_t len = strlen(text);
    for (size_t i = 0; i < len; i++) {
        text[i] = 'b';
        assert_null(pk_map_set(map, text, one));
        text[i] = 'a';
    }
    for (size_t n = 1; n <= len; n++) {
        PK_CLEANUP(pk_freep) char *prefix = pk_strndup(text, n);
        assert_null(pk_map_set(map, prefix, two));
    }
    assert_int_equal(pk_map_len(map), 2 * len);
}

static void expect_order(const struct pk_map *map, const char *keys) {
    size_t cursor = 0;
    const char *key = NULL;
    void *value = NULL;
    for (; *keys != '\0'; keys++) {
        assert_true(pk_map_next(map, &cursor, &key, &value));
        assert_int_equal(key[0], *keys);
        assert_ptr_equal(pk_map_get(map, key), value);
    }
    assert_false(pk_map_next(map, &cursor, &key, &value));
}

static void walks_in_order_of_insertion(void **state PK_UNUSED) {
    PK_CLEANUP(pk_map_freep) struct pk_map *map = pk_map_new();
    for (const char *c = "zebra cows"; *c != '\0'; c++) {
        const char key[2] = {*c, '\0'};
        pk_map_set(map, key, one);
    }
    expect_order(map, "zebra cows");
    pk_map_set(map, "b", two); /* replacing keeps the place */
    expect_order(map, "zebra cows");
    pk_map_remove(map, "z");
    pk_map_remove(map, "c");
    pk_map_remove(map, "s");
    expect_order(map, "ebra ow");
    pk_map_set(map, "z", one); /* a new one goes to the end */
    expect_order(map, "ebra owz");
    for (const char *c = "0123456789"; *c != '\0'; c++) {
        const char key[2] = {*c, '\0'};
        pk_map_set(map, key, one);
    }
    expect_order(map, "ebra owz0123456789");
}

static void holds_many(void **state PK_UNUSED) {
    enum { N = 50000 };
    PK_CLEANUP(pk_map_freep) struct pk_map *map = pk_map_new();
    uint32_t *values = pk_calloc(N, sizeof(*values));
    char key[32];
    for (uint32_t i = 0; i < N; i++) {
        values[i] = i;
        snprintf(key, sizeof(key), "resource-%u", i);
        assert_null(pk_map_set(map, key, &values[i]));
    }
    assert_int_equal(pk_map_len(map), N);
    for (uint32_t i = 0; i < N; i++) {
        snprintf(key, sizeof(key), "resource-%u", i);
        assert_ptr_equal(pk_map_get(map, key), &values[i]);
    }
    free(values);
}

/* A queue's way of use: the map must not grow with what went through it, and stay right. */
static void survives_endless_set_and_remove(void **state PK_UNUSED) {
    PK_CLEANUP(pk_map_freep) struct pk_map *map = pk_map_new();
    char key[32];
    for (uint32_t i = 0; i < 20000; i++) {
        snprintf(key, sizeof(key), "k%u", i);
        assert_null(pk_map_set(map, key, one));
        if (i >= 5) {
            snprintf(key, sizeof(key), "k%u", i - 5);
            assert_ptr_equal(pk_map_remove(map, key), one);
        }
    }
    assert_int_equal(pk_map_len(map), 5);
    size_t cursor = 0;
    const char *found = NULL;
    for (uint32_t i = 19995; i < 20000; i++) {
        snprintf(key, sizeof(key), "k%u", i);
        assert_true(pk_map_next(map, &cursor, &found, NULL));
        assert_string_equal(found, key);
    }
    assert_true(cursor < 100);
}

enum { N_KEYS = 60 };

struct model {
    uint32_t order[N_KEYS];
    size_t len;
    void *values[N_KEYS];
};

static void model_remove(struct model *model, uint32_t k) {
    size_t kept = 0;
    for (size_t i = 0; i < model->len; i++) {
        if (model->order[i] != k) {
            model->order[kept++] = model->order[i];
        }
    }
    model->len = kept;
    model->values[k] = NULL;
}

static void expect_same(const struct pk_map *map, const struct model *model) {
    size_t cursor = 0;
    const char *key = NULL;
    void *value = NULL;
    assert_int_equal(pk_map_len(map), model->len);
    for (size_t i = 0; i < model->len; i++) {
        char expected[16];
        snprintf(expected, sizeof(expected), "%u", model->order[i]);
        assert_true(pk_map_next(map, &cursor, &key, &value));
        assert_string_equal(key, expected);
        assert_ptr_equal(value, model->values[model->order[i]]);
    }
    assert_false(pk_map_next(map, &cursor, &key, &value));
}

static void behaves_like_the_model(void **state PK_UNUSED) {
    PK_CLEANUP(pk_map_freep) struct pk_map *map = pk_map_new();
    struct model model = {{0}, 0, {NULL}};
    for (int step = 0; step < 20000; step++) {
        uint32_t k = pk_random_below(N_KEYS);
        char key[16];
        snprintf(key, sizeof(key), "%u", k);
        assert_ptr_equal(pk_map_get(map, key), model.values[k]);
        if (pk_random_below(2) == 0) {
            void *value = pk_random_below(2) == 0 ? one : two;
            assert_ptr_equal(pk_map_set(map, key, value), model.values[k]);
            if (model.values[k] == NULL) {
                model.order[model.len++] = k;
            }
            model.values[k] = value;
        } else {
            assert_ptr_equal(pk_map_remove(map, key), model.values[k]);
            model_remove(&model, k);
        }
        if (step % 100 == 0) {
            expect_same(map, &model);
        }
    }
    expect_same(map, &model);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(empty_map),
        cmocka_unit_test(set_get_replace_remove),
        cmocka_unit_test(tells_keys_apart_by_every_byte),
        cmocka_unit_test(walks_in_order_of_insertion),
        cmocka_unit_test(holds_many),
        cmocka_unit_test(survives_endless_set_and_remove),
        cmocka_unit_test(behaves_like_the_model),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
