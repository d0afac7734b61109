"""Queues, topics, tables, buckets, functions, rules, APIs, databases, secrets: the life of each type."""
import base64
import io
import json
import os
import zipfile

import pytest

from driver import TAGS, Failure, Resource

MOTO = os.environ.get("EMULATOR", "moto") == "moto"


def moto_lacks(*updates):
    """Updates that only the other emulator can show."""
    return () if MOTO else updates


def ministack_lacks(*updates):
    return updates if MOTO else ()


only_moto = pytest.mark.skipif(not MOTO, reason="MiniStack does not know the engines' default parameters")


ACCOUNT, REGION = "123456789012", "us-east-1"
ROLE = f"arn:aws:iam::{ACCOUNT}:role/code"
TRUST = {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Principal": {"Service": "lambda.amazonaws.com"},
                                                 "Action": "sts:AssumeRole"}]}


def statement(principal, action, resource, **more):
    return {"Version": "2012-10-17", "Statement": [{"Sid": "one", "Effect": "Allow", "Principal": {"Service": principal},
                                                    "Action": action, "Resource": resource, **more}]}


def refused(call, code):
    with pytest.raises(Failure) as failure:
        call()
    assert failure.value.error["code"] == code, failure.value
    return failure.value.error


# --- SQS ---

def test_queue(aws, boto):
    dead = aws.create("AWS::SQS::Queue", {"QueueName": "dead"}, key="dead")
    r = aws.cycle("AWS::SQS::Queue", {
        "QueueName": "work", "FifoQueue": False, "VisibilityTimeout": 60, "MessageRetentionPeriod": 3600,
        "DelaySeconds": 5, "MaximumMessageSize": 262144, "ReceiveMessageWaitTimeSeconds": 3, "SqsManagedSseEnabled": True,
        "RedrivePolicy": {"deadLetterTargetArn": dead.attributes["Arn"], "maxReceiveCount": 3}},
        {"VisibilityTimeout": 90, "DelaySeconds": None}, *ministack_lacks({"RedrivePolicy": None}),
        {"KmsMasterKeyId": "alias/aws/sqs", "SqsManagedSseEnabled": None, "KmsDataKeyReusePeriodSeconds": 600},
        {"KmsMasterKeyId": None, "KmsDataKeyReusePeriodSeconds": None})
    assert r.attributes["Arn"] == f"arn:aws:sqs:{REGION}:{ACCOUNT}:work" and r.attributes["QueueName"] == "work"


def test_fifo_queue(aws, boto):
    r = aws.cycle("AWS::SQS::Queue", {"QueueName": "q.fifo", "FifoQueue": True, "ContentBasedDeduplication": True,
                                      "DeduplicationScope": "messageGroup", "FifoThroughputLimit": "perMessageGroupId"},
                  {"ContentBasedDeduplication": False},
                  {"DeduplicationScope": None, "FifoThroughputLimit": None}, keep=True)
    boto("sqs").send_message(QueueUrl=r.id, MessageBody="x", MessageGroupId="g", MessageDeduplicationId="1")
    assert "1 messages" in aws.remove(r)["note"]


def test_a_queue_of_others_is_not_taken(aws, boto):
    boto("sqs").create_queue(QueueName="work")
    assert refused(lambda: aws.create("AWS::SQS::Queue", {"QueueName": "work"}), "resource.not-owned")["id"] == \
        "resource.exists"


def test_queue_policy(aws, boto):
    queues = [aws.create("AWS::SQS::Queue", {"QueueName": f"q{i}"}, key=f"q{i}") for i in range(2)]
    first = statement("sns.amazonaws.com", "sqs:SendMessage", queues[0].attributes["Arn"])
    second = statement("events.amazonaws.com", ["sqs:SendMessage"], "*")
    aws.cycle("AWS::SQS::QueuePolicy", {"Queues": [queues[0].id], "PolicyDocument": first}, {"PolicyDocument": second},
              {"Queues": [q.id for q in queues]}, {"Queues": [queues[1].id]}, tags=False, adopt="ours", keep=True)
    there = boto("sqs").get_queue_attributes(QueueUrl=queues[0].id, AttributeNames=["Policy"])
    assert not there.get("Attributes", {}).get("Policy")


# --- SNS ---

keeps_topic_tags = pytest.mark.skipif(not MOTO, reason="MiniStack drops the tags of CreateTopic")


@keeps_topic_tags
def test_topic(aws):
    r = aws.cycle("AWS::SNS::Topic", {"TopicName": "t", "DisplayName": "T", "FifoTopic": False,
                                      "DeliveryPolicy": {"http": {"defaultHealthyRetryPolicy": {"numRetries": 5}}}},
                  {"DisplayName": "U"}, {"DisplayName": None},
                  *moto_lacks({"TracingConfig": "Active"}, {"TracingConfig": None}),
                  {"KmsMasterKeyId": "alias/aws/sns"}, {"KmsMasterKeyId": None})
    assert r.id == r.attributes["TopicArn"] == f"arn:aws:sns:{REGION}:{ACCOUNT}:t"


