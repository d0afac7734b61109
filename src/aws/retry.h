/*
 * retry.h - which failures are tried again, when, and how often.
 *
 * Layer 4, inside aws/. The SDKs' "standard" mode (Retry Behavior, SDK reference guide): full
 * jitter, a bucket of 500 tokens for each service, plus a rate that adapts to throttling.
 */
#ifndef PK_AWS_RETRY_H
#define PK_AWS_RETRY_H

#include "base/base.h"
#include "base/error.h"
#include "http/http.h"

#include <pthread.h>

enum pk_aws_failure {
    PK_AWS_FINAL,     /* not tried again */
    PK_AWS_TRANSIENT, /* 5xx, connection lost */
    PK_AWS_TIMED_OUT,
    PK_AWS_THROTTLED,
    PK_AWS_EXPIRED, /* the credentials are: refresh once */
    PK_AWS_SKEWED,  /* signed with a wrong clock: sign once with the server's */
};

/* code may be NULL. */
enum pk_aws_failure pk_aws_classify(int status, const char *code);
/* AWS, ACCESS_DENIED or CREDENTIALS. */
enum pk_code pk_aws_error_code(int status, const char *code);
/* Wait before attempt number `attempt` + 1 (attempt counts from 1); random in [0, 1). */
int64_t pk_aws_backoff_ms(int attempt, double random, const struct pk_http_response *response);

/* Tokens and rate of one service. */
struct pk_aws_quota {
    pthread_mutex_t lock; /* taken alone */
    int tokens;
    /* Sending rate; 0 = not limited (nothing was throttled yet). */
    double rate, rate_at_throttle;
    int64_t throttled_ms, next_send_ms, window_ms;
    int sent_in_window;
    double measured_rate;
};

struct pk_aws_quota *pk_aws_quota_new(void);
void pk_aws_quota_free(struct pk_aws_quota *quota);
/* Takes the price of one retry; *ret_taken is given back on success. False when the bucket is
 * empty. */
bool pk_aws_quota_take(struct pk_aws_quota *quota, enum pk_aws_failure failure, int *ret_taken);
void pk_aws_quota_give(struct pk_aws_quota *quota, int taken);
/* How long to wait before sending now, in milliseconds; reserves the slot. */
int64_t pk_aws_quota_delay(struct pk_aws_quota *quota, int64_t now_ms);
/* Tells what came back. */
void pk_aws_quota_feedback(struct pk_aws_quota *quota, bool throttled, int64_t now_ms);

#endif
