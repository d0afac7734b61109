/*
 * project.h - a stack folder as typed documents: Stack, Services, Components with everything
 * resolved that can be resolved without AWS.
 *
 * Layer 2. Everything lives in the project's arena; nothing here does network I/O.
 */
#ifndef PK_MODEL_PROJECT_H
#define PK_MODEL_PROJECT_H

#include "base/diag.h"
#include "base/vec.h"
#include "schema/field.h"

#include <jansson.h>

struct pk_var {
    const char *name;
    const char *value;
};

struct pk_metadata {
    const char *name, *tenant, *stack, *service, *environment, *description;
    json_t *labels; /* object of texts, never NULL */
    struct pk_span span, name_span;
};

struct pk_service {
    const char *name;
    struct pk_metadata meta; /* of the Service document, or synthesised */
    json_t *spec;            /* typed by the Service table */
    struct pk_spans *spans;
    struct pk_vec components; /* struct pk_component */
    json_t *variables;        /* effective values of the variables it declares: object of texts */
    bool implicit;
};

struct pk_component {
    const char *kind; /* canonical: "RDS" */
    const struct pk_kind_table *table;
    const char *name;
    struct pk_service *service;
    const char *address; /* "service/name": unique in the stack */
    const char *key;     /* "name", or "service/name" when the name is not unique in the stack */
    struct pk_metadata meta;
    json_t *spec; /* typed by the kind's table; tokens {"$out": address, "output": canonical name}
                     inside */
    struct pk_spans *spans;
    struct pk_span span; /* of the document */
    const char
        *dir; /* folder of the file that declares it: relative paths in the spec start here */
    const char
        *config_dir; /* services/<svc>/config or components/<c>/configs; NULL when there is none */
    bool enabled;
};

/* What the tenant contributes; all optional. */
struct pk_tenant_config {
    const char *name;
    json_t *spec;       /* typed TenantConfig.spec */
    json_t *networking; /* status.networking (ids), or NULL when the network is not provisioned */
    const struct pk_source *source;
    struct pk_spans *spans;
};

struct pk_project {
    struct pk_arena *arena;
    const char *dir;    /* the stack folder, absolute */
    const char *name;   /* stack */
    const char *tenant; /* options' tenant, else the tenant config's, else the Stack's; or NULL */
    const char *environment;
    const char *region;     /* "" when nothing says */
    const char *account_id; /* "" when unknown offline */
    struct pk_metadata meta;
    json_t *spec; /* typed Stack.spec; spec.tags includes the tags of the environment's overlay */
    struct pk_spans *spans;
    struct pk_vec services;   /* struct pk_service, sorted by name */
    struct pk_vec components; /* struct pk_component, sorted by address; enabled ones and others */
    const struct pk_tenant_config *tenant_config; /* or NULL */
    json_t *variables; /* effective stack-scope variables, for the state's configuration block */
    char inputs_sha256[65]; /* of every file read and every --var: the identity of the inputs */
};

struct pk_load_options {
    const char *path;             /* folder or single file */
    const char *environment;      /* -e or NULL */
    const char *env_from_process; /* PANKA_ENVIRONMENT or NULL */
    const struct pk_var *vars;    /* --var in order, --var-file already read */
    size_t n_vars;
    const char *tenant; /* the logged-in tenant, or NULL */
    const char *region,
        *account_id; /* of the session, or NULL: used when Stack and tenant are silent */
    const char *region_override; /* of a flag, or NULL: wins over the Stack's and the tenant's */
    const struct pk_tenant_config *tenant_config;
    const char *(*getenv)(void *ctx,
                          const char *name); /* for PANKA_VAR_*; NULL = the process environment */
    void *getenv_ctx;
    const struct pk_kind_registry *kinds; /* also holds Stack, Service and TenantConfig tables */
};

/*
 * Loads, merges, interpolates and checks a stack folder. Returns NULL, with findings, only when the
 * folder or file itself cannot be read; otherwise a project, which is partial when diags has errors
 * (without a Stack document its name is ""). Findings point into the project's sources: print them
 * before freeing it. Deferred references have been checked: component exists, kind offers the
 * output. Findings of everything in `diags`, unsorted.
 */
struct pk_project *pk_project_load(const struct pk_load_options *options, struct pk_diags *diags);
void pk_project_free(struct pk_project *project);
void pk_project_freep(struct pk_project **project);

/* Resolves "[service/]component" as seen from `from` (may be NULL); NULL when unknown or ambiguous
 * (*ret_ambiguous). */
struct pk_component *pk_project_component(const struct pk_project *project,
                                          const struct pk_component *from, const char *ref,
                                          bool *ret_ambiguous);
struct pk_component *pk_project_at(const struct pk_project *project, const char *address);

/* Finds a stack folder: `arg` folder or file, or --stack NAME as ./NAME, ./stacks/NAME, upward to
 * the repository root; with neither, the current folder or a parent that has stack.yaml. malloc'ed
 * absolute path or false. */
PK_NODISCARD bool pk_project_find(const char *arg, const char *stack_name, char **ret_path,
                                  struct pk_error **err);

/* Names of the environments that the folder (or the folder of the file) declares, sorted,
 * malloc'ed: pk_names_release. Empty when there is no environments/. */
PK_NODISCARD bool pk_project_environments(const char *path, struct pk_vec *ret_names,
                                          struct pk_error **err);

/* Parses and types a TenantConfig document (tenant.yaml); the result lives in the arena. NULL with
 * findings. */
struct pk_tenant_config *pk_tenant_config_parse(struct pk_arena *arena,
                                                const struct pk_source *source,
                                                const struct pk_kind_registry *kinds,
                                                struct pk_diags *diags);

/* Spec access: shorthand for typed values that are there by default or by the user's hand. */
const char *pk_spec_str(const struct pk_component *c,
                        const char *path); /* NULL when absent or a token */
int64_t pk_spec_int(const struct pk_component *c, const char *path, int64_t fallback);
bool pk_spec_bool(const struct pk_component *c, const char *path);
json_t *pk_spec_get(const struct pk_component *c, const char *path); /* borrowed or NULL */
struct pk_span pk_spec_span(const struct pk_component *c, const char *path);
bool pk_spec_written(const struct pk_component *c,
                     const char *path); /* by the user, not a default */

#endif
