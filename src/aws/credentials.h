/*
 * credentials.h - keys, and where they come from.
 *
 * Layer 4, inside aws/. A snapshot of credentials is immutable and reference-counted, so a request
 * never sees the key of one and the secret of another. A provider fetches; `cached` keeps the
 * snapshot and refreshes it before it expires, one thread at a time. Order and names are those of
 * the AWS SDKs.
 */
#ifndef PK_AWS_CREDENTIALS_H
#define PK_AWS_CREDENTIALS_H

#include "base/clock.h"
#include "base/error.h"

#include <jansson.h>

struct pk_aws_creds {
    int refs;
    char *access_key_id, *secret_access_key;
    char *session_token; /* or NULL */
    int64_t expires_ms;  /* Unix; 0 = never */
};

/* Copies the texts. */
struct pk_aws_creds *pk_aws_creds_new(const char *access_key_id, const char *secret_access_key,
                                      const char *session_token, int64_t expires_ms);
struct pk_aws_creds *pk_aws_creds_ref(struct pk_aws_creds *creds);
void pk_aws_creds_unref(struct pk_aws_creds *creds); /* NULL is fine */
void pk_aws_creds_unrefp(struct pk_aws_creds **creds);
/* From an object with AccessKeyId, SecretAccessKey, Expiration and a token under `token_key`; what
 * names the source in the error. Keys ignore the case of their first letter. */
PK_NODISCARD bool pk_aws_creds_from_json(const json_t *object, const char *token_key,
                                         const char *what, struct pk_aws_creds **ret,
                                         struct pk_error **err);

struct pk_aws_provider {
    /* *ret is a new reference. */
    bool (*fetch)(struct pk_aws_provider *provider, struct pk_aws_creds **ret,
                  struct pk_error **err);
    void (*free)(struct pk_aws_provider *provider);
    char *source; /* for people: "profile dev in /home/u/.aws/config: role_arn …" */
};
void pk_aws_provider_free(struct pk_aws_provider *provider); /* NULL is fine */

/* Fixed keys. */
struct pk_aws_provider *pk_aws_static_provider(const char *source, const char *access_key_id,
                                               const char *secret_access_key,
                                               const char *session_token);

struct pk_aws_cached;
/* Takes the provider over. */
struct pk_aws_cached *pk_aws_cached_new(struct pk_aws_provider *provider,
                                        const struct pk_clock *clock);
struct pk_aws_cached *pk_aws_cached_ref(struct pk_aws_cached *cached);
void pk_aws_cached_unref(struct pk_aws_cached *cached);
PK_NODISCARD bool pk_aws_cached_get(struct pk_aws_cached *cached, struct pk_aws_creds **ret,
                                    struct pk_error **err);
/* The server called `seen` expired: the next get fetches anew (unless another thread has already).
 */
void pk_aws_cached_drop(struct pk_aws_cached *cached, const struct pk_aws_creds *seen);
char *pk_aws_cached_source(struct pk_aws_cached *cached); /* malloc'ed */

/* The chain: decides on the first fetch which source is configured. */
struct pk_aws_shared;
struct pk_aws_provider *pk_aws_chain_provider(struct pk_aws_shared *shared);
/* The one for a profile, as the chain and source_profile use it. `visited` guards against loops. */
struct pk_aws_visit {
    const char *profile;
    const struct pk_aws_visit *from;
};
PK_NODISCARD bool pk_aws_profile_provider(struct pk_aws_shared *shared, const char *profile,
                                          const struct pk_aws_visit *from,
                                          struct pk_aws_provider **ret, struct pk_error **err);
/* role_arn with source_profile or credential_source. */
PK_NODISCARD bool pk_aws_role_provider(struct pk_aws_shared *shared, const char *profile,
                                       const struct pk_aws_visit *from,
                                       struct pk_aws_provider **ret, struct pk_error **err);
/* Keys in the profile's own section; *ret NULL when it has none. */
PK_NODISCARD bool pk_aws_keys_provider(struct pk_aws_shared *shared, const char *profile,
                                       bool credentials_file, struct pk_aws_provider **ret,
                                       struct pk_error **err);
PK_NODISCARD bool pk_aws_env_provider(struct pk_aws_shared *shared, struct pk_aws_provider **ret,
                                      struct pk_error **err);
struct pk_aws_provider *pk_aws_web_identity_provider(struct pk_aws_shared *shared,
                                                     const char *source, const char *token_file,
                                                     const char *role_arn,
                                                     const char *session_name);
PK_NODISCARD bool pk_aws_sso_provider(struct pk_aws_shared *shared, const char *profile,
                                      struct pk_aws_provider **ret, struct pk_error **err);
struct pk_aws_provider *pk_aws_process_provider(const char *source, const char *command);
PK_NODISCARD bool pk_aws_container_provider(struct pk_aws_shared *shared,
                                            struct pk_aws_provider **ret, struct pk_error **err);
PK_NODISCARD bool pk_aws_imds_provider(struct pk_aws_shared *shared, struct pk_aws_provider **ret,
                                       struct pk_error **err);

struct pk_aws_role {
    const char *role_arn, *session_name, *external_id, *mfa_serial;
    int duration_s;
};
/* sts:AssumeRole with the credentials of `base`, which is taken over. Texts are copied. */
struct pk_aws_provider *pk_aws_assume_provider(struct pk_aws_shared *shared, const char *source,
                                               struct pk_aws_cached *base,
                                               const struct pk_aws_role *role);

#endif
