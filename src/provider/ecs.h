/*
 * ecs.h - what the ECS types share.
 *
 * Layer 5, inside provider/. Constant data.
 */
#ifndef PK_PROVIDER_ECS_H
#define PK_PROVIDER_ECS_H

#include "provider/type.h"

extern const struct pk_names pk_ecs_names[];

#endif
