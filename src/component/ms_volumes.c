/* ms_volumes.c - volumes of ECS tasks. */
#include "component/internal.h"
#include "component/ms.h"

#include "base/str.h"

#include <string.h>

/* --- checks ----------------------------------------------------------------------------------- */

struct volume_check {
    struct pk_expansion *x;
    const struct pk_component *c;
    size_t i;
};

static struct pk_diag *refuse(const struct volume_check *v, const char *field, const char *id,
                              const char *message) {
    const char *path = pk_arena_printf(v->x->arena, "volumes[%zu].%s", v->i, field);
    return pk_x_finding(v->x, v->c, PK_SEVERITY_ERROR, id, path, "%s", message);
}

static void check_type(const struct volume_check *v, const json_t *volume) {
    const char *type = pk_json_str(volume, "type", "");
    const char *source = pk_json_str(volume, "source", NULL);
    struct pk_diags *diags = v->x->diags;
    if (strcmp(type, "configMap") == 0 || strcmp(type, "secret") == 0 || strcmp(type, "pvc") == 0) {
        struct pk_diag *d = refuse(v, "type", "volume.type", "ECS has no such volume");
        pk_diag_help(diags, d, "%s",
                     *type == 'c'   ? "use `configs` for files"
                     : *type == 's' ? "use `secrets` for environment variables"
                                    : "use `type: efs`");
    } else if (strcmp(type, "hostPath") == 0 && pk_ms_on_fargate(v->c)) {
        pk_diag_help(diags, refuse(v, "type", "volume.type", "Fargate has no host to mount from"),
                     "use emptyDir or efs, or platform ec2");
    } else if (strcmp(type, "hostPath") == 0 && (!source || *source != '/')) {
        pk_diag_help(diags, refuse(v, "source", "volume.source", "a host path needs a source"),
                     "give an absolute path on the instance");
    } else if (strcmp(type, "efs") == 0 && !(source && pk_starts_with(source, "fs-"))) {
        pk_diag_help(
            diags,
            refuse(v, "source", "volume.source", "an EFS volume needs the id of a file system"),
            "give the id of an existing one, such as fs-0123456789abcdef0");
    } else if (strcmp(type, "emptyDir") == 0 && source) {
        pk_diag_help(diags, refuse(v, "source", "volume.source", "emptyDir has no source"),
                     "remove it");
    }
    if (strcmp(type, "efs") != 0 && json_object_get(volume, "accessPoint"))
        pk_diag_help(
            diags,
            refuse(v, "accessPoint", "efs.access-point", "only EFS volumes have access points"),
            "remove it");
}

static void check_unique(const struct volume_check *v, const json_t *volumes) {
    static const char *const fields[] = {"name", "mountPath"};
    const json_t *mine = json_array_get(volumes, v->i);
    for (size_t f = 0; f < PK_ARRAY_LEN(fields); f++) {
        const char *value = pk_json_str(mine, fields[f], NULL);
        bool taken =
            pk_streq(value, f == 0 ? PK_MS_CONFIG_VOLUME : pk_spec_str(v->c, "configs.mountPath"));
        for (size_t k = 0; k < v->i; k++)
            taken |= pk_streq(value, pk_json_str(json_array_get(volumes, k), fields[f], ""));
        if (value && taken) {
            struct pk_diag *d = refuse(v, fields[f], "volume.dup",
                                       "two volumes have the same name "
                                       "or the same place");
            pk_diag_help(v->x->diags, d, "names and mount paths are unique");
        }
    }
}

void pk_ms_volumes_check(struct pk_expansion *x, const struct pk_component *c) {
    const json_t *volumes = pk_spec_get(c, "volumes");
    struct volume_check v = {x, c, 0};
    for (v.i = 0; v.i < json_array_size(volumes); v.i++) {
        check_type(&v, json_array_get(volumes, v.i));
        check_unique(&v, volumes);
    }
}

/* --- properties ------------------------------------------------------------------------------- */

static json_t *efs(const json_t *volume) {
    const char *point = pk_json_str(volume, "accessPoint", NULL);
    json_t *access = json_pack("{s:s}", "IAM", "ENABLED");
    if (point)
        json_object_set_new(access, "AccessPointId", pk_json_text(point));
    return json_pack("{s:s, s:s, s:o}", "FilesystemId", pk_json_str(volume, "source", ""),
                     "TransitEncryption", "ENABLED", "AuthorizationConfig", access);
}

json_t *pk_ms_volumes(const struct pk_component *c, bool with_configs) {
    const json_t *volumes = pk_spec_get(c, "volumes");
    json_t *list = json_array();
    for (size_t i = 0; i < json_array_size(volumes); i++) {
        const json_t *volume = json_array_get(volumes, i);
        const char *type = pk_json_str(volume, "type", "");
        json_t *entry = json_pack("{s:s}", "Name", pk_json_str(volume, "name", ""));
        if (strcmp(type, "efs") == 0)
            json_object_set_new(entry, "EFSVolumeConfiguration", efs(volume));
        else if (strcmp(type, "hostPath") == 0)
            json_object_set_new(
                entry, "Host", json_pack("{s:s}", "SourcePath", pk_json_str(volume, "source", "")));
        json_array_append_new(list, entry);
    }
    if (with_configs)
        json_array_append_new(list, json_pack("{s:s}", "Name", PK_MS_CONFIG_VOLUME));
    if (json_array_size(list) > 0)
        return list;
    json_decref(list);
    return NULL;
}

json_t *pk_ms_mounts(const struct pk_component *c, bool with_configs) {
    const json_t *volumes = pk_spec_get(c, "volumes");
    json_t *list = json_array();
    for (size_t i = 0; i < json_array_size(volumes); i++) {
        const json_t *volume = json_array_get(volumes, i);
        json_array_append_new(list, json_pack("{s:s, s:s, s:b}", "SourceVolume",
                                              pk_json_str(volume, "name", ""), "ContainerPath",
                                              pk_json_str(volume, "mountPath", ""), "ReadOnly",
                                              pk_json_bool(volume, "readOnly", false) ? 1 : 0));
    }
    const char *path = pk_spec_str(c, "configs.mountPath");
    if (with_configs && path)
        json_array_append_new(list,
                              json_pack("{s:s, s:s, s:b}", "SourceVolume", PK_MS_CONFIG_VOLUME,
                                        "ContainerPath", path, "ReadOnly", 1));
    if (json_array_size(list) > 0)
        return list;
    json_decref(list);
    return NULL;
}
