"""Runs one row: its servers, its program under a time limit, and the steps that the program tells of."""

import os
import re
import shutil
import signal
import subprocess
import time
from contextlib import ExitStack
from dataclasses import asdict, dataclass

from .failure import Failure
from .protocol import difference
from .servers import dynalite, moto, shardmill
from .tools import tail

STEP = re.compile(r"^(ok|FAIL) (.+)$", re.MULTILINE)


@dataclass
class Result:
    """What came of a row."""

    name: str
    client: str
    version: str
    protocol: str
    passed: int = 0
    steps: int = 0
    seconds: float = 0.0
    # Empty when all is well.
    failure: str = ""

    def as_dict(self):
        return asdict(self)


def run_row(row, cache, binary):
    """Installs what the row needs, runs it, and returns its result."""
    result = Result(row.name, row.package[1], "?", row.protocol)
    folder = cache.folder / "runs" / row.name
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    try:
        result.version = cache.version(*row.package)
        command = row.command(cache)
        with ExitStack() as stack:
            environment = start_servers(row, cache, binary, folder, stack)
            started = time.monotonic()
            failure = run_program(command, environment, folder, row.limit_s)
            result.seconds = round(time.monotonic() - started, 1)
    except Failure as reason:
        result.failure = str(reason)
        return result
    count_steps(result, (folder / "out.log").read_text(errors="replace"))
    if not result.failure:
        result.failure = failure or difference(row, (folder / "shardmill.log").read_text(errors="replace"))
    if result.failure:
        result.failure += f"\n{tail(folder / 'err.log')}    more in {folder}"
    return result


def start_servers(row, cache, binary, folder, stack):
    """Starts what the row's program talks to; returns the program's environment."""
    server = stack.enter_context(shardmill(binary, folder))
    scheme, host = ("https", "localhost") if row.tls else ("http", "127.0.0.1")
    environment = {
        "PATH": os.environ["PATH"],
        "HOME": str(folder),
        "TMPDIR": str(folder),
        "LANG": "C.UTF-8",
        "AWS_ACCESS_KEY_ID": "test",
        "AWS_SECRET_ACCESS_KEY": "test",
        "AWS_REGION": "us-east-1",
        "AWS_DEFAULT_REGION": "us-east-1",
        "AWS_EC2_METADATA_DISABLED": "true",
        "KINESIS_ENDPOINT": f"{scheme}://{host}:{server.port}",
    }
    if row.tls:
        # For programs that are told, for boto3 and the CLI, for Node.js, and for the SDK for Rust.
        for variable in ("KINESIS_CA", "AWS_CA_BUNDLE", "NODE_EXTRA_CA_CERTS", "SSL_CERT_FILE"):
            environment[variable] = str(folder / "ca.pem")
        if "java" in row.tools:
            store = cache.trust_store(folder)
            environment["JAVA_TOOL_OPTIONS"] = (
                f"-Djavax.net.ssl.trustStore={store} -Djavax.net.ssl.trustStorePassword=changeit"
            )
    if row.leases:
        stand_in = moto(cache.python("moto"), folder) if row.leases == "moto" else dynalite(cache.javascript(), folder)
        leases = stack.enter_context(stand_in)
        environment["DYNAMODB_ENDPOINT"] = f"http://127.0.0.1:{leases.port}"
    return environment | row.environment


def run_program(command, environment, folder, limit_s):
    """Runs it in a process group of its own, of which nothing is left; returns what went wrong, if anything did."""
    with open(folder / "out.log", "w") as out, open(folder / "err.log", "w") as err:
        process = subprocess.Popen(
            list(map(str, command)),
            cwd=folder,
            env=environment,
            stdin=subprocess.DEVNULL,
            stdout=out,
            stderr=err,
            start_new_session=True,
        )
        try:
            code = process.wait(limit_s)
            return "" if code == 0 else f"ended with {code}"
        except subprocess.TimeoutExpired:
            return f"not done after {limit_s} s"
        finally:
            try:
                os.killpg(process.pid, signal.SIGKILL)
            except ProcessLookupError:
                pass
            process.wait()


def count_steps(result, text):
    words = [(found.group(1), found.group(2)) for found in STEP.finditer(text)]
    result.passed = sum(word == "ok" for word, _ in words)
    failed = [what for word, what in words if word == "FAIL"]
    result.steps = result.passed + len(failed)
    if failed:
        result.failure = "\n".join(failed)
    elif not result.passed:
        # A program that does nothing must not pass.
        result.failure = "no step passed"
