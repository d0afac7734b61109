"""ECS, load balancing, scaling, alarms, discovery: the life of each type against the emulator."""
import pytest

from driver import MOTO, TAGS, Failure, ministack_lacks


@pytest.fixture
def vpc(aws):
    return aws.create("AWS::EC2::VPC", {"CidrBlock": "10.0.0.0/16"}, key="the-vpc")


@pytest.fixture
def subnets(aws, vpc):
    igw = aws.create("AWS::EC2::InternetGateway", {}, key="igw")
    aws.create("AWS::EC2::VPCGatewayAttachment", {"InternetGatewayId": igw.id, "VpcId": vpc.id})
    return [aws.create("AWS::EC2::Subnet", {"VpcId": vpc.id, "CidrBlock": f"10.0.{i}.0/24",
                                            "AvailabilityZone": f"us-east-1{'abc'[i]}"}, key=f"subnet-{i}").id
            for i in range(3)]


@pytest.fixture
def group(aws, vpc):
    return aws.create("AWS::EC2::SecurityGroup", {"GroupName": "g", "GroupDescription": "g", "VpcId": vpc.id}, key="g")


@pytest.fixture
def cluster(aws):
    return aws.create("AWS::ECS::Cluster", {"ClusterName": "main"}, key="cluster")


def definition(tag="1", **more):
    return {"Family": "app", "NetworkMode": "awsvpc", "Cpu": "256", "Memory": "512", "RequiresCompatibilities": ["FARGATE"],
            "RuntimePlatform": {"CpuArchitecture": "X86_64", "OperatingSystemFamily": "LINUX"},
            "ContainerDefinitions": [{
                "Name": "app", "Image": f"nginx:{tag}", "Essential": True,
                "PortMappings": [{"Name": "http", "ContainerPort": 80, "Protocol": "tcp"}],
                "Environment": [{"Name": "B", "Value": "2"}, {"Name": "A", "Value": "1"}],
                "Secrets": [{"Name": "P", "ValueFrom": "arn:aws:secretsmanager:us-east-1:123456789012:secret:p-abcdef"}],
                "DockerLabels": {"Com.Example": "x"},
                "LogConfiguration": {"LogDriver": "awslogs", "Options": {"awslogs-group": "/g", "awslogs-region": "us-east-1",
                                                                         "awslogs-stream-prefix": "app"}},
                "HealthCheck": {"Command": ["CMD", "true"], "Interval": 30, "Retries": 3},
                "MountPoints": [{"SourceVolume": "data", "ContainerPath": "/data", "ReadOnly": False}],
                "LinuxParameters": {"InitProcessEnabled": True}}],
            "Volumes": [{"Name": "data", "EFSVolumeConfiguration": {
                "FilesystemId": "fs-12345678", "TransitEncryption": "ENABLED",
                "AuthorizationConfig": {"AccessPointId": "fsap-12345678", "IAM": "ENABLED"}}}], **more}


def test_cluster(aws):
    r = aws.cycle("AWS::ECS::Cluster", {"ClusterName": "main",
                                        "ClusterSettings": [{"Name": "containerInsights", "Value": "enabled"}],
                                        "CapacityProviders": ["FARGATE", "FARGATE_SPOT"]},
                  {"ClusterSettings": [{"Name": "containerInsights", "Value": "disabled"}]},
                  {"CapacityProviders": ["FARGATE"],
                   "DefaultCapacityProviderStrategy": [{"CapacityProvider": "FARGATE", "Weight": 1}]})
    assert r.id == "main" and r.attributes["Arn"].endswith(":cluster/main")


def test_a_cluster_of_others_is_not_taken(aws, boto):
    boto("ecs").create_cluster(clusterName="main")
    with pytest.raises(Failure) as failure:
        aws.create("AWS::ECS::Cluster", {"ClusterName": "main"})
    assert failure.value.error["id"] == "resource.exists" and failure.value.error["address"] == "cluster"


def test_task_definition(aws, boto):
    r = aws.cycle("AWS::ECS::TaskDefinition", definition(), tags=False)
    there = boto("ecs").describe_task_definition(taskDefinition=r.id)["taskDefinition"]
    container = there["containerDefinitions"][0]
    assert container["logConfiguration"]["options"]["awslogs-group"] == "/g"
    assert container["dockerLabels"] == {"Com.Example": "x"}
    assert there["volumes"][0]["efsVolumeConfiguration"]["fileSystemId"] == "fs-12345678"
    assert there["volumes"][0]["efsVolumeConfiguration"]["authorizationConfig"]["iam"] == "ENABLED"


