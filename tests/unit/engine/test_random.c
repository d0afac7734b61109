/*
 * Random configurations, random faults, random deaths (failure-model G12). After every disturbed
 * run the configuration may even change again; two undisturbed runs must settle everything, and a
 * destroy must leave nothing behind. PANKA_CASES sets the number of cases, PANKA_SEED the first.
 */
#include "harness.h"

#define MAX_NODES 12
#define MAX_STEPS 5

struct dice {
    uint64_t state;
};

static unsigned roll(struct dice *d, unsigned sides) {
    d->state ^= d->state << 13;
    d->state ^= d->state >> 7;
    d->state ^= d->state << 17;
    return (unsigned)((d->state >> 20) % sides);
}

struct config {
    struct node_spec specs[MAX_NODES];
    size_t n;
    char keys[MAX_NODES][8];
    char properties[MAX_NODES][512];
};

/* What is remembered of a node between two configurations. */
struct trait {
    unsigned type, size, fixed, first;
    bool there, refers_fixed;
    unsigned rank;
    unsigned refs; /* bits */
};

struct campaign {
    struct dice dice;
    struct site site;
    struct trait nodes[MAX_NODES];
    unsigned fault_rate; /* of 1,000 calls */
};

static void shuffle_ranks(struct campaign *c) {
    for (unsigned i = 0; i < MAX_NODES; i++)
        c->nodes[i].rank = i;
    for (unsigned i = MAX_NODES - 1; i > 0; i--) {
        unsigned k = roll(&c->dice, i + 1), rank = c->nodes[i].rank;
        c->nodes[i].rank = c->nodes[k].rank;
        c->nodes[k].rank = rank;
    }
}

static void change(struct campaign *c) {
    if (roll(&c->dice, 4) == 0)
        shuffle_ranks(c);
    for (unsigned i = 0; i < MAX_NODES; i++) {
        struct trait *t = &c->nodes[i];
        if (roll(&c->dice, 5) == 0)
            t->there = !t->there;
        if (roll(&c->dice, 4) == 0)
            t->size = roll(&c->dice, 4);
        if (roll(&c->dice, 8) == 0)
            t->fixed = roll(&c->dice, 3);
        if (roll(&c->dice, 12) == 0)
            t->first = roll(&c->dice, 3);
        if (roll(&c->dice, 4) == 0)
            t->refs = roll(&c->dice, 1U << MAX_NODES) & roll(&c->dice, 1U << MAX_NODES);
        if (roll(&c->dice, 10) == 0)
            t->refers_fixed = !t->refers_fixed;
    }
}

static void start(struct campaign *c, uint64_t seed) {
    memset(c, 0, sizeof(*c));
    c->dice.state = seed * 0x9E3779B97F4A7C15ULL + 1;
    for (int i = 0; i < 8; i++)
        roll(&c->dice, 2);
    site_init(&c->site);
    c->site.any = c;
    shuffle_ranks(c);
    for (unsigned i = 0; i < MAX_NODES; i++) {
        c->nodes[i].type = roll(&c->dice, 4);
        c->nodes[i].there = roll(&c->dice, 3) > 0;
    }
    change(c);
}

static void describe(const struct campaign *c, struct config *ret) {
    static const char *const types[] = {"T::Named", "T::Plain", "T::Natural", "T::Def"};
    memset(ret, 0, sizeof(*ret));
    for (unsigned i = 0; i < MAX_NODES; i++) {
        const struct trait *t = &c->nodes[i];
        if (!t->there)
            continue;
        size_t at = ret->n++;
        struct pk_buf text = PK_BUF_INIT(512);
        const char *fixed_ref = NULL;
        char first_ref[16];
        snprintf(ret->keys[at], sizeof(ret->keys[at]), "n%u", i);
        pk_buf_addf(&text, "{\"Id\": %u, \"Size\": %u, \"First\": \"%u\", \"Of\": [", i, t->size,
                    t->first);
        bool any = false;
        for (unsigned k = 0; k < MAX_NODES; k++) {
            const struct trait *to = &c->nodes[k];
            if (!(t->refs & (1U << k)) || !to->there || to->rank >= t->rank)
                continue;
            pk_buf_addf(&text, "%s\"@n%u.%s\"", any ? ", " : "", k, k % 2 ? "Arn" : "Ref");
            any = true;
            snprintf(first_ref, sizeof(first_ref), "@n%u.Ref", k);
            fixed_ref = first_ref;
        }
        if (t->refers_fixed && fixed_ref)
            pk_buf_addf(&text, "], \"Fixed\": \"%s\"}", fixed_ref);
        else
            pk_buf_addf(&text, "], \"Fixed\": \"%u\"}", t->fixed);
        snprintf(ret->properties[at], sizeof(ret->properties[at]), "%s", pk_buf_cstr(&text));
        pk_buf_release(&text);
        ret->specs[at] = (struct node_spec){
            ret->keys[at], types[t->type], ret->properties[at], NULL, 0, 0, 0, NULL};
    }
}

