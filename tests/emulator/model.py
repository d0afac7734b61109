"""AWS's service models (botocore's JSON files) and which operation a request asks for."""
import functools
import gzip
import json
import os
import re
from dataclasses import dataclass, field
from urllib.parse import parse_qsl, unquote

import botocore

DATA = os.path.join(os.path.dirname(botocore.__file__), "data")
OPERATIONS_TXT = os.path.join(os.path.dirname(__file__), "..", "..", "src", "aws", "operations.txt")
KNOWN_PROTOCOLS = ("json", "query", "ec2", "rest-json", "rest-xml")
READING = re.compile(
    r"(Describe|Get|List|Head|BatchGet|Lookup|Select|Scan|Query|Search|Filter|Decode|Validate|Test|AssumeRole|TransactGet)"
)


@dataclass
class Request:
    """One HTTP request as it came in."""

    method: str
    path: str  # still percent-encoded
    query: list  # [(name, value)], decoded; value None when there is no '='
    headers: dict  # lower-case names
    body: bytes = b""

    @functools.cached_property
    def form(self):
        return dict(parse_qsl(self.body.decode("utf-8", "replace"), keep_blank_values=True))


@dataclass
class Call:
    """The operation that a request asks for."""

    service: str  # name of the model's folder: "elbv2"
    operation: str
    model: dict = None
    protocol: str = ""
    uri: dict = field(default_factory=dict)  # members in the path

    @property
    def mutating(self):
        return not READING.match(self.operation)


def split_query(text):
    """Query pairs with None where a name stands alone (`?acl`)."""
    pairs = []
    for part in text.split("&") if text else []:
        name, eq, value = part.partition("=")
        pairs.append((unquote(name), unquote(value.replace("+", " ")) if eq else None))
    return pairs


@functools.cache
def load(service):
    folder = os.path.join(DATA, service)
    if not os.path.isdir(folder):
        return None
    versions = [v for v in sorted(os.listdir(folder)) if os.path.isdir(os.path.join(folder, v))]
    for version in reversed(versions):
        path = os.path.join(folder, version, "service-2.json")
        if os.path.exists(path + ".gz"):
            with gzip.open(path + ".gz") as f:
                return json.load(f)
        if os.path.exists(path):
            with open(path, encoding="utf-8") as f:
                return json.load(f)
    return None


def protocol_of(model):
    metadata = model["metadata"]
    for protocol in metadata.get("protocols") or [metadata["protocol"]]:
        if protocol in KNOWN_PROTOCOLS:
            return protocol
    return metadata["protocol"]


@functools.cache
def by_signing_name():
    """signing name -> services: those panka calls first, loaded from the list it is generated from."""
    with open(OPERATIONS_TXT, encoding="utf-8") as f:
        names = re.findall(r"^\[([\w-]+)\]", f.read(), re.M)
    found = {}
    for name in names:
        model = load(name)
        if model:
            metadata = model["metadata"]
            signing = metadata.get("signingName", metadata["endpointPrefix"])
            found.setdefault(signing, []).append(name)
    # DocumentDB shares RDS's endpoint, version and most action names; RDS decides first.
    for names in found.values():
        names.sort(key=lambda name: name == "docdb")
    return found


def candidates(request):
    scope = re.search(r"Credential=[^/,]*/\d+/[^/,]*/([^/,]+)/aws4_request", request.headers.get("authorization", ""))
    if not scope:
        credential = dict(request.query).get("X-Amz-Credential") or ""
        scope = re.search(r"/([^/]+)/aws4_request$", credential)
    if scope:
        services = by_signing_name().get(scope.group(1))
        return services or ([scope.group(1)] if load(scope.group(1)) else [])
    if "Action" in request.form:
        return ["sts"]  # the unsigned calls of query services are AssumeRoleWith…
    return ["s3"]


@functools.cache
def routes(service):
    """[(method, path pattern, literal query names, operation)] of a REST service."""
    found = []
    for name, operation in load(service)["operations"].items():
        http = operation["http"]
        path, _, query = http["requestUri"].partition("?")
        pattern = ""
        for part in re.split(r"(\{[^}]+\})", path.rstrip("/") or "/"):
            label = re.fullmatch(r"\{([^}+]+)(\+?)\}", part)
            if label:
                group = "p" + label.group(1).encode().hex()
                pattern += f"(?P<{group}>.+)" if label.group(2) else f"(?P<{group}>[^/]+)"
            else:
                pattern += re.escape(part)
        found.append((http["method"], re.compile(pattern + "/?"), split_query(query), name))
    return found


def route(service, request):
    """The REST operation that fits best: (operation, uri members) or None."""
    names = dict(request.query)
    best = None
    for method, pattern, literals, name in routes(service):
        match = pattern.fullmatch(request.path)
        if method != request.method or not match:
            continue
        if any(k not in names or (v is not None and names[k] != v) for k, v in literals):
            continue
        operation = load(service)["operations"][name]
        located = [m for m in located_required(service, operation)]
        present = [m for m in located if m[1] in (names if m[0] == "querystring" else request.headers)]
        literal_letters = len(re.sub(r"\(\?P<[^)]*\)", "", pattern.pattern))
        score = (len(literals), literal_letters, len(present) == len(located), len(present),
                 not operation.get("deprecated", False), [-ord(c) for c in name])
        if best is None or score > best[0]:
            groups = {bytes.fromhex(k[1:]).decode(): unquote(v) for k, v in match.groupdict().items()}
            best = (score, name, groups)
    return best and best[1:]


def located_required(service, operation):
    """[(location, wire name)] of required members outside path and body."""
    shapes = load(service)["shapes"]
    shape = shapes[operation["input"]["shape"]] if "input" in operation else {}
    for name in shape.get("required", []):
        member = shape["members"][name]
        if member.get("location") in ("querystring", "header"):
            wire = member.get("locationName", name)
            yield member["location"], wire if member["location"] == "querystring" else wire.lower()


def identify(request):
    """All calls a request may be, likeliest first (RDS and DocumentDB look alike)."""
    calls = []
    for service in candidates(request):
        model = load(service)
        protocol = protocol_of(model)
        uri = {}
        if protocol == "json":
            prefix, _, operation = request.headers.get("x-amz-target", "").rpartition(".")
            if prefix != model["metadata"].get("targetPrefix"):
                continue
        elif protocol in ("query", "ec2"):
            operation = request.form.get("Action") or dict(request.query).get("Action")
            if request.form.get("Version", model["metadata"]["apiVersion"]) != model["metadata"]["apiVersion"]:
                continue
        else:
            found = route(service, request)
            if not found:
                continue
            operation, uri = found
        if operation in model["operations"]:
            calls.append(Call(service, operation, model, protocol, uri))
    return calls
