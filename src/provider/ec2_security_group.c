/*
 * ec2_security_group.c - AWS::EC2::SecurityGroup, SecurityGroupIngress, SecurityGroupEgress.
 *
 * A group's rules are a set; a rule is known by protocol, ports and peer. Rules that belong to a
 * SecurityGroupIngress or -Egress of their own carry its tag panka:resource: the group neither
 * shows nor revokes them.
 */
#include "provider/ec2.h"
#include "provider/types.h"

#include <stdlib.h>
#include <string.h>

/* --- rules: CloudFormation's shape, and AWS's --- */

static const char *protocol_of(const json_t *rule) {
    const char *protocol = pk_json_str(rule, "IpProtocol", "-1");
    static const char *const numbers[][2] = {
        {"6", "tcp"}, {"17", "udp"}, {"1", "icmp"}, {"58", "icmpv6"}, {"all", "-1"}};
    for (size_t i = 0; i < PK_ARRAY_LEN(numbers); i++)
        if (strcmp(protocol, numbers[i][0]) == 0)
            return numbers[i][1];
    return protocol;
}

static const char *first_of(const json_t *rule, const char *const *members) {
    for (; *members; members++) {
        const char *text = pk_json_str(rule, *members, NULL);
        if (text)
            return text;
    }
    return "";
}

/* Both shapes give the same text for the same rule. */
static char *rule_identity(const json_t *rule) {
    static const char *const peers[] = {"CidrIp",
                                        "CidrIpv4",
                                        "CidrIpv6",
                                        "SourceSecurityGroupId",
                                        "DestinationSecurityGroupId",
                                        "ReferencedGroupInfo.GroupId",
                                        "SourcePrefixListId",
                                        "DestinationPrefixListId",
                                        "PrefixListId",
                                        NULL};
    const char *protocol = protocol_of(rule), *peer = first_of(rule, peers);
    if (strcmp(protocol, "-1") == 0)
        return pk_asprintf("-1|%s", peer);
    return pk_asprintf("%s|%lld|%lld|%s", protocol, (long long)pk_json_int(rule, "FromPort", -1),
                       (long long)pk_json_int(rule, "ToPort", -1), peer);
}

/* A rule as AWS describes it, in CloudFormation's words. */
static json_t *rule_from_aws(const json_t *rule, bool egress) {
    json_t *ret = json_object();
    const char *protocol = protocol_of(rule);
    pk_json_put_str(ret, "IpProtocol", protocol);
    if (strcmp(protocol, "-1") != 0) {
        pk_json_put_int(ret, "FromPort", pk_json_int(rule, "FromPort", -1));
        pk_json_put_int(ret, "ToPort", pk_json_int(rule, "ToPort", -1));
    }
    pk_json_put_str(ret, "CidrIp", pk_json_str(rule, "CidrIpv4", NULL));
    pk_json_put_str(ret, "CidrIpv6", pk_json_str(rule, "CidrIpv6", NULL));
    pk_json_put_str(ret, egress ? "DestinationSecurityGroupId" : "SourceSecurityGroupId",
                    pk_json_str(rule, "ReferencedGroupInfo.GroupId", NULL));
    pk_json_put_str(ret, egress ? "DestinationPrefixListId" : "SourcePrefixListId",
                    pk_json_str(rule, "PrefixListId", NULL));
    pk_json_put_str(ret, "Description", pk_json_str(rule, "Description", NULL));
    return ret;
}

static void add_peer(json_t *permission, const json_t *rule, const char *list, const char *member,
                     const char *value) {
    if (!value)
        return;
    json_t *peers = json_array(), *peer = json_object();
    pk_json_put_str(peer, member, value);
    pk_json_put_str(peer, "Description", pk_json_str(rule, "Description", NULL));
    json_array_append_new(peers, peer);
    json_object_set_new(permission, list, peers);
}

