/*
 * harness.h - whole deployments on the in-memory provider: a durable journal that can die, graphs
 * from short texts, and the invariants of the failure model.
 */
#ifndef PK_TEST_ENGINE_HARNESS_H
#define PK_TEST_ENGINE_HARNESS_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "engine/engine.h"
#include "engine/mem_provider.h"
#include "json/json.h"

#include <stdatomic.h>

/* --- types --- */

static const struct pk_prop_trait named_props[] = {
    {"Fixed", PK_CREATE_ONLY},
    {"First", PK_CREATE_ONLY | PK_DELETE_FIRST},
    {"Never", PK_CREATE_ONLY | PK_NO_CHANGE},
    {"Password", PK_SENSITIVE | PK_WRITE_ONLY},
    {"Set", PK_SET},
};
static const struct pk_type_traits test_types[] = {
    {.type = "T::Named",
     .props = named_props,
     .n_props = PK_ARRAY_LEN(named_props),
     .named = true,
     .taggable = true,
     .typical_create_ms = 5000,
     .recovery = "name"},
    {.type = "T::Plain",
     .props = named_props,
     .n_props = PK_ARRAY_LEN(named_props),
     .taggable = true,
     .recovery = "token"},
    {.type = "T::Natural",
     .props = named_props,
     .n_props = PK_ARRAY_LEN(named_props),
     .recovery = "natural"},
    {.type = "T::Def", .taggable = true, .replace_only = true, .recovery = "tag"},
    {.type = "T::Limited", .taggable = true, .limit_ms = 30, .recovery = "tag"},
};

static const struct pk_type_traits *find_type(void *ctx, const char *type) {
    (void)ctx;
    for (size_t i = 0; i < PK_ARRAY_LEN(test_types); i++)
        if (strcmp(test_types[i].type, type) == 0)
            return &test_types[i];
    return NULL;
}

static const struct pk_traits_source test_traits = {find_type, NULL};

/* --- what is wanted --- */

/* properties: JSON where "@key.Attr" as a whole text is a reference. */
struct node_spec {
    const char *key, *type, *properties, *needs;
    bool stateful, protect, retain;
    const char *name; /* explicit */
};

static json_t *with_refs(struct pk_graph *graph, struct pk_resource *r, const json_t *value) {
    const char *text = json_string_value(value), *key;
    json_t *inner;
    if (text && text[0] == '@') {
        const char *dot = strchr(text, '.');
        char *target PK_CLEANUP(pk_freep) = pk_strndup(text + 1, (size_t)(dot - text - 1));
        return pk_token_ref(target, dot + 1);
    }
    if (json_is_array(value)) {
        json_t *list = json_array();
        for (size_t i = 0; i < json_array_size(value); i++)
            json_array_append_new(list, with_refs(graph, r, json_array_get(value, i)));
        return list;
    }
    if (!json_is_object(value))
        return json_deep_copy(value);
    json_t *object = json_object();
    json_object_foreach((json_t *)(uintptr_t)value, key, inner)
        json_object_set_new(object, key, with_refs(graph, r, inner));
    return object;
}

static void name_node(struct pk_graph *graph, struct pk_resource *r, const struct node_spec *spec,
                      const struct pk_state *state, const struct pk_map *generations) {
    const struct pk_state_resource *s = pk_state_find(state, r->key);
    const unsigned *wanted = generations ? pk_map_get(generations, r->key) : NULL;
    r->generation = wanted ? *wanted : s ? s->generation : 0;
    if (strcmp(r->type, "T::Named") != 0) {
        r->name = spec->name; /* a natural identity */
        return;
    }
    r->name_explicit = spec->name != NULL;
    if (spec->name)
        r->name = spec->name;
    else if (s && s->name && s->generation == r->generation)
        r->name = pk_arena_strdup(graph->arena, s->name);
    else if (r->generation)
        r->name = pk_arena_printf(graph->arena, "n-%s-r%u", r->key, r->generation);
    else
        r->name = pk_arena_printf(graph->arena, "n-%s", r->key);
}

