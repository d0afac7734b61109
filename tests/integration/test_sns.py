"""The kind SNS: topic, subscriptions, policy."""
import json

import pytest
from kinds import ACCOUNT, MOTO, REGION, allow, component, ministack_lacks, ours, stack, statement_of, tag_map  # noqa: F401

RETRIES = {"http": {"defaultHealthyRetryPolicy": {"minDelayTarget": 5, "maxDelayTarget": 20, "numRetries": 4}}}
SUBSCRIPTIONS = [
    {"protocol": "sqs", "component": "jobs", "filterPolicy": {"kind": ["order", "refund"]}, "rawMessageDelivery": True,
     "filterPolicyScope": "MessageBody", "deadLetterQueue": {"component": "dead"}},
    {"protocol": "https", "endpoint": "https://hooks.example.com/in", "deliveryPolicy": {"healthyRetryPolicy": {
        "minDelayTarget": 5, "maxDelayTarget": 10, "numRetries": 2}}},
    {"protocol": "email", "endpoint": "ops@example.com"},
]
SPEC = {"displayName": "News", "deliveryPolicy": RETRIES, "encryption": {"enabled": True, "kmsKey": "alias/aws/sns"},
        "subscriptions": SUBSCRIPTIONS, "policy": {"statements": [allow("in", "sns:Publish")]}, "tags": {"team": "orders"}}
QUEUES = [component("SQS", "jobs", {}), component("SQS", "dead", {})]
TOPIC = f"arn:aws:sns:{REGION}:{ACCOUNT}:shop-test-news"


def topic(**spec):
    return component("SNS", "news", {**SPEC, **spec})


def queue_arn(name):
    return f"arn:aws:sqs:{REGION}:{ACCOUNT}:shop-test-{name}"


def attributes(stack, arn=TOPIC):
    return stack.boto("sns").get_topic_attributes(TopicArn=arn)["Attributes"]


def topics(stack):
    return [t["TopicArn"] for t in stack.boto("sns").list_topics()["Topics"]]


def subscriptions(stack, arn=TOPIC):
    """endpoint -> attributes"""
    sns = stack.boto("sns")
    return {s["Endpoint"]: sns.get_subscription_attributes(SubscriptionArn=s["SubscriptionArn"])["Attributes"]
            for s in sns.list_subscriptions_by_topic(TopicArn=arn)["Subscriptions"]}


def without(name, **spec):
    return component("SNS", "news", {k: v for k, v in {**SPEC, **spec}.items() if k != name})


@ministack_lacks("subscriptions over HTTP and by mail")
def test_every_field(stack):
    stack.apply(topic(), *QUEUES)
    a = attributes(stack)
    assert (a["DisplayName"], a["KmsMasterKeyId"]) == ("News", "alias/aws/sns")
    assert json.loads(a["DeliveryPolicy"]) == RETRIES
    statement = statement_of(a["Policy"])
    assert (statement["Sid"], statement["Resource"]) == ("in", TOPIC)
    ours(tag_map(stack.boto("sns").list_tags_for_resource(ResourceArn=TOPIC)["Tags"]), "news", "SNS")
    subs = subscriptions(stack)
    assert set(subs) == {queue_arn("jobs"), "https://hooks.example.com/in", "ops@example.com"}
    jobs = subs[queue_arn("jobs")]
    assert json.loads(jobs["FilterPolicy"]) == {"kind": ["order", "refund"]} and jobs["FilterPolicyScope"] == "MessageBody"
    assert jobs["RawMessageDelivery"] == "true" and jobs["Protocol"] == "sqs"
    assert json.loads(jobs["RedrivePolicy"]) == {"deadLetterTargetArn": queue_arn("dead")}
    hook = subs["https://hooks.example.com/in"]
    assert json.loads(hook["DeliveryPolicy"])["healthyRetryPolicy"]["numRetries"] == 2
    sqs = stack.boto("sqs")
    for name in ("jobs", "dead"):  # both queues let the topic send
        statement = statement_of(sqs.get_queue_attributes(QueueUrl=stack.id(name), AttributeNames=["Policy"])["Attributes"]["Policy"])
        assert statement["Principal"] == {"Service": "sns.amazonaws.com"} and TOPIC in json.dumps(statement["Condition"])
    outputs = stack.panka.ok("outputs", "--json", cwd=stack.folder).json()
    assert outputs["news.topicArn"] == TOPIC and outputs["news.topicName"] == "shop-test-news"


def test_tracing(stack):
    stack.apply(component("SNS", "news", {"tracing": True}))
    assert attributes(stack)["TracingConfig"] == "Active"
    stack.apply(component("SNS", "news", {}))
    assert attributes(stack).get("TracingConfig", "PassThrough") == "PassThrough"


def test_fifo_topic_delivers_to_fifo_queue(stack):
    fifo = {"fifoTopic": True, "contentBasedDeduplication": True, "subscriptions": [{"protocol": "sqs", "component": "jobs"}]}
    jobs = component("SQS", "jobs", {"type": "fifo"})
    stack.apply(component("SNS", "news", fifo), jobs)
    a = attributes(stack, f"{TOPIC}.fifo")
    assert (a["FifoTopic"], a["ContentBasedDeduplication"]) == ("true", "true")
    assert list(subscriptions(stack, f"{TOPIC}.fifo")) == [queue_arn("jobs.fifo")]
    before = stack.ids()
    stack.apply(component("SNS", "news", {**fifo, "contentBasedDeduplication": False}), jobs)
    assert attributes(stack, f"{TOPIC}.fifo")["ContentBasedDeduplication"] == "false" and stack.ids() == before


