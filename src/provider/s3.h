/*
 * s3.h - what the files of S3's types share.
 *
 * Layer 5, inside provider/.
 */
#ifndef PK_PROVIDER_S3_H
#define PK_PROVIDER_S3_H

#include "provider/types.h"

/* Conversions of bucket configurations (functions of struct pk_prop; s3_config.c). */
json_t *pk_s3_lifecycle(const struct pk_ctx *ctx, const json_t *value, bool to_api);
json_t *pk_s3_website(const struct pk_ctx *ctx, const json_t *value, bool to_api);
json_t *pk_s3_logging(const struct pk_ctx *ctx, const json_t *value, bool to_api);
json_t *pk_s3_canned_acl(const struct pk_ctx *ctx, const json_t *value, bool to_api);
json_t *pk_s3_versioning(const struct pk_ctx *ctx, const json_t *value, bool to_api);

/* Deletes every version, marker and unfinished upload, some per call: PK_AGAIN until none is
 * left. */
enum pk_progress pk_s3_empty(struct pk_ctx *ctx, struct pk_error **err);
/* Is there any version, marker or unfinished upload? */
bool pk_s3_is_empty(struct pk_ctx *ctx, bool *ret, struct pk_error **err);

#endif
