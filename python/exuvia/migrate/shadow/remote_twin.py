"""Twins in the worker: a live object of legacy carries a mark, and its twin lives in the worker process.

The worker makes one candidate object for each live object of legacy, and runs the same calls in the same order.
The first difference of an object counts; later ones are `cascade` until the twin is made anew (`resync`). When the
object is gone, so is its twin.
"""

from __future__ import annotations

import functools
import itertools
import threading
import types
import weakref
from time import perf_counter_ns
from typing import TYPE_CHECKING, Any

from exuvia.migrate.shadow import protocol
from exuvia.migrate.shadow.containment import HERE
from exuvia.migrate.shadow.lane import LARGE
from exuvia.migrate.shadow.observe import positional
from exuvia.migrate.shadow.packing import PROTOCOL, context_key, pack, reason
from exuvia.migrate.shadow.protocol import Side
from exuvia.migrate.shadow.resync import can_resync
from exuvia.migrate.shadow.sampling import changed, packed, packed_raised
from exuvia.migrate.shadow.twin import SLOT, TwinMaker

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from exuvia._exuvia import Switch
    from exuvia.migrate.config import UnitConfig
    from exuvia.migrate.evidence.record import Record
    from exuvia.migrate.shadow.courier import Courier
    from exuvia.migrate.shadow.lane import Lane

__all__ = ["RemoteTwinMaker"]

OUT_OF_STEP = "its twin is out of step, and the classes have no export_state and import_state"


class _Mark:
    """What a live object carries: the number of its twin, and whether that one is in step.

    Attributes:
        number: The twin's number.
        generation: Which worker has it.
        stale: Whether a call passed it by.
        differed: Whether it has differed since it was made.
        given_up: Why it is followed no more.
        busy: Held while a call on the object runs.
        owner: The thread of that call.
    """

    __slots__ = ("__weakref__", "busy", "differed", "generation", "given_up", "lane", "number", "owner", "stale")

    def __init__(self, lane: Lane, number: int) -> None:
        self.lane, self.number = lane, number
        self.generation = lane.generation
        self.stale = self.differed = False
        self.given_up = ""
        self.busy = threading.Lock()
        self.owner = 0
        lane.twins[number] = weakref.ref(self)

    def __del__(self) -> None:
        """Tell the worker that the object is gone."""
        lane = self.lane
        lane.twins.pop(self.number, None)
        if not lane.off:
            lane.samples.append((protocol.DROP, lane.index, self.number, "", b"", None, b"", False, 0, None, None))


_Call = tuple[int, str, _Mark, "Callable[..., Any]", Any]
"""Kind, name, mark, legacy's own bound to the object, the object."""


