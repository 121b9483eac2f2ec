"""Both sides of a gate on one day: its hours, its rows, and what is found on it."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from exuvia.migrate.gates.alive import EVERY
from exuvia.migrate.gates.artefacts import DAY as DAY_TEXT
from exuvia.migrate.gates.artefacts import ArtefactError, at_ns, place, rows_of, shown
from exuvia.migrate.gates.artefacts import field as field_of
from exuvia.migrate.gates.kinds import DATES

if TYPE_CHECKING:
    from pathlib import Path

    from exuvia.migrate.config import GateConfig

__all__ = ["BETWEEN", "GateDay", "Sides", "Span"]

SECOND = 1_000_000_000
MINUTE = 60 * SECOND
DAY = 24 * 60 * MINUTE
PLAUSIBLE = 1_000_000_000 * SECOND
SLOP = 60 * MINUTE
"""By how much a row may come after its day: what is written at the close bears a time a moment later."""
OTHER_DAYS = 0.05
"""Share of an artefact's rows that may be of another day than its folder: what is written about midnight."""
BETWEEN = "\x1f"
"""What stands between the fields of a key."""


@dataclass(frozen=True, slots=True)
class Span:
    """A session's day with its hours.

    Attributes:
        day: `YYYY-MM-DD`.
        open: Its first instant, UTC nanoseconds.
        close: The first instant after it.
        before: When the session before it closed; a day before its own open where nothing is said.
        after: When the session after it opens; a day after its own close where nothing is said.
    """

    day: str
    open: int
    close: int
    before: int = 0
    after: int = 0

    def of_other_days(self, times: list[int]) -> list[int]:
        """Return the times that belong to the session before, or to the one after.

        Args:
            times: UTC nanoseconds.
        """
        first, last = self.before or self.open - DAY, self.after or self.close + DAY
        return [at for at in times if not first - SLOP <= at < last + SLOP]


@dataclass(slots=True)
class GateDay:
    """What one gate says of one day.

    Attributes:
        gate: The gate's name.
        kind: Its kind.
        day: The day.
        verdict: `PASS`, `FAIL` or `INCONCLUSIVE`.
        reasons: Why not PASS.
        numbers: What was counted, for `--json`.
        compared: Pairs, keys, members or signs that were compared; nothing is INCONCLUSIVE.
        series: By series the mean difference of the day; or counts by minute; or members of both and of either.
        builds: What each side's rows say of the process that wrote them.
        alive: By side the minutes since 1970 in which its rows say that something happened, where they have a time.
        every: Seconds of a stretch in which something must happen, 0 where once a day is all that is asked.
        failed: How many of the reasons are of what was seen and must not be.
    """

    gate: str
    kind: str
    day: str
    verdict: str = "PASS"
    reasons: list[str] = field(default_factory=list)
    numbers: dict[str, Any] = field(default_factory=dict)
    compared: int = 0
    series: Any = None
    builds: dict[str, tuple[str, ...]] = field(default_factory=dict)
    alive: dict[str, set[int]] = field(default_factory=dict)
    every: float = EVERY
    failed: int = 0

    def fails(self, reason: str) -> None:
        """Note what was seen and must not be; it is said before what is missing."""
        self.verdict = "FAIL"
        self.reasons.insert(self.failed, reason)
        self.failed += 1

    def unknown(self, reason: str) -> None:
        """Note what is missing; it never mends a FAIL."""
        if self.verdict != "FAIL":
            self.verdict = "INCONCLUSIVE"
        self.reasons.append(reason)

    def as_dict(self) -> dict[str, Any]:
        """Return it as plain values, for `--json`."""
        numbers = {"compared": self.compared, **self.numbers}
        return {"kind": self.kind, "verdict": self.verdict, "reasons": self.reasons, **numbers}


