/*
 * cidr.h - arithmetic on IPv4 networks.
 *
 * Layer 2, stateless. Reading and writing of networks is in schema/cidr.h.
 */
#ifndef PK_MODEL_CIDR_H
#define PK_MODEL_CIDR_H

#include "schema/cidr.h"

/* True when every address of `inner` belongs to `outer`. */
bool pk_cidr_inside(struct pk_cidr inner, struct pk_cidr outer);
bool pk_cidr_overlap(struct pk_cidr a, struct pk_cidr b);
/* The index-th of the 2^bits equal blocks of `whole`; false when blocks would be smaller than /32
 * or index is too large. */
PK_NODISCARD bool pk_cidr_block(struct pk_cidr whole, unsigned bits, uint32_t index,
                                struct pk_cidr *ret);
/*
 * The subnets that a VPC gets when nobody names any (one public and one private per zone). A /16:
 * .1.0/24, .2.0/24 … and .10.0/24, .20.0/24 …; any other prefix: equal blocks, public ones first.
 * Both arrays have n_zones items. False when blocks would be smaller than /28, n_zones is 0, or a
 * /16 has more zones than the rule can serve (9).
 */
PK_NODISCARD bool pk_cidr_default_subnets(struct pk_cidr vpc, size_t n_zones,
                                          struct pk_cidr *ret_public, struct pk_cidr *ret_private);

#endif
