/* rds_params.c - parameters of databases: units and families. */
#include "component/check.h"
#include "component/internal.h"
#include "component/rds.h"

#include "base/str.h"

#include <string.h>

/* --- families --------------------------------------------------------------------------------- */

/* "15.4" -> 15 and 4; -1 where there is none. */
static void version_numbers(const char *version, int64_t ret[2]) {
    struct pk_str rest = pk_str(version), part;
    for (size_t i = 0; i < 2; i++)
        if (!pk_str_cut(&rest, '.', &part) || !pk_parse_i64(part, &ret[i]))
            ret[i] = -1;
}

/* PostgreSQL has one family per first number, the others one per first two. */
const char *pk_rds_param_family(struct pk_expansion *x, const struct pk_component *c) {
    const char *engine = pk_spec_str(c, "engine.type"), *version = pk_spec_str(c, "engine.version");
    int64_t n[2];
    if (!engine || !version)
        return NULL;
    version_numbers(version, n);
    if (n[0] < 0 || (pk_rds_family(c) != PK_RDS_POSTGRES && n[1] < 0))
        return NULL;
    if (pk_rds_family(c) == PK_RDS_POSTGRES && n[0] >= 10)
        return pk_arena_printf(x->arena, "%s%lld", engine, (long long)n[0]);
    return n[1] < 0
               ? NULL
               : pk_arena_printf(x->arena, "%s%lld.%lld", engine, (long long)n[0], (long long)n[1]);
}

/* --- units ------------------------------------------------------------------------------------ */

enum base { BASE_8KB, BASE_KB, BASE_MB, BASE_MS, BASE_S };

/* The unit in which RDS takes the bare number. */
static const struct {
    const char *name;
    enum base base;
} postgres_units[] = {
    {"shared_buffers", BASE_8KB},
    {"effective_cache_size", BASE_8KB},
    {"wal_buffers", BASE_8KB},
    {"temp_buffers", BASE_8KB},
    {"work_mem", BASE_KB},
    {"maintenance_work_mem", BASE_KB},
    {"autovacuum_work_mem", BASE_KB},
    {"logical_decoding_work_mem", BASE_KB},
    {"max_wal_size", BASE_MB},
    {"min_wal_size", BASE_MB},
    {"statement_timeout", BASE_MS},
    {"lock_timeout", BASE_MS},
    {"idle_in_transaction_session_timeout", BASE_MS},
    {"deadlock_timeout", BASE_MS},
    {"log_min_duration_statement", BASE_MS},
    {"checkpoint_timeout", BASE_S},
};

/* Size of a unit in bytes or microseconds; case counts for the single letters only. 0 = no unit. */
static double unit_size(const char *unit, bool *ret_time) {
    static const struct {
        const char *unit;
        double size;
        bool is_time;
    } units[] = {
        {"B", 1, false},
        {"kB", 1024, false},
        {"MB", 1048576, false},
        {"GB", 1073741824, false},
        {"TB", 1099511627776, false},
        {"us", 1, true},
        {"ms", 1e3, true},
        {"s", 1e6, true},
        {"min", 6e7, true},
        {"h", 3.6e9, true},
        {"d", 8.64e10, true},
    };
    for (size_t i = 0; i < PK_ARRAY_LEN(units); i++)
        if (unit[1] ? pk_strieq(units[i].unit, unit) : strcmp(units[i].unit, unit) == 0) {
            *ret_time = units[i].is_time;
            return units[i].size;
        }
    return 0;
}

static double base_size(enum base base) {
    switch (base) {
    case BASE_8KB:
        return 8192;
    case BASE_KB:
        return 1024;
    case BASE_MB:
        return 1048576;
    case BASE_MS:
        return 1e3;
    case BASE_S:
        return 1e6;
    }
    return 1;
}

