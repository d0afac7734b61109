"""The kind RDS: instances and Aurora clusters in a tenant's network."""
import json

import pytest
from kinds import ACCOUNT, MOTO, REGION, TENANT, component, ministack_lacks, ours, tag_map, team  # noqa: F401

ID = f"{TENANT}-shop-test-db"
SPEC = {
    "engine": {"type": "postgres", "version": "15.4", "parameters": {"max_connections": "200", "work_mem": "64MB"}},
    "instance": {"class": "db.t3.medium", "multiAZ": True,
                 "storage": {"type": "gp3", "allocatedGB": 400, "maxAllocatedGB": 600, "iops": 12000, "throughput": 500}},
    "database": {"name": "orders", "username": "app", "passwordSecret": {"ref": "shop/db#password"}, "port": 5433},
    "backup": {"retentionDays": 10, "preferredWindow": "03:00-04:00", "maintenanceWindow": "sun:05:00-sun:06:00"},
    "maintenance": {"autoMinorVersionUpgrade": False},
    "monitoring": {"enhancedMonitoring": True, "monitoringInterval": 30, "performanceInsights": {"enabled": True, "retentionDays": 31}},
    "logs": {"exports": ["postgresql", "upgrade"]}, "logging": {"retentionDays": 14}, "iamAuth": True, "tags": {"team": "orders"},
}
SMALL = {"engine": {"type": "postgres", "version": "15"}, "instance": {"class": "db.t3.micro", "storage": {"allocatedGB": 20}},
         "database": {"name": "orders", "username": "app", "passwordSecret": {"ref": "shop/db#password"}}, "tags": {"team": "orders"}}
AURORA = {
    "engine": {"type": "aurora-postgresql", "version": "15.4", "parameters": {"log_min_duration_statement": "1s"},
               "instanceParameters": {"work_mem": "32MB"}},
    "instance": {"class": "db.serverless", "count": 2}, "serverless": {"minCapacity": 0.5, "maxCapacity": 4},
    "database": {"name": "orders", "username": "app", "passwordSecret": {"ref": "shop/db#password"}},
    "backup": {"retentionDays": 5}, "tags": {"team": "orders"},
}


def database(spec=SPEC, **more):
    return component("RDS", "db", {**spec, **more})


@pytest.fixture
def shop(team):  # noqa: F811
    team.boto("secretsmanager").create_secret(Name="shop/db", SecretString=json.dumps({"password": "correct-horse-1"}))
    return team


def there(stack, name=ID):
    return stack.boto("rds").describe_db_instances(DBInstanceIdentifier=name)["DBInstances"][0]


def instances(stack):
    return sorted(d["DBInstanceIdentifier"] for d in stack.boto("rds").describe_db_instances()["DBInstances"])


def snapshots(stack):
    found = stack.boto("rds").describe_db_snapshots(SnapshotType="manual")["DBSnapshots"]
    return [s["DBSnapshotIdentifier"] for s in found]


def parameters(stack, group, cluster=False):
    rds = stack.boto("rds")
    found = rds.describe_db_cluster_parameters(DBClusterParameterGroupName=group)["Parameters"] if cluster else \
        rds.describe_db_parameters(DBParameterGroupName=group, Source="user")["Parameters"]
    return {p["ParameterName"]: p["ParameterValue"] for p in found}


