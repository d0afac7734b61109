/* events.c - AWS::Events::Rule with its targets. */
#include "provider/types.h"

#include <string.h>

#define MAX_TARGETS 5 /* of a rule, unless AWS raised it */
#define BATCH 10      /* of PutTargets and RemoveTargets */

/* The id is the ARN, ":rule/NAME" or ":rule/BUS/NAME"; calls want the names. */
static json_t *rule_params(const struct pk_ctx *ctx, const char *name_member) {
    json_t *params = json_object();
    const char *path = ctx->id ? strstr(ctx->id, ":rule/") : NULL;
    const char *name = path ? strrchr(path, '/') + 1 : pk_json_str(ctx->props, "Name", "");
    pk_json_put_str(params, name_member, name);
    const char *bus = path ? path + strlen(":rule/") : NULL;
    if (bus && bus < name)
        json_object_set_new(params, "EventBusName", json_stringn(bus, (size_t)(name - 1 - bus)));
    return params;
}

/* --- reading --- */

static bool add_tags(struct pk_ctx *ctx, json_t *item, struct pk_error **err) {
    json_auto_t *answer = NULL;
    json_t *params = json_pack("{s:s}", "ResourceARN", ctx->id);
    if (!pk_ctx_call(ctx, NULL, "ListTagsForResource", params, &answer, err))
        return false;
    json_t *tags = json_object_get(answer, "Tags");
    if (tags)
        json_object_set(item, "Tags", tags);
    return true;
}

static bool list_targets(struct pk_ctx *ctx, json_t **ret, struct pk_error **err) {
    json_t *answer = NULL;
    if (!pk_ctx_call_all(ctx, NULL, "ListTargetsByRule", rule_params(ctx, "Rule"), &answer, err))
        return false;
    json_t *targets = json_object_get(answer, "Targets");
    *ret = targets ? json_incref(targets) : json_array();
    json_decref(answer);
    return true;
}

static bool rule_read(struct pk_ctx *ctx, json_t **ret, struct pk_error **err) {
    json_t *item = NULL, *targets = NULL;
    struct pk_error *error = NULL;
    *ret = NULL;
    bool ok = pk_ctx_call(ctx, NULL, "DescribeRule", rule_params(ctx, "Name"), &item, &error) &&
              list_targets(ctx, &targets, &error);
    if (ok)
        json_object_set_new(item, "Targets", targets);
    ok = ok && add_tags(ctx, item, &error);
    if (ok) {
        *ret = item;
        return true;
    }
    json_decref(item);
    if (pk_error_in(error, ctx->type->errors.gone)) {
        pk_error_free(error);
        return true;
    }
    *err = error;
    return false;
}

/* A bus may be named by its ARN. */
static void rule_normalize(struct pk_ctx *ctx, const json_t *item, json_t *live) {
    const char *bus = pk_json_str(item, "EventBusName", NULL);
    const char *written = ctx->prior ? pk_json_str(ctx->prior, "EventBusName", NULL) : NULL;
    const char *name = written ? strrchr(written, '/') : NULL;
    if (bus && name && strcmp(name + 1, bus) == 0)
        pk_json_put_str(live, "EventBusName", written);
}

/* --- targets --- */

/* Calls about targets succeed although single targets failed. */
static bool targets_call(struct pk_ctx *ctx, const char *operation, json_t *params,
                         struct pk_error **err) {
    json_auto_t *answer = NULL;
    if (!pk_ctx_call(ctx, NULL, operation, params, &answer, err))
        return false;
    const json_t *first = json_array_get(json_object_get(answer, "FailedEntries"), 0);
    if (!first)
        return true;
    return pk_fail(err, PK_E_AWS, "%s: target %s: %s", operation,
                   pk_json_str(first, "TargetId", "?"),
                   pk_json_str(first, "ErrorMessage", pk_json_str(first, "ErrorCode", "failed")));
}

static bool in_batches(struct pk_ctx *ctx, const char *operation, const char *member,
                       const json_t *list, struct pk_error **err) {
    for (size_t from = 0; from < json_array_size(list); from += BATCH) {
        json_t *some = json_array();
        for (size_t i = from; i < json_array_size(list) && i < from + BATCH; i++)
            json_array_append(some, json_array_get(list, i));
        json_t *params = rule_params(ctx, "Rule");
        json_object_set_new(params, member, some);
        if (!targets_call(ctx, operation, params, err))
            return false;
    }
    return true;
}

static bool has_target(const json_t *targets, const char *id) {
    for (size_t i = 0; i < json_array_size(targets); i++)
        if (pk_streq(pk_json_str(json_array_get(targets, i), "Id", NULL), id))
            return true;
    return false;
}

static json_t *stale_ids(const json_t *live, const json_t *wanted) {
    json_t *ids = json_array();
    for (size_t i = 0; i < json_array_size(live); i++) {
        const char *id = pk_json_str(json_array_get(live, i), "Id", "");
        if (!has_target(wanted, id))
            json_array_append_new(ids, pk_json_text(id));
    }
    return ids;
}

