"""The kind DynamoDB: table, indexes, scaling, streams, backups, protection."""
import pytest
from kinds import ACCOUNT, MOTO, REGION, component, ministack_lacks, ours, stack, tag_map  # noqa: F401

TABLE = "shop-test-orders"
BY_USER = {"name": "by-user", "hashKey": {"name": "user", "type": "S"}, "rangeKey": {"name": "at", "type": "N"},
           "projection": "INCLUDE", "nonKeyAttributes": ["total", "state"]}
BY_STATE = {"name": "by-state", "hashKey": {"name": "state", "type": "S"}, "projection": "KEYS_ONLY"}
UNITS = {"readCapacity": 3, "writeCapacity": 2}
KEYS = {"hashKey": {"name": "id", "type": "S"}, "rangeKey": {"name": "at", "type": "N"}}
LOCAL = [{"name": "by-total", "rangeKey": {"name": "total", "type": "N"}, "projection": "ALL"}]
SPEC = {
    **KEYS, "billingMode": "PROVISIONED", "readCapacity": 5, "writeCapacity": 4,
    "autoscaling": {"read": {"min": 5, "max": 50, "target": 60}, "write": {"min": 4, "max": 40}},
    "globalSecondaryIndexes": [{**BY_USER, **UNITS}], "localSecondaryIndexes": LOCAL,
    "ttl": {"enabled": True, "attributeName": "expires"}, "stream": {"enabled": True, "viewType": "NEW_IMAGE"},
    "encryption": {"enabled": True}, "pointInTimeRecovery": {"enabled": True, "days": 7}, "tags": {"team": "orders"},
}
ON_DEMAND = {**KEYS, "tags": {"team": "orders"}}


def table(spec=SPEC, name="orders", **more):
    return component("DynamoDB", name, {**spec, **more})


def there(stack, name=TABLE):
    return stack.boto("dynamodb").describe_table(TableName=name)["Table"]


def tables(stack):
    return [t for t in stack.boto("dynamodb").list_tables()["TableNames"] if t != "panka-locks"]


def tags(stack, arn):
    pages = stack.boto("dynamodb").get_paginator("list_tags_of_resource").paginate(ResourceArn=arn)
    return tag_map(t for page in pages for t in page["Tags"])


def capacity(of):
    return of["ProvisionedThroughput"]["ReadCapacityUnits"], of["ProvisionedThroughput"]["WriteCapacityUnits"]


def ttl(stack):
    t = stack.boto("dynamodb").describe_time_to_live(TableName=TABLE)["TimeToLiveDescription"]
    return t.get("AttributeName") if t["TimeToLiveStatus"] == "ENABLED" else None


def recovery(stack):
    d = stack.boto("dynamodb").describe_continuous_backups(TableName=TABLE)["ContinuousBackupsDescription"]
    d = d["PointInTimeRecoveryDescription"]
    return d.get("RecoveryPeriodInDays", True) if d["PointInTimeRecoveryStatus"] == "ENABLED" else None


def scaling(stack):
    """dimension -> (min, max, target)"""
    client = stack.boto("application-autoscaling")
    targets = client.describe_scalable_targets(ServiceNamespace="dynamodb")["ScalableTargets"]
    policies = {p["ScalableDimension"]: p["TargetTrackingScalingPolicyConfiguration"]
                for p in client.describe_scaling_policies(ServiceNamespace="dynamodb")["ScalingPolicies"]}
    assert all(t["ResourceId"] == f"table/{TABLE}" for t in targets) and len(policies) == len(targets)
    return {t["ScalableDimension"].split(":")[2]: (t["MinCapacity"], t["MaxCapacity"], policies[t["ScalableDimension"]]["TargetValue"])
            for t in targets}


