/* refresh.c - what exists of everything in state. */
#include "engine/engine.h"
#include "json/json.h"

#include <stdlib.h>

static json_t *copy_of(const json_t *value) {
    return value ? json_deep_copy(value) : NULL;
}

static void release(struct pk_read *reads, size_t n) {
    for (size_t i = 0; i < n; i++) {
        json_decref(reads[i].prior);
        json_decref(reads[i].prior_attributes);
        json_decref(reads[i].live);
        json_decref(reads[i].live_tags);
        json_decref(reads[i].attributes);
        pk_error_free(reads[i].error);
    }
    free(reads);
}

static size_t collect(struct pk_state *state, struct pk_read *reads) {
    size_t cursor = 0, n = 0;
    void *item;
    while (pk_map_next(state->resources, &cursor, NULL, &item)) {
        const struct pk_state_resource *r = item;
        if (!r->physical_id)
            continue; /* nothing to ask for: the engine looks for open creates */
        reads[n++] = (struct pk_read){.key = r->key,
                                      .type = r->type,
                                      .physical_id = r->physical_id,
                                      .name = r->name,
                                      .region = r->region,
                                      .prior = copy_of(r->properties),
                                      .prior_attributes = copy_of(r->attributes)};
    }
    return n;
}

static void note(struct pk_state *state, struct pk_arena *arena, struct pk_map *live,
                 struct pk_read *read) {
    json_t *value;
    if (read->gone) {
        pk_map_set(live, read->key, json_null());
        return;
    }
    value = read->live ? json_incref(read->live) : json_object();
    if (read->live_tags)
        json_object_set(value, "$tags", read->live_tags);
    pk_arena_on_free(arena, (void (*)(void *))json_decref, value);
    pk_map_set(live, read->key, value);
    struct pk_state_resource *r = pk_state_find(state, read->key);
    if (json_is_object(read->attributes)) {
        json_decref(r->attributes);
        r->attributes = copy_of(read->attributes);
    }
}

/* An error never means "absent": one that cannot be read ends the refresh. */
static bool check(const struct pk_read *reads, size_t n, struct pk_error **err) {
    for (size_t i = 0; i < n; i++) {
        if (!reads[i].error)
            continue;
        struct pk_error *copy = pk_error_copy(reads[i].error);
        pk_wrap(&copy, "%s cannot be read", reads[i].key);
        if (!copy->address)
            pk_error_set(&copy->address, reads[i].key);
        if (err)
            *err = copy;
        else
            pk_error_free(copy);
        return false;
    }
    return true;
}

bool pk_engine_refresh(struct pk_provider *provider, struct pk_state *state, struct pk_arena *arena,
                       const struct pk_cancel *cancel, struct pk_map **ret_live,
                       struct pk_error **err) {
    struct pk_read *reads = pk_calloc(pk_map_len(state->resources) + 1, sizeof(*reads));
    size_t n = collect(state, reads);
    bool ok = n == 0 || provider->vtable->read(provider, reads, n, cancel, err);
    ok = ok && check(reads, n, err);
    if (ok) {
        struct pk_map *live = pk_map_new();
        for (size_t i = 0; i < n; i++)
            note(state, arena, live, &reads[i]);
        *ret_live = live;
    }
    release(reads, n);
    return ok;
}
