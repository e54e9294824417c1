"""The servers of a row: shardmill, and a stand-in for DynamoDB for clients that keep leases in it.

Each row has its own, on a port that was free. That the listener is ours, and not a leftover that happens to answer, is
checked through /proc: the port's socket must be one that the process we started, or a child of it, has open.
"""

import hashlib
import os
import re
import shutil
import signal
import socket
import subprocess
import threading
import time
from dataclasses import dataclass
from pathlib import Path

from .failure import Failure

START_S = 60
STOP_S = 10


class Server:
    """A process that listens on 127.0.0.1, killed at the end of its `with` block."""

    def __init__(self, name, command, log, port=None, environment=None):
        self.name = name
        self.log = open(log, "w")
        self.port = port
        environment = {"PATH": os.environ["PATH"]} | (environment or {})
        self.process = subprocess.Popen(
            command, env=environment, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=self.log, text=True
        )

    def __enter__(self):
        try:
            if self.port is None:
                self.port = self.told_port()
            # Nobody reads what it says from here on; the pipe must not fill.
            threading.Thread(target=self.drain, daemon=True).start()
            self.wait_for_listener()
        except BaseException:
            self.__exit__()
            raise
        return self

    def __exit__(self, *_):
        self.process.send_signal(signal.SIGTERM)
        try:
            self.process.wait(STOP_S)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
        self.log.close()

    def told_port(self):
        """The port in the start-up line."""
        line = self.process.stdout.readline()
        found = re.search(r"http://127\.0\.0\.1:(\d+)", line)
        if not found:
            raise Failure(f"{self.name} did not start: {line or Path(self.log.name).read_text()}")
        return int(found.group(1))

    def drain(self):
        for line in self.process.stdout:
            self.log.write(line)

    def wait_for_listener(self):
        end = time.monotonic() + START_S
        while time.monotonic() < end:
            if self.process.poll() is not None:
                raise Failure(f"{self.name} ended with {self.process.returncode}: {Path(self.log.name).read_text()}")
            try:
                socket.create_connection(("127.0.0.1", self.port), 1).close()
            except OSError:
                time.sleep(0.05)
                continue
            return self.check_listener()
        raise Failure(f"{self.name} does not listen on port {self.port} after {START_S} s")

    def check_listener(self):
        # Only Linux tells.
        if not Path("/proc/net/tcp").exists():
            return
        if not listening_sockets(self.port) & open_sockets(self.process.pid):
            raise Failure(f"port {self.port} is served by a process that is not {self.name}")


def listening_sockets(port):
    """The inodes of the sockets that listen on this port."""
    inodes = set()
    for table in ("/proc/net/tcp", "/proc/net/tcp6"):
        if not Path(table).exists():
            continue
        for line in Path(table).read_text().splitlines()[1:]:
            fields = line.split()
            # Local address, state (0A: listening), inode.
            if fields[3] == "0A" and int(fields[1].rsplit(":", 1)[1], 16) == port:
                inodes.add(fields[9])
    return inodes


def open_sockets(process):
    """The inodes of the sockets that a process and its children have open."""
    inodes = set()
    for entry in Path(f"/proc/{process}/fd").iterdir():
        target = os.readlink(entry)
        if target.startswith("socket:["):
            inodes.add(target[len("socket:[") : -1])
    for task in Path(f"/proc/{process}/task").iterdir():
        for child in (task / "children").read_text().split():
            inodes |= open_sockets(child)
    return inodes


def free_port():
    """A port that nobody had a moment ago; the check of the listener tells if somebody was faster."""
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        return one.getsockname()[1]


@dataclass(frozen=True)
class Build:
    """The server that all rows of a run are driven against, whatever is built in the meantime."""

    program: Path
    version: str
    sha256: str

    @classmethod
    def copied(cls, binary, folder):
        """A copy in this folder. It keeps its name, as other names tell the program in whose stead it is started."""
        program = Path(folder).resolve() / "shardmill"
        shutil.copy(binary, program)
        done = subprocess.run([program, "--version"], capture_output=True, text=True)
        if done.returncode != 0:
            raise Failure(f"{binary} --version ended with {done.returncode}: {done.stderr}")
        return cls(program, done.stdout.strip(), hashlib.sha256(program.read_bytes()).hexdigest())

    def __str__(self):
        return f"{self.version}, SHA-256 {self.sha256[:16]}"


def shardmill(binary, folder):
    """A server with the settings of a user who set none, but that it logs each answer, and its CA written to `ca.pem`."""
    return Server(
        "shardmill",
        [binary, "--port", "0", "--tls-ca-out", folder / "ca.pem", "--log-level", "debug"],
        folder / "shardmill.log",
    )


def moto(venv, folder):
    """moto's DynamoDB, where leases are kept."""
    port = free_port()
    return Server(
        "moto",
        [venv / "bin" / "moto_server", "-H", "127.0.0.1", "-p", str(port)],
        folder / "moto.log",
        port=port,
    )


def dynalite(packages, folder):
    """dynalite, for the KCL 1, which moto refuses its checkpoints: see java/kcl1/on_moto.txt."""
    port = free_port()
    return Server(
        "dynalite",
        ["node", packages / "node_modules" / "dynalite" / "cli.js", "--port", str(port), "--createTableMs", "100"],
        folder / "dynalite.log",
        port=port,
    )