@ministack_lacks("Application Auto Scaling")
def test_every_field(stack):
    stack.apply(table())
    t = there(stack)
    assert t["KeySchema"] == [{"AttributeName": "id", "KeyType": "HASH"}, {"AttributeName": "at", "KeyType": "RANGE"}]
    types = {a["AttributeName"]: a["AttributeType"] for a in t["AttributeDefinitions"]}
    assert types == {"id": "S", "at": "N", "user": "S", "total": "N"}
    assert capacity(t) == (5, 4) and t.get("BillingModeSummary", {}).get("BillingMode", "PROVISIONED") == "PROVISIONED"
    [index] = t["GlobalSecondaryIndexes"]
    assert index["IndexName"] == "by-user" and capacity(index) == (3, 2)
    assert index["KeySchema"] == [{"AttributeName": "user", "KeyType": "HASH"}, {"AttributeName": "at", "KeyType": "RANGE"}]
    assert index["Projection"]["ProjectionType"] == "INCLUDE"
    assert sorted(index["Projection"]["NonKeyAttributes"]) == ["state", "total"]
    [local] = t["LocalSecondaryIndexes"]
    assert local["IndexName"] == "by-total" and local["Projection"] == {"ProjectionType": "ALL"}
    assert [k["AttributeName"] for k in local["KeySchema"]] == ["id", "total"]
    assert t["StreamSpecification"] == {"StreamEnabled": True, "StreamViewType": "NEW_IMAGE"}
    assert t["SSEDescription"]["SSEType"] == "KMS"
    assert ttl(stack) == "expires" and recovery(stack) == 7
    assert scaling(stack) == {"ReadCapacityUnits": (5, 50, 60), "WriteCapacityUnits": (4, 40, 70)}
    ours(tags(stack, t["TableArn"]), "orders", "DynamoDB")
    outputs = stack.panka.ok("outputs", "--json", cwd=stack.folder).json()
    assert outputs["orders.tableName"] == TABLE and outputs["orders.tableArn"] == t["TableArn"]
    assert outputs["orders.streamArn"] == t["LatestStreamArn"]


@ministack_lacks("Application Auto Scaling")
def test_what_autoscaling_does_is_no_drift(stack):
    stack.apply(table(globalSecondaryIndexes=[]))
    stack.boto("dynamodb").update_table(TableName=TABLE, ProvisionedThroughput={"ReadCapacityUnits": 20, "WriteCapacityUnits": 9})
    stack.settled()
    stack.apply(table(globalSecondaryIndexes=[], tags={"team": "orders", "cost": "42"}))
    assert capacity(there(stack)) == (20, 9)


def test_ceilings_and_table_class(stack):
    stack.apply(table(ON_DEMAND, onDemand={"maxReadUnits": 50, "maxWriteUnits": 20}, tableClass="STANDARD_INFREQUENT_ACCESS"))
    t = there(stack)
    assert t["OnDemandThroughput"] == {"MaxReadRequestUnits": 50, "MaxWriteRequestUnits": 20}
    assert t["TableClassSummary"]["TableClass"] == "STANDARD_INFREQUENT_ACCESS"
    stack.apply(table(ON_DEMAND, onDemand={"maxReadUnits": 60, "maxWriteUnits": 20}))
    t = there(stack)
    assert t["OnDemandThroughput"]["MaxReadRequestUnits"] == 60 and t["TableClassSummary"]["TableClass"] == "STANDARD"


@ministack_lacks("Application Auto Scaling")
def test_capacity_scaling_and_billing_in_place(stack):
    stack.apply(table())
    before = stack.id("orders")
    more = {**SPEC, "autoscaling": {"read": {"min": 6, "max": 60, "target": 50}}}
    stack.apply(table(more, writeCapacity=8, globalSecondaryIndexes=[{**BY_USER, "readCapacity": 9, "writeCapacity": 2}]))
    assert capacity(there(stack))[1] == 8 and capacity(there(stack)["GlobalSecondaryIndexes"][0]) == (9, 2)
    assert scaling(stack) == {"ReadCapacityUnits": (6, 60, 50)}
    gone = ("autoscaling", "readCapacity", "writeCapacity")
    stack.apply(table({k: v for k, v in SPEC.items() if k not in gone}, billingMode="PAY_PER_REQUEST",
                      globalSecondaryIndexes=[BY_USER]))
    assert there(stack)["BillingModeSummary"]["BillingMode"] == "PAY_PER_REQUEST" and scaling(stack) == {}
    assert stack.id("orders") == before


def test_indexes_one_at_a_time(stack):
    stack.apply(table(ON_DEMAND, globalSecondaryIndexes=[BY_USER]))
    stack.apply(table(ON_DEMAND, globalSecondaryIndexes=[{**BY_USER, "projection": "ALL", "nonKeyAttributes": []}, BY_STATE]))
    indexes = {i["IndexName"]: i for i in there(stack)["GlobalSecondaryIndexes"]}
    assert indexes["by-user"]["Projection"] == {"ProjectionType": "ALL"} and set(indexes) == {"by-user", "by-state"}
    if MOTO:  # delete by-user, make by-user, make by-state
        assert stack.calls("UpdateTable") == ["UpdateTable"] * 3
    stack.apply(table(ON_DEMAND))
    assert not there(stack).get("GlobalSecondaryIndexes")


