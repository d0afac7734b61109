/* Files in a folder of their own: bounded and private reads, whole writes, paths. */
#include "base/fs.h"

#include "base/mem.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

static int remove_entry(const char *path, const struct stat *st PK_UNUSED, int kind PK_UNUSED,
                        struct FTW *ftw PK_UNUSED) {
    return remove(path);
}

/* Every test starts in an empty current folder. */
static int enter_folder(void **state) {
    const char *base = getenv("TMPDIR");
    char *path = pk_asprintf("%s/panka-fs-XXXXXX", base == NULL ? "/tmp" : base);
    *state = path;
    umask(022);
    return mkdtemp(path) == NULL || chdir(path) != 0 ? -1 : 0;
}

static int leave_folder(void **state) {
    int failed = chdir("/");
    failed |= nftw(*state, remove_entry, 8, FTW_DEPTH | FTW_PHYS);
    free(*state);
    return failed;
}

static void put(const char *path, const char *text, mode_t mode) {
    int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC, 0600);
    assert_true(fd >= 0);
    assert_int_equal(write(fd, text, strlen(text)), strlen(text));
    assert_int_equal(fchmod(fd, mode), 0);
    close(fd);
}

static void expect_content(const char *path, const char *text) {
    PK_CLEANUP(pk_buf_release) struct pk_buf buf = PK_BUF_INIT(0);
    assert_true(pk_read_file(path, 1000, &buf, NULL));
    assert_string_equal(pk_buf_cstr(&buf), text);
}

static size_t n_entries(void) {
    struct pk_vec names;
    assert_true(pk_list_dir(".", 1000, &names, NULL));
    size_t n = names.len;
    pk_names_release(&names);
    return n;
}

static void reads_up_to_the_maximum(void **state PK_UNUSED) {
    PK_CLEANUP(pk_error_freep) struct pk_error *err = NULL;
    struct pk_buf buf;
    put("ten", "0123456789", 0644);
    for (size_t max = 10; max <= 100; max += 45) {
        assert_true(pk_read_file("ten", max, &buf, &err));
        assert_int_equal(buf.len, 10);
        assert_string_equal(buf.ptr, "0123456789");
        pk_buf_release(&buf);
    }
    for (size_t max = 0; max < 10; max++) {
        assert_false(pk_read_file("ten", max, &buf, &err));
        assert_int_equal(err->code, PK_E_IO);
        assert_non_null(strstr(err->message, "ten"));
        assert_null(buf.ptr);
        pk_error_clear(&err);
    }
    put("none", "", 0644);
    assert_true(pk_read_file("none", 0, &buf, &err));
    assert_int_equal(buf.len, 0);
    assert_string_equal(pk_buf_cstr(&buf), "");
    pk_buf_release(&buf);
}

static void reads_large_files(void **state PK_UNUSED) {
    const size_t len = 300001;
    PK_CLEANUP(pk_freep) char *bytes = pk_malloc(len);
    for (size_t i = 0; i < len; i++) {
        bytes[i] = (char)(i * 31 % 251);
    }
    assert_true(pk_write_file("large", bytes, len, 0644, NULL));
    struct pk_buf buf;
    assert_true(pk_read_file("large", PK_BUF_MAX_DEFAULT, &buf, NULL));
    assert_int_equal(buf.len, len);
    assert_memory_equal(buf.ptr, bytes, len);
    pk_buf_release(&buf);
}

/* Files in /proc have size 0 and content all the same. */
static void reads_files_without_a_size(void **state PK_UNUSED) {
    struct pk_buf buf;
    struct stat st;
    if (stat("/proc/self/maps", &st) != 0) {
        print_message("skipped: /proc is not mounted\n");
        skip();
    }
    assert_int_equal(st.st_size, 0);
    assert_true(pk_read_file("/proc/self/maps", PK_BUF_MAX_DEFAULT, &buf, NULL));
    assert_true(buf.len > 500);
    assert_int_equal(strlen(buf.ptr), buf.len);
    pk_buf_release(&buf);
    assert_false(pk_read_file("/proc/self/maps", 10, &buf, NULL));
    assert_false(pk_read_file("/proc/self/maps", 100, &buf, NULL));
}

