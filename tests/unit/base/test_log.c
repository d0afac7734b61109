/* Levels, the sink, and lines from several threads. */
#include "base/log.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <errno.h>
#include <pthread.h>
#include <stdio.h>
#include <string.h>

struct seen {
    size_t n_lines;
    enum pk_log_level level;
    char line[64];
};

static void keep_last(void *ctx, enum pk_log_level level, const char *line) {
    struct seen *seen = ctx;
    seen->n_lines++;
    seen->level = level;
    snprintf(seen->line, sizeof(seen->line), "%s", line);
    errno = EBADF;
}

static void off_by_default(void **state PK_UNUSED) {
    assert_false(pk_log_on(PK_LOG_INFO));
    assert_false(pk_log_on(PK_LOG_OFF));
    pk_log(PK_LOG_INFO, "nobody listens");
}

static void passes_the_level_and_below(void **state PK_UNUSED) {
    struct seen seen = {0, PK_LOG_OFF, ""};
    pk_log_setup(PK_LOG_DEBUG, keep_last, &seen);
    assert_true(pk_log_on(PK_LOG_INFO));
    assert_true(pk_log_on(PK_LOG_DEBUG));
    assert_false(pk_log_on(PK_LOG_TRACE));
    assert_false(pk_log_on(PK_LOG_OFF));
    pk_log(PK_LOG_TRACE, "no");
    assert_int_equal(seen.n_lines, 0);
    pk_log(PK_LOG_DEBUG, "%s took %d ms", "GET", 12);
    assert_int_equal(seen.n_lines, 1);
    assert_int_equal(seen.level, PK_LOG_DEBUG);
    assert_string_equal(seen.line, "GET took 12 ms");
}

static void no_sink_means_off(void **state PK_UNUSED) {
    pk_log_setup(PK_LOG_TRACE, NULL, NULL);
    assert_false(pk_log_on(PK_LOG_INFO));
    pk_log(PK_LOG_INFO, "nobody listens");
}

static void makes_one_harmless_line(void **state PK_UNUSED) {
    struct seen seen = {0, PK_LOG_OFF, ""};
    pk_log_setup(PK_LOG_INFO, keep_last, &seen);
    pk_log(PK_LOG_INFO, "%s", "a\nb\x1b[31mc\x7f\t\xc3\xa9");
    assert_string_equal(seen.line, "a?b?[31mc??\xc3\xa9");
}

static void keeps_errno(void **state PK_UNUSED) {
    struct seen seen = {0, PK_LOG_OFF, ""};
    pk_log_setup(PK_LOG_INFO, keep_last, &seen);
    errno = ENOENT;
    pk_log(PK_LOG_INFO, "x");
    assert_int_equal(errno, ENOENT);
    assert_int_equal(seen.n_lines, 1);
}

/* Counts without a lock of its own: a lost count means that two calls ran at once. */
static void count_slowly(void *ctx, enum pk_log_level level PK_UNUSED, const char *line) {
    volatile size_t *count = ctx;
    size_t before = *count;
    for (volatile size_t i = 0; i < strlen(line); i++) {
    }
    *count = before + 1;
}

enum { N_THREADS = 4, N_LINES = 2000 };

static void *log_lines(void *arg) {
    for (int i = 0; i < N_LINES; i++) {
        pk_log(PK_LOG_INFO, "%s line %d", (const char *)arg, i);
    }
    return NULL;
}

static void calls_the_sink_one_at_a_time(void **state PK_UNUSED) {
    size_t count = 0;
    pk_log_setup(PK_LOG_INFO, count_slowly, &count);
    pthread_t threads[N_THREADS];
    char name[] = "worker";
    for (size_t i = 0; i < N_THREADS; i++) {
        assert_int_equal(pthread_create(&threads[i], NULL, log_lines, name), 0);
    }
    for (size_t i = 0; i < N_THREADS; i++) {
        pthread_join(threads[i], NULL);
    }
    assert_int_equal(count, N_THREADS * N_LINES);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(off_by_default),    cmocka_unit_test(passes_the_level_and_below),
        cmocka_unit_test(no_sink_means_off), cmocka_unit_test(makes_one_harmless_line),
        cmocka_unit_test(keeps_errno),       cmocka_unit_test(calls_the_sink_one_at_a_time),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
