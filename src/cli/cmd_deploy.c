/* plan, apply, destroy. */
#include "cli/commands.h"

#include "base/clock.h"
#include "base/fs.h"
#include "cli/common.h"
#include "ui/plan_view.h"
#include "ui/progress.h"
#include "json/json.h"

#include <stdlib.h>
#include <string.h>

struct deploy_args {
    struct pk_stack_args at;
    struct pk_vec services, components, targets, excludes, replace, allow_replace, allow_data_loss,
        redeploy;
    const char *out, *approved_by, *confirm;
    bool refresh, no_refresh, destroy, detailed_exitcode, full, auto_approve, rehearse, waves,
        disable_protection;
    int64_t parallelism, lock_timeout, timeout;
};

#define AT(field) offsetof(struct deploy_args, field)

/* clang-format off */
#define SCOPE_OPTIONS \
    {"service", 0, PK_OPT_LIST, AT(services), "NAME", NULL, 0, 0, "only this service (repeatable)", true, false}, \
    {"component", 'c', PK_OPT_LIST, AT(components), "NAME", NULL, 0, 0, "only this component and what it needs (repeatable)", true, false}, \
    {"target", 't', PK_OPT_LIST, AT(targets), "KEY", NULL, 0, 0, "only this resource and what it needs (repeatable)", true, false}, \
    {"exclude", 0, PK_OPT_LIST, AT(excludes), "KEY", NULL, 0, 0, "leave this component or resource alone (repeatable)", true, false}, \
    {"replace", 0, PK_OPT_LIST, AT(replace), "KEY", NULL, 0, 0, "replace this resource (repeatable)", true, false}, \
    {"allow-replace", 0, PK_OPT_LIST, AT(allow_replace), "KEY", NULL, 0, 0, "permit replacing this protected or stateful resource", true, false}, \
    {"refresh", 0, PK_OPT_FLAG, AT(refresh), NULL, NULL, 0, 0, "read every resource from AWS first", false, false}, \
    {"no-refresh", 0, PK_OPT_FLAG, AT(no_refresh), NULL, NULL, 0, 0, "trust the state, read nothing", false, false}, \
    {"full", 0, PK_OPT_FLAG, AT(full), NULL, NULL, 0, 0, "every property of every resource", false, false}

#define RUN_OPTIONS \
    {"auto-approve", 'y', PK_OPT_FLAG, AT(auto_approve), NULL, NULL, 0, 0, "do not ask", false, false}, \
    {"approved-by", 0, PK_OPT_STR, AT(approved_by), "NAME", NULL, 0, 0, "who approved, recorded; needed in scripts where the tenant demands it", false, false}, \
    {"parallelism", 'p', PK_OPT_INT, AT(parallelism), "N", NULL, 1, 256, "calls in flight (10)", false, false}, \
    {"lock-timeout", 0, PK_OPT_DURATION, AT(lock_timeout), "TIME", NULL, 0, 0, "wait this long for another run's lock", false, false}, \
    {"timeout", 0, PK_OPT_DURATION, AT(timeout), "TIME", NULL, 0, 0, "stop starting things after this time", false, false}, \
    {"waves", 0, PK_OPT_FLAG, AT(waves), NULL, NULL, 0, 0, "one wave after the other instead of as soon as possible", false, false}, \
    {"allow-data-loss", 0, PK_OPT_LIST, AT(allow_data_loss), "KEY", NULL, 0, 0, "permit deleting this resource's data (repeatable)", true, false}

