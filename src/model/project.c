/* project.c - life of a project, finding its parts, reading its specs. */
#include "base/fs.h"
#include "model/index.h"
#include "json/json.h"

#include <stdlib.h>
#include <string.h>

struct pk_project *pk_project_new(void) {
    struct pk_arena *arena = pk_arena_new();
    struct pk_index *index = pk_arena_alloc(arena, sizeof(*index));
    index->project.arena = arena;
    index->by_address = pk_map_new();
    index->by_name = pk_map_new();
    return &index->project;
}

struct pk_index *pk_index_of(const struct pk_project *project) {
    return (struct pk_index *)(uintptr_t)project; /* the first member */
}

void pk_project_free(struct pk_project *project) {
    if (!project)
        return;
    struct pk_index *index = pk_index_of(project);
    size_t cursor = 0;
    const char *name;
    void *value;
    while (pk_map_next(index->by_name, &cursor, &name, &value)) {
        struct pk_vec *same = value;
        for (size_t i = 0; i < same->len; i++) {
            struct pk_component *c = same->items[i];
            json_decref(c->spec);
            json_decref(c->meta.labels);
        }
        pk_vec_release(same);
        free(same);
    }
    for (size_t i = 0; i < project->services.len; i++) {
        struct pk_service *service = project->services.items[i];
        json_decref(service->spec);
        json_decref(service->meta.labels);
        json_decref(service->variables);
        pk_vec_release(&service->components);
    }
    pk_map_free(index->by_address);
    pk_map_free(index->by_name);
    pk_vec_release(&project->services);
    pk_vec_release(&project->components);
    json_decref(project->spec);
    json_decref(project->meta.labels);
    json_decref(project->variables);
    pk_arena_free(project->arena);
}

void pk_project_freep(struct pk_project **project) {
    pk_project_free(*project);
    *project = NULL;
}

struct pk_component *pk_project_at(const struct pk_project *project, const char *address) {
    struct pk_component *c = pk_map_get(pk_index_of(project)->by_address, address);
    return c && c->table ? c : NULL;
}

struct pk_component *pk_project_component(const struct pk_project *project,
                                          const struct pk_component *from, const char *ref,
                                          bool *ret_ambiguous) {
    if (ret_ambiguous)
        *ret_ambiguous = false;
    if (strchr(ref, '/'))
        return pk_project_at(project, ref);
    if (from) {
        PK_CLEANUP(pk_freep) char *own = pk_asprintf("%s/%s", from->service->name, ref);
        struct pk_component *c = pk_project_at(project, own);
        if (c)
            return c;
    }
    const struct pk_vec *same = pk_map_get(pk_index_of(project)->by_name, ref);
    if (same && same->len > 1 && ret_ambiguous)
        *ret_ambiguous = true;
    struct pk_component *c = same && same->len == 1 ? same->items[0] : NULL;
    return c && c->table ? c : NULL;
}

/* --- finding a stack folder */

static bool is_stack_dir(const char *dir) {
    static const char *const names[] = {"stack.yaml", "stack.yml"};
    for (size_t i = 0; i < PK_ARRAY_LEN(names); i++) {
        PK_CLEANUP(pk_freep) char *path = pk_path_join(dir, names[i]);
        if (pk_path_exists(path))
            return true;
    }
    return false;
}

/* The parent, or false at the root of the file system or of the repository. */
static bool go_up(char **dir) {
    PK_CLEANUP(pk_freep) char *git = pk_path_join(*dir, ".git");
    if (pk_path_exists(git) || strcmp(*dir, "/") == 0)
        return false;
    char *parent = pk_path_dir(*dir);
    free(*dir);
    *dir = parent;
    return true;
}

static char *find_named(const char *dir, const char *stack_name) {
    for (size_t i = 0; i < 2; i++) {
        char *path = i == 0 ? pk_asprintf("%s/%s", dir, stack_name)
                            : pk_asprintf("%s/stacks/%s", dir, stack_name);
        if (is_stack_dir(path))
            return path;
        free(path);
    }
    return NULL;
}

bool pk_project_find(const char *arg, const char *stack_name, char **ret_path,
                     struct pk_error **err) {
    if (arg) {
        char *path = pk_real_path(arg, err);
        if (!path) {
            pk_error_hint(err, "give the folder of a stack, or a stack's name with --stack");
            return false;
        }
        *ret_path = path;
        return true;
    }
    PK_CLEANUP(pk_freep) char *dir = pk_real_path(".", err);
    if (!dir)
        return false;
    do {
        char *found = stack_name          ? find_named(dir, stack_name)
                      : is_stack_dir(dir) ? pk_strdup(dir)
                                          : NULL;
        if (found) {
            *ret_path = found;
            return true;
        }
    } while (go_up(&dir));
    if (stack_name)
        pk_fail(err, PK_E_NOT_FOUND, "there is no stack folder `%s` here", stack_name);
    else
        pk_fail(err, PK_E_NOT_FOUND, "this folder belongs to no stack: there is no stack.yaml");
    return pk_error_hint(err, stack_name
                                  ? "looked for NAME/stack.yaml and stacks/NAME/stack.yaml up to "
                                    "the repository's root"
                                  : "name the folder, or make one with `panka stack init NAME`");
}

/* --- specs */

const char *pk_spec_str(const struct pk_component *c, const char *path) {
    return pk_json_str(c->spec, path, NULL);
}

int64_t pk_spec_int(const struct pk_component *c, const char *path, int64_t fallback) {
    return pk_json_int(c->spec, path, fallback);
}

bool pk_spec_bool(const struct pk_component *c, const char *path) {
    return pk_json_bool(c->spec, path, false);
}

json_t *pk_spec_get(const struct pk_component *c, const char *path) {
    return pk_json_at(c->spec, path);
}

struct pk_span pk_spec_span(const struct pk_component *c, const char *path) {
    return pk_spans_find(c->spans, path);
}

bool pk_spec_written(const struct pk_component *c, const char *path) {
    return pk_spans_has(c->spans, path);
}
