"""Whether the candidate is slower than legacy where it hurts: bounds on the 99th percentile of both.

Calls are counted by time in buckets that are at most a sixteenth wide. The percentile of what was seen is not that of
what will be: each side has a lower and an upper bound, by order statistics, and each holds with 95 %. The candidate is
slower only if its lower bound lies above legacy's upper one, and no slower only if its upper bound lies at most a tenth
(`MARGIN`) above legacy's lower one. Anything between the two cannot be told yet, and more calls tell it.
"""

from __future__ import annotations

import math
from collections import Counter
from typing import TYPE_CHECKING, Any

from exuvia.migrate.evidence.buckets import edges

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from exuvia.migrate.config import Config, GroupConfig

__all__ = ["ENOUGH", "MARGIN", "judged", "p99"]

ALPHA = 0.05
ABOVE = 0.01
MARGIN = 0.10
ENOUGH = math.ceil(math.log(ALPHA) / math.log(1 - ABOVE))
"""With fewer calls, 299, even the slowest of them may lie below the 99th percentile."""
MANY = 20_000


def p99(times: Mapping[int, int]) -> tuple[int, int] | None:
    """Return the bounds of the 99th percentile in ns, each of which holds with 95 %; `None` for fewer than 299 calls.

    >>> from exuvia.migrate.evidence.buckets import bucket
    >>> p99({bucket(1_000): 1_000}), p99({bucket(1_000): 298})
    ((992, 1024), None)

    Args:
        times: Calls by bucket.
    """
    total = sum(times.values())
    if total < ENOUGH:
        return None
    least, most = _above(total)
    return edges(_ranked(times, most))[0], edges(_ranked(times, least - 1))[1]


def _above(total: int) -> tuple[int, int]:
    """How many of so many calls lie above their 99th percentile: at least and at most, each with 95 %."""
    mean = total * ABOVE
    if total > MANY:
        reach = 1.6449 * math.sqrt(mean * (1 - ABOVE)) + 0.5
        return math.floor(mean - reach), math.ceil(mean + reach)
    chance = (1 - ABOVE) ** total
    summed, at, least = chance, 0, 0
    while summed < 1 - ALPHA:
        least = at + 1 if summed <= ALPHA else least
        chance *= (total - at) / (at + 1) * ABOVE / (1 - ABOVE)
        at += 1
        summed += chance
    return least, at


def _ranked(times: Mapping[int, int], above: int) -> int:
    """The bucket of the call that so many lie above."""
    last = 0
    for last in sorted(times, reverse=True):
        above -= times[last]
        if above < 0:
            break
    return last


def judged(
    config: Config, group: GroupConfig, counters: Mapping[str, Sequence[Mapping[str, Any]]]
) -> tuple[list[tuple[str, str]], list[str]]:
    """Judge the candidates' 99th percentiles.

    Args:
        config: The configuration.
        group: The group.
        counters: Counters of its units' processes.

    Returns:
        `FAIL` or `INCONCLUSIVE` with the reason, for each unit that does not pass; and where was measured.
    """
    found, notes = [], []
    for unit in group.units:
        sides: dict[str, Counter[int]] = {"legacy": Counter(), "candidate": Counter()}
        for entry in counters.get(unit, ()):
            for side, sums in sides.items():
                for at, calls in entry.get("times", {}).get(side, ()):
                    sums[int(at)] += int(calls)
        legacy, candidate = p99(sides["legacy"]), p99(sides["candidate"])
        if legacy is None or candidate is None:
            counted = [f"{sum(sums.values()):,}" for sums in sides.values()]
            why = f"{counted[0]} calls of legacy and {counted[1]} of the candidate were timed"
            found.append(("INCONCLUSIVE", f"{unit}: {why}: a 99th percentile takes {ENOUGH}"))
            continue
        both = f"its p99 is {candidate[0]:,} to {candidate[1]:,} ns, legacy's {legacy[0]:,} to {legacy[1]:,} ns"
        if candidate[0] >= legacy[1]:
            found.append(("FAIL", f"{unit}: the candidate is slower: {both}"))
        elif candidate[1] > legacy[0] * (1 + MARGIN):
            found.append(("INCONCLUSIVE", f"{unit}: whether the candidate is slower cannot be told yet: {both}"))
        places = "both in the program"
        if config.units[unit].isolation == "process":
            places = "the candidate's in its worker process and legacy's in the program"
        notes.append(f"{unit}: times were measured {places}; {both}")
    return found, notes
