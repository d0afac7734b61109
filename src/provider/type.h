/*
 * type.h - the table that describes one AWS resource type, and what its odd steps may use.
 *
 * Layer 5, inside provider/. Constant data; steps run on any thread, one operation at a time. The
 * generic driver (driver.c, read.c, remove.c …) turns a table into create, update, remove, find and
 * read of engine/provider.h. A type is written like this:
 *
 *     static const struct pk_prop queue_props[] = {
 *         {"QueueName", .traits = PK_CREATE_ONLY},
 *         {"VisibilityTimeout", .create = "Attributes.VisibilityTimeout", .conv = PK_NUMBER_TEXT,
 *          .update = 1, .fallback = "30"},
 *     };
 *     const struct pk_type pk_type_sqs_queue = {.type = "AWS::SQS::Queue", …};
 *
 * TEMPLATES. Every text called "template" below may hold references in braces:
 *
 *     {id} {id[1]}      physical id, or its part between '|' (from 0)
 *     {name}            op->name, else the property name_prop
 *     {token}           idempotency token, cut to token_max
 *     {key} {op} {lineage}   panka:resource, panka:op, panka:lineage of this operation
 *     {account} {region} {partition} {suffix}   suffix: "amazonaws.com"
 *     {prop.Path}       property: desired on create, update, find; last applied on read, delete
 *     {attr.Name}       known read-only attribute
 *     {out.Path}        the answer of the call (id) or the item that was read (match, attributes)
 *     {prop.Path#1}     a part between '|' of any of them
 *
 * `{prop.A|prop.B}` takes the first that exists. When nothing exists the whole parameter is left
 * out. A template that is one reference and nothing else passes the JSON value as it is (a number
 * stays a number, a list a list); otherwise the result is text. "json:" before a template means:
 * JSON text whose strings are templates ("json:[{\"Name\":\"vpc-id\",\"Values\":[\"{id}\"]}]",
 * "json:true").
 *
 * PATHS are dotted, as in json/json.h. "[]" at the end of a parameter path makes a list of the one
 * value; "Items[].Id" in a read path collects a member of every item.
 *
 * CODES are lists of AWS error codes "A|B|C"; each may be a glob ("Invalid*.NotFound") and may
 * demand a part of the message after ':' ("InvalidParameterValueException:cannot be assumed").
 */
#ifndef PK_PROVIDER_TYPE_H
#define PK_PROVIDER_TYPE_H

#include "engine/provider.h"
#include "plan/traits.h"
#include "json/json.h"

#define PK_NOT_SENT "-"  /* as a path: no such place */
#define PK_FROM_HOOK "+" /* as a read path: `normalize` sets the property */

struct pk_ctx;

/* One member whose name or handling inside nested values is not the rule; applies at any depth. */
struct pk_names {
    const char *cfn, *api; /* the same when only flags matter; api NULL: the rule's name */
    unsigned flags;        /* enum pk_names_flag */
};
enum pk_names_flag {
    PK_OPAQUE = 1 << 0,        /* what is below is the user's: map keys are not renamed */
    PK_MEMBER_NUMBER = 1 << 1, /* text in CloudFormation, number in the API (below: each item) */
    PK_MEMBER_TEXT = 1 << 2,   /* number in CloudFormation, text in the API */
};

/* How a value differs between CloudFormation and the API. */
enum pk_conv {
    PK_AUTO, /* members renamed by type->names, and PascalCase <-> camelCase when type->camel */
    PK_SAME, /* as it is, nothing renamed */
    PK_NUMBER_TEXT,  /* CloudFormation number, API text; in lists: each item */
    PK_TEXT_NUMBER,  /* CloudFormation text, API number */
    PK_BOOL_TEXT,    /* CloudFormation boolean, API "true" / "false" */
    PK_JSON_AS_TEXT, /* CloudFormation object (or text), API JSON text, read back as an object when
                        it is JSON; URL-encoded answers are decoded */
    PK_KV_AS_MAP, /* CloudFormation [{Key, Value}], API map; arg "Name,Value" = other member names
                   */
    PK_MAP_AS_KV, /* the other way round; arg: names in the API ("name,value"; default Key,Value) */
    PK_ONE_AS_LIST, /* CloudFormation one value, API list of one */
    PK_LIST_MEMBER, /* CloudFormation list of texts, API list of objects with the member `arg`; also
                       reads a list of texts */
    PK_FLAG_WORD,   /* CloudFormation boolean, API one of two words: arg "ENABLED|DISABLED" */
    PK_CUSTOM,      /* prop->convert */
};

