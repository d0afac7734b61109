/* health.c - health checks of containers and target groups. */
#include "component/health.h"
#include "component/internal.h"

#include "base/str.h"

#include <string.h>

#define DEFAULT_PERIOD 30
#define DEFAULT_TIMEOUT 5
#define DEFAULT_SUCCESS 2
#define DEFAULT_FAILURE 3
#define DEFAULT_GRACE 60
#define MIN_PERIOD 5
#define MAX_START_PERIOD 300
#define MAX_EXEC_TIMEOUT 60

static const char *field(struct pk_expansion *x, const struct pk_probe *probe, const char *name) {
    return pk_arena_printf(x->arena, "%s.%s", probe->base, name);
}

struct pk_probe pk_health_probe(struct pk_expansion *x, const struct pk_component *c,
                                const char *which) {
    struct pk_probe p = {.base = pk_arena_printf(x->arena, "healthCheck.%s", which)};
    p.enabled = !json_is_false(pk_spec_get(c, "healthCheck.enabled"));
    p.path = pk_spec_str(c, field(x, &p, "http.path"));
    p.scheme = pk_spec_str(c, field(x, &p, "http.scheme"));
    p.http_port = pk_spec_int(c, field(x, &p, "http.port"), 0);
    p.tcp_port = pk_spec_int(c, field(x, &p, "tcp.port"), 0);
    p.command = pk_spec_get(c, field(x, &p, "exec.command"));
    p.delay = pk_spec_int(c, field(x, &p, "initialDelaySeconds"), -1);
    p.period = pk_spec_int(c, field(x, &p, "periodSeconds"), -1);
    p.timeout = pk_spec_int(c, field(x, &p, "timeoutSeconds"), -1);
    p.success = pk_spec_int(c, field(x, &p, "successThreshold"), -1);
    p.failure = pk_spec_int(c, field(x, &p, "failureThreshold"), -1);
    if (strcmp(which, "readiness") == 0) {
        int64_t flat = pk_spec_int(c, "healthCheck.port", 0);
        bool http = p.path || p.scheme || p.http_port;
        if (flat && http && !p.http_port)
            p.http_port = flat;
        else if (flat && !http && !p.tcp_port && !p.command)
            p.tcp_port = flat;
    }
    return p;
}

int64_t pk_probe_period(const struct pk_probe *probe) {
    int64_t period = probe->period < 0 ? DEFAULT_PERIOD : probe->period;
    return period < MIN_PERIOD ? MIN_PERIOD : period;
}

int64_t pk_probe_timeout(const struct pk_probe *probe) {
    int64_t period = pk_probe_period(probe);
    if (probe->timeout >= 0)
        return probe->timeout;
    return period > DEFAULT_TIMEOUT ? DEFAULT_TIMEOUT : period - 1;
}

static int64_t or_default(int64_t value, int64_t fallback) {
    return value < 0 ? fallback : value;
}

/* --- checks ----------------------------------------------------------------------------------- */

static struct pk_diag *refuse(struct pk_expansion *x, const struct pk_component *c,
                              const struct pk_probe *p, const char *name, const char *id,
                              const char *message) {
    return pk_x_finding(x, c, PK_SEVERITY_ERROR, id, field(x, p, name), "%s", message);
}

