/* metadata.c - the typed head of a document. */
#include "model/load.h"
#include "json/json.h"

#include <string.h>

/* Longest description that AWS takes everywhere. */
#define MAX_DESCRIPTION 256

/* Cuts after `max` code points; true when something was cut. */
static bool cut_text(char *text, size_t max) {
    size_t n = 0;
    for (char *c = text; *c; c++) {
        if (((unsigned char)*c & 0xC0) == 0x80 || n++ < max)
            continue;
        *c = 0;
        return true;
    }
    return false;
}

static const char *description_of(struct pk_loader *l, const struct pk_doc *doc,
                                  struct pk_scope *scope) {
    const struct pk_node *node = pk_node_get(doc->metadata, "description");
    if ((!node || node->null) && !pk_kind_is_component(doc->kind))
        node = pk_node_get(doc->spec, "description");
    if (!node || node->kind != PK_NODE_SCALAR || node->null)
        return NULL;
    const char *text = pk_scope_text(scope, node, "metadata.description");
    if (!text)
        return NULL;
    char *copy = pk_arena_strdup(l->arena, text);
    if (cut_text(copy, MAX_DESCRIPTION))
        pk_diag(l->diags, PK_SEVERITY_WARNING, "field.length", node->span,
                "the description is cut to %d characters", MAX_DESCRIPTION);
    return copy;
}

/* A map of texts; `into` may be NULL: then the values are only checked. */
static void text_map(struct pk_loader *l, const struct pk_doc *doc, const char *key,
                     struct pk_scope *scope, json_t *into) {
    const struct pk_pair *pair = pk_node_pair(doc->metadata, key);
    if (!pair || (pair->value->kind == PK_NODE_SCALAR && pair->value->null))
        return;
    if (pair->value->kind != PK_NODE_MAP) {
        pk_diag(l->diags, PK_SEVERITY_ERROR, "field.type", pair->key_span,
                "`metadata.%s` must be a map of texts", key);
        return;
    }
    for (size_t i = 0; i < pair->value->n_pairs; i++) {
        const struct pk_pair *entry = &pair->value->pairs[i];
        if (entry->value->kind != PK_NODE_SCALAR) {
            pk_diag(l->diags, PK_SEVERITY_ERROR, "field.type", entry->key_span,
                    "`metadata.%s.%s` must be text", key, entry->key);
            continue;
        }
        if (!into && pk_starts_with(entry->key, "panka.io/"))
            pk_diag(l->diags, PK_SEVERITY_ERROR, "doc.reserved", entry->key_span,
                    "the annotation `%s` is reserved", entry->key);
        const char *text = entry->value->null ? "" : pk_scope_text(scope, entry->value, "metadata");
        if (text && into)
            json_object_set_new(into, entry->key, pk_json_text(text));
    }
}

void pk_type_metadata(struct pk_loader *l, const struct pk_doc *doc, struct pk_scope *scope,
                      struct pk_metadata *ret) {
    ret->name = doc->name;
    ret->tenant = l->project->tenant;
    ret->stack = l->project->name;
    ret->service = scope->user ? scope->user->name : NULL;
    ret->environment = l->project->environment;
    ret->span = doc->span;
    ret->name_span = doc->name_span;
    if (!ret->labels)
        ret->labels = json_object();
    ret->description = description_of(l, doc, scope);
    text_map(l, doc, "labels", scope, ret->labels);
    text_map(l, doc, "annotations", scope, NULL);
}
