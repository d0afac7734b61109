/* rds_check.c - rules between the fields of a database that AWS would refuse later. */
#include "component/check.h"
#include "component/iam.h"
#include "component/internal.h"
#include "component/rds.h"

#include "base/str.h"

#include <string.h>

#define STORAGE "instance.storage."

/* --- class ------------------------------------------------------------------------------------ */

static void check_class(struct pk_expansion *x, const struct pk_component *c) {
    const char *class = pk_spec_str(c, "instance.class");
    bool aurora = pk_rds_is_aurora(c);
    bool serverless = pk_streq(class, "db.serverless");
    bool sized = pk_spec_written(c, "serverless");
    if (class && aurora && pk_starts_with(class, "db.m"))
        pk_x_refuse(
            x, c, "rds.class", "instance.class",
            "use a class of the families r and t, for example db.r6g.large, or db.serverless",
            "Aurora has no instances of class %s", class);
    if (serverless && !aurora)
        pk_x_refuse(x, c, "rds.class", "instance.class",
                    "use a class with a size, or an engine aurora-…",
                    "only Aurora has the class db.serverless");
    if (serverless && aurora && !sized)
        pk_x_refuse(x, c, "rds.serverless", "instance.class",
                    "set `serverless.minCapacity` and `serverless.maxCapacity`",
                    "db.serverless needs a range of capacity");
    if (sized && !serverless)
        pk_x_refuse(x, c, "rds.serverless", "serverless", "set `instance.class: db.serverless`",
                    "a range of capacity is for the class db.serverless");
    double low = json_number_value(pk_spec_get(c, "serverless.minCapacity"));
    double high = json_number_value(pk_spec_get(c, "serverless.maxCapacity"));
    if (sized && low > high && high > 0)
        pk_x_refuse(x, c, "rds.serverless", "serverless.minCapacity", "swap them",
                    "`minCapacity` is above `maxCapacity`");
    for (size_t i = 0; i < 2; i++) {
        const char *path = i ? "serverless.maxCapacity" : "serverless.minCapacity";
        double twice = 2 * (i ? high : low);
        if (twice != (double)(int64_t)twice)
            pk_x_refuse(x, c, "rds.serverless", path, "use steps of 0.5",
                        "capacity is counted in halves");
    }
}

static void check_count(struct pk_expansion *x, const struct pk_component *c) {
    if (!pk_rds_is_aurora(c) && pk_spec_int(c, "instance.count", 1) > 1)
        pk_x_refuse(x, c, "rds.aurora-only", "instance.count",
                    "remove it (`multiAZ: true` adds a standby), or use an engine aurora-…",
                    "only Aurora has several instances");
    if (pk_rds_is_aurora(c) && pk_spec_bool(c, "instance.multiAZ") && pk_rds_instance_count(c) < 2)
        pk_x_refuse(x, c, "rds.zones", "instance.multiAZ",
                    "set `instance.count: 2` or more, or remove `multiAZ`",
                    "one instance has no standby in another zone");
    size_t zones = json_array_size(pk_spec_get(c, "instance.availabilityZones"));
    if (!pk_rds_is_aurora(c) && zones > 0 && (zones > 1 || pk_spec_bool(c, "instance.multiAZ")))
        pk_x_refuse(x, c, "rds.zones", "instance.availabilityZones",
                    "give one zone and no `multiAZ`, or remove the zones",
                    "one instance is in one zone; with `multiAZ` RDS chooses them");
}

/* --- storage ---------------------------------------------------------------------------------- */

static const char *storage_type(const struct pk_component *c) {
    const char *type = pk_spec_str(c, STORAGE "type");
    return type ? type : "gp3";
}

static bool is_io(const char *type) {
    return pk_starts_with(type, "io");
}

static void check_size(struct pk_expansion *x, const struct pk_component *c, int64_t size) {
    bool io = is_io(storage_type(c));
    if (size < 0) {
        if (!pk_spec_written(c, STORAGE "allocatedGB"))
            pk_x_refuse(x, c, "rds.storage-range",
                        pk_spec_written(c, "instance.storage") ? "instance.storage" : "instance",
                        "set `instance.storage.allocatedGB`, at least 20",
                        "the database has no size");
        return;
    }
    if (size < (io ? 100 : 20) || size > 65536)
        pk_x_refuse(x, c, "rds.storage-range", STORAGE "allocatedGB",
                    io ? "give 100 to 65536" : "give 20 to 65536",
                    "%s storage of %lld GiB is out of range", storage_type(c), (long long)size);
}

