"""Finds the function that a unit's name leads to, through what stands around it: caches, decorators, descriptors."""

from __future__ import annotations

import functools
import inspect
import sys
import types
from typing import Any

__all__ = ["caches", "inner", "layers", "standing"]

DEPTH = 8


def inner(found: object, module: str, qualname: str) -> types.FunctionType | None:
    """Return the function that was defined under a name, however it was wrapped since.

    >>> @functools.lru_cache
    ... def twice(x): return 2 * x
    >>> inner(twice, __name__, "twice") is twice.__wrapped__
    True

    Args:
        found: What stands under the name now.
        module: The module that defines it.
        qualname: Its name there.

    Returns:
        The function, or `None` if there is none or more than one.
    """
    if type(found) is types.FunctionType and _defined(found, module, qualname):
        return found
    seen: dict[int, object] = {}
    matches: list[types.FunctionType] = []
    level: list[object] = [found]
    for _ in range(DEPTH):
        following: list[object] = []
        for each in level:
            if id(each) in seen:
                continue
            seen[id(each)] = each
            if isinstance(each, types.FunctionType) and _defined(each, module, qualname):
                matches.append(each)
                continue
            following += _inside(each)
        level = following
        if matches or not level:
            break
    return matches[0] if len(matches) == 1 else None


def _defined(function: types.FunctionType, module: str, qualname: str) -> bool:
    return function.__module__ == module and function.__code__.co_qualname == qualname


def _inside(wrapper: object) -> list[object]:
    """What a wrapper may hold the function in."""
    held: list[object] = [getattr(wrapper, name, None) for name in ("__wrapped__", "__func__", "func")]
    if isinstance(wrapper, functools.partial):
        return []
    if isinstance(wrapper, types.FunctionType):
        for cell in wrapper.__closure__ or ():
            try:
                held.append(cell.cell_contents)
            except ValueError:
                continue
    elif not isinstance(wrapper, (type, types.ModuleType)):
        held += list(getattr(wrapper, "__dict__", {}).values())
    return [each for each in held if callable(each) or isinstance(each, (staticmethod, classmethod))]


def caches(found: object) -> list[Any]:
    """Return the caches of `functools` around a function, outermost first.

    Args:
        found: What stands under a name.
    """
    made = []
    for _ in range(DEPTH):
        if isinstance(found, functools._lru_cache_wrapper):
            made.append(found)
        found = getattr(found, "__wrapped__", None) or getattr(found, "__func__", None)
        if found is None:
            break
    return made


def layers(found: object, function: object) -> list[str]:
    """Name what stands around a function, outermost first: it stays around both sides.

    Args:
        found: What stands under the name.
        function: The function inside of it.
    """
    names: list[str] = []
    for _ in range(DEPTH):
        if found is None or found is function:
            break
        if not isinstance(found, (staticmethod, classmethod)):
            code = getattr(found, "__code__", None)
            names.append(code.co_qualname if code is not None else type(found).__name__)
        found = getattr(found, "__wrapped__", None) or getattr(found, "__func__", None)
    return names


def standing(module: str, qualname: str) -> Any:
    """Return what stands under a name now, as its module or class holds it; `None` where nothing does.

    >>> standing("json", "JSONDecoder.decode").__name__
    'decode'

    Args:
        module: The module.
        qualname: The name inside it.
    """
    found: Any = sys.modules.get(module)
    if "." not in qualname and isinstance(found, types.ModuleType):
        return found.__dict__.get(qualname)
    for part in qualname.split("."):
        if isinstance(found, type):
            found = inspect.getattr_static(found, part, None)
        else:
            found = vars(found).get(part) if isinstance(found, types.ModuleType) else getattr(found, part, None)
    return found
