"""Compaction: the closed segments of a day become four Parquet tables and a head file that says what they held.

A day's folder is `date=YYYY-MM-DD`: `mismatches-N.parquet`, `calls-N.parquet`, `counters-N.parquet`,
`sessions-N.parquet` for the N-th time that closed segments of that day were found, and `head.json`, written last.
A file that `head.json` does not name is what a killed compaction left, and is removed by the next one. Segments
stay until the quota needs their room.
"""

from __future__ import annotations

import base64
import contextlib
import hashlib
import re
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from exuvia import _exuvia
from exuvia.errors import MigrateError
from exuvia.migrate.evidence import chain, folder, reading
from exuvia.migrate.own import json, os, time

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from exuvia.migrate.evidence.reading import SegmentText

__all__ = ["TABLES", "Compacted", "compact"]

TABLES = ("mismatches", "calls", "counters", "sessions")
LOCK = "compact.lock"
KEPT = 200
"""Differences of a segment that its head keeps; the table has all."""
MINUTE_NS = 60_000_000_000
_AT = re.compile(rb'\{"kind":"counters","at":(\d+),')


@dataclass(frozen=True, slots=True)
class Compacted:
    """What was done for one day.

    Attributes:
        day: The day, UTC.
        segments: Names of the segments that were compacted now.
        rows: Rows written by table.
        files: Files written, the head file among them.
        left: Segments of the day that are still written, or cannot be read, and why.
    """

    day: str
    segments: list[str] = field(default_factory=list)
    rows: dict[str, int] = field(default_factory=dict)
    files: list[str] = field(default_factory=list)
    left: dict[str, str] = field(default_factory=dict)

    def as_dict(self) -> dict[str, Any]:
        """Return everything as plain values, for `--json`."""
        return {name: getattr(self, name) for name in ("day", "segments", "rows", "files", "left")}


def compact(evidence: Path, day: str | None = None) -> list[Compacted]:
    """Compact what is closed: sealed segments, and those whose process is gone.

    Doing it again changes nothing; a kill at any moment leaves the days as they were before or after.

    Args:
        evidence: The evidence folder.
        day: Only this day, `YYYY-MM-DD`, UTC; else all.

    Returns:
        The days of which there are segments, oldest first.

    Raises:
        MigrateError: For a bad day, another compaction at work, or a head file that cannot be trusted.
        OSError: As the system says.
    """
    if day is not None:
        try:
            datetime.strptime(day, "%Y-%m-%d")
        except ValueError:
            raise MigrateError(f"day {day!r} is not a date: write YYYY-MM-DD") from None
    held = folder.open_folder(evidence, make=False)
    if held is not None:
        os.close(held)
    with _alone(evidence):
        days: dict[str, list[SegmentText]] = {}
        for segment in map(reading.read_segment, folder.segments(evidence)):
            days.setdefault(_day_of(segment), []).append(segment)
        return [_compact_day(evidence, name, days[name]) for name in sorted(days) if day in (None, name)]


@contextlib.contextmanager
def _alone(evidence: Path) -> Iterator[None]:
    """One compaction at a time; writers are not held up."""
    try:
        import fcntl  # noqa: PLC0415 - not on every system
    except ImportError:
        yield
        return
    flags = os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC
    descriptor = os.open(evidence / LOCK, flags, 0o600)
    try:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            raise MigrateError(f"another compaction of {evidence} is at work: wait until it has ended") from None
        yield
    finally:
        os.close(descriptor)


def _day_of(segment: SegmentText) -> str:
    """The day on which a segment began; by its name, where its header cannot be read."""
    started = segment.header.get("started_ns")
    if not isinstance(started, int):
        first = segment.path.name.partition("-")[0]
        started = int(first) if first.isdigit() and len(first) < 20 else 0
    return datetime.fromtimestamp(started / 1e9, UTC).strftime("%Y-%m-%d")


def _compact_day(evidence: Path, day: str, segments: list[SegmentText]) -> Compacted:
    place = evidence / f"{folder.DAY}{day}"
    before, wrong = chain.read_day(place)
    if wrong is not None:
        raise MigrateError(f"{wrong}; move {place} away to compact that day again from the segments that are there")
    done = Compacted(day)
    known = {entry["name"]: entry for entry in before.get("segments", ())}
    parts: list[dict[str, Any]] = list(before.get("parts", ()))
    _sweep(place, parts)
    fresh = []
    for segment in segments:
        name = segment.path.name
        why = _not_yet(segment)
        if name in known:
            if known[name]["digest"] != segment.digest:
                done.left[name] = "it was changed after it was compacted: it stays as it is"
        elif why is not None:
            done.left[name] = why
        else:
            fresh.append(segment)
    if not fresh:
        return done
    place.mkdir(mode=0o700, exist_ok=True)
    number = max((part["number"] for part in parts), default=0) + 1
    rows = _rows(fresh)
    for table in TABLES:
        path = place / f"{table}-{number}.parquet"
        data = _exuvia.evidence_parquet(table, rows[table], {"day": day, "format": str(chain.HEAD_FORMAT)})
        _exuvia.lake_write_atomic(path, data, True)
        parts.append({"number": number, "file": path.name, "rows": len(rows[table]), "sha256": _sha256(data)})
        done.files.append(str(path))
        done.rows[table] = len(rows[table])
    now = time.time_ns()
    head = {
        "format": chain.HEAD_FORMAT,
        "day": day,
        "parts": parts,
        "segments": [*known.values(), *(_entry(segment, now) for segment in fresh)],
    }
    head["digest"] = chain.digest_of(head)
    path = place / chain.HEAD_FILE
    _exuvia.lake_write_atomic(path, json.dumps(head, separators=(",", ":")).encode(), True)
    done.files.append(str(path))
    done.segments.extend(segment.path.name for segment in fresh)
    return done