/* "256 MB" -> 256 and "MB"; false when the text is not a number with letters behind it. */
static bool split_unit(struct pk_arena *arena, const char *text, double *ret, const char **unit) {
    size_t n = strspn(text, "0123456789.");
    const char *rest = text + n;
    rest += strspn(rest, " ");
    if (n == 0 || !*rest ||
        strspn(rest, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ") != strlen(rest))
        return false;
    *unit = pk_arena_strdup(arena, rest);
    return pk_parse_double(pk_str_n(text, n), ret);
}

struct param {
    struct pk_expansion *x;
    const struct pk_component *c;
    const char *name, *value;
    const char *error, *help; /* why the value cannot be used */
};

static char *bare(struct param *p, double amount, double size, double base) {
    double value = amount * size / base, off = -1;
    if (value < 9e15)
        off = value - (double)(int64_t)(value + 0.5);
    if (off < -1e-9 || off > 1e-9) {
        p->error = "is no whole number in the unit of the parameter";
        p->help = "round it to the next unit";
        return NULL;
    }
    return pk_arena_printf(p->x->arena, "%.0f", value);
}

static const char *from_postgres(struct param *p, double amount, const char *unit) {
    bool is_time;
    double size = unit_size(unit, &is_time);
    if (size <= 0)
        return p->value; /* a value with letters behind digits, not an amount */
    for (size_t i = 0; i < PK_ARRAY_LEN(postgres_units); i++) {
        enum base base = postgres_units[i].base;
        if (strcmp(postgres_units[i].name, p->name) != 0)
            continue;
        if ((base >= BASE_MS) == is_time)
            return bare(p, amount, size, base_size(base));
        p->error =
            base >= BASE_MS ? "is a size, the parameter a time" : "is a time, the parameter a size";
        p->help = "use a unit that fits";
        return NULL;
    }
    p->error = "has a unit, and the unit of the parameter is not known here";
    p->help = "RDS takes bare numbers: write the number in the unit of the parameter";
    return NULL;
}

static const char *from_mysql(struct param *p, double amount, const char *unit) {
    double size = pk_strieq(unit, "K")   ? 1024
                  : pk_strieq(unit, "M") ? 1048576
                  : pk_strieq(unit, "G") ? 1073741824
                                         : 0;
    if (size > 0)
        return bare(p, amount, size, 1);
    bool is_time;
    if (unit_size(unit, &is_time) <= 0)
        return p->value;
    p->error = "has a unit that MySQL does not know";
    p->help = "write bytes, or K, M or G behind the number";
    return NULL;
}

/* RDS accepts bare numbers only; formulas ({DBInstanceClassMemory/4}) pass. NULL with p->error. */
static const char *convert(struct param *p) {
    double amount;
    const char *unit;
    if (strchr(p->value, '{') || !split_unit(p->x->arena, p->value, &amount, &unit))
        return p->value;
    return pk_rds_family(p->c) == PK_RDS_POSTGRES ? from_postgres(p, amount, unit)
                                                  : from_mysql(p, amount, unit);
}

json_t *pk_rds_params(struct pk_expansion *x, const struct pk_component *c, const char *path) {
    json_t *written = pk_spec_get(c, path), *value, *out = json_object();
    const char *name;
    json_object_foreach(written, name, value) {
        struct param p = {.x = x, .c = c, .name = name, .value = json_string_value(value)};
        const char *text = p.value ? convert(&p) : NULL;
        if (text)
            json_object_set_new(out, name, pk_json_text(text));
    }
    if (json_object_size(out) > 0)
        return out;
    json_decref(out);
    return NULL;
}

/* --- checks ----------------------------------------------------------------------------------- */

static void check_units(struct pk_expansion *x, const struct pk_component *c, const char *path) {
    json_t *written = pk_spec_get(c, path), *value;
    const char *name;
    json_object_foreach(written, name, value) {
        struct param p = {.x = x, .c = c, .name = name, .value = json_string_value(value)};
        if (p.value && !convert(&p))
            pk_x_refuse(x, c, "rds.param-unit", pk_arena_printf(x->arena, "%s.%s", path, name),
                        p.help, "`%s` %s", p.value, p.error);
    }
}

void pk_rds_params_check(struct pk_expansion *x, const struct pk_component *c) {
    static const char *const paths[] = {"engine.parameters", "engine.instanceParameters"};
    bool any = false;
    for (size_t i = 0; i < PK_ARRAY_LEN(paths); i++) {
        check_units(x, c, paths[i]);
        any |= pk_spec_written(c, paths[i]);
    }
    if (pk_spec_written(c, "engine.parameterGroup") && pk_spec_written(c, "engine.parameters"))
        pk_x_refuse(x, c, "rds.param-group-both", "engine.parameterGroup",
                    "set the parameters in the group itself, or remove `parameterGroup`",
                    "the database has a parameter group of its own and another one");
    if (any && pk_spec_str(c, "engine.version") && !pk_rds_param_family(x, c))
        pk_x_refuse(x, c, "rds.version", "engine.version",
                    pk_rds_family(c) == PK_RDS_POSTGRES ? "write it like 15 or 15.4"
                                                        : "write it like 8.0 or 8.0.39",
                    "the version does not say which parameters there are");
    if (!pk_rds_is_aurora(c) && pk_spec_written(c, paths[1]))
        pk_x_refuse(x, c, "rds.aurora-only", paths[1], "use `engine.parameters`",
                    "only Aurora has parameters per instance");
}
