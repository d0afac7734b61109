/* spill.c - SPILL: the last resort of a state that cannot be written to its backend. */
#include "store/store.h"

#include "base/fs.h"
#include "base/mem.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#define SPILL_FILE "errored.state.json"
#define MAX_OLD 1000

/* A spill of an earlier run is kept under a number: it may be the only record of something. */
static bool move_older_away(void) {
    if (!pk_path_exists(SPILL_FILE))
        return true;
    for (int i = 1; i <= MAX_OLD; i++) {
        char *name PK_CLEANUP(pk_freep) = pk_asprintf(SPILL_FILE ".%d", i);
        if (renameat2(AT_FDCWD, SPILL_FILE, AT_FDCWD, name, RENAME_NOREPLACE) == 0)
            return true;
        if (errno != EEXIST)
            return false;
    }
    return false;
}

static bool print(const char *text, size_t len) {
    while (len > 0) {
        ssize_t n = write(STDOUT_FILENO, text, len);
        if (n < 0 && errno == EINTR)
            continue;
        if (n <= 0)
            return false;
        text += n;
        len -= (size_t)n;
    }
    return true;
}

bool pk_state_spill(const struct pk_state *state, char **ret_path, struct pk_error **err) {
    size_t len = 0;
    char *text PK_CLEANUP(pk_freep) = pk_state_dump(state, &len);
    struct pk_error *why PK_CLEANUP(pk_error_freep) = NULL;
    if (move_older_away() && pk_write_file(SPILL_FILE, text, len, 0600, &why)) {
        char *here PK_CLEANUP(pk_freep) = pk_real_path(SPILL_FILE, NULL);
        *ret_path = pk_strdup(here ? here : SPILL_FILE);
        return true;
    }
    *ret_path = NULL;
    fflush(stdout);
    if (print(text, len) && print("\n", 1))
        return true;
    return pk_fail(err, PK_E_STATE_SPILLED, "the state could be saved nowhere: %s",
                   why ? why->message : SPILL_FILE " cannot be written");
}