def test_task_definition_keeps_revisions(aws, boto):
    ecs = boto("ecs")

    def active():
        arns = ecs.list_task_definitions(familyPrefix=definition()["Family"], status="ACTIVE")["taskDefinitionArns"]
        return sorted(int(arn.rsplit(":", 1)[1]) for arn in arns)

    ecs.register_task_definition(family=definition()["Family"], containerDefinitions=[{"name": "c", "image": "others", "memory": 128}])
    made = [aws.create("AWS::ECS::TaskDefinition", definition(str(n)), key="task", tags={**TAGS, "panka:keep-revisions": "2"})
            for n in range(1, 5)]
    aws.remove(made[1], replacing=True)
    assert active() == [1, 4, 5], "the first is not ours, the newest two stay"
    aws.remove(made[2], replacing=True)
    assert active() == [1, 4, 5]
    aws.remove(made[3])
    assert active() == [1], "the end of the component is the end of its revisions"


def test_task_definition_reads_back_without_knowing_it(aws):
    r = aws.create("AWS::ECS::TaskDefinition", definition())
    live = aws.read(r, blank=True)[0]["live"]
    differ = aws.must(do="equal", type=r.kind, desired=r.desired, live=live)["differ"]
    assert not differ, {k: (r.desired[k], live.get(k)) for k in differ}


@pytest.fixture
def service(aws, cluster, subnets, group):
    task = aws.create("AWS::ECS::TaskDefinition", definition(), key="task")
    # moto forgets these.
    more = {} if MOTO else {
        "DeploymentConfiguration": {"MaximumPercent": 200, "MinimumHealthyPercent": 100,
                                    "DeploymentCircuitBreaker": {"Enable": True, "Rollback": True}},
        "EnableECSManagedTags": True, "PropagateTags": "SERVICE"}
    return {"Cluster": cluster.id, "ServiceName": "app", "TaskDefinition": task.id, "DesiredCount": 2,
            "LaunchType": "FARGATE",
            "NetworkConfiguration": {"AwsvpcConfiguration": {"Subnets": subnets[:2], "SecurityGroups": [group.id],
                                                             "AssignPublicIp": "DISABLED"}}, **more}


def test_service(aws, service):
    second = aws.create("AWS::ECS::TaskDefinition", definition("2"), key="task2")
    r = aws.cycle("AWS::ECS::Service", service, {"TaskDefinition": second.id}, {"DesiredCount": 3},
                  {"HealthCheckGracePeriodSeconds": 60, "EnableExecuteCommand": True})
    assert r.attributes["Name"] == "app" and ":service/main/app" in r.id


def test_service_forced_update(aws, service, boto):
    r = aws.create("AWS::ECS::Service", service)
    aws.update(r, r.desired, force_update=True)
    aws.check(r)


@ministack_lacks("Application Auto Scaling")
def test_scaling(aws, service):
    r = aws.create("AWS::ECS::Service", service)
    target = aws.cycle("AWS::ApplicationAutoScaling::ScalableTarget",
                       {"ServiceNamespace": "ecs", "ResourceId": "service/main/app",
                        "ScalableDimension": "ecs:service:DesiredCount", "MinCapacity": 1, "MaxCapacity": 4,
                        "ScheduledActions": [{"ScheduledActionName": "night", "Schedule": "cron(0 20 * * ? *)",
                                              "ScalableTargetAction": {"MinCapacity": 0, "MaxCapacity": 1}}]},
                       {"MaxCapacity": 8},
                       {"ScheduledActions": [{"ScheduledActionName": "day", "Schedule": "cron(0 8 * * ? *)",
                                              "ScalableTargetAction": {"MinCapacity": 2, "MaxCapacity": 8}}]},
                       {"ScheduledActions": None}, tags=False, keep=True)
    tracking = {"TargetValue": 70, "ScaleInCooldown": 300, "ScaleOutCooldown": 60,
                "PredefinedMetricSpecification": {"PredefinedMetricType": "ECSServiceAverageCPUUtilization"}}
    aws.cycle("AWS::ApplicationAutoScaling::ScalingPolicy",
              {"PolicyName": "cpu", "PolicyType": "TargetTrackingScaling", "ScalingTargetId": target.id,
               "TargetTrackingScalingPolicyConfiguration": tracking},
              {"TargetTrackingScalingPolicyConfiguration": {**tracking, "TargetValue": 50}}, tags=False, key="policy")
    step = {"AdjustmentType": "ChangeInCapacity", "Cooldown": 60, "MetricAggregationType": "Average",
            "StepAdjustments": [{"MetricIntervalLowerBound": 0, "ScalingAdjustment": 1}]}
    aws.cycle("AWS::ApplicationAutoScaling::ScalingPolicy",
              {"PolicyName": "step", "PolicyType": "StepScaling", "ServiceNamespace": "ecs",
               "ResourceId": "service/main/app", "ScalableDimension": "ecs:service:DesiredCount",
               "StepScalingPolicyConfiguration": step},
              {"StepScalingPolicyConfiguration": {**step, "Cooldown": 90}}, tags=False, key="step")
    aws.remove(target)
    aws.remove(r)


