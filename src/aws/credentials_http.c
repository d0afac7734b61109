/* credentials_http.c - container and instance metadata. */
#include "aws/client.h"

#include "base/fs.h"
#include "base/mem.h"
#include "base/str.h"
#include "http/plain.h"

#include <stdlib.h>
#include <string.h>

#define CONTAINER_HOST "http://169.254.170.2"
#define IMDS_V4 "http://169.254.169.254"
#define IMDS_V6 "http://[fd00:ec2::254]"
#define MAX_ANSWER ((size_t)256 << 10)
#define CONTAINER_ATTEMPTS 3
#define CONTAINER_TIMEOUT_MS 2000
#define TOKEN_LIFE_S "21600"

struct metadata {
    struct pk_aws_provider base;
    struct pk_aws_shared *shared; /* borrowed */
    char *url;                    /* container: the whole URL; instance: scheme and host */
    char *token, *token_file;     /* container: Authorization */
    int attempts, timeout_ms;
};

struct ask {
    const char *method, *url;
    const char *header, *value; /* or NULL */
};

/* One question with retries; *ret_status is set when an answer came. */
static bool ask(const struct metadata *metadata, const struct ask *ask,
                struct pk_http_response *ret, struct pk_error **err) {
    struct pk_http *http;
    if (!pk_aws_http(metadata->shared, &http, err))
        return false;
    struct pk_http_request request = {
        .method = ask->method,
        .url = ask->url,
        .connect_timeout_ms = metadata->timeout_ms,
        .timeout_ms = metadata->timeout_ms,
        .max_response_size = MAX_ANSWER,
    };
    bool ok = true;
    if (ask->header != NULL && !pk_headers_add(&request.headers, ask->header, ask->value))
        ok = pk_fail(err, PK_E_CREDENTIALS, "%s: the authorization token has a line break in it",
                     metadata->base.source);
    struct pk_error *last = NULL;
    bool answered = false;
    for (int attempt = 1; ok && attempt <= metadata->attempts; attempt++) {
        pk_error_clear(&last);
        if (answered)
            pk_http_response_release(ret);
        answered = http->send(http, &request, ret, &last);
        if (answered && ret->status < 500 && ret->status != 429)
            break;
        if (attempt < metadata->attempts)
            pk_aws_pause(metadata->shared, 100 * attempt, NULL);
    }
    pk_headers_release(&request.headers);
    if (ok && !answered) {
        if (err != NULL)
            *err = last;
        else
            pk_error_free(last);
        return pk_wrap(err, "%s", metadata->base.source);
    }
    return ok;
}

static bool refused(const struct metadata *metadata, const struct pk_http_response *response,
                    struct pk_error **err) {
    return pk_fail(err, PK_E_CREDENTIALS, "%s answered with status %d", metadata->base.source,
                   response->status);
}

static bool parse_keys(const struct metadata *metadata, const struct pk_http_response *response,
                       struct pk_aws_creds **ret, struct pk_error **err) {
    if (response->status != 200)
        return refused(metadata, response, err);
    json_t *object = json_loadb(pk_buf_cstr(&response->body), response->body.len, 0, NULL);
    if (!json_is_object(object)) {
        json_decref(object);
        return pk_fail(err, PK_E_CREDENTIALS, "%s did not answer with JSON", metadata->base.source);
    }
    bool ok = pk_aws_creds_from_json(object, "Token", metadata->base.source, ret, err);
    json_decref(object);
    return ok;
}

static bool container_token(const struct metadata *metadata, char **ret, struct pk_error **err) {
    *ret = metadata->token ? pk_strdup(metadata->token) : NULL;
    if (metadata->token_file == NULL)
        return true;
    free(*ret);
    *ret = NULL;
    struct pk_buf text;
    if (!pk_read_file(metadata->token_file, MAX_ANSWER, &text, err))
        return pk_wrap(err, "AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE");
    struct pk_str trimmed = pk_str_trim(pk_str(pk_buf_cstr(&text)));
    *ret = pk_strndup(trimmed.len ? trimmed.ptr : "", trimmed.len);
    pk_buf_release(&text);
    return true;
}

