/*
 * names.h - physical names and tags.
 *
 * Layer 2.
 */
#ifndef PK_COMPONENT_NAMES_H
#define PK_COMPONENT_NAMES_H

#include "base/diag.h"
#include "base/mem.h"

#include <jansson.h>

/*
 * N(max, charset, suffix): `base` joined parts; characters outside `extra` + A-Za-z0-9 become '-',
 * runs collapse; too long: cut, '-' and 8 hex digits of the SHA-256 of the untruncated base. lower:
 * lower-cased. generation > 0 appends "-r<k>" before the suffix.
 */
struct pk_name_rule {
    size_t max;
    const char *extra; /* allowed besides letters and digits, e.g. "-_." */
    bool lower;
    bool letter_first;
    const char *suffix; /* ".fifo", "-123456789012" or NULL */
};
char *pk_name_make(struct pk_arena *arena, const char *base, const struct pk_name_rule *rule,
                   unsigned generation);
/* The rule for a CloudFormation type; NULL when the type has no name. */
const struct pk_name_rule *pk_name_rule(const char *type);
/* The CloudFormation property that holds the name ("QueueName"); NULL when the type has no name or
 * keeps it elsewhere. */
const char *pk_name_property(const char *type);
/* Non-empty parts joined with '-': tenant, stack, env, [service,] component[, sub]. */
char *pk_name_base(struct pk_arena *arena, const char *const *parts, size_t n_parts);
/* Checks user tags (limits, characters, reserved prefixes aws: and panka:); findings tag.* . */
bool pk_tag_check(const char *key, const char *value, struct pk_span span, struct pk_diags *diags);
/* False for types that cannot be tagged: they are found through their parent. */
bool pk_type_taggable(const char *type);
/* True for the EC2 family, whose name is the tag `Name`. */
bool pk_type_named_by_tag(const char *type);

#endif