static struct pk_graph *build(const struct node_spec *specs, size_t n, const struct pk_state *state,
                              const struct pk_map *generations) {
    struct pk_graph *graph = pk_graph_new();
    for (size_t i = 0; i < n; i++) {
        struct pk_resource *r = pk_graph_add(graph, specs[i].key, specs[i].type);
        r->component = r->key;
        r->service = "svc";
        r->stateful = specs[i].stateful;
        r->protect = specs[i].protect;
        r->retain_on_delete = specs[i].retain;
        if (strcmp(r->type, "T::Natural") != 0)
            pk_json_put_str(r->tags, "team", "core");
        name_node(graph, r, &specs[i], state, generations);
    }
    for (size_t i = 0; i < n; i++) {
        struct pk_resource *r = graph->resources.items[i];
        json_t *raw = json_loads(specs[i].properties ? specs[i].properties : "{}", 0, NULL), *value;
        assert_non_null(raw);
        const char *name;
        json_object_foreach(raw, name, value)
            pk_resource_set(graph, r, name, with_refs(graph, r, value), (struct pk_span){0});
        json_decref(raw);
        struct pk_str rest = pk_str(specs[i].needs ? specs[i].needs : ""), part;
        while (specs[i].needs && pk_str_cut(&rest, ',', &part)) {
            char *key PK_CLEANUP(pk_freep) = pk_strndup(part.ptr, part.len);
            struct pk_resource *to = pk_graph_find(graph, key);
            assert_non_null(to);
            pk_graph_edge(graph, r, to, PK_EDGE_HARD, "dependsOn", (struct pk_span){0});
        }
    }
    pk_graph_edges_from_tokens(graph);
    struct pk_diags *diags PK_CLEANUP(pk_diags_freep) = pk_diags_new();
    assert_true(pk_graph_check_cycles(graph, diags));
    return graph;
}

/* --- the journal, and death --- */

enum death { NO_DEATH, DIES_BEFORE, DIES_AFTER };

struct site {
    struct pk_mem_world *world;
    struct pk_mem_script script;
    char *durable; /* the state as it was written last, or NULL */
    int64_t serial;
    size_t n_writes;
    /* events: journal writes and provider calls, counted together */
    atomic_size_t events;
    size_t die_at; /* 0 = never */
    enum death death;
    atomic_bool dead;
    enum pk_mem_fate (*fate)(struct site *site, const struct pk_mem_call *call);
    enum pk_code write_fails; /* PK_E_COUNT = never; from write number `write_fails_at` on */
    size_t write_fails_at;
    enum pk_code guard_fails; /* PK_E_COUNT = never */
    unsigned parallelism;
    bool waves;
    struct pk_cancel *cancel;
    int64_t timeout_ms;
    pk_event_fn *on_event;
    void *event_ctx;
    bool stop_on_failure;
    bool forgets_intents; /* negative control: open creates are not written */
    void *any;            /* of the test */
};

struct site_journal {
    struct pk_journal base;
    struct site *site;
};

/* Counts an event; true when it must have no effect. *ret_after: effect, but no answer. */
static bool dies(struct site *site, bool *ret_after) {
    *ret_after = false;
    if (atomic_load(&site->dead))
        return true;
    size_t event = atomic_fetch_add(&site->events, 1) + 1;
    if (site->die_at == 0 || event != site->die_at)
        return false;
    atomic_store(&site->dead, true);
    *ret_after = site->death == DIES_AFTER;
    return site->death == DIES_BEFORE;
}

static void forget_intents(struct pk_state *state) {
    struct pk_vec lost = PK_VEC_INIT;
    size_t cursor = 0;
    void *item;
    while (pk_map_next(state->resources, &cursor, NULL, &item)) {
        const struct pk_state_resource *r = item;
        if (r->pending && !r->physical_id)
            pk_vec_push(&lost, pk_strdup(r->key));
    }
    for (size_t i = 0; i < lost.len; i++) {
        pk_state_remove(state, lost.items[i]);
        free(lost.items[i]);
    }
    pk_vec_release(&lost);
}

