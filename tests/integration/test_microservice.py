"""The kind MicroService: containers, balancing, discovery, scaling, on Fargate in a tenant's network."""
import base64
import json

import pytest
from kinds import ACCOUNT, MOTO, REGION, TENANT, component, ministack_lacks, ours, tag_map, team  # noqa: F401

PREFIX = f"{TENANT}-shop-test"
DIGEST = "sha256:" + "a" * 64
SPEC = {
    "image": {"repository": "public.ecr.aws/shop/web", "tag": "1.4", "pullPolicy": "Always", "credentialsSecret": "registry"},
    "runtime": {"platform": "fargate", "launchType": "FARGATE", "networkMode": "awsvpc", "cpu": "0.5 vCPU", "memory": "1Gi",
                "ephemeralStorageGB": 30, "architecture": "arm64", "enableExec": True, "user": "1000:1000",
                "readonlyRootFilesystem": True, "stopTimeout": "45s"},
    "environment": {"LEVEL": "info", "QUEUE_URL": {"valueFrom": {"component": "jobs", "output": "queueUrl"}}},
    "secrets": [{"name": "token", "secretRef": "shop/token"}, {"name": "db", "secretRef": "shop/db#password", "envVar": "DB_PASSWORD"}],
    "configs": {"mountPath": "/etc/web", "files": ["web.conf"]},
    "command": ["/bin/web"], "args": ["--serve"], "container": {"workingDirectory": "/srv"},
    "ports": [{"name": "http", "port": 8080, "protocol": "tcp", "appProtocol": "http"}, {"name": "metrics", "port": 9090}],
    "healthCheck": {"path": "/health", "port": 8080, "periodSeconds": 10, "timeoutSeconds": 4, "successThreshold": 3,
                    "failureThreshold": 4, "initialDelaySeconds": 20, "matcher": "200-299",
                    "liveness": {"exec": {"command": ["/bin/probe"]}, "periodSeconds": 15, "timeoutSeconds": 3, "failureThreshold": 5}},
    "replicas": 2,
    "autoscaling": {"minReplicas": 2, "maxReplicas": 6, "targetCPUUtilization": 60, "targetMemoryUtilization": 75,
                    "targetRequestsPerTarget": 500,
                    "policies": [{"metric": {"namespace": "Shop", "name": "Waiting", "statistic": "Average",
                                             "dimensions": {"Queue": "jobs"}}, "targetValue": 12, "scaleInCooldown": 120},
                                 {"type": "schedule", "schedule": "cron(0 6 * * ? *)", "timezone": "Europe/Berlin", "min": 4}]},
    "deployment": {"minimumHealthyPercent": 50, "maximumPercent": 150, "circuitBreaker": False},
    "loadBalancer": {"enabled": True, "allowedCIDRs": ["198.51.100.0/24"], "stickiness": "10m", "deregistrationDelay": 15,
                     "idleTimeout": 120},
    "ingress": {"enabled": True, "hostname": "shop.example.com", "path": "/api"},
    "serviceDiscovery": {"enabled": True, "name": "web", "ttl": 20},
    "volumes": [{"name": "tmp", "mountPath": "/tmp", "type": "emptyDir"},
                {"name": "shared", "mountPath": "/shared", "type": "efs", "source": "fs-0123456789abcdef0",
                 "accessPoint": "fsap-0123456789abcdef0", "readOnly": True}],
    "logging": {"retentionDays": 14}, "tags": {"team": "orders"},
    "permissions": [{"component": "jobs", "access": "write"}],
    "iam": {"statements": [{"Effect": "Allow", "Action": "ses:SendEmail", "Resource": "*"}]},
}
SMALL = {"image": {"repository": "public.ecr.aws/shop/web", "tag": "1.4"}, "tags": {"team": "orders"},
         "ports": [{"name": "http", "port": 8080}]}
QUEUE = component("SQS", "jobs", {})


def service(spec=SPEC, **more):
    return component("MicroService", "web", {**spec, **more})


