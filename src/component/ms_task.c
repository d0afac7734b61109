/* ms_task.c - roles, log group and task definition of a MicroService. */
#include "component/iam.h"
#include "component/internal.h"
#include "component/ms.h"

#include "base/str.h"

#include <string.h>

#define ECS_TASKS "ecs-tasks.amazonaws.com"
#define TASK_ROLE "task-role"
#define MAX_TASK_DEFINITION ((size_t)64 << 10)

/* --- execution role --------------------------------------------------------------------------- */

/* The ARN without ":<json key>::". */
static void add_secret_arn(json_t *secrets, json_t *parameters, json_t *arn) {
    const char *text = json_string_value(arn);
    json_array_append_new(text && strstr(text, ":ssm:") ? parameters : secrets, arn);
}

/* Takes the list over and leaves repeats out. */
static json_t *distinct(json_t *list) {
    json_t *out = json_array();
    for (size_t i = 0; i < json_array_size(list); i++) {
        bool seen = false;
        for (size_t k = 0; k < json_array_size(out) && !seen; k++)
            seen = pk_json_equal(json_array_get(list, i), json_array_get(out, k));
        if (!seen)
            json_array_append(out, json_array_get(list, i));
    }
    json_decref(list);
    return out;
}

/* ECS itself reads secrets and parameters before the container starts. */
static void allow_secrets(struct pk_expansion *x, struct pk_resource *role,
                          const struct pk_env_entry *env, size_t n_env, json_t *credentials) {
    static const char *const get_secret[] = {"secretsmanager:GetSecretValue", NULL};
    static const char *const get_parameters[] = {"ssm:GetParameters", NULL};
    json_t *secrets = json_array(), *parameters = json_array();
    for (size_t i = 0; i < n_env; i++)
        if (!env[i].value)
            add_secret_arn(secrets, parameters, pk_x_env_secret_arn(x, &env[i], false));
    if (credentials)
        add_secret_arn(secrets, parameters, credentials);
    secrets = distinct(secrets);
    parameters = distinct(parameters);
    struct pk_statements *statements = pk_iam_statements_new(x->arena);
    if (json_array_size(secrets) > 0)
        pk_iam_allow(statements, get_secret, json_incref(secrets), NULL);
    if (json_array_size(parameters) > 0)
        pk_iam_allow(statements, get_parameters, json_incref(parameters), NULL);
    json_decref(secrets);
    json_decref(parameters);
    pk_iam_add_policy(x, role, "secrets", pk_iam_document(statements));
}

static struct pk_resource *execution_role(struct pk_expansion *x, const struct pk_component *c,
                                          struct pk_resource *task, const struct pk_env_entry *env,
                                          size_t n_env) {
    struct pk_resource *role = pk_iam_role(x, c, "execution-role", ECS_TASKS, false);
    if (!role)
        return NULL;
    pk_iam_add_managed(x, role, "service-role/AmazonECSTaskExecutionRolePolicy");
    allow_secrets(x, role, env, n_env, pk_ms_credentials(x, c, task));
    pk_iam_check_size(x, c, role);
    return role;
}

/* --- task definition -------------------------------------------------------------------------- */

static void set_size(struct pk_expansion *x, const struct pk_component *c,
                     struct pk_resource *task) {
    int64_t cpu = pk_spec_int(c, "runtime.cpu", 256),
            memory = pk_spec_int(c, "runtime.memory", 512);
    int64_t storage = pk_spec_int(c, "runtime.ephemeralStorageGB", 0);
    bool arm = pk_strieq(pk_spec_str(c, "runtime.architecture"), "arm64");
    pk_resource_set(x->graph, task, "Cpu", pk_json_textf("%lld", (long long)cpu),
                    pk_spec_span(c, "runtime.cpu"));
    pk_resource_set(x->graph, task, "Memory", pk_json_textf("%lld", (long long)memory),
                    pk_spec_span(c, "runtime.memory"));
    pk_resource_set(x->graph, task, "RuntimePlatform",
                    json_pack("{s:s, s:s}", "CpuArchitecture", arm ? "ARM64" : "X86_64",
                              "OperatingSystemFamily", "LINUX"),
                    pk_spec_span(c, "runtime.architecture"));
    if (storage > 0)
        pk_resource_set(x->graph, task, "EphemeralStorage",
                        json_pack("{s:I}", "SizeInGiB", (json_int_t)storage),
                        pk_spec_span(c, "runtime.ephemeralStorageGB"));
}