/* A rule in CloudFormation's words as a member of IpPermissions. */
static json_t *permission_of(const json_t *rule) {
    static const char *const groups[] = {"SourceSecurityGroupId", "DestinationSecurityGroupId",
                                         NULL};
    static const char *const prefixes[] = {"SourcePrefixListId", "DestinationPrefixListId", NULL};
    json_t *ret = json_object();
    const char *protocol = protocol_of(rule);
    pk_json_put_str(ret, "IpProtocol", protocol);
    if (strcmp(protocol, "-1") != 0) {
        pk_json_put_int(ret, "FromPort", pk_json_int(rule, "FromPort", -1));
        pk_json_put_int(ret, "ToPort", pk_json_int(rule, "ToPort", -1));
    }
    const char *group = first_of(rule, groups), *prefix = first_of(rule, prefixes);
    add_peer(ret, rule, "IpRanges", "CidrIp", pk_json_str(rule, "CidrIp", NULL));
    add_peer(ret, rule, "Ipv6Ranges", "CidrIpv6", pk_json_str(rule, "CidrIpv6", NULL));
    add_peer(ret, rule, "UserIdGroupPairs", "GroupId", *group ? group : NULL);
    add_peer(ret, rule, "PrefixListIds", "PrefixListId", *prefix ? prefix : NULL);
    return ret;
}

static const json_t *find_rule(const json_t *list, const json_t *wanted) {
    PK_CLEANUP(pk_freep) char *identity = rule_identity(wanted);
    for (size_t i = 0; i < json_array_size(list); i++) {
        const json_t *rule = json_array_get(list, i);
        PK_CLEANUP(pk_freep) char *other = rule_identity(rule);
        if (strcmp(identity, other) == 0)
            return rule;
    }
    return NULL;
}

static bool same_description(const json_t *a, const json_t *b) {
    return strcmp(pk_json_str(a, "Description", ""), pk_json_str(b, "Description", "")) == 0;
}

/* --- SecurityGroup --- */

/* A rule that is a resource of its own. */
static bool has_other_owner(const struct pk_ctx *ctx, const json_t *rule) {
    json_auto_t *tags = pk_tags_read(json_object_get(rule, "Tags"), PK_TAGS_LIST);
    const char *owner = json_string_value(json_object_get(tags, "panka:resource"));
    return owner && !pk_streq(owner, ctx->key);
}

/* The group's own rules of one direction, as AWS describes them. */
static json_t *own_rules(const struct pk_ctx *ctx, const json_t *rules, bool egress) {
    json_t *ret = json_array();
    for (size_t i = 0; i < json_array_size(rules); i++) {
        json_t *rule = json_array_get(rules, i);
        if (pk_json_bool(rule, "IsEgress", false) == egress && !has_other_owner(ctx, rule))
            json_array_append(ret, rule);
    }
    return ret;
}

/* Live rules in the words in which they were written, where they are the same. */
static json_t *live_rules(const struct pk_ctx *ctx, const json_t *item, bool egress) {
    json_auto_t *own = own_rules(ctx, json_object_get(item, "Rules"), egress);
    const json_t *written =
        json_object_get(ctx->prior, egress ? "SecurityGroupEgress" : "SecurityGroupIngress");
    json_t *ret = json_array();
    for (size_t i = 0; i < json_array_size(written); i++) {
        const json_t *rule = json_array_get(written, i), *live = find_rule(own, rule);
        if (!live)
            continue;
        json_t *copy = json_deep_copy(rule);
        if (!same_description(rule, live)) {
            json_object_del(copy, "Description");
            pk_json_put_str(copy, "Description", pk_json_str(live, "Description", NULL));
        }
        json_array_append_new(ret, copy);
    }
    for (size_t i = 0; i < json_array_size(own); i++)
        if (!find_rule(written, json_array_get(own, i)))
            json_array_append_new(ret, rule_from_aws(json_array_get(own, i), egress));
    return ret;
}

