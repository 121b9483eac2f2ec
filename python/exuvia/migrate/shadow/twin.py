"""Twins: an object of a migrated class that legacy serves has a candidate object beside it.

In shadow, and in a canary for the objects that are legacy's, by patches on legacy's own class. Every public method and
property runs on legacy, then on the candidate with copied arguments, and both results are compared. The first
difference of an object counts; later ones follow from it and are `cascade`.
"""

from __future__ import annotations

import functools
import inspect
import types
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from exuvia.errors import MigrateError
from exuvia.migrate.dispatch.interrupts import came_between, is_foreign
from exuvia.migrate.own import perf_counter_ns, threading
from exuvia.migrate.shadow.attributes import attributes_of
from exuvia.migrate.shadow.beside import copy_arguments
from exuvia.migrate.shadow.compared import compare_call, numbered, self_named
from exuvia.migrate.shadow.containment import (
    HERE,
    Outcome,
    give_back,
    is_exit,
    leaves_random_alone,
    passed_by,
    run_contained,
)
from exuvia.migrate.shadow.in_place import InPlace, initialiser, named
from exuvia.migrate.shadow.observe import kind_of
from exuvia.migrate.shadow.unseen_importlib_bootstrap import served, spent_on

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from exuvia._exuvia import Comparator, Switch
    from exuvia.migrate.evidence.record import Record

__all__ = ["TwinMaker", "observable"]

BETWEEN = "a signal's handler or a destructor called its object in the middle of it"
BROKEN = "what a signal's handler raised has broken off the call before it"
OBSERVED = ("shadow", "canary")
OPERATORS = frozenset((
    "__call__", "__len__", "__getitem__", "__setitem__", "__delitem__", "__contains__", "__bool__", "__missing__",
    "__enter__", "__exit__", "__aenter__", "__aexit__", "__next__", "__anext__",
    "__iadd__", "__isub__", "__imul__", "__imatmul__", "__itruediv__", "__ifloordiv__", "__imod__", "__ipow__",
    "__ilshift__", "__irshift__", "__iand__", "__ixor__", "__ior__",
))  # fmt: skip
"""What may change an object or tell of it; what the machinery calls for itself (`==`, hashes, `repr`) is left alone."""
BEGINS = {"__iter__": "__next__", "__aiter__": "__anext__"}
"""Observed only of a class that also has the other: it begins anew what that goes through."""


