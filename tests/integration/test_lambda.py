"""The kind Lambda: code, settings, role, URL, every trigger that an emulator knows."""
import io
import json
import zipfile

import pytest
from kinds import ACCOUNT, MOTO, REGION, TENANT, component, ministack_lacks, ours, stack, tag_map, team  # noqa: F401

NAME = "shop-test-worker"
CODE = "def handler(event, context):\n    return 1\n"
LAYER = f"arn:aws:lambda:{REGION}:{ACCOUNT}:layer:tools:1"
CORS = {"allowOrigins": ["https://shop.example.com"], "allowMethods": ["GET"], "allowHeaders": ["x-key"], "maxAge": "1h",
        "exposeHeaders": ["etag"], "allowCredentials": True}
SPEC = {
    "runtime": "python3.13", "handler": "index.handler", "code": {"zipFile": CODE}, "memory": "256Mi", "timeout": "40s",
    "environment": {"LEVEL": "info", "TABLE": "${orders.tableName}"}, "secrets": [{"name": "TOKEN", "secretRef": "shop/token#key"}],
    "reservedConcurrentExecutions": 7, "architecture": "arm64", "ephemeralStorageMB": 1024,
    "url": {"enabled": True, "authType": "AWS_IAM", "cors": CORS}, "logging": {"retentionDays": 7, "format": "JSON"},
    "description": "Works off jobs", "tags": {"team": "orders"},
    "iam": {"statements": [{"Effect": "Allow", "Action": "ses:SendEmail", "Resource": "*"}]},
    "permissions": [{"component": "jobs", "access": "write"}],
}
PLAIN = {"runtime": "python3.13", "handler": "index.handler", "code": {"zipFile": CODE}, "tags": {"team": "orders"}}
ORDERS = component("DynamoDB", "orders", {"hashKey": {"name": "id", "type": "S"}, "stream": {"enabled": True}})
JOBS = component("SQS", "jobs", {"visibilityTimeout": 300})
NEWS = component("SNS", "news", {})
FILES = component("S3", "files", {})


def function(spec=SPEC, **more):
    return component("Lambda", "worker", {**spec, **more})


def without(spec, *names):
    return {k: v for k, v in spec.items() if k not in names}


def there(stack, name=NAME):
    return stack.boto("lambda").get_function(FunctionName=name)


def config(stack):
    return there(stack)["Configuration"]


def mappings(stack):
    return stack.boto("lambda").list_event_source_mappings(FunctionName=NAME)["EventSourceMappings"]


def access(stack, name=f"{NAME}-role"):
    document = stack.boto("iam").get_role_policy(RoleName=name, PolicyName="access")["PolicyDocument"]
    return {a for s in document["Statement"] for a in ([s["Action"]] if isinstance(s["Action"], str) else s["Action"])}


def invokers(stack):
    """service -> source ARN of the function's policy"""
    try:
        policy = json.loads(stack.boto("lambda").get_policy(FunctionName=NAME)["Policy"])
    except stack.boto("lambda").exceptions.ResourceNotFoundException:
        return {}
    return {s["Principal"].get("Service") or s["Principal"].get("AWS"): list(s.get("Condition", {}).get("ArnLike", {}).values())[:1]
            for s in policy["Statement"]}


@pytest.fixture
def shop(stack):  # noqa: F811
    stack.boto("secretsmanager").create_secret(Name="shop/token", SecretString='{"key": "v"}')
    return stack


