/*
 * fuzz_aws_response.c - answers of every protocol, as results and as errors.
 *
 * The first byte chooses the service and the status, the second the operation; up to the first
 * empty line come headers, the rest is the body.
 */
#include "aws/protocol.h"
#include "aws/special.h"
#include "base/mem.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void read_headers(struct pk_str *rest, struct pk_headers *ret) {
    struct pk_str line, name;
    while (rest->len > 0 && pk_str_cut(rest, '\n', &line) && line.len > 0) {
        if (memchr(line.ptr, ':', line.len) == NULL || !pk_str_cut(&line, ':', &name))
            continue;
        char *name_text = pk_strndup(name.ptr, name.len);
        char *value = pk_strndup(line.len ? line.ptr : "", line.len);
        bool added PK_UNUSED = pk_headers_add(ret, name_text, value);
        free(name_text);
        free(value);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    static const char *const services[] = {"s3", "ec2", "iam", "dynamodb", "lambda", "route53"};
    if (size < 2)
        return 0;
    const struct pk_aws_service *service =
        pk_aws_service_find(services[data[0] % PK_ARRAY_LEN(services)]);
    const struct pk_aws_operation *operation =
        &service->operations[data[1] % service->n_operations];
    struct pk_http_response response = {.status = data[0] & 0x80 ? 400 : 200};
    struct pk_str rest = pk_str_n((const char *)data + 2, size - 2);
    pk_buf_init(&response.body, 1 << 20);
    read_headers(&rest, &response.headers);
    pk_buf_add(&response.body, rest.ptr, rest.len);
    const struct pk_aws_protocol *protocol = pk_aws_protocol_of(service);
    struct pk_aws_payload payload = {0};
    struct pk_aws_fault fault = {0};
    json_t *result = NULL;
    if (protocol->read(service, operation, &response, &payload, &result, NULL))
        pk_aws_special_result(service, pk_aws_text(service, operation->name), &response, result);
    protocol->read_fault(service, &response, &fault);
    bool hidden PK_UNUSED = pk_aws_s3_is_hidden_error(service, operation, &response);
    free(pk_aws_s3_redirect_region(&response));
    pk_aws_fault_release(&fault);
    json_decref(result);
    pk_http_response_release(&response);
    return 0;
}
