"""The main job on the complete example: every property that the YAML sets is looked up with boto3 afterwards."""
import hashlib
import json
import time

import pytest

from conftest import ACCOUNT, KIND, REGION

STACK = "notification-platform"
PREFIX = "notifications-team-notification-platform-production"
SYSTEM_TAGS = {"panka:managed": "true", "panka:tenant": "notifications-team", "panka:stack": STACK,
               "panka:environment": "production"}


def bucket_name(panka):
    """Longer than 63 characters: cut, with a hash of the whole name and the account."""
    name = panka.state(STACK, "production", "notifications-team")["resources"]["attachments"]["physicalId"]
    digest = hashlib.sha256(f"{PREFIX}-attachments".encode()).hexdigest()[:8]
    assert name == f"notifications-team-notification-platform-{digest}-{ACCOUNT}" and len(name) <= 63
    return name


def tag_map(tags, key="Key", value="Value"):
    return {t[key]: t[value] for t in tags}


def assert_ours(tags, component, resource=None):
    for key, value in SYSTEM_TAGS.items():
        assert tags.get(key) == value, (component, key, tags)
    assert tags["panka:component"] == component
    assert tags["panka:resource"] == (resource or component)
    assert tags["panka:lineage"] and tags["panka:op"]
    # tenant defaults and stack labels
    assert tags["tenant"] == "notifications-team" and tags["team"] == "notifications"


@pytest.fixture
def deployed(panka):
    panka.tenant()
    folder = panka.example()
    panka.ok("secret", "set", "production/api/db-password", input="correct-horse-battery-staple")
    panka.ok("validate", folder)
    panka.ok("apply", folder, "--auto-approve", timeout=300)
    return folder


def check_network(panka):
    ec2 = panka.boto("ec2")
    vpcs = [v for v in ec2.describe_vpcs()["Vpcs"] if v["CidrBlock"] == "10.0.0.0/16"]
    assert len(vpcs) == 1
    vpc = vpcs[0]["VpcId"]
    of_vpc = [{"Name": "vpc-id", "Values": [vpc]}]
    subnets = ec2.describe_subnets(Filters=of_vpc)["Subnets"]
    assert sorted(s["CidrBlock"] for s in subnets) == ["10.0.1.0/24", "10.0.10.0/24", "10.0.2.0/24", "10.0.20.0/24"]
    public = {s["CidrBlock"]: s["MapPublicIpOnLaunch"] for s in subnets}
    assert public["10.0.1.0/24"] and not public["10.0.10.0/24"]
    nats = ec2.describe_nat_gateways(Filters=of_vpc)["NatGateways"]
    assert [n["State"] for n in nats] == ["available"]
    groups = [g for g in ec2.describe_security_groups(Filters=of_vpc)["SecurityGroups"] if g["GroupName"] != "default"]
    names = sorted(g["GroupName"] for g in groups)
    assert "notifications-team-default-sg" in names
    routes = ec2.describe_route_tables(Filters=of_vpc)["RouteTables"]
    targets = {r.get("NatGatewayId") or r.get("GatewayId") for t in routes for r in t["Routes"]
               if r.get("DestinationCidrBlock") == "0.0.0.0/0"}
    assert len(targets) == 2 and any(t.startswith("igw-") for t in targets)
    for attribute in ("enableDnsHostnames", "enableDnsSupport"):
        answer = ec2.describe_vpc_attribute(VpcId=vpc, Attribute=attribute)
        assert answer[attribute[0].upper() + attribute[1:]]["Value"] is True


def check_database(panka):
    rds = panka.boto("rds")
    [db] = rds.describe_db_instances()["DBInstances"]
    assert db["DBInstanceIdentifier"] == f"{PREFIX}-api-db"
    assert db["Engine"] == "postgres" and db["EngineVersion"].split(".")[0] == "15"
    assert db["DBInstanceClass"] == "db.t3.medium" and db["StorageType"] == "gp3"
    assert (db["AllocatedStorage"], db["MaxAllocatedStorage"]) == (100, 500)
    assert db["MultiAZ"] is True and db["StorageEncrypted"] is True and db["DeletionProtection"] is True
    assert db["DBName"] == "notifications" and db["MasterUsername"] == "dbadmin"
    assert db["BackupRetentionPeriod"] == 7 and db["PreferredBackupWindow"] == "03:00-04:00"
    assert db["PubliclyAccessible"] is False
    assert len(db["VpcSecurityGroups"]) == 1
    assert_ours(tag_map(rds.list_tags_for_resource(ResourceName=db["DBInstanceArn"])["TagList"]), "api-db")
    group = db["DBParameterGroups"][0]["DBParameterGroupName"]
    parameters = rds.describe_db_parameters(DBParameterGroupName=group, Source="user")["Parameters"]
    assert {p["ParameterName"]: p["ParameterValue"] for p in parameters}["max_connections"] == "200"
    return db


