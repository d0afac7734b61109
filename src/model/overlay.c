/* overlay.c - what an environment changes. */
#include "model/load.h"
#include "json/json.h"

#include <string.h>

static const char *const value_keys[] = {"variables", "services", "tags"};
static const char *const service_keys[] = {"variables"};

static struct pk_service *known_service(struct pk_loader *l, const char *name,
                                        struct pk_span span) {
    struct pk_service *service = pk_map_get(l->services, name);
    if (service || l->incomplete)
        return service;
    struct pk_vec names = PK_VEC_INIT;
    size_t cursor = 0;
    const char *key;
    void *value;
    while (pk_map_next(l->services, &cursor, &key, &value))
        pk_vec_push(&names, (void *)(uintptr_t)key);
    struct pk_diag *d = pk_diag(l->diags, PK_SEVERITY_ERROR, "svc.unknown", span,
                                "the stack has no service `%s`", name);
    pk_help_near(l->diags, d, name, (const char *const *)names.items, names.len);
    pk_vec_release(&names);
    return NULL;
}

static void service_values(struct pk_loader *l, const struct pk_pair *services) {
    if (services->value->kind != PK_NODE_MAP) {
        pk_diag(l->diags, PK_SEVERITY_ERROR, "field.type", services->key_span,
                "`services` must be a map of services");
        return;
    }
    for (size_t i = 0; i < services->value->n_pairs; i++) {
        const struct pk_pair *entry = &services->value->pairs[i];
        struct pk_service *service = known_service(l, entry->key, entry->key_span);
        if (entry->value->kind != PK_NODE_MAP && !entry->value->null)
            pk_diag(l->diags, PK_SEVERITY_ERROR, "field.type", entry->key_span,
                    "`services.%s` must be a map with `variables`", entry->key);
        for (size_t k = 0; k < entry->value->n_pairs; k++) {
            const struct pk_pair *pair = &entry->value->pairs[k];
            if (strcmp(pair->key, "variables") != 0)
                pk_unknown_key(l->diags, pair, "a service of an overlay", service_keys,
                               PK_ARRAY_LEN(service_keys));
            else if (service)
                pk_declare_variables(l, pair->value, service,
                                     pk_service_vars_of(l, service->name)->overlay, true);
        }
    }
}

static void overlay_tags(struct pk_loader *l, const struct pk_pair *tags) {
    struct pk_scope scope = {l, NULL, NULL, NULL};
    if (tags->value->kind != PK_NODE_MAP) {
        if (!tags->value->null)
            pk_diag(l->diags, PK_SEVERITY_ERROR, "field.type", tags->key_span,
                    "`tags` must be a map of texts");
        return;
    }
    if (!l->overlay_tags)
        l->overlay_tags = json_object();
    for (size_t i = 0; i < tags->value->n_pairs; i++) {
        const struct pk_pair *pair = &tags->value->pairs[i];
        if (pair->value->kind != PK_NODE_SCALAR) {
            pk_diag(l->diags, PK_SEVERITY_ERROR, "field.type", pair->key_span,
                    "the tag `%s` must be text", pair->key);
            continue;
        }
        const char *text = pair->value->null ? "" : pk_scope_text(&scope, pair->value, "tags");
        if (text)
            json_object_set_new(l->overlay_tags, pair->key, pk_json_text(text));
    }
}

/* Twice: variables first, because tags may use them, whatever file they are in. */
static void read_values(struct pk_loader *l, const struct pk_file *file, bool tags_now) {
    for (size_t i = 0; i < file->n_docs; i++) {
        const struct pk_node *root = file->docs[i].root;
        if (!root)
            continue;
        if (root->kind != PK_NODE_MAP || pk_node_pair(root, "kind")) {
            if (tags_now)
                continue;
            struct pk_diag *d = pk_diag(l->diags, PK_SEVERITY_ERROR, "doc.kind", root->span,
                                        "this file holds values of an environment, no documents");
            pk_diag_help(l->diags, d, "put documents into files of environments/%s/",
                         l->project->environment);
            continue;
        }
        for (size_t k = 0; k < root->n_pairs; k++) {
            const struct pk_pair *pair = &root->pairs[k];
            if (strcmp(pair->key, "tags") == 0) {
                if (tags_now)
                    overlay_tags(l, pair);
            } else if (tags_now) {
                continue;
            } else if (strcmp(pair->key, "variables") == 0) {
                pk_declare_variables(l, pair->value, NULL, l->overlay_vars, true);
            } else if (strcmp(pair->key, "services") == 0) {
                service_values(l, pair);
            } else {
                pk_unknown_key(l->diags, pair, "an overlay", value_keys, PK_ARRAY_LEN(value_keys));
            }
        }
    }
}

