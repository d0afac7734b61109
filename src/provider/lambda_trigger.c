/* lambda_trigger.c - AWS::Lambda::Permission, Url, EventSourceMapping. */
#include "provider/types.h"

#include <string.h>

#define NO_FUNCTION "ResourceNotFoundException"

/* --- permission: a statement of the function's policy --- */

/* Where AddPermission's parameters end up in the statement's conditions. */
static const struct {
    const char *property, *operator, * key;
} conditions[] = {
    {"SourceArn", "ArnLike", "AWS:SourceArn"},
    {"SourceAccount", "StringEquals", "AWS:SourceAccount"},
    {"PrincipalOrgID", "StringEquals", "aws:PrincipalOrgID"},
    {"EventSourceToken", "StringEquals", "lambda:EventSourceToken"},
    {"FunctionUrlAuthType", "StringEquals", "lambda:FunctionUrlAuthType"},
    {"InvokedViaFunctionUrl", "Bool", "lambda:InvokedViaFunctionUrl"},
};

static json_t *statement_principal(const json_t *statement) {
    json_t *principal = json_object_get(statement, "Principal");
    if (json_is_string(principal))
        return json_incref(principal);
    static const char *const kinds[] = {"Service", "AWS"};
    for (size_t i = 0; i < PK_ARRAY_LEN(kinds); i++) {
        json_t *value = json_object_get(principal, kinds[i]);
        if (value)
            return json_incref(value);
    }
    return NULL;
}

/* Condition keys come back in any case. */
static json_t *condition_value(const json_t *statement, const char *operator, const char * key) {
    json_t *block = json_object_get(json_object_get(statement, "Condition"), operator);
    const char *name;
    json_t *value;
    json_object_foreach(block, name, value) {
        if (pk_strieq(name, key))
            return value;
    }
    return NULL;
}

static json_t *flat_statement(const struct pk_ctx *ctx, const json_t *statement) {
    json_t *item = json_object();
    pk_json_put_str(item, "Action", pk_json_str(statement, "Action", NULL));
    json_t *principal = statement_principal(statement);
    if (principal)
        json_object_set_new(item, "Principal", principal);
    for (size_t i = 0; i < PK_ARRAY_LEN(conditions); i++) {
        json_t *value = condition_value(statement, conditions[i].operator, conditions[i].key);
        if (value && pk_streq(conditions[i].property, "InvokedViaFunctionUrl"))
            pk_json_put_bool(item, "InvokedViaFunctionUrl",
                             pk_strieq(json_string_value(value), "true") || json_is_true(value));
        else if (value)
            json_object_set(item, conditions[i].property, value);
    }
    json_t *function = pk_ctx_value(ctx, "{id[0]}");
    if (function)
        json_object_set_new(item, "FunctionName", function);
    return item;
}

static json_t *pick_statement(struct pk_ctx *ctx, const json_t *item) {
    PK_CLEANUP(pk_freep) char *wanted = pk_ctx_text(ctx, "{id[1]}");
    json_auto_t *policy = json_loads(pk_json_str(item, "Policy", ""), JSON_REJECT_DUPLICATES, NULL);
    const json_t *statements = json_object_get(policy, "Statement");
    for (size_t i = 0; i < json_array_size(statements); i++) {
        const json_t *statement = json_array_get(statements, i);
        if (pk_streq(pk_json_str(statement, "Sid", NULL), wanted))
            return flat_statement(ctx, statement);
    }
    return NULL;
}

/* An account's number is shown as the ARN of its root. */
static void permission_normalize(struct pk_ctx *ctx, const json_t *item, json_t *live) {
    (void)item;
    const char *seen = pk_json_str(live, "Principal", NULL);
    const char *written = ctx->prior ? pk_json_str(ctx->prior, "Principal", NULL) : NULL;
    if (!seen || !written || strlen(written) != 12 || !pk_ends_with(seen, ":root"))
        return;
    PK_CLEANUP(pk_freep) char *part = pk_asprintf("::%s:root", written);
    if (pk_ends_with(seen, part))
        pk_json_put_str(live, "Principal", written);
}

// clang-format off

static const struct pk_prop permission_props[] = {
    {"FunctionName", .traits = PK_CREATE_ONLY},
    {"Action", .traits = PK_CREATE_ONLY},
    {"Principal", .traits = PK_CREATE_ONLY},
    {"SourceArn", .traits = PK_CREATE_ONLY},
    {"SourceAccount", .traits = PK_CREATE_ONLY},
    {"PrincipalOrgID", .traits = PK_CREATE_ONLY},
    {"EventSourceToken", .traits = PK_CREATE_ONLY},
    {"FunctionUrlAuthType", .traits = PK_CREATE_ONLY},
    {"InvokedViaFunctionUrl", .traits = PK_CREATE_ONLY},
};

static const struct pk_reader permission_readers[] = {
    {.call = {"GetPolicy", NULL, PK_PARAMS({"FunctionName", "{id[0]}"})}, .pick = pick_statement,
     .batch = PK_READ_ALL, .group = "{id[0]}"},
};

