/*
 * secret.c - values that exist only during a call: secrets, bytes of local files.
 *
 * A secret is read just before the request is sent and overwritten right after; it is in nothing
 * that outlives the call.
 */
#include "base/fs.h"
#include "base/zip.h"
#include "provider/driver.h"

#include <string.h>
#include <sys/stat.h>

#define MAX_UPLOAD ((size_t)256 << 20)
#define MAX_FILES 20000

/* --- secrets --- */

static bool is_parameter(const char *name) {
    return pk_starts_with(name, "ssm:") ||
           (pk_starts_with(name, "arn:") && strstr(name, ":ssm:") != NULL);
}

static bool read_parameter(struct pk_ctx *ctx, const char *name, json_t *wipe, const char **ret,
                           struct pk_error **err) {
    json_t *params = json_object();
    pk_json_put_str(params, "Name", pk_starts_with(name, "ssm:") ? name + 4 : name);
    pk_json_put_bool(params, "WithDecryption", true);
    json_t *answer;
    if (!pk_ctx_call(ctx, "ssm", "GetParameter", params, &answer, err))
        return false;
    json_array_append_new(wipe, answer);
    *ret = pk_json_str(answer, "Parameter.Value", NULL);
    return true;
}

static bool read_secret(struct pk_ctx *ctx, const json_t *token, const char *name, json_t *wipe,
                        const char **ret, struct pk_error **err) {
    json_t *params = json_object();
    pk_json_put_str(params, "SecretId", name);
    pk_json_put_str(params, "VersionId", pk_json_str(token, "versionId", NULL));
    json_t *answer;
    if (!pk_ctx_call(ctx, "secretsmanager", "GetSecretValue", params, &answer, err))
        return false;
    json_array_append_new(wipe, answer);
    *ret = pk_json_str(answer, "SecretString", NULL);
    return true;
}

/* The value of a member of a JSON secret; *ret is a new reference that is in `wipe` too. */
static bool secret_member(const char *name, const char *text, const char *key, json_t *wipe,
                          json_t **ret, struct pk_error **err) {
    json_t *object = json_loads(text, JSON_REJECT_DUPLICATES, NULL);
    if (!object)
        return pk_fail(err, PK_E_CONFIG, "secret %s is not JSON, so it has no key %s", name, key);
    json_array_append_new(wipe, object);
    json_t *value = json_object_get(object, key);
    if (json_is_string(value)) {
        *ret = json_incref(value);
        return true;
    }
    if (!json_is_number(value) && !json_is_boolean(value))
        return pk_fail(err, PK_E_CONFIG, "secret %s has no key %s", name, key);
    char *plain = pk_json_canonical(value);
    *ret = pk_json_text(plain);
    pk_secret_free(plain);
    json_array_append(wipe, *ret);
    return true;
}

static bool secret_value(struct pk_ctx *ctx, const json_t *token, json_t *wipe, json_t **ret,
                         struct pk_error **err) {
    const char *name = json_string_value(json_object_get(token, "$secret"));
    const char *key = pk_json_str(token, "key", NULL), *text = NULL;
    if (!name)
        return pk_fail(err, PK_E_INTERNAL, "a secret's name is not known when it is needed");
    bool read = is_parameter(name) ? read_parameter(ctx, name, wipe, &text, err)
                                   : read_secret(ctx, token, name, wipe, &text, err);
    if (!read)
        return pk_wrap(err, "secret %s", name);
    if (!text)
        return pk_fail(err, PK_E_CONFIG, "secret %s has no text value", name);
    if (key && *key)
        return secret_member(name, text, key, wipe, ret, err);
    *ret = json_string(text);
    json_array_append(wipe, *ret);
    return true;
}

/*
 * {"$generate": rule}, rule as CloudFormation's GenerateSecretString: what GetRandomPassword takes,
 * SecretStringTemplate and GenerateStringKey. A new value on every call.
 */
static bool is_generate(const json_t *value) {
    return json_object_size(value) == 1 && json_is_object(json_object_get(value, "$generate"));
}

/* The template, a JSON object, with the password as one more member. */
static bool fill_template(const char *text, const char *key, json_t *password, json_t *wipe,
                          json_t **ret, struct pk_error **err) {
    json_t *object = json_loads(text, JSON_REJECT_DUPLICATES, NULL);
    if (!json_is_object(object)) {
        json_decref(object);
        return pk_fail(err, PK_E_CONFIG, "SecretStringTemplate is not a JSON object");
    }
    json_array_append_new(wipe, object);
    json_object_set(object, key, password);
    char *whole = pk_json_canonical(object);
    *ret = json_string(whole);
    pk_secret_free(whole);
    json_array_append(wipe, *ret);
    return true;
}

