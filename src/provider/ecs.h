/*
 * ecs.h - what the ECS types share.
 *
 * Layer 5, inside provider/. Constant data; steps as in type.h.
 */
#ifndef PK_PROVIDER_ECS_H
#define PK_PROVIDER_ECS_H

#include "provider/type.h"

extern const struct pk_names pk_ecs_names[];

/* do_remove of a task definition: prunes the family, or ends it (ecs_revisions.c). */
enum pk_progress pk_ecs_remove_revisions(struct pk_ctx *ctx, struct pk_error **err);

#endif
