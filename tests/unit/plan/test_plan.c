/* Plans: what is done to which resource, why, in which order, and what is refused. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/clock.h"
#include "plan/plan.h"
#include "json/json.h"

static const struct pk_prop_trait props[] = {
    {"Fixed", PK_CREATE_ONLY},
    {"First", PK_CREATE_ONLY | PK_DELETE_FIRST},
    {"Never", PK_CREATE_ONLY | PK_NO_CHANGE},
    {"Password", PK_SENSITIVE | PK_WRITE_ONLY},
    {"Auth.Token", PK_SENSITIVE},
    {"Storage", PK_GROW_ONLY},
    {"Engine", PK_CREATE_ONLY | PK_VERSION_PREFIX},
};
static const struct pk_type_traits types[] = {
    {.type = "T::Named",
     .props = props,
     .n_props = PK_ARRAY_LEN(props),
     .named = true,
     .taggable = true},
    {.type = "T::Plain", .props = props, .n_props = PK_ARRAY_LEN(props), .taggable = true},
    {.type = "T::Def", .replace_only = true},
    {.type = "T::Old", .delete_first = true, .props = props, .n_props = PK_ARRAY_LEN(props)},
};

static const struct pk_type_traits *find_type(void *ctx, const char *type) {
    (void)ctx;
    for (size_t i = 0; i < PK_ARRAY_LEN(types); i++)
        if (strcmp(types[i].type, type) == 0)
            return &types[i];
    return NULL;
}

/* What every test starts from: a state with these resources, and a graph to describe. */
struct fixture {
    struct pk_graph *graph;
    struct pk_state *state;
    struct pk_map *live;
    struct pk_diags *diags;
    struct pk_plan *plan;
    struct pk_plan_options options;
    json_t *kept; /* live values */
};

static void setup(struct fixture *f) {
    memset(f, 0, sizeof(*f));
    f->graph = pk_graph_new();
    f->state = pk_state_new();
    f->diags = pk_diags_new();
    f->kept = json_array();
}

static void teardown(struct fixture *f) {
    pk_plan_free(f->plan);
    pk_graph_free(f->graph);
    pk_state_free(f->state);
    pk_map_free(f->live);
    pk_diags_free(f->diags);
    json_decref(f->kept);
}

static struct pk_resource *want(struct fixture *f, const char *key, const char *type,
                                const char *properties) {
    struct pk_resource *r = pk_graph_add(f->graph, key, type);
    json_decref(r->properties);
    r->properties = json_loads(properties, 0, NULL);
    assert_non_null(r->properties);
    r->component = r->key;
    r->service = "svc";
    if (strcmp(type, "T::Named") == 0)
        r->name = pk_arena_printf(f->graph->arena, "n-%s", key);
    return r;
}

static struct pk_state_resource *have(struct fixture *f, const char *key, const char *type,
                                      const char *properties) {
    struct pk_state_resource *s = pk_state_add(f->state, key, type);
    json_decref(s->properties);
    s->properties = json_loads(properties, 0, NULL);
    assert_non_null(s->properties);
    s->status = PK_STATUS_READY;
    char *id PK_CLEANUP(pk_freep) = pk_asprintf("id-%s", key);
    pk_state_set_text(&s->physical_id, id);
    pk_state_set_text(&s->component, key);
    pk_state_set_text(&s->service, "svc");
    char *name PK_CLEANUP(pk_freep) = pk_asprintf("n-%s", key);
    if (strcmp(type, "T::Named") == 0)
        pk_state_set_text(&s->name, name);
    char *arn PK_CLEANUP(pk_freep) = pk_asprintf("arn:%s", key);
    pk_json_put_str(s->attributes, "Arn", arn);
    return s;
}

static void both(struct fixture *f, const char *key, const char *type, const char *properties) {
    want(f, key, type, properties);
    have(f, key, type, properties);
}

static void needs(struct fixture *f, const char *from, const char *to) {
    pk_graph_edge(f->graph, pk_graph_find(f->graph, from), pk_graph_find(f->graph, to),
                  PK_EDGE_HARD, "f", (struct pk_span){0});
}

static void depends(struct fixture *f, const char *from, const char *to) {
    pk_state_set_dependencies(pk_state_find(f->state, from), &to, 1);
}

static void seen(struct fixture *f, const char *key, const char *live) {
    json_t *value = live ? json_loads(live, 0, NULL) : json_null();
    assert_non_null(value);
    if (!f->live)
        f->live = pk_map_new();
    json_array_append_new(f->kept, value);
    pk_map_set(f->live, key, value);
}

