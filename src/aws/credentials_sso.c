/* credentials_sso.c - IAM Identity Center: the token that `aws sso login` left, and its refresh. */
#include "aws/client.h"

#include "base/fs.h"
#include "base/hash.h"
#include "base/mem.h"
#include "base/str.h"

#include <stdlib.h>
#include <string.h>

#define MAX_CACHE ((size_t)1 << 20)
#define REFRESH_BEFORE_MS (5 * 60 * 1000)

struct sso {
    struct pk_aws_provider base;
    struct pk_aws_shared *shared; /* borrowed */
    char *profile, *account, *role, *region;
    char *cache_path;
    bool refreshable; /* session form: the token can be renewed */
};

static bool expired(const struct sso *sso, const json_t *token, int64_t early_ms) {
    const char *text = json_string_value(json_object_get(token, "expiresAt"));
    int64_t at;
    return text == NULL || !pk_time_parse(text, &at) ||
           at - early_ms <= pk_wall_ms(sso->shared->clock);
}

static bool login_needed(const struct sso *sso, const char *what, struct pk_error **err) {
    pk_fail(err, PK_E_CREDENTIALS, "%s: %s", sso->base.source, what);
    return pk_error_hint(err, "run `aws sso login --profile %s`", sso->profile);
}

static bool read_token(const struct sso *sso, json_t **ret, struct pk_error **err) {
    struct pk_buf text;
    struct pk_error *why = NULL;
    if (!pk_read_file(sso->cache_path, MAX_CACHE, &text, &why)) {
        login_needed(sso, why->message, err);
        pk_error_free(why);
        return false;
    }
    json_t *token = json_loadb(pk_buf_cstr(&text), text.len, 0, NULL);
    pk_buf_release(&text);
    if (json_string_value(json_object_get(token, "accessToken")) == NULL) {
        json_decref(token);
        return login_needed(sso, "the token file has no accessToken", err);
    }
    *ret = token;
    return true;
}

static void copy_text(json_t *to, const char *to_key, const json_t *from, const char *key) {
    const char *text = json_string_value(json_object_get(from, key));
    if (text != NULL)
        json_object_set_new(to, to_key, json_string(text));
}

/* Writes the renewed token where the AWS CLI will find it; that it cannot is no reason to stop. */
static void save_token(const struct sso *sso, json_t *token, const json_t *answer) {
    int64_t life = json_integer_value(json_object_get(answer, "expiresIn"));
    char at[21];
    pk_time_iso8601(pk_wall_ms(sso->shared->clock) / 1000 + life, at);
    copy_text(token, "accessToken", answer, "accessToken");
    copy_text(token, "refreshToken", answer, "refreshToken");
    json_object_set_new(token, "expiresAt", json_string(at));
    char *text = json_dumps(token, JSON_COMPACT);
    struct pk_error *ignored = NULL;
    if (!pk_write_file(sso->cache_path, text, strlen(text), 0600, &ignored))
        pk_error_free(ignored);
    pk_secret_free(text);
}

static bool renew(const struct sso *sso, json_t *token, struct pk_error **err) {
    json_t *params = json_object(), *answer = NULL;
    json_object_set_new(params, "grantType", json_string("refresh_token"));
    copy_text(params, "clientId", token, "clientId");
    copy_text(params, "clientSecret", token, "clientSecret");
    copy_text(params, "refreshToken", token, "refreshToken");
    bool ok = json_object_size(params) == 4;
    if (ok) {
        struct pk_aws *oidc = pk_aws_make(sso->shared, sso->region, NULL);
        ok = pk_aws_call(oidc, "sso-oidc", "CreateToken", params, NULL, &answer, err) &&
             json_is_string(json_object_get(answer, "accessToken"));
        pk_aws_free(oidc);
    }
    if (ok)
        save_token(sso, token, answer);
    json_decref(answer);
    json_decref(params);
    return ok;
}