/* One property. */
struct pk_prop {
    const char *name; /* CloudFormation path: "VisibilityTimeout", "LoggingConfig.LogGroup" */
    const char
        *create;      /* path in the create request; NULL = the name (camelCase with type->camel) */
    const char *read; /* path in the item that is read; NULL = as create; PK_NOT_SENT when it cannot
                         be read */
    unsigned update;  /* 1 + index of the group in type->updates that changes it; 0 = none */
    const char *change; /* path in the update request; NULL = as create */
    enum pk_conv conv;
    const char *arg; /* of the conversion */
    json_t *(*convert)(const struct pk_ctx *ctx, const json_t *value,
                       bool to_api); /* PK_CUSTOM; new reference, NULL = leave out */
    unsigned traits;                 /* enum pk_trait */
    const char *fallback; /* JSON in CloudFormation shape: what AWS fills in; sent when the property
                             is removed, and what is live when a property that was applied is not
                             in the item */
};

struct pk_param {
    const char *path;
    const char *value; /* template */
};
/* A list of parameters in an initializer: .params = PK_PARAMS({"VpcId", "{id}"}). */
#define PK_PARAMS(...) ((const struct pk_param[]){__VA_ARGS__, {NULL, NULL}})

struct pk_call {
    const char *operation;
    const char *service; /* NULL = the type's */
    const struct pk_param *params;
};

/* One operation that changes properties. */
struct pk_update {
    const char *operation; /* NULL: only `run` */
    const struct pk_param *params;
    unsigned flags; /* enum pk_update_flag */
    /* Adds to or changes the request; false with *err. May be NULL. */
    bool (*prepare)(struct pk_ctx *ctx, json_t *params, struct pk_error **err);
    /* Replaces the call. May be repeated (PK_AGAIN). */
    enum pk_progress (*run)(struct pk_ctx *ctx, const struct pk_update *update,
                            struct pk_error **err);
};
enum pk_update_flag {
    PK_UPDATE_FULL = 1 << 0, /* sends every property of the group, not only those that differ */
    PK_UPDATE_EACH = 1 << 1, /* one call per property */
    PK_UPDATE_AFTER_CREATE = 1 << 2, /* also runs after the create call, for properties that are set
                                        and whose `create` is PK_NOT_SENT */
    PK_UPDATE_WAIT = 1 << 3,         /* wait until ready before the next group */
    PK_UPDATE_FORCED = 1 << 4,       /* also runs on op->force_update */
};

/* One way to read. readers[0] finds the item; the others add to it. */
struct pk_reader {
    struct pk_call call;
    bool paged;        /* follow the pages (pk_aws_call_all) */
    const char *list;  /* path of the list of items in the answer; "" = the answer itself is the
                          item;  "A[].B" = lists in a list */
    const char *item;  /* with list "": path of the item in the answer, NULL = all of it */
    const char *match; /* template over the item ({out.…}): equals `want` for the right one; NULL =
                          the first */
    const char *want;  /* template; NULL = "{id}" */
    const char *value; /* template of what a batch sends for one resource; NULL = want */
    /* Batches: how many `want` values one call takes. 0 = one call per resource. PK_READ_ALL: one
     * call lists everything, no values are sent (list all, match here). */
    unsigned batch;
    const char *batch_param;  /* request member that takes the values: "clusters" … */
    const char *batch_filter; /* or name of an EC2 filter; its member is batch_param or "Filters" */
    /* Resources are read together only when these are equal for them (call.params apart from the
     * values are taken from the first): template, e.g. "{id[0]}"; NULL = no condition. */
    const char *group;
    const char
        *into; /* not for readers[0]: where the item goes in the main item; NULL or "" = merged */
    const char
        *when; /* only when this property was last applied (path in `prior`); NULL = always */
    const char *absent; /* codes that mean: nothing there, go on without; readers[0]: gone (added to
                           type->errors.gone) */
    /* Takes the part that is the resource out of the matched item (a route out of its table): new
     * reference, or NULL = gone. */
    json_t *(*pick)(struct pk_ctx *ctx, const json_t *item);
};
#define PK_READ_ALL 0xffffU