/* The statement's name comes from the token: the same for a repeated create, another one for a
 * replacement. */
const struct pk_type pk_type_lambda_permission = {
    .type = "AWS::Lambda::Permission", .service = "lambda",
    .props = permission_props, .n_props = PK_ARRAY_LEN(permission_props),
    .token_max = 40,
    .typical_create_ms = 1000, .typical_delete_ms = 1000,
    .create = {"AddPermission", NULL, PK_PARAMS({"StatementId", "panka-{token}"})},
    .id = "{prop.FunctionName}|panka-{token}",
    .remove = {"RemovePermission", NULL,
               PK_PARAMS({"FunctionName", "{id[0]}"}, {"StatementId", "{id[1]}"})},
    .readers = permission_readers, .n_readers = PK_ARRAY_LEN(permission_readers),
    .errors = {.gone = NO_FUNCTION, .exists = "ResourceConflictException:already exists",
               .busy = "ResourceConflictException|PreconditionFailedException",
               .fresh = "InvalidParameterValueException:principal was invalid"},
    .recovery = PK_RECOVER_NATURAL, .find_id = "{prop.FunctionName}|panka-{token}",
    .normalize = permission_normalize,
};

/* --- url --- */

static const struct pk_prop url_props[] = {
    {"TargetFunctionArn", .create = "FunctionName", .read = "FunctionArn",
     .traits = PK_CREATE_ONLY},
    {"Qualifier", .read = PK_NOT_SENT, .traits = PK_CREATE_ONLY},
    {"AuthType", .update = 1},
    {"Cors", .update = 1, .fallback = "{}"},
    {"InvokeMode", .update = 1, .fallback = "\"BUFFERED\""},
};

static const struct pk_prop_trait url_more[] = {
    {"Cors.AllowHeaders", PK_SET}, {"Cors.AllowMethods", PK_SET}, {"Cors.AllowOrigins", PK_SET},
    {"Cors.ExposeHeaders", PK_SET}, {NULL, 0}};

static const struct pk_update url_updates[] = {
    {.operation = "UpdateFunctionUrlConfig", .params = PK_PARAMS({"FunctionName", "{id}"}),
     .flags = PK_UPDATE_FULL},
};

static const struct pk_reader url_readers[] = {
    {.call = {"GetFunctionUrlConfig", NULL, PK_PARAMS({"FunctionName", "{id}"})}},
};

static const struct pk_attribute url_attributes[] = {
    {"FunctionUrl", "FunctionUrl"}, {"FunctionArn", "FunctionArn"}, {NULL, NULL}};

const struct pk_type pk_type_lambda_url = {
    .type = "AWS::Lambda::Url", .service = "lambda",
    .props = url_props, .n_props = PK_ARRAY_LEN(url_props), .more_traits = url_more,
    .typical_create_ms = 1000, .typical_delete_ms = 1000,
    .create = {.operation = "CreateFunctionUrlConfig"}, .id = "{out.FunctionArn}",
    .updates = url_updates, .n_updates = PK_ARRAY_LEN(url_updates),
    .remove = {"DeleteFunctionUrlConfig", NULL, PK_PARAMS({"FunctionName", "{id}"})},
    .readers = url_readers, .n_readers = PK_ARRAY_LEN(url_readers),
    .errors = {.gone = NO_FUNCTION, .exists = "ResourceConflictException:already exists|"
                                              "ResourceConflictException:exists for this"},
    .attributes = url_attributes,
    .recovery = PK_RECOVER_NATURAL, .find_id = "{prop.TargetFunctionArn}",
};

// clang-format on

/* --- event source mapping --- */

/* A flag in requests, a state in answers. */
static json_t *enabled(const struct pk_ctx *ctx, const json_t *value, bool to_api) {
    (void)ctx;
    if (to_api)
        return json_deep_copy(value);
    return json_boolean(!pk_word_in("Disabled|Disabling", json_string_value(value)));
}

/* Written as a name, shown as an ARN. */
static void mapping_normalize(struct pk_ctx *ctx, const json_t *item, json_t *live) {
    const char *seen = pk_json_str(item, "FunctionArn", NULL);
    const char *written = ctx->prior ? pk_json_str(ctx->prior, "FunctionName", NULL) : NULL;
    PK_CLEANUP(pk_freep) char *part = written ? pk_asprintf(":function:%s", written) : NULL;
    pk_json_put_str(live, "FunctionName",
                    seen && part && pk_ends_with(seen, part) ? written : seen);
}

// clang-format off

#define CHANGES .update = 1

