"""The frames that stand between a caller and what serves it. The name of this file is what hides them.

`warnings` and `logging` pass over the frames of a file whose path holds "importlib" and "_bootstrap" when they look
for the caller by `stacklevel`: so a warning names the line of the program that it names without exuvia.
"""

from __future__ import annotations

import sys
import types
from typing import TYPE_CHECKING, Any

from exuvia._exuvia import attempt
from exuvia.migrate.dispatch.kinds import unhooked
from exuvia.migrate.own import perf_counter_ns
from exuvia.migrate.shadow import sampling
from exuvia.migrate.shadow.containment import HERE, give_back, passed_by

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Callable, Generator, Mapping

    from exuvia._exuvia import Switch
    from exuvia.migrate.evidence.record import Record
    from exuvia.migrate.shadow.containment import Outcome
    from exuvia.migrate.shadow.door import Door
    from exuvia.migrate.shadow.tape import Tape

__all__ = ["awaiting", "beside", "computing", "drive", "drive_async", "sampled", "served", "spent_on"]


def sampled(served: Callable[..., Any], door: Door) -> Callable[..., Any]:
    """Make the callable that serves a plain function and has the other side run in the worker.

    Args:
        served: The side that serves.
        door: That of the unit's lane, which the first call opens.
    """
    record = door.record
    begun, returned, raised = sampling.begun, sampling.returned, sampling.raised

    def observed(*args: Any, **kwargs: Any) -> Any:
        switch, here = record.switch, HERE.__dict__
        if here["observing"] and passed_by(record):
            return served(*args, **kwargs) if switch is None else switch.serve(served, args, kwargs)
        call, lane, entered, inner = None, door.lane, 0, 0
        here["observing"] = True
        try:
            inner, entered, lane = here["overhead"], perf_counter_ns(), lane or door.open()
            if not here["contained"] and (len(lane.samples) < lane.limit or not lane.refused()):
                call = begun(lane, args, kwargs)
        except RecursionError:
            # Legacy may have the room that an observer has not.
            attempt(record.lost, sampling.DEEP)
        finally:
            here["observing"] = False
        # What observing takes inside is read before the end and after the beginning: never more than lies between.
        started, inside = perf_counter_ns(), here["overhead"]
        try:
            result = served(*args, **kwargs) if switch is None else switch.serve(served, args, kwargs)
        except BaseException as error:
            took = inside - here["overhead"] - started + perf_counter_ns()
            here["observing"] = True
            try:
                if call is not None:
                    raised(lane, call, (args, kwargs), error, took)
                    spent_on(record, entered, inner, took)
            except RecursionError:
                attempt(record.lost, sampling.DEEP)
            finally:
                here["observing"] = False
            raise
        took = inside - here["overhead"] - started + perf_counter_ns()
        here["observing"] = True
        try:
            if call is not None:
                returned(lane, call, (args, kwargs), result, took)
                spent_on(record, entered, inner, took)
            elif lane is not None and lane.latency.quiet:
                lane.latency.alone(took)
        except RecursionError:
            attempt(record.lost, sampling.DEEP)
        finally:
            here["observing"] = False
        return result

    return observed


def spent_on(record: Record, entered: int, inner: int, took: int) -> None:
    """Count what observing a call cost its caller, for the record and for the calls around it.

    Args:
        record: The unit's record.
        entered: When it began, nanoseconds.
        inner: `HERE.overhead` then.
        took: Nanoseconds of the side that served.
    """
    spent = perf_counter_ns() - entered - took
    record.observed_calls += 1
    record.observing_ns += spent - (HERE.overhead - inner)
    HERE.overhead = inner + spent


def beside(
    serving: Callable[..., Any],
    record: Record,
    copy: Callable[[tuple[Any, ...], dict[str, Any]], Any],
    run: Callable[[Outcome, int, Any, tuple[Any, Any]], BaseException | None],
) -> Callable[..., Any]:
    """Make the callable that serves a plain function and has the other side run in the caller's thread.

    Args:
        serving: The side that serves.
        record: The unit's record.
        copy: Copies arguments, or returns `None`.
        run: Runs the other side on the copies; what it returns is raised.
    """
    finalizing = sys.is_finalizing

    def observed(*args: Any, **kwargs: Any) -> Any:
        if HERE.contained or finalizing():
            return serving(*args, **kwargs)
        if passed_by(record):
            return serving(*args, **kwargs)
        HERE.observing = True
        try:
            inner, entered = HERE.overhead, perf_counter_ns()
            copies = copy(args, kwargs)
        finally:
            HERE.observing = False
        outcome, took = served(serving, args, kwargs, record.switch)
        HERE.observing = True
        try:
            interrupt = run(outcome, took, copies, (args, kwargs))
            if copies is not None:
                spent_on(record, entered, inner, took)
        finally:
            HERE.observing = False
        if interrupt is not None:
            raise interrupt
        return give_back(outcome)

    return observed


def awaiting(
    served: Callable[..., Any],
    begun: Callable[[tuple[Any, ...], dict[str, Any]], Any],
    came: Callable[..., None],
) -> Callable[..., Any]:
    """Make the callable that serves an async function.

    Args:
        served: The side that serves.
        begun: Packs what a call is given, or returns `None`.
        came: Takes what `begun` returned, the result or the exception, nanoseconds, and `raised`.
    """

    async def observed(*args: Any, **kwargs: Any) -> Any:
        call = begun(args, kwargs)
        if call is None:
            return await served(*args, **kwargs)
        clock = [0]
        try:
            result = await computing(served, args, kwargs, clock)
        except BaseException as error:
            came(call, error, clock[0], raised=True)
            raise
        came(call, result, clock[0], raised=False)
        return result

    return observed