static const struct pk_option plan_options[] = {
    PK_STACK_OPTIONS(struct deploy_args, at),
    SCOPE_OPTIONS,
    {"destroy", 0, PK_OPT_FLAG, AT(destroy), NULL, NULL, 0, 0, "what destroy would do", false, false},
    {"out", 0, PK_OPT_STR, AT(out), "FILE", NULL, 0, 0, "save the plan for `panka apply FILE`", false, false},
    {"detailed-exitcode", 0, PK_OPT_FLAG, AT(detailed_exitcode), NULL, NULL, 0, 0, "exit 2 when there are changes", false, false},
    {"redeploy", 0, PK_OPT_LIST, AT(redeploy), "NAME", NULL, 0, 0, "roll this service out again although nothing changed", true, false},
    {0},
};
static const struct pk_option apply_options[] = {
    PK_STACK_OPTIONS(struct deploy_args, at),
    SCOPE_OPTIONS,
    RUN_OPTIONS,
    {"redeploy", 0, PK_OPT_LIST, AT(redeploy), "NAME", NULL, 0, 0, "roll this service out again although nothing changed", true, false},
    {"rehearse", 0, PK_OPT_FLAG, AT(rehearse), NULL, NULL, 0, 0, "full run in memory: nothing in AWS is touched, nothing is saved", false, false},
    {0},
};
static const struct pk_option destroy_options[] = {
    PK_STACK_OPTIONS(struct deploy_args, at),
    SCOPE_OPTIONS,
    RUN_OPTIONS,
    {"disable-protection", 0, PK_OPT_FLAG, AT(disable_protection), NULL, NULL, 0, 0, "first switch deletion protection off, then destroy", false, false},
    {"confirm", 0, PK_OPT_STR, AT(confirm), "STACK", NULL, 0, 0, "the stack's name, instead of typing it (scripts)", false, false},
    {0},
};
static const struct pk_positional plan_positionals[] = {
    PK_STACK_POSITIONAL(struct deploy_args, at), {0},
};
static const struct pk_positional apply_positionals[] = {
    {"FOLDER|PLANFILE", AT(at.folder), false, false, "stack folder, or a plan saved with `panka plan --out`"}, {0},
};
/* clang-format on */

static void on_lock_wait(void *ctx, const struct pk_lock_info *holder, int64_t waited_ms,
                         bool taken) {
    struct pk_app *app = ctx;
    char waited[32];
    pk_duration_human(waited_ms, waited);
    if (taken)
        pk_ui_note(app->ui, "took over the lock of a run that died (%s on %s)", holder->locked_by,
                   holder->hostname ? holder->hostname : "an unknown host");
    else
        pk_ui_note(app->ui, "waiting for the lock of %s (%s, %s so far)", holder->locked_by,
                   holder->operation ? holder->operation : "a run", waited);
}

static const char *const *texts(const struct pk_vec *list) {
    return (const char *const *)list->items;
}

static struct pk_deploy_options make_options(struct pk_app *app, const struct deploy_args *a,
                                             const struct pk_stack_inputs *inputs,
                                             const char *operation) {
    struct pk_deploy_options o = {
        .load = inputs->load,
        .components = texts(&a->components),
        .n_components = a->components.len,
        .redeploy = texts(&a->redeploy),
        .n_redeploy = a->redeploy.len,
        .refresh = a->refresh,
        .no_refresh = a->no_refresh,
        .rehearse = a->rehearse,
        .lock = !pk_streq(operation, "plan") && !a->rehearse,
        .destroy = a->destroy || pk_streq(operation, "destroy"),
        .lock_wait_ms = a->lock_timeout * 1000,
        .approved_by = a->approved_by,
        .operation = operation,
        .on_lock_wait = on_lock_wait,
        .ctx = app,
    };
    o.plan.targets = texts(&a->targets);
    o.plan.n_targets = a->targets.len;
    o.plan.excludes = texts(&a->excludes);
    o.plan.n_excludes = a->excludes.len;
    o.plan.replace = texts(&a->replace);
    o.plan.n_replace = a->replace.len;
    o.plan.allow_replace = texts(&a->allow_replace);
    o.plan.n_allow_replace = a->allow_replace.len;
    o.plan.allow_data_loss = texts(&a->allow_data_loss);
    o.plan.n_allow_data_loss = a->allow_data_loss.len;
    o.plan.services = texts(&a->services);
    o.plan.n_services = a->services.len;
    return o;
}

/* Findings that stop a plan: mistakes in files are 65, refusals to touch protected things 8. */
static int findings_exit_status(const struct pk_diags *diags) {
    for (size_t i = 0; i < pk_diags_len(diags); i++) {
        const struct pk_diag *d = pk_diags_at(diags, i);
        if (d->severity == PK_SEVERITY_ERROR && !pk_starts_with(d->id, "plan.") &&
            !pk_starts_with(d->id, "state."))
            return 65;
    }
    return 8;
}

static void show_findings(struct pk_app *app, struct pk_diags *diags) {
    pk_diags_sort(diags);
    if (pk_diags_len(diags) > 0 && pk_ui_format(app->ui) != PK_FORMAT_JSON)
        pk_ui_diags_from(app->ui, diags, PK_SEVERITY_WARNING); /* `panka validate` has the rest */
}

static int stop_on_findings(struct pk_app *app, struct pk_diags *diags) {
    size_t n = pk_diags_count(diags, PK_SEVERITY_ERROR);
    if (pk_ui_format(app->ui) == PK_FORMAT_JSON)
        pk_ui_diags(app->ui, diags);
    else
        pk_ui_note(app->ui, "%zu %s: nothing was changed", n, n == 1 ? "error" : "errors");
    return findings_exit_status(diags);
}

