"""The moult of this process: install, flip, status, uninstall."""

from __future__ import annotations

import atexit
import contextlib
import functools
import hashlib
import os
import sys
import threading
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

from exuvia.errors import MigrateError
from exuvia.migrate import binary, fingerprint, imports
from exuvia.migrate import config as configuration
from exuvia.migrate.dispatch import foresight, page, serving, units
from exuvia.migrate.dispatch.control import Control
from exuvia.migrate.dispatch.hook import ImportWatch, origin
from exuvia.migrate.evidence import folder, reading, term
from exuvia.migrate.evidence.record import Record
from exuvia.migrate.evidence.redact import Redactor
from exuvia.migrate.evidence.segment import Segment
from exuvia.migrate.gates.verdict import UnitStatus
from exuvia.migrate.modes import guard, standing
from exuvia.migrate.modes import journal as modes
from exuvia.migrate.shadow import inside
from exuvia.migrate.shadow.courier import Courier

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from exuvia.migrate.config import Config, UnitConfig

__all__ = ["install", "set_mode", "status", "uninstall"]

TICK_S = 0.2
"""How often the poller looks at the control page."""
SECOND = 5
"""Ticks between two lines of counters, and two looks at the whole journal."""
FLUSH_S = 2.0
REHEARSAL_FLUSH_S = 60.0
TERM_FLUSH_S = 1.0
STOP_S = 2.0
TERM_STOP_S = 0.4
SERVED = ("legacy", "shadow", "canary", "rust")
DAY_NS = 86_400_000_000_000
TRIES = 20


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
        self.records = {
            name: Record(name, self.write, self.sampling, redactor=redactor, record=unit.record)
            for name, unit in config.units.items()
        }
        self.courier = Courier(config, self.records, self.quarantine)
        self.units: dict[str, units.Unit] = {}
        self.waiting: dict[str, int] = {}
        self.standing: dict[str, list[str]] = {name: [] for name in config.units}
        for name, unit in config.units.items():
            if unit.module in sys.modules:
                self.units[name] = units.make(config, unit, self.records[name], self.courier)
            else:
                foresight.refuse(config, unit)
                self.waiting[name] = 0
        self.hook = ImportWatch({config.units[name].module for name in self.waiting}, self.imported)
        binary.claim()
        graph = imports.Graph()
        self.sources = {name: fingerprint.sources(unit, config.packages, graph) for name, unit in config.units.items()}
        self.parts = {name: fingerprint.parts(config, unit) for name, unit in config.units.items()}
        self.fingerprints = {
            name: fingerprint.of_unit(config, unit, self.sources[name], self.parts[name])
            for name, unit in config.units.items()
        }
        self.wrong: str | None = None
        self.muted = False
        self.told: set[str] = set()
        self.raised: dict[str, str] = {}
        self.segment = Segment(
            config.evidence, self.header(), rotate=config.rotate, quota=config.quota, redact=config.redact
        )
        self.control = Control(config, fleet_build(config, self.sources))
        self.said: modes.Journal = modes.Journal()
        self.seen: tuple[int, ...] = ()
        self.stood: dict[str, tuple[str, Any]] = {}
        self.fallen: set[str] = set()
        self.guard = guard.Guard(config, self.fall)
        self.pending: dict[str, tuple[str, int, int]] = {}
        self.day = 0
        self.pid = os.getpid()
        self.counting = threading.Lock()
        self.ended = False
        self.thread: threading.Thread | None = None

    @functools.cached_property
    def record(self) -> dict[str, UnitStatus]:
        """What is on record of each unit as the process starts; read only where a unit is to serve in rust."""
        # Nothing is on record in this process's own file yet, and a fresh folder has no other.
        own = self.segment.path
        files = folder.segments(self.config.evidence)
        alone = all(own is not None and path.name == own.name for path in files)
        if alone and not folder.day_folders(self.config.evidence):
            return {}
        found = reading.read_folder(self.config.evidence)
        others = [segment for segment in found if segment.process != self.segment.process]
        if not others:
            return {}
        return {state.unit: state for state in reading.statuses(self.config, others)}

    def header(self) -> dict[str, Any]:
        """What the first line of the evidence says of this configuration."""
        return {
            "rehearsal": self.config.rehearsal,
            "calendar": self.config.calendar,
            "config": str(self.config.path),
            "fingerprints": self.fingerprints,
            "sources": self.sources,
            "parts": self.parts,
            "build": fingerprint.build(),
        }

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
        """Take up the modes that configuration and journal say, then watch page and journal."""
        self.control.open()
        for name, unit in self.units.items():
            self.control.attach(name, unit.switch)
        self.tell_day()
        words = {name: unit.switch.word for name, unit in self.units.items()}
        epoch = self.control.epoch
        self.seen = journal_stamp(self.config)
        self.said = modes.read(self.config.evidence)
        # One look at the others for all units.
        waits_for = functools.lru_cache(self.control.waits_for)
        try:
            for name in self.units:
                self.take_up(name, words[name], waits_for)
        except BaseException:
            self.put_back("install failed")
            self.control.close()
            self.segment.close()
            raise
        self.control.confirm(epoch)
        self.hook.start()
        if not self.config.units:
            say(f"{self.config.path} declares no units: the program runs as it is")
        self.complain()
        self.guard.start()
        self.watch()

    def take_up(self, name: str, word: int, waits_for: Callable[[int], str | None]) -> None:
        """Put a unit where file, journal and page put it as the process starts or the module is imported."""
        mode = self.first_mode(name, self.config.units[name].mode)
        cap = self.control.cap(name)
        if cap is not None:
            lower = modes.lower(mode, cap[0]) if self.control.broken is None else "legacy"
            if mode == lower != "legacy" and waits_for(cap[1]) is not None:
                # Others have not confirmed that epoch yet: this process climbs with them.
                self.pending[name] = mode, cap[1], word
                mode = "legacy"
            else:
                mode = lower
        elif self.control.broken is not None:
            mode = "legacy"
        self.flip(name, mode, "install", word)

    def imported(self, module: str) -> None:
        """Take up the units of a module that the program has just imported.

        A candidate may import legacy modules in turn, whose units come here before it is whole; they are
        tried again as soon as it is, before the program can make an object of theirs.
        """
        with self.lock:
            for name in [name for name in self.waiting if self.config.units[name].module == module]:
                if name in self.waiting:
                    self.join(name)
            self.arrivals()

    def join(self, name: str) -> None:
        """Make a unit whose module came after install; what is wrong with it is said, and legacy serves."""
        unit = self.config.units[name]
        try:
            made = units.make(self.config, unit, self.records[name], self.courier)
            self.control.attach(name, made.switch)
            self.units[name] = made
            self.sources[name] = fingerprint.sources(unit, self.config.packages)
            now = fingerprint.of_unit(self.config, unit, self.sources[name])
            if now != self.fingerprints[name]:
                # What the module names comes from elsewhere: that could not be known before the import.
                self.fingerprints[name] = now
                self.segment.header = self.header()
                self.segment.write({"kind": "unit", "unit": name, "fingerprint": now, "sources": self.sources[name]})
            made.switch.set_day(self.day)
            self.take_up(name, made.switch.word, self.control.waits_for)
        except Exception as error:
            self.waiting[name] += 1
            if self.waiting[name] < TRIES and name not in self.units:
                self.standing[name] = [f"legacy serves, not taken up yet: {error}"]
                return
            self.standing[name] = [f"legacy: {error}"]
            say(f"{name}: legacy serves: {error}")
        self.waiting.pop(name, None)

    def first_mode(self, name: str, ceiling: str) -> str:
        """Where file and journal put a unit; in rust only if no difference of this very code is on record."""
        place = standing.of_unit(self.config, self.said, name, ceiling)
        mode = place.mode if place.mode in SERVED else "rust"
        self.stood[name] = self.stands(name)
        notes = [note for note in (standing.note(self.config, self.said, name, ceiling),) if note]
        if not self.config.rehearsal and mode not in ("legacy", "shadow"):
            stale = self.said.stale(name, self.fingerprints[name])
            mode, notes = ("shadow", [*notes, stale]) if stale else (mode, notes)
        if mode == "rust":
            state = self.record.get(name)
            if state is None or state.fingerprint != self.fingerprints[name]:
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
        ticks = 0
        while not stop.wait(TICK_S):
            ticks += 1
            whole = ticks % SECOND == 0
            steps = (self.arrivals, self.settle, self.count, self.complain, self.look) if whole else ()
            # The file is hashed before any counters are written: nothing counts for an F that is only claimed.
            for step in (self.verify, functools.partial(self.follow, whole=whole), *steps):
                try:
                    step()
                except Exception as error:
                    # Whatever fails, the next rollback must still be followed.
                    self.trouble(f"{type(error).__name__}: {error}")

    def verify(self) -> None:
        """Hash the extension, whose digest F has from RECORD until then; if that lied, F is another from here on."""
        self.wrong = self.wrong or binary.verify()
        if self.wrong is None or self.wrong in self.told:
            return
        with self.lock:
            self.parts = {name: fingerprint.parts(self.config, unit) for name, unit in self.config.units.items()}
            self.fingerprints = {
                name: fingerprint.of_unit(self.config, unit, self.sources[name], self.parts[name])
                for name, unit in self.config.units.items()
            }
            self.segment.header = self.header()
            build = fingerprint.build()
            for name, now in self.fingerprints.items():
                line = {"kind": "unit", "unit": name, "fingerprint": now, "sources": self.sources[name]}
                self.segment.write({**line, "parts": self.parts[name], "build": build})
            self.control.rebuild(fleet_build(self.config, self.sources))
            # What the journal promoted is looked at again, at once: it was promoted as another F.
            self.seen = ()
            self.trouble(self.wrong)

    def look(self) -> None:
        """Say once that the extension on the disk is not the one that runs."""
        wrong = binary.exchanged()
        if wrong is not None:
            self.trouble(wrong)

    def trouble(self, what: str, unit: str = "") -> None:
        """Put on record, and say once, what went wrong beside the program: to one unit alone, where it is named."""
        if what not in self.told:
            self.told.add(what)
            about = {"unit": unit} if unit else {}
            self.segment.write({"kind": "trouble", **about, "what": "moult", "text": what})
            say(what)

    def arrivals(self) -> None:
        """Take up units whose module came in by another way than an import, as the program's own main."""
        for name in list(self.waiting):
            spec = getattr(sys.modules.get(self.config.units[name].module), "__spec__", None)
            if self.config.units[name].module in sys.modules and not getattr(spec, "_initializing", False):
                with self.lock:
                    self.join(name)

    def follow(self, *, whole: bool = True) -> None:
        """Take up what page and journal say now and did not say before."""
        with self.lock:
            self.tell_day()
            stamp = journal_stamp(self.config)
            if stamp != self.seen:
                page.publish(self.config)
            whole |= self.control.check()
            epoch = self.control.epoch
            words = {name: unit.switch.word for name, unit in self.units.items()}
            if whole or stamp != self.seen or any(unit.switch.unsettled for unit in self.units.values()):
                self.seen = stamp
                self.said = modes.read(self.config.evidence)
                for name, unit in self.units.items():
                    try:
                        self._follow(name, words[name])
                    except Exception as error:
                        # One unit that cannot move keeps no other from its rollback, and is tried again.
                        stood = self.stood.pop(name)
                        self.trouble(f"{name} stays in {unit.mode}, the journal says {stood[0]}: {error}", name)
            self.climb()
            self.control.confirm(epoch)

    def _follow(self, name: str, word: int) -> None:
        unit = self.units[name]
        if self.control.broken is not None:
            self.pending.pop(name, None)
            if unit.mode != "legacy":
                self.flip(name, "legacy", self.control.broken, word)
            return
        before, now = self.stood.get(name), self.stands(name)
        self.stood[name] = now
        # Compared with what it said before: a rehearsal may stand elsewhere by hand.
        if (now == before and not unit.switch.unsettled) or name in self.fallen:
            return
        cap = self.control.cap(name)
        wanted = now[0] if now[0] in SERVED else "rust"
        if cap is not None:
            wanted = modes.lower(wanted, cap[0])
        self.pending.pop(name, None)
        if wanted != unit.mode and modes.lower(wanted, unit.mode) == unit.mode and cap is not None:
            # A climb: only once every process has seen this epoch. The call path stays lowered until then.
            self.pending[name] = wanted, cap[1], word
        elif wanted != unit.mode:
            self.flip(name, wanted, self.said.broken or "journal", word)
        else:
            unit.switch.set_mode(wanted, word)

    def stands(self, name: str) -> tuple[str, Any]:
        """Where configuration and journal put a unit, and which entry said so."""
        ceiling = "rust" if self.config.rehearsal else self.config.units[name].mode
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
            for each in list(self.units) if name == modes.EVERY_UNIT else [name]:
                if lasting:
                    self.fallen.add(each)
                self.pending.pop(each, None)
                try:
                    if each in self.units and self.units[each].mode != "legacy":
                        self.flip(each, "legacy", cause)
                except Exception as error:
                    self.trouble(f"{each} stays in {self.units[each].mode} ({cause}): {error}", each)
        say(f"{'every unit' if name == modes.EVERY_UNIT else name}: legacy: {cause}")

    def climb(self) -> None:
        """Flip what waits for an epoch that every live process has confirmed by now."""
        waits = {epoch: self.control.waits_for(epoch) for _, epoch, _ in self.pending.values()}
        for name, (mode, epoch, word) in list(self.pending.items()):
            note = waits[epoch]
            if note is None:
                del self.pending[name]
                self.flip(name, mode, "journal", word)
            else:
                self.standing[name] = [f"{mode} is promised: {note}"]

    def tell_day(self) -> None:
        """Tell the switches which day it is, in UTC: caps count by it."""
        self.day = time.time_ns() // DAY_NS
        for unit in self.units.values():
            unit.switch.set_day(self.day)

    def flip(self, name: str, mode: str, reason: str, word: int | None = None) -> None:
        with self.lock:
            unit = self.units[name]
            unit.flip(mode, word)
            unit.record.flipped()
            if reason != "install":
                self.standing[name] = []
            line = {"kind": "mode", "unit": name, "mode": mode, "reason": reason}
            self.segment.write(line, sync=reason not in ("install", "uninstall"))

    def settle(self) -> None:
        for name, unit in list(self.units.items()):
            try:
                unit.settle()
                self.rescued(name, unit)
                if self.segment.trouble is not None and unit.mode == "canary":
                    self.flip(name, "legacy", "a canary without evidence")
            except Exception as error:
                # One unit that cannot be looked after keeps no other from it.
                self.trouble(f"{name}: {type(error).__name__}: {error}", name)

    def rescued(self, name: str, unit: units.Unit) -> None:
        """Put on record what the candidate raised where it served, and say so once."""
        for text in unit.switch.troubles():
            self.raised[name] = text
            self.segment.write({"kind": "trouble", "unit": name, "what": "fallback", "text": text})
        if name in self.raised and unit.switch.counts()["answered"]:
            what = f"{name}: the candidate raised and legacy answered: {self.raised.pop(name)}"
            if name not in self.told:
                self.told.add(name)
                say(f"{what}; this is said once, exuvia status counts it")

    def count(self) -> None:
        with self.counting:
            if self.ended:
                return
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
        return {
            name: self.records[name].counters(self.units[name].mode if name in self.units else "legacy")
            for name in self.config.units
        }

    def finish(self, flush_s: float | None = None, stop_s: float = STOP_S) -> None:
        """Bring in the verdicts that are still out, count those that do not come, and write the last counters.

        Args:
            flush_s: Seconds to wait for verdicts.
            stop_s: Seconds to wait for the courier to let go of the rest.
        """
        if self.pid != os.getpid() or self.ended:
            return
        if flush_s is None:
            flush_s = REHEARSAL_FLUSH_S if self.config.rehearsal else FLUSH_S
        for name, unit in list(self.units.items()):
            self.rescued(name, unit)
        try:
            self.verify()
        except Exception as error:
            self.trouble(f"{type(error).__name__}: {error}")
        self.courier.flush(flush_s)
        # Before the last counters: what is let go here is in them as dropped.
        self.courier.let_go(stop_s)
        # The poller's counters are of a moment ago and must not come after the last ones.
        held = self.counting.acquire(timeout=stop_s)
        try:
            self.ended = True
            self.segment.counters(self.counters(), sync=True, ended=True)
        finally:
            if held:
                self.counting.release()
        self.courier.stop(stop_s)

    def after_fork(self) -> None:
        """A forked child counts for itself, in a file of its own, and has a place of its own in the fleet."""
        self.pid = os.getpid()
        binary.after_fork()
        self.lock, self.counting = threading.RLock(), threading.Lock()
        self.ended = False
        self.courier.after_fork()
        for record in self.records.values():
            record.rebase()
        self.segment.abandon()
        self.segment.open()
        self.control.after_fork()
        self.guard.after_fork()
        self.watch()


