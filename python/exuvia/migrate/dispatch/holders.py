"""Says what still holds an object that a flip has replaced by name: containers, defaults, closures, partials.

Nothing there is changed: whether a table of classes should hold the one or the other only its owner knows.
"""

from __future__ import annotations

import functools
import gc
import sys
import types
from typing import Any

__all__ = ["elsewhere"]

MOST = 20
"""Places that are looked at and named."""
_PASSED = (types.FrameType, types.ModuleType, types.GetSetDescriptorType, types.MemberDescriptorType)


def elsewhere(held: object) -> list[str]:
    """Return in words what holds an object apart from globals of modules.

    >>> import sys, types
    >>> module = sys.modules["held_by"] = types.ModuleType("held_by")
    >>> class Book: ...
    >>> module.BOOKS = {"eur": Book}
    >>> elsewhere(Book)
    ['the dict held_by.BOOKS']
    >>> del sys.modules["held_by"]

    Args:
        held: A class or a function.

    Returns:
        At most 20 places; what exuvia holds is left out.
    """
    names = {
        id(value): f"{module}.{key}"
        for module, found in list(sys.modules.items())
        if isinstance(found, types.ModuleType) and not _ours(module)
        for key, value in list(vars(found).items())
    }
    spaces = {id(vars(found)) for found in list(sys.modules.values()) if isinstance(found, types.ModuleType)}
    mine = {id(names), id(spaces), id(vars(held)) if hasattr(held, "__dict__") else 0}
    told: list[str] = []
    for holder in gc.get_referrers(held):
        if id(holder) in mine or id(holder) in spaces or isinstance(holder, _PASSED):
            continue
        text = _told(holder, held, names)
        if text is not None and text not in told:
            told.append(text)
        if len(told) == MOST:
            break
    return sorted(told)


def _told(holder: Any, held: object, names: dict[int, str]) -> str | None:
    """What one holder is, or `None` where it is nobody's business: the object's own, exuvia's, the machinery's."""
    if isinstance(holder, functools.partial):
        return f"the partial {names.get(id(holder), repr(holder.func))}"
    if isinstance(holder, (types.FunctionType, type)):
        # A subclass is told elsewhere; a function refers to what it is through its own dictionary and tuples.
        return None
    if isinstance(holder, (dict, list, set, frozenset, tuple, types.CellType)):
        return _container(holder, held, names)
    kind = type(holder)
    if kind is held or kind.__module__ in ("builtins", "_weakref") or _ours(kind.__module__):
        return None
    return f"an attribute of {names.get(id(holder)) or f'a {kind.__qualname__}'}"


def _container(holder: Any, held: object, names: dict[int, str]) -> str | None:
    word = type(holder).__name__
    if id(holder) in names:
        return f"the {word} {names[id(holder)]}"
    owners = [owner for owner in gc.get_referrers(holder) if not isinstance(owner, types.FrameType)]
    if any(isinstance(owner, type) or getattr(owner, "__globals__", None) is holder for owner in owners):
        # Of the class itself, or names of code that was run without a module.
        owners = []
    for owner in owners:
        if isinstance(owner, types.FunctionType) and not _ours(owner.__module__ or ""):
            return _of(owner, "a default")
        if isinstance(owner, (dict, list, set, tuple)) and id(owner) in names:
            return f"a {word} in {names[id(owner)]}"
    closed = _closed_over(holder, owners)
    for function in closed[:1]:
        return _closure(function, held)
    for owner in owners:
        kind = type(owner)
        if getattr(owner, "__dict__", None) is holder and kind is not held and not _ours(kind.__module__):
            return f"an attribute of {names.get(id(owner)) or f'a {kind.__qualname__}'}"
    return None


def _closure(function: types.FunctionType, held: object) -> str | None:
    own = isinstance(held, type) and function.__qualname__.startswith(f"{held.__qualname__}.")
    if own or _ours(function.__module__ or ""):
        return None
    if function.__module__ == "functools" and "singledispatch" in function.__qualname__:
        return "a table of functools.singledispatch"
    return _of(function, "a closure")


def _closed_over(holder: Any, owners: list[Any]) -> list[types.FunctionType]:
    """The functions that hold it in their closure: it is a cell, or one of its owners is."""
    if isinstance(holder, types.CellType):
        closures = [owner for owner in owners if isinstance(owner, tuple)]
    else:
        cells = [owner for owner in owners if isinstance(owner, types.CellType)]
        closures = [each for cell in cells for each in gc.get_referrers(cell) if isinstance(each, tuple)]
    functions = [each for closure in closures for each in gc.get_referrers(closure)]
    return [each for each in functions if isinstance(each, types.FunctionType) and each.__closure__ in closures]


def _of(function: types.FunctionType, what: str) -> str:
    return f"{what} of {function.__module__}.{function.__qualname__}"


def _ours(module: str) -> bool:
    return module.partition(".")[0] == "exuvia"
