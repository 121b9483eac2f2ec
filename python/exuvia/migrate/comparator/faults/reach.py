"""How far a declared tolerance reaches, reckoned by the self-test itself: it shares nothing with the comparator.

>>> within("abs:0.5", 1.0, 1.4), within("abs:0.5", 1.0, 1.6), within("multiset", 1.0, 1.6)
(True, False, None)
"""

from __future__ import annotations

import math
import struct
import sys
from decimal import Decimal
from fractions import Fraction
from typing import Any

__all__ = ["within"]

SLACK = Fraction(1, 10**9)
"""The comparator may reckon in floats: what lies on the bound may fall to either side."""


def within(rule: str, right: Any, wrong: Any) -> bool | None:
    """Say whether the wrong value lies as near to the right one as the rule allows.

    Args:
        rule: As it is declared.
        right: The right value.
        wrong: The wrong one.

    Returns:
        Yes or no; `None` if the rule is no tolerance for numbers, or these are none.
    """
    name, _, amount = rule.partition(":")
    pair = _cells(right, wrong)
    if name not in _REACH or not pair:
        return None
    try:
        size = Fraction(amount.strip())
    except (ValueError, ZeroDivisionError):
        return None
    return all(_REACH[name](size, one, two) for one, two in pair)


def _cells(right: Any, wrong: Any) -> list[tuple[Any, Any]]:
    """The numbers that stand against each other: two of them, or all cells of two arrays; else nothing."""
    numpy = sys.modules.get("numpy")
    if numpy is not None and isinstance(right, numpy.ndarray) and isinstance(wrong, numpy.ndarray):
        pairs = list(zip(right.ravel().tolist(), wrong.ravel().tolist(), strict=False))
        alike = right.shape == wrong.shape and right.dtype == wrong.dtype
        return [(one, two) for one, two in pairs if repr(one) != repr(two)] if alike else []
    return [(right, wrong)] if type(right) is type(wrong) else []


def _finite(*values: Any) -> bool:
    return all(type(value) in (int, float, Decimal) and math.isfinite(value) for value in values)


def _nearer(bound: Fraction, one: Any, two: Any) -> bool:
    return abs(Fraction(one) - Fraction(two)) <= bound * (1 + SLACK)


def _absolute(size: Fraction, one: Any, two: Any) -> bool:
    return _finite(one, two) and _nearer(size, one, two)


def _half(size: Fraction, one: Any, two: Any) -> bool:
    return _absolute(size / 2, one, two)


def _relative(size: Fraction, one: Any, two: Any) -> bool:
    return _finite(one, two) and _nearer(size * max(abs(Fraction(one)), abs(Fraction(two))), one, two)


def _ulps(size: Fraction, one: Any, two: Any) -> bool:
    return type(one) is type(two) is float and _finite(one, two) and abs(_rank(one) - _rank(two)) <= size


def _rank(value: float) -> int:
    """How many floats lie between zero and this one."""
    (bits,) = struct.unpack("<q", struct.pack("<d", value))
    return int(bits) if bits >= 0 else -(int(bits) & (2**63 - 1))


_REACH = {"abs": _absolute, "rel": _relative, "tick": _half, "quantum": _absolute, "ulp": _ulps}
