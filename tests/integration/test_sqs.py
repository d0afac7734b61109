"""The kind SQS: every field, every change in place, both replacements, removal."""
import json

from kinds import ACCOUNT, MOTO, REGION, allow, component, ministack_lacks, ours, stack, statement_of  # noqa: F401

SPEC = {
    "messageRetentionPeriod": "2d", "visibilityTimeout": "2m", "receiveWaitTime": 5, "delaySeconds": 3,
    "maxMessageSize": 65536, "deadLetterQueue": {"enabled": True, "maxReceiveCount": 5, "retentionPeriod": "7d"},
    "encryption": {"enabled": True}, "policy": {"statements": [allow("in", "sqs:SendMessage")]}, "tags": {"team": "orders"},
}
FIFO = {"type": "fifo", "contentBasedDeduplication": True, "deduplicationScope": "messageGroup",
        "fifoThroughputLimit": "perMessageGroupId", "encryption": {"kmsKey": "alias/aws/sqs", "reusePeriod": 600}}


def queue(name="jobs", **spec):
    return component("SQS", name, {**SPEC, **spec})


def arn(name):
    return f"arn:aws:sqs:{REGION}:{ACCOUNT}:{name}"


def attributes(stack, name):
    sqs = stack.boto("sqs")
    url = sqs.get_queue_url(QueueName=name)["QueueUrl"]
    return sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["All"])["Attributes"]


def tags(stack, name):
    sqs = stack.boto("sqs")
    return sqs.list_queue_tags(QueueUrl=sqs.get_queue_url(QueueName=name)["QueueUrl"]).get("Tags", {})


def names(stack):
    return sorted(url.rsplit("/", 1)[1] for url in stack.boto("sqs").list_queues().get("QueueUrls", []))


def test_every_field(stack):
    actions = stack.apply(queue(), component("SQS", "ordered", {**FIFO, "deadLetterQueue": {"component": "ordered-dead"}}),
                          component("SQS", "ordered-dead", {"type": "fifo"}),
                          component("SQS", "plain", {"name": "by-hand", "encryption": {"enabled": False}}))
    assert set(actions.values()) == {"create"}
    a = attributes(stack, "shop-test-jobs")
    assert {k: a[k] for k in ("MessageRetentionPeriod", "VisibilityTimeout", "ReceiveMessageWaitTimeSeconds", "DelaySeconds",
                              "MaximumMessageSize", "SqsManagedSseEnabled")} == {
        "MessageRetentionPeriod": "172800", "VisibilityTimeout": "120", "ReceiveMessageWaitTimeSeconds": "5",
        "DelaySeconds": "3", "MaximumMessageSize": "65536", "SqsManagedSseEnabled": "true"}
    assert json.loads(a["RedrivePolicy"]) == {"deadLetterTargetArn": arn("shop-test-jobs-dlq"), "maxReceiveCount": 5}
    statement = statement_of(a["Policy"])
    assert (statement["Sid"], statement["Resource"]) == ("in", arn("shop-test-jobs"))
    ours(tags(stack, "shop-test-jobs"), "jobs", "SQS")
    dead = attributes(stack, "shop-test-jobs-dlq")
    assert dead["MessageRetentionPeriod"] == "604800" and dead["SqsManagedSseEnabled"] == "true"
    assert json.loads(dead["RedriveAllowPolicy"]) == {"redrivePermission": "byQueue", "sourceQueueArns": [arn("shop-test-jobs")]}
    ours(tags(stack, "shop-test-jobs-dlq"), "jobs", "SQS", "jobs:dlq")
    f = attributes(stack, "shop-test-ordered.fifo")
    assert {k: f[k] for k in ("FifoQueue", "ContentBasedDeduplication", "DeduplicationScope", "FifoThroughputLimit",
                              "KmsMasterKeyId", "KmsDataKeyReusePeriodSeconds")} == {
        "FifoQueue": "true", "ContentBasedDeduplication": "true", "DeduplicationScope": "messageGroup",
        "FifoThroughputLimit": "perMessageGroupId", "KmsMasterKeyId": "alias/aws/sqs", "KmsDataKeyReusePeriodSeconds": "600"}
    assert json.loads(f["RedrivePolicy"])["deadLetterTargetArn"] == arn("shop-test-ordered-dead.fifo")
    assert attributes(stack, "by-hand")["SqsManagedSseEnabled"] == "false"
    outputs = stack.panka.ok("outputs", "--json", cwd=stack.folder).json()
    assert outputs["jobs.queueArn"] == arn("shop-test-jobs") and outputs["jobs.dlqArn"] == arn("shop-test-jobs-dlq")
    assert outputs["jobs.queueUrl"].endswith("/shop-test-jobs") and outputs["jobs.queueName"] == "shop-test-jobs"