def test_every_field(shop):
    shop.apply(function(), ORDERS, JOBS)
    f = there(shop)
    c = f["Configuration"]
    assert (c["Runtime"], c["Handler"], c["MemorySize"], c["Timeout"], c["Description"]) == (
        "python3.13", "index.handler", 256, 40, "Works off jobs")
    secret = shop.boto("secretsmanager").describe_secret(SecretId="shop/token")["ARN"]
    assert c["Environment"]["Variables"] == {"LEVEL": "info", "TABLE": "shop-test-orders", "TOKEN_SECRET_ARN": secret,
                                             "TOKEN_SECRET_KEY": "key"}
    assert c["Architectures"] == ["arm64"] and c["EphemeralStorage"] == {"Size": 1024}
    assert f["Concurrency"]["ReservedConcurrentExecutions"] == 7 and c["PackageType"] == "Zip" and c["CodeSize"] > 100
    assert c["LoggingConfig"]["LogFormat"] == "JSON" and not c.get("VpcConfig", {}).get("SubnetIds")
    ours(f["Tags"], "worker", "Lambda")
    url = shop.boto("lambda").get_function_url_config(FunctionName=NAME)
    assert url["AuthType"] == "AWS_IAM" and url["Cors"]["AllowOrigins"] == ["https://shop.example.com"]
    assert (url["Cors"]["MaxAge"], url["Cors"]["AllowCredentials"], url["Cors"]["AllowHeaders"]) == (3600, True, ["x-key"])
    [group] = shop.boto("logs").describe_log_groups(logGroupNamePrefix=f"/aws/lambda/{NAME}")["logGroups"]
    assert group["retentionInDays"] == 7
    actions = access(shop)
    assert {"dynamodb:PutItem", "dynamodb:GetItem", "sqs:SendMessage", "ses:SendEmail", "secretsmanager:GetSecretValue"} <= actions
    assert "sqs:ReceiveMessage" not in actions and not [a for a in actions if a.endswith("*")]
    logs = json.dumps(shop.boto("iam").get_role_policy(RoleName=f"{NAME}-role", PolicyName="logs")["PolicyDocument"])
    assert f"log-group:/aws/lambda/{NAME}" in logs and "logs:PutLogEvents" in logs
    trust = json.dumps(shop.boto("iam").get_role(RoleName=f"{NAME}-role")["Role"]["AssumeRolePolicyDocument"])
    assert "lambda.amazonaws.com" in trust
    outputs = shop.panka.ok("outputs", "--json", cwd=shop.folder).json()
    assert outputs["worker.functionName"] == NAME and outputs["worker.functionArn"] == c["FunctionArn"]
    assert outputs["worker.url"] == url["FunctionUrl"] and outputs["worker.logGroup"] == f"/aws/lambda/{NAME}"


@ministack_lacks("other architectures on UpdateFunctionCode, and InvokedViaFunctionUrl in policies")
def test_changes_in_place(shop):
    shop.apply(function(), ORDERS, JOBS)
    before, sha = shop.ids(), config(shop)["CodeSha256"]
    changed = without(SPEC, "secrets", "permissions", "reservedConcurrentExecutions", "ephemeralStorageMB")
    shop.apply(function(changed, code={"zipFile": CODE.replace("1", "2")}, memory=512, timeout=50, runtime="python3.12",
                        handler="index.other", environment={"LEVEL": "debug"}, architecture="x86_64", description="Other",
                        url={"enabled": True, "authType": "NONE"}, logging={"retentionDays": 30}, tags={"team": "orders", "cost": "42"}),
               ORDERS, JOBS)
    f = there(shop)
    c = f["Configuration"]
    assert (c["Runtime"], c["Handler"], c["MemorySize"], c["Timeout"], c["Description"], c["Architectures"]) == (
        "python3.12", "index.other", 512, 50, "Other", ["x86_64"])
    assert c["Environment"]["Variables"] == {"LEVEL": "debug"} and c["CodeSha256"] != sha and "Concurrency" not in f
    assert c["EphemeralStorage"] == {"Size": 512} and f["Tags"]["cost"] == "42" and c["LoggingConfig"]["LogFormat"] == "Text"
    url = shop.boto("lambda").get_function_url_config(FunctionName=NAME)
    assert url["AuthType"] == "NONE" and not url.get("Cors", {}).get("AllowOrigins")
    assert access(shop) == {"ses:SendEmail"}
    [group] = shop.boto("logs").describe_log_groups(logGroupNamePrefix=f"/aws/lambda/{NAME}")["logGroups"]
    assert group["retentionInDays"] == 30
    kept = {k: v for k, v in shop.ids().items() if "permission" not in k}
    assert kept == {k: v for k, v in before.items() if "permission" not in k}
    shop.apply(function(PLAIN), ORDERS, JOBS)
    c = config(shop)
    assert (c["MemorySize"], c["Timeout"], c["Description"]) == (128, 30, "") and not c.get("Environment", {}).get("Variables")
    with pytest.raises(Exception, match="ResourceNotFound"):
        shop.boto("lambda").get_function_url_config(FunctionName=NAME)
    assert shop.id("worker") == before["worker"]


