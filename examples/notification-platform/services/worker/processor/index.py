"""Takes notifications from the queue. Items that could not be sent go back to it."""
import json
import logging
import os

logging.getLogger().setLevel(os.environ.get("LOG_LEVEL", "info").upper())


def handler(event, context):
    failures = []
    for record in event.get("Records", []):
        try:
            notification = json.loads(record["body"])
            logging.info("sending %s to %s", notification.get("kind"), notification.get("user"))
        except (ValueError, KeyError):
            logging.exception("cannot send %s", record.get("messageId"))
            failures.append({"itemIdentifier": record["messageId"]})
    return {"batchItemFailures": failures}
