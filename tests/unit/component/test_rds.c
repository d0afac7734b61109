/* test_rds.c - databases: instances, Aurora, parameters, storage, windows, passwords. */
#include "findings.h"

#define ENGINE "  engine: {type: postgres, version: \"15\"}\n"
#define INSTANCE "  instance: {class: db.t4g.medium, storage: {allocatedGB: 50}}\n"
#define DATABASE "  database: {name: shop, username: shop, managedPassword: true}\n"
#define AURORA "  engine: {type: aurora-postgresql, version: \"16.4\"}\n"

static void smallest_instance(void **state) {
    (void)state;
    struct fixture f;
    fx_begin(&f);
    fx_component(&f, "RDS", "db", ENGINE INSTANCE DATABASE);
    fx_expand(&f);
    fx_assert_clean(&f, "");
    assert_string_equal(fx_keys(&f, "db"), "db db:subnet-group db:log-postgresql");
    assert_string_equal(
        fx_properties(&f, "db", ""),
        "{\"AllocatedStorage\":\"50\",\"ApplyImmediately\":true,\"AutoMinorVersionUpgrade\":true,"
        "\"BackupRetentionPeriod\":7,\"CopyTagsToSnapshot\":true,\"DBInstanceClass\":"
        "\"db.t4g.medium\",\"DBInstanceIdentifier\":\"shop-test-db\",\"DBName\":\"shop\","
        "\"DBSubnetGroupName\":\"shop-test-db-subnet-group\",\"DeletionProtection\":false,"
        "\"EnableCloudwatchLogsExports\":[\"postgresql\"],\"EnableIAMDatabaseAuthentication\":"
        "false,\"EnablePerformanceInsights\":false,\"Engine\":\"postgres\",\"EngineVersion\":"
        "\"15\",\"ManageMasterUserPassword\":true,\"MasterUsername\":\"shop\",\"MultiAZ\":false,"
        "\"Port\":\"5432\",\"PubliclyAccessible\":false,\"StorageEncrypted\":true,"
        "\"StorageType\":\"gp3\",\"VPCSecurityGroups\":[\"sg-tenant\"]}");
    assert_string_equal(fx_properties(&f, "db:subnet-group", "DBSubnetGroupDescription"),
                        "{\"DBSubnetGroupName\":\"shop-test-db-subnet-group\",\"SubnetIds\":"
                        "[\"subnet-c\",\"subnet-d\"]}");
    assert_property(&f, "db:log-postgresql", "LogGroupName",
                    "\"/aws/rds/instance/shop-test-db/postgresql\"");
    assert_true(fx_node(&f, "db")->stateful);
    assert_false(fx_node(&f, "db")->protect);
    assert_int_equal(fx_edge(&f, "db", "db:subnet-group")->strength, PK_EDGE_HARD);
    assert_int_equal(fx_edge(&f, "db", "db:log-postgresql")->strength, PK_EDGE_HARD);
    fx_end(&f);
}