def dropped(spec, *names):
    return {k: v for k, v in spec.items() if k not in names}


@pytest.fixture
def shop(team):  # noqa: F811
    for name, value in (("shop/token", "t"), ("shop/db", '{"password": "p"}'), ("registry", '{"username": "u", "password": "p"}')):
        team.boto("secretsmanager").create_secret(Name=name, SecretString=value)
    config = team.panka.work / "shop/services/api/config/web.conf"
    config.parent.mkdir(parents=True)
    config.write_text("level=${LEVEL}\n")
    return team


def there(stack):
    """(service, task definition, {container name: container})"""
    ecs = stack.boto("ecs")
    [cluster] = ecs.list_clusters()["clusterArns"]
    [arn] = ecs.list_services(cluster=cluster)["serviceArns"]
    s = ecs.describe_services(cluster=cluster, services=[arn], include=["TAGS"])["services"][0]
    task = ecs.describe_task_definition(taskDefinition=s["taskDefinition"], include=["TAGS"])["taskDefinition"]
    return s, task, {c["name"]: c for c in task["containerDefinitions"]}


def scaling(stack):
    client = stack.boto("application-autoscaling")
    targets = client.describe_scalable_targets(ServiceNamespace="ecs")["ScalableTargets"]
    policies = client.describe_scaling_policies(ServiceNamespace="ecs")["ScalingPolicies"]
    actions = client.describe_scheduled_actions(ServiceNamespace="ecs")["ScheduledActions"]
    return targets, [p["TargetTrackingScalingPolicyConfiguration"] for p in policies], actions


def target_group(stack):
    elb = stack.boto("elbv2")
    groups = elb.describe_target_groups()["TargetGroups"]
    if not groups:
        return None, {}
    attributes = elb.describe_target_group_attributes(TargetGroupArn=groups[0]["TargetGroupArn"])["Attributes"]
    return groups[0], tag_map(attributes)


def role_document(stack, arn, policy="access"):
    return stack.boto("iam").get_role_policy(RoleName=arn.rsplit("/", 1)[1], PolicyName=policy)["PolicyDocument"]


def allowed(document):
    return {a for s in document["Statement"] for a in ([s["Action"]] if isinstance(s["Action"], str) else s["Action"])}


def check_task(stack, task, containers):
    assert (task["family"], task["cpu"], task["memory"], task["networkMode"]) == (f"{PREFIX}-web", "512", "1024", "awsvpc")
    assert task["requiresCompatibilities"] == ["FARGATE"] and task["ephemeralStorage"] == {"sizeInGiB": 30}
    assert task["runtimePlatform"]["cpuArchitecture"] == "ARM64"
    c = containers["web"]
    assert c["image"] == "public.ecr.aws/shop/web:1.4" and c["essential"] is True
    secrets = {s["Name"]: s["ARN"] for s in stack.boto("secretsmanager").list_secrets()["SecretList"]}
    assert c["repositoryCredentials"] == {"credentialsParameter": secrets["registry"]}
    assert {e["name"]: e["value"] for e in c["environment"]} == {"LEVEL": "info", "QUEUE_URL": stack.id("jobs")}
    assert {s["name"]: s["valueFrom"] for s in c["secrets"]} == {"token": secrets["shop/token"],
                                                                  "DB_PASSWORD": f"{secrets['shop/db']}:password::"}
    assert (c["entryPoint"], c["command"], c["workingDirectory"], c["user"]) == (["/bin/web"], ["--serve"], "/srv", "1000:1000")
    assert c["readonlyRootFilesystem"] is True and c["stopTimeout"] == 45
    ports = {p["name"]: p for p in c["portMappings"]}
    assert (ports["http"]["containerPort"], ports["http"]["protocol"], ports["http"]["appProtocol"]) == (8080, "tcp", "http")
    assert ports["metrics"]["containerPort"] == 9090
    health = c["healthCheck"]
    assert (health["command"], health["interval"], health["timeout"], health["retries"]) == (["CMD", "/bin/probe"], 15, 3, 5)
    mounts = {m["containerPath"]: m for m in c["mountPoints"]}
    assert set(mounts) == {"/tmp", "/shared", "/etc/web"} and mounts["/shared"]["readOnly"] is True
    volumes = {v["name"]: v for v in task["volumes"]}
    efs = volumes["shared"]["efsVolumeConfiguration"]
    assert efs["fileSystemId"] == "fs-0123456789abcdef0" and efs["transitEncryption"] == "ENABLED"
    assert efs["authorizationConfig"] == {"accessPointId": "fsap-0123456789abcdef0", "iam": "ENABLED"}
    options = c["logConfiguration"]["options"]
    assert options["awslogs-group"] == f"/panka/{TENANT}/shop/test/api/web" and options["awslogs-region"] == REGION
    [group] = stack.boto("logs").describe_log_groups(logGroupNamePrefix=options["awslogs-group"])["logGroups"]
    assert group["retentionInDays"] == 14
    # the files come through a container that ends before the service starts
    init = containers["panka-config"]
    texts = [base64.b64decode(e["value"]).decode(errors="ignore") for e in init["environment"]]
    assert init["essential"] is False and any("level=info" in t for t in texts)
    assert c["dependsOn"] == [{"containerName": "panka-config", "condition": "SUCCESS"}]


