"""How the units of this process move: configuration, journal and control page say where each of them stands."""

from __future__ import annotations

import contextlib
import functools
import sys
from typing import TYPE_CHECKING, Any

from exuvia.migrate import fingerprint
from exuvia.migrate.dispatch import page
from exuvia.migrate.dispatch.units import Unit, make
from exuvia.migrate.evidence import flipping, folder, reading
from exuvia.migrate.gates.verdict import UnitStatus
from exuvia.migrate.modes import journal as modes
from exuvia.migrate.modes import standing
from exuvia.migrate.modes.standing import Standing
from exuvia.migrate.own import os, time

if TYPE_CHECKING:
    from collections.abc import Callable

    from exuvia.migrate.config import Config
    from exuvia.migrate.dispatch.control import Control
    from exuvia.migrate.evidence.record import Record
    from exuvia.migrate.evidence.segment import Segment
    from exuvia.migrate.own import threading
    from exuvia.migrate.shadow.courier import Courier

__all__ = ["SERVED", "Moving", "say"]

SERVED = ("legacy", "shadow", "canary", "rust")
DAY_NS = 86_400_000_000_000
TRIES = 20


class Moving:
    """The units, where they stand and why, and every way in which that changes."""

    config: Config
    lock: threading.RLock
    segment: Segment
    control: Control
    courier: Courier
    records: dict[str, Record]
    units: dict[str, Unit]
    waiting: dict[str, int]
    standing: dict[str, list[str]]
    refused: dict[str, str]
    sources: dict[str, dict[str, str]]
    parts: dict[str, dict[str, str]]
    fingerprints: dict[str, str]
    told: set[str]
    said: modes.Journal
    seen: tuple[int, ...]
    stood: dict[str, tuple[str, Any]]
    fallen: set[str]
    pending: dict[str, tuple[str, int, int]]
    day: int

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

    @functools.cached_property
    def _unseen(self) -> UnitStatus:
        """Stands for a unit of whose code nothing is on record, whichever was asked for last."""
        return UnitStatus(unit="")

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
            made = make(self.config, unit, self.records[name], self.courier)
            self.control.attach(name, made.switch)
            self.units[name] = made
            self.sources[name] = fingerprint.sources(unit, self.config.packages)
            now = fingerprint.of_unit(self.config, unit, self.sources[name])
            if now != self.fingerprints[name]:
                # What the module names comes from elsewhere: that could not be known before the import.
                self.fingerprints[name] = now
                self.seen = ()
                self.segment.header = self.header()
                self.segment.write({"kind": "unit", "unit": name, "fingerprint": now, "sources": self.sources[name]})
            self.refused.pop(name, None)
            made.switch.set_day(self.day)
            self.take_up(name, made.switch.word, self.control.waits_for)
        except Exception as error:
            self.waiting[name] += 1
            self.refused[name] = f"legacy serves, not taken up: {error}"
            if self.waiting[name] < TRIES and name not in self.units:
                self.standing[name] = [f"legacy serves, not taken up yet: {error}"]
                return
            self.standing[name] = [f"legacy: {error}"]
            self.seen = ()
            say(f"{name}: legacy serves: {error}")
        self.waiting.pop(name, None)

    def first_mode(self, name: str, ceiling: str) -> str:
        """Where file and journal put a unit; in rust only if no difference of this very code is on record."""
        place = standing.of_unit(self.config, self.said, name, ceiling, holds=functools.partial(self.holds, look=True))
        mode = place.mode if place.mode in SERVED else "rust"
        # Where the ceiling is the same, what holds it was looked at just now.
        self.stood[name] = self.stands(name, place if ceiling == self._top(name) else None)
        notes = [note for note in (standing.note(self.config, self.said, name, ceiling, place),) if note]
        if mode == "rust":
            # Else it would not stand there: what is left is a warning.
            notes += [note for note in (self.allowed(name)[1],) if note]
        for note in notes:
            say(f"{name}: {note}")
        self.standing[name] = notes
        return mode

    def allowed(self, name: str) -> tuple[bool, str | None]:
        """Say whether what is on record of a unit's code as it is lets it stand in rust, and what to warn of."""
        state = self.record.get(name)
        if state is None or state.fingerprint != self.fingerprints[name]:
            state = self._unseen
            state.unit = name
        return flipping.flip_allowed(state, self.said)

    def holds(self, unit: str, mode: str, /, *, look: bool = False) -> Standing | None:
        """Return what holds a unit below a mode in this process: its group stands no higher, nor what requires that.

        Args:
            unit: The unit's name.
            mode: The mode in which it would stand.
            look: Whether evidence may be read for it; else what was read as the process started counts.
        """
        if unit in self.fallen:
            return Standing("legacy", "in legacy in this process until a restart")
        if mode in ("legacy", "shadow"):
            return None
        stale = None if self.config.rehearsal else self.said.stale(unit, self.fingerprints[unit])
        if stale is not None:
            return Standing(standing.STALE, stale)
        if unit in self.refused and unit not in self.units and unit not in self.waiting:
            return Standing(standing.STALE, self.refused[unit])
        if mode != "canary" and (look or "record" in self.__dict__):
            allowed, note = self.allowed(unit)
            return None if allowed else Standing(standing.STALE, note)
        return None

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
            if self.control.check():
                whole = True
                self.trouble(str(self.control.broken))
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

    def stands(self, name: str, place: Standing | None = None) -> tuple[str, Any]:
        """Where configuration and journal put a unit, and which entry said so.

        Args:
            name: The unit.
            place: Where it stands below its highest ceiling, if that was looked up just now.
        """
        entry = self.said.entries.get(name) or self.said.entries.get(modes.EVERY_UNIT, {})
        if place is None:
            place = standing.of_unit(self.config, self.said, name, self._top(name), holds=self.holds)
        return place.mode, (entry.get("at"), entry.get("ns"))

    def _top(self, name: str) -> str:
        """The highest mode in which a unit may stand here: a rehearsal may go above the file's by hand."""
        return "rust" if self.config.rehearsal else self.config.units[name].mode

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
                    # What flips with it, or requires it, is looked at again at once.
                    self.seen = ()
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
        """Put a unit into a mode, and that on record."""
        with self.lock:
            unit = self.units[name]
            unit.flip(mode, word)
            unit.record.flipped()
            if reason != "install":
                self.standing[name] = []
            line = {"kind": "mode", "unit": name, "mode": mode, "reason": reason}
            self.segment.write(line, sync=reason not in ("install", "uninstall"))


def journal_stamp(config: Config) -> tuple[int, ...]:
    """What changes whenever the journal, or a kill file, does."""
    stamp: list[int] = []
    for path in (config.evidence / modes.JOURNAL, config.kill_file):
        try:
            held = None if path is None else os.stat(path)
        except OSError:
            held = None
        stamp += (0, 0, 0) if held is None else (held.st_size, held.st_mtime_ns, held.st_ino)
    return tuple(stamp)


def say(text: str) -> None:
    """Write one line to standard error, if there is one.

    Args:
        text: The line.
    """
    with contextlib.suppress(OSError, ValueError, AttributeError):
        sys.stderr.write(f"exuvia: {text}\n")
