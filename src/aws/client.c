/* client.c - clients and the settings they are made from. */
#include "aws/client.h"
#include "aws/endpoint.h"

#include "base/fs.h"
#include "base/hash.h"
#include "base/mem.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>

#define DEFAULT_ATTEMPTS 3

static const char *process_env(void *ctx PK_UNUSED, const char *name) {
    return getenv(name);
}

const char *pk_aws_env(const struct pk_aws_shared *shared, const char *name) {
    const char *value = shared->config.getenv(shared->config.getenv_ctx, name);
    return value != NULL && value[0] != '\0' ? value : NULL;
}

const char *pk_aws_profile_setting(const struct pk_aws_shared *shared, const char *key) {
    const char *value = pk_aws_profile_get(shared->profiles, shared->profile, key);
    return value != NULL && value[0] != '\0' ? value : NULL;
}

const char *pk_aws_setting(const struct pk_aws_shared *shared, const char *variable,
                           const char *key) {
    const char *value = pk_aws_env(shared, variable);
    return value ? value : pk_aws_profile_setting(shared, key);
}

bool pk_aws_truth(const char *text) {
    return pk_strieq(text, "true") || pk_streq(text, "1") || pk_strieq(text, "yes");
}

static char *copy(const char *text) {
    return text != NULL && text[0] != '\0' ? pk_strdup(text) : NULL;
}

/* "~/x" with the home folder in place of "~". */
static char *expand_home(const struct pk_aws_shared *shared, const char *path) {
    if (path[0] == '~' && (path[1] == '/' || path[1] == '\0') && shared->home != NULL)
        return pk_asprintf("%s%s", shared->home, path + 1);
    return pk_strdup(path);
}

static char *file_path(const struct pk_aws_shared *shared, const char *variable,
                       const char *fallback) {
    const char *path = pk_aws_env(shared, variable);
    return expand_home(shared, path ? path : fallback);
}

static bool read_profiles(struct pk_aws_shared *shared, struct pk_error **err) {
    const char *home = pk_aws_env(shared, "HOME");
    shared->home = home ? pk_strdup(home) : pk_home_dir();
    char *config = file_path(shared, "AWS_CONFIG_FILE", "~/.aws/config");
    char *credentials = file_path(shared, "AWS_SHARED_CREDENTIALS_FILE", "~/.aws/credentials");
    shared->profiles = pk_aws_profiles_new(config, credentials);
    free(config);
    free(credentials);
    return pk_aws_profiles_read(shared->profiles, err);
}

static void choose_profile(struct pk_aws_shared *shared, const struct pk_aws_config *config) {
    const char *profile = config->profile;
    shared->profile_is_explicit = profile != NULL && profile[0] != '\0';
    if (!shared->profile_is_explicit)
        profile = pk_aws_env(shared, "AWS_PROFILE");
    if (profile == NULL)
        profile = pk_aws_env(shared, "AWS_DEFAULT_PROFILE");
    shared->profile_is_named = profile != NULL;
    shared->profile = pk_strdup(profile ? profile : "default");
}

static bool read_attempts(struct pk_aws_shared *shared, const struct pk_aws_config *config,
                          struct pk_error **err) {
    const char *text = pk_aws_setting(shared, "AWS_MAX_ATTEMPTS", "max_attempts");
    int64_t number = DEFAULT_ATTEMPTS;
    if (config->max_attempts > 0)
        number = config->max_attempts;
    else if (text != NULL && (!pk_parse_i64(pk_str(text), &number) || number < 1 || number > 100))
        return pk_fail(err, PK_E_CONFIG, "AWS_MAX_ATTEMPTS (max_attempts) must be 1 to 100, not %s",
                       text);
    shared->max_attempts = (int)number;
    return true;
}

