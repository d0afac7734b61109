/* Allocation, secrets, arenas; what must stop the program is tried in a child process. */
#include "base/mem.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

/* The wait status of a child that runs fn with its messages thrown away. */
static int status_of(void (*fn)(void)) {
    pid_t pid = fork();
    assert_true(pid >= 0);
    if (pid == 0) {
        const struct rlimit no_core = {0, 0};
        setrlimit(RLIMIT_CORE, &no_core);
        int null = open("/dev/null", O_WRONLY);
        dup2(null, STDERR_FILENO);
        fn();
        _exit(0);
    }
    int status = 0;
    assert_int_equal(waitpid(pid, &status, 0), pid);
    return status;
}

static void allocates_zero_bytes(void **state PK_UNUSED) {
    PK_CLEANUP(pk_freep) void *a = pk_malloc(0);
    PK_CLEANUP(pk_freep) void *b = pk_calloc(0, 8);
    PK_CLEANUP(pk_freep) void *c = pk_realloc(NULL, 0, 0);
    assert_non_null(a);
    assert_non_null(b);
    assert_non_null(c);
    c = pk_realloc(c, 0, 4);
    assert_non_null(c);
}

static void calloc_zeroes_and_realloc_keeps(void **state PK_UNUSED) {
    PK_CLEANUP(pk_freep) uint32_t *numbers = pk_calloc(100, sizeof(*numbers));
    for (size_t i = 0; i < 100; i++) {
        assert_int_equal(numbers[i], 0);
        numbers[i] = (uint32_t)i;
    }
    numbers = pk_realloc(numbers, 10000, sizeof(*numbers));
    for (size_t i = 0; i < 100; i++) {
        assert_int_equal(numbers[i], i);
    }
}

static void overflow_calloc(void) {
    free(pk_calloc(SIZE_MAX / 2, 3));
}

static void overflow_realloc(void) {
    free(pk_realloc(NULL, SIZE_MAX / 2, 3));
}

static void overflow_arena(void) {
    pk_arena_array(pk_arena_new(), SIZE_MAX / 2, 3);
}

static void overflow_arena_header(void) {
    pk_arena_alloc(pk_arena_new(), SIZE_MAX - 1);
}

static void products_that_wrap_abort(void **state PK_UNUSED) {
    void (*const cases[])(void) = {overflow_calloc, overflow_realloc, overflow_arena,
                                   overflow_arena_header};
    for (size_t i = 0; i < PK_ARRAY_LEN(cases); i++) {
        int status = status_of(cases[i]);
        assert_true(WIFSIGNALED(status));
        assert_int_equal(WTERMSIG(status), SIGABRT);
    }
}

static void broken_promise(void) {
    pk_assert(1 + 1 == 3);
}

static void kept_promise(void) {
    pk_assert(1 + 1 == 2);
}

static void assert_aborts_only_when_it_fails(void **state PK_UNUSED) {
    int status = status_of(broken_promise);
    assert_true(WIFSIGNALED(status));
    assert_int_equal(WTERMSIG(status), SIGABRT);
    assert_int_equal(status_of(kept_promise), 0);
}

static void copies_texts(void **state PK_UNUSED) {
    PK_CLEANUP(pk_freep) char *whole = pk_strdup("hello");
    PK_CLEANUP(pk_freep) char *part = pk_strndup("hello", 4);
    PK_CLEANUP(pk_freep) char *shorter = pk_strndup("hello", 40);
    PK_CLEANUP(pk_freep) char *printed = pk_asprintf("%s-%03d", whole, 7);
    assert_string_equal(whole, "hello");
    assert_string_equal(part, "hell");
    assert_string_equal(shorter, "hello");
    assert_string_equal(printed, "hello-007");
    const char unterminated[3] = {'a', 'b', 'c'};
    PK_CLEANUP(pk_freep) char *bounded = pk_strndup(unterminated, 3);
    assert_string_equal(bounded, "abc");
}

static void freep_and_steal_leave_null(void **state PK_UNUSED) {
    char *text = pk_strdup("x");
    pk_freep(&text);
    assert_null(text);
    pk_freep(&text);
    text = pk_strdup("y");
    PK_CLEANUP(pk_freep) char *mine = pk_steal(&text);
    assert_null(text);
    assert_string_equal(mine, "y");
}

