/* credentials_role.c - sts:AssumeRole, with and without a web identity. */
#include "aws/client.h"

#include "base/fs.h"
#include "base/mem.h"
#include "base/str.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>

#define MAX_TOKEN ((size_t)1 << 20)

struct assume {
    struct pk_aws_provider base;
    struct pk_aws_shared *shared; /* borrowed */
    struct pk_aws_cached *creds;  /* NULL: web identity */
    char *role_arn, *session_name, *external_id, *mfa_serial, *token_file;
    int duration_s;
};

/* STS answers everywhere; without a region the call goes to its global endpoint. */
static struct pk_aws *sts_client(const struct assume *assume) {
    const char *region = assume->shared->region;
    return pk_aws_make(assume->shared, region,
                       assume->creds ? pk_aws_cached_ref(assume->creds) : NULL);
}

static void put(json_t *object, const char *key, const char *text) {
    if (text != NULL)
        json_object_set_new(object, key, json_string(text));
}

static json_t *role_params(const struct assume *assume) {
    json_t *params = json_object();
    PK_CLEANUP(pk_freep)
    char *made = pk_asprintf("panka-%lld", (long long)(pk_wall_ms(assume->shared->clock) / 1000));
    put(params, "RoleArn", assume->role_arn);
    put(params, "RoleSessionName", assume->session_name ? assume->session_name : made);
    put(params, "ExternalId", assume->external_id);
    put(params, "SerialNumber", assume->mfa_serial);
    if (assume->duration_s > 0)
        json_object_set_new(params, "DurationSeconds", json_integer(assume->duration_s));
    return params;
}

static bool ask_mfa(const struct assume *assume, json_t *params, struct pk_error **err) {
    const struct pk_aws_config *config = &assume->shared->config;
    char *code = NULL;
    if (assume->mfa_serial == NULL)
        return true;
    if (config->mfa_prompt == NULL ||
        !config->mfa_prompt(config->mfa_ctx, assume->mfa_serial, &code) || code == NULL)
        return pk_fail(err, PK_E_CREDENTIALS,
                       "%s needs the code of MFA device %s, and there is no terminal to ask on",
                       assume->base.source, assume->mfa_serial);
    put(params, "TokenCode", code);
    pk_secret_free(code);
    return true;
}

static bool call_sts(const struct assume *assume, const char *operation, json_t *params,
                     struct pk_aws_creds **ret, struct pk_error **err) {
    struct pk_aws *sts = sts_client(assume);
    json_t *result = NULL;
    bool ok = pk_aws_call(sts, "sts", operation, params, NULL, &result, err);
    if (ok)
        ok = pk_aws_creds_from_json(json_object_get(result, "Credentials"), "SessionToken",
                                    assume->base.source, ret, err);
    else
        pk_wrap(err, "%s", assume->base.source);
    json_decref(result);
    pk_aws_free(sts);
    return ok;
}

static bool fetch_role(struct pk_aws_provider *provider, struct pk_aws_creds **ret,
                       struct pk_error **err) {
    const struct assume *assume = (const struct assume *)provider;
    json_t *params = role_params(assume);
    bool ok = ask_mfa(assume, params, err) && call_sts(assume, "AssumeRole", params, ret, err);
    json_decref(params);
    return ok;
}

static bool fetch_web_identity(struct pk_aws_provider *provider, struct pk_aws_creds **ret,
                               struct pk_error **err) {
    const struct assume *assume = (const struct assume *)provider;
    struct pk_buf token;
    if (!pk_read_file(assume->token_file, MAX_TOKEN, &token, err))
        return pk_wrap(err, "%s", provider->source);
    json_t *params = role_params(assume);
    struct pk_str text = pk_str_trim(pk_str(pk_buf_cstr(&token)));
    json_object_set_new(params, "WebIdentityToken", json_stringn(text.ptr, text.len));
    bool ok = call_sts(assume, "AssumeRoleWithWebIdentity", params, ret, err);
    json_decref(params);
    pk_buf_release(&token);
    return ok;
}

static void free_assume(struct pk_aws_provider *provider) {
    struct assume *assume = (struct assume *)provider;
    if (assume->creds != NULL)
        pk_aws_cached_unref(assume->creds);
    free(assume->role_arn);
    free(assume->session_name);
    free(assume->external_id);
    free(assume->mfa_serial);
    free(assume->token_file);
    free(assume);
}

static char *copy(const char *text) {
    return text != NULL && text[0] != '\0' ? pk_strdup(text) : NULL;
}

struct pk_aws_provider *pk_aws_assume_provider(struct pk_aws_shared *shared, const char *source,
                                               struct pk_aws_cached *base,
                                               const struct pk_aws_role *role) {
    struct assume *assume = pk_calloc(1, sizeof(*assume));
    assume->base = (struct pk_aws_provider){fetch_role, free_assume, pk_strdup(source)};
    assume->shared = shared;
    assume->creds = base;
    assume->role_arn = copy(role->role_arn);
    assume->session_name = copy(role->session_name);
    assume->external_id = copy(role->external_id);
    assume->mfa_serial = copy(role->mfa_serial);
    assume->duration_s = role->duration_s;
    return &assume->base;
}

