/* test_curl.c - the libcurl transport against a scripted server on loopback. */
#include "base/clock.h"
#include "base/mem.h"
#include "http/http.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <arpa/inet.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

/* Answers each request on a connection by what the path asks for. */
struct server {
    int fd;
    int port;
    pthread_t thread;
    atomic_int connections, requests;
    char last[4096]; /* the last request as it came; read after the answer only */
};

static bool read_request(int fd, char *buffer, size_t size) {
    size_t len = 0;
    while (len + 1 < size) {
        ssize_t got = recv(fd, buffer + len, size - 1 - len, 0);
        if (got <= 0)
            return false;
        len += (size_t)got;
        buffer[len] = '\0';
        const char *end = strstr(buffer, "\r\n\r\n"),
                   *length = strcasestr(buffer, "content-length:");
        if (end != NULL && (size_t)(buffer + len - end - 4) >=
                               (length && length < end ? (size_t)atol(length + 15) : 0))
            return true;
    }
    return false;
}

static void send_text(int fd, const char *text) {
    ssize_t sent PK_UNUSED = send(fd, text, strlen(text), MSG_NOSIGNAL);
}

/* False closes the connection. */
static bool answer(const char *request, int fd) {
    if (strstr(request, " /hang")) {
        char byte;
        recv(fd, &byte, 1, 0); /* until the client goes */
        return false;
    }
    if (strstr(request, " /cut")) {
        send_text(fd, "HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nhalf");
        return false;
    }
    if (strstr(request, " /drop"))
        return false;
    if (strstr(request, " /large")) {
        send_text(fd, "HTTP/1.1 200 OK\r\nContent-Length: 2000\r\n\r\n");
        for (int i = 0; i < 20; i++)
            send_text(fd, "0123456789012345678901234567890123456789012345678901234567890123456789"
                          "012345678901234567890123456789");
        return true;
    }
    if (strstr(request, " /redirect")) {
        send_text(fd, "HTTP/1.1 302 Found\r\nLocation: /ok\r\nContent-Length: 0\r\n\r\n");
        return true;
    }
    if (strstr(request, " /continue")) {
        send_text(fd, "HTTP/1.1 100 Continue\r\nX-Interim: 1\r\n\r\n");
        send_text(fd, "HTTP/1.1 200 OK\r\nX-Final: 1\r\nContent-Length: 2\r\n\r\nok");
        return true;
    }
    if (pk_starts_with(request, "HEAD")) {
        send_text(fd, "HTTP/1.1 404 Not Found\r\nContent-Length: 999\r\n\r\n");
        return true;
    }
    send_text(fd,
              "HTTP/1.1 200 OK\r\nx-thing:  a b \r\nX-Empty:\r\nContent-Length: 5\r\n\r\nhello");
    return true;
}

static void *serve_connection(void *ctx) {
    struct {
        struct server *server;
        int fd;
    } *task = ctx;
    char buffer[4096];
    while (read_request(task->fd, buffer, sizeof(buffer))) {
        static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
        atomic_fetch_add(&task->server->requests, 1);
        pthread_mutex_lock(&lock);
        memcpy(task->server->last, buffer, sizeof(buffer));
        pthread_mutex_unlock(&lock);
        if (!answer(buffer, task->fd))
            break;
    }
    close(task->fd);
    free(task);
    return NULL;
}

static void *serve(void *ctx) {
    struct server *server = ctx;
    for (;;) {
        int fd = accept(server->fd, NULL, NULL);
        if (fd < 0)
            return NULL;
        atomic_fetch_add(&server->connections, 1);
        struct {
            struct server *server;
            int fd;
        } *task = pk_malloc(sizeof(*task));
        task->server = server;
        task->fd = fd;
        pthread_t thread;
        pthread_create(&thread, NULL, serve_connection, task);
        pthread_detach(thread);
    }
}

static struct server *start_server(void) {
    struct server *server = pk_calloc(1, sizeof(*server));
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr = {htonl(INADDR_LOOPBACK)}};
    socklen_t len = sizeof(address);
    server->fd = socket(AF_INET, SOCK_STREAM, 0);
    assert_int_equal(bind(server->fd, (struct sockaddr *)&address, len), 0);
    assert_int_equal(listen(server->fd, 64), 0);
    assert_int_equal(getsockname(server->fd, (struct sockaddr *)&address, &len), 0);
    server->port = ntohs(address.sin_port);
    pthread_create(&server->thread, NULL, serve, server);
    return server;
}

static struct server *server;

static int setup(void **state) {
    (void)state;
    server = start_server();
    return 0;
}

static int teardown(void **state) {
    (void)state;
    shutdown(server->fd, SHUT_RDWR);
    pthread_join(server->thread, NULL);
    close(server->fd);
    pk_sleep_ms(50); /* connections see their end */
    free(server);
    return 0;
}

static struct pk_http *new_http(void) {
    struct pk_http_config config = {.user_agent = "test"};
    struct pk_http *http = NULL;
    assert_true(pk_http_curl_new(&config, &http, NULL));
    return http;
}

