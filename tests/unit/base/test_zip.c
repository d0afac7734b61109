/* Archives byte by byte where the format fixes them, and unpacked again where zlib decides. */
#include "base/hash.h"
#include "base/mem.h"
#include "base/zip.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>
#include <string.h>
#include <zlib.h>

static uint32_t u16_at(const struct pk_buf *buf, size_t at) {
    assert_true(at + 2 <= buf->len);
    return (uint32_t)(uint8_t)buf->ptr[at] | (uint32_t)(uint8_t)buf->ptr[at + 1] << 8;
}

static uint32_t u32_at(const struct pk_buf *buf, size_t at) {
    return u16_at(buf, at) | u16_at(buf, at + 2) << 16;
}

static void expect_refused(struct pk_zip *zip, const char *name, size_t len, const char *why) {
    PK_CLEANUP(pk_error_freep) struct pk_error *err = NULL;
    size_t before = zip->out->len;
    assert_false(pk_zip_add(zip, name, "", len, false, &err));
    assert_int_equal(err->code, PK_E_IO);
    if (strstr(err->message, why) == NULL) {
        fail_msg("'%s' lacks '%s'", err->message, why);
    }
    assert_int_equal(zip->out->len, before);
}

/* clang-format off */
static const uint8_t stored_archive[] = {
    'P', 'K', 3, 4, 20, 0, 0, 8, 0, 0, 0, 0, 0x21, 0,           /* local header */
    0xac, 0x2a, 0x93, 0xd8, 2, 0, 0, 0, 2, 0, 0, 0, 1, 0, 0, 0, /* crc, lengths */
    'a', 'h', 'i',                                              /* name, data */
    'P', 'K', 1, 2, 20, 3, 20, 0, 0, 8, 0, 0, 0, 0, 0x21, 0,    /* central header */
    0xac, 0x2a, 0x93, 0xd8, 2, 0, 0, 0, 2, 0, 0, 0, 1, 0, 0, 0, /* crc, lengths */
    0, 0, 0, 0, 0, 0, 0, 0, 0xed, 0x81, 0, 0, 0, 0, 'a',        /* mode 0100755, offset, name */
    'P', 'K', 5, 6, 0, 0, 0, 0, 1, 0, 1, 0, 47, 0, 0, 0, 33, 0, 0, 0, 0, 0,
};
/* clang-format on */

static void a_small_archive_has_these_bytes(void **state PK_UNUSED) {
    PK_CLEANUP(pk_buf_release) struct pk_buf out = PK_BUF_INIT(1000);
    PK_CLEANUP(pk_zip_release) struct pk_zip zip;
    pk_zip_init(&zip, &out);
    assert_true(pk_zip_add(&zip, "a", "hi", 2, true, NULL));
    assert_true(pk_zip_finish(&zip, NULL));
    assert_int_equal(pk_crc32("hi", 2), u32_at(&out, 14));
    assert_int_equal(out.len, sizeof(stored_archive));
    assert_memory_equal(out.ptr, stored_archive, sizeof(stored_archive));
}

static void an_empty_archive_is_one(void **state PK_UNUSED) {
    PK_CLEANUP(pk_buf_release) struct pk_buf out = PK_BUF_INIT(1000);
    PK_CLEANUP(pk_zip_release) struct pk_zip zip;
    pk_zip_init(&zip, &out);
    assert_true(pk_zip_finish(&zip, NULL));
    assert_int_equal(out.len, 22);
    assert_int_equal(u32_at(&out, 0), 0x06054b50);
}

static void build(struct pk_buf *out) {
    char text[5000];
    memset(text, 'x', sizeof(text));
    PK_CLEANUP(pk_zip_release) struct pk_zip zip;
    pk_zip_init(&zip, out);
    assert_true(pk_zip_add(&zip, "bin/run", text, sizeof(text), true, NULL));
    assert_true(pk_zip_add(&zip, "empty", NULL, 0, false, NULL));
    assert_true(pk_zip_add(&zip, "index.js", text, 1000, false, NULL));
    assert_true(pk_zip_finish(&zip, NULL));
}