static void all_settings(void **state) {
    (void)state;
    struct fixture f;
    fx_begin(&f);
    fx_component(&f, "RDS", "db",
                 "  engine: {type: mysql, version: \"8.0.39\", allowMajorUpgrade: true,\n"
                 "    parameters: {max_connections: \"200\", innodb_buffer_pool_size: 1G}}\n"
                 "  instance: {class: db.m6g.large, iops: 12000, multiAZ: true, storage: "
                 "{allocatedGB: 500,\n"
                 "    maxAllocatedGB: 1000, throughput: 600}}\n"
                 "  database: {name: shop, username: chief, port: 3307,\n"
                 "    passwordSecret: {ref: \"shop/db#password\"}}\n"
                 "  backup: {retentionDays: 14, preferredWindow: \"03:00-04:00\"}\n"
                 "  maintenance: {preferredWindow: \"Sun:05:00-Sun:06:00\", "
                 "autoMinorVersionUpgrade: false,\n"
                 "    applyImmediately: false}\n"
                 "  monitoring: {enhancedMonitoring: true, monitoringInterval: 30,\n"
                 "    performanceInsights: {enabled: true, retentionDays: 62}}\n"
                 "  logs: {exports: [slowquery, error]}\n  encryption: {kmsKey: alias/db}\n"
                 "  iamAuth: true\n  deletionProtection: true\n  snapshotIdentifier: old\n"
                 "  networking: {securityGroups: [sg-0a]}\n");
    fx_expand(&f);
    fx_assert_clean(&f, "");
    assert_string_equal(
        fx_keys(&f, "db"),
        "db db:subnet-group db:log-error db:log-slowquery db:parameter-group db:monitoring-role");
    assert_string_equal(
        fx_properties(&f, "db", "DBSubnetGroupName|CopyTagsToSnapshot"),
        "{\"AllocatedStorage\":\"500\",\"AllowMajorVersionUpgrade\":true,\"ApplyImmediately\":"
        "false,"
        "\"AutoMinorVersionUpgrade\":false,\"BackupRetentionPeriod\":14,\"DBInstanceClass\":"
        "\"db.m6g.large\",\"DBInstanceIdentifier\":\"shop-test-db\",\"DBName\":\"shop\","
        "\"DBParameterGroupName\":\"shop-test-db-parameter-group\",\"DBSnapshotIdentifier\":"
        "\"old\","
        "\"DeletionProtection\":true,\"EnableCloudwatchLogsExports\":[\"error\",\"slowquery\"],"
        "\"EnableIAMDatabaseAuthentication\":true,\"EnablePerformanceInsights\":true,"
        "\"Engine\":\"mysql\",\"EngineVersion\":\"8.0.39\",\"Iops\":12000,\"KmsKeyId\":"
        "\"alias/db\",\"MasterUserPassword\":{\"$secret\":\"shop/db\",\"key\":\"password\"},"
        "\"MasterUsername\":\"chief\",\"MaxAllocatedStorage\":1000,\"MonitoringInterval\":30,"
        "\"MonitoringRoleArn\":\"arn:aws:iam::123456789012:role/shop-test-db-mon\","
        "\"MultiAZ\":true,\"PerformanceInsightsRetentionPeriod\":62,\"Port\":\"3307\","
        "\"PreferredBackupWindow\":\"03:00-04:00\",\"PreferredMaintenanceWindow\":"
        "\"Sun:05:00-Sun:06:00\",\"PubliclyAccessible\":false,\"StorageEncrypted\":true,"
        "\"StorageThroughput\":600,\"StorageType\":\"gp3\",\"VPCSecurityGroups\":"
        "[\"sg-tenant\",\"sg-0a\"]}");
    assert_string_equal(
        fx_properties(&f, "db:parameter-group", "Description"),
        "{\"DBParameterGroupName\":\"shop-test-db-parameter-group\",\"Family\":\"mysql8.0\","
        "\"Parameters\":{\"innodb_buffer_pool_size\":\"1073741824\",\"max_connections\":\"200\"}}");
    assert_property(&f, "db:monitoring-role", "ManagedPolicyArns",
                    "[\"arn:aws:iam::aws:policy/service-role/AmazonRDSEnhancedMonitoringRole\"]");
    assert_property(&f, "db:monitoring-role",
                    "AssumeRolePolicyDocument.Statement[0].Condition.StringEquals",
                    "{\"aws:SourceAccount\":\"123456789012\"}");
    assert_true(fx_node(&f, "db")->protect);
    assert_non_null(fx_edge(&f, "db", "db:parameter-group"));
    assert_non_null(fx_edge(&f, "db", "db:monitoring-role"));
    assert_string_equal(fx_output(&f, "db.secretArn"), "{\"$secretArn\":\"shop/db\"}");
    fx_end(&f);
}

