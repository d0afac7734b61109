/*
 * script.h - a transport with written answers, for tests of the provider.
 *
 * Answers are taken in order; every request is kept. Tests only; one thread.
 */
#ifndef TESTS_PROVIDER_SCRIPT_H
#define TESTS_PROVIDER_SCRIPT_H

#include "aws/aws.h"
#include "http/http.h"
#include "provider/provider.h"
#include "json/json.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

struct answer {
    int status;
    const char *body;
};

struct script {
    struct pk_http http;
    const struct answer *answers;
    size_t n_answers, n_requests;
    char *bodies[64]; /* of the requests */
    struct pk_aws *aws;
    struct pk_provider *provider;
};

static bool script_send(struct pk_http *http, const struct pk_http_request *request,
                        struct pk_http_response *ret, struct pk_error **err) {
    struct script *script = (struct script *)http;
    if (script->n_requests >= script->n_answers)
        return pk_fail(err, PK_E_NETWORK, "an unexpected request: %.*s", (int)request->body_len,
                       request->body ? (const char *)request->body : "");
    const struct answer *answer = &script->answers[script->n_requests];
    script->bodies[script->n_requests++] =
        pk_strndup(request->body ? request->body : "", request->body_len);
    memset(ret, 0, sizeof *ret);
    ret->status = answer->status;
    pk_buf_init(&ret->body, 1 << 20);
    pk_buf_addz(&ret->body, answer->body);
    assert_true(pk_headers_add(&ret->headers, "x-amzn-RequestId", "request-1"));
    return true;
}

static void script_free(struct pk_http *http) {
    (void)http;
}

static inline struct script *script_new(const struct answer *answers, size_t n) {
    struct script *script = pk_calloc(1, sizeof *script);
    script->http = (struct pk_http){.send = script_send, .free = script_free};
    script->answers = answers;
    script->n_answers = n;
    struct pk_aws_config config = {.region = "us-east-1",
                                   .endpoint_url = "http://127.0.0.1:9",
                                   .access_key_id = "key",
                                   .secret_access_key = "secret",
                                   .max_attempts = 1,
                                   .http = &script->http};
    struct pk_error *error = NULL;
    if (!pk_aws_new(&config, &script->aws, &error) ||
        !pk_aws_provider_new(script->aws, "123456789012", &script->provider, &error))
        fail_msg("%s", error->message);
    return script;
}

#define SCRIPT(answers) script_new(answers, sizeof(answers) / sizeof((answers)[0]))

/* Every answer must have been used. */
static inline void script_end(struct script *script) {
    assert_int_equal(script->n_requests, script->n_answers);
    for (size_t i = 0; i < script->n_requests; i++)
        free(script->bodies[i]);
    script->provider->vtable->free(script->provider);
    pk_aws_free(script->aws);
    free(script);
}

static inline json_t *parse(const char *text) {
    json_error_t where;
    json_t *ret = json_loads(text, JSON_DECODE_ANY, &where);
    if (!ret)
        fail_msg("%s: %s", where.text, text);
    return ret;
}

/* An operation with its texts owned by the caller. */
static inline struct pk_op op_for(const char *type, enum pk_action_kind action, json_t *desired) {
    return (struct pk_op){.key = "the-key",
                          .type = type,
                          .action = action,
                          .desired = desired,
                          .lineage = "lineage",
                          .op_id = "op",
                          .token = "token"};
}

static inline void op_release(struct pk_op *op) {
    free(op->physical_id);
    free(op->waiting_for);
    free(op->note);
    json_decref(op->attributes);
    json_decref(op->scratch);
}

/* Runs a step until it does not ask to come back. */
static inline enum pk_progress run(struct script *script,
                                   enum pk_progress (*step)(struct pk_provider *, struct pk_op *,
                                                            struct pk_error **),
                                   struct pk_op *op, struct pk_error **err) {
    for (int i = 0; i < 50; i++) {
        enum pk_progress progress = step(script->provider, op, err);
        if (progress != PK_AGAIN)
            return progress;
        assert_true(op->again_ms > 0);
        assert_non_null(op->waiting_for);
    }
    fail_msg("it never ends: %s", op->waiting_for);
    return PK_FAILED;
}

#endif
