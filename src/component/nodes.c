/* nodes.c - nodes of the graph: identity, names, policy, edges between components. */
#include "component/internal.h"

#include "base/str.h"

#include <string.h>

const char *pk_x_key(struct pk_expansion *x, const struct pk_component *c, const char *sub) {
    if (!c)
        return pk_arena_printf(x->arena, "_stack:%s", sub);
    return sub ? pk_arena_printf(x->arena, "%s:%s", c->key, sub) : c->key;
}

/* Some names have room for 32 or 64 characters: their sub ids are shortened. */
static const char *short_sub(const char *sub) {
    static const char *const shorter[][2] = {
        {"execution-role", "exec"}, {"task-role", "task"},    {"scheduler-role", "sched"},
        {"monitoring-role", "mon"}, {"security-group", "sg"}, {"target-group", "tg"},
        {"task-definition", NULL}, /* revisions of one family, named after the component */
    };
    for (size_t i = 0; sub && i < PK_ARRAY_LEN(shorter); i++)
        if (strcmp(shorter[i][0], sub) == 0)
            return shorter[i][1];
    return sub;
}

/* "service/name" as key: the name alone would mean two components. */
static bool shares_name(const struct pk_component *c) {
    return strchr(c->key, '/') != NULL;
}

const char *pk_x_base(struct pk_expansion *x, const struct pk_component *c, const char *sub) {
    const struct pk_project *p = x->project;
    const char *parts[] = {
        p->tenant,          p->name,
        p->environment,     c && shares_name(c) ? c->service->name : NULL,
        c ? c->name : NULL, short_sub(sub),
    };
    return pk_name_base(x->arena, parts, PK_ARRAY_LEN(parts));
}

static bool is_text(const char *a, const char *b) {
    return strcmp(a ? a : "", b ? b : "") == 0;
}

const struct pk_state_resource *pk_x_recorded(struct pk_expansion *x, const struct pk_component *c,
                                              const char *sub, const char *type) {
    const struct pk_state *state = x->env->state;
    if (!state)
        return NULL;
    const char *service = c ? c->service->name : "", *component = c ? c->name : "";
    const struct pk_state_resource *r = pk_map_get(state->resources, pk_x_key(x, c, sub));
    if (r && is_text(r->service, service) && is_text(r->component, component) &&
        is_text(r->sub, sub))
        return strcmp(r->type, type) == 0 ? r : NULL;
    /* keys change when a second service takes the same component name: identity does not */
    size_t cursor = 0;
    void *item;
    while (c && pk_map_next(state->resources, &cursor, NULL, &item)) {
        r = item;
        if (is_text(r->service, service) && is_text(r->component, component) &&
            is_text(r->sub, sub) && strcmp(r->type, type) == 0)
            return r;
    }
    return NULL;
}

static unsigned generation_of(struct pk_expansion *x, const char *key,
                              const struct pk_state_resource *recorded) {
    const unsigned *wanted = x->env->generations ? pk_map_get(x->env->generations, key) : NULL;
    if (wanted)
        return *wanted;
    return recorded ? recorded->generation : 0;
}

static bool is_fifo(const struct pk_component *c) {
    return c && (pk_streq(pk_spec_str(c, "type"), "fifo") || pk_spec_bool(c, "fifoTopic"));
}

/* Queues and topics in order end with ".fifo"; bucket names are global, so the account is part of
 * them. */
static const char *suffix_of(struct pk_expansion *x, const struct pk_component *c,
                             const char *type) {
    if (strcmp(type, "AWS::S3::Bucket") == 0)
        return pk_arena_printf(x->arena, "-%s", x->env->account_id);
    if (strcmp(type, "AWS::SQS::Queue") == 0 || strcmp(type, "AWS::SNS::Topic") == 0)
        return is_fifo(c) ? ".fifo" : NULL;
    return NULL;
}

/* ECS log groups have a path of their own; secrets are paths as well. */
static const char *path_base(struct pk_expansion *x, const struct pk_component *c, const char *sub,
                             const char *type) {
    const struct pk_project *p = x->project;
    bool log_group = strcmp(type, "AWS::Logs::LogGroup") == 0;
    const char *tenant = p->tenant ? p->tenant : "", *slash = *tenant ? "/" : "";
    if (log_group && c)
        return pk_arena_printf(x->arena, "/panka/%s%s%s/%s/%s/%s", tenant, slash, p->name,
                               p->environment, c->service->name, c->name);
    if (log_group)
        return pk_arena_printf(x->arena, "/panka/%s%s%s/%s/_stack/%s", tenant, slash, p->name,
                               p->environment, sub);
    const char *service = c && shares_name(c) ? c->service->name : "";
    const char *base = pk_arena_printf(x->arena, "%s%s%s/%s/%s%s%s%s%s", tenant, slash, p->name,
                                       p->environment, service, *service ? "/" : "",
                                       c ? c->name : "_stack", sub ? "/" : "", sub ? sub : "");
    /* Secrets Manager takes "-" and six characters at the end for its own random part */
    size_t n = strlen(base);
    return n > 7 && base[n - 7] == '-' ? pk_arena_printf(x->arena, "%s-value", base) : base;
}