static void aurora_cluster(void **state) {
    (void)state;
    struct fixture f;
    fx_begin(&f);
    fx_component(&f, "RDS", "db",
                 "  engine: {type: aurora-postgresql, version: \"16.4\",\n"
                 "    parameters: {statement_timeout: 30s}, instanceParameters: {work_mem: 4MB}}\n"
                 "  instance: {class: db.serverless, multiAZ: true,\n"
                 "    availabilityZones: [eu-west-1a, eu-west-1b]}\n"
                 "  serverless: {minCapacity: 0.5, maxCapacity: 8}\n" DATABASE
                 "  monitoring: {enhancedMonitoring: true}\n");
    fx_component(&f, "MicroService", "app",
                 "  image: {repository: nginx, tag: \"1\"}\n  dependsOn: [db]\n");
    fx_expand(&f);
    fx_assert_clean(&f, "");
    assert_string_equal(fx_keys(&f, "db"),
                        "db db:subnet-group db:log-postgresql db:cluster-parameter-group "
                        "db:monitoring-role db:instance-1 db:parameter-group db:instance-2");
    assert_string_equal(
        fx_properties(&f, "db", "DBSubnetGroupName|CopyTagsToSnapshot|DeletionProtection"),
        "{\"ApplyImmediately\":true,\"AutoMinorVersionUpgrade\":true,\"BackupRetentionPeriod\":7,"
        "\"DBClusterIdentifier\":\"shop-test-db\",\"DBClusterParameterGroupName\":"
        "\"shop-test-db-cluster-parameter-group\",\"DatabaseName\":\"shop\","
        "\"EnableCloudwatchLogsExports\":[\"postgresql\"],\"EnableIAMDatabaseAuthentication\":"
        "false,\"Engine\":\"aurora-postgresql\",\"EngineVersion\":\"16.4\","
        "\"ManageMasterUserPassword\":true,\"MasterUsername\":\"shop\",\"Port\":5432,"
        "\"ServerlessV2ScalingConfiguration\":{\"MaxCapacity\":8,\"MinCapacity\":0.5},"
        "\"StorageEncrypted\":true,\"VpcSecurityGroupIds\":[\"sg-tenant\"]}");
    assert_string_equal(
        fx_properties(&f, "db:instance-2", ""),
        "{\"ApplyImmediately\":true,\"AutoMinorVersionUpgrade\":true,\"AvailabilityZone\":"
        "\"eu-west-1b\",\"DBClusterIdentifier\":\"shop-test-db\",\"DBInstanceClass\":"
        "\"db.serverless\",\"DBInstanceIdentifier\":\"shop-test-db-instance-2\","
        "\"DBParameterGroupName\":\"shop-test-db-parameter-group\",\"EnablePerformanceInsights\":"
        "false,\"Engine\":\"aurora-postgresql\",\"MonitoringInterval\":60,\"MonitoringRoleArn\":"
        "\"arn:aws:iam::123456789012:role/shop-test-db-mon\",\"PubliclyAccessible\":false}");
    assert_property(&f, "db:cluster-parameter-group", "Parameters",
                    "{\"statement_timeout\":\"30000\"}");
    assert_property(&f, "db:cluster-parameter-group", "Family", "\"aurora-postgresql16\"");
    assert_property(&f, "db:parameter-group", "Parameters", "{\"work_mem\":\"4096\"}");
    assert_property(&f, "db:log-postgresql", "LogGroupName",
                    "\"/aws/rds/cluster/shop-test-db/postgresql\"");
    assert_int_equal(fx_edge(&f, "db:instance-1", "db")->strength, PK_EDGE_HARD);
    assert_non_null(fx_edge(&f, "db:instance-2", "db:parameter-group"));
    /* who waits for the database waits for an instance that answers */
    assert_int_equal(fx_edge(&f, "app", "db:instance-1")->strength, PK_EDGE_HARD);
    assert_string_equal(fx_output(&f, "db.readerEndpoint"),
                        "{\"$ref\":\"db\",\"attr\":\"ReadEndpoint.Address\"}");
    assert_string_equal(fx_output(&f, "db.clusterId"), "\"shop-test-db\"");
    assert_string_equal(fx_output(&f, "db.instanceId"), "\"shop-test-db-instance-1\"");
    fx_end(&f);
}

