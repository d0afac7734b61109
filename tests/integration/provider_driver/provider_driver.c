/*
 * provider_driver.c - runs the AWS provider on orders from a test: one JSON object a line on
 * standard input, one on standard output.
 *
 *     {"do": "create", "type": …, "key": …, "desired": {…}, "tags": {…}, …}
 *     {"do": "update", …, "id": …, "prior": {…}, "changes": ["VisibilityTimeout"]}
 *     {"do": "remove" | "find", …}
 *     {"do": "read", "reads": [{"type": …, "key": …, "id": …, "prior": {…}}]}
 *     {"do": "equal", "type": …, "desired": {…}, "live": {…}}      which properties differ
 *     {"do": "traits", "type": …} | {"do": "stats"} | {"do": "types"}
 *
 * The client is configured by the environment (AWS_ENDPOINT_URL …). Waits are cut to poll_ms.
 */
#include "aws/aws.h"
#include "base/clock.h"
#include "plan/plan.h"
#include "provider/provider.h"
#include "provider/types.h"
#include "json/json.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void put_error(json_t *answer, const struct pk_error *error) {
    json_t *ret = json_object();
    pk_json_put_str(ret, "code", pk_code_id(error->code));
    pk_json_put_str(ret, "message", error->message);
    pk_json_put_str(ret, "detail", error->detail);
    pk_json_put_str(ret, "id", error->id);
    pk_json_put_str(ret, "address", error->address);
    pk_json_put_str(ret, "aws", error->aws.code);
    pk_json_put_str(ret, "service", error->aws.service);
    pk_json_put_str(ret, "operation", error->aws.operation);
    pk_json_put_str(ret, "requestId", error->aws.request_id);
    json_object_set_new(answer, "error", ret);
}

/* --- operations --- */

static struct pk_change *changes_of(const json_t *list, size_t *ret_n) {
    size_t n = json_array_size(list);
    struct pk_change *changes = pk_calloc(n + 1, sizeof *changes);
    for (size_t i = 0; i < n; i++)
        changes[i].path = json_string_value(json_array_get(list, i));
    *ret_n = n;
    return changes;
}

static enum pk_action_kind action_of(const char *what) {
    if (strcmp(what, "update") == 0)
        return PK_ACTION_UPDATE;
    return strcmp(what, "remove") == 0 ? PK_ACTION_DELETE : PK_ACTION_CREATE;
}

static bool guard(void *ctx, struct pk_error **err) {
    json_t *order = ctx;
    pk_json_put_int(order, "guarded", pk_json_int(order, "guarded", 0) + 1);
    if (!pk_json_bool(order, "deny", false))
        return true;
    return pk_fail(err, PK_E_LOCK_LOST, "the lock is lost");
}

static void fill_op(struct pk_op *op, json_t *order, const char *what) {
    op->key = pk_json_str(order, "key", "test");
    op->type = pk_json_str(order, "type", "");
    op->name = pk_json_str(order, "name", NULL);
    op->token = pk_json_str(order, "token", NULL);
    op->op_id = pk_json_str(order, "op_id", "op1");
    op->lineage = pk_json_str(order, "lineage", "lineage1");
    op->action = action_of(what);
    op->desired = json_object_get(order, "desired");
    op->desired_tags = json_object_get(order, "tags");
    op->prior = json_object_get(order, "prior");
    op->prior_tags = json_object_get(order, "prior_tags");
    op->changes = changes_of(json_object_get(order, "changes"), &op->n_changes);
    op->force_update = pk_json_bool(order, "force_update", false);
    op->final_snapshot = pk_json_bool(order, "final_snapshot", false);
    op->force_destroy = pk_json_bool(order, "force_destroy", false);
    op->allow_data_loss = pk_json_bool(order, "allow_data_loss", false);
    op->replacing = pk_json_bool(order, "replacing", false);
    op->wait_limit_ms = pk_json_int(order, "limit_ms", 0);
    op->guard = guard;
    op->guard_ctx = order;
    const char *id = pk_json_str(order, "id", NULL);
    op->physical_id = id ? pk_strdup(id) : NULL;
    op->attributes = json_incref(json_object_get(order, "attributes"));
}

static enum pk_progress step(struct pk_provider *provider, const char *what, struct pk_op *op,
                             struct pk_error **err) {
    const struct pk_provider_vtable *v = provider->vtable;
    if (strcmp(what, "create") == 0)
        return v->create(provider, op, err);
    if (strcmp(what, "update") == 0)
        return v->update(provider, op, err);
    return v->remove(provider, op, err);
}

static void run_find(struct pk_provider *provider, struct pk_op *op, json_t *answer,
                     struct pk_error **err) {
    static const char *const words[] = {"absent", "ours", "foreign"};
    enum pk_found found;
    if (provider->vtable->find(provider, op, &found, err))
        pk_json_put_str(answer, "found", words[found]);
}