static void close_deployment(struct pk_app *app, struct pk_deployment *d) {
    char *warning PK_CLEANUP(pk_freep) = pk_deploy_close(d);
    if (warning)
        pk_ui_warn(app->ui, "%s", warning);
}

static int run_plan(struct pk_app *app, const void *args, struct pk_error **err) {
    const struct deploy_args *a = args;
    struct pk_stack_inputs inputs PK_CLEANUP(pk_stack_inputs_release) = {0};
    struct pk_context *context PK_CLEANUP(pk_context_closep) = NULL;
    struct pk_diags *diags PK_CLEANUP(pk_diags_freep) = pk_diags_new();
    struct pk_deployment *d = NULL;
    if (!pk_stack_inputs(app, &a->at, &inputs, err) ||
        !pk_app_context(app, inputs.dir, a->at.tenant_config, true, &context, err))
        return -1;
    struct pk_deploy_options options = make_options(app, a, &inputs, "plan");
    /* A local backend plans without AWS unless it is told to look. */
    options.offline =
        (context->local || !pk_context_has_backend(context)) && !a->refresh && !a->out;
    if (!pk_context_has_backend(context))
        pk_ui_note(app->ui, "no backend is configured: planning as if nothing were deployed");
    if (!pk_deploy_prepare(context, &options, diags, &d, err)) {
        show_findings(app, diags);
        return -1;
    }
    show_findings(app, diags);
    int status = 0;
    if (pk_ui_format(app->ui) == PK_FORMAT_JSON) {
        json_t *json = pk_ui_plan_json(d, diags);
        pk_ui_json(app->ui, json);
        json_decref(json);
    } else if (d->plan) {
        pk_ui_plan(app->ui, d, a->full, a->out);
    }
    if (pk_diags_has_errors(diags))
        status = pk_ui_format(app->ui) == PK_FORMAT_JSON ? findings_exit_status(diags)
                                                         : stop_on_findings(app, diags);
    else if (a->out && !pk_deploy_save_plan(d, a->out, err))
        status = -1;
    else if (a->detailed_exitcode && pk_plan_has_changes(d->plan))
        status = 2;
    close_deployment(app, d);
    return status;
}

static bool needs_named_approval(const struct pk_deployment *d) {
    const struct pk_tenant_config *tenant = d->project ? d->project->tenant_config : NULL;
    bool production = pk_streq(d->environment, "production") || pk_streq(d->environment, "prod") ||
                      pk_streq(d->environment, "live");
    return production && tenant &&
           pk_json_bool(tenant->spec, "policies.requireApprovalForProduction", false);
}

static bool approve(struct pk_app *app, const struct deploy_args *a, const struct pk_deployment *d,
                    bool *ret_yes, struct pk_error **err) {
    bool production = pk_streq(d->environment, "production") || pk_streq(d->environment, "prod") ||
                      pk_streq(d->environment, "live");
    if (needs_named_approval(d) && !a->approved_by && !pk_ui_interactive(app->ui))
        return pk_fail(err, PK_E_REFUSED, "tenant %s demands an approval for production",
                       d->tenant) ||
               pk_error_hint(err, "pass --approved-by NAME; it is recorded with the deployment");
    if (d->options.destroy && production && a->confirm) {
        *ret_yes = pk_streq(a->confirm, d->stack);
        return *ret_yes ||
               pk_fail(err, PK_E_REFUSED, "--confirm %s is not the name of this stack, %s",
                       a->confirm, d->stack);
    }
    bool typed = (d->options.destroy && production && !a->auto_approve) ||
                 (needs_named_approval(d) && !a->approved_by);
    if (typed)
        return pk_ui_confirm_typed(
            app->ui,
            d->options.destroy ? "Everything listed above will be destroyed."
                               : "This changes production.",
            d->stack, d->options.destroy ? "--confirm STACK" : "--approved-by NAME", ret_yes, err);
    if (a->auto_approve || a->rehearse) {
        *ret_yes = true;
        return true;
    }
    return pk_ui_confirm(
        app->ui, d->options.destroy ? "Destroy everything listed above?" : "Apply this plan?",
        "--auto-approve", ret_yes, err);
}