@keeps_topic_tags
def test_fifo_topic(aws):
    aws.cycle("AWS::SNS::Topic", {"TopicName": "t.fifo", "FifoTopic": True, "ContentBasedDeduplication": True},
              {"ContentBasedDeduplication": False})


def test_topic_policy(aws, boto):
    topic = aws.create("AWS::SNS::Topic", {"TopicName": "t"})
    r = aws.create("AWS::SNS::TopicPolicy", {"Topics": [topic.id], "PolicyDocument": statement(
        "events.amazonaws.com", "sns:Publish", topic.id)})
    aws.check(r)
    aws.update(r, {**r.desired, "PolicyDocument": statement("s3.amazonaws.com", ["sns:Publish"], topic.id)})
    aws.check(r)
    aws.remove(r)
    assert aws.read(r)[0]["gone"]
    policy = json.loads(boto("sns").get_topic_attributes(TopicArn=topic.id)["Attributes"]["Policy"])
    assert policy["Id"] == "__default_policy_ID"


def test_subscription(aws):
    topic = aws.create("AWS::SNS::Topic", {"TopicName": "t"})
    queue = aws.create("AWS::SQS::Queue", {"QueueName": "q"})
    arn = queue.attributes["Arn"]
    r = aws.cycle("AWS::SNS::Subscription", {"TopicArn": topic.id, "Protocol": "sqs", "Endpoint": arn,
                                             "RawMessageDelivery": True, "FilterPolicy": {"kind": ["a", "b"]}},
                  {"FilterPolicyScope": "MessageBody", "FilterPolicy": {"kind": [{"prefix": "a"}]}},
                  {"FilterPolicy": None, "FilterPolicyScope": None}, {"RawMessageDelivery": None},
                  {"RedrivePolicy": {"deadLetterTargetArn": arn}}, {"RedrivePolicy": None}, tags=False)
    assert r.attributes["Arn"] == r.id


# --- DynamoDB ---

def attributes(**types):
    return [{"AttributeName": k, "AttributeType": v} for k, v in types.items()]


def keys(hash_key, range_key=None):
    return [{"AttributeName": hash_key, "KeyType": "HASH"}] + (
        [{"AttributeName": range_key, "KeyType": "RANGE"}] if range_key else [])


def index(name, hash_key, kind="ALL", **more):
    projection = {"ProjectionType": kind}
    if kind == "INCLUDE":
        projection["NonKeyAttributes"] = ["y", "x"]
    return {"IndexName": name, "KeySchema": keys(hash_key), "Projection": projection, **more}


def test_table(aws, boto):
    base = {"TableName": "tab", "KeySchema": keys("id"), "AttributeDefinitions": attributes(id="S"),
            "BillingMode": "PAY_PER_REQUEST"}
    r = aws.cycle(
        "AWS::DynamoDB::Table", base,
        {"AttributeDefinitions": attributes(id="S", a="S", b="N"),
         "GlobalSecondaryIndexes": [index("by-a", "a"), index("by-b", "b", "INCLUDE")]},
        {"GlobalSecondaryIndexes": [index("by-a", "a", "KEYS_ONLY")], "AttributeDefinitions": attributes(id="S", a="S")},
        {"StreamSpecification": {"StreamViewType": "NEW_IMAGE"}},
        {"StreamSpecification": {"StreamViewType": "NEW_AND_OLD_IMAGES"}},
        {"StreamSpecification": None},
        {"TimeToLiveSpecification": {"AttributeName": "expires", "Enabled": True}},
        {"TimeToLiveSpecification": {"AttributeName": "until", "Enabled": True}},
        {"TimeToLiveSpecification": None},
        {"PointInTimeRecoverySpecification": {"PointInTimeRecoveryEnabled": True}},
        {"PointInTimeRecoverySpecification": None},
        *moto_lacks({"SSESpecification": {"SSEEnabled": True, "SSEType": "KMS"}}, {"SSESpecification": {"SSEEnabled": False}}),
        {"DeletionProtectionEnabled": True}, {"DeletionProtectionEnabled": None},
        {"GlobalSecondaryIndexes": None, "AttributeDefinitions": attributes(id="S")})
    assert r.attributes["Arn"].endswith(":table/tab")


