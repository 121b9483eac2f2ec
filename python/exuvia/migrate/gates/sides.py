"""Both sides of a gate on one day: its hours, its rows, and what is found on it."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from exuvia.migrate.gates.artefacts import at_ns, place, rows_of, shown
from exuvia.migrate.gates.artefacts import field as field_of

if TYPE_CHECKING:
    from pathlib import Path

    from exuvia.migrate.config import GateConfig

__all__ = ["BETWEEN", "GateDay", "Sides", "Span"]

BETWEEN = "\x1f"
"""What stands between the fields of a key."""


@dataclass(frozen=True, slots=True)
class Span:
    """A session's day with its hours.

    Attributes:
        day: `YYYY-MM-DD`.
        open: Its first instant, UTC nanoseconds.
        close: The first instant after it.
    """

    day: str
    open: int
    close: int


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
        minutes: Minutes since 1970 that a sign of life covers, where the gate is about that.
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
    minutes: set[int] | None = None

    def fails(self, reason: str) -> None:
        """Note what was seen and must not be."""
        self.verdict = "FAIL"
        self.reasons.append(reason)

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