def check_queue(panka):
    sqs = panka.boto("sqs")
    url = sqs.get_queue_url(QueueName=f"{PREFIX}-notification-queue")["QueueUrl"]
    a = sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["All"])["Attributes"]
    assert (a["MessageRetentionPeriod"], a["VisibilityTimeout"], a["ReceiveMessageWaitTimeSeconds"]) == ("345600", "300", "20")
    redrive = json.loads(a["RedrivePolicy"])
    assert int(redrive["maxReceiveCount"]) == 3
    assert redrive["deadLetterTargetArn"].endswith(f"{PREFIX}-notification-queue-dlq")
    assert_ours(sqs.list_queue_tags(QueueUrl=url)["Tags"], "notification-queue")
    dlq = sqs.get_queue_url(QueueName=f"{PREFIX}-notification-queue-dlq")["QueueUrl"]
    assert_ours(sqs.list_queue_tags(QueueUrl=dlq)["Tags"], "notification-queue", "notification-queue:dlq")
    return url


def check_service(panka, db, queue_url, log_level="info"):
    ecs = panka.boto("ecs")
    [cluster] = ecs.list_clusters()["clusterArns"]
    [arn] = ecs.list_services(cluster=cluster)["serviceArns"]
    service = ecs.describe_services(cluster=cluster, services=[arn], include=["TAGS"])["services"][0]
    assert service["desiredCount"] == 3 and service["launchType"] == "FARGATE"
    network = service["networkConfiguration"]["awsvpcConfiguration"]
    assert len(network["subnets"]) == 2 and network["assignPublicIp"] == "DISABLED"
    assert len(network["securityGroups"]) == 2  # the tenant's and the stack's
    assert_ours(tag_map(service["tags"], "key", "value"), "api-server")
    task = ecs.describe_task_definition(taskDefinition=service["taskDefinition"], include=["TAGS"])
    definition = task["taskDefinition"]
    assert (definition["cpu"], definition["memory"], definition["networkMode"]) == ("256", "512", "awsvpc")
    [container] = definition["containerDefinitions"]
    assert container["image"] == "123456789012.dkr.ecr.us-east-1.amazonaws.com/api:latest"
    assert container["portMappings"][0]["containerPort"] == 8080
    environment = {e["name"]: e["value"] for e in container["environment"]}
    assert environment == {"ENV": "production", "PORT": "8080", "LOG_LEVEL": log_level,
                           "DB_HOST": db["Endpoint"]["Address"], "QUEUE_URL": queue_url}
    secret = panka.boto("secretsmanager").describe_secret(SecretId="production/api/db-password")
    assert container["secrets"] == [{"name": "DB_PASSWORD", "valueFrom": secret["ARN"]}]
    assert container["logConfiguration"]["logDriver"] == "awslogs"
    group = container["logConfiguration"]["options"]["awslogs-group"]
    [log] = panka.boto("logs").describe_log_groups(logGroupNamePrefix=group)["logGroups"]
    assert log["retentionInDays"] == 30
    iam = panka.boto("iam")
    role = definition["taskRoleArn"].rsplit("/", 1)[1]
    policy = iam.get_role_policy(RoleName=role, PolicyName="access")["PolicyDocument"]
    actions = {a for s in policy["Statement"] for a in ([s["Action"]] if isinstance(s["Action"], str) else s["Action"])}
    assert "sqs:SendMessage" in actions and not any(a.endswith("*") for a in actions)
    return definition["revision"]


def check_function(panka, log_level="info"):
    client = panka.boto("lambda")
    function = client.get_function(FunctionName=f"{PREFIX}-processor")
    c = function["Configuration"]
    assert (c["Runtime"], c["Handler"], c["MemorySize"], c["Timeout"]) == ("python3.13", "index.handler", 256, 45)
    variables = c["Environment"]["Variables"]
    assert variables["LOG_LEVEL"] == log_level
    assert variables["SESSIONS_TABLE"] == f"{PREFIX}-sessions-table"
    assert variables["ALERTS_TOPIC"] == f"arn:aws:sns:{REGION}:{ACCOUNT}:{PREFIX}-delivery-alerts"
    assert variables["ATTACHMENTS_BUCKET"] == bucket_name(panka)
    assert len(c["VpcConfig"]["SubnetIds"]) == 2
    [mapping] = client.list_event_source_mappings(FunctionName=f"{PREFIX}-processor")["EventSourceMappings"]
    assert mapping["EventSourceArn"].endswith(f"{PREFIX}-notification-queue") and mapping["BatchSize"] == 10
    assert_ours(function["Tags"], "processor")


