/* backend.c - the bucket of the platform; the table is in backend_table.c. */
#include "tenant/backend.h"

#include "json/json.h"

#include <stdlib.h>
#include <string.h>

#define RULE_ID "panka-old-versions"
#define POLICY_SID "PankaTlsOnly"
#define OLD_VERSION_DAYS 90

void pk_backend_report(const struct pk_backend_work *w, enum pk_backend_step step, const char *fmt,
                       ...) {
    va_list args;
    va_start(args, fmt);
    char *what PK_CLEANUP(pk_freep) = pk_vasprintf(fmt, args);
    va_end(args);
    if (w->request->on_step)
        w->request->on_step(w->request->ctx, what, step);
}

bool pk_backend_call(const struct pk_backend_work *w, const char *service, const char *operation,
                     json_t *params, json_t **ret, struct pk_error **err) {
    struct pk_aws_io io = {.region = w->request->region};
    return pk_aws_call(w->aws, service, operation, params, &io, ret, err);
}

/* Every call names the owner: a bucket that changes hands in between is not touched. */
static json_t *bucket_params(const struct pk_backend_work *w) {
    json_t *params = json_object();
    pk_json_put_str(params, "Bucket", w->request->bucket);
    pk_json_put_str(params, "ExpectedBucketOwner", w->account);
    return params;
}

static bool call_bucket(const struct pk_backend_work *w, const char *operation, json_t *params,
                        json_t **ret, struct pk_error **err) {
    bool ok = pk_backend_call(w, "s3", operation, params, ret, err);
    json_decref(params);
    return ok || pk_wrap(err, "bucket %s", w->request->bucket);
}

static void report(const struct pk_backend_work *w, const char *what, enum pk_backend_step step) {
    pk_backend_report(w, step, "bucket %s: %s", w->request->bucket, what);
}

/* Reads one setting of the bucket; *ret NULL when it answers with `absent`: not set. */
static bool read_setting(const struct pk_backend_work *w, const char *operation, const char *absent,
                         json_t **ret, struct pk_error **err) {
    struct pk_error *why PK_CLEANUP(pk_error_freep) = NULL;
    *ret = NULL;
    if (call_bucket(w, operation, bucket_params(w), ret, &why))
        return true;
    if (absent && pk_error_is_aws(why, absent))
        return true;
    if (err)
        *err = pk_steal(&why);
    return false;
}

/* --- the bucket itself */

static bool not_ours(const struct pk_backend_work *w, struct pk_error **err) {
    pk_fail(err, PK_E_REFUSED,
            "bucket %s exists and does not belong to account %s, or these "
            "credentials may not use it",
            w->request->bucket, w->account);
    return pk_error_hint(err, "names of buckets are unique in all of AWS: choose another one");
}

static bool create_bucket(const struct pk_backend_work *w, struct pk_error **err) {
    struct pk_error *why PK_CLEANUP(pk_error_freep) = NULL;
    json_t *params PK_CLEANUP(json_decrefp) = json_object();
    pk_json_put_str(params, "Bucket", w->request->bucket);
    pk_json_put_str(params, "ObjectOwnership", "BucketOwnerEnforced");
    if (!pk_streq(w->request->region, "us-east-1")) /* which has no name as a location */
        pk_json_put_str(params, "CreateBucketConfiguration.LocationConstraint", w->request->region);
    if (pk_backend_call(w, "s3", "CreateBucket", params, NULL, &why) ||
        pk_error_is_aws(why, "BucketAlreadyOwnedByYou")) {
        pk_backend_report(w, PK_BACKEND_CREATED, "bucket %s", w->request->bucket);
        return true;
    }
    if (pk_error_is_aws(why, "BucketAlreadyExists"))
        return not_ours(w, err);
    pk_wrap(&why, "bucket %s", w->request->bucket);
    if (err)
        *err = pk_steal(&why);
    return false;
}

static bool check_region(const struct pk_backend_work *w, struct pk_error **err) {
    json_t *result PK_CLEANUP(json_decrefp) = NULL;
    if (!read_setting(w, "GetBucketLocation", NULL, &result, err))
        return false;
    const char *place = pk_json_str(result, "LocationConstraint", "");
    if (!*place)
        place = "us-east-1";
    if (pk_streq(place, "EU"))
        place = "eu-west-1";
    if (pk_streq(place, w->request->region))
        return true;
    return pk_fail(err, PK_E_CONFIG, "bucket %s is in %s, not in %s", w->request->bucket, place,
                   w->request->region) ||
           pk_error_hint(err, "pass --region %s, or choose another bucket", place);
}