static void outputs(void **state) {
    (void)state;
    struct fixture f;
    fx_begin(&f);
    fx_component(&f, "RDS", "db", ENGINE INSTANCE DATABASE);
    fx_component(&f, "MicroService", "app",
                 "  image: {repository: nginx, tag: \"1\"}\n"
                 "  environment: {A: \"${db.arn}\", N: \"${db.name}\", P: \"${db.port}\"}\n");
    fx_expand(&f);
    fx_assert_clean(&f, "");
    static const char *const expected[][2] = {
        {"db.endpoint", "{\"$ref\":\"db\",\"attr\":\"Endpoint.Address\"}"},
        {"db.readerEndpoint", "{\"$ref\":\"db\",\"attr\":\"Endpoint.Address\"}"},
        {"db.port", "5432"},
        {"db.databaseName", "\"shop\""},
        {"db.username", "\"shop\""},
        {"db.instanceId", "\"shop-test-db\""},
        {"db.clusterId", ""},
        {"db.secretArn", "{\"$ref\":\"db\",\"attr\":\"MasterUserSecret.SecretArn\"}"},
        {"db.url", "{\"$join\":[\"postgresql://shop@\",{\"$ref\":\"db\",\"attr\":"
                   "\"Endpoint.Address\"},\":5432/shop\"]}"},
        {"db.jdbcUrl", "{\"$join\":[\"jdbc:postgresql://\",{\"$ref\":\"db\",\"attr\":"
                       "\"Endpoint.Address\"},\":5432/shop\"]}"},
    };
    for (size_t i = 0; i < PK_ARRAY_LEN(expected); i++)
        assert_string_equal(fx_output(&f, expected[i][0]), expected[i][1]);
    assert_property(&f, "app:task-definition", "ContainerDefinitions[0].Environment",
                    "[{\"Name\":\"A\",\"Value\":\"arn:aws:rds:eu-west-1:123456789012:db:"
                    "shop-test-db\"},{\"Name\":\"N\",\"Value\":\"shop-test-db\"},"
                    "{\"Name\":\"P\",\"Value\":\"5432\"}]");
    fx_end(&f);
}

/* A secret that the stack makes itself: text, or a member of JSON. */
static void generated_passwords(void **state) {
    (void)state;
    struct fixture f;
    fx_begin(&f);
    fx_component(&f, "RDS", "plain",
                 ENGINE INSTANCE "  database: {name: shop, username: shop,\n"
                                 "    passwordSecret: {generate: true}}\n");
    fx_component(&f, "RDS", "json",
                 ENGINE INSTANCE "  database: {name: shop, username: shop,\n"
                                 "    passwordSecret: {generate: true, ref: \"shop/json#pw\"}}\n");
    fx_expand(&f);
    fx_assert_clean(&f, "");
    assert_property(&f, "plain:password", "Name", "\"shop/test/plain/password\"");
    assert_property(&f, "plain:password", "GenerateSecretString",
                    "{\"ExcludeCharacters\":\"/@\\\" '\\\\`\",\"PasswordLength\":32,"
                    "\"RequireEachIncludedType\":true}");
    assert_property(&f, "plain", "MasterUserPassword",
                    "{\"$secret\":{\"$ref\":\"plain:password\",\"attr\":\"Id\"}}");
    assert_property(&f, "json:password", "Name", "\"shop/json\"");
    assert_property(&f, "json:password", "GenerateSecretString.GenerateStringKey", "\"pw\"");
    assert_property(&f, "json:password", "GenerateSecretString.SecretStringTemplate",
                    "\"{\\\"username\\\":\\\"shop\\\"}\"");
    assert_property(&f, "json", "MasterUserPassword",
                    "{\"$secret\":{\"$ref\":\"json:password\",\"attr\":\"Id\"},\"key\":\"pw\"}");
    assert_int_equal(fx_edge(&f, "json", "json:password")->strength, PK_EDGE_HARD);
    assert_string_equal(fx_output(&f, "json.secretArn"),
                        "{\"$ref\":\"json:password\",\"attr\":\"Id\"}");
    fx_end(&f);
}