def check_roles(stack, task):
    access = role_document(stack, task["taskRoleArn"])
    actions = allowed(access)
    assert {"sqs:SendMessage", "ses:SendEmail", "ssmmessages:OpenDataChannel"} <= actions
    assert "sqs:ReceiveMessage" not in actions  # write is all that was asked for
    iam = stack.boto("iam")
    execution = task["executionRoleArn"].rsplit("/", 1)[1]
    attached = iam.list_attached_role_policies(RoleName=execution)["AttachedPolicies"]
    assert [p["PolicyName"] for p in attached] == ["AmazonECSTaskExecutionRolePolicy"]
    names = iam.list_role_policies(RoleName=execution)["PolicyNames"]
    document = json.dumps(iam.get_role_policy(RoleName=execution, PolicyName=names[0])["PolicyDocument"])
    assert all(f":secret:{name}-" in document for name in ("shop/token", "shop/db", "registry")) and '"*"' not in document


def check_balancer(stack, s):
    elb = stack.boto("elbv2")
    [lb] = elb.describe_load_balancers()["LoadBalancers"]
    assert (lb["Type"], lb["Scheme"], len(lb["AvailabilityZones"])) == ("application", "internet-facing", 2)
    attributes = tag_map(elb.describe_load_balancer_attributes(LoadBalancerArn=lb["LoadBalancerArn"])["Attributes"])
    assert attributes["idle_timeout.timeout_seconds"] == "120"
    assert attributes["routing.http.drop_invalid_header_fields.enabled"] == "true"
    [listener] = elb.describe_listeners(LoadBalancerArn=lb["LoadBalancerArn"])["Listeners"]
    assert (listener["Port"], listener["Protocol"]) == (80, "HTTP")
    assert listener["DefaultActions"][0]["FixedResponseConfig"]["StatusCode"] == "404"
    [rule] = [r for r in elb.describe_rules(ListenerArn=listener["ListenerArn"])["Rules"] if r["Priority"] != "default"]
    conditions = {c["Field"]: c for c in rule["Conditions"]}
    assert conditions["host-header"]["HostHeaderConfig"]["Values"] == ["shop.example.com"]
    assert conditions["path-pattern"]["PathPatternConfig"]["Values"] == ["/api", "/api/*"]
    group, attributes = target_group(stack)
    assert rule["Actions"][0]["TargetGroupArn"] == group["TargetGroupArn"]
    assert (group["Port"], group["Protocol"], group["TargetType"]) == (8080, "HTTP", "ip")
    assert (group["HealthCheckPath"], group["HealthCheckIntervalSeconds"], group["HealthCheckTimeoutSeconds"],
            group["HealthyThresholdCount"], group["UnhealthyThresholdCount"], group["Matcher"]["HttpCode"]) == (
        "/health", 10, 4, 3, 4, "200-299")
    assert attributes["deregistration_delay.timeout_seconds"] == "15"
    assert attributes["stickiness.lb_cookie.duration_seconds"] == "600" and attributes["stickiness.enabled"] == "true"
    assert s["loadBalancers"] == [{"targetGroupArn": group["TargetGroupArn"], "containerName": "web", "containerPort": 8080}]
    assert s["healthCheckGracePeriodSeconds"] == 20
    groups = stack.boto("ec2").describe_security_groups(GroupIds=lb["SecurityGroups"])["SecurityGroups"]
    open_to = {r["CidrIp"] for g in groups for p in g["IpPermissions"] if p.get("FromPort") == 80 for r in p["IpRanges"]}
    assert open_to == {"198.51.100.0/24"}