@ministack_lacks("tags of alarms")
def test_alarm(aws):
    aws.cycle("AWS::CloudWatch::Alarm",
              {"AlarmName": "deep", "Namespace": "AWS/SQS", "MetricName": "ApproximateNumberOfMessagesVisible",
               "Dimensions": [{"Name": "QueueName", "Value": "q"}], "Statistic": "Maximum", "Period": 60,
               "EvaluationPeriods": 3, "Threshold": 100, "ComparisonOperator": "GreaterThanThreshold",
               "TreatMissingData": "notBreaching", "AlarmActions": ["arn:aws:sns:us-east-1:123456789012:t"]},
              {"Threshold": 50.5}, {"AlarmActions": None, "AlarmDescription": "text"})


def test_an_alarm_of_others_is_not_overwritten(aws, boto):
    boto("cloudwatch").put_metric_alarm(AlarmName="deep", Namespace="N", MetricName="M", Statistic="Sum", Period=60,
                                        EvaluationPeriods=1, Threshold=1, ComparisonOperator="GreaterThanThreshold")
    with pytest.raises(Failure) as failure:
        aws.create("AWS::CloudWatch::Alarm", {"AlarmName": "deep", "Namespace": "N", "MetricName": "X", "Period": 60,
                                              "Statistic": "Sum", "EvaluationPeriods": 1, "Threshold": 1,
                                              "ComparisonOperator": "GreaterThanThreshold"})
    assert failure.value.error["id"] == "resource.exists"


@ministack_lacks("the routing policy after UpdateService of Cloud Map")
def test_discovery(aws, vpc):
    space = aws.cycle("AWS::ServiceDiscovery::PrivateDnsNamespace",
                      {"Name": "shop.test.local", "Vpc": vpc.id, "Description": "names"}, {"Description": "all names"},
                      keep=True)
    aws.cycle("AWS::ServiceDiscovery::Service",
              {"Name": "api", "NamespaceId": space.id, "DnsConfig": {"DnsRecords": [{"Type": "A", "TTL": 10}],
                                                                     "RoutingPolicy": "MULTIVALUE"},
               "HealthCheckCustomConfig": {"FailureThreshold": 1}},
              {"DnsConfig": {"DnsRecords": [{"Type": "A", "TTL": 60}], "RoutingPolicy": "MULTIVALUE"}})
    aws.remove(space)


@pytest.fixture
def balancer(aws, subnets, group):
    return aws.create("AWS::ElasticLoadBalancingV2::LoadBalancer",
                      {"Name": "lb", "Type": "application", "Scheme": "internet-facing", "Subnets": subnets[:2],
                       "SecurityGroups": [group.id]}, key="lb")


@pytest.fixture
def targets(aws, vpc):
    return aws.create("AWS::ElasticLoadBalancingV2::TargetGroup",
                      {"Name": "tg", "Port": 80, "Protocol": "HTTP", "TargetType": "ip", "VpcId": vpc.id}, key="tg")


def test_load_balancer(aws, subnets, group, vpc):
    other = aws.create("AWS::EC2::SecurityGroup", {"GroupName": "o", "GroupDescription": "o", "VpcId": vpc.id}, key="o")
    idle = {"Key": "idle_timeout.timeout_seconds", "Value": "60"}
    r = aws.cycle("AWS::ElasticLoadBalancingV2::LoadBalancer",
                  {"Name": "lb", "Type": "application", "Scheme": "internet-facing", "Subnets": subnets[:2],
                   "SecurityGroups": [group.id], "LoadBalancerAttributes": [idle]},
                  {"LoadBalancerAttributes": [{**idle, "Value": "120"}]}, {"Subnets": subnets[1:]},
                  {"SecurityGroups": [group.id, other.id]})
    assert r.attributes["LoadBalancerFullName"].startswith("app/lb/") and r.attributes["DNSName"]
    assert r.attributes["CanonicalHostedZoneID"]


def test_target_group(aws, vpc):
    r = aws.cycle("AWS::ElasticLoadBalancingV2::TargetGroup",
                  {"Name": "tg", "Port": 80, "Protocol": "HTTP", "TargetType": "ip", "VpcId": vpc.id,
                   "HealthCheckPath": "/health", "HealthCheckIntervalSeconds": 30, "HealthyThresholdCount": 2,
                   "Matcher": {"HttpCode": "200-399"},
                   "TargetGroupAttributes": [{"Key": "deregistration_delay.timeout_seconds", "Value": "30"}]},
                  {"HealthCheckPath": "/", "HealthCheckIntervalSeconds": 10},
                  {"TargetGroupAttributes": [{"Key": "deregistration_delay.timeout_seconds", "Value": "5"}]},
                  {"Matcher": {"HttpCode": "200"}},
                  {"Targets": [{"Id": "10.0.0.5", "Port": 80}]}, {"Targets": [{"Id": "10.0.0.6", "Port": 80}]})
    assert r.attributes["TargetGroupFullName"].startswith("targetgroup/tg/")