static bool read_settings(struct pk_aws_shared *shared, const struct pk_aws_config *config,
                          struct pk_error **err) {
    if (!read_profiles(shared, err))
        return false;
    choose_profile(shared, config);
    const char *region = config->region;
    if (region == NULL || region[0] == '\0')
        region = pk_aws_env(shared, "AWS_REGION");
    if (region == NULL)
        region = pk_aws_setting(shared, "AWS_DEFAULT_REGION", "region");
    shared->region = pk_strdup(region ? region : "");
    if (pk_aws_truth(pk_aws_setting(shared, "AWS_USE_FIPS_ENDPOINT", "use_fips_endpoint")))
        shared->variant |= PK_AWS_FIPS;
    if (pk_aws_truth(
            pk_aws_setting(shared, "AWS_USE_DUALSTACK_ENDPOINT", "use_dualstack_endpoint")))
        shared->variant |= PK_AWS_DUAL_STACK;
    shared->ignore_endpoints = pk_aws_truth(pk_aws_setting(
        shared, "AWS_IGNORE_CONFIGURED_ENDPOINT_URLS", "ignore_configured_endpoint_urls"));
    const char *bundle = pk_aws_setting(shared, "AWS_CA_BUNDLE", "ca_bundle");
    shared->ca_bundle = bundle ? expand_home(shared, bundle) : NULL;
    return read_attempts(shared, config, err);
}

static struct pk_aws_shared *new_shared(const struct pk_aws_config *config) {
    struct pk_aws_shared *shared = pk_calloc(1, sizeof(*shared));
    atomic_init(&shared->refs, 1);
    pthread_mutex_init(&shared->lock, NULL);
    shared->config = *config;
    if (config->getenv == NULL)
        shared->config.getenv = process_env;
    shared->clock = config->clock ? config->clock : pk_clock_system();
    shared->endpoint_url = copy(config->endpoint_url);
    shared->access_key_id = copy(config->access_key_id);
    shared->secret_access_key = copy(config->secret_access_key);
    shared->session_token = copy(config->session_token);
    shared->bucket_regions = pk_map_new();
    shared->quotas = pk_map_new();
    return shared;
}

struct pk_aws_shared *pk_aws_shared_ref(struct pk_aws_shared *shared) {
    atomic_fetch_add(&shared->refs, 1);
    return shared;
}

static void free_values(struct pk_map *map, void (*release)(void *value)) {
    size_t cursor = 0;
    const char *key;
    void *value;
    while (pk_map_next(map, &cursor, &key, &value))
        release(value);
    pk_map_free(map);
}

static void release_quota(void *quota) {
    pk_aws_quota_free(quota);
}

void pk_aws_shared_unref(struct pk_aws_shared *shared) {
    if (atomic_fetch_sub(&shared->refs, 1) != 1)
        return;
    pk_http_free(shared->http);
    free_values(shared->bucket_regions, free);
    free_values(shared->quotas, release_quota);
    pk_aws_profiles_free(shared->profiles);
    free(shared->region);
    free(shared->profile);
    free(shared->endpoint_url);
    free(shared->access_key_id);
    pk_secret_free(shared->secret_access_key);
    pk_secret_free(shared->session_token);
    free(shared->ca_bundle);
    free(shared->home);
    pthread_mutex_destroy(&shared->lock);
    free(shared);
}

struct pk_aws *pk_aws_make(struct pk_aws_shared *shared, const char *region,
                           struct pk_aws_cached *creds) {
    struct pk_aws *aws = pk_calloc(1, sizeof(*aws));
    aws->shared = pk_aws_shared_ref(shared);
    aws->region = pk_strdup(region);
    aws->creds = creds;
    pthread_mutex_init(&aws->lock, NULL);
    return aws;
}

