/* Views, numbers, near words and globs. */
#include "base/mem.h"
#include "base/str.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <locale.h>
#include <stdio.h>
#include <string.h>

static void views_compare_by_bytes(void **state PK_UNUSED) {
    assert_true(pk_str_eq(pk_str("abc"), pk_str_n("abcdef", 3)));
    assert_false(pk_str_eq(pk_str("abc"), pk_str("abd")));
    assert_false(pk_str_eq(pk_str("abc"), pk_str("ab")));
    assert_true(pk_str_eqz(pk_str(NULL), ""));
    assert_true(pk_str_eq(pk_str(NULL), pk_str_n(NULL, 7)));
    assert_false(pk_str_eq(pk_str_n("a\0b", 3), pk_str_n("a\0c", 3)));
    char text[8];
    snprintf(text, sizeof(text), "<" PK_STR_FMT ">", PK_STR_ARG(pk_str_n("xyz", 2)));
    assert_string_equal(text, "<xy>");
}

static void trims_ascii_white_space(void **state PK_UNUSED) {
    assert_true(pk_str_eqz(pk_str_trim(pk_str(" \t\r\n a b \v\f")), "a b"));
    assert_true(pk_str_eqz(pk_str_trim(pk_str("   ")), ""));
    assert_true(pk_str_eqz(pk_str_trim(pk_str("")), ""));
    /* A no-break space (U+00A0) is not ASCII. */
    assert_true(pk_str_eqz(pk_str_trim(pk_str("\xc2\xa0x")), "\xc2\xa0x"));
}

static void expect_parts(const char *text, const char *const *parts, size_t n_parts) {
    struct pk_str rest = pk_str(text);
    struct pk_str part;
    for (size_t i = 0; i < n_parts; i++) {
        assert_true(pk_str_cut(&rest, ',', &part));
        assert_true(pk_str_eqz(part, parts[i]));
    }
    assert_false(pk_str_cut(&rest, ',', &part));
    assert_false(pk_str_cut(&rest, ',', &part));
}

static void cut_gives_every_part_once(void **state PK_UNUSED) {
    expect_parts("a,,bc", (const char *const[]){"a", "", "bc"}, 3);
    expect_parts("a,", (const char *const[]){"a", ""}, 2);
    expect_parts(",", (const char *const[]){"", ""}, 2);
    expect_parts("abc", (const char *const[]){"abc"}, 1);
    expect_parts("", (const char *const[]){""}, 1);
}

static void texts_compare(void **state PK_UNUSED) {
    assert_true(pk_starts_with("service", "serv"));
    assert_true(pk_starts_with("service", ""));
    assert_false(pk_starts_with("serv", "service"));
    assert_true(pk_ends_with("a.yaml", ".yaml"));
    assert_true(pk_ends_with("a", ""));
    assert_false(pk_ends_with("yaml", ".yaml"));
    assert_true(pk_streq(NULL, NULL));
    assert_false(pk_streq(NULL, ""));
    assert_false(pk_streq("", NULL));
    assert_true(pk_streq("a", "a"));
    assert_false(pk_streq("a", "A"));
    assert_true(pk_strieq("Content-Type", "content-tYPE"));
    assert_false(pk_strieq("ab", "abc"));
    assert_false(pk_strieq("abc", "ab"));
    assert_false(pk_strieq(NULL, "a"));
    assert_true(pk_strieq(NULL, NULL));
    /* '[' and '{' differ by the same bit as upper and lower case letters do. */
    assert_false(pk_strieq("[", "{"));
}