def test_table_with_everything_at_once(aws, boto):
    r = aws.cycle("AWS::DynamoDB::Table", {
        "TableName": "full", "KeySchema": keys("id", "at"),
        "AttributeDefinitions": attributes(id="S", at="N", a="S", b="S"), "BillingMode": "PROVISIONED",
        "ProvisionedThroughput": {"ReadCapacityUnits": 2, "WriteCapacityUnits": 1},
        "LocalSecondaryIndexes": [{"IndexName": "local", "KeySchema": keys("id", "b"), "Projection": {"ProjectionType": "ALL"}}],
        "GlobalSecondaryIndexes": [index("global", "a", ProvisionedThroughput={"ReadCapacityUnits": 1, "WriteCapacityUnits": 1})],
        "StreamSpecification": {"StreamViewType": "KEYS_ONLY"},
        "SSESpecification": {"SSEEnabled": True, "SSEType": "KMS", "KMSMasterKeyId": "alias/aws/dynamodb"},
        "TimeToLiveSpecification": {"AttributeName": "ttl", "Enabled": True},
        "PointInTimeRecoverySpecification": {"PointInTimeRecoveryEnabled": True}, "TableClass": "STANDARD"},
        {"ProvisionedThroughput": {"ReadCapacityUnits": 3, "WriteCapacityUnits": 1}},
        {"GlobalSecondaryIndexes": [index("global", "a", ProvisionedThroughput={"ReadCapacityUnits": 4, "WriteCapacityUnits": 1})]},
        {"BillingMode": "PAY_PER_REQUEST", "ProvisionedThroughput": None, "GlobalSecondaryIndexes": [index("global", "a")]})
    assert "/stream/" in r.attributes["StreamArn"]


def test_table_keeps_its_data(aws, boto):
    r = aws.create("AWS::DynamoDB::Table", {"TableName": "tab", "KeySchema": keys("id"), "BillingMode": "PAY_PER_REQUEST",
                                            "AttributeDefinitions": attributes(id="S"), "DeletionProtectionEnabled": True})
    refused(lambda: aws.remove(r), "resource.protected")
    aws.update(r, {**r.desired, "DeletionProtectionEnabled": False})
    boto("dynamodb").put_item(TableName="tab", Item={"id": {"S": "1"}})
    refused(lambda: aws.remove(r, force_destroy=False, allow_data_loss=False), "refused")
    aws.remove(r, force_destroy=False, allow_data_loss=False, final_snapshot=True)
    assert aws.read(r)[0]["gone"]
    backups = boto("dynamodb").list_backups(TableName="tab")["BackupSummaries"]
    assert [b["BackupName"].startswith("tab-final-2") for b in backups] == [True]


# --- S3 ---

BLOCK = dict.fromkeys(["BlockPublicAcls", "BlockPublicPolicy", "IgnorePublicAcls", "RestrictPublicBuckets"], True)


def encryption(**default):
    return {"ServerSideEncryptionConfiguration": [{"ServerSideEncryptionByDefault": default}]}


def test_bucket(aws, boto):
    r = aws.cycle(
        "AWS::S3::Bucket", {"BucketName": "a-bucket", "PublicAccessBlockConfiguration": BLOCK,
                            "OwnershipControls": {"Rules": [{"ObjectOwnership": "BucketOwnerEnforced"}]},
                            "BucketEncryption": encryption(SSEAlgorithm="AES256")},
        {"VersioningConfiguration": {"Status": "Enabled"}}, {"VersioningConfiguration": {"Status": "Suspended"}},
        {"VersioningConfiguration": None},
        {"BucketEncryption": {"ServerSideEncryptionConfiguration": [{
            "BucketKeyEnabled": True, "ServerSideEncryptionByDefault": {
                "SSEAlgorithm": "aws:kms", "KMSMasterKeyID": f"arn:aws:kms:{REGION}:{ACCOUNT}:key/abc"}}]}},
        {"LifecycleConfiguration": {"Rules": [
            {"Id": "one", "Status": "Enabled", "Prefix": "logs/", "ExpirationInDays": 90,
             "Transitions": [{"StorageClass": "STANDARD_IA", "TransitionInDays": 30}]},
            {"Id": "two", "Status": "Disabled", "Prefix": "", "AbortIncompleteMultipartUpload": {"DaysAfterInitiation": 7},
             "NoncurrentVersionExpiration": {"NoncurrentDays": 5},
             "NoncurrentVersionTransitions": [{"StorageClass": "GLACIER", "TransitionInDays": 1}]}]}},
        {"LifecycleConfiguration": {"Rules": [{"Id": "three", "Status": "Enabled", "ExpirationInDays": 3, "Prefix": "a/",
                                               "TagFilters": [{"Key": "k", "Value": "v"}]}]}},
        {"LifecycleConfiguration": None},
        {"CorsConfiguration": {"CorsRules": [{"AllowedOrigins": ["https://a.example"], "AllowedMethods": ["GET", "PUT"],
                                              "AllowedHeaders": ["*"], "ExposedHeaders": ["ETag"], "MaxAge": 300}]}},
        {"CorsConfiguration": None},
        {"WebsiteConfiguration": {"IndexDocument": "index.html", "ErrorDocument": "error.html", "RoutingRules": [
            {"RoutingRuleCondition": {"KeyPrefixEquals": "old/"}, "RedirectRule": {"ReplaceKeyPrefixWith": "new/"}}]}},
        {"WebsiteConfiguration": None}, {"PublicAccessBlockConfiguration": None}, {"OwnershipControls": None})
    assert r.attributes["Arn"] == "arn:aws:s3:::a-bucket"
    assert r.attributes["RegionalDomainName"] == "a-bucket.s3.us-east-1.amazonaws.com"
    assert r.attributes["WebsiteURL"] == "http://a-bucket.s3-website-us-east-1.amazonaws.com"


