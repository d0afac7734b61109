/* attempt.c - one attempt of a call: address, sign, send, read. */
#include "aws/call.h"
#include "aws/endpoint.h"
#include "aws/sigv4.h"
#include "aws/special.h"

#include "base/hash.h"
#include "base/mem.h"

#include <stdlib.h>
#include <string.h>

#define TIMEOUT_MS 60000
/* Less is the resolution of the Date header and the time on the way. */
#define SKEW_NOISE_MS 2000
/* AWS accepts a signature for five minutes in either direction. */
#define SKEW_MATTERS_MS (4 * 60 * 1000)

#define TRUSTED_TRIP_MS (5 * 60 * 1000)

/* Where a request goes. */
struct address {
    char *base_url; /* scheme and host, and the path of a custom endpoint */
    char *path;
    struct pk_aws_endpoint endpoint;
};

static void release_address(struct address *address) {
    free(address->base_url);
    free(address->path);
    pk_aws_endpoint_release(&address->endpoint);
}

static char *with_host_prefix(const char *url, const char *prefix) {
    const char *host = strstr(url, "://");
    pk_assert(host != NULL);
    host += 3;
    return pk_asprintf("%.*s%s%s", (int)(host - url), url, prefix, host);
}

static bool find_address(const struct call *call, struct address *ret, struct pk_error **err) {
    PK_CLEANUP(pk_freep) char *custom = pk_aws_custom_endpoint(call->shared, call->service);
    const char *path = pk_buf_cstr(&call->wire.path);
    if (custom != NULL && strstr(custom, "://") == NULL)
        return pk_fail(err, PK_E_CONFIG, "the endpoint \"%s\" is not an URL", custom);
    if (!pk_aws_endpoint_resolve(call->service, call->region, call->shared->variant, custom,
                                 &ret->endpoint, err))
        return false;
    if (call->bucket != NULL)
        return pk_aws_s3_address(ret->endpoint.url, custom != NULL, call->bucket, path,
                                 &ret->base_url, &ret->path, err);
    ret->base_url = custom == NULL && call->wire.host_prefix != NULL
                        ? with_host_prefix(ret->endpoint.url, call->wire.host_prefix)
                        : pk_strdup(ret->endpoint.url);
    ret->path = pk_strdup(path);
    return true;
}

/* Splits "https://host:443/base" into "host" (default ports are not sent) and "/base". */
static void split_url(const char *url, char **ret_host, const char **ret_path) {
    const char *host = strstr(url, "://") + 3;
    size_t len = strcspn(host, "/?#");
    *ret_path = host[len] == '/' ? host + len : "";
    const char *port = pk_starts_with(url, "https:") ? ":443" : ":80";
    size_t port_len = strlen(port);
    if (len > port_len && memcmp(host + len - port_len, port, port_len) == 0)
        len -= port_len;
    *ret_host = pk_strndup(host, len);
}

static void add_header(struct pk_headers *headers, const char *name, const char *value) {
    bool added = pk_headers_add(headers, name, value);
    pk_assert(added);
}

static void payload_hash(const struct call *call, char ret[static PK_SHA256_HEX_SIZE]) {
    if (call->operation->flags & PK_AWS_UNSIGNED_PAYLOAD)
        memcpy(ret, PK_SIGV4_UNSIGNED_PAYLOAD, sizeof(PK_SIGV4_UNSIGNED_PAYLOAD));
    else
        pk_sha256_hex(call->wire.body, call->wire.body_len, ret);
}

/* Headers and URL of the request; signed unless the operation is an unsigned one. */
static char *build(const struct call *call, const struct address *address,
                   struct pk_headers *ret_headers) {
    char *host, hash[PK_SHA256_HEX_SIZE];
    const char *base_path;
    split_url(address->base_url, &host, &base_path);
    PK_CLEANUP(pk_freep) char *path = pk_asprintf("%s%s", base_path, address->path);
    for (size_t i = 0; i < call->wire.headers.len; i++)
        add_header(ret_headers, call->wire.headers.items[i].name,
                   call->wire.headers.items[i].value);
    add_header(ret_headers, "Host", host);
    payload_hash(call, hash);
    bool s3 = pk_aws_is_s3(call->service);
    if (s3 || call->operation->flags & PK_AWS_UNSIGNED_PAYLOAD)
        add_header(ret_headers, "x-amz-content-sha256", hash);
    if (call->creds != NULL) {
        struct pk_sigv4 input = {
            .method = call->wire.method,
            .path = path,
            .query = &call->wire.query,
            .headers = ret_headers,
            .payload_hash = hash,
            .access_key_id = call->creds->access_key_id,
            .secret_access_key = call->creds->secret_access_key,
            .session_token = call->creds->session_token,
            .region = address->endpoint.signing_region,
            .service = address->endpoint.signing_name,
            .unix_seconds = pk_aws_shared_time_ms(call->shared) / 1000,
            .escape_path = !s3,
            .normalize_path = !s3,
        };
        struct pk_headers added = {0};
        pk_sigv4_sign(&input, &added);
        for (size_t i = 0; i < added.len; i++)
            add_header(ret_headers, added.items[i].name, added.items[i].value);
        pk_headers_release(&added);
    }
    struct pk_buf url;
    pk_buf_init(&url, PK_BUF_MAX_DEFAULT);
    pk_buf_add(&url, address->base_url, strlen(address->base_url) - strlen(base_path));
    pk_buf_addz(&url, path);
    if (call->wire.query.len > 0) {
        pk_buf_addc(&url, '?');
        pk_aws_pairs_write(&call->wire.query, &url);
    }
    free(host);
    return pk_buf_steal(&url);
}