static void check_growth(struct pk_expansion *x, const struct pk_component *c, int64_t size) {
    int64_t most = pk_spec_int(c, STORAGE "maxAllocatedGB", -1);
    if (most < 0 || size < 0)
        return;
    if (most > 65536 || most * 10 < size * 11)
        pk_x_refuse(
            x, c, "rds.max-allocated", STORAGE "maxAllocatedGB",
            pk_arena_printf(x->arena, "give %lld to 65536", (long long)((size * 11 + 9) / 10)),
            "storage cannot grow from %lld to %lld GiB by itself", (long long)size,
            (long long)most);
    else if (most * 100 < size * 126)
        pk_x_warn(x, c, "rds.max-allocated", STORAGE "maxAllocatedGB",
                  "AWS advises to leave room for 26 % at least",
                  "storage has little room to grow from %lld GiB", (long long)size);
}

static void check_gp3(struct pk_expansion *x, const struct pk_component *c, int64_t size,
                      int64_t iops, int64_t throughput) {
    bool striped = size >= PK_RDS_GP3_STRIPED;
    if (!striped && iops == 3000) {
        struct pk_diag *d = pk_x_finding(x, c, PK_SEVERITY_INFO, "rds.gp3-iops", STORAGE "iops",
                                         "gp3 storage below 400 GiB always has 3000 IOPS");
        pk_diag_help(x->diags, d, "remove `iops`: AWS refuses the property, so it is not sent");
    } else if (!striped && iops >= 0) {
        pk_x_refuse(x, c, "rds.gp3-iops", STORAGE "iops",
                    "remove `iops`, or set `allocatedGB: 400` and `iops: 12000` or more",
                    "gp3 storage below 400 GiB has fixed IOPS");
    } else if (striped && iops >= 0 && (iops < 12000 || iops > 64000)) {
        pk_x_refuse(x, c, "rds.gp3-iops", STORAGE "iops", "give 12000 to 64000, or remove it",
                    "gp3 storage has no %lld IOPS", (long long)iops);
    }
    if (throughput >= 0 && (!striped || throughput < 500 || throughput > 4000))
        pk_x_refuse(x, c, "rds.gp3-iops", STORAGE "throughput",
                    striped ? "give 500 to 4000" : "remove it",
                    striped ? "gp3 storage has no throughput of %lld MiB/s"
                            : "gp3 storage below 400 GiB has fixed throughput, not %lld MiB/s",
                    (long long)throughput);
}

static void check_io(struct pk_expansion *x, const struct pk_component *c, int64_t size,
                     int64_t iops, int64_t throughput) {
    const char *type = storage_type(c);
    bool io = is_io(type);
    if (throughput >= 0)
        pk_x_refuse(x, c, "rds.storage-range", STORAGE "throughput", "remove it, or use gp3",
                    "%s storage has no throughput of its own", type);
    if (!io && iops >= 0)
        pk_x_refuse(x, c, "rds.storage-range", STORAGE "iops", "remove it, or use gp3, io1 or io2",
                    "the IOPS of gp2 storage follow its size");
    if (io && iops < 0 && !pk_spec_written(c, STORAGE "iops"))
        pk_x_refuse(x, c, "rds.storage-range", STORAGE "type", "set `iops`, at least 1000",
                    "%s storage needs IOPS", type);
    if (io && iops >= 0 && size >= 0 &&
        (iops < 1000 || iops > 256000 || iops * 2 < size || iops > 50 * size))
        pk_x_refuse(x, c, "rds.storage-range", STORAGE "iops",
                    "give 1000 to 256000, and 0.5 to 50 for each GiB",
                    "%lld IOPS do not go with %lld GiB", (long long)iops, (long long)size);
}

