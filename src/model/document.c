/* document.c - the envelope of documents: apiVersion, kind, metadata, spec. */
#include "model/load.h"

#include <string.h>

static const char *const shared_groups[] = {"panka.io/v1", "panka.dev/v1"};
static const char *const groups[] = {"core.panka.io/v1", "infra.panka.io/v1",
                                     "components.panka.io/v1", "admin.panka.io/v1"};
static const char *const envelope[] = {"apiVersion", "kind", "metadata", "spec"};
static const char *const metadata_keys[] = {"name",        "tenant", "stack",       "service",
                                            "environment", "labels", "annotations", "description"};
static const char *const tenant_metadata_keys[] = {"name",        "labels",    "annotations",
                                                   "description", "createdBy", "createdAt"};

void pk_help_near(struct pk_diags *diags, struct pk_diag *d, const char *word,
                  const char *const *words, size_t n_words) {
    const char *best[3];
    size_t n = pk_suggest(word, words, n_words, best, PK_ARRAY_LEN(best));
    if (n == 1)
        pk_diag_help(diags, d, "did you mean `%s`?", best[0]);
    else if (n == 2)
        pk_diag_help(diags, d, "did you mean `%s` or `%s`?", best[0], best[1]);
    else if (n == 3)
        pk_diag_help(diags, d, "did you mean `%s`, `%s` or `%s`?", best[0], best[1], best[2]);
}

void pk_unknown_key(struct pk_diags *diags, const struct pk_pair *pair, const char *where,
                    const char *const *known, size_t n_known) {
    struct pk_diag *d = pk_diag(diags, PK_SEVERITY_ERROR, "field.unknown", pair->key_span,
                                "unknown field `%s`", pair->key);
    pk_diag_label(diags, d, "not known in %s", where);
    pk_help_near(diags, d, pair->key, known, n_known);
    if (d->help)
        return;
    struct pk_buf buf = PK_BUF_INIT(1024);
    for (size_t i = 0; i < n_known; i++)
        pk_buf_addf(&buf, "%s`%s`", i ? ", " : "", known[i]);
    pk_diag_help(diags, d, "known here: %s", pk_buf_cstr(&buf));
    pk_buf_release(&buf);
}

static bool one_of(const char *word, const char *const *words, size_t n) {
    for (size_t i = 0; i < n; i++)
        if (strcmp(words[i], word) == 0)
            return true;
    return false;
}

static size_t name_limit(const char *kind) {
    if (strcmp(kind, "TenantConfig") == 0)
        return 32;
    if (strcmp(kind, "Stack") == 0 || strcmp(kind, "Service") == 0)
        return 40;
    return strcmp(kind, "environment") == 0 ? 24 : 48;
}

/* ^[a-z](-?[a-z0-9])*$ by hand: it is asked for every document. */
static bool is_name(const char *name) {
    if (*name < 'a' || *name > 'z')
        return false;
    for (const char *c = name + 1; *c; c++) {
        bool word = (*c >= 'a' && *c <= 'z') || (*c >= '0' && *c <= '9');
        if (!word && (*c != '-' || c[1] == '-' || !c[1]))
            return false;
    }
    return true;
}

bool pk_check_name(struct pk_diags *diags, const char *kind, const char *name,
                   struct pk_span span) {
    size_t limit = name_limit(kind);
    if (!is_name(name)) {
        struct pk_diag *d = pk_diag(diags, PK_SEVERITY_ERROR, "doc.name", span,
                                    "\"%s\" cannot be the name of a %s", name, kind);
        pk_diag_help(diags, d,
                     "use lower-case letters, digits and single hyphens, starting with a letter");
        return false;
    }
    if (strlen(name) > limit) {
        struct pk_diag *d = pk_diag(diags, PK_SEVERITY_ERROR, "doc.name", span,
                                    "the name of a %s has at most %zu characters", kind, limit);
        pk_diag_label(diags, d, "this has %zu", strlen(name));
        return false;
    }
    return true;
}

static void report_kind(struct pk_loader *l, struct pk_span span, const char *kind) {
    const char *names[64];
    size_t n = 0;
    for (; n < pk_n_catalogue && n < PK_ARRAY_LEN(names); n++)
        names[n] = pk_catalogue[n].kind;
    struct pk_diag *d =
        pk_diag(l->diags, PK_SEVERITY_ERROR, "doc.kind", span, "unknown kind `%s`", kind);
    for (size_t i = 0; i < n; i++) {
        if (pk_strieq(names[i], kind)) {
            pk_diag_help(l->diags, d, "did you mean `%s`?", names[i]);
            return;
        }
    }
    pk_help_near(l->diags, d, kind, names, n);
    if (!d->help)
        pk_diag_help(l->diags, d, "`panka explain` lists the kinds");
}

