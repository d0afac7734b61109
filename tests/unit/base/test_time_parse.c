/* The forms of time that AWS and its tools write, and near misses. */
#include "base/clock.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdlib.h>
#include <time.h>

static const struct {
    const char *text;
    int64_t unix_ms;
} good[] = {
    /* RFC 3339 */
    {"2026-11-20T12:00:00Z", 1795176000000},
    {"2026-11-20t12:00:00z", 1795176000000},
    {"2026-11-20 12:00:00Z", 1795176000000},
    {"2026-11-20T12:00:00UTC", 1795176000000},
    {"2026-11-20T12:00:00+00:00", 1795176000000},
    {"2026-11-20T14:30:00+02:30", 1795176000000},
    {"2026-11-20T07:00:00-0500", 1795176000000},
    {"2026-11-20T13:00:00+01", 1795176000000},
    {"2026-11-20T12:00:00.5Z", 1795176000500},
    {"2026-11-20T12:00:00.123456789Z", 1795176000123},
    {"2026-11-20T12:00:00,25Z", 1795176000250},
    {"2024-02-29T23:59:59.999Z", 1709251199999},
    {"1969-12-31T23:59:59.250Z", -750},
    {"1970-01-01T00:00:00Z", 0},
    {"2016-12-31T23:59:60Z", 1483228799000},
    {"0001-01-01T00:00:00Z", -62135596800000},
    {"9999-12-31T23:59:59Z", 253402300799000},
    /* x-amz-date */
    {"20150830T123600Z", 1440938160000},
    /* RFC 822, RFC 1123 */
    {"Fri, 20 Nov 2026 12:00:00 GMT", 1795176000000},
    {"Friday, 20 Nov 2026 12:00:00 GMT", 1795176000000},
    {"20 Nov 2026 12:00:00 +0000", 1795176000000},
    {"20 nov 2026 12:00 UT", 1795176000000},
    {"20 Nov 26 12:00:00 Z", 1795176000000},
    {"Tue, 15 Nov 1994 08:12:31 GMT", 784887151000},
    {"Tue, 15 Nov 94 03:12:31 -0500", 784887151000},
    {"1 Jan 49 00:00:00 GMT", 2493072000000},
    {"1 Jan 50 00:00:00 GMT", -631152000000},
    /* epoch */
    {"0", 0},
    {"1795176000", 1795176000000},
    {"1795176000.5", 1795176000500},
    {"1795176000.1239", 1795176000123},
    {"-1.5", -1500},
};

static const char *const bad[] = {
    "",
    "now",
    "-",
    ".5",
    "1.",
    "1.5.5",
    " 1795176000",
    "1795176000 ",
    "1e9",
    "9223372036854775807",
    "99999999999999999999",
    "2026-11-20",
    "2026-11-20T12:00:00",
    "2026-11-20T12:00Z",
    "2026-11-20T12:00:00 Z",
    "2026-11-20T12:00:00.Z",
    "2026-11-20T12:00:00Zulu",
    "2026-11-20T12:00:00+24:00",
    "2026-11-20T12:00:00+01:60",
    "2026-11-20T12:00:00+1",
    "2026-11-20T12:00:00+01:",
    "2026-11-20T12:00:00+01:00x",
    "2026-11-20T1200:00Z",
    "2026-1120T12:00:00Z",
    "2026-11-20T120000Z",
    "20261120T12:00:00Z",
    "20261120 120000Z",
    "2026-00-20T12:00:00Z",
    "2026-13-20T12:00:00Z",
    "2026-11-00T12:00:00Z",
    "2026-11-31T12:00:00Z",
    "2025-02-29T12:00:00Z",
    "2026-11-99T12:00:00Z",
    "2026-11-20T24:00:00Z",
    "2026-11-20T12:60:00Z",
    "2026-11-20T12:00:61Z",
    "+2026-11-20T12:00:00Z",
    "Fri, 20 Nov 2026 12:00:00",
    "Fri, 20 Nov 2026 12:00:00 ",
    "Fri, 20 Nov 2026 12:00:00 EST",
    "Fri, 20 Nov 2026 12 GMT",
    "Fri, 20 Nov 2026 12:00:0 GMT",
    "Fri, 20 Nov 2026 1:00:00 GMT",
    "Fri, 20 Nov x 12:00:00 GMT",
    "Fri, 20 Nvo 2026 12:00:00 GMT",
    "Fri, 31 Nov 2026 12:00:00 GMT",
    "Fri, 20 Nov 202 12:00:00 GMT",
    "Fri 20 Nov 2026 12:00:00 GMT",
    "F, 20 Nov 2026 12:00:00 GMT",
    "Fri Nov 20 12:00:00 2026",
};

static void understands(void **state PK_UNUSED) {
    for (size_t i = 0; i < PK_ARRAY_LEN(good); i++) {
        int64_t unix_ms = 7;
        if (!pk_time_parse(good[i].text, &unix_ms) || unix_ms != good[i].unix_ms) {
            fail_msg("'%s' gives %lld", good[i].text, (long long)unix_ms);
        }
    }
}

static void refuses_and_leaves_the_result_alone(void **state PK_UNUSED) {
    for (size_t i = 0; i < PK_ARRAY_LEN(bad); i++) {
        int64_t unix_ms = 7;
        if (pk_time_parse(bad[i], &unix_ms) || unix_ms != 7) {
            fail_msg("'%s' gives %lld", bad[i], (long long)unix_ms);
        }
    }
}

static void ignores_the_local_zone(void **state) {
    setenv("TZ", "IST-5:30", 1);
    tzset();
    understands(state);
    unsetenv("TZ");
    tzset();
}

static void reads_what_it_prints(void **state PK_UNUSED) {
    for (int64_t seconds = -INT64_C(62135596800); seconds < INT64_C(253402300799);
         seconds += INT64_C(86400) * 97 + 3671) {
        char text[21];
        int64_t unix_ms = 0;
        pk_time_iso8601(seconds, text);
        assert_true(pk_time_parse(text, &unix_ms));
        assert_true(unix_ms == seconds * 1000);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(understands),
        cmocka_unit_test(refuses_and_leaves_the_result_alone),
        cmocka_unit_test(ignores_the_local_zone),
        cmocka_unit_test(reads_what_it_prints),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
