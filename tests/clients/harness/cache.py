"""Installs clients into a cache folder, each from its own package registry, and builds their programs there.

What is there already is kept as long as the pins, the locks and the sources that it was made from are the same.
"""

import hashlib
import json
import shutil
import sys
import threading
import xml.sax.saxutils
from pathlib import Path

from .failure import Failure
from .places import CLIENTS, LOCKS, pins
from .tools import call


class Cache:
    """A folder of installed clients. `locking`: write the lock files anew rather than obey them."""

    def __init__(self, folder, locking=False):
        self.folder = Path(folder).resolve()
        self.folder.mkdir(parents=True, exist_ok=True)
        self.locking = locking
        # Rows that run at a time may need the same; it is installed once.
        self.installing = threading.Lock()
        # What this run has installed anew.
        self.installed = set()
        self.pins = pins()

    def python(self, name):
        """A virtual environment with the packages of this name; returns its folder."""
        wanted = self.pins["python"][name]
        lock = LOCKS / f"python-{name}.txt"

        def install(folder):
            log = folder / "install.log"
            call([sys.executable, "-m", "venv", folder], log)
            fixed = [] if self.locking else ["--constraint", lock]
            call([folder / "bin" / "pip", "install", "--quiet", *fixed, *wanted], log)
            if self.locking:
                frozen = folder / "frozen.log"
                call([folder / "bin" / "pip", "freeze"], frozen)
                lock.write_text("".join(sorted(line for line in open(frozen) if "==" in line)))

        return self.made(f"python-{name}", wanted, [lock], install)

    def javascript(self):
        """The packages and programs for Node.js, in one folder."""
        wanted = self.pins["javascript"]
        lock = LOCKS / "package-lock.json"
        sources = sorted((CLIENTS / "javascript").glob("*.mjs"))

        def install(folder):
            package = {"name": "shardmill-clients", "private": True, "type": "module", "dependencies": wanted}
            (folder / "package.json").write_text(json.dumps(package, indent=2))
            options = ["--no-audit", "--no-fund", "--ignore-scripts", "--omit-lockfile-registry-resolved"]
            if self.locking:
                call(["npm", "install", *options], folder / "install.log", cwd=folder)
                shutil.copy(folder / "package-lock.json", lock)
            else:
                shutil.copy(lock, folder)
                call(["npm", "ci", *options], folder / "install.log", cwd=folder)
            for source in sources:
                shutil.copy(source, folder)

        return self.made("javascript", wanted, [lock, *sources], install)

    def go(self, program):
        """A program of tests/clients/go, built; returns its path."""
        wanted = self.pins["go"][program]
        lock = LOCKS / f"go-{program}.sum"
        sources = sorted((CLIENTS / "go" / program).glob("*.go"))

        def install(folder):
            required = "".join(f"\t{name} {version}\n" for name, version in wanted.items())
            # The oldest language that the modules agree on.
            (folder / "go.mod").write_text(f"module shardmill/{program}\n\ngo 1.24\n\nrequire (\n{required})\n")
            for source in sources:
                shutil.copy(source, folder)
            if self.locking:
                call(["go", "mod", "tidy"], folder / "install.log", cwd=folder)
                shutil.copy(folder / "go.sum", lock)
            else:
                shutil.copy(lock, folder / "go.sum")
            build = ["go", "build", "-mod=mod", "-o", "program", "."]
            call(build, folder / "install.log", cwd=folder, GOFLAGS="", GOTOOLCHAIN="local")

        return self.made(f"go-{program}", wanted, [lock, *sources], install) / "program"

    def java(self, project):
        """The jars of a project and its compiled program; returns the class path."""
        wanted = self.pins["java"][project]
        # `kcl-3`: what is in `kcl` for all its versions, and in `kcl-3`.
        folders = dict.fromkeys(["common", project.split("-")[0], project])
        sources = [source for folder in folders for source in sorted((CLIENTS / "java" / folder).glob("*.java"))]

        def install(folder):
            log = folder / "install.log"
            (folder / "pom.xml").write_text(pom(project, wanted))
            copy = ["dependency:copy-dependencies", f"-DoutputDirectory={folder / 'jars'}", "-DincludeScope=runtime"]
            call(["mvn", "-B", "-q", "-f", folder / "pom.xml", *copy], log)
            jars = f"{folder / 'jars'}/*"
            call(["javac", "-nowarn", "-cp", jars, "-d", folder / "classes", *sources], log)

        folder = self.made(f"java-{project}", wanted, sources, install)
        return f"{folder / 'classes'}:{folder / 'jars'}/*"

    def rust(self, program):
        """A program of tests/clients/rust, built; returns its path."""
        wanted = self.pins["rust"][program]
        lock = LOCKS / f"rust-{program}.lock"
        sources = sorted((CLIENTS / "rust" / program / "src").glob("*.rs"))

        def install(folder):
            dependencies = "".join(f"{name} = {inline(how)}\n" for name, how in wanted.items())
            (folder / "Cargo.toml").write_text(
                # A workspace of its own, wherever the cache folder is.
                f'[workspace]\n[package]\nname = "{program}"\nversion = "0.0.0"\nedition = "2024"\n'
                f"[profile.dev]\ndebug = false\n[dependencies]\n{dependencies}"
            )
            (folder / "src").mkdir()
            for source in sources:
                shutil.copy(source, folder / "src")
            build = ["cargo", "build", "--target-dir", folder / "target"]
            if self.locking:
                call(build, folder / "install.log", cwd=folder)
                shutil.copy(folder / "Cargo.lock", lock)
            else:
                shutil.copy(lock, folder / "Cargo.lock")
                call([*build, "--locked"], folder / "install.log", cwd=folder)

        return self.made(f"rust-{program}", wanted, [lock, *sources], install) / "target" / "debug" / program

    def trust_store(self, folder):
        """`ca.pem` of this folder, as Java wants it; the password is `changeit`."""
        store = folder / "trust.p12"
        command = ["keytool", "-importcert", "-noprompt", "-alias", "shardmill", "-file", folder / "ca.pem"]
        call([*command, "-keystore", store, "-storetype", "PKCS12", "-storepass", "changeit"], folder / "keytool.log")
        return store

    def made(self, name, wanted, files, install):
        """The folder `name`, made by `install` unless it is there and made from the same."""
        folder = self.folder / name
        stamp = folder / "made-from"
        with self.installing:
            made_from = self.fingerprint(wanted, files)
            is_new = name in self.installed if self.locking else stamp.exists() and stamp.read_text() == made_from
            if not is_new:
                print(f"installing {name}", file=sys.stderr, flush=True)
                shutil.rmtree(folder, ignore_errors=True)
                folder.mkdir()
                install(folder)
                stamp.write_text(self.fingerprint(wanted, files))
                self.installed.add(name)
        return folder

    def fingerprint(self, wanted, files):
        digest = hashlib.sha256(json.dumps(wanted).encode())
        for file in files:
            if not file.exists():
                if self.locking:
                    continue
                raise Failure(f"{file} is missing; run with --lock")
            digest.update(file.name.encode() + b"\0" + file.read_bytes())
        return digest.hexdigest()

    def version(self, language, package, group=None):
        """The pinned version of a package, in that group of pins if there are several."""
        pinned = self.pins[language]
        if language == "javascript":
            return pinned[package]
        for wanted in [pinned[group]] if group else pinned.values():
            if language == "go" and package in wanted:
                return wanted[package].removeprefix("v")
            if language == "rust" and package in wanted:
                return wanted[package]["version"].removeprefix("=")
            for one in wanted if language in ("python", "java") else []:
                # `name==version`, `group:artifact:version`.
                name, version = one.rsplit("==" if language == "python" else ":", 1)
                if name == package:
                    return version
        raise Failure(f"versions.toml has no {package}")


def inline(how):
    """How a crate is wanted, as TOML has it on one line."""
    features = ", ".join(f'"{feature}"' for feature in how["features"])
    return f'{{ version = "{how["version"]}", default-features = false, features = [{features}] }}'


def pom(project, wanted):
    """A Maven project with nothing but these dependencies, `group:artifact:version` each."""
    dependencies = ""
    for one in wanted:
        group, artifact, version = (xml.sax.saxutils.escape(part) for part in one.split(":"))
        dependencies += (
            f"<dependency><groupId>{group}</groupId><artifactId>{artifact}</artifactId>"
            f"<version>{version}</version></dependency>\n"
        )
    return (
        '<project xmlns="http://maven.apache.org/POM/4.0.0"><modelVersion>4.0.0</modelVersion>\n'
        f"<groupId>shardmill</groupId><artifactId>{project}</artifactId><version>0</version>\n"
        f"<dependencies>\n{dependencies}</dependencies></project>\n"
    )
