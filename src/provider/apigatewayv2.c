/* apigatewayv2.c - AWS::ApiGatewayV2::Api, Stage, Integration, Route. */
#include "provider/types.h"

/* --- api --- */

/* UpdateApi cannot take CORS away. */
static enum pk_progress change_cors(struct pk_ctx *ctx, const struct pk_update *update,
                                    struct pk_error **err) {
    (void)update;
    json_t *params = json_pack("{s:s}", "ApiId", ctx->id);
    json_t *cors = pk_ctx_to_api(ctx, "CorsConfiguration");
    if (cors)
        json_object_set_new(params, "CorsConfiguration", cors);
    const char *operation = cors ? "UpdateApi" : "DeleteCorsConfiguration";
    return pk_ctx_call(ctx, NULL, operation, params, NULL, err) ? PK_DONE : PK_FAILED;
}

// clang-format off

#define GONE "NotFoundException"
#define BUSY "ConflictException|TooManyRequestsException"
#define ARN(path) "arn:{partition}:apigateway:{region}::/apis/" path
#define TAGGING(path) {.shape = PK_TAGS_MAP, .create = "Tags", .read = "Tags", \
    .tag = {"TagResource", NULL, PK_PARAMS({"ResourceArn", ARN(path)})}, .tag_member = "Tags", \
    .untag = {"UntagResource", NULL, PK_PARAMS({"ResourceArn", ARN(path)})}, \
    .untag_member = "TagKeys"}

static const struct pk_prop api_props[] = {
    {"Name", .update = 1},
    {"ProtocolType", .traits = PK_CREATE_ONLY},
    {"Description", .update = 1, .fallback = "\"\""},
    {"RouteSelectionExpression", .update = 1,
     .fallback = "\"$request.method $request.path\""},
    {"ApiKeySelectionExpression", .update = 1, .fallback = "\"$request.header.x-api-key\""},
    {"DisableExecuteApiEndpoint", .update = 1, .fallback = "false"},
    {"DisableSchemaValidation", .update = 1, .fallback = "false"},
    {"IpAddressType", .update = 1, .fallback = "\"ipv4\""},
    {"Version", .update = 1, .fallback = "\"\""},
    {"CorsConfiguration", .update = 2},
};

static const struct pk_prop_trait api_more[] = {
    {"CorsConfiguration.AllowHeaders", PK_SET | PK_NOCASE_VALUE},
    {"CorsConfiguration.AllowMethods", PK_SET | PK_NOCASE_VALUE},
    {"CorsConfiguration.AllowOrigins", PK_SET | PK_NOCASE_VALUE},
    {"CorsConfiguration.ExposeHeaders", PK_SET | PK_NOCASE_VALUE},
    {NULL, 0},
};

static const struct pk_update api_updates[] = {
    {.operation = "UpdateApi", .params = PK_PARAMS({"ApiId", "{id}"})},
    {.run = change_cors},
};

static const struct pk_reader api_readers[] = {
    {.call = {"GetApi", NULL, PK_PARAMS({"ApiId", "{id}"})}},
};

static const struct pk_reader api_finder = {
    .call = {.operation = "GetApis"}, .paged = true, .list = "Items"};

static const struct pk_attribute api_attributes[] = {
    {"ApiId", "{id}"}, {"ApiEndpoint", "ApiEndpoint"}, {NULL, NULL}};

const struct pk_type pk_type_apigatewayv2_api = {
    .type = "AWS::ApiGatewayV2::Api", .service = "apigatewayv2",
    .props = api_props, .n_props = PK_ARRAY_LEN(api_props), .more_traits = api_more,
    .name_prop = "Name",
    .typical_create_ms = 1000, .typical_delete_ms = 1000,
    .create = {.operation = "CreateApi"}, .id = "{out.ApiId}",
    .updates = api_updates, .n_updates = PK_ARRAY_LEN(api_updates),
    .remove = {"DeleteApi", NULL, PK_PARAMS({"ApiId", "{id}"})},
    .readers = api_readers, .n_readers = PK_ARRAY_LEN(api_readers),
    .tags = TAGGING("{id}"),
    .errors = {.gone = GONE, .busy = BUSY},
    .attributes = api_attributes,
    .recovery = PK_RECOVER_TAG, .finder = &api_finder, .find_item_id = "{out.ApiId}",
};

// clang-format on

/* --- stage --- */

/* UpdateStage cannot take access logs away. */
static enum pk_progress change_access_logs(struct pk_ctx *ctx, const struct pk_update *update,
                                           struct pk_error **err) {
    json_t *params = pk_ctx_params(ctx, update->params);
    json_t *settings = pk_ctx_to_api(ctx, "AccessLogSettings");
    if (settings)
        json_object_set_new(params, "AccessLogSettings", settings);
    const char *operation = settings ? "UpdateStage" : "DeleteAccessLogSettings";
    return pk_ctx_call(ctx, NULL, operation, params, NULL, err) ? PK_DONE : PK_FAILED;
}

