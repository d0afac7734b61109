/*
 * types.h - every resource type the AWS provider offers; registry.c lists them.
 *
 * Layer 5, inside provider/. Constant data.
 */
#ifndef PK_PROVIDER_TYPES_H
#define PK_PROVIDER_TYPES_H

#include "provider/type.h"

/* One line per type; every name here stands in registry.c too. */

extern const struct pk_type *const pk_types[];
extern const size_t pk_n_types;
const struct pk_type *pk_type_find(const char *type); /* NULL: not offered */

#endif