/* The group must be the kind's; the two groups of older versions are taken with a warning. */
static bool check_group(struct pk_loader *l, const struct pk_doc *doc, const struct pk_node *root) {
    const char *wanted = pk_kind_group(doc->kind);
    const struct pk_node *node = pk_node_get(root, "apiVersion");
    struct pk_diag *d;
    if (!node || node->kind != PK_NODE_SCALAR || node->null) {
        d = pk_diag(l->diags, PK_SEVERITY_ERROR, "doc.api-version",
                    node ? node->span : doc->kind_span, "`apiVersion` is missing");
        pk_diag_help(l->diags, d, "write `apiVersion: %s`", wanted);
        return false;
    }
    if (strcmp(node->text, wanted) == 0)
        return true;
    if (one_of(node->text, shared_groups, PK_ARRAY_LEN(shared_groups)) &&
        strcmp(doc->kind, "TenantConfig") != 0) {
        d = pk_diag(l->diags, PK_SEVERITY_WARNING, "doc.api-version", node->span,
                    "`%s` is the form of older versions", node->text);
        pk_diag_help(l->diags, d, "write `apiVersion: %s`", wanted);
        return true;
    }
    bool known = one_of(node->text, groups, PK_ARRAY_LEN(groups));
    d = pk_diag(l->diags, PK_SEVERITY_ERROR, known ? "doc.group" : "doc.api-version", node->span,
                known ? "%s does not belong to `%s`" : "%s: unknown apiVersion `%s`", doc->kind,
                node->text);
    pk_diag_help(l->diags, d, "write `apiVersion: %s`", wanted);
    return false;
}

static const char *metadata_text(struct pk_loader *l, const struct pk_doc *doc, const char *key) {
    const struct pk_node *node = pk_node_get(doc->metadata, key);
    if (!node || (node->kind == PK_NODE_SCALAR && node->null))
        return NULL;
    if (node->kind == PK_NODE_SCALAR)
        return node->text;
    pk_diag(l->diags, PK_SEVERITY_ERROR, "field.type", node->span, "`metadata.%s` must be text",
            key);
    return NULL;
}

static void check_metadata_keys(struct pk_loader *l, const struct pk_doc *doc) {
    bool tenant = strcmp(doc->kind, "TenantConfig") == 0;
    const char *const *known = tenant ? tenant_metadata_keys : metadata_keys;
    size_t n = tenant ? PK_ARRAY_LEN(tenant_metadata_keys) : PK_ARRAY_LEN(metadata_keys);
    for (size_t i = 0; i < doc->metadata->n_pairs; i++) {
        const struct pk_pair *pair = &doc->metadata->pairs[i];
        if (!one_of(pair->key, known, n)) {
            pk_unknown_key(l->diags, pair, "metadata", known, n);
        } else if (strcmp(pair->key, "tenant") == 0 && strcmp(doc->kind, "Stack") != 0) {
            struct pk_diag *d = pk_diag(l->diags, PK_SEVERITY_ERROR, "field.unknown",
                                        pair->key_span, "`metadata.tenant` belongs to the Stack");
            pk_diag_help(l->diags, d, "remove it here");
        }
    }
}

static bool read_metadata(struct pk_loader *l, struct pk_doc *doc, const struct pk_node *root) {
    doc->metadata = pk_node_get(root, "metadata");
    const struct pk_pair *pair = pk_node_pair(root, "metadata");
    struct pk_span place = pair ? pair->key_span : doc->kind_span;
    if (!doc->metadata || doc->metadata->kind != PK_NODE_MAP) {
        pk_diag(l->diags, PK_SEVERITY_ERROR, "doc.name", place,
                "the %s needs `metadata` with a `name`", doc->kind);
        return false;
    }
    check_metadata_keys(l, doc);
    const struct pk_node *name = pk_node_get(doc->metadata, "name");
    if (!name || name->kind != PK_NODE_SCALAR || name->null) {
        pk_diag(l->diags, PK_SEVERITY_ERROR, "doc.name", place, "`metadata.name` is missing");
        return false;
    }
    doc->name = name->text;
    doc->name_span = name->span;
    doc->service = metadata_text(l, doc, "service");
    doc->environment = metadata_text(l, doc, "environment");
    if (strchr(name->text, '$')) {
        pk_diag(l->diags, PK_SEVERITY_ERROR, "doc.name", name->span,
                "`metadata.name` cannot hold variables");
        return false;
    }
    return pk_check_name(l->diags, doc->kind, name->text, name->span);
}

