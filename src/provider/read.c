/*
 * read.c - reading many resources with few calls.
 *
 * Resources whose readers can share a call are put into one job; jobs run on a few threads. First
 * the items are found, then everything that adds to them.
 */
#include "provider/driver.h"

#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#define MAX_THREADS 8

/* One resource on its way. Jobs of one stage write to different slots only. */
struct slot {
    struct pk_ctx ctx;
    json_t *item;           /* new reference, or NULL */
    struct pk_error *error; /* or NULL */
    json_t **extras;        /* per reader, new references; [0] unused */
    bool active;            /* the context is filled */
};

struct job {
    const struct pk_reader *reader; /* NULL: do_read, or read_more */
    size_t reader_index;
    struct pk_vec slots; /* struct slot */
    char *group;         /* malloc'ed; what all of them have in common */
};

typedef void job_fn(struct job *job);

/* --- one call for one or more resources --- */

json_t *pk_reader_list(const struct pk_reader *reader, const json_t *answer) {
    json_t *ret = json_array();
    const char *path = reader->list ? reader->list : "";
    if (!*path) {
        json_t *item = pk_path_get(answer, reader->item ? reader->item : "");
        if (item)
            json_array_append_new(ret, item);
        return ret;
    }
    json_auto_t *found = pk_path_get(answer, path);
    for (size_t i = 0; i < json_array_size(found); i++) {
        json_t *inner = json_array_get(found, i);
        if (json_is_array(inner))
            json_array_extend(ret, inner); /* "Reservations[].Instances" */
        else
            json_array_append(ret, inner);
    }
    return ret;
}

bool pk_reader_call(struct pk_ctx *ctx, const struct pk_reader *reader, json_t *params,
                    json_t **ret, struct pk_error **err) {
    const struct pk_call *call = &reader->call;
    return reader->paged ? pk_ctx_call_all(ctx, call->service, call->operation, params, ret, err)
                         : pk_ctx_call(ctx, call->service, call->operation, params, ret, err);
}

static char *wanted(const struct pk_reader *reader, struct pk_ctx *ctx) {
    return pk_ctx_text(ctx, reader->want ? reader->want : "{id}");
}

static void add_values(const struct pk_reader *reader, json_t *params, json_t *values) {
    if (reader->batch_filter) {
        const char *member = reader->batch_param ? reader->batch_param : "Filters";
        json_t *filter = json_object(), *filters = json_object_get(params, member);
        json_object_set_new(filter, "Name", pk_json_text(reader->batch_filter));
        json_object_set_new(filter, "Values", values);
        if (!filters) {
            filters = json_array();
            json_object_set_new(params, member, filters);
        }
        json_array_append_new(filters, filter);
        return;
    }
    pk_assert(reader->batch_param);
    pk_param_put(params, reader->batch_param, values);
}

/* Items of the answer by the value that tells them apart. */
static struct pk_map *by_match(struct pk_ctx *ctx, const struct pk_reader *reader,
                               const json_t *items) {
    struct pk_map *map = pk_map_new();
    json_t *before = ctx->out;
    for (size_t i = 0; i < json_array_size(items); i++) {
        ctx->out = json_array_get(items, i);
        PK_CLEANUP(pk_freep) char *value = pk_ctx_text(ctx, reader->match);
        if (value && !pk_map_has(map, value))
            pk_map_set(map, value, ctx->out);
    }
    ctx->out = before;
    return map;
}

/* The item, or what `pick` takes out of it; NULL = gone. */
static json_t *take(struct pk_ctx *ctx, const struct pk_reader *reader, json_t *item) {
    if (!item)
        return NULL;
    json_t *ret = reader->pick ? reader->pick(ctx, item) : json_incref(item);
    if (ret && reader == ctx->type->readers && pk_item_dead(ctx, ret)) {
        json_decref(ret);
        return NULL;
    }
    return ret;
}

static void store(struct slot *slot, const struct job *job, json_t *item) {
    if (job->reader_index == 0)
        slot->item = item;
    else
        slot->extras[job->reader_index] = item;
}

