/* test_credentials.c - where credentials come from: the public chain cases and our own. */
#include "fake.h"

#include "aws/client.h"
#include "base/fs.h"

#include <ftw.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

static void read_text(const char *folder, const char *name, struct pk_buf *ret) {
    PK_CLEANUP(pk_freep) char *path = pk_path_join(folder, name);
    struct pk_error *err = NULL;
    if (!pk_read_file(path, 1 << 20, ret, &err))
        fail_msg("%s", err->message);
}

static json_t *read_json(const char *folder, const char *name) {
    struct pk_buf text;
    read_text(folder, name, &text);
    json_t *root = json_loadb(pk_buf_cstr(&text), text.len, 0, NULL);
    assert_non_null(root);
    pk_buf_release(&text);
    return root;
}

/* The cases have a file system of their own: it is copied under `root`, and absolute paths in its
 * files are made to point there. */
static char *rerooted(const char *text, const char *root) {
    static const char *const paths[] = {"/token.jwt", "/home"};
    struct pk_buf buf;
    pk_buf_init(&buf, 1 << 20);
    while (*text != '\0') {
        size_t i = 0;
        while (i < PK_ARRAY_LEN(paths) && !pk_starts_with(text, paths[i]))
            i++;
        if (i < PK_ARRAY_LEN(paths)) {
            pk_buf_addf(&buf, "%s%s", root, paths[i]);
            text += strlen(paths[i]);
        } else {
            pk_buf_addc(&buf, *text++);
        }
    }
    return pk_buf_steal(&buf);
}

static void copy_tree(const char *from, const char *to, const char *root) {
    struct pk_vec names = PK_VEC_INIT;
    if (!pk_path_exists(from))
        return;
    assert_true(pk_mkdir_p(to, 0700, NULL));
    assert_true(pk_list_dir(from, 100, &names, NULL));
    for (size_t i = 0; i < names.len; i++) {
        PK_CLEANUP(pk_freep) char *source = pk_path_join(from, names.items[i]);
        PK_CLEANUP(pk_freep) char *target = pk_path_join(to, names.items[i]);
        if (pk_is_dir(source)) {
            copy_tree(source, target, root);
            continue;
        }
        struct pk_buf text;
        read_text(from, names.items[i], &text);
        char *changed = rerooted(pk_buf_cstr(&text), root);
        assert_true(pk_write_file(target, changed, strlen(changed), 0600, NULL));
        free(changed);
        pk_buf_release(&text);
    }
    pk_names_release(&names);
}

static int remove_one(const char *path, const struct stat *info PK_UNUSED, int type PK_UNUSED,
                      struct FTW *place PK_UNUSED) {
    return remove(path);
}

/* Recorded traffic: requests to expect, replies to play. Strings live in `traffic`. */
struct expected {
    const char *method, *uri;
};

static size_t script(struct fake *fake, const json_t *traffic, struct expected *ret) {
    size_t n = 0, i;
    json_t *event, *values;
    struct fake_reply reply = {0};
    static char headers[FAKE_MAX][512];
    json_array_foreach(json_object_get(traffic, "events"), i, event) {
        const json_t *action = json_object_get(event, "action");
        const json_t *request = json_object_get(json_object_get(action, "Request"), "request");
        const json_t *response =
            json_object_get(json_object_get(json_object_get(action, "Response"), "response"), "Ok");
        const json_t *data = json_object_get(action, "Data");
        const json_t *end = json_object_get(action, "Eof");
        const char *key;
        if (request != NULL)
            ret[n] = (struct expected){json_string_value(json_object_get(request, "method")),
                                       json_string_value(json_object_get(request, "uri"))};
        if (response != NULL) {
            reply = (struct fake_reply){
                .status = (int)json_integer_value(json_object_get(response, "status")),
                .headers = headers[n]};
            headers[n][0] = '\0';
            json_object_foreach(json_object_get(response, "headers"), key, values) {
                /* The clock of the recording is not ours. */
                if (pk_strieq(key, "date"))
                    continue;
                size_t len = strlen(headers[n]);
                snprintf(headers[n] + len, sizeof(headers[n]) - len, "%s: %s\n", key,
                         json_string_value(json_array_get(values, 0)));
            }
        }
        if (data && pk_streq(json_string_value(json_object_get(data, "direction")), "Response"))
            reply.body = json_string_value(json_object_get(json_object_get(data, "data"), "Utf8"));
        if (end && pk_streq(json_string_value(json_object_get(end, "direction")), "Response")) {
            fake_reply(fake, reply);
            n++;
        }
    }
    return n;
}

