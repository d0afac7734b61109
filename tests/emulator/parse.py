"""Reads a request back into parameters along the service model.

Written from the protocol descriptions, not with botocore's serializers, so that it can judge what
another implementation sends. Everything that does not fit is reported through `complain(path, text)`.
"""
import base64
import binascii
import json
import re
import xml.etree.ElementTree as xml
from datetime import datetime
from email.utils import parsedate_to_datetime

ISO = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?(Z|[+-]\d\d:?\d\d)")


class Reader:
    def __init__(self, call, request, complain):
        self.call, self.request, self.complain = call, request, complain
        self.shapes = call.model["shapes"]

    def shape(self, reference):
        """The shape a reference means, overlaid with the reference's own traits."""
        return {**self.shapes[reference["shape"]], **reference}

    def read(self):
        operation = self.call.model["operations"][self.call.operation]
        if "input" not in operation:
            return {}, None
        shape = self.shape(operation["input"])
        if self.call.protocol == "json":
            return self.json_value(shape, self.json_body(), ""), shape
        if self.call.protocol in ("query", "ec2"):
            return self.form_input(shape), shape
        return self.rest_input(shape), shape

    # --- scalars as text (query, ec2, headers, XML) ---

    def scalar(self, shape, text, path, location="body"):
        kind = shape["type"]
        try:
            if kind in ("integer", "long"):
                return int(text)
            if kind in ("float", "double"):
                return float(text)
        except ValueError:
            self.complain(path, f"is not a number: {text!r}")
            return None
        if kind == "boolean":
            if text not in ("true", "false"):
                self.complain(path, f"is not a boolean: {text!r}")
            return text == "true"
        if kind == "timestamp":
            return self.time(shape, text, path, location)
        if kind == "blob":
            return self.blob(text, path)
        return text

    def time(self, shape, text, path, location):
        default = {"header": "rfc822"}.get(location, "iso8601")
        style = shape.get("timestampFormat", default)
        try:
            if style == "rfc822":
                return parsedate_to_datetime(text).timestamp()
            if style == "unixTimestamp":
                return float(text)
            if not ISO.fullmatch(text):
                raise ValueError
            return datetime.fromisoformat(text.replace("Z", "+00:00")).timestamp()
        except (ValueError, TypeError):
            self.complain(path, f"is not a time ({style}): {text!r}")
            return None

    def blob(self, text, path):
        try:
            return base64.b64decode(text, validate=True)
        except (binascii.Error, ValueError):
            self.complain(path, "is not base64")
            return b""

    # --- JSON ---

    def json_body(self):
        content_type = self.request.headers.get("content-type", "")
        if self.call.protocol == "json":
            version = self.call.model["metadata"].get("jsonVersion", "1.0")
            if content_type != f"application/x-amz-json-{version}":
                self.complain("", f"Content-Type is {content_type!r}")
        if not self.request.body:
            if self.call.protocol == "json":
                self.complain("", "the body is empty")
            return {}
        try:
            return json.loads(self.request.body)
        except ValueError as e:
            self.complain("", f"the body is not JSON: {e}")
            return {}

    def json_value(self, shape, value, path):
        kind = shape["type"]
        if shape.get("document") or value is None:
            return value
        if kind == "structure":
            return self.json_structure(shape, value, path)
        if kind == "list" and isinstance(value, list):
            member = self.shape(shape["member"])
            return [self.json_value(member, v, f"{path}[{i}]") for i, v in enumerate(value)]
        if kind == "map" and isinstance(value, dict):
            member = self.shape(shape["value"])
            return {k: self.json_value(member, v, f"{path}.{k}") for k, v in value.items()}
        if kind == "blob" and isinstance(value, str):
            return self.blob(value, path)
        if kind == "timestamp" and isinstance(value, str):
            return self.time({**shape, "timestampFormat": shape.get("timestampFormat", "unixTimestamp")}, value, path, "body")
        return value

    def json_structure(self, shape, value, path):
        if not isinstance(value, dict):
            return value
        names = {m.get("locationName", n): n for n, m in shape["members"].items() if not m.get("location")}
        result = {}
        for key, item in value.items():
            if key not in names:
                self.complain(f"{path}.{key}", "is not in the model")
                continue
            name = names[key]
            result[name] = self.json_value(self.shape(shape["members"][name]), item, f"{path}.{name}")
        return result

    # --- query and ec2 ---

    def form_input(self, shape):
        if not self.request.headers.get("content-type", "").startswith("application/x-www-form-urlencoded"):
            self.complain("", f"Content-Type is {self.request.headers.get('content-type')!r}")
        tree = {}
        for key, value in self.request.form.items():
            if key in ("Action", "Version"):
                continue
            node = tree
            for part in key.split("."):
                node = node.setdefault(part, {})
            node[""] = value
        return self.form_structure(shape, tree, "")

    def form_name(self, name, member):
        if self.call.protocol == "ec2":
            if "queryName" in member:
                return member["queryName"]
            name = member.get("locationName", name)
            return name[0].upper() + name[1:]
        target = self.shape(member)
        if target["type"] == "list" and target.get("flattened"):
            return self.shape(target["member"]).get("locationName", member.get("locationName", name))
        return member.get("locationName", name)

    def form_structure(self, shape, node, path):
        result, used = {}, {""}
        for name, member in shape["members"].items():
            wire = self.form_name(name, member)
            if wire in node:
                used.add(wire)
                result[name] = self.form_value(self.shape(member), node[wire], f"{path}.{name}")
        for key in node:
            if key not in used:
                self.complain(f"{path}.{key}", "is not in the model")
        if node.get(""):
            self.complain(path, "is text where members are expected")
        return result

    def form_value(self, shape, node, path):
        if shape["type"] == "structure":
            return self.form_structure(shape, node, path)
        if shape["type"] == "list":
            member = self.shape(shape["member"])
            flat = self.call.protocol == "ec2" or shape.get("flattened")
            items = node if flat else self.form_inner(node, member.get("locationName", "member"), path)
            return [self.form_value(member, n, f"{path}[{i}]") for i, n in enumerate(self.form_numbered(items, path))]
        if shape["type"] == "map":
            items = node if shape.get("flattened") else self.form_inner(node, "entry", path)
            result = {}
            for entry in self.form_numbered(items, path):
                key = entry.get(shape["key"].get("locationName", "key"), {}).get("", "")
                value = entry.get(shape["value"].get("locationName", "value"), {})
                result[key] = self.form_value(self.shape(shape["value"]), value, f"{path}.{key}")
            return result
        if set(node) != {""}:
            self.complain(path, "has members where a value is expected")
        return self.scalar(shape, node.get("", ""), path)

    def form_inner(self, node, name, path):
        for key in node:
            if key not in ("", name):
                self.complain(f"{path}.{key}", f"stands where {name!r} belongs")
        return node.get(name, {})

    def form_numbered(self, node, path):
        numbers = sorted(int(k) for k in node if k.isdigit())
        if [k for k in node if k and not k.isdigit()]:
            self.complain(path, f"has {sorted(k for k in node if k)} where numbers are expected")
        if numbers != list(range(1, len(numbers) + 1)):
            self.complain(path, f"is numbered {numbers}")
        return [node[str(n)] for n in numbers]

    # --- REST ---

    def rest_input(self, shape):
        params, query_rest = {}, dict()
        for key, value in self.request.query:
            query_rest.setdefault(key, []).append(value or "")
        literals = [k for k, _ in self.literals()]
        for name, reference in shape["members"].items():
            member = self.shape(reference)
            wire, path = member.get("locationName", name), f".{name}"
            location = reference.get("location") or member.get("location")
            if location == "uri":
                if wire in self.call.uri:
                    params[name] = self.scalar(member, self.call.uri[wire], path)
            elif location == "querystring" and member["type"] != "map":
                self.query_member(params, name, member, query_rest.pop(wire, None))
            elif location in ("header", "headers"):
                self.header_member(params, name, member, wire, location)
        for name, reference in shape["members"].items():
            member = self.shape(reference)
            if member.get("location") == "querystring" and member["type"] == "map":
                params[name] = {k: v[0] for k, v in query_rest.items() if k not in literals}
                query_rest = {}
        for key in query_rest:
            if key not in literals and not key.lower().startswith("x-amz-") and key != "x-id":
                self.complain(f".{key}", "is not a query parameter of the operation")
        self.body_members(shape, params)
        return params

    def literals(self):
        from .model import routes

        return next((q for _, _, q, name in routes(self.call.service) if name == self.call.operation), [])

    def query_member(self, params, name, member, values):
        if values is None:
            return
        if member["type"] == "list":
            item = self.shape(member["member"])
            params[name] = [self.scalar(item, v, f".{name}", "query") for v in values]
        else:
            params[name] = self.scalar(member, values[0], f".{name}", "query")

    def header_member(self, params, name, member, wire, location):
        headers = self.request.headers
        if location == "headers":
            found = {k[len(wire):]: v for k, v in headers.items() if k.startswith(wire.lower())}
            if found:
                params[name] = found
        elif wire.lower() in headers:
            text = headers[wire.lower()]
            if member["type"] == "list":
                item = self.shape(member["member"])
                params[name] = [self.scalar(item, t.strip(), f".{name}", "header") for t in text.split(",")]
            elif member.get("jsonvalue"):
                params[name] = text
            else:
                params[name] = self.scalar(member, text, f".{name}", "header")

    def body_members(self, shape, params):
        body_shape, name = shape, shape.get("payload")
        if name:
            body_shape = self.shape(shape["members"][name])
            if body_shape["type"] in ("blob", "string"):
                if self.request.body:
                    params[name] = self.request.body if body_shape["type"] == "blob" else self.request.body.decode()
                return
        elif not any(not self.shape(m).get("location") for m in shape["members"].values()):
            if self.request.body.strip() not in (b"", b"{}"):
                self.complain("", "the operation has no body, but one was sent")
            return
        if not self.request.body:
            return
        if self.call.protocol == "rest-json":
            value = self.json_value(body_shape, self.json_body(), f".{name}" if name else "")
        else:
            value = self.xml_body(body_shape, f".{name}" if name else "")
        if name:
            params[name] = value
        elif isinstance(value, dict):
            params.update(value)

    # --- XML ---

    def xml_body(self, shape, path):
        try:
            root = xml.fromstring(self.request.body)
        except xml.ParseError as e:
            self.complain(path, f"the body is not XML: {e}")
            return {}
        operation_input = self.call.model["operations"][self.call.operation]["input"]
        expected = shape.get("locationName") or operation_input.get("locationName")
        if expected and local(root.tag) != expected:
            self.complain(path, f"the root element is {local(root.tag)}, not {expected}")
        return self.xml_value(shape, root, path)

    def xml_value(self, shape, node, path):
        kind = shape["type"]
        if kind == "structure":
            return self.xml_structure(shape, node, path)
        if kind == "list":
            return self.xml_list(self.shape(shape["member"]), list(node), path)
        if kind == "map":
            result = {}
            for entry in node:
                parts = {local(c.tag): c for c in entry}
                key = parts[shape["key"].get("locationName", "key")].text or ""
                value = parts[shape["value"].get("locationName", "value")]
                result[key] = self.xml_value(self.shape(shape["value"]), value, f"{path}.{key}")
            return result
        if len(node):
            self.complain(path, "has elements where a value is expected")
        return self.scalar(shape, node.text or "", path)

    def xml_list(self, member, nodes, path):
        expected = member.get("locationName", "member")
        for node in nodes:
            if local(node.tag) != expected:
                self.complain(path, f"holds {local(node.tag)} where {expected} belongs")
        return [self.xml_value(member, n, f"{path}[{i}]") for i, n in enumerate(nodes)]

    def xml_structure(self, shape, node, path):
        result, used = {}, set()
        children = {}
        for child in node:
            children.setdefault(local(child.tag), []).append(child)
        attributes = {local(k): v for k, v in node.attrib.items()}
        for name, reference in shape["members"].items():
            member = self.shape(reference)
            if reference.get("location"):
                continue
            wire, inner = member.get("locationName", name), f"{path}.{name}"
            if member.get("xmlAttribute"):
                if local(wire) in attributes:
                    result[name] = self.scalar(member, attributes[local(wire)], inner)
            elif wire in children:
                used.add(wire)
                found = children[wire]
                if member["type"] == "list" and member.get("flattened"):
                    item = self.shape(member["member"])
                    result[name] = [self.xml_value(item, n, f"{inner}[{i}]") for i, n in enumerate(found)]
                else:
                    if len(found) > 1:
                        self.complain(inner, "is there more than once")
                    result[name] = self.xml_value(member, found[0], inner)
        for key in children:
            if key not in used:
                self.complain(f"{path}.{key}", "is not in the model")
        return result


def local(tag):
    return re.split(r"[}:]", tag)[-1]
