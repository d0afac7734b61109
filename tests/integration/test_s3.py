"""The kind S3: bucket, sub-resources, policy, notifications, data."""
import json

import pytest
from kinds import ACCOUNT, MOTO, REGION, component, moto_lacks, ours, stack, statement_of, tag_map  # noqa: F401

BUCKET = f"shop-test-files-{ACCOUNT}"
RULE = {"id": "old", "prefix": "logs/", "expiration": {"days": 365},
        "transitions": [{"days": 30, "storageClass": "STANDARD_IA"}, {"days": 90, "storageClass": "GLACIER"}],
        "noncurrentVersionExpiration": {"days": 60}, "noncurrentVersionTransitions": [{"days": 30, "storageClass": "GLACIER"}],
        "abortIncompleteUploadDays": 7}
CORS = {"allowedOrigins": ["https://shop.example.com"], "allowedMethods": ["GET", "PUT"], "allowedHeaders": ["*"],
        "exposeHeaders": ["ETag"], "maxAgeSeconds": 600}
STATEMENT = {"Sid": "Read", "Effect": "Allow", "Principal": {"AWS": f"arn:aws:iam::{ACCOUNT}:root"}, "Action": "s3:GetObject",
             "Resource": "self/*"}
SPEC = {
    "bucket": {"tags": {"data": "files"}}, "versioning": {"enabled": True}, "lifecycle": [RULE], "cors": CORS,
    "encryption": {"algorithm": "aws:kms", "kmsKeyId": f"arn:aws:kms:{REGION}:{ACCOUNT}:key/0000"},
    "website": {"enabled": True, "indexDocument": "home.html", "errorDocument": "error.html"},
    "notifications": [{"name": "in", "events": ["s3:ObjectCreated:*"], "prefix": "in/", "suffix": ".csv", "queue": "jobs"},
                      {"name": "out", "events": ["s3:ObjectRemoved:*"], "topic": "news"}],
    "accessLogs": {"bucket": "${logs.bucketName}", "prefix": "files/"},
    "policy": {"statements": [STATEMENT]}, "tags": {"team": "orders"},
}
OTHERS = [component("SQS", "jobs", {}), component("SNS", "news", {}), component("S3", "logs", {})]


def bucket(spec=SPEC, **more):
    return component("S3", "files", {**spec, **more})


def buckets(stack):
    return sorted(b["Name"] for b in stack.boto("s3").list_buckets()["Buckets"] if b["Name"] != "acme-panka-state")


def absent(call, **arguments):
    """The sub-resource is not there."""
    with pytest.raises(Exception) as failure:
        call(**arguments)
    assert failure.value.response["Error"]["Code"].startswith(("NoSuch", "ReplicationConfigurationNotFound"))


def encryption(stack, name=BUCKET):
    [rule] = stack.boto("s3").get_bucket_encryption(Bucket=name)["ServerSideEncryptionConfiguration"]["Rules"]
    return rule


def statements(stack, name=BUCKET):
    return {s["Sid"]: s for s in json.loads(stack.boto("s3").get_bucket_policy(Bucket=name)["Policy"])["Statement"]}


