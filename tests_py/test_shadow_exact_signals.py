"""A program's own time-outs: what a signal's handler raises reaches the caller, in whatever the observer was busy."""

from __future__ import annotations

import gc
import os
import signal
import threading
import time
from typing import TYPE_CHECKING, Any

import pytest
from exuvia.migrate.dispatch.interrupts import by_signal
from shadowing import Shadowed, shadowed

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from types import FrameType

__all__ = ["shadowed"]

pytestmark = pytest.mark.skipif(
    bool(os.environ.get("EXUVIA_COVERAGE")),
    reason="an alarm that raises while coverage.py holds its own lock leaves it taken: the next thread waits for ever",
)

SECONDS = 1.5

SAME = """
def same(value):
    return value
def busy(seconds):
    import time
    end = time.perf_counter() + seconds
    while time.perf_counter() < end:
        pass
    return seconds
"""


class AlarmError(Exception):
    """The program's own."""


class Watchdog:
    """A handler of SIGALRM that raises, as programs have it."""

    def __init__(self, kind: type[Exception]) -> None:
        self.kind, self.fired, self.seen = kind, 0, 0

    def __call__(self, number: int, frame: FrameType | None) -> None:  # noqa: ARG002 - as handlers are
        self.fired += 1
        raise self.kind

    def watch(self, call: Callable[[], object]) -> None:
        """Call again and again until the alarm comes, and again."""

        def once() -> None:
            # A function of its own: the jump back of a loop in a `try` is not in that `try` on Python 3.13.
            before = self.fired
            signal.setitimer(signal.ITIMER_REAL, 0.0013)
            while self.fired == before:
                call()

        end = time.monotonic() + SECONDS
        while time.monotonic() < end:
            try:
                once()
            except self.kind:
                self.seen += 1
        signal.setitimer(signal.ITIMER_REAL, 0)


@pytest.fixture
def watchdog(request: pytest.FixtureRequest) -> Iterator[Watchdog]:
    made = Watchdog(getattr(request, "param", AlarmError))
    held = signal.signal(signal.SIGALRM, made)
    # The interpreter drops what is raised in these: hypothesis has one, and an alarm in it would be lost there.
    callbacks, gc.callbacks[:] = gc.callbacks[:], []
    # Nor may what other tests left behind be collected meanwhile: what is raised in a `__del__` is dropped too.
    gc.collect()
    yield made
    signal.setitimer(signal.ITIMER_REAL, 0)
    signal.signal(signal.SIGALRM, held)
    gc.callbacks[:] = callbacks


@pytest.mark.parametrize("watchdog", [AlarmError, TimeoutError], indirect=True)
@pytest.mark.parametrize("rows", [1, 300])
@pytest.mark.parametrize("isolation", ["process", "thread"])
def test_every_alarm_reaches_the_caller_and_none_is_a_difference(
    shadowed: Shadowed, watchdog: Watchdog, rows: int, isolation: str
) -> None:
    shadowed.write(SAME, SAME)
    shadowed.install("same", more=f'isolation = "{isolation}"')
    given = [list(range(20)) for _ in range(rows)]
    watchdog.watch(lambda: shadowed.legacy.same(given))
    assert watchdog.fired > 50
    assert watchdog.seen == watchdog.fired
    if isolation == "process":
        found = shadowed.counts("same")
        assert found["differed"] == 0, found["places"]
        assert found["compared"] > 0


def test_a_call_that_an_alarm_ended_is_lost_and_no_difference(shadowed: Shadowed, watchdog: Watchdog) -> None:
    shadowed.write(SAME, SAME)
    shadowed.install("busy")
    seen = 0
    for _ in range(5):
        signal.setitimer(signal.ITIMER_REAL, 0.02)
        with pytest.raises(AlarmError):
            shadowed.legacy.busy(5.0)
        seen += 1
    found = shadowed.counts("busy")
    assert (seen, found["compared"], found["differed"]) == (5, 0, 0)
    assert found["reasons"]["a signal's handler ended the call"] == 5


def test_an_alarm_inside_of_a_pickling_hook_reaches_the_caller(shadowed: Shadowed, watchdog: Watchdog) -> None:
    class Slow:
        def __reduce__(self) -> Any:
            time.sleep(5.0)
            return int, ()

    shadowed.write(SAME, SAME)
    shadowed.install("same", more='pickling = "run"')
    signal.setitimer(signal.ITIMER_REAL, 0.05)
    with pytest.raises(AlarmError):
        shadowed.legacy.same(Slow())


@pytest.mark.usefixtures("watchdog")
def test_an_exception_that_another_thread_sends_is_not_taken_for_the_picklers(shadowed: Shadowed) -> None:
    import ctypes

    shadowed.write(SAME, SAME)
    shadowed.install("same")
    given = [list(range(20)) for _ in range(300)]
    # The first call starts a thread, which bears its maker's number for a moment on 3.11:
    # CPython would give it what is sent to the maker.
    assert shadowed.legacy.same(given) == given
    sent = seen = 0
    # No lock of Python's lies between the threads: what is sent may come in the middle of taking one.
    armed, main, until = [0], threading.get_ident(), time.monotonic() + 120.0

    def sender() -> None:
        for number in range(40):
            while armed[0] <= number and time.monotonic() < until:
                time.sleep(0.0005)
            time.sleep(0.003)
            ctypes.pythonapi.PyThreadState_SetAsyncExc(ctypes.c_ulong(main), ctypes.py_object(AlarmError))

    def called_for(seconds: float) -> None:
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            shadowed.legacy.same(given)

    thread = threading.Thread(target=sender, daemon=True)
    thread.start()
    for _ in range(40):
        sent += 1
        try:
            armed[0] += 1
            called_for(1.0)
        except AlarmError:
            seen += 1
    thread.join(10.0)
    assert (sent, seen) == (40, 40)


def test_a_handler_is_known_after_it_was_exchanged_and_nothing_else_is() -> None:
    def once(number: int, frame: FrameType | None) -> None:
        signal.signal(signal.SIGUSR1, held)
        raise AlarmError

    held = signal.signal(signal.SIGUSR1, once)
    try:
        with pytest.raises(AlarmError) as caught:
            os.kill(os.getpid(), signal.SIGUSR1)
            time.sleep(1.0)
    finally:
        signal.signal(signal.SIGUSR1, held)
    assert by_signal(caught.value)
    with pytest.raises(ValueError, match="invalid literal") as other:
        int("seven")
    assert not by_signal(other.value)
