/*
 * scaffold.h - new stack and service folders that validate as they are.
 *
 * Layer 8. Existing files are never overwritten.
 */
#ifndef PK_OPS_SCAFFOLD_H
#define PK_OPS_SCAFFOLD_H

#include "base/error.h"
#include "base/vec.h"

/* "stack", "service" …: pattern and length of names; *err says what is wrong. */
PK_NODISCARD bool pk_name_check(const char *what, const char *name, size_t max,
                                struct pk_error **err);

struct pk_scaffold {
    const char *dir; /* parent folder; the stack goes to dir/name */
    const char *name;
    const char *tenant; /* or NULL */
    const char *region; /* or NULL */
    const char *const *services;
    size_t n_services;
};
/* ret_files: char* relative paths of what was written (malloc'ed). */
PK_NODISCARD bool pk_scaffold_stack(const struct pk_scaffold *what, struct pk_vec *ret_files,
                                    struct pk_error **err);
PK_NODISCARD bool pk_scaffold_service(const char *stack_dir, const char *stack, const char *service,
                                      struct pk_vec *ret_files, struct pk_error **err);

#endif
