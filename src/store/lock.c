/* lock.c - one writer at a time: acquire, take over, keep alive, guard, release. */
#include "store/lock.h"

#include "base/hash.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/str.h"
#include "store/heartbeat.h"
#include "store/internal.h"
#include "store/locker.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define DEFAULT_HEARTBEAT_S 30
#define DEFAULT_LEASE_S 120
#define DEFAULT_TTL_S 3600
#define POLL_MS 200

void pk_lock_info_release(struct pk_lock_info *info) {
    free(info->key);
    free(info->lock_id);
    free(info->locked_by);
    free(info->hostname);
    free(info->operation);
    free(info->ci_run);
    free(info->version);
    memset(info, 0, sizeof(*info));
}

char *pk_lock_hostname(void) {
    char name[256] = "";
    if (gethostname(name, sizeof(name) - 1) != 0 || !*name)
        return pk_strdup("localhost");
    return pk_strdup(name);
}

char *pk_lock_ci_run(void) {
    const char *server = getenv("GITHUB_SERVER_URL"), *repo = getenv("GITHUB_REPOSITORY");
    const char *run = getenv("GITHUB_RUN_ID");
    if (server && repo && run)
        return pk_asprintf("%s/%s/actions/runs/%s", server, repo, run);
    static const char *const names[] = {"GITHUB_RUN_ID", "CI_JOB_URL", "BUILD_URL",
                                        "CI_PIPELINE_ID", "CODEBUILD_BUILD_ID"};
    for (size_t i = 0; i < PK_ARRAY_LEN(names); i++)
        if (getenv(names[i]))
            return pk_strdup(getenv(names[i]));
    return NULL;
}

void pk_locker_init(struct pk_locker *locker, const struct pk_locker_vtable *vtable,
                    const struct pk_lock_settings *settings) {
    locker->vtable = vtable;
    if (settings)
        locker->settings = *settings;
    struct pk_lock_settings *s = &locker->settings;
    s->heartbeat_s = s->heartbeat_s > 0 ? s->heartbeat_s : DEFAULT_HEARTBEAT_S;
    s->lease_s = s->lease_s > 0 ? s->lease_s : DEFAULT_LEASE_S;
    s->ttl_s = s->ttl_s > 0 ? s->ttl_s : DEFAULT_TTL_S;
    pk_assert(s->lease_s > s->heartbeat_s);
}

void pk_locker_free(struct pk_locker *locker) {
    if (locker)
        locker->vtable->free(locker);
}

/* --- acquire */

/* The holder as seen so far, for the rvn rule of TAKEOVER. */
struct watch {
    struct pk_lock_info holder;
    int64_t since_ms; /* monotonic; when this rvn was seen first */
    bool known;
};

struct acquiring {
    struct pk_locker *locker;
    const struct pk_lock_request *request;
    struct watch watch;
    struct pk_lock_item item;
    char lock_id[37];
    int64_t begun_ms;    /* monotonic; of the waiting */
    int64_t lease_begun; /* boot time before the attempt that succeeded */
    bool got, taken;
};

static void stamp(struct acquiring *a) {
    int64_t now = a->locker->vtable->now_s(a->locker);
    a->item.locked_at = a->item.last_heartbeat = now;
    a->item.expires_at = now + a->locker->settings.ttl_s;
}

/* LOCK: a conditional put. SELF: when no answer came, or the condition failed, a look tells whether
 * an earlier attempt of ours was executed; all attempts carry one id. */