/* The base document that an overlay document means; *ret_n counts candidates. */
static struct pk_doc *find_base(const struct pk_map *base_docs, const struct pk_doc *patch,
                                const char *service, size_t *ret_n) {
    struct pk_doc *found = NULL;
    *ret_n = 0;
    PK_CLEANUP(pk_freep) char *key = pk_asprintf("%s %s", patch->kind, patch->name);
    const struct pk_vec *same = pk_map_get(base_docs, key);
    for (size_t i = 0; same && i < same->len; i++) {
        struct pk_doc *doc = same->items[i];
        const char *of = doc->file->service ? doc->file->service : doc->service;
        if (service && pk_kind_is_component(doc->kind) && !pk_streq(of, service))
            continue;
        found = doc;
        (*ret_n)++;
    }
    return found;
}

/* "kind name" -> struct pk_vec of the base documents. */
static struct pk_map *index_docs(struct pk_loader *l) {
    struct pk_map *map = pk_map_new();
    for (size_t i = 0; i < l->docs.len; i++) {
        struct pk_doc *doc = l->docs.items[i];
        PK_CLEANUP(pk_freep) char *key = pk_asprintf("%s %s", doc->kind, doc->name);
        struct pk_vec *same = pk_map_get(map, key);
        if (!same) {
            same = pk_calloc(1, sizeof(*same));
            pk_map_set(map, key, same);
        }
        pk_vec_push(same, doc);
    }
    return map;
}

static void free_docs(struct pk_map *map) {
    size_t cursor = 0;
    const char *key;
    void *value;
    while (pk_map_next(map, &cursor, &key, &value)) {
        pk_vec_release(value);
        pk_freep(&value);
    }
    pk_map_free(map);
}

/* `spec` without `variables`, which get the weight of an overlay. */
static struct pk_node *without_variables(struct pk_loader *l, const struct pk_doc *doc,
                                         struct pk_service *service, struct pk_map *into) {
    if (!doc->spec || doc->spec->kind != PK_NODE_MAP)
        return doc->spec;
    struct pk_node *rest = pk_arena_alloc(l->arena, sizeof(*rest));
    *rest = *doc->spec;
    rest->pairs = pk_arena_array(l->arena, rest->n_pairs + 1, sizeof(*rest->pairs));
    rest->n_pairs = 0;
    for (size_t i = 0; i < doc->spec->n_pairs; i++) {
        const struct pk_pair *pair = &doc->spec->pairs[i];
        if (strcmp(pair->key, "variables") == 0)
            pk_declare_variables(l, pair->value, service, into, true);
        else
            rest->pairs[rest->n_pairs++] = *pair;
    }
    return rest;
}

/* Labels, annotations and description of the overlay; what names a document stays. */
static struct pk_node *mergeable_metadata(struct pk_loader *l, const struct pk_doc *patch) {
    struct pk_node *rest = pk_arena_alloc(l->arena, sizeof(*rest));
    *rest = *patch->metadata;
    rest->pairs = pk_arena_array(l->arena, rest->n_pairs + 1, sizeof(*rest->pairs));
    rest->n_pairs = 0;
    for (size_t i = 0; i < patch->metadata->n_pairs; i++) {
        const struct pk_pair *pair = &patch->metadata->pairs[i];
        if (strcmp(pair->key, "labels") == 0 || strcmp(pair->key, "annotations") == 0 ||
            strcmp(pair->key, "description") == 0)
            rest->pairs[rest->n_pairs++] = *pair;
    }
    return rest;
}

