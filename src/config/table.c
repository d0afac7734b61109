/* table.c - the one table of settings. */
#include "base/clock.h"
#include "base/str.h"
#include "config/internal.h"

#include <string.h>

#define DAY 86400

/* clang-format off */
const struct pk_setting_row pk_setting_rows[PK_SET_COUNT] = {
    [PK_SET_REGION] = {.name = "region", .alias = "aws.region", .env = "PANKA_REGION", .flag = "--region"},
    [PK_SET_PROFILE] = {.name = "aws.profile", .alias = "profile", .env = "PANKA_PROFILE", .flag = "--profile"},
    [PK_SET_ENDPOINT_URL] = {.name = "aws.endpointUrl", .alias = "endpointUrl", .env = "PANKA_ENDPOINT_URL", .flag = "--endpoint-url"},
    [PK_SET_BACKEND_TYPE] = {.name = "backend.type", .env = "PANKA_BACKEND", .type = PK_SETTING_WORD, .words = "s3|local"},
    [PK_SET_BACKEND_BUCKET] = {.name = "backend.bucket", .env = "PANKA_BACKEND_BUCKET", .flag = "--backend-bucket"},
    [PK_SET_BACKEND_REGION] = {.name = "backend.region", .env = "PANKA_BACKEND_REGION", .flag = "--backend-region"},
    [PK_SET_BACKEND_PREFIX] = {.name = "backend.prefix", .env = "PANKA_BACKEND_PREFIX", .may_be_empty = true},
    [PK_SET_LOCK_TABLE] = {.name = "locks.table", .alias = "backend.table", .env = "PANKA_LOCK_TABLE", .flag = "--lock-table", .def = "panka-locks"},
    [PK_SET_LOCK_HEARTBEAT] = {.name = "locks.heartbeat", .env = "PANKA_LOCK_HEARTBEAT", .def = "30s", .type = PK_SETTING_DURATION, .min = 1, .max = 3600},
    [PK_SET_LOCK_LEASE] = {.name = "locks.lease", .env = "PANKA_LOCK_LEASE", .def = "120s", .type = PK_SETTING_DURATION, .min = 3, .max = DAY},
    [PK_SET_LOCK_TTL] = {.name = "locks.ttl", .env = "PANKA_LOCK_TTL", .def = "3600s", .type = PK_SETTING_DURATION, .min = 60, .max = 30 * DAY},
    [PK_SET_PARALLELISM] = {.name = "preferences.parallelism", .env = "PANKA_PARALLELISM", .flag = "--parallelism", .def = "10", .type = PK_SETTING_INT, .min = 1, .max = 256},
    [PK_SET_ENVIRONMENT] = {.name = "environment", .env = "PANKA_ENVIRONMENT", .flag = "--environment"},
    [PK_SET_TENANT] = {.name = "tenant", .env = "PANKA_TENANT", .flag = "--tenant"},
};
/* clang-format on */

static bool is_word(const char *words, const char *text) {
    struct pk_str rest = pk_str(words), word;
    while (pk_str_cut(&rest, '|', &word))
        if (pk_str_eqz(word, text))
            return true;
    return false;
}

bool pk_setting_check(const struct pk_setting_row *row, const char *text, struct pk_arena *arena,
                      const char **ret_why) {
    int64_t n = 0;
    switch (row->type) {
    case PK_SETTING_TEXT:
        for (const char *p = text; *p; p++)
            if ((unsigned char)*p < 0x20 || *p == 0x7f) {
                *ret_why = "it has control characters";
                return false;
            }
        return true;
    case PK_SETTING_WORD:
        *ret_why = pk_arena_printf(arena, "it is one of %s", row->words);
        return is_word(row->words, text);
    case PK_SETTING_DURATION:
        *ret_why =
            pk_arena_printf(arena, "it is a duration such as 30s or 5m, %lld to %lld seconds",
                            (long long)row->min, (long long)row->max);
        return pk_duration_parse(text, &n) && n >= row->min && n <= row->max;
    case PK_SETTING_INT:
        *ret_why = pk_arena_printf(arena, "it is a whole number, %lld to %lld", (long long)row->min,
                                   (long long)row->max);
        return pk_parse_i64(pk_str(text), &n) && n >= row->min && n <= row->max;
    }
    return false;
}

const char *pk_setting_name(enum pk_setting which) {
    return pk_setting_rows[which].name;
}