/* Storage cannot be made smaller: the live size is known from the last deployment. */
static void check_shrink(struct pk_expansion *x, const struct pk_component *c, int64_t size) {
    const json_t *applied = pk_x_applied(x, c, PK_RDS_INSTANCE, "AllocatedStorage");
    int64_t live;
    if (json_is_string(applied) && pk_parse_i64(pk_str(json_string_value(applied)), &live) &&
        size >= 0 && size < live)
        pk_x_refuse(x, c, "rds.storage-shrink", STORAGE "allocatedGB",
                    "make a new database and copy the data, or keep the size",
                    "storage has %lld GiB and cannot become smaller", (long long)live);
}

static void check_storage(struct pk_expansion *x, const struct pk_component *c) {
    int64_t size = pk_spec_int(c, STORAGE "allocatedGB", -1);
    int64_t iops = pk_spec_int(c, STORAGE "iops", -1);
    int64_t throughput = pk_spec_int(c, STORAGE "throughput", -1);
    if (pk_rds_is_aurora(c)) {
        if (pk_spec_written(c, "instance.storage"))
            pk_x_warn(x, c, "rds.aurora-field", "instance.storage", "remove it",
                      "Aurora sizes its storage itself");
        return;
    }
    check_size(x, c, size);
    check_growth(x, c, size);
    if (strcmp(storage_type(c), "gp3") == 0)
        check_gp3(x, c, size, iops, throughput);
    else
        check_io(x, c, size, iops, throughput);
    check_shrink(x, c, size);
}

/* --- windows ---------------------------------------------------------------------------------- */

static bool read_time(const char *text, int *ret) {
    bool digits =
        strspn(text, "0123456789") == 2 && text[2] == ':' && strspn(text + 3, "0123456789") >= 2;
    if (!digits)
        return false;
    int hour = (text[0] - '0') * 10 + text[1] - '0', minute = (text[3] - '0') * 10 + text[4] - '0';
    *ret = hour * 60 + minute;
    return hour < 24 && minute < 60;
}

static bool read_day(const char *text, int *ret) {
    static const char days[] = "mon:tue:wed:thu:fri:sat:sun:";
    char day[5] = {0};
    for (size_t i = 0; i < 4 && text[i]; i++)
        day[i] = (char)(text[i] >= 'A' && text[i] <= 'Z' ? text[i] - 'A' + 'a' : text[i]);
    const char *found = strlen(day) == 4 ? strstr(days, day) : NULL;
    if (!found)
        return false;
    *ret = (int)(found - days) / 4;
    return true;
}

/* "hh:mm-hh:mm" or "ddd:hh:mm-ddd:hh:mm": minutes of the day or week, end after start. */
static bool read_window(const char *text, bool weekly, int *start, int *end) {
    size_t part = weekly ? 9 : 5;
    int days[2] = {0, 0}, times[2];
    if (strlen(text) != 2 * part + 1 || text[part] != '-')
        return false;
    for (size_t i = 0; i < 2; i++) {
        const char *at = text + i * (part + 1);
        if ((weekly && !read_day(at, &days[i])) || !read_time(at + (weekly ? 4 : 0), &times[i]))
            return false;
    }
    int period = weekly ? 7 * 1440 : 1440;
    *start = days[0] * 1440 + times[0];
    *end = days[1] * 1440 + times[1];
    if (*end <= *start)
        *end += period;
    return *end - *start >= 30;
}

static bool check_format(struct pk_expansion *x, const struct pk_component *c, const char *path,
                         bool weekly, int *start, int *end) {
    const char *text = pk_spec_str(c, path);
    if (!text)
        return false;
    if (read_window(text, weekly, start, end))
        return true;
    pk_x_refuse(x, c, "rds.window-format", path,
                weekly ? "write it like sun:04:00-sun:05:00, in UTC, 30 minutes at least"
                       : "write it like 03:00-04:00, in UTC, 30 minutes at least",
                "this is not a window");
    return false;
}

/* The backup window comes every day. */
static bool overlap(int backup_start, int backup_end, int start, int end) {
    for (int day = -1; day <= 14; day++) {
        int from = backup_start + day * 1440, to = backup_end + day * 1440;
        if (from < end && start < to)
            return true;
    }
    return false;
}

