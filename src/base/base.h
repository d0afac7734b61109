/*
 * base.h - compiler attributes and the few macros every file uses.
 *
 * Layer 0. Thread rule: macros only, no state.
 */
#ifndef PK_BASE_BASE_H
#define PK_BASE_BASE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define PK_NODISCARD __attribute__((warn_unused_result))
#define PK_NORETURN __attribute__((noreturn))
#define PK_PRINTF(fmt, args) __attribute__((format(printf, fmt, args)))
#define PK_UNUSED __attribute__((unused))

/* Runs fn(&variable) when the variable goes out of scope. */
#define PK_CLEANUP(fn) __attribute__((cleanup(fn)))

/* Hands the pointer at pp over to the caller and leaves NULL behind. */
#define pk_steal(pp)                                                                               \
    __extension__({                                                                                \
        __typeof__(*(pp)) pk_steal_ = *(pp);                                                       \
        *(pp) = NULL;                                                                              \
        pk_steal_;                                                                                 \
    })

#define PK_ARRAY_LEN(a) (sizeof(a) / sizeof((a)[0]))

/* Stops the program with a message when a promise inside the program is broken; never used for
 * input. */
#define pk_assert(cond) ((cond) ? (void)0 : pk_assert_failed(#cond, __FILE__, __LINE__))
PK_NORETURN void pk_assert_failed(const char *what, const char *file, int line);

#endif