/* When a resource can be used. Values are separated by '|'; a value in none of the lists is waited
 * for. path NULL = ready at once. */
struct pk_wait {
    const char *path;   /* in the item */
    const char *ready;  /* "available" */
    const char *failed; /* "failed|deleting" */
    const char *reason; /* path of the explanation in the item */
    /* The state of something that is as good as gone ("deleted|deleting"; NAT gateways are listed
     * for an hour). A read answers gone; find ignores it. */
    const char *dead;
    int64_t interval_ms, max_interval_ms; /* 0 = 2,000 and 15,000 */
    int64_t limit_ms;                     /* 0 = 10 min */
};

enum pk_tag_shape {
    PK_TAGS_NONE,
    PK_TAGS_LIST,        /* [{Key, Value}] */
    PK_TAGS_LOWER_LIST,  /* [{key, value}] */
    PK_TAGS_MAP,         /* {k: v} */
    PK_TAGS_EC2,         /* only for create: TagSpecifications; needs ec2_type */
    PK_TAGS_KEYS,        /* only for untag: ["k"] */
    PK_TAGS_KEY_OBJECTS, /* only for untag: [{Key}] */
};

struct pk_tagging {
    enum pk_tag_shape shape;        /* in create, tag and read, unless given apart */
    const char *create;             /* member of the create request; NULL = tag call right after */
    const char *ec2_type;           /* "vpc" */
    enum pk_tag_shape create_shape; /* PK_TAGS_NONE = shape */
    struct pk_call tag;             /* operation NULL: tags cannot be changed */
    const char *tag_member;         /* "Tags" */
    enum pk_tag_shape tag_shape;    /* PK_TAGS_NONE = shape */
    struct pk_call untag;
    const char *untag_member;      /* "TagKeys" */
    enum pk_tag_shape untag_shape; /* PK_TAGS_NONE = PK_TAGS_KEYS */
    const char *read;              /* path in the item; NULL = not read */
    enum pk_tag_shape read_shape;  /* PK_TAGS_NONE = shape */
};

struct pk_errors {
    const char *gone;   /* of read, update and delete: it does not exist */
    const char *exists; /* of create */
    const char *busy;   /* of any mutation: something is in progress, try again until the limit */
    const char *fresh;  /* of create and update: what it needs is not visible everywhere yet (IAM):
                           try again for 2 min */
    const char *delete_busy; /* of delete alone: a dependency is still there */
};

struct pk_attribute {
    const char *name;  /* CloudFormation's: "Arn" */
    const char *value; /* path in the item, or a template when it holds '{' */
};

enum pk_recovery {
    PK_RECOVER_NAME,    /* exact name, then ownership tags */
    PK_RECOVER_TAG,     /* ownership tags */
    PK_RECOVER_TOKEN,   /* create with the same token gives the same; looked up by tags */
    PK_RECOVER_NATURAL, /* the properties are the identity */
};

struct pk_type {
    const char *type;             /* "AWS::SQS::Queue" */
    const char *service;          /* botocore's name: "sqs" */
    bool camel;                   /* the API's members are camelCase: rows default to that */
    const struct pk_names *names; /* ends with {NULL} */
    const struct pk_prop *props;
    size_t n_props;
    const struct pk_prop_trait *more_traits; /* of paths below the rows; ends with {NULL, 0} */
    const char *name_prop; /* CloudFormation property of the physical name, or NULL */
    const char *token;     /* member of the create request for the idempotency token, or NULL */
    unsigned token_max;    /* its length; 0 = 64 */
    bool replace_only, delete_first;
    int64_t typical_create_ms, typical_delete_ms;

