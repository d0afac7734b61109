/*
 * profile.h - ~/.aws/config and ~/.aws/credentials, as the AWS SDKs read them.
 *
 * Layer 4, inside aws/. Immutable after reading, any thread may look things up. Format: the SDK
 * reference guide, "Shared config and credentials files"; values have no length limit (session
 * tokens are long), keys ignore case.
 */
#ifndef PK_AWS_PROFILE_H
#define PK_AWS_PROFILE_H

#include "base/error.h"
#include "base/vec.h"

/* The part of one file under one header. */
struct pk_aws_section {
    char *name;
    struct pk_map *values; /* lower-case key -> text; nested lines as "\nname = value…" */
    const char *path;      /* the file it stands in; owned by the profiles */
    bool prefixed;         /* "[profile default]", which wins over "[default]" */
};

struct pk_aws_profiles {
    struct pk_map *config, *credentials; /* profile name -> section, by file */
    struct pk_map *sso_sessions, *services;
    char *config_path, *credentials_path;
};

enum pk_aws_ini_kind { PK_AWS_INI_CONFIG, PK_AWS_INI_CREDENTIALS };

struct pk_aws_profiles *pk_aws_profiles_new(const char *config_path, const char *credentials_path);
void pk_aws_profiles_free(struct pk_aws_profiles *profiles); /* NULL is fine */
/* Adds the sections of one text. Errors are CONFIG and name the file and the line. */
PK_NODISCARD bool pk_aws_ini_parse(struct pk_aws_profiles *profiles, enum pk_aws_ini_kind kind,
                                   const char *text, size_t len, struct pk_error **err);
/* Reads both files; a missing one is an empty one. */
PK_NODISCARD bool pk_aws_profiles_read(struct pk_aws_profiles *profiles, struct pk_error **err);

/* True when one of the files has the profile. */
bool pk_aws_profile_exists(const struct pk_aws_profiles *profiles, const char *profile);
/* The value of a key, credentials file first; NULL when absent. */
const char *pk_aws_profile_get(const struct pk_aws_profiles *profiles, const char *profile,
                               const char *key);
const char *pk_aws_section_get(const struct pk_map *sections, const char *name, const char *key);
/* The value of `name` in the nested lines of a value. malloc'ed or NULL. */
char *pk_aws_nested_get(const char *value, const char *name);

#endif
