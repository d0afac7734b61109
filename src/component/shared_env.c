/* shared_env.c - the effective environment of components that run code. */
#include "component/internal.h"

#include "base/fs.h"
#include "base/str.h"
#include "yaml/yaml.h"

#include <stdlib.h>
#include <string.h>

#define DEFAULT_ENV_FILE "app.env"

struct environment {
    struct pk_expansion *x;
    struct pk_resource *r;
    const struct pk_component *c;
    struct pk_map *by_name; /* name -> struct pk_env_entry */
    struct pk_map *written; /* the same without what env files give */
};

static struct pk_diag *refuse(struct environment *env, const char *id, struct pk_span span,
                              const char *message) {
    struct pk_diag *d = pk_diag(env->x->diags, PK_SEVERITY_ERROR, id, span, "%s", message);
    return pk_diag_address(env->x->diags, d, "%s", env->c->address);
}

static bool is_env_name(const char *text) {
    for (const char *p = text; *p; p++) {
        bool letter = (*p >= 'a' && *p <= 'z') || (*p >= 'A' && *p <= 'Z') || *p == '_';
        if (!letter && (p == text || *p < '0' || *p > '9'))
            return false;
    }
    return *text != 0;
}

/* ECS takes nearly any name; '=' would break the process environment. */
static bool check_name(struct environment *env, const struct pk_env_entry *entry) {
    if (*entry->name && !strchr(entry->name, '='))
        return true;
    struct pk_diag *d = refuse(
        env, "ms.env-name", entry->span,
        pk_arena_printf(env->x->arena, "`%s` is no name of an environment variable", entry->name));
    pk_diag_help(env->x->diags, d, "use letters, digits and `_`");
    return false;
}

static void add(struct environment *env, struct pk_env_entry entry, bool from_file) {
    if (!check_name(env, &entry))
        return;
    const struct pk_env_entry *there = pk_map_get(env->written, entry.name);
    if (there) {
        struct pk_diag *d = refuse(
            env, "ms.env-dup", entry.span,
            pk_arena_printf(env->x->arena, "environment variable `%s` is given twice", entry.name));
        pk_diag_related(env->x->diags, d, there->span, "also given here");
        pk_diag_help(env->x->diags, d,
                     "keep one of the two; `envVar` gives a secret another variable");
        return;
    }
    struct pk_env_entry *copy = pk_arena_alloc(env->x->arena, sizeof(*copy));
    *copy = entry;
    pk_map_set(env->by_name, entry.name, copy);
    if (!from_file)
        pk_map_set(env->written, entry.name, copy);
}

/* --- files ------------------------------------------------------------------------------------ */

static char *unquoted(struct pk_arena *arena, struct pk_str value) {
    if (value.len >= 2 && (value.ptr[0] == '"' || value.ptr[0] == '\'') &&
        value.ptr[value.len - 1] == value.ptr[0])
        return pk_arena_strndup(arena, value.ptr + 1, value.len - 2);
    return pk_arena_strndup(arena, value.ptr, value.len);
}

static void read_line(struct environment *env, const struct pk_source *source, struct pk_str line,
                      uint32_t number) {
    struct pk_span span = {source, number, 1, number, (uint32_t)line.len + 1};
    line = pk_str_trim(line);
    if (line.len == 0 || line.ptr[0] == '#')
        return;
    if (line.len > 7 && memcmp(line.ptr, "export ", 7) == 0)
        line = pk_str_trim(pk_str_n(line.ptr + 7, line.len - 7));
    struct pk_str rest = line, name;
    bool has_value = pk_str_cut(&rest, '=', &name) && rest.ptr;
    char *key = pk_arena_strndup(env->x->arena, name.ptr, pk_str_trim(name).len);
    if (!has_value || !is_env_name(key)) {
        struct pk_diag *d = refuse(env, "ms.env-file", span, "this line is not `NAME=value`");
        pk_diag_help(env->x->diags, d, "comments start with `#`");
        return;
    }
    const char *value = unquoted(env->x->arena, pk_str_trim(rest));
    add(env,
        (struct pk_env_entry){
            .name = key, .value = pk_x_keep(env->x, pk_json_text(value)), .span = span},
        true);
}

