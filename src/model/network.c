/* network.c - networks and rules, checked by arithmetic. */
#include "model/network.h"

#include "base/str.h"
#include "model/cidr.h"
#include "json/json.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct check {
    json_t *networking;
    const struct pk_spans *spans;
    struct pk_diags *diags;
};

/* One subnet with what the checks need of it. */
struct subnet {
    struct pk_cidr cidr;
    const char *text, *zone;
    struct pk_span span, zone_span;
    bool private;
};

/* --- rules */

struct rule {
    const json_t *json;
    const struct pk_spans *spans;
    struct pk_diags *diags;
    char path[160];
};

static struct pk_span rule_span(const struct rule *rule, const char *field) {
    PK_CLEANUP(pk_freep)
    char *path = *field ? pk_asprintf("%s.%s", rule->path, field) : pk_strdup(rule->path);
    return pk_spans_find(rule->spans, path);
}

static void bad_rule(const struct rule *rule, const char *field, const char *message,
                     const char *help) {
    struct pk_diag *d = pk_diag(rule->diags, PK_SEVERITY_ERROR, "net.sg-rule",
                                rule_span(rule, field), "%s", message);
    if (help)
        pk_diag_help(rule->diags, d, "%s", help);
}

/* Also true for a value that was written but left out because it is wrong: it has its finding. */
static bool has(const struct rule *rule, const char *field) {
    PK_CLEANUP(pk_freep) char *path = pk_asprintf("%s.%s", rule->path, field);
    return json_object_get(rule->json, field) || pk_spans_has(rule->spans, path);
}

static bool has_items(const struct rule *rule, const char *field) {
    PK_CLEANUP(pk_freep) char *first = pk_asprintf("%s[0]", field);
    return has(rule, first);
}

static void check_ports(const struct rule *rule, const char *protocol) {
    bool icmp = pk_starts_with(protocol, "icmp"), port = has(rule, "port");
    bool from = has(rule, "fromPort"), to = has(rule, "toPort");
    int64_t first = pk_json_int(rule->json, "fromPort", -1);
    int64_t last = pk_json_int(rule->json, "toPort", -1);
    if (strcmp(protocol, "-1") == 0) {
        if (port || from || to)
            bad_rule(rule,
                     port   ? "port"
                     : from ? "fromPort"
                            : "toPort",
                     "a rule for all protocols takes no port", "remove the port");
        return;
    }
    if (port && (from || to)) {
        bad_rule(rule, "port", "`port` and `fromPort`, `toPort` exclude each other",
                 "write either `port`, or `fromPort` and `toPort`");
        return;
    }
    if (icmp)
        return; /* type and code; -1 means any */
    if (port) {
        if (pk_json_int(rule->json, "port", 0) < 0)
            bad_rule(rule, "port", "a port is 0 to 65535", NULL);
        return;
    }
    if (!from || !to) {
        bad_rule(rule, "", "a rule for tcp or udp needs a port",
                 "write `port`, or `fromPort` and `toPort`");
        return;
    }
    if (first < 0 || last < 0)
        bad_rule(rule, first < 0 ? "fromPort" : "toPort", "a port is 0 to 65535", NULL);
    else if (first > last)
        bad_rule(rule, "toPort", "`fromPort` must not be larger than `toPort`", NULL);
}

static bool is_open(const json_t *list, const char *everyone) {
    for (size_t i = 0; i < json_array_size(list); i++)
        if (pk_streq(json_string_value(json_array_get(list, i)), everyone))
            return true;
    return false;
}