/* Follows one central header to its file and compares what comes out; returns the next header. */
static size_t expect_file(const struct pk_buf *archive, size_t start, size_t at, const char *name,
                          size_t len, uint32_t mode) {
    assert_int_equal(u32_at(archive, at), 0x02014b50);
    size_t name_len = u16_at(archive, at + 28);
    assert_int_equal(name_len, strlen(name));
    assert_memory_equal(archive->ptr + at + 46, name, name_len);
    assert_int_equal(u32_at(archive, at + 38) >> 16, mode);
    assert_int_equal(u32_at(archive, at + 24), len);
    uint32_t method = u16_at(archive, at + 10);
    uint32_t packed_len = u32_at(archive, at + 20);
    size_t local = start + u32_at(archive, at + 42);
    assert_int_equal(u32_at(archive, local), 0x04034b50);
    assert_memory_equal(archive->ptr + local + 4, archive->ptr + at + 6, 26);
    assert_memory_equal(archive->ptr + local + 30, name, name_len);
    uint8_t plain[6000];
    if (method == 0) {
        assert_int_equal(packed_len, len);
        memcpy(plain, archive->ptr + local + 30 + name_len, len);
    } else {
        assert_int_equal(method, 8);
        assert_true(packed_len < len);
        z_stream stream = {0};
        assert_int_equal(inflateInit2(&stream, -MAX_WBITS), Z_OK);
        stream.next_in = (Bytef *)archive->ptr + local + 30 + name_len;
        stream.avail_in = packed_len;
        stream.next_out = plain;
        stream.avail_out = sizeof(plain);
        assert_int_equal(inflate(&stream, Z_FINISH), Z_STREAM_END);
        assert_int_equal(stream.total_out, len);
        assert_int_equal(stream.avail_in, 0);
        inflateEnd(&stream);
    }
    for (size_t i = 0; i < len; i++) {
        assert_int_equal(plain[i], 'x');
    }
    assert_int_equal(u32_at(archive, at + 16), pk_crc32(plain, len));
    return at + 46 + name_len;
}

static void files_come_out_as_they_went_in(void **state PK_UNUSED) {
    PK_CLEANUP(pk_buf_release) struct pk_buf out = PK_BUF_INIT(100000);
    pk_buf_addz(&out, "prefix"); /* offsets count from where the archive starts */
    build(&out);
    size_t end = out.len - 22;
    assert_int_equal(u32_at(&out, end), 0x06054b50);
    assert_int_equal(u16_at(&out, end + 8), 3);
    assert_int_equal(u16_at(&out, end + 10), 3);
    size_t at = 6 + u32_at(&out, end + 16);
    assert_int_equal(at + u32_at(&out, end + 12), end);
    at = expect_file(&out, 6, at, "bin/run", 5000, 0100755);
    at = expect_file(&out, 6, at, "empty", 0, 0100644);
    at = expect_file(&out, 6, at, "index.js", 1000, 0100644);
    assert_int_equal(at, end);
}

static void the_same_files_give_the_same_bytes(void **state PK_UNUSED) {
    PK_CLEANUP(pk_buf_release) struct pk_buf first = PK_BUF_INIT(100000);
    PK_CLEANUP(pk_buf_release) struct pk_buf second = PK_BUF_INIT(100000);
    build(&first);
    build(&second);
    assert_int_equal(first.len, second.len);
    assert_memory_equal(first.ptr, second.ptr, first.len);
}

static void random_bytes_are_stored(void **state PK_UNUSED) {
    PK_CLEANUP(pk_buf_release) struct pk_buf out = PK_BUF_INIT(100000);
    PK_CLEANUP(pk_zip_release) struct pk_zip zip;
    uint8_t noise[2000];
    pk_random_bytes(noise, sizeof(noise));
    pk_zip_init(&zip, &out);
    assert_true(pk_zip_add(&zip, "noise", noise, sizeof(noise), false, NULL));
    assert_int_equal(u16_at(&out, 8), 0);
    assert_memory_equal(out.ptr + 30 + 5, noise, sizeof(noise));
}