static bool get_credentials(struct call *call, struct pk_error **err) {
    pk_aws_creds_unref(call->creds);
    call->creds = NULL;
    if (call->operation->flags & PK_AWS_UNSIGNED)
        return true;
    if (call->aws->creds == NULL)
        return pk_fail(err, PK_E_INTERNAL, "%s %s needs credentials", call->service->name,
                       call->name);
    return pk_aws_cached_get(call->aws->creds, &call->creds, err);
}

/* Compares the server's Date with the middle of the time that the request took. */
static void learn_clock(struct call *call, const struct pk_http_response *response,
                        int64_t sent_ms) {
    const char *date = pk_headers_get(&response->headers, "Date");
    int64_t server_ms, now_ms = pk_wall_ms(call->shared->clock);
    call->clock_corrected = false;
    /* An answer out of a cache (Age), or one that took long, says nothing about the time. */
    if (date == NULL || pk_headers_get(&response->headers, "Age") != NULL ||
        now_ms - sent_ms > TRUSTED_TRIP_MS || !pk_time_parse(date, &server_ms))
        return;
    int64_t skew = server_ms - (sent_ms + (now_ms - sent_ms) / 2);
    if (llabs(skew) <= SKEW_NOISE_MS)
        skew = 0;
    int64_t old = atomic_load(&call->shared->skew_ms);
    if (llabs(skew - old) > SKEW_NOISE_MS || skew == 0)
        atomic_store(&call->shared->skew_ms, skew);
    call->clock_corrected = llabs(skew - old) > SKEW_MATTERS_MS;
}

static void name_error(const struct call *call, struct pk_error **err) {
    struct pk_error *error = *err;
    pk_error_set(&error->aws.service, call->service->name);
    pk_error_set(&error->aws.operation, call->name);
    error->aws.retryable = call->failure != PK_AWS_FINAL;
    error->aws.throttled = call->failure == PK_AWS_THROTTLED;
}

/* No answer came. */
static bool network_failed(struct call *call, struct pk_error **err) {
    enum pk_code code = (*err)->code;
    bool sent = (*err)->aws.sent;
    call->failure = PK_AWS_FINAL;
    if (code == PK_E_NETWORK)
        call->failure = PK_AWS_TRANSIENT;
    else if (code == PK_E_TIMEOUT)
        call->failure = PK_AWS_TIMED_OUT;
    call->unanswered = call->unanswered || sent;
    call->wait_ms = pk_aws_backoff_ms(call->tries, pk_random_below(1000000) / 1e6, NULL);
    pk_wrap(err, "%s %s", call->service->name, call->name);
    name_error(call, err);
    (*err)->aws.sent = sent;
    return false;
}

static void hint_for(const struct call *call, enum pk_code code, struct pk_error **err) {
    if (code == PK_E_CREDENTIALS && call->aws->creds != NULL) {
        PK_CLEANUP(pk_freep) char *source = pk_aws_cached_source(call->aws->creds);
        pk_error_hint(err, "the credentials come from: %s", source);
    }
}

static void one_line(char *text) {
    for (; text != NULL && *text != '\0'; text++) {
        if (*text == '\n' || *text == '\r' || *text == '\t')
            *text = ' ';
    }
}

