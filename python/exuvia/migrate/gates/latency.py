"""Whether the candidate is slower than legacy where it hurts: the 99th percentile of both, from log2 buckets."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from exuvia.migrate.config import GroupConfig

__all__ = ["p99", "slower"]

ENOUGH = 100


def p99(buckets: Sequence[int]) -> int | None:
    """Return the bucket of the 99th percentile: bucket `b` holds times below 2^b ns; `None` for fewer than 100 calls.

    >>> p99([0] * 10 + [99, 0, 1] + [0] * 51), p99([1] * 64)
    (10, None)

    Args:
        buckets: Calls by bucket.
    """
    total = sum(buckets)
    if total < ENOUGH:
        return None
    seen = 0
    for bucket, calls in enumerate(buckets):
        seen += calls
        if 100 * seen >= 99 * total:
            return bucket
    return None


def slower(group: GroupConfig, counters: Mapping[str, Sequence[Mapping[str, Any]]]) -> list[str]:
    """Name the units whose candidate's 99th percentile lies in a higher bucket than legacy's.

    Args:
        group: The group.
        counters: Counters of its units' processes.
    """
    reasons = []
    for unit in group.units:
        sides: dict[str, list[int]] = {"legacy": [0] * 64, "candidate": [0] * 64}
        for entry in counters.get(unit, ()):
            for side, sums in sides.items():
                for at, calls in enumerate(entry.get("latency", {}).get(side, ())[:64]):
                    sums[at] += int(calls)
        legacy, candidate = p99(sides["legacy"]), p99(sides["candidate"])
        if legacy is not None and candidate is not None and candidate > legacy:
            sides_p99 = f"the candidate's p99 lies below {2**candidate:,} ns, legacy's below {2**legacy:,} ns"
            reasons.append(f"{unit}: {sides_p99}: it is slower")
    return reasons
