"""What install puts in place in this process, and what looks after it each second until the end."""

from __future__ import annotations

import contextlib
import functools
import hashlib
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

from exuvia.errors import ConfigError
from exuvia.migrate import binary, fingerprint, imports
from exuvia.migrate.background import Background, forget
from exuvia.migrate.children import Children
from exuvia.migrate.dispatch import foresight, units
from exuvia.migrate.dispatch.control import Control
from exuvia.migrate.dispatch.hook import ImportWatch, origin
from exuvia.migrate.evidence import aside
from exuvia.migrate.evidence.record import Record
from exuvia.migrate.evidence.redact import Redactor
from exuvia.migrate.evidence.segment import Segment
from exuvia.migrate.modes import guard
from exuvia.migrate.modes import journal as modes
from exuvia.migrate.moving import Moving, journal_stamp, say
from exuvia.migrate.own import os, threading
from exuvia.migrate.shadow import pickling
from exuvia.migrate.shadow.courier import Courier

if TYPE_CHECKING:
    from collections.abc import Mapping

    from exuvia.migrate.config import Config, UnitConfig

__all__ = ["Installed"]

TICK_S = 0.2
"""How often the poller looks at the control page."""
SECOND = 5
"""Ticks between two lines of counters, and two looks at the whole journal."""
FLUSH_S = 2.0
REHEARSAL_FLUSH_S = 60.0
TERM_FLUSH_S = 1.0
STOP_S = 2.0
NO_ENDPOINTS = 'name every URL that the program talks to, endpoints = ["http://127.0.0.1:8080"]: all must be loopback'
TERM_STOP_S = 0.4