def check_scaling(stack):
    [target], policies, [action] = scaling(stack)
    assert (target["MinCapacity"], target["MaxCapacity"]) == (2, 6)
    assert target["ResourceId"] == f"service/{PREFIX}-cluster/{PREFIX}-web"
    values = {p.get("PredefinedMetricSpecification", {}).get("PredefinedMetricType", "custom"): p for p in policies}
    assert {k: v["TargetValue"] for k, v in values.items()} == {
        "ECSServiceAverageCPUUtilization": 60, "ECSServiceAverageMemoryUtilization": 75, "ALBRequestCountPerTarget": 500, "custom": 12}
    metric = values["custom"]["CustomizedMetricSpecification"]
    assert (metric["Namespace"], metric["MetricName"], metric["Dimensions"]) == ("Shop", "Waiting", [{"Name": "Queue", "Value": "jobs"}])
    assert values["custom"]["ScaleInCooldown"] == 120
    label = values["ALBRequestCountPerTarget"]["PredefinedMetricSpecification"]["ResourceLabel"]
    assert label.startswith("app/") and "/targetgroup/" in label
    assert (action["Schedule"], action["ScalableTargetAction"]["MinCapacity"]) == ("cron(0 6 * * ? *)", 4)


@ministack_lacks("Application Auto Scaling")
def test_every_field(shop):
    shop.apply(service(), QUEUE)
    s, task, containers = there(shop)
    check_task(shop, task, containers)
    check_roles(shop, task)
    assert (s["serviceName"], s["desiredCount"], s["launchType"]) == (f"{PREFIX}-web", 2, "FARGATE")
    d = s["deploymentConfiguration"]
    assert (d["minimumHealthyPercent"], d["maximumPercent"]) == (50, 150)
    assert d["deploymentCircuitBreaker"] == {"enable": False, "rollback": False}
    network = s["networkConfiguration"]["awsvpcConfiguration"]
    private = [x["SubnetId"] for x in shop.boto("ec2").describe_subnets()["Subnets"] if not x["MapPublicIpOnLaunch"]
               and x["CidrBlock"] in ("10.0.10.0/24", "10.0.20.0/24")]
    assert sorted(network["subnets"]) == sorted(private) and network["assignPublicIp"] == "DISABLED"
    assert s["enableExecuteCommand"] is True and s["propagateTags"] == "SERVICE"
    ours(tag_map(s["tags"], "key", "value"), "web", "MicroService")
    check_balancer(shop, s)
    check_scaling(shop)
    names = shop.boto("servicediscovery")
    [space] = names.list_namespaces()["Namespaces"]
    [entry] = names.list_services()["Services"]
    assert (space["Name"], space["Type"], entry["Name"]) == ("shop.test.local", "DNS_PRIVATE", "web")
    assert names.get_service(Id=entry["Id"])["Service"]["DnsConfig"]["DnsRecords"] == [{"Type": "A", "TTL": 20}]
    assert s["serviceRegistries"][0]["registryArn"] == names.get_service(Id=entry["Id"])["Service"]["Arn"]
    outputs = shop.panka.ok("outputs", "--json", cwd=shop.folder).json()
    assert outputs["web.url"] == "http://web.shop.test.local:8080" and outputs["web.port"] in (8080, "8080")
    assert outputs["web.endpoint"] == "http://shop.example.com" and outputs["web.serviceName"] == f"{PREFIX}-web"
    assert outputs["web.taskRoleArn"] == task["taskRoleArn"] and outputs["web.image"] == "public.ecr.aws/shop/web:1.4"
    # everything goes, in the order in which it can
    shop.destroy()
    assert shop.boto("elbv2").describe_load_balancers()["LoadBalancers"] == []
    assert names.list_namespaces()["Namespaces"] == [] and scaling(shop)[0] == []
    assert shop.boto("ecs").list_task_definitions(status="ACTIVE")["taskDefinitionArns"] == []
    assert [r for r in shop.boto("iam").list_roles()["Roles"] if "shop" in r["RoleName"]] == []
    if MOTO:
        done = shop.calls()
        assert done.index("DeleteService") < done.index("DeleteRule") < done.index("DeleteTargetGroup")
        assert done.index("DeregisterScalableTarget") < done.index("DeleteService")


