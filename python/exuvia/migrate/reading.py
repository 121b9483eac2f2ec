"""Evidence of all processes, read back: the status of each unit over every segment of the newest F."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from exuvia.migrate import modes
from exuvia.migrate.evidence import FORMAT
from exuvia.migrate.gate import UnitStatus

if TYPE_CHECKING:
    from pathlib import Path

    from exuvia.migrate.config import Config

__all__ = ["SegmentText", "read_folder", "read_segment", "statuses"]

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
    """

    path: Path
    header: dict[str, Any] = field(default_factory=dict)
    counters: dict[str, Any] = field(default_factory=dict)
    mismatches: list[dict[str, Any]] = field(default_factory=list)
    trouble: str | None = None


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
            if entry.get("lost"):
                segment.trouble = f"{path.name}: {entry['lost']} lines of evidence were lost"
        elif kind == "mismatch":
            segment.mismatches.append(entry)
    if torn:
        segment.trouble = segment.trouble or f"{path.name} ends in a torn line: its process was killed"
    return segment


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

    Only evidence of the newest fingerprint counts; how much was left out is noted.

    Args:
        config: The configuration.
        segments: As `read_folder` returns them.
    """
    journal = modes.read(config.evidence)
    states = []
    for name, unit in config.units.items():
        mine = [segment for segment in segments if name in segment.header.get("fingerprints", {})]
        newest = mine[-1].header["fingerprints"][name] if mine else ""
        state = UnitStatus(unit=name, mode=unit.mode, fingerprint=newest, rehearsal=config.rehearsal)
        state.effective = journal.effective(name, unit.mode)
        if not mine:
            state.mode = state.effective
        others = 0
        for segment in mine:
            if segment.header["fingerprints"][name] != newest:
                others += 1
                continue
            state.add(segment.counters.get(name, {}))
            state.rehearsal = state.rehearsal or bool(segment.header.get("rehearsal"))
            examples = [entry for entry in segment.mismatches if entry.get("unit") == name]
            state.examples += examples[: max(0, EXAMPLES - len(state.examples))]
            state.counts["recorded"] += len(examples)
            if segment.trouble:
                state.notes.append(segment.trouble)
        if state.counts["recorded"] and not state.counts["differed"]:
            # A kill came between a difference, which is on disk at once, and the next counters.
            state.counts["differed"] = state.counts["recorded"]
            state.counts["compared"] = max(state.counts["compared"], state.counts["recorded"])
        if others:
            state.notes.append(f"{others} processes of another fingerprint are left out")
        if journal.broken:
            state.notes.append(f"legacy, because of the mode journal: {journal.broken}")
        states.append(state)
    return states
