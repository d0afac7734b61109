/* Clocks behind the interface, and times and durations as text. */
#include "base/clock.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <signal.h>
#include <string.h>
#include <sys/time.h>

static int64_t fixed(void *ctx) {
    return *(int64_t *)ctx;
}

static int64_t fixed_plus_one(void *ctx) {
    return *(int64_t *)ctx + 1;
}

static int64_t fixed_plus_two(void *ctx) {
    return *(int64_t *)ctx + 2;
}

static void asks_the_given_clock(void **state PK_UNUSED) {
    int64_t now = 1000;
    const struct pk_clock clock = {fixed, fixed_plus_one, fixed_plus_two, &now};
    assert_int_equal(pk_wall_ms(&clock), 1000);
    assert_int_equal(pk_monotonic_ms(&clock), 1001);
    assert_int_equal(pk_boottime_ms(&clock), 1002);
}

static void system_clock_runs(void **state PK_UNUSED) {
    int64_t wall = pk_wall_ms(NULL);
    assert_true(wall > INT64_C(1577836800000)); /* 2020 */
    int64_t monotonic = pk_monotonic_ms(pk_clock_system());
    int64_t boottime = pk_boottime_ms(NULL);
    assert_true(boottime >= monotonic);
    pk_sleep_ms(20);
    assert_true(pk_monotonic_ms(NULL) - monotonic >= 20);
    assert_true(pk_boottime_ms(NULL) - boottime >= 20);
}

static void sleeping_no_time_returns(void **state PK_UNUSED) {
    pk_sleep_ms(0);
    pk_sleep_ms(-5);
    pk_sleep_ms(INT64_MIN);
}

static volatile sig_atomic_t n_signals;

static void count_signal(int number PK_UNUSED) {
    n_signals++;
}

static void signals_do_not_shorten_a_sleep(void **state PK_UNUSED) {
    struct sigaction action = {.sa_handler = count_signal};
    struct sigaction before;
    sigaction(SIGALRM, &action, &before);
    const struct itimerval often = {{0, 5000}, {0, 5000}};
    const struct itimerval never = {{0, 0}, {0, 0}};
    setitimer(ITIMER_REAL, &often, NULL);
    int64_t start = pk_monotonic_ms(NULL);
    pk_sleep_ms(60);
    int64_t end = pk_monotonic_ms(NULL);
    setitimer(ITIMER_REAL, &never, NULL);
    sigaction(SIGALRM, &before, NULL);
    assert_true(n_signals > 0);
    assert_true(end - start >= 59); /* both ends are cut to the millisecond */
}

static void prints_iso8601(void **state PK_UNUSED) {
    static const struct {
        int64_t seconds;
        const char *text;
    } cases[] = {
        {0, "1970-01-01T00:00:00Z"},
        {1795176000, "2026-11-20T12:00:00Z"},
        {1709251199, "2024-02-29T23:59:59Z"},
        {-631152000, "1950-01-01T00:00:00Z"},
        {-INT64_C(62135596800), "0001-01-01T00:00:00Z"},
        {INT64_C(253402300799), "9999-12-31T23:59:59Z"},
        {INT64_C(253402300800), "9999-12-31T23:59:59Z"},
        {INT64_MAX, "9999-12-31T23:59:59Z"},
        {INT64_MIN, "0000-01-01T00:00:00Z"},
    };
    for (size_t i = 0; i < PK_ARRAY_LEN(cases); i++) {
        char text[21];
        memset(text, 'x', sizeof(text));
        pk_time_iso8601(cases[i].seconds, text);
        assert_string_equal(text, cases[i].text);
    }
}

static void formats_in_utc_whatever_the_zone(void **state PK_UNUSED) {
    char text[32];
    pk_time_format(1795176000, "%Y%m%dT%H%M%SZ", text, sizeof(text));
    assert_string_equal(text, "20261120T120000Z");
    pk_time_format(1795176000, "%Y-%m-%d", text, 11);
    assert_string_equal(text, "2026-11-20");
    pk_time_format(1795176000, "%Y-%m-%d", text, 10);
    assert_string_equal(text, "");
}

static void prints_durations(void **state PK_UNUSED) {
    static const struct {
        int64_t ms;
        const char *text;
    } cases[] = {
        {0, "0.0s"},
        {449, "0.4s"},
        {499, "0.4s"},
        {59999, "59.9s"},
        {60000, "1m00s"},
        {252000, "4m12s"},
        {3599999, "59m59s"},
        {3600000, "1h00m"},
        {7500000, "2h05m"},
        {180000000, "50h00m"},
        {-1500, "-1.5s"},
        {INT64_MAX, "2562047788015h12m"},
        {INT64_MIN, "-2562047788015h12m"},
    };
    for (size_t i = 0; i < PK_ARRAY_LEN(cases); i++) {
        char text[32];
        pk_duration_human(cases[i].ms, text);
        assert_string_equal(text, cases[i].text);
    }
}

static void parses_durations(void **state PK_UNUSED) {
    static const struct {
        const char *text;
        int64_t seconds;
    } good[] = {{"0", 0},     {"45", 45},    {"30s", 30},  {"5m", 300},
                {"2h", 7200}, {"1d", 86400}, {"090s", 90}, {"9223372036854775807", INT64_MAX}};
    for (size_t i = 0; i < PK_ARRAY_LEN(good); i++) {
        int64_t seconds = -7;
        assert_true(pk_duration_parse(good[i].text, &seconds));
        assert_true(seconds == good[i].seconds);
    }
    static const char *const bad[] = {"",
                                      "s",
                                      "5 m",
                                      " 5m",
                                      "5m ",
                                      "-5m",
                                      "+5m",
                                      "5w",
                                      "5M",
                                      "1.5h",
                                      "5ms",
                                      "1h5m",
                                      "m5",
                                      "106751991167301d",
                                      "9223372036854775808"};
    for (size_t i = 0; i < PK_ARRAY_LEN(bad); i++) {
        int64_t seconds = -7;
        assert_false(pk_duration_parse(bad[i], &seconds));
        assert_int_equal(seconds, -7);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(asks_the_given_clock),
        cmocka_unit_test(system_clock_runs),
        cmocka_unit_test(sleeping_no_time_returns),
        cmocka_unit_test(signals_do_not_shorten_a_sleep),
        cmocka_unit_test(prints_iso8601),
        cmocka_unit_test(formats_in_utc_whatever_the_zone),
        cmocka_unit_test(prints_durations),
        cmocka_unit_test(parses_durations),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
