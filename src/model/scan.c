/* scan.c - which files a stack folder has, and what each of them may hold. */
#include "base/fs.h"
#include "model/load.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define MAX_NAMES 100000
/* Deepest folder below the stack folder that is looked at. */
#define MAX_LEVELS 16

/* One entry of a folder. */
struct entry {
    const char *name, *path; /* path absolute; both in the arena */
    bool is_dir;
};

static const char *shown(struct pk_loader *l, const char *path) {
    size_t len = strlen(l->root);
    if (strcmp(path, l->root) == 0)
        return *l->shown_root ? l->shown_root : ".";
    return pk_arena_printf(l->arena, "%s%s", l->shown_root, path + len + 1);
}

static bool is_yaml(const char *name) {
    return pk_ends_with(name, ".yaml") || pk_ends_with(name, ".yml");
}

/* A symlink may point anywhere inside the stack folder, never out of it. False after a finding. */
static bool check_link(struct pk_loader *l, const char *path) {
    struct pk_error *err = NULL;
    char *target = pk_real_path(path, &err);
    if (!target) {
        pk_diag(l->diags, PK_SEVERITY_ERROR, "file.unreadable", (struct pk_span){0},
                "%s is a symbolic link to nothing", shown(l, path));
        pk_error_free(err);
        return false;
    }
    size_t len = strlen(l->root);
    bool inside = strncmp(target, l->root, len) == 0 && (target[len] == '/' || !target[len]);
    free(target);
    if (inside)
        return true;
    struct pk_diag *d =
        pk_diag(l->diags, PK_SEVERITY_ERROR, "file.symlink-outside", (struct pk_span){0},
                "%s is a symbolic link that leaves the stack folder", shown(l, path));
    pk_diag_help(l->diags, d, "copy the file into the stack folder");
    return false;
}

/* Entries of a folder in order of name, hidden ones left out. Symlinks are checked only where they
 * would be read: `wanted` decides by name. */
static struct entry *list(struct pk_loader *l, const char *dir, size_t *ret_n) {
    struct pk_vec names;
    struct pk_error *err = NULL;
    *ret_n = 0;
    if (!pk_list_dir(dir, MAX_NAMES, &names, &err)) {
        pk_diag(l->diags, PK_SEVERITY_ERROR, "file.unreadable", (struct pk_span){0}, "%s",
                err->message);
        pk_error_free(err);
        l->incomplete = true;
        return NULL;
    }
    struct entry *entries = pk_arena_array(l->arena, names.len + 1, sizeof(*entries));
    for (size_t i = 0; i < names.len; i++) {
        const char *name = names.items[i];
        struct stat st;
        if (name[0] == '.')
            continue;
        const char *path = pk_arena_printf(l->arena, "%s/%s", dir, name);
        if (lstat(path, &st) != 0)
            continue; /* gone since it was listed */
        if (S_ISLNK(st.st_mode) && (!check_link(l, path) || stat(path, &st) != 0)) {
            l->incomplete = true;
            continue;
        }
        entries[(*ret_n)++] =
            (struct entry){path + strlen(dir) + 1, path, S_ISDIR(st.st_mode) != 0};
    }
    pk_names_release(&names);
    return entries;
}

static void ignored(struct pk_loader *l, const char *path, const char *why) {
    struct pk_diag *d = pk_diag(l->diags, PK_SEVERITY_WARNING, "doc.ignored-file",
                                (struct pk_span){0}, "%s is not read", shown(l, path));
    pk_diag_help(l->diags, d, "%s", why);
}

static void add_input(struct pk_loader *l, const char *what, const void *data, size_t len) {
    char hex[PK_SHA256_HEX_SIZE];
    pk_sha256_hex(data, len, hex);
    pk_buf_addf(&l->inputs, "%s %s\n", hex, what);
}