static void secret_free_takes_null(void **state PK_UNUSED) {
    pk_secret_free(NULL);
    char *secret = pk_strdup("hunter2");
    pk_secret_freep(&secret);
    assert_null(secret);
    pk_secret_freep(&secret);
}

static void arena_items_are_zeroed_aligned_and_apart(void **state PK_UNUSED) {
    PK_CLEANUP(pk_arena_freep) struct pk_arena *arena = pk_arena_new();
    const size_t sizes[] = {1, 3, 16, 17, 100, 4000, 5000, 70000, 0, 2};
    char *items[200];
    for (size_t i = 0; i < PK_ARRAY_LEN(items); i++) {
        size_t size = sizes[i % PK_ARRAY_LEN(sizes)];
        items[i] = pk_arena_alloc(arena, size);
        assert_int_equal((uintptr_t)items[i] % _Alignof(max_align_t), 0);
        for (size_t j = 0; j < size; j++) {
            assert_int_equal(items[i][j], 0);
        }
        memset(items[i], (int)(i % 100) + 1, size);
    }
    for (size_t i = 0; i < PK_ARRAY_LEN(items); i++) {
        size_t size = sizes[i % PK_ARRAY_LEN(sizes)];
        for (size_t j = 0; j < size; j++) {
            assert_int_equal(items[i][j], (int)(i % 100) + 1);
        }
    }
}

static void arena_may_start_with_a_large_item(void **state PK_UNUSED) {
    PK_CLEANUP(pk_arena_freep) struct pk_arena *arena = pk_arena_new();
    char *large = pk_arena_alloc(arena, 100000);
    char *small = pk_arena_alloc(arena, 10);
    memset(large, 1, 100000);
    memset(small, 2, 10);
    assert_int_equal(large[0] + large[99999], 2);
}

static void arena_counts_what_it_handed_out(void **state PK_UNUSED) {
    PK_CLEANUP(pk_arena_freep) struct pk_arena *arena = pk_arena_new();
    assert_int_equal(pk_arena_used(arena), 0);
    pk_arena_alloc(arena, 10);
    pk_arena_array(arena, 3, 100000);
    pk_arena_strdup(arena, "four");
    assert_int_equal(pk_arena_used(arena), 10 + 300000 + 5);
}

static void arena_makes_texts(void **state PK_UNUSED) {
    PK_CLEANUP(pk_arena_freep) struct pk_arena *arena = pk_arena_new();
    assert_string_equal(pk_arena_strdup(arena, ""), "");
    assert_string_equal(pk_arena_strndup(arena, "hello", 2), "he");
    assert_string_equal(pk_arena_strndup(arena, "hello", 9), "hello");
    assert_string_equal(pk_arena_printf(arena, "%s/%d", "a", -1), "a/-1");
    const char *wide = pk_arena_printf(arena, "%*d", 50000, 5);
    assert_int_equal(strlen(wide), 50000);
}

struct trace {
    char text[8];
    size_t len;
};

struct traced {
    struct trace *trace;
    char name;
};

static void leave_name(void *data) {
    struct traced *t = data;
    t->trace->text[t->trace->len++] = t->name;
}

static void arena_finalizers_run_newest_first(void **state PK_UNUSED) {
    struct trace trace = {{0}, 0};
    struct pk_arena *arena = pk_arena_new();
    for (char name = 'a'; name <= 'c'; name++) {
        struct traced *t = pk_arena_alloc(arena, sizeof(*t));
        *t = (struct traced){&trace, name};
        pk_arena_on_free(arena, leave_name, t);
    }
    assert_int_equal(trace.len, 0);
    pk_arena_freep(&arena);
    assert_string_equal(trace.text, "cba");
    assert_null(arena);
    pk_arena_free(NULL);
    pk_arena_freep(&arena);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(allocates_zero_bytes),
        cmocka_unit_test(calloc_zeroes_and_realloc_keeps),
        cmocka_unit_test(products_that_wrap_abort),
        cmocka_unit_test(assert_aborts_only_when_it_fails),
        cmocka_unit_test(copies_texts),
        cmocka_unit_test(freep_and_steal_leave_null),
        cmocka_unit_test(secret_free_takes_null),
        cmocka_unit_test(arena_items_are_zeroed_aligned_and_apart),
        cmocka_unit_test(arena_may_start_with_a_large_item),
        cmocka_unit_test(arena_counts_what_it_handed_out),
        cmocka_unit_test(arena_makes_texts),
        cmocka_unit_test(arena_finalizers_run_newest_first),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
