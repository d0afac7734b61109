"""A stack of one service for the tests of single kinds: components as dicts, applies, what they did and in what order."""
import json

import pytest
from conftest import ACCOUNT, KIND, REGION

MOTO = KIND == "moto"
TENANT = "notifications-team"


def moto_lacks(what):
    return pytest.mark.skipif(MOTO, reason=f"moto lacks {what}")


def ministack_lacks(what):
    return pytest.mark.skipif(not MOTO, reason=f"MiniStack lacks {what}")


def component(kind, name, spec, **metadata):
    return {"apiVersion": "components.panka.io/v1", "kind": kind, "metadata": {"name": name, **metadata}, "spec": spec}


def tag_map(tags, key="Key", value="Value"):
    return {t[key]: t[value] for t in tags}


def ours(tags, name, kind, resource=None):
    """The system tags, and the one that every component here sets."""
    expected = {"panka:managed": "true", "panka:stack": "shop", "panka:environment": "test", "panka:service": "api",
                "panka:component": name, "panka:kind": kind, "panka:resource": resource or name, "team": "orders"}
    assert {k: tags.get(k) for k in expected} == expected


def statement_of(text, sid=None):
    """The one statement of a policy document, or the one with that id."""
    statements = [s for s in json.loads(text)["Statement"] if sid in (None, s.get("Sid"))]
    assert len(statements) == 1, text
    return {k: v[0] if isinstance(v, list) and len(v) == 1 else v for k, v in statements[0].items()}


def allow(sid, action, principal="123456789012", **more):
    return {"Sid": sid, "Effect": "Allow", "Principal": {"AWS": f"arn:aws:iam::{principal}:root"}, "Action": action,
            "Resource": "self", **more}


class Stack:
    """The stack `shop` in the environment `test`, service `api`."""

    def __init__(self, panka, emulator, tenant=False):
        self.panka, self.emulator, self.boto = panka, emulator, panka.boto
        self.tenant = TENANT if tenant else None
        panka.tenant(TENANT) if tenant else panka.backend()
        self.prefix = f"{TENANT}-shop-test" if tenant else "shop-test"
        self.did = []

    def write(self, *components):
        text = "\n---\n".join(json.dumps(c, indent=1) for c in components)
        self.folder = self.panka.stack({"services/api/all.yaml": text})
        return self.folder

    def apply(self, *components, flags=()):
        """Applies, and proves that a second look at AWS finds nothing to do. Result: {key: action of the plan}."""
        self.write(*components)
        start = len(self.emulator.mutations()) if MOTO else 0
        result = self.panka.ok("apply", self.folder, "--auto-approve", "--json", *flags)
        self.did = self.emulator.mutations()[start:] if MOTO else []
        self.settled()
        events = result.events()
        self.notes = {n["key"]: n["text"] for n in events[-1].get("notes", [])}
        return {a["key"]: a["action"] for a in events[0].get("actions", []) if a["action"] != "delete old"}

    def settled(self):
        plan = self.panka.run("plan", self.folder, "--refresh", "--detailed-exitcode", "--full")
        assert plan.code == 0, plan
        assert "Nothing to do" in plan.out

    def refused(self, code, *components, flags=()):
        """An apply that must not do anything."""
        self.write(*components)
        start = len(self.emulator.mutations()) if MOTO else 0
        result = self.panka.fails(code, "apply", self.folder, "--auto-approve", *flags)
        assert not [r for r in self.emulator.mutations()[start:] if r["service"] not in ("s3", "dynamodb")]
        return result

    def destroy(self, *flags):
        start = len(self.emulator.mutations()) if MOTO else 0
        self.panka.ok("destroy", self.folder, "--auto-approve", *flags)
        self.did = self.emulator.mutations()[start:] if MOTO else []
        state = self.state()
        assert state["resources"] == {} and state["metadata"]["status"] == "destroyed"

    def state(self):
        return self.panka.state(tenant=self.tenant)

    def id(self, key):
        return self.state()["resources"][key]["physicalId"]

    def ids(self):
        return {k: r["physicalId"] for k, r in self.state()["resources"].items()}

    def calls(self, *operations):
        """What the last apply or destroy did, in order; only the given operations when there are any."""
        return [r["operation"] for r in self.did if not operations or r["operation"] in operations]


@pytest.fixture
def stack(panka, emulator):
    return Stack(panka, emulator)


@pytest.fixture
def team(panka, emulator):
    """The same for a tenant with a network."""
    return Stack(panka, emulator, tenant=True)
