"""Evidence of all processes, read back: what each segment holds, and the status of each unit over those of one F."""

from __future__ import annotations

import hashlib
import stat
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from exuvia import _exuvia
from exuvia.errors import MigrateError
from exuvia.migrate import fingerprint
from exuvia.migrate.comparator import ledger
from exuvia.migrate.dispatch import serving
from exuvia.migrate.evidence import chain, flipping, folder, linking, members, unwritten
from exuvia.migrate.evidence import header as headers
from exuvia.migrate.evidence.linking import Trouble
from exuvia.migrate.evidence.text import SegmentText
from exuvia.migrate.gates import restarts
from exuvia.migrate.gates.verdict import UnitStatus
from exuvia.migrate.modes import journal as modes
from exuvia.migrate.modes import standing, worth
from exuvia.migrate.own import json, time
from exuvia.migrate.shadow.inside import uncontained

if TYPE_CHECKING:
    from pathlib import Path

    from exuvia.migrate.config import Config, UnitConfig

__all__ = ["SegmentText", "head", "heads", "lines", "read_folder", "read_segment", "statuses"]

EXAMPLES = 40
FROM_DAY = (
    *("header", "counters", "mismatches", "sessions", "novel", "modes"),
    *("ended", "farewell", "sealed", "sealed_at", "digest", "frames", "last_at"),
)
NOT_WHOLE = (
    *("torn", "killed", "cut", "unsealed", "damaged", "changed", "missing", "headless", "refused", "newer"),
    *("lost", "stopped", "quota", "unwritten", "unseen", "silent"),
)
"""What is wrong with evidence that does not hold all that was seen."""
FOREVER = 2**63 - 1
RETRIES = 5
SHADOW_OFF = "shadow off"
RETRY_S = 0.02
LISTS = {"mismatch": "mismatches", "session": "sessions", "novel": "novel", "mode": "modes", "remark": "remarks"}


def read_segment(path: Path) -> SegmentText:
    """Read one file; a torn end is what a kill leaves, and is seen.

    Args:
        path: The file.
    """
    segment = _read(path)
    for _ in range(RETRIES):
        if segment.ended or segment.sealed or not any(trouble.what == "torn" for trouble in segment.troubles):
            break
        # Its process is at work: this was read in the middle of a write.
        time.sleep(RETRY_S)
        segment = _read(path)
    return segment


def _read(path: Path) -> SegmentText:
    segment = SegmentText(path)
    try:
        seen = path.lstat()
        segment.written_at, segment.muted = seen.st_mtime_ns, not seen.st_mode & stat.S_IWUSR
        data = folder.read_file(path)
        kept, segment.frames, damaged, torn, seal = _exuvia.evidence_scan(data, False)
    except OSError as error:
        segment.add_trouble("refused", f"{path.name} is not read: {error}")
        return segment
    except MigrateError as error:
        segment.add_trouble("newer", f"{path.name} was {error}")
        return segment
    segment.length = len(data)
    segment.digest = hashlib.sha256(data if seal is None else memoryview(data)[:seal]).hexdigest()
    for kind, payload in kept:
        if kind == "call":
            segment.recorded.append(payload)
        else:
            _take(segment, kind, payload)
    for offset, length in damaged:
        segment.add_trouble("damaged", f"{path.name}: {length} bytes at {offset} are not what was written")
    if torn is not None:
        segment.add_trouble("torn", f"{path.name} ends in a torn frame ({torn[1]} bytes): its process was killed")
    if segment.sealed and seal is None:
        segment.sealed = False
        segment.add_trouble("changed", f"{path.name} was changed after it was sealed: something follows its seal")
    if not segment.header:
        segment.add_trouble("headless", f"{path.name} has no header: nobody knows what it is evidence of")
    elif not segment.ended and headers.is_gone(segment.header):
        segment.ended = True
    return segment