def test_bucket_logs_acl_and_lock(aws, boto):
    logs = aws.create("AWS::S3::Bucket", {"BucketName": "the-logs", "AccessControl": "PublicRead", "OwnershipControls": {
        "Rules": [{"ObjectOwnership": "BucketOwnerPreferred"}]}}, key="logs")
    boto("s3").put_bucket_policy(Bucket="the-logs", Policy=json.dumps(statement(
        "logging.s3.amazonaws.com", "s3:PutObject", "arn:aws:s3:::the-logs/*")))
    aws.cycle("AWS::S3::Bucket", {"BucketName": "a-bucket", "ObjectLockEnabled": True, "ObjectLockConfiguration": {
        "ObjectLockEnabled": "Enabled", "Rule": {"DefaultRetention": {"Mode": "GOVERNANCE", "Days": 1}}},
        "LoggingConfiguration": {"DestinationBucketName": "the-logs", "LogFilePrefix": "a/"}},
        {"LoggingConfiguration": None})
    aws.remove(logs)


def test_bucket_keeps_its_objects(aws, boto):
    s3 = boto("s3")
    r = aws.create("AWS::S3::Bucket", {"BucketName": "a-bucket", "VersioningConfiguration": {"Status": "Enabled"}})
    for body in (b"1", b"2"):
        s3.put_object(Bucket="a-bucket", Key="a key/with=odd+parts", Body=body)
    s3.delete_object(Bucket="a-bucket", Key="a key/with=odd+parts")
    s3.create_multipart_upload(Bucket="a-bucket", Key="half")
    refused(lambda: aws.remove(r, force_destroy=False, allow_data_loss=False), "refused")
    assert not aws.read(r)[0]["gone"]
    aws.remove(r)
    assert aws.read(r)[0]["gone"]


def test_bucket_tags_of_others_stay(aws, boto):
    r = aws.create("AWS::S3::Bucket", {"BucketName": "a-bucket"})
    s3 = boto("s3")
    tags = s3.get_bucket_tagging(Bucket="a-bucket")["TagSet"] + [{"Key": "theirs", "Value": "1"}]
    s3.put_bucket_tagging(Bucket="a-bucket", Tagging={"TagSet": tags})
    aws.update(r, r.desired, tags={"team": None, "mine": "2"})
    there = {t["Key"]: t["Value"] for t in s3.get_bucket_tagging(Bucket="a-bucket")["TagSet"]}
    assert there["theirs"] == "1" and there["mine"] == "2" and "team" not in there
    assert there["panka:resource"] == "bucket"


def test_bucket_of_others(aws, boto):
    boto("s3").create_bucket(Bucket="a-bucket")
    assert refused(lambda: aws.create("AWS::S3::Bucket", {"BucketName": "a-bucket"}), "resource.not-owned")["id"] == \
        "resource.exists"


def test_bucket_policy(aws):
    aws.create("AWS::S3::Bucket", {"BucketName": "a-bucket"})
    aws.cycle("AWS::S3::BucketPolicy", {"Bucket": "a-bucket", "PolicyDocument": statement(
        "cloudfront.amazonaws.com", "s3:GetObject", "arn:aws:s3:::a-bucket/*")},
        {"PolicyDocument": statement("logging.s3.amazonaws.com", ["s3:PutObject"], "arn:aws:s3:::a-bucket/*")}, tags=False)


def test_bucket_notification(aws, boto):
    aws.create("AWS::S3::Bucket", {"BucketName": "a-bucket"})
    queue = aws.create("AWS::SQS::Queue", {"QueueName": "q"}).attributes["Arn"]
    topic = aws.create("AWS::SNS::Topic", {"TopicName": "t"}).id
    s3 = boto("s3")
    s3.put_bucket_notification_configuration(Bucket="a-bucket", NotificationConfiguration={"QueueConfigurations": [
        {"Id": "theirs", "QueueArn": queue, "Events": ["s3:ObjectRemoved:*"]}]})
    rule = {"S3Key": {"Rules": [{"Name": "prefix", "Value": "in/"}]}}
    r = aws.create("Panka::S3::BucketNotification", {"Bucket": "a-bucket", "NotificationConfiguration": {
        "QueueConfigurations": [{"Event": "s3:ObjectCreated:*", "Queue": queue, "Filter": rule}]}})
    aws.check(r)
    for config in ({"TopicConfigurations": [{"Events": ["s3:ObjectRestore:Post", "s3:ObjectCreated:Put"], "Topic": topic}],
                    **({} if MOTO else {"EventBridgeConfiguration": {"EventBridgeEnabled": True}})},
                   {"TopicConfigurations": [{"Event": "s3:ObjectCreated:Put", "Topic": topic, "Id": "named"}]}):
        aws.update(r, {**r.desired, "NotificationConfiguration": config})
        aws.check(r)
    there = s3.get_bucket_notification_configuration(Bucket="a-bucket")
    assert [c["Id"] for c in there["TopicConfigurations"]] == ["panka-named"]
    aws.remove(r)
    assert aws.read(r)[0]["gone"]
    there = s3.get_bucket_notification_configuration(Bucket="a-bucket")
    assert [c["Id"] for c in there["QueueConfigurations"]] == ["theirs"] and "TopicConfigurations" not in there


