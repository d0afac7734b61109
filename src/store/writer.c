/* writer.c - the writer of one run: CLAIM, fenced writes with UNIQUE BODIES, SELF, history. */
#include "store/store.h"

#include "base/clock.h"
#include "base/hash.h"
#include "base/mem.h"
#include "engine/journal.h"
#include "store/heartbeat.h"
#include "store/internal.h"
#include "store/lock.h"
#include "json/json.h"

#include <stdlib.h>
#include <string.h>

#define RETRY_FOR_MS 120000
#define FIRST_PAUSE_MS 500
#define LONGEST_PAUSE_MS 8000
#define SLICE_MS 100

struct pk_state_writer {
    struct pk_journal journal; /* first: the engine hands it back */
    struct pk_store *store;    /* borrowed */
    struct pk_lock *lock;      /* borrowed; NULL: a run without locks */
    char *key, *what;
    char *etag;     /* of what is current as far as we know; NULL: nothing was there */
    int64_t serial; /* of the same */
    bool claimed;
    bool fenced;       /* somebody else wrote: never again */
    struct pk_buf own; /* the text that was written last */
    /* writeIds of attempts whose end is not known: they may turn out to be current */
    struct pk_vec unsure;
};

/* --- history */

char *pk_history_key(const char *state_key, const char *text, size_t len, int64_t now_s) {
    json_t *state PK_CLEANUP(json_decrefp) = NULL;
    if (!pk_json_parse(text, len, "state", &state, NULL) || !json_is_object(state))
        return NULL;
    const char *write_id = pk_json_str(state, "writeId", NULL);
    const char *updated = pk_json_str(state, "metadata.updatedAt", NULL);
    char hex[PK_SHA256_HEX_SIZE], when[24];
    int64_t ms;
    if (!updated || !pk_time_parse(updated, &ms))
        ms = now_s * 1000;
    /* what others wrote has no writeId: its hash is as good */
    pk_sha256_hex(text, len, hex);
    char id[9];
    snprintf(id, sizeof(id), "%.8s", write_id && strlen(write_id) >= 8 ? write_id : hex);
    for (char *p = id; *p; p++)
        if (!strchr("0123456789abcdef", *p))
            *p = '0';
    pk_time_format(ms / 1000, "%Y-%m-%d-%H-%M-%S", when, sizeof(when));
    const char *slash = strrchr(state_key, '/');
    int dir_len = slash ? (int)(slash - state_key) + 1 : 0;
    return pk_asprintf("%.*shistory/%s-%06lld-%s.json", dir_len, state_key, when,
                       (long long)pk_json_int(state, "serial", 0), id);
}

static bool copy_to_history(struct pk_state_writer *w, const char *text, size_t len,
                            struct pk_error **err) {
    char *key PK_CLEANUP(pk_freep) = pk_history_key(w->key, text, len, pk_wall_ms(NULL) / 1000);
    if (!key)
        return pk_fail(err, PK_E_STATE_INVALID, "%s is not JSON", w->what);
    if (pk_store_put_own(w->store, key, text, len, NULL, true, NULL, err))
        return true;
    return pk_wrap(err, "cannot keep a copy of %s", w->what);
}

static bool fence(struct pk_state_writer *w, const struct pk_state *now, struct pk_error **err) {
    w->fenced = true;
    if (w->claimed)
        pk_fail(err, PK_E_STATE_CONFLICT,
                "%s was changed by another run: this one does not write any more", w->what);
    else
        pk_fail(err, PK_E_STATE_CONFLICT, "%s was changed by another run since it was read",
                w->what);
    if (now)
        pk_error_detail(err, "serial %lld by %s, lock %s", (long long)now->serial,
                        pk_json_str(now->metadata, "deployedBy", "somebody"),
                        now->lock_id && *now->lock_id ? now->lock_id : "none");
    else
        pk_error_detail(err, "the object is gone");
    if (w->claimed)
        return pk_error_hint(err, "what this run did is kept in errored.state.json; the next run "
                                  "finds it in AWS by its tags");
    return pk_error_hint(err, "run the command again: it starts from the new state");
}

