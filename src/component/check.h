/*
 * check.h - findings of kinds in one call, and what several kinds look up while they check.
 *
 * Layer 2. Internal to component/.
 */
#ifndef PK_COMPONENT_CHECK_H
#define PK_COMPONENT_CHECK_H

#include "component/expand.h"

/* An error (pk_x_warn: a warning) about the field at `path` with its help; help may be NULL. */
void pk_x_refuse(struct pk_expansion *x, const struct pk_component *c, const char *id,
                 const char *path, const char *help, const char *fmt, ...) PK_PRINTF(6, 7);
void pk_x_warn(struct pk_expansion *x, const struct pk_component *c, const char *id,
               const char *path, const char *help, const char *fmt, ...) PK_PRINTF(6, 7);
/* Warning field.inert for fields that nothing acts on because `enabled` (a path) is off and nobody
 * wrote it; the list ends with NULL. Who writes `enabled: false` means it. */
void pk_x_warn_inert(struct pk_expansion *x, const struct pk_component *c, const char *enabled,
                     const char *const *fields);
/* Error encryption.off for a key at `path` beside `encryption.enabled: false`. */
void pk_x_check_key(struct pk_expansion *x, const struct pk_component *c, const char *path);
/* "list[3].field" in the arena. */
const char *pk_x_item(struct pk_expansion *x, const char *list, size_t i, const char *field);
/* A property of the primary node as it was last applied, or NULL: for changes that AWS refuses.
 * NULL too when a replacement was asked for. */
const json_t *pk_x_applied(struct pk_expansion *x, const struct pk_component *c, const char *type,
                           const char *property);
/* First 8 hex digits of the SHA-256 of a text: part of keys and statement ids. */
const char *pk_x_hash8(struct pk_expansion *x, const char *text);
/* The component that an output token {"$out"} stands for, or NULL. */
const struct pk_component *pk_x_token_target(struct pk_expansion *x, const json_t *token);
/* The component of that kind that a ref field names, or NULL; a component of another kind is
 * finding `id` with the help. */
const struct pk_component *pk_x_ref_of_kind(struct pk_expansion *x, const struct pk_component *c,
                                            const char *path, const char *kind, const char *id,
                                            const char *help);

#endif
