/* Sessions on this machine: modes, owners, expiry, broken files. */
#include "tenant/internal.h"

#include "base/clock.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "home.h"

static void save(bool admin, int64_t expires_in) {
    int64_t now = pk_wall_ms(NULL) / 1000;
    struct pk_session s = {.tenant = admin ? NULL : pk_strdup("shop-team"),
                           .user = admin ? pk_strdup("ops") : NULL,
                           .bucket = pk_strdup("acme"),
                           .region = pk_strdup("us-east-1"),
                           .lock_table = pk_strdup("panka-locks"),
                           .account_id = pk_strdup("123456789012"),
                           .started_at = now,
                           .expires_at = now + expires_in,
                           .rotations = 3};
    assert_true(pk_session_save(admin, &s, NULL));
    pk_session_release(&s);
}

static void test_round_trip(void **state PK_UNUSED) {
    struct pk_session s;
    bool found = true, was = true;
    const char *why = NULL;
    assert_true(pk_session_load(false, &s, &found, &why, NULL));
    assert_false(found);
    assert_null(why);
    assert_true(pk_session_end(false, &was, NULL));
    assert_false(was);
    assert_false(pk_path_exists("home"));
    save(false, 60);
    assert_int_equal(mode_of("home"), 0700);
    assert_int_equal(mode_of("home/session"), 0600);
    assert_true(pk_session_load(false, &s, &found, &why, NULL));
    assert_true(found);
    assert_string_equal(s.tenant, "shop-team");
    assert_string_equal(s.bucket, "acme");
    assert_string_equal(s.account_id, "123456789012");
    assert_int_equal(s.rotations, 3);
    pk_session_release(&s);
    /* the two kinds do not mix */
    assert_true(pk_session_load(true, &s, &found, &why, NULL));
    assert_false(found);
    save(true, 60);
    assert_true(pk_session_load(true, &s, &found, &why, NULL));
    assert_true(found);
    assert_null(s.tenant);
    assert_string_equal(s.user, "ops");
    pk_session_release(&s);
    assert_true(pk_session_end(false, &was, NULL));
    assert_true(was);
    assert_true(pk_path_exists("home/admin-session"));
}

static void test_expired(void **state PK_UNUSED) {
    struct pk_session s;
    bool found = true;
    const char *why = NULL;
    save(false, 0);
    assert_true(pk_session_load(false, &s, &found, &why, NULL));
    assert_false(found);
    assert_string_equal(why, "the session has expired");
}

static void expect_refused(int code) {
    struct pk_session s;
    bool found = false;
    const char *why = NULL;
    struct pk_error *err = NULL;
    assert_false(pk_session_load(false, &s, &found, &why, &err));
    assert_false(found);
    if (code)
        assert_int_equal(err->code, code);
    pk_error_free(err);
}

static void test_bad_modes(void **state PK_UNUSED) {
    save(false, 60);
    static const mode_t bad[] = {0644, 0640, 0660, 0602, 0604};
    for (size_t i = 0; i < PK_ARRAY_LEN(bad); i++) {
        assert_int_equal(chmod("home/session", bad[i]), 0);
        expect_refused(0);
    }
    assert_int_equal(chmod("home/session", 0600), 0);
    assert_int_equal(chmod("home", 0770), 0);
    expect_refused(PK_E_IO);
    assert_int_equal(chmod("home", 0777), 0);
    expect_refused(PK_E_IO);
    assert_int_equal(chmod("home", 0700), 0);
    assert_int_equal(rename("home/session", "home/other"), 0);
    assert_int_equal(symlink("other", "home/session"), 0);
    expect_refused(0);
}

static void test_broken(void **state PK_UNUSED) {
    /* the last ones: a name that must not become part of a key, and none at all */
    static const char *const bad[] = {
        "",
        "{",
        "[]",
        "{}",
        "{\"tenant\": \"shop-team\"}",
        "{\"tenant\": \"../a\", \"bucket\": \"b\", \"region\": \"r\", \"expiresAt\": 9999999999}",
        "{\"tenant\": 5, \"bucket\": \"b\", \"region\": \"r\", \"expiresAt\": 9999999999}",
    };
    save(false, 60);
    for (size_t i = 0; i < PK_ARRAY_LEN(bad); i++) {
        assert_true(pk_write_file("home/session", bad[i], strlen(bad[i]), 0600, NULL));
        expect_refused(0);
    }
}

#define T(name) cmocka_unit_test_setup_teardown(name, home_enter, home_leave)

int main(void) {
    const struct CMUnitTest tests[] = {T(test_round_trip), T(test_expired), T(test_bad_modes),
                                       T(test_broken)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
