/* s3_notifications.c - who is told of changes in a bucket. */
#include "component/check.h"
#include "component/internal.h"
#include "component/lambda.h"
#include "component/s3.h"
#include "component/senders.h"

#include "base/str.h"

#include <string.h>

/* One receiver, of `notifications` or of a trigger. */
struct notice {
    const struct pk_component *owner; /* who wrote it: the bucket or the function */
    const struct pk_component *target;
    const char *path; /* of the entry in the owner */
    const char *name; /* unique in the bucket */
    size_t trigger;   /* index in the function's triggers */
    const json_t *spec;
    struct pk_resource *permission; /* of a function */
};

static bool is_kind(const struct notice *n, const char *kind) {
    return strcmp(n->target->kind, kind) == 0;
}

static const char *const fields[][2] = {{"queue", "SQS"}, {"topic", "SNS"}, {"lambda", "Lambda"}};

/* The component that entry i notifies, or NULL. */
static const struct pk_component *target_of(struct pk_expansion *x, const struct pk_component *c,
                                            size_t i) {
    for (size_t k = 0; k < PK_ARRAY_LEN(fields); k++) {
        const struct pk_component *target =
            pk_x_ref(x, c, pk_x_item(x, "notifications", i, fields[k][0]));
        if (target && strcmp(target->kind, fields[k][1]) == 0)
            return target;
    }
    return NULL;
}

static void add_notice(struct pk_expansion *x, struct pk_vec *list, struct notice n) {
    struct notice *copy = pk_arena_alloc(x->arena, sizeof(*copy));
    *copy = n;
    pk_vec_push(list, copy);
}

/* Everything the bucket has to tell, in the order of the files. */
static void collect(struct pk_expansion *x, const struct pk_component *c, struct pk_vec *list) {
    const json_t *own = pk_spec_get(c, "notifications");
    for (size_t i = 0; i < json_array_size(own); i++) {
        const json_t *spec = json_array_get(own, i);
        const struct pk_component *target = target_of(x, c, i);
        const char *name = pk_json_str(spec, "name", target ? target->name : "");
        if (target)
            add_notice(x, list,
                       (struct notice){.owner = c,
                                       .target = target,
                                       .path = pk_x_item(x, "notifications", i, NULL),
                                       .name = name,
                                       .spec = spec});
    }
    for (size_t i = 0; i < x->project->components.len; i++) {
        const struct pk_component *f = x->project->components.items[i];
        if (strcmp(f->kind, "Lambda") != 0 || !pk_x_active(f))
            continue;
        for (size_t k = 0; k < pk_lambda_n_triggers(f); k++) {
            if (strcmp(pk_trigger_type(x, f, k), "s3") != 0 || pk_trigger_bucket(x, f, k) != c)
                continue;
            const char *name =
                pk_arena_printf(x->arena, "%s-%s", f->name, pk_trigger_name(x, f, k));
            add_notice(x, list,
                       (struct notice){.owner = f,
                                       .target = f,
                                       .path = pk_trigger_path(x, k, "s3"),
                                       .name = name,
                                       .trigger = k,
                                       .spec = pk_spec_get(f, pk_trigger_path(x, k, "s3"))});
        }
    }
}

static bool wants_event_bridge(const struct pk_component *c) {
    const json_t *own = pk_spec_get(c, "notifications");
    for (size_t i = 0; i < json_array_size(own); i++)
        if (pk_json_bool(json_array_get(own, i), "eventBridge", false))
            return true;
    return false;
}

/* --- checks ----------------------------------------------------------------------------------- */

