"""A mark beside the disk of the evidence: which processes could not write there, and could not even mark their file.

A full disk still takes the mode of a file, one that is read-only or gone takes nothing. Then a line goes to a file of
this user's in memory or in the folder of temporary files, where the next process that reads the evidence finds it. It
lasts until the machine starts anew; on another machine only the missing heartbeat tells.
"""

from __future__ import annotations

import contextlib
import hashlib
import stat
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

from exuvia.migrate.own import json, os

if TYPE_CHECKING:
    from collections.abc import Iterator

__all__ = ["mark", "marked", "told"]

_OTHERS = stat.S_IWGRP | stat.S_IWOTH
MOST = 1024 * 1024
"""Bytes of such a file beyond which nothing is added."""


def mark(evidence: Path, process: str, since_ns: int, why: str) -> bool:
    """Note that a process could not write its evidence; it never raises.

    Args:
        evidence: The evidence folder.
        process: The process, as its files are named.
        since_ns: From when on, UTC nanoseconds.
        why: What the system said.

    Returns:
        Whether it was noted.
    """
    return any(_append(path, {"process": process, "since": since_ns, "why": why}) for path in _files(evidence))


def told(evidence: Path, process: str) -> None:
    """Take a process's mark back: its evidence says what was lost.

    Args:
        evidence: The evidence folder.
        process: The process.
    """
    for path in _files(evidence):
        if any(line.get("process") == process for line in _lines(path)):
            _append(path, {"process": process, "told": True})


def marked(evidence: Path) -> dict[str, tuple[int, str]]:
    """Return the processes whose evidence is not all there: since when, in UTC nanoseconds, why, and where that stands.

    Args:
        evidence: The evidence folder.
    """
    found: dict[str, tuple[int, str]] = {}
    for path in _files(evidence):
        for line in _lines(path):
            process = str(line.get("process", ""))
            if line.get("told"):
                found.pop(process, None)
            elif process.count("-") >= 2 and "/" not in process and isinstance(line.get("since"), int):
                found.setdefault(process, (line["since"], f"{line.get('why', '')}, as {path} has it"))
    return found


def _files(evidence: Path) -> Iterator[Path]:
    """Where the mark of a folder may stand, the best place first."""
    if os.name != "posix":
        return
    name = hashlib.sha256(os.fsencode(Path(os.path.abspath(evidence)))).hexdigest()[:24]
    own = os.environ.get("XDG_RUNTIME_DIR") or f"/run/user/{os.geteuid()}"
    memory = ["/dev/shm"] if sys.platform == "linux" else []  # noqa: S108 - a file of this user's alone
    for place in dict.fromkeys([own, *memory, _temporary()]):
        yield Path(place) / f"exuvia-{os.geteuid()}-{name}.unwritten"


def _temporary() -> str:
    return os.environ.get("TMPDIR") or "/tmp"  # noqa: S108 - as above


def _append(path: Path, line: dict[str, Any]) -> bool:
    flags = os.O_RDWR | os.O_APPEND | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC | os.O_NONBLOCK
    with contextlib.suppress(OSError), os.fdopen(os.open(path, flags, 0o600), "ab") as file:
        held = os.fstat(file.fileno())
        if _is_ours(held) and held.st_size < MOST:
            file.write(json.dumps(line, separators=(",", ":")).encode() + b"\n")
            return True
    return False


def _lines(path: Path) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = []
    with contextlib.suppress(OSError):
        flags = os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC | os.O_NONBLOCK
        with os.fdopen(os.open(path, flags), "rb") as file:
            if not _is_ours(os.fstat(file.fileno())):
                return []
            for text in file.read(2 * MOST).split(b"\n")[:-1]:
                with contextlib.suppress(ValueError):
                    line = json.loads(text)
                    found += [line] if isinstance(line, dict) else []
    return found


def _is_ours(held: Any) -> bool:
    return stat.S_ISREG(held.st_mode) and held.st_uid in (os.geteuid(), 0) and not held.st_mode & _OTHERS
