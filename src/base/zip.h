/*
 * zip.h - a writer of ZIP archives (PKWARE APPNOTE 6.3) whose bytes depend on the files only.
 *
 * Layer 0. A writer belongs to one thread at a time. Every file has the time 1980-01-01 00:00:00
 * and the mode 0644 or 0755; the caller adds names in ascending byte order, so that the same files
 * always give the same archive. (Another release of zlib may compress to other bytes: compare
 * files, not archives, across machines.) No zip64: at most 65,535 files and 4 GiB - 1 bytes.
 *
 *     struct pk_zip zip;
 *     pk_zip_init(&zip, &buf);
 *     bool ok = pk_zip_add(&zip, "index.js", js, js_len, false, err) && pk_zip_finish(&zip, err);
 *     pk_zip_release(&zip);
 */
#ifndef PK_BASE_ZIP_H
#define PK_BASE_ZIP_H

#include "base/error.h"
#include "base/str.h"

struct pk_zip {
    struct pk_buf *out;  /* borrowed */
    size_t start;        /* where the archive begins in out */
    struct pk_buf index; /* the central directory so far */
    size_t n_files;
    char *last_name; /* NULL before the first file */
};

/* The archive is appended to out, which must outlive the writer; nothing else may be added to out
 * before pk_zip_finish. */
void pk_zip_init(struct pk_zip *zip, struct pk_buf *out);
void pk_zip_release(struct pk_zip *zip); /* leaves out alone */
/* Adds a file, compressed when that makes it smaller. The name is a relative path in UTF-8 with
 * '/', without empty, "." or ".." parts, and sorts after the one before it (strcmp). Fails with
 * code IO when the name is none of that or a limit of the format or of the buffer is passed; the
 * archive is useless then. */
PK_NODISCARD bool pk_zip_add(struct pk_zip *zip, const char *name, const void *data, size_t len,
                             bool executable, struct pk_error **err);
/* Writes the central directory: the archive is complete. Fails with code IO as pk_zip_add does. */
PK_NODISCARD bool pk_zip_finish(struct pk_zip *zip, struct pk_error **err);

#endif
