/* shape.c - field tables made into trees, once per table. */
#include "schema/shape.h"

#include <ctype.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Trees made so far; there is one table per kind, so a list is enough. */
struct made {
    const struct pk_kind_table *kind;
    bool with_common;
    struct pk_shape *root;
    struct made *next;
};

static struct made *all_made;
static pthread_mutex_t made_lock = PTHREAD_MUTEX_INITIALIZER;

PK_NORETURN static void broken(const struct pk_field *field, const char *what) {
    char text[512];
    pk_assert(field);
    snprintf(text, sizeof(text), "field table row \"%s\": %s", field->path, what);
    pk_assert_failed(text, __FILE__, __LINE__);
}

static struct pk_shape *add_child(struct pk_shape *parent, struct pk_str name) {
    struct pk_shape *shape = pk_calloc(1, sizeof(*shape));
    shape->name = pk_strndup(name.ptr, name.len);
    shape->parent = parent;
    if (pk_str_eqz(name, "[]")) {
        parent->item = shape;
    } else if (pk_str_eqz(name, "*")) {
        parent->any = shape;
    } else {
        parent->children =
            pk_realloc(parent->children, parent->n_children + 1, sizeof(struct pk_shape *));
        parent->children[parent->n_children++] = shape;
    }
    return shape;
}

static struct pk_shape *child_n(const struct pk_shape *shape, struct pk_str name) {
    if (pk_str_eqz(name, "[]"))
        return shape->item;
    if (pk_str_eqz(name, "*"))
        return shape->any;
    for (size_t i = 0; i < shape->n_children; i++)
        if (pk_str_eqz(name, shape->children[i]->name))
            return shape->children[i];
    return NULL;
}

/* The next segment of a table path: "ports[].name" -> "ports", "[]", "name". */
static bool next_segment(struct pk_str *rest, struct pk_str *ret) {
    if (rest->len && rest->ptr[0] == '.')
        *rest = pk_str_n(rest->ptr + 1, rest->len - 1);
    if (rest->len == 0)
        return false;
    size_t len = 0;
    if (rest->ptr[0] == '[')
        len = 2;
    while (len < rest->len && rest->ptr[0] != '[' && rest->ptr[len] != '.' && rest->ptr[len] != '[')
        len++;
    *ret = pk_str_n(rest->ptr, len);
    *rest = pk_str_n(rest->ptr + len, rest->len - len);
    return true;
}

static struct pk_shape *reach(struct pk_shape *root, struct pk_str path) {
    struct pk_str segment;
    struct pk_shape *at = root;
    while (next_segment(&path, &segment)) {
        struct pk_shape *child = child_n(at, segment);
        at = child ? child : add_child(at, segment);
    }
    return at;
}

/* Innermost list item, map value or the root: where a spelling and its canonical place must meet,
 * because no index can be told from one to the other. */
static const struct pk_shape *base_of(const struct pk_shape *shape) {
    for (shape = shape->parent; shape->parent; shape = shape->parent)
        if (strcmp(shape->name, "[]") == 0 || strcmp(shape->name, "*") == 0)
            break;
    return shape;
}

static struct pk_str without_item(struct pk_str path) {
    while (path.len > 2 && memcmp(path.ptr + path.len - 2, "[]", 2) == 0)
        path.len -= 2;
    return path;
}

static void add_aliases(struct pk_shape *root, const struct pk_field *field) {
    struct pk_str rest = pk_str(field->alias), alias;
    if (!field->alias)
        return;
    const struct pk_shape *target = reach(root, without_item(pk_str(field->path)));
    while (pk_str_cut(&rest, '|', &alias)) {
        struct pk_shape *shape = reach(root, without_item(alias));
        /* a row of its own or an earlier alias keeps the place */
        if (shape->field || shape->alias_of || shape->n_children || shape == target)
            continue;
        if (base_of(shape) != base_of(target))
            broken(field, "an alias must lie in the same list item as its field");
        shape->alias_of = target;
    }
}

static json_t *default_of(const struct pk_field *field) {
    enum pk_convert_fault fault;
    const char *why = NULL;
    json_t *value;
    if (field->type == PK_T_LIST || field->type == PK_T_OBJECT || field->type == PK_T_STRMAP ||
        field->type == PK_T_JSON)
        value = json_loads(field->def, JSON_DECODE_ANY, NULL);
    else
        value = pk_convert(field, field->def, &fault, &why);
    if (!value)
        broken(field, "the default is not of the field's type");
    return value;
}