static struct pk_plan *plan(struct fixture *f) {
    struct pk_diags *none PK_CLEANUP(pk_diags_freep) = pk_diags_new();
    pk_graph_edges_from_tokens(f->graph);
    assert_true(pk_graph_check_cycles(f->graph, none));
    struct pk_plan_input input = {f->graph, f->state, f->live, {find_type, NULL}, f->options};
    pk_plan_free(f->plan);
    f->plan = pk_plan_make(&input, f->diags);
    for (size_t i = 0; i < f->plan->actions.len; i++) {
        const struct pk_action *a = f->plan->actions.items[i];
        assert_int_equal(a->index, i);
        for (size_t k = 0; k < a->n_needs; k++)
            assert_true(a->needs[k] < i);
    }
    return f->plan;
}

static const struct pk_action *action(struct fixture *f, const char *key) {
    const struct pk_action *a = pk_plan_find(f->plan, key);
    if (!a)
        fail_msg("no action of %s", key);
    return a;
}

static const struct pk_action *removal(struct fixture *f, const char *key) {
    for (size_t i = 0; i < f->plan->actions.len; i++) {
        const struct pk_action *a = f->plan->actions.items[i];
        if (a->kind == PK_ACTION_DELETE_DEPOSED && strcmp(a->key, key) == 0)
            return a;
    }
    fail_msg("nothing old of %s is deleted", key);
    return NULL;
}

static bool waits_for(const struct pk_action *a, const struct pk_action *b) {
    for (size_t i = 0; i < a->n_needs; i++)
        if (a->needs[i] == b->index)
            return true;
    return false;
}

static void expect_finding(struct fixture *f, const char *id, const char *address) {
    for (size_t i = 0; i < pk_diags_len(f->diags); i++) {
        const struct pk_diag *d = pk_diags_at(f->diags, i);
        if (strcmp(d->id, id) == 0 && (!address || pk_streq(d->address, address)))
            return;
    }
    fail_msg("no finding %s", id);
}

static void test_kinds(void **state) {
    (void)state;
    struct fixture f;
    setup(&f);
    want(&f, "new", "T::Plain", "{}");
    both(&f, "same", "T::Plain", "{\"A\": 1}");
    want(&f, "changed", "T::Plain", "{\"A\": 2, \"B\": {\"C\": 1, \"D\": 5}}");
    have(&f, "changed", "T::Plain", "{\"A\": 1, \"B\": {\"C\": 1, \"E\": 6}}");
    have(&f, "gone", "T::Plain", "{}");
    have(&f, "kept", "T::Plain", "{}")->retain_on_delete = true;
    plan(&f);
    assert_int_equal(action(&f, "new")->kind, PK_ACTION_CREATE);
    assert_null(action(&f, "new")->prior);
    assert_int_equal(action(&f, "same")->kind, PK_ACTION_NOOP);
    const struct pk_action *a = action(&f, "changed");
    assert_int_equal(a->kind, PK_ACTION_UPDATE);
    assert_int_equal(a->n_changes, 3);
    assert_string_equal(a->changes[0].path, "A");
    assert_int_equal(json_integer_value(a->changes[0].before), 1);
    assert_int_equal(json_integer_value(a->changes[0].after), 2);
    assert_string_equal(a->changes[1].path, "B.D");
    assert_null(a->changes[1].before);
    assert_string_equal(a->changes[2].path, "B.E");
    assert_null(a->changes[2].after);
    assert_string_equal(a->reason, "A 1 -> 2 and 2 more");
    assert_int_equal(action(&f, "gone")->kind, PK_ACTION_DELETE);
    assert_int_equal(action(&f, "kept")->kind, PK_ACTION_FORGET);
    assert_int_equal(f.plan->n_create, 1);
    assert_int_equal(f.plan->n_update, 1);
    assert_int_equal(f.plan->n_delete, 1);
    assert_int_equal(f.plan->n_forget, 1);
    assert_int_equal(f.plan->n_noop, 1);
    assert_true(pk_plan_has_changes(f.plan));
    assert_int_equal(pk_diags_len(f.diags), 0);
    assert_string_equal(f.plan->lineage, f.state->lineage);
    for (int k = 0; k <= PK_ACTION_DELETE_DEPOSED; k++)
        assert_true(pk_action_text((enum pk_action_kind)k) &&
                    pk_action_symbol((enum pk_action_kind)k));
    teardown(&f);
}

