/* lb_plan.c - the shared load balancers of a stack, seen over all components. */
#include "component/health.h"
#include "component/internal.h"
#include "component/lb.h"

#include "base/hash.h"
#include "base/str.h"

#include <string.h>

#define DEFAULT_SSL_POLICY "ELBSecurityPolicy-TLS13-1-2-2021-06"
#define DEFAULT_IDLE 60
#define MAX_PRIORITY 50000
#define CATCH_ALL_PRIORITY MAX_PRIORITY
#define MAX_RULE_VALUES 5
#define MAX_RULES 100

bool pk_lb_wanted(const struct pk_component *c) {
    const json_t *enabled = pk_spec_get(c, "loadBalancer.enabled");
    if (json_is_boolean(enabled))
        return json_is_true(enabled);
    return pk_spec_bool(c, "ingress.enabled");
}

bool pk_lb_is_network(const struct pk_component *c) {
    return pk_streq(pk_spec_str(c, "loadBalancer.type"), "network");
}

const json_t *pk_ports_primary(const struct pk_component *c) {
    const json_t *ports = pk_spec_get(c, "ports"), *first = NULL;
    for (size_t i = 0; i < json_array_size(ports); i++) {
        const json_t *port = json_array_get(ports, i);
        bool tcp = strcmp(pk_json_str(port, "protocol", "tcp"), "tcp") == 0;
        if (tcp && strcmp(pk_json_str(port, "name", ""), "http") == 0)
            return port;
        if (tcp && !first)
            first = port;
    }
    return first ? first : json_array_get(ports, 0);
}

const json_t *pk_lb_port(struct pk_expansion *x, const struct pk_component *c, bool report) {
    const char *wanted = pk_spec_str(c, "loadBalancer.port");
    const json_t *ports = pk_spec_get(c, "ports");
    int64_t number;
    if (!wanted)
        return pk_ports_primary(c);
    for (size_t i = 0; i < json_array_size(ports); i++) {
        const json_t *port = json_array_get(ports, i);
        if (strcmp(pk_json_str(port, "name", ""), wanted) == 0 ||
            (pk_parse_i64(pk_str(wanted), &number) && pk_json_int(port, "port", 0) == number))
            return port;
    }
    if (report) {
        struct pk_diag *d = pk_x_finding(x, c, PK_SEVERITY_ERROR, "lb.port", "loadBalancer.port",
                                         "`%s` is none of the declared ports", wanted);
        pk_diag_help(x->diags, d, "give the name or the number of an entry of `ports`");
    }
    return NULL;
}

struct pk_lb *pk_lb_of(struct pk_expansion *x, const struct pk_component *c) {
    return &x->lbs->shared[pk_spec_bool(c, "loadBalancer.internal") ? 1 : 0];
}

const struct pk_lb_member *pk_lb_member(struct pk_expansion *x, const struct pk_component *c) {
    for (size_t i = 0; x->lbs && i < PK_ARRAY_LEN(x->lbs->shared); i++)
        for (size_t k = 0; k < x->lbs->shared[i].members.len; k++) {
            const struct pk_lb_member *m = x->lbs->shared[i].members.items[k];
            if (m->c == c)
                return m;
        }
    return NULL;
}

/* --- what members bring ----------------------------------------------------------------------- */

static bool lets_all_in(const json_t *cidrs) {
    for (size_t i = 0; i < json_array_size(cidrs); i++)
        if (pk_streq(json_string_value(json_array_get(cidrs, i)), "0.0.0.0/0"))
            return true;
    return false;
}

json_t *pk_lb_cidrs(struct pk_expansion *x, const struct pk_component *c) {
    /* without a known VPC the private ranges stand for it (RFC 1918) */
    static const char *const private_ranges[] = {"10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16"};
    static const char *const everywhere = "0.0.0.0/0";
    const json_t *written = pk_spec_get(c, "loadBalancer.allowedCIDRs");
    bool internal = pk_spec_bool(c, "loadBalancer.internal");
    const char *vpc = pk_x_vpc_cidr(x);
    if (lets_all_in(written) || (json_array_size(written) == 0 && !internal))
        return pk_x_texts(&everywhere, 1); /* the rest is part of it */
    if (json_array_size(written) > 0) {
        json_t *copy = json_deep_copy(written);
        pk_json_sort_strings(copy);
        return copy;
    }
    return vpc ? pk_x_texts(&vpc, 1) : pk_x_texts(private_ranges, PK_ARRAY_LEN(private_ranges));
}