static regex_t *compile_pattern(const struct pk_field *field) {
    PK_CLEANUP(pk_freep) char *whole = pk_asprintf("^(%s)$", field->pattern);
    regex_t *regex = pk_calloc(1, sizeof(*regex));
    if (regcomp(regex, whole, REG_EXTENDED | REG_NOSUB) != 0)
        broken(field, "the pattern does not compile");
    return regex;
}

static void add_rows(struct pk_shape *root, const struct pk_field *fields, size_t n) {
    for (size_t i = 0; i < n; i++) {
        struct pk_shape *shape = reach(root, pk_str(fields[i].path));
        if (shape->field || shape->alias_of)
            continue; /* the kind's own row wins over a common one */
        shape->field = &fields[i];
        if (fields[i].def)
            shape->def = default_of(&fields[i]);
        if (fields[i].pattern)
            shape->pattern = compile_pattern(&fields[i]);
    }
    for (size_t i = 0; i < n; i++)
        add_aliases(root, &fields[i]);
}

static bool is_required(const struct pk_shape *shape) {
    return shape->field && (shape->field->flags & PK_F_REQUIRED) != 0;
}

static void sum_up(struct pk_shape *shape) {
    shape->has_defaults = shape->def != NULL;
    for (size_t i = 0; i < shape->n_children + 2; i++) {
        struct pk_shape *child = i < shape->n_children    ? shape->children[i]
                                 : i == shape->n_children ? shape->item
                                                          : shape->any;
        if (!child || child->alias_of)
            continue;
        sum_up(child);
        shape->has_defaults |= child->has_defaults;
        shape->requires_child |= is_required(child);
        shape->has_required |= is_required(child) || child->has_required;
    }
}

const struct pk_shape *pk_shape_of(const struct pk_kind_table *kind, bool with_common) {
    pthread_mutex_lock(&made_lock);
    struct made *made = all_made;
    while (made && (made->kind != kind || made->with_common != with_common))
        made = made->next;
    if (!made) {
        made = pk_calloc(1, sizeof(*made));
        made->kind = kind;
        made->with_common = with_common;
        made->root = pk_calloc(1, sizeof(*made->root));
        made->root->name = "";
        add_rows(made->root, kind->fields, kind->n_fields);
        if (with_common)
            add_rows(made->root, pk_common_fields, pk_n_common_fields);
        sum_up(made->root);
        made->next = all_made;
        all_made = made;
    }
    pthread_mutex_unlock(&made_lock);
    return made->root;
}

const struct pk_shape *pk_shape_child(const struct pk_shape *shape, const char *name) {
    for (size_t i = 0; i < shape->n_children; i++)
        if (strcmp(shape->children[i]->name, name) == 0)
            return shape->children[i];
    return NULL;
}

static bool equal_loosely(const char *a, const char *b) {
    for (;; a++, b++) {
        while (*a == '_')
            a++;
        while (*b == '_')
            b++;
        if (tolower((unsigned char)*a) != tolower((unsigned char)*b))
            return false;
        if (!*a)
            return true;
    }
}

const struct pk_shape *pk_shape_snake(const struct pk_shape *shape, const char *key) {
    const struct pk_shape *found = NULL;
    if (!strchr(key, '_'))
        return NULL;
    for (size_t i = 0; i < shape->n_children; i++) {
        if (!equal_loosely(shape->children[i]->name, key))
            continue;
        if (found)
            return NULL;
        found = shape->children[i];
    }
    return found;
}

const struct pk_shape *pk_shape_at(const struct pk_shape *root, const char *path) {
    const struct pk_shape *at = root;
    while (*path && at) {
        if (*path == '.')
            path++;
        if (*path == '[') {
            const char *end = strchr(path, ']');
            path = end ? end + 1 : "";
            at = at->item;
        } else {
            size_t len = strcspn(path, ".[");
            const struct pk_shape *child = child_n(at, pk_str_n(path, len));
            at = child ? child : at->any;
            path += len;
        }
        if (at && at->alias_of)
            at = at->alias_of;
    }
    return at;
}

enum pk_container pk_shape_container(const struct pk_shape *shape) {
    if (!shape->field)
        return shape->item ? PK_CONTAINER_LIST : PK_CONTAINER_OBJECT;
    if (shape->field->type == PK_T_LIST)
        return PK_CONTAINER_LIST;
    if (shape->field->type == PK_T_OBJECT)
        return PK_CONTAINER_OBJECT;
    return PK_CONTAINER_NONE;
}
