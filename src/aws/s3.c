/* s3.c - what is special about S3. */
#include "aws/special.h"
#include "aws/xml.h"

#include "base/hash.h"
#include "base/mem.h"

#include <arpa/inet.h>
#include <ctype.h>
#include <stdlib.h>
#include <string.h>

bool pk_aws_is_s3(const struct pk_aws_service *service) {
    return pk_streq(service->name, "s3");
}

/* Bucket names that are plain host labels: 3 to 63 of a-z 0-9 - and dots between labels. */
static bool is_host_name(const char *bucket) {
    size_t len = strlen(bucket);
    struct in_addr address;
    if (len < 3 || len > 63 || inet_pton(AF_INET, bucket, &address) == 1)
        return false;
    for (size_t i = 0; i < len; i++) {
        unsigned char c = (unsigned char)bucket[i];
        bool alnum = islower(c) || isdigit(c);
        bool edge = i == 0 || i == len - 1 || bucket[i - 1] == '.' || bucket[i + 1] == '.';
        if (!alnum && (edge || (c != '-' && c != '.')))
            return false;
    }
    return true;
}

bool pk_aws_s3_address(const char *base_url, bool custom, const char *bucket, const char *path,
                       char **ret_base_url, char **ret_path, struct pk_error **err) {
    if (strchr(bucket, ':') != NULL)
        return pk_fail(err, PK_E_UNSUPPORTED, "bucket \"%s\": access point ARNs are not supported",
                       bucket);
    if (bucket[0] == '\0' || strchr(bucket, '/') != NULL)
        return pk_fail(err, PK_E_CONFIG, "\"%s\" is not a bucket name", bucket);
    const char *host = strstr(base_url, "://") + 3;
    bool https = pk_starts_with(base_url, "https://");
    bool in_host = !custom && is_host_name(bucket) && !(https && strchr(bucket, '.') != NULL);
    if (!in_host) {
        *ret_base_url = pk_strdup(base_url);
        *ret_path = pk_strdup(path);
        return true;
    }
    const char *rest = path + 1 + strlen(bucket); /* host names are not escaped in the path */
    *ret_base_url = pk_asprintf("%.*s%s.%s", (int)(host - base_url), base_url, bucket, host);
    *ret_path = pk_strdup(rest[0] == '/' ? rest : "/");
    return true;
}

static bool has_raw_result(const struct pk_aws_service *service,
                           const struct pk_aws_operation *operation) {
    const struct pk_aws_shape *shape = pk_aws_output(service, operation);
    if (shape == NULL || shape->payload == 0)
        return false;
    const struct pk_aws_member *member = pk_aws_member_at(service, shape, shape->payload - 1U);
    enum pk_aws_type type = (enum pk_aws_type)pk_aws_shape_of(service, member)->type;
    return type == PK_AWS_BLOB || type == PK_AWS_STRING;
}

bool pk_aws_s3_is_hidden_error(const struct pk_aws_service *service,
                               const struct pk_aws_operation *operation,
                               const struct pk_http_response *response) {
    if (!pk_aws_is_s3(service) || response->body.len == 0 || has_raw_result(service, operation))
        return false;
    struct pk_arena *arena = pk_arena_new();
    const struct pk_xml *root = NULL;
    bool hidden = !pk_xml_parse(arena, response->body.ptr, response->body.len, &root, NULL) ||
                  pk_streq(root->name, "Error");
    pk_arena_free(arena);
    return hidden;
}

char *pk_aws_s3_redirect_region(const struct pk_http_response *response) {
    if (response->status != 301 && response->status != 307 && response->status != 400)
        return NULL;
    const char *region = pk_headers_get(&response->headers, "x-amz-bucket-region");
    if (region != NULL && region[0] != '\0')
        return pk_strdup(region);
    struct pk_arena *arena = pk_arena_new();
    const struct pk_xml *root = NULL, *node = NULL;
    if (response->body.len > 0 &&
        pk_xml_parse(arena, response->body.ptr, response->body.len, &root, NULL))
        node = pk_xml_child(root, "Region");
    char *copy = node != NULL && node->text[0] != '\0' ? pk_strdup(node->text) : NULL;
    pk_arena_free(arena);
    return copy;
}