static void group_normalize(struct pk_ctx *ctx, const json_t *item, json_t *live) {
    json_object_set_new(live, "SecurityGroupIngress", live_rules(ctx, item, false));
    json_object_set_new(live, "SecurityGroupEgress", live_rules(ctx, item, true));
}

static bool read_rules(struct pk_ctx *ctx, json_t **ret, struct pk_error **err) {
    static const struct pk_param params[] = {
        {"Filters", "json:[{\"Name\":\"group-id\",\"Values\":[\"{id}\"]}]"}, {NULL, NULL}};
    json_auto_t *answer = NULL;
    if (!pk_ctx_call_all(ctx, NULL, "DescribeSecurityGroupRules", pk_ctx_params(ctx, params),
                         &answer, err))
        return false;
    json_t *rules = json_object_get(answer, "SecurityGroupRules");
    *ret = rules ? json_incref(rules) : json_array();
    return true;
}

static bool send_permissions(struct pk_ctx *ctx, const char *operation, json_t *permissions,
                             struct pk_error **err) {
    if (json_array_size(permissions) == 0) {
        json_decref(permissions);
        return true;
    }
    json_t *params = json_object();
    pk_json_put_str(params, "GroupId", ctx->id);
    json_object_set_new(params, "IpPermissions", permissions);
    return pk_ctx_call(ctx, NULL, operation, params, NULL, err);
}

static bool revoke(struct pk_ctx *ctx, bool egress, json_t *ids, struct pk_error **err) {
    if (json_array_size(ids) == 0) {
        json_decref(ids);
        return true;
    }
    json_t *params = json_object();
    pk_json_put_str(params, "GroupId", ctx->id);
    json_object_set_new(params, "SecurityGroupRuleIds", ids);
    return pk_ctx_call(ctx, NULL,
                       egress ? "RevokeSecurityGroupEgress" : "RevokeSecurityGroupIngress", params,
                       NULL, err);
}

/* First what is missing, then what is too much: traffic that stays allowed is never cut. */
static bool set_rules(struct pk_ctx *ctx, const json_t *live, bool egress, struct pk_error **err) {
    json_auto_t *own = own_rules(ctx, live, egress);
    const json_t *wanted =
        json_object_get(ctx->props, egress ? "SecurityGroupEgress" : "SecurityGroupIngress");
    json_t *add = json_array(), *describe = json_array(), *drop = json_array();
    /* Nothing uses a new group yet: AWS's own egress rule is made anew with the description, as
     * CloudFormation does. */
    bool fresh = ctx->op->action == PK_ACTION_CREATE;
    json_t *first = json_array();
    for (size_t i = 0; i < json_array_size(wanted); i++) {
        const json_t *rule = json_array_get(wanted, i), *there = find_rule(own, rule);
        if (there && same_description(rule, there))
            continue;
        if (there && fresh)
            json_array_append(first, json_object_get(there, "SecurityGroupRuleId"));
        json_array_append_new(there && !fresh ? describe : add, permission_of(rule));
    }
    for (size_t i = 0; i < json_array_size(own); i++) {
        const json_t *rule = json_array_get(own, i);
        if (!find_rule(wanted, rule))
            json_array_append(drop, json_object_get(rule, "SecurityGroupRuleId"));
    }
    bool ok = revoke(ctx, egress, first, err);
    if (!ok)
        json_decref(add);
    ok = ok && send_permissions(
                   ctx, egress ? "AuthorizeSecurityGroupEgress" : "AuthorizeSecurityGroupIngress",
                   add, err);
    if (ok)
        ok = send_permissions(ctx,
                              egress ? "UpdateSecurityGroupRuleDescriptionsEgress"
                                     : "UpdateSecurityGroupRuleDescriptionsIngress",
                              describe, err);
    else
        json_decref(describe);
    if (ok)
        return revoke(ctx, egress, drop, err);
    json_decref(drop);
    return false;
}