def _take(segment: SegmentText, kind: str, payload: bytes) -> None:
    try:
        entry = json.loads(payload)
    except ValueError:
        segment.add_trouble("damaged", f"{segment.path.name}: a frame of kind {kind!r} is not JSON")
        return
    segment.last_at = max(segment.last_at, int(entry.get("at", 0)))
    if kind in LISTS:
        getattr(segment, LISTS[kind]).append(entry)
    elif kind == "header":
        segment.header = segment.header or entry
    elif kind == "unit":
        # A unit whose module came after install: only then was it known what it is made of.
        unit = str(entry.get("unit"))
        segment.header.setdefault("fingerprints", {})[unit] = entry.get("fingerprint", "")
        segment.header.setdefault("sources", {})[unit] = entry.get("sources", {})
        if "build" in entry:
            # The extension was not what its wheel's RECORD says, which was seen only after the header was written.
            segment.header["build"] = entry["build"]
            segment.header.setdefault("parts", {})[unit] = entry.get("parts", {})
    elif kind == "counters":
        segment.counters = entry.get("units", {})
        if entry.get("lost"):
            segment.add_trouble(
                "lost", f"{segment.path.name}: {entry['lost']} lines of evidence were lost", entry["at"]
            )
    elif kind == "end":
        segment.ended = segment.farewell = True
    elif kind == "seal":
        segment.sealed, segment.sealed_at = True, entry["at"]
        if entry.get("digest") != segment.digest:
            segment.add_trouble("changed", f"{segment.path.name} was changed after it was sealed")
    elif kind == "trouble":
        what, text = str(entry.get("what", "trouble")), str(entry.get("text", entry.get("what", "")))
        if SHADOW_OFF in what:
            what = "quarantined" if f"{SHADOW_OFF}: quarantined" in what else SHADOW_OFF
        segment.add_trouble(what, f"{segment.path.name}: {text}", entry.get("at"), str(entry.get("unit", "")))


def lines(path: Path) -> list[dict[str, Any]]:
    """Return every line of a segment, those that later ones replace among them.

    Args:
        path: The file.

    Raises:
        OSError: If it is refused.
        MigrateError: If a newer exuvia wrote it.
    """
    kept = _exuvia.evidence_scan(folder.read_file(path), True)[0]
    return [json.loads(payload) for _, payload in kept]


def read_folder(evidence: Path) -> list[SegmentText]:
    """Read every segment of an evidence folder, oldest first; those that made room are known by their compacted day.

    Args:
        evidence: The folder; if it is missing there is no evidence.
    """
    files = folder.segments(evidence)
    days = [(path, *chain.read_day(path)) for path in folder.day_folders(evidence)]
    found = [read_segment(path) for path in files]
    known = {path.name: segment for path, segment in zip(files, found, strict=True)}
    for path, day, said in days:
        wrong = said or (None if day else _headless(path, found))
        if wrong is not None:
            broken = SegmentText(path / chain.HEAD_FILE)
            broken.add_trouble("changed", wrong)
            found.append(broken)
        for entry in day.get("segments", ()):
            held = known.get(entry["name"])
            if held is None:
                found.append(_from_day(evidence, path, entry))
            elif held.digest != entry["digest"]:
                held.add_trouble("changed", f"{entry['name']} was changed after its day was compacted")
    unread = {path.name.rpartition("=")[2] for path, _, wrong in days if wrong is not None}
    gone = _gone(evidence, {segment.path.name for segment in found})
    # Of a day whose head cannot be trusted it is said once.
    found += [segment for segment in gone if _day_of(segment) not in unread]
    marks = unwritten.marked(evidence)
    heard = {segment.process for segment in found}
    found += [SegmentText(evidence / f"{process}-0{folder.SUFFIX}") for process in marks if process not in heard]
    found.sort(key=lambda segment: folder.order(segment.path.name))
    _mark_unwritten(found, marks)
    linking.link(found)
    return found


def _mark_unwritten(found: list[SegmentText], marks: dict[str, tuple[int, str]]) -> None:
    """Processes that said beside the evidence that it could not be written: at the last file of each."""
    for segment in reversed(found):
        since, why = marks.pop(segment.process, (0, ""))
        if since and not any(trouble.what == "unwritten" for trouble in segment.troubles):
            text = f"{segment.path.name} could not take the last lines of its process ({why}): a difference may be"
            segment.add_trouble("unwritten", f"{text} among them", since)


def _day_of(segment: SegmentText) -> str:
    """The day of UTC on which the process of a file began."""
    return datetime.fromtimestamp(min(_began(segment), 2**62) / 1e9, UTC).strftime("%Y-%m-%d")


def _headless(day: Path, found: list[SegmentText]) -> str | None:
    """Tables of a compacted day without the head that says what they are of, and its segments are gone too."""
    began = set(map(_day_of, found))
    if day.name.rpartition("=")[2] in began or not any(day.glob("*.parquet")):
        return None
    return f"{day / chain.HEAD_FILE} is gone: without it nobody knows what the tables beside it are of"


