/* shared_check.c - findings and look-ups that the kinds share. */
#include "component/check.h"
#include "component/internal.h"

#include "base/hash.h"
#include "base/str.h"

#include <string.h>

static void find(struct pk_expansion *x, const struct pk_component *c, enum pk_severity severity,
                 const char *id, const char *path, const char *help, const char *message) {
    struct pk_diag *d = pk_x_finding(x, c, severity, id, path, "%s", message);
    if (help)
        pk_diag_help(x->diags, d, "%s", help);
}

void pk_x_refuse(struct pk_expansion *x, const struct pk_component *c, const char *id,
                 const char *path, const char *help, const char *fmt, ...) {
    va_list args;
    va_start(args, fmt);
    find(x, c, PK_SEVERITY_ERROR, id, path, help, pk_arena_vprintf(x->arena, fmt, args));
    va_end(args);
}

void pk_x_warn(struct pk_expansion *x, const struct pk_component *c, const char *id,
               const char *path, const char *help, const char *fmt, ...) {
    va_list args;
    va_start(args, fmt);
    find(x, c, PK_SEVERITY_WARNING, id, path, help, pk_arena_vprintf(x->arena, fmt, args));
    va_end(args);
}

void pk_x_warn_inert(struct pk_expansion *x, const struct pk_component *c, const char *enabled,
                     const char *const *fields) {
    for (; *fields && !pk_spec_bool(c, enabled) && !pk_spec_written(c, enabled); fields++)
        if (pk_spec_written(c, *fields))
            pk_x_warn(x, c, "field.inert", *fields,
                      pk_arena_printf(x->arena, "set `%s: true`, or remove it", enabled),
                      "`%s` has no effect: `%s` is not set", *fields, enabled);
}

void pk_x_check_key(struct pk_expansion *x, const struct pk_component *c, const char *path) {
    if (json_is_false(pk_spec_get(c, "encryption.enabled")) && pk_spec_written(c, path))
        pk_x_refuse(x, c, "encryption.off", path, "remove the key, or `enabled: false`",
                    "encryption is off, so the key has no use");
}

const char *pk_x_item(struct pk_expansion *x, const char *list, size_t i, const char *field) {
    return pk_arena_printf(x->arena, "%s[%zu]%s%s", list, i, field ? "." : "", field ? field : "");
}

const json_t *pk_x_applied(struct pk_expansion *x, const struct pk_component *c, const char *type,
                           const char *property) {
    const struct pk_state_resource *r = pk_x_recorded(x, c, NULL, type);
    if (!r || (x->env->generations && pk_map_has(x->env->generations, c->key)))
        return NULL;
    for (size_t i = 0; i < x->env->n_allow_replace; i++)
        if (pk_streq(x->env->allow_replace[i], c->key))
            return NULL;
    return pk_json_at(r->properties, property);
}

const char *pk_x_hash8(struct pk_expansion *x, const char *text) {
    char hex[PK_SHA256_HEX_SIZE];
    pk_sha256_hex(text, strlen(text), hex);
    return pk_arena_strndup(x->arena, hex, 8);
}

const struct pk_component *pk_x_token_target(struct pk_expansion *x, const json_t *token) {
    if (!pk_token_is(token, "$out"))
        return NULL;
    const struct pk_component *target = pk_project_at(x->project, pk_json_str(token, "$out", ""));
    return target && pk_x_active(target) ? target : NULL;
}

const struct pk_component *pk_x_ref_of_kind(struct pk_expansion *x, const struct pk_component *c,
                                            const char *path, const char *kind, const char *id,
                                            const char *help) {
    const struct pk_component *target = pk_x_ref(x, c, path);
    if (!target || strcmp(target->kind, kind) == 0)
        return target;
    pk_x_refuse(x, c, id, path, help, "%s is of kind %s, not %s", target->name, target->kind, kind);
    return NULL;
}
