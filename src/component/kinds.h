/*
 * kinds.h - the kinds that this version deploys; the registry lists them.
 *
 * Layer 2. Constant data.
 */
#ifndef PK_COMPONENT_KINDS_H
#define PK_COMPONENT_KINDS_H

#include "component/kind.h"

extern const struct pk_kind pk_kind_microservice;
extern const struct pk_kind pk_kind_rds;
extern const struct pk_kind pk_kind_sqs;
extern const struct pk_kind pk_kind_sns;
extern const struct pk_kind pk_kind_lambda;
extern const struct pk_kind pk_kind_dynamodb;
extern const struct pk_kind pk_kind_s3;

#endif
