/* The backend of one machine: files, conditions, symlinks, locks of living and of dead processes;
 * keys; the spill. */
#include "base/fs.h"
#include "base/hash.h"
#include "base/mem.h"
#include "store/internal.h"
#include "store/lock.h"
#include "store/store.h"
#include "json/json.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

#include <fcntl.h>
#include <ftw.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

static int remove_entry(const char *path, const struct stat *st PK_UNUSED, int kind PK_UNUSED,
                        struct FTW *ftw PK_UNUSED) {
    return remove(path);
}

static int enter_folder(void **state) {
    char *path = pk_strdup("/tmp/panka-store-XXXXXX");
    *state = path;
    umask(022);
    return !mkdtemp(path) || chdir(path) != 0 ? -1 : 0;
}

static int leave_folder(void **state) {
    int failed = chdir("/");
    failed |= nftw(*state, remove_entry, 8, FTW_DEPTH | FTW_PHYS);
    free(*state);
    return failed;
}

static struct pk_store *open_store(void) {
    struct pk_store *s = NULL;
    assert_true(pk_store_local_new(".panka", &s, NULL));
    return s;
}

static unsigned mode_of(const char *path) {
    struct stat st;
    assert_int_equal(stat(path, &st), 0);
    return st.st_mode & 0777;
}

static bool put(struct pk_store *s, const char *key, const char *text, const char *if_match,
                bool create_only, char **ret_etag, struct pk_error **err) {
    return s->vtable->put(s, key, text, strlen(text), if_match, create_only, ret_etag, err);
}

static void expect_text(struct pk_store *s, const char *key, const char *text) {
    struct pk_buf buf PK_CLEANUP(pk_buf_release) = PK_BUF_INIT(0);
    char *etag PK_CLEANUP(pk_freep) = NULL;
    assert_true(s->vtable->get(s, key, 1000, &buf, &etag, NULL));
    assert_non_null(etag);
    assert_string_equal(pk_buf_cstr(&buf), text);
}

static void test_store(void **state PK_UNUSED) {
    struct pk_store *s PK_CLEANUP(pk_store_freep) = open_store();
    struct pk_buf buf PK_CLEANUP(pk_buf_release) = PK_BUF_INIT(0);
    char *etag PK_CLEANUP(pk_freep) = NULL, *first PK_CLEANUP(pk_freep) = NULL;
    struct pk_error *err = NULL;
    assert_true(s->vtable->get(s, "stacks/a/dev/state.json", 1000, &buf, &etag, NULL));
    assert_null(etag);
    assert_false(pk_path_exists(".panka")); /* reading leaves nothing behind */
    assert_true(put(s, "stacks/a/dev/state.json", "one", NULL, true, &first, NULL));
    assert_int_equal(mode_of(".panka"), 0700);
    assert_int_equal(mode_of(".panka/stacks/a"), 0700);
    assert_int_equal(mode_of(".panka/stacks/a/dev/state.json"), 0600);
    assert_false(put(s, "stacks/a/dev/state.json", "two", NULL, true, NULL, &err));
    assert_int_equal(err->code, PK_E_STATE_CONFLICT);
    pk_error_clear(&err);
    assert_true(put(s, "stacks/a/dev/state.json", "two", first, false, &etag, NULL));
    assert_false(put(s, "stacks/a/dev/state.json", "three", first, false, NULL, &err));
    assert_int_equal(err->code, PK_E_STATE_CONFLICT);
    pk_error_clear(&err);
    assert_false(put(s, "stacks/b/dev/state.json", "x", first, false, NULL, &err));
    assert_int_equal(err->code, PK_E_STATE_CONFLICT);
    pk_error_clear(&err);
    expect_text(s, "stacks/a/dev/state.json", "two");
    assert_true(put(s, "stacks/b/dev/state.json", "", NULL, false, NULL, NULL));
    expect_text(s, "stacks/b/dev/state.json", "");
    struct pk_vec keys;
    assert_true(s->vtable->list(s, "stacks/", 10, &keys, NULL));
    assert_int_equal(keys.len, 2);
    assert_string_equal(keys.items[0], "stacks/a/dev/state.json");
    assert_string_equal(keys.items[1], "stacks/b/dev/state.json");
    pk_names_release(&keys);
    assert_false(s->vtable->list(s, "stacks/", 1, &keys, NULL));
    assert_true(s->vtable->remove(s, "stacks/a/dev/state.json", NULL));
    assert_true(s->vtable->remove(s, "stacks/a/dev/state.json", NULL));
    assert_true(s->vtable->list(s, "stacks/a", 10, &keys, NULL));
    assert_int_equal(keys.len, 0);
    pk_names_release(&keys);
}

