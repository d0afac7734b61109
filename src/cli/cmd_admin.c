/* admin init, admin login, admin logout. */
#include "cli/commands.h"

#include "base/fs.h"
#include "cli/admin.h"
#include "cli/common.h"

#include <stdlib.h>
#include <string.h>

struct admin_args {
    const char *username, *output;
    bool password_stdin;
};

#define AT(field) offsetof(struct admin_args, field)

/* clang-format off */
static const struct pk_option init_options[] = {
    {"username", 'u', PK_OPT_STR, AT(username), "NAME", NULL, 0, 0, "name of the admin (admin)", false, false},
    {"output", 'o', PK_OPT_STR, AT(output), "FILE", NULL, 0, 0, "write the password to FILE (0600) instead of showing it", false, false},
    {0},
};
static const struct pk_option login_options[] = {
    {"username", 'u', PK_OPT_STR, AT(username), "NAME", NULL, 0, 0, "name of the admin (admin)", false, false},
    {"password-stdin", 0, PK_OPT_FLAG, AT(password_stdin), NULL, NULL, 0, 0, "take the password from standard input", false, false},
    {0},
};
/* clang-format on */

bool pk_admin_open(struct pk_app *app, bool need_session, struct pk_admin_context *ret,
                   struct pk_error **err) {
    memset(ret, 0, sizeof(*ret));
    if (!pk_app_context(app, NULL, NULL, false, &ret->context, err))
        return false;
    bool found = false;
    const char *why = NULL;
    if (!pk_session_load(true, &ret->session, &found, &why, err))
        return false;
    if (need_session && !found)
        return pk_fail(err, PK_E_LOGIN, "%s",
                       why ? why : "you are not logged in as a platform admin") ||
               pk_error_hint(err, "panka admin login");
    struct pk_context *c = ret->context;
    ret->bucket = c->bucket ? c->bucket : ret->session.bucket;
    ret->region = c->backend_region ? c->backend_region : ret->session.region;
    ret->lock_table = found && !app->global.lock_table ? ret->session.lock_table
                                                       : pk_setting(c->settings, PK_SET_LOCK_TABLE);
    if (!ret->bucket)
        return pk_fail(err, PK_E_CONFIG, "no backend is configured") ||
               pk_error_hint(err, "pass --backend-bucket BUCKET, or run `panka init`");
    if (!pk_context_platform(c, &ret->aws, err))
        return false;
    if (!ret->region)
        ret->region = pk_aws_region(ret->aws);
    if (!*ret->region)
        return pk_fail(err, PK_E_CONFIG, "no region is known") ||
               pk_error_hint(err, "pass --region REGION");
    c->bucket = ret->bucket;
    c->backend_region = ret->region;
    c->lock_table = ret->lock_table;
    return pk_context_store(c, &ret->store, err);
}

void pk_admin_release(struct pk_admin_context *admin) {
    pk_context_close(admin->context);
    pk_session_release(&admin->session);
    memset(admin, 0, sizeof(*admin));
}

static int run_init(struct pk_app *app, const void *args, struct pk_error **err) {
    const struct admin_args *a = args;
    struct pk_admin_context admin PK_CLEANUP(pk_admin_release) = {0};
    char *password PK_CLEANUP(pk_secret_freep) = NULL;
    const char *name = a->username ? a->username : "admin";
    if (a->output && pk_path_exists(a->output)) {
        pk_fail(err, PK_E_USAGE, "%s exists already", a->output);
        return -1;
    }
    if (!pk_admin_open(app, false, &admin, err) ||
        !pk_admin_init(admin.aws, admin.store, name, admin.bucket, admin.region, admin.lock_table,
                       &password, err))
        return -1;
    if (a->output) {
        char *line PK_CLEANUP(pk_secret_freep) = pk_asprintf("%s\n", password);
        if (!pk_write_file(a->output, line, strlen(line), 0600, err))
            return -1;
    }
    pk_ui_good(app->ui, "Platform set up: admin \"%s\", empty registry in %s", name, admin.bucket);
    if (a->output)
        pk_ui_note(app->ui, "Password saved to: %s", a->output);
    else
        pk_ui_out(app->ui, "Password (shown once): %s\n", password);
    return 0;
}

static int run_login(struct pk_app *app, const void *args, struct pk_error **err) {
    const struct admin_args *a = args;
    struct pk_admin_context admin PK_CLEANUP(pk_admin_release) = {0};
    char *password PK_CLEANUP(pk_secret_freep) = NULL;
    const char *name = a->username ? a->username : "admin";
    if (!pk_admin_open(app, false, &admin, err))
        return -1;
    bool got = a->password_stdin ? pk_ui_read_stdin(app->ui, 200, false, &password, err)
                                 : pk_ui_ask_secret(app->ui, "Admin password", "--password-stdin",
                                                    &password, err);
    if (!got || !pk_admin_login(admin.aws, name, password, admin.bucket, admin.region,
                                admin.lock_table, err))
        return -1;
    pk_ui_good(app->ui, "Logged in as platform admin \"%s\" for 8 hours", name);
    return 0;
}

static int run_logout(struct pk_app *app, const void *args, struct pk_error **err) {
    (void)args;
    bool was = false;
    if (!pk_session_end(true, &was, err))
        return -1;
    pk_ui_good(app->ui, was ? "Admin session ended" : "There was no admin session");
    return 0;
}

static const char *const init_examples[] = {
    "panka admin init --backend-bucket acme-panka-state --region us-east-1",
    "panka admin init --output admin-password.txt", NULL};
static const char *const login_examples[] = {"panka admin login",
                                             "panka admin login --password-stdin", NULL};
static const char *const logout_examples[] = {"panka admin logout", NULL};

const struct pk_command pk_cmd_admin_init = {
    .path = "admin init",
    .group = "Administer",
    .summary = "Make the admin password and an empty registry of tenants",
    .options = init_options,
    .args_size = sizeof(struct admin_args),
    .flags = PK_CMD_ADMIN | PK_CMD_OWN_OUTPUT,
    .examples = init_examples,
    .run = run_init,
};
const struct pk_command pk_cmd_admin_login = {
    .path = "admin login",
    .group = "Administer",
    .summary = "Start an admin session",
    .options = login_options,
    .args_size = sizeof(struct admin_args),
    .flags = PK_CMD_ADMIN,
    .examples = login_examples,
    .run = run_login,
};
const struct pk_command pk_cmd_admin_logout = {
    .path = "admin logout",
    .group = "Administer",
    .summary = "End the admin session",
    .flags = PK_CMD_ADMIN | PK_CMD_OFFLINE,
    .examples = logout_examples,
    .run = run_logout,
};
