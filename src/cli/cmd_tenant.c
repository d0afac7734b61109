/* admin tenant init, list, show. */
#include "cli/commands.h"

#include "base/fs.h"
#include "cli/admin.h"
#include "cli/common.h"
#include "cli/credentials.h"
#include "ui/progress.h"
#include "json/json.h"

#include <stdlib.h>
#include <string.h>

struct tenant_args {
    const char *name, *account, *vpc_cidr, *config, *output, *display_name, *email, *role;
    struct pk_vec azs;
    bool nat_gateway, no_nat_gateway;
};

#define AT(field) offsetof(struct tenant_args, field)

/* clang-format off */
static const struct pk_option init_options[] = {
    {"aws-account", 0, PK_OPT_STR, AT(account), "ID", NULL, 0, 0, "AWS account of the tenant (12 digits); default: the caller's", false, false},
    {"vpc-cidr", 0, PK_OPT_STR, AT(vpc_cidr), "CIDR", NULL, 0, 0, "address range of its network (10.0.0.0/16)", false, false},
    {"nat-gateway", 0, PK_OPT_FLAG, AT(nat_gateway), NULL, NULL, 0, 0, "private subnets reach the internet through a NAT gateway (default)", false, false},
    {"no-nat-gateway", 0, PK_OPT_FLAG, AT(no_nat_gateway), NULL, NULL, 0, 0, "no NAT gateway", false, false},
    {"azs", 0, PK_OPT_LIST, AT(azs), "A,B", NULL, 0, 0, "availability zones; default: the first two of the region", true, false},
    {"assume-role", 0, PK_OPT_STR, AT(role), "ARN", NULL, 0, 0, "role that deployments of the tenant assume", false, false},
    {"display-name", 0, PK_OPT_STR, AT(display_name), "TEXT", NULL, 0, 0, "name for people", false, false},
    {"email", 0, PK_OPT_STR, AT(email), "ADDRESS", NULL, 0, 0, "whom to ask about the tenant", false, false},
    {"config", 0, PK_OPT_STR, AT(config), "FILE", NULL, 0, 0, "tenant.yaml with further settings", false, false},
    {"output", 'o', PK_OPT_STR, AT(output), "FILE", NULL, 0, 0, "write the credentials to FILE (0600)", false, false},
    {0},
};
static const struct pk_positional init_positionals[] = {
    {"NAME", AT(name), true, false, "name of the tenant: lower-case letters, digits, hyphens"}, {0},
};
static const struct pk_positional show_positionals[] = {
    {"NAME", AT(name), true, false, "name of the tenant"}, {0},
};
/* clang-format on */

/* The first two zones by name that are available to the account. */
static bool look_up_zones(struct pk_aws *aws, const char *region, struct pk_arena *arena,
                          struct pk_vec *to, struct pk_error **err) {
    json_t *result PK_CLEANUP(json_decrefp) = NULL;
    struct pk_aws_io io = {.region = region};
    json_t *params PK_CLEANUP(json_decrefp) = json_pack("{s:[{s:s, s:[s]}]}", "Filters", "Name",
                                                        "zone-type", "Values", "availability-zone");
    if (!pk_aws_call(aws, "ec2", "DescribeAvailabilityZones", params, &io, &result, err))
        return pk_wrap(err, "cannot look up the availability zones of %s", region);
    json_t *names PK_CLEANUP(json_decrefp) = json_array(), *zone;
    size_t i;
    json_array_foreach(json_object_get(result, "AvailabilityZones"), i, zone) {
        if (pk_streq(pk_json_str(zone, "State", "available"), "available"))
            json_array_append(names, json_object_get(zone, "ZoneName"));
    }
    pk_json_sort_strings(names);
    for (i = 0; i < json_array_size(names) && i < 2; i++)
        pk_vec_push(to, pk_arena_strdup(arena, json_string_value(json_array_get(names, i))));
    return to->len > 0 || pk_fail(err, PK_E_AWS, "region %s has no available zone", region);
}

