/* clock.c - see clock.h: the system's clocks, times and durations as text. */
#include "base/clock.h"

#include "base/str.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <time.h>

static int64_t read_ms(clockid_t id) {
    struct timespec now;
    int rc = clock_gettime(id, &now);
    pk_assert(rc == 0);
    return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

static int64_t system_wall_ms(void *ctx PK_UNUSED) {
    return read_ms(CLOCK_REALTIME);
}

static int64_t system_monotonic_ms(void *ctx PK_UNUSED) {
    return read_ms(CLOCK_MONOTONIC);
}

static int64_t system_boottime_ms(void *ctx PK_UNUSED) {
    return read_ms(CLOCK_BOOTTIME);
}

const struct pk_clock *pk_clock_system(void) {
    static const struct pk_clock clock = {system_wall_ms, system_monotonic_ms, system_boottime_ms,
                                          NULL};
    return &clock;
}

static const struct pk_clock *or_system(const struct pk_clock *clock) {
    return clock == NULL ? pk_clock_system() : clock;
}

int64_t pk_wall_ms(const struct pk_clock *clock) {
    clock = or_system(clock);
    return clock->wall_ms(clock->ctx);
}

int64_t pk_monotonic_ms(const struct pk_clock *clock) {
    clock = or_system(clock);
    return clock->monotonic_ms(clock->ctx);
}

int64_t pk_boottime_ms(const struct pk_clock *clock) {
    clock = or_system(clock);
    return clock->boottime_ms(clock->ctx);
}

/* Keeps the year at four digits: 0000-01-01T00:00:00Z to 9999-12-31T23:59:59Z. */
static struct tm to_utc(int64_t unix_seconds) {
    const int64_t first = -INT64_C(62167219200);
    const int64_t last = INT64_C(253402300799);
    time_t t = (time_t)(unix_seconds < first ? first : unix_seconds > last ? last : unix_seconds);
    struct tm utc = {0};
    gmtime_r(&t, &utc);
    return utc;
}

void pk_time_iso8601(int64_t unix_seconds, char ret[static 21]) {
    struct tm utc = to_utc(unix_seconds);
    /* The remainders change nothing; they show the compiler that 21 bytes are enough. */
    snprintf(ret, 21, "%04u-%02u-%02uT%02u:%02u:%02uZ", (unsigned)(utc.tm_year + 1900) % 10000U,
             (unsigned)(utc.tm_mon + 1) % 100U, (unsigned)utc.tm_mday % 100U,
             (unsigned)utc.tm_hour % 100U, (unsigned)utc.tm_min % 100U,
             (unsigned)utc.tm_sec % 100U);
}

void pk_time_format(int64_t unix_seconds, const char *fmt, char *ret, size_t size) {
    pk_assert(size > 0);
    struct tm utc = to_utc(unix_seconds);
    /* gcc wants a literal here, whoever checked the format; strftime reads nothing but the tm. */
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wformat-nonliteral"
    size_t len = strftime(ret, size, fmt, &utc);
#pragma GCC diagnostic pop
    if (len == 0) {
        ret[0] = '\0'; /* strftime leaves anything behind when it does not fit */
    }
}

void pk_duration_human(int64_t ms, char ret[static 32]) {
    uint64_t abs_ms = ms < 0 ? 0 - (uint64_t)ms : (uint64_t)ms;
    const char *sign = ms < 0 ? "-" : "";
    uint64_t seconds = abs_ms / 1000;
    uint64_t minutes = seconds / 60;
    uint64_t hours = minutes / 60;
    if (minutes == 0) {
        snprintf(ret, 32, "%s%" PRIu64 ".%" PRIu64 "s", sign, seconds, abs_ms / 100 % 10);
    } else if (hours == 0) {
        snprintf(ret, 32, "%s%" PRIu64 "m%02" PRIu64 "s", sign, minutes, seconds % 60);
    } else {
        snprintf(ret, 32, "%s%" PRIu64 "h%02" PRIu64 "m", sign, hours, minutes % 60);
    }
}

/* Seconds in the unit, 0 for an unknown one. */
static int64_t unit_seconds(char unit) {
    switch (unit) {
    case 's':
        return 1;
    case 'm':
        return 60;
    case 'h':
        return 3600;
    case 'd':
        return 86400;
    default:
        return 0;
    }
}

bool pk_duration_parse(const char *text, int64_t *ret_seconds) {
    size_t n_digits = 0;
    while (text[n_digits] >= '0' && text[n_digits] <= '9') {
        n_digits++;
    }
    int64_t value;
    if (!pk_parse_i64(pk_str_n(text, n_digits), &value)) {
        return false;
    }
    char unit = text[n_digits];
    int64_t factor = unit == '\0' ? 1 : unit_seconds(unit);
    if (factor == 0 || (unit != '\0' && text[n_digits + 1] != '\0') ||
        __builtin_mul_overflow(value, factor, &value)) {
        return false;
    }
    *ret_seconds = value;
    return true;
}

void pk_sleep_ms(int64_t ms) {
    if (ms <= 0) {
        return;
    }
    struct timespec left = {.tv_sec = (time_t)(ms / 1000), .tv_nsec = (long)(ms % 1000) * 1000000};
    while (clock_nanosleep(CLOCK_MONOTONIC, 0, &left, &left) == EINTR) {
    }
}
