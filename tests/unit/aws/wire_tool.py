"""Talks to wire_tool, and finds the pinned botocore and its source distribution."""

import json
import os
import subprocess
import sys

ROOT = os.path.abspath(os.path.join(os.path.dirname(__file__), "..", "..", ".."))
sys.path.insert(0, os.path.join(ROOT, "tools"))

import aws_models  # noqa: E402


class WireTool:
    """One running wire_tool; ask() sends a line and reads the answer."""

    def __init__(self, path):
        self.process = subprocess.Popen([path], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)

    def ask(self, **line):
        self.process.stdin.write(json.dumps(line) + "\n")
        self.process.stdin.flush()
        answer = self.process.stdout.readline()
        if not answer:
            raise SystemExit(f"wire_tool ended with status {self.process.wait()} at {line}")
        return json.loads(answer)

    def close(self):
        self.process.stdin.close()
        if self.process.wait() != 0:
            raise SystemExit("wire_tool failed at its end")


def skip(reason):
    """Meson takes exit status 77 for "skipped"."""
    print(f"skipped: {reason}")
    sys.exit(77)


def source_distribution():
    folder = os.environ.get("PANKA_BOTOCORE_SDIST")
    if not folder:
        skip("PANKA_BOTOCORE_SDIST is not set (tools/fetch_vectors.sh makes it)")
    if not os.path.isdir(os.path.join(folder, "tests", "unit", "protocols")):
        raise SystemExit(f"PANKA_BOTOCORE_SDIST={folder} has no tests/unit/protocols")
    return folder


def need_botocore():
    try:
        import botocore
    except ImportError:
        skip("botocore is not installed for this Python")
    if botocore.__version__ != aws_models.BOTOCORE_VERSION:
        skip(f"botocore {aws_models.BOTOCORE_VERSION} is needed, this is {botocore.__version__}")
    return botocore