@ministack_lacks("throughput of storage")
def test_every_field(shop):
    shop.apply(database())
    d = there(shop)
    assert (d["Engine"], d["EngineVersion"], d["DBInstanceClass"], d["MultiAZ"]) == ("postgres", "15.4", "db.t3.medium", True)
    assert (d["StorageType"], d["AllocatedStorage"], d["MaxAllocatedStorage"], d["Iops"], d["StorageThroughput"]) == (
        "gp3", 400, 600, 12000, 500)
    assert d["StorageEncrypted"] is True and d["PubliclyAccessible"] is False and d["DeletionProtection"] is False
    assert (d["DBName"], d["MasterUsername"], d["Endpoint"]["Port"]) == ("orders", "app", 5433)
    assert (d["BackupRetentionPeriod"], d["PreferredBackupWindow"], d["PreferredMaintenanceWindow"]) == (
        10, "03:00-04:00", "sun:05:00-sun:06:00")
    assert d["AutoMinorVersionUpgrade"] is False and d["IAMDatabaseAuthenticationEnabled"] is True
    assert d["MonitoringInterval"] == 30 and d["MonitoringRoleArn"].endswith(f":role/{ID}-mon")
    assert d["PerformanceInsightsEnabled"] is True and d["PerformanceInsightsRetentionPeriod"] == 31
    assert sorted(d["EnabledCloudwatchLogsExports"]) == ["postgresql", "upgrade"] and d["CopyTagsToSnapshot"] is True
    subnets = {s["SubnetId"]: s["CidrBlock"] for s in shop.boto("ec2").describe_subnets()["Subnets"]}
    assert sorted(subnets[s["SubnetIdentifier"]] for s in d["DBSubnetGroup"]["Subnets"]) == ["10.0.10.0/24", "10.0.20.0/24"]
    [group] = shop.boto("ec2").describe_security_groups(GroupIds=[g["VpcSecurityGroupId"] for g in d["VpcSecurityGroups"]])["SecurityGroups"]
    assert group["GroupName"] == f"{TENANT}-default-sg"  # the stack's own rules do not reach data stores
    name = d["DBParameterGroups"][0]["DBParameterGroupName"]
    assert {k: parameters(shop, name)[k] for k in ("max_connections", "work_mem")} == {"max_connections": "200", "work_mem": "65536"}
    assert shop.boto("rds").describe_db_parameter_groups(DBParameterGroupName=name)["DBParameterGroups"][0][
        "DBParameterGroupFamily"] == "postgres15"
    for log in ("postgresql", "upgrade"):
        [group] = shop.boto("logs").describe_log_groups(logGroupNamePrefix=f"/aws/rds/instance/{ID}/{log}")["logGroups"]
        assert group["retentionInDays"] == 14
    ours(tag_map(shop.boto("rds").list_tags_for_resource(ResourceName=d["DBInstanceArn"])["TagList"]), "db", "RDS")
    outputs = shop.panka.ok("outputs", "--json", cwd=shop.folder).json()
    address = d["Endpoint"]["Address"]
    assert outputs["db.endpoint"] == address and str(outputs["db.port"]) == "5433" and outputs["db.username"] == "app"
    assert outputs["db.url"] == f"postgresql://app@{address}:5433/orders" and outputs["db.instanceId"] == ID
    assert "correct-horse" not in json.dumps([shop.state(), outputs])
    # deleted with a last snapshot; the groups and roles go with it
    assert shop.apply(component("SQS", "other", {}))["db"] == "delete"
    assert instances(shop) == [] and [s.startswith(f"{ID}-final-") for s in snapshots(shop)] == [True]
    assert shop.boto("rds").describe_db_subnet_groups()["DBSubnetGroups"] == [] and set(shop.ids()) == {"other"}
    shop.destroy()


@ministack_lacks("throughput of storage")
def test_changes_in_place(shop):
    shop.apply(database())
    before = shop.ids()
    storage = {"type": "gp3", "allocatedGB": 500, "maxAllocatedGB": 700, "iops": 13000, "throughput": 600}
    shop.apply(database(engine={"type": "postgres", "version": "15.4", "parameters": {"max_connections": "300"}},
                        instance={"class": "db.m6g.large", "multiAZ": False, "storage": storage},
                        backup={"retentionDays": 3, "preferredWindow": "01:00-02:00", "maintenanceWindow": "mon:05:00-mon:06:00"},
                        maintenance={"autoMinorVersionUpgrade": True}, monitoring={}, logs={"exports": ["postgresql"]}, iamAuth=False,
                        deletionProtection=True, tags={"team": "orders", "cost": "42"}))
    d = there(shop)
    assert (d["DBInstanceClass"], d["MultiAZ"], d["AllocatedStorage"], d["MaxAllocatedStorage"], d["Iops"], d["StorageThroughput"]) == (
        "db.m6g.large", False, 500, 700, 13000, 600)
    assert (d["BackupRetentionPeriod"], d["PreferredBackupWindow"], d["PreferredMaintenanceWindow"]) == (
        3, "01:00-02:00", "mon:05:00-mon:06:00")
    assert d["AutoMinorVersionUpgrade"] is True and d["IAMDatabaseAuthenticationEnabled"] is False
    assert d["DeletionProtection"] is True and d["MonitoringInterval"] == 0 and not d["PerformanceInsightsEnabled"]
    assert d["EnabledCloudwatchLogsExports"] == ["postgresql"]
    found = parameters(shop, d["DBParameterGroups"][0]["DBParameterGroupName"])
    assert found["max_connections"] == "300" and "work_mem" not in found
    assert tag_map(shop.boto("rds").list_tags_for_resource(ResourceName=d["DBInstanceArn"])["TagList"])["cost"] == "42"
    gone = {"db:monitoring-role", "db:log-upgrade"}
    assert shop.ids() == {k: v for k, v in before.items() if k not in gone}
    # protected: neither deleted nor destroyed
    shop.refused(8, component("SQS", "other", {}))
    assert shop.panka.run("destroy", shop.folder, "--auto-approve").code == 8 and instances(shop) == [ID]


