/* iam_role.c - roles of components that run code, and the access that references give them. */
#include "component/iam.h"
#include "component/internal.h"

#include "base/str.h"

#include <string.h>

#define ROLE "AWS::IAM::Role"
#define MAX_INLINE 10240 /* characters of all inline policies of a role */

static bool has_own_role(const struct pk_component *c) {
    return pk_spec_get(c, "iam.roleArn") != NULL;
}

/* --- what is referred to ---------------------------------------------------------------------- */

struct use {
    const struct pk_component *target;
    bool by_default;
    bool consumed, sent; /* a trigger or a dead-letter queue needs it, whatever else is granted */
    const char *written; /* level of `permissions`, or NULL */
    const char *written_path; /* of that level */
};

struct uses {
    struct pk_expansion *x;
    const struct pk_component *c;
    struct pk_map *by_address; /* struct use */
};

static struct use *use_of(struct uses *uses, const struct pk_component *target) {
    struct use *use = pk_map_get(uses->by_address, target->address);
    if (use)
        return use;
    use = pk_arena_alloc(uses->x->arena, sizeof(*use));
    use->target = target;
    pk_map_set(uses->by_address, target->address, use);
    return use;
}

static void note_output(void *ctx, json_t *token) {
    struct uses *uses = ctx;
    const struct pk_component *target =
        pk_project_at(uses->x->project, pk_json_str(token, "$out", ""));
    if (target && target != uses->c && pk_x_active(target))
        use_of(uses, target)->by_default = true;
}

/* What stands in `iam` and `permissions` says itself what it allows. */
static void note_outputs(struct uses *uses) {
    const char *key;
    json_t *value;
    json_object_foreach(uses->c->spec, key, value) {
        if (strcmp(key, "iam") != 0 && strcmp(key, "permissions") != 0)
            pk_token_each(value, "$out", note_output, uses);
    }
}

static void note_depends_on(struct uses *uses) {
    size_t n = json_array_size(pk_spec_get(uses->c, "dependsOn"));
    for (size_t i = 0; i < n; i++) {
        const struct pk_component *target =
            pk_x_ref(uses->x, uses->c, pk_arena_printf(uses->x->arena, "dependsOn[%zu]", i));
        if (target && target != uses->c)
            use_of(uses, target)->by_default = true;
    }
}

static void note_permissions(struct uses *uses) {
    struct pk_expansion *x = uses->x;
    size_t n = json_array_size(pk_spec_get(uses->c, "permissions"));
    for (size_t i = 0; i < n; i++) {
        const char *path = pk_arena_printf(x->arena, "permissions[%zu].access", i);
        const struct pk_component *target =
            pk_x_ref(x, uses->c, pk_arena_printf(x->arena, "permissions[%zu].component", i));
        const char *level = pk_spec_str(uses->c, path);
        if (!target || !level)
            continue;
        struct use *use = use_of(uses, target);
        use->written = level;
        use->written_path = path;
    }
}

/* --- what that allows ------------------------------------------------------------------------- */

static size_t count(struct pk_statements *statements) {
    json_auto_t *document = pk_iam_document(statements);
    return json_array_size(json_object_get(document, "Statement"));
}

/* A level that the kind does not know would grant nothing without a word. */
static void grant_written(struct uses *uses, const struct use *use, const struct pk_kind *kind,
                          struct pk_statements *to) {
    struct pk_expansion *x = uses->x;
    struct pk_statements *only = pk_iam_statements_new(x->arena);
    if (strcmp(use->written, "none") == 0)
        return;
    if (kind->access) {
        kind->access(x, use->target, use->written, only);
        kind->access(x, use->target, use->written, to);
    }
    if (count(only) > 0)
        return;
    struct pk_diag *d = pk_x_finding(x, uses->c, PK_SEVERITY_ERROR, "iam.access", use->written_path,
                                     "%s has no access `%s`", use->target->kind, use->written);
    if (strcmp(use->target->kind, "RDS") == 0)
        pk_diag_help(x->diags, d,
                     "databases are reached by network and password; with `iamAuth: true` in %s "
                     "`read` and `write` allow to log in",
                     use->target->name);
    else
        pk_diag_help(x->diags, d, "its default is `%s`",
                     kind->default_access ? kind->default_access : "none");
}

static void grant(struct uses *uses, const struct use *use, struct pk_statements *to) {
    const struct pk_kind *kind = pk_kind_by_name(use->target->kind);
    bool refused = use->written && strcmp(use->written, "none") == 0;
    if (use->written)
        grant_written(uses, use, kind, to);
    else if (use->by_default && kind->access && kind->default_access &&
             strcmp(kind->default_access, "none") != 0)
        kind->access(uses->x, use->target, kind->default_access, to);
    if (use->consumed && !refused && kind->access)
        kind->access(uses->x, use->target, "consume", to);
    if (use->sent && !refused && kind->access)
        kind->access(uses->x, use->target, "write", to);
}

