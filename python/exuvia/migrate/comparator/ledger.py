"""The ledger of declared divergences: differences that are meant, with an owner, a reason, a day and a budget.

Parity is not equality with bugs. Where legacy is wrong, or Rust is better, the difference is declared in
`exuvia.toml`; it is counted in every report and is a difference again once it is past its day or over its budget:

    [[unit."legacy_bot.prices:round_to_tick".diverges]]
    path = "$"
    legacy = "25299.8"           # as Python's repr; left out: any
    candidate = "25299.75"
    owner = "ana"
    reason = "legacy leaves the grid: 25299.8 is no multiple of 0.25"
    expires = 2027-01-31
    budget = 10

**Bug-compatible switches.** A unit that must first be equal and only later right carries the bug in the *candidate*,
behind a parameter whose default is the right behaviour, and declares nothing. Once the unit is in mode `rust`, the
switch is turned, each difference to legacy is declared here until its day, and then the parameter is deleted. A
switch is named after what it does, not after who wanted it: `exuvia.bars` takes `late="into_current"`, as a system
does that adds a late tick to the open bar, beside `drop`, `reject` and `revise`. Never hide a bug by a tolerance:
`abs:0.1` on a price would hide the next bug too.
"""

from __future__ import annotations

import datetime
import re
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from exuvia._exuvia import Comparator
from exuvia.migrate.config import split_method

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from exuvia.migrate.config import UnitConfig
    from exuvia.migrate.config.tables import Divergence
    from exuvia.migrate.shadow.protocol import Side

__all__ = ["LedgerLine", "comparator_of", "comparators", "declared_name", "lines", "of_unit", "today"]

_IGNORED = re.compile(
    r"ignore\((?P<owner>[^,]*), (?P<reason>.*?)(?:, until=(?P<until>\d{4}-\d\d-\d\d))?(?:, budget=(?P<budget>\d+))?\)",
    re.DOTALL,
)


def today() -> datetime.date:
    """Return the day by which declarations expire, in UTC. The comparator asks here, so a test may answer instead."""
    return datetime.datetime.now(datetime.UTC).date()


@dataclass(frozen=True, slots=True)
class LedgerLine:
    """How one declared divergence stands, or an ignoring rule with a day or a budget.

    Attributes:
        path: Where it is.
        rule: Its name in verdicts and evidence.
        owner: Who answers for it.
        reason: Why it is right.
        expires: The last day on which it holds; `None` if an ignoring rule names none.
        budget: How many hits are declared; `None` if an ignoring rule names none.
        hits: How many there were.
        state: `unused`, `open`, `used up` (at its budget), `over budget` or `expired`.
    """

    path: str
    rule: str
    owner: str
    reason: str
    expires: datetime.date | None
    budget: int | None
    hits: int
    state: str

    @property
    def holds(self) -> bool:
        """Whether all its hits were inside of what is declared."""
        return self.state not in ("over budget", "expired")

    @property
    def fails(self) -> str | None:
        """Why its hits are differences again, if they are: what was never hit fails nothing."""
        if self.holds or not self.hits:
            return None
        times = "1 hit" if self.hits == 1 else f"{self.hits:,} hits"
        if self.state == "expired":
            why = f"{times}, and it expired on {self.expires}"
        else:
            why = f"{times} of a budget of {self.budget:,}"
        return f"what is declared at {self.path} is a difference again: {why}, over all processes and days: {self.rule}"

    def as_dict(self) -> dict[str, Any]:
        """Return everything as plain values, for `--json`."""
        return {
            "path": self.path,
            "rule": self.rule,
            "expires": None if self.expires is None else str(self.expires),
            "budget": self.budget,
            "hits": self.hits,
            "state": self.state,
        }


def declared_name(entry: Divergence) -> str:
    """Return a divergence's name as it stands in verdicts and evidence.

    Args:
        entry: As declared.
    """
    sides = ["any" if value is None else value for value in (entry.legacy, entry.candidate)]
    values = "" if sides == ["any", "any"] else f"{sides[0]} -> {sides[1]}, "
    owner, reason = entry.owner.strip(), entry.reason.strip()
    return f"declared({values}{owner}, {reason}, until={entry.expires}, budget={entry.budget})"