static void with_api_id(struct pk_ctx *ctx, const json_t *item, json_t *live) {
    (void)item;
    json_t *api = pk_ctx_value(ctx, "{id[0]}");
    if (api)
        json_object_set_new(live, "ApiId", api);
}

// clang-format off

#define STAGE PK_PARAMS({"ApiId", "{id[0]}"}, {"StageName", "{id[1]}"})

static const struct pk_prop stage_props[] = {
    {"ApiId", .read = PK_FROM_HOOK, .traits = PK_CREATE_ONLY},
    {"StageName", .traits = PK_CREATE_ONLY | PK_DELETE_FIRST},
    {"AutoDeploy", .update = 1, .fallback = "false"},
    {"Description", .update = 1, .fallback = "\"\""},
    {"DefaultRouteSettings", .update = 1, .fallback = "{\"DetailedMetricsEnabled\":false}"},
    {"RouteSettings", .update = 1, .conv = PK_SAME, .fallback = "{}"},
    {"StageVariables", .update = 1, .conv = PK_SAME, .fallback = "{}"},
    {"ClientCertificateId", .update = 1},
    {"DeploymentId", .update = 1},
    {"AccessLogSettings", .update = 2},
};

static const struct pk_update stage_updates[] = {
    {.operation = "UpdateStage", .params = STAGE},
    {.run = change_access_logs, .params = STAGE},
};

static const struct pk_reader stage_readers[] = {
    {.call = {"GetStages", NULL, PK_PARAMS({"ApiId", "{id[0]}"})}, .paged = true, .list = "Items",
     .match = "{out.StageName}", .want = "{id[1]}", .batch = PK_READ_ALL, .group = "{id[0]}"},
};

static const struct pk_attribute stage_attributes[] = {
    {"StageName", "StageName"}, {"ApiId", "{id[0]}"}, {NULL, NULL}};

const struct pk_type pk_type_apigatewayv2_stage = {
    .type = "AWS::ApiGatewayV2::Stage", .service = "apigatewayv2",
    .props = stage_props, .n_props = PK_ARRAY_LEN(stage_props),
    .typical_create_ms = 1000, .typical_delete_ms = 1000,
    .create = {.operation = "CreateStage"}, .id = "{prop.ApiId}|{prop.StageName}",
    .updates = stage_updates, .n_updates = PK_ARRAY_LEN(stage_updates),
    .remove = {"DeleteStage", NULL, STAGE},
    .readers = stage_readers, .n_readers = PK_ARRAY_LEN(stage_readers),
    .tags = TAGGING("{id[0]}/stages/{id[1]}"),
    .errors = {.gone = GONE, .exists = "ConflictException", .busy = BUSY,
               .fresh = "BadRequestException:Insufficient permissions to enable logging"},
    .attributes = stage_attributes,
    .recovery = PK_RECOVER_NAME, .find_id = "{prop.ApiId}|{prop.StageName}",
    .normalize = with_api_id,
};

/* --- integration --- */

#define INTEGRATION PK_PARAMS({"ApiId", "{id[0]}"}, {"IntegrationId", "{id[1]}"})

static const struct pk_prop integration_props[] = {
    {"ApiId", .read = PK_FROM_HOOK, .traits = PK_CREATE_ONLY},
    {"IntegrationType", .update = 1},
    {"IntegrationUri", .update = 1},
    {"IntegrationMethod", .update = 1},
    {"IntegrationSubtype", .update = 1},
    {"ConnectionType", .update = 1, .fallback = "\"INTERNET\""},
    {"ConnectionId", .update = 1, .fallback = "\"\""},
    {"PayloadFormatVersion", .update = 1, .fallback = "\"1.0\""},
    {"TimeoutInMillis", .update = 1, .fallback = "30000"},
    {"Description", .update = 1, .fallback = "\"\""},
    {"CredentialsArn", .update = 1, .fallback = "\"\""},
    {"RequestParameters", .update = 1, .conv = PK_SAME, .fallback = "{}"},
    {"ResponseParameters", .update = 1, .conv = PK_SAME, .fallback = "{}"},
    {"RequestTemplates", .update = 1, .conv = PK_SAME, .fallback = "{}"},
    {"TemplateSelectionExpression", .update = 1, .fallback = "\"\""},
    {"PassthroughBehavior", .update = 1},
    {"ContentHandlingStrategy", .update = 1},
    {"TlsConfig", .update = 1},
};

static const struct pk_update integration_updates[] = {
    {.operation = "UpdateIntegration", .params = INTEGRATION},
};

