/* common.c - what all component kinds share: fields, outputs, lookups. */
#include "schema/shape.h"

#include <ctype.h>
#include <string.h>

/* clang-format off */
const struct pk_field pk_common_fields[] = {
    {.path = "description", .type = PK_T_STR, .change = "U",
     .doc = "What the component is for; used where AWS has a description."},
    {.path = "enabled", .type = PK_T_BOOL, .def = "true", .change = "-",
     .doc = "false expands to nothing, which deletes what was deployed."},
    {.path = "name", .type = PK_T_STR, .flags = PK_F_OR_NULLTEXT, .change = "R+",
     .doc = "Physical name of the primary resource instead of the generated one."},
    {.path = "dependsOn", .type = PK_T_LIST, .change = "-",
     .doc = "Components that must be ready before this one is touched."},
    {.path = "dependsOn[]", .type = PK_T_REF,
     .doc = "Name of a component, or service/component."},
    {.path = "tags", .type = PK_T_STRMAP, .change = "U",
     .doc = "Tags on every resource of the component."},
    {.path = "deletionProtection", .type = PK_T_BOOL, .change = "U",
     .doc = "Refuse to delete or replace; true in production for kinds that hold data."},
    {.path = "finalSnapshot", .type = PK_T_BOOL, .def = "true", .change = "-",
     .doc = "Keep a snapshot of the data before it is deleted."},
    {.path = "forceDestroy", .type = PK_T_BOOL, .def = "false", .change = "-",
     .doc = "Allow deletion together with the data inside."},
    {.path = "retainOnDelete", .type = PK_T_BOOL, .def = "false", .change = "-",
     .doc = "Leave the resources in AWS when the component is removed."},
    {.path = "permissions", .type = PK_T_LIST, .change = "U",
     .doc = "Access to other components, besides what references grant."},
    {.path = "permissions[].component", .type = PK_T_REF, .flags = PK_F_REQUIRED,
     .doc = "The component that may be used."},
    {.path = "permissions[].access", .type = PK_T_ENUM, .flags = PK_F_REQUIRED,
     .allowed = "none|read|write|readwrite|consume|admin",
     .doc = "Level of access; none takes away what a reference grants."},
    {.path = "iam.statements", .type = PK_T_LIST, .flags = PK_F_DEFERRABLE, .change = "U",
     .doc = "IAM statements added to the role: Effect, Action, Resource, Condition."},
    {.path = "iam.managedPolicyArns", .type = PK_T_LIST, .max = 20, .change = "U",
     .doc = "Managed policies attached to the role."},
    {.path = "iam.managedPolicyArns[]", .type = PK_T_ARN, .flags = PK_F_DEFERRABLE,
     .doc = "ARN of a managed policy."},
    {.path = "iam.roleArn", .type = PK_T_ARN, .flags = PK_F_DEFERRABLE, .change = "U",
     .doc = "A role to use instead of the generated one; nothing is derived then."},
};
/* clang-format on */
const size_t pk_n_common_fields = PK_ARRAY_LEN(pk_common_fields);

static const struct pk_output common_outputs[] = {
    {"name", NULL, "Physical name"},
    {"id", NULL, "Physical id of the primary resource"},
    {"arn", NULL, "ARN of the primary resource"},
    {"region", NULL, "Region"},
    {"kind", NULL, "Kind of the component"},
};

const struct pk_kind_table *pk_kind_find(const struct pk_kind_registry *registry,
                                         const char *kind) {
    for (size_t i = 0; registry && i < registry->n_kinds; i++)
        if (strcmp(registry->kinds[i]->kind, kind) == 0)
            return registry->kinds[i];
    return NULL;
}

/* Equal up to case, `_` and `-`, over the whole of both. */
static bool same_output(struct pk_str a, struct pk_str b) {
    size_t i = 0, k = 0;
    for (;;) {
        while (i < a.len && (a.ptr[i] == '_' || a.ptr[i] == '-'))
            i++;
        while (k < b.len && (b.ptr[k] == '_' || b.ptr[k] == '-'))
            k++;
        if (i == a.len || k == b.len)
            return i == a.len && k == b.len;
        if (tolower((unsigned char)a.ptr[i++]) != tolower((unsigned char)b.ptr[k++]))
            return false;
    }
}

/* True when `name` is a spelling of one table name: whole, or a member of a ".*" family. */
static bool matches(struct pk_str spelling, const char *name) {
    if (spelling.len > 2 && memcmp(spelling.ptr + spelling.len - 2, ".*", 2) == 0) {
        const char *dot = strchr(name, '.');
        return dot && dot[1] &&
               same_output(pk_str_n(spelling.ptr, spelling.len - 2),
                           pk_str_n(name, (size_t)(dot - name)));
    }
    return same_output(spelling, pk_str(name));
}

static const char *find_in(const struct pk_output *outputs, size_t n, const char *name) {
    for (size_t i = 0; i < n; i++) {
        struct pk_str rest = pk_str(outputs[i].same_as), word;
        if (matches(pk_str(outputs[i].name), name))
            return outputs[i].name;
        while (outputs[i].same_as && pk_str_cut(&rest, '|', &word))
            if (matches(pk_str_trim(word), name))
                return outputs[i].name;
    }
    return NULL;
}

const char *pk_output_find(const struct pk_kind_table *kind, const char *name) {
    const char *found = find_in(kind->outputs, kind->n_outputs, name);
    return found ? found : find_in(common_outputs, PK_ARRAY_LEN(common_outputs), name);
}

const char *pk_output_canonical(struct pk_arena *arena, const struct pk_kind_table *kind,
                                const char *name) {
    const char *found = pk_output_find(kind, name);
    if (!found || !pk_ends_with(found, ".*"))
        return found;
    return pk_arena_printf(arena, "%.*s%s", (int)strlen(found) - 2, found, strchr(name, '.'));
}

const char *pk_output_list(struct pk_arena *arena, const struct pk_kind_table *kind) {
    struct pk_buf buf = PK_BUF_INIT(65536);
    for (size_t i = 0; i < kind->n_outputs; i++)
        pk_buf_addf(&buf, "%s%s", i ? ", " : "", kind->outputs[i].name);
    for (size_t i = 0; i < PK_ARRAY_LEN(common_outputs); i++)
        if (!find_in(kind->outputs, kind->n_outputs, common_outputs[i].name))
            pk_buf_addf(&buf, "%s%s", buf.len ? ", " : "", common_outputs[i].name);
    const char *text = pk_arena_strdup(arena, pk_buf_cstr(&buf));
    pk_buf_release(&buf);
    return text;
}

const struct pk_field *pk_schema_field(const struct pk_kind_table *kind, const char *path) {
    const struct pk_shape *shape = pk_shape_at(pk_shape_of(kind, true), path);
    return shape ? shape->field : NULL;
}
