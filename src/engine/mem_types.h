/* mem_types.h - identifiers and attributes that the in-memory provider makes up. Internal to
 * engine/. */
#ifndef PK_ENGINE_MEM_TYPES_H
#define PK_ENGINE_MEM_TYPES_H

#include <jansson.h>

struct pk_mem_subject {
    const char *type, *name; /* name may be NULL */
    const char *seed;        /* what the made-up digits depend on */
    const char *region, *account_id;
    const char *physical_id; /* for attributes */
    const json_t *properties;
};

/* The physical id ("Ref") in the form that AWS gives this type; malloc'ed. */
char *pk_mem_physical_id(const struct pk_mem_subject *subject);
/* The read-only attributes; new reference. */
json_t *pk_mem_attributes(const struct pk_mem_subject *subject);

#endif
