/* Whole runs: what is made, changed, replaced and deleted, in which order, and what failures do. */
#include "harness.h"

#define N(k, t, p, d)                                                                              \
    { k, t, p, d, 0, 0, 0, NULL }

static const struct node_spec base[] = {
    N("net", "T::Plain", "{\"Cidr\": 1}", NULL),
    N("queue", "T::Named", "{\"Delay\": 0, \"Fixed\": \"a\"}", NULL),
    N("role", "T::Named", "{\"Policy\": \"@queue.Arn\"}", NULL),
    N("fn", "T::Named", "{\"Role\": \"@role.Arn\", \"Net\": \"@net.Ref\"}", NULL),
    N("map", "T::Natural", "{\"Of\": \"@fn.Ref\"}", "queue"),
};

static void up(struct site *site, const struct node_spec *specs, size_t n) {
    struct deployment d;
    deploy(site, &d, specs, n, NULL);
    ASSERT_OK(&d);
    deployment_release(&d);
    assert_settled(site, specs, n);
}
#define UP(site, specs) up(site, specs, PK_ARRAY_LEN(specs))

static size_t calls_of(struct site *site) {
    return (size_t)pk_mem_world_calls(site->world);
}

static void test_create_and_no_op(void **state) {
    (void)state;
    struct site site;
    struct deployment d;
    site_init(&site);
    site.script.latency_ms = 3;
    DEPLOY(&site, &d, base);
    ASSERT_OK(&d);
    assert_int_equal(d.result.created, 5);
    assert_int_equal(d.result.n_actions, 5);
    assert_int_equal(d.result.failed + d.result.skipped, 0);
    assert_false(d.result.stopped);
    for (size_t i = 0; i < 5; i++) {
        assert_true(d.result.actions[i].done);
        assert_true(d.result.actions[i].finished_ms >= d.result.actions[i].started_ms);
    }
    assert_int_equal(d.result.critical_path.len, 4);
    assert_string_equal(d.result.critical_path.items[3], "map");
    const struct pk_state_resource *fn = pk_state_find(d.state, "fn");
    assert_string_equal(fn->last_deployment_id, "dep-1");
    assert_string_equal(fn->region, "eu-central-1");
    assert_int_equal(fn->dependencies.len, 2);
    assert_true(pk_starts_with(fn->inputs_hash, "sha256:"));
    assert_string_equal(pk_json_str(fn->tags, "team", ""), "core");
    assert_non_null(json_object_get(fn->tags, "panka:op"));
    assert_int_equal(json_object_size(pk_state_find(d.state, "map")->tags), 0);
    deployment_release(&d);
    assert_settled(&site, base, PK_ARRAY_LEN(base));
    assert_true(ledger_place(&site, "create", "queue") < ledger_place(&site, "create", "role"));
    assert_true(ledger_place(&site, "create", "role") < ledger_place(&site, "create", "fn"));
    /* again: nothing to do */
    assert_true(prepare(&site, &d, base, PK_ARRAY_LEN(base), NULL));
    assert_false(pk_plan_has_changes(d.plan));
    assert_int_equal(d.plan->n_noop, 5);
    deployment_release(&d);
    site_release(&site);
}

static void test_outputs_and_networking(void **state) {
    (void)state;
    struct site site;
    struct deployment d;
    site_init(&site);
    assert_true(prepare(&site, &d, base, PK_ARRAY_LEN(base), NULL));
    json_object_set_new(d.graph->outputs, "fn.arn", pk_token_ref("fn", "Arn"));
    json_object_set_new(d.graph->outputs, "plain", json_string("text"));
    json_object_set_new(d.graph->outputs, "lost", pk_token_ref("fn", "NoSuch"));
    d.graph->networking = json_pack("{s:[o]}", "subnetIds", pk_token_ref("net", "Ref"));
    execute(&site, &d);
    ASSERT_OK(&d);
    assert_string_equal(pk_json_str(d.state->outputs, "plain", ""), "text");
    assert_true(
        pk_starts_with(json_string_value(json_object_get(d.state->outputs, "fn.arn")), "arn:"));
    assert_null(json_object_get(d.state->outputs, "lost"));
    assert_string_equal(pk_json_str(d.state->networking, "subnetIds[0]", ""),
                        pk_state_find(d.state, "net")->physical_id);
    deployment_release(&d);
    struct pk_plan_options destroy = {.destroy = true};
    deploy(&site, &d, base, 0, &destroy);
    ASSERT_OK(&d);
    assert_int_equal(json_object_size(d.state->outputs), 0);
    assert_int_equal(json_object_size(d.state->networking), 0);
    deployment_release(&d);
    site_release(&site);
}

