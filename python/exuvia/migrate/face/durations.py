"""Times in the unit that a person would use."""

from __future__ import annotations

__all__ = ["duration"]


def duration(ns: float, *, short: bool = False) -> str:
    """Return a time with its unit.

    >>> duration(950), duration(1_530_000), duration(61e9), duration(1e3, short=True)
    ('950 ns', '1.53 ms', '61.0 s', '1 µs')

    Args:
        ns: Nanoseconds.
        short: Without decimals, for an axis.
    """
    for unit, size in (("s", 1e9), ("ms", 1e6), ("µs", 1e3)):
        if ns >= size:
            value = ns / size
            decimals = 0 if short or value >= 100 else 1 if value >= 10 else 2
            return f"{value:,.{decimals}f} {unit}"
    return f"{ns:.0f} ns"
