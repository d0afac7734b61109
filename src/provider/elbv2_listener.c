/* elbv2_listener.c - AWS::ElasticLoadBalancingV2::Listener, ListenerCertificate, ListenerRule. */
#include "provider/elbv2.h"
#include "provider/types.h"

/* --- Listener --- */

static void listener_normalize(struct pk_ctx *ctx, const json_t *item, json_t *live) {
    pk_elb_attributes(ctx, item, live, "ListenerAttributes", "Attributes");
}

// clang-format off

static const struct pk_prop listener_props[] = {
    {"LoadBalancerArn", .traits = PK_CREATE_ONLY},
    {"Port", .update = 1},
    {"Protocol", .update = 1},
    {"SslPolicy", .update = 1},
    {"Certificates", .update = 1},
    {"AlpnPolicy", .update = 1, .fallback = "[\"None\"]"},
    {"MutualAuthentication", .update = 1, .fallback = "{\"Mode\": \"off\"}"},
    {"DefaultActions", .update = 1},
    {"ListenerAttributes", .create = PK_NOT_SENT, .change = "Attributes", .read = PK_FROM_HOOK,
     .update = 2, .traits = PK_SET},
};

#define LISTENER PK_PARAMS({"ListenerArn", "{id}"})

static const struct pk_update listener_updates[] = {
    {.operation = "ModifyListener", .params = LISTENER},
    {.operation = "ModifyListenerAttributes", .params = LISTENER, .flags = PK_UPDATE_AFTER_CREATE},
};

static const struct pk_reader listener_readers[] = {
    {.call = {.operation = "DescribeListeners"}, .paged = true, .list = "Listeners",
     .match = "{out.ListenerArn}", .batch = 20, .batch_param = "ListenerArns"},
    ELB_TAG_READER,
    {.call = {"DescribeListenerAttributes", NULL, LISTENER}, .item = "Attributes",
     .into = "Attributes", .when = "ListenerAttributes"},
};

static const struct pk_attribute listener_attributes[] = {
    {"ListenerArn", "ListenerArn"}, {NULL, NULL}};

const struct pk_type pk_type_elb_listener = {
    .type = "AWS::ElasticLoadBalancingV2::Listener", .service = "elbv2", .names = pk_elb_names,
    .props = listener_props, .n_props = PK_ARRAY_LEN(listener_props),
    .delete_first = true, /* a port has one listener */
    .typical_create_ms = 2000, .typical_delete_ms = 2000,
    .create = {.operation = "CreateListener"}, .id = "{out.Listeners[0].ListenerArn}",
    .create_item = "Listeners[0]",
    .updates = listener_updates, .n_updates = PK_ARRAY_LEN(listener_updates),
    .remove = {"DeleteListener", NULL, LISTENER},
    .readers = listener_readers, .n_readers = PK_ARRAY_LEN(listener_readers),
    .normalize = listener_normalize,
    .tags = ELB_TAGS,
    .errors = {.gone = "ListenerNotFound", .exists = "DuplicateListener",
               .fresh = "CertificateNotFound|UnsupportedCertificate|TargetGroupNotFound",
               .delete_busy = "ResourceInUse"},
    .attributes = listener_attributes,
    .recovery = PK_RECOVER_TAG,
    .finder = &(const struct pk_reader){
        .call = {"DescribeListeners", NULL, PK_PARAMS({"LoadBalancerArn", "{prop.LoadBalancerArn}"})},
        .paged = true, .list = "Listeners", .match = "{out.Port}", .want = "{prop.Port}"},
    .find_item_id = "{out.ListenerArn}", .find_tags_apart = true,
};

/* --- ListenerCertificate: its id is "listener|certificate" --- */

static const struct pk_prop certificate_props[] = {
    {"ListenerArn", .read = PK_FROM_HOOK, .traits = PK_CREATE_ONLY},
    {"Certificates", .read = PK_FROM_HOOK, .traits = PK_CREATE_ONLY},
};

// clang-format on

static void certificate_normalize(struct pk_ctx *ctx, const json_t *item, json_t *live) {
    json_t *certificates = json_array(), *certificate = json_object();
    pk_json_put_str(certificate, "CertificateArn", pk_json_str(item, "CertificateArn", NULL));
    json_array_append_new(certificates, certificate);
    json_object_set_new(live, "Certificates", certificates);
    json_t *listener = pk_ctx_value(ctx, "{id[0]}");
    if (listener)
        json_object_set_new(live, "ListenerArn", listener);
}

// clang-format off

#define CERTIFICATE_ID "{prop.ListenerArn}|{prop.Certificates[0].CertificateArn}"

static const struct pk_reader certificate_readers[] = {
    {.call = {"DescribeListenerCertificates", NULL, PK_PARAMS({"ListenerArn", "{id[0]}"})},
     .paged = true, .list = "Certificates", .match = "{out.CertificateArn}", .want = "{id[1]}",
     .batch = PK_READ_ALL, .group = "{id[0]}"},
};