class Installed(Moving):
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
        pickling.own_packages([*config.packages, *(unit.module for unit in config.units.values())])
        for name, record in self.records.items():
            record.pickling = config.units[name].pickling
        self.courier = Courier(config, self.records, self.quarantine)
        self.units: dict[str, units.Unit] = {}
        self.waiting: dict[str, int] = {}
        self.standing: dict[str, list[str]] = {name: [] for name in config.units}
        self.refused: dict[str, str] = {}
        for name, unit in config.units.items():
            try:
                if unit.module in sys.modules:
                    self.units[name] = units.make(config, unit, self.records[name], self.courier)
                else:
                    foresight.refuse(config, unit)
                    self.waiting[name] = 0
            except ConfigError as error:
                if modes.read(config.evidence).effective(name, unit.mode, config) != "legacy":
                    raise
                # Legacy serves it anyway: a candidate that is still to be written keeps no program from starting.
                self.refused[name] = f"legacy serves, not taken up: {error}"
                self.standing[name] = [self.refused[name]]
                say(f"WARNING: {name}: {self.refused[name]}")
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
            aside.written_to(config.evidence),
            self.header(),
            rotate=config.rotate,
            quota=config.quota,
            redact=config.redact,
        )
        self.children = Children(
            config, lambda: self.segment.process, functools.partial(self.segment.write, sync=False)
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
        self.thread: Background | None = None

    def write(self, line: dict[str, Any]) -> None:
        """Take a line of evidence."""
        self.segment.write(line)

    def sampling(self) -> bool:
        """Say whether evidence can be written."""
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
        self.children.start()
        if not self.config.units:
            say(f"{self.config.path} declares no units: the program runs as it is")
        if self.config.rehearsal and self.config.units and not self.config.endpoints:
            say(f"WARNING: REHEARSAL: {self.config.path} names no endpoints, so nothing was checked: {NO_ENDPOINTS}")
        self.complain()
        self.guard.start()
        self.watch()

    def complain(self) -> None:
        """Say once that evidence cannot be written."""
        if self.segment.trouble is not None and not self.muted:
            self.muted = True
            say(f"{self.segment.trouble}; the program goes on, nothing more is compared")

    def watch(self) -> None:
        """Start the thread that looks after all of this."""
        self.stop = threading.Event()
        self.thread = Background(functools.partial(self._poll, self.stop))

    def _poll(self, stop: threading.Event) -> None:
        ticks = 0
        while not stop.wait(TICK_S):
            ticks += 1
            whole = ticks % SECOND == 0
            steps = (self.arrivals, self.settle, self.count, self.complain, self.look) if whole else (self.accuse,)
            # The file is hashed before any counters are written: nothing counts for an F that is only claimed.
            for step in (self.verify, functools.partial(self.follow, whole=whole), self.control.settle, *steps):
                try:
                    step()
                except Exception as error:
                    # Whatever fails, the next rollback must still be followed.
                    self.trouble(f"{type(error).__name__}: {error}")
            forget()

    def verify(self) -> None:
        """Hash the extension, whose digest F has from RECORD until then; if that lied, F is another from here on."""
        wrong = self.wrong or binary.verify()
        if wrong is None or wrong in self.told:
            return
        # Only here: a second thread, whose look comes too late to find it, must not take it back.
        self.wrong = wrong
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
            self.trouble(wrong)

    def look(self) -> None:
        """Say once that the extension on the disk is not the one that runs."""
        wrong = binary.exchanged()
        if wrong is not None:
            self.trouble(wrong)

    def settle(self) -> None:
        """Look after each unit: its caches, what its candidate raised, a canary that nobody can see."""
        for name, unit in list(self.units.items()):
            try:
                unit.settle()
                self.rescued(name, unit)
                self.displaced(name, unit)
                if self.segment.trouble is not None and unit.mode == "canary":
                    self.flip(name, "legacy", "a canary without evidence")
            except Exception as error:
                # One unit that cannot be looked after keeps no other from it.
                self.trouble(f"{name}: {type(error).__name__}: {error}", name)

    def rescued(self, name: str, unit: units.Unit) -> bool:
        """Put on record what the candidate raised where it served, and say so once; return whether legacy took over."""
        for text in unit.switch.troubles():
            self.raised[name] = text
            self.segment.write({"kind": "trouble", "unit": name, "what": "fallback", "text": text})
        fell = unit.switch.fell()
        if fell is not None:
            # The guard says it, as the cause.
            self.guard.fell[name] = fell
            self.raised.pop(name, None)
        elif name in self.raised and unit.switch.counts()["answered"]:
            what = f"{name}: the candidate raised and legacy answered: {self.raised.pop(name)}"
            if name not in self.told:
                self.told.add(name)
                say(f"{what}; this is said once, exuvia status counts it")
        return fell is not None

    def accuse(self) -> None:
        """Put units into quarantine that have put themselves back, before the next look at all counters."""
        fell = [name for name, unit in list(self.units.items()) if self.rescued(name, unit)]
        if fell:
            self.count()

    def displaced(self, name: str, unit: units.Unit) -> None:
        """Say that the program has put something else in a unit's place; one that was reloaded is legacy's for good."""
        if unit.mode != "legacy":
            for what in unit.foreign():
                self.trouble(what, name)
        if name not in self.fallen and unit.reloaded:
            self.fall(name, "its module was reloaded", lasting=True)

    def count(self) -> None:
        """Write a line of counters, and let the guard see them."""
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
        """Return the counters of every unit, also of those whose module was never imported."""
        return {
            name: self.records[name].counters(self.units[name].mode if name in self.units else "legacy")
            | ({"refused": self.refused[name]} if name in self.refused else {})
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
                self.displaced(name, unit)
            except Exception as error:
                self.trouble(f"{name}: {type(error).__name__}: {error}", name)
        for step in (self.verify, self.control.settle):
            try:
                step()
            except Exception as error:
                self.trouble(f"{type(error).__name__}: {error}")
        self.courier.flush(flush_s)
        # Before the last counters: what is let go here is in them as dropped.
        self.courier.let_go(stop_s)
        # The poller's counters are of a moment ago and must not come after the last ones.
        held = self.counting.acquire(timeout=stop_s)
        try:
            self.ended = True
            counted = self.counters()
            self.segment.counters(counted, sync=True, ended=True)
        finally:
            if held:
                self.counting.release()
        # A program may end by the very error that put a unit back: the next one must not begin where this one did.
        self.guard.accuse({name: each for name, each in counted.items() if each.get("unanswered")})
        self.courier.stop(stop_s)

    def farewell(self) -> None:
        """Say that a forked child has ended which called nothing: it leaves by `os._exit`, past all that writes later.

        One that did call something has counters and verdicts that nobody waits for: what it saw last is not known.
        """
        if self.pid != os.getpid() or self.ended or not all(record.untouched for record in self.records.values()):
            return
        if not self.counting.acquire(timeout=TERM_STOP_S):
            return
        try:
            self.ended = True
            self.stop.set()
            self.segment.counters(self.counters(), ended=True)
            self.segment.close()
        finally:
            self.counting.release()

    def withdraw(self) -> None:
        """Let legacy serve without an observer, after the last counters: for what is called as the interpreter ends.

        Nothing is put on record, since no mode has changed: legacy serves in shadow as in legacy.
        """
        for unit in self.units.values():
            if unit.mode == "shadow":
                with contextlib.suppress(Exception):
                    unit.flip("legacy", None)

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
