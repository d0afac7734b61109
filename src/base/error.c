/* error.c - see error.h. */
#include "base/error.h"

#include "base/mem.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

static const struct code_info {
    const char *id;
    int exit_status;
    const char *hint;
} code_infos[PK_E_COUNT] = {
#define PK_ERROR_CODE(name, code_id, status, code_hint)                                            \
    [PK_E_##name] = {code_id, status, code_hint},
#include "base/error_codes.def"
#undef PK_ERROR_CODE
};

static const struct code_info *code_info(enum pk_code code) {
    pk_assert((unsigned)code < PK_E_COUNT);
    return &code_infos[code];
}

const char *pk_code_id(enum pk_code code) {
    return code_info(code)->id;
}

int pk_code_exit_status(enum pk_code code) {
    return code_info(code)->exit_status;
}

const char *pk_code_hint(enum pk_code code) {
    return code_info(code)->hint;
}

bool pk_fail(struct pk_error **err, enum pk_code code, const char *fmt, ...) {
    va_list args;
    va_start(args, fmt);
    pk_vfail(err, code, fmt, args);
    va_end(args);
    return false;
}

bool pk_vfail(struct pk_error **err, enum pk_code code, const char *fmt, va_list args) {
    if (err == NULL) {
        return false;
    }
    /* The text may be made from the older error, so it is formatted before that one is hung in. */
    struct pk_error *error = pk_calloc(1, sizeof(*error));
    error->message = pk_vasprintf(fmt, args);
    error->code = code;
    error->cause = *err;
    *err = error;
    return false;
}

bool pk_fail_errno(struct pk_error **err, int errno_value, const char *fmt, ...) {
    if (err == NULL) {
        return false;
    }
    va_list args;
    va_start(args, fmt);
    char *what = pk_vasprintf(fmt, args);
    va_end(args);
    /* strerror is safe with threads in glibc 2.32 and later, and in musl. */
    pk_fail(err, errno_value == ENOENT ? PK_E_NOT_FOUND : PK_E_IO, "%s: %s", what,
            strerror(errno_value));
    free(what);
    return false;
}

bool pk_wrap(struct pk_error **err, const char *fmt, ...) {
    if (err == NULL || *err == NULL) {
        return false;
    }
    va_list args;
    va_start(args, fmt);
    char *outer = pk_vasprintf(fmt, args);
    va_end(args);
    char *message = pk_asprintf("%s: %s", outer, (*err)->message);
    free(outer);
    free((*err)->message);
    (*err)->message = message;
    return false;
}

bool pk_error_hint(struct pk_error **err, const char *fmt, ...) {
    if (err == NULL || *err == NULL) {
        return false;
    }
    va_list args;
    va_start(args, fmt);
    char *text = pk_vasprintf(fmt, args);
    va_end(args);
    free((*err)->hint);
    (*err)->hint = text;
    return false;
}

bool pk_error_detail(struct pk_error **err, const char *fmt, ...) {
    if (err == NULL || *err == NULL) {
        return false;
    }
    va_list args;
    va_start(args, fmt);
    char *text = pk_vasprintf(fmt, args);
    va_end(args);
    free((*err)->detail);
    (*err)->detail = text;
    return false;
}

bool pk_error_span(struct pk_error **err, struct pk_span span) {
    if (err != NULL && *err != NULL) {
        (*err)->span = span;
    }
    return false;
}

void pk_error_set(char **field, const char *text) {
    char *copy = text == NULL ? NULL : pk_strdup(text); /* text may be the field itself */
    free(*field);
    *field = copy;
}

static char *copy_text(const char *text) {
    return text == NULL ? NULL : pk_strdup(text);
}

static struct pk_error *copy_one(const struct pk_error *error) {
    struct pk_error *copy = pk_malloc(sizeof(*copy));
    *copy = *error;
    copy->message = copy_text(error->message);
    copy->detail = copy_text(error->detail);
    copy->hint = copy_text(error->hint);
    copy->id = copy_text(error->id);
    copy->address = copy_text(error->address);
    copy->aws.service = copy_text(error->aws.service);
    copy->aws.operation = copy_text(error->aws.operation);
    copy->aws.code = copy_text(error->aws.code);
    copy->aws.request_id = copy_text(error->aws.request_id);
    copy->cause = NULL;
    return copy;
}

struct pk_error *pk_error_copy(const struct pk_error *error) {
    struct pk_error *first = NULL;
    struct pk_error **place = &first;
    for (; error != NULL; error = error->cause) {
        *place = copy_one(error);
        place = &(*place)->cause;
    }
    return first;
}

void pk_error_free(struct pk_error *error) {
    while (error != NULL) {
        struct pk_error *cause = error->cause;
        free(error->message);
        free(error->detail);
        free(error->hint);
        free(error->id);
        free(error->address);
        free(error->aws.service);
        free(error->aws.operation);
        free(error->aws.code);
        free(error->aws.request_id);
        free(error);
        error = cause;
    }
}

void pk_error_freep(struct pk_error **error) {
    pk_error_free(*error);
    *error = NULL;
}

void pk_error_clear(struct pk_error **err) {
    if (err != NULL) {
        pk_error_freep(err);
    }
}

bool pk_error_is_aws(const struct pk_error *error, const char *aws_code) {
    return error != NULL && error->aws.code != NULL && strcmp(error->aws.code, aws_code) == 0;
}
