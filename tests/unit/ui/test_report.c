/* Findings and errors as people and machines see them. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/mem.h"
#include "ui/ui_internal.h"
#include "json/json.h"

static const struct pk_source source = {
    "services/api/resources.yaml", "instance:\n  storage:\n    iops: 5000\n  café: \"naïve\"\n",
    58};

static int temp_file(void) {
    char path[] = "/tmp/panka-report-XXXXXX";
    int fd = mkstemp(path);
    unlink(path);
    return fd;
}

static char *shown(enum pk_format format, const struct pk_diags *diags,
                   const struct pk_error *error) {
    int fd = temp_file();
    struct pk_ui_config config = {
        .out_fd = fd, .err_fd = fd, .in_fd = -1, .format = format, .no_color = true};
    struct pk_ui *ui = pk_ui_new(&config);
    ui->unicode = true;
    if (diags)
        pk_ui_diags(ui, diags);
    if (error)
        pk_ui_error(ui, error);
    assert_true(pk_ui_close(ui, NULL));
    char text[8192];
    lseek(fd, 0, SEEK_SET);
    ssize_t n = read(fd, text, sizeof(text) - 1);
    text[n > 0 ? n : 0] = '\0';
    close(fd);
    return pk_strdup(text);
}

static void a_finding_shows_place_reason_and_help(void **state) {
    (void)state;
    unsetenv("GITHUB_ACTIONS");
    struct pk_diags *diags = pk_diags_new();
    struct pk_span span = {&source, 3, 11, 3, 15};
    struct pk_diag *d = pk_diag(diags, PK_SEVERITY_ERROR, "rds.gp3-iops", span,
                                "gp3 storage below 400 GiB has fixed IOPS");
    pk_diag_label(diags, d, "AWS accepts no `iops` here");
    pk_diag_help(diags, d, "remove `iops`");
    char *text = shown(PK_FORMAT_HUMAN, diags, NULL);
    assert_string_equal(text, "error[rds.gp3-iops]: gp3 storage below 400 GiB has fixed IOPS\n"
                              "  ┌─ services/api/resources.yaml:3:11\n"
                              "3 │     iops: 5000\n"
                              "  │           ^^^^ AWS accepts no `iops` here\n"
                              "  = help: remove `iops`\n\n");
    free(text);
    pk_diags_free(diags);
}

static void carets_stand_under_wide_text(void **state) {
    (void)state;
    struct pk_diags *diags = pk_diags_new();
    struct pk_span span = {&source, 4, 9, 4, 16};
    pk_diag(diags, PK_SEVERITY_WARNING, "x.y", span, "m");
    char *text = shown(PK_FORMAT_HUMAN, diags, NULL);
    assert_non_null(strstr(text, "4 │   café: \"naïve\"\n  │         ^^^^^^^\n"));
    free(text);
    pk_diags_free(diags);
}

static void findings_as_json(void **state) {
    (void)state;
    struct pk_diags *diags = pk_diags_new();
    struct pk_span span = {&source, 3, 11, 3, 15};
    pk_diag(diags, PK_SEVERITY_ERROR, "a.b", span, "first");
    pk_diag(diags, PK_SEVERITY_WARNING, "c.d", (struct pk_span){0}, "second");
    char *text = shown(PK_FORMAT_JSON, diags, NULL);
    json_t *json = NULL;
    assert_true(pk_json_parse(text, strlen(text), "output", &json, NULL));
    assert_int_equal(pk_json_int(json, "summary.errors", -1), 1);
    assert_int_equal(pk_json_int(json, "summary.warnings", -1), 1);
    assert_string_equal(pk_json_str(json, "diagnostics[0].file", ""),
                        "services/api/resources.yaml");
    assert_int_equal(pk_json_int(json, "diagnostics[0].line", -1), 3);
    assert_int_equal(pk_json_int(json, "diagnostics[0].column", -1), 11);
    assert_null(pk_json_at(json, "diagnostics[1].file"));
    json_decref(json);
    free(text);
    pk_diags_free(diags);
}

static void an_error_of_aws_says_who_answered(void **state) {
    (void)state;
    struct pk_error *err = NULL;
    pk_fail(&err, PK_E_ACCESS_DENIED, "not authorized\033[2J");
    pk_error_set(&err->aws.service, "sqs");
    pk_error_set(&err->aws.operation, "CreateQueue");
    pk_error_set(&err->aws.code, "AccessDenied");
    pk_error_set(&err->aws.request_id, "r-1");
    pk_error_set(&err->address, "jobs");
    err->aws.http_status = 403;
    char *text = shown(PK_FORMAT_HUMAN, NULL, err);
    assert_string_equal(
        text, "error: not authorized\\x1b[2J\n"
              "  = resource: jobs\n"
              "  = aws: sqs CreateQueue answered AccessDenied (HTTP 403), request id r-1\n");
    free(text);
    text = shown(PK_FORMAT_JSON, NULL, err);
    assert_non_null(strstr(text, "\"operation\":\"CreateQueue\""));
    free(text);
    pk_error_free(err);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_finding_shows_place_reason_and_help),
        cmocka_unit_test(carets_stand_under_wide_text),
        cmocka_unit_test(findings_as_json),
        cmocka_unit_test(an_error_of_aws_says_who_answered),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
