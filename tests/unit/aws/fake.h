/*
 * fake.h - a scripted transport, environment and clock for tests of the client.
 *
 * Replies are played in order; every request is recorded. A request beyond the script fails like a
 * refused connection. Time moves only when the test or a wait moves it.
 */
#ifndef PK_TESTS_AWS_FAKE_H
#define PK_TESTS_AWS_FAKE_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "aws/aws.h"
#include "base/mem.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#define FAKE_MAX 64

struct fake_reply {
    int status;          /* 0: no answer, see below */
    const char *headers; /* "Name: value\n…" or NULL */
    const char *body;    /* or NULL */
    enum pk_code fail;   /* with status 0 */
    bool sent;           /* with status 0 */
    int64_t takes_ms;    /* the clock moves */
};

struct fake_request {
    char *method, *url, *body;
    struct pk_headers headers;
};

struct fake {
    struct pk_http base;
    pthread_mutex_t lock;
    struct fake_reply replies[FAKE_MAX];
    size_t n_replies, n_played;
    struct fake_request requests[FAKE_MAX];
    size_t n_requests;
    const char *const *env; /* name, value, …, NULL */
    int64_t now_ms;
    int64_t waited_ms;
    struct pk_clock clock;
};

static inline bool fake_send(struct pk_http *base, const struct pk_http_request *request,
                             struct pk_http_response *ret, struct pk_error **err) {
    struct fake *fake = (struct fake *)base;
    pthread_mutex_lock(&fake->lock);
    assert_true(fake->n_requests < FAKE_MAX);
    struct fake_request *seen = &fake->requests[fake->n_requests++];
    seen->method = pk_strdup(request->method);
    seen->url = pk_strdup(request->url);
    seen->body = pk_strndup(request->body_len ? request->body : "", request->body_len);
    for (size_t i = 0; i < request->headers.len; i++)
        assert_true(pk_headers_add(&seen->headers, request->headers.items[i].name,
                                   request->headers.items[i].value));
    static const struct fake_reply refused = {.fail = PK_E_NETWORK};
    const struct fake_reply *reply =
        fake->n_played < fake->n_replies ? &fake->replies[fake->n_played++] : &refused;
    fake->now_ms += reply->takes_ms;
    pthread_mutex_unlock(&fake->lock);
    if (reply->status == 0) {
        pk_fail(err, reply->fail, "scripted failure");
        (*err)->aws.sent = reply->sent;
        return false;
    }
    *ret = (struct pk_http_response){.status = reply->status};
    pk_buf_init(&ret->body, 1 << 20);
    pk_buf_addz(&ret->body, reply->body ? reply->body : "");
    struct pk_str rest = pk_str(reply->headers), line, name;
    while (rest.len > 0 && pk_str_cut(&rest, '\n', &line)) {
        if (line.len == 0 || !pk_str_cut(&line, ':', &name))
            continue;
        struct pk_str value = pk_str_trim(line);
        char *name_text = pk_strndup(name.ptr, name.len);
        char *value_text = pk_strndup(value.len ? value.ptr : "", value.len);
        assert_true(pk_headers_add(&ret->headers, name_text, value_text));
        free(name_text);
        free(value_text);
    }
    return true;
}

static inline void fake_no_free(struct pk_http *http) {
    (void)http;
}

static inline int64_t fake_now(void *ctx) {
    struct fake *fake = ctx;
    pthread_mutex_lock(&fake->lock);
    int64_t now = fake->now_ms;
    pthread_mutex_unlock(&fake->lock);
    return now;
}

static inline void fake_sleep(void *ctx, int64_t ms) {
    struct fake *fake = ctx;
    pthread_mutex_lock(&fake->lock);
    fake->now_ms += ms;
    fake->waited_ms += ms;
    pthread_mutex_unlock(&fake->lock);
}

static inline const char *fake_getenv(void *ctx, const char *name) {
    struct fake *fake = ctx;
    for (const char *const *pair = fake->env; pair != NULL && pair[0] != NULL; pair += 2) {
        if (strcmp(pair[0], name) == 0)
            return pair[1];
    }
    return NULL;
}

static inline void fake_init(struct fake *fake, const char *const *env) {
    *fake = (struct fake){.base = {fake_send, fake_no_free},
                          .env = env,
                          .now_ms = 1767225600000, /* 2026-01-01T00:00:00Z */
                          .clock = {fake_now, fake_now, fake_now, fake}};
    pthread_mutex_init(&fake->lock, NULL);
}

static inline void fake_reply(struct fake *fake, struct fake_reply reply) {
    assert_true(fake->n_replies < FAKE_MAX);
    fake->replies[fake->n_replies++] = reply;
}

static inline void fake_release(struct fake *fake) {
    for (size_t i = 0; i < fake->n_requests; i++) {
        free(fake->requests[i].method);
        free(fake->requests[i].url);
        free(fake->requests[i].body);
        pk_headers_release(&fake->requests[i].headers);
    }
    pthread_mutex_destroy(&fake->lock);
}

static inline struct pk_aws_config fake_config(struct fake *fake) {
    return (struct pk_aws_config){
        .http = &fake->base,
        .clock = &fake->clock,
        .getenv = fake_getenv,
        .getenv_ctx = fake,
        .sleep_ms = fake_sleep,
        .sleep_ctx = fake,
    };
}

static inline struct pk_aws *fake_client(struct fake *fake) {
    struct pk_aws_config config = fake_config(fake);
    struct pk_aws *aws = NULL;
    struct pk_error *err = NULL;
    if (!pk_aws_new(&config, &aws, &err))
        fail_msg("%s", err->message);
    return aws;
}

/* Keys, a region, and a home without files. */
static const char *const fake_keys[] = {
    "AWS_ACCESS_KEY_ID", "AKID", "AWS_SECRET_ACCESS_KEY", "secret", "AWS_REGION",
    "eu-west-1",         "HOME", "/nonexistent",          NULL};

#endif
