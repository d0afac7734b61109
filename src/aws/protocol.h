/*
 * protocol.h - the five wire protocols behind one table.
 *
 * Layer 4, inside aws/. Everything here is a pure function of its arguments.
 */
#ifndef PK_AWS_PROTOCOL_H
#define PK_AWS_PROTOCOL_H

#include "aws/wire.h"
#include "base/error.h"

/* What an error answer says. Texts are malloc'ed or NULL. */
struct pk_aws_fault {
    char *code, *message, *request_id;
};
void pk_aws_fault_release(struct pk_aws_fault *fault);

/* What travels beside the JSON parameters and the JSON result. */
struct pk_aws_payload {
    const void *data; /* raw payload member of the request, or NULL */
    size_t len;
    struct pk_buf *ret; /* receives the raw payload member of the answer, or NULL */
};

struct pk_aws_protocol {
    /* Fills method, path, query, headers and body. params have passed pk_aws_check_params. */
    bool (*write)(const struct pk_aws_service *service, const struct pk_aws_operation *operation,
                  json_t *params, const struct pk_aws_payload *payload, struct pk_aws_wire *ret,
                  struct pk_error **err);
    /* Turns a successful answer into a result; *ret is a new reference to an object. */
    bool (*read)(const struct pk_aws_service *service, const struct pk_aws_operation *operation,
                 const struct pk_http_response *response, const struct pk_aws_payload *payload,
                 json_t **ret, struct pk_error **err);
    void (*read_fault)(const struct pk_aws_service *service,
                       const struct pk_http_response *response, struct pk_aws_fault *ret);
};

const struct pk_aws_protocol *pk_aws_protocol_of(const struct pk_aws_service *service);
extern const struct pk_aws_protocol pk_aws_protocol_json, pk_aws_protocol_query,
    pk_aws_protocol_ec2, pk_aws_protocol_rest_json, pk_aws_protocol_rest_xml;

/*
 * Checks names, types and required members against the model, so that the writers need not. A
 * failure is a fault in the caller's tables: INTERNAL, naming service, operation and path.
 */
PK_NODISCARD bool pk_aws_check_params(const struct pk_aws_service *service,
                                      const struct pk_aws_operation *operation,
                                      const json_t *params, struct pk_error **err);
/* The members of an operation's input or output; NULL when it has none. */
const struct pk_aws_shape *pk_aws_input(const struct pk_aws_service *service,
                                        const struct pk_aws_operation *operation);
const struct pk_aws_shape *pk_aws_output(const struct pk_aws_service *service,
                                         const struct pk_aws_operation *operation);
/* A copy of params with absent idempotencyToken members filled by `token`. New reference. */
json_t *pk_aws_fill_tokens(const struct pk_aws_service *service,
                           const struct pk_aws_operation *operation, const json_t *params,
                           void (*token)(void *ctx, char ret[static 37]), void *ctx);
/* "data-" or "{AccountId}." with its labels filled in: malloc'ed, or NULL. */
char *pk_aws_host_prefix(const struct pk_aws_service *service,
                         const struct pk_aws_operation *operation, const json_t *params);

/* JSON bodies. The writer appends, the reader gives a new reference or NULL for "leave it out". */
json_t *pk_aws_json_write(const struct pk_aws_service *service, const struct pk_aws_member *member,
                          json_t *value);
json_t *pk_aws_json_read(const struct pk_aws_service *service, const struct pk_aws_member *member,
                         json_t *value);
/* Parses a JSON body; empty is {}. What jansson refuses but AWS may send (numbers beyond int64, NUL
 * escapes) is accepted. */
PK_NODISCARD bool pk_aws_json_body(const struct pk_buf *body, json_t **ret, struct pk_error **err);
void pk_aws_json_fault(const struct pk_aws_service *service,
                       const struct pk_http_response *response, struct pk_aws_fault *ret);
/* The part of an error type after "#" and before ":". malloc'ed. */
char *pk_aws_error_type(const char *text);

/* XML bodies. */
struct pk_xml;
void pk_aws_xml_write(struct pk_buf *ret, const struct pk_aws_service *service,
                      const struct pk_aws_member *member, const char *name, const json_t *value);
json_t *pk_aws_xml_read(const struct pk_aws_service *service, const struct pk_aws_member *member,
                        const struct pk_xml *node);
/* Reads the members without location of a structure from the children of node into ret. */
void pk_aws_xml_read_members(const struct pk_aws_service *service, const struct pk_aws_shape *shape,
                             const struct pk_xml *node, json_t *ret);
void pk_aws_xml_fault(const struct pk_aws_service *service, const struct pk_http_response *response,
                      struct pk_aws_fault *ret);

/* Headers and URI of the two REST protocols. *ret_body is an object of the members that belong into
 * the body (new reference). */
PK_NODISCARD bool pk_aws_rest_bind(const struct pk_aws_service *service,
                                   const struct pk_aws_operation *operation, json_t *params,
                                   struct pk_aws_wire *wire, json_t **ret_body,
                                   struct pk_error **err);
/* Members that came in headers and in the status. */
void pk_aws_rest_unbind(const struct pk_aws_service *service, const struct pk_aws_shape *shape,
                        const struct pk_http_response *response, json_t *ret);
/* Writes a blob or string payload member; false when the payload is none of these. */
bool pk_aws_rest_raw_body(const struct pk_aws_service *service, const struct pk_aws_shape *shape,
                          const json_t *body, const struct pk_aws_payload *payload,
                          struct pk_aws_wire *wire);
/* Reads one; false when the payload is none of these. */
bool pk_aws_rest_raw_result(const struct pk_aws_service *service, const struct pk_aws_shape *shape,
                            const struct pk_http_response *response,
                            const struct pk_aws_payload *payload, json_t *ret);
const char *pk_aws_method_name(const struct pk_aws_operation *operation);

#endif
