/* rds.c - the kind RDS: a database instance, or an Aurora cluster with its instances. */
#include "component/rds.h"
#include "component/check.h"
#include "component/iam.h"
#include "component/internal.h"
#include "component/kinds.h"
#include "component/shared_fields.def"

#include "base/str.h"

#include <string.h>

#define SUBNET_GROUP "AWS::RDS::DBSubnetGroup"
#define INSTANCE_GROUP "AWS::RDS::DBParameterGroup"
#define CLUSTER_GROUP "AWS::RDS::DBClusterParameterGroup"

/* clang-format off */
static const struct pk_field fields[] = {
    {.path = "name", .type = PK_T_STR, .flags = PK_F_OR_NULLTEXT, .change = "X", .max = 63, .diag = "rds.name",
     .pattern = "[A-Za-z](-?[A-Za-z0-9])*", .feeds = "DBInstanceIdentifier, DBClusterIdentifier",
     .doc = "Identifier instead of the generated one."},
    {.path = "engine", .type = PK_T_OBJECT, .flags = PK_F_REQUIRED, .doc = "Which database it is."},
    {.path = "engine.type", .type = PK_T_ENUM, .flags = PK_F_REQUIRED, .change = "X",
     .allowed = "postgres|mysql|mariadb|aurora-postgresql|aurora-mysql", .feeds = "Engine", .doc = "Database engine."},
    {.path = "engine.version", .type = PK_T_STR, .flags = PK_F_REQUIRED, .change = "U~",
     .pattern = "[0-9]+[0-9A-Za-z._-]*",
     .diag = "rds.version", .feeds = "EngineVersion", .doc = "Major version (15) or an exact one (15.4)."},
    {.path = "engine.allowMajorUpgrade", .type = PK_T_BOOL, .def = "false", .change = "-",
     .feeds = "AllowMajorVersionUpgrade",
     .doc = "Permit a change of the major version."},
    {.path = "engine.parameters", .type = PK_T_STRMAP, .change = "U", .feeds = "DBParameterGroup.Parameters",
     .doc = "Parameters of the database (Aurora: of the cluster); sizes and times may have units."},
    {.path = "engine.instanceParameters", .type = PK_T_STRMAP, .change = "U", .feeds = "DBParameterGroup.Parameters",
     .doc = "Aurora: parameters of the instances."},
    {.path = "engine.parameterGroup", .type = PK_T_STR, .flags = PK_F_NOEMPTY, .change = "U~",
     .feeds = "DBParameterGroupName",
     .doc = "An existing parameter group instead of `parameters`."},
    {.path = "instance", .type = PK_T_OBJECT, .flags = PK_F_REQUIRED, .doc = "What it runs on."},
    {.path = "instance.class", .type = PK_T_STR, .flags = PK_F_REQUIRED, .change = "U~", .diag = "rds.class",
     .pattern = "db\\.serverless|db\\.[a-z][a-z0-9-]*\\.(micro|small|medium|large|[0-9]*xlarge|metal|[0-9]+xlarge\\..+)",
     .feeds = "DBInstanceClass", .doc = "Instance class: db.<family>.<size>, or db.serverless for Aurora."},
    {.path = "instance.count", .type = PK_T_INT, .min = 1, .max = 16, .change = "U",
     .doc = "Aurora: number of instances; 1, with `multiAZ` 2."},
    {.path = "instance.storage.type", .type = PK_T_ENUM, .def = "gp3", .allowed = "gp2|gp3|io1|io2", .change = "U~",
     .feeds = "StorageType", .doc = "Kind of storage."},
    {.path = "instance.storage.allocatedGB", .type = PK_T_GIB, .change = "U~", .unit = "GiB",
     .feeds = "AllocatedStorage",
     .doc = "Size of the storage; it can grow, never shrink."},
    {.path = "instance.storage.maxAllocatedGB", .type = PK_T_GIB, .change = "U", .unit = "GiB",
     .feeds = "MaxAllocatedStorage",
     .doc = "Up to where storage may grow by itself."},
    {.path = "instance.storage.iops", .type = PK_T_INT, .min = 0, .max = -1, .alias = "instance.iops", .change = "U~",
     .feeds = "Iops", .doc = "Provisioned IOPS: io1, io2, and gp3 from 400 GiB on."},
    {.path = "instance.storage.throughput", .type = PK_T_INT, .min = 0, .max = -1, .change = "U~", .unit = "MiB/s",
     .feeds = "StorageThroughput", .doc = "Throughput of gp3 from 400 GiB on."},
    {.path = "instance.multiAZ", .type = PK_T_BOOL, .def = "false", .change = "U~", .feeds = "MultiAZ",
     .doc = "A standby in another zone."},
    {.path = "instance.availabilityZones", .type = PK_T_LIST, .change = "X", .feeds = "AvailabilityZone",
     .doc = "One zone of a single instance; for Aurora the zones of its instances in turn."},
    {.path = "instance.availabilityZones[]", .type = PK_T_STR, .flags = PK_F_NOEMPTY, .doc = "Name of a zone."},
    {.path = "database", .type = PK_T_OBJECT, .flags = PK_F_REQUIRED, .doc = "First database and master user."},
    {.path = "database.name", .type = PK_T_STR, .flags = PK_F_REQUIRED, .change = "X",
     .pattern = "[A-Za-z][A-Za-z0-9_]*",
     .diag = "rds.dbname", .feeds = "DBName, DatabaseName", .doc = "Name of the first database."},
    {.path = "database.username", .type = PK_T_STR, .flags = PK_F_REQUIRED, .change = "X",
     .pattern = "[A-Za-z][A-Za-z0-9_]*",
     .diag = "rds.username-reserved", .feeds = "MasterUsername", .doc = "Name of the master user."},
    {.path = "database.passwordSecret.ref", .type = PK_T_SECRET, .change = "U", .feeds = "MasterUserPassword",
     .doc = "Secret that holds the password: text, or `#key` of a JSON secret."},
    {.path = "database.passwordSecret.generate", .type = PK_T_BOOL, .def = "false", .change = "U",
     .feeds = "AWS::SecretsManager::Secret", .doc = "Make that secret, with a password of 32 characters."},
    {.path = "database.managedPassword", .type = PK_T_BOOL, .def = "false", .change = "U",
     .feeds = "ManageMasterUserPassword",
     .doc = "RDS makes, keeps and rotates the password."},
    {.path = "database.port", .type = PK_T_INT, .min = 1150, .max = 65535, .change = "U~", .diag = "rds.port",
     .feeds = "Port",
     .doc = "Port; 5432 for PostgreSQL, 3306 for MySQL and MariaDB."},
    {.path = "backup.enabled", .type = PK_T_BOOL, .def = "true", .change = "U", .feeds = "BackupRetentionPeriod",
     .doc = "Daily backups."},
    {.path = "backup.retentionDays", .type = PK_T_INT, .def = "7", .min = 0, .max = 35, .change = "U", .unit = "days",
     .feeds = "BackupRetentionPeriod", .doc = "How long backups are kept."},
    {.path = "backup.preferredWindow", .type = PK_T_STR, .change = "U", .feeds = "PreferredBackupWindow",
     .doc = "When backups are made: hh:mm-hh:mm, UTC."},
    {.path = "backup.maintenanceWindow", .type = PK_T_STR, .alias = "maintenance.preferredWindow", .change = "U",
     .feeds = "PreferredMaintenanceWindow", .doc = "When maintenance is done: ddd:hh:mm-ddd:hh:mm, UTC."},
    {.path = "maintenance.autoMinorVersionUpgrade", .type = PK_T_BOOL, .def = "true", .change = "U",
     .feeds = "AutoMinorVersionUpgrade", .doc = "Minor versions are installed by RDS."},
    {.path = "maintenance.applyImmediately", .type = PK_T_BOOL, .change = "-", .feeds = "ApplyImmediately",
     .doc = "Changes act now, not in the maintenance window; true outside of production."},
    {.path = "monitoring.enhancedMonitoring", .type = PK_T_BOOL, .def = "false", .change = "U",
     .feeds = "MonitoringRoleArn",
     .doc = "Measure the operating system."},
    {.path = "monitoring.monitoringInterval", .type = PK_T_INT, .def = "60", .change = "U", .unit = "s",
     .feeds = "MonitoringInterval",
     .doc = "How often it is measured."},
    {.path = "monitoring.performanceInsights", .type = PK_T_OBJECT, .flags = PK_F_SCALAR_OR_MAP, .change = "U",
     .doc = "Which statements load the database."},
    {.path = "monitoring.performanceInsights.enabled", .type = PK_T_BOOL, .def = "false", .change = "U",
     .feeds = "EnablePerformanceInsights", .doc = "Turn Performance Insights on."},
    {.path = "monitoring.performanceInsights.retentionDays", .type = PK_T_INT, .def = "7", .change = "U",
     .unit = "days",
     .feeds = "PerformanceInsightsRetentionPeriod", .doc = "How long its data are kept."},
    {.path = "logs.exports", .type = PK_T_LIST, .change = "U", .feeds = "EnableCloudwatchLogsExports",
     .doc = "Logs that go to CloudWatch: [postgresql] or [error] by default, [] for none."},
    {.path = "logs.exports[]", .type = PK_T_ENUM, .allowed = "postgresql|upgrade|error|general|slowquery|audit",
     .diag = "rds.log-type", .doc = "Name of a log."},
    PK_FIELDS_LOGGING
    PK_FIELDS_NETWORKING
    {.path = "encryption.enabled", .type = PK_T_BOOL, .def = "true", .change = "X", .feeds = "StorageEncrypted",
     .doc = "Encrypt the storage."},
    {.path = "encryption.kmsKey", .type = PK_T_STR, .pattern = PK_KMS_KEY_PATTERN, .change = "X", .feeds = "KmsKeyId",
     .doc = "KMS key instead of the key of RDS."},
    {.path = "iamAuth", .type = PK_T_BOOL, .def = "false", .change = "U", .feeds = "EnableIAMDatabaseAuthentication",
     .doc = "Let roles log in without a password."},
    {.path = "publiclyAccessible", .type = PK_T_BOOL, .def = "false", .change = "U", .feeds = "PubliclyAccessible",
     .doc = "An address on the internet; the database is placed in public subnets."},
    {.path = "serverless.minCapacity", .type = PK_T_NUM, .flags = PK_F_REQUIRED, .min = 0, .max = 256,
     .change = "U", .unit = "ACU",
     .feeds = "ServerlessV2ScalingConfiguration.MinCapacity", .doc = "Least capacity; 0 lets it pause."},
    {.path = "serverless.maxCapacity", .type = PK_T_NUM, .flags = PK_F_REQUIRED, .min = 1, .max = 256,
     .change = "U", .unit = "ACU",
     .feeds = "ServerlessV2ScalingConfiguration.MaxCapacity", .doc = "Most capacity."},
    {.path = "snapshotIdentifier", .type = PK_T_STR, .flags = PK_F_NOEMPTY, .change = "-",
     .feeds = "DBSnapshotIdentifier, SnapshotIdentifier",
     .doc = "Snapshot to start from; counts only when the database is made."},
};