static void expect_text(const char *name, const char *what, const char *actual,
                        const json_t *expected) {
    if (expected != NULL && !pk_streq(actual, json_string_value(expected)))
        fail_msg("%s: %s is %s, not %s", name, what, actual ? actual : "NULL",
                 json_string_value(expected));
}

/* Same URL; the order of query parameters may differ. */
static bool same_uri(const char *a, const char *b) {
    size_t path = strcspn(a, "?");
    size_t len_a = strlen(a), len_b = strlen(b);
    bool slash = len_a == len_b + 1 && a[len_a - 1] == '/';
    return strncmp(a, b, path < len_b ? path : len_b) == 0 && (len_a == len_b || slash);
}

static void run_chain(const char *folder, const char *name, const char *profile) {
    char root[] = "/tmp/panka-test-XXXXXX";
    const char *env[64] = {0}, *key;
    size_t n = 0;
    json_t *value;
    json_t *variables = read_json(folder, "env.json");
    json_t *traffic = read_json(folder, "http-traffic.json");
    json_t *test = read_json(folder, "test-case.json");
    assert_non_null(mkdtemp(root));
    PK_CLEANUP(pk_freep) char *fs = pk_path_join(folder, "fs");
    copy_tree(fs, root, root);
    json_object_foreach(variables, key, value) {
        env[n++] = key;
        env[n++] = rerooted(json_string_value(value), root);
    }
    struct fake fake;
    struct expected expected[FAKE_MAX];
    fake_init(&fake, env);
    fake.now_ms = 1628189882000; /* 2021-08-05T18:58:02Z, the time of the recordings */
    size_t n_expected = script(&fake, traffic, expected);
    const json_t *result = json_object_get(test, "result");
    const json_t *good = json_object_get(result, "Ok");
    struct pk_aws_config config = fake_config(&fake);
    config.profile = profile;
    struct pk_aws *aws = NULL;
    struct pk_aws_creds *creds = NULL;
    struct pk_error *err = NULL;
    bool ok = pk_aws_new(&config, &aws, &err) && pk_aws_cached_get(aws->creds, &creds, &err);
    if (ok != (good != NULL))
        fail_msg("%s: %s", name, ok ? "no error" : err->message);
    if (ok) {
        expect_text(name, "key", creds->access_key_id, json_object_get(good, "access_key_id"));
        expect_text(name, "secret", creds->secret_access_key,
                    json_object_get(good, "secret_access_key"));
        expect_text(name, "token", creds->session_token, json_object_get(good, "session_token"));
        int64_t expiry = json_integer_value(json_object_get(good, "expiry"));
        if (creds->expires_ms / 1000 != expiry)
            fail_msg("%s: expires %lld", name, (long long)creds->expires_ms);
        for (size_t i = 0; i < n_expected; i++) {
            if (i >= fake.n_requests || !pk_streq(expected[i].method, fake.requests[i].method) ||
                !same_uri(fake.requests[i].url, expected[i].uri))
                fail_msg("%s: request %zu is %s, not %s", name, i,
                         i < fake.n_requests ? fake.requests[i].url : "missing", expected[i].uri);
        }
        assert_int_equal(fake.n_requests, n_expected);
    } else {
        assert_true(err->code == PK_E_CREDENTIALS || err->code == PK_E_AWS ||
                    err->code == PK_E_NOT_FOUND);
    }
    pk_aws_creds_unref(creds);
    pk_error_free(err);
    pk_aws_free(aws);
    fake_release(&fake);
    for (size_t i = 1; i < n; i += 2)
        free((void *)(uintptr_t)env[i]);
    json_decref(variables);
    json_decref(traffic);
    json_decref(test);
    nftw(root, remove_one, 16, FTW_DEPTH | FTW_PHYS);
}

static const char *vectors_or_skip(void) {
    const char *vectors = getenv("PANKA_VECTORS");
    if (vectors == NULL) {
        print_message("skipped: PANKA_VECTORS is not set\n");
        skip();
    }
    return vectors;
}

