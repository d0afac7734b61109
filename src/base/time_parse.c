/*
 * time_parse.c - pk_time_parse of clock.h.
 *
 * Written by hand because strptime follows the locale and knows neither fractions nor all the zone
 * forms that AWS and its tools write ("Z", "+00:00", "GMT", and "UTC" in older login caches).
 */
#include "base/clock.h"
#include "base/str.h"

#include <string.h>
#include <strings.h>
#include <time.h>

struct fields {
    int year, month, day, hour, minute, second;
    int millisecond;
    int zone_minutes; /* east of UTC */
};

/* Moves *at over exactly n digits. */
static bool take_number(const char **at, int n, int *ret) {
    int value = 0;
    for (int i = 0; i < n; i++) {
        char c = (*at)[i];
        if (c < '0' || c > '9') {
            return false;
        }
        value = value * 10 + (c - '0');
    }
    *at += n;
    *ret = value;
    return true;
}

static bool take_char(const char **at, char c) {
    if (**at != c) {
        return false;
    }
    (*at)++;
    return true;
}

/* "." or "," and any number of digits: kept to the millisecond, the rest is cut. */
static bool take_fraction(const char **at, int *ret_millisecond) {
    *ret_millisecond = 0;
    if (**at != '.' && **at != ',') {
        return true;
    }
    (*at)++;
    int weight = 100;
    int digit;
    if (!take_number(at, 1, &digit)) {
        return false;
    }
    do {
        *ret_millisecond += digit * weight;
        weight /= 10;
    } while (take_number(at, 1, &digit));
    return true;
}

/* "Z", "UTC", "UT", "GMT", "+hh:mm", "-hhmm", "+hh"; must end the text. */
static bool take_zone(const char *at, int *ret_minutes) {
    static const char *const zero[] = {"Z", "UTC", "UT", "GMT"};
    for (size_t i = 0; i < PK_ARRAY_LEN(zero); i++) {
        if (pk_strieq(at, zero[i])) {
            *ret_minutes = 0;
            return true;
        }
    }
    if (*at != '+' && *at != '-') {
        return false;
    }
    int sign = *at++ == '-' ? -1 : 1;
    int hours;
    int minutes = 0;
    if (!take_number(&at, 2, &hours)) {
        return false;
    }
    if (*at != '\0') {
        take_char(&at, ':');
        if (!take_number(&at, 2, &minutes)) {
            return false;
        }
    }
    *ret_minutes = sign * (hours * 60 + minutes);
    return *at == '\0' && hours < 24 && minutes < 60;
}

/* "2026-11-20T12:00:00.5Z" (RFC 3339), or "20261120T120000Z" as in x-amz-date. */
static bool parse_iso8601(const char *at, struct fields *f) {
    if (!take_number(&at, 4, &f->year)) {
        return false;
    }
    bool extended = take_char(&at, '-');
    if (!take_number(&at, 2, &f->month) || take_char(&at, '-') != extended ||
        !take_number(&at, 2, &f->day)) {
        return false;
    }
    if (*at != 'T' && *at != 't' && (*at != ' ' || !extended)) {
        return false;
    }
    at++;
    if (!take_number(&at, 2, &f->hour) || take_char(&at, ':') != extended ||
        !take_number(&at, 2, &f->minute) || take_char(&at, ':') != extended ||
        !take_number(&at, 2, &f->second) || !take_fraction(&at, &f->millisecond)) {
        return false;
    }
    return take_zone(at, &f->zone_minutes);
}

static bool take_month(const char **at, int *ret) {
    static const char names[] = "JanFebMarAprMayJunJulAugSepOctNovDec";
    for (int i = 0; i < 12; i++) {
        if (strncasecmp(*at, names + (size_t)i * 3, 3) == 0) {
            *at += 3;
            *ret = i + 1;
            return true;
        }
    }
    return false;
}

static bool take_rfc822_year(const char **at, int *ret) {
    if (take_number(at, 4, ret)) {
        return true;
    }
    if (!take_number(at, 2, ret)) {
        return false;
    }
    *ret += *ret < 50 ? 2000 : 1900; /* RFC 5322 §4.3 */
    return true;
}

/* "[Fri, ]20 Nov 2026 12:00[:00] GMT" (RFC 822 §5 with the years of RFC 1123 §5.2.14). The name of
 * the day says nothing new and is not looked at. */
static bool parse_rfc822(const char *at, struct fields *f) {
    const char *comma = strchr(at, ',');
    if (comma != NULL) {
        if (comma - at < 3) {
            return false;
        }
        at = comma + 1;
        take_char(&at, ' ');
    }
    if ((!take_number(&at, 2, &f->day) && !take_number(&at, 1, &f->day)) || !take_char(&at, ' ') ||
        !take_month(&at, &f->month) || !take_char(&at, ' ') || !take_rfc822_year(&at, &f->year) ||
        !take_char(&at, ' ')) {
        return false;
    }
    if (!take_number(&at, 2, &f->hour) || !take_char(&at, ':') ||
        !take_number(&at, 2, &f->minute)) {
        return false;
    }
    if (take_char(&at, ':') && !take_number(&at, 2, &f->second)) {
        return false;
    }
    return take_char(&at, ' ') && take_zone(at, &f->zone_minutes);
}

/* Epoch seconds with an optional fraction, as AWS JSON protocols write them. */
static bool parse_epoch(const char *text, int64_t *ret_unix_ms) {
    const char *digits = text + (*text == '-' ? 1 : 0);
    size_t n = strspn(digits, "0123456789");
    const char *end = digits + n;
    int millisecond;
    int64_t value;
    if (n == 0 || !take_fraction(&end, &millisecond) || *end != '\0' ||
        !pk_parse_i64(pk_str_n(digits, n), &value) || __builtin_mul_overflow(value, 1000, &value) ||
        __builtin_add_overflow(value, millisecond, &value)) {
        return false;
    }
    *ret_unix_ms = digits == text ? value : -value;
    return true;
}

static bool to_unix_ms(const struct fields *f, int64_t *ret_unix_ms) {
    /* Second 60 is a leap second, which Unix time does not count. */
    if (f->month < 1 || f->month > 12 || f->day < 1 || f->hour > 23 || f->minute > 59 ||
        f->second > 60) {
        return false;
    }
    struct tm utc = {.tm_year = f->year - 1900,
                     .tm_mon = f->month - 1,
                     .tm_mday = f->day,
                     .tm_hour = f->hour,
                     .tm_min = f->minute,
                     .tm_sec = f->second == 60 ? 59 : f->second};
    int64_t seconds = (int64_t)timegm(&utc);
    if (utc.tm_mday != f->day) { /* timegm turns 31 April into 1 May */
        return false;
    }
    *ret_unix_ms = (seconds - (int64_t)f->zone_minutes * 60) * 1000 + f->millisecond;
    return true;
}

bool pk_time_parse(const char *text, int64_t *ret_unix_ms) {
    struct fields f = {0};
    if (parse_epoch(text, ret_unix_ms)) {
        return true;
    }
    if (parse_iso8601(text, &f)) {
        return to_unix_ms(&f, ret_unix_ms);
    }
    f = (struct fields){0};
    return parse_rfc822(text, &f) && to_unix_ms(&f, ret_unix_ms);
}