static char *url_of(const char *path) {
    return pk_asprintf("http://127.0.0.1:%d%s", server->port, path);
}

static bool get(struct pk_http *http, const char *path, struct pk_http_response *ret,
                struct pk_error **err) {
    PK_CLEANUP(pk_freep) char *url = url_of(path);
    struct pk_http_request request = {
        .method = "GET", .url = url, .timeout_ms = 500, .max_response_size = 1000};
    return http->send(http, &request, ret, err);
}

static void test_get_and_keep_alive(void **state) {
    (void)state;
    struct pk_http *http = new_http();
    int before = atomic_load(&server->connections);
    for (int i = 0; i < 10; i++) {
        struct pk_http_response response = {0};
        assert_true(get(http, "/ok?a=%2f/../x", &response, NULL));
        assert_int_equal(response.status, 200);
        assert_string_equal(pk_buf_cstr(&response.body), "hello");
        assert_string_equal(pk_headers_get(&response.headers, "X-Thing"), "a b");
        assert_string_equal(pk_headers_get(&response.headers, "X-Empty"), "");
        pk_http_response_release(&response);
    }
    assert_int_equal(atomic_load(&server->connections) - before, 1);
    assert_non_null(strstr(server->last, "GET /ok?a=%2f/../x HTTP/1.1\r\n"));
    assert_non_null(strstr(server->last, "User-Agent: test\r\n"));
    pk_http_free(http);
}

static void test_path_is_sent_as_it_is(void **state) {
    (void)state;
    struct pk_http *http = new_http();
    struct pk_http_response response = {0};
    assert_true(get(http, "/a/../b//./%41", &response, NULL));
    assert_non_null(strstr(server->last, "GET /a/../b//./%41 HTTP/1.1\r\n"));
    pk_http_response_release(&response);
    pk_http_free(http);
}

static void test_methods_and_bodies(void **state) {
    (void)state;
    static const struct {
        const char *method, *body, *expected, *absent;
    } cases[] = {
        {"POST", "abc", "Content-Length: 3\r\n", "Expect:"},
        {"POST", "", "Content-Length: 0\r\n", "Content-Type"},
        {"PUT", "abc", "PUT /ok HTTP/1.1\r\n", "Content-Type"},
        {"PUT", "", "Content-Length: 0\r\n", "Transfer-Encoding"},
        {"DELETE", "", "DELETE /ok HTTP/1.1\r\n", "Content-Length"},
        {"DELETE", "abc", "\r\n\r\nabc", "Transfer-Encoding"},
        {"PATCH", "{}", "PATCH /ok HTTP/1.1\r\n", "Transfer-Encoding"},
    };
    struct pk_http *http = new_http();
    PK_CLEANUP(pk_freep) char *url = url_of("/ok");
    for (size_t i = 0; i < PK_ARRAY_LEN(cases); i++) {
        struct pk_http_request request = {.method = cases[i].method,
                                          .url = url,
                                          .body = cases[i].body,
                                          .body_len = strlen(cases[i].body)};
        struct pk_http_response response = {0};
        assert_true(http->send(http, &request, &response, NULL));
        if (strstr(server->last, cases[i].expected) == NULL ||
            strstr(server->last, cases[i].absent) != NULL)
            fail_msg("%s with \"%s\": %s", cases[i].method, cases[i].body, server->last);
        pk_http_response_release(&response);
    }
    pk_http_free(http);
}

static void test_headers_go_out(void **state) {
    (void)state;
    struct pk_http *http = new_http();
    PK_CLEANUP(pk_freep) char *url = url_of("/ok");
    struct pk_http_request request = {.method = "POST", .url = url, .body = "x", .body_len = 1};
    struct pk_http_response response = {0};
    assert_true(pk_headers_add(&request.headers, "Host", "other.example:99"));
    assert_true(pk_headers_add(&request.headers, "Content-Type", "application/json"));
    assert_true(pk_headers_add(&request.headers, "X-None", ""));
    assert_true(http->send(http, &request, &response, NULL));
    assert_non_null(strstr(server->last, "Host: other.example:99\r\n"));
    assert_non_null(strstr(server->last, "Content-Type: application/json\r\n"));
    assert_non_null(strstr(server->last, "X-None:\r\n"));
    pk_headers_release(&request.headers);
    pk_http_response_release(&response);
    pk_http_free(http);
}

static void test_head_and_interim(void **state) {
    (void)state;
    struct pk_http *http = new_http();
    PK_CLEANUP(pk_freep) char *url = url_of("/ok");
    struct pk_http_request request = {.method = "HEAD", .url = url};
    struct pk_http_response response = {0};
    assert_true(http->send(http, &request, &response, NULL));
    assert_int_equal(response.status, 404);
    assert_int_equal(response.body.len, 0);
    pk_http_response_release(&response);
    assert_true(get(http, "/continue", &response, NULL));
    assert_null(pk_headers_get(&response.headers, "X-Interim"));
    assert_string_equal(pk_headers_get(&response.headers, "X-Final"), "1");
    pk_http_response_release(&response);
    /* Redirects are answers like any other. */
    assert_true(get(http, "/redirect", &response, NULL));
    assert_int_equal(response.status, 302);
    pk_http_response_release(&response);
    pk_http_free(http);
}