static const struct pk_output outputs[] = {
    {"endpoint", "host|address", "Host name"},
    {"port", NULL, "Port"},
    {"readerEndpoint", NULL, "Host name of the readers of Aurora, else the endpoint"},
    {"databaseName", "dbName", "Name of the first database"},
    {"username", NULL, "Name of the master user"},
    {"secretArn", "passwordSecretArn", "ARN of the secret with the password"},
    {"instanceId", "identifier", "Identifier of the instance (of Aurora the first)"},
    {"clusterId", NULL, "Identifier of the Aurora cluster"},
    {"jdbcUrl", NULL, "JDBC URL without user and password"},
    {"url", NULL, "URL with the user, without the password"},
};

static const char example[] =
    "engine:\n"
    "  type: postgres\n"
    "  version: \"16\"\n"
    "instance:\n"
    "  class: db.t4g.medium\n"
    "  storage:\n"
    "    allocatedGB: 50\n"
    "database:\n"
    "  name: shop\n"
    "  username: shopadmin\n"
    "  managedPassword: true\n";
/* clang-format on */

/* --- what kind of database -------------------------------------------------------------------- */

static const char *engine(const struct pk_component *c) {
    const char *type = pk_spec_str(c, "engine.type");
    return type ? type : "postgres";
}

bool pk_rds_is_aurora(const struct pk_component *c) {
    return pk_starts_with(engine(c), "aurora-");
}

