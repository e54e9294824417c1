"""The command: which rows, where clients are installed, what is printed and kept."""

import argparse
import json
import os
import sys
import tempfile
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from .cache import Cache
from .failure import Failure
from .places import RESULTS, ROOT
from .report import results_page, table
from .rows import ROWS
from .running import run_row
from .servers import Build
from .tools import missing

EXAMPLE = """\
examples:
  cargo build --release && tests/clients/run       the fast rows
  tests/clients/run --all --keep                   all rows, and their table into RESULTS.md
  tests/clients/run boto3 go-sdk --json            two rows, as JSON

Exit code 0: every step of every row passed. 1: one did not. 2: usage, or the machine lacks something.
What a row printed is in CACHE/runs/ROW/."""


def main(arguments):
    options = parse(arguments)
    rows = chosen(options)
    if options.list:
        for row in rows:
            print(f"{row.name:18} {row.package[1]}, {row.protocol}{'' if row.fast else ' (only by name or --all)'}")
        return 0
    lacks = missing({tool for row in rows for tool in ("python", *row.tools)})
    if lacks:
        print("this machine lacks:", *lacks, sep="\n  ", file=sys.stderr)
        return 2
    if not options.server.exists():
        print(f"{options.server} does not exist; make it with `cargo build --release`", file=sys.stderr)
        return 2
    cache = Cache(options.cache, options.lock)
    with tempfile.TemporaryDirectory(dir=cache.folder, prefix="server-") as folder:
        try:
            build = Build.copied(options.server, folder)
        except Failure as reason:
            print(reason, file=sys.stderr)
            return 2
        print(f"the server is {build}", file=sys.stderr, flush=True)
        results = run_all(rows, cache, build, options.jobs)
    print(json.dumps([result.as_dict() for result in results], indent=2) if options.json else table(results))
    for result in results:
        if result.failure:
            print(f"\n{result.name}: {result.failure}", file=sys.stderr)
    if options.keep:
        RESULTS.write_text(results_page(results, build))
    return 1 if any(result.failure for result in results) else 0


def parse(arguments):
    parser = argparse.ArgumentParser(
        prog="tests/clients/run",
        description="Drives shardmill with real clients, each installed from its own package registry.",
        epilog=EXAMPLE,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    target = Path(os.environ.get("CARGO_TARGET_DIR", ROOT / "target"))
    parser.add_argument("names", nargs="*", metavar="NAME", help="rows to run; the fast ones unless told")
    parser.add_argument("--all", action="store_true", help="run every row")
    parser.add_argument("--list", action="store_true", help="tell the rows and run none")
    parser.add_argument("--json", action="store_true", help="print JSON instead of a table")
    parser.add_argument("--keep", action="store_true", help="write the table of --all to tests/clients/RESULTS.md")
    parser.add_argument("--jobs", type=int, default=1, metavar="COUNT", help="rows that run at a time; default 1")
    parser.add_argument("--lock", action="store_true", help="install anew and write tests/clients/locks")
    parser.add_argument(
        "--cache", type=Path, default=target / "clients", metavar="FOLDER", help="default target/clients"
    )
    parser.add_argument(
        "--server",
        type=Path,
        default=target / "release" / "shardmill",
        metavar="FILE",
        help="default target/release/shardmill",
    )
    options = parser.parse_args(arguments)
    if options.keep and not options.all:
        parser.error("--keep is for --all")
    return options


def chosen(options):
    known = {row.name: row for row in ROWS}
    unknown = [name for name in options.names if name not in known]
    if unknown:
        sys.exit(f"no row {', '.join(unknown)}; tests/clients/run --all --list tells them")
    if options.names:
        return [known[name] for name in options.names]
    return [row for row in ROWS if options.all or options.list or row.fast]


def run_all(rows, cache, build, jobs):
    """The results in the order of the rows."""

    def tell(row, what):
        # In one piece, as rows may run at a time.
        sys.stderr.write(f"{rows.index(row) + 1} of {len(rows)}: {row.name} {what}\n")

    def run(row):
        tell(row, "begins")
        result = run_row(row, cache, build.program)
        outcome = "failed" if result.failure else "passed"
        tell(row, f"{outcome}: {result.passed} of {result.steps} steps, {result.seconds:.1f} s")
        return result

    # Installations are not made for two at a time.
    for row in rows if jobs > 1 else []:
        try:
            row.command(cache)
        except Failure:
            # The row itself will tell.
            pass
    with ThreadPoolExecutor(jobs) as pool:
        return list(pool.map(run, rows))
