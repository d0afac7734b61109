/*
 * hooks.h - small steps that several resource types need.
 *
 * Layer 5, inside provider/.
 */
#ifndef PK_PROVIDER_HOOKS_H
#define PK_PROVIDER_HOOKS_H

#include "provider/types.h"

/*
 * Services show a KMS key as its ARN, however it was written. `live` is the key that was read,
 * `written` how it was last applied (may be NULL): the written text when both can be the same key.
 * An alias cannot be told from the ARN and counts as unchanged. Borrowed from its arguments.
 */
const char *pk_key_as_written(const char *live, const char *written);
/* The same for a property of `live`, in place. */
void pk_live_key(const struct pk_ctx *ctx, json_t *live, const char *path);
/* Members of an object by name, as they are; NULL entries end the list. New reference. */
json_t *pk_members(const json_t *object, const char *const *names);

#endif
