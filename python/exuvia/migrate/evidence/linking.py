"""Segments seen together: files of one process in a row, files that are missing, children that nobody heard of."""

from __future__ import annotations

import itertools
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from exuvia.migrate import children
from exuvia.migrate.evidence import header as headers
from exuvia.migrate.evidence.folder import SUFFIX

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from pathlib import Path

    from exuvia.migrate.evidence.reading import SegmentText

__all__ = ["Trouble", "link"]

DAY = 86_400_000_000_000
FOREVER = 2**63 - 1
SILENT = {
    "child": "a child ran the same Python without exuvia, its calls are not known",
    "unseen": (
        "a child ran this program without exuvia, nobody knows whether its calls differ; let it call "
        "exuvia.migrate.install() first, as Pool(initializer=exuvia.migrate.install)"
    ),
}


@dataclass(frozen=True, slots=True)
class Trouble:
    """Something that is wrong with evidence, or that happened while it was taken.

    Attributes:
        what: `torn`, `killed`, `cut`, `unsealed`, `damaged`, `changed`, `missing`, `headless`, `refused`, `newer`,
            `unwritten`, `lost`, `stopped`, `quota`, `resumed`, `clock`, `still`, `silent`, `child`, `unseen`,
            `quarantined`, `shadow off`, or a word of whoever wrote it.
        text: A sentence.
        at: When, in UTC nanoseconds, if that is known.
        unit: The only unit that it concerns; empty if it concerns all that stand in the file.
    """

    what: str
    text: str
    at: int | None = None
    unit: str = ""


def link(segments: Sequence[SegmentText]) -> None:
    """Look at all segments of a folder together, and put on record what only that shows.

    Args:
        segments: In order of name.
    """
    processes: dict[str, list[SegmentText]] = {}
    for segment in segments:
        if segment.path.suffix == SUFFIX:
            processes.setdefault(segment.process, []).append(segment)
        else:
            _of_a_day(segment)
    for files in processes.values():
        files.sort(key=lambda segment: segment.number)
        _in_a_row(files)
        _unknown(files)
        _last_word(files)
        _newest_counts(files)
    _children(segments)


def _in_a_row(files: list[SegmentText]) -> None:
    """Every file of a process is there, and each names the digest of the one before."""
    first = files[0].number
    if first > 0:
        files[0].add_trouble("missing", f"{files[0].path.name}: {first} earlier files of its process are gone")
    for before, after in itertools.pairwise(files):
        gap = after.number - before.number - 1
        if gap:
            after.add_trouble("missing", f"{after.path.name}: {gap} files of its process before it are gone")
        elif before.sealed and after.header and after.header.get("previous") != before.digest:
            before.add_trouble("changed", f"{before.path.name} is not what the next file of its process names")
        elif not before.sealed:
            before.add_trouble("cut", f"{before.path.name} has no seal, and its process went on: its end is missing")


def _of_a_day(segment: SegmentText) -> None:
    """The head of a compacted day that cannot be trusted: of segments that made room it alone knew."""
    try:
        day = datetime.fromisoformat(segment.path.parent.name.rpartition("=")[2]).replace(tzinfo=UTC)
    except ValueError:
        began = over = None
    else:
        began = int(day.timestamp()) * 1_000_000_000
        over = began + DAY
    segment.unknown.append((began or 0, over or FOREVER, str(segment.trouble)))


