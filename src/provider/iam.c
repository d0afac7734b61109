/* iam.c - AWS::IAM::Role. */
#include "provider/types.h"

#include <string.h>

/* --- inline and attached policies --- */

static json_t *role_params(const struct pk_ctx *ctx, const char *member, const char *value) {
    json_t *params = json_object();
    pk_json_put_str(params, "RoleName", ctx->id);
    pk_json_put_str(params, member, value);
    return params;
}

static bool read_inline(struct pk_ctx *ctx, json_t *item, struct pk_error **err) {
    const json_t *names = json_object_get(item, "PolicyNames");
    json_t *policies = json_array();
    json_object_set_new(item, "Policies", policies);
    for (size_t i = 0; i < json_array_size(names); i++) {
        const char *name = json_string_value(json_array_get(names, i));
        json_t *answer = NULL;
        if (!pk_ctx_call(ctx, NULL, "GetRolePolicy", role_params(ctx, "PolicyName", name), &answer,
                         err))
            return false;
        json_object_del(answer, "RoleName");
        json_array_append_new(policies, answer);
    }
    return true;
}

static const json_t *policy_named(const json_t *policies, const char *name) {
    for (size_t i = 0; i < json_array_size(policies); i++)
        if (pk_streq(pk_json_str(json_array_get(policies, i), "PolicyName", NULL), name))
            return json_array_get(policies, i);
    return NULL;
}

static bool put_inline(struct pk_ctx *ctx, const json_t *policy, struct pk_error **err) {
    json_t *params = role_params(ctx, "PolicyName", pk_json_str(policy, "PolicyName", NULL));
    json_t *document = json_object_get(policy, "PolicyDocument");
    if (json_is_string(document)) {
        json_object_set(params, "PolicyDocument", document);
    } else {
        PK_CLEANUP(pk_freep) char *text = pk_json_canonical(document);
        pk_json_put_str(params, "PolicyDocument", text);
    }
    return pk_ctx_call(ctx, NULL, "PutRolePolicy", params, NULL, err);
}

/* New permissions come before old ones go, so that running code keeps what it needs. */
static bool set_inline(struct pk_ctx *ctx, const json_t *live, struct pk_error **err) {
    const json_t *wanted = json_object_get(ctx->props, "Policies");
    const json_t *names = json_object_get(live, "PolicyNames");
    for (size_t i = 0; i < json_array_size(wanted); i++)
        if (!put_inline(ctx, json_array_get(wanted, i), err))
            return false;
    for (size_t i = 0; i < json_array_size(names); i++) {
        const char *name = json_string_value(json_array_get(names, i));
        if (!policy_named(wanted, name) &&
            !pk_ctx_call(ctx, NULL, "DeleteRolePolicy", role_params(ctx, "PolicyName", name), NULL,
                         err))
            return false;
    }
    return true;
}

static bool has_text(const json_t *list, const char *text) {
    for (size_t i = 0; i < json_array_size(list); i++)
        if (pk_streq(json_string_value(json_array_get(list, i)), text))
            return true;
    return false;
}

static bool is_attached(const json_t *live, const char *arn) {
    const json_t *attached = json_object_get(live, "Attached");
    for (size_t i = 0; i < json_array_size(attached); i++)
        if (pk_streq(pk_json_str(json_array_get(attached, i), "PolicyArn", NULL), arn))
            return true;
    return false;
}

static bool set_attached(struct pk_ctx *ctx, const json_t *live, struct pk_error **err) {
    const json_t *wanted = json_object_get(ctx->props, "ManagedPolicyArns");
    const json_t *attached = json_object_get(live, "Attached");
    for (size_t i = 0; i < json_array_size(wanted); i++) {
        const char *arn = json_string_value(json_array_get(wanted, i));
        if (!is_attached(live, arn) && !pk_ctx_call(ctx, NULL, "AttachRolePolicy",
                                                    role_params(ctx, "PolicyArn", arn), NULL, err))
            return false;
    }
    for (size_t i = 0; i < json_array_size(attached); i++) {
        const char *arn = pk_json_str(json_array_get(attached, i), "PolicyArn", NULL);
        if (!has_text(wanted, arn) && !pk_ctx_call(ctx, NULL, "DetachRolePolicy",
                                                   role_params(ctx, "PolicyArn", arn), NULL, err))
            return false;
    }
    return true;
}

