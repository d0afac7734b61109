"""What goes wrong on purpose. README.md describes the file."""
import json
import os
import threading


class Faults:
    """The fault plan in a file, read again whenever it changes."""

    def __init__(self, path):
        self.path, self.lock = path, threading.Lock()
        self.stamp, self.rules = None, []

    def reload(self):
        try:
            status = os.stat(self.path)
            stamp = (status.st_mtime_ns, status.st_size, status.st_ino)
            if stamp == self.stamp:
                return
            with open(self.path, encoding="utf-8") as f:
                self.rules = json.load(f)
        except FileNotFoundError:
            stamp, self.rules = None, []
        for rule in self.rules:
            if rule["do"] not in ("refuse", "cut", "delay", "error", "error-after", "truncate"):
                raise ValueError(f"unknown fault {rule['do']!r}")
            rule["seen"] = rule["fired"] = 0
        self.stamp = stamp

    def pick(self, number, service, operation, mutating):
        """The rule for this request, or None."""
        if not self.path:
            return None
        with self.lock:
            self.reload()
            chosen = None
            for rule in self.rules:
                if not matches(rule, number, service, operation, mutating):
                    continue
                rule["seen"] += 1
                ready = rule["seen"] >= rule.get("nth", 1) and rule["fired"] < rule.get("times", 1)
                chosen = chosen or (rule if ready else None)
            if chosen:
                chosen["fired"] += 1
            return chosen


def matches(rule, number, service, operation, mutating):
    if "request" in rule and rule["request"] != number:
        return False
    if "service" in rule and rule["service"] != service:
        return False
    if "operation" in rule and rule["operation"] != operation:
        return False
    return "mutating" not in rule or rule["mutating"] == mutating


def error_reply(protocol, status, code, message, request_id):
    """(headers, body) of an error in the service's own form."""
    if protocol in ("json", "rest-json"):
        headers = [("Content-Type", "application/x-amz-json-1.1"), ("x-amzn-ErrorType", code)]
        return headers + [("x-amzn-RequestId", request_id)], json.dumps({"__type": code, "message": message}).encode()
    text = message.replace("&", "&amp;").replace("<", "&lt;")
    error = f"<Error><Type>{'Sender' if status < 500 else 'Receiver'}</Type><Code>{code}</Code><Message>{text}</Message>"
    if protocol == "query" or protocol == "rest-xml":
        body = f"<ErrorResponse>{error}</Error><RequestId>{request_id}</RequestId></ErrorResponse>"
    elif protocol == "ec2":
        body = f"<Response><Errors>{error}</Error></Errors><RequestID>{request_id}</RequestID></Response>"
    else:
        body = f"{error}<RequestId>{request_id}</RequestId></Error>"
    return [("Content-Type", "text/xml")], body.encode()
