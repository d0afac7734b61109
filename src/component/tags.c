/* tags.c - tags of resources: precedence, system tags, limits. */
#include "component/expand.h"
#include "component/internal.h"

#include "base/str.h"

#include <string.h>

#define MAX_TAGS 50
#define ENGINE_TAGS 2 /* panka:lineage and panka:op are added when the resource is made */
#define MAX_TAG_KEY 128
#define MAX_TAG_VALUE 256

bool pk_type_taggable(const char *type) {
    static const char *const untagged[] = {
        "AWS::ApiGatewayV2::ApiMapping",
        "AWS::ApiGatewayV2::Authorizer",
        "AWS::ApiGatewayV2::Integration",
        "AWS::ApiGatewayV2::Route",
        "AWS::ApplicationAutoScaling::ScalableTarget",
        "AWS::ApplicationAutoScaling::ScalingPolicy",
        "AWS::CloudFront::OriginAccessControl",
        "AWS::EC2::EIPAssociation",
        "AWS::EC2::Route",
        "AWS::EC2::SecurityGroupEgress",
        "AWS::EC2::SecurityGroupIngress",
        "AWS::EC2::SubnetRouteTableAssociation",
        "AWS::EC2::VPCGatewayAttachment",
        "AWS::EC2::VolumeAttachment",
        "AWS::EFS::MountTarget",
        "AWS::ElasticLoadBalancingV2::ListenerCertificate",
        "AWS::Events::Archive",
        "AWS::IAM::InstanceProfile",
        "AWS::Lambda::Permission",
        "AWS::Lambda::Url",
        "AWS::MSK::BatchScramSecret",
        "AWS::MSK::Configuration",
        "AWS::Route53::RecordSet",
        "AWS::S3::BucketPolicy",
        "AWS::SNS::Subscription",
        "AWS::SNS::TopicPolicy",
        "AWS::SQS::QueuePolicy",
        "AWS::Scheduler::Schedule",
        "AWS::WAFv2::WebACLAssociation",
        "Panka::External::Reference",
        "Panka::S3::BucketNotification",
    };
    for (size_t i = 0; i < PK_ARRAY_LEN(untagged); i++)
        if (strcmp(untagged[i], type) == 0)
            return false;
    return true;
}

bool pk_type_named_by_tag(const char *type) {
    return pk_starts_with(type, "AWS::EC2::") || pk_starts_with(type, "AWS::EFS::");
}

/* Letters of any script count as letters: only ASCII punctuation is limited. */
static bool has_only_tag_characters(const char *text) {
    for (const unsigned char *p = (const unsigned char *)text; *p; p++) {
        bool alnum =
            (*p >= 'a' && *p <= 'z') || (*p >= 'A' && *p <= 'Z') || (*p >= '0' && *p <= '9');
        if (!alnum && *p < 0x80 && !strchr(" +-=._:/@", *p))
            return false;
    }
    return true;
}

static size_t code_points(const char *text) {
    size_t n = 0;
    for (; *text; text++)
        n += ((unsigned char)*text & 0xC0) != 0x80;
    return n;
}

static bool reserved_key(const char *key) {
    char head[7] = {0};
    for (size_t i = 0; i < sizeof(head) - 1 && key[i]; i++)
        head[i] = (char)(key[i] >= 'A' && key[i] <= 'Z' ? key[i] - 'A' + 'a' : key[i]);
    return pk_starts_with(head, "aws:") || pk_starts_with(head, "panka:");
}

bool pk_tag_check(const char *key, const char *value, struct pk_span span, struct pk_diags *diags) {
    struct pk_diag *d = NULL;
    if (reserved_key(key)) {
        d = pk_diag(diags, PK_SEVERITY_ERROR, "tag.reserved", span,
                    "tag key `%s` has a reserved prefix", key);
        pk_diag_help(diags, d, "`aws:` belongs to AWS and `panka:` to panka: choose another key");
    } else if (!*key || code_points(key) > MAX_TAG_KEY) {
        d = pk_diag(diags, PK_SEVERITY_ERROR, "tag.length", span, "tag key has %zu characters",
                    code_points(key));
        pk_diag_help(diags, d, "AWS accepts keys of 1 to %d characters", MAX_TAG_KEY);
    } else if (code_points(value) > MAX_TAG_VALUE) {
        d = pk_diag(diags, PK_SEVERITY_ERROR, "tag.length", span,
                    "value of tag `%s` has %zu characters", key, code_points(value));
        pk_diag_help(diags, d, "AWS accepts values of at most %d characters", MAX_TAG_VALUE);
    } else if (!has_only_tag_characters(key) || !has_only_tag_characters(value)) {
        d = pk_diag(diags, PK_SEVERITY_ERROR, "tag.characters", span,
                    "tag `%s` has characters that AWS refuses", key);
        pk_diag_help(diags, d, "letters, digits, space and + - = . _ : / @ are accepted");
    }
    return d == NULL;
}

