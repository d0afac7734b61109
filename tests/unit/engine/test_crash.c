/*
 * Crashes: the program dies at every journal write and at every call to the provider, once before
 * and once after the effect. A re-run from the last durable state converges: nothing is lost,
 * nothing is there twice (failure-model G1, G3 on the in-memory provider).
 */
#include "harness.h"

static const struct node_spec first[] = {
    {"net", "T::Plain", "{\"Cidr\": \"10.0.0.0/16\", \"Fixed\": \"a\"}", NULL, 0, 0, 0, NULL},
    {"sub-a", "T::Plain", "{\"Net\": \"@net.Ref\", \"Zone\": \"a\"}", NULL, 0, 0, 0, NULL},
    {"sub-b", "T::Plain", "{\"Net\": \"@net.Ref\", \"Zone\": \"b\"}", NULL, 0, 0, 0, NULL},
    {"sg", "T::Plain", "{\"Net\": \"@net.Ref\", \"Fixed\": \"one\"}", NULL, 0, 0, 0, NULL},
    {"rule", "T::Natural", "{\"Group\": \"@sg.Ref\", \"Port\": 80}", NULL, 0, 0, 0, NULL},
    {"queue", "T::Named", "{\"Delay\": 0, \"Fixed\": \"std\"}", NULL, 0, 0, 0, NULL},
    {"role", "T::Named", "{\"Policy\": \"@queue.Arn\"}", NULL, 0, 0, 0, NULL},
    {"db", "T::Named", "{\"Subnets\": [\"@sub-a.Ref\", \"@sub-b.Ref\"], \"Size\": 10}", NULL, 1, 0,
     0, NULL},
    {"def", "T::Def", "{\"Role\": \"@role.Arn\", \"Image\": \"v1\"}", NULL, 0, 0, 0, NULL},
    {"svc", "T::Named", "{\"Def\": \"@def.Ref\", \"Groups\": [\"@sg.Ref\"], \"First\": \"x\"}",
     "db", 0, 0, 0, NULL},
    {"alarm", "T::Named", "{\"Of\": \"@svc.Ref\"}", NULL, 0, 0, 0, NULL},
    {"old", "T::Natural", "{\"Of\": \"@queue.Ref\"}", NULL, 0, 0, 0, NULL},
};

/* Updates (net, db, rule), create-first replacement of a nameless (sg) and of a named one (queue),
 * a new revision (def), delete first (svc), one less (old), one more (extra). */
static const struct node_spec second[] = {
    {"net", "T::Plain", "{\"Cidr\": \"10.0.0.0/16\", \"Fixed\": \"a\", \"Dns\": true}", NULL, 0, 0,
     0, NULL},
    {"sub-a", "T::Plain", "{\"Net\": \"@net.Ref\", \"Zone\": \"a\"}", NULL, 0, 0, 0, NULL},
    {"sub-b", "T::Plain", "{\"Net\": \"@net.Ref\", \"Zone\": \"b\"}", NULL, 0, 0, 0, NULL},
    {"sg", "T::Plain", "{\"Net\": \"@net.Ref\", \"Fixed\": \"two\"}", NULL, 0, 0, 0, NULL},
    {"rule", "T::Natural", "{\"Group\": \"@sg.Ref\", \"Port\": 443}", NULL, 0, 0, 0, NULL},
    {"queue", "T::Named", "{\"Delay\": 5, \"Fixed\": \"fifo\"}", NULL, 0, 0, 0, NULL},
    {"role", "T::Named", "{\"Policy\": \"@queue.Arn\"}", NULL, 0, 0, 0, NULL},
    {"db", "T::Named", "{\"Subnets\": [\"@sub-a.Ref\", \"@sub-b.Ref\"], \"Size\": 20}", NULL, 1, 0,
     0, NULL},
    {"def", "T::Def", "{\"Role\": \"@role.Arn\", \"Image\": \"v2\"}", NULL, 0, 0, 0, NULL},
    {"svc", "T::Named", "{\"Def\": \"@def.Ref\", \"Groups\": [\"@sg.Ref\"], \"First\": \"y\"}",
     "db", 0, 0, 0, NULL},
    {"alarm", "T::Named", "{\"Of\": \"@svc.Ref\"}", NULL, 0, 0, 0, NULL},
    {"extra", "T::Named", "{\"Of\": \"@db.Ref\"}", NULL, 0, 0, 0, NULL},
};

enum phase { CREATES, CHANGES, DESTROYS };

static const struct pk_plan_options destroy_options = {.destroy = true};

struct goal {
    const struct node_spec *specs;
    size_t n;
    const struct pk_plan_options *options;
};

static struct goal goal_of(enum phase phase) {
    if (phase == CREATES)
        return (struct goal){first, PK_ARRAY_LEN(first), NULL};
    if (phase == CHANGES)
        return (struct goal){second, PK_ARRAY_LEN(second), NULL};
    return (struct goal){second, 0, &destroy_options};
}

