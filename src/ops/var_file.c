#include "ops/var_file.h"

#include "base/fs.h"
#include "model/project.h"
#include "yaml/yaml.h"

#include <string.h>

static bool valid_name(const char *name) {
    if (!*name || (*name >= '0' && *name <= '9'))
        return false;
    for (const char *p = name; *p; p++)
        if (!(*p == '_' || (*p >= 'A' && *p <= 'Z') || (*p >= 'a' && *p <= 'z') ||
              (*p >= '0' && *p <= '9')))
            return false;
    return true;
}

static bool add(struct pk_arena *arena, const char *name, const char *value, const char *where,
                size_t max, struct pk_vec *to, struct pk_error **err) {
    if (!valid_name(name))
        return pk_fail(err, PK_E_USAGE, "%s: \"%s\" is not a variable name", where, name) ||
               pk_error_hint(err, "letters, digits and _, not beginning with a digit");
    if (to->len >= max)
        return pk_fail(err, PK_E_USAGE, "%s: more than %zu variables", where, max);
    struct pk_var *var = pk_arena_alloc(arena, sizeof(*var));
    var->name = pk_arena_strdup(arena, name);
    var->value = pk_arena_strdup(arena, value);
    pk_vec_push(to, var);
    return true;
}

static bool add_pair(struct pk_arena *arena, const char *text, const char *where, size_t max,
                     struct pk_vec *to, struct pk_error **err) {
    const char *eq = strchr(text, '=');
    if (!eq)
        return pk_fail(err, PK_E_USAGE, "%s: \"%s\" has no =", where, text) ||
               pk_error_hint(err, "NAME=value");
    char *name PK_CLEANUP(pk_freep) = pk_strndup(text, (size_t)(eq - text));
    return add(arena, name, eq + 1, where, max, to, err);
}

static bool read_dotenv(struct pk_arena *arena, const char *path, struct pk_str rest, size_t max,
                        struct pk_vec *to, struct pk_error **err) {
    struct pk_str line;
    for (unsigned n = 1; pk_str_cut(&rest, '\n', &line); n++) {
        line = pk_str_trim(line);
        if (line.len == 0 || line.ptr[0] == '#')
            continue;
        if (line.len > 7 && strncmp(line.ptr, "export ", 7) == 0)
            line = pk_str_trim(pk_str_n(line.ptr + 7, line.len - 7));
        char *text PK_CLEANUP(pk_freep) = pk_strndup(line.ptr, line.len);
        char *where PK_CLEANUP(pk_freep) = pk_asprintf("%s:%u", path, n);
        char *value = strchr(text, '=');
        size_t len = value ? strlen(++value) : 0;
        if (len >= 2 && (value[0] == '"' || value[0] == '\'') && value[len - 1] == value[0]) {
            memmove(value, value + 1, len - 2);
            value[len - 2] = '\0';
        }
        if (!add_pair(arena, text, where, max, to, err))
            return false;
    }
    return true;
}

static bool read_map(struct pk_arena *arena, const struct pk_source *source, size_t max,
                     struct pk_vec *to, struct pk_error **err) {
    struct pk_diags *diags PK_CLEANUP(pk_diags_freep) = pk_diags_new();
    struct pk_document *docs = NULL;
    size_t n = 0;
    pk_yaml_parse(arena, source, diags, &docs, &n);
    if (pk_diags_has_errors(diags)) {
        const struct pk_diag *d = pk_diags_at(diags, 0);
        pk_fail(err, PK_E_USAGE, "%s: %s", source->path, d->message);
        return pk_error_span(err, d->span);
    }
    const struct pk_node *root = n > 0 ? docs[0].root : NULL;
    if (n > 1 || (root && root->kind != PK_NODE_MAP)) {
        pk_fail(err, PK_E_USAGE, "%s is not one map of variables", source->path);
        return pk_error_span(err, n > 1 ? docs[1].span : root->span);
    }
    for (size_t i = 0; root && i < root->n_pairs; i++) {
        const struct pk_pair *pair = &root->pairs[i];
        char *where PK_CLEANUP(pk_freep) = pk_asprintf("%s:%u", source->path, pair->key_span.line);
        if (pair->value->kind != PK_NODE_SCALAR) {
            pk_fail(err, PK_E_USAGE, "%s: %s is not a single value", where, pair->key);
            return pk_error_span(err, pair->value->span);
        }
        if (!add(arena, pair->key, pair->value->null ? "" : pair->value->text, where, max, to, err))
            return false;
    }
    return true;
}

static bool read_one(struct pk_arena *arena, const char *path, size_t max, struct pk_vec *to,
                     struct pk_error **err) {
    struct pk_buf text PK_CLEANUP(pk_buf_release) = PK_BUF_INIT(PK_YAML_MAX_FILE);
    if (!pk_read_file(path, PK_YAML_MAX_FILE, &text, err))
        return false;
    const char *base = pk_path_base(path);
    if (pk_ends_with(base, ".env") || pk_starts_with(base, ".env"))
        return read_dotenv(arena, path, pk_str_n(text.ptr, text.len), max, to, err);
    struct pk_source *source = pk_arena_alloc(arena, sizeof(*source));
    source->path = pk_arena_strdup(arena, path);
    source->text = pk_arena_strndup(arena, pk_buf_cstr(&text), text.len);
    source->len = text.len;
    return read_map(arena, source, max, to, err);
}

bool pk_vars_collect(struct pk_arena *arena, const struct pk_vec *vars, const struct pk_vec *files,
                     size_t max, struct pk_vec *ret, struct pk_error **err) {
    for (size_t i = 0; i < files->len; i++)
        if (!read_one(arena, files->items[i], max, ret, err))
            return false;
    for (size_t i = 0; i < vars->len; i++)
        if (!add_pair(arena, vars->items[i], "--var", max, ret, err))
            return false;
    return true;
}
