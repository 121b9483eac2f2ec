"""What crosses the border between Python and Rust in a call: bytes, and objects that are converted one by one.

A buffer (bytes, an array, an Arrow table) crosses as it is; a list of floats crosses float by float, and that
is where a faster function loses.

>>> measure(b"x" * 1000)
Crossing(bytes=1000, objects=1)
>>> measure([1.5] * 1000).objects
1001
"""

from __future__ import annotations

import dataclasses
import sys
from collections.abc import Mapping
from importlib.machinery import EXTENSION_SUFFIXES
from types import CodeType, FunctionType, MethodType, ModuleType
from typing import Any, NamedTuple

__all__ = ["OBJECT_NS", "Crossing", "crosses", "measure"]

OBJECT_NS = 40.0
"""Nanoseconds that one object costs on its way into Rust and back, about: a float of a list on a machine of 2024."""

NODES = 2_000
NAMES = 400
_SIMPLE = {int: 8, float: 8, bool: 1, type(None): 1}


class Crossing(NamedTuple):
    """What crosses.

    Attributes:
        bytes: Bytes of the values, not of their Python objects.
        objects: Python objects that are read one by one.
    """

    bytes: int
    objects: int


def crosses(candidate: object) -> bool:
    """Say whether a candidate reaches compiled code that is not Python's own, as far as the names in it tell.

    Only then do its arguments cross a border; a candidate in plain Python that is slow is just slow.

    >>> import json
    >>> from exuvia import bars
    >>> crosses(json.dumps), crosses(bars.aggregate)
    (False, True)

    Args:
        candidate: A function or a class.
    """
    waiting, seen = [candidate], set[int]()
    while waiting and len(seen) < NAMES:
        found = waiting.pop()
        if id(found) in seen:
            continue
        seen.add(id(found))
        if isinstance(found, MethodType):
            found = found.__func__
        module = found.__name__ if isinstance(found, ModuleType) else getattr(found, "__module__", None)
        top = module.partition(".")[0] if isinstance(module, str) else ""
        if top == "exuvia":
            return True
        if top in sys.stdlib_module_names or not top:
            continue
        if _compiled(str(module)):
            return True
        if isinstance(found, FunctionType):
            waiting += _named(found, found.__code__)
        elif isinstance(found, type):
            waiting += vars(found).values()
        elif isinstance(found, (staticmethod, classmethod)):
            waiting.append(found.__func__)
    return False


def _compiled(name: str) -> bool:
    """Whether a module is compiled, or of an installed package that has compiled parts, as NumPy."""
    top = name.partition(".")[0]
    packages = ("site-packages", "dist-packages")
    installed = any(folder in _file(top) for folder in packages)
    names = [each for each in list(sys.modules) if each.startswith(f"{top}.")] if installed else []
    return any(_file(each).endswith(tuple(EXTENSION_SUFFIXES)) for each in (name, *names))


def _file(name: str) -> str:
    return getattr(sys.modules.get(name), "__file__", None) or ""


def _named(function: FunctionType, code: CodeType) -> list[object]:
    """What the names in a function stand for: globals, and what it takes from a module among them."""
    names, nested = set(code.co_names), [const for const in code.co_consts if isinstance(const, CodeType)]
    held = [function.__globals__[name] for name in names if name in function.__globals__]
    inside = [vars(home)[name] for home in held if isinstance(home, ModuleType) for name in names if name in vars(home)]
    return [*held, *inside, *(each for part in nested for each in _named(function, part))]


def measure(value: object) -> Crossing:
    """Measure one value; of a long list the first items stand for the rest.

    Args:
        value: Anything. What cannot be looked into counts as one object.
    """
    budget = [NODES]
    size, objects = _walk(value, budget, 0)
    return Crossing(int(size), int(objects))


def _walk(value: Any, budget: list[int], depth: int) -> tuple[float, float]:  # noqa: PLR0911 - one for each kind of value
    budget[0] -= 1
    if (simple := _SIMPLE.get(type(value))) is not None:
        return simple, 1
    if isinstance(value, str):
        return len(value), 1
    if isinstance(value, (bytes, bytearray)):
        return len(value), 1
    nbytes = getattr(value, "nbytes", None)
    if isinstance(nbytes, int):
        return nbytes, 1
    if depth > 20:
        return 0, 1
    if isinstance(value, Mapping):
        return _many([*value.keys(), *value.values()], budget, depth)
    if isinstance(value, (list, tuple, set, frozenset)):
        return _many(list(value), budget, depth)
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        return _many([getattr(value, found.name, None) for found in dataclasses.fields(value)], budget, depth)
    return 0, 1


def _many(items: list[Any], budget: list[int], depth: int) -> tuple[float, float]:
    size, objects, seen = 0.0, 1.0, 0
    for item in items:
        if budget[0] <= 0:
            break
        more, inside = _walk(item, budget, depth + 1)
        size, objects, seen = size + more, objects + inside, seen + 1
    if 0 < seen < len(items):
        size, objects = size * len(items) / seen, 1.0 + (objects - 1.0) * len(items) / seen
    return size, objects if seen else objects + len(items)
