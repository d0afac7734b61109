/* covered.c - a property that no row covers would be left out without a word. */
#include "provider/driver.h"

#include <string.h>

/* A property that only templates and steps use has no row but is marked as written only
 * ("{prop.ApplyImmediately}" of rds.c). */
static bool has_trait(const struct pk_type *type, const char *path) {
    for (const struct pk_prop_trait *t = type->more_traits; t && t->path; t++)
        if ((t->flags & PK_WRITE_ONLY) && strcmp(t->path, path) == 0)
            return true;
    return pk_streq(type->name_prop, path);
}

/* True when a row says the path itself; *ret_below when rows say what is inside of it. */
static bool has_row(const struct pk_type *type, const char *path, bool *ret_below) {
    size_t len = strlen(path);
    *ret_below = false;
    for (size_t i = 0; i < type->n_props; i++) {
        const char *name = type->props[i].name;
        if (strncmp(name, path, len) != 0)
            continue;
        if (name[len] == '\0')
            return true;
        *ret_below |= name[len] == '.';
    }
    return has_trait(type, path);
}

static char *uncovered(const struct pk_type *type, const json_t *object, const char *prefix) {
    const char *name;
    json_t *value;
    json_object_foreach((json_t *)(uintptr_t)object, name, value) {
        PK_CLEANUP(pk_freep) char *path = pk_asprintf("%s%s%s", prefix, *prefix ? "." : "", name);
        bool below;
        if (json_is_null(value) || has_row(type, path, &below))
            continue;
        /* Rows of members say nothing of a value that has no members. */
        char *ret = below && json_is_object(value) ? uncovered(type, value, path) : pk_strdup(path);
        if (ret)
            return ret;
    }
    return NULL;
}

char *pk_provider_uncovered(const char *type, const json_t *props) {
    const struct pk_type *table = pk_type_find(type);
    return table ? uncovered(table, props, "") : pk_strdup("");
}

bool pk_ctx_covered(const struct pk_ctx *ctx, struct pk_error **err) {
    PK_CLEANUP(pk_freep) char *path = uncovered(ctx->type, ctx->op->desired, "");
    if (!path)
        return true;
    pk_fail(err, PK_E_INTERNAL, "%s: the property %s cannot be sent", ctx->type->type, path);
    return pk_ctx_error(ctx, err);
}
