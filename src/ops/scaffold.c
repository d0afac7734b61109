#include "ops/scaffold.h"

#include "base/fs.h"
#include "base/mem.h"

#include <stdlib.h>
#include <string.h>

bool pk_name_check(const char *what, const char *name, size_t max, struct pk_error **err) {
    bool ok = name[0] >= 'a' && name[0] <= 'z';
    size_t len = strlen(name);
    for (size_t i = 0; ok && i < len; i++) {
        char c = name[i];
        bool word = (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9');
        ok = word || (c == '-' && name[i + 1] && name[i + 1] != '-');
    }
    if (ok && len <= max)
        return true;
    return pk_fail(err, PK_E_USAGE, "\"%s\" is not a name for a %s", name, what) ||
           pk_error_hint(err,
                         "lower-case letters, digits and single hyphens, beginning with a letter, "
                         "at most %zu characters",
                         max);
}

static bool write_new(const char *path, const char *text, struct pk_vec *files,
                      struct pk_error **err) {
    if (pk_path_exists(path))
        return pk_fail(err, PK_E_USAGE, "%s exists already", path);
    if (!pk_write_file(path, text, strlen(text), 0644, err))
        return false;
    pk_vec_push(files, pk_strdup(path));
    return true;
}

bool pk_scaffold_service(const char *stack_dir, const char *stack, const char *service,
                         struct pk_vec *ret_files, struct pk_error **err) {
    if (!pk_name_check("service", service, 40, err))
        return false;
    char *rel PK_CLEANUP(pk_freep) = pk_asprintf("services/%s", service);
    char *dir PK_CLEANUP(pk_freep) = pk_path_join(stack_dir, rel);
    char *path PK_CLEANUP(pk_freep) = pk_path_join(dir, "service.yaml");
    char *text PK_CLEANUP(pk_freep) =
        pk_asprintf("apiVersion: core.panka.io/v1\n"
                    "kind: Service\n"
                    "metadata:\n"
                    "  name: %s\n"
                    "  stack: %s\n"
                    "\n"
                    "spec:\n"
                    "  # Variables for the components of this service: ${NAME}.\n"
                    "  variables: {}\n"
                    "\n"
                    "# Components go into further files of this folder.\n",
                    service, stack);
    return pk_mkdir_p(dir, 0755, err) && write_new(path, text, ret_files, err);
}

static char *stack_text(const struct pk_scaffold *what) {
    char *tenant PK_CLEANUP(pk_freep) =
        what->tenant ? pk_asprintf("  tenant: %s\n", what->tenant) : pk_strdup("");
    char *provider PK_CLEANUP(pk_freep) =
        what->region ? pk_asprintf("  provider:\n    region: %s\n\n", what->region) : pk_strdup("");
    return pk_asprintf("apiVersion: core.panka.io/v1\n"
                       "kind: Stack\n"
                       "metadata:\n"
                       "  name: %s\n"
                       "%s"
                       "  environment: development # unless -e names another one\n"
                       "\n"
                       "spec:\n"
                       "%s"
                       "  # Variables for all services: ${NAME} in any value.\n"
                       "  variables: {}\n",
                       what->name, tenant, provider);
}

bool pk_scaffold_stack(const struct pk_scaffold *what, struct pk_vec *ret_files,
                       struct pk_error **err) {
    if (!pk_name_check("stack", what->name, 40, err))
        return false;
    for (size_t i = 0; i < what->n_services; i++)
        if (!pk_name_check("service", what->services[i], 40, err))
            return false;
    char *dir PK_CLEANUP(pk_freep) = pk_path_join(what->dir, what->name);
    char *path PK_CLEANUP(pk_freep) = pk_path_join(dir, "stack.yaml");
    char *text PK_CLEANUP(pk_freep) = stack_text(what);
    if (!pk_mkdir_p(dir, 0755, err) || !write_new(path, text, ret_files, err))
        return false;
    char *services PK_CLEANUP(pk_freep) = pk_path_join(dir, "services");
    if (!pk_mkdir_p(services, 0755, err))
        return false;
    for (size_t i = 0; i < what->n_services; i++)
        if (!pk_scaffold_service(dir, what->name, what->services[i], ret_files, err))
            return false;
    return true;
}
