/* log.c - see log.h. */
#include "base/log.h"

#include "base/mem.h"

#include <errno.h>
#include <pthread.h>
#include <stdlib.h>

static enum pk_log_level current_level = PK_LOG_OFF;
static pk_log_sink_fn *current_sink;
static void *sink_ctx;
static pthread_mutex_t sink_lock = PTHREAD_MUTEX_INITIALIZER; /* lines stay whole */

void pk_log_setup(enum pk_log_level level, pk_log_sink_fn *sink, void *ctx) {
    current_level = sink == NULL ? PK_LOG_OFF : level;
    current_sink = sink;
    sink_ctx = ctx;
}

bool pk_log_on(enum pk_log_level level) {
    return level != PK_LOG_OFF && level <= current_level;
}

void pk_log(enum pk_log_level level, const char *fmt, ...) {
    if (!pk_log_on(level)) {
        return;
    }
    int saved_errno = errno;
    va_list args;
    va_start(args, fmt);
    char *line = pk_vasprintf(fmt, args);
    va_end(args);
    /* A line may quote a remote answer: no byte of it may start a new line or steer a terminal. */
    for (char *c = line; *c != '\0'; c++) {
        if ((unsigned char)*c < 0x20 || *c == 0x7f) {
            *c = '?';
        }
    }
    pthread_mutex_lock(&sink_lock);
    current_sink(sink_ctx, level, line);
    pthread_mutex_unlock(&sink_lock);
    free(line);
    errno = saved_errno;
}
