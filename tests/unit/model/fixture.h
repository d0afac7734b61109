/*
 * fixture.h - stack folders made on the fly, a small registry of kinds, and findings as text.
 *
 * For the tests of model/ only.
 */
#ifndef PK_TEST_MODEL_FIXTURE_H
#define PK_TEST_MODEL_FIXTURE_H

#include "base/fs.h"
#include "model/core_kinds.h"
#include "model/project.h"
#include "json/json.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

/* clang-format off */
static const struct pk_field microservice_fields[] = {
    {.path = "image.repository", .type = PK_T_STR, .flags = PK_F_REQUIRED},
    {.path = "image.tag", .type = PK_T_STR},
    {.path = "image.pullPolicy", .type = PK_T_ENUM, .allowed = "Always|IfNotPresent|Never", .def = "Always"},
    {.path = "runtime.platform", .type = PK_T_ENUM, .allowed = "fargate|ec2|lambda", .def = "fargate"},
    {.path = "runtime.cpu", .type = PK_T_CPU, .def = "256"},
    {.path = "runtime.memory", .type = PK_T_MEM, .def = "512"},
    {.path = "replicas", .type = PK_T_INT, .def = "1", .min = 0, .max = INT64_MAX},
    {.path = "ports[].name", .type = PK_T_STR, .flags = PK_F_REQUIRED},
    {.path = "ports[].port", .type = PK_T_INT, .flags = PK_F_REQUIRED, .min = 1, .max = 65535},
    {.path = "ports[].protocol", .type = PK_T_ENUM, .allowed = "tcp|udp", .flags = PK_F_NOCASE, .def = "tcp"},
    {.path = "healthCheck.readiness.http.path", .type = PK_T_STR, .alias = "healthCheck.path"},
    {.path = "healthCheck.readiness.http.port", .type = PK_T_INT, .alias = "healthCheck.port"},
    {.path = "healthCheck.readiness.initialDelaySeconds", .type = PK_T_DUR, .alias = "healthCheck.initialDelaySeconds"},
    {.path = "healthCheck.readiness.periodSeconds", .type = PK_T_DUR, .alias = "healthCheck.periodSeconds"},
    {.path = "environment[].name", .type = PK_T_STR, .flags = PK_F_REQUIRED},
    {.path = "environment[].value", .type = PK_T_STR, .flags = PK_F_DEFERRABLE},
    {.path = "secrets[].name", .type = PK_T_STR, .flags = PK_F_REQUIRED},
    {.path = "secrets[].secretRef", .type = PK_T_SECRET, .flags = PK_F_REQUIRED},
    {.path = "loadBalancer.ref", .type = PK_T_REF},
};
static const struct pk_output microservice_outputs[] = {{"endpoint", "url", NULL}, {"host", NULL, NULL}};
static const struct pk_field rds_fields[] = {
    {.path = "engine.type", .type = PK_T_ENUM, .allowed = "postgres|mysql", .flags = PK_F_REQUIRED},
    {.path = "engine.version", .type = PK_T_STR, .flags = PK_F_REQUIRED},
    {.path = "engine.parameters", .type = PK_T_STRMAP},
    {.path = "instance.class", .type = PK_T_STR, .flags = PK_F_REQUIRED},
    {.path = "instance.storage.type", .type = PK_T_ENUM, .allowed = "gp2|gp3", .def = "gp3"},
    {.path = "instance.storage.allocatedGB", .type = PK_T_GIB, .min = 20, .max = 65536},
    {.path = "instance.storage.maxAllocatedGB", .type = PK_T_GIB},
    {.path = "instance.multiAZ", .type = PK_T_BOOL, .def = "false"},
    {.path = "database.name", .type = PK_T_STR},
    {.path = "database.username", .type = PK_T_STR},
    {.path = "database.passwordSecret.ref", .type = PK_T_SECRET},
    {.path = "database.port", .type = PK_T_INT},
    {.path = "backup.enabled", .type = PK_T_BOOL, .def = "true"},
    {.path = "backup.retentionDays", .type = PK_T_INT, .def = "7", .min = 0, .max = 35},
    {.path = "backup.preferredWindow", .type = PK_T_STR},
};
static const struct pk_output rds_outputs[] = {{"endpoint", "host|address", NULL}, {"port", NULL, NULL}};
static const struct pk_field sqs_fields[] = {
    {.path = "type", .type = PK_T_ENUM, .allowed = "standard|fifo", .def = "standard"},
    {.path = "messageRetentionPeriod", .type = PK_T_DUR, .def = "345600"},
    {.path = "visibilityTimeout", .type = PK_T_DUR, .def = "30"},
    {.path = "receiveWaitTime", .type = PK_T_DUR, .def = "0"},
    {.path = "deadLetterQueue.enabled", .type = PK_T_BOOL, .def = "false"},
    {.path = "deadLetterQueue.maxReceiveCount", .type = PK_T_INT, .def = "3"},
    {.path = "deadLetterQueue.component", .type = PK_T_REF},
};
static const struct pk_output sqs_outputs[] = {{"queueUrl", "url|endpoint", NULL}, {"queueArn", NULL, NULL}};