static void show_failures(struct pk_app *app, const struct pk_engine_result *r) {
    for (size_t i = 0; i < r->n_actions; i++) {
        if (!r->actions[i].failed || !r->actions[i].error)
            continue;
        struct pk_error *shown PK_CLEANUP(pk_error_freep) = pk_error_copy(r->actions[i].error);
        if (!shown->address)
            pk_error_set(&shown->address, r->actions[i].action->key);
        if (!shown->span.src && r->actions[i].action->desired)
            shown->span = r->actions[i].action->desired->span;
        pk_ui_error(app->ui, shown);
    }
}

/* The first output of a component is what people look for (endpoint, URL, name); the stack's own
 * outputs are all shown. */
static bool is_main_output(const char *key, char *component, size_t size) {
    const char *dot = strrchr(key, '.');
    if (!dot)
        return true;
    size_t len = (size_t)(dot - key);
    if (strlen(component) == len && strncmp(component, key, len) == 0)
        return false;
    snprintf(component, size, "%.*s", (int)len, key);
    return true;
}

static void show_outputs(struct pk_app *app, const struct pk_state *state) {
    size_t width = 0, hidden = 0;
    char seen[512] = "";
    const char *key;
    json_t *value;
    json_object_foreach(state->outputs, key, value) {
        if (!is_main_output(key, seen, sizeof(seen)))
            hidden++;
        else if (strlen(key) > width)
            width = strlen(key);
    }
    if (width == 0)
        return;
    pk_ui_out(app->ui, "\nOutputs:\n");
    seen[0] = '\0';
    json_object_foreach(state->outputs, key, value) {
        if (!is_main_output(key, seen, sizeof(seen)))
            continue;
        char *text PK_CLEANUP(pk_freep) =
            json_is_string(value) ? pk_strdup(json_string_value(value)) : pk_json_canonical(value);
        pk_ui_out(app->ui, "  %-*s = %s\n", (int)width, key, text);
    }
    if (hidden > 0)
        pk_ui_note(app->ui, "  and %zu more: panka outputs", hidden);
}

static char *critical_path(struct pk_app *app, const struct pk_engine_result *r) {
    struct pk_buf text = PK_BUF_INIT(65536);
    for (size_t i = 0; i < r->critical_path.len; i++)
        pk_buf_addf(&text, "%s%s", i ? (pk_ui_unicode(app->ui) ? " → " : " -> ") : "",
                    (char *)r->critical_path.items[i]);
    return pk_buf_steal(&text);
}

static void show_success(struct pk_app *app, const struct pk_deployment *d,
                         const struct pk_deploy_report *report) {
    char took[32];
    pk_duration_human(report->engine.elapsed_ms, took);
    char *path PK_CLEANUP(pk_freep) = critical_path(app, &report->engine);
    const char *verb = d->options.rehearse  ? "Rehearsed"
                       : d->options.destroy ? "Destroyed"
                                            : "Deployed";
    if (report->engine.critical_path.len > 1)
        pk_ui_good(app->ui, "%s in %s (critical path: %s)", verb, took, path);
    else
        pk_ui_good(app->ui, "%s in %s", verb, took);
    for (size_t i = 0; i < report->engine.n_actions; i++)
        if (report->engine.actions[i].note)
            pk_ui_note(app->ui, "note: %s: %s", report->engine.actions[i].action->key,
                       report->engine.actions[i].note);
    if (!d->options.destroy && !d->options.unprotect && pk_ui_format(app->ui) == PK_FORMAT_HUMAN)
        show_outputs(app, d->state);
}

/* What people should know of single resources: "deleted with about 3 messages". */
static json_t *json_notes(const struct pk_engine_result *r) {
    json_t *notes = json_array();
    for (size_t i = 0; i < r->n_actions; i++)
        if (r->actions[i].note)
            json_array_append_new(notes, json_pack("{s:s, s:s}", "key", r->actions[i].action->key,
                                                   "text", r->actions[i].note));
    return notes;
}