static void test_nothing_to_do(void **state) {
    (void)state;
    struct fixture f;
    setup(&f);
    both(&f, "a", "T::Named", "{\"A\": 1}");
    json_object_set_new(f.graph->outputs, "a.arn", pk_token_ref("a", "Arn"));
    pk_json_put_str(f.state->outputs, "x", "y");
    plan(&f);
    assert_true(pk_plan_has_changes(f.plan)); /* outputs count */
    assert_string_equal(pk_json_str(f.plan->outputs_after, "x", "gone"), "gone");
    assert_string_equal(json_string_value(json_object_get(f.plan->outputs_after, "a.arn")),
                        "arn:a");
    json_object_clear(f.state->outputs);
    json_object_set_new(f.state->outputs, "a.arn", json_string("arn:a"));
    plan(&f);
    assert_false(pk_plan_has_changes(f.plan));
    teardown(&f);
}

static void test_references(void **state) {
    (void)state;
    struct fixture f;
    setup(&f);
    both(&f, "a", "T::Plain", "{}");
    want(&f, "b", "T::Plain",
         "{\"Of\": {\"$ref\": \"a\", \"attr\": \"Ref\"}, \"Fixed\": {\"$join\": [\"x-\", "
         "{\"$ref\": \"a\", \"attr\": \"Arn\"}]}}");
    have(&f, "b", "T::Plain", "{\"Of\": \"id-a\", \"Fixed\": \"x-arn:a\"}");
    plan(&f);
    assert_int_equal(action(&f, "b")->kind, PK_ACTION_NOOP);
    assert_true(waits_for(action(&f, "b"), action(&f, "a")));
    /* a new one of a: everything that refers to it is unknown, create-only too */
    const char *replace[] = {"a"};
    f.options.replace = replace;
    f.options.n_replace = 1;
    plan(&f);
    assert_int_equal(action(&f, "a")->kind, PK_ACTION_REPLACE);
    const struct pk_action *b = action(&f, "b");
    assert_int_equal(b->kind, PK_ACTION_REPLACE);
    assert_true(b->changes[0].after_unknown);
    assert_true(waits_for(b, action(&f, "a")));
    assert_true(waits_for(removal(&f, "a"), removal(&f, "b")) ||
                waits_for(removal(&f, "a"), action(&f, "b")));
    teardown(&f);
}

static void test_replacement_modes(void **state) {
    (void)state;
    struct fixture f;
    setup(&f);
    want(&f, "first", "T::Plain", "{\"First\": 2}");
    have(&f, "first", "T::Plain", "{\"First\": 1}");
    want(&f, "plain", "T::Plain", "{\"Fixed\": 2}");
    have(&f, "plain", "T::Plain", "{\"Fixed\": 1}");
    want(&f, "named", "T::Named", "{\"Fixed\": 2}");
    have(&f, "named", "T::Named", "{\"Fixed\": 1}");
    want(&f, "mine", "T::Named", "{\"Fixed\": 2}")->name_explicit = true;
    have(&f, "mine", "T::Named", "{\"Fixed\": 1}");
    want(&f, "def", "T::Def", "{\"Image\": 2}");
    have(&f, "def", "T::Def", "{\"Image\": 1}");
    want(&f, "old", "T::Old", "{\"Fixed\": 2}");
    have(&f, "old", "T::Old", "{\"Fixed\": 1}");
    want(&f, "type", "T::Plain", "{}");
    have(&f, "type", "T::Old", "{}");
    plan(&f);
    static const struct {
        const char *key;
        bool create_first;
    } expected[] = {{"first", false}, {"plain", true}, {"named", true}, {"mine", false},
                    {"def", true},    {"old", false},  {"type", true}};
    for (size_t i = 0; i < PK_ARRAY_LEN(expected); i++) {
        const struct pk_action *a = action(&f, expected[i].key), *r = removal(&f, expected[i].key);
        assert_int_equal(a->kind, PK_ACTION_REPLACE);
        assert_int_equal(a->create_first, expected[i].create_first);
        if (a->create_first) {
            assert_string_equal(r->deposed_id, a->prior->physical_id);
            assert_true(waits_for(r, a));
        } else {
            assert_null(r->deposed_id);
            assert_true(waits_for(a, r));
        }
    }
    assert_string_equal(removal(&f, "type")->type, "T::Old");
    assert_string_equal(action(&f, "type")->changes[0].path, "Type");
    assert_int_equal(f.plan->n_replace, 7);
    assert_int_equal(f.plan->n_delete, 0);
    /* a name that panka makes: expand again with the next generation */
    assert_int_equal(f.plan->bump.len, 1);
    assert_string_equal(f.plan->bump.items[0], "named");
    struct pk_resource *named = pk_graph_find(f.graph, "named");
    named->generation = 1;
    named->name = "n-named-r1";
    plan(&f);
    assert_int_equal(f.plan->bump.len, 0);
    assert_true(action(&f, "named")->create_first);
    assert_int_equal(action(&f, "named")->n_changes, 1); /* the name follows, it is no reason */
    /* the rule gives no other name: the old one has to go first */
    named->name = "n-named";
    plan(&f);
    assert_int_equal(f.plan->bump.len, 0);
    assert_false(action(&f, "named")->create_first);
    teardown(&f);
}

