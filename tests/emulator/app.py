"""The WSGI application around moto: identify, judge, break, execute, write down."""
import io
import json
import socket
import threading
import time

from . import check, model
from .faults import Faults, error_reply


class Emulator:
    def __init__(self, inner, ledger, violations=None, faults=None):
        """ledger: a text file open for writing; violations: the same, or None to check nothing."""
        self.inner, self.ledger, self.violations = inner, ledger, violations
        self.faults = Faults(faults)
        self.lock, self.number = threading.Lock(), 0

    def __call__(self, environ, start_response):
        if environ["PATH_INFO"].startswith("/moto-api"):
            return self.inner(environ, start_response)
        request = read_request(environ)
        with self.lock:
            self.number += 1
            number = self.number
        calls = model.identify(request)
        call = calls[0] if calls else model.Call("unknown", "Unknown")
        entry = {"n": number, "time": round(time.time(), 3), "service": call.service,
                 "operation": call.operation, "mutating": call.mutating}
        problems = check.check(calls, request) if self.violations else []
        if problems:
            return self.refuse(call, entry, problems, start_response)
        rule = self.faults.pick(number, call.service, call.operation, call.mutating)
        if rule:
            entry["fault"] = rule["do"]
            return self.broken(rule, call, entry, environ, start_response)
        status, headers, body = self.execute(environ)
        self.write(entry, status)
        start_response(status, headers)
        return body

    def execute(self, environ):
        """(status line, headers, [body]) of moto's answer."""
        answer = {}

        def keep(status, headers, exc_info=None):
            answer.update(status=status, headers=headers)

        result = self.inner(environ, keep)
        try:
            body = b"".join(result)
        finally:
            if hasattr(result, "close"):
                result.close()
        return answer["status"], answer["headers"], [body]

    def write(self, entry, status):
        entry["status"] = int(status.split()[0]) if isinstance(status, str) else status
        with self.lock:
            self.ledger.write(json.dumps(entry) + "\n")
            self.ledger.flush()

    def reply(self, call, entry, status, code, message, start_response, extra=()):
        style = "s3" if call.service == "s3" else call.protocol
        headers, body = error_reply(style, status, code, message, f"emulator-{entry['n']}")
        self.write(entry, status)
        start_response(f"{status} Fault", headers + list(extra) + [("Content-Length", str(len(body)))])
        return [body]

    def refuse(self, call, entry, problems, start_response):
        entry["violations"] = problems
        with self.lock:
            for problem in problems:
                self.violations.write(f"{entry['n']} {call.service}:{call.operation} {problem}\n")
            self.violations.flush()
        return self.reply(call, entry, 400, "PankaModelViolation", "; ".join(problems), start_response)

    def broken(self, rule, call, entry, environ, start_response):
        kind = rule["do"]
        if kind == "refuse":
            self.write(entry, 0)
            cut(environ)
        if kind == "delay":
            time.sleep(rule.get("ms", 1000) / 1000)
        if kind == "error":
            return self.planned_error(rule, call, entry, start_response)
        status, headers, body = self.execute(environ)
        if kind == "error-after":
            return self.planned_error(rule, call, entry, start_response)
        self.write(entry, status)
        if kind == "cut":
            cut(environ)
        if kind == "truncate":
            # The headers promise all of it; werkzeug cannot be told to break its promise, so the
            # socket is written to directly.
            head = f"HTTP/1.1 {status}\r\n" + "".join(f"{k}: {v}\r\n" for k, v in headers if k.lower() != "content-length")
            whole = body[0] or b"\0"
            environ["werkzeug.socket"].sendall(
                f"{head}Content-Length: {len(whole)}\r\n\r\n".encode("latin-1") + whole[: len(whole) // 2])
            cut(environ)
        start_response(status, headers)
        return body

    def planned_error(self, rule, call, entry, start_response):
        status = rule.get("status", 500)
        default = {429: "ThrottlingException", 503: "ServiceUnavailable"}.get(status, "InternalFailure")
        headers = list((rule.get("headers") or {}).items())
        return self.reply(call, entry, status, rule.get("code", default), rule.get("message", "planned fault"),
                          start_response, headers)


def cut(environ):
    """Ends the connection without another byte."""
    environ["werkzeug.socket"].shutdown(socket.SHUT_RDWR)
    raise ConnectionAbortedError("planned fault")


def read_request(environ):
    size = int(environ.get("CONTENT_LENGTH") or 0)
    if environ.get("HTTP_TRANSFER_ENCODING", "").lower() == "chunked":
        body = environ["wsgi.input"].read()
    else:
        body = environ["wsgi.input"].read(size) if size else b""
    environ["wsgi.input"] = io.BytesIO(body)
    environ["CONTENT_LENGTH"] = str(len(body))
    headers = {k[5:].replace("_", "-").lower(): v for k, v in environ.items() if k.startswith("HTTP_")}
    headers["content-type"] = environ.get("CONTENT_TYPE", "")
    raw = environ.get("RAW_URI") or environ.get("REQUEST_URI") or environ["PATH_INFO"]
    path = raw.split("?", 1)[0]
    query = model.split_query(environ.get("QUERY_STRING", ""))
    return model.Request(environ["REQUEST_METHOD"], path, query, headers, body)
