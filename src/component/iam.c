/* iam.c - roles and the access that references grant (docs/security.md, components with code). */
#include "component/internal.h"

#include "base/str.h"

#include <string.h>

#define MAX_INLINE 10240 /* characters of all inline policies of a role (IAM quotas) */

/* --- statements ------------------------------------------------------------------------------- */

struct statement {
    json_t *actions, *resources, *condition; /* lists of texts; condition may be NULL */
    json_t *raw;                             /* a statement the user wrote, as it is */
};

struct pk_statements {
    struct pk_arena *arena;
    struct pk_vec list;
};

static void drop_vec(void *data) {
    pk_vec_release(data);
}

static void drop_json(void *data) {
    json_decref(data);
}

static json_t *keep(struct pk_statements *s, json_t *value) {
    if (value)
        pk_arena_on_free(s->arena, drop_json, value);
    return value;
}

struct pk_statements *pk_iam_statements_new(struct pk_arena *arena) {
    struct pk_statements *s = pk_arena_alloc(arena, sizeof(*s));
    s->arena = arena;
    pk_arena_on_free(arena, drop_vec, &s->list);
    return s;
}

static json_t *as_list(json_t *value) {
    if (!value || json_is_array(value))
        return value;
    json_t *list = json_array();
    json_array_append_new(list, value);
    return list;
}

void pk_iam_allow(struct pk_statements *to, const char *const *actions, json_t *resources,
                  json_t *condition) {
    struct statement *s = pk_arena_alloc(to->arena, sizeof(*s));
    s->actions = keep(to, json_array());
    for (size_t i = 0; actions[i]; i++)
        json_array_append_new(s->actions, json_string(actions[i]));
    pk_json_sort_strings(s->actions);
    s->resources = keep(to, as_list(resources));
    s->condition = keep(to, condition);
    pk_vec_push(&to->list, s);
}

static void add_raw(struct pk_statements *to, const json_t *raw) {
    struct statement *s = pk_arena_alloc(to->arena, sizeof(*s));
    s->raw = keep(to, json_deep_copy(raw));
    if (!json_object_get(s->raw, "Effect"))
        json_object_set_new(s->raw, "Effect", json_string("Allow"));
    pk_vec_push(&to->list, s);
}

/* Lists of texts and tokens: sorted by their canonical form, without repeats. */
static void sort_values(json_t *list) {
    for (size_t i = 1; i < json_array_size(list); i++)
        for (size_t k = i; k > 0; k--) {
            char *a PK_CLEANUP(pk_freep) = pk_json_canonical(json_array_get(list, k - 1));
            char *b PK_CLEANUP(pk_freep) = pk_json_canonical(json_array_get(list, k));
            int order = strcmp(a, b);
            if (order == 0) {
                json_array_remove(list, k);
                i--;
                break;
            }
            if (order < 0)
                break;
            json_t *moved = json_incref(json_array_get(list, k));
            json_array_remove(list, k);
            json_array_insert_new(list, k - 1, moved);
        }
}

/* What may share a statement: the same actions under the same condition. */
static char *merge_key(const struct statement *s) {
    char *actions PK_CLEANUP(pk_freep) = pk_json_canonical(s->actions);
    char *condition PK_CLEANUP(pk_freep) = s->condition ? pk_json_canonical(s->condition) : NULL;
    return pk_asprintf("%s %s", actions, condition ? condition : "");
}

static json_t *statement_json(const struct statement *s, json_t *resources) {
    json_t *o = json_object();
    pk_json_put_str(o, "Effect", "Allow");
    json_object_set_new(o, "Action", json_deep_copy(s->actions));
    json_object_set_new(o, "Resource", resources);
    if (s->condition)
        json_object_set_new(o, "Condition", json_deep_copy(s->condition));
    return o;
}

json_t *pk_iam_document(struct pk_statements *statements) {
    struct pk_map *merged PK_CLEANUP(pk_map_freep) = pk_map_new();
    struct pk_map *first PK_CLEANUP(pk_map_freep) = pk_map_new();
    json_t *list = json_array();
    for (size_t i = 0; i < statements->list.len; i++) {
        const struct statement *s = statements->list.items[i];
        if (s->raw) {
            json_array_append_new(list, json_deep_copy(s->raw));
            continue;
        }
        char *key PK_CLEANUP(pk_freep) = merge_key(s);
        json_t *resources = pk_map_get(merged, key);
        if (!resources) {
            resources = json_array();
            pk_map_set(merged, key, resources);
            pk_map_set(first, key, (void *)(uintptr_t)s);
        }
        json_array_extend(resources, s->resources);
    }
    size_t cursor = 0;
    const char *key;
    void *resources;
    while (pk_map_next(merged, &cursor, &key, &resources)) {
        sort_values(resources);
        json_array_append_new(list, statement_json(pk_map_get(first, key), resources));
    }
    if (json_array_size(list) == 0) {
        json_decref(list);
        return NULL;
    }
    sort_values(list);
    return json_pack("{s:s, s:o}", "Version", "2012-10-17", "Statement", list);
}

/* --- what a component refers to
 * ------------------------------------------------------------------- */

struct grants {
    struct pk_expansion *x;
    const struct pk_component *from;
    struct pk_map *levels; /* target address -> level */
};

static void grant(struct grants *g, const char *address, const char *level) {
    const struct pk_component *target = pk_project_at(g->x->project, address);
    if (!target || target == g->from || !pk_x_active(target))
        return;
    const struct pk_kind *kind = pk_kind_by_name(target->kind);
    if (!level)
        level = kind->default_access;
    if (!level || pk_map_has(g->levels, address))
        return;
    pk_map_set(g->levels, address, (void *)(uintptr_t)level);
}

