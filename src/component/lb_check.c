/* lb_check.c - rules for the load balancer fields of one component. */
#include "component/check.h"
#include "component/health.h"
#include "component/internal.h"
#include "component/lb.h"

#include "base/str.h"

#include <string.h>

static struct pk_diag *refuse(struct pk_expansion *x, const struct pk_component *c, const char *id,
                              const char *path, const char *message) {
    return pk_x_finding(x, c, PK_SEVERITY_ERROR, id, path, "%s", message);
}

static void check_port(struct pk_expansion *x, const struct pk_component *c) {
    struct pk_diag *d;
    if (json_array_size(pk_spec_get(c, "ports")) == 0) {
        d = refuse(x, c, "lb.no-port", "loadBalancer", "a load balancer needs a port to send to");
        pk_diag_help(x->diags, d, "declare one under `ports`");
        return;
    }
    const json_t *port = pk_lb_port(x, c, true);
    bool udp = strcmp(pk_json_str(port, "protocol", "tcp"), "udp") == 0;
    if (udp && !pk_lb_is_network(c)) {
        d = refuse(x, c, "lb.udp", "loadBalancer", "an application load balancer knows no UDP");
        pk_diag_help(x->diags, d, "set `loadBalancer.type: network`, or choose a tcp port");
    } else if (udp && pk_spec_get(c, "loadBalancer.certificateArn")) {
        d = refuse(x, c, "lb.udp", "loadBalancer.certificateArn", "TLS needs a tcp port");
        pk_diag_help(x->diags, d, "remove the certificate, or choose a tcp port");
    }
}

static void check_alb_only(struct pk_expansion *x, const struct pk_component *c) {
    static const char *const fields[] = {"loadBalancer.priority", "loadBalancer.idleTimeout",
                                         "loadBalancer.listener", "ingress.hostname",
                                         "ingress.path"};
    for (size_t i = 0; i < PK_ARRAY_LEN(fields); i++) {
        if (!pk_spec_get(c, fields[i]))
            continue;
        struct pk_diag *d =
            pk_x_finding(x, c, PK_SEVERITY_ERROR, "lb.alb-only", fields[i],
                         "`%s` has no meaning on a network load balancer", fields[i]);
        pk_diag_help(x->diags, d, "remove it, or set `loadBalancer.type: application`");
    }
}

static void check_certificate(struct pk_expansion *x, const struct pk_component *c) {
    const char *arn = pk_spec_str(c, "loadBalancer.certificateArn");
    const char *wanted = arn ? strstr(arn, ":acm:") : NULL;
    if (!arn || (pk_starts_with(arn, "arn:") && strstr(arn, ":iam:")))
        return; /* server certificates of IAM have no region */
    size_t len = strlen(x->env->region);
    if (wanted && strncmp(wanted + 5, x->env->region, len) == 0 && wanted[5 + len] == ':')
        return;
    struct pk_diag *d = refuse(x, c, "lb.certificate-region", "loadBalancer.certificateArn",
                               "a load balancer takes certificates of its own region only");
    pk_diag_help(x->diags, d, "use a certificate of ACM in %s", x->env->region);
}

static void check_listener(struct pk_expansion *x, const struct pk_component *c) {
    const char *listener = pk_spec_str(c, "loadBalancer.listener");
    if (!listener || strcmp(listener, "http") == 0 || strcmp(listener, "https") == 0)
        return;
    struct pk_diag *d =
        pk_x_finding(x, c, PK_SEVERITY_ERROR, "lb.listener", "loadBalancer.listener",
                     "the shared load balancer has no listener `%s`", listener);
    pk_diag_help(x->diags, d, "use http or https");
}

/* Components of the kinds ALB and NLB are not deployed by this version, so nothing else fits. */
static void check_ref(struct pk_expansion *x, const struct pk_component *c) {
    const struct pk_component *to = pk_x_ref(x, c, "loadBalancer.ref");
    if (!to)
        return;
    struct pk_diag *d = pk_x_finding(x, c, PK_SEVERITY_ERROR, "lb.ref", "loadBalancer.ref",
                                     "%s is no load balancer but a %s", to->address, to->kind);
    pk_diag_help(x->diags, d, "remove `ref`: the stack's shared load balancer is used");
}

void pk_lb_check(struct pk_expansion *x, const struct pk_component *c) {
    static const char *const inert[] = {
        "loadBalancer.type",           "loadBalancer.ref",
        "loadBalancer.listener",       "loadBalancer.internal",
        "loadBalancer.port",           "loadBalancer.healthCheckPath",
        "loadBalancer.certificateArn", "loadBalancer.sslPolicy",
        "loadBalancer.allowedCIDRs",   "loadBalancer.priority",
        "loadBalancer.stickiness",     "loadBalancer.deregistrationDelay",
        "loadBalancer.idleTimeout",    NULL};
    bool ingress = pk_spec_bool(c, "ingress.enabled");
    struct pk_diag *d;
    if (ingress && json_is_false(pk_spec_get(c, "loadBalancer.enabled"))) {
        d = refuse(x, c, "field.conflict", "ingress.enabled",
                   "`ingress` without a load balancer has no effect");
        pk_diag_help(x->diags, d, "remove `loadBalancer.enabled: false`");
    }
    if (!pk_lb_wanted(c)) {
        if (pk_spec_get(c, "ingress.hostname") || pk_spec_get(c, "ingress.path")) {
            d = pk_x_finding(x, c, PK_SEVERITY_WARNING, "lb.ingress-off", "ingress",
                             "the ingress is not enabled");
            pk_diag_help(x->diags, d, "set `ingress.enabled: true`");
        }
        pk_x_warn_inert(x, c, "loadBalancer.enabled", inert);
        return;
    }
    check_ref(x, c);
    check_port(x, c);
    check_listener(x, c);
    check_certificate(x, c);
    if (pk_lb_is_network(c))
        check_alb_only(x, c);
    if (pk_streq(pk_spec_str(c, "runtime.networkMode"), "none")) {
        d = refuse(x, c, "ms.network-mode", "runtime.networkMode",
                   "containers without a network cannot be behind a load balancer");
        pk_diag_help(x->diags, d, "use awsvpc");
    }
}