static void postgres_parameters_get_bare_numbers(void **state) {
    (void)state;
    struct fixture f;
    fx_begin(&f);
    fx_component(&f, "RDS", "db",
                 "  engine:\n    type: postgres\n    version: \"15.4\"\n    parameters:\n"
                 "      shared_buffers: 256MB\n      effective_cache_size: 1 GB\n"
                 "      work_mem: 4MB\n      max_wal_size: 2gb\n      statement_timeout: 1min\n"
                 "      checkpoint_timeout: 15min\n      deadlock_timeout: 1500us\n"
                 "      max_connections: \"{DBInstanceClassMemory/9531392}\"\n"
                 "      log_statement: ddl\n      timezone: 2024b\n" INSTANCE DATABASE);
    fx_expand(&f);
    const struct pk_diag *d = fx_finding(&f, "rds.param-unit");
    assert_non_null(d);
    assert_int_equal(d->span.line, 15); /* 1.5 ms */
    assert_property(&f, "db:parameter-group", "Parameters",
                    "{\"checkpoint_timeout\":\"900\",\"effective_cache_size\":\"131072\","
                    "\"log_statement\":\"ddl\",\"max_connections\":"
                    "\"{DBInstanceClassMemory/9531392}\",\"max_wal_size\":\"2048\","
                    "\"shared_buffers\":\"32768\",\"statement_timeout\":\"60000\","
                    "\"timezone\":\"2024b\",\"work_mem\":\"4096\"}");
    assert_property(&f, "db:parameter-group", "Family", "\"postgres15\"");
    fx_end(&f);
}

static void an_existing_parameter_group(void **state) {
    (void)state;
    struct fixture f;
    fx_begin(&f);
    fx_component(&f, "RDS", "db",
                 "  engine: {type: mariadb, version: \"10.11\", parameterGroup: ours}\n"
                 "  logs: {exports: []}\n  backup: {enabled: false}\n" INSTANCE DATABASE);
    fx_expand(&f);
    fx_assert_clean(&f, "");
    assert_string_equal(fx_keys(&f, "db"), "db db:subnet-group");
    assert_property(&f, "db", "DBParameterGroupName", "\"ours\"");
    assert_property(&f, "db", "BackupRetentionPeriod", "0");
    assert_property(&f, "db", "Port", "\"3306\"");
    assert_no_property(&f, "db", "EnableCloudwatchLogsExports");
    fx_end(&f);
}

/* gp3 below 400 GiB: 3000 IOPS are what it has, and AWS refuses the property. */
static void fixed_iops_are_not_sent(void **state) {
    (void)state;
    struct fixture f;
    fx_begin(&f);
    fx_component(&f, "RDS", "db",
                 ENGINE "  instance: {class: db.t4g.medium, storage: {allocatedGB: 100,\n"
                        "    iops: 3000}}\n" DATABASE);
    fx_expand(&f);
    fx_assert_clean(&f, "");
    assert_int_equal(fx_finding(&f, "rds.gp3-iops")->severity, PK_SEVERITY_INFO);
    assert_no_property(&f, "db", "Iops");
    fx_end(&f);
}