def test_every_field(stack):
    stack.apply(bucket(), *OTHERS)
    s3 = stack.boto("s3")
    assert s3.get_bucket_versioning(Bucket=BUCKET)["Status"] == "Enabled"
    [rule] = s3.get_bucket_lifecycle_configuration(Bucket=BUCKET)["Rules"]
    assert (rule["ID"], rule["Status"], rule["Expiration"]["Days"]) == ("old", "Enabled", 365)
    assert rule.get("Filter", {}).get("Prefix", rule.get("Prefix")) == "logs/"
    assert rule["Transitions"] == [{"Days": 30, "StorageClass": "STANDARD_IA"}, {"Days": 90, "StorageClass": "GLACIER"}]
    assert rule["NoncurrentVersionExpiration"] == {"NoncurrentDays": 60}
    assert rule["NoncurrentVersionTransitions"] == [{"NoncurrentDays": 30, "StorageClass": "GLACIER"}]
    assert rule["AbortIncompleteMultipartUpload"] == {"DaysAfterInitiation": 7}
    [cors] = s3.get_bucket_cors(Bucket=BUCKET)["CORSRules"]
    assert (cors["AllowedOrigins"], sorted(cors["AllowedMethods"]), cors["AllowedHeaders"], cors["ExposeHeaders"],
            cors["MaxAgeSeconds"]) == (["https://shop.example.com"], ["GET", "PUT"], ["*"], ["ETag"], 600)
    rule = encryption(stack)
    assert rule["ApplyServerSideEncryptionByDefault"] == {"SSEAlgorithm": "aws:kms",
                                                          "KMSMasterKeyID": f"arn:aws:kms:{REGION}:{ACCOUNT}:key/0000"}
    assert rule["BucketKeyEnabled"] is True
    site = s3.get_bucket_website(Bucket=BUCKET)
    assert (site["IndexDocument"], site["ErrorDocument"]) == ({"Suffix": "home.html"}, {"Key": "error.html"})
    assert all(s3.get_public_access_block(Bucket=BUCKET)["PublicAccessBlockConfiguration"].values())
    ownership = s3.get_bucket_ownership_controls(Bucket=BUCKET)["OwnershipControls"]["Rules"]
    assert ownership == [{"ObjectOwnership": "BucketOwnerEnforced"}]
    there = s3.get_bucket_notification_configuration(Bucket=BUCKET)
    [queue], [topic] = there["QueueConfigurations"], there["TopicConfigurations"]
    assert queue["QueueArn"].endswith(":shop-test-jobs") and queue["Events"] == ["s3:ObjectCreated:*"]
    assert {r["Name"].lower(): r["Value"] for r in queue["Filter"]["Key"]["FilterRules"]} == {"prefix": "in/", "suffix": ".csv"}
    assert topic["TopicArn"].endswith(":shop-test-news") and topic["Events"] == ["s3:ObjectRemoved:*"]
    log = s3.get_bucket_logging(Bucket=BUCKET)["LoggingEnabled"]
    assert (log["TargetBucket"], log["TargetPrefix"]) == (f"shop-test-logs-{ACCOUNT}", "files/")
    policy = statements(stack)
    assert set(policy) == {"DenyInsecureTransport", "Read"} and policy["Read"]["Resource"] == [f"arn:aws:s3:::{BUCKET}/*"]
    assert policy["DenyInsecureTransport"]["Condition"] == {"Bool": {"aws:SecureTransport": "false"}}
    [delivery] = [s for s in json.loads(s3.get_bucket_policy(Bucket=f"shop-test-logs-{ACCOUNT}")["Policy"])["Statement"]
                  if s["Effect"] == "Allow"]
    assert delivery["Principal"] == {"Service": "logging.s3.amazonaws.com"} and BUCKET in json.dumps(delivery["Condition"])
    tags = tag_map(s3.get_bucket_tagging(Bucket=BUCKET)["TagSet"])
    ours(tags, "files", "S3")
    assert tags["data"] == "files"
    # both receivers let the bucket, and no bucket of the same name in another account, send
    policy = stack.boto("sqs").get_queue_attributes(QueueUrl=stack.id("jobs"), AttributeNames=["Policy"])["Attributes"]["Policy"]
    topic_policy = stack.boto("sns").get_topic_attributes(TopicArn=stack.id("news"))["Attributes"]["Policy"]
    for text in (policy, topic_policy):
        statement = statement_of(text)
        assert statement["Principal"] == {"Service": "s3.amazonaws.com"}
        assert BUCKET in json.dumps(statement["Condition"]) and ACCOUNT in json.dumps(statement["Condition"])
    outputs = stack.panka.ok("outputs", "--json", cwd=stack.folder).json()
    assert outputs["files.bucketName"] == BUCKET and outputs["files.bucketArn"] == f"arn:aws:s3:::{BUCKET}"
    assert outputs["files.regionalDomainName"] == f"{BUCKET}.s3.{REGION}.amazonaws.com"
    assert outputs["files.websiteUrl"] == f"http://{BUCKET}.s3-website-{REGION}.amazonaws.com"


