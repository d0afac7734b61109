/* state_s3.c - the store of an organisation: objects of an S3 bucket. */
#include "store/store.h"

#include "aws/aws.h"
#include "base/hash.h"
#include "base/mem.h"
#include "store/internal.h"
#include "json/json.h"

#include <stdlib.h>
#include <string.h>

/* S3 answers 409 while another conditional write of the same key is under way. */
#define RACE_ATTEMPTS 5
#define RACE_WAIT_MS 200

struct s3_store {
    struct pk_store base;
    struct pk_aws *aws; /* borrowed */
    char *bucket, *region, *prefix;
};

static struct s3_store *of(struct pk_store *store) {
    return (struct s3_store *)store;
}

static char *object_key(struct pk_store *store, const char *key) {
    pk_assert(pk_key_ok(key));
    return pk_asprintf("%s%s", of(store)->prefix, key);
}

static char *s3_describe(struct pk_store *store, const char *key) {
    return pk_asprintf("s3://%s/%s%s", of(store)->bucket, of(store)->prefix, key);
}

bool pk_s3_explain(const char *bucket, const char *what, struct pk_error **err) {
    struct pk_error *e = err ? *err : NULL;
    if (!e)
        return false;
    if (pk_error_is_aws(e, "NoSuchBucket")) {
        pk_wrap(err, "%s", what);
        e->code = PK_E_NOT_FOUND;
        return pk_error_hint(err, "panka backend create --bucket %s", bucket);
    }
    if (e->aws.http_status == 412 || pk_error_is_aws(e, "PreconditionFailed") ||
        pk_error_is_aws(e, "ConditionalRequestConflict")) {
        pk_wrap(err, "%s was changed by somebody else", what);
        e->code = PK_E_STATE_CONFLICT;
        return false;
    }
    pk_wrap(err, "%s", what);
    if (e->code == PK_E_ACCESS_DENIED && !e->hint)
        pk_error_hint(err,
                      "these credentials need s3:GetObject, s3:PutObject and s3:ListBucket on "
                      "bucket %s",
                      bucket);
    return false;
}

static json_t *params_of(struct pk_store *store, const char *key) {
    char *full PK_CLEANUP(pk_freep) = object_key(store, key);
    json_t *params = json_object();
    pk_json_put_str(params, "Bucket", of(store)->bucket);
    pk_json_put_str(params, "Key", full);
    return params;
}

/*
 * Whoever may list only below a prefix gets 403 instead of NoSuchKey for an object that is not
 * there. A listing of exactly this key is an answer: S3's listings are consistent. NEVER-EMPTY: any
 * doubt leaves the 403.
 */
static bool listing_denies(struct pk_store *store, const char *key) {
    char *full PK_CLEANUP(pk_freep) = object_key(store, key);
    json_t *params PK_CLEANUP(json_decrefp) = json_object();
    json_t *result PK_CLEANUP(json_decrefp) = NULL;
    struct pk_aws_io io = {.region = of(store)->region};
    pk_json_put_str(params, "Bucket", of(store)->bucket);
    pk_json_put_str(params, "Prefix", full);
    pk_json_put_int(params, "MaxKeys", 1);
    if (!pk_aws_call(of(store)->aws, "s3", "ListObjectsV2", params, &io, &result, NULL))
        return false;
    /* keys are listed in order of their bytes: the key itself would be the first one */
    const json_t *count = json_object_get(result, "KeyCount");
    const char *first = pk_json_str(result, "Contents[0].Key", NULL);
    return json_is_integer(count) && !pk_streq(first, full);
}

static bool is_confirmed_absence(struct pk_store *store, const char *key,
                                 const struct pk_error *error) {
    if (pk_error_is_aws(error, "NoSuchKey"))
        return true;
    return error->code == PK_E_ACCESS_DENIED && error->aws.http_status == 403 &&
           listing_denies(store, key);
}

static bool s3_get(struct pk_store *store, const char *key, size_t max, struct pk_buf *ret,
                   char **ret_etag, struct pk_error **err) {
    json_t *params PK_CLEANUP(json_decrefp) = params_of(store, key);
    json_t *result PK_CLEANUP(json_decrefp) = NULL;
    struct pk_error *why PK_CLEANUP(pk_error_freep) = NULL;
    char *what PK_CLEANUP(pk_freep) = s3_describe(store, key);
    pk_buf_init(ret, max);
    struct pk_aws_io io = {.region = of(store)->region, .ret_payload = ret};
    if (!pk_aws_call(of(store)->aws, "s3", "GetObject", params, &io, &result, &why)) {
        pk_buf_release(ret);
        if (is_confirmed_absence(store, key, why)) {
            *ret_etag = NULL;
            return true;
        }
        pk_s3_explain(of(store)->bucket, what, &why);
        if (err)
            *err = pk_steal(&why);
        return false;
    }
    const char *etag = pk_json_str(result, "ETag", NULL);
    if (ret->overflow || ret->len > max || !etag) {
        bool big = ret->overflow || ret->len > max;
        pk_buf_release(ret);
        return big ? pk_fail(err, PK_E_BAD_RESPONSE, "%s is larger than %zu bytes", what, max)
                   : pk_fail(err, PK_E_BAD_RESPONSE, "%s came without an ETag", what);
    }
    *ret_etag = pk_strdup(etag);
    return true;
}

