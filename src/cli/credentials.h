/*
 * credentials.h - the credentials file that an admin hands to a team.
 *
 * Layer 10. Lines "Tenant ID:", "Secret:", "Bucket:", "Region:", "Lock table:".
 */
#ifndef PK_CLI_CREDENTIALS_H
#define PK_CLI_CREDENTIALS_H

#include "base/error.h"

struct pk_credentials { /* malloc'ed; the secret is wiped on release */
    char *tenant, *secret, *bucket, *region, *lock_table;
};

PK_NODISCARD bool pk_credentials_read(const char *path, struct pk_credentials *ret,
                                      struct pk_error **err);
/* Written with mode 0600, whole or absent; an existing file is refused: it may be the only copy of
 * another secret. */
PK_NODISCARD bool pk_credentials_write(const char *path, const struct pk_credentials *credentials,
                                       struct pk_error **err);
/* The file's text; wipe it. */
char *pk_credentials_text(const struct pk_credentials *credentials);
void pk_credentials_release(struct pk_credentials *credentials);

#endif