/* Adds every tag of `from` to `to`; later layers win. */
static void add_layer(json_t *to, const json_t *from) {
    const char *key;
    json_t *value, *walk = (json_t *)(uintptr_t)from; /* only read */
    json_object_foreach(walk, key, value) {
        if (json_is_string(value) && !reserved_key(key))
            json_object_set(to, key, value);
    }
}

static void put(json_t *tags, const char *key, const char *value) {
    if (value && *value)
        json_object_set_new(tags, key, pk_json_text(value));
}

static void put_system(json_t *tags, struct pk_expansion *x, const struct pk_component *c,
                       const struct pk_resource *r) {
    put(tags, "panka:managed", "true");
    put(tags, "panka:tenant", x->project->tenant);
    put(tags, "panka:stack", x->project->name);
    put(tags, "panka:environment", x->project->environment);
    put(tags, "panka:service", c ? c->service->name : NULL);
    put(tags, "panka:component", c ? c->name : NULL);
    put(tags, "panka:kind", c ? c->kind : "Stack");
    put(tags, "panka:resource", r->key);
}

void pk_x_set_tags(struct pk_expansion *x, const struct pk_component *c, struct pk_resource *r) {
    json_object_clear(r->tags);
    if (!pk_type_taggable(r->type))
        return;
    const struct pk_project *p = x->project;
    if (p->tenant_config)
        add_layer(r->tags, json_object_get(p->tenant_config->spec, "defaultTags"));
    add_layer(r->tags, p->meta.labels);
    add_layer(r->tags, json_object_get(p->spec, "tags"));
    if (c) {
        add_layer(r->tags, c->service->meta.labels);
        add_layer(r->tags, json_object_get(c->service->spec, "tags"));
        add_layer(r->tags, c->meta.labels);
        add_layer(r->tags, json_object_get(c->spec, "tags"));
        add_layer(r->tags, pk_json_at(c->spec, "bucket.tags"));
    }
    put_system(r->tags, x, c, r);
    if (pk_type_named_by_tag(r->type))
        put(r->tags, "Name", r->name ? r->name : pk_x_base(x, c, r->sub));
    if (json_object_size(r->tags) + ENGINE_TAGS > MAX_TAGS && (!c || r->primary)) {
        struct pk_diag *d = pk_diag(x->diags, PK_SEVERITY_ERROR, "tag.count", r->span,
                                    "%s has more than %d tags", r->key, MAX_TAGS);
        pk_diag_help(x->diags, d, "panka itself sets %zu; remove some of the labels and tags",
                     (size_t)9 + ENGINE_TAGS);
    }
}

static void check_layer(struct pk_expansion *x, const json_t *tags, const struct pk_spans *spans,
                        const char *path, struct pk_span fallback) {
    const char *key;
    json_t *value, *walk = (json_t *)(uintptr_t)tags; /* only read */
    json_object_foreach(walk, key, value) {
        const char *full = pk_arena_printf(x->arena, "%s.%s", path, key);
        struct pk_span span = spans ? pk_spans_find(spans, full) : fallback;
        if (json_is_string(value))
            pk_tag_check(key, json_string_value(value), span.src ? span : fallback, x->diags);
    }
}

static void check_meta(struct pk_expansion *x, const struct pk_metadata *meta) {
    check_layer(x, meta->labels, NULL, "labels", meta->span);
}

void pk_x_check_tags(struct pk_expansion *x) {
    const struct pk_project *p = x->project;
    if (p->tenant_config)
        check_layer(x, json_object_get(p->tenant_config->spec, "defaultTags"),
                    p->tenant_config->spans, "defaultTags", p->meta.span);
    check_meta(x, &p->meta);
    check_layer(x, json_object_get(p->spec, "tags"), p->spans, "tags", p->meta.span);
    for (size_t i = 0; i < p->services.len; i++) {
        const struct pk_service *s = p->services.items[i];
        check_meta(x, &s->meta);
        check_layer(x, json_object_get(s->spec, "tags"), s->spans, "tags", s->meta.span);
    }
    for (size_t i = 0; i < p->components.len; i++) {
        const struct pk_component *c = p->components.items[i];
        check_meta(x, &c->meta);
        check_layer(x, json_object_get(c->spec, "tags"), c->spans, "tags", c->span);
        check_layer(x, pk_json_at(c->spec, "bucket.tags"), c->spans, "bucket.tags", c->span);
    }
}
