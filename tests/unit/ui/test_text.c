/* Widths, visible control characters, cutting, tables. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/mem.h"
#include "ui/ui_internal.h"

static void widths(void **state) {
    (void)state;
    assert_int_equal(pk_text_width("abc"), 3);
    assert_int_equal(pk_text_width("é→"), 2);
    assert_int_equal(pk_text_width("日本"), 4);
    assert_int_equal(pk_text_width("e\xcc\x81"), 1); /* combining accent */
    assert_int_equal(pk_text_width(""), 0);
}

static void nothing_moves_the_cursor(void **state) {
    (void)state;
    static const struct {
        const char *in, *out;
    } cases[] = {
        {"plain", "plain"},
        {"a\033[2Jb", "a\\x1b[2Jb"},
        {"bell\007", "bell\\x07"},
        {"back\b\r", "back\\x08\\x0d"},
        {"\xff\xfe", "\\xff\\xfe"},
        {"right\xe2\x80\xae to left", "right\\u202e to left"},
        {"c1 \xc2\x9b"
         "31m",
         "c1 \\x9b31m"},
        {"line\nnext\ttab", "line\nnext\ttab"},
    };
    for (size_t i = 0; i < PK_ARRAY_LEN(cases); i++) {
        char *shown = pk_text_visible(cases[i].in);
        assert_string_equal(shown, cases[i].out);
        free(shown);
    }
}

static struct pk_ui *plain_ui(int fd, int width) {
    struct pk_ui_config config = {
        .out_fd = fd, .err_fd = fd, .in_fd = -1, .width = width, .no_color = true};
    return pk_ui_new(&config);
}

static void cutting(void **state) {
    (void)state;
    struct pk_ui *ui = plain_ui(-1, 80);
    ui->unicode = true;
    char *cut = pk_ui_cut(ui, "日本語テキスト", 7);
    assert_true(pk_text_width(cut) <= 7);
    assert_string_equal(cut, "日本語…");
    free(cut);
    cut = pk_ui_cut(ui, "short", 7);
    assert_string_equal(cut, "short");
    free(cut);
    ui->unicode = false;
    cut = pk_ui_cut(ui, "something long", 8);
    assert_string_equal(cut, "somet...");
    free(cut);
    assert_true(pk_ui_close(ui, NULL));
}

static void read_back(int fd, char *ret, size_t size) {
    lseek(fd, 0, SEEK_SET);
    ssize_t n = read(fd, ret, size - 1);
    ret[n > 0 ? n : 0] = '\0';
}

static int temp_file(void) {
    char path[] = "/tmp/panka-ui-XXXXXX";
    int fd = mkstemp(path);
    unlink(path);
    return fd;
}

static void tables_align(void **state) {
    (void)state;
    int fd = temp_file();
    struct pk_ui *ui = plain_ui(fd, 80);
    static const char *const headers[] = {"NAME", "KIND"};
    static const char *const rows[] = {"日本", "SQS", "long-name", NULL};
    pk_ui_table(ui, headers, 2, rows, 2);
    assert_true(pk_ui_close(ui, NULL));
    char text[512];
    read_back(fd, text, sizeof(text));
    assert_string_equal(text, "NAME       KIND\n日本       SQS\nlong-name\n");
    close(fd);
}

static void markdown_tables_escape(void **state) {
    (void)state;
    int fd = temp_file();
    struct pk_ui_config config = {
        .out_fd = fd, .err_fd = fd, .in_fd = -1, .format = PK_FORMAT_MARKDOWN};
    struct pk_ui *ui = pk_ui_new(&config);
    static const char *const headers[] = {"A"};
    static const char *const rows[] = {"x|y"};
    pk_ui_table(ui, headers, 1, rows, 1);
    assert_true(pk_ui_close(ui, NULL));
    char text[512];
    read_back(fd, text, sizeof(text));
    assert_string_equal(text, "| A |\n| --- |\n| x\\|y |\n");
    close(fd);
}

static void no_terminal_means_no_question(void **state) {
    (void)state;
    struct pk_ui *ui = plain_ui(temp_file(), 80);
    struct pk_error *err = NULL;
    bool yes = true;
    assert_false(pk_ui_confirm(ui, "Sure?", "--auto-approve", &yes, &err));
    assert_int_equal(err->code, PK_E_USAGE);
    assert_non_null(strstr(err->hint, "--auto-approve"));
    pk_error_clear(&err);
    assert_true(pk_ui_close(ui, NULL));
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(widths),
        cmocka_unit_test(nothing_moves_the_cursor),
        cmocka_unit_test(cutting),
        cmocka_unit_test(tables_align),
        cmocka_unit_test(markdown_tables_escape),
        cmocka_unit_test(no_terminal_means_no_question),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
