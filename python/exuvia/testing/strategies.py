"""Hypothesis strategies: of the annotations of a function, and of the calls that were recorded.

Hypothesis is optional: `pip install exuvia[testing]`.
"""

from __future__ import annotations

import collections.abc
import dataclasses
import importlib
import inspect
import math
import types
import typing
from typing import TYPE_CHECKING, Any

from exuvia.errors import ConfigError
from exuvia.testing.cases import Pair

if TYPE_CHECKING:
    import os
    from collections.abc import Callable

__all__ = ["hypothesis_or_say", "inferred", "inferred_steps", "recorded"]

CALLS = 12
RANGE = (-1e12, 1e12)
"""Between which floats are made up: any price, size or turnover of a market lies there, and their sums stay finite."""


def hypothesis_or_say() -> Any:
    """Return Hypothesis.

    Raises:
        ConfigError: If it is not installed, with what to install.
    """
    try:
        return importlib.import_module("hypothesis")
    except ImportError:
        raise ConfigError(
            "cases are made up by Hypothesis, which is not installed: pip install 'exuvia[testing]', or pass cases=…"
        ) from None


def inferred(function: Callable[..., Any], floats: tuple[float, float] | None = None) -> Any:
    """Return a strategy of `(arguments, keywords)` for a function, by its annotations.

    Args:
        function: The function. Arguments with a default are given too; `*args` and `**kwargs` are not.
        floats: Between which bounds floats are made up, ±1e12 if not given; neither NaN nor infinite. What is
            annotated otherwise (`Annotated`, a class that Hypothesis knows) is made up as Hypothesis does it.

    Raises:
        ConfigError: If an argument has no annotation, or one that cannot be resolved.
    """
    strategies = hypothesis_or_say().strategies
    positional, named = _parameters(function)
    kinds = _Kinds(strategies, floats or RANGE)
    return strategies.tuples(
        strategies.tuples(*(kinds.of(kind) for kind in positional)),
        strategies.fixed_dictionaries({name: kinds.of(kind) for name, kind in named.items()}),
    ).map(Pair)


class _Kinds:
    """Strategies by type, floats of a range wherever they stand inside of lists, dictionaries and dataclasses."""

    def __init__(self, strategies: Any, floats: tuple[float, float]) -> None:
        self._make, self._made = strategies, dict[Any, Any]()
        low, high = map(float, floats)
        if not low <= high or math.isinf(low) or math.isinf(high):
            raise ConfigError(f"floats={floats!r}: give the lowest and the highest float, both finite, as (0.01, 1e6)")
        self._floats = strategies.floats(low, high, allow_nan=False, allow_infinity=False)

    def of(self, kind: Any) -> Any:  # noqa: PLR0911 - one for each kind of type
        """A strategy of a type."""
        if kind is float:
            return self._floats
        origin, inside = typing.get_origin(kind), typing.get_args(kind)
        if origin in (typing.Union, types.UnionType):
            return self._make.one_of([self.of(each) for each in inside])
        if origin in _LISTS and len(inside) == 1:
            return self._make.lists(self.of(inside[0]))
        if origin is tuple and inside and Ellipsis not in inside:
            return self._make.tuples(*map(self.of, inside))
        if origin is tuple and len(inside) == 2:
            return self._make.lists(self.of(inside[0])).map(tuple)
        if origin in _DICTS and len(inside) == 2:
            return self._make.dictionaries(self.of(inside[0]), self.of(inside[1]))
        if isinstance(kind, type) and dataclasses.is_dataclass(kind):
            return self._record(kind)
        return self._make.from_type(kind)

    def _record(self, kind: type) -> Any:
        if kind not in self._made:
            # It may hold itself: asked for again while its fields are looked at, it is this very promise.
            fields = [found.name for found in dataclasses.fields(kind) if found.init]
            self._made[kind] = self._make.deferred(
                lambda: self._make.builds(kind, **{name: self.of(typing.get_type_hints(kind)[name]) for name in fields})
            )
        return self._made[kind]


_LISTS = (list, collections.abc.Sequence, collections.abc.Iterable, collections.abc.Collection)
_DICTS = (dict, collections.abc.Mapping)