/* A direction that is not written stays as AWS made it on create (all egress allowed); when it was
 * removed from the configuration, nothing of it is left. */
static enum pk_progress change_rules(struct pk_ctx *ctx, const struct pk_update *update,
                                     struct pk_error **err) {
    (void)update;
    json_auto_t *live = NULL;
    if (!read_rules(ctx, &live, err))
        return PK_FAILED;
    bool update_now = ctx->op->action == PK_ACTION_UPDATE;
    for (int egress = 0; egress < 2; egress++) {
        const char *name = egress ? "SecurityGroupEgress" : "SecurityGroupIngress";
        bool written = json_object_get(ctx->props, name) != NULL;
        if ((update_now ? pk_ctx_changed(ctx, name) : written) &&
            !set_rules(ctx, live, egress != 0, err))
            return PK_FAILED;
    }
    return PK_DONE;
}

// clang-format off

static const struct pk_prop group_props[] = {
    {"GroupName", .traits = PK_CREATE_ONLY},
    {"GroupDescription", .create = "Description", .traits = PK_CREATE_ONLY},
    {"VpcId", .traits = PK_CREATE_ONLY},
    {"SecurityGroupIngress", .create = PK_NOT_SENT, .read = PK_FROM_HOOK, .update = 1, .traits = PK_SET},
    {"SecurityGroupEgress", .create = PK_NOT_SENT, .read = PK_FROM_HOOK, .update = 1, .traits = PK_SET},
};

static const struct pk_update group_updates[] = {
    {.run = change_rules, .flags = PK_UPDATE_AFTER_CREATE},
};

static const struct pk_reader group_readers[] = {
    {.call = {.operation = "DescribeSecurityGroups"}, .paged = true, .list = "SecurityGroups",
     .match = "{out.GroupId}", .batch = 100, .batch_filter = "group-id"},
};

// clang-format on

static bool add_rules_to_item(struct pk_ctx *ctx, json_t *item, struct pk_error **err) {
    json_t *rules = NULL;
    if (!read_rules(ctx, &rules, err))
        return false;
    json_object_set_new(item, "Rules", rules);
    return true;
}

// clang-format off

static const struct pk_attribute group_attributes[] = {
    {"GroupId", "GroupId"}, {"VpcId", "VpcId"}, {"Id", "GroupId"}, {NULL, NULL}};

const struct pk_type pk_type_ec2_security_group = {
    .type = "AWS::EC2::SecurityGroup", .service = "ec2",
    .props = group_props, .n_props = PK_ARRAY_LEN(group_props),
    .name_prop = "GroupName",
    .typical_create_ms = 3000, .typical_delete_ms = 3000,
    .create = {.operation = "CreateSecurityGroup"}, .id = "{out.GroupId}",
    .updates = group_updates, .n_updates = PK_ARRAY_LEN(group_updates),
    .remove = {"DeleteSecurityGroup", NULL, PK_PARAMS({"GroupId", "{id}"})},
    .remove_limit_ms = EC2_LINGER_MS,
    .readers = group_readers, .n_readers = PK_ARRAY_LEN(group_readers),
    .read_more = add_rules_to_item, .normalize = group_normalize,
    .tags = EC2_TAGS("security-group"),
    .errors = {.gone = "InvalidGroup.NotFound|InvalidGroupId.Malformed",
               .exists = "InvalidGroup.Duplicate", .fresh = EC2_FRESH,
               .delete_busy = "DependencyViolation|InvalidGroup.InUse|InvalidGroup.Reserved"},
    .attributes = group_attributes,
    .recovery = PK_RECOVER_NAME,
    .finder = &(const struct pk_reader){
        .call = {"DescribeSecurityGroups", NULL,
                 PK_PARAMS({"Filters", "json:[{\"Name\":\"group-name\",\"Values\":[\"{name}\"]},"
                                       "{\"Name\":\"vpc-id\",\"Values\":[\"{prop.VpcId}\"]}]"})},
        .paged = true, .list = "SecurityGroups", .match = "{out.GroupName}", .want = "{name}"},
    .find_item_id = "{out.GroupId}",
};