static void add_certificate(struct pk_expansion *x, struct pk_lb *lb,
                            const struct pk_component *c) {
    json_t *arn = pk_x_value(x, NULL, c, "loadBalancer.certificateArn");
    if (!arn || json_is_null(arn)) {
        json_decref(arn);
        return;
    }
    for (size_t i = 0; i < json_array_size(lb->certificates); i++)
        if (pk_json_equal(arn, json_array_get(lb->certificates, i))) {
            json_decref(arn);
            return;
        }
    json_array_append_new(lb->certificates, arn);
}

static void agree_on_policy(struct pk_expansion *x, struct pk_lb *lb,
                            const struct pk_component *c) {
    const char *policy = pk_spec_str(c, "loadBalancer.sslPolicy");
    if (!policy)
        return;
    if (!lb->ssl_policy)
        lb->ssl_policy = policy;
    if (strcmp(lb->ssl_policy, policy) == 0)
        return;
    struct pk_diag *d =
        pk_x_finding(x, c, PK_SEVERITY_ERROR, "lb.ssl-policy-conflict", "loadBalancer.sslPolicy",
                     "components behind one load balancer want different TLS policies");
    pk_diag_detail(x->diags, d, "another one has %s", lb->ssl_policy);
    pk_diag_help(x->diags, d, "give all of them the same `sslPolicy`");
}

static void join(struct pk_expansion *x, const struct pk_component *c) {
    struct pk_lb *lb = pk_lb_of(x, c);
    struct pk_lb_member *m = pk_arena_alloc(x->arena, sizeof(*m));
    m->c = c;
    m->host = pk_spec_str(c, "ingress.hostname");
    m->path = pk_spec_str(c, "ingress.path");
    if (m->path && (strcmp(m->path, "/") == 0 || strcmp(m->path, "/*") == 0))
        m->path = NULL; /* every path */
    m->priority = pk_spec_int(c, "loadBalancer.priority", 0);
    pk_vec_push(&lb->members, m);
    m->cidrs = pk_x_keep(x, pk_lb_cidrs(x, c));
    json_array_extend(lb->cidrs, m->cidrs);
    pk_json_sort_strings(lb->cidrs);
    if (lets_all_in(lb->cidrs)) {
        json_array_clear(lb->cidrs);
        json_array_append_new(lb->cidrs, json_string("0.0.0.0/0"));
    }
    lb->cidrs_written |= json_array_size(pk_spec_get(c, "loadBalancer.allowedCIDRs")) > 0;
    int64_t idle = pk_spec_int(c, "loadBalancer.idleTimeout", 0);
    if (idle > lb->idle_timeout)
        lb->idle_timeout = idle;
    lb->protect |= pk_x_deletion_protection(x, c);
    add_certificate(x, lb, c);
    agree_on_policy(x, lb, c);
}

/* --- listeners -------------------------------------------------------------------------------- */

static bool needs_https(struct pk_expansion *x, const struct pk_component *c) {
    const json_t *port = pk_lb_port(x, c, false);
    const char *app = pk_json_str(port, "appProtocol", "");
    return strcmp(app, "http2") == 0 || strcmp(app, "grpc") == 0;
}

static void choose_listener(struct pk_expansion *x, struct pk_lb *lb, struct pk_lb_member *m) {
    const char *wanted = pk_spec_str(m->c, "loadBalancer.listener");
    bool https = json_array_size(lb->certificates) > 0;
    struct pk_diag *d = NULL;
    bool secure = wanted ? strcmp(wanted, "https") == 0 : https;
    m->listener = secure ? "https" : "http";
    if (strcmp(m->listener, "https") == 0 && !https) {
        d = pk_x_finding(x, m->c, PK_SEVERITY_ERROR, "lb.no-certificate", "loadBalancer.listener",
                         "there is no https listener without a certificate");
        pk_diag_help(x->diags, d, "set `loadBalancer.certificateArn`");
    } else if (strcmp(m->listener, "http") == 0 && needs_https(x, m->c)) {
        d = pk_x_finding(x, m->c, PK_SEVERITY_ERROR, "lb.needs-https", "loadBalancer",
                         "HTTP/2 and gRPC targets need an https listener");
        pk_diag_help(x->diags, d,
                     "set `loadBalancer.certificateArn`, or remove `appProtocol` of the port");
    }
    if (d)
        m->listener = "http";
}

