"""The moult of this process: install, flip, status, uninstall."""

from __future__ import annotations

import atexit
import contextlib
import os
import sys
import threading
from typing import TYPE_CHECKING, Any

from exuvia.errors import MigrateError
from exuvia.migrate import config as configuration
from exuvia.migrate import fingerprint, imports
from exuvia.migrate.dispatch import units
from exuvia.migrate.evidence import reading, term
from exuvia.migrate.evidence.record import Record
from exuvia.migrate.evidence.redact import Redactor
from exuvia.migrate.evidence.segment import Segment
from exuvia.migrate.gates.verdict import UnitStatus
from exuvia.migrate.modes import guard, standing
from exuvia.migrate.modes import journal as modes
from exuvia.migrate.shadow import inside
from exuvia.migrate.shadow.courier import Courier

if TYPE_CHECKING:
    from exuvia.migrate.config import Config
    from exuvia.migrate.dispatch.units import ClassUnit, FunctionUnit

__all__ = ["install", "set_mode", "status", "uninstall"]

POLL_S = 1.0
FLUSH_S = 2.0
REHEARSAL_FLUSH_S = 60.0
TERM_FLUSH_S = 1.0
STOP_S = 2.0
SERVED = ("legacy", "shadow", "rust")


class _Runtime:
    """Everything that install has put in place.

    Args:
        config: The configuration.
    """

    def __init__(self, config: Config) -> None:
        self.config = config
        self.lock = threading.RLock()
        self.stop = threading.Event()
        redactor = Redactor(config.redact)
        records = {
            name: Record(name, self.write, self.sampling, redactor=redactor, record=unit.record)
            for name, unit in config.units.items()
        }
        self.courier = Courier(config, records, self.quarantine)
        self.units: dict[str, FunctionUnit | ClassUnit] = {
            name: units.make(config, unit, records[name], self.courier) for name, unit in config.units.items()
        }
        graph = imports.Graph()
        self.sources = {name: fingerprint.sources(unit, config.packages, graph) for name, unit in config.units.items()}
        self.fingerprints = {
            name: fingerprint.of_unit(config, unit, self.sources[name]) for name, unit in config.units.items()
        }
        self.record = {state.unit: state for state in reading.statuses(config, reading.read_folder(config.evidence))}
        self.standing: dict[str, list[str]] = {}
        self.muted = False
        self.told: set[str] = set()
        self.segment = Segment(
            config.evidence,
            {
                "rehearsal": config.rehearsal,
                "calendar": config.calendar,
                "config": str(config.path),
                "fingerprints": self.fingerprints,
                "sources": self.sources,
                "parts": {name: fingerprint.parts(config, unit) for name, unit in config.units.items()},
                "build": fingerprint.build(),
            },
            rotate=config.rotate,
            quota=config.quota,
            redact=config.redact,
        )
        self.said: modes.Journal = modes.Journal()
        self.stood: dict[str, tuple[str, Any]] = {}
        self.fallen: set[str] = set()
        self.guard = guard.Guard(config, self.fall)
        self.pid = os.getpid()
        self.thread: threading.Thread | None = None

    def write(self, line: dict[str, Any]) -> None:
        self.segment.write(line)

    def sampling(self) -> bool:
        return self.segment.sampling

    def quarantine(self, name: str, cause: str) -> None:
        """Take a unit back to legacy for good: in the journal first, then here.

        Args:
            name: The unit.
            cause: What its candidate did.
        """
        self.guard.quarantine(name, cause)

    def start(self) -> None:
        """Take up the modes that configuration and journal say, then watch the journal."""
        self.said = modes.read(self.config.evidence)
        try:
            for name, unit in self.units.items():
                self.flip(name, self.first_mode(name, unit.unit.mode), "install")
        except BaseException:
            self.put_back("install failed")
            self.segment.close()
            raise
        if not self.units:
            say(f"{self.config.path} declares no units: the program runs as it is")
        self.complain()
        self.guard.start()
        self.watch()

    def first_mode(self, name: str, ceiling: str) -> str:
        """Where file and journal put a unit; in rust only if no difference of this very code is on record."""
        place = standing.of_unit(self.config, self.said, name, ceiling)
        mode = place.mode
        self.stood[name] = self.stands(name)
        notes = [note for note in (self.said.held(name, ceiling) or place.why,) if note]
        if not self.config.rehearsal and mode not in ("legacy", "shadow"):
            stale = self.said.stale(name, self.fingerprints[name])
            mode, notes = ("shadow", [*notes, stale]) if stale else (mode, notes)
        if mode not in SERVED:
            notes.append(f"{mode} is not served by this build: shadow")
            mode = "shadow"
        if mode == "rust":
            state = self.record[name]
            if state.fingerprint != self.fingerprints[name]:
                state = UnitStatus(unit=name)
            allowed, note = reading.flip_allowed(state, self.said)
            mode = mode if allowed else "shadow"
            notes += [note] if note else []
        for note in notes:
            say(f"{name}: {note}")
        self.standing[name] = notes
        return mode

    def complain(self) -> None:
        """Say once that evidence cannot be written."""
        if self.segment.trouble is not None and not self.muted:
            self.muted = True
            say(f"{self.segment.trouble}; the program goes on, nothing more is compared")

    def watch(self) -> None:
        self.stop = threading.Event()
        self.thread = threading.Thread(target=self._poll, args=(self.stop,), name="exuvia-migrate", daemon=True)
        self.thread.start()

    def _poll(self, stop: threading.Event) -> None:
        while not stop.wait(POLL_S):
            for step in (self.follow_journal, self.settle, self.count, self.complain):
                try:
                    step()
                except Exception as error:
                    # Whatever fails, the next rollback must still be followed.
                    self.trouble(f"{type(error).__name__}: {error}")

    def trouble(self, what: str) -> None:
        """Put on record, and say once, what went wrong beside the program."""
        if what not in self.told:
            self.told.add(what)
            self.segment.write({"kind": "trouble", "what": "moult", "text": what})
            say(what)

    def follow_journal(self) -> None:
        """Take up what the journal says now and did not say before."""
        with self.lock:
            self.said = modes.read(self.config.evidence)
            for name, unit in self.units.items():
                before, now = self.stood.get(name), self.stands(name)
                # Compared with what it said before: a rehearsal may stand elsewhere by hand.
                wanted = now[0] if now[0] in SERVED else "shadow"
                try:
                    if now != before and wanted != unit.mode and name not in self.fallen:
                        self.flip(name, wanted, self.said.broken or "journal")
                    self.stood[name] = now
                except Exception as error:
                    # One unit that cannot move keeps no other from its rollback, and is tried again.
                    self.trouble(f"{name} stays in {unit.mode}, the journal says {wanted}: {error}")

    def stands(self, name: str) -> tuple[str, Any]:
        """Where configuration and journal put a unit, and which entry said so."""
        ceiling = "rust" if self.config.rehearsal else self.units[name].unit.mode
        entry = self.said.entries.get(name) or self.said.entries.get(modes.EVERY_UNIT, {})
        mode = self.said.effective(name, ceiling, self.config)
        if not self.config.rehearsal and self.said.stale(name, self.fingerprints[name]):
            mode = modes.lower(mode, "shadow")
        return mode, (entry.get("at"), entry.get("ns"))

    def fall(self, name: str, cause: str, *, lasting: bool) -> None:
        """Put a unit, or `*` for all, of this process into legacy at once.

        Args:
            name: The unit.
            cause: Why.
            lasting: Whether it stays there until a restart, since the journal could not be written.
        """
        with self.lock:
            for each in self.units if name == modes.EVERY_UNIT else [name]:
                if lasting:
                    self.fallen.add(each)
                try:
                    if self.units[each].mode != "legacy":
                        self.flip(each, "legacy", cause)
                except Exception as error:
                    self.trouble(f"{each} stays in {self.units[each].mode} ({cause}): {error}")
        say(f"{'every unit' if name == modes.EVERY_UNIT else name}: legacy: {cause}")

    def flip(self, name: str, mode: str, reason: str) -> None:
        with self.lock:
            unit = self.units[name]
            unit.flip(mode)
            unit.record.flipped()
            if reason != "install":
                self.standing.pop(name, None)
            self.segment.write({"kind": "mode", "unit": name, "mode": mode, "reason": reason})

    def settle(self) -> None:
        for unit in self.units.values():
            unit.settle()

    def count(self) -> None:
        counted = self.counters()
        self.segment.counters(counted)
        self.guard.look(counted)

    def put_back(self, reason: str) -> list[Exception]:
        """Give every unit its own code back, each whatever becomes of the others; return what failed."""
        errors: list[Exception] = []
        for name, unit in self.units.items():
            try:
                self.flip(name, "legacy", reason)
                unit.settle(leave=True)
            except Exception as error:
                errors.append(error)
        return errors

    def counters(self) -> dict[str, Any]:
        return {name: unit.record.counters(unit.mode) for name, unit in self.units.items()}

    def finish(self, flush_s: float | None = None) -> None:
        """Bring in the verdicts that are still out, and write the last counters."""
        if self.pid == os.getpid():
            if flush_s is None:
                flush_s = REHEARSAL_FLUSH_S if self.config.rehearsal else FLUSH_S
            self.courier.flush(flush_s)
            self.segment.counters(self.counters(), sync=True, ended=True)
            self.courier.stop(STOP_S)

    def after_fork(self) -> None:
        """A forked child counts for itself, in a file of its own."""
        self.pid = os.getpid()
        self.lock = threading.RLock()
        self.courier.after_fork()
        for unit in self.units.values():
            unit.record.rebase()
        self.segment.abandon()
        self.segment.open()
        self.guard.after_fork()
        self.watch()


