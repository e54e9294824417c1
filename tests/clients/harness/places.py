"""Where things are: the project's own folders, and the pins that all rows share."""

import tomllib
from pathlib import Path

CLIENTS = Path(__file__).resolve().parent.parent
ROOT = CLIENTS.parent.parent
LOCKS = CLIENTS / "locks"
RESULTS = CLIENTS / "RESULTS.md"


def pins():
    """The content of versions.toml."""
    with open(CLIENTS / "versions.toml", "rb") as file:
        return tomllib.load(file)
