"""How a live object of the side that serves is followed: each of its calls goes to its twin in the worker, in order.

Which objects, and how their calls come here, is for `remote_twin` (legacy serves) and `reverse_twin` (the
candidate serves) to say, both by patched methods. The first difference of an object counts; later
ones are `cascade` until its twin is made anew (`resync`). When the object is gone, so is its twin.
"""

from __future__ import annotations

import itertools
import math
import weakref
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from exuvia._exuvia import attempt
from exuvia.migrate.dispatch.interrupts import came_between, is_foreign
from exuvia.migrate.own import os, perf_counter_ns, threading
from exuvia.migrate.shadow import protocol
from exuvia.migrate.shadow.attributes import attributes_of
from exuvia.migrate.shadow.containment import HERE, run_contained
from exuvia.migrate.shadow.lane import LARGE
from exuvia.migrate.shadow.observe import positional
from exuvia.migrate.shadow.packing import context_key, reason
from exuvia.migrate.shadow.resync import can_resync
from exuvia.migrate.shadow.sampling import DEEP, changed, packed, packed_raised
from exuvia.migrate.shadow.tape import weight
from exuvia.migrate.shadow.unseen_importlib_bootstrap import spent_on

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from exuvia._exuvia import Switch
    from exuvia.migrate.config import UnitConfig
    from exuvia.migrate.evidence.record import Record
    from exuvia.migrate.shadow.courier import Courier
    from exuvia.migrate.shadow.lane import Lane

__all__ = ["OUTER", "Called", "Following", "Given", "Mark", "Open"]

Given = tuple[tuple[Any, ...], dict[str, Any]]
"""Positional and keyword arguments."""

BETWEEN = "a signal's handler or a destructor called its object in the middle of it"
OUT_OF_STEP = "its twin is out of step, and the classes have no export_state and import_state"


class Mark:
    """What a live object carries, or is known by: the number of its twin, and whether that one is in step.

    Attributes:
        number: The twin's number, one of its own in this process whichever side serves.
        generation: Which worker has it.
        stay: In which stay of its unit in the modes that observe the object was last seen.
        stale: Whether a call passed it by.
        halfway: Whether a call began of which the twin was not told to the end: what a signal's handler raises may
            break off anything, and leaves this behind. A twin that was not made yet is halfway too.
        disturbed: Whether a signal's handler or a destructor has called the object in the middle of a call.
        differed: Whether it has differed since it was made.
        given_up: Why it is followed no more.
        busy: Whether a call on the object runs; taken and let go by `Following.called` and `opened` only.
        owner: The thread of that call.
        open: A call on the object that goes on over several steps, of an async or generator method, while somebody
            holds it.
    """

    __slots__ = (
        "__weakref__",
        "busy",
        "differed",
        "disturbed",
        "generation",
        "given_up",
        "halfway",
        "lane",
        "number",
        "open",
        "owner",
        "stale",
        "stay",
    )

    def __init__(self, lane: Lane, number: int, stay: int) -> None:
        self.lane, self.number, self.stay = lane, number, stay
        self.generation = lane.generation
        self.stale = self.differed = self.disturbed = False
        self.halfway = True
        self.given_up = ""
        self.busy = False
        self.owner = 0
        self.open: weakref.ref[Open] | None = None
        lane.follow(self, number)


@dataclass(slots=True, weakref_slot=True, eq=False)
class Open:
    """A call that goes on over several steps.

    Attributes:
        given: Its arguments.
        before: Their pickle at its beginning.
        context: The decimal context then.
        overlapped: Whether another call on the object came in the middle of it.
    """

    given: Given
    before: bytes
    context: tuple[Any, ...] | None
    overlapped: bool = False


Called = tuple[int, str, Mark, "Callable[..., Any]", Any]
"""Kind, name, mark, what serves bound to the object, the object."""