static void run_op(struct pk_provider *provider, const char *what, json_t *order, json_t *answer) {
    struct pk_op op = {0};
    struct pk_error *error = NULL;
    fill_op(&op, order, what);
    json_t *waits = json_array();
    if (strcmp(what, "find") == 0) {
        run_find(provider, &op, answer, &error);
    } else {
        int64_t poll = pk_json_int(order, "poll_ms", 100);
        enum pk_progress progress;
        while ((progress = step(provider, what, &op, &error)) == PK_AGAIN) {
            json_array_append_new(waits, pk_json_text(op.waiting_for ? op.waiting_for : ""));
            pk_sleep_ms(op.again_ms < poll ? op.again_ms : poll);
        }
        pk_json_put_bool(answer, "done", progress == PK_DONE);
    }
    pk_json_put_str(answer, "id", op.physical_id);
    pk_json_put_str(answer, "note", op.note);
    if (op.attributes)
        json_object_set(answer, "attributes", op.attributes);
    json_object_set_new(answer, "waits", waits);
    pk_json_put_int(answer, "guarded", pk_json_int(order, "guarded", 0));
    if (error)
        put_error(answer, error);
    pk_error_free(error);
    free(op.physical_id);
    free(op.waiting_for);
    free(op.note);
    free((void *)(uintptr_t)op.changes);
    json_decref(op.attributes);
    json_decref(op.scratch);
}

static void run_read(struct pk_provider *provider, json_t *order, json_t *answer) {
    const json_t *list = json_object_get(order, "reads");
    size_t n = json_array_size(list);
    struct pk_read *reads = pk_calloc(n + 1, sizeof *reads);
    for (size_t i = 0; i < n; i++) {
        const json_t *one = json_array_get(list, i);
        reads[i] = (struct pk_read){.key = pk_json_str(one, "key", "test"),
                                    .type = pk_json_str(one, "type", ""),
                                    .physical_id = pk_json_str(one, "id", NULL),
                                    .name = pk_json_str(one, "name", NULL),
                                    .prior = json_object_get(one, "prior"),
                                    .prior_attributes = json_object_get(one, "attributes")};
    }
    struct pk_error *error = NULL;
    if (!provider->vtable->read(provider, reads, n, NULL, &error))
        put_error(answer, error);
    pk_error_free(error);
    json_t *results = json_array();
    for (size_t i = 0; i < n; i++) {
        json_t *one = json_object();
        pk_json_put_bool(one, "gone", reads[i].gone);
        if (reads[i].live)
            json_object_set_new(one, "live", reads[i].live);
        if (reads[i].live_tags)
            json_object_set_new(one, "tags", reads[i].live_tags);
        if (reads[i].attributes)
            json_object_set_new(one, "attributes", reads[i].attributes);
        if (reads[i].error)
            put_error(one, reads[i].error);
        pk_error_free(reads[i].error);
        json_array_append_new(results, one);
    }
    json_object_set_new(answer, "reads", results);
    free(reads);
}

/* --- questions about the tables --- */

static void run_equal(struct pk_provider *provider, json_t *order, json_t *answer) {
    const struct pk_type_traits *traits =
        provider->vtable->traits(provider, pk_json_str(order, "type", ""));
    json_t *desired = json_object_get(order, "desired"), *live = json_object_get(order, "live");
    json_t *differ = json_array();
    const char *name;
    json_t *value;
    json_object_foreach(desired, name, value) {
        unsigned flags = pk_traits_of(traits, name);
        if (flags & (PK_WRITE_ONLY | PK_UNMANAGED))
            continue;
        if (!pk_plan_equal(value, json_object_get(live, name), traits, name, true))
            json_array_append_new(differ, pk_json_text(name));
    }
    json_object_set_new(answer, "differ", differ);
}

static void run_stats(struct pk_aws *aws, json_t *answer) {
    struct pk_aws_stats stats;
    pk_aws_get_stats(aws, &stats);
    pk_json_put_int(answer, "calls", (int64_t)stats.calls);
    pk_json_put_int(answer, "attempts", (int64_t)stats.attempts);
}

static void run_types(json_t *answer) {
    json_t *types = json_array();
    for (size_t i = 0; i < pk_n_types; i++)
        json_array_append_new(types, pk_json_text(pk_types[i]->type));
    json_object_set_new(answer, "types", types);
}

static json_t *obey(struct pk_aws *aws, struct pk_provider *provider, json_t *order) {
    json_t *answer = json_object();
    const char *what = pk_json_str(order, "do", "");
    if (strcmp(what, "read") == 0)
        run_read(provider, order, answer);
    else if (strcmp(what, "equal") == 0)
        run_equal(provider, order, answer);
    else if (strcmp(what, "stats") == 0)
        run_stats(aws, answer);
    else if (strcmp(what, "types") == 0)
        run_types(answer);
    else
        run_op(provider, what, order, answer);
    return answer;
}

int main(void) {
    struct pk_error *error = NULL;
    struct pk_aws *aws = NULL;
    struct pk_provider *provider = NULL;
    struct pk_aws_config config = {0};
    if (!pk_aws_new(&config, &aws, &error) ||
        !pk_aws_provider_new(aws, getenv("PANKA_TEST_ACCOUNT"), &provider, &error)) {
        fprintf(stderr, "%s\n", error->message);
        return 1;
    }
    char *line = NULL;
    size_t size = 0;
    while (getline(&line, &size, stdin) > 0) {
        json_t *order = json_loads(line, 0, NULL);
        if (!order) {
            fprintf(stderr, "not JSON: %s\n", line);
            return 1;
        }
        json_t *answer = obey(aws, provider, order);
        char *text = json_dumps(answer, JSON_COMPACT);
        printf("%s\n", text);
        fflush(stdout);
        free(text);
        json_decref(answer);
        json_decref(order);
    }
    free(line);
    provider->vtable->free(provider);
    pk_aws_free(aws);
    return 0;
}
