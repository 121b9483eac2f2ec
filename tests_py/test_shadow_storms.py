"""Storms of alarms that raise or call units, and of destructors: results are the program's own, no side is blamed."""

from __future__ import annotations

import gc
import os
import signal
import time
from typing import TYPE_CHECKING, Any

import pytest
from shadowing import Shadowed, shadowed

if TYPE_CHECKING:
    from collections.abc import Iterator

__all__ = ["shadowed"]

pytestmark = pytest.mark.skipif(
    bool(os.environ.get("EXUVIA_COVERAGE")),
    reason="an alarm that raises while coverage.py holds its own lock leaves it taken: the next thread waits for ever",
)

SECONDS = 0.7
SOURCE = """
class Book:
    def __init__(self, start=0):
        self.count = start
    def add(self, n):
        self.count += n
        return self.count
    def fail(self, n):
        self.count += n
        raise ValueError("n")
    @property
    def half(self):
        return self.count / 2
    def export_state(self):
        return self.count
    @classmethod
    def import_state(cls, state):
        return cls(state)
def total(n, rows):
    return n + sum(rows)
def refuse(n):
    raise ValueError("n")
"""
MODES = {
    "shadow": "",
    "canary": "share = 0.5\nkey = ",
    "rust": "sample = 0.999999",
}


class Stop(Exception): ...  # noqa: N818 - a watchdog's, as programs name it


class Storm:
    """An alarm about each millisecond; what it raises is counted when it was fired, and when it came."""

    def __init__(self, module: Any) -> None:
        self.module, self.book = module, module.Book(0)
        self.fired = self.seen = self.calls = 0
        self.armed = False
        self.raises = True

    def handle(self, *_: Any) -> None:
        if self.raises:
            if self.armed:
                # Once: a second one would take the place of the first on its way out.
                self.armed = False
                self.fired += 1
                raise Stop
            return
        self.fired += 1
        self.work(self.book)

    def work(self, book: Any) -> None:
        """What a program does, checked by itself."""
        module, self.calls = self.module, self.calls + 1
        assert module.total(1, [2, 3]) == 6
        try:
            module.refuse(1)
        except ValueError as error:
            assert error.args == ("n",)
        made = module.Book(3)
        assert (made.add(1), made.half) == (4, 2.0)
        count = book.count
        assert book.add(1) >= count + 1
        try:
            book.fail(1)
        except ValueError as error:
            assert error.args == ("n",)

    def run(self) -> None:
        end = time.monotonic() + SECONDS
        signal.setitimer(signal.ITIMER_REAL, 0.0011, 0.0011)
        while time.monotonic() < end:
            self.book = self.module.Book(0)
            try:
                self.armed = True
                for _ in range(20):
                    self.work(self.book)
                self.armed = False
            except Stop:
                self.seen += 1
            finally:
                self.armed = False
        signal.setitimer(signal.ITIMER_REAL, 0)


@pytest.fixture
def quiet() -> Iterator[None]:
    held = signal.getsignal(signal.SIGALRM)
    # The interpreter drops what is raised in these: hypothesis has one, and an alarm in it would be lost there.
    callbacks, gc.callbacks[:] = gc.callbacks[:], []
    threshold = gc.get_threshold()
    yield
    signal.setitimer(signal.ITIMER_REAL, 0)
    signal.signal(signal.SIGALRM, held)
    gc.callbacks[:] = callbacks
    gc.set_threshold(*threshold)


def install(shadowed: Shadowed, mode: str, isolation: str) -> None:
    shadowed.write(SOURCE, SOURCE)
    more = f'isolation = "{isolation}"\nwhen_full = "wait"\n{MODES[mode]}'
    if mode == "canary":
        more += '"$args[0]"'
    shadowed.install("Book", "total", "refuse", mode=mode, more=more)


def nobody_is_blamed_and_comparing_goes_on(shadowed: Shadowed, mode: str, isolation: str) -> None:
    assert not shadowed.courier.broken
    before = {}
    # In the caller's thread objects of the candidate have no twins.
    alone = {"Book"} if isolation == "thread" and mode != "shadow" else set()
    for name in ("Book", "total", "refuse"):
        found = shadowed.counts(name)
        assert (found["differed"], found["cascades"], found["errors"]) == (0, 0, 0), (name, found["places"])
        assert shadowed.mode(name) == mode, name
        if name not in alone:
            assert found["compared"] > 0, (name, found["reasons"])
            before[name] = found["compared"]
    for start in range(40):
        assert shadowed.legacy.Book(start).add(1) == start + 1
        assert shadowed.legacy.total(start, [1]) == start + 1
        with pytest.raises(ValueError, match="n"):
            shadowed.legacy.refuse(start)
    for name, compared in before.items():
        assert shadowed.counts(name)["compared"] >= compared + 40, name


@pytest.mark.parametrize("isolation", ["process", "thread"])
@pytest.mark.parametrize("mode", list(MODES))
@pytest.mark.parametrize("raises", [True, False], ids=["raises", "calls"])
@pytest.mark.usefixtures("quiet")
def test_in_a_storm_of_alarms_every_result_is_the_programs_and_no_side_is_blamed(
    shadowed: Shadowed, mode: str, isolation: str, raises: bool
) -> None:
    install(shadowed, mode, isolation)
    storm = Storm(shadowed.legacy)
    storm.raises = raises
    signal.signal(signal.SIGALRM, storm.handle)
    storm.run()
    assert storm.fired > 50
    if raises:
        assert storm.seen == storm.fired
    reasons = shadowed.counts("Book")["reasons"]
    assert not any("two threads" in reason for reason in reasons), reasons
    nobody_is_blamed_and_comparing_goes_on(shadowed, mode, isolation)


@pytest.mark.parametrize("isolation", ["process", "thread"])
@pytest.mark.parametrize("mode", list(MODES))
@pytest.mark.usefixtures("quiet")
def test_in_a_storm_of_destructors_every_result_is_the_programs_and_no_side_is_blamed(
    shadowed: Shadowed, mode: str, isolation: str
) -> None:
    install(shadowed, mode, isolation)
    storm = Storm(shadowed.legacy)

    class Cyclic:
        def __init__(self) -> None:
            self.me = self

        def __del__(self) -> None:
            storm.fired += 1
            storm.work(storm.book)

    gc.set_threshold(60)
    end = time.monotonic() + SECONDS
    while time.monotonic() < end:
        Cyclic()
        storm.work(storm.book)
    gc.set_threshold(0)
    assert storm.fired > 50
    nobody_is_blamed_and_comparing_goes_on(shadowed, mode, isolation)