static bool read_lists(struct pk_ctx *ctx, json_t **ret, struct pk_error **err) {
    json_auto_t *names = NULL, *attached = NULL;
    if (!pk_ctx_call_all(ctx, NULL, "ListRolePolicies", role_params(ctx, "Ignored", NULL), &names,
                         err) ||
        !pk_ctx_call_all(ctx, NULL, "ListAttachedRolePolicies", role_params(ctx, "Ignored", NULL),
                         &attached, err))
        return false;
    *ret = json_object();
    json_object_set(*ret, "PolicyNames", json_object_get(names, "PolicyNames"));
    json_object_set(*ret, "Attached", json_object_get(attached, "AttachedPolicies"));
    return true;
}

static enum pk_progress change_policies(struct pk_ctx *ctx, const struct pk_update *update,
                                        struct pk_error **err) {
    (void)update;
    json_auto_t *live = NULL;
    if (!read_lists(ctx, &live, err))
        return PK_FAILED;
    bool ok = (!pk_ctx_changed(ctx, "Policies") || set_inline(ctx, live, err)) &&
              (!pk_ctx_changed(ctx, "ManagedPolicyArns") || set_attached(ctx, live, err));
    return ok ? PK_DONE : PK_FAILED;
}

static enum pk_progress change_boundary(struct pk_ctx *ctx, const struct pk_update *update,
                                        struct pk_error **err) {
    (void)update;
    const char *arn = pk_json_str(ctx->props, "PermissionsBoundary", NULL);
    const char *operation = arn ? "PutRolePermissionsBoundary" : "DeleteRolePermissionsBoundary";
    json_t *params = role_params(ctx, "PermissionsBoundary", arn);
    return pk_ctx_call(ctx, NULL, operation, params, NULL, err) ? PK_DONE : PK_FAILED;
}

/* A role can go only when nothing hangs on it. */
static enum pk_progress strip_role(struct pk_ctx *ctx, struct pk_error **err) {
    json_auto_t *live = NULL;
    struct pk_error *error = NULL;
    if (!read_lists(ctx, &live, &error)) {
        if (pk_error_in(error, ctx->type->errors.gone)) {
            pk_error_free(error);
            return PK_DONE;
        }
        *err = error;
        return PK_FAILED;
    }
    json_t *kept = ctx->props;
    ctx->props = NULL; /* nothing is wanted any more */
    bool ok = set_inline(ctx, live, err) && set_attached(ctx, live, err);
    ctx->props = kept;
    return ok ? PK_DONE : PK_FAILED;
}

/* Documents come as URL-encoded text. */
static json_t *convert_policies(const struct pk_ctx *ctx, const json_t *value, bool to_api) {
    static const struct pk_prop document = {.name = "PolicyDocument", .conv = PK_JSON_AS_TEXT};
    (void)to_api;
    json_t *list = json_array();
    for (size_t i = 0; i < json_array_size(value); i++) {
        const json_t *policy = json_array_get(value, i);
        json_t *copy = json_object();
        pk_json_put_str(copy, "PolicyName", pk_json_str(policy, "PolicyName", NULL));
        json_object_set_new(
            copy, "PolicyDocument",
            pk_ctx_convert(ctx, &document, json_object_get(policy, "PolicyDocument"), false));
        json_array_append_new(list, copy);
    }
    return list;
}

// clang-format off

