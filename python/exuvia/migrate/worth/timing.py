"""Times a candidate against legacy on the same calls, in turns, and takes the medians."""

from __future__ import annotations

import asyncio
import collections
import gc
import statistics
import time
import types
from typing import TYPE_CHECKING, Any

from exuvia._exuvia import detached_copy

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

__all__ = ["timed"]

ROUNDS = 7
LIMIT_S = 3.0


def timed(
    legacy: Callable[..., Any],
    candidate: Callable[..., Any],
    calls: Sequence[tuple[tuple[Any, ...], dict[str, Any]]],
    limit_s: float = LIMIT_S,
) -> tuple[float, float] | str:
    """Return the seconds that both sides need for some calls.

    >>> timed(lambda n: sum(range(n)), lambda n: n * (n - 1) // 2, [((20_000,), {})])[0] > 0
    True
    >>> timed(len, lambda _: 1 / 0, [(([],), {})])
    'the candidate raises ZeroDivisionError: division by zero'

    Args:
        legacy: Legacy's side.
        candidate: The candidate's side.
        calls: Arguments; each side gets copies.
        limit_s: Seconds after which no further round begins.

    Returns:
        Both times, the median over rounds, or why there are none: an arm that raises fails the run.
    """
    if not calls:
        return "no call was seen"
    times: tuple[list[float], list[float]] = ([], [])
    end = time.perf_counter() + limit_s
    enabled = gc.isenabled()
    finish = _Ending()
    gc.disable()
    try:
        for number in range(ROUNDS):
            if number > 1 and time.perf_counter() > end:
                break
            for side in (0, 1) if number % 2 else (1, 0):
                function = (legacy, candidate)[side]
                copies = [(detached_copy(args)[0], detached_copy(kwargs)[0]) for args, kwargs in calls]
                began = time.perf_counter()
                try:
                    for args, kwargs in copies:
                        finish(function(*args, **kwargs))
                except Exception as error:
                    name = ("legacy", "the candidate")[side]
                    return f"{name} raises {type(error).__name__}: {error}"
                times[side].append(time.perf_counter() - began)
    finally:
        finish.close()
        if enabled:
            gc.enable()
    return statistics.median(times[0]), statistics.median(times[1])


class _Ending:
    """Runs results to their end: one loop for all coroutines, whose making is not timed."""

    def __init__(self) -> None:
        self.loop: asyncio.AbstractEventLoop | None = None

    def __call__(self, made: Any) -> Any:
        if isinstance(made, types.CoroutineType):
            self.loop = self.loop or asyncio.new_event_loop()
            return self.loop.run_until_complete(made)
        if isinstance(made, types.GeneratorType):
            return collections.deque(made, maxlen=0)
        return made

    def close(self) -> None:
        """End the loop, if one was made."""
        if self.loop is not None:
            self.loop.close()