@ministack_lacks("RecoveryPeriodInDays")
def test_settings_in_place(stack):
    stack.apply(table(ON_DEMAND))
    before = stack.id("orders")
    stack.apply(table(ON_DEMAND, ttl={"enabled": True, "attributeName": "expires"}, pointInTimeRecovery=True,
                      stream={"enabled": True, "viewType": "KEYS_ONLY"}, encryption={"kmsKey": "alias/aws/dynamodb"},
                      deletionProtection=True, tags={"team": "orders", "cost": "42"}))
    t = there(stack)
    assert ttl(stack) == "expires" and recovery(stack) and t["StreamSpecification"]["StreamViewType"] == "KEYS_ONLY"
    assert t["SSEDescription"]["SSEType"] == "KMS" and t["DeletionProtectionEnabled"] is True
    assert tags(stack, t["TableArn"])["cost"] == "42"
    stream = t["LatestStreamArn"]
    # another view is another stream; protection off before the rest of the test
    stack.apply(table(ON_DEMAND, ttl={"enabled": True, "attributeName": "until"}, pointInTimeRecovery={"enabled": True, "days": 3},
                      stream={"enabled": True, "viewType": "NEW_AND_OLD_IMAGES"}))
    t = there(stack)
    assert ttl(stack) == "until" and recovery(stack) == 3 and t["LatestStreamArn"] != stream
    assert t["DeletionProtectionEnabled"] is False and "SSEDescription" not in t
    stack.apply(table(ON_DEMAND))
    t = there(stack)
    assert ttl(stack) is None and recovery(stack) is None and not t.get("StreamSpecification", {}).get("StreamEnabled")
    assert stack.id("orders") == before


@pytest.mark.parametrize("change,code,finding", [
    ({"rangeKey": {"name": "other", "type": "S"}}, 65, "ddb.key-change"),
    ({"tableName": "by-hand"}, 8, "plan.no-change"),
    ({"localSecondaryIndexes": [{"name": "by-other", "rangeKey": {"name": "other", "type": "S"}}]}, 65, "ddb.key-change")],
    ids=["keys", "name", "local-index"])
def test_keys_and_names_are_refused_and_replaced_only_when_allowed(stack, change, code, finding):
    stack.apply(table(ON_DEMAND))
    stack.boto("dynamodb").put_item(TableName=TABLE, Item={"id": {"S": "1"}, "at": {"N": "1"}})
    assert finding in stack.refused(code, table(ON_DEMAND, **change)).err
    assert there(stack)["ItemCount"] == 1
    assert stack.apply(table(ON_DEMAND, **change), flags=["--allow-replace", "orders"])["orders"] == "replace"
    [name] = tables(stack)
    assert name == ("by-hand" if "tableName" in change else name) and there(stack, name)["ItemCount"] == 0
    backups = stack.boto("dynamodb").list_backups()["BackupSummaries"]
    assert [b["BackupName"].startswith(f"{TABLE}-final-") for b in backups] == [True]


def test_removal_protection_and_destroy(stack):
    stack.apply(table(ON_DEMAND, deletionProtection=True), table(ON_DEMAND, "other", finalSnapshot=False))
    stack.boto("dynamodb").put_item(TableName="shop-test-other", Item={"id": {"S": "1"}, "at": {"N": "1"}})
    stack.refused(8, table(ON_DEMAND, "other", finalSnapshot=False))  # orders is protected
    assert sorted(tables(stack)) == [TABLE, "shop-test-other"]
    stack.apply(table(ON_DEMAND), table(ON_DEMAND, "other", finalSnapshot=False))
    stack.apply(table(ON_DEMAND, "other", finalSnapshot=False))
    assert tables(stack) == ["shop-test-other"]
    backups = stack.boto("dynamodb").list_backups()["BackupSummaries"]
    assert [b["BackupName"].startswith(f"{TABLE}-final-") for b in backups] == [True]
    # items that nothing would keep
    assert stack.panka.run("destroy", stack.folder, "--auto-approve").code != 0
    assert tables(stack) == ["shop-test-other"]
    stack.destroy("--allow-data-loss", "other")
    assert tables(stack) == []