def test_what_runs_changes_by_revision(team):  # noqa: F811
    small = service({**SMALL, "environment": {"LEVEL": "info"}})
    team.apply(small)
    before = team.ids()
    s, task, _ = there(team)
    actions = team.apply(service({**SMALL, "image": {"repository": "public.ecr.aws/shop/web", "digest": DIGEST},
                                  "environment": {"LEVEL": "debug", "MORE": "1"}, "runtime": {"cpu": 1024, "memory": "3GB"},
                                  "args": ["--debug"], "logging": {"retentionDays": "never"}, "replicas": 3}))
    assert actions["web:task-definition"] == "replace" and actions["web"] == "update"
    now, second, containers = there(team)
    c = containers["web"]
    assert c["image"] == f"public.ecr.aws/shop/web@{DIGEST}" and c["command"] == ["--debug"]
    assert {e["name"]: e["value"] for e in c["environment"]} == {"LEVEL": "debug", "MORE": "1"}
    assert (second["cpu"], second["memory"], second["revision"], now["desiredCount"]) == ("1024", "3072", task["revision"] + 1, 3)
    [group] = team.boto("logs").describe_log_groups(logGroupNamePrefix=f"/panka/{TENANT}/shop/test/api/web")["logGroups"]
    assert "retentionInDays" not in group
    assert {k: v for k, v in team.ids().items() if k != "web:task-definition"} == {
        k: v for k, v in before.items() if k != "web:task-definition"}
    if MOTO:  # the new revision first, then the service; the old revision stays to go back to
        assert team.calls("RegisterTaskDefinition", "UpdateService", "DeregisterTaskDefinition") == [
            "RegisterTaskDefinition", "UpdateService"]
    assert len(team.boto("ecs").list_task_definitions(status="ACTIVE")["taskDefinitionArns"]) == 2
    # no change of the text, yet another roll-out
    start = len(team.emulator.mutations()) if MOTO else 0
    team.panka.ok("apply", team.folder, "--auto-approve", "--redeploy", "web")
    if MOTO:
        assert [r["operation"] for r in team.emulator.mutations()[start:] if r["service"] == "ecs"] == ["UpdateService"]


