"""What the mode journal says, read back: the last word on each unit, overlays, approvals, drills."""

from __future__ import annotations

import stat
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from exuvia.errors import ConfigError
from exuvia.migrate.modes import entries as written
from exuvia.migrate.modes.entries import MODES
from exuvia.migrate.own import json, os, time

if TYPE_CHECKING:
    from pathlib import Path

    from exuvia.migrate.config import Config

__all__ = ["EVERY_UNIT", "HEAD", "JOURNAL", "Journal", "lower", "read", "refuse_writable_by_others"]

JOURNAL = "modes.jsonl"
HEAD = "modes.head"
EVERY_UNIT = "*"


def lower(one: str, other: str) -> str:
    """Return the safer of two modes.

    Args:
        one: A mode.
        other: A mode.

    Returns:
        The one nearer to `legacy`.
    """
    return one if one == other else min(one, other, key=MODES.index)


def refuse_writable_by_others(path: Path) -> None:
    """Refuse a file that group or world may write: whoever writes it decides what trades.

    Args:
        path: The file.

    Raises:
        ConfigError: With the command that repairs it.
    """
    if os.name == "posix" and path.stat().st_mode & (stat.S_IWGRP | stat.S_IWOTH):
        raise ConfigError(f"{path}: others may write this file, and it decides which code trades: chmod go-w {path}")


@dataclass(slots=True)
class Journal:
    """What the journal says: the last mode of each unit, and whether it can be trusted.

    Attributes:
        modes: Last mode by unit or group, as it was written.
        default: Mode of units that are not named after the last entry for all units.
        broken: Why the journal cannot be trusted; then every unit stands in legacy.
        entries: The last entry of each unit, and that for all units.
        quarantined: The entry that put a unit into quarantine, by unit, until it is cleared.
        frozen: The entry after which nothing is promoted, until it thaws.
        lines: All entries, in order.
        head: Digest of the chain.
        last_ns: The latest time that any entry bears: the clock cannot stand before it.
        unbroken: By unit or group the mode that holds once its broken glass has ended: the last that no glass gave.
    """

    modes: dict[str, str] = field(default_factory=dict)
    default: str | None = None
    broken: str | None = None
    entries: dict[str, dict[str, Any]] = field(default_factory=dict)
    quarantined: dict[str, dict[str, Any]] = field(default_factory=dict)
    frozen: dict[str, Any] | None = None
    lines: list[dict[str, Any]] = field(default_factory=list)
    head: str = written.START
    last_ns: int = 0
    unbroken: dict[str, str] = field(default_factory=dict)

    def effective(self, unit: str, ceiling: str, config: Config | None = None, now_ns: int | None = None) -> str:
        """Return the mode in which a unit stands.

        Args:
            unit: The unit's name.
            ceiling: Its mode in the configuration.
            config: The configuration: with it groups, what they require, quarantine and the kill file count.
            now_ns: UTC nanoseconds, else the clock's.
        """
        if self.broken is not None:
            return MODES[0]
        if config is not None:
            from exuvia.migrate.modes import standing  # noqa: PLC0415 - it stands on this module

            return standing.of_unit(config, self, unit, ceiling, now_ns).mode
        said = self.said(unit, now_ns)
        return ceiling if said is None else lower(ceiling, said)

    def said(self, name: str, now_ns: int | None = None) -> str | None:
        """Return the mode that the journal itself gives a unit or group, `None` if it says nothing.

        A broken glass ends with its session: from then on the mode before it holds again, and before a second one
        the mode before the first.

        Args:
            name: The unit or group.
            now_ns: UTC nanoseconds, else the clock's.
        """
        if self.entries and self._glass_ended(name, now_ns):
            return self.unbroken.get(name, MODES[0])
        return self.modes.get(name, self.default)

    def under_glass(self, name: str) -> bool:
        """Say whether the last word on a unit or group broke a glass, whether its time has passed or not.

        Args:
            name: The unit or group.
        """
        return name in self.entries and self.entries[name].get("until_ns") is not None

    def _glass_ended(self, name: str, now_ns: int | None = None) -> bool:
        until = (self.entries.get(name) or self.entries.get(EVERY_UNIT, {})).get("until_ns")
        return until is not None and self.now(now_ns) >= until

    def now(self, now_ns: int | None = None) -> int:
        """Return the time, never before that of the last entry: a clock turned back revives nothing.

        Args:
            now_ns: UTC nanoseconds, else the clock's.
        """
        return max(time.time_ns() if now_ns is None else now_ns, self.last_ns)

    def glass_broken(self, unit: str, now_ns: int | None = None) -> str | None:
        """Return the reason for which a unit stands without a PASS, if its last entry put it there and still holds.

        Args:
            unit: The unit's name.
            now_ns: UTC nanoseconds, else the clock's.
        """
        reason = self.entries.get(unit, {}).get("break_glass")
        return None if reason is None or self._glass_ended(unit, now_ns) else str(reason)

    def rehearsed(self, unit: str) -> bool:
        """Say whether the last word on a unit was spoken in a rehearsal, whose evidence never counts.

        Args:
            unit: The unit's name.
        """
        return bool((self.entries.get(unit) or self.entries.get(EVERY_UNIT, {})).get("rehearsal"))

    def stale(self, unit: str, f: str) -> str | None:
        """Say that a unit was promoted with other code than it has now, if it was.

        Args:
            unit: The unit's name.
            f: Its F now.
        """
        promoted = self.entries.get(unit, {}).get("f")
        before = promoted.get(unit) if isinstance(promoted, dict) else None
        if before in (None, "", f):
            return None
        return f"held in shadow: it was promoted as F {before} and is {f} now; the count of sessions starts again"

    def held(self, unit: str, ceiling: str, *, rehearsal: bool = False) -> str | None:
        """Say that the journal holds a unit below its mode in the file, since when, why, and the next step up.

        Args:
            unit: The unit's name.
            ceiling: Its mode in the configuration.
            rehearsal: Whether this is a rehearsal, where no step is waited for.
        """
        effective = self.effective(unit, ceiling)
        if self.broken is not None or effective == ceiling:
            return None
        entry = self.entries.get(unit) or self.entries.get(EVERY_UNIT, {})
        since = str(entry.get("at", "?"))[:19].replace("T", " ")
        why = entry.get("cause") or entry.get("reason", "no reason given")
        quarantined = unit in self.quarantined
        step = ceiling if rehearsal else MODES[MODES.index(effective) + 1]
        way = f"exuvia promote {unit} --clear CAUSE" if quarantined else f"exuvia promote {unit} --to {step}"
        word = "in quarantine, " if quarantined else ""
        return f"file says {ceiling}, the mode journal holds it at {effective} since {since} UTC ({word}{why}): {way}"

    def take(self, entry: dict[str, Any]) -> None:
        """Take up the next entry.

        Args:
            entry: As it was read.
        """
        self.lines.append(entry)
        self.last_ns = max(self.last_ns, _time_of(entry))
        kind, unit = entry.get("kind", "mode"), str(entry.get("unit", ""))
        if kind == "mode":
            self._mode(entry, unit, entry["mode"])
        elif kind == "quarantine":
            self.quarantined[unit] = entry
            self._mode(entry, unit, MODES[0])
        elif kind == "clear":
            self.quarantined.pop(unit, None)
        elif kind in ("frozen", "thaw"):
            self.frozen = entry if kind == "frozen" else None

    def _mode(self, entry: dict[str, Any], unit: str, mode: str) -> None:
        if unit == EVERY_UNIT:
            self.modes.clear()
            self.entries.clear()
            self.unbroken.clear()
            self.default = mode
        for name in dict.fromkeys((unit, *entry.get("units", ()))):
            self.unbroken[name] = mode if entry.get("until_ns") is None else self._before_glass(name, entry.get("was"))
            if name != EVERY_UNIT:
                self.modes[name] = mode
            self.entries[name] = entry

    def _before_glass(self, name: str, was: Any) -> str:
        """Where a name goes back to when a glass ends: where it stood, unless a glass had put it there too."""
        stood = was if was in MODES else MODES[0]
        before = self.entries.get(name) or self.entries.get(EVERY_UNIT, {})
        if before.get("until_ns") is None:
            return stood
        return lower(stood, self.unbroken.get(name, self.unbroken.get(EVERY_UNIT, MODES[0])))


