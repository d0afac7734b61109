/* mem_provider.c - resources without AWS, and scripted failures. What exists: mem_world.c. */
#include "engine/mem_provider.h"

#include "engine/mem_world.h"
#include "json/json.h"

#include <stdlib.h>
#include <string.h>

struct mem_provider {
    struct pk_provider base;
    struct pk_mem_world *world;
    struct pk_mem_world *own; /* freed with the provider */
    struct pk_traits_source traits;
    struct pk_mem_script script;
};

static char *copy_text(const char *text) {
    return text ? pk_strdup(text) : NULL;
}

/* --- answers --- */

static enum pk_progress refuse(struct pk_error **err, int status, const char *code,
                               const char *message) {
    pk_fail(err, PK_E_AWS, "%s", message);
    if (err) {
        (*err)->aws.service = pk_strdup("memory");
        (*err)->aws.code = copy_text(code);
        (*err)->aws.http_status = status;
        (*err)->aws.sent = true;
    }
    return PK_FAILED;
}

static enum pk_progress no_answer(struct pk_error **err) {
    refuse(err, 0, NULL, "the connection was closed before an answer came");
    if (err)
        (*err)->code = PK_E_NETWORK;
    return PK_FAILED;
}

static enum pk_mem_fate fate_of(struct mem_provider *p, enum pk_mem_verb verb, const char *key,
                                const char *type, const char *id) {
    struct pk_mem_call call = {verb, key, type, id, ++p->world->calls};
    return p->script.fate ? p->script.fate(p->script.ctx, &call) : PK_MEM_OK;
}

/* True when the fate ends the call before anything is done. */
static bool ends_before(enum pk_mem_fate fate, struct pk_error **err) {
    switch (fate) {
    case PK_MEM_REFUSED:
        refuse(err, 400, "ValidationException", "the request was refused");
        return true;
    case PK_MEM_NOT_SENT:
        no_answer(err);
        return true;
    case PK_MEM_CANCELLED:
        pk_fail(err, PK_E_CANCELLED, "the run is being stopped");
        return true;
    case PK_MEM_OK:
    case PK_MEM_BROKEN:
    case PK_MEM_REPLY_LOST:
        break;
    }
    return false;
}

/* The first call of an operation changes something; later ones only poll. */
static bool enter(struct mem_provider *p, struct pk_op *op, struct pk_error **err) {
    if (pk_cancel_level(op->cancel) >= PK_CANCEL_NOW)
        return pk_fail(err, PK_E_CANCELLED, "the run is being stopped");
    if (p->script.latency_ms > 0)
        pk_sleep_ms(p->script.latency_ms);
    return op->phase > 0 || !op->guard || op->guard(op->guard_ctx, err);
}

static enum pk_progress settle(struct mem_provider *p, struct pk_op *op, const char *waiting_for) {
    if ((unsigned)op->phase > p->script.polls)
        return PK_DONE;
    op->phase++;
    if ((unsigned)op->phase > p->script.polls)
        return PK_DONE;
    op->again_ms = p->script.again_ms;
    free(op->waiting_for);
    op->waiting_for = pk_strdup(waiting_for);
    return PK_AGAIN;
}

/* --- create --- */

static bool is_ours(const struct pk_mem_thing *t, const struct pk_op *op) {
    return pk_streq(t->lineage, op->lineage) && pk_streq(t->key, op->key);
}

/* The name is the identity: of types with unique names, and of those whose properties are it. */
static bool name_is_unique(const struct mem_provider *p, const struct pk_op *op) {
    const struct pk_type_traits *traits =
        p->traits.find ? p->traits.find(p->traits.ctx, op->type) : NULL;
    return op->name && traits && (traits->named || pk_streq(traits->recovery, "natural"));
}

static struct pk_mem_thing *by_token(const struct mem_provider *p, const struct pk_op *op) {
    size_t cursor = 0;
    void *item;
    while (op->token && !p->script.no_tokens &&
           pk_map_next(p->world->things, &cursor, NULL, &item)) {
        struct pk_mem_thing *t = item;
        if (pk_streq(t->token, op->token) && strcmp(t->type, op->type) == 0)
            return t;
    }
    return NULL;
}

static struct pk_mem_thing *by_name(struct pk_mem_world *world, const struct pk_op *op) {
    size_t cursor = 0;
    void *item;
    while (op->name && pk_map_next(world->things, &cursor, NULL, &item)) {
        struct pk_mem_thing *t = item;
        if (pk_streq(t->name, op->name) && strcmp(t->type, op->type) == 0)
            return t;
    }
    return NULL;
}

