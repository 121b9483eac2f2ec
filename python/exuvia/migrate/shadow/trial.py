"""One unit in the worker: runs what legacy ran, on the same arguments, and compares.

In goes a sample, out comes an answer of plain values. Whatever the candidate raises stays here.
"""

from __future__ import annotations

import asyncio
import sys
from contextvars import copy_context
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypeVar

from exuvia._exuvia import evidence_signature
from exuvia.migrate.comparator.ledger import comparators
from exuvia.migrate.own import perf_counter_ns
from exuvia.migrate.shadow import driven, protocol, strata
from exuvia.migrate.shadow.attributes import attributes_of
from exuvia.migrate.shadow.compared import compare_arguments, compare_call, numbered, plain, self_named
from exuvia.migrate.shadow.fence import calling
from exuvia.migrate.shadow.history import Life, Lives, spread_calls
from exuvia.migrate.shadow.packing import PROTOCOL, enter_context, pack, reason, unpack_raised
from exuvia.migrate.shadow.replay import replay
from exuvia.migrate.shadow.resync import importer
from exuvia.migrate.shadow.unseen_importlib_bootstrap import computing

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from exuvia._exuvia import Comparator
    from exuvia.migrate.shadow.containment import Outcome
    from exuvia.migrate.shadow.protocol import Answer, Event, Sample, Side

__all__ = ["Trial"]

_Any = TypeVar("_Any")

SIGNATURES = 10_000
SHOWN = 300
NOTHING_LEFT = "the rules ignore all of it, so nothing was compared: let a rule ignore only the part that is meant"


@dataclass(slots=True)
class _Twin:
    """The other side's object beside a live one of the side that serves."""

    made: Any
    differed: bool
    life: Life


