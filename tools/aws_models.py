#!/usr/bin/env python3
"""Makes src/aws/generated/ from the service models in the pinned PyPI package botocore.

Only the operations named in src/aws/operations.txt and the shapes they reach are kept, without
documentation. The result depends on nothing but those two inputs, so a test runs this again and
fails on any difference. The layout of the rows is described in src/aws/model.h.

  aws_models.py                 rewrite src/aws/generated/
  aws_models.py --check         fail when the files there differ from what would be written
  aws_models.py --json MODEL    print the tables of one model file (all its operations) as JSON, for
                                tests that run on a model of their own
"""

import argparse
import copy
import gzip
import json
import os
import re
import sys

BOTOCORE_VERSION = "1.44.5"
ROOT = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
OUT = os.path.join(ROOT, "src", "aws", "generated")

PROTOCOLS = ["json", "query", "ec2", "rest-json", "rest-xml"]
METHODS = ["GET", "POST", "PUT", "DELETE", "HEAD", "PATCH"]
TYPES = {
    "structure": 0, "list": 1, "map": 2, "string": 3, "character": 3, "boolean": 4,
    "byte": 5, "short": 5, "integer": 5, "long": 5, "float": 6, "double": 6, "blob": 7, "timestamp": 8,
}
DOCUMENT = 9
LOCATIONS = {None: 0, "header": 1, "headers": 2, "uri": 3, "querystring": 4, "statusCode": 5}
TIME_FORMATS = {None: 0, "iso8601": 1, "rfc822": 2, "unixTimestamp": 3, "unixtimestamp": 3}
FLAG_BITS = {"flattened": 5, "xmlAttribute": 6, "required": 7, "idempotencyToken": 8, "streaming": 9,
             "jsonvalue": 10, "hostLabel": 11}
HAS_NAME, HAS_QUERY, HAS_XMLNS, SENSITIVE = 1 << 12, 1 << 13, 1 << 14, 1 << 15
NONE = 0xFFFF
ANY_PARTITION = 0xFF
# These two describe a shape by itself and must not travel with a reference's target.
SHAPE_ONLY = ("documentation", "type", "members", "member", "key", "value", "required")


class EventStream(Exception):
    """The client speaks no event streams."""


class Pool:
    """Texts, each stored once; offset 0 is the empty text."""

    def __init__(self):
        self.items = [""]
        self.offsets = {"": 0}
        self.size = 1

    def add(self, *texts):
        joined = "\0".join(texts)
        if joined not in self.offsets:
            self.offsets[joined] = self.size
            self.items.append(joined)
            self.size += len(joined.encode()) + 1
        return self.offsets[joined]