    struct pk_call create;
    const char *id;          /* template over the create answer ({out.…}) and properties */
    const char *create_item; /* path in the create answer of an item like the one that is read:
                                saves the first read when the wait rule holds; NULL = read it */
    const struct pk_update *updates;
    size_t n_updates;
    struct pk_call remove;   /* "delete" of the catalogue */
    bool remove_wait;        /* wait until it is gone or dead */
    int64_t remove_limit_ms; /* 0 = wait.limit_ms */
    const struct pk_reader *readers;
    size_t n_readers;
    struct pk_wait wait;
    struct pk_tagging tags;
    struct pk_errors errors;
    const struct pk_attribute *attributes; /* ends with {NULL, NULL} */

    enum pk_recovery recovery;
    /* NAME: template of the physical id when it follows from name and properties ("{name}"):
     * readers are used with it. NATURAL: the same, usually equal to `id`. */
    const char *find_id;
    /* NAME, TAG, TOKEN: otherwise candidates come from this reader (call, paged, list, match,
     * want); each is kept when its ownership tags match. */
    const struct pk_reader *finder;
    const char *find_item_id; /* template over a candidate: its physical id; NULL = as `id` with
                                 {out.…} being the candidate */
    bool find_tags_apart;     /* candidates carry no tags: read each with the readers */
    bool check_first; /* create answers with an existing one of that name instead of an error:
                         look before creating and refuse one that is not ours */

    /* Steps that replace or surround the generic ones; any may be NULL. PK_FAILED with an error
     * that is busy or fresh becomes PK_AGAIN: the step runs again, so it must bear repetition. */
    /* Before the create call: completes the request. */
    bool (*before_create)(struct pk_ctx *ctx, json_t *params, struct pk_error **err);
    /* Instead of the create call; sets op->physical_id itself (pk_ctx_set_id). */
    enum pk_progress (*do_create)(struct pk_ctx *ctx, struct pk_error **err);
    /* After the create call and before the groups with PK_UPDATE_AFTER_CREATE. */
    enum pk_progress (*after_create)(struct pk_ctx *ctx, struct pk_error **err);
    /* After reading: adds to the item with further calls (ctx->out is the item). */
    bool (*read_more)(struct pk_ctx *ctx, json_t *item, struct pk_error **err);
    /* Instead of the readers: *ret = item (new reference) or NULL when it is gone. */
    bool (*do_read)(struct pk_ctx *ctx, json_t **ret, struct pk_error **err);
    /* Corrects or completes what the rows made of the item. */
    void (*normalize)(struct pk_ctx *ctx, const json_t *item, json_t *live);
    /* Instead of `wait`: PK_DONE, PK_AGAIN (pk_ctx_wait) or PK_FAILED. Gets the item. */
    enum pk_progress (*ready)(struct pk_ctx *ctx, const json_t *item, struct pk_error **err);
    /* Before and after the groups of an update. */
    enum pk_progress (*before_update)(struct pk_ctx *ctx, struct pk_error **err);
    enum pk_progress (*after_update)(struct pk_ctx *ctx, struct pk_error **err);
    /* Before the delete call: refuse, empty, detach. */
    enum pk_progress (*before_remove)(struct pk_ctx *ctx, struct pk_error **err);
    /* Completes the delete request. */
    bool (*prepare_remove)(struct pk_ctx *ctx, json_t *params, struct pk_error **err);
    /* Instead of the delete call. */
    enum pk_progress (*do_remove)(struct pk_ctx *ctx, struct pk_error **err);
    /* Adds attributes that a template cannot express. */
    void (*more_attributes)(struct pk_ctx *ctx, const json_t *item, json_t *attributes);
    /* Whose is the item that was found? NULL = ownership tags decide; NATURAL: it is ours.
     * PK_ABSENT = another one. */
    enum pk_found (*judge)(struct pk_ctx *ctx, const json_t *item);
};

/* --- what steps may use ------------------------------------------------------------------- */

struct pk_aws_provider;

/* One operation or read, on one thread. */
struct pk_ctx {
    struct pk_aws_provider *provider;
    const struct pk_type *type;
    struct pk_op *op; /* NULL while reading */
    const char *key, *id, *name, *region;
    json_t *props; /* desired on create, update, find; last applied on read, delete; may be NULL */
    json_t *prior; /* last applied, or NULL */
    json_t *attributes;        /* known read-only attributes, or NULL */
    json_t *out;               /* answer or item the templates see as {out.…}; borrowed */
    const struct pk_prop *row; /* the property that a call of PK_UPDATE_EACH is about */
    const struct pk_cancel *cancel;
};