static bool ensure_bucket(const struct pk_backend_work *w, struct pk_error **err) {
    struct pk_error *why PK_CLEANUP(pk_error_freep) = NULL;
    if (call_bucket(w, "HeadBucket", bucket_params(w), NULL, &why)) {
        if (!check_region(w, err))
            return false;
        pk_backend_report(w, PK_BACKEND_UNCHANGED, "bucket %s", w->request->bucket);
        return true;
    }
    if (why->aws.http_status == 404)
        return create_bucket(w, err);
    if (why->aws.http_status == 403)
        return not_ours(w, err);
    if (err)
        *err = pk_steal(&why);
    return false;
}

/* --- its settings */

static bool ensure_versioning(const struct pk_backend_work *w, struct pk_error **err) {
    json_t *now PK_CLEANUP(json_decrefp) = NULL;
    if (!read_setting(w, "GetBucketVersioning", NULL, &now, err))
        return false;
    bool on = pk_streq(pk_json_str(now, "Status", NULL), "Enabled");
    if (!on) {
        json_t *params = bucket_params(w);
        pk_json_put_str(params, "VersioningConfiguration.Status", "Enabled");
        if (!call_bucket(w, "PutBucketVersioning", params, NULL, err))
            return false;
    }
    report(w, "versioning", on ? PK_BACKEND_UNCHANGED : PK_BACKEND_UPDATED);
    return true;
}

static bool ensure_encryption(const struct pk_backend_work *w, struct pk_error **err) {
    json_t *now PK_CLEANUP(json_decrefp) = NULL;
    if (!read_setting(w, "GetBucketEncryption", "ServerSideEncryptionConfigurationNotFoundError",
                      &now, err))
        return false;
    /* a stronger choice (aws:kms) stays */
    bool on = pk_json_str(now,
                          "ServerSideEncryptionConfiguration.Rules[0]."
                          "ApplyServerSideEncryptionByDefault.SSEAlgorithm",
                          NULL) != NULL;
    if (!on) {
        json_t *params = bucket_params(w);
        pk_json_put(params, "ServerSideEncryptionConfiguration.Rules",
                    json_pack("[{s:{s:s}}]", "ApplyServerSideEncryptionByDefault", "SSEAlgorithm",
                              "AES256"));
        if (!call_bucket(w, "PutBucketEncryption", params, NULL, err))
            return false;
    }
    report(w, "encryption", on ? PK_BACKEND_UNCHANGED : PK_BACKEND_UPDATED);
    return true;
}

static bool ensure_no_public_access(const struct pk_backend_work *w, struct pk_error **err) {
    static const char *const blocks[] = {"BlockPublicAcls", "IgnorePublicAcls", "BlockPublicPolicy",
                                         "RestrictPublicBuckets"};
    json_t *now PK_CLEANUP(json_decrefp) = NULL;
    if (!read_setting(w, "GetPublicAccessBlock", "NoSuchPublicAccessBlockConfiguration", &now, err))
        return false;
    const json_t *have = json_object_get(now, "PublicAccessBlockConfiguration");
    json_t *want = json_object();
    bool on = true;
    for (size_t i = 0; i < PK_ARRAY_LEN(blocks); i++) {
        on = on && pk_json_bool(have, blocks[i], false);
        json_object_set_new(want, blocks[i], json_true());
    }
    json_t *params = bucket_params(w);
    json_object_set_new(params, "PublicAccessBlockConfiguration", want);
    if (on)
        json_decref(params);
    else if (!call_bucket(w, "PutPublicAccessBlock", params, NULL, err))
        return false;
    report(w, "public access block", on ? PK_BACKEND_UNCHANGED : PK_BACKEND_UPDATED);
    return true;
}

static json_t *tls_statement(const struct pk_backend_work *w) {
    const char *partition = pk_aws_partition(w->request->region);
    json_t *s = json_object();
    pk_json_put_str(s, "Sid", POLICY_SID);
    pk_json_put_str(s, "Effect", "Deny");
    pk_json_put_str(s, "Principal", "*");
    pk_json_put_str(s, "Action", "s3:*");
    json_object_set_new(
        s, "Resource",
        json_pack("[o, o]", pk_json_textf("arn:%s:s3:::%s", partition, w->request->bucket),
                  pk_json_textf("arn:%s:s3:::%s/*", partition, w->request->bucket)));
    json_object_set_new(s, "Condition",
                        json_pack("{s:{s:s}}", "Bool", "aws:SecureTransport", "false"));
    return s;
}

