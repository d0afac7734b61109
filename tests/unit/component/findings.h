/*
 * findings.h - cases of findings: a component that must not be, and where that is said. Shared by
 * the tests of kinds.
 */
#ifndef PK_TEST_COMPONENT_FINDINGS_H
#define PK_TEST_COMPONENT_FINDINGS_H

#include "fixture.h"

struct finding_case {
    const char *id;
    enum pk_severity severity;
    unsigned line; /* in services/web/it.yaml, where `spec:` is line 4 */
    const char *spec;
};

#define ERROR_AT(id, line, spec)                                                                   \
    { (id), PK_SEVERITY_ERROR, (line), (spec) }
#define WARNING_AT(id, line, spec)                                                                 \
    { (id), PK_SEVERITY_WARNING, (line), (spec) }
#define INFO_AT(id, line, spec)                                                                    \
    { (id), PK_SEVERITY_INFO, (line), (spec) }

static bool is_expected(const struct finding_case *c, const struct pk_diag *d) {
    return strcmp(d->id, c->id) == 0 && d->severity == c->severity && d->span.src &&
           pk_ends_with(d->span.src->path, "services/web/it.yaml") && d->span.line == c->line;
}

/* Expands component `it` of the kind beside what `others` writes (may be NULL). */
static void check_finding(const char *kind, const struct finding_case *c,
                          void (*others)(struct fixture *f)) {
    struct fixture f;
    const struct pk_diag *found = NULL;
    fx_begin(&f);
    if (others)
        others(&f);
    fx_component(&f, kind, "it", c->spec);
    fx_expand(&f);
    for (size_t i = 0; i < pk_diags_len(f.diags) && !found; i++)
        if (is_expected(c, pk_diags_at(f.diags, i)))
            found = pk_diags_at(f.diags, i);
    if (!found) {
        print_error("expected %s in line %u for\n%s", c->id, c->line, c->spec);
        fx_print_findings(&f);
    }
    assert_non_null(found);
    if (!found->help && !found->label && !found->detail)
        print_error("%s says not what to do, for\n%s", c->id, c->spec);
    assert_true(found->help || found->label || found->detail);
    fx_end(&f);
}

PK_UNUSED static void check_findings(const char *kind, const struct finding_case *cases, size_t n,
                                     void (*others)(struct fixture *f)) {
    for (size_t i = 0; i < n; i++)
        check_finding(kind, &cases[i], others);
}

/* The kind's example validates without a finding. */
PK_UNUSED static void check_example(const char *kind) {
    struct fixture f;
    struct pk_buf spec = PK_BUF_INIT(65536);
    struct pk_str rest = pk_str(pk_kind_by_name(kind)->table.example), line;
    while (pk_str_cut(&rest, '\n', &line))
        pk_buf_addf(&spec, "  " PK_STR_FMT "\n", PK_STR_ARG(line));
    fx_begin(&f);
    fx_component(&f, kind, "it", pk_buf_cstr(&spec));
    fx_expand(&f);
    fx_assert_clean(&f, "");
    pk_buf_release(&spec);
    fx_end(&f);
}

/* Nodes of a component, "key key …" in order of the graph. */
PK_UNUSED static const char *fx_keys(struct fixture *f, const char *component) {
    struct pk_buf buf = PK_BUF_INIT(65536);
    for (size_t i = 0; i < f->graph->resources.len; i++) {
        const struct pk_resource *r = f->graph->resources.items[i];
        if (strcmp(r->component, component) == 0)
            pk_buf_addf(&buf, "%s%s", buf.len ? " " : "", r->key);
    }
    const char *text = pk_arena_strdup(f->arena, pk_buf_cstr(&buf));
    pk_buf_release(&buf);
    return text;
}

/* Canonical JSON of an output of the graph ("" when there is none). */
PK_UNUSED static const char *fx_output(struct fixture *f, const char *name) {
    const json_t *value = json_object_get(f->graph->outputs, name);
    PK_CLEANUP(pk_freep) char *text = value ? pk_json_canonical(value) : pk_strdup("");
    return pk_arena_strdup(f->arena, text);
}

/* Canonical JSON of all properties but those in `without` ("|" between them). */
PK_UNUSED static const char *fx_properties(struct fixture *f, const char *key,
                                           const char *without) {
    json_auto_t *copy = json_deep_copy(fx_node(f, key)->properties);
    struct pk_str rest = pk_str(without), word;
    while (pk_str_cut(&rest, '|', &word))
        json_object_del(copy, pk_arena_strndup(f->arena, word.ptr, word.len));
    PK_CLEANUP(pk_freep) char *text = pk_json_canonical(copy);
    return pk_arena_strdup(f->arena, text);
}

/* "Action,Action -> Resource,Resource" of every statement of a policy document, a line each. */
PK_UNUSED static const char *fx_statements(struct fixture *f, const char *key, const char *path) {
    const json_t *list = pk_json_at(fx_node(f, key)->properties, path);
    struct pk_buf buf = PK_BUF_INIT(65536);
    for (size_t i = 0; i < json_array_size(list); i++) {
        static const char *const members[] = {"Action", "Resource"};
        for (size_t m = 0; m < 2; m++) {
            const json_t *values = json_object_get(json_array_get(list, i), members[m]);
            for (size_t k = 0; k < json_array_size(values); k++) {
                const char *text = json_string_value(json_array_get(values, k));
                PK_CLEANUP(pk_freep)
                char *token = text ? NULL : pk_json_canonical(json_array_get(values, k));
                pk_buf_addf(&buf, "%s%s", k ? "," : "", text ? text : token);
            }
            pk_buf_addz(&buf, m ? "\n" : " -> ");
        }
    }
    const char *text = pk_arena_strdup(f->arena, pk_buf_cstr(&buf));
    pk_buf_release(&buf);
    return text;
}

#define ACCESS "Policies[0].PolicyDocument.Statement"

#endif
