/* settings.c - reads the sources of settings and lets the strongest one win. */
#include "config/settings.h"

#include "base/clock.h"
#include "base/fs.h"
#include "base/str.h"
#include "config/internal.h"
#include "yaml/yaml.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

struct value {
    const char *text;
    const char *origin;
};

struct pk_settings {
    struct pk_arena *arena;
    struct value values[PK_SET_COUNT];
};

/* One run of pk_settings_load. */
struct loader {
    struct pk_settings *settings;
    struct pk_arena *arena;
    struct pk_diags *diags;
    const struct pk_settings_source *source;
};

/* Blocks and keys that other parts of the program or other tools read: their content is not
 * checked here. `pulumi` belongs to files written for another engine. */
static const char *const foreign_keys[] = {
    "version",
    "pulumi",
    "logging",
    "metrics",
    "policy",
    "notifications",
    "locks.type",
    "locks.level",
    "locks.region",
    "aws.assumeRole",
    "preferences.colorOutput",
    "preferences.progressBar",
    "preferences.autoApprove",
};

/* Findings carry their place as text: they outlive the files' memory. */
static struct pk_diag *finding(struct loader *l, enum pk_severity severity, const char *id,
                               const char *place, const char *fmt, ...) PK_PRINTF(5, 6);
static struct pk_diag *finding(struct loader *l, enum pk_severity severity, const char *id,
                               const char *place, const char *fmt, ...) {
    va_list args;
    va_start(args, fmt);
    char *text PK_CLEANUP(pk_freep) = pk_vasprintf(fmt, args);
    va_end(args);
    return pk_diag(l->diags, severity, id, (struct pk_span){0}, "%s: %s", place, text);
}

/* Weaker sources come later: the first value stays. */
static void offer(struct loader *l, enum pk_setting which, const char *text, const char *origin) {
    const struct pk_setting_row *row = &pk_setting_rows[which];
    struct value *value = &l->settings->values[which];
    const char *why = NULL;
    if (!text || (!*text && !row->may_be_empty) || value->text)
        return;
    if (!pk_setting_check(row, text, l->arena, &why)) {
        struct pk_diag *d = finding(l, PK_SEVERITY_ERROR, "field.type", origin,
                                    "\"%s\" is no value of %s", text, row->name);
        pk_diag_help(l->diags, d, "%s", why);
        return;
    }
    value->text = pk_arena_strdup(l->arena, text);
    value->origin = pk_arena_strdup(l->arena, origin);
}

static const char *read_env(const struct pk_settings_source *source, const char *name) {
    return source->getenv ? source->getenv(source->getenv_ctx, name) : getenv(name);
}

static void read_flags_and_env(struct loader *l) {
    for (enum pk_setting i = 0; i < PK_SET_COUNT; i++) {
        const struct pk_setting_row *row = &pk_setting_rows[i];
        offer(l, i, l->source->flags[i],
              pk_arena_printf(l->arena, "flag %s", row->flag ? row->flag : row->name));
        /* an empty variable is an unset one, everywhere */
        const char *env = read_env(l->source, row->env);
        if (env && *env)
            offer(l, i, env, pk_arena_printf(l->arena, "environment %s", row->env));
        offer(l, i, l->source->stack[i], "stack.yaml");
    }
}

static bool find_setting(const char *path, enum pk_setting *ret) {
    for (enum pk_setting i = 0; i < PK_SET_COUNT; i++)
        if (pk_streq(path, pk_setting_rows[i].name) || pk_streq(path, pk_setting_rows[i].alias)) {
            *ret = i;
            return true;
        }
    return false;
}

static bool is_foreign(const char *path) {
    for (size_t i = 0; i < PK_ARRAY_LEN(foreign_keys); i++)
        if (strcmp(foreign_keys[i], path) == 0)
            return true;
    return false;
}

/* True when some setting lies below `path`. */
static bool is_block(const char *path) {
    size_t n = strlen(path);
    for (size_t i = 0; i < PK_SET_COUNT; i++) {
        const char *names[] = {pk_setting_rows[i].name, pk_setting_rows[i].alias};
        for (size_t k = 0; k < 2; k++)
            if (names[k] && strncmp(names[k], path, n) == 0 && names[k][n] == '.')
                return true;
    }
    return false;
}

