/* mem_world.c - what "AWS" has: things by physical id, and the ledger of what was done. */
#include "engine/mem_world.h"

#include "engine/mem_types.h"
#include "json/json.h"

#include <stdlib.h>
#include <string.h>

struct pk_mem_world *pk_mem_world_new(const char *region, const char *account_id) {
    struct pk_mem_world *world = pk_calloc(1, sizeof(*world));
    world->region = pk_strdup(region ? region : "us-east-1");
    world->account_id = pk_strdup(account_id ? account_id : "000000000000");
    world->things = pk_map_new();
    world->ledger = json_array();
    pthread_mutex_init(&world->lock, NULL);
    return world;
}

static void thing_free(struct pk_mem_thing *t) {
    char *texts[] = {t->type, t->id, t->name, t->key, t->lineage, t->op, t->token};
    for (size_t i = 0; i < PK_ARRAY_LEN(texts); i++)
        free(texts[i]);
    json_decref(t->properties);
    json_decref(t->tags);
    json_decref(t->attributes);
    free(t);
}

void pk_mem_world_free(struct pk_mem_world *world) {
    if (!world)
        return;
    size_t cursor = 0;
    void *item;
    while (pk_map_next(world->things, &cursor, NULL, &item))
        thing_free(item);
    pk_map_free(world->things);
    json_decref(world->ledger);
    pthread_mutex_destroy(&world->lock);
    free(world->region);
    free(world->account_id);
    free(world);
}

static char *copy_text(const char *text) {
    return text ? pk_strdup(text) : NULL;
}

void pk_mem_world_note(struct pk_mem_world *world, const char *verb, const char *type,
                       const char *key, const char *id) {
    json_t *o = json_object();
    pk_json_put_str(o, "verb", verb);
    pk_json_put_str(o, "type", type);
    pk_json_put_str(o, "key", key);
    pk_json_put_str(o, "physicalId", id);
    json_array_append_new(world->ledger, o);
}

struct pk_mem_thing *pk_mem_world_make(struct pk_mem_world *world, const char *type,
                                       const char *name, const char *key) {
    struct pk_mem_thing *t = pk_calloc(1, sizeof(*t));
    /* A name is an identity, and so are the made-up ids of its kind; nameless ones are counted. */
    char *seed PK_CLEANUP(pk_freep) =
        pk_asprintf("%s|%s|%llu", type, name ? name : key, (unsigned long long)++world->made);
    struct pk_mem_subject s = {.type = type,
                               .name = name,
                               .seed = seed,
                               .region = world->region,
                               .account_id = world->account_id};
    t->number = world->made;
    t->type = pk_strdup(type);
    t->name = copy_text(name);
    t->key = copy_text(key);
    t->id = pk_mem_physical_id(&s);
    if (pk_map_has(world->things, t->id)) {
        char *id = pk_asprintf("%s-%llu", t->id, (unsigned long long)world->made);
        free(t->id);
        t->id = id;
    }
    s.physical_id = t->id;
    t->attributes = pk_mem_attributes(&s);
    t->properties = json_object();
    t->tags = json_object();
    pk_map_set(world->things, t->id, t);
    return t;
}

void pk_mem_world_unmake(struct pk_mem_world *world, struct pk_mem_thing *t) {
    pk_map_remove(world->things, t->id);
    thing_free(t);
}

/* --- what tests look at and do --- */

size_t pk_mem_world_count(struct pk_mem_world *world) {
    pthread_mutex_lock(&world->lock);
    size_t n = pk_map_len(world->things);
    pthread_mutex_unlock(&world->lock);
    return n;
}

json_t *pk_mem_world_json(struct pk_mem_world *world) {
    json_t *ret = json_object();
    size_t cursor = 0;
    void *item;
    pthread_mutex_lock(&world->lock);
    while (pk_map_next(world->things, &cursor, NULL, &item)) {
        const struct pk_mem_thing *t = item;
        json_t *o = json_object();
        pk_json_put_str(o, "type", t->type);
        pk_json_put_str(o, "name", t->name);
        pk_json_put_str(o, "key", t->key);
        pk_json_put_str(o, "lineage", t->lineage);
        pk_json_put_str(o, "op", t->op);
        json_object_set_new(o, "properties", json_deep_copy(t->properties));
        json_object_set_new(o, "tags", json_deep_copy(t->tags));
        pk_json_put_str(o, "state", t->broken ? "failed" : "available");
        json_object_set_new(ret, t->id, o);
    }
    pthread_mutex_unlock(&world->lock);
    return ret;
}

json_t *pk_mem_world_ledger(struct pk_mem_world *world) {
    pthread_mutex_lock(&world->lock);
    json_t *ret = json_deep_copy(world->ledger);
    pthread_mutex_unlock(&world->lock);
    return ret;
}

uint64_t pk_mem_world_calls(struct pk_mem_world *world) {
    pthread_mutex_lock(&world->lock);
    uint64_t n = world->calls;
    pthread_mutex_unlock(&world->lock);
    return n;
}

bool pk_mem_world_set(struct pk_mem_world *world, const char *id, const char *property,
                      json_t *value) {
    pthread_mutex_lock(&world->lock);
    struct pk_mem_thing *t = pk_map_get(world->things, id);
    if (t && value)
        json_object_set_new(t->properties, property, value);
    else if (t)
        json_object_del(t->properties, property);
    else
        json_decref(value);
    pthread_mutex_unlock(&world->lock);
    return t != NULL;
}

bool pk_mem_world_delete(struct pk_mem_world *world, const char *id) {
    pthread_mutex_lock(&world->lock);
    struct pk_mem_thing *t = pk_map_get(world->things, id);
    if (t)
        pk_mem_world_unmake(world, t);
    pthread_mutex_unlock(&world->lock);
    return t != NULL;
}

void pk_mem_world_add_foreign(struct pk_mem_world *world, const char *type, const char *name) {
    pthread_mutex_lock(&world->lock);
    pk_mem_world_make(world, type, name, NULL);
    pthread_mutex_unlock(&world->lock);
}
