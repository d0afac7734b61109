"""Without tenants: a bucket of one's own, a local backend, rehearsals, targets, state commands."""
import json

from conftest import PANKA

DOCS = """apiVersion: components.panka.io/v1
kind: SQS
metadata:
  name: jobs
spec:
  visibilityTimeout: "${VISIBILITY:-60}"
  deadLetterQueue:
    enabled: true
---
apiVersion: components.panka.io/v1
kind: SNS
metadata:
  name: news
spec:
  displayName: News
  subscriptions:
    - protocol: sqs
      component: jobs
---
apiVersion: components.panka.io/v1
kind: DynamoDB
metadata:
  name: items
spec:
  hashKey: {name: id, type: S}
"""


def test_life_of_a_single_tenant_stack(panka):
    panka.backend()
    folder = panka.stack({"services/api/all.yaml": DOCS})
    panka.ok("apply", folder, "--auto-approve")
    assert panka.run("plan", folder, "--detailed-exitcode").code == 0
    assert [s["stack"] for s in panka.ok("stack", "list", "--json").json()] == ["shop"]
    keys = [r["key"] for r in panka.ok("state", "list", folder, "--json").json()]
    assert {"jobs", "jobs:dlq", "news", "items"} <= set(keys)
    shown = panka.ok("state", "show", "jobs", "--json", cwd=folder).json()
    assert shown["physicalId"].endswith("shop-test-jobs")
    panka.ok("apply", folder, "--var", "VISIBILITY=90", "--auto-approve")
    url = panka.boto("sqs").get_queue_url(QueueName="shop-test-jobs")["QueueUrl"]
    attributes = panka.boto("sqs").get_queue_attributes(QueueUrl=url, AttributeNames=["VisibilityTimeout"])["Attributes"]
    assert attributes["VisibilityTimeout"] == "90"
    panka.ok("destroy", folder, "--auto-approve")
    assert panka.boto("sqs").list_queues().get("QueueUrls", []) == []
    assert panka.state()["metadata"]["status"] == "destroyed"


def test_target_touches_only_what_it_needs(panka):
    panka.backend()
    folder = panka.stack({"services/api/all.yaml": DOCS})
    panka.ok("apply", folder, "--component", "jobs", "--auto-approve")
    assert len(panka.boto("sqs").list_queues()["QueueUrls"]) == 2
    assert panka.boto("sns").list_topics()["Topics"] == []
    panka.ok("apply", folder, "--auto-approve")
    assert len(panka.boto("sns").list_topics()["Topics"]) == 1


def test_drift_is_seen_and_mended(panka):
    panka.backend()
    folder = panka.stack({"services/api/all.yaml": DOCS})
    panka.ok("apply", folder, "--auto-approve")
    sqs = panka.boto("sqs")
    url = sqs.get_queue_url(QueueName="shop-test-jobs")["QueueUrl"]
    sqs.set_queue_attributes(QueueUrl=url, Attributes={"VisibilityTimeout": "7"})
    plan = panka.run("plan", folder, "--refresh", "--detailed-exitcode", "--json")
    assert plan.code == 2
    [action] = plan.json()["actions"]
    assert action["key"] == "jobs" and action["changes"][0]["drift"] is True
    panka.ok("apply", folder, "--auto-approve")
    assert sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["All"])["Attributes"]["VisibilityTimeout"] == "60"


def test_a_deleted_resource_comes_back(panka):
    panka.backend()
    folder = panka.stack({"services/api/all.yaml": DOCS})
    panka.ok("apply", folder, "--auto-approve")
    panka.boto("dynamodb").delete_table(TableName="shop-test-items")
    panka.ok("apply", folder, "--auto-approve")
    assert "shop-test-items" in panka.boto("dynamodb").list_tables()["TableNames"]


def test_state_rm_forgets_and_leaves(panka):
    panka.backend()
    folder = panka.stack({"services/api/all.yaml": DOCS})
    panka.ok("apply", folder, "--auto-approve")
    panka.ok("state", "rm", "items", "--yes", cwd=folder)
    assert "items" not in panka.state()["resources"]
    assert "shop-test-items" in panka.boto("dynamodb").list_tables()["TableNames"]
    # It carries our tags: the next apply takes it back instead of failing or making another one.
    panka.ok("apply", folder, "--auto-approve")
    assert panka.state()["resources"]["items"]["status"] == "ready"


def test_local_backend_plans_and_rehearses_without_aws(panka):
    folder = panka.stack({"services/api/all.yaml": DOCS})
    panka.ok("init", "--local")
    nowhere = {"AWS_ENDPOINT_URL": "http://127.0.0.1:9"}
    assert panka.run("plan", folder, "--detailed-exitcode", **nowhere).code == 2
    panka.ok("validate", folder, **nowhere)
    rehearsal = panka.ok("apply", folder, "--rehearse", **nowhere)
    assert "Rehearsed" in rehearsal.err
    assert panka.boto("sqs").list_queues().get("QueueUrls", []) == []
    panka.ok("apply", folder, "--auto-approve")
    assert (folder / ".panka/stacks/shop/test/state.json").exists()
    assert panka.run("plan", folder, "--detailed-exitcode", **nowhere).code == 0
    panka.ok("destroy", folder, "--auto-approve")
    assert panka.boto("sqs").list_queues().get("QueueUrls", []) == []


def test_scaffold_validates_as_it_is(panka):
    panka.ok("stack", "init", "shop", "--services", "api,worker")
    folder = panka.work / "shop"
    panka.ok("validate", folder)
    panka.ok("service", "add", "reports", cwd=folder)
    names = [s["name"] for s in panka.ok("service", "list", "--json", cwd=folder).json()]
    assert names == ["api", "reports", "worker"]
    panka.ok("service", "remove", "reports", "--yes", cwd=folder)
    panka.ok("validate", folder)
    assert panka.fails(64, "stack", "init", "shop").code == 64


def test_json_events(panka):
    panka.backend()
    folder = panka.stack({"services/api/all.yaml": DOCS})
    events = panka.ok("apply", folder, "--auto-approve", "--json").events()
    assert events[0]["event"] == "plan" and events[-1]["event"] == "result"
    assert events[-1]["status"] == "success" and events[-1]["created"] == len([e for e in events if e["event"] == "done"])


def test_graph(panka):
    folder = panka.stack({"services/api/all.yaml": DOCS})
    nodes = {n["label"]: n for n in panka.ok("graph", folder, "--json").json()["nodes"]}
    assert nodes["news"]["needs"] == ["api/jobs"] or nodes["jobs"]["needs"] == ["api/news"]
    for form in ("ascii", "dot", "mermaid"):
        assert "jobs" in panka.ok("graph", folder, "--format", form).out
    assert "AWS::SQS::Queue" in panka.ok("graph", folder, "--resources").out
