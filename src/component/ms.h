/*
 * ms.h - the parts of a MicroService. Internal to component/.
 *
 * Layer 2.
 */
#ifndef PK_COMPONENT_MS_H
#define PK_COMPONENT_MS_H

#include "component/expand.h"

#define PK_MS_CONFIG_VOLUME "panka-configs"
#define PK_MS_CONFIG_CONTAINER "panka-config"

bool pk_ms_on_fargate(const struct pk_component *c);
bool pk_ms_is_awsvpc(const struct pk_component *c);
bool pk_ms_is_autoscaled(const struct pk_component *c);

/* Cross-field rules (ms_check.c). */
void pk_ms_check(struct pk_expansion *x, const struct pk_component *c);

/* Roles, log group and task definition (ms_task.c); the node of the task definition. */
struct pk_resource *pk_ms_task(struct pk_expansion *x, const struct pk_component *c);
/* The main container and the one that writes configuration files (ms_container.c). New reference.
 */
json_t *pk_ms_containers(struct pk_expansion *x, const struct pk_component *c,
                         struct pk_resource *task, const struct pk_env_entry *env, size_t n_env,
                         const char *log_group);
/* repository@digest, else repository:tag; parts may be tokens. What it needs is drawn as a need of
 * `task` (may be NULL). New reference. */
json_t *pk_ms_image(struct pk_expansion *x, const struct pk_component *c, struct pk_resource *task);
/* The container that writes `configs` (ms_configs.c); NULL when there are none or after a finding.
 * New reference. */
json_t *pk_ms_config_container(struct pk_expansion *x, const struct pk_component *c,
                               struct pk_resource *task, const struct pk_env_entry *env,
                               size_t n_env);
/* ARN of the secret that the registry asks for, or NULL. New reference. */
json_t *pk_ms_credentials(struct pk_expansion *x, const struct pk_component *c,
                          struct pk_resource *task);
/* LogConfiguration, or NULL. New reference. */
json_t *pk_ms_log_configuration(struct pk_expansion *x, const struct pk_component *c,
                                const char *log_group);

/* Name or ARN of the cluster as text or token; the stack's own is drawn as a need of `from` (may be
 * NULL). New reference. */
json_t *pk_ms_cluster(struct pk_expansion *x, const struct pk_component *c,
                      struct pk_resource *from);
/* Name of a cluster given by name or ARN. */
const char *pk_ms_cluster_name(struct pk_expansion *x, const struct pk_component *c);
bool pk_ms_uses_stack_cluster(const struct pk_component *c);

/* Scalable target and policies (ms_scaling.c). */
void pk_ms_scaling(struct pk_expansion *x, const struct pk_component *c,
                   struct pk_resource *service);
void pk_ms_scaling_check(struct pk_expansion *x, const struct pk_component *c);
/* Number of tasks to start with: replicas, within the bounds of autoscaling. */
int64_t pk_ms_desired_count(const struct pk_component *c);

/* Cloud Map and Service Connect (ms_discovery.c). */
void pk_ms_discovery(struct pk_expansion *x, const struct pk_component *c,
                     struct pk_resource *service);
/* "name.namespace", or NULL without service discovery. */
const char *pk_ms_discovery_host(struct pk_expansion *x, const struct pk_component *c);
void pk_ms_discovery_check(struct pk_expansion *x, const struct pk_component *c);

/* Volumes of the task and mounts of the main container (ms_volumes.c). New references; NULL when
 * there are none. */
json_t *pk_ms_volumes(const struct pk_component *c, bool with_configs);
json_t *pk_ms_mounts(const struct pk_component *c, bool with_configs);
void pk_ms_volumes_check(struct pk_expansion *x, const struct pk_component *c);

/* Outputs (ms_outputs.c). */
json_t *pk_ms_output(struct pk_expansion *x, const struct pk_component *c, const char *output,
                     struct pk_span asked);
json_t *pk_ms_identity(struct pk_expansion *x, const struct pk_component *c, const char *output);

#endif
