"""Twins: an object of a migrated class that legacy serves carries a candidate object beside it.

In shadow, and in a canary for the objects that are legacy's. Every public method and property runs on legacy, then
on the candidate with copied arguments, and both results are compared. The first difference of an object counts;
later ones follow from it and are `cascade`.
"""

from __future__ import annotations

import copyreg
import functools
import inspect
import sys
import threading
import types
from dataclasses import dataclass, field
from time import perf_counter_ns
from typing import TYPE_CHECKING, Any

from exuvia.errors import MigrateError
from exuvia.migrate.shadow.beside import copy_arguments
from exuvia.migrate.shadow.compared import compare_call, numbered, self_named
from exuvia.migrate.shadow.containment import (
    HERE,
    Outcome,
    give_back,
    is_exit,
    leaves_random_alone,
    run_contained,
    served,
)
from exuvia.migrate.shadow.observe import kind_of

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from exuvia._exuvia import Comparator, Switch
    from exuvia.migrate.evidence.record import Record

__all__ = ["TwinMaker", "observable"]

SLOT = "_exuvia_pair"
OBSERVED = ("shadow", "canary")
OPERATORS = (
    "__call__", "__len__", "__getitem__", "__setitem__", "__delitem__", "__contains__", "__bool__",
    "__enter__", "__exit__",
)  # fmt: skip


class _Pair:
    """The candidate object beside a legacy one."""

    __slots__ = ("busy", "candidate", "differed", "owner", "stay")

    def __init__(self, candidate: object, stay: int, *, differed: bool) -> None:
        self.candidate, self.stay = candidate, stay
        self.differed = differed
        self.busy = threading.Lock()
        self.owner = 0


def observable(unit: str, legacy: type, candidate: type, *, steps: bool = True) -> dict[str, Any]:
    """Return the members whose calls are observed: functions and properties, public or operators.

    Args:
        unit: The unit's name, for messages.
        legacy: The legacy class.
        candidate: What replaces it.
        steps: Whether async and generator methods can be followed.

    Raises:
        MigrateError: If the candidate lacks one or has one of another kind, or one is a generator or async where
            that cannot be followed.
    """
    members: dict[str, Any] = {}
    for name in dir(legacy):
        if name.startswith("_") and name not in OPERATORS:
            continue
        member = inspect.getattr_static(legacy, name)
        if not isinstance(member, (types.FunctionType, property)):
            continue
        kind = kind_of(member)
        if kind != "plain" and not steps:
            raise MigrateError(
                f"unit {unit!r}: method {name} is a generator or async, which isolation = 'thread' cannot follow: "
                "use isolation = 'process'"
            )
        if not hasattr(candidate, name):
            raise MigrateError(
                f"unit {unit!r}: the candidate {candidate.__qualname__} has no {name}: both need the same surface"
            )
        theirs = inspect.getattr_static(candidate, name)
        if isinstance(theirs, types.FunctionType) and not hasattr(theirs, "__wrapped__"):
            other = kind_of(theirs)
            if kind != other and "async" in kind + other:
                raise MigrateError(
                    f"unit {unit!r}: method {name} is {_kinds(kind)}, the candidate's is {_kinds(other)}: "
                    "both must be of one kind"
                )
        members[name] = member
    return members


def _kinds(kind: str) -> str:
    return {"plain": "a plain one", "generator": "a generator", "async": "async"}.get(kind, "an async generator")


@dataclass(frozen=True, slots=True)
class _Call:
    """One call on an object: what each side runs, and with what."""

    name: str
    pair: _Pair | None
    legacy: Callable[..., Any]
    candidate: Callable[..., Any]
    owner: Any
    args: tuple[Any, ...] = ()
    kwargs: dict[str, Any] = field(default_factory=dict)