def _not_yet(segment: SegmentText) -> str | None:
    """Why a segment is not compacted, if it is not."""
    if any(trouble.what in ("newer", "refused") for trouble in segment.troubles):
        return str(segment.trouble)
    if not segment.header:
        return "it has no header: nobody knows what it is evidence of"
    if any(trouble.what == "changed" for trouble in segment.troubles):
        return "it was changed after it was sealed: it stays as it is"
    if segment.sealed or segment.ended:
        return None
    return "its process still writes it, or nobody here knows whether it does"


def _sweep(place: Path, parts: list[dict[str, Any]]) -> None:
    """Remove what a killed compaction left: tables that the head file does not name, temporary files."""
    if not place.is_dir():
        return
    named = {part["file"] for part in parts}
    for path in place.iterdir():
        table = path.name.partition("-")[0]
        if path.suffix == ".parquet" and table in TABLES and path.name not in named:
            path.unlink()
    _exuvia.lake_sweep(place)


def _entry(segment: SegmentText, now: int) -> dict[str, Any]:
    """What the head file keeps of a segment: all that a reader needs when the segment has made room."""
    return {
        "name": segment.path.name,
        "sha256": _sha256(folder.read_file(segment.path)),
        "digest": segment.digest,
        "bytes": segment.length,
        "frames": segment.frames,
        "sealed": segment.sealed,
        "sealed_at": segment.sealed_at if segment.sealed else now,
        "ended": segment.ended,
        "muted": segment.muted,
        "farewell": segment.farewell,
        "last_at": segment.last_at,
        "header": segment.header,
        "counters": segment.counters,
        "sessions": segment.sessions,
        "novel": segment.novel,
        "modes": segment.modes,
        "mismatches": segment.mismatches[:KEPT],
        "troubles": [[trouble.what, trouble.text, trouble.at, trouble.unit] for trouble in segment.troubles],
    }


def _rows(segments: list[SegmentText]) -> dict[str, list[tuple[object, ...]]]:
    """Rows of the four tables, in order of segment and line."""
    columns = {table: _exuvia.evidence_columns(table) for table in TABLES}
    rows: dict[str, list[tuple[object, ...]]] = {table: [] for table in TABLES}
    for segment in segments:
        for table, entry in _entries(segment):
            header = segment.header
            full = {
                **entry,
                "host": header.get("host"),
                "pid": header.get("pid"),
                "process": header.get("process"),
                "segment": segment.path.name,
                "fingerprint": header.get("fingerprints", {}).get(entry["unit"]),
                "rehearsal": bool(header.get("rehearsal")),
            }
            rows[table].append(tuple(full.get(column) for column in columns[table]))
    return rows


def _entries(segment: SegmentText) -> Iterator[tuple[str, dict[str, Any]]]:
    for entry in segment.mismatches:
        yield "mismatches", entry
    for entry in segment.calls:
        pickles = {name: base64.b64decode(entry[name]) for name in ("arguments", "outcome")}
        yield "calls", {**entry, **pickles}
    for entry in segment.sessions:
        active = sum(last - first + 1 for first, last in entry["minutes"])
        yield "sessions", {**entry, "active_minutes": active, "minutes": json.dumps(entry["minutes"])}
    for line in _last_of_each_minute(segment):
        for unit, counters in line["units"].items():
            yield "counters", {**counters, "unit": unit, "at": line["at"]}


def _last_of_each_minute(segment: SegmentText) -> list[dict[str, Any]]:
    """The counters that stand at the end of each minute: only these lines are parsed, of thousands."""
    minutes: dict[int, bytes] = {}
    for kind, payload in _exuvia.evidence_scan(folder.read_file(segment.path), True)[0]:
        found = _AT.match(payload) if kind == "counters" else None
        if found is not None:
            minutes[int(found[1]) // MINUTE_NS] = payload
    return [json.loads(payload) for payload in minutes.values()]


def _sha256(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()
