/* expand.c - `${…}` in texts: syntax, defaults, and how the parts come together.
 */
#include "model/load.h"
#include "json/json.h"

#include <ctype.h>
#include <string.h>

/* Longest list of texts and outputs that one value may become. */
#define MAX_PARTS 2000

/* A part of r->text; pointers stay inside it so that places can be told. */
struct range {
    const char *start, *end;
};

static json_t *expand_range(struct pk_resolution *r, struct range range);

/* Byte offset of a place in its source. */
static size_t offset_of(const struct pk_span *span) {
    size_t at = 0;
    uint32_t line = 1, column = 1;
    while (at < span->src->len && (line < span->line || column < span->column)) {
        unsigned char c = (unsigned char)span->src->text[at++];
        if (c == '\n') {
            line++;
            column = 1;
        } else {
            /* continuation bytes belong to the code point before them */
            unsigned char next = at < span->src->len ? (unsigned char)span->src->text[at] : 0;
            column += (next & 0xC0) != 0x80;
        }
    }
    return at;
}

struct pk_span pk_place_in(const struct pk_resolution *r, const char *at, size_t len) {
    if (!r->node)
        return (struct pk_span){0};
    const struct pk_span *node = &r->node->span;
    if (!node->src || r->node->text != r->text)
        return *node;
    /* the n-th `${` of the text is the n-th in the source, whatever quotes and folding do */
    size_t wanted = 0;
    const char *open = NULL;
    for (const char *c = strstr(r->text, "${"); c && c <= at; c = strstr(c + 2, "${")) {
        wanted++;
        open = c;
    }
    struct pk_span span = *node;
    for (size_t i = offset_of(node); open && i + 1 < node->src->len; i++) {
        const char *c = node->src->text + i;
        if (c[0] == '$' && c[1] == '{' && --wanted == 0) {
            span.column += (uint32_t)(at - open);
            span.end_line = span.line;
            span.end_column = span.column + (uint32_t)len;
            return span;
        }
        if (c[0] == '\n') {
            span.line++;
            span.column = 1;
        } else if ((c[1] & 0xC0) != 0x80) {
            span.column++;
        }
    }
    return *node;
}

bool pk_is_variable_name(struct pk_str name) {
    if (name.len == 0 || isdigit((unsigned char)name.ptr[0]))
        return false;
    for (size_t i = 0; i < name.len; i++)
        if (!isalnum((unsigned char)name.ptr[i]) && name.ptr[i] != '_')
            return false;
    return true;
}

/* The brace that closes; braces inside defaults must balance. */
static const char *find_close(const char *from, const char *end) {
    size_t depth = 1;
    for (const char *c = from; c < end; c++) {
        if (*c == '{')
            depth++;
        else if (*c == '}' && --depth == 0)
            return c;
    }
    return NULL;
}

static json_t *fail_syntax(struct pk_resolution *r, const char *at, size_t len, const char *message,
                           const char *help) {
    struct pk_diags *diags = r->scope->loader->diags;
    struct pk_span span = pk_place_in(r, at, len);
    struct pk_diag *d = pk_diag(diags, PK_SEVERITY_ERROR, "var.syntax", span, "%s", message);
    if (span.src)
        pk_diag_label(diags, d, "column %u", span.column);
    if (help)
        pk_diag_help(diags, d, "%s", help);
    return NULL;
}

static bool is_empty_text(const json_t *value) {
    return json_is_string(value) && json_string_length(value) == 0;
}

static json_t *expand_variable(struct pk_resolution *r, const char *dollar, struct pk_str name,
                               const struct range *fallback) {
    PK_CLEANUP(pk_freep) char *text = pk_strndup(name.ptr, name.len);
    bool found;
    json_t *value = pk_variable(r, text, &found);
    if (found && !value)
        return NULL;
    if (fallback && (!found || is_empty_text(value))) {
        json_decref(value);
        return expand_range(r, *fallback);
    }
    if (!found)
        pk_report_unknown_variable(r, text, dollar);
    return value;
}

/* A warning when `${a.b}` could mean a variable of service a as well as an output of component a.
 */
static void note_ambiguous(struct pk_resolution *r, const char *dollar, const char *left,
                           const char *right) {
    struct pk_loader *l = r->scope->loader;
    const struct pk_component *c = pk_resolve_component(r->scope, left, (struct pk_span){0}, true);
    if (!c || !c->table || !pk_output_find(c->table, right))
        return;
    struct pk_diag *d = pk_diag(l->diags, PK_SEVERITY_WARNING, "ref.ambiguous",
                                pk_place_in(r, dollar, strlen(left) + strlen(right) + 4),
                                "`%s.%s` is a variable of service %s and an output of component %s",
                                left, right, left, c->address);
    pk_diag_label(l->diags, d, "the variable is taken");
    pk_diag_help(l->diags, d, "write `${%s.%s}` for the output", c->address, right);
}

/* `${a.b}`: a variable of service a, else an output of component a. */
static json_t *expand_dotted(struct pk_resolution *r, const char *dollar, struct pk_str name,
                             const struct range *fallback) {
    const char *dot = memchr(name.ptr, '.', name.len);
    PK_CLEANUP(pk_freep) char *left = pk_strndup(name.ptr, (size_t)(dot - name.ptr));
    PK_CLEANUP(pk_freep) char *right = pk_strndup(dot + 1, name.len - (size_t)(dot - name.ptr) - 1);
    struct pk_service *service = pk_map_get(r->scope->loader->services, left);
    bool found = false;
    json_t *value = NULL;
    if (service) {
        value = pk_service_variable(r, service, right, &found);
        if (found)
            note_ambiguous(r, dollar, left, right);
    }
    if (!found) {
        struct pk_span component = pk_place_in(r, name.ptr, strlen(left));
        struct pk_span output = pk_place_in(r, dot + 1, strlen(right));
        value = pk_component_output(r, left, right, component, output, fallback != NULL, &found);
    }
    if (found && !value)
        return NULL;
    if (fallback && (!found || is_empty_text(value))) {
        json_decref(value);
        return expand_range(r, *fallback);
    }
    return value;
}

