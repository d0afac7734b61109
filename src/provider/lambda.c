/* lambda.c - AWS::Lambda::Function. */
#include "base/hash.h"
#include "base/zip.h"
#include "provider/types.h"

#include <string.h>

/* --- code --- */

/* Source text in the template (CloudFormation's ZipFile) becomes a zip with one file; a local file
 * ($file) is sent as it is. */
static bool zip_source(const struct pk_ctx *ctx, json_t *code, struct pk_error **err) {
    const char *source = json_string_value(json_object_get(code, "ZipFile"));
    if (!source)
        return true;
    bool python = pk_starts_with(pk_json_str(ctx->props, "Runtime", ""), "python");
    struct pk_buf bytes, text;
    struct pk_zip zip;
    pk_buf_init(&bytes, 8 << 20);
    pk_buf_init(&text, 16 << 20);
    pk_zip_init(&zip, &bytes);
    bool ok =
        pk_zip_add(&zip, python ? "index.py" : "index.js", source, strlen(source), false, err) &&
        pk_zip_finish(&zip, err);
    if (ok) {
        pk_base64(bytes.ptr, bytes.len, &text);
        pk_json_put_str(code, "ZipFile", pk_buf_cstr(&text));
    }
    pk_zip_release(&zip);
    pk_buf_release(&bytes);
    pk_buf_release(&text);
    return ok;
}

static bool function_before_create(struct pk_ctx *ctx, json_t *params, struct pk_error **err) {
    return zip_source(ctx, json_object_get(params, "Code"), err);
}

/* UpdateFunctionCode has the members of Code at its top. */
static bool prepare_code(struct pk_ctx *ctx, json_t *params, struct pk_error **err) {
    json_auto_t *code = json_incref(json_object_get(params, "Code"));
    json_object_del(params, "Code");
    if (code && !zip_source(ctx, code, err))
        return false;
    json_object_update(params, code);
    return true;
}

/* --- concurrency --- */

static enum pk_progress change_concurrency(struct pk_ctx *ctx, const struct pk_update *update,
                                           struct pk_error **err) {
    (void)update;
    json_t *params = json_pack("{s:s}", "FunctionName", ctx->id);
    json_t *reserved = pk_ctx_to_api(ctx, "ReservedConcurrentExecutions");
    if (reserved)
        json_object_set_new(params, "ReservedConcurrentExecutions", reserved);
    const char *operation = reserved ? "PutFunctionConcurrency" : "DeleteFunctionConcurrency";
    return pk_ctx_call(ctx, NULL, operation, params, NULL, err) ? PK_DONE : PK_FAILED;
}

/* --- readiness --- */

static enum pk_progress failed(struct pk_ctx *ctx, const json_t *item, const char *what,
                               const char *reason, struct pk_error **err) {
    pk_fail(err, PK_E_RESOURCE_FAILED, "function %s: %s is Failed: %s", ctx->id, what,
            pk_json_str(item, reason, "no reason given"));
    return PK_FAILED;
}

static enum pk_progress function_ready(struct pk_ctx *ctx, const json_t *item,
                                       struct pk_error **err) {
    const char *state = pk_json_str(item, "Configuration.State", "Active");
    const char *update = pk_json_str(item, "Configuration.LastUpdateStatus", "Successful");
    if (pk_streq(state, "Failed"))
        return failed(ctx, item, "State", "Configuration.StateReason", err);
    if (!pk_word_in("Active|Inactive|ActiveNonInvocable", state))
        return pk_ctx_wait(ctx, 0, err, "State %s -> Active", state);
    if (pk_streq(update, "Failed"))
        return failed(ctx, item, "LastUpdateStatus", "Configuration.LastUpdateStatusReason", err);
    if (!pk_streq(update, "Successful"))
        return pk_ctx_wait(ctx, 0, err, "LastUpdateStatus %s -> Successful", update);
    return PK_DONE;
}

