"""What commands print, byte for byte. A case is a file: the command line, then exit status, standard output and
standard error between markers. `pytest tests/golden --update` rewrites them; every change is reviewed in the diff."""
import os
import pathlib
import re
import shlex
import shutil
import subprocess

import pytest

HERE = pathlib.Path(__file__).resolve().parent
ROOT = HERE.parents[1]
PANKA = os.environ.get("PANKA", str(ROOT / "build" / "panka"))
CASES = sorted((HERE / "cases").glob("*.txt"))
MARKERS = ("=== exit", "=== stdout", "=== stderr")


def parse(text):
    head, *rest = re.split(r"^(=== (?:exit|stdout|stderr))\n", text, flags=re.M)
    sections = dict(zip(rest[::2], rest[1::2]))
    return head.strip().removeprefix("$ panka "), sections


def normalize(text, work):
    text = text.replace(str(work), "WORK").replace(str(ROOT), "ROOT")
    text = re.sub(r"\(critical path: .*?\)", "(critical path: PATH)", text)
    text = re.sub(r"panka \d+\.\d+\.\d+", "panka VERSION", text)
    return re.sub(r"dep-\d{8}-\d{6}-[0-9a-f]{4}", "dep-ID", re.sub(r"\b\d+\.\ds\b|\b\d+ms\b", "TIME", text))


def run(command, work):
    env = {"PATH": os.environ["PATH"], "HOME": str(work), "PANKA_HOME": str(work / "home"), "PANKA_BACKEND": "local",
           "LANG": "C.UTF-8", "AWS_ENDPOINT_URL": "http://127.0.0.1:9", "AWS_REGION": "us-east-1", "AWS_EC2_METADATA_DISABLED": "true", "USER": "tester"}
    done = subprocess.run([PANKA, *shlex.split(command)], cwd=work, env=env, stdin=subprocess.DEVNULL, capture_output=True, text=True)
    return {"=== exit": f"{done.returncode}\n", "=== stdout": normalize(done.stdout, work), "=== stderr": normalize(done.stderr, work)}


@pytest.mark.parametrize("case", CASES, ids=lambda p: p.stem)
def test_golden(case, tmp_path, request):
    for folder in (HERE / "stacks").iterdir():
        shutil.copytree(folder, tmp_path / folder.name)
    shutil.copytree(ROOT / "examples" / "notification-platform", tmp_path / "notification-platform")
    command, expected = parse(case.read_text())
    actual = run(command, tmp_path)
    if request.config.getoption("--update"):
        case.write_text(f"$ panka {command}\n" + "".join(f"{m}\n{actual[m]}" for m in MARKERS))
        return
    for marker in MARKERS:
        assert actual[marker] == expected.get(marker, ""), f"{case.name} {marker}"


def test_there_are_cases():
    assert len(CASES) >= 25