static bool attempt(struct acquiring *a, const struct pk_lock_info *dead, struct pk_error **err) {
    const struct pk_locker_vtable *v = a->locker->vtable;
    struct pk_error *why PK_CLEANUP(pk_error_freep) = NULL;
    bool done = false, found = false;
    int64_t begun = pk_boottime_ms(a->locker->settings.clock);
    stamp(a);
    a->item.taken_from = dead ? dead->lock_id : NULL;
    bool answered = v->create(a->locker, &a->item, dead, &done, &why);
    if (answered && done) {
        a->lease_begun = begun;
        a->got = true;
        return true;
    }
    struct pk_lock_info now = {0};
    if ((!answered && !pk_store_unsure(why)) ||
        !v->read(a->locker, a->item.key, &now, &found, answered ? err : NULL)) {
        if (!answered && err)
            *err = pk_steal(&why);
        return false;
    }
    if (found && strcmp(now.lock_id, a->lock_id) == 0) {
        a->lease_begun = begun;
        a->got = true;
    } else if (!answered) {
        pk_lock_info_release(&now);
        if (err)
            *err = pk_steal(&why);
        return false;
    }
    struct watch *w = &a->watch;
    bool same = w->known && found && strcmp(w->holder.lock_id, now.lock_id) == 0 &&
                w->holder.rvn == now.rvn && w->holder.last_heartbeat == now.last_heartbeat;
    pk_lock_info_release(&w->holder);
    w->holder = now;
    w->known = found;
    if (!same)
        w->since_ms = pk_monotonic_ms(a->locker->settings.clock);
    return true;
}

/* TAKEOVER: what one look says, or no sign of life for a whole lease on our own monotonic clock.
 * The holder's lease began before its write that we saw, so it has ended. */
static int64_t dead_in_ms(const struct acquiring *a) {
    const struct watch *w = &a->watch;
    if (w->holder.dead)
        return 0;
    int64_t lease_ms = w->holder.lease_s * 1000;
    int64_t unchanged = pk_monotonic_ms(a->locker->settings.clock) - w->since_ms;
    return unchanged >= lease_ms ? 0 : lease_ms - unchanged;
}

static bool held(const struct acquiring *a, int64_t waited_ms, struct pk_error **err) {
    const struct pk_lock_info *h = &a->watch.holder;
    int64_t now = a->locker->vtable->now_s(a->locker);
    char age[32], quiet[32], waited[32];
    pk_duration_human((now - h->locked_at) * 1000, age);
    pk_duration_human((now - h->last_heartbeat) * 1000, quiet);
    pk_duration_human(waited_ms, waited);
    pk_fail(err, PK_E_LOCK_HELD, "%s is locked by %s%s%s", h->key, h->locked_by,
            h->hostname ? " on " : "", h->hostname ? h->hostname : "");
    struct pk_buf text = PK_BUF_INIT(8192);
    pk_buf_addf(&text, "for %s since %s, last sign of life %s ago\nlock id %s",
                h->operation ? h->operation : "an unknown operation", age, quiet, h->lock_id);
    if (h->ci_run)
        pk_buf_addf(&text, "\nCI run %s", h->ci_run);
    if (h->pid)
        pk_buf_addf(&text, "\nprocess %lld", (long long)h->pid);
    if (waited_ms >= 1000)
        pk_buf_addf(&text, "\nwaited %s", waited);
    pk_error_detail(err, "%s", pk_buf_cstr(&text));
    pk_buf_release(&text);
    return pk_error_hint(err, "wait for it with --lock-timeout 10m; a dead one is taken over by "
                              "itself");
}

static void nap(const struct acquiring *a, int64_t ms) {
    const struct pk_lock_settings *s = &a->locker->settings;
    if (s->sleep_ms)
        s->sleep_ms(s->sleep_ctx, ms);
    else
        pk_sleep_ms(ms);
}

/* In slices, so that a signal ends it. */
static bool wait_a_while(const struct acquiring *a, int64_t ms, struct pk_error **err) {
    while (ms > 0) {
        if (pk_cancel_level(a->request->cancel) != PK_CANCEL_NONE)
            return pk_fail(err, PK_E_CANCELLED, "interrupted while waiting for the lock");
        nap(a, ms < POLL_MS ? ms : POLL_MS);
        ms -= POLL_MS;
    }
    return true;
}

