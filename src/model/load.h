/*
 * load.h - the loader's own data: files, documents, variables. Internal to model/.
 *
 * Layer 2. Lives for one pk_project_load; what outlasts it is copied or lies in the project's
 * arena. One thread.
 */
#ifndef PK_MODEL_LOAD_H
#define PK_MODEL_LOAD_H

#include "base/hash.h"
#include "model/core_kinds.h"
#include "model/project.h"

/* Where a file lies, which decides what may stand in it. */
enum pk_place {
    PK_PLACE_ROOT,    /* stack.yaml */
    PK_PLACE_SINGLE,  /* the one file that was named */
    PK_PLACE_SERVICE, /* services/<svc>/… */
    PK_PLACE_INFRA,   /* infra/…, services/<svc>/infra/… */
    PK_PLACE_OVERLAY, /* environments/<env>/… */
};

struct pk_file {
    const struct pk_source *source;
    enum pk_place place;
    const char *dir;        /* absolute folder of the file */
    const char *service;    /* of the path services/<svc>/, or NULL */
    const char *config_dir; /* or NULL */
    struct pk_document *docs;
    size_t n_docs;
};

/* A document with its envelope read. */
struct pk_doc {
    const struct pk_file *file;
    const char *kind;                  /* canonical */
    const struct pk_kind_table *table; /* NULL: not offered by this version */
    struct pk_span span, kind_span, name_span;
    struct pk_span spec_place; /* the key `spec`, or the name */
    struct pk_node *metadata;
    struct pk_node *spec;     /* or NULL */
    const char *name;         /* never NULL */
    const char *service;      /* metadata.service or NULL */
    const char *environment;  /* metadata.environment or NULL */
    struct pk_service *owner; /* components and Services, once registered */
    struct pk_component *component;
};

/* --- variables (variables.c) */
enum pk_var_state { PK_VAR_NEW, PK_VAR_OPEN, PK_VAR_DONE, PK_VAR_FAILED };

struct pk_var_decl {
    const char *name;
    const char *text;
    const struct pk_node *node; /* or NULL: from the command line or the process */
    const char *source;         /* "--var", "PANKA_VAR_X", or NULL */
    struct pk_service *service; /* scope of the names inside the value; NULL = the stack's */
    bool tenant_scope;          /* sees tenant variables only */
    bool literal;               /* `${` means nothing in it */
    bool used_from; /* the value depends on who uses it: PANKA_SERVICE, PANKA_COMPONENT */
    enum pk_var_state state;
    json_t *value;                        /* state DONE; owned */
    const struct pk_service *user;        /* used_from: whom `value` is for */
    const struct pk_component *component; /* the same */
};

/* Variables that a service declares itself. */
struct pk_service_vars {
    struct pk_map *overlay, *base; /* name -> struct pk_var_decl */
};

struct pk_loader {
    const struct pk_load_options *options;
    struct pk_project *project;
    struct pk_arena *arena;
    struct pk_diags *diags;
    const char *root;          /* real path of the folder */
    const char *shown_root;    /* how people see it: "" or "path/" */
    struct pk_buf inputs;      /* identity of everything that was read */
    struct pk_vec files;       /* struct pk_file */
    struct pk_vec docs;        /* struct pk_doc of the base files */
    struct pk_vec overlays;    /* struct pk_doc of the environment's files */
    struct pk_vec value_files; /* struct pk_file: overlays without documents, in order of weight */
    struct pk_doc *stack;
    struct pk_map *services;      /* name -> struct pk_service */
    struct pk_map *by_address;    /* "service/name" -> struct pk_component */
    struct pk_map *by_name;       /* name -> struct pk_vec of struct pk_component */
    struct pk_vec component_docs; /* struct pk_doc, in order of reading */
    bool incomplete;              /* a file could not be read: unknown names may be in it */
    /* variables by scope */
    struct pk_map *cli, *overlay_vars, *stack_vars, *tenant_vars, *process_vars;
    struct pk_map *service_vars; /* service -> struct pk_service_vars */
    struct pk_vec decls;         /* struct pk_var_decl, all */
    json_t *overlay_tags;        /* owned; or NULL */
};

/* --- load.c */
/* The service of that name, made (as an implicit one) when absent. */
struct pk_service *pk_service_get(struct pk_loader *l, const char *name);

/* --- scan.c: files */
/* Finds and parses the files of the folder or the single file. False when nothing can be read. */
bool pk_scan(struct pk_loader *l);
/* Names of environments/<name>.yaml and environments/<name>/ into ret (arena texts, sorted). */
void pk_scan_environments(struct pk_loader *l, struct pk_vec *ret);
/* The overlay files of one environment: files in l->files, their documents in l->overlays. */
void pk_scan_overlay(struct pk_loader *l, const char *environment);
/* Reads and parses one file; NULL after a finding. */
struct pk_file *pk_read_yaml(struct pk_loader *l, const char *path, enum pk_place place,
                             struct pk_span where_named);

/* --- document.c: envelopes */
/* Reads the envelope of every document of a file and appends the good ones to `to`. */
void pk_read_documents(struct pk_loader *l, const struct pk_file *file, struct pk_vec *to);
/* Checks a name against the pattern and the length of its kind; false after a finding. */
bool pk_check_name(struct pk_diags *diags, const char *kind, const char *name, struct pk_span span);
/* Finding field.unknown with suggestions. */
void pk_unknown_key(struct pk_diags *diags, const struct pk_pair *pair, const char *where,
                    const char *const *known, size_t n_known);
