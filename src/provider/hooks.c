/* hooks.c - small steps that several resource types need. */
#include "provider/hooks.h"

#include <string.h>

const char *pk_key_as_written(const char *live, const char *written) {
    if (!live || !written)
        return live;
    if (pk_starts_with(written, "alias/") || strstr(written, ":alias/"))
        return written;
    const char *id = strrchr(live, '/');
    return id && strcmp(id + 1, written) == 0 ? written : live;
}

void pk_live_key(const struct pk_ctx *ctx, json_t *live, const char *path) {
    const char *seen = pk_json_str(live, path, NULL);
    const char *written = ctx->prior ? pk_json_str(ctx->prior, path, NULL) : NULL;
    if (seen && written && *seen && *written)
        pk_json_put(live, path, pk_json_text(pk_key_as_written(seen, written)));
}

json_t *pk_members(const json_t *object, const char *const *names) {
    json_t *ret = json_object();
    for (; *names; names++) {
        json_t *value = json_object_get(object, *names);
        if (value && !json_is_null(value))
            json_object_set_new(ret, *names, json_deep_copy(value));
    }
    return ret;
}