@ministack_lacks("Application Auto Scaling")
def test_service_settings_balancing_and_scaling_come_and_go(team):  # noqa: F811
    team.apply(service(SMALL))
    before = team.id("web")
    balanced = {**SMALL, "loadBalancer": {"enabled": True}, "serviceDiscovery": True,
                "autoscaling": {"minReplicas": 2, "maxReplicas": 4}, "deployment": {"minimumHealthyPercent": 0, "maximumPercent": 100},
                "networking": {"subnets": "public", "assignPublicIp": True}}
    team.apply(service(balanced))
    s, _, _ = there(team)
    group, _ = target_group(team)
    assert s["loadBalancers"][0]["targetGroupArn"] == group["TargetGroupArn"] and s["serviceRegistries"]
    assert s["deploymentConfiguration"]["maximumPercent"] == 100
    assert s["networkConfiguration"]["awsvpcConfiguration"]["assignPublicIp"] == "ENABLED"
    [target], [policy], _ = scaling(team)
    assert (target["MinCapacity"], target["MaxCapacity"], policy["TargetValue"]) == (2, 4, 70)
    # what autoscaling does stays; the health check and the bounds change in place
    team.boto("ecs").update_service(cluster=s["clusterArn"], service=s["serviceArn"], desiredCount=4)
    team.settled()
    changed = {**balanced, "healthCheck": {"path": "/ready", "periodSeconds": 20}, "loadBalancer": {"deregistrationDelay": 5, "enabled": True},
               "autoscaling": {"minReplicas": 2, "maxReplicas": 5, "targetCPUUtilization": 50}}
    team.apply(service(changed))
    group_now, attributes = target_group(team)
    assert group_now["TargetGroupArn"] == group["TargetGroupArn"] and group_now["HealthCheckPath"] == "/ready"
    assert attributes["deregistration_delay.timeout_seconds"] == "5"
    [target], [policy], _ = scaling(team)
    assert (target["MaxCapacity"], policy["TargetValue"]) == (5, 50) and there(team)[0]["desiredCount"] == 4
    team.apply(service(SMALL))
    s, _, _ = there(team)
    assert not s["loadBalancers"] and not s["serviceRegistries"] and scaling(team)[0] == []
    assert team.boto("elbv2").describe_load_balancers()["LoadBalancers"] == [] and target_group(team)[0] is None
    assert team.id("web") == before


@ministack_lacks("PathPatternConfig and ProtocolVersion")
def test_port_of_the_target_group_replaces_it_create_first(team):  # noqa: F811
    team.apply(service({**SMALL, "loadBalancer": True}))
    before = team.ids()
    actions = team.apply(service({**SMALL, "ports": [{"name": "http", "port": 9000}], "loadBalancer": True}))
    assert actions["web:target-group"] == "replace" and actions["web"] == "update"
    group, _ = target_group(team)
    assert group["Port"] == 9000 and there(team)[0]["loadBalancers"][0]["containerPort"] == 9000
    assert team.id("web:target-group") != before["web:target-group"] and team.id("web") == before["web"]
    if MOTO:
        calls = team.calls("CreateTargetGroup", "ModifyRule", "UpdateService", "DeleteTargetGroup")
        assert calls[0] == "CreateTargetGroup" and calls[-1] == "DeleteTargetGroup" and "UpdateService" in calls


@ministack_lacks("capacity provider strategies of services")
def test_network_load_balancer_spot_and_removal(team):  # noqa: F811
    nlb = {**SMALL, "ports": [{"name": "tcp", "port": 5000}], "loadBalancer": {"enabled": True, "type": "network", "internal": True},
           "runtime": {"spot": True}}
    team.apply(service(nlb), QUEUE)
    [lb] = team.boto("elbv2").describe_load_balancers()["LoadBalancers"]
    assert (lb["Type"], lb["Scheme"]) == ("network", "internal")
    [listener] = team.boto("elbv2").describe_listeners(LoadBalancerArn=lb["LoadBalancerArn"])["Listeners"]
    assert (listener["Port"], listener["Protocol"]) == (5000, "TCP")
    assert there(team)[0]["capacityProviderStrategy"][0]["capacityProvider"] == "FARGATE_SPOT"
    actions = team.apply(QUEUE)
    assert actions["web"] == "delete" and actions["_stack:cluster"] == "delete"
    clusters = team.boto("ecs").list_clusters()["clusterArns"]
    assert all(c["status"] == "INACTIVE" for c in team.boto("ecs").describe_clusters(clusters=clusters)["clusters"])
    assert team.boto("elbv2").describe_load_balancers()["LoadBalancers"] == []
    assert set(team.ids()) == {"jobs"}
