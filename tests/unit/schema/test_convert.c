/* test_convert.c - one text as each type; outputs and rows by name. */
#include "schema/cidr.h"
#include "schema/field.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

/* `wanted` is the JSON text, or NULL when the text is refused. */
static void expect(struct pk_field field, const char *text, const char *wanted) {
    const char *why = NULL;
    json_t *value = pk_schema_convert(&field, text, &why);
    char *got = value ? json_dumps(value, JSON_ENCODE_ANY | JSON_COMPACT) : NULL;
    if ((got == NULL) != (wanted == NULL) || (got && strcmp(got, wanted) != 0))
        print_error("\"%s\": %s, wanted %s\n", text, got ? got : why, wanted ? wanted : "refused");
    assert_int_equal(got == NULL, wanted == NULL);
    if (got)
        assert_string_equal(got, wanted);
    else
        assert_non_null(why);
    free(got);
    json_decref(value);
}

#define ROW(t) ((struct pk_field){.path = "x", .type = PK_T_##t})

static void test_numbers(void **state) {
    (void)state;
    expect(ROW(INT), "-3", "-3");
    expect(ROW(INT), "9223372036854775807", "9223372036854775807");
    expect(ROW(INT), "9223372036854775808", NULL);
    expect(ROW(INT), "3.0", NULL);
    expect(ROW(INT), "", NULL);
    expect(ROW(INT), "0x10", NULL);
    expect(ROW(NUM), "0.5", "0.5");
    expect(ROW(NUM), "2", "2");
    expect(ROW(NUM), "inf", NULL);
    expect(ROW(BOOL), "true", "true");
    expect(ROW(BOOL), "yes", NULL);
    expect(ROW(BOOL), "True", NULL);
    expect(ROW(DUR), "30", "30");
    expect(ROW(DUR), "5m", "300");
    expect(ROW(DUR), "1d", "86400");
    expect(ROW(DUR), "5 minutes", NULL);
}

static void test_sizes(void **state) {
    (void)state;
    expect(ROW(CPU), "256", "256");
    expect(ROW(CPU), "256m", "256");
    expect(ROW(CPU), "0.25", "256");
    expect(ROW(CPU), "0.5 vCPU", "512");
    expect(ROW(CPU), "1vCPU", "1024");
    expect(ROW(CPU), "1", NULL);
    expect(ROW(CPU), "127", NULL);
    expect(ROW(CPU), "0.5m", NULL);
    expect(ROW(CPU), "two", NULL);
    expect(ROW(MEM), "512", "512");
    expect(ROW(MEM), "512Mi", "512");
    expect(ROW(MEM), "1Gi", "1024");
    expect(ROW(MEM), "1.5 GB", "1536");
    expect(ROW(MEM), "0.3Gi", NULL);
    expect(ROW(MEM), "512Ki", NULL);
    expect(ROW(GIB), "20Gi", "20");
    expect(ROW(GIB), "2TiB", "2048");
    expect(ROW(GIB), "20 ", NULL);
    expect(ROW(GIB), "-20", NULL);
}

static void test_texts(void **state) {
    (void)state;
    expect(ROW(CIDR), "10.0.0.0/16", "\"10.0.0.0/16\"");
    expect(ROW(CIDR), "10.0.0.1/16", NULL);
    expect(ROW(CIDR), "10.0.0/16", NULL);
    expect(ROW(CIDR), "10.0.0.0/33", NULL);
    expect(ROW(CIDR), "010.0.0.0/8", NULL);
    expect(ROW(CIDR), "0.0.0.0/0", "\"0.0.0.0/0\"");
    expect(ROW(ARN), "arn:aws:iam::123456789012:role/x", "\"arn:aws:iam::123456789012:role/x\"");
    expect(ROW(ARN), "arn:aws:s3:::bucket", "\"arn:aws:s3:::bucket\"");
    expect(ROW(ARN), "role/x", NULL);
    expect(ROW(ARN), "arn:aws:iam:", NULL);
    expect(ROW(CRON), "rate(5 minutes)", "\"rate(5 minutes)\"");
    expect(ROW(CRON), "0 3 * * *", "\"0 3 * * *\"");
    expect(ROW(CRON), "cron()", NULL);
    expect(ROW(CRON), "every day", NULL);
    expect(ROW(REF), "api/db", "\"api/db\"");
    expect(ROW(REF), "db", "\"db\"");
    expect(ROW(REF), "a/b/c", NULL);
    expect(ROW(REF), "/db", NULL);
    expect(ROW(REF), "Db", NULL);
    expect(ROW(SECRET), "production/api/db-password#password",
           "\"production/api/db-password#password\"");
    expect(ROW(SECRET), "ssm:/a/b", "\"ssm:/a/b\"");
    expect(ROW(SECRET), "with space", NULL);
    expect(ROW(SECRET), "x#", NULL);
    expect(ROW(JSON), "{\"a\": [1]}", "{\"a\":[1]}");
    expect(ROW(JSON), "{\"a\": ", NULL);
    expect(ROW(JSON), "word", "\"word\"");
}