enum pk_rds_family pk_rds_family(const struct pk_component *c) {
    if (strcmp(engine(c), "mariadb") == 0)
        return PK_RDS_MARIADB;
    return pk_ends_with(engine(c), "mysql") ? PK_RDS_MYSQL : PK_RDS_POSTGRES;
}

const char *pk_rds_type(const struct pk_component *c) {
    return pk_rds_is_aurora(c) ? PK_RDS_CLUSTER : PK_RDS_INSTANCE;
}

int64_t pk_rds_instance_count(const struct pk_component *c) {
    return pk_spec_int(c, "instance.count", pk_spec_bool(c, "instance.multiAZ") ? 2 : 1);
}

int64_t pk_rds_port(const struct pk_component *c) {
    return pk_spec_int(c, "database.port", pk_rds_family(c) == PK_RDS_POSTGRES ? 5432 : 3306);
}

static const char *identifier(struct pk_expansion *x, const struct pk_component *c) {
    return pk_x_name_of(x, c, NULL, pk_rds_type(c));
}

/* --- supporting nodes ------------------------------------------------------------------------- */

static void set(struct pk_expansion *x, const struct pk_component *c, struct pk_resource *r,
                const char *property, json_t *value, const char *path) {
    pk_resource_set(x->graph, r, property, value, path ? pk_spec_span(c, path) : c->span);
}

