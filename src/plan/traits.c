/* traits.c - the traits that hold at a path. */
#include "plan/traits.h"

#include <ctype.h>
#include <string.h>

/* What is true of a value is true of everything inside it; how a value is compared is not. */
#define INHERITED                                                                                  \
    (PK_CREATE_ONLY | PK_DELETE_FIRST | PK_NO_CHANGE | PK_WRITE_ONLY | PK_UNMANAGED |              \
     PK_SENSITIVE | PK_NOCASE_VALUE)

enum match { MATCH_NONE, MATCH_ABOVE, MATCH_EXACT };

/* "A[3].B" of a path equals "A[].B" of a row. */
static enum match match(const char *row, const char *path) {
    while (*row && *path) {
        if (*row != *path)
            return MATCH_NONE;
        bool open = *row == '[';
        row++;
        path++;
        while (open && isdigit((unsigned char)*path))
            path++;
    }
    if (*row)
        return MATCH_NONE;
    return !*path ? MATCH_EXACT : *path == '.' || *path == '[' ? MATCH_ABOVE : MATCH_NONE;
}

unsigned pk_traits_of(const struct pk_type_traits *traits, const char *path) {
    unsigned flags = 0;
    for (size_t i = 0; traits && i < traits->n_props; i++) {
        enum match m = match(traits->props[i].path, path);
        if (m == MATCH_EXACT)
            flags |= traits->props[i].flags;
        else if (m == MATCH_ABOVE)
            flags |= traits->props[i].flags & INHERITED;
    }
    return flags;
}
