/* special.c - known oddities of single services. */
#include "aws/special.h"
#include "aws/xml.h"

#include "base/hash.h"
#include "base/mem.h"

#include <stdlib.h>
#include <string.h>

static json_t *unescaped(const char *text) {
    struct pk_buf buf;
    pk_buf_init(&buf, PK_BUF_MAX_DEFAULT);
    pk_aws_unescape(&buf, text, strlen(text));
    json_t *value = json_stringn(pk_buf_cstr(&buf), buf.len);
    pk_buf_release(&buf);
    return value ? value : json_string(text);
}

/* "bucket/a key?versionId=1": the key is escaped, "/" and the version stay. */
static void escape_copy_source(json_t *params) {
    const char *source = json_string_value(json_object_get(params, "CopySource"));
    if (source == NULL)
        return;
    const char *version = strstr(source, "?versionId=");
    size_t len = version ? (size_t)(version - source) : strlen(source);
    struct pk_buf escaped;
    pk_buf_init(&escaped, PK_BUF_MAX_DEFAULT);
    pk_aws_escape(&escaped, source, len, "/");
    pk_buf_addz(&escaped, version ? version : "");
    json_object_set_new(params, "CopySource", json_string(pk_buf_cstr(&escaped)));
    pk_buf_release(&escaped);
}

static bool lists_keys(const char *operation) {
    return pk_streq(operation, "ListObjectsV2") || pk_streq(operation, "ListObjectVersions") ||
           pk_streq(operation, "ListMultipartUploads") || pk_streq(operation, "ListObjects");
}

/* "/hostedzone/Z1" -> "Z1". */
static void cut_path(json_t *object, const char *key) {
    const char *text = json_string_value(json_object_get(object, key));
    const char *slash = text ? strrchr(text, '/') : NULL;
    if (slash != NULL)
        json_object_set_new(object, key, json_string(slash + 1));
}

static void encode_user_data(json_t *params) {
    const json_t *data = json_object_get(params, "UserData");
    if (!json_is_string(data))
        return;
    struct pk_buf encoded;
    pk_buf_init(&encoded, PK_BUF_MAX_DEFAULT);
    pk_base64(json_string_value(data), json_string_length(data), &encoded);
    json_object_set_new(params, "UserData", json_string(pk_buf_cstr(&encoded)));
    pk_buf_release(&encoded);
}

void pk_aws_special_params(const struct pk_aws_service *service, const char *operation,
                           json_t *params) {
    static const char *const route53_ids[] = {"Id", "HostedZoneId", "DelegationSetId",
                                              "ResourceId"};
    if (pk_aws_is_s3(service)) {
        escape_copy_source(params);
        if (lists_keys(operation) && json_object_get(params, "EncodingType") == NULL)
            json_object_set_new(params, "EncodingType", json_string("url"));
    } else if (pk_streq(service->name, "route53")) {
        for (size_t i = 0; i < PK_ARRAY_LEN(route53_ids); i++)
            cut_path(params, route53_ids[i]);
    } else if (pk_streq(service->name, "ec2") && pk_streq(operation, "RunInstances")) {
        encode_user_data(params);
    }
}

static bool has_checksum(const struct pk_headers *headers) {
    for (size_t i = 0; i < headers->len; i++) {
        if (strncasecmp(headers->items[i].name, "x-amz-checksum-", 15) == 0)
            return true;
    }
    return pk_headers_get(headers, "Content-MD5") != NULL;
}

