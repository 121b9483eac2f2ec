"""Whether a unit is worth its move: the verdict on record, or a written word to move it all the same.

`exuvia worth --record` writes the verdict into the mode journal. What overrides it is given in the configuration or
with `exuvia promote --override`; that one is written into the entry that it lets through, and holds from then on.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from exuvia.migrate.config import Config, UnitConfig
    from exuvia.migrate.modes.said import Journal

__all__ = ["MIGRATE", "Worth", "of_promotion", "on_record"]

MIGRATE = "migrate"
"""The one verdict that lets a unit move."""


@dataclass(frozen=True, slots=True)
class Worth:
    """Why a unit moves, or why it should not.

    >>> print(Worth("migrate", "62% of the CPU time", "2026-11-21"))
    migrate (62% of the CPU time), 2026-11-21
    >>> print(Worth("no: it waits", override="one language less"))
    moves all the same: one language less (the verdict was: no: it waits)

    Attributes:
        verdict: `migrate`, or why not; `None` if nobody asked.
        why: The figures behind it, in a sentence.
        at: When it was given, in UTC.
        override: Why the unit moves all the same.
    """

    verdict: str | None = None
    why: str = ""
    at: str = ""
    override: str | None = None

    @property
    def state(self) -> str:
        """`PASS`, `FAIL`, or `INCONCLUSIVE` where nobody asked."""
        if self.override is not None or self.verdict == MIGRATE:
            return "PASS"
        return "INCONCLUSIVE" if self.verdict is None else "FAIL"

    def __str__(self) -> str:
        """Say it in a sentence."""
        if self.override is not None:
            before = "" if self.verdict is None else f" (the verdict was: {self.verdict})"
            return f"moves all the same: {self.override}{before}"
        if self.verdict is None:
            return "no worth-it verdict is on record"
        why = f" ({self.why})" if self.why else ""
        return f"{self.verdict}{why}{f', {self.at[:10]}' if self.at else ''}"

    def as_dict(self) -> dict[str, Any]:
        """Return what is known as plain values, for the journal."""
        return {name: value for name, value in asdict(self).items() if value}


def on_record(journal: Journal, unit: UnitConfig, override: str | None = None) -> Worth:
    """Return the last verdict on a unit, and what overrides it.

    Args:
        journal: The mode journal.
        unit: The unit.
        override: Why it moves all the same, as it was said now.
    """
    found = Worth()
    for entry in journal.lines:
        kind = entry.get("kind", "mode")
        if kind == "worth" and entry["unit"] == unit.name:
            found = Worth(
                str(entry["verdict"]), str(entry.get("why") or ""), str(entry.get("at") or ""), found.override
            )
        elif kind == "mode":
            said = _of_entry(entry, unit.name)
            found = Worth(found.verdict, found.why, found.at, said.override or found.override)
    return Worth(found.verdict, found.why, found.at, override or unit.override or found.override)


def of_promotion(config: Config, journal: Journal, unit: UnitConfig) -> Worth | None:
    """Return on what verdict a unit was promoted, or else what is on record for it; `None` if it needs none.

    Args:
        config: The configuration.
        journal: The mode journal.
        unit: The unit.
    """
    if unit.aim != "speed" or config.rehearsal:
        return None
    entry = journal.entries.get(unit.name, {})
    said = _of_entry(entry, unit.name)
    found = said if said != Worth() else on_record(journal, unit)
    return found if found != Worth() else None


def _of_entry(entry: dict[str, Any], unit: str) -> Worth:
    """What an entry that promoted a unit says of its worth; a line that says it otherwise says nothing."""
    all_of_it = entry.get("worth")
    said = all_of_it.get(unit) if isinstance(all_of_it, dict) else None
    if not isinstance(said, dict):
        return Worth()
    texts = {name: str(said[name]) for name in ("verdict", "why", "at", "override") if said.get(name)}
    return Worth(**texts)