static void test_too_large(void **state PK_UNUSED) {
    struct pk_store *s PK_CLEANUP(pk_store_freep) = open_store();
    struct pk_buf buf PK_CLEANUP(pk_buf_release) = PK_BUF_INIT(0);
    char *etag PK_CLEANUP(pk_freep) = NULL;
    assert_true(put(s, "a.json", "12345", NULL, true, NULL, NULL));
    assert_true(s->vtable->get(s, "a.json", 5, &buf, &etag, NULL));
    pk_buf_release(&buf);
    assert_false(s->vtable->get(s, "a.json", 4, &buf, &etag, NULL));
}

static void test_symlinks(void **state PK_UNUSED) {
    struct pk_store *s PK_CLEANUP(pk_store_freep) = open_store();
    struct pk_error *err = NULL;
    assert_int_equal(mkdir("outside", 0700), 0);
    assert_true(put(s, "a/x.json", "1", NULL, true, NULL, NULL));
    assert_int_equal(symlink("../outside", ".panka/link"), 0);
    assert_false(put(s, "link/x.json", "1", NULL, true, NULL, &err));
    pk_error_clear(&err);
    assert_int_equal(symlink("x.json", ".panka/a/y.json"), 0);
    struct pk_buf buf PK_CLEANUP(pk_buf_release) = PK_BUF_INIT(0);
    char *etag = NULL;
    assert_false(s->vtable->get(s, "a/y.json", 100, &buf, &etag, &err));
    pk_error_clear(&err);
    /* a link at the place of the file is replaced, never written through */
    assert_true(put(s, "a/y.json", "2", NULL, false, NULL, NULL));
    expect_text(s, "a/x.json", "1");
    expect_text(s, "a/y.json", "2");
    /* the folder itself */
    assert_int_equal(rename(".panka", "elsewhere"), 0);
    assert_int_equal(symlink("elsewhere", ".panka"), 0);
    assert_false(put(s, "a/z.json", "3", NULL, true, NULL, &err));
    assert_non_null(strstr(err->message, "symlink"));
    pk_error_clear(&err);
    struct pk_vec names;
    assert_true(pk_list_dir("outside", 10, &names, NULL));
    assert_int_equal(names.len, 0);
    pk_names_release(&names);
}

/* Many writers with conditions: every success is one step, none is lost. */
#define WRITERS 8
#define STEPS 25

static void *count_up(void *ctx) {
    struct pk_store *s = ctx;
    for (int i = 0; i < STEPS;) {
        struct pk_buf buf PK_CLEANUP(pk_buf_release) = PK_BUF_INIT(0);
        char *etag PK_CLEANUP(pk_freep) = NULL;
        int64_t n = 0;
        if (!s->vtable->get(s, "count.json", 100, &buf, &etag, NULL) ||
            (etag && !pk_parse_i64(pk_str(pk_buf_cstr(&buf)), &n)))
            return s;
        char *next PK_CLEANUP(pk_freep) = pk_asprintf("%lld", (long long)n + 1);
        i += put(s, "count.json", next, etag, etag == NULL, NULL, NULL);
    }
    return NULL;
}

static void test_race(void **state PK_UNUSED) {
    struct pk_store *s PK_CLEANUP(pk_store_freep) = open_store();
    pthread_t threads[WRITERS];
    for (size_t i = 0; i < WRITERS; i++)
        assert_int_equal(pthread_create(&threads[i], NULL, count_up, s), 0);
    for (size_t i = 0; i < WRITERS; i++) {
        void *failed = s;
        pthread_join(threads[i], &failed);
        assert_null(failed);
    }
    char *sum PK_CLEANUP(pk_freep) = pk_asprintf("%d", WRITERS * STEPS);
    expect_text(s, "count.json", sum);
}

