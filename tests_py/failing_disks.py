"""Disks that take no more of a process's evidence, and what a kill leaves of it."""

from __future__ import annotations

import errno
import stat
from typing import TYPE_CHECKING

import segments
from exuvia.migrate import own
from exuvia.migrate.evidence.segment import Segment
from segments import HEADER, mismatch, units

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    import pytest

__all__ = ["full", "killed", "read_only", "spoiled"]


def full(patch: pytest.MonkeyPatch) -> None:
    """A disk without room."""

    def write(*_: object) -> int:
        raise OSError(errno.ENOSPC, "No space left on device")

    patch.setattr(own.os, "write", write)


def read_only(patch: pytest.MonkeyPatch) -> None:
    """A disk that went read-only: it takes nothing, not even the mode of a file."""

    def refuse(*_: object) -> int:
        raise OSError(errno.EROFS, "Read-only file system")

    patch.setattr(own.os, "write", refuse)
    patch.setattr(own.os, "fchmod", refuse)


def spoiled(folder: Path, monkeypatch: pytest.MonkeyPatch, disk: Callable[[pytest.MonkeyPatch], None]) -> Segment:
    """A segment of a process whose one difference came while the disk failed; it is whole again now."""
    segment = Segment(folder, HEADER)
    segment.counters(units(1))
    with monkeypatch.context() as patch:
        disk(patch)
        segment.write(mismatch(1))
    return segment


def killed(segment: Segment) -> None:
    """What a kill leaves: nothing more is written, and the process of the header is not there."""
    path = segments.files(segment.folder)[-1]
    mode = path.stat().st_mode
    segment.abandon()
    path.chmod(0o600)
    segments.rewrite(path, lambda line: {**line, "pid": 2**22 + 1} if line["kind"] == "header" else line)
    path.chmod(stat.S_IMODE(mode))
