/* retry.c - the SDKs' standard retry mode with an adaptive sending rate. */
#include "aws/retry.h"

#include "base/mem.h"
#include "base/str.h"

#include <stdlib.h>

#define BUCKET 500
#define RETRY_COST 5
#define TIMEOUT_COST 10
#define NO_RETRY_REFUND 1
#define MAX_BACKOFF_MS 20000
/* Adaptive mode: cut to 0.7 on throttling, then grow along a cubic curve. */
#define RATE_CUT 0.7
#define RATE_GROWTH 0.4
#define MIN_RATE 0.5
#define RATE_WINDOW_MS 500

static bool listed(const char *code, const char *const *list, size_t len) {
    for (size_t i = 0; i < len; i++) {
        if (pk_streq(code, list[i]))
            return true;
    }
    return false;
}
#define LISTED(code, list) listed(code, list, PK_ARRAY_LEN(list))

enum pk_aws_failure pk_aws_classify(int status, const char *code) {
    static const char *const throttled[] = {"Throttling",
                                            "ThrottlingException",
                                            "ThrottledException",
                                            "RequestThrottledException",
                                            "RequestThrottled",
                                            "TooManyRequestsException",
                                            "ProvisionedThroughputExceededException",
                                            "TransactionInProgressException",
                                            "RequestLimitExceeded",
                                            "BandwidthLimitExceeded",
                                            "LimitExceededException",
                                            "SlowDown",
                                            "EC2ThrottledException"};
    static const char *const transient[] = {
        "RequestTimeout",          "RequestTimeoutException",
        "PriorRequestNotComplete", "InternalError",
        "InternalFailure",         "InternalServerError",
        "ServiceUnavailable",      "IDPCommunicationError",
        "InternalErrorException",  "ReplicatedWriteConflictException"};
    static const char *const skewed[] = {"RequestTimeTooSkewed",  "RequestInTheFuture",
                                         "RequestExpired",        "InvalidSignatureException",
                                         "SignatureDoesNotMatch", "AuthFailure"};
    static const char *const expired[] = {"ExpiredToken", "ExpiredTokenException",
                                          "TokenRefreshRequired"};
    if (LISTED(code, throttled))
        return PK_AWS_THROTTLED;
    if (LISTED(code, transient))
        return PK_AWS_TRANSIENT;
    if (LISTED(code, expired))
        return PK_AWS_EXPIRED;
    if (LISTED(code, skewed))
        return PK_AWS_SKEWED;
    if (status == 429)
        return PK_AWS_THROTTLED;
    return status == 500 || status == 502 || status == 503 || status == 504 ? PK_AWS_TRANSIENT
                                                                            : PK_AWS_FINAL;
}

enum pk_code pk_aws_error_code(int status, const char *code) {
    static const char *const denied[] = {"AccessDenied",
                                         "AccessDeniedException",
                                         "UnauthorizedOperation",
                                         "AuthorizationError",
                                         "AuthorizationErrorException",
                                         "UnauthorizedException",
                                         "UnauthorizedAccess",
                                         "NotAuthorized",
                                         "AllAccessDisabled",
                                         "403"};
    static const char *const credentials[] = {"ExpiredToken",
                                              "ExpiredTokenException",
                                              "TokenRefreshRequired",
                                              "RequestExpired",
                                              "InvalidClientTokenId",
                                              "UnrecognizedClientException",
                                              "InvalidAccessKeyId",
                                              "InvalidToken",
                                              "SignatureDoesNotMatch",
                                              "InvalidSignatureException",
                                              "MissingAuthenticationToken",
                                              "MissingAuthenticationTokenException",
                                              "IncompleteSignature",
                                              "IncompleteSignatureException",
                                              "AuthFailure",
                                              "OptInRequired"};
    if (LISTED(code, credentials))
        return PK_E_CREDENTIALS;
    return LISTED(code, denied) || (status == 403 && pk_streq(code, "Forbidden"))
               ? PK_E_ACCESS_DENIED
               : PK_E_AWS;
}

/* Retry-After in seconds, x-amz-retry-after in milliseconds; -1 when neither is there. */
static int64_t server_wait_ms(const struct pk_http_response *response) {
    int64_t number;
    const char *text = response ? pk_headers_get(&response->headers, "x-amz-retry-after") : NULL;
    if (text != NULL && pk_parse_i64(pk_str(text), &number) && number >= 0)
        return number;
    text = response ? pk_headers_get(&response->headers, "Retry-After") : NULL;
    if (text != NULL && pk_parse_i64(pk_str(text), &number) && number >= 0 && number < 86400)
        return number * 1000;
    return -1;
}