static void test_keys(void **state PK_UNUSED) {
    struct pk_state_id tenant = {"shop-team", "shop", "production"}, single = {NULL, "shop", "dev"};
    static const struct {
        char *(*make)(const struct pk_state_id *);
        bool tenant;
        const char *key;
    } cases[] = {
        {pk_key_state, true, "tenants/shop-team/v1/stacks/shop/production/state.json"},
        {pk_key_state, false, "stacks/shop/dev/state.json"},
        {pk_key_state_dir, true, "tenants/shop-team/v1/stacks/shop/production/"},
        {pk_lock_key, true, "tenant:shop-team:stack:shop:env:production"},
        {pk_lock_key, false, "stack:shop:env:dev"},
    };
    for (size_t i = 0; i < PK_ARRAY_LEN(cases); i++) {
        char *key PK_CLEANUP(pk_freep) = cases[i].make(cases[i].tenant ? &tenant : &single);
        assert_string_equal(key, cases[i].key);
    }
    char *network PK_CLEANUP(pk_freep) = pk_key_network_state("shop-team");
    assert_string_equal(network, "tenants/shop-team/v1/_network/state.json");
    char *lock PK_CLEANUP(pk_freep) = pk_lock_key_network("shop-team");
    assert_string_equal(lock, "tenant:shop-team:network");
    static const char *const bad[] = {"",    "../x", "a/../b", "a//b", "/a", "a/",
                                      "a/.", "a%2e", "a b",    "a:b",  ".a", "a\nb"};
    for (size_t i = 0; i < PK_ARRAY_LEN(bad); i++)
        assert_false(pk_key_ok(bad[i]));
    assert_true(pk_key_ok("tenants/a/v1/_network/history/2026-01-01-00-00-00-000001-abc.json"));
    static const char *const names[] = {"", "-a", "a-", "a--b", "A", "1a", "a.b", "a/b", "ä"};
    for (size_t i = 0; i < PK_ARRAY_LEN(names); i++)
        assert_false(pk_key_tenant_ok(names[i]));
    assert_true(pk_key_tenant_ok("a"));
    assert_true(pk_key_tenant_ok("abcdefghijklmnopqrstuvwxyz-23456"));
    assert_false(pk_key_tenant_ok("abcdefghijklmnopqrstuvwxyz-234567"));
}

static void test_spill(void **state PK_UNUSED) {
    struct pk_state *s PK_CLEANUP(pk_state_freep) = pk_state_new();
    char *path PK_CLEANUP(pk_freep) = NULL, *again PK_CLEANUP(pk_freep) = NULL;
    s->serial = 7;
    assert_true(pk_state_spill(s, &path, NULL));
    assert_non_null(strstr(path, "/errored.state.json"));
    assert_int_equal(mode_of("errored.state.json"), 0600);
    struct pk_buf text PK_CLEANUP(pk_buf_release) = PK_BUF_INIT(0);
    assert_true(pk_read_file("errored.state.json", 1 << 20, &text, NULL));
    struct pk_state *back PK_CLEANUP(pk_state_freep) = NULL;
    assert_true(pk_state_parse(pk_buf_cstr(&text), text.len, "spill", &back, NULL));
    assert_int_equal(back->serial, 7);
    assert_string_equal(back->lineage, s->lineage);
    /* an earlier one is not overwritten */
    s->serial = 9;
    assert_true(pk_state_spill(s, &again, NULL));
    pk_buf_release(&text);
    assert_true(pk_read_file("errored.state.json.1", 1 << 20, &text, NULL));
    assert_non_null(strstr(pk_buf_cstr(&text), "\"serial\": 7"));
}

/* --- locks */

static const struct pk_lock_settings quick = {.heartbeat_s = 1, .lease_s = 3};

static struct pk_locker *open_locker(void) {
    struct pk_locker *l = NULL;
    assert_true(pk_locker_local_new(".panka", &quick, &l, NULL));
    return l;
}

static const struct pk_lock_request request = {
    .key = "stack:shop:env:dev", .locked_by = "kim", .operation = "apply"};

static void test_lock(void **state PK_UNUSED) {
    struct pk_locker *l = open_locker();
    struct pk_lock *lock = NULL, *second = NULL;
    struct pk_error *err = NULL;
    struct pk_lock_info info;
    bool found = true;
    assert_true(pk_lock_look(l, request.key, &info, &found, NULL));
    assert_false(found);
    assert_true(pk_lock_acquire(l, &request, &lock, NULL));
    assert_int_equal(mode_of(".panka/locks/stack.shop.env.dev.json"), 0600);
    assert_false(pk_lock_acquire(l, &request, &second, &err));
    assert_int_equal(err->code, PK_E_LOCK_HELD);
    pk_error_clear(&err);
    assert_true(pk_lock_look(l, request.key, &info, &found, NULL));
    assert_true(found && !info.dead);
    assert_int_equal(info.pid, getpid());
    int64_t rvn = info.rvn;
    assert_string_equal(info.lock_id, pk_lock_id(lock));
    pk_lock_info_release(&info);
    pk_sleep_ms(1300);
    assert_true(pk_lock_look(l, request.key, &info, &found, NULL));
    assert_true(info.rvn > rvn);
    pk_lock_info_release(&info);
    assert_true(pk_lock_release(lock, NULL));
    assert_false(pk_path_exists(".panka/locks/stack.shop.env.dev.json"));
    pk_locker_free(l);
}

