#include "ops/deploy.h"

#include "base/fs.h"
#include "base/log.h"
#include "component/kind.h"
#include "ops/secret_lookup.h"
#include "ops/unprotect.h"
#include "json/json.h"

#include <stdlib.h>
#include <string.h>

/* A changed name changes computed ARNs, which may replace more: each round settles at least one
 * resource. */
#define MAX_PLAN_ROUNDS 8

static void phase(const struct pk_deployment *d, const char *fmt, ...) PK_PRINTF(2, 3);
static void phase(const struct pk_deployment *d, const char *fmt, ...) {
    if (!d->options.on_phase)
        return;
    va_list args;
    va_start(args, fmt);
    char *text PK_CLEANUP(pk_freep) = pk_vasprintf(fmt, args);
    va_end(args);
    d->options.on_phase(d->options.ctx, text);
}

static void make_deployment_id(struct pk_deployment *d) {
    char when[24], tail[5];
    pk_time_format(pk_wall_ms(NULL) / 1000, "%Y%m%d-%H%M%S", when, sizeof(when));
    pk_random_text(tail, 4, "0123456789abcdef");
    snprintf(d->deployment_id, sizeof(d->deployment_id), "dep-%s-%s", when, tail);
}

static struct pk_deployment *deployment_new(struct pk_context *context,
                                            const struct pk_deploy_options *options) {
    struct pk_deployment *d = pk_calloc(1, sizeof(*d));
    d->arena = pk_arena_new();
    d->context = context;
    d->options = *options;
    make_deployment_id(d);
    return d;
}

static const char *first_text(const char *a, const char *b, const char *c) {
    if (a && *a)
        return a;
    if (b && *b)
        return b;
    return c;
}

static bool load_project(struct pk_deployment *d, struct pk_diags *diags, struct pk_error **err) {
    struct pk_load_options load = d->options.load;
    struct pk_tenant_config *tenant = NULL;
    bool online = !d->options.offline && !d->options.rehearse;
    if (!pk_context_tenant(d->context, load.path, online, diags, &tenant, err))
        return false;
    load.tenant = d->context->tenant;
    load.tenant_config = tenant;
    load.kinds = pk_kinds();
    load.region_override = d->context->options.settings.flags[PK_SET_REGION];
    load.region = first_text(d->context->logged_in ? d->context->session.region : NULL,
                             pk_setting(d->context->settings, PK_SET_REGION), NULL);
    if (!load.env_from_process)
        load.env_from_process = pk_setting(d->context->settings, PK_SET_ENVIRONMENT);
    /* What is to be destroyed is in the state: mistakes in the files must not keep it alive. */
    bool by_state = d->options.destroy || d->options.unprotect;
    struct pk_diags *own PK_CLEANUP(pk_diags_freep) = by_state ? pk_diags_new() : NULL;
    d->project = pk_project_load(&load, own ? own : diags);
    if (!d->project || !*d->project->name)
        return own ? pk_diags_fail(own, err) : pk_diags_fail(diags, err);
    d->stack = d->project->name;
    d->environment = d->project->environment;
    d->tenant = d->context->tenant;
    memcpy(d->inputs_sha256, d->project->inputs_sha256, sizeof(d->inputs_sha256));
    if (!d->stack || !d->environment)
        return pk_diags_fail(own ? own : diags, err);
    d->region = first_text(d->project->region, load.region, "");
    return true;
}

static bool open_target(struct pk_deployment *d, const char *expected_account,
                        struct pk_error **err) {
    if (d->options.offline || d->options.rehearse)
        return true;
    if (!*d->region)
        return pk_fail(err, PK_E_CONFIG,
                       "no region: neither the stack nor the settings name one") ||
               pk_error_hint(err,
                             "set spec.provider.region in stack.yaml, or pass --region REGION");
    if (!pk_context_target(d->context, d->region, expected_account, &d->aws, err))
        return false;
    snprintf(d->account_id, sizeof(d->account_id), "%s", d->context->account_id);
    return d->context->options.make_provider(d->aws, d->account_id, &d->provider, err);
}

static void on_lock_lost(void *ctx, const char *why) {
    struct pk_deployment *d = ctx;
    pk_log(PK_LOG_INFO, "lock lost: %s", why);
    if (d->context->cancel)
        pk_cancel_raise(d->context->cancel, PK_CANCEL_STOP);
}

