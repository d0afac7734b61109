/* curl.c - the libcurl transport: one I/O thread owns the multi handle, callers wait. */
#include "base/mem.h"
#include "http/curl_easy.h"
#include "http/plain.h"

#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <time.h>

#define DEFAULT_HOST_CONNECTIONS 100
#define MAX_IDLE_HANDLES 64
#define CANCEL_CHECK_MS 50
#define POLL_MS 1000

struct curl_http {
    struct pk_http base;
    struct transfer_settings settings;
    long max_host_connections;
    pthread_mutex_t lock; /* guards the fields up to `stopping` */
    struct transfer *pending;
    struct transfer **pending_end;
    bool started, cancel_seen, stopping;
    CURLM *multi;
    pthread_t thread;
    /* Used by the I/O thread only. */
    struct transfer *active;
    CURL *idle[MAX_IDLE_HANDLES];
    size_t n_idle;
};

static pthread_once_t curl_once = PTHREAD_ONCE_INIT;
static CURLcode curl_init_code;

static void init_curl(void) {
    curl_init_code = curl_global_init(CURL_GLOBAL_DEFAULT);
}

static void put_handle(struct curl_http *http, CURL *easy) {
    if (http->n_idle < MAX_IDLE_HANDLES)
        http->idle[http->n_idle++] = easy;
    else
        curl_easy_cleanup(easy);
}

static void finish(struct curl_http *http, struct transfer *transfer, CURLcode code) {
    if (transfer->easy != NULL) {
        transfer_collect(transfer, code);
        put_handle(http, transfer->easy);
        transfer->easy = NULL;
    } else {
        transfer->code = code;
    }
    pthread_mutex_lock(&http->lock);
    transfer->done = true;
    /* Signalled under the lock: the caller's frame, and with it the condition, may be gone after.
     */
    pthread_cond_signal(&transfer->finished);
    pthread_mutex_unlock(&http->lock);
}

static void start_transfer(struct curl_http *http, struct transfer *transfer) {
    transfer->easy = http->n_idle > 0 ? http->idle[--http->n_idle] : curl_easy_init();
    if (transfer->easy == NULL) {
        finish(http, transfer, CURLE_OUT_OF_MEMORY);
        return;
    }
    if (!transfer_prepare(transfer, &http->settings)) {
        finish(http, transfer, transfer->code);
        return;
    }
    if (curl_multi_add_handle(http->multi, transfer->easy) != CURLM_OK) {
        finish(http, transfer, CURLE_FAILED_INIT);
        return;
    }
    transfer->next = http->active;
    http->active = transfer;
}

static void unlink_active(struct curl_http *http, const struct transfer *transfer) {
    for (struct transfer **link = &http->active; *link != NULL; link = &(*link)->next) {
        if (*link == transfer) {
            *link = transfer->next;
            return;
        }
    }
}

static void end_active(struct curl_http *http, struct transfer *transfer, CURLcode code) {
    unlink_active(http, transfer);
    curl_multi_remove_handle(http->multi, transfer->easy);
    finish(http, transfer, code);
}

/* Takes the queue over and ends what was cancelled; false when the thread shall stop. */
static bool take_orders(struct curl_http *http) {
    pthread_mutex_lock(&http->lock);
    struct transfer *list = http->pending;
    http->pending = NULL;
    http->pending_end = &http->pending;
    bool cancel_seen = http->cancel_seen, stopping = http->stopping;
    http->cancel_seen = false;
    pthread_mutex_unlock(&http->lock);
    while (list != NULL) {
        struct transfer *transfer = list;
        list = list->next;
        start_transfer(http, transfer);
    }
    struct transfer *next;
    for (struct transfer *t = cancel_seen ? http->active : NULL; t != NULL; t = next) {
        next = t->next;
        pthread_mutex_lock(&http->lock);
        bool cancelled = t->cancelled;
        pthread_mutex_unlock(&http->lock);
        if (cancelled)
            end_active(http, t, CURLE_ABORTED_BY_CALLBACK);
    }
    return !stopping;
}

static void take_results(struct curl_http *http) {
    int left;
    CURLMsg *message;
    while ((message = curl_multi_info_read(http->multi, &left)) != NULL) {
        if (message->msg != CURLMSG_DONE)
            continue;
        struct transfer *transfer = NULL;
        CURLcode code = message->data.result;
        curl_easy_getinfo(message->easy_handle, CURLINFO_PRIVATE, (char **)&transfer);
        end_active(http, transfer, code);
    }
}

static void *run_io(void *ctx) {
    struct curl_http *http = ctx;
    while (take_orders(http)) {
        int running;
        CURLMcode code = curl_multi_perform(http->multi, &running);
        take_results(http);
        if (code == CURLM_OK)
            code = curl_multi_poll(http->multi, NULL, 0, POLL_MS, NULL);
        if (code != CURLM_OK) {
            while (http->active != NULL)
                end_active(http, http->active, CURLE_FAILED_INIT);
        }
    }
    return NULL;
}

