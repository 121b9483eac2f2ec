"""Two processes that each write their own artefacts, for the tests of the gates: a folder, days, and a configuration."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from datetime import date, timedelta
from typing import TYPE_CHECKING, Any

from exuvia.migrate import load
from exuvia.migrate.evidence import reading
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