static void check_peers(const struct rule *rule, const char *protocol, bool ingress) {
    static const int64_t admin_ports[] = {22, 3389};
    const json_t *v4 = json_object_get(rule->json, "cidrBlocks");
    const json_t *v6 = json_object_get(rule->json, "ipv6CidrBlocks");
    bool self = pk_json_bool(rule->json, "self", false);
    if (!has_items(rule, "cidrBlocks") && !has_items(rule, "ipv6CidrBlocks") && !self &&
        !has(rule, "sourceSecurityGroupId")) {
        bad_rule(rule, "", "a rule needs somebody it is for",
                 "write `cidrBlocks`, `ipv6CidrBlocks`, `self: true` or `sourceSecurityGroupId`");
        return;
    }
    if (!ingress || pk_starts_with(protocol, "icmp") ||
        (!is_open(v4, "0.0.0.0/0") && !is_open(v6, "::/0")))
        return;
    int64_t first = pk_json_int(rule->json, "port", pk_json_int(rule->json, "fromPort", 0));
    int64_t last = pk_json_int(rule->json, "port", pk_json_int(rule->json, "toPort", 65535));
    for (size_t i = 0; i < PK_ARRAY_LEN(admin_ports); i++) {
        if (admin_ports[i] < first || admin_ports[i] > last)
            continue;
        struct pk_diag *d =
            pk_diag(rule->diags, PK_SEVERITY_WARNING, "net.open-admin-port", rule_span(rule, ""),
                    "port %d is open to the whole internet", (int)admin_ports[i]);
        pk_diag_help(rule->diags, d, "name the networks of your administrators in `cidrBlocks`");
    }
}

void pk_rules_check(json_t *rules, const char *path, const struct pk_spans *spans,
                    struct pk_diags *diags) {
    bool ingress = pk_ends_with(path, "ingress");
    for (size_t i = 0; i < json_array_size(rules); i++) {
        json_t *json = json_array_get(rules, i);
        const char *protocol = pk_json_str(json, "protocol", NULL);
        struct rule rule = {.json = json, .spans = spans, .diags = diags};
        snprintf(rule.path, sizeof(rule.path), "%s[%zu]", path, i);
        if (!protocol) /* was reported as missing or wrong */
            continue;
        if (strcmp(protocol, "all") == 0) {
            pk_json_put_str(json, "protocol", "-1");
            protocol = "-1";
        }
        check_ports(&rule, protocol);
        check_peers(&rule, protocol, ingress);
    }
}

/* --- networks */

static size_t read_subnets(const struct check *c, const char *which, bool private,
                           const char *region, struct subnet *to) {
    PK_CLEANUP(pk_freep) char *list_path = pk_asprintf("subnets.%s", which);
    const json_t *list = pk_json_at(c->networking, list_path);
    size_t n = 0;
    for (size_t i = 0; i < json_array_size(list); i++) {
        const json_t *json = json_array_get(list, i);
        PK_CLEANUP(pk_freep)
        char *cidr_path = pk_asprintf("networking.subnets.%s[%zu].cidrBlock", which, i);
        PK_CLEANUP(pk_freep)
        char *zone_path = pk_asprintf("networking.subnets.%s[%zu].availabilityZone", which, i);
        struct subnet s = {.text = pk_json_str(json, "cidrBlock", NULL),
                           .zone = pk_json_str(json, "availabilityZone", NULL),
                           .span = pk_spans_find(c->spans, cidr_path),
                           .zone_span = pk_spans_find(c->spans, zone_path),
                           .private = private};
        if (s.zone && region && !pk_starts_with(s.zone, region)) {
            struct pk_diag *d = pk_diag(c->diags, PK_SEVERITY_ERROR, "net.az-region", s.zone_span,
                                        "the zone %s is not in the region %s", s.zone, region);
            pk_diag_help(c->diags, d, "zones of %s are %sa, %sb, …", region, region, region);
        }
        if (s.text && pk_cidr_parse(s.text, &s.cidr))
            to[n++] = s;
    }
    return n;
}

static int by_address(const void *a, const void *b) {
    const struct subnet *left = a, *right = b;
    if (left->cidr.address != right->cidr.address)
        return left->cidr.address < right->cidr.address ? -1 : 1;
    return left->cidr.prefix < right->cidr.prefix ? -1 : left->cidr.prefix > right->cidr.prefix;
}

static void check_size(const struct check *c, struct pk_cidr cidr, const char *text,
                       struct pk_span span) {
    if (cidr.prefix >= 16 && cidr.prefix <= 28)
        return;
    struct pk_diag *d = pk_diag(c->diags, PK_SEVERITY_ERROR, "field.range", span,
                                "%s must have a prefix of /16 to /28", text);
    pk_diag_label(c->diags, d, "AWS takes no other sizes");
}

