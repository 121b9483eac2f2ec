"""Since when the gates of a group of artefacts ask for what they ask: another setting starts the count again.

Artefacts bear no F. What their gates ask for is all that there is of one, and whoever widens a gate after a bad day
would have that day forgotten at the same moment. So whenever such a group is judged, the digest of its settings is put
on record if it is another than before; a session is of the digest that was in force when it opened.

The file is append-only JSON lines, `gates.jsonl` in the evidence folder. Standard library only.
"""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any

from exuvia.errors import MigrateError
from exuvia.migrate.gates import lines

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

__all__ = ["FILE", "in_force", "note", "read"]

FILE = "gates.jsonl"
time_ns = time.time_ns
"""The clock; a test may replace it."""


def note(folder: Path, group: str, f: str) -> None:
    """Put on record that other settings are in force from now on; nothing if they are those of before.

    Args:
        folder: The evidence folder, made if it is missing.
        group: The group's name.
        f: Digest of its settings.

    Raises:
        MigrateError: The record cannot be read, or not be written.
    """
    known = read(folder, group)
    if known and known[-1][1] == f:
        return
    line = {"v": 1, "group": group, "f": f, "at_ns": max(time_ns(), *(at for at, _ in known), 0)}
    try:
        lines.append(folder / FILE, line)
    except OSError as error:
        raise MigrateError(f"what the gates of {group} ask for cannot be put on record: {error}") from None


def read(folder: Path, group: str) -> list[tuple[int, str]]:
    """Return since when which settings were in force, UTC nanoseconds and digest, oldest first.

    Args:
        folder: The evidence folder.
        group: The group's name.

    Raises:
        MigrateError: A line is no such record.
    """

    def taken(line: dict[str, Any]) -> tuple[str, int, str]:
        return str(line["group"]), int(line["at_ns"]), str(line["f"])

    found = lines.read(folder / FILE, "not a record of a gate's settings", taken)
    return [(at, f) for named, at, f in found if named == group]


def in_force(known: Sequence[tuple[int, str]], at: int, now: str | None) -> str | None:
    """Return the settings of an instant: of one before the first record those of the first.

    >>> in_force([(5, "a"), (9, "b")], 7, "b"), in_force([(5, "a")], 2, "a"), in_force([], 2, "c")
    ('a', 'a', 'c')

    Args:
        known: As `read` returns it.
        at: UTC nanoseconds.
        now: What is in force where nothing is on record.
    """
    before = [f for since, f in known if since <= at]
    return before[-1] if before else known[0][1] if known else now
