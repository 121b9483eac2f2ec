"""How a candidate runs beside the trading program in shadow mode: after legacy, without a trace.

It runs in the caller's thread. Its exceptions stop here; the random streams, the decimal context, the context
variables, the environment, the working directory and the interpreter's limits are as if it had never run. What other
threads may have drawn or changed meanwhile is never put back, since it would be given out twice: comparing ends there.

What this does not contain: a candidate that hangs, aborts the process or takes all memory. The worker
process contains these (`isolation = "process"`, the default); this form is for `isolation = "thread"`.
"""

from __future__ import annotations

import contextvars
import decimal
import functools
import gc
import random
import sys
import types
from typing import TYPE_CHECKING, Any

from exuvia.migrate import background
from exuvia.migrate.dispatch.interrupts import by_signal
from exuvia.migrate.own import perf_counter_ns, pickle, threading
from exuvia.migrate.shadow import surroundings

if TYPE_CHECKING:
    from collections.abc import Callable

    from exuvia.migrate.evidence.record import Record

__all__ = ["HERE", "MIXED", "give_back", "is_exit", "leaves_random_alone", "passed_by", "run_contained"]

MIXED = (
    "random numbers were drawn, or the environment, the working directory or a limit of the interpreter was changed, "
    "by the candidate or another thread while it ran in the caller's: use isolation = 'process'"
)
"""Why nothing more of a unit is compared in the caller's thread."""

Outcome = tuple[Any, BaseException | None]
"""A result, or `None` and the exception."""


class _Here(threading.local):
    """What this thread is doing.

    Attributes:
        contained: A candidate is running: units that it calls serve legacy and are not observed.
        observing: exuvia is at work for a call, before or after what serves it. What is called meanwhile comes from a
            signal's handler, a destructor or a pickling hook: it is served, counted as `nested`, and not observed.
            It is set right before a `try` and reset first in its `finally`: there the interpreter lets nothing in.
        asking: Meanwhile exuvia itself asks an object of the program for something, as for its state: what that calls
            is its own affair, unless a handler comes in between.
        overhead: Nanoseconds that this thread spent on observing, so that outer timings can leave it out.
    """

    contained: bool = False
    observing: bool = False
    asking: bool = False
    overhead: int = 0

    def __init__(self) -> None:
        """In each thread that asks: so that all of it stands in its dictionary, which is quicker to ask twice."""
        self.contained = self.observing = self.asking = False
        self.overhead = 0


HERE = _Here()


def passed_by(record: Record) -> bool:
    """Whether a call is served and not observed, since exuvia is at work for another one; counts it.

    Args:
        record: The unit's record.
    """
    if not HERE.observing:
        return False
    record.nested += not (HERE.contained or HERE.asking)
    return True


def leaves_random_alone(candidate: object) -> bool:
    """Say whether a candidate is a function compiled by exuvia, which cannot touch Python's random streams.

    A class is not left alone: its objects may hold callbacks of the program.

    Args:
        candidate: The callable or class.
    """
    while isinstance(candidate, functools.partial):
        candidate = candidate.func
    module = str(getattr(candidate, "__module__", ""))
    return isinstance(candidate, types.BuiltinFunctionType) and module.partition(".")[0] == "exuvia"


