/* edit.c - changes single lines of a settings file and leaves all others as they are. */
#include "config/internal.h"

#include "base/fs.h"
#include "base/str.h"
#include "yaml/yaml.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* The file while it is edited; parsed anew after every change, because places move. */
struct file {
    const char *path;
    struct pk_buf text;
};

struct parsed {
    struct pk_arena *arena;
    struct pk_source source;
    struct pk_node *root; /* NULL for an empty file */
};

static void parsed_release(struct parsed *p) {
    pk_arena_free(p->arena);
}

static bool parse(const struct file *f, struct parsed *ret, struct pk_error **err) {
    struct pk_diags *diags PK_CLEANUP(pk_diags_freep) = pk_diags_new();
    struct pk_document *docs = NULL;
    size_t n = 0;
    ret->arena = pk_arena_new();
    ret->source = (struct pk_source){f->path, pk_buf_cstr(&f->text), f->text.len};
    pk_yaml_parse(ret->arena, &ret->source, diags, &docs, &n);
    if (pk_diags_has_errors(diags) || n > 1) {
        const struct pk_diag *d = pk_diags_len(diags) > 0 ? pk_diags_at(diags, 0) : NULL;
        parsed_release(ret);
        return pk_fail(err, PK_E_CONFIG, "%s cannot be changed: %s", f->path,
                       d ? d->message : "it has several documents");
    }
    ret->root = n == 1 ? docs[0].root : NULL;
    if (ret->root && ret->root->null)
        ret->root = NULL;
    return true;
}

/* Byte offset of a place; columns count code points. */
static size_t offset_of(const struct pk_source *source, uint32_t line, uint32_t column) {
    size_t at = 0;
    for (uint32_t l = 1; l < line && at < source->len; at++)
        l += source->text[at] == '\n';
    for (uint32_t c = 1; c < column && at < source->len; c++)
        do
            at++;
        while (at < source->len && ((unsigned char)source->text[at] & 0xC0) == 0x80);
    return at;
}

static void replace(struct file *f, size_t from, size_t to, const char *with) {
    struct pk_buf out = PK_BUF_INIT(PK_YAML_MAX_FILE);
    pk_buf_add(&out, f->text.ptr, from);
    pk_buf_addz(&out, with);
    if (to < f->text.len)
        pk_buf_add(&out, f->text.ptr + to, f->text.len - to);
    pk_buf_release(&f->text);
    f->text = out;
}