static void test_words(void **state) {
    (void)state;
    struct pk_field field = {
        .path = "x", .type = PK_T_ENUM, .allowed = "tcp|udp", .flags = PK_F_NOCASE};
    expect(field, "TCP", "\"tcp\"");
    expect(field, "tc", NULL);
    field.flags = 0;
    expect(field, "TCP", NULL);
    field = (struct pk_field){.path = "x", .type = PK_T_INT, .allowed = "never|-1"};
    expect(field, "never", "\"never\"");
    expect(field, "-1", "-1");
    expect(field, "7", "7");
    expect(field, "ever", NULL);
}

static void test_outputs(void **state) {
    (void)state;
    static const struct pk_output outputs[] = {{"queueUrl", "url|endpoint", NULL},
                                               {"listenerArn.*", NULL, NULL}};
    static const struct pk_kind_table kind = {
        .kind = "SQS", .outputs = outputs, .n_outputs = PK_ARRAY_LEN(outputs)};
    struct pk_arena *arena = pk_arena_new();
    assert_string_equal(pk_output_find(&kind, "queue_url"), "queueUrl");
    assert_string_equal(pk_output_find(&kind, "ENDPOINT"), "queueUrl");
    assert_string_equal(pk_output_find(&kind, "arn"), "arn");
    assert_null(pk_output_find(&kind, "host"));
    assert_null(pk_output_find(&kind, "queue"));
    assert_null(pk_output_find(&kind, ""));
    assert_null(pk_output_find(&kind, "listenerArn"));
    assert_string_equal(pk_output_canonical(arena, &kind, "listener-arn.https"),
                        "listenerArn.https");
    assert_string_equal(pk_output_canonical(arena, &kind, "url"), "queueUrl");
    assert_string_equal(pk_output_list(arena, &kind),
                        "queueUrl, listenerArn.*, name, id, arn, region, kind");
    pk_arena_free(arena);
}

static void test_rows(void **state) {
    (void)state;
    static const struct pk_field fields[] = {
        {.path = "ports[].port", .type = PK_T_INT, .alias = "ports[].containerPort"},
        {.path = "tags.*", .type = PK_T_STR},
    };
    static const struct pk_kind_table kind = {
        .kind = "K", .fields = fields, .n_fields = PK_ARRAY_LEN(fields)};
    assert_ptr_equal(pk_schema_field(&kind, "ports[3].port"), &fields[0]);
    assert_ptr_equal(pk_schema_field(&kind, "ports[0].containerPort"), &fields[0]);
    assert_ptr_equal(pk_schema_field(&kind, "tags.anything"), &fields[1]);
    assert_null(pk_schema_field(&kind, "ports[0].name"));
    assert_null(pk_schema_field(&kind, "ports"));
    assert_string_equal(pk_schema_field(&kind, "dependsOn[0]")->path, "dependsOn[]");
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_numbers), cmocka_unit_test(test_sizes),
        cmocka_unit_test(test_texts),   cmocka_unit_test(test_words),
        cmocka_unit_test(test_outputs), cmocka_unit_test(test_rows),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
