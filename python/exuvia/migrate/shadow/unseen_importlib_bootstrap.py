"""The frames that stand between a caller and what serves it. The name of this file is what hides them.

`warnings` and `logging` pass over the frames of a file whose path holds "importlib" and "_bootstrap" when they look
for the caller by `stacklevel`: so a warning names the line of the program that it names without exuvia.
"""

from __future__ import annotations

from time import perf_counter_ns
from typing import TYPE_CHECKING, Any

from exuvia._exuvia import attempt
from exuvia.migrate.shadow import sampling
from exuvia.migrate.shadow.containment import HERE

if TYPE_CHECKING:
    from collections.abc import Callable

    from exuvia.migrate.shadow.lane import Lane

__all__ = ["sampled"]


def sampled(served: Callable[..., Any], lane: Lane) -> Callable[..., Any]:
    """Make the callable that serves a plain function and has the other side run in the worker.

    Args:
        served: The side that serves.
        lane: The unit's lane.
    """
    samples, record = lane.samples, lane.record
    begun, returned, raised = sampling.begun, sampling.returned, sampling.raised

    def observed(*args: Any, **kwargs: Any) -> Any:
        entered, inner = perf_counter_ns(), HERE.overhead
        call = None
        try:
            if not HERE.contained and (len(samples) < lane.limit or not lane.refused()):
                call = begun(lane, args, kwargs)
        except RecursionError:
            # Legacy may have the room that an observer has not.
            attempt(record.lost, sampling.DEEP)
        switch = record.switch
        took = 0
        started = perf_counter_ns()
        try:
            result = served(*args, **kwargs) if switch is None else switch.serve(served, args, kwargs)
        except BaseException as error:
            took = perf_counter_ns() - started - (HERE.overhead - inner)
            if call is not None:
                try:
                    raised(lane, call, (args, kwargs), error, took)
                except RecursionError:
                    attempt(record.lost, sampling.DEEP)
            raise
        else:
            took = perf_counter_ns() - started - (HERE.overhead - inner)
            try:
                if call is not None:
                    returned(lane, call, (args, kwargs), result, took)
                elif lane.latency.quiet:
                    lane.latency.alone(took)
            except RecursionError:
                attempt(record.lost, sampling.DEEP)
            return result
        finally:
            HERE.overhead = inner + (perf_counter_ns() - entered - took)

    return observed