static void public_databases_are_in_public_subnets(void **state) {
    (void)state;
    struct fixture f;
    fx_begin(&f);
    fx_component(&f, "RDS", "db", ENGINE INSTANCE DATABASE "  publiclyAccessible: true\n");
    fx_expand(&f);
    fx_assert_clean(&f, "rds.public");
    assert_property(&f, "db:subnet-group", "SubnetIds", "[\"subnet-a\",\"subnet-b\"]");
    assert_property(&f, "db", "PubliclyAccessible", "true");
    fx_end(&f);
}

static void what_is_deployed_limits_changes(void **state) {
    (void)state;
    struct fixture f;
    fx_begin(&f);
    struct pk_state_resource *r =
        fx_record(&f, "db", "AWS::RDS::DBInstance", "db", "", "shop-test-db");
    pk_json_put_str(r->properties, "AllocatedStorage", "100");
    pk_json_put_str(r->properties, "EngineVersion", "14.9");
    fx_component(&f, "RDS", "db", ENGINE INSTANCE DATABASE);
    fx_expand(&f);
    assert_int_equal(fx_finding(&f, "rds.storage-shrink")->span.line, 6);
    assert_int_equal(fx_finding(&f, "rds.major-upgrade")->span.line, 5);
    fx_end(&f);
}

/* --- findings --------------------------------------------------------------------------------- */

static void others(struct fixture *f) {
    fx_component(f, "SQS", "jobs", "  type: standard\n");
}

#define STORAGE(text) ENGINE "  instance: {class: db.t4g.medium, storage: {" text "}}\n" DATABASE
#define CLASS(name) "  instance: {class: " name ", storage: {allocatedGB: 50}}\n" DATABASE
#define WITH(text) ENGINE INSTANCE DATABASE text
#define LOGIN(text) ENGINE INSTANCE "  database: {" text "}\n"
#define MANAGED "managedPassword: true"

static void findings_of_instances(void **state) {
    (void)state;
    static const struct finding_case cases[] = {
        ERROR_AT("rds.class", 6, ENGINE CLASS("t3.medium")),
        ERROR_AT("rds.class", 6, ENGINE CLASS("db.serverless")),
        ERROR_AT("rds.class", 6, AURORA "  instance: {class: db.m6g.large}\n" DATABASE),
        ERROR_AT("rds.serverless", 6, AURORA "  instance: {class: db.serverless}\n" DATABASE),
        ERROR_AT("rds.serverless", 8, WITH("  serverless: {minCapacity: 1, maxCapacity: 2}\n")),
        ERROR_AT("rds.serverless", 8,
                 AURORA "  instance: {class: db.serverless}\n" DATABASE
                        "  serverless: {minCapacity: 4, maxCapacity: 2}\n"),
        ERROR_AT("rds.serverless", 8,
                 AURORA "  instance: {class: db.serverless}\n" DATABASE
                        "  serverless: {minCapacity: 0.7, maxCapacity: 2}\n"),
        ERROR_AT(
            "rds.aurora-only", 6,
            ENGINE
            "  instance: {class: db.t4g.micro, count: 2, storage: {allocatedGB: 50}}\n" DATABASE),
        ERROR_AT("rds.zones", 7,
                 ENGINE "  instance: {class: db.t4g.micro, storage: {allocatedGB: 50},\n"
                        "    availabilityZones: [a, b]}\n" DATABASE),
        ERROR_AT("rds.zones", 6,
                 AURORA "  instance: {class: db.r6g.large, multiAZ: true, count: 1}\n" DATABASE),
        WARNING_AT("rds.aurora-field", 6,
                   AURORA
                   "  instance: {class: db.r6g.large, storage: {allocatedGB: 50}}\n" DATABASE),
        ERROR_AT("rds.subnets", 8, WITH("  networking: {subnets: [subnet-1]}\n")),
        WARNING_AT("rds.public", 8, WITH("  publiclyAccessible: true\n")),
        WARNING_AT("iam.no-role", 8, WITH("  permissions: [{component: jobs, access: read}]\n")),
        ERROR_AT("rds.name", 8, WITH("  name: a--b\n")),
    };
    check_findings("RDS", cases, PK_ARRAY_LEN(cases), others);
}

