/* iam.c - policy documents: statements, merging, statements of users, keys. */
#include "component/iam.h"
#include "component/internal.h"

#include "base/str.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>

struct pk_statements {
    struct pk_arena *arena;
    struct pk_vec list; /* json_t statements; those of pk_iam_allow are merged */
};

static void drop_statements(void *data) {
    struct pk_statements *statements = data;
    for (size_t i = 0; i < statements->list.len; i++)
        json_decref(statements->list.items[i]);
    pk_vec_release(&statements->list);
}

struct pk_statements *pk_iam_statements_new(struct pk_arena *arena) {
    struct pk_statements *statements = pk_arena_alloc(arena, sizeof(*statements));
    statements->arena = arena;
    pk_arena_on_free(arena, drop_statements, statements);
    return statements;
}

json_t *pk_iam_list(json_t *a, json_t *b) {
    json_t *list = json_array();
    json_array_append_new(list, a);
    if (b)
        json_array_append_new(list, b);
    return list;
}

void pk_iam_add(struct pk_statements *to, json_t *statement) {
    pk_vec_push(&to->list, statement);
}

void pk_iam_allow(struct pk_statements *to, const char *const *actions, json_t *resources,
                  json_t *condition) {
    json_t *statement = json_object(), *list = json_array();
    for (; *actions; actions++)
        json_array_append_new(list, json_string(*actions));
    if (!json_is_array(resources))
        resources = pk_iam_list(resources, NULL);
    json_object_set_new(statement, "Effect", json_string("Allow"));
    json_object_set_new(statement, "Action", list);
    json_object_set_new(statement, "Resource", resources);
    pk_x_set(statement, "Condition", condition);
    pk_iam_add(to, statement);
}

void pk_iam_allow_service(struct pk_expansion *x, struct pk_statements *to, const char *service,
                          const char *action, json_t *resource, json_t *source_arn,
                          bool same_account) {
    json_t *condition = json_object();
    if (same_account)
        json_object_set_new(condition, "StringEquals",
                            json_pack("{s:s}", "aws:SourceAccount", x->env->account_id));
    json_object_set_new(condition, "ArnEquals", json_pack("{s:o}", "aws:SourceArn", source_arn));
    pk_iam_add(to, json_pack("{s:s, s:{s:s}, s:[s], s:[o], s:o}", "Effect", "Allow", "Principal",
                             "Service", service, "Action", action, "Resource", resource,
                             "Condition", condition));
}

/* --- canonical form --------------------------------------------------------------------------- */

struct keyed {
    char *key;
    json_t *value;
};

static int by_key(const void *a, const void *b) {
    return strcmp(((const struct keyed *)a)->key, ((const struct keyed *)b)->key);
}

/* A sorted copy without repeats; items may be tokens or objects. */
static json_t *sorted(const json_t *list) {
    size_t n = json_array_size(list);
    struct keyed *items = pk_calloc(n + 1, sizeof(*items));
    for (size_t i = 0; i < n; i++)
        items[i] =
            (struct keyed){pk_json_canonical(json_array_get(list, i)), json_array_get(list, i)};
    qsort(items, n, sizeof(*items), by_key);
    json_t *out = json_array();
    for (size_t i = 0; i < n; i++)
        if (i == 0 || strcmp(items[i].key, items[i - 1].key) != 0)
            json_array_append(out, items[i].value);
    for (size_t i = 0; i < n; i++)
        free(items[i].key);
    free(items);
    return out;
}

static void sort_member(json_t *statement, const char *member) {
    const json_t *list = json_object_get(statement, member);
    if (json_is_array(list))
        json_object_set_new(statement, member, sorted(list));
}

/* Two statements with the same actions under the same condition are one with both resources. */
static char *merge_key(const json_t *statement) {
    json_auto_t *rest = json_copy((json_t *)(uintptr_t)statement); /* only read */
    if (!json_is_array(json_object_get(rest, "Resource")))
        return NULL;
    json_object_del(rest, "Resource");
    return pk_json_canonical(rest);
}

static void merge_into(struct pk_map *groups, json_t *statements, json_t *statement) {
    PK_CLEANUP(pk_freep) char *key = merge_key(statement);
    json_t *there = key ? pk_map_get(groups, key) : NULL;
    if (there) {
        json_array_extend(json_object_get(there, "Resource"),
                          json_object_get(statement, "Resource"));
        return;
    }
    json_array_append(statements, statement);
    if (key)
        pk_map_set(groups, key, statement);
}