_current: _Runtime | None = None
_hooked = False


def install(config: str | os.PathLike[str] | Config | None = None) -> list[UnitStatus]:
    """Put the moult in place for this process: call it at the top of the program.

    Args:
        config: `exuvia.toml`, else it is found: `EXUVIA_CONFIG`, beside `pyproject.toml`, this folder.

    Returns:
        The status of every unit.

    Raises:
        ConfigError: Naming file and line of what is unknown or forbidden; nothing was changed then.
        MigrateError: If a unit cannot be moved safely, or exuvia is installed already.
    """
    global _current  # noqa: PLW0603 - one moult a process
    if _current is not None:
        raise MigrateError(f"already installed from {_current.config.path}: call uninstall() first")
    if inside.is_worker():
        return []
    loaded = config if isinstance(config, configuration.Config) else configuration.load(config)
    runtime = _Runtime(loaded)
    runtime.start()
    _current = runtime
    _hook_process()
    return status()


def uninstall() -> None:
    """Put every unit back to legacy's own code, write the last counters and stop watching.

    Raises:
        MigrateError: If someone else has patched a unit since; every other unit is back all the same.
    """
    global _current
    runtime, _current = _current, None
    if runtime is None:
        return
    runtime.stop.set()
    runtime.guard.stop()
    if runtime.thread is not None and runtime.thread is not threading.current_thread():
        runtime.thread.join(timeout=5.0)
    runtime.finish()
    errors = runtime.put_back("uninstall")
    runtime.segment.close()
    if errors:
        raise errors[0]