/* Plain where no YAML reader could take it for something else than this text. */
static char *quoted(const char *value) {
    static const char letters[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ";
    static const char *const words[] = {"true", "false", "null", "yes", "no", "on", "off"};
    bool plain = *value && strchr(letters, *value) && value[strlen(value) - 1] != ':';
    for (size_t i = 0; i < PK_ARRAY_LEN(words); i++)
        plain = plain && !pk_strieq(value, words[i]);
    for (const char *p = value; *p; p++)
        plain = plain && (strchr(letters, *p) || strchr("0123456789._/:@-", *p));
    if (plain)
        return pk_strdup(value);
    struct pk_buf out = PK_BUF_INIT(PK_YAML_MAX_FILE);
    pk_buf_addc(&out, '"');
    for (const char *p = value; *p; p++) {
        if (*p == '"' || *p == '\\')
            pk_buf_addc(&out, '\\');
        pk_buf_addc(&out, *p);
    }
    pk_buf_addc(&out, '"');
    return pk_buf_steal(&out);
}

static struct pk_pair *pair_at(struct pk_node *root, const char *path) {
    if (!path || !root)
        return NULL;
    const char *dot = strchr(path, '.');
    if (!dot)
        return pk_node_pair(root, path);
    char *head PK_CLEANUP(pk_freep) = pk_strndup(path, (size_t)(dot - path));
    return pair_at(pk_node_get(root, head), dot + 1);
}

static void append(struct file *f, const char *text) {
    if (f->text.len > 0 && f->text.ptr[f->text.len - 1] != '\n')
        pk_buf_addc(&f->text, '\n');
    pk_buf_addz(&f->text, text);
}

/* A new first key of an existing block, indented like the keys that are there. */
static bool insert_into(struct file *f, const struct parsed *p, const struct pk_pair *block,
                        const char *key, const char *value, struct pk_error **err) {
    const struct pk_node *map = block->value;
    bool empty = map->null;
    if (!empty && (map->kind != PK_NODE_MAP || map->n_pairs == 0 ||
                   map->pairs[0].key_span.line == block->key_span.line))
        return pk_fail(err, PK_E_CONFIG,
                       "%s:%u: `%s` is not written as a block, so %s cannot be "
                       "added to it",
                       f->path, block->key_span.line, block->key, key);
    unsigned indent = empty ? block->key_span.column + 1 : map->pairs[0].key_span.column - 1;
    /* before the first key: its line begins after all comments that belong to the block's head */
    uint32_t line = empty ? block->key_span.line + 1 : map->pairs[0].key_span.line;
    size_t at = offset_of(&p->source, line, 1);
    bool broken = at > 0 && f->text.ptr[at - 1] != '\n';
    char *text PK_CLEANUP(pk_freep) =
        pk_asprintf("%s%*s%s: %s\n", broken ? "\n" : "", (int)indent, "", key, value);
    replace(f, at, at, text);
    return true;
}

static bool add(struct file *f, const struct parsed *p, const char *path, const char *value,
                struct pk_error **err) {
    const char *dot = strchr(path, '.');
    if (!dot) {
        char *line PK_CLEANUP(pk_freep) = pk_asprintf("%s: %s\n", path, value);
        append(f, line);
        return true;
    }
    char *block PK_CLEANUP(pk_freep) = pk_strndup(path, (size_t)(dot - path));
    const struct pk_pair *pair = p->root ? pk_node_pair(p->root, block) : NULL;
    if (pair)
        return insert_into(f, p, pair, dot + 1, value, err);
    char *lines PK_CLEANUP(pk_freep) = pk_asprintf("%s:\n  %s: %s\n", block, dot + 1, value);
    append(f, lines);
    return true;
}

static bool set_one(struct file *f, enum pk_setting which, const char *text,
                    struct pk_error **err) {
    const struct pk_setting_row *row = &pk_setting_rows[which];
    struct parsed p PK_CLEANUP(parsed_release) = {0};
    if (!parse(f, &p, err))
        return false;
    if (p.root && p.root->kind != PK_NODE_MAP)
        return pk_fail(err, PK_E_CONFIG, "%s is not a map of settings", f->path);
    char *value PK_CLEANUP(pk_freep) = quoted(text);
    struct pk_pair *pair = pair_at(p.root, row->name);
    if (!pair)
        pair = pair_at(p.root, row->alias);
    if (!pair)
        return add(f, &p, row->name, value, err);
    const struct pk_node *old = pair->value;
    if (old->kind != PK_NODE_SCALAR || old->span.line != old->span.end_line)
        return pk_fail(err, PK_E_CONFIG, "%s:%u: `%s` is not one value on one line", f->path,
                       pair->key_span.line, pair->key);
    if (pk_streq(old->text, text))
        return true;
    size_t from = offset_of(&p.source, old->span.line, old->span.column);
    size_t to = offset_of(&p.source, old->span.end_line, old->span.end_column);
    if (from == to) { /* an empty value: the place after the colon */
        char *spaced PK_CLEANUP(pk_freep) = pk_asprintf(" %s", value);
        from = offset_of(&p.source, pair->key_span.end_line, pair->key_span.end_column) + 1;
        replace(f, from, from, spaced);
        return true;
    }
    replace(f, from, to, value);
    return true;
}

/* What was asked for must be what the next run will read: else the old file stays. */
static bool verify(const struct file *f, const char *const values[PK_SET_COUNT],
                   struct pk_error **err) {
    struct parsed p PK_CLEANUP(parsed_release) = {0};
    if (!parse(f, &p, err))
        return false;
    for (size_t i = 0; i < PK_SET_COUNT; i++) {
        if (!values[i])
            continue;
        struct pk_pair *pair = pair_at(p.root, pk_setting_rows[i].name);
        if (!pair)
            pair = pair_at(p.root, pk_setting_rows[i].alias);
        if (!pair || pair->value->kind != PK_NODE_SCALAR || !pk_streq(pair->value->text, values[i]))
            return pk_fail(err, PK_E_CONFIG,
                           "%s cannot be changed without rewriting it; set `%s: "
                           "%s` by hand",
                           f->path, pk_setting_rows[i].name, values[i]);
    }
    return true;
}

static bool check_values(const char *const values[PK_SET_COUNT], struct pk_error **err) {
    struct pk_arena *arena PK_CLEANUP(pk_arena_freep) = pk_arena_new();
    for (size_t i = 0; i < PK_SET_COUNT; i++) {
        const char *why = NULL;
        if (values[i] && !pk_setting_check(&pk_setting_rows[i], values[i], arena, &why))
            return pk_fail(err, PK_E_CONFIG, "\"%s\" is no value of %s: %s", values[i],
                           pk_setting_rows[i].name, why);
    }
    return true;
}

bool pk_settings_save(const char *config_path, const char *const values[PK_SET_COUNT],
                      struct pk_error **err) {
    char *own PK_CLEANUP(pk_freep) = pk_panka_dir();
    if (!config_path && !own)
        return pk_fail(err, PK_E_IO, "the home folder is not known") ||
               pk_error_hint(err, "set PANKA_HOME, or pass --config FILE");
    char *named PK_CLEANUP(pk_freep) =
        config_path ? pk_strdup(config_path) : pk_path_join(own, "config.yaml");
    /* through symlinks to the real file: people keep these in a repository of their own */
    char *path PK_CLEANUP(pk_freep) =
        pk_path_exists(named) ? pk_real_path(named, NULL) : pk_strdup(named);
    if (!path)
        return pk_fail(err, PK_E_IO, "cannot find the file behind %s", named);
    struct file f = {.path = named};
    pk_buf_init(&f.text, PK_YAML_MAX_FILE);
    bool ok = check_values(values, err);
    if (ok && pk_path_exists(path))
        ok = pk_read_file(path, PK_YAML_MAX_FILE, &f.text, err);
    else if (ok)
        pk_buf_addz(&f.text, "version: v1\n");
    f.text.max = PK_YAML_MAX_FILE;
    for (enum pk_setting i = 0; ok && i < PK_SET_COUNT; i++)
        ok = !values[i] || set_one(&f, i, values[i], err);
    ok = ok && verify(&f, values, err);
    char *dir PK_CLEANUP(pk_freep) = pk_path_dir(path);
    ok = ok && pk_mkdir_p(dir, 0700, err) && pk_write_file(path, f.text.ptr, f.text.len, 0600, err);
    pk_buf_release(&f.text);
    return ok;
}