static bool take_lock(struct pk_deployment *d, const char *lock_key, struct pk_error **err) {
    struct pk_locker *locker = NULL;
    struct pk_store *store = NULL;
    if (!d->options.lock || d->options.rehearse)
        return true;
    if (!pk_context_locker(d->context, &locker, err))
        return false;
    if (d->context->logged_in && (!pk_context_store(d->context, &store, err) ||
                                  !pk_tenant_check_session(store, &d->context->session, err)))
        return false;
    char *actor PK_CLEANUP(pk_freep) = pk_context_actor(d->context);
    struct pk_lock_request request = {
        .key = lock_key,
        .locked_by = actor,
        .operation = d->options.operation,
        .deployment_id = d->deployment_id,
        .wait_ms = d->options.lock_wait_ms,
        .cancel = d->context->cancel,
        .on_wait = d->options.on_lock_wait,
        .ctx = d->options.ctx,
        .on_lost = on_lock_lost,
        .lost_ctx = d,
    };
    return pk_lock_acquire(locker, &request, &d->lock, err);
}

static bool load_state(struct pk_deployment *d, struct pk_error **err) {
    if (pk_context_has_backend(d->context)) {
        struct pk_store *store = NULL;
        if (!pk_context_store(d->context, &store, err) ||
            !pk_state_load(store, d->state_key, &d->state, &d->etag, err))
            return false;
    } else if (d->options.lock && !d->options.rehearse) {
        struct pk_store *store = NULL;
        return pk_context_store(d->context, &store, err); /* says how to configure one */
    }
    if (!d->state) {
        d->state = pk_state_new();
        d->state_is_new = true;
    }
    if (!*d->account_id) {
        const char *known = d->project ? d->project->account_id : NULL;
        snprintf(
            d->account_id, sizeof(d->account_id), "%s",
            first_text(known, pk_json_str(d->state->metadata, "accountId", NULL), "000000000000"));
    }
    return true;
}

/* The ids components are placed in: the tenant's, an existing network's, or what the state
 * remembers. */
static json_t *find_networking(struct pk_deployment *d, struct pk_diags *diags) {
    const struct pk_tenant_config *tenant = d->project->tenant_config;
    if (tenant && tenant->networking && json_object_size(tenant->networking) > 0)
        return tenant->networking;
    if (tenant && pk_json_at(tenant->spec, "networking.existing")) {
        struct pk_graph *g = pk_network_expand(tenant, NULL, d->region, d->account_id, diags);
        if (g && g->networking) {
            json_t *kept = json_incref(g->networking);
            pk_arena_on_free(d->arena, (void (*)(void *))json_decref, kept);
            pk_graph_free(g);
            return kept;
        }
        pk_graph_free(g);
    }
    return json_object_size(d->state->networking) > 0 ? d->state->networking : NULL;
}

static struct pk_graph *expand(struct pk_deployment *d, const struct pk_map *generations,
                               struct pk_diags *diags) {
    const char *region = *d->region ? d->region : "us-east-1";
    if (d->network_of)
        return pk_network_expand_with(d->network_of, d->state, generations, region, d->account_id,
                                      diags);
    struct pk_expand_env env = {
        .project = d->project,
        .state = d->state,
        .generations = generations,
        .region = region,
        .account_id = d->account_id,
        .partition = pk_aws_partition(region),
        .dns_suffix = pk_aws_dns_suffix(region),
        .networking = find_networking(d, diags),
        .online = !d->options.offline,
        .redeploy = d->options.redeploy,
        .n_redeploy = d->options.n_redeploy,
        .allow_replace = d->options.plan.allow_replace,
        .n_allow_replace = d->options.plan.n_allow_replace,
    };
    return pk_expand(&env, diags);
}

static struct pk_plan_options plan_options(struct pk_deployment *d) {
    struct pk_plan_options options = d->options.plan;
    size_t n = options.n_targets + d->options.n_components;
    const char **targets = pk_arena_array(d->arena, n + 1, sizeof(*targets));
    for (size_t i = 0; i < options.n_targets; i++)
        targets[i] = options.targets[i];
    for (size_t i = 0; i < d->options.n_components; i++)
        targets[options.n_targets + i] = d->options.components[i];
    options.targets = targets;
    options.n_targets = n;
    options.destroy = d->options.destroy;
    return options;
}

static struct pk_plan *plan_once(struct pk_deployment *d, struct pk_diags *diags) {
    struct pk_plan_input input = {
        .graph = d->options.destroy ? NULL : d->graph,
        .state = d->state,
        .live = d->live,
        .traits = d->provider ? pk_provider_traits(d->provider) : d->context->options.traits,
        .options = plan_options(d),
    };
    return pk_plan_make(&input, diags);
}