class Trial:
    """A unit's candidate with everything that is needed to judge it.

    Args:
        side: What runs here.
        target: The callable or class.
        load: Unpickles; it may have to load the program's main module first.
    """

    def __init__(self, side: Side, target: Any, load: Callable[[bytes], Any]) -> None:
        self.side, self.target, self.load = side, target, load
        self.comparators = comparators(side.compare, side.divergences)
        self.twins: dict[int, _Twin] = {}
        self.signatures: dict[tuple[str, int], int] = {}
        self.answered = 0
        self.importer = importer(target) if side.is_class else None
        self.lives = Lives(side.record)
        self.loop = asyncio.Runner()

    def awaited(self, made: Any, clock: list[int], *, lasting: bool) -> Any:
        """Await what a call has made, in the one loop of this unit; only what it computes counts as its time.

        Args:
            made: The awaitable.
            clock: Its first place gets the nanoseconds added.
            lasting: Whether tasks that it leaves go on: what an object keeps between its calls belongs to one loop.
        """
        try:
            loop = self.loop.get_loop()
            closed = loop.is_closed()
        except RuntimeError:
            closed = True
        if closed:
            # A candidate has closed it.
            self.loop = asyncio.Runner()
            loop = self.loop.get_loop()
        try:
            return self.loop.run(_timed(made, clock), context=copy_context())
        finally:
            if not lasting and not loop.is_closed() and (left := asyncio.all_tasks(loop)):
                self.loop.run(_cancelled(left))

    def run(self, sample: Sample) -> Answer:
        """Run one sample; it never raises.

        Args:
            sample: As the courier sent it.
        """
        kind, twin = sample[0], sample[2]
        entered = perf_counter_ns()
        try:
            if kind == protocol.DROP:
                self._drop(twin)
                return 0, 0, "", None, None, None
            if kind == protocol.STATE:
                return self._take_state(twin, sample[4])
            return self._compared(sample, entered)
        except Exception as error:
            self._unlived(twin)
            return {"failed": reason(sample[3] or "in the worker", error), "work_ns": perf_counter_ns() - entered}

    def _unlived(self, twin: int) -> None:
        """Forget an object's life: a call of it will be missing."""
        known = self.twins.get(twin)
        if known is not None:
            self.lives.forget(known.life)

    def _drop(self, twin: int) -> None:
        known = self.twins.pop(twin, None)
        if known is not None:
            self.lives.forget(known.life)

    def _take_state(self, twin: int, state: bytes) -> Answer:
        """Make a twin anew from what the side that serves exported."""
        self._drop(twin)
        try:
            if self.importer is None:
                return {"lost": "its state cannot be imported by the candidate", "work_ns": 0}
            self.twins[twin] = _Twin(self.importer(self.load(state)), differed=False, life=Life())
        except Exception as error:
            return {"lost": reason("a state could not be imported by the candidate", error), "work_ns": 0}
        return 0, 0, "", None, None, None

    def _compared(self, sample: Sample, entered: int) -> Answer:
        kind, _, number, call, before, after, outcome, raised, _, context, attributes = sample
        twin = self.twins.get(number)
        if number and kind != protocol.MADE and (twin is None or twin.made is None):
            return {"lost": "its twin was never made" if twin else "its twin is gone", "work_ns": 0}
        try:
            args, kwargs = self.load(before)
            legacy_end = self._outcome(outcome, raised) if kind != protocol.TAPE else (None, None)
        except Exception as error:
            self._unlived(number)
            return {"lost": reason("cannot be unpickled in the worker", error), "work_ns": perf_counter_ns() - entered}
        # Of the arguments as they are now: the candidate may change them.
        about = call, *self._about(call, args, kwargs), before
        comparator = self.comparators.get(call) or self.comparators[""]
        clock = [0]
        items: list[Any] = []
        if kind == protocol.TAPE:
            run = (
                _target(self.target, protocol.METHOD, twin, call),
                args,
                kwargs,
                [self._event(event) for event in outcome],
                clock,
            )
            items, other, served_items, legacy_end = copy_context().run(_replayed, run, context)
            verdicts = [comparator.compare(*self._sides(served_items, items))]
            if other is not None:
                verdicts.append(comparator.compare_outcomes(*self._sides(legacy_end, other)))
            other = other or (None, None)
        else:
            other = copy_context().run(_contained, (self, kind, twin, call, args, kwargs, clock), context)
            if kind == protocol.MADE:
                self._drop(number)
                twin = self.twins[number] = _Twin(other[0], other[0] is None, self.lives.begun())
                other = (None, other[1])
            other = self_named(other, twin.made if twin else None)
            verdicts, _ = compare_call(comparator, self._sides(legacy_end, other), None)
        more, unread = self._arguments(comparator, (before, after), (args, kwargs))
        verdicts += more
        if attributes is not None and twin is not None and twin.made is not None:
            own = attributes_of(twin.made, self.side.attributes)
            verdicts.append(comparator.compare(*self._sides(self.load(attributes), own), "$self"))
        if unread and not any(one.total for one in verdicts) and _fatal(legacy_end, other) is None:
            self._unlived(number)
            return {"unread": unread, "work_ns": perf_counter_ns() - entered}
        tape = (outcome, items, other) if kind == protocol.TAPE else None
        return self._answer(verdicts, (legacy_end, other), about, twin, (clock[0], entered), tape)

    def _about(self, call: str, args: tuple[Any, ...], kwargs: dict[str, Any]) -> tuple[str, int]:
        """The stratum and the signature of a call."""
        side = self.side
        stratum = strata.stratum(side.strata, side.names.get(call, ()), args, kwargs) if side.strata else ""
        return stratum, evidence_signature((args, kwargs))

    def _sides(self, served: _Any, other: _Any) -> tuple[_Any, _Any]:
        """Legacy's and the candidate's, whichever of them ran here."""
        return (other, served) if self.side.reverse else (served, other)

    def _outcome(self, outcome: Any, raised: bool) -> Outcome:
        return (None, unpack_raised(outcome, self.load)) if raised else (self.load(outcome), None)

    def _event(self, event: Event) -> tuple[str, Any, str, Any]:
        did, given, said, value = event
        return (
            did,
            None if given is None else unpack_raised(given, self.load) if did == "throw" else self.load(given),
            said,
            None if value is None else unpack_raised(value, self.load) if said == "raise" else self.load(value),
        )

    def _arguments(
        self, comparator: Comparator, packed: tuple[bytes, bytes | None], given: tuple[tuple[Any, ...], dict[str, Any]]
    ) -> tuple[list[Any], str]:
        """What both sides did to their arguments, looked at only where one changed something, and why it is unknown."""
        before, after = packed
        try:
            if after is None and pack(given, PROTOCOL) == before:
                return [], ""
        except Exception:
            # Then the values decide.
            after = after or before
        ours = numbered(*given)
        theirs = numbered(*self.load(before if after is None else after))
        return compare_arguments(comparator, *self._sides(theirs, ours))

    def _answer(  # noqa: PLR0917 - what the call was, on each side
        self,
        verdicts: list[Any],
        outcomes: tuple[Outcome, Outcome],
        about: tuple[str, str, int, bytes],
        twin: _Twin | None,
        times: tuple[int, int],
        tape: tuple[Sequence[Event], list[Any], Outcome] | None = None,
    ) -> Answer:
        (name, stratum, signature, before), (candidate_ns, entered) = about, times
        life = None if twin is None else twin.life
        wanted = self._wanted(name, signature) or (life is not None and life.recorded)
        kept = None
        if wanted or (life is not None and life.kept):
            kept = _kept(outcomes[self.side.reverse]) if tape is None else self._kept_tape(*tape)
        step = None if life is None else self.lives.lived(life, (name, signature, before, kept))
        kept = kept if wanted else None
        fatal = _fatal(*outcomes)
        if fatal is None and not any(one.total or one.compared for one in verdicts):
            return {"lost": NOTHING_LEFT, "work_ns": perf_counter_ns() - entered}
        if fatal is None and not any(one.total or one.ignored for one in verdicts):
            return candidate_ns, perf_counter_ns() - entered, stratum, signature, kept, step
        said: dict[str, Any] = plain(verdicts)
        said["cascade"] = twin is not None and twin.differed and name != "__init__"
        if twin is not None and said["total"]:
            if not twin.differed:
                said["life"] = self.lives.told(twin.life)
            twin.differed = True
        said |= {
            "kept": kept,
            "step": step,
            "fatal": fatal,
            "stratum": stratum,
            "signature": signature,
            "arguments": _shown(self.load(before)),
        }
        return said | {"candidate_ns": candidate_ns, "work_ns": perf_counter_ns() - entered}

    def _kept_tape(self, tape: Sequence[Event], items: list[Any], other: Outcome) -> bytes | None:
        """The pickle of what legacy's generator said and of what it was asked."""
        try:
            # Read anew: the candidate was given the others, and may have changed them.
            events = [self._event(event) for event in tape[: driven.LONGEST]]
            kept = driven.recorded(events, len(tape))
            if self.side.reverse:
                # The tape is the candidate's; legacy ran here.
                kept = (items[: driven.LONGEST], other[1], kept[2])
            return pack(kept, PROTOCOL)
        except Exception:
            return None

    def _wanted(self, name: str, signature: int) -> bool:
        """Whether a call is to be recorded: one of the first of its signature, or one of those spread out."""
        self.answered += 1
        known = self.signatures.get((name, signature), 0)
        if known < self.side.record and (known or len(self.signatures) < SIGNATURES):
            self.signatures[name, signature] = known + 1
            return True
        return self.side.record > 0 and spread_calls(self.answered)