def _gone(evidence: Path, there: set[str]) -> list[SegmentText]:
    """Files that were begun in this folder, and that neither it nor a compacted day has any more."""
    found = []
    for name in members.names(evidence):
        if name not in there:
            gone = SegmentText(evidence / name)
            gone.add_trouble("missing", f"{name} was begun in this folder and is gone: what it saw is not known")
            found.append(gone)
    return found


def _from_day(evidence: Path, day: Path, entry: dict[str, Any]) -> SegmentText:
    plain: dict[str, Any] = {name: entry[name] for name in FROM_DAY}
    plain.update(
        length=entry["bytes"],
        muted=entry.get("muted", False),
        day=day,
        troubles=[Trouble(*said) for said in entry["troubles"]],
    )
    return SegmentText(evidence / entry["name"], **plain)


def heads(evidence: Path, segments: list[SegmentText] | None = None) -> list[str]:
    """Return every head that the chain of sealed segments had, oldest first: an approval names one of them.

    Args:
        evidence: The evidence folder.
        segments: As `read_folder` returns them, if that was done already.
    """
    compacted = {
        entry["name"]: (entry["sealed_at"], entry["name"], entry["digest"]) for entry in chain.compacted(evidence)
    }
    read = read_folder(evidence) if segments is None else segments
    sealed = {each.path.name: (each.sealed_at, each.path.name, each.digest) for each in read if each.sealed}
    changed = {each.path.name: each.digest for each in read if any(t.what == "changed" for t in each.troubles)}
    links = {**compacted, **sealed}
    return chain.heads((at, name, changed.get(name, digest)) for at, name, digest in links.values())


def head(evidence: Path, segments: list[SegmentText] | None = None) -> str:
    """Return the digest that an approval names: the head of the chain over everything that is sealed.

    Args:
        evidence: The evidence folder.
        segments: As `read_folder` returns them, if that was done already.
    """
    return heads(evidence, segments)[-1]


def statuses(config: Config, segments: list[SegmentText]) -> list[UnitStatus]:
    """Return the status of every configured unit over what was recorded.

    Only evidence of the code, rules and build as they are now counts; how much was left out is noted.

    Args:
        config: The configuration.
        segments: As `read_folder` returns them.
    """
    journal = modes.read(config.evidence)
    headless = [segment for segment in segments if not segment.header and segment.trouble]
    lost = [str(segment.trouble) for segment in headless]
    try:
        anew = restarts.of_units(config.evidence)
    except MigrateError as error:
        # Without them more counts, not less.
        anew, lost = {}, [*lost, str(error)]
    states = {
        unit.name: _status(config, unit, segments, journal, lost, anew.get(unit.name, []), headless)
        for unit in config.units.values()
    }
    flipping.together(config, states, journal)
    return list(states.values())


