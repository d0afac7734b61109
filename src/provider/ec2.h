/*
 * ec2.h - what the EC2 types have in common.
 *
 * Layer 5, inside provider/. Constant data and helpers without state.
 */
#ifndef PK_PROVIDER_EC2_H
#define PK_PROVIDER_EC2_H

#include "provider/type.h"

/* Tags go into the create call as TagSpecifications and are read as [{Key, Value}]. */
#define EC2_TAGS(kind)                                                                             \
    {                                                                                              \
        .shape = PK_TAGS_LIST, .create = "TagSpecifications", .ec2_type = (kind),                  \
        .create_shape = PK_TAGS_EC2,                                                               \
        .tag = {"CreateTags", NULL, PK_PARAMS({"Resources[]", "{id}"})}, .tag_member = "Tags",     \
        .untag = {"DeleteTags", NULL, PK_PARAMS({"Resources[]", "{id}"})}, .untag_member = "Tags", \
        .untag_shape = PK_TAGS_KEY_OBJECTS, .read = "Tags"                                         \
    }

/* Filters for what carries our ownership tags. */
#define EC2_OURS                                                                                   \
    "json:[{\"Name\":\"tag:panka:lineage\",\"Values\":[\"{lineage}\"]},"                           \
    "{\"Name\":\"tag:panka:resource\",\"Values\":[\"{key}\"]}]"

/* What was made a moment ago is not known to every EC2 server yet. */
#define EC2_FRESH                                                                                  \
    "Invalid*ID.NotFound|Invalid*Id.NotFound|InvalidGroup.NotFound|NatGatewayNotFound|"            \
    "Invalid*ID.Malformed:does not exist"

/* Network interfaces of Lambda functions and load balancers linger. */
#define EC2_LINGER_MS (45 * 60 * 1000)

/* *Unsuccessful*: some EC2 calls answer 200 and list what failed. True when the list is empty or
 * every code in it is in `gone` (CODES; may be NULL). */
bool pk_ec2_successful(struct pk_ctx *ctx, const json_t *answer, const char *gone,
                       struct pk_error **err);
/* Puts what must be added to and removed from the live list into a Modify request; empty lists are
 * left out. live and wanted are lists of texts and may be NULL. */
void pk_ec2_list_delta(json_t *params, const char *add, const char *remove, const json_t *live,
                       const json_t *wanted);

#endif
