"""Each kind of trouble ends with its message, its exit code, and nothing lost or half-done."""
import json
import subprocess
import time

import pytest

from conftest import KIND, PANKA, REGION

QUEUE = """apiVersion: components.panka.io/v1
kind: SQS
metadata:
  name: {name}
spec:
  visibilityTimeout: {timeout}
"""
moto_only = pytest.mark.skipif(KIND != "moto", reason="needs the fault plan or the ledger of the moto wrapper")


def queue(name="jobs", timeout=60):
    return QUEUE.format(name=name, timeout=timeout)


@pytest.fixture
def shop(panka):
    panka.backend()
    return panka.stack({"services/api/queues.yaml": queue()})


def test_wrong_field_names_place_and_suggestion(panka):
    folder = panka.stack({"services/api/queues.yaml": queue().replace("visibilityTimeout", "visibilityTimout")})
    result = panka.fails(65, "validate", folder)
    assert "field.unknown" in result.err and "queues.yaml:6:3" in result.err
    assert "visibilityTimeout" in result.err.split("help")[-1]
    document = panka.fails(65, "validate", folder, "--json").json()
    [finding] = [d for d in document["diagnostics"] if d["severity"] == "error"]
    assert (finding["line"], finding["column"], finding["id"]) == (6, 3, "field.unknown")
    assert document["summary"]["errors"] == 1


def test_all_findings_in_one_run(panka):
    folder = panka.stack({
        "services/api/a.yaml": queue("a", 99999),
        "services/api/b.yaml": queue("b", "${MISSING}"),
        "services/api/c.yaml": queue("c").replace("kind: SQS", "kind: SQZ"),
        "services/api/d.yaml": "apiVersion: components.panka.io/v1\nkind: SQS\nmetadata: {name: Bad_Name}\nspec: {}\n",
    })
    found = panka.fails(65, "validate", folder, "--json").json()["diagnostics"]
    ids = {d["id"] for d in found if d["severity"] == "error"}
    assert {"sqs.visibility", "var.unknown", "doc.kind", "doc.name"} <= ids, ids


def test_kind_that_is_not_offered_is_no_silence(panka):
    folder = panka.stack({"services/api/cache.yaml":
                          "apiVersion: components.panka.io/v1\nkind: ElastiCacheRedis\nmetadata: {name: cache}\nspec: {}\n"})
    result = panka.fails(65, "validate", folder)
    assert "ElastiCacheRedis" in result.err and "does not offer" in result.err


def test_cycle_is_reported_with_its_fields(panka):
    first = queue("a") + "  dependsOn: [b]\n"
    second = queue("b") + "  dependsOn: [a]\n"
    folder = panka.stack({"services/api/a.yaml": first, "services/api/b.yaml": second})
    result = panka.fails(65, "validate", folder)
    assert "ref.cycle" in result.err and "dependsOn" in result.err


def test_apply_of_a_broken_stack_changes_nothing(panka, shop):
    (shop / "services/api/queues.yaml").write_text(queue(timeout=99999))
    panka.fails(65, "apply", shop, "--auto-approve")
    assert panka.boto("sqs").list_queues().get("QueueUrls", []) == []
    assert "Contents" not in panka.boto("s3").list_objects_v2(Bucket="acme-panka-state")


def test_queue_of_someone_else_is_never_touched(panka, shop):
    sqs = panka.boto("sqs")
    url = sqs.create_queue(QueueName="shop-test-jobs", Attributes={"VisibilityTimeout": "11"})["QueueUrl"]
    result = panka.run("apply", shop, "--auto-approve")
    assert result.code in (1, 4), result
    assert "shop-test-jobs" in result.err and "import" in result.err
    assert sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["All"])["Attributes"]["VisibilityTimeout"] == "11"
    sqs.delete_queue(QueueUrl=url)
    panka.ok("apply", shop, "--auto-approve")


@moto_only
def test_access_denied_says_what_is_missing(panka, emulator, shop):
    emulator.set_faults([{"do": "error", "service": "sqs", "operation": "CreateQueue", "times": 100, "status": 403,
                          "code": "AccessDeniedException", "message": "not authorized to perform: sqs:createqueue"}])
    result = panka.run("apply", shop, "--auto-approve")
    assert result.code in (1, 4), result
    for word in ("sqs", "CreateQueue", "AccessDenied", "jobs"):
        assert word in result.err
    emulator.set_faults([])
    panka.ok("apply", shop, "--auto-approve")
    assert panka.run("plan", shop, "--detailed-exitcode").code == 0


def test_unreachable_endpoint(panka, shop):
    result = panka.run("apply", shop, "--auto-approve", AWS_ENDPOINT_URL="http://127.0.0.1:9")
    assert result.code == 1, result
    assert "127.0.0.1" in result.err or "connect" in result.err.lower()


