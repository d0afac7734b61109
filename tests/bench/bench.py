"""Figures, not assertions: start-up, offline work at growing size, and deployments against the emulator."""
import json
import os
import pathlib
import resource
import shutil
import socket
import statistics
import subprocess
import sys
import tempfile
import time

PANKA = os.environ["PANKA"]
ROOT = pathlib.Path(__file__).resolve().parents[2]
QUEUE = """apiVersion: components.panka.io/v1
kind: SQS
metadata: {{name: q{i}}}
spec: {{visibilityTimeout: "${{TIMEOUT}}", messageRetentionPeriod: 4d, receiveWaitTime: 20}}
"""
TABLE = """apiVersion: components.panka.io/v1
kind: DynamoDB
metadata: {{name: t{i}}}
spec: {{hashKey: {{name: id, type: S}}}}
"""
FUNCTION = """apiVersion: components.panka.io/v1
kind: Lambda
metadata: {{name: f{i}}}
spec:
  runtime: python3.13
  handler: index.handler
  code: {{zipFile: 'def handler(event, context): return event'}}
  environment: {{QUEUE: "${{q{i}.queueArn}}", TABLE: "${{t{i}.tableName}}"}}
  triggers: [{{type: sqs, source: {{component: q{i}}}}}]
"""


def stack(folder, components, kinds=(QUEUE, TABLE, FUNCTION)):
    shutil.rmtree(folder, ignore_errors=True)
    (folder / "services").mkdir(parents=True)
    (folder / "stack.yaml").write_text(
        "apiVersion: core.panka.io/v1\nkind: Stack\nmetadata: {name: bench}\n"
        "spec: {provider: {region: us-east-1, accountId: '123456789012'}, variables: {ENVIRONMENT: test, TIMEOUT: '300'}}\n")
    done = 0
    service = 0
    while done < components:
        target = folder / "services" / f"s{service}"
        target.mkdir()
        texts = []
        for _ in range(20):
            for kind in kinds:
                if done < components:
                    texts.append(kind.format(i=f"{service}x{len(texts) // len(kinds)}"))
                    done += 1
        (target / "all.yaml").write_text("---\n".join(texts))
        (target / "service.yaml").write_text(
            f"apiVersion: core.panka.io/v1\nkind: Service\nmetadata: {{name: s{service}}}\nspec: {{}}\n")
        service += 1


def environment(work, **more):
    return {"PATH": os.environ["PATH"], "HOME": str(work), "PANKA_HOME": str(work / "home"), "PANKA_BACKEND": "local",
            "LANG": "C.UTF-8", **more}


def timed(command, env, cwd, runs, codes=(0,)):
    times = []
    peak = 0
    for _ in range(runs):
        start = time.perf_counter()
        process = subprocess.Popen(command, env=env, cwd=cwd, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)
        err = process.stderr.read()
        _, status, usage = os.wait4(process.pid, 0)
        times.append(time.perf_counter() - start)
        process.returncode = os.waitstatus_to_exitcode(status)
        if process.returncode not in codes:
            sys.exit(f"{command} ended with {process.returncode}: {err.decode()[-2000:]}")
        peak = max(peak, usage.ru_maxrss)
    return statistics.median(times) * 1000, min(times) * 1000, max(times) * 1000, peak / 1024


def start_up(work):
    median, low, high, peak = timed([PANKA, "version"], environment(work), work, 100)
    print(f"start-up, `panka version`: median {median:.1f} ms (min {low:.1f}, max {high:.1f}), peak {peak:.1f} MB")


def offline(work):
    print(f"{'components':>10}  {'validate ms':>12}  {'plan ms':>12}  {'peak MB':>8}")
    for n in (10, 100, 1000, 10000):
        folder = work / "bench"
        stack(folder, n)
        runs = 11 if n <= 1000 else 5
        validate = timed([PANKA, "validate", str(folder)], environment(work), work, runs)
        plan = timed([PANKA, "plan", str(folder)], environment(work), work, runs)
        print(f"{n:>10}  {validate[0]:>12.1f}  {plan[0]:>12.1f}  {max(validate[3], plan[3]):>8.1f}")


