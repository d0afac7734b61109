/* keys.c - keys of objects and locks, built from validated parts only. */
#include "store/store.h"

#include "base/mem.h"
#include "store/internal.h"

#include <string.h>

#define TENANT_MAX 32
#define STACK_MAX 40
#define ENVIRONMENT_MAX 24

bool pk_key_part_ok(const char *part, size_t max) {
    size_t n = part ? strlen(part) : 0;
    if (n == 0 || n > max || part[0] < 'a' || part[0] > 'z' || part[n - 1] == '-')
        return false;
    for (size_t i = 0; i < n; i++) {
        bool alnum = (part[i] >= 'a' && part[i] <= 'z') || (part[i] >= '0' && part[i] <= '9');
        if (!alnum && (part[i] != '-' || part[i - 1] == '-'))
            return false;
    }
    return true;
}

bool pk_key_tenant_ok(const char *tenant) {
    return pk_key_part_ok(tenant, TENANT_MAX);
}

bool pk_key_ok(const char *key) {
    struct pk_str rest = pk_str(key), part;
    if (strlen(key) > 900)
        return false;
    while (pk_str_cut(&rest, '/', &part)) {
        if (part.len == 0 || part.ptr[0] == '.')
            return false; /* also "." and "..", which would leave the folder */
        for (size_t i = 0; i < part.len; i++) {
            char c = part.ptr[i];
            bool alnum = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
            if (!alnum && c != '-' && c != '_' && c != '.')
                return false;
        }
    }
    return true;
}

static void check(const struct pk_state_id *id) {
    pk_assert(!id->tenant || pk_key_tenant_ok(id->tenant));
    pk_assert(pk_key_part_ok(id->stack, STACK_MAX));
    pk_assert(pk_key_part_ok(id->environment, ENVIRONMENT_MAX));
}

char *pk_key_state_dir(const struct pk_state_id *id) {
    check(id);
    char *stacks PK_CLEANUP(pk_freep) = pk_key_stacks(id->tenant);
    return pk_asprintf("%s%s/%s/", stacks, id->stack, id->environment);
}

char *pk_key_state(const struct pk_state_id *id) {
    char *dir PK_CLEANUP(pk_freep) = pk_key_state_dir(id);
    return pk_asprintf("%sstate.json", dir);
}

char *pk_key_stacks(const char *tenant) {
    if (!tenant)
        return pk_strdup("stacks/");
    pk_assert(pk_key_tenant_ok(tenant));
    return pk_asprintf("tenants/%s/v1/stacks/", tenant);
}

char *pk_key_network_state(const char *tenant) {
    pk_assert(pk_key_tenant_ok(tenant));
    return pk_asprintf("tenants/%s/v1/_network/state.json", tenant);
}

char *pk_key_tenant_config(const char *tenant) {
    pk_assert(pk_key_tenant_ok(tenant));
    return pk_asprintf("tenants/%s/tenant.yaml", tenant);
}

char *pk_lock_key(const struct pk_state_id *id) {
    check(id);
    if (!id->tenant)
        return pk_asprintf("stack:%s:env:%s", id->stack, id->environment);
    return pk_asprintf("tenant:%s:stack:%s:env:%s", id->tenant, id->stack, id->environment);
}

char *pk_lock_key_network(const char *tenant) {
    pk_assert(pk_key_tenant_ok(tenant));
    return pk_asprintf("tenant:%s:network", tenant);
}
