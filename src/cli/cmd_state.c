/* state list, state show, state rm, unlock. */
#include "cli/commands.h"

#include "base/clock.h"
#include "cli/common.h"
#include "json/json.h"

#include <stdlib.h>
#include <string.h>

struct state_args {
    struct pk_stack_args at;
    const char *key;
    struct pk_vec keys;
    bool yes, force;
    const char *lock_id;
    int64_t lock_timeout;
};

#define AT(field) offsetof(struct state_args, field)

/* clang-format off */
static const struct pk_option look_options[] = {
    PK_STACK_OPTIONS(struct state_args, at),
    {0},
};
static const struct pk_option rm_options[] = {
    PK_STACK_OPTIONS(struct state_args, at),
    {"yes", 'y', PK_OPT_FLAG, AT(yes), NULL, NULL, 0, 0, "do not ask", false, false},
    {"lock-timeout", 0, PK_OPT_DURATION, AT(lock_timeout), "TIME", NULL, 0, 0, "wait this long for another run's lock", false, false},
    {0},
};
static const struct pk_option unlock_options[] = {
    PK_STACK_OPTIONS(struct state_args, at),
    {"force", 0, PK_OPT_FLAG, AT(force), NULL, NULL, 0, 0, "also a lock whose holder may be alive", false, false},
    {"lock-id", 0, PK_OPT_STR, AT(lock_id), "ID", NULL, 0, 0, "id of the lock, instead of typing it (scripts)", false, false},
    {0},
};
static const struct pk_positional list_positionals[] = {PK_STACK_POSITIONAL(struct state_args, at), {0}};
static const struct pk_positional show_positionals[] = {
    {"KEY", AT(key), true, false, "key of a resource, as `panka state list` shows it"}, {0},
};
static const struct pk_positional rm_positionals[] = {
    {"KEY", AT(keys), true, true, "keys of resources to forget"}, {0},
};
/* clang-format on */

static bool open_all(struct pk_app *app, const struct state_args *a, struct pk_stack_inputs *inputs,
                     struct pk_context **context, struct pk_error **err) {
    return pk_stack_inputs(app, &a->at, inputs, err) &&
           pk_app_context(app, inputs->dir, a->at.tenant_config, true, context, err);
}

static int run_list(struct pk_app *app, const void *args, struct pk_error **err) {
    const struct state_args *a = args;
    struct pk_stack_inputs inputs PK_CLEANUP(pk_stack_inputs_release) = {0};
    struct pk_context *context PK_CLEANUP(pk_context_closep) = NULL;
    struct pk_state *state PK_CLEANUP(pk_state_freep) = NULL;
    if (!open_all(app, a, &inputs, &context, err) ||
        !pk_app_state(app, context, &inputs, NULL, &state, NULL, err))
        return -1;
    struct pk_arena *arena PK_CLEANUP(pk_arena_freep) = pk_arena_new();
    size_t n = pk_map_len(state->resources), i = 0, cursor = 0;
    static const char *const headers[] = {"KEY", "TYPE", "STATUS", "ID"};
    const char **rows = pk_arena_array(arena, n * PK_ARRAY_LEN(headers) + 1, sizeof(*rows));
    json_t *list PK_CLEANUP(json_decrefp) = json_array();
    const char *key;
    void *value;
    while (pk_map_next(state->resources, &cursor, &key, &value)) {
        const struct pk_state_resource *r = value;
        rows[i++] = key;
        rows[i++] = r->type;
        rows[i++] = pk_status_text(r->status);
        rows[i++] = r->physical_id;
        json_array_append_new(list, json_pack("{s:s, s:s, s:s, s:s?}", "key", key, "type", r->type,
                                              "status", pk_status_text(r->status), "physicalId",
                                              r->physical_id));
    }
    if (pk_ui_format(app->ui) == PK_FORMAT_JSON)
        pk_ui_json(app->ui, list);
    else
        pk_ui_table(app->ui, headers, PK_ARRAY_LEN(headers), rows, n);
    return 0;
}

static int no_such_key(const struct pk_state *state, const char *wanted, struct pk_error **err) {
    size_t n = pk_map_len(state->resources), i = 0, cursor = 0;
    const char **names = pk_calloc(n + 1, sizeof(*names)), *near[1], *key;
    void *value;
    while (pk_map_next(state->resources, &cursor, &key, &value))
        names[i++] = key;
    pk_fail(err, PK_E_NOT_FOUND, "the state has no resource \"%s\"", wanted);
    if (pk_suggest(wanted, names, n, near, 1))
        pk_error_hint(err, "did you mean %s?", near[0]);
    else
        pk_error_hint(err, "`panka state list` shows the keys");
    free(names);
    return -1;
}

