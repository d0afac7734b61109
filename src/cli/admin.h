/*
 * admin.h - what the admin commands share.
 *
 * Layer 10.
 */
#ifndef PK_CLI_ADMIN_H
#define PK_CLI_ADMIN_H

#include "cli/app.h"
#include "ops/context.h"

struct pk_admin_context {
    struct pk_context *context;
    struct pk_session session; /* of the admin; empty when there is none */
    struct pk_aws *aws;        /* borrowed from the context, as are the rest */
    struct pk_store *store;
    const char *bucket, *region, *lock_table;
};

/* need_session: fails with a hint when nobody is logged in as admin. */
PK_NODISCARD bool pk_admin_open(struct pk_app *app, bool need_session, struct pk_admin_context *ret,
                                struct pk_error **err);
void pk_admin_release(struct pk_admin_context *admin);

#endif