class RemoteTwinMaker(TwinMaker):
    """Makes the subclass of a legacy class whose objects have their twins in the worker.

    Args:
        unit: The unit.
        sides: The legacy class and what replaces it.
        members: What `observable` returned.
        switch: The unit's switch.
        record: The unit's record.
        courier: The way to the worker.
    """

    def __init__(
        self,
        unit: UnitConfig,
        sides: tuple[type, type],
        members: Mapping[str, Any],
        *,
        switch: Switch,
        record: Record,
        courier: Courier,
    ) -> None:
        self.legacy, self.candidate = sides
        self.attributes = unit.attributes
        self.switch, self.record = switch, record
        self.init = vars(self.legacy).get("__init__") or self.legacy.__init__  # type: ignore[misc]  # the class's own, not an object's
        self.resyncs = can_resync(*sides)
        self.share = unit.sample
        self._numbers, self._made = itertools.count(1), itertools.count()
        names = {name: positional(function)[1:] for name, function in {**members, "__init__": self.init}.items()}
        self.lane = courier.lane(
            unit,
            Side(
                unit=unit.name,
                runs=unit.candidate,
                is_class=True,
                compare=unit.compare,
                divergences=unit.divergences,
                strata=unit.strata,
                names=names,
                memory=unit.memory,
                record=unit.record,
                attributes=unit.attributes,
            ),
        )
        self.twin = self._make(members)

    def _initialiser(self) -> Callable[..., None]:
        init: Any = self.init

        def __init__(self_: Any, *args: Any, **kwargs: Any) -> None:  # noqa: N807 - becomes a method
            self.switch.count(legacy=1)
            if self.record.lives is not None and not HERE.contained:
                self.record.lives.made("legacy")
            own = functools.partial(init, self_)
            if init is object.__init__:
                args, kwargs = (), {}
            if HERE.contained or self.switch.mode != "shadow" or type(self_) is not self.twin or self._skipped():
                own(*args, **kwargs)
                return
            mark = _Mark(self.lane, next(self._numbers))
            mark.owner = threading.get_ident()
            try:
                self._served((protocol.MADE, "__init__", mark, own, self_), args, kwargs)
            finally:
                mark.owner = 0
                object.__setattr__(self_, SLOT, mark)

        return functools.wraps(init)(__init__) if isinstance(init, types.FunctionType) else __init__

    def _skipped(self) -> bool:
        """Whether an object is not followed: its share by count, never by chance."""
        if self.share >= 1.0:
            return False
        number = next(self._made)
        return int((number + 1) * self.share) == int(number * self.share)

    def _method(self, name: str, function: types.FunctionType) -> Callable[..., Any]:
        @functools.wraps(function)
        def method(self_: Any, *args: Any, **kwargs: Any) -> Any:
            self.switch.count(legacy=1)
            mark = self._mark(self_)
            if mark is None:
                return function(self_, *args, **kwargs)
            return self._both_sides(
                (protocol.METHOD, name, mark, functools.partial(function, self_), self_), args, kwargs
            )

        return method

    def _property(self, name: str, member: property) -> property:
        def read(self_: Any) -> Any:
            self.switch.count(legacy=1)
            mark, getter = self._mark(self_), functools.partial(_not_none(member.fget), self_)
            return getter() if mark is None else self._both_sides((protocol.GET, name, mark, getter, self_), (), {})

        def write(self_: Any, value: Any) -> None:
            self.switch.count(legacy=1)
            mark, setter = self._mark(self_), functools.partial(_not_none(member.fset), self_)
            if mark is None:
                setter(value)
            else:
                self._both_sides((protocol.SET, name, mark, setter, self_), (value,), {})

        return property(read if member.fget else None, write if member.fset else None, member.fdel, member.__doc__)

    def _mark(self, self_: Any) -> _Mark | None:
        """The mark, if this call is to be observed: not from inside another call on the same object."""
        mark: _Mark | None = getattr(self_, SLOT, None)
        if mark is None or HERE.contained or self.switch.mode != "shadow":
            return None
        return None if mark.owner == threading.get_ident() else mark

    def _both_sides(self, call: _Call, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        """Serve legacy and have the twin follow; only one thread at a time is observed."""
        _, name, mark, own, _ = call
        if mark.given_up:
            self.record.lost(mark.given_up)
            return _unobserved(mark, own, args, kwargs)
        if not mark.busy.acquire(blocking=False):
            # Two threads in one object: the twin would see another order of calls than legacy.
            mark.stale = True
            self.record.lost(f"{name}: called by two threads at once")
            return own(*args, **kwargs)
        mark.owner = threading.get_ident()
        try:
            return self._served(call, args, kwargs)
        finally:
            mark.owner = 0
            mark.busy.release()

    def _served(self, call: _Call, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        kind, _, mark, own, owner = call
        lane = self.lane
        entered, inner = perf_counter_ns(), HERE.overhead
        before = None
        if not (len(lane.samples) >= lane.limit and lane.refused()) and (
            kind == protocol.MADE or self._in_step(mark, owner)
        ):
            before = packed(lane, (args, kwargs), "arguments")
        if before is None:
            mark.stale = True
            return own(*args, **kwargs)
        context = context_key()
        raised = False
        outcome: bytes | None
        started = perf_counter_ns()
        try:
            result = own(*args, **kwargs)
        except BaseException as error:
            took = perf_counter_ns() - started - (HERE.overhead - inner)
            raised, outcome = True, packed_raised(lane, error)
            raise
        else:
            took = perf_counter_ns() - started - (HERE.overhead - inner)
            outcome = packed(lane, "(the object itself)" if result is owner else result, "the result")
            return result
        finally:
            if outcome is None:
                mark.stale = True
            else:
                self._put(call, (before, changed(before, args, kwargs)), (outcome, raised, took, context))
            HERE.overhead = inner + (perf_counter_ns() - entered - took)

    def _in_step(self, mark: _Mark, owner: Any) -> bool:
        """Bring a twin that is out of step back into it, before the call; where that cannot be, give it up."""
        lane = self.lane
        if not mark.stale and mark.generation == lane.generation and not (mark.differed and self.resyncs):
            return True
        if not self.resyncs:
            mark.given_up = OUT_OF_STEP
            self.record.lost(OUT_OF_STEP)
            return False
        try:
            state = pack(owner.export_state(), PROTOCOL)
        except Exception as error:
            mark.given_up = reason("export_state failed", error)
            self.record.lost(mark.given_up)
            return False
        mark.stale = mark.differed = False
        mark.generation = lane.generation
        lane.put((protocol.STATE, lane.index, mark.number, "", state, None, b"", False, 0, None, None))
        return True

    def _put(
        self,
        call: _Call,
        given: tuple[bytes, bytes | None],
        came: tuple[bytes, bool, int, tuple[Any, ...] | None],
    ) -> None:
        kind, name, mark, _, owner = call
        lane = self.lane
        attributes = None
        if self.attributes:
            own = {name: getattr(owner, name) for name in self.attributes if hasattr(owner, name)}
            attributes = packed(lane, own, "attributes")
        size = len(given[0]) + len(came[0])
        if size > LARGE:
            lane.weigh(size)
        lane.put((kind, lane.index, mark.number, name, *given, *came, attributes))


def _unobserved(mark: _Mark, own: Callable[..., Any], args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
    """Serve legacy; what it calls on its own object is not counted once more."""
    mark.owner = threading.get_ident()
    try:
        return own(*args, **kwargs)
    finally:
        mark.owner = 0


def _not_none(function: Any) -> Callable[..., Any]:
    found: Callable[..., Any] = function
    return found