static void test_chain_vectors(void **state) {
    (void)state;
    static const char *const groups[] = {"default-credential-provider-chain", "profile-provider"};
    const char *vectors = vectors_or_skip();
    size_t run = 0;
    for (size_t g = 0; g < PK_ARRAY_LEN(groups); g++) {
        struct pk_vec names = PK_VEC_INIT;
        PK_CLEANUP(pk_freep)
        char *group = pk_asprintf("%s/credentials/chain/%s", vectors, groups[g]);
        assert_true(pk_list_dir(group, 100, &names, NULL));
        for (size_t i = 0; i < names.len; i++, run++) {
            PK_CLEANUP(pk_freep) char *folder = pk_path_join(group, names.items[i]);
            /* The second group is about profiles alone: one is chosen, so keys in the environment
             * do not count. */
            run_chain(folder, names.items[i], g == 1 ? "default" : NULL);
        }
        pk_names_release(&names);
    }
    print_message("%zu cases\n", run);
}

/* A client whose config file has this text; remove *ret_path afterwards. */
static struct pk_aws *client_with(struct fake *fake, const char **env, const char *config_text,
                                  char *path) {
    int fd = mkstemp(path);
    assert_true(fd >= 0);
    assert_int_equal(write(fd, config_text, strlen(config_text)), (ssize_t)strlen(config_text));
    close(fd);
    env[0] = "AWS_CONFIG_FILE";
    env[1] = path;
    env[2] = "HOME";
    env[3] = "/nonexistent";
    fake_init(fake, env);
    struct pk_aws_config config = fake_config(fake);
    config.profile = "A";
    struct pk_aws *aws = NULL;
    assert_true(pk_aws_new(&config, &aws, NULL));
    return aws;
}

static void write_section(struct pk_buf *text, const char *kind, const char *name,
                          const json_t *values) {
    const char *key;
    json_t *value;
    pk_buf_addf(text, "[%s %s]\nregion = us-east-1\n", kind, name);
    json_object_foreach((json_t *)values, key, value)
        pk_buf_addf(text, "%s = %s\n", key, json_string_value(value));
}

/* The public cases for profiles that assume roles: whether the profile is good, and how many steps
 * the chain of roles has. */
static void test_role_vectors(void **state) {
    (void)state;
    json_t *root = read_json(vectors_or_skip(), "credentials/assume-role-tests.json"), *test,
           *value;
    size_t i;
    json_array_foreach(root, i, test) {
        const json_t *input = json_object_get(test, "input");
        const json_t *chain = json_object_get(json_object_get(test, "output"), "ProfileChain");
        struct pk_buf text;
        const char *env[8] = {0}, *name;
        char path[] = "/tmp/panka-test-XXXXXX";
        struct fake fake;
        pk_buf_init(&text, 1 << 16);
        json_object_foreach(json_object_get(input, "profiles"), name, value)
            write_section(&text, "profile", name, value);
        json_object_foreach(json_object_get(input, "sso_sessions"), name, value)
            write_section(&text, "sso-session", name, value);
        struct pk_aws *aws = client_with(&fake, env, pk_buf_cstr(&text), path);
        struct pk_aws_provider *provider = NULL;
        struct pk_error *err = NULL;
        bool ok = pk_aws_profile_provider(aws->shared, "A", NULL, &provider, &err);
        const char *docs = json_string_value(json_object_get(test, "docs"));
        /* A bare SSO session gives a bearer token, which no AWS API here takes. */
        bool token_only = pk_streq(docs, "SSO token profile selected");
        if (ok != (chain != NULL && !token_only))
            fail_msg("%s: %s", docs, ok ? "no error" : err->message);
        if (!ok)
            assert_int_equal(err->code, PK_E_CREDENTIALS);
        size_t roles = 0;
        for (const char *c = ok ? provider->source : ""; (c = strstr(c, ": role_arn ")); c++)
            roles++;
        if (ok && strstr(provider->source, "web_identity") == NULL &&
            strstr(provider->source, "SSO") == NULL)
            assert_int_equal(roles + 1, json_array_size(chain));
        pk_aws_provider_free(provider);
        pk_error_free(err);
        pk_aws_free(aws);
        fake_release(&fake);
        unlink(path);
        pk_buf_release(&text);
    }
    print_message("%zu cases\n", i);
    json_decref(root);
}