def test_changes_in_place(stack):
    stack.apply(bucket(), *OTHERS)
    before = stack.ids()
    second = {"id": "tmp", "enabled": False, "prefix": "tmp/", "expiration": {"days": 1}}
    block = {"blockPublicAcls": True, "blockPublicPolicy": False, "ignorePublicAcls": True, "restrictPublicBuckets": False}
    stack.apply(bucket(versioning={"enabled": False}, lifecycle=[{**RULE, "expiration": {"days": 400}}, second],
                       cors=[{**CORS, "maxAgeSeconds": 60}], encryption={"algorithm": "AES256"}, publicAccessBlock=block,
                       website={"enabled": True, "indexDocument": "index.html", "routingRules": json.dumps([{
                           "RoutingRuleCondition": {"KeyPrefixEquals": "old/"}, "RedirectRule": {"ReplaceKeyPrefixWith": "new/"}}])},
                       notifications=[{"name": "in", "events": ["s3:ObjectCreated:Put"], "topic": "news"}],
                       accessLogs={"bucket": "${logs.bucketName}", "prefix": "other/"}, bucket={"tags": {"data": "other"}},
                       policy={"statements": [{**STATEMENT, "Action": ["s3:GetObject", "s3:GetObjectVersion"]}]}), *OTHERS)
    s3 = stack.boto("s3")
    assert s3.get_bucket_versioning(Bucket=BUCKET)["Status"] == "Suspended"
    rules = {r["ID"]: r for r in s3.get_bucket_lifecycle_configuration(Bucket=BUCKET)["Rules"]}
    assert rules["old"]["Expiration"]["Days"] == 400 and rules["tmp"]["Status"] == "Disabled"
    assert s3.get_bucket_cors(Bucket=BUCKET)["CORSRules"][0]["MaxAgeSeconds"] == 60
    assert encryption(stack)["ApplyServerSideEncryptionByDefault"] == {"SSEAlgorithm": "AES256"}
    assert s3.get_public_access_block(Bucket=BUCKET)["PublicAccessBlockConfiguration"] == {
        k[0].upper() + k[1:]: v for k, v in block.items()}
    site = s3.get_bucket_website(Bucket=BUCKET)
    assert site["IndexDocument"] == {"Suffix": "index.html"} and "ErrorDocument" not in site
    assert site["RoutingRules"] == [{"Condition": {"KeyPrefixEquals": "old/"}, "Redirect": {"ReplaceKeyPrefixWith": "new/"}}]
    there = s3.get_bucket_notification_configuration(Bucket=BUCKET)
    assert "QueueConfigurations" not in there and there["TopicConfigurations"][0]["Events"] == ["s3:ObjectCreated:Put"]
    assert s3.get_bucket_logging(Bucket=BUCKET)["LoggingEnabled"]["TargetPrefix"] == "other/"
    assert sorted(statements(stack)["Read"]["Action"]) == ["s3:GetObject", "s3:GetObjectVersion"]
    assert tag_map(s3.get_bucket_tagging(Bucket=BUCKET)["TagSet"])["data"] == "other"
    assert {k: v for k, v in before.items() if k != "jobs:policy"} == stack.ids()
    # out of the file, out of AWS
    stack.apply(bucket({"tags": {"team": "orders"}}), *OTHERS)
    absent(s3.get_bucket_lifecycle_configuration, Bucket=BUCKET)
    absent(s3.get_bucket_cors, Bucket=BUCKET)
    absent(s3.get_bucket_website, Bucket=BUCKET)
    assert "LoggingEnabled" not in s3.get_bucket_logging(Bucket=BUCKET)
    assert "TopicConfigurations" not in s3.get_bucket_notification_configuration(Bucket=BUCKET)
    assert set(statements(stack)) == {"DenyInsecureTransport"}
    assert all(s3.get_public_access_block(Bucket=BUCKET)["PublicAccessBlockConfiguration"].values())
    assert "data" not in tag_map(s3.get_bucket_tagging(Bucket=BUCKET)["TagSet"])
    assert stack.id("files") == before["files"]


@moto_lacks("the EventBridge part of notification configurations")
def test_event_bridge(stack):
    stack.apply(bucket({}, notifications={"eventBridge": True}))
    assert "EventBridgeConfiguration" in stack.boto("s3").get_bucket_notification_configuration(Bucket=BUCKET)
    stack.apply(bucket({}))
    assert "EventBridgeConfiguration" not in stack.boto("s3").get_bucket_notification_configuration(Bucket=BUCKET)