static void add_subnet_group(struct pk_expansion *x, const struct pk_component *c,
                             struct pk_resource *r) {
    struct pk_resource *group = pk_x_node(x, c, "subnet-group", SUBNET_GROUP);
    bool public_tier =
        pk_spec_bool(c, "publiclyAccessible") && !pk_spec_get(c, "networking.subnets");
    set(x, c, group, "DBSubnetGroupDescription", pk_json_textf("Subnets of %s", c->address), NULL);
    set(x, c, group, "SubnetIds",
        pk_x_subnets(x, c, public_tier ? PK_PLACE_LB_PUBLIC : PK_PLACE_DATA), "networking.subnets");
    set(x, c, r, "DBSubnetGroupName", pk_json_text(group->name), "networking.subnets");
    pk_x_needs(x, r, group, "subnet group");
}

static void add_parameter_group(struct pk_expansion *x, const struct pk_component *c,
                                struct pk_resource *r, const char *sub, const char *type,
                                const char *path, const char *property) {
    json_t *parameters = pk_rds_params(x, c, path);
    const char *family = pk_rds_param_family(x, c);
    if (!parameters || !family) {
        json_decref(parameters);
        return;
    }
    struct pk_resource *group = pk_x_node(x, c, sub, type);
    set(x, c, group, "Family", pk_json_text(family), "engine.version");
    set(x, c, group, "Description", pk_json_textf("Parameters of %s", c->address), path);
    set(x, c, group, "Parameters", parameters, path);
    set(x, c, r, property, pk_json_text(group->name), path);
    pk_x_needs(x, r, group, "parameter group");
}

