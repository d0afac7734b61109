/* admin.c - the platform admin: first set-up and login. */
#include "tenant/internal.h"

#include "aws/aws.h"
#include "base/clock.h"
#include "tenant/password.h"
#include "json/json.h"

#include <stdlib.h>
#include <string.h>

#define SECRET_NAME "/panka/admin-credentials"
#define SESSION_S (8 * 3600)

static bool explain(struct pk_error **err) {
    if (err && pk_error_is_aws(*err, "ResourceExistsException")) {
        pk_wrap(err, "the admin credentials exist already and stay as they are");
        (*err)->code = PK_E_REFUSED;
        return pk_error_hint(err, "panka admin login");
    }
    if (err && pk_error_is_aws(*err, "InvalidRequestException"))
        return pk_wrap(err, "secret " SECRET_NAME) ||
               pk_error_hint(err,
                             "a deleted secret can be restored in Secrets Manager, or its name "
                             "is free again after the recovery window");
    return pk_wrap(err, "secret " SECRET_NAME);
}

bool pk_admin_init(struct pk_aws *aws, struct pk_store *store, const char *username,
                   const char *bucket, const char *region, const char *lock_table,
                   char **ret_password, struct pk_error **err) {
    char *password PK_CLEANUP(pk_secret_freep) = pk_password_make("padm");
    char *hash PK_CLEANUP(pk_secret_freep) = NULL;
    char now[21];
    bool is_new = false;
    pk_tenant_now(now);
    if (!*username || strlen(username) > 100)
        return pk_fail(err, PK_E_CONFIG, "the name of an admin has 1 to 100 characters");
    /* the registry first: a run that dies here can be repeated, a lost password cannot */
    if (!pk_registry_create(store, bucket, region, lock_table, &is_new, err) ||
        !pk_password_hash(password, &hash, err))
        return false;
    json_t *secret PK_CLEANUP(json_decrefp) = json_object();
    pk_json_put_str(secret, "username", username);
    pk_json_put_str(secret, "passwordHash", hash);
    pk_json_put_str(secret, "createdAt", now);
    char *text PK_CLEANUP(pk_secret_freep) = pk_json_canonical(secret);
    json_t *params PK_CLEANUP(json_decrefp) = json_object();
    pk_json_put_str(params, "Name", SECRET_NAME);
    pk_json_put_str(params, "Description", "Login of panka's platform admin");
    pk_json_put_str(params, "SecretString", text);
    json_object_set_new(params, "Tags",
                        json_pack("[{s:s, s:s}]", "Key", "panka:managed", "Value", "true"));
    struct pk_aws_io io = {.region = region};
    if (!pk_aws_call(aws, "secretsmanager", "CreateSecret", params, &io, NULL, err))
        return explain(err);
    *ret_password = pk_steal(&password);
    return true;
}

static bool read_credentials(struct pk_aws *aws, const char *region, json_t **ret,
                             struct pk_error **err) {
    json_t *params PK_CLEANUP(json_decrefp) = json_object();
    json_t *result PK_CLEANUP(json_decrefp) = NULL;
    struct pk_aws_io io = {.region = region};
    pk_json_put_str(params, "SecretId", SECRET_NAME);
    if (!pk_aws_call(aws, "secretsmanager", "GetSecretValue", params, &io, &result, err)) {
        if (err && pk_error_is_aws(*err, "ResourceNotFoundException"))
            return pk_wrap(err, "this account has no admin credentials in %s", region) ||
                   pk_error_hint(err, "panka admin init");
        return explain(err);
    }
    const char *text = pk_json_str(result, "SecretString", "");
    return pk_json_parse(text, strlen(text), "secret " SECRET_NAME, ret, err);
}

bool pk_admin_login(struct pk_aws *aws, const char *username, const char *password,
                    const char *bucket, const char *region, const char *lock_table,
                    struct pk_error **err) {
    json_t *known PK_CLEANUP(json_decrefp) = NULL;
    char *account PK_CLEANUP(pk_freep) = NULL;
    if (!read_credentials(aws, region, &known, err))
        return false;
    bool named = pk_streq(pk_json_str(known, "username", NULL), username);
    const char *hash = pk_json_str(known, "passwordHash", NULL);
    if (!pk_password_check(named ? hash : NULL, password))
        return pk_fail(err, PK_E_LOGIN, "the user name or the password is wrong");
    if (!pk_aws_caller(aws, &account, NULL, err))
        return false;
    int64_t now = pk_wall_ms(NULL) / 1000;
    struct pk_session s = {
        .user = (char *)(uintptr_t)username,
        .bucket = (char *)(uintptr_t)bucket,
        .region = (char *)(uintptr_t)region,
        .lock_table = (char *)(uintptr_t)lock_table,
        .account_id = account,
        .started_at = now,
        .expires_at = now + SESSION_S,
    };
    return pk_session_save(true, &s, err);
}
