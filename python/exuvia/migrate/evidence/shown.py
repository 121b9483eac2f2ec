"""How values are shown with a difference: cut, how far apart they are, and by which names arguments came."""

from __future__ import annotations

import inspect
import math
import struct
import sys
from typing import Any

__all__ = ["SHOWN", "apart", "parameters", "shown"]

SHOWN = 300


def apart(legacy: str, candidate: str) -> str:
    """Say how far two floats are apart: in units of the last place if few, else as a number.

    >>> apart("0.1", "0.10000000000000002"), apart("1.75", "2.0"), apart("'a'", "2.0"), apart("1", "2")
    ('1 ulp', '0.25', '', '')

    Args:
        legacy: Legacy's value as its repr.
        candidate: The candidate's.
    """
    if not any(set(text) & set(".e") for text in (legacy, candidate)):
        return ""
    try:
        one, other = float(legacy), float(candidate)
    except ValueError:
        return ""
    if not (math.isfinite(one) and math.isfinite(other)):
        return ""
    ulps = abs(_ordinal(one) - _ordinal(other))
    return f"{ulps} ulp" if 0 < ulps < 10_000 else f"{abs(one - other):.2g}"


def _ordinal(value: float) -> int:
    """The place of a float among all floats in order."""
    (bits,) = struct.unpack("<q", struct.pack("<d", value))
    return int(bits if bits >= 0 else -(bits & 0x7FFF_FFFF_FFFF_FFFF))


def shown(value: object) -> str:
    """Return a value's repr, cut; a repr that raises is named instead.

    Args:
        value: Anything.
    """
    try:
        text = repr(value)
    except Exception as error:
        text = f"<a {type(value).__name__} whose repr raised {type(error).__name__}>"
    return text if len(text) <= SHOWN else f"{text[:SHOWN]}…"


def parameters(unit: str, call: str) -> tuple[str, ...]:
    """Return the names of the parameters of a unit, or of one of its methods; none if they cannot be known.

    Args:
        unit: The unit's name.
        call: The method, where the unit is a class.
    """
    module, _, qualname = unit.partition(":")
    held: Any = sys.modules.get(module)
    try:
        for part in qualname.split("."):
            held = inspect.getattr_static(held, part)
        if call and isinstance(held, type):
            held = inspect.getattr_static(held, call)
        bound = bool(call) and not isinstance(held, staticmethod)
        names = tuple(inspect.signature(getattr(held, "__func__", held)).parameters)
    except (AttributeError, TypeError, ValueError):
        return ()
    return names[1:] if bound else names