int64_t pk_aws_backoff_ms(int attempt, double random, const struct pk_http_response *response) {
    int64_t told = server_wait_ms(response);
    if (told >= 0)
        return told < MAX_BACKOFF_MS ? told : MAX_BACKOFF_MS;
    double ceiling = attempt > 5 ? MAX_BACKOFF_MS : 1000.0 * (double)(1 << (attempt - 1));
    return (int64_t)(random * (ceiling < MAX_BACKOFF_MS ? ceiling : MAX_BACKOFF_MS));
}

struct pk_aws_quota *pk_aws_quota_new(void) {
    struct pk_aws_quota *quota = pk_calloc(1, sizeof(*quota));
    pthread_mutex_init(&quota->lock, NULL);
    quota->tokens = BUCKET;
    return quota;
}

void pk_aws_quota_free(struct pk_aws_quota *quota) {
    pthread_mutex_destroy(&quota->lock);
    free(quota);
}

bool pk_aws_quota_take(struct pk_aws_quota *quota, enum pk_aws_failure failure, int *ret_taken) {
    int cost = failure == PK_AWS_TIMED_OUT ? TIMEOUT_COST : RETRY_COST;
    pthread_mutex_lock(&quota->lock);
    bool enough = quota->tokens >= cost;
    if (enough) {
        quota->tokens -= cost;
        *ret_taken = cost;
    }
    pthread_mutex_unlock(&quota->lock);
    return enough;
}

void pk_aws_quota_give(struct pk_aws_quota *quota, int taken) {
    pthread_mutex_lock(&quota->lock);
    quota->tokens += taken ? taken : NO_RETRY_REFUND;
    if (quota->tokens > BUCKET)
        quota->tokens = BUCKET;
    pthread_mutex_unlock(&quota->lock);
}

int64_t pk_aws_quota_delay(struct pk_aws_quota *quota, int64_t now_ms) {
    int64_t delay = 0;
    pthread_mutex_lock(&quota->lock);
    if (quota->rate > 0) {
        int64_t at = quota->next_send_ms > now_ms ? quota->next_send_ms : now_ms;
        delay = at - now_ms;
        quota->next_send_ms = at + (int64_t)(1000.0 / quota->rate);
    }
    pthread_mutex_unlock(&quota->lock);
    return delay;
}

static void measure(struct pk_aws_quota *quota, int64_t now_ms) {
    if (quota->window_ms == 0)
        quota->window_ms = now_ms;
    quota->sent_in_window++;
    int64_t passed = now_ms - quota->window_ms;
    if (passed >= RATE_WINDOW_MS) {
        double rate = 1000.0 * quota->sent_in_window / (double)passed;
        quota->measured_rate =
            quota->measured_rate > 0 ? 0.8 * rate + 0.2 * quota->measured_rate : rate;
        quota->sent_in_window = 0;
        quota->window_ms = now_ms;
    }
}

/* Newton's method; x > 0. */
static double cube_root(double x) {
    double root = x > 1 ? x : 1;
    for (int i = 0; i < 40; i++)
        root -= (root * root * root - x) / (3 * root * root);
    return root;
}

void pk_aws_quota_feedback(struct pk_aws_quota *quota, bool throttled, int64_t now_ms) {
    pthread_mutex_lock(&quota->lock);
    measure(quota, now_ms);
    if (throttled) {
        double base = quota->rate > 0 && quota->rate < quota->measured_rate ? quota->rate
                                                                            : quota->measured_rate;
        if (base < MIN_RATE)
            base = quota->rate > 0 ? quota->rate : 10.0;
        quota->rate_at_throttle = base;
        quota->throttled_ms = now_ms;
        quota->rate = base * RATE_CUT > MIN_RATE ? base * RATE_CUT : MIN_RATE;
    } else if (quota->rate > 0) {
        double seconds = (double)(now_ms - quota->throttled_ms) / 1000.0;
        double since = seconds - cube_root(quota->rate_at_throttle * (1 - RATE_CUT) / RATE_GROWTH);
        double rate = RATE_GROWTH * since * since * since + quota->rate_at_throttle;
        double limit = 2 * quota->measured_rate;
        quota->rate = limit > MIN_RATE && rate > limit ? limit : rate;
        if (quota->rate < MIN_RATE)
            quota->rate = MIN_RATE;
        /* Long quiet: forget the limit. */
        if (seconds > 60)
            quota->rate = 0;
    }
    pthread_mutex_unlock(&quota->lock);
}