/* Expands and plans until no replacement asks for a further name. Findings of the last round count.
 */
static bool expand_and_plan(struct pk_deployment *d, struct pk_diags *diags,
                            struct pk_error **err) {
    struct pk_map *generations PK_CLEANUP(pk_map_freep) = pk_map_new();
    for (int round = 0; round < MAX_PLAN_ROUNDS; round++) {
        struct pk_diags *found PK_CLEANUP(pk_diags_freep) = pk_diags_new();
        pk_plan_free(d->plan);
        d->plan = NULL;
        if (!d->options.destroy && !d->from_file) {
            pk_graph_free(d->graph);
            d->graph = d->options.unprotect ? pk_unprotected_graph(d->state)
                                            : expand(d, generations, found);
            if (!pk_diags_has_errors(found) &&
                !pk_secret_lookup(d->aws, d->state, d->graph, found, err))
                return false;
        }
        if (!pk_diags_has_errors(found))
            d->plan = plan_once(d, found);
        if (!d->plan || d->plan->bump.len == 0 || d->from_file || d->options.destroy) {
            pk_diags_merge(diags, found);
            return true;
        }
        for (size_t i = 0; i < d->plan->bump.len; i++) {
            const char *key = d->plan->bump.items[i];
            const struct pk_state_resource *prior = pk_state_find(d->state, key);
            unsigned *generation = pk_arena_alloc(d->arena, sizeof(*generation));
            *generation = (prior ? prior->generation : 0) + 1;
            pk_map_set(generations, key, generation);
        }
    }
    return pk_fail(err, PK_E_INTERNAL, "planning did not settle after %d rounds", MAX_PLAN_ROUNDS);
}

static bool wants_refresh(const struct pk_deployment *d) {
    if (!d->provider || d->options.no_refresh || pk_state_live_count(d->state) == 0)
        return false;
    if (d->options.refresh || !d->project)
        return true;
    const struct pk_tenant_config *tenant = d->project->tenant_config;
    return d->options.lock ||
           (tenant && pk_json_bool(tenant->spec, "policies.enableDriftDetection", true));
}

static bool refresh(struct pk_deployment *d, struct pk_error **err) {
    if (!wants_refresh(d))
        return true;
    phase(d, "reading %zu resources", pk_state_live_count(d->state));
    return pk_engine_refresh(d->provider, d->state, d->arena, d->context->cancel, &d->live, err);
}

static bool check_limits(struct pk_deployment *d, struct pk_diags *diags, struct pk_error **err) {
    const struct pk_tenant_config *tenant = d->project ? d->project->tenant_config : NULL;
    int64_t limit = tenant ? pk_json_int(tenant->spec, "limits.maxStacks", 0) : 0;
    if (limit <= 0 || !d->state_is_new || !d->options.lock || !d->tenant || d->options.destroy)
        return true;
    struct pk_store *store = NULL;
    struct pk_vec keys = PK_VEC_INIT;
    char *prefix PK_CLEANUP(pk_freep) = pk_key_stacks(d->tenant);
    if (!pk_context_store(d->context, &store, err) ||
        !store->vtable->list(store, prefix, 100000, &keys, err))
        return false;
    struct pk_map *names PK_CLEANUP(pk_map_freep) = pk_map_new();
    for (size_t i = 0; i < keys.len; i++) {
        const char *rest = (const char *)keys.items[i] + strlen(prefix);
        char *name PK_CLEANUP(pk_freep) = pk_strndup(rest, strcspn(rest, "/"));
        pk_map_set(names, name, d);
    }
    pk_names_release(&keys);
    if (!pk_map_has(names, d->stack) && (int64_t)pk_map_len(names) >= limit) {
        struct pk_diag *diag =
            pk_diag(diags, PK_SEVERITY_ERROR, "tenant.limit", d->project->meta.name_span,
                    "tenant %s may have %lld stacks and has %zu", d->tenant, (long long)limit,
                    pk_map_len(names));
        pk_diag_help(
            diags, diag,
            "destroy a stack that is not needed, or ask a platform admin for a higher limit");
    }
    return true;
}