static void test_explicit_name(void **state) {
    (void)state;
    struct fixture f;
    setup(&f);
    struct pk_resource *r = want(&f, "q", "T::Named", "{}");
    have(&f, "q", "T::Named", "{}");
    r->name = "other";
    r->name_explicit = true;
    plan(&f);
    assert_int_equal(action(&f, "q")->kind, PK_ACTION_REPLACE);
    assert_true(action(&f, "q")->create_first);
    assert_string_equal(action(&f, "q")->changes[0].path, "Name");
    teardown(&f);
}

static void test_protection(void **state) {
    (void)state;
    struct fixture f;
    setup(&f);
    have(&f, "guarded", "T::Plain", "{}")->protect = true;
    want(&f, "swap", "T::Plain", "{\"Fixed\": 2}")->protect = true;
    have(&f, "swap", "T::Plain", "{\"Fixed\": 1}")->protect = true;
    want(&f, "data", "T::Plain", "{\"Fixed\": 2}")->stateful = true;
    have(&f, "data", "T::Plain", "{\"Fixed\": 1}")->stateful = true;
    want(&f, "never", "T::Plain", "{\"Never\": 2}");
    have(&f, "never", "T::Plain", "{\"Never\": 1}");
    want(&f, "half", "T::Plain", "{\"Fixed\": 2}")->stateful = true;
    struct pk_state_resource *half = have(&f, "half", "T::Plain", "{\"Fixed\": 1}");
    half->stateful = true;
    half->status = PK_STATUS_TAINTED;
    plan(&f);
    expect_finding(&f, "plan.protected", "guarded");
    expect_finding(&f, "plan.protected", "swap");
    expect_finding(&f, "plan.replace-stateful", "data");
    expect_finding(&f, "plan.no-change", "never");
    expect_finding(&f, "state.tainted-stateful", "half");
    assert_int_equal(pk_diags_count(f.diags, PK_SEVERITY_ERROR), 5);
    assert_true(action(&f, "data")->data_loss);
    assert_true(removal(&f, "data")->data_loss);
    assert_int_equal(f.plan->actions.len, 9); /* complete, for showing */
    const char *allowed[] = {"swap", "data", "never", "half"};
    f.options.allow_replace = allowed;
    f.options.n_allow_replace = 4;
    pk_diags_free(f.diags);
    f.diags = pk_diags_new();
    plan(&f);
    assert_int_equal(pk_diags_len(f.diags), 1); /* a protected one is never deleted */
    teardown(&f);
}

/* X in a dependent of what is replaced: both keys are named. */
static void test_no_change_names_the_cause(void **state) {
    (void)state;
    struct fixture f;
    setup(&f);
    want(&f, "a", "T::Plain", "{\"Fixed\": 2}");
    have(&f, "a", "T::Plain", "{\"Fixed\": 1}");
    want(&f, "b", "T::Plain", "{\"Never\": {\"$ref\": \"a\", \"attr\": \"Ref\"}}");
    have(&f, "b", "T::Plain", "{\"Never\": \"id-a\"}");
    plan(&f);
    expect_finding(&f, "plan.no-change", "b");
    assert_non_null(strstr(pk_diags_at(f.diags, 0)->detail, "a is replaced"));
    teardown(&f);
}

static void test_sensitive_values(void **state) {
    (void)state;
    struct fixture f;
    setup(&f);
    want(&f, "a", "T::Plain",
         "{\"Password\": \"new-pw\", \"Auth\": {\"Token\": \"new-token\", \"User\": \"u\"}}");
    have(&f, "a", "T::Plain", "{\"Password\": \"old-pw\"}");
    seen(&f, "a", "{\"Auth\": {\"Token\": \"live-token\", \"User\": \"w\"}}");
    plan(&f);
    const struct pk_action *a = action(&f, "a");
    assert_true(a->n_changes >= 2);
    for (size_t i = 0; i < a->n_changes; i++) {
        char *before = pk_json_canonical(a->changes[i].before),
             *after = pk_json_canonical(a->changes[i].after);
        assert_null(strstr(before, "pw"));
        assert_null(strstr(after, "pw"));
        assert_null(strstr(before, "-token"));
        assert_null(strstr(after, "-token"));
        free(before);
        free(after);
    }
    assert_null(strstr(a->reason, "pw"));
    assert_string_equal(a->changes[0].path, "Password");
    assert_true(a->changes[0].sensitive);
    /* a whole object that is new hides what is sensitive inside */
    f.live = (pk_map_free(f.live), NULL);
    plan(&f);
    char *text = pk_json_canonical(action(&f, "a")->changes[1].after);
    assert_string_equal(text, "{\"Token\":\"(sensitive)\",\"User\":\"u\"}");
    free(text);
    teardown(&f);
}

