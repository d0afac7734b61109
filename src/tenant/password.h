/*
 * password.h - secrets of people and tenants: made, hashed, checked.
 *
 * Layer 7. Internal to tenant/, thread-safe. bcrypt by libxcrypt; every copy made here is wiped.
 */
#ifndef PK_TENANT_PASSWORD_H
#define PK_TENANT_PASSWORD_H

#include "base/error.h"

#define PK_PASSWORD_COST 12

/* `<prefix>_<33 base62>`: 196 bits of getrandom. malloc'ed secret. */
char *pk_password_make(const char *prefix);
/* bcrypt `$2b$` of cost 12; malloc'ed. Refuses more than 72 bytes, of which bcrypt would drop the
 * rest. */
PK_NODISCARD bool pk_password_hash(const char *secret, char **ret_hash, struct pk_error **err);
/*
 * True when the secret belongs to the hash ($2a$, $2b$, $2y$). hash NULL (nobody of that name) or
 * malformed: false. Takes the work of one hash of cost 12 in every case, so that an unknown name, a
 * wrong secret and an old cheap hash cannot be told apart.
 */
bool pk_password_check(const char *hash, const char *secret);

#endif