static const char **string_list(struct pk_deployment *d, const json_t *list, size_t *ret_n) {
    *ret_n = json_array_size(list);
    const char **texts = pk_arena_array(d->arena, *ret_n + 1, sizeof(*texts));
    for (size_t i = 0; i < *ret_n; i++)
        texts[i] = pk_arena_strdup(d->arena, json_string_value(json_array_get(list, i)));
    return texts;
}

static json_t *list_json(const char *const *texts, size_t n) {
    json_t *list = json_array();
    for (size_t i = 0; i < n; i++)
        json_array_append_new(list, pk_json_text(texts[i]));
    return list;
}

static json_t *options_json(const struct pk_deployment *d) {
    struct pk_plan_options p = plan_options((struct pk_deployment *)(uintptr_t)d);
    json_t *o = json_object();
    json_object_set_new(o, "destroy", json_boolean(p.destroy));
    json_object_set_new(o, "targets", list_json(p.targets, p.n_targets));
    json_object_set_new(o, "excludes", list_json(p.excludes, p.n_excludes));
    json_object_set_new(o, "replace", list_json(p.replace, p.n_replace));
    json_object_set_new(o, "allowReplace", list_json(p.allow_replace, p.n_allow_replace));
    json_object_set_new(o, "services", list_json(p.services, p.n_services));
    json_object_set_new(o, "allowDataLoss", list_json(p.allow_data_loss, p.n_allow_data_loss));
    return o;
}

static void options_from_json(struct pk_deployment *d, const json_t *o) {
    struct pk_plan_options *p = &d->options.plan;
    d->options.destroy = pk_json_bool(o, "destroy", false);
    p->targets = string_list(d, json_object_get(o, "targets"), &p->n_targets);
    p->excludes = string_list(d, json_object_get(o, "excludes"), &p->n_excludes);
    p->replace = string_list(d, json_object_get(o, "replace"), &p->n_replace);
    p->allow_replace = string_list(d, json_object_get(o, "allowReplace"), &p->n_allow_replace);
    p->services = string_list(d, json_object_get(o, "services"), &p->n_services);
    p->allow_data_loss = string_list(d, json_object_get(o, "allowDataLoss"), &p->n_allow_data_loss);
}

/* The plan file stands for the folder: it brings the graph, the identity and the options of the
 * reviewed plan. */
static bool load_plan_file(struct pk_deployment *d, struct pk_error **err) {
    struct pk_buf text PK_CLEANUP(pk_buf_release) = PK_BUF_INIT(PK_STATE_MAX_SIZE);
    const char *path = d->options.plan_file;
    if (!pk_read_file(path, PK_STATE_MAX_SIZE, &text, err) ||
        !pk_plan_file_parse(pk_buf_cstr(&text), text.len, path, &d->file, err))
        return false;
    d->from_file = true;
    json_t *id = d->file.identity;
    const char *tenant = pk_json_str(id, "tenant", NULL);
    d->tenant = tenant ? pk_arena_strdup(d->arena, tenant) : NULL;
    d->stack = pk_arena_strdup(d->arena, pk_json_str(id, "stack", ""));
    d->environment = pk_arena_strdup(d->arena, pk_json_str(id, "environment", ""));
    d->region = pk_arena_strdup(d->arena, pk_json_str(id, "region", ""));
    snprintf(d->account_id, sizeof(d->account_id), "%s", pk_json_str(id, "accountId", ""));
    snprintf(d->inputs_sha256, sizeof(d->inputs_sha256), "%s", d->file.inputs_sha256);
    if (!pk_streq(d->tenant, d->context->tenant))
        return pk_fail(err, PK_E_PLAN_STALE, "%s is a plan for %s%s, but this session is for %s%s",
                       path, d->tenant ? "tenant " : "single-tenant mode",
                       d->tenant ? d->tenant : "",
                       d->context->tenant ? "tenant " : "single-tenant mode",
                       d->context->tenant ? d->context->tenant : "");
    options_from_json(d, d->file.options);
    d->graph = pk_steal(&d->file.graph);
    return true;
}

static bool check_plan_file(const struct pk_deployment *d, struct pk_error **err) {
    if (!d->from_file)
        return true;
    /* A stack that did not exist has no lineage yet: serial 0 stands for "still not there". */
    bool same_lineage =
        d->state_is_new ? d->file.serial == 0 : pk_streq(d->file.lineage, d->state->lineage);
    if (same_lineage && d->file.serial == d->state->serial)
        return true;
    return pk_fail(err, PK_E_PLAN_STALE,
                   "%s was made from state serial %lld, the state is now at %lld",
                   d->options.plan_file, (long long)d->file.serial, (long long)d->state->serial);
}

