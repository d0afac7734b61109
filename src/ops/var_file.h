/*
 * var_file.h - variables of the command line and of files.
 *
 * Layer 8.
 */
#ifndef PK_OPS_VAR_FILE_H
#define PK_OPS_VAR_FILE_H

#include "base/error.h"
#include "base/mem.h"
#include "base/vec.h"

/*
 * Reads every file (`.env` and files of KEY=VALUE lines, else a YAML or JSON map of scalars), then
 * takes `vars` (K=V texts): the last one of a name wins. ret: struct pk_var, in the arena. Errors
 * name file and line.
 */
PK_NODISCARD bool pk_vars_collect(struct pk_arena *arena, const struct pk_vec *vars,
                                  const struct pk_vec *files, size_t max, struct pk_vec *ret,
                                  struct pk_error **err);

#endif
