"""Two processes that each write their own artefacts, for the tests of the gates: a folder, days, a configuration."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from datetime import date, timedelta
from typing import TYPE_CHECKING, Any

from exuvia import _exuvia
from exuvia.migrate import load
from exuvia.migrate.evidence import reading
from exuvia.migrate.evidence import segment as evidence
from exuvia.migrate.evidence.buckets import bucket
from exuvia.migrate.gates import judge, sessions
from exuvia.migrate.modes import journal
from exuvia.sessions import Calendar

if TYPE_CHECKING:
    from pathlib import Path

SECOND = 1_000_000_000


def session_days(calendar: str, first: str, count: int) -> list[str]:
    """The first sessions of a calendar from a day on."""
    days, at = [], date.fromisoformat(first)
    while len(days) < count:
        if Calendar(calendar).session(at) is not None:
            days.append(at.isoformat())
        at += timedelta(days=1)
    return days


@dataclass
class Desk:
    """A folder with a configuration and the artefacts of both sides."""

    folder: Path
    text: str
    group: str
    calendar: str = "XNYS"
    days: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        path = self.folder / "exuvia.toml"
        path.write_text(self.text, encoding="utf-8")
        path.chmod(0o600)
        self.days = self.days or session_days(self.calendar, "2026-02-02", 80)

    def write(self, side: str, day: str, name: str, rows: list[dict[str, Any]]) -> Path:
        path = self.folder / "artefacts" / side / day / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
        return path

    def both(self, day: str, name: str, legacy: list[dict[str, Any]], candidate: list[dict[str, Any]]) -> None:
        self.write("legacy", day, name, legacy)
        self.write("candidate", day, name, candidate)

    def hours(self, day: str) -> tuple[int, int]:
        session = Calendar(self.calendar).session(day)
        assert session is not None
        return session.open, session.close

    def every(self, day: str, seconds: float) -> list[int]:
        start, end = self.hours(day)
        return list(range(start, end, int(seconds * SECOND)))

    def verdict(self, day: str | None = None, to: str | None = None) -> judge.GroupVerdict:
        config = load(self.folder / "exuvia.toml")
        group = sessions.group_named(config, self.group)
        segments = reading.read_folder(config.evidence)
        return judge.group_verdict(config, group, segments, journal.read(config.evidence), to=to, day=day)


UNIT = "bot:price"
MINUTE = 60 * SECOND
UNITS = """
[exuvia]
calendar = "{calendar}"
[unit."bot:price"]
candidate = "shim:price"
effect = "pure"
{more}
[group.bars]
units = ["bot:price"]
sessions = {sessions}
"""


@dataclass
class Said:
    """Trouble, as a segment tells of it."""

    what: str
    text: str
    at: int | None = None
    unit: str = ""


@dataclass
class Seen:
    """One process's evidence, with what the gates read of a segment."""

    header: dict[str, Any]
    counters: dict[str, Any] = field(default_factory=dict)
    mismatches: list[dict[str, Any]] = field(default_factory=list)
    sessions: list[dict[str, Any]] = field(default_factory=list)
    novel: list[dict[str, Any]] = field(default_factory=list)
    modes: list[dict[str, Any]] = field(default_factory=list)
    troubles: list[Said] = field(default_factory=list)
    calls: list[dict[str, Any]] = field(default_factory=list)
    ended: bool = True
    trouble: str | None = None