static void set_logs(struct pk_expansion *x, const struct pk_component *c, struct pk_resource *r) {
    const char *usual = pk_rds_family(c) == PK_RDS_POSTGRES ? "postgresql" : "error";
    json_t *exports = pk_spec_get(c, "logs.exports") ? pk_x_value(x, r, c, "logs.exports")
                                                     : json_pack("[s]", usual);
    pk_json_sort_strings(exports);
    for (size_t i = 0; i < json_array_size(exports); i++) {
        const char *type = json_string_value(json_array_get(exports, i));
        const char *name =
            pk_arena_printf(x->arena, "/aws/rds/%s/%s/%s",
                            pk_rds_is_aurora(c) ? "cluster" : "instance", r->name, type);
        struct pk_resource *logs =
            pk_x_log_group(x, c, pk_arena_printf(x->arena, "log-%s", type), name);
        pk_x_needs(x, r, logs, "logs");
    }
    if (json_array_size(exports) > 0)
        set(x, c, r, "EnableCloudwatchLogsExports", json_incref(exports), "logs.exports");
    json_decref(exports);
}

static struct pk_resource *monitoring_role(struct pk_expansion *x, const struct pk_component *c) {
    if (!pk_spec_bool(c, "monitoring.enhancedMonitoring") ||
        pk_spec_int(c, "monitoring.monitoringInterval", 60) == 0)
        return NULL;
    struct pk_resource *role =
        pk_iam_role(x, c, "monitoring-role", "monitoring.rds.amazonaws.com", false);
    pk_iam_add_managed(x, role, "service-role/AmazonRDSEnhancedMonitoringRole");
    return role;
}

static void set_monitoring(struct pk_expansion *x, const struct pk_component *c,
                           struct pk_resource *r, struct pk_resource *role) {
    if (role) {
        pk_x_copy(x, r, "MonitoringInterval", c, "monitoring.monitoringInterval");
        set(x, c, r, "MonitoringRoleArn", pk_x_arn_global(x, "iam", "role/%s", role->name),
            "monitoring.enhancedMonitoring");
        pk_x_needs(x, r, role, "monitoring role");
    }
    pk_x_copy(x, r, "EnablePerformanceInsights", c, "monitoring.performanceInsights.enabled");
    if (pk_spec_bool(c, "monitoring.performanceInsights.enabled"))
        pk_x_copy(x, r, "PerformanceInsightsRetentionPeriod", c,
                  "monitoring.performanceInsights.retentionDays");
}

/* --- what instances and clusters share -------------------------------------------------------- */

static void set_maintenance(struct pk_expansion *x, const struct pk_component *c,
                            struct pk_resource *r) {
    const json_t *now = pk_spec_get(c, "maintenance.applyImmediately");
    pk_x_copy(x, r, "AutoMinorVersionUpgrade", c, "maintenance.autoMinorVersionUpgrade");
    pk_x_copy(x, r, "PreferredMaintenanceWindow", c, "backup.maintenanceWindow");
    set(x, c, r, "ApplyImmediately", json_boolean(now ? json_is_true(now) : !pk_x_is_production(x)),
        "maintenance.applyImmediately");
}

