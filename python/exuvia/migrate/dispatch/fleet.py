"""The processes that share a control page: who lives, which build each runs, which epoch each has taken up.

An epoch counts when every live process has confirmed it; until then no unit climbs by it. A process whose
poller is stuck, or that runs another build, holds the others back: that is the safe side.
"""

from __future__ import annotations

import sys
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from exuvia.migrate.dispatch.page import PROCESS_WORDS, PROCESSES, PROCESSES_AT, fnv
from exuvia.migrate.own import os, time

if TYPE_CHECKING:
    from exuvia.migrate.dispatch.page import Page

__all__ = ["Fleet", "Member", "strangers"]

SILENT_NS = 10_000_000_000
"""A process of another process namespace is taken for dead when it was silent for so long."""


@dataclass(frozen=True, slots=True)
class Member:
    """One process.

    Attributes:
        pid: Its number.
        confirmed: The last epoch that it has taken up whole.
        build: A hash of what decides its code, the same in all processes of one fleet.
    """

    pid: int
    confirmed: int
    build: int


class Fleet:
    """This process's place among those that share a page.

    Args:
        page: The page.
        build: Hash of this process's fingerprints.
    """

    def __init__(self, page: Page, build: int) -> None:
        self.page, self.build = page, build
        self.at: int | None = None
        self.join()

    def join(self) -> None:
        """Take a free place, or that of a process that is gone; without one this process is not waited for."""
        self.pid, self.started, self.space = os.getpid(), _started(os.getpid()), _namespace()
        self.at = None
        with self.page.locked():
            for at in range(PROCESSES_AT, PROCESSES_AT + PROCESSES * PROCESS_WORDS, PROCESS_WORDS):
                if not self._alive(at):
                    self.at = at
                    self.beat(0)
                    return

    def beat(self, confirmed: int) -> None:
        """Say that this process lives, and which epoch it has taken up.

        Args:
            confirmed: The epoch.
        """
        if self.at is None:
            return
        fields = (self.pid, self.started, self.space, confirmed, self.build & 0xFFFF_FFFF_FFFF_FFFF)
        words = self.page.words
        words[self.at + 7] = 0
        for offset, value in enumerate(fields):
            words[self.at + offset] = value
        words[self.at + 5] = time.monotonic_ns()
        words[self.at + 7] = _check(fields)

    def leave(self) -> None:
        """Give the place back."""
        if self.at is not None and self.pid == os.getpid():
            self.page.words[self.at] = 0
            self.at = None

    def others(self) -> list[Member]:
        """Return the other processes that are alive."""
        found = []
        pids = self.page.words[PROCESSES_AT : PROCESSES_AT + PROCESSES * PROCESS_WORDS : PROCESS_WORDS].tolist()
        taken = [PROCESSES_AT + number * PROCESS_WORDS for number, pid in enumerate(pids) if pid]
        for at in taken:
            if at != self.at and self._alive(at):
                fields = tuple(self.page.words[at : at + 5])
                whole = self.page.words[at + 7] == _check(fields)
                # One that is just writing has confirmed nothing.
                found.append(Member(fields[0], fields[3] if whole else 0, fields[4] if whole else self.build))
        return found

    def waits_for(self, epoch: int) -> str | None:
        """Say what keeps an epoch from counting, if anything does.

        Args:
            epoch: The epoch.
        """
        others = self.others()
        strange = [str(member.pid) for member in others if member.build != self.build]
        if strange:
            return f"two builds in one fleet: process {', '.join(strange)} runs other code, so nothing climbs"
        late = [str(member.pid) for member in others if member.confirmed < epoch]
        return f"epoch {epoch} waits for process {', '.join(late)}" if late else None

    def _alive(self, at: int) -> bool:
        words = self.page.words
        pid, started, space, beat = words[at], words[at + 1], words[at + 2], words[at + 5]
        if not pid:
            return False
        if os.name == "posix" and space == self.space:
            if pid == self.pid and started == self.started:
                return at == self.at
            try:
                os.kill(pid, 0)
            except ProcessLookupError:
                return False
            except OSError:
                return True
            return _started(pid) in (started, 0) and not _zombie(pid)
        return 0 <= time.monotonic_ns() - beat < SILENT_NS


def strangers(known: set[int]) -> list[int]:
    """Return the Python processes that this one has started and that run without exuvia.

    They serve legacy whatever the page says: a spawned process must call `install` too.

    Args:
        known: The processes that have a place in the page.
    """
    found: list[int] = []
    try:
        tasks = list(Path("/proc/self/task").iterdir())
        children = {int(pid) for task in tasks for pid in (task / "children").read_text().split()}
        mine = Path("/proc/self/exe").readlink()
    except (OSError, ValueError):
        return found
    for pid in sorted(children - known):
        try:
            line = Path(f"/proc/{pid}/cmdline").read_bytes()
            if Path(f"/proc/{pid}/exe").readlink() == mine and not any(
                word in line for word in (b"resource_tracker", b"forkserver", b"exuvia")
            ):
                found.append(pid)
        except OSError:
            continue
    return found


def _check(fields: tuple[int, ...]) -> int:
    return fnv(b"".join(field.to_bytes(8, "little") for field in fields)) | 1


def _started(pid: int) -> int:
    """When a process started, in ticks since boot; 0 where that is not told."""
    fields = _stat(pid)
    return int(fields[19]) if len(fields) > 19 else 0


def _zombie(pid: int) -> bool:
    return _stat(pid)[:1] == ["Z"]


def _stat(pid: int) -> list[str]:
    if not sys.platform.startswith("linux"):
        return []
    try:
        return Path(f"/proc/{pid}/stat").read_text(errors="replace").rpartition(")")[2].split()
    except OSError:
        return []


def _namespace() -> int:
    try:
        return Path("/proc/self/ns/pid").stat().st_ino
    except OSError:
        return 0