static void expect_failure(struct pk_http *http, const char *path, enum pk_code code, bool sent) {
    struct pk_http_response response = {0};
    struct pk_error *err = NULL;
    assert_false(get(http, path, &response, &err));
    if (err->code != code || err->aws.sent != sent)
        fail_msg("%s: %s", path, err->message);
    pk_error_free(err);
}

static void test_failures(void **state) {
    (void)state;
    struct pk_http *http = new_http();
    expect_failure(http, "/cut", PK_E_NETWORK, true);
    expect_failure(http, "/drop", PK_E_NETWORK, true);
    expect_failure(http, "/large", PK_E_BAD_RESPONSE, true);
    expect_failure(http, "/hang", PK_E_TIMEOUT, true);
    struct pk_http_request request = {.method = "GET", .url = "http://127.0.0.1:1/"};
    struct pk_http_response response = {0};
    struct pk_error *err = NULL;
    assert_false(http->send(http, &request, &response, &err));
    assert_int_equal(err->code, PK_E_NETWORK);
    assert_false(err->aws.sent);
    pk_error_clear(&err);
    request.url = "http://192.0.2.1/";
    assert_false(http->send(http, &request, &response, &err));
    assert_int_equal(err->code, PK_E_CONFIG);
    pk_error_free(err);
    pk_http_free(http);
}

/* The server may have acted on a request whose connection died: it must not be sent again unseen.
 */
static void test_nothing_is_sent_twice(void **state) {
    (void)state;
    struct pk_http *http = new_http();
    struct pk_http_response response = {0};
    assert_true(get(http, "/ok", &response, NULL)); /* now there is a connection to reuse */
    pk_http_response_release(&response);
    int before = atomic_load(&server->requests);
    PK_CLEANUP(pk_freep) char *url = url_of("/drop");
    struct pk_http_request request = {.method = "POST", .url = url, .body = "{}", .body_len = 2};
    struct pk_error *err = NULL;
    assert_false(http->send(http, &request, &response, &err));
    assert_int_equal(err->code, PK_E_NETWORK);
    assert_true(err->aws.sent);
    assert_int_equal(atomic_load(&server->requests) - before, 1);
    pk_error_free(err);
    pk_http_free(http);
}

static void *raise_later(void *cancel) {
    pk_sleep_ms(100);
    pk_cancel_raise(cancel, PK_CANCEL_NOW);
    return NULL;
}

static void test_cancel(void **state) {
    (void)state;
    struct pk_http *http = new_http();
    struct pk_cancel cancel = {0};
    PK_CLEANUP(pk_freep) char *url = url_of("/hang");
    struct pk_http_request request = {.method = "GET", .url = url, .cancel = &cancel};
    struct pk_http_response response = {0};
    struct pk_error *err = NULL;
    pthread_t thread;
    int64_t start = pk_monotonic_ms(NULL);
    pthread_create(&thread, NULL, raise_later, &cancel);
    assert_false(http->send(http, &request, &response, &err));
    assert_int_equal(err->code, PK_E_CANCELLED);
    assert_true(err->aws.sent);
    assert_true(pk_monotonic_ms(NULL) - start < 1000);
    pthread_join(thread, NULL);
    pk_error_free(err);
    pk_http_free(http);
}

static void *many(void *ctx) {
    struct pk_http *http = ctx;
    for (int i = 0; i < 50; i++) {
        struct pk_http_response response = {0};
        if (!get(http, "/ok", &response, NULL) || response.status != 200)
            return (void *)1;
        pk_http_response_release(&response);
    }
    return NULL;
}

static void test_many_threads(void **state) {
    (void)state;
    struct pk_http *http = new_http();
    pthread_t threads[8];
    for (size_t i = 0; i < PK_ARRAY_LEN(threads); i++)
        pthread_create(&threads[i], NULL, many, http);
    for (size_t i = 0; i < PK_ARRAY_LEN(threads); i++) {
        void *failed;
        pthread_join(threads[i], &failed);
        assert_null(failed);
    }
    pk_http_free(http);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_get_and_keep_alive),    cmocka_unit_test(test_path_is_sent_as_it_is),
        cmocka_unit_test(test_methods_and_bodies),    cmocka_unit_test(test_headers_go_out),
        cmocka_unit_test(test_head_and_interim),      cmocka_unit_test(test_failures),
        cmocka_unit_test(test_nothing_is_sent_twice), cmocka_unit_test(test_cancel),
        cmocka_unit_test(test_many_threads),
    };
    return cmocka_run_group_tests(tests, setup, teardown);
}
