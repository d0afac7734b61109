/*
 * core_kinds.h - field tables of the documents that are no components: Stack, Service,
 * TenantConfig; and the catalogue of all kinds by name.
 *
 * Layer 2. Constant data. Paths are relative to `spec`.
 */
#ifndef PK_MODEL_CORE_KINDS_H
#define PK_MODEL_CORE_KINDS_H

#include "schema/field.h"

extern const struct pk_kind_table pk_kind_stack, pk_kind_service, pk_kind_tenant_config;

/* Every kind that panka knows of, whether this version offers it or not. */
struct pk_catalogue_entry {
    const char *kind, *group;
};
extern const struct pk_catalogue_entry pk_catalogue[];
extern const size_t pk_n_catalogue;

/* The canonical name of a kind ("MemoryDB" -> "AWSMemoryDB"), or NULL when no kind is called so. */
const char *pk_kind_canonical(const char *kind);
/* The group of a canonical kind, or NULL. */
const char *pk_kind_group(const char *kind);
bool pk_kind_is_component(const char *kind);

#endif
