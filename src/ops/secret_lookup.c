#include "ops/secret_lookup.h"

#include "base/mem.h"
#include "base/str.h"
#include "json/json.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#define LOOKUP_THREADS 8

struct secret {
    const char *name;
    struct pk_span span;
    const char *address;
    char *arn;
    char *version;                  /* the current one, so that a new one is seen as a change */
    struct pk_resource *created_by; /* the graph makes it itself */
    bool missing;
    struct pk_error *error;
};

struct lookup {
    struct pk_aws *aws;
    struct secret *secrets;
    size_t n;
    atomic_size_t next;
};

struct collector {
    struct pk_map *seen;
    struct pk_vec *secrets;
    struct pk_arena *arena;
    struct pk_resource *resource;
    const char *property;
};

static void collect_token(void *ctx, json_t *token) {
    struct collector *c = ctx;
    const char *name = json_string_value(json_object_get(token, "$secretArn"));
    if (!name)
        name = json_string_value(json_object_get(token, "$secret"));
    if (!name || pk_starts_with(name, "ssm:") || pk_map_has(c->seen, name))
        return;
    struct secret *secret = pk_arena_alloc(c->arena, sizeof(*secret));
    secret->name = pk_arena_strdup(c->arena, name);
    if (c->resource) {
        secret->span = pk_resource_span(c->resource, c->property);
        secret->address = c->resource->key;
    } else {
        secret->address = "outputs";
    }
    pk_map_set(c->seen, name, secret);
    pk_vec_push(c->secrets, secret);
}

static void collect(struct pk_graph *graph, struct pk_arena *arena, struct pk_map *seen,
                    struct pk_vec *ret) {
    struct collector c = {.seen = seen, .secrets = ret, .arena = arena};
    for (size_t i = 0; i < graph->resources.len; i++) {
        c.resource = graph->resources.items[i];
        const char *property;
        json_t *value;
        json_object_foreach(c.resource->properties, property, value) {
            c.property = property;
            pk_token_each(value, "$secretArn", collect_token, &c);
            pk_token_each(value, "$secret", collect_token, &c);
        }
    }
    c.resource = NULL;
    pk_token_each(graph->outputs, "$secretArn", collect_token, &c);
}

static void mark_created(struct pk_graph *graph, struct pk_map *seen) {
    for (size_t i = 0; i < graph->resources.len; i++) {
        struct pk_resource *r = graph->resources.items[i];
        struct secret *secret = r->name ? pk_map_get(seen, r->name) : NULL;
        if (secret && pk_streq(r->type, "AWS::SecretsManager::Secret"))
            secret->created_by = r;
    }
}

static char *current_version(const json_t *described) {
    const char *version;
    json_t *stages, *stage;
    size_t i;
    json_object_foreach(json_object_get(described, "VersionIdsToStages"), version, stages) {
        json_array_foreach(stages, i, stage) {
            if (pk_streq(json_string_value(stage), "AWSCURRENT"))
                return pk_strdup(version);
        }
    }
    return NULL;
}

static void look_up(struct pk_aws *aws, struct secret *secret) {
    json_t *params PK_CLEANUP(json_decrefp) = json_pack("{s:s}", "SecretId", secret->name);
    json_t *result = NULL;
    if (pk_aws_call(aws, "secretsmanager", "DescribeSecret", params, NULL, &result,
                    &secret->error)) {
        secret->arn = pk_strdup(pk_json_str(result, "ARN", ""));
        secret->version = current_version(result);
        secret->missing = json_object_get(result, "DeletedDate") != NULL;
        json_decref(result);
    } else if (pk_error_is_aws(secret->error, "ResourceNotFoundException")) {
        secret->missing = true;
        pk_error_clear(&secret->error);
    }
}

static void *lookup_thread(void *ctx) {
    struct lookup *l = ctx;
    size_t i;
    while ((i = atomic_fetch_add(&l->next, 1)) < l->n)
        if (!l->secrets[i].created_by)
            look_up(l->aws, &l->secrets[i]);
    return NULL;
}

static void look_up_all(struct lookup *l) {
    pthread_t threads[LOOKUP_THREADS];
    size_t started = 0;
    while (started + 1 < l->n && started < LOOKUP_THREADS &&
           pthread_create(&threads[started], NULL, lookup_thread, l) == 0)
        started++;
    lookup_thread(l);
    for (size_t i = 0; i < started; i++)
        pthread_join(threads[i], NULL);
}