def inferred_steps(cls: type, floats: tuple[float, float] | None = None) -> Any:
    """Return a strategy of what makes an object and the calls that follow, by the annotations of a class.

    Args:
        cls: The class. Its public methods are called, those that are properties or async are not.
        floats: Between which bounds floats are made up, as of `inferred`.

    Raises:
        ConfigError: If an argument has no annotation, or there is no method to call.
    """
    strategies = hypothesis_or_say().strategies
    methods = {
        name: member
        for name, member in inspect.getmembers(cls, inspect.isfunction)
        if not name.startswith("_") and not inspect.iscoroutinefunction(member)
    }
    if not methods:
        raise ConfigError(f"{cls.__qualname__} has no public method in Python: compare its functions with cases=…")
    none = strategies.tuples(strategies.just(()), strategies.just({}))
    init = inspect.getattr_static(cls, "__init__", None)
    making = inferred(_bound(init), floats) if isinstance(init, types.FunctionType) else none
    calls = [
        strategies.tuples(strategies.just(name), inferred(_bound(member), floats)) for name, member in methods.items()
    ]
    return strategies.tuples(making, strategies.lists(strategies.one_of(calls), max_size=CALLS))


def recorded(unit: str, config: str | os.PathLike[str] | None = None) -> Any:
    """Return a strategy of `(arguments, keywords)` that begins with recorded calls of a unit and changes them.

    Args:
        unit: The unit's name.
        config: `exuvia.toml`, else it is found.

    Raises:
        ConfigError: If the unit is not declared or no call of it was recorded.
    """
    strategies = hypothesis_or_say().strategies
    from exuvia.migrate import config as configuration
    from exuvia.migrate.workbench import recordings, sides

    loaded = configuration.load(config)
    sides.chosen(loaded, [unit])
    found = recordings.read(loaded, [unit])
    calls = [Pair((call.args, call.kwargs)) for call in found.of(unit)]
    if not calls:
        why = "; ".join(found.problems) or "run it in shadow with record = 1 or more"
        raise ConfigError(f"{unit}: no call was recorded: {why}")

    def changed(draw: Any) -> Any:
        args, kwargs = draw(strategies.sampled_from(calls))
        return Pair((_changed(args, draw, strategies), _changed(kwargs, draw, strategies)))

    return strategies.one_of(strategies.sampled_from(calls), strategies.composite(changed)())


def _changed(value: Any, draw: Any, strategies: Any, depth: int = 0) -> Any:  # noqa: PLR0911 - one for each kind of value
    """The value with some of its leaves drawn anew, its types as they were."""
    kind = type(value)
    if depth > 8:
        return value
    if kind in (list, tuple):
        return kind(_changed(item, draw, strategies, depth + 1) for item in value)
    if kind is dict:
        return {key: _changed(item, draw, strategies, depth + 1) for key, item in value.items()}
    if dataclasses.is_dataclass(kind):
        fields = {
            found.name: _changed(getattr(value, found.name), draw, strategies, depth + 1)
            for found in dataclasses.fields(kind)
            if found.init
        }
        return dataclasses.replace(value, **fields)
    if kind not in (int, float, str, bool, bytes) or draw(strategies.integers(0, 7)):
        return value
    if kind is int:
        return value + draw(strategies.integers(-3, 3))
    if kind is float:
        return value * draw(strategies.sampled_from([0.0, -1.0, 0.5, 1.0 + 2**-52, 1.01, 2.0]))
    return draw(strategies.from_type(kind))


def _bound(method: Any) -> Any:
    """A method as it looks from outside, without its first argument."""

    def outside() -> None: ...

    own = inspect.signature(method)
    outside.__signature__ = own.replace(parameters=list(own.parameters.values())[1:])  # type: ignore[attr-defined]  # inspect reads it
    outside.__qualname__, outside.__module__ = method.__qualname__, method.__module__
    outside.__wrapped__ = method  # type: ignore[attr-defined]  # inspect reads it
    return outside


def _parameters(function: Callable[..., Any]) -> tuple[list[Any], dict[str, Any]]:
    name = getattr(function, "__qualname__", repr(function))
    try:
        signature = inspect.signature(function, follow_wrapped=False)
        hints = typing.get_type_hints(inspect.unwrap(function))
    except (NameError, TypeError, ValueError, AttributeError) as error:
        raise ConfigError(f"{name}: its annotations cannot be resolved ({error}): pass cases=…") from None
    positional: list[Any] = []
    named: dict[str, Any] = {}
    for parameter in signature.parameters.values():
        if parameter.kind in (parameter.VAR_POSITIONAL, parameter.VAR_KEYWORD):
            continue
        if parameter.name not in hints:
            raise ConfigError(f"{name}: argument {parameter.name!r} has no annotation to make it up from: pass cases=…")
        if parameter.kind is parameter.KEYWORD_ONLY:
            named[parameter.name] = hints[parameter.name]
        else:
            positional.append(hints[parameter.name])
    return positional, named
