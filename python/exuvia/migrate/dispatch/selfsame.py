"""Whether a candidate is legacy itself, or calls it by the name whose place it is to take.

Outside of legacy that name is the candidate, so such a call would never end.
"""

from __future__ import annotations

import dis
import functools
import types
from typing import TYPE_CHECKING, Any

from exuvia.migrate.dispatch.finding import DEPTH, inner
from exuvia.migrate.dispatch.frames import codes

if TYPE_CHECKING:
    from collections.abc import Iterator

    from exuvia.errors import ConfigError
    from exuvia.migrate.config import Config, UnitConfig

__all__ = ["INSTEAD", "leads_back", "refusal", "refuse"]


INSTEAD = "exuvia.migrate.original(f) gives legacy's own code to a candidate that still needs it"


def refuse(config: Config, unit: UnitConfig, legacy: Any, candidate: Any) -> None:
    """Refuse a candidate that leads back to legacy: its calls would never end where it serves.

    Args:
        config: The configuration, for the line.
        unit: The unit.
        legacy: Legacy's side.
        candidate: The candidate's side; of a module each function that it names is looked at.

    Raises:
        ConfigError: Naming the line, and how legacy's own code can be called instead.
    """
    pairs = [(legacy, candidate)]
    if isinstance(legacy, types.ModuleType):
        names = [name for name, held in vars(legacy).items() if getattr(held, "__module__", "") == legacy.__name__]
        pairs += [(vars(legacy)[name], getattr(candidate, name)) for name in names if hasattr(candidate, name)]
    for own, other in pairs:
        how = leads_back(own, other)
        if how is not None:
            raise refusal(config, unit, how)


def refusal(config: Config, unit: UnitConfig, how: str) -> ConfigError:
    """Make the error for such a candidate.

    Args:
        config: The configuration, for the line.
        unit: The unit.
        how: As `leads_back` says it.
    """
    return config.refuse(unit.name, f"candidate = {unit.candidate!r} is no other side: {how}; {INSTEAD}", "candidate")


def leads_back(legacy: Any, candidate: Any) -> str | None:
    """Say how a candidate leads back to what it is to replace, or `None` if it does not.

    It is followed through what may call on: partials, caches, bound methods, closures, defaults, and the globals that
    its code names. `functools.wraps` alone calls nothing.

    >>> import functools
    >>> def double(x): return 2 * x
    >>> leads_back(double, functools.lru_cache(double))
    'it calls double, whose place it is to take'
    >>> leads_back(double, functools.wraps(double)(lambda x: x + x))

    Args:
        legacy: Legacy's side, as its module or class holds it.
        candidate: The candidate's side.
    """
    name = getattr(legacy, "__qualname__", None) or type(legacy).__name__
    if isinstance(legacy, types.ModuleType):
        return f"it is {legacy.__name__} itself" if candidate is legacy else None
    if isinstance(legacy, property):
        pairs = [(getattr(legacy, each), getattr(candidate, each, None)) for each in ("fget", "fset", "fdel")]
        return next((found for own, other in pairs if own and other and (found := leads_back(own, other))), None)
    targets = [legacy]
    function = inner(legacy, str(getattr(legacy, "__module__", "")), str(name))
    if function is not None and function is not legacy:
        targets.append(function)
    if isinstance(legacy, type):
        return f"it is {name} itself" if candidate is legacy else None
    level, seen = [candidate], set[int]()
    for depth in range(DEPTH):
        if any(_is(each, target) for each in level for target in targets):
            return f"it is {name} itself" if depth == 0 else f"it calls {name}, whose place it is to take"
        seen.update(map(id, level))
        level = [held for each in level for held in _called(each, legacy) if id(held) not in seen]
        if not level:
            break
    return None


def _is(each: Any, target: Any) -> bool:
    if each is target:
        return True
    if not isinstance(each, types.FunctionType) or not isinstance(target, types.FunctionType):
        return False
    # Functions that one factory made share their code, but not what they close over.
    ours, theirs = each.__closure__ or (), target.__closure__ or ()
    return each.__code__ is target.__code__ and all(one is other for one, other in zip(ours, theirs, strict=True))


def _called(each: Any, legacy: Any) -> Iterator[Any]:
    """What something may call."""
    if isinstance(each, functools.partial):
        yield each.func
    elif isinstance(each, (types.MethodType, staticmethod, classmethod)):
        yield each.__func__
    elif isinstance(each, types.FunctionType):
        yield from _named(each, legacy)
    elif not isinstance(each, (type, types.ModuleType)):
        # A cache, or a decorator that is an object.
        yield from (held for held in (getattr(each, "__wrapped__", None),) if callable(held))
        yield from (held for held in getattr(each, "__dict__", {}).values() if isinstance(held, types.FunctionType))


def _named(function: types.FunctionType, legacy: Any) -> Iterator[Any]:
    """What a function closes over, has as a default, or names."""
    for cell in function.__closure__ or ():
        try:
            if callable(cell.cell_contents):
                yield cell.cell_contents
        except ValueError:
            continue
    for default in (*(function.__defaults__ or ()), *(function.__kwdefaults__ or {}).values()):
        if callable(default):
            yield default
    names = set[str]()
    for code in codes(function):
        names.update(code.co_names)
    if "__wrapped__" in names:
        yield getattr(function, "__wrapped__", None)
    known = [function.__globals__[name] for name in names if name in function.__globals__]
    # Not what the functions that it names do in turn: they may mention it for other calls.
    yield from (each for each in known if each is legacy)
    modules = [each for each in known if isinstance(each, types.ModuleType)]
    # Reading the code takes longer than all the rest: only where there is something to be found.
    if not any(vars(module).get(name) is legacy for module in modules for name in names):
        return
    for module, name in _taken(function):
        held = function.__globals__.get(module)
        if isinstance(held, types.ModuleType) and vars(held).get(name) is legacy:
            yield legacy


def _taken(function: types.FunctionType) -> Iterator[tuple[str, str]]:
    """What a function's code takes from what its globals hold: `bars` and `mean` of `bars.mean`."""
    for code in codes(function):
        holder = ""
        for step in dis.get_instructions(code):
            if step.opname in ("LOAD_ATTR", "LOAD_METHOD") and holder:
                yield holder, str(step.argval)
            holder = str(step.argval) if step.opname in ("LOAD_GLOBAL", "LOAD_NAME") else ""
