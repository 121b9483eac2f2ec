"""The modes of a unit and the journal that may lower them.

Standard library only: a rollback must work when nothing else does. The mode in `exuvia.toml` is a ceiling.
The effective mode is the lower of that and the journal, an append-only file of JSON lines beside the
evidence; only `promote` raises what the journal says.

>>> lower("rust", "shadow")
'shadow'
"""

from __future__ import annotations

import getpass
import json
import os
import stat
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from exuvia.errors import ConfigError

if TYPE_CHECKING:
    from pathlib import Path

__all__ = ["JOURNAL", "MODES", "Journal", "append", "lower", "read", "refuse_writable_by_others"]

MODES = ("legacy", "shadow", "canary", "rust", "retired")
JOURNAL = "modes.jsonl"
FORMAT = 1
EVERY_UNIT = "*"


def lower(one: str, other: str) -> str:
    """Return the safer of two modes.

    Args:
        one: A mode.
        other: A mode.

    Returns:
        The one nearer to `legacy`.
    """
    return min(one, other, key=MODES.index)


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
        modes: Last mode by unit.
        default: Mode of units that are not named after the last entry for all units.
        broken: Why the journal cannot be trusted; then every unit stands in legacy.
        entries: The last entry of each unit, and that for all units.
    """

    modes: dict[str, str] = field(default_factory=dict)
    default: str | None = None
    broken: str | None = None
    entries: dict[str, dict[str, Any]] = field(default_factory=dict)

    def effective(self, unit: str, ceiling: str) -> str:
        """Return the mode in which a unit stands.

        Args:
            unit: The unit's name.
            ceiling: Its mode in the configuration.
        """
        if self.broken is not None:
            return MODES[0]
        said = self.modes.get(unit, self.default)
        return ceiling if said is None else lower(ceiling, said)

    def glass_broken(self, unit: str) -> str | None:
        """Return the reason for which a unit was promoted without a PASS, if its last entry did that.

        Args:
            unit: The unit's name.
        """
        reason = self.entries.get(unit, {}).get("break_glass")
        return None if reason is None else str(reason)

    def held(self, unit: str, ceiling: str) -> str | None:
        """Say that the journal holds a unit below its mode in the file, since when and why, if it does.

        Args:
            unit: The unit's name.
            ceiling: Its mode in the configuration.
        """
        effective = self.effective(unit, ceiling)
        if self.broken is not None or effective == ceiling:
            return None
        entry = self.entries.get(unit) or self.entries.get(EVERY_UNIT, {})
        since = str(entry.get("at", "?"))[:19].replace("T", " ")
        return (
            f"file says {ceiling}, the mode journal holds it at {effective} since {since} UTC "
            f"({entry.get('reason', 'no reason given')}): exuvia promote {unit} --to {ceiling}"
        )


def read(folder: Path) -> Journal:
    """Read the journal of an evidence folder; no journal says nothing.

    A last line without its newline was torn by a kill and says nothing either; any other line that
    cannot be read makes the journal broken, which means legacy for every unit.

    Args:
        folder: The evidence folder.
    """
    journal = Journal()
    path = folder / JOURNAL
    try:
        refuse_writable_by_others(path)
        text = path.read_text(encoding="utf-8", errors="replace")
    except FileNotFoundError:
        return journal
    except (ConfigError, OSError) as error:
        journal.broken = str(error)
        return journal
    lines = text.split("\n")
    for number, line in enumerate(lines[:-1], 1):
        if not line:
            continue
        try:
            entry = json.loads(line)
            unit, mode, version = str(entry["unit"]), entry["mode"], int(entry["v"])
        except (ValueError, KeyError, TypeError, OverflowError, RecursionError):
            if entry_was_torn(lines, number):
                continue
            journal.broken = f"{path}:{number}: not an entry of the mode journal: {line[:80]!r}"
            return journal
        if version > FORMAT or mode not in MODES:
            journal.broken = f"{path}:{number}: written by a newer exuvia (format {version}, mode {mode!r})"
            return journal
        if unit == EVERY_UNIT:
            journal.modes.clear()
            journal.entries.clear()
            journal.default = mode
        else:
            journal.modes[unit] = mode
        journal.entries[unit] = entry
    return journal


def entry_was_torn(lines: list[str], number: int) -> bool:
    """Say whether a broken line is one that a kill tore and the next writer closed with a newline.

    Args:
        lines: All lines.
        number: The broken line, from 1.
    """
    line, after = lines[number - 1], lines[number] if number < len(lines) else ""
    return line.startswith('{"v"') and not line.endswith("}") and after == ""


def append(folder: Path, unit: str, mode: str, reason: str, *, break_glass: str | None = None) -> None:
    """Append one entry and force it to the disk, before anything else is told.

    Args:
        folder: The evidence folder, made if it is missing.
        unit: The unit's name, or `*` for all.
        mode: The mode.
        reason: Why; it is kept with the user's name and the time.
        break_glass: Why the unit goes up without a PASS.

    Raises:
        OSError: If the entry could not be made durable.
    """
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    path = folder / JOURNAL
    entry: dict[str, Any] = {
        "v": FORMAT,
        "at": datetime.now(UTC).isoformat(),
        "unit": unit,
        "mode": mode,
        "who": _user(),
        "reason": reason,
    }
    if break_glass is not None:
        entry["break_glass"] = break_glass
    line = json.dumps(entry).encode() + b"\n"
    descriptor = os.open(path, os.O_RDWR | os.O_APPEND | os.O_CREAT | getattr(os, "O_CLOEXEC", 0), 0o600)
    try:
        size = os.fstat(descriptor).st_size
        if size and _last_byte(descriptor, size) != b"\n":
            line = b"\n\n" + line
        written = os.write(descriptor, line)
        if written != len(line):
            raise OSError(f"{path}: only {written} of {len(line)} bytes could be written: is the disk full?")
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
    if os.name == "posix":
        _sync_folder(folder)


def _last_byte(descriptor: int, size: int) -> bytes:
    os.lseek(descriptor, size - 1, os.SEEK_SET)
    return os.read(descriptor, 1)


def _sync_folder(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _user() -> str:
    try:
        return getpass.getuser()
    except (KeyError, OSError, ImportError):
        return str(os.getuid()) if hasattr(os, "getuid") else "unknown"