def test_replication_lock_and_acl(stack):
    role = stack.boto("iam").create_role(RoleName="copier", AssumeRolePolicyDocument="{}")["Role"]["Arn"]
    copy = {"versioning": {"enabled": True}, "replication": {"enabled": True, "destinationBucket": "${target.bucketName}",
                                                            "roleArn": role}}
    target = component("S3", "target", {"versioning": {"enabled": True}})
    lock = component("S3", "locked", {"objectLock": {"enabled": True, "mode": "COMPLIANCE", "days": 30}})
    block = dict.fromkeys(["blockPublicAcls", "blockPublicPolicy", "ignorePublicAcls", "restrictPublicBuckets"], False)
    public = component("S3", "public", {"bucket": {"acl": "public-read"}, "publicAccessBlock": block})
    stack.apply(bucket(copy), target, lock, public)
    s3 = stack.boto("s3")
    replication = s3.get_bucket_replication(Bucket=BUCKET)["ReplicationConfiguration"]
    assert replication["Role"] == role
    assert replication["Rules"][0]["Destination"]["Bucket"] == f"arn:aws:s3:::shop-test-target-{ACCOUNT}"
    locked = s3.get_object_lock_configuration(Bucket=f"shop-test-locked-{ACCOUNT}")["ObjectLockConfiguration"]
    retention = locked["Rule"]["DefaultRetention"]
    assert (locked["ObjectLockEnabled"], retention["Mode"], retention["Days"]) == ("Enabled", "COMPLIANCE", 30)
    grants = s3.get_bucket_acl(Bucket=f"shop-test-public-{ACCOUNT}")["Grants"]
    assert any(g["Permission"] == "READ" and g["Grantee"].get("URI", "").endswith("/AllUsers") for g in grants)
    stack.apply(bucket({"versioning": {"enabled": True}}), target, lock, component("S3", "public", {}))
    absent(s3.get_bucket_replication, Bucket=BUCKET)
    assert s3.get_bucket_ownership_controls(Bucket=f"shop-test-public-{ACCOUNT}")["OwnershipControls"]["Rules"] == [
        {"ObjectOwnership": "BucketOwnerEnforced"}]
    assert all(s3.get_public_access_block(Bucket=f"shop-test-public-{ACCOUNT}")["PublicAccessBlockConfiguration"].values())


def test_another_name_is_another_bucket(stack):
    stack.apply(bucket({}))
    renamed = bucket({}, bucket={"name": "files-by-hand"})
    stack.refused(8, renamed)
    assert buckets(stack) == [BUCKET]
    assert stack.apply(renamed, flags=["--allow-replace", "files"])["files"] == "replace"
    assert buckets(stack) == ["files-by-hand"] and stack.id("files") == "files-by-hand"
    assert statements(stack, "files-by-hand")["DenyInsecureTransport"]["Resource"][0] == "arn:aws:s3:::files-by-hand"
    if MOTO:
        assert stack.calls("CreateBucket", "DeleteBucket") == ["CreateBucket", "DeleteBucket"]


def test_objects_are_kept(stack):
    stack.apply(bucket({"versioning": {"enabled": True}}), component("S3", "other", {}))
    s3 = stack.boto("s3")
    for body in (b"1", b"2"):
        s3.put_object(Bucket=BUCKET, Key="a", Body=body)
    stack.write(component("S3", "other", {}))
    refused = stack.panka.run("apply", stack.folder, "--auto-approve")
    assert refused.code != 0 and BUCKET in buckets(stack), refused
    assert len(s3.list_object_versions(Bucket=BUCKET)["Versions"]) == 2
    # only what was applied as disposable is disposed of
    stack.apply(bucket({"versioning": {"enabled": True}}, bucket={"forceDestroy": True}), component("S3", "other", {}))
    assert stack.apply(component("S3", "other", {}))["files"] == "delete"
    assert buckets(stack) == [f"shop-test-other-{ACCOUNT}"]
    stack.destroy()
    assert buckets(stack) == []