static void test_update(void **state) {
    (void)state;
    static const struct node_spec next[] = {
        N("net", "T::Plain", "{\"Cidr\": 1}", NULL),
        N("queue", "T::Named", "{\"Delay\": 9, \"Fixed\": \"a\"}", NULL),
        N("role", "T::Named", "{\"Policy\": \"@queue.Arn\"}", NULL),
        N("fn", "T::Named", "{\"Role\": \"@role.Arn\", \"Net\": \"@net.Ref\"}", NULL),
        N("map", "T::Natural", "{\"Of\": \"@fn.Ref\"}", "queue"),
    };
    struct site site;
    struct deployment d;
    site_init(&site);
    UP(&site, base);
    DEPLOY(&site, &d, next);
    ASSERT_OK(&d);
    assert_int_equal(d.result.updated, 1);
    assert_int_equal(d.result.n_actions, 1);
    deployment_release(&d);
    assert_settled(&site, next, PK_ARRAY_LEN(next));
    site_release(&site);
}

/* Somebody changed and deleted things by hand. */
static void test_drift(void **state) {
    (void)state;
    struct site site;
    struct deployment d;
    site_init(&site);
    UP(&site, base);
    struct pk_state *s = site_state(&site);
    assert_true(pk_mem_world_set(site.world, pk_state_find(s, "queue")->physical_id, "Delay",
                                 json_integer(77)));
    assert_true(pk_mem_world_delete(site.world, pk_state_find(s, "role")->physical_id));
    pk_state_free(s);
    assert_true(prepare(&site, &d, base, PK_ARRAY_LEN(base), NULL));
    const struct pk_action *queue = pk_plan_find(d.plan, "queue"),
                           *role = pk_plan_find(d.plan, "role");
    assert_int_equal(queue->kind, PK_ACTION_UPDATE);
    assert_true(queue->changes[0].drift);
    assert_int_equal(json_integer_value(queue->changes[0].before), 77);
    assert_int_equal(role->kind, PK_ACTION_CREATE);
    assert_true(role->missing);
    execute(&site, &d);
    ASSERT_OK(&d);
    deployment_release(&d);
    assert_settled(&site, base, PK_ARRAY_LEN(base));
    site_release(&site);
}

static void test_replace_create_first(void **state) {
    (void)state;
    static const struct node_spec next[] = {
        N("net", "T::Plain", "{\"Cidr\": 1}", NULL),
        N("queue", "T::Named", "{\"Delay\": 0, \"Fixed\": \"b\"}", NULL),
        N("role", "T::Named", "{\"Policy\": \"@queue.Arn\"}", NULL),
        N("fn", "T::Named", "{\"Role\": \"@role.Arn\", \"Net\": \"@net.Ref\"}", NULL),
        N("map", "T::Natural", "{\"Of\": \"@fn.Ref\"}", "queue"),
    };
    struct site site;
    struct deployment d;
    site_init(&site);
    UP(&site, base);
    DEPLOY(&site, &d, next);
    ASSERT_OK(&d);
    assert_int_equal(d.result.replaced, 1);
    assert_int_equal(d.result.updated, 1); /* role holds the ARN */
    const struct pk_state_resource *queue = pk_state_find(d.state, "queue");
    assert_string_equal(queue->name, "n-queue-r1");
    assert_int_equal(queue->generation, 1);
    assert_int_equal(json_array_size(queue->deposed), 0);
    deployment_release(&d);
    /* new one, then who uses it, then the old one goes */
    assert_true(ledger_place(&site, "update", "role") < ledger_place(&site, "delete", "queue"));
    assert_settled(&site, next, PK_ARRAY_LEN(next));
    site_release(&site);
}

static void test_replace_delete_first(void **state) {
    (void)state;
    static const struct node_spec one[] = {
        N("svc", "T::Named", "{\"First\": \"x\"}", NULL),
        N("user", "T::Plain", "{\"Of\": \"@svc.Ref\"}", NULL),
    };
    static const struct node_spec two[] = {
        N("svc", "T::Named", "{\"First\": \"y\"}", NULL),
        N("user", "T::Plain", "{\"Of\": \"@svc.Ref\"}", NULL),
    };
    struct site site;
    struct deployment d;
    site_init(&site);
    UP(&site, one);
    DEPLOY(&site, &d, two);
    ASSERT_OK(&d);
    assert_int_equal(d.result.replaced, 1);
    assert_string_equal(pk_state_find(d.state, "svc")->name, "n-svc"); /* the name is used again */
    assert_int_equal(pk_state_find(d.state, "svc")->generation, 1);
    deployment_release(&d);
    assert_settled(&site, two, PK_ARRAY_LEN(two));
    site_release(&site);
}

/* Old and new one have the same identity, which only the provider notices. */
static void test_replace_in_its_own_way(void **state) {
    (void)state;
    static const struct node_spec one[] = {
        {"route", "T::Natural", "{\"Fixed\": \"a\"}", NULL, 0, 0, 0, "rtb|0.0.0.0/0"}};
    static const struct node_spec two[] = {
        {"route", "T::Natural", "{\"Fixed\": \"b\"}", NULL, 0, 0, 0, "rtb|0.0.0.0/0"}};
    struct site site;
    struct deployment d;
    site_init(&site);
    UP(&site, one);
    DEPLOY(&site, &d, two);
    ASSERT_OK(&d);
    assert_true(pk_plan_find(d.plan, "route")->create_first);
    deployment_release(&d);
    assert_settled(&site, two, 1);
    assert_int_equal(count_ledger(&site, "create", NULL), 2);
    assert_int_equal(count_ledger(&site, "delete", NULL), 1);
    site_release(&site);
}

