/*
 * wire_tool.c - the client's wire formats on standard input and output, for tests in Python.
 *
 * One JSON object a line in, one out:
 *   {"table": {...}}                      loads a table made by `tools/aws_models.py --json`
 *   {"service", "operation", "params"}    -> {"method", "path", "query", "headers", "body",
 * "prefix"}
 *   {"service", "operation", "response": {"status", "headers", "body"}}
 *                                         -> {"result"} or {"fault": {"code", "message"}}
 *   {"service", "region", "variant"}      -> {"url", "signing_region", "signing_name"}
 * Service "@" is the loaded table. Bodies are base64. A failure is {"error": text}.
 */
#include "aws/call.h"
#include "aws/endpoint.h"
#include "aws/special.h"
#include "base/hash.h"
#include "base/mem.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static struct pk_aws_service loaded;

static size_t number(const json_t *row, size_t index) {
    return (size_t)json_integer_value(json_array_get(row, index));
}

static void load_rows(const json_t *table) {
    const json_t *shapes = json_object_get(table, "shapes");
    const json_t *members = json_object_get(table, "members");
    const json_t *operations = json_object_get(table, "operations");
    size_t n_shapes = json_array_size(shapes), n_members = json_array_size(members);
    size_t n_operations = json_array_size(operations);
    struct pk_aws_shape *shape_rows = pk_calloc(n_shapes + 1, sizeof(*shape_rows));
    struct pk_aws_member *member_rows = pk_calloc(n_members + 1, sizeof(*member_rows));
    struct pk_aws_operation *operation_rows = pk_calloc(n_operations + 1, sizeof(*operation_rows));
    for (size_t i = 0; i < n_shapes; i++) {
        const json_t *row = json_array_get(shapes, i);
        shape_rows[i] = (struct pk_aws_shape){
            .type = (uint8_t)number(row, 0),
            .count = (uint16_t)number(row, 1),
            .first = (uint16_t)number(row, 2),
            .payload = (uint16_t)number(row, 3),
        };
    }
    for (size_t i = 0; i < n_members; i++) {
        const json_t *row = json_array_get(members, i);
        member_rows[i] = (struct pk_aws_member){(uint32_t)number(row, 0), (uint32_t)number(row, 1),
                                                (uint16_t)number(row, 2), (uint16_t)number(row, 3)};
    }
    for (size_t i = 0; i < n_operations; i++) {
        const json_t *row = json_array_get(operations, i);
        operation_rows[i] = (struct pk_aws_operation){
            (uint32_t)number(row, 0), (uint32_t)number(row, 1), (uint32_t)number(row, 2),
            (uint32_t)number(row, 3), (uint32_t)number(row, 4), (uint16_t)number(row, 5),
            (uint16_t)number(row, 6), (uint8_t)number(row, 7),  (uint8_t)number(row, 8)};
    }
    loaded.shapes = shape_rows;
    loaded.members = member_rows;
    loaded.operations = operation_rows;
    loaded.n_operations = (uint16_t)n_operations;
}

static uint32_t field(const json_t *table, const char *key) {
    return (uint32_t)json_integer_value(json_object_get(table, key));
}

static json_t *load_table(const json_t *table) {
    struct pk_buf pool;
    json_t *item;
    size_t i;
    free((void *)(uintptr_t)loaded.strings);
    free((void *)(uintptr_t)loaded.shapes);
    free((void *)(uintptr_t)loaded.members);
    free((void *)(uintptr_t)loaded.operations);
    pk_buf_init(&pool, PK_BUF_MAX_DEFAULT);
    json_array_foreach(json_object_get(table, "strings"), i, item)
        pk_buf_add(&pool, json_string_value(item), json_string_length(item) + 1);
    loaded = (struct pk_aws_service){
        .name = "test",
        .api_version = field(table, "api_version"),
        .target_prefix = field(table, "target_prefix"),
        .json_version = field(table, "json_version"),
        .signing_name = field(table, "signing_name"),
        .service_id = field(table, "service_id"),
        .protocol = (uint8_t)field(table, "protocol"),
        .query_compatible = json_is_true(json_object_get(table, "query_compatible")),
    };
    load_rows(table);
    loaded.strings = pk_buf_steal(&pool);
    return json_object();
}

static json_t *base64(const void *data, size_t len) {
    struct pk_buf text;
    pk_buf_init(&text, PK_BUF_MAX_DEFAULT);
    pk_base64(data, len, &text);
    json_t *value = json_string(pk_buf_cstr(&text));
    pk_buf_release(&text);
    return value;
}

static json_t *failure(struct pk_error *err) {
    json_t *answer = json_pack("{s:s}", "error", err->message);
    pk_error_free(err);
    return answer;
}

static void fixed_token(void *ctx, char ret[static 37]) {
    (void)ctx;
    memcpy(ret, "00000000-0000-4000-8000-000000000000", 37);
}

