/* policy.c - resource policies. */
#include "component/policy.h"

#include "base/str.h"

#include <string.h>

static void replace_self(json_t *statement, const json_t *arn) {
    json_t *resource = json_object_get(statement, "Resource");
    size_t i;
    json_t *item;
    if (json_is_string(resource) && pk_streq(json_string_value(resource), "self"))
        json_object_set_new(statement, "Resource", json_deep_copy(arn));
    json_array_foreach(resource, i, item) {
        const char *text = json_string_value(item);
        if (pk_streq(text, "self"))
            json_array_set_new(resource, i, json_deep_copy(arn));
        else if (text && pk_starts_with(text, "self/") && json_is_string(arn))
            json_array_set_new(resource, i,
                               pk_json_textf("%s%s", json_string_value(arn), text + 4));
    }
    if (!json_object_get(statement, "Resource"))
        json_object_set_new(statement, "Resource", json_deep_copy(arn));
    if (!json_object_get(statement, "Effect"))
        json_object_set_new(statement, "Effect", json_string("Allow"));
}

void pk_policy_add_own(struct pk_expansion *x, struct pk_resource *r, const struct pk_component *c,
                       const json_t *arn, json_t *to) {
    json_t *own PK_CLEANUP(json_decrefp) = pk_x_value(x, r, c, "policy.statements");
    size_t i;
    json_t *statement;
    json_array_foreach(own, i, statement) {
        json_t *copy = json_deep_copy(statement);
        replace_self(copy, arn);
        json_array_append_new(to, copy);
    }
}

json_t *pk_policy_service(const char *sid, const char *service, const char *action,
                          const json_t *arn, json_t *source_arn) {
    return json_pack("{s:s, s:s, s:{s:s}, s:s, s:o, s:{s:{s:o}}}", "Sid", sid, "Effect", "Allow",
                     "Principal", "Service", service, "Action", action, "Resource",
                     json_deep_copy(arn), "Condition", "ArnEquals", "aws:SourceArn", source_arn);
}

json_t *pk_policy_document(json_t *statements) {
    if (json_array_size(statements) == 0) {
        json_decref(statements);
        return NULL;
    }
    return json_pack("{s:s, s:o}", "Version", "2012-10-17", "Statement", statements);
}

/* Statement ids are letters and digits only. */
static char *sid_of(const char *prefix, const struct pk_component *c) {
    struct pk_buf sid = PK_BUF_INIT(256);
    pk_buf_addz(&sid, prefix);
    for (const char *p = c->address; *p; p++)
        if ((*p >= 'a' && *p <= 'z') || (*p >= '0' && *p <= '9'))
            pk_buf_addc(&sid, *p);
    return pk_buf_steal(&sid);
}

static void topic_senders(struct pk_expansion *x, const struct pk_component *queue,
                          const json_t *arn, json_t *to) {
    for (size_t i = 0; i < x->project->components.len; i++) {
        const struct pk_component *c = x->project->components.items[i];
        if (!pk_streq(c->kind, "SNS") || !pk_x_active(c))
            continue;
        bool sends = false;
        size_t k;
        json_t *subscription;
        json_array_foreach(pk_spec_get(c, "subscriptions"), k, subscription) {
            sends = sends ||
                    pk_streq(pk_json_str(subscription, "component", NULL), queue->address) ||
                    pk_streq(pk_json_str(subscription, "deadLetterQueue.component", NULL),
                             queue->address);
        }
        if (!sends)
            continue;
        char *sid PK_CLEANUP(pk_freep) = sid_of("topic", c);
        json_array_append_new(
            to, pk_policy_service(
                    sid, "sns.amazonaws.com", "sqs:SendMessage", arn,
                    pk_x_arn(x, "sns", "%s", pk_x_name_of(x, c, NULL, "AWS::SNS::Topic"))));
    }
}

static void bucket_senders(struct pk_expansion *x, const struct pk_component *queue,
                           const json_t *arn, json_t *to) {
    for (size_t i = 0; i < x->project->components.len; i++) {
        const struct pk_component *c = x->project->components.items[i];
        if (!pk_streq(c->kind, "S3") || !pk_x_active(c))
            continue;
        bool sends = false;
        size_t k;
        json_t *notification;
        json_t *written = pk_spec_get(c, "notifications");
        json_array_foreach(written, k, notification) {
            sends = sends || pk_streq(pk_json_str(notification, "queue", NULL), queue->address);
        }
        if (!sends)
            continue;
        char *sid PK_CLEANUP(pk_freep) = sid_of("bucket", c);
        json_t *source =
            pk_x_arn_global(x, "s3", "%s", pk_x_name_of(x, c, NULL, "AWS::S3::Bucket"));
        json_t *statement =
            pk_policy_service(sid, "s3.amazonaws.com", "sqs:SendMessage", arn, source);
        /* Bucket names are free to be taken by others: the account is part of the condition. */
        json_object_set_new(json_object_get(statement, "Condition"), "StringEquals",
                            json_pack("{s:s}", "aws:SourceAccount", x->env->account_id));
        json_array_append_new(to, statement);
    }
}

json_t *pk_policy_queue(struct pk_expansion *x, const struct pk_component *queue,
                        struct pk_resource *r, json_t *arn) {
    json_t *statements = json_array();
    topic_senders(x, queue, arn, statements);
    bucket_senders(x, queue, arn, statements);
    pk_policy_add_own(x, r, queue, arn, statements);
    json_decref(arn);
    return pk_policy_document(statements);
}

void pk_policy_allow_key(struct pk_expansion *x, const struct pk_component *c, const char *path,
                         const char *service, const char *level, struct pk_statements *to) {
    static const char *const decrypt[] = {"kms:Decrypt", NULL};
    static const char *const both[] = {"kms:Decrypt", "kms:GenerateDataKey", NULL};
    const char *key = pk_spec_str(c, path);
    if (!key || pk_starts_with(key, "alias/"))
        return; /* an alias names no key in a policy; AWS-managed keys need no grant */
    bool writes =
        pk_streq(level, "write") || pk_streq(level, "readwrite") || pk_streq(level, "admin");
    json_t *arn =
        pk_starts_with(key, "arn:") ? pk_json_text(key) : pk_x_arn(x, "kms", "key/%s", key);
    const char *via = pk_arena_printf(x->arena, "%s.%s.amazonaws.com", service, x->env->region);
    pk_iam_allow(to, writes ? both : decrypt, arn,
                 json_pack("{s:{s:s}}", "StringEquals", "kms:ViaService", via));
}