static void reading_nothing_or_no_file_fails(void **state PK_UNUSED) {
    PK_CLEANUP(pk_error_freep) struct pk_error *err = NULL;
    struct pk_buf buf;
    assert_false(pk_read_file("missing", 100, &buf, &err));
    assert_int_equal(err->code, PK_E_NOT_FOUND);
    assert_string_equal(err->message, "cannot read missing: No such file or directory");
    pk_error_clear(&err);
    assert_false(pk_read_file(".", 100, &buf, &err));
    assert_int_equal(err->code, PK_E_IO);
    pk_error_clear(&err);
    assert_int_equal(mkfifo("pipe", 0600), 0); /* must not wait for a writer */
    assert_false(pk_read_file("pipe", 100, &buf, &err));
    assert_string_equal(err->message, "cannot read pipe: it is not a regular file");
    pk_buf_release(&buf);
}

static void private_reads_look_at_the_mode(void **state PK_UNUSED) {
    PK_CLEANUP(pk_error_freep) struct pk_error *err = NULL;
    struct pk_buf buf;
    static const mode_t good[] = {0600, 0400, 0700};
    for (size_t i = 0; i < PK_ARRAY_LEN(good); i++) {
        put("secret", "s3cret", good[i]);
        assert_true(pk_read_private("secret", 100, &buf, &err));
        assert_string_equal(buf.ptr, "s3cret");
        pk_buf_secret_release(&buf);
        unlink("secret");
    }
    static const mode_t bad[] = {0640, 0620, 0610, 0604, 0602, 0601, 0644, 0666};
    for (size_t i = 0; i < PK_ARRAY_LEN(bad); i++) {
        put("secret", "s3cret", bad[i]);
        assert_false(pk_read_private("secret", 100, &buf, &err));
        assert_non_null(strstr(err->message, "secret"));
        assert_null(strstr(err->message, "s3cret"));
        assert_string_equal(err->hint, "run `chmod 600 secret`");
        assert_null(buf.ptr);
        pk_error_clear(&err);
    }
    assert_false(pk_read_private("missing", 100, &buf, &err));
    assert_int_equal(err->code, PK_E_NOT_FOUND);
}

static void private_reads_refuse_links(void **state PK_UNUSED) {
    PK_CLEANUP(pk_error_freep) struct pk_error *err = NULL;
    struct pk_buf buf;
    put("secret", "s3cret", 0600);
    assert_int_equal(symlink("secret", "link"), 0);
    assert_true(pk_read_file("link", 100, &buf, &err));
    pk_buf_release(&buf);
    assert_false(pk_read_private("link", 100, &buf, &err));
    assert_string_equal(err->message, "refusing link: it is a symbolic link");
}

static void private_reads_refuse_other_owners(void **state PK_UNUSED) {
    PK_CLEANUP(pk_error_freep) struct pk_error *err = NULL;
    struct pk_buf buf;
    if (geteuid() != 0) {
        print_message("skipped: only root can give a file away\n");
        skip();
    }
    put("secret", "s3cret", 0600);
    assert_int_equal(chown("secret", 65534, (gid_t)-1), 0);
    assert_false(pk_read_private("secret", 100, &buf, &err));
    assert_string_equal(err->message, "refusing secret: it belongs to another user");
}

static void writes_and_replaces(void **state PK_UNUSED) {
    struct stat st;
    assert_true(pk_write_file("file", "one", 3, 0666, NULL));
    expect_content("file", "one");
    assert_int_equal(stat("file", &st), 0);
    assert_int_equal(st.st_mode & 07777, 0644); /* less the umask */
    assert_true(pk_write_file("file", "second", 6, 0600, NULL));
    expect_content("file", "second");
    assert_int_equal(stat("file", &st), 0);
    assert_int_equal(st.st_mode & 07777, 0600);
    assert_true(pk_write_file("./file", NULL, 0, 0600, NULL));
    expect_content("file", "");
    assert_int_equal(n_entries(), 1);
}

/* A link is replaced, what it points to is not written to. */
static void writing_replaces_links(void **state PK_UNUSED) {
    struct stat st;
    put("target", "old", 0644);
    assert_int_equal(symlink("target", "link"), 0);
    assert_true(pk_write_file("link", "new", 3, 0644, NULL));
    expect_content("target", "old");
    expect_content("link", "new");
    assert_int_equal(lstat("link", &st), 0);
    assert_true(S_ISREG(st.st_mode));
}

