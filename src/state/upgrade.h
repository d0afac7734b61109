/*
 * upgrade.h - older shapes of the state document. Internal to state/.
 *
 * Format 1 has snake_case members, a list of resources with `id`, `name` and `properties` that mix
 * inputs with what AWS answered, `depends_on` and `last_update`.
 */
#ifndef PK_STATE_UPGRADE_H
#define PK_STATE_UPGRADE_H

#include "base/error.h"
#include "state/state.h"

#include <jansson.h>

/* The same document in today's shape: new reference. `lineage` is used when it has none. False with
 * STATE_INVALID when a resource cannot be recognised. */
PK_NODISCARD bool pk_state_upgrade(const json_t *document, const char *what, const char *lineage,
                                   json_t **ret, struct pk_error **err);

#endif