static void answer_create(struct pk_op *op, const struct pk_mem_thing *t) {
    free(op->physical_id);
    op->physical_id = pk_strdup(t->id);
    json_decref(op->attributes);
    op->attributes = json_deep_copy(t->attributes);
}

static bool make(struct mem_provider *p, struct pk_op *op, struct pk_error **err) {
    struct pk_mem_world *world = p->world;
    enum pk_mem_fate fate = fate_of(p, PK_MEM_CREATE, op->key, op->type, NULL);
    if (ends_before(fate, err))
        return false;
    bool named = name_is_unique(p, op);
    struct pk_mem_thing *t = named ? NULL : by_token(p, op);
    if (named && by_name(world, op)) {
        refuse(err, 409, "ResourceAlreadyExistsException", "a resource of this name exists");
        if (err)
            pk_error_set(&(*err)->id, PK_ERROR_EXISTS);
        return false;
    }
    if (!t) {
        t = pk_mem_world_make(world, op->type, op->name, op->key);
        t->lineage = copy_text(op->lineage);
        t->op = copy_text(op->op_id);
        t->token = copy_text(op->token);
        t->broken = fate == PK_MEM_BROKEN;
        json_object_update(t->properties, op->desired);
        json_object_update(t->tags, op->desired_tags);
        pk_mem_world_note(world, "create", op->type, op->key, t->id);
    }
    if (fate == PK_MEM_REPLY_LOST)
        return no_answer(err) == PK_DONE;
    answer_create(op, t);
    return true;
}

/* The end of a wait: what the resource is like then. */
static enum pk_progress finished(struct mem_provider *p, struct pk_op *op, struct pk_error **err) {
    enum pk_progress progress = settle(p, op, "State creating -> available");
    if (progress != PK_DONE)
        return progress;
    const struct pk_mem_thing *t = pk_map_get(p->world->things, op->physical_id);
    if (t && t->broken) {
        pk_fail(err, PK_E_RESOURCE_FAILED, "State is failed");
        return PK_FAILED;
    }
    if (!t && p->script.strict) {
        pk_fail(err, PK_E_RESOURCE_FAILED, "%s has disappeared", op->physical_id);
        return PK_FAILED;
    }
    return PK_DONE;
}

static enum pk_progress mem_create(struct pk_provider *base, struct pk_op *op,
                                   struct pk_error **err) {
    struct mem_provider *p = (struct mem_provider *)base;
    if (!enter(p, op, err))
        return PK_FAILED;
    pthread_mutex_lock(&p->world->lock);
    bool ok = op->phase > 0 || make(p, op, err);
    enum pk_progress progress = ok ? finished(p, op, err) : PK_FAILED;
    pthread_mutex_unlock(&p->world->lock);
    return progress;
}

/* --- update --- */

static void apply(struct pk_mem_thing *t, const struct pk_op *op) {
    for (size_t i = 0; i < op->n_changes; i++) {
        const char *path = op->changes[i].path;
        if (pk_starts_with(path, "Tags.")) {
            json_t *value = json_object_get(op->desired_tags, path + 5);
            if (value)
                json_object_set(t->tags, path + 5, value);
            else
                json_object_del(t->tags, path + 5);
            continue;
        }
        char *top PK_CLEANUP(pk_freep) = pk_strndup(path, strcspn(path, ".["));
        json_t *value = json_object_get(op->desired, top);
        if (value)
            json_object_set_new(t->properties, top, json_deep_copy(value));
        else
            json_object_del(t->properties, top);
    }
}

static bool change(struct mem_provider *p, struct pk_op *op, struct pk_error **err) {
    enum pk_mem_fate fate = fate_of(p, PK_MEM_UPDATE, op->key, op->type, op->physical_id);
    if (ends_before(fate, err))
        return false;
    struct pk_mem_thing *t = pk_map_get(p->world->things, op->physical_id);
    if (!t && p->script.strict) {
        refuse(err, 404, "ResourceNotFoundException", "it does not exist");
        return false;
    }
    if (t && (op->n_changes > 0 || op->force_update)) {
        apply(t, op);
        pk_mem_world_note(p->world, "update", op->type, op->key, t->id);
    }
    if (t) {
        t->broken = t->broken || fate == PK_MEM_BROKEN;
        json_decref(op->attributes);
        op->attributes = json_deep_copy(t->attributes);
    }
    return fate != PK_MEM_REPLY_LOST || no_answer(err) == PK_DONE;
}

