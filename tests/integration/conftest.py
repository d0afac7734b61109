"""The built binary against a real emulator of AWS over the real wire: one emulator per test worker, emptied before
every test; every request is checked against AWS's service models (moto), and boto3 says what really exists."""
import json
import os
import pathlib
import shutil
import socket
import subprocess
import sys
import time
import urllib.request

import boto3
import pytest

ROOT = pathlib.Path(__file__).resolve().parents[2]
PANKA = os.environ.get("PANKA", str(ROOT / "build" / "panka"))
KIND = os.environ.get("EMULATOR", "moto")
ACCOUNT = "123456789012"
REGION = "us-east-1"


def free_port():
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        return s.getsockname()[1]


class Emulator:
    def __init__(self, work):
        self.work = work
        self.process = None
        self.start()

    def start(self):
        self.port = free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        self.ledger = self.work / f"ledger-{self.port}"
        self.faults = self.work / f"faults-{self.port}"
        self.faults.write_text("[]")
        log = open(self.work / f"emulator-{self.port}.log", "w")
        if KIND == "moto":
            command = [sys.executable, "-m", "emulator", "--port", str(self.port), "--ledger", str(self.ledger),
                       "--check", "--violations", str(self.violations_path), "--faults", str(self.faults)]
            env = {**os.environ, "PYTHONPATH": str(ROOT / "tests")}
        else:
            command = [sys.executable, "-m", "emulator.ministack"]
            env = {**os.environ, "PYTHONPATH": str(ROOT / "tests"), "GATEWAY_PORT": str(self.port), "MINISTACK_ACCOUNT_ID": ACCOUNT, "PERSIST_STATE": "0"}
        self.process = subprocess.Popen(command, env=env, stdout=log, stderr=log)
        for _ in range(300):
            if self.process.poll() is not None:
                raise RuntimeError(f"the emulator ended: {(self.work / f'emulator-{self.port}.log').read_text()[-2000:]}")
            try:
                socket.create_connection(("127.0.0.1", self.port), 1).close()
                return
            except OSError:
                time.sleep(0.05)
        raise RuntimeError("the emulator did not start")

    @property
    def violations_path(self):
        return self.work / f"violations-{self.port}"

    def reset(self):
        self.faults.write_text("[]")
        if KIND == "moto":
            urllib.request.urlopen(urllib.request.Request(f"{self.url}/moto-api/reset", method="POST")).read()
            self.violations_path.write_text("") if self.violations_path.exists() else None
        else:
            self.stop()
            self.start()

    def set_faults(self, rules):
        self.faults.write_text(json.dumps(rules))
        os.utime(self.faults, (time.time(), time.time() + 1))

    def violations(self):
        return self.violations_path.read_text() if self.violations_path.exists() else ""

    def requests(self):
        return [json.loads(line) for line in self.ledger.read_text().splitlines()] if self.ledger.exists() else []

    def mutations(self):
        return [r for r in self.requests() if r["mutating"]]

    def stop(self):
        self.process.terminate()
        try:
            self.process.wait(10)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()


@pytest.fixture(scope="session")
def emulator_process(tmp_path_factory):
    emulator = Emulator(tmp_path_factory.mktemp("emulator"))
    yield emulator
    emulator.stop()


@pytest.fixture
def emulator(emulator_process):
    emulator_process.reset()
    yield emulator_process
    assert emulator_process.violations() == "", "a request did not fit AWS's service model"


class Result:
    def __init__(self, done, command):
        self.code, self.out, self.err, self.command = done.returncode, done.stdout, done.stderr, command

    def json(self):
        return json.loads(self.out)

    def events(self):
        return [json.loads(line) for line in self.out.splitlines()]

    def __repr__(self):
        return f"$ {' '.join(self.command)}\nexit {self.code}\n--- out\n{self.out}\n--- err\n{self.err}"


