/*
 * clock.h - time behind an interface, durations as text.
 *
 * Layer 0. The system clock is stateless; a test passes its own struct pk_clock. Times are
 * milliseconds.
 */
#ifndef PK_BASE_CLOCK_H
#define PK_BASE_CLOCK_H

#include "base/base.h"

struct pk_clock {
    int64_t (*wall_ms)(void *ctx);      /* Unix time */
    int64_t (*monotonic_ms)(void *ctx); /* CLOCK_MONOTONIC */
    int64_t (*boottime_ms)(void *ctx);  /* CLOCK_BOOTTIME: goes on while the machine sleeps */
    void *ctx;
};

const struct pk_clock *pk_clock_system(void);
int64_t pk_wall_ms(const struct pk_clock *clock); /* clock NULL = the system's */
int64_t pk_monotonic_ms(const struct pk_clock *clock);
int64_t pk_boottime_ms(const struct pk_clock *clock);

/* "2026-11-20T12:00:00Z"; ret has at least 21 bytes. Times outside the years 0 to 9999 give the
 * nearest one inside. */
void pk_time_iso8601(int64_t unix_seconds, char ret[static 21]);
/* strftime in UTC with the given format; "" when the text does not fit. */
void pk_time_format(int64_t unix_seconds, const char *fmt, char *ret, size_t size);
/* Accepts ISO 8601 (RFC 3339, and the basic form of x-amz-date), RFC 822/1123 and epoch seconds;
 * seconds may have a fraction, cut to milliseconds; a zone is required: Z, UTC, GMT or an offset.
 * False leaves *ret alone. */
PK_NODISCARD bool pk_time_parse(const char *text, int64_t *ret_unix_ms);
/* "0.4s", "4m12s", "2h05m": for people, cut and not rounded. ret has at least 32 bytes. */
void pk_duration_human(int64_t ms, char ret[static 32]);
/* "30s", "5m", "2h", "1d" or bare seconds -> seconds; false when it is none or overflows. */
PK_NODISCARD bool pk_duration_parse(const char *text, int64_t *ret_seconds);
void pk_sleep_ms(int64_t ms);

#endif