def test_tracing_and_dead_letters(stack):  # noqa: F811
    stack.apply(function({**PLAIN, "tracing": True, "deadLetterQueue": {"component": "jobs"}}), JOBS)
    c = config(stack)
    assert c["TracingConfig"]["Mode"] == "Active" and c["DeadLetterConfig"]["TargetArn"].endswith(":shop-test-jobs")
    assert {"xray:PutTraceSegments", "sqs:SendMessage"} <= access(stack)
    stack.apply(function(PLAIN), JOBS)
    c = config(stack)
    assert c["TracingConfig"]["Mode"] == "PassThrough" and not c.get("DeadLetterConfig", {}).get("TargetArn")


def test_code_from_a_folder_a_bucket_and_layers(stack):  # noqa: F811
    s3, client = stack.boto("s3"), stack.boto("lambda")
    content = io.BytesIO()
    with zipfile.ZipFile(content, "w") as z:
        z.writestr("index.py", CODE)
    s3.create_bucket(Bucket="code")
    s3.put_object(Bucket="code", Key="a.zip", Body=content.getvalue())
    client.publish_layer_version(LayerName="tools", Content={"ZipFile": content.getvalue()})
    folder = stack.panka.work / "shop/services/api/worker"
    folder.mkdir(parents=True)
    (folder / "index.py").write_text(CODE)
    stack.apply(function({**PLAIN, "code": {"path": "./worker"}, "layers": [LAYER]}))
    first = config(stack)
    assert [layer["Arn"] for layer in first["Layers"]] == [LAYER]
    (folder / "index.py").write_text(CODE.replace("1", "2"))
    assert stack.panka.run("plan", stack.folder, "--detailed-exitcode").code == 2  # the content decides, not the path
    stack.apply(function({**PLAIN, "code": {"path": "./worker"}}))
    second = config(stack)
    assert second["CodeSha256"] != first["CodeSha256"] and not second.get("Layers")
    stack.apply(function({**PLAIN, "code": {"s3Bucket": "code", "s3Key": "a.zip"}}))
    assert config(stack)["CodeSha256"] != second["CodeSha256"]


