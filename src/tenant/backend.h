/*
 * backend.h - one run of `backend create`.
 *
 * Layer 7. Internal to tenant/.
 */
#ifndef PK_TENANT_BACKEND_H
#define PK_TENANT_BACKEND_H

#include "aws/aws.h"
#include "tenant/tenant.h"

struct pk_backend_work {
    struct pk_aws *aws;
    const struct pk_backend_request *request;
    char *account; /* of the caller: the owner that the bucket must have */
};

void pk_backend_report(const struct pk_backend_work *w, enum pk_backend_step step, const char *fmt,
                       ...) PK_PRINTF(3, 4);
PK_NODISCARD bool pk_backend_call(const struct pk_backend_work *w, const char *service,
                                  const char *operation, json_t *params, json_t **ret,
                                  struct pk_error **err);
/* backend_table.c */
PK_NODISCARD bool pk_backend_table(const struct pk_backend_work *w, struct pk_error **err);

#endif
