"""The comparator's self-test: known faults are injected at random places, and it is counted how many were found.

    from exuvia.migrate import self_test
    print(self_test({"$.price": "tick:0.01"}, samples=recorded, seed=7))

A fault counts as caught only where it is: at its path. Below 100 % the evidence does not count.
"""

from __future__ import annotations

import copy
import dataclasses
import random
from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from exuvia._exuvia import Comparator
from exuvia.migrate.comparator.faults import FAULTS, Fault, Nothing
from exuvia.migrate.comparator.faults.order import allowed
from exuvia.migrate.comparator.faults.reach import within
from exuvia.migrate.comparator.samples import made_up
from exuvia.migrate.comparator.sites import Site, replaced, sites

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from exuvia._exuvia import Verdict

__all__ = ["Injected", "SelfTest", "self_test"]

PROBED = 40
TRIES = 50
KEPT = 50


@dataclass(frozen=True, slots=True)
class Injected:
    """A fault that was not found.

    Attributes:
        fault: Its kind.
        path: Where it was injected.
        right: The value there, as its repr, cut.
        wrong: What stood there instead.
        rule: Of a fault that a tolerance hides, the path and rule that do.
    """

    fault: str
    path: str
    right: str
    wrong: str
    rule: str = ""


@dataclass(frozen=True, slots=True)
class SelfTest:
    """What a self-test found.

    Attributes:
        injected: How many faults were injected.
        caught: How many were found at their path.
        kinds: Of each kind, how many were injected and how many caught.
        missed: Faults that were not found although no tolerance excuses it; the first fifty.
        hidden: Faults that a declared tolerance hides and reaches: the last bit of a price under a tick, one more of
            a count or a tick of a price under `abs:1`; the first fifty.
        ignored: Faults that a rule `ignore` takes: counted, not judged.
        missing: How many faults were missed.
        pairs: Equal pairs that were compared.
        alarms: Equal pairs that raised an alarm.
        seed: The seed of the random places.
    """

    injected: int
    caught: int
    kinds: Mapping[str, tuple[int, int]]
    missed: tuple[Injected, ...]
    hidden: tuple[Injected, ...]
    ignored: int
    missing: int
    pairs: int
    alarms: int
    seed: int

    @property
    def ok(self) -> bool:
        """Whether something was caught, nothing gross was missed and no equal pair raised an alarm."""
        return self.caught > 0 and self.missing == 0 and self.alarms == 0

    def as_dict(self) -> dict[str, Any]:
        """Return everything as plain values, for JSON."""
        plain = [[dataclasses.asdict(one) for one in some] for some in (self.missed, self.hidden)]
        return {
            "ok": self.ok,
            "injected": self.injected,
            "caught": self.caught,
            "missing": self.missing,
            "ignored": self.ignored,
            "kinds": {name: list(counts) for name, counts in self.kinds.items()},
            "missed": plain[0],
            "hidden": plain[1],
            "pairs": self.pairs,
            "alarms": self.alarms,
            "seed": self.seed,
        }

    def __str__(self) -> str:
        """Say it in a line, and name what was missed."""
        parts = [
            f"{self.caught:,} of {self.injected:,} faults of {len(self.kinds)} kinds caught",
            f"{self.alarms} alarms in {self.pairs:,} equal pairs",
            f"seed {self.seed}",
        ]
        parts += [self.tolerated] if self.tolerated else []
        parts += [f"{self.ignored:,} ignored by rule"] if self.ignored else []
        parts += ["NOTHING is left that is compared"] if self.injected and not self.caught and not self.missing else []
        parts += [f"MISSED {self.missing:,}: {self.missed[0].fault} at {self.missed[0].path}"] if self.missed else []
        return "; ".join(parts)

    @property
    def tolerated(self) -> str:
        """How many faults lie inside of declared tolerances, and which rule hides which; empty if none does."""
        count = self.injected - self.caught - self.missing - self.ignored
        return f"{count:,} inside of declared tolerances{self._hiding()}" if count else ""

    def _hiding(self) -> str:
        by_rule: dict[str, set[str]] = {}
        for one in self.hidden:
            by_rule.setdefault(one.rule, set()).add(one.fault)
        said = [f"{rule} hides {', '.join(sorted(names))}" for rule, names in sorted(by_rule.items()) if rule]
        return f": {'; '.join(said)}" if said else ""