static bool show_findings(struct pk_app *app, struct pk_diags *diags, struct pk_error **err) {
    if (pk_diags_len(diags) == 0)
        return true;
    pk_diags_sort(diags);
    pk_ui_diags(app->ui, diags);
    return !pk_diags_has_errors(diags) || pk_diags_fail(diags, err);
}

/* Runs the tenant's network like any deployment; a second run after a failure goes on. */
static bool provision(struct pk_app *app, struct pk_admin_context *admin,
                      const struct pk_tenant_config *tenant, int *ret_status,
                      struct pk_error **err) {
    struct pk_diags *diags PK_CLEANUP(pk_diags_freep) = pk_diags_new();
    struct pk_deploy_options options = {.operation = "network", .lock = true, .refresh = true};
    struct pk_deployment *d = NULL;
    bool ok = pk_deploy_prepare_network(admin->context, tenant, &options, diags, &d, err);
    if (!show_findings(app, diags, ok ? err : NULL) || !ok) {
        free(pk_deploy_close(d));
        return false;
    }
    if (pk_plan_has_changes(d->plan)) {
        struct pk_progress_view *view = pk_progress_new(app->ui, "Network");
        struct pk_deploy_run run = {
            .parallelism = 10, .on_event = pk_progress_event, .event_ctx = view};
        struct pk_deploy_report report = {0};
        ok = pk_deploy_execute(d, &run, &report, err);
        pk_progress_free(view);
        for (size_t i = 0; i < report.engine.n_actions; i++)
            if (report.engine.actions[i].failed && report.engine.actions[i].error)
                pk_ui_error(app->ui, report.engine.actions[i].error);
        *ret_status = report.exit_status;
        pk_deploy_report_release(&report);
    }
    ok = ok && pk_tenant_save_status(admin->store, tenant->name, d->state->networking, err);
    char *warning PK_CLEANUP(pk_freep) = pk_deploy_close(d);
    if (warning)
        pk_ui_warn(app->ui, "%s", warning);
    return ok;
}

static char *cidr_list(const json_t *spec, const char *which) {
    struct pk_buf text = PK_BUF_INIT(65536);
    char *path PK_CLEANUP(pk_freep) = pk_asprintf("networking.subnets.%s", which);
    size_t i;
    json_t *subnet;
    json_array_foreach(pk_json_at(spec, path), i, subnet) {
        pk_buf_addf(&text, "%s%s", i ? ", " : "", pk_json_str(subnet, "cidrBlock", "?"));
    }
    return pk_buf_steal(&text);
}

static void report_network(struct pk_app *app, const struct pk_tenant_config *tenant) {
    const json_t *spec = tenant->spec;
    const char *existing = pk_json_str(spec, "networking.existing.vpcId", NULL);
    pk_ui_good(app->ui, "Tenant created: %s", tenant->name);
    if (existing) {
        pk_ui_good(app->ui, "Existing network: %s", existing);
        return;
    }
    char *public PK_CLEANUP(pk_freep) = cidr_list(spec, "public");
    char *private PK_CLEANUP(pk_freep) = cidr_list(spec, "private");
    pk_ui_good(app->ui, "VPC configured: %s", pk_json_str(spec, "networking.vpc.cidrBlock", "?"));
    pk_ui_good(app->ui, "Public subnets: %s", *public ? public : "none");
    pk_ui_good(app->ui, "Private subnets: %s", *private ? private : "none");
    pk_ui_good(app->ui, "NAT Gateway: %s",
               pk_json_bool(spec, "networking.natGateway.enabled", true) ? "enabled" : "disabled");
    pk_ui_good(app->ui, "Security Group: %s-default-sg", tenant->name);
}