static void test_tags(void **state) {
    (void)state;
    struct fixture f;
    setup(&f);
    struct pk_resource *r = want(&f, "a", "T::Plain", "{}");
    struct pk_state_resource *s = have(&f, "a", "T::Plain", "{}");
    pk_json_put_str(r->tags, "team", "new");
    pk_json_put_str(r->tags, "same", "s");
    json_object_set_new(s->tags, "panka:op", json_string("op-1"));
    json_object_set_new(s->tags, "panka:lineage", json_string("l"));
    pk_json_put_str(s->tags, "team", "old");
    pk_json_put_str(s->tags, "same", "s");
    pk_json_put_str(s->tags, "dropped", "d");
    plan(&f);
    const struct pk_action *a = action(&f, "a");
    assert_int_equal(a->n_changes, 2);
    assert_string_equal(a->changes[0].path, "Tags.team");
    assert_string_equal(a->changes[1].path, "Tags.dropped");
    assert_null(a->changes[1].after);
    /* drift: a tag of ours was changed; one that others set is none of our business */
    seen(&f, "a", "{\"$tags\": {\"team\": \"new\", \"same\": \"other\", \"theirs\": \"x\"}}");
    plan(&f);
    a = action(&f, "a");
    assert_int_equal(a->n_changes, 2);
    assert_false(a->changes[0].drift);
    assert_string_equal(a->changes[1].path, "Tags.same");
    assert_true(a->changes[1].drift);
    teardown(&f);
}

static void test_refresh(void **state) {
    (void)state;
    struct fixture f;
    setup(&f);
    both(&f, "drifted", "T::Plain", "{\"A\": 1, \"Password\": \"x\", \"Storage\": 10}");
    seen(&f, "drifted", "{\"A\": 7, \"Storage\": 50, \"Added\": true}");
    both(&f, "missing", "T::Plain", "{}");
    seen(&f, "missing", NULL);
    have(&f, "both-gone", "T::Plain", "{}")->protect = true;
    seen(&f, "both-gone", NULL);
    want(&f, "settled", "T::Plain", "{\"Fixed\": 2}"); /* AWS has it that way already */
    have(&f, "settled", "T::Plain", "{\"Fixed\": 1}");
    seen(&f, "settled", "{\"Fixed\": 2}");
    want(&f, "engine", "T::Plain", "{\"Engine\": \"15\"}");
    have(&f, "engine", "T::Plain", "{\"Engine\": \"15\"}");
    seen(&f, "engine", "{\"Engine\": \"15.7\"}");
    plan(&f);
    const struct pk_action *a = action(&f, "drifted");
    assert_int_equal(a->kind, PK_ACTION_UPDATE);
    assert_int_equal(a->n_changes, 1);
    assert_true(a->changes[0].drift);
    assert_int_equal(json_integer_value(a->changes[0].before), 7);
    assert_non_null(a->live);
    assert_true(pk_starts_with(a->reason, "drift: A"));
    assert_int_equal(action(&f, "missing")->kind, PK_ACTION_CREATE);
    assert_true(action(&f, "missing")->missing);
    assert_int_equal(action(&f, "both-gone")->kind, PK_ACTION_DELETE);
    assert_true(action(&f, "both-gone")->missing);
    assert_int_equal(pk_diags_len(f.diags), 0); /* what is gone needs no protection */
    assert_int_equal(action(&f, "settled")->kind, PK_ACTION_NOOP);
    assert_int_equal(action(&f, "engine")->kind, PK_ACTION_NOOP);
    teardown(&f);
}

/* Made again under its name: who refers to the name need not change. */
static void test_missing_named(void **state) {
    (void)state;
    struct fixture f;
    setup(&f);
    both(&f, "q", "T::Named", "{}");
    pk_state_set_text(&pk_state_find(f.state, "q")->physical_id, "n-q");
    seen(&f, "q", NULL);
    want(&f, "u", "T::Plain", "{\"Fixed\": {\"$ref\": \"q\", \"attr\": \"Ref\"}}");
    have(&f, "u", "T::Plain", "{\"Fixed\": \"n-q\"}");
    plan(&f);
    assert_int_equal(action(&f, "q")->kind, PK_ACTION_CREATE);
    assert_int_equal(action(&f, "u")->kind, PK_ACTION_NOOP);
    teardown(&f);
}

