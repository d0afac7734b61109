/*
 * expand.h - the tools that kinds use while they check and expand. Internal to component/ and
 * tenant/.
 *
 * Layer 2. All text results live in the graph's arena.
 */
#ifndef PK_COMPONENT_EXPAND_H
#define PK_COMPONENT_EXPAND_H

#include "component/kind.h"
#include "component/names.h"
#include "json/json.h"

struct pk_expansion {
    const struct pk_expand_env *env;
    const struct pk_project *project;
    struct pk_graph *graph;
    struct pk_arena *arena;
    struct pk_diags *diags;
    struct pk_map *secrets; /* $secretArn names seen -> struct pk_span of the first use */
    struct pk_map *gates; /* component address -> struct pk_resource, where it is not the primary */
    struct pk_vec waits;  /* struct pk_x_wait: edges to components, drawn when all nodes exist */
    struct pk_lb_plan *lbs; /* the shared load balancers (component/lb.h) */
    const struct pk_component *
        *senders; /* topics and buckets that take part, found once (component/senders.c) */
    size_t n_senders;
    unsigned outputs; /* outputs being worked out, each for the one before */
};

/* An edge to a component's ready gate that waits for the end of the expansion. */
struct pk_x_wait {
    struct pk_resource *from;
    const struct pk_component *to;
    enum pk_strength strength;
    const char *why;
    struct pk_span span;
};

/* --- nodes
 * -----------------------------------------------------------------------------------------------
 */
/* New node `<c->key>[:sub]`: identity, tags, policy (protect, finalSnapshot, forceDestroy,
 * retainOnDelete from the common fields and the kind's statefulness; primary when sub is NULL),
 * generation, and its pinned or generated name where the type has a name rule. */
struct pk_resource *pk_x_node(struct pk_expansion *x, const struct pk_component *c, const char *sub,
                              const char *type);
/* Stack-scoped node "_stack:<sub>": the existing one, or a new one (*ret_new true) for the caller
 * to fill. */
struct pk_resource *pk_x_stack_node(struct pk_expansion *x, const char *sub, const char *type,
                                    bool *ret_new);
/* Replaces the generated name by an explicit one (field `name`, `tableName` …). */
void pk_x_explicit_name(struct pk_expansion *x, struct pk_resource *r, const char *name);
/* The name that node `<key>` of that type has or will have, without creating it (for computed
 * ARNs). */
const char *pk_x_name_of(struct pk_expansion *x, const struct pk_component *c, const char *sub,
                         const char *type);
void pk_x_needs(struct pk_expansion *x, struct pk_resource *from, struct pk_resource *to,
                const char *why);
/* `from` waits for the ready gate of another component, whose nodes may not exist yet: trigger
 * sources, subscriptions, dead letter queues … that are named by a literal ARN. */
void pk_x_wait_for(struct pk_expansion *x, struct pk_resource *from, const struct pk_component *to,
                   enum pk_strength strength, const char *why, struct pk_span span);
/* The key of node `<c->key>[:sub]`; for c NULL "_stack:<sub>". */
const char *pk_x_key(struct pk_expansion *x, const struct pk_component *c, const char *sub);
/* The base of physical names; c NULL = stack scope. */
const char *pk_x_base(struct pk_expansion *x, const struct pk_component *c, const char *sub);
/* deletionProtection as written, else true for a stateful kind in production. */
bool pk_x_deletion_protection(struct pk_expansion *x, const struct pk_component *c);
/* A finding about the field at `path` of c, with c's address; help may be added to the result. */
struct pk_diag *pk_x_finding(struct pk_expansion *x, const struct pk_component *c,
                             enum pk_severity severity, const char *id, const char *path,
                             const char *fmt, ...) PK_PRINTF(6, 7);

/* --- properties
 * -------------------------------------------------------------------------------------------- */
/* Sets `property` ("A" or dotted "A.B") from the spec value at `path` (outputs resolved) when there
 * is one; records the place. */
void pk_x_copy(struct pk_expansion *x, struct pk_resource *r, const char *property,
               const struct pk_component *c, const char *path);
/* The spec value at path with every {"$out":…} replaced by a literal or a {"$ref":…}; edges from
 * `r` are drawn (soft when the value is a literal, hard otherwise) with `path` as the reason. New
 * reference or NULL. */
json_t *pk_x_value(struct pk_expansion *x, struct pk_resource *r, const struct pk_component *c,
                   const char *path);
json_t *pk_x_resolve(struct pk_expansion *x, struct pk_resource *r, const struct pk_component *c,
                     const json_t *value, const char *why, struct pk_span span);
/* One output of `target` as seen from `from`; common outputs included. New reference or NULL after
 * a finding. */
