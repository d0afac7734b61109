/*
 * cidr.h - IPv4 networks as text and number.
 *
 * Layer 1, stateless. The arithmetic on networks is in model/cidr.h.
 */
#ifndef PK_SCHEMA_CIDR_H
#define PK_SCHEMA_CIDR_H

#include "base/base.h"

struct pk_cidr {
    uint32_t address; /* host byte order, as written: may have host bits */
    unsigned prefix;  /* 0 to 32 */
};

/* "10.0.0.0/16": four decimal numbers without leading zeros, a slash, a prefix length. */
PK_NODISCARD bool pk_cidr_parse(const char *text, struct pk_cidr *ret);
/* The bits that the prefix keeps: 0xFFFF0000 for /16. */
uint32_t pk_cidr_mask(unsigned prefix);
/* True when bits right of the prefix are set. */
bool pk_cidr_has_host_bits(struct pk_cidr cidr);
/* "10.0.0.0/16" */
void pk_cidr_format(struct pk_cidr cidr, char ret[static 20]);

#endif
