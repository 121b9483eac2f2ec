"""Runs a candidate generator by the tape of legacy's: the same values sent, item by item, no step further.

A tape is a list of steps `(did, given, said, value)`: what the caller did (`next`, `send`, `throw`, `close`)
with what, and what legacy said to it (`yield`, `return`, `raise`, or `cut` where the tape ended early).
Generators, iterators and async generators all replay by it.
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

from exuvia._exuvia import detached_copy
from exuvia.migrate.own import perf_counter_ns
from exuvia.migrate.shadow.unseen_importlib_bootstrap import computing

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from exuvia.migrate.shadow.containment import Outcome

__all__ = ["Driver", "replay"]

Step = tuple[str, Any, str, Any]


def replay(
    candidate: Callable[..., Any],
    args: tuple[Any, ...],
    kwargs: dict[str, Any],
    tape: Sequence[Step],
    clock: list[int],
) -> tuple[list[Any], Outcome | None, list[Any], Outcome]:
    """Drive a candidate through a tape.

    >>> def count(n):
    ...     for i in range(n): yield i
    >>> steps = [("next", None, "yield", 0), ("next", None, "return", None)]
    >>> replay(count, (1,), {}, steps, [0])
    ([0], (None, None), [0], (None, None))

    Args:
        candidate: Makes the generator; it is first called here.
        args: Positional arguments.
        kwargs: Keyword arguments.
        tape: Legacy's steps.
        clock: Its first place gets the candidate's nanoseconds.

    Returns:
        The candidate's items and its end (`None` if its length already tells), legacy's items and end.
    """
    theirs = [value for _, _, said, value in tape if said == "yield"]
    end = _end_of(tape)
    items: list[Any] = []
    driver: Driver | None = None
    other: Outcome | None = None
    try:
        driver = Driver(candidate, args, kwargs, clock)
        for did, given, said, _ in tape:
            value = driver.step(did, given)
            if did == "close":
                other = (None, None) if said != "yield" else None
                break
            # A copy at once: the candidate may go on to change what it gave out.
            items.append(detached_copy(value)[0])
            if said in ("return", "raise"):
                break
    except (StopIteration, StopAsyncIteration) as stop:
        # Ended together with legacy: then what it returned counts; else the number of items tells.
        ended = len(items) == len(theirs) and end is not None
        other = (getattr(stop, "value", None), None) if ended else None
    except BaseException as error:
        other = (None, error.with_traceback(None))
    finally:
        if driver is not None:
            driver.leave()
    return items, other, theirs, end or (None, None)


def _end_of(tape: Sequence[Step]) -> Outcome | None:
    if not tape:
        return None
    _, _, said, value = tape[-1]
    return (None, value) if said == "raise" else (value, None) if said == "return" else None


class Driver:
    """One run of a candidate: steps of a generator, an iterator or an async generator.

    Args:
        candidate: Makes it.
        args: Positional arguments.
        kwargs: Keyword arguments.
        clock: Its first place gets the nanoseconds.
    """

    def __init__(
        self, candidate: Callable[..., Any], args: tuple[Any, ...], kwargs: dict[str, Any], clock: list[int]
    ) -> None:
        self.clock = clock
        self.loop: asyncio.AbstractEventLoop | None = None
        started = perf_counter_ns()
        self.running: Any = candidate(*args, **kwargs)
        self.is_async = hasattr(type(self.running), "__anext__")
        if not self.is_async and not hasattr(type(self.running), "__next__"):
            self.running = iter(self.running)
        clock[0] += perf_counter_ns() - started

    def step(self, did: str, given: Any) -> Any:
        """Ask it once more, and return what it yields.

        Args:
            did: `next`, `send`, `throw` or `close`.
            given: What is sent or thrown.
        """
        if self.is_async:
            return self._awaited(did, given)
        started = perf_counter_ns()
        try:
            return self._plain(did, given)
        finally:
            self.clock[0] += perf_counter_ns() - started

    def _plain(self, did: str, given: Any) -> Any:
        if did == "next":
            return next(self.running)
        if did == "close":
            close = getattr(self.running, "close", None)
            return close() if close is not None else None
        return self.running.send(given) if did == "send" else self.running.throw(given)

    def _awaited(self, did: str, given: Any) -> Any:
        if self.loop is None:
            self.loop = asyncio.new_event_loop()
        if did == "next":
            step: Any = self.running.__anext__
        elif did == "close":
            step = self.running.aclose
        else:
            step = self.running.asend if did == "send" else self.running.athrow
        return self.loop.run_until_complete(_timed(step, () if did in ("next", "close") else (given,), self.clock))

    def leave(self) -> None:
        """Let go of the generator: nothing of it runs on."""
        try:
            if self.is_async and self.loop is not None:
                self.loop.run_until_complete(_one(self.running.aclose()))
            elif hasattr(self.running, "close"):
                self.running.close()
        except BaseException:  # noqa: S110 - it is over; what it does at its end was not asked for
            pass
        finally:
            if self.loop is not None:
                self.loop.close()


async def _one(step: Any) -> Any:
    return await step


async def _timed(step: Callable[..., Any], given: tuple[Any, ...], clock: list[int]) -> Any:
    """Only what the candidate computes: not the loop around it, nor what it waits for."""
    return await computing(step, given, {}, clock)
