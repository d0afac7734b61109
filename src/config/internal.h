/*
 * internal.h - what the files of config/ share: the table of settings and the names of its values.
 *
 * Layer 2. Internal to config/.
 */
#ifndef PK_CONFIG_INTERNAL_H
#define PK_CONFIG_INTERNAL_H

#include "config/settings.h"

enum pk_setting_type { PK_SETTING_TEXT, PK_SETTING_WORD, PK_SETTING_DURATION, PK_SETTING_INT };

struct pk_setting_row {
    const char *name;  /* path in the files: "backend.bucket" */
    const char *alias; /* other accepted path, or NULL */
    const char *env;   /* variable of the process */
    const char *flag;  /* "--region", or NULL when there is none */
    const char *def;   /* or NULL */
    const char *words; /* of PK_SETTING_WORD: "s3|local" */
    int64_t min, max;  /* of numbers and durations (seconds) */
    enum pk_setting_type type;
    bool may_be_empty; /* "" is a value and not the absence of one */
};

extern const struct pk_setting_row pk_setting_rows[PK_SET_COUNT];

/* False with *ret_why (static or in the arena) when `text` is no value of this setting. */
bool pk_setting_check(const struct pk_setting_row *row, const char *text, struct pk_arena *arena,
                      const char **ret_why);

#endif
