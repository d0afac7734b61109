/*
 * iam.h - policies and roles beyond expand.h: needs of a kind, statements of users, keys.
 *
 * Layer 2. Internal to component/.
 */
#ifndef PK_COMPONENT_IAM_H
#define PK_COMPONENT_IAM_H

#include "component/expand.h"

/* Access that a role needs for a reason that is no `${…}` in the spec: the source of a trigger. */
struct pk_iam_need {
    const struct pk_component *target;
    /* "consume" or "write": beside what else is granted; NULL: the kind's default */
    const char *level;
};

/* pk_iam_role with access, plus needs and further statements (may be NULL; both in `access`).
 * Does not check the size: pk_iam_check_size does, when all policies are there. */
struct pk_resource *pk_iam_role_with(struct pk_expansion *x, const struct pk_component *c,
                                     const char *sub, const char *service_principal,
                                     const struct pk_iam_need *needs, size_t n_needs,
                                     struct pk_statements *more);
/* Adds the inline policy `name`; document is stolen, NULL adds nothing. */
void pk_iam_add_policy(struct pk_expansion *x, struct pk_resource *role, const char *name,
                       json_t *document);
/* Attaches a policy of AWS: "service-role/AWSLambdaVPCAccessExecutionRole". */
void pk_iam_add_managed(struct pk_expansion *x, struct pk_resource *role, const char *name);
/* Finding iam.policy-size. */
void pk_iam_check_size(struct pk_expansion *x, const struct pk_component *c,
                       const struct pk_resource *role);
/* Finding iam.no-role: `permissions` and `iam` of a kind that runs no code. */
void pk_iam_check_unused(struct pk_expansion *x, const struct pk_component *c);

/* One whole statement ({"Effect", "Principal" …}); stolen. */
void pk_iam_add(struct pk_statements *to, json_t *statement);
/* {"Effect": "Allow", "Principal": {"Service": …}} for one action of a service on one resource, as
 * long as it acts for `source_arn`; resource and source_arn are stolen. same_account adds
 * aws:SourceAccount. */
void pk_iam_allow_service(struct pk_expansion *x, struct pk_statements *to, const char *service,
                          const char *action, json_t *resource, json_t *source_arn,
                          bool same_account);
/* The statements that a user wrote at `path`, outputs resolved (edges from r). self: the list that
 * the word `self` in Resource stands for, in policies of resources; NULL for policies of roles.
 * Finding iam.statement. */
void pk_iam_add_written(struct pk_expansion *x, struct pk_resource *r, const struct pk_component *c,
                        const char *path, const json_t *self, struct pk_statements *to);

/* Node `<c>:policy` of a resource policy type: `statements` and those written at policy.statements;
 * NULL when there are none. self as above; stolen. */
struct pk_resource *pk_iam_resource_policy(struct pk_expansion *x, const struct pk_component *c,
                                           const char *type, json_t *self,
                                           struct pk_statements *statements);

/* True when `level` includes `part` (read, write, consume): readwrite has the first two. */
bool pk_iam_includes(const char *level, const char *part);
/* kms:Decrypt and, for write, kms:GenerateDataKey on the customer's key at `path` through a
 * service ("sqs"); nothing without a key or for keys of AWS. */
void pk_iam_allow_key(struct pk_expansion *x, const struct pk_component *c, const char *path,
                      const char *service, const char *level, struct pk_statements *to);
/* A list of one or two values; stolen, b may be NULL. */
json_t *pk_iam_list(json_t *a, json_t *b);

/* Pattern of the field rows that take a KMS key: ARN, alias or id. */
#define PK_KMS_KEY_PATTERN                                                                         \
    "arn:[a-z-]+:kms:[a-z0-9-]+:[0-9]{12}:(key|alias)/.+|alias/[A-Za-z0-9/_-]+|"                   \
    "[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}|mrk-[0-9a-f]{32}"

#endif
