"""Units that are functions: methods, properties, C functions and whole modules of them.

Written in Python they are spliced; else, or where the splice was never tested, an object takes their place.
"""

from __future__ import annotations

import contextlib
import functools
import inspect
import sys
import types
from typing import TYPE_CHECKING, Any

from exuvia._exuvia import Switch
from exuvia.errors import MigrateError
from exuvia.migrate.dispatch import canary, finding, frames, inspected, kinds, placing, raised, rescue, seams, splice
from exuvia.migrate.dispatch.defaults import narrowed
from exuvia.migrate.own import os
from exuvia.migrate.shadow import observe

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Iterator

    from exuvia.migrate.config import UnitConfig
    from exuvia.migrate.evidence.record import Record
    from exuvia.migrate.shadow.courier import Courier

__all__ = ["ANEW", "FunctionUnit", "ModuleUnit", "refuse_other_signature"]

ANEW = "its module was reloaded, and the new code serves as it is: legacy until a restart"
LATE = 3
"""Looks of the poller after a flip at which caches are cleared once more."""


class _Function:
    """One function of a unit: its two sides behind a callable, and what puts that in the function's place."""

    def __init__(
        self,
        unit: UnitConfig,
        names: tuple[str, str],
        found: Any,
        candidate: Any,
        place: str,
    ) -> None:
        module, qualname = names
        if not callable(candidate):
            raise MigrateError(f"unit {unit.name!r}: the candidate {unit.candidate} cannot be called")
        self.unit, self.module, self.qualname, self.found = unit, module, qualname, found
        self.notes: list[str] = []
        self.function: types.FunctionType | None = None
        if _is_python(found):
            self.function = splice.plain_function(unit.name, found, module, qualname)
        elif not callable(found) and not isinstance(found, (staticmethod, classmethod)):
            raise MigrateError(f"unit {unit.name!r} is a {type(found).__name__}, which cannot be called")
        self.kind = kinds.kind_of(self.function.__code__) if self.function else kinds.PLAIN
        plain = found.__func__ if isinstance(found, (staticmethod, classmethod)) else found
        self.legacy: Any = splice.legacy_copy(self.function) if self.function else plain
        # What observes is given an alias of a C function, so that only known objects of ours hold it.
        self.seen: Any = self.legacy if self.function else functools.partial(plain)
        self.candidate = _fitted(found, candidate)
        _refuse_other_kind(place, unit, self.kind, self.candidate)
        refuse_other_signature(place, unit, self.function or plain, self.candidate)
        around = finding.layers(found, self.function) if self.function else []
        if around:
            self.notes.append(f"{qualname} stands inside of {', '.join(around)}, which stay around both sides")
        if self.function is not None:
            self.notes += [f"{qualname}: {note}" for note in frames.notes(self.function)]
        self.put: splice.Splice | placing.Placing | None = None
        self._watched = self._holds(finding.standing(module, qualname))

    def _holds(self, now: Any) -> bool:
        """Whether what stands under the name is what was found there."""
        return now is self.found or (isinstance(now, property) and self.found in (now.fget, now.fset, now.fdel))

    def displaced(self, mode: str) -> str | None:
        """Say if something else stands under the name since, which is not observed and serves as it is.

        Args:
            mode: Where the unit stands.

        Returns:
            `reloaded` for a definition anew, as a reload of the module makes it, `replaced` for all else.
        """
        if isinstance(self.put, placing.Placing):
            # Under the name is ours, or in legacy what was found; what was found may also have been put there again.
            return "reloaded" if mode != "legacy" and self.put.taken_back else None
        now = finding.standing(self.module, self.qualname)
        if now is None or not self._watched or self._holds(now):
            return None
        accessors = [now.fget, now.fset, now.fdel] if isinstance(now, property) else [now]
        inside = [finding.inner(each, self.module, self.qualname) for each in accessors if each is not None]
        if any(each is self.function for each in inside):
            # Someone's decorator around it.
            return None
        return "reloaded" if any(each is not None for each in inside) else "replaced"

    def connect(self, callable_: Callable[..., Any]) -> None:
        """Make ready what puts the callable in the function's place."""
        inspected.as_function(callable_, self.function or self.found)
        if self.function is not None and splice.can_splice():
            target = narrowed(callable_, self.function, self.candidate)
            self.put = splice.Splice(self.function, target, finding.caches(self.found))
            return
        why = (
            f"the splice was never tested on Python {sys.version.split()[0]}"
            if self.function is not None
            else f"{self.qualname} is a {type(self.found).__name__}, which has no code to exchange"
        )
        self.notes.append(f"replaced by attribute: {why}")
        mine = (self.seen, vars(self))
        self.put = placing.Placing(self.unit, (self.module, self.qualname), self.found, callable_, mine)


