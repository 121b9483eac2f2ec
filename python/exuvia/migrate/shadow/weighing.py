"""How large a value is, before it is pickled: a cheap estimate, from below, by what is large at once.

>>> weight(bytearray(40_000_000)) > LARGEST, weight(({"rows": [1, 2]}, "EURUSD"))
(True, 26)
"""

from __future__ import annotations

import array
from itertools import islice
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = ["LARGEST", "weight"]

LARGEST = 16 * 1024 * 1024
"""Bytes above which a value is not copied: the caller's thread would stand still for it."""

_LOOKED_AT = 64
_DEPTH = 3
_SMALL = frozenset((int, float, bool, type(None), complex))
_LISTS = frozenset((list, tuple, set, frozenset, dict))
_SIZED: dict[type, Callable[[Any], int]] = {
    str: len,
    bytes: len,
    bytearray: len,
    memoryview: lambda view: view.nbytes,
    array.array: lambda numbers: len(numbers) * numbers.itemsize,
}
_ARRAYS = frozenset(("numpy", "pandas", "pyarrow", "polars"))


def weight(value: object, depth: int = _DEPTH) -> int:
    """Return about how many bytes a value's pickle has, at least.

    Args:
        value: Anything; nothing of a class of the program's own is run.
        depth: How many containers deep it is looked into.
    """
    kind = type(value)
    held: Any = value
    if kind in _SMALL:
        return 0
    if kind in _SIZED:
        return int(_SIZED[kind](held))
    if kind in _LISTS:
        size = 2 * len(held)
        if depth and size:
            # One call of C, so that no other thread changes it meanwhile.
            for each in list(islice(held.values() if kind is dict else held, _LOOKED_AT)):
                if type(each) not in _SMALL:
                    size += weight(each, depth - 1)
        return size
    if kind.__module__.partition(".")[0] in _ARRAYS:
        return _columns(held)
    own = getattr(value, "__dict__", None) if depth and kind.__getattribute__ is object.__getattribute__ else None
    return weight(own, depth - 1) if type(own) is dict and own else 0


def _columns(value: Any) -> int:
    """The bytes of an array or a table, in the words of its library."""
    try:
        found = getattr(value, "nbytes", None)
        if found is None:
            sized = getattr(value, "estimated_size", None)
            found = sized() if sized is not None else 8 * getattr(value, "size", 0)
        return int(found)
    except Exception:
        return 0