def test_storage_engine_and_names_are_guarded(shop):
    shop.apply(database(SMALL))
    smaller = {**SMALL["instance"], "storage": {"allocatedGB": 30}}
    shop.apply(database(SMALL, instance=smaller))
    assert there(shop)["AllocatedStorage"] == 30
    assert "rds.storage-shrink" in shop.refused(65, database(SMALL)).err
    other = {**SMALL, "instance": smaller, "engine": {"type": "mysql", "version": "8.0"}}
    assert shop.panka.run("plan", shop.write(database(other)), "--detailed-exitcode").code in (8, 65)
    actions = shop.apply(database(other), flags=["--allow-replace", "db"])
    assert actions["db"] == "replace" and there(shop)["Engine"] == "mysql"
    assert [s.startswith(f"{ID}-final-") for s in snapshots(shop)] == [True]
    if MOTO:  # the identifier is needed again
        assert shop.calls("CreateDBInstance", "DeleteDBInstance") == ["DeleteDBInstance", "CreateDBInstance"]
    # without a snapshot nothing is deleted, unless it is said that nothing need be kept
    shop.apply(database(other, finalSnapshot=False))
    assert shop.panka.run("destroy", shop.folder, "--auto-approve").code != 0 and instances(shop) == [ID]
    shop.destroy("--allow-data-loss", "db")
    assert instances(shop) == [] and len(snapshots(shop)) == 1


def test_passwords(shop):
    generated = {**SMALL, "database": {"name": "orders", "username": "app", "passwordSecret": {"generate": True}}}
    shop.apply(database(generated))
    secrets = shop.boto("secretsmanager")
    made = [s["Name"] for s in secrets.list_secrets()["SecretList"] if s["Name"].endswith("db/password")]
    assert made == [f"{TENANT}/shop/test/db/password"]
    value = secrets.get_secret_value(SecretId=made[0])["SecretString"]
    assert len(value) >= 30 and value not in json.dumps(shop.state())
    # a new version of the secret is a change of the password
    shop.apply(database(SMALL))
    secrets.put_secret_value(SecretId="shop/db", SecretString=json.dumps({"password": "correct-horse-2"}))
    start = len(shop.emulator.mutations()) if MOTO else 0
    shop.panka.ok("apply", shop.folder, "--auto-approve")
    if MOTO:
        assert [r["operation"] for r in shop.emulator.mutations()[start:] if r["service"] == "rds"] == ["ModifyDBInstance"]
    shop.settled()


@ministack_lacks("this version of Aurora")
def test_aurora(shop):
    shop.apply(database(AURORA))
    rds = shop.boto("rds")
    [c] = rds.describe_db_clusters()["DBClusters"]
    assert (c["DBClusterIdentifier"], c["Engine"], c["DatabaseName"], c["MasterUsername"]) == (ID, "aurora-postgresql", "orders", "app")
    assert c["BackupRetentionPeriod"] == 5 and c["StorageEncrypted"] is True
    assert (c["ServerlessV2ScalingConfiguration"]["MinCapacity"], c["ServerlessV2ScalingConfiguration"]["MaxCapacity"]) == (0.5, 4)
    assert len(instances(shop)) == 2 and {d["DBClusterIdentifier"] for d in rds.describe_db_instances()["DBInstances"]} == {ID}
    assert {d["DBInstanceClass"] for d in rds.describe_db_instances()["DBInstances"]} == {"db.serverless"}
    assert parameters(shop, c["DBClusterParameterGroup"], cluster=True)["log_min_duration_statement"] == "1000"
    outputs = shop.panka.ok("outputs", "--json", cwd=shop.folder).json()
    assert outputs["db.endpoint"] == c["Endpoint"] and outputs["db.readerEndpoint"] == c["ReaderEndpoint"]
    before = shop.ids()
    # more readers, another range; then fewer: the highest goes
    shop.apply(database(AURORA, instance={"class": "db.serverless", "count": 3}, serverless={"minCapacity": 1, "maxCapacity": 8},
                        backup={"retentionDays": 2}))
    [c] = rds.describe_db_clusters()["DBClusters"]
    assert c["ServerlessV2ScalingConfiguration"]["MaxCapacity"] == 8 and c["BackupRetentionPeriod"] == 2 and len(instances(shop)) == 3
    actions = shop.apply(database(AURORA, instance={"class": "db.serverless", "count": 1}))
    assert sorted(k for k, a in actions.items() if a == "delete") == ["db:instance-2", "db:instance-3"]
    assert shop.id("db") == before["db"] and len(instances(shop)) == 1
    shop.destroy()
    assert rds.describe_db_clusters()["DBClusters"] == [] and instances(shop) == []
    [snapshot] = rds.describe_db_cluster_snapshots(SnapshotType="manual")["DBClusterSnapshots"]
    assert snapshot["DBClusterSnapshotIdentifier"].startswith(f"{ID}-final-")
    if MOTO:  # the instances before the cluster
        done = shop.calls()
        assert done.index("DeleteDBInstance") < done.index("DeleteDBCluster")


@ministack_lacks("this version of Aurora")
def test_aurora_instead_of_an_instance_only_when_allowed(shop):
    shop.apply(database(SMALL))
    assert shop.panka.run("plan", shop.write(database(AURORA))).code in (8, 65)
    assert instances(shop) == [ID]
    shop.apply(database(AURORA), flags=["--allow-replace", "db"])
    assert shop.boto("rds").describe_db_clusters()["DBClusters"][0]["Engine"] == "aurora-postgresql"
    assert ID not in instances(shop) and [s.startswith(f"{ID}-final-") for s in snapshots(shop)] == [True]