static void unknown_key(struct loader *l, const char *path, const char *place) {
    const char *words[2 * PK_SET_COUNT + PK_ARRAY_LEN(foreign_keys)], *near[2];
    size_t n = 0;
    for (size_t i = 0; i < PK_SET_COUNT; i++) {
        words[n++] = pk_setting_rows[i].name;
        if (pk_setting_rows[i].alias)
            words[n++] = pk_setting_rows[i].alias;
    }
    for (size_t i = 0; i < PK_ARRAY_LEN(foreign_keys); i++)
        words[n++] = foreign_keys[i];
    struct pk_diag *d =
        finding(l, PK_SEVERITY_ERROR, "field.unknown", place, "`%s` is not a setting", path);
    size_t found = pk_suggest(path, words, n, near, 2);
    if (found == 2)
        pk_diag_help(l->diags, d, "did you mean `%s` or `%s`?", near[0], near[1]);
    else if (found == 1)
        pk_diag_help(l->diags, d, "did you mean `%s`?", near[0]);
}

static void read_map(struct loader *l, const struct pk_node *map, const char *prefix) {
    for (size_t i = 0; i < map->n_pairs; i++) {
        const struct pk_pair *pair = &map->pairs[i];
        const char *path =
            *prefix ? pk_arena_printf(l->arena, "%s.%s", prefix, pair->key) : pair->key;
        const char *place =
            pk_arena_printf(l->arena, "%s:%u", pair->key_span.src->path, pair->key_span.line);
        enum pk_setting which;
        if (find_setting(path, &which)) {
            if (pair->value->kind != PK_NODE_SCALAR)
                finding(l, PK_SEVERITY_ERROR, "field.type", place, "`%s` takes one value", path);
            else if (!pair->value->null)
                offer(l, which, pair->value->text, place);
        } else if (is_block(path) && (pair->value->kind == PK_NODE_MAP || pair->value->null)) {
            read_map(l, pair->value, path);
        } else if (is_block(path)) {
            finding(l, PK_SEVERITY_ERROR, "field.type", place, "`%s` holds a map", path);
        } else if (!is_foreign(path)) {
            unknown_key(l, path, place);
        }
    }
}

/* Reads one settings file; `shown` is how people see its path. */
static void read_file(struct loader *l, const char *path, const char *shown) {
    struct pk_diags *found PK_CLEANUP(pk_diags_freep) = pk_diags_new();
    struct pk_source *source = pk_source_read(l->arena, path, shown, (struct pk_span){0}, found);
    struct pk_document *docs = NULL;
    size_t n = 0;
    if (source)
        pk_yaml_parse(l->arena, source, found, &docs, &n);
    for (size_t i = 0; i < pk_diags_len(found); i++) {
        const struct pk_diag *d = pk_diags_at(found, i);
        const char *place =
            d->span.src ? pk_arena_printf(l->arena, "%s:%u", shown, d->span.line) : shown;
        struct pk_diag *copy = finding(l, d->severity, d->id, place, "%s", d->message);
        if (d->help)
            pk_diag_help(l->diags, copy, "%s", d->help);
    }
    if (pk_diags_has_errors(found))
        return;
    for (size_t i = 0; i < n; i++) {
        if (!docs[i].root)
            continue;
        if (docs[i].root->kind == PK_NODE_MAP)
            read_map(l, docs[i].root, "");
        else if (!docs[i].root->null)
            finding(l, PK_SEVERITY_ERROR, "field.type", shown, "a map of settings is expected");
    }
}

/* The folder of the repository that `dir` lies in; NULL outside of one. malloc'ed. */
static char *repository_root(const char *dir) {
    char *at = pk_strdup(dir);
    for (;;) {
        char *git PK_CLEANUP(pk_freep) = pk_path_join(at, ".git");
        if (pk_path_exists(git))
            return at;
        if (strcmp(at, "/") == 0) {
            free(at);
            return NULL;
        }
        char *up = pk_path_dir(at);
        free(at);
        at = up;
    }
}

/* Relative to the current folder where it lies below it. */
static const char *shown_path(struct pk_arena *arena, const char *path) {
    char *here PK_CLEANUP(pk_freep) = pk_real_path(".", NULL);
    size_t n = here ? strlen(here) : 0;
    if (n > 1 && strncmp(path, here, n) == 0 && path[n] == '/')
        return pk_arena_strdup(arena, path + n + 1);
    return pk_arena_strdup(arena, path);
}

/*
 * .panka.yaml of the nearest folder from start_dir up to the repository's root. Outside a
 * repository only start_dir counts: a file that somebody left in /tmp must not redirect anybody's
 * state.
 */