static bool hand_out(struct pk_app *app, const struct pk_admin_context *admin,
                     const struct tenant_args *a, const char *secret, struct pk_error **err) {
    struct pk_credentials c PK_CLEANUP(pk_credentials_release) = {
        .tenant = pk_strdup(a->name),
        .secret = pk_strdup(secret),
        .bucket = pk_strdup(admin->bucket),
        .region = pk_strdup(admin->region),
        .lock_table = pk_strdup(admin->lock_table),
    };
    if (a->output) {
        if (!pk_credentials_write(a->output, &c, err))
            return false;
        pk_ui_good(app->ui, "Credentials saved to: %s", a->output);
        return true;
    }
    char *text PK_CLEANUP(pk_secret_freep) = pk_credentials_text(&c);
    pk_ui_note(app->ui, "\nCredentials (shown once):");
    pk_ui_out(app->ui, "%s", text);
    return true;
}

static bool describe_init(struct pk_app *app, const struct tenant_args *a,
                          struct pk_admin_context *admin, struct pk_arena *arena,
                          struct pk_vec *zones, struct pk_tenant_init *ret, struct pk_error **err) {
    const char *region = app->global.region ? app->global.region : admin->region;
    const char *account = a->account;
    if (!account && !a->config) {
        char *own PK_CLEANUP(pk_freep) = NULL;
        if (!pk_aws_caller(admin->aws, &own, NULL, err))
            return pk_wrap(err, "no --aws-account, and the caller's account is not known");
        account = pk_arena_strdup(arena, own);
    }
    if (a->azs.len > 0) {
        for (size_t i = 0; i < a->azs.len; i++)
            pk_vec_push(zones, a->azs.items[i]);
    } else if (!look_up_zones(admin->aws, region, arena, zones, err)) {
        return false;
    }
    *ret = (struct pk_tenant_init){
        .name = a->name,
        .display_name = a->display_name,
        .email = a->email,
        .account_id = account,
        .region = region,
        .vpc_cidr = a->vpc_cidr,
        .config_path = a->config,
        .created_by = admin->session.user,
        .assume_role_arn = a->role,
        .azs = (const char *const *)zones->items,
        .n_azs = zones->len,
        .nat_gateway = !a->no_nat_gateway,
        .nat_gateway_set = a->nat_gateway || a->no_nat_gateway,
        .bucket = admin->bucket,
        .lock_table = admin->lock_table,
    };
    return true;
}

/* A registered tenant without a network is one whose creation was interrupted: only the network is
 * still to be done. */
static bool may_resume(struct pk_app *app, struct pk_admin_context *admin, const char *name,
                       struct pk_arena *arena, bool *ret_resume, struct pk_error **err) {
    struct pk_tenant_entry *entries = NULL;
    size_t n = 0;
    if (!pk_tenants_list(admin->store, &entries, &n, err))
        return false;
    bool exists = false;
    for (size_t i = 0; i < n; i++)
        exists = exists || pk_streq(entries[i].id, name);
    pk_tenants_release(entries, n);
    if (!exists)
        return true;
    struct pk_diags *diags PK_CLEANUP(pk_diags_freep) = pk_diags_new();
    struct pk_tenant_config *tenant = NULL;
    if (!pk_tenant_config_load(admin->store, name, arena, diags, &tenant, NULL, err))
        return false;
    if (tenant && tenant->networking && json_object_size(tenant->networking) > 0)
        return pk_fail(err, PK_E_USAGE, "tenant %s exists already", name) ||
               pk_error_hint(err, "panka admin tenant show %s", name);
    pk_ui_note(app->ui,
               "Tenant %s is registered, its network is not complete: going on with the network.",
               name);
    *ret_resume = true;
    return true;
}