static enum pk_progress mem_update(struct pk_provider *base, struct pk_op *op,
                                   struct pk_error **err) {
    struct mem_provider *p = (struct mem_provider *)base;
    if (!enter(p, op, err))
        return PK_FAILED;
    pthread_mutex_lock(&p->world->lock);
    bool ok = op->phase > 0 || change(p, op, err);
    enum pk_progress progress = ok ? finished(p, op, err) : PK_FAILED;
    pthread_mutex_unlock(&p->world->lock);
    return progress;
}

/* --- delete --- */

static bool mentions(const json_t *value, const char *id) {
    const char *key;
    json_t *inner;
    if (json_is_string(value))
        return strcmp(json_string_value(value), id) == 0;
    if (json_is_array(value)) {
        for (size_t i = 0; i < json_array_size(value); i++)
            if (mentions(json_array_get(value, i), id))
                return true;
        return false;
    }
    json_object_foreach((json_t *)(uintptr_t)value, key, inner) {
        if (mentions(inner, id))
            return true;
    }
    return false;
}

static const struct pk_mem_thing *user_of(const struct pk_mem_world *world,
                                          const struct pk_mem_thing *t) {
    size_t cursor = 0;
    void *item;
    while (pk_map_next(world->things, &cursor, NULL, &item))
        if (item != t && mentions(((const struct pk_mem_thing *)item)->properties, t->id))
            return item;
    return NULL;
}

/* Whoever is deleted to be made anew under the same name may be in use; a predecessor whose
 * successor exists may not. */
static bool has_successor(const struct pk_mem_world *world, const struct pk_mem_thing *t) {
    size_t cursor = 0;
    void *item;
    while (pk_map_next(world->things, &cursor, NULL, &item)) {
        const struct pk_mem_thing *other = item;
        if (other->number > t->number && pk_streq(other->key, t->key) &&
            pk_streq(other->lineage, t->lineage))
            return true;
    }
    return false;
}

static bool destroy(struct mem_provider *p, struct pk_op *op, struct pk_error **err) {
    enum pk_mem_fate fate = fate_of(p, PK_MEM_REMOVE, op->key, op->type, op->physical_id);
    if (ends_before(fate, err))
        return false;
    struct pk_mem_thing *t = op->physical_id ? pk_map_get(p->world->things, op->physical_id) : NULL;
    bool check = t && p->script.strict && (!op->replacing || has_successor(p->world, t));
    const struct pk_mem_thing *user = check ? user_of(p->world, t) : NULL;
    if (user) {
        char *why PK_CLEANUP(pk_freep) = pk_asprintf("%s is used by %s", t->id, user->id);
        refuse(err, 400, "DependencyViolation", why);
        return false;
    }
    if (t) {
        pk_mem_world_note(p->world, "delete", op->type, op->key, t->id);
        pk_mem_world_unmake(p->world, t);
    }
    return fate != PK_MEM_REPLY_LOST || no_answer(err) == PK_DONE;
}

static enum pk_progress mem_remove(struct pk_provider *base, struct pk_op *op,
                                   struct pk_error **err) {
    struct mem_provider *p = (struct mem_provider *)base;
    if (!enter(p, op, err))
        return PK_FAILED;
    pthread_mutex_lock(&p->world->lock);
    bool ok = op->phase > 0 || destroy(p, op, err);
    enum pk_progress progress = ok ? settle(p, op, "State deleting -> deleted") : PK_FAILED;
    pthread_mutex_unlock(&p->world->lock);
    return progress;
}

/* --- find: token, then ownership tags (of this operation before others), then the name --- */

static bool is_predecessor(const struct pk_op *op, const struct pk_mem_thing *t) {
    for (size_t i = 0; i < json_array_size(op->predecessors); i++)
        if (pk_streq(json_string_value(json_array_get(op->predecessors, i)), t->id))
            return true;
    return false;
}

static struct pk_mem_thing *by_owner(struct pk_mem_world *world, const struct pk_op *op) {
    size_t cursor = 0;
    void *item;
    struct pk_mem_thing *best = NULL;
    while (pk_map_next(world->things, &cursor, NULL, &item)) {
        struct pk_mem_thing *t = item;
        if (strcmp(t->type, op->type) != 0 || !is_ours(t, op) || is_predecessor(op, t))
            continue;
        if (!best || pk_streq(t->op, op->op_id))
            best = t;
    }
    return best;
}

