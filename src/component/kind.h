/*
 * kind.h - what a kind is made of, the registry of all kinds, and the expansion of a project into a
 * graph.
 *
 * Layer 2. One file per kind: its field table, its cross-field checks and its expand function.
 * Expansion is pure: it reads the project, the state (for pinned names) and files beside the YAML,
 * and calls nobody.
 */
#ifndef PK_COMPONENT_KIND_H
#define PK_COMPONENT_KIND_H

#include "graph/graph.h"
#include "model/project.h"
#include "state/state.h"

/* Everything an expansion depends on. */
struct pk_expand_env {
    const struct pk_project *project;
    const struct pk_state
        *state; /* pinned names, generations, priorities; NULL = nothing deployed */
    const struct pk_map
        *generations; /* key -> (unsigned*) that override the state's; may be NULL */
    const char *region, *account_id, *partition,
        *dns_suffix;    /* offline: "us-east-1", "000000000000" */
    json_t *networking; /* state.networking shape, or NULL: no network known (offline: tokens stay
                           unresolved) */
    bool online;        /* false: validate; a missing network or account is no finding */
    const char *const *redeploy; /* component names/addresses of --redeploy */
    size_t n_redeploy;
    const char *const *allow_replace; /* keys of --allow-replace */
    size_t n_allow_replace;
};

struct pk_expansion; /* component/expand.h */
struct pk_statements;

struct pk_kind {
    struct pk_kind_table table;
    bool stateful;
    /* Cross-field rules that need no AWS; findings into x's diags. Runs for every enabled
     * component, before expand. */
    void (*check)(struct pk_expansion *x, const struct pk_component *c);
    /* Adds the component's nodes. All components have been checked; nodes of other components may
     * not exist yet. */
    void (*expand)(struct pk_expansion *x, const struct pk_component *c);
    /* Value of an output (canonical name, not one of the common five): literal when computable
     * before the target exists, else a token. NULL after a finding ref.output-unavailable. New
     * reference. */
    json_t *(*output)(struct pk_expansion *x, const struct pk_component *c, const char *output,
                      struct pk_span asked);
    /* Adds IAM statements for `level` (read, write, readwrite, consume, admin) on exactly this
     * component. NULL: grants nothing. */
    void (*access)(struct pk_expansion *x, const struct pk_component *c, const char *level,
                   struct pk_statements *to);
    const char
        *default_access; /* level that a plain reference grants: "readwrite", "write", "none" … */
    /* The common outputs `name`, `id` and `arn` of the component where they are known better than
     * by the default: name = name of the primary node of type `primary_type`, id = {"$ref": key,
     * "attr": "Ref"}, arn = {"$ref": key, "attr": "Arn"}. NULL without a finding = the default.
     * May be NULL. */
    json_t *(*identity)(struct pk_expansion *x, const struct pk_component *c, const char *output);
    const char *primary_type; /* type of the primary node; NULL = differs by settings (then `name`
                                 comes from identity or is a token) */
};

const struct pk_kind *pk_kind_by_name(const char *kind); /* canonical name; NULL when not offered */
/* All tables: Stack, Service, TenantConfig, offered kinds, and the rest of the catalogue with
 * offered = false. */
const struct pk_kind_registry *pk_kinds(void);

/* Checks and expands the whole project. Always returns a graph (possibly partial when diags has
 * errors). Cycles are checked. */
struct pk_graph *pk_expand(const struct pk_expand_env *env, struct pk_diags *diags);

#endif