struct pk_file *pk_read_yaml(struct pk_loader *l, const char *path, enum pk_place place,
                             struct pk_span where_named) {
    struct pk_source *source =
        pk_source_read(l->arena, path, shown(l, path), where_named, l->diags);
    if (!source) {
        l->incomplete = true;
        return NULL;
    }
    add_input(l, path + strlen(l->root), source->text, source->len);
    struct pk_file *file = pk_arena_alloc(l->arena, sizeof(*file));
    file->source = source;
    file->place = place;
    const char *slash = strrchr(path, '/');
    file->dir = pk_arena_strndup(l->arena, path, slash > path ? (size_t)(slash - path) : 1);
    size_t errors = pk_diags_count(l->diags, PK_SEVERITY_ERROR);
    pk_yaml_parse(l->arena, source, l->diags, &file->docs, &file->n_docs);
    if (pk_diags_count(l->diags, PK_SEVERITY_ERROR) != errors)
        l->incomplete = true;
    pk_vec_push(&l->files, file);
    return file;
}

static struct pk_file *read_base(struct pk_loader *l, const char *path, enum pk_place place,
                                 const char *service, const char *config_dir) {
    struct pk_file *file = pk_read_yaml(l, path, place, (struct pk_span){0});
    if (!file)
        return NULL;
    file->service = service;
    file->config_dir = config_dir;
    pk_read_documents(l, file, &l->docs);
    return file;
}

/* Files for the components: part of the inputs, never parsed. */
static void note_config(struct pk_loader *l, const char *dir, unsigned level) {
    size_t n;
    const struct entry *entries = list(l, dir, &n);
    for (size_t i = 0; i < n; i++) {
        struct pk_buf buf;
        if (entries[i].is_dir) {
            if (level < MAX_LEVELS)
                note_config(l, entries[i].path, level + 1);
        } else if (pk_read_file(entries[i].path, PK_BUF_MAX_DEFAULT, &buf, NULL)) {
            add_input(l, entries[i].path + strlen(l->root), pk_buf_cstr(&buf), buf.len);
            pk_buf_release(&buf);
        }
    }
}

static const char *config_of(struct pk_loader *l, const char *dir) {
    static const char *const names[] = {"config", "configs"};
    for (size_t i = 0; i < PK_ARRAY_LEN(names); i++) {
        const char *path = pk_arena_printf(l->arena, "%s/%s", dir, names[i]);
        if (pk_is_dir(path))
            return path;
    }
    return NULL;
}

static bool is_config(const char *name) {
    return strcmp(name, "config") == 0 || strcmp(name, "configs") == 0;
}

static bool is_skipped(const char *name) {
    return strcmp(name, "templates") == 0 || strcmp(name, "policies") == 0;
}

/* All YAML files below a folder. */
static void read_tree(struct pk_loader *l, const char *dir, enum pk_place place,
                      const char *service, const char *config_dir, unsigned level) {
    size_t n;
    const struct entry *entries = list(l, dir, &n);
    const char *own = place == PK_PLACE_SERVICE ? config_of(l, dir) : NULL;
    for (size_t i = 0; i < n; i++) {
        const struct entry *e = &entries[i];
        if (!e->is_dir && is_yaml(e->name))
            read_base(l, e->path, place, service, own ? own : config_dir);
        else if (e->is_dir && is_config(e->name))
            note_config(l, e->path, level);
        else if (e->is_dir && !is_skipped(e->name) && level < MAX_LEVELS)
            read_tree(l, e->path, place, service, own ? own : config_dir, level + 1);
        else if (e->is_dir && !is_skipped(e->name))
            ignored(l, e->path, "folders are read 16 levels deep");
    }
}

/* A folder that nothing is read from: said once, when it looks as if somebody expected more. */
static void note_unknown_dir(struct pk_loader *l, const char *dir, const char *why) {
    size_t n;
    const struct entry *entries = list(l, dir, &n);
    for (size_t i = 0; i < n; i++) {
        if (!entries[i].is_dir && is_yaml(entries[i].name)) {
            ignored(l, dir, why);
            return;
        }
    }
}

