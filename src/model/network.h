/*
 * network.h - checks of networks and security group rules that need no AWS.
 *
 * Layer 2. Findings net.*.
 */
#ifndef PK_MODEL_NETWORK_H
#define PK_MODEL_NETWORK_H

#include "base/diag.h"
#include "schema/field.h"

#include <jansson.h>

/* A typed list of rules found at `path` of its spec; NULL is an empty list. The
 * protocol word `all` is replaced by -1. */
void pk_rules_check(json_t *rules, const char *path, const struct pk_spans *spans,
                    struct pk_diags *diags);
/* A typed TenantConfig.spec.networking; `region` may be NULL. */
void pk_network_check(json_t *networking, const struct pk_spans *spans, const char *region,
                      struct pk_diags *diags);
/* Zones that have a private subnet; 0 also when subnets are not described (existing networks). */
size_t pk_network_private_zones(const json_t *networking);
/* True when private subnets have a way out: a NAT gateway (on by default) or endpoints. */
bool pk_network_has_egress(const json_t *networking);

#endif
