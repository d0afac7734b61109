/* source.c - reading a file into a source. */
#include "base/fs.h"
#include "yaml/yaml.h"

#include <errno.h>
#include <string.h>
#include <sys/stat.h>

struct pk_source *pk_source_read(struct pk_arena *arena, const char *path, const char *shown_path,
                                 struct pk_span where_named, struct pk_diags *diags) {
    struct stat st;
    if (stat(path, &st) != 0) {
        bool missing = errno == ENOENT || errno == ENOTDIR;
        pk_diag(diags, PK_SEVERITY_ERROR, missing ? "file.missing" : "file.unreadable", where_named,
                "cannot read %s: %s", shown_path, strerror(errno));
        return NULL;
    }
    if (!S_ISREG(st.st_mode)) {
        pk_diag(diags, PK_SEVERITY_ERROR, "file.unreadable", where_named,
                "cannot read %s: it is not a regular file", shown_path);
        return NULL;
    }
    if ((uintmax_t)st.st_size > PK_YAML_MAX_FILE) {
        struct pk_diag *d = pk_diag(diags, PK_SEVERITY_ERROR, "file.too-large", where_named,
                                    "%s is larger than 1 MiB", shown_path);
        pk_diag_help(diags, d, "split it into several files; every document may have its own");
        return NULL;
    }
    struct pk_buf buf;
    struct pk_error *err = NULL;
    if (!pk_read_file(path, PK_YAML_MAX_FILE, &buf, &err)) {
        pk_diag(diags, PK_SEVERITY_ERROR, "file.unreadable", where_named, "cannot read %s: %s",
                shown_path, err->message);
        pk_error_free(err);
        return NULL;
    }
    struct pk_source *source = pk_arena_alloc(arena, sizeof(*source));
    source->path = pk_arena_strdup(arena, shown_path);
    /* the text may hold NUL, which is reported later with its place: so no strndup */
    char *text = pk_arena_alloc(arena, buf.len + 1);
    if (buf.len)
        memcpy(text, buf.ptr, buf.len);
    source->text = text;
    source->len = buf.len;
    pk_buf_release(&buf);
    return source;
}
