/*
 * servicediscovery.c - AWS::ServiceDiscovery::PrivateDnsNamespace, Service.
 *
 * Namespaces are made, changed and deleted by operations that run on after the call has answered;
 * op->scratch remembers the operation.
 */
#include "provider/types.h"

/* --- operations --- */

/* Waits for the operation of scratch.operation. *ret: its target of the given kind; NULL = not
 * wanted. */
static enum pk_progress operation_done(struct pk_ctx *ctx, const char *target, char **ret,
                                       struct pk_error **err) {
    json_t *params = json_object();
    pk_json_put_str(params, "OperationId", pk_json_str(pk_ctx_scratch(ctx), "operation", NULL));
    json_auto_t *answer = NULL;
    if (!pk_ctx_call(ctx, NULL, "GetOperation", params, &answer, err))
        return PK_FAILED;
    const json_t *operation = json_object_get(answer, "Operation");
    const char *status = pk_json_str(operation, "Status", "PENDING");
    if (pk_streq(status, "FAIL")) {
        pk_fail(err, PK_E_RESOURCE_FAILED, "%s failed: %s",
                pk_json_str(operation, "Type", "the operation"),
                pk_json_str(operation, "ErrorMessage", "no reason given"));
        return PK_FAILED;
    }
    if (!pk_streq(status, "SUCCESS"))
        return pk_ctx_wait(ctx, 0, err, "operation %s -> SUCCESS", status);
    if (target) {
        const char *id =
            json_string_value(json_object_get(json_object_get(operation, "Targets"), target));
        if (!id) {
            pk_fail(err, PK_E_BAD_RESPONSE, "the finished operation names no %s", target);
            return PK_FAILED;
        }
        *ret = pk_strdup(id);
    }
    json_object_del(pk_ctx_scratch(ctx), "operation");
    return PK_DONE;
}

static bool start(struct pk_ctx *ctx, const char *name, json_t *params, struct pk_error **err) {
    json_auto_t *answer = NULL;
    if (!pk_ctx_call(ctx, NULL, name, params, &answer, err))
        return false;
    pk_json_put_str(pk_ctx_scratch(ctx), "operation", pk_json_str(answer, "OperationId", NULL));
    return true;
}

static bool started(struct pk_ctx *ctx) {
    return pk_json_str(pk_ctx_scratch(ctx), "operation", NULL) != NULL;
}

/* --- PrivateDnsNamespace --- */

static enum pk_progress create_namespace(struct pk_ctx *ctx, struct pk_error **err) {
    if (!started(ctx) && !start(ctx, "CreatePrivateDnsNamespace", pk_ctx_create_params(ctx), err))
        return PK_FAILED;
    PK_CLEANUP(pk_freep) char *id = NULL;
    enum pk_progress progress = operation_done(ctx, "NAMESPACE", &id, err);
    if (progress == PK_DONE)
        pk_ctx_set_id(ctx, id);
    return progress;
}

static enum pk_progress change_namespace(struct pk_ctx *ctx, const struct pk_update *update,
                                         struct pk_error **err) {
    (void)update;
    if (!started(ctx)) {
        json_t *params = json_object(), *change = json_object();
        pk_json_put_str(params, "Id", ctx->id);
        json_object_set_new(params, "Namespace", change);
        pk_json_put_str(change, "Description", pk_json_str(ctx->props, "Description", ""));
        json_t *properties = json_object_get(ctx->props, "Properties");
        if (properties && pk_ctx_changed(ctx, "Properties"))
            json_object_set(change, "Properties", properties);
        if (!start(ctx, "UpdatePrivateDnsNamespace", params, err))
            return PK_FAILED;
    }
    return operation_done(ctx, NULL, NULL, err);
}

