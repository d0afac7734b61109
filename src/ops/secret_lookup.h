/*
 * secret_lookup.h - full ARNs for the secrets that a graph names.
 *
 * Layer 8.
 */
#ifndef PK_OPS_SECRET_LOOKUP_H
#define PK_OPS_SECRET_LOOKUP_H

#include "aws/aws.h"
#include "base/diag.h"
#include "graph/graph.h"
#include "state/state.h"

/*
 * Replaces every {"$secretArn": name} in the graph by the ARN. With `aws` the names are looked up
 * with DescribeSecret, many at a time; without, ARNs that the state already knows are used and the
 * rest stay tokens. A secret that does not exist is finding secret.missing at the place that names
 * it, unless a resource of the graph creates it (then a $ref to it is put in). False only when AWS
 * could not be asked.
 */
PK_NODISCARD bool pk_secret_lookup(struct pk_aws *aws, const struct pk_state *state,
                                   struct pk_graph *graph, struct pk_diags *diags,
                                   struct pk_error **err);

#endif
