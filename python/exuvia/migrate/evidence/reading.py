"""Evidence of all processes, read back: the status of each unit over every segment of the newest F."""

from __future__ import annotations

import json
import os
import socket
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from exuvia.migrate import fingerprint
from exuvia.migrate.evidence.segment import FORMAT
from exuvia.migrate.gates.verdict import UnitStatus
from exuvia.migrate.modes import journal as modes

if TYPE_CHECKING:
    from pathlib import Path

    from exuvia.migrate.config import Config, UnitConfig

__all__ = ["SegmentText", "flip_allowed", "read_folder", "read_segment", "statuses"]

EXAMPLES = 40


@dataclass(slots=True)
class SegmentText:
    """One process's evidence.

    Attributes:
        path: The file.
        header: Its first line.
        counters: The last counters of each unit.
        mismatches: Recorded differences.
        trouble: What is wrong with the file, if anything.
        ended: Whether its process has ended.
    """

    path: Path
    header: dict[str, Any] = field(default_factory=dict)
    counters: dict[str, Any] = field(default_factory=dict)
    mismatches: list[dict[str, Any]] = field(default_factory=list)
    trouble: str | None = None
    ended: bool = False


def read_segment(path: Path) -> SegmentText:
    """Read one file; a torn last line is what a kill leaves and is left out.

    Args:
        path: The file.
    """
    segment = SegmentText(path)
    lines = path.read_bytes().split(b"\n")
    torn = lines.pop()
    for number, line in enumerate(lines, 1):
        try:
            entry = json.loads(line)
            kind = entry["kind"]
        except (ValueError, KeyError, TypeError):
            segment.trouble = f"{path.name}:{number} is not evidence"
            continue
        if kind == "header":
            segment.header = entry
            if entry.get("format", 0) > FORMAT:
                segment.trouble = f"{path.name} was written by a newer exuvia (format {entry['format']})"
                return segment
        elif kind == "counters":
            segment.counters.update(entry.get("units", {}))
            segment.ended = bool(entry.get("ended"))
            if entry.get("lost"):
                segment.trouble = f"{path.name}: {entry['lost']} lines of evidence were lost"
        elif kind == "mismatch":
            segment.mismatches.append(entry)
        elif kind == "trouble":
            segment.trouble = f"{path.name}: {entry.get('what')}"
    if torn:
        segment.trouble = segment.trouble or f"{path.name} ends in a torn line: its process was killed"
    segment.ended = segment.ended or _is_gone(segment.header)
    return segment


def _is_gone(header: dict[str, Any]) -> bool:
    """Whether the process of a header has ended, where that can be seen from here."""
    if header.get("host") != socket.gethostname() or not isinstance(header.get("pid"), int) or os.name != "posix":
        return False
    try:
        os.kill(header["pid"], 0)
    except ProcessLookupError:
        return True
    except (OSError, OverflowError):
        # It is there and belongs to someone else, or the number is no process's.
        return False
    return False


def read_folder(folder: Path) -> list[SegmentText]:
    """Read every segment of an evidence folder, oldest first.

    Args:
        folder: The folder; if it is missing there is no evidence.
    """
    if not folder.is_dir():
        return []
    return [read_segment(path) for path in sorted(folder.glob("*.jsonl")) if path.name != modes.JOURNAL]


def statuses(config: Config, segments: list[SegmentText]) -> list[UnitStatus]:
    """Return the status of every configured unit over what was recorded.

    Only evidence of the code, rules and build as they are now counts; how much was left out is noted.

    Args:
        config: The configuration.
        segments: As `read_folder` returns them.
    """
    journal = modes.read(config.evidence)
    return [_status(config, unit, segments, journal) for unit in config.units.values()]


def _status(config: Config, unit: UnitConfig, segments: list[SegmentText], journal: modes.Journal) -> UnitStatus:
    name = unit.name
    mine = [segment for segment in segments if name in segment.header.get("fingerprints", {})]
    now = _current(config, unit, mine)
    state = UnitStatus(unit=name, mode=unit.mode, file=unit.mode, fingerprint=now, rehearsal=config.rehearsal)
    state.effective = journal.effective(name, unit.mode)
    others = 0
    for segment in mine:
        counters = segment.counters.get(name, {})
        if segment.header["fingerprints"][name] != now:
            others += 1
            continue
        if segment.ended and "objects" in counters:
            counters = {**counters, "objects": {**counters["objects"], "alive": 0}}
        state.add(counters)
        state.rehearsal = state.rehearsal or bool(segment.header.get("rehearsal"))
        examples = [entry for entry in segment.mismatches if entry.get("unit") == name]
        state.examples += examples[: max(0, EXAMPLES - len(state.examples))]
        state.counts["recorded"] += len(examples)
        if segment.trouble:
            state.notes.append(segment.trouble)
    if not state.segments:
        state.mode = state.effective
    if state.counts["recorded"] and not state.counts["differed"]:
        # A kill came between a difference, which is on disk at once, and the next counters.
        state.counts["differed"] = state.counts["recorded"]
        state.counts["compared"] = max(state.counts["compared"], state.counts["recorded"])
    state.notes = [*_standing(state, unit, journal), *state.object_notes(), *state.notes]
    if others:
        runs = "1 run" if others == 1 else f"{others} runs"
        state.notes.append(f"evidence of {runs} with other code, rules or build is not counted")
    return state


def _current(config: Config, unit: UnitConfig, mine: list[SegmentText]) -> str:
    """The fingerprint of the unit as it is on disk now: the newest that still holds, else a new one."""
    now = ""
    for segment in reversed(mine):
        now = fingerprint.current(config, unit, segment.header)
        if now == segment.header["fingerprints"][unit.name]:
            break
    return now


def _standing(state: UnitStatus, unit: UnitConfig, journal: modes.Journal) -> list[str]:
    """Why the unit does not stand where the file puts it, or stands there without a PASS."""
    if journal.broken:
        return [f"legacy, because of the mode journal: {journal.broken}"]
    notes = []
    held = journal.held(unit.name, unit.mode)
    if held:
        notes.append(held)
    if state.effective == "rust":
        allowed, note = flip_allowed(state, journal)
        if not allowed:
            state.effective = "shadow"
        if note:
            notes.append(note)
    return notes


def flip_allowed(state: UnitStatus, journal: modes.Journal) -> tuple[bool, str | None]:
    """Say whether a unit that file and journal put in rust may stand there, and what to warn of.

    A difference of this very code keeps it in shadow; where nothing was compared it may, with a warning.

    Args:
        state: What is on record of the current code.
        journal: The mode journal.
    """
    verdict, reason = state.judged()
    if verdict == "PASS":
        return True, None
    glass = journal.glass_broken(state.unit)
    if glass is not None:
        return True, f"rust without a PASS, glass broken ({glass}): {verdict}, {reason}"
    if verdict == "FAIL":
        return False, f"held in shadow: {verdict}, {reason}; exuvia promote {state.unit} --to rust --break-glass WHY"
    return True, f"rust without a PASS of this code: {reason}"