static void grant_uses(struct uses *uses, const struct pk_iam_need *needs, size_t n_needs,
                       struct pk_statements *to) {
    note_outputs(uses);
    note_depends_on(uses);
    for (size_t i = 0; i < n_needs; i++) {
        if (!needs[i].target || needs[i].target == uses->c)
            continue;
        struct use *use = use_of(uses, needs[i].target);
        if (pk_streq(needs[i].level, "consume"))
            use->consumed = true;
        else if (pk_streq(needs[i].level, "write"))
            use->sent = true;
        else
            use->by_default = true;
    }
    note_permissions(uses);
    size_t cursor = 0;
    void *item;
    while (pk_map_next(uses->by_address, &cursor, NULL, &item))
        grant(uses, item, to);
}

static void grant_volume(struct pk_expansion *x, const json_t *volume, struct pk_statements *to) {
    static const char *const both[] = {"elasticfilesystem:ClientMount",
                                       "elasticfilesystem:ClientWrite", NULL};
    static const char *const read[] = {"elasticfilesystem:ClientMount", NULL};
    const char *source = pk_json_str(volume, "source", "*");
    const char *point = pk_json_str(volume, "accessPoint", NULL);
    json_t *condition = NULL;
    if (strcmp(pk_json_str(volume, "type", ""), "efs") != 0)
        return;
    if (point)
        condition = json_pack("{s:{s:o}}", "StringEquals", "elasticfilesystem:AccessPointArn",
                              pk_starts_with(point, "arn:")
                                  ? pk_json_text(point)
                                  : pk_x_arn(x, "elasticfilesystem", "access-point/%s", point));
    pk_iam_allow(to, pk_json_bool(volume, "readOnly", false) ? read : both,
                 pk_x_arn(x, "elasticfilesystem", "file-system/%s", source), condition);
}

static void grant_volumes(struct pk_expansion *x, const struct pk_component *c,
                          struct pk_statements *to) {
    const json_t *volumes = pk_spec_get(c, "volumes");
    for (size_t i = 0; i < json_array_size(volumes); i++)
        grant_volume(x, json_array_get(volumes, i), to);
}

/* Sessions of `exec` and traces are not about one resource. */
static void grant_features(const struct pk_component *c, struct pk_statements *to) {
    static const char *const exec[] = {
        "ssmmessages:CreateControlChannel", "ssmmessages:CreateDataChannel",
        "ssmmessages:OpenControlChannel", "ssmmessages:OpenDataChannel", NULL};
    static const char *const trace[] = {"xray:PutTraceSegments", "xray:PutTelemetryRecords", NULL};
    if (pk_spec_bool(c, "runtime.enableExec"))
        pk_iam_allow(to, exec, json_string("*"), NULL);
    if (pk_spec_bool(c, "tracing"))
        pk_iam_allow(to, trace, json_string("*"), NULL);
}

/* --- roles ------------------------------------------------------------------------------------ */

/* Only the service, and only when it acts for this account (confused deputy). */
static json_t *trust(struct pk_expansion *x, const char *principal) {
    json_t *condition = json_object();
    json_object_set_new(condition, "StringEquals",
                        json_pack("{s:s}", "aws:SourceAccount", x->env->account_id));
    if (strcmp(principal, "ecs-tasks.amazonaws.com") == 0)
        json_object_set_new(condition, "ArnLike",
                            json_pack("{s:o}", "aws:SourceArn", pk_x_arn(x, "ecs", "*")));
    json_t *statement =
        json_pack("{s:s, s:{s:s}, s:s, s:o}", "Effect", "Allow", "Principal", "Service", principal,
                  "Action", "sts:AssumeRole", "Condition", condition);
    return json_pack("{s:s, s:[o]}", "Version", "2012-10-17", "Statement", statement);
}

void pk_iam_add_policy(struct pk_expansion *x, struct pk_resource *role, const char *name,
                       json_t *document) {
    if (!document)
        return;
    json_t *policies = json_incref(json_object_get(role->properties, "Policies"));
    if (!policies)
        policies = json_array();
    json_array_append_new(policies,
                          json_pack("{s:s, s:o}", "PolicyName", name, "PolicyDocument", document));
    pk_resource_set(x->graph, role, "Policies", policies, role->span);
}