json_t *pk_iam_document(struct pk_statements *statements) {
    if (statements->list.len == 0)
        return NULL;
    PK_CLEANUP(pk_map_freep) struct pk_map *groups = pk_map_new();
    json_auto_t *merged = json_array();
    for (size_t i = 0; i < statements->list.len; i++) {
        json_auto_t *copy = json_deep_copy(statements->list.items[i]);
        sort_member(copy, "Action");
        merge_into(groups, merged, copy);
    }
    for (size_t i = 0; i < json_array_size(merged); i++)
        sort_member(json_array_get(merged, i), "Resource");
    return json_pack("{s:s, s:o}", "Version", "2012-10-17", "Statement", sorted(merged));
}

/* --- statements of users ---------------------------------------------------------------------- */

struct written {
    struct pk_expansion *x;
    const struct pk_component *c;
    const char *path; /* of the statement */
    const json_t *self;
};

static bool refuse(const struct written *w, const char *message, const char *help) {
    struct pk_diag *d =
        pk_x_finding(w->x, w->c, PK_SEVERITY_ERROR, "iam.statement", w->path, "%s", message);
    pk_diag_help(w->x->diags, d, "%s", help);
    return false;
}

/* `effect` and `Effect` are the same member. */
static const char *member_name(const char *written) {
    static const char *const members[] = {"Sid",          "Effect",    "Principal",
                                          "NotPrincipal", "Action",    "Resource",
                                          "NotResource",  "NotAction", "Condition"};
    for (size_t i = 0; i < PK_ARRAY_LEN(members); i++)
        if (tolower((unsigned char)*written) == tolower((unsigned char)*members[i]) && *written &&
            strcmp(written + 1, members[i] + 1) == 0)
            return members[i];
    return NULL;
}

static json_t *renamed(const struct written *w, json_t *statement) {
    json_t *out = json_object(), *value;
    const char *key;
    json_object_foreach(statement, key, value) {
        const char *name = member_name(key);
        if (name) {
            json_object_set(out, name, value);
            continue;
        }
        refuse(w, pk_arena_printf(w->x->arena, "a statement has no member `%s`", key),
               "Effect, Action, Resource, Condition, Principal, Sid, NotAction, NotResource and "
               "NotPrincipal are known");
    }
    return out;
}

static bool has_one_of(const json_t *statement, const char *a, const char *b) {
    return !json_object_get(statement, a) != !json_object_get(statement, b);
}

static bool is_complete(const struct written *w, const json_t *statement) {
    const char *effect = pk_json_str(statement, "Effect", NULL);
    bool names_who =
        json_object_get(statement, "Principal") || json_object_get(statement, "NotPrincipal");
    if (!effect || (strcmp(effect, "Allow") != 0 && strcmp(effect, "Deny") != 0))
        return refuse(w, "a statement needs an effect", "set `Effect: Allow` or `Effect: Deny`");
    if (!has_one_of(statement, "Action", "NotAction"))
        return refuse(w, "a statement needs actions",
                      "set `Action` (or `NotAction`) to one or more actions");
    if (!has_one_of(statement, "Resource", "NotResource"))
        return refuse(w, "a statement needs resources",
                      w->self ? "set `Resource: self`, or ARNs"
                              : "set `Resource` to ARNs or \"*\"");
    if (w->self && !names_who)
        return refuse(w, "a statement in the policy of a resource says who it is about",
                      "set `Principal`, for example {Service: events.amazonaws.com}");
    if (!w->self && names_who)
        return refuse(w, "the policy of a role has no principal", "remove `Principal`");
    return true;
}

/* `self` stands for the component's own ARNs, `self/…` for what lies below the first of them. */
static void add_resource(const struct written *w, json_t *list, json_t *item) {
    const char *text = json_string_value(item);
    const char *own = json_string_value(json_array_get(w->self, 0));
    if (pk_streq(text, "self"))
        json_array_extend(list, (json_t *)(uintptr_t)w->self); /* only read */
    else if (text && own && pk_starts_with(text, "self/"))
        json_array_append_new(list, pk_json_textf("%s%s", own, text + strlen("self")));
    else
        json_array_append(list, item);
}

