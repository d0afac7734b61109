#include "ops/secrets.h"

#include "base/clock.h"
#include "base/hash.h"
#include "base/mem.h"
#include "json/json.h"

#include <stdlib.h>
#include <string.h>

#define MAX_SECRETS 10000

bool pk_secret_name_check(const char *name, struct pk_error **err) {
    bool ssm = pk_starts_with(name, "ssm:");
    const char *text = ssm ? name + 4 : name;
    const char *allowed = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789/_+=.@-";
    size_t len = strlen(text);
    if (len == 0 || len > (ssm ? 1011 : 512) || strspn(text, allowed) != len)
        return pk_fail(err, PK_E_USAGE, "\"%s\" is not a name for a secret", name) ||
               pk_error_hint(err, "1 to 512 letters, digits and / _ + = . @ -");
    return true;
}

static json_t *tags_of(const struct pk_secret_owner *owner) {
    json_t *tags = json_array();
    const struct {
        const char *key, *value;
    } rows[] = {{"panka:managed", "true"},
                {"panka:tenant", owner->tenant},
                {"panka:stack", owner->stack},
                {"panka:environment", owner->environment}};
    for (size_t i = 0; i < PK_ARRAY_LEN(rows); i++)
        if (rows[i].value)
            json_array_append_new(
                tags, json_pack("{s:s, s:s}", "Key", rows[i].key, "Value", rows[i].value));
    return tags;
}

static bool set_parameter(struct pk_aws *aws, const char *name, const char *value,
                          const char *kms_key, const struct pk_secret_owner *owner,
                          bool *ret_created, struct pk_error **err) {
    json_t *result = NULL;
    json_t *params PK_CLEANUP(json_decrefp) =
        json_pack("{s:s, s:s, s:s, s:o}", "Name", name, "Value", value, "Type", "SecureString",
                  "Tags", tags_of(owner));
    pk_json_put_str(params, "KeyId", kms_key);
    struct pk_error *first PK_CLEANUP(pk_error_freep) = NULL;
    if (pk_aws_call(aws, "ssm", "PutParameter", params, NULL, &result, &first)) {
        json_decref(result);
        *ret_created = true;
        return true;
    }
    if (!pk_error_is_aws(first, "ParameterAlreadyExists")) {
        *err = pk_steal(&first);
        return false;
    }
    /* Tags and Overwrite exclude each other. */
    json_object_del(params, "Tags");
    json_object_set_new(params, "Overwrite", json_true());
    *ret_created = false;
    return pk_aws_call(aws, "ssm", "PutParameter", params, NULL, NULL, err);
}

static bool put_version(struct pk_aws *aws, const char *name, const char *value,
                        struct pk_error **err) {
    json_t *params PK_CLEANUP(json_decrefp) =
        json_pack("{s:s, s:s}", "SecretId", name, "SecretString", value);
    return pk_aws_call(aws, "secretsmanager", "PutSecretValue", params, NULL, NULL, err);
}

bool pk_secret_set(struct pk_aws *aws, const char *name, const char *value, const char *kms_key,
                   const struct pk_secret_owner *owner, bool *ret_created, struct pk_error **err) {
    if (pk_starts_with(name, "ssm:"))
        return set_parameter(aws, name + 4, value, kms_key, owner, ret_created, err);
    json_t *params PK_CLEANUP(json_decrefp) =
        json_pack("{s:s, s:s, s:o}", "Name", name, "SecretString", value, "Tags", tags_of(owner));
    if (!params)
        return pk_fail(err, PK_E_USAGE, "the value is not UTF-8 text");
    pk_json_put_str(params, "KmsKeyId", kms_key);
    struct pk_error *first PK_CLEANUP(pk_error_freep) = NULL;
    if (pk_aws_call(aws, "secretsmanager", "CreateSecret", params, NULL, NULL, &first)) {
        *ret_created = true;
        return true;
    }
    *ret_created = false;
    if (pk_error_is_aws(first, "ResourceExistsException"))
        return put_version(aws, name, value, err);
    if (pk_error_is_aws(first, "InvalidRequestException")) {
        /* Scheduled for deletion: restoring brings the old tags and policies back, the new version
         * replaces the value. */
        json_t *id PK_CLEANUP(json_decrefp) = json_pack("{s:s}", "SecretId", name);
        if (pk_aws_call(aws, "secretsmanager", "RestoreSecret", id, NULL, NULL, NULL))
            return put_version(aws, name, value, err);
    }
    *err = pk_steal(&first);
    return false;
}