static void bring_up(struct site *site, enum phase phase) {
    for (enum phase p = CREATES; p < phase; p++) {
        struct goal goal = goal_of(p);
        struct deployment d;
        deploy(site, &d, goal.specs, goal.n, goal.options);
        ASSERT_OK(&d);
        deployment_release(&d);
    }
    atomic_store(&site->events, 0);
}

/* Number of events of a whole run. */
static size_t rehearse(enum phase phase, unsigned parallelism, unsigned polls) {
    struct site site;
    struct deployment d;
    struct goal goal = goal_of(phase);
    site_init(&site);
    site.script.polls = polls;
    bring_up(&site, phase);
    site.parallelism = parallelism;
    deploy(&site, &d, goal.specs, goal.n, goal.options);
    ASSERT_OK(&d);
    deployment_release(&d);
    if (goal.n > 0)
        assert_settled(&site, goal.specs, goal.n);
    else
        assert_int_equal(pk_mem_world_count(site.world), 0);
    size_t n = atomic_load(&site.events);
    site_release(&site);
    return n;
}

static bool without_tokens;

static void crash_at(enum phase phase, size_t event, enum death death, unsigned parallelism,
                     unsigned polls) {
    struct site site;
    struct deployment d;
    struct goal goal = goal_of(phase);
    site_init(&site);
    site.script.polls = polls;
    site.script.no_tokens = without_tokens;
    bring_up(&site, phase);
    site.parallelism = parallelism;
    site.die_at = event;
    site.death = death;
    deploy(&site, &d, goal.specs, goal.n, goal.options);
    deployment_release(&d);
    bool settled = converge(&site, goal.specs, goal.n, goal.options, 2);
    char *trouble PK_CLEANUP(pk_freep) = check_settled(&site, goal.specs, goal.n);
    if (!settled || trouble) {
        print_trouble(&site);
        fail_msg("phase %d, event %zu, %s, parallelism %u: %s", phase, event,
                 death == DIES_BEFORE ? "before" : "after", parallelism,
                 trouble ? trouble : "two re-runs were not enough");
    }
    if (phase == CREATES) /* nothing was made twice */
        for (size_t i = 0; i < goal.n; i++)
            if (count_ledger(&site, "create", goal.specs[i].key) != 1)
                fail_msg("event %zu: %s was made %zu times", event, goal.specs[i].key,
                         count_ledger(&site, "create", goal.specs[i].key));
    site_release(&site);
}

static void crash_everywhere(enum phase phase, unsigned parallelism, unsigned polls) {
    size_t n = rehearse(phase, parallelism, polls);
    assert_true(n > 12);
    for (size_t event = 1; event <= n + 2; event++) {
        crash_at(phase, event, DIES_BEFORE, parallelism, polls);
        crash_at(phase, event, DIES_AFTER, parallelism, polls);
    }
}

static void test_creates(void **state) {
    (void)state;
    crash_everywhere(CREATES, 1, 0);
    crash_everywhere(CREATES, 4, 0);
}

static void test_changes(void **state) {
    (void)state;
    crash_everywhere(CHANGES, 1, 0);
    crash_everywhere(CHANGES, 4, 0);
}

static void test_destroys(void **state) {
    (void)state;
    crash_everywhere(DESTROYS, 1, 0);
    crash_everywhere(DESTROYS, 4, 0);
}

/* With waits in between: ids are recorded before the resource is ready. */
static void test_waits(void **state) {
    (void)state;
    crash_everywhere(CREATES, 4, 2);
    crash_everywhere(CHANGES, 4, 2);
}

/* Services that know no tokens: what was made is found again by its tags. */
static void test_without_tokens(void **state) {
    (void)state;
    without_tokens = true;
    crash_everywhere(CREATES, 1, 1);
    crash_everywhere(CHANGES, 4, 0);
    without_tokens = false;
}

/* The configuration is given up after the crash. What is left over when it dies at `event`. */
static size_t left_over(size_t event, enum death death, bool forgets_intents) {
    struct site site;
    struct deployment d;
    site_init(&site);
    site.die_at = event;
    site.death = death;
    site.forgets_intents = forgets_intents;
    DEPLOY(&site, &d, first);
    deployment_release(&d);
    bool settled = converge(&site, first, 0, &destroy_options, 2);
    size_t n = pk_mem_world_count(site.world);
    if (!forgets_intents)
        assert_true(settled);
    site_release(&site);
    return n;
}

/* INTENT: even when the next run is a destroy, nothing of the dead one is left. The negative
 * control: without intents there would be orphans. */
static void test_destroy_after_crash(void **state) {
    (void)state;
    size_t n = rehearse(CREATES, 4, 0), orphans = 0;
    for (size_t event = 1; event <= n; event++) {
        assert_int_equal(left_over(event, DIES_BEFORE, false), 0);
        assert_int_equal(left_over(event, DIES_AFTER, false), 0);
        orphans += left_over(event, DIES_AFTER, true);
    }
    assert_true(orphans > 0);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_creates),        cmocka_unit_test(test_changes),
        cmocka_unit_test(test_destroys),       cmocka_unit_test(test_waits),
        cmocka_unit_test(test_without_tokens), cmocka_unit_test(test_destroy_after_crash),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