static void check_times(struct pk_expansion *x, const struct pk_component *c,
                        const struct pk_probe *p, bool balanced) {
    struct pk_diag *d;
    if (p->period >= 0 && p->period < MIN_PERIOD) {
        d = pk_x_finding(x, c, PK_SEVERITY_WARNING, "health.period", field(x, p, "periodSeconds"),
                         "the period is raised to %d seconds", MIN_PERIOD);
        pk_diag_help(x->diags, d, "AWS probes no faster; write `periodSeconds: %d`", MIN_PERIOD);
    }
    if (p->timeout >= 0 && p->timeout < 2) {
        d = refuse(x, c, p, "timeoutSeconds", "health.timeout", "the timeout is below 2 seconds");
        pk_diag_help(x->diags, d, "AWS takes 2 to 120 seconds, and less than the period");
    } else if (pk_probe_timeout(p) >= pk_probe_period(p)) {
        d = refuse(x, c, p, "timeoutSeconds", "health.timeout",
                   "the timeout is not shorter than the period");
        pk_diag_help(x->diags, d, "the period is %lld seconds: give at most %lld",
                     (long long)pk_probe_period(p), (long long)pk_probe_period(p) - 1);
    }
    if (balanced && p->failure == 1) {
        d = refuse(x, c, p, "failureThreshold", "health.threshold",
                   "a target group needs at least 2 failures");
        pk_diag_help(x->diags, d, "give 2 to 10");
    }
}

static void check_exec(struct pk_expansion *x, const struct pk_component *c,
                       const struct pk_probe *p) {
    struct pk_diag *d;
    if (p->delay > MAX_START_PERIOD) {
        d = refuse(x, c, p, "initialDelaySeconds", "health.start-period",
                   "the initial delay of a check inside the container is too long");
        pk_diag_help(x->diags, d, "ECS takes at most %d seconds", MAX_START_PERIOD);
    }
    if (p->timeout > MAX_EXEC_TIMEOUT) {
        d = refuse(x, c, p, "timeoutSeconds", "health.timeout",
                   "the timeout of a check inside the container is too long");
        pk_diag_help(x->diags, d, "ECS takes 2 to %d seconds", MAX_EXEC_TIMEOUT);
    }
}

static void check_matcher(struct pk_expansion *x, const struct pk_component *c) {
    const char *text = pk_spec_str(c, "healthCheck.matcher");
    struct pk_str rest = pk_str(text), word;
    bool grpc = false;
    size_t n = json_array_size(pk_spec_get(c, "ports"));
    for (size_t i = 0; i < n; i++)
        grpc |= pk_streq(pk_spec_str(c, pk_arena_printf(x->arena, "ports[%zu].appProtocol", i)),
                         "grpc");
    while (text && pk_str_cut(&rest, ',', &word)) {
        struct pk_str from, to = word;
        int64_t low = -1, high = -1;
        pk_str_cut(&to, '-', &from);
        bool good = pk_parse_i64(from, &low) && (!to.ptr || pk_parse_i64(to, &high));
        if (high < 0)
            high = low;
        if (good && low <= high && ((low >= 200 && high <= 499) || (grpc && high <= 99)))
            continue;
        struct pk_diag *d =
            pk_x_finding(x, c, PK_SEVERITY_ERROR, "health.matcher", "healthCheck.matcher",
                         "`" PK_STR_FMT "` is no range of status codes", PK_STR_ARG(word));
        pk_diag_help(x->diags, d, "HTTP: 200 to 499, such as 200-399 or 200,204; gRPC: 0 to 99");
    }
}

static void check_inert(struct pk_expansion *x, const struct pk_component *c,
                        const struct pk_probe *p) {
    const char *what = p->path || p->http_port ? "http.path" : "tcp.port";
    struct pk_diag *d = pk_x_finding(x, c, PK_SEVERITY_INFO, "health.inert", field(x, p, what),
                                     "nothing acts on this probe");
    pk_diag_help(x->diags, d,
                 "add a load balancer, an `exec` command, or `container: true` when the image has "
                 "wget, curl or nc");
}