class Tables:
    """The rows of one service."""

    def __init__(self, model):
        self.model = model
        self.meta = model["metadata"]
        self.protocol = choose_protocol(self.meta)
        self.pool = Pool()
        self.shapes, self.members, self.operations, self.endpoints = [], [], [], []
        self.shape_index = {}

    def shape(self, name):
        if name in self.shape_index:
            return self.shape_index[name]
        shape = self.model["shapes"][name]
        index = self.shape_index[name] = len(self.shapes)
        row = [TYPES[shape["type"]], 0, 0, 0]  # type, count, first, payload
        self.shapes.append(row)
        if shape.get("eventstream"):
            raise EventStream(f"{name}: event streams are not supported")
        if shape["type"] == "structure" and shape.get("document"):
            row[0] = DOCUMENT
            return index
        references = self.references(shape)
        row[1], row[2] = len(references), len(self.members)
        # The rows of one shape are neighbours: reserve them before their targets add their own.
        self.members.extend([None] * len(references))
        required = shape.get("required", [])
        for i, (member, reference) in enumerate(references):
            self.members[row[2] + i] = self.member(member, reference, member in required)
            if shape.get("payload") == member:
                row[3] = i + 1
        return index

    @staticmethod
    def references(shape):
        if shape["type"] == "structure":
            return list(shape.get("members", {}).items())
        if shape["type"] == "list":
            return [("", shape["member"])]
        if shape["type"] == "map":
            return [("", shape["key"]), ("", shape["value"])]
        return []

    def member(self, name, reference, required=False):
        target = self.model["shapes"][reference["shape"]]
        traits = {k: v for k, v in target.items() if k not in SHAPE_ONLY}
        traits.update(reference)
        flags = LOCATIONS[traits.get("location")] | TIME_FORMATS[traits.get("timestampFormat")] << 3
        for trait, bit in FLAG_BITS.items():
            if traits.get(trait) and trait != "required":
                flags |= 1 << bit
        if required:
            flags |= 1 << FLAG_BITS["required"]
        if traits.get("sensitive"):
            flags |= SENSITIVE
        # A map of headers without a prefix takes all of them.
        texts = [traits.get("locationName", "" if traits.get("location") == "headers" else name)]
        if "locationName" in traits:
            flags |= HAS_NAME
        if "queryName" in traits and self.protocol == "ec2":
            flags |= HAS_QUERY
            texts.append(traits["queryName"])
        if "xmlNamespace" in traits:
            flags |= HAS_XMLNS
            texts.append(xmlns_attribute(traits["xmlNamespace"]))
        return [self.pool.add(name), self.pool.add(*texts), self.shape(reference["shape"]), flags]

    def root(self, reference):
        """A row for the input or output reference of an operation."""
        if not reference:
            return NONE
        self.members.append(None)
        index = len(self.members) - 1
        # Only REST-XML has a use for the name: that of the body's root element.
        self.members[index] = self.member(reference["shape"] if self.protocol == "rest-xml" else "", reference)
        target = self.model["shapes"][reference["shape"]]
        if reference.get("payload"):
            place = list(target["members"]).index(reference["payload"])
            self.shapes[self.members[index][2]][3] = place + 1
        return index

    def operation(self, name, paginator):
        op = self.model["operations"][name]
        http = op.get("http", {})
        uri = http.get("requestUri", "/")
        flags = 0
        if op.get("authtype") == "none" or op.get("auth") == ["smithy.api#noAuth"]:
            flags |= 1
        if op.get("authtype") == "v4-unsigned-body" or op.get("unsignedPayload"):
            flags |= 2
        if op.get("httpChecksumRequired") or op.get("httpChecksum", {}).get("requestChecksumRequired"):
            flags |= 4
        output = op.get("output")
        self.operations.append([
            self.pool.add(name), self.pool.add(uri),
            self.pool.add(op.get("endpoint", {}).get("hostPrefix", "")),
            self.pool.add((output or {}).get("resultWrapper", "")),
            self.pool.add(paginator_text(paginator)),
            self.root(op.get("input")), self.root(output),
            METHODS.index(http.get("method", "POST")), flags,
        ])

    def header_fields(self):
        meta = self.meta
        return {
            "api_version": self.pool.add(meta.get("apiVersion", "")),
            "target_prefix": self.pool.add(meta.get("targetPrefix", "")),
            "json_version": self.pool.add(str(meta.get("jsonVersion", "1.0"))),
            "signing_name": self.pool.add(meta.get("signingName", meta.get("endpointPrefix", ""))),
            "service_id": self.pool.add(meta.get("serviceId", "")),
        }


def choose_protocol(meta):
    for protocol in meta.get("protocols", []) + [meta["protocol"]]:
        if protocol in PROTOCOLS:
            return protocol
    raise SystemExit(f"{meta.get('serviceId')}: no known protocol")


def xmlns_attribute(namespace):
    if isinstance(namespace, str):
        namespace = {"uri": namespace}
    prefix = f":{namespace['prefix']}" if namespace.get("prefix") else ""
    return f'xmlns{prefix}="{namespace["uri"]}"'


def paginator_text(paginator):
    """Five tab-separated fields: input tokens, output tokens, result keys, more_results, limit_key;
    several values of one field are separated by commas."""
    if not paginator:
        return ""

    def field(key):
        value = paginator.get(key, "")
        return ",".join(value) if isinstance(value, list) else value

    return "\t".join(field(k) for k in ("input_token", "output_token", "result_key", "more_results", "limit_key"))


