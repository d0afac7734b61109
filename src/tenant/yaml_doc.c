/* yaml_doc.c - YAML to JSON values and back. */
#include "tenant/yaml_doc.h"

#include "yaml/yaml.h"
#include "json/json.h"

#include <stdlib.h>
#include <string.h>

static json_t *scalar(const struct pk_node *node) {
    const char *digits = node->text + (node->text[0] == '-');
    int64_t n;
    if (node->null)
        return json_null();
    if (node->plain && strcmp(node->text, "true") == 0)
        return json_true();
    if (node->plain && strcmp(node->text, "false") == 0)
        return json_false();
    /* account numbers may begin with 0: no number then */
    if (node->plain && node->text[0] != '+' && (digits[0] != '0' || !digits[1]) &&
        pk_parse_i64(pk_str(node->text), &n))
        return json_integer(n);
    return pk_json_text(node->text);
}

static json_t *convert(const struct pk_node *node) {
    if (node->kind == PK_NODE_SCALAR)
        return scalar(node);
    json_t *value = node->kind == PK_NODE_MAP ? json_object() : json_array();
    for (size_t i = 0; i < node->n_pairs; i++)
        json_object_set_new(value, node->pairs[i].key, convert(node->pairs[i].value));
    for (size_t i = 0; i < node->n_items; i++)
        json_array_append_new(value, convert(node->items[i]));
    return value;
}

bool pk_yaml_doc_parse(const char *text, size_t len, const char *what, json_t **ret,
                       struct pk_error **err) {
    struct pk_arena *arena PK_CLEANUP(pk_arena_freep) = pk_arena_new();
    struct pk_diags *diags PK_CLEANUP(pk_diags_freep) = pk_diags_new();
    struct pk_source source = {what, text, len};
    struct pk_document *docs = NULL;
    size_t n = 0;
    pk_yaml_parse(arena, &source, diags, &docs, &n);
    for (size_t i = 0; i < pk_diags_len(diags); i++) {
        const struct pk_diag *d = pk_diags_at(diags, i);
        if (d->severity == PK_SEVERITY_ERROR)
            return pk_fail(err, PK_E_STATE_INVALID, "%s:%u: %s", what, d->span.line, d->message);
    }
    if (n != 1 || !docs[0].root || docs[0].root->kind != PK_NODE_MAP)
        return pk_fail(err, PK_E_STATE_INVALID, "%s: one YAML map is expected", what);
    *ret = convert(docs[0].root);
    return true;
}

/* --- writing */