static int run_show(struct pk_app *app, const void *args, struct pk_error **err) {
    const struct state_args *a = args;
    struct pk_stack_inputs inputs PK_CLEANUP(pk_stack_inputs_release) = {0};
    struct pk_context *context PK_CLEANUP(pk_context_closep) = NULL;
    struct pk_state *state PK_CLEANUP(pk_state_freep) = NULL;
    if (!open_all(app, a, &inputs, &context, err) ||
        !pk_app_state(app, context, &inputs, NULL, &state, NULL, err))
        return -1;
    if (!pk_state_find(state, a->key))
        return no_such_key(state, a->key, err);
    json_t *all PK_CLEANUP(json_decrefp) = pk_state_to_json(state);
    json_t *one = json_object_get(json_object_get(all, "resources"), a->key);
    if (pk_ui_format(app->ui) == PK_FORMAT_JSON) {
        pk_ui_json(app->ui, one);
    } else {
        char *text PK_CLEANUP(pk_freep) = pk_json_pretty(one);
        pk_ui_out(app->ui, "%s", text);
    }
    return 0;
}

/* Under the lock: reads again, removes, writes with history. */
static bool forget(struct pk_app *app, struct pk_context *context, const struct state_args *a,
                   const struct pk_state_id *id, struct pk_error **err) {
    struct pk_store *store = NULL;
    struct pk_locker *locker = NULL;
    if (!pk_context_store(context, &store, err) || !pk_context_locker(context, &locker, err))
        return false;
    char *lock_key PK_CLEANUP(pk_freep) = pk_lock_key(id);
    char *state_key PK_CLEANUP(pk_freep) = pk_key_state(id);
    char *actor PK_CLEANUP(pk_freep) = pk_context_actor(context);
    struct pk_lock_request request = {.key = lock_key,
                                      .locked_by = actor,
                                      .operation = "state rm",
                                      .wait_ms = a->lock_timeout * 1000,
                                      .cancel = app->cancel};
    struct pk_lock *lock = NULL;
    if (!pk_lock_acquire(locker, &request, &lock, err))
        return false;
    struct pk_state *state PK_CLEANUP(pk_state_freep) = NULL;
    char *etag PK_CLEANUP(pk_freep) = NULL;
    struct pk_state_writer *writer = NULL;
    bool ok = pk_state_load(store, state_key, &state, &etag, err);
    for (size_t i = 0; ok && i < a->keys.len; i++)
        if (!state || !pk_state_find(state, a->keys.items[i]))
            ok = pk_fail(err, PK_E_STATE_CONFLICT, "\"%s\" is gone from the state meanwhile",
                         (char *)a->keys.items[i]);
    ok = ok && pk_state_writer_open(store, state_key, etag, state, lock, &writer, err);
    if (ok) {
        for (size_t i = 0; i < a->keys.len; i++)
            pk_state_remove(state, a->keys.items[i]);
        struct pk_state *copy = pk_state_copy(state);
        struct pk_journal *journal = pk_state_writer_journal(writer);
        int64_t serial = 0;
        ok = journal->write(journal, copy, &serial, err) && pk_state_writer_history(writer, err);
        pk_state_free(copy);
    }
    pk_state_writer_free(writer);
    struct pk_error *release_err PK_CLEANUP(pk_error_freep) = NULL;
    if (!pk_lock_release(lock, &release_err))
        pk_ui_warn(app->ui, "the lock could not be released: %s", release_err->message);
    return ok;
}

static int run_rm(struct pk_app *app, const void *args, struct pk_error **err) {
    const struct state_args *a = args;
    struct pk_stack_inputs inputs PK_CLEANUP(pk_stack_inputs_release) = {0};
    struct pk_context *context PK_CLEANUP(pk_context_closep) = NULL;
    struct pk_state *state PK_CLEANUP(pk_state_freep) = NULL;
    struct pk_project *project PK_CLEANUP(pk_project_freep) = NULL;
    if (!open_all(app, a, &inputs, &context, err) ||
        !pk_app_state(app, context, &inputs, &project, &state, NULL, err))
        return -1;
    for (size_t i = 0; i < a->keys.len; i++) {
        const struct pk_state_resource *r = pk_state_find(state, a->keys.items[i]);
        if (!r)
            return no_such_key(state, a->keys.items[i], err);
        pk_ui_note(app->ui, "  %s  %s  %s", r->key, r->type, r->physical_id ? r->physical_id : "");
    }
    bool yes = a->yes;
    if (!yes &&
        !pk_ui_confirm(app->ui, "Forget these? They stay in AWS, and panka no longer knows them.",
                       "--yes", &yes, err))
        return -1;
    if (!yes) {
        pk_fail(err, PK_E_REFUSED, "not confirmed: nothing was changed");
        return -1;
    }
    struct pk_state_id id = {context->tenant, project->name, project->environment};
    if (!forget(app, context, a, &id, err))
        return -1;
    pk_ui_good(app->ui, "%zu %s forgotten", a->keys.len,
               a->keys.len == 1 ? "resource" : "resources");
    return 0;
}