static bool generated_value(struct pk_ctx *ctx, const json_t *token, json_t *wipe, json_t **ret,
                            struct pk_error **err) {
    json_t *params = json_copy(json_object_get(token, "$generate"));
    json_auto_t *text = json_incref(json_object_get(params, "SecretStringTemplate"));
    json_auto_t *key = json_incref(json_object_get(params, "GenerateStringKey"));
    json_object_del(params, "SecretStringTemplate");
    json_object_del(params, "GenerateStringKey");
    json_t *answer;
    if (!pk_ctx_call(ctx, "secretsmanager", "GetRandomPassword", params, &answer, err))
        return false;
    json_array_append_new(wipe, answer);
    json_t *password = json_object_get(answer, "RandomPassword");
    if (!json_is_string(password))
        return pk_fail(err, PK_E_BAD_RESPONSE, "GetRandomPassword answered without a password");
    if (text && key)
        return fill_template(json_string_value(text), json_string_value(key), password, wipe, ret,
                             err);
    *ret = json_incref(password);
    return true;
}

static void wipe_value(json_t *value) {
    if (json_is_string(value)) {
        explicit_bzero((char *)(uintptr_t)json_string_value(value), json_string_length(value));
        return;
    }
    size_t i;
    json_t *inner;
    json_array_foreach(value, i, inner) wipe_value(inner);
    const char *key;
    if (json_is_object(value)) {
        json_object_foreach(value, key, inner) wipe_value(inner);
    }
}

void pk_secrets_wipe(json_t *wipe) {
    wipe_value(wipe);
    json_decref(wipe);
}

/* --- files --- */

/* Relative paths of the regular files below root/sub, '/'-separated. */
static bool collect(const char *root, const char *sub, unsigned depth, struct pk_vec *files,
                    struct pk_error **err) {
    PK_CLEANUP(pk_freep) char *dir = *sub ? pk_path_join(root, sub) : pk_strdup(root);
    struct pk_vec names = PK_VEC_INIT;
    if (depth > 64)
        return pk_fail(err, PK_E_IO, "%s: folders are nested too deep", dir);
    if (!pk_list_dir(dir, MAX_FILES, &names, err))
        return false;
    bool ok = true;
    for (size_t i = 0; ok && i < names.len; i++) {
        PK_CLEANUP(pk_freep)
        char *path =
            *sub ? pk_asprintf("%s/%s", sub, (char *)names.items[i]) : pk_strdup(names.items[i]);
        PK_CLEANUP(pk_freep) char *full = pk_path_join(root, path);
        struct stat info;
        if (stat(full, &info) != 0)
            ok = pk_fail(err, PK_E_IO, "%s cannot be read", full);
        else if (S_ISDIR(info.st_mode))
            ok = collect(root, path, depth + 1, files, err);
        else if (S_ISREG(info.st_mode))
            pk_vec_push(files, pk_steal(&path));
        if (ok && files->len > MAX_FILES)
            ok = pk_fail(err, PK_E_IO, "%s holds more than %d files", root, MAX_FILES);
    }
    pk_names_release(&names);
    return ok;
}

static int by_text(const void *a, const void *b) {
    return strcmp(a, b);
}

static bool zip_one(struct pk_zip *zip, const char *root, const char *path, struct pk_error **err) {
    PK_CLEANUP(pk_freep) char *full = pk_path_join(root, path);
    struct stat info;
    struct pk_buf bytes;
    if (!pk_read_file(full, MAX_UPLOAD, &bytes, err))
        return false;
    bool executable = stat(full, &info) == 0 && (info.st_mode & 0111) != 0;
    bool ok = pk_zip_add(zip, path, bytes.ptr ? bytes.ptr : "", bytes.len, executable, err);
    pk_buf_release(&bytes);
    return ok;
}

