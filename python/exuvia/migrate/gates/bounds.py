"""How much may still differ: bounds by calls for each stratum, by days for the group; thin strata are named.

No mismatch in `n` calls leaves at most 1 − 0.05^(1/n) of them. Days are the clusters: what differs on one day often
differs all that day, so five clean days leave 45 % of days however many calls they had. Both may be looked at every
day, as long as one mismatch ends the count of this F (see `rust/migrate/src/gate/bound.rs`).
"""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Any

from exuvia import _exuvia

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

__all__ = ["ALPHA", "THIN", "by_calls", "by_days", "in_words", "strata_of"]

ALPHA = 0.05
THIN = 0.01
STRICT = 0.05


def by_days(clean: int, dirty: int = 0) -> dict[str, Any]:
    """Return the bound by days, with what the stricter one asks for.

    >>> found = by_days(5)
    >>> round(found["bound"], 2), found["stricter"]["sessions"], found["stricter"]["more"]
    (0.45, 59, 54)

    After a dirty one the count starts again, so it takes all of them.

    >>> by_days(66, 1)["stricter"]["more"]
    59

    Args:
        clean: Clean sessions of this F.
        dirty: Sessions of this F that differ.
    """
    strict = _exuvia.gate_needed(STRICT, ALPHA) or 0
    return {
        "clean": clean,
        "dirty": dirty,
        "bound": _exuvia.gate_upper(dirty, clean + dirty, ALPHA),
        "stricter": {"share": STRICT, "sessions": strict, "more": strict if dirty else max(0, strict - clean)},
    }


def in_words(days: Mapping[str, Any], needed: int) -> str:
    """Say what a bound by days means.

    >>> print(in_words(by_days(5), 5))
    5 of 5 clean sessions leave up to 45% of days; the stricter bound, 5%, takes 59 clean (replayed) sessions, 54 more
    >>> print(in_words(by_days(66, 1), 5).partition("; ")[0])
    66 clean sessions, 5 asked for, leave up to 12% of days with the dirty one

    Args:
        days: As `by_days` returns it.
        needed: Clean sessions that the group asks for.
    """
    clean, dirty, stricter = days["clean"], days["dirty"], days["stricter"]
    counted = (
        f"{clean} of {needed} clean sessions" if clean <= needed else f"{clean} clean sessions, {needed} asked for,"
    )
    left = f"{counted} leave up to {days['bound']:.0%} of days"
    if dirty:
        return (
            f"{left} with the dirty {'one' if dirty == 1 else 'ones'}; the count starts again with the next F: then "
            f"{needed} clean sessions are asked for, and the stricter bound, {stricter['share']:.0%}, takes "
            f"{stricter['sessions']} (replayed)"
        )
    more = f"{stricter['more']} more" if stricter["more"] else "which are there"
    return (
        f"{left}; the stricter bound, {stricter['share']:.0%}, takes {stricter['sessions']} clean (replayed) sessions, "
        f"{more}"
    )


def by_calls(compared: int, differed: int) -> dict[str, Any]:
    """Return the bound by calls.

    >>> by_calls(1000, 0)["thin"], by_calls(100, 0)["thin"]
    (False, True)

    Args:
        compared: Calls that were compared.
        differed: Those that differ.
    """
    bound = _exuvia.gate_upper(differed, compared, ALPHA)
    return {"compared": compared, "differed": differed, "bound": bound, "thin": bound > THIN}


def strata_of(unit: str, effect: str, counters: Iterable[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """Return the bound of each stratum of a unit: unit × effect × what the unit declares × outcome.

    Args:
        unit: The unit's name.
        effect: Its effect.
        counters: Counters of its processes, of the current F.
    """
    compared: Counter[str] = Counter()
    differed: Counter[str] = Counter()
    for entry in counters:
        strata = entry.get("strata") or [["", entry.get("compared", 0), entry.get("differed", 0)]]
        for name, calls, different in strata:
            compared[str(name)] += int(calls)
            differed[str(name)] += int(different)
    return [
        {"unit": unit, "effect": effect, "stratum": name, **by_calls(compared[name], differed[name])}
        for name in sorted(compared)
    ]