def lines(
    divergences: Iterable[Divergence], hits: Mapping[tuple[str, str], int], day: datetime.date | None = None
) -> list[LedgerLine]:
    """Say how each declared divergence stands, by the hits of all processes: a budget is one for all of them.

    Args:
        divergences: As declared, of one unit.
        hits: Counts by path and name, as evidence has them under `ignored`.
        day: The day; today if left out.
    """
    now = today() if day is None else day
    made = []
    for entry in divergences:
        path, name = split_method(entry.path)[1], declared_name(entry)
        count = hits.get((path, name), 0)
        state = _state(count, entry.expires, entry.budget, now)
        made.append(
            LedgerLine(path, name, entry.owner, entry.reason, entry.expires, entry.budget, count, state),
        )
    return made


def of_unit(
    unit: UnitConfig, hits: Mapping[tuple[str, str], int], day: datetime.date | None = None
) -> list[LedgerLine]:
    """Say how all that is declared of a unit stands: its divergences, and ignoring rules with a day or a budget.

    Args:
        unit: The unit.
        hits: Counts by path and name over all processes and days of the code that is judged.
        day: The day; today if left out.
    """
    now = today() if day is None else day
    made = lines(unit.divergences, hits, now)
    for (path, name), count in hits.items():
        found = _IGNORED.fullmatch(name)
        if found is None or (found["until"] is None and found["budget"] is None):
            continue
        last = None if found["until"] is None else datetime.date.fromisoformat(found["until"])
        budget = None if found["budget"] is None else int(found["budget"])
        state = _state(count, last, budget, now)
        made.append(LedgerLine(path, name, found["owner"], found["reason"], last, budget, count, state))
    return made


def _state(count: int, last: datetime.date | None, budget: int | None, now: datetime.date) -> str:
    if last is not None and now > last:
        return "expired"
    if budget is not None and count > budget:
        return "over budget"
    if count == 0:
        return "unused"
    return "used up" if count == budget else "open"


def comparator_of(
    unit: UnitConfig | Side,
    rules: Mapping[str, str] | None = None,
    *,
    method: str = "",
    share: Comparator | None = None,
) -> Comparator:
    """Make the comparator of a unit: its rules and its declared divergences.

    Args:
        unit: The unit.
        rules: Rules of one method of a class; the unit's own if left out.
        method: The method, whose divergences count besides those that name none.
        share: A comparator of the same unit, with which renamed ids and counted hits are shared.

    Raises:
        CompareError: For a rule or divergence that cannot be read.
    """
    mine = _of_method(unit.divergences, method) if unit.divergences else ()
    return Comparator(dict(unit.compare) if rules is None else rules, divergences=mine, share=share)


def comparators(compare: Iterable[tuple[str, str]], divergences: Iterable[Divergence] = ()) -> dict[str, Comparator]:
    """Make the comparators of a unit by method: `""` is for all methods that nothing is declared for.

    Rules without a method hold for every method, those with one are added to them. All share one renaming of ids
    and one count of hits.

    >>> made = comparators([("$.price", "tick:0.01"), ("add:$", "number")])
    >>> {method: comparator.rules for method, comparator in made.items()}
    {'': [('$.price', 'tick:0.01')], 'add': [('$.price', 'tick:0.01'), ('$', 'number')]}

    Args:
        compare: Rules by path, with or without a method before it.
        divergences: As declared.

    Raises:
        CompareError: For a rule or divergence that cannot be read.
    """
    declared = tuple(divergences)
    common: dict[str, str] = {}
    own: dict[str, dict[str, str]] = {}
    for written, rule in compare:
        method, path = split_method(written)
        (common if method is None else own.setdefault(method, {}))[path] = rule
    for entry in declared:
        method, _ = split_method(entry.path)
        if method is not None:
            own.setdefault(method, {})
    whole = Comparator(common, divergences=_of_method(declared, ""))
    made = {
        method: Comparator({**common, **rules}, divergences=_of_method(declared, method), share=whole)
        for method, rules in own.items()
    }
    return {"": whole, **made}


def _of_method(divergences: Iterable[Divergence], method: str) -> list[Divergence]:
    """Divergences of one method and of all, without the method before their paths."""
    return [
        replace(entry, path=path)
        for entry in divergences
        for named, path in [split_method(entry.path)]
        if named in (None, method)
    ]
