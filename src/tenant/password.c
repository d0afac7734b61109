/* password.c - bcrypt over libxcrypt. */
#include "tenant/password.h"

#include "base/hash.h"
#include "base/mem.h"
#include "base/str.h"

#include <crypt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define MAX_SECRET 72 /* bcrypt reads no more */
#define RANDOM_PART 33
#define HASH_LEN 60
#define MIN_COST 4
#define MAX_COST 16 /* more would block a login for minutes */

char *pk_password_make(const char *prefix) {
    char part[RANDOM_PART + 1];
    pk_random_text(part, RANDOM_PART, pk_base62);
    char *secret = pk_asprintf("%s_%s", prefix, part);
    explicit_bzero(part, sizeof(part));
    return secret;
}

/* The struct has 32 KiB and keys inside: on the heap, wiped. NULL on failure (libxcrypt's "*0"). */
static char *bcrypt(const char *secret, const char *setting) {
    struct crypt_data *data = pk_calloc(1, sizeof(*data));
    const char *result = crypt_r(secret, setting, data);
    char *hash = result && result[0] != '*' ? pk_strdup(result) : NULL;
    explicit_bzero(data, sizeof(*data));
    free(data);
    return hash;
}

bool pk_password_hash(const char *secret, char **ret_hash, struct pk_error **err) {
    char salt[16], setting[CRYPT_GENSALT_OUTPUT_SIZE];
    if (!*secret || strlen(secret) > MAX_SECRET)
        return pk_fail(err, PK_E_CONFIG, "a secret has 1 to %d bytes", MAX_SECRET);
    pk_random_bytes(salt, sizeof(salt));
    if (!crypt_gensalt_rn("$2b$", PK_PASSWORD_COST, salt, sizeof(salt), setting, sizeof(setting)))
        return pk_fail(err, PK_E_INTERNAL, "libcrypt makes no bcrypt salts");
    char *hash = bcrypt(secret, setting);
    if (!hash)
        return pk_fail(err, PK_E_INTERNAL, "libcrypt makes no bcrypt hashes");
    *ret_hash = hash;
    return true;
}

/* 0 when the text is no bcrypt hash. */
static int cost_of(const char *hash) {
    if (!hash || strlen(hash) != HASH_LEN || hash[0] != '$' || hash[1] != '2' ||
        !strchr("aby", hash[2]) || hash[3] != '$' || hash[6] != '$')
        return 0;
    int64_t cost;
    if (!pk_parse_i64(pk_str_n(hash + 4, 2), &cost) || cost < MIN_COST || cost > MAX_COST)
        return 0;
    return (int)cost;
}

static void spend(const char *secret, int cost) {
    char setting[40];
    snprintf(setting, sizeof(setting), "$2b$%02d$abcdefghijklmnopqrstuu", cost);
    free(bcrypt(secret, setting));
}

bool pk_password_check(const char *hash, const char *secret) {
    int cost = cost_of(hash);
    /* what bcrypt would cut is a wrong secret, but it is hashed all the same */
    bool fits = strlen(secret) <= MAX_SECRET;
    bool good = false;
    if (cost > 0) {
        char *again PK_CLEANUP(pk_secret_freep) = bcrypt(secret, hash);
        good = again && strlen(again) == HASH_LEN && pk_equal_const_time(again, hash, HASH_LEN);
    }
    /* 2^c, and then 2^c + 2^(c+1) + … up to 2^12 in all */
    for (int k = cost > 0 ? cost : PK_PASSWORD_COST; k < PK_PASSWORD_COST; k++)
        spend(secret, k);
    if (cost == 0)
        spend(secret, PK_PASSWORD_COST);
    return good && fits;
}