static void test_destroy_order(void **state) {
    (void)state;
    struct site site;
    struct deployment d;
    struct pk_plan_options destroy = {.destroy = true};
    site_init(&site);
    UP(&site, base);
    deploy(&site, &d, base, 0, &destroy);
    ASSERT_OK(&d);
    assert_int_equal(d.result.deleted, 5);
    assert_int_equal(pk_map_len(d.state->resources), 0);
    deployment_release(&d);
    assert_int_equal(pk_mem_world_count(site.world), 0);
    assert_true(ledger_place(&site, "delete", "map") < ledger_place(&site, "delete", "fn"));
    assert_true(ledger_place(&site, "delete", "fn") < ledger_place(&site, "delete", "role"));
    assert_true(ledger_place(&site, "delete", "role") < ledger_place(&site, "delete", "queue"));
    site_release(&site);
}

static void test_forget(void **state) {
    (void)state;
    static const struct node_spec keep[] = {
        {"bucket", "T::Named", "{}", NULL, 1, 0, 1, NULL},
    };
    struct site site;
    struct deployment d;
    site_init(&site);
    UP(&site, keep);
    deploy(&site, &d, keep, 0, NULL);
    ASSERT_OK(&d);
    assert_int_equal(pk_map_len(d.state->resources), 0);
    deployment_release(&d);
    assert_int_equal(pk_mem_world_count(site.world), 1);
    site_release(&site);
}

/* deletionProtection is recorded without any call, so that it can be taken off. */
static void test_policy_only(void **state) {
    (void)state;
    static const struct node_spec guarded[] = {{"q", "T::Named", "{}", NULL, 0, 1, 0, NULL}};
    static const struct node_spec open[] = {{"q", "T::Named", "{}", NULL, 0, 0, 0, NULL}};
    struct site site;
    struct deployment d;
    site_init(&site);
    UP(&site, guarded);
    assert_true(prepare(&site, &d, guarded, 0, NULL));
    assert_true(pk_diags_has_errors(d.diags));
    assert_string_equal(pk_diags_at(d.diags, 0)->id, "plan.protected");
    deployment_release(&d);
    size_t before = count_ledger(&site, "update", NULL);
    UP(&site, open);
    assert_int_equal(count_ledger(&site, "update", NULL), before);
    deploy(&site, &d, open, 0, NULL);
    ASSERT_OK(&d);
    deployment_release(&d);
    assert_int_equal(pk_mem_world_count(site.world), 0);
    site_release(&site);
}

/* A component's key changes when another service takes its name: nothing is deleted or made. */
static void test_new_key(void **state) {
    (void)state;
    static const struct node_spec before[] = {
        N("db", "T::Named", "{\"Size\": 1}", NULL),
        N("app", "T::Natural", "{\"Of\": \"@db.Ref\"}", NULL)};
    struct site site;
    struct deployment d;
    site_init(&site);
    UP(&site, before);
    assert_true(prepare(&site, &d, before, 2, NULL));
    pk_plan_free(d.plan);
    pk_graph_free(d.graph);
    d.graph = pk_graph_new();
    struct pk_resource *db = pk_graph_add(d.graph, "svc/db", "T::Named");
    db->service = "svc";
    db->component = "db";
    db->name = "n-db";
    json_object_set_new(db->properties, "Size", json_integer(1));
    pk_json_put_str(db->tags, "team", "core");
    json_object_set_new(db->tags, "panka:resource", json_string("svc/db"));
    struct pk_resource *app = pk_graph_add(d.graph, "app", "T::Natural");
    app->service = "svc";
    app->component = "app";
    json_object_set_new(app->properties, "Of", pk_token_ref("svc/db", "Ref"));
    pk_graph_edges_from_tokens(d.graph);
    struct pk_plan_input input = {d.graph, d.state, d.live, test_traits, {0}};
    d.plan = pk_plan_make(&input, d.diags);
    assert_int_equal(pk_plan_find(d.plan, "svc/db")->kind, PK_ACTION_UPDATE);
    assert_string_equal(pk_plan_find(d.plan, "svc/db")->changes[0].path, "Tags.panka:resource");
    assert_int_equal(pk_plan_find(d.plan, "app")->kind, PK_ACTION_NOOP);
    execute(&site, &d);
    ASSERT_OK(&d);
    assert_null(pk_state_find(d.state, "db"));
    assert_non_null(pk_state_find(d.state, "svc/db"));
    assert_string_equal(pk_state_find(d.state, "app")->dependencies.items[0], "svc/db");
    deployment_release(&d);
    assert_int_equal(count_ledger(&site, "delete", NULL), 0);
    assert_int_equal(count_ledger(&site, "create", NULL), 2);
    site_release(&site);
}

