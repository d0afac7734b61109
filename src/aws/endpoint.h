/*
 * endpoint.h - where a service answers: partitions, and the rows made from its rule set.
 *
 * Layer 4, inside aws/. Pure functions.
 */
#ifndef PK_AWS_ENDPOINT_H
#define PK_AWS_ENDPOINT_H

#include "aws/model.h"
#include "base/error.h"

struct pk_aws_endpoint {
    char *url;            /* "https://sqs.eu-west-1.amazonaws.com", no final "/" */
    char *signing_region; /* malloc'ed, like the url */
    char *signing_name;
};
void pk_aws_endpoint_release(struct pk_aws_endpoint *endpoint);

/* Never NULL: the partition of commercial regions when nothing fits. */
const struct pk_aws_partition *pk_aws_partition_of(const char *region);
/* `custom` (an URL of the user) replaces the rule set's; signing stays the rule set's. Errors are
 * CONFIG: an impossible region name, or a variant that the service does not have there. */
PK_NODISCARD bool pk_aws_endpoint_resolve(const struct pk_aws_service *service, const char *region,
                                          unsigned variant, const char *custom,
                                          struct pk_aws_endpoint *ret, struct pk_error **err);

#endif