class Emulator:
    def __init__(self, work):
        with socket.socket() as s:
            s.bind(("127.0.0.1", 0))
            port = s.getsockname()[1]
        self.ledger, self.faults = work / "ledger", work / "faults"
        self.faults.write_text("[]")
        self.process = subprocess.Popen(
            [sys.executable, "-m", "emulator", "--port", str(port), "--ledger", str(self.ledger), "--faults", str(self.faults)],
            stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        self.url = f"http://127.0.0.1:{port}"
        for _ in range(200):
            try:
                socket.create_connection(("127.0.0.1", port), 1).close()
                return
            except OSError:
                time.sleep(0.05)
        sys.exit("the emulator did not start")

    def count(self):
        return len(self.ledger.read_text().splitlines())

    def close(self):
        self.process.terminate()
        self.process.wait()


def online(work):
    emulator = Emulator(work)
    env = environment(work, AWS_ENDPOINT_URL=emulator.url, AWS_ACCESS_KEY_ID="testing", AWS_SECRET_ACCESS_KEY="testing",
                      AWS_REGION="us-east-1", AWS_CONFIG_FILE="/dev/null", AWS_SHARED_CREDENTIALS_FILE="/dev/null")
    env.pop("PANKA_BACKEND")
    run = lambda *args: subprocess.run([PANKA, *args], env=env, cwd=work, capture_output=True, text=True)
    try:
        for setup in (["backend", "create", "--bucket", "acme-panka-state", "--region", "us-east-1"],
                      ["init", "--bucket", "acme-panka-state", "--region", "us-east-1"]):
            done = run(*setup)
            if done.returncode:
                sys.exit(done.stderr)
        folder = work / "bench"
        for label, delay in (("emulator as it is", 0), ("50 ms per request", 50)):
            emulator.faults.write_text(json.dumps([{"do": "delay", "ms": delay, "times": 10**9}] if delay else []))
            os.utime(emulator.faults, (time.time() + 5, time.time() + 5 + delay))
            stack(folder, 100, (QUEUE,))
            before, start = emulator.count(), time.perf_counter()
            done = run("apply", str(folder), "--auto-approve", "--json", "--parallelism", "50")
            wall = time.perf_counter() - start
            if done.returncode:
                sys.exit(done.stdout[-2000:] + done.stderr[-2000:])
            result = json.loads(done.stdout.splitlines()[-1])
            requests = emulator.count() - before
            print(f"apply of 100 queues, {label}: {wall:.2f} s wall, {requests} requests, {requests / 100:.2f} per queue; "
                  f"engine {result['elapsedMs']} ms, critical path {result['criticalPathMs']} ms")
            before, start = emulator.count(), time.perf_counter()
            done = run("plan", str(folder), "--refresh", "--detailed-exitcode")
            print(f"  refresh and plan: {time.perf_counter() - start:.2f} s, {(emulator.count() - before) / 100:.2f} requests "
                  f"per queue, exit {done.returncode}")
            run("destroy", str(folder), "--auto-approve", "--parallelism", "50")
        emulator.faults.write_text(json.dumps([{"do": "delay", "ms": 50, "times": 10**9}]))
        os.utime(emulator.faults, (time.time() + 20, time.time() + 20))
        stack(folder, 99)
        start = time.perf_counter()
        done = run("apply", str(folder), "--auto-approve", "--json", "--parallelism", "64")
        wall = time.perf_counter() - start
        if done.returncode:
            sys.exit(done.stdout[-2000:] + done.stderr[-2000:])
        result = json.loads(done.stdout.splitlines()[-1])
        ratio = result["elapsedMs"] / max(1, result["criticalPathMs"])
        print(f"apply of 33 queues, tables and triggered functions at 50 ms: {wall:.2f} s wall, engine {result['elapsedMs']} ms, "
              f"critical path {result['criticalPathMs']} ms, ratio {ratio:.2f}")
    finally:
        emulator.close()


def main():
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    with tempfile.TemporaryDirectory() as folder:
        work = pathlib.Path(folder)
        start_up(work)
        offline(work)
        online(work)


main()