static bool means_absent(const struct job *job, const struct slot *slot,
                         const struct pk_error *error) {
    return pk_error_in(error, job->reader->absent) ||
           (job->reader_index == 0 && pk_error_in(error, slot->ctx.type->errors.gone));
}

static void run_alone(struct job *job, struct slot *slot);

/* Error of a call for all of them. */
static void spread_error(struct job *job, struct pk_error *error) {
    struct slot *first = job->slots.items[0];
    bool absent = means_absent(job, first, error);
    if (absent && job->slots.len > 1) {
        /* Some services refuse the whole call when one of the names is unknown. */
        for (size_t i = 0; i < job->slots.len; i++)
            run_alone(job, job->slots.items[i]);
    } else if (!absent) {
        for (size_t i = 0; i < job->slots.len; i++) {
            struct slot *slot = job->slots.items[i];
            if (slot->error)
                continue;
            slot->error = pk_error_copy(error);
            pk_error_set(&slot->error->address, slot->ctx.key);
        }
    }
}

static json_t *job_params(struct job *job) {
    struct slot *first = job->slots.items[0];
    const struct pk_reader *reader = job->reader;
    json_t *params = pk_ctx_params(&first->ctx, reader->call.params);
    if (reader->batch == 0 || reader->batch == PK_READ_ALL)
        return params;
    json_t *values = json_array();
    for (size_t i = 0; i < job->slots.len; i++) {
        struct slot *slot = job->slots.items[i];
        PK_CLEANUP(pk_freep)
        char *value =
            reader->value ? pk_ctx_text(&slot->ctx, reader->value) : wanted(reader, &slot->ctx);
        if (value)
            json_array_append_new(values, pk_json_text(value));
    }
    pk_json_sort_strings(values); /* repeats are refused by some services */
    add_values(reader, params, values);
    return params;
}

static void run_reader(struct job *job) {
    struct slot *first = job->slots.items[0];
    const struct pk_reader *reader = job->reader;
    PK_CLEANUP(pk_error_freep) struct pk_error *error = NULL;
    json_auto_t *answer = NULL;
    if (!pk_reader_call(&first->ctx, reader, job_params(job), &answer, &error)) {
        spread_error(job, error);
        return;
    }
    json_auto_t *items = pk_reader_list(reader, answer);
    PK_CLEANUP(pk_map_freep)
    struct pk_map *map = reader->match ? by_match(&first->ctx, reader, items) : NULL;
    for (size_t i = 0; i < job->slots.len; i++) {
        struct slot *slot = job->slots.items[i];
        json_t *item = json_array_get(items, 0);
        if (map) {
            PK_CLEANUP(pk_freep) char *value = wanted(reader, &slot->ctx);
            item = value ? pk_map_get(map, value) : NULL;
        }
        store(slot, job, take(&slot->ctx, reader, item));
    }
}

static void run_alone(struct job *job, struct slot *slot) {
    struct job one = {.reader = job->reader, .reader_index = job->reader_index};
    pk_vec_push(&one.slots, slot);
    run_reader(&one);
    pk_vec_release(&one.slots);
}

static void run_do_read(struct job *job) {
    struct slot *slot = job->slots.items[0];
    if (!slot->ctx.type->do_read(&slot->ctx, &slot->item, &slot->error))
        pk_ctx_error(&slot->ctx, &slot->error);
}

static void run_find_job(struct job *job) {
    for (size_t i = 0; i < job->slots.len; i++) {
        struct slot *slot = job->slots.items[i];
        if (pk_ctx_cancelled(&slot->ctx, &slot->error))
            return;
    }
    if (job->reader)
        run_reader(job);
    else
        run_do_read(job);
}

static void run_more_job(struct job *job) {
    struct slot *slot = job->slots.items[0];
    struct pk_ctx *ctx = &slot->ctx;
    if (pk_ctx_cancelled(ctx, &slot->error))
        return;
    ctx->out = slot->item;
    if (!ctx->type->read_more(ctx, slot->item, &slot->error))
        pk_ctx_error(ctx, &slot->error);
    ctx->out = NULL;
}