static void warn_no_tls(struct pk_expansion *x, const struct pk_lb *lb) {
    const struct pk_lb_member *first = lb->members.items[0];
    if (json_array_size(lb->certificates) > 0)
        return;
    struct pk_diag *d = pk_x_finding(x, first->c, PK_SEVERITY_WARNING, "lb.no-tls", "loadBalancer",
                                     "the load balancer speaks plain HTTP only");
    pk_diag_help(x->diags, d, "set `loadBalancer.certificateArn` to a certificate of ACM");
    for (size_t i = 0; i < lb->members.len; i++) {
        const struct pk_component *c = ((const struct pk_lb_member *)lb->members.items[i])->c;
        if (!pk_spec_str(c, "loadBalancer.sslPolicy"))
            continue;
        d = pk_x_finding(x, c, PK_SEVERITY_WARNING, "lb.ssl-policy-unused",
                         "loadBalancer.sslPolicy",
                         "a TLS policy without a certificate is not used");
        pk_diag_help(x->diags, d, "set `loadBalancer.certificateArn`, or remove `sslPolicy`");
    }
}

/* --- rules ------------------------------------------------------------------------------------ */

static size_t count_values(const struct pk_lb_member *m) {
    size_t n = m->host ? 1 : 0;
    if (m->path)
        n += strchr(m->path, '*') ? 1 : 2;
    else if (!m->host)
        n += 1;
    return n + (m->filters ? json_array_size(m->cidrs) : 0);
}

static void plan_rule(struct pk_expansion *x, const struct pk_lb *lb, struct pk_lb_member *m) {
    m->filters = !lets_all_in(m->cidrs) && !pk_json_equal(m->cidrs, lb->cidrs);
    size_t n = count_values(m);
    if (n <= MAX_RULE_VALUES)
        return;
    struct pk_diag *d = pk_x_finding(x, m->c, PK_SEVERITY_ERROR, "lb.rule-values",
                                     m->filters ? "loadBalancer.allowedCIDRs" : "ingress",
                                     "the listener rule needs %zu condition values", n);
    pk_diag_help(x->diags, d, "a rule has at most %d: host, path and networks together",
                 MAX_RULE_VALUES);
}

static void check_catch_all(struct pk_expansion *x, const struct pk_lb *lb, size_t at) {
    const struct pk_lb_member *m = lb->members.items[at];
    if (m->host || m->path)
        return;
    for (size_t i = 0; i < at; i++) {
        const struct pk_lb_member *other = lb->members.items[i];
        if (other->host || other->path || strcmp(other->listener, m->listener) != 0)
            continue;
        struct pk_diag *d = pk_x_finding(x, m->c, PK_SEVERITY_ERROR, "lb.catch-all", "ingress",
                                         "two components take all traffic of one listener");
        pk_diag_related(x->diags, d, other->c->span, "%s has neither host nor path as well",
                        other->c->address);
        pk_diag_help(x->diags, d, "give one of them `ingress.hostname` or `ingress.path`");
        return;
    }
}

/* --- priorities ------------------------------------------------------------------------------- */

static const struct pk_lb_member *holder(const struct pk_lb *lb, const struct pk_lb_member *self,
                                         int64_t priority) {
    for (size_t i = 0; i < lb->members.len; i++) {
        const struct pk_lb_member *m = lb->members.items[i];
        if (m != self && m->priority == priority && strcmp(m->listener, self->listener) == 0)
            return m;
    }
    return NULL;
}

/* Longer paths first, hosts before no host. */
static int64_t computed_priority(const struct pk_lb_member *m) {
    if (!m->host && !m->path)
        return CATCH_ALL_PRIORITY;
    int64_t len = m->path ? (int64_t)strlen(m->path) : 0;
    int64_t band = (m->host ? 0 : 20000) + (128 - (len < 128 ? len : 128)) * 150;
    return 1 + band + (int64_t)(pk_fnv1a32(m->c->address) % 150);
}

