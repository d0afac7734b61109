/* test_sigv4.c - AWS's published signing cases, in header and in query form. */
#include "aws/sigv4.h"
#include "base/clock.h"
#include "base/fs.h"
#include "base/hash.h"
#include "base/mem.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct request {
    char *method, *path;
    struct pk_aws_pairs query;
    struct pk_headers headers;
    const char *body;
};

static void read_text(const char *folder, const char *name, struct pk_buf *ret) {
    PK_CLEANUP(pk_freep) char *path = pk_path_join(folder, name);
    struct pk_error *err = NULL;
    if (!pk_read_file(path, 1 << 20, ret, &err))
        fail_msg("%s", err->message);
}

/* "METHOD path HTTP/1.1" with blanks in the path, header lines (a blank at the start continues the
 * one before), an empty line, the body. */
static void parse_request(const char *text, struct request *ret) {
    struct pk_str rest = pk_str(text), line;
    assert_true(pk_str_cut(&rest, '\n', &line));
    const char *first = memchr(line.ptr, ' ', line.len), *last = memrchr(line.ptr, ' ', line.len);
    ret->method = pk_strndup(line.ptr, (size_t)(first - line.ptr));
    char *uri = pk_strndup(first + 1, (size_t)(last - first) - 1);
    char *query = strchr(uri, '?');
    ret->path = pk_strndup(uri, query ? (size_t)(query - uri) : strlen(uri));
    pk_aws_pairs_parse(&ret->query, pk_str(query ? query + 1 : ""));
    free(uri);
    while (rest.len > 0 && pk_str_cut(&rest, '\n', &line) && line.len > 0) {
        struct pk_header *before =
            ret->headers.len ? &ret->headers.items[ret->headers.len - 1] : NULL;
        if (line.ptr[0] == ' ' || line.ptr[0] == '\t') {
            struct pk_str more = pk_str_trim(line);
            char *joined = pk_asprintf("%s " PK_STR_FMT, before->value, PK_STR_ARG(more));
            free(before->value);
            before->value = joined;
            continue;
        }
        struct pk_str value = line, name;
        assert_true(pk_str_cut(&value, ':', &name));
        char *name_text = pk_strndup(name.ptr, name.len);
        char *value_text = pk_strndup(value.len ? value.ptr : "", value.len);
        assert_true(pk_headers_add(&ret->headers, name_text, value_text));
        free(name_text);
        free(value_text);
    }
    ret->body = rest.len > 0 ? rest.ptr : "";
}

static void release_request(struct request *request) {
    free(request->method);
    free(request->path);
    pk_aws_pairs_release(&request->query);
    pk_headers_release(&request->headers);
}

static void expect_file(const char *folder, const char *name, const char *actual) {
    struct pk_buf text;
    read_text(folder, name, &text);
    struct pk_str expected = pk_str_trim(pk_str(pk_buf_cstr(&text)));
    if (!pk_str_eqz(expected, actual))
        fail_msg("%s/%s:\n%s\nis not\n" PK_STR_FMT, folder, name, actual, PK_STR_ARG(expected));
    pk_buf_release(&text);
}

static const char *text_of(const json_t *root, const char *key) {
    return json_string_value(json_object_get(root, key));
}