def self_test(
    rules: Mapping[str, str] | None = None,
    *,
    samples: Sequence[Any] | None = None,
    seed: int = 0,
    instances: int = 1000,
) -> SelfTest:
    """Inject known faults into values at random places, and count those that the comparator finds there.

    >>> found = self_test(seed=1, instances=300)
    >>> found.ok, found.caught == found.injected, found.alarms
    (True, True, 0)
    >>> wide = self_test({"$.fills[*].price": "abs:1"}, seed=1, instances=3000)
    >>> wide.ok, "a tick up" in {one.fault for one in wide.hidden}
    (True, True)
    >>> worst = self_test({"$.fills[*].price": "abs:5000"}, seed=1, instances=3000)
    >>> worst.ok, "a float far off" in {one.fault for one in worst.missed}
    (False, True)

    Args:
        rules: Rules of the unit that is to be trusted; a tolerance hides what lies inside of it, and the result says
            which one hides what. What is far off, by ten times the value and a thousand, must be found whatever is
            declared.
        samples: Recorded results or arguments of real calls; values that look like a bot's if left out.
        seed: Of the random places; the same seed injects the same faults.
        instances: How many faults to inject.

    Raises:
        CompareError: For a rule that is not known, or a sample that cannot be compared.
    """
    rng = random.Random(seed)  # noqa: S311 - places of faults, no secrets; the global stream is left alone
    values = list(made_up(rng) if samples is None else samples)
    unit = Comparator(rules)
    alarms = sum(not _silent(unit.compare(value, copy.deepcopy(value))) for value in values)
    kinds: dict[str, list[int]] = {}
    missed: list[Injected] = []
    hidden: list[Injected] = []
    totals: Counter[str] = Counter()
    for fault, whole, site in _places(rng, values, instances):
        wrong = _changed(fault, rng, site.value)
        if wrong is _SAME:
            continue
        faulty = replaced(values[whole], site.way, wrong)
        verdict = unit.compare(values[whole], faulty)
        counts = kinds.setdefault(fault.name, [0, 0])
        counts[0] += 1
        totals["injected"] += 1
        shown = Injected(fault.name, site.path, _shown(site.value), _shown(wrong))
        if _found(verdict, site, exact=not rules):
            counts[1] += 1
            totals["caught"] += 1
        elif rules and verdict.ignored and not verdict.total:
            totals["ignored"] += 1
        elif rules and (hider := _excuse(fault, rules, (values[whole], faulty), site, wrong)) is not None:
            hidden.append(dataclasses.replace(shown, rule=hider))
        else:
            totals["missing"] += 1
            missed.append(shown)
    return SelfTest(
        totals["injected"],
        totals["caught"],
        {name: (counts[0], counts[1]) for name, counts in sorted(kinds.items())},
        tuple(missed[:KEPT]),
        tuple(hidden[:KEPT]),
        totals["ignored"],
        totals["missing"],
        len(values),
        alarms,
        seed,
    )


_SAME = object()


def _places(rng: random.Random, values: list[Any], instances: int) -> list[tuple[Fault, int, Site]]:
    """Choose where: kind after kind, each at a random place that takes it."""
    groups: dict[tuple[str, type], list[tuple[int, Site]]] = {}
    for at, value in enumerate(values):
        for site in sites(value):
            groups.setdefault((site.place, type(site.value)), []).append((at, site))
    some = [place for group in groups.values() for place in rng.sample(group, min(len(group), PROBED))]
    fitting = {name: _fitting(fault, some) for name, fault in FAULTS.items()}
    names = [name for name, places in fitting.items() if places]
    chosen = []
    for turn in range(instances if names else 0):
        name = names[turn % len(names)]
        chosen.append((FAULTS[name], *rng.choice(fitting[name])))
    return chosen


def _fitting(fault: Fault, places: list[tuple[int, Site]]) -> list[tuple[int, Site]]:
    probe = random.Random(0)  # noqa: S311 - a try, no secret
    return [(at, site) for at, site in places if _changed(fault, probe, site.value, tries=3) is not _SAME]


def _changed(fault: Fault, rng: random.Random, value: Any, tries: int = TRIES) -> Any:
    """Return the wrong value, or `_SAME` if this fault changes nothing here."""
    for _ in range(tries):
        try:
            wrong = fault.change(rng, value)
        except (Nothing, OverflowError, ValueError):
            return _SAME
        if type(wrong) is not type(value) or not _alike(value, wrong):
            return wrong
    return _SAME


def _alike(one: Any, two: Any) -> bool:
    """Whether two values of one type are the same, by Python's own means."""
    bits = getattr(one, "tobytes", None)
    if bits is not None:
        return bool(bits() == two.tobytes() and one.shape == two.shape and one.dtype == two.dtype)
    equals = getattr(one, "equals", None)
    if equals is not None:
        return bool(equals(two))
    return repr(one) == repr(two)


def _excuse(fault: Fault, rules: Mapping[str, str], pair: tuple[Any, Any], site: Site, wrong: Any) -> str | None:
    """Name the rule that may hide a fault, which without rules is found; `None` if none may."""
    if not _found(Comparator().compare(*pair), site, exact=True):
        return None
    for path, rule in _hiders(rules, pair, site):
        if allowed(rule, site.value, wrong) or _inside(path, rule, pair, site):
            return f"{path} {rule}"
        if not (fault.fine or fault.amount):
            continue
        reaches = within(rule, site.value, wrong)
        if reaches or (fault.fine and reaches is None):
            return f"{path} {rule}"
    return None


def _inside(path: str, rule: str, pair: tuple[Any, Any], site: Site) -> bool:
    """Whether the fault lies in a container that may differ so under the rule: one member of a set by overlap."""
    outer = {one.path: one.value for one in sites(pair[0]) if one.place == path and _within(site.path, one.path)}
    others = {two.path: two.value for two in sites(pair[1]) if two.path in outer}
    return any(allowed(rule, value, others[at]) for at, value in outer.items() if at in others)


def _hiders(rules: Mapping[str, str], pair: tuple[Any, Any], site: Site) -> list[tuple[str, str]]:
    """The rules that hide a fault each by itself, else those without which it is found, else all."""
    some = [(path, rule) for path, rule in rules.items() if not _found(Comparator({path: rule}).compare(*pair), site)]
    if some:
        return some
    for path, rule in rules.items():
        others = {other: kept for other, kept in rules.items() if other != path}
        if _found(Comparator(others).compare(*pair), site):
            some.append((path, rule))
    return some or list(rules.items())


def _silent(verdict: Verdict) -> bool:
    return verdict.total == 0


def _found(verdict: Verdict, site: Site, *, exact: bool = False) -> bool:
    """Whether a difference is at the place of the fault or inside of it; under rules, at its rows."""
    for found in verdict.differences:
        if _within(found.path, site.path):
            return True
        if not exact and (_within(found.place, site.place) or _within(site.place, found.place)):
            return True
    return False


def _within(path: str, outer: str) -> bool:
    return path == outer or (path.startswith(outer) and path[len(outer)] in ".[")


def _shown(value: Any) -> str:
    text = repr(value)
    return text if len(text) <= 80 else f"{text[:80]}…"
