/*
 * hash.h - digests, encodings, random values.
 *
 * Layer 0, thread-safe. SHA-256, MD5 and HMAC are OpenSSL's; random bytes are getrandom(2)'s.
 */
#ifndef PK_BASE_HASH_H
#define PK_BASE_HASH_H

#include "base/base.h"
#include "base/str.h"

#define PK_SHA256_LEN 32
#define PK_SHA256_HEX_SIZE 65

void pk_sha256(const void *data, size_t len, uint8_t ret[static PK_SHA256_LEN]);
void pk_sha256_hex(const void *data, size_t len, char ret[static PK_SHA256_HEX_SIZE]);
void pk_hmac_sha256(const void *key, size_t key_len, const void *data, size_t len,
                    uint8_t ret[static PK_SHA256_LEN]);
void pk_md5(const void *data, size_t len, uint8_t ret[static 16]);
void pk_sha1_hex(const void *data, size_t len, char ret[static 41]);
uint32_t pk_crc32(const void *data, size_t len);
uint32_t pk_fnv1a32(const char *text);
void pk_hex(const uint8_t *data, size_t len, char *ret); /* 2*len + 1 bytes, lower case */
void pk_base64(const void *data, size_t len,
               struct pk_buf *ret); /* appended, padded, RFC 4648 §4 */
/* Appended; false when malformed (strict: padding required, no white space, unused bits zero), and
 * then ret is as it was. */
PK_NODISCARD bool pk_base64_decode(struct pk_str text, struct pk_buf *ret);
void pk_base32_lower(const uint8_t *data, size_t len,
                     char *ret); /* unpadded; (len*8+4)/5 + 1 bytes */
/* True when both have the same bytes; time depends on the lengths only. */
bool pk_equal_const_time(const void *a, const void *b, size_t len);

void pk_random_bytes(void *ret, size_t len);
uint32_t pk_random_below(uint32_t limit); /* uniform in [0, limit); limit > 0 */
void pk_random_text(char *ret, size_t len, const char *alphabet); /* len characters + NUL */
void pk_uuid4(char ret[static 37]);
extern const char pk_base62[]; /* alphabet 0-9A-Za-z */

#endif
