/* cidr.c - reading and writing of IPv4 networks. */
#include "schema/cidr.h"

#include <stdio.h>

/* Decimal number up to `max` without leading zeros; moves *p behind it. */
static bool read_number(const char **p, unsigned max, unsigned *ret) {
    const char *c = *p;
    unsigned value = 0;
    if (*c < '0' || *c > '9' || (*c == '0' && c[1] >= '0' && c[1] <= '9'))
        return false;
    for (; *c >= '0' && *c <= '9'; c++) {
        value = value * 10 + (unsigned)(*c - '0');
        if (value > max)
            return false;
    }
    *p = c;
    *ret = value;
    return true;
}

bool pk_cidr_parse(const char *text, struct pk_cidr *ret) {
    struct pk_cidr cidr = {0, 0};
    for (int i = 0; i < 4; i++) {
        unsigned part;
        if (!read_number(&text, 255, &part) || *text != (i == 3 ? '/' : '.'))
            return false;
        text++;
        cidr.address = cidr.address << 8 | part;
    }
    if (!read_number(&text, 32, &cidr.prefix) || *text)
        return false;
    *ret = cidr;
    return true;
}

uint32_t pk_cidr_mask(unsigned prefix) {
    return prefix == 0 ? 0 : UINT32_MAX << (32 - prefix);
}

bool pk_cidr_has_host_bits(struct pk_cidr cidr) {
    return (cidr.address & ~pk_cidr_mask(cidr.prefix)) != 0;
}

void pk_cidr_format(struct pk_cidr cidr, char ret[static 20]) {
    snprintf(ret, 20, "%u.%u.%u.%u/%u", cidr.address >> 24, cidr.address >> 16 & 255,
             cidr.address >> 8 & 255, cidr.address & 255, cidr.prefix & 63);
}
