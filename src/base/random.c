/* random.c - the random values of hash.h. */
#include "base/hash.h"

#include <errno.h>
#include <string.h>
#include <sys/random.h>

const char pk_base62[] = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";

void pk_random_bytes(void *ret, size_t len) {
    char *at = ret;
    while (len > 0) {
        ssize_t n = getrandom(at, len, 0);
        /* Without flags getrandom(2) fails for no reason but a signal. */
        pk_assert(n > 0 || errno == EINTR);
        if (n > 0) {
            at += n;
            len -= (size_t)n;
        }
    }
}

uint32_t pk_random_below(uint32_t limit) {
    pk_assert(limit > 0);
    /* 2^32 mod limit values at the low end would make the first ones likelier. */
    uint32_t reject = (0U - limit) % limit;
    uint32_t value;
    do {
        pk_random_bytes(&value, sizeof(value));
    } while (value < reject);
    return value % limit;
}

void pk_random_text(char *ret, size_t len, const char *alphabet) {
    size_t n = strlen(alphabet);
    pk_assert(n > 0 && n <= UINT32_MAX);
    for (size_t i = 0; i < len; i++) {
        ret[i] = alphabet[pk_random_below((uint32_t)n)];
    }
    ret[len] = '\0';
}

void pk_uuid4(char ret[static 37]) {
    uint8_t bytes[16];
    pk_random_bytes(bytes, sizeof(bytes));
    bytes[6] = (uint8_t)((bytes[6] & 0x0f) | 0x40); /* RFC 9562 §5.4: version 4, variant 10 */
    bytes[8] = (uint8_t)((bytes[8] & 0x3f) | 0x80);
    static const size_t group_len[] = {4, 2, 2, 2, 6};
    size_t from = 0;
    for (size_t i = 0; i < PK_ARRAY_LEN(group_len); i++) {
        if (i > 0) {
            *ret++ = '-';
        }
        pk_hex(bytes + from, group_len[i], ret);
        ret += 2 * group_len[i];
        from += group_len[i];
    }
}
