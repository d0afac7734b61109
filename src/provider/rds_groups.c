/* rds_groups.c - AWS::RDS::DBSubnetGroup, DBParameterGroup, DBClusterParameterGroup. */
#include "provider/types.h"

#include <string.h>

#define BATCH 20 /* parameters of one call */

/* --- parameters: the operations of both kinds of group --- */

struct group_calls {
    const char *member; /* the group's name in requests */
    const char *list, *modify, *reset, *defaults;
};

static const struct group_calls instance_calls = {"DBParameterGroupName", "DescribeDBParameters",
                                                  "ModifyDBParameterGroup", "ResetDBParameterGroup",
                                                  "DescribeEngineDefaultParameters"};
static const struct group_calls cluster_calls = {
    "DBClusterParameterGroupName", "DescribeDBClusterParameters", "ModifyDBClusterParameterGroup",
    "ResetDBClusterParameterGroup", "DescribeEngineDefaultClusterParameters"};

static const struct group_calls *calls_of(const struct pk_ctx *ctx) {
    return pk_streq(ctx->type->name_prop, instance_calls.member) ? &instance_calls : &cluster_calls;
}

/* What differs from the engine's defaults: name -> value. */
static bool user_parameters(struct pk_ctx *ctx, json_t **ret, struct pk_error **err) {
    const struct group_calls *calls = calls_of(ctx);
    json_auto_t *answer = NULL;
    json_t *params = json_pack("{s:s, s:s}", calls->member, ctx->id, "Source", "user");
    if (!pk_ctx_call_all(ctx, NULL, calls->list, params, &answer, err))
        return false;
    const json_t *list = json_object_get(answer, "Parameters");
    json_t *values = json_object();
    for (size_t i = 0; i < json_array_size(list); i++) {
        const json_t *parameter = json_array_get(list, i);
        const char *value = pk_json_str(parameter, "ParameterValue", NULL);
        if (value)
            json_object_set_new(values, pk_json_str(parameter, "ParameterName", "?"),
                                pk_json_text(value));
    }
    *ret = values;
    return true;
}

/* Names of the parameters that the engine can change while it runs: an object as a set. */
static bool dynamic_parameters(struct pk_ctx *ctx, json_t **ret, struct pk_error **err) {
    json_auto_t *answer = NULL;
    json_t *params = json_object();
    pk_json_put_str(params, "DBParameterGroupFamily", pk_json_str(ctx->props, "Family", NULL));
    struct pk_error *why = NULL;
    if (!pk_ctx_call_all(ctx, NULL, calls_of(ctx)->defaults, params, &answer, &why)) {
        /* Without a look at the engine's table (no permission, no such action) nothing is lost:
         * pending-reboot is right for every parameter, it only waits for the next restart. */
        bool may_guess = why->code == PK_E_ACCESS_DENIED || pk_error_is_aws(why, "InvalidAction");
        if (may_guess || err == NULL)
            pk_error_free(why);
        else
            *err = why;
        *ret = may_guess ? json_object() : *ret;
        return may_guess;
    }
    const json_t *list = pk_json_at(answer, "EngineDefaults.Parameters");
    json_t *names = json_object();
    for (size_t i = 0; i < json_array_size(list); i++) {
        const json_t *parameter = json_array_get(list, i);
        if (pk_streq(pk_json_str(parameter, "ApplyType", NULL), "dynamic"))
            json_object_set_new(names, pk_json_str(parameter, "ParameterName", "?"), json_true());
    }
    *ret = names;
    return true;
}

/* One entry of a request; value NULL = back to the default. */
static json_t *entry(const char *name, const json_t *value, const json_t *dynamic) {
    json_t *ret = json_pack("{s:s, s:s}", "ParameterName", name, "ApplyMethod",
                            json_object_get(dynamic, name) ? "immediate" : "pending-reboot");
    PK_CLEANUP(pk_freep) char *number = NULL;
    if (json_is_string(value))
        json_object_set(ret, "ParameterValue", (json_t *)(uintptr_t)value);
    else if (value) {
        number = pk_json_canonical(value);
        pk_json_put_str(ret, "ParameterValue", number);
    }
    return ret;
}

static bool in_batches(struct pk_ctx *ctx, const char *operation, const json_t *list,
                       struct pk_error **err) {
    for (size_t from = 0; from < json_array_size(list); from += BATCH) {
        json_t *some = json_array();
        for (size_t i = from; i < json_array_size(list) && i < from + BATCH; i++)
            json_array_append(some, json_array_get(list, i));
        json_t *params =
            json_pack("{s:s, s:o}", calls_of(ctx)->member, ctx->id, "Parameters", some);
        if (!pk_ctx_call(ctx, NULL, operation, params, NULL, err))
            return false;
    }
    return true;
}

