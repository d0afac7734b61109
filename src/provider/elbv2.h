/*
 * elbv2.h - what the load balancing types share.
 *
 * Layer 5, inside provider/. Constant data and helpers without state.
 */
#ifndef PK_PROVIDER_ELBV2_H
#define PK_PROVIDER_ELBV2_H

#include "provider/type.h"

#define ELB_TAGS                                                                                   \
    {                                                                                              \
        .shape = PK_TAGS_LIST, .create = "Tags", .read = "Tags",                                   \
        .tag = {"AddTags", NULL, PK_PARAMS({"ResourceArns[]", "{id}"})}, .tag_member = "Tags",     \
        .untag = {"RemoveTags", NULL, PK_PARAMS({"ResourceArns[]", "{id}"})},                      \
        .untag_member = "TagKeys"                                                                  \
    }

/* The answer of DescribeTags (20 at a time) is merged into the item; what it describes is told by
 * its own ResourceArn. */
#define ELB_TAG_READER                                                                             \
    {                                                                                              \
        .call = {.operation = "DescribeTags"}, .list = "TagDescriptions",                          \
        .match = "{out.ResourceArn}", .batch = 20, .batch_param = "ResourceArns", .into = "",      \
        .absent = "*NotFound"                                                                      \
    }

extern const struct pk_names pk_elb_names[];

/* Of all {Key, Value} attributes that AWS lists only those that were last applied are worth
 * comparing. `name` is the property, `member` the list in the item. */
void pk_elb_attributes(struct pk_ctx *ctx, const json_t *item, json_t *live, const char *name,
                       const char *member);
/* The ARN behind "…:loadbalancer/" or "…:" : how CloudWatch names it. */
void pk_elb_full_name(const json_t *item, const char *arn_member, const char *after,
                      const char *name, json_t *attributes);

#endif
