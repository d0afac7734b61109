/*
 * state.h - the state document: what panka knows to exist.
 *
 * Layer 2. Format 2 (docs/state.md). One thread at a time. A state owns everything in it.
 */
#ifndef PK_STATE_STATE_H
#define PK_STATE_STATE_H

#include "base/error.h"
#include "base/vec.h"

#include <jansson.h>

#define PK_STATE_FORMAT 2
#define PK_STATE_MAX_SIZE ((size_t)64 << 20)

enum pk_status {
    PK_STATUS_PENDING,
    PK_STATUS_CREATING,
    PK_STATUS_READY,
    PK_STATUS_UPDATING,
    PK_STATUS_REPLACING,
    PK_STATUS_DELETING,
    PK_STATUS_FAILED,
    PK_STATUS_TAINTED,
    PK_STATUS_UNKNOWN,
};
const char *pk_status_text(enum pk_status status);

/* INTENT: written before the call, removed with the result. */
struct pk_pending {
    char *op;    /* "create", "update", "delete" */
    char *op_id; /* value of the tag panka:op */
    char *token; /* idempotency token or NULL */
    char *started_at;
    char *inputs_hash;
    char *previous_physical_id; /* or NULL */
};

struct pk_state_resource {
    char *key, *type;
    char *kind, *service, *component, *sub; /* "" where none */
    enum pk_status status;
    char *physical_id; /* NULL while a create has not answered */
    char *name;        /* pinned physical name or NULL */
    char *region;
    unsigned generation;
    json_t *attributes; /* object, never NULL */
    json_t *properties; /* object: last applied inputs, tokens resolved, secrets as tokens */
    json_t *tags;       /* object of texts */
    json_t *external;   /* object of texts: pk_resource.external as last applied; never NULL */
    char *inputs_hash;  /* "sha256:" and 64 hex digits, or NULL */
    struct pk_vec dependencies; /* char* keys */
    bool protect, retain_on_delete, force_destroy, final_snapshot, stateful;
    char *created_at, *updated_at, *last_deployment_id;
    struct pk_pending *pending; /* or NULL */
    char *last_error;           /* or NULL */
    /* Earlier physical resources of this key that still have to be deleted (create-before-delete
     * replacement): objects {physicalId, name, type, properties, attributes, tags, region,
     * generation, dependencies, finalSnapshot, forceDestroy, stateful}. Never NULL. */
    json_t *deposed;
    json_t *extra; /* unknown members of the file, kept on writing */
    json_t *ref;   /* physical_id as JSON; only pk_state_attribute uses it */
};

struct pk_state {
    char *lineage; /* UUID */
    int64_t serial;
    char *lock_id, *write_id;
    json_t *metadata, *configuration, *networking, *outputs, *deployment; /* objects, never NULL */
    struct pk_map *resources; /* key -> struct pk_state_resource, order kept */
    json_t *extra;
};

struct pk_state *pk_state_new(void); /* new lineage, serial 0 */
void pk_state_free(struct pk_state *state);
void pk_state_freep(struct pk_state **state);
/* Reads any known shape (older ones are upgraded in memory). A newer formatVersion is STATE_NEWER,
 * bad JSON or shape STATE_INVALID naming `what` (the object). */
PK_NODISCARD bool pk_state_parse(const char *text, size_t len, const char *what,
                                 struct pk_state **ret, struct pk_error **err);
json_t *pk_state_to_json(const struct pk_state *state);
/* One resource in the form it has inside the document; new reference. */
json_t *pk_state_resource_to_json(const struct pk_state_resource *resource);
char *pk_state_dump(const struct pk_state *state, size_t *ret_len); /* pretty JSON, malloc'ed */
struct pk_state *pk_state_copy(const struct pk_state *state);

struct pk_state_resource *pk_state_find(const struct pk_state *state,
                                        const char *key); /* or NULL */
struct pk_state_resource *pk_state_add(struct pk_state *state, const char *key,
                                       const char *type); /* or the existing */
void pk_state_remove(struct pk_state *state, const char *key);
/* Gives a resource another key (a component's key changes when another service takes its name);
 * references in `dependencies` follow. `to` must be free (asserted). */
void pk_state_rename(struct pk_state *state, const char *from, const char *to);
struct pk_state_resource *pk_state_resource_copy(const struct pk_state_resource *resource);
void pk_state_resource_free(struct pk_state_resource *resource); /* NULL is fine */
/* Puts `resource` (taken over) where one of its key was, or adds it. */
void pk_state_put(struct pk_state *state, struct pk_state_resource *resource);
void pk_pending_free(struct pk_pending *pending); /* NULL is fine */
/* Replaces a malloc'ed member by a copy of text (which may be NULL). */
void pk_state_set_text(char **member, const char *text);
/* Replaces the dependencies by copies of the keys. */
void pk_state_set_dependencies(struct pk_state_resource *resource, const char *const *keys,
                               size_t n);
void pk_state_set_pending(struct pk_state_resource *resource,
                          struct pk_pending *pending); /* takes it over; NULL clears */
struct pk_pending *pk_pending_new(const char *op, const char *op_id, const char *token,
                                  const char *started_at, const char *inputs_hash,
                                  const char *previous_physical_id);
/* Attribute `attr` of a resource ("Ref" = physical id, dotted names inside); borrowed or NULL. */
json_t *pk_state_attribute(const struct pk_state_resource *resource, const char *attr);
/* The status of a text of the document ("available" is READY); UNKNOWN for others. */
enum pk_status pk_status_parse(const char *text);
/* True when something of this resource exists or may exist: it has a physical id, an open create or
 * deposed ones. */
bool pk_state_is_live(const struct pk_state_resource *resource);
/* Number of resources that really exist or may exist. */
size_t pk_state_live_count(const struct pk_state *state);

#endif
