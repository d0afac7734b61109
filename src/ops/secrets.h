/*
 * secrets.h - secrets that stacks refer to: set and list, never read.
 *
 * Layer 8.
 */
#ifndef PK_OPS_SECRETS_H
#define PK_OPS_SECRETS_H

#include "aws/aws.h"
#include "model/project.h"

#define PK_SECRET_MAX                                                                              \
    65536 /* bytes; the limit of Secrets Manager (API reference, PutSecretValue) */

struct pk_secret_owner {
    const char *tenant, *stack, *environment; /* each may be NULL */
};

/* Names of Secrets Manager (A-Za-z0-9/_+=.@-, at most 512) or "ssm:" and a parameter name. */
PK_NODISCARD bool pk_secret_name_check(const char *name, struct pk_error **err);
/* Creates the secret with the owner's tags, or gives it a new version; a secret waiting for
 * deletion is restored first. */
PK_NODISCARD bool pk_secret_set(struct pk_aws *aws, const char *name, const char *value,
                                const char *kms_key, const struct pk_secret_owner *owner,
                                bool *ret_created, struct pk_error **err);
/* List of {name, arn, changedAt, usedBy[], missing}: secrets tagged for the tenant (and stack), and
 * those the project refers to. */
PK_NODISCARD bool pk_secret_list(struct pk_aws *aws, const char *tenant,
                                 const struct pk_project *project, json_t **ret,
                                 struct pk_error **err);

#endif