@ministack_lacks("access logs of API stages")
def test_triggers(stack):  # noqa: F811
    triggers = [
        {"type": "sqs", "source": {"component": "jobs"}, "batchSize": 20, "batchWindow": 5, "reportBatchItemFailures": True},
        {"type": "dynamodb", "source": {"component": "orders"}, "batchSize": 50, "startingPosition": "TRIM_HORIZON"},
        {"type": "schedule", "name": "hourly", "schedule": "rate(1 hour)", "input": {"kind": "tick"}, "description": "Every hour"},
        {"type": "eventbridge", "name": "stops", "pattern": {"source": ["aws.ec2"]}},
        {"type": "sns", "source": {"component": "news"}, "filterPolicy": {"kind": ["order"]}},
        {"type": "s3", "s3": {"bucket": "files", "events": ["s3:ObjectCreated:*"], "prefix": "in/"}},
        {"type": "apigateway", "http": {"method": "GET", "path": "/items/{id}"}},
    ]
    others = [ORDERS, JOBS, NEWS, FILES]
    stack.apply(function({**PLAIN, "triggers": triggers}), *others)
    by_source = {m["EventSourceArn"].split(":")[2]: m for m in mappings(stack)}
    assert (by_source["sqs"]["BatchSize"], by_source["dynamodb"]["BatchSize"]) == (20, 50)
    assert by_source["sqs"]["FunctionResponseTypes"] == ["ReportBatchItemFailures"]
    assert by_source["dynamodb"]["StartingPosition"] == "TRIM_HORIZON"
    arn = config(stack)["FunctionArn"]
    events = stack.boto("events")
    rules = {r.get("Description") or "stops": r for r in events.list_rules()["Rules"]}
    assert rules["Every hour"]["ScheduleExpression"] == "rate(1 hour)"
    assert json.loads(rules["stops"]["EventPattern"]) == {"source": ["aws.ec2"]}
    [target] = events.list_targets_by_rule(Rule=rules["Every hour"]["Name"])["Targets"]
    assert target["Arn"] == arn and json.loads(target["Input"]) == {"kind": "tick"}
    sns = stack.boto("sns")
    [subscription] = sns.list_subscriptions()["Subscriptions"]
    assert (subscription["Protocol"], subscription["Endpoint"]) == ("lambda", arn)
    attributes = sns.get_subscription_attributes(SubscriptionArn=subscription["SubscriptionArn"])["Attributes"]
    assert json.loads(attributes["FilterPolicy"]) == {"kind": ["order"]}
    there_is = stack.boto("s3").get_bucket_notification_configuration(Bucket=f"shop-test-files-{ACCOUNT}")
    [notification] = there_is["LambdaFunctionConfigurations"]
    assert notification["LambdaFunctionArn"] == arn and notification["Events"] == ["s3:ObjectCreated:*"]
    api = stack.boto("apigatewayv2")
    [web] = api.get_apis()["Items"]
    [route] = api.get_routes(ApiId=web["ApiId"])["Items"]
    [integration] = api.get_integrations(ApiId=web["ApiId"])["Items"]
    assert route["RouteKey"] == "GET /items/{id}" and route["Target"] == f"integrations/{integration['IntegrationId']}"
    assert (integration["IntegrationType"], integration["PayloadFormatVersion"]) == ("AWS_PROXY", "2.0") and arn in integration["IntegrationUri"]
    assert [s["StageName"] for s in api.get_stages(ApiId=web["ApiId"])["Items"]] == ["$default"]
    assert set(invokers(stack)) == {"events.amazonaws.com", "sns.amazonaws.com", "s3.amazonaws.com", "apigateway.amazonaws.com"}
    assert {"sqs:ReceiveMessage", "sqs:DeleteMessage", "dynamodb:GetRecords"} <= access(stack)
    before = stack.ids()
    # settings of triggers change in place; another starting position is another mapping; one trigger goes
    changed = [{**triggers[0], "batchSize": 5, "batchWindow": 0}, {**triggers[1], "startingPosition": "LATEST"},
               {**triggers[2], "schedule": "rate(2 hours)", "input": {"kind": "tock"}}, triggers[3],
               {**triggers[4], "filterPolicy": {"kind": ["refund"]}},
               {"type": "s3", "s3": {"bucket": "files", "events": ["s3:ObjectRemoved:*"], "suffix": ".csv"}}]
    actions = stack.apply(function({**PLAIN, "triggers": changed}), *others)
    replaced = [k for k, a in actions.items() if a == "replace"]
    assert len(replaced) == 1 and "orders" in replaced[0]
    by_source = {m["EventSourceArn"].split(":")[2]: m for m in mappings(stack)}
    assert by_source["sqs"]["BatchSize"] == 5 and by_source["dynamodb"]["StartingPosition"] == "LATEST"
    assert len(mappings(stack)) == 2
    hourly = next(r for r in events.list_rules()["Rules"] if r.get("Description") == "Every hour")
    assert hourly["ScheduleExpression"] == "rate(2 hours)"
    assert json.loads(events.list_targets_by_rule(Rule=hourly["Name"])["Targets"][0]["Input"]) == {"kind": "tock"}
    there_is = stack.boto("s3").get_bucket_notification_configuration(Bucket=f"shop-test-files-{ACCOUNT}")
    assert there_is["LambdaFunctionConfigurations"][0]["Events"] == ["s3:ObjectRemoved:*"]
    assert api.get_apis()["Items"] == [] and "apigateway.amazonaws.com" not in invokers(stack)
    after = stack.ids()
    assert {k: v for k, v in after.items() if k not in replaced} == {k: v for k, v in before.items() if k in after and k not in replaced}
    # no trigger at all, then nothing
    stack.apply(function(PLAIN), *others)
    assert mappings(stack) == [] and events.list_rules()["Rules"] == [] and invokers(stack) == {}
    assert sns.list_subscriptions()["Subscriptions"] == []
    assert stack.apply(*others)["worker"] == "delete"
    assert stack.boto("lambda").list_functions()["Functions"] == []
    stack.destroy()
    assert [r for r in stack.boto("iam").list_roles()["Roles"] if r["RoleName"].startswith("shop-test")] == []