struct pk_aws_provider *pk_aws_web_identity_provider(struct pk_aws_shared *shared,
                                                     const char *source, const char *token_file,
                                                     const char *role_arn,
                                                     const char *session_name) {
    struct assume *assume = pk_calloc(1, sizeof(*assume));
    assume->base = (struct pk_aws_provider){fetch_web_identity, free_assume, pk_strdup(source)};
    assume->shared = shared;
    assume->role_arn = copy(role_arn);
    assume->session_name = copy(session_name);
    assume->token_file = copy(token_file);
    return &assume->base;
}

static const char *get(const struct pk_aws_shared *shared, const char *profile, const char *key) {
    const char *value = pk_aws_profile_get(shared->profiles, profile, key);
    return value != NULL && value[0] != '\0' ? value : NULL;
}

static bool source_profile(struct pk_aws_shared *shared, const char *profile, const char *source,
                           const struct pk_aws_visit *from, struct pk_aws_provider **ret,
                           struct pk_error **err) {
    const char *path = shared->profiles->config_path;
    struct pk_aws_visit visit = {.profile = profile, .from = from};
    if (pk_streq(source, profile)) {
        /* Its own keys, used to assume its own role. */
        if (!pk_aws_keys_provider(shared, profile, true, ret, err))
            return false;
        if (*ret == NULL && !pk_aws_keys_provider(shared, profile, false, ret, err))
            return false;
    } else {
        if (!pk_aws_profile_exists(shared->profiles, source))
            return pk_fail(err, PK_E_CREDENTIALS,
                           "profile \"%s\" in %s: source_profile \"%s\" does not exist", profile,
                           path, source);
        for (const struct pk_aws_visit *v = &visit; v != NULL; v = v->from) {
            if (pk_streq(v->profile, source))
                return pk_fail(err, PK_E_CREDENTIALS,
                               "profile \"%s\" in %s: source_profile \"%s\" makes a loop", profile,
                               path, source);
        }
        if (!pk_aws_profile_provider(shared, source, &visit, ret, err))
            return false;
    }
    return *ret != NULL || pk_fail(err, PK_E_CREDENTIALS,
                                   "profile \"%s\" in %s: source_profile \"%s\" has no credentials",
                                   profile, path, source);
}

static bool credential_source(struct pk_aws_shared *shared, const char *profile, const char *name,
                              struct pk_aws_provider **ret, struct pk_error **err) {
    bool ok;
    if (pk_streq(name, "Environment"))
        ok = pk_aws_env_provider(shared, ret, err);
    else if (pk_streq(name, "EcsContainer"))
        ok = pk_aws_container_provider(shared, ret, err);
    else if (pk_streq(name, "Ec2InstanceMetadata"))
        ok = pk_aws_imds_provider(shared, ret, err);
    else
        return pk_fail(err, PK_E_CREDENTIALS,
                       "profile \"%s\" in %s: credential_source must be Environment, EcsContainer "
                       "or Ec2InstanceMetadata, not \"%s\"",
                       profile, shared->profiles->config_path, name);
    if (ok && *ret == NULL)
        return pk_fail(err, PK_E_CREDENTIALS,
                       "profile \"%s\" in %s: credential_source %s has no credentials", profile,
                       shared->profiles->config_path, name);
    return ok;
}

bool pk_aws_role_provider(struct pk_aws_shared *shared, const char *profile,
                          const struct pk_aws_visit *from, struct pk_aws_provider **ret,
                          struct pk_error **err) {
    const char *path = shared->profiles->config_path;
    const char *from_profile = get(shared, profile, "source_profile");
    const char *from_source = get(shared, profile, "credential_source");
    const char *duration = get(shared, profile, "duration_seconds");
    int64_t seconds = 0;
    struct pk_aws_provider *base = NULL;
    if ((from_profile != NULL) == (from_source != NULL))
        return pk_fail(err, PK_E_CREDENTIALS,
                       "profile \"%s\" in %s has role_arn and %s source_profile %s "
                       "credential_source",
                       profile, path, from_profile ? "both" : "neither",
                       from_profile ? "and" : "nor");
    if (duration != NULL &&
        (!pk_parse_i64(pk_str(duration), &seconds) || seconds < 900 || seconds > 43200))
        return pk_fail(err, PK_E_CREDENTIALS,
                       "profile \"%s\" in %s: duration_seconds must be 900 to 43200, not %s",
                       profile, path, duration);
    if (from_profile ? !source_profile(shared, profile, from_profile, from, &base, err)
                     : !credential_source(shared, profile, from_source, &base, err))
        return false;
    pk_assert(base != NULL);
    struct pk_aws_role role = {
        .role_arn = get(shared, profile, "role_arn"),
        .session_name = get(shared, profile, "role_session_name"),
        .external_id = get(shared, profile, "external_id"),
        .mfa_serial = get(shared, profile, "mfa_serial"),
        .duration_s = (int)seconds,
    };
    PK_CLEANUP(pk_freep)
    char *source = pk_asprintf("profile \"%s\" in %s: role_arn %s from %s", profile, path,
                               role.role_arn, base->source);
    *ret = pk_aws_assume_provider(shared, source, pk_aws_cached_new(base, shared->clock), &role);
    return true;
}