static void take_priority(const struct pk_lb *lb, struct pk_lb_member *m, int64_t wanted) {
    int64_t priority = wanted;
    while (holder(lb, m, priority))
        priority = priority >= MAX_PRIORITY ? 1 : priority + 1;
    m->priority = priority;
}

/* What is written goes first, then what AWS has, then new rules. */
static void set_priorities(struct pk_expansion *x, struct pk_lb *lb) {
    for (size_t i = 0; i < lb->members.len; i++) {
        struct pk_lb_member *m = lb->members.items[i];
        const struct pk_lb_member *other = m->priority ? holder(lb, m, m->priority) : NULL;
        if (!other || strcmp(other->c->address, m->c->address) > 0)
            continue;
        struct pk_diag *d =
            pk_x_finding(x, m->c, PK_SEVERITY_ERROR, "lb.priority-dup", "loadBalancer.priority",
                         "priority %lld is taken", (long long)m->priority);
        pk_diag_related(x->diags, d, pk_spec_span(other->c, "loadBalancer.priority"), "%s has it",
                        other->c->address);
        pk_diag_help(x->diags, d, "give another number, or leave it out");
    }
    for (size_t i = 0; i < lb->members.len; i++) {
        struct pk_lb_member *m = lb->members.items[i];
        const struct pk_state_resource *live =
            pk_x_recorded(x, m->c, "listener-rule", "AWS::ElasticLoadBalancingV2::ListenerRule");
        int64_t pinned = live ? pk_json_int(live->properties, "Priority", 0) : 0;
        bool still_catch_all = (pinned == CATCH_ALL_PRIORITY) == (!m->host && !m->path);
        if (!m->priority && pinned && still_catch_all && !holder(lb, m, pinned))
            m->priority = pinned;
    }
    for (size_t i = 0; i < lb->members.len; i++) {
        struct pk_lb_member *m = lb->members.items[i];
        if (!m->priority)
            take_priority(lb, m, computed_priority(m));
    }
}

/* --- the whole -------------------------------------------------------------------------------- */

static void finish(struct pk_expansion *x, struct pk_lb *lb) {
    if (lb->members.len == 0)
        return;
    warn_no_tls(x, lb);
    if (!lb->ssl_policy)
        lb->ssl_policy = DEFAULT_SSL_POLICY;
    if (!lb->idle_timeout)
        lb->idle_timeout = DEFAULT_IDLE;
    for (size_t i = 0; i < lb->members.len; i++) {
        choose_listener(x, lb, lb->members.items[i]);
        plan_rule(x, lb, lb->members.items[i]);
    }
    for (size_t i = 0; i < lb->members.len; i++)
        check_catch_all(x, lb, i);
    set_priorities(x, lb);
    if (lb->members.len <= MAX_RULES)
        return;
    const struct pk_lb_member *last = lb->members.items[lb->members.len - 1];
    struct pk_diag *d =
        pk_x_finding(x, last->c, PK_SEVERITY_ERROR, "lb.rule-values", "loadBalancer",
                     "%zu components behind one load balancer", lb->members.len);
    pk_diag_help(x->diags, d, "an ALB has at most %d rules", MAX_RULES);
}

static void release_members(void *data) {
    struct pk_lb *lb = data;
    pk_vec_release(&lb->members);
}

void pk_lb_plan(struct pk_expansion *x) {
    x->lbs = pk_arena_alloc(x->arena, sizeof(*x->lbs));
    for (size_t i = 0; i < PK_ARRAY_LEN(x->lbs->shared); i++) {
        struct pk_lb *lb = &x->lbs->shared[i];
        lb->internal = i == 1;
        lb->cidrs = pk_x_keep(x, json_array());
        lb->certificates = pk_x_keep(x, json_array());
        pk_arena_on_free(x->arena, release_members, lb);
    }
    for (size_t i = 0; i < x->project->components.len; i++) {
        const struct pk_component *c = x->project->components.items[i];
        if (pk_x_active(c) && pk_lb_wanted(c) && !pk_lb_is_network(c))
            join(x, c);
    }
    for (size_t i = 0; i < PK_ARRAY_LEN(x->lbs->shared); i++)
        finish(x, &x->lbs->shared[i]);
}
