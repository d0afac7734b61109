#include "ops/deploy.h"

#include "base/hash.h"
#include "base/log.h"
#include "ops/version.h"
#include "json/json.h"

#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static void put_git(json_t *to) {
    /* CI systems say what they build; a plain checkout is asked by the caller's own tools
     * (docs/state.md). */
    const char *commit = getenv("GITHUB_SHA");
    if (!commit)
        commit = getenv("CI_COMMIT_SHA");
    const char *branch = getenv("GITHUB_REF_NAME");
    if (!branch)
        branch = getenv("CI_COMMIT_REF_NAME");
    pk_json_put_str(to, "gitCommit", commit);
    pk_json_put_str(to, "gitBranch", branch);
}

/* Values of variables that look like secrets stay out of the state. */
static json_t *masked_variables(const json_t *variables) {
    static const char *const words[] = {"secret", "password", "token", "key"};
    json_t *masked = json_object();
    const char *name;
    json_t *value;
    json_object_foreach((json_t *)(uintptr_t)variables, name, value) {
        bool hide = false;
        for (size_t i = 0; i < PK_ARRAY_LEN(words); i++)
            hide = hide || strcasestr(name, words[i]);
        json_object_set_new(masked, name, hide ? json_string("***") : json_deep_copy(value));
    }
    return masked;
}

static void fill_metadata(struct pk_deployment *d, const char *now) {
    json_t *m = d->state->metadata;
    char *actor PK_CLEANUP(pk_freep) = pk_context_actor(d->context);
    pk_json_put_str(m, "stack", d->stack);
    pk_json_put_str(m, "tenant", d->tenant);
    pk_json_put_str(m, "environment", d->environment);
    pk_json_put_str(m, "region", d->region);
    pk_json_put_str(m, "accountId", d->account_id);
    pk_json_put_str(m, "status", d->options.destroy ? "destroying" : "deploying");
    pk_json_put_str(m, "deployedBy", actor);
    pk_json_put_str(m, "deployedAt", now);
    if (!json_object_get(m, "createdAt"))
        pk_json_put_str(m, "createdAt", now);
    pk_json_put_str(m, "updatedAt", now);
    pk_json_put_str(m, "deploymentId", d->deployment_id);
    pk_json_put_str(m, "pankaVersion", PANKA_VERSION);
    put_git(m);
    if (d->project && !d->options.destroy) {
        json_t *c = d->state->configuration;
        const char *slash = strrchr(d->project->dir, '/');
        pk_json_put(c, "source", pk_json_textf("%s/", slash ? slash + 1 : d->project->dir));
        pk_json_put(c, "checksum", pk_json_textf("sha256:%s", d->inputs_sha256));
        json_object_set_new(c, "variables", masked_variables(d->project->variables));
    }
    json_t *dep = d->state->deployment;
    json_object_clear(dep);
    pk_json_put_str(dep, "id", d->deployment_id);
    pk_json_put_str(dep, "operation", d->options.operation);
    pk_json_put_str(dep, "startedAt", now);
    pk_json_put_str(dep, "status", "running");
    pk_json_put_str(dep, "approvedBy", d->options.approved_by);
}

static bool unfinished(const struct pk_state *state) {
    size_t cursor = 0;
    const char *key;
    void *value;
    while (pk_map_next(state->resources, &cursor, &key, &value)) {
        const struct pk_state_resource *r = value;
        if (r->status != PK_STATUS_READY || r->pending || json_array_size(r->deposed) > 0)
            return true;
    }
    return false;
}

static void fill_result(struct pk_deployment *d, const struct pk_engine_result *engine, bool ok,
                        int64_t elapsed_ms) {
    char now[21];
    pk_time_iso8601(pk_wall_ms(NULL) / 1000, now);
    const char *status = ok ? "success" : engine->stopped ? "stopped" : "failed";
    json_t *dep = d->state->deployment;
    pk_json_put_str(dep, "completedAt", now);
    pk_json_put_int(dep, "durationSeconds", (elapsed_ms + 500) / 1000);
    pk_json_put_str(dep, "status", status);
    pk_json_put_int(dep, "created", (int64_t)engine->created);
    pk_json_put_int(dep, "updated", (int64_t)engine->updated);
    pk_json_put_int(dep, "replaced", (int64_t)engine->replaced);
    pk_json_put_int(dep, "deleted", (int64_t)engine->deleted);
    pk_json_put_int(dep, "failed", (int64_t)engine->failed);
    bool empty = pk_state_live_count(d->state) == 0;
    pk_json_put_str(d->state->metadata, "status",
                    d->options.destroy && empty   ? "destroyed"
                    : ok && !unfinished(d->state) ? "ready"
                                                  : "failed");
    pk_json_put_str(d->state->metadata, "updatedAt", now);
}