// clang-format on

/* --- SecurityGroupIngress, SecurityGroupEgress --- */

static bool is_egress(const struct pk_ctx *ctx) {
    return pk_ends_with(ctx->type->type, "Egress");
}

/* A rule always says whose it is, also where its tags are not asked for: its group must know. */
static json_t *rule_tags(const struct pk_op *op) {
    json_auto_t *tags = op->desired_tags ? json_copy(op->desired_tags) : json_object();
    pk_json_put_str(tags, "panka:managed", "true"); /* no key of these has a dot */
    pk_json_put_str(tags, "panka:resource", op->key);
    pk_json_put_str(tags, "panka:lineage", op->lineage);
    return pk_tags_make(tags, PK_TAGS_EC2, "security-group-rule");
}

static enum pk_progress create_rule(struct pk_ctx *ctx, struct pk_error **err) {
    json_t *params = json_object(), *permissions = json_array();
    pk_json_put_str(params, "GroupId", pk_json_str(ctx->props, "GroupId", NULL));
    json_array_append_new(permissions, permission_of(ctx->props));
    json_object_set_new(params, "IpPermissions", permissions);
    json_object_set_new(params, "TagSpecifications", rule_tags(ctx->op));
    json_auto_t *answer = NULL;
    if (!pk_ctx_call(ctx, NULL, ctx->type->create.operation, params, &answer, err))
        return PK_FAILED;
    const char *id = pk_json_str(answer, "SecurityGroupRules[0].SecurityGroupRuleId", NULL);
    if (!id) {
        pk_fail(err, PK_E_BAD_RESPONSE, "%s answered without an identifier",
                ctx->type->create.operation);
        return PK_FAILED;
    }
    pk_ctx_set_id(ctx, id);
    return PK_DONE;
}

static enum pk_progress describe_rule(struct pk_ctx *ctx, const struct pk_update *update,
                                      struct pk_error **err) {
    (void)update;
    json_t *params = json_object(), *permissions = json_array();
    pk_json_put_str(params, "GroupId", pk_json_str(ctx->props, "GroupId", NULL));
    json_array_append_new(permissions, permission_of(ctx->props));
    json_object_set_new(params, "IpPermissions", permissions);
    const char *operation = is_egress(ctx) ? "UpdateSecurityGroupRuleDescriptionsEgress"
                                           : "UpdateSecurityGroupRuleDescriptionsIngress";
    return pk_ctx_call(ctx, NULL, operation, params, NULL, err) ? PK_DONE : PK_FAILED;
}

static void rule_normalize(struct pk_ctx *ctx, const json_t *item, json_t *live) {
    json_auto_t *seen = rule_from_aws(item, is_egress(ctx));
    if (ctx->prior) {
        PK_CLEANUP(pk_freep) char *written = rule_identity(ctx->prior);
        PK_CLEANUP(pk_freep) char *there = rule_identity(item);
        if (strcmp(written, there) == 0) {
            /* "6" and "tcp", ports of protocol -1: the same rule in the words that were used. */
            json_object_update(live, ctx->prior);
            json_object_del(live, "Description");
        }
    }
    json_object_update_missing(live, seen);
    pk_json_put_str(live, "GroupId", pk_json_str(item, "GroupId", NULL));
}

static enum pk_found judge_rule(struct pk_ctx *ctx, const json_t *item) {
    PK_CLEANUP(pk_freep) char *wanted = rule_identity(ctx->props);
    PK_CLEANUP(pk_freep) char *there = rule_identity(item);
    if (strcmp(wanted, there) != 0 || pk_json_bool(item, "IsEgress", false) != is_egress(ctx))
        return PK_ABSENT;
    return has_other_owner(ctx, item) ? PK_FOREIGN : PK_OURS;
}