static enum pk_progress delete_namespace(struct pk_ctx *ctx, struct pk_error **err) {
    if (!started(ctx)) {
        json_t *params = json_object();
        pk_json_put_str(params, "Id", ctx->id);
        if (!start(ctx, "DeleteNamespace", params, err))
            return PK_FAILED;
    }
    return operation_done(ctx, NULL, NULL, err);
}

// clang-format off

#define TAGGING                                                                                    \
    {                                                                                              \
        .shape = PK_TAGS_LIST, .create = "Tags", .read = "Tags",                                   \
        .tag = {"TagResource", NULL, PK_PARAMS({"ResourceARN", "{attr.Arn}"})},                    \
        .tag_member = "Tags",                                                                      \
        .untag = {"UntagResource", NULL, PK_PARAMS({"ResourceARN", "{attr.Arn}"})},                \
        .untag_member = "TagKeys"                                                                  \
    }

static const struct pk_prop namespace_props[] = {
    {"Name", .traits = PK_CREATE_ONLY},
    {"Vpc", .traits = PK_CREATE_ONLY, .read = PK_NOT_SENT},
    {"Description", .update = 1},
    {"Properties", .update = 1},
};

static const struct pk_names namespace_names[] = {
    {"SOA", "SOA", 0}, {"TTL", "TTL", 0}, {NULL, NULL, 0}};

static const struct pk_update namespace_updates[] = {{.run = change_namespace}};

static const struct pk_reader namespace_readers[] = {
    {.call = {"GetNamespace", NULL, PK_PARAMS({"Id", "{id}"})}, .item = "Namespace"},
    {.call = {"ListTagsForResource", NULL, PK_PARAMS({"ResourceARN", "{out.Arn}"})}, .item = "Tags",
     .into = "Tags", .absent = "ResourceNotFoundException"},
};

static const struct pk_attribute namespace_attributes[] = {
    {"Arn", "Arn"}, {"Id", "Id"}, {"HostedZoneId", "Properties.DnsProperties.HostedZoneId"},
    {NULL, NULL}};

const struct pk_type pk_type_discovery_private_namespace = {
    .type = "AWS::ServiceDiscovery::PrivateDnsNamespace", .service = "servicediscovery",
    .names = namespace_names,
    .props = namespace_props, .n_props = PK_ARRAY_LEN(namespace_props),
    .name_prop = "Name", .delete_first = true, .token = "CreatorRequestId",
    .typical_create_ms = 60000, .typical_delete_ms = 60000,
    .create = {.operation = "CreatePrivateDnsNamespace"}, .do_create = create_namespace,
    .updates = namespace_updates, .n_updates = PK_ARRAY_LEN(namespace_updates),
    .do_remove = delete_namespace, .remove_wait = true,
    .readers = namespace_readers, .n_readers = PK_ARRAY_LEN(namespace_readers),
    .tags = TAGGING,
    .errors = {.gone = "NamespaceNotFound", .exists = "NamespaceAlreadyExists",
               .busy = "DuplicateRequest", .delete_busy = "ResourceInUse"},
    .attributes = namespace_attributes,
    .recovery = PK_RECOVER_NAME,
    .finder = &(const struct pk_reader){
        .call = {"ListNamespaces", NULL,
                 PK_PARAMS({"Filters", "json:[{\"Name\":\"TYPE\",\"Condition\":\"EQ\","
                                       "\"Values\":[\"DNS_PRIVATE\"]}]"})},
        .paged = true, .list = "Namespaces", .match = "{out.Name}", .want = "{name}"},
    .find_item_id = "{out.Id}", .find_tags_apart = true,
};

// clang-format on

/* --- Service --- */

/* What an update leaves out is deleted; the change takes the records only, nothing else of
 * DnsConfig. */