class Sides:
    """The rows of both sides on a day.

    Args:
        gate: The gate.
        folder: What relative paths start from.
        span: The day and its hours.
    """

    def __init__(self, gate: GateConfig, folder: Path, span: Span) -> None:
        self.gate, self.folder, self.span = gate, folder, span
        self.settings = gate.params
        self.named = [side for side in ("legacy", "candidate") if side in self.settings]

    def path(self, side: str) -> Path:
        """Return the artefact's path.

        Args:
            side: `legacy` or `candidate`.
        """
        return place(self.folder, self.settings[side], self.span.day)

    def rows(self, side: str, found: GateDay) -> list[dict[str, Any]]:
        """Read the rows of the day that the gate is about.

        Args:
            side: `legacy` or `candidate`.
            found: Takes up the builds that wrote them.
        """
        path, settings = self.path(side), self.settings
        rows = rows_of(path)
        self._look(side, rows, path, found)
        if "{day}" not in settings[side]:
            rows = [row for row in rows if self._inside(row, path)]
        for name, value in settings.get("where", {}).items():
            rows = [row for row in rows if shown(field_of(row, name, path)) == shown(value)]
        if "build" in settings:
            builds = tuple(sorted({shown(field_of(row, settings["build"], path)) for row in rows}))
            found.builds[side] = builds
            if len(builds) > 1:
                found.unknown(f"two builds in one day: {side} was written by {', '.join(builds)}")
        return rows

    def _look(self, side: str, rows: list[dict[str, Any]], path: Path, found: GateDay) -> None:
        """Take up when the rows say that something happened, and whether it was on this day."""
        name = self.settings.get("when") or next((name for name in self.settings.get("key", ()) if name in DATES), None)
        if name is None:
            return
        if "{day}" not in self.settings[side]:
            rows = [row for row in rows if self._inside(row, path)]
        values = [field_of(row, name, path) for row in rows]
        dates = [str(value) for value in values if DAY_TEXT.fullmatch(str(value))]
        try:
            times = [at_ns(value) for value in values if not DAY_TEXT.fullmatch(str(value))]
        except ArtefactError:
            if "when" in self.settings:
                raise
            return
        if "when" not in self.settings and any(at < PLAUSIBLE for at in times):
            # A number that only bears the name of a time.
            return
        self.dated(side, times, dates, found)

    def dated(self, side: str, times: list[int], dates: list[str], found: GateDay) -> None:
        """Take up the times of a side's rows.

        Args:
            side: `legacy` or `candidate`.
            times: UTC nanoseconds.
            dates: Of rows that name no more than a day.
            found: Takes up what they say.
        """
        if times:
            found.alive[side] = {at // MINUTE for at in times}
        late = self.span.of_other_days(times)
        other = [day for day in dates if day != self.span.day]
        if len(late) + len(other) > OTHER_DAYS * (len(times) + len(dates)):
            one = other[0] if other else datetime.fromtimestamp(late[0] // SECOND, UTC).isoformat()
            found.unknown(
                f"{len(late) + len(other):,} of {len(times) + len(dates):,} rows of {side} are of another day than "
                f"{self.span.day}, the first of {one}: is it the artefact of this day?"
            )

    def _inside(self, row: dict[str, Any], path: Path) -> bool:
        value = field_of(row, self.settings["when"], path)
        if isinstance(value, str) and len(value) == len(self.span.day) and "-" in value:
            return value == self.span.day
        return self.span.open <= at_ns(value) < self.span.close

    def keyed(self, side: str, rows: list[dict[str, Any]], fields: list[str]) -> list[str]:
        """Return some fields of each row as one text.

        Args:
            side: `legacy` or `candidate`.
            rows: Its rows.
            fields: The fields.
        """
        path = self.path(side)
        return [BETWEEN.join(shown(field_of(row, name, path)) for name in fields) for row in rows]

    def times(self, side: str, rows: list[dict[str, Any]]) -> list[int]:
        """Return the time of each row, UTC nanoseconds.

        Args:
            side: `legacy` or `candidate`.
            rows: Its rows.
        """
        path = self.path(side)
        return [at_ns(field_of(row, self.settings["when"], path)) for row in rows]

    def values(self, side: str, rows: list[dict[str, Any]], name: str) -> list[str]:
        """Return one field of each row as text.

        Args:
            side: `legacy` or `candidate`.
            rows: Its rows.
            name: The field.
        """
        return self.keyed(side, rows, [name])