static const struct pk_prop mapping_props[] = {
    {"EventSourceArn", .traits = PK_CREATE_ONLY | PK_DELETE_FIRST},
    {"StartingPosition", .traits = PK_CREATE_ONLY | PK_DELETE_FIRST},
    {"StartingPositionTimestamp", .traits = PK_CREATE_ONLY | PK_DELETE_FIRST},
    {"SelfManagedEventSource", .traits = PK_CREATE_ONLY | PK_DELETE_FIRST},
    {"Topics", .traits = PK_CREATE_ONLY | PK_DELETE_FIRST | PK_SET},
    {"Queues", .traits = PK_CREATE_ONLY | PK_DELETE_FIRST | PK_SET},
    {"AmazonManagedKafkaEventSourceConfig", .traits = PK_CREATE_ONLY | PK_DELETE_FIRST},
    {"SelfManagedKafkaEventSourceConfig", .traits = PK_CREATE_ONLY | PK_DELETE_FIRST},
    {"FunctionName", .read = PK_FROM_HOOK, CHANGES},
    {"Enabled", .read = "State", .conv = PK_CUSTOM, .convert = enabled, CHANGES,
     .fallback = "true"},
    {"BatchSize", CHANGES},
    {"FilterCriteria", CHANGES, .fallback = "{\"Filters\":[]}"},
    {"MaximumBatchingWindowInSeconds", CHANGES, .fallback = "0"},
    {"ParallelizationFactor", CHANGES, .fallback = "1"},
    {"DestinationConfig", CHANGES, .fallback = "{\"OnFailure\":{}}"},
    {"MaximumRecordAgeInSeconds", CHANGES, .fallback = "-1"},
    {"MaximumRetryAttempts", CHANGES, .fallback = "-1"},
    {"BisectBatchOnFunctionError", CHANGES, .fallback = "false"},
    {"TumblingWindowInSeconds", CHANGES, .fallback = "0"},
    {"FunctionResponseTypes", CHANGES, .fallback = "[]"},
    {"ScalingConfig", CHANGES, .fallback = "{}"},
    {"SourceAccessConfigurations", CHANGES, .traits = PK_SET, .fallback = "[]"},
    {"DocumentDBEventSourceConfig", CHANGES},
    {"MetricsConfig", CHANGES, .fallback = "{\"Metrics\":[]}"},
    {"ProvisionedPollerConfig", CHANGES, .fallback = "{}"},
    {"KmsKeyArn", .create = "KMSKeyArn", CHANGES, .fallback = "\"\""},
};

static const struct pk_update mapping_updates[] = {
    {.operation = "UpdateEventSourceMapping", .params = PK_PARAMS({"UUID", "{id}"}),
     .flags = PK_UPDATE_WAIT},
};

static const struct pk_reader mapping_readers[] = {
    {.call = {"GetEventSourceMapping", NULL, PK_PARAMS({"UUID", "{id}"})}},
};

/* AWS allows one mapping of a source to a function. */
static const struct pk_reader mapping_finder = {
    .call = {"ListEventSourceMappings", NULL,
             PK_PARAMS({"EventSourceArn", "{prop.EventSourceArn}"},
                       {"FunctionName", "{prop.FunctionName}"})},
    .paged = true, .list = "EventSourceMappings"};

static const struct pk_attribute mapping_attributes[] = {
    {"Id", "{id}"}, {"EventSourceMappingArn", "EventSourceMappingArn"}, {NULL, NULL}};

const struct pk_type pk_type_lambda_event_source_mapping = {
    .type = "AWS::Lambda::EventSourceMapping", .service = "lambda",
    .props = mapping_props, .n_props = PK_ARRAY_LEN(mapping_props),
    .typical_create_ms = 15000, .typical_delete_ms = 30000,
    .create = {.operation = "CreateEventSourceMapping"}, .id = "{out.UUID}",
    .updates = mapping_updates, .n_updates = PK_ARRAY_LEN(mapping_updates),
    .remove = {"DeleteEventSourceMapping", NULL, PK_PARAMS({"UUID", "{id}"})},
    .remove_wait = true,
    .readers = mapping_readers, .n_readers = PK_ARRAY_LEN(mapping_readers),
    .wait = {.path = "State", .ready = "Enabled|Disabled", .reason = "StateTransitionReason",
             .limit_ms = 900000},
    .tags = {.shape = PK_TAGS_MAP, .create = "Tags",
             .tag = {"TagResource", NULL, PK_PARAMS({"Resource", "{attr.EventSourceMappingArn}"})},
             .tag_member = "Tags",
             .untag = {"UntagResource", NULL,
                       PK_PARAMS({"Resource", "{attr.EventSourceMappingArn}"})},
             .untag_member = "TagKeys"},
    .errors = {.gone = NO_FUNCTION, .exists = "ResourceConflictException",
               .busy = "ResourceInUseException|ResourceConflictException",
               .fresh = "InvalidParameterValueException:role|"
                        "InvalidParameterValueException:Cannot access|"
                        "InvalidParameterValueException:permission"},
    .attributes = mapping_attributes,
    .recovery = PK_RECOVER_NATURAL, .finder = &mapping_finder, .find_item_id = "{out.UUID}",
    .normalize = mapping_normalize,
};
// clang-format on