static const char role_answer[] =
    "<AssumeRoleResponse><AssumeRoleResult><Credentials><AccessKeyId>%s</AccessKeyId>"
    "<SecretAccessKey>s</SecretAccessKey><SessionToken>t</SessionToken>"
    "<Expiration>%s</Expiration></Credentials></AssumeRoleResult></AssumeRoleResponse>";

static void test_refresh_before_expiry(void **state) {
    (void)state;
    struct fake fake;
    char first[512], second[512];
    fake_init(&fake, fake_keys);
    struct pk_aws *aws = fake_client(&fake), *role = NULL;
    assert_true(pk_aws_assume_role(aws, "arn:aws:iam::1:role/r", "me", "ext", 900, &role, NULL));
    snprintf(first, sizeof(first), role_answer, "FIRST", "2026-01-01T01:00:00Z");
    snprintf(second, sizeof(second), role_answer, "SECOND", "2026-01-01T02:00:00Z");
    struct pk_aws_creds *creds = NULL;
    fake_reply(&fake, (struct fake_reply){.status = 200, .body = first});
    assert_true(pk_aws_cached_get(role->creds, &creds, NULL));
    assert_string_equal(creds->access_key_id, "FIRST");
    assert_non_null(strstr(fake.requests[0].body, "&RoleSessionName=me&ExternalId=ext&Dur"));
    pk_aws_creds_unref(creds);
    /* Five minutes before the end a refresh is tried; that it fails does not matter yet. */
    fake.now_ms += 56 * 60 * 1000;
    fake_reply(&fake, (struct fake_reply){.status = 400});
    assert_true(pk_aws_cached_get(role->creds, &creds, NULL));
    assert_string_equal(creds->access_key_id, "FIRST");
    pk_aws_creds_unref(creds);
    assert_int_equal(fake.n_requests, 2);
    fake.now_ms += 60 * 1000;
    fake_reply(&fake, (struct fake_reply){.status = 200, .body = second});
    assert_true(pk_aws_cached_get(role->creds, &creds, NULL));
    assert_string_equal(creds->access_key_id, "SECOND");
    pk_aws_creds_unref(creds);
    pk_aws_free(role);
    pk_aws_free(aws);
    fake_release(&fake);
}

static void test_expired_token_is_renewed_once(void **state) {
    (void)state;
    struct fake fake;
    char first[512], second[512];
    struct pk_error *err = NULL;
    fake_init(&fake, fake_keys);
    struct pk_aws *aws = fake_client(&fake), *role = NULL;
    assert_true(pk_aws_assume_role(aws, "arn:aws:iam::1:role/r", "me", NULL, 0, &role, NULL));
    snprintf(first, sizeof(first), role_answer, "FIRST", "2026-01-01T01:00:00Z");
    snprintf(second, sizeof(second), role_answer, "SECOND", "2026-01-01T01:00:00Z");
    static const char expired[] = "{\"__type\":\"ExpiredTokenException\"}";
    fake_reply(&fake, (struct fake_reply){.status = 200, .body = first});
    fake_reply(&fake, (struct fake_reply){.status = 400, .body = expired});
    fake_reply(&fake, (struct fake_reply){.status = 200, .body = second});
    fake_reply(&fake, (struct fake_reply){.status = 200, .body = "{}"});
    assert_true(pk_aws_call(role, "sqs", "ListQueues", NULL, NULL, NULL, NULL));
    assert_non_null(
        strstr(pk_headers_get(&fake.requests[3].headers, "Authorization"), "Credential=SECOND/"));
    fake_reply(&fake, (struct fake_reply){.status = 400, .body = expired});
    fake_reply(&fake, (struct fake_reply){.status = 200, .body = first});
    fake_reply(&fake, (struct fake_reply){.status = 400, .body = expired});
    assert_false(pk_aws_call(role, "sqs", "ListQueues", NULL, NULL, NULL, &err));
    assert_int_equal(err->code, PK_E_CREDENTIALS);
    assert_int_equal(fake.n_requests, 7);
    pk_error_free(err);
    pk_aws_free(role);
    pk_aws_free(aws);
    fake_release(&fake);
}

static bool give_code(void *ctx, const char *serial, char **ret_code) {
    *(const char **)ctx = serial;
    *ret_code = pk_strdup("123456");
    return true;
}