class _Pair:
    """The candidate object beside a legacy one.

    `busy`, `owner`, `halfway` and `disturbed` are what they are of a `following.Mark`.
    """

    __slots__ = ("busy", "candidate", "differed", "disturbed", "halfway", "owner", "stay", "why")

    def __init__(self, candidate: object, stay: int, *, differed: bool) -> None:
        self.candidate, self.stay = candidate, stay
        self.differed = differed
        self.busy = self.halfway = self.disturbed = False
        self.owner = 0
        self.why = "a call passed it by"

    def disturb(self) -> None:
        """Drop the candidate: a call of legacy's went by it, in the middle of another one perhaps."""
        self.candidate, self.disturbed, self.why = None, True, BETWEEN


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
        if name.startswith("_") and name not in OPERATORS and not hasattr(legacy, BEGINS.get(name, "-")):
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
    """Observes the objects of a legacy class in place.

    Attributes:
        held: What is put on the class, and which object has which mark.

    Args:
        sides: The legacy class and what replaces it.
        members: What `observable` returned.
        rules: Comparator by method, `""` for methods without rules of their own; and the data attributes
            that are compared after each call.
        switch: The unit's switch.
        record: The unit's record.
    """

    held: InPlace[Any]

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
        self.stay = 0
        self.held = InPlace(self.legacy, self._patches(members))

    def leave(self) -> None:
        """Note that the unit leaves the modes that observe: its objects are not compared any more."""
        self.stay += 1

    def _patches(self, members: Mapping[str, Any]) -> dict[str, Any]:
        """What takes the place of the class's members while it is observed."""
        patches: dict[str, Any] = {"__init__": initialiser(self.legacy, self._made, self._passed)}
        for name, member in members.items():
            made = self._property(name, member) if isinstance(member, property) else self._method(name, member)
            patches[name] = named(made, self.legacy, name)
        return patches

    def comparator(self, method: str) -> Comparator:
        """Return the comparator for a method's results.

        Args:
            method: Its name.
        """
        return self.comparators.get(method) or self.comparators[""]

    def _made(self, legacy: Callable[..., None], self_: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> None:
        if self.switch.mode != "canary":
            # There it is counted where the side is chosen.
            self.switch.count(legacy=1)
        known = self.held.of(self_)
        if self.record.lives is not None and not HERE.contained and known is None:
            self.record.lives.made("legacy")
        within = known is not None and known.owner == threading.get_ident()
        if HERE.contained or within or passed_by(self.record) or self.switch.mode not in OBSERVED:
            legacy(*args, **kwargs)
            return

        def build(*args: Any, **kwargs: Any) -> None:
            made = self.candidate(*args, **kwargs)
            self.held.keep(self_, _Pair(made, self.stay, differed=False))

        self.held.forget(self_)
        self._both(_Call("__init__", None, legacy, build, self_, args, kwargs))

    def _passed(self) -> None:
        if self.record.lives is not None and not HERE.contained and self.switch.mode in OBSERVED:
            self.record.lives.made("subclassed")

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

        def delete(self_: Any) -> None:
            self.switch.count(legacy=1)
            pair, twin = self._pair(self_)
            deleter: Any = member.fdel
            if pair is None:
                deleter(self_)
                return
            own = functools.partial(deleter, self_)
            self._both(_Call(name, pair, own, lambda: delattr(twin, name), self_))

        if member.fget is not None:
            functools.update_wrapper(read, member.fget)
        return property(
            read if member.fget else None,
            write if member.fset else None,
            delete if member.fdel else None,
            member.__doc__,
        )

    def _pair(self, self_: Any) -> tuple[_Pair | None, Any]:
        """The pair and its candidate, if this call is to be observed: not from inside another on the object.

        The candidate is held for the call: another thread may drop it from the pair meanwhile.
        """
        pair = self.held.of(self_)
        twin = None if pair is None else pair.candidate
        if pair is None or twin is None:
            return None, None
        if HERE.contained:
            if came_between(_CONTAINED):
                pair.disturb()
            return None, None
        if HERE.observing:
            if not HERE.asking or came_between(_CONTAINED):
                self.record.nested += 1
                pair.disturb()
            return None, None
        if self.switch.mode not in OBSERVED or pair.stay != self.stay:
            # This call passes the candidate by: what follows on this object could only differ.
            pair.candidate = None
        if pair.owner == threading.get_ident():
            started = perf_counter_ns()
            if came_between(_OUTER):
                # It is no part of the call on the object in which it comes.
                self.record.nested += 1
                pair.disturb()
            HERE.overhead += perf_counter_ns() - started
            return None, None
        if pair.halfway and not pair.busy:
            pair.candidate = None
            self.record.lost(BROKEN)
        return (None, None) if pair.candidate is None else (pair, twin)

    def _both(self, call: _Call) -> Any:
        """Serve legacy, then run the candidate on copies; only one thread at a time is observed."""
        pair = call.pair
        me, taken = threading.get_ident(), False
        outcome: Outcome = (None, None)
        interrupt: BaseException | None = None
        try:
            if pair is not None:
                # Nothing comes in the middle of this line: no other thread, no handler.
                taken, pair.busy = not pair.busy, True
                if taken:
                    pair.disturbed = False
                    pair.owner = me
            if pair is None or taken:
                outcome, interrupt = self._observed(call)
        finally:
            if pair is not None and taken:
                pair.owner = 0
                pair.busy = False
        if pair is not None and not taken:
            # Two threads in one object: the candidate would see another order of calls than legacy.
            pair.candidate, pair.why = None, "called by two threads at once"
            self.record.lost(f"{call.name}: {pair.why}")
            return call.legacy(*call.args, **call.kwargs)
        if interrupt is not None:
            raise interrupt
        return give_back(outcome)

    def _observed(self, call: _Call) -> tuple[Outcome, BaseException | None]:
        """What legacy did, and what a handler raised meanwhile; what breaks this off leaves the pair halfway."""
        pair = call.pair
        interrupt: BaseException | None = None
        HERE.observing = True
        try:
            inner, entered = HERE.overhead, perf_counter_ns()
            copies = copy_arguments(self.record, call.args, call.kwargs)
        finally:
            HERE.observing = False
        if pair is not None:
            pair.halfway = True
        outcome, legacy_ns = served(call.legacy, call.args, call.kwargs)
        HERE.observing = True
        try:
            if pair is not None and (copies is None or is_exit(outcome)):
                # The candidate did not what legacy did, or legacy came to some place in the middle.
                pair.candidate = None
            elif pair is not None and pair.disturbed:
                self.record.lost(f"{call.name}: {BETWEEN}")
            elif copies is not None and not is_exit(outcome):
                interrupt = self._candidate(call, copies, outcome, legacy_ns)
            if copies is not None:
                spent_on(self.record, entered, inner, legacy_ns)
            if pair is not None:
                pair.halfway = False
        finally:
            HERE.observing = False
        return outcome, interrupt

    def _candidate(
        self, call: _Call, copies: tuple[Any, Any, bool], outcome: Outcome, legacy_ns: int
    ) -> BaseException | None:
        copied, named, mutable = copies
        other, candidate_ns, interrupt = run_contained(call.candidate, copied, named, self.guard_random, self.record)
        if interrupt is not None:
            if call.pair is not None:
                # Half a call was done: what follows on this object could only differ.
                call.pair.candidate = None
            self.record.lost(f"{call.name}: interrupted")
            return interrupt
        pair = call.pair or self.held.of(call.owner)
        try:
            comparator = self.comparator(call.name)
            twin = pair.candidate if pair else None
            both = self_named(outcome, call.owner), self_named(other, twin)
            after = (numbered(call.args, call.kwargs), numbered(copied, named)) if mutable else None
            verdicts, unread = compare_call(comparator, both, after)
            if self.attributes and twin is not None:
                verdicts.append(comparator.compare(self._state(call.owner), self._state(twin), "$self"))
            if call.pair is not None and call.pair.candidate is None:
                self.record.lost(f"{call.name}: {call.pair.why}")
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
            # A comparator that fails must not reach the caller; what a signal's handler raises must.
            if is_foreign(error):
                raise
            self.record.failed(f"{call.name}: {type(error).__name__}: {error}")
        return None

    def _state(self, side: object) -> dict[str, Any]:
        """The declared attributes, without going through the twin's own properties."""
        pair = self.held.of(side)
        owner = pair.owner if pair is not None else 0
        try:
            if pair is not None:
                pair.owner = threading.get_ident()
            HERE.asking = True
            return attributes_of(side, self.attributes)
        finally:
            HERE.asking = False
            if pair is not None:
                pair.owner = owner


_OUTER = {TwinMaker._both.__code__}
_CONTAINED = {run_contained.__code__}