static void grant_token(void *ctx, json_t *token) {
    grant(ctx, json_string_value(json_object_get(token, "$out")), NULL);
}

/* A trigger needs to take from its source, not to write to it. */
static void grant_triggers(struct grants *g) {
    size_t i;
    json_t *trigger;
    json_array_foreach(pk_spec_get(g->from, "triggers"), i, trigger) {
        const char *type = pk_json_str(trigger, "type", "");
        const char *source = pk_json_str(trigger, "source.component", NULL);
        if (source && (pk_streq(type, "sqs") || pk_streq(type, "dynamodb")))
            grant(g, source, "consume");
        else if (source)
            grant(g, source, "none");
        const char *bucket = pk_json_str(trigger, "s3.bucket", NULL);
        if (bucket)
            grant(g, bucket, "read");
    }
}

static struct pk_map *collect_grants(struct pk_expansion *x, const struct pk_component *c) {
    struct grants g = {x, c, pk_map_new()};
    size_t i;
    json_t *item;
    json_array_foreach(pk_spec_get(c, "permissions"), i, item) {
        grant(&g, pk_json_str(item, "component", ""), pk_json_str(item, "access", "none"));
    }
    grant_triggers(&g);
    const char *dead_letters = pk_spec_str(c, "deadLetterQueue.component");
    if (dead_letters)
        grant(&g, dead_letters, "write");
    pk_token_each(c->spec, "$out", grant_token, &g);
    json_array_foreach(pk_spec_get(c, "dependsOn"), i, item) {
        if (json_is_string(item))
            grant(&g, json_string_value(item), NULL);
    }
    return g.levels;
}

static void add_grants(struct pk_expansion *x, const struct pk_component *c,
                       struct pk_statements *to) {
    struct pk_map *levels PK_CLEANUP(pk_map_freep) = collect_grants(x, c);
    size_t cursor = 0;
    const char *address;
    void *level;
    while (pk_map_next(levels, &cursor, &address, &level)) {
        const struct pk_component *target = pk_project_at(x->project, address);
        const struct pk_kind *kind = pk_kind_by_name(target->kind);
        if (kind->access && !pk_streq(level, "none"))
            kind->access(x, target, level, to);
    }
}

/* --- roles
 * ------------------------------------------------------------------------------------------ */

static json_t *trust(struct pk_expansion *x, const char *service_principal) {
    bool checks_account = pk_streq(service_principal, "ecs-tasks.amazonaws.com") ||
                          pk_streq(service_principal, "scheduler.amazonaws.com");
    json_t *statement = json_pack("{s:s, s:{s:s}, s:s}", "Effect", "Allow", "Principal", "Service",
                                  service_principal, "Action", "sts:AssumeRole");
    if (checks_account)
        json_object_set_new(
            statement, "Condition",
            json_pack("{s:{s:s}}", "StringEquals", "aws:SourceAccount", x->env->account_id));
    return json_pack("{s:s, s:[o]}", "Version", "2012-10-17", "Statement", statement);
}

static void check_size(struct pk_expansion *x, const struct pk_component *c,
                       const json_t *document) {
    char *text PK_CLEANUP(pk_freep) = pk_json_canonical(document);
    if (strlen(text) <= MAX_INLINE)
        return;
    struct pk_diag *d = pk_x_finding(x, c, PK_SEVERITY_ERROR, "iam.policy-size", NULL,
                                     "the role's derived policy has %zu characters, IAM takes %d",
                                     strlen(text), MAX_INLINE);
    pk_diag_help(x->diags, d,
                 "refer to fewer components, or name a role of your own with iam.roleArn");
}

struct pk_resource *pk_iam_role(struct pk_expansion *x, const struct pk_component *c,
                                const char *sub, const char *service_principal, bool with_access) {
    if (with_access && pk_spec_get(c, "iam.roleArn"))
        return NULL;
    struct pk_resource *role = pk_x_node(x, c, sub, "AWS::IAM::Role");
    pk_resource_set(x->graph, role, "AssumeRolePolicyDocument", trust(x, service_principal),
                    c->span);
    if (c->meta.description) {
        char *cut PK_CLEANUP(pk_freep) = pk_strndup(c->meta.description, 256);
        pk_resource_set(x->graph, role, "Description", pk_json_text(cut), c->span);
    }
    if (!with_access)
        return role;
    struct pk_statements *statements = pk_iam_statements_new(x->arena);
    add_grants(x, c, statements);
    size_t i;
    json_t *item;
    json_t *written PK_CLEANUP(json_decrefp) = pk_x_value(x, role, c, "iam.statements");
    json_array_foreach(written, i, item) add_raw(statements, item);
    json_t *document = pk_iam_document(statements);
    if (document) {
        check_size(x, c, document);
        pk_resource_set(
            x->graph, role, "Policies",
            json_pack("[{s:s, s:o}]", "PolicyName", "access", "PolicyDocument", document), c->span);
    }
    pk_x_copy(x, role, "ManagedPolicyArns", c, "iam.managedPolicyArns");
    return role;
}

json_t *pk_iam_role_arn(struct pk_expansion *x, const struct pk_component *c, const char *sub) {
    json_t *written = pk_spec_get(c, "iam.roleArn");
    if (written)
        return pk_x_resolve(x, NULL, c, written, "iam.roleArn", pk_spec_span(c, "iam.roleArn"));
    return pk_x_arn_global(x, "iam", "role/%s", pk_x_name_of(x, c, sub, "AWS::IAM::Role"));
}