def load_json(folder, name):
    for opener, path in ((open, name), (gzip.open, name + ".gz")):
        path = os.path.join(folder, path)
        if os.path.exists(path):
            with opener(path, "rb") as f:
                return json.load(f)
    return None


def deep_merge(base, extra):
    for key, value in extra.items():
        if isinstance(value, dict) and isinstance(base.get(key), dict):
            deep_merge(base[key], value)
        else:
            base[key] = value


def load_with_extras(folder, name):
    model = load_json(folder, name + ".json")
    extras = load_json(folder, name + ".sdk-extras.json")
    if model and extras:
        deep_merge(model, copy.deepcopy(extras.get("merge", {})))
    return model


def botocore_data():
    import botocore

    if botocore.__version__ != BOTOCORE_VERSION:
        raise SystemExit(f"botocore {BOTOCORE_VERSION} is needed, this is {botocore.__version__}")
    return os.path.join(os.path.dirname(botocore.__file__), "data")


def service_folder(data, service):
    versions = sorted(v for v in os.listdir(os.path.join(data, service)) if re.match(r"\d{4}-", v))
    return os.path.join(data, service, versions[-1])


def read_operations(path):
    services, current = {}, None
    with open(path, encoding="utf-8") as f:
        for line in f:
            line = line.split("#")[0].strip()
            if line.startswith("["):
                current = services.setdefault(line.strip("[]"), [])
            elif line:
                current.append(line)
    return services


# Endpoints: the rule sets are evaluated here, for every region known and one unknown region of each
# partition, and only what differs from the general case becomes a row.

def region_prefixes(partition):
    """The starts of a partition's region names, from a pattern such as ^(us|eu)\\-\\w+\\-\\d+$."""
    match = re.match(r"^\^(.*-)\\w\+-\\d\+\$$", partition["regionRegex"].replace("\\-", "-"))
    if not match:
        raise SystemExit(f"{partition['id']}: unexpected region pattern {partition['regionRegex']}")
    prefixes = [""]
    for part in re.findall(r"\([^)]*\)|[^()]+", match.group(1)):
        prefixes = [p + choice for p in prefixes for choice in part.strip("()").split("|")]
    return prefixes


def unknown_region(partition):
    """A region name that belongs to the partition but is no known region."""
    return region_prefixes(partition)[0] + "zzzz-9"


def resolve(provider, partition, region, variant):
    from botocore.exceptions import BotoCoreError

    try:
        endpoint = provider.resolve_endpoint(
            Region=region, UseFIPS=bool(variant & 1), UseDualStack=bool(variant & 2))
    except BotoCoreError:
        return ("", "", "")
    outputs = partition["outputs"]
    url = endpoint.url
    schemes = [s for s in endpoint.properties.get("authSchemes", []) if s["name"] == "sigv4"]
    scheme = schemes[0] if schemes else {}
    signing_region = scheme.get("signingRegion", "")
    signing_region = "" if signing_region == region else signing_region
    if re.search(rf"\b{re.escape(region)}\b", url):
        url = re.sub(rf"\b{re.escape(region)}\b", "{region}", url)
    for suffix, name in ((outputs["dualStackDnsSuffix"], "{dual}"), (outputs["dnsSuffix"], "{dns}")):
        if url.endswith("." + suffix):
            url = url[: -len(suffix)] + name
            break
    if outputs["dnsSuffix"] == outputs["dualStackDnsSuffix"] and url.endswith("{dual}"):
        url = url[: -len("{dual}")] + "{dns}"
    return (url, signing_region, scheme.get("signingName", ""))


def known_regions(partitions):
    return {region for p in partitions["partitions"] for region in p["regions"]}


def named_regions(node):
    """Region names that a rule set compares with, such as dynamodb's "local"."""
    if isinstance(node, list):
        return {name for item in node for name in named_regions(item)}
    if not isinstance(node, dict):
        return set()
    argv = node.get("argv", [])
    if node.get("fn") == "stringEquals" and {"ref": "Region"} in argv:
        return {a for a in argv if isinstance(a, str)}
    return {name for item in node.values() for name in named_regions(item)}