class FunctionUnit:
    """A function, method or property: spliced, or replaced by an object."""

    kind = "function"

    def __init__(
        self,
        unit: UnitConfig,
        legacy: Any,
        candidate: Any,
        record: Record,
        courier: Courier | None = None,
        *,
        place: str = "",
    ) -> None:
        self.unit, self.record, self.place = unit, record, place
        self.mode = "legacy"
        self.late = 0
        self.courier = courier
        self.functions = self._functions(legacy, candidate)
        self.standing: list[str] = [note for each in self.functions for note in each.notes]
        self.switch: Switch
        self._connect()

    def _functions(self, legacy: Any, candidate: Any) -> list[_Function]:
        names = self.unit.module, self.unit.qualname
        if not isinstance(legacy, property):
            return [_Function(self.unit, names, legacy, candidate, self.place)]
        if not isinstance(candidate, property):
            candidate = property(candidate)
        pairs = [(getattr(legacy, name), getattr(candidate, name)) for name in ("fget", "fset", "fdel")]
        made = [_Function(self.unit, names, own, other, self.place) for own, other in pairs if own and other]
        if not made:
            raise MigrateError(f"unit {self.unit.name!r} is a property whose candidate has none of its accessors")
        return made

    def _connect(self) -> None:
        switch: Any = None
        rescues: list[rescue.Rescue] = []
        for each in self.functions:
            candidate = each.candidate
            sides = (each.seen, candidate)
            names = observe.positional(each.legacy)
            observer, reverse = seams.observers(sides, self.unit, self.record, self.courier, names)
            compared = raised.Raised(self.unit, self.record, names)
            if self.unit.fallback:
                own = [rescue.Rescue(compared, observed=observed) for observed in (False, True)]
                candidate = kinds.guarded(each.kind, candidate, each.legacy, own[0])
                reverse = kinds.guarded(each.kind, reverse, each.legacy, own[1])
                rescues += own
            if switch is None:
                switch = Switch(each.legacy, candidate, observer, reverse, compared)
                each.connect(switch.callable)
            else:
                each.connect(switch.part(each.legacy, candidate, observer, reverse, compared))
        self.switch = switch
        for own_rescue in rescues:
            own_rescue.switch = switch
        switch.set_fallback(self.unit.fallback and self.unit.effect == "pure")
        seed = int.from_bytes(os.urandom(8), "little")
        switch.set_sampling(
            self.unit.sample, seed, rust=seams.share_in_rust(self.unit), pause=seams.pause_in_rust(self.unit)
        )
        canary.declare(switch, self.unit, self.functions[0].legacy)
        self.record.switch = switch

    @property
    def notes(self) -> list[str]:
        """What should be known of the unit."""
        found = [*self.standing]
        found += [note for each in self.functions for note in each.notes if note not in found]
        for each in self.functions:
            if isinstance(each.put, placing.Placing):
                found += each.put.notes
        return [*found, *self.foreign()]

    def foreign(self) -> list[str]:
        """Say what someone else has patched or put in a function's place since install, a reload of its module too."""
        found = []
        for each in self.functions:
            name, how = f"{each.module}:{each.qualname}", each.displaced(self.mode)
            if each.put is not None and each.put.foreign:
                found.append(f"{name} was patched by someone else after install: exuvia does not fight over it")
            elif how == "replaced":
                found.append(f"{name} was replaced after install: calls by that name are not observed and not moved")
            elif how == "reloaded":
                found.append(f"{name} was defined anew after install: {ANEW}")
        return found

    @property
    def reloaded(self) -> bool:
        """Whether a function was defined anew since install, as a reload of its module does."""
        return any(each.displaced(self.mode) == "reloaded" for each in self.functions)

    def settle(self, *, leave: bool = False) -> None:
        """Drop what caches hold, if the control page has changed the mode between two flips.

        Args:
            leave: Whether exuvia leaves the process.
        """
        late = self.late > 0
        self.late = max(0, self.late - 1)
        for each in self.functions:
            if isinstance(each.put, splice.Splice) and (
                late or (self.switch.unsettled and _server(self.mode) != "legacy")
            ):
                each.put.forget()
            elif leave and isinstance(each.put, placing.Placing):
                each.put.leave()

    def flip(self, mode: str, accepted: int | None = None) -> None:
        """Stand in a mode; the next call follows it.

        Args:
            mode: `legacy`, `shadow`, `canary` or `rust`.
            accepted: The control page's word for which it holds.

        Raises:
            MigrateError: If someone else has patched the function; the mode holds for whoever still calls it.
        """
        if mode != "legacy" and self.reloaded:
            raise MigrateError(f"unit {self.unit.name!r}: {'; '.join(self.foreign())}")
        # First of all who serves: whatever still calls the dispatcher follows, even if the rest fails.
        self.switch.set_mode(mode, accepted)
        for each in self.functions:
            if each.put is not None:
                each.put.restore() if mode == "legacy" else each.put.apply()
        if _server(mode) != _server(self.mode):
            for each in self.functions:
                if each.put is not None:
                    each.put.forget()
            # A call that was running puts the other side's answer into its cache after this: drop it at the next looks.
            self.late = LATE
        self.mode = mode


def _server(mode: str) -> str:
    """Who answers in a mode: what a cache holds from legacy is as good in shadow, which legacy serves too."""
    return "legacy" if mode in ("legacy", "shadow") else mode


