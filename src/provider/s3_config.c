/* s3_config.c - bucket configurations between CloudFormation's shape and S3's. */
#include "provider/s3.h"

#include <ctype.h>
#include <string.h>

/* Copies members under other names; pairs end with NULL. */
static void rename_members(const json_t *from, json_t *to, const char *const *pairs, bool to_api) {
    for (; pairs[0]; pairs += 2) {
        json_t *value = json_object_get(from, pairs[to_api ? 0 : 1]);
        if (value && !json_is_null(value))
            json_object_set_new(to, pairs[to_api ? 1 : 0], json_deep_copy(value));
    }
}

/* --- lifecycle --- */

static const char *const same_members[] = {"Status",
                                           "Status",
                                           "AbortIncompleteMultipartUpload",
                                           "AbortIncompleteMultipartUpload",
                                           "NoncurrentVersionExpiration",
                                           "NoncurrentVersionExpiration",
                                           "Id",
                                           "ID",
                                           NULL};
static const char *const expiration_members[] = {
    "ExpirationInDays",          "Days", "ExpirationDate", "Date", "ExpiredObjectDeleteMarker",
    "ExpiredObjectDeleteMarker", NULL};
static const char *const transition_members[] = {
    "TransitionInDays", "Days", "TransitionDate", "Date", "StorageClass", "StorageClass", NULL};
static const char *const noncurrent_members[] = {"TransitionInDays",
                                                 "NoncurrentDays",
                                                 "StorageClass",
                                                 "StorageClass",
                                                 "NewerNoncurrentVersions",
                                                 "NewerNoncurrentVersions",
                                                 NULL};
static const char *const filter_members[] = {"Prefix",
                                             "Prefix",
                                             "ObjectSizeGreaterThan",
                                             "ObjectSizeGreaterThan",
                                             "ObjectSizeLessThan",
                                             "ObjectSizeLessThan",
                                             NULL};

static json_t *rename_list(const json_t *list, const char *const *pairs, bool to_api) {
    json_t *ret = json_array();
    for (size_t i = 0; i < json_array_size(list); i++) {
        json_t *item = json_object();
        rename_members(json_array_get(list, i), item, pairs, to_api);
        json_array_append_new(ret, item);
    }
    return ret;
}

/* Sizes are texts in CloudFormation. */
static void sizes(json_t *filter, bool to_api) {
    static const char *const names[] = {"ObjectSizeGreaterThan", "ObjectSizeLessThan"};
    for (size_t i = 0; i < PK_ARRAY_LEN(names); i++) {
        const json_t *value = json_object_get(filter, names[i]);
        int64_t number;
        if (to_api && json_is_string(value) &&
            pk_parse_i64(pk_str(json_string_value(value)), &number))
            json_object_set_new(filter, names[i], json_integer(number));
        else if (!to_api && json_is_integer(value))
            json_object_set_new(filter, names[i],
                                pk_json_textf("%lld", (long long)json_integer_value(value)));
    }
}

/* One condition stands alone in a filter, several stand in And. */
static json_t *filter_to_api(const json_t *rule) {
    json_t *conditions = json_object();
    rename_members(rule, conditions, filter_members, true);
    sizes(conditions, true);
    json_t *tags = json_object_get(rule, "TagFilters");
    size_t n = json_object_size(conditions) + json_array_size(tags);
    if (n == 1 && json_array_size(tags) == 1)
        json_object_set(conditions, "Tag", json_array_get(tags, 0));
    else if (json_array_size(tags))
        json_object_set(conditions, "Tags", tags);
    if (n > 1)
        return json_pack("{s:o}", "And", conditions);
    if (n == 0)
        pk_json_put_str(conditions, "Prefix", "");
    return conditions;
}

static void filter_from_api(const json_t *filter, json_t *rule) {
    const json_t *conditions = json_object_get(filter, "And");
    if (!conditions)
        conditions = filter;
    json_t *flat = json_object();
    rename_members(conditions, flat, filter_members, false);
    sizes(flat, false);
    json_object_update(rule, flat);
    json_decref(flat);
    json_t *tags = json_object_get(conditions, "Tags"), *tag = json_object_get(conditions, "Tag");
    if (tags)
        json_object_set(rule, "TagFilters", tags);
    else if (tag)
        json_object_set_new(rule, "TagFilters", json_pack("[O]", tag));
}