const struct pk_type pk_type_elb_listener_certificate = {
    .type = "AWS::ElasticLoadBalancingV2::ListenerCertificate", .service = "elbv2",
    .props = certificate_props, .n_props = PK_ARRAY_LEN(certificate_props),
    .typical_create_ms = 2000, .typical_delete_ms = 2000,
    .create = {.operation = "AddListenerCertificates"}, .id = CERTIFICATE_ID,
    .remove = {"RemoveListenerCertificates", NULL,
               PK_PARAMS({"ListenerArn", "{id[0]}"},
                         {"Certificates", "json:[{\"CertificateArn\":\"{id[1]}\"}]"})},
    .readers = certificate_readers, .n_readers = PK_ARRAY_LEN(certificate_readers),
    .normalize = certificate_normalize,
    .errors = {.gone = "ListenerNotFound|CertificateNotFound",
               .fresh = "UnsupportedCertificate|ListenerNotFound|CertificateNotFound"},
    .recovery = PK_RECOVER_NATURAL, .find_id = CERTIFICATE_ID,
};

// clang-format on

/* --- ListenerRule --- */

/* The API takes a number and answers with a text. */
static json_t *convert_priority(const struct pk_ctx *ctx, const json_t *value, bool to_api) {
    (void)ctx;
    (void)to_api;
    int64_t number;
    if (json_is_string(value) && pk_parse_i64(pk_str(json_string_value(value)), &number))
        return json_integer(number);
    return json_deep_copy(value);
}

// clang-format off

static const struct pk_prop rule_props[] = {
    {"ListenerArn", .read = PK_FROM_HOOK, .traits = PK_CREATE_ONLY},
    {"Actions", .update = 1},
    {"Conditions", .update = 1, .traits = PK_SET},
    {"Priority", .conv = PK_CUSTOM, .convert = convert_priority, .update = 2,
     .change = "RulePriorities"},
};

// clang-format on

static enum pk_progress change_priority(struct pk_ctx *ctx, const struct pk_update *update,
                                        struct pk_error **err) {
    (void)update;
    json_t *params = json_object(), *list = json_array(), *pair = json_object();
    pk_json_put_str(pair, "RuleArn", ctx->id);
    json_object_set_new(pair, "Priority", pk_ctx_to_api(ctx, "Priority"));
    json_array_append_new(list, pair);
    json_object_set_new(params, "RulePriorities", list);
    return pk_ctx_call(ctx, NULL, "SetRulePriorities", params, NULL, err) ? PK_DONE : PK_FAILED;
}

/* A rule's answer does not name its listener, but its ARN does: "listener-rule/app/n/lb/l/rule". */
static void rule_normalize(struct pk_ctx *ctx, const json_t *item, json_t *live) {
    (void)item;
    const char *listener = pk_json_str(ctx->prior, "ListenerArn", NULL);
    if (listener)
        pk_json_put_str(live, "ListenerArn", listener);
}

// clang-format off

static const struct pk_prop_trait rule_traits[] = {
    {"Conditions[].Values", PK_SET},
    {"Conditions[].HostHeaderConfig.Values", PK_SET},
    {"Conditions[].PathPatternConfig.Values", PK_SET},
    {"Conditions[].SourceIpConfig.Values", PK_SET},
    {"Conditions[].HttpRequestMethodConfig.Values", PK_SET},
    {"Conditions[].HttpHeaderConfig.Values", PK_SET},
    {NULL, 0}};

#define RULE PK_PARAMS({"RuleArn", "{id}"})

static const struct pk_update rule_updates[] = {
    {.operation = "ModifyRule", .params = RULE},
    {.run = change_priority},
};

static const struct pk_reader rule_readers[] = {
    {.call = {.operation = "DescribeRules"}, .paged = true, .list = "Rules",
     .match = "{out.RuleArn}", .batch = 20, .batch_param = "RuleArns"},
    ELB_TAG_READER,
};

static const struct pk_attribute rule_attributes[] = {
    {"RuleArn", "RuleArn"}, {"IsDefault", "IsDefault"}, {NULL, NULL}};

const struct pk_type pk_type_elb_listener_rule = {
    .type = "AWS::ElasticLoadBalancingV2::ListenerRule", .service = "elbv2", .names = pk_elb_names,
    .props = rule_props, .n_props = PK_ARRAY_LEN(rule_props), .more_traits = rule_traits,
    .delete_first = true, /* a priority has one rule */
    .typical_create_ms = 2000, .typical_delete_ms = 2000,
    .create = {.operation = "CreateRule"}, .id = "{out.Rules[0].RuleArn}",
    .create_item = "Rules[0]",
    .updates = rule_updates, .n_updates = PK_ARRAY_LEN(rule_updates),
    .remove = {"DeleteRule", NULL, RULE},
    .readers = rule_readers, .n_readers = PK_ARRAY_LEN(rule_readers),
    .normalize = rule_normalize,
    .tags = ELB_TAGS,
    .errors = {.gone = "RuleNotFound|ListenerNotFound", .exists = "PriorityInUse",
               .fresh = "ListenerNotFound|TargetGroupNotFound"},
    .attributes = rule_attributes,
    .recovery = PK_RECOVER_TAG,
    .finder = &(const struct pk_reader){
        .call = {"DescribeRules", NULL, PK_PARAMS({"ListenerArn", "{prop.ListenerArn}"})},
        .paged = true, .list = "Rules", .match = "{out.Priority}", .want = "{prop.Priority}"},
    .find_item_id = "{out.RuleArn}", .find_tags_apart = true,
};
// clang-format on