static void json_result(struct pk_app *app, const struct pk_deployment *d,
                        const struct pk_deploy_report *report, const struct pk_error *error) {
    const struct pk_engine_result *r = &report->engine;
    json_t *o = json_object();
    pk_json_put_str(o, "event", "result");
    pk_json_put_str(o, "status",
                    report->exit_status == 0 ? "success"
                    : r->stopped             ? "stopped"
                                             : "failed");
    pk_json_put_int(o, "exitStatus", report->exit_status);
    pk_json_put_int(o, "created", (int64_t)r->created);
    pk_json_put_int(o, "updated", (int64_t)r->updated);
    pk_json_put_int(o, "replaced", (int64_t)r->replaced);
    pk_json_put_int(o, "deleted", (int64_t)r->deleted);
    pk_json_put_int(o, "failed", (int64_t)r->failed);
    pk_json_put_int(o, "skipped", (int64_t)r->skipped);
    pk_json_put_int(o, "elapsedMs", r->elapsed_ms);
    pk_json_put_int(o, "criticalPathMs", r->critical_path_ms);
    pk_json_put_str(o, "deploymentId", d->deployment_id);
    pk_json_put_int(o, "serial", d->state->serial);
    json_object_set(o, "outputs", d->state->outputs);
    json_object_set_new(o, "notes", json_notes(r));
    if (error)
        json_object_set_new(o, "error", pk_ui_error_json(error));
    pk_ui_json(app->ui, o);
    json_decref(o);
}

static void show_failure(struct pk_app *app, const struct pk_deploy_report *report) {
    const struct pk_engine_result *r = &report->engine;
    show_failures(app, r);
    pk_ui_note(app->ui,
               "%zu created, %zu updated, %zu replaced, %zu deleted, %zu failed, %zu not started",
               r->created, r->updated, r->replaced, r->deleted, r->failed, r->skipped);
    if (report->spilled_to)
        pk_ui_warn(app->ui,
                   "the state could not be saved where it belongs; it is in %s\n  keep that file "
                   "and run: panka state push %s",
                   report->spilled_to, report->spilled_to);
    if (report->spilled_stdout)
        pk_ui_warn(app->ui, "the state could not be saved anywhere but on standard output");
}

static int execute(struct pk_app *app, const struct deploy_args *a, struct pk_deployment *d,
                   struct pk_error **err) {
    struct pk_progress_view *view =
        pk_progress_new(app->ui, d->options.destroy ? "Destroying" : "Deploying");
    struct pk_deploy_run run = {
        .parallelism =
            (unsigned)(a->parallelism ? a->parallelism
                                      : pk_setting_int(d->context->settings, PK_SET_PARALLELISM)),
        .timeout_ms = a->timeout * 1000,
        .waves = a->waves,
        .on_event = pk_progress_event,
        .event_ctx = view,
    };
    struct pk_deploy_report report = {0};
    struct pk_error *failure PK_CLEANUP(pk_error_freep) = NULL;
    bool ok = pk_deploy_execute(d, &run, &report, &failure);
    pk_progress_free(view);
    bool json = pk_ui_format(app->ui) == PK_FORMAT_JSON;
    if (json)
        json_result(app, d, &report, failure);
    else if (ok)
        show_success(app, d, &report);
    else
        show_failure(app, &report);
    if (report.save_warning)
        pk_ui_warn(app->ui, "%s", report.save_warning->message);
    int status = report.exit_status;
    /* What failed was shown resource by resource; the overall error only adds where nothing was. */
    if (!ok && !json && report.engine.failed == 0 && failure) {
        *err = pk_steal(&failure);
    } else if (!ok && !json && failure) {
        pk_ui_note(app->ui, "Nothing is lost: run the same command again to go on.");
    }
    pk_deploy_report_release(&report);
    return status;
}

/* Prepare, show, ask, run. */
static int deploy(struct pk_app *app, const struct deploy_args *a, struct pk_context *context,
                  const struct pk_deploy_options *options, struct pk_error **err) {
    struct pk_diags *diags PK_CLEANUP(pk_diags_freep) = pk_diags_new();
    struct pk_deployment *d = NULL;
    if (!pk_deploy_prepare(context, options, diags, &d, err)) {
        show_findings(app, diags);
        return -1;
    }
    show_findings(app, diags);
    bool json = pk_ui_format(app->ui) == PK_FORMAT_JSON;
    int status = 0;
    bool yes = false;
    if (json && d->plan && !pk_diags_has_errors(diags)) {
        json_t *plan = pk_ui_plan_json(d, diags);
        pk_json_put_str(plan, "event", "plan");
        pk_ui_json(app->ui, plan);
        json_decref(plan);
    }
    if (d->plan)
        pk_ui_plan(app->ui, d, a->full, NULL);
    if (pk_diags_has_errors(diags))
        status = stop_on_findings(app, diags);
    else if (!pk_plan_has_changes(d->plan))
        status = 0;
    else if (!approve(app, a, d, &yes, err))
        status = -1;
    else if (pk_cancel_level(app->cancel) != PK_CANCEL_NONE)
        status = pk_fail(err, PK_E_CANCELLED, "interrupted: nothing was changed") ? 0 : -1;
    else if (!yes)
        status = pk_fail(err, PK_E_REFUSED, "not approved: nothing was changed") ? 0 : -1;
    else
        status = execute(app, a, d, err);
    close_deployment(app, d);
    return status;
}