static void check_addresses(const struct check *c, struct subnet *subnets, size_t n) {
    const char *vpc_text = pk_json_str(c->networking, "vpc.cidrBlock", NULL);
    struct pk_span vpc_span = pk_spans_find(c->spans, "networking.vpc.cidrBlock");
    struct pk_cidr vpc;
    bool has_vpc = vpc_text && pk_cidr_parse(vpc_text, &vpc);
    if (has_vpc)
        check_size(c, vpc, vpc_text, vpc_span);
    for (size_t i = 0; i < n; i++) {
        check_size(c, subnets[i].cidr, subnets[i].text, subnets[i].span);
        if (!has_vpc || pk_cidr_inside(subnets[i].cidr, vpc))
            continue;
        struct pk_diag *d =
            pk_diag(c->diags, PK_SEVERITY_ERROR, "net.cidr-outside-vpc", subnets[i].span,
                    "the subnet %s is not inside the VPC's %s", subnets[i].text, vpc_text);
        pk_diag_related(c->diags, d, vpc_span, "the VPC's network");
    }
    /* sorted by start, an overlap is always one with the widest reaching subnet before */
    qsort(subnets, n, sizeof(*subnets), by_address);
    for (size_t i = 1, widest = 0; i < n; i++) {
        if (pk_cidr_overlap(subnets[widest].cidr, subnets[i].cidr)) {
            struct pk_diag *d =
                pk_diag(c->diags, PK_SEVERITY_ERROR, "net.cidr-overlap", subnets[i].span,
                        "the subnets %s and %s overlap", subnets[widest].text, subnets[i].text);
            pk_diag_related(c->diags, d, subnets[widest].span, "the other one");
        } else {
            widest = i;
        }
    }
}

static size_t count_zones(const struct subnet *subnets, size_t n, bool private) {
    size_t zones = 0;
    for (size_t i = 0; i < n; i++) {
        bool seen = !subnets[i].zone || subnets[i].private != private;
        for (size_t k = 0; k < i && !seen; k++)
            seen = subnets[k].private == private && pk_streq(subnets[k].zone, subnets[i].zone);
        zones += !seen;
    }
    return zones;
}

static void check_nat(const struct check *c, const struct subnet *subnets, size_t n) {
    size_t n_public = count_zones(subnets, n, false), n_private = count_zones(subnets, n, true);
    bool enabled = pk_json_bool(c->networking, "natGateway.enabled", n_private > 0);
    bool gateway = pk_json_bool(c->networking, "internetGateway.enabled", true);
    bool per_zone = strcmp(pk_json_str(c->networking, "natGateway.type", "single"), "per-az") == 0;
    struct pk_span span = pk_spans_find(c->spans, "networking.natGateway.enabled");
    if (!gateway && n_public > 0) {
        struct pk_diag *d = pk_diag(c->diags, PK_SEVERITY_WARNING, "net.no-internet-gateway",
                                    pk_spans_find(c->spans, "networking.internetGateway.enabled"),
                                    "public subnets without an internet gateway are not public");
        pk_diag_help(c->diags, d, "enable internetGateway, or make the subnets private");
    }
    if (!enabled || n == 0) /* without subnets both come from the VPC's network */
        return;
    if (n_public == 0 || !gateway) {
        struct pk_diag *d = pk_diag(c->diags, PK_SEVERITY_ERROR, "net.nat-needs-public", span,
                                    "a NAT gateway needs a public subnet and an internet gateway");
        pk_diag_help(c->diags, d, "add a public subnet, or set `natGateway.enabled: false`");
        return;
    }
    for (size_t i = 0; per_zone && i < n; i++) {
        bool served = !subnets[i].private || !subnets[i].zone;
        for (size_t k = 0; k < n && !served; k++)
            served = !subnets[k].private && pk_streq(subnets[k].zone, subnets[i].zone);
        if (served)
            continue;
        struct pk_diag *d =
            pk_diag(c->diags, PK_SEVERITY_ERROR, "net.nat-az", subnets[i].zone_span,
                    "the zone %s has a private subnet but no public one", subnets[i].zone);
        pk_diag_help(c->diags, d, "natGateway.type per-az puts a gateway into each such zone");
    }
}

static void check_dns(const struct check *c) {
    if (pk_json_bool(c->networking, "vpc.enableDNSHostnames", false) &&
        !pk_json_bool(c->networking, "vpc.enableDNSSupport", true)) {
        struct pk_diag *d = pk_diag(c->diags, PK_SEVERITY_ERROR, "field.conflict",
                                    pk_spans_find(c->spans, "networking.vpc.enableDNSSupport"),
                                    "DNS host names need DNS support");
        pk_diag_help(c->diags, d, "set `enableDNSHostnames: false` too, or leave both on");
    }
}