static bool same_value(const json_t *wanted, const json_t *live) {
    PK_CLEANUP(pk_freep) char *number = json_is_number(wanted) ? pk_json_canonical(wanted) : NULL;
    return pk_streq(number ? number : json_string_value(wanted), json_string_value(live));
}

static enum pk_progress change_parameters(struct pk_ctx *ctx, const struct pk_update *update,
                                          struct pk_error **err) {
    (void)update;
    json_auto_t *live = NULL, *dynamic = NULL;
    if (!user_parameters(ctx, &live, err) || !dynamic_parameters(ctx, &dynamic, err))
        return PK_FAILED;
    json_t *wanted = json_object_get(ctx->props, "Parameters");
    json_auto_t *set = json_array(), *reset = json_array();
    const char *name;
    json_t *value;
    json_object_foreach(wanted, name, value) {
        if (!same_value(value, json_object_get(live, name)))
            json_array_append_new(set, entry(name, value, dynamic));
    }
    json_object_foreach(live, name, value) {
        if (!json_object_get(wanted, name))
            json_array_append_new(reset, entry(name, NULL, dynamic));
    }
    const struct group_calls *calls = calls_of(ctx);
    bool ok = in_batches(ctx, calls->modify, set, err) && in_batches(ctx, calls->reset, reset, err);
    return ok ? PK_DONE : PK_FAILED;
}

static bool read_parameters(struct pk_ctx *ctx, json_t *item, struct pk_error **err) {
    if (!ctx->prior || !json_object_get(ctx->prior, "Parameters"))
        return true;
    json_t *values = NULL;
    if (!user_parameters(ctx, &values, err))
        return false;
    json_object_set_new(item, "Parameters", values);
    return true;
}

// clang-format off

#define TAGGING(arn) {.shape = PK_TAGS_LIST, .create = "Tags", .read = "Tags", \
    .tag = {"AddTagsToResource", NULL, PK_PARAMS({"ResourceName", "{attr." arn "}"})}, \
    .tag_member = "Tags", \
    .untag = {"RemoveTagsFromResource", NULL, PK_PARAMS({"ResourceName", "{attr." arn "}"})}, \
    .untag_member = "TagKeys"}
#define TAGS_OF(arn) {.call = {"ListTagsForResource", NULL, \
    PK_PARAMS({"ResourceName", "{out." arn "}"})}, .item = "TagList", .into = "Tags"}
#define PARAMETER_ERRORS {.gone = "DBParameterGroupNotFound|DBParameterGroupNotFoundFault|" \
                                  "DBClusterParameterGroupNotFound", \
    .exists = "DBParameterGroupAlreadyExists|DBParameterGroupAlreadyExistsFault", \
    /* A group that was just made or changed, or whose database is still going away. */ \
    .busy = "InvalidDBParameterGroupState|InvalidDBParameterGroupStateFault"}

/* --- parameter groups --- */

static const struct pk_prop group_props[] = {
    {"DBParameterGroupName", .traits = PK_CREATE_ONLY},
    {"Family", .create = "DBParameterGroupFamily", .traits = PK_CREATE_ONLY},
    {"Description", .traits = PK_CREATE_ONLY},
    {"Parameters", .create = PK_NOT_SENT, .read = "Parameters", .update = 1, .conv = PK_SAME,
     .fallback = "{}"},
};

static const struct pk_update parameter_updates[] = {
    {.run = change_parameters, .flags = PK_UPDATE_AFTER_CREATE},
};

static const struct pk_reader group_readers[] = {
    {.call = {"DescribeDBParameterGroups", NULL, PK_PARAMS({"DBParameterGroupName", "{id}"})},
     .list = "DBParameterGroups"},
    TAGS_OF("DBParameterGroupArn"),
};

static const struct pk_attribute group_attributes[] = {
    {"DBParameterGroupName", "{id}"}, {"Arn", "DBParameterGroupArn"}, {NULL, NULL}};

const struct pk_type pk_type_rds_db_parameter_group = {
    .type = "AWS::RDS::DBParameterGroup", .service = "rds",
    .props = group_props, .n_props = PK_ARRAY_LEN(group_props),
    .name_prop = "DBParameterGroupName",
    .typical_create_ms = 2000, .typical_delete_ms = 2000,
    .create = {.operation = "CreateDBParameterGroup"}, .id = "{name}",
    .updates = parameter_updates, .n_updates = PK_ARRAY_LEN(parameter_updates),
    .remove = {"DeleteDBParameterGroup", NULL, PK_PARAMS({"DBParameterGroupName", "{id}"})},
    .readers = group_readers, .n_readers = PK_ARRAY_LEN(group_readers),
    .tags = TAGGING("Arn"), .errors = PARAMETER_ERRORS,
    .attributes = group_attributes,
    .recovery = PK_RECOVER_NAME, .find_id = "{name}",
    .read_more = read_parameters,
};