def test_changes_in_place(stack):
    stack.apply(queue())
    before = stack.ids()
    assert stack.apply(queue(messageRetentionPeriod=3600, visibilityTimeout=60, receiveWaitTime=1, delaySeconds=0,
                             maxMessageSize=2048, tags={"team": "orders", "cost": "42"})) == {
        "jobs": "update", "jobs:dlq": "update"}
    a = attributes(stack, "shop-test-jobs")
    assert (a["MessageRetentionPeriod"], a["VisibilityTimeout"], a["ReceiveMessageWaitTimeSeconds"], a["DelaySeconds"],
            a["MaximumMessageSize"]) == ("3600", "60", "1", "0", "2048")
    assert tags(stack, "shop-test-jobs")["cost"] == "42" and tags(stack, "shop-test-jobs-dlq")["cost"] == "42"
    # dead letters, policy
    stack.apply(queue(deadLetterQueue={"enabled": True, "maxReceiveCount": 2, "retentionPeriod": "1d"},
                      policy={"statements": [allow("in", ["sqs:SendMessage", "sqs:GetQueueUrl"])]}))
    assert "cost" not in tags(stack, "shop-test-jobs")
    a = attributes(stack, "shop-test-jobs")
    assert json.loads(a["RedrivePolicy"])["maxReceiveCount"] == 2
    assert sorted(json.loads(a["Policy"])["Statement"][0]["Action"]) == ["sqs:GetQueueUrl", "sqs:SendMessage"]
    assert attributes(stack, "shop-test-jobs-dlq")["MessageRetentionPeriod"] == "86400"
    assert stack.ids() == before
    # the defaults come back, the policy goes
    stack.apply(component("SQS", "jobs", {"deadLetterQueue": True, "tags": {"team": "orders"}}))
    a = attributes(stack, "shop-test-jobs")
    assert (a["MessageRetentionPeriod"], a["VisibilityTimeout"], a["MaximumMessageSize"]) == ("345600", "30", "262144")
    assert not a.get("Policy")
    assert {k: v for k, v in before.items() if k != "jobs:policy"} == stack.ids()


@ministack_lacks("the removal of a redrive policy with an empty text")
def test_encryption_and_dead_letter_queue_come_and_go(stack):
    stack.apply(queue())
    before = stack.id("jobs")
    stack.apply(queue(encryption={"kmsKey": "alias/aws/sqs", "reusePeriod": 120}, deadLetterQueue=False))
    a = attributes(stack, "shop-test-jobs")
    assert (a["KmsMasterKeyId"], a["KmsDataKeyReusePeriodSeconds"]) == ("alias/aws/sqs", "120")
    assert not a.get("RedrivePolicy") and names(stack) == ["shop-test-jobs"]
    if MOTO:  # the queue lets go of its dead-letter queue before that one goes
        calls = stack.calls("SetQueueAttributes", "DeleteQueue")
        assert calls.index("SetQueueAttributes") < calls.index("DeleteQueue")
    stack.apply(queue(deadLetterQueue={"component": "dead"}), component("SQS", "dead", {}))
    a = attributes(stack, "shop-test-jobs")
    assert not a.get("KmsMasterKeyId") and a["SqsManagedSseEnabled"] == "true"
    assert json.loads(a["RedrivePolicy"])["deadLetterTargetArn"] == arn("shop-test-dead")
    assert stack.id("jobs") == before


def test_fifo_settings_change_in_place(stack):
    stack.apply(component("SQS", "jobs", FIFO))
    before = stack.id("jobs")
    stack.apply(component("SQS", "jobs", {"type": "fifo"}))
    f = attributes(stack, "shop-test-jobs.fifo")
    assert (f["ContentBasedDeduplication"], f["DeduplicationScope"], f["FifoThroughputLimit"]) == ("false", "queue", "perQueue")
    assert stack.id("jobs") == before


def test_fifo_switch_and_name_replace_create_first(stack):
    stack.apply(queue())
    actions = stack.apply(queue(type="fifo"))
    assert actions["jobs"] == "replace" and actions["jobs:dlq"] == "replace"
    [main] = [n for n in names(stack) if "dlq" not in n]
    assert main.startswith("shop-test-jobs") and main.endswith(".fifo") and main != "shop-test-jobs.fifo"
    f = attributes(stack, main)
    assert f["FifoQueue"] == "true" and f["VisibilityTimeout"] == "120"
    dead = json.loads(f["RedrivePolicy"])["deadLetterTargetArn"].rsplit(":", 1)[1]
    assert names(stack) == sorted([main, dead]) and dead.endswith(".fifo")
    assert json.loads(attributes(stack, dead)["RedriveAllowPolicy"])["sourceQueueArns"] == [arn(main)]
    assert statement_of(f["Policy"])["Resource"] == arn(main)
    if MOTO:
        calls = stack.calls("CreateQueue", "DeleteQueue")
        assert calls == ["CreateQueue"] * 2 + ["DeleteQueue"] * 2
    assert stack.apply(component("SQS", "jobs", {**SPEC, "type": "fifo", "name": "by-hand.fifo"}))["jobs"] == "replace"
    assert "by-hand.fifo" in names(stack) and main not in names(stack)


def test_removal_and_destroy(stack):
    stack.apply(queue(), queue("other"))
    stack.boto("sqs").send_message(QueueUrl=stack.id("jobs"), MessageBody="x", DelaySeconds=0)
    actions = stack.apply(queue("other"))
    assert actions["jobs"] == "delete" and names(stack) == ["shop-test-other", "shop-test-other-dlq"]
    assert stack.notes["jobs"] == "deleted with about 1 messages"
    stack.apply(queue("other", enabled=False), queue("third", retainOnDelete=True))
    assert names(stack) == ["shop-test-third", "shop-test-third-dlq"]
    stack.destroy()
    assert names(stack) == ["shop-test-third", "shop-test-third-dlq"]