def journal_stamp(config: Config) -> tuple[int, ...]:
    """What changes whenever the journal, or a kill file, does."""
    stamp: list[int] = []
    for path in (config.evidence / modes.JOURNAL, config.kill_file):
        try:
            held = None if path is None else path.stat()
        except OSError:
            held = None
        stamp += (0, 0, 0) if held is None else (held.st_size, held.st_mtime_ns, held.st_ino)
    return tuple(stamp)


def fleet_build(config: Config, sources: Mapping[str, Mapping[str, str]]) -> int:
    """A hash of what must be the same in all processes of one fleet, whatever they have imported."""
    build = fingerprint.build()
    parts = [build["sha256"], build["build_id"], sys.version]
    files: dict[str, Path | None] = {}
    for name, unit in config.units.items():
        parts += [name, unit.candidate, repr(unit.compare), *sorted(named(unit, sources[name], files))]
    # The page's own hash takes a step of Python a byte.
    return int.from_bytes(hashlib.sha256("\0".join(parts).encode()).digest()[:8], "little")


def named(unit: UnitConfig, sources: Mapping[str, str], files: dict[str, Path | None]) -> list[str]:
    """The digests of the files of the two modules that a unit names; `files` keeps where modules come from."""
    found = []
    for name in (unit.name, unit.candidate):
        module = name.partition(":")[0]
        if module not in files:
            path = Path(origin(module) or "")
            files[module] = path.absolute() if path.is_file() else None
        file = files[module]
        if file is not None:
            found.append(sources.get(str(file)) or hashlib.sha256(file.read_bytes()).hexdigest())
    return found


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
    runtime.hook.stop()
    errors = runtime.put_back("uninstall")
    runtime.control.close()
    runtime.segment.close()
    if errors:
        raise errors[0]


