/* Where settings come from, which source wins, what is wrong with files, and saving. */
#include "config/settings.h"

#include "base/fs.h"
#include "base/mem.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static int remove_entry(const char *path, const struct stat *st PK_UNUSED, int kind PK_UNUSED,
                        struct FTW *ftw PK_UNUSED) {
    return remove(path);
}

/* Every test has an empty folder, which is also the home of panka's own files. */
static int enter_folder(void **state) {
    char *path = pk_strdup("/tmp/panka-settings-XXXXXX");
    *state = path;
    umask(022);
    if (!mkdtemp(path) || chdir(path) != 0)
        return -1;
    char *home PK_CLEANUP(pk_freep) = pk_path_join(path, "home");
    return setenv("PANKA_HOME", home, 1);
}

static int leave_folder(void **state) {
    int failed = chdir("/");
    failed |= nftw(*state, remove_entry, 8, FTW_DEPTH | FTW_PHYS);
    free(*state);
    return failed;
}

static void put(const char *path, const char *text) {
    char *dir PK_CLEANUP(pk_freep) = pk_path_dir(path);
    assert_true(pk_mkdir_p(dir, 0755, NULL));
    assert_true(pk_write_file(path, text, strlen(text), 0644, NULL));
}

static const char *fake_env(void *ctx, const char *name) {
    const char *const *pairs = ctx;
    for (size_t i = 0; pairs && pairs[i]; i += 2)
        if (strcmp(pairs[i], name) == 0)
            return pairs[i + 1];
    return NULL;
}

static struct pk_settings *load(struct pk_settings_source *source, const char *const *env,
                                struct pk_diags *diags) {
    struct pk_settings *settings = NULL;
    source->getenv = fake_env;
    source->getenv_ctx = (void *)(uintptr_t)env;
    assert_true(pk_settings_load(source, diags, &settings, NULL));
    return settings;
}

static void expect(const struct pk_settings *s, enum pk_setting which, const char *value,
                   const char *origin) {
    if (!value)
        assert_null(pk_setting(s, which));
    else
        assert_string_equal(pk_setting(s, which), value);
    if (!origin)
        assert_null(pk_setting_origin(s, which));
    else
        assert_string_equal(pk_setting_origin(s, which), origin);
}

static void expect_finding(const struct pk_diags *diags, const char *id, const char *part) {
    for (size_t i = 0; i < pk_diags_len(diags); i++) {
        const struct pk_diag *d = pk_diags_at(diags, i);
        if (strcmp(d->id, id) == 0 &&
            (strstr(d->message, part) || (d->help && strstr(d->help, part))))
            return;
    }
    for (size_t i = 0; i < pk_diags_len(diags); i++)
        print_message("%s: %s\n", pk_diags_at(diags, i)->id, pk_diags_at(diags, i)->message);
    fail_msg("no finding %s with \"%s\"", id, part);
}

static void test_defaults(void **state PK_UNUSED) {
    struct pk_diags *diags PK_CLEANUP(pk_diags_freep) = pk_diags_new();
    struct pk_settings_source source = {0};
    struct pk_settings *s = load(&source, NULL, diags);
    assert_int_equal(pk_diags_len(diags), 0);
    expect(s, PK_SET_BACKEND_TYPE, NULL, NULL);
    expect(s, PK_SET_REGION, NULL, NULL);
    expect(s, PK_SET_LOCK_TABLE, "panka-locks", "default");
    assert_int_equal(pk_setting_int(s, PK_SET_LOCK_HEARTBEAT), 30);
    assert_int_equal(pk_setting_int(s, PK_SET_LOCK_LEASE), 120);
    assert_int_equal(pk_setting_int(s, PK_SET_LOCK_TTL), 3600);
    assert_int_equal(pk_setting_int(s, PK_SET_PARALLELISM), 10);
    pk_settings_free(s);
}

