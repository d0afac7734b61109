/* test_headers.c - the header list, and which URLs may go without TLS. */
#include "http/http.h"
#include "http/plain.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

static void test_list(void **state) {
    (void)state;
    struct pk_headers headers = {0};
    assert_true(pk_headers_add(&headers, "A", "1"));
    assert_true(pk_headers_add(&headers, "a", "2"));
    assert_true(pk_headers_add(&headers, "B", ""));
    assert_string_equal(pk_headers_get(&headers, "a"), "1");
    assert_null(pk_headers_get(&headers, "c"));
    pk_headers_set(&headers, "a", "3");
    assert_int_equal(headers.len, 2);
    assert_string_equal(pk_headers_get(&headers, "A"), "3");
    pk_headers_remove(&headers, "b");
    assert_int_equal(headers.len, 1);
    pk_headers_release(&headers);
}

static void test_injection_is_refused(void **state) {
    (void)state;
    struct pk_headers headers = {0};
    assert_false(pk_headers_add(&headers, "A", "x\r\nB: y"));
    assert_false(pk_headers_add(&headers, "A", "x\n"));
    assert_false(pk_headers_add(&headers, "A\r", "x"));
    assert_false(pk_headers_add(&headers, "A:", "x"));
    assert_false(pk_headers_add(&headers, "", "x"));
    assert_int_equal(headers.len, 0);
}

static void test_plain_http(void **state) {
    (void)state;
    static const struct {
        const char *url;
        bool without, with; /* metadata addresses */
    } cases[] = {
        {"https://example.com/", true, true},
        {"HTTPS://example.com/", true, true},
        {"http://example.com/", false, false},
        {"http://localhost:5000/x", true, true},
        {"http://127.0.0.1", true, true},
        {"http://127.9.9.9:1/", true, true},
        {"http://[::1]:80/", true, true},
        {"http://0.0.0.0/", false, false},
        {"http://10.0.0.1/", false, false},
        {"http://127.0.0.1.example.com/", false, false},
        {"http://127.0.0.1@example.com/", false, false},
        {"http://example.com@127.0.0.1/", true, true},
        {"http://localhost.example.com/", false, false},
        {"http://169.254.169.254/latest", false, true},
        {"http://169.254.170.2/x", false, true},
        {"http://[fd00:ec2::254]/x", false, true},
        {"http://169.254.169.253/", false, false},
        {"http:///x", false, false},
        {"ftp://localhost/", false, false},
        {"file:///etc/passwd", false, false},
        {"", false, false},
    };
    for (size_t i = 0; i < PK_ARRAY_LEN(cases); i++) {
        struct pk_error *err = NULL;
        if (pk_http_url_allowed(cases[i].url, false, &err) != cases[i].without)
            fail_msg("%s", cases[i].url);
        pk_error_clear(&err);
        if (pk_http_url_allowed(cases[i].url, true, &err) != cases[i].with)
            fail_msg("%s with metadata", cases[i].url);
        if (!cases[i].with)
            assert_int_equal(err->code, PK_E_CONFIG);
        pk_error_free(err);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_list),
        cmocka_unit_test(test_injection_is_refused),
        cmocka_unit_test(test_plain_http),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