static void check_windows(struct pk_expansion *x, const struct pk_component *c) {
    static const char daily[] = "backup.preferredWindow", weekly[] = "backup.maintenanceWindow";
    int b0, b1, m0, m1;
    bool backup = check_format(x, c, daily, false, &b0, &b1);
    bool maintenance = check_format(x, c, weekly, true, &m0, &m1);
    if (!backup || !maintenance || !overlap(b0, b1, m0, m1))
        return;
    struct pk_diag *d = pk_x_finding(x, c, PK_SEVERITY_ERROR, "rds.window-overlap", weekly,
                                     "backup and maintenance overlap");
    pk_diag_related(x->diags, d, pk_spec_span(c, daily), "the backup window");
    pk_diag_help(x->diags, d, "RDS wants them apart: move one of them");
}

/* --- database --------------------------------------------------------------------------------- */

static void check_names(struct pk_expansion *x, const struct pk_component *c) {
    const char *user = pk_spec_str(c, "database.username"), *name = pk_spec_str(c, "database.name");
    bool postgres = pk_rds_family(c) == PK_RDS_POSTGRES;
    size_t longest = postgres ? 63 : 16;
    if (user && (pk_strieq(user, "rdsadmin") || (postgres && pk_strieq(user, "admin"))))
        pk_x_refuse(x, c, "rds.username-reserved", "database.username", "choose another name",
                    "RDS keeps the user `%s` for itself", user);
    else if (user && strlen(user) > longest)
        pk_x_refuse(x, c, "rds.username-reserved", "database.username", "choose a shorter one",
                    "the name of the user has %zu characters, %s takes %zu", strlen(user),
                    pk_spec_str(c, "engine.type"), longest);
    if (name && strlen(name) > (postgres ? 63 : 64))
        pk_x_refuse(x, c, "rds.dbname", "database.name", "choose a shorter one",
                    "the name of the database is too long");
}

static void check_password(struct pk_expansion *x, const struct pk_component *c) {
    bool managed = pk_spec_bool(c, "database.managedPassword");
    bool secret = pk_spec_written(c, "database.passwordSecret.ref") || pk_rds_is_generated(c);
    if (managed && secret)
        pk_x_refuse(x, c, "rds.password-both", "database.managedPassword",
                    "remove `passwordSecret` or `managedPassword`",
                    "RDS makes the password itself, and one is given");
    if (!managed && !secret && !pk_spec_get(c, "snapshotIdentifier"))
        pk_x_refuse(x, c, "rds.password-missing",
                    pk_spec_written(c, "database") ? "database" : NULL,
                    "set `passwordSecret.ref` to a secret, `passwordSecret.generate: true`, or "
                    "`managedPassword: true`",
                    "the master user has no password");
    const char *ref = pk_spec_str(c, "database.passwordSecret.ref");
    if (pk_rds_is_generated(c) && ref && (strchr(ref, ':') || pk_starts_with(ref, "arn:")))
        pk_x_refuse(x, c, "rds.password-both", "database.passwordSecret.ref",
                    "give the name of a secret that is to be made",
                    "only a secret with a name can be made");
}

/* --- the rest --------------------------------------------------------------------------------- */

static void check_backup(struct pk_expansion *x, const struct pk_component *c) {
    if (!pk_rds_is_aurora(c))
        return;
    if (!pk_spec_bool(c, "backup.enabled"))
        pk_x_refuse(x, c, "rds.aurora-backup", "backup.enabled", "remove it",
                    "backups of Aurora cannot be turned off");
    else if (pk_spec_int(c, "backup.retentionDays", 7) < 1)
        pk_x_refuse(x, c, "rds.aurora-backup", "backup.retentionDays", "give 1 to 35",
                    "backups of Aurora cannot be turned off");
}

static void check_monitoring(struct pk_expansion *x, const struct pk_component *c) {
    static const int64_t intervals[] = {0, 1, 5, 10, 15, 30, 60};
    int64_t interval = pk_spec_int(c, "monitoring.monitoringInterval", 60);
    int64_t days = pk_spec_int(c, "monitoring.performanceInsights.retentionDays", 7);
    bool known = false;
    for (size_t i = 0; i < PK_ARRAY_LEN(intervals); i++)
        known |= intervals[i] == interval;
    static const char *const enhanced[] = {"monitoring.monitoringInterval", NULL};
    static const char *const insights[] = {"monitoring.performanceInsights.retentionDays", NULL};
    pk_x_warn_inert(x, c, "monitoring.enhancedMonitoring", enhanced);
    pk_x_warn_inert(x, c, "monitoring.performanceInsights.enabled", insights);
    if (!known)
        pk_x_refuse(x, c, "rds.monitoring-interval", "monitoring.monitoringInterval",
                    "0, 1, 5, 10, 15, 30 and 60 are possible",
                    "there is no interval of %lld seconds", (long long)interval);
    if (days != 7 && days != 731 && (days % 31 != 0 || days < 31 || days > 713))
        pk_x_refuse(x, c, "rds.insights-retention", "monitoring.performanceInsights.retentionDays",
                    "7, 731 and multiples of 31 up to 713 are possible",
                    "Performance Insights cannot keep data for %lld days", (long long)days);
}