/* --- jobs on threads --- */

struct pool {
    struct pk_vec *jobs;
    job_fn *fn;
    atomic_size_t next;
};

static void *work(void *arg) {
    struct pool *pool = arg;
    for (;;) {
        size_t index = atomic_fetch_add(&pool->next, 1);
        if (index >= pool->jobs->len)
            return NULL;
        pool->fn(pool->jobs->items[index]);
    }
}

static void run_jobs(struct pk_vec *jobs, job_fn *fn) {
    struct pool pool = {.jobs = jobs, .fn = fn};
    pthread_t threads[MAX_THREADS];
    size_t n = 0;
    while (n + 1 < jobs->len && n < MAX_THREADS - 1 &&
           pthread_create(&threads[n], NULL, work, &pool) == 0)
        n++;
    work(&pool);
    for (size_t i = 0; i < n; i++)
        pthread_join(threads[i], NULL);
    for (size_t i = 0; i < jobs->len; i++) {
        struct job *job = jobs->items[i];
        pk_vec_release(&job->slots);
        free(job->group);
        free(job);
    }
    pk_vec_release(jobs);
}

/* --- making jobs --- */

static struct job *new_job(struct pk_vec *jobs, const struct pk_reader *reader, size_t index,
                           struct slot *slot) {
    struct job *job = pk_calloc(1, sizeof *job);
    job->reader = reader;
    job->reader_index = index;
    pk_vec_push(&job->slots, slot);
    pk_vec_push(jobs, job);
    return job;
}

/* Adds the slot to an open job of the same reader and group, or opens one. `open` maps a group's
 * text to its job. */
static void join_job(struct pk_vec *jobs, struct pk_map *open, const struct pk_reader *reader,
                     size_t index, struct slot *slot) {
    if (reader->batch == 0) {
        new_job(jobs, reader, index, slot);
        return;
    }
    PK_CLEANUP(pk_freep) char *common = pk_ctx_text(&slot->ctx, reader->group);
    char *group = pk_asprintf("%s\n%zu\n%s\n%s", slot->ctx.type->type, index, slot->ctx.region,
                              common ? common : "");
    struct job *job = pk_map_get(open, group);
    if (job && (reader->batch == PK_READ_ALL || job->slots.len < reader->batch)) {
        pk_vec_push(&job->slots, slot);
        free(group);
        return;
    }
    job = new_job(jobs, reader, index, slot);
    pk_map_set(open, group, job);
    job->group = group;
}

static void find_items(struct slot *slots, size_t n) {
    struct pk_vec jobs = PK_VEC_INIT;
    PK_CLEANUP(pk_map_freep) struct pk_map *open = pk_map_new();
    for (size_t i = 0; i < n; i++) {
        const struct pk_type *type = slots[i].ctx.type;
        if (!slots[i].active || slots[i].error || !slots[i].ctx.id)
            continue;
        if (type->do_read)
            new_job(&jobs, NULL, 0, &slots[i]);
        else if (type->n_readers > 0)
            join_job(&jobs, open, &type->readers[0], 0, &slots[i]);
    }
    run_jobs(&jobs, run_find_job);
}

static bool worth_reading(const struct pk_reader *reader, const struct slot *slot) {
    return !reader->when || (slot->ctx.prior && pk_json_at(slot->ctx.prior, reader->when));
}

static void merge(struct slot *slot) {
    const struct pk_type *type = slot->ctx.type;
    for (size_t r = 1; slot->extras && r < type->n_readers; r++) {
        json_t *extra = slot->extras[r];
        const char *into = type->readers[r].into;
        slot->extras[r] = NULL;
        if (extra && (!into || !*into))
            json_object_update(slot->item, extra);
        else if (extra)
            pk_json_put(slot->item, into, json_incref(extra));
        json_decref(extra);
    }
}