static void test_mfa(void **state) {
    (void)state;
    static const char text[] = "[profile A]\nregion = us-east-1\nrole_arn = arn:r\n"
                               "source_profile = B\nmfa_serial = arn:mfa/me\n"
                               "[profile B]\naws_access_key_id = k\naws_secret_access_key = s\n";
    const char *env[8] = {0};
    char path[] = "/tmp/panka-test-XXXXXX";
    struct fake fake;
    struct pk_error *err = NULL;
    struct pk_aws_creds *creds = NULL;
    struct pk_aws *aws = client_with(&fake, env, text, path);
    assert_false(pk_aws_cached_get(aws->creds, &creds, &err));
    assert_non_null(strstr(err->message, "arn:mfa/me"));
    pk_error_free(err);
    assert_int_equal(fake.n_requests, 0);
    pk_aws_free(aws);
    struct pk_aws_config config = fake_config(&fake);
    const char *asked = NULL;
    config.profile = "A";
    config.mfa_prompt = give_code;
    config.mfa_ctx = &asked;
    char answer[512];
    snprintf(answer, sizeof(answer), role_answer, "FIRST", "2026-01-01T01:00:00Z");
    fake_reply(&fake, (struct fake_reply){.status = 200, .body = answer});
    assert_true(pk_aws_new(&config, &aws, NULL));
    assert_true(pk_aws_cached_get(aws->creds, &creds, NULL));
    assert_non_null(strstr(fake.requests[0].body, "SerialNumber=arn%3Amfa%2Fme&TokenCode=123456"));
    pk_aws_creds_unref(creds);
    pk_aws_free(aws);
    fake_release(&fake);
    unlink(path);
}

/* What is configured wrongly is an error that names it, not a reason to look further. */
static void test_errors_name_the_source(void **state) {
    (void)state;
    static const struct {
        const char *text, *variable, *value, *message;
    } cases[] = {
        {"[profile A]\naws_access_key_id = k\n", NULL, NULL, "no aws_secret_access_key"},
        {"[profile A]\nrole_arn = r\nsource_profile = X\n", NULL, NULL,
         "source_profile \"X\" does not exist"},
        {"[profile A]\nrole_arn = r\ncredential_source = Moon\n", NULL, NULL,
         "credential_source must be"},
        {"[profile A]\nsso_session = s\nsso_account_id = 1\nsso_role_name = r\n", NULL, NULL,
         "there is no [sso-session s]"},
        {"[profile A]\nsso_start_url = u\nsso_account_id = 1\n", NULL, NULL, "no sso_role_name"},
        {"[profile A]\ncredential_process = echo '{}'\n", NULL, NULL, "Version 1"},
        {"[profile A]\nx = y\n", "AWS_CONTAINER_CREDENTIALS_FULL_URI", "http://example.com/c",
         "http:// is refused for host example.com"},
        {"[profile A]\nx = y\n", "AWS_EC2_METADATA_SERVICE_ENDPOINT_MODE", "5",
         "must be IPv4 or IPv6"},
        {"[profile A]\nx = y\n", "AWS_EC2_METADATA_DISABLED", "true",
         "no AWS credentials were found"},
    };
    for (size_t i = 0; i < PK_ARRAY_LEN(cases); i++) {
        const char *env[8] = {0};
        char path[] = "/tmp/panka-test-XXXXXX";
        struct fake fake;
        struct pk_error *err = NULL;
        struct pk_aws_creds *creds = NULL;
        env[4] = cases[i].variable;
        env[5] = cases[i].value;
        struct pk_aws *aws = client_with(&fake, env, cases[i].text, path);
        assert_false(pk_aws_cached_get(aws->creds, &creds, &err));
        assert_int_equal(err->code == PK_E_CREDENTIALS || err->code == PK_E_CONFIG, 1);
        if (strstr(err->message, cases[i].message) == NULL)
            fail_msg("%s is not in: %s", cases[i].message, err->message);
        assert_int_equal(fake.n_requests, 0);
        pk_error_free(err);
        pk_aws_free(aws);
        fake_release(&fake);
        unlink(path);
    }
}

