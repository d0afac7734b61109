/* curl_easy.c - one transfer with libcurl. */
#include "http/curl_easy.h"

#include "base/mem.h"
#include "http/plain.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define DEFAULT_CONNECT_TIMEOUT_MS 5000
#define DEFAULT_TIMEOUT_MS 60000
#define DEFAULT_MAX_RESPONSE ((size_t)64 << 20)
#define MAX_HEADERS 256

static size_t take_body(char *data, size_t size, size_t count, void *ctx) {
    struct transfer *transfer = ctx;
    struct pk_buf *body = &transfer->response.body;
    size_t len = size * count;
    if (len > body->max - body->len) {
        transfer->too_large = true;
        return 0;
    }
    pk_buf_add(body, data, len);
    return len;
}

static size_t take_header(char *data, size_t size, size_t count, void *ctx) {
    struct transfer *transfer = ctx;
    size_t len = size * count;
    struct pk_str line = pk_str_trim(pk_str_n(data, len)), name;
    /* A new status line follows an interim answer (100) or that of a proxy: forget those headers.
     */
    if (line.len > 5 && memcmp(line.ptr, "HTTP/", 5) == 0) {
        pk_headers_release(&transfer->response.headers);
        return len;
    }
    if (transfer->response.headers.len >= MAX_HEADERS || memchr(line.ptr, ':', line.len) == NULL)
        return len;
    bool cut PK_UNUSED = pk_str_cut(&line, ':', &name);
    char *name_text = pk_strndup(name.ptr, name.len);
    struct pk_str value = pk_str_trim(line);
    char *value_text = pk_strndup(value.ptr ? value.ptr : "", value.len);
    /* A malformed header line is dropped, not fatal. */
    bool added PK_UNUSED = pk_headers_add(&transfer->response.headers, name_text, value_text);
    free(name_text);
    pk_secret_free(value_text);
    return len;
}

static size_t give_body(char *buffer, size_t size, size_t count, void *ctx) {
    struct transfer *transfer = ctx;
    size_t left = transfer->request->body_len - transfer->body_pos;
    size_t len = size * count < left ? size * count : left;
    if (len > 0)
        memcpy(buffer, (const char *)transfer->request->body + transfer->body_pos, len);
    transfer->body_pos += len;
    return len;
}

/*
 * libcurl sends a request again by itself when a kept-alive connection dies before the answer. The
 * server may have acted on the first one, and the caller counts attempts (a conditional write that
 * was executed twice must not look like a conflict), so a body that has begun to flow is not
 * rewound: the transfer fails and the caller decides.
 */
static int rewind_body(void *ctx, curl_off_t offset, int origin) {
    struct transfer *transfer = ctx;
    if (origin == SEEK_SET && offset == 0 && transfer->body_pos == 0)
        return CURL_SEEKFUNC_OK;
    return CURL_SEEKFUNC_FAIL;
}

static bool append(struct curl_slist **list, const char *line) {
    struct curl_slist *longer = curl_slist_append(*list, line);
    if (longer == NULL)
        return false;
    *list = longer;
    return true;
}

static bool make_headers(struct transfer *transfer) {
    const struct pk_headers *headers = &transfer->request->headers;
    for (size_t i = 0; i < headers->len; i++) {
        const struct pk_header *item = &headers->items[i];
        /* "Name;" is libcurl's way to send a header without a value. */
        PK_CLEANUP(pk_secret_freep)
        char *line = item->value[0] != '\0' ? pk_asprintf("%s: %s", item->name, item->value)
                                            : pk_asprintf("%s;", item->name);
        if (!append(&transfer->headers, line))
            return false;
    }
    /* libcurl adds these two by itself otherwise. */
    if (pk_headers_get(headers, "Content-Type") == NULL &&
        !append(&transfer->headers, "Content-Type:"))
        return false;
    return append(&transfer->headers, "Expect:");
}

static CURLcode set_method(struct transfer *transfer) {
    CURL *easy = transfer->easy;
    const struct pk_http_request *request = transfer->request;
    if (pk_streq(request->method, "HEAD"))
        return curl_easy_setopt(easy, CURLOPT_NOBODY, 1L);
    bool body = request->body_len > 0 || pk_streq(request->method, "POST") ||
                pk_streq(request->method, "PUT") || pk_streq(request->method, "PATCH");
    if (!body) {
        CURLcode code = curl_easy_setopt(easy, CURLOPT_HTTPGET, 1L);
        return code ? code : curl_easy_setopt(easy, CURLOPT_CUSTOMREQUEST, request->method);
    }
    CURLcode code = curl_easy_setopt(easy, CURLOPT_POST, 1L);
    if (code == CURLE_OK)
        code = curl_easy_setopt(easy, CURLOPT_CUSTOMREQUEST, request->method);
    if (code == CURLE_OK)
        code = curl_easy_setopt(easy, CURLOPT_POSTFIELDSIZE_LARGE, (curl_off_t)request->body_len);
    if (code == CURLE_OK && request->body_len == 0)
        code = curl_easy_setopt(easy, CURLOPT_POSTFIELDS, "");
    return code;
}

