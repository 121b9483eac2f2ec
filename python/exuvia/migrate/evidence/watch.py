"""What a session has to know of the world: a clock that was set, a process that stood still, a child unseen."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from exuvia.migrate.own import time

if TYPE_CHECKING:
    from collections.abc import Iterator

__all__ = ["JUMP_S", "OURS", "STILL_S", "Watch", "children", "is_like_this"]

JUMP_S = 1.0
"""A wall clock that moves by more than this against the monotonic one makes the session inconclusive."""
STILL_S = 30.0
CHILDREN_S = 5.0
OURS: set[int] = set()
"""Processes that exuvia itself started and that need no evidence of their own."""
NOT_THE_PROGRAM = (b"exuvia/migrate/shadow/keeper", b"multiprocessing.resource_tracker", b"multiprocessing.forkserver")


class Watch:
    """Looks once a second; durations are monotonic."""

    def __init__(self) -> None:
        self._wall, self._monotonic = time.time_ns(), time.monotonic_ns()
        self._children_at = self._monotonic
        self._known: dict[int, int] = {}

    def tick(self) -> list[tuple[str, str]]:
        """Return what is to be put on record: what it is, and a sentence."""
        wall, monotonic = time.time_ns(), time.monotonic_ns()
        passed = (monotonic - self._monotonic) / 1e9
        jump = (wall - self._wall) / 1e9 - passed
        self._wall, self._monotonic = wall, monotonic
        found = []
        if abs(jump) > JUMP_S:
            found.append(("clock", f"the clock jumped by {jump:+.3f} s: this session is inconclusive"))
        if passed > STILL_S:
            found.append(("still", f"the process stood still for {passed:.0f} s"))
        if (monotonic - self._children_at) / 1e9 >= CHILDREN_S:
            self._children_at = monotonic
            found += [("unseen" if is_like_this(pid) else "child", f"{pid}") for pid in self._new_children()]
        return found

    def _new_children(self) -> Iterator[int]:
        """Children of the same interpreter that live at two looks: each is named once."""
        now = set(children())
        for pid in now:
            looks = self._known.get(pid, 0) + 1
            self._known[pid] = looks
            if looks == 2:
                yield pid
        for pid in set(self._known) - now:
            del self._known[pid]


def children() -> list[int]:
    """Return the children of this process that run the same Python, where the system tells (Linux)."""
    found: list[int] = []
    try:
        mine = Path("/proc/self/exe").readlink()
        for task in Path("/proc/self/task").iterdir():
            found += [int(pid) for pid in (task / "children").read_text(encoding="ascii").split()]
    except (OSError, ValueError):
        return []
    return [pid for pid in found if pid not in OURS and _is_the_program(pid, mine)]


def is_like_this(pid: int) -> bool:
    """Say whether a child is the program once more: a copy of this process, or one that `multiprocessing` started.

    Args:
        pid: The child.
    """
    try:
        command = Path(f"/proc/{pid}/cmdline").read_bytes()
        return command == Path("/proc/self/cmdline").read_bytes() or b"multiprocessing" in command
    except OSError:
        return False


def _is_the_program(pid: int, mine: Path) -> bool:
    try:
        if Path(f"/proc/{pid}/exe").readlink() != mine:
            return False
        command = Path(f"/proc/{pid}/cmdline").read_bytes()
    except OSError:
        return False
    return not any(word in command for word in NOT_THE_PROGRAM)
