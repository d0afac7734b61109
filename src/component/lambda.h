/*
 * lambda.h - the parts of a Lambda function. Internal to component/.
 *
 * Layer 2.
 */
#ifndef PK_COMPONENT_LAMBDA_H
#define PK_COMPONENT_LAMBDA_H

#include "component/expand.h"
#include "component/iam.h"

#define PK_LAMBDA_FUNCTION "AWS::Lambda::Function"

/* Node `<owner>:<sub>` AWS::Lambda::Permission: the service `principal` may invoke `function` for
 * source_arn (stolen). The existing node when there is one. */
struct pk_resource *pk_lambda_permission(struct pk_expansion *x, const struct pk_component *owner,
                                         const char *sub, const struct pk_component *function,
                                         const char *principal, json_t *source_arn);
/* Name of the function: literal. */
const char *pk_lambda_name(struct pk_expansion *x, const struct pk_component *c);
/* Finding lambda.dlq-kind when the component at `path` is no standard queue or topic. */
void pk_lambda_check_failures(struct pk_expansion *x, const struct pk_component *c,
                              const char *path);
bool pk_lambda_in_vpc(struct pk_expansion *x, const struct pk_component *c);

/* Code, runtime and handler (lambda_code.c). */
void pk_lambda_code_check(struct pk_expansion *x, const struct pk_component *c);
void pk_lambda_set_code(struct pk_expansion *x, const struct pk_component *c,
                        struct pk_resource *r);

/* Triggers (lambda_triggers.c, lambda_trigger_check.c). */
size_t pk_lambda_n_triggers(const struct pk_component *c);
/* "triggers[2].field" */
const char *pk_trigger_path(struct pk_expansion *x, size_t i, const char *field);
const char *pk_trigger_type(struct pk_expansion *x, const struct pk_component *c, size_t i);
/* Its name, or one made of the source: part of the keys of its nodes. */
const char *pk_trigger_name(struct pk_expansion *x, const struct pk_component *c, size_t i);
/* The component of `source.component`, or NULL. */
const struct pk_component *pk_trigger_source(struct pk_expansion *x, const struct pk_component *c,
                                             size_t i);
/* The S3 component of an s3 trigger, by name of the component or of the bucket; or NULL. */
const struct pk_component *pk_trigger_bucket(struct pk_expansion *x, const struct pk_component *c,
                                             size_t i);
/* Permission of an s3 trigger; made when it is not there yet: the bucket's notifications wait for
 * it. */
struct pk_resource *pk_trigger_s3_permission(struct pk_expansion *x, const struct pk_component *c,
                                             size_t i, const struct pk_component *bucket);
/* "ANY /path" */
const char *pk_trigger_route(struct pk_expansion *x, const struct pk_component *c, size_t i);
void pk_triggers_check(struct pk_expansion *x, const struct pk_component *c);
void pk_triggers_expand(struct pk_expansion *x, const struct pk_component *c,
                        struct pk_resource *function);
/* What the role needs for them: needs (in the arena) and statements on sources by ARN. */
size_t pk_triggers_needs(struct pk_expansion *x, const struct pk_component *c,
                         struct pk_iam_need **ret, struct pk_statements *to);
/* URL of the first route, or NULL. New reference. */
json_t *pk_triggers_url(struct pk_expansion *x, const struct pk_component *c);

#endif
