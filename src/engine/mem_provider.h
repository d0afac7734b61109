/*
 * mem_provider.h - the in-memory provider with a world that outlives runs, and scripts.
 *
 * Layer 3. Used by `--rehearse` (pk_mem_provider_new, engine.h) and by tests: a world holds what
 * "AWS" has, a ledger of every mutation that was carried out, and a script decides the fate of
 * calls. A world may be used from any number of threads; the script is called with the world's lock
 * held, one call at a time.
 */
#ifndef PK_ENGINE_MEM_PROVIDER_H
#define PK_ENGINE_MEM_PROVIDER_H

#include "engine/engine.h"

enum pk_mem_verb { PK_MEM_CREATE, PK_MEM_UPDATE, PK_MEM_REMOVE, PK_MEM_FIND, PK_MEM_READ };

/* One call as the script sees it. Repeated calls of one operation (PK_AGAIN) that only poll are not
 * calls. */
struct pk_mem_call {
    enum pk_mem_verb verb;
    const char *key, *type, *physical_id; /* physical_id NULL on create and find */
    uint64_t number;                      /* of all calls to this world, from 1 */
};

enum pk_mem_fate {
    PK_MEM_OK,
    PK_MEM_REFUSED,    /* a clear answer: 400, nothing was done */
    PK_MEM_BROKEN,     /* done, but the resource ends in a failed state */
    PK_MEM_NOT_SENT,   /* no answer; nothing was done, which the caller cannot know */
    PK_MEM_REPLY_LOST, /* no answer; it was done */
    PK_MEM_CANCELLED,  /* the run ends: nothing was done */
};

struct pk_mem_script {
    /* NULL = everything is fine. */
    enum pk_mem_fate (*fate)(void *ctx, const struct pk_mem_call *call);
    void *ctx;
    unsigned polls;     /* PK_AGAINs before a create, update or delete is finished */
    int64_t again_ms;   /* between them */
    int64_t latency_ms; /* of every call */
    /* Like AWS: updates of what does not exist fail, and so do deletes of what others refer to.
     * Without it everything unknown is taken to exist (a rehearsal on a real state). */
    bool strict;
    bool no_tokens; /* idempotency tokens are not honoured, as by many services */
};

struct pk_mem_world;
struct pk_mem_world *pk_mem_world_new(const char *region, const char *account_id);
void pk_mem_world_free(struct pk_mem_world *world); /* NULL is fine */
/* A provider over a world (borrowed); script is copied and may be NULL. Free it through its
 * vtable. */
struct pk_provider *pk_mem_provider_open(struct pk_mem_world *world, struct pk_traits_source traits,
                                         const struct pk_mem_script *script);

/* --- what is there; copies, taken under the lock --- */
size_t pk_mem_world_count(struct pk_mem_world *world); /* resources that exist */
/* {physicalId: {type, name, key, lineage, op, properties, tags, state}} of what exists; new
 * reference. */
json_t *pk_mem_world_json(struct pk_mem_world *world);
/* [{verb, type, key, physicalId}] of every mutation that was carried out; new reference. */
json_t *pk_mem_world_ledger(struct pk_mem_world *world);
uint64_t pk_mem_world_calls(struct pk_mem_world *world);
/* Somebody else's doing: sets a property, deletes, or makes a resource without panka's tags. */
bool pk_mem_world_set(struct pk_mem_world *world, const char *physical_id, const char *property,
                      json_t *value);
bool pk_mem_world_delete(struct pk_mem_world *world, const char *physical_id);
void pk_mem_world_add_foreign(struct pk_mem_world *world, const char *type, const char *name);

#endif
