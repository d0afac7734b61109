/*
 * diag.h - findings about users' files: collected, sorted by place, all in one run.
 *
 * Layer 0. A collection belongs to one thread at a time. It and everything added to it live in the
 * collection's own memory; only the sources that spans point to are the caller's.
 */
#ifndef PK_BASE_DIAG_H
#define PK_BASE_DIAG_H

#include "base/error.h"
#include "base/mem.h"

enum pk_severity { PK_SEVERITY_ERROR, PK_SEVERITY_WARNING, PK_SEVERITY_INFO };

struct pk_related {
    struct pk_span span;
    const char *message;
};

struct pk_diag {
    enum pk_severity severity;
    const char *id; /* "rds.gp3-iops" */
    struct pk_span span;
    const char *message; /* summary in fixed words */
    const char *label;   /* text after the carets, or NULL */
    const char *detail;  /* or NULL */
    const char *help;    /* or NULL */
    const char *address; /* "api/api-db" or a resource key; or NULL */
    struct pk_related *related;
    size_t n_related;
};

struct pk_diags;

struct pk_diags *pk_diags_new(void);
void pk_diags_free(struct pk_diags *diags);
void pk_diags_freep(struct pk_diags **diags);
/* Adds one finding and returns it so that label/help/related can be added. At most 1,000 are kept,
 * the rest counted. */
struct pk_diag *pk_diag(struct pk_diags *diags, enum pk_severity severity, const char *id,
                        struct pk_span span, const char *fmt, ...) PK_PRINTF(5, 6);
struct pk_diag *pk_diag_help(struct pk_diags *diags, struct pk_diag *diag, const char *fmt, ...)
    PK_PRINTF(3, 4);
struct pk_diag *pk_diag_label(struct pk_diags *diags, struct pk_diag *diag, const char *fmt, ...)
    PK_PRINTF(3, 4);
struct pk_diag *pk_diag_detail(struct pk_diags *diags, struct pk_diag *diag, const char *fmt, ...)
    PK_PRINTF(3, 4);
struct pk_diag *pk_diag_address(struct pk_diags *diags, struct pk_diag *diag, const char *fmt, ...)
    PK_PRINTF(3, 4);
struct pk_diag *pk_diag_related(struct pk_diags *diags, struct pk_diag *diag, struct pk_span span,
                                const char *fmt, ...) PK_PRINTF(4, 5);
/* Copies everything in `from` (counts of dropped findings too) to the end of `diags`. */
void pk_diags_merge(struct pk_diags *diags, const struct pk_diags *from);
/* Sorts by file, line, column, id and drops exact repeats; findings without a place come first. */
void pk_diags_sort(struct pk_diags *diags);
size_t pk_diags_len(const struct pk_diags *diags);
const struct pk_diag *pk_diags_at(const struct pk_diags *diags, size_t index);
size_t pk_diags_count(const struct pk_diags *diags,
                      enum pk_severity severity); /* includes dropped ones */
bool pk_diags_has_errors(const struct pk_diags *diags);
/* Turns the findings into one error of code CONFIG whose message counts them; returns false. */
bool pk_diags_fail(const struct pk_diags *diags, struct pk_error **err);

#endif