void pk_iam_add_managed(struct pk_expansion *x, struct pk_resource *role, const char *name) {
    json_t *arns = json_incref(json_object_get(role->properties, "ManagedPolicyArns"));
    if (!arns)
        arns = json_array();
    json_array_append_new(arns,
                          pk_json_textf("arn:%s:iam::aws:policy/%s", x->env->partition, name));
    pk_resource_set(x->graph, role, "ManagedPolicyArns", arns, role->span);
}

void pk_iam_check_size(struct pk_expansion *x, const struct pk_component *c,
                       const struct pk_resource *role) {
    const json_t *policies = json_object_get(role->properties, "Policies");
    size_t total = 0;
    for (size_t i = 0; i < json_array_size(policies); i++) {
        PK_CLEANUP(pk_freep)
        char *text =
            pk_json_canonical(json_object_get(json_array_get(policies, i), "PolicyDocument"));
        total += strlen(text);
    }
    if (total <= MAX_INLINE)
        return;
    struct pk_diag *d =
        pk_x_finding(x, c, PK_SEVERITY_ERROR, "iam.policy-size",
                     pk_spec_get(c, "iam.statements") ? "iam.statements" : NULL,
                     "the policies of role %s have %zu characters", role->name, total);
    pk_diag_help(x->diags, d,
                 "IAM takes %d: move statements to a managed policy (`iam.managedPolicyArns`), or "
                 "refer to fewer components",
                 MAX_INLINE);
}

static struct pk_resource *add_role(struct pk_expansion *x, const struct pk_component *c,
                                    const char *sub, const char *principal) {
    struct pk_resource *role = pk_x_node(x, c, sub, ROLE);
    pk_resource_set(x->graph, role, "AssumeRolePolicyDocument", trust(x, principal), c->span);
    return role;
}

static void warn_nothing_derived(struct pk_expansion *x, const struct pk_component *c) {
    static const char *const fields[] = {"permissions", "iam.statements", "iam.managedPolicyArns"};
    for (size_t i = 0; i < PK_ARRAY_LEN(fields); i++) {
        if (!pk_spec_written(c, fields[i]))
            continue;
        struct pk_diag *d =
            pk_x_finding(x, c, PK_SEVERITY_WARNING, "iam.role-given", fields[i],
                         "`%s` has no effect: `iam.roleArn` names a role that exists", fields[i]);
        pk_diag_help(x->diags, d, "give that role what it needs, or remove `iam.roleArn`");
    }
}

struct pk_resource *pk_iam_role_with(struct pk_expansion *x, const struct pk_component *c,
                                     const char *sub, const char *service_principal,
                                     const struct pk_iam_need *needs, size_t n_needs,
                                     struct pk_statements *more) {
    if (has_own_role(c)) {
        warn_nothing_derived(x, c);
        return NULL;
    }
    struct pk_resource *role = add_role(x, c, sub, service_principal);
    PK_CLEANUP(pk_map_freep) struct pk_map *by_address = pk_map_new();
    struct uses uses = {x, c, by_address};
    struct pk_statements *statements = more ? more : pk_iam_statements_new(x->arena);
    grant_uses(&uses, needs, n_needs, statements);
    grant_volumes(x, c, statements);
    grant_features(c, statements);
    pk_iam_add_written(x, role, c, "iam.statements", NULL, statements);
    pk_iam_add_policy(x, role, "access", pk_iam_document(statements));
    pk_x_copy(x, role, "ManagedPolicyArns", c, "iam.managedPolicyArns");
    return role;
}

struct pk_resource *pk_iam_role(struct pk_expansion *x, const struct pk_component *c,
                                const char *sub, const char *service_principal, bool with_access) {
    if (!with_access)
        return add_role(x, c, sub, service_principal);
    struct pk_resource *role = pk_iam_role_with(x, c, sub, service_principal, NULL, 0, NULL);
    if (role)
        pk_iam_check_size(x, c, role);
    return role;
}

json_t *pk_iam_role_arn(struct pk_expansion *x, const struct pk_component *c, const char *sub) {
    if (has_own_role(c))
        return pk_x_value(x, NULL, c, "iam.roleArn");
    return pk_x_arn_global(x, "iam", "role/%s", pk_x_name_of(x, c, sub, ROLE));
}

void pk_iam_check_unused(struct pk_expansion *x, const struct pk_component *c) {
    static const char *const fields[] = {"permissions", "iam"};
    for (size_t i = 0; i < PK_ARRAY_LEN(fields); i++) {
        if (!pk_spec_written(c, fields[i]))
            continue;
        struct pk_diag *d = pk_x_finding(x, c, PK_SEVERITY_WARNING, "iam.no-role", fields[i],
                                         "`%s` has no effect: %s has no role", fields[i], c->kind);
        pk_diag_help(x->diags, d, "set it in the component that runs the code");
    }
}
