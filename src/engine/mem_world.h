/* mem_world.h - the things of an in-memory world. Internal to engine/. */
#ifndef PK_ENGINE_MEM_WORLD_H
#define PK_ENGINE_MEM_WORLD_H

#include "engine/mem_provider.h"

#include <pthread.h>

struct pk_mem_thing {
    char *type, *id, *name, *key, *lineage, *op, *token;
    json_t *properties, *tags, *attributes;
    uint64_t number; /* in order of making */
    bool broken;
};

struct pk_mem_world {
    char *region, *account_id;
    pthread_mutex_t lock;  /* of everything below; held by whoever calls the functions below */
    struct pk_map *things; /* physical id -> struct pk_mem_thing */
    json_t *ledger;
    uint64_t calls, made;
};

struct pk_mem_thing *pk_mem_world_make(struct pk_mem_world *world, const char *type,
                                       const char *name, const char *key);
void pk_mem_world_unmake(struct pk_mem_world *world, struct pk_mem_thing *thing);
/* Adds to the ledger. */
void pk_mem_world_note(struct pk_mem_world *world, const char *verb, const char *type,
                       const char *key, const char *id);

#endif