/* --- failures --- */

static enum pk_mem_fate fail_role(struct site *site, const struct pk_mem_call *call) {
    (void)site;
    return call->verb == PK_MEM_CREATE && strcmp(call->key, "role") == 0 ? PK_MEM_REFUSED
                                                                         : PK_MEM_OK;
}

static void test_only_dependents_are_skipped(void **state) {
    (void)state;
    struct site site;
    struct deployment d;
    site_init(&site);
    site.fate = fail_role;
    DEPLOY(&site, &d, base);
    assert_false(d.ok);
    assert_int_equal(d.err->code, PK_E_PARTIAL);
    assert_int_equal(d.result.created, 2); /* net, queue */
    assert_int_equal(d.result.failed, 1);
    assert_int_equal(d.result.skipped, 2); /* fn, map */
    for (size_t i = 0; i < d.result.n_actions; i++) {
        const struct pk_action_result *r = &d.result.actions[i];
        if (strcmp(r->action->key, "fn") == 0) {
            assert_true(r->skipped);
            assert_non_null(strstr(r->note, "role"));
        }
        if (r->failed)
            assert_string_equal(r->error->address, "role");
    }
    const struct pk_state_resource *role = pk_state_find(d.state, "role");
    assert_int_equal(role->status, PK_STATUS_FAILED);
    assert_non_null(role->last_error);
    deployment_release(&d);
    site.fate = NULL;
    assert_true(converge(&site, base, PK_ARRAY_LEN(base), NULL, 1));
    assert_settled(&site, base, PK_ARRAY_LEN(base));
    site_release(&site);
}

static void test_stop_on_failure(void **state) {
    (void)state;
    struct site site;
    struct deployment d;
    site_init(&site);
    site.fate = fail_role;
    site.stop_on_failure = true;
    site.parallelism = 1;
    DEPLOY(&site, &d, base);
    assert_false(d.ok);
    assert_false(d.result.stopped);
    assert_int_equal(d.result.failed, 1);
    deployment_release(&d);
    site_release(&site);
}

static enum pk_mem_fate lose_first_reply(struct site *site, const struct pk_mem_call *call) {
    size_t *n = site->any;
    if (call->verb > PK_MEM_REMOVE || (*n)++ % 2 == 1)
        return PK_MEM_OK;
    return PK_MEM_REPLY_LOST;
}

struct adopted {
    size_t n;
};

static void count_adopted(void *ctx, const struct pk_event *event) {
    ((struct adopted *)ctx)->n += event->kind == PK_EVENT_ADOPTED;
}

/* ADOPT: every other mutation is carried out but its reply is lost; the same run finds it again. */
static void test_reply_lost(void **state) {
    (void)state;
    struct site site;
    struct deployment d;
    struct adopted adopted = {0};
    size_t n = 0;
    site_init(&site);
    site.fate = lose_first_reply;
    site.any = &n;
    site.parallelism = 1;
    site.on_event = count_adopted;
    site.event_ctx = &adopted;
    DEPLOY(&site, &d, base);
    deployment_release(&d);
    assert_true(adopted.n > 0);
    site.fate = NULL;
    assert_true(converge(&site, base, PK_ARRAY_LEN(base), NULL, 2));
    assert_settled(&site, base, PK_ARRAY_LEN(base));
    assert_int_equal(count_ledger(&site, "create", NULL), 5);
    site_release(&site);
}

static void test_name_is_taken(void **state) {
    (void)state;
    struct site site;
    struct deployment d;
    site_init(&site);
    pk_mem_world_add_foreign(site.world, "T::Named", "n-queue");
    DEPLOY(&site, &d, base);
    assert_false(d.ok);
    const struct pk_error *e = NULL;
    for (size_t i = 0; i < d.result.n_actions; i++)
        if (d.result.actions[i].error)
            e = d.result.actions[i].error;
    assert_int_equal(e->code, PK_E_NOT_OWNED);
    assert_non_null(strstr(e->message, "n-queue"));
    assert_non_null(strstr(e->message, "panka does not own"));
    assert_non_null(strstr(e->hint, "panka import queue"));
    deployment_release(&d);
    /* it is never touched, not even by a destroy */
    struct pk_plan_options destroy = {.destroy = true};
    deploy(&site, &d, base, 0, &destroy);
    ASSERT_OK(&d);
    assert_int_equal(pk_map_len(d.state->resources), 0);
    deployment_release(&d);
    assert_int_equal(pk_mem_world_count(site.world), 1);
    site_release(&site);
}

/* A replacement that cannot be made leaves the old one as it was. */
static enum pk_mem_fate refuse_creates(struct site *site, const struct pk_mem_call *call) {
    (void)site;
    return call->verb == PK_MEM_CREATE ? PK_MEM_REFUSED : PK_MEM_OK;
}

