/*
 * sg_rules.h - rules of security groups as people write them, as CloudFormation
 * wants them. The loader has checked them.
 *
 * Layer 2. Stateless.
 */
#ifndef PK_COMPONENT_SG_RULES_H
#define PK_COMPONENT_SG_RULES_H

#include "base/base.h"

#include <jansson.h>

/*
 * One entry per rule and peer: {IpProtocol, FromPort?, ToPort?, CidrIp | CidrIpv6 |
 * SourceSecurityGroupId | DestinationSecurityGroupId, Description?}, sorted, without repeats. Peers
 * `self` are left out of the result and go to *ret_self (a list of entries without a peer; may be
 * empty). New references.
 */
json_t *pk_sg_expand(const json_t *rules, bool egress, json_t **ret_self);
/* True when some rule lets TCP traffic to this port in from a CIDR. */
bool pk_sg_opens(const json_t *rules, int64_t port);

#endif