class Following:
    """What both directions share.

    Args:
        unit: The unit.
        sides: The class that serves and the one that follows it in the worker.
        members: What `observable` returned, and `__init__`.
        shares: The share of the new objects that are followed, in each mode that observes.
        numbers: Numbers of twins, for both directions.
        switch: The unit's switch.
        record: The unit's record.
        courier: The way to the worker.
        reverse: Whether the candidate serves.
    """

    def __init__(
        self,
        unit: UnitConfig,
        sides: tuple[type, type],
        members: Mapping[str, Any],
        *,
        shares: Mapping[str, float],
        numbers: Iterator[int],
        switch: Switch,
        record: Record,
        courier: Courier,
        reverse: bool,
    ) -> None:
        self.attributes = unit.attributes
        self.switch, self.record = switch, record
        self.resyncs = can_resync(*sides)
        self.shares, self._numbers = shares, numbers
        self._made: dict[str, Iterator[int]] = {}
        self._process = 0
        self.stay = 0
        self.lane = courier.lane(
            unit,
            protocol.Side(
                unit=unit.name,
                runs=unit.name if reverse else unit.candidate,
                reverse=reverse,
                is_class=True,
                compare=unit.compare,
                divergences=unit.divergences,
                strata=unit.strata,
                names={name: positional(function)[1:] for name, function in members.items()},
                memory=unit.memory,
                record=unit.record,
                attributes=unit.attributes,
            ),
        )

    def leave(self) -> None:
        """Note that the unit leaves the modes that observe: calls on the objects pass their twins by from here on."""
        self.stay += 1

    def chosen(self) -> bool:
        """Whether an object made now is followed: a process's first in a mode, then a share by count, not by chance."""
        mode = self.switch.mode
        share = self.shares.get(mode, 0.0)
        if share >= 1.0 or share <= 0.0:
            return share > 0.0
        process = os.getpid()
        if process != self._process:
            # A forked child has a first object of its own.
            self._process, self._made = process, {mode: itertools.count() for mode in self.shares}
        number = next(self._made[mode])
        return math.ceil((number + 1) * share) != math.ceil(number * share)

    def made(self, owner: Any, own: Callable[..., Any], given: Given, mark: Mark) -> None:
        """Have an object made, and its twin by the same arguments.

        Args:
            owner: The object.
            own: What makes it.
            given: Positional and keyword arguments.
            mark: Its mark.
        """
        mark.owner = threading.get_ident()
        try:
            self._served((protocol.MADE, "__init__", mark, own, owner), *given)
        finally:
            mark.owner = 0

    def marked(self) -> Mark:
        """Return the mark of a new object."""
        return Mark(self.lane, next(self._numbers), self.stay)

    def observes(self, mark: Mark) -> bool:
        """Whether a call on an object is to be observed: not from inside another call on the same object.

        Args:
            mark: The object's mark.
        """
        if HERE.contained:
            if came_between(_CONTAINED):
                mark.stale = mark.disturbed = True
            return False
        if HERE.observing:
            # exuvia is at work for another call, or for one on this very object.
            if not HERE.asking or came_between(OUTER):
                mark.stale = mark.disturbed = True
                self.record.nested += 1
            return False
        if self.switch.mode not in self.shares:
            mark.stale = True
            return False
        if mark.stay != self.stay:
            # A flip acts on objects that are made after it, unless the twin can be made anew.
            if not self.resyncs:
                return False
            mark.stay, mark.stale = self.stay, True
        if mark.owner != threading.get_ident():
            return True
        started = perf_counter_ns()
        if came_between(OUTER):
            # It is no part of the call on the object in which it comes.
            mark.stale = mark.disturbed = True
            self.record.nested += 1
        HERE.overhead += perf_counter_ns() - started
        return False

    def called(self, call: Called, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        """Serve a call and have the twin follow; only one thread at a time is observed.

        Args:
            call: The call.
            args: Positional arguments.
            kwargs: Keyword arguments.
        """
        _, name, mark, own, _ = call
        if mark.given_up:
            self.record.lost(mark.given_up)
            return _unobserved(mark, own, args, kwargs)
        if self._overlaps(mark, name):
            return _unobserved(mark, own, args, kwargs)
        me, taken = threading.get_ident(), False
        try:
            # Nothing comes in the middle of this line: no other thread, no handler.
            taken, mark.busy = not mark.busy, True
            if taken:
                mark.owner = me
                return self._served(call, args, kwargs)
        finally:
            if taken:
                mark.owner = 0
                mark.busy = False
        # Two threads in one object: the twin would see another order of calls than the object.
        mark.stale = True
        self.record.lost(f"{name}: called by two threads at once")
        return own(*args, **kwargs)

    def _overlaps(self, mark: Mark, name: str) -> bool:
        """Whether a call comes in the middle of an open one: in which order they act on the object, nobody knows."""
        other = None if mark.open is None else mark.open()
        if other is None:
            # None, or one that was broken off and that nobody will end.
            mark.open = None
            return False
        other.overlapped = mark.stale = True
        self.record.lost(f"{name}: called in the middle of an async or generator method of its object")
        return True

    def opened(self, call: Called, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Open | None:
        """Begin a call that goes on over several steps, or return `None` if the twin cannot follow it.

        Args:
            call: The call.
            args: Positional arguments.
            kwargs: Keyword arguments.
        """
        _, name, mark, _, owner = call
        lane = self.lane
        if mark.given_up:
            self.record.lost(mark.given_up)
            return None
        if self._overlaps(mark, name):
            return None
        me, taken = threading.get_ident(), False
        try:
            # As in `called`.
            taken, mark.busy = not mark.busy, True
            if not taken:
                mark.stale = True
                self.record.lost(f"{name}: called by two threads at once")
                return None
            mark.owner = me
            HERE.observing = True
            full = len(lane.samples) >= lane.limit and lane.refused()
            mark.disturbed = False
            before = None if full or not self._in_step(mark, owner) else packed(lane, (args, kwargs), "arguments")
            if before is None or self._disturbed(call):
                mark.stale = True
                return None
            opened = Open((args, kwargs), before, context_key())
            mark.halfway = True
            mark.open = weakref.ref(opened)
            return opened
        finally:
            if taken:
                HERE.observing = False
                mark.owner = 0
                mark.busy = False

    def closed(self, call: Called, opened: Open, came: tuple[Any, bool, int]) -> None:
        """End it, and have the twin follow if no other call came in between.

        Args:
            call: The call.
            opened: What `opened` returned.
            came: The pickled outcome or the tape, or `None` if it is not known; whether it is an exception; the time.
        """
        _, name, mark, _, _ = call
        mark.open = None
        outcome, raised, took = came
        if opened.overlapped or outcome is None:
            mark.stale = True
            if opened.overlapped:
                self.record.lost(f"{name}: other calls on its object came in the middle of it")
            return
        me, held, outside = threading.get_ident(), mark.owner, HERE.observing
        HERE.observing = True
        try:
            mark.owner = me
            self._put(call, (opened.before, opened.given), (outcome, raised, took, opened.context))
        finally:
            HERE.observing = outside
            mark.owner = held

    def _served(self, call: Called, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        _, _, mark, own, _ = call
        HERE.observing = True
        try:
            mark.disturbed = False
            inner, entered = HERE.overhead, perf_counter_ns()
            before, context = self._before(call, args, kwargs)
        finally:
            HERE.observing = False
        if before is None:
            mark.stale = True
            return own(*args, **kwargs)
        mark.halfway = True
        # What observing takes inside is read before the end and after the beginning: never more than lies between.
        started, inside = perf_counter_ns(), HERE.overhead
        try:
            result = own(*args, **kwargs)
        except BaseException as error:
            took = inside - HERE.overhead - started + perf_counter_ns()
            self._came(call, (args, kwargs), (before, context), (error, True, took))
            spent_on(self.record, entered, inner, took)
            raise
        took = inside - HERE.overhead - started + perf_counter_ns()
        self._came(call, (args, kwargs), (before, context), (result, False, took))
        spent_on(self.record, entered, inner, took)
        return result

    def _before(
        self, call: Called, args: tuple[Any, ...], kwargs: dict[str, Any]
    ) -> tuple[bytes | None, tuple[Any, ...] | None]:
        """Pack what a call is given, if its twin can follow it."""
        kind, _, mark, _, owner = call
        lane = self.lane
        try:
            if (len(lane.samples) >= lane.limit and lane.refused()) or not (
                kind == protocol.MADE or self._in_step(mark, owner)
            ):
                return None, None
            found = packed(lane, (args, kwargs), "arguments"), context_key()
            return (None, None) if self._disturbed(call) else found
        except RecursionError:
            # The object may have the room that an observer has not.
            attempt(self.record.lost, DEEP)
            return None, None

    def _came(
        self,
        call: Called,
        given: Given,
        begun: tuple[bytes, tuple[Any, ...] | None],
        came: tuple[Any, bool, int],
    ) -> None:
        """Put a call on its way; what breaks this off leaves the twin halfway."""
        _, _, mark, _, owner = call
        (before, context), (value, raised, took), lane = begun, came, self.lane
        outcome: bytes | None
        HERE.observing = True
        try:
            if raised:
                outcome = packed_raised(lane, value)
            else:
                outcome = packed(lane, "(the object itself)" if value is owner else value, "the result")
            if outcome is None:
                mark.stale = True
            else:
                self._put(call, (before, given), (outcome, raised, took, context))
        except RecursionError:
            mark.stale = True
            attempt(self.record.lost, DEEP)
        finally:
            HERE.observing = False

    def _in_step(self, mark: Mark, owner: Any) -> bool:
        """Bring a twin that is out of step back into it, before the call; where that cannot be, give it up."""
        lane = self.lane
        wanting = mark.stale or mark.halfway or mark.generation != lane.generation
        if not wanting and not (mark.differed and self.resyncs):
            return True
        if not self.resyncs:
            mark.given_up = OUT_OF_STEP
            self.record.lost(OUT_OF_STEP)
            return False
        try:
            HERE.asking = True
            state = lane.packs(owner.export_state())
        except Exception as error:
            if is_foreign(error):
                raise
            mark.given_up = reason("export_state failed", error)
            self.record.lost(mark.given_up)
            return False
        finally:
            HERE.asking = False
        mark.halfway = True
        mark.stale = mark.differed = False
        mark.generation = lane.generation
        lane.put((protocol.STATE, lane.index, mark.number, "", state, None, b"", False, 0, None, None))
        mark.halfway = False
        return True

    def _disturbed(self, call: Called) -> bool:
        """Whether what was packed of a call may be the work of another one too."""
        _, name, mark, _, _ = call
        if mark.disturbed:
            mark.stale = True
            self.record.lost(f"{name}: {BETWEEN}")
        return mark.disturbed

    def _put(
        self,
        call: Called,
        begun: tuple[bytes, Given],
        came: tuple[Any, bool, int, tuple[Any, ...] | None],
    ) -> None:
        """Put a call on its way to the twin, from which on that one is no longer halfway."""
        kind, name, mark, _, owner = call
        lane, (before, given) = self.lane, begun
        after = changed(lane, before, *given)
        attributes = None
        if self.attributes:
            try:
                HERE.asking = True
                found = attributes_of(owner, self.attributes)
            finally:
                HERE.asking = False
            attributes = packed(lane, found, "attributes")
        size = len(before) + weight(came[0])
        if self._disturbed(call):
            return
        if size > LARGE:
            lane.weigh(size)
        lane.put((kind, lane.index, mark.number, name, before, after, *came, attributes))
        mark.halfway = False


def _unobserved(mark: Mark, own: Callable[..., Any], args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
    """Serve; what the call does on its own object is not counted once more."""
    held, mark.owner = mark.owner, threading.get_ident()
    try:
        return own(*args, **kwargs)
    finally:
        mark.owner = held


OUTER = {Following._served.__code__, Following.closed.__code__, _unobserved.__code__}
"""What serves a call on an object: one from inside of it comes behind these."""
_CONTAINED = {run_contained.__code__}