/* What is to be overwritten must be what was read: else somebody wrote in between. */
static bool keep_old(struct pk_state_writer *w, struct pk_error **err) {
    struct pk_buf text PK_CLEANUP(pk_buf_release) = PK_BUF_INIT(0);
    char *etag PK_CLEANUP(pk_freep) = NULL;
    if (!w->etag)
        return true;
    if (!w->store->vtable->get(w->store, w->key, PK_STATE_MAX_SIZE, &text, &etag, err))
        return false;
    if (!pk_streq(etag, w->etag)) {
        struct pk_state *now PK_CLEANUP(pk_state_freep) = NULL;
        bool known = etag && pk_state_parse(pk_buf_cstr(&text), text.len, w->what, &now, NULL);
        return fence(w, known ? now : NULL, err);
    }
    return copy_to_history(w, pk_buf_cstr(&text), text.len, err);
}

/* --- writing */

/* One write while it is tried. */
struct writing {
    struct pk_state_writer *w;
    struct pk_state *state;
    char *text;
    size_t len;
    char *etag;
    int64_t deadline; /* monotonic */
    int64_t pause_ms;
    struct pk_error *last; /* why the last attempt failed */
};

/* UNIQUE BODIES: serial and a fresh writeId, so that no version tag ever comes back. */
static void make_body(struct writing *x) {
    char id[37];
    pk_uuid4(id);
    x->state->serial = x->w->serial + 1;
    pk_error_set(&x->state->write_id, id);
    pk_error_set(&x->state->lock_id, x->w->lock ? pk_lock_id(x->w->lock) : NULL);
    free(x->text);
    x->text = pk_state_dump(x->state, &x->len);
}

static bool is_unsure(const struct pk_state_writer *w, const char *write_id) {
    for (size_t i = 0; i < w->unsure.len; i++)
        if (pk_streq(w->unsure.items[i], write_id))
            return true;
    return false;
}

static void forget_unsure(struct pk_state_writer *w) {
    while (w->unsure.len > 0)
        free(pk_vec_pop(&w->unsure));
}

enum found { FOUND_THIS, FOUND_EARLIER, FOUND_OTHER, FOUND_NO_ANSWER };

/* SELF: what is current may be this write, or one of ours whose reply was lost. */
static enum found look_for_self(struct writing *x, struct pk_error **err) {
    struct pk_state_writer *w = x->w;
    struct pk_state *now PK_CLEANUP(pk_state_freep) = NULL;
    char *etag PK_CLEANUP(pk_freep) = NULL;
    struct pk_error *why PK_CLEANUP(pk_error_freep) = NULL;
    if (!pk_state_load(w->store, w->key, &now, &etag, &why)) {
        if (pk_store_retryable(why))
            return FOUND_NO_ANSWER;
        w->fenced = why->code == PK_E_STATE_INVALID || why->code == PK_E_STATE_NEWER;
        if (err)
            *err = pk_steal(&why);
        return FOUND_OTHER;
    }
    bool this = now && pk_streq(now->write_id, x->state->write_id);
    if (this || (now && is_unsure(w, now->write_id))) {
        free(w->etag);
        w->etag = pk_steal(&etag);
        w->serial = now->serial;
        return this ? FOUND_THIS : FOUND_EARLIER;
    }
    fence(w, now, err);
    return FOUND_OTHER;
}

/* False when the time for retries, the lease, or the patience of the user is over. */
static bool pause_before_retry(struct writing *x) {
    struct pk_lock *lock = x->w->lock;
    int64_t ms = x->pause_ms / 2 + pk_random_below((uint32_t)x->pause_ms / 2 + 1);
    x->pause_ms = x->pause_ms * 2 < LONGEST_PAUSE_MS ? x->pause_ms * 2 : LONGEST_PAUSE_MS;
    for (; ms > 0; ms -= SLICE_MS) {
        if (pk_monotonic_ms(NULL) >= x->deadline)
            return false;
        if (lock && pk_cancel_level(pk_lock_cancel(lock)) >= PK_CANCEL_NOW)
            return false;
        pk_sleep_ms(ms < SLICE_MS ? ms : SLICE_MS);
    }
    return !lock || pk_lock_guard(lock, 0, NULL);
}

/* No attempt succeeded while there was time: what the last one met, or that the lease is over. */
static bool give_up(struct writing *x, struct pk_error **err) {
    if (!err)
        return false;
    *err = pk_steal(&x->last);
    if (x->w->lock && !pk_lock_guard(x->w->lock, 0, err))
        return false;
    return pk_wrap(err, "%s could not be written in time", x->w->what);
}

static void written(struct writing *x) {
    struct pk_state_writer *w = x->w;
    if (x->etag) {
        free(w->etag);
        w->etag = pk_steal(&x->etag);
    }
    w->serial = x->state->serial;
    forget_unsure(w);
    pk_buf_reset(&w->own);
    pk_buf_add(&w->own, x->text, x->len);
}