static void read_repository_file(struct loader *l) {
    char *at = pk_real_path(l->source->start_dir ? l->source->start_dir : ".", NULL);
    if (!at)
        return;
    char *root PK_CLEANUP(pk_freep) = repository_root(at);
    for (;;) {
        char *path PK_CLEANUP(pk_freep) = pk_path_join(at, ".panka.yaml");
        if (pk_path_exists(path)) {
            read_file(l, path, shown_path(l->arena, path));
            break;
        }
        if (!root || strcmp(at, root) == 0)
            break;
        char *up = pk_path_dir(at);
        free(at);
        at = up;
    }
    free(at);
}

/* A file named by hand: missing is worth a word, but `panka init --config FILE` is about to make
 * it.
 */
static void read_named_file(struct loader *l, const char *path) {
    if (pk_path_exists(path)) {
        read_file(l, path, path);
        return;
    }
    struct pk_diag *d =
        finding(l, PK_SEVERITY_WARNING, "file.missing", path, "there is no such settings file");
    pk_diag_help(l->diags, d, "panka init --config %s", path);
}

static void read_user_file(struct loader *l) {
    const char *named =
        l->source->config_path ? l->source->config_path : read_env(l->source, "PANKA_CONFIG");
    if (named && *named) {
        read_named_file(l, named);
        return;
    }
    char *dir PK_CLEANUP(pk_freep) = pk_panka_dir();
    if (!dir)
        return;
    char *path PK_CLEANUP(pk_freep) = pk_path_join(dir, "config.yaml");
    char *home PK_CLEANUP(pk_freep) = pk_home_dir();
    const char *shown = path;
    size_t n = home ? strlen(home) : 0;
    if (n > 1 && strncmp(path, home, n) == 0 && path[n] == '/')
        shown = pk_arena_printf(l->arena, "~%s", path + n);
    if (pk_path_exists(path))
        read_file(l, path, shown);
}

/* A lease must survive two lost heartbeats, and the item in the table its lease. */
static void check_lock_times(struct loader *l) {
    const struct value *lease = &l->settings->values[PK_SET_LOCK_LEASE];
    int64_t lease_s = pk_setting_int(l->settings, PK_SET_LOCK_LEASE);
    if (lease_s < 3 * pk_setting_int(l->settings, PK_SET_LOCK_HEARTBEAT))
        finding(l, PK_SEVERITY_ERROR, "field.range", lease->origin,
                "locks.lease (%s) must be at least three times locks.heartbeat (%s)", lease->text,
                pk_setting(l->settings, PK_SET_LOCK_HEARTBEAT));
    if (pk_setting_int(l->settings, PK_SET_LOCK_TTL) < lease_s)
        finding(l, PK_SEVERITY_ERROR, "field.range", l->settings->values[PK_SET_LOCK_TTL].origin,
                "locks.ttl (%s) must not be shorter than locks.lease (%s)",
                pk_setting(l->settings, PK_SET_LOCK_TTL), lease->text);
}

bool pk_settings_load(const struct pk_settings_source *source, struct pk_diags *diags,
                      struct pk_settings **ret, struct pk_error **err) {
    (void)err; /* what is wrong with settings are findings */
    struct pk_settings *settings = pk_calloc(1, sizeof(*settings));
    settings->arena = pk_arena_new();
    struct loader l = {settings, settings->arena, diags, source};
    read_flags_and_env(&l);
    read_repository_file(&l);
    read_user_file(&l);
    for (enum pk_setting i = 0; i < PK_SET_COUNT; i++)
        offer(&l, i, pk_setting_rows[i].def, "default");
    check_lock_times(&l);
    *ret = settings;
    return true;
}

void pk_settings_free(struct pk_settings *settings) {
    if (!settings)
        return;
    pk_arena_free(settings->arena);
    free(settings);
}

const char *pk_setting(const struct pk_settings *settings, enum pk_setting which) {
    return settings->values[which].text;
}

int64_t pk_setting_int(const struct pk_settings *settings, enum pk_setting which) {
    const char *text = settings->values[which].text;
    int64_t n = 0;
    bool ok = text &&
              (pk_setting_rows[which].type == PK_SETTING_DURATION ? pk_duration_parse(text, &n)
                                                                  : pk_parse_i64(pk_str(text), &n));
    return ok ? n : 0;
}

const char *pk_setting_origin(const struct pk_settings *settings, enum pk_setting which) {
    return settings->values[which].origin;
}

char *pk_panka_dir(void) {
    const char *own = getenv("PANKA_HOME");
    if (own && *own)
        return pk_strdup(own);
    char *home PK_CLEANUP(pk_freep) = pk_home_dir();
    return home ? pk_path_join(home, ".panka") : NULL;
}
