/*
 * fs.h - files: bounded reads, writes that are whole or absent.
 *
 * Layer 0. Paths are plain NUL-terminated texts. Errors name the path.
 */
#ifndef PK_BASE_FS_H
#define PK_BASE_FS_H

#include "base/error.h"
#include "base/str.h"
#include "base/vec.h"

/* Reads a regular file of at most max bytes into ret (initialised by the call, empty after a
 * failure; release it). ENOENT has code NOT_FOUND. */
PK_NODISCARD bool pk_read_file(const char *path, size_t max, struct pk_buf *ret,
                               struct pk_error **err);
/* The same for a file with secrets: refuses other owners and any group/world permission bit, and
 * symlinks. Release with pk_buf_secret_release. */
PK_NODISCARD bool pk_read_private(const char *path, size_t max, struct pk_buf *ret,
                                  struct pk_error **err);
/* Writes path.tmp-XXXXXXXX (O_EXCL|O_NOFOLLOW, given mode less the umask) -> fsync -> rename ->
 * fsync(dir). On failure the old file is untouched and no other is left; only when the last fsync
 * fails, the new file is in place but may not survive a power cut. */
PK_NODISCARD bool pk_write_file(const char *path, const void *data, size_t len, unsigned mode,
                                struct pk_error **err);
/* All missing folders of path get this mode, less the umask. */
PK_NODISCARD bool pk_mkdir_p(const char *path, unsigned mode, struct pk_error **err);
bool pk_path_exists(const char *path);
bool pk_is_dir(const char *path);
PK_NODISCARD bool pk_remove_file(const char *path,
                                 struct pk_error **err); /* a missing file is fine */
/* Names in a folder, sorted bytewise, without "." and ".."; at most max. Items are malloc'ed:
 * pk_names_release. */
PK_NODISCARD bool pk_list_dir(const char *path, size_t max, struct pk_vec *ret_names,
                              struct pk_error **err);
void pk_names_release(struct pk_vec *names);
/* malloc'ed results. */
char *pk_path_join(const char *dir, const char *name); /* an absolute name replaces dir */
char *pk_path_dir(const char *path); /* as dirname(1): "a/b" -> "a", "a" -> ".", "/a" -> "/" */
/* What follows the last '/' (so "" when the path ends with one); points into path. */
const char *pk_path_base(const char *path);
char *pk_home_dir(void); /* $HOME, else the password database; NULL when unknown */
/* realpath(3); NULL with *err when it does not exist. */
char *pk_real_path(const char *path, struct pk_error **err);

#endif