class ModuleUnit(FunctionUnit):
    """Every public function that a module defines, moved together to those of another module."""

    kind = "module"

    def _functions(self, legacy: Any, candidate: Any) -> list[_Function]:
        names = getattr(legacy, "__all__", None) or [name for name in vars(legacy) if not name.startswith("_")]
        own = {
            name: found
            for name in names
            if getattr(found := vars(legacy).get(name), "__module__", None) == legacy.__name__
            and callable(found)
            and not isinstance(found, type)
        }
        missing = [name for name in own if not hasattr(candidate, name)]
        if missing or not own:
            what = f"has no {', '.join(missing)}" if missing else "has nothing to replace: no function is defined there"
            raise MigrateError(f"unit {self.unit.name!r}: {self.unit.candidate} {what}")
        classes = [name for name in names if isinstance(vars(legacy).get(name), type)]
        made = [
            _Function(self.unit, (legacy.__name__, name), found, getattr(candidate, name), self.place)
            for name, found in own.items()
        ]
        if classes:
            made[0].notes.append(f"classes of a module are units of their own: {', '.join(classes)} stay legacy")
        return made


def _is_python(found: Any) -> bool:
    """Whether there is code to exchange somewhere inside."""
    for _ in range(finding.DEPTH):
        if isinstance(found, types.FunctionType):
            return True
        following = getattr(found, "__wrapped__", None) or getattr(found, "__func__", None)
        if following is None:
            return not isinstance(
                found, (types.BuiltinFunctionType, types.MethodDescriptorType, functools.partial)
            ) and (hasattr(found, "__dict__") and any(isinstance(v, types.FunctionType) for v in vars(found).values()))
        found = following
    return False


def _fitted(found: Any, candidate: Any) -> Any:
    """A candidate that takes what the function takes: a class method's own first argument is the class."""
    if not isinstance(found, classmethod) or not isinstance(getattr(candidate, "__self__", None), type):
        return candidate
    return getattr(candidate, "__func__", None) or (lambda _class, *args, **kwargs: candidate(*args, **kwargs))


@contextlib.contextmanager
def _held() -> Iterator[None]:
    yield


@contextlib.asynccontextmanager
async def _awaited() -> AsyncIterator[None]:
    yield


_MANAGERS = {getattr(made, "__code__", None) for made in (_held, _awaited)}
"""The code of what the decorators of `contextlib` make."""


def _refuse_other_kind(place: str, unit: UnitConfig, kind: str, candidate: Any) -> None:
    """Both sides are of one kind, as far as the candidate tells."""
    code = getattr(candidate, "__code__", None)
    if kind != kinds.PLAIN and code in _MANAGERS:
        raise MigrateError(
            f"{place}: unit {unit.name!r} is {kinds.NAMES[kind]} inside of its decorator, which stays around both "
            f"sides, but its candidate {unit.candidate} makes a context manager: name one without that decorator"
        )
    theirs = kinds.kind_of(code) if isinstance(code, types.CodeType) else None
    wrong = (theirs == kinds.PLAIN and kind in (kinds.COROUTINE, kinds.STREAM)) or (
        theirs in (kinds.COROUTINE, kinds.STREAM) and theirs != kind
    )
    if theirs is not None and wrong and not hasattr(candidate, "__wrapped__"):
        raise MigrateError(
            f"{place}: unit {unit.name!r} is {kinds.NAMES[kind]}, its candidate {unit.candidate} is "
            f"{kinds.NAMES[theirs]}: both must be of one kind"
        )


def _takes(code: Any) -> tuple[Any, ...]:
    """What a function can be given, where a look at its code is enough: nothing follows from a difference."""
    names = code.co_varnames[code.co_argcount : code.co_argcount + code.co_kwonlyargcount]
    return code.co_argcount, code.co_flags & (inspect.CO_VARARGS | inspect.CO_VARKEYWORDS), names


def refuse_other_signature(place: str, unit: UnitConfig, legacy: Any, candidate: Any) -> None:
    """Refuse a candidate that does not take what the trampoline passes: positions first, keyword-only by name.

    Args:
        place: File and line of the unit.
        unit: The unit.
        legacy: Legacy's side.
        candidate: The candidate's side.

    Raises:
        MigrateError: With both signatures.
    """
    own, other = getattr(legacy, "__code__", None), getattr(candidate, "__code__", None)
    if type(candidate) is type(legacy) is types.FunctionType and _takes(own) == _takes(other):
        return
    try:
        theirs, ours = inspect.signature(candidate), inspect.signature(legacy)
    except (ValueError, TypeError):
        return
    kind = inspect.Parameter
    positional = [p for p in ours.parameters.values() if p.kind in (kind.POSITIONAL_ONLY, kind.POSITIONAL_OR_KEYWORD)]
    keywords = {p.name: None for p in ours.parameters.values() if p.kind is kind.KEYWORD_ONLY}
    try:
        theirs.bind(*[None] * len(positional), **keywords)
    except TypeError as error:
        raise MigrateError(
            f"{place}: unit {unit.name!r} has the signature {ours}, its candidate {unit.candidate} "
            f"has {theirs}: {error}"
        ) from None
