/* buf.c - the growable buffer of str.h. */
#include "base/mem.h"
#include "base/str.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

void pk_buf_init(struct pk_buf *buf, size_t max) {
    *buf = (struct pk_buf)PK_BUF_INIT(max);
}

void pk_buf_release(struct pk_buf *buf) {
    free(buf->ptr);
    pk_buf_init(buf, buf->max);
}

void pk_buf_secret_release(struct pk_buf *buf) {
    if (buf->ptr != NULL) {
        explicit_bzero(buf->ptr, buf->cap);
    }
    pk_buf_release(buf);
}

void pk_buf_reset(struct pk_buf *buf) {
    buf->len = 0;
    buf->overflow = false;
    if (buf->ptr != NULL) {
        buf->ptr[0] = '\0';
    }
}

bool pk_buf_reserve(struct pk_buf *buf, size_t extra) {
    /* Once bytes were lost, later ones would make a text with a hole. */
    if (buf->overflow || extra > buf->max - buf->len || buf->len + extra == SIZE_MAX) {
        buf->overflow = true;
        return false;
    }
    size_t need = buf->len + extra + 1;
    if (need <= buf->cap) {
        return true;
    }
    size_t cap = buf->cap < 64 ? 64 : buf->cap;
    while (cap < need) {
        cap = cap > SIZE_MAX / 2 ? need : cap * 2;
    }
    /* The first reservation is often exact (a file's size), doubling it would waste half. */
    cap = buf->cap == 0 && need > 64 ? need : cap;
    buf->ptr = pk_realloc(buf->ptr, cap, 1);
    buf->cap = cap;
    buf->ptr[buf->len] = '\0';
    return true;
}

void pk_buf_add(struct pk_buf *buf, const void *data, size_t len) {
    if (len == 0 || !pk_buf_reserve(buf, len)) {
        return;
    }
    memcpy(buf->ptr + buf->len, data, len);
    buf->len += len;
    buf->ptr[buf->len] = '\0';
}

void pk_buf_addz(struct pk_buf *buf, const char *text) {
    pk_buf_add(buf, text, strlen(text));
}

void pk_buf_addc(struct pk_buf *buf, char c) {
    pk_buf_add(buf, &c, 1);
}

void pk_buf_addf(struct pk_buf *buf, const char *fmt, ...) {
    va_list args;
    va_start(args, fmt);
    pk_buf_vaddf(buf, fmt, args);
    va_end(args);
}

void pk_buf_vaddf(struct pk_buf *buf, const char *fmt, va_list args) {
    va_list again;
    va_copy(again, args);
    size_t room = buf->cap - buf->len;
    int printed = vsnprintf(room == 0 ? NULL : buf->ptr + buf->len, room, fmt, args);
    pk_assert(printed >= 0);
    size_t len = (size_t)printed;
    if (buf->ptr != NULL) {
        buf->ptr[buf->len] = '\0'; /* what was printed above may be a part only */
    }
    if (len > 0 && pk_buf_reserve(buf, len)) {
        vsnprintf(buf->ptr + buf->len, len + 1, fmt, again);
        buf->len += len;
    }
    va_end(again);
}

const char *pk_buf_cstr(const struct pk_buf *buf) {
    return buf->ptr == NULL ? "" : buf->ptr;
}

char *pk_buf_steal(struct pk_buf *buf) {
    char *text = buf->ptr == NULL ? pk_strdup("") : buf->ptr;
    bool overflow = buf->overflow;
    pk_buf_init(buf, buf->max);
    buf->overflow = overflow;
    return text;
}
