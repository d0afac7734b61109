/*
 * client.h - what the clients made from one pk_aws_new share, and one call's attempts.
 *
 * Layer 4, inside aws/. pk_aws_shared is reference-counted; its settings never change, what does is
 * atomic or under its lock (docs/threads.md).
 */
#ifndef PK_AWS_CLIENT_H
#define PK_AWS_CLIENT_H

#include "aws/aws.h"
#include "aws/credentials.h"
#include "aws/model.h"
#include "aws/profile.h"
#include "aws/retry.h"
#include "base/vec.h"

#include <pthread.h>
#include <stdatomic.h>

struct pk_aws_shared {
    atomic_int refs;
    /* Settings. */
    const struct pk_clock *clock;
    struct pk_aws_config config; /* texts point to the copies below or are NULL */
    char *region, *profile, *endpoint_url;
    char *access_key_id, *secret_access_key, *session_token;
    bool profile_is_explicit; /* by flag: then keys in the environment do not count */
    bool profile_is_named;    /* by flag or variable: then it must exist */
    bool ignore_endpoints;    /* AWS_IGNORE_CONFIGURED_ENDPOINT_URLS */
    unsigned variant;         /* enum pk_aws_variant bits */
    int max_attempts;
    char *ca_bundle;
    char *home; /* or NULL */
    struct pk_aws_profiles *profiles;
    /* Moving parts. */
    atomic_int_least64_t skew_ms; /* server time minus ours */
    atomic_uint_least64_t calls, attempts, retries, throttles, bytes_sent, bytes_received;
    pthread_mutex_t lock;          /* guards what follows; taken alone */
    struct pk_http *http;          /* own one, made on first use; NULL when config.http is used */
    struct pk_map *bucket_regions; /* bucket -> region text */
    struct pk_map *quotas;         /* service -> struct pk_aws_quota */
};

struct pk_aws {
    struct pk_aws_shared *shared;
    char *region;
    struct pk_aws_cached *creds;
    pthread_mutex_t lock; /* guards account and arn */
    char *account, *arn;
};

struct pk_aws_shared *pk_aws_shared_ref(struct pk_aws_shared *shared);
void pk_aws_shared_unref(struct pk_aws_shared *shared);
/* A client with these credentials (a reference is taken over; NULL = only unsigned calls). */
struct pk_aws *pk_aws_make(struct pk_aws_shared *shared, const char *region,
                           struct pk_aws_cached *creds);
/* The transport, made on first use. */
PK_NODISCARD bool pk_aws_http(struct pk_aws_shared *shared, struct pk_http **ret,
                              struct pk_error **err);

/* Environment variable, NULL when absent or empty. */
const char *pk_aws_env(const struct pk_aws_shared *shared, const char *name);
/* Value of the chosen profile, NULL when absent or empty. */
const char *pk_aws_profile_setting(const struct pk_aws_shared *shared, const char *key);
/* Environment, then profile. */
const char *pk_aws_setting(const struct pk_aws_shared *shared, const char *variable,
                           const char *key);
bool pk_aws_truth(const char *text); /* "true", "1", "yes" */
/* The URL that the user configured for a service, malloc'ed, or NULL. */
char *pk_aws_custom_endpoint(const struct pk_aws_shared *shared,
                             const struct pk_aws_service *service);
int64_t pk_aws_shared_time_ms(const struct pk_aws_shared *shared);
/* The region remembered for a bucket, malloc'ed, or NULL. */
char *pk_aws_bucket_region(struct pk_aws_shared *shared, const char *bucket);
void pk_aws_set_bucket_region(struct pk_aws_shared *shared, const char *bucket, const char *region);
struct pk_aws_quota *pk_aws_quota_of(struct pk_aws_shared *shared, const char *service);
void pk_aws_pause(const struct pk_aws_shared *shared, int64_t ms, const struct pk_cancel *cancel);

#endif