static void test_failed_replacement_keeps_the_old(void **state) {
    (void)state;
    static const struct node_spec next[] = {
        N("net", "T::Plain", "{\"Cidr\": 1}", NULL),
        N("queue", "T::Named", "{\"Delay\": 0, \"Fixed\": \"b\"}", NULL),
        N("role", "T::Named", "{\"Policy\": \"@queue.Arn\"}", NULL),
        N("fn", "T::Named", "{\"Role\": \"@role.Arn\", \"Net\": \"@net.Ref\"}", NULL),
        N("map", "T::Natural", "{\"Of\": \"@fn.Ref\"}", "queue"),
    };
    struct site site;
    struct deployment d;
    site_init(&site);
    UP(&site, base);
    site.fate = refuse_creates;
    DEPLOY(&site, &d, next);
    assert_false(d.ok);
    deployment_release(&d);
    site.fate = NULL;
    assert_settled(&site, base, PK_ARRAY_LEN(base));
    /* the old configuration: nothing to do; the new one: as before */
    assert_true(prepare(&site, &d, base, PK_ARRAY_LEN(base), NULL));
    assert_false(pk_plan_has_changes(d.plan));
    deployment_release(&d);
    UP(&site, next);
    site_release(&site);
}

static enum pk_mem_fate break_queue(struct site *site, const struct pk_mem_call *call) {
    (void)site;
    return call->verb == PK_MEM_CREATE && strcmp(call->key, "queue") == 0 ? PK_MEM_BROKEN
                                                                          : PK_MEM_OK;
}

/* Created, but ended in a failed state: tainted; the next run makes it anew. */
static void test_tainted(void **state) {
    (void)state;
    struct site site;
    struct deployment d;
    site_init(&site);
    site.fate = break_queue;
    site.script.polls = 1;
    DEPLOY(&site, &d, base);
    assert_false(d.ok);
    const struct pk_state_resource *queue = pk_state_find(d.state, "queue");
    assert_int_equal(queue->status, PK_STATUS_TAINTED);
    assert_non_null(queue->physical_id);
    deployment_release(&d);
    site.fate = NULL;
    assert_true(converge(&site, base, PK_ARRAY_LEN(base), NULL, 1));
    assert_settled(&site, base, PK_ARRAY_LEN(base));
    assert_int_equal(count_ledger(&site, "create", "queue"), 2);
    assert_int_equal(count_ledger(&site, "delete", "queue"), 1);
    site_release(&site);
}

static void test_tainted_stateful(void **state) {
    (void)state;
    static const struct node_spec db[] = {{"queue", "T::Named", "{}", NULL, 1, 0, 0, NULL}};
    struct site site;
    struct deployment d;
    site_init(&site);
    site.fate = break_queue;
    DEPLOY(&site, &d, db);
    deployment_release(&d);
    site.fate = NULL;
    DEPLOY(&site, &d, db);
    assert_false(d.ok);
    assert_string_equal(d.result.actions[0].error->id, "state.tainted-stateful");
    assert_int_equal(pk_state_find(d.state, "queue")->status, PK_STATUS_TAINTED);
    deployment_release(&d);
    assert_int_equal(count_ledger(&site, "delete", NULL), 0);
    const char *allowed[] = {"queue"};
    struct pk_plan_options options = {.allow_replace = allowed, .n_allow_replace = 1};
    deploy(&site, &d, db, 1, &options);
    ASSERT_OK(&d);
    deployment_release(&d);
    assert_settled(&site, db, 1);
    site_release(&site);
}

/* The wait takes longer than the type allows: tainted, and the next run goes on waiting. */
static void test_wait_limit(void **state) {
    (void)state;
    static const struct node_spec slow[] = {
        N("slow", "T::Limited", "{}", NULL),
        N("after", "T::Plain", "{\"Of\": \"@slow.Ref\"}", NULL)};
    struct site site;
    struct deployment d;
    site_init(&site);
    site.script.polls = 1000;
    site.script.again_ms = 5;
    DEPLOY(&site, &d, slow);
    assert_false(d.ok);
    const struct pk_error *e = d.result.actions[0].error;
    assert_int_equal(e->code, PK_E_TIMEOUT);
    assert_true(pk_starts_with(e->message, "waited "));
    assert_non_null(strstr(e->message, "creating -> available"));
    assert_int_equal(pk_state_find(d.state, "slow")->status, PK_STATUS_TAINTED);
    deployment_release(&d);
    site.script.polls = 1;
    assert_true(converge(&site, slow, 2, NULL, 1));
    assert_settled(&site, slow, 2);
    assert_int_equal(count_ledger(&site, "create", "slow"), 1);
    site_release(&site);
}

/* --- the journal --- */