static void test_unfinished(void **state) {
    (void)state;
    struct fixture f;
    setup(&f);
    both(&f, "lost", "T::Plain", "{}");
    struct pk_state_resource *lost = pk_state_find(f.state, "lost");
    pk_state_set_text(&lost->physical_id, NULL);
    lost->status = PK_STATUS_CREATING;
    pk_state_set_pending(lost, pk_pending_new("create", "o", "t", "now", NULL, NULL));
    both(&f, "tainted", "T::Plain", "{}");
    pk_state_find(f.state, "tainted")->status = PK_STATUS_TAINTED;
    both(&f, "half", "T::Plain", "{}");
    pk_state_set_pending(pk_state_find(f.state, "half"),
                         pk_pending_new("update", "o", NULL, "now", NULL, NULL));
    both(&f, "nothing", "T::Plain", "{}");
    pk_state_set_text(&pk_state_find(f.state, "nothing")->physical_id, NULL);
    pk_state_find(f.state, "nothing")->status = PK_STATUS_REPLACING;
    both(&f, "fine", "T::Plain", "{}");
    json_array_append_new(pk_state_find(f.state, "fine")->deposed,
                          json_pack("{s:s,s:s}", "physicalId", "old-1", "type", "T::Plain"));
    plan(&f);
    assert_int_equal(action(&f, "lost")->kind, PK_ACTION_RESUME);
    assert_int_equal(action(&f, "tainted")->kind, PK_ACTION_RESUME);
    assert_int_equal(action(&f, "half")->kind, PK_ACTION_RESUME);
    assert_non_null(strstr(action(&f, "half")->reason, "update"));
    assert_int_equal(action(&f, "nothing")->kind, PK_ACTION_CREATE);
    assert_int_equal(action(&f, "fine")->kind, PK_ACTION_NOOP);
    assert_string_equal(removal(&f, "fine")->deposed_id, "old-1");
    teardown(&f);
}

static void test_policy_and_external(void **state) {
    (void)state;
    struct fixture f;
    setup(&f);
    struct pk_resource *r = want(&f, "a", "T::Plain", "{}");
    have(&f, "a", "T::Plain", "{}");
    r->protect = true;
    json_object_set_new(r->external, "zip", json_string("h2"));
    plan(&f);
    const struct pk_action *a = action(&f, "a");
    assert_int_equal(a->kind, PK_ACTION_UPDATE);
    assert_int_equal(a->n_changes, 2);
    assert_string_equal(a->changes[0].path, "External.zip");
    assert_true(pk_change_is_external(&a->changes[0]));
    assert_string_equal(a->changes[1].path, "deletionProtection");
    assert_true(pk_change_is_policy(&a->changes[1]));
    assert_false(pk_change_is_policy(&a->changes[0]));
    r->protect = false;
    json_object_clear(r->external);
    r->force_update = true;
    plan(&f);
    assert_int_equal(action(&f, "a")->kind, PK_ACTION_UPDATE);
    assert_int_equal(action(&f, "a")->n_changes, 0);
    char before[65], after[65];
    pk_plan_inputs_hash(r, before);
    json_object_set_new(r->external, "zip", json_string("h3"));
    pk_plan_inputs_hash(r, after);
    assert_string_not_equal(before, after);
    teardown(&f);
}

static void test_destroy(void **state) {
    (void)state;
    struct fixture f;
    setup(&f);
    both(&f, "net", "T::Plain", "{}");
    both(&f, "app", "T::Plain", "{}");
    both(&f, "side", "T::Plain", "{}");
    depends(&f, "app", "net");
    /* the files say the opposite: what AWS has is what counts */
    needs(&f, "net", "app");
    f.options.destroy = true;
    plan(&f);
    assert_int_equal(f.plan->n_delete, 3);
    assert_true(waits_for(action(&f, "net"), action(&f, "app")));
    assert_int_equal(json_object_size(f.plan->outputs_after), 0);
    /* a part: with everything that depends on it */
    const char *targets[] = {"net"};
    f.options.targets = targets;
    f.options.n_targets = 1;
    plan(&f);
    assert_int_equal(f.plan->n_delete, 2);
    assert_null(pk_plan_find(f.plan, "side"));
    /* what stays keeps what it needs */
    const char *excludes[] = {"app"};
    f.options.n_targets = 0;
    f.options.excludes = excludes;
    f.options.n_excludes = 1;
    plan(&f);
    assert_int_equal(f.plan->n_delete, 1);
    assert_non_null(pk_plan_find(f.plan, "side"));
    teardown(&f);
}