static void test_precedence(void **state PK_UNUSED) {
    static const char *const env[] = {"PANKA_BACKEND_BUCKET",
                                      "of-env",
                                      "PANKA_REGION",
                                      "",
                                      "PANKA_LOCK_TABLE",
                                      "env-table",
                                      NULL};
    put(".git/HEAD", "x");
    put(".panka.yaml", "backend:\n  bucket: of-repo\n  type: s3\nlocks:\n  table: repo-table\n");
    put("home/config.yaml", "# mine\nbackend:\n  bucket: of-user\n  region: eu-west-1\n"
                            "  prefix: \"\"\nregion: eu-central-1\naws:\n  profile: work\n");
    put("stacks/shop/stack.yaml", "");
    struct pk_diags *diags PK_CLEANUP(pk_diags_freep) = pk_diags_new();
    struct pk_settings_source source = {.start_dir = "stacks/shop"};
    source.flags[PK_SET_BACKEND_BUCKET] = "of-flag";
    source.stack[PK_SET_BACKEND_TYPE] = "local";
    struct pk_settings *s = load(&source, env, diags);
    assert_int_equal(pk_diags_len(diags), 0);
    expect(s, PK_SET_BACKEND_BUCKET, "of-flag", "flag --backend-bucket");
    expect(s, PK_SET_LOCK_TABLE, "env-table", "environment PANKA_LOCK_TABLE");
    expect(s, PK_SET_BACKEND_TYPE, "local", "stack.yaml");
    assert_string_equal(pk_setting(s, PK_SET_REGION), "eu-central-1");
    assert_non_null(strstr(pk_setting_origin(s, PK_SET_REGION), "home/config.yaml:6"));
    assert_string_equal(pk_setting(s, PK_SET_PROFILE), "work");
    assert_string_equal(pk_setting(s, PK_SET_BACKEND_PREFIX), "");
    pk_settings_free(s);

    source.flags[PK_SET_BACKEND_BUCKET] = NULL;
    source.stack[PK_SET_BACKEND_TYPE] = NULL;
    s = load(&source, NULL, diags);
    expect(s, PK_SET_BACKEND_BUCKET, "of-repo", ".panka.yaml:2");
    expect(s, PK_SET_BACKEND_TYPE, "s3", ".panka.yaml:3");
    expect(s, PK_SET_LOCK_TABLE, "repo-table", ".panka.yaml:5");
    pk_settings_free(s);
}

/* Without a repository a file further up does not count. */
static void test_no_repository(void **state PK_UNUSED) {
    put(".panka.yaml", "region: eu-west-1\n");
    put("deep/stack.yaml", "");
    struct pk_diags *diags PK_CLEANUP(pk_diags_freep) = pk_diags_new();
    struct pk_settings_source source = {.start_dir = "deep"};
    struct pk_settings *s = load(&source, NULL, diags);
    expect(s, PK_SET_REGION, NULL, NULL);
    pk_settings_free(s);
    source.start_dir = NULL;
    s = load(&source, NULL, diags);
    expect(s, PK_SET_REGION, "eu-west-1", ".panka.yaml:1");
    pk_settings_free(s);
}

/* The file of the older documentation, with blocks for other readers. */
static void test_full_file(void **state PK_UNUSED) {
    put("c.yaml", "version: v1\nbackend:\n  type: s3\n  region: us-east-1\n  bucket: b\n"
                  "locks:\n  type: dynamodb\n  region: us-east-1\n  table: t\n  ttl: 3600\n"
                  "  heartbeat: 30\naws:\n  profile: default\n  region: us-east-1\n"
                  "pulumi:\n  backend: s3\n  accessToken: x\npreferences:\n  colorOutput: true\n"
                  "  parallelism: 20\nlogging:\n  level: info\n");
    struct pk_diags *diags PK_CLEANUP(pk_diags_freep) = pk_diags_new();
    static const char *const env[] = {"PANKA_CONFIG", "c.yaml", NULL};
    struct pk_settings_source source = {0};
    struct pk_settings *s = load(&source, env, diags);
    assert_int_equal(pk_diags_len(diags), 0);
    expect(s, PK_SET_REGION, "us-east-1", "c.yaml:14");
    expect(s, PK_SET_LOCK_TABLE, "t", "c.yaml:9");
    assert_int_equal(pk_setting_int(s, PK_SET_PARALLELISM), 20);
    pk_settings_free(s);
    source.config_path = "none.yaml";
    s = load(&source, NULL, diags);
    assert_false(pk_diags_has_errors(diags));
    expect_finding(diags, "file.missing", "none.yaml");
    pk_settings_free(s);
}