# --- Lambda ---

@pytest.fixture
def role(boto):
    return boto("iam").create_role(RoleName="code", AssumeRolePolicyDocument=json.dumps(TRUST))["Role"]["Arn"]


def function(role, **more):
    return {"FunctionName": "f", "Role": role, "Runtime": "python3.12", "Handler": "index.handler",
            "Code": {"ZipFile": "def handler(event, context):\n    return 1\n"}, **more}


def test_function(aws, boto, role, tmp_path):
    zipped = tmp_path / "code.zip"
    with zipfile.ZipFile(zipped, "w") as z:
        z.writestr("index.py", "def handler(event, context):\n    return 2\n")
    r = aws.cycle(
        "AWS::Lambda::Function", function(role, Timeout=30, MemorySize=256, Environment={"Variables": {"KEY": "1"}}),
        {"Timeout": 40, "Description": "d"}, {"Description": None, "MemorySize": None},
        {"Environment": {"Variables": {"OTHER": "2"}}}, {"Environment": None},
        {"Code": {"ZipFile": {"$file": str(zipped)}}}, {"ReservedConcurrentExecutions": 5},
        {"ReservedConcurrentExecutions": None}, *moto_lacks({"TracingConfig": {"Mode": "Active"}}, {"TracingConfig": None}),
        *moto_lacks({"EphemeralStorage": {"Size": 1024}}))
    assert r.attributes["Arn"] == f"arn:aws:lambda:{REGION}:{ACCOUNT}:function:f"


def test_inline_source_is_zipped(aws, boto, role):
    aws.create("AWS::Lambda::Function", function(role))
    code = boto("lambda").get_function(FunctionName="f")["Configuration"]
    with_zip = io.BytesIO()
    with zipfile.ZipFile(with_zip, "w") as z:
        z.writestr("index.py", "x")
    assert 100 < code["CodeSize"] < 400 and base64.b64decode(code["CodeSha256"])


def test_permission(aws, role):
    f = aws.create("AWS::Lambda::Function", function(role))
    permission = {"FunctionName": f.id, "Action": "lambda:InvokeFunction", "Principal": "events.amazonaws.com",
                  "SourceArn": f"arn:aws:events:{REGION}:{ACCOUNT}:rule/r", "SourceAccount": ACCOUNT}
    other = aws.create("AWS::Lambda::Permission", {**permission, "Principal": "sns.amazonaws.com"}, key="other")
    r = aws.cycle("AWS::Lambda::Permission", permission, tags=False)
    assert r.id.startswith("f|panka-")
    aws.check(other)


def test_url(aws, role):
    f = aws.create("AWS::Lambda::Function", function(role))
    r = aws.cycle("AWS::Lambda::Url", {"TargetFunctionArn": f.attributes["Arn"], "AuthType": "AWS_IAM"},
                  {"Cors": {"AllowOrigins": ["*"], "AllowMethods": ["GET"]}, "AuthType": "NONE"}, tags=False)
    assert r.attributes["FunctionUrl"].startswith("http")


def test_mapping(aws, role):
    f = aws.create("AWS::Lambda::Function", function(role))
    queue = aws.create("AWS::SQS::Queue", {"QueueName": "q", "VisibilityTimeout": 30})
    aws.cycle("AWS::Lambda::EventSourceMapping",
              {"FunctionName": f.id, "EventSourceArn": queue.attributes["Arn"], "BatchSize": 5, "Enabled": True},
              {"BatchSize": 7}, {"Enabled": False}, tags=False)


# --- EventBridge ---