static void findings_of_storage(void **state) {
    (void)state;
    static const struct finding_case cases[] = {
        ERROR_AT("rds.storage-range", 6, ENGINE "  instance: {class: db.t4g.medium}\n" DATABASE),
        ERROR_AT("rds.storage-range", 6, STORAGE("allocatedGB: 10")),
        ERROR_AT("rds.storage-range", 6, STORAGE("allocatedGB: 70000")),
        ERROR_AT("rds.storage-range", 6, STORAGE("allocatedGB: 50, type: io1, iops: 1000")),
        ERROR_AT("rds.storage-range", 6, STORAGE("allocatedGB: 100, type: io1")),
        ERROR_AT("rds.storage-range", 6, STORAGE("allocatedGB: 100, type: io2, iops: 6000")),
        ERROR_AT("rds.storage-range", 6, STORAGE("allocatedGB: 100, type: gp2, iops: 3000")),
        ERROR_AT("rds.storage-range", 6, STORAGE("allocatedGB: 100, type: gp2, throughput: 500")),
        ERROR_AT("rds.gp3-iops", 6, STORAGE("allocatedGB: 100, iops: 5000")),
        ERROR_AT("rds.gp3-iops", 6, STORAGE("allocatedGB: 400, iops: 5000")),
        ERROR_AT("rds.gp3-iops", 6, STORAGE("allocatedGB: 100, throughput: 500")),
        ERROR_AT("rds.gp3-iops", 6, STORAGE("allocatedGB: 400, throughput: 100")),
        INFO_AT("rds.gp3-iops", 6, STORAGE("allocatedGB: 100, iops: 3000")),
        ERROR_AT("rds.max-allocated", 6, STORAGE("allocatedGB: 100, maxAllocatedGB: 105")),
        WARNING_AT("rds.max-allocated", 6, STORAGE("allocatedGB: 100, maxAllocatedGB: 115")),
    };
    check_findings("RDS", cases, PK_ARRAY_LEN(cases), others);
}

