/* trace.c - requests and answers in the log, without secrets. */
#include "aws/call.h"

#include "base/log.h"
#include "base/mem.h"

#include <stdlib.h>
#include <string.h>

#define HIDDEN "(hidden)"

/* The models mark most secrets; these words find the rest. */
static bool secret_name(const char *name) {
    static const char *const words[] = {
        "Password",           "password",    "Secret",       "secret",
        "Credential",         "credential",  "AuthToken",    "SessionToken",
        "sessionToken",       "accessToken", "refreshToken", "WebIdentityToken",
        "authorizationToken", "PrivateKey",  "KeyMaterial"};
    static const char *const harmless[] = {"SecretId", "SecretList", "ARN", "Arn", "arn", "Name"};
    bool found = false;
    for (size_t i = 0; i < PK_ARRAY_LEN(words) && !found; i++)
        found = strstr(name, words[i]) != NULL;
    for (size_t i = 0; i < PK_ARRAY_LEN(harmless) && found; i++)
        found = strstr(name, harmless[i]) == NULL;
    return found;
}

static json_t *redacted(const struct pk_aws_service *service, const struct pk_aws_member *member,
                        const json_t *value) {
    const struct pk_aws_shape *shape = pk_aws_shape_of(service, member);
    const char *name = pk_aws_text(service, member->name), *key;
    json_t *item, *copy;
    size_t i;
    bool scalar = !json_is_object(value) && !json_is_array(value);
    if (member->flags & PK_AWS_SENSITIVE || shape->type == PK_AWS_BLOB ||
        (scalar && secret_name(name)))
        return json_string(HIDDEN);
    if (json_is_array(value) && shape->type == PK_AWS_LIST) {
        copy = json_array();
        json_array_foreach((json_t *)value, i, item) json_array_append_new(
            copy, redacted(service, pk_aws_member_at(service, shape, 0), item));
        return copy;
    }
    if (json_is_object(value) && (shape->type == PK_AWS_STRUCTURE || shape->type == PK_AWS_MAP)) {
        copy = json_object();
        json_object_foreach((json_t *)value, key, item) {
            const struct pk_aws_member *inner = shape->type == PK_AWS_MAP
                                                    ? pk_aws_member_at(service, shape, 1)
                                                    : pk_aws_member_find(service, shape, key);
            bool hide = inner == NULL || (json_is_string(item) && secret_name(key));
            json_object_set_new(copy, key,
                                hide ? json_string(HIDDEN) : redacted(service, inner, item));
        }
        return copy;
    }
    return json_deep_copy(value);
}

/* Answers that are nothing but secrets. */
static bool is_secret_result(const struct call *call) {
    return pk_streq(call->service->name, "sso") || pk_streq(call->service->name, "sso-oidc") ||
           pk_streq(call->name, "GetRandomPassword") ||
           pk_streq(call->name, "GetAuthorizationToken");
}

static char *shown(const struct pk_aws_service *service, uint16_t root, const json_t *value) {
    if (root == PK_AWS_NONE)
        return pk_strdup("{}");
    json_t *copy = redacted(service, &service->members[root], value);
    char *text = json_dumps(copy, JSON_COMPACT | JSON_ENCODE_ANY);
    json_decref(copy);
    return text ? text : pk_strdup("?");
}

void pk_aws_trace_request(const struct call *call, const char *url) {
    if (!pk_log_on(PK_LOG_TRACE))
        return;
    char *params = shown(call->service, call->operation->input, call->params);
    pk_log(PK_LOG_TRACE, "aws > %s %s #%d %s %.*s %s", call->service->name, call->name, call->tries,
           call->wire.method, (int)strcspn(url, "?"), url, params);
    free(params);
}

void pk_aws_trace_response(const struct call *call, const struct pk_http_response *response,
                           const json_t *result, const struct pk_aws_fault *fault) {
    if (!pk_log_on(PK_LOG_TRACE))
        return;
    if (fault != NULL) {
        pk_log(PK_LOG_TRACE, "aws < %s %s %d %s: %s (request %s)", call->service->name, call->name,
               response->status, fault->code, fault->message ? fault->message : "",
               fault->request_id ? fault->request_id : "-");
        return;
    }
    char *text = is_secret_result(call) ? pk_strdup(HIDDEN)
                                        : shown(call->service, call->operation->output, result);
    pk_log(PK_LOG_TRACE, "aws < %s %s %d %s", call->service->name, call->name, response->status,
           text);
    free(text);
}