static json_t *write_request(const struct pk_aws_service *service,
                             const struct pk_aws_operation *operation, const json_t *params) {
    struct pk_aws_payload payload = {0};
    struct pk_aws_wire wire;
    struct pk_error *err = NULL;
    json_t *full = NULL;
    if (!pk_aws_write_request(service, operation, params, &payload, fixed_token, NULL, &wire, &full,
                              &err))
        return failure(err);
    json_t *query = json_array(), *headers = json_object();
    for (size_t i = 0; i < wire.query.len; i++) {
        const struct pk_aws_pair *pair = &wire.query.items[i];
        json_array_append_new(query, json_pack("[s,s?]", pair->key, pair->value));
    }
    for (size_t i = 0; i < wire.headers.len; i++)
        json_object_set_new(headers, wire.headers.items[i].name,
                            json_string(wire.headers.items[i].value));
    json_t *answer = json_pack("{s:s, s:s, s:o, s:o, s:o, s:s?}", "method", wire.method, "path",
                               pk_buf_cstr(&wire.path), "query", query, "headers", headers, "body",
                               base64(wire.body, wire.body_len), "prefix", wire.host_prefix);
    pk_aws_wire_release(&wire);
    json_decref(full);
    return answer;
}

static json_t *read_response(const struct pk_aws_service *service,
                             const struct pk_aws_operation *operation, const json_t *given) {
    struct pk_http_response response = {
        .status = (int)json_integer_value(json_object_get(given, "status"))};
    struct pk_aws_payload payload = {0};
    struct pk_error *err = NULL;
    json_t *answer, *value;
    const char *key;
    pk_buf_init(&response.body, PK_BUF_MAX_DEFAULT);
    bool ok =
        pk_base64_decode(pk_str(json_string_value(json_object_get(given, "body"))), &response.body);
    json_object_foreach(json_object_get(given, "headers"), key, value) ok =
        pk_headers_add(&response.headers, key, json_string_value(value)) && ok;
    const struct pk_aws_protocol *protocol = pk_aws_protocol_of(service);
    if (response.status >= 300) {
        struct pk_aws_fault fault = {0};
        protocol->read_fault(service, &response, &fault);
        answer =
            json_pack("{s:{s:s?, s:s?}}", "fault", "code", fault.code, "message", fault.message);
        pk_aws_fault_release(&fault);
    } else if (ok && protocol->read(service, operation, &response, &payload, &value, &err)) {
        answer = json_pack("{s:o}", "result", value);
    } else {
        answer = failure(err);
    }
    pk_http_response_release(&response);
    return answer;
}

static json_t *resolve(const struct pk_aws_service *service, const json_t *line) {
    struct pk_aws_endpoint endpoint;
    struct pk_error *err = NULL;
    const char *region = json_string_value(json_object_get(line, "region"));
    unsigned variant = (unsigned)json_integer_value(json_object_get(line, "variant"));
    if (!pk_aws_endpoint_resolve(service, region, variant, NULL, &endpoint, &err))
        return failure(err);
    const char *bucket = json_string_value(json_object_get(line, "bucket"));
    json_t *answer;
    char *base = NULL, *path = NULL;
    if (bucket != NULL) {
        struct pk_buf in_path;
        pk_buf_init(&in_path, 1024);
        pk_buf_addc(&in_path, '/');
        pk_aws_escape(&in_path, bucket, strlen(bucket), "");
        bool ok = pk_aws_s3_address(endpoint.url, false, bucket, pk_buf_cstr(&in_path), &base,
                                    &path, &err);
        pk_buf_release(&in_path);
        answer = ok ? json_pack("{s:s+, s:s, s:s}", "url", base, pk_streq(path, "/") ? "" : path,
                                "signing_region", endpoint.signing_region, "signing_name",
                                endpoint.signing_name)
                    : failure(err);
        free(base);
        free(path);
    } else {
        answer = json_pack("{s:s, s:s, s:s}", "url", endpoint.url, "signing_region",
                           endpoint.signing_region, "signing_name", endpoint.signing_name);
    }
    pk_aws_endpoint_release(&endpoint);
    return answer;
}

static json_t *answer_line(const json_t *line) {
    const json_t *table = json_object_get(line, "table");
    if (table != NULL)
        return load_table(table);
    const char *name = json_string_value(json_object_get(line, "service"));
    const struct pk_aws_service *service =
        pk_streq(name, "@") ? &loaded : pk_aws_service_find(name ? name : "");
    if (service == NULL)
        return json_pack("{s:s}", "error", "no such service");
    if (json_object_get(line, "region") != NULL)
        return resolve(service, line);
    const char *operation_name = json_string_value(json_object_get(line, "operation"));
    const struct pk_aws_operation *operation =
        pk_aws_operation_find(service, operation_name ? operation_name : "");
    if (operation == NULL)
        return json_pack("{s:s}", "error", "no such operation");
    const json_t *response = json_object_get(line, "response");
    return response ? read_response(service, operation, response)
                    : write_request(service, operation, json_object_get(line, "params"));
}

int main(void) {
    char *text = NULL;
    size_t size = 0;
    ssize_t len;
    while ((len = getline(&text, &size, stdin)) > 0) {
        json_error_t why;
        json_t *line = json_loadb(text, (size_t)len, JSON_ALLOW_NUL, &why);
        json_t *answer = line ? answer_line(line) : json_pack("{s:s}", "error", why.text);
        char *out = json_dumps(answer, JSON_COMPACT);
        puts(out);
        fflush(stdout);
        free(out);
        json_decref(answer);
        json_decref(line);
    }
    free(text);
    free((void *)(uintptr_t)loaded.strings);
    free((void *)(uintptr_t)loaded.shapes);
    free((void *)(uintptr_t)loaded.members);
    free((void *)(uintptr_t)loaded.operations);
    return 0;
}
