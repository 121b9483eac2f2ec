"""Defaults that are told apart by identity: each side has its own, so neither may be given the other's.

A trampoline passes on whatever it was called with, legacy's defaults filled in. For a number or a text that is as
good as leaving it out; for `_MISSING = object()` it is not: the candidate looks for its own.
"""

from __future__ import annotations

import functools
import inspect
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import types
    from collections.abc import Callable

__all__ = ["narrowed"]

_EMPTY = inspect.Parameter.empty


def narrowed(target: Callable[..., Any], function: types.FunctionType, candidate: Any) -> Callable[..., Any]:
    """Return a callable that leaves out what is legacy's own default, where the candidate has another of its own.

    >>> mine, yours = object(), object()
    >>> def legacy(x, default=mine): return default is mine
    >>> def rust(x, default=yours): return default is yours
    >>> rust(1, mine), narrowed(rust, legacy, rust)(1, mine)
    (False, True)

    Args:
        target: What is to be called in the function's place.
        function: Legacy's function.
        candidate: The candidate, for its defaults.

    Returns:
        `target` itself where there is nothing to leave out.
    """
    own = _sentinels(function, candidate)
    if not own:
        return target
    code = function.__code__
    names = code.co_varnames[: code.co_argcount]
    first_named = code.co_posonlyargcount

    @functools.wraps(target, assigned=(), updated=())
    def call(*args: Any, **kwargs: Any) -> Any:
        if len(args) <= len(names):
            kept = len(args)
            for at, (name, value) in enumerate(zip(names, args, strict=False)):
                if own.get(name, _EMPTY) is value and at >= first_named - 1:
                    kept = min(kept, at)
            later = zip(names[kept:], args[kept:], strict=False)
            kwargs.update((name, value) for name, value in later if own.get(name, _EMPTY) is not value)
            args = args[:kept]
        return target(*args, **{name: value for name, value in kwargs.items() if own.get(name, _EMPTY) is not value})

    return call


def _sentinels(function: types.FunctionType, candidate: Any) -> dict[str, Any]:
    """Legacy's defaults that only their identity tells apart, where the candidate's default is another object."""
    defaults, named = function.__defaults__ or (), function.__kwdefaults__ or {}
    if not any(value is not None and _by_identity(type(value)) for value in (*defaults, *named.values())):
        return {}
    code = function.__code__
    positional = code.co_varnames[: code.co_argcount]
    ours = dict(zip(positional[len(positional) - len(defaults) :], defaults, strict=True))
    ours.update(named)
    ours = {name: value for name, value in ours.items() if value is not None and _by_identity(type(value))}
    try:
        theirs = inspect.signature(candidate).parameters
    except (ValueError, TypeError):
        return {}
    return {
        name: value
        for name, value in ours.items()
        if name in theirs and theirs[name].default is not _EMPTY and theirs[name].default is not value
    }


def _by_identity(kind: Any) -> bool:
    return kind.__eq__ is object.__eq__
