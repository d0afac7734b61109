/*
 * traits.h - what a plan must know of a resource type. Providers supply it.
 *
 * Layer 3. Constant data.
 */
#ifndef PK_PLAN_TRAITS_H
#define PK_PLAN_TRAITS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum pk_trait {
    PK_CREATE_ONLY = 1 << 0, /* a change replaces the resource */
    PK_DELETE_FIRST =
        1 << 1,             /* with CREATE_ONLY: the old one must go before the new one can come */
    PK_NO_CHANGE = 1 << 2,  /* with CREATE_ONLY: refused unless --allow-replace names the key */
    PK_WRITE_ONLY = 1 << 3, /* never read back: not compared with what AWS shows */
    PK_SET = 1 << 4,        /* a list whose order means nothing */
    PK_POLICY_DOC = 1 << 5, /* IAM policy document: compared in canonical form */
    PK_JSON_TEXT = 1 << 6,  /* JSON as text or object: compared as JSON */
    PK_NOCASE_VALUE = 1 << 7,   /* AWS changes the case */
    PK_VERSION_PREFIX = 1 << 8, /* "15" equals live "15.4" */
    PK_UNMANAGED = 1 << 9,      /* sent on create, never drift (DesiredCount under autoscaling) */
    PK_SENSITIVE = 1 << 10,     /* never shown */
    PK_GROW_ONLY = 1 << 11,     /* live number may be larger (storage autoscaling) */
    PK_MAP_SUBSET = 1 << 12,    /* only the keys that are set are compared */
};

struct pk_prop_trait {
    const char *path; /* "KeySchema", "DistributionConfig.Enabled"; `[]` inside lists */
    unsigned flags;   /* enum pk_trait */
};

struct pk_type_traits {
    const char *type;
    const struct pk_prop_trait *props;
    size_t n_props;
    bool named; /* has a physical name that must be unique: a replacement needs another one */
    bool taggable;
    bool replace_only; /* nothing updates in place: every change is a new one (task definitions) */
    bool delete_first; /* replacements always delete first */
    int64_t typical_create_ms, typical_delete_ms; /* for people */
    int64_t limit_ms;                             /* longest wait */
    const char *recovery; /* "token", "tag", "name", "natural": how a lost create is found again */
};

/* NULL for a type that nobody offers. */
struct pk_traits_source {
    const struct pk_type_traits *(*find)(void *ctx, const char *type);
    void *ctx;
};

unsigned pk_traits_of(const struct pk_type_traits *traits, const char *path);

#endif