static const struct pk_prop cluster_group_props[] = {
    {"DBClusterParameterGroupName", .traits = PK_CREATE_ONLY},
    {"Family", .create = "DBParameterGroupFamily", .traits = PK_CREATE_ONLY},
    {"Description", .traits = PK_CREATE_ONLY},
    {"Parameters", .create = PK_NOT_SENT, .read = "Parameters", .update = 1, .conv = PK_SAME,
     .fallback = "{}"},
};

static const struct pk_reader cluster_group_readers[] = {
    {.call = {"DescribeDBClusterParameterGroups", NULL,
              PK_PARAMS({"DBClusterParameterGroupName", "{id}"})},
     .list = "DBClusterParameterGroups"},
    TAGS_OF("DBClusterParameterGroupArn"),
};

static const struct pk_attribute cluster_group_attributes[] = {
    {"DBClusterParameterGroupName", "{id}"}, {"Arn", "DBClusterParameterGroupArn"}, {NULL, NULL}};

const struct pk_type pk_type_rds_db_cluster_parameter_group = {
    .type = "AWS::RDS::DBClusterParameterGroup", .service = "rds",
    .props = cluster_group_props, .n_props = PK_ARRAY_LEN(cluster_group_props),
    .name_prop = "DBClusterParameterGroupName",
    .typical_create_ms = 2000, .typical_delete_ms = 2000,
    .create = {.operation = "CreateDBClusterParameterGroup"}, .id = "{name}",
    .updates = parameter_updates, .n_updates = PK_ARRAY_LEN(parameter_updates),
    .remove = {"DeleteDBClusterParameterGroup", NULL,
               PK_PARAMS({"DBClusterParameterGroupName", "{id}"})},
    .readers = cluster_group_readers, .n_readers = PK_ARRAY_LEN(cluster_group_readers),
    .tags = TAGGING("Arn"), .errors = PARAMETER_ERRORS,
    .attributes = cluster_group_attributes,
    .recovery = PK_RECOVER_NAME, .find_id = "{name}",
    .read_more = read_parameters,
};

/* --- subnet group --- */

static const struct pk_prop subnet_props[] = {
    {"DBSubnetGroupName", .traits = PK_CREATE_ONLY},
    {"DBSubnetGroupDescription", .update = 1},
    {"SubnetIds", .read = "Subnets[].SubnetIdentifier", .update = 1,
     .traits = PK_SET},
};

static const struct pk_update subnet_updates[] = {
    {.operation = "ModifyDBSubnetGroup", .params = PK_PARAMS({"DBSubnetGroupName", "{id}"}),
     .flags = PK_UPDATE_FULL},
};

static const struct pk_reader subnet_readers[] = {
    {.call = {"DescribeDBSubnetGroups", NULL, PK_PARAMS({"DBSubnetGroupName", "{id}"})},
     .list = "DBSubnetGroups"},
    TAGS_OF("DBSubnetGroupArn"),
};


static const struct pk_attribute subnet_attributes[] = {
    {"DBSubnetGroupName", "{id}"}, {"Arn", "DBSubnetGroupArn"}, {NULL, NULL}};

const struct pk_type pk_type_rds_db_subnet_group = {
    .type = "AWS::RDS::DBSubnetGroup", .service = "rds",
    .props = subnet_props, .n_props = PK_ARRAY_LEN(subnet_props),
    .name_prop = "DBSubnetGroupName",
    .typical_create_ms = 2000, .typical_delete_ms = 2000,
    .create = {.operation = "CreateDBSubnetGroup"}, .id = "{name}",
    .updates = subnet_updates, .n_updates = PK_ARRAY_LEN(subnet_updates),
    .remove = {"DeleteDBSubnetGroup", NULL, PK_PARAMS({"DBSubnetGroupName", "{id}"})},
    .readers = subnet_readers, .n_readers = PK_ARRAY_LEN(subnet_readers),
    .wait = {.path = "SubnetGroupStatus", .ready = "Complete"},
    .tags = TAGGING("Arn"),
    .errors = {.gone = "DBSubnetGroupNotFoundFault|DBSubnetGroupNotFound",
               .exists = "DBSubnetGroupAlreadyExists|DBSubnetGroupAlreadyExistsFault",
               .delete_busy = "InvalidDBSubnetGroupStateFault"},
    .attributes = subnet_attributes,
    .recovery = PK_RECOVER_NAME, .find_id = "{name}",
};
// clang-format on