/* The path as people know it: beside the file that declares the component. */
static const char *shown_path(struct environment *env, const char *path) {
    const struct pk_component *c = env->c;
    size_t len = c->dir ? strlen(c->dir) : 0;
    if (!len || !c->span.src || strncmp(path, c->dir, len) != 0 || path[len] != '/')
        return path;
    PK_CLEANUP(pk_freep) char *dir = pk_path_dir(c->span.src->path);
    PK_CLEANUP(pk_freep) char *shown = pk_path_join(dir, path + len + 1);
    return pk_arena_strdup(env->x->project->arena, shown);
}

static void read_file(struct environment *env, const char *name, struct pk_span named) {
    /* findings point into the file, so its text lives as long as the project's sources */
    struct pk_arena *arena = env->x->project->arena;
    PK_CLEANUP(pk_freep)
    char *path = pk_path_join(env->c->config_dir ? env->c->config_dir : env->c->dir, name);
    if (!pk_path_exists(path)) {
        struct pk_diag *d =
            refuse(env, "file.missing", named,
                   pk_arena_printf(env->x->arena, "there is no file %s", shown_path(env, path)));
        pk_diag_help(env->x->diags, d, "files lie in config/ of the service");
        return;
    }
    const struct pk_source *source =
        pk_source_read(arena, path, shown_path(env, path), named, env->x->diags);
    struct pk_str rest = source ? pk_str_n(source->text, source->len) : pk_str_n(NULL, 0), line;
    for (uint32_t number = 1; source && pk_str_cut(&rest, '\n', &line); number++)
        read_line(env, source, line, number);
}

static void read_files(struct environment *env) {
    const struct pk_component *c = env->c;
    const json_t *files = pk_spec_get(c, "envFiles");
    for (size_t i = 0; i < json_array_size(files); i++) {
        const char *name = json_string_value(json_array_get(files, i));
        if (name)
            read_file(env, name,
                      pk_spec_span(c, pk_arena_printf(env->x->arena, "envFiles[%zu]", i)));
    }
    if (files || !c->config_dir)
        return;
    PK_CLEANUP(pk_freep) char *path = pk_path_join(c->config_dir, DEFAULT_ENV_FILE);
    if (pk_path_exists(path))
        read_file(env, DEFAULT_ENV_FILE, c->span);
}

/* --- environment and secrets ------------------------------------------------------------------ */

/* Variables are text: numbers and booleans that outputs give are written out. */
static json_t *as_text(json_t *value) {
    if (!value || json_is_string(value) || json_is_object(value))
        return value;
    if (json_is_null(value)) {
        json_decref(value);
        return NULL; /* a finding was made */
    }
    PK_CLEANUP(pk_freep) char *text = pk_json_canonical(value);
    json_decref(value);
    return pk_json_text(text);
}

/* A reference may hold an output: {"$join": [<arn>, "#key"]} or the output alone. */
void pk_x_read_secret(struct pk_expansion *x, struct pk_resource *r, const struct pk_component *c,
                      const json_t *written, const char *why, struct pk_env_entry *entry) {
    json_t *value = pk_x_resolve(x, r, c, written, why, entry->span);
    if (json_is_string(value)) {
        entry->secret_ref = pk_arena_strdup(x->arena, json_string_value(value));
        json_decref(value);
        return;
    }
    json_t *parts = json_object_get(value, "$join");
    size_t n = json_array_size(parts);
    const char *last = n ? json_string_value(json_array_get(parts, n - 1)) : NULL;
    const char *hash = last ? strrchr(last, '#') : NULL;
    if (hash) {
        entry->secret_key = hash[1] ? pk_arena_strdup(x->arena, hash + 1) : NULL;
        if (hash == last)
            json_array_remove(parts, n - 1);
        else
            json_array_set_new(parts, n - 1, json_stringn(last, (size_t)(hash - last)));
    }
    if (json_array_size(parts) == 1) {
        json_t *only = json_incref(json_array_get(parts, 0));
        json_decref(value);
        value = only;
    }
    if (json_is_object(value))
        entry->secret_arn = pk_x_keep(x, value);
    else
        json_decref(value);
}