static void read_service(struct pk_loader *l, const struct entry *service) {
    size_t n, before = l->files.len;
    const struct entry *entries = list(l, service->path, &n);
    const char *config_dir = config_of(l, service->path);
    struct pk_span nowhere = {0};
    if (!pk_check_name(l->diags, "Service", service->name, nowhere))
        l->incomplete = true;
    for (size_t i = 0; i < n; i++) {
        const struct entry *e = &entries[i];
        if (!e->is_dir && is_yaml(e->name))
            read_base(l, e->path, PK_PLACE_SERVICE, service->name, config_dir);
        else if (e->is_dir && strcmp(e->name, "components") == 0)
            read_tree(l, e->path, PK_PLACE_SERVICE, service->name, config_dir, 1);
        else if (e->is_dir && strcmp(e->name, "infra") == 0)
            read_tree(l, e->path, PK_PLACE_INFRA, service->name, NULL, 1);
        else if (e->is_dir && is_config(e->name))
            note_config(l, e->path, 0);
        else if (e->is_dir && !is_skipped(e->name))
            note_unknown_dir(l, e->path,
                             "a service has its documents in its own folder or in components/");
    }
    if (l->files.len == before && !l->incomplete)
        pk_diag(l->diags, PK_SEVERITY_WARNING, "svc.empty", nowhere, "%s has no documents",
                shown(l, service->path));
}

static void read_services(struct pk_loader *l, const char *dir) {
    size_t n;
    const struct entry *entries = list(l, dir, &n);
    for (size_t i = 0; i < n; i++) {
        if (entries[i].is_dir)
            read_service(l, &entries[i]);
        else if (is_yaml(entries[i].name))
            ignored(l, entries[i].path, "put it into the folder of its service");
    }
}

static void read_folder(struct pk_loader *l) {
    size_t n;
    const struct entry *entries = list(l, l->root, &n);
    for (size_t i = 0; i < n; i++) {
        const struct entry *e = &entries[i];
        bool stack = strcmp(e->name, "stack.yaml") == 0 || strcmp(e->name, "stack.yml") == 0;
        bool tenant = strcmp(e->name, "tenant.yaml") == 0 || strcmp(e->name, "tenant.yml") == 0;
        if (!e->is_dir && stack)
            read_base(l, e->path, PK_PLACE_ROOT, NULL, NULL);
        else if (!e->is_dir && is_yaml(e->name) && !tenant)
            ignored(l, e->path,
                    "the Stack is read from stack.yaml, everything else from services/");
        else if (e->is_dir && strcmp(e->name, "services") == 0)
            read_services(l, e->path);
        else if (e->is_dir && strcmp(e->name, "infra") == 0)
            read_tree(l, e->path, PK_PLACE_INFRA, NULL, NULL, 1);
        else if (e->is_dir && is_config(e->name))
            note_config(l, e->path, 0);
        else if (e->is_dir && strcmp(e->name, "environments") != 0 && !is_skipped(e->name))
            note_unknown_dir(l, e->path,
                             "documents are read from services/, infra/ and environments/");
    }
}

/* The folder as people see it, with a slash behind: relative to the current one where it lies
 * below. */
static const char *shown_prefix(struct pk_loader *l) {
    PK_CLEANUP(pk_freep) char *cwd = getcwd(NULL, 0);
    size_t len = cwd ? strlen(cwd) : 0;
    if (cwd && strcmp(cwd, l->root) == 0)
        return "";
    if (cwd && len > 1 && strncmp(l->root, cwd, len) == 0 && l->root[len] == '/')
        return pk_arena_printf(l->arena, "%s/", l->root + len + 1);
    const char *given = l->options->path;
    if (given && given[0] == '.' && given[1] == '.' && pk_is_dir(given))
        return pk_arena_printf(l->arena, pk_ends_with(given, "/") ? "%s" : "%s/", given);
    return pk_arena_printf(l->arena, "%s/", l->root);
}

bool pk_scan(struct pk_loader *l) {
    struct pk_error *err = NULL;
    char *path = pk_real_path(l->options->path ? l->options->path : ".", &err);
    if (!path) {
        pk_diag(l->diags, PK_SEVERITY_ERROR, "file.missing", (struct pk_span){0}, "%s",
                err->message);
        pk_error_free(err);
        return false;
    }
    bool folder = pk_is_dir(path);
    const char *slash = strrchr(path, '/');
    size_t dir_len = slash > path ? (size_t)(slash - path) : 1;
    l->root = folder ? pk_arena_strdup(l->arena, path) : pk_arena_strndup(l->arena, path, dir_len);
    l->project->dir = l->root;
    l->shown_root = shown_prefix(l);
    const char *base = pk_arena_strdup(l->arena, slash + 1);
    const char *file = pk_arena_strdup(l->arena, path);
    free(path);
    /* the stack's own file means its folder */
    if (folder || strcmp(base, "stack.yaml") == 0 || strcmp(base, "stack.yml") == 0) {
        read_folder(l);
        return true;
    }
    const struct pk_file *single = read_base(l, file, PK_PLACE_SINGLE, NULL, NULL);
    if (single) {
        struct pk_diag *d =
            pk_diag(l->diags, PK_SEVERITY_WARNING, "doc.single-file",
                    (struct pk_span){single->source, 1, 1, 1, 1}, "a stack in a single file");
        pk_diag_help(l->diags, d,
                     "the usual form is a folder with stack.yaml and services/<service>/*.yaml");
    }
    return single != NULL;
}

