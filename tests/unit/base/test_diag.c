/* Collecting, sorting, counting and limiting findings. */
#include "base/diag.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>

static const struct pk_source source_a = {"a.yaml", "", 0};
static const struct pk_source source_b = {"b.yaml", "", 0};

static struct pk_span at(const struct pk_source *src, uint32_t line, uint32_t column) {
    return (struct pk_span){src, line, column, line, column + 1};
}

static void keeps_its_own_copies(void **state PK_UNUSED) {
    PK_CLEANUP(pk_diags_freep) struct pk_diags *diags = pk_diags_new();
    char id[] = "rds.gp3-iops";
    struct pk_diag *diag =
        pk_diag(diags, PK_SEVERITY_ERROR, id, at(&source_a, 31, 13), "iops of %s", "api-db");
    id[0] = 'X';
    assert_ptr_equal(pk_diag_label(diags, diag, "at least %d", 400), diag);
    assert_ptr_equal(pk_diag_help(diags, diag, "remove %s", "iops"), diag);
    assert_ptr_equal(pk_diag_detail(diags, diag, "because"), diag);
    assert_ptr_equal(pk_diag_address(diags, diag, "api/%s", "api-db"), diag);
    assert_ptr_equal(pk_diag_related(diags, diag, at(&source_b, 1, 1), "first %d", 1), diag);
    assert_ptr_equal(pk_diag_related(diags, diag, at(&source_b, 2, 2), "second %d", 2), diag);
    assert_int_equal(pk_diags_len(diags), 1);
    const struct pk_diag *kept = pk_diags_at(diags, 0);
    assert_ptr_equal(kept, diag);
    assert_string_equal(kept->id, "rds.gp3-iops");
    assert_string_equal(kept->message, "iops of api-db");
    assert_string_equal(kept->label, "at least 400");
    assert_string_equal(kept->help, "remove iops");
    assert_string_equal(kept->detail, "because");
    assert_string_equal(kept->address, "api/api-db");
    assert_int_equal(kept->n_related, 2);
    assert_string_equal(kept->related[0].message, "first 1");
    assert_string_equal(kept->related[1].message, "second 2");
    assert_int_equal(kept->related[1].span.line, 2);
    assert_ptr_equal(kept->span.src, &source_a);
}

static void free_takes_null(void **state PK_UNUSED) {
    struct pk_diags *diags = pk_diags_new();
    pk_diags_freep(&diags);
    assert_null(diags);
    pk_diags_freep(&diags);
    pk_diags_free(NULL);
}

static void optional_texts_start_absent(void **state PK_UNUSED) {
    PK_CLEANUP(pk_diags_freep) struct pk_diags *diags = pk_diags_new();
    const struct pk_diag *diag = pk_diag(diags, PK_SEVERITY_INFO, "x", (struct pk_span){0}, "m");
    assert_null(diag->label);
    assert_null(diag->detail);
    assert_null(diag->help);
    assert_null(diag->address);
    assert_int_equal(diag->n_related, 0);
}

static void sorts_by_file_line_column_id(void **state PK_UNUSED) {
    PK_CLEANUP(pk_diags_freep) struct pk_diags *diags = pk_diags_new();
    pk_diag(diags, PK_SEVERITY_ERROR, "z", at(&source_b, 1, 1), "7");
    pk_diag(diags, PK_SEVERITY_ERROR, "z", at(&source_a, 10, 1), "6");
    pk_diag(diags, PK_SEVERITY_ERROR, "b", at(&source_a, 2, 5), "5");
    pk_diag(diags, PK_SEVERITY_WARNING, "a", at(&source_a, 2, 5), "4");
    pk_diag(diags, PK_SEVERITY_ERROR, "a", at(&source_a, 2, 5), "3");
    pk_diag(diags, PK_SEVERITY_ERROR, "z", at(&source_a, 2, 4), "2");
    pk_diag(diags, PK_SEVERITY_INFO, "z", (struct pk_span){0}, "1");
    pk_diags_sort(diags);
    assert_int_equal(pk_diags_len(diags), 7);
    for (size_t i = 0; i < 7; i++) {
        assert_int_equal(pk_diags_at(diags, i)->message[0], '1' + (char)i);
    }
}