static void check_size(struct pk_expansion *x, const struct pk_component *c,
                       const struct pk_resource *task) {
    PK_CLEANUP(pk_freep) char *text = pk_json_canonical(task->properties);
    size_t len = strlen(text);
    if (len <= MAX_TASK_DEFINITION)
        return;
    struct pk_diag *d = pk_x_finding(x, c, PK_SEVERITY_ERROR, "ms.taskdef-size", NULL,
                                     "the task definition has %zu KiB", (len + 1023) >> 10);
    pk_diag_help(x->diags, d,
                 "ECS takes 64 KiB: move large values of `environment` and `configs` elsewhere");
}

static void set_roles(struct pk_expansion *x, const struct pk_component *c,
                      struct pk_resource *task, const struct pk_env_entry *env, size_t n_env) {
    struct pk_resource *execution = execution_role(x, c, task, env, n_env);
    struct pk_resource *role = pk_iam_role(x, c, TASK_ROLE, ECS_TASKS, true);
    if (execution)
        pk_resource_set(x->graph, task, "ExecutionRoleArn",
                        pk_x_arn_global(x, "iam", "role/%s", execution->name), c->span);
    pk_resource_set(x->graph, task, "TaskRoleArn", pk_iam_role_arn(x, c, TASK_ROLE),
                    pk_spec_span(c, "iam.roleArn"));
    pk_x_needs(x, task, execution, "execution role");
    pk_x_needs(x, task, role, "task role");
}

struct pk_resource *pk_ms_task(struct pk_expansion *x, const struct pk_component *c) {
    struct pk_resource *task = pk_x_node(x, c, "task-definition", "AWS::ECS::TaskDefinition");
    const char *mode = pk_spec_str(c, "runtime.networkMode"), *log_group = NULL;
    struct pk_env_entry *env;
    size_t n_env;
    pk_x_environment(x, task, c, &env, &n_env);
    if (!pk_streq(pk_spec_str(c, "logging.driver"), "none")) {
        struct pk_resource *logs = pk_x_log_group(x, c, NULL, NULL);
        pk_x_needs(x, task, logs, "logs");
        log_group = logs->name;
    }
    pk_resource_set(x->graph, task, "NetworkMode", pk_json_text(mode ? mode : "awsvpc"),
                    pk_spec_span(c, "runtime.networkMode"));
    pk_resource_set(x->graph, task, "RequiresCompatibilities",
                    json_pack("[s]", pk_ms_on_fargate(c) ? "FARGATE" : "EC2"),
                    pk_spec_span(c, "runtime.platform"));
    set_size(x, c, task);
    set_roles(x, c, task, env, n_env);
    json_t *containers = pk_ms_containers(x, c, task, env, n_env, log_group);
    bool with_configs = json_array_size(containers) > 1;
    pk_resource_set(x->graph, task, "ContainerDefinitions", containers, c->span);
    pk_resource_set(x->graph, task, "Volumes", pk_ms_volumes(c, with_configs),
                    pk_spec_span(c, "volumes"));
    check_size(x, c, task);
    /* A tag can change without a new revision. */
    json_object_set_new(
        task->tags, "panka:keep-revisions",
        pk_json_textf("%lld", (long long)pk_spec_int(c, "deployment.keepRevisions", 5)));
    return task;
}