static bool site_write(struct pk_journal *journal, struct pk_state *state, int64_t *ret_serial,
                       struct pk_error **err) {
    struct site *site = ((struct site_journal *)journal)->site;
    bool after;
    if (dies(site, &after))
        return pk_fail(err, PK_E_IO, "the program is dead");
    site->n_writes++;
    if (site->write_fails != PK_E_COUNT && site->n_writes >= site->write_fails_at)
        return pk_fail(err, site->write_fails, "the state was not accepted");
    state->serial = ++site->serial;
    if (site->forgets_intents)
        forget_intents(state);
    free(site->durable);
    site->durable = pk_state_dump(state, NULL);
    *ret_serial = state->serial;
    return !after || pk_fail(err, PK_E_IO, "the program is dead");
}

static bool site_guard(struct pk_journal *journal, int64_t need_ms, struct pk_error **err) {
    struct site *site = ((struct site_journal *)journal)->site;
    assert_true(need_ms > 0);
    return site->guard_fails == PK_E_COUNT || pk_fail(err, site->guard_fails, "the lease is over");
}

static enum pk_mem_fate site_fate(void *ctx, const struct pk_mem_call *call) {
    struct site *site = ctx;
    bool after;
    if (dies(site, &after))
        return PK_MEM_NOT_SENT;
    if (after)
        return PK_MEM_REPLY_LOST;
    return site->fate ? site->fate(site, call) : PK_MEM_OK;
}

static void site_init(struct site *site) {
    memset(site, 0, sizeof(*site));
    site->world = pk_mem_world_new("eu-central-1", "123456789012");
    site->write_fails = site->guard_fails = PK_E_COUNT;
    site->parallelism = 4;
    site->script = (struct pk_mem_script){.fate = site_fate, .ctx = site, .strict = true};
}

static void site_release(struct site *site) {
    pk_mem_world_free(site->world);
    free(site->durable);
}

static struct pk_state *site_state(const struct site *site) {
    struct pk_state *state = NULL;
    struct pk_error *err = NULL;
    if (!site->durable)
        return pk_state_new();
    if (!pk_state_parse(site->durable, strlen(site->durable), "state.json", &state, &err))
        fail_msg("durable state: %s", err->message);
    return state;
}

/* --- one deployment --- */

struct deployment {
    struct pk_state *state;
    struct pk_graph *graph;
    struct pk_plan *plan;
    struct pk_diags *diags;
    struct pk_arena *arena;
    struct pk_map *live;
    struct pk_provider *provider;
    struct pk_engine_result result;
    struct pk_error *err;
    bool ok, ran;
};

static void deployment_release(struct deployment *d) {
    if (d->ran)
        pk_engine_result_release(&d->result);
    pk_plan_free(d->plan);
    pk_graph_free(d->graph);
    pk_state_free(d->state);
    pk_diags_free(d->diags);
    pk_map_free(d->live);
    pk_arena_free(d->arena);
    pk_error_free(d->err);
    if (d->provider)
        d->provider->vtable->free(d->provider);
    memset(d, 0, sizeof(*d));
}

static void make_plan(struct deployment *d, const struct node_spec *specs, size_t n,
                      const struct pk_plan_options *options) {
    struct pk_map *generations PK_CLEANUP(pk_map_freep) = pk_map_new();
    for (int round = 0; round < 5; round++) {
        pk_plan_free(d->plan);
        pk_graph_free(d->graph);
        pk_diags_free(d->diags);
        d->diags = pk_diags_new();
        d->graph = options->destroy ? NULL : build(specs, n, d->state, generations);
        struct pk_plan_input input = {d->graph, d->state, d->live, test_traits, *options};
        d->plan = pk_plan_make(&input, d->diags);
        if (d->plan->bump.len == 0)
            return;
        for (size_t i = 0; i < d->plan->bump.len; i++) {
            unsigned *g = pk_arena_alloc(d->arena, sizeof(*g));
            *g = pk_state_find(d->state, d->plan->bump.items[i])->generation + 1;
            pk_map_set(generations, d->plan->bump.items[i], g);
        }
    }
    fail_msg("planning does not settle");
}