static void replace_self(const struct written *w, json_t *statement, const char *member) {
    json_t *resource = json_object_get(statement, member);
    if (!w->self || !resource)
        return;
    json_t *list = json_array();
    if (!json_is_array(resource))
        add_resource(w, list, resource);
    for (size_t i = 0; i < json_array_size(resource); i++)
        add_resource(w, list, json_array_get(resource, i));
    json_object_set_new(statement, member, list);
}

/* A single action or resource and a list of one are the same. */
static void make_list(json_t *statement, const char *member) {
    json_t *value = json_object_get(statement, member);
    if (value && !json_is_array(value))
        json_object_set_new(statement, member, pk_iam_list(json_incref(value), NULL));
}

void pk_iam_add_written(struct pk_expansion *x, struct pk_resource *r, const struct pk_component *c,
                        const char *path, const json_t *self, struct pk_statements *to) {
    const json_t *list = pk_spec_get(c, path);
    for (size_t i = 0; i < json_array_size(list); i++) {
        const char *place = pk_arena_printf(x->arena, "%s[%zu]", path, i);
        struct written w = {x, c, place, self};
        json_auto_t *value =
            pk_x_resolve(x, r, c, json_array_get(list, i), place, pk_spec_span(c, place));
        if (!json_is_object(value)) {
            refuse(&w, "a statement is a map", "write {Effect, Action, Resource}");
            continue;
        }
        json_t *statement = renamed(&w, value);
        replace_self(&w, statement, "Resource");
        replace_self(&w, statement, "NotResource");
        make_list(statement, "Action");
        make_list(statement, "Resource");
        if (is_complete(&w, statement))
            pk_iam_add(to, statement);
        else
            json_decref(statement);
    }
}

struct pk_resource *pk_iam_resource_policy(struct pk_expansion *x, const struct pk_component *c,
                                           const char *type, json_t *self,
                                           struct pk_statements *statements) {
    json_auto_t *own = self;
    if (statements->list.len == 0 && json_array_size(pk_spec_get(c, "policy.statements")) == 0)
        return NULL;
    struct pk_resource *r = pk_x_node(x, c, "policy", type);
    pk_iam_add_written(x, r, c, "policy.statements", own, statements);
    pk_resource_set(x->graph, r, "PolicyDocument", pk_iam_document(statements),
                    pk_spec_span(c, "policy"));
    return r;
}

/* --- keys ------------------------------------------------------------------------------------- */

bool pk_iam_includes(const char *level, const char *part) {
    if (strcmp(level, part) == 0)
        return true;
    return strcmp(level, "readwrite") == 0 &&
           (strcmp(part, "read") == 0 || strcmp(part, "write") == 0);
}

void pk_iam_allow_key(struct pk_expansion *x, const struct pk_component *c, const char *path,
                      const char *service, const char *level, struct pk_statements *to) {
    static const char *const use[] = {"kms:Decrypt", NULL};
    static const char *const make[] = {"kms:Decrypt", "kms:GenerateDataKey", NULL};
    const char *key = pk_spec_str(c, path);
    const char *alias = key ? strstr(key, "alias/") : NULL;
    if (!key || (alias && pk_starts_with(alias, "alias/aws/")))
        return; /* keys of AWS let the whole account in through their service */
    json_t *condition = json_object(), *resource;
    json_object_set_new(
        condition, "StringEquals",
        json_pack("{s:o}", "kms:ViaService",
                  pk_json_textf("%s.%s.%s", service, x->env->region, x->env->dns_suffix)));
    if (alias) {
        /* policies name keys, not aliases: the alias becomes a condition */
        json_object_set_new(condition, "ForAnyValue:StringEquals",
                            json_pack("{s:s}", "kms:ResourceAliases", alias));
        resource = pk_x_arn(x, "kms", "key/*");
    } else {
        resource =
            pk_starts_with(key, "arn:") ? pk_json_text(key) : pk_x_arn(x, "kms", "key/%s", key);
    }
    bool writes = pk_iam_includes(level, "write") || strcmp(level, "admin") == 0;
    pk_iam_allow(to, writes ? make : use, resource, condition);
}