static void add_environment(struct environment *env, size_t i) {
    struct pk_expansion *x = env->x;
    const char *path = pk_arena_printf(x->arena, "environment[%zu]", i);
    const json_t *item = pk_spec_get(env->c, path);
    const char *name = pk_json_str(item, "name", NULL);
    const json_t *secret = json_object_get(item, "secretRef");
    const json_t *value = json_object_get(item, "value");
    if (!name)
        return;
    const char *field = pk_arena_printf(x->arena, "%s.%s", path, secret ? "secretRef" : "value");
    const char *why = pk_arena_printf(x->arena, "environment %s", name);
    struct pk_env_entry entry = {.name = pk_arena_strdup(x->arena, name),
                                 .span = pk_spec_span(env->c, field)};
    if (secret && value) {
        struct pk_diag *d = refuse(env, "field.conflict", entry.span,
                                   "a variable has a value or a secret, not both");
        pk_diag_help(x->diags, d, "keep `value`, `valueFrom` or `secretRef`");
    } else if (secret) {
        pk_x_read_secret(x, env->r, env->c, secret, why, &entry);
    } else if (value) {
        entry.value =
            pk_x_keep(x, as_text(pk_x_resolve(x, env->r, env->c, value, why, entry.span)));
    } else if (!pk_spec_written(env->c, field)) {
        struct pk_diag *d = refuse(env, "field.required", pk_spec_span(env->c, path),
                                   "an environment variable needs a value");
        pk_diag_help(x->diags, d, "give `value`, `valueFrom` or `secretRef`");
    }
    if (entry.value || entry.secret_ref || entry.secret_arn)
        add(env, entry, false);
}

static const char *variable_name(struct pk_expansion *x, const json_t *item) {
    const char *name = pk_json_str(item, "name", ""), *given = pk_json_str(item, "envVar", NULL);
    if (given || is_env_name(name))
        return pk_arena_strdup(x->arena, given ? given : name);
    char *made = pk_arena_strdup(x->arena, name);
    for (char *p = made; *p; p++) {
        if (*p >= 'a' && *p <= 'z')
            *p = (char)(*p - 'a' + 'A');
        else if (!(*p >= 'A' && *p <= 'Z') && !(*p >= '0' && *p <= '9'))
            *p = '_';
    }
    return made;
}

static void add_secret(struct environment *env, size_t i) {
    struct pk_expansion *x = env->x;
    const char *path = pk_arena_printf(x->arena, "secrets[%zu]", i);
    const json_t *item = pk_spec_get(env->c, path), *ref = json_object_get(item, "secretRef");
    if (!ref || !json_object_get(item, "name"))
        return;
    struct pk_env_entry entry = {
        .name = variable_name(x, item),
        .span = pk_spec_span(env->c, pk_arena_printf(x->arena, "%s.secretRef", path))};
    pk_x_read_secret(x, env->r, env->c, ref, pk_arena_printf(x->arena, "secret %s", entry.name),
                     &entry);
    if (entry.secret_ref || entry.secret_arn)
        add(env, entry, false);
}

static int by_entry_name(const void *a, const void *b) {
    return strcmp(((const struct pk_env_entry *)a)->name, ((const struct pk_env_entry *)b)->name);
}

void pk_x_environment(struct pk_expansion *x, struct pk_resource *r, const struct pk_component *c,
                      struct pk_env_entry **ret, size_t *ret_n) {
    PK_CLEANUP(pk_map_freep) struct pk_map *by_name = pk_map_new();
    PK_CLEANUP(pk_map_freep) struct pk_map *written = pk_map_new();
    struct environment env = {x, r, c, by_name, written};
    read_files(&env);
    size_t n = json_array_size(pk_spec_get(c, "environment"));
    for (size_t i = 0; i < n; i++)
        add_environment(&env, i);
    n = json_array_size(pk_spec_get(c, "secrets"));
    for (size_t i = 0; i < n; i++)
        add_secret(&env, i);
    size_t cursor = 0, count = 0;
    void *item;
    struct pk_env_entry *list = pk_arena_array(x->arena, pk_map_len(by_name) + 1, sizeof(*list));
    while (pk_map_next(by_name, &cursor, NULL, &item))
        list[count++] = *(const struct pk_env_entry *)item;
    qsort(list, count, sizeof(*list), by_entry_name);
    *ret = list;
    *ret_n = count;
}