@ministack_lacks("certificates of listeners")
def test_listener_rule_and_certificate(aws, balancer, targets, boto):
    acm = boto("acm")
    certificates = [acm.request_certificate(DomainName=f"{n}.example.com")["CertificateArn"] for n in "ab"]
    forward = [{"Type": "forward", "TargetGroupArn": targets.id}]
    redirect = [{"Type": "redirect", "RedirectConfig": {"Protocol": "HTTPS", "Port": "443", "StatusCode": "HTTP_301"}}]
    plain = aws.cycle("AWS::ElasticLoadBalancingV2::Listener",
                      {"LoadBalancerArn": balancer.id, "Port": 80, "Protocol": "HTTP", "DefaultActions": forward},
                      {"DefaultActions": redirect}, keep=True)
    secure = aws.create("AWS::ElasticLoadBalancingV2::Listener",
                        {"LoadBalancerArn": balancer.id, "Port": 443, "Protocol": "HTTPS", "DefaultActions": forward,
                         "SslPolicy": "ELBSecurityPolicy-TLS13-1-2-2021-06",
                         "Certificates": [{"CertificateArn": certificates[0]}]}, key="https")
    aws.check(secure)
    aws.cycle("AWS::ElasticLoadBalancingV2::ListenerCertificate",
              {"ListenerArn": secure.id, "Certificates": [{"CertificateArn": certificates[1]}]}, tags=False)
    host = {"Field": "host-header", "HostHeaderConfig": {"Values": ["a.example.com"]}}
    path = {"Field": "path-pattern", "PathPatternConfig": {"Values": ["/api", "/api/*"]}}
    aws.cycle("AWS::ElasticLoadBalancingV2::ListenerRule",
              {"ListenerArn": plain.id, "Priority": 10, "Conditions": [host, path], "Actions": forward},
              {"Conditions": [path]}, {"Priority": 20}, {"Actions": redirect})
    aws.remove(secure)
    aws.remove(plain)


def test_many_are_read_with_few_calls(aws, vpc):
    groups = [aws.create("AWS::ElasticLoadBalancingV2::TargetGroup",
                         {"Name": f"tg{i}", "Port": 80, "Protocol": "HTTP", "TargetType": "ip", "VpcId": vpc.id},
                         key=f"tg{i}") for i in range(25)]
    before = aws.ask(do="stats")["calls"]
    answers = aws.read(*groups)
    assert [a["live"]["Name"] for a in answers] == [f"tg{i}" for i in range(25)]
    assert all(a["tags"]["panka:resource"] == f"tg{i}" for i, a in enumerate(answers))
    assert aws.ask(do="stats")["calls"] - before == 4
    aws.remove(groups[3])
    answers = aws.read(*groups)
    assert [a["gone"] for a in answers] == [i == 3 for i in range(25)]


def test_a_denied_guard_sends_nothing(aws, emulator):
    before = len(emulator.mutations())
    with pytest.raises(Failure) as failure:
        aws.create("AWS::EC2::VPC", {"CidrBlock": "10.0.0.0/16"}, deny=True)
    assert failure.value.error["code"] == "lock.lost" and len(emulator.mutations()) == before


def test_what_lost_our_tags_is_not_deleted(aws, boto):
    r = aws.create("AWS::ECS::Cluster", {"ClusterName": "main"})
    boto("ecs").untag_resource(resourceArn=r.attributes["Arn"], tagKeys=["panka:lineage"])
    with pytest.raises(Failure) as failure:
        aws.remove(r)
    assert failure.value.error["code"] == "resource.not-owned"


def test_a_vpc_of_a_lost_create_is_found_by_its_tags(aws):
    first = aws.create("AWS::EC2::VPC", {"CidrBlock": "10.0.0.0/16"}, tags={"panka:lineage": "lineage1", "panka:op": "old"})
    assert aws.find(first)["found"] == "ours"
    assert aws.find(first, lineage="other")["found"] == "absent"
    # While it is being replaced, only what this operation made counts.
    assert aws.find(first, replacing=True)["found"] == "absent"
    second = aws.create("AWS::EC2::VPC", {"CidrBlock": "10.1.0.0/16"}, key=first.key)
    found = aws.find(second, replacing=True)
    assert (found["found"], found["id"]) == ("ours", second.id)