void pk_health_check(struct pk_expansion *x, const struct pk_component *c, bool balanced,
                     bool network_lb, int64_t primary_port) {
    struct pk_probe ready = pk_health_probe(x, c, "readiness");
    struct pk_probe live = pk_health_probe(x, c, "liveness");
    bool inside = pk_spec_bool(c, "healthCheck.container");
    if (!ready.enabled)
        return;
    check_times(x, c, &ready, balanced);
    check_times(x, c, &live, false);
    if (ready.command || inside)
        check_exec(x, c, &ready);
    if (live.command || inside)
        check_exec(x, c, &live);
    check_matcher(x, c);
    if (ready.command && live.command && !pk_json_equal(ready.command, live.command)) {
        struct pk_diag *d = refuse(x, c, &live, "exec.command", "health.two-commands",
                                   "ECS runs one command per container");
        pk_diag_help(x->diags, d, "keep readiness.exec or liveness.exec");
    }
    if (ready.tcp_port && balanced && !network_lb) {
        struct pk_diag *d = refuse(x, c, &ready, "tcp.port", "health.tcp-on-alb",
                                   "an application load balancer has no TCP health check");
        pk_diag_help(x->diags, d, "give `healthCheck.path`, or `loadBalancer.type: network`");
    }
    bool ready_probe = ready.path || ready.http_port || ready.tcp_port;
    bool live_probe = live.path || live.http_port || live.tcp_port;
    if (ready_probe && !balanced && !inside)
        check_inert(x, c, &ready);
    if (live_probe && !inside)
        check_inert(x, c, &live);
    /* what pk_health_container probes */
    const struct pk_probe *used = live_probe ? &live : &ready;
    bool has_port = used->http_port || (used->tcp_port && !used->path);
    if (inside && !ready.command && !live.command && !has_port && !primary_port) {
        struct pk_diag *d = pk_x_finding(x, c, PK_SEVERITY_ERROR, "health.no-port",
                                         "healthCheck.container", "there is no port to probe");
        pk_diag_help(x->diags, d, "declare `ports`, or give `healthCheck.port`");
    }
}

/* --- containers ------------------------------------------------------------------------------- */

/* A list of one word with spaces is a shell line. */
static json_t *exec_command(const json_t *command) {
    const char *first = json_string_value(json_array_get(command, 0));
    bool shell = json_array_size(command) == 1 && first && strchr(first, ' ');
    json_t *list = json_array();
    json_array_append_new(list, json_string(shell ? "CMD-SHELL" : "CMD"));
    json_array_extend(list, (json_t *)(uintptr_t)command); /* only read */
    return list;
}

static json_t *probe_command(struct pk_expansion *x, const struct pk_probe *p,
                             int64_t primary_port) {
    const char *line;
    if (p->tcp_port && !p->path) {
        line = pk_arena_printf(x->arena, "nc -z 127.0.0.1 %lld || exit 1", (long long)p->tcp_port);
    } else {
        const char *url = pk_arena_printf(
            x->arena, "%s://127.0.0.1:%lld%s", p->scheme ? p->scheme : "http",
            (long long)(p->http_port ? p->http_port : primary_port), p->path ? p->path : "/");
        line = pk_arena_printf(x->arena,
                               "wget -q -O /dev/null '%s' || curl -fsS -o /dev/null '%s' || exit 1",
                               url, url);
    }
    const char *const words[] = {"CMD-SHELL", line};
    return pk_x_texts(words, PK_ARRAY_LEN(words));
}

json_t *pk_health_container(struct pk_expansion *x, const struct pk_component *c,
                            int64_t primary_port) {
    struct pk_probe ready = pk_health_probe(x, c, "readiness");
    struct pk_probe live = pk_health_probe(x, c, "liveness");
    bool inside = pk_spec_bool(c, "healthCheck.container");
    bool live_probe = live.command || live.path || live.http_port || live.tcp_port;
    /* ECS restarts what fails this check: liveness is the nearer meaning */
    const struct pk_probe *p = live.command           ? &live
                               : ready.command        ? &ready
                               : inside && live_probe ? &live
                               : inside               ? &ready
                                                      : NULL;
    if (!p || !p->enabled)
        return NULL;
    json_t *check = json_object();
    json_object_set_new(check, "Command",
                        p->command ? exec_command(p->command) : probe_command(x, p, primary_port));
    json_object_set_new(check, "Interval", json_integer(pk_probe_period(p)));
    json_object_set_new(check, "Timeout", json_integer(pk_probe_timeout(p)));
    json_object_set_new(check, "Retries", json_integer(or_default(p->failure, DEFAULT_FAILURE)));
    if (p->delay > 0)
        json_object_set_new(check, "StartPeriod", json_integer(p->delay));
    return check;
}