static const char *generated_name(struct pk_expansion *x, const struct pk_component *c,
                                  const char *sub, const char *type, unsigned generation) {
    struct pk_name_rule rule = *pk_name_rule(type);
    rule.suffix = suffix_of(x, c, type);
    const char *base;
    if (strcmp(type, "AWS::Logs::LogGroup") == 0 ||
        strcmp(type, "AWS::SecretsManager::Secret") == 0)
        base = path_base(x, c, sub, type);
    else
        base = pk_x_base(x, c, sub);
    if (pk_starts_with(base, "internal-") || pk_starts_with(base, "sg-"))
        base = pk_arena_printf(x->arena, "p-%s", base); /* reserved by ELB and EC2 */
    return pk_name_make(x->arena, base, &rule, generation);
}

/* Written by the user: `name`, or what some kinds call it. */
static const char *explicit_name(const struct pk_component *c, const char *sub, const char *type) {
    if (!c || sub)
        return NULL;
    const char *name = pk_spec_str(c, "name");
    if (!name && strcmp(type, "AWS::DynamoDB::Table") == 0)
        name = pk_spec_str(c, "tableName");
    if (!name && strcmp(type, "AWS::S3::Bucket") == 0)
        name = pk_spec_str(c, "bucket.name");
    return name && *name ? name : NULL;
}

static const char *named(struct pk_expansion *x, const struct pk_component *c, const char *sub,
                         const char *type, unsigned *ret_generation) {
    const struct pk_state_resource *recorded = pk_x_recorded(x, c, sub, type);
    unsigned generation = generation_of(x, pk_x_key(x, c, sub), recorded);
    /* a task definition that is replaced is a new revision, not a new family */
    bool revised = strcmp(type, "AWS::ECS::TaskDefinition") == 0;
    *ret_generation = generation;
    if (!pk_name_rule(type))
        return NULL;
    const char *name = explicit_name(c, sub, type);
    if (name)
        return name;
    if (recorded && recorded->name && *recorded->name &&
        (revised || recorded->generation == generation))
        return pk_arena_strdup(x->arena, recorded->name);
    return generated_name(x, c, sub, type, revised ? 0 : generation);
}

const char *pk_x_name_of(struct pk_expansion *x, const struct pk_component *c, const char *sub,
                         const char *type) {
    const struct pk_resource *r = pk_graph_find(x->graph, pk_x_key(x, c, sub));
    if (r && r->name && strcmp(r->type, type) == 0)
        return r->name;
    unsigned generation;
    return named(x, c, sub, type, &generation);
}

static void set_name(struct pk_expansion *x, struct pk_resource *r, const char *name) {
    r->name = pk_arena_strdup(x->arena, name);
    const char *property = pk_name_property(r->type);
    if (property && name)
        pk_resource_set(x->graph, r, property, pk_json_text(name), r->span);
    if (json_object_get(r->tags, "Name"))
        json_object_set_new(r->tags, "Name", pk_json_text(name));
}

void pk_x_explicit_name(struct pk_expansion *x, struct pk_resource *r, const char *name) {
    if (!name || !*name)
        return;
    r->name_explicit = true;
    set_name(x, r, name);
}

static bool is_redeployed(struct pk_expansion *x, const struct pk_component *c) {
    for (size_t i = 0; i < x->env->n_redeploy; i++)
        if (pk_streq(x->env->redeploy[i], c->name) || pk_streq(x->env->redeploy[i], c->address))
            return true;
    return false;
}

bool pk_x_deletion_protection(struct pk_expansion *x, const struct pk_component *c) {
    const json_t *written = pk_spec_get(c, "deletionProtection");
    if (json_is_boolean(written) && pk_spec_written(c, "deletionProtection"))
        return json_is_true(written);
    const struct pk_kind *kind = pk_kind_by_name(c->kind);
    return kind && kind->stateful && pk_x_is_production(x);
}