static void run_form(const char *folder, const json_t *context, bool query_form) {
    struct pk_buf text, canonical, to_sign;
    struct request request = {0};
    const json_t *keys = json_object_get(context, "credentials");
    int64_t now_ms;
    char hash[PK_SHA256_HEX_SIZE];
    pk_buf_init(&canonical, 1 << 20);
    pk_buf_init(&to_sign, 1 << 20);
    read_text(folder, "request.txt", &text);
    parse_request(pk_buf_cstr(&text), &request);
    assert_true(pk_time_parse(text_of(context, "timestamp"), &now_ms));
    pk_sha256_hex(request.body, strlen(request.body), hash);
    if (json_is_true(json_object_get(context, "sign_body")) && !query_form)
        assert_true(pk_headers_add(&request.headers, "x-amz-content-sha256", hash));
    struct pk_sigv4 input = {
        .method = request.method,
        .path = request.path,
        .query = &request.query,
        .headers = &request.headers,
        .payload_hash = hash,
        .access_key_id = text_of(keys, "access_key_id"),
        .secret_access_key = text_of(keys, "secret_access_key"),
        .session_token = text_of(keys, "token"),
        .region = text_of(context, "region"),
        .service = text_of(context, "service"),
        .unix_seconds = now_ms / 1000,
        .escape_path = true,
        .normalize_path = json_is_true(json_object_get(context, "normalize")),
        .token_unsigned = json_is_true(json_object_get(context, "omit_session_token")),
        .expires_s = (int)json_integer_value(json_object_get(context, "expiration_in_seconds")),
        .ret_canonical_request = &canonical,
        .ret_string_to_sign = &to_sign,
    };
    const char *signature;
    struct pk_headers headers = {0};
    struct pk_aws_pairs pairs = {0};
    if (query_form) {
        pk_sigv4_presign(&input, &pairs);
        signature = pairs.items[pairs.len - 1].value;
    } else {
        pk_sigv4_sign(&input, &headers);
        signature = strstr(pk_headers_get(&headers, "Authorization"), "Signature=") + 10;
    }
    const char *form = query_form ? "query" : "header";
    char name[64];
    snprintf(name, sizeof(name), "%s-canonical-request.txt", form);
    expect_file(folder, name, pk_buf_cstr(&canonical));
    snprintf(name, sizeof(name), "%s-string-to-sign.txt", form);
    expect_file(folder, name, pk_buf_cstr(&to_sign));
    snprintf(name, sizeof(name), "%s-signature.txt", form);
    expect_file(folder, name, signature);
    pk_headers_release(&headers);
    pk_aws_pairs_release(&pairs);
    release_request(&request);
    pk_buf_release(&text);
    pk_buf_release(&canonical);
    pk_buf_release(&to_sign);
}

static void test_signing_suite(void **state) {
    (void)state;
    const char *vectors = getenv("PANKA_VECTORS");
    struct pk_vec names = PK_VEC_INIT;
    if (vectors == NULL) {
        print_message("skipped: PANKA_VECTORS is not set\n");
        skip();
    }
    PK_CLEANUP(pk_freep) char *folder = pk_path_join(vectors, "sigv4/v4");
    assert_true(pk_list_dir(folder, 1000, &names, NULL));
    for (size_t i = 0; i < names.len; i++) {
        PK_CLEANUP(pk_freep) char *one = pk_path_join(folder, names.items[i]);
        struct pk_buf text;
        read_text(one, "context.json", &text);
        json_t *context = json_loads(pk_buf_cstr(&text), 0, NULL);
        run_form(one, context, false);
        run_form(one, context, true);
        json_decref(context);
        pk_buf_release(&text);
    }
    print_message("%zu cases in two forms\n", names.len);
    assert_int_equal(names.len, 38);
    pk_names_release(&names);
}

