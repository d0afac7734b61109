"""The provider under test: a C program that takes orders over standard input (provider_driver.c)."""
import base64
import hashlib
import json
import os
import pathlib
import subprocess

import pytest

ROOT = pathlib.Path(__file__).resolve().parents[3]
PROGRAM = os.environ.get("PANKA_PROVIDER_DRIVER",
                         str(ROOT / "build" / "tests" / "unit" / "provider" / "provider_driver"))
TAGS = {"panka:managed": "true", "panka:lineage": "lineage1", "panka:op": "op1", "team": "blue"}
MOTO = os.environ.get("EMULATOR", "moto") == "moto"


def ministack_lacks(what):
    return pytest.mark.skipif(not MOTO, reason=f"MiniStack lacks {what}")


DATA_LOSS = {"force_destroy": True, "allow_data_loss": True}


def token(key):
    """As the engine makes them: 52 characters a-z2-7."""
    return base64.b32encode(hashlib.sha256(key.encode()).digest()).decode().lower().rstrip("=")


class Failure(Exception):
    """What AWS or the provider refused; error is its object."""

    def __init__(self, order, answer):
        super().__init__(f"{order['do']} {order.get('type')}: {json.dumps(answer.get('error') or answer, indent=1)}")
        self.error = answer.get("error") or {}


class Resource:
    def __init__(self, kind, key, desired, tags, name):
        self.kind, self.key, self.desired, self.tags, self.name = kind, key, desired, tags, name
        self.id, self.attributes, self.waits = None, {}, []


class Driver:
    def __init__(self, url, account="123456789012", region="us-east-1"):
        env = {**os.environ, "AWS_ENDPOINT_URL": url, "AWS_REGION": region, "AWS_ACCESS_KEY_ID": "test",
               "AWS_SECRET_ACCESS_KEY": "test", "AWS_MAX_ATTEMPTS": "1", "PANKA_TEST_ACCOUNT": account}
        self.process = subprocess.Popen([PROGRAM], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, env=env)

    def close(self):
        self.process.stdin.close()
        assert self.process.wait(20) == 0, "the provider driver did not end well"

    def ask(self, **order):
        self.process.stdin.write(json.dumps(order) + "\n")
        self.process.stdin.flush()
        line = self.process.stdout.readline()
        assert line, "the provider driver is gone"
        return json.loads(line)

    def must(self, **order):
        answer = self.ask(**order)
        if "error" in answer:
            raise Failure(order, answer)
        return answer

    # --- one resource ---

    def order(self, do, r, **more):
        order = {"do": do, "type": r.kind, "key": r.key, "desired": r.desired, "tags": r.tags, "token": token(r.key),
                 "limit_ms": 20000, **more}
        if r.name:
            order["name"] = r.name
        if r.id:
            order.update(id=r.id, attributes=r.attributes)
        return order

    def create(self, kind, desired, key=None, tags=TAGS, name=None, **more):
        key = key or kind.split("::")[-1].lower()
        r = Resource(kind, key, desired, {**tags, "panka:resource": key}, name)
        answer = self.must(**self.order("create", r, **more))
        assert answer["done"] and answer["id"], answer
        r.id, r.attributes, r.waits = answer["id"], answer.get("attributes", {}), answer["waits"]
        return r

    def find(self, r, **more):
        order = self.order("find", r, **more)
        order.pop("id", None)
        return self.must(**order)

    def update(self, r, desired, tags=None, **more):
        prior, prior_tags = r.desired, r.tags
        changes = [k for k in {**prior, **desired} if prior.get(k) != desired.get(k)]
        r.desired, r.tags = desired, {**r.tags, **(tags or {})}
        for key in [k for k, v in (tags or {}).items() if v is None]:
            del r.tags[key]
        answer = self.must(**self.order("update", r, prior=prior, prior_tags=prior_tags, changes=changes, **more))
        assert answer["done"], answer
        r.id, r.attributes = answer["id"], answer.get("attributes", {})
        return answer

    def remove(self, r, **more):
        order = self.order("remove", r, prior=r.desired, prior_tags=r.tags, **{**DATA_LOSS, **more})
        order.pop("desired"), order.pop("tags")
        answer = self.must(**order)
        assert answer["done"], answer
        return answer

    def read(self, *resources, blank=False):
        reads = [{"type": r.kind, "key": r.key, "id": r.id, "name": r.name, "attributes": r.attributes,
                  **({} if blank else {"prior": r.desired})} for r in resources]
        answer = self.must(do="read", reads=reads)
        for r, one in zip(resources, answer["reads"]):
            if "error" in one:
                raise Failure({"do": "read", "type": r.kind}, one)
        return answer["reads"]

    def check(self, r, tags=True):
        """What is there equals what is wanted: no phantom change."""
        read = self.read(r)[0]
        assert not read["gone"], f"{r.id} is gone"
        differ = self.must(do="equal", type=r.kind, desired=r.desired, live=read["live"])["differ"]
        shown = {k: (r.desired.get(k), read["live"].get(k)) for k in differ}
        assert not differ, f"{r.kind}: wanted and live differ: {json.dumps(shown, indent=1)}"
        if tags and "tags" in read:
            assert {k: v for k, v in read["tags"].items() if not k.startswith("aws:")} == r.tags
        return read

    def cycle(self, kind, desired, *updates, key=None, tags=True, name=None, adopt="ours", keep=False):
        """A whole life: create, read back, find again, every update, delete, gone. updates: dicts that are laid over
        the properties (None removes one)."""
        key = key or kind.split("::")[-1].lower()
        before = Resource(kind, key, desired, {**TAGS, "panka:resource": key}, name)
        assert self.find(before)["found"] == "absent"
        r = self.create(kind, desired, key=key, name=name)
        self.check(r, tags)
        found = self.find(r)
        assert (found["found"], found.get("id")) == (adopt, r.id if adopt == "ours" else None), found
        for change in updates:
            wanted = {k: v for k, v in {**r.desired, **change}.items() if v is not None}
            self.update(r, wanted)
            gone = [k for k, v in change.items() if v is None]
            self.check(r, tags)
            assert all(k not in r.desired for k in gone)
        if tags:
            self.update(r, r.desired, tags={"team": None, "cost": "42"})
            self.check(r)
        if not keep:
            self.remove(r)
            assert self.read(r)[0]["gone"]
            self.remove(r)
        return r
