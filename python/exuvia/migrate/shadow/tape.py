"""Async functions, generators and async generators: the caller drives legacy's own, and a tape is kept of it.

Nothing is asked of legacy that the caller did not ask. A tape notes each step, `(did, given, said, value)`, and
goes to the worker when the generator has ended, was closed or collected; a generator that goes on is observed for
its first 10,000 steps.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from exuvia.migrate.dispatch.interrupts import is_foreign
from exuvia.migrate.shadow.containment import HERE, passed_by
from exuvia.migrate.shadow.lane import LARGE
from exuvia.migrate.shadow.packing import context_key, pack_raised, reason
from exuvia.migrate.shadow.protocol import CALL, TAPE
from exuvia.migrate.shadow.sampling import changed, ended, packed, packed_raised
from exuvia.migrate.shadow.unseen_importlib_bootstrap import awaiting, drive, drive_async

if TYPE_CHECKING:
    from collections.abc import Callable

    from exuvia.migrate.shadow.lane import Lane

__all__ = ["Tape", "named_like", "observer", "weight"]

_Call = tuple[tuple[Any, ...], dict[str, Any], bytes, tuple[Any, ...] | None]
"""Arguments, their pickle, the decimal context."""

LONGEST = 10_000
LARGEST = 8 * 1024 * 1024


class Tape:
    """What was said to a generator, and what it said.

    Args:
        keep: Keeps a value as it is now.
        keep_raised: Keeps an exception.

    Attributes:
        steps: The steps so far.
        took: Nanoseconds inside of the generator.
        trouble: Why it cannot be compared.
        full: Whether no further step is noted.
        going: Whether a step has begun that is not noted yet: what a signal's handler raises may break off anything.
    """

    def __init__(self, keep: Callable[[Any], Any], keep_raised: Callable[[BaseException], Any]) -> None:
        self.steps: list[tuple[str, Any, str, Any]] = []
        self.took = 0
        self.trouble = ""
        self.full = self.going = False
        self._keep, self._keep_raised = keep, keep_raised
        self._size = 0

    def note(self, did: str, given: Any, said: str, value: Any) -> None:
        """Note a step.

        Args:
            did: `next`, `send`, `throw` or `close`.
            given: What was sent or thrown.
            said: `yield`, `return` or `raise`.
            value: What came.
        """
        if self.full or self.trouble:
            self.going = False
            return
        outside = HERE.observing
        HERE.observing = HERE.asking = True
        try:
            self._note(did, given, said, value)
            self.going = False
        finally:
            HERE.observing, HERE.asking = outside, False

    def _note(self, did: str, given: Any, said: str, value: Any) -> None:
        if said == "raise":
            self.trouble = ended(value)
            if self.trouble:
                return
        try:
            kept = None if did in ("next", "close") else self._raised(given) if did == "throw" else self._keep(given)
            came = self._raised(value) if said == "raise" else self._keep(value)
        except BaseException as error:
            if is_foreign(error):
                raise
            self.trouble = reason("an item cannot be pickled", error)
            return
        self.steps.append((did, kept, said, came))
        self._size += sum(len(part) for part in (kept, came) if isinstance(part, bytes))
        self.full = len(self.steps) >= LONGEST or self._size > LARGEST

    def _raised(self, error: BaseException) -> Any:
        return self._keep_raised(error)


def observer(kind: str, served: Callable[..., Any], lane: Lane) -> Callable[..., Any]:
    """Make the callable that serves an async function, a generator or an async generator.

    Args:
        kind: `async`, `generator` or `async generator`.
        served: The side that serves.
        lane: The unit's lane.
    """
    if kind == "async":
        return _awaiting(served, lane)
    return _generating(kind, served, lane)


def _begun(lane: Lane, args: tuple[Any, ...], kwargs: dict[str, Any]) -> _Call | None:
    """Pickle the arguments of a call, or `None` if it is not observed."""
    if HERE.contained:
        return None
    if passed_by(lane.record):
        return None
    HERE.observing = True
    try:
        if len(lane.samples) >= lane.limit and lane.refused():
            return None
        before = packed(lane, (args, kwargs), "arguments")
        return None if before is None else (args, kwargs, before, context_key())
    finally:
        HERE.observing = False


def _awaiting(served: Callable[..., Any], lane: Lane) -> Callable[..., Any]:
    def came(call: _Call, value: Any, took: int, *, raised: bool) -> None:
        HERE.observing = True
        try:
            outcome = packed_raised(lane, value) if raised else packed(lane, value, "the result")
            if outcome is not None:
                _put(lane, CALL, call, outcome, raised=raised, took=took)
        finally:
            HERE.observing = False

    made: Callable[..., Any] = named_like(awaiting(served, lambda *given: _begun(lane, *given), came), served)
    return made


def _generating(kind: str, served: Callable[..., Any], lane: Lane) -> Callable[..., Any]:
    driver: Callable[..., Any] = drive if kind == "generator" else drive_async

    def observed(*args: Any, **kwargs: Any) -> Any:
        def begin() -> tuple[Any, Tape, Callable[[], None]]:
            call = _begun(lane, args, kwargs)
            tape = Tape(lane.packs, lambda error: pack_raised(error, lane.packs))
            tape.full = call is None
            return served(*args, **kwargs), tape, _ender(lane, tape, call)

        return named_like(driver(begin), served)

    return observed


def named_like(made: Any, served: Any) -> Any:
    """Give a generator the names that the served function's own would have.

    Args:
        made: The generator.
        served: The function.
    """
    made.__name__ = getattr(served, "__name__", "generator")
    made.__qualname__ = getattr(served, "__qualname__", made.__name__)
    return made


def _ender(lane: Lane, tape: Tape, call: _Call | None) -> Callable[[], None]:
    def end() -> None:
        if call is None:
            return
        outside = HERE.observing
        HERE.observing = True
        try:
            if tape.trouble:
                lane.record.lost(tape.trouble)
            elif tape.steps:
                _put(lane, TAPE, call, tape.steps, raised=False, took=tape.took)
        finally:
            HERE.observing = outside

    return end


def _put(lane: Lane, kind: int, call: _Call, outcome: Any, *, raised: bool, took: int) -> None:
    args, kwargs, before, context = call
    size = len(before) + weight(outcome)
    if size > LARGE:
        lane.weigh(size)
    after = changed(lane, before, args, kwargs)
    lane.put((kind, lane.index, 0, "", before, after, outcome, raised, took, context, None))


def weight(outcome: Any) -> int:
    """Return the bytes of an outcome: a pickle, or the steps of a tape.

    Args:
        outcome: It.
    """
    if isinstance(outcome, bytes):
        return len(outcome)
    return sum(len(part) for step in outcome for part in step if isinstance(part, bytes))
