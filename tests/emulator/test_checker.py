"""What the checker accepts (whatever botocore sends) and what it must refuse; the server's faults."""
import json
import os
import subprocess
import sys
import urllib.parse

import boto3
import pytest
from botocore.config import Config
from botocore.exceptions import ClientError, ConnectionClosedError

from emulator import check, model

NO_RETRY = Config(retries={"max_attempts": 0}, s3={"addressing_style": "path"}, parameter_validation=False)
KEYS = dict(region_name="eu-west-1", aws_access_key_id="AKIAEXAMPLE", aws_secret_access_key="secret")


class Captured(Exception):
    pass


def capture(service, operation, **params):
    """The request botocore would send."""
    client = boto3.client(service, config=NO_RETRY, endpoint_url="http://127.0.0.1:1", **KEYS)
    kept = {}

    def keep(request, **_):
        kept["request"] = request
        raise Captured

    client.meta.events.register("before-send", keep)
    with pytest.raises(Captured):
        getattr(client, operation)(**params)
    sent = kept["request"]
    url = urllib.parse.urlsplit(sent.url)
    text = {k.lower(): v.decode() if isinstance(v, bytes) else v for k, v in sent.headers.items()}
    body = sent.body or b""
    if hasattr(body, "read"):
        body = body.read()
    return model.Request(sent.method, url.path, model.split_query(url.query), text,
                         body.encode() if isinstance(body, str) else bytes(body))


def judge(request):
    calls = model.identify(request)
    return calls[0].service, calls[0].operation, check.check(calls, request)


ROLE = "arn:aws:iam::123456789012:role/r"
GOOD = [
    ("sqs", "create_queue", dict(QueueName="q", Attributes={"VisibilityTimeout": "30"}, tags={"a": "b"})),
    ("dynamodb", "create_table", dict(
        TableName="tab", KeySchema=[{"AttributeName": "k", "KeyType": "HASH"}], BillingMode="PAY_PER_REQUEST",
        AttributeDefinitions=[{"AttributeName": "k", "AttributeType": "S"}])),
    ("sns", "create_topic", dict(Name="t", Attributes={"DisplayName": "x"}, Tags=[{"Key": "a", "Value": "b"}])),
    ("sns", "list_topics", dict()),
    ("rds", "modify_db_parameter_group", dict(DBParameterGroupName="g", Parameters=[
        {"ParameterName": "work_mem", "ParameterValue": "64", "ApplyMethod": "immediate"}])),
    ("rds", "create_db_instance", dict(DBInstanceIdentifier="d", DBInstanceClass="db.t3.micro", Engine="postgres",
                                       AllocatedStorage=20, VpcSecurityGroupIds=["sg-1", "sg-2"])),
    ("ec2", "create_security_group", dict(GroupName="g", Description="d", TagSpecifications=[
        {"ResourceType": "security-group", "Tags": [{"Key": "a", "Value": "b"}]}])),
    ("ec2", "describe_vpcs", dict(Filters=[{"Name": "tag:x", "Values": ["1", "2"]}], MaxResults=20)),
    ("iam", "create_role", dict(RoleName="r", AssumeRolePolicyDocument="{}")),
    ("elbv2", "create_load_balancer", dict(Name="lb", Subnets=["subnet-1", "subnet-2"])),
    ("lambda", "create_function", dict(FunctionName="f", Role=ROLE, Runtime="python3.12", Handler="i.h",
                                       Code={"ZipFile": b"PK"}, Environment={"Variables": {"KEY": "b"}})),
    ("lambda", "list_event_source_mappings", dict(FunctionName="f", MaxItems=3)),
    ("lambda", "untag_resource", dict(Resource="arn:aws:lambda:eu-west-1:123456789012:function:f", TagKeys=["a", "b"])),
    ("apigatewayv2", "create_api", dict(Name="a", ProtocolType="HTTP", Tags={"a": "b"})),
    ("apigatewayv2", "delete_api", dict(ApiId="abc")),
    ("s3", "create_bucket", dict(Bucket="buck", CreateBucketConfiguration={"LocationConstraint": "eu-west-1"})),
    ("s3", "put_bucket_lifecycle_configuration", dict(Bucket="buck", LifecycleConfiguration={"Rules": [
        {"ID": "a", "Status": "Enabled", "Filter": {"Prefix": "x/"}, "Expiration": {"Days": 3}}]})),
    ("s3", "put_object", dict(Bucket="buck", Key="a/b c", Body=b"x", Metadata={"k": "v"})),
    ("s3", "copy_object", dict(Bucket="buck", Key="a", CopySource="b/c")),
    ("s3", "list_objects_v2", dict(Bucket="buck", Prefix="a/")),
    ("s3", "delete_objects", dict(Bucket="buck", Delete={"Objects": [{"Key": "a"}]})),
    ("s3", "get_bucket_tagging", dict(Bucket="buck")),
    ("s3", "list_buckets", dict()),
    ("events", "put_rule", dict(Name="r", ScheduleExpression="rate(5 minutes)", State="ENABLED")),
    ("secretsmanager", "create_secret", dict(Name="s", SecretString="x")),
    ("ecs", "create_cluster", dict(clusterName="c", tags=[{"key": "a", "value": "b"}])),
    ("logs", "create_log_group", dict(logGroupName="/a/b")),
    ("cloudwatch", "put_metric_alarm", dict(AlarmName="a", ComparisonOperator="GreaterThanThreshold", EvaluationPeriods=1)),
    ("route53", "list_resource_record_sets", dict(HostedZoneId="Z1")),
    ("efs", "create_file_system", dict(CreationToken="t", Encrypted=True)),
    ("docdb", "create_db_cluster", dict(DBClusterIdentifier="d", Engine="docdb")),
]