/* "did you mean `a` or `b`?" when words come near. */
void pk_help_near(struct pk_diags *diags, struct pk_diag *d, const char *word,
                  const char *const *words, size_t n_words);

/* --- merge.c: overlays onto documents */
struct pk_node *pk_merge(struct pk_arena *arena, struct pk_node *base, struct pk_node *patch,
                         struct pk_diags *diags);

/* --- overlay.c */
/* Merges the environment's documents onto the base ones; new ones are appended to l->docs. */
void pk_apply_overlay_documents(struct pk_loader *l);
/* Of environments/<env>.yaml and variables.yaml: variables, once the services are known; tags, once
 * all variables are. */
void pk_apply_overlay_variables(struct pk_loader *l);
void pk_apply_overlay_tags(struct pk_loader *l);

/* --- environment.c */
/* Decides the environment; "" after a finding. */
const char *pk_select_environment(struct pk_loader *l);

/* --- variables.c */
/* Declares every scalar of a map as a variable; findings for reserved names, and with `report` for
 * values that are no scalars (the schema finds those in documents). */
void pk_declare_variables(struct pk_loader *l, const struct pk_node *map,
                          struct pk_service *service, struct pk_map *into, bool report);
void pk_declare_command_line(struct pk_loader *l);
void pk_declare_tenant(struct pk_loader *l);
/* The declared variables of a service, made when absent. */
struct pk_service_vars *pk_service_vars_of(struct pk_loader *l, const char *service);
/* Resolves every variable once, so that a broken one is reported even if nothing uses it. */
void pk_check_variables(struct pk_loader *l);
/* Effective variables that are plain text: of the stack's scope, or those that the service
 * declares, as it sees them. New reference. */
json_t *pk_effective_variables(struct pk_loader *l, struct pk_service *service);

/* Who asks: decides which variables are seen and which component a bare name means. */
struct pk_scope {
    struct pk_loader *loader;
    struct pk_service *service; /* whose names are seen; NULL: the stack's documents */
    struct pk_service *user;    /* PANKA_SERVICE, also inside variables of other scopes; or NULL */
    struct pk_component *component; /* PANKA_COMPONENT; or NULL */
};
/* The callbacks for pk_schema_apply; ctx = scope. */
struct pk_interpolator pk_scope_interpolator(struct pk_scope *scope);
/* Text of one scalar in a scope; NULL after a finding (also when it is deferred). In the arena. */
const char *pk_scope_text(struct pk_scope *scope, const struct pk_node *scalar, const char *what);

/* What a reference inside a scalar leads to. */
struct pk_resolution {
    struct pk_scope *scope;
    const struct pk_node *node; /* the scalar, for the place; NULL: no place */
    const char *text;           /* the whole text that is being resolved */
    unsigned depth;
    bool tenant_scope;
    bool used_from;                    /* set when a value that depends on the user was met */
    const struct pk_resolution *outer; /* the text that uses this variable */
    const struct pk_var_decl *decl;    /* the variable whose value `text` is, or NULL */
};
/* expand.c: the text with everything resolved: json string or token, NULL after a finding. */
json_t *pk_expand_text(struct pk_resolution *r, const char *text);
/* Place of text[offset] inside the scalar. */
struct pk_span pk_place_in(const struct pk_resolution *r, const char *at, size_t len);
/* The name when the text is exactly one variable reference (`${NAME}` or with a default), else
 * NULL. In the arena. */
const char *pk_single_variable(struct pk_arena *arena, const char *text);
bool pk_is_variable_name(struct pk_str name);

/* A variable by name: *ret_found tells whether it exists; the value is new, or NULL after a
 * finding. */
json_t *pk_variable(struct pk_resolution *r, const char *name, bool *ret_found);
/* The same for a variable that service `owner` declares itself. */
json_t *pk_service_variable(struct pk_resolution *r, struct pk_service *owner, const char *name,
                            bool *ret_found);
const struct pk_var_decl *pk_find_variable(const struct pk_scope *scope, const char *name,
                                           bool tenant_scope);
/* Finding var.unknown with what was searched. */
void pk_report_unknown_variable(struct pk_resolution *r, const char *name, const char *at);

/* --- references.c */
/* `left.right` as output of a component. *ret_found false: no such component, output, or it is
 * disabled; then a finding is added unless has_default. */
json_t *pk_component_output(struct pk_resolution *r, const char *component, const char *output,
                            struct pk_span component_span, struct pk_span output_span,
                            bool has_default, bool *ret_found);
/* The component that a reference means in this scope, or NULL with a finding (unless quiet). */
struct pk_component *pk_resolve_component(struct pk_scope *scope, const char *ref,
                                          struct pk_span span, bool quiet);

/* --- check.c: the whole project */
void pk_check_stack(struct pk_loader *l);
void pk_check_services(struct pk_loader *l);
void pk_check_tenant(struct pk_loader *l);

/* --- metadata.c */
void pk_type_metadata(struct pk_loader *l, const struct pk_doc *doc, struct pk_scope *scope,
                      struct pk_metadata *ret);

#endif
