/* Credentials files: what is written is read back; foreign, open and broken files are refused. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/fs.h"
#include "base/mem.h"
#include "cli/credentials.h"

static char dir[] = "/tmp/panka-credentials-XXXXXX";

static int set_up(void **state) {
    (void)state;
    return mkdtemp(dir) ? 0 : -1;
}

static int tear_down(void **state) {
    (void)state;
    char *path PK_CLEANUP(pk_freep) = pk_path_join(dir, "c.txt");
    unlink(path);
    return rmdir(dir);
}

static void round_trip(void **state) {
    (void)state;
    char *path PK_CLEANUP(pk_freep) = pk_path_join(dir, "c.txt");
    struct pk_credentials c = {.tenant = pk_strdup("shop-team"),
                               .secret = pk_strdup("pnka_abc"),
                               .bucket = pk_strdup("acme-state"),
                               .region = pk_strdup("eu-central-1"),
                               .lock_table = pk_strdup("panka-locks")};
    struct pk_error *err = NULL;
    assert_true(pk_credentials_write(path, &c, &err));
    struct stat st;
    assert_int_equal(stat(path, &st), 0);
    assert_int_equal(st.st_mode & 0777, 0600);
    struct pk_credentials back = {0};
    assert_true(pk_credentials_read(path, &back, &err));
    assert_string_equal(back.tenant, "shop-team");
    assert_string_equal(back.secret, "pnka_abc");
    assert_string_equal(back.bucket, "acme-state");
    assert_string_equal(back.region, "eu-central-1");
    assert_string_equal(back.lock_table, "panka-locks");
    /* An existing file may be another tenant's only secret. */
    assert_false(pk_credentials_write(path, &c, &err));
    assert_non_null(strstr(err->message, "exists already"));
    pk_error_clear(&err);
    pk_credentials_release(&c);
    pk_credentials_release(&back);
}

static void others_may_not_read_it(void **state) {
    (void)state;
    char *path PK_CLEANUP(pk_freep) = pk_path_join(dir, "c.txt");
    struct pk_error *err = NULL;
    struct pk_credentials back = {0};
    assert_int_equal(chmod(path, 0644), 0);
    assert_false(pk_credentials_read(path, &back, &err));
    pk_error_clear(&err);
    assert_int_equal(chmod(path, 0600), 0);
}

static void what_is_none_is_refused(void **state) {
    (void)state;
    char *path PK_CLEANUP(pk_freep) = pk_path_join(dir, "c.txt");
    struct pk_error *err = NULL;
    struct pk_credentials back = {0};
    assert_true(pk_write_file(path, "Tenant ID: x\n", 13, 0600, &err));
    assert_false(pk_credentials_read(path, &back, &err));
    assert_non_null(strstr(err->message, "Secret"));
    pk_error_clear(&err);
    pk_credentials_release(&back);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(round_trip),
        cmocka_unit_test(others_may_not_read_it),
        cmocka_unit_test(what_is_none_is_refused),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
