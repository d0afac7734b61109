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
/* Refuses a deletion that would lose data, or that deletion protection forbids. what: "database
 * mydb". */
enum pk_progress pk_rds_may_remove(struct pk_ctx *ctx, const json_t *item, struct pk_error **err);
/* The parameters of a delete call about the final snapshot. */
void pk_rds_final_snapshot(struct pk_ctx *ctx, json_t *params);
/* Moves what differs in EnableCloudwatchLogsExports to CloudwatchLogsExportConfiguration. */
void pk_rds_log_exports(struct pk_ctx *ctx, json_t *params);
/* "15" asks for no change of a database that runs 15.4: drops EngineVersion then. */
void pk_rds_same_version(const json_t *item, json_t *params);
/* The password belongs to whoever manages it: RDS or we. */
void pk_rds_password(struct pk_ctx *ctx, json_t *params);
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
