/* fs.c - see fs.h. */
#include "base/fs.h"

#include "base/hash.h"
#include "base/mem.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <pwd.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static void close_fd(int *fd) {
    if (*fd >= 0) {
        close(*fd);
    }
}

static bool fail_too_large(const char *path, size_t max, struct pk_error **err) {
    return pk_fail(err, PK_E_IO, "cannot read %s: it is larger than %zu bytes", path, max);
}

/* Room for the whole file is taken at once, so that no copies of a secret stay in freed memory. The
 * size is a guess all the same: files in /proc have none, others may grow while they are read. */
static bool read_all(int fd, const char *path, size_t size, struct pk_buf *ret,
                     struct pk_error **err) {
    const size_t chunk = 64 << 10;
    if (size > ret->max) {
        return fail_too_large(path, ret->max, err);
    }
    pk_buf_reserve(ret, size < ret->max ? size + 1 : size);
    while (true) {
        size_t left = ret->max - ret->len;
        size_t room = ret->cap - ret->len - 1;
        if (room == 0 && left > 0) {
            room = left < chunk ? left : chunk;
            pk_buf_reserve(ret, room);
        }
        room = room < left ? room : left;
        char probe; /* at the maximum: is there one byte too many? */
        ssize_t n = read(fd, room == 0 ? &probe : ret->ptr + ret->len, room == 0 ? 1 : room);
        if (n < 0 && errno == EINTR) {
            continue;
        }
        if (n < 0) {
            return pk_fail_errno(err, errno, "cannot read %s", path);
        }
        if (n == 0) {
            return true;
        }
        if (room == 0) {
            return fail_too_large(path, ret->max, err);
        }
        ret->len += (size_t)n;
        ret->ptr[ret->len] = '\0';
    }
}

static bool check_private(const struct stat *st, const char *path, struct pk_error **err) {
    if (st->st_uid != geteuid()) {
        pk_fail(err, PK_E_IO, "refusing %s: it belongs to another user", path);
        return pk_error_hint(err, "secrets are read from your own files only");
    }
    if ((st->st_mode & (S_IRWXG | S_IRWXO)) != 0) {
        pk_fail(err, PK_E_IO, "refusing %s: other users may access it (mode %04o)", path,
                (unsigned)st->st_mode & 07777U);
        return pk_error_hint(err, "run `chmod 600 %s`", path);
    }
    return true;
}

static bool read_file(const char *path, size_t max, bool private, struct pk_buf *ret,
                      struct pk_error **err) {
    pk_buf_init(ret, max);
    /* O_NONBLOCK: opening a FIFO would otherwise wait for a writer. */
    int flags = O_RDONLY | O_CLOEXEC | O_NONBLOCK | (private ? O_NOFOLLOW : 0);
    PK_CLEANUP(close_fd) int fd = open(path, flags);
    if (fd < 0 && private && errno == ELOOP) {
        return pk_fail(err, PK_E_IO, "refusing %s: it is a symbolic link", path);
    }
    struct stat st;
    if (fd < 0 || fstat(fd, &st) != 0) {
        return pk_fail_errno(err, errno, "cannot read %s", path);
    }
    if (!S_ISREG(st.st_mode)) {
        return pk_fail(err, PK_E_IO, "cannot read %s: it is not a regular file", path);
    }
    if (private && !check_private(&st, path, err)) {
        return false;
    }
    if (!read_all(fd, path, (size_t)st.st_size, ret, err)) {
        pk_buf_secret_release(ret);
        return false;
    }
    return true;
}

bool pk_read_file(const char *path, size_t max, struct pk_buf *ret, struct pk_error **err) {
    return read_file(path, max, false, ret, err);
}

bool pk_read_private(const char *path, size_t max, struct pk_buf *ret, struct pk_error **err) {
    return read_file(path, max, true, ret, err);
}

static bool write_all(int fd, const char *data, size_t len) {
    while (len > 0) {
        ssize_t n = write(fd, data, len);
        if (n < 0 && errno != EINTR) {
            return false;
        }
        if (n > 0) {
            data += n;
            len -= (size_t)n;
        }
    }
    return true;
}

/* Creates, fills and flushes the file at temp_path; on failure errno is set and no file is left. */
static bool write_temp(const char *temp_path, const void *data, size_t len, unsigned mode) {
    int fd =
        open(temp_path, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, (mode_t)mode & 07777);
    if (fd < 0) {
        return false;
    }
    bool ok = write_all(fd, data, len) && fsync(fd) == 0;
    int saved_errno = errno;
    if (close(fd) != 0 && ok) { /* NFS reports a full disk here */
        ok = false;
        saved_errno = errno;
    }
    if (!ok) {
        unlink(temp_path);
    }
    errno = saved_errno;
    return ok;
}

