/*
 * pool.h - the engine's threads: workers that carry out jobs, and the writer of the journal.
 * Internal to engine/.
 *
 * One mutex guards everything in the pool. A job belongs to the coordinator until pk_pool_submit,
 * then to the pool and its worker, and to the coordinator again when pk_pool_wait hands it back:
 * whole objects change hands, nothing in them is shared. The same holds for the copy of the state
 * that the writer gets.
 */
#ifndef PK_ENGINE_POOL_H
#define PK_ENGINE_POOL_H

#include "engine/journal.h"
#include "engine/provider.h"

enum pk_job_kind { PK_JOB_CREATE, PK_JOB_UPDATE, PK_JOB_REMOVE, PK_JOB_FIND, PK_JOB_READ };

struct pk_job {
    enum pk_job_kind kind;
    void *owner;          /* not touched by the pool */
    int64_t priority;     /* higher first */
    struct pk_op *op;     /* all but READ */
    struct pk_read *read; /* READ */
    /* --- the answer --- */
    enum pk_progress progress;
    enum pk_found found; /* FIND, with PK_DONE */
    struct pk_error *error;
    /* --- the pool's own --- */
    uint64_t order;
};

struct pk_pool;

/* False when no thread can be started. Threads block all signals, so that they arrive at the
 * coordinator. */
PK_NODISCARD bool pk_pool_new(struct pk_provider *provider, struct pk_journal *journal,
                              const struct pk_cancel *cancel, unsigned n_workers,
                              struct pk_pool **ret, struct pk_error **err);
/* Joins all threads; nothing may be in flight. NULL is fine. */
void pk_pool_free(struct pk_pool *pool);

void pk_pool_submit(struct pk_pool *pool, struct pk_job *job);
/* Takes a job back that no worker has begun; false when one has. */
bool pk_pool_withdraw(struct pk_pool *pool, struct pk_job *job);

/* Hands a private copy of the state to the writer, which must be idle. */
void pk_pool_write(struct pk_pool *pool, struct pk_state *copy);
struct pk_written {
    bool ok;
    int64_t serial;
    struct pk_state *copy; /* with the write_id and lock_id that were written */
    struct pk_error *error;
};
/* Waits until a job is finished, a write is finished, or timeout_ms have passed; appends finished
 * jobs to done. True with *ret_written filled when the write is finished. */
bool pk_pool_wait(struct pk_pool *pool, int64_t timeout_ms, struct pk_vec *done,
                  struct pk_written *ret_written);

#endif