def run_contained(
    candidate: Callable[..., Any],
    args: tuple[Any, ...],
    kwargs: dict[str, Any],
    guard_random: bool,
    record: Record | None = None,
) -> tuple[Outcome, int, BaseException | None]:
    """Run a candidate on copies; whatever it raises is returned.

    Args:
        candidate: What is called.
        args: Positional arguments, copies.
        kwargs: Keyword arguments, copies.
        guard_random: Whether the random streams and what else it may change in the process are saved and put back.
        record: The unit's record: learns if other threads keep that from being put back.

    Returns:
        The outcome, the time in ns, and the `KeyboardInterrupt` or the exception of a signal's handler that arrived
        meanwhile in the main thread: that one is the program's and has to go on to the caller.
    """
    saved = _save(others()) if guard_random else None
    interrupt: BaseException | None = None
    raised: BaseException | None = None
    result: Any = None
    HERE.contained = True
    clock = [0, 0]
    try:
        result = contextvars.copy_context().run(_in_own_decimal_context, candidate, args, kwargs, clock)
    except KeyboardInterrupt as error:
        raised = error
        if threading.get_ident() == threading.main_thread().ident:
            interrupt = error
    except BaseException as error:
        raised = error
        if by_signal(error):
            interrupt = error
    finally:
        HERE.contained = False
        if saved is not None:
            try:
                apart = _restore(saved)
            except BaseException:
                # A signal's handler came in the middle of it.
                _restore(saved)
                raise
            if not apart and record is not None:
                record.apart = MIXED
    return (result, raised), clock[1] - clock[0], interrupt


def give_back(outcome: Outcome) -> Any:
    """Return or raise what legacy did: the same object.

    Args:
        outcome: As `served` kept it.
    """
    result, raised = outcome
    if raised is None:
        return result
    try:
        trace = raised.__traceback__
        raise raised.with_traceback(trace.tb_next if trace is not None else None)
    finally:
        del outcome, raised


def is_exit(outcome: Outcome) -> bool:
    """Say whether legacy is on its way out, or was ended by a signal or the recursion limit: then nothing more is run.

    Args:
        outcome: As `served` kept it.
    """
    raised = outcome[1]
    if raised is None:
        return False
    return not isinstance(raised, Exception) or isinstance(raised, RecursionError) or by_signal(raised)


def _in_own_decimal_context(
    candidate: Callable[..., Any], args: tuple[Any, ...], kwargs: dict[str, Any], clock: list[int]
) -> Any:
    """Call the candidate; `clock` gets when it began and ended, so that only its own time is counted."""
    decimal.setcontext(decimal.getcontext().copy())
    clock[0] = clock[1] = perf_counter_ns()
    try:
        return candidate(*args, **kwargs)
    finally:
        clock[1] = perf_counter_ns()


def others() -> int:
    """Return how many threads the program has beside this one; exuvia's own draw no numbers."""
    return max(0, len(sys._current_frames()) - 1 - background.running())


_Saved = tuple[bool, Any, Any, surroundings.Held, tuple[int, bool]]
"""Whether no other thread runs, the random streams, environment and directory, limits of the interpreter."""


def _save(threads: int) -> _Saved:
    numpy = sys.modules.get("numpy.random")
    arrays = numpy.get_state(legacy=False) if numpy is not None else None
    return not threads, random.getstate(), arrays, surroundings.now(), _limits()


def _restore(saved: _Saved) -> bool:
    """Put back what has changed; where other threads run, it may be theirs, and would be given to them twice.

    Args:
        saved: As `_save` returned it.

    Returns:
        Whether it is as it was.
    """
    alone, state, arrays, held, limits = saved
    numpy = sys.modules.get("numpy.random")
    drawn = random.getstate() != state
    sown = arrays is not None and numpy is not None and not _same(numpy.get_state(legacy=False), arrays)
    if not (drawn or sown or surroundings.now() != held or _limits() != limits):
        return True
    if not alone or others():
        return False
    if drawn:
        random.setstate(state)
    if sown and numpy is not None:
        numpy.set_state(arrays)
    surroundings.put_back(held)
    depth, collects = limits
    sys.setrecursionlimit(depth)
    (gc.enable if collects else gc.disable)()
    return True


def _limits() -> tuple[int, bool]:
    return sys.getrecursionlimit(), gc.isenabled()


def _same(one: Any, two: Any) -> bool:
    """Whether two states of numpy's streams are the same: dictionaries with an array in them."""
    return pickle.dumps(one) == pickle.dumps(two)