static const struct pk_prop role_props[] = {
    {"RoleName", .traits = PK_CREATE_ONLY},
    {"Path", .traits = PK_CREATE_ONLY},
    {"AssumeRolePolicyDocument", .conv = PK_JSON_AS_TEXT, .update = 1, .change = "PolicyDocument",
     .traits = PK_POLICY_DOC},
    {"Description", .update = 2, .fallback = "\"\""},
    {"MaxSessionDuration", .update = 2, .fallback = "3600"},
    {"PermissionsBoundary", .update = 3, .read = "PermissionsBoundary.PermissionsBoundaryArn"},
    {"Policies", .create = PK_NOT_SENT, .update = 4, .conv = PK_CUSTOM, .convert = convert_policies,
     .traits = PK_SET},
    {"ManagedPolicyArns", .create = PK_NOT_SENT, .read = "Attached[].PolicyArn", .update = 4,
     .traits = PK_SET},
};

static const struct pk_prop_trait role_traits[] = {
    {"Policies[].PolicyDocument", PK_POLICY_DOC}, {NULL, 0}};

static const struct pk_update role_updates[] = {
    {.operation = "UpdateAssumeRolePolicy", .params = PK_PARAMS({"RoleName", "{id}"})},
    /* What is left out here goes back to its default. */
    {.operation = "UpdateRole", .params = PK_PARAMS({"RoleName", "{id}"}), .flags = PK_UPDATE_FULL},
    {.run = change_boundary},
    {.run = change_policies, .flags = PK_UPDATE_AFTER_CREATE},
};

static const struct pk_reader role_readers[] = {
    {.call = {"GetRole", NULL, PK_PARAMS({"RoleName", "{id}"})}, .item = "Role"},
    {.call = {"ListRolePolicies", NULL, PK_PARAMS({"RoleName", "{id}"})}, .paged = true,
     .item = "PolicyNames", .into = "PolicyNames", .absent = "NoSuchEntity"},
    {.call = {"ListAttachedRolePolicies", NULL, PK_PARAMS({"RoleName", "{id}"})}, .paged = true,
     .item = "AttachedPolicies", .into = "Attached", .absent = "NoSuchEntity"},
};

static const struct pk_attribute role_attributes[] = {
    {"Arn", "Arn"}, {"RoleId", "RoleId"}, {NULL, NULL}};

const struct pk_type pk_type_iam_role = {
    .type = "AWS::IAM::Role", .service = "iam",
    .props = role_props, .n_props = PK_ARRAY_LEN(role_props), .more_traits = role_traits,
    .name_prop = "RoleName",
    .typical_create_ms = 3000, .typical_delete_ms = 3000,
    .create = {.operation = "CreateRole"}, .id = "{out.Role.RoleName}", .create_item = "Role",
    .updates = role_updates, .n_updates = PK_ARRAY_LEN(role_updates),
    .before_remove = strip_role,
    .remove = {"DeleteRole", NULL, PK_PARAMS({"RoleName", "{id}"})},
    .readers = role_readers, .n_readers = PK_ARRAY_LEN(role_readers), .read_more = read_inline,
    .tags = {.shape = PK_TAGS_LIST, .create = "Tags", .read = "Tags",
             .tag = {"TagRole", NULL, PK_PARAMS({"RoleName", "{id}"})}, .tag_member = "Tags",
             .untag = {"UntagRole", NULL, PK_PARAMS({"RoleName", "{id}"})},
             .untag_member = "TagKeys"},
    .errors = {.gone = "NoSuchEntity", .exists = "EntityAlreadyExists",
               .busy = "ConcurrentModification|EntityTemporarilyUnmodifiable",
               .fresh = "MalformedPolicyDocument:Invalid principal|NoSuchEntity:role with name",
               .delete_busy = "DeleteConflict"},
    .attributes = role_attributes,
    .recovery = PK_RECOVER_NAME, .find_id = "{name}",
};
// clang-format on