/* --- conversions --- */

/* Texts in requests, objects in answers. */
static json_t *layers(const struct pk_ctx *ctx, const json_t *value, bool to_api) {
    (void)ctx;
    if (to_api)
        return json_deep_copy(value);
    json_t *list = json_array();
    for (size_t i = 0; i < json_array_size(value); i++)
        json_array_append_new(list, pk_json_text(pk_json_str(json_array_get(value, i), "Arn", "")));
    return list;
}

static json_t *environment(const struct pk_ctx *ctx, const json_t *value, bool to_api) {
    (void)ctx;
    if (to_api)
        return json_deep_copy(value);
    json_t *variables = json_object_get(value, "Variables");
    return json_pack("{s:o}", "Variables", variables ? json_deep_copy(variables) : json_object());
}

// clang-format off

enum { SETTINGS = 1, CODE, CONCURRENCY, RUNTIME, RECURSION };

#define SETTING(name) .read = "Configuration." name, .update = SETTINGS

static const struct pk_prop function_props[] = {
    {"FunctionName", .read = "Configuration.FunctionName", .traits = PK_CREATE_ONLY},
    {"PackageType", .read = "Configuration.PackageType",
     .traits = PK_CREATE_ONLY | PK_DELETE_FIRST, .fallback = "\"Zip\""},
    {"Code", .read = PK_NOT_SENT, .update = CODE, .conv = PK_SAME},
    {"Architectures", .read = "Configuration.Architectures", .update = CODE,
     .fallback = "[\"x86_64\"]"},
    {"Role", SETTING("Role")},
    {"Runtime", SETTING("Runtime")},
    {"Handler", SETTING("Handler")},
    {"Description", SETTING("Description"), .fallback = "\"\""},
    {"Timeout", SETTING("Timeout"), .fallback = "3"},
    {"MemorySize", SETTING("MemorySize"), .fallback = "128"},
    {"Environment", SETTING("Environment"), .conv = PK_CUSTOM, .convert = environment,
     .fallback = "{\"Variables\":{}}"},
    {"VpcConfig", SETTING("VpcConfig"), .fallback = "{\"SubnetIds\":[],\"SecurityGroupIds\":[]}"},
    {"Layers", SETTING("Layers"), .conv = PK_CUSTOM, .convert = layers, .fallback = "[]"},
    {"EphemeralStorage", SETTING("EphemeralStorage"), .fallback = "{\"Size\":512}"},
    {"TracingConfig", SETTING("TracingConfig"), .fallback = "{\"Mode\":\"PassThrough\"}"},
    {"DeadLetterConfig", SETTING("DeadLetterConfig"), .fallback = "{\"TargetArn\":\"\"}"},
    {"FileSystemConfigs", SETTING("FileSystemConfigs"), .fallback = "[]"},
    {"KmsKeyArn", .create = "KMSKeyArn", .read = "Configuration.KMSKeyArn", .update = SETTINGS,
     .fallback = "\"\""},
    {"ImageConfig", .read = "Configuration.ImageConfigResponse.ImageConfig", .update = SETTINGS,
     .fallback = "{}"},
    {"SnapStart", SETTING("SnapStart"), .fallback = "{\"ApplyOn\":\"None\"}"},
    {"LoggingConfig", SETTING("LoggingConfig"), .fallback = "{\"LogFormat\":\"Text\"}"},
    {"ReservedConcurrentExecutions", .create = PK_NOT_SENT,
     .read = "Concurrency.ReservedConcurrentExecutions", .update = CONCURRENCY},
    {"RuntimeManagementConfig.UpdateRuntimeOn", .create = PK_NOT_SENT, .read = "UpdateRuntimeOn",
     .change = "UpdateRuntimeOn", .update = RUNTIME, .fallback = "\"Auto\""},
    {"RuntimeManagementConfig.RuntimeVersionArn", .create = PK_NOT_SENT,
     .read = "RuntimeVersionArn", .change = "RuntimeVersionArn", .update = RUNTIME},
    {"RecursiveLoop", .create = PK_NOT_SENT, .update = RECURSION, .read = "RecursiveLoop",
     .fallback = "\"Terminate\""},
};