static void set_common(struct pk_expansion *x, const struct pk_component *c,
                       struct pk_resource *r) {
    bool backups = pk_spec_bool(c, "backup.enabled");
    pk_x_copy(x, r, "Engine", c, "engine.type");
    pk_x_copy(x, r, "EngineVersion", c, "engine.version");
    if (pk_spec_bool(c, "engine.allowMajorUpgrade"))
        pk_x_copy(x, r, "AllowMajorVersionUpgrade", c, "engine.allowMajorUpgrade");
    pk_x_copy(x, r, "MasterUsername", c, "database.username");
    pk_rds_set_password(x, c, r);
    set(x, c, r, "BackupRetentionPeriod",
        json_integer(backups ? pk_spec_int(c, "backup.retentionDays", 7) : 0),
        backups ? "backup.retentionDays" : "backup.enabled");
    pk_x_copy(x, r, "PreferredBackupWindow", c, "backup.preferredWindow");
    set_maintenance(x, c, r);
    pk_x_copy(x, r, "StorageEncrypted", c, "encryption.enabled");
    if (pk_spec_bool(c, "encryption.enabled"))
        pk_x_copy(x, r, "KmsKeyId", c, "encryption.kmsKey");
    pk_x_copy(x, r, "EnableIAMDatabaseAuthentication", c, "iamAuth");
    set(x, c, r, "CopyTagsToSnapshot", json_true(), NULL);
    set(x, c, r, "DeletionProtection", json_boolean(pk_x_deletion_protection(x, c)),
        "deletionProtection");
    add_subnet_group(x, c, r);
    set_logs(x, c, r);
}

/* --- instance --------------------------------------------------------------------------------- */

static void set_storage(struct pk_expansion *x, const struct pk_component *c,
                        struct pk_resource *r) {
    int64_t size = pk_spec_int(c, "instance.storage.allocatedGB", 0);
    const char *type = pk_spec_str(c, "instance.storage.type");
    pk_x_copy(x, r, "StorageType", c, "instance.storage.type");
    set(x, c, r, "AllocatedStorage", pk_json_textf("%lld", (long long)size),
        "instance.storage.allocatedGB");
    pk_x_copy(x, r, "MaxAllocatedStorage", c, "instance.storage.maxAllocatedGB");
    /* fixed below this size: AWS refuses the properties then */
    if (pk_streq(type, "gp3") && size < PK_RDS_GP3_STRIPED)
        return;
    pk_x_copy(x, r, "Iops", c, "instance.storage.iops");
    pk_x_copy(x, r, "StorageThroughput", c, "instance.storage.throughput");
}

static void expand_instance(struct pk_expansion *x, const struct pk_component *c) {
    struct pk_resource *r = pk_x_node(x, c, NULL, PK_RDS_INSTANCE);
    set_common(x, c, r);
    set_storage(x, c, r);
    pk_x_copy(x, r, "DBInstanceClass", c, "instance.class");
    pk_x_copy(x, r, "MultiAZ", c, "instance.multiAZ");
    pk_x_copy(x, r, "AvailabilityZone", c, "instance.availabilityZones[0]");
    pk_x_copy(x, r, "DBName", c, "database.name");
    pk_x_copy(x, r, "DBSnapshotIdentifier", c, "snapshotIdentifier");
    pk_x_copy(x, r, "PubliclyAccessible", c, "publiclyAccessible");
    set(x, c, r, "Port", pk_json_textf("%lld", (long long)pk_rds_port(c)), "database.port");
    set(x, c, r, "VPCSecurityGroups", pk_x_security_groups(x, c, PK_PLACE_DATA),
        "networking.securityGroups");
    pk_x_copy(x, r, "DBParameterGroupName", c, "engine.parameterGroup");
    add_parameter_group(x, c, r, "parameter-group", INSTANCE_GROUP, "engine.parameters",
                        "DBParameterGroupName");
    set_monitoring(x, c, r, monitoring_role(x, c));
}

/* --- Aurora ----------------------------------------------------------------------------------- */

static struct pk_resource *add_member(struct pk_expansion *x, const struct pk_component *c,
                                      struct pk_resource *cluster, struct pk_resource *role,
                                      int64_t n) {
    struct pk_resource *r =
        pk_x_node(x, c, pk_arena_printf(x->arena, "instance-%lld", (long long)n), PK_RDS_INSTANCE);
    const json_t *zones = pk_spec_get(c, "instance.availabilityZones");
    size_t n_zones = json_array_size(zones);
    set(x, c, r, "DBClusterIdentifier", pk_json_text(cluster->name), NULL);
    pk_x_copy(x, r, "Engine", c, "engine.type");
    pk_x_copy(x, r, "DBInstanceClass", c, "instance.class");
    pk_x_copy(x, r, "PubliclyAccessible", c, "publiclyAccessible");
    if (n_zones > 0)
        set(x, c, r, "AvailabilityZone",
            json_incref(json_array_get(zones, (size_t)(n - 1) % n_zones)),
            "instance.availabilityZones");
    set_maintenance(x, c, r);
    set_monitoring(x, c, r, role);
    pk_x_needs(x, r, cluster, "cluster");
    return r;
}

