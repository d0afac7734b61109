/* ms_configs.c - configuration files for containers: a container that runs first writes them from
 * its environment into a volume that both share. */
#include "component/internal.h"
#include "component/ms.h"

#include "base/fs.h"
#include "base/hash.h"
#include "base/str.h"

#include <string.h>

#define MAX_TOTAL ((size_t)32 << 10)

struct configs {
    struct pk_expansion *x;
    const struct pk_component *c;
    const struct pk_env_entry *env;
    size_t n_env;
    size_t total;
    bool good;
};

static struct pk_diag *refuse(struct configs *to, size_t i, const char *id, const char *message) {
    const char *path = pk_arena_printf(to->x->arena, "configs.files[%zu]", i);
    to->good = false;
    return pk_x_finding(to->x, to->c, PK_SEVERITY_ERROR, id, path, "%s", message);
}

/* --- variables inside files ------------------------------------------------------------------- */

/* The container's own variables first, then those that the service's documents see. */
static const char *value_of(struct configs *to, const char *name) {
    for (size_t i = 0; i < to->n_env; i++)
        if (strcmp(to->env[i].name, name) == 0)
            return json_string_value(to->env[i].value);
    if (strcmp(name, "ENVIRONMENT") == 0 || strcmp(name, "PANKA_ENVIRONMENT") == 0)
        return to->x->project->environment;
    const char *own = json_string_value(json_object_get(to->c->service->variables, name));
    return own ? own : pk_json_str(to->x->project->variables, name, NULL);
}

static void warn_unknown(struct configs *to, size_t i, const char *name) {
    const char *path = pk_arena_printf(to->x->arena, "configs.files[%zu]", i);
    struct pk_diag *d = pk_x_finding(to->x, to->c, PK_SEVERITY_WARNING, "ms.config-variable", path,
                                     "`${%s}` stays as it is in this file", name);
    pk_diag_help(to->x->diags, d,
                 "give the component an environment variable of that name, or set "
                 "`configs.interpolate: false`");
}

/* Replaces ${NAME} and ${NAME:-default}; everything else is copied. */
static void interpolate(struct configs *to, size_t i, struct pk_str text, struct pk_buf *out) {
    while (text.len > 0) {
        const char *open = memmem(text.ptr, text.len, "${", 2);
        const char *close = open ? memchr(open, '}', text.len - (size_t)(open - text.ptr)) : NULL;
        if (!close) {
            pk_buf_add(out, text.ptr, text.len);
            return;
        }
        struct pk_str inner = pk_str_n(open + 2, (size_t)(close - open) - 2);
        const char *mark = memmem(inner.ptr, inner.len, ":-", 2);
        size_t len = mark ? (size_t)(mark - inner.ptr) : inner.len;
        const char *name = pk_arena_strndup(to->x->arena, inner.ptr, len);
        const char *value = value_of(to, name);
        pk_buf_add(out, text.ptr, (size_t)(open - text.ptr));
        if (value && (*value || !mark)) {
            pk_buf_addz(out, value);
        } else if (mark) {
            pk_buf_add(out, mark + 2, inner.len - len - 2);
        } else {
            warn_unknown(to, i, name);
            pk_buf_add(out, open, (size_t)(close - open) + 1);
        }
        text = pk_str_n(close + 1, text.len - (size_t)(close + 1 - text.ptr));
    }
}

/* --- files ------------------------------------------------------------------------------------ */

static bool stays_inside(const char *name) {
    struct pk_str rest = pk_str(name), part;
    if (*name == '/' || !*name)
        return false;
    while (pk_str_cut(&rest, '/', &part))
        if (part.len == 0 || pk_str_eqz(part, "..") || pk_str_eqz(part, "."))
            return false;
    return true;
}

