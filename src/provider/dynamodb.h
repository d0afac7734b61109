/*
 * dynamodb.h - conversions of DynamoDB's nested properties (functions of struct pk_prop).
 *
 * Layer 5, inside provider/. Pure functions.
 */
#ifndef PK_PROVIDER_DYNAMODB_H
#define PK_PROVIDER_DYNAMODB_H

#include "provider/types.h"

/* One index with only what CloudFormation has; capacity is left out when it is 0 (on demand). */
json_t *pk_dynamodb_index(const struct pk_ctx *ctx, const json_t *index);
json_t *pk_dynamodb_indexes(const struct pk_ctx *ctx, const json_t *value, bool to_api);
json_t *pk_dynamodb_throughput(const struct pk_ctx *ctx, const json_t *value, bool to_api);
json_t *pk_dynamodb_stream(const struct pk_ctx *ctx, const json_t *value, bool to_api);
json_t *pk_dynamodb_sse(const struct pk_ctx *ctx, const json_t *value, bool to_api);
json_t *pk_dynamodb_ttl(const struct pk_ctx *ctx, const json_t *value, bool to_api);
json_t *pk_dynamodb_recovery(const struct pk_ctx *ctx, const json_t *value, bool to_api);

#endif