static bool prepare(struct site *site, struct deployment *d, const struct node_spec *specs,
                    size_t n, const struct pk_plan_options *options) {
    static const struct pk_plan_options none = {0};
    memset(d, 0, sizeof(*d));
    d->arena = pk_arena_new();
    d->state = site_state(site);
    d->provider = pk_mem_provider_open(site->world, test_traits, &site->script);
    if (!pk_engine_refresh(d->provider, d->state, d->arena, NULL, &d->live, &d->err))
        return false;
    make_plan(d, specs, n, options ? options : &none);
    return true;
}

static void execute(struct site *site, struct deployment *d) {
    struct site_journal journal = {{site_write, site_guard}, site};
    struct pk_engine_config config = {.provider = d->provider,
                                      .journal = &journal.base,
                                      .cancel = site->cancel,
                                      .parallelism = site->parallelism,
                                      .timeout_ms = site->timeout_ms,
                                      .waves = site->waves,
                                      .keep_going = !site->stop_on_failure,
                                      .on_event = site->on_event,
                                      .event_ctx = site->event_ctx,
                                      .deployment_id = "dep-1",
                                      .region = "eu-central-1"};
    struct pk_state *claim = pk_state_copy(d->state);
    int64_t serial;
    bool claimed = site_write(&journal.base, claim, &serial, &d->err);
    pk_state_free(claim);
    if (!claimed)
        return;
    d->ran = true;
    d->ok = pk_engine_run(&config, d->plan, d->graph, d->state, &d->result, &d->err);
}

/* Plans and runs; d is filled. */
PK_UNUSED static void deploy(struct site *site, struct deployment *d, const struct node_spec *specs,
                             size_t n, const struct pk_plan_options *options) {
    if (!prepare(site, d, specs, n, options))
        return;
    if (pk_diags_has_errors(d->diags))
        fail_msg("finding: %s", pk_diags_at(d->diags, 0)->message);
    execute(site, d);
}

/* --- invariants --- */

static void print_trouble(const struct site *site) {
    json_t *world = pk_mem_world_json(site->world), *ledger = pk_mem_world_ledger(site->world);
    char *world_text PK_CLEANUP(pk_freep) = pk_json_pretty(world);
    char *ledger_text PK_CLEANUP(pk_freep) = pk_json_pretty(ledger);
    fprintf(stderr, "--- world\n%s--- ledger\n%s--- state\n%s", world_text, ledger_text,
            site->durable ? site->durable : "(none)\n");
    json_decref(world);
    json_decref(ledger);
}

/* The set that exists = the set in state = the set that is wanted; nothing is open. NULL or what is
 * wrong. */
static char *check_settled(struct site *site, const struct node_spec *specs, size_t n) {
    struct pk_state *state PK_CLEANUP(pk_state_freep) = site_state(site);
    json_auto_t *world = pk_mem_world_json(site->world);
    if (pk_map_len(state->resources) != n)
        return pk_asprintf("%zu resources in state, %zu wanted", pk_map_len(state->resources), n);
    if (json_object_size(world) != n)
        return pk_asprintf("%zu resources exist, %zu wanted", json_object_size(world), n);
    for (size_t i = 0; i < n; i++) {
        const struct pk_state_resource *r = pk_state_find(state, specs[i].key);
        if (!r || r->status != PK_STATUS_READY || r->pending || json_array_size(r->deposed) > 0)
            return pk_asprintf("%s is not settled in state", specs[i].key);
        json_t *there = r->physical_id ? json_object_get(world, r->physical_id) : NULL;
        if (!there || !pk_streq(pk_json_str(there, "key", NULL), specs[i].key))
            return pk_asprintf("%s does not exist as state says", specs[i].key);
        if (!pk_json_equal(json_object_get(there, "properties"), r->properties))
            return pk_asprintf("%s differs from what state says", specs[i].key);
        if (!pk_streq(pk_json_str(there, "lineage", NULL), state->lineage))
            return pk_asprintf("%s does not carry the lineage", specs[i].key);
    }
    return NULL;
}

