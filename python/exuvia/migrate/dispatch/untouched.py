"""Whether what a candidate was given is surely as it was, after it has raised: only then may legacy be given the same.

No copy and no fingerprint is made before a call. So the types must say it: values that nothing can change, and
containers of them that nothing can change, by exact type. Whatever is not known here counts as changed.
"""

from __future__ import annotations

import datetime
import decimal
import enum
import fractions
import pathlib
import re
import sys
import types
import uuid
import zoneinfo
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

__all__ = ["changeable", "why_not"]

MOST = 10_000
"""Values that are looked at in one call; what holds more counts as changed."""
ATOMS = frozenset({
    int, float, complex, bool, str, bytes, range, type(None), type(...), type(NotImplemented),
    decimal.Decimal, fractions.Fraction, uuid.UUID, re.Pattern,
    datetime.date, datetime.timedelta, datetime.timezone, zoneinfo.ZoneInfo,
    pathlib.PurePosixPath, pathlib.PureWindowsPath, pathlib.PosixPath, pathlib.WindowsPath,
})  # fmt: skip
BASES = (str, bytes, int, float, complex, tuple, frozenset)
ARROW = ("Table", "RecordBatch", "ChunkedArray", "Array", "Scalar", "Schema", "Field", "DataType")
WORD = object.__basicsize__ // 2
UNMOVED = 1 << 8
"""`Py_TPFLAGS_IMMUTABLETYPE`: a class whose attributes nobody can set."""
MEMBERS_OWN = frozenset({"__objclass__", "_inverted_", "_name_", "_sort_order_"})
"""What every member of an enumeration holds, beside its value and what the program gave it."""


def why_not(legacy: Any, args: tuple[Any, ...], kwargs: Mapping[str, Any]) -> str | None:
    """Say which argument of a call may have been changed by it, or `None` if none can have been.

    >>> def fill(book, qty): ...
    >>> why_not(fill, ((1, 2.5, "EURUSD"), 3), {})
    >>> why_not(fill, ([1, 2], 3), {})
    'book is a list, which may have been changed'

    Args:
        legacy: Legacy's side, whose parameters bear names.
        args: Positional arguments, `self` among them.
        kwargs: Keyword arguments.
    """
    code = getattr(legacy, "__code__", None)
    names = code.co_varnames[: code.co_argcount] if isinstance(code, types.CodeType) else ()
    for number, value in enumerate(args):
        what = changeable(value)
        if what is not None:
            name = names[number] if number < len(names) else f"argument {number}"
            return f"{name} is {what}, which may have been changed"
    for name, value in kwargs.items():
        what = changeable(value)
        if what is not None:
            return f"{name} is {what}, which may have been changed"
    return None


def changeable(value: object) -> str | None:
    """Say what can be changed about a value, or `None` if nothing can.

    >>> changeable((1, frozenset({"a"})))
    >>> changeable(iter("ab")), changeable(({},))
    ('a str_ascii_iterator', 'a tuple that holds a dict')

    Args:
        value: Anything; nothing of its own is called.
    """
    open_, looked = [value], 0
    while open_:
        each = open_.pop()
        looked += 1
        if looked > MOST:
            return f"{_named(value)} that holds more than {MOST:,} values"
        inside = _inside(each)
        if inside is None:
            return _named(each) if each is value else f"{_named(value)} that holds {_named(each)}"
        open_.extend(inside)
    return None


def _named(value: object) -> str:
    name = type(value).__name__
    return f"{'an' if name[:1].lower() in 'aeiou' else 'a'} {name}"


def _inside(value: Any) -> Iterable[object] | None:
    """What else decides whether a value can have been changed: what it holds. `None` if it can."""
    kind = type(value)
    if kind in ATOMS:
        return ()
    if kind is datetime.datetime or kind is datetime.time:
        return (value.tzinfo,)
    if kind is slice:
        return value.start, value.stop, value.step
    if issubclass(kind, enum.Enum):
        return [held for name, held in vars(value).items() if name not in MEMBERS_OWN]
    found: Any = NotImplemented
    for look in (_of_base, _of_library, _held):
        found = look(value, kind) if found is NotImplemented else found
    return None if found is None else tuple(found)


def _of_base(value: Any, kind: type) -> Any:
    """The same for classes, and for what derives from an unchangeable class; else `NotImplemented`."""
    if issubclass(kind, type):
        return () if kind is type and value.__flags__ & UNMOVED else None
    base = next((base for base in BASES if issubclass(kind, base)), None)
    # A class of its own, as of a named tuple, may add methods but nothing that is held.
    if base is None or kind.__basicsize__ != base.__basicsize__ or kind.__dictoffset__:
        return NotImplemented
    return base.__iter__(value) if base is tuple or base is frozenset else ()


def _held(value: object, kind: type) -> Iterable[object] | None:
    """What an object holds that has no state, or that is of a frozen dataclass."""
    members = [
        member for each in kind.__mro__ for member in vars(each).values() if type(member) is types.MemberDescriptorType
    ]
    room = len(members) + (kind.__dictoffset__ > 0) + (kind.__weakrefoffset__ > 0)
    if kind.__basicsize__ != object.__basicsize__ + WORD * room:
        # Something is kept where Python cannot see it.
        return None
    if not members and not kind.__dictoffset__:
        return ()
    if not getattr(vars(kind).get("__dataclass_params__"), "frozen", False):
        return None
    held = list(object.__getattribute__(value, "__dict__").values()) if kind.__dictoffset__ else []
    for member in members:
        try:
            held.append(member.__get__(value, kind))
        except AttributeError:
            continue
    return held


def _of_library(value: Any, kind: type) -> Any:
    """The same for what numpy, pandas and pyarrow make, if the program has imported them; else `NotImplemented`."""
    home = kind.__module__.partition(".")[0]
    library: Any = sys.modules.get(home)
    if home == "numpy" and library is not None:
        if kind is library.ndarray:
            return _read_only(value, kind)
        if issubclass(kind, library.generic):
            return None if issubclass(kind, (library.void, library.object_)) else ()
    elif home == "pandas" and library is not None:
        if kind is library.Timestamp:
            return (value.tzinfo,)
        if kind is library.Timedelta or value is library.NaT:
            return ()
    elif home == "pyarrow" and library is not None:
        return () if issubclass(kind, tuple(getattr(library, name) for name in ARROW)) else None
    return NotImplemented


def _read_only(array: Any, kind: Any) -> Iterable[object] | None:
    """An array counts if neither it nor any that it is a view of can be written."""
    while array.__class__ is kind:
        if array.flags.writeable or array.dtype.hasobject:
            return None
        array = array.base
    return () if array is None or type(array) is bytes else None
