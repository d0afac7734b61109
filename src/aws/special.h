/*
 * special.h - what the models do not say: S3 addressing and the known oddities of single services.
 *
 * Layer 4, inside aws/. Pure functions.
 */
#ifndef PK_AWS_SPECIAL_H
#define PK_AWS_SPECIAL_H

#include "aws/protocol.h"

/* Changes a copy of the parameters before they are checked and written (S3 CopySource and
 * encoding-type, Route 53 ids, EC2 user data). */
void pk_aws_special_params(const struct pk_aws_service *service, const char *operation,
                           json_t *params);
/* Adds headers that the model does not name: checksums, Accept, x-amz-content-sha256. */
void pk_aws_special_headers(const struct pk_aws_service *service,
                            const struct pk_aws_operation *operation, const json_t *params,
                            struct pk_aws_wire *wire);
/* Changes a result: IAM policies are URL-encoded, Route 53 ids have a prefix, S3 keys are escaped.
 */
void pk_aws_special_result(const struct pk_aws_service *service, const char *operation,
                           const struct pk_http_response *response, json_t *result);

bool pk_aws_is_s3(const struct pk_aws_service *service);
/*
 * Where a bucket is addressed. base_url has no final "/". Moves the bucket from the path into the
 * host when that is possible (never for a custom endpoint). *ret_url is malloc'ed.
 */
PK_NODISCARD bool pk_aws_s3_address(const char *base_url, bool custom, const char *bucket,
                                    const char *path, char **ret_base_url, char **ret_path,
                                    struct pk_error **err);
/* A 2xx answer of S3 that is none: an <Error> document, or XML that breaks off. */
bool pk_aws_s3_is_hidden_error(const struct pk_aws_service *service,
                               const struct pk_aws_operation *operation,
                               const struct pk_http_response *response);
/* The region that S3 names when it refuses this one, malloc'ed, or NULL. */
char *pk_aws_s3_redirect_region(const struct pk_http_response *response);

#endif