@pytest.mark.parametrize("service,operation,params", GOOD, ids=[f"{s}-{o}" for s, o, _ in GOOD])
def test_good_requests_pass(service, operation, params):
    request = capture(service, operation, **params)
    if service == "cloudwatch":
        pytest.skip("botocore speaks CBOR to CloudWatch; panka speaks JSON")
    found_service, found_operation, problems = judge(request)
    assert problems == []
    assert found_operation.lower() == operation.replace("_", "")
    assert found_service in (service, "rds" if service == "docdb" else service)


BAD = [
    ("sqs", "create_queue", dict(), "QueueName: is required"),
    ("sqs", "create_queue", dict(QueueName="q", Attributes={"Nonsense": "1"}), "not one of"),
    ("sqs", "create_queue", dict(QueueName="q", Attributes={"VisibilityTimeout": 30}), "is int, not string"),
    ("dynamodb", "describe_table", dict(TableName=""), "the least is 1"),
    ("sns", "create_topic", dict(), "Name: is required"),
    ("rds", "create_db_instance", dict(DBInstanceIdentifier="d", Engine="postgres"), "DBInstanceClass: is required"),
    ("ec2", "describe_vpcs", dict(MaxResults=2), "the least is 5"),
    ("ec2", "create_volume", dict(AvailabilityZone="a", VolumeType="fast"), "not one of"),
    ("iam", "create_role", dict(RoleName="a b", AssumeRolePolicyDocument="{}"), "does not match"),
    ("lambda", "create_function", dict(FunctionName="f", Role="nobody", Code={}), "does not match"),
    ("apigatewayv2", "create_api", dict(ProtocolType="HTTP"), "Name: is required"),
    ("s3", "put_bucket_versioning", dict(Bucket="b", VersioningConfiguration={"Status": "On"}), "not one of"),
    ("ecs", "create_cluster", dict(clusterName=["c"]), "is list, not string"),
]


@pytest.mark.parametrize("service,operation,params,text", BAD, ids=[f"{s}-{o}-{t}" for s, o, _, t in BAD])
def test_bad_parameters_are_found(service, operation, params, text):
    _, _, problems = judge(capture(service, operation, **params))
    assert any(text in p for p in problems), problems


def changed(request, old, new):
    assert old in request.body
    request.body = request.body.replace(old, new)
    request.__dict__.pop("form", None)
    return judge(request)[2]