/* Content of one file in base64; NULL after a finding. */
static json_t *read_one(struct configs *to, size_t i, const char *name) {
    const struct pk_component *c = to->c;
    PK_CLEANUP(pk_error_freep) struct pk_error *err = NULL;
    PK_CLEANUP(pk_buf_release) struct pk_buf raw = PK_BUF_INIT(MAX_TOTAL);
    PK_CLEANUP(pk_buf_release) struct pk_buf text = PK_BUF_INIT(2 * MAX_TOTAL);
    PK_CLEANUP(pk_buf_release) struct pk_buf encoded = PK_BUF_INIT(4 * MAX_TOTAL);
    PK_CLEANUP(pk_freep) char *path = pk_path_join(c->config_dir ? c->config_dir : c->dir, name);
    if (!pk_read_file(path, MAX_TOTAL, &raw, &err)) {
        bool missing = err->code == PK_E_NOT_FOUND;
        struct pk_diag *d =
            refuse(to, i, missing ? "file.missing" : "file.unreadable", err->message);
        pk_diag_help(to->x->diags, d, "files lie in config/ of the service; at most 32 KiB");
        return NULL;
    }
    if (pk_json_bool(c->spec, "configs.interpolate", true))
        interpolate(to, i, pk_str_n(raw.ptr, raw.len), &text);
    else
        pk_buf_add(&text, raw.ptr, raw.len);
    to->total += text.len;
    pk_base64(text.ptr ? text.ptr : "", text.len, &encoded);
    return pk_json_text(pk_buf_cstr(&encoded));
}

/* 'it'"'"'s': a word for the shell. */
static void add_quoted(struct pk_buf *script, const char *word) {
    pk_buf_addc(script, '\'');
    for (const char *p = word; *p; p++) {
        if (*p == '\'')
            pk_buf_addz(script, "'\"'\"'");
        else
            pk_buf_addc(script, *p);
    }
    pk_buf_addc(script, '\'');
}

static void add_file(struct configs *to, struct pk_buf *script, json_t *environment, size_t i) {
    const char *folder = pk_spec_str(to->c, "configs.mountPath");
    const char *name = pk_spec_str(to->c, pk_arena_printf(to->x->arena, "configs.files[%zu]", i));
    if (!name)
        return;
    if (!stays_inside(name)) {
        struct pk_diag *d =
            refuse(to, i, "file.outside", "the path leaves the folder of the files");
        pk_diag_help(to->x->diags, d, "give a path below config/ of the service");
        return;
    }
    json_t *content = read_one(to, i, name);
    if (!content)
        return;
    const char *variable = pk_arena_printf(to->x->arena, "PANKA_FILE_%zu", i);
    PK_CLEANUP(pk_freep) char *path = pk_path_join(folder, name);
    PK_CLEANUP(pk_freep) char *dir = pk_path_dir(path);
    json_array_append_new(environment, json_pack("{s:s, s:o}", "Name", variable, "Value", content));
    pk_buf_addz(script, "mkdir -p ");
    add_quoted(script, dir);
    pk_buf_addf(script, " && printf %%s \"$%s\" | base64 -d > ", variable);
    add_quoted(script, path);
    pk_buf_addz(script, " && ");
}

json_t *pk_ms_config_container(struct pk_expansion *x, const struct pk_component *c,
                               struct pk_resource *task, const struct pk_env_entry *env,
                               size_t n_env) {
    size_t n = json_array_size(pk_spec_get(c, "configs.files"));
    const char *folder = pk_spec_str(c, "configs.mountPath");
    if (n == 0 || !folder)
        return NULL;
    struct configs to = {x, c, env, n_env, 0, true};
    PK_CLEANUP(pk_buf_release) struct pk_buf script = PK_BUF_INIT(MAX_TOTAL * 2);
    json_t *environment = json_array();
    for (size_t i = 0; i < n; i++)
        add_file(&to, &script, environment, i);
    pk_buf_addz(&script, "true");
    if (to.total > MAX_TOTAL) {
        struct pk_diag *d =
            refuse(&to, n - 1, "ms.config-size", "the files are too large together");
        pk_diag_help(x->diags, d, "a task definition has room for %zu KiB", MAX_TOTAL >> 10);
    }
    if (!to.good) {
        json_decref(environment);
        return NULL;
    }
    json_t *image = pk_x_value(x, task, c, "configs.initImage");
    const char *const entry[] = {"sh", "-c"}, *command = pk_buf_cstr(&script);
    json_t *mount = json_pack("{s:s, s:s, s:b}", "SourceVolume", PK_MS_CONFIG_VOLUME,
                              "ContainerPath", folder, "ReadOnly", 0);
    return json_pack("{s:s, s:o, s:b, s:o, s:o, s:o, s:[o]}", "Name", PK_MS_CONFIG_CONTAINER,
                     "Image", image, "Essential", 0, "EntryPoint",
                     pk_x_texts(entry, PK_ARRAY_LEN(entry)), "Command", pk_x_texts(&command, 1),
                     "Environment", environment, "MountPoints", mount);
}