def test_another_package_type_replaces_delete_first(stack):  # noqa: F811
    stack.boto("ecr").create_repository(repositoryName="worker")
    image = f"{ACCOUNT}.dkr.ecr.{REGION}.amazonaws.com/worker"
    pushed = stack.boto("ecr").put_image(repositoryName="worker", imageManifest=json.dumps({
        "schemaVersion": 2, "mediaType": "application/vnd.docker.distribution.manifest.v2+json",
        "config": {"digest": "sha256:" + "0" * 64, "size": 1}, "layers": []}), imageTag="1")
    assert pushed["image"]["imageId"]["imageTag"] == "1"
    stack.apply(function(PLAIN))
    actions = stack.apply(component("Lambda", "worker", {"code": {"imageUri": f"{image}:1"}, "tags": {"team": "orders"}}))
    assert actions["worker"] == "replace" and config(stack)["PackageType"] == "Image"
    assert [f["FunctionName"] for f in stack.boto("lambda").list_functions()["Functions"]] == [NAME]
    if MOTO:  # the name is needed again
        assert stack.calls("CreateFunction", "DeleteFunction") == ["DeleteFunction", "CreateFunction"]
    stack.destroy()


def test_inside_the_network(team):  # noqa: F811
    team.apply(function(PLAIN))
    name = f"{TENANT}-{NAME}"
    network = there(team, name)["Configuration"]["VpcConfig"]
    subnets = {s["SubnetId"]: s["CidrBlock"] for s in team.boto("ec2").describe_subnets()["Subnets"]}
    assert sorted(subnets[s] for s in network["SubnetIds"]) == ["10.0.10.0/24", "10.0.20.0/24"] and len(network["SecurityGroupIds"]) == 1
    role = there(team, name)["Configuration"]["Role"].rsplit("/", 1)[1]
    attached = team.boto("iam").list_attached_role_policies(RoleName=role)["AttachedPolicies"]
    assert [p["PolicyName"] for p in attached] == ["AWSLambdaVPCAccessExecutionRole"]
    before = team.ids()
    public = sorted(s for s, cidr in subnets.items() if cidr in ("10.0.1.0/24", "10.0.2.0/24"))
    team.apply(function({**PLAIN, "vpc": {"subnetIds": public}}))
    assert sorted(there(team, name)["Configuration"]["VpcConfig"]["SubnetIds"]) == public
    team.apply(function({**PLAIN, "vpc": {"enabled": False}}))
    assert not there(team, name)["Configuration"].get("VpcConfig", {}).get("SubnetIds") and team.ids() == before
    team.destroy()