class TwinMaker:
    """Makes the subclass of a legacy class that observes.

    Args:
        sides: The legacy class and what replaces it.
        members: What `observable` returned.
        rules: Comparator by method, `""` for methods without rules of their own; and the data attributes
            that are compared after each call.
        switch: The unit's switch.
        record: The unit's record.
    """

    def __init__(
        self,
        sides: tuple[type, type],
        members: Mapping[str, Any],
        rules: tuple[Mapping[str, Comparator], tuple[str, ...]],
        switch: Switch,
        record: Record,
    ) -> None:
        self.legacy, self.candidate = sides
        self.comparators, self.attributes = rules
        self.switch, self.record = switch, record
        self.guard_random = not leaves_random_alone(self.candidate)
        self.init = vars(self.legacy).get("__init__") or self.legacy.__init__  # type: ignore[misc]  # the class's own, not an object's
        self.stay = 0
        self.twin = self._make(members)

    def leave(self) -> None:
        """Note that the unit leaves the modes that observe: its objects are not compared any more."""
        self.stay += 1

    def _make(self, members: Mapping[str, Any]) -> type:
        space: dict[str, Any] = {
            "__module__": self.legacy.__module__,
            "__qualname__": self.legacy.__qualname__,
            "__doc__": self.legacy.__doc__,
            "__init__": self._initialiser(),
            "__reduce_ex__": self._reducer(),
        }
        if self.legacy.__itemsize__ == 0:
            space["__slots__"] = (SLOT,)
        for name, member in members.items():
            space[name] = self._property(name, member) if isinstance(member, property) else self._method(name, member)
        try:
            return type(self.legacy)(self.legacy.__name__, (self.legacy,), space)
        except TypeError as error:
            raise MigrateError(
                f"{self.legacy.__module__}:{self.legacy.__qualname__} cannot be subclassed, so it cannot run "
                f"in shadow: {error}"
            ) from error

    def comparator(self, method: str) -> Comparator:
        """Return the comparator for a method's results.

        Args:
            method: Its name.
        """
        return self.comparators.get(method) or self.comparators[""]

    def _initialiser(self) -> Callable[..., None]:
        init: Any = self.init

        def __init__(self_: Any, *args: Any, **kwargs: Any) -> None:  # noqa: N807 - becomes a method
            def legacy(*args: Any, **kwargs: Any) -> None:
                if init is vars(object)["__init__"]:
                    if (args or kwargs) and self.legacy.__new__ is vars(object)["__new__"]:
                        raise TypeError(f"{self.legacy.__name__}() takes no arguments")
                    init(self_)
                else:
                    init(self_, *args, **kwargs)

            self.switch.count(legacy=1)
            if self.record.lives is not None and not HERE.contained:
                self.record.lives.made("legacy")
            if HERE.contained or self.switch.mode not in OBSERVED or type(self_) is not self.twin:
                legacy(*args, **kwargs)
                return

            def build(*args: Any, **kwargs: Any) -> None:
                made = self.candidate(*args, **kwargs)
                object.__setattr__(self_, SLOT, _Pair(made, self.stay, differed=False))

            try:
                self._both(_Call("__init__", None, legacy, build, self_, args, kwargs))
            finally:
                if getattr(self_, SLOT, None) is None:
                    object.__setattr__(self_, SLOT, _Pair(None, self.stay, differed=True))

        return functools.wraps(init)(__init__) if isinstance(init, types.FunctionType) else __init__

    def _reducer(self) -> Callable[..., Any]:
        """Pickles and copies drop the pair; the class is looked up by its name."""
        maker = self

        def __reduce_ex__(self_: Any, protocol: Any) -> Any:  # noqa: N807 - becomes a method
            twin: Any = maker.twin
            if not getattr(maker.legacy, "__slots__", None):
                # The old protocols refuse the twin's slot, which the legacy class has not.
                protocol = max(protocol, 2)
            reduced = super(twin, self_).__reduce_ex__(protocol)
            if isinstance(reduced, str) or type(self_) is not maker.twin:
                return reduced
            current = _by_name(maker.legacy)
            keep = current if current in (maker.twin, maker.legacy) else maker.legacy
            parts = list(reduced)
            parts[1] = tuple(keep if part is maker.twin else part for part in parts[1])
            if parts[0] is maker.twin:
                parts[0] = keep
            elif parts[0] is copyreg.__newobj__ and keep is not twin:  # type: ignore[attr-defined]  # not in the stub
                # Pickle insists that such a class is the object's own; made by hand it need not be.
                parts[0] = keep.__new__
            if len(parts) > 2:
                parts[2] = _without_pair(parts[2])
            return tuple(parts)

        return __reduce_ex__

    def _method(self, name: str, function: types.FunctionType) -> Callable[..., Any]:
        @functools.wraps(function)
        def method(self_: Any, *args: Any, **kwargs: Any) -> Any:
            self.switch.count(legacy=1)
            pair, twin = self._pair(self_)
            if pair is None:
                return function(self_, *args, **kwargs)
            if name.startswith("__"):

                def candidate(*args: Any, **kwargs: Any) -> Any:
                    return getattr(type(twin), name)(twin, *args, **kwargs)
            else:

                def candidate(*args: Any, **kwargs: Any) -> Any:
                    return getattr(twin, name)(*args, **kwargs)

            return self._both(_Call(name, pair, functools.partial(function, self_), candidate, self_, args, kwargs))

        return method

    def _property(self, name: str, member: property) -> property:
        def read(self_: Any) -> Any:
            self.switch.count(legacy=1)
            pair, twin = self._pair(self_)
            getter: Any = member.fget
            if pair is None:
                return getter(self_)
            own = functools.partial(getter, self_)
            return self._both(_Call(name, pair, own, lambda: getattr(twin, name), self_))

        def write(self_: Any, value: Any) -> None:
            self.switch.count(legacy=1)
            pair, twin = self._pair(self_)
            setter: Any = member.fset
            if pair is None:
                setter(self_, value)
                return
            own = functools.partial(setter, self_)
            self._both(_Call(name, pair, own, lambda new: setattr(twin, name, new), self_, (value,)))

        return property(read if member.fget else None, write if member.fset else None, member.fdel, member.__doc__)

    def _pair(self, self_: Any) -> tuple[_Pair | None, Any]:
        """The pair and its candidate, if this call is to be observed: not from inside another on the object.

        The candidate is held for the call: another thread may drop it from the pair meanwhile.
        """
        pair: _Pair | None = getattr(self_, SLOT, None)
        twin = None if pair is None else pair.candidate
        if pair is None or twin is None or HERE.contained:
            return None, None
        if self.switch.mode not in OBSERVED or pair.stay != self.stay:
            # This call passes the candidate by: what follows on this object could only differ.
            pair.candidate = None
            return None, None
        return (None, None) if pair.owner == threading.get_ident() else (pair, twin)

    def _both(self, call: _Call) -> Any:
        """Serve legacy, then run the candidate on copies; only one thread at a time is observed."""
        pair = call.pair
        if pair is not None and not pair.busy.acquire(blocking=False):
            # Two threads in one object: the candidate would see another order of calls than legacy.
            pair.candidate = None
            self.record.lost(f"{call.name}: called by two threads at once")
            return call.legacy(*call.args, **call.kwargs)
        entered, before = perf_counter_ns(), HERE.overhead
        interrupt: KeyboardInterrupt | None = None
        outcome: Outcome = (None, None)
        legacy_ns = 0
        try:
            if pair is not None:
                pair.owner = threading.get_ident()
            copies = copy_arguments(self.record, call.args, call.kwargs)
            outcome, legacy_ns = served(call.legacy, call.args, call.kwargs)
            if copies is None:
                if pair is not None:
                    pair.candidate = None
            elif not is_exit(outcome):
                interrupt = self._candidate(call, copies, outcome, legacy_ns)
        finally:
            if pair is not None:
                pair.owner = 0
                pair.busy.release()
        HERE.overhead = before + (perf_counter_ns() - entered - legacy_ns)
        if interrupt is not None:
            raise interrupt
        return give_back(outcome)

    def _candidate(
        self, call: _Call, copies: tuple[Any, Any, bool], outcome: Outcome, legacy_ns: int
    ) -> KeyboardInterrupt | None:
        copied, named, mutable = copies
        other, candidate_ns, interrupt = run_contained(call.candidate, copied, named, self.guard_random)
        if interrupt is not None:
            if call.pair is not None:
                # Half a call was done: what follows on this object could only differ.
                call.pair.candidate = None
            self.record.lost(f"{call.name}: interrupted")
            return interrupt
        pair = call.pair or getattr(call.owner, SLOT, None)
        try:
            comparator = self.comparator(call.name)
            twin = pair.candidate if pair else None
            both = self_named(outcome, call.owner), self_named(other, twin)
            after = (numbered(call.args, call.kwargs), numbered(copied, named)) if mutable else None
            verdicts, unread = compare_call(comparator, both, after)
            if self.attributes and twin is not None:
                verdicts.append(comparator.compare(self._state(call.owner), self._state(twin), "$self"))
            if call.pair is not None and call.pair.candidate is None:
                self.record.lost(f"{call.name}: called by two threads at once")
                return None
            if unread and not any(verdict.total for verdict in verdicts):
                self.record.lost(unread)
                return None
            cascade = pair is not None and pair.differed
            differed = self.record.observed(
                verdicts, (legacy_ns, candidate_ns), copies[:2], call=call.name, cascade=cascade
            )
            if pair is not None:
                pair.differed |= differed
        except Exception as error:
            # A comparator that fails must not reach the caller.
            self.record.failed(f"{call.name}: {type(error).__name__}: {error}")
        return None

    def _state(self, side: object) -> dict[str, Any]:
        """The declared attributes, without going through the twin's own properties."""
        pair = getattr(side, SLOT, None)
        owner = pair.owner if pair is not None else 0
        try:
            if pair is not None:
                pair.owner = threading.get_ident()
            return {name: getattr(side, name) for name in self.attributes if hasattr(side, name)}
        finally:
            if pair is not None:
                pair.owner = owner


def _without_pair(state: Any) -> Any:
    if isinstance(state, tuple) and len(state) == 2 and isinstance(state[1], dict):
        slots = {name: value for name, value in state[1].items() if name != SLOT}
        return (state[0], slots) if slots else state[0]
    if isinstance(state, dict):
        return {name: value for name, value in state.items() if name != SLOT}
    return state


def _by_name(legacy: type) -> Any:
    found: Any = sys.modules.get(legacy.__module__)
    for part in legacy.__qualname__.split("."):
        found = getattr(found, part, None)
    return found