#define COMPONENT(k, fields_, outputs_) {.kind = k, .group = "components.panka.io/v1", .offered = true, \
    .fields = fields_, .n_fields = PK_ARRAY_LEN(fields_), .outputs = outputs_, .n_outputs = PK_ARRAY_LEN(outputs_)}
static const struct pk_kind_table test_microservice = COMPONENT("MicroService", microservice_fields, microservice_outputs);
static const struct pk_kind_table test_rds = COMPONENT("RDS", rds_fields, rds_outputs);
static const struct pk_kind_table test_sqs = COMPONENT("SQS", sqs_fields, sqs_outputs);
static const struct pk_kind_table test_lambda = {.kind = "Lambda", .group = "components.panka.io/v1"};
/* clang-format on */
static const struct pk_kind_table *const fixture_kinds[] = {
    &pk_kind_stack, &pk_kind_service, &pk_kind_tenant_config, &test_microservice, &test_rds,
    &test_sqs,      &test_lambda};
static const struct pk_kind_registry test_registry = {fixture_kinds, PK_ARRAY_LEN(fixture_kinds)};

struct text_file {
    const char *path, *text;
};

struct fixture {
    char *dir;
    struct pk_load_options options;
    struct pk_diags *diags;
    struct pk_project *project;
};

PK_UNUSED static const char *no_getenv(void *ctx, const char *name) {
    (void)ctx;
    (void)name;
    return NULL;
}

/* A folder in the temporary directory, without a stack. */
PK_UNUSED static struct fixture fixture_new(void) {
    struct fixture f = {.dir = pk_strdup("/tmp/pk-model-XXXXXX"), .diags = pk_diags_new()};
    assert_non_null(mkdtemp(f.dir));
    f.options.path = f.dir;
    f.options.kinds = &test_registry;
    f.options.getenv = no_getenv;
    return f;
}

PK_UNUSED static void fixture_write(const struct fixture *f, const char *path, const char *text) {
    char *full = pk_path_join(f->dir, path), *dir = pk_path_dir(full);
    assert_true(pk_mkdir_p(dir, 0755, NULL));
    assert_true(pk_write_file(full, text, strlen(text), 0644, NULL));
    free(dir);
    free(full);
}

PK_UNUSED static void remove_tree(const char *path) {
    struct pk_vec names;
    if (unlink(path) == 0 || !pk_list_dir(path, 100000, &names, NULL))
        return;
    for (size_t i = 0; i < names.len; i++) {
        char *inner = pk_path_join(path, names.items[i]);
        remove_tree(inner);
        free(inner);
    }
    pk_names_release(&names);
    rmdir(path);
}

