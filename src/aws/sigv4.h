/*
 * sigv4.h - AWS Signature Version 4, in headers and in the query.
 *
 * Layer 4, inside aws/. A pure function: no clock, no state. Source: "Create a signed AWS API
 * request" in the IAM User Guide.
 */
#ifndef PK_AWS_SIGV4_H
#define PK_AWS_SIGV4_H

#include "aws/wire.h"

#define PK_SIGV4_UNSIGNED_PAYLOAD "UNSIGNED-PAYLOAD"

struct pk_sigv4 {
    const char *method;
    const char *path;                 /* as it is sent, starts with "/" */
    const struct pk_aws_pairs *query; /* not escaped */
    const struct pk_headers *headers; /* with Host */
    const char *payload_hash;         /* hex SHA-256, or PK_SIGV4_UNSIGNED_PAYLOAD */
    const char *access_key_id, *secret_access_key;
    const char *session_token; /* or NULL */
    const char *region, *service;
    int64_t unix_seconds;
    bool escape_path;    /* S3 signs the path as it is sent, everything else escapes it again */
    bool normalize_path; /* "." and ".." and empty segments; not for S3 */
    bool token_unsigned; /* the session token is added after signing */
    int expires_s;       /* query form: life time */
    struct pk_buf *ret_canonical_request, *ret_string_to_sign; /* for tests; or NULL */
};

/* Headers to add: X-Amz-Date (unless there), X-Amz-Security-Token, Authorization. */
void pk_sigv4_sign(const struct pk_sigv4 *input, struct pk_headers *ret_headers);
/* Query parameters to add, X-Amz-Signature last. */
void pk_sigv4_presign(const struct pk_sigv4 *input, struct pk_aws_pairs *ret_query);

#endif
