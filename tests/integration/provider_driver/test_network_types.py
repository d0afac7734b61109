"""The EC2 network types, IAM roles, log groups: the life of each against the emulator."""
import pytest

from driver import ministack_lacks


@pytest.fixture
def vpc(aws):
    return aws.create("AWS::EC2::VPC", {"CidrBlock": "10.0.0.0/16"}, key="the-vpc")


@pytest.fixture
def subnet(aws, vpc):
    return aws.create("AWS::EC2::Subnet", {"VpcId": vpc.id, "CidrBlock": "10.0.0.0/24",
                                           "AvailabilityZone": "us-east-1a"}, key="the-subnet")


@pytest.fixture
def role(aws):
    return aws.create("AWS::IAM::Role", {"RoleName": "the-role", "AssumeRolePolicyDocument": trust("ec2")}, key="the-role")


def trust(service):
    return {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "sts:AssumeRole",
                                                    "Principal": {"Service": f"{service}.amazonaws.com"}}]}


def allow(action):
    return {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": action, "Resource": "*"}]}


def test_vpc(aws):
    aws.cycle("AWS::EC2::VPC", {"CidrBlock": "10.0.0.0/16", "EnableDnsSupport": True, "EnableDnsHostnames": True},
              {"EnableDnsHostnames": False}, {"EnableDnsHostnames": None})


def test_subnet(aws, vpc):
    r = aws.cycle("AWS::EC2::Subnet", {"VpcId": vpc.id, "CidrBlock": "10.0.1.0/24", "AvailabilityZone": "us-east-1b",
                                       "MapPublicIpOnLaunch": True}, {"MapPublicIpOnLaunch": None})
    assert r.attributes["VpcId"] == vpc.id


def test_internet_gateway_and_attachment(aws, vpc):
    igw = aws.cycle("AWS::EC2::InternetGateway", {}, keep=True)
    aws.cycle("AWS::EC2::VPCGatewayAttachment", {"InternetGatewayId": igw.id, "VpcId": vpc.id}, tags=False)
    aws.remove(igw)


@ministack_lacks("new tags of NAT gateways")
def test_elastic_ip_and_nat_gateway(aws, subnet):
    eip = aws.cycle("AWS::EC2::EIP", {"Domain": "vpc"}, keep=True)
    assert eip.attributes["PublicIp"]
    aws.cycle("AWS::EC2::NatGateway", {"SubnetId": subnet.id, "AllocationId": eip.id, "ConnectivityType": "public"})
    aws.remove(eip)


def test_routes(aws, vpc, subnet):
    igw = aws.create("AWS::EC2::InternetGateway", {}, key="igw")
    aws.create("AWS::EC2::VPCGatewayAttachment", {"InternetGatewayId": igw.id, "VpcId": vpc.id})
    other = aws.create("AWS::EC2::InternetGateway", {}, key="igw2")
    table = aws.cycle("AWS::EC2::RouteTable", {"VpcId": vpc.id}, keep=True)
    aws.cycle("AWS::EC2::Route", {"RouteTableId": table.id, "DestinationCidrBlock": "0.0.0.0/0", "GatewayId": igw.id},
              {"GatewayId": other.id}, tags=False)
    second = aws.create("AWS::EC2::RouteTable", {"VpcId": vpc.id}, key="table2")
    aws.cycle("AWS::EC2::SubnetRouteTableAssociation", {"SubnetId": subnet.id, "RouteTableId": table.id},
              {"RouteTableId": second.id}, tags=False)


def rule(port, cidr="10.0.0.0/8", **more):
    return {"IpProtocol": "tcp", "FromPort": port, "ToPort": port, "CidrIp": cidr, **more}


@ministack_lacks("UpdateSecurityGroupRuleDescriptionsIngress")
def test_security_group(aws, vpc):
    everywhere = {"IpProtocol": "-1", "CidrIp": "0.0.0.0/0"}
    aws.cycle("AWS::EC2::SecurityGroup",
              {"GroupName": "web", "GroupDescription": "web", "VpcId": vpc.id,
               "SecurityGroupIngress": [rule(80), rule(443, Description="tls")], "SecurityGroupEgress": [everywhere]},
              {"SecurityGroupIngress": [rule(443, Description="TLS"), rule(8080)]},
              {"SecurityGroupEgress": [{"IpProtocol": "tcp", "FromPort": 443, "ToPort": 443, "CidrIp": "0.0.0.0/0"}]},
              {"SecurityGroupIngress": []})


@ministack_lacks("UpdateSecurityGroupRuleDescriptionsIngress")
def test_rules_of_their_own_do_not_show_in_the_group(aws, vpc):
    group = aws.create("AWS::EC2::SecurityGroup", {"GroupName": "web", "GroupDescription": "web", "VpcId": vpc.id,
                                                   "SecurityGroupIngress": [rule(80)]})
    aws.cycle("AWS::EC2::SecurityGroupIngress", {"GroupId": group.id, "IpProtocol": "-1",
                                                 "SourceSecurityGroupId": group.id}, keep=True, key="self")
    own = aws.cycle("AWS::EC2::SecurityGroupIngress", {"GroupId": group.id, **rule(5432), "Description": "data"},
                    {"Description": "database"}, keep=True)
    aws.check(group)
    aws.update(group, {**group.desired, "SecurityGroupIngress": [rule(81)]})
    aws.check(group)
    aws.check(own)
    aws.remove(own)
    assert aws.read(own)[0]["gone"]
    aws.cycle("AWS::EC2::SecurityGroupEgress", {"GroupId": group.id, "IpProtocol": "tcp", "FromPort": 1, "ToPort": 2,
                                                "CidrIp": "10.0.0.0/8"})


def test_a_rule_added_by_hand_is_seen(aws, vpc, boto):
    group = aws.create("AWS::EC2::SecurityGroup", {"GroupName": "web", "GroupDescription": "web", "VpcId": vpc.id,
                                                   "SecurityGroupIngress": [rule(80)]})
    boto("ec2").authorize_security_group_ingress(GroupId=group.id, IpProtocol="tcp", FromPort=22, ToPort=22, CidrIp="0.0.0.0/0")
    live = aws.read(group)[0]["live"]["SecurityGroupIngress"]
    assert rule(22, "0.0.0.0/0") in live and len(live) == 2


@ministack_lacks("security groups of endpoints")
def test_vpc_endpoints(aws, vpc, subnet):
    table = aws.create("AWS::EC2::RouteTable", {"VpcId": vpc.id})
    second = aws.create("AWS::EC2::Subnet", {"VpcId": vpc.id, "CidrBlock": "10.0.9.0/24",
                                             "AvailabilityZone": "us-east-1b"}, key="second")
    group = aws.create("AWS::EC2::SecurityGroup", {"GroupName": "e", "GroupDescription": "e", "VpcId": vpc.id})
    aws.cycle("AWS::EC2::VPCEndpoint", {"VpcId": vpc.id, "ServiceName": "com.amazonaws.us-east-1.s3",
                                        "VpcEndpointType": "Gateway", "RouteTableIds": [table.id]}, key="gateway")
    aws.cycle("AWS::EC2::VPCEndpoint", {"VpcId": vpc.id, "ServiceName": "com.amazonaws.us-east-1.sqs",
                                        "VpcEndpointType": "Interface", "SubnetIds": [subnet.id],
                                        "SecurityGroupIds": [group.id], "PrivateDnsEnabled": True},
              {"SubnetIds": [subnet.id, second.id]}, {"PrivateDnsEnabled": None}, key="interface")


@ministack_lacks("log groups and roles of flow logs")
def test_flow_log(aws, vpc, role):
    group = aws.create("AWS::Logs::LogGroup", {"LogGroupName": "/flow"})
    aws.cycle("AWS::EC2::FlowLog", {"ResourceId": vpc.id, "ResourceType": "VPC", "TrafficType": "ALL",
                                    "LogDestinationType": "cloud-watch-logs", "LogGroupName": group.id,
                                    "DeliverLogsPermissionArn": role.attributes["Arn"]})


def test_role(aws):
    r = aws.cycle("AWS::IAM::Role",
                  {"RoleName": "app", "AssumeRolePolicyDocument": trust("ecs-tasks"), "Description": "runs it",
                   "ManagedPolicyArns": ["arn:aws:iam::aws:policy/service-role/AmazonECSTaskExecutionRolePolicy"],
                   "Policies": [{"PolicyName": "access", "PolicyDocument": allow("sqs:SendMessage")}]},
                  {"Policies": [{"PolicyName": "access", "PolicyDocument": allow("sns:Publish")},
                                {"PolicyName": "more", "PolicyDocument": allow("s3:GetObject")}]},
                  {"AssumeRolePolicyDocument": trust("lambda"), "MaxSessionDuration": 7200},
                  {"ManagedPolicyArns": []}, {"Policies": None, "Description": None})
    assert r.attributes["Arn"].endswith(":role/app")


def test_log_group(aws):
    r = aws.cycle("AWS::Logs::LogGroup", {"LogGroupName": "/panka/app", "RetentionInDays": 30}, {"RetentionInDays": 7},
                  {"RetentionInDays": None})
    assert "/panka/app" in r.attributes["Arn"]
