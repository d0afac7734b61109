/*
 * internal.h - what the files of component/ share beyond expand.h.
 *
 * Layer 2. Internal to component/.
 */
#ifndef PK_COMPONENT_INTERNAL_H
#define PK_COMPONENT_INTERNAL_H

#include "component/expand.h"

/* --- tags.c --- */
/* Fills r->tags: defaults, labels and tags of stack, service and component, system tags. c NULL =
 * stack scope. */
void pk_x_set_tags(struct pk_expansion *x, const struct pk_component *c, struct pk_resource *r);
void pk_x_check_tags(struct pk_expansion *x);

/* --- nodes.c --- */
/* The state's record of a node (by key, else by service, component and sub); NULL when there is
 * none of that type. */
const struct pk_state_resource *pk_x_recorded(struct pk_expansion *x, const struct pk_component *c,
                                              const char *sub, const char *type);
/* True for components that take part: enabled and of a kind that is deployed. */
bool pk_x_active(const struct pk_component *c);
/* Draws the edges of x->waits. */
void pk_x_draw_waits(struct pk_expansion *x);
/* Keeps a JSON value until the graph is freed. */
json_t *pk_x_keep(struct pk_expansion *x, json_t *value);

/* --- values.c --- */
/* json_object_set_new that leaves NULL values out. */
void pk_x_set(json_t *object, const char *key, json_t *value);
json_t *pk_x_texts(const char *const *texts, size_t n);

/* --- shared_env.c --- */
/* Reads a secret reference (text, or with an output inside) into entry, whose span is set. */
void pk_x_read_secret(struct pk_expansion *x, struct pk_resource *r, const struct pk_component *c,
                      const json_t *written, const char *why, struct pk_env_entry *entry);

/* --- network.c --- */
/* Creates _stack:security-group when the stack has rules of its own. */
void pk_x_stack_security_group(struct pk_expansion *x);
void pk_x_check_network(struct pk_expansion *x);
/* The stack's own ingress rules cover this TCP port. */
bool pk_x_stack_opens_port(struct pk_expansion *x, int64_t port);
/* CIDR of the network, or NULL when unknown. */
const char *pk_x_vpc_cidr(struct pk_expansion *x);
/* Group ids as text: "the tenant's group", the stack's; without those of a component. */
json_t *pk_x_base_groups(struct pk_expansion *x, const struct pk_component *c);

#endif
