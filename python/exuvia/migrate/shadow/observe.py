"""The observer of a spliced function: one side serves, then the other runs on copies and both are compared.

The caller gets the own result or exception of the side that serves, the same object, whatever the other does. With
a courier that one runs in the worker process; without one (`isolation = "thread"`) in the caller's thread, which
contains exceptions but no hang, abort or exhausted memory.
"""

from __future__ import annotations

import functools
import importlib
import inspect
import sys
import types
from typing import TYPE_CHECKING, Any

from exuvia.errors import MigrateError
from exuvia.migrate.comparator.ledger import comparator_of
from exuvia.migrate.dispatch import finding
from exuvia.migrate.shadow import beside, tape, unseen_importlib_bootstrap

if TYPE_CHECKING:
    from collections.abc import Callable

    from exuvia.migrate.config import UnitConfig
    from exuvia.migrate.evidence.record import Record
    from exuvia.migrate.shadow.courier import Courier

__all__ = ["kind_of", "observer", "positional", "spelled"]


_SPECIAL = inspect.CO_GENERATOR | inspect.CO_COROUTINE | inspect.CO_ASYNC_GENERATOR


def observer(
    legacy: Callable[..., Any],
    candidate: Callable[..., Any],
    unit: UnitConfig,
    record: Record,
    courier: Courier | None,
    *,
    reverse: bool = False,
    names: tuple[str, ...] | None = None,
) -> Callable[..., Any]:
    """Make the callable of the observed calls: one side serves, the other runs after it.

    Args:
        legacy: Legacy's side.
        candidate: The candidate's side.
        unit: The unit.
        record: Where calls, times and differences go.
        courier: The way to the worker, `None` for `isolation = "thread"`.
        reverse: Whether the candidate serves, as in canary and rust, and legacy runs after it.
        names: Legacy's positional parameters, where they are known.

    Raises:
        MigrateError: For an async function with `isolation = "thread"`.
    """
    served = candidate if reverse else legacy
    kind = kind_of(legacy)
    if names is None:
        names = positional(legacy)
    if courier is not None:
        runs = spelled(unit.name, legacy) if reverse else spelled(unit.candidate, candidate)
        door = courier.door(unit, runs, names, reverse=reverse)
        if kind == "plain":
            return unseen_importlib_bootstrap.sampled(served, door)
        return tape.observer(kind, served, door.open())
    if kind in ("async", "async generator"):
        raise MigrateError(
            f"unit {unit.name!r} is an {kind} function, which isolation = 'thread' cannot run again "
            "inside the running loop: use isolation = 'process'"
        )
    other = legacy if reverse else candidate
    shadow = beside.Beside(other, comparator_of(unit), unit, record, names, reverse=reverse)
    return shadow.observer(served) if kind == "plain" else shadow.generator(served)


def spelled(declared: str, wanted: Any) -> str:
    """Return the name by which the worker finds the very callable: of an accessor, or of a module's function.

    >>> spelled("fractions:Fraction.numerator", __import__("fractions").Fraction.numerator.fget)
    'fractions:Fraction.numerator.fget'
    >>> spelled("os:path", __import__("os").path.join).endswith("path:join")
    True

    Args:
        declared: The name in the configuration.
        wanted: The callable.
    """
    module, _, qualname = declared.partition(":")
    found: Any = sys.modules.get(module)
    if found is None:
        found = importlib.import_module(module)
    for part in filter(None, qualname.split(".")):
        found = getattr(found, part, None)
    if isinstance(found, property):
        held = {name: getattr(found, name) for name in ("fget", "fset", "fdel")}
        if isinstance(wanted, types.FunctionType):
            # Around the very function may stand decorators.
            place = wanted.__module__, wanted.__code__.co_qualname
            held = {name: finding.inner(accessor, *place) or accessor for name, accessor in held.items()}
        accessors = [name for name, accessor in held.items() if _is(accessor, wanted)]
        return f"{declared}.{accessors[0]}" if accessors else declared
    if isinstance(found, types.ModuleType):
        names = [name for name, value in list(vars(found).items()) if _is(value, wanted)]
        return f"{found.__name__}:{[*names, getattr(wanted, '__name__', '')][0]}"
    if found is not wanted and getattr(found, "__func__", None) is wanted:
        return f"{declared}.__func__"
    return declared


def _is(found: Any, wanted: Any) -> bool:
    """Whether this is the callable, or the function whose copy or alias dispatch calls legacy by."""
    if found is wanted or (isinstance(wanted, functools.partial) and found is wanted.func):
        return True
    code = getattr(wanted, "__code__", None)
    return isinstance(code, types.CodeType) and getattr(found, "__code__", None) is code


def positional(function: Any) -> tuple[str, ...]:
    """Return the names of a callable's positional parameters, as strata name them.

    >>> positional(lambda symbol, side="Buy", *, note="": None)
    ('symbol', 'side')

    Args:
        function: Any callable.
    """
    if type(function) is types.FunctionType and not vars(function):
        return function.__code__.co_varnames[: function.__code__.co_argcount]
    try:
        parameters = inspect.signature(function).parameters.values()
    except (TypeError, ValueError):
        return ()
    kinds = (inspect.Parameter.POSITIONAL_ONLY, inspect.Parameter.POSITIONAL_OR_KEYWORD)
    return tuple(parameter.name for parameter in parameters if parameter.kind in kinds)


def kind_of(function: Any) -> str:
    """Return what a call of a function gives: `plain`, `async`, `generator` or `async generator`.

    >>> kind_of(len), kind_of(lambda: (yield))
    ('plain', 'generator')

    Args:
        function: Any callable.
    """
    if type(function) is types.FunctionType and not vars(function) and not function.__code__.co_flags & _SPECIAL:
        return "plain"
    if inspect.iscoroutinefunction(function):
        return "async"
    if inspect.isasyncgenfunction(function):
        return "async generator"
    return "generator" if inspect.isgeneratorfunction(function) else "plain"