static void failed_writes_leave_the_old_file(void **state PK_UNUSED) {
    PK_CLEANUP(pk_error_freep) struct pk_error *err = NULL;
    char name[251];
    memset(name, 'n', sizeof(name) - 1);
    name[sizeof(name) - 1] = '\0';
    put(name, "old", 0644);
    assert_false(pk_write_file(name, "new", 3, 0644, &err)); /* no room for the suffix */
    assert_int_equal(err->code, PK_E_IO);
    pk_error_clear(&err);
    expect_content(name, "old");
    assert_int_equal(mkdir("dir", 0755), 0);
    assert_false(pk_write_file("dir", "new", 3, 0644, &err)); /* the rename fails */
    assert_non_null(strstr(err->message, "cannot write dir"));
    pk_error_clear(&err);
    assert_false(pk_write_file("no/such/file", "new", 3, 0644, &err));
    assert_int_equal(err->code, PK_E_NOT_FOUND);
    assert_int_equal(n_entries(), 2);
}

/* In a child, because the limit that stands for a full disk cannot be raised again. */
static void a_write_cut_short_leaves_the_old_file(void **state PK_UNUSED) {
    static const char data[100000];
    put("file", "old", 0644);
    pid_t pid = fork();
    assert_true(pid >= 0);
    if (pid == 0) {
        const struct rlimit small = {1000, 1000};
        signal(SIGXFSZ, SIG_IGN);
        setrlimit(RLIMIT_FSIZE, &small);
        struct pk_error *err = NULL;
        bool ok = pk_write_file("file", data, sizeof(data), 0644, &err);
        bool as_expected = !ok && err->code == PK_E_IO;
        pk_error_freep(&err);
        _exit(as_expected ? 0 : 1);
    }
    int status = 0;
    assert_int_equal(waitpid(pid, &status, 0), pid);
    assert_int_equal(status, 0);
    expect_content("file", "old");
    assert_int_equal(n_entries(), 1);
}

static void makes_folders(void **state) {
    PK_CLEANUP(pk_error_freep) struct pk_error *err = NULL;
    struct stat st;
    assert_true(pk_mkdir_p("a/b//c/", 0700, &err));
    assert_true(pk_is_dir("a/b/c"));
    assert_int_equal(stat("a", &st), 0);
    assert_int_equal(st.st_mode & 0777, 0700);
    assert_true(pk_mkdir_p("a/b/c", 0700, &err));
    assert_true(pk_mkdir_p("/", 0700, &err));
    PK_CLEANUP(pk_freep) char *absolute = pk_path_join(*state, "x/y");
    assert_true(pk_mkdir_p(absolute, 0755, &err));
    assert_true(pk_is_dir("x/y"));
    put("file", "", 0644);
    assert_false(pk_mkdir_p("file/below", 0755, &err));
    assert_non_null(strstr(err->message, "cannot create folder file"));
}

static void tells_what_exists(void **state PK_UNUSED) {
    put("file", "", 0644);
    assert_true(pk_path_exists("file"));
    assert_true(pk_path_exists("."));
    assert_false(pk_path_exists("missing"));
    assert_true(pk_is_dir("."));
    assert_false(pk_is_dir("file"));
    assert_false(pk_is_dir("missing"));
}

static void removes_files(void **state PK_UNUSED) {
    PK_CLEANUP(pk_error_freep) struct pk_error *err = NULL;
    put("file", "", 0644);
    assert_true(pk_remove_file("file", &err));
    assert_false(pk_path_exists("file"));
    assert_true(pk_remove_file("file", &err));
    assert_int_equal(mkdir("dir", 0755), 0);
    assert_false(pk_remove_file("dir", &err));
    assert_non_null(strstr(err->message, "cannot remove dir"));
}

static void lists_sorted_and_bounded(void **state PK_UNUSED) {
    PK_CLEANUP(pk_error_freep) struct pk_error *err = NULL;
    PK_CLEANUP(pk_names_release) struct pk_vec names = PK_VEC_INIT;
    static const char *const sorted[] = {".hidden", "B", "a", "a.b", "ab", "z", "\xc3\xa9"};
    for (size_t i = PK_ARRAY_LEN(sorted); i > 0; i--) {
        put(sorted[i - 1], "", 0644);
    }
    assert_true(pk_list_dir(".", 7, &names, &err));
    assert_int_equal(names.len, 7);
    for (size_t i = 0; i < 7; i++) {
        assert_string_equal(names.items[i], sorted[i]);
    }
    pk_names_release(&names);
    assert_false(pk_list_dir(".", 6, &names, &err));
    assert_string_equal(err->message, "cannot list .: it has more than 6 entries");
    assert_int_equal(names.len, 0);
    pk_error_clear(&err);
    assert_false(pk_list_dir("missing", 6, &names, &err));
    assert_int_equal(err->code, PK_E_NOT_FOUND);
}