static void check_retention(const struct check *c) {
    static const int64_t days[] = {1,   3,   5,   7,   14,   30,   60,   90,   120,  150,  180,
                                   365, 400, 545, 731, 1096, 1827, 2192, 2557, 2922, 3288, 3653};
    int64_t wanted = pk_json_int(c->networking, "flowLogs.retentionDays", 30);
    for (size_t i = 0; i < PK_ARRAY_LEN(days); i++)
        if (days[i] == wanted)
            return;
    struct pk_diag *d =
        pk_diag(c->diags, PK_SEVERITY_ERROR, "field.enum",
                pk_spans_find(c->spans, "networking.flowLogs.retentionDays"),
                "`networking.flowLogs.retentionDays` cannot be %lld", (long long)wanted);
    pk_diag_label(c->diags, d,
                  "allowed: 1, 3, 5, 7, 14, 30, 60, 90, 120, 150, 180, 365, 400, 545, 731, 1096, "
                  "1827, 2192, 2557, 2922, 3288, 3653");
}

/* `existing` names a network made elsewhere: nothing beside it would have an effect. */
static bool check_existing(const struct check *c) {
    static const char *const others[] = {
        "vpc",      "subnets",         "natGateway",          "vpcEndpoints",
        "flowLogs", "internetGateway", "defaultSecurityGroup"};
    if (!pk_spans_has(c->spans, "networking.existing"))
        return false;
    for (size_t i = 0; i < PK_ARRAY_LEN(others); i++) {
        PK_CLEANUP(pk_freep) char *path = pk_asprintf("networking.%s", others[i]);
        if (!pk_spans_has(c->spans, path))
            continue;
        struct pk_diag *d =
            pk_diag(c->diags, PK_SEVERITY_ERROR, "field.conflict", pk_spans_find(c->spans, path),
                    "`%s` has no effect beside `networking.existing`", path);
        pk_diag_related(c->diags, d, pk_spans_find(c->spans, "networking.existing"),
                        "an existing network is used");
        pk_diag_help(c->diags, d, "keep one of the two");
    }
    return true;
}

void pk_network_check(json_t *networking, const struct pk_spans *spans, const char *region,
                      struct pk_diags *diags) {
    struct check c = {networking, spans, diags};
    pk_rules_check(pk_json_at(networking, "defaultSecurityGroup.ingress"),
                   "networking.defaultSecurityGroup.ingress", spans, diags);
    pk_rules_check(pk_json_at(networking, "defaultSecurityGroup.egress"),
                   "networking.defaultSecurityGroup.egress", spans, diags);
    if (check_existing(&c))
        return;
    size_t max = json_array_size(pk_json_at(networking, "subnets.public")) +
                 json_array_size(pk_json_at(networking, "subnets.private"));
    struct subnet *subnets = pk_calloc(max + 1, sizeof(*subnets));
    size_t n = read_subnets(&c, "public", false, region, subnets);
    n += read_subnets(&c, "private", true, region, subnets + n);
    check_addresses(&c, subnets, n);
    check_nat(&c, subnets, n);
    check_dns(&c);
    check_retention(&c);
    if (n > 0 && count_zones(subnets, n, true) < 2) {
        struct pk_diag *d = pk_diag(diags, PK_SEVERITY_WARNING, "net.two-azs",
                                    pk_spans_find(spans, "networking.subnets.private"),
                                    "private subnets lie in fewer than two zones");
        pk_diag_help(diags, d, "databases and load balancers need two");
    }
    free(subnets);
}

size_t pk_network_private_zones(const json_t *networking) {
    const json_t *list = pk_json_at(networking, "subnets.private");
    size_t zones = 0;
    for (size_t i = 0; i < json_array_size(list); i++) {
        const char *zone = pk_json_str(json_array_get(list, i), "availabilityZone", NULL);
        bool seen = !zone;
        for (size_t k = 0; k < i && !seen; k++)
            seen = pk_streq(zone, pk_json_str(json_array_get(list, k), "availabilityZone", NULL));
        zones += !seen;
    }
    return zones;
}

bool pk_network_has_egress(const json_t *networking) {
    return pk_json_bool(networking, "natGateway.enabled", true) ||
           json_array_size(json_object_get(networking, "vpcEndpoints")) > 0;
}
