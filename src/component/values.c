/* values.c - values of properties: outputs of other components, ARNs, secrets. */
#include "component/internal.h"

#include "base/str.h"

#include <string.h>

void pk_x_set(json_t *object, const char *key, json_t *value) {
    if (value)
        json_object_set_new(object, key, value);
}

json_t *pk_x_texts(const char *const *texts, size_t n) {
    json_t *list = json_array();
    for (size_t i = 0; i < n; i++)
        json_array_append_new(list, pk_json_text(texts[i]));
    return list;
}

#define MAX_OUTPUTS 16

/* --- outputs ---------------------------------------------------------------------------------- */

struct resolving {
    struct pk_expansion *x;
    struct pk_resource *r;
    const struct pk_component *c;
    const char *why;
    struct pk_span span;
};

static void note_own_key(void *ctx, json_t *token) {
    const char **key = ctx;
    if (*key && pk_streq(pk_json_str(token, "$ref", NULL), *key))
        *key = NULL;
}

/* An output of the component itself that only AWS knows cannot be an input of it. */
static bool is_circular(const struct resolving *to, const struct pk_component *target,
                        json_t *value) {
    if (!to->c || target != to->c)
        return false;
    const char *key = target->key;
    pk_token_each(value, "$ref", note_own_key, &key);
    return key == NULL;
}

static json_t *resolve_out(void *ctx, const json_t *token) {
    struct resolving *to = ctx;
    if (!pk_token_is(token, "$out"))
        return NULL;
    const char *address = pk_json_str(token, "$out", ""),
               *output = pk_json_str(token, "output", "");
    const struct pk_component *target = pk_project_at(to->x->project, address);
    json_t *value = target ? pk_x_output(to->x, to->c, target, output, to->span) : NULL;
    if (value && is_circular(to, target, value)) {
        struct pk_diag *d = pk_diag(to->x->diags, PK_SEVERITY_ERROR, "ref.self", to->span,
                                    "%s refers to its own output `%s`", target->address, output);
        pk_diag_help(to->x->diags, d, "the value is known only after %s has been made",
                     target->address);
        json_decref(value);
        value = NULL;
    }
    if (!value)
        return json_null();
    if (target != to->c)
        pk_x_wait_for(to->x, to->r, target, pk_token_inside(value) ? PK_EDGE_HARD : PK_EDGE_SOFT,
                      to->why, to->span);
    return value;
}

json_t *pk_x_resolve(struct pk_expansion *x, struct pk_resource *r, const struct pk_component *c,
                     const json_t *value, const char *why, struct pk_span span) {
    struct resolving to = {x, r, c, why, span};
    return value ? pk_token_resolve(value, resolve_out, &to) : NULL;
}

json_t *pk_x_value(struct pk_expansion *x, struct pk_resource *r, const struct pk_component *c,
                   const char *path) {
    return pk_x_resolve(x, r, c, pk_spec_get(c, path), path, pk_spec_span(c, path));
}

void pk_x_copy(struct pk_expansion *x, struct pk_resource *r, const char *property,
               const struct pk_component *c, const char *path) {
    json_t *value = pk_x_value(x, r, c, path);
    if (!value)
        return;
    struct pk_span span = pk_spec_span(c, path);
    const char *dot = strchr(property, '.');
    if (!dot) {
        pk_resource_set(x->graph, r, property, value, span);
        return;
    }
    const char *top = pk_arena_strndup(x->arena, property, (size_t)(dot - property));
    json_t *outer = json_incref(json_object_get(r->properties, top));
    if (!outer)
        outer = json_object();
    pk_json_put(outer, dot + 1, value);
    pk_resource_set(x->graph, r, top, outer, span);
}

static json_t *default_name(struct pk_expansion *x, const struct pk_component *c) {
    const struct pk_kind *kind = pk_kind_by_name(c->kind);
    const char *name = kind->primary_type ? pk_x_name_of(x, c, NULL, kind->primary_type) : NULL;
    return name ? pk_json_text(name) : pk_token_ref(c->key, "Ref");
}

static json_t *common_output(struct pk_expansion *x, const struct pk_component *c,
                             const char *output) {
    const struct pk_kind *kind = pk_kind_by_name(c->kind);
    if (strcmp(output, "region") == 0)
        return pk_json_text(x->env->region);
    if (strcmp(output, "kind") == 0)
        return pk_json_text(c->kind);
    bool name = strcmp(output, "name") == 0, id = strcmp(output, "id") == 0;
    if (!name && !id && strcmp(output, "arn") != 0)
        return NULL;
    json_t *better = kind->identity ? kind->identity(x, c, output) : NULL;
    if (better)
        return better;
    return name ? default_name(x, c) : pk_token_ref(c->key, id ? "Ref" : "Arn");
}

