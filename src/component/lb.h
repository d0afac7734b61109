/*
 * lb.h - load balancers: the shared ones of a stack, planned over all components before any of them
 * expands, and what each component adds.
 *
 * Layer 2. Internal to component/.
 */
#ifndef PK_COMPONENT_LB_H
#define PK_COMPONENT_LB_H

#include "component/expand.h"

/* One component behind a shared load balancer. */
struct pk_lb_member {
    const struct pk_component *c;
    const char *host, *path; /* or NULL */
    const char *listener;    /* "http" or "https" */
    int64_t priority;
    json_t *cidrs; /* sorted texts */
    bool filters;  /* its allowedCIDRs are narrower than what the load balancer lets in */
};

/* A shared ALB: one towards the internet, one inside the network. */
struct pk_lb {
    bool internal;
    struct pk_vec members; /* struct pk_lb_member, in order of address */
    json_t *cidrs;         /* sorted texts: union of what members allow */
    bool cidrs_written;
    json_t *certificates; /* texts or tokens, without repeats; the first is the default */
    const char *ssl_policy;
    int64_t idle_timeout;
    bool protect;
};

struct pk_lb_plan {
    struct pk_lb shared[2]; /* by `internal` */
};

/* True when the component is behind a load balancer. */
bool pk_lb_wanted(const struct pk_component *c);
bool pk_lb_is_network(const struct pk_component *c);
/* Networks that may connect: as written, else everything or the VPC; sorted. New reference. */
json_t *pk_lb_cidrs(struct pk_expansion *x, const struct pk_component *c);
/* Sets x->lbs; findings lb.* that concern several components at once. */
void pk_lb_plan(struct pk_expansion *x);
/* The component's entry in the plan; NULL when it uses no shared load balancer. */
const struct pk_lb_member *pk_lb_member(struct pk_expansion *x, const struct pk_component *c);
struct pk_lb *pk_lb_of(struct pk_expansion *x, const struct pk_component *c);
/* Keys of the shared nodes: "alb", "alb-internal", "alb-http-internal" … */
const char *pk_lb_sub(struct pk_expansion *x, const struct pk_lb *lb, const char *part);
/* The listener node of a shared load balancer, with all it needs; made when first asked for. */
struct pk_resource *pk_lb_listener(struct pk_expansion *x, struct pk_lb *lb, const char *listener);

/* The port that traffic goes to: {name, port, protocol, appProtocol?}; NULL when there is none. */
const json_t *pk_ports_primary(const struct pk_component *c);
/* primary, or what loadBalancer.port names; NULL after a finding when `report` is set. */
const json_t *pk_lb_port(struct pk_expansion *x, const struct pk_component *c, bool report);

/* Target group, rule or load balancer of its own; adds LoadBalancers to `service` and draws the
 * edges that ECS wants. */
void pk_lb_attach(struct pk_expansion *x, const struct pk_component *c, struct pk_resource *service,
                  bool awsvpc);
/* Name under which the load balancer is reached (text or token); NULL when there is none. New
 * reference. */
json_t *pk_lb_host(struct pk_expansion *x, const struct pk_component *c, bool own_name);
/* "https://host" or a token; NULL when there is no load balancer. own_name: the load balancer's
 * name even where an ingress hostname is given. New reference. */
json_t *pk_lb_endpoint(struct pk_expansion *x, const struct pk_component *c, bool own_name);
/* Key of the load balancer's node, or NULL. */
const char *pk_lb_key(struct pk_expansion *x, const struct pk_component *c);
void pk_lb_check(struct pk_expansion *x, const struct pk_component *c);

#endif
