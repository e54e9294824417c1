"""What must be on the machine before a client can be installed, and the command that puts it there."""

import importlib.util
import os
import re
import shutil
import subprocess

from .failure import Failure

# tool: (programs, least version, its version command, Debian's command)
TOOLS = {
    "python": (["python3"], (3, 11), ["python3", "--version"], "apt-get install python3 python3-venv"),
    "node": (["node", "npm"], (20,), ["node", "--version"], "apt-get install nodejs npm"),
    "go": (["go"], (1, 24), ["go", "version"], "apt-get install golang"),
    "java": (
        ["java", "javac", "keytool", "mvn"],
        (17,),
        ["javac", "-version"],
        "apt-get install openjdk-17-jdk-headless maven",
    ),
    "rust": (["cargo"], (1, 95), ["cargo", "--version"], "apt-get install rustup && rustup toolchain install stable"),
}


def missing(tools):
    """A line for each of these tools that is not here or too old."""
    lines = []
    for tool in sorted(tools):
        programs, least, command, install = TOOLS[tool]
        absent = [program for program in programs if shutil.which(program) is None]
        if absent:
            lines.append(f"{tool}: {', '.join(absent)} not found; {install}")
            continue
        found = version_of(command)
        if found < least:
            lines.append(f"{tool}: {dotted(found)} is older than {dotted(least)}; {install}")
        elif tool == "python" and not importlib.util.find_spec("ensurepip"):
            lines.append(f"{tool}: ensurepip, which makes virtual environments, not found; {install}")
    return lines


def version_of(command):
    """The first version that this command prints, as a tuple."""
    done = subprocess.run(command, capture_output=True, text=True)
    found = re.search(r"(\d+(?:\.\d+)+|\d+)", done.stdout + done.stderr)
    return tuple(int(part) for part in found.group(1).split(".")) if found else ()


def dotted(version):
    return ".".join(str(part) for part in version) or "an unknown version"


def call(command, log, cwd=None, **variables):
    """Runs a command of an installation; what it prints goes to `log`, whose end is told if it fails."""
    with open(log, "a") as file:
        file.write(f"$ {' '.join(map(str, command))}\n")
        file.flush()
        environment = os.environ | {name: str(value) for name, value in variables.items()}
        done = subprocess.run(
            command, cwd=cwd, env=environment, stdin=subprocess.DEVNULL, stdout=file, stderr=subprocess.STDOUT
        )
    if done.returncode != 0:
        raise Failure(f"{' '.join(map(str, command[:4]))}… ended with {done.returncode}:\n{tail(log)}")


def tail(path, lines=15):
    """The last lines of a file, for a person."""
    with open(path, errors="replace") as file:
        return "".join(f"    {line.rstrip()}\n" for line in file.readlines()[-lines:])
