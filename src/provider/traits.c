/* traits.c - what a plan must know, taken from the tables. */
#include "provider/driver.h"

#include <stdlib.h>

static pthread_once_t once = PTHREAD_ONCE_INIT;
static struct pk_type_traits *all; /* by place in pk_types; built once, never changed or freed */

static const char *recovery_text(enum pk_recovery recovery) {
    switch (recovery) {
    case PK_RECOVER_NAME:
        return "name";
    case PK_RECOVER_TAG:
        return "tag";
    case PK_RECOVER_TOKEN:
        return "token";
    case PK_RECOVER_NATURAL:
        break;
    }
    return "natural";
}

static unsigned flags_of(const struct pk_type *type, const struct pk_prop *prop) {
    PK_CLEANUP(pk_freep) char *path = pk_prop_path(type, prop, PK_PLACE_READ);
    return prop->traits | (path ? 0 : PK_WRITE_ONLY);
}

static void props_of(const struct pk_type *type, struct pk_type_traits *ret) {
    size_t more = 0, n = 0;
    while (type->more_traits && type->more_traits[more].path)
        more++;
    struct pk_prop_trait *props = pk_calloc(type->n_props + more + 1, sizeof *props);
    for (size_t i = 0; i < type->n_props; i++) {
        unsigned flags = flags_of(type, &type->props[i]);
        if (flags)
            props[n++] = (struct pk_prop_trait){type->props[i].name, flags};
    }
    for (size_t i = 0; i < more; i++)
        props[n++] = type->more_traits[i];
    ret->props = props;
    ret->n_props = n;
}

static void build(void) {
    all = pk_calloc(pk_n_types + 1, sizeof *all);
    for (size_t i = 0; i < pk_n_types; i++) {
        const struct pk_type *type = pk_types[i];
        struct pk_type_traits *traits = &all[i];
        traits->type = type->type;
        traits->named = type->name_prop != NULL;
        traits->taggable = type->tags.shape != PK_TAGS_NONE;
        traits->replace_only = type->replace_only;
        traits->delete_first = type->delete_first;
        traits->typical_create_ms = type->typical_create_ms;
        traits->typical_delete_ms = type->typical_delete_ms;
        int64_t limit = type->wait.limit_ms ? type->wait.limit_ms : 10 * 60 * 1000;
        traits->limit_ms = type->remove_limit_ms > limit ? type->remove_limit_ms : limit;
        traits->recovery = recovery_text(type->recovery);
        props_of(type, traits);
    }
}

static const struct pk_type_traits *find(void *ctx, const char *type) {
    (void)ctx;
    pthread_once(&once, build);
    for (size_t i = 0; i < pk_n_types; i++)
        if (pk_streq(all[i].type, type))
            return &all[i];
    return NULL;
}

struct pk_traits_source pk_provider_type_traits(void) {
    return (struct pk_traits_source){.find = find, .ctx = NULL};
}
