/*
 * log.h - the diagnostic log (not what a command prints for people: that is ui/).
 *
 * Layer 0, thread-safe. Off by default; `-v` raises the level. Lines go to the sink that main
 * installs, one at a time (a lock is held: the sink must not log); control characters in them
 * become '?'. Secrets are never passed to it: callers redact first.
 */
#ifndef PK_BASE_LOG_H
#define PK_BASE_LOG_H

#include "base/base.h"

enum pk_log_level { PK_LOG_OFF, PK_LOG_INFO, PK_LOG_DEBUG, PK_LOG_TRACE };

typedef void pk_log_sink_fn(void *ctx, enum pk_log_level level, const char *line);

void pk_log_setup(enum pk_log_level level, pk_log_sink_fn *sink,
                  void *ctx); /* once, before threads start */
bool pk_log_on(enum pk_log_level level);
void pk_log(enum pk_log_level level, const char *fmt, ...) PK_PRINTF(2, 3);

#endif
