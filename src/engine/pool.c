/* pool.c - workers, writer, and the two queues between them and the coordinator. */
#include "engine/pool.h"

#include "base/mem.h"

#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <time.h>

struct pk_pool {
    struct pk_provider *provider;
    struct pk_journal *journal;
    const struct pk_cancel *cancel;
    pthread_t *workers;
    size_t n_workers;
    pthread_t writer;
    bool writer_started;

    pthread_mutex_t lock; /* of everything below */
    pthread_cond_t work;  /* a job was added, or the end */
    pthread_cond_t paper; /* something to write, or the end */
    pthread_cond_t news;  /* for the coordinator */
    struct pk_job **heap; /* jobs to do, best first */
    size_t n_heap, cap_heap;
    uint64_t next_order;
    struct pk_vec done;
    struct pk_state *to_write;
    bool writing, written;
    struct pk_written answer;
    bool ending;
};

/* --- the heap of jobs --- */

static bool before(const struct pk_job *a, const struct pk_job *b) {
    return a->priority != b->priority ? a->priority > b->priority : a->order < b->order;
}

static void swap(struct pk_pool *pool, size_t a, size_t b) {
    struct pk_job *job = pool->heap[a];
    pool->heap[a] = pool->heap[b];
    pool->heap[b] = job;
}

static void sift_up(struct pk_pool *pool, size_t at) {
    for (; at > 0 && before(pool->heap[at], pool->heap[(at - 1) / 2]); at = (at - 1) / 2)
        swap(pool, at, (at - 1) / 2);
}

static void sift_down(struct pk_pool *pool, size_t at) {
    for (;;) {
        size_t best = at, left = 2 * at + 1, right = left + 1;
        if (left < pool->n_heap && before(pool->heap[left], pool->heap[best]))
            best = left;
        if (right < pool->n_heap && before(pool->heap[right], pool->heap[best]))
            best = right;
        if (best == at)
            return;
        swap(pool, at, best);
        at = best;
    }
}

static struct pk_job *take_at(struct pk_pool *pool, size_t at) {
    struct pk_job *job = pool->heap[at];
    pool->heap[at] = pool->heap[--pool->n_heap];
    if (at < pool->n_heap) {
        sift_up(pool, at);
        sift_down(pool, at);
    }
    return job;
}

/* --- threads --- */

static void carry_out(struct pk_pool *pool, struct pk_job *job) {
    const struct pk_provider_vtable *v = pool->provider->vtable;
    bool ok = true;
    job->error = NULL;
    switch (job->kind) {
    case PK_JOB_CREATE:
        job->progress = v->create(pool->provider, job->op, &job->error);
        return;
    case PK_JOB_UPDATE:
        job->progress = v->update(pool->provider, job->op, &job->error);
        return;
    case PK_JOB_REMOVE:
        job->progress = v->remove(pool->provider, job->op, &job->error);
        return;
    case PK_JOB_FIND:
        ok = v->find(pool->provider, job->op, &job->found, &job->error);
        break;
    case PK_JOB_READ:
        ok = v->read(pool->provider, job->read, 1, pool->cancel, &job->error);
        break;
    }
    job->progress = ok ? PK_DONE : PK_FAILED;
}

static void *work(void *arg) {
    struct pk_pool *pool = arg;
    pthread_mutex_lock(&pool->lock);
    for (;;) {
        while (pool->n_heap == 0 && !pool->ending)
            pthread_cond_wait(&pool->work, &pool->lock);
        if (pool->n_heap == 0)
            break;
        struct pk_job *job = take_at(pool, 0);
        pthread_mutex_unlock(&pool->lock);
        carry_out(pool, job);
        pthread_mutex_lock(&pool->lock);
        pk_vec_push(&pool->done, job);
        pthread_cond_signal(&pool->news);
    }
    pthread_mutex_unlock(&pool->lock);
    return NULL;
}

static void *write_journal(void *arg) {
    struct pk_pool *pool = arg;
    pthread_mutex_lock(&pool->lock);
    for (;;) {
        while (!pool->to_write && !pool->ending)
            pthread_cond_wait(&pool->paper, &pool->lock);
        if (!pool->to_write)
            break;
        struct pk_written answer = {.copy = pk_steal(&pool->to_write)};
        pthread_mutex_unlock(&pool->lock);
        answer.ok = pool->journal->write(pool->journal, answer.copy, &answer.serial, &answer.error);
        pthread_mutex_lock(&pool->lock);
        pool->answer = answer;
        pool->written = true;
        pthread_cond_signal(&pool->news);
    }
    pthread_mutex_unlock(&pool->lock);
    return NULL;
}