/*
 * Calls AWS. params: stolen, NULL = {}; secrets and file tokens inside are resolved before and
 * wiped after. service NULL = the type's. ret may be NULL. Mutating calls pass the guard first.
 * The error carries the address.
 */
PK_NODISCARD bool pk_ctx_call(struct pk_ctx *ctx, const char *service, const char *operation,
                              json_t *params, json_t **ret, struct pk_error **err);
/* All pages as one answer. */
PK_NODISCARD bool pk_ctx_call_all(struct pk_ctx *ctx, const char *service, const char *operation,
                                  json_t *params, json_t **ret, struct pk_error **err);
/* The request of the type's create call as the rows say, for do_create: new reference. */
json_t *pk_ctx_create_params(struct pk_ctx *ctx);
/* The parameters of a call with templates expanded: new reference. */
json_t *pk_ctx_params(const struct pk_ctx *ctx, const struct pk_param *params);
/* A template expanded: new reference, or NULL when nothing exists. */
json_t *pk_ctx_value(const struct pk_ctx *ctx, const char *template_text);
/* The same as text: malloc'ed or NULL. */
char *pk_ctx_text(const struct pk_ctx *ctx, const char *template_text);
/* Reads the resource (readers or do_read, then read_more): *ret new reference, NULL when gone. */
PK_NODISCARD bool pk_ctx_read(struct pk_ctx *ctx, json_t **ret, struct pk_error **err);
/* Sets op->physical_id and ctx->id (copies). */
void pk_ctx_set_id(struct pk_ctx *ctx, const char *id);
/* op->scratch, made on first use. */
json_t *pk_ctx_scratch(struct pk_ctx *ctx);
/* PK_AGAIN after the type's polling interval (grows per repeat), or after `ms` when not 0; the text
 * tells what is waited for. PK_FAILED with TIMEOUT when the limit has passed. */
enum pk_progress pk_ctx_wait(struct pk_ctx *ctx, int64_t ms, struct pk_error **err, const char *fmt,
                             ...) PK_PRINTF(4, 5);
/* For errors of mutations inside steps: PK_AGAIN (error freed) when *err is busy, or `fresh` within
 * its 2 minutes; PK_FAILED with *err otherwise. */
enum pk_progress pk_ctx_retry(struct pk_ctx *ctx, struct pk_error **err);
/* True when the property (path prefix) differs in this update; always true on create. */
bool pk_ctx_changed(const struct pk_ctx *ctx, const char *name);
/* The property converted for the API: new reference; NULL when it is absent. `row` is its row. */
json_t *pk_ctx_to_api(const struct pk_ctx *ctx, const char *name);
/* A value converted by a row: new reference or NULL. */
json_t *pk_ctx_convert(const struct pk_ctx *ctx, const struct pk_prop *prop, const json_t *value,
                       bool to_api);
const struct pk_prop *pk_ctx_prop(const struct pk_ctx *ctx, const char *name); /* or NULL */
/* True when the error is an AWS answer with one of the CODES. codes may be NULL. */
bool pk_error_in(const struct pk_error *error, const char *codes);
/* "a|b|c" holds `word`. list and word may be NULL. */
bool pk_word_in(const char *list, const char *word);
/* Tags in one shape of the API from an object of texts; and back. New references. */
json_t *pk_tags_make(const json_t *tags, enum pk_tag_shape shape, const char *ec2_type);
json_t *pk_tags_read(const json_t *tags, enum pk_tag_shape shape);
/* Deep renaming between CloudFormation and API names. New reference. */
json_t *pk_names_convert(const json_t *value, const struct pk_names *names, bool camel,
                         bool to_api);
/* "Enabled" -> "enabled", "EFSVolume" -> "eFSVolume" (only the first letter); ret has room for the
 * text. */
void pk_lower_first(const char *text, char *ret, size_t size);

const char *pk_provider_account(const struct pk_aws_provider *provider);
const char *pk_provider_region(const struct pk_aws_provider *provider);

#endif
