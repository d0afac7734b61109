/*
 * yaml_doc.h - the YAML documents that panka itself keeps (tenants.yaml, tenant.yaml) as JSON
 * values, and back to text in one canonical form.
 *
 * Layer 7. Internal to tenant/. Plain integers, true, false and null are typed; whole numbers that
 * begin with 0, and everything quoted, stay text. Comments are not kept.
 */
#ifndef PK_TENANT_YAML_DOC_H
#define PK_TENANT_YAML_DOC_H

#include "base/diag.h"
#include "base/str.h"

#include <jansson.h>

/* One document, a map. Errors name `what` and the line. New reference. */
PK_NODISCARD bool pk_yaml_doc_parse(const char *text, size_t len, const char *what, json_t **ret,
                                    struct pk_error **err);
/* Block style, 2 spaces, key order kept; lists of scalars and empty containers in one line. Appends
 * to ret. */
void pk_yaml_doc_write(const json_t *value, struct pk_buf *ret);
/* The same as malloc'ed text, checked: it is read back and must mean `value`. Fails when it is
 * larger than YAML files may be. */
PK_NODISCARD bool pk_yaml_doc_text(const json_t *value, const char *what, char **ret,
                                   struct pk_error **err);

/* Text at a path, numbers as they are written; NULL when absent. In the arena. */
const char *pk_yaml_doc_str(struct pk_arena *arena, const json_t *root, const char *path);

#endif
