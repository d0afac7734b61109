/*
 * local.h - files of a local backend: private, whole or absent, never through a symlink.
 *
 * Layer 6. Internal to store/. A folder may be used from any thread; names are relative, checked by
 * the caller, with '/' between parts. The folder and its parts are created on the first write.
 */
#ifndef PK_STORE_LOCAL_H
#define PK_STORE_LOCAL_H

#include "base/error.h"
#include "base/str.h"
#include "base/vec.h"

/* *ret_found false: there is no such file. */
PK_NODISCARD bool pk_local_read(const char *dir, const char *name, size_t max, struct pk_buf *ret,
                                bool *ret_found, struct pk_error **err);
PK_NODISCARD bool pk_local_write(const char *dir, const char *name, const void *data, size_t len,
                                 struct pk_error **err);
PK_NODISCARD bool pk_local_remove(const char *dir, const char *name, struct pk_error **err);
/* Names below `dir` that begin with prefix, sorted; malloc'ed: pk_names_release. More than max is
 * an error. */
PK_NODISCARD bool pk_local_list(const char *dir, const char *prefix, size_t max, struct pk_vec *ret,
                                struct pk_error **err);
/* Waits for the one lock of the folder, against other processes and threads; close(*ret_fd) gives
 * it back. */
PK_NODISCARD bool pk_local_lock(const char *dir, int *ret_fd, struct pk_error **err);
void pk_local_unlock(int *fd); /* closes; for PK_CLEANUP, -1 is fine */

#endif
