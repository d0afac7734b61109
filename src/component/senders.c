/* senders.c - the policies that let topics and buckets send to queues and topics. */
#include "component/senders.h"
#include "component/check.h"
#include "component/iam.h"
#include "component/internal.h"

#include "base/str.h"

#include <string.h>

json_t *pk_queue_arn(struct pk_expansion *x, const struct pk_component *queue, const char *sub) {
    return pk_x_arn(x, "sqs", "%s", pk_x_name_of(x, queue, sub, "AWS::SQS::Queue"));
}

json_t *pk_topic_arn(struct pk_expansion *x, const struct pk_component *topic) {
    return pk_x_arn(x, "sns", "%s", pk_x_name_of(x, topic, NULL, "AWS::SNS::Topic"));
}

json_t *pk_bucket_arn(struct pk_expansion *x, const struct pk_component *bucket) {
    return pk_x_arn_global(x, "s3", "%s", pk_x_name_of(x, bucket, NULL, "AWS::S3::Bucket"));
}

json_t *pk_function_arn(struct pk_expansion *x, const struct pk_component *function) {
    return pk_x_arn(x, "lambda", "function:%s",
                    pk_x_name_of(x, function, NULL, "AWS::Lambda::Function"));
}

json_t *pk_table_arn(struct pk_expansion *x, const struct pk_component *table) {
    return pk_x_arn(x, "dynamodb", "table/%s",
                    pk_x_name_of(x, table, NULL, "AWS::DynamoDB::Table"));
}

const struct pk_component *pk_subscription_target(struct pk_expansion *x,
                                                  const struct pk_component *topic, size_t i) {
    const struct pk_component *target =
        pk_x_ref(x, topic, pk_x_item(x, "subscriptions", i, "component"));
    if (target)
        return target;
    target = pk_x_token_target(x, pk_spec_get(topic, pk_x_item(x, "subscriptions", i, "endpoint")));
    const char *protocol = pk_spec_str(topic, pk_x_item(x, "subscriptions", i, "protocol"));
    bool takes_messages =
        target && ((pk_streq(protocol, "sqs") && strcmp(target->kind, "SQS") == 0) ||
                   (pk_streq(protocol, "lambda") && strcmp(target->kind, "Lambda") == 0));
    return takes_messages ? target : NULL;
}

static bool topic_sends_to(struct pk_expansion *x, const struct pk_component *topic,
                           const struct pk_component *queue) {
    size_t n = json_array_size(pk_spec_get(topic, "subscriptions"));
    for (size_t i = 0; i < n; i++)
        if (pk_subscription_target(x, topic, i) == queue ||
            pk_x_ref(x, topic, pk_x_item(x, "subscriptions", i, "deadLetterQueue.component")) ==
                queue)
            return true;
    return false;
}

static bool bucket_notifies(struct pk_expansion *x, const struct pk_component *bucket,
                            const char *field, const struct pk_component *target) {
    size_t n = json_array_size(pk_spec_get(bucket, "notifications"));
    for (size_t i = 0; i < n; i++)
        if (pk_x_ref(x, bucket, pk_x_item(x, "notifications", i, field)) == target)
            return true;
    return false;
}

/* Every queue and topic asks: with thousands of components the few that send are looked for once.
 */
static void find_senders(struct pk_expansion *x) {
    if (x->senders)
        return;
    size_t n = x->project->components.len;
    x->senders = pk_arena_array(x->arena, n + 1, sizeof(*x->senders));
    for (size_t i = 0; i < n; i++) {
        const struct pk_component *c = x->project->components.items[i];
        if ((strcmp(c->kind, "SNS") == 0 || strcmp(c->kind, "S3") == 0) && pk_x_active(c))
            x->senders[x->n_senders++] = c;
    }
}

void pk_senders_to_queue(struct pk_expansion *x, const struct pk_component *queue,
                         struct pk_statements *to) {
    find_senders(x);
    for (size_t i = 0; i < x->n_senders; i++) {
        const struct pk_component *c = x->senders[i];
        if (strcmp(c->kind, "SNS") == 0 && topic_sends_to(x, c, queue))
            pk_iam_allow_service(x, to, "sns.amazonaws.com", "sqs:SendMessage",
                                 pk_queue_arn(x, queue, NULL), pk_topic_arn(x, c), false);
        if (strcmp(c->kind, "S3") == 0 && bucket_notifies(x, c, "queue", queue))
            pk_iam_allow_service(x, to, "s3.amazonaws.com", "sqs:SendMessage",
                                 pk_queue_arn(x, queue, NULL), pk_bucket_arn(x, c), true);
    }
}

void pk_senders_to_topic(struct pk_expansion *x, const struct pk_component *topic,
                         struct pk_statements *to) {
    find_senders(x);
    for (size_t i = 0; i < x->n_senders; i++) {
        const struct pk_component *c = x->senders[i];
        if (strcmp(c->kind, "S3") == 0 && bucket_notifies(x, c, "topic", topic))
            pk_iam_allow_service(x, to, "s3.amazonaws.com", "sns:Publish", pk_topic_arn(x, topic),
                                 pk_bucket_arn(x, c), true);
    }
}