/* One round: true with a->got, or true to try again after a wait that was made here. */
static bool round_of(struct acquiring *a, unsigned n_waits, struct pk_error **err) {
    static const int64_t pauses_s[] = {5, 10, 30, 60};
    const struct pk_lock_request *r = a->request;
    if (!a->watch.known)
        return true; /* released between put and look: again, at once */
    int64_t waited = pk_monotonic_ms(a->locker->settings.clock) - a->begun_ms;
    int64_t left = r->wait_ms - waited, dead_in = dead_in_ms(a);
    if (dead_in == 0) {
        char *old PK_CLEANUP(pk_freep) = pk_strdup(a->watch.holder.lock_id);
        struct pk_lock_info dead = a->watch.holder;
        a->watch.holder = (struct pk_lock_info){0};
        a->watch.known = false;
        bool ok = attempt(a, &dead, err);
        a->taken = ok && a->got;
        if (a->taken) {
            pk_log(PK_LOG_INFO, "took over the dead lock %s of %s", old, dead.locked_by);
            if (r->on_wait)
                r->on_wait(r->ctx, &dead, waited, true);
        }
        pk_lock_info_release(&dead);
        return ok;
    }
    if (left <= 0)
        return held(a, waited, err);
    if (r->on_wait)
        r->on_wait(r->ctx, &a->watch.holder, waited, false);
    size_t last = PK_ARRAY_LEN(pauses_s) - 1;
    int64_t pause = pauses_s[n_waits < last ? n_waits : last] * 1000;
    pause = pause < left ? pause : left;
    return wait_a_while(a, pause < dead_in ? pause : dead_in, err) && attempt(a, NULL, err);
}

bool pk_lock_acquire(struct pk_locker *locker, const struct pk_lock_request *request,
                     struct pk_lock **ret, struct pk_error **err) {
    struct acquiring a = {.locker = locker, .request = request};
    pk_uuid4(a.lock_id);
    a.item = (struct pk_lock_item){
        .key = request->key,
        .lock_id = a.lock_id,
        .locked_by = request->locked_by ? request->locked_by : "unknown",
        .operation = request->operation,
        .deployment_id = request->deployment_id,
        .rvn = 1,
        .lease_s = locker->settings.lease_s,
    };
    a.begun_ms = pk_monotonic_ms(locker->settings.clock);
    bool ok = attempt(&a, NULL, err);
    for (unsigned n = 0; ok && !a.got; n++) {
        if (pk_cancel_level(request->cancel) != PK_CANCEL_NONE)
            ok = pk_fail(err, PK_E_CANCELLED, "interrupted while waiting for the lock");
        else if (a.watch.known)
            ok = round_of(&a, n, err);
        else
            ok = attempt(&a, NULL, err);
    }
    pk_lock_info_release(&a.watch.holder);
    if (ok)
        *ret = pk_lock_start(locker, &a.item, request, a.lease_begun);
    return ok;
}

/* --- without holding it */

bool pk_lock_look(struct pk_locker *locker, const char *key, struct pk_lock_info *ret,
                  bool *ret_found, struct pk_error **err) {
    return locker->vtable->read(locker, key, ret, ret_found, err);
}

bool pk_lock_break(struct pk_locker *locker, const char *key, const char *lock_id,
                   struct pk_error **err) {
    bool removed = false, found = false;
    if (!locker->vtable->remove(locker, key, lock_id, &removed, err))
        return false;
    if (removed)
        return true;
    /* SELF: gone is what was asked for, whoever did it */
    struct pk_lock_info now = {0};
    if (!locker->vtable->read(locker, key, &now, &found, err))
        return false;
    bool other = found && strcmp(now.lock_id, lock_id) != 0;
    if (other)
        pk_fail(err, PK_E_LOCK_HELD, "%s has another lock by now: %s of %s", key, now.lock_id,
                now.locked_by);
    else if (found)
        pk_fail(err, PK_E_AWS, "the lock %s could not be removed", lock_id);
    pk_lock_info_release(&now);
    return !found;
}