def endpoint_rows(tables, ruleset, partitions):
    from botocore.endpoint_provider import EndpointProvider

    provider = EndpointProvider(ruleset, partitions)
    own_name = tables.meta.get("signingName", tables.meta.get("endpointPrefix", ""))
    special = named_regions(ruleset)
    rows = []
    for variant in range(4):
        general = [resolve(provider, p, unknown_region(p), variant) for p in partitions["partitions"]]
        common = max(sorted(set(general)), key=general.count)
        rows.append((0, ANY_PARTITION, variant, "", common))
        for i, partition in enumerate(partitions["partitions"]):
            if general[i] != common:
                rows.append((1, i, variant, "", general[i]))
            mine = {r for r in special if i == 0 and r not in known_regions(partitions)}
            for region in sorted(set(partition["regions"]) | mine):
                answer = resolve(provider, partition, region, variant)
                if answer != general[i]:
                    rows.append((2, i, variant, region, answer))
    for _, partition, variant, region, (url, signing_region, signing_name) in rows:
        signing_name = "" if signing_name == own_name else signing_name
        add = tables.pool.add
        tables.endpoints.append([add(region), add(url), add(signing_region), add(signing_name), partition, variant])


# Writing C.

def c_text(text):
    out = []
    for byte in text.encode():
        char = chr(byte)
        if char in '"\\':
            out.append("\\" + char)
        elif char == "\t":
            out.append("\\t")
        elif 32 <= byte < 127:
            out.append(char)
        else:
            raise SystemExit(f"{text!r}: a name with a character that is not ASCII")
    return "".join(out)


def c_pool(pool):
    lines, line = [], ""
    for item in pool.items:
        piece = "".join(c_text(part) + "\\0" for part in item.split("\0"))
        # A digit after \0 would be read as part of an octal escape.
        piece = re.sub(r"\\0(?=[0-9])", '\\\\0""', piece)
        if line and (len(line) + len(piece) > 100):
            lines.append(line)
            line = ""
        if line.endswith("\\0") and piece[:1].isdigit():
            line += '""'
        line += piece
    lines.append(line)
    return "\n".join(f'    "{line}"' for line in lines)


def c_rows(rows, width=100):
    lines, line = [], "   "
    for row in rows:
        piece = " {" + ", ".join(str(v) for v in row) + "},"
        if len(line) + len(piece) > width:
            lines.append(line)
            line = "   "
        line += piece
    return "\n".join(lines + [line])


def identifier(service):
    return service.replace("-", "_")


def c_service(service, tables):
    fields = tables.header_fields()
    ident = identifier(service)
    shapes = [[t, 0, count, first, payload] for t, count, first, payload in tables.shapes]
    for rows, what in ((tables.shapes, "shapes"), (tables.members, "members")):
        if len(rows) >= NONE:
            raise SystemExit(f"{service}: too many {what}")
    names = ",\n".join(f"    .{k} = {v}" for k, v in fields.items())
    return f"""/* Generated by tools/aws_models.py from botocore {BOTOCORE_VERSION} (Apache-2.0). Do not edit. */
#include "aws/model.h"

#pragma GCC diagnostic ignored "-Woverlength-strings"

static const char strings[] =
{c_pool(tables.pool)};

static const struct pk_aws_shape shapes[] = {{
{c_rows(shapes)}
}};

static const struct pk_aws_member members[] = {{
{c_rows(tables.members)}
}};

static const struct pk_aws_operation operations[] = {{
{c_rows(tables.operations)}
}};

static const struct pk_aws_endpoint_row endpoints[] = {{
{c_rows(tables.endpoints)}
}};

extern const struct pk_aws_service pk_aws_service_{ident};
const struct pk_aws_service pk_aws_service_{ident} = {{
    .name = "{service}",
    .strings = strings,
    .shapes = shapes,
    .members = members,
    .operations = operations,
    .endpoints = endpoints,
    .n_shapes = {len(tables.shapes)},
    .n_members = {len(tables.members)},
    .n_operations = {len(tables.operations)},
    .n_endpoints = {len(tables.endpoints)},
{names},
    .protocol = {PROTOCOLS.index(tables.protocol)},
    .query_compatible = {"true" if "awsQueryCompatible" in tables.meta else "false"},
}};
"""