@types.coroutine
def computing(
    function: Callable[..., Any], args: tuple[Any, ...], kwargs: Mapping[str, Any], clock: list[int]
) -> Generator[Any, Any, Any]:
    """Call an async function and await it as `await` does, timing what it computes: not what it waits for.

    While it is suspended others run, or nobody, and neither is its own time; nor is the loop that runs it.

    Args:
        function: What returns an awaitable.
        args: Positional arguments.
        kwargs: Keyword arguments.
        clock: Its first place gets the nanoseconds added, without what observing took inside of them.
    """
    steps: Any = None
    given: Any = None
    error: BaseException | None = None
    while True:
        started, inside = perf_counter_ns(), HERE.overhead
        try:
            if steps is None:
                made = function(*args, **kwargs)
                # A coroutine that `types.coroutine` made is its own iterator.
                begin = getattr(made, "__await__", None)
                steps = made if begin is None else begin()
            if error is not None:
                item = steps.throw(error)
            elif given is None:
                # An awaitable's own iterator need not have `send`.
                item = next(steps)
            else:
                item = steps.send(given)
        except StopIteration as stop:
            return stop.value
        finally:
            clock[0] += inside - HERE.overhead - started + perf_counter_ns()
            error = None
        try:
            given = yield item
        except GeneratorExit:
            getattr(steps, "close", _nothing)()
            raise
        except BaseException as thrown:
            if not hasattr(steps, "throw"):
                raise
            given, error = None, thrown


def _nothing() -> None: ...


def served(
    legacy: Callable[..., Any], args: tuple[Any, ...], kwargs: dict[str, Any], switch: Switch | None = None
) -> tuple[Outcome, int]:
    """Run legacy's side and keep what it returned or raised, for `give_back`.

    Args:
        legacy: What is called.
        args: The caller's own arguments.
        kwargs: The caller's own keyword arguments.
        switch: The unit's switch, where calls of the unit from inside of this one are not to be observed.

    Returns:
        The outcome and the time in ns, without what observing took inside of it.
    """
    start, inside = perf_counter_ns(), HERE.overhead
    result: Any = None
    raised: BaseException | None = None
    try:
        result = legacy(*args, **kwargs) if switch is None else switch.serve(legacy, args, kwargs)
    except BaseException as error:
        raised = error
    return (result, raised), inside - HERE.overhead - start + perf_counter_ns()


def drive(begin: Callable[[], tuple[Any, Tape, Callable[[], None]]]) -> Generator[Any, Any, Any]:
    """Drive a generator as `yield from` would, noting each step.

    Args:
        begin: Called at the first step: makes the generator, the tape, and what is called once at the end and
            must not raise.
    """
    made, tape, end = begin()
    did: str = "next"
    given: Any = None
    try:
        while True:
            tape.going = True
            started, inside = perf_counter_ns(), HERE.overhead
            try:
                item = made.throw(given) if did == "throw" else made.send(given)
            except StopIteration as stop:
                tape.took += inside - HERE.overhead - started + perf_counter_ns()
                ended(tape, did, given, stop.value)
                return stop.value
            except BaseException as error:
                tape.took += inside - HERE.overhead - started + perf_counter_ns()
                failed(tape, did, given, error)
                raise
            tape.took += inside - HERE.overhead - started + perf_counter_ns()
            tape.note(did, given, "yield", item)
            try:
                given = yield item
                did = "next" if given is None else "send"
            except BaseException as error:
                # What the caller throws is for the generator, an interrupt and the end of a task too. A close is the
                # throw of a GeneratorExit: if the generator yields to it, the caller hears of that as without us.
                did, given = "throw", error
            del item
    finally:
        del given
        end()


async def drive_async(begin: Callable[[], tuple[Any, Tape, Callable[[], None]]]) -> AsyncGenerator[Any, Any]:
    """Drive an async generator as its caller does, noting each step.

    Args:
        begin: As for `drive`.
    """
    made, tape, end = begin()
    did: str = "next"
    given: Any = None
    step: Any = None
    try:
        while True:
            tape.going = True
            clock = [0]
            try:
                if step is None:
                    step = made.asend
                    item = await computing(unhooked, (step, given), {}, clock)
                else:
                    step = made.athrow if did == "throw" else made.asend
                    item = await computing(step, (given,), {}, clock)
            except StopAsyncIteration:
                tape.took += clock[0]
                ended(tape, did, given, None)
                return
            except BaseException as error:
                tape.took += clock[0]
                failed(tape, did, given, error)
                raise
            tape.took += clock[0]
            tape.note(did, given, "yield", item)
            try:
                given = yield item
                did = "next" if given is None else "send"
            except BaseException as error:
                did, given = "throw", error
            del item
    finally:
        del given
        end()


def ended(tape: Tape, did: str, given: Any, value: Any) -> None:
    """Note that a generator has ended.

    Args:
        tape: Where its steps are noted.
        did: What the caller did.
        given: With what.
        value: What it returned.
    """
    if did == "throw" and isinstance(given, GeneratorExit):
        tape.note("close", None, "return", None)
    else:
        tape.note(did, given, "return", value)


def failed(tape: Tape, did: str, given: Any, error: BaseException) -> None:
    """Note what a generator raised: its own errors and what was thrown into it, not an interrupt that came meanwhile.

    Args:
        tape: Where its steps are noted.
        did: What the caller did.
        given: With what.
        error: What it raised.
    """
    if error is given and isinstance(error, GeneratorExit):
        tape.note("close", None, "return", None)
    elif error is given or isinstance(error, Exception):
        tape.note(did, given, "raise", error)
