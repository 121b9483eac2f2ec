"""This process's evidence: an append-only file of checked frames, 0600, that no other process writes.

A difference is forced to the disk before the call returns; counters follow every second, one write for all
that there is to say. What cannot be written stops the sampling and is counted: the trading program is not touched.
"""

from __future__ import annotations

import contextlib
import hashlib
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from exuvia import _exuvia
from exuvia.errors import MigrateError
from exuvia.migrate.descriptor import Held
from exuvia.migrate.evidence import folder as folders
from exuvia.migrate.evidence import header as headers
from exuvia.migrate.evidence import members, unwritten
from exuvia.migrate.evidence import quota as quotas
from exuvia.migrate.evidence.chain import GENESIS
from exuvia.migrate.evidence.redact import Redactor
from exuvia.migrate.evidence.watch import Watch
from exuvia.migrate.own import json, os, threading, time

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

__all__ = ["FORMAT", "Segment"]

FORMAT = 2
MIB = 1024 * 1024
SYNCED = ("mode", "mismatch", "trouble", "end", "seal")
BATCH = 256 * 1024
BEAT_S = 10.0
QUOTA_S = 10.0
RESERVE = MIB
"""What counters may take beyond the quota."""
WRITABLE, MUTED = 0o600, 0o400
"""Modes of a file; one whose last line could not be written is read-only: a full disk still takes that mark."""
TOLD = 2
"""Counters after which all that was lost is in their sums: the first may have been taken before the loss."""