def read(folder: Path) -> Journal:
    """Read the journal of an evidence folder; no journal says nothing.

    A last line that a kill tore says nothing either. A line that cannot be read, was edited, or is missing at
    the end makes the journal broken, which means legacy for every unit.

    Args:
        folder: The evidence folder.
    """
    journal = Journal()
    path = folder / JOURNAL
    least: tuple[int, str] | None = None
    try:
        _refuse_open_folder(folder)
        least = _head(folder / HEAD)
        refuse_writable_by_others(path)
        raw = path.read_bytes()
    except FileNotFoundError:
        if least is not None:
            journal.broken = f"{path}: gone, though {least[0]} entries were written: {_REPAIR}"
        return journal
    except (ConfigError, OSError) as error:
        journal.broken = str(error)
        return journal
    text = written.parse(raw)
    for entry in text.entries:
        journal.take(entry)
    journal.head = text.heads[-1]
    if text.broken is not None:
        journal.broken = f"{path}:{text.broken[0]}: {text.broken[1]}"
        if text.garbage:
            journal.broken = f"{journal.broken}: {_REPAIR}"
    elif least is not None and (len(text.heads) <= least[0] or text.heads[least[0]] != least[1]):
        journal.broken = f"{path}: cut short or replaced, {least[0]} entries were written: {_REPAIR}"
    return journal


def _refuse_open_folder(folder: Path) -> None:
    """In a folder that anyone may write, anyone may put another journal in this one's place."""
    mode = folder.stat().st_mode
    if os.name == "posix" and mode & stat.S_IWOTH and not mode & stat.S_ISVTX:
        raise ConfigError(
            f"{folder}: anyone may write this folder, and it decides which code trades: chmod o-w {folder}"
        )


_REPAIR = (
    f"every unit stands in legacy; bring the file back, or move {JOURNAL} and {HEAD} away together and promote again"
)


def _head(path: Path) -> tuple[int, str] | None:
    """How many chained entries there were at least, and their digest."""
    try:
        refuse_writable_by_others(path)
        said = json.loads(path.read_bytes())
        return int(said["count"]), str(said["head"])
    except FileNotFoundError:
        return None
    except (ValueError, KeyError, TypeError) as error:
        if isinstance(error, ConfigError):
            raise
        raise ConfigError(f"{path}: not the head of a mode journal ({error}): {_REPAIR}") from None


def _time_of(entry: dict[str, Any]) -> int:
    if isinstance(entry.get("ns"), int):
        return int(entry["ns"])
    try:
        at = datetime.fromisoformat(str(entry.get("at")))
    except ValueError:
        return 0
    return int((at if at.tzinfo else at.replace(tzinfo=UTC)).timestamp() * 1e9)