static int run_init(struct pk_app *app, const void *args, struct pk_error **err) {
    const struct tenant_args *a = args;
    struct pk_admin_context admin PK_CLEANUP(pk_admin_release) = {0};
    struct pk_arena *arena PK_CLEANUP(pk_arena_freep) = pk_arena_new();
    struct pk_vec zones PK_CLEANUP(pk_vec_release) = PK_VEC_INIT;
    struct pk_diags *diags PK_CLEANUP(pk_diags_freep) = pk_diags_new();
    struct pk_tenant_init init;
    char *yaml PK_CLEANUP(pk_freep) = NULL;
    char *secret PK_CLEANUP(pk_secret_freep) = NULL;
    struct pk_tenant_config *tenant = NULL;
    if (!pk_admin_open(app, true, &admin, err) ||
        !describe_init(app, a, &admin, arena, &zones, &init, err))
        return -1;
    bool built = pk_tenant_build_config(&init, diags, &yaml, err);
    if (!show_findings(app, diags, built ? err : NULL) || !built)
        return -1;
    bool resume = false;
    if (!may_resume(app, &admin, a->name, arena, &resume, err))
        return -1;
    if (!resume && (!pk_tenant_register(admin.store, &init, yaml, &secret, err) ||
                    !hand_out(app, &admin, a, secret, err)))
        return -1;
    if (!pk_tenant_config_load(admin.store, a->name, arena, diags, &tenant, NULL, err))
        return -1;
    if (!tenant) {
        pk_fail(err, PK_E_STATE_INVALID,
                "the configuration of tenant %s is missing from the backend", a->name);
        return -1;
    }
    int status = 0;
    if (!provision(app, &admin, tenant, &status, err)) {
        pk_ui_note(app->ui,
                   "The tenant is registered, its network is not complete. Go on with: panka admin "
                   "tenant init %s",
                   a->name);
        return status ? status : -1;
    }
    report_network(app, tenant);
    char *policy PK_CLEANUP(pk_freep) =
        pk_tenant_iam_policy(a->name, admin.bucket, admin.lock_table, admin.region,
                             admin.session.account_id ? admin.session.account_id : "");
    pk_ui_note(app->ui,
               "\nIAM policy that confines the tenant's people to its own state and locks:");
    pk_ui_out(app->ui, "%s\n", policy);
    return 0;
}

static json_t *entry_json(const struct pk_tenant_entry *t) {
    json_t *o = json_object();
    pk_json_put_str(o, "id", t->id);
    pk_json_put_str(o, "displayName", t->display_name);
    pk_json_put_str(o, "email", t->email);
    pk_json_put_str(o, "status", t->status);
    pk_json_put_str(o, "created", t->created);
    pk_json_put_str(o, "updated", t->updated);
    pk_json_put_str(o, "accountId", t->account_id);
    pk_json_put_str(o, "region", t->region);
    pk_json_put_int(o, "rotations", t->rotations);
    return o;
}

static int run_list(struct pk_app *app, const void *args, struct pk_error **err) {
    (void)args;
    struct pk_admin_context admin PK_CLEANUP(pk_admin_release) = {0};
    struct pk_tenant_entry *entries = NULL;
    size_t n = 0;
    if (!pk_admin_open(app, true, &admin, err) || !pk_tenants_list(admin.store, &entries, &n, err))
        return -1;
    static const char *const headers[] = {"TENANT", "STATUS",  "ACCOUNT",
                                          "REGION", "CREATED", "NAME"};
    const char **rows = pk_calloc(n * PK_ARRAY_LEN(headers) + 1, sizeof(*rows));
    json_t *list PK_CLEANUP(json_decrefp) = json_array();
    for (size_t i = 0; i < n; i++) {
        const char **row = rows + i * PK_ARRAY_LEN(headers);
        row[0] = entries[i].id;
        row[1] = entries[i].status;
        row[2] = entries[i].account_id;
        row[3] = entries[i].region;
        row[4] = entries[i].created;
        row[5] = entries[i].display_name;
        json_array_append_new(list, entry_json(&entries[i]));
    }
    if (pk_ui_format(app->ui) == PK_FORMAT_JSON)
        pk_ui_json(app->ui, list);
    else if (n == 0)
        pk_ui_out(app->ui, "No tenants.\n");
    else
        pk_ui_table(app->ui, headers, PK_ARRAY_LEN(headers), rows, n);
    free(rows);
    pk_tenants_release(entries, n);
    return 0;
}

