#!/usr/bin/env python3
"""Compares the client's wire formats with those of the pinned botocore, operation by operation.

For every operation in the tables: random valid parameters are written by both and must be equal;
random results are put on the wire and read by both and must be equal. Seeds are fixed.
usage: check_differential.py WIRE_TOOL [ROUNDS]
"""

import base64
import datetime
import json
import os
import random
import sys
import urllib.parse
import xml.etree.ElementTree as ET
from xml.sax.saxutils import escape, quoteattr

from wire_tool import ROOT, WireTool, aws_models, need_botocore

ALPHABET = "abcXYZ019 -_.~/+=&%?#:;,'\"<>()[]{}|@!$*\\^`\u00e9\u00df\u4e2d\U0001f600"
PLAIN = "abcXYZ019-_.~/+=%:;()"
TOKEN = "00000000-0000-4000-8000-000000000000"
# What the client adds or changes on purpose; test_special.c is about these.
OWN_HEADERS = {"x-amz-checksum-crc32", "x-amz-sdk-checksum-algorithm", "content-md5", "accept"}


class Maker:
    """Random values for shapes."""

    def __init__(self, rng, all_members):
        self.rng = rng
        self.all_members = all_members

    def text(self, shape):
        rng = self.rng
        if shape.enum:
            return rng.choice(shape.enum)
        location = shape.serialization.get("location")
        letters = PLAIN if location in ("header", "headers", "uri") else ALPHABET
        return "".join(rng.choice(letters) for _ in range(rng.randint(1, 12)))

    def value(self, shape, depth=0, plain=False):
        rng, kind = self.rng, shape.type_name
        if kind == "structure":
            return self.structure(shape, depth)
        if kind == "list":
            return [self.value(shape.member, depth + 1, plain) for _ in range(rng.randint(0 if not plain else 1, 3))]
        if kind == "map":
            return {f"k{i}" + rng.choice(["", "-x"]): self.value(shape.value, depth + 1, plain)
                    for i in range(rng.randint(1, 2))}
        if kind in ("string", "character"):
            if plain:
                return "".join(rng.choice(PLAIN) for _ in range(rng.randint(1, 12)))
            return self.text(shape)
        if kind in ("integer", "long", "short", "byte"):
            return rng.choice([0, 1, -1, rng.randint(-1000, 1000), 2**31 - 1] + ([2**53 + 1] if kind == "long" else []))
        if kind in ("float", "double"):
            return rng.choice([0.0, 0.25, -2.5, 1000.125, 12345678.5])
        if kind == "boolean":
            return rng.random() < 0.5
        if kind == "blob":
            return bytes(rng.randint(0, 255) for _ in range(rng.randint(1, 10)))
        return datetime.datetime.fromtimestamp(rng.randint(1, 2**31), datetime.timezone.utc)

    def structure(self, shape, depth):
        if shape.is_document_type:
            return {"a": [1, "b", None, True]}
        members = list(shape.members.items())
        if shape.is_tagged_union:
            members = [self.rng.choice(members)]
        result = {}
        for name, member in members:
            wanted = name in shape.required_members or self.all_members and depth == 0 or self.rng.random() < 0.4
            nested = member.type_name in ("structure", "list", "map")
            if not wanted and not shape.is_tagged_union:
                continue
            if nested and depth > 4 and name not in shape.required_members and not shape.is_tagged_union:
                continue
            if depth > 12:
                continue
            located = member.serialization.get("location") in ("header", "headers")
            result[name] = self.value(member, depth + 1, plain=located)
        return result


def to_json(value):
    """Our form of a value: blobs base64, times in seconds."""
    if isinstance(value, dict):
        return {k: to_json(v) for k, v in value.items()}
    if isinstance(value, (list, tuple)):
        return [to_json(v) for v in value]
    if isinstance(value, (bytes, bytearray)):
        return base64.b64encode(bytes(value)).decode()
    if isinstance(value, datetime.datetime):
        seconds = value.timestamp()
        return int(seconds) if seconds == int(seconds) else seconds
    return value


def pairs_of(query):
    """botocore's query dictionary and the template's own query as sorted pairs."""
    pairs = []
    for key, value in query.items():
        for item in value if isinstance(value, (list, tuple)) else [value]:
            pairs.append((key, "" if item is None else str(item)))
    return pairs