static void add_members(struct pk_expansion *x, const struct pk_component *c,
                        struct pk_resource *cluster) {
    struct pk_resource *role = monitoring_role(x, c), *first = NULL;
    for (int64_t n = 1; n <= pk_rds_instance_count(c); n++) {
        struct pk_resource *r = add_member(x, c, cluster, role, n);
        if (!first) {
            first = r;
            add_parameter_group(x, c, r, "parameter-group", INSTANCE_GROUP,
                                "engine.instanceParameters", "DBParameterGroupName");
            continue;
        }
        json_t *group = json_object_get(first->properties, "DBParameterGroupName");
        set(x, c, r, "DBParameterGroupName", json_incref(group), "engine.instanceParameters");
        pk_x_needs(x, r, pk_graph_find(x->graph, pk_x_key(x, c, "parameter-group")),
                   "parameter group");
    }
    /* a cluster without an instance answers nobody */
    if (first)
        pk_x_ready_gate(x, c, first);
}

static void expand_cluster(struct pk_expansion *x, const struct pk_component *c) {
    struct pk_resource *r = pk_x_node(x, c, NULL, PK_RDS_CLUSTER);
    set_common(x, c, r);
    pk_x_copy(x, r, "DatabaseName", c, "database.name");
    pk_x_copy(x, r, "SnapshotIdentifier", c, "snapshotIdentifier");
    set(x, c, r, "Port", json_integer(pk_rds_port(c)), "database.port");
    set(x, c, r, "VpcSecurityGroupIds", pk_x_security_groups(x, c, PK_PLACE_DATA),
        "networking.securityGroups");
    pk_x_copy(x, r, "ServerlessV2ScalingConfiguration.MinCapacity", c, "serverless.minCapacity");
    pk_x_copy(x, r, "ServerlessV2ScalingConfiguration.MaxCapacity", c, "serverless.maxCapacity");
    pk_x_copy(x, r, "DBClusterParameterGroupName", c, "engine.parameterGroup");
    add_parameter_group(x, c, r, "cluster-parameter-group", CLUSTER_GROUP, "engine.parameters",
                        "DBClusterParameterGroupName");
    add_members(x, c, r);
}

static void expand(struct pk_expansion *x, const struct pk_component *c) {
    if (pk_rds_is_aurora(c))
        expand_cluster(x, c);
    else
        expand_instance(x, c);
}

/* --- outputs and access ----------------------------------------------------------------------- */

static json_t *arn(struct pk_expansion *x, const struct pk_component *c) {
    return pk_x_arn(x, "rds", "%s:%s", pk_rds_is_aurora(c) ? "cluster" : "db", identifier(x, c));
}

static json_t *unavailable(struct pk_expansion *x, const struct pk_component *c, const char *name,
                           struct pk_span asked, const char *help) {
    struct pk_diag *d = pk_diag(x->diags, PK_SEVERITY_ERROR, "ref.output-unavailable", asked,
                                "%s has no `%s`", c->address, name);
    pk_diag_help(x->diags, d, "%s", help);
    return NULL;
}

static json_t *endpoint(const struct pk_component *c, bool reader) {
    return pk_token_ref(c->key, reader && pk_rds_is_aurora(c) ? "ReadEndpoint.Address"
                                                              : "Endpoint.Address");
}