static void fail_write(enum pk_code code, size_t at) {
    struct site site;
    struct deployment d;
    site_init(&site);
    site.write_fails = code;
    site.write_fails_at = at; /* 1 is the claim */
    struct pk_cancel cancel = {0};
    site.cancel = &cancel;
    DEPLOY(&site, &d, base);
    assert_true(d.ran);
    assert_false(d.ok);
    assert_int_equal(d.err->code, code);
    assert_int_equal(d.result.fatal->code, code);
    assert_true(d.result.stopped);
    assert_int_equal(pk_cancel_level(&cancel), PK_CANCEL_STOP);
    assert_int_equal(site.n_writes, at); /* never again after the refusal */
    if (at == 2)
        assert_int_equal(count_ledger(&site, "create", NULL), 0);
    /* what the state in memory says (and what is spilled) covers everything that exists */
    json_auto_t *world = pk_mem_world_json(site.world);
    const char *id;
    json_t *thing;
    json_object_foreach(world, id, thing) {
        const struct pk_state_resource *r = pk_state_find(d.state, pk_json_str(thing, "key", ""));
        assert_true(r && (r->pending || pk_streq(r->physical_id, id)));
    }
    deployment_release(&d);
    site.write_fails = PK_E_COUNT;
    site.cancel = NULL;
    assert_true(converge(&site, base, PK_ARRAY_LEN(base), NULL, 2));
    assert_settled(&site, base, PK_ARRAY_LEN(base));
    assert_int_equal(count_ledger(&site, "create", NULL), 5);
    site_release(&site);
}

static void test_fenced(void **state) {
    (void)state;
    for (size_t at = 2; at <= 5; at++) {
        fail_write(PK_E_STATE_CONFLICT, at);
        fail_write(PK_E_LOCK_LOST, at);
        fail_write(PK_E_IO, at);
    }
}

/* LEASE-GUARD: nothing is sent when the lease does not cover the call. */
static void test_guard(void **state) {
    (void)state;
    struct site site;
    struct deployment d;
    site_init(&site);
    site.guard_fails = PK_E_LOCK_LOST;
    DEPLOY(&site, &d, base);
    assert_false(d.ok);
    assert_int_equal(d.result.fatal->code, PK_E_LOCK_LOST);
    deployment_release(&d);
    assert_int_equal(pk_mem_world_count(site.world), 0);
    site.guard_fails = PK_E_COUNT;
    assert_true(converge(&site, base, PK_ARRAY_LEN(base), NULL, 1));
    assert_settled(&site, base, PK_ARRAY_LEN(base));
    site_release(&site);
}

/* Group commit: what becomes ready together shares one write. */
static void test_group_commit(void **state) {
    (void)state;
    struct node_spec wide[24];
    char keys[24][8];
    struct site site;
    struct deployment d;
    for (size_t i = 0; i < 24; i++) {
        snprintf(keys[i], sizeof(keys[i]), "q%zu", i);
        wide[i] = (struct node_spec)N(keys[i], "T::Named", "{}", NULL);
    }
    site_init(&site);
    deploy(&site, &d, wide, 24, NULL);
    ASSERT_OK(&d);
    deployment_release(&d);
    assert_int_equal(site.n_writes, 3); /* claim, 24 intents, the end with 24 results */
    assert_settled(&site, wide, 24);
    site_release(&site);
}

/* --- STOP and NOW --- */

struct raiser {
    struct pk_cancel *cancel;
    enum pk_event_kind on;
    int level;
    size_t stopping;
};

static void raise_on(void *ctx, const struct pk_event *event) {
    struct raiser *r = ctx;
    r->stopping += event->kind == PK_EVENT_STOPPING;
    if (event->kind == r->on)
        pk_cancel_raise(r->cancel, r->level);
}

static void stop_run(enum pk_event_kind on, int level, bool wait_ends) {
    struct site site;
    struct deployment d;
    struct pk_cancel cancel = {0};
    struct raiser raiser = {&cancel, on, level, 0};
    site_init(&site);
    site.cancel = &cancel;
    site.on_event = raise_on;
    site.event_ctx = &raiser;
    site.script.polls = wait_ends ? 3 : 1000000;
    site.script.again_ms = 2;
    DEPLOY(&site, &d, base);
    assert_false(d.ok);
    assert_int_equal(d.err->code, PK_E_CANCELLED);
    assert_true(d.result.stopped);
    assert_true(raiser.stopping >= 1);
    assert_true(d.result.skipped > 0);
    assert_null(d.result.fatal);
    if (wait_ends)
        assert_int_equal(d.result.failed, 0); /* STOP lets what is in flight finish */
    deployment_release(&d);
    site.cancel = NULL;
    site.script.polls = 0;
    assert_true(converge(&site, base, PK_ARRAY_LEN(base), NULL, 1));
    assert_settled(&site, base, PK_ARRAY_LEN(base));
    assert_int_equal(count_ledger(&site, "create", NULL), 5);
    site_release(&site);
}

static void test_signals(void **state) {
    (void)state;
    stop_run(PK_EVENT_STARTED, PK_CANCEL_STOP, true);
    stop_run(PK_EVENT_WAITING, PK_CANCEL_STOP, true);
    stop_run(PK_EVENT_WAITING, PK_CANCEL_NOW, false);
    stop_run(PK_EVENT_STARTED, PK_CANCEL_NOW, false);
}

