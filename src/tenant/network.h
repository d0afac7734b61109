/*
 * network.h - one expansion of a tenant's network.
 *
 * Layer 7. Internal to tenant/. Texts live in the graph's arena.
 */
#ifndef PK_TENANT_NETWORK_H
#define PK_TENANT_NETWORK_H

#include "tenant/tenant.h"

/* One subnet as it will be. */
struct pk_net_subnet {
    const char *cidr, *zone, *name;
    struct pk_resource *node;
    struct pk_span span;
};

struct pk_net_table { /* a private route table; zone NULL: of all zones */
    const char *zone;
    struct pk_resource *node;
};

struct pk_net {
    const struct pk_tenant_config *tenant;
    const json_t *spec; /* of networking; may be NULL */
    const struct pk_state *state;
    const struct pk_map *generations; /* or NULL */
    struct pk_graph *graph;
    struct pk_arena *arena;
    struct pk_diags *diags;
    const char *region, *account_id;
    struct pk_resource *vpc, *igw, *attachment, *group;
    struct pk_resource *public_table;
    struct pk_net_subnet *public, *private;
    size_t n_public, n_private;
    struct pk_net_table *tables;
    size_t n_tables;
    json_t *nat_ids; /* tokens */
};

/* Node `_network:<sub>` with tags; `name` is its tag Name, or with a name rule its physical name
 * (then explicit: the user wrote it). `path`: what of the networking block asked for it. */
struct pk_resource *pk_net_node(struct pk_net *n, const char *sub, const char *type,
                                const char *name, bool explicit, const char *path);
void pk_net_set(struct pk_net *n, struct pk_resource *r, const char *property, json_t *value);
void pk_net_needs(struct pk_net *n, struct pk_resource *from, struct pk_resource *to);
struct pk_span pk_net_span(const struct pk_net *n, const char *path);
/* `{tenant}` filled in. */
const char *pk_net_text(struct pk_net *n, const char *text);

/* network_extras.c */
void pk_net_security_group(struct pk_net *n);
void pk_net_endpoints(struct pk_net *n);
void pk_net_flow_logs(struct pk_net *n);

#endif