static CURLcode set_callbacks(struct transfer *transfer) {
    CURL *easy = transfer->easy;
    CURLcode code = CURLE_OK;
#define SET(option, value) code = code ? code : curl_easy_setopt(easy, option, value)
    SET(CURLOPT_WRITEFUNCTION, take_body);
    SET(CURLOPT_WRITEDATA, transfer);
    SET(CURLOPT_HEADERFUNCTION, take_header);
    SET(CURLOPT_HEADERDATA, transfer);
    SET(CURLOPT_READFUNCTION, give_body);
    SET(CURLOPT_READDATA, transfer);
    SET(CURLOPT_SEEKFUNCTION, rewind_body);
    SET(CURLOPT_SEEKDATA, transfer);
    SET(CURLOPT_ERRORBUFFER, transfer->error_text);
    SET(CURLOPT_PRIVATE, transfer);
    return code;
}

static CURLcode set_options(struct transfer *transfer, const struct transfer_settings *settings) {
    CURL *easy = transfer->easy;
    const struct pk_http_request *request = transfer->request;
    int connect_ms =
        request->connect_timeout_ms ? request->connect_timeout_ms : DEFAULT_CONNECT_TIMEOUT_MS;
    int total_ms = request->timeout_ms ? request->timeout_ms : DEFAULT_TIMEOUT_MS;
    CURLcode code = CURLE_OK;
    SET(CURLOPT_URL, request->url);
    SET(CURLOPT_PROTOCOLS_STR, "http,https");
    SET(CURLOPT_NOSIGNAL, 1L);
    SET(CURLOPT_FOLLOWLOCATION, 0L);
    SET(CURLOPT_PATH_AS_IS, 1L);
    SET(CURLOPT_CONNECTTIMEOUT_MS, (long)connect_ms);
    SET(CURLOPT_TIMEOUT_MS, (long)total_ms);
    SET(CURLOPT_HTTPHEADER, transfer->headers);
    SET(CURLOPT_USERAGENT, settings->user_agent ? settings->user_agent : "panka");
    /* With a directory OpenSSL would parse every certificate in it for each connection. */
    SET(CURLOPT_CAPATH, NULL);
    if (settings->ca_bundle != NULL)
        SET(CURLOPT_CAINFO, settings->ca_bundle);
    /* Loopback and metadata addresses are this machine's business, never a proxy's. */
    if (strncasecmp(request->url, "http://", 7) == 0)
        SET(CURLOPT_NOPROXY, "*");
#undef SET
    return code;
}

bool transfer_prepare(struct transfer *transfer, const struct transfer_settings *settings) {
    const struct pk_http_request *request = transfer->request;
    pk_buf_init(&transfer->response.body,
                request->max_response_size ? request->max_response_size : DEFAULT_MAX_RESPONSE);
    curl_easy_reset(transfer->easy);
    transfer->code = make_headers(transfer) ? CURLE_OK : CURLE_OUT_OF_MEMORY;
    if (transfer->code == CURLE_OK)
        transfer->code = set_options(transfer, settings);
    if (transfer->code == CURLE_OK)
        transfer->code = set_callbacks(transfer);
    if (transfer->code == CURLE_OK)
        transfer->code = set_method(transfer);
    return transfer->code == CURLE_OK;
}

void transfer_collect(struct transfer *transfer, CURLcode code) {
    long status = 0, version = 0, request_size = 0;
    transfer->code = code;
    curl_easy_getinfo(transfer->easy, CURLINFO_RESPONSE_CODE, &status);
    curl_easy_getinfo(transfer->easy, CURLINFO_HTTP_VERSION, &version);
    curl_easy_getinfo(transfer->easy, CURLINFO_REQUEST_SIZE, &request_size);
    transfer->response.status = (int)status;
    transfer->response.http2 = version == CURL_HTTP_VERSION_2_0;
    transfer->sent = request_size > 0;
    curl_slist_free_all(transfer->headers);
    transfer->headers = NULL;
}

/* The URL without its query: that may carry a signature. */
static struct pk_str shown_url(const struct transfer *transfer) {
    const char *url = transfer->request->url;
    return pk_str_n(url, strcspn(url, "?"));
}

bool transfer_result(struct transfer *transfer, struct pk_http_response *ret,
                     struct pk_error **err) {
    if (transfer->code == CURLE_OK && !transfer->cancelled) {
        *ret = transfer->response;
        return true;
    }
    struct pk_str url = shown_url(transfer);
    const char *why =
        transfer->error_text[0] ? transfer->error_text : curl_easy_strerror(transfer->code);
    enum pk_code code = PK_E_NETWORK;
    if (transfer->cancelled)
        code = PK_E_CANCELLED;
    else if (transfer->code == CURLE_OPERATION_TIMEDOUT)
        code = PK_E_TIMEOUT;
    else if (transfer->too_large)
        code = PK_E_BAD_RESPONSE;
    if (transfer->cancelled)
        pk_fail(err, code, "request to " PK_STR_FMT " was cancelled", PK_STR_ARG(url));
    else if (transfer->too_large)
        pk_fail(err, code, "the answer of " PK_STR_FMT " is larger than %zu bytes", PK_STR_ARG(url),
                transfer->response.body.max);
    else
        pk_fail(err, code, "request to " PK_STR_FMT " failed: %s", PK_STR_ARG(url), why);
    if (err != NULL)
        (*err)->aws.sent = transfer->sent;
    pk_http_response_release(&transfer->response);
    return false;
}