static void merge_document(struct pk_loader *l, struct pk_doc *base, const struct pk_doc *patch,
                           struct pk_node *spec) {
    base->metadata = pk_merge(l->arena, base->metadata, mergeable_metadata(l, patch), l->diags);
    if (!spec)
        return;
    bool empty = !base->spec || (base->spec->kind == PK_NODE_SCALAR && base->spec->null);
    if (empty) {
        struct pk_node *map = pk_arena_alloc(l->arena, sizeof(*map));
        map->kind = PK_NODE_MAP;
        map->span = base->name_span;
        base->spec = map;
        base->spec_place = patch->spec_place;
    }
    base->spec = pk_merge(l->arena, base->spec, spec, l->diags);
}

/* A Stack or Service document of the environment. */
static void overlay_core(struct pk_loader *l, const struct pk_map *base_docs,
                         struct pk_doc *patch) {
    bool stack = strcmp(patch->kind, "Stack") == 0;
    size_t n;
    struct pk_doc *base = stack ? l->stack : find_base(base_docs, patch, NULL, &n);
    if (stack && strcmp(patch->name, l->stack->name) != 0) {
        struct pk_diag *d = pk_diag(l->diags, PK_SEVERITY_ERROR, "doc.mismatch", patch->name_span,
                                    "the stack is called `%s`", l->stack->name);
        pk_diag_related(l->diags, d, l->stack->name_span, "named here");
        return;
    }
    struct pk_map *into = stack ? l->overlay_vars : pk_service_vars_of(l, patch->name)->overlay;
    struct pk_service *service = stack ? NULL : pk_service_get(l, patch->name);
    struct pk_node *spec = without_variables(l, patch, service, into);
    if (base) {
        merge_document(l, base, patch, spec);
    } else { /* this environment has a Service document where the base has none */
        patch->spec = spec;
        pk_vec_push(&l->docs, patch);
    }
}

static void overlay_component(struct pk_loader *l, const struct pk_map *base_docs,
                              struct pk_doc *patch) {
    const char *service = patch->service ? patch->service : patch->file->service;
    size_t n;
    struct pk_doc *base = find_base(base_docs, patch, service, &n);
    if (n > 1 && !service) {
        struct pk_diag *d = pk_diag(l->diags, PK_SEVERITY_ERROR, "ref.ambiguous", patch->name_span,
                                    "several services have a %s `%s`", patch->kind, patch->name);
        pk_diag_help(l->diags, d, "name the service in `metadata.service`");
    } else if (base) {
        merge_document(l, base, patch, patch->spec);
    } else if (!service) {
        struct pk_diag *d = pk_diag(l->diags, PK_SEVERITY_ERROR, "field.required", patch->name_span,
                                    "`metadata.service` is required: no document without this "
                                    "environment is a %s `%s`",
                                    patch->kind, patch->name);
        pk_diag_help(l->diags, d, "correct the name, or add the service to make a new component");
    } else {
        pk_vec_push(&l->docs, patch); /* exists in this environment only */
    }
}

void pk_apply_overlay_documents(struct pk_loader *l) {
    struct pk_map *base_docs = index_docs(l);
    for (size_t i = 0; i < l->overlays.len; i++) {
        struct pk_doc *patch = l->overlays.items[i];
        if (patch->environment && strcmp(patch->environment, l->project->environment) != 0) {
            struct pk_diag *d =
                pk_diag(l->diags, PK_SEVERITY_ERROR, "doc.mismatch", patch->span,
                        "`metadata.environment` is \"%s\" in a file of environment \"%s\"",
                        patch->environment, l->project->environment);
            pk_diag_help(l->diags, d, "remove it: the folder says the environment");
        } else if (pk_kind_is_component(patch->kind)) {
            if (patch->table) /* else: kind.not-offered was said */
                overlay_component(l, base_docs, patch);
        } else if (patch->table && strcmp(patch->kind, "TenantConfig") != 0) {
            overlay_core(l, base_docs, patch);
        } else if (patch->table) {
            pk_diag(l->diags, PK_SEVERITY_ERROR, "doc.kind", patch->kind_span,
                    "%s does not belong to a stack folder", patch->kind);
        }
    }
    free_docs(base_docs);
}

void pk_apply_overlay_variables(struct pk_loader *l) {
    for (size_t i = 0; i < l->value_files.len; i++)
        read_values(l, l->value_files.items[i], false);
}

void pk_apply_overlay_tags(struct pk_loader *l) {
    for (size_t i = 0; i < l->value_files.len; i++)
        read_values(l, l->value_files.items[i], true);
}