def test_rule(aws, boto):
    queue = aws.create("AWS::SQS::Queue", {"QueueName": "q"}).attributes["Arn"]
    target = {"Id": "q", "Arn": queue, "Input": "{}"}
    r = aws.cycle("AWS::Events::Rule", {"Name": "r", "ScheduleExpression": "rate(5 minutes)", "State": "ENABLED",
                                        "Targets": [target]},
                  {"Description": "d"}, {"Description": None}, {"State": "DISABLED"}, {"State": None},
                  {"Targets": [{**target, "Id": "other", "RetryPolicy": {"MaximumRetryAttempts": 3}}]},
                  {"Targets": [{"Id": f"t{i}", "Arn": queue} for i in range(5)]},
                  {"ScheduleExpression": None, "EventPattern": {"source": ["aws.ec2"]}},
                  {"Targets": [{"Id": "ecs", "Arn": f"arn:aws:ecs:{REGION}:{ACCOUNT}:cluster/c", "RoleArn": ROLE,
                                "EcsParameters": {
                                    "TaskDefinitionArn": f"arn:aws:ecs:{REGION}:{ACCOUNT}:task-definition/t:1",
                                    "LaunchType": "FARGATE", "TaskCount": 1, "NetworkConfiguration": {
                                        "AwsVpcConfiguration": {"Subnets": ["subnet-1"], "AssignPublicIp": "DISABLED"}}}}]},
                  {"Targets": None})
    assert r.id == f"arn:aws:events:{REGION}:{ACCOUNT}:rule/r"


BUS = f"arn:aws:events:{REGION}:{ACCOUNT}:event-bus/bus" if MOTO else "bus"  # MiniStack knows names only


def test_rule_on_a_bus(aws, boto):
    boto("events").create_event_bus(Name="bus")
    r = aws.cycle("AWS::Events::Rule", {"Name": "r", "EventBusName": BUS, "EventPattern": {"source": ["mine"]},
                                        "Targets": []}, {"EventPattern": {"source": ["mine", "other"]}})
    assert r.id.endswith(":rule/bus/r")


def test_a_rule_of_others_is_not_taken(aws, boto):
    boto("events").put_rule(Name="r", ScheduleExpression="rate(1 hour)")
    refused(lambda: aws.create("AWS::Events::Rule", {"Name": "r", "ScheduleExpression": "rate(5 minutes)"}),
            "resource.not-owned")


# --- API Gateway ---

@pytest.fixture
def api(aws):
    return aws.create("AWS::ApiGatewayV2::Api", {"Name": "api", "ProtocolType": "HTTP"}, key="api")


def test_api(aws):
    cors = {"AllowOrigins": ["https://a.example"], "AllowMethods": ["GET", "POST"], "MaxAge": 60}
    r = aws.cycle("AWS::ApiGatewayV2::Api", {"Name": "web", "ProtocolType": "HTTP", "CorsConfiguration": cors},
                  *ministack_lacks({"Description": "d"}), {"CorsConfiguration": {**cors, "MaxAge": 90}},
                  *ministack_lacks({"CorsConfiguration": None}),
                  {"DisableExecuteApiEndpoint": True}, tags=MOTO)
    assert r.attributes["ApiId"] == r.id and "execute-api" in r.attributes["ApiEndpoint"]


def test_stage(aws, api):
    r = aws.cycle("AWS::ApiGatewayV2::Stage", {"ApiId": api.id, "StageName": "$default", "AutoDeploy": True,
                                               "StageVariables": {"Key": "v"}},
                  {"DefaultRouteSettings": {"ThrottlingBurstLimit": 10, "ThrottlingRateLimit": 5.5,
                                            "DetailedMetricsEnabled": True}},
                  *ministack_lacks({"AccessLogSettings": {
                      "DestinationArn": f"arn:aws:logs:{REGION}:{ACCOUNT}:log-group:/l", "Format": "$context.requestId"}},
                      {"AccessLogSettings": None}), tags=False)  # moto cannot tag stages, MiniStack does not show their tags
    assert r.id == f"{api.id}|$default"


def test_integration_and_route(aws, api):
    r = aws.cycle("AWS::ApiGatewayV2::Integration", {
        "ApiId": api.id, "IntegrationType": "HTTP_PROXY", "IntegrationUri": "https://a.example/{proxy}",
        "IntegrationMethod": "ANY", "PayloadFormatVersion": "1.0", "TimeoutInMillis": 5000},
        {"TimeoutInMillis": 6000}, {"RequestParameters": {"overwrite:path": "$request.path"}}, tags=False)
    integration = aws.create("AWS::ApiGatewayV2::Integration", {**r.desired, "IntegrationUri": "https://b.example"})
    route = {"ApiId": api.id, "RouteKey": "GET /a", "Target": f"integrations/{integration.attributes['IntegrationId']}"}
    other = aws.create("AWS::ApiGatewayV2::Route", {**route, "RouteKey": "POST /b"}, key="other")
    aws.cycle("AWS::ApiGatewayV2::Route", {**route, "AuthorizationType": "NONE"}, {"OperationName": "op"},
              {"AuthorizationType": "AWS_IAM"}, {"AuthorizationType": None}, tags=False)
    aws.check(other)


# --- RDS ---