def compare_request(theirs, ours, protocol, raw_body):
    path, _, own_query = theirs["url_path"].partition("?")
    query = theirs["query_string"] if isinstance(theirs["query_string"], dict) else {}
    expected_pairs = sorted(pairs_of(query) + urllib.parse.parse_qsl(own_query, keep_blank_values=True))
    actual_pairs = sorted((k, v or "") for k, v in ours["query"])
    if theirs["method"] != ours["method"]:
        return f"method {ours['method']}, not {theirs['method']}"
    if path != ours["path"]:
        return f"path {ours['path']!r}, not {path!r}"
    if expected_pairs != actual_pairs:
        return f"query {actual_pairs}, not {expected_pairs}"
    drop = OWN_HEADERS | ({"content-type"} if protocol == "rest-xml" or raw_body else set())
    expected = {k.lower(): str(v) for k, v in theirs["headers"].items() if k.lower() not in drop}
    actual = {k.lower(): v for k, v in ours["headers"].items() if k.lower() not in drop}
    if expected != actual:
        return f"headers {actual}, not {expected}"
    body, wanted = base64.b64decode(ours["body"]), theirs["body"]
    if isinstance(wanted, dict):
        from botocore.utils import percent_encode_sequence
        wanted = percent_encode_sequence(wanted)
    wanted = wanted.encode() if isinstance(wanted, str) else wanted
    if body == wanted:
        return None
    if protocol in ("json", "rest-json") and body and wanted and json.loads(body) == json.loads(wanted):
        return None
    if protocol == "rest-xml" and body and wanted:
        if ET.canonicalize(body.decode()) == ET.canonicalize(wanted.decode()):
            return None
    return f"body {body!r}, not {wanted!r}"


# Results on the wire.

class Answer:
    """Writes a result in the form in which a service would send it."""

    def __init__(self, protocol):
        self.protocol = protocol
        self.headers = {}

    def time(self, value, shape, default):
        form = shape.serialization.get("timestampFormat", default)
        if form == "unixtimestamp" or form == "unixTimestamp":
            return str(int(value.timestamp()))
        if form == "rfc822":
            return value.strftime("%a, %d %b %Y %H:%M:%S GMT")
        return value.strftime("%Y-%m-%dT%H:%M:%SZ")

    def scalar(self, value, shape, default="iso8601"):
        if isinstance(value, bool):
            return "true" if value else "false"
        if isinstance(value, bytes):
            return base64.b64encode(value).decode()
        if isinstance(value, datetime.datetime):
            return self.time(value, shape, default)
        return str(value)

    def xml(self, name, value, shape):
        kind = shape.type_name
        if kind == "structure":
            attributes = "".join(
                f" xmlns:xsi='http://www.w3.org/2001/XMLSchema-instance' {m.serialization['name']}={quoteattr(value[n])}"
                for n, m in shape.members.items() if m.serialization.get("xmlAttribute") and n in value)
            inner = "".join(self.xml(m.serialization.get("name", n), value[n], m) for n, m in shape.members.items()
                            if n in value and "location" not in m.serialization
                            and not m.serialization.get("xmlAttribute"))
            return f"<{name}{attributes}>{inner}</{name}>"
        if kind == "list":
            if shape.serialization.get("flattened"):
                own = shape.member.serialization.get("name", name)
                return "".join(self.xml(own, v, shape.member) for v in value)
            item = shape.member.serialization.get("name", "member")
            return f"<{name}>" + "".join(self.xml(item, v, shape.member) for v in value) + f"</{name}>"
        if kind == "map":
            key_name = shape.key.serialization.get("name", "key")
            value_name = shape.value.serialization.get("name", "value")
            entries = [f"<{key_name}>{escape(k)}</{key_name}>" + self.xml(value_name, v, shape.value)
                       for k, v in value.items()]
            if shape.serialization.get("flattened"):
                return "".join(f"<{name}>{e}</{name}>" for e in entries)
            return f"<{name}>" + "".join(f"<entry>{e}</entry>" for e in entries) + f"</{name}>"
        return f"<{name}>{escape(self.scalar(value, shape))}</{name}>"

    def json(self, value, shape):
        kind = shape.type_name
        if kind == "structure" and not shape.is_document_type:
            return {m.serialization.get("name", n): self.json(value[n], m) for n, m in shape.members.items()
                    if n in value and "location" not in m.serialization}
        if kind == "list":
            return [self.json(v, shape.member) for v in value]
        if kind == "map":
            return {k: self.json(v, shape.value) for k, v in value.items()}
        if kind == "timestamp":
            text = self.time(value, shape, "unixtimestamp")
            return int(text) if text.isdigit() else text
        return base64.b64encode(value).decode() if kind == "blob" else value

    def located(self, value, shape):
        for name, member in shape.members.items():
            location = member.serialization.get("location")
            wire = member.serialization.get("name", name)
            if name not in value or location not in ("header", "headers"):
                continue
            if location == "headers":
                self.headers.update({wire + k: v for k, v in value[name].items()})
            elif member.type_name == "list":
                self.headers[wire] = ",".join(self.scalar(v, member.member, "rfc822") for v in value[name])
            else:
                self.headers[wire] = self.scalar(value[name], member, "rfc822")

    def body(self, value, shape, operation):
        if self.protocol.startswith("rest"):
            self.located(value, shape)
        payload = shape.serialization.get("payload")
        if payload and payload in value:
            shape, value = shape.members[payload], value[payload]
            if shape.type_name in ("blob", "string"):
                return base64.b64encode(value) if isinstance(value, bytes) else value.encode()
        elif payload:
            return b""
        if self.protocol in ("json", "rest-json"):
            return json.dumps(self.json(value, shape)).encode()
        if self.protocol == "rest-xml":
            return self.xml("Root", value, shape).encode()
        wrapper = shape.serialization.get("resultWrapper")
        text = self.xml(wrapper or f"{operation}Response", value, shape)
        return (f"<{operation}Response>{text}</{operation}Response>" if wrapper else text).encode()


