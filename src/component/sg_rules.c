/* sg_rules.c - rules of security groups: CloudFormation's shape. */
#include "component/sg_rules.h"

#include "json/json.h"

#include <stdlib.h>
#include <string.h>

#define MAX_PORT 65535

/* Lower-case word, "-1" for everything. */
static const char *protocol_of(const json_t *rule) {
    static const char *const words[] = {"tcp", "udp", "icmp", "icmpv6", "-1"};
    const char *text = pk_json_str(rule, "protocol", "tcp");
    if (pk_strieq(text, "all"))
        return "-1";
    for (size_t i = 0; i < PK_ARRAY_LEN(words); i++)
        if (pk_strieq(text, words[i]))
            return words[i];
    return NULL;
}

static bool is_icmp(const char *protocol) {
    return pk_starts_with(protocol, "icmp");
}

/* False when ports are missing or not possible. */
static bool ports_of(const json_t *rule, const char *protocol, int64_t *ret_from, int64_t *ret_to) {
    bool icmp = is_icmp(protocol);
    int64_t none = icmp ? -1 : -2;
    int64_t port = pk_json_int(rule, "port", none);
    *ret_from = pk_json_int(rule, "fromPort", port);
    *ret_to = pk_json_int(rule, "toPort", icmp ? port : *ret_from);
    if (icmp)
        return *ret_from >= -1 && *ret_from <= 255 && *ret_to >= -1 && *ret_to <= 255;
    return *ret_from >= 0 && *ret_to <= MAX_PORT && *ret_from <= *ret_to;
}

/* Protocol, ports and description; NULL for a rule that the loader refuses. */
static json_t *entry_of(const json_t *rule) {
    const char *protocol = protocol_of(rule);
    int64_t from, to;
    bool all = protocol && strcmp(protocol, "-1") == 0;
    if (!protocol || (!all && !ports_of(rule, protocol, &from, &to)))
        return NULL;
    json_t *entry = json_object();
    json_object_set_new(entry, "IpProtocol", pk_json_text(protocol));
    if (!all) {
        json_object_set_new(entry, "FromPort", json_integer(from));
        json_object_set_new(entry, "ToPort", json_integer(to));
    }
    const char *description = pk_json_str(rule, "description", NULL);
    if (description)
        json_object_set_new(entry, "Description", pk_json_text(description));
    return entry;
}

static void add_peer(json_t *to, const json_t *entry, const char *key, json_t *peer) {
    if (!peer)
        return;
    json_t *copy = json_deep_copy(entry);
    json_object_set(copy, key, peer);
    json_array_append_new(to, copy);
}

static int compare_canonical(const void *a, const void *b) {
    PK_CLEANUP(pk_freep) char *x = pk_json_canonical(*(json_t *const *)a);
    PK_CLEANUP(pk_freep) char *y = pk_json_canonical(*(json_t *const *)b);
    return strcmp(x, y);
}

/* Sorted by canonical text, without repeats; takes over the list. */
static json_t *in_order(json_t *list) {
    size_t n = json_array_size(list);
    json_t **items = pk_calloc(n ? n : 1, sizeof(*items));
    for (size_t i = 0; i < n; i++)
        items[i] = json_incref(json_array_get(list, i));
    qsort(items, n, sizeof(json_t *), compare_canonical);
    json_array_clear(list);
    for (size_t i = 0; i < n; i++) {
        if (i > 0 && pk_json_equal(items[i], json_array_get(list, json_array_size(list) - 1)))
            json_decref(items[i]);
        else
            json_array_append_new(list, items[i]);
    }
    free(items);
    return list;
}

json_t *pk_sg_expand(const json_t *rules, bool egress, json_t **ret_self) {
    json_t *entries = json_array(), *self = json_array();
    const char *group = egress ? "DestinationSecurityGroupId" : "SourceSecurityGroupId";
    for (size_t i = 0; i < json_array_size(rules); i++) {
        const json_t *rule = json_array_get(rules, i);
        json_t *entry = entry_of(rule);
        if (!entry)
            continue;
        const json_t *v4 = json_object_get(rule, "cidrBlocks");
        const json_t *v6 = json_object_get(rule, "ipv6CidrBlocks");
        for (size_t k = 0; k < json_array_size(v4); k++)
            add_peer(entries, entry, "CidrIp", json_array_get(v4, k));
        for (size_t k = 0; k < json_array_size(v6); k++)
            add_peer(entries, entry, "CidrIpv6", json_array_get(v6, k));
        add_peer(entries, entry, group, json_object_get(rule, "sourceSecurityGroupId"));
        if (pk_json_bool(rule, "self", false))
            json_array_append(self, entry);
        json_decref(entry);
    }
    *ret_self = in_order(self);
    return in_order(entries);
}

bool pk_sg_opens(const json_t *rules, int64_t port) {
    for (size_t i = 0; i < json_array_size(rules); i++) {
        const json_t *rule = json_array_get(rules, i);
        const char *protocol = protocol_of(rule);
        int64_t from, to;
        if (!protocol || json_array_size(json_object_get(rule, "cidrBlocks")) == 0)
            continue;
        if (strcmp(protocol, "-1") == 0)
            return true;
        if (strcmp(protocol, "tcp") == 0 && ports_of(rule, protocol, &from, &to) && from <= port &&
            port <= to)
            return true;
    }
    return false;
}
