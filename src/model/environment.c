/* environment.c - which environment a run is about. */
#include "base/fs.h"
#include "model/load.h"

#include <string.h>

static const char *scalar_text(const struct pk_node *map, const char *key) {
    const struct pk_node *node = pk_node_get(map, key);
    return node && node->kind == PK_NODE_SCALAR && !node->null ? node->text : NULL;
}

static struct pk_span span_of(const struct pk_node *map, const char *key) {
    const struct pk_node *node = pk_node_get(map, key);
    return node ? node->span : (struct pk_span){0};
}

/* The last --var ENVIRONMENT, which is the same as -e. */
static const char *from_variables(const struct pk_load_options *options) {
    const char *found = NULL;
    for (size_t i = 0; i < options->n_vars; i++)
        if (strcmp(options->vars[i].name, "ENVIRONMENT") == 0)
            found = options->vars[i].value;
    return found;
}

static const char *asked_for(struct pk_loader *l) {
    const struct pk_load_options *o = l->options;
    const char *flag = o->environment, *var = from_variables(o);
    if (flag && var && strcmp(flag, var) != 0)
        pk_diag(l->diags, PK_SEVERITY_ERROR, "env.conflict", (struct pk_span){0},
                "--environment says \"%s\" and --var ENVIRONMENT says \"%s\"", flag, var);
    if (!flag)
        flag = var;
    return flag ? flag : o->env_from_process && *o->env_from_process ? o->env_from_process : NULL;
}

/* What the Stack says of itself. */
static const char *of_stack(struct pk_loader *l, struct pk_span *ret_span) {
    const struct pk_node *variables = pk_node_get(l->stack->spec, "variables");
    const struct pk_node *labels = pk_node_get(l->stack->metadata, "labels");
    const struct {
        const struct pk_node *map;
        const char *key;
    } places[] = {
        {l->stack->metadata, "environment"},
        {variables, "ENVIRONMENT"},
        {variables, "environment"},
        {labels, "environment"},
    };
    for (size_t i = 0; i < PK_ARRAY_LEN(places); i++) {
        const char *text = scalar_text(places[i].map, places[i].key);
        if (!text || !*text || strchr(text, '$'))
            continue;
        *ret_span = span_of(places[i].map, places[i].key);
        return text;
    }
    return NULL;
}

static void list_tenant(struct pk_loader *l, struct pk_vec *ret) {
    if (!l->options->tenant_config)
        return;
    const json_t *names = json_object_get(l->options->tenant_config->spec, "environments");
    for (size_t i = 0; i < json_array_size(names); i++) {
        const char *name = json_string_value(json_array_get(names, i));
        if (name)
            pk_vec_push(ret, (void *)(uintptr_t)name);
    }
}

static bool has(const struct pk_vec *names, const char *name) {
    for (size_t i = 0; i < names->len; i++)
        if (strcmp(names->items[i], name) == 0)
            return true;
    return false;
}

static void help_known(struct pk_loader *l, struct pk_diag *d, const struct pk_vec *names,
                       const char *word) {
    struct pk_buf buf = PK_BUF_INIT(16384);
    if (word)
        pk_help_near(l->diags, d, word, (const char *const *)names->items, names->len);
    for (size_t i = 0; i < names->len; i++)
        pk_buf_addf(&buf, "%s%s", i ? ", " : "", (const char *)names->items[i]);
    if (names->len)
        pk_diag_detail(l->diags, d, "known environments: %s", pk_buf_cstr(&buf));
    pk_buf_release(&buf);
}

static void check_known(struct pk_loader *l, const char *name, struct pk_span span,
                        const struct pk_vec *folder, const struct pk_vec *tenant) {
    const struct pk_vec *missing = tenant->len && !has(tenant, name)   ? tenant
                                   : folder->len && !has(folder, name) ? folder
                                                                       : NULL;
    if (!missing)
        return;
    struct pk_diag *d = pk_diag(l->diags, PK_SEVERITY_ERROR, "env.unknown", span,
                                "there is no environment \"%s\"", name);
    pk_diag_label(l->diags, d, "not in %s",
                  missing == tenant ? "the tenant's environments" : "environments/");
    help_known(l, d, missing, name);
    if (missing == folder && !d->help)
        pk_diag_help(l->diags, d, "an empty file environments/%s.yaml declares it", name);
}

/* A variable ENVIRONMENT that says something else has no effect, which should not be a surprise. */
static void note_ignored(struct pk_loader *l, const char *name) {
    static const char *const keys[] = {"ENVIRONMENT", "environment"};
    const struct pk_node *variables = pk_node_get(l->stack->spec, "variables");
    for (size_t i = 0; i < PK_ARRAY_LEN(keys); i++) {
        const char *text = scalar_text(variables, keys[i]);
        if (!text || strcmp(text, name) == 0)
            continue;
        struct pk_diag *d = pk_diag(l->diags, PK_SEVERITY_WARNING, "env.variable-ignored",
                                    span_of(variables, keys[i]),
                                    "the environment is %s, this value is not used", name);
        pk_diag_help(l->diags, d, "`${ENVIRONMENT}` is always the selected environment");
    }
}

const char *pk_select_environment(struct pk_loader *l) {
    struct pk_vec folder = PK_VEC_INIT, tenant = PK_VEC_INIT;
    struct pk_span span = {0};
    const char *asked = asked_for(l), *name = asked ? asked : of_stack(l, &span);
    pk_scan_environments(l, &folder);
    list_tenant(l, &tenant);
    if (!name) {
        struct pk_diag *d = pk_diag(l->diags, PK_SEVERITY_ERROR, "env.unknown", l->stack->name_span,
                                    "no environment is selected");
        help_known(l, d, folder.len ? &folder : &tenant, NULL);
        pk_diag_help(l->diags, d,
                     "choose one with --environment NAME, or set metadata.environment in the "
                     "Stack");
    } else if (!pk_check_name(l->diags, "environment", name, span)) {
        name = NULL;
    } else {
        check_known(l, name, span, &folder, &tenant);
        if (asked)
            note_ignored(l, name);
    }
    pk_vec_release(&folder);
    pk_vec_release(&tenant);
    return name ? pk_arena_strdup(l->arena, name) : "";
}

bool pk_project_environments(const char *path, struct pk_vec *ret_names, struct pk_error **err) {
    char *root = pk_real_path(path, err);
    if (!root)
        return false;
    struct pk_project project = {0};
    struct pk_vec names = PK_VEC_INIT;
    struct pk_diags *diags = pk_diags_new();
    struct pk_loader l = {.project = &project, .arena = pk_arena_new(), .diags = diags};
    char *folder = pk_is_dir(root) ? pk_strdup(root) : pk_path_dir(root);
    l.root = folder;
    l.shown_root = "";
    pk_scan_environments(&l, &names);
    *ret_names = (struct pk_vec)PK_VEC_INIT;
    for (size_t i = 0; i < names.len; i++)
        pk_vec_push(ret_names, pk_strdup(names.items[i]));
    pk_vec_release(&names);
    pk_arena_free(l.arena);
    pk_diags_free(diags);
    pk_freep(&folder);
    pk_freep(&root);
    return true;
}