def check_stores(panka):
    dynamodb = panka.boto("dynamodb")
    table = dynamodb.describe_table(TableName=f"{PREFIX}-sessions-table")["Table"]
    assert table["KeySchema"] == [{"AttributeName": "sessionId", "KeyType": "HASH"}, {"AttributeName": "createdAt", "KeyType": "RANGE"}]
    assert table["GlobalSecondaryIndexes"][0]["IndexName"] == "by-user"
    assert table["DeletionProtectionEnabled"] is True
    ttl = dynamodb.describe_time_to_live(TableName=table["TableName"])["TimeToLiveDescription"]
    assert ttl["TimeToLiveStatus"] == "ENABLED" and ttl["AttributeName"] == "expiresAt"
    backups = dynamodb.describe_continuous_backups(TableName=table["TableName"])["ContinuousBackupsDescription"]
    assert backups["PointInTimeRecoveryDescription"]["PointInTimeRecoveryStatus"] == "ENABLED"
    pages = dynamodb.get_paginator("list_tags_of_resource").paginate(ResourceArn=table["TableArn"])
    assert_ours(tag_map(t for page in pages for t in page["Tags"]), "sessions-table")
    s3 = panka.boto("s3")
    bucket = bucket_name(panka)
    assert s3.get_bucket_versioning(Bucket=bucket)["Status"] == "Enabled"
    rule = s3.get_bucket_lifecycle_configuration(Bucket=bucket)["Rules"][0]
    assert rule["ID"] == "old-attachments" and rule["Expiration"]["Days"] == 365
    assert rule["NoncurrentVersionExpiration"]["NoncurrentDays"] == 30
    assert all(s3.get_public_access_block(Bucket=bucket)["PublicAccessBlockConfiguration"].values())
    assert s3.get_bucket_encryption(Bucket=bucket)["ServerSideEncryptionConfiguration"]["Rules"]
    assert "aws:SecureTransport" in s3.get_bucket_policy(Bucket=bucket)["Policy"]
    assert_ours(tag_map(s3.get_bucket_tagging(Bucket=bucket)["TagSet"]), "attachments")
    sns = panka.boto("sns")
    topic = f"arn:aws:sns:{REGION}:{ACCOUNT}:{PREFIX}-delivery-alerts"
    assert sns.get_topic_attributes(TopicArn=topic)["Attributes"]["DisplayName"] == "Delivery alerts"


def test_everything_the_yaml_says_exists(panka, deployed):
    check_network(panka)
    db = check_database(panka)
    url = check_queue(panka)
    check_service(panka, db, url)
    check_function(panka)
    check_stores(panka)
    state = panka.state(STACK, "production", "notifications-team")
    assert state["formatVersion"] == 2 and state["metadata"]["status"] == "ready"
    assert all(r["status"] == "ready" and not r.get("pendingOperation") for r in state["resources"].values())
    assert "correct-horse" not in json.dumps(state)


def test_second_plan_finds_nothing_to_do(panka, deployed):
    for flags in ([], ["--refresh"], ["--no-refresh"]):
        result = panka.run("plan", deployed, "--detailed-exitcode", *flags)
        assert result.code == 0, result
        assert "Nothing to do" in result.out
    again = panka.ok("apply", deployed, "--auto-approve")
    assert "Nothing to do" in again.out


def test_a_changed_variable_updates_in_place(panka, deployed):
    db, url = check_database(panka), check_queue(panka)
    before = check_service(panka, db, url)
    plan = panka.run("plan", deployed, "--var", "LOG_LEVEL=debug", "--detailed-exitcode", "--json")
    assert plan.code == 2
    touched = {a["component"] for a in plan.json()["actions"]}
    assert touched == {"api-server", "processor"}
    panka.ok("apply", deployed, "--var", "LOG_LEVEL=debug", "--auto-approve")
    assert check_service(panka, db, url, "debug") == before + 1
    check_function(panka, "debug")
    assert panka.run("plan", deployed, "--var", "LOG_LEVEL=debug", "--detailed-exitcode").code == 0