/* deployments/<id>.json: who did what, when, with which result; read by `panka history`. */
static bool write_record(struct pk_deployment *d, struct pk_store *store,
                         const struct pk_engine_result *engine, struct pk_error **err) {
    json_t *record PK_CLEANUP(json_decrefp) = json_object();
    json_object_set(record, "deployment", d->state->deployment);
    json_object_set(record, "metadata", d->state->metadata);
    pk_json_put_int(record, "serial", d->state->serial);
    pk_json_put_str(record, "caller", d->context->caller_arn);
    pk_json_put_str(record, "inputsSha256", d->inputs_sha256);
    json_t *actions = json_array();
    for (size_t i = 0; i < engine->n_actions; i++) {
        const struct pk_action_result *r = &engine->actions[i];
        json_t *a = json_object();
        pk_json_put_str(a, "key", r->action->key);
        pk_json_put_str(a, "type", r->action->type);
        pk_json_put_str(a, "action", pk_action_text(r->action->kind));
        pk_json_put_str(a, "result", r->done ? "done" : r->failed ? "failed" : "skipped");
        pk_json_put_int(a, "milliseconds", r->started_ms ? r->finished_ms - r->started_ms : 0);
        if (r->error)
            pk_json_put_str(a, "error", r->error->message);
        json_array_append_new(actions, a);
    }
    json_object_set_new(record, "actions", actions);
    char *text PK_CLEANUP(pk_freep) = pk_json_pretty(record);
    struct pk_state_id id = {d->tenant, d->stack, d->environment};
    char *dir PK_CLEANUP(pk_freep) =
        d->network_of ? pk_strndup(d->state_key, strlen(d->state_key) - strlen("state.json"))
                      : pk_key_state_dir(&id);
    char *key PK_CLEANUP(pk_freep) = pk_asprintf("%sdeployments/%s.json", dir, d->deployment_id);
    return store->vtable->put(store, key, text, strlen(text), NULL, true, NULL, err);
}

/* Rehearsals write nowhere. */
static bool rehearse_write(struct pk_journal *journal, struct pk_state *state, int64_t *ret_serial,
                           struct pk_error **err) {
    (void)journal;
    (void)err;
    *ret_serial = state->serial + 1;
    return true;
}

static bool rehearse_guard(struct pk_journal *journal, int64_t need_ms, struct pk_error **err) {
    (void)journal;
    (void)need_ms;
    (void)err;
    return true;
}

static int exit_status_of(const struct pk_deployment *d, const struct pk_deploy_report *report,
                          bool ok, const struct pk_error *err) {
    const struct pk_engine_result *e = &report->engine;
    if (e->fatal && (e->fatal->code == PK_E_STATE_CONFLICT || e->fatal->code == PK_E_LOCK_LOST))
        return 6;
    if (e->fatal)
        return 7;
    if (ok)
        return 0;
    if (pk_cancel_level(d->context->cancel) != PK_CANCEL_NONE)
        return 130;
    if (e->created + e->updated + e->replaced + e->deleted + e->failed > 0)
        return 4;
    return err ? pk_code_exit_status(err->code) : 1;
}

static void spill(struct pk_deployment *d, struct pk_deploy_report *ret) {
    struct pk_error *spill_err PK_CLEANUP(pk_error_freep) = NULL;
    if (!pk_state_spill(d->state, &ret->spilled_to, &spill_err))
        pk_log(PK_LOG_INFO, "the state could not be spilled: %s", spill_err->message);
    ret->spilled_stdout = ret->spilled_to == NULL;
}