static bool is_plan_file(const char *path) {
    if (!path || pk_is_dir(path) || !pk_path_exists(path))
        return false;
    return !pk_ends_with(path, ".yaml") && !pk_ends_with(path, ".yml");
}

static int run_apply(struct pk_app *app, const void *args, struct pk_error **err) {
    const struct deploy_args *a = args;
    struct pk_stack_inputs inputs PK_CLEANUP(pk_stack_inputs_release) = {0};
    struct pk_context *context PK_CLEANUP(pk_context_closep) = NULL;
    bool from_file = is_plan_file(a->at.folder);
    if (!from_file && !pk_stack_inputs(app, &a->at, &inputs, err))
        return -1;
    if (!pk_app_context(app, inputs.dir, a->at.tenant_config, true, &context, err))
        return -1;
    struct pk_deploy_options options = make_options(app, a, &inputs, "apply");
    if (from_file)
        options.plan_file = a->at.folder;
    return deploy(app, a, context, &options, err);
}

static int run_destroy(struct pk_app *app, const void *args, struct pk_error **err) {
    const struct deploy_args *a = args;
    struct pk_stack_inputs inputs PK_CLEANUP(pk_stack_inputs_release) = {0};
    struct pk_context *context PK_CLEANUP(pk_context_closep) = NULL;
    if (!pk_stack_inputs(app, &a->at, &inputs, err) ||
        !pk_app_context(app, inputs.dir, a->at.tenant_config, true, &context, err))
        return -1;
    struct pk_deploy_options options = make_options(app, a, &inputs, "destroy");
    if (a->disable_protection) {
        struct pk_deploy_options first = options;
        first.destroy = false;
        first.unprotect = true;
        int status = deploy(app, a, context, &first, err);
        if (status != 0)
            return status;
    }
    return deploy(app, a, context, &options, err);
}

static const char *const plan_examples[] = {
    "panka plan",
    "panka plan notification-platform -e staging --var VERSION=1.4.2",
    "panka plan -e production --out release.plan",
    "panka plan --format markdown --output plan.md",
    NULL,
};
static const char *const apply_examples[] = {
    "panka apply",
    "panka apply -e production --auto-approve --lock-timeout 5m",
    "panka apply release.plan",
    "panka apply --rehearse",
    NULL,
};
static const char *const destroy_examples[] = {
    "panka destroy -e staging",
    "panka destroy -e production --confirm notification-platform --auto-approve",
    NULL,
};

const struct pk_command pk_cmd_plan = {
    .path = "plan",
    .group = "Deploy",
    .summary = "Show what would change and why",
    .description =
        "Compares the stack folder with what is deployed. Takes no lock and writes nothing.",
    .options = plan_options,
    .positionals = plan_positionals,
    .args_size = sizeof(struct deploy_args),
    .flags = PK_CMD_NEEDS_STATE,
    .examples = plan_examples,
    .formats = "human|json|markdown",
    .run = run_plan,
};
const struct pk_command pk_cmd_apply = {
    .path = "apply",
    .group = "Deploy",
    .summary = "Make the difference",
    .description = "Locks the stack, reads what is deployed, shows the plan, asks, and carries it "
                   "out. Whatever interrupts it, "
                   "running it again goes on where it ended.",
    .options = apply_options,
    .positionals = apply_positionals,
    .args_size = sizeof(struct deploy_args),
    .flags = PK_CMD_NEEDS_STATE | PK_CMD_NEEDS_LOCK | PK_CMD_MUTATES,
    .examples = apply_examples,
    .formats = "human|json",
    .run = run_apply,
};
const struct pk_command pk_cmd_destroy = {
    .path = "destroy",
    .group = "Deploy",
    .summary = "Delete everything the stack has in an environment",
    .description = "Deletes in reverse order of dependencies. Protected resources and data that no "
                   "snapshot would keep stop it.",
    .options = destroy_options,
    .positionals = plan_positionals,
    .args_size = sizeof(struct deploy_args),
    .flags = PK_CMD_NEEDS_STATE | PK_CMD_NEEDS_LOCK | PK_CMD_MUTATES,
    .examples = destroy_examples,
    .formats = "human|json",
    .run = run_destroy,
};
