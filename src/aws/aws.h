/*
 * aws.h - the AWS client: one call for every operation of every service in the generated tables.
 *
 * Layer 4. A client is immutable and may be used from any number of threads. Parameters and results
 * are JSON in the shape of the service's API model (botocore's member names):
 * - blob: base64 text, except the payload member of a REST operation, whose raw bytes go through
 *   pk_aws_io when given there
 * - timestamp: in parameters integer or real Unix seconds, or ISO 8601 text; in results Unix
 * seconds (integer when whole)
 * - jsonvalue: JSON as text
 * - idempotencyToken: filled with a UUID when absent, the same one on every attempt
 *
 * Unknown members, wrong types and missing required members are INTERNAL errors before anything is
 * sent; members that are null count as absent. Results are cleaned of AWS's oddities: IAM policy
 * documents are plain JSON text, Route 53 ids have no path, keys that S3 lists are decoded,
 * GetBucketLocation always names a region; the UserData of RunInstances is given as it is. The
 * retry policy is the SDKs' standard mode; every attempt is signed anew.
 */
#ifndef PK_AWS_AWS_H
#define PK_AWS_AWS_H

#include "base/cancel.h"
#include "base/clock.h"
#include "base/error.h"
#include "base/str.h"
#include "http/http.h"

#include <jansson.h>

struct pk_aws;

struct pk_aws_config {
    const char *region;       /* flag or setting; NULL = environment, profile */
    const char *profile;      /* NULL = AWS_PROFILE, "default" */
    const char *endpoint_url; /* --endpoint-url; NULL = AWS_ENDPOINT_URL*, profile, rule set */
    const char *access_key_id, *secret_access_key,
        *session_token;           /* explicit keys; NULL = the chain */
    int max_attempts;             /* 0 = AWS_MAX_ATTEMPTS, profile, 3 */
    struct pk_http *http;         /* borrowed; NULL = the client makes its own on first use */
    const struct pk_clock *clock; /* NULL = the system's */
    const char *(*getenv)(void *ctx, const char *name); /* NULL = the process environment */
    void *getenv_ctx;
    /* Asks for the code of an MFA device; NULL or false = no terminal, a clear error. *ret is
     * malloc'ed. */
    bool (*mfa_prompt)(void *ctx, const char *mfa_serial, char **ret_code);
    void *mfa_ctx;
    /* Waits between attempts; NULL = really waits (and ends at once when the call is cancelled). */
    void (*sleep_ms)(void *ctx, int64_t ms);
    void *sleep_ctx;
    /* Makes idempotency tokens; NULL = random UUIDs. */
    void (*token)(void *ctx, char ret[static 37]);
    void *token_ctx;
};

/* Reads settings (not yet credentials: those are fetched on the first call). */
PK_NODISCARD bool pk_aws_new(const struct pk_aws_config *config, struct pk_aws **ret,
                             struct pk_error **err);
/* A client like `aws` (same transport, region, endpoints) whose credentials come from
 * sts:AssumeRole. */
PK_NODISCARD bool pk_aws_assume_role(struct pk_aws *aws, const char *role_arn,
                                     const char *session_name, const char *external_id,
                                     int duration_s, struct pk_aws **ret, struct pk_error **err);
/* A client like `aws` for another region. */
PK_NODISCARD bool pk_aws_for_region(struct pk_aws *aws, const char *region, struct pk_aws **ret,
                                    struct pk_error **err);
void pk_aws_free(struct pk_aws *aws); /* NULL is fine; the transport lives until the last client
                                         using it is freed */
void pk_aws_freep(struct pk_aws **aws);
const char *pk_aws_region(const struct pk_aws *aws); /* never NULL; "" when none is configured */
const char *pk_aws_partition(const char *region);    /* "aws", "aws-cn", "aws-us-gov", … */
const char *pk_aws_dns_suffix(const char *region);   /* "amazonaws.com", … */

/* Extras of one call; zero-initialise. */
struct pk_aws_io {
    const char *region;  /* overrides the client's */
    const void *payload; /* raw payload member (S3 Body) */
    size_t payload_len;
    struct pk_buf *ret_payload; /* receives the raw payload member; initialised by the caller */
    int timeout_ms;             /* one attempt; 0 = 60,000 */
    int max_attempts;           /* 0 = the client's */
    const struct pk_cancel *cancel;
    /* Called before every attempt is sent; false (with *err) stops the call without sending. */
    bool (*guard)(void *ctx, struct pk_error **err);
    void *guard_ctx;
    int *ret_attempts; /* how many were sent */
};

/*
 * Calls `operation` of `service` (botocore's names: "sqs", "CreateQueue"; "elbv2", "rds" …).
 * params: borrowed, NULL = {}. ret: new reference, {} for an empty answer; may be NULL to drop it.
 * An operation that is not in the tables is an INTERNAL error. On an AWS error *err has the aws
 * block set; ACCESS_DENIED is the code for every form of "not allowed", CREDENTIALS for missing or
 * expired ones.
 */
PK_NODISCARD bool pk_aws_call(struct pk_aws *aws, const char *service, const char *operation,
                              json_t *params, const struct pk_aws_io *io, json_t **ret,
                              struct pk_error **err);

/* True when the tables have it; for tests and for checks of provider tables. */
bool pk_aws_has_operation(const char *service, const char *operation);
/* True when the model marks an operation as reading only by its name (Describe, Get, List, Head,
 * BatchGet, Lookup …). */
bool pk_aws_is_read_only(const char *operation);

/*
 * Follows the model's paginator and collects every page's result key(s) into one result.
 * max_items bounds the total (0 = 100,000).
 */
PK_NODISCARD bool pk_aws_call_all(struct pk_aws *aws, const char *service, const char *operation,
                                  json_t *params, const struct pk_aws_io *io, size_t max_items,
                                  json_t **ret, struct pk_error **err);

/* Unix milliseconds corrected by the offset seen in the `Date` header of the last answers. */
int64_t pk_aws_server_time_ms(struct pk_aws *aws);
/* Account id of the caller (sts:GetCallerIdentity, cached); ret_account, ret_arn malloc'ed, either
 * may be NULL. */
PK_NODISCARD bool pk_aws_caller(struct pk_aws *aws, char **ret_account, char **ret_arn,
                                struct pk_error **err);
/* Which credentials source won and why, for `panka doctor` and error texts: malloc'ed, never a
 * secret. */
char *pk_aws_credentials_source(struct pk_aws *aws);
/* Counters since the client's creation, of this client and those derived from it. */
struct pk_aws_stats {
    uint64_t calls, attempts, retries, throttles, bytes_sent, bytes_received;
};
void pk_aws_get_stats(struct pk_aws *aws, struct pk_aws_stats *ret);

#endif