static void drops_exact_repeats_only(void **state PK_UNUSED) {
    PK_CLEANUP(pk_diags_freep) struct pk_diags *diags = pk_diags_new();
    struct pk_span span = at(&source_a, 1, 1);
    pk_diag(diags, PK_SEVERITY_ERROR, "id", span, "same");
    pk_diag(diags, PK_SEVERITY_ERROR, "id", span, "other");
    pk_diag(diags, PK_SEVERITY_ERROR, "id", span, "same");
    pk_diag(diags, PK_SEVERITY_WARNING, "id", span, "same");
    struct pk_diag *helped = pk_diag(diags, PK_SEVERITY_ERROR, "id", span, "same");
    pk_diag_help(diags, helped, "do that");
    struct pk_diag *linked = pk_diag(diags, PK_SEVERITY_ERROR, "id", span, "same");
    pk_diag_related(diags, linked, at(&source_b, 1, 1), "here");
    linked = pk_diag(diags, PK_SEVERITY_ERROR, "id", span, "same");
    pk_diag_related(diags, linked, at(&source_b, 1, 1), "here");
    linked = pk_diag(diags, PK_SEVERITY_ERROR, "id", span, "same");
    pk_diag_related(diags, linked, at(&source_b, 2, 1), "here");
    assert_int_equal(pk_diags_count(diags, PK_SEVERITY_ERROR), 7);
    pk_diags_sort(diags);
    assert_int_equal(pk_diags_len(diags), 6);
    assert_int_equal(pk_diags_count(diags, PK_SEVERITY_ERROR), 5);
    assert_int_equal(pk_diags_count(diags, PK_SEVERITY_WARNING), 1);
    pk_diags_sort(diags);
    assert_int_equal(pk_diags_len(diags), 6);
}

/* The same path read twice is one place, whatever object holds it. */
static void compares_paths_not_pointers(void **state PK_UNUSED) {
    PK_CLEANUP(pk_diags_freep) struct pk_diags *diags = pk_diags_new();
    const struct pk_source again = {"a.yaml", "", 0};
    pk_diag(diags, PK_SEVERITY_ERROR, "id", at(&source_a, 1, 1), "m");
    pk_diag(diags, PK_SEVERITY_ERROR, "id", at(&again, 1, 1), "m");
    pk_diags_sort(diags);
    assert_int_equal(pk_diags_len(diags), 1);
}

static void keeps_a_thousand_and_counts_the_rest(void **state PK_UNUSED) {
    PK_CLEANUP(pk_diags_freep) struct pk_diags *diags = pk_diags_new();
    for (uint32_t i = 1; i <= 1000; i++) {
        pk_diag(diags, PK_SEVERITY_WARNING, "w", at(&source_a, i, 1), "m");
    }
    assert_false(pk_diags_has_errors(diags));
    for (uint32_t i = 1; i <= 5; i++) {
        struct pk_diag *diag = pk_diag(diags, PK_SEVERITY_ERROR, "e", at(&source_a, i, 1), "m");
        assert_non_null(diag);
        pk_diag_help(diags, diag, "h");
        pk_diag_related(diags, diag, at(&source_a, 1, 1), "r");
    }
    pk_diags_sort(diags);
    assert_int_equal(pk_diags_len(diags), 1000);
    assert_int_equal(pk_diags_count(diags, PK_SEVERITY_WARNING), 1000);
    assert_int_equal(pk_diags_count(diags, PK_SEVERITY_ERROR), 5);
    assert_true(pk_diags_has_errors(diags));
}

static void fail_counts_in_its_message(void **state PK_UNUSED) {
    PK_CLEANUP(pk_diags_freep) struct pk_diags *diags = pk_diags_new();
    PK_CLEANUP(pk_error_freep) struct pk_error *err = NULL;
    pk_diag(diags, PK_SEVERITY_ERROR, "e", at(&source_a, 1, 1), "m");
    assert_false(pk_diags_fail(diags, &err));
    assert_int_equal(err->code, PK_E_CONFIG);
    assert_string_equal(err->message, "1 error in the configuration");
    pk_error_clear(&err);
    pk_diag(diags, PK_SEVERITY_ERROR, "e", at(&source_a, 2, 1), "m");
    pk_diag(diags, PK_SEVERITY_WARNING, "w", at(&source_a, 3, 1), "m");
    assert_false(pk_diags_fail(diags, &err));
    assert_string_equal(err->message, "2 errors and 1 warning in the configuration");
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(keeps_its_own_copies),
        cmocka_unit_test(free_takes_null),
        cmocka_unit_test(optional_texts_start_absent),
        cmocka_unit_test(sorts_by_file_line_column_id),
        cmocka_unit_test(drops_exact_repeats_only),
        cmocka_unit_test(compares_paths_not_pointers),
        cmocka_unit_test(keeps_a_thousand_and_counts_the_rest),
        cmocka_unit_test(fail_counts_in_its_message),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
