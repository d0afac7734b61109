/* Digests and encodings against the vectors of their specifications. */
#include "base/hash.h"
#include "base/mem.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdlib.h>
#include <string.h>

static void expect_hex(const uint8_t *data, size_t len, const char *hex) {
    char text[129];
    assert_true(len <= 64);
    pk_hex(data, len, text);
    assert_string_equal(text, hex);
}

/* FIPS 180-2, appendix B and C. */
static void sha256_vectors(void **state PK_UNUSED) {
    char hex[PK_SHA256_HEX_SIZE];
    pk_sha256_hex("abc", 3, hex);
    assert_string_equal(hex, "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
    pk_sha256_hex(NULL, 0, hex);
    assert_string_equal(hex, "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
    PK_CLEANUP(pk_freep) char *million = pk_malloc(1000000);
    memset(million, 'a', 1000000);
    pk_sha256_hex(million, 1000000, hex);
    assert_string_equal(hex, "cdc76e5c9914fb9281a1c7e284d73e67f1809a48a497200e046d39ccc7112cd0");
}

/* RFC 4231, cases 1, 2 and 6. */
static void hmac_vectors(void **state PK_UNUSED) {
    uint8_t mac[PK_SHA256_LEN];
    uint8_t key[131];
    memset(key, 0x0b, 20);
    pk_hmac_sha256(key, 20, "Hi There", 8, mac);
    expect_hex(mac, sizeof(mac),
               "b0344c61d8db38535ca8afceaf0bf12b881dc200c9833da726e9376c2e32cff7");
    pk_hmac_sha256("Jefe", 4, "what do ya want for nothing?", 28, mac);
    expect_hex(mac, sizeof(mac),
               "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843");
    memset(key, 0xaa, sizeof(key));
    pk_hmac_sha256(key, sizeof(key), "Test Using Larger Than Block-Size Key - Hash Key First", 54,
                   mac);
    expect_hex(mac, sizeof(mac),
               "60e431591ee0b67f0d8a26aacbf5b77f8e0bc6213728c5140546040f0ee37f54");
    pk_hmac_sha256(NULL, 0, NULL, 0, mac);
    expect_hex(mac, sizeof(mac),
               "b613679a0814d9ec772f95d778c35fc5ff1697c493715653c6c712144292c5ad");
}

/* RFC 1321 A.5, RFC 3174. */
static void md5_and_sha1_vectors(void **state PK_UNUSED) {
    uint8_t md5[16];
    char sha1[41];
    pk_md5("message digest", 14, md5);
    expect_hex(md5, sizeof(md5), "f96b697d7cb7938d525a2f31aaf161d0");
    pk_md5(NULL, 0, md5);
    expect_hex(md5, sizeof(md5), "d41d8cd98f00b204e9800998ecf8427e");
    pk_sha1_hex("abc", 3, sha1);
    assert_string_equal(sha1, "a9993e364706816aba3e25717850c26c9cd0d89d");
}

static void checksum_vectors(void **state PK_UNUSED) {
    assert_int_equal(pk_crc32("123456789", 9), 0xcbf43926);
    assert_int_equal(pk_crc32(NULL, 0), 0);
    assert_int_equal(pk_fnv1a32(""), 0x811c9dc5);
    assert_int_equal(pk_fnv1a32("a"), 0xe40c292c);
    assert_int_equal(pk_fnv1a32("foobar"), 0xbf9cf968);
}

static void hex_is_lower_case(void **state PK_UNUSED) {
    const uint8_t bytes[] = {0x00, 0x0f, 0xab, 0xff};
    expect_hex(bytes, sizeof(bytes), "000fabff");
    expect_hex(bytes, 0, "");
}

/* RFC 4648 §10, and one with the last two characters of the alphabet. */
static const struct {
    const char *plain;
    const char *base64;
    const char *base32;
} encoded[] = {
    {"", "", ""},
    {"f", "Zg==", "my"},
    {"fo", "Zm8=", "mzxq"},
    {"foo", "Zm9v", "mzxw6"},
    {"foob", "Zm9vYg==", "mzxw6yq"},
    {"fooba", "Zm9vYmE=", "mzxw6ytb"},
    {"foobar", "Zm9vYmFy", "mzxw6ytboi"},
    {"\xfb\xff\xfe", "+//+", "7p774"},
};

static void encodes_rfc4648(void **state PK_UNUSED) {
    for (size_t i = 0; i < PK_ARRAY_LEN(encoded); i++) {
        PK_CLEANUP(pk_buf_release) struct pk_buf buf = PK_BUF_INIT(100);
        char base32[33];
        pk_base64(encoded[i].plain, strlen(encoded[i].plain), &buf);
        assert_string_equal(pk_buf_cstr(&buf), encoded[i].base64);
        pk_base32_lower((const uint8_t *)encoded[i].plain, strlen(encoded[i].plain), base32);
        assert_string_equal(base32, encoded[i].base32);
    }
}

static void decodes_base64(void **state PK_UNUSED) {
    PK_CLEANUP(pk_buf_release) struct pk_buf buf = PK_BUF_INIT(100);
    for (size_t i = 0; i < PK_ARRAY_LEN(encoded); i++) {
        pk_buf_reset(&buf);
        assert_true(pk_base64_decode(pk_str(encoded[i].base64), &buf));
        assert_string_equal(pk_buf_cstr(&buf), encoded[i].plain);
    }
    pk_buf_reset(&buf);
    pk_buf_addz(&buf, "kept-");
    assert_true(pk_base64_decode(pk_str("Zm9v"), &buf));
    assert_string_equal(pk_buf_cstr(&buf), "kept-foo");
}

static void base64_keeps_every_byte(void **state PK_UNUSED) {
    uint8_t bytes[256];
    for (size_t i = 0; i < sizeof(bytes); i++) {
        bytes[i] = (uint8_t)i;
    }
    for (size_t len = 0; len <= sizeof(bytes); len++) {
        PK_CLEANUP(pk_buf_release) struct pk_buf text = PK_BUF_INIT(1000);
        PK_CLEANUP(pk_buf_release) struct pk_buf back = PK_BUF_INIT(1000);
        pk_base64(bytes, len, &text);
        assert_int_equal(text.len, (len + 2) / 3 * 4);
        assert_true(pk_base64_decode(pk_str_n(text.ptr, text.len), &back));
        assert_int_equal(back.len, len);
        assert_true(len == 0 || memcmp(back.ptr, bytes, len) == 0);
    }
}

static void refuses_malformed_base64(void **state PK_UNUSED) {
    static const char *const bad[] = {
        "Z",    "Zg",   "Zg=",    "Zg==Zg==", "=",    "====",  "Z===",    "Zg=g",
        "Zm9-", "Zm9 ", "Zm9v\n", "Zh==",     "Zm9=", "Zm9vZ", "Zm\x80v", "Zm9vZm9v=g=="};
    PK_CLEANUP(pk_buf_release) struct pk_buf buf = PK_BUF_INIT(100);
    for (size_t i = 0; i < PK_ARRAY_LEN(bad); i++) {
        assert_false(pk_base64_decode(pk_str(bad[i]), &buf));
        assert_string_equal(pk_buf_cstr(&buf), "");
    }
    pk_buf_addz(&buf, "kept");
    assert_false(pk_base64_decode(pk_str("Zm9vZm9vZm9-"), &buf));
    assert_string_equal(pk_buf_cstr(&buf), "kept");
    assert_int_equal(buf.len, 4);
}

static void compares_all_bytes(void **state PK_UNUSED) {
    assert_true(pk_equal_const_time("abcd", "abcd", 4));
    assert_false(pk_equal_const_time("abcd", "abce", 4));
    assert_false(pk_equal_const_time("abcd", "bbcd", 4));
    assert_true(pk_equal_const_time("abcd", "abce", 3));
    assert_true(pk_equal_const_time(NULL, NULL, 0));
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(sha256_vectors),           cmocka_unit_test(hmac_vectors),
        cmocka_unit_test(md5_and_sha1_vectors),     cmocka_unit_test(checksum_vectors),
        cmocka_unit_test(hex_is_lower_case),        cmocka_unit_test(encodes_rfc4648),
        cmocka_unit_test(decodes_base64),           cmocka_unit_test(base64_keeps_every_byte),
        cmocka_unit_test(refuses_malformed_base64), cmocka_unit_test(compares_all_bytes),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
