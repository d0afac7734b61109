/*
 * error.h - the one error type, and places in users' files.
 *
 * Layer 0. A fallible function is `PK_NODISCARD bool f(…, T *ret_x, struct pk_error **err)`: true,
 * or false with *err set and ret_x untouched; there is no third state ("not found" is success with
 * NULL). `err` itself may be NULL when the caller does not care. The caller frees *err. Library
 * code never prints.
 */
#ifndef PK_BASE_ERROR_H
#define PK_BASE_ERROR_H

#include "base/base.h"

#include <stdarg.h>

/* A file as it was read; lives as long as the arena of the project that read it. */
struct pk_source {
    const char *path; /* as shown to people: relative to the current directory where possible */
    const char *text; /* NUL-terminated, len bytes */
    size_t len;
};

/* A place in a source: lines and columns from 1, columns in code points, end exclusive. src NULL =
 * no place. */
struct pk_span {
    const struct pk_source *src;
    uint32_t line, column, end_line, end_column;
};

enum pk_code {
#define PK_ERROR_CODE(name, id, exit_status, hint) PK_E_##name,
#include "base/error_codes.def"
#undef PK_ERROR_CODE
    PK_E_COUNT
};

struct pk_error {
    enum pk_code code;
    char *message; /* one line, says what happened */
    char *detail;  /* more lines: why; or NULL */
    char *hint;    /* how to fix it; or NULL (then the code's default hint applies) */
    char *id;      /* diagnostic id such as "s3.name-taken", or NULL */
    struct pk_span span;
    char *address; /* resource key such as "api-db:subnet-group", or NULL */
    struct {
        char *service;    /* "rds"; NULL when the error is not an answer of AWS */
        char *operation;  /* "CreateDBInstance" */
        char *code;       /* "DBInstanceAlreadyExists" */
        char *request_id; /* or NULL */
        int http_status;  /* 0 = none */
        bool retryable;
        bool throttled;
        bool
            sent; /* the request may have reached AWS: the outcome is unknown when no answer came */
    } aws;
    struct pk_error *cause;
};

const char *pk_code_id(enum pk_code code);
int pk_code_exit_status(enum pk_code code);
const char *pk_code_hint(enum pk_code code); /* or NULL */

/* Sets *err (when err is not NULL; an older *err becomes the cause) and returns false: `return
 * pk_fail(err, …);` */
bool pk_fail(struct pk_error **err, enum pk_code code, const char *fmt, ...) PK_PRINTF(3, 4);
bool pk_vfail(struct pk_error **err, enum pk_code code, const char *fmt, va_list args)
    PK_PRINTF(3, 0);
/* pk_fail with ": " and strerror(errno_value) appended; ENOENT has code NOT_FOUND, all others IO.
 */
bool pk_fail_errno(struct pk_error **err, int errno_value, const char *fmt, ...) PK_PRINTF(3, 4);
/* Puts "outer: " before the message of *err, keeps everything else; returns false. */
bool pk_wrap(struct pk_error **err, const char *fmt, ...) PK_PRINTF(2, 3);
/* Setters on *err; all return false and do nothing when err or *err is NULL. */
bool pk_error_hint(struct pk_error **err, const char *fmt, ...) PK_PRINTF(2, 3);
bool pk_error_detail(struct pk_error **err, const char *fmt, ...) PK_PRINTF(2, 3);
bool pk_error_span(struct pk_error **err, struct pk_span span);
void pk_error_set(char **field,
                  const char *text); /* replaces a malloc'ed field; text may be NULL */

struct pk_error *pk_error_copy(const struct pk_error *error);
void pk_error_free(struct pk_error *error); /* NULL is fine */
void pk_error_freep(struct pk_error **error);
/* Frees *err and sets it to NULL: after handling an error. */
void pk_error_clear(struct pk_error **err);
/* True when error is an AWS answer with this code (exact), e.g. pk_error_is_aws(e, "NoSuchKey"). */
bool pk_error_is_aws(const struct pk_error *error, const char *aws_code);

#endif
