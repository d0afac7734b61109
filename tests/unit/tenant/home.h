/* home.h - every test has an empty current folder, with panka's own folder `home` in it. */
#ifndef PK_TEST_TENANT_HOME_H
#define PK_TEST_TENANT_HOME_H

#include "base/fs.h"
#include "base/mem.h"

#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static int home_remove(const char *path, const struct stat *st PK_UNUSED, int kind PK_UNUSED,
                       struct FTW *ftw PK_UNUSED) {
    return remove(path);
}

static int home_enter(void **state) {
    char *path = pk_strdup("/tmp/panka-tenant-XXXXXX");
    *state = path;
    umask(022);
    if (!mkdtemp(path) || chdir(path) != 0)
        return -1;
    char *home PK_CLEANUP(pk_freep) = pk_path_join(path, "home");
    return setenv("PANKA_HOME", home, 1);
}

static int home_leave(void **state) {
    int failed = chdir("/");
    failed |= nftw(*state, home_remove, 8, FTW_DEPTH | FTW_PHYS);
    free(*state);
    return failed;
}

PK_UNUSED static unsigned mode_of(const char *path) {
    struct stat st;
    return stat(path, &st) == 0 ? st.st_mode & 0777 : 0;
}

#endif