static void test_deletion_waits_for_updates(void **state) {
    (void)state;
    struct fixture f;
    setup(&f);
    have(&f, "old", "T::Plain", "{}");
    want(&f, "app", "T::Plain", "{\"Of\": \"none\"}");
    have(&f, "app", "T::Plain", "{\"Of\": \"id-old\"}");
    depends(&f, "app", "old");
    plan(&f);
    assert_true(waits_for(action(&f, "old"), action(&f, "app")));
    teardown(&f);
}

/* An edge that was turned round: no cycle between the actions. */
static void test_turned_edge(void **state) {
    (void)state;
    struct fixture f;
    setup(&f);
    want(&f, "a", "T::Plain", "{\"Fixed\": 2}");
    have(&f, "a", "T::Plain", "{\"Fixed\": 1}");
    want(&f, "b", "T::Plain", "{\"Fixed\": 2}");
    have(&f, "b", "T::Plain", "{\"Fixed\": 1}");
    depends(&f, "a", "b");
    needs(&f, "b", "a");
    plan(&f);
    assert_int_equal(f.plan->n_replace, 2);
    assert_true(waits_for(removal(&f, "b"), removal(&f, "a")));
    teardown(&f);
}

static void test_name_becomes_free(void **state) {
    (void)state;
    struct fixture f;
    setup(&f);
    have(&f, "old", "T::Named", "{}");
    want(&f, "new", "T::Named", "{}")->name = "n-old";
    plan(&f);
    assert_true(waits_for(action(&f, "new"), action(&f, "old")));
    teardown(&f);
}

static void test_selection(void **state) {
    (void)state;
    struct fixture f;
    setup(&f);
    want(&f, "net", "T::Plain", "{}");
    want(&f, "api", "T::Plain", "{}");
    want(&f, "api:role", "T::Plain", "{}");
    want(&f, "job", "T::Plain", "{}")->service = "batch";
    pk_graph_find(f.graph, "api:role")->component = "api";
    have(&f, "rest", "T::Plain", "{}");
    needs(&f, "api", "net");
    const char *targets[] = {"svc/api"};
    f.options.targets = targets;
    f.options.n_targets = 1;
    plan(&f);
    assert_int_equal(f.plan->n_create, 3);
    assert_int_equal(f.plan->n_delete, 0);
    assert_null(pk_plan_find(f.plan, "job"));
    const char *services[] = {"batch"};
    f.options.n_targets = 0;
    f.options.services = services;
    f.options.n_services = 1;
    plan(&f);
    assert_int_equal(f.plan->n_create, 1);
    f.options.n_services = 0;
    const char *excludes[] = {"net"};
    f.options.excludes = excludes;
    f.options.n_excludes = 1;
    plan(&f); /* api cannot be made without it */
    assert_null(pk_plan_find(f.plan, "api"));
    assert_int_equal(f.plan->n_create, 2);
    have(&f, "net", "T::Plain", "{}");
    plan(&f);
    assert_int_equal(action(&f, "api")->kind, PK_ACTION_CREATE);
    assert_true(action(&f, "net")->outside);
    const char *typo[] = {"ap"};
    f.options.targets = typo;
    f.options.n_targets = 1;
    plan(&f);
    expect_finding(&f, "plan.target-unknown", NULL);
    const struct pk_diag *d = pk_diags_at(f.diags, pk_diags_len(f.diags) - 1);
    assert_string_equal(d->help, "did you mean api?");
    teardown(&f);
}

static void test_identity(void **state) {
    (void)state;
    struct fixture f;
    setup(&f);
    have(&f, "db", "T::Plain", "{}");
    struct pk_resource *one = want(&f, "svc/db", "T::Plain", "{}");
    one->component = "db";
    struct pk_resource *two = want(&f, "other/db", "T::Plain", "{}");
    two->component = "db";
    two->service = "other";
    plan(&f);
    assert_int_equal(action(&f, "svc/db")->kind, PK_ACTION_NOOP);
    assert_string_equal(action(&f, "svc/db")->prior->key, "db");
    assert_int_equal(action(&f, "other/db")->kind, PK_ACTION_CREATE);
    assert_int_equal(f.plan->n_delete, 0);
    teardown(&f);
}

/* Twice as much takes about twice as long, not four times; generous because machines are busy. */
static int64_t time_of(size_t n) {
    struct fixture f;
    setup(&f);
    char key[32];
    for (size_t i = 0; i < n; i++) {
        snprintf(key, sizeof(key), "n%zu", i);
        if (i % 2)
            both(&f, key, "T::Named", "{\"A\": 1, \"B\": {\"C\": [1, 2, 3]}}");
        else
            want(&f, key, "T::Plain", "{\"A\": 1}");
    }
    for (size_t i = 1; i < n; i++) {
        struct pk_resource *r = f.graph->resources.items[i];
        pk_graph_edge(f.graph, r, f.graph->resources.items[i / 3], PK_EDGE_HARD, "f",
                      (struct pk_span){0});
        pk_graph_edge(f.graph, r, f.graph->resources.items[0], PK_EDGE_HARD, "f",
                      (struct pk_span){0});
    }
    int64_t start = pk_monotonic_ms(NULL);
    plan(&f);
    int64_t took = pk_monotonic_ms(NULL) - start;
    assert_int_equal(f.plan->actions.len, n);
    teardown(&f);
    return took;
}

