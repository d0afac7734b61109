/* credentials.c - snapshots of credentials, fixed ones, and the cache. */
#include "aws/credentials.h"

#include "base/mem.h"
#include "base/str.h"

#include <ctype.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

/* Refreshed this long before they expire; while they are still good, a failure to do so is ignored.
 */
#define REFRESH_BEFORE_MS (5 * 60 * 1000)
/* After such a failure the next try is not made at once. */
#define REFRESH_AGAIN_MS (30 * 1000)

struct pk_aws_creds *pk_aws_creds_new(const char *access_key_id, const char *secret_access_key,
                                      const char *session_token, int64_t expires_ms) {
    struct pk_aws_creds *creds = pk_calloc(1, sizeof(*creds));
    creds->refs = 1;
    creds->access_key_id = pk_strdup(access_key_id);
    creds->secret_access_key = pk_strdup(secret_access_key);
    if (session_token != NULL && session_token[0] != '\0')
        creds->session_token = pk_strdup(session_token);
    creds->expires_ms = expires_ms;
    return creds;
}

struct pk_aws_creds *pk_aws_creds_ref(struct pk_aws_creds *creds) {
    __atomic_add_fetch(&creds->refs, 1, __ATOMIC_RELAXED);
    return creds;
}

void pk_aws_creds_unref(struct pk_aws_creds *creds) {
    if (creds == NULL || __atomic_sub_fetch(&creds->refs, 1, __ATOMIC_ACQ_REL) != 0)
        return;
    free(creds->access_key_id);
    pk_secret_free(creds->secret_access_key);
    pk_secret_free(creds->session_token);
    free(creds);
}

void pk_aws_creds_unrefp(struct pk_aws_creds **creds) {
    pk_aws_creds_unref(*creds);
}

static const char *text_of(const json_t *object, const char *key) {
    const json_t *value = json_object_get(object, key);
    if (value == NULL) {
        PK_CLEANUP(pk_freep) char *lower = pk_strdup(key);
        lower[0] = (char)tolower((unsigned char)lower[0]);
        value = json_object_get(object, lower);
    }
    const char *text = json_string_value(value);
    return text != NULL && text[0] != '\0' ? text : NULL;
}

/* A time as text, Unix seconds, or (SSO) Unix milliseconds. */
static bool expiration(const json_t *object, int64_t *ret_ms) {
    const json_t *value = json_object_get(object, "Expiration");
    if (value == NULL)
        value = json_object_get(object, "expiration");
    if (json_is_string(value))
        return pk_time_parse(json_string_value(value), ret_ms);
    if (json_is_number(value)) {
        double number = json_number_value(value);
        *ret_ms = (int64_t)(number < 1e11 ? number * 1000 : number);
        return true;
    }
    return value == NULL;
}

bool pk_aws_creds_from_json(const json_t *object, const char *token_key, const char *what,
                            struct pk_aws_creds **ret, struct pk_error **err) {
    const char *key = text_of(object, "AccessKeyId");
    const char *secret = text_of(object, "SecretAccessKey");
    int64_t expires_ms = 0;
    if (key == NULL || secret == NULL)
        return pk_fail(err, PK_E_CREDENTIALS, "%s: the answer has no %s", what,
                       key ? "SecretAccessKey" : "AccessKeyId");
    if (!expiration(object, &expires_ms))
        return pk_fail(err, PK_E_CREDENTIALS, "%s: the answer has an Expiration that is no time",
                       what);
    *ret = pk_aws_creds_new(key, secret, text_of(object, token_key), expires_ms);
    return true;
}

void pk_aws_provider_free(struct pk_aws_provider *provider) {
    if (provider == NULL)
        return;
    free(provider->source);
    provider->free(provider);
}

struct fixed {
    struct pk_aws_provider base;
    struct pk_aws_creds *creds;
};