static void test_findings(void **state PK_UNUSED) {
    put("c.yaml", "backend:\n  bukket: b\n  type: gcs\nlocks: {lease: 60s, ttl: 5x}\nregoin: x\n"
                  "preferences:\n  paralellism: 3\naws: [1]\nregion: {a: b}\n");
    struct pk_diags *diags PK_CLEANUP(pk_diags_freep) = pk_diags_new();
    struct pk_settings_source source = {.config_path = "c.yaml"};
    source.flags[PK_SET_PARALLELISM] = "1000";
    struct pk_settings *s = load(&source, NULL, diags);
    expect_finding(diags, "field.unknown", "c.yaml:2: `backend.bukket`");
    expect_finding(diags, "field.unknown", "did you mean `backend.bucket`");
    expect_finding(diags, "field.unknown", "did you mean `region`");
    expect_finding(diags, "field.unknown", "did you mean `preferences.parallelism`");
    expect_finding(diags, "field.type", "c.yaml:3: \"gcs\"");
    expect_finding(diags, "field.type", "c.yaml:4: \"5x\"");
    expect_finding(diags, "field.type", "c.yaml:8: `aws` holds a map");
    expect_finding(diags, "field.type", "c.yaml:9: `region` takes one value");
    expect_finding(diags, "field.type", "flag --parallelism: \"1000\"");
    expect_finding(diags, "field.range", "three times locks.heartbeat");
    pk_settings_free(s);
    put("bad.yaml", "a: [1\nb: 2\n");
    source = (struct pk_settings_source){.config_path = "bad.yaml"};
    s = load(&source, NULL, diags);
    expect_finding(diags, "yaml.syntax", "bad.yaml:");
    pk_settings_free(s);
}

static void expect_file(const char *path, const char *text) {
    struct pk_buf buf PK_CLEANUP(pk_buf_release) = PK_BUF_INIT(0);
    assert_true(pk_read_file(path, 10000, &buf, NULL));
    assert_string_equal(pk_buf_cstr(&buf), text);
}

static void test_save_new(void **state PK_UNUSED) {
    const char *values[PK_SET_COUNT] = {[PK_SET_REGION] = "eu-west-1",
                                        [PK_SET_BACKEND_TYPE] = "s3",
                                        [PK_SET_BACKEND_BUCKET] = "acme-panka-state",
                                        [PK_SET_LOCK_TABLE] = "1234"};
    assert_true(pk_settings_save(NULL, values, NULL));
    expect_file("home/config.yaml", "version: v1\nregion: eu-west-1\nbackend:\n"
                                    "  bucket: acme-panka-state\n  type: s3\n"
                                    "locks:\n  table: \"1234\"\n");
    struct stat st;
    assert_int_equal(stat("home/config.yaml", &st), 0);
    assert_int_equal(st.st_mode & 0777, 0600);
    assert_int_equal(stat("home", &st), 0);
    assert_int_equal(st.st_mode & 0777, 0700);
}

static void test_save_keeps_the_rest(void **state PK_UNUSED) {
    put("c.yaml", "# ours\nbackend: # where state is\n    # the bucket\n    bucket: old # héllo\n"
                  "aws:\n  region: us-east-1\nlocks:\npulumi: {backend: s3}\nprofile:\n");
    const char *values[PK_SET_COUNT] = {[PK_SET_REGION] = "eu-west-1",
                                        [PK_SET_PROFILE] = "work",
                                        [PK_SET_BACKEND_TYPE] = "s3",
                                        [PK_SET_BACKEND_BUCKET] = "new",
                                        [PK_SET_LOCK_TABLE] = "t: \"x\""};
    assert_true(pk_settings_save("c.yaml", values, NULL));
    expect_file("c.yaml", "# ours\nbackend: # where state is\n    # the bucket\n    type: s3\n"
                          "    bucket: new # héllo\naws:\n  region: eu-west-1\nlocks:\n"
                          "  table: \"t: \\\"x\\\"\"\npulumi: {backend: s3}\nprofile: work\n");
}

static void test_save_refuses(void **state PK_UNUSED) {
    const char *values[PK_SET_COUNT] = {[PK_SET_BACKEND_BUCKET] = "new"};
    struct pk_error *err = NULL;
    put("c.yaml", "backend: {type: s3}\n");
    assert_false(pk_settings_save("c.yaml", values, &err));
    assert_non_null(strstr(err->message, "c.yaml:1"));
    expect_file("c.yaml", "backend: {type: s3}\n");
    pk_error_clear(&err);
    values[PK_SET_BACKEND_TYPE] = "gcs";
    assert_false(pk_settings_save("d.yaml", values, &err));
    assert_false(pk_path_exists("d.yaml"));
    pk_error_clear(&err);
}

#define T(name) cmocka_unit_test_setup_teardown(name, enter_folder, leave_folder)

int main(void) {
    const struct CMUnitTest tests[] = {
        T(test_defaults), T(test_precedence), T(test_no_repository),       T(test_full_file),
        T(test_findings), T(test_save_new),   T(test_save_keeps_the_rest), T(test_save_refuses),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