static void find_extras(struct slot *slots, size_t n) {
    struct pk_vec jobs = PK_VEC_INIT;
    PK_CLEANUP(pk_map_freep) struct pk_map *open = pk_map_new();
    for (size_t i = 0; i < n; i++) {
        const struct pk_type *type = slots[i].ctx.type;
        if (!slots[i].item || slots[i].error || type->n_readers < 2)
            continue;
        /* Several resources may share an item (routes of one table) and this one will be added to.
         */
        json_t *own = json_copy(slots[i].item);
        json_decref(slots[i].item);
        slots[i].item = own;
        slots[i].extras = pk_calloc(type->n_readers, sizeof *slots[i].extras);
        slots[i].ctx.out = own;
        for (size_t r = 1; r < type->n_readers; r++)
            if (worth_reading(&type->readers[r], &slots[i]))
                join_job(&jobs, open, &type->readers[r], r, &slots[i]);
    }
    run_jobs(&jobs, run_find_job);
    for (size_t i = 0; i < n; i++) {
        if (slots[i].item && slots[i].extras)
            merge(&slots[i]);
        free(slots[i].extras);
        slots[i].extras = NULL;
        slots[i].ctx.out = NULL;
    }
}

static void find_more(struct slot *slots, size_t n) {
    struct pk_vec jobs = PK_VEC_INIT;
    for (size_t i = 0; i < n; i++)
        if (slots[i].item && !slots[i].error && slots[i].ctx.type->read_more) {
            json_t *own = json_copy(slots[i].item);
            json_decref(slots[i].item);
            slots[i].item = own;
            new_job(&jobs, NULL, 0, &slots[i]);
        }
    run_jobs(&jobs, run_more_job);
}

/* Errors of extras leave nothing usable: a part that could not be read must not look absent. */
static void read_slots(struct slot *slots, size_t n) {
    find_items(slots, n);
    find_extras(slots, n);
    find_more(slots, n);
    for (size_t i = 0; i < n; i++)
        if (slots[i].error) {
            json_decref(slots[i].item);
            slots[i].item = NULL;
        }
}

/* --- what others use --- */

bool pk_ctx_read(struct pk_ctx *ctx, json_t **ret, struct pk_error **err) {
    struct slot slot = {.ctx = *ctx, .active = true};
    slot.ctx.out = NULL;
    read_slots(&slot, 1);
    if (!slot.error) {
        *ret = slot.item;
        return true;
    }
    if (err)
        *err = slot.error;
    else
        pk_error_free(slot.error);
    return false;
}

static void give(struct pk_read *read, struct slot *slot) {
    struct pk_ctx *ctx = &slot->ctx;
    read->error = pk_steal(&slot->error);
    if (read->error || !slot->active)
        return;
    if (!slot->item) {
        read->gone = true;
        return;
    }
    read->live = pk_item_live(ctx, slot->item);
    read->live_tags = pk_item_tags(ctx, slot->item);
    read->attributes = pk_item_attributes(ctx, slot->item);
}

/* Without credentials or network every read has the same error: that is one error. */
static bool nothing_read(const struct pk_read *reads, size_t n) {
    for (size_t i = 0; i < n; i++) {
        const struct pk_error *error = reads[i].error;
        if (!error || (error->code != PK_E_CREDENTIALS && error->code != PK_E_NETWORK &&
                       error->code != PK_E_CANCELLED))
            return false;
    }
    return n > 0;
}

bool pk_provider_read(struct pk_provider *provider, struct pk_read *reads, size_t n,
                      const struct pk_cancel *cancel, struct pk_error **err) {
    struct slot *slots = pk_calloc(n ? n : 1, sizeof *slots);
    for (size_t i = 0; i < n; i++)
        slots[i].active =
            pk_ctx_for_read(&slots[i].ctx, provider, &reads[i], cancel, &slots[i].error);
    read_slots(slots, n);
    for (size_t i = 0; i < n; i++) {
        give(&reads[i], &slots[i]);
        json_decref(slots[i].item);
        pk_ctx_release(&slots[i].ctx);
    }
    free(slots);
    if (!nothing_read(reads, n))
        return true;
    if (err)
        *err = pk_error_copy(reads[0].error);
    return false;
}
