/* hash.c - the digests and encodings of hash.h. */
#include "base/hash.h"

#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <string.h>
#include <zlib.h>

static void digest(const EVP_MD *algorithm, const void *data, size_t len, uint8_t *ret,
                   unsigned ret_len) {
    unsigned written = 0;
    int ok = EVP_Digest(len == 0 ? "" : data, len, ret, &written, algorithm, NULL);
    pk_assert(ok == 1 && written == ret_len);
}

void pk_sha256(const void *data, size_t len, uint8_t ret[static PK_SHA256_LEN]) {
    digest(EVP_sha256(), data, len, ret, PK_SHA256_LEN);
}

void pk_sha256_hex(const void *data, size_t len, char ret[static PK_SHA256_HEX_SIZE]) {
    uint8_t bytes[PK_SHA256_LEN];
    pk_sha256(data, len, bytes);
    pk_hex(bytes, sizeof(bytes), ret);
}

void pk_hmac_sha256(const void *key, size_t key_len, const void *data, size_t len,
                    uint8_t ret[static PK_SHA256_LEN]) {
    size_t written = 0;
    /* An empty key is a key; OpenSSL takes NULL for "none given" and fails. */
    const void *made =
        EVP_Q_mac(NULL, "HMAC", NULL, "SHA256", NULL, key_len == 0 ? "" : key, key_len,
                  len == 0 ? (const void *)"" : data, len, ret, PK_SHA256_LEN, &written);
    pk_assert(made != NULL && written == PK_SHA256_LEN);
}

void pk_md5(const void *data, size_t len, uint8_t ret[static 16]) {
    digest(EVP_md5(), data, len, ret, 16);
}

void pk_sha1_hex(const void *data, size_t len, char ret[static 41]) {
    uint8_t bytes[20];
    digest(EVP_sha1(), data, len, bytes, sizeof(bytes));
    pk_hex(bytes, sizeof(bytes), ret);
}

uint32_t pk_crc32(const void *data, size_t len) {
    return len == 0 ? 0 : (uint32_t)crc32_z(0, data, len);
}

uint32_t pk_fnv1a32(const char *text) {
    uint32_t hash = 0x811c9dc5;
    for (; *text != '\0'; text++) {
        hash = (hash ^ (unsigned char)*text) * 0x01000193U;
    }
    return hash;
}

void pk_hex(const uint8_t *data, size_t len, char *ret) {
    static const char digits[] = "0123456789abcdef";
    for (size_t i = 0; i < len; i++) {
        ret[2 * i] = digits[data[i] >> 4];
        ret[2 * i + 1] = digits[data[i] & 0x0f];
    }
    ret[2 * len] = '\0';
}

static const char base64_alphabet[] =
    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

void pk_base64(const void *data, size_t len, struct pk_buf *ret) {
    const uint8_t *in = data;
    for (size_t i = 0; i < len; i += 3) {
        size_t n = len - i < 3 ? len - i : 3;
        uint32_t bits = (uint32_t)in[i] << 16;
        bits |= n > 1 ? (uint32_t)in[i + 1] << 8 : 0;
        bits |= n > 2 ? (uint32_t)in[i + 2] : 0;
        char quad[4] = {base64_alphabet[bits >> 18], base64_alphabet[(bits >> 12) & 63],
                        n > 1 ? base64_alphabet[(bits >> 6) & 63] : '=',
                        n > 2 ? base64_alphabet[bits & 63] : '='};
        pk_buf_add(ret, quad, sizeof(quad));
    }
}

static int base64_value(char c) {
    if (c >= 'A' && c <= 'Z') {
        return c - 'A';
    }
    if (c >= 'a' && c <= 'z') {
        return c - 'a' + 26;
    }
    if (c >= '0' && c <= '9') {
        return c - '0' + 52;
    }
    return c == '+' ? 62 : c == '/' ? 63 : -1;
}

/* Decodes the n_chars (2 to 4) characters of one group; false for a strange character or when
 * bits that no byte takes are set. */
static bool decode_group(const char *in, size_t n_chars, uint8_t ret[3]) {
    uint32_t bits = 0;
    for (size_t i = 0; i < 4; i++) {
        int value = i < n_chars ? base64_value(in[i]) : 0;
        if (value < 0) {
            return false;
        }
        bits = bits << 6 | (uint32_t)value;
    }
    ret[0] = (uint8_t)(bits >> 16);
    ret[1] = (uint8_t)(bits >> 8);
    ret[2] = (uint8_t)bits;
    return (n_chars > 2 || ret[1] == 0) && (n_chars > 3 || ret[2] == 0);
}

bool pk_base64_decode(struct pk_str text, struct pk_buf *ret) {
    if (text.len % 4 != 0) {
        return false;
    }
    size_t start = ret->len;
    for (size_t i = 0; i < text.len; i += 4) {
        const char *group = text.ptr + i;
        size_t n_chars = 4;
        if (i + 4 == text.len && group[3] == '=') {
            n_chars = group[2] == '=' ? 2 : 3;
        }
        uint8_t bytes[3];
        if (!decode_group(group, n_chars, bytes)) {
            ret->len = start;
            if (ret->ptr != NULL) {
                ret->ptr[start] = '\0';
            }
            return false;
        }
        pk_buf_add(ret, bytes, n_chars - 1);
    }
    return true;
}

/* RFC 4648 §6, in lower case and without padding. */
void pk_base32_lower(const uint8_t *data, size_t len, char *ret) {
    static const char alphabet[] = "abcdefghijklmnopqrstuvwxyz234567";
    uint32_t bits = 0;
    unsigned n_bits = 0;
    for (size_t i = 0; i < len; i++) {
        bits = bits << 8 | data[i];
        n_bits += 8;
        while (n_bits >= 5) {
            n_bits -= 5;
            *ret++ = alphabet[(bits >> n_bits) & 31];
        }
    }
    if (n_bits > 0) {
        *ret++ = alphabet[(bits << (5 - n_bits)) & 31];
    }
    *ret = '\0';
}

bool pk_equal_const_time(const void *a, const void *b, size_t len) {
    return len == 0 || CRYPTO_memcmp(a, b, len) == 0;
}