static bool mem_find(struct pk_provider *base, struct pk_op *op, enum pk_found *ret,
                     struct pk_error **err) {
    struct mem_provider *p = (struct mem_provider *)base;
    if (!enter(p, op, err))
        return false;
    pthread_mutex_lock(&p->world->lock);
    enum pk_mem_fate fate = fate_of(p, PK_MEM_FIND, op->key, op->type, NULL);
    bool ok = !ends_before(fate, err) && (fate != PK_MEM_REPLY_LOST || no_answer(err) == PK_DONE);
    bool named = name_is_unique(p, op);
    struct pk_mem_thing *t = NULL;
    if (ok && named)
        t = by_name(p->world, op);
    else if (ok)
        t = by_token(p, op) ? by_token(p, op) : by_owner(p->world, op);
    if (ok)
        *ret = !t ? PK_ABSENT : is_ours(t, op) ? PK_OURS : PK_FOREIGN;
    if (ok && *ret == PK_OURS)
        answer_create(op, t);
    pthread_mutex_unlock(&p->world->lock);
    return ok;
}

/* --- read --- */

static json_t *visible(const struct mem_provider *p, const struct pk_mem_thing *t) {
    json_t *live = json_object(), *value;
    const char *name;
    const struct pk_type_traits *traits =
        p->traits.find ? p->traits.find(p->traits.ctx, t->type) : NULL;
    json_object_foreach(t->properties, name, value) {
        if (!(pk_traits_of(traits, name) & PK_WRITE_ONLY))
            json_object_set_new(live, name, json_deep_copy(value));
    }
    return live;
}

static void read_one(struct mem_provider *p, struct pk_read *read) {
    const struct pk_mem_thing *t = pk_map_get(p->world->things, read->physical_id);
    if (t) {
        read->live = visible(p, t);
        read->live_tags = json_deep_copy(t->tags);
        read->attributes = json_deep_copy(t->attributes);
    } else if (p->script.strict) {
        read->gone = true;
    } else {
        read->live = json_deep_copy(read->prior);
        read->attributes = json_deep_copy(read->prior_attributes);
    }
}

static bool mem_read(struct pk_provider *base, struct pk_read *reads, size_t n,
                     const struct pk_cancel *cancel, struct pk_error **err) {
    struct mem_provider *p = (struct mem_provider *)base;
    bool ok = true;
    if (pk_cancel_level(cancel) >= PK_CANCEL_NOW)
        return pk_fail(err, PK_E_CANCELLED, "the run is being stopped");
    if (p->script.latency_ms > 0)
        pk_sleep_ms(p->script.latency_ms);
    pthread_mutex_lock(&p->world->lock);
    for (size_t i = 0; i < n && ok; i++) {
        enum pk_mem_fate fate =
            fate_of(p, PK_MEM_READ, reads[i].key, reads[i].type, reads[i].physical_id);
        struct pk_error *error = NULL;
        if (ends_before(fate, &error) || fate == PK_MEM_REPLY_LOST) {
            if (!error)
                no_answer(&error);
            reads[i].error = error;
        } else {
            read_one(p, &reads[i]);
        }
    }
    pthread_mutex_unlock(&p->world->lock);
    return ok;
}

/* --- the provider --- */

static const struct pk_type_traits *mem_traits(struct pk_provider *base, const char *type) {
    const struct mem_provider *p = (const struct mem_provider *)base;
    return p->traits.find ? p->traits.find(p->traits.ctx, type) : NULL;
}

static void mem_free(struct pk_provider *base) {
    struct mem_provider *p = (struct mem_provider *)base;
    if (!p)
        return;
    pk_mem_world_free(p->own);
    free(p);
}

static const struct pk_provider_vtable vtable = {
    .traits = mem_traits,
    .create = mem_create,
    .update = mem_update,
    .remove = mem_remove,
    .find = mem_find,
    .read = mem_read,
    .free = mem_free,
};

struct pk_provider *pk_mem_provider_open(struct pk_mem_world *world, struct pk_traits_source traits,
                                         const struct pk_mem_script *script) {
    struct mem_provider *p = pk_calloc(1, sizeof(*p));
    p->base.vtable = &vtable;
    p->world = world;
    p->traits = traits;
    if (script)
        p->script = *script;
    return &p->base;
}

struct pk_provider *pk_mem_provider_new(struct pk_traits_source traits, const char *region,
                                        const char *account_id) {
    struct pk_mem_world *world = pk_mem_world_new(region, account_id);
    struct pk_mem_script script = {.latency_ms = 2};
    struct pk_provider *provider = pk_mem_provider_open(world, traits, &script);
    ((struct mem_provider *)provider)->own = world;
    return provider;
}
