/*
 * settings.h - where panka's own settings come from: flag -> PANKA_* environment -> stack.yaml ->
 * .panka.yaml in the repository -> ~/.panka/config.yaml -> default.
 *
 * Layer 2. One table of settings (settings.c); every value remembers its origin for `panka doctor`.
 */
#ifndef PK_CONFIG_SETTINGS_H
#define PK_CONFIG_SETTINGS_H

#include "base/diag.h"
#include "base/error.h"
#include "base/mem.h"

enum pk_setting {
    PK_SET_REGION,         /* region / --region / PANKA_REGION */
    PK_SET_PROFILE,        /* aws.profile / --profile / PANKA_PROFILE */
    PK_SET_ENDPOINT_URL,   /* aws.endpointUrl / --endpoint-url / PANKA_ENDPOINT_URL */
    PK_SET_BACKEND_TYPE,   /* backend.type: s3 | local / PANKA_BACKEND */
    PK_SET_BACKEND_BUCKET, /* backend.bucket / --backend-bucket / PANKA_BACKEND_BUCKET */
    PK_SET_BACKEND_REGION, /* backend.region */
    PK_SET_BACKEND_PREFIX, /* backend.prefix */
    PK_SET_LOCK_TABLE,     /* locks.table (backend.table) / --lock-table; default panka-locks */
    PK_SET_LOCK_HEARTBEAT, /* locks.heartbeat, duration, 30s */
    PK_SET_LOCK_LEASE,     /* locks.lease, 120s */
    PK_SET_LOCK_TTL,       /* locks.ttl, 3600s */
    PK_SET_PARALLELISM,    /* preferences.parallelism, 10 (1-256) */
    PK_SET_ENVIRONMENT,    /* PANKA_ENVIRONMENT */
    PK_SET_TENANT,         /* --tenant / PANKA_TENANT */
    PK_SET_COUNT
};

struct pk_settings;
struct pk_settings_source {
    const char *config_path; /* --config; NULL = PANKA_CONFIG, else ~/.panka/config.yaml (may be
                                missing) */
    const char
        *start_dir; /* where the search for .panka.yaml upward to the repository root begins */
    const char *flags[PK_SET_COUNT];
    const char
        *stack[PK_SET_COUNT]; /* from stack.yaml's backend/provider blocks; NULL where silent */
    const char *(*getenv)(void *ctx, const char *name); /* NULL = process */
    void *getenv_ctx;
};
/* Findings (unknown keys with suggestions, wrong types) go to diags; files that are not YAML too.
 * They have no span, the place is in their text: they outlive the settings. *ret is set also when
 * there are findings. .panka.yaml is searched from start_dir up to the repository's root; outside a
 * repository only in start_dir. */
PK_NODISCARD bool pk_settings_load(const struct pk_settings_source *source, struct pk_diags *diags,
                                   struct pk_settings **ret, struct pk_error **err);
void pk_settings_free(struct pk_settings *settings);
const char *pk_setting(const struct pk_settings *settings,
                       enum pk_setting which); /* NULL = not set, no default */
int64_t pk_setting_int(const struct pk_settings *settings,
                       enum pk_setting which); /* durations in seconds */
const char *
pk_setting_origin(const struct pk_settings *settings,
                  enum pk_setting which);           /* "flag --region", "~/.panka/config.yaml:3" */
const char *pk_setting_name(enum pk_setting which); /* "backend.bucket" */
/* Writes (creates or updates) the user's config file with the given values, comments of other lines
 * kept. 0600 in a 0700 folder. */
PK_NODISCARD bool pk_settings_save(const char *config_path, const char *const values[PK_SET_COUNT],
                                   struct pk_error **err);
char *pk_panka_dir(void); /* $PANKA_HOME or ~/.panka; malloc'ed */

#endif