static void parses_whole_integers(void **state PK_UNUSED) {
    static const struct {
        const char *text;
        int64_t value;
    } good[] = {{"0", 0},
                {"-0", 0},
                {"+7", 7},
                {"-42", -42},
                {"007", 7},
                {"9223372036854775807", INT64_MAX},
                {"-9223372036854775808", INT64_MIN}};
    for (size_t i = 0; i < PK_ARRAY_LEN(good); i++) {
        int64_t value = 99;
        assert_true(pk_parse_i64(pk_str(good[i].text), &value));
        assert_true(value == good[i].value);
    }
    static const char *const bad[] = {"",
                                      "-",
                                      "+",
                                      " 1",
                                      "1 ",
                                      "1.0",
                                      "0x1",
                                      "--1",
                                      "1e3",
                                      "9223372036854775808",
                                      "١",
                                      "1_0",
                                      "-9223372036854775809",
                                      "99999999999999999999"};
    for (size_t i = 0; i < PK_ARRAY_LEN(bad); i++) {
        int64_t value = 99;
        assert_false(pk_parse_i64(pk_str(bad[i]), &value));
        assert_int_equal(value, 99);
    }
    int64_t value;
    assert_true(pk_parse_i64(pk_str_n("123456", 3), &value));
    assert_int_equal(value, 123);
    assert_false(pk_parse_i64(pk_str_n("1\0", 2), &value));
}

static void parses_decimal_fractions(void **state PK_UNUSED) {
    static const struct {
        const char *text;
        double value;
    } good[] = {{"0", 0.0},       {"1.5", 1.5},    {"-2.25", -2.25}, {"+.5", 0.5},
                {"5.", 5.0},      {"1e3", 1000.0}, {"1E-2", 0.01},   {"0.1", 0.1},
                {"1e308", 1e308}, {"1e-400", 0.0}};
    for (size_t i = 0; i < PK_ARRAY_LEN(good); i++) {
        double value = -1;
        assert_true(pk_parse_double(pk_str(good[i].text), &value));
        assert_true(value >= good[i].value && value <= good[i].value);
    }
    static const char *const bad[] = {"",      ".",  "-",  "e5",  "1e",    "1e+",   "inf", "nan",
                                      "0x1p3", " 1", "1 ", "1,5", "1e999", "1.2.3", "-.e1"};
    for (size_t i = 0; i < PK_ARRAY_LEN(bad); i++) {
        double value = -1;
        assert_false(pk_parse_double(pk_str(bad[i]), &value));
        assert_true(value < 0);
    }
}

static void fractions_ignore_the_locale(void **state PK_UNUSED) {
    static const char *const comma_locales[] = {"de_DE.UTF-8", "de_DE.utf8", "fr_FR.UTF-8",
                                                "nl_NL.UTF-8"};
    const char *found = NULL;
    for (size_t i = 0; i < PK_ARRAY_LEN(comma_locales) && found == NULL; i++) {
        found = setlocale(LC_NUMERIC, comma_locales[i]);
    }
    if (found == NULL) {
        print_message("skipped: no locale with a decimal comma is installed\n");
        skip();
    }
    double value = 0;
    bool ok = pk_parse_double(pk_str("1.5"), &value);
    setlocale(LC_NUMERIC, "C");
    assert_true(ok);
    assert_true(value > 1.4 && value < 1.6);
}

static void edit_distance_counts_each_kind(void **state PK_UNUSED) {
    assert_int_equal(pk_edit_distance("bucket", "bucket", 2), 0);
    assert_int_equal(pk_edit_distance("bucket", "bukcet", 2), 1);
    assert_int_equal(pk_edit_distance("bucket", "bucke", 2), 1);
    assert_int_equal(pk_edit_distance("bucket", "buckets", 2), 1);
    assert_int_equal(pk_edit_distance("bucket", "backet", 2), 1);
    assert_int_equal(pk_edit_distance("bucket", "bukcets", 2), 2);
    assert_int_equal(pk_edit_distance("kitten", "sitting", 5), 3);
    assert_int_equal(pk_edit_distance("kitten", "sitting", 2), 3);
    assert_int_equal(pk_edit_distance("", "ab", 2), 2);
    assert_int_equal(pk_edit_distance("", "", 0), 0);
    assert_int_equal(pk_edit_distance("a", "abcdefgh", 2), 3);
    assert_int_equal(pk_edit_distance("a", "b", 0), 1);
}