/* An ARN ends with the name, '-' and six characters of AWS's. */
static void find_in_json(const json_t *value, struct secret *secret) {
    const char *text = json_string_value(value), *name;
    if (text && strncmp(text, "arn:", 4) == 0 && (name = strstr(text, ":secret:"))) {
        name += strlen(":secret:");
        size_t len = strlen(secret->name);
        if (strncmp(name, secret->name, len) == 0 && name[len] == '-' &&
            strcspn(name + len + 1, ":") == 6)
            secret->arn = pk_strndup(text, (size_t)(name - text) + len + 7);
        return;
    }
    size_t i;
    json_t *item;
    const char *key;
    json_array_foreach((json_t *)(uintptr_t)value, i, item) {
        if (!secret->arn)
            find_in_json(item, secret);
    }
    json_object_foreach((json_t *)(uintptr_t)value, key, item) {
        if (!secret->arn)
            find_in_json(item, secret);
    }
}

static void version_of_token(void *ctx, json_t *token) {
    struct secret *secret = ctx;
    const char *version = pk_json_str(token, "versionId", NULL);
    if (version && !secret->version &&
        pk_streq(json_string_value(json_object_get(token, "$secret")), secret->name))
        secret->version = pk_strdup(version);
}

static void find_in_state(const struct pk_state *state, struct secret *secret) {
    size_t cursor = 0;
    const char *key;
    void *found;
    while (pk_map_next(state->resources, &cursor, &key, &found)) {
        json_t *properties = ((struct pk_state_resource *)found)->properties;
        if (!secret->arn)
            find_in_json(properties, secret);
        pk_token_each(properties, "$secret", version_of_token, secret);
    }
}

static json_t *replace_token(void *ctx, const json_t *token) {
    struct pk_map *seen = ctx;
    const char *name = json_string_value(json_object_get(token, "$secretArn"));
    struct secret *secret = name ? pk_map_get(seen, name) : NULL;
    if (secret && secret->arn)
        return json_string(secret->arn);
    if (secret && secret->created_by)
        return pk_token_ref(secret->created_by->key, "Ref");
    return NULL;
}

/* Which version of the secret is used is part of the property. */
static void put_version(void *ctx, json_t *token) {
    struct pk_map *seen = ctx;
    const char *name = json_string_value(json_object_get(token, "$secret"));
    struct secret *secret = name ? pk_map_get(seen, name) : NULL;
    if (secret && secret->version && !secret->created_by)
        pk_json_put_str(token, "versionId", secret->version);
}

static void replace_all(struct pk_graph *graph, struct pk_map *seen) {
    for (size_t i = 0; i < graph->resources.len; i++) {
        struct pk_resource *r = graph->resources.items[i];
        json_t *resolved = pk_token_resolve(r->properties, replace_token, seen);
        json_decref(r->properties);
        r->properties = resolved;
        pk_token_each(r->properties, "$secret", put_version, seen);
    }
    json_t *outputs = pk_token_resolve(graph->outputs, replace_token, seen);
    json_decref(graph->outputs);
    graph->outputs = outputs;
    pk_graph_edges_from_tokens(graph);
}

static void report_missing(const struct secret *secret, struct pk_diags *diags) {
    struct pk_diag *diag =
        pk_diag(diags, PK_SEVERITY_ERROR, "secret.missing", secret->span,
                "secret \"%s\" does not exist in AWS Secrets Manager", secret->name);
    pk_diag_address(diags, diag, "%s", secret->address);
    pk_diag_help(diags, diag, "create it: panka secret set %s", secret->name);
}

bool pk_secret_lookup(struct pk_aws *aws, const struct pk_state *state, struct pk_graph *graph,
                      struct pk_diags *diags, struct pk_error **err) {
    struct pk_arena *arena PK_CLEANUP(pk_arena_freep) = pk_arena_new();
    struct pk_map *seen PK_CLEANUP(pk_map_freep) = pk_map_new();
    struct pk_vec found PK_CLEANUP(pk_vec_release) = PK_VEC_INIT;
    collect(graph, arena, seen, &found);
    if (found.len == 0)
        return true;
    mark_created(graph, seen);
    struct lookup l = {.aws = aws, .n = found.len};
    l.secrets = pk_arena_array(arena, found.len, sizeof(*l.secrets));
    for (size_t i = 0; i < found.len; i++) {
        l.secrets[i] = *(struct secret *)found.items[i];
        pk_map_set(seen, l.secrets[i].name, &l.secrets[i]);
        if (!aws)
            find_in_state(state, &l.secrets[i]);
    }
    if (aws)
        look_up_all(&l);
    bool ok = true;
    for (size_t i = 0; i < l.n; i++) {
        if (l.secrets[i].missing)
            report_missing(&l.secrets[i], diags);
        if (l.secrets[i].error && ok) {
            ok = false;
            if (err && !*err)
                *err = pk_steal(&l.secrets[i].error);
            pk_wrap(err, "cannot look up secret %s", l.secrets[i].name);
        }
        pk_error_clear(&l.secrets[i].error);
    }
    if (ok)
        replace_all(graph, seen);
    for (size_t i = 0; i < l.n; i++) {
        free(l.secrets[i].arn);
        free(l.secrets[i].version);
    }
    return ok;
}
