"""Judges the parameters of a request by the traits of the service model."""
import regex

from .parse import Reader

KINDS = {
    "string": str, "integer": int, "long": int, "float": (int, float), "double": (int, float), "boolean": bool,
    "timestamp": (int, float), "blob": bytes, "structure": dict, "map": dict, "list": list,
}


class Checker:
    def __init__(self, call, request):
        self.call, self.request = call, request
        self.found = []
        self.reader = Reader(call, request, self.complain)

    def complain(self, path, text):
        self.found.append(f"{path.lstrip('.') or 'request'}: {text}")

    def run(self):
        params, shape = self.reader.read()
        if shape:
            self.value(shape, params, "")
        self.checksum()
        return self.found

    def checksum(self):
        """Operations that S3 refuses with MissingContentMD5 or InvalidRequest."""
        operation = self.call.model["operations"][self.call.operation]
        needed = operation.get("httpChecksumRequired") or operation.get("httpChecksum", {}).get("requestChecksumRequired")
        headers = self.request.headers
        given = "content-md5" in headers or any(h.startswith(("x-amz-checksum-", "x-amz-trailer")) for h in headers)
        if needed and not given:
            self.complain("", "needs Content-MD5 or x-amz-checksum-*")

    def value(self, shape, value, path):
        kind = shape["type"]
        if shape.get("document"):
            return
        wanted = KINDS[kind]
        if not isinstance(value, wanted) or (isinstance(value, bool) and kind != "boolean"):
            if value is not None or kind in ("structure", "list", "map"):
                self.complain(path, f"is {type(value).__name__}, not {kind}")
            return
        self.limits(shape, value, path)
        if kind == "structure":
            self.structure(shape, value, path)
        elif kind == "list":
            member = self.reader.shape(shape["member"])
            for i, item in enumerate(value):
                self.value(member, item, f"{path}[{i}]")
        elif kind == "map":
            key_shape, member = self.reader.shape(shape["key"]), self.reader.shape(shape["value"])
            for key, item in value.items():
                self.value(key_shape, key, f"{path} key {key!r}")
                self.value(member, item, f"{path}.{key}")

    def structure(self, shape, value, path):
        for name in shape.get("required", []):
            if value.get(name) is None:
                self.complain(f"{path}.{name}", "is required")
        if shape.get("union") and len(value) != 1:
            self.complain(path, f"needs exactly one member, has {sorted(value)}")
        for name, item in value.items():
            if item is not None:
                self.value(self.reader.shape(shape["members"][name]), item, f"{path}.{name}")

    def limits(self, shape, value, path):
        size = value if isinstance(value, (int, float)) else len(value)
        what = "is" if isinstance(value, (int, float)) else "has length"
        if shape["type"] == "structure" or isinstance(value, bool):
            return
        if "min" in shape and size < shape["min"]:
            self.complain(path, f"{what} {size}, the least is {shape['min']}")
        if "max" in shape and size > shape["max"]:
            self.complain(path, f"{what} {size}, the most is {shape['max']}")
        if isinstance(value, str):
            if "enum" in shape and value not in shape["enum"]:
                self.complain(path, f"is {value!r}, not one of {', '.join(shape['enum'][:20])}")
            if "pattern" in shape and not fits(shape["pattern"], value):
                self.complain(path, f"{value!r} does not match {shape['pattern']}")


def fits(pattern, text):
    """Services match whole values; a pattern without any quantifier describes a part only."""
    try:
        whole = any(c in pattern for c in "*+{?^$|")
        return (regex.fullmatch if whole else regex.search)(pattern, text, timeout=2) is not None
    except (regex.error, TimeoutError):
        return True  # not a pattern Python understands: nothing to judge by


def check(calls, request):
    """Violations of a request that may be any of `calls`: those of the one that fits best."""
    if not calls:
        return [f"no operation in the models for {request.method} {request.path} "
                f"{request.headers.get('x-amz-target') or request.form.get('Action', '')}"]
    results = [Checker(call, request).run() for call in calls]
    return min(results, key=len)