static void test_time_is_over(void **state) {
    (void)state;
    struct site site;
    struct deployment d;
    site_init(&site);
    site.timeout_ms = 60;
    site.script.polls = 1000000;
    site.script.again_ms = 5;
    DEPLOY(&site, &d, base);
    assert_false(d.ok);
    assert_true(d.result.stopped);
    deployment_release(&d);
    site.timeout_ms = 0;
    site.script.polls = 0;
    assert_true(converge(&site, base, PK_ARRAY_LEN(base), NULL, 1));
    assert_int_equal(count_ledger(&site, "create", NULL), 5);
    site_release(&site);
}

/* --- scheduling --- */

/* Waiting holds no worker: 40 waits at once on two workers. */
static void test_waiting_holds_no_worker(void **state) {
    (void)state;
    struct node_spec wide[40];
    char keys[40][8];
    struct site site;
    struct deployment d;
    for (size_t i = 0; i < 40; i++) {
        snprintf(keys[i], sizeof(keys[i]), "q%zu", i);
        wide[i] = (struct node_spec)N(keys[i], "T::Named", "{}", NULL);
    }
    site_init(&site);
    site.parallelism = 2;
    site.script.polls = 1;
    site.script.again_ms = 100;
    deploy(&site, &d, wide, 40, NULL);
    ASSERT_OK(&d);
    assert_true(d.result.elapsed_ms < 2000); /* in turn it would be 4,000 */
    deployment_release(&d);
    site_release(&site);
}

struct order {
    char started[8][16];
    size_t n, done_before_last;
};

static void note_order(void *ctx, const struct pk_event *event) {
    struct order *o = ctx;
    if (event->kind == PK_EVENT_STARTED && o->n < 8) {
        o->done_before_last = event->done;
        snprintf(o->started[o->n++], 16, "%s", event->action->key);
    }
}

static void test_longest_path_first(void **state) {
    (void)state;
    static const struct node_spec specs[] = {
        N("short", "T::Plain", "{}", NULL),
        N("long", "T::Plain", "{}", NULL),
        N("mid", "T::Plain", "{\"Of\": \"@long.Ref\"}", NULL),
        N("end", "T::Plain", "{\"Of\": \"@mid.Ref\"}", NULL),
    };
    struct site site;
    struct deployment d;
    struct order order = {0};
    site_init(&site);
    site.on_event = note_order;
    site.event_ctx = &order;
    DEPLOY(&site, &d, specs);
    ASSERT_OK(&d);
    assert_string_equal(order.started[0], "long");
    deployment_release(&d);
    site_release(&site);
}

static void test_waves(void **state) {
    (void)state;
    static const struct node_spec specs[] = {
        N("a", "T::Plain", "{}", NULL),
        N("b", "T::Plain", "{}", NULL),
        N("c", "T::Plain", "{\"Of\": \"@a.Ref\"}", NULL),
    };
    struct site site;
    struct deployment d;
    struct order order = {0};
    site_init(&site);
    site.waves = true;
    site.script.polls = 2;
    site.script.again_ms = 3;
    site.on_event = note_order;
    site.event_ctx = &order;
    DEPLOY(&site, &d, specs);
    ASSERT_OK(&d);
    assert_string_equal(order.started[2], "c");
    assert_int_equal(order.done_before_last, 2); /* c waits for b although it does not need it */
    deployment_release(&d);
    site_release(&site);
}

static void test_large(void **state) {
    (void)state;
    size_t n = 2000;
    struct node_spec *specs = pk_calloc(n, sizeof(*specs));
    struct site site;
    struct deployment d;
    for (size_t i = 0; i < n; i++) {
        specs[i] =
            (struct node_spec)N(pk_asprintf("n%zu", i), i % 3 ? "T::Named" : "T::Plain",
                                i ? pk_asprintf("{\"Of\": \"@n%zu.Ref\"}", i / 7) : NULL, NULL);
    }
    site_init(&site);
    site.script.strict = false; /* its checks look at everything */
    deploy(&site, &d, specs, n, NULL);
    ASSERT_OK(&d);
    assert_int_equal(d.result.created, n);
    deployment_release(&d);
    site_release(&site);
    for (size_t i = 0; i < n; i++) {
        free((void *)(uintptr_t)specs[i].key);
        free((void *)(uintptr_t)specs[i].properties);
    }
    free(specs);
}

/* --- small things --- */

static void test_token(void **state) {
    (void)state;
    char a[64], b[64], c[64], cut[64];
    pk_engine_token("l", "api:role", 0, "create", 52, a);
    pk_engine_token("l", "api:role", 0, "create", 52, b);
    pk_engine_token("l", "api:role", 1, "create", 52, c);
    pk_engine_token("l", "api:role", 0, "create", 32, cut);
    assert_string_equal(a, b);
    assert_string_not_equal(a, c);
    assert_int_equal(strlen(a), 52);
    assert_int_equal(strlen(cut), 32);
    assert_true(strncmp(a, cut, 32) == 0);
    assert_int_equal(strspn(a, "abcdefghijklmnopqrstuvwxyz0123456789"), 52);
}