/* --- target groups ---------------------------------------------------------------------------- */

static void set(struct pk_expansion *x, const struct pk_component *c, struct pk_resource *group,
                const char *property, json_t *value, const char *path) {
    pk_resource_set(x->graph, group, property, value, pk_spec_span(c, path));
}

static void set_http(struct pk_expansion *x, const struct pk_component *c,
                     struct pk_resource *group, const struct pk_probe *p, bool grpc) {
    const char *path = p->path ? p->path : pk_spec_str(c, "loadBalancer.healthCheckPath");
    const char *where = p->path ? field(x, p, "http.path") : "loadBalancer.healthCheckPath";
    const char *scheme = p->scheme && strcmp(p->scheme, "https") == 0 ? "HTTPS" : "HTTP";
    const char *matcher = pk_spec_str(c, "healthCheck.matcher");
    if (!path)
        path = grpc ? "/AWS.ALB/healthcheck" : "/";
    if (!matcher)
        matcher = grpc ? "12" : "200-399";
    json_t *codes = json_object();
    json_object_set_new(codes, grpc ? "GrpcCode" : "HttpCode", pk_json_text(matcher));
    set(x, c, group, "HealthCheckProtocol", pk_json_text(scheme), field(x, p, "http.scheme"));
    set(x, c, group, "HealthCheckPath", pk_json_text(path), where);
    set(x, c, group, "Matcher", codes, "healthCheck.matcher");
}

void pk_health_target_group(struct pk_expansion *x, const struct pk_component *c,
                            struct pk_resource *group, bool network_lb, bool grpc, int64_t port) {
    struct pk_probe p = pk_health_probe(x, c, "readiness");
    if (!p.enabled)
        p = (struct pk_probe){
            .base = p.base, .delay = -1, .period = -1, .timeout = -1, .success = -1, .failure = -1};
    bool http = !network_lb || p.path || pk_spec_str(c, "loadBalancer.healthCheckPath");
    int64_t probed = http ? p.http_port : p.tcp_port;
    int64_t success = or_default(p.success, DEFAULT_SUCCESS);
    json_t *where = probed && probed != port ? pk_json_textf("%lld", (long long)probed)
                                             : pk_json_text("traffic-port");
    set(x, c, group, "HealthCheckEnabled", json_true(), "healthCheck");
    set(x, c, group, "HealthCheckPort", where, field(x, &p, http ? "http.port" : "tcp.port"));
    if (http)
        set_http(x, c, group, &p, grpc);
    else
        set(x, c, group, "HealthCheckProtocol", pk_json_text("TCP"), "healthCheck");
    set(x, c, group, "HealthCheckIntervalSeconds", json_integer(pk_probe_period(&p)),
        field(x, &p, "periodSeconds"));
    set(x, c, group, "HealthCheckTimeoutSeconds", json_integer(pk_probe_timeout(&p)),
        field(x, &p, "timeoutSeconds"));
    set(x, c, group, "HealthyThresholdCount", json_integer(success < 2 ? 2 : success),
        field(x, &p, "successThreshold"));
    set(x, c, group, "UnhealthyThresholdCount",
        json_integer(or_default(p.failure, DEFAULT_FAILURE)), field(x, &p, "failureThreshold"));
}

int64_t pk_health_grace(struct pk_expansion *x, const struct pk_component *c) {
    struct pk_probe p = pk_health_probe(x, c, "readiness");
    return p.enabled ? or_default(p.delay, DEFAULT_GRACE) : DEFAULT_GRACE;
}
