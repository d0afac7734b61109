/* local.c - files below one folder, opened part by part so that no symlink is followed. */
#include "store/local.h"

#include "base/fs.h"
#include "base/hash.h"
#include "base/mem.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define LOCK_FILE ".lock"
#define DIR_FLAGS (O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC)

static void close_fd(int *fd) {
    if (*fd >= 0)
        close(*fd);
}

static bool fail_at(struct pk_error **err, int errno_value, const char *dir, const char *name) {
    if (errno_value == ELOOP || errno_value == ENOTDIR)
        return pk_fail(err, PK_E_IO, "%s/%s: a part of the path is a symlink or no folder", dir,
                       name) ||
               pk_error_hint(err, "panka does not follow symlinks inside its own folder");
    return pk_fail_errno(err, errno_value, "%s/%s", dir, name);
}

/* The folder that `name` lies in, and its last part. -1 with errno. */
static int open_parent(const char *dir, const char *name, bool create, const char **ret_last) {
    if (create && mkdir(dir, 0700) != 0 && errno != EEXIST && !pk_mkdir_p(dir, 0700, NULL))
        return -1;
    int fd = open(dir, DIR_FLAGS);
    const char *slash;
    for (; fd >= 0 && (slash = strchr(name, '/')); name = slash + 1) {
        char *part PK_CLEANUP(pk_freep) = pk_strndup(name, (size_t)(slash - name));
        if (create && mkdirat(fd, part, 0700) != 0 && errno != EEXIST) {
            close(fd);
            return -1;
        }
        int next = openat(fd, part, DIR_FLAGS);
        int saved = errno;
        close(fd);
        errno = saved;
        fd = next;
    }
    *ret_last = name;
    return fd;
}

static bool read_all(int fd, size_t max, struct pk_buf *ret) {
    char chunk[65536];
    for (;;) {
        ssize_t n = read(fd, chunk, sizeof(chunk));
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0)
            return false;
        if (n == 0)
            return true;
        pk_buf_add(ret, chunk, (size_t)n);
        if (ret->overflow || ret->len > max) {
            errno = EFBIG;
            return false;
        }
    }
}

bool pk_local_read(const char *dir, const char *name, size_t max, struct pk_buf *ret,
                   bool *ret_found, struct pk_error **err) {
    const char *last = name;
    pk_buf_init(ret, max);
    int parent PK_CLEANUP(close_fd) = open_parent(dir, name, false, &last);
    int fd PK_CLEANUP(close_fd) =
        parent < 0 ? -1 : openat(parent, last, O_RDONLY | O_NOFOLLOW | O_CLOEXEC | O_NONBLOCK);
    if (fd < 0 && errno == ENOENT) {
        *ret_found = false;
        return true;
    }
    struct stat st;
    if (fd < 0 || fstat(fd, &st) != 0)
        return fail_at(err, errno, dir, name);
    if (!S_ISREG(st.st_mode))
        return pk_fail(err, PK_E_IO, "%s/%s is not a regular file", dir, name);
    if (!read_all(fd, max, ret)) {
        int saved = errno;
        pk_buf_release(ret);
        return fail_at(err, saved, dir, name);
    }
    *ret_found = true;
    return true;
}

static bool write_all(int fd, const char *data, size_t len) {
    while (len > 0) {
        ssize_t n = write(fd, data, len);
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0)
            return false;
        data += n;
        len -= (size_t)n;
    }
    return fsync(fd) == 0;
}

