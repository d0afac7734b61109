/*
 * journal.h - where intents and results become durable.
 *
 * Layer 3: declared here, implemented in store/. Called from the engine's writer thread, one call
 * at a time.
 */
#ifndef PK_ENGINE_JOURNAL_H
#define PK_ENGINE_JOURNAL_H

#include "base/error.h"
#include "state/state.h"

struct pk_journal {
    /* Writes the whole document durably, conditional on the version this run wrote last (fencing).
     * The implementation raises serial, sets writeId and lockId in the text it writes and retries
     * what may be retried. False: STATE_CONFLICT (fenced: another run has taken over; never write
     * again), LOCK_LOST, or an I/O error that outlasted the retries. `state` is a private copy, the
     * callee may change serial, write_id and lock_id in it; *ret_serial is what was written. */
    bool (*write)(struct pk_journal *journal, struct pk_state *state, int64_t *ret_serial,
                  struct pk_error **err);
    /* LEASE-GUARD: false with LOCK_LOST when the remaining lease does not cover a call of need_ms.
     * Any thread. */
    bool (*guard)(struct pk_journal *journal, int64_t need_ms, struct pk_error **err);
};

#endif