def _replayed(
    run: tuple[Any, ...], context: tuple[Any, ...] | None
) -> tuple[list[Any], Outcome | None, list[Any], Outcome]:
    """Replay a tape in a decimal context like legacy's."""
    if context is not None or "decimal" in sys.modules:
        enter_context(context)
    target, args, kwargs, tape, clock = run
    with calling():
        return replay(target, args, kwargs, tape, clock)


def _contained(run: tuple[Any, ...], context: tuple[Any, ...] | None) -> Outcome:
    """Call the candidate in a decimal context like legacy's; what it raises is its outcome."""
    trial, kind, twin, call, args, kwargs, clock = run
    if context is not None or "decimal" in sys.modules:
        enter_context(context)
    target: Any = _target(trial.target, kind, twin, call)
    result: Any = None
    raised: BaseException | None = None
    waits = False
    with calling():
        started = perf_counter_ns()
        try:
            result = target(*args, **kwargs)
            clock[0] = perf_counter_ns() - started
            waits = kind in (protocol.CALL, protocol.METHOD) and hasattr(type(result), "__await__")
            if waits:
                result = trial.awaited(result, clock, lasting=kind == protocol.METHOD)
        except BaseException as error:
            if not waits:
                clock[0] = perf_counter_ns() - started
            # Without its traceback, whose frames hold what the candidate had allocated.
            result, raised = None, error.with_traceback(None)
    return result, raised


async def _timed(made: Any, clock: list[int]) -> Any:
    return await computing(lambda: made, (), {}, clock)


async def _cancelled(tasks: set[asyncio.Task[Any]]) -> None:
    """End what a call has left running, as `asyncio.run` does it."""
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)


def _target(target: Any, kind: int, twin: _Twin | None, call: str) -> Any:
    if twin is None or kind == protocol.MADE:
        return target
    made = twin.made
    if kind == protocol.GET:
        return lambda: getattr(made, call)
    if kind == protocol.SET:
        return lambda value: setattr(made, call, value)
    if kind == protocol.DELETE:
        return lambda: delattr(made, call)
    if call.startswith("__"):
        return lambda *args, **kwargs: getattr(type(made), call)(made, *args, **kwargs)
    return getattr(made, call)


def _fatal(legacy: Outcome, other: Outcome) -> str | None:
    """What must not happen to a candidate, where it did not happen to legacy."""
    raised = other[1]
    if raised is None or type(raised) is type(legacy[1]):
        return None
    if "Panic" in type(raised).__name__:
        return "panic"
    if not isinstance(raised, Exception):
        return "exit"
    return "memory" if isinstance(raised, MemoryError) else "recursion" if isinstance(raised, RecursionError) else None


def _kept(outcome: Outcome) -> bytes | None:
    """The pickle of legacy's result and exception, where there is one."""
    try:
        return pack(outcome, PROTOCOL)
    except Exception:
        return None


def _shown(value: object) -> str:
    try:
        text = repr(value)
    except Exception as error:
        text = f"<arguments whose repr raised {type(error).__name__}>"
    return text if len(text) <= SHOWN else f"{text[:SHOWN]}…"