/* A rehearsal on a real state: nothing in the world, everything is taken to exist. */
static void test_rehearsal(void **state) {
    (void)state;
    struct site site;
    struct deployment d;
    site_init(&site);
    UP(&site, base);
    static const struct node_spec next[] = {
        N("net", "T::Plain", "{\"Cidr\": 2}", NULL),
        N("queue", "T::Named", "{\"Delay\": 0, \"Fixed\": \"b\"}", NULL),
        N("role", "T::Named", "{\"Policy\": \"@queue.Arn\"}", NULL),
        N("more", "T::Named", "{\"Role\": \"@role.Arn\"}", NULL),
    };
    assert_true(prepare(&site, &d, next, PK_ARRAY_LEN(next), NULL));
    size_t calls = calls_of(&site);
    d.provider->vtable->free(d.provider);
    d.provider = pk_mem_provider_new(test_traits, "eu-central-1", "123456789012");
    execute(&site, &d);
    ASSERT_OK(&d);
    assert_int_equal(d.result.replaced, 1);
    assert_int_equal(d.result.created, 1);
    assert_int_equal(d.result.deleted, 2);
    assert_int_equal(calls_of(&site), calls);
    deployment_release(&d);
    site_release(&site);
}

static void test_made_up_values(void **state) {
    (void)state;
    struct site site;
    struct pk_provider *p;
    site_init(&site);
    p = pk_mem_provider_open(site.world, test_traits, NULL);
    struct pk_op op = {.key = "q", .type = "AWS::SQS::Queue", .name = "orders", .lineage = "l"};
    struct pk_error *err = NULL;
    assert_int_equal(p->vtable->create(p, &op, &err), PK_DONE);
    assert_string_equal(op.physical_id,
                        "https://sqs.eu-central-1.amazonaws.com/123456789012/orders");
    assert_string_equal(pk_json_str(op.attributes, "Arn", ""),
                        "arn:aws:sqs:eu-central-1:123456789012:orders");
    free(op.physical_id);
    json_decref(op.attributes);
    struct pk_op db = {.key = "d", .type = "AWS::RDS::DBInstance", .name = "main", .lineage = "l"};
    assert_int_equal(p->vtable->create(p, &db, &err), PK_DONE);
    assert_string_equal(db.physical_id, "main");
    assert_string_equal(pk_json_str(db.attributes, "Endpoint.Port", ""), "5432");
    assert_true(pk_starts_with(pk_json_str(db.attributes, "Endpoint.Address", ""), "main."));
    free(db.physical_id);
    json_decref(db.attributes);
    struct pk_op vpc = {.key = "v", .type = "AWS::EC2::VPC", .lineage = "l"};
    assert_int_equal(p->vtable->create(p, &vpc, &err), PK_DONE);
    assert_int_equal(strlen(vpc.physical_id), 4 + 17);
    free(vpc.physical_id);
    json_decref(vpc.attributes);
    p->vtable->free(p);
    site_release(&site);
}

static void test_refresh_error(void **state) {
    (void)state;
    struct site site;
    struct deployment d;
    site_init(&site);
    UP(&site, base);
    site.die_at = atomic_load(&site.events) + 2;
    site.death = DIES_BEFORE;
    assert_false(prepare(&site, &d, base, PK_ARRAY_LEN(base), NULL)); /* and not "absent" */
    assert_non_null(strstr(d.err->message, "cannot be read"));
    deployment_release(&d);
    site_release(&site);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_create_and_no_op),
        cmocka_unit_test(test_outputs_and_networking),
        cmocka_unit_test(test_update),
        cmocka_unit_test(test_drift),
        cmocka_unit_test(test_replace_create_first),
        cmocka_unit_test(test_replace_delete_first),
        cmocka_unit_test(test_replace_in_its_own_way),
        cmocka_unit_test(test_destroy_order),
        cmocka_unit_test(test_forget),
        cmocka_unit_test(test_policy_only),
        cmocka_unit_test(test_new_key),
        cmocka_unit_test(test_only_dependents_are_skipped),
        cmocka_unit_test(test_stop_on_failure),
        cmocka_unit_test(test_reply_lost),
        cmocka_unit_test(test_name_is_taken),
        cmocka_unit_test(test_failed_replacement_keeps_the_old),
        cmocka_unit_test(test_tainted),
        cmocka_unit_test(test_tainted_stateful),
        cmocka_unit_test(test_wait_limit),
        cmocka_unit_test(test_fenced),
        cmocka_unit_test(test_guard),
        cmocka_unit_test(test_group_commit),
        cmocka_unit_test(test_signals),
        cmocka_unit_test(test_time_is_over),
        cmocka_unit_test(test_waiting_holds_no_worker),
        cmocka_unit_test(test_longest_path_first),
        cmocka_unit_test(test_waves),
        cmocka_unit_test(test_large),
        cmocka_unit_test(test_token),
        cmocka_unit_test(test_rehearsal),
        cmocka_unit_test(test_made_up_values),
        cmocka_unit_test(test_refresh_error),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