static json_t *rule_to_api(const json_t *rule) {
    json_t *ret = json_object(), *expiration = json_object();
    rename_members(rule, ret, same_members, true);
    rename_members(rule, expiration, expiration_members, true);
    if (json_object_size(expiration))
        json_object_set(ret, "Expiration", expiration);
    json_decref(expiration);
    const json_t *transitions = json_object_get(rule, "Transitions");
    if (json_array_size(transitions))
        json_object_set_new(ret, "Transitions", rename_list(transitions, transition_members, true));
    transitions = json_object_get(rule, "NoncurrentVersionTransitions");
    if (json_array_size(transitions))
        json_object_set_new(ret, "NoncurrentVersionTransitions",
                            rename_list(transitions, noncurrent_members, true));
    json_object_set_new(ret, "Filter", filter_to_api(rule));
    return ret;
}

static json_t *rule_from_api(const json_t *rule) {
    json_t *ret = json_object();
    rename_members(rule, ret, same_members, false);
    rename_members(json_object_get(rule, "Expiration"), ret, expiration_members, false);
    const json_t *transitions = json_object_get(rule, "Transitions");
    if (json_array_size(transitions))
        json_object_set_new(ret, "Transitions",
                            rename_list(transitions, transition_members, false));
    transitions = json_object_get(rule, "NoncurrentVersionTransitions");
    if (json_array_size(transitions))
        json_object_set_new(ret, "NoncurrentVersionTransitions",
                            rename_list(transitions, noncurrent_members, false));
    filter_from_api(json_object_get(rule, "Filter") ? json_object_get(rule, "Filter") : rule, ret);
    return ret;
}

json_t *pk_s3_lifecycle(const struct pk_ctx *ctx, const json_t *value, bool to_api) {
    (void)ctx;
    json_t *rules = json_array();
    const json_t *from = json_object_get(value, "Rules");
    for (size_t i = 0; i < json_array_size(from); i++) {
        const json_t *rule = json_array_get(from, i);
        json_array_append_new(rules, to_api ? rule_to_api(rule) : rule_from_api(rule));
    }
    return json_pack("{s:o}", "Rules", rules);
}

/* --- others --- */

static const struct pk_names website_names[] = {
    {"RedirectRule", "Redirect", 0}, {"RoutingRuleCondition", "Condition", 0}, {NULL, NULL, 0}};

json_t *pk_s3_website(const struct pk_ctx *ctx, const json_t *value, bool to_api) {
    (void)ctx;
    static const char *const single[][2] = {{"IndexDocument", "Suffix"}, {"ErrorDocument", "Key"}};
    json_t *ret = pk_names_convert(value, website_names, false, to_api);
    for (size_t i = 0; i < PK_ARRAY_LEN(single); i++) {
        json_t *document = json_object_get(ret, single[i][0]);
        if (!document)
            continue;
        json_t *other = to_api ? json_pack("{s:O}", single[i][1], document)
                               : json_incref(json_object_get(document, single[i][1]));
        if (other)
            json_object_set_new(ret, single[i][0], other);
    }
    return ret;
}

static const char *const logging_members[] = {"DestinationBucketName",
                                              "TargetBucket",
                                              "LogFilePrefix",
                                              "TargetPrefix",
                                              "TargetObjectKeyFormat",
                                              "TargetObjectKeyFormat",
                                              NULL};

json_t *pk_s3_logging(const struct pk_ctx *ctx, const json_t *value, bool to_api) {
    (void)ctx;
    json_t *enabled = json_object();
    rename_members(value, enabled, logging_members, to_api);
    if (!to_api)
        return enabled;
    /* S3 requires the prefix, CloudFormation does not. */
    if (!json_object_get(enabled, "TargetPrefix"))
        pk_json_put_str(enabled, "TargetPrefix", "");
    return json_pack("{s:o}", "LoggingEnabled", enabled);
}

/* "PublicReadWrite" -> "public-read-write" */
json_t *pk_s3_canned_acl(const struct pk_ctx *ctx, const json_t *value, bool to_api) {
    (void)ctx;
    pk_assert(to_api);
    struct pk_buf buf;
    pk_buf_init(&buf, 256);
    for (const char *c = json_is_string(value) ? json_string_value(value) : ""; *c; c++) {
        if (isupper((unsigned char)*c) && buf.len)
            pk_buf_addc(&buf, '-');
        pk_buf_addc(&buf, (char)tolower((unsigned char)*c));
    }
    json_t *ret = pk_json_text(pk_buf_cstr(&buf));
    pk_buf_release(&buf);
    return ret;
}

/* A bucket that never had versions shows nothing, and cannot be told from a suspended one by what
 * it does. */
json_t *pk_s3_versioning(const struct pk_ctx *ctx, const json_t *value, bool to_api) {
    (void)ctx;
    (void)to_api;
    return json_pack("{s:s}", "Status", pk_json_str(value, "Status", "Suspended"));
}