/* New targets come before old ones go, so that no event is lost, unless there is no room. */
static bool set_targets(struct pk_ctx *ctx, const json_t *wanted, struct pk_error **err) {
    json_auto_t *live = NULL;
    if (!list_targets(ctx, &live, err))
        return false;
    json_auto_t *stale = stale_ids(live, wanted);
    bool room = json_array_size(stale) + json_array_size(wanted) <= MAX_TARGETS;
    if (!room && !in_batches(ctx, "RemoveTargets", "Ids", stale, err))
        return false;
    if (!in_batches(ctx, "PutTargets", "Targets", wanted, err))
        return false;
    return !room || in_batches(ctx, "RemoveTargets", "Ids", stale, err);
}

static enum pk_progress change_targets(struct pk_ctx *ctx, const struct pk_update *update,
                                       struct pk_error **err) {
    (void)update;
    json_auto_t *wanted = pk_ctx_to_api(ctx, "Targets");
    return set_targets(ctx, wanted, err) ? PK_DONE : PK_FAILED;
}

static enum pk_progress rule_before_remove(struct pk_ctx *ctx, struct pk_error **err) {
    return set_targets(ctx, NULL, err) ? PK_DONE : PK_FAILED;
}

static bool rule_prepare_remove(struct pk_ctx *ctx, json_t *params, struct pk_error **err) {
    (void)err;
    json_auto_t *names = rule_params(ctx, "Name");
    json_object_update(params, names);
    return true;
}

// clang-format off

static const struct pk_names rule_names[] = {
    {"AwsVpcConfiguration", "awsvpcConfiguration", 0},
    {"InputPathsMap", NULL, PK_OPAQUE}, {"HeaderParameters", NULL, PK_OPAQUE},
    {"QueryStringParameters", NULL, PK_OPAQUE}, {"TagList", "Tags", 0},
    {NULL, NULL, 0},
};

static const struct pk_prop rule_props[] = {
    {"Name", .traits = PK_CREATE_ONLY},
    {"EventBusName", .traits = PK_CREATE_ONLY, .update = 1, .fallback = "\"default\""},
    {"Description", .update = 1},
    {"EventPattern", .update = 1, .conv = PK_JSON_AS_TEXT, .traits = PK_JSON_TEXT},
    {"ScheduleExpression", .update = 1},
    {"State", .update = 1, .fallback = "\"ENABLED\""},
    {"RoleArn", .update = 1},
    {"Targets", .create = PK_NOT_SENT, .read = "Targets", .update = 2, .traits = PK_SET,
     .fallback = "[]"},
};

static const struct pk_update rule_updates[] = {
    /* PutRule drops what it does not name. */
    {.operation = "PutRule", .params = PK_PARAMS({"Name", "{name}"}), .flags = PK_UPDATE_FULL},
    {.run = change_targets, .flags = PK_UPDATE_AFTER_CREATE},
};

static const struct pk_reader rule_finder = {
    .call = {"DescribeRule", NULL,
             PK_PARAMS({"Name", "{name}"}, {"EventBusName", "{prop.EventBusName}"})},
    .absent = "ResourceNotFoundException"};

static const struct pk_attribute rule_attributes[] = {{"Arn", "{id}"}, {NULL, NULL}};

const struct pk_type pk_type_events_rule = {
    .type = "AWS::Events::Rule", .service = "events",
    .names = rule_names,
    .props = rule_props, .n_props = PK_ARRAY_LEN(rule_props),
    .name_prop = "Name",
    .typical_create_ms = 1000, .typical_delete_ms = 1000,
    .create = {.operation = "PutRule"}, .id = "{out.RuleArn}",
    .updates = rule_updates, .n_updates = PK_ARRAY_LEN(rule_updates),
    .remove = {.operation = "DeleteRule"},
    .tags = {.shape = PK_TAGS_LIST, .create = "Tags", .read = "Tags",
             .tag = {"TagResource", NULL, PK_PARAMS({"ResourceARN", "{id}"})}, .tag_member = "Tags",
             .untag = {"UntagResource", NULL, PK_PARAMS({"ResourceARN", "{id}"})},
             .untag_member = "TagKeys"},
    .errors = {.gone = "ResourceNotFoundException", .busy = "ConcurrentModificationException",
               .fresh = "ValidationException:does not have permission|"
                        "ValidationException:not assumable"},
    .attributes = rule_attributes,
    .recovery = PK_RECOVER_NAME, .finder = &rule_finder, .find_item_id = "{out.Arn}",
    .find_tags_apart = true,
    /* PutRule changes a rule that exists. */
    .check_first = true,
    .do_read = rule_read, .normalize = rule_normalize, .before_remove = rule_before_remove,
    .prepare_remove = rule_prepare_remove,
};
// clang-format on