static const char *environments_dir(struct pk_loader *l) {
    const char *dir = pk_arena_printf(l->arena, "%s/environments", l->root);
    struct stat st;
    if (lstat(dir, &st) != 0 || (S_ISLNK(st.st_mode) && !check_link(l, dir)))
        return NULL;
    return pk_is_dir(dir) ? dir : NULL;
}

static bool last_is(const struct pk_vec *vec, const char *name) {
    return vec->len && strcmp(vec->items[vec->len - 1], name) == 0;
}

static int compare_names(const void *a, const void *b) {
    return strcmp(a, b);
}

void pk_scan_environments(struct pk_loader *l, struct pk_vec *ret) {
    const char *dir = environments_dir(l);
    struct pk_vec all = PK_VEC_INIT;
    size_t n;
    if (!dir)
        return;
    const struct entry *entries = list(l, dir, &n);
    for (size_t i = 0; i < n; i++) {
        const char *dot = strrchr(entries[i].name, '.');
        if (entries[i].is_dir)
            pk_vec_push(&all, pk_arena_strdup(l->arena, entries[i].name));
        else if (is_yaml(entries[i].name))
            pk_vec_push(
                &all, pk_arena_strndup(l->arena, entries[i].name, (size_t)(dot - entries[i].name)));
    }
    pk_vec_sort(&all, compare_names);
    for (size_t i = 0; i < all.len; i++)
        if (!last_is(ret, all.items[i])) /* the file and the folder of one environment */
            pk_vec_push(ret, all.items[i]);
    pk_vec_release(&all);
}

static void read_overlay_dir(struct pk_loader *l, const char *dir, const char *service,
                             unsigned level) {
    size_t n;
    const struct entry *entries = list(l, dir, &n);
    bool of_services = strcmp(pk_path_base(dir), "services") == 0;
    for (size_t i = 0; i < n; i++) {
        const struct entry *e = &entries[i];
        if (e->is_dir && is_config(e->name)) {
            note_unknown_dir(l, e->path, "configuration files do not differ by environment");
        } else if (e->is_dir && level < MAX_LEVELS) {
            read_overlay_dir(l, e->path, of_services ? e->name : service, level + 1);
        } else if (!e->is_dir && is_yaml(e->name)) {
            struct pk_file *file = pk_read_yaml(l, e->path, PK_PLACE_OVERLAY, (struct pk_span){0});
            if (!file)
                continue;
            file->service = service;
            bool values = level == 0 && (strcmp(e->name, "variables.yaml") == 0 ||
                                         strcmp(e->name, "variables.yml") == 0);
            if (values)
                pk_vec_push(&l->value_files, file);
            else
                pk_read_documents(l, file, &l->overlays);
        }
    }
}

void pk_scan_overlay(struct pk_loader *l, const char *environment) {
    static const char *const endings[] = {"yaml", "yml"};
    const char *dir = environments_dir(l);
    if (!dir)
        return;
    for (size_t i = 0; i < PK_ARRAY_LEN(endings); i++) {
        const char *path = pk_arena_printf(l->arena, "%s/%s.%s", dir, environment, endings[i]);
        struct stat st;
        if (lstat(path, &st) != 0 || (S_ISLNK(st.st_mode) && !check_link(l, path)))
            continue;
        struct pk_file *file = pk_read_yaml(l, path, PK_PLACE_OVERLAY, (struct pk_span){0});
        if (file)
            pk_vec_push(&l->value_files, file);
    }
    const char *folder = pk_arena_printf(l->arena, "%s/%s", dir, environment);
    if (pk_is_dir(folder))
        read_overlay_dir(l, folder, NULL, 0);
}