static bool zip_folder(const char *root, struct pk_buf *ret, struct pk_error **err) {
    struct pk_vec files = PK_VEC_INIT;
    pk_buf_init(ret, MAX_UPLOAD);
    bool ok = collect(root, "", 0, &files, err);
    pk_vec_sort(&files, by_text);
    struct pk_zip zip;
    pk_zip_init(&zip, ret);
    for (size_t i = 0; ok && i < files.len; i++)
        ok = zip_one(&zip, root, files.items[i], err);
    ok = ok && pk_zip_finish(&zip, err);
    pk_zip_release(&zip);
    pk_names_release(&files);
    if (!ok)
        pk_buf_release(ret);
    return ok;
}

/* A file must still be what was planned. Folders are compared by whoever planned them. */
static bool file_unchanged(const json_t *token, const char *path, const struct pk_buf *bytes,
                           struct pk_error **err) {
    const char *planned = pk_json_str(token, "sha256", NULL);
    char now[PK_SHA256_HEX_SIZE];
    pk_sha256_hex(bytes->ptr ? bytes->ptr : "", bytes->len, now);
    if (!planned || strcmp(planned, now) == 0)
        return true;
    return pk_fail(err, PK_E_PLAN_STALE, "%s has changed since it was planned", path);
}

static bool file_value(const json_t *token, json_t **ret, struct pk_error **err) {
    const char *path = json_string_value(json_object_get(token, "$file"));
    struct pk_buf bytes, text;
    if (pk_is_dir(path)) {
        if (!zip_folder(path, &bytes, err))
            return false;
    } else {
        if (!pk_read_file(path, MAX_UPLOAD, &bytes, err))
            return false;
        if (!file_unchanged(token, path, &bytes, err)) {
            pk_buf_release(&bytes);
            return false;
        }
    }
    pk_buf_init(&text, MAX_UPLOAD * 2);
    pk_base64(bytes.ptr ? bytes.ptr : "", bytes.len, &text);
    *ret = pk_json_text(pk_buf_cstr(&text));
    pk_buf_release(&text);
    pk_buf_release(&bytes);
    return true;
}

/* --- the walk --- */

static bool join_value(json_t *token, json_t *wipe, json_t **ret, struct pk_error **err) {
    const json_t *parts = json_object_get(token, "$join");
    struct pk_buf text;
    pk_buf_init(&text, 1 << 20);
    bool ok = pk_buf_reserve(&text, 1 << 16); /* so that growing leaves no copies behind */
    for (size_t i = 0; ok && i < json_array_size(parts); i++) {
        const char *part = json_string_value(json_array_get(parts, i));
        ok = part != NULL;
        if (ok)
            pk_buf_addz(&text, part);
    }
    if (ok) {
        *ret = pk_json_text(pk_buf_cstr(&text));
        json_array_append(wipe, *ret);
    }
    pk_buf_secret_release(&text);
    return ok || pk_fail(err, PK_E_INTERNAL, "a joined text is not known when it is needed");
}

static bool resolve_inside(struct pk_ctx *ctx, json_t *value, json_t *wipe, struct pk_error **err) {
    size_t i;
    json_t *inner;
    if (json_is_array(value)) {
        json_array_foreach(value, i, inner) {
            json_t *copy = json_incref(inner);
            bool ok = pk_secrets_resolve(ctx, &copy, wipe, err);
            json_array_set_new(value, i, copy);
            if (!ok)
                return false;
        }
        return true;
    }
    if (!json_is_object(value))
        return true;
    for (void *at = json_object_iter(value); at; at = json_object_iter_next(value, at)) {
        json_t *copy = json_incref(json_object_iter_value(at));
        bool ok = pk_secrets_resolve(ctx, &copy, wipe, err);
        json_object_iter_set_new(value, at, copy);
        if (!ok)
            return false;
    }
    return true;
}

bool pk_secrets_resolve(struct pk_ctx *ctx, json_t **params, json_t *wipe, struct pk_error **err) {
    json_t *found = NULL;
    if (pk_token_is(*params, "$secret")) {
        if (!secret_value(ctx, *params, wipe, &found, err))
            return false;
    } else if (is_generate(*params)) {
        if (!generated_value(ctx, *params, wipe, &found, err))
            return false;
    } else if (pk_token_is(*params, "$file")) {
        if (!file_value(*params, &found, err))
            return false;
    } else {
        if (!resolve_inside(ctx, *params, wipe, err))
            return false;
        if (!pk_token_is(*params, "$join"))
            return true;
        if (!join_value(*params, wipe, &found, err))
            return false;
    }
    json_decref(*params);
    *params = found;
    return true;
}