static json_t *url(const struct pk_component *c, bool jdbc) {
    static const char *const schemes[] = {
        [PK_RDS_POSTGRES] = "postgresql", [PK_RDS_MYSQL] = "mysql", [PK_RDS_MARIADB] = "mariadb"};
    enum pk_rds_family family = pk_rds_family(c);
    const char *user = pk_spec_str(c, "database.username"), *name = pk_spec_str(c, "database.name");
    /* clients know mysql:// for MariaDB too; JDBC drivers tell them apart */
    const char *scheme = schemes[family == PK_RDS_MARIADB && !jdbc ? PK_RDS_MYSQL : family];
    json_t *head = jdbc ? pk_json_textf("jdbc:%s://", scheme)
                        : pk_json_textf("%s://%s@", scheme, user ? user : "");
    return json_pack("{s:[o, o, o]}", "$join", head, endpoint(c, false),
                     pk_json_textf(":%lld/%s", (long long)pk_rds_port(c), name ? name : ""));
}

static json_t *output(struct pk_expansion *x, const struct pk_component *c, const char *name,
                      struct pk_span asked) {
    if (strcmp(name, "endpoint") == 0 || strcmp(name, "readerEndpoint") == 0)
        return endpoint(c, *name == 'r');
    if (strcmp(name, "port") == 0)
        return json_integer(pk_rds_port(c));
    if (strcmp(name, "databaseName") == 0)
        return json_incref(pk_spec_get(c, "database.name"));
    if (strcmp(name, "username") == 0)
        return json_incref(pk_spec_get(c, "database.username"));
    if (strcmp(name, "url") == 0 || strcmp(name, "jdbcUrl") == 0)
        return url(c, *name == 'j');
    if (strcmp(name, "instanceId") == 0)
        return pk_json_text(pk_rds_is_aurora(c) ? pk_x_name_of(x, c, "instance-1", PK_RDS_INSTANCE)
                                                : identifier(x, c));
    if (strcmp(name, "clusterId") == 0)
        return pk_rds_is_aurora(c)
                   ? pk_json_text(identifier(x, c))
                   : unavailable(x, c, name, asked, "only Aurora has a cluster: use `instanceId`");
    json_t *secret = pk_rds_secret_arn(x, c);
    return secret ? secret
                  : unavailable(x, c, name, asked,
                                "set `database.passwordSecret.ref`, or `database.managedPassword: "
                                "true`");
}

static json_t *identity(struct pk_expansion *x, const struct pk_component *c, const char *name) {
    if (strcmp(name, "arn") == 0)
        return arn(x, c);
    return strcmp(name, "name") == 0 ? pk_json_text(identifier(x, c)) : NULL;
}

/* Access is by network and password; only IAM authentication is something a policy can give. */
static void access(struct pk_expansion *x, const struct pk_component *c, const char *level,
                   struct pk_statements *to) {
    static const char *const connect[] = {"rds-db:connect", NULL};
    const char *user = pk_spec_str(c, "database.username");
    if (!pk_spec_bool(c, "iamAuth") || !user || strcmp(level, "consume") == 0)
        return;
    json_auto_t *head = pk_x_arn(x, "rds-db", "dbuser:%s", "");
    const char *attr = pk_rds_is_aurora(c) ? "DBClusterResourceId" : "DbiResourceId";
    pk_iam_allow(to, connect,
                 json_pack("{s:[s, o, o]}", "$join", json_string_value(head),
                           pk_token_ref(c->key, attr), pk_json_textf("/%s", user)),
                 NULL);
}

const struct pk_kind pk_kind_rds = {
    .table = {.kind = "RDS",
              .group = "components.panka.io/v1",
              .doc = "Relational database: an instance, or an Aurora cluster.",
              .fields = fields,
              .n_fields = PK_ARRAY_LEN(fields),
              .outputs = outputs,
              .n_outputs = PK_ARRAY_LEN(outputs),
              .example = example,
              .offered = true},
    .stateful = true,
    .check = pk_rds_check,
    .expand = expand,
    .output = output,
    .access = access,
    .default_access = "read",
    .identity = identity,
};