json_t *pk_x_output(struct pk_expansion *x, const struct pk_component *from,
                    const struct pk_component *target, const char *output, struct pk_span asked) {
    const struct pk_kind *kind = pk_kind_by_name(target->kind);
    if (!kind)
        return NULL; /* the loader has refused the kind */
    if (!target->enabled) {
        struct pk_diag *d = pk_diag(x->diags, PK_SEVERITY_ERROR, "ref.disabled", asked,
                                    "component %s is disabled", target->address);
        pk_diag_help(x->diags, d, "set `enabled: true` in %s, or give a default: ${%s.%s:-value}",
                     target->address, target->name, output);
        if (from)
            pk_diag_address(x->diags, d, "%s", from->address);
        return NULL;
    }
    json_t *value = common_output(x, target, output);
    if (value || !kind->output)
        return value;
    /* an output may be made of another component's output, as images are */
    if (x->outputs >= MAX_OUTPUTS) {
        struct pk_diag *d = pk_diag(x->diags, PK_SEVERITY_ERROR, "ref.cycle", asked,
                                    "the output `%s` of %s needs itself", output, target->address);
        pk_diag_help(x->diags, d, "give one of the values without a reference");
        return NULL;
    }
    x->outputs++;
    value = kind->output(x, target, output, asked);
    x->outputs--;
    return value;
}

const struct pk_component *pk_x_ref(struct pk_expansion *x, const struct pk_component *c,
                                    const char *path) {
    const char *ref = pk_spec_str(c, path);
    bool ambiguous;
    const struct pk_component *target =
        ref ? pk_project_component(x->project, c, ref, &ambiguous) : NULL;
    return target && pk_x_active(target) ? target : NULL;
}

/* --- ARNs ------------------------------------------------------------------------------------- */

PK_PRINTF(5, 0)
static json_t *arn(struct pk_expansion *x, const char *service, const char *region,
                   const char *account, const char *fmt, va_list args) {
    const char *resource = pk_arena_vprintf(x->arena, fmt, args);
    return pk_json_textf("arn:%s:%s:%s:%s:%s", x->env->partition, service, region, account,
                         resource);
}

json_t *pk_x_arn(struct pk_expansion *x, const char *service, const char *fmt, ...) {
    va_list args;
    va_start(args, fmt);
    json_t *value = arn(x, service, x->env->region, x->env->account_id, fmt, args);
    va_end(args);
    return value;
}

json_t *pk_x_arn_global(struct pk_expansion *x, const char *service, const char *fmt, ...) {
    va_list args;
    va_start(args, fmt);
    /* ARNs of buckets and objects have no account either */
    const char *account = strcmp(service, "s3") == 0 ? "" : x->env->account_id;
    json_t *value = arn(x, service, "", account, fmt, args);
    va_end(args);
    return value;
}

/* --- secrets ---------------------------------------------------------------------------------- */

/* "name#key" -> name, key (NULL when there is none). */
static const char *split_key(struct pk_expansion *x, const char *secret_ref, const char **ret_key) {
    const char *hash = strchr(secret_ref, '#');
    *ret_key = hash && hash[1] ? hash + 1 : NULL;
    return hash ? pk_arena_strndup(x->arena, secret_ref, (size_t)(hash - secret_ref)) : secret_ref;
}

static void note_secret(struct pk_expansion *x, const char *name, struct pk_span span) {
    if (pk_map_has(x->secrets, name))
        return;
    struct pk_span *first = pk_arena_alloc(x->arena, sizeof(*first));
    *first = span;
    pk_map_set(x->secrets, name, first);
}

static json_t *with_key(json_t *secret, const char *key) {
    if (!key)
        return secret;
    if (json_is_string(secret)) {
        json_t *text = pk_json_textf("%s:%s::", json_string_value(secret), key);
        json_decref(secret);
        return text;
    }
    json_t *parts = json_array(), *join = json_object();
    json_array_append_new(parts, secret);
    json_array_append_new(parts, pk_json_textf(":%s::", key));
    json_object_set_new(join, "$join", parts);
    return join;
}

json_t *pk_x_secret_arn(struct pk_expansion *x, const char *secret_ref, bool for_ecs,
                        struct pk_span span) {
    if (pk_starts_with(secret_ref, "ssm:")) {
        const char *name = secret_ref + strlen("ssm:");
        return pk_x_arn(x, "ssm", "parameter/%s", *name == '/' ? name + 1 : name);
    }
    const char *key;
    const char *name = split_key(x, secret_ref, &key);
    if (!for_ecs)
        key = NULL;
    if (pk_starts_with(name, "arn:"))
        return with_key(pk_json_text(name), key);
    note_secret(x, name, span);
    json_t *token = json_object();
    json_object_set_new(token, "$secretArn", pk_json_text(name));
    return with_key(token, key);
}

json_t *pk_x_secret_value(struct pk_expansion *x, const char *secret_ref, struct pk_span span) {
    const char *key;
    const char *name = split_key(x, secret_ref, &key);
    if (!pk_starts_with(name, "arn:") && !pk_starts_with(name, "ssm:"))
        note_secret(x, name, span);
    json_t *token = json_object();
    json_object_set_new(token, "$secret", pk_json_text(name));
    if (key)
        json_object_set_new(token, "key", pk_json_text(key));
    return token;
}

json_t *pk_x_env_secret_arn(struct pk_expansion *x, const struct pk_env_entry *entry,
                            bool for_ecs) {
    if (entry->secret_ref)
        return pk_x_secret_arn(x, entry->secret_ref, for_ecs, entry->span);
    if (!entry->secret_arn)
        return NULL;
    return with_key(json_deep_copy(entry->secret_arn), for_ecs ? entry->secret_key : NULL);
}
