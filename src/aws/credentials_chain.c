/* credentials_chain.c - which source of credentials is configured. */
#include "aws/client.h"

#include "base/mem.h"
#include "base/str.h"

#include <stdlib.h>

struct chain {
    struct pk_aws_provider base;
    struct pk_aws_shared *shared; /* borrowed: the client that owns the chain holds a reference */
    struct pk_aws_provider *chosen;
};

/* An env value that must be there because another one is. */
static bool need_env(const struct pk_aws_shared *shared, const char *name, const char *because,
                     const char **ret, struct pk_error **err) {
    *ret = pk_aws_env(shared, name);
    if (*ret != NULL)
        return true;
    return pk_fail(err, PK_E_CREDENTIALS, "%s is set but %s is not", because, name);
}

bool pk_aws_env_provider(struct pk_aws_shared *shared, struct pk_aws_provider **ret,
                         struct pk_error **err) {
    const char *key = pk_aws_env(shared, "AWS_ACCESS_KEY_ID");
    const char *secret = pk_aws_env(shared, "AWS_SECRET_ACCESS_KEY");
    if (key == NULL && secret == NULL) {
        *ret = NULL;
        return true;
    }
    if (!need_env(shared, "AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", &key, err) ||
        !need_env(shared, "AWS_SECRET_ACCESS_KEY", "AWS_ACCESS_KEY_ID", &secret, err))
        return false;
    *ret = pk_aws_static_provider("environment: AWS_ACCESS_KEY_ID", key, secret,
                                  pk_aws_env(shared, "AWS_SESSION_TOKEN"));
    return true;
}

bool pk_aws_keys_provider(struct pk_aws_shared *shared, const char *profile, bool credentials_file,
                          struct pk_aws_provider **ret, struct pk_error **err) {
    const struct pk_aws_profiles *profiles = shared->profiles;
    const struct pk_map *sections = credentials_file ? profiles->credentials : profiles->config;
    const char *path = credentials_file ? profiles->credentials_path : profiles->config_path;
    const char *key = pk_aws_section_get(sections, profile, "aws_access_key_id");
    const char *secret = pk_aws_section_get(sections, profile, "aws_secret_access_key");
    bool has_key = key != NULL && key[0] != '\0', has_secret = secret != NULL && secret[0] != '\0';
    *ret = NULL;
    if (!has_key && !has_secret)
        return true;
    if (!has_key || !has_secret)
        return pk_fail(err, PK_E_CREDENTIALS, "profile \"%s\" in %s has no %s", profile, path,
                       has_key ? "aws_secret_access_key" : "aws_access_key_id");
    PK_CLEANUP(pk_freep)
    char *source = pk_asprintf("profile \"%s\" in %s: aws_access_key_id", profile, path);
    *ret = pk_aws_static_provider(source, key, secret,
                                  pk_aws_section_get(sections, profile, "aws_session_token"));
    return true;
}

static const char *get(const struct pk_aws_shared *shared, const char *profile, const char *key) {
    const char *value = pk_aws_profile_get(shared->profiles, profile, key);
    return value != NULL && value[0] != '\0' ? value : NULL;
}

static bool web_identity_of_profile(struct pk_aws_shared *shared, const char *profile,
                                    struct pk_aws_provider **ret, struct pk_error **err) {
    const char *file = get(shared, profile, "web_identity_token_file");
    const char *role = get(shared, profile, "role_arn");
    if (file == NULL)
        return true;
    if (role == NULL)
        return pk_fail(err, PK_E_CREDENTIALS,
                       "profile \"%s\" in %s has web_identity_token_file but no role_arn", profile,
                       shared->profiles->config_path);
    PK_CLEANUP(pk_freep)
    char *source = pk_asprintf("profile \"%s\": web_identity_token_file %s", profile, file);
    *ret = pk_aws_web_identity_provider(shared, source, file, role,
                                        get(shared, profile, "role_session_name"));
    return true;
}

static bool web_identity_of_env(struct pk_aws_shared *shared, struct pk_aws_provider **ret,
                                struct pk_error **err) {
    const char *file = pk_aws_env(shared, "AWS_WEB_IDENTITY_TOKEN_FILE"), *role;
    if (file == NULL)
        return true;
    if (!need_env(shared, "AWS_ROLE_ARN", "AWS_WEB_IDENTITY_TOKEN_FILE", &role, err))
        return false;
    *ret = pk_aws_web_identity_provider(shared, "environment: AWS_WEB_IDENTITY_TOKEN_FILE", file,
                                        role, pk_aws_env(shared, "AWS_ROLE_SESSION_NAME"));
    return true;
}

/* A role that names no web identity; "source" means source_profile or credential_source. */
static bool role_of_profile(struct pk_aws_shared *shared, const char *profile,
                            const struct pk_aws_visit *from, struct pk_aws_provider **ret,
                            struct pk_error **err) {
    if (get(shared, profile, "role_arn") == NULL ||
        get(shared, profile, "web_identity_token_file") != NULL)
        return true;
    return pk_aws_role_provider(shared, profile, from, ret, err);
}