static void on_wait(void *ctx, const struct pk_lock_info *holder PK_UNUSED,
                    int64_t waited_ms PK_UNUSED, bool taken) {
    *(int *)ctx += taken;
}

/* A process of this machine that is gone holds nothing: no waiting for its lease. */
static void test_dead_process(void **state PK_UNUSED) {
    pid_t child = fork();
    if (child == 0) {
        struct pk_locker *l = NULL;
        struct pk_lock *lock = NULL;
        if (!pk_locker_local_new(".panka", &quick, &l, NULL) ||
            !pk_lock_acquire(l, &request, &lock, NULL))
            _exit(1);
        kill(getpid(), SIGKILL);
    }
    int status = 0, taken = 0;
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_true(WIFSIGNALED(status));
    struct pk_locker *l = open_locker();
    struct pk_lock_request r = request;
    struct pk_lock *lock = NULL;
    struct pk_lock_info info;
    bool found = false;
    assert_true(pk_lock_look(l, r.key, &info, &found, NULL));
    assert_true(found && info.dead);
    pk_lock_info_release(&info);
    r.on_wait = on_wait;
    r.ctx = &taken;
    assert_true(pk_lock_acquire(l, &r, &lock, NULL));
    assert_int_equal(taken, 1);
    assert_true(pk_lock_release(lock, NULL));
    pk_locker_free(l);
}

/* The number of a dead process belongs to another one by now. */
static void test_reused_pid(void **state PK_UNUSED) {
    struct pk_locker *l = open_locker();
    struct pk_lock *lock = NULL;
    struct pk_lock_info info;
    bool found = false;
    assert_true(pk_lock_acquire(l, &request, &lock, NULL));
    struct pk_buf text PK_CLEANUP(pk_buf_release) = PK_BUF_INIT(0);
    const char *path = ".panka/locks/stack.shop.env.dev.json";
    assert_true(pk_read_file(path, 10000, &text, NULL));
    json_t *file PK_CLEANUP(json_decrefp) = NULL;
    assert_true(pk_json_parse(pk_buf_cstr(&text), text.len, "lock", &file, NULL));
    pk_json_put_str(file, "processStarted", "1");
    pk_json_put_str(file, "lockId", "somebody");
    char *changed PK_CLEANUP(pk_freep) = pk_json_pretty(file);
    assert_true(pk_write_file(path, changed, strlen(changed), 0600, NULL));
    assert_true(pk_lock_look(l, request.key, &info, &found, NULL));
    assert_true(found && info.dead);
    pk_lock_info_release(&info);
    /* on another machine nothing can be told at once */
    pk_json_put_str(file, "machine", "elsewhere");
    char *moved PK_CLEANUP(pk_freep) = pk_json_pretty(file);
    assert_true(pk_write_file(path, moved, strlen(moved), 0600, NULL));
    assert_true(pk_lock_look(l, request.key, &info, &found, NULL));
    assert_true(found && !info.dead);
    pk_lock_info_release(&info);
    assert_true(pk_lock_release(lock, NULL));
    assert_true(pk_path_exists(path)); /* not ours any more */
    pk_locker_free(l);
}

static void test_broken_lock_file(void **state PK_UNUSED) {
    struct pk_locker *l = open_locker();
    struct pk_lock *lock = NULL;
    struct pk_error *err = NULL;
    assert_true(pk_mkdir_p(".panka/locks", 0700, NULL));
    assert_true(pk_write_file(".panka/locks/stack.shop.env.dev.json", "{}", 2, 0600, NULL));
    assert_false(pk_lock_acquire(l, &request, &lock, &err));
    assert_int_equal(err->code, PK_E_STATE_INVALID);
    pk_error_free(err);
    pk_locker_free(l);
}

#define T(name) cmocka_unit_test_setup_teardown(name, enter_folder, leave_folder)

int main(void) {
    const struct CMUnitTest tests[] = {
        T(test_store),      T(test_too_large),
        T(test_symlinks),   T(test_race),
        T(test_keys),       T(test_spill),
        T(test_lock),       T(test_dead_process),
        T(test_reused_pid), T(test_broken_lock_file),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