static void suggests_nearest_first_then_by_order(void **state PK_UNUSED) {
    static const char *const words[] = {"engines", "engineX1", "engin", "engine", "name", "port"};
    const char *near[6];
    assert_int_equal(pk_suggest("engime", words, PK_ARRAY_LEN(words), near, 6), 3);
    assert_string_equal(near[0], "engine");
    assert_string_equal(near[1], "engines");
    assert_string_equal(near[2], "engin");
    assert_int_equal(pk_suggest("engime", words, PK_ARRAY_LEN(words), near, 2), 2);
    assert_string_equal(near[1], "engines");
    assert_int_equal(pk_suggest("completely", words, PK_ARRAY_LEN(words), near, 6), 0);
    assert_int_equal(pk_suggest("engine", words, 0, near, 6), 0);
    assert_int_equal(pk_suggest("engine", words, PK_ARRAY_LEN(words), near, 0), 0);
}

static void short_words_must_be_nearer(void **state PK_UNUSED) {
    static const char *const words[] = {"rds", "sqs", "sns"};
    const char *near[3];
    assert_int_equal(pk_suggest("rbs", words, 3, near, 3), 1);
    assert_string_equal(near[0], "rds");
    assert_int_equal(pk_suggest("sxs", words, 3, near, 3), 2);
    assert_string_equal(near[0], "sqs");
    assert_int_equal(pk_suggest("xyz", words, 3, near, 3), 0);
}

static void globs_match_the_whole_text(void **state PK_UNUSED) {
    static const struct {
        const char *glob;
        const char *text;
        bool match;
    } cases[] = {
        {"*", "", true},
        {"*", "abc", true},
        {"", "", true},
        {"", "a", false},
        {"a*", "abc", true},
        {"*c", "abc", true},
        {"a*c", "ac", true},
        {"a*c", "abcc", true},
        {"a*c", "abcd", false},
        {"?", "a", true},
        {"?", "", false},
        {"a?c", "abc", true},
        {"a?c", "ac", false},
        {"*b*", "abc", true},
        {"*x*", "abc", false},
        {"a**c", "abc", true},
        {"*aab", "aaaab", true},
        {"api/*", "api/db", true},
        {"api/*", "apx/db", false},
        {"a", "A", false},
        {"[a]", "a", false},
        {"a*b*c", "aXbYbZc", true},
        {"a*b*c", "aXbYbZ", false},
    };
    for (size_t i = 0; i < PK_ARRAY_LEN(cases); i++) {
        if (pk_glob(cases[i].glob, cases[i].text) != cases[i].match) {
            fail_msg("'%s' on '%s'", cases[i].glob, cases[i].text);
        }
    }
}

/* Matching every star again for every earlier one would take ages here. */
static void globs_with_many_stars_end(void **state PK_UNUSED) {
    char text[20001];
    memset(text, 'a', sizeof(text) - 1);
    text[sizeof(text) - 1] = '\0';
    assert_false(pk_glob("*a*a*a*a*a*a*a*a*a*a*a*a*b", text));
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(views_compare_by_bytes),
        cmocka_unit_test(trims_ascii_white_space),
        cmocka_unit_test(cut_gives_every_part_once),
        cmocka_unit_test(texts_compare),
        cmocka_unit_test(parses_whole_integers),
        cmocka_unit_test(parses_decimal_fractions),
        cmocka_unit_test(fractions_ignore_the_locale),
        cmocka_unit_test(edit_distance_counts_each_kind),
        cmocka_unit_test(suggests_nearest_first_then_by_order),
        cmocka_unit_test(short_words_must_be_nearer),
        cmocka_unit_test(globs_match_the_whole_text),
        cmocka_unit_test(globs_with_many_stars_end),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