def c_index(services):
    externs = "\n".join(f"extern const struct pk_aws_service pk_aws_service_{identifier(s)};" for s in services)
    refs = "\n".join(f"    &pk_aws_service_{identifier(s)}," for s in services)
    return f"""/* Generated by tools/aws_models.py from botocore {BOTOCORE_VERSION} (Apache-2.0). Do not edit. */
#include "aws/model.h"

{externs}

const struct pk_aws_service *const pk_aws_services[] = {{
{refs}
}};
const size_t pk_aws_n_services = {len(services)};
"""


def c_partitions(partitions):
    rows = []
    for p in partitions["partitions"]:
        o = p["outputs"]
        prefixes = "".join(x + " " for x in region_prefixes(p))
        regions = "".join(r + " " for r in sorted(p["regions"]))
        rows.append(
            "    {" + ", ".join(f'"{x}"' for x in (
                p["id"], o["dnsSuffix"], o["dualStackDnsSuffix"], o["implicitGlobalRegion"], prefixes))
            + f',\n     "{regions}"}},')
    body = "\n".join(rows)
    return f"""/* Generated by tools/aws_models.py from botocore {BOTOCORE_VERSION} (Apache-2.0). Do not edit. */
#include "aws/model.h"

const struct pk_aws_partition pk_aws_partitions[] = {{
{body}
}};
const size_t pk_aws_n_partitions = {len(partitions["partitions"])};
"""


def generate():
    data = botocore_data()
    partitions = load_json(data, "partitions.json")
    services = read_operations(os.path.join(ROOT, "src", "aws", "operations.txt"))
    files = {"services.c": c_index(sorted(services)), "partitions.c": c_partitions(partitions)}
    for service in sorted(services):
        folder = service_folder(data, service)
        tables = Tables(load_with_extras(folder, "service-2"))
        pagination = (load_with_extras(folder, "paginators-1") or {}).get("pagination", {})
        for name in sorted(set(services[service])):
            if name not in tables.model["operations"]:
                raise SystemExit(f"{service} has no operation {name}")
            tables.operation(name, pagination.get(name))
        endpoint_rows(tables, load_json(folder, "endpoint-rule-set-1.json"), partitions)
        files[f"{identifier(service)}.c"] = c_service(service, tables)
    names = "".join(f"  '{name}',\n" for name in sorted(files))
    files["meson.build"] = f"# Generated by tools/aws_models.py. Do not edit.\naws_generated = files(\n{names})\n"
    return files


def is_generated(name):
    return name.endswith(".c") or name == "meson.build"


def check(files):
    bad = []
    present = {n for n in os.listdir(OUT) if is_generated(n)}
    for name in sorted(present | set(files)):
        path = os.path.join(OUT, name)
        old = open(path, encoding="utf-8").read() if name in present else None
        if old != files.get(name):
            bad.append(name)
    for name in bad:
        print(f"src/aws/generated/{name}: differs from what tools/aws_models.py writes")
    return 1 if bad else 0


def write(files):
    os.makedirs(OUT, exist_ok=True)
    for name in os.listdir(OUT):
        if is_generated(name) and name not in files:
            os.remove(os.path.join(OUT, name))
    for name, text in files.items():
        with open(os.path.join(OUT, name), "w", encoding="utf-8") as f:
            f.write(text)
    return 0


def tables_of(model):
    """The tables of one model with all its operations, as JSON values."""
    tables = Tables(model)
    for name in sorted(model["operations"]):
        tables.operation(name, None)
    fields = tables.header_fields()
    return dict(
        strings=tables.pool.items, shapes=tables.shapes, members=tables.members, operations=tables.operations,
        protocol=PROTOCOLS.index(tables.protocol), query_compatible="awsQueryCompatible" in tables.meta, **fields)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--check", action="store_true")
    parser.add_argument("--json", metavar="MODEL")
    args = parser.parse_args()
    if args.json:
        with open(args.json, encoding="utf-8") as f:
            json.dump(tables_of(json.load(f)), sys.stdout)
        return 0
    files = generate()
    return check(files) if args.check else write(files)


if __name__ == "__main__":
    sys.exit(main())
