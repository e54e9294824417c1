"""The table of a run, and the page of the last whole one."""

import datetime
import os
import platform

from .places import pins
from .rows import ROWS
from .tools import TOOLS, dotted, version_of

COLUMNS = ["row", "client", "version", "protocol", "steps passed", "seconds"]


def cells(result):
    steps = f"{result.passed} of {result.steps}" + (" FAILED" if result.failure else "")
    return [result.name, result.client, result.version, result.protocol, steps, f"{result.seconds:.1f}"]


def table(results):
    """The table, with aligned columns."""
    lines = [COLUMNS, *(cells(result) for result in results)]
    widths = [max(len(line[at]) for line in lines) for at in range(len(COLUMNS))]
    return "\n".join("  ".join(cell.ljust(width) for cell, width in zip(line, widths)).rstrip() for line in lines)


def results_page(results, build):
    """The table as Markdown, with when and on what it was made."""
    versions = [f"{tool} {dotted(version_of(command))}" for tool, (_, _, command, _) in TOOLS.items()]
    rows = [COLUMNS, ["---"] * len(COLUMNS), *(cells(result) for result in results)]
    lines = [
        "# The last run of all clients",
        "",
        f"{datetime.date.today()}, on {platform.system()} {platform.machine()} with {os.cpu_count()} cores; "
        f"{', '.join(versions)}; {build}. Written by `tests/clients/run --all --keep`.",
        "",
        *(f"| {' | '.join(row)} |" for row in rows),
    ]
    failures = [result for result in results if result.failure]
    if failures:
        lines += ["", "## Not passed", ""]
        lines += [f"- {result.name}: {result.failure.splitlines()[0]}" for result in failures]
    explained = [row for row in ROWS if row.explained]
    if explained:
        lines += ["", "## Explained", ""]
        lines += [f"- {row.name}: {row.explained}" for row in explained]
    unavailable = pins().get("unavailable", {})
    if unavailable:
        lines += ["", "## Not to be had", "", "What the registries answered:", ""]
        lines += [f"- {name}: `{error}`" for name, error in unavailable.items()]
    return "\n".join(lines) + "\n"