class Bot:
    """A group of one unit, and processes that leave evidence of its sessions."""

    def __init__(self, folder: Path, calendar: str = "XNYS", sessions: int = 3, more: str = "") -> None:
        self.folder, self.calendar = folder, calendar
        self.desk = Desk(folder, UNITS.format(calendar=calendar, sessions=sessions, more=more), "bars", calendar)
        for name in ("bot.py", "shim.py"):
            (folder / name).write_text("def price(n):\n    return n\n")
        self.config = load(folder / "exuvia.toml")
        self.group = self.config.groups["bars"]
        self.segments: list[Any] = []
        self.days = self.desk.days

    def header(self, build: str = "b1") -> dict[str, Any]:
        from exuvia.migrate import fingerprint

        sources = {UNIT: {str(self.folder / name): "?" for name in ("bot.py", "shim.py")}}
        print_ = fingerprint.current(self.config, self.config.units[UNIT], {"sources": sources})
        return {"fingerprints": {UNIT: print_}, "sources": sources, "build": {"sha256": build}, "host": "desk1"}

    def day(self, day: str, **more: Any) -> Seen:
        """A process that ran through a session; `more` says what was different about it."""
        session = Calendar(self.calendar).session(day)
        assert session is not None
        start, end = more.get("from_ns", session.open), more.get("to_ns", session.close)
        counts = {"compared": 1000, "differed": 0, "missed": 0} | {
            name: more[name] for name in ("compared", "differed", "missed") if name in more
        }
        entries: dict[str, dict[str, Any]] = {}
        for minute in range(start // MINUTE, -(-end // MINUTE)):
            date_, at = (date(1970, 1, 1) + timedelta(days=minute // 1440)).isoformat(), minute % 1440
            entry = entries.setdefault(date_, {"unit": UNIT, "day": date_, "minutes": [[at, at]], "hours": {}})
            entry["minutes"][-1][1] = at
            entry["hours"].setdefault(str(at // 60), [0, 0, 0, 0, 0])
        first = next(iter(next(iter(entries.values()))["hours"].values())) if entries else []
        # Where the candidate serves, what is compared was served by it.
        served = more.get("served", counts["compared"] if more.get("mode") in ("canary", "rust") else 0)
        calls = max(counts["compared"], more.get("calls", 0))
        first[:] = [calls, counts["compared"], counts["differed"], counts["missed"], served] if entries else []
        strata = more.get("strata", [["side=Buy", counts["compared"], counts["differed"]]])
        counters = {"mode": more.get("mode", "shadow"), **counts, "signatures": 4, "strata": strata}
        counters["times"] = {"legacy": [[bucket(2_000), 1_000]], "candidate": [[bucket(1_000), 1_000]]}
        if served and more.get("mode") == "canary":
            for entry in entries.values():
                entry["keys"] = more.get("keys", "3")
        seen = Seen(self.header(more.get("build", "b1")), {UNIT: counters | more.get("counters", {})})
        seen.sessions = list(entries.values())
        seen.novel = [{"unit": UNIT, "at": start, "signatures": more.get("signatures", [1, 2, 3, 4])}]
        self.segments.append(seen)
        return seen

    def sessions(self, until: str | None = None) -> list[sessions.Session]:
        return sessions.sessions_of(self.config, self.group, self.segments, until=until)

    def verdict(self, **more: Any) -> judge.GroupVerdict:
        return judge.group_verdict(self.config, self.group, self.segments, journal.Journal(), **more)

    def write_down(self) -> None:
        """Write the evidence to the evidence folder, in the format of real processes."""
        self.config.evidence.mkdir(mode=0o700, exist_ok=True)
        for number, seen in enumerate(self.segments):
            at = {"at": seen.novel[0]["at"]}
            lines = [
                {
                    "kind": "header",
                    "format": evidence.FORMAT,
                    **seen.header,
                    "process": f"p{number}",
                    "number": 0,
                    **at,
                },
                *({"kind": "novel", **line} for line in seen.novel),
                *({"kind": "mismatch", **line} for line in seen.mismatches),
                *({"kind": "call", **line, **at} for line in seen.calls),
                {"kind": "counters", **at, "units": seen.counters},
                *({"kind": "session", **line, **at} for line in seen.sessions),
                *(
                    {"kind": "trouble", "what": said.what, "text": said.text, "at": said.at, "unit": said.unit}
                    for said in seen.troubles
                ),
                {"kind": "end", **at},
            ]
            payloads = [json.dumps(line, separators=(",", ":")).encode() for line in lines]
            path = self.config.evidence / f"{1_770_000_000_000_000_000 + number}-desk1-{number + 1}-0.seg"
            path.write_bytes(_exuvia.evidence_frames(payloads))
            path.chmod(0o600)
