/*
 * call.h - the state of one call and its attempts.
 *
 * Layer 4, inside aws/. Belongs to the calling thread.
 */
#ifndef PK_AWS_CALL_H
#define PK_AWS_CALL_H

#include "aws/client.h"
#include "aws/protocol.h"

struct call {
    struct pk_aws *aws;
    struct pk_aws_shared *shared;
    const struct pk_aws_io *io; /* never NULL */
    const struct pk_aws_service *service;
    const struct pk_aws_operation *operation;
    const char *name; /* the operation's */
    json_t *params;
    struct pk_aws_payload payload;
    struct pk_aws_wire wire;
    char *bucket; /* S3: or NULL */
    char *region;
    struct pk_aws_quota *quota;
    int max_attempts;
    int tries; /* attempts begun */
    int sent;  /* attempts that reached the transport */
    /* What each may happen once. */
    bool refreshed, resigned, redirected;
    bool unanswered; /* an attempt was sent and no answer came */
    int taken;       /* price of the last retry */
    /* Set by pk_aws_attempt. */
    struct pk_aws_creds *creds; /* those that the last attempt was signed with */
    enum pk_aws_failure failure;
    bool clock_corrected; /* the answer showed that our clock is off by minutes */
    char *redirect_region;
    int64_t wait_ms; /* before a retry */
};

/* Signs, sends, reads. On failure call->failure and its companions say what to do next. */
PK_NODISCARD bool pk_aws_attempt(struct call *call, json_t **ret, struct pk_error **err);

/* Parameters to wire, with everything that does not depend on host and credentials; tests compare
 * this with other SDKs. *ret_params is a new reference to the completed parameters; on failure
 * nothing is to be released. */
PK_NODISCARD bool pk_aws_write_request(const struct pk_aws_service *service,
                                       const struct pk_aws_operation *operation,
                                       const json_t *params, const struct pk_aws_payload *payload,
                                       void (*token)(void *ctx, char ret[static 37]),
                                       void *token_ctx, struct pk_aws_wire *ret,
                                       json_t **ret_params, struct pk_error **err);

/* The trace log: parameters and results with everything secret left out. */
void pk_aws_trace_request(const struct call *call, const char *url);
void pk_aws_trace_response(const struct call *call, const struct pk_http_response *response,
                           const json_t *result, const struct pk_aws_fault *fault);

#endif
