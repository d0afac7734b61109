/* Secrets: their form, bcrypt against published vectors, refusals, equal work. */
#include "tenant/password.h"

#include "base/clock.h"
#include "base/mem.h"
#include "base/str.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

#include <stdlib.h>
#include <string.h>

/* From the test vectors of crypt_blowfish and of the Python bcrypt package. */
static void test_vectors(void **state PK_UNUSED) {
    static const struct {
        const char *secret, *hash;
    } cases[] = {
        {"U*U", "$2a$05$CCCCCCCCCCCCCCCCCCCCC.E5YPO9kmyuRGyh0XouQYb4YMJKvyOeW"},
        {"U*U*", "$2a$05$CCCCCCCCCCCCCCCCCCCCC.VGOzA784oUp/Z0DY336zx7pLYAy0lwK"},
        {"U*U*U", "$2a$05$XXXXXXXXXXXXXXXXXXXXXOAcXxm9kjPGEMsLznoKqmqw7tc8WCx4a"},
        {"Kk4DQuMMfZL9o", "$2b$04$cVWp4XaNU8a4v1uMRum2SO026BWLIoQMD/TXg5uZV.0P.uO8m3YEm"},
        {"\xff\xff\xa3", "$2y$05$/OK.fbVrR/bpIqNJ5ianF.CE5elHaaO4EbggVDjb8P19RukzXSM3e"},
    };
    for (size_t i = 0; i < PK_ARRAY_LEN(cases); i++) {
        assert_true(pk_password_check(cases[i].hash, cases[i].secret));
        assert_false(pk_password_check(cases[i].hash, "another"));
    }
}

static void test_round_trip(void **state PK_UNUSED) {
    char *secret PK_CLEANUP(pk_secret_freep) = pk_password_make("pnka");
    char *other PK_CLEANUP(pk_secret_freep) = pk_password_make("pnka");
    char *hash PK_CLEANUP(pk_freep) = NULL;
    assert_int_equal(strlen(secret), 4 + 1 + 33);
    assert_true(pk_starts_with(secret, "pnka_"));
    assert_string_not_equal(secret, other);
    assert_true(pk_password_hash(secret, &hash, NULL));
    assert_true(pk_starts_with(hash, "$2b$12$"));
    assert_int_equal(strlen(hash), 60);
    assert_true(pk_password_check(hash, secret));
    assert_false(pk_password_check(hash, other));
    hash[59] = hash[59] == 'a' ? 'b' : 'a';
    assert_false(pk_password_check(hash, secret));
}

/* bcrypt reads 72 bytes: what has more must neither be hashed nor match by its beginning. */
static void test_length(void **state PK_UNUSED) {
    char text[74];
    char *hash PK_CLEANUP(pk_freep) = NULL;
    struct pk_error *err = NULL;
    memset(text, 'x', 73);
    text[73] = 0;
    assert_false(pk_password_hash(text, &hash, &err));
    pk_error_clear(&err);
    text[72] = 0;
    assert_true(pk_password_hash(text, &hash, NULL));
    assert_true(pk_password_check(hash, text));
    text[72] = 'x';
    assert_false(pk_password_check(hash, text));
    char *empty = NULL;
    assert_false(pk_password_hash("", &empty, NULL));
}

static void test_malformed(void **state PK_UNUSED) {
    static const char *const bad[] = {
        NULL,
        "",
        "*0",
        "$2b$12$short",
        "$1$abcdefgh$1234567890123456789012345678901234567890123456",
        "$2x$05$CCCCCCCCCCCCCCCCCCCCC.E5YPO9kmyuRGyh0XouQYb4YMJKvyOeW",
        "$2a$31$CCCCCCCCCCCCCCCCCCCCC.E5YPO9kmyuRGyh0XouQYb4YMJKvyOeW",
        "$2a$05$CCCCCCCCCCCCCCCCCCCCC!E5YPO9kmyuRGyh0XouQYb4YMJKvyOeW",
    };
    for (size_t i = 0; i < PK_ARRAY_LEN(bad); i++)
        assert_false(pk_password_check(bad[i], "U*U"));
}

static int64_t time_of(const char *hash) {
    int64_t best = INT64_MAX;
    for (int i = 0; i < 3; i++) {
        int64_t begun = pk_monotonic_ms(NULL);
        assert_false(pk_password_check(hash, "a wrong secret"));
        int64_t took = pk_monotonic_ms(NULL) - begun;
        best = took < best ? took : best;
    }
    return best;
}

/* Nobody of that name, a wrong secret, an old hash: the work is the same, give or take. */
static void test_equal_work(void **state PK_UNUSED) {
    char *hash PK_CLEANUP(pk_freep) = NULL;
    assert_true(pk_password_hash("secret", &hash, NULL));
    int64_t known = time_of(hash), unknown = time_of(NULL);
    int64_t cheap = time_of("$2a$05$CCCCCCCCCCCCCCCCCCCCC.E5YPO9kmyuRGyh0XouQYb4YMJKvyOeW");
    assert_true(unknown > known / 2 && unknown < known * 2);
    assert_true(cheap > known / 2 && cheap < known * 2);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_vectors),    cmocka_unit_test(test_round_trip),
        cmocka_unit_test(test_length),     cmocka_unit_test(test_malformed),
        cmocka_unit_test(test_equal_work),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
