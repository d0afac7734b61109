/* login, logout, whoami. */
#include "cli/commands.h"

#include "base/clock.h"
#include "base/fs.h"
#include "cli/common.h"
#include "cli/credentials.h"
#include "json/json.h"

#include <stdlib.h>
#include <string.h>

struct login_args {
    const char *credentials;
    bool secret_stdin;
};

/* clang-format off */
static const struct pk_option login_options[] = {
    {"credentials", 0, PK_OPT_STR, offsetof(struct login_args, credentials), "FILE", NULL, 0, 0, "credentials file that the platform admin gave out", false, false},
    {"secret-stdin", 0, PK_OPT_FLAG, offsetof(struct login_args, secret_stdin), NULL, NULL, 0, 0, "take the secret from standard input", false, false},
    {0},
};
/* clang-format on */

/* Tenant, secret and backend from the file, flags and prompts, in this order of trust: flags win.
 */
static bool gather(struct pk_app *app, const struct login_args *a, struct pk_context *context,
                   struct pk_credentials *c, struct pk_error **err) {
    if (a->credentials && !pk_credentials_read(a->credentials, c, err))
        return false;
    const char *tenant = pk_setting(context->settings, PK_SET_TENANT);
    if (tenant)
        pk_error_set(&c->tenant, tenant);
    if (app->global.backend_bucket || !c->bucket)
        pk_error_set(&c->bucket, context->bucket);
    if (app->global.backend_region || !c->region)
        pk_error_set(&c->region, context->backend_region);
    if (app->global.lock_table || !c->lock_table)
        pk_error_set(&c->lock_table, pk_setting(context->settings, PK_SET_LOCK_TABLE));
    if (!c->tenant && !pk_ui_ask(app->ui, "Tenant ID", NULL, "--tenant NAME", &c->tenant, err))
        return false;
    if (!c->bucket &&
        !pk_ui_ask(app->ui, "State bucket", NULL, "--backend-bucket BUCKET", &c->bucket, err))
        return false;
    if (!c->region &&
        !pk_ui_ask(app->ui, "Region", "us-east-1", "--region REGION", &c->region, err))
        return false;
    if (a->secret_stdin)
        return pk_ui_read_stdin(app->ui, 200, false, &c->secret, err);
    return c->secret || pk_ui_ask_secret(app->ui, "Secret", "--credentials FILE or --secret-stdin",
                                         &c->secret, err);
}

static int run_login(struct pk_app *app, const void *args, struct pk_error **err) {
    const struct login_args *a = args;
    struct pk_context *context PK_CLEANUP(pk_context_closep) = NULL;
    struct pk_credentials c PK_CLEANUP(pk_credentials_release) = {0};
    struct pk_aws *aws = NULL;
    struct pk_store *store PK_CLEANUP(pk_store_freep) = NULL;
    if (!pk_app_context(app, NULL, NULL, false, &context, err) ||
        !gather(app, a, context, &c, err) || !pk_context_platform(context, &aws, err) ||
        !pk_store_s3_new(aws, c.bucket, c.region, "", &store, err) ||
        !pk_tenant_login(store, c.tenant, c.secret, c.bucket, c.region, c.lock_table, err))
        return -1;
    pk_ui_good(app->ui, "Logged in to tenant %s for 7 days", c.tenant);
    return 0;
}

static int run_logout(struct pk_app *app, const void *args, struct pk_error **err) {
    (void)args;
    bool was = false;
    if (!pk_session_end(false, &was, err))
        return -1;
    pk_ui_good(app->ui, was ? "Logged out" : "You were not logged in");
    return 0;
}

static void put_session(json_t *to, const char *name, const struct pk_session *s) {
    char until[21];
    pk_time_iso8601(s->expires_at, until);
    json_t *o = json_object();
    pk_json_put_str(o, "tenant", s->tenant);
    pk_json_put_str(o, "user", s->user);
    pk_json_put_str(o, "bucket", s->bucket);
    pk_json_put_str(o, "region", s->region);
    pk_json_put_str(o, "lockTable", s->lock_table);
    pk_json_put_str(o, "expiresAt", until);
    json_object_set_new(to, name, o);
}

static void print_session(struct pk_app *app, const char *title, const struct pk_session *s) {
    char until[21];
    pk_time_iso8601(s->expires_at, until);
    pk_ui_out(app->ui, "%-8s %s\n", title, s->tenant ? s->tenant : s->user);
    pk_ui_out(app->ui, "  bucket %s (%s), locks %s, until %s\n", s->bucket, s->region,
              s->lock_table, until);
}

static int run_whoami(struct pk_app *app, const void *args, struct pk_error **err) {
    (void)args;
    struct pk_session tenant PK_CLEANUP(pk_session_release) = {0},
                             admin PK_CLEANUP(pk_session_release) = {0};
    bool has_tenant = false, has_admin = false;
    const char *why_tenant = NULL, *why_admin = NULL;
    if (!pk_session_load(false, &tenant, &has_tenant, &why_tenant, err) ||
        !pk_session_load(true, &admin, &has_admin, &why_admin, err))
        return -1;
    if (pk_ui_format(app->ui) == PK_FORMAT_JSON) {
        json_t *o = json_object();
        if (has_tenant)
            put_session(o, "tenant", &tenant);
        if (has_admin)
            put_session(o, "admin", &admin);
        pk_ui_json(app->ui, o);
        json_decref(o);
        return has_tenant || has_admin ? 0 : 1;
    }
    if (has_tenant)
        print_session(app, "tenant", &tenant);
    if (has_admin)
        print_session(app, "admin", &admin);
    if (has_tenant || has_admin)
        return 0;
    pk_fail(err, PK_E_LOGIN, "%s", why_tenant ? why_tenant : "not logged in");
    pk_error_hint(err, "team members: panka login\nplatform admins: panka admin "
                       "login\nsingle-tenant use needs no login");
    return -1;
}

static const char *const login_examples[] = {
    "panka login", "panka login --credentials credentials.txt",
    "panka login --tenant notifications-team --backend-bucket acme-panka-state --secret-stdin",
    NULL};
static const char *const logout_examples[] = {"panka logout", NULL};
static const char *const whoami_examples[] = {"panka whoami", "panka whoami --json", NULL};

const struct pk_command pk_cmd_login = {
    .path = "login",
    .group = "Set up",
    .summary = "Log in to a tenant",
    .options = login_options,
    .args_size = sizeof(struct login_args),
    .examples = login_examples,
    .run = run_login,
};
const struct pk_command pk_cmd_logout = {
    .path = "logout",
    .group = "Set up",
    .summary = "End the tenant session",
    .flags = PK_CMD_OFFLINE,
    .examples = logout_examples,
    .run = run_logout,
};
const struct pk_command pk_cmd_whoami = {
    .path = "whoami",
    .group = "Set up",
    .summary = "Show which sessions are active",
    .flags = PK_CMD_OFFLINE,
    .examples = whoami_examples,
    .formats = "human|json",
    .run = run_whoami,
};