static void run_engine(struct pk_deployment *d, const struct pk_deploy_run *run,
                       struct pk_journal *journal, struct pk_deploy_report *ret, bool *ret_ok,
                       struct pk_error **err) {
    struct pk_engine_config config = {
        .provider = d->provider,
        .journal = journal,
        .cancel = d->context->cancel,
        .parallelism = run->parallelism,
        .timeout_ms = run->timeout_ms,
        .waves = run->waves,
        .keep_going = true,
        .on_event = run->on_event,
        .event_ctx = run->event_ctx,
        .deployment_id = d->deployment_id,
        .region = d->region,
    };
    *ret_ok = pk_engine_run(&config, d->plan, d->graph, d->state, &ret->engine, err);
}

/* The last word on the state: result, status, history, record. */
static void save_result(struct pk_deployment *d, struct pk_state_writer *writer,
                        struct pk_store *store, bool ok, struct pk_deploy_report *ret) {
    fill_result(d, &ret->engine, ok, ret->engine.elapsed_ms);
    if (ret->engine.fatal) {
        spill(d, ret);
        return;
    }
    struct pk_journal *journal = pk_state_writer_journal(writer);
    struct pk_state *copy = pk_state_copy(d->state);
    int64_t serial = 0;
    if (journal->write(journal, copy, &serial, &ret->engine.fatal)) {
        d->state->serial = serial;
        if (!pk_state_writer_history(writer, &ret->save_warning) ||
            !write_record(d, store, &ret->engine, &ret->save_warning))
            pk_wrap(&ret->save_warning, "the history of this deployment is incomplete");
    } else {
        spill(d, ret);
    }
    pk_state_free(copy);
}

bool pk_deploy_execute(struct pk_deployment *d, const struct pk_deploy_run *run,
                       struct pk_deploy_report *ret, struct pk_error **err) {
    memset(ret, 0, sizeof(*ret));
    char now[21];
    pk_time_iso8601(pk_wall_ms(NULL) / 1000, now);
    fill_metadata(d, now);
    bool ok = false;
    struct pk_error *failure = NULL;
    if (d->options.rehearse) {
        struct pk_journal journal = {.write = rehearse_write, .guard = rehearse_guard};
        d->provider = pk_mem_provider_new(d->context->options.traits, d->region, d->account_id);
        run_engine(d, run, &journal, ret, &ok, &failure);
        fill_result(d, &ret->engine, ok, ret->engine.elapsed_ms);
    } else {
        struct pk_store *store = NULL;
        struct pk_state_writer *writer = NULL;
        if (!pk_context_store(d->context, &store, err) ||
            !pk_state_writer_open(store, d->state_key, d->etag, d->state, d->lock, &writer, err)) {
            ret->exit_status = err && *err ? pk_code_exit_status((*err)->code) : 1;
            return false;
        }
        run_engine(d, run, pk_state_writer_journal(writer), ret, &ok, &failure);
        save_result(d, writer, store, ok, ret);
        pk_state_writer_free(writer);
    }
    if (ret->engine.fatal)
        ok = false;
    ret->exit_status = exit_status_of(d, ret, ok, failure);
    if (!ok && !failure)
        failure = pk_error_copy(ret->engine.fatal);
    if (failure && err)
        *err = failure;
    else
        pk_error_free(failure);
    return ok;
}

void pk_deploy_report_release(struct pk_deploy_report *report) {
    pk_engine_result_release(&report->engine);
    free(report->spilled_to);
    pk_error_free(report->save_warning);
    memset(report, 0, sizeof(*report));
}

char *pk_deploy_close(struct pk_deployment *d) {
    if (!d)
        return NULL;
    char *warning = NULL;
    if (d->lock) {
        struct pk_error *err PK_CLEANUP(pk_error_freep) = NULL;
        if (!pk_lock_release(d->lock, &err))
            warning = pk_asprintf(
                "the lock could not be released (%s); it ends by itself when its lease is over",
                err->message);
    }
    pk_plan_free(d->plan);
    pk_graph_free(d->graph);
    pk_project_free(d->project);
    pk_state_free(d->state);
    pk_map_free(d->live);
    pk_plan_file_release(&d->file);
    if (d->provider)
        d->provider->vtable->free(d->provider);
    free(d->state_key);
    free(d->etag);
    pk_arena_free(d->arena);
    free(d);
    return warning;
}