def _status(  # noqa: PLR0917 - what is on record, of each kind
    config: Config,
    unit: UnitConfig,
    segments: list[SegmentText],
    journal: modes.Journal,
    lost: list[str],
    anew: list[tuple[int, str]],
    headless: list[SegmentText],
) -> UnitStatus:
    name = unit.name
    mine = [segment for segment in segments if name in segment.header.get("fingerprints", {})]
    now = _current(config, unit, mine)
    mine, left = _since(name, mine, anew)
    state = UnitStatus(unit=name, mode=unit.mode, file=unit.mode, fingerprint=now, rehearsal=config.rehearsal)
    state.sample = unit.sample
    state.effective = journal.effective(name, unit.mode, config)
    state.worth = str(worth.of_promotion(config, journal, unit) or "")
    state.quarantined = str(journal.quarantined.get(name, {}).get("cause") or "")
    others: list[SegmentText] = []
    for segment in mine:
        counters = segment.counters.get(name, {})
        if segment.header["fingerprints"][name] != now:
            others.append(segment)
            continue
        if segment.ended and "objects" in counters:
            counters = {**counters, "objects": {**counters["objects"], "alive": 0}}
        if counters or not segment.header.get("number"):
            state.add(counters)
        state.rehearsal = state.rehearsal or bool(segment.header.get("rehearsal"))
        examples = [entry for entry in segment.mismatches if entry.get("unit") == name]
        state.examples += examples[: max(0, EXAMPLES - len(state.examples))]
        state.counts["recorded"] += len(examples)
        state.signatures.update(
            signature for entry in segment.novel if entry.get("unit") == name for signature in entry["signatures"]
        )
        state.notes += [trouble.text for trouble in segment.troubles if trouble.unit in ("", name)]
        state.troubles += [
            trouble.text for trouble in segment.troubles if trouble.unit in ("", name) and trouble.what in NOT_WHOLE
        ]
        remarks = [str(line.get("text")) for line in segment.remarks if line.get("unit") == name]
        state.notes += [text for text in remarks if text not in state.notes]
    state.troubles += _unread(headless, [each for each in mine if each.header["fingerprints"][name] == now], anew)
    if not state.segments:
        state.mode = state.effective
    if state.counts["recorded"] and not state.counts["differed"]:
        # A kill came between a difference, which is on disk at once, and the next counters.
        state.counts["differed"] = state.counts["recorded"]
        state.counts["compared"] = max(state.counts["compared"], state.counts["recorded"])
    state.ledger = ledger.of_unit(unit, state.ignored)
    state.notes = [
        *_standing(config, state, unit, journal),
        *state.object_notes(),
        *serving.notes(unit, state),
        *state.notes,
        *lost,
    ]
    if anew:
        said = "1 run" if left == 1 else f"{left:,} runs"
        state.notes.append(
            f"counted anew {len(anew):,}×, last because of: {anew[-1][1]}; not counted: {said} from before"
        )
    if state.refused:
        state.effective = "legacy"
    if others:
        runs = len({segment.header.get("process", segment.path.name) for segment in others})
        said = "1 run" if runs == 1 else f"{runs} runs"
        changed = fingerprint.changes(config, unit, others[-1].header)
        what = f"; changed since: {', '.join(changed)}" if changed else ""
        state.notes.append(f"evidence of {said} with other code, rules or build is not counted{what}")
    state.notes += uncontained(unit)
    return state


def _unread(headless: list[SegmentText], mine: list[SegmentText], anew: list[tuple[int, str]]) -> list[str]:
    """What cannot be read of the time since the code of now was seen first, or since the last restart."""
    since = max(min(map(_began, mine), default=FOREVER), anew[-1][0] if anew else 0)
    return [
        str(segment.trouble) for segment in headless if max((over for _, over, _ in segment.unknown), default=0) > since
    ]


def _since(name: str, mine: list[SegmentText], anew: list[tuple[int, str]]) -> tuple[list[SegmentText], int]:
    """The files of the processes that count after the last restart, and how many do not: what differed counts on."""
    if not anew:
        return mine, 0
    differing = {
        segment.process
        for segment in mine
        if segment.counters.get(name, {}).get("differed")
        or any(line.get("unit") == name for line in segment.mismatches)
    }
    kept = [segment for segment in mine if segment.process in differing or _began(segment) > anew[-1][0]]
    return kept, len({segment.process for segment in mine} - {segment.process for segment in kept})


def _began(segment: SegmentText) -> int:
    """When the process of a file began to write, in UTC nanoseconds."""
    began = segment.process.partition("-")[0]
    return int(began) if began.isdigit() else int(segment.header.get("started_ns", 0))


def _current(config: Config, unit: UnitConfig, mine: list[SegmentText]) -> str:
    """The fingerprint of the unit as it is on disk now: the newest that still holds, else a new one."""
    now = ""
    seen: set[str] = set()
    for segment in reversed(mine):
        said = segment.header["fingerprints"][unit.name]
        if said in seen:
            continue
        seen.add(said)
        now = fingerprint.current(config, unit, segment.header)
        if now == said:
            break
    return now


def _standing(config: Config, state: UnitStatus, unit: UnitConfig, journal: modes.Journal) -> list[str]:
    """Why the unit does not stand where the file puts it, or stands there without a PASS."""
    if journal.broken:
        return [f"legacy, because of the mode journal: {journal.broken}"]
    notes = []
    held = standing.note(config, journal, unit.name)
    if held:
        notes.append(held)
    if journal.frozen is not None:
        notes.append(f"frozen by {journal.frozen.get('who')}: {journal.frozen['reason']}; nothing is promoted")
    stale = None if config.rehearsal or not state.fingerprint else journal.stale(unit.name, state.fingerprint)
    if stale is not None and state.effective in ("canary", "rust"):
        state.effective = "shadow"
        notes.append(stale)
    if state.effective == "rust":
        allowed, note = flipping.flip_allowed(state, journal)
        if not allowed:
            state.effective = "shadow"
        if note:
            notes.append(note)
    return notes