static void test_ten_thousand(void **state) {
    (void)state;
    int64_t small = time_of(2500), large = time_of(10000);
    if (getenv("PANKA_SHOW"))
        fprintf(stderr, "2,500: %lld ms, 10,000: %lld ms\n", (long long)small, (long long)large);
    assert_true(large < 12 * small + 200);
}

static void test_plan_file(void **state) {
    (void)state;
    struct fixture f;
    setup(&f);
    want(&f, "a", "T::Plain", "{\"A\": 1}");
    struct pk_plan_file file = {.graph = f.graph,
                                .identity = json_pack("{s:s}", "stack", "shop"),
                                .serial = 7,
                                .lineage = (char[]){"l-1"},
                                .inputs_sha256 = (char[]){"abc"},
                                .created_at = (char[]){"2026-01-01T00:00:00Z"},
                                .options = json_pack("{s:b}", "destroy", 0)};
    size_t len;
    char *text = pk_plan_file_dump(&file, &len);
    assert_int_equal(strlen(text), len);
    struct pk_plan_file back = {0};
    struct pk_error *err = NULL;
    assert_true(pk_plan_file_parse(text, len, "p.plan", &back, &err));
    assert_int_equal(back.serial, 7);
    assert_string_equal(back.lineage, "l-1");
    assert_string_equal(back.inputs_sha256, "abc");
    assert_string_equal(pk_json_str(back.identity, "stack", ""), "shop");
    assert_non_null(pk_graph_find(back.graph, "a"));
    pk_plan_file_release(&back);
    free(text);
    json_decref(file.identity);
    json_decref(file.options);
    static const struct {
        const char *text;
        enum pk_code code;
    } bad[] = {
        {"{}", PK_E_BAD_RESPONSE},
        {"nope", PK_E_BAD_RESPONSE},
        {"{\"kind\": \"panka-plan\", \"formatVersion\": 9}", PK_E_PLAN_STALE},
        {"{\"kind\": \"panka-plan\", \"formatVersion\": 1}", PK_E_BAD_RESPONSE},
        {"{\"kind\": \"panka-plan\", \"formatVersion\": 1, \"serial\": 1, \"identity\": {}, "
         "\"lineage\": \"l\", \"graph\": {}}",
         PK_E_BAD_RESPONSE},
        {"{\"kind\": \"panka-plan\", \"formatVersion\": 1, \"serial\": 1, \"identity\": {}, "
         "\"lineage\": \"l\", \"graph\": {\"resources\": [{\"key\": \"a\", \"type\": \"T\", "
         "\"edges\": [{\"to\": \"b\"}]}, {\"key\": \"b\", \"type\": \"T\", \"edges\": [{\"to\": "
         "\"a\"}]}]}}",
         PK_E_BAD_RESPONSE},
    };
    for (size_t i = 0; i < PK_ARRAY_LEN(bad); i++) {
        assert_false(pk_plan_file_parse(bad[i].text, strlen(bad[i].text), "p.plan", &back, &err));
        assert_int_equal(err->code, bad[i].code);
        assert_non_null(strstr(err->message, "p.plan"));
        pk_error_clear(&err);
    }
    teardown(&f);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_kinds),
        cmocka_unit_test(test_nothing_to_do),
        cmocka_unit_test(test_references),
        cmocka_unit_test(test_replacement_modes),
        cmocka_unit_test(test_explicit_name),
        cmocka_unit_test(test_protection),
        cmocka_unit_test(test_no_change_names_the_cause),
        cmocka_unit_test(test_sensitive_values),
        cmocka_unit_test(test_tags),
        cmocka_unit_test(test_refresh),
        cmocka_unit_test(test_missing_named),
        cmocka_unit_test(test_unfinished),
        cmocka_unit_test(test_policy_and_external),
        cmocka_unit_test(test_destroy),
        cmocka_unit_test(test_deletion_waits_for_updates),
        cmocka_unit_test(test_turned_edge),
        cmocka_unit_test(test_name_becomes_free),
        cmocka_unit_test(test_selection),
        cmocka_unit_test(test_identity),
        cmocka_unit_test(test_ten_thousand),
        cmocka_unit_test(test_plan_file),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