static void refuses_names_that_leave_the_archive(void **state PK_UNUSED) {
    static const char *const bad[] = {"",    "/etc/passwd", "../x", "a/../../x", "a/..",
                                      "./a", "a//b",        "a/",   "a\\b",      "a/./b"};
    PK_CLEANUP(pk_buf_release) struct pk_buf out = PK_BUF_INIT(100000);
    PK_CLEANUP(pk_zip_release) struct pk_zip zip;
    pk_zip_init(&zip, &out);
    for (size_t i = 0; i < PK_ARRAY_LEN(bad); i++) {
        expect_refused(&zip, bad[i], 0, "not a relative path");
    }
    PK_CLEANUP(pk_freep) char *long_name = pk_malloc(65537);
    memset(long_name, 'n', 65536);
    long_name[65536] = '\0';
    expect_refused(&zip, long_name, 0, "65,535");
    long_name[65535] = '\0';
    assert_true(pk_zip_add(&zip, "..a/...", "", 0, false, NULL));
    assert_true(pk_zip_add(&zip, long_name, "", 0, false, NULL));
}

static void refuses_names_out_of_order(void **state PK_UNUSED) {
    PK_CLEANUP(pk_buf_release) struct pk_buf out = PK_BUF_INIT(1000);
    PK_CLEANUP(pk_zip_release) struct pk_zip zip;
    pk_zip_init(&zip, &out);
    assert_true(pk_zip_add(&zip, "b", "", 0, false, NULL));
    expect_refused(&zip, "b", 0, "after 'b'");
    expect_refused(&zip, "a", 0, "after 'b'");
    assert_true(pk_zip_add(&zip, "ba", "", 0, false, NULL));
}

static void refuses_what_needs_zip64(void **state PK_UNUSED) {
    PK_CLEANUP(pk_buf_release) struct pk_buf out = PK_BUF_INIT(PK_BUF_MAX_DEFAULT);
    PK_CLEANUP(pk_zip_release) struct pk_zip zip;
    pk_zip_init(&zip, &out);
    expect_refused(&zip, "huge", UINT32_MAX, "larger than 4 GiB");
    char name[16];
    for (int i = 0; i < 65535; i++) {
        snprintf(name, sizeof(name), "%05d", i);
        assert_true(pk_zip_add(&zip, name, "", 0, false, NULL));
    }
    expect_refused(&zip, "65535", 0, "at most 65535 files");
    assert_true(pk_zip_finish(&zip, NULL));
    assert_int_equal(u16_at(&out, out.len - 12), 65535);
}

static void a_full_buffer_is_an_error(void **state PK_UNUSED) {
    for (size_t max = 0; max < sizeof(stored_archive); max++) {
        PK_CLEANUP(pk_buf_release) struct pk_buf out = PK_BUF_INIT(max);
        PK_CLEANUP(pk_zip_release) struct pk_zip zip;
        PK_CLEANUP(pk_error_freep) struct pk_error *err = NULL;
        pk_zip_init(&zip, &out);
        bool added = pk_zip_add(&zip, "a", "hi", 2, true, &err);
        assert_int_equal(added, max >= 33);
        assert_false(added && pk_zip_finish(&zip, &err));
        assert_int_equal(err->code, PK_E_IO);
        assert_non_null(strstr(err->message, "the archive is larger than"));
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_small_archive_has_these_bytes),
        cmocka_unit_test(an_empty_archive_is_one),
        cmocka_unit_test(files_come_out_as_they_went_in),
        cmocka_unit_test(the_same_files_give_the_same_bytes),
        cmocka_unit_test(random_bytes_are_stored),
        cmocka_unit_test(refuses_names_that_leave_the_archive),
        cmocka_unit_test(refuses_names_out_of_order),
        cmocka_unit_test(refuses_what_needs_zip64),
        cmocka_unit_test(a_full_buffer_is_an_error),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
