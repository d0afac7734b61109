/* ms_container.c - container definitions. */
#include "component/health.h"
#include "component/internal.h"
#include "component/lb.h"
#include "component/ms.h"

#include "base/str.h"

#include <string.h>

/* --- image ------------------------------------------------------------------------------------ */

json_t *pk_ms_image(struct pk_expansion *x, const struct pk_component *c,
                    struct pk_resource *task) {
    json_t *repository = pk_x_value(x, task, c, "image.repository");
    json_t *digest = pk_x_value(x, task, c, "image.digest");
    json_t *tag = digest ? NULL : pk_x_value(x, task, c, "image.tag");
    json_t *version = digest ? digest : tag;
    if (!repository || !version) {
        json_decref(version);
        return repository;
    }
    const char *separator = digest ? "@" : ":";
    if (json_is_string(repository) && json_is_string(version)) {
        json_t *text = pk_json_textf("%s%s%s", json_string_value(repository), separator,
                                     json_string_value(version));
        json_decref(repository);
        json_decref(version);
        return text;
    }
    return json_pack("{s:[o, s, o]}", "$join", repository, separator, version);
}

/* --- parts ------------------------------------------------------------------------------------ */

static json_t *port_mappings(const struct pk_component *c) {
    const json_t *ports = pk_spec_get(c, "ports");
    if (json_array_size(ports) == 0 || pk_streq(pk_spec_str(c, "runtime.networkMode"), "none"))
        return NULL;
    json_t *list = json_array();
    for (size_t i = 0; i < json_array_size(ports); i++) {
        const json_t *port = json_array_get(ports, i);
        json_int_t number = pk_json_int(port, "port", 0);
        const char *app = pk_json_str(port, "appProtocol", NULL);
        json_t *mapping = json_pack("{s:s, s:I, s:I, s:s}", "Name", pk_json_str(port, "name", ""),
                                    "ContainerPort", number, "HostPort", number, "Protocol",
                                    pk_json_str(port, "protocol", "tcp"));
        if (app)
            json_object_set_new(mapping, "AppProtocol", pk_json_text(app));
        json_array_append_new(list, mapping);
    }
    return list;
}

static json_t *environment(const struct pk_env_entry *env, size_t n) {
    json_t *list = json_array();
    for (size_t i = 0; i < n; i++)
        if (env[i].value)
            json_array_append_new(
                list, json_pack("{s:s, s:O}", "Name", env[i].name, "Value", env[i].value));
    if (json_array_size(list) > 0)
        return list;
    json_decref(list);
    return NULL;
}

static json_t *secrets(struct pk_expansion *x, const struct pk_env_entry *env, size_t n) {
    json_t *list = json_array();
    for (size_t i = 0; i < n; i++)
        if (!env[i].value)
            json_array_append_new(list, json_pack("{s:s, s:o}", "Name", env[i].name, "ValueFrom",
                                                  pk_x_env_secret_arn(x, &env[i], true)));
    if (json_array_size(list) > 0)
        return list;
    json_decref(list);
    return NULL;
}

json_t *pk_ms_log_configuration(struct pk_expansion *x, const struct pk_component *c,
                                const char *log_group) {
    if (!log_group)
        return NULL;
    return json_pack("{s:s, s:{s:s, s:s, s:s}}", "LogDriver", "awslogs", "Options", "awslogs-group",
                     log_group, "awslogs-region", x->env->region, "awslogs-stream-prefix", c->name);
}

json_t *pk_ms_credentials(struct pk_expansion *x, const struct pk_component *c,
                          struct pk_resource *task) {
    const json_t *written = pk_spec_get(c, "image.credentialsSecret");
    if (!written)
        return NULL;
    struct pk_env_entry entry = {.span = pk_spec_span(c, "image.credentialsSecret")};
    pk_x_read_secret(x, task, c, written, "image.credentialsSecret", &entry);
    return pk_x_env_secret_arn(x, &entry, false);
}

/* Settings that are sent only where they differ from what the image or ECS does by itself. */
static void set_process(struct pk_expansion *x, const struct pk_component *c,
                        struct pk_resource *task, json_t *container) {
    pk_x_set(container, "EntryPoint", pk_x_value(x, task, c, "command"));
    pk_x_set(container, "Command", pk_x_value(x, task, c, "args"));
    pk_x_set(container, "WorkingDirectory", pk_x_value(x, task, c, "container.workingDirectory"));
    pk_x_set(container, "User", pk_x_value(x, task, c, "runtime.user"));
    pk_x_set(container, "StopTimeout", pk_x_value(x, task, c, "runtime.stopTimeout"));
    if (pk_spec_bool(c, "runtime.readonlyRootFilesystem"))
        json_object_set_new(container, "ReadonlyRootFilesystem", json_true());
    if (pk_spec_bool(c, "runtime.enableExec"))
        json_object_set_new(container, "LinuxParameters",
                            json_pack("{s:b}", "InitProcessEnabled", 1));
    if (pk_spec_bool(c, "runtime.requiresGPU"))
        json_object_set_new(container, "ResourceRequirements",
                            json_pack("[{s:s, s:s}]", "Type", "GPU", "Value", "1"));
}

/* --- the whole -------------------------------------------------------------------------------- */

json_t *pk_ms_containers(struct pk_expansion *x, const struct pk_component *c,
                         struct pk_resource *task, const struct pk_env_entry *env, size_t n_env,
                         const char *log_group) {
    json_t *first = pk_ms_config_container(x, c, task, env, n_env);
    json_t *container = json_pack("{s:s, s:b}", "Name", c->name, "Essential", 1);
    int64_t port = pk_json_int(pk_ports_primary(c), "port", 0);
    pk_x_set(container, "Image", pk_ms_image(x, c, task));
    pk_x_set(container, "PortMappings", port_mappings(c));
    pk_x_set(container, "Environment", environment(env, n_env));
    pk_x_set(container, "Secrets", secrets(x, env, n_env));
    pk_x_set(container, "LogConfiguration", pk_ms_log_configuration(x, c, log_group));
    json_t *credentials = pk_ms_credentials(x, c, task);
    if (credentials)
        json_object_set_new(container, "RepositoryCredentials",
                            json_pack("{s:o}", "CredentialsParameter", credentials));
    pk_x_set(container, "HealthCheck", pk_health_container(x, c, port));
    pk_x_set(container, "MountPoints", pk_ms_mounts(c, first != NULL));
    set_process(x, c, task, container);
    if (!first)
        return json_pack("[o]", container);
    pk_x_set(first, "LogConfiguration", pk_ms_log_configuration(x, c, log_group));
    json_object_set_new(
        container, "DependsOn",
        json_pack("[{s:s, s:s}]", "ContainerName", PK_MS_CONFIG_CONTAINER, "Condition", "SUCCESS"));
    return json_pack("[o, o]", first, container);
}
