/* rds_password.c - the password of the master user: never a value, always a reference. */
#include "component/check.h"
#include "component/internal.h"
#include "component/rds.h"

#include "base/str.h"

#include <string.h>

#define SECRET "AWS::SecretsManager::Secret"
#define REF "database.passwordSecret.ref"
#define PASSWORD_LENGTH 32

bool pk_rds_is_generated(const struct pk_component *c) {
    return pk_spec_bool(c, "database.passwordSecret.generate");
}

static bool is_managed(const struct pk_component *c) {
    return pk_spec_bool(c, "database.managedPassword");
}

static const char *key_of(const char *ref) {
    const char *hash = ref ? strrchr(ref, '#') : NULL;
    return hash && hash[1] ? hash + 1 : NULL;
}

/* Characters that RDS refuses in passwords, and quotes that shells trip over. */
static json_t *generator(const struct pk_component *c, const char *key) {
    json_t *generator = json_pack("{s:i, s:s, s:b}", "PasswordLength", PASSWORD_LENGTH,
                                  "ExcludeCharacters", "/@\" '\\`", "RequireEachIncludedType", 1);
    if (key) {
        const char *user = pk_spec_str(c, "database.username");
        json_auto_t *template = json_pack("{s:s}", "username", user ? user : "");
        PK_CLEANUP(pk_freep) char *text = pk_json_canonical(template);
        json_object_set_new(generator, "SecretStringTemplate", pk_json_text(text));
        json_object_set_new(generator, "GenerateStringKey", json_string(key));
    }
    return generator;
}

static struct pk_resource *add_secret(struct pk_expansion *x, const struct pk_component *c) {
    struct pk_resource *r = pk_x_node(x, c, "password", SECRET);
    const char *ref = pk_spec_str(c, REF), *key = key_of(ref);
    if (ref) {
        size_t len = key ? (size_t)(key - ref - 1) : strlen(ref);
        pk_x_explicit_name(x, r, pk_arena_strndup(x->arena, ref, len));
    }
    pk_resource_set(x->graph, r, "Description",
                    pk_json_textf("Password of the master user of %s", c->address), c->span);
    pk_resource_set(x->graph, r, "GenerateSecretString", generator(c, key), pk_spec_span(c, REF));
    return r;
}

static json_t *value_token(json_t *name, const char *key) {
    json_t *token = json_pack("{s:o}", "$secret", name);
    if (key)
        json_object_set_new(token, "key", pk_json_text(key));
    return token;
}

void pk_rds_set_password(struct pk_expansion *x, const struct pk_component *c,
                         struct pk_resource *r) {
    struct pk_span span = pk_spec_span(c, "database.passwordSecret");
    json_t *token = NULL;
    if (is_managed(c)) {
        pk_resource_set(x->graph, r, "ManageMasterUserPassword", json_true(),
                        pk_spec_span(c, "database.managedPassword"));
        return;
    }
    if (pk_rds_is_generated(c)) {
        struct pk_resource *secret = add_secret(x, c);
        token = value_token(pk_token_ref(secret->key, "Id"), key_of(pk_spec_str(c, REF)));
        pk_x_needs(x, r, secret, "password");
    } else if (pk_spec_get(c, REF)) {
        struct pk_env_entry entry = {.name = "MasterUserPassword", .span = pk_spec_span(c, REF)};
        pk_x_read_secret(x, r, c, pk_spec_get(c, REF), REF, &entry);
        if (entry.secret_ref)
            token = pk_x_secret_value(x, entry.secret_ref, entry.span);
        else if (entry.secret_arn)
            token = value_token(json_deep_copy(entry.secret_arn), entry.secret_key);
    }
    pk_resource_set(x->graph, r, "MasterUserPassword", token, span);
}

json_t *pk_rds_secret_arn(struct pk_expansion *x, const struct pk_component *c) {
    if (is_managed(c))
        return pk_token_ref(c->key, "MasterUserSecret.SecretArn");
    if (pk_rds_is_generated(c))
        return pk_token_ref(pk_x_key(x, c, "password"), "Id");
    const char *ref = pk_spec_str(c, REF);
    if (ref)
        return pk_x_secret_arn(x, ref, false, pk_spec_span(c, REF));
    struct pk_env_entry entry = {.name = "MasterUserPassword", .span = pk_spec_span(c, REF)};
    if (pk_spec_get(c, REF))
        pk_x_read_secret(x, NULL, c, pk_spec_get(c, REF), REF, &entry);
    return entry.secret_arn ? json_deep_copy(entry.secret_arn) : NULL;
}