json_t *pk_x_output(struct pk_expansion *x, const struct pk_component *from,
                    const struct pk_component *target, const char *output, struct pk_span asked);
/* The component a ref field names; NULL (finding already made by the loader) when it is unknown or
 * disabled. */
const struct pk_component *pk_x_ref(struct pk_expansion *x, const struct pk_component *c,
                                    const char *path);
/* The key of the component's ready gate: other nodes that depend on the component wait for it.
 * Default: the primary node. */
void pk_x_ready_gate(struct pk_expansion *x, const struct pk_component *c,
                     struct pk_resource *gate);

/* --- values
 * ------------------------------------------------------------------------------------------------
 */
/* arn:<partition>:<service>:<region>:<account>:<resource>; region or account "" where the service
 * has none. */
json_t *pk_x_arn(struct pk_expansion *x, const char *service, const char *fmt, ...) PK_PRINTF(3, 4);
json_t *pk_x_arn_global(struct pk_expansion *x, const char *service, const char *fmt, ...)
    PK_PRINTF(3, 4); /* iam, s3 */
/* Secret reference: the full ARN as text or {"$secretArn":…}; `#key` gives
 * "<arn>:<key>::" in a $join when for_ecs. The name is noted in x->secrets. */
json_t *pk_x_secret_arn(struct pk_expansion *x, const char *secret_ref, bool for_ecs,
                        struct pk_span span);
/* {"$secret": name or ARN, "key": …}: the value, read by the provider during the call. */
json_t *pk_x_secret_value(struct pk_expansion *x, const char *secret_ref, struct pk_span span);
/* Subnet and security group ids by the rules of placement; tokens or literals,
 * new reference; NULL + finding net.not-provisioned when online and there is no network. */
enum pk_placement { PK_PLACE_WORKLOAD, PK_PLACE_DATA, PK_PLACE_LB_PUBLIC, PK_PLACE_LB_INTERNAL };
json_t *pk_x_subnets(struct pk_expansion *x, const struct pk_component *c,
                     enum pk_placement placement);
json_t *pk_x_security_groups(struct pk_expansion *x, const struct pk_component *c,
                             enum pk_placement placement);
json_t *pk_x_vpc_id(struct pk_expansion *x, const struct pk_component *c);
bool pk_x_has_network(struct pk_expansion *x);
bool pk_x_is_production(struct pk_expansion *x); /* production, prod, live */

/* --- IAM (component/iam.c)
 * ----------------------------------------------------------------------------------- */
struct pk_statements;
/* One statement; actions are NULL-terminated; resources and condition are stolen. */
void pk_iam_allow(struct pk_statements *to, const char *const *actions, json_t *resources,
                  json_t *condition);
/* Role node `<c>:<sub>` of a code-running component with trust for `service_principal` and the
 * derived inline policy `access` when with_access; NULL when iam.roleArn
 * replaces it. Edges are the caller's. */
struct pk_resource *pk_iam_role(struct pk_expansion *x, const struct pk_component *c,
                                const char *sub, const char *service_principal, bool with_access);
/* ARN of the component's own role: iam.roleArn or a computed one. */
json_t *pk_iam_role_arn(struct pk_expansion *x, const struct pk_component *c, const char *sub);
/* Canonical policy document of statements merged by action set and sorted; NULL when there are
 * none. */
json_t *pk_iam_document(struct pk_statements *statements);
struct pk_statements *pk_iam_statements_new(struct pk_arena *arena);

/* --- blocks shared by kinds (component/shared_*.c)
 * -------------------------------------------------------------- */
/* Effective environment of c: sorted list of {name, value | secret}; for ECS
 * and Lambda. */
struct pk_env_entry {
    const char *name;
    json_t *value;          /* text or token, released with the graph; NULL for a secret */
    const char *secret_ref; /* or NULL */
    json_t *secret_arn;     /* a secret whose reference holds an output: the ARN, without `#key` */
    const char *secret_key; /* its `#key`, or NULL */
    struct pk_span span;
};
/* ARN of a secret entry as pk_x_secret_arn gives it, for both forms. New reference. */
json_t *pk_x_env_secret_arn(struct pk_expansion *x, const struct pk_env_entry *entry, bool for_ecs);
void pk_x_environment(struct pk_expansion *x, struct pk_resource *r, const struct pk_component *c,
                      struct pk_env_entry **ret, size_t *ret_n);
/* Log group node `<c>:log-group` named `name` (NULL: the rule of 4.1) with retention from
 * logging.*. */
struct pk_resource *pk_x_log_group(struct pk_expansion *x, const struct pk_component *c,
                                   const char *sub, const char *name);
/* Field rows of the shared blocks, to be spliced into tables (component/shared_fields.def has the
 * X-macro lists). */

#endif