static void findings_of_settings(void **state) {
    (void)state;
    static const struct finding_case cases[] = {
        ERROR_AT("rds.port", 7, LOGIN("name: a, username: b, port: 80, " MANAGED)),
        ERROR_AT("rds.dbname", 7, LOGIN("name: 1a, username: b, " MANAGED)),
        ERROR_AT("rds.dbname", 7,
                 LOGIN("name: a123456789012345678901234567890123456789012345678901234567890123, "
                       "username: b, " MANAGED)),
        ERROR_AT("rds.username-reserved", 7, LOGIN("name: a, username: admin, " MANAGED)),
        ERROR_AT("rds.username-reserved", 7, LOGIN("name: a, username: rdsadmin, " MANAGED)),
        ERROR_AT("rds.username-reserved", 7, LOGIN("name: a, username: 1b, " MANAGED)),
        ERROR_AT("rds.username-reserved", 7,
                 "  engine: {type: mysql, version: \"8.0\"}\n" INSTANCE
                 "  database: {name: a, username: a1234567890123456, " MANAGED "}\n"),
        ERROR_AT("rds.password-missing", 7, LOGIN("name: a, username: b")),
        ERROR_AT("rds.password-both", 7,
                 LOGIN("name: a, username: b, passwordSecret: {ref: c}, " MANAGED)),
        ERROR_AT("rds.password-both", 7,
                 LOGIN("name: a, username: b, passwordSecret: {ref: \"ssm:c\", generate: true}")),
        ERROR_AT("rds.window-format", 8, WITH("  backup: {preferredWindow: \"03:00-03:10\"}\n")),
        ERROR_AT("rds.window-format", 8, WITH("  backup: {preferredWindow: \"3:00-4:00\"}\n")),
        ERROR_AT("rds.window-format", 8, WITH("  backup: {maintenanceWindow: \"03:00-04:00\"}\n")),
        ERROR_AT("rds.window-format", 8,
                 WITH("  maintenance: {preferredWindow: \"day:03:00-day:04:00\"}\n")),
        ERROR_AT("rds.window-overlap", 9,
                 WITH("  backup: {preferredWindow: \"23:30-00:30\",\n"
                      "    maintenanceWindow: \"mon:00:00-mon:01:00\"}\n")),
        ERROR_AT("rds.aurora-backup", 8,
                 AURORA "  instance: {class: db.r6g.large}\n" DATABASE
                        "  backup: {enabled: false}\n"),
        ERROR_AT("rds.aurora-backup", 8,
                 AURORA "  instance: {class: db.r6g.large}\n" DATABASE
                        "  backup: {retentionDays: 0}\n"),
        ERROR_AT("rds.monitoring-interval", 8, WITH("  monitoring: {monitoringInterval: 20}\n")),
        WARNING_AT("field.inert", 8, WITH("  monitoring: {monitoringInterval: 10}\n")),
        ERROR_AT("encryption.off", 8, WITH("  encryption: {enabled: false, kmsKey: alias/a}\n")),
        ERROR_AT("rds.insights-retention", 8,
                 WITH("  monitoring: {performanceInsights: {enabled: true, retentionDays: 30}}\n")),
        ERROR_AT("rds.log-type", 8, WITH("  logs: {exports: [error]}\n")),
        ERROR_AT("rds.log-type", 8, WITH("  logs: {exports: [everything]}\n")),
        ERROR_AT("rds.param-unit", 5,
                 "  engine: {type: postgres, version: \"15\", parameters: {max_connections: "
                 "2GB}}\n" INSTANCE DATABASE),
        ERROR_AT(
            "rds.param-unit", 5,
            "  engine: {type: postgres, version: \"15\", parameters: {work_mem: 10s}}\n" INSTANCE
                DATABASE),
        ERROR_AT(
            "rds.param-unit", 5,
            "  engine: {type: mysql, version: \"8.0\", parameters: {wait_timeout: 10s}}\n" INSTANCE
                DATABASE),
        ERROR_AT("rds.param-group-both", 6,
                 "  engine: {type: postgres, version: \"15\", parameters: {a: \"1\"},\n"
                 "    parameterGroup: ours}\n" INSTANCE DATABASE),
        ERROR_AT(
            "rds.version", 5,
            "  engine: {type: mysql, version: \"8\", parameters: {a: \"1\"}}\n" INSTANCE DATABASE),
        ERROR_AT("rds.version", 5, "  engine: {type: mysql, version: new}\n" INSTANCE DATABASE),
        ERROR_AT(
            "rds.aurora-only", 5,
            "  engine: {type: postgres, version: \"15\", instanceParameters: {a: \"1\"}}\n" INSTANCE
                DATABASE),
    };
    check_findings("RDS", cases, PK_ARRAY_LEN(cases), others);
}

static void example(void **state) {
    (void)state;
    check_example("RDS");
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(smallest_instance),
        cmocka_unit_test(all_settings),
        cmocka_unit_test(aurora_cluster),
        cmocka_unit_test(outputs),
        cmocka_unit_test(generated_passwords),
        cmocka_unit_test(postgres_parameters_get_bare_numbers),
        cmocka_unit_test(an_existing_parameter_group),
        cmocka_unit_test(fixed_iops_are_not_sent),
        cmocka_unit_test(public_databases_are_in_public_subnets),
        cmocka_unit_test(what_is_deployed_limits_changes),
        cmocka_unit_test(findings_of_instances),
        cmocka_unit_test(findings_of_storage),
        cmocka_unit_test(findings_of_settings),
        cmocka_unit_test(example),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