bool pk_aws_new(const struct pk_aws_config *config, struct pk_aws **ret, struct pk_error **err) {
    struct pk_aws_shared *shared = new_shared(config);
    bool ok = read_settings(shared, config, err);
    if (ok && shared->profile_is_named &&
        !pk_aws_profile_exists(shared->profiles, shared->profile) &&
        shared->access_key_id == NULL) {
        pk_fail(err, PK_E_CREDENTIALS, "there is no AWS profile \"%s\" in %s or %s",
                shared->profile, shared->profiles->config_path, shared->profiles->credentials_path);
        ok = pk_error_hint(err, "`aws configure list-profiles` shows those there are");
    }
    if (ok) {
        struct pk_aws_provider *chain = pk_aws_chain_provider(shared);
        *ret = pk_aws_make(shared, shared->region, pk_aws_cached_new(chain, shared->clock));
    }
    pk_aws_shared_unref(shared);
    return ok;
}

bool pk_aws_for_region(struct pk_aws *aws, const char *region, struct pk_aws **ret,
                       struct pk_error **err PK_UNUSED) {
    *ret = pk_aws_make(aws->shared, region, pk_aws_cached_ref(aws->creds));
    return true;
}

bool pk_aws_assume_role(struct pk_aws *aws, const char *role_arn, const char *session_name,
                        const char *external_id, int duration_s, struct pk_aws **ret,
                        struct pk_error **err PK_UNUSED) {
    struct pk_aws_role role = {
        .role_arn = role_arn,
        .session_name = session_name,
        .external_id = external_id,
        .duration_s = duration_s,
    };
    PK_CLEANUP(pk_freep) char *source = pk_asprintf("role %s", role_arn);
    struct pk_aws_provider *provider =
        pk_aws_assume_provider(aws->shared, source, pk_aws_cached_ref(aws->creds), &role);
    *ret = pk_aws_make(aws->shared, aws->region, pk_aws_cached_new(provider, aws->shared->clock));
    return true;
}

void pk_aws_free(struct pk_aws *aws) {
    if (aws == NULL)
        return;
    if (aws->creds != NULL)
        pk_aws_cached_unref(aws->creds);
    pk_aws_shared_unref(aws->shared);
    pthread_mutex_destroy(&aws->lock);
    free(aws->region);
    free(aws->account);
    free(aws->arn);
    free(aws);
}

void pk_aws_freep(struct pk_aws **aws) {
    pk_aws_free(*aws);
}

const char *pk_aws_region(const struct pk_aws *aws) {
    return aws->region;
}

bool pk_aws_http(struct pk_aws_shared *shared, struct pk_http **ret, struct pk_error **err) {
    if (shared->config.http != NULL) {
        *ret = shared->config.http;
        return true;
    }
    struct pk_http_config config = {
        .ca_bundle = shared->ca_bundle,
        .user_agent = "panka",
        .allow_plain_http_metadata = true,
    };
    pthread_mutex_lock(&shared->lock);
    bool ok = shared->http != NULL || pk_http_curl_new(&config, &shared->http, err);
    *ret = shared->http;
    pthread_mutex_unlock(&shared->lock);
    return ok;
}

/* "Elastic Load Balancing v2" -> "ELASTIC_LOAD_BALANCING_V2", or in lower case. */
static char *service_key(const struct pk_aws_service *service, const char *prefix,
                         int (*convert)(int)) {
    char *key = pk_asprintf("%s%s", prefix, pk_aws_text(service, service->service_id));
    for (char *c = key + strlen(prefix); *c != '\0'; c++)
        *c = (char)(*c == ' ' ? '_' : convert((unsigned char)*c));
    return key;
}