static void check_logs(struct pk_expansion *x, const struct pk_component *c) {
    const json_t *list = pk_spec_get(c, "logs.exports");
    for (size_t i = 0; i < json_array_size(list); i++) {
        const char *word = json_string_value(json_array_get(list, i));
        bool postgres = pk_rds_family(c) == PK_RDS_POSTGRES;
        bool fits = postgres == (pk_streq(word, "postgresql") || pk_streq(word, "upgrade"));
        if (word && (!fits || (pk_streq(word, "upgrade") && pk_rds_is_aurora(c))))
            pk_x_refuse(x, c, "rds.log-type", pk_x_item(x, "logs.exports", i, NULL),
                        postgres ? pk_rds_is_aurora(c) ? "postgresql" : "postgresql and upgrade"
                                 : "error, general, slowquery and audit",
                        "%s has no log `%s`", pk_spec_str(c, "engine.type"), word);
    }
}

/* Majors: the first number of PostgreSQL and MariaDB's first two, MySQL's first two. */
static size_t major_length(const struct pk_component *c, const char *version) {
    size_t first = strcspn(version, ".");
    if (pk_rds_family(c) == PK_RDS_POSTGRES || !version[first])
        return first;
    return first + 1 + strcspn(version + first + 1, ".");
}

static void check_upgrade(struct pk_expansion *x, const struct pk_component *c) {
    const char *version = pk_spec_str(c, "engine.version");
    const char *live = json_string_value(pk_x_applied(x, c, pk_rds_type(c), "EngineVersion"));
    if (!version || !live || pk_spec_bool(c, "engine.allowMajorUpgrade"))
        return;
    size_t n = major_length(c, version), m = major_length(c, live);
    if (n != m || strncmp(version, live, n) != 0)
        pk_x_refuse(x, c, "rds.major-upgrade", "engine.version",
                    "set `engine.allowMajorUpgrade: true` for this deployment",
                    "from %s to %s is another major version", live, version);
}

static void check_placement(struct pk_expansion *x, const struct pk_component *c) {
    const json_t *written = pk_spec_get(c, "networking.subnets");
    const char *first = json_string_value(json_array_get(written, 0));
    bool ids = first && pk_starts_with(first, "subnet-");
    const char *tier = first && !ids                                   ? first
                       : pk_spec_bool(c, "publiclyAccessible") && !ids ? "public"
                                                                       : "private";
    size_t n = ids ? json_array_size(written)
                   : json_array_size(pk_json_at(x->env->networking,
                                                pk_arena_printf(x->arena, "subnetIds.%s", tier)));
    if ((ids || x->env->networking) && n < 2)
        pk_x_refuse(x, c, "rds.subnets", ids ? "networking.subnets" : NULL,
                    "a database needs subnets in two zones at least", "there %s %zu %s subnet%s",
                    n == 1 ? "is" : "are", n, ids ? "written" : tier, n == 1 ? "" : "s");
    if (pk_spec_bool(c, "publiclyAccessible"))
        pk_x_warn(x, c, "rds.public", "publiclyAccessible",
                  "security groups decide who gets in; remove it unless that is meant",
                  "the database has an address on the internet");
}

void pk_rds_check(struct pk_expansion *x, const struct pk_component *c) {
    check_class(x, c);
    check_count(x, c);
    check_storage(x, c);
    check_windows(x, c);
    check_names(x, c);
    check_password(x, c);
    check_backup(x, c);
    check_monitoring(x, c);
    check_logs(x, c);
    check_upgrade(x, c);
    check_placement(x, c);
    pk_rds_params_check(x, c);
    pk_x_check_key(x, c, "encryption.kmsKey");
    pk_iam_check_unused(x, c);
}