static bool note_unsure(struct writing *x) {
    if (!is_unsure(x->w, x->state->write_id))
        pk_vec_push(&x->w->unsure, pk_strdup(x->state->write_id));
    return true;
}

/* One attempt. *ret_done with true: written. True without: try again after a pause. */
static bool try_once(struct writing *x, bool *ret_done, struct pk_error **err) {
    struct pk_state_writer *w = x->w;
    struct pk_error *why PK_CLEANUP(pk_error_freep) = NULL;
    *ret_done = w->store->vtable->put(w->store, w->key, x->text, x->len, w->etag, w->etag == NULL,
                                      &x->etag, &why);
    if (*ret_done)
        return true;
    bool conflict = why->code == PK_E_STATE_CONFLICT;
    if (pk_store_unsure(why))
        note_unsure(x);
    if (conflict || why->code == PK_E_BAD_RESPONSE) {
        switch (look_for_self(x, err)) {
        case FOUND_THIS:
            *ret_done = true;
            return true;
        case FOUND_EARLIER:
            make_body(x); /* on top of it, with the serial after it */
            break;
        case FOUND_OTHER:
            return false;
        case FOUND_NO_ANSWER:
            break;
        }
    }
    if (conflict || pk_store_unsure(why)) {
        pk_error_free(x->last);
        x->last = pk_steal(&why);
        return true;
    }
    if (err)
        *err = pk_steal(&why);
    return false;
}

static bool write_state(struct pk_state_writer *w, struct pk_state *state, struct pk_error **err) {
    struct writing x = {.w = w,
                        .state = state,
                        .deadline = pk_monotonic_ms(NULL) + RETRY_FOR_MS,
                        .pause_ms = FIRST_PAUSE_MS};
    bool done = false, ok = true;
    make_body(&x);
    while (ok && !done) {
        ok = try_once(&x, &done, err);
        if (ok && !done && !pause_before_retry(&x))
            ok = give_up(&x, err);
    }
    if (done)
        written(&x);
    free(x.text);
    free(x.etag);
    pk_error_free(x.last);
    return done;
}

static bool journal_write(struct pk_journal *journal, struct pk_state *state, int64_t *ret_serial,
                          struct pk_error **err) {
    struct pk_state_writer *w = (struct pk_state_writer *)journal;
    if (w->fenced)
        return pk_fail(err, PK_E_STATE_CONFLICT, "%s belongs to another run by now", w->what);
    /* the lock is the courtesy, If-Match the fence: without a lease no write is even tried */
    if (w->lock && !pk_lock_guard(w->lock, 0, err))
        return false;
    if (!write_state(w, state, err))
        return false;
    *ret_serial = w->serial;
    return true;
}

static bool journal_guard(struct pk_journal *journal, int64_t need_ms, struct pk_error **err) {
    struct pk_state_writer *w = (struct pk_state_writer *)journal;
    return !w->lock || pk_lock_guard(w->lock, need_ms, err);
}

bool pk_state_writer_open(struct pk_store *store, const char *key, const char *etag,
                          struct pk_state *state, struct pk_lock *lock,
                          struct pk_state_writer **ret, struct pk_error **err) {
    struct pk_state_writer *w = pk_calloc(1, sizeof(*w));
    w->journal = (struct pk_journal){journal_write, journal_guard};
    w->store = store;
    w->lock = lock;
    w->key = pk_strdup(key);
    w->what = store->vtable->describe(store, key);
    w->etag = etag ? pk_strdup(etag) : NULL;
    w->serial = state->serial;
    pk_buf_init(&w->own, PK_STATE_MAX_SIZE);
    /* CLAIM: from here on every write of an older holder fails its condition */
    int64_t serial;
    if (!keep_old(w, err) || !journal_write(&w->journal, state, &serial, err)) {
        pk_state_writer_free(w);
        return false;
    }
    w->claimed = true;
    *ret = w;
    return true;
}

struct pk_journal *pk_state_writer_journal(struct pk_state_writer *writer) {
    return &writer->journal;
}

bool pk_state_writer_history(struct pk_state_writer *writer, struct pk_error **err) {
    return copy_to_history(writer, pk_buf_cstr(&writer->own), writer->own.len, err);
}

void pk_state_writer_free(struct pk_state_writer *writer) {
    if (!writer)
        return;
    forget_unsure(writer);
    pk_vec_release(&writer->unsure);
    pk_buf_release(&writer->own);
    free(writer->key);
    free(writer->what);
    free(writer->etag);
    free(writer);
}