static void show_lock(struct pk_app *app, const struct pk_lock_info *info) {
    char when[21];
    pk_time_iso8601(info->locked_at, when);
    char *age PK_CLEANUP(pk_freep) = pk_age_text(when);
    pk_ui_note(app->ui,
               "lock %s\n  held by  %s%s%s\n  for      %s\n  since    %s (%s)\n  holder   %s",
               info->lock_id, info->locked_by, info->hostname ? " on " : "",
               info->hostname ? info->hostname : "", info->operation ? info->operation : "?", when,
               age, info->dead ? "shows no sign of life" : "is alive");
    if (info->ci_run)
        pk_ui_note(app->ui, "  CI run   %s", info->ci_run);
}

static bool may_unlock(struct pk_app *app, const struct state_args *a,
                       const struct pk_lock_info *info, struct pk_error **err) {
    if (a->lock_id && !pk_streq(a->lock_id, info->lock_id))
        return pk_fail(err, PK_E_REFUSED, "the lock's id is %s, not %s", info->lock_id, a->lock_id);
    if (info->dead || (a->force && a->lock_id))
        return true;
    if (!a->force)
        return pk_fail(err, PK_E_LOCK_HELD, "the holder of this lock is alive") ||
               pk_error_hint(
                   err,
                   "wait for it; if you are sure that it is not: panka unlock --force --lock-id %s",
                   info->lock_id);
    bool yes = false;
    if (!pk_ui_confirm_typed(app->ui, "The holder will be fenced: it cannot write state any more.",
                             info->lock_id, "--lock-id ID", &yes, err))
        return false;
    return yes || pk_fail(err, PK_E_REFUSED, "not confirmed: the lock stays");
}

static int run_unlock(struct pk_app *app, const void *args, struct pk_error **err) {
    const struct state_args *a = args;
    struct pk_stack_inputs inputs PK_CLEANUP(pk_stack_inputs_release) = {0};
    struct pk_context *context PK_CLEANUP(pk_context_closep) = NULL;
    struct pk_project *project PK_CLEANUP(pk_project_freep) = NULL;
    struct pk_diags *diags PK_CLEANUP(pk_diags_freep) = pk_diags_new();
    struct pk_locker *locker = NULL;
    if (!open_all(app, a, &inputs, &context, err) ||
        !pk_app_project(app, context, &inputs, diags, &project, err) ||
        !pk_context_locker(context, &locker, err))
        return -1;
    if (!project->environment) {
        pk_diags_sort(diags);
        pk_ui_diags(app->ui, diags);
        return 65;
    }
    struct pk_state_id id = {context->tenant, project->name, project->environment};
    char *key PK_CLEANUP(pk_freep) = pk_lock_key(&id);
    struct pk_lock_info info = {0};
    bool found = false;
    if (!pk_lock_look(locker, key, &info, &found, err))
        return -1;
    if (!found) {
        pk_ui_good(app->ui, "%s in %s is not locked", project->name, project->environment);
        return 0;
    }
    show_lock(app, &info);
    int status = -1;
    if (may_unlock(app, a, &info, err) && pk_lock_break(locker, key, info.lock_id, err)) {
        pk_ui_good(app->ui, "unlocked");
        status = 0;
    }
    pk_lock_info_release(&info);
    return status;
}

static const char *const list_examples[] = {"panka state list",
                                            "panka state list -e staging --json", NULL};
static const char *const show_examples[] = {"panka state show api-db", NULL};
static const char *const rm_examples[] = {"panka state rm api-db:log-postgresql", NULL};
static const char *const unlock_examples[] = {
    "panka unlock", "panka unlock --force --lock-id 7d0c5e0a-2f5e-4a55-9c5b-1f0f6c9b2f11", NULL};

const struct pk_command pk_cmd_state_list = {
    .path = "state list",
    .group = "State",
    .summary = "List the resources in the state",
    .options = look_options,
    .positionals = list_positionals,
    .args_size = sizeof(struct state_args),
    .flags = PK_CMD_NEEDS_STATE,
    .examples = list_examples,
    .formats = "human|json",
    .run = run_list,
};
const struct pk_command pk_cmd_state_show = {
    .path = "state show",
    .group = "State",
    .summary = "Show what the state knows of one resource",
    .options = look_options,
    .positionals = show_positionals,
    .args_size = sizeof(struct state_args),
    .flags = PK_CMD_NEEDS_STATE,
    .examples = show_examples,
    .formats = "human|json",
    .run = run_show,
};
const struct pk_command pk_cmd_state_rm = {
    .path = "state rm",
    .group = "State",
    .summary = "Forget resources without deleting them",
    .options = rm_options,
    .positionals = rm_positionals,
    .args_size = sizeof(struct state_args),
    .flags = PK_CMD_NEEDS_STATE | PK_CMD_NEEDS_LOCK | PK_CMD_MUTATES,
    .examples = rm_examples,
    .run = run_rm,
};
const struct pk_command pk_cmd_unlock = {
    .path = "unlock",
    .group = "State",
    .summary = "Remove a lock that a dead run left behind",
    .options = unlock_options,
    .positionals = list_positionals,
    .args_size = sizeof(struct state_args),
    .flags = PK_CMD_MUTATES,
    .examples = unlock_examples,
    .run = run_unlock,
};
