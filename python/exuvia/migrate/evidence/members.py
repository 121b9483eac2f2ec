"""The list of the segments that were ever begun in a folder: one that is gone is missed.

Each process appends the name of a segment once it is there, in one write, without a lock. A segment leaves the folder
only when the quota needs its room, and then a compacted day has it by name; whatever else is gone somebody removed.
Standard library only.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from exuvia.migrate.evidence import folder as folders
from exuvia.migrate.own import os

if TYPE_CHECKING:
    from pathlib import Path

__all__ = ["FILE", "enter", "names"]

FILE = "segments.list"


def enter(folder: Path, name: str) -> None:
    """Put a segment on the list.

    Args:
        folder: The evidence folder.
        name: The segment's name.

    Raises:
        OSError: As the system says.
    """
    flags = os.O_WRONLY | os.O_APPEND | os.O_CREAT | getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_CLOEXEC", 0)
    descriptor = os.open(folder / FILE, flags, 0o600)
    try:
        os.write(descriptor, f"{name}\n".encode())
    finally:
        os.close(descriptor)


def names(folder: Path) -> list[str]:
    """Return the names on the list; a line that a kill or another writer tore names nothing.

    Args:
        folder: The evidence folder; without a list it has none.
    """
    try:
        text = folders.read_file(folder / FILE).decode("ascii", "replace")
    except OSError:
        return []
    found = dict.fromkeys(line for line in text.split("\n")[:-1])
    return [name for name in found if name.endswith(folders.SUFFIX) and name.count("-") >= 3 and "/" not in name]
