/*
 * rds.h - the parts of a database. Internal to component/.
 *
 * Layer 2.
 */
#ifndef PK_COMPONENT_RDS_H
#define PK_COMPONENT_RDS_H

#include "component/expand.h"

#define PK_RDS_INSTANCE "AWS::RDS::DBInstance"
#define PK_RDS_CLUSTER "AWS::RDS::DBCluster"

enum pk_rds_family { PK_RDS_POSTGRES, PK_RDS_MYSQL, PK_RDS_MARIADB };
enum pk_rds_family pk_rds_family(const struct pk_component *c);
bool pk_rds_is_aurora(const struct pk_component *c);
/* AWS::RDS::DBInstance or AWS::RDS::DBCluster */
const char *pk_rds_type(const struct pk_component *c);
int64_t pk_rds_instance_count(const struct pk_component *c);
int64_t pk_rds_port(const struct pk_component *c);
/* General Purpose SSD (gp3) stripes its volumes from this size on, and takes more IOPS then. */
#define PK_RDS_GP3_STRIPED 400

/* Storage, windows, names … (rds_check.c). */
void pk_rds_check(struct pk_expansion *x, const struct pk_component *c);

/* Parameter groups (rds_params.c). */
/* "postgres15"; NULL when the version does not say. */
const char *pk_rds_param_family(struct pk_expansion *x, const struct pk_component *c);
void pk_rds_params_check(struct pk_expansion *x, const struct pk_component *c);
/* Parameters of `path` in the units of RDS; NULL when there are none. New reference. */
json_t *pk_rds_params(struct pk_expansion *x, const struct pk_component *c, const char *path);

/* The password (rds_password.c). */
bool pk_rds_is_generated(const struct pk_component *c);
/* Sets MasterUserPassword or ManageMasterUserPassword; makes the secret when it is to be made. */
void pk_rds_set_password(struct pk_expansion *x, const struct pk_component *c,
                         struct pk_resource *r);
/* ARN of the secret with the password, or NULL when there is none. New reference. */
json_t *pk_rds_secret_arn(struct pk_expansion *x, const struct pk_component *c);

#endif