def trim_for_wire(value, shape):
    """Drops what cannot be told from absence on the wire: members in URI or status."""
    return {n: v for n, v in value.items()
            if shape.members[n].serialization.get("location") in (None, "header", "headers")}


def normal(value, shape):
    """botocore's reading in our form."""
    value = {k: v for k, v in value.items() if k != "ResponseMetadata"}
    return to_json(value)


class Check:
    def __init__(self, tool, rounds):
        self.tool, self.rounds = tool, rounds
        self.requests = self.responses = self.failed = 0

    def fail(self, what, wrong):
        self.failed += 1
        if self.failed <= 40:
            print(f"not ok {what}: {wrong}"[:1500])

    def request(self, service, model, protocol, rng, all_members):
        from botocore.serialize import create_serializer

        operation, shape = model.name, model.input_shape
        params = Maker(rng, all_members).value(shape) if shape else {}
        for name, member in (shape.members if shape else {}).items():
            if member.metadata.get("idempotencyToken"):
                params[name] = TOKEN
        if service == "route53":
            params = {k: v.replace("/", "") if isinstance(v, str) else v for k, v in params.items()}
        params = {k: "x" if v == "" and shape.members[k].serialization.get("location") == "uri" else v
                  for k, v in params.items()}
        if "CopySource" in params:
            params["CopySource"] = "bucket/key"
        if service == "s3" and shape and "EncodingType" in shape.members:
            params["EncodingType"] = "url"
        if (service, operation) == ("ec2", "RunInstances"):
            params.pop("UserData", None)
        for name, member in (shape.members if shape else {}).items():
            if member.serialization.get("hostLabel") and name in params:
                params[name] = "label"
        theirs = create_serializer(protocol, include_validation=False).serialize_to_request(params, model)
        ours = self.tool.ask(service=service, operation=operation, params=to_json(params))
        self.requests += 1
        if "error" in ours:
            return self.fail(f"{service} {operation}", ours["error"])
        payload = shape.serialization.get("payload") if shape else None
        raw = payload and shape.members[payload].type_name in ("blob", "string")
        wrong = compare_request(theirs, ours, protocol, raw)
        if wrong:
            self.fail(f"{service} {operation}", wrong)
        return None

    def response(self, service, model, protocol, rng, all_members):
        from botocore.awsrequest import HeadersDict
        from botocore.parsers import create_parser

        operation, shape = model.name, model.output_shape
        if shape is None:
            return
        value = trim_for_wire(Maker(rng, all_members).value(shape), shape)
        answer = Answer(protocol)
        body = answer.body(value, shape, operation)
        response = {"status_code": 200, "headers": HeadersDict(answer.headers), "body": body, "context": {}}
        parsed = create_parser(protocol).parse(response, shape)
        ours = self.tool.ask(service=service, operation=operation, response={
            "status": 200, "headers": answer.headers, "body": base64.b64encode(body).decode()})
        self.responses += 1
        if "error" in ours:
            return self.fail(f"{service} {operation} answer", ours["error"])
        expected = normal(parsed, shape)
        payload = shape.serialization.get("payload")
        if payload and not body:  # botocore makes an empty object of no body
            expected.pop(payload, None)
            ours["result"].pop(payload, None)
        if payload and shape.members[payload].type_name == "blob":
            expected.pop(payload, None)
            ours["result"].pop(payload, None)
        if ours["result"] != expected:
            self.fail(f"{service} {operation} answer", f"{ours['result']}, not {expected} from {body!r}")
        return


def main():
    botocore = need_botocore()
    from botocore.loaders import Loader
    from botocore.model import ServiceModel

    tool = WireTool(sys.argv[1])
    check = Check(tool, int(sys.argv[2]) if len(sys.argv) > 2 else 3)
    loader = Loader(extra_search_paths=[os.path.join(os.path.dirname(botocore.__file__), "data")])
    operations = aws_models.read_operations(os.path.join(ROOT, "src", "aws", "operations.txt"))
    for service, names in operations.items():
        model = ServiceModel(loader.load_service_model(service, "service-2"), service)
        protocol = aws_models.choose_protocol(model.metadata)
        for name in names:
            for i in range(check.rounds):
                rng = random.Random(f"{service}.{name}.{i}")
                check.request(service, model.operation_model(name), protocol, rng, i == 0)
                check.response(service, model.operation_model(name), protocol, rng, i == 0)
    tool.close()
    print(f"{check.requests} requests and {check.responses} answers compared, {check.failed} differ")
    return 1 if check.failed else 0


if __name__ == "__main__":
    sys.exit(main())
