/* registry.c - the list of resource types. */
#include "base/str.h"
#include "provider/types.h"

// clang-format off
const struct pk_type *const pk_types[] = {
    /* One line per type; append only. */
    NULL, /* keeps the list from being empty; stays last */
};
// clang-format on
const size_t pk_n_types = PK_ARRAY_LEN(pk_types) - 1;

const struct pk_type *pk_type_find(const char *type) {
    for (size_t i = 0; i < pk_n_types; i++)
        if (pk_streq(pk_types[i]->type, type))
            return pk_types[i];
    return NULL;
}
