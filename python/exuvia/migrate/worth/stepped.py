"""Runs coroutines and generators step by step, so that what they compute is timed and what they wait for is not."""

from __future__ import annotations

import time
import types
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable, Generator

    from exuvia.migrate.worth.counting import Counted

__all__ = ["Stepped"]

ALL = 1_000
"""Steps that are timed each; the clocks cost as much as a short step."""
EVERY = 61
"""Of those after it, one in so many: no round number, with which a program could keep step."""


class Stepped:
    """Adds up what the steps of one function take.

    Args:
        counted: Where the time goes.
    """

    def __init__(self, counted: Counted) -> None:
        self.counted = counted
        self.steps = 0
        self.own = _own()

    def _step(self, step: Callable[..., Any], given: Any) -> Any:
        counted, inside = self.counted, self.counted.depth.inside
        self.steps += 1
        many = 1 if self.steps <= ALL else EVERY
        if inside or self.steps % many:
            return step(given)
        counted.depth.inside = True
        began, cpu = time.perf_counter_ns(), time.thread_time_ns()
        try:
            return step(given)
        finally:
            counted.cpu_s += many * max(0, time.thread_time_ns() - cpu - self.own) * 1e-9
            counted.wall_s += many * max(0, time.perf_counter_ns() - began - 2 * self.own) * 1e-9
            counted.depth.inside = False

    def iterated(self, made: Any) -> Generator[Any, Any, Any]:
        """Drive a generator, or what a coroutine awaits, as its caller does.

        Args:
            made: It.
        """
        step, given = made.send, None
        while True:
            try:
                item = self._step(step, given)
            except StopIteration as stop:
                return stop.value
            try:
                given = yield item
                step = made.send
            except BaseException as error:
                step, given = made.throw, error

    @types.coroutine
    def awaited(self, made: Any) -> Generator[Any, Any, Any]:
        """Drive a coroutine as the event loop does.

        Args:
            made: It.
        """
        return (yield from self.iterated(made))


def _own() -> int:
    """Nanoseconds of the thread's clock that looking at the clocks takes by itself: the least of many looks."""
    looks = []
    for _ in range(200):
        began = time.thread_time_ns()
        looks.append(time.thread_time_ns() - began)
    return min(looks)