bool pk_deploy_save_plan(const struct pk_deployment *d, const char *path, struct pk_error **err) {
    char when[21];
    pk_time_iso8601(pk_wall_ms(NULL) / 1000, when);
    struct pk_plan_file file = {
        .graph = d->graph,
        .identity = json_object(),
        .serial = d->state_is_new ? 0 : d->state->serial,
        .lineage = d->state->lineage,
        .inputs_sha256 = (char *)(uintptr_t)d->inputs_sha256,
        .created_at = when,
        .options = options_json(d),
    };
    struct pk_graph *empty = NULL;
    if (!file.graph)
        file.graph = empty = pk_graph_new();
    pk_json_put_str(file.identity, "tenant", d->tenant);
    pk_json_put_str(file.identity, "stack", d->stack);
    pk_json_put_str(file.identity, "environment", d->environment);
    pk_json_put_str(file.identity, "region", d->region);
    pk_json_put_str(file.identity, "accountId", d->account_id);
    pk_json_put_str(file.identity, "bucket", d->context->bucket);
    size_t len = 0;
    char *text PK_CLEANUP(pk_freep) = pk_plan_file_dump(&file, &len);
    json_decref(file.identity);
    json_decref(file.options);
    pk_graph_free(empty);
    return pk_write_file(path, text, len, 0600, err);
}

/* Everything after the identity is known: target, lock, state, refresh, plan. */
static bool prepare_rest(struct pk_deployment *d, const char *lock_key,
                         const char *expected_account, struct pk_diags *diags,
                         struct pk_error **err) {
    if (!open_target(d, expected_account, err) || !take_lock(d, lock_key, err) ||
        !load_state(d, err) || !check_plan_file(d, err) || !check_limits(d, diags, err) ||
        !refresh(d, err))
        return false;
    int64_t start = pk_monotonic_ms(NULL);
    bool ok = expand_and_plan(d, diags, err);
    d->prepared_ms += pk_monotonic_ms(NULL) - start;
    return ok;
}

static bool finish_prepare(struct pk_deployment *d, bool ok, struct pk_deployment **ret) {
    if (ok) {
        *ret = d;
        return true;
    }
    pk_project_free(d->context->kept_project);
    d->context->kept_project = pk_steal(&d->project);
    char *warning = pk_deploy_close(d);
    if (warning)
        pk_log(PK_LOG_INFO, "%s", warning);
    free(warning);
    return false;
}

bool pk_deploy_prepare(struct pk_context *context, const struct pk_deploy_options *options,
                       struct pk_diags *diags, struct pk_deployment **ret, struct pk_error **err) {
    struct pk_deployment *d = deployment_new(context, options);
    int64_t start = pk_monotonic_ms(NULL);
    bool ok = options->plan_file ? load_plan_file(d, err) : load_project(d, diags, err);
    d->prepared_ms = pk_monotonic_ms(NULL) - start;
    if (ok && (options->destroy || !pk_diags_has_errors(diags))) {
        struct pk_state_id id = {d->tenant, d->stack, d->environment};
        char *lock_key PK_CLEANUP(pk_freep) = pk_lock_key(&id);
        d->state_key = pk_key_state(&id);
        ok = prepare_rest(d, lock_key, d->project ? d->project->account_id : d->account_id, diags,
                          err);
    }
    return finish_prepare(d, ok, ret);
}

bool pk_deploy_prepare_network(struct pk_context *context, const struct pk_tenant_config *tenant,
                               const struct pk_deploy_options *options, struct pk_diags *diags,
                               struct pk_deployment **ret, struct pk_error **err) {
    struct pk_deployment *d = deployment_new(context, options);
    d->network_of = tenant;
    d->tenant = tenant->name;
    d->stack = "_network";
    d->environment = "";
    d->region = pk_json_str(tenant->spec, "aws.region", "");
    d->state_key = pk_key_network_state(tenant->name);
    /* The tenant's role is assumed by the context: it must know which tenant this is. */
    context->tenant_config = (struct pk_tenant_config *)(uintptr_t)tenant;
    context->tenant_config_read = true;
    char *lock_key PK_CLEANUP(pk_freep) = pk_lock_key_network(tenant->name);
    bool ok =
        prepare_rest(d, lock_key, pk_json_str(tenant->spec, "aws.accountId", NULL), diags, err);
    return finish_prepare(d, ok, ret);
}
