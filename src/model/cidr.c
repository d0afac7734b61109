/* cidr.c - arithmetic on IPv4 networks. */
#include "model/cidr.h"

#define SMALLEST_SUBNET 28

bool pk_cidr_inside(struct pk_cidr inner, struct pk_cidr outer) {
    uint32_t mask = pk_cidr_mask(outer.prefix);
    return inner.prefix >= outer.prefix && (inner.address & mask) == (outer.address & mask);
}

bool pk_cidr_overlap(struct pk_cidr a, struct pk_cidr b) {
    uint32_t mask = pk_cidr_mask(a.prefix < b.prefix ? a.prefix : b.prefix);
    return (a.address & mask) == (b.address & mask);
}

bool pk_cidr_block(struct pk_cidr whole, unsigned bits, uint32_t index, struct pk_cidr *ret) {
    unsigned prefix = whole.prefix + bits;
    if (bits > 31 || prefix > 32 || index >> bits != 0)
        return false;
    uint32_t start = whole.address & pk_cidr_mask(whole.prefix);
    *ret = (struct pk_cidr){prefix == 0 ? start : start + (index << (32 - prefix)), prefix};
    return true;
}

bool pk_cidr_default_subnets(struct pk_cidr vpc, size_t n_zones, struct pk_cidr *ret_public,
                             struct pk_cidr *ret_private) {
    unsigned bits = 0;
    if (n_zones == 0 || n_zones > 1024)
        return false;
    if (vpc.prefix == 16) {
        if (n_zones > 9) /* public .10.0 would meet private .10.0 */
            return false;
        for (uint32_t i = 0; i < n_zones; i++) {
            uint32_t start = vpc.address & pk_cidr_mask(16);
            ret_public[i] = (struct pk_cidr){start + ((i + 1) << 8), 24};
            ret_private[i] = (struct pk_cidr){start + ((i + 1) * 10 << 8), 24};
        }
        return true;
    }
    while (((size_t)1 << bits) < 2 * n_zones)
        bits++;
    if (vpc.prefix + bits > SMALLEST_SUBNET)
        return false;
    for (uint32_t i = 0; i < n_zones; i++)
        if (!pk_cidr_block(vpc, bits, i, &ret_public[i]) ||
            !pk_cidr_block(vpc, bits, (uint32_t)n_zones + i, &ret_private[i]))
            return false;
    return true;
}