static int run_show(struct pk_app *app, const void *args, struct pk_error **err) {
    const struct tenant_args *a = args;
    struct pk_admin_context admin PK_CLEANUP(pk_admin_release) = {0};
    struct pk_arena *arena PK_CLEANUP(pk_arena_freep) = pk_arena_new();
    struct pk_diags *diags PK_CLEANUP(pk_diags_freep) = pk_diags_new();
    struct pk_tenant_config *tenant = NULL;
    struct pk_tenant_entry *entries = NULL;
    size_t n = 0, found = SIZE_MAX;
    if (!pk_admin_open(app, true, &admin, err) || !pk_tenants_list(admin.store, &entries, &n, err))
        return -1;
    for (size_t i = 0; i < n; i++)
        if (pk_streq(entries[i].id, a->name))
            found = i;
    int status = -1;
    if (found == SIZE_MAX) {
        pk_fail(err, PK_E_NOT_FOUND, "there is no tenant \"%s\"", a->name);
        pk_error_hint(err, "`panka admin tenant list` shows them");
    } else if (pk_tenant_config_load(admin.store, a->name, arena, diags, &tenant, NULL, err)) {
        json_t *o PK_CLEANUP(json_decrefp) = entry_json(&entries[found]);
        if (tenant) {
            json_object_set(o, "spec", tenant->spec);
            json_object_set(o, "networking", tenant->networking ? tenant->networking : json_null());
        }
        if (pk_ui_format(app->ui) == PK_FORMAT_JSON) {
            pk_ui_json(app->ui, o);
        } else {
            char *text PK_CLEANUP(pk_freep) = pk_json_pretty(o);
            pk_ui_out(app->ui, "%s", text);
        }
        status = 0;
    }
    pk_tenants_release(entries, n);
    return status;
}

static const char *const init_examples[] = {
    "panka admin tenant init notifications-team --aws-account 123456789012 --region us-east-1 "
    "--vpc-cidr 10.0.0.0/16 "
    "--nat-gateway --output credentials.txt",
    "panka admin tenant init payments-team --config payments.yaml",
    NULL,
};
static const char *const list_examples[] = {"panka admin tenant list",
                                            "panka admin tenant list --json", NULL};
static const char *const show_examples[] = {"panka admin tenant show notifications-team", NULL};

const struct pk_command pk_cmd_tenant_init = {
    .path = "admin tenant init",
    .group = "Administer",
    .summary = "Create a tenant: registry entry, secret, network",
    .description = "Registers the tenant, makes its secret and builds its network. When the "
                   "network could not be finished, "
                   "running the command again goes on where it ended.",
    .options = init_options,
    .positionals = init_positionals,
    .args_size = sizeof(struct tenant_args),
    .flags = PK_CMD_ADMIN | PK_CMD_MUTATES | PK_CMD_OWN_OUTPUT,
    .examples = init_examples,
    .run = run_init,
};
const struct pk_command pk_cmd_tenant_list = {
    .path = "admin tenant list",
    .group = "Administer",
    .summary = "List the tenants",
    .args_size = sizeof(struct tenant_args),
    .flags = PK_CMD_ADMIN,
    .examples = list_examples,
    .formats = "human|json",
    .run = run_list,
};
const struct pk_command pk_cmd_tenant_show = {
    .path = "admin tenant show",
    .group = "Administer",
    .summary = "Show a tenant's configuration and network",
    .positionals = show_positionals,
    .args_size = sizeof(struct tenant_args),
    .flags = PK_CMD_ADMIN,
    .examples = show_examples,
    .formats = "human|json",
    .run = run_show,
};