static bool fetch_container(struct pk_aws_provider *provider, struct pk_aws_creds **ret,
                            struct pk_error **err) {
    const struct metadata *metadata = (const struct metadata *)provider;
    char *token;
    if (!container_token(metadata, &token, err))
        return false;
    struct ask question = {"GET", metadata->url, token ? "Authorization" : NULL, token};
    struct pk_http_response response = {0};
    bool ok = ask(metadata, &question, &response, err) && parse_keys(metadata, &response, ret, err);
    pk_http_response_release(&response);
    pk_secret_free(token);
    return ok;
}

/* A text answer with status 200; malloc'ed. */
static bool imds_text(const struct metadata *metadata, const struct ask *question, char **ret,
                      struct pk_error **err) {
    struct pk_http_response response = {0};
    bool ok = ask(metadata, question, &response, err);
    if (ok && response.status != 200)
        ok = refused(metadata, &response, err);
    if (ok) {
        struct pk_str text = pk_str_trim(pk_str(pk_buf_cstr(&response.body)));
        *ret = pk_strndup(text.len ? text.ptr : "", strcspn(text.len ? text.ptr : "", "\r\n"));
    }
    pk_http_response_release(&response);
    return ok;
}

static bool fetch_imds(struct pk_aws_provider *provider, struct pk_aws_creds **ret,
                       struct pk_error **err) {
    static const char path[] = "/latest/meta-data/iam/security-credentials/";
    const struct metadata *metadata = (const struct metadata *)provider;
    PK_CLEANUP(pk_secret_freep) char *token = NULL;
    PK_CLEANUP(pk_freep) char *role = NULL;
    PK_CLEANUP(pk_freep) char *token_url = pk_asprintf("%s/latest/api/token", metadata->url);
    struct ask get_token = {"PUT", token_url, "X-aws-ec2-metadata-token-ttl-seconds", TOKEN_LIFE_S};
    if (!imds_text(metadata, &get_token, &token, err))
        return false;
    PK_CLEANUP(pk_freep) char *list_url = pk_asprintf("%s%s", metadata->url, path);
    struct ask get_role = {"GET", list_url, "X-aws-ec2-metadata-token", token};
    if (!imds_text(metadata, &get_role, &role, err))
        return false;
    if (role[0] == '\0')
        return pk_fail(err, PK_E_CREDENTIALS, "%s: the instance has no role",
                       metadata->base.source);
    PK_CLEANUP(pk_freep) char *keys_url = pk_asprintf("%s%s%s", metadata->url, path, role);
    struct ask get_keys = {"GET", keys_url, "X-aws-ec2-metadata-token", token};
    struct pk_http_response response = {0};
    bool ok = ask(metadata, &get_keys, &response, err) && parse_keys(metadata, &response, ret, err);
    pk_http_response_release(&response);
    return ok;
}

static void free_metadata(struct pk_aws_provider *provider) {
    struct metadata *metadata = (struct metadata *)provider;
    free(metadata->url);
    pk_secret_free(metadata->token);
    free(metadata->token_file);
    free(metadata);
}

static struct metadata *new_metadata(struct pk_aws_shared *shared, char *url) {
    struct metadata *metadata = pk_calloc(1, sizeof(*metadata));
    metadata->base.free = free_metadata;
    metadata->shared = shared;
    metadata->url = url;
    return metadata;
}