static bool fetch_sso(struct pk_aws_provider *provider, struct pk_aws_creds **ret,
                      struct pk_error **err) {
    const struct sso *sso = (const struct sso *)provider;
    json_t *token = NULL, *result = NULL;
    struct pk_error *why = NULL;
    if (!read_token(sso, &token, err))
        return false;
    bool usable = !expired(sso, token, 0);
    if (sso->refreshable && expired(sso, token, REFRESH_BEFORE_MS))
        usable = renew(sso, token, &why) || usable;
    bool ok = usable || login_needed(sso, why ? why->message : "the login has expired", err);
    pk_error_free(why);
    if (ok) {
        json_t *params = json_object();
        copy_text(params, "accessToken", token, "accessToken");
        json_object_set_new(params, "accountId", json_string(sso->account));
        json_object_set_new(params, "roleName", json_string(sso->role));
        struct pk_aws *client = pk_aws_make(sso->shared, sso->region, NULL);
        ok = pk_aws_call(client, "sso", "GetRoleCredentials", params, NULL, &result, err);
        if (!ok)
            login_needed(sso, "the role's credentials were refused", err);
        pk_aws_free(client);
        json_decref(params);
    }
    if (ok)
        ok = pk_aws_creds_from_json(json_object_get(result, "roleCredentials"), "sessionToken",
                                    provider->source, ret, err);
    json_decref(result);
    json_decref(token);
    return ok;
}

static void free_sso(struct pk_aws_provider *provider) {
    struct sso *sso = (struct sso *)provider;
    free(sso->profile);
    free(sso->account);
    free(sso->role);
    free(sso->region);
    free(sso->cache_path);
    free(sso);
}

static const char *get(const struct pk_aws_shared *shared, const char *profile, const char *key) {
    const char *value = pk_aws_profile_get(shared->profiles, profile, key);
    return value != NULL && value[0] != '\0' ? value : NULL;
}

/* From the session when one is named, else from the profile. */
static bool sso_value(const struct pk_aws_shared *shared, const char *profile, const char *session,
                      const char *key, const char **ret, struct pk_error **err) {
    const char *value = session ? pk_aws_section_get(shared->profiles->sso_sessions, session, key)
                                : get(shared, profile, key);
    if (value != NULL && value[0] != '\0') {
        *ret = value;
        return true;
    }
    if (session != NULL && !pk_map_has(shared->profiles->sso_sessions, session))
        return pk_fail(err, PK_E_CREDENTIALS, "profile \"%s\": there is no [sso-session %s] in %s",
                       profile, session, shared->profiles->config_path);
    return pk_fail(err, PK_E_CREDENTIALS, "%s \"%s\" in %s has no %s",
                   session ? "sso-session" : "profile", session ? session : profile,
                   shared->profiles->config_path, key);
}

static char *token_path(const struct pk_aws_shared *shared, const char *name) {
    char digest[41];
    pk_sha1_hex(name, strlen(name), digest);
    return pk_asprintf("%s/.aws/sso/cache/%s.json", shared->home ? shared->home : "", digest);
}

bool pk_aws_sso_provider(struct pk_aws_shared *shared, const char *profile,
                         struct pk_aws_provider **ret, struct pk_error **err) {
    const char *account = get(shared, profile, "sso_account_id");
    const char *role = get(shared, profile, "sso_role_name");
    const char *session = get(shared, profile, "sso_session");
    const char *start_url = NULL, *region = NULL;
    *ret = NULL;
    if (account == NULL && role == NULL && session == NULL &&
        get(shared, profile, "sso_start_url") == NULL)
        return true;
    if (account == NULL || role == NULL)
        return pk_fail(err, PK_E_CREDENTIALS, "profile \"%s\" in %s uses SSO but has no %s",
                       profile, shared->profiles->config_path,
                       account ? "sso_role_name" : "sso_account_id");
    if (!sso_value(shared, profile, session, "sso_start_url", &start_url, err) ||
        !sso_value(shared, profile, session, "sso_region", &region, err))
        return false;
    pk_assert(start_url != NULL && region != NULL);
    struct sso *sso = pk_calloc(1, sizeof(*sso));
    sso->base = (struct pk_aws_provider){
        fetch_sso, free_sso,
        pk_asprintf("profile \"%s\" in %s: SSO role %s of account %s", profile,
                    shared->profiles->config_path, role, account)};
    sso->shared = shared;
    sso->profile = pk_strdup(profile);
    sso->account = pk_strdup(account);
    sso->role = pk_strdup(role);
    sso->region = pk_strdup(region);
    sso->cache_path = token_path(shared, session ? session : start_url);
    sso->refreshable = session != NULL;
    *ret = &sso->base;
    return true;
}
