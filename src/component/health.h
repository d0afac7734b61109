/*
 * health.h - health checks in one form, whichever of their spellings was used.
 *
 * Layer 2. Internal to component/.
 */
#ifndef PK_COMPONENT_HEALTH_H
#define PK_COMPONENT_HEALTH_H

#include "component/expand.h"

struct pk_probe {
    const char *base; /* "healthCheck.readiness": where findings point to */
    bool enabled;
    const char *path; /* of HTTP, or NULL */
    const char *scheme;
    int64_t http_port, tcp_port; /* 0 = not given */
    const json_t *command;       /* of exec, or NULL */
    /* seconds and counts; -1 = not given */
    int64_t delay, period, timeout, success, failure;
};

/* which = "readiness" or "liveness". */
struct pk_probe pk_health_probe(struct pk_expansion *x, const struct pk_component *c,
                                const char *which);
/* Values with defaults and AWS's bounds applied. */
int64_t pk_probe_period(const struct pk_probe *probe);
int64_t pk_probe_timeout(const struct pk_probe *probe);
void pk_health_check(struct pk_expansion *x, const struct pk_component *c, bool balanced,
                     bool network_lb, int64_t primary_port);
/* ContainerDefinition.HealthCheck, or NULL. New reference. */
json_t *pk_health_container(struct pk_expansion *x, const struct pk_component *c,
                            int64_t primary_port);
/* Sets the HealthCheck* properties of a target group. */
void pk_health_target_group(struct pk_expansion *x, const struct pk_component *c,
                            struct pk_resource *group, bool network_lb, bool grpc, int64_t port);
/* HealthCheckGracePeriodSeconds of a service behind a load balancer. */
int64_t pk_health_grace(struct pk_expansion *x, const struct pk_component *c);

#endif
