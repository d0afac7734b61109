/* call.c - one operation: parameters to request, attempts, answer to result. */
#include "aws/call.h"
#include "aws/special.h"

#include "base/hash.h"
#include "base/mem.h"

#include <stdlib.h>
#include <string.h>

static void random_token(void *ctx PK_UNUSED, char ret[static 37]) {
    pk_uuid4(ret);
}

static bool find_operation(struct call *call, const char *service, const char *operation,
                           struct pk_error **err) {
    call->service = pk_aws_service_find(service);
    if (call->service != NULL)
        call->operation = pk_aws_operation_find(call->service, operation);
    if (call->operation == NULL)
        return pk_fail(err, PK_E_INTERNAL, "%s %s is not in the operation tables", service,
                       operation);
    call->name = pk_aws_text(call->service, call->operation->name);
    return true;
}

bool pk_aws_write_request(const struct pk_aws_service *service,
                          const struct pk_aws_operation *operation, const json_t *params,
                          const struct pk_aws_payload *payload,
                          void (*token)(void *ctx, char ret[static 37]), void *token_ctx,
                          struct pk_aws_wire *ret, json_t **ret_params, struct pk_error **err) {
    json_t *empty = json_object();
    json_t *full = pk_aws_fill_tokens(service, operation, params ? params : empty,
                                      token ? token : random_token, token_ctx);
    json_decref(empty);
    pk_aws_special_params(service, pk_aws_text(service, operation->name), full);
    pk_aws_wire_init(ret);
    bool ok = pk_aws_check_params(service, operation, full, err) &&
              pk_aws_protocol_of(service)->write(service, operation, full, payload, ret, err);
    if (ok) {
        ret->host_prefix = pk_aws_host_prefix(service, operation, full);
        pk_aws_special_headers(service, operation, full, ret);
        *ret_params = full;
    } else {
        pk_aws_wire_release(ret);
        json_decref(full);
    }
    return ok;
}

static bool prepare(struct call *call, const json_t *params, struct pk_error **err) {
    const struct pk_aws_config *config = &call->shared->config;
    call->payload =
        (struct pk_aws_payload){call->io->payload, call->io->payload_len, call->io->ret_payload};
    if (!pk_aws_write_request(call->service, call->operation, params, &call->payload, config->token,
                              config->token_ctx, &call->wire, &call->params, err))
        return false;
    const char *bucket = json_string_value(json_object_get(call->params, "Bucket"));
    if (pk_aws_is_s3(call->service) && bucket != NULL) {
        call->bucket = pk_strdup(bucket);
        char *known = pk_aws_bucket_region(call->shared, bucket);
        if (known != NULL) {
            free(call->region);
            call->region = known;
        }
    }
    return true;
}

static void release(struct call *call) {
    if (call->params != NULL)
        pk_aws_wire_release(&call->wire);
    json_decref(call->params);
    pk_aws_creds_unref(call->creds);
    free(call->bucket);
    free(call->region);
}

/* After a failed attempt: true when another one shall be made (after the wait that this does). */
static bool again(struct call *call, struct pk_error **err) {
    enum pk_aws_failure failure = call->failure;
    if (pk_cancel_level(call->io->cancel) >= PK_CANCEL_NOW)
        return false;
    if (failure == PK_AWS_EXPIRED && !call->refreshed && call->creds != NULL) {
        pk_aws_cached_drop(call->aws->creds, call->creds);
        call->refreshed = true;
        return true;
    }
    if (failure == PK_AWS_SKEWED && call->clock_corrected && !call->resigned) {
        call->resigned = true;
        return true;
    }
    if (call->redirect_region != NULL && !call->redirected) {
        pk_aws_set_bucket_region(call->shared, call->bucket, call->redirect_region);
        free(call->region);
        call->region = pk_steal(&call->redirect_region);
        call->redirected = true;
        return true;
    }
    if (failure != PK_AWS_TRANSIENT && failure != PK_AWS_TIMED_OUT && failure != PK_AWS_THROTTLED)
        return false;
    if (call->tries >= call->max_attempts)
        return false;
    if (!pk_aws_quota_take(call->quota, failure, &call->taken)) {
        pk_error_detail(err, "Not tried again: too many requests of this run have failed already.");
        return false;
    }
    pk_aws_pause(call->shared, call->wait_ms, call->io->cancel);
    return pk_cancel_level(call->io->cancel) < PK_CANCEL_NOW;
}

static bool run(struct call *call, json_t **ret, struct pk_error **err) {
    struct pk_error *why = NULL;
    for (;;) {
        pk_error_clear(&why);
        call->tries++;
        bool ok = pk_aws_attempt(call, ret, &why);
        if (ok) {
            pk_aws_quota_give(call->quota, call->taken);
            return true;
        }
        bool more = again(call, &why);
        pk_freep(&call->redirect_region);
        if (!more)
            break;
        atomic_fetch_add(&call->shared->retries, 1);
    }
    /* An attempt without an answer may have been executed, whatever came after it. */
    if (why->aws.operation != NULL && call->unanswered)
        why->aws.sent = true;
    if (err != NULL)
        *err = why;
    else
        pk_error_free(why);
    return false;
}

bool pk_aws_call(struct pk_aws *aws, const char *service, const char *operation, json_t *params,
                 const struct pk_aws_io *io, json_t **ret, struct pk_error **err) {
    static const struct pk_aws_io no_io;
    struct call call = {.aws = aws, .shared = aws->shared, .io = io ? io : &no_io};
    json_t *result = NULL;
    if (!find_operation(&call, service, operation, err))
        return false;
    call.region = pk_strdup(call.io->region ? call.io->region : aws->region);
    call.max_attempts = call.io->max_attempts ? call.io->max_attempts : aws->shared->max_attempts;
    call.quota = pk_aws_quota_of(aws->shared, service);
    atomic_fetch_add(&aws->shared->calls, 1);
    bool ok = prepare(&call, params, err) && run(&call, &result, err);
    if (call.io->ret_attempts != NULL)
        *call.io->ret_attempts = call.sent;
    release(&call);
    if (ok && ret != NULL)
        *ret = result;
    else
        json_decref(result);
    return ok;
}

bool pk_aws_caller(struct pk_aws *aws, char **ret_account, char **ret_arn, struct pk_error **err) {
    pthread_mutex_lock(&aws->lock);
    bool known = aws->account != NULL;
    pthread_mutex_unlock(&aws->lock);
    if (!known) {
        json_t *result = NULL;
        if (!pk_aws_call(aws, "sts", "GetCallerIdentity", NULL, NULL, &result, err))
            return false;
        const char *account = json_string_value(json_object_get(result, "Account"));
        const char *arn = json_string_value(json_object_get(result, "Arn"));
        pthread_mutex_lock(&aws->lock);
        if (aws->account == NULL) {
            aws->account = pk_strdup(account ? account : "");
            aws->arn = pk_strdup(arn ? arn : "");
        }
        pthread_mutex_unlock(&aws->lock);
        json_decref(result);
    }
    pthread_mutex_lock(&aws->lock);
    if (ret_account != NULL)
        *ret_account = pk_strdup(aws->account);
    if (ret_arn != NULL)
        *ret_arn = pk_strdup(aws->arn);
    pthread_mutex_unlock(&aws->lock);
    return true;
}