static const struct pk_reader integration_readers[] = {
    {.call = {"GetIntegrations", NULL, PK_PARAMS({"ApiId", "{id[0]}"})}, .paged = true,
     .list = "Items", .match = "{out.IntegrationId}", .want = "{id[1]}", .batch = PK_READ_ALL,
     .group = "{id[0]}"},
};

static const struct pk_reader integration_finder = {
    .call = {"GetIntegrations", NULL, PK_PARAMS({"ApiId", "{prop.ApiId}"})}, .paged = true,
    .list = "Items", .match = "{out.IntegrationType} {out.IntegrationUri}",
    .want = "{prop.IntegrationType} {prop.IntegrationUri}"};

static const struct pk_attribute integration_attributes[] = {
    {"IntegrationId", "IntegrationId"}, {NULL, NULL}};

const struct pk_type pk_type_apigatewayv2_integration = {
    .type = "AWS::ApiGatewayV2::Integration", .service = "apigatewayv2",
    .props = integration_props, .n_props = PK_ARRAY_LEN(integration_props),
    .typical_create_ms = 1000, .typical_delete_ms = 1000,
    .create = {.operation = "CreateIntegration"}, .id = "{prop.ApiId}|{out.IntegrationId}",
    .updates = integration_updates, .n_updates = PK_ARRAY_LEN(integration_updates),
    .remove = {"DeleteIntegration", NULL, INTEGRATION},
    .readers = integration_readers, .n_readers = PK_ARRAY_LEN(integration_readers),
    .errors = {.gone = GONE, .busy = BUSY,
               /* A route that uses it is still there. */
               .delete_busy = "BadRequestException:referenced by"},
    .attributes = integration_attributes,
    .recovery = PK_RECOVER_NATURAL, .finder = &integration_finder,
    .find_item_id = "{prop.ApiId}|{out.IntegrationId}",
    .normalize = with_api_id,
};

/* --- route --- */

#define ROUTE PK_PARAMS({"ApiId", "{id[0]}"}, {"RouteId", "{id[1]}"})

static const struct pk_prop route_props[] = {
    {"ApiId", .read = PK_FROM_HOOK, .traits = PK_CREATE_ONLY},
    {"RouteKey", .update = 1},
    {"Target", .update = 1},
    /* A kind of authorization and its authorizer only make sense together. */
    {"AuthorizationType", .update = 2, .fallback = "\"NONE\""},
    {"AuthorizerId", .update = 2},
    {"AuthorizationScopes", .update = 2, .traits = PK_SET, .fallback = "[]"},
    {"OperationName", .update = 1, .fallback = "\"\""},
    {"ApiKeyRequired", .update = 1, .fallback = "false"},
    {"ModelSelectionExpression", .update = 1, .fallback = "\"\""},
    {"RequestModels", .update = 1, .conv = PK_SAME, .fallback = "{}"},
    {"RequestParameters", .update = 1, .conv = PK_SAME, .fallback = "{}"},
    {"RouteResponseSelectionExpression", .update = 1, .fallback = "\"\""},
};

static const struct pk_update route_updates[] = {
    {.operation = "UpdateRoute", .params = ROUTE},
    {.operation = "UpdateRoute", .params = ROUTE, .flags = PK_UPDATE_FULL},
};

static const struct pk_reader route_readers[] = {
    {.call = {"GetRoutes", NULL, PK_PARAMS({"ApiId", "{id[0]}"})}, .paged = true, .list = "Items",
     .match = "{out.RouteId}", .want = "{id[1]}", .batch = PK_READ_ALL, .group = "{id[0]}"},
};

static const struct pk_reader route_finder = {
    .call = {"GetRoutes", NULL, PK_PARAMS({"ApiId", "{prop.ApiId}"})}, .paged = true,
    .list = "Items", .match = "{out.RouteKey}", .want = "{prop.RouteKey}"};

static const struct pk_attribute route_attributes[] = {{"RouteId", "RouteId"}, {NULL, NULL}};

const struct pk_type pk_type_apigatewayv2_route = {
    .type = "AWS::ApiGatewayV2::Route", .service = "apigatewayv2",
    .props = route_props, .n_props = PK_ARRAY_LEN(route_props),
    .typical_create_ms = 1000, .typical_delete_ms = 1000,
    .create = {.operation = "CreateRoute"}, .id = "{prop.ApiId}|{out.RouteId}",
    .updates = route_updates, .n_updates = PK_ARRAY_LEN(route_updates),
    .remove = {"DeleteRoute", NULL, ROUTE},
    .readers = route_readers, .n_readers = PK_ARRAY_LEN(route_readers),
    .errors = {.gone = GONE, .exists = "ConflictException", .busy = BUSY},
    .attributes = route_attributes,
    .recovery = PK_RECOVER_NATURAL, .finder = &route_finder,
    .find_item_id = "{prop.ApiId}|{out.RouteId}",
    .normalize = with_api_id,
};
// clang-format on
