/*
 * fargate.h - the sizes that Fargate offers.
 *
 * Layer 2. Constant data.
 */
#ifndef PK_COMPONENT_FARGATE_H
#define PK_COMPONENT_FARGATE_H

#include "base/mem.h"

bool pk_fargate_fits(int64_t cpu, int64_t memory);
/* "512, 1024, 2048" or "1024 to 4096 in steps of 1024"; NULL when there is no such cpu. */
const char *pk_fargate_memory_of(struct pk_arena *arena, int64_t cpu);
/* "256, 512, …" */
const char *pk_fargate_cpus(struct pk_arena *arena);
/* The smallest pair with at least this much of both; false when nothing is that large. */
bool pk_fargate_smallest(int64_t cpu, int64_t memory, int64_t *ret_cpu, int64_t *ret_memory);

#endif