def test_status_and_outputs(panka, deployed):
    status = panka.ok("status", deployed, "--json").json()
    assert {c["component"]: c["status"] for c in status["components"] if c["service"] != "-"} == {
        "api-server": "ready", "api-db": "ready", "notification-queue": "ready", "processor": "ready",
        "sessions-table": "ready", "attachments": "ready", "delivery-alerts": "ready"}
    outputs = panka.ok("outputs", "--json", cwd=deployed).json()
    assert outputs["notification-queue.queueUrl"].endswith(f"{PREFIX}-notification-queue")
    one = panka.ok("outputs", "api-db.endpoint", cwd=deployed)
    assert one.out.strip() == outputs["api-db.endpoint"]
    for line in (panka.ok("status", deployed).out, panka.ok("outputs", cwd=deployed).out):
        assert line.strip()


def test_destroy_leaves_nothing_but_network_state_and_history(panka, deployed):
    refused = panka.run("destroy", deployed, "--confirm", STACK, "--auto-approve")
    assert refused.code == 8, refused
    check_database(panka)
    panka.ok("destroy", deployed, "--disable-protection", "--confirm", STACK, "--auto-approve", timeout=300)
    assert panka.boto("rds").describe_db_instances()["DBInstances"] == []
    assert panka.boto("sqs").list_queues().get("QueueUrls", []) == []
    assert panka.boto("lambda").list_functions()["Functions"] == []
    assert panka.boto("ecs").list_clusters()["clusterArns"] == [] or all(
        c["status"] == "INACTIVE" for c in panka.boto("ecs").describe_clusters(clusters=panka.boto("ecs").list_clusters()["clusterArns"])["clusters"])
    assert panka.boto("dynamodb").list_tables()["TableNames"] == ["panka-locks"]
    assert [b["Name"] for b in panka.boto("s3").list_buckets()["Buckets"]] == ["acme-panka-state"]
    assert panka.boto("sns").list_topics()["Topics"] == []
    roles = [r["RoleName"] for r in panka.boto("iam").list_roles()["Roles"] if "notification-platform" in r["RoleName"]]
    assert roles == []
    groups = [g["logGroupName"] for g in panka.boto("logs").describe_log_groups()["logGroups"]]
    assert groups == []
    check_network(panka)
    state = panka.state(STACK, "production", "notifications-team")
    assert state["resources"] == {} and state["metadata"]["status"] == "destroyed"
    keys = [o["Key"] for o in panka.boto("s3").list_objects_v2(Bucket="acme-panka-state")["Contents"]]
    assert any("/history/" in k for k in keys) and any("/deployments/" in k for k in keys)


def test_no_secret_anywhere(panka, deployed):
    s3 = panka.boto("s3")
    for item in s3.list_objects_v2(Bucket="acme-panka-state")["Contents"]:
        body = s3.get_object(Bucket="acme-panka-state", Key=item["Key"])["Body"].read().decode()
        assert "correct-horse" not in body, item["Key"]
    for args in (["plan", deployed, "--full"], ["plan", deployed, "--json"], ["state", "list"], ["secret", "list", "--json"],
                 ["plan", deployed, "-vvv"], ["plan", deployed, "--out", "saved.plan"]):
        result = panka.run(*args, cwd=deployed)
        assert "correct-horse" not in result.out + result.err, args
    assert "correct-horse" not in (deployed / "saved.plan").read_text()


def test_saved_plan(panka, deployed):
    panka.ok("plan", deployed, "--var", "LOG_LEVEL=warn", "--out", "release.plan")
    panka.ok("apply", "release.plan", "--auto-approve")
    assert panka.run("plan", deployed, "--var", "LOG_LEVEL=warn", "--detailed-exitcode").code == 0
    stale = panka.fails(1, "apply", "release.plan", "--auto-approve")
    assert "serial" in stale.err


@pytest.mark.skipif(KIND != "moto", reason="the ledger that tells where to kill belongs to the moto wrapper")
def test_kill_in_the_middle_converges(panka, emulator):
    panka.tenant()
    panka.short_lease()
    folder = panka.example()
    panka.ok("secret", "set", "production/api/db-password", input="correct-horse-battery-staple")
    start = len(emulator.mutations())
    killed = panka.popen("apply", folder, "--auto-approve")
    deadline = time.time() + 60
    while time.time() < deadline and len(emulator.mutations()) < start + 14 and killed.poll() is None:
        time.sleep(0.005)
    killed.kill()
    killed.communicate()
    assert killed.returncode == -9
    panka.ok("apply", folder, "--auto-approve", "--lock-timeout", "5m", timeout=400)
    assert panka.run("plan", folder, "--detailed-exitcode").code == 0
    db, url = check_database(panka), check_queue(panka)
    check_service(panka, db, url)
    check_function(panka)
    check_stores(panka)
    assert len(panka.boto("sqs").list_queues()["QueueUrls"]) == 2