/* The same suite in the older form that botocore carries: <name>.req, .creq, .sts, .authz. */
static void run_old(const char *folder, const char *name) {
    char file[256];
    struct pk_buf text, canonical, to_sign;
    struct request request = {0};
    struct pk_headers headers = {0};
    char hash[PK_SHA256_HEX_SIZE];
    pk_buf_init(&canonical, 1 << 20);
    pk_buf_init(&to_sign, 1 << 20);
    snprintf(file, sizeof(file), "%s.req", name);
    read_text(folder, file, &text);
    parse_request(pk_buf_cstr(&text), &request);
    pk_sha256_hex(request.body, strlen(request.body), hash);
    struct pk_sigv4 input = {
        .method = request.method,
        .path = request.path,
        .query = &request.query,
        .headers = &request.headers,
        .payload_hash = hash,
        .access_key_id = "AKIDEXAMPLE",
        .secret_access_key = "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY",
        .region = "us-east-1",
        .service = "service",
        .unix_seconds = 1440938160,
        .escape_path = true,
        .normalize_path = true,
        .ret_canonical_request = &canonical,
        .ret_string_to_sign = &to_sign,
    };
    pk_sigv4_sign(&input, &headers);
    snprintf(file, sizeof(file), "%s.creq", name);
    expect_file(folder, file, pk_buf_cstr(&canonical));
    snprintf(file, sizeof(file), "%s.sts", name);
    expect_file(folder, file, pk_buf_cstr(&to_sign));
    snprintf(file, sizeof(file), "%s.authz", name);
    expect_file(folder, file, pk_headers_get(&headers, "Authorization"));
    pk_headers_release(&headers);
    release_request(&request);
    pk_buf_release(&text);
    pk_buf_release(&canonical);
    pk_buf_release(&to_sign);
}

static void test_old_suite(void **state) {
    (void)state;
    const char *sdist = getenv("PANKA_BOTOCORE_SDIST");
    struct pk_vec names = PK_VEC_INIT;
    size_t run = 0;
    if (sdist == NULL) {
        print_message("skipped: PANKA_BOTOCORE_SDIST is not set\n");
        skip();
    }
    PK_CLEANUP(pk_freep) char *folder = pk_path_join(sdist, "tests/unit/auth/aws4_testsuite");
    assert_true(pk_list_dir(folder, 1000, &names, NULL));
    for (size_t i = 0; i < names.len; i++) {
        const char *name = names.items[i];
        PK_CLEANUP(pk_freep) char *one = pk_path_join(folder, name);
        PK_CLEANUP(pk_freep) char *file = pk_asprintf("%s/%s.req", one, name);
        /* Session tokens are a matter of the newer suite. */
        if (!pk_path_exists(file) || pk_starts_with(name, "post-sts") ||
            pk_ends_with(name, "session-token"))
            continue;
        run_old(one, name);
        run++;
    }
    print_message("%zu cases\n", run);
    assert_true(run >= 20);
    pk_names_release(&names);
}

/* An S3 key stays as it is sent; elsewhere an escaped path is escaped once more. */
static void test_path_escaping(void **state) {
    (void)state;
    struct pk_aws_pairs query = {0};
    struct pk_headers headers = {0}, added = {0};
    struct pk_buf canonical;
    pk_buf_init(&canonical, 4096);
    assert_true(pk_headers_add(&headers, "Host", "h"));
    pk_aws_pairs_add(&query, "location", NULL);
    pk_aws_pairs_add(&query, "a/b", "~ +");
    struct pk_sigv4 input = {
        .method = "GET",
        .path = "/a%20b/../c%2F%3D//d",
        .query = &query,
        .headers = &headers,
        .payload_hash = PK_SIGV4_UNSIGNED_PAYLOAD,
        .access_key_id = "k",
        .secret_access_key = "s",
        .region = "r",
        .service = "s3",
        .ret_canonical_request = &canonical,
    };
    pk_sigv4_sign(&input, &added);
    assert_non_null(strstr(canonical.ptr, "GET\n/a%20b/../c%2F%3D//d\na%2Fb=~%20%2B&location=\n"));
    pk_headers_release(&added);
    pk_buf_reset(&canonical);
    input.escape_path = input.normalize_path = true;
    pk_sigv4_sign(&input, &added);
    assert_non_null(strstr(canonical.ptr, "GET\n/c%252F%253D/d\n"));
    pk_headers_release(&added);
    pk_headers_release(&headers);
    pk_aws_pairs_release(&query);
    pk_buf_release(&canonical);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_signing_suite),
        cmocka_unit_test(test_old_suite),
        cmocka_unit_test(test_path_escaping),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