static void note_use(struct pk_map *by_name, const char *name, const char *address) {
    char *bare PK_CLEANUP(pk_freep) = pk_strndup(name, strcspn(name, "#"));
    json_t *users = pk_map_get(by_name, bare);
    if (!users) {
        users = json_array();
        pk_map_set(by_name, bare, users);
    }
    json_array_append_new(users, json_string(address));
    pk_json_sort_strings(users);
}

/* Every secretRef and passwordSecret.ref anywhere in a spec. */
static void find_uses(struct pk_map *by_name, const json_t *value, const char *address) {
    const char *key;
    json_t *item;
    size_t i;
    json_object_foreach((json_t *)(uintptr_t)value, key, item) {
        if (json_is_string(item) &&
            (pk_streq(key, "secretRef") || pk_streq(key, "credentialsSecret")))
            note_use(by_name, json_string_value(item), address);
        else if (pk_streq(key, "passwordSecret") && pk_json_str(item, "ref", NULL))
            note_use(by_name, pk_json_str(item, "ref", ""), address);
        else
            find_uses(by_name, item, address);
    }
    json_array_foreach((json_t *)(uintptr_t)value, i, item) find_uses(by_name, item, address);
}

static const char *tag_of(const json_t *secret, const char *key) {
    size_t i;
    json_t *tag;
    json_array_foreach(
        json_object_get(secret, "Tags"), i,
        tag) if (pk_streq(pk_json_str(tag, "Key", ""), key)) return pk_json_str(tag, "Value", NULL);
    return NULL;
}

static json_t *row(const json_t *secret, json_t *users) {
    char when[21] = "";
    const json_t *changed = json_object_get(secret, "LastChangedDate");
    if (!changed)
        changed = json_object_get(secret, "CreatedDate");
    if (changed)
        pk_time_iso8601((int64_t)json_number_value(changed), when);
    json_t *o = json_object();
    pk_json_put_str(o, "name", pk_json_str(secret, "Name", ""));
    pk_json_put_str(o, "arn", pk_json_str(secret, "ARN", NULL));
    pk_json_put_str(o, "changedAt", *when ? when : NULL);
    json_object_set_new(o, "usedBy", users ? json_incref(users) : json_array());
    return o;
}

bool pk_secret_list(struct pk_aws *aws, const char *tenant, const struct pk_project *project,
                    json_t **ret, struct pk_error **err) {
    json_t *result PK_CLEANUP(json_decrefp) = NULL;
    if (!pk_aws_call_all(aws, "secretsmanager", "ListSecrets", NULL, NULL, MAX_SECRETS, &result,
                         err))
        return false;
    struct pk_map *uses PK_CLEANUP(pk_map_freep) = pk_map_new();
    for (size_t i = 0; project && i < project->components.len; i++) {
        const struct pk_component *c = project->components.items[i];
        find_uses(uses, c->spec, c->address);
    }
    struct pk_map *seen PK_CLEANUP(pk_map_freep) = pk_map_new();
    json_t *list = json_array(), *secret;
    size_t i;
    json_array_foreach(json_object_get(result, "SecretList"), i, secret) {
        const char *name = pk_json_str(secret, "Name", "");
        const char *of_tenant = tag_of(secret, "panka:tenant"),
                   *of_stack = tag_of(secret, "panka:stack");
        json_t *users = pk_map_get(uses, name);
        bool ours = tag_of(secret, "panka:managed") && pk_streq(of_tenant, tenant) &&
                    (!project || !of_stack || pk_streq(of_stack, project->name));
        if (!ours && !users)
            continue;
        pk_map_set(seen, name, secret);
        json_array_append_new(list, row(secret, users));
    }
    size_t cursor = 0;
    const char *name;
    void *users;
    while (pk_map_next(uses, &cursor, &name, &users)) {
        if (!pk_map_has(seen, name) && !pk_starts_with(name, "ssm:") &&
            !pk_starts_with(name, "arn:")) {
            json_t *o = json_object();
            pk_json_put_str(o, "name", name);
            pk_json_put_bool(o, "missing", true);
            json_object_set(o, "usedBy", users);
            json_array_append_new(list, o);
        }
        json_decref(users);
    }
    *ret = list;
    return true;
}
