/*
 * driver.h - what the parts of the generic driver share.
 *
 * Layer 5, inside provider/; resource types use type.h only.
 */
#ifndef PK_PROVIDER_DRIVER_H
#define PK_PROVIDER_DRIVER_H

#include "aws/aws.h"
#include "provider/provider.h"
#include "provider/types.h"

#include <pthread.h>

struct pk_aws_provider {
    struct pk_provider base;
    struct pk_aws *aws;
    pthread_mutex_t lock; /* of account */
    char *account;        /* NULL until it is needed */
};

/* --- contexts (context.c) --- */
/* Fills ctx for an operation; false with NOT offered as UNSUPPORTED. Release it. */
bool pk_ctx_for_op(struct pk_ctx *ctx, struct pk_provider *provider, struct pk_op *op,
                   struct pk_error **err);
bool pk_ctx_for_read(struct pk_ctx *ctx, struct pk_provider *provider, struct pk_read *read,
                     const struct pk_cancel *cancel, struct pk_error **err);
void pk_ctx_release(struct pk_ctx *ctx);
/* Puts the address on *err; returns false. */
bool pk_ctx_error(const struct pk_ctx *ctx, struct pk_error **err);
/* PK_FAILED when the run is being cancelled. */
bool pk_ctx_cancelled(const struct pk_ctx *ctx, struct pk_error **err);

/* False with INTERNAL when the desired properties hold one that no row covers (covered.c). */
bool pk_ctx_covered(const struct pk_ctx *ctx, struct pk_error **err);

/* Runs a step of a type (NULL = nothing to do); errors that pass with time become PK_AGAIN. */
enum pk_progress pk_ctx_hook(struct pk_ctx *ctx,
                             enum pk_progress (*hook)(struct pk_ctx *ctx, struct pk_error **err),
                             struct pk_error **err);

/* --- conversion (convert.c) --- */
enum pk_place { PK_PLACE_CREATE, PK_PLACE_CHANGE, PK_PLACE_READ };
/* Path of a row in a request or item, or NULL when it has none; malloc'ed. */
char *pk_prop_path(const struct pk_type *type, const struct pk_prop *prop, enum pk_place place);
/* Follows a path with "[]" in it: new reference or NULL; JSON null counts as absent. */
json_t *pk_path_get(const json_t *root, const char *path);
/* Puts a value (stolen) at a parameter path, which may end with "[]". */
void pk_param_put(json_t *params, const char *path, json_t *value);
/* The live properties of an item: new reference. */
json_t *pk_item_live(struct pk_ctx *ctx, const json_t *item);
json_t *pk_item_attributes(struct pk_ctx *ctx, const json_t *item);
json_t *pk_item_tags(const struct pk_ctx *ctx, const json_t *item); /* NULL: not read */
bool pk_item_dead(const struct pk_ctx *ctx, const json_t *item);

/* --- templates (template.c) --- */
void pk_params_fill(const struct pk_ctx *ctx, const struct pk_param *params, json_t *ret);

/* --- calls (secret.c) --- */
/* Replaces $secret, $file and what joins them inside *params (may replace the value itself); the
 * texts that were read are appended to `wipe`, which pk_secrets_wipe overwrites and frees. */
bool pk_secrets_resolve(struct pk_ctx *ctx, json_t **params, json_t *wipe, struct pk_error **err);
void pk_secrets_wipe(json_t *wipe);

/* --- reading (read.c) --- */
bool pk_provider_read(struct pk_provider *provider, struct pk_read *reads, size_t n,
                      const struct pk_cancel *cancel, struct pk_error **err);
/* The items of one answer of a reader: new reference to a list. */
json_t *pk_reader_list(const struct pk_reader *reader, const json_t *answer);
bool pk_reader_call(struct pk_ctx *ctx, const struct pk_reader *reader, json_t *params,
                    json_t **ret, struct pk_error **err);

/* --- steps --- */
enum pk_progress pk_provider_create(struct pk_provider *provider, struct pk_op *op,
                                    struct pk_error **err);
enum pk_progress pk_provider_update(struct pk_provider *provider, struct pk_op *op,
                                    struct pk_error **err);
enum pk_progress pk_provider_remove(struct pk_provider *provider, struct pk_op *op,
                                    struct pk_error **err);
bool pk_provider_find(struct pk_provider *provider, struct pk_op *op, enum pk_found *ret,
                      struct pk_error **err);
/* find() for a context that exists already. */
bool pk_ctx_find(struct pk_ctx *ctx, enum pk_found *ret, struct pk_error **err);
/* Runs the update groups: on create those for AFTER_CREATE, on update those that changed. Place is
 * kept in op->scratch. */
enum pk_progress pk_ctx_groups(struct pk_ctx *ctx, bool creating, struct pk_error **err);
/* Reads and waits until ready, then sets op->attributes. */
enum pk_progress pk_ctx_settle(struct pk_ctx *ctx, struct pk_error **err);
/* Makes the tags as desired. all: nothing is known of the present ones. */
bool pk_ctx_tags_apply(struct pk_ctx *ctx, bool all, struct pk_error **err);
/* Do these tags say that the resource is this operation's? */
bool pk_tags_ours(const struct pk_op *op, const json_t *tags);

#endif