PK_UNUSED static void fixture_free(struct fixture *f) {
    pk_project_free(f->project);
    pk_diags_free(f->diags);
    remove_tree(f->dir);
    free(f->dir);
}

#define STACK "apiVersion: core.panka.io/v1\nkind: Stack\nmetadata:\n  name: shop\n"
#define DEV STACK "  environment: dev\n"
#define SERVICE(name) "apiVersion: core.panka.io/v1\nkind: Service\nmetadata:\n  name: " name "\n"
#define DOC(kind, name)                                                                            \
    "---\napiVersion: components.panka.io/v1\nkind: " kind "\nmetadata:\n  name: " name "\n"

/* Loads a folder with these files (the last has path NULL). Nothing is loaded when paths is NULL.
 */
PK_UNUSED static struct fixture load_with(const struct text_file *files,
                                          struct pk_load_options options) {
    struct fixture f = fixture_new();
    options.path = f.options.path;
    options.kinds = f.options.kinds;
    if (!options.getenv)
        options.getenv = f.options.getenv;
    f.options = options;
    for (; files->path; files++)
        fixture_write(&f, files->path, files->text);
    f.project = pk_project_load(&f.options, f.diags);
    pk_diags_sort(f.diags);
    return f;
}

#define LOAD(...)                                                                                  \
    load_with((const struct text_file[]){__VA_ARGS__, {NULL, NULL}}, (struct pk_load_options){0})

/* "id file:line:column", the file relative to the fixture's folder. */
PK_UNUSED static char *finding_text(const struct fixture *f, const struct pk_diag *d) {
    const char *path = d->span.src ? d->span.src->path : "-";
    const char *base = strstr(path, f->dir);
    if (base)
        path = base + strlen(f->dir) + 1;
    return pk_asprintf("%s %s:%u:%u", d->id, path, d->span.line, d->span.column);
}

PK_UNUSED static void print_findings(const struct fixture *f) {
    for (size_t i = 0; i < pk_diags_len(f->diags); i++) {
        const struct pk_diag *d = pk_diags_at(f->diags, i);
        char *text = finding_text(f, d);
        print_error("%s: %s | %s | %s | %s\n", text, d->message, d->label ? d->label : "",
                    d->detail ? d->detail : "", d->help ? d->help : "");
        free(text);
    }
}

/* The finding at that place, or the test fails; `words` must occur in its texts (NULL: any). */
PK_UNUSED static const struct pk_diag *has_finding(const struct fixture *f, const char *wanted,
                                                   const char *words) {
    for (size_t i = 0; i < pk_diags_len(f->diags); i++) {
        const struct pk_diag *d = pk_diags_at(f->diags, i);
        char *text = finding_text(f, d);
        char *all = pk_asprintf("%s|%s|%s|%s", d->message, d->label ? d->label : "",
                                d->detail ? d->detail : "", d->help ? d->help : "");
        bool match = strcmp(text, wanted) == 0 && (!words || strstr(all, words));
        free(text);
        free(all);
        if (match)
            return d;
    }
    print_error("wanted %s (%s), have:\n", wanted, words ? words : "");
    print_findings(f);
    fail();
    return NULL;
}

/* Exactly these findings and no other; the list ends with NULL. */
PK_UNUSED static void expect_findings(struct fixture *f, const char *const *wanted) {
    size_t n = 0;
    for (; wanted[n]; n++)
        has_finding(f, wanted[n], NULL);
    if (n != pk_diags_len(f->diags))
        print_findings(f);
    assert_int_equal(pk_diags_len(f->diags), n);
}
#define EXPECT(f, ...) expect_findings(f, (const char *const[]){__VA_ARGS__, NULL})
#define EXPECT_CLEAN(f) expect_findings(f, (const char *const[]){NULL})

PK_UNUSED static void assert_json(const json_t *value, const char *wanted) {
    char *text = value ? pk_json_canonical(value) : pk_strdup("absent");
    assert_string_equal(text, wanted);
    free(text);
}

#endif