static bool process_of_profile(struct pk_aws_shared *shared, const char *profile,
                               struct pk_aws_provider **ret) {
    const char *command = get(shared, profile, "credential_process");
    if (command != NULL) {
        PK_CLEANUP(pk_freep)
        char *source = pk_asprintf("profile \"%s\": credential_process", profile);
        *ret = pk_aws_process_provider(source, command);
    }
    return true;
}

bool pk_aws_profile_provider(struct pk_aws_shared *shared, const char *profile,
                             const struct pk_aws_visit *from, struct pk_aws_provider **ret,
                             struct pk_error **err) {
    *ret = NULL;
    bool ok = role_of_profile(shared, profile, from, ret, err);
    if (ok && *ret == NULL)
        ok = web_identity_of_profile(shared, profile, ret, err);
    if (ok && *ret == NULL)
        ok = pk_aws_sso_provider(shared, profile, ret, err);
    if (ok && *ret == NULL)
        ok = pk_aws_keys_provider(shared, profile, true, ret, err);
    if (ok && *ret == NULL)
        ok = process_of_profile(shared, profile, ret);
    if (ok && *ret == NULL)
        ok = pk_aws_keys_provider(shared, profile, false, ret, err);
    return ok;
}

/* The order of the SDKs; a profile's web identity stands behind that of the environment. */
static bool choose(struct pk_aws_shared *shared, struct pk_aws_provider **ret,
                   struct pk_error **err) {
    *ret = NULL;
    if (shared->access_key_id != NULL) {
        if (shared->secret_access_key == NULL)
            return pk_fail(err, PK_E_CREDENTIALS,
                           "an access key id is configured without its secret access key");
        *ret = pk_aws_static_provider("configuration", shared->access_key_id,
                                      shared->secret_access_key, shared->session_token);
        return true;
    }
    bool ok = shared->profile_is_explicit || pk_aws_env_provider(shared, ret, err);
    if (ok && *ret == NULL)
        ok = role_of_profile(shared, shared->profile, NULL, ret, err);
    if (ok && *ret == NULL && !shared->profile_is_explicit)
        ok = web_identity_of_env(shared, ret, err);
    if (ok && *ret == NULL)
        ok = pk_aws_profile_provider(shared, shared->profile, NULL, ret, err);
    if (ok && *ret == NULL)
        ok = pk_aws_container_provider(shared, ret, err);
    if (ok && *ret == NULL)
        ok = pk_aws_imds_provider(shared, ret, err);
    return ok;
}

static bool none_found(const struct pk_aws_shared *shared, struct pk_error **err) {
    if (err != NULL && *err != NULL) {
        struct pk_error *cause = *err;
        *err = NULL;
        pk_fail(err, PK_E_CREDENTIALS, "no AWS credentials were found");
        (*err)->cause = cause;
    } else {
        pk_fail(err, PK_E_CREDENTIALS, "no AWS credentials were found");
    }
    pk_error_detail(err,
                    "Looked at the environment (AWS_ACCESS_KEY_ID, AWS_WEB_IDENTITY_TOKEN_FILE), "
                    "profile \"%s\" in %s and %s, the container and the instance metadata service.",
                    shared->profile, shared->profiles->config_path,
                    shared->profiles->credentials_path);
    return pk_error_hint(err, "run `aws configure`, `aws sso login`, or set AWS_PROFILE");
}

static bool fetch_chain(struct pk_aws_provider *provider, struct pk_aws_creds **ret,
                        struct pk_error **err) {
    struct chain *chain = (struct chain *)provider;
    struct pk_aws_provider *chosen = chain->chosen;
    if (chosen == NULL) {
        if (!choose(chain->shared, &chosen, err))
            return false;
        if (chosen == NULL)
            return none_found(chain->shared, err);
    }
    bool ok = chosen->fetch(chosen, ret, err);
    if (chain->chosen == NULL && ok) {
        chain->chosen = chosen;
        free(provider->source);
        provider->source = pk_strdup(chosen->source);
    } else if (chain->chosen == NULL) {
        /* Metadata is what is left when nothing is configured. */
        bool last = pk_starts_with(chosen->source, "instance metadata");
        pk_aws_provider_free(chosen);
        return last ? none_found(chain->shared, err) : false;
    }
    return ok;
}

static void free_chain(struct pk_aws_provider *provider) {
    struct chain *chain = (struct chain *)provider;
    pk_aws_provider_free(chain->chosen);
    free(chain);
}

struct pk_aws_provider *pk_aws_chain_provider(struct pk_aws_shared *shared) {
    struct chain *chain = pk_calloc(1, sizeof(*chain));
    chain->base = (struct pk_aws_provider){fetch_chain, free_chain, pk_strdup("not yet used")};
    chain->shared = shared;
    return &chain->base;
}
