/*
 * wire.h - a request before it has a host and a signature, and the text forms of scalars.
 *
 * Layer 4, inside aws/. Objects belong to one thread.
 */
#ifndef PK_AWS_WIRE_H
#define PK_AWS_WIRE_H

#include "aws/model.h"
#include "base/str.h"
#include "http/http.h"

#include <jansson.h>

/* One query parameter, not escaped; value NULL is sent without "=". */
struct pk_aws_pair {
    char *key;
    char *value;
};
struct pk_aws_pairs {
    struct pk_aws_pair *items;
    size_t len, cap;
};

/* Copies both. */
void pk_aws_pairs_add(struct pk_aws_pairs *pairs, const char *key, const char *value);
/* Cuts "a=b&c" (percent escapes are decoded) and adds each. */
void pk_aws_pairs_parse(struct pk_aws_pairs *pairs, struct pk_str query);
void pk_aws_pairs_release(struct pk_aws_pairs *pairs);
/* "a=b&c", escaped, in the order of the list. */
void pk_aws_pairs_write(const struct pk_aws_pairs *pairs, struct pk_buf *ret);

struct pk_aws_wire {
    const char *method; /* static text */
    struct pk_buf path; /* escaped, starts with "/" */
    struct pk_aws_pairs query;
    struct pk_headers headers;
    struct pk_buf body_buf;
    const void *body; /* into body_buf, or the caller's raw payload */
    size_t body_len;
    char *host_prefix; /* "data-" or NULL */
};

void pk_aws_wire_init(struct pk_aws_wire *wire);
void pk_aws_wire_release(struct pk_aws_wire *wire);

/* Appends text with everything but A-Z a-z 0-9 - . _ ~ and the characters of `keep` escaped. */
void pk_aws_escape(struct pk_buf *ret, const char *text, size_t len, const char *keep);
/* Appends text with %XX decoded; malformed escapes stay as they are. */
void pk_aws_unescape(struct pk_buf *ret, const char *text, size_t len);
/* Appends the text of a scalar parameter: numbers in their shortest form, times in `format`. */
void pk_aws_scalar(struct pk_buf *ret, const struct pk_aws_service *service,
                   const struct pk_aws_member *member, const json_t *value,
                   enum pk_aws_time_format default_format);
/* A time parameter (integer or real seconds, or text) in milliseconds; false when it is none. */
PK_NODISCARD bool pk_aws_time_value(const json_t *value, int64_t *ret_ms);
/* What a parsed answer holds for a time: Unix seconds, an integer when whole. */
json_t *pk_aws_time_json(int64_t ms);
/* Shortest text that reads back as the same number; "1.0", "1e+22". */
void pk_aws_real(struct pk_buf *ret, double value);

#endif