static void set_policy(struct pk_expansion *x, const struct pk_component *c,
                       struct pk_resource *r) {
    const struct pk_kind *kind = pk_kind_by_name(c->kind);
    r->primary = *r->sub == 0;
    r->stateful = r->primary && kind && kind->stateful;
    r->protect = r->primary && pk_x_deletion_protection(x, c);
    r->force_destroy = pk_spec_bool(c, "forceDestroy");
    r->final_snapshot = r->stateful && !json_is_false(pk_spec_get(c, "finalSnapshot"));
    r->retain_on_delete = pk_spec_bool(c, "retainOnDelete");
    r->force_update = r->primary && is_redeployed(x, c);
}

struct pk_resource *pk_x_node(struct pk_expansion *x, const struct pk_component *c, const char *sub,
                              const char *type) {
    struct pk_resource *r = pk_graph_add(x->graph, pk_x_key(x, c, sub), type);
    r->kind = pk_arena_strdup(x->arena, c->kind);
    r->service = pk_arena_strdup(x->arena, c->service->name);
    r->component = pk_arena_strdup(x->arena, c->name);
    r->sub = sub ? pk_arena_strdup(x->arena, sub) : "";
    r->span = c->span;
    set_policy(x, c, r);
    const char *name = named(x, c, sub, type, &r->generation);
    pk_x_set_tags(x, c, r);
    if (name)
        set_name(x, r, name);
    r->name_explicit = name && explicit_name(c, sub, type);
    return r;
}

struct pk_resource *pk_x_stack_node(struct pk_expansion *x, const char *sub, const char *type,
                                    bool *ret_new) {
    const char *key = pk_x_key(x, NULL, sub);
    struct pk_resource *r = pk_graph_find(x->graph, key);
    *ret_new = r == NULL;
    if (r)
        return r;
    r = pk_graph_add(x->graph, key, type);
    r->kind = "Stack";
    r->service = r->component = "";
    r->sub = pk_arena_strdup(x->arena, sub);
    r->span = x->project->meta.span;
    const char *name = named(x, NULL, sub, type, &r->generation);
    pk_x_set_tags(x, NULL, r);
    if (name)
        set_name(x, r, name);
    return r;
}

void pk_x_needs(struct pk_expansion *x, struct pk_resource *from, struct pk_resource *to,
                const char *why) {
    if (from && to)
        pk_graph_edge(x->graph, from, to, PK_EDGE_HARD, why ? why : "needs", from->span);
}

void pk_x_wait_for(struct pk_expansion *x, struct pk_resource *from, const struct pk_component *to,
                   enum pk_strength strength, const char *why, struct pk_span span) {
    if (!from || !to || !pk_x_active(to))
        return;
    struct pk_x_wait *wait = pk_arena_alloc(x->arena, sizeof(*wait));
    *wait = (struct pk_x_wait){from, to, strength, pk_arena_strdup(x->arena, why), span};
    pk_vec_push(&x->waits, wait);
}

void pk_x_ready_gate(struct pk_expansion *x, const struct pk_component *c,
                     struct pk_resource *gate) {
    pk_map_set(x->gates, c->address, gate);
}

static struct pk_resource *gate_of(struct pk_expansion *x, const struct pk_component *c) {
    struct pk_resource *gate = pk_map_get(x->gates, c->address);
    return gate ? gate : pk_graph_find(x->graph, c->key);
}

void pk_x_draw_waits(struct pk_expansion *x) {
    for (size_t i = 0; i < x->waits.len; i++) {
        const struct pk_x_wait *wait = x->waits.items[i];
        struct pk_resource *gate = gate_of(x, wait->to);
        if (gate)
            pk_graph_edge(x->graph, wait->from, gate, wait->strength, wait->why, wait->span);
    }
}

bool pk_x_active(const struct pk_component *c) {
    return c->enabled && c->table->offered;
}

bool pk_x_is_production(struct pk_expansion *x) {
    const char *environment = x->project->environment;
    return pk_streq(environment, "production") || pk_streq(environment, "prod") ||
           pk_streq(environment, "live");
}

static void drop_json(void *data) {
    json_decref(data);
}

json_t *pk_x_keep(struct pk_expansion *x, json_t *value) {
    if (value)
        pk_arena_on_free(x->arena, drop_json, value);
    return value;
}

struct pk_diag *pk_x_finding(struct pk_expansion *x, const struct pk_component *c,
                             enum pk_severity severity, const char *id, const char *path,
                             const char *fmt, ...) {
    va_list args;
    va_start(args, fmt);
    const char *message = pk_arena_vprintf(x->arena, fmt, args);
    va_end(args);
    struct pk_span span = path ? pk_spec_span(c, path) : c->span;
    struct pk_diag *d = pk_diag(x->diags, severity, id, span.src ? span : c->span, "%s", message);
    return pk_diag_address(x->diags, d, "%s", c->address);
}
