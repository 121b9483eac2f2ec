"""What the program set on an object between two of its observed calls: `obj.x = 5` is no call, its twin sees nothing.

Only that a name is bound to another object is seen, not what changes inside of the object that it is bound to.
"""

from __future__ import annotations

import functools
import types
from typing import Any

__all__ = ["OUTSIDE", "Looked", "Slots", "look", "since", "slots_of"]

OUTSIDE = "were set from outside of its methods, which its twin does not see"
"""What is said of the attributes; with `export_state` and `import_state` the twin is made anew instead."""

Looked = tuple[tuple[str, ...], tuple[int, ...]]
"""Names of the attributes, and the identity of what each is bound to."""

Slots = tuple[tuple[str, Any], ...]
"""Names and descriptors of slots, and of the `__dict__`."""

SHOWN = 5


def slots_of(kind: type) -> Slots:
    """Return where objects of a class keep their attributes: in slots, and in a `__dict__` of Python's own making.

    Args:
        kind: The class.
    """
    return tuple(
        (name, value)
        for base in kind.__mro__
        for name, value in vars(base).items()
        if (isinstance(value, types.MemberDescriptorType) and "__slots__" in vars(base))
        or (isinstance(value, types.GetSetDescriptorType) and name == "__dict__")
    )


def look(owner: object, slots: Slots) -> Looked:
    """Return what an object's attributes are bound to; no code of the program runs, and nothing is held.

    Args:
        owner: The object.
        slots: As `slots_of` returns them for its class.
    """
    names: tuple[str, ...] = ()
    bound: tuple[int, ...] = ()
    for name, slot in slots:
        try:
            value = slot.__get__(owner)
        except AttributeError:
            continue
        if name == "__dict__":
            names, bound = (*names, *value), (*bound, *map(id, value.values()))
        else:
            names, bound = (*names, name), (*bound, id(value))
    return names, bound


def since(before: Looked, now: Looked, owner: object) -> str:
    """Return the names that were set or deleted between two looks; empty if none was.

    >>> class Book: ...
    >>> book, slots = Book(), slots_of(Book)
    >>> before = look(book, slots)
    >>> book.bid = 1.5
    >>> since(before, look(book, slots), book)
    'bid'

    Args:
        before: The first look.
        now: The second.
        owner: The object: what its class caches by itself was set by nobody.
    """
    if before == now:
        return ""
    one, two = dict(zip(*before, strict=True)), dict(zip(*now, strict=True))
    names = [name for name in {**one, **two} if one.get(name) != two.get(name) and not _cached(type(owner), name)]
    more = ", …" if len(names) > SHOWN else ""
    return f"{', '.join(names[:SHOWN])}{more}"


def _cached(kind: type, name: str) -> bool:
    return any(isinstance(vars(base).get(name), functools.cached_property) for base in kind.__mro__)