/* The policy that is there with our statement in it; other statements stay. New reference. */
static json_t *with_statement(json_t *policy, json_t *ours, bool *ret_same) {
    json_t *list = json_object_get(policy, "Statement");
    json_t *merged = json_array();
    *ret_same = false;
    if (json_is_object(list)) /* a single statement may stand without its list */
        json_array_append(merged, list);
    for (size_t i = 0; i < json_array_size(list); i++) {
        json_t *s = json_array_get(list, i);
        if (!pk_streq(pk_json_str(s, "Sid", NULL), POLICY_SID))
            json_array_append(merged, s);
        else
            *ret_same = pk_json_equal(s, ours);
    }
    json_array_append(merged, ours);
    json_t *result = json_object();
    pk_json_put_str(result, "Version", pk_json_str(policy, "Version", "2012-10-17"));
    if (json_object_get(policy, "Id"))
        json_object_set(result, "Id", json_object_get(policy, "Id"));
    json_object_set_new(result, "Statement", merged);
    return result;
}

static bool ensure_policy(const struct pk_backend_work *w, struct pk_error **err) {
    json_t *now PK_CLEANUP(json_decrefp) = NULL;
    json_t *policy PK_CLEANUP(json_decrefp) = NULL;
    json_t *ours PK_CLEANUP(json_decrefp) = tls_statement(w);
    if (!read_setting(w, "GetBucketPolicy", "NoSuchBucketPolicy", &now, err))
        return false;
    const char *text = pk_json_str(now, "Policy", NULL);
    if (text && !pk_json_parse(text, strlen(text), "the bucket's policy", &policy, err))
        return false;
    bool same;
    json_t *want PK_CLEANUP(json_decrefp) = with_statement(policy, ours, &same);
    if (!same) {
        char *document PK_CLEANUP(pk_freep) = pk_json_canonical(want);
        json_t *params = bucket_params(w);
        pk_json_put_str(params, "Policy", document);
        if (!call_bucket(w, "PutBucketPolicy", params, NULL, err))
            return false;
    }
    report(w, "TLS-only policy", same ? PK_BACKEND_UNCHANGED : PK_BACKEND_UPDATED);
    return true;
}

static bool is_our_rule(const json_t *rule) {
    return pk_streq(pk_json_str(rule, "Status", NULL), "Enabled") &&
           pk_json_int(rule, "NoncurrentVersionExpiration.NoncurrentDays", 0) == OLD_VERSION_DAYS;
}

static bool ensure_lifecycle(const struct pk_backend_work *w, struct pk_error **err) {
    json_t *now PK_CLEANUP(json_decrefp) = NULL;
    if (!read_setting(w, "GetBucketLifecycleConfiguration", "NoSuchLifecycleConfiguration", &now,
                      err))
        return false;
    const json_t *have = json_object_get(now, "Rules");
    json_t *rules = json_array();
    bool on = false;
    for (size_t i = 0; i < json_array_size(have); i++) {
        json_t *rule = json_array_get(have, i);
        if (pk_streq(pk_json_str(rule, "ID", NULL), RULE_ID))
            on = is_our_rule(rule);
        else
            json_array_append(rules, rule);
    }
    json_array_append_new(rules, json_pack("{s:s, s:s, s:{s:s}, s:{s:i}, s:{s:i}}", "ID", RULE_ID,
                                           "Status", "Enabled", "Filter", "Prefix", "",
                                           "NoncurrentVersionExpiration", "NoncurrentDays",
                                           OLD_VERSION_DAYS, "AbortIncompleteMultipartUpload",
                                           "DaysAfterInitiation", 7));
    json_t *params = bucket_params(w);
    pk_json_put(params, "LifecycleConfiguration.Rules", rules);
    if (on)
        json_decref(params);
    else if (!call_bucket(w, "PutBucketLifecycleConfiguration", params, NULL, err))
        return false;
    report(w, "old versions are kept for 90 days", on ? PK_BACKEND_UNCHANGED : PK_BACKEND_UPDATED);
    return true;
}

bool pk_backend_create(struct pk_aws *aws, const struct pk_backend_request *request,
                       struct pk_error **err) {
    struct pk_backend_work w = {.aws = aws, .request = request};
    if (!request->bucket || !*request->bucket || !request->table || !*request->table)
        return pk_fail(err, PK_E_USAGE, "a backend needs a bucket and a table");
    if (!pk_aws_caller(aws, &w.account, NULL, err))
        return false;
    bool ok = ensure_bucket(&w, err) && ensure_versioning(&w, err) && ensure_encryption(&w, err) &&
              ensure_no_public_access(&w, err) && ensure_policy(&w, err) &&
              ensure_lifecycle(&w, err) && pk_backend_table(&w, err);
    free(w.account);
    return ok;
}