@ministack_lacks("subscriptions over HTTP and by mail")
def test_changes_in_place(stack):
    stack.apply(topic(), *QUEUES)
    before = stack.ids()
    changed = [{**SUBSCRIPTIONS[0], "filterPolicy": {"kind": ["order"]}, "rawMessageDelivery": False,
                "filterPolicyScope": "MessageAttributes"},
               {**SUBSCRIPTIONS[1], "deliveryPolicy": {"healthyRetryPolicy": {"minDelayTarget": 1, "maxDelayTarget": 3,
                                                                              "numRetries": 7}}}, SUBSCRIPTIONS[2]]
    retries = {"http": {"defaultHealthyRetryPolicy": {"minDelayTarget": 1, "maxDelayTarget": 2, "numRetries": 1}}}
    stack.apply(topic(displayName="Olds", deliveryPolicy=retries, subscriptions=changed, encryption={"enabled": False},
                      policy={"statements": [allow("in", "sns:Publish"), allow("look", "sns:GetTopicAttributes")]}), *QUEUES)
    a = attributes(stack)
    assert a["DisplayName"] == "Olds" and not a.get("KmsMasterKeyId") and json.loads(a["DeliveryPolicy"]) == retries
    assert sorted(s["Sid"] for s in json.loads(a["Policy"])["Statement"]) == ["in", "look"]
    subs = subscriptions(stack)
    assert json.loads(subs[queue_arn("jobs")]["FilterPolicy"]) == {"kind": ["order"]}
    assert subs[queue_arn("jobs")]["RawMessageDelivery"] == "false"
    assert subs[queue_arn("jobs")]["FilterPolicyScope"] == "MessageAttributes"
    assert json.loads(subs["https://hooks.example.com/in"]["DeliveryPolicy"])["healthyRetryPolicy"]["numRetries"] == 7
    assert stack.ids() == before
    # what is taken out of the file is taken back
    bare = [{"protocol": "sqs", "component": "jobs"}, *SUBSCRIPTIONS[1:]]
    stack.apply(component("SNS", "news", {"subscriptions": bare, "tags": {"team": "orders", "cost": "42"}}), *QUEUES)
    a = attributes(stack)
    assert not a["DisplayName"] and not a.get("DeliveryPolicy") and json.loads(a["Policy"])["Id"] == "__default_policy_ID"
    jobs = subscriptions(stack)[queue_arn("jobs")]
    assert json.loads(jobs.get("FilterPolicy") or "{}") == {} and not jobs.get("RedrivePolicy")
    assert tag_map(stack.boto("sns").list_tags_for_resource(ResourceArn=TOPIC)["Tags"])["cost"] == "42"
    gone = {"news:policy", "dead:policy"}
    assert {k: v for k, v in before.items() if k not in gone} == stack.ids()


def test_subscription_endpoint_is_another_subscription(stack):
    one = component("SNS", "news", {"subscriptions": [{"protocol": "sqs", "component": "jobs"}]})
    other = component("SNS", "news", {"subscriptions": [{"protocol": "sqs", "component": "dead"}]})
    stack.apply(one, *QUEUES)
    before = stack.ids()
    actions = stack.apply(other, *QUEUES)
    subs = {k: v for k, v in actions.items() if ":sub-" in k}
    assert sorted(subs.values()) == ["create", "delete"] and "news" not in actions
    assert list(subscriptions(stack)) == [queue_arn("dead")]
    assert stack.id("news") == before["news"]
    there = stack.boto("sqs").get_queue_attributes(QueueUrl=stack.id("jobs"), AttributeNames=["All"])["Attributes"]
    assert not there.get("Policy")


def test_fifo_switch_replaces_create_first(stack):
    fifo_queue = component("SQS", "lane", {"type": "fifo"})
    stack.apply(component("SNS", "news", {"displayName": "News"}), fifo_queue)
    actions = stack.apply(component("SNS", "news", {"displayName": "News", "fifoTopic": True, "subscriptions": [
        {"protocol": "sqs", "component": "lane"}]}), fifo_queue)
    assert actions["news"] == "replace"
    [arn] = topics(stack)
    assert arn.endswith(".fifo") and attributes(stack, arn)["FifoTopic"] == "true" and stack.id("news") == arn
    assert list(subscriptions(stack, arn)) == [queue_arn("lane.fifo")]
    if MOTO:
        assert stack.calls("CreateTopic", "DeleteTopic") == ["CreateTopic", "DeleteTopic"]


@pytest.mark.parametrize("spec,code", [
    ({"fifoTopic": True, "subscriptions": [{"protocol": "https", "endpoint": "https://a.example.com"}]}, "sns.fifo-protocol"),
    ({"subscriptions": [{"protocol": "https", "endpoint": "http://plain.example.com"}]}, "sns.endpoint-format"),
    ({"subscriptions": [{"protocol": "sqs", "component": "jobs", "filterPolicy": ["x"]}]}, "sns.filter-json")])
def test_refused_before_any_call(stack, spec, code):
    assert code in stack.refused(65, component("SNS", "news", spec), *QUEUES).err


@ministack_lacks("subscriptions over HTTP and by mail")
def test_removal_and_destroy(stack):
    stack.apply(topic(), component("SNS", "other", {}), *QUEUES)
    actions = stack.apply(component("SNS", "other", {}), *QUEUES)
    assert actions["news"] == "delete" and topics(stack) == [TOPIC.replace("news", "other")]
    if MOTO:  # who listens goes before what is listened to
        calls = stack.calls("Unsubscribe", "DeleteTopic")
        assert calls[-1] == "DeleteTopic" and "Unsubscribe" in calls
    assert stack.boto("sns").list_subscriptions()["Subscriptions"] == []
    stack.destroy()
    assert topics(stack) == [] and stack.boto("sqs").list_queues().get("QueueUrls", []) == []