static void start_threads(struct pk_pool *pool, unsigned n_workers) {
    sigset_t all, old;
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &old);
    while (pool->n_workers < n_workers &&
           pthread_create(&pool->workers[pool->n_workers], NULL, work, pool) == 0)
        pool->n_workers++;
    pool->writer_started = pthread_create(&pool->writer, NULL, write_journal, pool) == 0;
    pthread_sigmask(SIG_SETMASK, &old, NULL);
}

bool pk_pool_new(struct pk_provider *provider, struct pk_journal *journal,
                 const struct pk_cancel *cancel, unsigned n_workers, struct pk_pool **ret,
                 struct pk_error **err) {
    struct pk_pool *pool = pk_calloc(1, sizeof(*pool));
    pool->provider = provider;
    pool->journal = journal;
    pool->cancel = cancel;
    pool->workers = pk_calloc(n_workers, sizeof(*pool->workers));
    pthread_condattr_t attr;
    pthread_condattr_init(&attr);
    pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
    pthread_mutex_init(&pool->lock, NULL);
    pthread_cond_init(&pool->work, NULL);
    pthread_cond_init(&pool->paper, NULL);
    pthread_cond_init(&pool->news, &attr);
    pthread_condattr_destroy(&attr);
    start_threads(pool, n_workers);
    if (pool->n_workers > 0 && pool->writer_started) {
        *ret = pool;
        return true;
    }
    pk_pool_free(pool);
    return pk_fail(err, PK_E_INTERNAL, "no thread could be started");
}

void pk_pool_free(struct pk_pool *pool) {
    if (!pool)
        return;
    pthread_mutex_lock(&pool->lock);
    pool->ending = true;
    pthread_cond_broadcast(&pool->work);
    pthread_cond_broadcast(&pool->paper);
    pthread_mutex_unlock(&pool->lock);
    for (size_t i = 0; i < pool->n_workers; i++)
        pthread_join(pool->workers[i], NULL);
    if (pool->writer_started)
        pthread_join(pool->writer, NULL);
    pthread_cond_destroy(&pool->work);
    pthread_cond_destroy(&pool->paper);
    pthread_cond_destroy(&pool->news);
    pthread_mutex_destroy(&pool->lock);
    pk_vec_release(&pool->done);
    free(pool->heap);
    free(pool->workers);
    free(pool);
}

/* --- the coordinator's side --- */

void pk_pool_submit(struct pk_pool *pool, struct pk_job *job) {
    pthread_mutex_lock(&pool->lock);
    if (pool->n_heap == pool->cap_heap) {
        pool->cap_heap = pool->cap_heap ? 2 * pool->cap_heap : 64;
        pool->heap = pk_realloc(pool->heap, pool->cap_heap, sizeof(struct pk_job *));
    }
    job->order = pool->next_order++;
    pool->heap[pool->n_heap] = job;
    sift_up(pool, pool->n_heap++);
    pthread_cond_signal(&pool->work);
    pthread_mutex_unlock(&pool->lock);
}

bool pk_pool_withdraw(struct pk_pool *pool, struct pk_job *job) {
    bool found = false;
    pthread_mutex_lock(&pool->lock);
    for (size_t i = 0; i < pool->n_heap && !found; i++) {
        found = pool->heap[i] == job;
        if (found)
            take_at(pool, i);
    }
    pthread_mutex_unlock(&pool->lock);
    return found;
}

void pk_pool_write(struct pk_pool *pool, struct pk_state *copy) {
    pthread_mutex_lock(&pool->lock);
    pk_assert(!pool->writing);
    pool->writing = true;
    pool->to_write = copy;
    pthread_cond_signal(&pool->paper);
    pthread_mutex_unlock(&pool->lock);
}

static void deadline_in(int64_t ms, struct timespec *ret) {
    clock_gettime(CLOCK_MONOTONIC, ret);
    ret->tv_sec += (time_t)(ms / 1000);
    ret->tv_nsec += (long)(ms % 1000) * 1000000;
    if (ret->tv_nsec >= 1000000000) {
        ret->tv_sec++;
        ret->tv_nsec -= 1000000000;
    }
}

bool pk_pool_wait(struct pk_pool *pool, int64_t timeout_ms, struct pk_vec *done,
                  struct pk_written *ret_written) {
    struct timespec until;
    deadline_in(timeout_ms > 0 ? timeout_ms : 0, &until);
    pthread_mutex_lock(&pool->lock);
    while (pool->done.len == 0 && !pool->written && timeout_ms > 0)
        if (pthread_cond_timedwait(&pool->news, &pool->lock, &until) == ETIMEDOUT)
            break;
    for (size_t i = 0; i < pool->done.len; i++)
        pk_vec_push(done, pool->done.items[i]);
    pool->done.len = 0;
    bool written = pool->written;
    if (written) {
        *ret_written = pool->answer;
        pool->written = pool->writing = false;
    }
    pthread_mutex_unlock(&pool->lock);
    return written;
}