static enum pk_progress change_service(struct pk_ctx *ctx, const struct pk_update *update,
                                       struct pk_error **err) {
    (void)update;
    if (!started(ctx)) {
        json_t *params = json_object(), *change = json_object();
        pk_json_put_str(params, "Id", ctx->id);
        json_object_set_new(params, "Service", change);
        pk_json_put_str(change, "Description", pk_json_str(ctx->props, "Description", ""));
        json_t *records = pk_json_at(ctx->props, "DnsConfig.DnsRecords");
        json_auto_t *config = pk_ctx_to_api(ctx, "DnsConfig");
        if (records)
            pk_json_put(change, "DnsConfig.DnsRecords",
                        json_incref(json_object_get(config, "DnsRecords")));
        json_t *check = json_object_get(ctx->props, "HealthCheckConfig");
        if (check)
            json_object_set(change, "HealthCheckConfig", check);
        if (!start(ctx, "UpdateService", params, err))
            return PK_FAILED;
    }
    return operation_done(ctx, NULL, NULL, err);
}

// clang-format off

static const struct pk_names service_names[] = {
    {"TTL", "TTL", PK_MEMBER_NUMBER}, {NULL, NULL, 0}};

static const struct pk_prop service_props[] = {
    {"Name", .traits = PK_CREATE_ONLY},
    {"NamespaceId", .traits = PK_CREATE_ONLY},
    {"HealthCheckCustomConfig", .traits = PK_CREATE_ONLY},
    {"Type", .traits = PK_CREATE_ONLY, .read = PK_NOT_SENT},
    {"Description", .update = 1},
    {"DnsConfig", .update = 1},
    {"HealthCheckConfig", .update = 1},
};

static const struct pk_prop_trait service_traits[] = {
    {"DnsConfig.NamespaceId", PK_CREATE_ONLY}, {"DnsConfig.RoutingPolicy", PK_CREATE_ONLY},
    {NULL, 0}};

static const struct pk_update service_updates[] = {{.run = change_service}};

static const struct pk_reader service_readers[] = {
    {.call = {"GetService", NULL, PK_PARAMS({"Id", "{id}"})}, .item = "Service"},
    {.call = {"ListTagsForResource", NULL, PK_PARAMS({"ResourceARN", "{out.Arn}"})}, .item = "Tags",
     .into = "Tags", .absent = "ResourceNotFoundException"},
};

static const struct pk_attribute service_attributes[] = {
    {"Arn", "Arn"}, {"Id", "Id"}, {"Name", "Name"}, {NULL, NULL}};

const struct pk_type pk_type_discovery_service = {
    .type = "AWS::ServiceDiscovery::Service", .service = "servicediscovery", .names = service_names,
    .props = service_props, .n_props = PK_ARRAY_LEN(service_props), .more_traits = service_traits,
    .name_prop = "Name", .delete_first = true, .token = "CreatorRequestId",
    .typical_create_ms = 2000, .typical_delete_ms = 2000,
    .create = {.operation = "CreateService"}, .id = "{out.Service.Id}",
    .updates = service_updates, .n_updates = PK_ARRAY_LEN(service_updates),
    .remove = {"DeleteService", NULL, PK_PARAMS({"Id", "{id}"})},
    .readers = service_readers, .n_readers = PK_ARRAY_LEN(service_readers),
    .tags = TAGGING,
    .errors = {.gone = "ServiceNotFound", .exists = "ServiceAlreadyExists",
               .fresh = "NamespaceNotFound", .delete_busy = "ResourceInUse"},
    .attributes = service_attributes,
    .recovery = PK_RECOVER_NAME,
    .finder = &(const struct pk_reader){
        .call = {"ListServices", NULL,
                 PK_PARAMS({"Filters", "json:[{\"Name\":\"NAMESPACE_ID\",\"Condition\":\"EQ\","
                                       "\"Values\":[\"{prop.NamespaceId|"
                                       "prop.DnsConfig.NamespaceId}\"]}]"})},
        .paged = true, .list = "Services", .match = "{out.Name}", .want = "{name}"},
    .find_item_id = "{out.Id}", .find_tags_apart = true,
};
// clang-format on
