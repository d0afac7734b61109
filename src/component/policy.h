/*
 * policy.h - resource policies: who may send to a queue, publish to a topic, use a bucket; and
 * access to keys.
 *
 * Layer 2. Internal to component/.
 */
#ifndef PK_COMPONENT_POLICY_H
#define PK_COMPONENT_POLICY_H

#include "component/internal.h"

/* The statements a component's own `policy.statements` brings, with `self` replaced by `arn`;
 * sorted into `to`. */
void pk_policy_add_own(struct pk_expansion *x, struct pk_resource *r, const struct pk_component *c,
                       const json_t *arn, json_t *to);
/* One Allow for an AWS service on `arn`, on behalf of the source ARN. */
json_t *pk_policy_service(const char *sid, const char *service, const char *action,
                          const json_t *arn, json_t *source_arn);
/* {"Version", "Statement"} of a list (stolen), or NULL when it is empty. */
json_t *pk_policy_document(json_t *statements);
/* Policy of a queue: senders among the stack's components (SNS subscriptions, bucket notifications,
 * rules), own statements. arn is stolen. NULL: none needed. */
json_t *pk_policy_queue(struct pk_expansion *x, const struct pk_component *queue,
                        struct pk_resource *r, json_t *arn);
/* Access to the customer's KMS key of a component, following the level of access to the component
 * itself. */
void pk_policy_allow_key(struct pk_expansion *x, const struct pk_component *c, const char *path,
                         const char *service, const char *level, struct pk_statements *to);

#endif
