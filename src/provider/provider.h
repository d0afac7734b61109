/*
 * provider.h - the AWS provider: resource types as tables (type.h), driven by generic steps.
 *
 * Layer 5. A provider may be used from any number of threads.
 */
#ifndef PK_PROVIDER_PROVIDER_H
#define PK_PROVIDER_PROVIDER_H

#include "aws/aws.h"
#include "engine/provider.h"

/*
 * aws: borrowed, must outlive the provider. account_id: copied; NULL = asked for when needed.
 * Errors of a resource carry its address; a create that AWS refused because the resource exists has
 * the id PK_ERROR_EXISTS (engine/provider.h), and find() tells whose it is.
 */
PK_NODISCARD bool pk_aws_provider_new(struct pk_aws *aws, const char *account_id,
                                      struct pk_provider **ret, struct pk_error **err);

/* The traits of every type in the tables, without AWS. */
struct pk_traits_source pk_provider_type_traits(void);

/* The first property (CloudFormation path) of `props` that no row of the type's table covers, at
 * any depth that rows reach: malloc'ed; NULL when all are covered. A type that is not offered
 * covers nothing: "". Pure. */
char *pk_provider_uncovered(const char *type, const json_t *props);

#endif
