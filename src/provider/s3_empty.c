/* s3_empty.c - is a bucket empty, and making it so. */
#include "provider/s3.h"

#define ROUNDS 5 /* batches before the worker is given back */

static json_t *bucket_params(const struct pk_ctx *ctx) {
    return json_pack("{s:s}", "Bucket", ctx->id);
}

bool pk_s3_is_empty(struct pk_ctx *ctx, bool *ret, struct pk_error **err) {
    json_auto_t *versions = NULL, *uploads = NULL;
    json_t *params = bucket_params(ctx);
    pk_json_put_int(params, "MaxKeys", 1);
    if (!pk_ctx_call(ctx, NULL, "ListObjectVersions", params, &versions, err))
        return false;
    params = bucket_params(ctx);
    pk_json_put_int(params, "MaxUploads", 1);
    if (!pk_ctx_call(ctx, NULL, "ListMultipartUploads", params, &uploads, err))
        return false;
    *ret = json_array_size(json_object_get(versions, "Versions")) == 0 &&
           json_array_size(json_object_get(versions, "DeleteMarkers")) == 0 &&
           json_array_size(json_object_get(uploads, "Uploads")) == 0;
    return true;
}

static void add_objects(const json_t *versions, json_t *objects) {
    for (size_t i = 0; i < json_array_size(versions); i++) {
        const json_t *version = json_array_get(versions, i);
        json_t *object = json_object();
        pk_json_put_str(object, "Key", pk_json_str(version, "Key", ""));
        pk_json_put_str(object, "VersionId", pk_json_str(version, "VersionId", NULL));
        json_array_append_new(objects, object);
    }
}

/* *ret_count = how many were there. */
static bool delete_some(struct pk_ctx *ctx, size_t *ret_count, struct pk_error **err) {
    json_auto_t *answer = NULL, *deleted = NULL;
    if (!pk_ctx_call(ctx, NULL, "ListObjectVersions", bucket_params(ctx), &answer, err))
        return false;
    json_auto_t *objects = json_array();
    add_objects(json_object_get(answer, "Versions"), objects);
    add_objects(json_object_get(answer, "DeleteMarkers"), objects);
    *ret_count = json_array_size(objects);
    if (*ret_count == 0)
        return true;
    json_t *params = bucket_params(ctx);
    json_object_set_new(params, "Delete", json_pack("{s:O, s:b}", "Objects", objects, "Quiet", 1));
    if (!pk_ctx_call(ctx, NULL, "DeleteObjects", params, &deleted, err))
        return false;
    const json_t *first = json_array_get(json_object_get(deleted, "Errors"), 0);
    if (!first)
        return true;
    return pk_fail(err, PK_E_REFUSED, "object %s of bucket %s cannot be deleted: %s",
                   pk_json_str(first, "Key", "?"), ctx->id,
                   pk_json_str(first, "Message", pk_json_str(first, "Code", "no reason given")));
}

static bool abort_uploads(struct pk_ctx *ctx, struct pk_error **err) {
    json_auto_t *answer = NULL;
    if (!pk_ctx_call_all(ctx, NULL, "ListMultipartUploads", bucket_params(ctx), &answer, err))
        return false;
    const json_t *uploads = json_object_get(answer, "Uploads");
    for (size_t i = 0; i < json_array_size(uploads); i++) {
        const json_t *upload = json_array_get(uploads, i);
        json_t *params = bucket_params(ctx);
        pk_json_put_str(params, "Key", pk_json_str(upload, "Key", ""));
        pk_json_put_str(params, "UploadId", pk_json_str(upload, "UploadId", ""));
        struct pk_error *error = NULL;
        if (pk_ctx_call(ctx, NULL, "AbortMultipartUpload", params, NULL, &error))
            continue;
        if (!pk_error_in(error, "NoSuchUpload")) {
            *err = error;
            return false;
        }
        pk_error_free(error);
    }
    return true;
}

enum pk_progress pk_s3_empty(struct pk_ctx *ctx, struct pk_error **err) {
    if (ctx->op->wait_limit_ms == 0)
        ctx->op->wait_limit_ms = (int64_t)24 * 60 * 60 * 1000; /* as long as there is progress */
    json_t *scratch = pk_ctx_scratch(ctx);
    for (int round = 0; round < ROUNDS; round++) {
        size_t count = 0;
        if (!delete_some(ctx, &count, err))
            return PK_FAILED;
        if (count == 0)
            return abort_uploads(ctx, err) ? PK_DONE : PK_FAILED;
        int64_t total = pk_json_int(scratch, "deleted", 0) + (int64_t)count;
        pk_json_put_int(scratch, "deleted", total);
    }
    return pk_ctx_wait(ctx, 1, err, "emptying: %lld objects deleted",
                       (long long)pk_json_int(scratch, "deleted", 0));
}
