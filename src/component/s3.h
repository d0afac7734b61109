/*
 * s3.h - the parts of a bucket. Internal to component/.
 *
 * Layer 2.
 */
#ifndef PK_COMPONENT_S3_H
#define PK_COMPONENT_S3_H

#include "component/expand.h"

/* Node `<bucket>:notifications` (s3_notifications.c): one configuration for `notifications` and for
 * the triggers of functions that name the bucket. */
void pk_s3_notifications_check(struct pk_expansion *x, const struct pk_component *c);
void pk_s3_notifications_expand(struct pk_expansion *x, const struct pk_component *c,
                                struct pk_resource *bucket);

#endif