static bool is_dotted(struct pk_str name) {
    const char *dot = memchr(name.ptr, '.', name.len);
    if (!dot || dot == name.ptr || dot + 1 == name.ptr + name.len)
        return false;
    for (size_t i = 0; i < name.len; i++) {
        unsigned char c = (unsigned char)name.ptr[i];
        if (!isalnum(c) && c != '-' && c != '_' && c != '.' && !(c == '/' && name.ptr + i < dot))
            return false;
    }
    return true;
}

/* What stands between `${` and `}`. */
static json_t *expand_reference(struct pk_resolution *r, const char *dollar, struct range inner) {
    size_t len = (size_t)(inner.end - inner.start);
    const char *colon = memmem(inner.start, len, ":-", 2);
    struct range fallback = {colon ? colon + 2 : NULL, inner.end};
    struct pk_str name = pk_str_n(inner.start, (size_t)((colon ? colon : inner.end) - inner.start));
    size_t whole = (size_t)(inner.end + 1 - dollar);
    if (name.len == 0)
        return fail_syntax(r, dollar, whole, "`${}` without a name",
                           "write `${NAME}`; `$${` stands for a literal `${`");
    if (pk_is_variable_name(name))
        return expand_variable(r, dollar, name, colon ? &fallback : NULL);
    if (is_dotted(name))
        return expand_dotted(r, dollar, name, colon ? &fallback : NULL);
    return fail_syntax(r, dollar, whole, "this is no reference",
                       "the forms are `${NAME}`, `${NAME:-default}`, `${service.NAME}` and "
                       "`${component.output}`; `$${` stands for a literal `${`");
}

/* Parts of a text that is being put together. */
struct parts {
    json_t *list; /* made with the first token */
    struct pk_buf text;
    bool failed;
};

static void end_text(struct parts *parts) {
    if (parts->text.len)
        json_array_append_new(parts->list, pk_json_text(pk_buf_cstr(&parts->text)));
    pk_buf_reset(&parts->text);
}

static void add_part(struct parts *parts, json_t *value) {
    const json_t *inner = json_object_get(value, "$join");
    if (!value) {
        parts->failed = true;
    } else if (json_is_string(value)) {
        pk_buf_addz(&parts->text, json_string_value(value));
        json_decref(value);
    } else if (inner) {
        for (size_t i = 0; i < json_array_size(inner); i++)
            add_part(parts, json_incref(json_array_get(inner, i)));
        json_decref(value);
    } else {
        if (!parts->list)
            parts->list = json_array();
        end_text(parts);
        json_array_append_new(parts->list, value);
    }
}

static json_t *put_together(struct parts *parts) {
    json_t *value = NULL;
    if (parts->failed) {
        json_decref(parts->list);
    } else if (!parts->list) {
        value = pk_json_text(pk_buf_cstr(&parts->text));
    } else {
        end_text(parts);
        if (json_array_size(parts->list) == 1) {
            value = json_incref(json_array_get(parts->list, 0));
            json_decref(parts->list);
        } else {
            value = json_object();
            json_object_set_new(value, "$join", parts->list);
        }
    }
    pk_buf_release(&parts->text);
    return value;
}

static json_t *expand_range(struct pk_resolution *r, struct range range) {
    struct parts parts = {.text = PK_BUF_INIT(PK_YAML_MAX_FILE)};
    const char *c = range.start;
    while (c < range.end) {
        const char *dollar = memchr(c, '$', (size_t)(range.end - c));
        size_t left = dollar ? (size_t)(range.end - dollar) : 0;
        if (!dollar) {
            pk_buf_add(&parts.text, c, (size_t)(range.end - c));
            break;
        }
        pk_buf_add(&parts.text, c, (size_t)(dollar - c));
        if (left >= 3 && dollar[1] == '$' && dollar[2] == '{') {
            pk_buf_addz(&parts.text, "${");
            c = dollar + 3;
        } else if (left >= 2 && dollar[1] == '{') {
            const char *close = find_close(dollar + 2, range.end);
            if (!close) {
                fail_syntax(r, dollar, 2, "`${` is never closed",
                            "add `}`; `$${` stands for a literal `${`");
                parts.failed = true;
                break;
            }
            add_part(&parts, expand_reference(r, dollar, (struct range){dollar + 2, close}));
            c = close + 1;
        } else {
            pk_buf_addc(&parts.text, '$');
            c = dollar + 1;
        }
    }
    if (!parts.failed && (parts.text.overflow || json_array_size(parts.list) > MAX_PARTS)) {
        fail_syntax(r, range.start, 0, "the text is too large once its variables are in",
                    "at most 1 MiB of text and 1,000 outputs of components");
        parts.failed = true;
    }
    return put_together(&parts);
}

json_t *pk_expand_text(struct pk_resolution *r, const char *text) {
    r->text = text;
    return expand_range(r, (struct range){text, text + strlen(text)});
}

const char *pk_single_variable(struct pk_arena *arena, const char *text) {
    size_t len = strlen(text);
    if (len < 4 || text[0] != '$' || text[1] != '{' ||
        find_close(text + 2, text + len) != text + len - 1)
        return NULL;
    const char *colon = strstr(text, ":-");
    struct pk_str name = pk_str_n(text + 2, colon ? (size_t)(colon - text) - 2 : len - 3);
    return pk_is_variable_name(name) ? pk_arena_strndup(arena, name.ptr, name.len) : NULL;
}
