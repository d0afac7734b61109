/*
 * plan.h - what would change and why: a pure function of desired graph, state and what was read.
 *
 * Layer 3. No I/O. A plan is immutable once made; it borrows graph and state, which must outlive
 * it.
 */
#ifndef PK_PLAN_PLAN_H
#define PK_PLAN_PLAN_H

#include "graph/graph.h"
#include "plan/traits.h"
#include "state/state.h"

enum pk_action_kind {
    PK_ACTION_NOOP,
    PK_ACTION_CREATE,
    PK_ACTION_UPDATE,
    PK_ACTION_REPLACE,
    PK_ACTION_DELETE,
    PK_ACTION_FORGET, /* retainOnDelete: leaves the state, stays in AWS */
    PK_ACTION_RESUME, /* tainted or open intent: look it up, then create, finish or update */
    PK_ACTION_DELETE_DEPOSED, /* the old one of a replacement, of this run or an interrupted one */
};
const char *pk_action_text(enum pk_action_kind kind);   /* "create" */
const char *pk_action_symbol(enum pk_action_kind kind); /* "+", "~", "±", "-", … */

struct pk_change {
    const char *path;   /* "VisibilityTimeout", "Tags.team" */
    json_t *before;     /* NULL = absent; sensitive values are replaced by "(sensitive)" */
    json_t *after;      /* NULL = removed */
    bool after_unknown; /* (known after apply) */
    bool replaces;
    bool sensitive;
    bool drift; /* AWS differs from what was last applied */
    struct pk_span span;
};

struct pk_action {
    enum pk_action_kind kind;
    bool create_first; /* REPLACE: new one first */
    const char *key, *type;
    struct pk_resource *desired; /* NULL for delete, forget, delete-deposed */
    /* What state knows, or NULL. Of a create: the record of what is gone. Its key differs from the
     * action's when the component's key has changed (identity is service, component, sub). */
    const struct pk_state_resource *prior;
    json_t *live; /* what was read, or NULL */
    struct pk_change *changes;
    size_t n_changes;
    const char
        *reason;  /* one line: "VisibilityTimeout 30 -> 60", "not in the configuration any more" */
    bool missing; /* was in state, is gone from AWS */
    bool data_loss;       /* deletes or replaces a stateful resource */
    bool allow_replace;   /* may be deleted to be made anew: not stateful, or the options name it */
    bool allow_data_loss; /* the options name it */
    bool outside;         /* left alone because targets, excludes or services do not select it */
    /* DELETE_DEPOSED: which one. NULL = the present one, before a delete-first replacement makes
     * its successor. Every REPLACE has one such action of the same key. */
    const char *deposed_id;
    size_t *needs; /* indexes of actions that must finish first */
    size_t n_needs;
    size_t index;
};

struct pk_plan_options {
    bool destroy;
    const char *const
        *targets; /* resource keys or component addresses/names: only these and what they need */
    size_t n_targets;
    const char *const *excludes;
    size_t n_excludes;
    const char *const *replace; /* keys to replace although nothing forces it */
    size_t n_replace;
    const char *const
        *allow_replace; /* keys whose replacement is allowed although protected or stateful */
    size_t n_allow_replace;
    const char *const *allow_data_loss; /* keys whose data may be deleted without a copy */
    size_t n_allow_data_loss;
    const char *const *services; /* only components of these services */
    size_t n_services;
};

struct pk_plan_input {
    const struct pk_graph *graph; /* NULL with destroy: everything in state goes */
    const struct pk_state *state;
    /* key -> json_t* live properties (object) or json null for "gone"; keys not in the map were not
     * read; NULL = no refresh */
    const struct pk_map *live;
    struct pk_traits_source traits;
    struct pk_plan_options options;
};

struct pk_plan {
    struct pk_arena *arena;
    struct pk_vec actions; /* struct pk_action; all resources, no-ops included; order of execution
                              where it matters */
    size_t n_create, n_update, n_replace, n_delete, n_forget, n_noop;
    json_t *outputs_before, *outputs_after;
    int64_t serial;
    const char *lineage;
    /* Named resources that are replaced create-first but whose desired name equals the prior one:
     * expand again with generation + 1 for these keys and plan again. */
    struct pk_vec bump; /* const char* */
};

/* Findings (plan.protected, plan.replace-stateful, plan.no-change, plan.target-unknown,
 * state.tainted-stateful) are errors in diags: the plan is still complete, for showing, but must
 * not be applied. */
struct pk_plan *pk_plan_make(const struct pk_plan_input *input, struct pk_diags *diags);
void pk_plan_free(struct pk_plan *plan);
void pk_plan_freep(struct pk_plan **plan);
bool pk_plan_has_changes(const struct pk_plan *plan); /* outputs count too */
/* The action of a key; of the two of a replacement the REPLACE. NULL when there is none. */
struct pk_action *pk_plan_find(const struct pk_plan *plan, const char *key);

/* What differs for one resource. */
struct pk_diff_input {
    const struct pk_resource *desired;
    const json_t *properties; /* of desired, tokens resolved as far as they are known */
    /* What was last applied; NULL when that is not certain (a create of unknown outcome): then
     * everything that cannot be read back counts as different. */
    const struct pk_state_resource *prior;
    const json_t *live;                  /* what was read ("$tags": the tags), or NULL */
    const struct pk_type_traits *traits; /* or NULL */
};
/* Changes of properties, tags, external inputs and policy, in this order; texts and values live in
 * the arena. Sensitive values are masked. */
struct pk_change *pk_plan_diff(struct pk_arena *arena, const struct pk_diff_input *input,
                               size_t *ret_n);
/* Changes that only the state has to learn (deletionProtection, retainOnDelete …): no call. */
bool pk_change_is_policy(const struct pk_change *change);
/* Changes of external inputs ("External.<name>"): the provider has to act though no property
 * differs. */
bool pk_change_is_external(const struct pk_change *change);

/* Plan files: self-contained JSON (graph, options, serial, lineage, inputs hash, stack identity).
 */
struct pk_plan_file {
    struct pk_graph *graph;
    json_t *identity; /* object: tenant, stack, environment, region, accountId, backend */
    int64_t serial;
    char *lineage, *inputs_sha256, *created_at;
    json_t *options; /* destroy, targets, … as written by the caller */
};
char *pk_plan_file_dump(const struct pk_plan_file *file, size_t *ret_len);
PK_NODISCARD bool pk_plan_file_parse(const char *text, size_t len, const char *what,
                                     struct pk_plan_file *ret, struct pk_error **err);
void pk_plan_file_release(struct pk_plan_file *file);

/* Equality of a desired and a stored or live value under the traits of its path (normalisation of
 * policy documents, sets, numbers as text …). Desired keys only: what AWS adds is ignored in `live`
 * mode. */
bool pk_plan_equal(const json_t *desired, const json_t *other, const struct pk_type_traits *traits,
                   const char *path, bool live);
/* SHA-256 of properties and external inputs; tokens kept as they are. */
void pk_plan_inputs_hash(const struct pk_resource *resource, char ret[static 65]);

#endif
