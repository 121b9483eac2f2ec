"""How large a value is, before it is pickled: a cheap estimate, from below, by what is large at once.

>>> weight(bytearray(40_000_000)) > LARGEST, weight(({"rows": [1, 2]}, "EURUSD")) < 100
(True, True)
"""

from __future__ import annotations

import array
from itertools import islice
from typing import TYPE_CHECKING, Any

from exuvia._exuvia import weigh_plain

if TYPE_CHECKING:
    from collections.abc import Sequence

__all__ = ["LARGEST", "looked_at", "weight"]

LARGEST = 16 * 1024 * 1024
"""Bytes above which a value is not copied: the caller's thread would stand still for it."""

_LOOKED_AT = 64
_DEPTH = 6
_SMALL = frozenset((int, float, bool, type(None), complex))
_TEXTS = frozenset((str, bytes, bytearray))
_PLAIN = _SMALL | {str}
_LISTS = frozenset((list, tuple, set, frozenset, dict))
_BUFFERS: frozenset[type] = frozenset((memoryview, array.array))
_STANDARD = frozenset(("datetime", "decimal"))
_ARRAYS = frozenset(("numpy", "pandas", "pyarrow", "polars"))


def weight(value: object) -> int:
    """Return about how many bytes a value's pickle has, at least.

    Args:
        value: Anything.
    """
    return looked_at((value,))[0]


def looked_at(values: tuple[Any, ...]) -> tuple[int, bool]:
    """Return about how many bytes the pickle of values has, at least, and whether no code of the program runs for it.

    Args:
        values: They; nothing of a class of the program's own is run.
    """
    found = weigh_plain(values)
    return _walked(values) if found is None else found


def _walked(values: tuple[Any, ...]) -> tuple[int, bool]:
    """The same where classes are met that are none of Python's own."""
    size, plain, depth = 0, True, _DEPTH
    level: Sequence[Any] = values
    while level and depth:
        below: list[Any] = []
        for held in level:
            kind = type(held)
            if kind in _SMALL:
                continue
            if kind in _LISTS:
                count = len(held)
                size += 2 * count
                # One call of C each, so that no other thread changes it meanwhile.
                if kind is dict:
                    # Keys of one dictionary are of one kind.
                    plain = plain and count <= _LOOKED_AT and type(next(iter(held), None)) in _PLAIN
                    held = held.values()  # noqa: PLW2901 - what is inside
                if count > _LOOKED_AT:
                    plain, held = False, list(islice(held, _LOOKED_AT))  # noqa: PLW2901 - as above
                if not _PLAIN.issuperset(map(type, held)):
                    below += held
            elif kind in _TEXTS:
                size += len(held)
            elif kind.__module__ not in _STANDARD:
                more, found = _foreign(held, kind)
                size, plain = size + more, False
                below += found
        level, depth = below, depth - 1
    return size, plain and not level


def _foreign(held: Any, kind: Any) -> tuple[int, list[Any]]:
    """The bytes of an object that is none of the usual ones, and what it holds."""
    if kind.__module__.partition(".")[0] in _ARRAYS:
        return _columns(held), []
    if kind in _BUFFERS:
        return len(held) * int(held.itemsize), []
    own = getattr(held, "__dict__", None) if kind.__getattribute__ is object.__getattribute__ else None
    return 0, list(islice(own.values(), _LOOKED_AT)) if type(own) is dict else []


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