def set_mode(unit: str, mode: str) -> None:
    """Flip one unit in this process; the next call follows. Raising a mode needs a rehearsal.

    In a rehearsal this goes above the file's mode too, and without a PASS: the evidence says who did it.

    Args:
        unit: The unit's name, as in the configuration.
        mode: `legacy`, `shadow` or `rust`.

    Raises:
        MigrateError: If nothing is installed, the unit or mode is unknown, or the step is not allowed.
    """
    runtime = _require()
    if unit not in runtime.units:
        raise MigrateError(f"unknown unit {unit!r}: one of {', '.join(runtime.units)}")
    if mode not in SERVED:
        raise MigrateError(f"unknown mode {mode!r}: one of {', '.join(SERVED)}")
    current = runtime.units[unit].mode
    if not runtime.config.rehearsal and modes.lower(mode, current) != mode:
        raise MigrateError(
            f"unit {unit!r} cannot go from {current} to {mode} by hand: only a rehearsal may, else promote it"
        )
    runtime.flip(unit, mode, "set_mode")


def status() -> list[UnitStatus]:
    """Return the status of every unit of this process, with the verdict on what was compared so far.

    Raises:
        MigrateError: If nothing is installed.
    """
    runtime = _require()
    runtime.courier.flush(1.0)
    states = []
    for name, unit in runtime.units.items():
        state = UnitStatus(unit=name, fingerprint=runtime.fingerprints[name], rehearsal=runtime.config.rehearsal)
        state.add(unit.record.counters(unit.mode))
        state.file = unit.unit.mode
        state.notes = [
            *runtime.standing.get(name, ()),
            *unit.notes,
            *runtime.courier.notes(name),
            *state.object_notes(),
        ]
        if runtime.segment.trouble is not None:
            state.notes.append(runtime.segment.trouble)
        if runtime.said.broken is not None:
            state.notes.append(runtime.said.broken)
        state.notes += inside.uncontained(unit.unit)
        states.append(state)
    return states


def say(text: str) -> None:
    """Write one line to standard error, if there is one.

    Args:
        text: The line.
    """
    with contextlib.suppress(OSError, ValueError, AttributeError):
        sys.stderr.write(f"exuvia: {text}\n")


def _require() -> _Runtime:
    if _current is None:
        raise MigrateError("exuvia.migrate is not installed in this process: call exuvia.migrate.install() first")
    return _current


def _hook_process() -> None:
    global _hooked  # noqa: PLW0603 - once a process
    if _hooked:
        return
    _hooked = True
    atexit.register(_at_exit)
    if hasattr(os, "register_at_fork"):
        os.register_at_fork(after_in_child=_in_child)
    term.hook(lambda: _at_exit(TERM_FLUSH_S))


def _at_exit(flush_s: float | None = None) -> None:
    if _current is not None:
        _current.stop.set()
        _current.finish(flush_s)
        if _current.pid == os.getpid():
            _current.segment.close()


def _in_child() -> None:
    if _current is not None:
        _current.after_fork()