/* An answer that is an error. */
static bool refused(struct call *call, const struct pk_http_response *response,
                    struct pk_error **err) {
    struct pk_aws_fault fault = {0};
    bool hidden = response->status < 300; /* S3: an error inside of 200 */
    int status = hidden ? 500 : response->status;
    pk_aws_protocol_of(call->service)->read_fault(call->service, response, &fault);
    static const char *const id_headers[] = {"x-amzn-requestid", "x-amz-request-id",
                                             "x-amzn-request-id"};
    for (size_t i = 0; fault.request_id == NULL && i < PK_ARRAY_LEN(id_headers); i++) {
        const char *id = pk_headers_get(&response->headers, id_headers[i]);
        fault.request_id = id ? pk_strdup(id) : NULL;
    }
    one_line(fault.message);
    call->failure = pk_aws_classify(status, fault.code);
    if (call->failure == PK_AWS_THROTTLED)
        atomic_fetch_add(&call->shared->throttles, 1);
    if (call->bucket != NULL && !call->redirected) {
        call->redirect_region = pk_aws_s3_redirect_region(response);
        if (pk_streq(call->redirect_region, call->region))
            pk_freep(&call->redirect_region);
    }
    call->wait_ms = pk_aws_backoff_ms(call->tries, pk_random_below(1000000) / 1e6, response);
    enum pk_code code = pk_aws_error_code(status, fault.code);
    pk_fail(err, code, "%s %s: %s%s%s", call->service->name, call->name, fault.code,
            fault.message ? ": " : "", fault.message ? fault.message : "");
    name_error(call, err);
    pk_error_set(&(*err)->aws.code, fault.code);
    pk_error_set(&(*err)->aws.request_id, fault.request_id);
    (*err)->aws.http_status = status;
    (*err)->aws.sent = true;
    hint_for(call, code, err);
    pk_aws_trace_response(call, response, NULL, &fault);
    pk_aws_fault_release(&fault);
    return false;
}

static bool accepted(struct call *call, const struct pk_http_response *response, json_t **ret,
                     struct pk_error **err) {
    const struct pk_aws_protocol *protocol = pk_aws_protocol_of(call->service);
    if (!protocol->read(call->service, call->operation, response, &call->payload, ret, err)) {
        /* It was executed; only what changes nothing is worth a second try. */
        call->failure = pk_aws_is_read_only(call->name) ? PK_AWS_TRANSIENT : PK_AWS_FINAL;
        call->wait_ms = pk_aws_backoff_ms(call->tries, pk_random_below(1000000) / 1e6, NULL);
        pk_wrap(err, "%s %s", call->service->name, call->name);
        name_error(call, err);
        (*err)->aws.http_status = response->status;
        (*err)->aws.sent = true;
        return false;
    }
    pk_aws_special_result(call->service, call->name, response, *ret);
    pk_aws_trace_response(call, response, *ret, NULL);
    return true;
}

static bool exchange(struct call *call, const char *url, const struct pk_headers *headers,
                     json_t **ret, struct pk_error **err) {
    struct pk_http *http;
    if (!pk_aws_http(call->shared, &http, err))
        return false;
    struct pk_http_request request = {
        .method = call->wire.method,
        .url = url,
        .headers = *headers,
        .body = call->wire.body,
        .body_len = call->wire.body_len,
        .timeout_ms = call->io->timeout_ms ? call->io->timeout_ms : TIMEOUT_MS,
        .cancel = call->io->cancel,
    };
    struct pk_http_response response = {0};
    int64_t sent_ms = pk_wall_ms(call->shared->clock);
    pk_aws_trace_request(call, url);
    call->sent++;
    atomic_fetch_add(&call->shared->attempts, 1);
    atomic_fetch_add(&call->shared->bytes_sent, call->wire.body_len);
    if (!http->send(http, &request, &response, err))
        return network_failed(call, err);
    atomic_fetch_add(&call->shared->bytes_received, response.body.len);
    learn_clock(call, &response, sent_ms);
    bool good = response.status < 300 &&
                !pk_aws_s3_is_hidden_error(call->service, call->operation, &response);
    bool ok = good ? accepted(call, &response, ret, err) : refused(call, &response, err);
    pk_aws_quota_feedback(call->quota, !ok && call->failure == PK_AWS_THROTTLED,
                          pk_monotonic_ms(call->shared->clock));
    pk_http_response_release(&response);
    return ok;
}

bool pk_aws_attempt(struct call *call, json_t **ret, struct pk_error **err) {
    const struct pk_aws_io *io = call->io;
    call->failure = PK_AWS_FINAL;
    call->clock_corrected = false;
    pk_aws_pause(call->shared,
                 pk_aws_quota_delay(call->quota, pk_monotonic_ms(call->shared->clock)), io->cancel);
    if (pk_cancel_level(io->cancel) >= PK_CANCEL_NOW)
        return pk_fail(err, PK_E_CANCELLED, "%s %s was cancelled", call->service->name, call->name);
    if (!get_credentials(call, err))
        return false;
    struct address address = {0};
    bool ok = find_address(call, &address, err);
    /* Last of all, so that the answer still holds when the request leaves. */
    if (ok && io->guard != NULL)
        ok = io->guard(io->guard_ctx, err);
    if (ok) {
        struct pk_headers headers = {0};
        char *url = build(call, &address, &headers);
        ok = exchange(call, url, &headers, ret, err);
        pk_headers_release(&headers);
        free(url);
    }
    release_address(&address);
    return ok;
}
