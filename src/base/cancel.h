/*
 * cancel.h - one flag that asks everything in flight to end.
 *
 * Layer 0. Safe from any thread and from a signal handler. Levels only rise.
 */
#ifndef PK_BASE_CANCEL_H
#define PK_BASE_CANCEL_H

#include <stdatomic.h>
#include <stdbool.h>

enum pk_cancel_level {
    PK_CANCEL_NONE,
    PK_CANCEL_STOP, /* start nothing new, let what is in flight finish */
    PK_CANCEL_NOW,  /* end waits and calls in flight, save, leave */
};

struct pk_cancel {
    atomic_int level;
};

static inline int pk_cancel_level(const struct pk_cancel *cancel) {
    return cancel ? atomic_load_explicit(&cancel->level, memory_order_relaxed) : PK_CANCEL_NONE;
}
static inline void pk_cancel_raise(struct pk_cancel *cancel, int level) {
    int seen = atomic_load_explicit(&cancel->level, memory_order_relaxed);
    while (seen < level &&
           !atomic_compare_exchange_weak_explicit(&cancel->level, &seen, level,
                                                  memory_order_relaxed, memory_order_relaxed))
        ;
}

#endif
