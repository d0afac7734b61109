/*
 * internal.h - what the parts of planning share. Internal to plan/.
 */
#ifndef PK_PLAN_INTERNAL_H
#define PK_PLAN_INTERNAL_H

#include "plan/plan.h"
#include "json/json.h"

/* A property path that grows and shrinks; too long ones are cut, which only loses traits. */
struct pk_path {
    char text[512];
    size_t len;
};
/* Appends ".member" ("member" to an empty path) or "[]"; returns the length to go back to. */
size_t pk_path_push(struct pk_path *path, const char *member);
size_t pk_path_push_item(struct pk_path *path);
void pk_path_pop(struct pk_path *path, size_t len);

/* IAM policy document (object or JSON text) in one form: new reference; NULL when it is none. */
json_t *pk_policy_canonical(const json_t *value);

/* Absent, null, or an empty list or object: AWS does not tell them apart. */
bool pk_value_is_empty(const json_t *value);

/* Everything of one pk_plan_make. */
struct pk_maker {
    const struct pk_plan_input *input;
    struct pk_plan *plan;
    struct pk_diags *diags;
    const struct pk_graph *graph; /* empty when everything goes */
    struct pk_graph *no_graph;
    struct pk_map *priors;   /* graph key -> struct pk_state_resource */
    struct pk_map *matched;  /* state key -> struct pk_resource: not to be deleted */
    struct pk_map *selected; /* graph keys and state keys that the options select */
    struct pk_map *main;     /* key -> struct pk_action of what happens to the resource */
    struct pk_vec all;       /* struct pk_action in order of making */
    struct pk_map *removals; /* key -> struct pk_vec of struct pk_action (DELETE_DEPOSED) */
};

bool pk_listed(const char *const *keys, size_t n, const char *key);
const struct pk_type_traits *pk_maker_traits(const struct pk_maker *m, const char *type);
struct pk_action *pk_maker_action(struct pk_maker *m, enum pk_action_kind kind, const char *key,
                                  const char *type);
struct pk_vec *pk_maker_removals(const struct pk_maker *m, const char *key); /* or NULL */

/* select.c: fills m->selected. */
void pk_maker_select(struct pk_maker *m);
/* decide.c: the action of one desired resource; those that it needs were decided before. */
void pk_maker_decide(struct pk_maker *m, struct pk_resource *r);
/* The action of a resource that is in state only. */
void pk_maker_decide_gone(struct pk_maker *m, const struct pk_state_resource *s);
/* Token resolver for pk_token_resolve: values of resources that exist and stay; ctx is the maker.
 */
json_t *pk_maker_resolve(void *ctx, const json_t *token);
/* order.c: `needs`, order and index of all actions. */
void pk_maker_order(struct pk_maker *m);
/* Keeps a JSON value (taken over) as long as the arena. */
json_t *pk_arena_json(struct pk_arena *arena, json_t *value);

#endif