/* Whole or absent: a new file beside it, made durable, then renamed over it. */
static bool write_in(int parent, const char *name, const void *data, size_t len) {
    char tail[9];
    pk_random_text(tail, 8, pk_base62);
    char *temporary PK_CLEANUP(pk_freep) = pk_asprintf("%s.tmp-%s", name, tail);
    int fd = openat(parent, temporary, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
    if (fd < 0)
        return false;
    bool ok = write_all(fd, data, len);
    int saved = errno;
    ok = close(fd) == 0 && ok;
    if (ok && renameat(parent, temporary, parent, name) == 0)
        return fsync(parent) == 0;
    if (ok)
        saved = errno;
    unlinkat(parent, temporary, 0);
    errno = saved;
    return false;
}

bool pk_local_write(const char *dir, const char *name, const void *data, size_t len,
                    struct pk_error **err) {
    const char *last = name;
    int parent PK_CLEANUP(close_fd) = open_parent(dir, name, true, &last);
    if (parent < 0 || !write_in(parent, last, data, len))
        return fail_at(err, errno, dir, name);
    return true;
}

bool pk_local_remove(const char *dir, const char *name, struct pk_error **err) {
    const char *last = name;
    int parent PK_CLEANUP(close_fd) = open_parent(dir, name, false, &last);
    if ((parent < 0 || unlinkat(parent, last, 0) != 0) && errno != ENOENT)
        return fail_at(err, errno, dir, name);
    return parent < 0 || fsync(parent) == 0 || fail_at(err, errno, dir, name);
}

/* --- listing */

struct walk {
    const char *dir, *prefix;
    size_t max;
    struct pk_vec *to;
    struct pk_error **err;
};

static bool walk_folder(struct walk *w, int fd, const char *path);

static bool walk_entry(struct walk *w, int fd, const char *path, const char *entry) {
    char *name PK_CLEANUP(pk_freep) = *path ? pk_asprintf("%s/%s", path, entry) : pk_strdup(entry);
    struct stat st;
    if (fstatat(fd, entry, &st, AT_SYMLINK_NOFOLLOW) != 0)
        return errno == ENOENT || fail_at(w->err, errno, w->dir, name);
    if (S_ISDIR(st.st_mode)) {
        int sub = openat(fd, entry, DIR_FLAGS);
        return sub >= 0 ? walk_folder(w, sub, name)
                        : errno == ENOENT || fail_at(w->err, errno, w->dir, name);
    }
    if (!S_ISREG(st.st_mode) || !pk_starts_with(name, w->prefix))
        return true;
    if (w->to->len >= w->max)
        return pk_fail(w->err, PK_E_IO, "%s has more than %zu files", w->dir, w->max);
    pk_vec_push(w->to, pk_steal(&name));
    return true;
}

/* Takes fd over. Files that are being written have ".tmp-" in their name. */
static bool walk_folder(struct walk *w, int fd, const char *path) {
    DIR *folder = fdopendir(fd);
    if (!folder) {
        int saved = errno;
        close(fd);
        return fail_at(w->err, saved, w->dir, path);
    }
    bool ok = true;
    struct dirent *e;
    while (ok && (e = readdir(folder)))
        if (e->d_name[0] != '.' && !strstr(e->d_name, ".tmp-"))
            ok = walk_entry(w, dirfd(folder), path, e->d_name);
    closedir(folder);
    return ok;
}

static int compare(const void *a, const void *b) {
    return strcmp(a, b);
}

bool pk_local_list(const char *dir, const char *prefix, size_t max, struct pk_vec *ret,
                   struct pk_error **err) {
    struct pk_vec names = PK_VEC_INIT;
    struct walk w = {dir, prefix, max, &names, err};
    int fd = open(dir, DIR_FLAGS);
    if (fd < 0 && errno != ENOENT)
        return fail_at(err, errno, dir, "");
    if (fd >= 0 && !walk_folder(&w, fd, "")) {
        pk_names_release(&names);
        return false;
    }
    pk_vec_sort(&names, compare);
    *ret = names;
    return true;
}

bool pk_local_lock(const char *dir, int *ret_fd, struct pk_error **err) {
    const char *last;
    int parent PK_CLEANUP(close_fd) = open_parent(dir, LOCK_FILE, true, &last);
    int fd =
        parent < 0 ? -1 : openat(parent, last, O_RDWR | O_CREAT | O_NOFOLLOW | O_CLOEXEC, 0600);
    if (fd < 0)
        return fail_at(err, errno, dir, LOCK_FILE);
    /* of the open file, not of the process: threads exclude each other too */
    struct flock all = {.l_type = F_WRLCK, .l_whence = SEEK_SET};
    int failed;
    do
        failed = fcntl(fd, F_OFD_SETLKW, &all);
    while (failed != 0 && errno == EINTR);
    if (failed != 0) {
        int saved = errno;
        close(fd);
        return fail_at(err, saved, dir, LOCK_FILE);
    }
    *ret_fd = fd;
    return true;
}

void pk_local_unlock(int *fd) {
    close_fd(fd);
}
