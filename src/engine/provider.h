/*
 * provider.h - what the engine needs from whoever owns resources.
 *
 * Layer 3: declared here, implemented in provider/ (AWS), by the in-memory provider and by tests.
 * Functions run on worker threads, many at once, each op on one worker at a time. They block while
 * a call is in flight and never while waiting for AWS to become ready: then they return PK_AGAIN
 * with again_ms.
 */
#ifndef PK_ENGINE_PROVIDER_H
#define PK_ENGINE_PROVIDER_H

#include "base/cancel.h"
#include "base/error.h"
#include "plan/plan.h"

/* pk_error.id of a create that was refused because the resource exists: find() tells whose it is.
 */
#define PK_ERROR_EXISTS "resource.exists"

enum pk_progress {
    PK_DONE,   /* finished and stable */
    PK_AGAIN,  /* call the same function again after op->again_ms */
    PK_FAILED, /* *err is set */
};

/* One operation on one resource. The engine owns it; strings and JSON set by the provider are
 * malloc'ed / new references. */
struct pk_op {
    /* --- set by the engine --- */
    const char *key, *type;
    const char *kind, *service, *component; /* for error texts */
    const char *name;                       /* physical name to use, or NULL */
    const char *token;          /* idempotency token, 1-64 characters of a-z0-9, or NULL */
    const char *op_id;          /* value for the tag panka:op */
    const char *lineage;        /* value for the tag panka:lineage */
    enum pk_action_kind action; /* CREATE, UPDATE or DELETE */
    json_t *desired; /* properties, all references resolved; $secret and $file tokens are left; NULL
                        on delete */
    json_t *desired_tags; /* object of texts incl. panka:lineage and panka:op; on delete NULL */
    json_t *prior;        /* last applied properties, or NULL */
    json_t *prior_tags;
    const struct pk_change *changes; /* UPDATE: what differs (may be empty on a forced update) */
    size_t n_changes;
    bool force_update, final_snapshot, force_destroy, allow_data_loss, replacing;
    int64_t wait_limit_ms;          /* 0 = the type's limit */
    const struct pk_cancel *cancel; /* PK_CANCEL_NOW: return FAILED with CANCELLED soon */
    /* LEASE-GUARD: call before every mutating request; false = do not send. */
    bool (*guard)(void *ctx, struct pk_error **err);
    void *guard_ctx;
    /* CREATE and find: physical ids of predecessors that carry the same ownership tags and are
     * still to be deleted; find never answers them. List of texts. */
    json_t *predecessors;
    /* --- kept over calls of one operation --- */
    char *physical_id;  /* set by create as soon as AWS answered; given on update, delete */
    json_t *attributes; /* object: CloudFormation read-only attributes; given on update, delete; set
                           by create, update */
    int phase;          /* the provider's own; 0 on the first call */
    json_t *scratch;    /* the provider's own object or NULL */
    int64_t started_ms; /* monotonic, first call */
    int64_t again_ms;   /* with PK_AGAIN */
    char *waiting_for;  /* with PK_AGAIN: "DBInstanceStatus creating -> available" */
    char *note;         /* with PK_DONE: something people should know ("pending-reboot"), or NULL */
};

enum pk_found {
    PK_ABSENT,
    PK_OURS,    /* carries our ownership tags (lineage and address), or its natural key belongs to a
                   resource of ours */
    PK_FOREIGN, /* exists and is not ours: never touch it */
};

struct pk_read {
    const char *key, *type, *physical_id, *name, *region;
    json_t *prior; /* last applied properties: which sub-resources are worth reading */
    json_t *prior_attributes;
    /* results */
    bool gone;    /* certain: AWS says it does not exist */
    json_t *live; /* properties in CloudFormation shape, new reference; NULL when gone or failed */
    json_t *live_tags; /* object of texts, or NULL when not read */
    json_t *attributes;
    struct pk_error *error; /* per resource; never set together with gone */
};

struct pk_provider {
    const struct pk_provider_vtable *vtable;
};

struct pk_provider_vtable {
    const struct pk_type_traits *(*traits)(struct pk_provider *provider,
                                           const char *type); /* NULL: not offered */
    enum pk_progress (*create)(struct pk_provider *provider, struct pk_op *op,
                               struct pk_error **err);
    enum pk_progress (*update)(struct pk_provider *provider, struct pk_op *op,
                               struct pk_error **err);
    /* A resource that is already gone is DONE. */
    enum pk_progress (*remove)(struct pk_provider *provider, struct pk_op *op,
                               struct pk_error **err);
    /* ADOPT: looks for the resource that this create would make or has made (token, tags, then
     * exact name). On OURS sets op->physical_id and op->attributes. */
    bool (*find)(struct pk_provider *provider, struct pk_op *op, enum pk_found *ret,
                 struct pk_error **err);
    /* Reads many resources with as few calls as the service allows; parallel inside. False only
     * when nothing could be read at all (credentials, network). */
    bool (*read)(struct pk_provider *provider, struct pk_read *reads, size_t n,
                 const struct pk_cancel *cancel, struct pk_error **err);
    void (*free)(struct pk_provider *provider);
};

/* A pk_traits_source over a provider. */
struct pk_traits_source pk_provider_traits(struct pk_provider *provider);

#endif
