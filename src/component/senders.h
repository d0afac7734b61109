/*
 * senders.h - who sends to whom without code in between: subscriptions of topics, notifications of
 * buckets. The policy of the target follows from it.
 *
 * Layer 2. Internal to component/.
 */
#ifndef PK_COMPONENT_SENDERS_H
#define PK_COMPONENT_SENDERS_H

#include "component/expand.h"

/* ARNs that need nothing to exist. New references. */
json_t *pk_queue_arn(struct pk_expansion *x, const struct pk_component *queue, const char *sub);
json_t *pk_topic_arn(struct pk_expansion *x, const struct pk_component *topic);
json_t *pk_bucket_arn(struct pk_expansion *x, const struct pk_component *bucket);
json_t *pk_function_arn(struct pk_expansion *x, const struct pk_component *function);
json_t *pk_table_arn(struct pk_expansion *x, const struct pk_component *table);

/* The queue or function that a subscription of a topic goes to: `component`, or with the protocols
 * sqs and lambda an output as `endpoint`. NULL when it goes elsewhere, for example to the URL of a
 * function. */
const struct pk_component *pk_subscription_target(struct pk_expansion *x,
                                                  const struct pk_component *topic, size_t i);

/* Adds a statement for every topic and bucket that sends to the queue, also for topics whose
 * undelivered messages go there. */
void pk_senders_to_queue(struct pk_expansion *x, const struct pk_component *queue,
                         struct pk_statements *to);
/* Adds a statement for every bucket that notifies the topic. */
void pk_senders_to_topic(struct pk_expansion *x, const struct pk_component *topic,
                         struct pk_statements *to);

#endif
