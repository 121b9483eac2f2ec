"""Makes the arguments of a case smaller while the case still shows the same thing.

>>> shrunk([3, 1, 4, 1, 5, 9, 2, 6], lambda items: 5 in items)
[5]
"""

from __future__ import annotations

import dataclasses
import time
from dataclasses import replace
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from exuvia.migrate.workbench.sides import Case

__all__ = ["shrunk", "smallest"]

TRIES = 3_000
LIMIT_S = 15.0


class _Budget:
    """How much trying is left."""

    def __init__(self, tries: int, limit_s: float) -> None:
        self.tries = tries
        self.end = time.monotonic() + limit_s

    def spend(self) -> bool:
        self.tries -= 1
        return self.tries >= 0 and time.monotonic() < self.end


def shrunk(value: Any, shows: Callable[[Any], bool], tries: int = TRIES, limit_s: float = LIMIT_S) -> Any:
    """Return a small value that still shows it.

    Args:
        value: A value that shows it.
        shows: Says whether a value does; what it raises counts as no.
        tries: How often it may be asked.
        limit_s: Seconds after which the smallest so far is returned.
    """
    budget = _Budget(tries, limit_s)
    progress = True
    while progress:
        progress = False
        for smaller in _smaller(value, 0):
            if not budget.spend():
                return value
            if _ask(shows, smaller):
                value, progress = smaller, True
                break
    return value


def _ask(shows: Callable[[Any], bool], value: Any) -> bool:
    try:
        return shows(value)
    except Exception:
        return False


def smallest(case: Case, shows: Callable[[Case], bool]) -> Case:
    """Return a case with fewer calls and smaller arguments that still shows it.

    Args:
        case: A case that shows it.
        shows: Says whether a case does.
    """
    first, rest = case.steps[:1], list(case.steps[1:])
    if rest:
        rest = shrunk(rest, lambda steps: shows(replace(case, steps=(*first, *steps))))
        case = replace(case, steps=(*first, *rest))
    for at in range(len(case.steps)):
        case = _step(case, at, shows)
    return case


def _step(case: Case, at: int, shows: Callable[[Case], bool]) -> Case:
    def changed(args: Any, kwargs: Any) -> Case:
        step = replace(case.steps[at], args=tuple(args), kwargs=kwargs)
        return replace(case, steps=(*case.steps[:at], step, *case.steps[at + 1 :]))

    args: list[Any] = list(case.steps[at].args)
    kwargs: dict[str, Any] = dict(case.steps[at].kwargs)
    for number, value in enumerate(args):
        before, after = args[:number], args[number + 1 :]

        def with_one(smaller: Any, before: list[Any] = before, after: list[Any] = after) -> bool:
            return shows(changed([*before, smaller, *after], kwargs))

        args[number] = shrunk(value, with_one)
    for name, value in list(kwargs.items()):

        def with_named(smaller: Any, name: str = name) -> bool:
            return shows(changed(args, {**kwargs, name: smaller}))

        kwargs[name] = shrunk(value, with_named)
    return changed(args, kwargs)


def _smaller(value: Any, depth: int) -> Iterator[Any]:  # noqa: PLR0912 - one for each kind of value
    """Values that are smaller, the boldest first."""
    kind = type(value)
    if depth > 8 or value is None or kind is bool:
        return
    if kind is int:
        yield from (
            found for found in (0, 1, value // 2, value - 1 if value > 0 else value + 1) if abs(found) < abs(value)
        )
    elif kind is float:
        candidates = (
            0.0,
            1.0,
            float(round(value)) if abs(value) < 1e15 else value,
            round(value, 2) if abs(value) < 1e15 else value,
        )
        yield from (found for found in candidates if len(repr(found)) < len(repr(value)))
    elif kind in (str, bytes):
        yield from _pieces(value)
    elif kind in (list, tuple):
        for piece in _pieces(list(value)):
            yield kind(piece)
        for at, item in enumerate(value):
            for smaller in _smaller(item, depth + 1):
                yield kind([*value[:at], smaller, *value[at + 1 :]])
    elif kind is dict:
        for piece in _pieces(list(value)):
            yield {key: value[key] for key in piece}
        for key, item in value.items():
            for smaller in _smaller(item, depth + 1):
                yield {**value, key: smaller}
    elif dataclasses.is_dataclass(kind):
        for found in dataclasses.fields(kind):
            if found.init:
                for smaller in _smaller(getattr(value, found.name), depth + 1):
                    yield replace(value, **{found.name: smaller})


def _pieces(value: Any) -> Iterator[Any]:
    """The value with ever smaller parts cut out."""
    size = len(value)
    step = size
    while step:
        for start in range(0, size, step):
            yield value[:start] + value[start + step :]
        step //= 2