def test_held_lock_names_its_holder(panka, shop):
    now = int(time.time())
    panka.boto("dynamodb").put_item(TableName="panka-locks", Item={
        "lockKey": {"S": "stack:shop:env:test"}, "lockId": {"S": "7d0c5e0a-2f5e-4a55-9c5b-1f0f6c9b2f11"},
        "lockedBy": {"S": "somebody@laptop"}, "lockedAt": {"N": str(now)}, "expiresAt": {"N": str(now + 3600)},
        "lastHeartbeat": {"N": str(now)}, "rvn": {"N": "5"}, "leaseSeconds": {"N": "120"},
        "metadata": {"M": {"hostname": {"S": "laptop"}, "operation": {"S": "apply"}}}})
    result = panka.fails(5, "apply", shop, "--auto-approve")
    assert "somebody@laptop" in result.err
    panka.fails(5, "unlock", shop)
    panka.ok("unlock", shop, "--force", "--lock-id", "7d0c5e0a-2f5e-4a55-9c5b-1f0f6c9b2f11")
    panka.ok("apply", shop, "--auto-approve")


def test_state_of_a_newer_version_is_refused(panka, shop):
    panka.ok("apply", shop, "--auto-approve")
    s3, key = panka.boto("s3"), "stacks/shop/test/state.json"
    state = panka.state()
    state["formatVersion"] = 99
    body = json.dumps(state).encode()
    s3.put_object(Bucket="acme-panka-state", Key=key, Body=body)
    result = panka.fails(1, "apply", shop, "--auto-approve")
    assert "newer" in result.err or "99" in result.err
    assert s3.get_object(Bucket="acme-panka-state", Key=key)["Body"].read() == body


def test_broken_state_is_an_error_never_an_empty_stack(panka, shop):
    panka.ok("apply", shop, "--auto-approve")
    s3, key = panka.boto("s3"), "stacks/shop/test/state.json"
    s3.put_object(Bucket="acme-panka-state", Key=key, Body=b"{ half")
    result = panka.fails(1, "apply", shop, "--auto-approve")
    assert key in result.err
    assert s3.get_object(Bucket="acme-panka-state", Key=key)["Body"].read() == b"{ half"


def test_no_approval_without_a_terminal(panka, shop):
    result = panka.fails(64, "apply", shop)
    assert "--auto-approve" in result.err
    assert panka.boto("sqs").list_queues().get("QueueUrls", []) == []


def test_wrong_login(panka):
    panka.tenant()
    panka.ok("logout")
    text = (panka.work / "credentials.txt").read_text()
    secret = [line.split(": ")[1] for line in text.splitlines() if line.startswith("Secret")][0]
    wrong = panka.fails(1, "login", "--tenant", "notifications-team", "--backend-bucket", "acme-panka-state",
                        "--secret-stdin", input="pnka_wrong\n")
    unknown = panka.fails(1, "login", "--tenant", "nobody", "--backend-bucket", "acme-panka-state",
                          "--secret-stdin", input=secret + "\n")
    assert wrong.err.replace("notifications-team", "X") == unknown.err.replace("nobody", "X")
    assert secret not in wrong.err + unknown.err


@pytest.mark.parametrize("args, word", [
    (["aply"], "apply"), (["apply", "--auto-aprove"], "did you mean --auto-approve"), (["apply", "--parallelism", "x"], "--parallelism"),
    (["admin", "tenant"], "tenant init"), (["state", "show"], "KEY"), (["plan", "--var"], "--var"),
    (["plan", "--format", "xml"], "human"),
])
def test_usage_errors(panka, args, word):
    result = panka.run(*args)
    assert result.code == 64 and word in result.err + result.out, result


@moto_only
def test_interrupt_stops_and_saves(panka, emulator, shop):
    for i in range(20):
        (shop / f"services/api/q{i}.yaml").write_text(queue(f"q{i}"))
    emulator.set_faults([{"do": "delay", "service": "sqs", "operation": "CreateQueue", "times": 1000, "ms": 300}])
    before = len(emulator.mutations())
    process = panka.popen("apply", shop, "--auto-approve", "--parallelism", "2")
    deadline = time.time() + 30
    while time.time() < deadline and not any(m["operation"] == "CreateQueue" for m in emulator.mutations()[before:]):
        time.sleep(0.02)
    process.send_signal(subprocess.signal.SIGINT)
    out, err = process.communicate(timeout=60)
    assert process.returncode == 130, err
    emulator.set_faults([])
    state = panka.state()
    exists = {u.rsplit("/", 1)[1] for u in panka.boto("sqs").list_queues()["QueueUrls"]}
    known = {r["name"] for r in state["resources"].values() if r.get("physicalId")}
    assert exists == known and 0 < len(exists) < 21
    assert "Item" not in panka.boto("dynamodb").get_item(TableName="panka-locks", Key={"lockKey": {"S": "stack:shop:env:test"}})
    panka.ok("apply", shop, "--auto-approve")
    assert panka.run("plan", shop, "--detailed-exitcode").code == 0