static void check_entry(struct pk_expansion *x, const struct pk_component *c, size_t i) {
    const char *at = pk_x_item(x, "notifications", i, NULL);
    const json_t *entry = pk_spec_get(c, at);
    bool bridge = pk_json_bool(entry, "eventBridge", false);
    size_t targets = bridge;
    for (size_t k = 0; k < PK_ARRAY_LEN(fields); k++) {
        const char *path = pk_x_item(x, "notifications", i, fields[k][0]);
        targets += pk_spec_written(c, path);
        const struct pk_component *target = pk_x_ref_of_kind(
            x, c, path, fields[k][1], "s3.notification-target",
            "`queue` names an SQS, `topic` an SNS and `lambda` a Lambda component");
        if (target && pk_ends_with(pk_x_name_of(x, target, NULL,
                                                k == 0 ? "AWS::SQS::Queue" : "AWS::SNS::Topic"),
                                   ".fifo"))
            pk_x_refuse(x, c, "s3.notification-target", path, "name a standard one",
                        "S3 cannot send to the fifo %s", target->name);
    }
    if (targets != 1)
        pk_x_refuse(x, c, "s3.notification-target", at,
                    "give one of `queue`, `topic` and `lambda`, or `eventBridge: true`",
                    "a notification has one target, this one has %zu", targets);
    if (!bridge && !pk_spec_written(c, pk_x_item(x, "notifications", i, "events")))
        pk_x_refuse(x, c, "s3.event", at, "set `events`, for example [\"s3:ObjectCreated:*\"]",
                    "it is not said which events are meant");
    if (bridge && (json_object_get(entry, "events") || json_object_get(entry, "prefix") ||
                   json_object_get(entry, "suffix")))
        pk_x_refuse(x, c, "s3.notification-target", at,
                    "filter in the pattern of the rule that gets them",
                    "EventBridge gets all events of a bucket");
}

/* "s3:ObjectCreated:*" covers "s3:ObjectCreated:Put". */
static bool covers(const char *a, const char *b) {
    size_t len = strlen(a);
    if (len > 1 && a[len - 1] == '*')
        return strncmp(a, b, len - 1) == 0;
    return strcmp(a, b) == 0;
}

static bool same_event(const struct notice *a, const struct notice *b) {
    const json_t *list = json_object_get(a->spec, "events"),
                 *other = json_object_get(b->spec, "events");
    for (size_t i = 0; i < json_array_size(list); i++)
        for (size_t k = 0; k < json_array_size(other); k++) {
            const char *one = json_string_value(json_array_get(list, i));
            const char *two = json_string_value(json_array_get(other, k));
            if (one && two && (covers(one, two) || covers(two, one)))
                return true;
        }
    return false;
}

/* S3 wants to know the one receiver of every event. */
static bool overlap(const struct notice *a, const struct notice *b) {
    const char *p = pk_json_str(a->spec, "prefix", ""), *q = pk_json_str(b->spec, "prefix", "");
    const char *s = pk_json_str(a->spec, "suffix", ""), *t = pk_json_str(b->spec, "suffix", "");
    return (pk_starts_with(p, q) || pk_starts_with(q, p)) &&
           (pk_ends_with(s, t) || pk_ends_with(t, s)) && same_event(a, b);
}

static void check_pair(struct pk_expansion *x, const struct notice *a, const struct notice *b) {
    struct pk_diag *d = NULL;
    if (overlap(a, b)) {
        d = pk_x_finding(x, b->owner, PK_SEVERITY_ERROR, "s3.notification-overlap", b->path,
                         "two receivers want the same event of the same objects");
        pk_diag_help(x->diags, d,
                     "tell them apart by `prefix` or `suffix`; for several receivers "
                     "notify a topic");
    } else if (strcmp(a->name, b->name) == 0) {
        d = pk_x_finding(x, b->owner, PK_SEVERITY_ERROR, "s3.notification-name", b->path,
                         "two notifications of the bucket are called %s", b->name);
        pk_diag_help(x->diags, d, "give each of them a `name`");
    }
    if (d)
        pk_diag_related(x->diags, d, pk_spec_span(a->owner, a->path), "the other one");
}

void pk_s3_notifications_check(struct pk_expansion *x, const struct pk_component *c) {
    size_t n = json_array_size(pk_spec_get(c, "notifications"));
    for (size_t i = 0; i < n; i++)
        check_entry(x, c, i);
    struct pk_vec list = PK_VEC_INIT;
    collect(x, c, &list);
    for (size_t i = 0; i < list.len; i++)
        for (size_t k = 0; k < i; k++)
            check_pair(x, list.items[k], list.items[i]);
    pk_vec_release(&list);
}