/* Under the lock. */
static bool start_thread(struct curl_http *http, struct pk_error **err) {
    if (http->started)
        return true;
    pthread_once(&curl_once, init_curl);
    if (curl_init_code != CURLE_OK)
        return pk_fail(err, PK_E_INTERNAL, "libcurl cannot start: %s",
                       curl_easy_strerror(curl_init_code));
    if (http->multi == NULL)
        http->multi = curl_multi_init();
    if (http->multi == NULL)
        return pk_fail(err, PK_E_INTERNAL, "libcurl cannot make a multi handle");
    curl_multi_setopt(http->multi, CURLMOPT_MAX_HOST_CONNECTIONS, http->max_host_connections);
    curl_multi_setopt(http->multi, CURLMOPT_MAXCONNECTS, 2 * http->max_host_connections);
    /* Signals are for the threads that know what to do with them. */
    sigset_t all, before;
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    int failed = pthread_create(&http->thread, NULL, run_io, http);
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    if (failed)
        return pk_fail_errno(err, failed, "the network thread cannot start");
    http->started = true;
    return true;
}

/* Under the lock; returns when the transfer is done. */
static void wait_for(struct curl_http *http, struct transfer *transfer) {
    const struct pk_cancel *cancel = transfer->request->cancel;
    while (!transfer->done) {
        if (cancel == NULL || transfer->cancelled) {
            pthread_cond_wait(&transfer->finished, &http->lock);
            continue;
        }
        if (pk_cancel_level(cancel) >= PK_CANCEL_NOW) {
            transfer->cancelled = true;
            http->cancel_seen = true;
            curl_multi_wakeup(http->multi);
            continue;
        }
        struct timespec until;
        clock_gettime(CLOCK_MONOTONIC, &until);
        until.tv_nsec += CANCEL_CHECK_MS * 1000000L;
        until.tv_sec += until.tv_nsec / 1000000000L;
        until.tv_nsec %= 1000000000L;
        pthread_cond_timedwait(&transfer->finished, &http->lock, &until);
    }
}

static void init_condition(pthread_cond_t *condition) {
    pthread_condattr_t attributes;
    pthread_condattr_init(&attributes);
    pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC);
    pthread_cond_init(condition, &attributes);
    pthread_condattr_destroy(&attributes);
}

static bool send_request(struct pk_http *base, const struct pk_http_request *request,
                         struct pk_http_response *ret, struct pk_error **err) {
    struct curl_http *http = (struct curl_http *)base;
    if (!pk_http_url_allowed(request->url, http->settings.allow_plain_http_metadata, err))
        return false;
    struct transfer transfer = {.request = request};
    pthread_mutex_lock(&http->lock);
    if (!start_thread(http, err)) {
        pthread_mutex_unlock(&http->lock);
        return false;
    }
    init_condition(&transfer.finished);
    *http->pending_end = &transfer;
    http->pending_end = &transfer.next;
    curl_multi_wakeup(http->multi);
    wait_for(http, &transfer);
    pthread_mutex_unlock(&http->lock);
    pthread_cond_destroy(&transfer.finished);
    return transfer_result(&transfer, ret, err);
}

static void free_http(struct pk_http *base) {
    struct curl_http *http = (struct curl_http *)base;
    if (http->started) {
        pthread_mutex_lock(&http->lock);
        http->stopping = true;
        curl_multi_wakeup(http->multi);
        pthread_mutex_unlock(&http->lock);
        pthread_join(http->thread, NULL);
    }
    for (size_t i = 0; i < http->n_idle; i++)
        curl_easy_cleanup(http->idle[i]);
    if (http->multi != NULL)
        curl_multi_cleanup(http->multi);
    pthread_mutex_destroy(&http->lock);
    free(http->settings.ca_bundle);
    free(http->settings.user_agent);
    free(http);
}

bool pk_http_curl_new(const struct pk_http_config *config, struct pk_http **ret,
                      struct pk_error **err) {
    struct curl_http *http = pk_calloc(1, sizeof(*http));
    int failed = pthread_mutex_init(&http->lock, NULL);
    if (failed) {
        free(http);
        return pk_fail_errno(err, failed, "the network transport cannot start");
    }
    http->base = (struct pk_http){.send = send_request, .free = free_http};
    http->settings = (struct transfer_settings){
        .ca_bundle = config->ca_bundle ? pk_strdup(config->ca_bundle) : NULL,
        .user_agent = config->user_agent ? pk_strdup(config->user_agent) : NULL,
        .allow_plain_http_metadata = config->allow_plain_http_metadata,
    };
    http->max_host_connections = config->max_host_connections ? (long)config->max_host_connections
                                                              : DEFAULT_HOST_CONNECTIONS;
    http->pending_end = &http->pending;
    *ret = &http->base;
    return true;
}