static json_t *put_params(struct pk_store *store, const char *key, const void *data, size_t len,
                          const char *if_match, bool create_only) {
    json_t *params = params_of(store, key);
    uint8_t digest[16];
    struct pk_buf md5 PK_CLEANUP(pk_buf_release) = PK_BUF_INIT(64);
    pk_md5(data, len, digest);
    pk_base64(digest, sizeof(digest), &md5);
    pk_json_put_str(params, "ContentMD5", pk_buf_cstr(&md5));
    pk_json_put_str(params, "ContentType",
                    pk_ends_with(key, ".json") ? "application/json" : "application/yaml");
    pk_json_put_str(params, "ServerSideEncryption", "AES256");
    if (if_match)
        pk_json_put_str(params, "IfMatch", if_match);
    else if (create_only)
        pk_json_put_str(params, "IfNoneMatch", "*");
    return params;
}

static bool s3_put(struct pk_store *store, const char *key, const void *data, size_t len,
                   const char *if_match, bool create_only, char **ret_etag, struct pk_error **err) {
    json_t *params PK_CLEANUP(json_decrefp) =
        put_params(store, key, data, len, if_match, create_only);
    json_t *result PK_CLEANUP(json_decrefp) = NULL;
    struct pk_error *why PK_CLEANUP(pk_error_freep) = NULL;
    struct pk_aws_io io = {.region = of(store)->region, .payload = data, .payload_len = len};
    bool ok = false;
    for (int i = 0; i < RACE_ATTEMPTS && !ok; i++) {
        if (i > 0)
            pk_sleep_ms(RACE_WAIT_MS / 2 + pk_random_below(RACE_WAIT_MS));
        pk_error_clear(&why);
        ok = pk_aws_call(of(store)->aws, "s3", "PutObject", params, &io, &result, &why);
        if (!ok && !pk_error_is_aws(why, "ConditionalRequestConflict"))
            break;
    }
    const char *etag = pk_json_str(result, "ETag", NULL);
    if (ok && etag) {
        if (ret_etag)
            *ret_etag = pk_strdup(etag);
        return true;
    }
    char *what PK_CLEANUP(pk_freep) = s3_describe(store, key);
    if (ok)
        return pk_fail(err, PK_E_BAD_RESPONSE, "%s was written, but no ETag came back", what);
    /* If-Match on an object that was removed meanwhile */
    if (if_match && pk_error_is_aws(why, "NoSuchKey"))
        why->code = PK_E_STATE_CONFLICT;
    pk_s3_explain(of(store)->bucket, what, &why);
    if (err)
        *err = pk_steal(&why);
    return false;
}

static bool s3_list(struct pk_store *store, const char *prefix, size_t max, struct pk_vec *ret_keys,
                    struct pk_error **err) {
    json_t *params PK_CLEANUP(json_decrefp) = json_object();
    json_t *result PK_CLEANUP(json_decrefp) = NULL;
    struct pk_aws_io io = {.region = of(store)->region};
    char *full PK_CLEANUP(pk_freep) = pk_asprintf("%s%s", of(store)->prefix, prefix);
    char *what PK_CLEANUP(pk_freep) = s3_describe(store, prefix);
    pk_json_put_str(params, "Bucket", of(store)->bucket);
    pk_json_put_str(params, "Prefix", full);
    if (!pk_aws_call_all(of(store)->aws, "s3", "ListObjectsV2", params, &io, max + 1, &result, err))
        return pk_s3_explain(of(store)->bucket, what, err);
    const json_t *items = json_object_get(result, "Contents");
    if (json_array_size(items) > max)
        return pk_fail(err, PK_E_IO, "%s has more than %zu objects", what, max);
    struct pk_vec keys = PK_VEC_INIT;
    size_t cut = strlen(of(store)->prefix);
    for (size_t i = 0; i < json_array_size(items); i++) {
        const char *key = pk_json_str(json_array_get(items, i), "Key", "");
        if (pk_starts_with(key, full))
            pk_vec_push(&keys, pk_strdup(key + cut));
    }
    *ret_keys = keys;
    return true;
}

static bool s3_remove(struct pk_store *store, const char *key, struct pk_error **err) {
    json_t *params PK_CLEANUP(json_decrefp) = params_of(store, key);
    struct pk_aws_io io = {.region = of(store)->region};
    char *what PK_CLEANUP(pk_freep) = s3_describe(store, key);
    return pk_aws_call(of(store)->aws, "s3", "DeleteObject", params, &io, NULL, err) ||
           pk_s3_explain(of(store)->bucket, what, err);
}

static void s3_free(struct pk_store *store) {
    free(of(store)->bucket);
    free(of(store)->region);
    free(of(store)->prefix);
    free(store);
}

bool pk_store_s3_new(struct pk_aws *aws, const char *bucket, const char *region, const char *prefix,
                     struct pk_store **ret, struct pk_error **err) {
    static const struct pk_store_vtable vtable = {
        s3_get, s3_put, s3_list, s3_remove, s3_describe, s3_free,
    };
    size_t n = prefix ? strlen(prefix) : 0;
    if (!bucket || !*bucket)
        return pk_fail(err, PK_E_CONFIG, "the S3 backend has no bucket");
    char *slashed PK_CLEANUP(pk_freep) =
        n > 0 && prefix[n - 1] == '/' ? pk_strndup(prefix, n - 1) : pk_strdup(n ? prefix : "");
    if (*slashed && !pk_key_ok(slashed))
        return pk_fail(err, PK_E_CONFIG, "backend.prefix \"%s\" is no prefix of keys", prefix) ||
               pk_error_hint(err, "letters, digits and -_./ are accepted, as in teams/shop");
    struct s3_store *s = pk_calloc(1, sizeof(*s));
    s->base.vtable = &vtable;
    s->aws = aws;
    s->bucket = pk_strdup(bucket);
    s->region = region && *region ? pk_strdup(region) : NULL;
    s->prefix = *slashed ? pk_asprintf("%s/", slashed) : pk_strdup("");
    *ret = &s->base;
    return true;
}
