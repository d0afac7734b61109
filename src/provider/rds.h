/*
 * rds.h - what RDS instances and clusters share.
 *
 * Layer 5, inside provider/.
 */
#ifndef PK_PROVIDER_RDS_H
#define PK_PROVIDER_RDS_H

#include "provider/types.h"

/* "ID-final-20260131120000" as RDS wants snapshot names: letters, digits, single hyphens. New
 * reference. */
json_t *pk_rds_snapshot_name(const char *id);
/* Refuses a deletion that would lose data (PK_E_REFUSED), or that deletion protection forbids
 * (PK_E_PROTECTED). PK_DONE when the database is gone already. */
enum pk_progress pk_rds_before_remove(struct pk_ctx *ctx, struct pk_error **err);
/* PK_DONE when the status is one of the type's ready ones and nothing asked for is pending;
 * PK_AGAIN until then; PK_FAILED for a status that does not end by itself. `groups` is the list of
 * `item` whose entries say in `group_status` that parameters wait for a reboot: op->note then says
 * so. */
enum pk_progress pk_rds_ready(struct pk_ctx *ctx, const json_t *item, const char *groups,
                              const char *group_status, struct pk_error **err);
/* What every modification needs: reads the database into `item` (a new reference, NULL when it is
 * gone) and takes from `params` what AWS refuses or has already. False: the reading failed. */
bool pk_rds_prepare_modify(struct pk_ctx *ctx, json_t *params, json_t **item,
                           struct pk_error **err);
/* The parameters of a delete call about the final snapshot. */
void pk_rds_final_snapshot(struct pk_ctx *ctx, json_t *params);
/* Members of a create request that a restore does not take are moved to a new object. */
json_t *pk_rds_leftover(json_t *params, const char *const *restore_members);
/* After a restore: sends what is left (op->scratch "rest") with `operation` once the resource is
 * ready. */
enum pk_progress pk_rds_after_restore(struct pk_ctx *ctx, const char *operation,
                                      const char *id_member, const char *state_path,
                                      struct pk_error **err);
/* Answers with what is asked for but not yet done, over what is. */
void pk_rds_overlay_pending(const struct pk_ctx *ctx, const json_t *item, json_t *live,
                            const char *const *members);
/* RDS manages the password when it shows where. */
json_t *pk_rds_managed(const struct pk_ctx *ctx, const json_t *value, bool to_api);

#define PK_RDS_BUSY                                                                                \
    "InvalidDBInstanceState|InvalidDBInstanceStateFault|InvalidDBClusterStateFault|"               \
    "DBUpgradeDependencyFailure"
#define PK_RDS_FRESH                                                                               \
    "InvalidParameterValue:IAM role ARN value is "                                                 \
    "invalid|InvalidParameterValue:ENHANCED_MONITORING"

#endif