static void check_envelope_keys(struct pk_loader *l, const struct pk_node *root,
                                const struct pk_doc *doc) {
    for (size_t i = 0; i < root->n_pairs; i++) {
        const struct pk_pair *pair = &root->pairs[i];
        bool status = strcmp(pair->key, "status") == 0 && strcmp(doc->kind, "TenantConfig") == 0;
        if (!status && !one_of(pair->key, envelope, PK_ARRAY_LEN(envelope)))
            pk_unknown_key(l->diags, pair, "a document", envelope, PK_ARRAY_LEN(envelope));
    }
}

static bool is_old_shape(const struct pk_node *root) {
    return pk_node_pair(root, "stack") && pk_node_pair(root, "components");
}

/* The kind's canonical name, or NULL after a finding. */
static const char *read_kind(struct pk_loader *l, const struct pk_node *root,
                             struct pk_span *ret_span) {
    const struct pk_node *node = pk_node_get(root, "kind");
    struct pk_span start = {root->span.src, root->span.line, root->span.column, root->span.line,
                            root->span.column};
    if (!node || node->kind != PK_NODE_SCALAR || node->null) {
        struct pk_diag *d =
            pk_diag(l->diags, PK_SEVERITY_ERROR, "doc.kind", node ? node->span : start,
                    is_old_shape(root) ? "the form `stack:` with `components:` is no longer read"
                                       : "the document has no `kind`");
        pk_diag_help(l->diags, d,
                     is_old_shape(root)
                         ? "write one document per component, each with apiVersion, kind, metadata "
                           "and spec; `panka stack init` makes the folder for them"
                         : "every document has apiVersion, kind, metadata and spec");
        return NULL;
    }
    *ret_span = node->span;
    const char *kind = pk_kind_canonical(node->text);
    if (!kind)
        report_kind(l, node->span, node->text);
    return kind;
}

/* Kinds of the catalogue that cannot be deployed are never passed over in silence. */
static void find_table(struct pk_loader *l, struct pk_doc *doc) {
    const struct pk_kind_table *table = pk_kind_find(l->options->kinds, doc->kind);
    if (table && table->offered) {
        doc->table = table;
        return;
    }
    struct pk_diag *d =
        pk_diag(l->diags, PK_SEVERITY_ERROR, "kind.not-offered", doc->kind_span,
                "the kind %s is known, but this version does not offer it", doc->kind);
    pk_diag_help(l->diags, d, "remove the document, or use a version that offers the kind");
}

static void read_document(struct pk_loader *l, const struct pk_file *file,
                          const struct pk_document *yaml, struct pk_vec *to) {
    const struct pk_node *root = yaml->root;
    if (!root)
        return;
    if (root->kind != PK_NODE_MAP) {
        pk_diag(l->diags, PK_SEVERITY_ERROR, "doc.kind", root->span,
                "a document must be a map with apiVersion, kind, metadata and spec");
        l->incomplete = true;
        return;
    }
    struct pk_doc *doc = pk_arena_alloc(l->arena, sizeof(*doc));
    doc->file = file;
    doc->span = yaml->span;
    doc->kind = read_kind(l, root, &doc->kind_span);
    if (!doc->kind) {
        l->incomplete = true;
        return;
    }
    check_envelope_keys(l, root, doc);
    check_group(l, doc, root);
    find_table(l, doc);
    const struct pk_pair *spec = pk_node_pair(root, "spec");
    if (!read_metadata(l, doc, root)) {
        l->incomplete = true;
        return;
    }
    doc->spec = spec ? spec->value : NULL;
    doc->spec_place = spec ? spec->key_span : doc->name_span;
    pk_vec_push(to, doc);
}

void pk_read_documents(struct pk_loader *l, const struct pk_file *file, struct pk_vec *to) {
    for (size_t i = 0; i < file->n_docs; i++)
        read_document(l, file, &file->docs[i], to);
}