@pytest.fixture
def subnets(boto):
    ec2 = boto("ec2")
    vpc = ec2.create_vpc(CidrBlock="10.0.0.0/16")["Vpc"]["VpcId"]
    return [ec2.create_subnet(VpcId=vpc, CidrBlock=f"10.0.{i}.0/24", AvailabilityZone=f"us-east-1{'abc'[i]}")["Subnet"]["SubnetId"]
            for i in range(3)]


def test_subnet_group(aws, subnets):
    group = {"DBSubnetGroupName": "g", "DBSubnetGroupDescription": "d", "SubnetIds": subnets[:2]}
    r = aws.cycle("AWS::RDS::DBSubnetGroup", group, keep=True)
    aws.update(r, {**group, "SubnetIds": subnets, "DBSubnetGroupDescription": "e"})
    aws.check(r)
    aws.remove(r)
    assert aws.read(r)[0]["gone"]


@only_moto
@pytest.mark.parametrize("kind,name,family", [("DBParameterGroup", "DBParameterGroupName", "postgres15"),
                                              ("DBClusterParameterGroup", "DBClusterParameterGroupName", "aurora-postgresql15")])
def test_parameter_group(aws, kind, name, family):
    many = {f"parameter_{i}": str(i) for i in range(25)}
    aws.cycle(f"AWS::RDS::{kind}", {name: "g", "Family": family, "Description": "d", "Parameters": {"work_mem": "64"}},
              {"Parameters": {"work_mem": "128", "max_connections": "10"}}, {"Parameters": {"max_connections": 20}},
              {"Parameters": many})


def database(**more):
    return {"DBInstanceIdentifier": "db", "DBInstanceClass": "db.t3.micro", "Engine": "postgres", "EngineVersion": "15.10",
            "AllocatedStorage": "20", "StorageType": "gp3", "DBName": "app", "MasterUsername": "app",
            "MasterUserPassword": "verysecret1", "BackupRetentionPeriod": 7, "StorageEncrypted": True,
            "MultiAZ": False, "PubliclyAccessible": False, "CopyTagsToSnapshot": True, **more}


def test_database(aws, boto, subnets):
    aws.create("AWS::RDS::DBSubnetGroup", {"DBSubnetGroupName": "g", "DBSubnetGroupDescription": "d", "SubnetIds": subnets})
    logs = {"EnableCloudwatchLogsExports": ["postgresql"]} if MOTO else {}
    r = aws.cycle("AWS::RDS::DBInstance", database(DBSubnetGroupName="g", **logs),
                  {"DBInstanceClass": "db.t3.small"}, {"AllocatedStorage": "40"}, {"BackupRetentionPeriod": 3},
                  *ministack_lacks({"EnableCloudwatchLogsExports": ["upgrade"]}), {"DeletionProtection": True}, {"DeletionProtection": False},
                  {"MasterUserPassword": "othersecret2"}, {"EngineVersion": "15"}, {"AllocatedStorage": "20"})
    assert r.attributes["Endpoint.Address"] and r.attributes["Endpoint.Port"] == 5432
    assert r.attributes["DBInstanceArn"].endswith(":db:db")


def test_database_keeps_its_data(aws, boto):
    r = aws.create("AWS::RDS::DBInstance", database(DeletionProtection=True))
    refused(lambda: aws.remove(r), "resource.protected")
    aws.update(r, database())
    refused(lambda: aws.remove(r, force_destroy=False, allow_data_loss=False), "refused")
    aws.remove(r, force_destroy=False, allow_data_loss=False, final_snapshot=True)
    assert aws.read(r)[0]["gone"]
    snapshots = boto("rds").describe_db_snapshots()["DBSnapshots"]
    assert [s["DBSnapshotIdentifier"].startswith("db-final-2") for s in snapshots if s["SnapshotType"] == "manual"] == [True]
    again = aws.create("AWS::RDS::DBInstance", {**database(), "DBSnapshotIdentifier": snapshots[0]["DBSnapshotIdentifier"],
                                                "BackupRetentionPeriod": 5})
    assert aws.read(again)[0]["live"]["BackupRetentionPeriod"] == 5


def test_database_with_a_secret_password(aws, boto):
    secret = boto("secretsmanager").create_secret(Name="pw", SecretString=json.dumps({"password": "fromsecret1"}))
    r = aws.create("AWS::RDS::DBInstance", database(MasterUserPassword={"$secret": secret["ARN"], "key": "password"}))
    aws.check(r)
    assert "fromsecret1" not in json.dumps([r.attributes, r.desired])