def test_unknown_and_misplaced_members_are_found():
    assert any("not in the model" in p for p in changed(
        capture("sqs", "create_queue", QueueName="q"), b"QueueName", b"Queuename"))
    assert any("not in the model" in p for p in changed(
        capture("sns", "create_topic", Name="t"), b"Name=", b"TopicName="))
    topic = dict(Name="t", Tags=[{"Key": "a", "Value": "b"}])
    assert any("where 'member' belongs" in p for p in changed(
        capture("sns", "create_topic", **topic), b"Tags.member.", b"Tags.Tag."))
    assert any("is numbered" in p for p in changed(
        capture("sns", "create_topic", **topic), b"member.1", b"member.0"))
    lifecycle = dict(Bucket="b", LifecycleConfiguration={"Rules": [{"Status": "Enabled", "Prefix": ""}]})
    assert any("not in the model" in p for p in changed(
        capture("s3", "put_bucket_lifecycle_configuration", **lifecycle), b"Rule>", b"Rules>"))
    assert any("root element" in p for p in changed(
        capture("s3", "put_bucket_lifecycle_configuration", **lifecycle), b"LifecycleConfiguration", b"Lifecycle"))


def test_header_demands():
    request = capture("sqs", "create_queue", QueueName="q")
    request.headers["content-type"] = "application/json"
    assert any("Content-Type" in p for p in judge(request)[2])
    request = capture("s3", "delete_objects", Bucket="b", Delete={"Objects": [{"Key": "a"}]})
    request.headers = {k: v for k, v in request.headers.items() if "checksum" not in k and k != "content-md5"}
    assert any("needs Content-MD5" in p for p in judge(request)[2])


@pytest.fixture
def server(tmp_path):
    """(endpoint, folder): the emulator with everything switched on."""
    env = {**os.environ, "PYTHONPATH": os.path.join(os.path.dirname(__file__), "..")}
    process = subprocess.Popen(
        [sys.executable, "-m", "emulator", "--port", "0", "--ledger", str(tmp_path / "ledger"), "--check",
         "--faults", str(tmp_path / "faults")], env=env, stdout=subprocess.PIPE, text=True)
    try:
        yield process.stdout.readline().split()[1], tmp_path
    finally:
        process.terminate()
        process.wait()


def test_server(server):
    endpoint, folder = server
    sqs = boto3.client("sqs", endpoint_url=endpoint, config=NO_RETRY, **KEYS)
    url = sqs.create_queue(QueueName="one")["QueueUrl"]
    assert sqs.list_queues()["QueueUrls"] == [url]
    with pytest.raises(ClientError) as e:
        sqs.create_queue(QueueName="two", Attributes={"X": "1"})
    assert e.value.response["Error"]["Code"] == "PankaModelViolation"
    assert "sqs:CreateQueue" in (folder / "ledger.violations").read_text()

    (folder / "faults").write_text(json.dumps([
        {"operation": "CreateQueue", "do": "error", "status": 503},
        {"operation": "CreateQueue", "nth": 2, "do": "cut"},
        {"operation": "DeleteQueue", "do": "refuse"},
        {"operation": "GetQueueUrl", "do": "truncate"},
        {"mutating": True, "nth": 6, "do": "error-after", "status": 500},
    ]))
    with pytest.raises(ClientError) as e:
        sqs.create_queue(QueueName="three")
    assert e.value.response["ResponseMetadata"]["HTTPStatusCode"] == 503
    for call, executed in ((lambda: sqs.create_queue(QueueName="four"), 2), (lambda: sqs.delete_queue(QueueUrl=url), 2)):
        with pytest.raises(ConnectionClosedError):
            call()
        assert len(sqs.list_queues()["QueueUrls"]) == executed
    # botocore takes half a document for an empty one.
    assert "QueueUrl" not in sqs.get_queue_url(QueueName="one")
    for _ in range(2):
        sqs.create_queue(QueueName="five")
    with pytest.raises(ClientError):
        sqs.create_queue(QueueName="six")
    assert len(sqs.list_queues()["QueueUrls"]) == 4

    lines = [json.loads(line) for line in (folder / "ledger").read_text().splitlines()]
    assert [line["n"] for line in lines] == list(range(1, len(lines) + 1))
    assert (lines[0]["service"], lines[0]["operation"], lines[0]["mutating"], lines[0]["status"]) == (
        "sqs", "CreateQueue", True, 200)
    assert not lines[1]["mutating"]
    assert {line.get("fault") for line in lines} == {None, "error", "cut", "refuse", "truncate", "error-after"}