static enum pk_mem_fate random_fate(struct site *site, const struct pk_mem_call *call) {
    static const enum pk_mem_fate fates[] = {PK_MEM_REFUSED, PK_MEM_NOT_SENT, PK_MEM_REPLY_LOST,
                                             PK_MEM_BROKEN};
    struct campaign *c = site->any;
    if (roll(&c->dice, 1000) >= c->fault_rate)
        return PK_MEM_OK;
    enum pk_mem_fate fate = fates[roll(&c->dice, 4)];
    return fate == PK_MEM_BROKEN && call->verb != PK_MEM_CREATE ? PK_MEM_REFUSED : fate;
}

/* A second thread of dice: events arrive on the coordinator, fates on workers. */
struct interrupter {
    struct pk_cancel cancel;
    unsigned after, seen;
    int level;
};

static void maybe_interrupt(void *ctx, const struct pk_event *event) {
    struct interrupter *i = ctx;
    if (event->kind != PK_EVENT_TICK && i->after > 0 && ++i->seen == i->after)
        pk_cancel_raise(&i->cancel, i->level);
}

/* One run that may be disturbed in every way at once. */
static void disturbed_run(struct campaign *c, const struct config *config) {
    struct site *site = &c->site;
    struct deployment d;
    struct interrupter interrupter = {.after = 0};
    atomic_store(&site->dead, false);
    atomic_store(&site->events, 0);
    site->die_at = roll(&c->dice, 3) == 0 ? 1 + roll(&c->dice, 60) : 0;
    site->death = roll(&c->dice, 2) ? DIES_BEFORE : DIES_AFTER;
    site->parallelism = 1 + roll(&c->dice, 6);
    site->script.polls = roll(&c->dice, 3);
    site->waves = roll(&c->dice, 6) == 0;
    site->script.no_tokens = roll(&c->dice, 2) == 0;
    c->fault_rate = roll(&c->dice, 2) ? roll(&c->dice, 300) : 0;
    if (roll(&c->dice, 4) == 0) {
        interrupter.after = 1 + roll(&c->dice, 30);
        interrupter.level = roll(&c->dice, 2) ? PK_CANCEL_STOP : PK_CANCEL_NOW;
        site->cancel = &interrupter.cancel;
        site->on_event = maybe_interrupt;
        site->event_ctx = &interrupter;
    }
    site->fate = random_fate;
    if (prepare(site, &d, config->specs, config->n, NULL))
        execute(site, &d);
    deployment_release(&d);
    site->fate = NULL;
    site->cancel = NULL;
    site->on_event = NULL;
    site->waves = false;
}

static char *settle(struct campaign *c, const struct config *config,
                    const struct pk_plan_options *options) {
    size_t n = options ? 0 : config->n;
    if (!converge(&c->site, config->specs, n, options, 2))
        return pk_strdup("two undisturbed runs were not enough");
    return check_settled(&c->site, config->specs, n);
}

static void run_case(uint64_t seed) {
    static const struct pk_plan_options destroy = {.destroy = true};
    struct campaign *c = pk_calloc(1, sizeof(*c));
    struct config *config = pk_calloc(1, sizeof(*config));
    start(c, seed);
    char *trouble = NULL;
    unsigned step, steps = 1 + roll(&c->dice, MAX_STEPS);
    for (step = 0; step < steps && !trouble; step++) {
        unsigned runs = 1 + roll(&c->dice, 3);
        for (unsigned i = 0; i < runs; i++) {
            if (i == 0 || roll(&c->dice, 3) == 0)
                change(c);
            describe(c, config);
            disturbed_run(c, config);
        }
        if (roll(&c->dice, 3) > 0)
            trouble = settle(c, config, NULL);
    }
    if (!trouble)
        trouble = settle(c, config, &destroy);
    if (trouble) {
        print_trouble(&c->site);
        fail_msg("seed %llu, step %u: %s", (unsigned long long)seed, step, trouble);
    }
    site_release(&c->site);
    free(config);
    free(c);
}

static uint64_t number(const char *name, uint64_t fallback) {
    const char *text = getenv(name);
    return text && *text ? strtoull(text, NULL, 10) : fallback;
}

static void test_campaign(void **state) {
    (void)state;
    uint64_t first = number("PANKA_SEED", 1), cases = number("PANKA_CASES", 300);
    for (uint64_t i = 0; i < cases; i++)
        run_case(first + i);
}

int main(void) {
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_campaign)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
