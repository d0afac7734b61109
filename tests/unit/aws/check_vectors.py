#!/usr/bin/env python3
"""Runs the public protocol test cases against the client's wire formats.

The cases are Smithy's, in the form in which botocore's source distribution carries them. What is
left out, and why, stands in vectors_ignored.txt. usage: check_vectors.py WIRE_TOOL
"""

import base64
import glob
import json
import os
import sys
import urllib.parse
import xml.etree.ElementTree as ET

from wire_tool import WireTool, aws_models, source_distribution

HERE = os.path.dirname(os.path.abspath(__file__))


def ignored():
    rows = {}
    with open(os.path.join(HERE, "vectors_ignored.txt"), encoding="utf-8") as f:
        for line in f:
            line = line.split("#")[0].strip()
            if line:
                name, reason = line.split(None, 1)
                rows[name] = reason
    return rows


def cases(folder, kind):
    top = os.path.join(folder, "tests", "unit", "protocols")
    for path in sorted(glob.glob(os.path.join(top, kind, "*.json")) + glob.glob(os.path.join(top, "legacy", kind, "*.json"))):
        protocol = os.path.basename(path)[:-5]
        if os.path.basename(os.path.dirname(os.path.dirname(path))) == "legacy":
            protocol = "legacy-" + protocol
        if "cbor" in protocol:
            continue
        with open(path, encoding="utf-8") as f:
            suites = json.load(f)
        for i, suite in enumerate(suites):
            for j, case in enumerate(suite["cases"]):
                if ("params" if kind == "input" else "response") not in case:
                    continue
                yield f"{kind}/{protocol}/{case.get('id', f'{i}:{j}')}", suite, case


def tables(suite, case, kind):
    """The tables of the one operation of a case."""
    model = {k: suite[k] for k in ("metadata", "shapes")}
    name = case["given"].get("name", "OperationName")
    given = dict(case["given"])
    if kind == "output" and model["metadata"]["protocol"] == "query" and given.get("output"):
        given["output"] = dict(given["output"])
        given["output"].setdefault("resultWrapper", f"{name}Result")
    model["operations"] = {name: given}
    return name, aws_models.tables_of(model)


def shape_of(model_shapes, reference):
    return {**model_shapes[reference["shape"]], **{k: v for k, v in reference.items() if k != "shape"}}


def convert(shapes, reference, value, blob):
    """Applies blob() to every blob inside value."""
    if value is None or reference is None:
        return value
    shape = shape_of(shapes, reference)
    kind = shape["type"]
    if kind == "structure" and isinstance(value, dict) and not shape.get("document"):
        return {k: convert(shapes, shape["members"].get(k), v, blob) for k, v in value.items()}
    if kind == "list" and isinstance(value, list):
        return [convert(shapes, shape["member"], v, blob) for v in value]
    if kind == "map" and isinstance(value, dict):
        return {k: convert(shapes, shape["value"], v, blob) for k, v in value.items()}
    return blob(value) if kind == "blob" and isinstance(value, str) else value


def to_base64(text):
    return base64.b64encode(text.encode()).decode()


def split_uri(uri):
    path, _, query = uri.partition("?")
    return path, sorted(p for p in query.split("&") if p)


def wire_uri(answer):
    def quote(text):
        return urllib.parse.quote(text, safe="-._~")

    pairs = sorted(quote(k) + ("" if v is None else "=" + quote(v)) for k, v in answer["query"])
    return answer["path"], pairs


def same_body(protocol, actual, expected):
    if protocol in ("json", "rest-json"):
        try:
            return json.loads(actual or "{}") == json.loads(expected or "{}")
        except ValueError:
            return actual == expected
    if protocol == "rest-xml":
        try:
            return ET.canonicalize(actual, strip_text=True) == ET.canonicalize(expected, strip_text=True)
        except ET.ParseError:
            return actual == expected
    return sorted(actual.split("&")) == sorted(expected.split("&"))


def header_text(text):
    return text.replace(", ", ",")


def check_input(tool, suite, case):
    name, table = tables(suite, case, "input")
    tool.ask(table=table)
    params = convert(suite["shapes"], case["given"].get("input"), case["params"], to_base64)
    answer = tool.ask(service="@", operation=name, params=params)
    if "error" in answer:
        return answer["error"]
    expected, protocol = case["serialized"], suite["metadata"]["protocol"]
    if "method" in expected and expected["method"] != answer["method"]:
        return f"method {answer['method']}"
    base = urllib.parse.urlsplit(suite.get("clientEndpoint", "")).path.rstrip("/")
    path, pairs = wire_uri(answer)
    if split_uri(expected.get("uri", "/")) != (base + path, pairs):
        return f"uri {base + path} {pairs} is not {expected.get('uri')}"
    body = base64.b64decode(answer["body"]).decode()
    if "body" in expected and not same_body(protocol, body, expected["body"]):
        return f"body {body!r} is not {expected['body']!r}"
    headers = {k.lower(): v for k, v in answer["headers"].items()}
    for key, value in expected.get("headers", {}).items():
        actual = headers.get(key.lower())
        if key.lower() == "content-type" and actual is not None:
            actual, value = actual.replace("; charset=utf-8", ""), value.replace("; charset=utf-8", "")
        if actual is None or header_text(actual) != header_text(value):
            return f"header {key}: {actual!r} is not {value!r}"
    for key in expected.get("forbidHeaders", []):
        if key.lower() in headers:
            return f"header {key} should not be there"
    prefix = answer.get("prefix") or ""
    if "host" in expected and "clientEndpoint" in suite:
        host = urllib.parse.urlsplit(suite["clientEndpoint"]).netloc + base
        if prefix + host != expected["host"]:
            return f"host {prefix + host} is not {expected['host']}"
    return None


def check_output(tool, suite, case):
    name, table = tables(suite, case, "output")
    tool.ask(table=table)
    response, protocol = case["response"], suite["metadata"]["protocol"]
    body = response.get("body", "<xml/>" if protocol == "query" else "")
    answer = tool.ask(service="@", operation=name, response={
        "status": response["status_code"], "headers": response.get("headers", {}),
        "body": to_base64(body)})
    if "error" in answer:
        return answer["error"]
    if "fault" in answer:
        code = answer["fault"].get("code") or ""
        message = answer["fault"].get("message") or ""
        if code != case.get("errorCode", ""):
            return f"code {code!r} is not {case.get('errorCode')!r}"
        return None if message == case.get("errorMessage", message) else f"message {message!r}"
    expected = convert(suite["shapes"], case["given"].get("output"), case["result"], to_base64)
    return None if answer["result"] == expected else f"{answer['result']} is not {expected}"


def main():
    folder, tool, skipped = source_distribution(), WireTool(sys.argv[1]), ignored()
    used, passed, failed, streams = set(), 0, 0, 0
    for kind, check in (("input", check_input), ("output", check_output)):
        for name, suite, case in cases(folder, kind):
            if name in skipped:
                used.add(name)
                continue
            try:
                wrong = check(tool, suite, case)
            except aws_models.EventStream:
                streams += 1
                continue
            if wrong is None:
                passed += 1
            else:
                failed += 1
                print(f"not ok {name}: {wrong}")
    tool.close()
    for name in sorted(set(skipped) - used):
        failed += 1
        print(f"not ok vectors_ignored.txt: there is no case {name}")
    print(f"{passed} passed, {failed} failed, {len(used)} left out (vectors_ignored.txt), {streams} with event streams")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
