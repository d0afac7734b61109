/*
 * unprotect.h - the first half of `destroy --disable-protection`.
 *
 * Layer 8.
 */
#ifndef PK_OPS_UNPROTECT_H
#define PK_OPS_UNPROTECT_H

#include "graph/graph.h"
#include "state/state.h"

/*
 * What is deployed as it is in the state, but with protection off, in panka and in AWS: planning it
 * changes protection and nothing else, whatever the YAML says by now. What the user wants kept
 * (retainOnDelete) stays so.
 */
struct pk_graph *pk_unprotected_graph(const struct pk_state *state);

#endif
