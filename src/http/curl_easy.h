/*
 * curl_easy.h - one transfer: from a pk_http_request to libcurl's options and back to a response.
 *
 * Layer 4, inside http/. Everything here but transfer_init and transfer_finish runs on the I/O
 * thread.
 */
#ifndef PK_HTTP_CURL_EASY_H
#define PK_HTTP_CURL_EASY_H

#include "http/http.h"

#include <curl/curl.h>
#include <pthread.h>

struct transfer_settings {
    char *ca_bundle, *user_agent; /* or NULL */
    bool allow_plain_http_metadata;
};

struct transfer {
    const struct pk_http_request *request;
    struct pk_http_response response;
    CURL *easy;
    struct curl_slist *headers;
    size_t body_pos; /* how much of the body libcurl has taken */
    bool too_large;
    CURLcode code;
    bool sent;
    char error_text[CURL_ERROR_SIZE];
    /* Owned by the queue in curl.c. */
    struct transfer *next;
    bool cancelled, done;
    pthread_cond_t finished;
};

/* Sets every option of transfer->easy. False when libcurl refuses one; transfer->code says why. */
PK_NODISCARD bool transfer_prepare(struct transfer *transfer,
                                   const struct transfer_settings *settings);
/* Reads the status and releases what transfer_prepare made; the easy handle stays usable. */
void transfer_collect(struct transfer *transfer, CURLcode code);
/* Turns the outcome into the contract of pk_http.send. */
PK_NODISCARD bool transfer_result(struct transfer *transfer, struct pk_http_response *ret,
                                  struct pk_error **err);

#endif
