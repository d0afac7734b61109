/* init, backend create. */
#include "cli/commands.h"

#include "base/fs.h"
#include "cli/common.h"
#include "json/json.h"

#include <stdlib.h>

struct setup_args {
    const char *bucket, *table, *prefix;
    bool local;
};

#define AT(field) offsetof(struct setup_args, field)

/* clang-format off */
static const struct pk_option init_options[] = {
    {"bucket", 0, PK_OPT_STR, AT(bucket), "BUCKET", NULL, 0, 0, "bucket that holds the state", false, false},
    {"table", 0, PK_OPT_STR, AT(table), "TABLE", NULL, 0, 0, "DynamoDB table of the locks", false, false},
    {"prefix", 0, PK_OPT_STR, AT(prefix), "PREFIX", NULL, 0, 0, "put before every object key", false, false},
    {"local", 0, PK_OPT_FLAG, AT(local), NULL, NULL, 0, 0, "keep state in .panka/ on this machine instead", false, false},
    {0},
};
static const struct pk_option backend_options[] = {
    {"bucket", 0, PK_OPT_STR, AT(bucket), "BUCKET", NULL, 0, 0, "bucket to create or bring into shape", false, true},
    {"table", 0, PK_OPT_STR, AT(table), "TABLE", NULL, 0, 0, "DynamoDB table to create or bring into shape (panka-locks)", false, false},
    {0},
};
/* clang-format on */

static bool ask_values(struct pk_app *app, const struct setup_args *a, struct pk_context *context,
                       char *values[PK_SET_COUNT], struct pk_error **err) {
    const char *region =
        app->global.region ? app->global.region : pk_setting(context->settings, PK_SET_REGION);
    if (a->local) {
        values[PK_SET_BACKEND_TYPE] = pk_strdup("local");
        if (region)
            values[PK_SET_REGION] = pk_strdup(region);
        return true;
    }
    values[PK_SET_BACKEND_TYPE] = pk_strdup("s3");
    bool ask = pk_ui_interactive(app->ui);
    if (app->global.region || (!ask && region))
        values[PK_SET_REGION] = pk_strdup(region);
    else if (!pk_ui_ask(app->ui, "Region", region ? region : "us-east-1", "--region REGION",
                        &values[PK_SET_REGION], err))
        return false;
    if (a->bucket)
        values[PK_SET_BACKEND_BUCKET] = pk_strdup(a->bucket);
    else if (!pk_ui_ask(app->ui, "State bucket", context->bucket, "--bucket BUCKET",
                        &values[PK_SET_BACKEND_BUCKET], err))
        return false;
    if (a->table || !ask)
        values[PK_SET_LOCK_TABLE] = pk_strdup(a->table ? a->table : "panka-locks");
    else if (!pk_ui_ask(app->ui, "Lock table", "panka-locks", "--table TABLE",
                        &values[PK_SET_LOCK_TABLE], err))
        return false;
    if (app->global.profile)
        values[PK_SET_PROFILE] = pk_strdup(app->global.profile);
    if (app->global.endpoint_url)
        values[PK_SET_ENDPOINT_URL] = pk_strdup(app->global.endpoint_url);
    if (a->prefix)
        values[PK_SET_BACKEND_PREFIX] = pk_strdup(a->prefix);
    values[PK_SET_BACKEND_REGION] = pk_strdup(values[PK_SET_REGION]);
    return true;
}

static int run_init(struct pk_app *app, const void *args, struct pk_error **err) {
    const struct setup_args *a = args;
    struct pk_context *context PK_CLEANUP(pk_context_closep) = NULL;
    char *values[PK_SET_COUNT] = {0};
    int status = -1;
    char *dir PK_CLEANUP(pk_freep) = pk_panka_dir();
    char *path PK_CLEANUP(pk_freep) =
        app->global.config ? pk_strdup(app->global.config) : pk_path_join(dir, "config.yaml");
    if (pk_app_context(app, NULL, NULL, false, &context, err) &&
        ask_values(app, a, context, values, err) &&
        pk_settings_save(path, (const char *const *)values, err)) {
        pk_ui_good(app->ui, "Settings saved in %s", path);
        if (!a->local)
            pk_ui_note(app->ui,
                       "If bucket and table do not exist yet: panka backend create --bucket %s "
                       "--table %s --region %s",
                       values[PK_SET_BACKEND_BUCKET], values[PK_SET_LOCK_TABLE],
                       values[PK_SET_REGION]);
        status = 0;
    }
    for (size_t i = 0; i < PK_SET_COUNT; i++)
        free(values[i]);
    return status;
}

struct steps {
    struct pk_app *app;
    json_t *list;
};

static void on_step(void *ctx, const char *what, enum pk_backend_step step) {
    static const char *const words[] = {"created", "updated", "unchanged"};
    struct steps *s = ctx;
    json_array_append_new(s->list, json_pack("{s:s, s:s}", "what", what, "result", words[step]));
    if (pk_ui_format(s->app->ui) == PK_FORMAT_HUMAN)
        pk_ui_out(s->app->ui, "  %-9s  %s\n", words[step], what);
}

static int run_backend_create(struct pk_app *app, const void *args, struct pk_error **err) {
    const struct setup_args *a = args;
    struct pk_context *context PK_CLEANUP(pk_context_closep) = NULL;
    struct pk_aws *aws = NULL;
    if (!pk_app_context(app, NULL, NULL, false, &context, err) ||
        !pk_context_platform(context, &aws, err))
        return -1;
    const char *region = app->global.region ? app->global.region : pk_aws_region(aws);
    if (!*region) {
        pk_fail(err, PK_E_USAGE, "no region is known");
        pk_error_hint(err, "pass --region REGION");
        return -1;
    }
    struct steps steps = {.app = app, .list = json_array()};
    struct pk_backend_request request = {
        .bucket = a->bucket,
        .table = a->table ? a->table : pk_setting(context->settings, PK_SET_LOCK_TABLE),
        .region = region,
        .on_step = on_step,
        .ctx = &steps};
    bool ok = pk_backend_create(aws, &request, err);
    if (ok && pk_ui_format(app->ui) == PK_FORMAT_JSON)
        pk_ui_json(app->ui, steps.list);
    json_decref(steps.list);
    if (!ok)
        return -1;
    pk_ui_good(app->ui, "Backend ready: bucket %s, table %s in %s", request.bucket, request.table,
               region);
    return 0;
}

static const char *const init_examples[] = {
    "panka init", "panka init --bucket acme-panka-state --region eu-central-1",
    "panka init --local", NULL};
static const char *const backend_examples[] = {
    "panka backend create --bucket acme-panka-state --table panka-locks --region us-east-1", NULL};

const struct pk_command pk_cmd_init = {
    .path = "init",
    .group = "Set up",
    .summary = "Save region, bucket, table and profile in ~/.panka/config.yaml",
    .options = init_options,
    .args_size = sizeof(struct setup_args),
    .flags = PK_CMD_OFFLINE,
    .examples = init_examples,
    .run = run_init,
};
const struct pk_command pk_cmd_backend_create = {
    .path = "backend create",
    .group = "Set up",
    .summary = "Create the state bucket and the lock table, or bring them into shape",
    .description = "The bucket gets versioning, encryption, no public access, TLS only, and 90 "
                   "days of old versions; the table "
                   "on-demand billing, expiry and point-in-time recovery. Running it again changes "
                   "only what is not so.",
    .options = backend_options,
    .args_size = sizeof(struct setup_args),
    .examples = backend_examples,
    .formats = "human|json",
    .run = run_backend_create,
};