static const struct pk_prop_trait function_more[] = {
    {"VpcConfig.SubnetIds", PK_SET}, {"VpcConfig.SecurityGroupIds", PK_SET}, {NULL, 0}};

#define FUNCTION PK_PARAMS({"FunctionName", "{id}"})

/* Lambda takes one update at a time. */
static const struct pk_update function_updates[] = {
    {.operation = "UpdateFunctionConfiguration", .params = FUNCTION, .flags = PK_UPDATE_WAIT},
    {.operation = "UpdateFunctionCode", .params = FUNCTION, .prepare = prepare_code,
     .flags = PK_UPDATE_FULL | PK_UPDATE_WAIT | PK_UPDATE_FORCED},
    {.run = change_concurrency, .flags = PK_UPDATE_AFTER_CREATE},
    {.operation = "PutRuntimeManagementConfig", .params = FUNCTION,
     .flags = PK_UPDATE_FULL | PK_UPDATE_AFTER_CREATE},
    {.operation = "PutFunctionRecursionConfig", .params = FUNCTION,
     .flags = PK_UPDATE_AFTER_CREATE},
};

static const struct pk_reader function_readers[] = {
    {.call = {"GetFunction", NULL, FUNCTION}},
    {.call = {"GetRuntimeManagementConfig", NULL, FUNCTION}, .when = "RuntimeManagementConfig"},
    {.call = {"GetFunctionRecursionConfig", NULL, FUNCTION}, .when = "RecursiveLoop"},
};

static const struct pk_attribute function_attributes[] = {
    {"Arn", "Configuration.FunctionArn"}, {"Version", "Configuration.Version"}, {NULL, NULL}};

const struct pk_type pk_type_lambda_function = {
    .type = "AWS::Lambda::Function", .service = "lambda",
    .props = function_props, .n_props = PK_ARRAY_LEN(function_props), .more_traits = function_more,
    .name_prop = "FunctionName",
    .typical_create_ms = 5000, .typical_delete_ms = 1000,
    .create = {.operation = "CreateFunction"}, .id = "{out.FunctionName}",
    .updates = function_updates, .n_updates = PK_ARRAY_LEN(function_updates),
    .remove = {"DeleteFunction", NULL, FUNCTION},
    .readers = function_readers, .n_readers = PK_ARRAY_LEN(function_readers),
    .wait = {.limit_ms = 600000},
    .tags = {.shape = PK_TAGS_MAP, .create = "Tags", .read = "Tags",
             .tag = {"TagResource", NULL, PK_PARAMS({"Resource", "{attr.Arn}"})},
             .tag_member = "Tags",
             .untag = {"UntagResource", NULL, PK_PARAMS({"Resource", "{attr.Arn}"})},
             .untag_member = "TagKeys"},
    .errors = {.gone = "ResourceNotFoundException",
               .exists = "ResourceConflictException:already exist",
               .busy = "ResourceConflictException|ResourceNotReadyException",
               /* The role and its policies are on their way through IAM, or an image policy. */
               .fresh = "InvalidParameterValueException:cannot be assumed by Lambda|"
                        "InvalidParameterValueException:does not have permissions|"
                        "InvalidParameterValueException:unable to configure access to your|"
                        "InvalidParameterValueException:throttled by EC2|"
                        "AccessDeniedException:does not have permission to access the ECR image|"
                        "InvalidParameterValueException:ECR image"},
    .attributes = function_attributes,
    .recovery = PK_RECOVER_NAME, .find_id = "{name}",
    .before_create = function_before_create, .ready = function_ready,
};
// clang-format on