static bool is_plain_word(const char *text) {
    static const char letters[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ";
    static const char *const special[] = {"true", "false", "null", "yes", "no",
                                          "on",   "off",   "y",    "n",   "nan"};
    size_t n = strlen(text);
    if (n == 0 || !strchr(letters, text[0]) || text[n - 1] == ' ' || text[n - 1] == ':')
        return false;
    for (size_t i = 0; i < PK_ARRAY_LEN(special); i++)
        if (pk_strieq(text, special[i]))
            return false;
    for (size_t i = 0; i < n; i++) {
        bool separator = text[i] == ':' && text[i + 1] == ' ';
        if (separator || (!strchr(letters, text[i]) && !strchr("0123456789._/:@+ -", text[i])))
            return false;
    }
    return true;
}

static void write_text(const char *text, struct pk_buf *ret) {
    if (is_plain_word(text)) {
        pk_buf_addz(ret, text);
        return;
    }
    pk_buf_addc(ret, '"');
    for (const unsigned char *p = (const unsigned char *)text; *p; p++) {
        if (*p == '"' || *p == '\\')
            pk_buf_addf(ret, "\\%c", *p);
        else if (*p == '\n')
            pk_buf_addz(ret, "\\n");
        else if (*p == '\t')
            pk_buf_addz(ret, "\\t");
        else if (*p < 0x20 || *p == 0x7f)
            pk_buf_addf(ret, "\\x%02x", *p);
        else
            pk_buf_addc(ret, (char)*p);
    }
    pk_buf_addc(ret, '"');
}

static void write_scalar(const json_t *value, struct pk_buf *ret) {
    if (json_is_string(value)) {
        write_text(json_string_value(value), ret);
    } else if (json_is_boolean(value)) {
        pk_buf_addz(ret, json_is_true(value) ? "true" : "false");
    } else if (json_is_null(value)) {
        pk_buf_addz(ret, "null");
    } else {
        char *number PK_CLEANUP(pk_freep) = pk_json_canonical(value);
        pk_buf_addz(ret, number);
    }
}

static bool is_container(const json_t *value) {
    return json_is_object(value) || json_is_array(value);
}

/* Empty, or a list of scalars. */
static bool fits_one_line(const json_t *value) {
    if (json_is_object(value))
        return json_object_size(value) == 0;
    for (size_t i = 0; i < json_array_size(value); i++)
        if (is_container(json_array_get(value, i)))
            return false;
    return true;
}

static void write_flow(const json_t *value, struct pk_buf *ret) {
    if (json_is_object(value)) {
        pk_buf_addz(ret, "{}");
        return;
    }
    pk_buf_addc(ret, '[');
    for (size_t i = 0; i < json_array_size(value); i++) {
        const json_t *item = json_array_get(value, i);
        pk_buf_addz(ret, i ? ", " : "");
        write_scalar(item, ret);
    }
    pk_buf_addc(ret, ']');
}

static void write_block(const json_t *value, int indent, bool first_inline, struct pk_buf *ret);

/* What stands after "key:" or, for list items, after "- ". */
static void write_value(const json_t *value, int indent, struct pk_buf *ret) {
    if (!is_container(value)) {
        pk_buf_addc(ret, ' ');
        write_scalar(value, ret);
        pk_buf_addc(ret, '\n');
    } else if (fits_one_line(value)) {
        pk_buf_addc(ret, ' ');
        write_flow(value, ret);
        pk_buf_addc(ret, '\n');
    } else {
        pk_buf_addc(ret, '\n');
        write_block(value, indent + 2, false, ret);
    }
}

static void write_block(const json_t *value, int indent, bool first_inline, struct pk_buf *ret) {
    const char *key;
    json_t *item, *walk = (json_t *)(uintptr_t)value; /* only read */
    if (json_is_object(value)) {
        json_object_foreach(walk, key, item) {
            pk_buf_addf(ret, "%*s", first_inline ? 0 : indent, "");
            first_inline = false;
            write_text(key, ret);
            pk_buf_addc(ret, ':');
            write_value(item, indent, ret);
        }
        return;
    }
    for (size_t i = 0; i < json_array_size(value); i++) {
        item = json_array_get(value, i);
        pk_buf_addf(ret, "%*s-", indent, "");
        if (json_is_object(item) && json_object_size(item) > 0) {
            pk_buf_addc(ret, ' ');
            write_block(item, indent + 2, true, ret);
        } else {
            write_value(item, indent, ret);
        }
    }
}

void pk_yaml_doc_write(const json_t *value, struct pk_buf *ret) {
    write_block(value, 0, false, ret);
}

bool pk_yaml_doc_text(const json_t *value, const char *what, char **ret, struct pk_error **err) {
    struct pk_buf text PK_CLEANUP(pk_buf_release) = PK_BUF_INIT(PK_YAML_MAX_FILE);
    json_t *again PK_CLEANUP(json_decrefp) = NULL;
    pk_yaml_doc_write(value, &text);
    if (text.overflow)
        return pk_fail(err, PK_E_UNSUPPORTED, "%s would be larger than 1 MiB", what);
    if (!pk_yaml_doc_parse(pk_buf_cstr(&text), text.len, what, &again, err))
        return false;
    if (!pk_json_equal(value, again))
        return pk_fail(err, PK_E_INTERNAL, "%s cannot be written as YAML", what);
    *ret = pk_buf_steal(&text);
    return true;
}

const char *pk_yaml_doc_str(struct pk_arena *arena, const json_t *root, const char *path) {
    const json_t *value = pk_json_at(root, path);
    if (json_is_string(value))
        return pk_arena_strdup(arena, json_string_value(value));
    if (json_is_integer(value))
        return pk_arena_printf(arena, "%lld", (long long)json_integer_value(value));
    return NULL;
}