static bool fetch_fixed(struct pk_aws_provider *provider, struct pk_aws_creds **ret,
                        struct pk_error **err PK_UNUSED) {
    *ret = pk_aws_creds_ref(((struct fixed *)provider)->creds);
    return true;
}

static void free_fixed(struct pk_aws_provider *provider) {
    struct fixed *fixed = (struct fixed *)provider;
    pk_aws_creds_unref(fixed->creds);
    free(fixed);
}

struct pk_aws_provider *pk_aws_static_provider(const char *source, const char *access_key_id,
                                               const char *secret_access_key,
                                               const char *session_token) {
    struct fixed *fixed = pk_calloc(1, sizeof(*fixed));
    fixed->base = (struct pk_aws_provider){fetch_fixed, free_fixed, pk_strdup(source)};
    fixed->creds = pk_aws_creds_new(access_key_id, secret_access_key, session_token, 0);
    return &fixed->base;
}

struct pk_aws_cached {
    int refs;
    struct pk_aws_provider *provider;
    const struct pk_clock *clock;
    pthread_mutex_t lock; /* held while fetching: one refresh at a time, the others wait for it */
    struct pk_aws_creds *current;
    int64_t try_again_ms; /* no early refresh before */
};

struct pk_aws_cached *pk_aws_cached_new(struct pk_aws_provider *provider,
                                        const struct pk_clock *clock) {
    struct pk_aws_cached *cached = pk_calloc(1, sizeof(*cached));
    cached->refs = 1;
    cached->provider = provider;
    cached->clock = clock;
    pthread_mutex_init(&cached->lock, NULL);
    return cached;
}

struct pk_aws_cached *pk_aws_cached_ref(struct pk_aws_cached *cached) {
    __atomic_add_fetch(&cached->refs, 1, __ATOMIC_RELAXED);
    return cached;
}

void pk_aws_cached_unref(struct pk_aws_cached *cached) {
    if (__atomic_sub_fetch(&cached->refs, 1, __ATOMIC_ACQ_REL) != 0)
        return;
    pk_aws_creds_unref(cached->current);
    pk_aws_provider_free(cached->provider);
    pthread_mutex_destroy(&cached->lock);
    free(cached);
}

/* Under the lock. */
static bool refresh(struct pk_aws_cached *cached, struct pk_error **err) {
    struct pk_aws_creds *fresh = NULL;
    if (!cached->provider->fetch(cached->provider, &fresh, err))
        return false;
    pk_aws_creds_unref(cached->current);
    cached->current = fresh;
    return true;
}

bool pk_aws_cached_get(struct pk_aws_cached *cached, struct pk_aws_creds **ret,
                       struct pk_error **err) {
    pthread_mutex_lock(&cached->lock);
    const struct pk_aws_creds *current = cached->current;
    int64_t now = pk_wall_ms(cached->clock);
    bool ok = true;
    if (current == NULL || (current->expires_ms != 0 && current->expires_ms <= now)) {
        ok = refresh(cached, err);
    } else if (current->expires_ms != 0 && current->expires_ms - REFRESH_BEFORE_MS <= now &&
               now >= cached->try_again_ms) {
        struct pk_error *ignored = NULL;
        if (!refresh(cached, &ignored))
            cached->try_again_ms = now + REFRESH_AGAIN_MS;
        pk_error_free(ignored);
    }
    if (ok)
        *ret = pk_aws_creds_ref(cached->current);
    pthread_mutex_unlock(&cached->lock);
    return ok;
}

void pk_aws_cached_drop(struct pk_aws_cached *cached, const struct pk_aws_creds *seen) {
    pthread_mutex_lock(&cached->lock);
    if (cached->current == seen) {
        pk_aws_creds_unref(cached->current);
        cached->current = NULL;
    }
    pthread_mutex_unlock(&cached->lock);
}

char *pk_aws_cached_source(struct pk_aws_cached *cached) {
    pthread_mutex_lock(&cached->lock);
    char *source = pk_strdup(cached->provider->source);
    pthread_mutex_unlock(&cached->lock);
    return source;
}