class Segment:
    """This process's evidence, over one file after the other.

    Args:
        folder: The evidence folder, made 0700 if it is missing.
        header: What the first line says besides host, process and start.
        rotate: Bytes after which the next file is begun; it is begun at midnight UTC too.
        quota: Bytes that the folder may take.
        redact: Names of fields, besides the usual ones, whose values are not written.
    """

    def __init__(
        self,
        folder: Path,
        header: dict[str, Any],
        *,
        rotate: int = 64 * MIB,
        quota: int = 2048 * MIB,
        redact: Iterable[str] = (),
    ) -> None:
        self.folder = folder
        self.header = header
        self.rotate = rotate
        self.quota = quota
        self.redactor = Redactor(redact)
        self.path: Path | None = None
        self.trouble: str | None = None
        self.open()

    def open(self) -> None:
        """Begin as a new process: a file of its own; a folder that cannot be written is counted, not raised."""
        self._lock = threading.RLock()
        self._descriptor: Held | None = None
        self._pending: list[bytes] = []
        self._waiting = 0
        self._said: dict[str, Any] = {}
        self._sessions: dict[tuple[str, str], Any] = {}
        self._wrote = self._checked = self._session_at = time.monotonic()
        self._stopped: tuple[int, str] | None = None
        self._full: str | None = None
        self._able = self._fresh = False
        self._closed = False
        self._muted = 0
        self._aside = False
        self._real = unwritten.real(self.folder)
        self._pid = os.getpid()
        self._number = 0
        self._previous = GENESIS
        self.lost = 0
        self.watch = Watch()
        self._started = time.time_ns()
        self.process = f"{self._started}-{_safe(headers.machine()['host'])}-{self._pid}"
        try:
            held = folders.open_folder(self.folder)
            if held is not None:
                os.close(held)
            self._next()
        except OSError as error:
            self._stop(error)
        except Exception as error:
            self._stop(OSError(f"{type(error).__name__}: {error}"))

    @property
    def sampling(self) -> bool:
        """Whether what is observed can still be kept."""
        return self._able and self._full is None

    def write(self, line: dict[str, Any], *, sync: bool | None = None) -> None:
        """Append one line; it never raises.

        Args:
            line: What it says; `kind` says what it is.
            sync: Whether it is forced to the disk before this returns; by its kind if it is not said.
        """
        try:
            self._own()
            with self._lock:
                if self._descriptor is None:
                    self.lost += 1
                    return
                self._add(line)
                if sync or (sync is None and line["kind"] in SYNCED) or self._waiting > BATCH:
                    self._commit(sync=sync is not False)
        except Exception as error:
            self._stop(OSError(f"{type(error).__name__}: {error}"))

    def counters(self, units: dict[str, Any], *, sync: bool = False, ended: bool = False) -> None:
        """Append counters that changed, or a heartbeat, and look after the file; it never raises.

        Args:
            units: Counters by unit, as `Record.counters` returns them.
            sync: Whether it is forced to the disk.
            ended: Whether the process ends here.
        """
        try:
            self._own()
            with self._lock:
                if self._closed:
                    self.lost += 1
                    return
                self._look_after()
                self._count(units, sync=sync or ended, ended=ended)
        except Exception as error:
            self._stop(error if isinstance(error, OSError) else OSError(f"{type(error).__name__}: {error}"))

    def _count(self, units: dict[str, Any], *, sync: bool, ended: bool) -> None:
        plain = {name: {key: of for key, of in unit.items() if key != "sessions"} for name, unit in units.items()}
        said = {"units": plain, "lost": self.lost, "sampling": self.sampling}
        now = time.monotonic()
        if self._descriptor is None:
            return
        for what, text in self.watch.tick():
            self._add({"kind": "trouble", "what": what, "text": text})
        if said != self._said or sync:
            self._add({"kind": "counters", **said, **({"ended": True} if ended else {})})
            self._said = said
        elif now - self._wrote >= BEAT_S:
            self._add({"kind": "beat"})
        due = sync or now - self._session_at >= BEAT_S
        self._session_at = now if due else self._session_at
        for name, unit in units.items():
            for day, session in unit.get("sessions", {}).items():
                known = self._sessions.get((name, day))
                # The first word on a day does not wait: a process may live for seconds only.
                if known is None or (due and known != session):
                    self._sessions[name, day] = session
                    self._add({"kind": "session", "unit": name, "day": day, **session})
        if ended:
            self._add({"kind": "end"})
        if self._pending:
            self._commit(sync=sync or self._fresh)
        if self._muted and self._stopped is None:
            self._muted -= 1
            if not self._muted:
                self._mark(WRITABLE)
        if self._aside and not self._muted and self._stopped is None:
            self._aside = False
            unwritten.told(self._real, self.process)

    def close(self) -> None:
        """Seal and close the file: what comes after is lost and counted."""
        with contextlib.suppress(Exception):
            self._own()
        with self._lock:
            if not self._closed and self._descriptor is not None:
                try:
                    self._seal()
                except Exception as error:
                    self._stop(OSError(f"{type(error).__name__}: {error}"))
            self._closed, self._able = True, False
            self._let_go()

    def abandon(self) -> None:
        """Let go of a file that belongs to the parent process."""
        self._lock = threading.RLock()
        self._pending = []
        self._waiting = 0
        self._let_go()
        self._able = False
        self.lost = 0
        self.trouble = None
        self.trouble = None

    def _own(self) -> None:
        """In a child that no handler told of the fork: a file of its own."""
        if self._pid != os.getpid():
            self.abandon()
            self.open()

    def _add(self, line: dict[str, Any]) -> None:
        said = self.redactor.line(line)
        ordered: dict[str, Any] = {name: said[name] for name in ("kind", "unit", "day") if name in said}
        ordered = {**ordered, "at": time.time_ns(), **said}
        data = _ENCODER.encode(ordered).encode()
        self._pending.append(data)
        self._waiting += len(data)

    def _commit(self, *, sync: bool) -> None:
        """Write what waits in one call."""
        pending, self._pending, self._waiting = self._pending, [], 0
        if self._descriptor is None:
            self.lost += len(pending)
            return
        try:
            data = _exuvia.evidence_frames(pending)
        except MigrateError as error:
            self.lost += len(pending) - 1
            self._stop(OSError(str(error)))
            return
        try:
            if self._descriptor.lost:
                self._go_on(pending)
                return
            written = os.write(self._descriptor.number(), data)
            if written != len(data):
                with contextlib.suppress(OSError):
                    os.ftruncate(self._descriptor.number(), self._size)
                raise OSError(f"only {written} of {len(data)} bytes fitted: is the disk full?")
            self._size += len(data)
            self._frames += len(pending)
            self._hash.update(data)
            self._wrote = time.monotonic()
            if sync:
                os.fsync(self._descriptor.number())
                if self._fresh:
                    folders.sync_folder(self.folder)
                    self._fresh = False
        except OSError as error:
            self.lost += len(pending) - 1
            self._stop(error)

    def _go_on(self, pending: list[bytes]) -> None:
        """Write in a new file what the program's closing of this one kept out of it."""
        text = f"the program closed {self.path}, as daemons close what is open: it has no end, the next one goes on"
        self._let_go()
        self._next()
        self._add({"kind": "trouble", "what": "closed", "text": text})
        self._pending += pending
        self._waiting += sum(map(len, pending))
        self._commit(sync=True)

    def _look_after(self) -> None:
        """Once a second: is the file still there, is there room, is it time for the next one?"""
        now = time.monotonic()
        if self._descriptor is not None and self._descriptor.lost:
            self._go_on([])
        if self._descriptor is not None and not self._is_in_place():
            self._let_go()
            self._stop(OSError(f"{self.path} is gone: someone removed it, or the folder"))
        if self._stopped is not None or self._descriptor is None:
            self._resume()
        if self._descriptor is None:
            return
        if now - self._checked >= QUOTA_S or self._full is not None:
            self._checked = now
            self._mind_quota()
        if self._size >= self.rotate or _day(time.time_ns()) != _day(self._began):
            self._seal()
            self._let_go()
            self._next()

    def _is_in_place(self) -> bool:
        if self.path is None or self._descriptor is None or os.name != "posix":
            return True
        try:
            named, held = self.path.lstat(), os.fstat(self._descriptor.number())
        except OSError:
            return False
        return (named.st_ino, named.st_dev) == (held.st_ino, held.st_dev) or not _is_plain(held.st_mode)

    def _mind_quota(self) -> None:
        room = quotas.make_room(self.folder, self.quota)
        if room < 0 and self._full is None:
            taken = self.quota - room
            self._full = (
                f"evidence takes {taken:,} bytes of a quota of {self.quota:,}, and what is left is not compacted: "
                "run exuvia compact, or raise quota in exuvia.toml"
            )
            self.trouble = f"evidence stopped: {self._full}"
            self._add({"kind": "trouble", "what": "quota", "text": self._full})
        elif room >= 0 and self._full is not None:
            self._full = None
            self._add({"kind": "trouble", "what": "resumed", "text": "there is room again: sampling goes on"})
        if room < -RESERVE:
            raise OSError(f"the quota of {self.quota:,} bytes is passed by more than {RESERVE:,}")

    def _resume(self) -> None:
        """Try to write again after the disk refused; what was missed is put on record."""
        since, why = self._stopped or (time.time_ns(), "")
        if self._descriptor is None:
            self._next()
        self._stopped, self._able = None, True
        text = f"nothing was kept from {_iso(since)} on: {why}"
        self._add({"kind": "trouble", "what": "stopped", "since": since, "text": text, "lost": self.lost})
        self._commit(sync=True)

    def _next(self) -> None:
        """Begin the next file."""
        began = time.time_ns()
        name = f"{self.process}-{self._number}{folders.SUFFIX}"
        descriptor = folders.create(self.folder, name)
        self._descriptor, self.path, self._began = Held(descriptor), self.folder / name, began
        with contextlib.suppress(OSError):
            # A full disk shows at the first line; what is not on the list is only not missed.
            members.enter(self.folder, name)
        self._able = self._fresh = True
        self._number += 1
        self._muted = 0
        self._size = self._frames = 0
        self._hash = hashlib.sha256()
        self._said = {}
        self._add(
            {
                "kind": "header",
                "format": FORMAT,
                **headers.facts(began),
                "started": _iso(began),
                "process": self.process,
                "number": self._number - 1,
                "previous": self._previous,
                "epoch": 0,
                **self.header,
            }
        )
        # Written at once; name and header are forced to the disk with the first line that must last, or the
        # first counters: the program's start does not wait for the disk.
        self._commit(sync=False)

    def _seal(self) -> None:
        """Say in the last frame what the file held: whoever changes a sealed file is seen."""
        if self._pending:
            self._commit(sync=False)
        digest = self._hash.hexdigest()
        self._add({"kind": "seal", "digest": digest, "bytes": self._size, "frames": self._frames})
        self._commit(sync=True)
        self._previous = digest

    def _let_go(self) -> None:
        descriptor, self._descriptor = self._descriptor, None
        if descriptor is not None:
            descriptor.close()

    def _stop(self, error: OSError) -> None:
        """Stop sampling: the disk is full, read-only or gone. Each second it is tried again."""
        self._pending, self._waiting = [], 0
        self.lost += 1
        self._able = False
        if self._stopped is None:
            self._stopped = (time.time_ns(), str(error))
            self.trouble = f"evidence stopped: {error}"
        if self._muted < TOLD:
            self._muted = TOLD
            if not self._mark(MUTED) and not self._aside:
                self._aside = unwritten.mark(self._real, self.process, self._stopped[0], str(error))

    def _mark(self, mode: int) -> bool:
        """Say by the file's mode whether what was lost is told by now; nothing else can be said on a full disk.

        A disk that is read-only or gone does not take that either.
        """
        with contextlib.suppress(OSError, AttributeError):
            if self._descriptor is not None and not self._descriptor.lost:
                os.fchmod(self._descriptor.number(), mode)
                return True
        return False


_ENCODER = json.JSONEncoder(default=str, separators=(",", ":"))


def _safe(host: str) -> str:
    return "".join(letter if letter.isalnum() or letter == "." else "_" for letter in host)[:40]


def _day(at_ns: int) -> int:
    return at_ns // 86_400_000_000_000


def _iso(at_ns: int) -> str:
    return datetime.fromtimestamp(at_ns / 1e9, UTC).isoformat()


def _is_plain(mode: int) -> bool:
    return (mode & 0o170000) == 0o100000