bool pk_write_file(const char *path, const void *data, size_t len, unsigned mode,
                   struct pk_error **err) {
    char suffix[9];
    pk_random_text(suffix, sizeof(suffix) - 1, pk_base62);
    PK_CLEANUP(pk_freep) char *temp_path = pk_asprintf("%s.tmp-%s", path, suffix);
    PK_CLEANUP(pk_freep) char *dir = pk_path_dir(path);
    PK_CLEANUP(close_fd) int dir_fd = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (dir_fd < 0 || !write_temp(temp_path, data, len, mode)) {
        return pk_fail_errno(err, errno, "cannot write %s", path);
    }
    if (rename(temp_path, path) != 0) {
        int saved_errno = errno;
        unlink(temp_path);
        return pk_fail_errno(err, saved_errno, "cannot write %s", path);
    }
    /* EINVAL: a file system that has nothing to flush for folders. */
    if (fsync(dir_fd) != 0 && errno != EINVAL) {
        return pk_fail_errno(err, errno, "%s was replaced but may not survive a power cut", path);
    }
    return true;
}

bool pk_mkdir_p(const char *path, unsigned mode, struct pk_error **err) {
    PK_CLEANUP(pk_freep) char *prefix = pk_strdup(path);
    char *end = prefix;
    while (*end != '\0') {
        end += strspn(end, "/");
        end += strcspn(end, "/");
        char next = *end;
        *end = '\0';
        /* Another process may create the same folder between any two calls. */
        if (mkdir(prefix, (mode_t)mode & 07777) != 0) {
            int saved_errno = errno;
            if (!pk_is_dir(prefix)) {
                return pk_fail_errno(err, saved_errno, "cannot create folder %s", prefix);
            }
        }
        *end = next;
    }
    return true;
}

bool pk_path_exists(const char *path) {
    return access(path, F_OK) == 0;
}

bool pk_is_dir(const char *path) {
    struct stat st;
    return stat(path, &st) == 0 && S_ISDIR(st.st_mode);
}

bool pk_remove_file(const char *path, struct pk_error **err) {
    if (unlink(path) != 0 && errno != ENOENT) {
        return pk_fail_errno(err, errno, "cannot remove %s", path);
    }
    return true;
}

static int compare_names(const void *a, const void *b) {
    return strcmp(a, b);
}

static void close_dir(DIR **dir) {
    if (*dir != NULL) {
        closedir(*dir);
    }
}

bool pk_list_dir(const char *path, size_t max, struct pk_vec *ret_names, struct pk_error **err) {
    *ret_names = (struct pk_vec)PK_VEC_INIT;
    PK_CLEANUP(pk_names_release) struct pk_vec names = PK_VEC_INIT;
    PK_CLEANUP(close_dir) DIR *dir = opendir(path);
    if (dir == NULL) {
        return pk_fail_errno(err, errno, "cannot list %s", path);
    }
    while (true) {
        errno = 0;
        const struct dirent *entry = readdir(dir);
        if (entry == NULL) {
            break;
        }
        if (pk_streq(entry->d_name, ".") || pk_streq(entry->d_name, "..")) {
            continue;
        }
        if (names.len == max) {
            return pk_fail(err, PK_E_IO, "cannot list %s: it has more than %zu entries", path, max);
        }
        pk_vec_push(&names, pk_strdup(entry->d_name));
    }
    if (errno != 0) {
        return pk_fail_errno(err, errno, "cannot list %s", path);
    }
    pk_vec_sort(&names, compare_names);
    *ret_names = names;
    names = (struct pk_vec)PK_VEC_INIT;
    return true;
}

void pk_names_release(struct pk_vec *names) {
    for (size_t i = 0; i < names->len; i++) {
        free(names->items[i]);
    }
    pk_vec_release(names);
}

char *pk_path_join(const char *dir, const char *name) {
    if (name[0] == '/' || dir[0] == '\0') {
        return pk_strdup(name);
    }
    return pk_asprintf("%s%s%s", dir, pk_ends_with(dir, "/") ? "" : "/", name);
}

char *pk_path_dir(const char *path) {
    size_t len = strlen(path);
    while (len > 1 && path[len - 1] == '/') {
        len--;
    }
    while (len > 0 && path[len - 1] != '/') {
        len--;
    }
    if (len == 0) {
        return pk_strdup(".");
    }
    while (len > 1 && path[len - 1] == '/') {
        len--;
    }
    return pk_strndup(path, len);
}

const char *pk_path_base(const char *path) {
    const char *slash = strrchr(path, '/');
    return slash == NULL ? path : slash + 1;
}

char *pk_home_dir(void) {
    const char *home = getenv("HOME");
    if (home != NULL && home[0] != '\0') {
        return pk_strdup(home);
    }
    char text[16 << 10];
    struct passwd entry;
    struct passwd *found = NULL;
    if (getpwuid_r(getuid(), &entry, text, sizeof(text), &found) != 0 || found == NULL ||
        found->pw_dir == NULL || found->pw_dir[0] == '\0') {
        return NULL;
    }
    return pk_strdup(found->pw_dir);
}

char *pk_real_path(const char *path, struct pk_error **err) {
    char *real = realpath(path, NULL);
    if (real == NULL) {
        pk_fail_errno(err, errno, "cannot resolve %s", path);
    }
    return real;
}
