/*
 * policy_on.h - one policy document on a list of targets (queues, topics), where it is an attribute
 * of each.
 *
 * Layer 5, inside provider/. The physical id is the first target; the others stand in the property.
 */
#ifndef PK_PROVIDER_POLICY_ON_H
#define PK_PROVIDER_POLICY_ON_H

#include "provider/types.h"

struct pk_policy_on {
    const char *targets; /* property: list of texts */
    /* Sets the policy of one target; text NULL = none of ours any more. A target that is gone is an
     * error with a code of type->errors.gone. */
    bool (*set)(struct pk_ctx *ctx, const char *target, const char *text, struct pk_error **err);
    /* malloc'ed policy text, or NULL when there is none. */
    bool (*get)(struct pk_ctx *ctx, const char *target, char **ret, struct pk_error **err);
};

enum pk_progress pk_policy_on_create(struct pk_ctx *ctx, const struct pk_policy_on *on,
                                     struct pk_error **err);
enum pk_progress pk_policy_on_update(struct pk_ctx *ctx, const struct pk_policy_on *on,
                                     struct pk_error **err);
enum pk_progress pk_policy_on_remove(struct pk_ctx *ctx, const struct pk_policy_on *on,
                                     struct pk_error **err);
/* The item: {targets: […], "PolicyDocument": text}. Targets without the policy are left out. */
bool pk_policy_on_read(struct pk_ctx *ctx, const struct pk_policy_on *on, json_t **ret,
                       struct pk_error **err);

#endif