class Panka:
    """Runs commands as a person would: own home, own folder, credentials in the environment."""

    def __init__(self, url, work):
        self.work = work
        self.url = url
        self.env = {
            "PATH": os.environ["PATH"], "HOME": str(work), "PANKA_HOME": str(work / "home"), "LANG": "C.UTF-8",
            "AWS_ENDPOINT_URL": url, "AWS_ACCESS_KEY_ID": "testing", "AWS_SECRET_ACCESS_KEY": "testing",
            "AWS_REGION": REGION, "AWS_CONFIG_FILE": "/dev/null", "AWS_SHARED_CREDENTIALS_FILE": "/dev/null",
            "AWS_EC2_METADATA_DISABLED": "true", "USER": "tester", "ASAN_OPTIONS": "detect_leaks=1",
        }

    def popen(self, *args, **kwargs):
        return subprocess.Popen([PANKA, *map(str, args)], cwd=kwargs.pop("cwd", self.work), env=self.env, text=True,
                                stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, **kwargs)

    def run(self, *args, input=None, cwd=None, timeout=180, **env):
        command = [PANKA, *map(str, args)]
        done = subprocess.run(command, cwd=cwd or self.work, env={**self.env, **env}, text=True, input=input or "",
                              stdout=subprocess.PIPE, stderr=subprocess.PIPE, timeout=timeout)
        result = Result(done, command)
        assert done.returncode >= 0 and "Sanitizer" not in done.stderr, result
        return result

    def ok(self, *args, **kwargs):
        result = self.run(*args, **kwargs)
        assert result.code == 0, result
        return result

    def fails(self, code, *args, **kwargs):
        result = self.run(*args, **kwargs)
        assert result.code == code, result
        return result

    def boto(self, service, region=REGION):
        return boto3.client(service, region_name=region, endpoint_url=self.url, aws_access_key_id="testing",
                            aws_secret_access_key="testing")

    # --- common set-ups -----------------------------------------------------------------------------------
    def backend(self):
        self.ok("backend", "create", "--bucket", "acme-panka-state", "--table", "panka-locks", "--region", REGION)
        self.ok("init", "--bucket", "acme-panka-state", "--table", "panka-locks", "--region", REGION)

    def tenant(self, name="notifications-team", *extra):
        self.backend()
        self.ok("admin", "init", "--output", "admin-password.txt")
        self.ok("admin", "login", "--password-stdin", input=(self.work / "admin-password.txt").read_text())
        self.ok("admin", "tenant", "init", name, "--aws-account", ACCOUNT, "--region", REGION, "--vpc-cidr",
                "10.0.0.0/16", "--nat-gateway", "--output", "credentials.txt", *extra)
        self.ok("login", "--credentials", "credentials.txt")

    def short_lease(self):
        """A dead run's lock is taken over when it has not moved for one lease: a short one keeps tests short."""
        path = self.work / "home" / "config.yaml"
        text = path.read_text()
        assert "locks:\n" in text
        path.write_text(text.replace("locks:\n", "locks:\n  heartbeat: 1s\n  lease: 5s\n"))

    def example(self, name="notification-platform"):
        target = self.work / name
        shutil.copytree(ROOT / "examples" / name, target)
        return target

    def stack(self, files, name="shop", environment="test", extra=""):
        """A single-tenant stack folder from {path: text}; the stack document is made here."""
        folder = self.work / name
        folder.mkdir(exist_ok=True)
        (folder / "stack.yaml").write_text(
            f"apiVersion: core.panka.io/v1\nkind: Stack\nmetadata:\n  name: {name}\nspec:\n"
            f"  provider:\n    region: {REGION}\n  variables:\n    ENVIRONMENT: {environment}\n{extra}")
        for path, text in files.items():
            target = folder / path
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_text(text)
        return folder

    def state(self, stack="shop", environment="test", tenant=None):
        key = (f"tenants/{tenant}/v1/" if tenant else "") + f"stacks/{stack}/{environment}/state.json"
        body = self.boto("s3").get_object(Bucket="acme-panka-state", Key=key)["Body"].read()
        return json.loads(body)


@pytest.fixture
def panka(emulator, tmp_path):
    return Panka(emulator.url, tmp_path)