static void test_unknown_profile(void **state) {
    (void)state;
    struct fake fake;
    struct pk_error *err = NULL;
    struct pk_aws *aws = NULL;
    fake_init(&fake, fake_keys);
    struct pk_aws_config config = fake_config(&fake);
    config.profile = "nowhere";
    assert_false(pk_aws_new(&config, &aws, &err));
    assert_int_equal(err->code, PK_E_CREDENTIALS);
    assert_non_null(strstr(err->message, "\"nowhere\""));
    pk_error_free(err);
    fake_release(&fake);
}

static void test_imds_addresses(void **state) {
    (void)state;
    static const struct {
        const char *variable, *value, *url;
    } cases[] = {
        {NULL, NULL, "http://169.254.169.254/latest/api/token"},
        {"AWS_EC2_METADATA_SERVICE_ENDPOINT_MODE", "IPv6",
         "http://[fd00:ec2::254]/latest/api/token"},
        {"AWS_EC2_METADATA_SERVICE_ENDPOINT", "http://127.0.0.1:9/",
         "http://127.0.0.1:9/latest/api/token"},
    };
    for (size_t i = 0; i < PK_ARRAY_LEN(cases); i++) {
        const char *env[] = {"HOME", "/nonexistent", cases[i].variable, cases[i].value, NULL};
        struct fake fake;
        struct pk_error *err = NULL;
        struct pk_aws_creds *creds = NULL;
        fake_init(&fake, env);
        struct pk_aws *aws = fake_client(&fake);
        assert_false(pk_aws_cached_get(aws->creds, &creds, &err));
        assert_string_equal(fake.requests[0].url, cases[i].url);
        assert_string_equal(fake.requests[0].method, "PUT");
        assert_string_equal(err->message, "no AWS credentials were found");
        assert_non_null(err->cause);
        pk_error_free(err);
        pk_aws_free(aws);
        fake_release(&fake);
    }
}

/* Every fetch gives another pair; whoever reads must see the two halves of one. */
struct counting {
    struct pk_aws_provider base;
    int fetched;
};

static bool fetch_counted(struct pk_aws_provider *provider, struct pk_aws_creds **ret,
                          struct pk_error **err) {
    struct counting *counting = (struct counting *)provider;
    char text[24];
    (void)err;
    snprintf(text, sizeof(text), "%d", ++counting->fetched);
    *ret = pk_aws_creds_new(text, text, text, pk_wall_ms(NULL) + 1);
    return true;
}

static void free_counting(struct pk_aws_provider *provider) {
    free(provider);
}

static void *read_and_drop(void *ctx) {
    struct pk_aws_cached *cached = ctx;
    for (int i = 0; i < 2000; i++) {
        struct pk_aws_creds *creds = NULL;
        if (!pk_aws_cached_get(cached, &creds, NULL) ||
            strcmp(creds->access_key_id, creds->secret_access_key) != 0 ||
            strcmp(creds->access_key_id, creds->session_token) != 0)
            return (void *)1;
        if (i % 7 == 0)
            pk_aws_cached_drop(cached, creds);
        pk_aws_creds_unref(creds);
    }
    return NULL;
}

static void test_refresh_storm(void **state) {
    (void)state;
    struct counting *counting = pk_calloc(1, sizeof(*counting));
    pthread_t threads[8];
    counting->base = (struct pk_aws_provider){fetch_counted, free_counting, pk_strdup("counting")};
    struct pk_aws_cached *cached = pk_aws_cached_new(&counting->base, NULL);
    for (size_t i = 0; i < PK_ARRAY_LEN(threads); i++)
        pthread_create(&threads[i], NULL, read_and_drop, cached);
    for (size_t i = 0; i < PK_ARRAY_LEN(threads); i++) {
        void *torn;
        pthread_join(threads[i], &torn);
        assert_null(torn);
    }
    assert_true(counting->fetched > 1);
    pk_aws_cached_unref(cached);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_chain_vectors),
        cmocka_unit_test(test_role_vectors),
        cmocka_unit_test(test_refresh_before_expiry),
        cmocka_unit_test(test_expired_token_is_renewed_once),
        cmocka_unit_test(test_mfa),
        cmocka_unit_test(test_refresh_storm),
        cmocka_unit_test(test_errors_name_the_source),
        cmocka_unit_test(test_unknown_profile),
        cmocka_unit_test(test_imds_addresses),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
