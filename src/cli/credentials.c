#include "cli/credentials.h"

#include "base/fs.h"
#include "base/mem.h"

#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#define MAX_FILE 16384

static const struct {
    const char *label;
    size_t offset;
} lines[] = {
    {"Tenant ID", offsetof(struct pk_credentials, tenant)},
    {"Secret", offsetof(struct pk_credentials, secret)},
    {"Bucket", offsetof(struct pk_credentials, bucket)},
    {"Region", offsetof(struct pk_credentials, region)},
    {"Lock table", offsetof(struct pk_credentials, lock_table)},
};

static char **field(struct pk_credentials *c, size_t i) {
    return (char **)(void *)((char *)c + lines[i].offset);
}

static void take_line(struct pk_credentials *c, struct pk_str line) {
    for (size_t i = 0; i < PK_ARRAY_LEN(lines); i++) {
        size_t len = strlen(lines[i].label);
        if (line.len > len && strncmp(line.ptr, lines[i].label, len) == 0 && line.ptr[len] == ':') {
            struct pk_str value = pk_str_trim(pk_str_n(line.ptr + len + 1, line.len - len - 1));
            pk_secret_free(*field(c, i));
            *field(c, i) = value.len ? pk_strndup(value.ptr, value.len) : NULL;
        }
    }
}

bool pk_credentials_read(const char *path, struct pk_credentials *ret, struct pk_error **err) {
    struct pk_buf text PK_CLEANUP(pk_buf_secret_release) = PK_BUF_INIT(MAX_FILE);
    if (!pk_read_private(path, MAX_FILE, &text, err))
        return false;
    struct pk_str rest = pk_str_n(text.ptr, text.len), line;
    while (pk_str_cut(&rest, '\n', &line))
        take_line(ret, pk_str_trim(line));
    if (ret->tenant && ret->secret)
        return true;
    return pk_fail(err, PK_E_LOGIN, "%s is not a credentials file: it has no line \"%s:\"", path,
                   ret->tenant ? "Secret" : "Tenant ID");
}

char *pk_credentials_text(const struct pk_credentials *credentials) {
    struct pk_buf text PK_CLEANUP(pk_buf_secret_release) = PK_BUF_INIT(MAX_FILE);
    pk_buf_reserve(&text, MAX_FILE - 1);
    for (size_t i = 0; i < PK_ARRAY_LEN(lines); i++) {
        const char *value = *field((struct pk_credentials *)(uintptr_t)credentials, i);
        if (value)
            pk_buf_addf(&text, "%s: %s\n", lines[i].label, value);
    }
    return pk_strdup(pk_buf_cstr(&text));
}

bool pk_credentials_write(const char *path, const struct pk_credentials *credentials,
                          struct pk_error **err) {
    if (pk_path_exists(path))
        return pk_fail(err, PK_E_USAGE, "%s exists already", path) ||
               pk_error_hint(
                   err,
                   "it may hold another tenant's only secret: name another file or move it away");
    char *text PK_CLEANUP(pk_secret_freep) = pk_credentials_text(credentials);
    return pk_write_file(path, text, strlen(text), 0600, err);
}

void pk_credentials_release(struct pk_credentials *credentials) {
    for (size_t i = 0; i < PK_ARRAY_LEN(lines); i++)
        pk_secret_free(*field(credentials, i));
    memset(credentials, 0, sizeof(*credentials));
}