char *pk_aws_custom_endpoint(const struct pk_aws_shared *shared,
                             const struct pk_aws_service *service) {
    if (shared->endpoint_url != NULL)
        return pk_strdup(shared->endpoint_url);
    if (shared->ignore_endpoints)
        return NULL;
    PK_CLEANUP(pk_freep) char *variable = service_key(service, "AWS_ENDPOINT_URL_", toupper);
    const char *url = pk_aws_env(shared, variable);
    if (url == NULL)
        url = pk_aws_env(shared, "AWS_ENDPOINT_URL");
    if (url != NULL)
        return pk_strdup(url);
    const char *services = pk_aws_profile_setting(shared, "services");
    PK_CLEANUP(pk_freep) char *key = service_key(service, "", tolower);
    const char *nested =
        services ? pk_aws_section_get(shared->profiles->services, services, key) : NULL;
    char *own = nested ? pk_aws_nested_get(nested, "endpoint_url") : NULL;
    if (own != NULL && own[0] != '\0')
        return own;
    free(own);
    return copy(pk_aws_profile_setting(shared, "endpoint_url"));
}

int64_t pk_aws_shared_time_ms(const struct pk_aws_shared *shared) {
    return pk_wall_ms(shared->clock) + atomic_load(&shared->skew_ms);
}

int64_t pk_aws_server_time_ms(struct pk_aws *aws) {
    return pk_aws_shared_time_ms(aws->shared);
}

char *pk_aws_bucket_region(struct pk_aws_shared *shared, const char *bucket) {
    pthread_mutex_lock(&shared->lock);
    char *region = copy(pk_map_get(shared->bucket_regions, bucket));
    pthread_mutex_unlock(&shared->lock);
    return region;
}

void pk_aws_set_bucket_region(struct pk_aws_shared *shared, const char *bucket,
                              const char *region) {
    pthread_mutex_lock(&shared->lock);
    free(pk_map_set(shared->bucket_regions, bucket, pk_strdup(region)));
    pthread_mutex_unlock(&shared->lock);
}

struct pk_aws_quota *pk_aws_quota_of(struct pk_aws_shared *shared, const char *service) {
    pthread_mutex_lock(&shared->lock);
    struct pk_aws_quota *quota = pk_map_get(shared->quotas, service);
    if (quota == NULL) {
        quota = pk_aws_quota_new();
        pk_map_set(shared->quotas, service, quota);
    }
    pthread_mutex_unlock(&shared->lock);
    return quota;
}

void pk_aws_pause(const struct pk_aws_shared *shared, int64_t ms, const struct pk_cancel *cancel) {
    const int64_t slice = 50;
    if (shared->config.sleep_ms != NULL) {
        shared->config.sleep_ms(shared->config.sleep_ctx, ms);
        return;
    }
    while (ms > 0 && pk_cancel_level(cancel) < PK_CANCEL_NOW) {
        pk_sleep_ms(ms < slice ? ms : slice);
        ms -= slice;
    }
}

char *pk_aws_credentials_source(struct pk_aws *aws) {
    return pk_aws_cached_source(aws->creds);
}

void pk_aws_get_stats(struct pk_aws *aws, struct pk_aws_stats *ret) {
    struct pk_aws_shared *shared = aws->shared;
    *ret = (struct pk_aws_stats){
        .calls = atomic_load(&shared->calls),
        .attempts = atomic_load(&shared->attempts),
        .retries = atomic_load(&shared->retries),
        .throttles = atomic_load(&shared->throttles),
        .bytes_sent = atomic_load(&shared->bytes_sent),
        .bytes_received = atomic_load(&shared->bytes_received),
    };
}

bool pk_aws_has_operation(const char *service, const char *operation) {
    const struct pk_aws_service *found = pk_aws_service_find(service);
    return found != NULL && pk_aws_operation_find(found, operation) != NULL;
}

bool pk_aws_is_read_only(const char *operation) {
    static const char *const prefixes[] = {"Describe", "Get",      "List",    "Head", "BatchGet",
                                           "Lookup",   "Filter",   "Query",   "Scan", "Search",
                                           "Simulate", "Validate", "Discover"};
    for (size_t i = 0; i < PK_ARRAY_LEN(prefixes); i++) {
        if (pk_starts_with(operation, prefixes[i]))
            return true;
    }
    return false;
}