def set_mode(unit: str, mode: str) -> None:
    """Flip one unit in this process; the next call follows. Raising a mode needs a rehearsal.

    In a rehearsal this goes above the file's mode too, and without a PASS: the evidence says who did it.

    Args:
        unit: The unit's name, as in the configuration.
        mode: `legacy`, `shadow`, `canary` or `rust`.

    Raises:
        MigrateError: If nothing is installed, the unit or mode is unknown, or the step is not allowed.
    """
    runtime = _require()
    if unit not in runtime.config.units:
        raise MigrateError(f"unknown unit {unit!r}: one of {', '.join(runtime.config.units)}")
    if unit not in runtime.units:
        raise MigrateError(f"unit {unit!r} waits for its module to be imported: it follows the mode journal then")
    if mode not in SERVED:
        raise MigrateError(f"unknown mode {mode!r}: one of {', '.join(SERVED)}")
    if mode == "canary" and runtime.config.units[unit].key is None:
        raise MigrateError(f'unit {unit!r} declares no key, which a canary needs: key = "$args.account"')
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
    shared = runtime.control.notes()
    states = []
    for name, declared in runtime.config.units.items():
        unit = runtime.units.get(name)
        state = UnitStatus(unit=name, fingerprint=runtime.fingerprints[name], rehearsal=runtime.config.rehearsal)
        state.add(runtime.records[name].counters(standing_of(unit)))
        state.file = declared.mode
        late = [f"{declared.module} is not imported yet"] if name in runtime.waiting else []
        own = [] if unit is None else unit.notes
        state.notes = [
            *runtime.standing[name],
            *late,
            *own,
            *runtime.courier.notes(name),
            *state.object_notes(),
            *serving.notes(declared, state),
            *shared,
        ]
        if runtime.segment.trouble is not None:
            state.notes.append(runtime.segment.trouble)
        if runtime.said.broken is not None:
            state.notes.append(runtime.said.broken)
        state.notes += inside.uncontained(declared)
        states.append(state)
    return states


def standing_of(unit: units.Unit | None) -> str:
    """Where a unit stands: as it was flipped last, or lower if the control page has changed since."""
    if unit is None:
        return "legacy"
    return unit.switch.mode if unit.switch.unsettled else unit.mode


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
    term.hook(lambda: _at_exit(TERM_FLUSH_S, TERM_STOP_S))


def _at_exit(flush_s: float | None = None, stop_s: float = STOP_S) -> None:
    if _current is not None:
        _current.stop.set()
        _current.finish(flush_s, stop_s)
        if _current.pid == os.getpid():
            _current.segment.close()


def _in_child() -> None:
    if _current is not None:
        _current.after_fork()