PK_UNUSED static size_t count_ledger(struct site *site, const char *verb, const char *key) {
    json_auto_t *ledger = pk_mem_world_ledger(site->world);
    size_t n = 0, i;
    json_t *entry;
    json_array_foreach(ledger, i, entry) {
        n += pk_streq(pk_json_str(entry, "verb", NULL), verb) &&
             (!key || pk_streq(pk_json_str(entry, "key", NULL), key));
    }
    return n;
}

/* Place of the first entry of that verb and key in the ledger; fails when there is none. */
PK_UNUSED static size_t ledger_place(struct site *site, const char *verb, const char *key) {
    json_auto_t *ledger = pk_mem_world_ledger(site->world);
    size_t i;
    json_t *entry;
    json_array_foreach(ledger, i, entry) {
        if (pk_streq(pk_json_str(entry, "verb", NULL), verb) &&
            pk_streq(pk_json_str(entry, "key", NULL), key))
            return i;
    }
    fail_msg("no %s of %s", verb, key);
    return 0;
}

/* PANKA_SHOW=1: what undisturbed runs wanted and what became of it. */
static void show_run(const struct deployment *d) {
    if (!getenv("PANKA_SHOW"))
        return;
    fprintf(stderr, "--- run\n");
    for (size_t i = 0; i < d->plan->actions.len; i++) {
        const struct pk_action *a = d->plan->actions.items[i];
        if (a->kind != PK_ACTION_NOOP)
            fprintf(stderr, "  %s %s: %s\n", pk_action_text(a->kind), a->key,
                    a->reason ? a->reason : "");
    }
    for (size_t i = 0; d->ran && i < d->result.n_actions; i++) {
        const struct pk_action_result *r = &d->result.actions[i];
        if (!r->done)
            fprintf(stderr, "  not done: %s %s: %s\n", pk_action_text(r->action->kind),
                    r->action->key, r->error ? r->error->message : r->note);
    }
}

/* Runs again until nothing is left to do; at most `max` runs. False when that is not enough. */
static bool converge(struct site *site, const struct node_spec *specs, size_t n,
                     const struct pk_plan_options *options, size_t max) {
    site->die_at = 0;
    atomic_store(&site->dead, false);
    for (size_t i = 0; i <= max; i++) {
        struct deployment d;
        bool planned = prepare(site, &d, specs, n, options);
        bool done = planned && !pk_plan_has_changes(d.plan);
        if (planned && !done && i < max)
            execute(site, &d);
        if (planned)
            show_run(&d);
        else if (d.err)
            fprintf(stderr, "cannot plan: %s\n", d.err->message);
        deployment_release(&d);
        if (done)
            return true;
    }
    return false;
}

PK_UNUSED static void assert_settled(struct site *site, const struct node_spec *specs, size_t n) {
    char *trouble = check_settled(site, specs, n);
    if (trouble) {
        print_trouble(site);
        fail_msg("%s", trouble);
    }
}

#define DEPLOY(site, d, specs) deploy(site, d, specs, PK_ARRAY_LEN(specs), NULL)
#define ASSERT_OK(d)                                                                               \
    do {                                                                                           \
        if (!(d)->ok)                                                                              \
            fail_msg("run failed: %s", (d)->err ? (d)->err->message : "?");                        \
    } while (0)

#endif
