"""Restarts of a count: somebody says, with a cause, that what was seen before is not what runs now.

A group of artefacts has no F that exuvia could compute. Where its processes name their build (the setting `build`), a
new build is a new count; else a person says so: `exuvia gate GROUP --restart "fixed the rounding"`. Each restart is one
more chance of 5 % to pass what is forbidden; every verdict prints how many there were.

Units have an F, and a new F is a new count. How much of them is observed (sample, queue, budget, deadline) is not in
it: after such a change a restart leaves the calls behind that were not compared until then. It never leaves a
difference behind: the process in which one was seen counts on, as long as the code is what it was.

The file is append-only JSON lines, `restarts.jsonl` in the evidence folder. Standard library only.
"""

from __future__ import annotations

import getpass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from exuvia.errors import MigrateError
from exuvia.migrate.gates import lines
from exuvia.migrate.own import os, time

if TYPE_CHECKING:
    from pathlib import Path

    from exuvia.migrate.config import GroupConfig

__all__ = ["FILE", "append", "of_units", "read"]

FILE = "restarts.jsonl"
time_ns = time.time_ns
"""The clock; a test may replace it."""


def append(folder: Path, group: GroupConfig, cause: str) -> None:
    """Put a restart on record and force it to the disk.

    Args:
        folder: The evidence folder, made if it is missing.
        group: The group.
        cause: What was found and what was done.

    Raises:
        MigrateError: No cause is given.
    """
    if not cause.strip():
        raise MigrateError("a count is started again with a cause: say what was found and what was done")
    now = time_ns()
    line = {
        "v": 1,
        "at": datetime.fromtimestamp(now / 1e9, UTC).isoformat(),
        "at_ns": now,
        "group": group.name,
        "who": _user(),
        "cause": cause.strip(),
        "units": list(group.units),
    }
    lines.append(folder / FILE, line)


def read(folder: Path, group: str) -> list[tuple[int, str]]:
    """Return the restarts of a group, UTC nanoseconds and cause, oldest first.

    Args:
        folder: The evidence folder.
        group: The group's name.
    """
    return sorted((at, cause) for named, units, at, cause in _lines(folder) if named == group and not units)


def of_units(folder: Path) -> dict[str, list[tuple[int, str]]]:
    """Return the restarts of each unit that has any, UTC nanoseconds and cause, oldest first.

    Args:
        folder: The evidence folder.
    """
    found: dict[str, list[tuple[int, str]]] = {}
    for _, units, at, cause in _lines(folder):
        for unit in units:
            found.setdefault(unit, []).append((at, cause))
    return {unit: sorted(said) for unit, said in found.items()}


def _lines(folder: Path) -> list[tuple[str, list[str], int, str]]:
    """Group, units, time and cause of each restart."""

    def taken(line: dict[str, Any]) -> tuple[str, list[str], int, str]:
        units = [str(unit) for unit in line.get("units", ())]
        return str(line["group"]), units, int(line["at_ns"]), str(line["cause"])

    return lines.read(folder / FILE, "not a restart of a count", taken)


def _user() -> str:
    try:
        return getpass.getuser()
    except (KeyError, OSError, ImportError):
        return str(os.getuid()) if hasattr(os, "getuid") else "unknown"