/* --- node ------------------------------------------------------------------------------------- */

static json_t *filter(const json_t *spec) {
    static const char *const names[] = {"prefix", "suffix"};
    json_t *rules = json_array();
    for (size_t i = 0; i < PK_ARRAY_LEN(names); i++) {
        const char *value = pk_json_str(spec, names[i], "");
        if (*value)
            json_array_append_new(rules, json_pack("{s:s, s:s}", "Name", names[i], "Value", value));
    }
    if (json_array_size(rules) > 0)
        return json_pack("{s:{s:o}}", "S3Key", "Rules", rules);
    json_decref(rules);
    return NULL;
}

static json_t *arn_of(struct pk_expansion *x, const struct notice *n) {
    if (is_kind(n, "SQS"))
        return pk_queue_arn(x, n->target, NULL);
    return is_kind(n, "SNS") ? pk_topic_arn(x, n->target) : pk_function_arn(x, n->target);
}

static json_t *configuration(struct pk_expansion *x, const struct notice *n, const char *member) {
    const json_t *written = json_object_get(n->spec, "events");
    json_t *events = written ? json_deep_copy(written) : json_array();
    pk_json_sort_strings(events);
    json_t *o = json_pack("{s:o, s:o, s:o}", "Id", pk_json_textf("panka-%s", n->name), member,
                          arn_of(x, n), "Events", events);
    pk_x_set(o, "Filter", filter(n->spec));
    return o;
}

/* Whoever is notified must allow it before: S3 tries when it is told. */
static void wait_for(struct pk_expansion *x, const struct pk_component *c, struct pk_resource *r,
                     const struct notice *n) {
    if (!is_kind(n, "Lambda")) {
        /* their ready gate is their policy */
        pk_x_wait_for(x, r, n->target, PK_EDGE_HARD, n->path, pk_spec_span(n->owner, n->path));
        return;
    }
    const char *sub = pk_arena_printf(x->arena, "permission-%s", n->name);
    pk_x_needs(x, r,
               n->owner == c ? pk_lambda_permission(x, c, sub, n->target, "s3.amazonaws.com",
                                                    pk_bucket_arn(x, c))
                             : pk_trigger_s3_permission(x, n->owner, n->trigger, c),
               "permission");
}

void pk_s3_notifications_expand(struct pk_expansion *x, const struct pk_component *c,
                                struct pk_resource *bucket) {
    static const char *const lists[][3] = {{"LambdaConfigurations", "Lambda", "Function"},
                                           {"QueueConfigurations", "SQS", "Queue"},
                                           {"TopicConfigurations", "SNS", "Topic"}};
    struct pk_vec notices = PK_VEC_INIT;
    collect(x, c, &notices);
    if (notices.len == 0 && !wants_event_bridge(c)) {
        pk_vec_release(&notices);
        return;
    }
    struct pk_resource *r = pk_x_node(x, c, "notifications", "Panka::S3::BucketNotification");
    json_t *all = json_object();
    for (size_t i = 0; i < PK_ARRAY_LEN(lists); i++) {
        json_t *list = json_array();
        for (size_t k = 0; k < notices.len; k++)
            if (is_kind(notices.items[k], lists[i][1]))
                json_array_append_new(list, configuration(x, notices.items[k], lists[i][2]));
        if (json_array_size(list) > 0)
            json_object_set(all, lists[i][0], list);
        json_decref(list);
    }
    if (wants_event_bridge(c))
        json_object_set_new(all, "EventBridgeConfiguration",
                            json_pack("{s:b}", "EventBridgeEnabled", 1));
    pk_resource_set(x->graph, r, "Bucket", pk_json_text(bucket->name), c->span);
    pk_resource_set(x->graph, r, "NotificationConfiguration", all,
                    pk_spec_span(c, "notifications"));
    pk_x_needs(x, r, bucket, "bucket");
    for (size_t k = 0; k < notices.len; k++)
        wait_for(x, c, r, notices.items[k]);
    pk_vec_release(&notices);
}