// clang-format off

#define RULE_PROP(name) {name, .create = PK_NOT_SENT, .read = PK_FROM_HOOK, .traits = PK_CREATE_ONLY}

/* rule_normalize fills these in. */
static const struct pk_prop ingress_props[] = {
    RULE_PROP("GroupId"), RULE_PROP("IpProtocol"), RULE_PROP("FromPort"), RULE_PROP("ToPort"),
    RULE_PROP("CidrIp"), RULE_PROP("CidrIpv6"), RULE_PROP("SourceSecurityGroupId"),
    RULE_PROP("SourcePrefixListId"),
    {"Description", .create = PK_NOT_SENT, .read = PK_FROM_HOOK, .update = 1},
};

static const struct pk_prop egress_props[] = {
    RULE_PROP("GroupId"), RULE_PROP("IpProtocol"), RULE_PROP("FromPort"), RULE_PROP("ToPort"),
    RULE_PROP("CidrIp"), RULE_PROP("CidrIpv6"), RULE_PROP("DestinationSecurityGroupId"),
    RULE_PROP("DestinationPrefixListId"),
    {"Description", .create = PK_NOT_SENT, .read = PK_FROM_HOOK, .update = 1},
};

static const struct pk_update rule_updates[] = {{.run = describe_rule}};

static const struct pk_reader rule_readers[] = {
    {.call = {.operation = "DescribeSecurityGroupRules"}, .paged = true,
     .list = "SecurityGroupRules", .match = "{out.SecurityGroupRuleId}", .batch = 100,
     .batch_filter = "security-group-rule-id"},
};

static const struct pk_attribute rule_attributes[] = {
    {"Id", "SecurityGroupRuleId"}, {"GroupId", "GroupId"}, {NULL, NULL}};

#define RULE_TYPE(direction, rows)                                                                 \
    {                                                                                              \
        .type = "AWS::EC2::SecurityGroup" direction, .service = "ec2",                             \
        .props = rows, .n_props = PK_ARRAY_LEN(rows), .delete_first = false,                       \
        .typical_create_ms = 2000, .typical_delete_ms = 2000,                                      \
        .create = {.operation = "AuthorizeSecurityGroup" direction}, .do_create = create_rule,     \
        .updates = rule_updates, .n_updates = PK_ARRAY_LEN(rule_updates),                          \
        .remove = {"RevokeSecurityGroup" direction, NULL,                                          \
                   PK_PARAMS({"GroupId", "{attr.GroupId|prop.GroupId}"},                           \
                             {"SecurityGroupRuleIds[]", "{id}"})},                                 \
        .readers = rule_readers, .n_readers = PK_ARRAY_LEN(rule_readers),                          \
        .normalize = rule_normalize, .tags = EC2_TAGS("security-group-rule"),                      \
        .errors = {.gone = "InvalidSecurityGroupRuleId.NotFound|InvalidPermission.NotFound|"       \
                           "InvalidGroup.NotFound",                                                \
                   .exists = "InvalidPermission.Duplicate", .fresh = EC2_FRESH},                   \
        .attributes = rule_attributes, .recovery = PK_RECOVER_NATURAL,                             \
        .finder = &(const struct pk_reader){                                                       \
            .call = {"DescribeSecurityGroupRules", NULL,                                           \
                     PK_PARAMS({"Filters", "json:[{\"Name\":\"group-id\","                         \
                                           "\"Values\":[\"{prop.GroupId}\"]}]"})},                 \
            .paged = true, .list = "SecurityGroupRules"},                                          \
        .find_item_id = "{out.SecurityGroupRuleId}", .judge = judge_rule                           \
    }

const struct pk_type pk_type_ec2_security_group_ingress = RULE_TYPE("Ingress", ingress_props);
const struct pk_type pk_type_ec2_security_group_egress = RULE_TYPE("Egress", egress_props);
// clang-format on