def test_cluster_and_its_instance(aws, boto):
    cluster = {"DBClusterIdentifier": "c", "Engine": "aurora-postgresql", "EngineVersion": "15.10", "DatabaseName": "app",
               "MasterUsername": "app", "MasterUserPassword": "verysecret1", "BackupRetentionPeriod": 7,
               "StorageEncrypted": True}
    r = aws.cycle("AWS::RDS::DBCluster", cluster, {"BackupRetentionPeriod": 3}, {"DeletionProtection": True},
                  {"DeletionProtection": None},
                  *ministack_lacks({"ServerlessV2ScalingConfiguration": {"MinCapacity": 0.5, "MaxCapacity": 2}}), keep=True)
    assert r.attributes["Endpoint.Address"] and r.attributes["ReadEndpoint.Address"]
    member = aws.create("AWS::RDS::DBInstance", {
        "DBInstanceIdentifier": "c-1", "DBInstanceClass": "db.r6g.large", "Engine": "aurora-postgresql",
        "DBClusterIdentifier": "c"}, key="c-1")
    aws.check(member)
    aws.remove(member, force_destroy=False, allow_data_loss=False)  # its data is the cluster's
    refused(lambda: aws.remove(r, force_destroy=False, allow_data_loss=False), "refused")
    aws.remove(r, force_destroy=False, allow_data_loss=False, final_snapshot=True)
    assert aws.read(r)[0]["gone"]


# --- Secrets Manager ---

def test_secret(aws, boto):
    r = aws.cycle("AWS::SecretsManager::Secret", {"Name": "app/key", "Description": "d", "SecretString": "one"},
                  {"SecretString": "two"}, {"Description": None}, {"KmsKeyId": "alias/aws/secretsmanager"}, keep=True)
    assert boto("secretsmanager").get_secret_value(SecretId="app/key")["SecretString"] == "two"
    assert r.attributes["Arn"] == r.id and r.attributes["VersionId"]
    aws.remove(r, force_destroy=False)
    assert aws.read(r)[0]["gone"]
    # Its name is still taken: it is restored, and adopted.
    with pytest.raises(Failure) as failure:
        aws.create("AWS::SecretsManager::Secret", r.desired, key="secret")
    assert failure.value.error["id"] == "resource.exists"
    assert aws.find(r)["found"] == "ours"


def test_generated_secret(aws, boto):
    r = aws.create("AWS::SecretsManager::Secret", {"Name": "a", "GenerateSecretString": {
        "PasswordLength": 20, "ExcludePunctuation": True, "SecretStringTemplate": '{"username":"app"}',
        "GenerateStringKey": "password"}})
    value = json.loads(boto("secretsmanager").get_secret_value(SecretId="a")["SecretString"])
    assert value["username"] == "app" and len(value["password"]) == 20
    aws.check(r)
    plain = aws.create("AWS::SecretsManager::Secret", {"Name": "b", "GenerateSecretString": {"PasswordLength": 32}})
    assert len(boto("secretsmanager").get_secret_value(SecretId="b")["SecretString"]) == 32
    assert value["password"] not in json.dumps([r.attributes, plain.attributes, TAGS])


# --- a create whose answer is lost ---

LOST = [
    ("AWS::SQS::Queue", "CreateQueue", {"QueueName": "q"}),
    ("AWS::SNS::Topic", "CreateTopic", {"TopicName": "t"}),
    ("AWS::DynamoDB::Table", "CreateTable", {"TableName": "tab", "KeySchema": keys("id"), "BillingMode": "PAY_PER_REQUEST",
                                             "AttributeDefinitions": attributes(id="S")}),
    ("AWS::S3::Bucket", "CreateBucket", {"BucketName": "a-bucket"}),
    ("AWS::Lambda::Function", "CreateFunction", function(ROLE)),
    ("AWS::Events::Rule", "PutRule", {"Name": "r", "ScheduleExpression": "rate(1 hour)"}),
    ("AWS::ApiGatewayV2::Api", "CreateApi", {"Name": "a", "ProtocolType": "HTTP"}),
    ("AWS::RDS::DBInstance", "CreateDBInstance", database()),
    ("AWS::RDS::DBParameterGroup", "CreateDBParameterGroup",
     {"DBParameterGroupName": "g", "Family": "postgres15", "Description": "d"}),
    ("AWS::SecretsManager::Secret", "CreateSecret", {"Name": "s", "SecretString": "x"}),
]


@pytest.mark.skipif(not MOTO, reason="faults need the wrapped emulator")
@pytest.mark.parametrize("kind,operation,desired", LOST, ids=[operation for _, operation, _ in LOST])
def test_a_lost_create_is_found_again(aws, emulator, role, kind, operation, desired):
    emulator.set_faults([{"operation": operation, "do": "cut"}])
    with pytest.raises(Failure) as failure:
        aws.create(kind, desired, key="lost")
    assert failure.value.error["code"] in ("network", "aws")
    r = Resource(kind, "lost", desired, {**TAGS, "panka:resource": "lost"}, None)
    found = aws.find(r)
    assert found["found"] == "ours", found
    r.id, r.attributes = found["id"], found["attributes"]
    aws.check(r, tags=False)
    other = Resource(kind, "other", desired, {**TAGS, "panka:resource": "other"}, None)
    assert aws.find(other)["found"] in ("foreign", "absent")
