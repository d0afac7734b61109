/*
 * http.h - HTTP transport behind an interface.
 *
 * Layer 4. pk_http_send may be called from any number of threads; the libcurl implementation runs
 * one I/O thread that owns the curl_multi handle and every connection, and callers wait for their
 * transfer. Connections are kept alive and shared. Redirects are never followed, paths are sent as
 * they are, TLS verification cannot be switched off, plain http is allowed to loopback and to the
 * fixed metadata addresses only. Source of the libcurl settings: docs/dependencies.md.
 */
#ifndef PK_HTTP_HTTP_H
#define PK_HTTP_HTTP_H

#include "base/cancel.h"
#include "base/error.h"
#include "base/str.h"

struct pk_header {
    char *name;
    char *value;
};

/* A growable list of headers; names compare without case. */
struct pk_headers {
    struct pk_header *items;
    size_t len, cap;
};

/* Copies both; CR, LF and NUL in either are refused (returns false and adds nothing). */
PK_NODISCARD bool pk_headers_add(struct pk_headers *headers, const char *name, const char *value);
void pk_headers_set(struct pk_headers *headers, const char *name, const char *value);
void pk_headers_remove(struct pk_headers *headers, const char *name);
const char *pk_headers_get(const struct pk_headers *headers, const char *name); /* or NULL */
void pk_headers_release(struct pk_headers *headers);

struct pk_http_request {
    const char *method;
    const char *url; /* complete, already escaped */
    struct pk_headers headers;
    const void *body; /* not owned, must live until the call returns */
    size_t body_len;
    int connect_timeout_ms;         /* 0 = 5,000 */
    int timeout_ms;                 /* whole transfer; 0 = 60,000 */
    size_t max_response_size;       /* 0 = 64 MiB; more is an error, never a cut body */
    const struct pk_cancel *cancel; /* PK_CANCEL_NOW ends the transfer within 100 ms; may be NULL */
};

struct pk_http_response {
    int status;
    struct pk_headers headers;
    struct pk_buf body;
    bool http2;
};

void pk_http_response_release(struct pk_http_response *response);

/* The interface: an implementation, or a test's fake. */
struct pk_http {
    /* True with a complete response of any status. False: nothing usable came back; err->aws.sent
     * tells whether the request may have reached the server, err->code is NETWORK, TIMEOUT,
     * CANCELLED, BAD_RESPONSE (larger than allowed) or CONFIG (plain http to a far host). A request
     * whose body has begun to flow is never sent a second time behind the caller's back. */
    bool (*send)(struct pk_http *http, const struct pk_http_request *request,
                 struct pk_http_response *ret, struct pk_error **err);
    void (*free)(struct pk_http *http);
};

struct pk_http_config {
    const char *ca_bundle; /* file, or NULL for the system's */
    const char *user_agent;
    size_t max_host_connections;    /* 0 = 100 */
    bool allow_plain_http_metadata; /* 169.254.169.254, 169.254.170.2, 169.254.170.23 and their IPv6
                                       forms */
};

PK_NODISCARD bool pk_http_curl_new(const struct pk_http_config *config, struct pk_http **ret,
                                   struct pk_error **err);
void pk_http_free(struct pk_http *http); /* NULL is fine */

#endif