static void expect_text(char *text, const char *expected) {
    assert_string_equal(text, expected);
    free(text);
}

static void takes_paths_apart_and_together(void **state PK_UNUSED) {
    expect_text(pk_path_join("a", "b"), "a/b");
    expect_text(pk_path_join("a/", "b"), "a/b");
    expect_text(pk_path_join("/", "b"), "/b");
    expect_text(pk_path_join("", "b"), "b");
    expect_text(pk_path_join("a", "/b"), "/b");
    expect_text(pk_path_dir("a/b/c"), "a/b");
    expect_text(pk_path_dir("a//b"), "a");
    expect_text(pk_path_dir("a/b/"), "a");
    expect_text(pk_path_dir("a"), ".");
    expect_text(pk_path_dir("a/"), ".");
    expect_text(pk_path_dir(""), ".");
    expect_text(pk_path_dir("/a"), "/");
    expect_text(pk_path_dir("//a"), "/");
    expect_text(pk_path_dir("/"), "/");
    assert_string_equal(pk_path_base("a/b.yaml"), "b.yaml");
    assert_string_equal(pk_path_base("b.yaml"), "b.yaml");
    assert_string_equal(pk_path_base("a/"), "");
}

static void finds_the_home_folder(void **state PK_UNUSED) {
    PK_CLEANUP(pk_freep) char *before = pk_home_dir();
    setenv("HOME", "/home/somebody", 1);
    expect_text(pk_home_dir(), "/home/somebody");
    unsetenv("HOME");
    PK_CLEANUP(pk_freep) char *from_database = pk_home_dir();
    setenv("HOME", "", 1);
    PK_CLEANUP(pk_freep) char *again = pk_home_dir();
    if (before != NULL) {
        setenv("HOME", before, 1);
    }
    if (from_database == NULL) {
        print_message("skipped: this user is not in the password database\n");
        skip();
    }
    assert_int_equal(from_database[0], '/');
    assert_string_equal(again, from_database);
}

static void resolves_links(void **state PK_UNUSED) {
    PK_CLEANUP(pk_error_freep) struct pk_error *err = NULL;
    put("file", "", 0644);
    assert_int_equal(symlink("file", "link"), 0);
    PK_CLEANUP(pk_freep) char *file = pk_real_path("file", &err);
    PK_CLEANUP(pk_freep) char *link = pk_real_path("./link", &err);
    assert_non_null(file);
    assert_int_equal(file[0], '/');
    assert_string_equal(file, link);
    assert_null(pk_real_path("missing", &err));
    assert_int_equal(err->code, PK_E_NOT_FOUND);
}

#define IN_FOLDER(fn) cmocka_unit_test_setup_teardown(fn, enter_folder, leave_folder)

int main(void) {
    const struct CMUnitTest tests[] = {
        IN_FOLDER(reads_up_to_the_maximum),
        IN_FOLDER(reads_large_files),
        IN_FOLDER(reads_files_without_a_size),
        IN_FOLDER(reading_nothing_or_no_file_fails),
        IN_FOLDER(private_reads_look_at_the_mode),
        IN_FOLDER(private_reads_refuse_links),
        IN_FOLDER(private_reads_refuse_other_owners),
        IN_FOLDER(writes_and_replaces),
        IN_FOLDER(writing_replaces_links),
        IN_FOLDER(failed_writes_leave_the_old_file),
        IN_FOLDER(a_write_cut_short_leaves_the_old_file),
        IN_FOLDER(makes_folders),
        IN_FOLDER(tells_what_exists),
        IN_FOLDER(removes_files),
        IN_FOLDER(lists_sorted_and_bounded),
        IN_FOLDER(takes_paths_apart_and_together),
        IN_FOLDER(finds_the_home_folder),
        IN_FOLDER(resolves_links),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
