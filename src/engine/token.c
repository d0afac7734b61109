/* token.c - TOKEN: the same for the same create in every run, another one for every other. */
#include "base/hash.h"
#include "base/mem.h"
#include "engine/engine.h"

#include <string.h>

void pk_engine_token(const char *lineage, const char *address, unsigned generation, const char *op,
                     size_t max, char *ret) {
    uint8_t digest[PK_SHA256_LEN];
    char text[PK_SHA256_LEN * 8 / 5 + 2];
    char *input PK_CLEANUP(pk_freep) = pk_asprintf("%s|%s|%u|%s", lineage, address, generation, op);
    pk_sha256(input, strlen(input), digest);
    pk_base32_lower(digest, sizeof(digest), text);
    size_t len = strlen(text) < max ? strlen(text) : max;
    memcpy(ret, text, len);
    ret[len] = 0;
}