def _unknown(files: list[SegmentText]) -> None:
    """From when to when a process may have seen what no file tells: files that are gone, or cannot be read.

    The first file of a process begins when its name says, another one when that before it ended; at the end of a day
    of UTC the next one is begun.
    """
    since, number = _started(files[0]), -1
    for segment in files:
        missing = segment.number - number - 1 + (not segment.header)
        number = segment.number
        if missing > 0:
            began = int(segment.header.get("started_ns", 0))
            over = began or ((since // DAY + missing) * DAY if since else FOREVER)
            text = str(segment.trouble) if not segment.header else f"files of {segment.process} are gone"
            segment.unknown.append((since, max(over, since + 1), text))
            since = over if over < FOREVER else since
        if segment.header:
            since = max(since, segment.sealed_at, segment.last_at)


def _started(segment: SegmentText) -> int:
    """When a process began, by the name of its files; 0 where the name does not say."""
    first = segment.path.name.partition("-")[0]
    return int(first) if first.isdigit() and len(first) < 20 else 0


def _last_word(files: list[SegmentText]) -> None:
    """A process that has ended without saying so was killed: what it saw last is not known.

    One of another host cannot be asked whether it is there: it is by what it writes, every ten seconds. By its own
    lines its session is judged; nobody waits for it any more when its file is as old.
    """
    known = [segment for segment in files if segment.header]
    last = known[-1] if known else None
    said, written = (max((getattr(each, name) for each in known), default=0) for name in ("last_at", "written_at"))
    silent = last is not None and headers.is_silent(last.header, said)
    ended = any(segment.ended for segment in files) or (
        last is not None and headers.is_silent(last.header, said, written)
    )
    for segment in files:
        segment.ended = ended
    if last is not None and last.muted and not last.sealed and not files[-1].farewell:
        text = f"{last.path.name} could not take the last lines of its process (is the disk full?): a difference may be"
        last.add_trouble("unwritten", f"{text} among them", last.last_at)
    if last is None or not (ended or silent):
        _no_beat(files, last, max(said, written))
        return
    if files[-1].farewell:
        if not last.sealed and headers.is_gone(last.header):
            last.add_trouble("unsealed", f"{last.path.name} has an end and no seal: it was killed while it closed")
        return
    if not any(trouble.what == "torn" for trouble in last.troubles):
        why = "has no end: its process was killed, it left by os._exit, or its disk was full or read-only"
        if silent:
            why = (
                f"has no end, and nothing was heard of its process for more than {headers.SILENT_S} s: it was killed, "
                "its disk is full, or its clock behind"
            )
        last.add_trouble("killed", f"{last.path.name} {why}; what came after is not known", last.last_at)


def _no_beat(files: Sequence[SegmentText], last: SegmentText | None, heard_ns: int) -> None:
    """A process that is here and writes no heartbeat: what it sees goes nowhere, or it stands still."""
    if last is None or any(segment.farewell for segment in files) or last.sealed:
        return
    quiet = headers.quiet_s(last.header, heard_ns)
    if quiet > headers.QUIET_S:
        text = (
            f"{last.path.name}: its process is there and has written nothing for {quiet:,.0f} s, not even a heartbeat: "
            "its disk is read-only, full or gone, or it stands still; what it sees is not known"
        )
        last.add_trouble("silent", text, heard_ns)


def _newest_counts(files: list[SegmentText]) -> None:
    """Counters go on over the files of a process: only the newest count, or each call would count twice."""
    units: set[str] = set()
    days: set[tuple[Any, Any]] = set()
    for segment in reversed(files):
        segment.counters = {name: of for name, of in segment.counters.items() if name not in units}
        units.update(segment.counters)
        segment.sessions = [entry for entry in segment.sessions if (entry["unit"], entry["day"]) not in days]
        days.update((entry["unit"], entry["day"]) for entry in segment.sessions)


def _children(segments: Iterable[SegmentText]) -> None:
    """A child that runs the same Python and wrote nothing is one that exuvia does not see."""
    heard = {(s.header.get("host"), s.header.get("boot"), s.header.get("pid")) for s in segments}
    failed: dict[Path, set[str]] = {}
    for segment in segments:
        host, boot = segment.header.get("host"), segment.header.get("boot")
        folder = segment.path.parent
        troubles, segment.troubles = segment.troubles, []
        for trouble in troubles:
            who = trouble.text.rpartition(" ")[2]
            if trouble.what == "spawned":
                if folder not in failed:
                    failed[folder] = children.unseen(folder)
                said = who in failed[folder]
            elif trouble.what in ("child", "unseen") and who.isdigit():
                said = (host, boot, int(who)) not in heard
            else:
                segment.troubles.append(trouble)
                continue
            if said:
                what = "child" if trouble.what == "child" else "unseen"
                segment.add_trouble(what, f"{segment.path.name}: {SILENT[what]}: {who}", trouble.at)