static void add_checksum(const struct pk_aws_service *service, struct pk_aws_wire *wire) {
    struct pk_buf text;
    pk_buf_init(&text, 64);
    if (pk_aws_is_s3(service)) {
        uint32_t crc = pk_crc32(wire->body, wire->body_len);
        uint8_t bytes[] = {(uint8_t)(crc >> 24), (uint8_t)(crc >> 16), (uint8_t)(crc >> 8),
                           (uint8_t)crc};
        pk_base64(bytes, sizeof(bytes), &text);
        pk_headers_set(&wire->headers, "x-amz-sdk-checksum-algorithm", "CRC32");
        pk_headers_set(&wire->headers, "x-amz-checksum-crc32", pk_buf_cstr(&text));
    } else {
        uint8_t digest[16];
        pk_md5(wire->body, wire->body_len, digest);
        pk_base64(digest, sizeof(digest), &text);
        pk_headers_set(&wire->headers, "Content-MD5", pk_buf_cstr(&text));
    }
    pk_buf_release(&text);
}

void pk_aws_special_headers(const struct pk_aws_service *service,
                            const struct pk_aws_operation *operation,
                            const json_t *params PK_UNUSED, struct pk_aws_wire *wire) {
    if (operation->flags & PK_AWS_CHECKSUM && !has_checksum(&wire->headers))
        add_checksum(service, wire);
    /* Without it API Gateway answers in HAL form. */
    if (pk_streq(service->name, "apigateway") && !pk_headers_get(&wire->headers, "Accept"))
        pk_headers_set(&wire->headers, "Accept", "application/json");
}

static void decode_texts(json_t *value, const char *const *names, size_t n_names) {
    const char *key;
    json_t *item;
    void *next;
    size_t i;
    if (json_is_array(value)) {
        json_array_foreach(value, i, item) decode_texts(item, names, n_names);
        return;
    }
    json_object_foreach_safe(value, next, key, item) {
        if (!json_is_string(item)) {
            decode_texts(item, names, n_names);
            continue;
        }
        for (size_t n = 0; n < n_names; n++) {
            if (pk_streq(key, names[n])) {
                json_object_set_new(value, key, unescaped(json_string_value(item)));
                break;
            }
        }
    }
}

static void cut_route53_ids(json_t *value) {
    const char *key;
    json_t *item;
    void *next;
    size_t i;
    if (json_is_array(value)) {
        json_array_foreach(value, i, item) cut_route53_ids(item);
        return;
    }
    json_object_foreach_safe(value, next, key, item) {
        const char *text = json_string_value(item);
        if (text == NULL)
            cut_route53_ids(item);
        else if (pk_starts_with(text, "/hostedzone/") || pk_starts_with(text, "/change/") ||
                 pk_starts_with(text, "/delegationset/"))
            cut_path(value, key);
    }
}

/* The whole answer is the root's text; the first two regions have names of their own. */
static void read_bucket_location(const struct pk_http_response *response, json_t *result) {
    struct pk_arena *arena = pk_arena_new();
    const struct pk_xml *root = NULL;
    if (pk_xml_parse(arena, response->body.ptr, response->body.len, &root, NULL)) {
        const char *region = root->text;
        if (region[0] == '\0')
            region = "us-east-1";
        else if (pk_streq(region, "EU"))
            region = "eu-west-1";
        json_object_set_new(result, "LocationConstraint", json_string(region));
    }
    pk_arena_free(arena);
}

void pk_aws_special_result(const struct pk_aws_service *service, const char *operation,
                           const struct pk_http_response *response, json_t *result) {
    static const char *const policies[] = {"PolicyDocument", "AssumeRolePolicyDocument",
                                           "Document"};
    static const char *const keys[] = {"Key",       "Prefix",        "Delimiter", "StartAfter",
                                       "KeyMarker", "NextKeyMarker", "Marker",    "NextMarker"};
    if (pk_streq(service->name, "iam"))
        decode_texts(result, policies, PK_ARRAY_LEN(policies));
    else if (pk_streq(service->name, "route53"))
        cut_route53_ids(result);
    else if (pk_aws_is_s3(service) && pk_streq(operation, "GetBucketLocation"))
        read_bucket_location(response, result);
    else if (pk_aws_is_s3(service) && lists_keys(operation) &&
             pk_streq(json_string_value(json_object_get(result, "EncodingType")), "url"))
        decode_texts(result, keys, PK_ARRAY_LEN(keys));
}