bool pk_aws_container_provider(struct pk_aws_shared *shared, struct pk_aws_provider **ret,
                               struct pk_error **err) {
    const char *relative = pk_aws_env(shared, "AWS_CONTAINER_CREDENTIALS_RELATIVE_URI");
    const char *full = pk_aws_env(shared, "AWS_CONTAINER_CREDENTIALS_FULL_URI");
    const char *token = pk_aws_env(shared, "AWS_CONTAINER_AUTHORIZATION_TOKEN");
    const char *token_file = pk_aws_env(shared, "AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE");
    *ret = NULL;
    if (relative == NULL && full == NULL)
        return true;
    if (relative != NULL && relative[0] != '/')
        return pk_fail(err, PK_E_CREDENTIALS,
                       "AWS_CONTAINER_CREDENTIALS_RELATIVE_URI must start with /");
    if (relative == NULL && !pk_http_url_allowed(full, true, err))
        return pk_wrap(err, "AWS_CONTAINER_CREDENTIALS_FULL_URI");
    char *url = relative ? pk_asprintf("%s%s", CONTAINER_HOST, relative) : pk_strdup(full);
    struct metadata *metadata = new_metadata(shared, url);
    metadata->base.fetch = fetch_container;
    metadata->base.source = pk_asprintf("container credentials (%s)",
                                        relative ? "AWS_CONTAINER_CREDENTIALS_RELATIVE_URI"
                                                 : "AWS_CONTAINER_CREDENTIALS_FULL_URI");
    metadata->token = token ? pk_strdup(token) : NULL;
    metadata->token_file = token_file ? pk_strdup(token_file) : NULL;
    metadata->attempts = CONTAINER_ATTEMPTS;
    metadata->timeout_ms = CONTAINER_TIMEOUT_MS;
    *ret = &metadata->base;
    return true;
}

static bool small_number(const struct pk_aws_shared *shared, const char *variable, const char *key,
                         int *ret, struct pk_error **err) {
    const char *text = pk_aws_setting(shared, variable, key);
    int64_t number;
    if (text == NULL)
        return true;
    if (!pk_parse_i64(pk_str(text), &number) || number < 1 || number > 100)
        return pk_fail(err, PK_E_CREDENTIALS, "%s (%s) must be 1 to 100, not %s", variable, key,
                       text);
    *ret = (int)number;
    return true;
}

static bool imds_url(const struct pk_aws_shared *shared, char **ret, struct pk_error **err) {
    const char *mode = pk_aws_setting(shared, "AWS_EC2_METADATA_SERVICE_ENDPOINT_MODE",
                                      "ec2_metadata_service_endpoint_mode");
    const char *url = pk_aws_setting(shared, "AWS_EC2_METADATA_SERVICE_ENDPOINT",
                                     "ec2_metadata_service_endpoint");
    if (mode != NULL && !pk_strieq(mode, "IPv4") && !pk_strieq(mode, "IPv6"))
        return pk_fail(err, PK_E_CREDENTIALS,
                       "AWS_EC2_METADATA_SERVICE_ENDPOINT_MODE must be IPv4 or IPv6, not \"%s\"",
                       mode);
    if (url == NULL)
        url = mode != NULL && pk_strieq(mode, "IPv6") ? IMDS_V6 : IMDS_V4;
    if (!pk_http_url_allowed(url, true, err))
        return pk_wrap(err, "AWS_EC2_METADATA_SERVICE_ENDPOINT");
    size_t len = strlen(url);
    while (len > 0 && url[len - 1] == '/')
        len--;
    *ret = pk_strndup(url, len);
    return true;
}

bool pk_aws_imds_provider(struct pk_aws_shared *shared, struct pk_aws_provider **ret,
                          struct pk_error **err) {
    char *url = NULL;
    int attempts = 1, timeout_s = 1;
    *ret = NULL;
    if (pk_aws_truth(pk_aws_env(shared, "AWS_EC2_METADATA_DISABLED")))
        return true;
    if (!small_number(shared, "AWS_METADATA_SERVICE_NUM_ATTEMPTS", "metadata_service_num_attempts",
                      &attempts, err) ||
        !small_number(shared, "AWS_METADATA_SERVICE_TIMEOUT", "metadata_service_timeout",
                      &timeout_s, err) ||
        !imds_url(shared, &url, err))
        return false;
    struct metadata *metadata = new_metadata(shared, url);
    metadata->base.fetch = fetch_imds;
    metadata->base.source = pk_asprintf("instance metadata at %s", url);
    metadata->attempts = attempts;
    metadata->timeout_ms = timeout_s * 1000;
    *ret = &metadata->base;
    return true;
}
