"""The caller's side of a sampled call: pickle, serve, pickle, append. Everything else happens elsewhere.

The arguments are pickled before the side that serves can change them, and again after it only if they could
have changed; the result at once. What cannot be pickled is counted with its reason.
"""

from __future__ import annotations

from time import perf_counter_ns
from typing import TYPE_CHECKING, Any

from exuvia.migrate.shadow.containment import HERE
from exuvia.migrate.shadow.lane import LARGE
from exuvia.migrate.shadow.packing import ATOMS, PROTOCOL, context_key, pack, pack_raised, reason
from exuvia.migrate.shadow.protocol import CALL

if TYPE_CHECKING:
    from collections.abc import Callable

    from exuvia.migrate.shadow.lane import Lane

__all__ = ["changed", "observer", "packed", "packed_raised"]


def observer(served: Callable[..., Any], lane: Lane) -> Callable[..., Any]:
    """Make the callable that serves a plain function and has the other side run in the worker.

    Args:
        served: The side that serves.
        lane: The unit's lane.
    """
    index, samples = lane.index, lane.samples

    def observed(*args: Any, **kwargs: Any) -> Any:
        entered, inner = perf_counter_ns(), HERE.overhead
        if HERE.contained or (len(samples) >= lane.limit and lane.refused()):
            HERE.overhead = inner + (perf_counter_ns() - entered)
            return lane.bare(served, args, kwargs)
        try:
            before = pack((args, kwargs), PROTOCOL)
            context = context_key()
        except Exception as error:
            lane.record.lost(reason("arguments cannot be pickled", error))
            return lane.bare(served, args, kwargs)
        started = perf_counter_ns()
        try:
            result = served(*args, **kwargs)
        except BaseException as error:
            took = perf_counter_ns() - started - (HERE.overhead - inner)
            outcome = packed_raised(lane, error)
            if outcome is not None:
                after = changed(before, args, kwargs)
                _put(lane, (CALL, index, 0, "", before, after, outcome, True, took, context, None))
            HERE.overhead = inner + (perf_counter_ns() - entered - took)
            raise
        took = perf_counter_ns() - started - (HERE.overhead - inner)
        try:
            outcome = pack(result, PROTOCOL)
        except Exception as error:
            lane.record.lost(reason("the result cannot be pickled", error))
        else:
            after = changed(before, args, kwargs)
            _put(lane, (CALL, index, 0, "", before, after, outcome, False, took, context, None))
        HERE.overhead = inner + (perf_counter_ns() - entered - took)
        return result

    return observed


def changed(before: bytes, args: tuple[Any, ...], kwargs: dict[str, Any]) -> bytes | None:
    """Return the arguments' bytes after a call, or `None` if they are what they were.

    Args:
        before: Their bytes before it.
        args: Positional arguments.
        kwargs: Keyword arguments.
    """
    if not kwargs:
        for value in args:
            if type(value) not in ATOMS:
                break
        else:
            return None
    try:
        after = pack((args, kwargs), PROTOCOL)
    except Exception:
        # What cannot be pickled any more has changed; how, the pickle of nothing tells as well as any.
        return pack((("(cannot be pickled after the call)",), {}), PROTOCOL)
    return None if after == before else after


def packed(lane: Lane, value: object, what: str) -> bytes | None:
    """Pickle a value, or count why not.

    Args:
        lane: The unit's lane.
        value: Anything.
        what: What it is, for the reason.
    """
    try:
        return pack(value, PROTOCOL)
    except Exception as error:
        lane.record.lost(reason(f"{what} cannot be pickled", error))
        return None


def packed_raised(lane: Lane, error: BaseException) -> bytes | None:
    """Pickle what was raised, or count why not; on the way out of the program nothing is sampled.

    Args:
        lane: The unit's lane.
        error: The exception.
    """
    if not isinstance(error, Exception):
        return None
    try:
        return pack_raised(error)
    except Exception as trouble:
        lane.record.lost(reason("the exception cannot be pickled", trouble))
        return None


def _put(lane: Lane, sample: Any) -> None:
    size = len(sample[4]) + len(sample[6])
    if size > LARGE:
        lane.weigh(size)
    lane.put(sample)
